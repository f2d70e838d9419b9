"""Turns of directions on the sphere: longitude and latitude to direction cosines and back, many points at once.

The loops hold no branch and no call of a library, so that a processor does several points at a time.

References
----------
Moshier 1989, Methods and Programs for Mathematical Functions: the polynomials for sine, cosine and arc tangent (to a few 1e-16).
Calabretta & Greisen 2002, A&A 395, 1077 (FITS paper II): equations 2 and 5 (the turn).
"""

from __future__ import annotations

import math

import numpy as np

from casatools.kernels._kernel import kernel

__all__ = [
    "affine",
    "cosines_of_directions",
    "directions_of_cosines",
    "directions_of_offsets",
    "offsets_of_directions",
    "rotated_directions",
    "turned_directions",
]

_HALF_PI, _TWO_OVER_PI = math.pi / 2, 2.0 / math.pi
# pi / 2 in three parts, so that multiples of it are taken away exactly
_PART_1, _PART_2, _PART_3 = 1.57079625129699707031, 7.54978941586159635335e-8, 5.39030285815811905290e-15
_REDUCED = 0.66  # tangents up to which the quotient of polynomials is taken
_TURN, _OVER_TURN = 2.0 * math.pi, 0.5 / math.pi
_MORE_HALF_PI = 6.123233995736765886130e-17  # what pi / 2 lacks in double precision


@kernel
def _sine_cosine(angle: float) -> tuple[float, float]:
    """Sine and cosine of an angle [rad]."""
    turns = np.floor(angle * _TWO_OVER_PI + 0.5)
    rest = ((angle - turns * _PART_1) - turns * _PART_2) - turns * _PART_3
    quarter = turns - 4.0 * np.floor(turns * 0.25)
    z = rest * rest
    sine = (1.58962301576546568060e-10 * z - 2.50507477628578072866e-8) * z + 2.75573136213857245213e-6
    sine = ((sine * z - 1.98412698295895385996e-4) * z + 8.33333333332211858878e-3) * z - 1.66666666666666307295e-1
    sine = rest + rest * z * sine
    cosine = (-1.13585365213876817300e-11 * z + 2.08757008419747316778e-9) * z - 2.75573141792967388112e-7
    cosine = ((cosine * z + 2.48015872888517045348e-5) * z - 1.38888888888730564116e-3) * z + 4.16666666666665929218e-2
    cosine = 1.0 - 0.5 * z + z * z * cosine
    odd = (quarter == 1.0) | (quarter == 3.0)
    first = cosine if odd else sine
    second = sine if odd else cosine
    first = -first if quarter >= 2.0 else first
    second = -second if (quarter == 1.0) | (quarter == 2.0) else second
    return first, second


@kernel
def _arc_tangent(y: float, x: float) -> float:
    """The angle [rad] of a vector, in (-pi, pi]; 0 of a vector of length 0."""
    high, wide = abs(y), abs(x)
    steep = high > wide
    small, large = (wide if steep else high), (high if steep else wide)
    beyond = small > _REDUCED * large
    below = small - large if beyond else small
    above = large + small if beyond else large
    # not `/`, which looks whether to raise an error, one point at a time
    tangent = np.divide(below, above if above != 0.0 else 1.0)
    z = tangent * tangent
    upper = (-8.750608600031904122785e-1 * z - 1.615753718733365076637e1) * z - 7.500855792314704667340e1
    upper = (upper * z - 1.228866684490136173410e2) * z - 6.485021904942025371773e1
    lower = ((z + 2.485846490142306297962e1) * z + 1.650270098316988542046e2) * z + 4.328810604912902668951e2
    lower = (lower * z + 4.853903996359136964868e2) * z + 1.945506571482613964425e2
    angle = tangent * np.divide(z * upper, lower) + tangent
    angle = angle + (0.5 * _MORE_HALF_PI if beyond else 0.0)
    angle = angle + (0.5 * _HALF_PI if beyond else 0.0)
    angle = (_HALF_PI - angle) + _MORE_HALF_PI if steep else angle
    angle = (math.pi - angle) + 2.0 * _MORE_HALF_PI if x < 0.0 else angle
    return -angle if y < 0.0 else angle


