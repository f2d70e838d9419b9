"""The image tool: pixels by region, changes in place, world coordinates, beams, records, transforms, joined images."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from casatasks import imsmooth
from casatools import image
from casatools._base.errors import (
    DataError,
    NotOpenError,
    OutputExistsError,
    ParameterError,
    PathMissingError,
    SelectionError,
)
from casatools.io.image import CasaImage

SHAPE = (12, 10, 1, 5)
REGION = "box[[2pix,3pix],[6pix,8pix]]"


@pytest.fixture
def values() -> np.ndarray:
    return np.random.default_rng(1).normal(size=SHAPE).astype(np.float32)


@pytest.fixture
def ia(values: np.ndarray) -> image:
    tool = image()
    tool.fromshape("a.im", list(SHAPE))
    tool.putchunk(values)
    tool.setbrightnessunit("Jy/beam")
    tool.setrestoringbeam("4arcmin", "3arcmin", "20deg")
    yield tool
    tool.done()


def test_region_of_pixels(ia: image, values: np.ndarray) -> None:
    part = values[2:7, 3:9]
    assert np.array_equal(ia.getregion(REGION), part)
    assert ia.getregion(REGION, dropdeg=True).shape == (5, 6, 5)
    assert np.allclose(ia.getregion(REGION, axes=[0, 1])[0, 0, 0], part.mean(axis=(0, 1))[0], atol=1e-6)
    inside = ia.getregion("circle[[5pix,5pix],2pix]", getmask=True)
    assert inside.shape == (5, 5, 1, 5) and inside[..., 0, 0].sum() == 13
    assert np.array_equal(ia.getregion(mask='"a.im" > 0', getmask=True), values > 0)
    assert ia.getregion(mask='"a.im" > 0', axes=[3], getmask=True, list=True).shape == (12, 10, 1, 1)


def test_put_region(ia: image, values: np.ndarray) -> None:
    new = np.arange(30.0).reshape(5, 6, 1, 1)
    assert ia.putregion(pixels=new, region=REGION, replicate=True, list=True)
    assert np.array_equal(ia.getregion(REGION), np.broadcast_to(new, (5, 6, 1, 5)))
    assert np.array_equal(ia.getchunk()[:2], values[:2])
    mask = np.ones((5, 6, 1, 5), bool)
    mask[0] = False
    ia.putregion(pixelmask=mask, region=REGION)
    # the mask is put before the pixels, as in CASA: those that it leaves out stay
    before, both = ia.getregion(REGION), mask.copy()
    both[1, 1] = ~both[1, 1]
    ia.putregion(pixels=before + 1, pixelmask=both, region=REGION)
    assert np.array_equal(ia.getregion(REGION), np.where(both, before + 1, before))
    ia.putregion(pixels=before, pixelmask=np.ones_like(mask), region=REGION)
    ia.putregion(pixelmask=mask, region=REGION)
    assert np.array_equal(ia.getregion(REGION, getmask=True), mask)
    ia.putregion(pixels=np.zeros((5, 6, 1, 5)), region=REGION)  # masked pixels stay
    assert np.array_equal(ia.getregion(REGION)[0, :, 0, 0], np.arange(6.0)) and not ia.getregion(REGION)[1:].any()
    ia.putregion(pixels=np.full((5, 6), 7.0), region=REGION, usemask=False)  # of the first plane
    assert (ia.getregion(REGION)[..., 0] == 7).all() and not (ia.getregion(REGION)[..., 1:] == 7).any()
    ia.putregion(pixelmask=np.zeros((5, 6), bool), region=REGION)
    assert not ia.getregion(REGION, getmask=True)[..., 0].any() and ia.getregion(REGION, getmask=True)[1:, :, :, 1:].all()
    for pixels, match in ((np.ones((3, 3)), "do not fit"), (np.ones((1,) * 5), "5 axes"), ([], "pixels, a pixelmask")):
        with pytest.raises(ParameterError, match=match):
            ia.putregion(pixels=pixels, region=REGION)


def test_set_calc_and_masks(ia: image, values: np.ndarray) -> None:
    ia.set(3.5, region=REGION, list=True)
    assert (ia.getregion(REGION) == 3.5).all() and np.array_equal(ia.getchunk()[7:], values[7:])
    ia.set(pixels="2 * 3", pixelmask=False, region="circle[[5pix,5pix],2pix]")
    assert (~ia.getchunk(getmask=True)).sum() == 13 * 5
    assert (ia.getchunk() == 6).sum() == 13 * 5
    ia.calc('"a.im" + 1')
    assert (ia.getchunk() == 6).sum() == 13 * 5  # masked pixels stay as they are
    assert (ia.getchunk() == 4.5).sum() == 18 * 5  # the circle sticks out of the box by one pixel
    ia.replacemaskedpixels("0", list=True)
    assert (ia.getchunk() == 0).sum() == 13 * 5
    ia.replacemaskedpixels(7.0, update=True)
    assert (ia.getchunk() == 7).sum() == 13 * 5 and ia.getchunk(getmask=True).all()
    ia.calcmask('"a.im" < 7', name="low")
    assert ia.maskhandler("default") == ["low"]
    assert np.array_equal(ia.getchunk(getmask=True), ia.getchunk() < 7)
    ia.calcmask('"a.im" > 2', name="low")  # in its place; values count where they are masked
    assert ia.maskhandler("default") == ["low"] and np.array_equal(ia.getchunk(getmask=True), ia.getchunk() > 2)
    ia.replacemaskedpixels(9.5, mask='"a.im" > 5')
    assert (ia.getchunk() > 5).all() and (ia.getchunk() == 9.5).any()
    with pytest.raises(ParameterError, match="mask"):
        ia.calcmask("")
    with pytest.raises(ParameterError, match="one number"):
        ia.set('"a.im"')


@pytest.mark.parametrize(
    ("kind", "pars", "mean", "variance"),
    [
        ("normal", [3.0, 4.0], 3.0, 4.0), ("uniform", [0.0, 6.0], 3.0, 3.0), ("poisson", [5.0], 5.0, 5.0),
        ("binomial", [10, 0.3], 3.0, 2.1), ("discreteuniform", [1, 6], 3.5, 35 / 12), ("erlang", [4.0, 2.0], 4.0, 2.0),
        ("geometric", [0.5], 1.0, 2.0), ("negativeexponential", [2.0], 2.0, 4.0), ("lognormal", [3.0, 2.0], 3.0, 2.0),
        ("weibull", [1.0, 2.0], 2.0, 4.0),
    ],
)  # fmt: skip
def test_noise_has_its_moments(kind: str, pars: list[float], mean: float, variance: float) -> None:
    tool = image()
    tool.fromshape("n.im", [100, 100])
    tool.addnoise(kind, pars, seeds=[1, 2])
    found = tool.getchunk()
    assert found.mean() == pytest.approx(mean, abs=0.1) and found.var() == pytest.approx(variance, rel=0.15)
    tool.addnoise(kind, pars, seeds=[1, 2], zero=True)
    assert np.array_equal(tool.getchunk(), found)
    tool.addnoise(kind, pars, region="box[[0pix,0pix],[9pix,9pix]]")
    assert np.array_equal(tool.getchunk()[10:], found[10:])
    tool.done()


def test_noise_that_is_not_known(ia: image) -> None:
    with pytest.raises(ParameterError, match="normal"):
        ia.addnoise("pink", [1.0])
    for kind, pars in (
        ("normal", [0.0, -1.0]),
        ("binomial", [0.0, 1.0]),
        ("uniform", [2.0, 1.0]),
        ("poisson", [-1.0]),
        ("geometric", [1.0]),
    ):
        with pytest.raises(ParameterError, match="does not exist"):
            ia.addnoise(kind, pars)
    wide = image().newimagefromshape("w.im", [200, 200])
    wide.addnoise("hypergeometric", [2.0, 12.0], seeds=[4], zero=True)
    assert wide.getchunk().mean() == pytest.approx(2.0, rel=0.05) and wide.getchunk().var() == pytest.approx(12.0, rel=0.15)
    wide.done()


def test_world_and_pixels(ia: image, values: np.ndarray) -> None:
    world = ia.toworld([3, 4, 0, 2], "n")["numeric"]
    assert np.allclose(ia.topixel({"numeric": world})["numeric"], [3, 4, 0, 2], atol=1e-9)
    assert ia.toworld([3, 4], "n")["numeric"][3] == 1.415e9
    assert "radiovelocity" not in ia.toworld([3, 4], "m", dovelocity=False)["measure"]["spectral"]
    found = ia.pixelvalue([3, 4, 0, 2])
    assert found["value"] == {"unit": "Jy/beam", "value": float(values[3, 4, 0, 2])} and found["mask"]
    assert list(ia.pixelvalue()["pixel"]) == [6, 5, 0, 2]
    assert ia.pixelvalue([50]) == {} and ia.pixelvalue([-1, 2]) == {}
    assert list(ia.pixelvalue([3.9, 4.2])["pixel"]) == [3, 4, 0, 2]
    with pytest.raises(ParameterError, match="5 axes"):
        ia.pixelvalue([1, 2, 0, 1, 1])
    record = ia.coordmeasures([3, 4, 0, 2])
    assert record["measure"]["direction"]["refer"] == "J2000" and record["intensity"] == found["value"]
    assert ia.coordmeasures([3, 4, 0, 2], "native", "native")["measure"]["spectral"]["frequency"]["refer"] == "LSRK"
    assert ia.coordmeasures([3, 4, 0, 2], dframe="GALACTIC")["measure"]["direction"]["refer"] == "GALACTIC"
    with pytest.raises(ParameterError, match="outside"):
        ia.coordmeasures([30, 4])


def test_profiles(ia: image, values: np.ndarray) -> None:
    record = ia.getprofile(3, "sum", REGION, logfile="p.txt")
    assert np.allclose(record["values"], values[2:7, 3:9].sum(axis=(0, 1, 2), dtype=float), atol=1e-4)
    assert (record["npix"] == 30).all() and record["xUnit"] == "Hz" and os.path.getsize("p.txt") > 50
    hz = 1.415e9 + 1e3 * (np.arange(5) - 2)
    assert np.allclose(record["coords"], hz)
    rest, c = 1420405751.786, 299792.458
    assert np.allclose(ia.getprofile(unit="km/s", spectype="radio velocity")["coords"], c * (1 - hz / rest), atol=1e-6)
    assert np.allclose(ia.getprofile(spectype="optical velocity")["coords"], c * (rest / hz - 1), atol=1e-6)
    relativistic = c * (rest**2 - hz**2) / (rest**2 + hz**2)
    for default in ({}, {"spectype": "relativistic velocity"}):
        assert np.allclose(ia.getprofile(unit="m/s", **default)["coords"], 1e3 * relativistic, atol=1e-2)
    assert np.allclose(ia.getprofile(spectype="wavelength")["coords"], 1e6 * c / hz)
    assert np.allclose(ia.getprofile(spectype="frequency", unit="GHz")["coords"], hz / 1e9)
    air = ia.getprofile(spectype="air wavelength")["coords"] / (1e6 * c / hz)
    assert np.allclose(air, 1 / 1.000287616, atol=1e-8)
    assert np.allclose(ia.getprofile(frame="BARY")["coords"] / hz, 1.0, atol=2e-4) and not np.allclose(
        ia.getprofile(frame="BARY")["coords"], hz, rtol=1e-7
    )
    flux = ia.getprofile(3, "flux")
    assert (
        np.allclose(flux["values"], values.sum(axis=(0, 1, 2)) / (np.pi / (4 * np.log(2)) * 12.0), atol=1e-4)
        and flux["yUnit"] == "Jy"
    )
    assert ia.getprofile(0, "max")["values"].shape == (12,)
    for kind, match, arguments in (
        (ParameterError, "spectype", {"spectype": "redshift"}),
        (ParameterError, "MARS", {"frame": "MARS"}),
        (ParameterError, "axis 9", {"axis": 9}),
        (ParameterError, "function", {"function": "magic"}),
        (PathMissingError, "none", {"logfile": "none/p.txt"}),
    ):
        with pytest.raises(kind, match=match):
            ia.getprofile(**arguments)
    plain = image()
    plain.fromshape("", [4, 4])
    with pytest.raises(ParameterError, match="spectral axis"):
        plain.getprofile()
    plain.done()


def test_fluxes_and_beams(ia: image) -> None:
    whole = ia.convertflux("2Jy/beam", "5arcmin", "4arcmin", topeak=False)
    assert whole == {"unit": "Jy", "value": pytest.approx(2.0 * 20 / 12)}
    assert ia.convertflux("1Jy", "5arcmin", "4arcmin")["value"] == pytest.approx(12 / 20)
    assert ia.convertflux("1Jy", "5arcmin", "4arcmin", "disk")["value"] == pytest.approx(12 / 20 / np.log(2))
    with pytest.raises(ParameterError, match="per beam"):
        ia.convertflux("1Jy", "5arcmin", "4arcmin", topeak=False)
    with pytest.raises(ParameterError, match="type"):
        ia.convertflux("1Jy", "5arcmin", "4arcmin", "cube")
    found = ia.deconvolvefrombeam(["5arcmin", "5arcmin", "0deg"], ["3arcmin", "3arcmin", "0deg"])
    assert found["fit"]["major"]["value"] == pytest.approx(240.0) and found["fit"]["success"]
    assert not ia.deconvolvefrombeam(["2arcmin", "2arcmin", "0deg"], {"major": "3arcmin", "minor": "3arcmin", "pa": "0deg"})[
        "fit"
    ]["success"]
    needed = ia.beamforconvolvedsize(["3arcmin", "3arcmin", "0deg"], ["5arcmin", "5arcmin", "0deg"])
    assert needed["minor"]["value"] == pytest.approx(240.0)
    with pytest.raises(ParameterError, match="not larger"):
        ia.beamforconvolvedsize(["5arcmin", "5arcmin", "0deg"], ["3arcmin", "3arcmin", "0deg"])
    with pytest.raises(ParameterError, match="major axis"):
        ia.deconvolvefrombeam(["3arcmin", "5arcmin", "0deg"], ["1arcmin", "1arcmin", "0deg"])
    with pytest.raises(ParameterError, match="position angle"):
        ia.deconvolvefrombeam(3, ["1arcmin"])
    assert ia.commonbeam()["major"]["value"] == 240.0
    ia.rotatebeam("100deg")
    assert ia.restoringbeam()["positionangle"]["value"] == pytest.approx(-60.0)
    ia.setrestoringbeam(major="6arcmin")
    assert ia.restoringbeam()["minor"]["value"] == 180.0
    ia.setrestoringbeam("8arcmin", "7arcmin", "0deg", channel=3, polarization=0)
    assert ia.commonbeam()["major"]["value"] == pytest.approx(480.0)
    ia.setrestoringbeam(beam={"major": "9arcmin", "minor": "8arcmin", "positionangle": "5deg"})
    ia.newimagefromshape("other.im", list(SHAPE)).done()
    with pytest.raises(ParameterError, match="has no restoring beam"):
        ia.setrestoringbeam(imagename="other.im")
    with pytest.raises(ParameterError, match="below the minor"):
        ia.setrestoringbeam("1arcmin", "2arcmin")
    ia.setrestoringbeam(remove=True)
    assert ia.restoringbeam() == {}
    for call in (lambda: ia.commonbeam(), lambda: ia.rotatebeam("1deg"), lambda: ia.convertflux("1Jy", "5arcmin", "4arcmin")):
        with pytest.raises(ParameterError, match="no restoring beam"):
            call()
    with pytest.raises(ParameterError, match="'minor' must be given"):
        ia.setrestoringbeam("1arcmin")


def test_record_round_trip(ia: image, values: np.ndarray) -> None:
    ia.putregion(pixelmask=values > 0)
    record = ia.torecord()
    other = image()
    other.fromrecord(record, "r.im")
    assert np.array_equal(other.getchunk(), values) and np.array_equal(other.getchunk(getmask=True), values > 0)
    assert other.brightnessunit() == "Jy/beam" and other.restoringbeam() == ia.restoringbeam()
    assert other.coordsys().torecord()["spectral2"]["wcs"] == ia.coordsys().torecord()["spectral2"]["wcs"]
    assert ia.isconform("r.im")
    other.done()
    with pytest.raises(ParameterError, match="imagearray"):
        ia.fromrecord({})


def test_conformance_of_images(ia: image) -> None:
    ia.newimagefromshape("small.im", [3, 3]).done()
    assert not ia.isconform("small.im")
    moved = ia.newimagefromimage("a.im", "moved.im")
    cs = moved.coordsys()
    cs.setreferencepixel([1.0, 1.0], "direction")
    moved.setcoordsys(cs.torecord())
    moved.done()
    assert not ia.isconform("moved.im")


def test_locks_names_and_ends(ia: image) -> None:
    ia.close()
    ia.open("a.im")
    assert list(ia.haslock()) == [True, False]
    assert ia.lock(writelock=True) and list(ia.haslock()) == [True, True]
    assert ia.unlock() and list(ia.haslock()) == [True, False]
    assert (ia.makearray(2.0, [2, 3]) == 2.0).all()
    box = ia.boundingbox(REGION)
    assert list(box["blc"]) == [2, 3, 0, 0] and list(box["trc"]) == [6, 8, 0, 4] and "Hz" in box["trcf"]
    ia.rename("b.im")
    assert ia.name(True) == "b.im" and not os.path.exists("a.im")
    ia.newimagefromshape("c.im", [3, 3]).done()
    with pytest.raises(OutputExistsError):
        ia.rename("c.im")
    with pytest.raises(ParameterError, match="name"):
        ia.rename("")
    ia.rename("c.im", overwrite=True)
    with pytest.raises(OutputExistsError, match="open image"):
        ia.removefile("c.im")
    ia.tofits("f.fits")
    assert ia.removefile("f.fits") and not os.path.exists("f.fits")
    assert ia.remove() and not os.path.exists("c.im") and not ia.isopen()
    for method in ("shape", "getregion", "boundingbox", "torecord", "haslock", "commonbeam"):
        with pytest.raises(NotOpenError):
            getattr(ia, method)()


def test_temporary_image_gets_a_name(values: np.ndarray) -> None:
    tool = image()
    tool.fromarray("", values)
    assert not tool.ispersistent()
    tool.rename("kept.im")
    assert tool.ispersistent() and np.array_equal(tool.getchunk(), values)
    tool.done()


def test_transform_is_numpys(ia: image, values: np.ndarray) -> None:
    ia.fft(real="re.im", imag="imag.im", amp="am.im", phase="ph.im", complex="co.im")
    expected = np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(values, axes=(0, 1)), axes=(0, 1)), axes=(0, 1))
    for name, wanted in (("re", expected.real), ("imag", expected.imag), ("am", np.abs(expected)), ("co", expected)):
        tool = image()
        tool.open(f"{name}.im")
        assert np.allclose(tool.getchunk(), wanted, atol=1e-4)
        assert tool.coordsys().names()[:2] == ["UU", "VV"]
        step = tool.coordsys().increment()["numeric"][:2]
        assert np.allclose(np.abs(step), 1 / (np.deg2rad(1 / 60) * np.array([12, 10])), rtol=1e-6)
        assert tool.brightnessunit() == "Jy"
        tool.done()
    with pytest.raises(ParameterError, match="at least one"):
        ia.fft()
    with pytest.raises(ParameterError, match="axes"):
        ia.fft(real="x.im", axes=[9])
    with pytest.raises(OutputExistsError):
        ia.fft(real="re.im")


def test_joined_images(ia: image, values: np.ndarray) -> None:
    for name, chans in (("p.im", "0~1"), ("q.im", "2~4")):
        ia.subimage(name, region=f"box[[0pix,0pix],[11pix,9pix]],range=[{chans.replace('~', 'chan,')}chan]").done()
    made = image().imageconcat("j.im", ["p.im", "q.im"])
    assert np.array_equal(made.getchunk(), values)
    assert np.allclose(made.toworld([0, 0, 0, 4])["numeric"], ia.toworld([0, 0, 0, 4])["numeric"])
    assert made.restoringbeam()["major"]["value"] == 240.0
    made.done()
    with pytest.raises(DataError, match="follow each other"):
        image().imageconcat("k.im", ["q.im", "p.im"])
    made = image().imageconcat("k.im", ["q.im", "p.im"], reorder=True)
    assert np.array_equal(made.getchunk(), values)
    made.done()
    made = image().imageconcat("l.im", ["q.im", "p.im"], relax=True)
    # Neither rising nor falling: the first image's axis goes on.
    assert np.allclose(made.toworld([0, 0, 0, 0])["numeric"], ia.toworld([0, 0, 0, 2])["numeric"])
    made.done()
    ia.newimagefromshape("small.im", [3, 3, 1, 2]).done()
    double = ia.newimagefromshape("double.im", list(SHAPE), type="d")
    double.done()
    other = ia.newimagefromshape("kelvin.im", list(SHAPE))
    other.setbrightnessunit("K")
    other.done()
    for names, match in (
        (["p.im"], "two images"),
        (["p.im", "small.im"], "shapes"),
        (["p.im", "double.im"], "pixels"),
        (["p.im", "kelvin.im"], "'K'"),
    ):
        with pytest.raises((ParameterError, DataError), match=match):
            image().imageconcat("x.im", names)
    with pytest.raises(ParameterError, match="mode"):
        image().imageconcat("x.im", ["p.im", "q.im"], mode="other")


def test_lists_of_images(ia: image, values: np.ndarray, tmp_path: Path) -> None:
    """Virtual modes leave a folder that lists the images, which are one to every reader; it cannot be changed, its parts can."""
    for name, chans in (("p.im", "0chan,1chan"), ("q.im", "2chan,4chan")):
        ia.subimage(name, region=f"box[[0pix,0pix],[11pix,9pix]],range=[{chans}]").done()
    part = image()
    part.open("q.im")
    part.calcmask(f"'q.im' > {np.sort(values[..., 2:], axis=None)[5]}")
    part.done()
    for mode, inside in (("nomovevirtual", []), ("c", ["p.im", "q.im"]), ("movevirtual", ["p.im", "q.im"])):
        made = image().imageconcat(f"{mode}.im", ["p.im", "q.im"], mode=mode)
        assert sorted(os.listdir(f"{mode}.im")) == sorted(["imageconcat.json", *inside]), mode
        assert np.array_equal(made.getchunk(), values) and np.array_equal(
            made.getchunk([2, 3, 0, 1], [7, 9, 0, 4], [2, 1, 1, 2]), values[2:8:2, 3:10, :, 1:5:2]
        )
        assert (~made.getchunk(getmask=True)).sum(axis=(0, 1, 2)).sum() == 6 and made.getchunk(getmask=True)[..., :2].all()
        assert made.statistics()["npts"][0] == values.size - 6 and made.brightnessunit() == ia.brightnessunit()
        assert made.restoringbeam()["major"]["value"] == 240.0
        assert np.allclose(made.toworld([0, 0, 0, 4])["numeric"], ia.toworld([0, 0, 0, 4])["numeric"])
        copy = made.subimage("", region="box[[0pix,0pix],[11pix,9pix]],range=[1chan,3chan]")
        assert np.array_equal(copy.getchunk(), values[..., 1:4])
        with pytest.raises(DataError, match="list of others"):
            made.setbrightnessunit("K")
        with pytest.raises(DataError, match="list of others"):
            CasaImage.open(f"{mode}.im", writable=True)
        with pytest.raises(DataError, match="list of others"):
            made.sethistory("x", "y")
        assert isinstance(made.history(list=False), list)
        for tool in (copy, made):
            tool.done()
    assert not os.path.exists("p.im") and not os.path.exists("q.im")
    again = image().imageconcat("paged.im", ["movevirtual.im/p.im", "movevirtual.im/q.im"])
    assert np.array_equal(again.getchunk(), values)
    again.done()
    os.rename("movevirtual.im", "elsewhere.im")
    with CasaImage.open("elsewhere.im") as moved:
        assert moved.shape[0] == 5 and moved.has_mask
    with pytest.raises(PathMissingError, match=r"p\.im"):
        CasaImage.open("nomovevirtual.im")
    os.mkdir("other")
    shutil.copytree("c.im/p.im", "other/p.im")
    with pytest.raises(ParameterError, match="names of their own"):
        image().imageconcat("x.im", ["c.im/p.im", "other/p.im"], mode="copyvirtual", relax=True)
    for text, words in (("{", "cannot be read"), ('{"Axis": 9, "Images": ["././p.im", "././q.im"]}', "cannot be joined")):
        Path("elsewhere.im/imageconcat.json").write_text(text)
        with pytest.raises(DataError, match=words):
            CasaImage.open("elsewhere.im")


def test_images_joined_with_a_gap_keep_their_frequencies(ia: image) -> None:
    for name, chan in (("p.im", 0), ("q.im", 1), ("r.im", 4)):
        ia.subimage(name, region=f"box[[0pix,0pix],[11pix,9pix]],range=[{chan}chan,{chan}chan]").done()
    with pytest.raises(DataError, match="gaps"):
        image().imageconcat("x.im", ["p.im", "q.im", "r.im"])
    made = image().imageconcat("x.im", ["p.im", "q.im", "r.im"], relax=True)
    for k, chan in enumerate((0, 1, 4)):
        assert made.toworld([0, 0, 0, k])["numeric"][3] == pytest.approx(ia.toworld([0, 0, 0, chan])["numeric"][3], abs=1e-3)
    made.done()


def test_stokes_images_are_joined() -> None:
    values = np.random.default_rng(2).normal(size=(4, 4, 2, 1)).astype(np.float32)
    tool = image()
    tool.fromarray("iq.im", values)
    parts = [tool.subimage(f"{s}.im", region=f"box[[0pix,0pix],[3pix,3pix]],corr=[{s}]") for s in "IQ"]
    made = image().imageconcat("j.im", ["I.im", "Q.im"], axis=2)
    assert np.array_equal(made.getchunk(), values) and list(made.coordsys().stokes()) == ["I", "Q"]
    with pytest.raises(DataError, match="must differ"):
        image().imageconcat("k.im", ["I.im", "I.im"], axis=2)
    for t in (tool, made, *parts):
        t.done()


def test_fits_out_and_in(ia: image, values: np.ndarray) -> None:
    ia.tofits("a.fits", stokeslast=False)
    ia.tofits("part.fits", region=REGION, stokeslast=False)
    made = image().newimagefromfits("", "part.fits")
    assert np.array_equal(made.getchunk(), values[2:7, 3:9])
    made.done()
    tool = image()
    assert tool.fromfits("b.im", "a.fits")
    assert np.array_equal(tool.getchunk(), values)
    tool.done()
    ia.tofits("last.fits", deglast=True)
    ia.tofits("wave.fits", wavelength=True)
    ia.tofits("air.fits", airwavelength=True)
    for name in ("wave.fits", "air.fits"):
        other = image().newimagefromfits("", name)
        order = other.coordsys().names().index("Frequency")
        hz = [other.toworld([0, 0, *([0, c] if order == 3 else [c, 0])], "n")["numeric"][order] for c in (0, 4)]
        assert np.allclose(hz, 1.415e9 + 1e3 * (np.array([0, 4]) - 2), atol=1.0)
        other.done()
    with pytest.raises(ParameterError, match="not both"):
        ia.tofits("x.fits", velocity=True, wavelength=True)
    with pytest.raises(ParameterError, match="whichrep"):
        tool.fromfits("x.im", "a.fits", whichrep=1)
    with pytest.raises(ParameterError, match="outfile"):
        ia.tofits()
    fits = image()
    fits.open("a.fits")
    assert fits.rename("c.fits") and os.path.isfile("c.fits") and fits.name(True) == "c.fits"
    fits.done()


def test_moments_of_the_tool(ia: image, values: np.ndarray) -> None:
    made = ia.moments([8], 3, outfile="m.im")
    assert list(made.shape()) == [12, 10, 1] and np.array_equal(made.getchunk()[..., 0], values.max(axis=3)[..., 0])
    made.done()
    kept = ia.moments([8], outfile="m.im", drop=False, overwrite=True)
    assert list(kept.shape()) == [12, 10, 1, 1]
    kept.done()


def test_derived_images_of_the_tool(ia: image, values: np.ndarray) -> None:
    assert ia.subimage("none.im", wantreturn=False) is None and os.path.isdir("none.im")
    collapsed = ia.collapse("max", ["freq"])
    assert np.array_equal(collapsed.getchunk()[..., 0], values.max(axis=3))
    turned = ia.transpose("", "3012")
    assert np.array_equal(turned.getchunk(), values.transpose(3, 0, 1, 2))
    binned = ia.rebin("", [2, 2])
    assert np.allclose(binned.getchunk()[0, 0], values[:2, :2].mean(axis=(0, 1)), atol=1e-6)
    corrected = ia.pbcor(np.full(SHAPE, 0.5))
    assert np.allclose(corrected.getchunk(), 2 * values, rtol=1e-6)
    smooth = ia.convolve2d("", major="3arcmin", minor="3arcmin")
    assert smooth.restoringbeam()["major"]["value"] == pytest.approx(300.0)
    same = ia.convolve2d("", beam={"major": "3arcmin", "minor": "3arcmin", "pa": "0deg"})
    assert np.array_equal(same.getchunk(), smooth.getchunk())
    copies = [ia.newimage("a.im"), ia.newimagefromfile("a.im"), ia.newimagefromarray("", values)]
    assert all(np.array_equal(c.getchunk(), values) for c in copies)
    for tool in (collapsed, turned, binned, corrected, smooth, same, *copies):
        tool.done()
    other = ia.convolve2d("", axes=[0, 3], major="2pix", minor="3pix", pa="30deg")
    assert other.shape().tolist() == list(SHAPE)
    flat = ia.convolve2d("", axes=[0, 3], type="box", major="3pix", minor="1pix")
    assert np.allclose(flat.getchunk()[1:-1], (values[:-2] + values[1:-1] + values[2:]) / 3, atol=1e-5)
    for tool in (other, flat):
        tool.done()
    for given, words in (
        ({"axes": [0, 2]}, "axes"),
        ({"axes": [0, 3], "type": "x"}, "type"),
        ({"axes": [0, 3], "targetres": True}, "target"),
    ):
        with pytest.raises(ParameterError, match=words):
            ia.convolve2d("", major="2pix", minor="2pix", **given)
    with pytest.raises(ParameterError, match="positive"):
        ia.convolve2d("")
    with pytest.raises(ParameterError, match="mode"):
        ia.pbcor("a.im", mode="")
    with pytest.raises(ParameterError, match="pbimage"):
        ia.pbcor()
    with pytest.raises(SelectionError):
        ia.subimage("x.im", region="box[[50pix,50pix],[60pix,60pix]]")


@pytest.mark.parametrize(
    ("shape", "linear", "names", "pixel"),
    [
        ([10, 8, 4, 3], False, ["Right Ascension", "Declination", "Stokes", "Frequency"], [5, 4, 0, 1]),
        ([5, 5, 6], False, ["Right Ascension", "Declination", "Frequency"], [2, 2, 3]),
    ],
)
def test_default_coordinates_are_centred(shape: list[int], linear: bool, names: list[str], pixel: list[int]) -> None:
    tool = image()
    tool.fromshape("", shape, linear=linear)
    assert tool.coordsys().names() == names and list(tool.coordsys().referencepixel()["numeric"]) == pixel
    tool.done()


def test_a_notebook_shows_a_quick_look() -> None:
    tool = image()
    assert tool._repr_png_() is None
    tool.fromshape("look.im", [12, 10, 1, 3])
    values = np.full((12, 10, 1, 3), np.nan)
    tool.putchunk(values)
    assert tool._repr_png_() is None
    tool.putchunk(np.nan_to_num(values) + np.arange(12.0)[:, None, None, None])
    assert tool._repr_png_()[:4] == b"\x89PNG"
    tool.done()


def test_a_temporary_image_left_open_ends_with_the_script(tmp_path: Path) -> None:
    program = (
        "from casatools import image\nia = image()\nia.fromshape('', [64, 64])\nia.putchunk(ia.getchunk() + 1)\nsub = ia.subimage()\n"
        "another = image()\nanother.fromshape('', [8, 8])\ndel another\n"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "") and not list(tmp_path.glob("casa-image-*"))


def test_fft_of_planes_is_that_of_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(8).normal(size=(8, 6, 1, 10)).astype(np.float32)
    ia = image()
    ia.fromarray("cube.im", values)
    for most in (1 << 22, 1):  # bytes of a block of planes
        monkeypatch.setattr("casatools.analysis.selected_pixels._LINE_BYTES", most)
        ia.fft(complex=f"{most}.im", axes=[0, 1])
    assert ia.set(pixels="mean('cube.im')+1")
    assert float(ia.getchunk()[0, 0, 0, 0]) == pytest.approx(float(values.mean(dtype=np.float64)) + 1, rel=1e-5)
    ia.done()
    expected = np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(values, axes=(0, 1)), axes=(0, 1)), axes=(0, 1))
    for most in (1 << 22, 1):
        ia.open(f"{most}.im")
        np.testing.assert_allclose(ia.getchunk(getmask=False), expected, atol=1e-4)
        ia.done()
    with pytest.raises(ParameterError, match="memory"):
        monkeypatch.setattr("casatools._base.memory.available_bytes", lambda: 1000)
        ia.open("cube.im")
        ia.fft(real="r.im")
    with pytest.raises(ParameterError, match="memory"):
        ia.getregion()
    ia.done()


@pytest.mark.parametrize(
    ("what", "call"),
    [
        ("image.getchunk of 600 pixels", lambda ia: ia.getchunk()),
        ("image.getchunk of 600 pixels", lambda ia: ia.getchunk(getmask=True)),
        ("regridding of planes of 120 pixels to 120", lambda ia: ia.regrid("o.im", csys=ia.coordsys().torecord())),
        ("smoothing of planes of 120 pixels", lambda ia: ia.convolve2d("o.im", major="3arcmin", minor="3arcmin", pa="0deg")),
        ("a convolution of planes of 120 pixels, 3 at once", lambda ia: ia.convolve("o.im", np.ones((3, 3, 1, 3)))),
    ],
)
def test_what_cannot_fit_into_memory_is_said(
    ia: image, what: str, call: Callable[[image], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("casatools._base.memory.available_bytes", lambda: 100)
    with pytest.raises(ParameterError, match=f"{what}.* needs .* of memory"):
        call(ia)
    assert not os.path.exists("o.im")


@pytest.mark.parametrize(
    ("what", "call"),
    [
        ("a kernel of 60000 pixels", lambda ia: ia.convolve2d("o.im", major="1000deg", minor="1deg")),
        ("a kernel of 60000 pixels", lambda ia: imsmooth("a.im", major="1000deg", minor="1deg", pa="0deg", outfile="o.im")),
        ("a box of 1000000 x 1000000 pixels", lambda ia: ia.convolve2d("o.im", [0, 3], "box", major="1e6pix", minor="1e6pix")),
        ("a box of 1000000000000 pixels", lambda ia: ia.sepconvolve("o.im", [0], ["box"], ["1e12pix"])),
    ],
)  # fmt: skip
def test_kernels_that_no_memory_holds_are_refused(ia: image, what: str, call: Callable[[image], object]) -> None:
    with pytest.raises(ParameterError, match=f"{what}.* needs .* of memory"):
        call(ia)
    assert not os.path.exists("o.im")


def test_chunks_are_repeated_over_the_image(ia: image, values: np.ndarray) -> None:
    tile = np.arange(6.0).reshape(3, 2)
    assert ia.putchunk(tile, [1, 2], replicate=True)
    found = ia.getchunk()
    assert np.array_equal(found[1:, 2:], np.broadcast_to(np.tile(tile, (4, 4))[:11, :, None, None], (11, 8, 1, 5)))
    assert np.array_equal(found[:1], values[:1]) and np.array_equal(found[:, :2], values[:, :2])


def test_whole_numbers_kept_with_an_image_are_wide(ia: image) -> None:
    ia.setmiscinfo({"a": [1, 2], "b": "x"})
    assert ia.miscinfo()["a"].dtype == np.int64 and ia.miscinfo()["b"] == "x"


def test_names_of_images_in_one_text(ia: image, values: np.ndarray) -> None:
    ia.subimage("one.im").done()
    ia.subimage("two.im").done()
    made = ia.imageconcat("", "one.im two.im", axis=3, relax=True)
    assert made.shape().tolist() == [12, 10, 1, 10] and np.array_equal(made.getchunk()[..., 5:], values)
    made.done()
