"""Figures of bandpasses: what is drawn over and beside the solutions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import casatasks
from casatools._base.errors import DataError, ParameterError
from casatools.plotting import bandpasses
from casatools.plotting.bandpasses import BandpassExtras

Input = Callable[[str], str]


@pytest.fixture
def axes(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The axes of every figure that is saved, instead of files."""
    seen: list[Any] = []
    monkeypatch.setattr(bandpasses, "save_figure", lambda figure, path, dpi: seen.extend(figure.axes))
    return seen


def test_atmosphere_is_drawn_beside_amplitudes(shared_input: Input, axes: list[Any]) -> None:
    vis, table = shared_input("simvla.ms"), shared_input("cal.B")
    given = {"antenna": "EA01", "spw": "0", "subplot": "11", "figfile": "p.png", "xaxis": "freq", "vis": vis, "pwv": 3.0}
    casatasks.plotbandpass(table, showatm=True, yaxis="both", **given)
    assert [a.get_ylabel() for a in axes[2:]] == ["Transmission [%]"] * 2  # beside amplitudes and phases, as in CASA
    assert 90 < axes[2].lines[0].get_ydata().min() < 100
    assert len(axes) == 4
    assert axes[0].get_xlabel() == "Frequency [GHz], TOPO"
    assert "Sky of 3.00 mm of water" in axes[0].figure.get_suptitle()
    axes.clear()
    casatasks.plotbandpass(table, showtsky=True, showimage=True, lo1=100, showatmpoints=True, **given)
    assert axes[1].get_ylabel() == "Sky [K]"
    here, image = (line.get_ydata().mean() for line in axes[1].lines)
    assert image > here
    assert axes[1].lines[0].get_marker() == "."
    assert [t.get_text() for t in axes[1].get_legend().get_texts()] == ["signal sideband", "image sideband"]


def test_what_shares_a_panel_has_its_colour(shared_input: Input, axes: list[Any]) -> None:
    casatasks.plotbandpass(shared_input("cal.B"), spw="0", antenna="EA01,EA02", overlay="antenna", figfile="p.png")
    assert len(axes) == 1  # a page that is not full is smaller
    colours = [line.get_color() for line in axes[0].lines]
    assert colours[0] == colours[1] != colours[2] == colours[3]
    assert [line.get_linestyle() for line in axes[0].lines] == ["-", "--"] * 2


@pytest.mark.parametrize(("given", "found"), [(1, [1]), ("A0, B0", ["A0", " B0"]), ([1, 2], [1, 2]), ("", [])])
def test_basebands_are_numbers_text_or_lists(given: Any, found: list[Any]) -> None:
    assert BandpassExtras(basebands=given).baseband_list == found


def test_transmission_goes_before_temperature(shared_input: Input, axes: list[Any], capfd: pytest.CaptureFixture[str]) -> None:
    """As in CASA where both are asked for."""
    casatasks.plotbandpass(
        shared_input("cal.B"),
        antenna="EA01",
        spw="0",
        xaxis="freq",
        showatm=True,
        showtsky=True,
        vis=shared_input("simvla.ms"),
        figfile="p.png",
    )
    assert axes[1].get_ylabel() == "Transmission [%]" and "share one axis" in capfd.readouterr().err


def test_tables_over_one_another(shared_input: Input, axes: list[Any]) -> None:
    table = shared_input("cal.B")
    casatasks.plotbandpass(
        table, antenna="EA02", spw="1", caltable2=table, caltable3=table, zoom="intersect", figfile="p.png", subplot="11", poln="R",
        showlines=True, basebands="", showBasebandNumber=True,
    )  # fmt: skip
    assert [line.get_linestyle() for line in axes[0].lines] == ["-", "--", ":"]
    assert axes[0].get_xlim() == (0.0, 7.0)


def test_limits(shared_input: Input, axes: list[Any]) -> None:
    table = shared_input("cal.B")
    casatasks.plotbandpass(
        table, antenna="EA01", spw="0", figfile="p.png", subplot="11", poln="R", yaxis="both", phase=[-10, 20], chanrange="2~4",
        chanrangeSetXrange=True,
    )  # fmt: skip
    shown = axes[0].lines[0].get_ydata()[2:5]
    low, high = axes[0].get_ylim()
    assert low < shown.min()
    assert shown.max() < high < axes[0].lines[0].get_ydata().max() + 0.1
    assert axes[0].get_xlim() == (1.94, 4.06)  # points at the ends are whole
    assert axes[1].get_ylim() == (-10.0, 20.0)


