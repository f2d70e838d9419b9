"""Round patterns on the pixels of a plane, from a table over the distance."""

from __future__ import annotations

import numpy as np

from casatools.kernels._kernel import kernel

__all__ = ["round_pattern"]


@kernel
def round_pattern(radius: np.ndarray, scale: float, step: float, values: np.ndarray, out: np.ndarray) -> None:
    """Set `out` to a function of ``scale * radius``, linear between the values of a table.

    Parameters
    ----------
    radius, out : ndarray (rows, columns) float64
    scale : float
    step : float
        Between the places of the table, which begins at 0.
    values : ndarray (n,) float64
        Of the function; it is zero beyond the last.
    """
    last = len(values) - 1
    for row in range(radius.shape[0]):
        for column in range(radius.shape[1]):
            place = scale * radius[row, column] / step
            if place >= last:
                out[row, column] = 0.0
            else:
                k = int(place)
                out[row, column] = values[k] + (place - k) * (values[k + 1] - values[k])
