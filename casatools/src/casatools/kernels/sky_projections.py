"""Projections whose formulas take most of the time of a conversion: native longitude and latitude to the plane and back, many points at once.

Plane coordinates are in radians at the reference point; what the plane does not reach, and what lies beyond the whole sky, is NaN. The loops
hold no branch and no call of a library, so that a processor does several points at a time.

References
----------
Calabretta & Greisen 2002, A&A 395, 1077 (FITS paper II): 77 to 85 (MOL), 79 to 87 (CYP, CEA, CAR), 90 (SFL, PAR), 103 to 109 (AIT).
Calabretta & Roukema 2007, MNRAS 381, 865: 1 to 15 (HPX).
"""

from __future__ import annotations

import math

import numpy as np

from casatools.kernels._kernel import kernel
from casatools.kernels.sphere_turns import _arc_tangent, _sine_cosine

__all__ = [
    "aitoff_of_native",
    "cylinder_of_native",
    "equal_areas_of_native",
    "healpix_of_native",
    "mollweide_cubes",
    "mollweide_of_native",
    "native_of_aitoff",
    "native_of_cylinder",
    "native_of_equal_areas",
    "native_of_healpix",
    "native_of_mollweide",
    "native_of_parabolic",
    "native_of_rectangle",
    "native_of_sinusoid",
    "parabolic_of_native",
    "rectangle_of_native",
    "sinusoid_of_native",
]

# Native coordinates may be this far beyond the whole sky [rad], for rounding; wcslib allows as much.
_BEYOND = math.radians(1e-10)
_MOST_LONGITUDE, _MOST_LATITUDE = math.pi + _BEYOND, 0.5 * math.pi + _BEYOND
_ROOT_2, _ROOT_HALF, _OVER_PI = math.sqrt(2.0), math.sqrt(0.5), 1.0 / math.pi


@kernel
def native_of_aitoff(x: np.ndarray, y: np.ndarray, longitude: np.ndarray, latitude: np.ndarray) -> None:
    """Native coordinates of Hammer and Aitoff's plane.

    Parameters
    ----------
    x, y : ndarray (point,) float64 [rad]
    longitude, latitude : ndarray (point,) float64 [rad]
        Written.
    """
    for k in range(x.size):
        square = 1.0 - 0.0625 * x[k] * x[k] - 0.25 * y[k] * y[k]
        # half is the least that the plane reaches: beyond it the ellipse ends
        on_sky = square >= 0.5 - _BEYOND
        square = square if on_sky else 1.0
        root = np.sqrt(square)
        sine = y[k] * root
        rest = 1.0 - sine * sine
        above = _arc_tangent(sine, np.sqrt(rest if rest > 0.0 else 0.0))
        around = 2.0 * _arc_tangent(0.5 * root * x[k], 2.0 * square - 1.0)
        longitude[k] = around if on_sky else math.nan
        latitude[k] = above if on_sky else math.nan


@kernel
def aitoff_of_native(longitude: np.ndarray, latitude: np.ndarray, x: np.ndarray, y: np.ndarray) -> None:
    """Hammer and Aitoff's plane; the inverse of `native_of_aitoff`."""
    for k in range(longitude.size):
        sin_half, cos_half = _sine_cosine(0.5 * longitude[k])
        sin_latitude, cos_latitude = _sine_cosine(latitude[k])
        gamma = np.sqrt(np.divide(2.0, 1.0 + cos_latitude * cos_half))
        x[k] = 2.0 * gamma * cos_latitude * sin_half
        y[k] = gamma * sin_latitude


@kernel
def native_of_parabolic(x: np.ndarray, y: np.ndarray, longitude: np.ndarray, latitude: np.ndarray) -> None:
    """Native coordinates of the parabolic plane; arguments as of `native_of_aitoff`."""
    for k in range(x.size):
        sine = y[k] * _OVER_PI
        width = 1.0 - 4.0 * sine * sine
        rest = 1.0 - sine * sine
        above = 3.0 * _arc_tangent(sine, np.sqrt(rest if rest > 0.0 else 0.0))
        # at the poles there is no width, and any longitude will do
        around = np.divide(x[k], width if width != 0.0 else 1.0)
        on_sky = (abs(around) <= _MOST_LONGITUDE) & (abs(above) <= _MOST_LATITUDE)
        longitude[k] = around if on_sky else math.nan
        latitude[k] = above if on_sky else math.nan


