"""Known skies: point sources with spectra, and a rotating gas disk in line emission."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from casatools._base.constants import SPEED_OF_LIGHT_M_S

__all__ = ["LineDisk", "PointSource", "SkyModel"]


@dataclass(frozen=True)
class PointSource:
    """A point source with a power-law spectrum.

    Attributes
    ----------
    east_rad, north_rad : float
        Offset from the phase centre, direction cosines l and m times one radian.
    flux_jy : float
        Flux density at `reference_hz`.
    spectral_index : float
    reference_hz : float
    """

    east_rad: float
    north_rad: float
    flux_jy: float
    spectral_index: float = 0.0
    reference_hz: float = 1.4e9

    def components(self, freq_hz: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Offsets (src,), (src,) and flux densities (src, chan) at the frequencies given."""
        flux = self.flux_jy * (freq_hz / self.reference_hz) ** self.spectral_index
        return np.array([self.east_rad]), np.array([self.north_rad]), flux[None, :]


@dataclass(frozen=True)
class LineDisk:
    """An inclined, exponential, rotating disk of gas as a sum of point sources.

    Attributes
    ----------
    flux_jy_km_s : float
        Integrated line flux.
    scale_rad : float
        Scale length of the exponential surface brightness; the disk ends at three of them.
    inclination_rad, position_angle_rad : float
        Position angle of the receding side of the major axis, north through east.
    systemic_m_s, rotation_m_s, dispersion_m_s : float
        Radio-definition velocities: of the centre, of the flat rotation curve, and the line's own width (sigma).
    rest_hz : float
        Rest frequency of the line.
    turnover_rad : float
        Radius at which the rotation curve flattens.
    """

    flux_jy_km_s: float
    scale_rad: float
    inclination_rad: float
    position_angle_rad: float
    systemic_m_s: float
    rotation_m_s: float
    dispersion_m_s: float
    rest_hz: float = 1420405751.786
    turnover_rad: float = 1e-4

    def points(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """East and north offsets [rad], weights (sum 1) and radial velocities [m/s], each (src,)."""
        rings, per_ring = 12, 16
        radius = (np.arange(rings) + 0.5) / rings * 3.0 * self.scale_rad
        # Rings are turned against each other so that spokes do not line up.
        angle = 2.0 * np.pi * (np.arange(per_ring)[None, :] + 0.5 * (np.arange(rings)[:, None] % 2)) / per_ring
        weight = np.repeat((radius * np.exp(-radius / self.scale_rad))[:, None], per_ring, axis=1)
        along = (radius[:, None] * np.cos(angle)).ravel()
        across = (radius[:, None] * np.sin(angle) * np.cos(self.inclination_rad)).ravel()
        speed = self.rotation_m_s * (1.0 - np.exp(-radius / self.turnover_rad))
        velocity = self.systemic_m_s + (speed[:, None] * np.cos(angle) * np.sin(self.inclination_rad)).ravel()
        sin_pa, cos_pa = np.sin(self.position_angle_rad), np.cos(self.position_angle_rad)
        east = along * sin_pa + across * cos_pa
        north = along * cos_pa - across * sin_pa
        return east, north, weight.ravel() / weight.sum(), velocity

    def components(self, freq_hz: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Offsets (src,), (src,) and flux densities (src, chan) [Jy], averaged over each channel's velocity range.

        `freq_hz` are channel centres in the frame of the velocities.
        """
        from scipy.special import erf

        east, north, weight, velocity = self.points()
        width_hz = abs(freq_hz[1] - freq_hz[0]) if len(freq_hz) > 1 else 1.0
        centre = SPEED_OF_LIGHT_M_S * (1.0 - freq_hz / self.rest_hz)
        half = 0.5 * SPEED_OF_LIGHT_M_S * width_hz / self.rest_hz
        scale = np.sqrt(2.0) * self.dispersion_m_s
        offset = centre[None, :] - velocity[:, None]
        share = 0.5 * (erf((offset + half) / scale) - erf((offset - half) / scale))
        flux = self.flux_jy_km_s * 1e3 * weight[:, None] * share / (2.0 * half)
        return east, north, flux


@dataclass(frozen=True)
class SkyModel:
    """What is seen in one field: a sum of sources."""

    sources: tuple[PointSource | LineDisk, ...]

    def components(self, freq_hz: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Offsets east (src,) and north (src,) [rad] and flux densities (src, chan) [Jy] of all sources."""
        parts = [s.components(freq_hz) for s in self.sources]
        return (
            np.concatenate([p[0] for p in parts]),
            np.concatenate([p[1] for p in parts]),
            np.concatenate([p[2] for p in parts]),
        )
