"""Projections of the sphere onto the faces of a cube: native longitude and latitude to the plane and back, many points at once.

Plane coordinates are in radians, a face a quarter turn wide; what the plane does not reach is NaN. The loops hold no branch, so that a processor
does several points at a time. Nor does one function take two arc tangents: it would be too large for the compiler to
put into a loop, which would then do one point at a time.

References
----------
Calabretta & Greisen 2002, A&A 395, 1077 (FITS paper II): section 5.6, 146 to 182 (TSC, CSC, QSC) and the coefficients of tables 9 and 10.
"""

from __future__ import annotations

import math

import numpy as np

from casatools.kernels._kernel import kernel
from casatools.kernels.sphere_turns import _arc_tangent, _sine_cosine

__all__ = [
    "area_cube_of_native",
    "cobe_cube_of_native",
    "native_of_area_cube",
    "native_of_cobe_cube",
    "native_of_tangent_cube",
    "tangent_cube_of_native",
]

_FACE, _PER_FACE = 0.25 * math.pi, 4.0 / math.pi  # half the width of a face [rad]
_EDGE = 1.0 + 1e-12
_ROOT_HALF = math.sqrt(0.5)


@kernel
def _on_face(ahead: float, east: float, up: float) -> tuple[float, float, float, float, float]:
    """Right and up on the face that a direction of unit length meets, the distance of it, and where the middle of the face is in the plane.

    Choices are numbers 0 and 1 that are multiplied: chains of choices would be made branches.
    """
    wide, far, high = abs(east), abs(ahead), abs(up)
    cap = 1.0 * ((high >= far) & (high >= wide))
    side = (1.0 - cap) * (1.0 * (wide > far))
    front = 1.0 - cap - side
    depth = cap * high + side * wide + front * far
    way_ahead, way_east, way_up = 2.0 * (ahead > 0.0) - 1.0, 2.0 * (east > 0.0) - 1.0, 2.0 * (up > 0.0) - 1.0
    right = front * way_ahead * east - side * way_east * ahead + cap * east
    above = (front + side) * up - cap * way_up * ahead
    return right, above, depth, 2.0 * front * (1.0 - way_ahead) + side * (4.0 - 2.0 * way_east), 2.0 * cap * way_up


@kernel
def _faced(x: float, y: float) -> tuple[float, float, float, float, bool]:
    """Right and up on a face of a place in the plane (half a face is 1), quarter turns to it, 1 or -1 for the north and south one, and if there is a face."""
    column = 1.0 * (abs(x) <= _EDGE)
    there = (abs(x) <= 7.0 * _EDGE) & (abs(y) <= 1.0 * _EDGE + 2.0 * _EDGE * column)
    wrapped = x + 8.0 * (x < -_EDGE)
    quarters = (1.0 * (wrapped > 1.0)) + (1.0 * (wrapped > 3.0)) + (1.0 * (wrapped > 5.0))
    quarters = quarters * (1.0 - column)
    cap = column * ((1.0 * (y > 1.0)) - (1.0 * (y < -1.0)))
    return wrapped - 2.0 * quarters, y - 2.0 * cap, quarters, cap, there


@kernel
def _vector(right: float, high: float, depth: float, cap: float) -> tuple[float, float]:
    """Components away from the middle of a side face and up of what lies on a face, of any length."""
    side = 1.0 - abs(cap)
    return side * depth - cap * high, side * high + cap * depth


@kernel
def _around(angle: float, quarters: float) -> float:
    """Native longitude of an angle from the middle of a face."""
    turned = angle + 0.5 * math.pi * quarters
    return turned - 2.0 * math.pi * (turned > math.pi)


@kernel
def native_of_tangent_cube(x: np.ndarray, y: np.ndarray, longitude: np.ndarray, latitude: np.ndarray) -> None:
    """Native coordinates of the tangential cube TSC.

    Parameters
    ----------
    x, y : ndarray (point,) float64 [rad]
    longitude, latitude : ndarray (point,) float64 [rad]
        Written.
    """
    for k in range(x.size):
        right, high, quarters, cap, there = _faced(_PER_FACE * x[k], _PER_FACE * y[k])
        ahead, up = _vector(right, high, 1.0, cap)
        around = _around(_arc_tangent(right, ahead), quarters)
        above = _arc_tangent(up, np.sqrt(ahead * ahead + right * right))
        longitude[k] = around if there else math.nan
        latitude[k] = above if there else math.nan


@kernel
def tangent_cube_of_native(longitude: np.ndarray, latitude: np.ndarray, x: np.ndarray, y: np.ndarray) -> None:
    """The inverse of `native_of_tangent_cube`."""
    for k in range(longitude.size):
        sine, cosine = _sine_cosine(longitude[k])
        up, along = _sine_cosine(latitude[k])
        right, high, depth, middle_x, middle_y = _on_face(along * cosine, along * sine, up)
        inverse = np.divide(1.0, depth)
        x[k] = _FACE * (middle_x + right * inverse)
        y[k] = _FACE * (middle_y + high * inverse)


