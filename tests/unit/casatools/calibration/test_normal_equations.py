"""Normal equations solved in blocks against the whole matrix."""

from __future__ import annotations

import numpy as np
import pytest

from casatools.calibration import normal_equations
from casatools.calibration.normal_equations import LinkedEquations, least_norm_solution, positive_inverse


def _tied(nant: int, held: float, spread: float = 1.0, shared: int = 0, seed: int = 1) -> tuple[LinkedEquations, np.ndarray]:
    """Equations of differences between all antennas, weighted by a sensitivity of each; offsets common to all are free unless they are `held`.

    Also a solution of theirs.
    """
    rng = np.random.default_rng(seed)
    ant1, ant2 = np.triu_indices(nant, 1)
    made = LinkedEquations.zeros(ant1, ant2, nant, shared)
    sensitivity = np.exp(rng.uniform(0, np.log(spread), nant)) if spread > 1 else np.ones(nant)
    for b, (i, j) in enumerate(zip(ant1, ant2, strict=True)):
        # Two samples of four differences and of what all share.
        for _ in range(2):
            turn = rng.normal(size=(6, 4))
            block = sensitivity[i] * sensitivity[j] * turn.T @ turn
            made.own[i] += block
            made.own[j] += block
            made.link[b] -= block
            common = rng.normal(size=(shared, 6)) * sensitivity[i] * sensitivity[j]
            made.border[:, 4 * i : 4 * i + 4] += common @ turn
            made.border[:, 4 * j : 4 * j + 4] -= common @ turn
            made.corner[:] += common @ common.T / (sensitivity[i] * sensitivity[j])
    made.own[:] *= 1 + held
    truth = rng.normal(size=4 * nant + shared)
    made.right[:] = made.matrix() @ truth
    return made, truth


def test_the_whole_matrix_is_that_of_the_products() -> None:
    made, _ = _tied(5, 1.0, shared=2)
    whole = made.matrix()
    columns = [made.product(unit) for unit in np.eye(len(whole))]
    np.testing.assert_allclose(np.transpose(columns), whole, atol=1e-12)
    np.testing.assert_allclose(whole, whole.T, atol=1e-12)
    np.testing.assert_array_equal(made.diagonal, whole.diagonal())
    scale = made.scale()
    np.testing.assert_allclose(scale[:20].reshape(5, 4), np.trace(made.own, axis1=1, axis2=2)[:, None].repeat(4, axis=1) / 4)
    np.testing.assert_allclose(scale[20:], scale[:20].mean())


@pytest.mark.parametrize(("spread", "shared"), [(1.0, 0), (1.0, 2), (1e4, 0)])
@pytest.mark.parametrize("held", [0.0, 0.3])
def test_few_steps_find_the_solution_of_least_norm(
    held: float, spread: float, shared: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, _ = _tied(12, held, spread, shared)
    root = 1 / np.sqrt(made.scale())
    expected = root * (np.linalg.pinv(root[:, None] * made.matrix() * root, rcond=1e-11, hermitian=True) @ (root * made.right))
    monkeypatch.setattr(
        normal_equations, "_STEPS", 45
    )  # of 48 unknowns and more: far fewer steps than unknowns do for many antennas
    monkeypatch.setattr(np.linalg, "pinv", None)
    found = least_norm_solution(made)
    np.testing.assert_allclose(found, expected, atol=1e-9)
    np.testing.assert_allclose(made.product(found), made.right, atol=1e-10 * np.abs(made.right).max())
    # What rounding leaves of a right side is no reason to go on.
    made.right[:] = 1e-15
    np.testing.assert_allclose(least_norm_solution(made, unit=1.0), 0.0, atol=1e-13)


def test_some_unknowns_stay_at_zero() -> None:
    made, _ = _tied(6, 0.0)
    free = np.ones(24, dtype=bool)
    free[:4] = free[7::4] = False
    found = least_norm_solution(made, free)
    assert not found[~free].any()
    inner = np.linalg.solve(made.matrix()[np.ix_(free, free)], made.right[free])
    np.testing.assert_allclose(found[free], inner, atol=1e-11)


def _alone(eigenvalues: np.ndarray, right: np.ndarray) -> LinkedEquations:
    """Equations of antennas without baselines."""
    made = LinkedEquations.zeros(np.zeros(0, int), np.zeros(0, int), len(eigenvalues) // 4)
    made.own[:] = eigenvalues.reshape(-1, 4)[:, :, None] * np.eye(4)
    made.right[:] = right
    return made


def test_unknowns_that_are_hardly_told_are_found_too() -> None:
    rng = np.random.default_rng(2)
    made = LinkedEquations.zeros(*np.triu_indices(15, 1), 15)
    turn = np.linalg.qr(rng.normal(size=(60, 60)))[0]
    whole = (turn * np.concatenate([np.geomspace(1e-8, 1.0, 59), [0.0]])) @ turn.T
    blocks = whole.reshape(15, 4, 15, 4).transpose(0, 2, 1, 3)
    made.own[:], made.link[:] = blocks[np.arange(15), np.arange(15)], blocks[made.ant1, made.ant2]
    truth = turn[:, :59] @ rng.normal(size=59)
    made.right[:] = whole @ truth
    np.testing.assert_allclose(made.product(least_norm_solution(made)), made.right, atol=1e-9)


def test_right_sides_along_what_is_free_change_nothing() -> None:
    free = np.array([1.0, 1.0, 1.0, 1e-12])
    np.testing.assert_allclose(least_norm_solution(_alone(free, np.array([0.0, 0.0, 0.0, 1.0]))), 0.0)
    np.testing.assert_array_equal(least_norm_solution(_alone(np.zeros(4), np.zeros(4))), 0.0)


@pytest.mark.parametrize("held", [0.0, 1.0])
def test_inverses(held: float) -> None:
    normal = _tied(8, held)[0].matrix()
    np.testing.assert_allclose(positive_inverse(normal), np.linalg.pinv(normal, hermitian=True, rcond=1e-12), atol=1e-12)
    assert positive_inverse(np.zeros((0, 0))).shape == (0, 0)
