"""World values relative to the reference point, and back."""

from __future__ import annotations

import math

import numpy as np

from casatools.io.image.coordinates.direction import DirectionCoordinate
from casatools.io.image.coordinates.many_points import BLOCK, MANY
from casatools.io.image.coordinates.sines import sines_and_cosines
from casatools.io.image.coordinates.system import Coordinates

__all__ = ["offsets_to_sky", "relative_point", "sky_to_offsets", "to_absolute_world", "to_relative_world"]


def sky_to_offsets(
    longitude: np.ndarray, latitude: np.ndarray, longitude_0: float, latitude_0: float
) -> tuple[np.ndarray, np.ndarray]:
    """Offsets [rad] of sky positions [rad] from a reference position.

    In the frame whose origin is the reference position the offsets are latitude', and longitude' times cos(latitude').
    """
    turn = longitude - longitude_0
    sin0, cos0 = np.sin(latitude_0), np.cos(latitude_0)
    sine, cosine = sines_and_cosines(latitude)
    sin_turn, cos_turn = sines_and_cosines(turn)
    along, east = cosine * cos_turn, cosine * sin_turn
    north = sine * cos0 - along * sin0
    radial = sine * sin0 + along * cos0
    across = np.sqrt(east * east + radial * radial)
    return np.arctan2(east, radial) * across, np.arctan2(north, across)


def offsets_to_sky(x: np.ndarray, y: np.ndarray, longitude_0: float, latitude_0: float) -> tuple[np.ndarray, np.ndarray]:
    """Sky positions [rad], longitude within half a turn of zero, of offsets [rad]; the inverse of `sky_to_offsets`."""
    north, cosine = sines_and_cosines(y)
    sin_turn, cos_turn = sines_and_cosines(x / cosine)
    sin0, cos0 = np.sin(latitude_0), np.cos(latitude_0)
    east, radial = cosine * sin_turn, cosine * cos_turn
    across = radial * cos0 - north * sin0
    longitude = longitude_0 + np.arctan2(east, across) + np.pi
    latitude = np.arctan2(north * cos0 + radial * sin0, np.sqrt(east * east + across * across))
    longitude -= 2 * np.pi * np.floor(longitude / (2 * np.pi))
    return longitude - np.pi, latitude


def _direction_rows(coordinates: Coordinates, index: int) -> tuple[int, int] | None:
    """World axes of a direction member that has both of them."""
    longitude, latitude = coordinates.world_axes[index]
    return (longitude, latitude) if longitude >= 0 and latitude >= 0 else None


def to_relative_world(coordinates: Coordinates, world: np.ndarray) -> np.ndarray:
    """World values (axis, point) relative to the reference values; Stokes values stay as they are."""
    out = np.array(world, dtype=np.float64)
    _shift(coordinates, out, -1.0)
    return out


def relative_point(coordinates: Coordinates, world: list[float]) -> list[float]:
    """What `to_relative_world` gives for one point, in plain numbers."""
    out = list(world)
    for index, member in enumerate(coordinates.members):
        rows = _direction_rows(coordinates, index) if isinstance(member, DirectionCoordinate) else None
        if rows is not None and isinstance(member, DirectionCoordinate):
            (unit_x, unit_y), (longitude_0, latitude_0) = member.unit_rad, member.reference_rad
            turn, latitude = world[rows[0]] * unit_x - longitude_0, world[rows[1]] * unit_y
            sin0, cos0, sine, cosine = math.sin(latitude_0), math.cos(latitude_0), math.sin(latitude), math.cos(latitude)
            along, east = cosine * math.cos(turn), cosine * math.sin(turn)
            north, radial = sine * cos0 - along * sin0, sine * sin0 + along * cos0
            across = math.sqrt(east * east + radial * radial)
            out[rows[0]], out[rows[1]] = math.atan2(east, radial) * across / unit_x, math.atan2(north, across) / unit_y
        elif member.kind not in ("Stokes", "Quality"):
            for row, axis in enumerate(coordinates.world_axes[index]):
                if axis >= 0:
                    out[axis] -= float(member.reference_value[row])
    return out


def to_absolute_world(coordinates: Coordinates, relative: np.ndarray) -> np.ndarray:
    """Absolute world values (axis, point) of relative ones; the inverse of `to_relative_world`."""
    out = np.array(relative, dtype=np.float64)
    _shift(coordinates, out, 1.0)
    return out


def _shift(coordinates: Coordinates, world: np.ndarray, sign: float) -> None:
    coordinates.in_blocks(lambda begin, end: _shift_block(coordinates, world[:, begin:end], sign), world.shape[1])


def _shift_block(coordinates: Coordinates, world: np.ndarray, sign: float) -> None:
    for index, member in enumerate(coordinates.members):
        rows = _direction_rows(coordinates, index) if isinstance(member, DirectionCoordinate) else None
        if rows is not None and isinstance(member, DirectionCoordinate):
            if world.shape[1] >= MANY:
                _shift_many(member, world[rows[0]], world[rows[1]], sign)
                continue
            scale = np.array(member.increment_rad) / member.increment
            first, second = (world[row] * scale[k] for k, row in enumerate(rows))
            change = sky_to_offsets if sign < 0 else offsets_to_sky
            moved = change(first, second, *member.reference_rad)
            for k, row in enumerate(rows):
                world[row] = moved[k] / scale[k]
        elif member.kind not in ("Stokes", "Quality"):
            for row, axis in enumerate(coordinates.world_axes[index]):
                if axis >= 0:
                    world[axis] += sign * member.reference_value[row]


def _shift_many(member: DirectionCoordinate, first: np.ndarray, second: np.ndarray, sign: float) -> None:
    """Many directions in place, by a compiled loop."""
    from casatools.kernels.sphere_turns import directions_of_offsets, offsets_of_directions

    longitude, latitude = member.reference_rad
    point = (*member.unit_rad, longitude, math.sin(latitude), math.cos(latitude))
    loop = offsets_of_directions if sign < 0 else directions_of_offsets
    for begin in range(0, first.size, BLOCK):
        one, other = first[begin : begin + BLOCK], second[begin : begin + BLOCK]
        loop(one.copy(), other.copy(), *point, one, other)
