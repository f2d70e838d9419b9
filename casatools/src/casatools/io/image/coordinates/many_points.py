"""Directions of many points at once, by compiled loops.

`plane_steps` gives a pair of functions for a projection, of plane coordinates [rad] to native ones [rad] and back: each takes two contiguous arrays
(point,) float64 and two others that it writes into. wcslib does what is not here, and few points.

References
----------
Calabretta & Greisen 2002, A&A 395, 1077 (FITS paper II): 69 (AIR), 79 to 87 (CYP to MER), 113 to 132 (cones).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["BLOCK", "MANY", "CosinePoints", "ManyPoints", "NativePoints", "plane_steps"]

# From so many points on a compiled loop saves more than it takes to load.
MANY = 20000
# Points that are taken through all steps together: their numbers stay in the processor's nearest memory.
BLOCK = 8192

PlaneStep = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], None]
Steps = tuple[PlaneStep, PlaneStep]
Units = tuple[float, float]
# Native coordinates may be this far beyond the whole sky [rad], for rounding; wcslib allows as much.
_BEYOND = math.radians(1e-10)
_HALF_PI = math.pi / 2


def plane_steps(name: str, parameters: np.ndarray) -> Steps | None:
    """The functions of a projection with parameters as in a header; None where wcslib is to do it."""
    given = [float(value) for value in parameters]
    if name in _PLAIN:
        module, into, out, defaults = _PLAIN[name]
        return _loops(module, into, out, *_filled(given, defaults))
    make = _MADE.get(name)
    return None if make is None else make(given)


def _filled(given: list[float], defaults: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(given[: len(defaults)]) + defaults[len(given) :]


def _loops(module: str, into: str, out: str, *constants: float) -> Steps:
    """Compiled loops of a module of kernels, of the points, constants and the results."""
    from casatools.kernels import cone_projections, cube_projections, sky_projections

    loops = {"cone": cone_projections, "cube": cube_projections, "sky": sky_projections}[module]

    def step(name: str) -> PlaneStep:
        loop = getattr(loops, name)
        return lambda first, second, one, other: loop(first, second, *constants, one, other)

    return step(into), step(out)


# Module of kernels, loops to native coordinates and back, and the parameters that a header without them means.
_PLAIN: dict[str, tuple[str, str, str, tuple[float, ...]]] = {
    "AIT": ("sky", "native_of_aitoff", "aitoff_of_native", ()),
    "PAR": ("sky", "native_of_parabolic", "parabolic_of_native", ()),
    "HPX": ("sky", "native_of_healpix", "healpix_of_native", (4.0, 3.0)),
    "SFL": ("sky", "native_of_sinusoid", "sinusoid_of_native", ()),
    "CAR": ("sky", "native_of_rectangle", "rectangle_of_native", ()),
    "CYP": ("sky", "native_of_cylinder", "cylinder_of_native", (1.0, 1.0)),
    "CEA": ("sky", "native_of_equal_areas", "equal_areas_of_native", (1.0,)),
    "PCO": ("cone", "native_of_polyconic", "polyconic_of_native", ()),
    "TSC": ("cube", "native_of_tangent_cube", "tangent_cube_of_native", ()),
    "CSC": ("cube", "native_of_cobe_cube", "cobe_cube_of_native", ()),
    "QSC": ("cube", "native_of_area_cube", "area_cube_of_native", ()),
}


def _none_beyond(longitude: np.ndarray, latitude: np.ndarray) -> None:
    """NaN where the plane reaches beyond the whole sky."""
    for values, most in ((longitude, math.pi + _BEYOND), (latitude, _HALF_PI + _BEYOND)):
        if not (values.max() <= most and values.min() >= -most):
            outside = ~(np.abs(values) <= most)
            longitude[outside], latitude[outside] = np.nan, np.nan


def _mercator(given: list[float]) -> Steps:
    def into(x: np.ndarray, y: np.ndarray, longitude: np.ndarray, latitude: np.ndarray) -> None:
        longitude[:] = x
        np.arctan(np.exp(y, out=latitude), out=latitude)
        latitude *= 2.0
        latitude -= _HALF_PI
        _none_beyond(longitude, latitude)

    def out(longitude: np.ndarray, latitude: np.ndarray, x: np.ndarray, y: np.ndarray) -> None:
        x[:] = longitude
        np.multiply(latitude, 0.5, out=y)
        y += math.pi / 4
        with np.errstate(divide="ignore", invalid="ignore"):
            np.log(np.tan(y, out=y), out=y)

    return into, out


def _mollweide(given: list[float]) -> Steps:
    from casatools.kernels import sky_projections

    def out(longitude: np.ndarray, latitude: np.ndarray, x: np.ndarray, y: np.ndarray) -> None:
        roots = np.empty_like(latitude)
        sky_projections.mollweide_cubes(latitude, roots)
        sky_projections.mollweide_of_native(longitude, latitude, np.cbrt(roots, out=roots), x, y)

    return sky_projections.native_of_mollweide, out


Radii = Callable[[np.ndarray], np.ndarray]


def _polar(base: float, constant: float, sign: float, latitudes: Radii, radii: Radii) -> Steps:
    """Steps of a projection about a pole (base 0, constant 1) or onto a cone, from its latitudes of radii and radii of latitudes [rad]."""
    from casatools.kernels import cone_projections

    def into(x: np.ndarray, y: np.ndarray, longitude: np.ndarray, latitude: np.ndarray) -> None:
        cone_projections.polar_of_plane(x, y, base, constant, sign, longitude, latitude)
        with np.errstate(all="ignore"):
            latitude[:] = latitudes(latitude)
        _none_beyond(longitude, latitude)

    def out(longitude: np.ndarray, latitude: np.ndarray, x: np.ndarray, y: np.ndarray) -> None:
        with np.errstate(all="ignore"):
            cone_projections.plane_of_polar(longitude, np.ascontiguousarray(radii(latitude)), base, constant, x, y)

    return into, out


def _middle(given: list[float]) -> tuple[float, float, float]:
    """Middle and half width of a cone's two parallels [rad], and the sign of the middle."""
    first, width = (math.radians(value) for value in _filled(given, (0.0, 0.0)))
    return first, width, math.copysign(1.0, first)


