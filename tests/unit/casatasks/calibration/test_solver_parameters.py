"""Parameters of the tasks that solve and scale: each reaches the solution, and means what other parameters say in other words."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import casatasks
from casatools.calibration import radiometer_paths
from casatools.calibration.radiometer_paths import RadiometerOptions
from casatools.io.caltable import CalTable
from casatools.io.ms import MeasurementSet
from casatools.io.tables import open_table
from support.shared import unpack

Input = Callable[[str], str]
Given = dict[str, Any]
MIDDLE = "2019/05/01/06:00:00"  # between the third and the fourth scan

# The same data, selected in other words; the first three scans are of the first observation.
SAME: tuple[tuple[str, Given, Given], ...] = (
    ("intent", {"intent": "*PHASE*", "field": ""}, {"field": "1"}), ("scan", {"scan": "4~6"}, {"timerange": f">{MIDDLE}"}),
    ("observation", {"observation": "1"}, {"scan": "4~6"}), ("antenna", {"antenna": "!EA03"}, {"msselect": "ANTENNA1!=2 AND ANTENNA2!=2"}),
    ("uvrange", {"uvrange": ">150m"}, {"msselect": "SQRT(SUMSQR(UVW[1:2]))>150"}), ("spw", {"spw": "1"}, {"msselect": "DATA_DESC_ID==1"}),
    ("all", {"selectdata": False, "scan": "1", "antenna": "EA09", "timerange": "x", "observation": "7", "msselect": "NO", "uvrange": ">9Gm"}, {}),
)  # fmt: skip
TASKS: dict[str, Given] = {
    "gaincal": {"refant": "EA01", "minsnr": 0.0, "minblperant": 3}, "bandpass": {"refant": "EA01", "minsnr": 0.0, "minblperant": 3},
    "polcal": {"refant": "EA01", "minsnr": 0.0, "minblperant": 3, "poltype": "D", "smodel": [1.0, 0.0, 0.0, 0.0], "combine": ""}, "blcal": {"solint": "inf"},
    "accor": {}, "fringefit": {"refant": "EA01", "minsnr": 0.0, "globalsolve": False},
}  # fmt: skip


@pytest.fixture(scope="module")
def observed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Two observations; baselines 0-1, 1-2, ... of the second half of each scan are autocorrelations of known power."""
    path = str(unpack("simvla.ms", tmp_path_factory.mktemp("solver")))
    with open_table(f"{path}/OBSERVATION", writable=True) as table:
        table.copyrows(table)
    with MeasurementSet(path, writable=True) as ms:
        rows = np.arange(ms.nrow)
        ms.write("OBSERVATION_ID", (ms.read("SCAN_NUMBER") > 3).astype(np.int32), rows)
        first, second = ms.read("ANTENNA1"), ms.read("ANTENNA2")
        power = np.random.default_rng(2).uniform(0.5, 2.0, (ms.nrow, 2))
        at = np.flatnonzero((second == first + 1) & (ms.read("TIME") % 60.0 < 30.0))
        data = ms.read("DATA", at)
        data[..., 0], data[..., 3], data[..., 1:3] = power[at, :1], power[at, 1:], 0
        for name, values in (("ANTENNA2", first[at].astype(np.int32)), ("DATA", data), ("UVW", np.zeros((len(at), 3)))):
            ms.write(name, values, at)
    return path


def solved(task: str, vis: str, folder: Path, **given: Any) -> CalTable:
    table = folder / "t"
    shutil.rmtree(table, ignore_errors=True)
    getattr(casatasks, task)(vis, str(table), **{**TASKS[task], **given})
    return CalTable.open(str(table))


def good(table: CalTable) -> np.ndarray:
    return np.concatenate([np.where(g.flag, 0, g.param).ravel() for g in table.groups])


