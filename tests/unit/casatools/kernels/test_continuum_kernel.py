"""The continuum fit against numpy's least squares."""

from __future__ import annotations

import numpy as np
import pytest

from casatools.kernels.continuum import fit_continuum


@pytest.mark.parametrize("function", [fit_continuum, fit_continuum.py_func])
@pytest.mark.parametrize("order", [0, 1, 3])
def test_weighted_polynomial(function, order):
    rng = np.random.default_rng(3)
    data = (rng.normal(size=(3, 20, 2)) + 1j * rng.normal(size=(3, 20, 2))).astype(np.complex64)
    weight = rng.uniform(0.5, 3, data.shape).astype(np.float32)
    flag = rng.random(data.shape) < 0.2
    fit = np.zeros(20, dtype=bool)
    fit[:8] = fit[14:] = True
    x = np.linspace(-1, 1, 20)
    model, chi2 = np.empty_like(data), np.empty((3, 2, 2))
    function(data, weight, flag, fit, x, order, model, chi2)
    for row in range(3):
        for corr in range(2):
            good = fit & ~flag[row, :, corr]
            root = np.sqrt(weight[row, good, corr])
            basis = np.vander(x, order + 1, increasing=True)
            coefficients = np.linalg.lstsq(basis[good] * root[:, None], data[row, good, corr] * root, rcond=None)[0]
            expected = basis @ coefficients
            np.testing.assert_allclose(model[row, :, corr], expected, atol=1e-5)
            rest = (data[row, good, corr] - expected[good]) * root
            np.testing.assert_allclose(chi2[row, corr], [np.sum(rest.real**2), np.sum(rest.imag**2)], rtol=1e-5)


def test_too_few_channels_lower_the_order_and_none_gives_zero():
    data = np.array([[[1.0], [3.0], [100.0]]], dtype=np.complex64)
    fit, x = np.array([True, True, False]), np.array([-1.0, 0.0, 1.0])
    model, chi2 = np.empty_like(data), np.empty((1, 1, 2))
    fit_continuum(data, np.ones((1, 1, 1), np.float32), np.zeros(data.shape, bool), fit, x, 5, model, chi2)
    np.testing.assert_allclose(model[0, :, 0], [1, 3, 5], atol=1e-6)
    fit_continuum(data, np.ones((1, 1, 1), np.float32), np.ones(data.shape, bool), fit, x, 5, model, chi2)
    assert not model.any() and np.isnan(chi2).all()
