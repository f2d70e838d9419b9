"""Sums, extremes and medians along the first axis against numpy."""

from __future__ import annotations

import numpy as np
import pytest

from casatools.kernels.line_moments import (
    extremes,
    first_sums,
    half_crossings,
    median_columns,
    median_rows,
    second_sums,
)

RANDOM = np.random.default_rng(5)
VALUES = RANDOM.normal(size=(9, 40)).astype(np.float32)
GOOD = RANDOM.random((9, 40)) > 0.3
GOOD[:, 3] = False
X = np.linspace(-3.0, 5.0, 9)


@pytest.mark.parametrize("pure", [False, True])
def test_sums(pure: bool) -> None:
    first, second = (first_sums.py_func, second_sums.py_func) if pure else (first_sums, second_sums)
    count, total, weighted = np.zeros((3, 40))
    first(VALUES, GOOD, X, count, total, weighted)
    held = np.where(GOOD, VALUES, 0).astype(float)
    np.testing.assert_array_equal(count, GOOD.sum(0))
    np.testing.assert_allclose(total, held.sum(0))
    np.testing.assert_allclose(weighted, (held * X[:, None]).sum(0), atol=1e-12)
    mean, centre = total / np.maximum(count, 1), np.linspace(-1, 1, 40)
    spread, square, deviation, distance = np.zeros((4, 40))
    second(VALUES, GOOD, X, mean, centre, spread, square, deviation, distance)
    away = np.where(GOOD, VALUES - mean, 0)
    np.testing.assert_allclose(spread, (held * (X[:, None] - centre) ** 2).sum(0), atol=1e-12)
    np.testing.assert_allclose(square, (held**2).sum(0))
    np.testing.assert_allclose(deviation, (away**2).sum(0))
    np.testing.assert_allclose(distance, abs(away).sum(0))


def test_extremes() -> None:
    best, at = np.full(40, -np.inf), np.zeros(40, np.int64)
    extremes(VALUES, GOOD, -1.0, best, at)
    expected = np.where(GOOD, VALUES, np.inf)
    np.testing.assert_array_equal(-best, expected.min(0))
    np.testing.assert_array_equal(at, expected.argmin(0))


@pytest.mark.parametrize("ties", [False, True])
def test_medians(ties: bool) -> None:
    values = np.round(VALUES) if ties else VALUES
    found = np.empty(40)
    median_rows(np.ascontiguousarray(values.T), np.ascontiguousarray(GOOD.T), found)
    for k in range(40):
        own = values[GOOD[:, k], k].astype(float)
        assert found[k] == (np.median(own) if own.size else 0.0)


@pytest.mark.parametrize("nchan", [1, 2, 7, 8])
def test_medians_by_bits(nchan: int) -> None:
    values = np.round(RANDOM.normal(size=(nchan, 150)) * 3).astype(np.float32)  # with equal values, and both zeros
    values[:, 5], values[0, 6], values[-1, 7] = -0.0, 3e38, -3e38
    good = RANDOM.random(values.shape) > 0.3
    lower, upper = np.empty((2, 150), np.int32)
    median_columns(values.view(np.int32), good, lower, upper)
    found = 0.5 * (lower.view(np.float32).astype(float) + upper.view(np.float32))
    for k in np.flatnonzero(good.any(0)):
        assert found[k] == np.median(values[good[:, k], k].astype(float))


@pytest.mark.parametrize("sign", [1, -1])
def test_half_crossings(sign: int) -> None:
    values = sign * np.abs(VALUES)
    half = 0.5 * np.abs(np.where(GOOD, values, 0).sum(0, dtype=float))
    running = np.zeros(40)
    after = np.full(40, -1)
    half_crossings(values, GOOD, half, running, after)
    sums = np.cumsum(np.where(GOOD, values, 0), axis=0, dtype=float)
    np.testing.assert_array_equal(running, sums[-1])
    np.testing.assert_array_equal(after, np.argmax(np.abs(sums) >= half, axis=0))
