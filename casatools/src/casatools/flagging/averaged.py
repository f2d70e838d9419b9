"""Tests of averages over channels or times, spread back to what was averaged."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from casatools.flagging.agents import FlagChunk

__all__ = ["averaged_values"]


def averaged_values(
    plane: np.ndarray,
    flagged: np.ndarray,
    chanbin: int,
    timebin_s: float,
    piece: FlagChunk,
    rows: np.ndarray,
    test: Callable[[np.ndarray], np.ndarray],
) -> np.ndarray:
    """Apply `test` to averages of the unflagged values and give each value its average's result.

    Parameters
    ----------
    plane : ndarray (row, chan) [Jy]
    flagged : ndarray (row, chan) bool
    chanbin : int
        Channels to average.
    timebin_s : float [s]
        Interval to average, per baseline; 0 does not.
    piece : FlagChunk
    rows : ndarray (row,) int
        Rows of the piece that `plane` holds.
    test : callable
        Array of averages to array of bool.

    Returns
    -------
    ndarray (row, chan) bool
    """
    nrow, nchan = plane.shape
    group = np.arange(nrow)
    if timebin_s > 0:
        time_s = piece.row_values("TIME")[rows]
        baseline = piece.row_values("ANTENNA1")[rows].astype(np.int64) * 65536 + piece.row_values("ANTENNA2")[rows]
        width = piece.row_values("INTERVAL")[rows]
        start = time_s.min() - 0.5 * width.min()
        slot = np.floor((time_s - start) / timebin_s).astype(np.int64)
        _, group = np.unique(baseline * (slot.max() + 1) + slot, return_inverse=True)
        group = group.ravel()
    channel = np.arange(nchan) // max(1, chanbin)
    ngroup, nbin = int(group.max()) + 1, int(channel.max()) + 1
    cell = group[:, None] * nbin + channel[None, :]
    good = ~flagged
    count = np.bincount(cell[good], minlength=ngroup * nbin)
    total = np.bincount(cell[good], weights=plane.real[good], minlength=ngroup * nbin).astype(np.complex128)
    if np.iscomplexobj(plane):
        total += 1j * np.bincount(cell[good], weights=plane.imag[good], minlength=ngroup * nbin)
    mean = total / np.maximum(count, 1)
    averages = mean.astype(np.complex64) if np.iscomplexobj(plane) else mean.real.astype(np.float32)
    result = test(averages) & (count > 0)
    return np.asarray(result[cell])
