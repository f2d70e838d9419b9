"""Gains that follow from where the antennas point and what they measured: opacity, gain curves, positions, fringes, switched power.

References
----------
Thompson, Moran & Swenson 2017, Interferometry and Synthesis in Radio Astronomy, ch. 13 (opacity, ``exp(-tau sec z)``), ch. 4 (baselines), ch. 9
(fringes); Perley 2010, EVLA Memo 145 (switched power). Signs, units and the constants of switched power as observed in what CASA 6.7
writes and applies.
"""

from __future__ import annotations

import numpy as np

from casatools._base.constants import SPEED_OF_LIGHT_M_S

__all__ = [
    "CORRELATOR_EFFICIENCY",
    "curve_gains",
    "fringe_gains",
    "fringe_phasors",
    "opacity_gains",
    "position_gains",
    "switched_power_gains",
]

# Of the EVLA's correlator with 4 bits: scales the weights that follow from system temperatures.
CORRELATOR_EFFICIENCY = 0.932
# Below this elevation there is no air mass to speak of.
_LOWEST_RAD = np.deg2rad(1.0)
# Turns of phase times frequency [Hz] for a dispersive term of one.
_DISPERSION_HZ = 1e6


def opacity_gains(tau: np.ndarray, elevation_rad: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Voltage gains ``exp(-tau / (2 sin el))`` (slot, ant, 1, 1) and what is bad, of opacities (slot, ant, 1, 1)."""
    bad = elevation_rad[:, :, None, None] < _LOWEST_RAD
    mass = 1.0 / np.sin(np.maximum(elevation_rad, _LOWEST_RAD))
    return np.exp(-0.5 * tau * mass[:, :, None, None]), bad


def curve_gains(coefficients: np.ndarray, elevation_rad: np.ndarray) -> np.ndarray:
    """Voltage gains (slot, ant, 1, 2): polynomials in the zenith angle in degrees, the coefficients (slot, ant, 1, 2 n) by receptor."""
    zenith = 90.0 - np.rad2deg(elevation_rad)
    terms = coefficients[:, :, 0].reshape((*coefficients.shape[:2], 2, -1))
    out = np.zeros(terms.shape[:3])
    for k in range(terms.shape[3] - 1, -1, -1):
        out = out * zenith[:, :, None] + terms[..., k]
    return out[:, :, None, :]


def position_gains(offset_m: np.ndarray, toward: np.ndarray, frequency_hz: np.ndarray) -> np.ndarray:
    """Phase factors (slot, ant, chan, 1) of offsets (slot, ant, 1, 3) of antennas in ITRF, seen along unit vectors (slot, 3)."""
    delay_s = np.einsum("sak,sk->sa", offset_m[:, :, 0], toward) / SPEED_OF_LIGHT_M_S
    return np.exp(2j * np.pi * delay_s[:, :, None, None] * np.asarray(frequency_hz)[None, None, :, None])


def switched_power_gains(values: np.ndarray, flags: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gains (..., 2), flags and weight scales of parameters (..., 4): gain and system temperature [K] of each receptor."""
    bad = flags[..., 0::2] | flags[..., 1::2]
    temperature = np.where(bad | (values[..., 1::2] <= 0), 1.0, values[..., 1::2])
    return values[..., 0::2], bad, CORRELATOR_EFFICIENCY / temperature


def fringe_phasors(values: np.ndarray, since_s: np.ndarray, reference_hz: float) -> np.ndarray:
    """What a solution's phases and rates have become some time after it, as unit phasors (slot, ant, 1, 2).

    Parameters
    ----------
    values : ndarray (slot, ant, 1, 8)
        Phase [rad], delay [ns], rate [s/s] and dispersive term of each receptor.
    since_s : ndarray (slot,)
        Time since the solution [s].
    reference_hz : float
        Where delays have no phase and rates are phases.
    """
    turned = values[..., 2::4] * reference_hz * since_s[:, None, None, None]
    return np.exp(1j * (values[..., 0::4] + 2 * np.pi * turned))


def fringe_gains(
    phasors: np.ndarray, values: np.ndarray, window_hz: np.ndarray, frequency_hz: np.ndarray, reference_hz: float
) -> np.ndarray:
    """Phase factors of fringes.

    Parameters
    ----------
    phasors : ndarray (slot, ant, 1, 2)
        From `fringe_phasors`, interpolated in time.
    values : ndarray (slot, ant, 1, 8)
    window_hz : ndarray
        All channels of the spectral window: at its ends a dispersive term has no phase.
    frequency_hz : ndarray (chan,)
    reference_hz : float
        Where delays have no phase.

    Returns
    -------
    ndarray (slot, ant, chan, 2) complex128
    """
    hz = np.asarray(frequency_hz)
    low, high = float(np.min(window_hz)), float(np.max(window_hz))
    bent = _DISPERSION_HZ * (1 / hz + hz / (low * high) - 1 / low - 1 / high)
    turns = values[..., 1::4] * 1e-9 * (hz - reference_hz)[:, None] + values[..., 3::4] * bent[:, None]
    size = np.abs(phasors)
    return np.where(size > 0, phasors / np.where(size > 0, size, 1.0), 1.0) * np.exp(2j * np.pi * turns)
