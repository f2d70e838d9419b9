"""Counts of baselines against plain counting."""

from __future__ import annotations

import numpy as np
import pytest

from casatools.kernels import baseline_links as k


@pytest.mark.parametrize("compiled", [True, False])
def test_links_are_counted(compiled: bool) -> None:
    rng = np.random.default_rng(1)
    ant1, ant2 = np.triu_indices(6, 1)
    used = rng.random((len(ant1), 3)) < 0.5
    count = np.zeros((6, 3), dtype=np.int64)
    (k.count_links if compiled else k.count_links.py_func)(ant1, ant2, used, count)
    expected = [[np.count_nonzero(used[(ant1 == a) | (ant2 == a), v]) for v in range(3)] for a in range(6)]
    np.testing.assert_array_equal(count, expected)


@pytest.mark.parametrize("compiled", [True, False])
def test_dropping_an_antenna_may_drop_others(compiled: bool) -> None:
    """A triangle with a tail of two: the end of the tail goes first, then the next, and the triangle stays."""
    ant1, ant2 = np.array([0, 0, 1, 2, 3]), np.array([1, 2, 2, 3, 4])
    weight = np.ones((2, 5))
    weight[1, 0] = 0.0  # without one side of the triangle nothing is left
    count = np.zeros((2, 6), dtype=np.int64)
    (k.drop_weakly_linked if compiled else k.drop_weakly_linked.py_func)(ant1, ant2, weight, 2, count)
    np.testing.assert_array_equal(weight, [[1, 1, 1, 0, 0], [0, 0, 0, 0, 0]])
    np.testing.assert_array_equal(count, [[2, 2, 2, 0, 0, 0], [0, 0, 0, 0, 0, 0]])
