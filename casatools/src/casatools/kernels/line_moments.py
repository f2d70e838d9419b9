"""Sums along the first axis of a block that moments are made of."""

from __future__ import annotations

import numpy as np

from casatools.kernels._kernel import kernel

__all__ = ["extremes", "first_sums", "second_sums"]


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
