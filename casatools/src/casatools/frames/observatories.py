"""Positions on the Earth: observatories by name, ITRF and geodetic (WGS84) coordinates."""

from __future__ import annotations

import difflib
import functools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from casatools._base.errors import ParameterError
from casatools.frames.engine import make_engine
from casatools.frames.quantities import to_unit

__all__ = [
    "Position",
    "as_position",
    "geodetic_to_itrf",
    "itrf_to_geodetic",
    "observatory_names",
    "observatory_position",
]

# WGS84 ellipsoid (NIMA TR8350.2): equatorial radius in metres and flattening.
_A_M = 6378137.0
_F = 1.0 / 298.257223563
_E2 = _F * (2.0 - _F)


@dataclass(frozen=True)
class Position:
    """A place on the Earth in ITRF metres."""

    x_m: float
    y_m: float
    z_m: float

    @property
    def itrf_m(self) -> np.ndarray:
        """ndarray (3,) float64 [m]."""
        return np.array([self.x_m, self.y_m, self.z_m])

    @property
    def longitude_rad(self) -> float:
        """East longitude."""
        return math.atan2(self.y_m, self.x_m)

    @property
    def geocentric_latitude_rad(self) -> float:
        """Latitude as seen from the centre of the Earth."""
        return math.atan2(self.z_m, math.hypot(self.x_m, self.y_m))

    @property
    def geodetic(self) -> tuple[float, float, float]:
        """WGS84 longitude [rad], latitude [rad], height [m]."""
        lon, lat, height = itrf_to_geodetic(self.itrf_m)
        return float(lon), float(lat), float(height)


def itrf_to_geodetic(itrf_m: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """WGS84 longitude [rad], latitude [rad] and height [m] of ITRF positions.

    Parameters
    ----------
    itrf_m : ndarray (..., 3) float64 [m]

    References
    ----------
    Bowring 1985, Survey Review 28, 202: closed form, followed by fixed-point steps to the last digit.
    """
    x, y, z = np.moveaxis(np.asarray(itrf_m, dtype=np.float64), -1, 0)
    p = np.hypot(x, y)
    lat = np.arctan2(z, p * (1.0 - _E2))
    for _ in range(6):
        radius = _A_M / np.sqrt(1.0 - _E2 * np.sin(lat) ** 2)
        lat = np.arctan2(z + _E2 * radius * np.sin(lat), p)
    radius = _A_M / np.sqrt(1.0 - _E2 * np.sin(lat) ** 2)
    # Along the ellipsoid's normal; good at the poles too, where p / cos(lat) is not.
    height = p * np.cos(lat) + z * np.sin(lat) - radius * (1.0 - _E2 * np.sin(lat) ** 2)
    return np.arctan2(y, x), lat, height


def geodetic_to_itrf(longitude_rad: Any, latitude_rad: Any, height_m: Any) -> np.ndarray:
    """ITRF positions (..., 3) [m] of WGS84 longitude, latitude and height; the inverse of `itrf_to_geodetic`."""
    lon, lat, height = np.broadcast_arrays(*(np.asarray(v, dtype=np.float64) for v in (longitude_rad, latitude_rad, height_m)))
    radius = _A_M / np.sqrt(1.0 - _E2 * np.sin(lat) ** 2)
    return np.stack(
        [
            (radius + height) * np.cos(lat) * np.cos(lon),
            (radius + height) * np.cos(lat) * np.sin(lon),
            (radius * (1.0 - _E2) + height) * np.sin(lat),
        ],
        axis=-1,
    )


@functools.lru_cache(maxsize=1)
def observatory_names() -> tuple[str, ...]:
    """Names of the observatories in the measures data."""
    return tuple(str(name) for name in make_engine().obslist())


@functools.lru_cache(maxsize=256)
def observatory_position(name: str) -> Position:
    """Position of an observatory; the name is matched without regard to case.

    Raises
    ------
    ParameterError
        The measures data have no such observatory.
    """
    names = observatory_names()
    folded = {n.upper(): n for n in names}
    found = folded.get(name.strip().upper().replace(" ", "_"), folded.get(name.strip().upper()))
    if found is None:
        near = difflib.get_close_matches(name.upper(), list(folded), n=3)
        hint = f"; did you mean {', '.join(folded[n] for n in near)}?" if near else "; measures.obslist() names them"
        raise ParameterError(f"observatory {name!r} is not in the measures data{hint}")
    return _from_record(make_engine().measure(make_engine().observatory(found), "ITRF"))


def _from_record(record: dict[str, Any]) -> Position:
    """Position of a position measure in ITRF or WGS84."""
    try:
        lon, lat = to_unit(record["m0"], "rad"), to_unit(record["m1"], "rad")
        length = to_unit(record["m2"], "m")
    except KeyError as missing:
        raise ParameterError(f"a position measure needs the key {missing}; got {record!r}") from None
    if str(record.get("refer", "ITRF")).upper() == "WGS84":
        return Position(*(float(v) for v in geodetic_to_itrf(lon, lat, length)))
    return Position(length * math.cos(lat) * math.cos(lon), length * math.cos(lat) * math.sin(lon), length * math.sin(lat))


def as_position(value: Any) -> Position:
    """A Position from a Position, an observatory name, three ITRF metres or a position measure."""
    if isinstance(value, Position):
        return value
    if isinstance(value, str):
        return observatory_position(value)
    if isinstance(value, dict):
        return _from_record(value)
    array = np.asarray(value, dtype=np.float64)
    if array.shape != (3,):
        raise ParameterError(f"a position must be an observatory name, a measure or three ITRF metres; got {value!r}")
    return Position(*(float(v) for v in array))
