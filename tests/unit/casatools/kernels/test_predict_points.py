"""Visibilities of points against the sum written out."""

from __future__ import annotations

import numpy as np
import pytest

from casatools.kernels.predict_points import add_points


@pytest.mark.parametrize("compiled", [True, False])
def test_points_are_summed(compiled: bool) -> None:
    rng = np.random.default_rng(1)
    uvw, flux = rng.normal(0, 800.0, (7, 3)), rng.uniform(0.1, 2.0, (4, 33))
    lm = rng.normal(0, 2e-3, (4, 2))
    lmn = np.column_stack([lm, np.sqrt(1 - (lm**2).sum(axis=1)) - 1])
    freq = 1.4e9 + 2.5e4 * np.arange(33)
    expected = np.einsum("kc,rkc->rc", flux, np.exp(2j * np.pi * (uvw @ lmn.T)[:, :, None] * freq / 299792458.0))
    result = np.ones((7, 33), dtype=np.complex128)
    (add_points if compiled else add_points.py_func)(uvw, freq[0], 2.5e4, lmn, flux, result)
    np.testing.assert_allclose(result - 1.0, expected, atol=1e-10)
