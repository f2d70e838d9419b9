"""Uncertainties of fitted Gaussians, and their sizes without the beam.

References
----------
Condon 1997, PASP 109, 166 (C97): errors of elliptical Gaussian fits in noise that is correlated or not.
Wild 1970, Aust. J. Phys. 23, 113: deconvolution of elliptical Gaussians by their second moments.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from casatools.analysis.gaussian_sources import PlaneGeometry, Source
from casatools.imaging.beam_fit import GaussianBeam
from casatools.imaging.restoration import beam_difference

__all__ = ["Deconvolved", "SourceErrors", "deconvolve", "source_errors"]


@dataclass(frozen=True)
class SourceErrors:
    """One standard deviation of what was fitted; zero for what was held fixed."""

    peak: float
    flux_fraction: float
    longitude_rad: float
    latitude_rad: float
    x: float
    y: float
    major_rad: float
    minor_rad: float
    angle_rad: float


def source_errors(source: Source, geometry: PlaneGeometry, rms: float, noise_fwhm_rad: float) -> SourceErrors:
    """Errors of a fitted Gaussian.

    Parameters
    ----------
    source : Source
    geometry : PlaneGeometry
    rms : float
        Noise, in the unit of the peak.
    noise_fwhm_rad : float
        Width that noise is correlated over; 0 or less for independent pixels.

    Returns
    -------
    SourceErrors

    Notes
    -----
    Correlated noise: C97 equation 41 for the signal to noise ratio with exponents (3/2, 3/2) for the peak, (5/2, 1/2) along the
    major axis, (1/2, 5/2) along the minor axis and for the angle; independent pixels: equation 20. Errors of the parameters:
    equation 21 and, for the flux density, 40.
    """
    major, minor = source.major_rad, source.minor_rad

    def ratio2(major_power: float, minor_power: float) -> float:
        signal2 = (source.peak / rms) ** 2
        if noise_fwhm_rad <= 0:
            return float(np.pi * major * minor / (8 * np.log(2) * geometry.pixel_area_rad2) * signal2)
        grow = [(1 + (noise_fwhm_rad / w) ** 2) ** p for w, p in ((major, major_power), (minor, minor_power))]
        return float(major * minor / (4 * noise_fwhm_rad**2) * grow[0] * grow[1] * signal2)

    if rms <= 0 or source.peak == 0:
        return SourceErrors(*([0.0] * 9))
    along2, across2 = ratio2(2.5, 0.5), ratio2(0.5, 2.5)
    fixed = source.fixed
    peak = 0.0 if "f" in fixed else abs(source.peak) * np.sqrt(2 / ratio2(1.5, 1.5))
    major_error = 0.0 if "a" in fixed else major * np.sqrt(2 / along2)
    minor_error = 0.0 if "b" in fixed else minor * np.sqrt(2 / across2)
    difference = major**2 - minor**2
    angle = 0.0 if "p" in fixed else 2 / np.sqrt(across2) * major * minor / difference if difference > 0 else np.pi
    along, across = major / np.sqrt(4 * np.log(2) * along2), minor / np.sqrt(4 * np.log(2) * across2)
    sine, cosine = np.sin(source.angle_rad), np.cos(source.angle_rad)
    longitude, latitude = np.hypot(along * sine, across * cosine), np.hypot(along * cosine, across * sine)
    shape2 = (major_error / major) ** 2 + (minor_error / minor) ** 2
    beams = max(noise_fwhm_rad, 0.0) ** 2 / (major * minor)
    flux = np.sqrt((peak / source.peak) ** 2 + beams * shape2)
    scale = np.abs(np.diag(geometry.matrix))
    x_scale, y_scale = (float(s) if s > 0 else geometry.cell_rad for s in scale)
    lon, lat = (0.0 if c in fixed else float(v) for c, v in (("x", longitude), ("y", latitude)))
    return SourceErrors(
        float(peak), float(flux), lon, lat, lon / x_scale, lat / y_scale, float(major_error), float(minor_error), float(angle)
    )


@dataclass(frozen=True)
class Deconvolved:
    """A source without the beam.

    Attributes
    ----------
    kind : str
        "resolved", "limit" (a point; the widths are upper limits), "point" (no limit is known) or "none" (narrower than the beam).
    major_rad, minor_rad, angle_rad : float
    major_error_rad, minor_error_rad, angle_error_rad : float
        Largest changes when the fitted sizes are varied by their errors.
    """

    kind: str
    major_rad: float = 0.0
    minor_rad: float = 0.0
    angle_rad: float = 0.0
    major_error_rad: float = 0.0
    minor_error_rad: float = 0.0
    angle_error_rad: float = 0.0


def deconvolve(source: Source, errors: SourceErrors, beam: GaussianBeam) -> Deconvolved:
    """The size of a source without the beam.

    Notes
    -----
    A source narrower than the beam in one direction counts as a point when what it lacks is below a tenth of the smallest
    width squared.
    """
    signs = list(itertools.product((-1, 1), repeat=3))
    varied = [
        beam_difference(_ordered(source.major_rad + i * errors.major_rad, source.minor_rad + j * errors.minor_rad,
                                 source.angle_rad + k * errors.angle_rad), beam)
        for i, j, k in signs
    ]  # fmt: skip
    own = beam_difference(_ordered(source.major_rad, source.minor_rad, source.angle_rad), beam)
    found = [v for v in varied if v is not None]
    if own is None:
        limits = found if _is_point(source, beam) else []
        if limits:
            return Deconvolved("limit", max(v.major_rad for v in limits), max(v.minor_rad for v in limits))
        return Deconvolved("point" if _is_point(source, beam) else "none")
    turns = [abs(_half_turn(v.angle_rad - own.angle_rad)) for v in found] or [0.0]
    return Deconvolved(
        "resolved", own.major_rad, own.minor_rad, float(own.angle_rad % np.pi),
        max([abs(v.major_rad - own.major_rad) for v in found] or [0.0]),
        max([abs(v.minor_rad - own.minor_rad) for v in found] or [0.0]), max(turns),
    )  # fmt: skip


def _ordered(major: float, minor: float, angle: float) -> GaussianBeam:
    major, minor = max(major, 0.0), max(minor, 0.0)
    return GaussianBeam(major, minor, angle) if major >= minor else GaussianBeam(minor, major, angle + np.pi / 2)


def _half_turn(angle: float) -> float:
    return float((angle + np.pi / 2) % np.pi - np.pi / 2)


def _is_point(source: Source, beam: GaussianBeam) -> bool:
    def squares(major: float, minor: float, angle: float) -> np.ndarray:
        north, east = np.cos(angle) ** 2, np.sin(angle) ** 2
        return np.array([major**2 * north + minor**2 * east, major**2 * east + minor**2 * north,
                         (minor**2 - major**2) * np.sin(2 * angle)])  # fmt: skip

    own = squares(source.major_rad, source.minor_rad, source.angle_rad)
    left = own - squares(beam.major_rad, beam.minor_rad, beam.angle_rad)
    limit = 0.1 * min(source.major_rad, source.minor_rad, beam.major_rad, beam.minor_rad) ** 2
    small = 0.5 * (left[0] + left[1] - np.hypot(left[0] - left[1], left[2]))
    return bool(small < limit and left[0] > -limit and left[1] > -limit)
