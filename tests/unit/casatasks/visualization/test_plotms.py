"""plotms: files, axes and refusals."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatasks.calibration.plotbandpass import plotbandpass
from casatasks.visualization.plotants import plotants
from casatasks.visualization.plotms import plotms
from casatools._base.errors import OutputExistsError, ParameterError, UnsupportedError
from casatools.io.caltable import CalTable
from casatools.io.ms import MeasurementSet
from casatools.plotting import bandpasses, plot_page
from casatools.plotting.bandpass_sky import find_atmosphere, find_oscillators
from casatools.tools.table import table
from support.shared import unpack


def test_files_and_refusals(tmp_path: Path) -> None:
    vis, out = str(unpack("simvla.ms", tmp_path)), str(tmp_path / "a.png")
    plotms(vis, xaxis="uvdist", yaxis="amp", avgchannel="8", coloraxis="field", plotfile=out)
    assert Path(out).read_bytes()[:4] == b"\x89PNG"
    with pytest.raises(OutputExistsError):
        plotms(vis, plotfile=out)
    with pytest.raises(ParameterError, match="axis"):
        plotms(vis, xaxis="nonsense", plotfile=str(tmp_path / "b.png"))
    with pytest.raises(ParameterError, match="axis"):
        plotms(vis, yaxis="delay", plotfile=str(tmp_path / "b.png"))
    solutions = str(unpack("cal.G", tmp_path))
    with pytest.raises(UnsupportedError, match="calibration table"):
        plotms(solutions, antenna="EA01", ydatacolumn="model", plotfile=str(tmp_path / "b.png"))
    assert not (tmp_path / "b.png").exists()
    plotms(solutions, yaxis="phase", coloraxis="corr", iteraxis="antenna", plotfile=str(tmp_path / "e.png"))
    assert (tmp_path / "e.png").stat().st_size > 2000
    plotants(vis, figfile=str(tmp_path / "c.png"), logpos=True, antindex=True)
    assert (tmp_path / "c.png").stat().st_size > 2000
    with pytest.raises(ParameterError, match="exclude"):
        plotants(vis, figfile=str(tmp_path / "d.png"), exclude="nobody")


@pytest.mark.parametrize("sky", ["showatm", "showtsky"])
def test_the_atmosphere_is_drawn_beside_the_data(shared_input: Callable[[str], str], tmp_path: Path, sky: str) -> None:
    target = tmp_path / "sky.png"
    plotms(shared_input("alma_small.ms"), xaxis="freq", yaxis="amp", spw="1", plotfile=str(target), showgui=False, **{sky: True})
    bare = tmp_path / "bare.png"
    plotms("alma_small.ms", xaxis="freq", yaxis="amp", spw="1", plotfile=str(bare), showgui=False)
    assert target.stat().st_size > bare.stat().st_size


class Drawn:
    """The figure that a call draws, instead of a file."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.axes: list[Any] = []
        monkeypatch.setattr(plot_page, "save_figure", lambda figure, *rest: setattr(self, "axes", figure.axes))

    def of(self, vis: str, **given: Any) -> list[Any]:
        plotms(vis, plotfile="drawn.png", showgui=False, **given)
        return self.axes


def test_curves_of_the_atmosphere(
    shared_input: Callable[[str], str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Against channels one a window; of two asked for the transmission; none, with a warning, where there are no frequencies."""
    vis, drawn = shared_input("simvla.ms"), Drawn(monkeypatch)
    shared_input("cal.B")
    axes = drawn.of("cal.B", xaxis="chan", showatm=True, showtsky=True)
    assert axes[1].get_ylabel() == "Transmission [%]" and len(axes[1].lines) == 2
    assert [(line.get_xdata()[0], line.get_xdata()[-1]) for line in axes[1].lines] == [(0.0, 7.0), (0.0, 7.0)]
    assert len(drawn.of(vis, xaxis="time", showtsky=True, scan="1")) == 1
    assert "no curve is drawn" in capfd.readouterr().err
    assert len(drawn.of("cal.B", showimage=True)) == 1
    assert "showimage goes with" in capfd.readouterr().err


def test_the_image_sideband(
    shared_input: Callable[[str], str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    vis, drawn = shared_input("simvla.ms"), Drawn(monkeypatch)
    solutions = CalTable.open(shared_input("cal.B"))
    solutions.ms_name = "simvla.ms"
    solutions.write("own.B")
    assert len(drawn.of("own.B", xaxis="freq", showtsky=True, showimage=True)[1].lines) == 2
    assert "ASDM_RECEIVER" in capfd.readouterr().err
    tb = table()
    described = {
        "spectralWindowId": {"valueType": "string", "option": 0},
        "freqLO": {"valueType": "double", "ndim": 1, "option": 0},
    }
    assert tb.create(f"{vis}/ASDM_RECEIVER", described, nrow=1)
    tb.putcell("spectralWindowId", 0, "SpectralWindow_1")
    tb.putcell("freqLO", 0, np.array([12.5e9, 1e9]))
    tb.close()
    assert find_oscillators("own.B") == {1: 12.5e9}
    lines = drawn.of("own.B", xaxis="freq", showtsky=True, showimage=True)[1].lines
    assert [line.get_linestyle() for line in lines] == ["-", "-", "--"]
    with MeasurementSet(vis) as ms:
        sky = find_atmosphere(vis, CalTable.open("own.B"), "auto")
        ends = 25e9 - ms.metadata.spectral_windows[1].chan_freq_hz[[0, -1]]
    np.testing.assert_allclose(lines[2].get_ydata()[[0, -1]], sky.curve(ends, "tsky"), rtol=1e-6)
    axes: list[Any] = []
    monkeypatch.setattr(bandpasses, "save_figure", lambda figure, path, dpi: axes.extend(figure.axes))
    plotbandpass(
        "own.B", antenna="EA01", spw="1", xaxis="freq", showtsky=True, showimage=True, vis=vis, figfile="b.png", subplot="11"
    )
    assert [line.get_linestyle() for line in axes[1].lines] == ["-", "--"]


def test_one_time_and_its_day(shared_input: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The axis of a single time shows the minutes around it, and says which day it is."""
    shared_input("cal.G")
    axes = Drawn(monkeypatch).of("cal.G", scan="1")[0]
    low, high = axes.get_xlim()
    assert high - low < 3600.0 and axes.get_xlabel() == "Time (from 2019/05/01)"
    texts = [axes.xaxis.get_major_formatter()(at) for at in axes.xaxis.get_majorticklocs()]
    assert len(set(texts)) == len(texts) and all(len(text) in (5, 8) for text in texts)
