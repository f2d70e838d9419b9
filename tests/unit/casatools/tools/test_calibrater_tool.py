"""The calibrater tool: what it does that no task does, and that its settings arrive."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import casatasks
from casatasks import fringefit, gaincal
from casatools import calibrater, coordsys, image
from casatools._base.errors import DataError, NotOpenError, ParameterError, PathMissingError, UnsupportedError
from casatools.io.caltable import CalTable
from casatools.io.ms import MeasurementSet
from support.fringes import make_fringes
from support.polarised import SOURCE, leaky_jones, make_polarised

Input = Callable[[str], str]


@pytest.fixture
def tool(shared_input: Input) -> calibrater:
    made = calibrater()
    made.open(shared_input("simvla.ms"), addcorr=False, addmodel=False)
    return made


def test_image_as_model(tool: calibrater, tmp_path: Path) -> None:
    """A point of 4 Jy at the phase centre halves the gains of a point of 1 Jy."""
    made = coordsys()
    record = made.newcoordsys(direction=True, spectral=True, stokes=["I"])
    record.setunits(["rad", "rad"], "direction")
    record.setreferencepixel([16, 16], "direction")
    record.setincrement([-1e-5, 1e-5], "direction")
    record.setreferencevalue([-2.7439275283927276, 0.5324852164475642], "direction")
    pixels = np.zeros((32, 32, 1, 1))
    pixels[16, 16] = 4.0
    ia = image()
    ia.fromarray("four.im", pixels, csys=record.torecord())
    ia.done()
    tool.selectvis(field="0")
    with pytest.raises(ParameterError, match="setsolve"):
        tool.setmodel("four.im")
    means = []
    for name in ("point", "image"):
        tool.setsolve(type="G", t="inf", table=name, refant="EA01")
        if name == "image":
            tool.setmodel("four.im")
        tool.solve()
        means.append(np.abs(CalTable.open(name).param).mean())
    assert means[0] / means[1] == pytest.approx(2, rel=1e-4)


def test_component_fitted(tool: calibrater) -> None:
    tool.selectvis(field="1")
    found = tool.modelfit([], 5, "P", [1.0, 0.0, 0.0], "fit.cl")
    assert found["par"].shape == found["err"].shape == (3,) and Path("fit.cl").is_dir() and found["par"][0] > 0.1


def test_position_angles_turned(tool: calibrater) -> None:
    tool.selectvis(field="0")
    tool.setsolve(type="G", t="inf", table="g", refant="EA01")
    tool.solve()
    tool.posangcal([10.0, 20.0], "g", "turned")
    before, after = CalTable.open("g"), CalTable.open("turned")
    ratio = (after.param / before.param)[:, 0]
    # RL of corrected data turns by twice the angle.
    turn = -np.rad2deg(np.angle(ratio[:, 0] * ratio[:, 1].conj()))
    assert turn == pytest.approx(np.where(before.spw_id == 0, 20.0, 40.0), abs=1e-3)
    with pytest.raises(ParameterError, match="2, one for each"):
        tool.posangcal([1.0, 2.0, 3.0], "g", "bad")
    tool.setsolve(type="K", t="inf", table="k", refant="EA01")
    tool.solve()
    with pytest.raises(DataError, match="K Jones"):
        tool.posangcal([1.0], "k", "bad")
    assert not Path("bad").exists()


def test_linear_polarisation_taken_out(tmp_path: Path) -> None:
    vis = make_polarised(tmp_path, leaky_jones(0.0, 0.0), basis="linear", noise=1e-4)
    gaincal(vis, "g", refant="EA01", smodel=[SOURCE[0], 0, 0, 0], solint="int")
    made = calibrater()
    made.open(vis, addcorr=False, addmodel=False)
    made.linpolcor("g", "clean", "0")
    spread = [np.abs(CalTable.open(n).param[:, 0]).std() for n in ("g", "clean")]
    assert spread[1] < 0.1 * spread[0]
    with pytest.raises(DataError, match="circular"):
        made.posangcal([1.0], "g", "bad")


def test_solutions_drawn(tool: calibrater) -> None:
    tool.selectvis(field="0")
    tool.setsolve(type="G", t="inf", table="g", refant="EA01")
    tool.solve()
    tool.plotcal([0, 1], [], [0], "PHASE", "g", 2, True)
    assert Path("g.png").stat().st_size > 1000
    with pytest.raises(UnsupportedError, match="nx"):
        tool.plotcal([], [], [], "AMP", "g", nx=2)


def test_what_is_there_once_only(tool: calibrater) -> None:
    assert tool.setvi(old=True)


def test_table_without_rows(tool: calibrater) -> None:
    for name, partype, caltype, single in (("g", "Complex", "G Jones", True), ("k", "Float", "K Jones", False)):
        assert tool.createcaltable(name, partype, caltype, single)
        table = CalTable.open(name)
        assert (table.nrow, table.par_type, table.vis_cal) == (0, partype, caltype)
        assert {len(hz) for hz in table.frequencies_hz.values()} == {1 if single else 8}


def test_tables_changed(tool: calibrater) -> None:
    """rerefant and smooth give what their tasks give."""
    casatasks.gaincal("simvla.ms", "g", solint="int", refant="EA01", minsnr=0.0)
    for mode in ("strict", "flexible"):
        tool.rerefant("g", "tool", mode, ["EA03", "EA02"])
        casatasks.rerefant("simvla.ms", "g", "task", mode[:6].replace("flexib", "flex"), "EA03,EA02")
        np.testing.assert_array_equal(CalTable.open("tool").param, CalTable.open("task").param)
        third = CalTable.open("tool")
        np.testing.assert_allclose(np.angle(third.param[third.antenna1 == 2]), 0, atol=1e-6)
    for kind, field in (("mean", []), ("median", "0"), ("mean", ["0", "1"])):
        tool.smooth("g", "tool", field, kind, 60.0, True)
        casatasks.smoothcal("simvla.ms", "g", "task", ",".join(field), kind, 60.0)
        ours, task, before = (CalTable.open(n) for n in ("tool", "task", "g"))
        np.testing.assert_array_equal(ours.param, task.param)
        assert (ours.param != before.param).any()


def test_flags_of_single_correlations(tool: calibrater) -> None:
    """Of a fifth of the samples RL alone is flagged: they count with corrdepflags only, and a solve that fails leaves no counts."""
    rng = np.random.default_rng(3)
    with MeasurementSet("simvla.ms", writable=True) as ms:
        flag, data = ms.read("FLAG"), ms.read("DATA")
        bad = rng.random(flag.shape[:2]) < 0.2
        flag[bad, 1] = True
        data[bad] *= 10
        ms.write("FLAG", flag, np.arange(ms.nrow))
        ms.write("DATA", data, np.arange(ms.nrow))
    means = []
    for given in (False, True):
        tool.setcorrdepflags(given)
        tool.setsolve(type="G", t="inf", table="g", refant="EA01")
        assert tool.solve() is True
        means.append(np.abs(CalTable.open("g").param).mean())
    assert means[1] > 1.2 * means[0]
    tool.setsolve(type="G", t="inf", table="none", refant="EA01", minblperant=9)
    with pytest.raises(DataError, match="9 baselines"):
        tool.solve()
    assert tool.activityrec() == {} and not Path("none").exists()


def test_what_is_recorded(tool: calibrater) -> None:
    """As the reference has it: what is selected before a solve, the counts after it."""
    assert tool.activityrec() == {}
    tool.selectvis(field="1", spw="1")
    before = tool.returndict()
    assert set(before) == {"apply_tables", "selectvis", "solve_tables"} and before["selectvis"]["field"] == [1]
    tool.setsolve(type="G", t="40s", table="g", refant="EA01")
    assert tool.solve() is True
    counts = tool.activityrec()
    for name in ("nExpected", "nAttempt", "nSucceed"):
        np.testing.assert_array_equal(counts[name], [0, 12])
    after = tool.returndict()
    assert after["solve_tables"] == ["g"] and after["solvestats"]["spw1"]["above_minsnr"].tolist() == [12, 12]
    assert tool.state()
    tool.reset(apply=False)
    with pytest.raises(ParameterError, match="setsolve"):
        tool.solve()


@pytest.mark.parametrize(
    ("given", "source"), [({}, (0, 1)), ({"spwmap": [0, 0]}, (0, 0)), ({"spwmap": [1, 1]}, (1, 1)), ({"spwmap": [-1]}, (0, 1))]
)
def test_tables_applied_and_taken_back(tool: calibrater, given: dict[str, Any], source: tuple[int, int]) -> None:
    """Gains of 2 and 4 of the two windows: corrected data are those of the map, `corrupt` is the way back, initcalset the start."""
    casatasks.gencal("simvla.ms", "g", caltype="amp", spw="0,1", parameter=[2.0, 4.0])
    with MeasurementSet("simvla.ms", writable=True) as ms:
        ms.add_scratch_columns(model=True, corrected=True)
        data, window = ms.read("DATA"), ms.read("DATA_DESC_ID")
    tool.setapply(table="g", **given)
    tool.correct("calonly")
    square = np.where(window == 0, *(4.0 ** (1 + s) for s in source))[:, None, None]
    with MeasurementSet("simvla.ms", writable=True) as ms:
        np.testing.assert_allclose(ms.read("CORRECTED_DATA"), data / square, rtol=1e-6)
        ms.write("MODEL_DATA", data, np.arange(ms.nrow))
    tool.corrupt()
    with MeasurementSet("simvla.ms") as ms:
        np.testing.assert_allclose(ms.read("MODEL_DATA"), data * square, rtol=1e-6)
    tool.initcalset()
    with MeasurementSet("simvla.ms") as ms:
        np.testing.assert_array_equal(ms.read("CORRECTED_DATA"), data)
        np.testing.assert_array_equal(ms.read("MODEL_DATA")[0, 0], [1, 0, 0, 1])


def test_weights_by_the_tool(tool: calibrater) -> None:
    tool.initweights("ones", True)
    with MeasurementSet("simvla.ms") as ms:
        assert (ms.read("WEIGHT") == 1).all() and (ms.read("WEIGHT_SPECTRUM") == 1).all()


REFUSED: tuple[tuple[str, dict[str, Any], type[Exception]], ...] = (
    ("setsolve", {"type": "TF", "table": "x"}, ParameterError), ("setsolve", {"type": "G", "table": "x", "fitorder": 3}, UnsupportedError),
    ("selectvis", {"chanmode": "channel", "nchan": 3}, ParameterError), ("setmodel", {"modelimage": "no.im"}, ParameterError),
    ("setapply", {"opacity": [0.1]}, UnsupportedError), ("setapply", {"select": "ANTENNA1==2", "table": "g"}, UnsupportedError),
    ("createcaltable", {"caltable": "x", "partype": "Text", "caltype": "G Jones", "singlechan": True}, ParameterError), ("setapply", {}, ParameterError), ("accumulate", {}, UnsupportedError),
    ("open", {"filename": "simvla.ms", "compress": True}, UnsupportedError), ("updatecaltable", {"caltable": "no"}, PathMissingError),
)  # fmt: skip


@pytest.mark.parametrize(("name", "given", "error"), REFUSED)
def test_refused(tool: calibrater, name: str, given: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        getattr(tool, name)(**given)


def test_closed() -> None:
    for name, given in (
        ("solve", {}),
        ("setmodel", {"modelimage": "x"}),
        ("plotcal", {"antennas": [], "fields": [], "spwids": []}),
    ):
        with pytest.raises((NotOpenError, PathMissingError)):
            getattr(calibrater(), name)(**given)


def test_solving_before_setsolve(tool: calibrater) -> None:
    with pytest.raises(ParameterError, match="nothing to solve for is set; call setsolve first"):
        tool.solve()


# The start alone shows what its windows are.
_FRINGES: list[dict[str, Any]] = [
    {"globalsolve": False}, {"globalsolve": False, "delaywindow": [-3.0, 3.0]}, {"globalsolve": False, "ratewindow": [-1e-13, 1e-13]},
    {"niter": 1, "corrcomb": "stokes"}, {"paramactive": [True, False, False]}, {"zerorates": True},
    {"combine": "scan,spw", "concatspws": False, "corrcomb": "parallel"},
]  # fmt: skip


def test_fringes_as_by_the_task(tmp_path: Path) -> None:
    """Each parameter of a fringe fit gives the table of the task, and each another one."""
    vis, _ = make_fringes(tmp_path)
    cb = calibrater()
    cb.open(vis, addcorr=False, addmodel=False)
    common = {"combine": "scan", "refant": "EA03", "minsnr": 0.0}
    made = []
    for number, given in enumerate(_FRINGES):
        tables = [str(tmp_path / f"{who}{number}") for who in ("tool", "task")]
        cb.setsolve(type="FRINGE", t="inf", table=tables[0], **{**common, **given})
        cb.solve()
        fringefit(vis, tables[1], **{**common, **given})
        ours, task = (CalTable.open(t) for t in tables)
        np.testing.assert_array_equal(ours.param, task.param)
        np.testing.assert_array_equal(ours.flag, task.flag)
        made.append(ours)
    cb.done()
    assert len({t.param.tobytes() for t in made}) == len(_FRINGES)
