"""Statistics of the pixels in a window about each of many points of a plane."""

from __future__ import annotations

import numpy as np

from casatools.kernels._kernel import kernel

__all__ = ["STATISTICS", "clip_window", "gather_window", "window_statistic", "window_statistics"]

# The statistics, by the numbers that the kernels know them by.
STATISTICS = (
    "npts",
    "sum",
    "sumsq",
    "mean",
    "rms",
    "variance",
    "sigma",
    "min",
    "max",
    "median",
    "q1",
    "q3",
    "iqr",
    "medabsdevmed",
)


@kernel
def gather_window(plane: np.ndarray, good: np.ndarray, x: int, y: int, reach: np.ndarray, values: np.ndarray) -> int:
    """Collect the good pixels of a window.

    Parameters
    ----------
    plane : ndarray (y, x) float64
    good : ndarray (y, x) bool
    x, y : int
        Middle of the window; it may reach beyond the plane.
    reach : ndarray (3,) float64
        Pixels to either side in x and y, and the radius of a circle (negative for a rectangle).
    values : ndarray (n,) float64
        Set.

    Returns
    -------
    int
        Number of values.
    """
    count = 0
    half_x, half_y = int(reach[0]), int(reach[1])
    for row in range(max(0, y - half_y), min(plane.shape[0], y + half_y + 1)):
        for column in range(max(0, x - half_x), min(plane.shape[1], x + half_x + 1)):
            outside = reach[2] >= 0 and (row - y) ** 2 + (column - x) ** 2 > reach[2] ** 2
            if good[row, column] and not outside:
                values[count] = plane[row, column]
                count += 1
    return count


@kernel
def clip_window(values: np.ndarray, count: int, limits: np.ndarray, maxiter: int) -> int:
    """Leave out values further from the mean than ``limits[count]`` standard deviations, again and again; gives the number left."""
    done = 0
    while count > 1 and (maxiter < 0 or done < maxiter):
        mean = values[:count].mean()
        sigma = np.sqrt(((values[:count] - mean) ** 2).sum() / (count - 1))
        kept = 0
        for k in range(count):
            if abs(values[k] - mean) <= limits[count] * sigma:
                values[kept] = values[k]
                kept += 1
        done += 1
        if kept in (0, count):
            return count
        count = kept
    return count


@kernel
def window_statistic(values: np.ndarray, kind: int) -> float:
    """One of `STATISTICS` of some values, at least one; the values are reordered."""
    n = len(values)
    if kind == 0:
        return float(n)
    total, squares = values.sum(), (values * values).sum()
    if kind <= 4:
        return (total, squares, total / n, np.sqrt(squares / n))[kind - 1]
    if kind <= 6:
        variance = ((values - total / n) ** 2).sum() / (n - 1) if n > 1 else 0.0
        return variance if kind == 5 else np.sqrt(variance)
    values.sort()
    if kind <= 8:
        return values[0] if kind == 7 else values[n - 1]
    q1, q3 = values[(n + 3) // 4 - 1], values[(3 * n + 3) // 4 - 1]
    median = 0.5 * (values[(n - 1) // 2] + values[n // 2])
    if kind <= 12:
        return (median, q1, q3, q3 - q1)[kind - 9]
    distance = np.abs(values - median)
    distance.sort()
    return 0.5 * (distance[(n - 1) // 2] + distance[n // 2])


@kernel
def window_statistics(
    plane: np.ndarray, good: np.ndarray, xs: np.ndarray, ys: np.ndarray, reach: np.ndarray, kind: int, limits: np.ndarray,
    maxiter: int, out: np.ndarray, valid: np.ndarray,
) -> None:  # fmt: skip
    """A statistic of the window about each point of a grid.

    Parameters
    ----------
    plane : ndarray (y, x) float64
    good : ndarray (y, x) bool
    xs, ys : ndarray (nx,), (ny,) int64
        The grid.
    reach : ndarray (3,) float64
        As for `gather_window`.
    kind : int
        Place in `STATISTICS`.
    limits : ndarray (n + 1,) float64
        Standard deviations that values may differ by, for each number of values; empty for no clipping.
    maxiter : int
        Most rounds of clipping; negative for no limit.
    out : ndarray (ny, nx) float64
    valid : ndarray (ny, nx) bool
        Set; False where a window has no good pixel.
    """
    size = (2 * int(reach[0]) + 1) * (2 * int(reach[1]) + 1)
    values = np.empty(size)
    for j in range(len(ys)):
        for i in range(len(xs)):
            count = gather_window(plane, good, xs[i], ys[j], reach, values)
            if len(limits) and count:
                count = clip_window(values, count, limits, maxiter)
            valid[j, i] = count > 0
            out[j, i] = window_statistic(values[:count].copy(), kind) if count else 0.0
