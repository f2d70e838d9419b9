"""Offsets of antenna positions looked up: the VLA's list of baseline corrections, and files of ALMA's service.

References
----------
NRAO, "VLA baseline corrections" (the yearly lists that the service hands out: when the antenna moved, was observed, was put in; antenna, pad and
offsets Bx, By, Bz [m]). What CASA 6.7 asks of a server of our own and writes of its lists: offsets are taken as they stand, in the frame of the
antennas' positions, and there are none of observations before 2010, when the present antennas came. The service could not be reached when this was
written. The file of ALMA's service is as CASA 6.7's getantposalma stores it.
"""

from __future__ import annotations

import datetime
import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from casatools._base.constants import MJD_ORDINAL
from casatools._base.errors import DataError, ParameterError
from casatools._base.paths import require_present

if TYPE_CHECKING:
    from casatools.io.ms import MeasurementSet

__all__ = ["VLA_SERVICE", "Correction", "find_vla_offsets", "parse_corrections", "read_alma_offsets"]

# Give the year to it.
VLA_SERVICE = "http://www.vla.nrao.edu/cgi-bin/evlais_blines.cgi?Year={year}"
_TIMEOUT_S = 30.0
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_LINE = re.compile(
    r"^[\s;]*(?:([A-Z]{3}\s?\d{1,2})\s+)?([A-Z]{3}\s?\d{1,2})\s+([A-Z]{3}\s?\d{1,2})\s+(\d{1,2}):?(\d{2})\s+(\d{1,2})\s+(\w+)"
    r"\s+([-+]?\d*\.\d+)\s+([-+]?\d*\.\d+)\s+([-+]?\d*\.\d+)",
    re.MULTILINE,
)
_FIRST_YEAR = 2010
# Offsets smaller than this (m) are none.
_SMALLEST_M = 5e-5


@dataclass(frozen=True)
class Correction:
    """One line of the list: days are modified Julian dates."""

    moved: float | None
    put_in: float
    antenna: int
    pad: str
    offset_m: tuple[float, float, float]


def _day(text: str, year: int) -> float:
    month, day = text[:3], int(text[3:])
    if month not in _MONTHS:
        raise DataError(f"the list of baseline corrections has the date {text!r}")
    return float(datetime.date(year, _MONTHS.index(month) + 1, day).toordinal() - MJD_ORDINAL)


def parse_corrections(text: str, year: int) -> list[Correction]:
    """Read the list of one year; dates have no year and ``moved`` may lie in the year before."""
    found = []
    for moved, _, put_in, hour, minute, antenna, pad, *offset in _LINE.findall(text):
        day = _day(put_in, year) + (int(hour) + int(minute) / 60) / 24
        when = _day(moved, year) if moved else None
        if when is not None and when > day:
            when = _day(moved, year - 1)
        found.append(Correction(when, day, int(antenna), pad.upper(), (float(offset[0]), float(offset[1]), float(offset[2]))))
    return found


def _fetch(year: int, service: str) -> str:
    address = service.format(year=year)
    try:
        with urllib.request.urlopen(address, timeout=_TIMEOUT_S) as reply:
            return str(reply.read().decode("utf-8", "replace"))
    except (OSError, urllib.error.URLError) as error:
        raise DataError(
            f"gencal: the baseline corrections of {year} could not be fetched from {address}: {error}; give antenna and parameter"
        ) from error


def _applicable(corrections: Iterable[Correction], observed: float, limit_days: int) -> dict[tuple[int, str], np.ndarray]:
    """Sums of the corrections that came after the observation, of antennas that have not moved since."""
    total: dict[tuple[int, str], np.ndarray] = {}
    for item in corrections:
        late = item.put_in > observed and (not limit_days or item.put_in <= observed + limit_days)
        if late and (item.moved is None or item.moved <= observed):
            key = (item.antenna, item.pad)
            total[key] = total.get(key, np.zeros(3)) + np.asarray(item.offset_m)
    return total


def find_vla_offsets(ms: MeasurementSet, limit_days: int = 0, service: str = "") -> dict[str, np.ndarray]:
    """Offsets of the antennas of a VLA observation, from the corrections found after it.

    Parameters
    ----------
    ms : MeasurementSet
    limit_days : int
        Only corrections put in within so many days after the observation; 0 is no limit.
    service : str
        Address with a place for ``{year}``; '' is the VLA's.

    Returns
    -------
    dict of ndarray (3,)
        Antenna name to offset [m] in the ITRF; those without a correction are left out.

    Raises
    ------
    DataError
        It is not of the VLA, or the service cannot be reached.
    """
    telescope = ms.metadata.observations[0].telescope_name if ms.metadata.observations else ""
    if telescope not in ("VLA", "EVLA"):
        raise DataError(
            f"gencal: antenna positions can be looked up for the VLA; {ms.path!r} is of {telescope or 'an unknown telescope'}: "
            "give 'infile' (ALMA), or antenna and parameter"
        )
    times = np.asarray(ms.read("TIME", np.arange(ms.nrow)))
    if not len(times):
        raise DataError(f"gencal: {ms.path!r} has no rows")
    observed = float(times.max()) / 86400.0
    first = datetime.date.fromordinal(int(observed) + MJD_ORDINAL).year
    if first < _FIRST_YEAR:
        return {}
    end = datetime.date.today()
    if limit_days:
        end = min(end, datetime.date.fromordinal(int(observed) + limit_days + MJD_ORDINAL))
    corrections = [
        c for year in range(first, end.year + 1) for c in parse_corrections(_fetch(year, service or VLA_SERVICE), year)
    ]
    total = _applicable(corrections, observed, limit_days)
    out = {}
    for antenna in ms.metadata.antennas:
        number = re.search(r"(\d+)$", antenna.name)
        pad = antenna.station.upper().rsplit(":", 1)[-1].strip()
        offset = total.get((int(number[1]), pad)) if number else None
        if offset is not None and np.abs(offset).max() >= _SMALLEST_M:
            out[antenna.name] = offset
    return out


def read_alma_offsets(ms: MeasurementSet, infile: str) -> dict[str, np.ndarray]:
    """Offsets [m] in ITRF of the antennas from their positions in a file of getantposalma.

    Raises
    ------
    PathMissingError, DataError, ParameterError
        The file is missing, cannot be read, is not from ALMA or has none of the antennas.
    """
    require_present(infile, "file of antenna positions")
    try:
        with open(infile, encoding="utf-8") as stream:
            content = json.load(stream)
        positions, code = content["data"], content["metadata"]["product_code"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"gencal: {infile!r} is no file of antenna positions (JSON with data and metadata.product_code): {error}"
        ) from error
    if code != "antposalma":
        raise ParameterError(f"gencal: {infile!r} is of {code!r}; antenna positions of ALMA (antposalma) are needed")
    return _differences(ms, positions, infile)


def _differences(ms: MeasurementSet, positions: Mapping[str, object], infile: str) -> dict[str, np.ndarray]:
    out = {}
    for antenna in ms.metadata.antennas:
        if antenna.name in positions:
            place = np.asarray(positions[antenna.name], dtype=np.float64)
            if place.shape != (3,) or not np.isfinite(place).all():
                raise DataError(f"gencal: the position of {antenna.name} in {infile!r} must be three numbers [m]")
            out[antenna.name] = place - antenna.position_m
    if not out:
        raise DataError(f"gencal: {infile!r} has none of the antennas of {ms.path!r}")
    return out
