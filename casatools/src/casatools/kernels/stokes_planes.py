"""Correlations made into the planes of an image."""

from __future__ import annotations

import numpy as np

from casatools.kernels._kernel import kernel

__all__ = ["mix_correlations"]


@kernel
def mix_correlations(
    data: np.ndarray, flag: np.ndarray, flag_row: np.ndarray, weight: np.ndarray, hands: np.ndarray, corr: np.ndarray, factor: np.ndarray,
    first: int, last: int, vis: np.ndarray, out_weight: np.ndarray,
) -> None:  # fmt: skip
    """Weighted sums of correlations for a range of rows.

    Parameters
    ----------
    data : ndarray (row, chan, corr) complex64 [Jy]
    flag : ndarray (row, chan, corr) bool
    flag_row : ndarray (row,) bool
    weight : ndarray (row, chan or 1, corr) float32
    hands : ndarray (hand,) int64
        Correlations whose mean weight is that of the planes.
    corr : ndarray (used,) int64
        Correlations that are used; a sample is lost where one of them is flagged or not finite.
    factor : ndarray (pol, used) complex64
        ``plane = sum of factor * correlation``.
    first, last : int
        Rows from the first to before the last.
    vis : ndarray (pol, row, chan) complex64
        Zero where lost.
    out_weight : ndarray (row, chan) float32
        Zero where lost.
    """
    own = weight.shape[1] > 1
    for row in range(first, last):
        for chan in range(data.shape[1]):
            bad = flag_row[row]
            for k in range(corr.shape[0]):
                value = data[row, chan, corr[k]]
                bad = bad or flag[row, chan, corr[k]] or not (np.isfinite(value.real) and np.isfinite(value.imag))
            for p in range(vis.shape[0]):
                total = np.complex64(0.0)
                if not bad:
                    for k in range(corr.shape[0]):
                        total += factor[p, k] * data[row, chan, corr[k]]
                vis[p, row, chan] = total
            mean = np.float32(0.0)
            if not bad:
                for k in range(hands.shape[0]):
                    mean += weight[row, chan if own else 0, hands[k]]
            out_weight[row, chan] = mean / np.float32(hands.shape[0])
