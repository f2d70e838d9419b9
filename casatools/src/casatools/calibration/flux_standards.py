"""Flux densities of the standard calibrators on the published scales."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

import numpy as np

from casatools._base.constants import MJD_ORDINAL
from casatools.calibration.flux_coefficients import (
    CALIBRATORS,
    EPOCHS,
    LOG_GHZ,
    LOG_MHZ,
    REYNOLDS_1994,
    SAULT_2003,
    SCAIFE_HEALD,
    STEVENS_2016,
    VARIABLE,
)

__all__ = ["STANDARDS", "FluxCalibrator", "find_calibrator", "flux_density", "last_epoch"]

STANDARDS: tuple[str, ...] = (
    "Perley-Butler 2017", "Perley-Butler 2013", "Perley-Butler 2010", "Perley-Taylor 99", "Baars", "Perley 90",
    "Perley-Taylor 95", "Scaife-Heald 2012", "Stevens-Reynolds 2016",
)  # fmt: skip
_BY_EPOCH = ("Perley-Butler 2017", "Perley-Butler 2013")
# How far a field may be from a calibrator's position to be taken for it.
_TOLERANCE_RAD = np.deg2rad(1.5 / 3600)
_SAULT_FROM_HZ = 10.0e9
_STEVENS_FROM_HZ = 11.143e9


@dataclass(frozen=True)
class FluxCalibrator:
    """A calibrator of the flux density scales: its name and J2000 position [rad]."""

    name: str
    ra_rad: float
    dec_rad: float


def find_calibrator(field_name: str, ra_rad: float, dec_rad: float) -> FluxCalibrator | None:
    """The calibrator a field is of: by a known name within the field's name, else by position; None when it is none.

    Parameters
    ----------
    field_name : str
    ra_rad, dec_rad : float
        J2000.
    """
    text = field_name.lower()
    for name, (ra, dec, aliases) in CALIBRATORS.items():
        if any(a.lower() in text for a in aliases):
            return FluxCalibrator(name, ra, dec)
    for name, (ra, dec, _) in CALIBRATORS.items():
        away = np.hypot(np.angle(np.exp(1j * (ra - ra_rad))) * np.cos(dec), dec - dec_rad)
        if away < _TOLERANCE_RAD:
            return FluxCalibrator(name, ra, dec)
    return None


def _julian_year(epoch: float) -> float:
    """The Julian year of an epoch such as 2010.9; a tenth of a year is 36.6 days, as the reference counts them."""
    start_mjd = datetime.date(int(epoch), 1, 1).toordinal() - MJD_ORDINAL
    return 2000.0 + (start_mjd + 366.0 * (epoch % 1.0) - 51544.5) / 365.25


def last_epoch(standard: str, calibrator: str) -> float | None:
    """Julian year of the last epoch that a standard has of a variable calibrator; None for others."""
    if standard not in _BY_EPOCH or calibrator not in VARIABLE:
        return None
    return _julian_year(EPOCHS[len(_rows_by_epoch(standard, calibrator)) - 1])


def _rows_by_epoch(standard: str, calibrator: str) -> tuple[tuple[float, ...], ...]:
    """Coefficients of each epoch; the standard of 2013 ends before the last."""
    table = VARIABLE[calibrator]
    return tuple(row[:4] for row in table[:-1]) if standard.endswith("2013") else table


def _at_year(fluxes: np.ndarray, year: float, interpolation: str) -> np.ndarray:
    """Flux densities (chan,) of a variable calibrator from those (epoch, chan) of the first epochs; beyond their years lines and curves go on."""
    years = np.array([_julian_year(e) for e in EPOCHS[: len(fluxes)]])
    if interpolation in ("nearest", ""):
        # The last epoch before the observation, as the reference has it; see docs/quirks.md.
        return np.asarray(fluxes[max(int(np.searchsorted(years, year, side="right")) - 1, 0)])
    if interpolation == "spline":
        from scipy.interpolate import CubicSpline

        return np.asarray(CubicSpline(years, fluxes, axis=0, bc_type="natural")(year))
    order = 2 if interpolation == "linear" else 4
    start = int(np.clip(np.searchsorted(years, year) - order // 2, 0, len(years) - order))
    x, result = years[start : start + order], np.zeros(fluxes.shape[1])
    for k in range(order):
        others = np.delete(x, k)
        result += fluxes[start + k] * np.prod((year - others) / (x[k] - others))
    return result


def _power(coefficients: np.ndarray | tuple[float, ...], logarithm: np.ndarray) -> np.ndarray:
    return np.asarray(10.0 ** np.polynomial.polynomial.polyval(logarithm, np.asarray(coefficients)))


def flux_density(
    standard: str, calibrator: str, frequency_hz: np.ndarray, year: float, interpolation: str = "nearest"
) -> np.ndarray | None:
    """Stokes I of a calibrator.

    Parameters
    ----------
    standard : str
        One of STANDARDS.
    calibrator : str
        Name in CALIBRATORS.
    frequency_hz : ndarray (chan,) float64 [Hz]
    year : float
        Julian year of the observation, for variable calibrators.
    interpolation : {"nearest", "linear", "cubic", "spline"}
        Of the flux densities between the epochs of variable calibrators.

    Returns
    -------
    ndarray (chan,) float64 [Jy], or None when the standard does not have the calibrator.

    References
    ----------
    See `flux_coefficients`.
    """
    frequency_hz = np.asarray(frequency_hz, dtype=np.float64)
    ghz, mhz = np.log10(frequency_hz / 1e9), np.log10(frequency_hz / 1e6)
    if calibrator == "1934-638" and standard != "Baars":
        return _flux_1934(standard, frequency_hz)
    if standard in _BY_EPOCH and calibrator in VARIABLE:
        fluxes = np.array([_power(row, ghz) for row in _rows_by_epoch(standard, calibrator)])
        return _at_year(fluxes, year, interpolation)
    if standard == "Scaife-Heald 2012":
        terms = SCAIFE_HEALD.get(calibrator)
        return None if terms is None else terms[0] * _power((0.0, *terms[1:]), np.log10(frequency_hz / 150e6))
    for scales, logarithm in ((LOG_GHZ, ghz), (LOG_MHZ, mhz)):
        found = scales.get(standard, {}).get(calibrator)
        if found is not None:
            return _power(found, logarithm)
    return None


def _flux_1934(standard: str, frequency_hz: np.ndarray) -> np.ndarray | None:
    """PKS 1934-638 by its two-part spectra."""
    mhz = np.log10(frequency_hz / 1e6)
    low = _power(REYNOLDS_1994, mhz)
    if standard in ("Perley 90", "Perley-Taylor 95"):
        return low
    if standard in ("Perley-Butler 2010", "Perley-Taylor 99"):
        return np.where(frequency_hz < _SAULT_FROM_HZ, low, _power(SAULT_2003, mhz))
    if standard == "Stevens-Reynolds 2016":
        return np.where(frequency_hz < _STEVENS_FROM_HZ, low, _power(STEVENS_2016, np.log10(frequency_hz / 1e9)))
    return None