def _perspective_cone(given: list[float]) -> Steps:
    middle, width, sign = _middle(given)
    cotangent, scale = 1.0 / math.tan(middle), math.cos(width)

    def radii(latitude: np.ndarray) -> np.ndarray:
        radius = scale * (cotangent - np.tan(latitude - middle))
        unseen = (sign * radius < 0) | (np.abs(latitude - middle) >= _HALF_PI)
        return np.where(unseen, np.nan, radius) if unseen.any() else radius

    return _polar(scale * cotangent, math.sin(middle), sign, lambda radius: middle + np.arctan(cotangent - radius / scale), radii)


def _equal_area_cone(given: list[float]) -> Steps:
    middle, width, sign = _middle(given)
    first, second = math.sin(middle - width), math.sin(middle + width)
    constant = 0.5 * (first + second)
    whole = 1.0 + first * second

    def latitudes(radius: np.ndarray) -> np.ndarray:
        sine = (whole - np.square(constant * radius)) / (2.0 * constant)
        if not (sine.max() <= 1.0 and sine.min() >= -1.0):
            sine[(np.abs(sine) > 1.0) & (np.abs(sine) < 1.0 + _BEYOND)] = math.copysign(1.0, constant)
        return np.arcsin(sine)

    def radii(latitude: np.ndarray) -> np.ndarray:
        return np.sqrt(whole - 2.0 * constant * np.sin(latitude)) / constant  # type: ignore[no-any-return]

    base = math.sqrt(whole - 2.0 * constant * math.sin(middle)) / constant
    return _polar(base, constant, sign, latitudes, radii)


def _equidistant_cone(given: list[float]) -> Steps:
    middle, width, sign = _middle(given)
    cotangent = (width / math.tan(width) if width else 1.0) / math.tan(middle)
    constant = math.sin(middle) * (math.sin(width) / width if width else 1.0)
    whole = middle + cotangent
    return _polar(cotangent, constant, sign, lambda radius: whole - radius, lambda latitude: whole - latitude)


def _orthomorphic_cone(given: list[float]) -> Steps:
    middle, width, sign = _middle(given)
    first, second = middle - width, middle + width

    def tangent(latitude: Any) -> Any:
        return np.tan(0.5 * (_HALF_PI - latitude))

    if width:
        constant = math.log(math.cos(second) / math.cos(first)) / math.log(float(tangent(second) / tangent(first)))
    else:
        constant = math.sin(first)
    scale = math.cos(first) / (constant * float(tangent(first)) ** constant)

    def radii(latitude: np.ndarray) -> np.ndarray:
        return scale * np.exp(constant * np.log(tangent(latitude)))  # type: ignore[no-any-return]

    def latitudes(radius: np.ndarray) -> np.ndarray:
        return _HALF_PI - 2.0 * np.arctan(np.exp(np.log(radius / scale) / constant))  # type: ignore[no-any-return]

    return _polar(scale * float(tangent(middle)) ** constant, constant, sign, latitudes, radii)


