"""Hanning smoothing and phase turning against numpy."""

from __future__ import annotations

import numpy as np
import pytest

from casatools.kernels.hanning import smooth_flags, smooth_values, smooth_weights
from casatools.kernels.phase_turning import phase_factors, turn_phases


@pytest.mark.parametrize("compiled", [True, False])
def test_smoothing(compiled: bool) -> None:
    rng = np.random.default_rng(2)
    values = (rng.normal(size=(2, 6, 2)) + 1j * rng.normal(size=(2, 6, 2))).astype(np.complex64)
    flag = rng.random((2, 6, 2)) < 0.2
    weight = rng.random((2, 6, 2)).astype(np.float32)
    weight[1, 2, 0] = 0
    out, bad, new = np.empty_like(values), np.empty_like(flag), np.empty_like(weight)
    for function, arguments in ((smooth_values, (values, out)), (smooth_flags, (flag, bad)), (smooth_weights, (weight, new))):
        (function if compiled else function.py_func)(*arguments)
    np.testing.assert_allclose(out[:, 1:-1], values[:, 1:-1] / 2 + (values[:, :-2] + values[:, 2:]) / 4, rtol=1e-5)
    np.testing.assert_array_equal(out[:, [0, -1]], values[:, [0, -1]])
    assert bad[:, [0, -1]].all()
    np.testing.assert_array_equal(bad[:, 1:-1], flag[:, 1:-1] | flag[:, :-2] | flag[:, 2:])
    inverse = np.where(weight > 0, 1 / np.where(weight > 0, weight, 1), 0)
    np.testing.assert_allclose(new[:, 1:-1], 1 / (inverse[:, 1:-1] / 4 + (inverse[:, :-2] + inverse[:, 2:]) / 16), rtol=1e-5)


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("even", [True, False])
def test_phase_factors(compiled: bool, even: bool) -> None:
    frequency = 1.4e9 + 1e5 * np.arange(70) + (0 if even else 1) * np.linspace(0, 1, 70) ** 2 * 1e4
    delay = np.array([0.0, 3.3e-5, -1.7e-6])
    out = np.empty((3, 70), dtype=np.complex64)
    (phase_factors if compiled else phase_factors.py_func)(delay, frequency, even, out)
    exact = np.exp(-2j * np.pi * np.asarray((delay[:, None].astype(np.longdouble) * frequency) % 1, dtype=np.float64))
    np.testing.assert_allclose(out, exact, atol=2e-7)
    values = np.ones((3, 70, 2), dtype=np.complex64)
    turned = np.empty_like(values)
    (turn_phases if compiled else turn_phases.py_func)(values, out, turned)
    np.testing.assert_array_equal(turned[:, :, 1], out)
