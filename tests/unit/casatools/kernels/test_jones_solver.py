"""The kernels of the leakage solver: derivatives against small differences, the compiled against the plain one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from casatools.kernels import jones_solver as k


def _numbers(*shape: int, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=shape) + 1j * rng.normal(size=shape)


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("function", [k.predict_leaky, k.predict_leaky.py_func])
def test_derivatives(full: bool, function: Any) -> None:
    model, first, second = _numbers(4), _numbers(2, seed=2), _numbers(2, seed=3)
    work = np.zeros((3, 4), dtype=complex)
    function(model, first, second, full, work[0], work[1], work[2])
    if full:
        jones = [np.array([[1, d[0]], [d[1], 1]]) for d in (first, second)]
        np.testing.assert_allclose(work[0].reshape(2, 2), jones[0] @ model.reshape(2, 2) @ jones[1].conj().T)
    step = 1e-6
    for corr in range(4):
        moved = np.zeros((3, 4), dtype=complex)
        ahead = first.copy()
        ahead[corr // 2] += step
        function(model, ahead, second, full, moved[0], moved[1], moved[2])
        assert (moved[0] - work[0])[corr] / step == pytest.approx(work[1][corr], abs=1e-6)
        ahead = second.copy()
        ahead[corr % 2] += step
        function(model, first, ahead, full, moved[0], moved[1], moved[2])
        assert (moved[0] - work[0])[corr] / step == pytest.approx(work[2][corr], abs=1e-6)


def test_normal_equations_are_those_of_the_dense_problem() -> None:
    nant, n = 3, 3
    ant1, ant2 = np.triu_indices(nant, 1)
    vis, model, source = _numbers(n, 4), _numbers(n, 4, seed=2), _numbers(1, n, 4, seed=3)
    weight, leak = np.abs(_numbers(n, 4, seed=4)), 0.1 * _numbers(nant, 2, seed=5)
    weight[0, 1] = 0.0
    for full in (True, False):
        normal, right = np.zeros((13, 13)), np.zeros(13)
        total = k.leakage_normal_equations(ant1, ant2, vis, model, source, weight, leak, full, normal, right)
        plain = np.zeros((13, 13)), np.zeros(13)
        with_python = k.leakage_normal_equations.py_func(ant1, ant2, vis, model, source, weight, leak, full, *plain)
        assert total == pytest.approx(with_python)
        np.testing.assert_allclose(normal, plain[0], atol=1e-12)
        np.testing.assert_allclose(right, plain[1], atol=1e-12)
        np.testing.assert_allclose(normal, normal.T, atol=1e-12)
        # The right side is half the slope of the sum of squares, downhill.
        step, ahead = 1e-7, leak.copy()
        ahead[1, 0] += step
        more = k.leakage_normal_equations(ant1, ant2, vis, model, source, weight, ahead, full, *np_zeros())
        assert (total - more) / (2 * step) == pytest.approx(right[4], rel=1e-4)


def np_zeros() -> tuple[np.ndarray, np.ndarray]:
    return np.zeros((13, 13)), np.zeros(13)
