"""The linearmosaic tool on two pointings of a flat sky."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatools import linearmosaic
from casatools._base.errors import DataError, NotOpenError, OutputExistsError, ParameterError, PathMissingError
from casatools.io.image import CasaImage
from casatools.io.image.coordinates.make import make_image_coordinates

CELL = 2 * np.pi / 648000
SKY = 2.0


def make(name: str, values: np.ndarray, shift: int = 0, nchan: int = 2) -> None:
    """A plane whose centre lies `shift` pixels to the west of longitude 1, latitude 0.5."""
    size = values.shape
    coordinates = make_image_coordinates(
        size[::-1], (CELL, CELL), (1.0 - shift * CELL / np.cos(0.5), 0.5), 1.4e9 + 1e6 * np.arange(nchan), channel_width_hz=1e6
    )
    with CasaImage.create(name, (nchan, 1, *size), coordinates, unit="Jy/beam") as made:
        made.write(values)


def beam() -> np.ndarray:
    x, y = np.meshgrid(np.arange(32) - 16.0, np.arange(32) - 16.0)
    return np.exp(-4 * np.log(2) * (x**2 + y**2) / 18**2)


def read(name: str) -> np.ndarray:
    with CasaImage.open(name) as opened:
        return opened.read()


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, shift in (("a", 0), ("b", 10)):
        make(f"{name}.im", SKY * beam(), shift)
        make(f"{name}.wgt", beam(), shift)
    make("far.im", beam()[:16], 0)
    make("other.im", beam(), 0, nchan=3)
    make("other.wgt", beam(), 0, nchan=3)


@pytest.fixture
def lm() -> linearmosaic:
    tool = linearmosaic()
    tool.setlinmostype("sault")
    tool.defineoutputimage(64, cellx="2arcsec", imagecenter="J2000 1.0rad 0.5rad", outputimage="o.im", outputweight="o.wgt")
    return tool


BOTH = (["a.im", "b.im"], ["a.wgt", "b.wgt"])


def expected(image_type: int, weight_type: int) -> tuple[np.ndarray, np.ndarray]:
    """The mosaic by the definition, in the row through the centres."""
    single = np.zeros((2, 64))
    single[0, 16:48], single[1, 26:58] = beam()[16], beam()[16]
    primary = single if weight_type == 1 else np.sqrt(single)
    total = (primary**2).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        values = (SKY * single * primary ** (2 - image_type)).sum(axis=0) / total
    return np.where(total > 0, values, 0), total


@pytest.mark.parametrize(("image_type", "weight_type"), [(1, 1), (0, 1), (2, 1), (1, 2)])
def test_definition(lm: linearmosaic, image_type: int, weight_type: int) -> None:
    assert lm.makemosaic(*BOTH, imageweighttype=image_type, weighttype=weight_type)
    values, total = expected(image_type, weight_type)
    # Rows match to the curvature of the sky: a ten thousandth of a pixel here.
    inside = total > 1e-2
    # Regridding spreads the outermost pixels of an image by one, as in CASA.
    inside[[15, 25, 48, 58]] = False
    for plane in (0, 1):
        assert read("o.im")[plane, 0, 32][inside] == pytest.approx(values[inside], rel=2e-3)
        assert read("o.wgt")[plane, 0, 32][inside] == pytest.approx(total[inside], rel=2e-3)
    assert not read("o.im")[0, 0, 0].any()


def test_added_later_is_the_same(lm: linearmosaic) -> None:
    lm.makemosaic(*BOTH)
    whole = read("o.im"), read("o.wgt")
    step = linearmosaic()
    step.defineoutputimage(64, 64, "2arcsec", "2arcsec", "J2000 1.0rad 0.5rad", "p.im", "p.wgt")
    step.makemosaic("a.im", "a.wgt")
    later = linearmosaic()
    later.setoutputimage("p.im", "p.wgt", 0, 2)
    later.makemosaic("b.im", "b.wgt")
    assert np.allclose(read("p.im"), whole[0], atol=1e-5) and np.allclose(read("p.wgt"), whole[1], atol=1e-6)


def test_defaults_come_from_the_first_image() -> None:
    tool = linearmosaic()
    tool.defineoutputimage(32, outputimage="o.im", outputweight="o.wgt")
    tool.makemosaic(["a.im"], ["a.wgt"])
    assert np.allclose(read("o.wgt")[0, 0], beam() ** 2, atol=1e-6)
    with CasaImage.open("o.im") as opened:
        assert opened.unit == "Jy/beam"


def test_sault_weights(lm: linearmosaic) -> None:
    lm.makemosaic(*BOTH)
    assert lm.saultweightimage("s.im", 0.1)
    values, total = read("o.im"), read("o.wgt")
    assert np.allclose(read("s.im"), np.where(total < 0.1 * total.max(), values * total, values), atol=1e-6)


BAD: dict[str, tuple[type[Exception], Callable[[Any], Any]]] = {
    "must be names": (ParameterError, lambda t: t.defineoutputimage(outputimage="x")),
    "must be -1": (ParameterError, lambda t: t.defineoutputimage(8, 0, outputimage="x", outputweight="y")),
    "'outputweight' must be names": (ParameterError, lambda t: t.setoutputimage("x")),
    "optimal, pbweight": (ParameterError, lambda t: t.setlinmostype("best")),
    "a weight image for each": (ParameterError, lambda t: t.makemosaic(["a.im"], [])),
    "the type of images": (ParameterError, lambda t: t.makemosaic(["a.im"], ["a.wgt"], 3)),
    "no image is named": (ParameterError, lambda t: t.makemosaic([], [])),
    "must be a name": (ParameterError, lambda t: t.saultweightimage()),
    "image 'absent' does not exist": (PathMissingError, lambda t: t.makemosaic(["absent"], ["a.wgt"])),
    "and its weights 'other.wgt' have different shapes": (DataError, lambda t: t.makemosaic(["a.im"], ["other.wgt"])),
    "does not fit the mosaic": (DataError, lambda t: t.makemosaic(["a.im", "other.im"], ["a.wgt", "other.wgt"])),
    "no sky plane": (DataError, lambda t: t.makemosaic(["flat.im"], ["flat.im"])),
    "different shapes": (DataError, lambda t: (t.setoutputimage("a.im", "other.wgt"), t.saultweightimage("s.im"))),
}


@pytest.mark.parametrize("words", BAD)
def test_refused(lm: linearmosaic, words: str) -> None:
    with CasaImage.open("a.im") as opened, CasaImage.create("flat.im", (2, 1), opened.coordinates.without_pixel_axes([0, 1])):
        pass
    kind, call = BAD[words]
    with pytest.raises(kind, match=words):
        call(lm)
    assert not os.path.exists("o.im") and not os.path.exists("s.im")


def test_nothing_defined_and_output_exists(lm: linearmosaic) -> None:
    with pytest.raises(NotOpenError):
        linearmosaic().makemosaic(["a.im"], ["a.wgt"])
    os.mkdir("o.wgt")
    with pytest.raises(OutputExistsError):
        lm.makemosaic(*BOTH)
    tool = linearmosaic()
    tool.setoutputimage("absent.im", "a.wgt")
    with pytest.raises(PathMissingError):
        tool.makemosaic(*BOTH)


def test_units_of_the_sky_axes_are_those_of_the_images(lm: linearmosaic) -> None:
    with CasaImage.open("a.im", writable=True) as first:
        coordinates = first.coordinates.copy()
        k = coordinates.find("Direction")
        coordinates.members[k] = coordinates.members[k].with_units(("arcsec", "arcsec"))
        first.coordinates = coordinates
    lm.makemosaic(*BOTH)
    with CasaImage.open("o.im") as mosaic:
        assert mosaic.coordinates.units[:2] == ["arcsec", "arcsec"]
        assert mosaic.coordinates.increment[:2] == pytest.approx([-2.0, 2.0])


@pytest.mark.parametrize(
    ("cell", "filled_x"), [(2.0, range(15, 47)), (3.0, range(21, 43)), (4.0, range(24, 40)), (1.4, range(8, 54))]
)
def test_nothing_lies_beyond_the_edges_of_an_image(cell: float, filled_x: range) -> None:
    """It ends half a pixel of the mosaic beyond the middles of its outermost pixels (the ranges are CASA's)."""
    lm = linearmosaic()
    lm.defineoutputimage(64, cellx=f"{cell}arcsec", imagecenter="J2000 1.0rad 0.5rad", outputimage="o.im", outputweight="o.wgt")
    make("half.im", np.ones((32, 32)), 0)
    make("half.wgt", np.ones((32, 32)), 0)
    for name in ("half.im", "half.wgt"):
        with CasaImage.open(name, writable=True) as image:
            moved = image.coordinates.copy()
            moved.replace(0, moved.members[0].with_reference(pixel=moved.members[0].reference_pixel + 0.6))
            image.coordinates = moved
    lm.makemosaic(["half.im"], ["half.wgt"], 1, 1)
    filled = read("o.wgt")[0, 0] > 0
    assert np.flatnonzero(filled.any(axis=0)).tolist() == list(filled_x) and filled.sum() == len(filled_x) ** 2
    assert np.allclose(read("o.im")[0, 0][filled], 1.0)


def test_middle_of_odd_sizes_and_weights_before_regridding() -> None:
    """Both as CASA has them: the centre between two pixels of an odd number, and squares of beams interpolated, not beams."""
    make("tilt.im", np.ones((32, 32)))
    make("tilt.wgt", np.tile(np.arange(32) / 32.0, (32, 1)))
    tool = linearmosaic()
    tool.defineoutputimage(33, 31, "2arcsec", "2arcsec", "J2000 1.0rad 0.5rad", "odd.im", "odd.wgt")
    tool.makemosaic(["tilt.im"], ["tilt.wgt"], 1, 1)
    with CasaImage.open("odd.wgt") as opened:
        assert opened.coordinates.direction is not None
        assert opened.coordinates.direction.reference_pixel.tolist() == [16.5, 15.5]
    low, high = np.arange(31) / 32.0, np.arange(1, 32) / 32.0
    expected = (low**2 + high**2) / 2
    assert np.allclose(read("odd.wgt")[0, 0, 10, 1:32], expected, atol=1e-5)
    assert np.allclose(read("odd.im")[0, 0, 10, 1:32], (low + high) / 2 / expected, rtol=1e-3)
