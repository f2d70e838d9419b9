"""The atmosphere beside a bandpass: transmission or sky temperature for the weather and elevation of an observation.

References
----------
The model is that of `kernels.air_absorption`; the standard atmosphere (ICAO) stands in where the weather is unknown.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from casatools._base import log
from casatools._base.errors import DataError, ParameterError
from casatools.calibration.radiometers import find_radiometer_windows, read_radiometers
from casatools.calibration.sky_geometry import SkyGeometry
from casatools.calibration.solution_series import numbers_of
from casatools.calibration.water_retrieval import retrieve_water
from casatools.io.caltable import CalTable, is_caltable
from casatools.io.ms import MeasurementSet, Selection
from casatools.io.tables import is_table, open_table
from casatools.kernels.air_absorption import sky_spectrum

__all__ = ["Atmosphere", "fdm_windows", "find_atmosphere", "find_oscillators", "find_vis", "observed_atmosphere"]

# Without a MeasurementSet: 1 mm of water, 1.5 airmasses, and ALMA's site.
_WATER_MM, _AIRMASS, _ALTITUDE_M = 1.0, 1.5, 5000.0
_LOW_RAD = np.radians(3.0)
_EARTH_M = 6378137.0, 6356752.3
# Spectral windows of few channels, or as wide as a baseband, are in time division mode.
_FDM_CHANNELS, _BASEBAND_HZ = 256, 1.9e9


@dataclass(frozen=True)
class Atmosphere:
    """What is assumed of the sky.

    Attributes
    ----------
    water_mm : float
        Precipitable water towards the zenith.
    temperature_k, pressure_hpa : float
        At the ground.
    airmass : float
    """

    water_mm: float = _WATER_MM
    temperature_k: float = 273.0
    pressure_hpa: float = 563.0
    airmass: float = _AIRMASS

    @property
    def words(self) -> str:
        """What is assumed, in words."""
        return (
            f"Sky of {self.water_mm:.2f} mm of water, {self.airmass:.2f} airmasses, {self.temperature_k:.1f} K and {self.pressure_hpa:.1f} hPa"
            " at the ground"
        )

    def curve(self, frequency_hz: np.ndarray, quantity: str) -> np.ndarray:
        """Transmission [%] or sky temperature [K] (``quantity`` "atm" or "tsky") at frequencies."""
        transmission, sky = sky_spectrum(frequency_hz * 1e-9, self.water_mm, self.temperature_k, self.pressure_hpa, self.airmass)
        return 100.0 * transmission if quantity == "atm" else sky


def find_vis(caltable: str, table: CalTable, vis: str) -> str:
    """The MeasurementSet given, or the one that a table was made from if it lies beside it or here; '' if there is none."""
    if vis:
        return vis
    beside = os.path.join(os.path.dirname(os.path.abspath(caltable)), table.ms_name)
    return next((p for p in (beside, table.ms_name) if table.ms_name and os.path.isdir(p)), "")


def find_atmosphere(vis: str, table: CalTable, pwv: Any, field: Any = "") -> Atmosphere:
    """The sky of an observation.

    Parameters
    ----------
    vis : str
        '' for none: a typical sky over ALMA.
    table : CalTable
        Its solutions say when.
    pwv : float or str
        Water in mm; 'auto' asks the radiometers, or is 1 mm.
    field : str or list
        Fields whose elevation counts; '' is those of the solutions.

    Raises
    ------
    ParameterError
        ``pwv`` is no amount of water.
    PathMissingError, DataError, SelectionError
        There is no such MeasurementSet or field.
    """
    water = _given_water(pwv)
    if not vis:
        log.post(f"plotbandpass: no MeasurementSet; the sky is that of {_AIRMASS} airmasses over ALMA", "WARN")
        return Atmosphere(water_mm=water if water is not None else _WATER_MM)
    with MeasurementSet(vis) as ms:
        names = tuple(f.name for f in ms.metadata.fields)
        fields = (
            sorted(numbers_of(names, field if isinstance(field, str) else [str(f) for f in field], "field")) if len(field) else []
        )
        times, solved = np.asarray(table.time_s), np.asarray(table.field_id)
        if fields:
            times, solved = np.repeat(np.median(times), len(fields)), np.asarray(fields)
        known = (solved >= 0) & (solved < len(names))
        if not known.any():
            raise DataError(f"plotbandpass: the solutions are of fields that {vis!r} does not have")
        return _sky_at(ms, times[known], solved[known], water)


def find_oscillators(path: str) -> dict[int, float]:
    """First local oscillators [Hz] of the spectral windows, by their numbers, of ALMA's data or of a table made from them.

    They stand in the table ASDM_RECEIVER of the MeasurementSet, whose windows may not have been renumbered; without it there are none, with a
    warning.
    """
    vis = find_vis(path, CalTable.open(path), "") if is_caltable(path) else path
    receivers = f"{vis}/ASDM_RECEIVER"
    if not vis or not is_table(receivers):
        log.post(f"plotms: {vis or path!r} has no ASDM_RECEIVER table; the image sideband is not drawn", "WARN")
        return {}
    table = open_table(receivers, what="table of receivers")
    try:
        names = [str(n) for n in table.getcol("spectralWindowId")] if table.nrows() else []
        return {
            int(name.rpartition("_")[2]): float(np.ravel(table.getcell("freqLO", row))[0])
            for row, name in enumerate(names)
            if name.rpartition("_")[2].isdigit() and np.size(table.getcell("freqLO", row))
        }
    finally:
        table.close()


def observed_atmosphere(vis: str, selection: Selection) -> Atmosphere:
    """The sky over the selected data of a MeasurementSet.

    Raises
    ------
    PathMissingError, SelectionError
        There is no such MeasurementSet, or nothing is selected.
    """
    with MeasurementSet(vis) as ms:
        rows = selection.resolve(ms).rows
        return _sky_at(ms, np.asarray(ms.read("TIME", rows)), np.asarray(ms.read("FIELD_ID", rows)), None)


def _sky_at(ms: MeasurementSet, times_s: np.ndarray, fields: np.ndarray, water_mm: float | None) -> Atmosphere:
    """The sky at the median elevation of fields at times; without an amount of water that of the radiometers."""
    pairs = np.unique(np.stack([times_s, fields]), axis=1)
    elevation = float(np.median(SkyGeometry(ms).elevations(pairs[0], pairs[1].astype(np.int64))[:, 0]))
    temperature, pressure = _weather(ms)
    water = _radiometer_water(ms) if water_mm is None else water_mm
    airmass = 1.0 / np.sin(max(elevation, _LOW_RAD))
    sky = Atmosphere(water, temperature, pressure, float(airmass))
    log.post(sky.words)
    return sky


def _given_water(pwv: Any) -> float | None:
    if isinstance(pwv, str) and pwv.strip().lower() in ("auto", ""):
        return None
    try:
        value = float(pwv)
    except (TypeError, ValueError):
        raise ParameterError(f"plotbandpass: parameter 'pwv' must be 'auto' or mm of water; got {pwv!r}") from None
    if not 0 <= value < 100:
        raise ParameterError(f"plotbandpass: parameter 'pwv' must be from 0 to 100 mm; got {value}")
    return value


def _weather(ms: MeasurementSet) -> tuple[float, float]:
    """Median temperature [K] and pressure [hPa]; of the standard atmosphere at the array's height where nothing is known."""
    x, y, z = np.mean([a.position_m for a in ms.metadata.antennas], axis=0)
    latitude = np.arctan2(z, np.hypot(x, y))
    radius = 1.0 / np.hypot(np.cos(latitude) / _EARTH_M[0], np.sin(latitude) / _EARTH_M[1])
    height = float(np.clip(np.sqrt(x**2 + y**2 + z**2) - radius, 0.0, 9000.0))
    found = {"TEMPERATURE": 288.15 - 0.0065 * height, "PRESSURE": 1013.25 * (1.0 - 0.0065 * height / 288.15) ** 5.2559}
    if is_table(f"{ms.path}/WEATHER"):
        weather = ms.subtable("WEATHER")
        try:
            for name, (low, high) in {"TEMPERATURE": (150.0, 350.0), "PRESSURE": (300.0, 1100.0)}.items():
                if name in weather.colnames() and weather.nrows() and weather.iscelldefined(name, 0):
                    values = np.asarray(weather.getcol(name), np.float64)
                    good = values[(values > low) & (values < high)]
                    found[name] = float(np.median(good)) if len(good) else found[name]
        finally:
            weather.close()
    return found["TEMPERATURE"], found["PRESSURE"]


