"""Images and regions beside astropy's regions and spectral-cube: each reads what the other writes, and masks and moments agree."""

from __future__ import annotations

import random
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS
from scipy.ndimage import binary_erosion

from casatasks import exportfits, immoments, imstat, imsubimage
from casatools import image
from casatools.io.image import Beam, BeamSet, CasaImage
from casatools.io.image.coordinates.make import make_image_coordinates

regions = pytest.importorskip("regions", reason="astropy regions is not installed")
pytestmark = pytest.mark.filterwarnings("ignore")

ARCSEC = np.pi / 648000
CELL = 3 * ARCSEC
SHAPE = (12, 1, 40, 44)

# Shapes that both formats know; the edges lie off the pixels' centres.
TEXTS = (
    "circle[[12:00:00.4, +30.00.05], 21.3arcsec]",
    "ellipse[[12:00:00.4, +30.00.05], [31.3arcsec, 12.7arcsec], 33deg]",
    "annulus[[12:00:00.4, +30.00.05], [10.3arcsec, 27.7arcsec]]",
    "poly[[12:00:02.1, +29.59.40], [11:59:58.3, +29.59.45], [12:00:00.2, +30.00.21]]",
    "centerbox[[12:00:00.4, +30.00.05], [31arcsec, 19.7arcsec]]",
)


