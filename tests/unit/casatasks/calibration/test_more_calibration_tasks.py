"""The tasks gencal, accor, blcal, polcal, fringefit and others: what they add to the domain's functions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import casatasks
from casatools import calibrater
from casatools._base.errors import CasaError, DataError, ParameterError
from casatools.io.caltable import CalTable
from casatools.io.ms import MeasurementSet
from support.shared import unpack


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tasks")
    for name in ("simvla.ms", "cal.G", "cal.B"):
        unpack(name, path)
    return path


def _kind(path: Path) -> str:
    return CalTable.open(str(path)).vis_cal


def test_solves_write_their_tables(folder: Path, tmp_path: Path) -> None:
    vis, priors = str(folder / "simvla.ms"), [str(folder / "cal.B"), str(folder / "cal.G")]
    casatasks.blcal(vis, str(tmp_path / "m"), field="0", freqdep=True)
    assert _kind(tmp_path / "m") == "Mf Mueller"
    none = casatasks.polcal(
        vis, str(tmp_path / "x"), field="0", poltype="Xf", refant="EA01", gaintable=priors, smodel=[15, 1, 1.2, 0]
    )
    assert none is None and _kind(tmp_path / "x") == "Xf Jones"
    casatasks.gaincal(vis, str(tmp_path / "kc"), field="0", gaintype="KCROSS", refant="EA01", gaintable=priors)
    # CASA 6.7 finds -3.62 and 1.83 ns.
    np.testing.assert_allclose(CalTable.open(str(tmp_path / "kc")).param[[0, 8], 0, 0], [-3.62, 1.83], atol=0.05)
    casatasks.fringefit(vis, str(tmp_path / "f"), field="0", spw="0", refant="EA01")
    fringe = CalTable.open(str(tmp_path / "f"))
    # CASA 6.7: phase (rad), delay (ns).
    np.testing.assert_allclose(fringe.param[1, 0, [0, 1, 4, 5]], [-0.82055, 2.83641, 0.10423, 1.73493], atol=5e-3)
    with pytest.raises(DataError, match="autocorrelations"):
        casatasks.accor(vis, str(tmp_path / "a"))


@pytest.mark.parametrize(
    ("name", "given", "error"),
    [
        ("polcal", {"poltype": "D+QU", "combine": "field"}, ParameterError),
        ("fringefit", {"field": "0"}, ParameterError), ("gencal", {"caltype": ""}, ParameterError),

        ("wvrgcal", {"caltable": ""}, ParameterError), ("wvrgcal", {"reversespw": "1~x"}, ParameterError),
        ("wvrgcal", {"reversespw": "a"}, ParameterError), ("wvrgcal", {"smooth": "ten"}, ParameterError),
    ],
)  # fmt: skip
def test_refused_without_writing(folder: Path, tmp_path: Path, name: str, given: dict[str, Any], error: type[Exception]) -> None:
    arguments = {"vis": str(folder / "simvla.ms"), "caltable": str(tmp_path / "bad"), **given}
    with pytest.raises(error):
        getattr(casatasks, name)(**arguments)
    assert not (tmp_path / "bad").exists()


def test_services_and_figures(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ParameterError):
        casatasks.getcalmodvla(outfile="")
    with pytest.raises(CasaError):
        casatasks.uvmodelfit("no.ms")
    with pytest.raises(CasaError):
        casatasks.listcal(str(folder / "simvla.ms"), "no.G")
    casatasks.plotbandpass(str(folder / "cal.B"), antenna="EA01", spw="0", figfile=str(tmp_path / "p.png"))
    assert (tmp_path / "p.EA01.spw00.t00.png").stat().st_size > 2000
    assert casatasks.wvrgcal(str(folder / "simvla.ms"), str(tmp_path / "w"), smooth="10s", reversespw="0,1~1")["rval"] == 1
    with pytest.raises(DataError, match="minpacov"):
        casatasks.polfromgain(str(folder / "simvla.ms"), str(folder / "cal.G"), minpacov=175.0)


def test_clearcal_keeps_a_model_until_there_is_corrected_data(folder: Path, tmp_path: Path) -> None:
    """As CASA 6.7 does."""
    vis = str(unpack("simvla.ms", tmp_path))
    casatasks.setjy(vis, field="0", standard="manual", fluxdensity=[14.5, 0, 0, 0], usescratch=True)
    from casatools.io.ms import MeasurementSet

    for expected in (14.5, 1.0):
        casatasks.clearcal(vis)
        with MeasurementSet(vis) as ms:
            assert ms.read("MODEL_DATA", np.arange(1))[0, 0, 0] == pytest.approx(expected)


def test_specifycal(folder: Path, tmp_path: Path) -> None:
    cb = calibrater()
    cb.open(str(folder / "simvla.ms"), addcorr=False, addmodel=False)
    cb.specifycal(caltable=str(tmp_path / "s"), caltype="amp", antenna="EA02", pol="R", parameter=[2.5])
    assert CalTable.open(str(tmp_path / "s")).param[1, 0, 0] == 2.5
    cb.specifycal(caltable=str(tmp_path / "t"), time="2019/05/01", caltype="amp", parameter=[1.0])
    assert np.unique(CalTable.open(str(tmp_path / "t")).time_s).tolist() == [58604 * 86400.0]
    with pytest.raises(ParameterError, match="noon"):
        cb.specifycal(caltable=str(tmp_path / "u"), time="noon", caltype="amp", parameter=[1.0])
    assert not (tmp_path / "u").exists()
    cb.listcal(str(folder / "cal.G"), listfile=str(tmp_path / "l.txt"), spw="1")
    assert (tmp_path / "l.txt").read_text().startswith("SpwID = 1")


def test_calibrater_solves_every_kind(folder: Path, tmp_path: Path) -> None:
    cb = calibrater()
    cb.open(str(folder / "simvla.ms"), addcorr=False, addmodel=False)
    cb.selectvis(field="0", spw="0")
    out = str(tmp_path / "f")
    cb.setsolve(type="FRINGE", t="inf", table=out, refant="EA01", zerorates=True, delaywindow=[-50.0, 50.0], minblperant=1)
    cb.solve()
    fringes = CalTable.open(out)
    assert (fringes.vis_cal, fringes.param.shape) == ("Fringe Jones", (8, 1, 8))
    assert (fringes.param[..., 2::4] == 0).all() and np.abs(fringes.param[..., 1]).max() < 50
    cb.setptmodel([15.0, 1.0, 1.2, 0.0])
    cb.setapply(type="P")
    cb.setsolve(type="Dgen+X", t="inf", table=str(tmp_path / "d"), refant="EA01", combine="scan", preavg=300.0)
    cb.solve()
    assert CalTable.open(str(tmp_path / "d")).vis_cal == "Dgen Jones"
    with pytest.raises(ParameterError, match="paramactive"):
        cb.setsolve(type="FRINGE", table=out, paramactive=[True])


def test_fringes_are_smoothed_through_turns(folder: Path, tmp_path: Path) -> None:
    """Phases that pass a turn are averaged as angles, delays as numbers (CASA's median of delays is taken modulo a turn)."""
    vis = str(folder / "simvla.ms")
    casatasks.fringefit(vis, str(tmp_path / "f"), field="1", spw="0", refant="EA01", solint="60s")
    table = CalTable.open(str(tmp_path / "f"))
    group = table.groups[0]
    times, which = np.unique(table.time_s[group.rows], return_inverse=True)
    group.param[:, 0, 0] = np.angle(np.exp(1j * (3.0 + 0.1 * which)))
    group.param[:, 0, 1] = 30.0 + which
    group.flag[...] = False
    table.write(str(tmp_path / "turning"))
    casatasks.smoothcal(
        vis, str(tmp_path / "turning"), str(tmp_path / "s"), smoothtype="median", smoothtime=200.0, ratesmooth=True
    )
    smooth = CalTable.open(str(tmp_path / "s"))
    mine = smooth.antenna1 == 1
    expected = 3.0 + 0.1 * np.arange(len(times))
    assert np.abs(np.angle(np.exp(1j * (smooth.param[mine, 0, 0] - expected)))).max() < 0.11
    assert smooth.param[mine, 0, 1].min() >= 30


@pytest.mark.parametrize("interp", ["linearperobs", "nearestperscan", "linear"])
def test_given_values_are_of_all_observations_and_scans(shared_input: Callable[[str], str], interp: str) -> None:
    vis = shared_input("simvla.ms")
    casatasks.gencal(vis, "amp.cal", caltype="amp", parameter=[1.5])
    casatasks.applycal(vis, gaintable=["amp.cal"], interp=[interp], calwt=False, flagbackup=False)
    with MeasurementSet(vis) as ms:
        rows = np.flatnonzero(ms.read("DATA_DESC_ID") == 0)
        np.testing.assert_allclose(ms.read("CORRECTED_DATA", rows), ms.read("DATA", rows) / 2.25, rtol=1e-5, atol=1e-6)
