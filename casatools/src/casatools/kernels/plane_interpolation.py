"""Values of a plane at places between its pixels.

References
----------
Keys 1981, IEEE Trans. ASSP-29, 1153: cubic convolution, with a = -1/2.
"""

from __future__ import annotations

import numpy as np

from casatools.kernels._kernel import kernel

__all__ = ["bilinear_plane", "cubic_plane", "nearest_plane"]


@kernel
def _bilinear(plane: np.ndarray, good: np.ndarray, x: float, y: float):  # type: ignore[no-untyped-def]
    """Value and validity at one place; up to a pixel beyond the edge it is extrapolated."""
    ny, nx = plane.shape
    # cut towards zero: a place before the first pixel belongs to the first pair
    left, low = max(min(int(x), nx - 2), 0), max(min(int(y), ny - 2), 0)
    across, up = x - left, y - low
    total = 0.0 * plane[0, 0]
    usable = True
    for dy in range(min(2, ny)):
        weight_y = (up if dy else 1.0 - up) if ny > 1 else 1.0
        for dx in range(min(2, nx)):
            weight = weight_y * ((across if dx else 1.0 - across) if nx > 1 else 1.0)
            if abs(weight) > 1e-6:
                if not good[low + dy, left + dx]:
                    usable = False
                else:
                    total += weight * plane[low + dy, left + dx]
    return total, usable


@kernel
def bilinear_plane(
    plane: np.ndarray, good: np.ndarray, x: np.ndarray, y: np.ndarray, inside: np.ndarray, out: np.ndarray, out_good: np.ndarray
) -> None:
    """Interpolate linearly in both directions.

    Parameters
    ----------
    plane : ndarray (ny, nx)
    good : ndarray (ny, nx) bool
    x, y : ndarray (rows, columns) float64 [pixel]
        Places; less than a pixel beyond the edge.
    inside : ndarray (rows, columns) bool
        Places that are wanted.
    out : ndarray (rows, columns)
        Set; 0 where not good.
    out_good : ndarray (rows, columns) bool
        Set: all pixels with a weight are good.
    """
    inner = plane.shape[0] > 1 and plane.shape[1] > 1
    one = np.uint64(1)  # unsigned indices need no test for negative ones
    for row in range(x.shape[0]):
        for column in range(x.shape[1]):
            px, py = x[row, column], y[row, column]
            value, usable = 0.0 * plane[0, 0], False
            if inside[row, column]:
                if inner:
                    # a place may lie a whole pixel before the first one
                    left = np.uint64(max(min(int(px), plane.shape[1] - 2), 0))
                    low = np.uint64(max(min(int(py), plane.shape[0] - 2), 0))
                    usable = good[low, left] & good[low, left + one] & good[low + one, left] & good[low + one, left + one]
                if usable:
                    across, up = px - left, py - low
                    below = plane[low, left] + across * (plane[low, left + one] - plane[low, left])
                    above = plane[low + one, left] + across * (plane[low + one, left + one] - plane[low + one, left])
                    value = below + up * (above - below)
                else:
                    value, usable = _bilinear(plane, good, px, py)
            out[row, column] = value if usable else 0
            out_good[row, column] = usable


@kernel
def _keys(t: float, weights: np.ndarray) -> None:
    """Set the weights of the pixels at -1, 0, 1, 2 for a place at ``0 <= t < 1``."""
    for k in range(4):
        s = abs(t - (k - 1))
        if s <= 1.0:
            weights[k] = 1.5 * s**3 - 2.5 * s**2 + 1.0
        else:
            weights[k] = -0.5 * s**3 + 2.5 * s**2 - 4.0 * s + 2.0


@kernel
def cubic_plane(
    plane: np.ndarray, good: np.ndarray, x: np.ndarray, y: np.ndarray, inside: np.ndarray, out: np.ndarray, out_good: np.ndarray
) -> None:
    """Cubic convolution over 4 by 4 pixels; linear where those do not all exist. Arguments as of `bilinear_plane`."""
    ny, nx = plane.shape
    across, up = np.zeros(4), np.zeros(4)
    for row in range(x.shape[0]):
        for column in range(x.shape[1]):
            out[row, column] = 0
            out_good[row, column] = False
            if not inside[row, column]:
                continue
            left, low = int(np.floor(x[row, column])), int(np.floor(y[row, column]))
            if left < 1 or low < 1 or left > nx - 3 or low > ny - 3:
                value, usable = _bilinear(plane, good, x[row, column], y[row, column])
            else:
                _keys(x[row, column] - left, across)
                _keys(y[row, column] - low, up)
                value = 0.0 * plane[0, 0]
                usable = True
                for dy in range(4):
                    for dx in range(4):
                        weight = up[dy] * across[dx]
                        if abs(weight) > 1e-6:
                            usable = usable and good[low + dy - 1, left + dx - 1]
                            value += weight * plane[low + dy - 1, left + dx - 1]
            if usable:
                out[row, column] = value
                out_good[row, column] = True


@kernel
def nearest_plane(
    plane: np.ndarray, good: np.ndarray, x: np.ndarray, y: np.ndarray, inside: np.ndarray, out: np.ndarray, out_good: np.ndarray
) -> None:
    """The pixel that a place lies in. Arguments as of `bilinear_plane`; places round to a pixel of the plane."""
    for row in range(x.shape[0]):
        for column in range(x.shape[1]):
            out[row, column] = 0
            out_good[row, column] = False
            if inside[row, column]:
                at_x, at_y = int(np.floor(x[row, column] + 0.5)), int(np.floor(y[row, column] + 0.5))
                if good[at_y, at_x]:
                    out[row, column] = plane[at_y, at_x]
                    out_good[row, column] = True
