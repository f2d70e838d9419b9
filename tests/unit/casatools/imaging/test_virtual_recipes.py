"""tclean with savemodel='virtual': the recipe stands for what the column would hold."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from casatasks import setjy, tclean, uvsub
from casatools.io.ms import MeasurementSet
from casatools.io.ms.model_keywords import read_virtual_models, virtual_model_fields

Input = Callable[[str], str]
FIELD: dict[str, Any] = {"field": "0", "imsize": 48, "cell": "2arcsec", "niter": 10, "specmode": "mfs", "calcres": True}
RUNS: dict[str, dict[str, Any]] = {
    "terms": {"deconvolver": "mtmfs", "nterms": 2},
    "planes": {"stokes": "IQUV"},
    "cube": {"specmode": "cube", "nchan": 3, "start": 1, "spw": "0"},
    "wide": {"gridder": "wproject"},
    "elsewhere": {"phasecenter": "J2000 13h31m10s 30d31m00s"},
}


def subtracted(path: str, spw: int = 0) -> np.ndarray:
    with MeasurementSet(path) as ms:
        rows = np.flatnonzero((ms.read("FIELD_ID") == 0) & (ms.read("DATA_DESC_ID") == spw))
        return np.asarray(ms.read("DATA", rows) - ms.read("CORRECTED_DATA", rows))


@pytest.mark.parametrize("name", list(RUNS))
def test_recipe_stands_for_the_column(shared_input: Input, name: str) -> None:
    vis = shared_input("simvla.ms")
    shutil.copytree(vis, "column.ms")
    for path, kind in ((vis, "virtual"), ("column.ms", "modelcolumn")):
        tclean(path, imagename=kind, savemodel=kind, **{**FIELD, **RUNS[name]})
        with MeasurementSet(path) as ms:
            assert ms.has("MODEL_DATA") == (kind == "modelcolumn")
            assert bool(read_virtual_models(ms)) == (kind == "virtual")
        uvsub(path)
    kept, column = subtracted(vis), subtracted("column.ms")
    if name == "cube":  # a column holds a point of 1 Jy where nothing was predicted
        kept, column = kept[:, 1:4], column[:, 1:4]
    assert np.abs(column).max() > 1
    np.testing.assert_allclose(kept, column, atol=1e-5 * np.abs(column).max())


def test_the_column_takes_the_place_of_recipes(shared_input: Input) -> None:
    vis = shared_input("simvla.ms")
    setjy(vis, field="0,1", standard="manual", fluxdensity=[5, 0, 0, 0], usescratch=False)
    tclean(vis, imagename="i", savemodel="modelcolumn", **FIELD)
    with MeasurementSet(vis) as ms:
        assert virtual_model_fields(ms) == [1]


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"gridder": "mosaic"}, "has beams"),
        ({"timerange": "<2020/06/01/12:01:00"}, "parts of scans"),
        ({"stokes": "RR"}, "none of Stokes"),
    ],
)
def test_what_no_recipe_can_stand_for_goes_into_the_column(
    shared_input: Input, more: dict[str, Any], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    vis = shared_input("simvla.ms")
    if "timerange" in more:
        with MeasurementSet(vis) as ms:
            times = np.unique(ms.read("TIME", np.flatnonzero(ms.read("FIELD_ID") == 0)))
        middle = float(times[1])
        more = {"timerange": "<" + _date(middle)}
    tclean(vis, imagename="i", savemodel="virtual", **{**FIELD, **more})
    with MeasurementSet(vis) as ms:
        assert ms.has("MODEL_DATA") and read_virtual_models(ms) == []
    assert why in capsys.readouterr().err


def _date(mjd_s: float) -> str:
    from datetime import datetime, timedelta

    return (datetime(1858, 11, 17) + timedelta(seconds=mjd_s)).strftime("%Y/%m/%d/%H:%M:%S.%f")
