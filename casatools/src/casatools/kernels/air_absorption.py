"""Opacity, brightness and wet delay of the atmosphere from 1 GHz to 1 THz, line by line.

References
----------
Recommendation ITU-R P.676-12 (2019), "Attenuation by atmospheric gases", Annex 1, equations 1 to 9: specific attenuation.
Liebe 1989, Int. J. Infrared and Millimeter Waves 10, 631: the complex shape of a line, whose real part is the dispersive delay.
Thayer 1974, Radio Science 9, 803: the refractivity of water vapour.
"""

from __future__ import annotations

import numpy as np

from casatools.kernels.air_lines import OXYGEN_LINES, WATER_CONTINUUM, WATER_LINES
from casatools.kernels.ozone import ozone_attenuation

__all__ = [
    "CMB_K",
    "atmosphere_layers",
    "dry_attenuation",
    "height_of_pressure",
    "sky_spectrum",
    "water_opacity_per_mm",
    "water_refractivity",
    "wet_path_per_mm",
]

CMB_K = 2.725
# Energy of a photon over Boltzmann's constant.
_KELVIN_PER_GHZ = 0.0479924307
_NEPER_PER_KM = 0.1820 / (10.0 / np.log(10.0))
# Pressure [hPa] of a gram of vapour per cubic metre is this times the temperature.
_HPA_KELVIN = 1.0 / 216.7
# Refractivity of vapour (Thayer 1974): K / hPa and K^2 / hPa.
_K2_WET, _K3_WET = 64.79, 3.776e5
# Dispersion by the lines above 1 THz: strength [mm of path for a mm of water] and frequency [GHz] of one line that stands for them.
_FAR_PATH, _FAR_GHZ = 1.894, 1250.0
_KELVIN_PER_M = 5.6e-3
_WATER_HEIGHT_M, _TOP_M = 2000.0, 60000.0
# The coldest air is that from the tropopause to here above the sea; from there to the stratopause it warms, and cools above.
_TROPOPAUSE_K, _WARMING_M, _STRATOPAUSE_M, _WARMING_K_PER_M, _COOLING_K_PER_M = 215.0, 20000.0, 48000.0, 2e-3, -2e-3
# Heights above the sea of pressures, in the standard atmosphere (ICAO): 44331 m (1 - (P / 1013.25 hPa)^0.19026).
_SEA_HPA, _ICAO_M, _ICAO_POWER = 1013.25, 44331.0, 0.19026
_GRAVITY = 34.163e-3


def water_refractivity(
    frequency_ghz: np.ndarray, temperature_k: np.ndarray, pressure_hpa: np.ndarray, vapour_hpa: np.ndarray, continuum: float = 1.0
) -> np.ndarray:
    """Refractivity of water vapour that changes with frequency [ppm]; its imaginary part absorbs.

    Parameters
    ----------
    frequency_ghz : ndarray
    temperature_k, pressure_hpa, vapour_hpa : ndarray
        Of the air, its dry part and its vapour; all broadcast together.
    continuum : float
        Share of the pseudo-line at 1780 GHz.

    Returns
    -------
    ndarray complex128
    """
    theta = 300.0 / np.asarray(temperature_k, dtype=np.float64)
    out = np.zeros(
        np.broadcast_shapes(np.shape(frequency_ghz), theta.shape, np.shape(pressure_hpa), np.shape(vapour_hpa)), complex
    )
    lines = [(line, 1.0) for line in WATER_LINES] + [(line, continuum) for line in WATER_CONTINUUM if continuum]
    for (centre, b1, b2, b3, b4, b5, b6), share in lines:
        strength = share * b1 * 0.1 * vapour_hpa * theta**3.5 * np.exp(b2 * (1.0 - theta))
        width = b3 * 1e-4 * (pressure_hpa * theta**b4 + b5 * vapour_hpa * theta**b6)
        width = 0.535 * width + np.sqrt(0.217 * width**2 + 2.1316e-12 * centre**2 / theta)
        out += strength * _shape(frequency_ghz, centre, width, 0.0)
    return out


def _shape(frequency_ghz: np.ndarray, centre: float, width: np.ndarray, interference: np.ndarray | float) -> np.ndarray:
    """The shape of a line after Van Vleck and Weisskopf."""
    mixed = 1.0 - 1j * interference
    return np.asarray(
        frequency_ghz
        / centre
        * (mixed / (centre - frequency_ghz - 1j * width) - np.conj(mixed) / (centre + frequency_ghz + 1j * width))
    )


def dry_attenuation(
    frequency_ghz: np.ndarray, temperature_k: np.ndarray, pressure_hpa: np.ndarray, vapour_hpa: np.ndarray
) -> np.ndarray:
    """Attenuation [neper/km] by oxygen and by the pressure of nitrogen; arguments as of `water_refractivity`."""
    theta = 300.0 / np.asarray(temperature_k, dtype=np.float64)
    total = pressure_hpa + vapour_hpa
    out = np.zeros(np.broadcast_shapes(np.shape(frequency_ghz), theta.shape, np.shape(pressure_hpa)))
    for centre, a1, a2, a3, a4, a5, a6 in OXYGEN_LINES:
        strength = a1 * 1e-7 * pressure_hpa * theta**3 * np.exp(a2 * (1.0 - theta))
        width = a3 * 1e-4 * (pressure_hpa * theta ** (0.8 - a4) + 1.1 * vapour_hpa * theta)
        width = np.sqrt(width**2 + 2.25e-6)
        interference = (a5 + a6 * theta) * 1e-4 * total * theta**0.8
        out = out + strength * _shape(frequency_ghz, centre, width, interference).imag
    debye = 5.6e-4 * total * theta**0.8
    relaxation = 6.14e-5 / (debye * (1.0 + (frequency_ghz / debye) ** 2))
    nitrogen = 1.4e-12 * pressure_hpa * theta**1.5 / (1.0 + 1.9e-5 * np.asarray(frequency_ghz) ** 1.5)
    return np.asarray(_NEPER_PER_KM * frequency_ghz * (out + frequency_ghz * pressure_hpa * theta**2 * (relaxation + nitrogen)))


