"""Conversions of single points with plain numbers: the functions of arrays take ten times as long for an array of one.

Each coordinate gives a pair of functions, of pixels to world values and back. They give what its functions of arrays give, which also serve where a
coordinate has no quicker ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from casatools.io.image.coordinates.direction import DirectionCoordinate

__all__ = ["PointFunctions", "by_arrays", "code_functions", "direction_functions", "line_functions"]

PointFunctions = tuple[Callable[..., Sequence[float]], Callable[..., Sequence[float]]]
_NOWHERE = (math.nan, math.nan)


def by_arrays(member: Any) -> PointFunctions:
    """The functions of arrays of a coordinate, used for one point."""

    def to_world(*pixel: float) -> Sequence[float]:
        return member.to_world(np.array(pixel)[:, None])[:, 0].tolist()  # type: ignore[no-any-return]

    def to_pixel(*world: float) -> Sequence[float]:
        return member.to_pixel(np.array(world)[:, None])[:, 0].tolist()  # type: ignore[no-any-return]

    return to_world, to_pixel


def line_functions(value: float, pixel: float, slope: float) -> PointFunctions:
    """Those of an axis on which world is a linear function of pixel."""
    return lambda p: (value + slope * (p - pixel),), lambda w: ((w - value) / slope + pixel,)


def code_functions(codes: Sequence[float]) -> PointFunctions:
    """Those of an axis of numbered planes that each stand for a code."""
    planes = {code: float(k) for k, code in enumerate(codes)}

    def to_world(pixel: float) -> Sequence[float]:
        plane = math.floor(pixel + 0.5) if math.isfinite(pixel) else -1
        return (codes[plane] if 0 <= plane < len(codes) else math.nan,)

    def to_pixel(world: float) -> Sequence[float]:
        return (planes.get(math.floor(world + 0.5), math.nan) if math.isfinite(world) else math.nan,)

    return to_world, to_pixel


def direction_functions(member: DirectionCoordinate) -> PointFunctions:
    """Those of directions in the projections TAN and SIN (formulas and their sources in `projections`)."""
    projector = member.projector
    tangent = projector.name == "TAN"
    quick = projector.name in ("TAN", "SIN") and not projector.through_wcslib and not np.any(projector.parameters)
    if not quick or np.linalg.det(member.matrix) == 0:
        return by_arrays(member)
    (pixel_x, pixel_y), (step_x, step_y) = member.reference_pixel.tolist(), member.increment_rad
    (xx, xy), (yx, yy) = member.matrix.tolist()
    (back_xx, back_xy), (back_yx, back_yy) = np.linalg.inv(member.matrix).tolist()
    unit_x, unit_y = member.unit_rad
    longitude_0, latitude_0 = projector.longitude, projector.latitude
    sin0, cos0 = math.sin(latitude_0), math.cos(latitude_0)
    turned, turn_cos, turn_sin = bool(projector.turn), math.cos(projector.turn), math.sin(projector.turn)
    circle = 2 * math.pi if longitude_0 >= 0 else -2 * math.pi

    def to_world(first: float, second: float) -> Sequence[float]:
        dx, dy = first - pixel_x, second - pixel_y
        x, y = step_x * (xx * dx + xy * dy), step_y * (yx * dx + yy * dy)
        if turned:
            x, y = x * turn_cos - y * turn_sin, y * turn_cos + x * turn_sin
        square = x * x + y * y
        if tangent:
            radial = 1.0 / math.sqrt(1.0 + square)
            x, y = x * radial, y * radial
        elif square <= 1.0:
            radial = math.sqrt(1.0 - square)
        else:
            return _NOWHERE
        across = radial * cos0 - y * sin0
        longitude = math.atan2(x, across) + longitude_0
        if longitude * circle < 0:
            longitude += circle
        elif abs(longitude) > 2 * math.pi:
            longitude -= circle
        return longitude / unit_x, math.atan2(y * cos0 + radial * sin0, math.sqrt(x * x + across * across)) / unit_y

    def to_pixel(first: float, second: float) -> Sequence[float]:
        if not math.isfinite(first + second):
            return _NOWHERE
        offset, latitude = first * unit_x - longitude_0, second * unit_y
        cos_lat, sin_lat, cos_off = math.cos(latitude), math.sin(latitude), math.cos(offset)
        x, y = cos_lat * math.sin(offset), sin_lat * cos0 - cos_lat * sin0 * cos_off
        radial = sin_lat * sin0 + cos_lat * cos0 * cos_off
        if radial < 0 or (tangent and radial == 0):
            return _NOWHERE
        if tangent:
            x, y = x / radial, y / radial
        if turned:
            x, y = x * turn_cos + y * turn_sin, y * turn_cos - x * turn_sin
        x, y = x / step_x, y / step_y
        return back_xx * x + back_xy * y + pixel_x, back_yx * x + back_yy * y + pixel_y

    return to_world, to_pixel
