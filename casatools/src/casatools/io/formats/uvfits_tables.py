"""The sub-tables of a MeasurementSet made from a UVFITS file: AN, FQ and SU tables, header and history.

References
----------
Greisen, "AIPS FITS File Format", AIPS Memo 117 (NRAO, 2016 revision): AN, FQ and SU tables, VELREF.
The position of the VLA is that of the Observatories table of the casacore data.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from casatools._base.constants import SPEED_OF_LIGHT_M_S
from casatools._base.errors import DataError
from casatools.io.formats.random_groups import FitsTable, RandomGroups
from casatools.io.ms.create import fill_subtable

__all__ = ["Dates", "fill_subtables", "read_dates"]

_DAY_S = 86400.0
_VLA_POSITION_M = np.array([-1601185.3650000019, -5041977.546999999, 3554875.8700000006])
_MOUNTS = ("ALT-AZ", "EQUATORIAL", "ORBITING", "X-Y", "ALT-AZ+NASMYTH-R", "ALT-AZ+NASMYTH-L", "BIZARRE", "SPACE_HALCA")
# Dish diameters [m] of arrays whose files do not tell; 25 m elsewhere.
_DIAMETERS_M = {
    "ATCA": 22.0, "GMRT": 45.0, "IRAM_PDB": 15.0, "SMA": 6.0, "CARMA": 10.4, "OVRO": 10.4, "BIMA": 6.1, "HATCREEK": 6.1, "ATA": 6.1,
    "ALMA": 12.0, "MEERKAT": 13.5, "ASKAP": 12.0,
}  # fmt: skip
# VELREF modulo 256 to the MeasurementSet's frequency frame: 1 LSR, 2 barycentric, 3 topocentric.
_VELREF_FRAME = {1: 1, 2: 3, 3: 5}
_SPECSYS_FRAME = {
    "LSRK": 1,
    "LSRD": 2,
    "BARYCENT": 3,
    "GEOCENTR": 4,
    "TOPOCENT": 5,
    "GALACTOC": 6,
    "LOCALGRP": 7,
    "CMBDIPOL": 8,
    "SOURCE": 0,
}
_TOPO = 5
_FOREVER_S = np.finfo(np.float64).max


@dataclass(frozen=True)
class Dates:
    """The time scale, the direction frame and the date of observation [s, MJD] of a file."""

    scale: str
    frame: str
    observed_s: float


def read_dates(groups: RandomGroups) -> Dates:
    """Find time scale (AN table), equinox and date of observation."""
    antennas = _antenna_table(groups)
    scale = antennas.header.text("TIMSYS", "IAT").upper() or "IAT"
    header = groups.header
    equinox = header.number("EPOCH", header.number("EQUINOX", 2000.0))
    frame = "J2000"
    if abs(equinox - 1950.0) < 1e-3:
        # The VLA's B1950 positions are of its own flavour: equinox and epoch 1979.9.
        frame = "B1950_VLA" if header.text("TELESCOP").upper() == "VLA" else "B1950"
    return Dates("UTC" if scale.startswith("UTC") else "TAI", frame, parse_date_s(header.text("DATE-OBS")))


def parse_date_s(text: str) -> float:
    """A FITS date, ``CCYY-MM-DD[Thh:mm:ss]`` or ``DD/MM/YY``, as MJD seconds; 0 for none. A day that is missing counts as 0."""
    new = re.match(r"(\d{4})-(\d{1,2})-?(\d{0,2})(?:T(\d{1,2}):(\d{1,2}):(\d{1,2}(?:\.\d*)?))?", text)
    if new:
        year, month, day = int(new[1]), int(new[2]), int(new[3] or 0)
        clock = (int(new[4]) * 60 + int(new[5])) * 60 + float(new[6]) if new[4] else 0.0
    else:
        old = re.match(r"(\d{1,2})/(\d{1,2})/(\d{2,4})", text)
        if not old:
            return 0.0
        day, month, year = int(old[1]), int(old[2]), int(old[3])
        year += 1900 if year < 100 else 0
        clock = 0.0
    if not 1 <= month <= 12:
        return 0.0
    days = date(year, month, 1).toordinal() - date(1858, 11, 17).toordinal() + day - 1
    return days * _DAY_S + clock


def _antenna_table(groups: RandomGroups) -> FitsTable:
    table = groups.table("AIPS AN")
    if table is None:
        raise DataError(f"UVFITS file {groups.path!r} has no antenna table (AIPS AN)")
    return table


def fill_subtables(
    path: str,
    groups: RandomGroups,
    corr_type: np.ndarray,
    dates: Dates,
    new_names: bool,
    sources: Sequence[tuple[int, int, float]],
    last_antenna: int,
) -> None:
    """Fill every sub-table of the MeasurementSet at `path`.

    Parameters
    ----------
    path : str
    groups : RandomGroups
    corr_type : ndarray (corr,) int32
    dates : Dates
    new_names : bool
        Antenna names with the array's letters.
    sources : sequence of (field, spw, first time)
        What occurs in the main table.
    last_antenna : int
        The highest antenna (0-based) that occurs there.
    """
    antennas = _antenna_table(groups)
    count = _fill_antennas(path, groups, antennas, new_names, dates)
    if last_antenna >= count:
        raise DataError(f"UVFITS file {groups.path!r} has data of antenna {last_antenna + 1}, but its AN table ends at {count}")
    _fill_feeds(path, antennas, count, dates, bool(corr_type[0] > 8))
    _fill_frequencies(path, groups, corr_type)
    fields = _fill_fields(path, groups, dates, sources)
    _fill_sources(path, groups, sources, fields)
    _fill_observation(path, groups, dates)


def _numbers(antennas: FitsTable) -> np.ndarray:
    """0-based antenna numbers of the rows of an AN table."""
    found = antennas.get("NOSTA")
    return np.arange(antennas.nrow) if found is None else np.asarray(found, dtype=np.int64) - 1


def _fill_antennas(path: str, groups: RandomGroups, antennas: FitsTable, new_names: bool, dates: Dates) -> int:
    header = antennas.header
    number = _numbers(antennas)
    if antennas.nrow == 0 or number.min() < 0:
        raise DataError(f"UVFITS file {groups.path!r} has an antenna table without antennas or with numbers below 1")
    count = int(number.max()) + 1
    telescope = groups.header.text("TELESCOP").upper() or header.text("ARRNAM").upper()
    centre = np.array([header.number(k) for k in ("ARRAYX", "ARRAYY", "ARRAYZ")])
    centre, position = _positions(antennas, telescope, centre)
    offset, place = np.zeros((count, 3)), np.zeros((count, 3))
    place[number] = position
    axis_offset = antennas.get("STAXOF")
    if axis_offset is not None:
        offset[number, 0] = axis_offset
    mount_code = antennas.get("MNTSTA")
    codes = np.zeros(antennas.nrow, dtype=int) if mount_code is None else np.asarray(mount_code)
    diameter = np.zeros(count)
    told = antennas.get("DIAMETER")
    usual = np.float64(np.float32(_DIAMETERS_M.get(telescope, 25.0)))
    diameter[number] = usual if told is None else np.where(np.asarray(told) > 0, told, usual)
    names, stations, mounts, kinds, missing = [""] * count, [""] * count, [""] * count, [""] * count, np.ones(count, dtype=bool)
    prefix = {"VLA": "VA{:02d}", "EVLA": "EA{:02d}", "CARMA": "CA{:d}"}.get(telescope, "{:d}") if new_names else "{:d}"
    for row, (ant, station) in enumerate(zip(number, antennas.texts("ANNAME"), strict=True)):
        names[ant] = prefix.format(ant + 1)
        stations[ant] = station
        mounts[ant] = _MOUNTS[int(codes[row])] if 0 <= codes[row] < len(_MOUNTS) else "ALT-AZ"
        kinds[ant] = "GROUND-BASED"
        missing[ant] = False
    columns = {"OFFSET": offset, "POSITION": place, "TYPE": kinds, "DISH_DIAMETER": diameter, "FLAG_ROW": missing,
               "MOUNT": mounts, "NAME": names, "STATION": stations}  # fmt: skip
    keywords = {
        "RDATE": parse_date_s(header.text("RDATE")), "GSTIA0": float(np.radians(header.number("GSTIA0"))),
        "DEGPDY": header.number("DEGPDY"), "TIMSYS": dates.scale,
        "POSITION::ARRAY_POSITION": centre, "NAME::ARRAY_NAME": header.text("ARRNAM"),
    }  # fmt: skip
    fill_subtable(path, "ANTENNA", columns, keywords)
    return count


def _positions(antennas: FitsTable, telescope: str, centre: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Array centre and geocentric ITRF positions [m] of the rows of an AN table."""
    local = antennas.get("STABXYZ")
    if local is None:
        raise DataError("the antenna table has no STABXYZ column")
    local = np.asarray(local, dtype=np.float64).reshape(antennas.nrow, 3)
    if antennas.header.text("XYZHAND").upper() == "LEFT":
        local = local * np.array([1.0, -1.0, 1.0])
    if telescope == "VLA" and np.any(centre != 0):
        # Old VLA files: the x axis lies in the meridian of the array, and the centre is that of its own survey.
        centre = _VLA_POSITION_M
        longitude = np.arctan2(centre[1], centre[0])
        cos, sin = np.cos(longitude), np.sin(longitude)
        turn = np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
        return centre, centre + local @ turn.T
    return centre, centre + local


