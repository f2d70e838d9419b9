"""Aperture illuminations as antenna responses: a dish's is the Airy pattern, the transform of a pattern the pattern itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from casatools import image, vpmanager
from casatools._base.errors import DataError
from casatools.imaging.antenna_beams import antenna_beams
from casatools.imaging.antenna_responses import Band, SkyPlace, make_responses
from casatools.imaging.aperture_images import read_aperture_image
from casatools.imaging.pattern_images import PatternImage, read_pattern_image
from casatools.imaging.primary_beam import blocked_power
from casatools.io.image import CasaImage
from casatools.io.image.coordinates import Coordinates, LinearCoordinate, SpectralCoordinate, StokesCoordinate

C = 299792458.0
SIZE = 128


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(
    path: str,
    planes: np.ndarray,
    step: float,
    unit: str = "m",
    hz: tuple[float, ...] = (1.2e9,),
    stokes: str = "I",
    linear: int = 2,
) -> str:
    """An aperture (chan, y, x), its middle in the middle."""
    count = planes.shape[-1]
    names = ["UU", "VV"][:linear]
    spectral = SpectralCoordinate.linear("TOPO", hz[0], (hz[1] - hz[0]) if len(hz) > 1 else 1e6)
    members = [LinearCoordinate.make(names, [unit] * linear, 0.0, count // 2, step), StokesCoordinate.make([stokes]), spectral]
    with CasaImage.create(path, (len(hz), 1, *planes.shape[3 - linear :]), Coordinates(members), np.complex64) as made:
        made.write(planes.astype(np.complex64).reshape(made.shape))
    return path


def dish(outer_m: float, inner_m: float, step_m: float) -> np.ndarray:
    """An annulus (1, y, x), its edges smoothed over pixels."""
    fine = 8
    place = (np.arange(SIZE * fine) - (SIZE // 2 + 0.5) * fine + 0.5) * step_m / fine
    radius = np.hypot(place[:, None], place[None, :])
    lit = (radius <= outer_m / 2) & (radius >= inner_m / 2)
    return lit.reshape(SIZE, fine, SIZE, fine).mean(axis=(1, 3))[None]


@pytest.mark.parametrize("unit", ["m", "cm", "lambda"])
def test_a_dish_is_its_airy_pattern(unit: str) -> None:
    step_m = 0.25
    step = {"m": step_m, "cm": 100 * step_m, "lambda": step_m * 1.2e9 / C}[unit]
    found = read_aperture_image(write("a.im", dish(25.0, 3.0, step_m), step, unit))
    assert found.turns and found.freq_hz.tolist() == [1.2e9]
    line = np.linspace(-2.5, 2.5, 41) * C / 1.2e9 / 25.0
    for hz in (1.2e9, 1.5e9):
        radius = np.hypot(line[None, :], line[:, None])
        wanted = blocked_power(np.pi * 25.0 * radius * hz / C, 3.0 / 25.0)
        np.testing.assert_allclose(found.values(line, line, hz, 0.7), wanted, atol=1e-3)


def test_channels_in_metres_shrink_with_wavelength() -> None:
    hz = (1.2e9, 1.8e9)
    found = read_aperture_image(write("a.im", np.repeat(dish(25.0, 0.0, 0.25), 2, 0), 0.25, hz=hz))
    line = np.linspace(0.0, 1.5, 16) * C / 1.8e9 / 25.0
    for own in hz:
        wanted = blocked_power(np.pi * 25.0 * line * own / C, 0.0)
        np.testing.assert_allclose(found.values(line, np.zeros(1), own, 0.5 * np.pi)[0], wanted, atol=1e-3)
    one = read_aperture_image("a.im", 1)
    assert one.freq_hz.tolist() == [1.8e9] and len(one.power) == 1


def test_the_transform_of_a_pattern_is_that_pattern() -> None:
    """Also of one that lies beside the axis, is wider one way, and has phases: so no sign is free."""
    step = np.deg2rad(2.0 / 60)
    x = (np.arange(SIZE) - SIZE // 2) * step / np.deg2rad(20.0 / 60)
    pattern = np.exp(-np.square(x - 0.4)[:, None] - np.square((x + 0.2) / 1.5)[None, :]) * np.exp(
        1j * (x[:, None] + 0.5 * x[None, :] ** 2)
    )
    ia = image()
    ia.fromarray("efp.im", pattern[:, :, None, None], type="c")
    system = ia.coordsys()
    system.setreferencecode("AZELGEO", "direction", adjust=False)
    system.setincrement([f"{step}rad", f"{step}rad"], "direction")
    system.setreferencepixel([SIZE // 2] * 2, "direction")
    system.setreferencevalue("1.2e9Hz", "spectral")
    system.setreferencepixel(0, "spectral")
    ia.setcoordsys(system.torecord())
    ia.fft(complex="aif.im", axes=[0, 1])
    ia.close()
    exact, found = read_pattern_image({"compleximage": "efp.im"}), read_aperture_image("aif.im")
    east, north = np.linspace(-0.006, 0.008, 15), np.linspace(-0.008, 0.004, 13)
    for angle in (0.0, 1.1):
        wanted = exact.values(east, north, 1.2e9, angle)
        assert wanted.max() > 0.7 > 0.1 > wanted.min()
        np.testing.assert_allclose(found.values(east, north, 1.2e9, angle), wanted, atol=2e-3)


def test_imaging_takes_apertures_where_there_is_no_pattern() -> None:
    Path("r").mkdir()
    write("r/EVLA_0___-180_0_180_0_45_90_1_1.2_2_GHz_made_AIF.im", dish(25.0, 0.0, 0.25), 0.25)
    path, _ = make_responses("r", 0.0, [Band("L", 1e9, 2e9)])
    tool = vpmanager()
    tool.reset()
    tool.setpbantresptable(telescope="EVLA", antresppath=path)
    tool.saveastable("p.vp")
    tool.reset()
    pattern = antenna_beams("EVLA", "p.vp", place=SkyPlace(5.1e9, 0.0, 0.8)).image()
    assert pattern is not None and pattern.turns
    away = np.array([0.5 * C / 1.4e9 / 25.0])
    wanted = blocked_power(np.array([0.5 * np.pi]), 0.0)[0]
    assert pattern.values(away, np.zeros(1), 1.4e9)[0, 0] == pytest.approx(wanted, abs=1e-3)


def test_refused() -> None:
    lit = dish(25.0, 0.0, 0.25)
    for path, words in {
        write("unit.im", lit, 1.0, "rad"): "must be in lambda or m; they are in rad",
        write("hand.im", lit, 0.25, stokes="Q"): "needs a parallel hand",
        write("blank.im", 0 * lit, 0.25): "blank",
    }.items():
        with pytest.raises(DataError, match=words):
            read_aperture_image(path)
    with pytest.raises(DataError, match="no channel 2"):
        read_aperture_image(write("one.im", lit, 0.25), 2)
    with pytest.raises(DataError, match="two linear axes"):
        read_aperture_image(write("line.im", lit[0, 0][None, None], 0.25, linear=1))
    assert isinstance(read_aperture_image("one.im", 0), PatternImage)
