"""Directions on the sky: reading them, converting them between frames, separations and position angles."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from casatools._base.errors import ParameterError
from casatools.frames.engine import direction_record, make_engine
from casatools.frames.observatories import as_position
from casatools.frames.quantities import format_dms, format_hms, to_unit

__all__ = [
    "DIRECTION_FRAMES",
    "PLANETS",
    "RIGID_FRAMES",
    "Direction",
    "angles_of",
    "angular_separation",
    "convert_direction",
    "convert_directions",
    "direction_frame",
    "format_direction",
    "frame_turn",
    "offset_direction",
    "parse_direction",
    "position_angle",
    "rotated",
    "source_direction",
    "unit_vectors",
]

PLANETS = ("MERCURY", "VENUS", "MARS", "JUPITER", "SATURN", "URANUS", "NEPTUNE", "PLUTO", "SUN", "MOON")
DIRECTION_FRAMES = (
    "J2000", "JMEAN", "JTRUE", "APP", "B1950", "B1950_VLA", "BMEAN", "BTRUE", "GALACTIC", "HADEC", "AZEL", "AZELSW", "AZELNE",
    "AZELGEO", "AZELSWGEO", "AZELNEGEO", "JNAT", "ECLIPTIC", "MECLIPTIC", "TECLIPTIC", "SUPERGAL", "ITRF", "TOPO", "ICRS",
)  # fmt: skip
_ALIASES = {"AZELNE": "AZEL", "AZELNEGEO": "AZELGEO", "FK5": "J2000", "FK4": "B1950", "GALACTIC": "GALACTIC"}
# Frames fixed against J2000 by one rotation: converting three axes gives it, and a matrix product does the rest.
RIGID_FRAMES = frozenset({"J2000", "GALACTIC", "SUPERGAL", "ECLIPTIC", "ICRS"})
_EPOCH_FREE = RIGID_FRAMES | {"B1950", "B1950_VLA", "JNAT"}
_LOCAL = frozenset({"HADEC", "AZEL", "AZELSW", "AZELGEO", "AZELSWGEO", "ITRF", "TOPO"})


@dataclass(frozen=True)
class Direction:
    """A direction; longitude and latitude in radians. For a planet the frame is its name and the angles mean nothing."""

    lon_rad: float
    lat_rad: float
    frame: str = "J2000"

    @property
    def is_moving(self) -> bool:
        """True for the Sun, the Moon and planets."""
        return self.frame in PLANETS


def direction_frame(name: str) -> str:
    """casacore's name of a direction frame or planet; raise ParameterError for an unknown one."""
    folded = name.strip().upper()
    folded = _ALIASES.get(folded, folded)
    if folded not in DIRECTION_FRAMES and folded not in PLANETS:
        raise ParameterError(f"direction frame {name!r} is unknown; allowed are {', '.join(DIRECTION_FRAMES + PLANETS)}")
    return folded


def parse_direction(value: Any, default_frame: str = "J2000") -> Direction:
    """Read a direction.

    Parameters
    ----------
    value : str, dict, list, Direction or SkyCoord
        ``"J2000 12h00m00 +30d00m00"``, ``"12:00:00 30.00.00"``, ``"GALACTIC 10deg 20deg"``, ``"JUPITER"``, the name of a source in the
        measures data, a direction measure, a list of frame and two angles or of two angles, an astropy SkyCoord.
    default_frame : str
        Frame when the value names none.

    Raises
    ------
    ParameterError
        It cannot be read.
    """
    if isinstance(value, Direction):
        return value
    if hasattr(value, "transform_to") and hasattr(value, "ra"):
        sky = value.icrs
        return Direction(float(sky.ra.rad), float(sky.dec.rad), "ICRS")
    if isinstance(value, dict):
        try:
            return Direction(
                float(to_unit(value["m0"], "rad")),
                float(to_unit(value["m1"], "rad")),
                direction_frame(str(value.get("refer", default_frame))),
            )
        except KeyError as missing:
            raise ParameterError(f"a direction measure needs the key {missing}; got {value!r}") from None
    words = (
        value.replace(",", " ").split() if isinstance(value, str) else list(value) if isinstance(value, (list, tuple)) else None
    )
    if not words or len(words) > 3:
        raise ParameterError(f"{value!r} is not a direction; write such as 'J2000 12h30m15.2s 30d10m32.9s'")
    if len(words) == 1:
        return source_direction(str(words[0]))
    frame = direction_frame(str(words[0])) if len(words) == 3 else direction_frame(default_frame)
    try:
        # A bare number is in radians, as CASA takes it.
        lon, lat = (float(to_unit(word, "rad")) for word in words[-2:])
    except ParameterError as error:
        raise ParameterError(f"{value!r} is not a direction ({error})") from error
    return Direction(lon, lat, frame)


