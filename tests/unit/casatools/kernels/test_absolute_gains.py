"""Gains of small absolute residuals."""

from __future__ import annotations

import numpy as np

from casatools.kernels import absolute_gains as k

SOFTENINGS = np.array([5e-3, 5e-4, 5e-5])


def _solve(vis: np.ndarray, weight: np.ndarray, guess: np.ndarray, small: float, least: int, most: int) -> tuple[np.ndarray, ...]:
    ant1, ant2 = np.triu_indices(guess.shape[-1], 1)
    times = vis.shape[-1] // len(ant1)
    gain, used = guess.copy(), np.zeros(vis.shape)
    information, chi2 = np.zeros(guess.shape), np.zeros(vis.shape[:2])
    args = (vis, weight, SOFTENINGS, small, least, most, gain, used, information, chi2)
    k.absolute_gains(np.tile(ant1, times), np.tile(ant2, times), *args)
    return gain, used, information, chi2


def test_one_outlier_of_six() -> None:
    """All antennas alike, one of six times off by 3: the square of the gain is where the pulls of the times balance."""
    vis = np.ones((1, 2, 6, 3), dtype=np.complex128)
    vis[:, :, 1] += 3.0
    gain = _solve(vis.reshape(1, 2, -1), np.ones((1, 2, 18)), np.ones((1, 2, 3), dtype=complex), 0.1, 5, 50)[0]
    np.testing.assert_allclose(np.abs(gain) ** 2 - 1, np.sqrt(5e-5 / 24), rtol=1e-3)


def test_minimum_of_the_softened_sum() -> None:
    """Steps without end reach what scipy finds, and the weights make it the gains of least squares."""
    from scipy.optimize import minimize

    rng = np.random.default_rng(1)
    ant1, ant2 = np.triu_indices(5, 1)
    truth = rng.uniform(0.8, 1.2, 5) * np.exp(1j * rng.uniform(-1, 1, 5))
    vis = truth[ant1] * truth[ant2].conj() + 0.05 * (rng.standard_normal(10) + 1j * rng.standard_normal(10))
    weight = rng.uniform(0.5, 2.0, 10)
    weight[3] = 0.0
    gain, used, information, chi2 = _solve(vis[None, None], weight[None, None], truth[None, None], 0.0, 5, 3000)

    def total(x: np.ndarray) -> float:
        g = x[:5] + 1j * x[5:]
        return float((weight * np.sqrt(np.abs(vis - g[ant1] * g[ant2].conj()) ** 2 + 5e-5)).sum())

    found = minimize(total, np.concatenate([truth.real, truth.imag]), method="BFGS", options={"gtol": 1e-9}).x
    other, mine = found[:5] + 1j * found[5:], gain[0, 0]
    np.testing.assert_allclose(mine * np.exp(-1j * np.angle(mine[0])), other * np.exp(-1j * np.angle(other[0])), atol=1e-4)
    left = np.abs(vis - mine[ant1] * mine[ant2].conj()) ** 2
    np.testing.assert_allclose(used[0, 0], weight / np.sqrt(left + 5e-5), rtol=1e-6)
    np.testing.assert_allclose(chi2[0, 0], (used[0, 0] * left).sum(), rtol=1e-6)
    held = np.array(
        [
            (used[0, 0] * np.where(ant1 == a, np.abs(mine[ant2]) ** 2, (ant2 == a) * np.abs(mine[ant1]) ** 2)).sum()
            for a in range(5)
        ]
    )
    np.testing.assert_allclose(information[0, 0], held, rtol=1e-6)


def test_a_step_leaves_antennas_without_data() -> None:
    vis, gain = np.ones(3, dtype=complex), np.ones(3, dtype=complex)
    used, top, bottom = np.zeros(3), np.zeros(3, dtype=complex), np.zeros(3)
    chi2 = k.reweighted_step.py_func(
        np.array([0, 0, 1]), np.array([1, 2, 2]), 1.1 * vis, np.array([1.0, 0, 0]), 5e-5, gain, used, top, bottom
    )
    np.testing.assert_allclose(chi2, 0.01 / np.sqrt(0.01 + 5e-5))
    np.testing.assert_allclose(gain, [1.05, 1.05, 1.0])
