"""The imager tool: the steps of the older way to image."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatasks import tclean
from casatools import componentlist, image, imager, table
from casatools._base.errors import (
    CasaError,
    DataError,
    NotOpenError,
    OutputExistsError,
    ParameterError,
    PathMissingError,
    SelectionError,
    UnsupportedError,
)
from casatools.simulation.demo import DemoOptions, make_demo
from support.images import pixels

IMAGE: dict[str, Any] = {"nx": 48, "cellx": "12arcsec", "phasecenter": 0}


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("imager") / "sim.ms"
    make_demo(str(path), DemoOptions(antennas_per_arm=4, cycles=1, nchan=4))
    return path


@pytest.fixture
def im(simulated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[imager]:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(simulated, "sim.ms")
    tool = imager()
    tool.open("sim.ms")
    tool.selectvis(field=0)
    tool.defineimage(**IMAGE)
    yield tool
    tool.done()


def test_images_are_those_of_tclean(im: imager) -> None:
    assert im.weight("briggs", robust=0.5) and im.setoptions() and im.summary()
    for kind in ("observed", "corrected", "psf"):
        assert im.makeimage(kind, f"{kind}.im")
    tclean(
        "sim.ms",
        imagename="t",
        field="0",
        imsize=48,
        cell="12arcsec",
        weighting="briggs",
        robust=0.5,
        datacolumn="data",
        pblimit=-0.1,
    )
    assert np.allclose(pixels("observed.im"), pixels("t.residual"), atol=1e-5)
    assert np.allclose(pixels("corrected.im"), pixels("observed.im"), atol=1e-5)  # there is no corrected column
    assert np.allclose(pixels("psf.im"), pixels("t.psf"), atol=1e-5)
    good, major, minor, angle = im.fitpsf("psf.im")
    assert good and major["value"] > minor["value"] > 12 and angle["unit"] == "deg"
    im.setvp(dovp=True)
    im.makeimage("pb", "pb.im")
    assert pixels("pb.im")[24, 24] == pytest.approx(1.0) and pixels("pb.im")[0, 0] < 1.0
    im.approximatepsf("again.psf")
    assert np.allclose(pixels("again.psf"), pixels("psf.im"), atol=1e-6)


@pytest.mark.parametrize("kind", ["observed", "psf"])
def test_complex_images(im: imager, kind: str) -> None:
    """The transform of each baseline's data once: its real part is the image."""
    im.defineimage(**{**IMAGE, "phasecenter": "J2000 13h31m12 +30d31m30"})
    im.makeimage(kind, "real", "complex")
    found = pixels("complex")
    np.testing.assert_allclose(found.real, pixels("real"), atol=1e-6)
    tb = table()
    tb.open("sim.ms")
    mine = (tb.getcol("FIELD_ID") == 0) & (tb.getcol("ANTENNA1") != tb.getcol("ANTENNA2"))
    uvw, data = tb.getcol("UVW")[:, mine], tb.getcol("DATA")[:, :, mine].mean(axis=0)
    good, weight = ~tb.getcol("FLAG")[:, :, mine].any(axis=0), tb.getcol("WEIGHT")[:, mine].mean(axis=0)
    tb.close()
    tb.open("sim.ms/SPECTRAL_WINDOW")
    freq = tb.getcol("CHAN_FREQ")[:, 0]
    tb.close()
    tb.open("sim.ms/FIELD")
    lon, lat = (float(v) for v in tb.getcol("PHASE_DIR")[:, 0, 0])
    tb.close()
    ia = image()
    ia.open("real")
    csys = ia.coordsys()
    middle = np.array(csys.toworld([24, 24, 0, 0], "n")["numeric"][:2])
    ia.close()
    for x, y in ((24, 24), (30, 20), (13, 37)):
        # For the psf, the source is in the middle of the image.
        at = np.array(csys.toworld([x, y, 0, 0], "n")["numeric"][:2]) - (middle - (lon, lat) if kind == "psf" else 0)
        l = np.cos(at[1]) * np.sin(at[0] - lon)
        m = np.sin(at[1]) * np.cos(lat) - np.cos(at[1]) * np.sin(lat) * np.cos(at[0] - lon)
        path = uvw[0] * l + uvw[1] * m + uvw[2] * (np.sqrt(1 - l * l - m * m) - 1)
        turned = np.exp(-2j * np.pi * freq[:, None] * path / 299792458.0) * (data if kind == "observed" else 1.0)
        wanted = (turned * weight * good).sum() / (weight * good).sum()
        assert found[x, y] == pytest.approx(wanted, abs=0.02 * np.abs(found).max())


