"""Projections about a pole or onto a cone: angle and radius of the plane, what takes them to native coordinates and back, many points at once.

Plane coordinates are in radians at the reference point; what the plane does not reach is NaN.

References
----------
Calabretta & Greisen 2002, A&A 395, 1077 (FITS paper II): 20 to 39 (AZP, SZP), 67 and 68 (ZPN), 69 (AIR), 113 to 115 (cones), 133 to 141 (BON, PCO).
"""

from __future__ import annotations

import math

import numpy as np

from casatools.kernels._kernel import kernel
from casatools.kernels.sky_projections import _BEYOND, _MOST_LATITUDE, _MOST_LONGITUDE
from casatools.kernels.sphere_turns import _arc_tangent, _sine_cosine

__all__ = [
    "airy_start",
    "airy_step",
    "bonne_of_native",
    "native_of_bonne",
    "native_of_polyconic",
    "native_of_slant",
    "native_of_tilted",
    "plane_of_polar",
    "polar_of_plane",
    "polyconic_of_native",
    "slant_of_native",
    "tilted_of_native",
    "zenith_distances",
]

_BLOCK = 512


@kernel
def polar_of_plane(
    x: np.ndarray, y: np.ndarray, base: float, constant: float, sign: float, angle: np.ndarray, radius: np.ndarray
) -> None:
    """Angle and radius about a point of the plane's y axis.

    Parameters
    ----------
    x, y : ndarray (point,) float64 [rad]
    base : float
        The point [rad].
    constant : float
        Plane angles in one native angle; angles beyond half a turn of native longitude are NaN.
    sign : float
        Of the radii: -1 for cones about the south pole.
    angle, radius : ndarray (point,) float64 [rad]
        Written.
    """
    inverse = 1.0 / constant
    for k in range(x.size):
        down = base - y[k]
        around = inverse * _arc_tangent(sign * x[k], sign * down)
        radius[k] = sign * np.sqrt(x[k] * x[k] + down * down)
        angle[k] = around if abs(around) <= _MOST_LONGITUDE else math.nan


@kernel
def plane_of_polar(angle: np.ndarray, radius: np.ndarray, base: float, constant: float, x: np.ndarray, y: np.ndarray) -> None:
    """The inverse of `polar_of_plane`."""
    for k in range(angle.size):
        sine, cosine = _sine_cosine(constant * angle[k])
        reach = radius[k]
        x[k] = reach * sine
        y[k] = base - reach * cosine


@kernel
def _any_above(values: np.ndarray, limit: float) -> bool:
    for k in range(values.size):  # noqa: SIM110  numba compiles no generators
        if values[k] > limit:
            return True
    return False


@kernel
def zenith_distances(radius: np.ndarray, coefficients: np.ndarray, most: float, distance: np.ndarray) -> None:
    """Zenith distances at which a polynomial that grows up to some distance has given values.

    Parameters
    ----------
    radius : ndarray (point,) float64 [rad]
    coefficients : ndarray (term,) float64
        From the constant one on.
    most : float
        The distance up to which the polynomial grows [rad].
    distance : ndarray (point,) float64 [rad]
        Written; NaN where no distance has the value.
    """
    value, slope, low, high = np.empty(_BLOCK), np.empty(_BLOCK), np.empty(_BLOCK), np.empty(_BLOCK)
    terms = coefficients.size
    for begin in range(0, radius.size, _BLOCK):
        count = min(_BLOCK, radius.size - begin)
        wanted, found = radius[begin : begin + count], distance[begin : begin + count]
        for k in range(count):
            low[k], high[k] = 0.0, most
            guess = (wanted[k] - coefficients[0]) / coefficients[1]
            found[k] = guess if (guess > 0.0) & (guess < most) else 0.5 * most
        for _ in range(60):
            for k in range(count):
                value[k], slope[k] = coefficients[terms - 1], 0.0
            for term in range(terms - 2, -1, -1):
                for k in range(count):
                    slope[k] = slope[k] * found[k] + value[k]
                    value[k] = value[k] * found[k] + coefficients[term]
            for k in range(count):
                excess, at = value[k] - wanted[k], found[k]
                high[k], low[k] = at if excess > 0.0 else high[k], at if excess <= 0.0 else low[k]
                next_one = at - np.divide(excess, slope[k] if slope[k] != 0.0 else 1.0)
                within = (next_one >= low[k]) & (next_one <= high[k])
                found[k] = next_one if within else 0.5 * (low[k] + high[k])
                slope[k] = abs(found[k] - at)
            if not _any_above(slope[:count], 1e-15):
                break
        for k in range(count):
            off = abs(value[k] - wanted[k]) > 1e-12
            found[k] = math.nan if off | (wanted[k] != wanted[k]) else found[k]


