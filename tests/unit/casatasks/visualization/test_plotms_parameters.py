"""Each parameter of plotms shows in what is drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_hex

from casatasks.visualization.plotms import plotms
from casatools._base.errors import SelectionError
from casatools.io.caltable import CalTable
from casatools.plotting import plot_page

Input = Callable[[str], str]


class Drawn:
    """The last page that was drawn, instead of a file, and its resolution."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.figure: Any = None
        self.dpi = 0.0
        monkeypatch.setattr(plot_page, "save_figure", self._keep)
        monkeypatch.setattr(plot_page.PAGE, "plots", {})

    def _keep(self, figure: Any, _path: str, _kind: str, dpi: float, _overwrite: bool) -> None:
        self.figure, self.dpi = figure, dpi

    def of(self, vis: str, **given: Any) -> list[Any]:
        """The panels that a call draws."""
        plotms(vis, plotfile="drawn.png", showgui=False, **given)
        return [axes for axes in self.figure.axes if axes.get_visible()]

    def points(self, vis: str, **given: Any) -> tuple[np.ndarray, np.ndarray]:
        """The points of its first panel."""
        line = self.of(vis, **given)[0].lines[-1]
        return np.asarray(line.get_xdata(), float), np.asarray(line.get_ydata(), float)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Drawn:
    return Drawn(monkeypatch)


def test_places_on_the_page(shared_input: Input, drawn: Drawn) -> None:
    path = shared_input("cal.G")
    page = {"gridrows": 2, "gridcols": 2}
    drawn.of(path, rowindex=1, colindex=1, **page)
    panels = drawn.of(path, rowindex=0, colindex=1, plotindex=1, clearplots=False, yaxis="phase", **page)
    assert [axes.get_ylabel() for axes in panels] == ["Phase [deg]", "Amplitude"]
    assert [(s.rowspan.start, s.colspan.start) for s in (axes.get_subplotspec() for axes in panels)] == [(0, 1), (1, 1)]
    assert len(drawn.of(path, clearplots=True, **page)) == 1


def test_words(shared_input: Input, drawn: Drawn) -> None:
    axes = drawn.of(
        shared_input("cal.G"), title="My gains", titlefont=17, xlabel="When", xaxisfont=13, ylabel="How much", yaxisfont=11
    )[0]  # fmt: skip
    words = [axes.title, axes.xaxis.label, axes.yaxis.label]
    assert [(w.get_text(), w.get_fontsize()) for w in words] == [("My gains", 17.0), ("When", 13.0), ("How much", 11.0)]


def test_flagged_points(shared_input: Input, drawn: Drawn) -> None:
    table = CalTable.open(shared_input("cal.G"))
    for group in table.groups:
        group.flag[:10] = True
    table.write("flagged.G")
    line = drawn.of(
        "flagged.G", customflaggedsymbol=True, flaggedsymbolshape="square", flaggedsymbolsize=5, flaggedsymbolcolor="00aa00",
        flaggedsymbolfill="nofill", flaggedsymboloutline=True,
    )[0].lines[-1]  # fmt: skip
    assert len(line.get_xdata()) == sum(int(g.flag.sum()) for g in table.groups)
    assert (line.get_marker(), line.get_markersize(), line.get_markerfacecolor()) == ("s", 7.0, "none")
    assert (to_hex(line.get_color()), to_hex(line.get_markeredgecolor())) == ("#00aa00", "#000000")


def test_grids(shared_input: Input, drawn: Drawn) -> None:
    axes = drawn.of(
        shared_input("cal.G"), xaxis="antenna1", showmajorgrid=True, majorwidth=3, majorstyle="dash", majorcolor="ff00ff", showminorgrid=True,
        minorwidth=2, minorstyle="dot", minorcolor="00ffff",
    )[0]  # fmt: skip
    major, minor = axes.yaxis.get_major_ticks()[0].gridline, axes.yaxis.get_minor_ticks()[0].gridline
    assert (to_hex(major.get_color()), major.get_linestyle(), major.get_linewidth()) == ("#ff00ff", "--", pytest.approx(1.8))
    assert (to_hex(minor.get_color()), minor.get_linestyle(), minor.get_linewidth()) == ("#00ffff", ":", pytest.approx(0.8))


def test_scales_of_an_iteration(shared_input: Input, drawn: Drawn) -> None:
    path = shared_input("cal.G")
    page = {"iteraxis": "field", "gridrows": 2, "gridcols": 2}
    free = drawn.of(path, **page)
    assert len({axes.get_xlim() for axes in free}) > 1 < len({axes.get_ylim() for axes in free})
    alike = drawn.of(path, xselfscale=True, yselfscale=True, **page)
    assert len({axes.get_xlim() for axes in alike}) == 1 == len({axes.get_ylim() for axes in alike})
    outer = drawn.of(path, xselfscale=True, yselfscale=True, xsharedaxis=True, ysharedaxis=True, **page)
    assert [bool(axes.get_ylabel()) for axes in outer][:2] == [True, False]
    assert bool(outer[0].get_xlabel()) == (len(outer) < 3)