@kernel
def parabolic_of_native(longitude: np.ndarray, latitude: np.ndarray, x: np.ndarray, y: np.ndarray) -> None:
    """The parabolic plane; the inverse of `native_of_parabolic`."""
    for k in range(longitude.size):
        sine, _ = _sine_cosine(latitude[k] * (1.0 / 3.0))
        x[k] = longitude[k] * (1.0 - 4.0 * sine * sine)
        y[k] = math.pi * sine


@kernel
def native_of_mollweide(x: np.ndarray, y: np.ndarray, longitude: np.ndarray, latitude: np.ndarray) -> None:
    """Native coordinates of Mollweide's plane; arguments as of `native_of_aitoff`.

    Notes
    -----
    With ``u = pi - 2 g`` the distance ``c`` from the pole is ``1 - cos c = (u - sin u) / pi``, which keeps its digits at the pole.
    """
    for k in range(x.size):
        height = abs(y[k]) * _ROOT_HALF
        inside = height <= 1.0 + _BEYOND
        rest = (1.0 - height) * (1.0 + height)
        width = np.sqrt(rest if rest > 0.0 else 0.0)
        half = _arc_tangent(width, height)  # u / 2
        u = 2.0 * half
        z = u * u
        series = u * z * (1.0 / 6.0 - z * (1.0 / 120.0 - z * (1.0 / 5040.0 - z * (1.0 / 362880.0 - z * (1.0 / 39916800.0)))))
        depth = (series if u < 0.5 else u - 2.0 * width * height) * _OVER_PI
        above = _arc_tangent(1.0 - depth, np.sqrt(depth * (2.0 - depth)))
        # at the poles there is no width, and any longitude will do
        around = np.divide(0.5 * math.pi / _ROOT_2 * x[k], width if width != 0.0 else 1.0)
        on_sky = inside & (abs(around) <= _MOST_LONGITUDE)
        longitude[k] = around if on_sky else math.nan
        latitude[k] = (-above if y[k] < 0.0 else above) if on_sky else math.nan


@kernel
def mollweide_cubes(latitude: np.ndarray, cube: np.ndarray) -> None:
    """Numbers (point,) float64 whose cube roots `mollweide_of_native` needs; numpy takes them several at a time."""
    for k in range(latitude.size):
        half, _ = _sine_cosine(0.5 * (0.5 * math.pi - abs(latitude[k])))
        cube[k] = 12.0 * math.pi * half * half


@kernel
def mollweide_of_native(longitude: np.ndarray, latitude: np.ndarray, roots: np.ndarray, x: np.ndarray, y: np.ndarray) -> None:
    """Mollweide's plane; the inverse of `native_of_mollweide`, from the roots of `mollweide_cubes`.

    Notes
    -----
    ``2 g + sin(2 g) = pi sin(latitude)`` is solved as ``u - sin u = pi - pi sin(latitude)`` for ``u = pi - 2 g``, which is Kepler's equation of an orbit
    of eccentricity 1: a series of the cube root, exact near the pole where the equation loses digits, and Halley's method after it.
    """
    for k in range(latitude.size):
        root = roots[k]
        z = root * root
        series = ((1213.0 / 7207200000.0 * z + 43.0 / 17248000.0) * z + 1.0 / 25200.0) * z + 1.0 / 1400.0
        u = root + root * z * (series * z + 1.0 / 60.0)
        wanted = root * z * (1.0 / 6.0)
        for _ in range(2):
            sine, cosine = _sine_cosine(0.5 * u)
            slope, curve = 2.0 * sine * sine + 1e-300, 2.0 * sine * cosine
            value = u - curve - wanted
            step = np.divide(value * slope, slope * slope - 0.5 * value * curve)
            u = u - (step if root > 0.3 else 0.0)
        sine, cosine = _sine_cosine(0.5 * u)  # the cosine and the sine of g
        x[k] = 2.0 * _ROOT_2 * _OVER_PI * longitude[k] * sine
        y[k] = -_ROOT_2 * cosine if latitude[k] < 0.0 else _ROOT_2 * cosine


