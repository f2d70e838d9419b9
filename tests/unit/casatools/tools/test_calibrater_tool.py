"""The calibrater tool: what it does that no task does, and that its settings arrive."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatasks import fringefit, gaincal
from casatools import calibrater, coordsys, image
from casatools._base.errors import DataError, NotOpenError, ParameterError, PathMissingError, UnsupportedError
from casatools.io.caltable import CalTable
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


REFUSED: tuple[tuple[str, dict[str, Any], type[Exception]], ...] = (
    ("setsolve", {"type": "TF", "table": "x"}, ParameterError), ("setsolve", {"type": "G", "table": "x", "fitorder": 3}, UnsupportedError),
    ("selectvis", {"chanmode": "channel", "nchan": 3}, ParameterError), ("setmodel", {"modelimage": "no.im"}, ParameterError),
    ("setapply", {"opacity": [0.1]}, UnsupportedError), ("setapply", {}, ParameterError), ("accumulate", {}, UnsupportedError),
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
