"""applycal, clearcal, fluxscale, initweights, setjy, uvsub, delmod as tasks: results and refusals."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from casatasks import applycal, clearcal, delmod, fluxscale, initweights, setjy, uvsub
from casatools._base.errors import ParameterError, PathMissingError, SelectionError, UnsupportedError
from casatools.io.ms import MeasurementSet

Input = Callable[[str], str]


def test_chain(shared_input: Input) -> None:
    vis, gains = shared_input("simvla.ms"), shared_input("cal.G")
    record = setjy(vis, field="0", standard="manual", fluxdensity=[5, 0, 0, 0])
    assert record["0"]["1"]["fluxd"].tolist() == [5, 0, 0, 0]
    assert fluxscale(vis, gains, "f.G", reference="0", display=True)["1"]["fieldName"] == "J1335+2700"
    assert Path("f.G.png").stat().st_size > 1000
    applycal(vis, gaintable=["f.G"], flagbackup=True)
    assert "applycal_1" in Path(f"{vis}.flagversions/FLAG_VERSION_LIST").read_text()
    uvsub(vis)
    initweights(vis)
    clearcal(vis)
    delmod(vis, scr=True)
    with MeasurementSet(vis) as ms:
        assert np.array_equal(ms.read("CORRECTED_DATA"), ms.read("DATA"))
        assert not ms.has("MODEL_DATA")


@pytest.mark.parametrize("task", [applycal, clearcal, delmod, initweights, setjy, uvsub, fluxscale])
def test_missing_vis(task: Callable[..., object]) -> None:
    with pytest.raises((PathMissingError, ParameterError)):
        task(vis="nosuch.ms", **({"reference": ["0"]} if task is fluxscale else {}))
    assert not os.path.exists("nosuch.ms")


def test_refusals_change_nothing(shared_input: Input) -> None:
    vis = shared_input("simvla.ms")
    with pytest.raises(ParameterError, match="callib"):
        applycal(vis, docallib=True)
    with pytest.raises(ParameterError, match="applymode"):
        applycal(vis, applymode="silly")
    with pytest.raises(SelectionError, match="NOPE"):
        applycal(vis, field="NOPE", gaintable=[shared_input("cal.G")])
    with pytest.raises(ParameterError, match="useephemdir"):
        setjy(vis, useephemdir=True)
    with pytest.raises(UnsupportedError, match="ismms"):
        setjy(vis, ismms=True)
    with pytest.raises(ParameterError, match="'vis'"):
        setjy()
    with pytest.raises(ParameterError, match="tsystable"):
        initweights(vis, tsystable="x")
    assert setjy(listmodels=True) == {}
    with MeasurementSet(vis) as ms:
        assert sorted(c for c in ms.column_names if c.endswith("DATA")) == ["DATA"]
