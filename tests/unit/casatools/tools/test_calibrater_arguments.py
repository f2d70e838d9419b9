"""Every argument of the calibrater tool gives what the task's parameter of the same meaning gives, on the same data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import casatasks
from casatools import calibrater
from casatools._base.errors import UnsupportedError
from casatools.io.caltable import CalTable
from casatools.io.caltable.curves import read_curves
from casatools.io.ms import MeasurementSet
from casatools.io.tables import open_table
from support.shared import unpack

Given = dict[str, Any]


@pytest.fixture(scope="module")
def vis(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Two observations; some samples are flagged, some of single correlations."""
    path = str(unpack("simvla.ms", tmp_path_factory.mktemp("tool")))
    with open_table(f"{path}/OBSERVATION", writable=True) as table:
        table.copyrows(table)
    rng = np.random.default_rng(3)
    with MeasurementSet(path, writable=True) as ms:
        every = np.arange(ms.nrow)
        ms.write("OBSERVATION_ID", (ms.read("SCAN_NUMBER") > 3).astype(np.int32), every)
        flag = ms.read("FLAG") | (rng.random((ms.nrow, 8, 4)) < 0.02)
        flag[ms.read("ANTENNA1") == 2, 5] = True
        ms.write("FLAG", flag, every)
    return path


def both(vis: str, task: str, tool: Given, given: Given, selection: Given | None = None) -> tuple[CalTable, CalTable]:
    """The table of the tool and that of the task."""
    cb = calibrater()
    cb.open(vis, addcorr=False, addmodel=False)
    cb.selectvis(**(selection or {}))
    cb.setsolve(table="tool", refant="EA01", **tool)
    cb.solve()
    cb.close()
    getattr(casatasks, task)(vis, "task", **{"refant": "EA01", "minsnr": 0.0, "combine": "", **given})
    return CalTable.open("tool"), CalTable.open("task")


def same(pair: tuple[CalTable, CalTable]) -> bool:
    ours, task = pair
    parts = zip(ours.groups, task.groups, strict=True)
    return ours.nrow == task.nrow and all(np.array_equal(a.param, b.param) and np.array_equal(a.flag, b.flag) for a, b in parts)


# What setsolve is given, and what the task.
SOLVES: list[tuple[str, Given, Given]] = [
    ("gaincal", {}, {"solint": "inf"}),
    ("gaincal", {"t": 60.0}, {"solint": "60s"}),
    ("gaincal", {"t": "int", "combine": "scan"}, {"solint": "int", "combine": "scan"}),
    ("gaincal", {"preavg": 30.0, "apmode": "A"}, {"preavg": 30.0, "calmode": "a"}),
    ("gaincal", {"apmode": "P"}, {"calmode": "p"}),
    ("gaincal", {"phaseonly": True}, {"calmode": "p"}),
    ("gaincal", {"refantmode": "strict", "minblperant": 6}, {"refantmode": "strict", "minblperant": 6}),
    ("gaincal", {"solnorm": True, "normtype": "median"}, {"solnorm": True, "normtype": "median"}),
    ("gaincal", {"minsnr": 400.0}, {"minsnr": 400.0}),
    ("gaincal", {"solmode": "R", "rmsthresh": [4.0, 2.5]}, {"solmode": "R", "rmsthresh": [4.0, 2.5]}),
    ("gaincal", {"solmode": "L1"}, {"solmode": "L1"}),
    ("gaincal", {"type": "T", "combine": "obs,scan,field"}, {"gaintype": "T", "combine": "obs,scan,field"}),
    ("gaincal", {"type": "K"}, {"gaintype": "K"}),
    ("bandpass", {"type": "B", "fillgaps": 2}, {"fillgaps": 2}),
    ("bandpass", {"type": "B", "t": "inf,2ch", "solnorm": True}, {"solint": "inf,2ch", "solnorm": True}),
]