@kernel
def affine(
    first: np.ndarray, second: np.ndarray, from_1: float, from_2: float, a: float, b: float, c: float, d: float, to_1: float,
    to_2: float, one: np.ndarray, other: np.ndarray,
) -> None:  # fmt: skip
    """A linear step of two axes: the matrix (a, b; c, d) of the values less `from`, and `to` added; `one` and `other` (point,) float64 are written."""
    for k in range(first.size):
        right, up = first[k] - from_1, second[k] - from_2
        one[k] = a * right + b * up + to_1
        other[k] = c * right + d * up + to_2


@kernel
def cosines_of_directions(
    longitude: np.ndarray, latitude: np.ndarray, unit_1: float, unit_2: float, from_longitude: float, sine: float, cosine: float,
    east: np.ndarray, north: np.ndarray, radial: np.ndarray,
) -> None:  # fmt: skip
    """Direction cosines of directions, about a point of the sphere.

    Parameters
    ----------
    longitude, latitude : ndarray (point,) float64
    unit_1, unit_2 : float [rad]
        Of longitude and latitude.
    from_longitude : float
        Longitude of the point [rad].
    sine, cosine : float
        Of the latitude of the point.
    east, north, radial : ndarray (point,) float64
        Written: components along the point's east, north and away from the centre.
    """
    for k in range(longitude.size):
        sin_latitude, cos_latitude = _sine_cosine(latitude[k] * unit_2)
        sin_offset, cos_offset = _sine_cosine(longitude[k] * unit_1 - from_longitude)
        along = cos_latitude * cos_offset
        east[k] = cos_latitude * sin_offset
        north[k] = sin_latitude * cosine - along * sine
        radial[k] = sin_latitude * sine + along * cosine


@kernel
def directions_of_cosines(
    east: np.ndarray, north: np.ndarray, radial: np.ndarray, from_longitude: float, sine: float, cosine: float, least: float,
    unit_1: float, unit_2: float, longitude: np.ndarray, latitude: np.ndarray,
) -> None:  # fmt: skip
    """Directions of direction cosines; the inverse of `cosines_of_directions`, with the same arguments. Longitudes lie in the turn from `least` [rad]."""
    most = least + _TURN
    for k in range(east.size):
        across = radial[k] * cosine - north[k] * sine
        height = north[k] * cosine + radial[k] * sine
        around = _arc_tangent(east[k], across) + from_longitude
        around = around + _TURN if around < least else around
        around = around - _TURN if around > most else around
        longitude[k] = np.divide(around, unit_1)
        latitude[k] = np.divide(_arc_tangent(height, np.sqrt(across * across + east[k] * east[k])), unit_2)


@kernel
def turned_directions(
    angle: np.ndarray, height: np.ndarray, given_1: float, given_2: float, from_angle: float, to_angle: float, sine: float,
    cosine: float, least: float, unit_1: float, unit_2: float, around: np.ndarray, above: np.ndarray,
) -> None:  # fmt: skip
    """Longitudes and latitudes about another pole (FITS paper II, equations 2 and 5).

    Parameters
    ----------
    angle, height : ndarray (point,) float64
        Longitude and latitude.
    given_1, given_2 : float [rad]
        Their units.
    from_angle, to_angle : float [rad]
        Longitude of the other pole here, and of this pole there.
    sine, cosine : float
        Of the latitude of the other pole.
    least : float [rad]
        Longitudes lie in the turn from it.
    unit_1, unit_2 : float [rad]
        Units of the results.
    around, above : ndarray (point,) float64
        Written.
    """
    most = least + _TURN
    for k in range(angle.size):
        sin_height, cos_height = _sine_cosine(height[k] * given_2)
        sin_angle, cos_angle = _sine_cosine(angle[k] * given_1 - from_angle)
        east, along = -cos_height * sin_angle, cos_height * cos_angle
        across = sin_height * cosine - along * sine
        turned = _arc_tangent(east, across) + to_angle
        turned = turned + _TURN if turned < least else turned
        turned = turned - _TURN if turned > most else turned
        around[k] = np.divide(turned, unit_1)
        above[k] = np.divide(_arc_tangent(along * cosine + sin_height * sine, np.sqrt(across * across + east * east)), unit_2)


