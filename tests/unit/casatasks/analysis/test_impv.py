"""impv against numpy and the axes of the reference."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from casatasks import impv
from casatools import image
from casatools._base.errors import OutputExistsError, ParameterError
from casatools.io.image import CasaImage
from casatools.io.image.coordinates.make import make_image_coordinates

CELL = 2 * np.pi / 648000


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def make() -> np.ndarray:
    coordinates = make_image_coordinates((30, 24), (CELL, CELL), (1.0, 0.5), 1.4e9 + 1e6 * np.arange(4), stokes=["I"])
    values = np.random.default_rng(8).normal(size=(4, 1, 24, 30)).astype(np.float32)
    with CasaImage.create("a.im", values.shape, coordinates, unit="Jy/beam") as made:
        made.write(values)
    return values[:, 0]


def test_slices_along_rows_columns_and_lines() -> None:
    cube = make()
    impv("a.im", "h.im", start=[5, 5], end=[25, 5], width=3)
    impv("a.im", "v.im", start=[5, 5], end=[5, 20], unit="arcmin", chans="1~2")
    impv("a.im", "l.im", mode="length", center=[15, 12], length=15, pa="0deg")
    impv("a.im", "q.im", mode="length", center=[15, 12], length="20arcsec", pa="30deg", width="5arcsec")
    with CasaImage.open("h.im") as found:
        assert np.allclose(found.read()[:, 0], cube[:, 4:7, 5:26].mean(axis=1), atol=1e-5)
        assert found.coordinates.names[0] == "Offset" and found.unit == "Jy/beam" and not found.has_mask
        assert found.coordinates.reference_pixel[0] == 10 and found.coordinates.increment[0] == pytest.approx(2.0)
    with CasaImage.open("v.im") as found:
        assert np.allclose(found.read()[:, 0], cube[1:3, 5:21, 5], atol=1e-5) and found.shape == (2, 1, 16)
        assert found.coordinates.increment[0] == pytest.approx(2 / 60)
    with CasaImage.open("l.im") as found:
        assert np.allclose(found.read()[:, 0], cube[:, 19:4:-1, 15], atol=1e-5)
    with CasaImage.open("q.im") as found:
        assert found.shape == (4, 1, 11)


def test_bad_lines_write_nothing() -> None:
    make()
    good = {"start": [5, 5], "end": [20, 5]}
    for given in (
        {**good, "width": 4}, {**good, "mode": "other"}, {"start": [0, 5], "end": [20, 5]}, {"start": [5], "end": [20, 5]},
        {"start": [5, 5], "end": [5, 5]}, {"mode": "length", "center": [15, 12]}, {**good, "region": "box[[10pix,15pix],[12pix,20pix]]"},
        {"mode": "length", "center": [15, 12], "length": -3, "pa": "0deg"},
    ):  # fmt: skip
        with pytest.raises(ParameterError):
            impv("a.im", "n.im", **given)
    with pytest.raises(ParameterError, match="outfile"):
        impv("a.im", "", **good)
    assert not Path("n.im").exists()
    impv("a.im", "n.im", **good)
    with pytest.raises(OutputExistsError):
        impv("a.im", "n.im", **good)


def test_the_tool_gives_the_same() -> None:
    make()
    impv("a.im", "t.im", start=[5, 5], end=[20, 9])
    tool = image()
    tool.open("a.im")
    made = tool.pv("", [5, 5], [20, 9])
    with CasaImage.open("t.im") as found:
        assert np.array_equal(made.getchunk().T, found.read())
    made.done()
    assert tool.pv("o.im", center=[15, 12], length=5, pa="10deg", wantreturn=False) is None
    tool.done()
