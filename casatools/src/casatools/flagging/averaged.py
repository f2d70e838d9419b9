"""Averages over channels or times."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from casatools.flagging.agents import FlagChunk

__all__ = ["BIN_SLACK_S", "PIECE_SLACK_S", "averages", "time_bins"]

# Averages: twice the rounding of a time; times 59.9998 s apart are together in bins of 60 s, as in the reference.
BIN_SLACK_S = 2e-6
# Pieces of `ntime`, where the reference was seen to allow 0.0092 to 0.0114 s: times from UVFITS are some milliseconds off.
PIECE_SLACK_S = 0.01


def time_bins(
    time_s: np.ndarray, timebin_s: float, together: np.ndarray | None = None, slack_s: float = BIN_SLACK_S
) -> np.ndarray:
    """Number the bins that an average in time makes: each begins with a time and takes those less than `timebin_s` later.

    Parameters
    ----------
    time_s : ndarray (row,) float64 [s]
    timebin_s : float [s]
    together : ndarray (row,) int, optional
        A change of this number ends a bin.
    slack_s : float [s]
        How much less than `timebin_s` later a time may be to begin a bin.

    Returns
    -------
    ndarray (row,) int64
    """
    numbers = np.zeros(len(time_s), np.int64) if together is None else together
    times, rank = np.unique(time_s, return_inverse=True)
    keys, inverse = np.unique(numbers.astype(np.int64) * len(times) + rank.ravel(), return_inverse=True)
    number, time = keys // max(1, len(times)), times[keys % max(1, len(times))]
    slot = np.zeros(len(keys), np.int64)
    start = 0
    for k in range(1, len(keys)):
        fresh = number[k] != number[k - 1] or time[k] - time[start] >= timebin_s - slack_s
        slot[k] = slot[k - 1] + fresh
        start = k if fresh else start
    return np.asarray(slot[inverse.ravel()])


def averages(
    plane: np.ndarray, flagged: np.ndarray, chanbin: int, slot: np.ndarray | None, piece: FlagChunk, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Average the unflagged values.

    Parameters
    ----------
    plane : ndarray (row, chan) [Jy]
    flagged : ndarray (row, chan) bool
    chanbin : int
        Channels to average.
    slot : ndarray (row,) int, optional
        Rows of a baseline with equal numbers are averaged, as `time_bins` gives them; None averages no rows.
    piece : FlagChunk
    rows : ndarray (row,) int
        Rows of the piece that `plane` holds.

    Returns
    -------
    mean : ndarray (average,) complex64 or float32
    cell : ndarray (row, chan) int
        The average that each value belongs to.
    """
    nrow, nchan = plane.shape
    group = np.arange(nrow)
    if slot is not None:
        baseline = piece.row_values("ANTENNA1")[rows].astype(np.int64) * 65536 + piece.row_values("ANTENNA2")[rows]
        _, group = np.unique(baseline * (slot.max() + 1) + slot, return_inverse=True)
        group = group.ravel()
    channel = np.arange(nchan) // max(1, chanbin)
    ngroup, nbin = int(group.max()) + 1, int(channel.max()) + 1
    cell = group[:, None] * nbin + channel[None, :]
    # Of what is flagged altogether the average is that of all, as in the reference: a Stokes parameter may have one such correlation.
    empty = np.bincount(cell[~flagged], minlength=ngroup * nbin) == 0
    good = ~flagged | empty[cell]
    count = np.bincount(cell[good], minlength=ngroup * nbin)
    total = np.bincount(cell[good], weights=plane.real[good], minlength=ngroup * nbin).astype(np.complex128)
    if np.iscomplexobj(plane):
        total += 1j * np.bincount(cell[good], weights=plane.imag[good], minlength=ngroup * nbin)
    mean = total / np.maximum(count, 1)
    return mean.astype(np.complex64) if np.iscomplexobj(plane) else mean.real.astype(np.float32), cell
