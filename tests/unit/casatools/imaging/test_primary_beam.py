"""The primary beam against values of a .pb image that CASA 6.7 made (VLA, 1.413434 GHz, 15 arcsec pixels)."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import j1

from casatools.imaging.antenna_beams import antenna_beams
from casatools.imaging.primary_beam import airy_power, blocked_power, dish_power, radius_plane
from casatools.io.image.coordinates.make import make_image_coordinates


def test_airy() -> None:
    assert airy_power(np.array([0.0]))[0] == 1.0
    assert airy_power(np.array([3.8317059702075125]))[0] == pytest.approx(0.0, abs=1e-12)
    assert airy_power(np.array([1.61633]))[0] == pytest.approx(0.5, abs=1e-4)
    x = np.linspace(0.0, 400.0, 50001)
    np.testing.assert_allclose(airy_power(x[1:]), np.square(2.0 * j1(x[1:]) / x[1:]), rtol=0, atol=1e-15)
    np.testing.assert_allclose(airy_power(x[::5]), airy_power(x)[::5], rtol=0, atol=1e-13)
    np.testing.assert_allclose(blocked_power(x[::5], 0.07), blocked_power(x, 0.07)[::5], rtol=0, atol=1e-13)


@pytest.mark.parametrize(
    ("telescope", "diameter", "expected"),
    [
        ("ALMA", 12.0, [0.9509, 0.7907, 0.5735, 0.3532, 0.1751]),
        ("ALMASD", 12.0, [0.9510, 0.7909, 0.5740, 0.3540, 0.1756]),
        ("VLBA", 12.0, [0.9455, 0.7479, 0.4951, 0.2617]),
    ],
)
def test_almas_beam_is_that_of_its_effective_dish(telescope: str, diameter: float, expected: list[float]) -> None:
    """Against the .pb of CASA 6.7 at 100 GHz, every 9 arcsec from the axis (ALMA's of 100.04 GHz, the others of 100 GHz)."""
    radius = np.deg2rad(9.0 / 3600 * np.arange(1, len(expected) + 1))
    found = antenna_beams(telescope).single(diameter, radius, 1.0004e11 if telescope == "ALMA" else 1e11)
    assert found == pytest.approx(expected, abs=1.5e-3)


@pytest.mark.parametrize("telescope", ["ALMA", "ACA"])
def test_the_compact_arrays_beam(telescope: str) -> None:
    """The Airy pattern of 6.25 m, three per cent above it but on the axis, as in CASA."""
    x = np.array([0.0, 0.83, 1.43, 2.03, 2.62])
    radius = np.arcsin(x * 299792458.0 / (np.pi * 6.25 * 1e11))
    found = antenna_beams(telescope).single(7.0, radius, 1e11)
    assert found[1:] / airy_power(x)[1:] == pytest.approx([1.0298, 1.0314, 1.0308, 1.0295], abs=2e-3) and found[0] == 1.0


def test_the_next_vlas_beam() -> None:
    """The Airy pattern itself, as the .pb of CASA 6.7 at 8 GHz every tenth of a wavelength over the diameter."""
    radius = 0.1 * np.arange(9) * 299792458.0 / 8e9 / 18.0
    found = antenna_beams("NGVLA").single(18.0, radius, 8e9)
    assert found == pytest.approx([1.0, 0.9756, 0.9053, 0.7976, 0.6647, 0.5211, 0.3809, 0.2561, 0.1547], abs=1.5e-3)


@pytest.mark.parametrize(
    ("telescope", "hz", "diameter", "expected"),
    [
        ("SMA", 345e9, 6.0, [1.0, 0.9683, 0.8783, 0.7446, 0.5879, 0.4297, 0.2881, 0.1748, 0.0939, 0.0431]),
        ("ATA", 5e9, 6.1, [1.0, 0.9784, 0.8714, 0.7176, 0.5406, 0.3664, 0.2176, 0.1078, 0.0396]),
        ("ATF", 100e9, 12.0, [1.0, 0.9807, 0.8923, 0.7613, 0.6052, 0.4439, 0.2957, 0.1743, 0.0864]),
        ("IRAMPDB", 90e9, 15.0, [1.0, 0.9716, 0.8635, 0.706, 0.5257, 0.3509, 0.2039]),
    ],
)
def test_beams_of_other_arrays(telescope: str, hz: float, diameter: float, expected: list[float]) -> None:
    """The .pb of CASA 6.7 every eighth of a wavelength over the diameter."""
    radius = 0.125 * np.arange(len(expected)) * 299792458.0 / hz / diameter
    assert antenna_beams(telescope).single(diameter, radius, hz) == pytest.approx(expected, abs=6e-3)


def test_reference_values() -> None:
    cell = np.radians(15 / 3600)
    coordinates = make_image_coordinates((512, 512), (cell, cell), (1.0, 0.5), [1.41343411673725e9])
    beam = dish_power(radius_plane(coordinates, (512, 512)), 25.0, 1.41343411673725e9)
    expected = {
        0: 1.0,
        5: 0.9996355,
        10: 0.9948317,
        20: 0.9484673,
        40: 0.75691015,
        60: 0.5097528,
        80: 0.27750313,
        100: 0.110689856,
    }
    for pixel, value in expected.items():
        assert beam[256, 256 + pixel] == pytest.approx(value, abs=1.5e-3)
    assert beam[0, 0] == 0.0
