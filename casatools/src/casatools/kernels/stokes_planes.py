"""Correlations made into the planes of an image."""

from __future__ import annotations

import numpy as np

from casatools.kernels._kernel import kernel

__all__ = ["mix_correlations"]


@kernel
def mix_correlations(
    data: np.ndarray, flag: np.ndarray, flag_row: np.ndarray, weight: np.ndarray, hands: np.ndarray, corr: np.ndarray, factor: np.ndarray,
    first: int, last: int, at: int, vis: np.ndarray, out_weight: np.ndarray,
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
    at : int
        Row of the results that row 0 goes to.
    vis : ndarray (pol, row, chan) complex64
        Zero where lost.
    out_weight : ndarray (row, chan) float32
        Zero where lost, or where the weight is not finite.
    """
    own = weight.shape[1] > 1
    share = np.float32(1.0 / hands.shape[0])
    for row in range(first, last):
        mean = np.float32(0.0)
        for chan in range(data.shape[1]):
            if own or chan == 0:
                mean = np.float32(0.0)
                for k in range(hands.shape[0]):
                    mean += weight[row, chan, hands[k]]
                mean *= share
            bad = flag_row[row] or mean - mean != 0.0
            for k in range(corr.shape[0]):
                bad |= flag[row, chan, corr[k]]
            for p in range(vis.shape[0]):
                real, imag = np.float32(0.0), np.float32(0.0)
                for k in range(corr.shape[0]):
                    f, v = factor[p, k], data[row, chan, corr[k]]
                    real += f.real * v.real - f.imag * v.imag
                    imag += f.real * v.imag + f.imag * v.real
                # Whatever the factors, the sum is not finite where one of them is not.
                bad |= not (real - real == 0.0 and imag - imag == 0.0)
                vis[p, at + row, chan] = complex(real, imag)
            out_weight[at + row, chan] = mean
            if bad:
                out_weight[at + row, chan] = 0.0
                for p in range(vis.shape[0]):
                    vis[p, at + row, chan] = 0.0