def _radiometer_water(ms: MeasurementSet) -> float:
    """Zenith water [mm] that the radiometers saw in the middle of the observation; 1 mm without them."""
    windows = find_radiometer_windows(ms)
    if windows:
        try:
            data = read_radiometers(ms, windows)
        except DataError:
            return _WATER_MM
        time = len(data.time_s) // 2
        good = np.isfinite(data.brightness_k[time]).all(axis=1)
        if good.any():
            found = retrieve_water(np.median(data.brightness_k[time, good], axis=0), data.offsets_ghz, data.widths_ghz)
            if found.evidence > 0:
                return found.water_mm * float(np.sin(data.elevation_rad[time]))
    return _WATER_MM


def fdm_windows(vis: str) -> Sequence[tuple[int, float, float]]:
    """Number, lowest and highest frequency [Hz] of the spectral windows of a MeasurementSet that are in frequency division mode."""
    with MeasurementSet(vis) as ms:
        out = []
        for window in ms.metadata.spectral_windows:
            width = float(np.abs(window.chan_width_hz).sum())
            if window.nchan >= _FDM_CHANNELS or (window.nchan > 4 and width < _BASEBAND_HZ and window.nchan % 60 == 0):
                out.append((window.id, float(window.chan_freq_hz.min()), float(window.chan_freq_hz.max())))
    return out