def test_changes_from_channel_to_channel(shared_input: Input, axes: list[Any], capfd: pytest.CaptureFixture[str]) -> None:
    from casatools.io.caltable import CalTable

    path = shared_input("cal.B")
    table = CalTable.open(path)
    for group in table.groups:
        group.param[:, 5:] *= 1.5
    table.write("jump.B")
    casatasks.plotbandpass(
        "jump.B",
        antenna="EA02",
        spw="0",
        figfile="p.png",
        subplot="11",
        poln="R",
        yaxis="both",
        channeldiff=True,
        edge=0,
        resample=2,
    )
    row = next(np.flatnonzero((table.antenna1[g.rows] == 1) & (table.spw_id[g.rows] == 0)) for g in table.groups)
    values = np.abs(table.groups[0].param[row[0], :, 0])
    np.testing.assert_allclose(axes[0].lines[0].get_ydata()[0::2] * 2, np.diff(values), rtol=1e-5)
    assert axes[1].get_ylabel().startswith("Change of")
    axes.clear()
    casatasks.plotbandpass(
        "jump.B", antenna="EA02", figfile="p.png", channeldiff=2, edge=1, platformingSigma=0.0, platformingThreshold=20.0
    )


def test_pages_become_one_pdf(shared_input: Input, tmp_path: Path) -> None:
    casatasks.plotbandpass(
        shared_input("cal.B"),
        antenna="EA01,EA02",
        spw="0",
        subplot="11",
        figfile=str(tmp_path / "b.png"),
        buildpdf=True,
        density=40,
    )
    assert (tmp_path / "b.pdf").stat().st_size > 1000
    assert {p.name for p in tmp_path.glob("b*.png")} == {"b.EA01.spw00.t00.png", "b.EA02.spw00.t00.png"}  # CASA's names


