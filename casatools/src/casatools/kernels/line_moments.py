"""Sums along the first axis of a block that moments are made of."""

from __future__ import annotations

import numpy as np

from casatools.kernels._kernel import kernel

__all__ = ["extremes", "first_sums", "median_rows", "second_sums"]


@kernel
def first_sums(
    values: np.ndarray, good: np.ndarray, x: np.ndarray, count: np.ndarray, total: np.ndarray, weighted: np.ndarray
) -> None:
    """Sums over channels of good values.

    Parameters
    ----------
    values : ndarray (chan, n) float
    good : ndarray (chan, n) bool
    x : ndarray (chan,) float64
        Coordinate.
    count, total, weighted : ndarray (n,) float64
        Added to: 1, v and ``v x``.
    """
    for c in range(values.shape[0]):
        for i in range(values.shape[1]):
            v = np.float64(values[c, i]) if good[c, i] else 0.0
            count[i] += 1.0 if good[c, i] else 0.0
            total[i] += v
            weighted[i] += v * x[c]


@kernel
def second_sums(
    values: np.ndarray,
    good: np.ndarray,
    x: np.ndarray,
    mean: np.ndarray,
    centre: np.ndarray,
    spread: np.ndarray,
    square: np.ndarray,
    deviation: np.ndarray,
    distance: np.ndarray,
) -> None:
    """Sums over channels about means; arguments as of `first_sums`.

    Parameters
    ----------
    mean, centre : ndarray (n,) float64
        Of the values, and of the coordinate.
    spread, square, deviation, distance : ndarray (n,) float64
        Added to: ``v (x - centre)^2``, ``v^2``, ``(v - mean)^2`` and ``|v - mean|``.
    """
    for c in range(values.shape[0]):
        for i in range(values.shape[1]):
            use = 1.0 if good[c, i] else 0.0
            v = np.float64(values[c, i]) if good[c, i] else 0.0
            off, away = x[c] - centre[i], (v - mean[i]) * use
            spread[i] += v * off * off
            square[i] += v * v
            deviation[i] += away * away
            distance[i] += abs(away)


@kernel
def extremes(values: np.ndarray, good: np.ndarray, sign: float, best: np.ndarray, at: np.ndarray) -> None:
    """The largest good value of ``sign * v`` over channels and its channel; `best` (n,) float64 starts at -inf, `at` (n,) int64 at 0."""
    for c in range(values.shape[0]):
        for i in range(values.shape[1]):
            v = sign * np.float64(values[c, i])
            if good[c, i] and v > best[i]:
                best[i] = v
                at[i] = c


@kernel
def _select(held: np.ndarray, count: int, rank: int) -> None:
    """Reorder the first `count` values so that the one of a rank stands in its place, smaller ones before it (Hoare 1961, CACM 4, 321)."""
    low, high = 0, count - 1
    while low < high:
        pivot, i, j = held[rank], low, high
        while i <= j:
            while held[i] < pivot:
                i += 1
            while pivot < held[j]:
                j -= 1
            if i <= j:
                held[i], held[j] = held[j], held[i]
                i += 1
                j -= 1
        if j < rank:
            low = i
        if rank < i:
            high = j


@kernel
def median_rows(values: np.ndarray, good: np.ndarray, median: np.ndarray) -> None:
    """Medians of the good values of rows: `values` (n, chan) float, `good` alike bool; sets `median` (n,) float64, 0 where there is none.

    The median of an even number of values is the mean of the two in the middle.
    """
    held = np.empty(values.shape[1], values.dtype)
    for i in range(values.shape[0]):
        count = 0
        for c in range(values.shape[1]):
            if good[i, c]:
                held[count] = values[i, c]
                count += 1
        median[i] = 0.0
        if count:
            rank = (count - 1) // 2
            _select(held, count, rank)
            middle = np.float64(held[rank])
            if count % 2 == 0:
                upper = held[rank + 1]
                for k in range(rank + 2, count):
                    upper = min(upper, held[k])
                middle = 0.5 * (middle + np.float64(upper))
            median[i] = middle
