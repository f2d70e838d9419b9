"""Feathering: the sum of what two telescopes see is the sky."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatasks import feather
from casatools import image
from casatools._base.errors import CasaError, DataError, OutputExistsError, ParameterError
from casatools.analysis.feathering import FeatherOptions, beam_transform, feather_plane
from casatools.imaging.beam_fit import GaussianBeam

ARCSEC = np.deg2rad(1 / 3600)
CELL = (2 * ARCSEC, 2 * ARCSEC)
HIGH, LOW = GaussianBeam(10 * ARCSEC, 8 * ARCSEC, 0.4), GaussianBeam(50 * ARCSEC, 50 * ARCSEC, 0.0)


def gaussian(beam: GaussianBeam, n: int = 64) -> np.ndarray:
    """A source of one pixel seen with a beam, per beam."""
    transform = beam_transform(beam, (n, n), CELL)
    sky = np.zeros((n, n))
    sky[30, 36] = 1.0
    return np.asarray(np.fft.irfft2(np.fft.rfft2(sky) * transform, s=(n, n))) * beam.area_rad2 / (CELL[0] * CELL[1])


def test_transform_of_a_beam_is_that_of_its_pixels() -> None:
    n = 128
    x = (np.fft.fftfreq(n) * n * CELL[0])[None, :]
    y = (np.fft.fftfreq(n) * n * CELL[1])[:, None]
    sin, cos = np.sin(HIGH.angle_rad), np.cos(HIGH.angle_rad)
    u, v = -x * sin + y * cos, x * cos + y * sin
    direct = np.exp(-4 * np.log(2) * ((u / HIGH.major_rad) ** 2 + (v / HIGH.minor_rad) ** 2))
    assert np.allclose(np.fft.rfft2(direct / direct.sum()).real, beam_transform(HIGH, (n, n), CELL), atol=1e-5)


def test_point_source_is_restored() -> None:
    # The interferometer lacks what the single dish sees.
    full = gaussian(HIGH)
    missing = np.fft.irfft2(np.fft.rfft2(full) * (1 - beam_transform(LOW, full.shape, CELL)), s=full.shape)
    hole = np.where(beam_transform(LOW, full.shape, CELL) > 0.999, 0.0, 1.0)
    short = np.fft.irfft2(np.fft.rfft2(full) * hole, s=full.shape)
    joined = feather_plane(short, gaussian(LOW), HIGH, LOW, CELL, FeatherOptions())
    # The single dish's beam smears nothing: W H + (1 - W) H with W of the single dish.
    expected = missing + np.fft.irfft2(np.fft.rfft2(gaussian(LOW)) * HIGH.area_rad2 / LOW.area_rad2, s=full.shape)
    assert np.allclose(joined, expected, atol=2e-6 * full.max())
    # Flux of the whole map is the single dish's.
    assert joined.sum() == pytest.approx(gaussian(LOW).sum() * HIGH.area_rad2 / LOW.area_rad2, rel=1e-5)
    doubled = feather_plane(short, gaussian(LOW), HIGH, LOW, CELL, FeatherOptions(scale=2.0))
    assert doubled.sum() == pytest.approx(2 * joined.sum(), rel=1e-5)


def test_effective_dish_and_low_pass() -> None:
    low = gaussian(LOW)
    nothing = np.zeros_like(low)
    wave = 0.003
    diameter = 1.22 * wave / (70 * ARCSEC)
    joined = feather_plane(nothing, low, HIGH, LOW, CELL, FeatherOptions(diameter_m=diameter), wave)
    wide = GaussianBeam(70 * ARCSEC, 70 * ARCSEC, 0.0)
    assert np.allclose(joined, gaussian(wide) * HIGH.area_rad2 / wide.area_rad2, atol=1e-6)
    assert joined.sum() == pytest.approx(low.sum() * HIGH.area_rad2 / LOW.area_rad2, rel=1e-5)
    damped = feather_plane(nothing, low, HIGH, LOW, CELL, FeatherOptions(low_pass=True))
    twice = np.fft.irfft2(np.fft.rfft2(low) * beam_transform(LOW, low.shape, CELL), s=low.shape) * HIGH.area_rad2 / LOW.area_rad2
    assert np.allclose(damped, twice, atol=1e-6)
    with pytest.raises(ParameterError, match="effdishdiam"):
        feather_plane(nothing, low, HIGH, LOW, CELL, FeatherOptions(diameter_m=10 * diameter), wave)


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    monkeypatch.chdir(tmp_path)

    def made(name: str, beam: float = 8.0, nchan: int = 2, unit: str = "Jy/beam", arcsec: bool = False) -> str:
        ia = image()
        ia.fromshape(name, [48, 48, 1, nchan])
        cs = ia.coordsys()
        if not arcsec:
            cs.setunits(["rad", "rad", "", "Hz"])
        ia.setcoordsys(cs.torecord())
        y, x = np.mgrid[:48, :48]
        ia.putchunk(np.repeat(np.exp(-((x - 24) ** 2 + (y - 20) ** 2) / 40.0).T[:, :, None, None], nchan, axis=3))
        ia.setbrightnessunit(unit)
        if beam:
            ia.setrestoringbeam(f"{beam}arcmin", f"{beam}arcmin", "0deg")
        ia.done()
        return name

    return made


def test_images_are_joined_plane_by_plane(make: Callable[..., str]) -> None:
    high, low = make("high.im"), make("low.im", 20.0)
    feather("out.im", high, low)
    ia = image()
    ia.open("out.im")
    try:
        pixels, beam = ia.getchunk(), ia.restoringbeam()
    finally:
        ia.done()
    assert pixels.shape == (48, 48, 1, 2) and np.allclose(pixels[..., 0], pixels[..., 1], atol=1e-4)
    assert beam["major"]["value"] == pytest.approx(8.0 * (1 if beam["major"]["unit"] == "arcmin" else 60))


def test_units_of_the_coordinates_do_not_matter(make: Callable[..., str]) -> None:
    found = []
    for name, arcsec in (("a", False), ("b", True)):
        feather(f"{name}.out", make(f"{name}.high", arcsec=arcsec), make(f"{name}.low", 20.0, arcsec=arcsec))
        ia = image()
        ia.open(f"{name}.out")
        found.append(ia.getchunk())
        ia.done()
    assert np.allclose(*found, atol=1e-6)


def test_refusals(make: Callable[..., str]) -> None:
    high, low = make("high.im"), make("low.im", 20.0)
    cases: list[tuple[dict[str, Any], type[CasaError], str]] = [
        ({"imagename": ""}, ParameterError, "imagename"),
        ({"sdfactor": 0.0}, ParameterError, "sdfactor"),
        ({"lowres": make("one.im", 20.0, nchan=1)}, DataError, "channels"),
        ({"lowres": make("kelvin.im", 20.0, unit="K")}, DataError, "unit"),
        ({"highres": make("nobeam.im", 0)}, DataError, "beam"),
        ({"imagename": make("there.im")}, OutputExistsError, "there.im"),
    ]
    for changed, kind, text in cases:
        with pytest.raises(kind, match=text):
            feather(**{"imagename": "new.im", "highres": high, "lowres": low, **changed})
        assert not Path("new.im").exists()
