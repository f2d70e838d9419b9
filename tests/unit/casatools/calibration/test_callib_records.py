"""Calibration libraries as records (the calibrater tool) and their rules for scans."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import casatasks
from casatools import calibrater
from casatools._base.errors import NotOpenError, ParameterError, PathMissingError
from casatools.calibration.callib import library_record, library_text
from casatools.calibration.correct import ApplyOptions, LibraryOptions, correct_visibilities
from casatools.io.caltable import CalTable
from casatools.io.ms import MeasurementSet

Input = Callable[[str], str]
LINES = """caltable='cal.G' tinterp='linear' calwt=True fldmap='nearest' spwmap=[0,1]
caltable='cal.B' interp='nearest,linear' calwt=F  # comment
caltable='cal.G' scan='4~6' tinterp='nearest'
"""


def corrected(vis: str) -> np.ndarray:
    with MeasurementSet(vis) as ms:
        return np.asarray(ms.read("CORRECTED_DATA", np.arange(ms.nrow)))


def test_record_is_the_references_and_goes_back_into_lines() -> None:
    record = library_record(LINES)
    assert list(record) == ["cal.G", "cal.B"]
    assert sorted(record["cal.G"]) == ["0", "1", "calwt"]
    assert record["cal.G"]["calwt"] is True
    assert record["cal.B"]["calwt"] is False
    first = record["cal.G"]["0"]
    assert first["fldmap"] == "nearest"
    assert first["spwmap"].tolist() == [0, 1]
    assert first["antmap"].shape == (0,)
    assert (first["field"], first["reach"], first["tinterp"], first["finterp"]) == ("", "", "linear", "")
    assert (record["cal.B"]["0"]["tinterp"], record["cal.B"]["0"]["finterp"]) == ("nearest", "linear")
    again = library_record(library_text(record))
    assert str(again) == str(record)


@pytest.mark.parametrize("record", [{"a.G": 1}, {"a.G": {"calwt": True}}, {"a.G": {"0": 1}}, {"a.G": {"0": {"foo": "x"}}}])
def test_records_that_are_none(record: dict[str, Any]) -> None:
    with pytest.raises(ParameterError, match="calibration library"):
        library_text(record)


def test_tool_applies_and_solves_with_a_library(shared_input: Input, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    vis = shared_input("simvla.ms")
    shared_input("cal.G"), shared_input("cal.B")
    (tmp_path / "lib.txt").write_text(LINES.splitlines()[0] + "\n" + LINES.splitlines()[1] + "\n")
    tool = calibrater()
    record = tool.parsecallibfile("lib.txt")
    with pytest.raises(NotOpenError):
        tool.setcallib(record)
    tool.open(vis, addcorr=False, addmodel=False)
    assert tool.validatecallib(record)
    assert tool.setcallib(record)
    tool.correct()
    by_tool = corrected(vis)
    correct_visibilities(vis, {}, LibraryOptions(callib="lib.txt"), ApplyOptions())
    np.testing.assert_array_equal(by_tool, corrected(vis))
    # Solved again through the same library, nothing is left to solve for.
    tool.selectvis(field="0")
    tool.setptmodel([15.0, 0.0, 0.0, 0.0])
    tool.setsolve(type="G", t="inf", table="again.G", refant="EA01")
    tool.solve()
    found = CalTable.open("again.G")
    assert np.abs(np.angle(found.param[~found.flag])).max() < 0.02
    tool.reset()
    assert tool.setcallib({})
    with pytest.raises(PathMissingError):
        tool.setcallib({"none.G": {"0": {}}})
    with pytest.raises(ParameterError):
        tool.validatecallib({"cal.G": {"0": {"tinterp": "silly"}}})
    with pytest.raises(PathMissingError):
        tool.parsecallibfile("none.txt")
    tool.close()


def test_rules_for_scans(shared_input: Input, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As CASA 6.7: the solution's scan for each scan of the data, and rules for some scans."""
    monkeypatch.chdir(tmp_path)
    vis = shared_input("simvla.ms")
    shared_input("cal.G")
    table = CalTable.open("cal.G")
    for group in table.groups:
        group.param[...] = table.scan[group.rows][:, None, None]
    table.write("scans.G")
    with MeasurementSet(vis) as ms:
        every = np.arange(ms.nrow)
        scan, data, flag = (np.asarray(ms.read(c, every)) for c in ("SCAN_NUMBER", "DATA", "FLAG"))
    for text, expected in (
        ("caltable='scans.G' scanmap=[1,1,1,4,4,6,6] tinterp='nearest' calwt=F", {1: 1, 2: 1, 3: 4, 4: 4, 5: 6, 6: 6}),
        ("caltable='scans.G' scan='1~2' scanmap=[0,4,4] tinterp='nearest' calwt=F", {1: 4, 2: 4}),
    ):
        correct_visibilities(vis, {}, LibraryOptions(lines=text), ApplyOptions())
        gain = np.array([expected.get(int(s), 1) for s in scan], dtype=float)[:, None, None]
        np.testing.assert_allclose(np.where(flag, 0, corrected(vis)), np.where(flag, 0, data / gain**2), rtol=1e-5)


