"""Lines of ozone in the sky."""

from __future__ import annotations

import numpy as np

from casatools.kernels.air_absorption import atmosphere_layers, height_of_pressure
from casatools.kernels.ozone import ozone_attenuation
from casatools.kernels.ozone_lines import OZONE_LINES


def _opacity(frequency_ghz: np.ndarray) -> np.ndarray:
    thickness, temperature, pressure, _ = atmosphere_layers(1.0, 270.0, 560.0)
    height = np.cumsum(thickness) - 0.5 * thickness + 1e-3 * height_of_pressure(560.0)
    found: np.ndarray = thickness @ ozone_attenuation(frequency_ghz, temperature, pressure, height)
    return found


def test_opacity_of_strong_lines() -> None:
    """Zenith opacities of the atmosphere tool of CASA 6.7 at 5000 m, in summer at middle latitudes; its winter has 7 % less."""
    frequency = np.array([110.85, 101.75, 286.125, 237.125, 184.375, 481.625, 358.875, 842.75, 656.25])
    expected = np.array([0.022, 0.015, 0.115, 0.101, 0.072, 0.69, 0.223, 1.436, 1.101])
    np.testing.assert_allclose(_opacity(frequency), expected, rtol=0.17)


def test_lines_are_narrow_and_hold_all_of_their_strength() -> None:
    """The integral over a line is density times strength, whatever broadens it."""
    centre, strength = OZONE_LINES[0][:2]
    frequency = centre + np.arange(-4.9, 4.9, 2e-5)
    air = np.array([296.0]), np.array([0.5]), np.array([50.0])
    found = ozone_attenuation(frequency, *air)[0]
    density = 3.1e-6 * 0.5 * 1e-4 / 1.380649e-23 / 296.0
    np.testing.assert_allclose(np.sum(found) * 2e-5 * 1e9 / 1e5, density * strength * 1e-13, rtol=2e-3)
    assert np.sum(found > found.max() / 2) * 2e-5 < 4e-3
    assert not ozone_attenuation(np.array([50.0]), *air).any()