def test_cleaning_residuals_and_restoring(im: imager) -> None:
    found = im.clean("hogbom", niter=50, threshold="1mJy", model="m", image="i", residual="r", psfimage="p")
    assert found["iterations"] == 50 and found["converged"] is False
    assert found["maxresidual"] == pytest.approx(np.abs(pixels("r")).max(), rel=1e-5)
    assert im.residual("m", image="r2")
    assert np.allclose(pixels("r2"), pixels("r"), atol=1e-4 * pixels("i").max())
    assert im.restore("m", residual="r", image="i2")
    assert np.allclose(pixels("i2"), pixels("i"), atol=1e-4 * pixels("i").max())
    assert im.updateresidual("m", residual="r3", image="i3") and np.allclose(pixels("i3"), pixels("i"), atol=1e-3)
    im.setbeam("60arcsec", "40arcsec", "10deg")
    assert im.smooth("m", "kept", usefit=True) and pixels("kept").sum() == pytest.approx(
        pixels("m").sum(), rel=0.1
    )  # some is beyond the edges
    assert im.smooth("m", "s", usefit=True, normalize=False)
    flux = pixels("m").sum() * np.pi / (4 * np.log(2)) * 60 * 40 / 144
    assert pixels("s").sum() == pytest.approx(flux, rel=0.1)
    assert (
        im.smooth("m", "s2", usefit=False, bmaj="80arcsec", bmin="60arcsec", bpa="0deg", normalize=False)
        and pixels("s2").max() > pixels("s").max()
    )
    # The model goes on from what is there.
    assert im.clean("hogbom", niter=10, model="m", residual="r4")["iterations"] == 10
    assert np.abs(pixels("r4")).max() < np.abs(pixels("r")).max()
    im.setscales("uservector", uservector=[0, 3])
    im.setsmallscalebias(0.4)
    assert im.clean("multiscale", niter=5, model="ms.model")["iterations"] == 5
    im.settaylorterms(2)
    assert im.clean("msmfs", niter=5, image="mt.image")["iterations"] == 5


def _components(name: str, pixel: tuple[int, int], flux: float) -> None:
    """A point in the middle of a pixel of the image ``dirty``."""
    ia, cl = image(), componentlist()
    ia.open("dirty")
    where = ia.coordsys().toworld([*pixel, 0, 0], "m")["measure"]["direction"]
    ia.done()
    cl.addcomponent(flux=flux, fluxunit="Jy", polarization="Stokes", dir=where, shape="point", freq="1.4GHz")
    cl.rename(name)
    cl.done()