def _fill_feeds(path: str, antennas: FitsTable, count: int, dates: Dates, linear: bool) -> None:
    usual = ("X", "Y") if linear else ("R", "L")
    kinds = np.empty((count, 2), dtype=object)
    kinds[:] = usual
    angles = np.zeros((count, 2))
    number = _numbers(antennas)
    for k, letter in enumerate("AB"):
        for ant, kind in zip(number, antennas.texts(f"POLTY{letter}"), strict=True):
            kinds[ant, k] = kind or usual[k]
        angle = antennas.get(f"POLA{letter}")
        if angle is not None:
            angles[number, k] = np.radians(np.asarray(angle, dtype=np.float64).reshape(antennas.nrow, -1)[:, 0])
    columns: dict[str, Any] = {
        "POSITION": np.zeros((count, 3)),
        "BEAM_OFFSET": np.zeros((count, 2, 2)),
        "POLARIZATION_TYPE": [list(k) for k in kinds],
        "POL_RESPONSE": np.tile(np.eye(2, dtype=np.complex64), (count, 1, 1)),
        "RECEPTOR_ANGLE": angles,
        "ANTENNA_ID": np.arange(count, dtype=np.int32),
        "BEAM_ID": np.full(count, -1, dtype=np.int32),
        "FEED_ID": np.zeros(count, dtype=np.int32),
        "INTERVAL": np.zeros(count),
        "NUM_RECEPTORS": np.full(count, 2, dtype=np.int32),
        "SPECTRAL_WINDOW_ID": np.full(count, -1, dtype=np.int32),
        "TIME": np.full(count, dates.observed_s),
    }
    fill_subtable(path, "FEED", columns)


