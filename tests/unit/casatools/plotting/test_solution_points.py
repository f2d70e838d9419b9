"""Plots of calibration tables: what is selected and what the axes hold."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import casatasks
from casatools._base.errors import ParameterError, SelectionError, UnsupportedError
from casatools.io.caltable import CalTable
from casatools.io.ms import Selection
from casatools.plotting.plot_axes import PlotOptions, normalised
from casatools.plotting.solution_points import solution_points

Input = Callable[[str], str]


def points(
    path: str, x: str = "time", y: str = "amp", color: str = "", panel: str = "", **selected: Any
) -> dict[str, np.ndarray]:
    options = PlotOptions(x=normalised(x), y=normalised(y), color=normalised(color), iterate=normalised(panel))
    return solution_points(path, Selection(**selected), options)


def test_selections(shared_input: Input) -> None:
    path = shared_input("cal.G")
    table = CalTable.open(path)
    good = ~table.flag[:, 0, :]
    every = points(path, "antenna1", "gainphase", "corr", "spw")
    assert len(every["x"]) == good.sum()
    one = points(path, "antenna1", "amp", antenna="EA03,5~6", spw="1", field="0", scan="1", correlation="LL")
    mine = np.isin(table.antenna1, [2, 5, 6]) & (table.spw_id == 1) & (table.field_id == 0) & (table.scan == 1)
    np.testing.assert_allclose(np.sort(one["y"]), np.sort(np.abs(table.param[mine, 0, 1])[good[mine, 1]]), rtol=1e-6)
    assert set(one["x"]) <= {2.0, 5.0, 6.0}
    reference = table.antenna2[0]
    own = points(path, "antenna1", "snr", antenna=f"{table.antenna_names[reference]} & ")
    assert set(own["x"]) == {float(reference)}
    assert own["y"].min() > 0


def test_channels_and_frequencies(shared_input: Input) -> None:
    path = shared_input("cal.B")
    found = points(path, "freq", "amp", spw="0:2~4", antenna="EA02", correlation="RR")
    np.testing.assert_allclose(np.sort(found["x"]), [1.408, 1.412, 1.416])
    assert set(points(path, "chan", "real", spw="1:6")["x"]) == {6.0}
    assert set(points(path, "interval", "imag", "observation", "row")["color"]) == {0.0}


def test_delays_and_their_kind(shared_input: Input) -> None:
    path = shared_input("cal.T")
    with pytest.raises(ParameterError, match="delay"):
        points(path, "time", "delay")


def test_parameters_of_other_kinds(shared_input: Input, tmp_path: Path) -> None:
    vis = shared_input("simvla.ms")
    delays = shared_input("cal.K")
    assert np.abs(points(delays, "antenna1", "del")["y"]).max() > 0
    opacity = str(tmp_path / "o")
    casatasks.gencal(vis, opacity, caltype="opac", spw="0,1", parameter=[0.1, 0.2])
    assert set(np.round(points(opacity, "spw", "opacity")["y"], 6)) == {0.1, 0.2}
    electrons = CalTable.open(delays)
    electrons.vis_cal = "F Jones"
    for group in electrons.groups:
        group.param = np.full_like(group.param, 2e17)
    electrons.write(str(tmp_path / "f"))
    assert points(str(tmp_path / "f"), "time", "tec")["y"].max() == pytest.approx(20.0, rel=1e-6)
    electrons.vis_cal = "G EVLASWPOW"
    for group in electrons.groups:
        shape = (*group.param.shape[:2], 4)
        group.param, group.flag = np.arange(4.0, dtype=np.float32) + np.zeros(shape, np.float32), np.zeros(shape, bool)
        group.snr, group.paramerr = np.ones(shape, np.float32), np.ones(shape, np.float32)
    electrons.write(str(tmp_path / "s"))
    powers = points(str(tmp_path / "s"), "time", "swp")["y"]
    assert set(powers[np.isfinite(powers)]) == {0.0, 2.0}


@pytest.mark.parametrize(
    ("selected", "error", "text"),
    [
        ({"antenna": "XX"}, SelectionError, "XX"), ({"uvrange": ">1m"}, ParameterError, "uvrange"), ({"intent": "*"}, ParameterError, "intent"),
        ({"correlation": "Q"}, ParameterError, "receptor"), ({"field": "nothing"}, SelectionError, "nothing"),
        ({"antenna": "EA01", "scan": "99"}, SelectionError, "99"),
    ],
)  # fmt: skip
def test_what_cannot_be_selected(shared_input: Input, selected: dict[str, str], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        points(shared_input("cal.G"), **selected)


def test_what_solutions_do_not_have(shared_input: Input, tmp_path: Path) -> None:
    path = shared_input("cal.G")
    with pytest.raises(ParameterError, match="uvdist"):
        points(path, "uvdist")
    with pytest.raises(UnsupportedError, match="averaged"):
        casatasks.plotms(path, plotfile=str(tmp_path / "p.png"), showgui=False, avgtime="60", averagedata=True)
    table = CalTable.open(path)
    keep = table.antenna1 != 3
    table.select(keep).write(str(tmp_path / "less"))
    with pytest.raises(SelectionError, match="EA04"):
        points(str(tmp_path / "less"), antenna="EA04")


def test_figure_of_a_selection(shared_input: Input, tmp_path: Path) -> None:
    casatasks.plotms(
        shared_input("cal.G"), xaxis="time", yaxis="gainphase", antenna="0~3", spw="0", iteraxis="antenna", coloraxis="poln", correlation="R,L", showgui=False,
        plotfile=str(tmp_path / "p.png"), dpi=40,
    )  # fmt: skip
    assert (tmp_path / "p.png").stat().st_size > 1000
