"""Sums of deviations against numpy in double precision."""

from __future__ import annotations

import numpy as np
import pytest

from casatools.kernels.value_sums import deviation_sums


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sums_about_a_number(dtype: type) -> None:
    values = np.random.default_rng(5).normal(1e4, 1.0, 1003).astype(dtype)
    away = values.astype(np.float64) - 1e4
    assert deviation_sums(values, 1e4) == pytest.approx((away.sum(), np.square(away).sum()), rel=1e-12)
    assert deviation_sums.py_func(values, 1e4) == pytest.approx((away.sum(), np.square(away).sum()), rel=1e-12)
