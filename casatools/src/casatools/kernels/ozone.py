"""Attenuation by the narrow lines of stratospheric ozone.

References
----------
Gordon, I. E. et al. 2022, JQSRT 277, 107949, appendix: how the strengths and widths of HITRAN go with temperature.
Anderson, G. P. et al. 1986, AFGL-TR-86-0110, "AFGL atmospheric constituent profiles": ozone of the U.S. standard atmosphere.
"""

from __future__ import annotations

import numpy as np
from scipy.special import wofz

from casatools.kernels.ozone_lines import OZONE_LINES

__all__ = ["ozone_attenuation"]

_HEIGHT_KM = np.array([0, 5, 8, 10, 12, 14, 16, 18, 20, 22, 24, 27.5, 30, 32.5, 35, 37.5, 40, 42.5, 45, 50, 55, 60.0])
_PER_MILLION = np.array([
    0.0266, 0.0377, 0.0597, 0.131, 0.31, 0.503, 0.87, 1.587, 2.579, 3.647, 4.627, 5.803, 6.553, 7.373, 7.837, 7.8, 7.3, 6.2, 5.25, 3.1, 1.8, 1.1,
])  # fmt: skip
# Energies of the three vibrations over Boltzmann's constant, and of a unit of wave number; those of photons; all in K.
_VIBRATIONS_K, _KELVIN_PER_WAVE_NUMBER, _KELVIN_PER_GHZ = np.array([1587.0, 1008.0, 1499.0]), 1.438777, 0.0479924307
_REFERENCE_K = 296.0
# Width (one standard deviation) of Doppler broadening over the frequency, for the square root of a K: sqrt(k / m) / c.
_DOPPLER = 4.39e-8
# Wings farther than this hold nothing of a layer so thin.
_WING_GHZ = 5.0
# Molecules in a cubic cm for a hPa / K: 1e-4 / k.
_PER_CUBIC_CM = 1e-4 / 1.380649e-23
_CM_PER_KM, _HZ_PER_GHZ = 1e5, 1e9


def ozone_attenuation(
    frequency_ghz: np.ndarray, temperature_k: np.ndarray, pressure_hpa: np.ndarray, height_km: np.ndarray
) -> np.ndarray:
    """Attenuation [neper/km] by the ozone of the standard atmosphere.

    Parameters
    ----------
    frequency_ghz : ndarray (chan,) float64
    temperature_k, pressure_hpa, height_km : ndarray (layer,)
        Of the air; heights above the sea.

    Returns
    -------
    ndarray (layer, chan) float64

    Notes
    -----
    Strength [Hz cm2] of a molecule times density times a Voigt profile. The partition function is that of a rotor, T^1.5, with three harmonic
    vibrations. Lines of other isotopes and of molecules that vibrate are left out.
    """
    density = np.interp(height_km, _HEIGHT_KM, _PER_MILLION) * 1e-6 * _PER_CUBIC_CM * pressure_hpa / temperature_k
    warm = _REFERENCE_K / temperature_k
    vibrations = np.prod(-np.expm1(-_VIBRATIONS_K / temperature_k[:, None]) / -np.expm1(-_VIBRATIONS_K / _REFERENCE_K), axis=1)
    out = np.zeros((len(temperature_k), len(frequency_ghz)))
    for centre, strength, lower, width, power in OZONE_LINES:
        near = np.flatnonzero(np.abs(frequency_ghz - centre) < _WING_GHZ)
        if not len(near):
            continue
        photon = _KELVIN_PER_GHZ * centre
        factor = 1e-13 * strength * density * warm**1.5 * vibrations
        factor *= np.exp(_KELVIN_PER_WAVE_NUMBER * lower * (1 - warm) / _REFERENCE_K)
        factor *= np.expm1(-photon / temperature_k) / np.expm1(-photon / _REFERENCE_K)
        doppler = _DOPPLER * centre * np.sqrt(temperature_k)
        collisions = 1e-3 * width * pressure_hpa * warm**power
        place = (frequency_ghz[near] - centre + 1j * collisions[:, None]) / (np.sqrt(2.0) * doppler[:, None])
        profile = wofz(place).real / (np.sqrt(2.0 * np.pi) * doppler[:, None] * _HZ_PER_GHZ)
        out[:, near] += factor[:, None] * profile * _CM_PER_KM
    return out
