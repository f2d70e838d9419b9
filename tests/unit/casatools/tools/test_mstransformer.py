"""The mstransformer tool."""

from __future__ import annotations

import numpy as np
import pytest

from casatasks import split
from casatools import mstransformer, table
from casatools._base.errors import NotOpenError, ParameterError, PathMissingError, UnsupportedError


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
    with pytest.raises(UnsupportedError, match="phaseshift"):
        tool.config({"phaseshift": True})
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


@pytest.mark.parametrize("given", [{"niter": 3}, {"ddistart": 2}, {"pointingsaverage": True}])
def test_what_is_not_there_is_said(given: dict) -> None:
    with pytest.raises(UnsupportedError, match=next(iter(given))):
        mstransformer().config({"inputms": "a.ms", "outputms": "b.ms", **given})


def test_how_it_computes_is_free() -> None:
    assert mstransformer().config({"inputms": "a.ms", "outputms": "b.ms", "niter": 1, "ddistart": -1, "nthreads": 4})