@kernel
def native_of_area_cube(x: np.ndarray, y: np.ndarray, longitude: np.ndarray, latitude: np.ndarray) -> None:
    """Native coordinates of the cube of equal areas QSC; arguments as of `native_of_tangent_cube`."""
    for k in range(x.size):
        right, high, quarters, cap, there = _faced(_PER_FACE * x[k], _PER_FACE * y[k])
        wide = abs(right) > abs(high)
        large, small = (right if wide else high), (high if wide else right)
        angle = (math.pi / 12.0) * np.divide(small, large if large != 0.0 else 1.0)
        sine, cosine = _sine_cosine(angle)
        ratio = np.divide(sine, cosine - _ROOT_HALF)
        # 1 - the distance of the face, with all digits at its middle
        short = large * large * (1.0 - np.divide(1.0, np.sqrt(2.0 + ratio * ratio)))
        reach = np.sqrt(np.divide(short * (2.0 - short), 1.0 + ratio * ratio))
        reach = -reach if large < 0.0 else reach
        right, high = (reach if wide else reach * ratio), (reach * ratio if wide else reach)
        ahead, up = _vector(right, high, 1.0 - short, cap)
        around = _around(_arc_tangent(right, ahead), quarters)
        above = _arc_tangent(up, np.sqrt(ahead * ahead + right * right))
        longitude[k] = around if there else math.nan
        latitude[k] = above if there else math.nan


@kernel
def area_cube_of_native(longitude: np.ndarray, latitude: np.ndarray, x: np.ndarray, y: np.ndarray) -> None:
    """The inverse of `native_of_area_cube`."""
    for k in range(longitude.size):
        sine, cosine = _sine_cosine(longitude[k])
        up, along = _sine_cosine(latitude[k])
        right, high, depth, middle_x, middle_y = _on_face(along * cosine, along * sine, up)
        wide = abs(right) > abs(high)
        large, small = (right if wide else high), (high if wide else right)
        ratio = np.divide(small, large if large != 0.0 else 1.0)
        short = np.divide(right * right + high * high, 1.0 + depth)
        reach = np.sqrt(np.divide(short, 1.0 - np.divide(1.0, np.sqrt(2.0 + ratio * ratio))))
        reach = -reach if large < 0.0 else reach
        # the arc sine of s = ratio / sqrt(2 (1 + ratio^2)) as an arc tangent
        across = (12.0 / math.pi) * reach * (_arc_tangent(ratio, 1.0) - _arc_tangent(ratio, np.sqrt(2.0 + ratio * ratio)))
        x[k] = _FACE * (middle_x + (reach if wide else across))
        y[k] = _FACE * (middle_y + (across if wide else reach))


@kernel
def _cobe_in(a: float, b: float) -> float:
    """Tangential coordinate of a place on COBE's cube, of the squares a and b of the two: the polynomial of the first, to be multiplied."""
    row_0 = -0.27292696 + a * (
        -0.07629969 + a * (-0.22797056 + a * (0.54852384 + a * (-0.62930065 + a * (0.25795794 + a * 0.02584375))))
    )
    row_1 = -0.02819452 + a * (-0.01471565 + a * (0.48051509 + a * (-1.74114454 + a * (1.71547508 - a * 0.53022337))))
    row_2 = 0.27058160 + a * (-0.56800938 + a * (0.30803317 + a * (0.98938102 - a * 0.83180469)))
    row_3 = -0.60441560 + a * (1.50880086 + a * (-0.93678576 + a * 0.08693841))
    row_4 = 0.93412077 + a * (-1.41601920 + a * 0.33887446)
    return row_0 + b * (row_1 + b * (row_2 + b * (row_3 + b * (row_4 + b * (-0.63915306 + a * 0.52032238 + b * 0.14381585)))))


@kernel
def _cobe_out(v: float, a: float, b: float) -> float:
    """Place on COBE's cube of the tangential coordinate v, whose square is a; b is the square of the other one."""
    mixed = (
        0.141189631152
        + a * (0.0809701286525 - a * 0.178251207466)
        + b * (-0.281528535557 + a * 0.15384112876 + b * 0.106959469314)
    )
    bent = -0.13161671474 + 0.136486206721 * a + (1.0 - b) * mixed
    edge = -0.159596235474 - (1.0 - a) * (0.0759196200467 - 0.0217762490699 * a)
    return v * (1.37484847732 - 0.37484847732 * a + (1.0 - a) * (b * bent + a * edge))


@kernel
def native_of_cobe_cube(x: np.ndarray, y: np.ndarray, longitude: np.ndarray, latitude: np.ndarray) -> None:
    """Native coordinates of COBE's cube CSC; arguments as of `native_of_tangent_cube`. A fit, which inverts the projection to about 1e-4."""
    for k in range(x.size):
        right, high, quarters, cap, there = _faced(_PER_FACE * x[k], _PER_FACE * y[k])
        a, b = right * right, high * high
        right, high = right + right * (1.0 - a) * _cobe_in(a, b), high + high * (1.0 - b) * _cobe_in(b, a)
        ahead, up = _vector(right, high, 1.0, cap)
        around = _around(_arc_tangent(right, ahead), quarters)
        above = _arc_tangent(up, np.sqrt(ahead * ahead + right * right))
        longitude[k] = around if there else math.nan
        latitude[k] = above if there else math.nan


@kernel
def cobe_cube_of_native(longitude: np.ndarray, latitude: np.ndarray, x: np.ndarray, y: np.ndarray) -> None:
    """COBE's cube."""
    for k in range(longitude.size):
        sine, cosine = _sine_cosine(longitude[k])
        up, along = _sine_cosine(latitude[k])
        right, high, depth, middle_x, middle_y = _on_face(along * cosine, along * sine, up)
        right, high = np.divide(right, depth), np.divide(high, depth)
        a, b = right * right, high * high
        x[k] = _FACE * (middle_x + _cobe_out(right, a, b))
        y[k] = _FACE * (middle_y + _cobe_out(high, b, a))