def test_fixed_models_and_components(im: imager) -> None:
    """What is fixed stays; components are taken away from the data and come back in the restored image."""
    im.makeimage("observed", "dirty")
    peak = tuple(int(v) for v in np.unravel_index(pixels("dirty").argmax(), pixels("dirty").shape))
    im.clean("hogbom", niter=30, model="m", image="i", residual="r")
    before = pixels("m").copy()
    found = im.clean("hogbom", niter=30, model="m", keepfixed=[True], image="fixed.i", residual="fixed.r")
    assert found["iterations"] == 0 and np.array_equal(pixels("m"), before)
    assert found["maxresidual"] == pytest.approx(np.abs(pixels("r")).max(), rel=1e-4)
    np.testing.assert_allclose(pixels("fixed.r"), pixels("r"), atol=1e-4 * pixels("i").max())
    np.testing.assert_allclose(pixels("fixed.i"), pixels("i"), atol=1e-4 * pixels("i").max())
    flux = float(pixels("dirty")[peak])
    _components("c.cl", peak, flux)
    assert im.residual(complist="c.cl", image="without")
    # The dirty image less the point spread function about the component.
    im.makeimage("psf", "psf")
    shifted = np.roll(pixels("psf"), (peak[0] - 24, peak[1] - 24), (0, 1))
    inner = np.s_[14:34, 14:34]
    np.testing.assert_allclose(pixels("without")[inner], (pixels("dirty") - flux * shifted)[inner], atol=2e-3 * flux)
    im.clean("hogbom", niter=30, model="m2", complist="c.cl", image="i2", residual="r2")
    assert abs(pixels("m2")[peak]) < 0.2 * before[peak]
    assert im.restore("m2", complist="c.cl", residual="r2", image="i3")
    np.testing.assert_allclose(pixels("i3"), pixels("i2"), atol=1e-4 * flux)
    assert pixels("i2")[peak] == pytest.approx(flux + pixels("r2")[peak], abs=0.15 * flux)
    im.updateresidual("m2", complist="c.cl", residual="r4", image="i4")
    np.testing.assert_allclose(pixels("i4"), pixels("i2"), atol=1e-3 * flux)


def test_several_fields_are_cleaned_together(im: imager) -> None:
    im.makeimage("observed", "dirty")
    im.make("a")
    ia = image()
    ia.open("dirty")
    corner = ia.coordsys().toworld([10, 34, 0, 0], "m")["measure"]["direction"]
    ia.done()
    im.defineimage(**{**IMAGE, "nx": 20, "phasecenter": corner})
    im.make("b")
    im.defineimage(**IMAGE)
    found = im.clean("hogbom", niter=40, model=["a", "b"], image=["a.i", "b.i"], residual=["a.r", "b.r"])
    assert found["iterations"] >= 40 and pixels("b.i").shape == (20, 20)
    # Each residual image holds what both models leave of the data.
    assert found["maxresidual"] == pytest.approx(max(np.abs(pixels(f"{n}.r")).max() for n in "ab"), rel=1e-5)
    np.testing.assert_allclose(pixels("b.r")[5:15, 5:15], pixels("a.r")[5:15, 29:39], atol=0.02 * pixels("a.i").max())
    kept = pixels("a").copy()
    assert kept.any()
    assert im.clean("hogbom", niter=10, model=["a", "b"], keepfixed=[True, False])["iterations"] >= 10
    assert np.array_equal(pixels("a"), kept)


def test_rows_of_an_expression(im: imager) -> None:
    """Rows that TaQL chooses, in images of all kinds."""
    im.selectvis(field=0, taql="ANTENNA1 != 2 && ANTENNA2 != 2")
    im.makeimage("psf", "part.psf")
    im.clean("hogbom", niter=1, psfimage="cleaned.psf")
    np.testing.assert_allclose(pixels("cleaned.psf"), pixels("part.psf"), atol=1e-6)
    im.selectvis(field=0, baseline="!2")
    im.makeimage("psf", "same.psf")
    np.testing.assert_allclose(pixels("same.psf"), pixels("part.psf"), atol=1e-6)
    im.selectvis(field=0)
    im.makeimage("psf", "all.psf")
    assert np.abs(pixels("all.psf") - pixels("part.psf")).max() > 0.01


def test_mosaics(im: imager) -> None:
    im.setoptions(ftmachine="mosaic", pblimit=0.3)
    im.makeimage("observed", "o")
    im.clean("hogbom", niter=20, image="i")
    tclean(
        "sim.ms", imagename="t", field="0", imsize=48, cell="12arcsec", datacolumn="data", gridder="mosaic", pblimit=0.3, niter=20
    )
    np.testing.assert_allclose(pixels("i"), pixels("t.image"), atol=1e-5)
    im.setoptions(ftmachine="awproject", aterm=False, psterm=True)
    im.makeimage("observed", "plain")
    im.setoptions(ftmachine="awproject")
    im.makeimage("observed", "seen")
    assert np.abs(pixels("seen") - pixels("plain")).max() > 1e-3


def test_an_object_is_followed(im: imager) -> None:
    im.defineimage(**{**IMAGE, "phasecenter": "", "movingsource": "SUN"})
    with pytest.raises(CasaError, match="more than 90 degrees"):
        im.makeimage("observed", "x")


