"""Keywords and tables of a UVFITS file made from a MeasurementSet: FQ, AN, SU, WX and TY.

References
----------
Greisen, "AIPS FITS File Format", AIPS Memo 117 (NRAO, 2016 revision).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np

from casatools._base import log
from casatools.frames.directions import convert_directions
from casatools.frames.earth_orientation import earth_orientation
from casatools.frames.epochs import format_epoch
from casatools.frames.quantities import to_unit
from casatools.io.formats.random_groups_export import Column, TableContent
from casatools.io.ms import MeasurementSet
from casatools.io.ms.metadata import Source
from casatools.transform.field_directions import array_position, phase_centres

__all__ = ["Setup", "date_text", "main_keywords", "tables"]

_DAY_S = 86400.0
_ZERO_CELSIUS_K = 273.15
_SPECSYS = {
    1: "LSRK",
    2: "LSRD",
    3: "BARYCENT",
    4: "GEOCENTR",
    5: "TOPOCENT",
    6: "GALACTOC",
    7: "LOCALGRP",
    8: "CMBDIPOL",
    0: "SOURCE",
}
_MOUNTS = {"ALT-AZ": 0, "EQUATORIAL": 1, "ORBITING": 2, "X-Y": 3, "ALT-AZ+NASMYTH-R": 4, "ALT-AZ+NASMYTH-L": 5, "BIZARRE": 6}
_DEG_PER_DAY = math.degrees(1.0) * _DAY_S


@dataclass(frozen=True)
class Setup:
    """What a file holds: data descriptions and their windows, channels ``(window, chan)``, correlations, fields, times [s]."""

    ddids: list[int]
    spws: list[int]
    frequencies_hz: np.ndarray
    stokes: np.ndarray
    order: np.ndarray
    fields: list[int]
    combined: bool
    several_sources: bool
    start_s: float
    times_s: tuple[float, float]
    arrays: list[int]

    @property
    def nif(self) -> int:
        return len(self.ddids) if self.combined else 1

    @property
    def nchan(self) -> int:
        return int(self.frequencies_hz.shape[1])

    @property
    def ncorr(self) -> int:
        return len(self.order)

    @property
    def widths_hz(self) -> np.ndarray:
        """Channel spacing of each window, negative where frequencies fall; 0 where there is one channel."""
        steps = np.diff(self.frequencies_hz, axis=1)
        return steps.mean(axis=1) if self.nchan > 1 else np.zeros(len(self.spws))

    @property
    def reference_hz(self) -> float:
        """Frequency of the middle channel of the first window."""
        return float(self.frequencies_hz[0, self.nchan // 2])

    @property
    def width_hz(self) -> float:
        return float(self.widths_hz[0]) or 1.0


def date_text(mjd_s: float) -> str:
    """A date as FITS writes it."""
    return format_epoch(mjd_s, "fits", 6)


def main_keywords(ms: MeasurementSet, setup: Setup, column: str) -> list[tuple[str, Any]]:
    """Keywords of the main header."""
    observation = ms.metadata.observations[0] if ms.metadata.observations else None
    telescope = observation.telescope_name if observation else ""
    fields = ms.metadata.fields
    sources = [_source(ms, f, setup.spws[0]) for f in setup.fields]
    rest = next((float(s.rest_frequency_hz[0]) for s in sources if s and len(s.rest_frequency_hz)), 0.0)
    return [
        ("EPOCH", _equinox(fields[setup.fields[0]].phase_frame)), ("BSCALE", 1.0), ("BZERO", 0.0),
        ("BUNIT", "JY" if column in ("CORRECTED_DATA", "MODEL_DATA") else "UNCALIB"),
        ("OBJECT", "MULTI" if setup.several_sources else fields[setup.fields[0]].name), ("DATE-OBS", date_text(setup.start_s)),
        ("TELESCOP", telescope), ("INSTRUME", telescope), ("OBSERVER", observation.observer if observation else ""), ("SORTORD", "TB"),
        ("SPECSYS", _SPECSYS.get(ms.metadata.spectral_windows[setup.spws[0]].frame_code, "TOPOCENT")), *([("RESTFREQ", rest)] if rest > 0 else []), ("ORIGIN", "casatools"),
    ]  # fmt: skip


def _equinox(frame: str) -> float:
    return 1950.0 if frame.startswith("B1950") else 2000.0


def tables(ms: MeasurementSet, setup: Setup, write_station: bool, write_syscal: bool) -> Iterator[TableContent]:
    """The tables behind the groups."""
    yield _frequencies(ms, setup)
    for array in setup.arrays:
        yield _antennas(ms, setup, write_station, array)
    if setup.several_sources:
        yield _sources(ms, setup)
    weather = _weather(ms, setup)
    if weather is not None:
        yield weather
    if write_syscal:
        yield from _temperatures(ms, setup)


def _frequencies(ms: MeasurementSet, setup: Setup) -> TableContent:
    nif = setup.nif
    windows = [ms.metadata.spectral_windows[s] for s in setup.spws]
    widths = setup.widths_hz
    if setup.nchan == 1:
        widths = np.array([w.chan_width_hz[0] for w in windows])
    offsets = setup.frequencies_hz[:, setup.nchan // 2] - setup.reference_hz
    columns = [
        Column("FRQSEL", "J", np.arange(1, len(offsets) // nif + 1)),
        Column("IF FREQ", "D", offsets.reshape(-1, nif), "HZ"),
        Column("CH WIDTH", "E", widths.reshape(-1, nif), "HZ"),
        Column("TOTAL BANDWIDTH", "E", np.array([w.total_bandwidth_hz for w in windows]).reshape(-1, nif), "HZ"),
        Column("SIDEBAND", "J", np.where(widths < 0, -1, 1).reshape(-1, nif)),
    ]
    return TableContent("AIPS FQ", columns, [("NO_IF", nif)])


def _antennas(ms: MeasurementSet, setup: Setup, write_station: bool, array: int) -> TableContent:
    antennas = ms.metadata.antennas
    count = len(antennas)
    scale = ms.time_frame
    earth = earth_orientation(setup.start_s, scale)
    linear = int(setup.stokes[0]) < -4
    kinds, angles = [["X", "Y"] if linear else ["R", "L"] for _ in antennas], np.zeros((count, 2))
    for feed in ms.metadata.feeds:
        if 0 <= feed.antenna_id < count and len(feed.polarization_type) >= 1:
            pair = [*feed.polarization_type, ""][:2]
            kinds[feed.antenna_id] = [k or kinds[feed.antenna_id][i] for i, k in enumerate(pair)]
            angle = np.degrees(np.ravel(feed.receptor_angle_rad))[:2]
            angles[feed.antenna_id, : len(angle)] = angle
    telescope = ms.metadata.observations[0].telescope_name if ms.metadata.observations else ""
    keywords: list[tuple[str, Any]] = [
        ("ARRAYX", 0.0), ("ARRAYY", 0.0), ("ARRAYZ", 0.0), ("GSTIA0", earth.sidereal_deg), ("DEGPDY", earth.degrees_per_day),
        ("FREQ", setup.reference_hz), ("RDATE", date_text(setup.start_s)), ("POLARX", earth.pole_m[0]), ("POLARY", earth.pole_m[1]),
        ("UT1UTC", earth.ut1_minus_utc_s), ("DATUTC", 0.0), ("IATUTC", earth.tai_minus_utc_s), ("TIMSYS", scale),
        ("ARRNAM", telescope), ("NUMORB", 0), ("NOPCAL", 0), ("NO_IF", setup.nif), ("FREQID", 1), ("POLTYPE", ""), ("XYZHAND", "RIGHT"), ("FRAME", "ITRF"),
    ]  # fmt: skip
    zeros = np.zeros(count)
    columns = [
        Column("ANNAME", "8A", [a.station if write_station else a.name for a in antennas]),
        Column("STABXYZ", "D", np.array([a.position_m for a in antennas]), "METERS"),
        Column("ORBPARM", "D", np.zeros((count, 0))),
        Column("NOSTA", "J", np.arange(1, count + 1)),
        Column("MNTSTA", "J", np.array([_MOUNTS.get(a.mount.upper(), 0) for a in antennas])),
        Column("STAXOF", "E", np.array([a.offset_m[0] for a in antennas]), "METERS"),
        Column("POLTYA", "1A", [k[0] for k in kinds]),
        Column("POLAA", "E", angles[:, 0], "DEGREES"),
        Column("POLCALA", "E", zeros),
        Column("POLTYB", "1A", [k[1] for k in kinds]),
        Column("POLAB", "E", angles[:, 1], "DEGREES"),
        Column("POLCALB", "E", zeros),
        Column("DIAMETER", "E", np.array([a.diameter_m for a in antennas]), "METERS"),
    ]
    return TableContent("AIPS AN", columns, keywords, array + 1)


def _source(ms: MeasurementSet, field: int, spw: int) -> Source | None:
    """The row of SOURCE of a field and spectral window; any of the field where the window has none."""
    own = [s for s in ms.metadata.sources if s.source_id == ms.metadata.fields[field].source_id]
    return next((s for s in own if s.spw_id in (spw, -1)), own[0] if own else None)


def field_centre(ms: MeasurementSet, number: int, time_s: float, frame: str) -> np.ndarray:
    """Phase centre of a field [rad], of one that moves where it is at a time, as longitude and latitude of a frame."""
    lon, lat, own = phase_centres(ms, ms.metadata.fields[number], np.array([time_s]))
    if own == frame:
        return np.array([lon[0], lat[0]])
    found = convert_directions(lon, lat, own, frame, time_s, array_position(ms))
    return np.array([found[0][0], found[1][0]])


def _sources(ms: MeasurementSet, setup: Setup) -> TableContent:
    fields = [ms.metadata.fields[f] for f in setup.fields]
    count, nif = len(fields), setup.nif
    spws = setup.spws[:nif]
    rows = [[_source(ms, f.id, s) for s in spws] for f in fields]
    frame = fields[0].phase_frame
    direction = np.array([field_centre(ms, f.id, setup.start_s, frame) for f in fields])
    positions = np.array([a.position_m for a in ms.metadata.antennas])
    apparent = np.stack(
        convert_directions(direction[:, 0], direction[:, 1], frame, "APP", setup.start_s, positions.mean(axis=0)), axis=-1
    )
    zeros = np.zeros((count, nif))

    def lines(name: str) -> np.ndarray:
        found = [[np.ravel(getattr(r, name)) if r is not None else np.zeros(0) for r in row] for row in rows]
        return np.array([[float(v[0]) if len(v) else 0.0 for v in row] for row in found])

    firsts = [row[0] for row in rows]
    moving = np.array([r.proper_motion if r is not None else np.zeros(2) for r in firsts]) * _DEG_PER_DAY
    band = ms.metadata.spectral_windows[setup.spws[0]].total_bandwidth_hz
    columns = [
        Column("ID. NO.", "J", np.arange(1, count + 1)),
        Column("SOURCE", "20A", [f.name for f in fields]),
        Column("QUAL", "J", np.zeros(count)),
        Column("CALCODE", "4A", [f.code for f in fields]),
        *(Column(name, "E", zeros, "JY") for name in ("IFLUX", "QFLUX", "UFLUX", "VFLUX")),
        Column("FREQOFF", "D", zeros, "HZ"),
        Column("BANDWIDTH", "D", np.full(count, band), "HZ"),
        Column("RAEPO", "D", np.degrees(direction[:, 0]) % 360.0, "DEGREES"),
        Column("DECEPO", "D", np.degrees(direction[:, 1]), "DEGREES"),
        Column("EPOCH", "D", np.full(count, _equinox(frame)), "YEARS"),
        Column("RAAPP", "D", np.degrees(apparent[:, 0]) % 360.0, "DEGREES"),
        Column("DECAPP", "D", np.degrees(apparent[:, 1]), "DEGREES"),
        Column("LSRVEL", "D", lines("sysvel_m_s"), "M/SEC"),
        Column("RESTFREQ", "D", lines("rest_frequency_hz"), "HZ"),
        Column("PMRA", "D", moving[:, 0], "DEG/DAY"),
        Column("PMDEC", "D", moving[:, 1], "DEG/DAY"),
    ]
    return TableContent("AIPS SU", columns, [("NO_IF", nif), ("FREQID", 1)])


def _temperatures(ms: MeasurementSet, setup: Setup) -> Iterator[TableContent]:
    """The TY table: system temperatures of SYSCAL within the times of the file, one row a time and antenna."""
    if not ms.metadata.has_subtable("SYSCAL"):
        log.post(f"{ms.path} has no SYSCAL table; no system temperatures are written", "WARN")
        return
    with closing(ms.subtable("SYSCAL")) as table:
        if table.nrows() == 0 or "TSYS" not in table.colnames() or not table.iscelldefined("TSYS", 0):
            log.post(f"the SYSCAL table of {ms.path} has no system temperatures", "WARN")
            return
        time, interval, antenna, spw = (
            np.asarray(table.getcol(c)) for c in ("TIME", "INTERVAL", "ANTENNA_ID", "SPECTRAL_WINDOW_ID")
        )
        tsys = [np.asarray(table.getcell("TSYS", r), dtype=float).reshape(-1) for r in range(table.nrows())]
    inside = (time + interval >= setup.times_s[0]) & (time - interval <= setup.times_s[1]) & np.isin(spw, setup.spws)
    rows = np.flatnonzero(inside)
    if not len(rows):
        log.post(f"the SYSCAL table of {ms.path} has no system temperatures of what is exported", "WARN")
        return
    window = np.searchsorted(setup.spws, spw[rows])
    setups = window // setup.nif
    keys = np.stack([np.rint(time[rows] * 1e3), antenna[rows], setups])
    distinct, place = np.unique(keys, axis=1, return_inverse=True)
    count = len(distinct[0])
    place = np.ravel(place)
    values = np.full((2, count, setup.nif), np.nan, dtype=np.float32)
    first = np.empty(count, dtype=np.int64)
    for k, row in enumerate(rows):
        first[place[k]] = row
        values[:, place[k], window[k] % setup.nif] = [tsys[row][0], tsys[row][-1]]
    midnight = math.floor(setup.start_s / _DAY_S) * _DAY_S
    unknown = np.full((count, setup.nif), np.nan, dtype=np.float32)
    columns = [
        Column("TIME", "D", (time[first] - midnight) / _DAY_S, "DAYS"),
        Column("TIME INTERVAL", "E", interval[first] / _DAY_S, "DAYS"),
        Column("SOURCE ID", "J", np.zeros(count)),
        Column("ANTENNA NO.", "J", distinct[1].astype(int) + 1),
        Column("SUBARRAY", "J", np.ones(count)),
        Column("FREQ ID", "J", distinct[2].astype(int) + 1),
        Column("TSYS 1", "E", values[0], "KELVINS"),
        Column("TANT 1", "E", unknown, "KELVINS"),
        Column("TSYS 2", "E", values[1], "KELVINS"),
        Column("TANT 2", "E", unknown, "KELVINS"),
    ]
    yield TableContent("AIPS TY", columns, [("NO_POL", 2), ("NO_IF", setup.nif)])


def _weather(ms: MeasurementSet, setup: Setup) -> TableContent | None:
    """The WX table: WEATHER in the units of AIPS; NaN where there is no value."""
    if not ms.metadata.has_subtable("WEATHER"):
        return None
    with closing(ms.subtable("WEATHER")) as table:
        count = table.nrows()
        if count == 0:
            return None
        present = table.colnames()
        time, interval, antenna = (np.asarray(table.getcol(c)) for c in ("TIME", "INTERVAL", "ANTENNA_ID"))

        def values(name: str, unit: str) -> np.ndarray:
            """A column in a unit, without what is flagged or stands for nothing."""
            found = np.full(count, np.nan)
            if name in present:
                own = (table.getcolkeywords(name).get("QuantumUnits") or [unit])[0]
                found = np.asarray(table.getcol(name), dtype=np.float64) * float(to_unit({"value": 1.0, "unit": own}, unit))
                if f"{name}_FLAG" in present:
                    found[np.asarray(table.getcol(f"{name}_FLAG"), dtype=bool)] = np.nan
            if unit == "K":  # no weather has the temperature 0 K
                found[found <= 0] = np.nan
            return found

        temperature, dew = (values(name, "K") - _ZERO_CELSIUS_K for name in ("TEMPERATURE", "DEW_POINT"))
        pressure, speed, direction = values("PRESSURE", "hPa"), values("WIND_SPEED", "m/s"), values("WIND_DIRECTION", "deg")
        water, electrons = values("H2O", "m-2"), values("IONOS_ELECTRON", "m-2")
    midnight = math.floor(setup.start_s / _DAY_S) * _DAY_S
    columns = [
        Column("TIME", "D", (time - midnight) / _DAY_S, "DAYS"),
        Column("TIME_INTERVAL", "E", interval / _DAY_S, "DAYS"),
        Column("ANTENNA_NO", "J", antenna + 1),
        Column("SUBARRAY", "J", np.ones(count)),
        Column("TEMPERATURE", "E", temperature, "CENTIGRADE"),
        Column("PRESSURE", "E", pressure, "MILLIBAR"),
        Column("DEWPOINT", "E", dew, "CENTIGRADE"),
        Column("WIND_VELOCITY", "E", speed, "M/SEC"),
        Column("WIND_DIRECTION", "E", direction, "DEGREES"),
        Column("WVR_H2O", "E", water, "m-2"),
        Column("IONOS_ELECTRON", "E", electrons, "m-2"),
    ]
    return TableContent("AIPS WX", columns, [("OBSCODE", ""), ("RDATE", date_text(midnight)), ("TABREV", 3)])