@kernel
def native_of_healpix(
    x: np.ndarray, y: np.ndarray, facets: float, rows: float, longitude: np.ndarray, latitude: np.ndarray
) -> None:
    """Native coordinates of the plane of HEALPix.

    Parameters
    ----------
    x, y : ndarray (point,) float64 [rad]
    facets, rows : float
        H and K of the projection: facets in longitude, and rows of them.
    longitude, latitude : ndarray (point,) float64 [rad]
        Written.
    """
    width, over_rows = 2.0 * math.pi / facets, 1.0 / rows
    odd = 1.0 if rows % 2.0 == 1.0 else 0.0
    edge, over_width = 0.25 * width * (rows - 1.0), 1.0 / width
    for k in range(x.size):
        height = abs(y[k])
        polar = height > edge
        sigma = 0.5 * (rows + 1.0) - 2.0 * height * over_width
        shift = 1.0 if (y[k] > 0.0) | (odd == 1.0) else 0.0
        middle = -math.pi + (2.0 * np.floor((x[k] + math.pi) * over_width + 0.5 * (1.0 - shift)) + shift) * 0.5 * width
        away = np.divide(x[k] - middle, sigma if sigma > 0.0 else 1.0)
        depth = sigma * sigma * over_rows if polar else 1.0 - 4.0 * height * over_width * over_rows
        # polar: 1 - sin(latitude) is small, else the sine itself is taken
        sine = 1.0 - depth
        rest = depth * (2.0 - depth) if polar else 1.0 - sine * sine
        above = _arc_tangent(sine, np.sqrt(rest if rest > 0.0 else 0.0))
        inside = (sigma >= -_BEYOND) & (abs(x[k] - middle) <= 0.5 * width * sigma + _BEYOND)
        on_sky = (inside | (not polar)) & (abs(x[k]) <= _MOST_LONGITUDE)
        away = away if sigma > 0.0 else 0.0
        around = middle + away if polar else x[k]
        longitude[k] = around if on_sky else math.nan
        latitude[k] = (-above if y[k] < 0.0 else above) if on_sky else math.nan


@kernel
def healpix_of_native(
    longitude: np.ndarray, latitude: np.ndarray, facets: float, rows: float, x: np.ndarray, y: np.ndarray
) -> None:
    """The plane of HEALPix; the inverse of `native_of_healpix`."""
    width = 2.0 * math.pi / facets
    over_width = 1.0 / width
    odd = 1.0 if rows % 2.0 == 1.0 else 0.0
    for k in range(longitude.size):
        # 1 - sin(latitude) of the northern image, with all digits at the pole
        half, _ = _sine_cosine(0.5 * (0.5 * math.pi - abs(latitude[k])))
        depth = 2.0 * half * half
        polar = rows * depth < 1.0
        sigma = np.sqrt(rows * depth) if polar else 1.0
        shift = 1.0 if (latitude[k] > 0.0) | (odd == 1.0) else 0.0
        middle = -math.pi + (2.0 * np.floor((longitude[k] + math.pi) * over_width + 0.5 * (1.0 - shift)) + shift) * 0.5 * width
        height = (0.5 * (rows + 1.0) - sigma if polar else 0.5 * rows * (1.0 - depth)) * 0.5 * width
        x[k] = middle + (longitude[k] - middle) * sigma
        y[k] = -height if latitude[k] < 0.0 else height


@kernel
def native_of_rectangle(x: np.ndarray, y: np.ndarray, longitude: np.ndarray, latitude: np.ndarray) -> None:
    """Native coordinates of the plane of longitudes and latitudes, CAR; arguments as of `native_of_aitoff`."""
    for k in range(x.size):
        on_sky = (abs(x[k]) <= _MOST_LONGITUDE) & (abs(y[k]) <= _MOST_LATITUDE)
        longitude[k] = x[k] if on_sky else math.nan
        latitude[k] = y[k] if on_sky else math.nan


@kernel
def rectangle_of_native(longitude: np.ndarray, latitude: np.ndarray, x: np.ndarray, y: np.ndarray) -> None:
    """The plane of longitudes and latitudes; the inverse of `native_of_rectangle`."""
    for k in range(longitude.size):
        x[k] = longitude[k]
        y[k] = latitude[k]


