"""Sums over channels against plain numpy, compiled and not."""

from __future__ import annotations

import numpy as np
import pytest

from casatools.kernels.channel_taps import any_tap_flagged, mean_of_unflagged, sum_taps

FIRST = np.array([0, 1, 3, 6], dtype=np.int64)
INDEX = np.array([0, 1, 2, 2, 3, 4], dtype=np.int64)
SHARE = np.array([1.0, 0.25, 0.75, 0.2, 0.3, 0.5])


@pytest.mark.parametrize("compiled", [True, False])
def test_against_a_matrix(compiled: bool) -> None:
    rng = np.random.default_rng(3)
    values = (rng.normal(size=(2, 5, 2)) + 1j * rng.normal(size=(2, 5, 2))).astype(np.complex64)
    flag = np.zeros((2, 5, 2), dtype=bool)
    flag[0, 2, 1] = flag[1, 3:, 0] = flag[1, 2, 0] = True
    matrix = np.zeros((3, 5))
    for k in range(3):
        for tap in range(FIRST[k], FIRST[k + 1]):
            matrix[k, INDEX[tap]] += SHARE[tap]
    functions = [f if compiled else f.py_func for f in (sum_taps, any_tap_flagged, mean_of_unflagged)]
    out = np.empty((2, 3, 2), dtype=np.complex64)
    functions[0](values, FIRST, INDEX, SHARE, out)
    np.testing.assert_allclose(out, np.einsum("kc,rcp->rkp", matrix, values), rtol=1e-5)
    bad = np.empty((2, 3, 2), dtype=bool)
    outside = np.array([True, False, False])
    functions[1](flag, FIRST, INDEX, outside, bad)
    used = matrix > 0
    np.testing.assert_array_equal(bad, (np.einsum("kc,rcp->rkp", used, flag) > 0) | outside[None, :, None])
    functions[2](values, flag, FIRST, INDEX, SHARE, out, bad)
    norm = np.einsum("kc,rcp->rkp", matrix, ~flag)
    sums = np.einsum("kc,rcp->rkp", matrix, np.where(flag, 0, values))
    np.testing.assert_array_equal(bad, norm == 0)
    np.testing.assert_allclose(out, np.where(norm > 0, sums / np.where(norm > 0, norm, 1), 0), rtol=1e-5)
