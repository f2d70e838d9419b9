"""uvcontsub: subtraction, fitspec, model column and the record."""

from __future__ import annotations

import os
from types import SimpleNamespace

import numpy as np
import pytest

import casatasks
from casatools._base.errors import ParameterError, SelectionError
from casatools.io.ms import MeasurementSet, Selection
from casatools.io.tables import open_table
from casatools.kernels.continuum import bisquare_weights
from casatools.transform import continuum
from casatools.transform.continuum import FitQuality, uvcontsub


def _data(path, column="DATA"):
    with MeasurementSet(path) as ms:
        return ms.read(column)


def test_line_of_the_simulation_is_left(shared_input):
    # line.ms: what CASA 6.7 makes of it, and its chi-squared numbers.
    path = shared_input("line.ms")
    record = uvcontsub(path, "o.ms", Selection(), "data", "0:0~6;24~31", 0, True)
    old, new = _data(path), _data("o.ms")
    channels = [*range(7), *range(24, 32)]
    np.testing.assert_allclose(new, old - old[:, channels].mean(axis=1, keepdims=True), atol=1e-6)
    np.testing.assert_allclose(_data("o.ms", "MODEL_DATA"), old - new, atol=1e-6)
    found = record["goodness_of_fit"]["field"]["0"]["scan"]["1"]["spw"]["0"]["polarization"]["0"]
    assert found["count"] == 4
    assert found["chi_squared"]["average"]["real"] == pytest.approx(0.005299840122461319, rel=1e-4)
    assert found["chi_squared"]["max"]["imag"] == pytest.approx(0.008031879551708698, rel=1e-4)
    assert found["chi_squared"]["min"]["real"] == pytest.approx(0.006046654656529427, rel=1e-4)
    assert record["description"]


def test_fitspec_as_dict(shared_input):
    path = shared_input("simvla.ms")
    table = open_table(path, writable=True)
    table.putcol("FLAG", np.zeros((2016, 8, 4), bool))
    table.close()
    spec = {"0": {"0": {"chan": "0~3", "fitorder": 0}}, "1": "NONE", "2": {"0,1": {"chan": "1~6", "fitorder": 1}, "1": "NONE"}}
    uvcontsub(path, "o.ms", Selection(), "data", spec, 0, False)
    old, new = _data(path), _data("o.ms")
    with MeasurementSet(path) as ms:
        field, ddid = ms.read("FIELD_ID"), ms.read("DATA_DESC_ID")
    first = (field == 0) & (ddid == 0)
    np.testing.assert_allclose(new[first], old[first] - old[first][:, :4].mean(axis=1, keepdims=True), atol=1e-5)
    untouched = (field == 1) | ((field == 0) & (ddid == 1))
    np.testing.assert_array_equal(new[untouched], old[untouched])
    line = (field == 2) & (ddid == 1)
    basis = np.vander(np.arange(8.0), 2, increasing=True)
    solve = np.linalg.pinv(basis[1:7])
    expected = old[line] - np.einsum("xk,kc,rcp->rxp", basis, solve, old[line][:, 1:7])
    np.testing.assert_allclose(new[line], expected, atol=1e-5)


def test_spectral_windows_not_named_are_passed_on(shared_input):
    path = shared_input("simvla.ms")
    uvcontsub(path, "o.ms", Selection(spw="1"), "data", "0", 0, False)
    with MeasurementSet(path) as ms:
        rows = np.flatnonzero(ms.read("DATA_DESC_ID") == 1)
        np.testing.assert_array_equal(_data("o.ms"), ms.read("DATA", rows))


@pytest.mark.parametrize(
    ("spec", "error", "text"),
    [
        ("7:1~3", SelectionError, "7"),
        ({"0": 3}, ParameterError, "'NONE'"),
        ({"0": {"0": 4}}, ParameterError, "'chan'"),
        ({"0": {"0": {"channels": "1"}}}, ParameterError, "unknown key"),
        ({"0": {"0": {"chan": "1", "fitorder": -1}}}, ParameterError, "fitorder"),
    ],
)
def test_bad_fitspec_writes_nothing(shared_input, spec, error, text):
    with pytest.raises(error, match=text):
        uvcontsub(shared_input("line.ms"), "o.ms", Selection(), "data", spec, 0, False)
    assert not os.path.exists("o.ms")