def test_selections_tapers_and_cubes(im: imager) -> None:
    im.makeimage("psf", "all.psf")
    im.filter("gaussian", "120arcsec", "120arcsec", "0deg")
    im.weight("uniform")  # keeps the taper
    im.makeimage("psf", "tapered.psf")
    assert im.fitpsf("tapered.psf")[1]["value"] > im.fitpsf("all.psf")[1]["value"]
    im.uvrange(0.0, 500.0)
    im.makeimage("psf", "short.psf")
    im.uvrange(500.0)
    im.makeimage("psf", "long.psf")
    assert im.fitpsf("short.psf")[1]["value"] > im.fitpsf("long.psf")[1]["value"]
    im.uvrange()
    im.selectvis(field=[0], spw=[0], nchan=[2], start=[1], step=[1], scan="", time="", baseline="*")
    im.defineimage(**{**IMAGE, "mode": "channel", "nchan": 2, "start": 1, "step": 1})
    im.makeimage("observed", "cube.im")
    assert pixels("cube.im").shape == (48, 48, 2)
    assert im.make("blank.im") and not pixels("blank.im").any() and pixels("blank.im").shape == (48, 48, 2)


def test_advice(im: imager) -> None:
    good, npix, cell, facets, centre = im.advise(takeadvice=True, fieldofview="30arcmin")
    assert good and npix >= 64 and facets == 1 and centre.startswith("J2000 ")
    im.makeimage("psf", "advised.psf")
    assert pixels("advised.psf").shape == (npix, npix)
    tb = table()
    tb.open("sim.ms")
    uvw = tb.getcol("UVW")[:2, tb.getcol("FIELD_ID") == 0]
    tb.close()
    tb.open("sim.ms/SPECTRAL_WINDOW")
    highest = tb.getcol("CHAN_FREQ").max()
    tb.close()
    assert cell["value"] == pytest.approx(np.rad2deg(0.5 * 299792458.0 / np.abs(uvw).max() / highest) * 3600, rel=1e-6)
    found = im.advisechansel(getfreqrange=True, spwselection="0")
    assert found["freqend"] == pytest.approx(highest, rel=1e-4) and found["freqend"] > found["freqstart"]
    channels = im.advisechansel(found["freqstart"], found["freqend"], 1e6)
    assert list(channels["ms_0"]["nchan"]) == [4]


@pytest.mark.parametrize("scratch", [False, True])
def test_models(im: imager, scratch: bool) -> None:
    """Models go to MODEL_DATA where scratch columns are asked for, and are recipes without; images of them are the same."""
    tb = table()
    tb.open("sim.ms", nomodify=False)
    tb.removecols([name for name in tb.colnames() if name == "MODEL_DATA"])
    tb.close()
    im.clean("clark", niter=20, model="m")
    im.selectvis(field=0, spw=0, usescratch=scratch)
    assert im.ft("m")
    tb.open("sim.ms")
    assert ("MODEL_DATA" in tb.colnames()) == scratch
    mine = tb.getcol("FIELD_ID") == 0
    if scratch:
        assert np.abs(tb.getcol("MODEL_DATA")[..., mine]).max() == pytest.approx(abs(pixels("m").sum()), rel=0.2)
    tb.close()
    im.makeimage("model", "predicted.im")
    assert pixels("predicted.im").max() == pytest.approx(pixels("m").max(), rel=0.5)
    found = im.setjy(field=0, spw=0, fluxdensity=[5.0, 0, 0, 0])
    assert found["0"]["0"]["fluxd"][0] == pytest.approx(5.0)
    im.makeimage("model", "model.im")
    assert pixels("model.im").max() == pytest.approx(5.0, rel=0.01)
    im.makeimage("residual", "left.im")
    im.pb("model.im", "seen.im")
    im.pb("seen.im", "back.im", operation="correct")
    assert np.allclose(pixels("back.im"), pixels("model.im"), atol=1e-4)