def test_reach_changes_nothing_and_the_log_says_so(shared_input: Input, tmp_path: Path) -> None:
    """CASA's documentation names it without a meaning, and CASA 6.7 applies the same with and without it."""
    vis, table = shared_input("simvla.ms"), shared_input("cal.G")
    found = []
    for reach in ("", " reach='10s'"):
        correct_visibilities(vis, {}, LibraryOptions(lines=f"caltable='{table}'{reach}"), ApplyOptions())
        found.append(corrected(vis))
    np.testing.assert_array_equal(*found)
    assert "reach='10s'" in (tmp_path / "casa.log").read_text()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "names no table"), ("# caltable='cal.G'", "names no table"), ("caltable='cal.G' calwt=Maybe", "line 1: calwt must be True or False; got 'Maybe'"),
        ("caltable='cal.G' spwmap='a'", r"spwmap must be a list of numbers such as \[0,0,1\]; got 'a'"), ("caltable='cal.G' antmap=[0,1.5]", "antmap must be"),
        ("caltable='cal.G' fldmap=[0,'x']", "fldmap must be"), ("tinterp='linear'", "there is no caltable"), ("caltable='cal.G' tinterp='quintic'", "'quintic' is not known"),
        ("caltable='cal.G' tint='linear'", "unknown tint"), ("caltable 'cal.G'", "cannot read"), ("caltable='cal.G' spwmap=[0,9]", "does not have"),
    ],
)  # fmt: skip
def test_library_files_that_cannot_be_applied(
    shared_input: Input, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    vis = shared_input("simvla.ms")
    shared_input("cal.G")
    Path("lines.txt").write_text(line + "\n")
    with pytest.raises(ParameterError, match=message):
        casatasks.applycal(vis, docallib=True, callib="lines.txt")
    with MeasurementSet(vis) as ms:
        assert not ms.has("CORRECTED_DATA")
    assert not Path(f"{vis}.flagversions").exists()


@pytest.mark.parametrize("mode", ["", "flagonly", "calonly"])
def test_nothing_to_apply(shared_input: Input, mode: str) -> None:
    """Refused, as CASA refuses it, but parallactic angles are something."""
    vis = shared_input("simvla.ms")
    with pytest.raises(ParameterError, match="there is nothing to apply: name calibration tables"):
        casatasks.applycal(vis, gaintable=[], applymode=mode)
    assert not Path(f"{vis}.flagversions").exists()
    casatasks.applycal(vis, parang=True, applymode=mode)


def test_fluxes_are_drawn(shared_input: Input, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tool = calibrater()
    tool.open(shared_input("simvla.ms"), addcorr=False, addmodel=False)
    record = tool.fluxscale(shared_input("cal.G"), reference="0", tableout="f.cal", transfer="1", display=True)
    assert record["1"]["fitFluxd"] > 0
    assert (tmp_path / "f.cal.png").stat().st_size > 1000
    tool.close()
