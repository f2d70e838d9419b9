"""tclean: psfsidelobe too high; pbmask default; ~50 mas offset; niter int32; mtmfs nterms=1 cube parallel; awproject+virtual model; mosaic nchan=-1 segfault;
outlier/PB mask; too many open files; topo-frequency spread blows memory; models of flagged data; startmodel of another cell; gridwt -> empty beam."""

from __future__ import annotations

import resource
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from scipy.ndimage import map_coordinates
from scipy.optimize import least_squares

from casatasks import exportfits, flagdata, imfit, imhead, tclean, uvsub
from casatools import synthesisdeconvolver, table
from casatools._base.errors import ParameterError
from casatools.frames.directions import Direction, convert_direction
from casatools.frames.observatories import observatory_position
from casatools.imaging.beam_fit import fit_beam, sidelobe_level
from support.images import pixels
from support.memory import forget_peak, peak_mb
from support.point_source import make_point_source

SIZE, CELL_ARCSEC = 128, 6.0
CELL_RAD = np.deg2rad(CELL_ARCSEC / 3600)
# Between pixels, 17.3 to the east (left) and 9.6 north of the reference pixel.
PLACE, FLUX = (-17.3, 9.6), 2.5
WAYS: dict[str, Any] = {
    "vis": "sim.ms",
    "field": "0",
    "imsize": SIZE,
    "cell": f"{CELL_ARCSEC}arcsec",
    "specmode": "mfs",
    "weighting": "natural",
}


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tclean_row") / "sim.ms"
    make_point_source(path, (-PLACE[0] * CELL_RAD, PLACE[1] * CELL_RAD), FLUX)
    return path


@pytest.fixture(autouse=True)
def _data(simulated: Path, tmp_path: Path) -> None:
    shutil.copytree(simulated, tmp_path / "sim.ms")


def test_sidelobe_is_that_of_the_psf_beyond_its_main_lobe() -> None:
    tclean(imagename="t", niter=0, **WAYS)
    psf = pixels("t.psf")
    beam = fit_beam(psf.T, (CELL_RAD, CELL_RAD))
    # The main lobe ends where the core, walked outwards along the rays of 1 degree, has its first minimum.
    angles, reach = np.deg2rad(np.arange(360)), np.arange(0, 30, 0.25)
    x, y = 64 + np.outer(np.cos(angles), reach), 64 + np.outer(np.sin(angles), reach)
    rays = psf[np.rint(x).astype(int), np.rint(y).astype(int)]
    end = np.array([reach[np.flatnonzero(np.diff(ray) > 1e-6)[0]] for ray in rays])
    grid = np.indices(psf.shape) - 64
    around = np.hypot(*grid) > end[(np.rad2deg(np.arctan2(grid[1], grid[0])).astype(int)) % 360] + 1
    level = sidelobe_level(psf.T, beam, (CELL_RAD, CELL_RAD))
    assert level <= np.abs(psf[around]).max() * 1.02
    assert level >= 0.8 * np.abs(psf[around & (np.hypot(*grid) < 40)]).max()


def moved(plane: np.ndarray, psf: np.ndarray, near: tuple[int, int]) -> np.ndarray:
    """Where a plane (x, y) has its point source [pixel]: the point spread function's core, moved by splines, fitted to its peak."""
    x, y = np.mgrid[near[0] - 4 : near[0] + 5, near[1] - 4 : near[1] + 5]
    middle = np.unravel_index(psf.argmax(), psf.shape)

    def rest(trial: np.ndarray) -> np.ndarray:
        places = np.array([x - trial[0] + middle[0], y - trial[1] + middle[1]]).reshape(2, -1)
        return np.asarray(trial[2] * map_coordinates(psf, places, order=5) - plane[x, y].ravel())

    return np.asarray(least_squares(rest, [near[0], near[1], FLUX], xtol=1e-12, ftol=1e-12).x[:2])


