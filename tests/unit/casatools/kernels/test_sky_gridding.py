"""Spectra added to pixels, against sums written out."""

from __future__ import annotations

import numpy as np
import pytest

from casatools.kernels.sky_gridding import LEAST, add_spectra, keep_extremes

RNG = np.random.default_rng(11)
SHAPE = (9, 11, 3)
X, Y = RNG.uniform(-2, 12, 60), RNG.uniform(-2, 10, 60)
VALUE, WEIGHT = RNG.normal(size=(60, 3)).astype(np.float32), RNG.uniform(0, 2, (60, 3)).astype(np.float32)
WEIGHT[3] = 0.0
X[5] = np.nan
# 1 - r^2 / reach^2, which is linear in the squared distance.
TABLE, REACH = np.linspace(1.0, 0.0, 5), 2.3


def factor(j: int, i: int, row: int, is_box: bool) -> float:
    """The function, from its definition."""
    if is_box:
        near = abs(i - np.floor(X[row] + 0.5)) <= REACH // 1 and abs(j - np.floor(Y[row] + 0.5)) <= REACH // 1
        return float(near)
    return max(0.0, 1.0 - ((i - X[row]) ** 2 + (j - Y[row]) ** 2) / REACH**2)


@pytest.mark.parametrize("is_box", [False, True])
@pytest.mark.parametrize("run", [add_spectra, add_spectra.py_func])
def test_sums_of_weights_and_products(run: object, is_box: bool) -> None:
    sums, weights = np.zeros(SHAPE), np.zeros(SHAPE)
    for low, high in ((0, 4), (4, 9)):
        run(X, Y, VALUE * WEIGHT, WEIGHT, TABLE, REACH, is_box, low, high, sums, weights)  # type: ignore[operator]
    wanted, wanted_weights = np.zeros(SHAPE), np.zeros(SHAPE)
    for row in range(60):
        if row == 5:
            continue
        for j, i in np.ndindex(*SHAPE[:2]):
            f = factor(j, i, row, is_box)
            wanted[j, i] += f * VALUE[row] * WEIGHT[row]
            wanted_weights[j, i] += f * WEIGHT[row]
    np.testing.assert_allclose(weights, wanted_weights, rtol=1e-6, atol=2 * LEAST)
    np.testing.assert_allclose(sums, wanted, rtol=1e-6, atol=2 * LEAST)


def test_weights_alone() -> None:
    sums, weights, all_sums, all_weights = np.zeros((0, 0, 0)), np.zeros(SHAPE), np.zeros(SHAPE), np.zeros(SHAPE)
    add_spectra(X, Y, WEIGHT, WEIGHT, TABLE, REACH, False, 0, 9, sums, weights)
    add_spectra(X, Y, WEIGHT, WEIGHT, TABLE, REACH, False, 0, 9, all_sums, all_weights)
    np.testing.assert_array_equal(weights, all_weights)
    np.testing.assert_array_equal(weights, all_sums)


@pytest.mark.parametrize("is_box", [False, True])
@pytest.mark.parametrize("run", [keep_extremes, keep_extremes.py_func])
def test_the_least_and_the_greatest(run: object, is_box: bool) -> None:
    count, extremes = np.zeros(SHAPE, dtype=np.int64), np.zeros((4, *SHAPE))
    run(X, Y, VALUE, WEIGHT, TABLE, REACH, is_box, 0, 9, count, extremes)  # type: ignore[operator]
    for j, i, chan in np.ndindex(*SHAPE):
        found = [
            (float(VALUE[row, chan]), factor(j, i, row, is_box) * WEIGHT[row, chan])
            for row in range(60)
            if row != 5 and factor(j, i, row, is_box) >= LEAST and WEIGHT[row, chan] > 0
        ]
        assert count[j, i, chan] == len(found)
        if found:
            np.testing.assert_allclose(extremes[:, j, i, chan], [*min(found), *max(found)], rtol=1e-5, atol=2 * LEAST)
