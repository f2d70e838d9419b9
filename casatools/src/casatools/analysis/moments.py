"""Moments of a cube along one axis.

References
----------
"Spectral analysis: moments", CASA documentation: the definitions of moments -1 to 11.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from casatools._base.buffers import empty_array
from casatools._base.errors import ParameterError
from casatools.kernels.line_moments import extremes, first_sums, half_crossings, median_columns, median_rows, second_sums

__all__ = ["MOMENT_SUFFIXES", "column_medians", "compute_moments", "is_velocity_moment"]

# Moment number: suffix of its image's name.
MOMENT_SUFFIXES: dict[int, str] = {
    -1: "average", 0: "integrated", 1: "weighted_coord", 2: "weighted_dispersion_coord", 3: "median", 4: "median_coord",
    5: "standard_deviation", 6: "rms", 7: "abs_mean_dev", 8: "maximum", 9: "maximum_coord", 10: "minimum", 11: "minimum_coord",
}  # fmt: skip
# Fewer columns are better sorted one by one than beside each other.
_FEW_COLUMNS = 32
_COORDINATE = frozenset({1, 2, 4, 9, 11})


def is_velocity_moment(moment: int) -> bool:
    """True for moments whose values are coordinates along the axis, not intensities."""
    return moment in _COORDINATE


def compute_moments(
    values: np.ndarray, good: np.ndarray | None, coordinate: np.ndarray, step: float, moments: Sequence[int]
) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    """Moments along the first axis.

    Parameters
    ----------
    values : ndarray (chan, ...) float
        Intensities.
    good : ndarray (chan, ...) bool or None
        Pixels to use; None uses all finite ones.
    coordinate : ndarray (chan,) float64
        The axis' coordinate, km/s for a spectral axis.
    step : float
        Its increment, for moment 0.
    moments : sequence of int
        From -1 to 11.

    Returns
    -------
    dict of int to (ndarray (...) float64, ndarray (...) bool)
        Values and where they are defined.

    Raises
    ------
    ParameterError
        A moment is not known.
    """
    for m in moments:
        if m not in MOMENT_SUFFIXES:
            raise ParameterError(f"there is no moment {m}; moments are -1 to 11")
    use = empty_array(values.shape, bool)
    np.isfinite(values, out=use)
    if good is not None:
        np.logical_and(use, good, out=use)
    shape, flat = values.shape[1:], np.ascontiguousarray(values.reshape(len(values), -1))
    usable = np.ascontiguousarray(use.reshape(flat.shape))
    x = np.ascontiguousarray(coordinate, dtype=np.float64)
    found: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    wanted = set(moments)
    if wanted & {-1, 0, 1, 2, 5, 6, 7}:
        found.update(_sums(flat, usable, x, step, wanted))
    if 3 in wanted:
        found[3] = (column_medians(flat, usable), np.asarray(usable.any(axis=0)))
    if 4 in wanted:
        found[4] = _median_place(flat, usable, coordinate)
    for value, place, sign in ((8, 9, 1.0), (10, 11, -1.0)):
        if wanted & {value, place}:
            best, at = np.full(flat.shape[1], -np.inf), np.zeros(flat.shape[1], dtype=np.int64)
            extremes(flat, usable, sign, best, at)
            some: np.ndarray = np.asarray(np.isfinite(best))
            found[value] = (np.where(some, sign * best, 0.0), some)
            found[place] = (coordinate[at], some)
    return {m: (found[m][0].reshape(shape), found[m][1].reshape(shape)) for m in moments}


def column_medians(values: np.ndarray, good: np.ndarray) -> np.ndarray:
    """Medians of columns (chan, n); the mean of the two values in the middle of an even number."""
    if values.dtype != np.float32 or values.shape[1] < _FEW_COLUMNS:
        median = np.empty(values.shape[1])
        median_rows(np.ascontiguousarray(values.T), np.ascontiguousarray(good.T), median)
        return median
    lower, upper = np.empty((2, values.shape[1]), np.int32)
    median_columns(values.view(np.int32), good, lower, upper)
    return 0.5 * (lower.view(np.float32).astype(np.float64) + upper.view(np.float32))


def _sums(
    values: np.ndarray, good: np.ndarray, x: np.ndarray, step: float, wanted: set[int]
) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    """Moments that are made of sums over channels; `values` (chan, n)."""
    count, total, weighted = np.zeros((3, values.shape[1]))
    first_sums(values, good, x, count, total, weighted)
    some, safe = count > 0, np.maximum(count, 1)
    mean = total / safe
    found: dict[int, tuple[Any, Any]] = {-1: (mean, some), 0: (total * step, some)}
    divisor = np.where(total != 0, total, 1.0)
    centre, defined = weighted / divisor, some & (total != 0)
    found[1] = (centre, defined)
    if wanted & {2, 5, 6, 7}:
        spread, square, deviation, distance = np.zeros((4, values.shape[1]))
        second_sums(values, good, x, mean, centre, spread, square, deviation, distance)
        spread /= divisor
        # Where noise makes the sum of squares negative, CASA takes its size.
        found[2] = (np.sqrt(np.abs(spread)), defined)
        found[5] = (np.sqrt(deviation / np.maximum(count - 1, 1)), count > 1)
        found[6] = (np.sqrt(square / safe), some)
        found[7] = (distance / safe, some)
    return found


def _median_place(values: np.ndarray, use: np.ndarray, coordinate: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The coordinate of the channel at which the running sum of intensities, all of one sign, reaches half its total."""
    total, again = np.zeros((2, values.shape[1]))
    after = np.full(values.shape[1], len(values))  # no sum is a half yet
    half_crossings(values, use, total, total, after)
    after[:] = -1
    half_crossings(values, use, 0.5 * np.abs(total), again, after)
    return coordinate[np.maximum(after, 0)], use.any(axis=0) & (total != 0)
