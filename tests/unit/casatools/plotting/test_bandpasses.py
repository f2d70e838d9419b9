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
    assert axes[2].get_ylabel() == "Transmission [%]"
    assert 90 < axes[2].lines[0].get_ydata().min() < 100
    assert len(axes) == 3
    axes.clear()
    casatasks.plotbandpass(table, showtsky=True, showimage=True, lo1=100, showatmpoints=True, **given)
    assert axes[1].get_ylabel() == "Sky [K]"
    here, image = (line.get_ydata().mean() for line in axes[1].lines)
    assert image > here
    assert axes[1].lines[0].get_marker() == "."


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
    assert axes[0].get_xlim() == (2.0, 4.0)
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
    assert len(list(tmp_path.glob("b*.png"))) == 2


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
    assert bandpasses._baseband("spw0") == ""


@pytest.mark.parametrize(
    ("given", "error", "text"),
    [
        ({"showatm": True, "showtsky": True}, ParameterError, "share"), ({"caltable3": "x"}, ParameterError, "caltable2"),
        ({"showimage": True}, ParameterError, "showimage"), ({"showatm": True, "showimage": True}, ParameterError, "lo1"),
        ({"chanrange": "x"}, ParameterError, "chanrange"), ({"chanrange": "200%"}, ParameterError, "chanrange"),
        ({"phase": [1.0]}, ParameterError, "phase"), ({"phase": "a,b"}, ParameterError, "phase"), ({"lo1": "x"}, ParameterError, "lo1"),
        ({"channeldiff": "x"}, ParameterError, "channeldiff"), ({"resample": 0}, ParameterError, "resample"),
        ({"zoom": "intersect"}, ParameterError, "zoom"), ({"platformingThreshold": 0.0}, ParameterError, "platforming"),
        ({"showatm": True, "yaxis": "phase"}, ParameterError, "phase"), ({"showfdm": True, "xaxis": "freq"}, DataError, "showfdm"),
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
