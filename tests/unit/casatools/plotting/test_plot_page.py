"""Pages of plots: places, numbers, files, headers and styles."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import casatasks
from casatools._base.errors import OutputExistsError, ParameterError, UnsupportedError
from casatools.io.ms import Selection
from casatools.plotting import plot_page
from casatools.plotting.plot_axes import PlotOptions
from casatools.plotting.plot_page import Page, header_text
from casatools.plotting.plot_style import GridStyle, SymbolStyle, plain_color
from casatools.plotting.visibility_figure import Layer, Plot, draw_pages, make_layers

Input = Callable[[str], str]


@pytest.fixture(autouse=True)
def fresh_page(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(plot_page.PAGE, "plots", {})
    yield


def plot(path: str, iterate: str = "", **given: Any) -> Plot:
    return Plot(make_layers(path, Selection(), [PlotOptions(x="time", y="phase", iterate=iterate)]), **given)


def make_layer(path: str, selection: Selection, options: PlotOptions) -> Layer:
    return make_layers(path, selection, [options])[0]


def shown(figure: Any) -> list[Any]:
    return [a for a in figure.axes if a.get_visible()]


def test_plots_of_a_page(shared_input: Input) -> None:
    path, page = shared_input("cal.G"), Page()
    page.place(0, plot(path), 2, 1, True)
    page.place(1, plot(path, row=1), 2, 1, False)
    figure = page.draw((5, 5), True)[0][1]
    assert len(shown(figure)) == 2
    page.place(1, plot(path, row=0), 2, 1, False)  # over the first
    figure = page.draw((5, 5), True)[0][1]
    assert len(shown(figure)) == 1 and len(shown(figure)[0].lines) == 2
    page.place(0, plot(path), 1, 1, True)
    assert list(page.plots) == [0]
    page.place(3, plot(path), 1, 1, False)  # follows no plot: the next number is taken, as in CASA
    assert list(page.plots) == [0, 1]
    for number, row in ((-1, 0), (0, 2)):
        with pytest.raises(ParameterError, match=r"plotindex|panel"):
            page.place(number, plot(path, row=row), 2, 1, False)
    page.place(0, plot(path, "antenna1"), 1, 1, True)
    with pytest.raises(UnsupportedError, match="iteration"):
        page.place(1, plot(path, "antenna1"), 1, 1, False)


def test_panels_of_an_iteration(shared_input: Input) -> None:
    path = shared_input("cal.G")
    many = plot(path, "antenna1", same_x=True, same_y=True, inner_x=True, inner_y=True)
    count = len(many.panels)
    together = draw_pages([many])
    assert len(together) == 1 and len(shown(together[0][1])) == count
    pages = draw_pages([many], 2, 2)
    assert len(pages) == -(-count // 4) and pages[0][0] == "Antenna1@EA01-EA04"
    panels = shown(pages[0][1])
    assert {p.get_ylim() for p in panels} == {panels[0].get_ylim()}
    assert [bool(p.get_xlabel()) for p in panels] == [False, False, True, True]
    assert [bool(p.get_ylabel()) for p in panels] == [True, False, True, False]
    assert "EA01" in panels[0].get_title()
    free = draw_pages([plot(path, "antenna1")], 2, 2)
    assert len({p.get_ylim() for p in shown(free[0][1])}) > 1


def test_files_of_pages(shared_input: Input, tmp_path: Path) -> None:
    path = shared_input("cal.G")
    given = {"vis": path, "yaxis": "phase", "iteraxis": "antenna", "gridrows": 2, "gridcols": 2, "showgui": False, "dpi": 30}
    casatasks.plotms(**given, plotfile=str(tmp_path / "a.png"))
    assert sorted(p.name for p in tmp_path.glob("a*")) == ["a.png"]
    casatasks.plotms(**given, exprange="all", plotfile=str(tmp_path / "b.png"))
    assert sorted(p.name for p in tmp_path.glob("b*")) == ["b_Antenna1@EA01-EA04.png", "b_Antenna1@EA05-EA08.png"]
    with pytest.raises(OutputExistsError):
        casatasks.plotms(**given, exprange="all", plotfile=str(tmp_path / "b.png"))


def test_layers_lines_and_symbols(shared_input: Input, tmp_path: Path) -> None:
    path, target = shared_input("simvla.ms"), str(tmp_path / "a.png")
    done = casatasks.plotms(
        path, xaxis="freq", yaxis=["amp", "phase"], yaxislocation=["left", "right"], avgtime="1e8", avgbaseline=True, avgscan=True, field="0",
        xconnector=["line", "step"], customsymbol=[True, False], symbolshape=["diamond", "circle"], symbolsize=["4", "2"], symboloutline="True",
        customflaggedsymbol=True, flaggedsymbolshape="square", plotfile=target, showgui=False, dpi=30, headeritems="filename,targname",
        showmajorgrid=True, showminorgrid=True, showlegend=True, legendposition="exteriorRight", plotrange=[1.3, 1.7, 0, 0],
    )  # fmt: skip
    assert done is True
    (one,) = plot_page.PAGE.plots.values()
    figure = draw_pages([one])[0][1]
    left, right = shown(figure)
    assert left.get_xlim() == (1.3, 1.7) and right.get_ylabel() == "Phase [deg]"
    assert {line.get_drawstyle() for line in right.lines} == {"steps-mid", "default"}
    assert "D" in {line.get_marker() for line in left.lines}
    assert "simvla.ms" in one.header and figure.legends
    assert Path(target).stat().st_size > 1000


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"yaxislocation": "above"}, "yaxislocation"), ({"xconnector": "spline"}, "xconnector"), ({"gridrows": 0}, "gridrows"),
        ({"legendposition": "middle"}, "legendposition"), ({"veldef": "Z"}, "veldef"), ({"plotrange": [1.0, 2.0]}, "plotrange"),
        ({"exprange": "some"}, "exprange"), ({"headeritems": "moon"}, "headeritems"), ({"xinterp": "fifth"}, "xinterp"),
        ({"yaxis": ["amp", "phase"], "ydatacolumn": ["data", "data", "data"]}, "one for each"), ({"majorstyle": "wavy"}, "majorstyle"),
        ({"customsymbol": True, "symbolcolor": "nocolor"}, "symbolcolor"), ({"customsymbol": True, "symbolshape": "star"}, "symbolshape"),
        ({"customsymbol": True, "symbolfill": "half"}, "symbolfill"), ({"customsymbol": True, "symbolsize": "big"}, "symbolsize"),
        ({"customsymbol": True, "symbolsize": 0}, "symbolsize"), ({"majorwidth": -1}, "majorwidth"), ({"xdatacolumn": "gold"}, "data column"),
    ],
)  # fmt: skip
def test_refusals(shared_input: Input, tmp_path: Path, given: dict[str, Any], text: str) -> None:
    with pytest.raises(ParameterError, match=text):
        casatasks.plotms(shared_input("simvla.ms"), plotfile=str(tmp_path / "a.png"), showgui=False, **given)
    assert not (tmp_path / "a.png").exists()


def test_headers(shared_input: Input) -> None:
    every = header_text(shared_input("simvla.ms"), Selection(), (PlotOptions(),), ",".join(plot_page.HEADER_ITEMS))
    for part in ("simvla.ms", "data", "UTC", "VLA", "1331+305", "J2000"):
        assert part in every
    assert header_text(shared_input("cal.G"), Selection(), (PlotOptions(),), "filename, ycolumn, obsdate").split() == [
        "filename",
        "cal.G",
        "ycolumn",
        "G",
        "Jones",
    ]
    assert header_text("cal.G", Selection(), (), " ") == ""


def test_solutions_compared_and_joined(shared_input: Input) -> None:
    path = shared_input("cal.G")
    ratio = make_layer(path, Selection(), PlotOptions(x="time", y="phase", ratio=True)).points["y"]
    one, two = (make_layer(path, Selection(correlation=c), PlotOptions(x="time", y="phase")).points["y"] for c in ("RR", "LL"))
    np.testing.assert_allclose(np.exp(1j * np.radians(ratio)), np.exp(1j * np.radians(one - two)), atol=1e-5)
    flagged = make_layer(path, Selection(), PlotOptions(y="amp", flagged=True, connect="x")).points
    assert len(flagged["y"]) == len(flagged["series"]) == len(flagged["order"])
    assert len(np.unique(flagged["series"])) == 8 * 2 * 2
    with pytest.raises(UnsupportedError, match="callib"):
        make_layer(path, Selection(), PlotOptions(frame="LSRK"))
    with pytest.raises(ParameterError, match="two receptors"):
        make_layer(shared_input("cal.T"), Selection(), PlotOptions(ratio=True))


def test_what_a_person_reads(shared_input: Input) -> None:
    """Receptors by their names, both axes in the legend, round times, and no rounding errors of the reference antenna."""
    path = shared_input("cal.G")
    color = make_layers(path, Selection(antenna="EA01"), [PlotOptions(x="time", y="phase", color="corr")])
    figure = draw_pages([Plot(color, legend=True)])[0][1]
    axes = figure.axes[0]
    assert [t.get_text() for t in axes.get_legend().get_texts()] == ["Correlation R", "Correlation L"]
    low, high = axes.get_ylim()
    assert high - low == pytest.approx(2.0)
    figure.canvas.draw()
    ticks = np.asarray(axes.get_xticks())
    assert 2 <= len(ticks) <= 6 and not np.any(ticks % 1800.0)
    both = make_layers(path, Selection(), [PlotOptions(y="amp"), PlotOptions(y="phase")], [{}, {"right": True}])
    figure = draw_pages([Plot(both, legend=True)])[0][1]
    found = next(a.get_legend() for a in figure.axes if a.get_legend() is not None)
    assert [t.get_text() for t in found.get_texts()] == ["Amplitude", "Phase [deg]"]


@pytest.mark.parametrize(("span", "step"), [(0.7, 0.2), (50.0, 10.0), (7000.0, 1800.0), (90000.0, 21600.0), (1e6, 259200.0)])
def test_round_times(span: float, step: float) -> None:
    from casatools.plotting.visibility_figure import _ClockLocator

    ticks = _ClockLocator(5).tick_values(4e9 + 0.3, 4e9 + 0.3 + span)
    assert 2 <= len(ticks) <= 6
    np.testing.assert_allclose(np.diff(ticks), step, rtol=1e-5)


def test_styles() -> None:
    assert plain_color("ff0000", "x") == "#ff0000" and plain_color("red", "x") == "red"
    hollow = SymbolStyle("circle", 4.0, "", "nofill").drawn("#123456", 3.0)
    assert (
        hollow["markerfacecolor"] == "none"
        and hollow["markeredgecolor"] == "#123456"
        and hollow["markersize"] == pytest.approx(5.6)
    )
    assert SymbolStyle("", 2.0).drawn("k", 3.0)["markersize"] == pytest.approx(8.4)
    assert SymbolStyle(fill="mesh2").drawn("k", 1.0)["alpha"] == 0.5
    with pytest.raises(ParameterError, match="minorcolor"):
        GridStyle(minor_color="zz")
