"""The kernels of the leakage solver: derivatives against small differences, the compiled against the plain one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from casatools.calibration.normal_equations import LinkedEquations
from casatools.kernels import jones_solver as k


def _numbers(*shape: int, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=shape) + 1j * rng.normal(size=shape)


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("function", [k.predict_leaky, k.predict_leaky.py_func])
def test_derivatives(full: bool, function: Any) -> None:
    models, leak = _numbers(1, 1, 1, 4), _numbers(2, 2, seed=2)

    def at(leak: np.ndarray) -> list[np.ndarray]:
        out, left, right = np.zeros((1, 4), dtype=complex), np.zeros(4, dtype=complex), np.zeros(4, dtype=complex)
        function(models, 0, 0, 0, leak, 0, 1, full, out, left, right)
        return [out[0], left, right]

    out, left, right = at(leak)
    if full:
        jones = [np.array([[1, d[0]], [d[1], 1]]) for d in leak]
        np.testing.assert_allclose(out.reshape(2, 2), jones[0] @ models.reshape(2, 2) @ jones[1].conj().T)
    step = 1e-6
    for corr in range(4):
        for ant, receptor, derivative in ((0, corr // 2, left), (1, corr % 2, right)):
            ahead = leak.copy()
            ahead[ant, receptor] += step
            assert (at(ahead)[0] - out)[corr] / step == pytest.approx(derivative[corr], abs=1e-6)


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("compiled", [True, False])
def test_normal_equations_are_those_of_the_dense_problem(full: bool, compiled: bool) -> None:
    """The visibilities are linear in each leakage and its conjugate and in each property: small differences give the whole design matrix."""
    function = k.leakage_normal_equations if compiled else k.leakage_normal_equations.py_func
    nant, nsub = 4, 2
    ant1, ant2 = np.triu_indices(nant, 1)
    n = len(ant1)
    vis, models = _numbers(n, nsub, 4), _numbers(3, n, nsub, 4, seed=2)
    weight, leak = np.abs(_numbers(n, nsub, 4, seed=4)), 0.1 * _numbers(nant, 2, seed=5)
    weight[0, 1, 1] = weight[2] = 0.0

    def left_over(leak: np.ndarray, found: np.ndarray) -> np.ndarray:
        model = (models[0] + np.tensordot(found, models[1:], 1)).reshape(n, nsub, 2, 2)
        jones = np.array([[[1, d[0]], [d[1], 1]] for d in leak])
        first, second = jones[ant1][:, None], jones[ant2][:, None].conj().swapaxes(-1, -2)
        if full:
            return np.asarray(vis - (first @ model @ second).reshape(n, nsub, 4))
        diagonal = model * np.eye(2)
        crossed = (model + (first - np.eye(2)) @ diagonal + diagonal @ (second - np.eye(2))).reshape(n, nsub, 4)
        return np.asarray(vis - crossed) * np.array([0, 1, 1, 0])

    unknowns = np.concatenate([leak.view(float).reshape(-1), np.zeros(2)])
    root, step = np.sqrt(weight), 1e-6

    def flat(point: np.ndarray) -> np.ndarray:
        values = (root * left_over(point[: 4 * nant].copy().view(complex).reshape(nant, 2), point[4 * nant :])).reshape(-1)
        return np.concatenate([values.real, values.imag])

    design = np.transpose([(flat(unknowns - step * u) - flat(unknowns + step * u)) / (2 * step) for u in np.eye(4 * nant + 2)])
    now = LinkedEquations.zeros(ant1, ant2, nant, 2)
    total = function(ant1, ant2, vis, models, weight, leak, full, now.own, now.link, now.border, now.corner, now.right)
    residual = flat(unknowns)
    assert total == pytest.approx(residual @ residual)
    np.testing.assert_allclose(now.matrix(), design.T @ design, atol=1e-7)
    np.testing.assert_allclose(now.right, design.T @ residual, atol=1e-7)
