"""Factors of baselines and gains from autocorrelations."""

from __future__ import annotations

import numpy as np

from casatools.calibration.solve_averages import antenna_pairs, autocorrelation_gains, average_baselines
from casatools.calibration.solve_data import Baselines, IntervalData


def _data(vis: np.ndarray) -> IntervalData:
    return IntervalData(np.array([0]), vis, np.ones(vis.shape), np.array([1.0]))


def test_baseline_factors() -> None:
    # The second baseline is stored the other way round.
    baselines = Baselines(np.array([0, 2]), np.array([1, 1]), np.zeros((3, 3), dtype=np.int64))
    vis = np.array([2j, 3 + 4j]).reshape(1, 1, 2, 1, 1)
    first, second = antenna_pairs(3)
    assert list(zip(first, second, strict=True)) == [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)]
    both = average_baselines(_data(vis), baselines, 3, "ap")
    np.testing.assert_allclose(both.param[0, :, 0, 0], [0, 2j, 0, 0, 3 - 4j, 0])
    assert both.flag[0, :, 0, 0].tolist() == [True, False, True, True, False, True]
    np.testing.assert_allclose(average_baselines(_data(vis), baselines, 3, "a").param[0, [1, 4], 0, 0], [2, 5])
    np.testing.assert_allclose(average_baselines(_data(vis), baselines, 3, "p").param[0, [1, 4], 0, 0], [1j, 0.6 - 0.8j])


def test_autocorrelations() -> None:
    baselines = Baselines(np.array([0, 2]), np.array([0, 2]), np.zeros((3, 3), dtype=np.int64))
    vis = np.array([[4.0, 8.0], [12.0, 10.0]]).reshape(1, 2, 2, 1, 1) + 0j
    found = autocorrelation_gains(_data(vis), baselines, 3)
    np.testing.assert_allclose(found.param[0, :, 0, 0], [np.sqrt(8), 1, 3])
    assert found.flag[0, :, 0, 0].tolist() == [False, True, False]