@pytest.fixture(autouse=True)
def cube(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """A line that moves through a cube, in a.im and a.fits."""
    monkeypatch.chdir(tmp_path)
    hz = 1.4204e9 - 2e5 * np.arange(SHAPE[0])
    coordinates = make_image_coordinates((44, 40), (CELL, CELL), (np.pi, np.pi / 6), hz, stokes=["I"], rest_frequency_hz=1.4196e9)
    chan, y, x = np.meshgrid(*(np.arange(n, dtype=float) for n in (SHAPE[0], 40, 44)), indexing="ij")
    values = 3 * np.exp(-((x - 22) ** 2 + (y - 19) ** 2) / 60 - (chan - 4 - 0.1 * x) ** 2 / 4)
    values = (values + 0.02 * np.random.default_rng(5).normal(size=values.shape)).astype(np.float32)
    with CasaImage.create("a.im", SHAPE, coordinates, unit="Jy/beam") as made:
        made.write(values[:, None])
        made.beams = BeamSet.single(Beam.from_rad(4 * CELL, 3 * CELL, 0.3))
    exportfits("a.im", "a.fits")
    return values


def _sky() -> WCS:
    with fits.open("a.fits") as found:
        return WCS(found[0].header).celestial


def _chosen(region: Any) -> np.ndarray:
    """Pixels (y, x) of the first plane that a region of ours chooses."""
    ia = image()
    ia.open("a.im")
    inside = ia.getregion(region, getmask=True)[:, :, 0, 0]
    corner = ia.boundingbox(region)["blc"]
    ia.done()
    whole = np.zeros((44, 40), bool)
    whole[corner[0] : corner[0] + inside.shape[0], corner[1] : corner[1] + inside.shape[1]] = inside
    return whole.T


@pytest.mark.parametrize("text", TEXTS)
def test_regions_choose_the_same_pixels(text: str) -> None:
    theirs = regions.Regions.parse(f"#CRTFv0\n{text}, coord=J2000", format="crtf")[0]
    mask = theirs.to_pixel(_sky()).to_mask(mode="center").to_image((40, 44)) > 0.5
    ours = _chosen(text)
    assert mask.sum() > 50 and np.count_nonzero(mask != ours) <= 0.01 * mask.sum()


def _random_text(r: random.Random, frame: str) -> str:
    """A shape at a random place; another frame's position is that of the place."""
    sky = SkyCoord(180 + r.uniform(-0.012, 0.012), 30 + r.uniform(-0.01, 0.01), unit="deg", frame="fk5")
    if frame != "J2000":
        sky = sky.transform_to({"GALACTIC": "galactic", "B1950": "fk4", "ICRS": "icrs"}[frame])
    lon, lat = sky.spherical.lon.deg, sky.spherical.lat.deg
    at = f"[{lon:.8f}deg, {lat:.8f}deg]"
    corners = ", ".join(f"[{lon + r.uniform(-0.02, 0.02):.8f}deg, {lat + r.uniform(-0.01, 0.01):.8f}deg]" for _ in range(2))
    a, b, angle = r.uniform(20, 50), r.uniform(15, 40), r.uniform(0, 180)
    shape = r.choice((
        # regions does not turn angles with galactic north; test_regions.py counts those pixels one by one
        f"circle[{at}, {a:.3f}arcsec]", f"poly[{at}, {corners}]", f"annulus[{at}, [{a / 3:.3f}arcsec, {a:.3f}arcsec]]",
    ) if frame == "GALACTIC" else (
        f"circle[{at}, {a:.3f}arcsec]", f"ellipse[{at}, [{a:.3f}arcsec, {b:.3f}arcsec], {angle:.2f}deg]", f"poly[{at}, {corners}]",
        f"annulus[{at}, [{a / 3:.3f}arcsec, {a:.3f}arcsec]]", f"rotbox[{at}, [{2 * a:.3f}arcsec, {b:.3f}arcsec], {angle:.2f}deg]",
        f"centerbox[{at}, [{2 * a:.3f}arcsec, {b:.3f}arcsec]]",
    ))  # fmt: skip
    return f"{shape}, coord={frame}"


@pytest.mark.parametrize("frame", ["J2000", "ICRS", "GALACTIC", "B1950"])
def test_random_shapes_choose_the_same_pixels(frame: str) -> None:
    """But for pixels at the edge: regions' boxes are flat, and its frames differ from CASA's by half an arcsecond (a sixth of a pixel)."""
    r = random.Random(12)
    compared = 0
    for text in (_random_text(r, frame) for _ in range(24)):
        theirs = regions.Regions.parse(f"#CRTFv0\n{text}", format="crtf")[0]
        mask = theirs.to_pixel(_sky()).to_mask(mode="center").to_image((40, 44))
        if mask is None or (mask > 0.5).sum() < 30:
            continue
        mask, compared = mask > 0.5, compared + 1
        differ = np.count_nonzero(mask != _chosen(text))
        edge = np.count_nonzero(mask ^ np.asarray(binary_erosion(mask)))
        assert differ <= max(2, 0.25 * edge), text
    assert compared >= 16


def test_region_files_that_regions_writes_are_read() -> None:
    centre = SkyCoord("12h00m00.4s", "+30d00m05s", frame="fk5")
    made = regions.Regions([
        regions.CircleSkyRegion(centre, 21.3 * u.arcsec), regions.EllipseSkyRegion(centre, 62.6 * u.arcsec, 25.4 * u.arcsec, 57 * u.deg),
    ])  # fmt: skip
    made.write("r.crtf", format="crtf")
    expected = np.zeros((40, 44), bool)
    for one in made:
        expected |= one.to_pixel(_sky()).to_mask(mode="center").to_image((40, 44)) > 0.5
    ours = _chosen("r.crtf")
    assert expected.sum() > 150 and np.count_nonzero(expected != ours) <= 0.01 * expected.sum()
    assert imstat("a.im", region="r.crtf", chans="0")["npts"][0] == ours.sum()


def test_wcs_places_are_those_of_coordsys() -> None:
    """SIN images in FITS: pixels by astropy.wcs and by our coordinates to 1e-9 degrees."""
    ia = image()
    ia.open("a.im")
    tool = ia.coordsys()
    tool.setunits(["deg", "deg"], "direction")
    x, y = np.array([0.0, 10.5, 43.0]), np.array([39.0, 3.25, 0.0])
    world = tool.toworldmany(np.array([x, y, 0 * x, 0 * x + 5]))["numeric"]
    ra, dec = _sky().all_pix2world(x, y, 0)
    assert np.allclose(world[0] % 360, ra, atol=1e-9) and np.allclose(world[1], dec, atol=1e-9)
    ia.done()


def test_moments_are_those_of_spectral_cube(cube: np.ndarray) -> None:
    spectral_cube = pytest.importorskip("spectral_cube", reason="spectral-cube is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = spectral_cube.SpectralCube.read("a.fits").with_spectral_unit(
            u.km / u.s, velocity_convention="radio", rest_value=1.4196 * u.GHz
        )
        bright = found.with_mask(found > 0.2 * u.Jy / u.beam)
        theirs = [np.asarray(bright.moment(order=n).value) for n in (0, 1)] + [np.asarray(bright.linewidth_sigma().value)]
        peak = np.asarray(found.max(axis=0).value)
    immoments("a.im", moments=[0, 1, 2, 8], includepix=[0.2, 100], outfile="m")
    ours = []
    for name in ("integrated", "weighted_coord", "weighted_dispersion_coord", "maximum"):
        ia = image()
        ia.open(f"m.{name}")
        ours.append(np.where(ia.getchunk(getmask=True), ia.getchunk(), np.nan)[:, :, 0, 0].T)
        ia.done()
    lines = np.isfinite(ours[0])
    assert lines.sum() > 200 and np.array_equal(lines, np.isfinite(theirs[1]))
    for mine, other, tolerance in zip(ours, [*theirs, peak], (1e-4, 1e-4, 1e-3, 1e-6), strict=True):
        scale = np.nanmax(np.abs(other))
        assert np.allclose(mine[lines], other[lines], atol=tolerance * scale)


def test_paged_images_and_parts_are_read_by_spectral_cube(cube: np.ndarray) -> None:
    spectral_cube = pytest.importorskip("spectral_cube", reason="spectral-cube is not installed")
    imsubimage("a.im", "part.im", region=TEXTS[0], chans="2~7")
    exportfits("part.im", "part.fits")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole = spectral_cube.SpectralCube.read("a.im", format="casa_image")
        part = spectral_cube.SpectralCube.read("part.fits")
        assert np.array_equal(np.asarray(whole.filled_data[:].value), cube)
        assert whole.beam.major.to_value("arcsec") == pytest.approx(12.0)
        assert part.shape[0] == 6 and np.count_nonzero(np.isfinite(part.filled_data[0].value)) == _chosen(TEXTS[0]).sum()


def test_what_spectral_cube_writes_is_read(cube: np.ndarray) -> None:
    spectral_cube = pytest.importorskip("spectral_cube", reason="spectral-cube is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = spectral_cube.SpectralCube.read("a.fits")
        found[3:9, 5:30, 4:40].with_spectral_unit(u.km / u.s, velocity_convention="radio", rest_value=1.4196 * u.GHz).write(
            "b.fits"
        )
    ia = image()
    ia.open("b.fits")
    assert np.allclose(np.squeeze(ia.getchunk()).T, cube[3:9, 5:30, 4:40])
    world = ia.toworld([0] * len(ia.shape()), "n")["numeric"]
    frequency = float(world[-1]) if world[-1] > 1e6 else float(world[2])
    assert frequency == pytest.approx(1.4204e9 - 3 * 2e5, abs=1.0)
    ia.done()
