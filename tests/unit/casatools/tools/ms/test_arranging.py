"""Listing, sorting, weights of rows and ephemerides through the ms tool and the task listvis."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from casatasks import apparentsens, listvis
from casatools import ms, table
from casatools._base.errors import DataError, OutputExistsError, ParameterError, SelectionError, UnsupportedError


@pytest.fixture
def vis(shared_input: Callable[[str], str]) -> str:
    return shared_input("simvla.ms")


def opened(path: str, writable: bool = True) -> ms:
    tool = ms()
    tool.open(path, nomodify=not writable)
    return tool


def column(path: str, name: str) -> np.ndarray:
    tb = table()
    tb.open(path)
    found = np.asarray(tb.getcol(name))
    tb.close()
    return found


@pytest.mark.shared
def test_listing_shows_what_the_data_are(vis: str, tmp_path: Path) -> None:
    text = str(tmp_path / "list.txt")
    listvis(vis, field="0", spw="0:0~2", antenna="0&1", timerange="<05:00:00", pagerows=5, listfile=text)
    lines = Path(text).read_text().splitlines()
    first = next(line for line in lines if "EA01-EA02" in line)
    # The figures that CASA 6.7 lists for this row.
    expected = "04:38:50.6 EA01-EA02 359 0: 16.794 61.8 1 0.965 31.0 1 0.368 -110.3 1 7.176 3.1 1 -15.61 75.32 -12.58"
    assert " ".join(first.split()) == expected
    assert sum("EA01-EA02" in line for line in lines) == 18 and sum(line.startswith("Date/Time") for line in lines) == 4
    with pytest.raises(OutputExistsError):
        listvis(vis, listfile=text)
    mean = str(tmp_path / "mean.txt")
    assert opened(vis, False).lister(antenna="2&3", scan="1", spw="0", average="chan", listfile=mean)
    assert sum("EA03-EA04" in line for line in Path(mean).read_text().splitlines()) == 6


@pytest.mark.shared
def test_flagged_lines_are_shown_when_asked(vis: str, tmp_path: Path) -> None:
    hidden, shown = str(tmp_path / "hidden.txt"), str(tmp_path / "shown.txt")
    listvis(vis, antenna="2&3", scan="1", spw="0:0", observation=[0], listfile=hidden)
    listvis(vis, antenna="2&3", scan="1", spw="0:0", showflags=True, listfile=shown)
    assert "EA03-EA04" not in Path(hidden).read_text() and " F " in Path(shown).read_text()


@pytest.mark.shared
def test_what_cannot_be_listed_is_refused(vis: str) -> None:
    with pytest.raises(DataError, match="CORRECTED_DATA"):
        listvis(vis, datacolumn="residual")
    with pytest.raises(SelectionError):
        listvis(vis, field="NOPE")
    with pytest.raises(UnsupportedError, match="mstransform"):
        listvis(vis, average="time")
    tool = opened(vis, False)
    with pytest.raises(ParameterError, match="datacolumn"):
        tool.lister(datacolumn="x")
    with pytest.raises(ParameterError, match="average"):
        tool.lister(average="x")
    tool.lister(antenna="0&1", spw="0:0", scan="1")
    tool.close()


@pytest.mark.shared
def test_rows_are_sorted_into_a_copy_or_in_place(vis: str, tmp_path: Path) -> None:
    tool = opened(vis)
    copy = str(tmp_path / "sorted.ms")
    tool.sort(copy, ["ANTENNA2", "TIME"])
    second, time_s = column(copy, "ANTENNA2"), column(copy, "TIME")
    assert np.all(np.diff(second) >= 0) and np.all(np.diff(time_s)[np.diff(second) == 0] >= 0)
    assert os.path.isdir(os.path.join(copy, "ANTENNA")) and not np.all(np.diff(column(vis, "ANTENNA2")) >= 0)
    with pytest.raises(OutputExistsError):
        tool.sort(copy, ["TIME"])
    with pytest.raises(ParameterError, match="UVW"):
        tool.sort("", ["UVW"])
    assert tool.nrow() == 2016
    tool.sort("", ["ANTENNA2"])
    assert tool.nrow() == 2016 and np.all(np.diff(column(vis, "ANTENNA2")) >= 0)
    tool.timesort()
    assert np.all(np.diff(column(vis, "TIME")) >= 0)
    tool.close()
    with pytest.raises(DataError, match="read-only"):
        opened(vis, False).timesort()


@pytest.mark.shared
def test_weights_of_rows_equal_the_reference(vis: str) -> None:
    tool = opened(vis)
    assert tool.oldstatwt(datacolumn="data")
    weight = column(vis, "WEIGHT")
    # ms.oldstatwt of CASA 6.7
    assert weight[:, 0] == pytest.approx([0.10744676, 12.2395973, 1595.62061, 1.43841743], rel=1e-5)
    good = weight > 0
    assert column(vis, "SIGMA")[good] == pytest.approx(weight[good] ** -0.5, rel=1e-5)
    tool.oldstatwt(datacolumn="data", dorms=True, fitspw="0:1~6,1:1~6", minsamp=7, spw="0")
    assert not column(vis, "WEIGHT")[:, column(vis, "DATA_DESC_ID") == 0].any()
    with pytest.raises(UnsupportedError, match="combine"):
        tool.oldstatwt(combine="spw")
    with pytest.raises(ParameterError, match="datacolumn"):
        tool.oldstatwt(datacolumn="x")
    tool.close()
    with pytest.raises(DataError, match="read-only"):
        opened(vis, False).oldstatwt(datacolumn="data")


@pytest.mark.shared
def test_an_ephemeris_is_taken_in(vis: str, tmp_path: Path) -> None:
    tb = table()
    tb.create(str(tmp_path / "X.tab"), {n: {"valueType": "double"} for n in ("MJD", "RA", "DEC", "Rho", "RadVel")}, nrow=3)
    tb.close()
    tool = opened(vis)
    assert tool.addephemeris(-1, str(tmp_path / "X.tab"), "X", "2") and tool.addephemeris(4, str(tmp_path / "X.tab"), "Y", [0, 1])
    assert column(vis + "/FIELD", "EPHEMERIS_ID").tolist() == [4, 4, 0]
    assert sorted(n for n in os.listdir(vis + "/FIELD") if n.startswith("EPHEM")) == ["EPHEM0_X.tab", "EPHEM4_Y.tab"]
    with pytest.raises(ParameterError, match="taken"):
        tool.addephemeris(4, str(tmp_path / "X.tab"), "", "2")
    with pytest.raises(ParameterError, match="file name"):
        tool.addephemeris(-1, str(tmp_path / "X.tab"), "a/b", "2")
    with pytest.raises(DataError, match="no MJD column"):
        tool.addephemeris(-1, vis + "/ANTENNA", "", "2")
    assert tool.asdmref() == ""
    with pytest.raises(DataError, match="itself"):
        tool.asdmref("/elsewhere")
    tool.close()
    with pytest.raises(DataError, match="read-only"):
        opened(vis, False).addephemeris(-1, str(tmp_path / "X.tab"), "", "2")


@pytest.mark.shared
@pytest.mark.parametrize(
    ("given", "sensitivity", "ratio"),
    [
        ({"weighting": "briggs"}, 0.01466539647252528, 1.0632159587910877),
        ({"weighting": "superuniform", "npixels": 2}, 0.017254117417905387, 1.250893763966098),
        ({"weighting": "radial", "selectdata": False}, 0.01539780414313547, 1.116314252123465),
        ({"spw": ["0,1"], "stokes": "IQUV"}, 0.009843740386976973, 1.0),
    ],
)
def test_sensitivities_equal_the_reference(vis: str, given: dict[str, object], sensitivity: float, ratio: float) -> None:
    found = apparentsens(vis, **({"field": "2", "spw": "0", "imsize": [64], "cell": ["10arcsec"], "robust": 0.5} | given))
    assert found == pytest.approx({"effSens": sensitivity, "relToNat": ratio}, rel=1e-5)


@pytest.mark.shared
def test_sensitivity_of_cubes_is_of_all_channels_and_of_each(vis: str) -> None:
    given = {"field": "2", "spw": "0", "imsize": [64], "cell": "10arcsec"}
    found = apparentsens(vis, specmode="cubedata", **given)
    assert found["effSens"] == pytest.approx(0.013793431476706133, rel=1e-6) and found["relToNat"] == 1.0  # CASA 6.7
    each = found["chanSens"]
    assert each.shape == (8,) and found["chanRelToNat"] == pytest.approx(np.ones(8))
    assert (each**-2.0).sum() ** -0.5 == pytest.approx(found["effSens"], rel=1e-6)
    one = apparentsens(vis, **(given | {"spw": "0:3"}))["effSens"]
    assert each[3] == pytest.approx(one, rel=1e-6)
    briggs = apparentsens(vis, specmode="cube", weighting="briggs", robust=-1.0, **given)
    assert np.all(briggs["chanRelToNat"] >= 1.0) and briggs["chanRelToNat"].max() > 1.05
    gap = apparentsens(vis, specmode="cubedata", **(given | {"spw": "0,1"}))["chanSens"]
    assert np.isnan(gap[8:-8]).all() and np.isfinite(gap[[*range(8), *range(-8, 0)]]).all()  # between the two windows


@pytest.mark.shared
def test_sensitivity_of_one_correlation_and_refusals(vis: str, shared_input: Callable[[str], str]) -> None:
    one = apparentsens(vis, field="2", spw="0", imsize=[64], cell="10arcsec", stokes="RR")["effSens"]
    assert one == pytest.approx(0.013793431476706133 * 2**0.5, rel=0.02)
    with pytest.raises(ParameterError, match="MeasurementSet"):
        apparentsens("")
    with pytest.raises(ParameterError, match="texts"):
        apparentsens(vis, spw=["0", "1"])
    with pytest.raises(DataError, match="flagged"):
        apparentsens(shared_input("meerkat.ms"), imsize=[64], cell="1arcmin")