@kernel
def offsets_of_directions(
    longitude: np.ndarray, latitude: np.ndarray, unit_1: float, unit_2: float, from_longitude: float, sine: float, cosine: float,
    across: np.ndarray, up: np.ndarray,
) -> None:  # fmt: skip
    """Offsets from a point of the sphere: latitude, and longitude times the cosine of latitude, in the frame whose origin the point is.

    Parameters
    ----------
    longitude, latitude : ndarray (point,) float64
    unit_1, unit_2 : float [rad]
        Of longitude and latitude, and of the offsets.
    from_longitude : float
        Longitude of the point [rad].
    sine, cosine : float
        Of the latitude of the point.
    across, up : ndarray (point,) float64
        Written.
    """
    for k in range(longitude.size):
        sin_latitude, cos_latitude = _sine_cosine(latitude[k] * unit_2)
        sin_offset, cos_offset = _sine_cosine(longitude[k] * unit_1 - from_longitude)
        along, east = cos_latitude * cos_offset, cos_latitude * sin_offset
        north = sin_latitude * cosine - along * sine
        radial = sin_latitude * sine + along * cosine
        wide = np.sqrt(east * east + radial * radial)
        across[k] = np.divide(_arc_tangent(east, radial) * wide, unit_1)
        up[k] = np.divide(_arc_tangent(north, wide), unit_2)


@kernel
def directions_of_offsets(
    across: np.ndarray, up: np.ndarray, unit_1: float, unit_2: float, from_longitude: float, sine: float, cosine: float,
    longitude: np.ndarray, latitude: np.ndarray,
) -> None:  # fmt: skip
    """The inverse of `offsets_of_directions`; longitudes are within half a turn of zero."""
    for k in range(across.size):
        north, wide = _sine_cosine(up[k] * unit_2)
        sin_turn, cos_turn = _sine_cosine(np.divide(across[k] * unit_1, wide))
        east, radial = wide * sin_turn, wide * cos_turn
        ahead = radial * cosine - north * sine
        around = _arc_tangent(east, ahead) + from_longitude
        around = around - _TURN * np.floor(around * _OVER_TURN + 0.5)
        longitude[k] = np.divide(around, unit_1)
        latitude[k] = np.divide(_arc_tangent(north * cosine + radial * sine, np.sqrt(east * east + ahead * ahead)), unit_2)


@kernel
def rotated_directions(
    longitude: np.ndarray, latitude: np.ndarray, matrix: np.ndarray, around: np.ndarray, above: np.ndarray
) -> None:
    """Longitudes and latitudes of directions after a rotation.

    Parameters
    ----------
    longitude, latitude : ndarray (point,) float64 [rad]
    matrix : ndarray (3, 3) float64
    around, above : ndarray (point,) float64 [rad]
        Written: longitude in (-pi, pi], and latitude.
    """
    a, b, c = matrix[0, 0], matrix[0, 1], matrix[0, 2]
    d, e, f = matrix[1, 0], matrix[1, 1], matrix[1, 2]
    g, h, i = matrix[2, 0], matrix[2, 1], matrix[2, 2]
    for k in range(longitude.size):
        up, along = _sine_cosine(latitude[k])
        sine, cosine = _sine_cosine(longitude[k])
        x, y = along * cosine, along * sine
        first, second = a * x + b * y + c * up, d * x + e * y + f * up
        around[k] = _arc_tangent(second, first)
        above[k] = _arc_tangent(g * x + h * y + i * up, np.sqrt(first * first + second * second))
