"""Reading water-vapour radiometers of a MeasurementSet: brightness for each time, antenna and channel.

References
----------
Nikolic, Bolton, Graves, Hills, Richer 2013, A&A 552, A104 (the radiometers of ALMA). Which states count, as observed in CASA 6.7: those whose
intents name ON_SOURCE or REFERENCE, and no calibration of the atmosphere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from casatools._base.errors import DataError, ParameterError
from casatools.calibration.sky_geometry import SkyGeometry
from casatools.io.ms import MeasurementSet, Selection, iter_chunks
from casatools.io.tables import is_table, open_table

__all__ = ["LINE_HZ", "RadiometerData", "find_radiometer_windows", "read_radiometers", "subtract_offsets"]

LINE_HZ = 183.31e9
# The radiometers have four channels about the water line.
CHANNELS = 4
_LOW_HZ, _HIGH_HZ = 180e9, 187e9
# Less than the sky ever has, or more than the ground: no measurement (K).
_DARK_K, _HOT_K = 1.0, 350.0
# Times nearer than this are one integration (s).
_SAME_S = 0.01


@dataclass
class RadiometerData:
    """Brightness of the sky, one row for each time on source.

    Attributes
    ----------
    time_s, interval_s : ndarray (time,)
    field, source : ndarray (time,) int
    brightness_k : ndarray (time, ant, 4)
        NaN where nothing good was measured.
    expected : ndarray (ant,) bool
        Antennas that have a radiometer.
    elevation_rad : ndarray (time,)
    offsets_ghz, widths_ghz : tuple of float
        Distance of the channels from the line, and their widths.
    """

    time_s: np.ndarray
    interval_s: np.ndarray
    field: np.ndarray
    source: np.ndarray
    brightness_k: np.ndarray
    expected: np.ndarray
    elevation_rad: np.ndarray
    offsets_ghz: tuple[float, ...]
    widths_ghz: tuple[float, ...]


def find_radiometer_windows(ms: MeasurementSet, wanted: Sequence[int] = ()) -> list[int]:
    """Spectral windows with radiometer data, of those wanted; empty if one that is wanted is none."""
    found = [
        w.id for w in ms.metadata.spectral_windows
        if w.nchan == CHANNELS and _LOW_HZ < float(w.chan_freq_hz[0]) < _HIGH_HZ
    ]  # fmt: skip
    if wanted:
        return [s for s in found if s in wanted] if set(wanted) <= set(found) else []
    return found


def _on_source(ms: MeasurementSet) -> np.ndarray:
    """Whether each state looks at the sky that astronomical data go through; true for all if there are no states."""
    modes = [s.obs_mode for s in ms.metadata.states]
    return np.array([("ON_SOURCE" in m or "REFERENCE" in m) and "ATMOSPHERE" not in m for m in modes], dtype=bool)


def read_radiometers(ms: MeasurementSet, windows: Sequence[int], use_field_table: bool = False) -> RadiometerData:
    """Read what radiometers measured on source.

    Raises
    ------
    DataError
        There are no rows of radiometers on source.
    """
    good_state = _on_source(ms)
    parts: list[tuple[np.ndarray, ...]] = []
    resolved = Selection(spw=",".join(map(str, windows)), taql="ANTENNA1==ANTENNA2").resolve(ms, allow_empty=True)
    columns = ("DATA", "FLAG", "FLAG_ROW", "TIME", "INTERVAL", "FIELD_ID", "STATE_ID", "ANTENNA1")
    if len(resolved.rows):
        for chunk in iter_chunks(ms, resolved, columns):
            state = chunk.columns["STATE_ID"]
            kept = (
                np.ones(len(state), bool)
                if not len(good_state)
                else (state >= 0) & good_state[np.clip(state, 0, len(good_state) - 1)]
            )
            value = chunk.columns["DATA"][:, :, 0].real.astype(np.float64)
            bad = chunk.columns["FLAG"][:, :, 0] | chunk.columns["FLAG_ROW"][:, None]
            bad |= ~np.isfinite(value) | (value < _DARK_K) | (value > _HOT_K)
            value[bad.any(axis=1)] = np.nan
            parts.append(tuple(
                np.asarray(a)[kept]
                for a in (chunk.columns["TIME"], chunk.columns["ANTENNA1"], chunk.columns["FIELD_ID"], chunk.columns["INTERVAL"], value)
            ))  # fmt: skip
    if not sum(len(p[0]) for p in parts):
        raise DataError(f"wvrgcal: {ms.path!r} has no radiometer data on source in spectral windows {list(windows)}")
    time, antenna, field, interval, value = (np.concatenate(p) for p in zip(*parts, strict=True))
    return _on_grid(ms, windows[0], time, antenna, field, interval, value, use_field_table)


def _on_grid(
    ms: MeasurementSet, window: int, time: np.ndarray, antenna: np.ndarray, field: np.ndarray, interval: np.ndarray,
    value: np.ndarray, use_field_table: bool,
) -> RadiometerData:  # fmt: skip
    order = np.argsort(time, kind="stable")
    time, antenna, field, interval, value = (a[order] for a in (time, antenna, field, interval, value))
    new = np.diff(time, prepend=time[0] - 1.0) > _SAME_S
    number, first = np.cumsum(new) - 1, np.flatnonzero(new)
    nant = len(ms.metadata.antennas)
    brightness = np.full((len(first), nant, CHANNELS), np.nan)
    brightness[number, antenna] = value
    expected = np.zeros(nant, dtype=bool)
    expected[antenna] = True
    sources = np.array([f.source_id for f in ms.metadata.fields])
    described = ms.metadata.spectral_windows[window]
    return RadiometerData(
        time[first], interval[first], field[first], sources[field[first]], brightness, expected,
        _elevations(ms, time[first], field[first], use_field_table),
        tuple(float(abs(f - LINE_HZ)) * 1e-9 for f in described.chan_freq_hz),
        tuple(float(abs(w)) * 1e-9 for w in described.chan_width_hz),
    )  # fmt: skip


def _elevations(ms: MeasurementSet, time_s: np.ndarray, field: np.ndarray, use_field_table: bool) -> np.ndarray:
    """Elevations [rad] at times from POINTING where it has azimuths and elevations, or from the directions of fields."""
    if not use_field_table and is_table(f"{ms.path}/POINTING"):
        table = ms.subtable("POINTING")
        try:
            frame = str(table.getcolkeywords("DIRECTION").get("MEASINFO", {}).get("Ref", "")) if table.nrows() else ""
            if frame.upper().startswith("AZEL") and table.iscelldefined("DIRECTION", 0):
                direction = np.asarray(table.getcol("DIRECTION")).reshape(table.nrows(), -1)[:, 1]
                when = np.asarray(table.getcol("TIME"))
                order = np.argsort(when, kind="stable")
                return np.asarray(np.interp(time_s, when[order], direction[order]))
        finally:
            table.close()
    return np.asarray(SkyGeometry(ms).elevations(time_s, field)[:, 0])


def subtract_offsets(data: RadiometerData, path: str) -> None:
    """Take temperature offsets, such as those of clouds, from the brightness in place.

    Parameters
    ----------
    data : RadiometerData
    path : str
        A table with columns TIME, ANTENNA and OFFSETS (4 values in K); offsets between its times are interpolated, and none
        are taken outside of them.

    Raises
    ------
    PathMissingError, ParameterError
        There is no such table, or it lacks a column.
    """
    table = open_table(path, what="table of temperature offsets")
    try:
        missing = [c for c in ("TIME", "ANTENNA", "OFFSETS") if c not in table.colnames()]
        if missing:
            raise ParameterError(
                f"wvrgcal: the table of offsets {path!r} has no column {', '.join(missing)}; it needs TIME, ANTENNA and OFFSETS"
            )
        when, antenna, offsets = (np.asarray(table.getcol(c)) for c in ("TIME", "ANTENNA", "OFFSETS"))
    finally:
        table.close()
    if offsets.ndim != 2 or offsets.shape[1] != CHANNELS:
        raise ParameterError(
            f"wvrgcal: OFFSETS of {path!r} must hold {CHANNELS} temperatures a row; got the shape {list(offsets.shape[1:])}"
        )
    for ant in np.unique(antenna).tolist():
        if not 0 <= ant < data.brightness_k.shape[1]:
            raise ParameterError(f"wvrgcal: {path!r} names antenna {ant}; the data have {data.brightness_k.shape[1]} antennas")
        mine = np.flatnonzero(antenna == ant)
        mine = mine[np.argsort(when[mine], kind="stable")]
        for channel in range(CHANNELS):
            data.brightness_k[:, ant, channel] -= np.interp(
                data.time_s, when[mine], offsets[mine, channel].astype(np.float64), left=0.0, right=0.0
            )
