"""sdintimaging recovers what an interferometer alone misses, and refuses what does not fit."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatasks import sdintimaging, tclean
from casatools import image, table
from casatools._base.errors import CasaError, DataError, ParameterError, PathMissingError, UnsupportedError
from casatools.imaging import joint_run, tclean_run
from casatools.imaging.checkpoint import Checkpoint
from casatools.imaging.cycle_control import CycleControl
from casatools.simulation.demo import DemoOptions, make_demo

C = 299792458.0
CELL_ARCSEC, SIZE, FLUX = 12.0, 96, 3.0
CELL = np.deg2rad(CELL_ARCSEC / 3600)
WIDTH_ARCSEC, DISH_ARCSEC = 260.0, 180.0
WAYS: dict[str, Any] = {
    "vis": "sim.ms", "field": "0", "imsize": SIZE, "cell": f"{CELL_ARCSEC}arcsec", "specmode": "cube", "outframe": "TOPO", "pblimit": -0.1,
    "deconvolver": "multiscale", "scales": [0, 6, 16],
}  # fmt: skip


def gaussian(width_arcsec: float) -> np.ndarray:
    """A Gaussian of peak 1 on the pixels (x, y)."""
    at = (np.arange(SIZE) - SIZE // 2) * CELL_ARCSEC
    return np.exp(-4 * np.log(2) * (at[:, None] ** 2 + at[None] ** 2) / width_arcsec**2)


def pixels(name: str) -> np.ndarray:
    ia = image()
    ia.open(name)
    try:
        return np.asarray(ia.getchunk())
    finally:
        ia.close()


def write_image(name: str, values: np.ndarray, beam: bool = True, unit: str = "Jy/beam") -> None:
    shutil.copytree("template.residual", name)
    ia = image()
    ia.open(name)
    ia.putchunk(values)
    ia.setbrightnessunit(unit)
    if beam:
        ia.setrestoringbeam(major=f"{DISH_ARCSEC}arcsec", minor=f"{DISH_ARCSEC}arcsec", pa="0deg")
    ia.close()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data of a Gaussian that the interferometer resolves, and a single dish's cube of it."""
    path = tmp_path_factory.mktemp("joint")
    before = os.getcwd()
    os.chdir(path)
    try:
        make_demo("sim.ms", DemoOptions(antennas_per_arm=5, cycles=2, nchan=3))
        tb, spw = table(), table()
        tb.open("sim.ms", nomodify=False)
        spw.open("sim.ms/SPECTRAL_WINDOW")
        freq = spw.getcol("CHAN_FREQ")[:, 0]
        spw.close()
        uvw = tb.getcol("UVW")
        distance = np.hypot(uvw[0], uvw[1])[None] * freq[:, None] / C
        size = np.deg2rad(WIDTH_ARCSEC / 3600)
        vis = FLUX * np.exp(-((np.pi * size * distance) ** 2) / (4 * np.log(2)))
        tb.putcol("DATA", np.repeat(vis[None], len(tb.getcell("DATA", 0)), axis=0).astype(np.complex64))
        tb.close()
        tclean(imagename="template", niter=0, restoration=False, **WAYS)
        shape = pixels("template.residual").shape
        # A point source has a peak of its flux density: the area of the beams gives the peak of the convolved Gaussian.
        seen = np.hypot(WIDTH_ARCSEC, DISH_ARCSEC)
        plane = FLUX * (DISH_ARCSEC / seen) ** 2 * gaussian(seen)
        write_image("sd.im", np.broadcast_to(plane[:, :, None, None], shape))
        write_image("sd.psf", np.broadcast_to(gaussian(DISH_ARCSEC)[:, :, None, None], shape))
        write_image("bare.im", np.broadcast_to(plane[:, :, None, None], shape), beam=False)
        write_image("kelvin.im", np.zeros(shape), unit="K")
        write_image("off.psf", np.broadcast_to(np.roll(gaussian(DISH_ARCSEC), 3, axis=0)[:, :, None, None], shape))
        ia = image()
        ia.fromshape("few.im", [SIZE, SIZE, 1, 1], overwrite=True)
        ia.setbrightnessunit("Jy/beam")
        ia.setrestoringbeam(major="180arcsec", minor="180arcsec", pa="0deg")
        ia.close()
    finally:
        os.chdir(before)
    return path


