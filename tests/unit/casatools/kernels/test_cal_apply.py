"""Kernels that apply Jones matrices, against plain matrix algebra."""

from __future__ import annotations

import numpy as np
import pytest

from casatools.kernels.cal_apply import apply_diagonal, apply_general, apply_leakage, apply_multiplicative

NROW, NCHAN, NANT = 5, 3, 4


@pytest.fixture
def made() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)

    def complex_array(*shape: int) -> np.ndarray:
        return (rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype(np.complex64)

    return {
        "data": complex_array(NROW, NCHAN, 4),
        "flag": np.zeros((NROW, NCHAN, 4), dtype=bool),
        "ant1": np.array([0, 0, 1, 2, 0]),
        "ant2": np.array([1, 2, 3, 3, 0]),
        "slot": np.array([0, 0, 1, 1, 0]),
        "diagonal": complex_array(2, NANT, NCHAN, 2),
        "matrix": complex_array(2, NANT, NCHAN, 2, 2),
    }


def expected(made: dict[str, np.ndarray], jones: np.ndarray) -> np.ndarray:
    left = jones[made["slot"], made["ant1"]]
    right = jones[made["slot"], made["ant2"]]
    v = made["data"].reshape(NROW, NCHAN, 2, 2).astype(np.complex128)
    return np.einsum("rcij,rcjk,rclk->rcil", left, v, right.conj()).reshape(NROW, NCHAN, 4)


def test_diagonal_is_the_matrix_product(made: dict[str, np.ndarray]) -> None:
    full = np.zeros((2, NANT, NCHAN, 2, 2), dtype=complex)
    full[..., 0, 0], full[..., 1, 1] = made["diagonal"][..., 0], made["diagonal"][..., 1]
    want = expected(made, full)
    bad = np.zeros((2, NANT, 1, 2), dtype=bool)
    bad[0, 1, 0, 1] = True
    first, second = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    apply_diagonal.py_func(
        made["data"], made["flag"], made["ant1"], made["ant2"], made["slot"], made["diagonal"], bad, first, second, True
    )  # fmt: skip
    assert np.allclose(made["data"], want, rtol=1e-5)
    assert (
        made["flag"][0].tolist() == [[False, True, False, True]] * NCHAN
    )  # the second receptor of antenna 1, at the second place
    assert made["flag"].sum() == 2 * NCHAN


def test_general_is_the_matrix_product(made: dict[str, np.ndarray]) -> None:
    want = expected(made, made["matrix"].astype(complex))
    bad = np.zeros((2, NANT, 1), dtype=bool)
    made["flag"][2, 1, 3] = True
    apply_general.py_func(made["data"], made["flag"], made["ant1"], made["ant2"], made["slot"], made["matrix"], bad, True)
    assert np.allclose(made["data"], want, rtol=1e-4, atol=1e-5)
    assert made["flag"][2, 1].all()
    assert made["flag"].sum() == 4


def test_leakage_is_first_order(made: dict[str, np.ndarray]) -> None:
    made["data"][..., 1:3] = 0
    small = np.float32(1e-3) * made["diagonal"]
    full = np.zeros((2, NANT, NCHAN, 2, 2), dtype=complex)
    full[..., 0, 0] = full[..., 1, 1] = 1
    full[..., 0, 1], full[..., 1, 0] = small[..., 0], small[..., 1]
    want = expected(made, full)
    bad = np.zeros((2, NANT, 1, 2), dtype=bool)
    made["flag"][3, 0, 0] = True
    apply_leakage.py_func(made["data"], made["flag"], made["ant1"], made["ant2"], made["slot"], small, bad, True)
    assert np.allclose(made["data"][..., 1:3], want[..., 1:3], atol=2e-5)
    # A flagged parallel hand spoils both cross hands.
    assert made["flag"][3, 0].tolist() == [True, True, True, False]


def test_multiplicative_flags_rows_without_solutions(made: dict[str, np.ndarray]) -> None:
    before = made["data"].copy()
    factor = np.full((1, 1, 2), 2.0, dtype=np.complex64)
    slot = np.array([0, 0, -1, 0, 0])
    apply_multiplicative.py_func(
        made["data"], made["flag"], slot, factor, np.zeros((1, 1, 2), bool), np.array([0, 0, 1, 1]), True
    )
    assert np.allclose(made["data"][:2], 2 * before[:2])
    assert np.array_equal(made["data"][2], before[2])
    assert made["flag"][2].all()
    assert not made["flag"][:2].any()