@pytest.mark.parametrize("task", TASKS)
def test_selections_of_data(observed: str, tmp_path: Path, task: str) -> None:
    whole = good(solved(task, observed, tmp_path))
    for name, given, other in SAME:
        if (task, name) == ("accor", "uvrange"):
            continue
        if (task, name) == ("accor", "antenna"):  # CASA's own way to name autocorrelations
            given = {"antenna": "EA02&&&"}
            other = {"msselect": "ANTENNA1==1 AND ANTENNA2==1"}
        if (task, name) == (
            "blcal",
            "antenna",
        ):  # which solves autocorrelations too: an antenna stands for its baselines to others
            other = {"msselect": "(ANTENNA1!=2 AND ANTENNA2!=2) OR ANTENNA1==ANTENNA2"}
        if task == "accor":
            given = {k: v for k, v in given.items() if k != "uvrange"}
        mine, theirs = solved(task, observed, tmp_path, **given), solved(task, observed, tmp_path, **other)
        np.testing.assert_array_equal(mine.param, theirs.param, err_msg=f"{task} {name}")
        np.testing.assert_array_equal(mine.time_s, theirs.time_s, err_msg=f"{task} {name}")
        assert (name == "all") == (len(good(mine)) == len(whole) and bool((good(mine) == whole).all())), (task, name)


@pytest.mark.parametrize("task", [t for t in TASKS if t != "blcal"])
def test_tables_are_appended(observed: str, tmp_path: Path, task: str) -> None:
    parts = [solved(task, observed, tmp_path, spw=spw) for spw in "01"]
    solved(task, observed, tmp_path, spw="0")
    getattr(casatasks, task)(observed, str(tmp_path / "t"), **{**TASKS[task], "spw": "1", "append": True})
    joined = CalTable.open(str(tmp_path / "t"))
    for number, part in enumerate(parts):
        np.testing.assert_array_equal(joined.param[joined.spw_id == number], part.param)


@pytest.mark.parametrize("task", ["accor", "polcal", "gaincal", "bandpass", "blcal"])
def test_tables_applied_before(observed: str, tmp_path: Path, task: str) -> None:
    """Lists and libraries say the same; gains of 2 and 4 of the windows come out of what is solved."""
    amp = str(tmp_path / "amp")
    casatasks.gencal(observed, amp, caltype="amp", spw="0,1", parameter=[2.0, 4.0])
    plain = solved(task, observed, tmp_path)
    power = 2 if task in ("polcal", "blcal") else 1
    for given, lines, factors in (
        ({}, "", (2.0, 4.0)), ({"spwmap": [0, 0]}, "spwmap=[0,0]", (2.0, 2.0)), ({"interp": ["nearest"], "gainfield": [""]}, "tinterp='nearest'", (2.0, 4.0)),
    ):  # fmt: skip
        (tmp_path / "lines").write_text(f"caltable='{amp}' {lines}\n")
        listed = solved(task, observed, tmp_path, gaintable=[amp], **given)
        if task != "blcal":  # which has no libraries
            library = solved(task, observed, tmp_path, docallib=True, callib=str(tmp_path / "lines"))
            np.testing.assert_allclose(listed.param, library.param, rtol=1e-6)
        for spw, factor in enumerate(factors):
            at = (plain.spw_id == spw) & ~plain.flag.any(axis=(1, 2))
            np.testing.assert_allclose(listed.param[at] * factor**power, plain.param[at], rtol=2e-4, atol=1e-6)


def test_phases_applied_before_a_fringe_fit(observed: str, tmp_path: Path) -> None:
    """Lists and libraries say the same: phases given to one antenna come out of its solution, of the window that is mapped to."""
    given = str(tmp_path / "ph")
    casatasks.gencal(observed, given, caltype="ph", spw="0,1", antenna="EA04", parameter=[30.0, -50.0])
    plain = solved("fringefit", observed, tmp_path, field="0")
    for more, lines, degrees in (
        ({}, "", (30.0, -50.0)), ({"spwmap": [1, 1]}, "spwmap=[1,1]", (-50.0, -50.0)), ({"interp": ["nearest"], "gainfield": [""]}, "tinterp='nearest'", (30.0, -50.0)),
    ):  # fmt: skip
        (tmp_path / "lines").write_text(f"caltable='{given}' {lines}\n")
        listed = solved("fringefit", observed, tmp_path, field="0", gaintable=[given], **more)
        library = solved("fringefit", observed, tmp_path, field="0", docallib=True, callib=str(tmp_path / "lines"))
        np.testing.assert_array_equal(listed.param, library.param)
        for spw in (0, 1):
            at = (plain.spw_id == spw) & (plain.antenna1 == 3)
            left = np.angle(np.exp(1j * (plain.param[at, 0, ::4] - listed.param[at, 0, ::4])))
            np.testing.assert_allclose(np.degrees(left), degrees[spw], atol=0.05)