def _bonne(given: list[float]) -> Steps | None:
    parallel = math.radians(given[0]) if given else 0.0
    if parallel == 0.0:
        return None
    base, sign = parallel + 1.0 / math.tan(parallel), math.copysign(1.0, parallel)
    into, _ = _loops("cone", "native_of_bonne", "bonne_of_native", base, sign)
    _, out = _loops("cone", "native_of_bonne", "bonne_of_native", base)
    return into, out


def _tilted(given: list[float]) -> Steps:
    distance, tilt = _filled(given, (0.0, 0.0))
    sine, cosine = math.sin(math.radians(tilt)), math.cos(math.radians(tilt))
    return _loops("cone", "native_of_tilted", "tilted_of_native", distance, sine, cosine)


def _slant(given: list[float]) -> Steps:
    distance, longitude, latitude = _filled(given, (0.0, 0.0, 90.0))
    around, above = math.radians(longitude), math.radians(latitude)
    x_0, y_0 = -distance * math.cos(above) * math.sin(around), distance * math.cos(above) * math.cos(around)
    return _loops("cone", "native_of_slant", "slant_of_native", x_0, y_0, distance * math.sin(above) + 1.0)


def _polynomial(given: list[float]) -> Steps | None:
    """ZPN: up to the zenith distance where the polynomial no longer grows."""
    from casatools.kernels import cone_projections

    terms = np.trim_zeros(np.array(given), "b")
    if len(terms) < 2 or terms[1] <= 0:
        return None
    most, slopes = math.pi, np.polynomial.polynomial.polyder(terms)
    if len(terms) > 2:
        roots = np.polynomial.polynomial.polyroots(slopes)
        stops = [root.real for root in roots if abs(root.imag) < 1e-9 and 0.0 < root.real < math.pi]
        most = min([most, *stops])

    def latitudes(radius: np.ndarray) -> np.ndarray:
        distance = np.empty_like(radius)
        cone_projections.zenith_distances(np.ascontiguousarray(radius), terms, most, distance)
        return _HALF_PI - distance

    def radii(latitude: np.ndarray) -> np.ndarray:
        distance = _HALF_PI - latitude
        radius = np.full_like(distance, terms[-1])
        for term in terms[-2::-1]:
            radius *= distance
            radius += term
        return radius if distance.max() <= most else np.where(distance > most, np.nan, radius)

    return _polar(0.0, 1.0, 1.0, latitudes, radii)


# Below it the radius of AIR does not grow with the zenith distance everywhere.
_LEAST_AIRY = 0.1


def _airy(given: list[float]) -> Steps | None:
    """AIR in terms of ``u``, the tangent of half the zenith distance: ``log(1 + u^2) / u + slope u`` is the radius."""
    from casatools.kernels import cone_projections

    edge = math.tan(0.5 * (_HALF_PI - math.radians(given[0] if given else 90.0)))
    slope = math.log1p(edge * edge) / (edge * edge) if edge > 1e-7 else 1.0
    if slope < _LEAST_AIRY:
        return None

    def radii(latitude: np.ndarray) -> np.ndarray:
        u = np.tan(0.5 * (_HALF_PI - latitude))
        return np.log1p(u * u) / np.where(u == 0.0, 1.0, u) + slope * u

    def latitudes(radius: np.ndarray) -> np.ndarray:
        u, square = np.empty_like(radius), np.empty_like(radius)
        cone_projections.airy_start(radius, slope, u, square)
        for _ in range(40):
            if not cone_projections.airy_step(radius, slope, np.log1p(square), u, square):
                break
        return _HALF_PI - 2.0 * np.arctan(u)

    return _polar(0.0, 1.0, 1.0, latitudes, radii)


_MADE: dict[str, Callable[[list[float]], Steps | None]] = {
    "MER": _mercator,
    "MOL": _mollweide,
    "COP": _perspective_cone,
    "COE": _equal_area_cone,
    "COD": _equidistant_cone,
    "COO": _orthomorphic_cone,
    "BON": _bonne,
    "AZP": _tilted,
    "SZP": _slant,
    "ZPN": _polynomial,
    "AIR": _airy,
}


