"""The mstransformer tool."""

from __future__ import annotations

import numpy as np
import pytest

from casatasks import gaincal, mstransform, phaseshift, split
from casatools import mstransformer, table
from casatools._base.errors import NotOpenError, ParameterError, PathMissingError, UnsupportedError
from casatools.io.ms import MeasurementSet


def test_config_open_run_done(shared_input):
    path = shared_input("simvla.ms")
    tool = mstransformer()
    assert tool.open() is False and tool.config({"inputms": path}) is False
    with pytest.raises(NotOpenError):
        tool.run()
    given = {"inputms": path, "outputms": "o.ms", "datacolumn": "DATA", "spw": "0", "field": "2", "tileshape": [0]}
    assert tool.config({**given, "regridms": True, "width": 2, "uvcontsub": True, "fitspw": "0:0~1"})
    assert tool.open() and tool.run() == {} and tool.done()
    tb = table()
    tb.open("o.ms")
    assert tb.getcell("DATA", 0).shape == (4, 4)
    tb.close()


def test_refusals():
    tool = mstransformer()
    with pytest.raises(ParameterError, match="unknown key 'moon'"):
        tool.config({"moon": 1})
    with pytest.raises(ParameterError, match="phasecenter"):
        tool.config({"phaseshift": True})
    with pytest.raises(ParameterError, match="callib"):
        tool.config({"docallib": True})
    tool.config({"inputms": "no.ms", "outputms": "o.ms"})
    with pytest.raises(PathMissingError):
        tool.open()


def test_window_tables_are_merged(shared_input):
    path = shared_input("simvla.ms")
    for spw in "01":
        split(path, f"m{spw}.ms", spw=spw, field="2", datacolumn="data")
    assert mstransformer().mergespwtables(["m0.ms", "m1.ms"])
    tb = table()
    tb.open("m0.ms/SPECTRAL_WINDOW")
    assert tb.getcol("NAME").tolist() == ["SPW0", "SPW1"]
    tb.close()
    tb.open("m0.ms/DATA_DESCRIPTION")
    assert np.array_equal(tb.getcol("SPECTRAL_WINDOW_ID"), [0, 1])
    tb.close()


def test_phase_shift_before_averages(shared_input):
    """The same as phaseshift and mstransform one after the other."""
    path, there = shared_input("simvla.ms"), "J2000 13h31m12s 30d12m00s"
    average = {"datacolumn": "data", "timeaverage": True, "timebin": "60s", "chanaverage": True, "chanbin": 2}
    tool = mstransformer()
    tool.config(
        {
            "inputms": path,
            "outputms": "o.ms",
            "field": "1,2",
            "phaseshift": True,
            "phasecenter": there,
            **average,
            "datacolumn": "DATA",
        }
    )
    assert tool.open() and tool.run() == {}
    phaseshift(path, "s.ms", field="1,2", datacolumn="data", phasecenter=there)
    mstransform("s.ms", "t.ms", **average)
    with MeasurementSet("o.ms") as one, MeasurementSet("t.ms") as other:
        for column in ("DATA", "UVW", "WEIGHT", "TIME"):
            np.testing.assert_allclose(one.read(column), other.read(column), rtol=1e-6, atol=1e-7)
        for number in range(2):
            np.testing.assert_array_equal(one.metadata.fields[number].phase_dir, other.metadata.fields[number + 1].phase_dir)


def test_calibration_library_and_parts(shared_input):
    path = shared_input("simvla.ms")
    gaincal(path, "g.cal", field="0", solint="inf", refant="0")
    with open("lib.txt", "w") as file:
        file.write("caltable='g.cal'\n")
    tool = mstransformer()
    tool.config(
        {"inputms": path, "outputms": "o.ms", "datacolumn": "CORRECTED", "docallib": True, "callib": "lib.txt", "ddistart": 2}
    )
    assert tool.open() and tool.run() == {}
    mstransform(path, "t.ms", datacolumn="corrected", docallib=True, callib="lib.txt")
    with MeasurementSet("o.ms") as one, MeasurementSet("t.ms") as other:
        np.testing.assert_array_equal(one.read("DATA", np.arange(50)), other.read("DATA", np.arange(50)))
        assert set(one.read("DATA_DESC_ID").tolist()) == {2, 3}


@pytest.mark.parametrize("given", [{"pointingsaverage": True}])
def test_what_is_not_there_is_said(given: dict) -> None:
    with pytest.raises(UnsupportedError, match=next(iter(given))):
        mstransformer().config({"inputms": "a.ms", "outputms": "b.ms", **given})


def test_how_it_computes_is_free() -> None:
    assert mstransformer().config({"inputms": "a.ms", "outputms": "b.ms", "niter": 1, "ddistart": -1, "nthreads": 4})
