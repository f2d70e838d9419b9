"""What the image tasks and tools refuse: images that lack an axis, values out of range; the sentence, and that nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import casatasks as tasks
from casatools import coordsys, image
from casatools._base.errors import CasaError, DataError, ParameterError, SelectionError
from casatools.analysis.common_resolution import smooth_to_common_beam
from casatools.analysis.continuum_images import subtract_continuum
from casatools.analysis.smoothing import SmoothOptions, convolve_planes
from casatools.analysis.sub_images import PixelChoice
from casatools.io.image import CasaImage

OUT = "out.im"


def make(name: str, shape: tuple[int, ...], linear: bool = False, beam: str = "", **axes: Any) -> None:
    tool = image()
    csys = coordsys().newcoordsys(**axes).torecord() if axes else {}
    tool.fromshape(name, list(shape), csys, linear=linear)
    tool.putchunk(np.random.default_rng(2).normal(size=shape))
    tool.setbrightnessunit("Jy/beam")
    if beam:
        tool.setrestoringbeam(beam, beam, "0deg")
    tool.done()


@pytest.fixture(autouse=True)
def _images() -> None:
    make("sky.im", (12, 12, 1, 4), beam="300arcsec")
    make("flat.im", (12, 12), beam="300arcsec", direction=True)
    make("coarse.im", (12, 12), beam="900arcsec", direction=True)
    make("lin4.im", (12, 12, 1, 4), linear=True)
    make("lin2.im", (12, 12), linear=True)


def with_tool(name: str, work: Callable[[image], object]) -> object:
    tool = image()
    tool.open(name)
    try:
        return work(tool)
    finally:
        tool.done()


def world_circle() -> dict[str, Any]:
    """A region record whose centre is in pixels and whose radius is an angle."""
    pixel = {"unit": "pix", "value": 5.0}
    return {
        "isRegion": 1, "name": "WCEllipsoid", "oneRel": False, "type": 1, "comment": "", "absrel": np.array([1, 1]), "pixelAxes": [0, 1],
        "center": {"*1": pixel, "*2": pixel}, "radius": {"unit": "arcsec", "value": 2.0}, "theta": 0.0, "coordinates": {},
    }  # fmt: skip


CASES: dict[str, tuple[Callable[[], object], type[CasaError], str]] = {
    "continuum, no axis": (lambda: with_tool("flat.im", lambda t: t.continuumsub(OUT)), ParameterError, "no spectral axis"),
    "Stokes of a plane": (lambda: tasks.immath("flat.im", "pola", OUT), ParameterError, "no polarization axis"),
    "Stokes of a cube and a plane": (lambda: tasks.immath(["sky.im", "flat.im"], "pola", OUT), ParameterError, "flat.im' has no polarization"),
    "spectral index of planes": (lambda: tasks.immath(["flat.im"] * 2, "spix", OUT), ParameterError, "no spectral axis"),
    "no moments": (lambda: tasks.immoments("sky.im", [], outfile=OUT), ParameterError, "no moments were asked for"),
    "moment 99": (lambda: tasks.immoments("sky.im", [99], outfile=OUT), ParameterError, "no moment 99"),
    "moments of a plane": (lambda: tasks.immoments("flat.im", [0], axis=-1, outfile=OUT), ParameterError, "no spectral axis"),
    "moments along nothing": (lambda: tasks.immoments("sky.im", [0], axis="foo", outfile=OUT), ParameterError, "'foo' is not in"),
    "statistics axis": (lambda: tasks.imstat("sky.im", axes=[7]), ParameterError, r"axes \[7\] are outside"),
    "complex literal": (lambda: tasks.immath("sky.im", "evalexpr", OUT, "(1,2)*IM0"), ParameterError, "cannot be read"),
    "mask of fewer axes": (
        lambda: tasks.makemask("copy", "sky.im", inpmask="flat.im", output=OUT), DataError, "2 axes and the image 4",
    ),
    "mask of a spectrum": (
        lambda: tasks.makemask("copy", "lin4.im", inpmask="sky.im", output=OUT), DataError, "spectral axis and the image has none",
    ),
    "channels of a plane": (
        lambda: tasks.makemask("expand", "flat.im", inpmask="flat.im", inpfreqs=[0], outfreqs=[0], output=OUT),
        DataError, "no channels to expand",
    ),
    "frequencies of no spectrum": (
        lambda: tasks.makemask("expand", "sky.im", inpmask="lin4.im", inpfreqs="1.4GHz~1.5GHz", outfreqs=[0], output=OUT),
        DataError, "given in GHz, but there is no spectral axis",
    ),
    "two kinds of line": (
        lambda: with_tool("sky.im", lambda t: t.pv(OUT, start=[3, 3], end=[8, 8], center=[5, 5], length="3arcsec", pa="0deg")),
        ParameterError, "not both",
    ),
    "slice of a plane": (lambda: tasks.impv("flat.im", OUT, start=[3, 3], end=[8, 8]), DataError, "nothing to slice against"),
    "no rest frequency": (
        lambda: with_tool("norest.im", lambda t: t.getprofile(axis=3, unit="km/s")), ParameterError, "need a rest frequency",
    ),
    "frame of a plane": (lambda: tasks.imreframe("flat.im", OUT, outframe="bary"), DataError, "no spectral axis whose frame"),
    "channels": (lambda: tasks.imstat("flat.im", chans="0"), SelectionError, "chans='0' was given"),
    "polarizations": (lambda: tasks.imstat("flat.im", stokes="I"), SelectionError, "stokes='I' was given"),
    "angles": (lambda: tasks.imstat("lin2.im", region="circle[[4pix,4pix],3arcsec]"), ParameterError, "region in angles was given"),
    "sky position": (lambda: tasks.imstat("lin2.im", region="circle[[10deg,4deg],3pix]"), ParameterError, "is on the sky"),
    "record in angles": (
        lambda: with_tool("lin2.im", lambda t: t.statistics(region=world_circle())), SelectionError, "the region is on the sky",
    ),
    "method of regridding": (lambda: with_tool("sky.im", lambda t: t.regrid(OUT, method="foo")), ParameterError, "must be one of nearest"),
    "axis to regrid": (
        lambda: with_tool(
            "sky.im", lambda t: t.regrid(OUT, [12, 12], coordsys().newcoordsys(direction=True).torecord(), axes=[3])
        ),
        ParameterError, "no spectral axis",
    ),
    "planes without a sky": (
        lambda: tasks.imsmooth("lin4.im", "boxcar", "3arcsec", "3arcsec", outfile=OUT), DataError, "cannot be smoothed",
    ),
    "feathered axes": (lambda: tasks.feather(OUT, "sky.im", "coarse.im"), DataError, "has 2 axes, 'sky.im' has 4"),
    "feathered diameter": (
        lambda: tasks.feather(OUT, "flat.im", "coarse.im", effdishdiam=10.0), DataError, "no frequency, which parameter 'effdishdiam'",
    ),
    "no Gaussian": (
        lambda: with_tool("spike.im", lambda t: t.maxfit(point=False, width=3)), DataError, "no Gaussian fits",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_refused_and_nothing_is_written(name: str) -> None:
    if name == "no rest frequency":
        make("norest.im", (2, 2, 1, 4))
        with_tool("norest.im", lambda t: t.setcoordsys(_without_rest(t)))
    if name == "no Gaussian":
        make("spike.im", (2, 2), direction=True)
    call, error, words = CASES[name]
    with pytest.raises(error, match=words):
        call()
    assert not Path(OUT).exists()


def _without_rest(tool: image) -> dict[str, Any]:
    csys = tool.coordsys()
    csys.setrestfrequency("0Hz")
    return dict(csys.torecord())


def test_a_continuum_without_an_output_is_refused() -> None:
    with CasaImage.open("sky.im") as opened, pytest.raises(ParameterError, match="name at least one output"):
        subtract_continuum(opened, "", "", [0, 1], 0, PixelChoice())


def test_no_common_beam_without_a_sky() -> None:
    with_tool("lin4.im", lambda t: t.setrestoringbeam("3arcsec", "3arcsec", "0deg"))
    with CasaImage.open("lin4.im") as opened, pytest.raises(DataError, match="cannot be smoothed to one beam"):
        smooth_to_common_beam(opened, OUT)
    assert not Path(OUT).exists()


def test_planes_without_a_sky_are_not_convolved() -> None:
    with CasaImage.open("lin4.im") as opened, pytest.raises(DataError, match="cannot be smoothed"):
        convolve_planes(PixelChoice().of(opened), opened, lambda plane, chan, stokes: plane)


@pytest.mark.parametrize(("kind", "words"), [("foo", "'kernel' must be one of"), ("boxcar", "needs a major and a minor axis")])
def test_a_kernel_that_is_none(kind: str, words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        SmoothOptions(kind)
