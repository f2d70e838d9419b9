"""Sums of residuals against numpy; the compiled kernel against the plain one."""

from __future__ import annotations

import numpy as np

from casatools.kernels.residuals import add_residuals


def test_sums() -> None:
    rng = np.random.default_rng(1)
    data, model = (rng.normal(size=(6, 3, 4)) + 1j * rng.normal(size=(6, 3, 4)) for _ in range(2))
    data, model = data.astype(np.complex64), model.astype(np.complex64)
    flag = rng.random((6, 3, 4)) < 0.2
    weight = rng.uniform(1, 2, (6, 1, 4)).astype(np.float32)
    model[2, 1, 0] = 0
    baseline, when, corr = np.array([0, 1, 0, 1, -1, 0]), np.array([0, 0, 1, 1, 2, 2]), np.array([0, 3])
    found = []
    for function in (add_residuals, add_residuals.py_func):
        sums = np.zeros((2, 2, 6)), np.zeros((3, 2)), np.zeros((3, 2))
        function(data, model, flag, weight, baseline, when, corr, *sums)
        found.append(sums)
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)
    good = ~flag[..., corr] & (model[..., corr] != 0) & (baseline >= 0)[:, None, None]
    left = np.abs(data - model)[..., corr] ** 2 * good
    by_baseline, by_time, by_chan = found[0]
    for b in (0, 1):
        mine = baseline == b
        np.testing.assert_allclose(by_baseline[b, :, 0], good[mine].sum(axis=(0, 1)))
        np.testing.assert_allclose(by_baseline[b, :, 1], left[mine].sum(axis=(0, 1)), rtol=1e-5)
        np.testing.assert_allclose(by_baseline[b, :, 2], (left * weight[..., corr])[mine].sum(axis=(0, 1)), rtol=1e-5)
        cross = (data * model.conj())[..., corr] * good
        np.testing.assert_allclose(by_baseline[b, :, 3] + 1j * by_baseline[b, :, 4], cross[mine].sum(axis=(0, 1)), rtol=1e-4)
    np.testing.assert_allclose(by_time[:, 1].sum(), left.sum(), rtol=1e-5)
    np.testing.assert_allclose(by_chan[:, 0], good.sum(axis=(0, 2)))
