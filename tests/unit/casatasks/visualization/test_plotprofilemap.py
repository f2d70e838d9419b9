"""plotprofilemap: what its panels show."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from casatasks import plotprofilemap
from casatools._base.errors import DataError, OutputExistsError, ParameterError, PathMissingError
from casatools.io.image import CasaImage
from casatools.io.image.coordinates.make import make_image_coordinates
from casatools.plotting.profile_map import ProfileMapOptions, draw_profile_map

CELL = 3 * np.pi / 648000


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def make() -> np.ndarray:
    coordinates = make_image_coordinates((13, 8), (CELL, CELL), (1.0, 0.5), 1.42e9 + 1e6 * np.arange(7), stokes=["I", "Q"])
    values = np.random.default_rng(5).normal(size=(7, 2, 8, 13))
    good = np.ones(values.shape, bool)
    good[:, :, :4, :6] = False
    good[3] = False
    with CasaImage.create("a.im", values.shape, coordinates, np.float64, unit="K", mask="mask0") as made:
        made.write(values)
        made.write_mask(good)
    return values


def test_panels_show_the_means_of_their_cells() -> None:
    values = make()
    figure = draw_profile_map("a.im", "", ProfileMapOptions(panels=(2, 2), abscissa="channel", masked="text", polarization=1))
    assert len(figure.axes) == 4
    line = figure.axes[3].lines[0]
    expected = values[:, 1, 4:8, 6:12].mean(axis=(1, 2))
    expected[3] = np.nan
    assert np.allclose(line.get_ydata(), expected, equal_nan=True) and line.get_xdata().tolist() == list(range(7))
    assert figure.axes[0].texts[0].get_text() == "NO DATA" and not figure.axes[0].lines
    east, west = (float(t.get_text().split(":")[2]) for t in figure.texts if t.get_text().count(":") == 2)
    assert abs(east - west) == pytest.approx(6 * 3 / 15 / np.cos(0.5), abs=0.02)  # six pixels between the middles of cells
    masked = draw_profile_map("a.im", "", ProfileMapOptions(panels=(2, 2), masked="plot"))
    assert len(masked.axes[0].lines) == 1 and len(masked.axes[3].lines) == 2
    assert len(draw_profile_map("a.im", "", ProfileMapOptions(panels=(2, 2), masked="none")).axes) == 3
    part = draw_profile_map("a.im", "", ProfileMapOptions(panels=(2, 2), abscissa="channel", limits=(1.0, 4.5))).axes[3]
    low, high = part.get_ylim()
    shown = np.delete(values[:, 0, 4:8, 6:12].mean(axis=(1, 2)), 3)[1:4]
    assert part.get_xlim() == (1.0, 4.5) and low <= shown.min() and high >= shown.max()
    assert (
        draw_profile_map("a.im", "", ProfileMapOptions(panels=(2, 2), masked="zero")).axes[0].lines[0].get_ydata().tolist()
        == [0.0] * 7
    )


def test_the_task_writes_pictures() -> None:
    make()
    plotprofilemap("a.im", figfile="a.png", numpanels="3,2", transparent=True)
    plotprofilemap(
        "a.im", figfile="b.pdf", numpanels="2", spectralaxis="velocity", restfreq="1.42GHz", plotrange="-1~2", title="T", figsize="5,4",
        separatepanel=False, showaxislabel=True, showtick=True, showticklabel=True,
    )  # fmt: skip
    assert Path("a.png").stat().st_size > 3000 and Path("b.pdf").stat().st_size > 1000
    with pytest.raises(OutputExistsError):
        plotprofilemap("a.im", figfile="a.png")


def test_refused() -> None:
    make()
    for given in (
        {"numpanels": "a"}, {"numpanels": "1,2,3"}, {"numpanels": "0"}, {"figsize": "3"}, {"plotrange": "3"}, {"plotrange": "3~1"}, {"linecolor": "nocolour"},
        {"linestyle": "x"}, {"pol": 7}, {"spectralaxis": "velocity"}, {"spectralaxis": "x"}, {"plotmasked": "x"}, {"linewidth": -1.0},
    ):  # fmt: skip
        with pytest.raises(ParameterError):
            plotprofilemap("a.im", figfile="x.png", **given)
    for wrong in ({"abscissa": "x"}, {"masked": "x"}):
        with pytest.raises(ParameterError):
            ProfileMapOptions(**wrong)
    with pytest.raises(PathMissingError):
        plotprofilemap("none.im", figfile="x.png")
    with CasaImage.open("a.im") as given, CasaImage.create("f.im", (8, 13), given.coordinates.without_pixel_axes([2, 3])):
        pass
    with pytest.raises(DataError, match="spectral"):
        plotprofilemap("f.im", figfile="x.png")
    with CasaImage.open("a.im", writable=True) as image:
        image.write_mask(False)
    with pytest.raises(DataError, match="no good pixel"):
        plotprofilemap("a.im", figfile="x.png")
    assert not Path("x.png").exists()