def test_beams_about_other_directions(im: imager) -> None:
    """Images and components, where the antennas point, or elsewhere."""
    im.makeimage("observed", "dirty")
    im.exprmask("ones", 1.0)
    im.pb("ones", "seen")
    ia = image()
    ia.open("dirty")
    there = ia.coordsys().toworld([12, 30, 0, 0], "m")["measure"]["direction"]
    ia.done()
    im.pb("ones", "moved", pointingcenter=there, parangle="30deg")
    np.testing.assert_allclose(pixels("moved")[12:36, 30:], pixels("seen")[24:48, 24:42], atol=1e-5)
    _components("c.cl", (12, 30), 2.0)
    im.pb(incomps="c.cl", outcomps="seen.cl")
    im.pb(incomps="seen.cl", outcomps="back.cl", operation="correct")
    im.pb("ones", "moved2", "c.cl", "same.cl", pointingcenter=there)
    flux = {}
    for name in ("seen", "back", "same"):
        cl = componentlist()
        cl.open(f"{name}.cl")
        flux[name] = cl.getfluxvalue(0)[0]
        cl.done()
    assert flux["seen"] == pytest.approx(2.0 * pixels("seen")[12, 30], rel=1e-3) and flux["seen"] < 1.999
    assert flux["back"] == pytest.approx(2.0, rel=1e-6) and flux["same"] == pytest.approx(2.0, rel=1e-6)
    _components("far.cl", (24, 24), 2.0)
    im.selectvis(field=1)
    if pixels("seen").min() < 1.0:
        im.pb(incomps="far.cl", outcomps="far2.cl", pointingcenter="J2000 15h00m00 -30d00m00")
    with pytest.raises(DataError, match="zero"):
        im.pb(incomps="far2.cl", outcomps="x", operation="correct", pointingcenter="J2000 15h00m00 -30d00m00")


def test_masks(im: imager) -> None:
    im.boxmask("box", [3, 4, 0, 0], [10, 12, 0, 0])
    assert pixels("box").sum() == 8 * 9 and pixels("box")[3, 4] == 1
    im.regionmask("shapes", boxes=[[0, 0, 1, 1]], circles=[[2, 20, 20]], value=2.0)
    assert pixels("shapes").sum() == 2 * (4 + 13)
    im.regiontoimagemask("box", boxes=[[40, 40, 40, 41]])
    assert pixels("box").sum() == 74
    im.makeimage("observed", "o.im")
    level = 0.5 * float(pixels("o.im").max())
    im.mask("o.im", "above", f"{level}Jy")
    im.exprmask("expr", f"'o.im' > {level}")
    assert 0 < pixels("above").sum() < 2304 and np.array_equal(pixels("expr"), pixels("above"))
    im.exprmask("ones", 1.0)
    assert pixels("ones").all()
    im.clipimage("o.im", f"{level}Jy")
    assert np.array_equal(pixels("o.im") > 0, pixels("above") > 0)


def test_extent_of_pointings(im: imager) -> None:
    tb = table()
    tb.open("sim.ms/POINTING", nomodify=False)
    rows = tb.nrows()
    if not rows:
        with pytest.raises(DataError, match="POINTING"):
            im.mapextent()
        tb.addrows(3)
    angles = np.array([[[1.0, 1.001, 1.0005]], [[0.5, 0.5, 0.502]]]).reshape(2, 1, 3)
    for column in ("DIRECTION", "TARGET"):
        for row in range(3):
            tb.putcell(column, row, angles[:, :, row])
    if rows > 3:
        tb.removerows(list(range(3, rows)))
    tb.close()
    found = im.mapextent("J2000")
    assert found["status"] and found["center"] == pytest.approx([1.0005, 0.501])
    assert found["extent"] == pytest.approx([0.001 * np.cos(0.501), 0.002])


