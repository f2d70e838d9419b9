"""Visibilities packed as the groups of a UVFITS file."""

from __future__ import annotations

import numpy as np

from casatools.kernels._kernel import kernel

__all__ = ["pack_groups"]


@kernel
def pack_groups(
    data: np.ndarray,
    flag: np.ndarray,
    flag_row: np.ndarray,
    weight: np.ndarray,
    scale: float,
    order: np.ndarray,
    group: np.ndarray,
    window: np.ndarray,
    out: np.ndarray,
) -> None:
    """Put real part, imaginary part and weight of each visibility in their places; weights of flagged ones are negative.

    Parameters
    ----------
    data : ndarray (row, chan, corr) complex64
    flag : ndarray (row, chan, corr) bool
    flag_row : ndarray (row,) bool
    weight : ndarray (row, chan or 1, corr) float32
    scale : float
        Factor of the weights.
    order : ndarray (corr,) int64
        Correlation of the cells for each of the file.
    group, window : ndarray (row,) int64
        Group and IF of each row.
    out : ndarray (group, IF, chan, corr, 3) float32
        Out.
    """
    one = weight.shape[1] == 1
    factor = np.float32(scale)
    for row in range(data.shape[0]):
        target = out[group[row], window[row]]
        for k in range(data.shape[1]):
            for corr in range(len(order)):
                source = order[corr]
                value = weight[row, 0 if one else k, source] * factor
                target[k, corr, 0] = data[row, k, source].real
                target[k, corr, 1] = data[row, k, source].imag
                target[k, corr, 2] = -abs(value) if flag_row[row] or flag[row, k, source] else value