@kernel
def airy_start(radius: np.ndarray, slope: float, tangent: np.ndarray, square: np.ndarray) -> None:
    """Where the search for zenith distances of AIR begins; arguments as of `airy_step`. Too near to the pole, and never beyond what is searched."""
    for k in range(radius.size):
        u = radius[k] / (1.0 + slope)
        u = u * (1.0 + np.divide(u * u, 2.0 + 2.0 * slope + 4.0 * u * u))
        u = 1e-150 if u < 1e-150 else u
        tangent[k], square[k] = u, u * u


@kernel
def airy_step(radius: np.ndarray, slope: float, logarithm: np.ndarray, tangent: np.ndarray, square: np.ndarray) -> int:
    """One step of Halley towards the tangents of half the zenith distances that have given radii in AIR.

    Parameters
    ----------
    radius : ndarray (point,) float64 [rad]
        ``log(1 + tangent^2) / tangent + slope tangent``.
    slope : float
    logarithm : ndarray (point,) float64
        Of one and the square.
    tangent, square : ndarray (point,) float64
        The tangent so far and its square; written: the next ones.

    Returns
    -------
    int
        Points that were still so far off that the third power of the step is not below the rounding.
    """
    late = 0
    for k in range(radius.size):
        u = tangent[k]
        over = np.divide(1.0, u)
        part, bend = logarithm[k] * over, np.divide(1.0, 1.0 + square[k])
        steep = 2.0 * bend - part * over + slope
        step = np.divide(part + slope * u - radius[k], steep)
        curve = 2.0 * over * (part * over - bend) - 4.0 * u * bend * bend
        turn = 1.0 - 0.5 * np.divide(step * curve, steep)
        turn = 0.5 if turn < 0.5 else turn
        step = np.divide(step, turn)
        late += 1 if abs(step) * bend > 1e-6 * u else 0
        u = u - step
        tangent[k], square[k] = u, u * u
    return late


@kernel
def native_of_tilted(
    x: np.ndarray, y: np.ndarray, distance: float, sine: float, cosine: float, longitude: np.ndarray, latitude: np.ndarray
) -> None:
    """Native coordinates of the tilted plane AZP.

    Parameters
    ----------
    x, y : ndarray (point,) float64 [rad]
    distance : float
        Of the point of projection from the centre, in radii of the sphere.
    sine, cosine : float
        Of the tilt.
    longitude, latitude : ndarray (point,) float64 [rad]
        Written.
    """
    for k in range(x.size):
        down = y[k] * cosine
        reach = np.sqrt(x[k] * x[k] + down * down)
        depth = distance + 1.0 + y[k] * sine
        length = np.sqrt(reach * reach + depth * depth)
        turn = np.divide(reach * distance, length)
        rest = 1.0 - turn * turn
        # depth below 0 is seen through the point of projection
        side = -1.0 if depth < 0.0 else 1.0
        first = _arc_tangent(side * depth, side * reach)
        second = _arc_tangent(side * turn, np.sqrt(rest if rest > 0.0 else 0.0))
        one, other = first - second, first + second + math.pi
        one = one - 2.0 * math.pi if one > 0.5 * math.pi else one
        other = other - 2.0 * math.pi if other > 0.5 * math.pi else other
        above = one if one > other else other
        on_sky = (rest >= -_BEYOND) & (abs(above) <= _MOST_LATITUDE)
        longitude[k] = _arc_tangent(x[k], -down) if on_sky else math.nan
        latitude[k] = above if on_sky else math.nan


