"""Correlations mixed into planes against a plain transcription."""

from __future__ import annotations

import numpy as np
import pytest

from casatools._base.threads import over_rows, set_thread_count
from casatools.kernels.stokes_planes import mix_correlations


def test_planes_weights_and_what_is_lost() -> None:
    rng = np.random.default_rng(5)
    data = (rng.normal(size=(9, 4, 4)) + 1j * rng.normal(size=(9, 4, 4))).astype(np.complex64)
    flag, flag_row = rng.random((9, 4, 4)) < 0.1, np.arange(9) == 4
    data[2, 1, 0] = np.nan
    data[3, 3, 1] = np.inf  # not used
    data[5, 2, 3] = -np.inf
    data[6, 1, 0] = complex(1.0, np.nan)
    weight = rng.random((9, 4, 4)).astype(np.float32)
    weight[7, 0, 0], weight[8, 0, 3], weight[8, 2, 1] = np.nan, np.inf, np.nan
    hands = np.array([0, 3])
    corr, factor = np.array([0, 3]), np.array([[0.5, 0.5], [0.5, -0.5]], np.complex64)
    for given in (weight, np.ascontiguousarray(weight[:, :1])):
        mean = given[..., hands].mean(axis=2)
        whole, whole_weight = np.full((2, 12, 4), 7, np.complex64), np.full((12, 4), 7, np.float32)
        vis, out = whole[:, 2:11], whole_weight[2:11]
        for kernel in (mix_correlations, mix_correlations.py_func):
            with np.errstate(invalid="ignore"):
                kernel(data, flag, flag_row, given, hands, corr, factor, 0, 5, 2, whole, whole_weight)
                kernel(data, flag, flag_row, given, hands, corr, factor, 5, 9, 2, whole, whole_weight)
            bad = flag[..., corr].any(axis=2) | flag_row[:, None] | ~np.isfinite(data[..., corr]).all(axis=2) | ~np.isfinite(mean)
            expected = np.einsum("pk,rck->prc", factor, np.where(bad[..., None], 0, data[..., corr]))
            assert np.allclose(vis, expected, atol=1e-6)
            assert (whole[:, [0, 1, 11]] == 7).all() and (whole_weight[[0, 1, 11]] == 7).all()
            assert np.array_equal(out, np.where(bad, 0, np.broadcast_to(mean, bad.shape)).astype(np.float32))


def test_rows_are_shared_out_and_failures_told() -> None:
    seen: list[tuple[int, int]] = []
    set_thread_count(3)
    try:
        over_rows(lambda a, b: seen.append((a, b)), 10, least=2)
        assert sorted(seen) == [(0, 3), (3, 6), (6, 10)]
        seen.clear()
        over_rows(lambda a, b: seen.append((a, b)), 3, least=2)
        assert seen == [(0, 3)]
        with pytest.raises(ZeroDivisionError):
            over_rows(lambda a, b: 1 // 0, 10, least=2)
    finally:
        set_thread_count(None)