def test_windows_of_the_data_are_marked(shared_input: Input, axes: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    from casatools.plotting import bandpass_sky

    monkeypatch.setattr(bandpass_sky, "fdm_windows", lambda vis: [(3, 1.402e9, 1.41e9), (4, 9e9, 9.1e9)])
    vis, table = shared_input("simvla.ms"), shared_input("cal.B")
    given = {"antenna": "EA01", "spw": "0", "subplot": "11", "figfile": "p.png", "vis": vis, "showfdm": True}
    casatasks.plotbandpass(table, xaxis="freq", **given)
    assert [t.get_text() for t in axes[0].texts] == ["spw 3"]
    axes.clear()
    casatasks.plotbandpass(table, xaxis="chan", **given)
    assert not axes[0].texts


def test_basebands_by_name() -> None:
    assert bandpasses._baseband("ALMA_RB_03#BB_2#SW-01#FULL_RES") == "2"
    assert bandpasses._baseband("EVLA_L#A0C0#3") == "A0C0"
    assert bandpasses._baseband("spw0") == bandpasses._baseband("EVLA_L") == ""


def test_windows_of_no_baseband_share_a_panel(shared_input: Input, axes: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """As in CASA, which names the file by the first of them."""
    seen: list[str] = []
    monkeypatch.setattr(bandpasses, "save_figure", lambda figure, path, dpi: (axes.extend(figure.axes), seen.append(path)))
    casatasks.plotbandpass(
        shared_input("cal.B"),
        antenna="EA01,EA02",
        field="0",
        poln="R",
        overlay="baseband",
        xaxis="freq",
        figfile="b.png",
        subplot="21",
    )
    assert [a.get_title() for a in axes] == [f"EA01, spw 0,1, {_WHEN}", f"EA02, spw 0,1, {_WHEN}"]
    assert [line.get_label() for line in axes[0].lines] == ["spw 0 R", "spw 1 R"] and seen == ["b.EA01.spw00.t00.png"]


@pytest.mark.parametrize(
    ("given", "error", "text"),
    [
        ({"caltable3": "x"}, ParameterError, "caltable2"),
        ({"showimage": True}, ParameterError, "showimage"), ({"showatm": True, "showimage": True}, ParameterError, "lo1"),
        ({"chanrange": "x"}, ParameterError, "chanrange"), ({"chanrange": "200%"}, ParameterError, "chanrange"),
        ({"phase": [1.0]}, ParameterError, "phase"), ({"phase": "a,b"}, ParameterError, "phase"), ({"lo1": "x"}, ParameterError, "lo1"),
        ({"channeldiff": "x"}, ParameterError, "channeldiff"), ({"resample": 0}, ParameterError, "resample"),
        ({"zoom": "intersect"}, ParameterError, "zoom"), ({"platformingThreshold": 0.0}, ParameterError, "platforming"),
        ({"showfdm": True, "xaxis": "freq"}, DataError, "showfdm"),
        ({"basebands": "1"}, DataError, "no unflagged"), ({"showatm": True, "pwv": "x"}, ParameterError, "pwv"),
    ],
)  # fmt: skip
def test_bad_values_draw_nothing(
    shared_input: Input, tmp_path: Path, given: dict[str, Any], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        casatasks.plotbandpass(shared_input("cal.B"), figfile=str(tmp_path / "p.png"), **given)
    assert not (tmp_path / "p.png").exists()


def test_channels_of_a_share() -> None:
    assert BandpassExtras(chanrange="75%").channels(100) == slice(12, 88)


_WHEN = "field 0: 1331+305, scan 1, 04:40:06"


def named_windows(path: str) -> str:
    """The table with its two spectral windows in one baseband."""
    from casatools.io.caltable import CalTable

    table = CalTable.open(path)
    table.subtables["SPECTRAL_WINDOW"].columns["NAME"] = ["ALMA#BB_1#SW-01", "ALMA#BB_1#SW-02"]
    table.write("named.B")
    return "named.B"


@pytest.mark.parametrize(
    ("overlay", "panels", "labels"),
    [
        ("", [f"EA01, spw 0, {_WHEN}", f"EA01, spw 1, {_WHEN}", f"EA02, spw 0, {_WHEN}", f"EA02, spw 1, {_WHEN}"], ["R", "L"]),
        ("antenna", [f"spw 0, {_WHEN}", f"spw 1, {_WHEN}"], ["EA01 R", "EA01 L", "EA02 R", "EA02 L"]),
        ("spw", [f"EA01, {_WHEN}", f"EA02, {_WHEN}"], ["spw 0 R", "spw 0 L", "spw 1 R", "spw 1 L"]),
        ("baseband", [f"EA01, baseband 1, {_WHEN}", f"EA02, baseband 1, {_WHEN}"], ["spw 0 R", "spw 0 L", "spw 1 R", "spw 1 L"]),
        ("time", ["EA01, spw 0", "EA01, spw 1", "EA02, spw 0", "EA02, spw 1"], ["04:40:06 R", "04:40:06 L"]),
        ("antenna,time", ["spw 0", "spw 1"], ["EA01 04:40:06 R", "EA01 04:40:06 L", "EA02 04:40:06 R", "EA02 04:40:06 L"]),
        ("time,antenna", ["spw 0", "spw 1"], ["EA01 04:40:06 R", "EA01 04:40:06 L", "EA02 04:40:06 R", "EA02 04:40:06 L"]),
    ],
)  # fmt: skip
def test_what_shares_a_panel(shared_input: Input, axes: list[Any], overlay: str, panels: list[str], labels: list[str]) -> None:
    table = named_windows(shared_input("cal.B"))
    casatasks.plotbandpass(table, antenna="EA01,EA02", field="0", overlay=overlay, figfile="p.png", subplot="42")
    drawn = [a for a in axes if a.lines]
    assert [a.get_title() for a in drawn] == panels
    assert [line.get_label() for line in drawn[0].lines] == labels
    assert [t.get_text() for t in drawn[0].get_legend().get_texts()] == labels


@pytest.mark.parametrize(
    ("yaxis", "names"),
    [
        ("amp", ["Amplitude"]), ("ampdb", ["Amplitude [dB]"]), ("phase", ["Phase [deg]"]), ("tsys", ["System temperature [K]"]),
        ("both", ["Amplitude", "Phase [deg]"]), ("bothdb", ["Amplitude [dB]", "Phase [deg]"]), ("ap", ["Amplitude", "Phase [deg]"]),
        ("apdb", ["Amplitude [dB]", "Phase [deg]"]),
    ],
)  # fmt: skip
def test_quantities(shared_input: Input, axes: list[Any], yaxis: str, names: list[str]) -> None:
    casatasks.plotbandpass(
        shared_input("cal.B"), antenna="EA02", spw="0", field="0", poln="R", yaxis=yaxis, figfile="p.png", subplot="11"
    )
    assert [a.get_ylabel() for a in axes] == names
    by_name = {a.get_ylabel(): a.lines[0].get_ydata() for a in axes}
    casatasks.plotbandpass("cal.B", antenna="EA02", spw="0", field="0", poln="R", yaxis="both", figfile="p.png", subplot="11")
    amplitude, phase = (a.lines[0].get_ydata() for a in axes[-2:])
    for name, values in by_name.items():
        expected = phase if name.startswith("Phase") else 10 * np.log10(amplitude) if "dB" in name else amplitude
        np.testing.assert_allclose(values, expected, rtol=1e-6)


@pytest.mark.parametrize("subplot", ["11", "21", "31", "41", "51", "61", "71", "81", "22", "32", "42"])
def test_panels_of_a_page(shared_input: Input, monkeypatch: pytest.MonkeyPatch, subplot: str) -> None:
    names: list[str] = []
    counts: list[int] = []
    monkeypatch.setattr(
        bandpasses, "_draw_page", lambda page, drawn, layout, title, path: (names.append(path), counts.append(len(page)))
    )
    casatasks.plotbandpass(shared_input("cal.B"), spw="0", field="0", figfile="p.png", subplot=subplot, figfileSequential=True)
    size = int(subplot[0]) * int(subplot[1])
    assert sum(counts) == 8 and max(counts) == min(size, 8) and len(names) == -(-8 // size)
    assert names == ["p.png"] if len(names) == 1 else names[:2] == ["p.000.png", "p.001.png"]


def test_marks_and_lines(shared_input: Input, axes: list[Any]) -> None:
    given = {"antenna": "EA02", "spw": "0", "field": "0", "poln": "R", "figfile": "p.png", "subplot": "11"}
    table = shared_input("cal.B")
    found = []
    for more in (
        {},
        {"markersize": 7},
        {"showpoints": False},
        {"showlines": False},
        {"yaxis": "phase"},
        {"yaxis": "phase", "showlines": True},
    ):
        axes.clear()
        casatasks.plotbandpass(table, **given, **more)
        line = axes[0].lines[0]
        found.append((line.get_marker(), line.get_linestyle(), line.get_markersize()))
    assert found == [(".", "-", 3), (".", "-", 7), ("", "-", 3), (".", "None", 3), (".", "None", 3), (".", "-", 3)]


def test_amplitudes_have_lines_beside_phases_without(shared_input: Input, axes: list[Any]) -> None:
    """As CASA draws both."""
    casatasks.plotbandpass(shared_input("cal.B"), antenna="EA02", spw="0", field="0", yaxis="both", figfile="p.png", subplot="11")
    assert [a.lines[0].get_linestyle() for a in axes] == ["-", "None"]


def test_times_that_are_one(shared_input: Input, axes: list[Any]) -> None:
    """Solutions of two fields, minutes apart: of one time where the threshold is longer than that."""
    given = {"antenna": "EA02", "spw": "0", "poln": "R", "figfile": "p.png", "subplot": "22"}
    table = shared_input("cal.G")
    casatasks.plotbandpass(table, **given)
    several = {a.get_title() for a in axes if a.lines}
    axes.clear()
    casatasks.plotbandpass(table, **given, solutionTimeThresholdSeconds=1e6)
    first = min(several, key=lambda text: text.split()[-1]).removeprefix("EA02, spw 0, ")
    assert len(several) > 1 and {a.get_title() for a in axes if a.lines} == {f"EA02, spw 0, {first}"}


def test_more_in_the_log(shared_input: Input, axes: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[tuple[str, str]] = []
    monkeypatch.setattr(bandpasses.log, "post", lambda text, priority="INFO": said.append((text, priority)))
    table = shared_input("cal.B")
    for debug in (False, True):
        casatasks.plotbandpass(table, antenna="EA01", spw="0", field="0", figfile="p.png", debug=debug)
    assert [p for t, p in said if t.startswith("p.EA01.spw00.t00.png")] == ["INFO2", "INFO"]


def test_weather_of_a_parent_and_of_fields(shared_input: Input, axes: list[Any]) -> None:
    """The atmosphere comes from parentms where there is no vis; showatmfield says whose elevation is taken."""
    vis, table = shared_input("simvla.ms"), shared_input("cal.B")
    given = {"antenna": "EA01", "spw": "0", "subplot": "11", "figfile": "p.png", "xaxis": "freq", "showatm": True, "pwv": 3.0}
    curves = []
    for more in ({"vis": vis}, {"parentms": vis}, {"parentms": vis, "showatmfield": "0"}, {"parentms": vis, "showatmfield": "2"}):
        axes.clear()
        casatasks.plotbandpass(table, **given, **more)
        curves.append(axes[1].lines[0].get_ydata())
    np.testing.assert_array_equal(curves[0], curves[1])
    assert not np.array_equal(curves[2], curves[3])


def test_long_legends_stand_beside_the_panel(shared_input: Input, axes: list[Any]) -> None:
    casatasks.plotbandpass(
        shared_input("cal.B"), overlay="antenna", spw="0", field="0", figfile="p.png", subplot="11", xaxis="freq"
    )
    legend = axes[0].get_legend()
    assert len(legend.get_texts()) == 16
    assert legend.get_bbox_to_anchor().transformed(axes[0].transAxes.inverted()).x0 == pytest.approx(1.01)


@pytest.mark.parametrize(
    ("panel", "number", "count", "name"),
    [
        (("EA01", "spw 3 (BB 1)", "time 2"), -1, 1, ".EA01.spw03.t02"),
        (("EA01", "baseband 2", "time 0"), -1, 2, ".EA01.bb02.t00"),
        (("EA01", "baseband A0C0", "time 0"), -1, 2, ".EA01.bbA0C0.t00"),
        (("EA01", "spw 0,1", "time 0"), -1, 2, ".EA01.spw00.t00"),
        (("spw 1",), -1, 1, ".spw01"),
        (("all",), -1, 1, ""),
        (("EA01", "spw 0", "time 0"), 4, 9, ".004"),
        (("EA01", "spw 0", "time 0"), 0, 1, ""),
    ],
)
def test_names_of_pages(panel: tuple[str, ...], number: int, count: int, name: str) -> None:
    """Names that CASA 6.7 gives its files."""
    assert bandpasses._page_name(panel, number, count) == name


@pytest.mark.parametrize(("subplot", "solutions"), [("22", 2), ("11", 1), ("42", 4), ("31", 1)])
def test_amplitude_and_phase_stand_beside_each_other(shared_input: Input, axes: list[Any], subplot: str, solutions: int) -> None:
    """As in CASA: panels count both, so that a page keeps its size."""
    choice = bandpasses.BandpassPlot(antenna="EA01,EA02", yaxis="both", subplot=subplot)
    assert choice.layout[2] == solutions
    bandpasses.plot_bandpasses(shared_input("cal.B"), "p.png", choice)
    page = axes[: choice.layout[0] * choice.layout[1]]
    assert [a.get_ylabel() for a in page[: 2 * solutions]] == ["Amplitude", "Phase [deg]"] * solutions
    assert {a.get_title() for a in page[:2]} == {f"EA01, spw 0, {_WHEN}"}


def test_polynomials_over_solutions(shared_input: Input, axes: list[Any]) -> None:
    vis = shared_input("simvla.ms")
    casatasks.bandpass(vis, "poly.B", bandtype="BPOLY", field="0", degamp=5, degphase=5, refant="EA01", minsnr=0.0)
    casatasks.bandpass(vis, "plain.B", field="0", refant="EA01", minsnr=0.0)
    casatasks.plotbandpass("plain.B", caltable2="poly.B", antenna="EA02", spw="0", poln="R", subplot="11", figfile="p.png")
    plain, polynomial = (line.get_ydata() for line in axes[0].lines)
    assert np.nanmedian(np.abs(polynomial / plain - 1)) < 0.05 and np.ptp(plain) > 0.1
    axes.clear()
    casatasks.plotbandpass("poly.B", antenna="EA02", spw="0", poln="R", subplot="11", figfile="p.png", xaxis="freq")
    np.testing.assert_allclose(axes[0].lines[0].get_ydata(), polynomial)


def test_selections_of_solutions(shared_input: Input, axes: list[Any]) -> None:
    given = {"antenna": "EA02", "spw": "0", "poln": "R", "figfile": "p.png", "subplot": "22"}
    table = shared_input("cal.G")
    casatasks.plotbandpass(table, **given)
    every = [a.get_title() for a in axes if a.lines]
    axes.clear()
    casatasks.plotbandpass(table, timeranges="0,2~3", **given)
    assert [a.get_title() for a in axes if a.lines] == [every[0], *every[2:4]]
    axes.clear()
    casatasks.plotbandpass(table, scans="2", **given)
    found = [a.get_title() for a in axes if a.lines]
    assert found == [t for t in every if "scan 2" in t] and found


def test_flagged_solutions_and_ranges(shared_input: Input, axes: list[Any]) -> None:
    from casatools.io.caltable import CalTable

    table = CalTable.open(shared_input("cal.B"))
    for group in table.groups:
        group.flag[:] = False
        group.flag[:, 3] = True
    table.write("flagged.B")
    given = {"antenna": "EA02", "spw": "0", "poln": "R", "figfile": "p.png", "subplot": "11", "plotrange": [1, 6, -2, 5]}
    for shown in (False, True):
        axes.clear()
        # No other program is needed, whatever their names are.
        casatasks.plotbandpass("flagged.B", showflagged=shown, gs="none", convert="none", pdftk="none", **given)
        assert np.isfinite(axes[0].lines[0].get_ydata()[3]) == shown
        assert axes[0].get_xlim() == (1.0, 6.0) and axes[0].get_ylim() == (-2.0, 5.0)