@kernel
def tilted_of_native(
    longitude: np.ndarray, latitude: np.ndarray, distance: float, sine: float, cosine: float, x: np.ndarray, y: np.ndarray
) -> None:
    """The inverse of `native_of_tilted`; NaN where the plane is not reached, or another point is nearer to the pole on the ray."""
    tangent = sine / cosine
    limb = -1.0 / distance if abs(distance) > 1.0 else -2.0
    for k in range(longitude.size):
        sin_around, cos_around = _sine_cosine(longitude[k])
        sin_above, cos_above = _sine_cosine(latitude[k])
        slope = tangent * cos_around
        depth = distance + sin_above + cos_above * slope
        # the highest latitude of this meridian at which the ray is parallel to the plane
        reach = np.divide(distance, np.sqrt(1.0 + slope * slope))
        inside = 1.0 - reach * reach
        first, second = -_arc_tangent(slope, 1.0), _arc_tangent(reach, np.sqrt(inside if inside > 0.0 else 0.0))
        one, other = first - second, first + second + math.pi
        one = one - 2.0 * math.pi if one > 0.5 * math.pi else one
        other = other - 2.0 * math.pi if other > 0.5 * math.pi else other
        lowest = one if one > other else other
        seen = (sin_above >= limb) & (depth != 0.0) & ((inside < 0.0) | (abs(distance * cosine) >= 1.0) | (latitude[k] >= lowest))
        radius = np.divide((distance + 1.0) * cos_above, depth if depth != 0.0 else 1.0)
        x[k] = radius * sin_around if seen else math.nan
        y[k] = -radius * cos_around / cosine if seen else math.nan


@kernel
def native_of_slant(
    x: np.ndarray, y: np.ndarray, x_0: float, y_0: float, z_0: float, longitude: np.ndarray, latitude: np.ndarray
) -> None:
    """Native coordinates of the plane of the slant perspective SZP.

    Parameters
    ----------
    x, y : ndarray (point,) float64 [rad]
    x_0, y_0, z_0 : float
        The point of projection, and its distance from the plane.
    longitude, latitude : ndarray (point,) float64 [rad]
        Written.
    """
    scale = 1.0 / z_0
    for k in range(x.size):
        across, along = (x[k] - x_0) * scale, (y[k] - y_0) * scale
        middle = 1.0 + x[k] * across + y[k] * along
        square = x[k] * x[k] + y[k] * y[k]
        rest = middle * middle - (1.0 + across * across + along * along) * square
        # 1 - sin(latitude), the smaller of the two, with all digits at the pole
        depth = np.divide(square, middle + np.sqrt(rest if rest > 0.0 else 0.0))
        on_sky = (rest >= 0.0) & (depth >= 0.0) & (depth <= 2.0)
        depth = depth if on_sky else 1.0
        around = _arc_tangent(x[k] - across * depth, along * depth - y[k])
        above = _arc_tangent(1.0 - depth, np.sqrt(depth * (2.0 - depth)))
        longitude[k] = around if on_sky else math.nan
        latitude[k] = above if on_sky else math.nan


@kernel
def slant_of_native(
    longitude: np.ndarray, latitude: np.ndarray, x_0: float, y_0: float, z_0: float, x: np.ndarray, y: np.ndarray
) -> None:
    """The inverse of `native_of_slant`; NaN where the plane is not reached, or another point is nearer to the pole on the ray."""
    outside = x_0 * x_0 + y_0 * y_0 + (z_0 - 1.0) * (z_0 - 1.0) > 1.0
    for k in range(longitude.size):
        sin_around, cos_around = _sine_cosine(longitude[k])
        _, cos_above = _sine_cosine(latitude[k])
        half, _ = _sine_cosine(0.5 * (0.5 * math.pi - latitude[k]))
        depth = 2.0 * half * half
        below = z_0 - depth
        # the latitude below which this meridian is not seen, by wcslib's formula, which is a little more than where the ray touches the sphere
        tilt = x_0 * sin_around - y_0 * cos_around
        length = tilt * tilt + z_0 * (z_0 - 1.0) - 1.0
        first, second = _arc_tangent(tilt, z_0 - 1.0), _arc_tangent(1.0, np.sqrt(length - 1.0 if length > 1.0 else 0.0))
        one, other = first - second, first + second + math.pi
        one = one - 2.0 * math.pi if one > 0.5 * math.pi else one
        other = other - 2.0 * math.pi if other > 0.5 * math.pi else other
        lowest = one if one > other else other
        seen = (below > 0.0) & ((not outside) | (length < 1.0) | (latitude[k] >= lowest))
        inverse = np.divide(1.0, below if below != 0.0 else 1.0)
        x[k] = (z_0 * cos_above * sin_around - x_0 * depth) * inverse if seen else math.nan
        y[k] = -(z_0 * cos_above * cos_around + y_0 * depth) * inverse if seen else math.nan