@pytest.mark.parametrize("centre", ["", "J2000 13h32m00s 30d40m00s", "B1950 13h29m00s 30d45m00s", "GALACTIC 56.7deg 80.7deg"])
def test_place_of_a_source_is_right_to_ten_milli_arcseconds(centre: str) -> None:
    """The offset of about 50 mas: whatever the phase centre and its frame, the source is where it was put (pixels by astropy)."""
    east, north = -PLACE[0] * CELL_RAD, PLACE[1] * CELL_RAD
    make_point_source(Path("quiet.ms"), (east, north), FLUX, noise_jy=0.0)
    tb = table()
    tb.open("quiet.ms/FIELD")
    ra, dec = tb.getcol("PHASE_DIR")[:, 0, 0]
    tb.done()
    tb.open("quiet.ms")
    epoch = float(tb.getcell("TIME", 0))  # the axes of B1950 turn slowly against J2000
    tb.done()
    # Direction cosines about the field's centre, to a direction (SIN projection; Thompson, Moran and Swenson 2017, eq. 3.13).
    up = np.sqrt(1 - east**2 - north**2)
    lon, lat = ra + np.arctan2(east, up * np.cos(dec) - north * np.sin(dec)), np.arcsin(north * np.cos(dec) + up * np.sin(dec))
    where = convert_direction(
        Direction(float(lon), float(lat)), centre.split()[0] if centre else "J2000", epoch, observatory_position("VLA")
    )
    tclean(imagename="p", niter=0, gridder="wproject", phasecenter=centre, **{**WAYS, "vis": "quiet.ms", "imsize": 1024})
    exportfits("p.residual", "p.fits", dropdeg=True)
    with fits.open("p.fits") as opened:
        angles = np.rad2deg([[where.lon_rad, where.lat_rad]])
        expected = WCS(opened[0].header, fix=False).wcs_world2pix(angles, 0)[0]
    found = moved(pixels("p.residual"), pixels("p.psf"), (round(expected[0]), round(expected[1])))
    assert np.abs(found - expected).max() * CELL_ARCSEC < 1e-2


def test_model_is_predicted_for_a_centre_in_another_frame() -> None:
    """North of galactic coordinates is not north of the data: the model of an image about such a centre still is the data's."""
    make_point_source(Path("quiet.ms"), (-PLACE[0] * CELL_RAD, PLACE[1] * CELL_RAD), FLUX, noise_jy=0.0)
    ways = {**WAYS, "vis": "quiet.ms", "imsize": 256, "phasecenter": "GALACTIC 56.7deg 80.7deg"}
    tclean(imagename="z", niter=2000, gain=0.3, threshold="5mJy", savemodel="modelcolumn", **ways)
    tb = table()
    tb.open("quiet.ms")
    rows = tb.getcol("FIELD_ID") == 0
    data, model = tb.getcol("DATA")[..., rows], tb.getcol("MODEL_DATA")[..., rows]
    tb.done()
    assert np.abs(data - model).std() < 0.03 * FLUX


def test_default_of_pbmask_cuts_nothing() -> None:
    """usemask='user' with the default pbmask: the mask is the whole image, whatever the primary beam."""
    tclean(imagename="m", niter=5, pblimit=0.2, **WAYS)
    assert (pixels("m.mask") == 1).all()


def test_iterations_beyond_32_bits() -> None:
    done = tclean(imagename="n", niter=2**33, threshold="1.0Jy", **WAYS)
    assert 0 < done["iterdone"] < 2**20 and done["stopcode"] == 2


def test_one_taylor_term_of_a_cube() -> None:
    """Taylor terms of cubes are refused before anything is written, also with one term and over ranks; the reference returns None, or fails over ranks."""
    with pytest.raises(ParameterError, match="mtmfs"):
        tclean(imagename="c", deconvolver="mtmfs", nterms=1, parallel=True, **{**WAYS, "specmode": "cube"})
    assert not list(Path().glob("c.*"))


def test_mosaic_of_all_channels() -> None:
    record = tclean(imagename="a", gridder="mosaic", niter=0, **{**WAYS, "specmode": "cube", "nchan": -1})
    assert record["iterdone"] == 0 and pixels("a.residual").shape == (SIZE, SIZE, 5)


def test_awproject_with_a_virtual_model() -> None:
    """Turning beams of both hands in a model that is no column: the same as in one, and what uvsub takes away."""
    shutil.copytree("sim.ms", "column.ms")
    found = []
    for path, kind in (("sim.ms", "virtual"), ("column.ms", "modelcolumn")):
        tclean(imagename=kind, gridder="awproject", computepastep=5.0, niter=20, savemodel=kind, **{**WAYS, "vis": path})
        uvsub(path)
        tb = table()
        tb.open(path)
        assert ("MODEL_DATA" in tb.colnames()) == (kind == "modelcolumn")
        rows = tb.getcol("FIELD_ID") == 0
        found.append((tb.getcol("DATA") - tb.getcol("CORRECTED_DATA"))[..., rows])
        tb.done()
    assert np.abs(found[1]).max() > 0.5 * FLUX
    np.testing.assert_allclose(found[0], found[1], atol=1e-5 * FLUX)


def test_outlier_field_without_beam_mask() -> None:
    """The primary beam cuts the main image only: an outlier far beyond its limit is cleaned."""
    tb = table()
    tb.open("sim.ms/FIELD")
    ra, dec = tb.getcol("PHASE_DIR")[:, 0, 0]
    tb.done()
    place = f"J2000 {ra - PLACE[0] * CELL_RAD / np.cos(dec)}rad {dec + PLACE[1] * CELL_RAD}rad"
    Path("o.txt").write_text(f"imagename=o.far\nimsize=32\ncell={CELL_ARCSEC}arcsec\nphasecenter={place}\n")
    ways = {**WAYS, "imsize": 16}
    tclean(imagename="o.main", niter=50, outlierfile="o.txt", usemask="pb", pbmask=0.2, pblimit=0.2, **ways)
    assert pixels("o.far.model").sum() == pytest.approx(FLUX, rel=0.2)