def test_bad_order(shared_input):
    with pytest.raises(ParameterError, match="fitorder"):
        uvcontsub(shared_input("line.ms"), "o.ms", Selection(), "data", "", -1, False)


@pytest.mark.parametrize("size", [1, 4, 7])
def test_quality_does_not_depend_on_where_blocks_end(size):
    rng = np.random.default_rng(3)
    rows = {"FIELD_ID": np.zeros(20, int), "SCAN_NUMBER": np.repeat([1, 2], 10), "TIME": np.repeat(np.arange(4.0), 5)}
    chi2, fitted = rng.random((20, 2, 2)), np.ones(20, bool)
    whole, pieces = FitQuality(), FitQuality()
    whole.add(SimpleNamespace(rows=rows, spw=0), chi2, fitted)
    for at in range(0, 20, size):
        part = slice(at, at + size)
        pieces.add(SimpleNamespace(rows={k: v[part] for k, v in rows.items()}, spw=0), chi2[part], fitted[part])
    assert pieces.record() == whole.record()
    assert whole.values[0, 1, 0, 0] == [tuple(chi2[4, 0]), tuple(chi2[9, 0])]


def test_passes_after_the_first_leave_lines_out():
    """A line within the channels fitted, which the documented re-weighted fit is for (niter), bends one fit and not five."""
    rng = np.random.default_rng(4)
    nchan = 64
    x = np.linspace(-1, 1, nchan)
    data = np.broadcast_to((3.0 + 0.5 * x + 1j * (1.0 - x))[None, :, None], (40, nchan, 2)).astype(np.complex64)
    truth = data.copy()
    data = (data + 0.01 * (rng.normal(size=data.shape) + 1j * rng.normal(size=data.shape))).astype(np.complex64)
    data[:, 20:26] += 5.0
    flag, fit = np.zeros(data.shape, bool), np.ones(nchan, bool)
    fit[50:] = False
    weight = rng.uniform(1, 2, (40, nchan, 2)).astype(np.float32)
    off = []
    for passes in (1, 6):
        model, chi2 = np.zeros_like(data), np.zeros((40, 2, 2))
        continuum._fit_rows(data, weight, flag, fit, x, 1, model, chi2, passes, 2)
        off.append(np.abs(model - truth)[:, fit].max())
    assert off[0] > 0.3 and off[1] < 0.02
    out, plain = np.empty(data.shape, np.float32), np.empty(data.shape, np.float32)
    for function, into in ((bisquare_weights, out), (bisquare_weights.py_func, plain)):
        function(data[:2], weight[:2], flag[:2], fit, model[:2], 4.685, into[:2])
    np.testing.assert_allclose(out[:2], plain[:2], rtol=1e-5)
    assert np.all(out[:2, 20:26] == 0)
    exact = np.empty_like(out)
    bisquare_weights(truth, weight, flag, fit, truth, 4.685, exact)  # nothing is left of it: there is no scale
    np.testing.assert_array_equal(exact, weight)


def test_the_model_that_is_written_is_what_was_taken_off(shared_input):
    """CASA 6.7's MODEL_DATA and line agree with these to 1e-6 of the data."""
    path = shared_input("line.ms")
    casatasks.uvcontsub(path, "o.ms", datacolumn="data", fitspec="0:0~6;24~31", fitorder=1, writemodel=True)
    with MeasurementSet("o.ms") as new, MeasurementSet(path) as old:
        model, data = new.read("MODEL_DATA"), old.read("DATA")
        np.testing.assert_allclose(new.read("DATA") + model, data, atol=1e-6 * np.abs(data).max())
        curvature = np.abs(np.diff(model, n=2, axis=1)).max()
    assert curvature < 1e-5 * np.abs(model).max() and np.abs(model).max() > 0
