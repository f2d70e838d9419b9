"""Spectra of model sources: Stokes parameters by frequency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from casatools._base.constants import SPEED_OF_LIGHT_M_S
from casatools._base.errors import ParameterError
from casatools.calibration.fit_component import component_visibility
from casatools.calibration.flux_standards import flux_density
from casatools.calibration.model_image import tangent_axes
from casatools.calibration.solar_system import Disk, body_flux

if TYPE_CHECKING:
    from casatools.components.model import Component

__all__ = [
    "BodySpectrum",
    "ManualSpectrum",
    "SourceSpectrum",
    "StandardSpectrum",
    "source_component",
    "spectrum_of_fluxscale",
    "stokes_to_correlations",
]

ARCSEC = np.pi / 648000


class SourceSpectrum(Protocol):
    """Anything that gives Stokes parameters by frequency."""

    def stokes(self, frequency_hz: np.ndarray) -> np.ndarray:
        """Stokes I, Q, U, V (chan, 4) [Jy]."""
        ...


@dataclass(frozen=True)
class ManualSpectrum:
    """A power law with curvature, and polarization that turns.

    Attributes
    ----------
    fluxes_jy : tuple of 4 float
        I, Q, U, V at `reference_hz`.
    spix : tuple of float
        Spectral index, curvature, ...: ``S ~ x ** (spix[0] + spix[1] log10 x + ...)`` with ``x = f / reference``.
    polindex : tuple of float
        Linear polarization fraction as a polynomial in ``(f - reference) / reference``; Q and U then follow from it. Its first coefficient
        is that of Q and U of `fluxes_jy` where they are given.
    polangle : tuple of float
        Angle of linear polarization [rad], the same kind of polynomial, the first coefficient likewise.
    rotmeas : float
        Rotation measure [rad/m2], zero rotation at `reference_hz`.
    """

    fluxes_jy: tuple[float, float, float, float]
    spix: tuple[float, ...] = ()
    reference_hz: float = 1e9
    polindex: tuple[float, ...] = ()
    polangle: tuple[float, ...] = ()
    rotmeas: float = 0.0

    @property
    def is_curved(self) -> bool:
        """Whether it is more than a power law of constant polarization (turned by the rotation measure)."""
        return max(len(self.spix), len(self.polindex), len(self.polangle)) > 1

    def stokes(self, frequency_hz: np.ndarray) -> np.ndarray:
        """Stokes I, Q, U, V (chan, 4) [Jy]."""
        ratio = np.asarray(frequency_hz, dtype=np.float64) / self.reference_hz
        logarithm = np.log10(ratio)
        exponent = np.zeros(len(ratio))
        for k, index in enumerate(self.spix):
            exponent += index * logarithm ** (k + 1)
        out = np.multiply.outer(10.0**exponent, np.asarray(self.fluxes_jy))
        if self.polindex or self.polangle or self.rotmeas:
            self._polarize(out, ratio)
        return out

    def _polarize(self, stokes: np.ndarray, ratio: np.ndarray) -> None:
        """Replace Q and U by what fraction, angle and rotation measure say."""
        i0, q0, u0, _ = self.fluxes_jy
        given = bool(q0 or u0)  # then they are the polarization at the reference, whatever the polynomials begin with
        fraction0 = float(np.hypot(q0, u0)) / i0 if i0 else 0.0
        fraction = (fraction0, *self.polindex[1:]) if given or not self.polindex else self.polindex
        angle = (0.5 * float(np.arctan2(u0, q0)), *self.polangle[1:]) if given or not self.polangle else self.polangle
        polarized = stokes[:, 0] * np.polynomial.polynomial.polyval(ratio - 1, np.asarray(fraction))
        turned = np.polynomial.polynomial.polyval(ratio - 1, np.asarray(angle))
        wave = SPEED_OF_LIGHT_M_S / self.reference_hz
        turned = turned + self.rotmeas * wave**2 * (ratio**-2 - 1)
        stokes[:, 1], stokes[:, 2] = polarized * np.cos(2 * turned), polarized * np.sin(2 * turned)


@dataclass(frozen=True)
class StandardSpectrum:
    """A calibrator on a published flux density scale; see `flux_standards.flux_density`."""

    standard: str
    calibrator: str
    year: float
    interpolation: str = "nearest"

    def stokes(self, frequency_hz: np.ndarray) -> np.ndarray:
        """Stokes I, Q, U, V (chan, 4) [Jy]; unpolarized."""
        found = flux_density(self.standard, self.calibrator, frequency_hz, self.year, self.interpolation)
        out = np.zeros((len(frequency_hz), 4))
        out[:, 0] = 1.0 if found is None else found
        return out


@dataclass(frozen=True)
class BodySpectrum:
    """A body of the solar system; see `solar_system.body_flux` and `solar_system_2010.body_flux_2010`.

    Attributes
    ----------
    disk : Disk
    mjd : float
        UTC.
    at_ephemeris : bool
        The disk lies where the ephemeris has it, instead of at the phase centre.
    of_2010 : bool
        The black disks of the standard of 2010.
    """

    disk: Disk
    mjd: float
    at_ephemeris: bool = False
    of_2010: bool = False

    def stokes(self, frequency_hz: np.ndarray) -> np.ndarray:
        """Stokes I, Q, U, V (chan, 4) [Jy]; unpolarized."""
        out = np.zeros((len(frequency_hz), 4))
        if self.of_2010:
            from casatools.calibration.solar_system_2010 import body_flux_2010

            out[:, 0] = body_flux_2010(self.disk, frequency_hz)
        else:
            out[:, 0] = body_flux(self.disk, frequency_hz, self.mjd)
        return out

    def shape(self, uvw_m: np.ndarray, frequency_hz: np.ndarray, phase_centre_rad: np.ndarray) -> np.ndarray:
        """Visibilities (row, chan) complex128 of the disk with a flux density of one, for baselines (row, 3) [m]."""
        disk, east, north = self.disk, 0.0, 0.0
        if self.at_ephemeris:
            towards = tangent_axes(disk.lon_rad, disk.lat_rad)[2]
            east, north = (tangent_axes(float(phase_centre_rad[0]), float(phase_centre_rad[1]))[:2] @ towards).tolist()
        wavenumber = np.asarray(frequency_hz) / SPEED_OF_LIGHT_M_S
        u, v = np.multiply.outer(uvw_m[:, 0], wavenumber), np.multiply.outer(uvw_m[:, 1], wavenumber)
        parameters = np.array(
            [
                1.0,
                east / ARCSEC,
                north / ARCSEC,
                disk.major_rad / ARCSEC,
                disk.minor_rad / disk.major_rad,
                np.rad2deg(disk.angle_rad),
            ]
        )
        return component_visibility("D", parameters, u, v)


def source_component(
    source: SourceSpectrum,
    stokes: np.ndarray,
    frequency_hz: np.ndarray,
    frame: str,
    direction_rad: np.ndarray,
    direction_frame: str,
) -> Component:
    """A source as a component, with a table of its Stokes parameters (chan, 4) at the channels of a spectral window.

    Parameters
    ----------
    source : SourceSpectrum
    stokes : ndarray (chan, 4) float64 [Jy]
    frequency_hz : ndarray (chan,) float64
    frame : str
        Of the frequencies.
    direction_rad : ndarray (2,) float64
        The phase centre.
    direction_frame : str
    """
    from casatools.components.model import Amount, Component, Flux, Shape, Spectrum

    order = np.argsort(frequency_hz)
    hz, table = np.asarray(frequency_hz, np.float64)[order], np.asarray(stokes, np.float64)[order]
    reference, constant = Amount(float(hz[0]) / 1e9, "GHz"), bool((table == table[0]).all())
    columns = tuple(tuple(column.tolist()) for column in table.T)
    spectrum = (
        Spectrum("Constant", reference, frame)
        if constant
        else Spectrum("Tabular Spectrum", reference, frame, table_hz=tuple(hz.tolist()), table=columns)
    )
    shape = Shape("Point", float(direction_rad[0]), float(direction_rad[1]), direction_frame)
    if isinstance(source, BodySpectrum):
        disk = source.disk
        if source.at_ephemeris:
            shape = Shape("Point", disk.lon_rad, disk.lat_rad, "ICRS")
        major, minor, angle = (Amount(float(v), "rad") for v in (disk.major_rad, disk.minor_rad, disk.angle_rad))
        shape = replace(shape, kind="Disk", major=major, minor=minor, angle=angle)
    return Component(Flux(table[0].astype(complex)), shape, spectrum)


def spectrum_of_fluxscale(entry: Mapping[str, Any]) -> ManualSpectrum:
    """The fitted spectrum of one field in the record that fluxscale returns."""
    try:
        flux, reference = float(entry["fitFluxd"]), float(entry["fitRefFreq"])
    except (KeyError, TypeError, ValueError):
        raise ParameterError(
            "parameter 'fluxdict' must hold fitFluxd and fitRefFreq for each field, as fluxscale returns them"
        ) from None
    index = np.atleast_1d(np.asarray(entry.get("spidx", ()), dtype=np.float64))
    return ManualSpectrum((flux, 0.0, 0.0, 0.0), tuple(float(v) for v in index[1:]), reference)


_TO_CORRELATION: dict[str, tuple[complex, complex, complex, complex]] = {
    "I": (1, 0, 0, 0), "Q": (0, 1, 0, 0), "U": (0, 0, 1, 0), "V": (0, 0, 0, 1),
    "RR": (1, 0, 0, 1), "RL": (0, 1, 1j, 0), "LR": (0, 1, -1j, 0), "LL": (1, 0, 0, -1),
    "XX": (1, 1, 0, 0), "XY": (0, 0, 1, 1j), "YX": (0, 0, 1, -1j), "YY": (1, -1, 0, 0),
}  # fmt: skip


def stokes_to_correlations(stokes: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Correlations (..., corr) complex128 of Stokes parameters (..., 4), for products such as RR, XY."""
    matrix = np.array([_TO_CORRELATION.get(n, (1, 0, 0, 0)) for n in names], dtype=np.complex128)
    return np.asarray(stokes @ matrix.T)


def correlations_to_stokes(correlations: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Stokes parameters (..., 4) float64 of correlations (..., corr) of one kind of feeds; those that the products do not tell are zero."""
    matrix = np.array([_TO_CORRELATION[n] for n in names], dtype=np.complex128)
    # Smallest solution: what is not measured stays zero, but for two parallel hands, which tell two parameters.
    return np.asarray((correlations @ np.linalg.pinv(matrix).T).real)