@kernel
def native_of_bonne(x: np.ndarray, y: np.ndarray, base: float, sign: float, longitude: np.ndarray, latitude: np.ndarray) -> None:
    """Native coordinates of Bonne's plane.

    Parameters
    ----------
    x, y : ndarray (point,) float64 [rad]
    base : float
        Where the circles of latitude have their centre, on the plane's y axis [rad].
    sign : float
        Of the standard parallel.
    longitude, latitude : ndarray (point,) float64 [rad]
        Written.
    """
    for k in range(x.size):
        down = base - y[k]
        radius = sign * np.sqrt(x[k] * x[k] + down * down)
        above = base - radius
        _, cosine = _sine_cosine(above)
        around = np.divide(radius * _arc_tangent(sign * x[k], sign * down), cosine if cosine != 0.0 else 1.0)
        on_sky = (abs(around) <= _MOST_LONGITUDE) & (abs(above) <= _MOST_LATITUDE)
        longitude[k] = around if on_sky else math.nan
        latitude[k] = above if on_sky else math.nan


@kernel
def bonne_of_native(longitude: np.ndarray, latitude: np.ndarray, base: float, x: np.ndarray, y: np.ndarray) -> None:
    """The inverse of `native_of_bonne`."""
    for k in range(longitude.size):
        radius = base - latitude[k]
        _, cos_above = _sine_cosine(latitude[k])
        sine, cosine = _sine_cosine(np.divide(longitude[k] * cos_above, radius if radius != 0.0 else 1.0))
        x[k] = radius * sine
        y[k] = base - radius * cosine


@kernel
def native_of_polyconic(x: np.ndarray, y: np.ndarray, longitude: np.ndarray, latitude: np.ndarray) -> None:
    """Native coordinates of the polyconic plane.

    Notes
    -----
    The latitude solves ``(x^2 + d^2) sin(latitude) = 2 d cos(latitude)`` with ``d = |y| - latitude``: a function that grows and is concave up to the
    pole, for Halley's method.
    """
    for k in range(x.size):
        height = abs(y[k])
        above = np.divide(2.0 * height, 2.0 + x[k] * x[k])
        above = above if above < 1.45 else 1.45
        for _ in range(5):
            sine, cosine = _sine_cosine(above)
            rest = height - above
            square = x[k] * x[k] + rest * rest
            value, slope = square * sine - 2.0 * rest * cosine, cosine * (square + 2.0)
            curve = -sine * (square + 2.0) - 2.0 * rest * cosine
            bottom = 2.0 * slope * slope - value * curve
            above = above - np.divide(2.0 * value * slope, bottom if bottom != 0.0 else 1.0)
            above = 0.0 if above < 0.0 else above
            above = 0.5 * math.pi if above > 0.5 * math.pi else above
        sine, cosine = _sine_cosine(above)
        around = _arc_tangent(x[k] * sine, cosine - (height - above) * sine)
        around = np.divide(around, sine if sine > 0.0 else 1.0)
        around = around if sine > 0.0 else x[k]
        on_sky = abs(around) <= _MOST_LONGITUDE
        longitude[k] = around if on_sky else math.nan
        latitude[k] = (-above if y[k] < 0.0 else above) if on_sky else math.nan


@kernel
def polyconic_of_native(longitude: np.ndarray, latitude: np.ndarray, x: np.ndarray, y: np.ndarray) -> None:
    """The inverse of `native_of_polyconic`."""
    for k in range(longitude.size):
        sin_above, cos_above = _sine_cosine(latitude[k])
        turn = longitude[k] * sin_above
        half, cos_half = _sine_cosine(0.5 * turn)
        small = abs(sin_above) < 1e-8
        reach = np.divide(cos_above, sin_above if sin_above != 0.0 else 1.0)
        x[k] = longitude[k] * cos_above if small else 2.0 * reach * half * cos_half
        y[k] = latitude[k] + (0.5 * longitude[k] * turn if small else 2.0 * reach * half * half)