def water_opacity_per_mm(
    frequency_ghz: np.ndarray, temperature_k: np.ndarray, pressure_hpa: np.ndarray, continuum: float = 1.0
) -> np.ndarray:
    """Opacity [neper] of 1 mm of precipitable water that is thin vapour at one temperature and pressure."""
    vapour = _HPA_KELVIN * np.asarray(temperature_k, dtype=np.float64)
    refraction = water_refractivity(frequency_ghz, temperature_k, pressure_hpa, vapour, continuum)
    return np.asarray(_NEPER_PER_KM * frequency_ghz * refraction.imag)


def wet_path_per_mm(frequency_ghz: np.ndarray, temperature_k: float, pressure_hpa: float) -> tuple[float, np.ndarray]:
    """Excess path [mm] of 1 mm of precipitable water: what all frequencies have, and what is dispersive at each frequency."""
    vapour = _HPA_KELVIN * temperature_k
    plain = _K2_WET * vapour / temperature_k + _K3_WET * vapour / temperature_k**2
    frequency = np.asarray(frequency_ghz, dtype=np.float64)
    air = np.asarray(temperature_k), np.asarray(pressure_hpa), np.asarray(vapour)
    far = _FAR_PATH * frequency**2 / (_FAR_GHZ**2 - frequency**2)
    # 1 mm of water is 1 g/m3 along 1 km, so a part in a million of refractivity is 1 mm.
    return float(plain), np.asarray(water_refractivity(frequency, *air, continuum=0.0).real + far)


def height_of_pressure(pressure_hpa: float) -> float:
    """Height [m] above the sea at which the standard atmosphere has a pressure."""
    return float(_ICAO_M * (1.0 - (pressure_hpa / _SEA_HPA) ** _ICAO_POWER))


def atmosphere_layers(
    pwv_mm: float, temperature_k: float, pressure_hpa: float, count: int = 72
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """An atmosphere above a site whose temperature falls by 5.6 K/km to 215 K, rises in the stratosphere, and whose water falls off with 2 km.

    Returns
    -------
    thickness_km, temperature_k, pressure_hpa, vapour_hpa : ndarray (layer,)
        From the ground up; pressures are those of the dry air.
    """
    edges = _TOP_M * (np.expm1(np.linspace(0.0, 1.0, count + 1) * 3.0) / np.expm1(3.0))
    middle, thickness = 0.5 * (edges[1:] + edges[:-1]), np.diff(edges)
    above_sea = middle + height_of_pressure(pressure_hpa)
    temperature = np.maximum(temperature_k - _KELVIN_PER_M * middle, _TROPOPAUSE_K)
    temperature += _WARMING_K_PER_M * (np.clip(above_sea, _WARMING_M, _STRATOPAUSE_M) - _WARMING_M)
    temperature += _COOLING_K_PER_M * np.maximum(above_sea - _STRATOPAUSE_M, 0.0)
    pressure = pressure_hpa * np.exp(-np.cumsum(_GRAVITY * thickness / temperature) + 0.5 * _GRAVITY * thickness / temperature)
    density = np.exp(-middle / _WATER_HEIGHT_M)
    density *= pwv_mm / np.sum(density * thickness) * 1e3
    return thickness * 1e-3, temperature, pressure, density * temperature * _HPA_KELVIN


def sky_spectrum(
    frequency_ghz: np.ndarray, pwv_mm: float, temperature_k: float, pressure_hpa: float, airmass: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """Transmission and brightness of the sky of `atmosphere_layers`: the temperature of a black body of the same intensity.

    Parameters
    ----------
    frequency_ghz : ndarray (chan,) float64
    pwv_mm, temperature_k, pressure_hpa : float
        Precipitable water, and temperature and pressure at the ground.
    airmass : float

    Returns
    -------
    transmission, sky_k : ndarray (chan,)
    """
    frequency = np.atleast_1d(np.asarray(frequency_ghz, dtype=np.float64))
    transmission, sky = np.ones(len(frequency)), np.zeros(len(frequency))
    photon = _KELVIN_PER_GHZ * frequency
    layers = atmosphere_layers(pwv_mm, temperature_k, pressure_hpa)
    height_km = np.cumsum(layers[0]) - 0.5 * layers[0] + 1e-3 * height_of_pressure(pressure_hpa)
    ozone = ozone_attenuation(frequency, layers[1], layers[2], height_km)
    for thickness, temperature, pressure, vapour, narrow in zip(*layers, ozone, strict=True):
        wet = _NEPER_PER_KM * frequency * water_refractivity(frequency, temperature, pressure, vapour).imag
        layer = np.exp(-airmass * thickness * (wet + dry_attenuation(frequency, temperature, pressure, vapour) + narrow))
        sky += transmission * (1.0 - layer) / np.expm1(photon / temperature)
        transmission *= layer
    sky += transmission / np.expm1(photon / CMB_K)
    return transmission, photon / np.log1p(1.0 / sky)
