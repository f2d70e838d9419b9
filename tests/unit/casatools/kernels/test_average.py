"""Averaging kernels against numpy."""

from __future__ import annotations

import numpy as np
import pytest

from casatools.kernels.average import assign_bins, average_channels, average_rows, mean_channels


def _sample(seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    data = (rng.normal(size=(5, 6, 2)) + 1j * rng.normal(size=(5, 6, 2))).astype(np.complex64)
    weight = rng.uniform(0.5, 2.0, (5, 6, 2)).astype(np.float32)
    flag = rng.random((5, 6, 2)) < 0.3
    flag[0, :3] = True
    return data, weight, flag


@pytest.mark.parametrize("per_channel", [True, False])
@pytest.mark.parametrize("function", [average_channels, average_channels.py_func])
def test_average_channels(function, per_channel):
    data, weight, flag = _sample()
    weight = weight if per_channel else weight[:, :1]
    out, total, bad = np.empty((5, 2, 2), np.complex64), np.empty((5, 2, 2), np.float32), np.empty((5, 2, 2), bool)
    function(data, weight, flag, np.array([0, 3, 6]), out, total, bad)
    full = np.broadcast_to(weight, data.shape)
    for k, part in enumerate((slice(0, 3), slice(3, 6))):
        w = np.where(flag[:, part], 0, full[:, part])
        w = np.where(flag[:, part].all(axis=1, keepdims=True), full[:, part], w)
        np.testing.assert_allclose(total[:, k], w.sum(axis=1), rtol=1e-6)
        np.testing.assert_allclose(out[:, k], (w * data[:, part]).sum(axis=1) / w.sum(axis=1), rtol=1e-5)
        np.testing.assert_array_equal(bad[:, k], flag[:, part].all(axis=1))
    assert bad[0, 0].all()


def test_average_channels_without_weight_is_the_plain_mean():
    data, weight, flag = _sample()
    out, total, bad = np.empty((5, 1, 2), np.complex64), np.empty((5, 1, 2), np.float32), np.empty((5, 1, 2), bool)
    average_channels(data, weight * 0, flag, np.array([0, 6]), out, total, bad)
    np.testing.assert_allclose(out[:, 0], data.mean(axis=1), rtol=1e-5)
    assert not total.any()


@pytest.mark.parametrize("function", [average_rows, average_rows.py_func])
def test_average_rows(function):
    data, weight, flag = _sample(2)
    order, edges = np.array([0, 2, 4, 1, 3]), np.array([0, 3, 5])
    out, total, bad = np.empty((2, 6, 2), np.complex64), np.empty((2, 6, 2), np.float32), np.empty((2, 6, 2), bool)
    function(data, weight, flag, order, edges, out, total, bad)
    for k, rows in enumerate(([0, 2, 4], [1, 3])):
        w = np.where(flag[rows], 0, weight[rows])
        w = np.where(flag[rows].all(axis=0), weight[rows], w)
        np.testing.assert_allclose(total[k], w.sum(axis=0), rtol=1e-6)
        np.testing.assert_allclose(out[k], (w * data[rows]).sum(axis=0) / w.sum(axis=0), rtol=1e-5)
        np.testing.assert_array_equal(bad[k], flag[rows].all(axis=0))


def _bins(time, limit_s, part=None, limit_m=0.0, uvw=None):
    n = len(time)
    bins, closed = np.empty(n, dtype=np.int64), np.empty(n)
    part = np.zeros(n, dtype=np.int64) if part is None else np.asarray(part)
    uvw = np.zeros((n, 3)) if uvw is None else uvw
    count = assign_bins(part, np.asarray(time, dtype=float), np.zeros(n, dtype=np.int64), uvw, limit_s, limit_m, 1, bins, closed)
    return bins.tolist(), closed[:count]


def test_bins_by_time():
    # CASA 6.7 puts integrations 30 s apart into bins of 3 for 61 s .. 90 s and of 4 for 91 s.
    time = np.arange(6) * 30.0
    assert _bins(time, 61 * 0.999)[0] == [0, 0, 0, 1, 1, 1]
    assert _bins(time, 90 * 0.999)[0] == [0, 0, 0, 1, 1, 1]
    assert _bins(time, 91 * 0.999)[0] == [0, 0, 0, 0, 1, 1]
    assert _bins(time, 31 * 0.999)[1].tolist() == [60.0, 120.0, np.inf]


def test_bins_stop_at_parts_and_distance():
    time = np.arange(4) * 10.0
    assert _bins(time, 1e9, part=[0, 0, 1, 1])[0] == [0, 0, 1, 1]
    uvw = np.zeros((4, 3))
    uvw[:, 0] = [0.0, 4.0, 8.0, 12.0]
    assert _bins(time, 1e9, limit_m=8.0, uvw=uvw)[0] == [0, 0, 1, 1]


@pytest.mark.parametrize("function", [mean_channels, mean_channels.py_func])
def test_mean_channels(function):
    _, weight, flag = _sample(4)
    out = np.empty((5, 2), np.float32)
    function(weight, flag, out)
    masked = np.ma.array(weight, mask=flag & ~flag.all(axis=1, keepdims=True))
    np.testing.assert_allclose(out, masked.mean(axis=1), rtol=1e-6)
    function(weight[:, :1].copy(), flag, out)
    np.testing.assert_array_equal(out, weight[:, 0])
