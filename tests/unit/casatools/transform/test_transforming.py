"""mstransform's stages together, and Hanning smoothing."""

from __future__ import annotations

import os

import numpy as np
import pytest

from casatools._base.errors import ParameterError
from casatools.io.ms import MeasurementSet, Selection
from casatools.io.ms.parts import is_multi_ms
from casatools.transform.pipeline import TimeAverage, TransformOptions
from casatools.transform.transforming import MsTransformOptions, PartOptions, cvel2, hanningsmooth, mstransform, regrid_request


def _read(path, *columns):
    with MeasurementSet(path) as ms:
        return [ms.read(c) for c in columns]


def test_hanning(shared_input):
    path = shared_input("line.ms")  # nothing is flagged in it
    hanningsmooth(path, "o.ms", Selection(), "data")
    (old,) = _read(path, "DATA")
    new, flag, weight, sigma = _read("o.ms", "DATA", "FLAG", "WEIGHT", "SIGMA")
    np.testing.assert_allclose(new[:, 1:-1], 0.25 * old[:, :-2] + 0.5 * old[:, 1:-1] + 0.25 * old[:, 2:], rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(new[:, [0, -1]], old[:, [0, -1]])
    assert flag[:, [0, -1]].all() and not flag[:, 1:-1].any()
    np.testing.assert_allclose(weight, 8 / 3, rtol=1e-6)  # 1 / (1/16 + 1/4 + 1/16)
    np.testing.assert_allclose(sigma, np.sqrt(3 / 8), rtol=1e-6)


def test_channel_average_comes_before_hanning(shared_input):
    path = shared_input("line.ms")
    mstransform(path, "o.ms", Selection(), MsTransformOptions("data", chanaverage=True, chanbin=4, hanning=True))
    (old,) = _read(path, "DATA")
    (new,) = _read("o.ms", "DATA")
    mean = old.reshape(len(old), 8, 4, 2).mean(axis=2)
    np.testing.assert_allclose(new[:, 1:-1], 0.25 * mean[:, :-2] + 0.5 * mean[:, 1:-1] + 0.25 * mean[:, 2:], rtol=1e-4, atol=1e-6)


def test_continuum_kept_instead_of_line(shared_input):
    path = shared_input("line.ms")
    options = MsTransformOptions("data", douvcontsub=True, fitspw="0:0~6;24~31", want_cont=True)
    mstransform(path, "o.ms", Selection(), options)
    (old,) = _read(path, "DATA")
    (new,) = _read("o.ms", "DATA")
    mean = old[:, [*range(7), *range(24, 32)]].mean(axis=1, keepdims=True)
    np.testing.assert_allclose(new, np.broadcast_to(mean, old.shape), rtol=1e-5)


def test_uvw_distance_limits_bins(shared_input):
    # CASA 6.7 on simvla.ms, field 2, spw 0, 4000 s: 114, 56 and 47 rows for 1, 10 and 30 m.
    path = shared_input("simvla.ms")
    for limit, count in ((1.0, 114), (10.0, 56), (30.0, 47)):
        options = MsTransformOptions("data", timeaverage=True, timebin="4000s", timespan="scan,state", maxuvwdistance=limit)
        assert mstransform(path, f"o{limit}.ms", Selection(field="2", spw="0"), options) == count


def test_without_reindexing(shared_input):
    mstransform(shared_input("simvla.ms"), "o.ms", Selection(spw="1", field="2"), MsTransformOptions("data", reindex=False))
    field, ddid = _read("o.ms", "FIELD_ID", "DATA_DESC_ID")
    assert set(field) == {2} and set(ddid) == {1}


def test_refusals(shared_input):
    with pytest.raises(ParameterError, match="nspw"):
        MsTransformOptions(nspw=0)
    with pytest.raises(ParameterError, match="tileshape"):
        TransformOptions(tileshape=(3, 3))
    with pytest.raises(ParameterError, match="timebin"):
        MsTransformOptions(timeaverage=True)
    with pytest.raises(ParameterError, match="combine"):
        TimeAverage(3.0, frozenset({"moon"}))
    with pytest.raises(ParameterError, match="above 0"):
        TimeAverage(0.0)
    with pytest.raises(ParameterError, match="at least 1"):
        TransformOptions(chanbin=(0,))


def test_output_inside_the_input(shared_input):
    path = shared_input("line.ms")
    before = sorted(os.listdir(path))
    with pytest.raises(ParameterError, match="inside the input"):
        mstransform(path, f"{path}/o.ms", Selection(), MsTransformOptions("data"))
    assert sorted(os.listdir(path)) == before


def test_a_multi_ms_is_made_and_kept(shared_input):
    path = shared_input("simvla.ms")
    chosen, averaged = Selection(field="2"), MsTransformOptions("data", chanaverage=True, chanbin=2)
    assert mstransform(path, "a.mms", chosen, averaged, PartOptions(axis="scan", count=2)) == 672
    assert is_multi_ms("a.mms")
    hanningsmooth("a.mms", "b.mms", Selection(), "data")
    hanningsmooth("a.mms", "b.ms", Selection(), "data", keepmms=False)
    assert is_multi_ms("b.mms") and not is_multi_ms("b.ms")
    request = regrid_request("channel", -1, 0, 1, "linear", "", "", "LSRK", "radio")
    cvel2("a.mms", "c.mms", Selection(spw="0"), "data", request)
    cvel2("a.mms", "c.ms", Selection(spw="0"), "data", request, keepmms=False)
    for one, other in (("b.mms", "b.ms"), ("c.mms", "c.ms")):
        for column in ("DATA", "FLAG", "TIME", "WEIGHT"):
            np.testing.assert_array_equal(_read(one, column)[0], _read(other, column)[0])
    timed = MsTransformOptions("data", timeaverage=True, timebin="9000s", timespan="scan")
    with pytest.raises(ParameterError, match="different parts"):
        mstransform("a.mms", "d.mms", Selection(), timed)


def test_weights_per_channel_are_made_where_the_input_has_none(shared_input):
    mstransform(shared_input("simvla.ms"), "o.ms", Selection(spw="0", field="2"), MsTransformOptions("data", usewtspectrum=True))
    weight, spectrum, sigma = _read("o.ms", "WEIGHT", "WEIGHT_SPECTRUM", "SIGMA_SPECTRUM")
    assert np.array_equal(np.asarray(spectrum), np.broadcast_to(np.asarray(weight)[:, None], np.shape(spectrum)))
    assert np.allclose(np.asarray(sigma), np.asarray(spectrum) ** -0.5)