def test_lines_in_time(shared_input: Input, drawn: Drawn) -> None:
    """Against the amplitude: along the axis the line rises, in time it does not."""
    given = {"xaxis": "amp", "yaxis": "phase", "antenna": "EA02", "spw": "0", "correlation": "R", "xconnector": "line"}
    path = shared_input("cal.G")
    for in_time in (False, True):
        x = np.asarray(drawn.of(path, timeconnector=in_time, **given)[0].lines[0].get_xdata(), float)
        assert (np.diff(x) >= 0).all() != in_time


def test_sizes(shared_input: Input, drawn: Drawn) -> None:
    path = shared_input("cal.G")
    drawn.of(path, highres=True)
    assert drawn.dpi == 240.0
    drawn.of(path, dpi=100, width=900, height=500)
    assert tuple(drawn.figure.get_size_inches()) == (9.0, 5.0)


def test_selections_of_data(shared_input: Input, drawn: Drawn) -> None:
    vis = shared_input("simvla.ms")
    given = {"spw": "0:0", "scan": "1", "correlation": "RR", "xaxis": "antenna1"}
    every = len(drawn.points(vis, **given)[0])
    assert len(drawn.points(vis, array="0", feed="0", **given)[0]) == every
    with pytest.raises(SelectionError):
        drawn.of(vis, array="7", **given)
    with pytest.raises(SelectionError):
        drawn.of(vis, feed="7", **given)
    assert set(drawn.points(vis, msselect="ANTENNA1 == 1", **given)[0]) == {1.0}
    assert len(drawn.points(vis, selectdata=False, msselect="ANTENNA1 == 1", spw="0:0", xaxis="antenna1")[0]) > every


def test_averages(shared_input: Input, drawn: Drawn) -> None:
    vis = shared_input("simvla.ms")
    given = {"correlation": "RR", "avgtime": "1e9", "avgchannel": "8"}
    scans = len(drawn.points(vis, avgbaseline=True, **given)[0])
    fields = len(drawn.points(vis, avgbaseline=True, avgscan=True, **given)[0])
    assert (scans, fields) == (12, 6)  # six scans of three fields in two windows
    assert len(drawn.points(vis, avgbaseline=True, avgscan=True, avgfield=True, **given)[0]) == 2
    assert len(drawn.points(vis, avgbaseline=True, avgscan=True, avgfield=True, avgspw=True, **given)[0]) == 1
    assert set(drawn.points(vis, xaxis="antenna1", avgantenna=True, **given)[0]) == set(range(8))
    assert len(drawn.points(vis, averagedata=False, avgbaseline=True, **given)[0]) > 1000
    vector, scalar = (
        drawn.points(vis, avgbaseline=True, avgscan=True, field="2", spw="0", scalar=s, **given)[1] for s in (False, True)
    )
    assert (scalar > vector).all()


def test_frames_and_velocities(shared_input: Input, drawn: Drawn) -> None:
    vis = shared_input("simvla.ms")
    given = {"spw": "0:0", "scan": "1", "antenna": "EA01&EA02", "correlation": "RR"}
    plain = drawn.points(vis, xaxis="freq", **given)[0]
    moved = drawn.points(vis, xaxis="freq", freqframe="BARY", **given)[0]
    assert 0 < np.abs(moved / plain - 1).max() < 2e-4
    np.testing.assert_array_equal(drawn.points(vis, xaxis="freq", freqframe="BARY", transform=False, **given)[0], plain)
    velocity = drawn.points(vis, xaxis="velocity", restfreq="1.401GHz", **given)[0]
    np.testing.assert_allclose(velocity, 299792.458 * (1 - plain / 1.401), rtol=1e-9)


def test_extensions_of_flags_change_no_plot(shared_input: Input, drawn: Drawn) -> None:
    vis = shared_input("simvla.ms")
    plain = drawn.points(vis, scan="1", spw="0")
    extended = drawn.points(vis, scan="1", spw="0", extendflag=True, extcorr=True, extchannel=True)
    np.testing.assert_array_equal(plain, extended)


def test_pointings(shared_input: Input, drawn: Drawn) -> None:
    """Of the same pointings, in two frames; between their times as asked."""
    vis = shared_input("simvla.ms")
    given = {"xaxis": "ant-ra", "yaxis": "ant-dec", "scan": "1"}
    first = np.array(drawn.points(vis, xframe="J2000", yframe="J2000", **given))
    other = np.array(drawn.points(vis, xframe="GALACTIC", yframe="GALACTIC", **given))
    near = np.array(drawn.points(vis, xinterp="nearest", yinterp="nearest", **given))
    assert np.abs(first - other).max() > 1.0 > np.abs(first - near).max()
