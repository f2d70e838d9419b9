"""Interpolation in tables of few rows, many points at once."""

from __future__ import annotations

import numpy as np

from casatools.kernels._kernel import kernel

__all__ = ["looked_up"]


@kernel
def looked_up(
    x: np.ndarray, origin: float, at: np.ndarray, values: np.ndarray, slopes: np.ndarray, first: np.ndarray, scale: float,
    level: float, out: np.ndarray,
) -> None:  # fmt: skip
    """Piecewise linear interpolation that goes on with the slope of the end pieces.

    Parameters
    ----------
    x : ndarray (point,) float64
    origin : float
        Taken from `x`.
    at, values : ndarray (row,) float64
        The table, rising in `at`.
    slopes : ndarray (row - 1,) float64
    first : ndarray (bucket,) int64
        The piece that each of equal parts of the table's range begins in, or one before it.
    scale : float
        Parts in one unit of `x`.
    level : float
        Added to the values.
    out : ndarray (point,) float64
        Written; NaN where `x` is.
    """
    last, most, start = slopes.size - 1, float(first.size - 1), at[0]
    for k in range(x.size):
        place = x[k] - origin
        part = (place - start) * scale
        part = part if part > 0.0 else 0.0  # also what is NaN
        piece = first[int(part if part < most else most)]
        while piece < last and at[piece + 1] <= place:
            piece += 1
        out[k] = level + (values[piece] + slopes[piece] * (place - at[piece]))