def _fill_frequencies(path: str, groups: RandomGroups, corr_type: np.ndarray) -> None:
    nif = groups.axis("IF")[0]
    nchan, reference, increment, pixel = groups.axis("FREQ")
    frame, reference, pixel = _spectral_reference(groups, reference, pixel)
    table = groups.table("AIPS FQ")
    nsetup = table.nrow if table is not None else 1
    offset, width, total = (
        np.zeros((nsetup, nif)),
        np.full((nsetup, nif), increment),
        np.full((nsetup, nif), abs(increment) * nchan),
    )
    if table is not None:
        for name, target in (("IF FREQ", offset), ("CH WIDTH", width), ("TOTAL BANDWIDTH", total)):
            found = table.get(name)
            if found is not None:
                target[:] = np.asarray(found, dtype=np.float64).reshape(nsetup, -1)[:, :nif]
    # The table holds widths in single precision; where they are the header's, that has all digits.
    width = np.where(np.abs(width - increment) <= 1e-6 * abs(increment), increment, width)
    offsets, steps_hz, totals = np.ravel(offset), np.ravel(width), np.ravel(np.abs(total))
    nspw = nsetup * nif
    steps = np.arange(1, nchan + 1) - pixel
    frequencies = (reference + offsets)[:, None] + steps * steps_hz[:, None]
    widths = np.repeat(np.abs(steps_hz)[:, None], nchan, axis=1)
    columns: dict[str, Any] = {
        "MEAS_FREQ_REF": np.full(nspw, frame, dtype=np.int32),
        "CHAN_FREQ": frequencies,
        "REF_FREQUENCY": reference + offsets,
        "CHAN_WIDTH": widths,
        "EFFECTIVE_BW": widths,
        "RESOLUTION": widths,
        "FLAG_ROW": np.zeros(nspw, dtype=bool),
        "FREQ_GROUP": np.repeat(np.arange(nsetup, dtype=np.int32), nif),
        "FREQ_GROUP_NAME": ["none"] * nspw,
        "IF_CONV_CHAIN": np.tile(np.arange(nif, dtype=np.int32), nsetup),
        "NAME": ["none"] * nspw,
        "NET_SIDEBAND": np.where(steps_hz >= 0, 1, -1).astype(np.int32),
        "NUM_CHAN": np.full(nspw, nchan, dtype=np.int32),
        "TOTAL_BANDWIDTH": totals,
    }
    fill_subtable(path, "SPECTRAL_WINDOW", columns)
    identity = np.arange(nspw, dtype=np.int32)
    none = np.zeros(nspw, dtype=bool)
    fill_subtable(
        path, "DATA_DESCRIPTION", {"FLAG_ROW": none, "POLARIZATION_ID": np.zeros_like(identity), "SPECTRAL_WINDOW_ID": identity}
    )
    place = (corr_type - 5) % 4
    product = np.stack([place // 2, place % 2], axis=1).astype(np.int32)
    columns = {"CORR_TYPE": corr_type[None], "CORR_PRODUCT": product[None], "FLAG_ROW": np.zeros(1, dtype=bool),
               "NUM_CORR": np.array([len(corr_type)], dtype=np.int32)}  # fmt: skip
    fill_subtable(path, "POLARIZATION", columns)


def _spectral_reference(groups: RandomGroups, reference: float, pixel: float) -> tuple[int, float, float]:
    """Frame code, reference frequency [Hz] and reference pixel; a velocity axis in ALTRVAL moves the latter two."""
    header = groups.header
    velref = header.integer("VELREF")
    frame = _SPECSYS_FRAME.get(header.text("SPECSYS").upper(), _VELREF_FRAME.get(velref % 256, _TOPO))
    rest, velocity = header.number("RESTFREQ"), header.number("ALTRVAL")
    if rest > 0 and velocity != 0 and velref:
        beta = velocity / SPEED_OF_LIGHT_M_S
        return frame, rest * (1 - beta) if velref >= 256 else rest / (1 + beta), header.number("ALTRPIX")
    return frame, reference, pixel


def _direction(longitude_deg: float, latitude_deg: float) -> np.ndarray:
    """A direction [rad], the longitude within (-pi, pi]."""
    longitude = np.radians(longitude_deg)
    return np.array([longitude - 2 * np.pi if longitude > np.pi else longitude, np.radians(latitude_deg)])


def _fill_fields(
    path: str, groups: RandomGroups, dates: Dates, sources: Sequence[tuple[int, int, float]]
) -> dict[int, tuple[str, np.ndarray]]:
    """Write FIELD; returns name and direction of each field."""
    seen = {field for field, _, _ in sources}
    table = groups.table("AIPS SU")
    fields: dict[int, tuple[str, np.ndarray]] = {}
    codes: dict[int, str] = {}
    ids = table.get("ID. NO.") if table is not None else None
    if table is None or ids is None or not groups.parts("SOURCE"):
        fields[0] = (groups.header.text("OBJECT"), _direction(groups.axis("RA")[1], groups.axis("DEC")[1]))
        codes[0] = " "
    else:
        ra, dec = (np.asarray(table.columns.get(c, np.zeros(table.nrow)), dtype=np.float64) for c in ("RAEPO", "DECEPO"))
        names, calcodes = table.texts("SOURCE"), table.texts("CALCODE")
        for row, number in enumerate(ids):
            fields[int(number) - 1] = (names[row], _direction(ra[row], dec[row]))
            codes[int(number) - 1] = calcodes[row]
    absent = sorted(seen - set(fields))
    if absent:
        raise DataError(f"UVFITS file {groups.path!r} has data of source {absent[0] + 1}, which its SU table does not have")
    count = max(fields) + 1
    directions = np.zeros((count, 1, 2))
    for number, (_, direction) in fields.items():
        directions[number, 0] = direction
    source_ids = [(f if f in seen else -1) if f in fields else 0 for f in range(count)]
    columns = {
        "DELAY_DIR": directions, "PHASE_DIR": directions, "REFERENCE_DIR": directions,
        "CODE": [codes.get(f, "") for f in range(count)],
        "FLAG_ROW": np.array([f not in fields for f in range(count)]),
        "NAME": [fields[f][0] if f in fields else "" for f in range(count)],
        "NUM_POLY": np.zeros(count, dtype=np.int32), "SOURCE_ID": np.array(source_ids, dtype=np.int32),
        "TIME": np.full(count, dates.observed_s),
    }  # fmt: skip
    fill_subtable(path, "FIELD", columns)
    return fields


def _fill_sources(
    path: str, groups: RandomGroups, sources: Sequence[tuple[int, int, float]], fields: dict[int, tuple[str, np.ndarray]]
) -> None:
    """Write SOURCE: a row for each field and spectral window that has data, in the order in which they first occur."""
    nif = groups.axis("IF")[0]
    table = groups.table("AIPS SU") if groups.parts("SOURCE") else None
    ids = table.get("ID. NO.") if table is not None else None
    row_of = {int(n) - 1: k for k, n in enumerate(ids)} if ids is not None else {}

    def value(name: str, field: int, which: int) -> float:
        found = table.get(name) if table is not None else None
        if found is None or field not in row_of:
            return 0.0
        cell = np.atleast_1d(found[row_of[field]])
        return float(cell[min(which, len(cell) - 1)])

    count = len(sources)
    rad_per_s = np.pi / 180 / _DAY_S
    columns: dict[str, Any] = {
        "DIRECTION": np.array([fields[f][1] for f, _, _ in sources]),
        "PROPER_MOTION": np.array([[value("PMRA", f, 0) * rad_per_s, value("PMDEC", f, 0) * rad_per_s] for f, _, _ in sources]),
        "CALIBRATION_GROUP": np.full(count, -1, dtype=np.int32),
        "CODE": [""] * count,
        "INTERVAL": np.full(count, _FOREVER_S),
        "NAME": [fields[f][0] for f, _, _ in sources],
        "NUM_LINES": np.ones(count, dtype=np.int32),
        "SOURCE_ID": np.array([f for f, _, _ in sources], dtype=np.int32),
        "SPECTRAL_WINDOW_ID": np.array([s for _, s, _ in sources], dtype=np.int32),
        "TIME": np.array([t for _, _, t in sources]),
        "REST_FREQUENCY": np.array([[value("RESTFREQ", f, s % nif)] for f, s, _ in sources]),
        "SYSVEL": np.array([[value("LSRVEL", f, s % nif)] for f, s, _ in sources]),
        "TRANSITION": [[""]] * count,
    }
    fill_subtable(path, "SOURCE", columns)


def _fill_observation(path: str, groups: RandomGroups, dates: Dates) -> None:
    header = groups.header
    columns: dict[str, Any] = {
        "TIME_RANGE": np.full((1, 2), dates.observed_s), "FLAG_ROW": np.zeros(1, dtype=bool), "OBSERVER": [header.text("OBSERVER")],
        "PROJECT": [""], "RELEASE_DATE": np.array([dates.observed_s]), "SCHEDULE_TYPE": [""],
        "TELESCOPE_NAME": [header.text("TELESCOP")],
    }  # fmt: skip
    fill_subtable(path, "OBSERVATION", columns)
    messages = [m for m in header.history if m]
    count = len(messages)
    if not count:
        return
    columns = {
        "TIME": np.full(count, dates.observed_s), "OBSERVATION_ID": np.zeros(count, dtype=np.int32), "MESSAGE": messages,
        "PRIORITY": ["NORMAL"] * count, "ORIGIN": ["importuvfits"] * count, "OBJECT_ID": np.zeros(count, dtype=np.int32),
        "APPLICATION": ["ms"] * count, "CLI_COMMAND": [[""]] * count, "APP_PARAMS": [[""]] * count,
    }  # fmt: skip
    fill_subtable(path, "HISTORY", columns)
