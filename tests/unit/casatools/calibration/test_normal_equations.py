"""Normal equations solved without eigenvalues against those solved with."""

from __future__ import annotations

import numpy as np
import pytest

from casatools.calibration import normal_equations
from casatools.calibration.normal_equations import least_norm_solution, positive_inverse


def _tied(nant: int, free: bool, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """The matrix of differences between all antennas, with weights; an offset common to all is free unless they are held."""
    rng = np.random.default_rng(seed)
    weight = np.triu(rng.uniform(0.5, 2.0, (nant, nant)), 1)
    weight += weight.T
    normal = np.diag(weight.sum(axis=1)) - weight
    return (normal if free else normal + np.eye(nant)), normal @ rng.normal(size=nant)


@pytest.mark.parametrize("free", [True, False])
def test_conjugate_gradients_are_the_solution_of_least_norm(free: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    normal, right = _tied(40, free)
    expected = np.linalg.pinv(normal, rcond=1e-9, hermitian=True) @ right
    monkeypatch.setattr(normal_equations, "_STEPS", 30)  # of 40 unknowns: far fewer steps than unknowns do for many antennas
    monkeypatch.setattr(np.linalg, "pinv", None)
    np.testing.assert_allclose(least_norm_solution(normal, right), expected, atol=1e-12)
    # What rounding leaves of a right side is no reason to go on.
    np.testing.assert_allclose(least_norm_solution(normal, 1e-15 * np.ones(40), 1.0), 0.0, atol=1e-13)


def test_unknowns_that_are_hardly_told_are_found_too() -> None:
    rng = np.random.default_rng(2)
    turn = np.linalg.qr(rng.normal(size=(60, 60)))[0]
    eigenvalues = np.concatenate([np.geomspace(1e-8, 1.0, 59), [0.0]])
    normal = (turn * eigenvalues) @ turn.T
    truth = turn[:, :59] @ rng.normal(size=59)
    np.testing.assert_allclose(least_norm_solution(normal, normal @ truth), truth, atol=1e-5)


def test_right_sides_along_what_is_free_change_nothing() -> None:
    np.testing.assert_allclose(least_norm_solution(np.diag([1.0, 1e-12]), np.array([0.0, 1.0])), 0.0)
    np.testing.assert_array_equal(least_norm_solution(np.zeros((2, 2)), np.zeros(2)), 0.0)


@pytest.mark.parametrize("free", [True, False])
def test_inverses(free: bool) -> None:
    normal, _ = _tied(30, free)
    np.testing.assert_allclose(positive_inverse(normal), np.linalg.pinv(normal, hermitian=True, rcond=1e-12), atol=1e-12)
    assert positive_inverse(np.zeros((0, 0))).shape == (0, 0)