def test_cubes_of_many_planes_and_outliers_need_few_files() -> None:
    """Many images at once with room for few open files: each is closed when it is not read or written."""
    lines = [f"imagename=f.{k}\nimsize=16\nphasecenter=J2000 13h{30 + k}m00 30d00m00\n" for k in range(25)]
    Path("many.txt").write_text("\n".join(line.replace("imsize", f"cell={CELL_ARCSEC}arcsec\nimsize") for line in lines))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = len(list(Path("/proc/self/fd").iterdir()))
    resource.setrlimit(resource.RLIMIT_NOFILE, (used + 90, hard))
    try:
        tclean(imagename="f", niter=2, outlierfile="many.txt", **{**WAYS, "imsize": 32})
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert all(Path(f"f.{k}.image").exists() for k in range(25))


def test_topocentric_channels_far_apart_need_no_more_memory() -> None:
    """A cube of two channels holds their planes alone, whatever the spread of the data (60 000 of its channels between them, 4 GB of planes)."""
    ways = {**WAYS, "specmode": "cube", "outframe": "LSRK", "nchan": 2, "start": 0, "width": 2}
    tclean(imagename="narrow", niter=0, **ways)  # kernels are compiled here, which takes memory too
    tb = table()
    tb.open("sim.ms/SPECTRAL_WINDOW", nomodify=False)
    freq = tb.getcol("CHAN_FREQ")
    tb.putcol("CHAN_FREQ", np.linspace(1.0, 2.0, len(freq))[:, None] * 1.4e9)
    tb.done()
    forget_peak()
    before = peak_mb()
    tclean(imagename="w", niter=0, **ways)
    assert pixels("w.residual").shape == (SIZE, SIZE, 2)
    assert peak_mb() - before < 300


def test_model_of_data_flagged_while_it_was_predicted() -> None:
    """Data flagged during imaging and unflagged later have their model (auto_selfcal issue 5)."""
    flagdata("sim.ms", mode="manual", scan="", antenna="VA01", flagbackup=False)
    tclean(imagename="s", niter=30, savemodel="modelcolumn", **WAYS)
    tb = table()
    tb.open("sim.ms")
    model, field = tb.getcol("MODEL_DATA"), tb.getcol("FIELD_ID")
    first = (tb.getcol("ANTENNA1") == 0) | (tb.getcol("ANTENNA2") == 0)
    tb.done()
    strength = np.abs(model[0, 0, field == 0])
    assert (strength[first[field == 0]] > 0.3 * FLUX).mean() > 0.9


def test_start_model_of_another_cell_keeps_its_flux() -> None:
    tclean(imagename="b", niter=200, threshold="0.1Jy", **WAYS)
    model = pixels("b.model").sum()
    coarse = {**WAYS, "imsize": SIZE // 2, "cell": f"{2 * CELL_ARCSEC}arcsec"}
    tclean(imagename="k", niter=0, startmodel="b.model", **coarse)
    assert pixels("k.model").sum() == pytest.approx(model, rel=2e-2)
    assert np.abs(pixels("k.residual")).max() < 0.35 * FLUX


@pytest.mark.parametrize("weighting", ["natural", "uniform", "briggs", "superuniform", "radial"])
def test_every_weighting_gives_a_beam(weighting: str) -> None:
    tclean(imagename="g", niter=1, **{**WAYS, "weighting": weighting})
    beam = imhead("g.image", mode="summary")["restoringbeam"]
    assert 5 < beam["major"]["value"] < 120 and beam["minor"]["value"] > 5


def test_fit_finds_the_source() -> None:
    tclean(imagename="i", niter=200, threshold="0.2Jy", **WAYS)
    found = imfit("i.image", region="circle[[47pix,74pix],14pix]")["results"]["component0"]["peak"]["value"]
    assert found == pytest.approx(FLUX, rel=0.05)


def test_sidelobe_of_the_stepwise_tools_is_the_same() -> None:
    tclean(imagename="t", niter=0, **WAYS)
    tool = synthesisdeconvolver()
    tool.setupdeconvolution({"imagename": "t", "deconvolver": "hogbom", "id": 0})
    found = tool.initminorcycle()["maxpsfsidelobe"]
    tool.done()
    psf = pixels("t.psf").T
    assert found == pytest.approx(sidelobe_level(psf, fit_beam(psf, (CELL_RAD, CELL_RAD)), (CELL_RAD, CELL_RAD)), rel=1e-4)