@pytest.mark.parametrize(("task", "tool", "given"), SOLVES, ids=[f"{k}-{'-'.join(s[1])}" for k, s in enumerate(SOLVES)])
def test_arguments_of_setsolve(vis: str, task: str, tool: Given, given: Given) -> None:
    pair = both(vis, task, {"type": "G", **tool}, {"field": "0", **given}, {"field": "0"})
    assert same(pair)
    plain = both(
        vis,
        task,
        {"type": tool.get("type", "G")},
        {"field": "0", **({"gaintype": given["gaintype"]} if "gaintype" in given else {})},
        {"field": "0"},
    )
    assert same(plain)
    # These would differ with data that lack the reference antenna, or have several scans.
    if set(tool) - {"type", "refantmode", "minblperant", "combine"}:
        assert not same((pair[0], plain[0]))


SELECTIONS: list[tuple[Given, Given]] = [
    ({"time": ">2019/05/01/06:00:00"}, {"timerange": ">2019/05/01/06:00:00"}), ({"spw": "1:2~5"}, {"spw": "1:2~5"}), ({"scan": [2, 4]}, {"scan": "2,4"}),
    ({"field": ["1"]}, {"field": "1"}), ({"intent": "*PHASE*"}, {"intent": "*PHASE*"}), ({"observation": "1"}, {"observation": "1"}),
    ({"baseline": "!EA03"}, {"antenna": "!EA03"}), ({"uvrange": ">150m"}, {"uvrange": ">150m"}), ({"msselect": "ANTENNA1!=2"}, {"msselect": "ANTENNA1!=2"}),
]  # fmt: skip


@pytest.mark.parametrize(("tool", "given"), SELECTIONS)
def test_arguments_of_selectvis(vis: str, tool: Given, given: Given) -> None:
    pair = both(vis, "gaincal", {"type": "G"}, given, tool)
    assert same(pair) and not same((pair[0], both(vis, "gaincal", {"type": "G"}, {})[0]))


def test_tables_are_appended(vis: str) -> None:
    cb = calibrater()
    cb.open(vis, addcorr=False, addmodel=False)
    for spw, append in (("0", False), ("1", True)):
        cb.selectvis(spw=spw)
        cb.setsolve(type="G", table="both", append=append, refant="EA01")
        cb.solve()
        casatasks.gaincal(vis, f"part{spw}", spw=spw, refant="EA01", minsnr=0.0)
    joined = CalTable.open("both")
    for spw in (0, 1):
        np.testing.assert_array_equal(joined.param[joined.spw_id == spw], CalTable.open(f"part{spw}").param)


@pytest.mark.parametrize(
    "given", [{}, {"degamp": 1}, {"degphase": 1}, {"visnorm": True}, {"solnorm": False}, {"maskcenter": 2}, {"maskedge": 13.0}, {"combine": "scan"}, {"t": "60s"}]
)  # fmt: skip
def test_arguments_of_setsolvebandpoly(vis: str, given: Given) -> None:
    cb = calibrater()
    cb.open(vis, addcorr=False, addmodel=False)
    cb.selectvis(field="0", spw="0", observation="0")
    few = {"degamp": 2, "degphase": 2, "maskedge": 0.0}
    for name, more in (("tool", given), ("plain", {})):
        cb.setsolvebandpoly(table=name, refant="EA01", **{"t": "inf", **few, **more})
        cb.solve()
    task = {"solint": "inf", "combine": "", "solnorm": True, **few, **{{"t": "solint"}.get(k, k): v for k, v in given.items()}}
    casatasks.bandpass(
        vis, "task", field="0", spw="0", observation="0", bandtype="BPOLY", refant="EA01", minsnr=0.0, **{**task, "maskedge": int(task["maskedge"])}
    )  # fmt: skip
    found = [read_curves(n) for n in ("tool", "task", "plain")]
    for kind in ("amplitude", "phase"):
        np.testing.assert_array_equal(np.concatenate(getattr(found[0], kind)), np.concatenate(getattr(found[1], kind)))
    flat = [np.concatenate([v.ravel() for v in (*c.amplitude, *c.phase)]).tolist() for c in found]
    assert (flat[0] == flat[2]) == (given in ({}, {"combine": "scan"}))  # of one scan
    with pytest.raises(UnsupportedError, match="appended"):
        cb.setsolvebandpoly(table="tool", append=True, t="inf", refant="EA01", **few)
        cb.solve()