def test_intervals_of_autocorrelations(observed: str, tmp_path: Path) -> None:
    """Windows and fields count alike where they are joined (CASA 6.7 takes the first of them)."""
    with MeasurementSet(observed) as ms:
        first, second, ddid, data, sigma = (ms.read(c) for c in ("ANTENNA1", "ANTENNA2", "DATA_DESC_ID", "DATA", "SIGMA"))
        obs, flag, scan = ms.read("OBSERVATION_ID"), ms.read("FLAG"), ms.read("SCAN_NUMBER")
    weight = np.where(flag.any(axis=2)[..., None], 0, sigma[:, None, :] ** -2.0)

    def root(*chosen: np.ndarray) -> np.ndarray:
        at = (first == second) & np.logical_and.reduce(chosen)
        total = (weight[at] * data[at].real).sum(axis=(0, 1)) / weight[at].sum(axis=(0, 1))
        return np.sqrt(total[[0, 3]])

    for combine, rows in (
        ("", (scan == 1) & (ddid == 0)),
        ("scan,field", (obs == 0) & (ddid == 0)),
        ("scan,field,obs", ddid == 0),
        ("spw", scan == 1),
    ):
        table = solved("accor", observed, tmp_path, combine=combine)
        np.testing.assert_allclose(
            table.param[table.antenna1 == 3][0, 0].real, root(rows, first == 3), rtol=1e-5, err_msg=combine
        )
    with MeasurementSet(observed, writable=True) as ms:
        mixed = ms.read("FLAG")
        mixed[::3, :4, 1] = True
        ms.write("FLAG", mixed, np.arange(ms.nrow))
    counted = [solved("accor", observed, tmp_path, corrdepflags=c).param for c in (False, True)]
    with MeasurementSet(observed, writable=True) as ms:
        ms.write("FLAG", flag, np.arange(ms.nrow))
    assert (counted[0] != counted[1]).any()
    np.testing.assert_array_equal(counted[1], solved("accor", observed, tmp_path).param)


def test_parameters_of_the_radiometers_arrive(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What each does is in `test_radiometer_paths.py`; rseed changes nothing."""
    asked: list[RadiometerOptions] = []
    monkeypatch.setattr(radiometer_paths, "correct_from_radiometers", lambda vis, table, options: asked.append(options) or {})
    given: Given = {
        "toffset": -1.0, "sourceflag": ["a"], "tie": ["a,b"], "disperse": True, "wvrflag": ["DA41"], "statfield": "f", "smooth": "3s", "scale": 2.0,
        "spw": [1], "wvrspw": [0], "reversespw": "1,3~4", "cont": True, "maxdistm": 40.0, "minnumants": 3, "mingoodfrac": 0.5, "usefieldtab": True,
        "refant": ["DA42"], "offsetstable": "o",
    }  # fmt: skip
    casatasks.wvrgcal(str(tmp_path), "w", **given)
    casatasks.wvrgcal(str(tmp_path), "w", segsource=False, nsol=3, statsource="s", rseed=5)
    casatasks.wvrgcal(str(tmp_path), "w", segsource=False, nsol=3, statsource="s")
    expected = {k: tuple(v) if isinstance(v, list) else v for k, v in given.items() if k not in ("smooth", "reversespw")}
    assert asked[0] == RadiometerOptions(**expected, smooth_s=3.0, reversespw=(1, 3, 4))
    assert asked[1] == asked[2] == RadiometerOptions(segsource=False, nsol=3, statsource="s")