def source_direction(name: str) -> Direction:
    """A planet, or a source of the measures data, by name.

    Raises
    ------
    ParameterError
        There is no such source.
    """
    if name.upper() in PLANETS:
        return Direction(0.0, math.pi / 2.0, name.upper())
    try:
        record = make_engine().source(name)
    except (RuntimeError, TypeError):
        record = {}
    if not record or "m0" not in record:
        raise ParameterError(f"{name!r} is not a direction, a planet or a source of the measures data")
    return Direction(float(record["m0"]["value"]), float(record["m1"]["value"]), str(record["refer"]))


def unit_vectors(lon_rad: np.ndarray, lat_rad: np.ndarray) -> np.ndarray:
    """Unit vectors (..., 3)."""
    cos_lat = np.cos(lat_rad)
    return np.stack([cos_lat * np.cos(lon_rad), cos_lat * np.sin(lon_rad), np.sin(lat_rad)], axis=-1)


def angles_of(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    x, y, z = np.moveaxis(vectors, -1, 0)
    return np.arctan2(y, x), np.arctan2(z, np.hypot(x, y))


def convert_directions(
    lon_rad: Any, lat_rad: Any, from_frame: str, to_frame: str, epoch_mjd_s: Any = None, position: Any = None
) -> tuple[np.ndarray, np.ndarray]:
    """Convert many directions to another frame.

    Parameters
    ----------
    lon_rad, lat_rad : float or ndarray (n,) [rad]
    from_frame, to_frame : str
        Names such as J2000, ICRS, B1950, GALACTIC, AZEL, HADEC, APP, TOPO, ITRF; the source may be a planet.
    epoch_mjd_s : float or ndarray (n,), optional
        UTC in MJD seconds; needed by the frames of date.
    position : Position, str, ndarray (3,), optional
        Place of the observer; needed by the local frames.

    Returns
    -------
    lon_rad, lat_rad : ndarray of the broadcast shape [rad]
        Longitudes from -pi to pi.

    Raises
    ------
    ParameterError
        An unknown frame, or an epoch or position that is needed is missing.
    """
    source, target = direction_frame(from_frame), direction_frame(to_frame)
    if target in PLANETS:
        raise ParameterError(f"a direction cannot be converted to {target}")
    _require_frame_data(source, target, epoch_mjd_s, position)
    lon, lat = np.broadcast_arrays(np.asarray(lon_rad, dtype=np.float64), np.asarray(lat_rad, dtype=np.float64))
    itrf = None if position is None else as_position(position).itrf_m
    if epoch_mjd_s is None or np.ndim(epoch_mjd_s) == 0:
        return _convert_at(lon, lat, source, target, epoch_mjd_s, itrf)
    lon, lat, epochs = np.broadcast_arrays(lon, lat, np.asarray(epoch_mjd_s, dtype=np.float64))
    out_lon, out_lat = np.empty(lon.shape), np.empty(lon.shape)
    unique, inverse = np.unique(epochs, return_inverse=True)
    order = np.argsort(inverse.ravel(), kind="stable")
    edges = np.searchsorted(inverse.ravel()[order], np.arange(unique.size + 1))
    for k, epoch in enumerate(unique):
        at = np.unravel_index(order[edges[k] : edges[k + 1]], lon.shape)
        out_lon[at], out_lat[at] = _convert_at(lon[at], lat[at], source, target, float(epoch), itrf)
    return out_lon, out_lat


def _require_frame_data(source: str, target: str, epoch: Any, position: Any) -> None:
    if source == target:
        return
    if epoch is None and not {source, target} <= _EPOCH_FREE:
        raise ParameterError(f"converting a direction from {source} to {target} needs an epoch")
    if position is None and {source, target} & _LOCAL:
        raise ParameterError(f"converting a direction from {source} to {target} needs a position")


def _convert_at(
    lon: np.ndarray, lat: np.ndarray, source: str, target: str, epoch: float | None, itrf: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    if source == target:
        return lon.copy(), lat.copy()
    if lon.size == 0:
        return lon.copy(), lat.copy()
    if lon.size > 3 and {source, target} <= RIGID_FRAMES:
        return rotated(lon, lat, source, target)
    engine = make_engine(epoch_mjd_s=epoch, itrf_m=itrf)
    out_lon, out_lat = _measure(engine, lon.ravel(), lat.ravel(), source, target)
    return out_lon.reshape(lon.shape), out_lat.reshape(lat.shape)


@functools.lru_cache(maxsize=32)
def rigid_rotation(source: str, target: str) -> np.ndarray:
    """Matrix (3, 3) between two of `RIGID_FRAMES`: unit vectors (..., 3) times it point to the direction in the target frame.

    It is fitted to what casacore gives for directions all over the sky: casacore takes the way to GALACTIC through B1950, whose terms of
    aberration it finds by iteration to 1e-10 rad, and it loses digits near the poles.
    """
    lat = np.arcsin(np.linspace(-0.9, 0.9, 200))
    lon = (np.arange(200) * math.pi * (3.0 - math.sqrt(5.0)) + math.pi) % (2 * math.pi) - math.pi
    out_lon, out_lat = _measure(make_engine(), lon, lat, source, target)
    sound = np.abs(out_lat) < 1.2
    matrix: np.ndarray = np.linalg.lstsq(unit_vectors(lon, lat)[sound], unit_vectors(out_lon, out_lat)[sound], rcond=None)[0]
    matrix.setflags(write=False)
    return matrix


@functools.lru_cache(maxsize=32)
def _rigid_rows(source: str, target: str) -> list[list[float]]:
    return rigid_rotation(source, target).tolist()  # type: ignore[no-any-return]


def rotated(lon_rad: Any, lat_rad: Any, source: str, target: str) -> tuple[Any, Any]:
    """Longitudes and latitudes [rad] in another of `RIGID_FRAMES`: two numbers, or two arrays (n,)."""
    if not isinstance(lon_rad, float):
        return _rotated_arrays(np.asarray(lon_rad), np.asarray(lat_rad), rigid_rotation(source, target))
    x, y, z = math.cos(lat_rad) * math.cos(lon_rad), math.cos(lat_rad) * math.sin(lon_rad), math.sin(lat_rad)
    (a, b, c), (d, e, f), (g, h, i) = _rigid_rows(source, target)
    u, v, w = x * a + y * d + z * g, x * b + y * e + z * h, x * c + y * f + z * i
    return math.atan2(v, u), math.atan2(w, math.hypot(u, v))


# Blocks that stay in the processor's cache.
_BLOCK = 8192


def _rotated_arrays(lon_rad: np.ndarray, lat_rad: np.ndarray, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    lon, lat = np.ravel(lon_rad), np.ravel(lat_rad)
    out_lon, out_lat = np.empty(lon.size), np.empty(lon.size)
    for start in range(0, lon.size, _BLOCK):
        at = slice(start, start + _BLOCK)
        cos_lat = np.cos(lat[at])
        x, y, z = matrix.T @ np.stack([cos_lat * np.cos(lon[at]), cos_lat * np.sin(lon[at]), np.sin(lat[at])])
        np.arctan2(y, x, out=out_lon[at])
        np.arctan2(z, np.hypot(x, y), out=out_lat[at])
    return out_lon.reshape(lon_rad.shape), out_lat.reshape(lon_rad.shape)


def _measure(engine: Any, lon: np.ndarray, lat: np.ndarray, source: str, target: str) -> tuple[np.ndarray, np.ndarray]:
    out = engine.measure(direction_record(lon, lat, source), target)
    return np.atleast_1d(np.asarray(out["m0"]["value"])), np.atleast_1d(np.asarray(out["m1"]["value"]))


def convert_direction(direction: Direction, to_frame: str, epoch_mjd_s: float | None = None, position: Any = None) -> Direction:
    """One direction in another frame; see `convert_directions`."""
    lon, lat = convert_directions(direction.lon_rad, direction.lat_rad, direction.frame, to_frame, epoch_mjd_s, position)
    return Direction(float(np.ravel(lon)[0]), float(np.ravel(lat)[0]), direction_frame(to_frame))


def angular_separation(lon1_rad: Any, lat1_rad: Any, lon2_rad: Any, lat2_rad: Any) -> Any:
    """Great-circle separation [rad] of directions in one frame; exact for tiny and for opposite directions.

    References
    ----------
    Vincenty 1975, Survey Review 23, 88 (the spherical case).
    """
    d = np.asarray(lon2_rad) - np.asarray(lon1_rad)
    s1, c1, s2, c2 = np.sin(lat1_rad), np.cos(lat1_rad), np.sin(lat2_rad), np.cos(lat2_rad)
    across = np.hypot(c2 * np.sin(d), c1 * s2 - s1 * c2 * np.cos(d))
    return np.arctan2(across, s1 * s2 + c1 * c2 * np.cos(d))


def position_angle(lon1_rad: Any, lat1_rad: Any, lon2_rad: Any, lat2_rad: Any) -> Any:
    """Position angle [rad] of the second direction seen from the first, from north through east."""
    d = np.asarray(lon2_rad) - np.asarray(lon1_rad)
    return np.arctan2(
        np.cos(lat2_rad) * np.sin(d), np.cos(lat1_rad) * np.sin(lat2_rad) - np.sin(lat1_rad) * np.cos(lat2_rad) * np.cos(d)
    )


def offset_direction(direction: Direction, separation_rad: float, position_angle_rad: float) -> Direction:
    """The direction at a separation and position angle (north through east) from another."""
    s, c = math.sin(separation_rad), math.cos(separation_rad)
    sin_lat, cos_lat = math.sin(direction.lat_rad), math.cos(direction.lat_rad)
    lat = math.asin(max(-1.0, min(1.0, sin_lat * c + cos_lat * s * math.cos(position_angle_rad))))
    lon = direction.lon_rad + math.atan2(
        s * math.sin(position_angle_rad), c * cos_lat - s * sin_lat * math.cos(position_angle_rad)
    )
    return Direction(math.remainder(lon, 2.0 * math.pi), lat, direction.frame)


# Frames turn rigidly but for the E-terms of B1950, so any step is good that is large beside the precision of conversions (1e-9 rad).
_STEP_RAD = 1e-3


def frame_turn(
    direction: Direction, frame: str, epoch_mjd_s: float | None = None, position: Any = None
) -> tuple[Direction, np.ndarray]:
    """A direction in another frame, and the rotation of uvw about w that goes with it: north is another frame's north.

    Returns
    -------
    Direction
    ndarray (3, 3)
        ``uvw @ turn.T`` are uvw (row, 3) along the new frame's east, north and the direction.

    Notes
    -----
    The position angle of the old north in the new frame is that of a point a little north of the direction.
    """
    if direction.frame == direction_frame(frame):
        return direction, np.eye(3)
    north = offset_direction(direction, _STEP_RAD, 0.0)
    lon, lat = convert_directions(
        np.array([direction.lon_rad, north.lon_rad]), np.array([direction.lat_rad, north.lat_rad]), direction.frame, frame,
        epoch_mjd_s, position,
    )  # fmt: skip
    angle = float(position_angle(lon[0], lat[0], lon[1], lat[1]))
    cos, sin = math.cos(angle), math.sin(angle)
    turn = np.array([[cos, sin, 0.0], [-sin, cos, 0.0], [0.0, 0.0, 1.0]])
    return Direction(float(lon[0]), float(lat[0]), direction_frame(frame)), turn


def format_direction(direction: Direction, decimals: int = 6) -> str:
    """A direction as CASA prints it: ``J2000 13:31:08.287984 +30.30.32.95894`` (degrees outside equatorial frames)."""
    if direction.frame in ("GALACTIC", "SUPERGAL", "ECLIPTIC", "AZEL", "AZELGEO", "AZELSW", "AZELSWGEO"):
        return f"{direction.frame} {math.degrees(direction.lon_rad) % 360.0:.{decimals}f}deg {math.degrees(direction.lat_rad):+.{decimals}f}deg"
    return f"{direction.frame} {format_hms(direction.lon_rad, decimals)} {format_dms(direction.lat_rad, max(decimals - 1, 0))}"
