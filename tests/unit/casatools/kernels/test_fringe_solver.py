"""Normal equations of fringes against sums written from the definition."""

from __future__ import annotations

import numpy as np
import pytest

from casatools.calibration.normal_equations import LinkedEquations
from casatools.kernels.fringe_solver import fringe_normal_equations

NANT = 4


def _problem() -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(8)
    ant1, ant2 = np.triu_indices(NANT, 1)
    shape = (5, len(ant1), 7)
    vis = rng.normal(size=shape) + 1j * rng.normal(size=shape)
    weight = rng.uniform(0.5, 2.0, size=shape)
    vis[0, 0, 0] = 0.0
    weight[1, 2, 3:] = 0.0
    weight[:, 1] = 0.0
    across, along, curved = rng.normal(size=7), rng.normal(size=5), rng.normal(size=7)
    return ant1, ant2, vis, weight, across, along, curved, rng.normal(size=(NANT, 4))


def _expected(problem: tuple[np.ndarray, ...], used: np.ndarray, units: bool) -> tuple[np.ndarray, np.ndarray, float, int, int]:
    ant1, ant2, vis, weight, across, along, curved, param = problem
    terms = np.stack(np.broadcast_arrays(1.0, across, along[:, None], curved))
    normal, right, rest, samples, held = np.zeros((4 * NANT, 4 * NANT)), np.zeros(4 * NANT), 0.0, 0, 0
    for b, (i, j) in enumerate(zip(ant1, ant2, strict=True)):
        w = weight[:, b]
        if not (used[i] and used[j] and w.any()):
            continue
        left = vis[:, b] * np.exp(-1j * np.tensordot(param[i] - param[j], terms, 1))
        amplitude = 1.0 if units else abs((w * left).sum() / w.sum())
        derivative = np.zeros((4 * NANT, *left.shape))
        derivative[4 * i : 4 * i + 4], derivative[4 * j : 4 * j + 4] = terms, -terms
        normal += np.einsum("ptc,qtc,tc->pq", derivative, derivative, w * amplitude**2)
        right += np.einsum("ptc,tc->p", derivative, w * amplitude * left.imag)
        rest += (w * np.abs(left - amplitude) ** 2).sum()
        samples, held = samples + np.count_nonzero(w), held + 1
    return normal, right, float(rest), samples, held


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("units", [False, True])
@pytest.mark.parametrize("last", [False, True])
def test_sums_are_those_of_the_definition(compiled: bool, units: bool, last: bool) -> None:
    function = fringe_normal_equations if compiled else fringe_normal_equations.py_func
    problem, used = _problem(), np.array([True, True, True, last])
    ant1, ant2, vis, weight, across, along, curved, param = problem
    now = LinkedEquations.zeros(ant1, ant2, NANT)
    found = function(ant1, ant2, used, vis, weight, across, along, curved, param, units, now.own, now.link, now.right)
    expected = _expected(problem, used, units)
    np.testing.assert_allclose(now.matrix(), expected[0], rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(now.right, expected[1], rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found, expected[2:], rtol=1e-12)