REFUSED: list[tuple[str, dict[str, Any], type[CasaError]]] = [
    ("open", {"thems": ""}, ParameterError), ("open", {"thems": "no.ms"}, PathMissingError),
    ("selectvis", {"taql": "NO_COLUMN > 1"}, SelectionError), ("selectvis", {"field": 99}, SelectionError),
    ("selectvis", {"spw": [0], "nchan": [2, 3], "start": [0, 0]}, ParameterError),
    ("defineimage", {}, ParameterError), ("defineimage", {**IMAGE, "mode": "other"}, ParameterError),
    ("defineimage", {**IMAGE, "distance": "-1km"}, ParameterError), ("defineimage", {**IMAGE, "cellx": "1Jy"}, ParameterError),
    ("weight", {"fieldofview": "1Jy"}, CasaError), ("filter", {}, ParameterError), ("setbeam", {}, ParameterError),
    ("setbeam", {"bmaj": "1arcsec", "bmin": "2arcsec"}, ParameterError), ("setoptions", {"ftmachine": "pbwproject"}, UnsupportedError),
    ("setoptions", {"applypointingoffsets": True}, UnsupportedError), ("setvp", {"telescope": "NOWHERE"}, ParameterError), ("setoptions", {"location": [1.0]}, ParameterError),
    ("makeimage", {}, ParameterError), ("makeimage", {"type": "other", "image": "x"}, ParameterError),
    ("makeimage", {"type": "pb", "image": "x"}, ParameterError), ("makeimage", {"type": "singledish", "image": "x"}, ParameterError),
    ("makeimage", {"image": "x", "compleximage": "sim.ms"}, OutputExistsError), ("makeimage", {"image": "sim.ms"}, OutputExistsError),
    ("make", {}, ParameterError), ("clean", {"algorithm": "other"}, ParameterError), ("clean", {"interactive": True}, UnsupportedError),
    ("clean", {"keepfixed": [True]}, PathMissingError), ("clean", {"masktemplate": "x"}, ParameterError), ("clean", {"complist": "x.cl"}, PathMissingError),
    ("clean", {"model": ["a", "b"]}, PathMissingError), ("clean", {"model": ["a", "b"], "image": ["c"]}, ParameterError),
    ("clean", {"model": ["a", "b"], "keepfixed": [True] * 3}, ParameterError), ("clean", {"mask": ["a", "b"]}, ParameterError), ("residual", {}, ParameterError), ("residual", {"model": "no", "image": "x"}, PathMissingError),
    ("updateresidual", {}, ParameterError), ("restore", {}, ParameterError), ("smooth", {}, ParameterError),
    ("pb", {}, ParameterError), ("pb", {"incomps": "x"}, ParameterError), ("pb", {"incomps": "no.cl", "outcomps": "x"}, PathMissingError),
    ("pb", {"pborvp": "vp"}, UnsupportedError), ("feather", {}, ParameterError), ("feather", {"image": "x", "highres": "a", "lowres": "b", "lowpsf": "x"}, PathMissingError),
    ("ft", {"complist": "none.cl"}, PathMissingError), ("mapextent", {"movingsource": "NOBODY"}, CasaError),
    ("predictcomp", {}, ParameterError), ("predictcomp", {"objname": "Mars"}, ParameterError),
    ("predictcomp", {"objname": "Mars", "epoch": "2016/06/10", "freqs": [1e11, 2e11, 4e11]}, ParameterError),
    ("boxmask", {}, ParameterError), ("mask", {}, ParameterError), ("regionmask", {"mask": "x", "boxes": [[1, 2]]}, ParameterError),
    ("fitpsf", {"psf": "no.psf"}, PathMissingError), ("regiontoimagemask", {"mask": "no"}, PathMissingError),
]  # fmt: skip


@pytest.mark.parametrize(("name", "given", "kind"), REFUSED)
def test_refusals(im: imager, name: str, given: dict[str, Any], kind: type[CasaError]) -> None:
    with pytest.raises(kind):
        getattr(im, name)(**given)
    assert not os.path.exists("x")


def test_nothing_open_or_defined(im: imager) -> None:
    assert im.stop() is False
    im.open("sim.ms")
    im.settaylorterms(2, 1.4e9)  # defines no image
    with pytest.raises(NotOpenError, match="defineimage"):
        im.makeimage("observed", "x")
    im.close()
    for name in ("summary", "uvrange", "weight"):
        with pytest.raises(NotOpenError, match="open"):
            getattr(im, name)()
    assert not os.path.exists("x")