@pytest.fixture(autouse=True)
def _data(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)


def total(name: str) -> np.ndarray:
    """Flux density of each channel of a model."""
    return pixels(name).sum(axis=(0, 1)).ravel()


def test_joint_cube_recovers_the_total_flux_density_that_the_interferometer_misses() -> None:
    more = {"niter": 400, "gain": 0.3, "cycleniter": 100, "nmajor": 6}
    done = sdintimaging(usedata="sdint", sdimage="sd.im", imagename="both", **WAYS, **more)
    sdintimaging(usedata="int", imagename="alone", **WAYS, **more)
    assert done["iterdone"] > 0
    np.testing.assert_allclose(total("both.joint.cube.model"), FLUX, rtol=0.05)
    assert (np.abs(total("alone.joint.cube.model") - FLUX) > 0.2 * FLUX).all()
    for name in (
        "int.cube.psf",
        "int.cube.pb",
        "int.cube.sumwt",
        "sd.cube.image",
        "sd.cube.psf",
        "sd.cube.residual",
        "joint.cube.image",
    ):
        assert os.path.isdir(f"both.{name}")
    assert not os.path.exists("alone.sd.cube.image")


def test_one_pointing_sees_the_sky_through_its_primary_beam() -> None:
    """An extended source in the primary beam: the single dish sees all of it, the interferometer what its beam leaves; the sky is the model divided by the beam."""
    width = 500.0
    power = pixels("template.pb")[:, :, 0, 0]
    shape = gaussian(width)
    sky = FLUX * shape / shape.sum()
    at = (np.arange(SIZE) - SIZE // 2) * CELL
    tb, spw = table(), table()
    spw.open("sim.ms/SPECTRAL_WINDOW")
    freq = spw.getcol("CHAN_FREQ")[:, 0]
    spw.close()
    tb.open("sim.ms", nomodify=False)
    u, v, _ = tb.getcol("UVW")
    # Pixels in x go to the west.
    east, north = (np.exp(2j * np.pi * freq[1] / C * np.outer(w, sign * at)) for w, sign in ((u, -1), (v, 1)))
    vis = np.einsum("rx,xy,ry->r", east, sky * power, north, optimize=True)
    tb.putcol("DATA", np.broadcast_to(vis, tb.getcol("DATA").shape).astype(np.complex64))
    tb.close()
    seen = np.hypot(width, DISH_ARCSEC)
    plane = FLUX * (DISH_ARCSEC / seen) ** 2 * gaussian(seen)
    write_image("wide.im", np.broadcast_to(plane[:, :, None, None], pixels("template.residual").shape))
    more = {"niter": 400, "gain": 0.3, "cycleniter": 100, "nmajor": 6, "scales": [0, 6, 16, 32]}
    sdintimaging(usedata="sdint", sdimage="wide.im", imagename="w", **{**WAYS, **more})
    found = (pixels("w.joint.cube.model")[:, :, 0, 1] / power).sum()
    assert (sky * power).sum() < 0.955 * FLUX
    np.testing.assert_allclose(found, FLUX, rtol=0.015)


@pytest.mark.parametrize("gridder", ["mosaic", "awproject"])
def test_joint_mosaics(gridder: str) -> None:
    """The sky is seen through the primary beams of the interferometer: flux densities are those of the model divided by them."""
    more = {**WAYS, "niter": 400, "gain": 0.3, "cycleniter": 100, "nmajor": 6, "gridder": gridder}
    sdintimaging(usedata="sdint", sdimage="sd.im", imagename="both", **more)
    power = pixels("both.joint.cube.pb")
    assert power == pytest.approx(pixels("both.int.cube.pb")) and os.path.isdir("both.int.cube.weight")
    sky = np.where(power > 0.1, pixels("both.joint.cube.model") / np.maximum(power, 0.1), 0.0)
    np.testing.assert_allclose(sky.sum(axis=(0, 1)).ravel(), FLUX, rtol=0.06)


def test_joint_mosaics_of_taylor_terms() -> None:
    more = {**WAYS, "specmode": "mfs", "deconvolver": "mtmfs", "nterms": 1, "niter": 400, "gain": 0.3, "gridder": "mosaic"}
    sdintimaging(usedata="sdint", sdimage="sd.im", imagename="mt", **more)
    power, model = pixels("mt.joint.multiterm.pb.tt0"), pixels("mt.joint.multiterm.model.tt0")
    assert power.max() == pytest.approx(1.0, abs=1e-3) and (power < 1).any()
    assert (np.where(power > 0.1, model / np.maximum(power, 0.1), 0.0)).sum() == pytest.approx(FLUX, rel=0.1)


def test_taylor_terms_of_a_flat_spectrum_hold_the_total_flux_density() -> None:
    terms = WAYS | {"specmode": "mfs", "deconvolver": "mtmfs", "nterms": 1, "niter": 120, "gain": 0.4, "cycleniter": 40}
    sdintimaging(sdimage="sd.im", sdpsf="sd.psf", imagename="mt", **terms)
    np.testing.assert_allclose(total("mt.joint.multiterm.model.tt0"), FLUX, rtol=0.05)
    np.testing.assert_allclose(total("mt.joint.cube.model"), FLUX, rtol=0.05)
    for name in ("psf.tt0", "residual.tt0", "image.tt0", "pb.tt0", "sumwt.tt0", "mask"):
        assert os.path.isdir(f"mt.joint.multiterm.{name}")


@pytest.mark.parametrize("deconvolver", ["hogbom", "clark", "multiscale", "mem", "asp"])
def test_each_deconvolver_makes_a_continuum_image_of_both(deconvolver: str) -> None:
    """Flux densities are those of both telescopes; CASA has mtmfs alone here."""
    more = {"specmode": "mfs", "deconvolver": deconvolver, "scales": [0, 6, 16] if deconvolver == "multiscale" else []}
    niter = {"mem": 40, "asp": 60, "multiscale": 120}.get(deconvolver, 4000)
    done = sdintimaging(sdimage="sd.im", imagename="c", **{**WAYS, **more, "niter": niter, "gain": 0.3, "threshold": "5mJy"})
    assert done["iterdone"] > 0 and pixels("c.joint.cont.psf").shape == (SIZE, SIZE, 1, 1)
    assert np.abs(pixels("c.joint.cont.residual")).max() < 0.2 * FLUX
    # Points that are to make up a smooth source are not through yet.
    np.testing.assert_allclose(total("c.joint.cont.model"), FLUX, rtol=0.2 if deconvolver in ("hogbom", "clark") else 0.08)
    np.testing.assert_allclose(total("c.joint.cube.model"), total("c.joint.cont.model")[0], rtol=1e-5)


def test_a_continuum_image_of_a_mosaic() -> None:
    more = {**WAYS, "specmode": "mfs", "niter": 120, "gain": 0.4, "gridder": "mosaic"}
    sdintimaging(sdimage="sd.im", imagename="c", **more)
    power, model = pixels("c.joint.cont.pb"), pixels("c.joint.cont.model")
    assert power.max() == pytest.approx(1.0, abs=1e-3) and (power < 1).any()
    assert (np.where(power > 0.1, model / np.maximum(power, 0.1), 0.0)).sum() == pytest.approx(FLUX, rel=0.1)


class _Page:
    def __init__(self, images: Any) -> None:
        self.images = images

    def steer(self, control: CycleControl, why: str) -> bool:
        self.images[0].deconvolver.planes.mask[:, :, SIZE // 2 - 8 : SIZE // 2 + 8, SIZE // 2 - 8 : SIZE // 2 + 8] = True
        return not control.majors > 2

    def close(self) -> None:
        pass


def test_a_person_draws_the_mask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joint_run, "require_person", lambda what: None)
    monkeypatch.setattr(tclean_run, "steering", _Page)
    done = sdintimaging(
        sdimage="sd.im", imagename="i", **{**WAYS, "niter": 100, "cycleniter": 5, "interactive": True, "scales": []}
    )
    mask = pixels("i.joint.cube.mask")
    assert mask.sum() == 16 * 16 * 3 and (pixels("i.joint.cube.model")[mask == 0] == 0).all() and done["stopcode"] == 3


def add_point(vis: str, east: int, north: int) -> None:
    """A point of 1 Jy some pixels from the centre: without it components on either side of it are equal but for rounding."""
    tb = table()
    tb.open(f"{vis}/SPECTRAL_WINDOW")
    freq = tb.getcol("CHAN_FREQ")[:, 0]
    tb.open(vis, nomodify=False)
    uvw = tb.getcol("UVW")
    tb.putcol(
        "DATA",
        (tb.getcol("DATA") + np.exp(2j * np.pi * np.outer(freq, uvw[0] * east + uvw[1] * north) * CELL / C)).astype(np.complex64),
    )
    tb.close()


def test_a_killed_run_goes_on_to_the_same_images(monkeypatch: pytest.MonkeyPatch) -> None:
    add_point("sim.ms", 7, 5)
    ways = {"sdimage": "sd.im", **WAYS, "niter": 12, "cycleniter": 4, "scales": []}
    whole = sdintimaging(imagename="w", **ways)
    with monkeypatch.context() as patch:
        save = Checkpoint.save

        def killed(self: Checkpoint, *given: Any) -> None:
            save(self, *given)
            raise KeyboardInterrupt

        patch.setattr(Checkpoint, "save", killed)
        with pytest.raises(KeyboardInterrupt):
            sdintimaging(imagename="k", **ways)
    assert os.path.isfile("k.joint.cube.checkpoint") and not os.path.isdir("k.joint.cube.image")
    record = sdintimaging(imagename="k", **ways)
    assert record["iterdone"] == whole["iterdone"] and record["nmajordone"] == whole["nmajordone"]
    np.testing.assert_allclose(pixels("k.joint.cube.image"), pixels("w.joint.cube.image"), atol=1e-6)
    assert not os.path.exists("k.joint.cube.checkpoint")


def test_what_is_there_is_not_made_again() -> None:
    """calcres=False and calcpsf=False take point spread functions and residuals of the run before."""
    ways = {"sdimage": "sd.im", "imagename": "r", **WAYS, "scales": []}
    sdintimaging(**ways)
    kinds = ("joint.cube.residual", "joint.cube.psf", "int.cube.residual", "sd.cube.residual")
    before = {kind: pixels(f"r.{kind}") for kind in kinds}
    ia = image()
    ia.open("r.joint.cube.psf")
    ia.putchunk(before["joint.cube.psf"] * 0.5)
    ia.close()
    sdintimaging(**ways, calcres=False, calcpsf=False)
    for kind in kinds:
        np.testing.assert_allclose(
            pixels(f"r.{kind}"), before[kind] * (0.5 if kind.endswith("psf") else 1.0), rtol=1e-6, atol=1e-7
        )
    ia.open("r.joint.cube.psf")
    ia.putchunk(before["joint.cube.psf"])
    ia.close()
    done = sdintimaging(**{**ways, "niter": 4}, calcres=False, calcpsf=False)
    assert done["nmajordone"] == 1 and np.abs(pixels("r.joint.cube.residual")).max() < np.abs(before["joint.cube.residual"]).max()


def test_two_terms_make_a_spectral_index() -> None:
    terms = WAYS | {"specmode": "mfs", "deconvolver": "mtmfs", "nterms": 2, "scales": []}
    sdintimaging(sdimage="sd.im", imagename="mt", **terms)
    assert os.path.isdir("mt.joint.multiterm.alpha") and os.path.isdir("mt.joint.multiterm.psf.tt2")
    psf, cube = pixels("mt.joint.multiterm.psf.tt0"), pixels("mt.joint.cube.psf")
    weight = pixels("mt.int.cube.sumwt").ravel()
    np.testing.assert_allclose(psf[..., 0], (cube * weight).sum(axis=3) / weight.sum(), atol=1e-5)


def test_the_single_dish_alone_and_its_gain() -> None:
    sdintimaging(usedata="sd", sdimage="sd.im", sdgain=2.0, imagename="t", restoration=False, **WAYS)
    np.testing.assert_allclose(pixels("t.joint.cube.psf"), pixels("sd.psf"), atol=1e-5)
    np.testing.assert_allclose(pixels("t.joint.cube.residual"), pixels("t.sd.cube.residual"), rtol=1e-4, atol=1e-6)


def test_an_effective_diameter_and_a_gain_change_the_joint_beam_at_large_scales() -> None:
    sdintimaging(sdimage="sd.im", imagename="own", restoration=False, **WAYS)
    sdintimaging(sdimage="sd.im", dishdia=20.0, sdgain=1.5, imagename="less", restoration=False, **WAYS)
    own, less = (pixels(f"{n}.joint.cube.psf")[..., 0, 0] for n in ("own", "less"))
    assert less.max() == pytest.approx(1.0, abs=1e-5) == own.max()
    assert less.sum() > 1.3 * own.sum()


def test_restart_goes_on_from_the_model_and_otherwise_takes_a_free_name() -> None:
    ways = {"sdimage": "sd.im", "imagename": "r", "restoration": False, **WAYS, "niter": 4, "scales": []}
    sdintimaging(**ways)
    first = total("r.joint.cube.model").sum()
    sdintimaging(**ways, restart=False)
    assert total("r_2.joint.cube.model").sum() == pytest.approx(first, rel=1e-4)
    sdintimaging(**ways)
    assert total("r.joint.cube.model").sum() > 1.2 * first


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"sdimage": ""}, ParameterError, "sdimage"),
        ({"sdimage": "no.im"}, PathMissingError, "no.im"),
        ({"sdpsf": "no.psf"}, PathMissingError, "no.psf"),
        ({"vis": "no.ms"}, CasaError, "no.ms"),
        ({"sdgain": -1.0}, ParameterError, "sdgain"),
        ({"dishdia": -1.0}, ParameterError, "dishdia"),
        ({"dishdia": 1000.0}, ParameterError, "dishdia"),
        ({"sdimage": "few.im"}, DataError, "channels"),
        ({"sdimage": "bare.im"}, DataError, "sdpsf"),
        ({"sdimage": "kelvin.im"}, DataError, "Jy/beam"),
        ({"sdpsf": "off.psf"}, DataError, "peak"),
        ({"start": 1, "nchan": 2, "sdimage": "few.im"}, DataError, "channels"),
        ({"start": "1.0GHz", "width": "1MHz", "nchan": 3}, CasaError, "Hz"),
        ({"deconvolver": "mtmfs"}, ParameterError, "mtmfs"),
        ({"interactive": True}, UnsupportedError, "sdintimaging: interactive"),
        ({"calcpsf": False}, DataError, "calcpsf"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_written(change: dict[str, Any], error: type[Exception], words: str) -> None:
    before = set(os.listdir())
    with pytest.raises(error, match=words):
        sdintimaging(**({"sdimage": "sd.im", "imagename": "t"} | WAYS | change))
    assert set(os.listdir()) - before <= {"casa.log"}