@kernel
def native_of_sinusoid(x: np.ndarray, y: np.ndarray, longitude: np.ndarray, latitude: np.ndarray) -> None:
    """Native coordinates of the plane of Sanson and Flamsteed, SFL; arguments as of `native_of_aitoff`."""
    for k in range(x.size):
        _, width = _sine_cosine(y[k])
        # at the poles there is no width, and any longitude will do
        around = np.divide(x[k], width if width != 0.0 else 1.0)
        on_sky = (abs(around) <= _MOST_LONGITUDE) & (abs(y[k]) <= _MOST_LATITUDE)
        longitude[k] = around if on_sky else math.nan
        latitude[k] = y[k] if on_sky else math.nan


@kernel
def sinusoid_of_native(longitude: np.ndarray, latitude: np.ndarray, x: np.ndarray, y: np.ndarray) -> None:
    """The plane of Sanson and Flamsteed; the inverse of `native_of_sinusoid`."""
    for k in range(longitude.size):
        _, width = _sine_cosine(latitude[k])
        x[k] = longitude[k] * width
        y[k] = latitude[k]


@kernel
def native_of_equal_areas(x: np.ndarray, y: np.ndarray, scale: float, longitude: np.ndarray, latitude: np.ndarray) -> None:
    """Native coordinates of the cylinder of equal areas, CEA.

    Parameters
    ----------
    x, y : ndarray (point,) float64 [rad]
    scale : float
        The square of the cosine of the latitude where the plane has the scale of the sky.
    longitude, latitude : ndarray (point,) float64 [rad]
        Written.
    """
    for k in range(x.size):
        sine = scale * y[k]
        rest = 1.0 - sine * sine
        above = _arc_tangent(sine, np.sqrt(rest if rest > 0.0 else 0.0))
        on_sky = (abs(x[k]) <= _MOST_LONGITUDE) & (abs(sine) <= 1.0 + _BEYOND)
        longitude[k] = x[k] if on_sky else math.nan
        latitude[k] = above if on_sky else math.nan


@kernel
def equal_areas_of_native(longitude: np.ndarray, latitude: np.ndarray, scale: float, x: np.ndarray, y: np.ndarray) -> None:
    """The cylinder of equal areas; the inverse of `native_of_equal_areas`."""
    inverse = 1.0 / scale
    for k in range(longitude.size):
        sine, _ = _sine_cosine(latitude[k])
        x[k] = longitude[k]
        y[k] = inverse * sine


@kernel
def native_of_cylinder(
    x: np.ndarray, y: np.ndarray, distance: float, radius: float, longitude: np.ndarray, latitude: np.ndarray
) -> None:
    """Native coordinates of the cylinder in perspective, CYP.

    Parameters
    ----------
    x, y : ndarray (point,) float64 [rad]
    distance : float
        Of the point of projection from the centre, in radii of the sphere.
    radius : float
        Of the cylinder.
    longitude, latitude : ndarray (point,) float64 [rad]
        Written.
    """
    stretch, across = 1.0 / (distance + radius), 1.0 / radius
    for k in range(x.size):
        eta = stretch * y[k]
        turn = np.divide(distance * eta, np.sqrt(1.0 + eta * eta))
        rest = 1.0 - turn * turn
        above = _arc_tangent(eta, 1.0) + _arc_tangent(turn, np.sqrt(rest if rest > 0.0 else 0.0))
        around = across * x[k]
        on_sky = (abs(around) <= _MOST_LONGITUDE) & (abs(above) <= _MOST_LATITUDE) & (rest >= -_BEYOND)
        longitude[k] = around if on_sky else math.nan
        latitude[k] = above if on_sky else math.nan


@kernel
def cylinder_of_native(
    longitude: np.ndarray, latitude: np.ndarray, distance: float, radius: float, x: np.ndarray, y: np.ndarray
) -> None:
    """The cylinder in perspective; the inverse of `native_of_cylinder`."""
    for k in range(longitude.size):
        sine, cosine = _sine_cosine(latitude[k])
        x[k] = radius * longitude[k]
        y[k] = (distance + radius) * np.divide(sine, distance + cosine)
