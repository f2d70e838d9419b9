"""Sky projections: intermediate plane coordinates to celestial ones and back.

Few points of the projections that radio images use are done here; the others go through wcslib (``astropy.wcs``), which is given native coordinates,
for it is slow where it has to turn them. Compiled loops do many points at once (`many_points`).

References
----------
Calabretta & Greisen 2002, A&A 395, 1077 (FITS paper II): equations 5 to 10 (rotation), 54 (TAN), 56 to 65 (STG, slant SIN,
ARC), 69 (ZEA), 79 to 87 (CYP to MER), 90 (SFL), 103 to 109 (AIT), and section 2.4 for LONPOLE and LATPOLE.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from casatools._base.buffers import empty_array
from casatools._base.errors import ParameterError
from casatools.io.image.coordinates import many_points
from casatools.io.image.coordinates.many_points import CosinePoints, ManyPoints, NativePoints, plane_steps
from casatools.io.image.coordinates.sines import sines_and_cosines

__all__ = ["PROJECTIONS", "ZENITHAL", "Projector", "default_poles", "parameter_count", "wcs_of"]

# CASA's projections in its order, and how many parameters each can have.
PROJECTIONS: dict[str, int] = {
    "AZP": 2, "SZP": 3, "TAN": 0, "SIN": 2, "STG": 0, "ARC": 0, "ZPN": 20, "ZEA": 0, "AIR": 1, "CYP": 2, "CAR": 0, "MER": 0,
    "CEA": 1, "COP": 2, "COD": 2, "COE": 2, "COO": 2, "BON": 1, "PCO": 0, "SFL": 0, "PAR": 0, "AIT": 0, "MOL": 0, "CSC": 0,
    "QSC": 0, "TSC": 0, "HPX": 2,
}  # fmt: skip
ZENITHAL = frozenset({"AZP", "SZP", "TAN", "SIN", "STG", "ARC", "ZPN", "ZEA", "AIR"})
_CONIC = frozenset({"COP", "COD", "COE", "COO"})
_FAST = frozenset({"TAN", "SIN", "STG", "ARC", "ZEA"})
_EQUATORIAL = frozenset({"CAR", "MER", "CEA", "SFL", "AIT"})
# Native coordinates may be this far beyond the whole sky [rad], for rounding; wcslib allows as much.
_BEYOND = math.radians(1e-10)


def parameter_count(name: str) -> int:
    """How many parameters a projection can have; raises ParameterError for an unknown one."""
    try:
        return PROJECTIONS[name]
    except KeyError:
        raise ParameterError(f"there is no projection {name!r}; known: {', '.join(PROJECTIONS)}") from None


def default_poles(name: str, longitude_deg: float, latitude_deg: float, parameters: np.ndarray) -> tuple[float, float]:
    """LONPOLE and LATPOLE in degrees that a header without them means (FITS paper II, section 2.4)."""
    if name in ZENITHAL:
        return 180.0, latitude_deg
    reference = float(parameters[0]) if name in _CONIC and len(parameters) else 0.0
    longpole = 0.0 if latitude_deg >= reference else 180.0
    wcs = wcs_of(name, longitude_deg, latitude_deg, parameters, longpole, 90.0)
    return longpole, float(wcs.wcs.latpole)


class Projector:
    """Turns plane coordinates into longitude and latitude and back; everything in radians.

    Parameters
    ----------
    name : str
        Three-letter FITS code.
    longitude, latitude : float
        The reference point [rad].
    parameters : ndarray
        Projection parameters (slant of SIN; as in FITS PVi_m for the others).
    longpole, latpole : float
        Native longitude of the celestial pole and its latitude [deg].
    """

    def __init__(
        self,
        name: str,
        longitude: float,
        latitude: float,
        parameters: np.ndarray,
        longpole: float = 180.0,
        latpole: float = 999.0,
    ) -> None:
        parameter_count(name)
        self.name = name
        self.longitude, self.latitude = longitude, latitude
        self.parameters = np.asarray(parameters, dtype=np.float64)
        self.turn = math.radians(180.0 - longpole)
        self._slow: Any = None
        self._copies: list[Any] = []
        self._sphere: _Sphere | None = None
        slanted = name == "SIN" and bool(np.any(self.parameters)) and bool(self.turn)
        if name not in _FAST or slanted:
            wcs = wcs_of(name, math.degrees(longitude), math.degrees(latitude), self.parameters, longpole, latpole)
            self._sphere = _Sphere(wcs)
            if name not in _EQUATORIAL or np.any(self.parameters):
                self._slow = _native_wcs(name, self.parameters)

    @property
    def through_wcslib(self) -> bool:
        """True where wcslib does the projection."""
        return self._slow is not None

    def _through(self, method: str, first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What wcslib makes of native or plane coordinates [rad], through a copy of its structure that no other thread works with."""
        try:
            wcs = self._copies.pop()
        except IndexError:
            wcs = copy.deepcopy(self._slow)
        points = np.empty((first.size, 2))
        np.multiply(first.ravel(), 180.0 / math.pi, out=points[:, 0])
        np.multiply(second.ravel(), 180.0 / math.pi, out=points[:, 1])
        found = getattr(wcs, method)(points, 0)
        self._copies.append(wcs)
        return np.radians(found[:, 0]), np.radians(found[:, 1])

    @cached_property
    def many(self) -> ManyPoints | None:
        """What does many points at once; None where nothing does."""
        if self._sphere is None:
            return CosinePoints(self.name, self.parameters, self.turn, self.longitude, self.latitude)
        steps = plane_steps(self.name, self.parameters)
        if steps is None:
            return None
        return NativePoints(steps, self._sphere.pole, self._sphere.native, self._sphere.sine, self._sphere.cosine, self.longitude)

    def _by_loops(self, backwards: bool, first: np.ndarray, second: np.ndarray) -> Two | None:
        """Both results of many points; None for few of them, where those are done otherwise."""
        # wcslib's steps towards Mollweide's angle end at 1e-12 degrees, more than 1e-9 of a small pixel: few points go by the loops too.
        least = 1 if self.name == "MOL" else many_points.MANY
        many = self.many if first.ndim == 1 and first.size >= least else None
        if many is None:
            return None
        one, other = empty_array(first.shape, np.float64), empty_array(first.shape, np.float64)
        for begin in range(0, first.size, many_points.BLOCK):
            block = slice(begin, begin + many_points.BLOCK)
            if backwards:
                given = np.ascontiguousarray(first[block]), np.ascontiguousarray(second[block])
                many.to_plane(*given, (1.0, 1.0), one[block], other[block])
            else:
                many.to_sky(first[block].copy(), second[block].copy(), (1.0, 1.0), one[block], other[block])
        return one, other

    def to_sky(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Longitude and latitude [rad] of plane coordinates [rad]; NaN off the sky."""
        found = self._by_loops(False, x, y)
        if found is not None:
            return found
        if self._sphere is not None:
            longitude, latitude = self._sphere.to_sky(*self._native_of_plane(x, y))
            return self._signed(longitude), latitude
        if self.turn:
            cosine, sine = math.cos(self.turn), math.sin(self.turn)
            x, y = x * cosine - y * sine, y * cosine + x * sine
        east, north, radial = _DEPROJECT[self.name](x, y, self.parameters)
        longitude, latitude = _directions(east, north, radial, self.longitude, self.latitude)
        return self._signed(longitude), latitude

    def _native_of_plane(self, x: np.ndarray, y: np.ndarray) -> Two:
        return self._through("wcs_pix2world", x, y) if self._slow is not None else _UNROLL[self.name](x, y)

    def _plane_of_native(self, longitude: np.ndarray, latitude: np.ndarray) -> Two:
        return (
            self._through("wcs_world2pix", longitude, latitude)
            if self._slow is not None
            else _ROLL[self.name](longitude, latitude)
        )

    def _signed(self, longitude: np.ndarray) -> np.ndarray:
        """Longitudes with the sign of the reference point's, as wcslib gives them; changed in place."""
        sign = 1.0 if self.longitude >= 0 else -1.0
        low, high = sorted((sign * float(longitude.min()), sign * float(longitude.max()))) if longitude.size else (0.0, 0.0)
        if not (low >= 0 and high <= 2 * np.pi):
            longitude[sign * longitude < 0] += sign * 2 * np.pi
            longitude[sign * longitude > 2 * np.pi] -= sign * 2 * np.pi
        return longitude

    def to_plane(self, longitude: np.ndarray, latitude: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Plane coordinates [rad] of longitude and latitude [rad]; NaN where the projection does not reach."""
        found = self._by_loops(True, longitude, latitude)
        if found is not None:
            return found
        if self._sphere is not None:
            return self._plane_of_native(*self._sphere.from_sky(longitude, latitude))
        east, north, radial = _cosines(longitude, latitude, self.longitude, self.latitude)
        x, y = _PROJECT[self.name](east, north, radial, self.parameters)
        if self.turn:
            cosine, sine = math.cos(self.turn), -math.sin(self.turn)
            x, y = x * cosine - y * sine, y * cosine + x * sine
        return x, y


def _native_wcs(name: str, parameters: np.ndarray) -> Any:
    """wcslib's description of a projection whose celestial coordinates are the native ones."""
    if name in ZENITHAL:
        return wcs_of(name, 0.0, 90.0, parameters, 180.0, 90.0)
    return wcs_of(name, 0.0, float(parameters[0]) if name in _CONIC and len(parameters) else 0.0, parameters, 0.0, 90.0)


def _directions(east: np.ndarray, north: np.ndarray, radial: np.ndarray, longitude_0: float, latitude_0: float) -> Two:
    """Longitude and latitude [rad] of direction cosines about a point of the sphere."""
    sin0, cos0 = math.sin(latitude_0), math.cos(latitude_0)
    across = radial * cos0 - north * sin0
    height = north * cos0 + radial * sin0
    return np.arctan2(east, across) + longitude_0, np.arctan2(height, np.sqrt(across * across + east * east))


def _cosines(longitude: np.ndarray, latitude: np.ndarray, longitude_0: float, latitude_0: float) -> Three:
    """Direction cosines about a point of the sphere of longitude and latitude [rad]."""
    sin0, cos0 = math.sin(latitude_0), math.cos(latitude_0)
    sin_lat, cos_lat = sines_and_cosines(latitude)
    sin_off, cos_off = sines_and_cosines(longitude - longitude_0)
    along = cos_lat * cos_off
    return cos_lat * sin_off, sin_lat * cos0 - along * sin0, sin_lat * sin0 + along * cos0


class _Sphere:
    """The turn between native and celestial coordinates where the reference point is not the native pole (FITS paper II, eq. 2 and 5)."""

    def __init__(self, wcs: Any) -> None:
        pole_longitude, pole_distance, native_longitude = (math.radians(v) for v in wcs.wcs.cel.euler[:3])
        self.pole, self.native = pole_longitude, native_longitude
        self.sine, self.cosine = math.cos(pole_distance), math.sin(pole_distance)

    def _turned(self, angle: np.ndarray, height: np.ndarray, origin: float, target: float) -> tuple[np.ndarray, np.ndarray]:
        """Longitude and latitude about the other pole, whose longitude here is `origin`, where this pole has the longitude `target` [rad]."""
        sin_height, cos_height = sines_and_cosines(height)
        sin_angle, cos_angle = sines_and_cosines(angle - origin)
        east, along = -cos_height * sin_angle, cos_height * cos_angle
        across = sin_height * self.cosine - along * self.sine
        above = np.arctan2(along * self.cosine + sin_height * self.sine, np.sqrt(across * across + east * east))
        return np.arctan2(east, across) + target, above

    def to_sky(self, native_longitude: np.ndarray, native_latitude: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self._turned(native_longitude, native_latitude, self.native, self.pole)

    def from_sky(self, longitude: np.ndarray, latitude: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        native_longitude, native_latitude = self._turned(longitude, latitude, self.pole, self.native)
        if native_longitude.size:
            low, high = float(native_longitude.min()), float(native_longitude.max())
            if not (low >= -math.pi and high <= math.pi):
                native_longitude[native_longitude > math.pi] -= 2 * math.pi
                native_longitude[native_longitude < -math.pi] += 2 * math.pi
        return native_longitude, native_latitude


Three = tuple[np.ndarray, np.ndarray, np.ndarray]


def _plane_to_cosines(x: np.ndarray, y: np.ndarray, cosine: np.ndarray, sine_over_r: np.ndarray) -> Three:
    return x * sine_over_r, y * sine_over_r, cosine


def _tan_in(x: np.ndarray, y: np.ndarray, parameters: np.ndarray) -> Three:
    cosine = 1.0 / np.sqrt(1.0 + x * x + y * y)
    return _plane_to_cosines(x, y, cosine, cosine)


def _sin_in(x: np.ndarray, y: np.ndarray, parameters: np.ndarray) -> Three:
    slant_x, slant_y = (float(parameters[0]), float(parameters[1])) if len(parameters) > 1 else (0.0, 0.0)
    with np.errstate(invalid="ignore"):
        if not (slant_x or slant_y):
            return x, y, np.sqrt(1.0 - x * x - y * y)
        # 1 - n from the quadratic of FITS paper II, eq. 61 (x = east + slant_x (1 - n), and so for y), in the form without cancellation
        a, b = 1.0 + slant_x**2 + slant_y**2, 1.0 + x * slant_x + y * slant_y
        square = x * x + y * y
        depth = square / (b + np.sqrt(b * b - a * square))
    return x - slant_x * depth, y - slant_y * depth, 1.0 - depth


def _arc_in(x: np.ndarray, y: np.ndarray, parameters: np.ndarray) -> Three:
    distance = np.hypot(x, y)
    distance = np.where(distance > np.pi, np.nan, distance)
    return _plane_to_cosines(x, y, np.cos(distance), np.sinc(distance / np.pi))


def _stg_in(x: np.ndarray, y: np.ndarray, parameters: np.ndarray) -> Three:
    square = (x * x + y * y) / 4.0
    return _plane_to_cosines(x, y, (1.0 - square) / (1.0 + square), 1.0 / (1.0 + square))


def _zea_in(x: np.ndarray, y: np.ndarray, parameters: np.ndarray) -> Three:
    square = x * x + y * y
    with np.errstate(invalid="ignore"):
        return _plane_to_cosines(x, y, 1.0 - square / 2.0, np.sqrt(1.0 - square / 4.0))


Two = tuple[np.ndarray, np.ndarray]


def _tan_out(east: np.ndarray, north: np.ndarray, radial: np.ndarray, parameters: np.ndarray) -> Two:
    seen = np.where(radial > 0, radial, np.nan)
    return east / seen, north / seen


def _sin_out(east: np.ndarray, north: np.ndarray, radial: np.ndarray, parameters: np.ndarray) -> Two:
    slant_x, slant_y = (float(parameters[0]), float(parameters[1])) if len(parameters) > 1 else (0.0, 0.0)
    if slant_x or slant_y:
        seen = np.where(radial + east * slant_x + north * slant_y < 0, np.nan, 1.0)
        return (east + slant_x * (1.0 - radial)) * seen, (north + slant_y * (1.0 - radial)) * seen
    if not radial.size or radial.min() >= 0:
        return east, north
    seen = np.where(radial < 0, np.nan, 1.0)
    return east * seen, north * seen


def _arc_out(east: np.ndarray, north: np.ndarray, radial: np.ndarray, parameters: np.ndarray) -> Two:
    sine = np.hypot(east, north)
    distance = np.arctan2(sine, radial)
    ratio = 1.0 / np.sinc(distance / np.pi)
    return east * ratio, north * ratio


def _stg_out(east: np.ndarray, north: np.ndarray, radial: np.ndarray, parameters: np.ndarray) -> Two:
    ratio = 2.0 / np.where(radial > -1.0, 1.0 + radial, np.nan)
    return east * ratio, north * ratio


def _zea_out(east: np.ndarray, north: np.ndarray, radial: np.ndarray, parameters: np.ndarray) -> Two:
    ratio = np.sqrt(2.0 / np.where(radial > -1.0, 1.0 + radial, np.nan))
    return east * ratio, north * ratio


def _on_sky(longitude: np.ndarray, latitude: np.ndarray) -> Two:
    """Native coordinates, NaN where the plane reaches beyond the whole sky."""
    for values, most in ((longitude, math.pi + _BEYOND), (latitude, math.pi / 2 + _BEYOND)):
        if values.size and not (values.max() <= most and values.min() >= -most):
            outside = ~(np.abs(values) <= most)
            longitude, latitude = np.where(outside, np.nan, longitude), np.where(outside, np.nan, latitude)
    return longitude, latitude


def _mer_in(x: np.ndarray, y: np.ndarray) -> Two:
    return _on_sky(x, 2.0 * np.arctan(np.exp(y)) - math.pi / 2)


def _mer_out(longitude: np.ndarray, latitude: np.ndarray) -> Two:
    with np.errstate(divide="ignore", invalid="ignore"):
        return longitude, np.log(np.tan(latitude / 2 + math.pi / 4))


def _sfl_in(x: np.ndarray, y: np.ndarray) -> Two:
    with np.errstate(divide="ignore", invalid="ignore"):
        return _on_sky(np.where(x == 0, 0.0, x / np.cos(y)), y)


def _sfl_out(longitude: np.ndarray, latitude: np.ndarray) -> Two:
    return longitude * np.cos(latitude), latitude


def _cea_in(x: np.ndarray, y: np.ndarray) -> Two:
    with np.errstate(invalid="ignore"):
        return _on_sky(x, np.arcsin(np.clip(y, -1.0, 1.0) if y.size and np.abs(y).max() <= 1.0 + _BEYOND else y))


def _cea_out(longitude: np.ndarray, latitude: np.ndarray) -> Two:
    return longitude, np.sin(latitude)


def _ait_in(x: np.ndarray, y: np.ndarray) -> Two:
    square = 1.0 - x * x / 16.0 - y * y / 4.0
    # Half is the least that the plane reaches; beyond it the ellipse ends.
    root = np.sqrt(np.where(square >= 0.5 - _BEYOND, square, np.nan))
    with np.errstate(invalid="ignore"):
        return 2.0 * np.arctan2(root * x / 2.0, 2.0 * root * root - 1.0), np.arcsin(np.clip(y * root, -1.0, 1.0))


def _ait_out(longitude: np.ndarray, latitude: np.ndarray) -> Two:
    sin_half, cos_half = sines_and_cosines(longitude / 2.0)
    sin_lat, cos_lat = sines_and_cosines(latitude)
    gamma = np.sqrt(2.0 / (1.0 + cos_lat * cos_half))
    return 2.0 * gamma * cos_lat * sin_half, gamma * sin_lat


def _car_out(longitude: np.ndarray, latitude: np.ndarray) -> Two:
    return longitude, latitude


# Plane coordinates to native ones and back, of the projections whose reference point lies on the native equator.
_UNROLL: dict[str, Callable[[np.ndarray, np.ndarray], Two]] = {
    "CAR": _on_sky,
    "MER": _mer_in,
    "CEA": _cea_in,
    "SFL": _sfl_in,
    "AIT": _ait_in,
}
_ROLL: dict[str, Callable[[np.ndarray, np.ndarray], Two]] = {
    "CAR": _car_out,
    "MER": _mer_out,
    "CEA": _cea_out,
    "SFL": _sfl_out,
    "AIT": _ait_out,
}


_DEPROJECT: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], Three]] = {
    "TAN": _tan_in,
    "SIN": _sin_in,
    "ARC": _arc_in,
    "STG": _stg_in,
    "ZEA": _zea_in,
}
_PROJECT: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], Two]] = {
    "TAN": _tan_out,
    "SIN": _sin_out,
    "ARC": _arc_out,
    "STG": _stg_out,
    "ZEA": _zea_out,
}


def wcs_of(name: str, longitude_deg: float, latitude_deg: float, parameters: np.ndarray, longpole: float, latpole: float) -> Any:
    """A wcslib description whose pixels are degrees in the plane of projection."""
    from astropy.wcs import WCS

    wcs = WCS(naxis=2)
    wcs.wcs.ctype = [f"RA---{name}", f"DEC--{name}"]
    wcs.wcs.crval = [longitude_deg, latitude_deg]
    wcs.wcs.crpix = [1.0, 1.0]
    wcs.wcs.cdelt = [1.0, 1.0]
    wcs.wcs.cunit = ["deg", "deg"]
    wcs.wcs.lonpole = longpole
    if latpole < 900.0:
        wcs.wcs.latpole = latpole
    # ZPN counts its polynomial from PV2_0; all other parameters begin at PV2_1 (FITS paper II, table 13).
    first = 0 if name == "ZPN" else 1
    if len(parameters[: PROJECTIONS[name]]):
        wcs.wcs.set_pv([(2, first + k, float(value)) for k, value in enumerate(parameters[: PROJECTIONS[name]])])
    try:
        wcs.wcs.set()
    except ValueError as error:
        raise ParameterError(f"the projection {name} cannot be set up with these parameters: {error}") from error
    return wcs