class CosinePoints:
    """Projections that give direction cosines about the reference point.

    Parameters
    ----------
    name : str
    parameters : ndarray
        The slant of SIN.
    turn : float
        Of the plane [rad].
    longitude, latitude : float
        The reference point [rad].
    """

    def __init__(self, name: str, parameters: np.ndarray, turn: float, longitude: float, latitude: float) -> None:
        from casatools.kernels import sphere_turns, zenithal_projections

        self._turns = sphere_turns
        kind = {"TAN": "tangent", "SIN": "sine", "ARC": "arc", "STG": "stereographic", "ZEA": "equal_area"}[name]
        self._into = getattr(zenithal_projections, f"cosines_of_{kind}")
        self._out = getattr(zenithal_projections, f"{kind}_of_cosines")
        self._slant = _filled([float(v) for v in parameters], (0.0, 0.0)) if name == "SIN" else ()
        self._turn = (math.cos(turn), math.sin(turn)) if turn else None
        self._point = (longitude, math.sin(latitude), math.cos(latitude))
        self._least = 0.0 if longitude >= 0 else -2 * math.pi

    def to_sky(self, x: np.ndarray, y: np.ndarray, units: Units, longitude: np.ndarray, latitude: np.ndarray) -> None:
        """Longitude and latitude, in `units` [rad], of plane coordinates [rad], which are lost."""
        if self._turn is not None:
            self._turned(x, y, self._turn[1])
        radial = np.empty_like(x)
        self._into(x, y, *self._slant, longitude, latitude, radial)
        x[:], y[:] = longitude, latitude
        self._turns.directions_of_cosines(x, y, radial, *self._point, self._least, *units, longitude, latitude)

    def to_plane(self, longitude: np.ndarray, latitude: np.ndarray, units: Units, x: np.ndarray, y: np.ndarray) -> None:
        """Plane coordinates [rad] of longitude and latitude in `units` [rad]."""
        cosines = np.empty((3, longitude.size))
        self._turns.cosines_of_directions(longitude, latitude, *units, *self._point, *cosines)
        self._out(*cosines, *self._slant, x, y)
        if self._turn is not None:
            self._turned(x, y, -self._turn[1])

    def _turned(self, x: np.ndarray, y: np.ndarray, sine: float) -> None:
        cosine = self._turn[0] if self._turn is not None else 1.0
        self._turns.affine(x.copy(), y.copy(), 0.0, 0.0, cosine, -sine, sine, cosine, 0.0, 0.0, x, y)


class NativePoints:
    """Projections that give native longitudes and latitudes.

    Parameters
    ----------
    steps : pair of functions
        As of `plane_steps`.
    pole, native : float
        Longitude of the native pole in the sky, and of the sky's pole in native coordinates [rad].
    sine, cosine : float
        Of the latitude of the one pole about the other.
    longitude : float
        Of the reference point [rad]; longitudes have its sign.
    """

    def __init__(self, steps: Steps, pole: float, native: float, sine: float, cosine: float, longitude: float) -> None:
        from casatools.kernels import sphere_turns

        self._turn = sphere_turns.turned_directions
        self._into, self._out = steps
        self._pole, self._native, self._heights = pole, native, (sine, cosine)
        self._least = 0.0 if longitude >= 0 else -2 * math.pi

    def to_sky(self, x: np.ndarray, y: np.ndarray, units: Units, longitude: np.ndarray, latitude: np.ndarray) -> None:
        """Longitude and latitude, in `units` [rad], of plane coordinates [rad], which are lost."""
        around, above = np.empty_like(x), np.empty_like(x)
        self._into(x, y, around, above)
        self._turn(around, above, 1.0, 1.0, self._native, self._pole, *self._heights, self._least, *units, longitude, latitude)

    def to_plane(self, longitude: np.ndarray, latitude: np.ndarray, units: Units, x: np.ndarray, y: np.ndarray) -> None:
        """Plane coordinates [rad] of longitude and latitude in `units` [rad]."""
        around, above = np.empty_like(x), np.empty_like(x)
        self._turn(longitude, latitude, *units, self._pole, self._native, *self._heights, -math.pi, 1.0, 1.0, around, above)
        self._out(around, above, x, y)


ManyPoints = CosinePoints | NativePoints
