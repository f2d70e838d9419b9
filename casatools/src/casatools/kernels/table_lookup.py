"""Interpolation in tables of few rows, many points at once."""

from __future__ import annotations

import math

import numpy as np

from casatools.kernels._kernel import kernel

__all__ = ["looked_up"]


@kernel
def looked_up(
    x: np.ndarray, at: np.ndarray, values: np.ndarray, slopes: np.ndarray, first: np.ndarray, scale: float, out: np.ndarray
) -> None:
    """Piecewise linear interpolation that goes on with the slope of the end pieces.

    Parameters
    ----------
    x : ndarray (point,) float64
    at, values : ndarray (row,) float64
        The table, rising in `at`.
    slopes : ndarray (row - 1,) float64
    first : ndarray (bucket,) int64
        The piece that each of equal parts of the table's range begins in, or one before it.
    scale : float
        Parts in one unit of `x`.
    out : ndarray (point,) float64
        Written; NaN where `x` is.
    """
    last, most, start = slopes.size - 1, float(first.size - 1), at[0]
    for k in range(x.size):
        part = (x[k] - start) * scale
        part = part if part > 0.0 else 0.0  # also what is NaN
        piece = first[int(part if part < most else most)]
        while piece < last and at[piece + 1] <= x[k]:
            piece += 1
        out[k] = values[piece] + slopes[piece] * (x[k] - at[piece]) if x[k] == x[k] else math.nan
