"""plotms: files, axes and refusals."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from casatasks.visualization.plotants import plotants
from casatasks.visualization.plotms import plotms
from casatools._base.errors import OutputExistsError, ParameterError, UnsupportedError
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
    for given in ({"showatm": True}, {"showatm": True, "showtsky": True, "xaxis": "freq"}):
        with pytest.raises(ParameterError, match="showtsky"):
            plotms(vis, plotfile=str(tmp_path / "b.png"), **given)
    table = str(unpack("cal.G", tmp_path))
    with pytest.raises(UnsupportedError, match="calibration table"):
        plotms(table, antenna="EA01", ydatacolumn="model", plotfile=str(tmp_path / "b.png"))
    assert not (tmp_path / "b.png").exists()
    plotms(table, yaxis="phase", coloraxis="corr", iteraxis="antenna", plotfile=str(tmp_path / "e.png"))
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
