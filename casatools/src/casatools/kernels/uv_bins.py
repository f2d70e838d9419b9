"""Visibilities summed up in the cells of a uv grid."""

from __future__ import annotations

import numpy as np

from casatools.kernels._kernel import kernel

__all__ = ["add_to_bins", "flags_of_bins"]


@kernel
def add_to_bins(
    data: np.ndarray,
    weight: np.ndarray,
    flag: np.ndarray,
    cell: np.ndarray,
    channel: np.ndarray,
    plane: np.ndarray,
    sums: np.ndarray,
    weights: np.ndarray,
    rows: np.ndarray,
    w_m: np.ndarray,
    time_s: np.ndarray,
    baseline: np.ndarray,
    first: np.ndarray,
) -> None:
    """Add unflagged visibilities to their cells, weighted.

    Parameters
    ----------
    data : ndarray (row, chan, corr) complex64
    weight : ndarray (row, chan or 1, corr) float32
    flag : ndarray (row, chan, corr) bool
    cell : ndarray (row, chan or 1) int64
        Cell of the grid, negative outside.
    channel : ndarray (row, chan) int64
        Channel of the grid, negative outside.
    plane : ndarray (corr,) int64
        Correlation of the grid, negative for those left out.
    sums : ndarray (cell, grid chan, grid corr) complex128
        In and out: sums of weight times data.
    weights : ndarray (cell, grid chan, grid corr) float64
        In and out: sums of weights.
    rows : ndarray (cell, 3) float64
        In and out: sums over all channels and correlations of the weight, and of the weight times w and time.
    w_m, time_s : ndarray (row,) float64
    baseline : ndarray (row,) int64
        A number for each baseline, not negative.
    first : ndarray (cell,) int64
        In and out: baseline of the first visibility in each cell, negative where there is none yet.
    """
    one, still = weight.shape[1] == 1, cell.shape[1] == 1
    for row in range(data.shape[0]):
        for k in range(data.shape[1]):
            at, chan = cell[row, 0 if still else k], channel[row, k]
            if at < 0 or chan < 0:
                continue
            for corr in range(data.shape[2]):
                value = np.float64(weight[row, 0 if one else k, corr])
                if plane[corr] < 0 or flag[row, k, corr] or not value > 0.0:
                    continue
                sums[at, chan, plane[corr]] += value * data[row, k, corr]
                weights[at, chan, plane[corr]] += value
                rows[at, 0] += value
                rows[at, 1] += value * w_m[row]
                rows[at, 2] += value * time_s[row]
                if first[at] < 0:
                    first[at] = baseline[row]


@kernel
def flags_of_bins(cell: np.ndarray, channel: np.ndarray, plane: np.ndarray, grid: np.ndarray, flag: np.ndarray) -> None:
    """Flag visibilities whose cells are flagged.

    Parameters
    ----------
    cell : ndarray (row, chan or 1) int64
    channel : ndarray (row, chan) int64
    plane : ndarray (corr,) int64
        As for `add_to_bins`.
    grid : ndarray (cell, grid chan, grid corr) bool
    flag : ndarray (row, chan, corr) bool
        In and out.
    """
    still = cell.shape[1] == 1
    for row in range(flag.shape[0]):
        for k in range(flag.shape[1]):
            at, chan = cell[row, 0 if still else k], channel[row, k]
            if at < 0 or chan < 0:
                continue
            for corr in range(flag.shape[2]):
                if plane[corr] >= 0 and grid[at, chan, plane[corr]]:
                    flag[row, k, corr] = True
