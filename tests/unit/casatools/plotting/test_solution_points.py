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
from casatools.plotting.solution_points import default_axes, drawable, solution_points

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
    assert set(points(str(tmp_path / "s"), "time", "spgain")["y"]) == {0.0, 2.0}
    assert set(points(str(tmp_path / "s"), "time", "tsys", correlation="LL")["y"]) == {3.0}


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


def test_what_solutions_do_not_have(shared_input: Input, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = shared_input("cal.G")
    with pytest.raises(ParameterError, match="uvdist"):
        points(path, "uvdist")
    with pytest.raises(UnsupportedError, match="data columns"):
        casatasks.plotms(path, plotfile=str(tmp_path / "p.png"), showgui=False, ydatacolumn="corrected")
    casatasks.plotms(path, plotfile=str(tmp_path / "p.png"), showgui=False, avgtime="60")
    assert "not averaged" in capfd.readouterr().err
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


def test_numbers_of_windows_are_whole() -> None:
    from matplotlib.figure import Figure

    from casatools.plotting.visibility_figure import _number_axis

    class Nameless:
        def named(self, axis: str) -> bool:
            return False

    cell = Figure().subplots()
    cell.plot([0, 1], [0.3, 0.5])
    _number_axis(cell.xaxis, "spw", Nameless(), np.array([0.0, 1.0]), 5)  # type: ignore[arg-type]
    assert all(tick == round(tick) for tick in cell.get_xticks())


def of_kind(path: str, kind: str, parameters: int, out: Path) -> str:
    """The delays of a table as one of another kind, whose parameters are 1, 2, 3 ..."""
    table = CalTable.open(path)
    table.vis_cal = kind
    for group in table.groups:
        shape = (*group.param.shape[:2], parameters)
        group.param = np.arange(1, parameters + 1, dtype=np.float32) + np.zeros(shape, np.float32)
        group.flag, group.snr, group.paramerr = np.zeros(shape, bool), np.ones(shape, np.float32), np.ones(shape, np.float32)
    table.write(str(out))
    return str(out)


def test_parameters_of_fringes_by_receptor(shared_input: Input, tmp_path: Path) -> None:
    """In the units of their axes; each receptor has its own four."""
    path = of_kind(shared_input("cal.K"), "Fringe Jones", 8, tmp_path / "fringes")
    for axis, first, second in (
        ("phase", np.degrees(1), np.degrees(5)), ("delay", 2, 6), ("rate", 3e12, 7e12), ("disp", 4e3 / 1344.536, 8e3 / 1344.536),
    ):  # fmt: skip
        np.testing.assert_allclose(np.unique(points(path, "antenna1", axis)["y"]), [first, second], rtol=1e-6)
        np.testing.assert_allclose(np.unique(points(path, "antenna1", axis, correlation="LL")["y"]), second, rtol=1e-6)
    both = points(path, "delay", "rate", "corr")
    assert set(zip(both["x"].tolist(), both["color"].tolist(), strict=True)) == {(2.0, 0.0), (6.0, 1.0)}
    with pytest.raises(ParameterError, match="it has phase, delay, rate, disp"):
        points(path, "time", "amp")


@pytest.mark.parametrize(
    ("kind", "parameters", "axes"),
    [
        ("K Jones", 2, ("antenna1", "delay")), ("Kcross Jones", 2, ("antenna1", "delay")), ("Fringe Jones", 8, ("antenna1", "delay")),
        ("KAntPos Jones", 3, ("antenna1", "antpos")), ("B TSYS", 2, ("frequency", "tsys")), ("TOpac", 1, ("time", "opac")),
        ("G EVLASWPOW", 4, ("time", "swpow")), ("F Jones", 1, ("time", "tec")), ("PosAng Jones", 1, ("frequency", "phase")),
        ("EGainCurve", 8, ("time", "amp")),
    ],
)  # fmt: skip
def test_axes_where_none_is_asked_for(shared_input: Input, tmp_path: Path, kind: str, parameters: int, axes: Any) -> None:
    path = of_kind(shared_input("cal.K"), kind, parameters, tmp_path / "other")
    assert default_axes(path) == axes
    assert len(points(path, *axes)["y"])
    with pytest.raises(ParameterError, match="imag"):
        points(path, "time", "imag")


def test_axes_of_gains(shared_input: Input) -> None:
    assert default_axes(shared_input("cal.G")) == ("time", "amp")
    assert default_axes(shared_input("cal.B")) == ("channel", "amp")
    assert default_axes(shared_input("cal.D")) == ("channel", "amp")  # leakages of each channel
    assert default_axes(shared_input("simvla.ms")) == ("time", "amp")


def test_curves_are_sampled(shared_input: Input) -> None:
    vis = shared_input("simvla.ms")
    casatasks.bandpass(vis, "b.poly", field="0", bandtype="BPOLY", degamp=2, degphase=2, refant="EA01")
    with drawable("b.poly") as path:
        assert Path(path).name == "b.poly" and default_axes(path) == ("channel", "amp")
        assert set(points(path, "channel", "amp", spw="0")["x"]) == set(range(8))
    with drawable(vis) as path:
        assert path == vis


def test_flags_are_an_axis_and_end_lines(shared_input: Input) -> None:
    """A line between good solutions does not pass over a flagged one."""
    from casatools.plotting.visibility_figure import Plot, draw_pages, make_layers

    table = CalTable.open(shared_input("cal.G"))
    mine = np.flatnonzero((table.antenna1 == 1) & (table.spw_id == 0))
    place = mine[np.argsort(table.time_s[mine])][1]
    for group in table.groups:
        group.flag[group.rows == place] = True
    table.write("flagged.G")
    assert set(points("flagged.G", "flag", antenna="EA02")["x"]) == {0.0}
    chosen = Selection(antenna="EA02", spw="0", correlation="RR")
    options = PlotOptions(connect="x")
    layers = make_layers("flagged.G", chosen, [options], [{"line": "line"}])
    axes = draw_pages([Plot(layers)])[0][1].axes[0]
    line, marks = (artist.get_ydata() for artist in axes.lines)
    assert len(line) == len(mine) and np.isnan(line[1]) and np.isfinite(line[[0, *range(2, len(line))]]).all()
    assert len(marks) == len(mine) - 1
