"""The atmosphere line by line: published attenuations, causality, and limits."""

from __future__ import annotations

import numpy as np
import pytest

from casatools.kernels.air_absorption import (
    CMB_K,
    atmosphere_layers,
    dry_attenuation,
    height_of_pressure,
    sky_spectrum,
    water_opacity_per_mm,
    water_refractivity,
    wet_path_per_mm,
)

_DB = 10.0 / np.log(10.0)


def test_attenuation_is_that_of_p676() -> None:
    """Recommendation P.676-12, figure 1 and the validation examples of ITU-R study group 3: 1013.25 hPa, 15 C, 7.5 g/m3."""
    frequency = np.array([12.0, 20.0, 60.0, 90.0, 130.0])
    air = np.array(288.15), np.array(1013.25), np.array(7.5 * 288.15 / 216.7)
    dry = _DB * dry_attenuation(frequency, *air)
    wet = 0.182 * frequency * water_refractivity(frequency, *air).imag
    np.testing.assert_allclose(dry, [0.0086980, 0.0118836, 14.6234747, 0.0388697, 0.0415091], rtol=2e-4)
    np.testing.assert_allclose(wet, [0.0095354, 0.0970475, 0.1548421, 0.3419731, 0.7518449], rtol=2e-3)


def test_real_and_imaginary_part_are_one_causal_function() -> None:
    """Kramers and Kronig: the real part is the Hilbert transform of the imaginary one."""
    grid = np.arange(0.05, 2000.0, 0.1)
    air = np.array(260.0), np.array(400.0), np.array(1.2)
    found = water_refractivity(grid, *air, continuum=0.0)
    for where in (150.0, 182.0, 188.0, 400.0):
        at = where + 0.0
        kernel = 2.0 / np.pi * grid * found.imag / (grid**2 - at**2)
        static = 2.0 / np.pi * np.sum(found.imag / grid) * 0.1
        assert np.sum(kernel) * 0.1 - static == pytest.approx(np.interp(at, grid, found.real), abs=3e-3)


def test_sky_over_a_high_site() -> None:
    """What the atmosphere tool of CASA 6.7 (ATM, Pardo, Cernicharo, Serabyn 2001) gives for 1.5 airmasses of 1 mm of water at 5000 m."""
    frequency = np.array([22.05, 40.05, 90.05, 110.05, 150.125, 220.125, 290.125, 345.125, 410.125, 460.125, 660.25, 850.25])
    transmission, sky = sky_spectrum(frequency, 1.0, 270.0, 560.0, airmass=1.5)
    expected = [0.9773, 0.9677, 0.9741, 0.9466, 0.9614, 0.9286, 0.8752, 0.7729, 0.6125, 0.3157, 0.1744, 0.1604]
    np.testing.assert_allclose(transmission, expected, atol=0.03)
    np.testing.assert_allclose(transmission[:10], expected[:10], atol=0.012)
    np.testing.assert_allclose(sky[:10], [8.45, 10.73, 9.54, 16.52, 13.57, 23.16, 37.92, 64.91, 106.47, 182.97], atol=3.0)
    once, _ = sky_spectrum(frequency, 1.0, 270.0, 560.0)
    np.testing.assert_allclose(transmission, once**1.5, rtol=1e-12)
    assert np.all((sky > CMB_K) & (sky < 270.0))


def test_an_opaque_sky_is_as_warm_as_the_air() -> None:
    """Brightness is that of a black body: photons of 45 K make half of its temperature there."""
    _, sky = sky_spectrum(np.array([557.0, 752.0]), 5.0, 270.0, 560.0)
    assert np.all((sky > 262.0) & (sky < 270.0))


def test_heights_of_pressures() -> None:
    """ICAO standard atmosphere: 540.2 hPa at 5000 m."""
    assert height_of_pressure(1013.25) == 0
    assert height_of_pressure(540.2) == pytest.approx(5000.0, abs=3.0)


def test_layers_hold_the_water_and_the_air() -> None:
    thickness, temperature, pressure, vapour = atmosphere_layers(2.0, 270.0, 555.0)
    assert np.sum(216.7 * vapour / temperature * thickness) == pytest.approx(2.0)
    assert pressure[0] < 555.0
    assert np.all(np.diff(pressure) < 0)
    assert temperature.min() == 215.0
    assert temperature[-1] > 235.0


def test_opacity_is_proportional_to_water_and_peaks_on_the_line() -> None:
    frequency = np.array([176.0, 183.31, 190.0])
    opacity = water_opacity_per_mm(frequency, np.array(265.0), np.array(450.0))
    assert opacity.argmax() == 1
    assert 2.0 < opacity[1] < 4.0


def test_path_of_water() -> None:
    """Published values: 6.5 mm for a mm of water, and dispersion of 5 % or more from 345 GHz on (ALMA Memo 590)."""
    plain, more = wet_path_per_mm(np.array([90.0, 345.0, 410.0]), 270.0, 480.0)
    assert plain == pytest.approx(6.75, abs=0.05)
    assert more[0] / plain < 0.005
    assert np.all(more[1:] / plain > 0.05)