@pytest.mark.parametrize(
    ("given", "task"),
    [({}, {"calmode": "p"}), ({"mode": "AMP"}, {"calmode": "a"}), ({"mode": "PHASAMP"}, {"calmode": "ap"}), ({"splinetime": 3600.0}, {"calmode": "p", "splinetime": 3600.0}),
     ({"npointaver": 1, "phasewrap": 90.0}, {"calmode": "p", "npointaver": 1, "phasewrap": 90.0})],
)  # fmt: skip
def test_arguments_of_setsolvegainspline(vis: str, given: Given, task: Given) -> None:
    cb = calibrater()
    cb.open(vis, addcorr=False, addmodel=False)
    cb.selectvis(field="1", spw="0")
    cb.setsolvegainspline(table="tool", refant="EA01", **given)
    cb.solve()
    casatasks.gaincal(
        vis, "task", field="1", spw="0", gaintype="GSPLINE", refant="EA01", minsnr=0.0, **{"splinetime": 10800.0, "npointaver": 10, "phasewrap": 250.0, **task}
    )  # fmt: skip
    found = [read_curves(n) for n in ("tool", "task")]
    for kind in ("amplitude", "phase"):
        np.testing.assert_array_equal(np.concatenate(getattr(found[0], kind)), np.concatenate(getattr(found[1], kind)))


def test_integrations_are_averaged_before_splines(vis: str) -> None:
    curves = []
    for preavg in (0.0, 90.0):
        cb = calibrater()
        cb.open(vis, addcorr=False, addmodel=False)
        cb.selectvis(field="1", spw="0")
        cb.setsolvegainspline(table="o", refant="EA01", mode="PHASAMP", preavg=preavg)
        cb.solve()
        curves.append(np.concatenate(read_curves("o").amplitude))
    assert len(curves[0]) == len(curves[1]) and np.abs(curves[0] - curves[1]).max() > 1e-5


@pytest.mark.parametrize(
    ("tool", "task"),
    [({}, {}), ({"field": "0"}, {"gainfield": ["0"]}), ({"field": "nearest"}, {"gainfield": ["nearest"]}), ({"interp": "nearest"}, {"interp": ["nearest"]}),
     ({"calwt": True}, {"calwt": [True]}), ({"spwmap": [1, 1]}, {"spwmap": [1, 1]}), ({"t": 60.0}, {})],
)  # fmt: skip
def test_arguments_of_setapply(vis: str, tool: Given, task: Given, tmp_path: Path) -> None:
    casatasks.gaincal(vis, "g", refant="EA01", solint="60s", minsnr=0.0)
    columns = []
    for who in ("tool", "task"):
        path = str(unpack("simvla.ms", tmp_path / who))
        if who == "tool":
            cb = calibrater()
            cb.open(path, addcorr=True, addmodel=False)
            cb.setapply(table="g", **tool)
            cb.correct()
            cb.close()
        else:
            casatasks.applycal(path, gaintable=["g"], flagbackup=False, **{"calwt": [False], **task})
        with MeasurementSet(path) as ms:
            columns.append([ms.read(n) for n in ("CORRECTED_DATA", "FLAG", "WEIGHT")])
    for ours, theirs in zip(*columns, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    "given",
    [{"cfcache": "x"}, {"painc": 1.0}, {"fitorder": 1}, {"fraction": 0.5}, {"numedge": 2}, {"radius": "3"}, {"smooth": False}],
)
def test_what_nothing_solves_for_is_refused(vis: str, given: Given) -> None:
    cb = calibrater()
    cb.open(vis, addcorr=False, addmodel=False)
    with pytest.raises(UnsupportedError, match=f"setsolve: {next(iter(given))}="):
        cb.setsolve(type="G", table="x", **given)
