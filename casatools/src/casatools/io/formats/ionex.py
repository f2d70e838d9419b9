"""IONEX files: maps of the ionosphere's electron columns.

References
----------
Schaer, Gurtner & Feltens 1998, "IONEX: The IONosphere Map EXchange Format Version 1".
"""

from __future__ import annotations

import datetime
import gzip
from dataclasses import dataclass

import numpy as np

from casatools._base.errors import DataError
from casatools._base.paths import require_present

__all__ = ["ElectronMaps", "is_ionex", "read_ionex"]

_LABEL_AT = 60
_EPOCH = datetime.datetime(1858, 11, 17)


@dataclass(frozen=True)
class ElectronMaps:
    """Vertical electron columns on a grid.

    Attributes
    ----------
    time_s : ndarray (map,) [MJD seconds, UTC]
    lat_deg, lon_deg : ndarray
        Ascending, geocentric.
    tecu : ndarray (map, lat, lon) [1e16 electrons / m2]
        NaN where there is no value.
    """

    time_s: np.ndarray
    lat_deg: np.ndarray
    lon_deg: np.ndarray
    tecu: np.ndarray


def _lines(path: str) -> list[str]:
    with open(path, "rb") as stream:
        content = stream.read()
    if content[:2] == b"\x1f\x8b":
        content = gzip.decompress(content)
    return content.decode("ascii", "replace").splitlines()


def is_ionex(path: str) -> bool:
    """Whether a file begins as IONEX files do."""
    try:
        lines = _lines(path)
    except (OSError, EOFError):
        return False
    return bool(lines) and lines[0][_LABEL_AT:].strip().startswith("IONEX VERSION")


def _grid(line: str) -> np.ndarray:
    first, last, step = (float(v) for v in line[:_LABEL_AT].split()[:3])
    return first + step * np.arange(round((last - first) / step) + 1) if step else np.array([first])


def _moment(line: str) -> float:
    year, month, day, hour, minute, second = (int(float(v)) for v in line[:_LABEL_AT].split()[:6])
    # Midnight may be written as hour 24.
    moment = datetime.datetime(year, month, day) + datetime.timedelta(hours=hour, minutes=minute, seconds=second)
    return (moment - _EPOCH).total_seconds()


def read_ionex(path: str) -> ElectronMaps:
    """Read the maps of electron columns (not those of their errors) of a file, plain or gzipped.

    Raises
    ------
    PathMissingError, DataError
        It is missing, or no IONEX file, or without maps.
    """
    require_present(path, "IONEX file")
    try:
        found = _read(_lines(path))
    except (ValueError, IndexError, KeyError) as error:
        raise DataError(f"{path!r} cannot be read as an IONEX file: {error}") from error
    if not len(found.time_s):
        raise DataError(f"the IONEX file {path!r} has no maps of electron columns")
    return found


def _read(lines: list[str]) -> ElectronMaps:
    if not lines or "IONEX VERSION" not in lines[0][_LABEL_AT:]:
        raise ValueError("it does not begin with IONEX VERSION / TYPE")
    grids: dict[str, np.ndarray] = {}
    exponent, times, maps = -1, [], []
    inside, row, values = False, np.zeros(0), np.zeros((0, 0))
    filled = 0
    for line in lines:
        label = line[_LABEL_AT:].strip()
        if label in ("LAT1 / LAT2 / DLAT", "LON1 / LON2 / DLON"):
            grids[label[:3]] = _grid(line)
        elif label == "EXPONENT":
            exponent = int(line[:_LABEL_AT].split()[0])
        elif label == "START OF TEC MAP":
            inside, values = True, np.full((len(grids["LAT"]), len(grids["LON"])), np.nan)
        elif label == "END OF TEC MAP":
            inside = False
            maps.append(np.where(values == 9999, np.nan, values * 10.0**exponent))
        elif inside and label == "EPOCH OF CURRENT MAP":
            times.append(_moment(line))
        elif inside and label == "LAT/LON1/LON2/DLON/H":
            row, filled = values[int(np.argmin(np.abs(grids["LAT"] - float(line[2:8]))))], 0
        elif inside and not label.startswith("COMMENT"):
            numbers = [float(line[k : k + 5]) for k in range(0, len(line.rstrip()), 5) if line[k : k + 5].strip()]
            row[filled : filled + len(numbers)] = numbers
            filled += len(numbers)
    lat, lon = np.argsort(grids["LAT"]), np.argsort(grids["LON"])
    cube = np.array(maps)[:, lat][:, :, lon] if maps else np.zeros((0, len(lat), len(lon)))
    return ElectronMaps(np.array(times), grids["LAT"][lat], grids["LON"][lon], cube)
