"""Sky projections: intermediate plane coordinates to celestial ones and back.

The zenithal projections that radio images use are done here with numpy; the others go through wcslib (``astropy.wcs``).

References
----------
Calabretta & Greisen 2002, A&A 395, 1077 (FITS paper II): equations 5 to 10 (rotation), 54 (TAN), 56 to 65 (STG, slant SIN,
ARC), 69 (ZEA), and section 2.4 for LONPOLE and LATPOLE.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from casatools._base.errors import ParameterError
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
        slanted = name == "SIN" and bool(np.any(self.parameters)) and bool(self.turn)
        if name not in _FAST or slanted:
            self._slow = wcs_of(name, math.degrees(longitude), math.degrees(latitude), self.parameters, longpole, latpole)

    @property
    def through_wcslib(self) -> bool:
        """True where wcslib does the projection."""
        return self._slow is not None

    def to_sky(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Longitude and latitude [rad] of plane coordinates [rad]; NaN off the sky."""
        if self._slow is not None:
            world = self._slow.wcs_pix2world(np.column_stack([np.degrees(x).ravel(), np.degrees(y).ravel()]), 0)
            return np.radians(world[:, 0]), np.radians(world[:, 1])
        if self.turn:
            cosine, sine = math.cos(self.turn), math.sin(self.turn)
            x, y = x * cosine - y * sine, y * cosine + x * sine
        east, north, radial = _DEPROJECT[self.name](x, y, self.parameters)
        sin0, cos0 = math.sin(self.latitude), math.cos(self.latitude)
        across = radial * cos0 - north * sin0
        longitude = np.arctan2(east, across)
        longitude += self.longitude
        latitude = np.arctan2(north * cos0 + radial * sin0, np.sqrt(east * east + across * across))
        # The longitude takes the sign of the reference point's, as wcslib gives it.
        sign = 1.0 if self.longitude >= 0 else -1.0
        low, high = sorted((sign * float(longitude.min()), sign * float(longitude.max()))) if longitude.size else (0.0, 0.0)
        if not (low >= 0 and high <= 2 * np.pi):
            longitude[sign * longitude < 0] += sign * 2 * np.pi
            longitude[sign * longitude > 2 * np.pi] -= sign * 2 * np.pi
        return longitude, latitude

    def to_plane(self, longitude: np.ndarray, latitude: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Plane coordinates [rad] of longitude and latitude [rad]; NaN where the projection does not reach."""
        if self._slow is not None:
            plane = self._slow.wcs_world2pix(np.column_stack([np.degrees(longitude).ravel(), np.degrees(latitude).ravel()]), 0)
            return np.radians(plane[:, 0]), np.radians(plane[:, 1])
        sin0, cos0 = math.sin(self.latitude), math.cos(self.latitude)
        offset = longitude - self.longitude
        sin_lat, cos_lat = sines_and_cosines(latitude)
        sin_off, cos_off = sines_and_cosines(offset)
        east = cos_lat * sin_off
        cos_lat *= cos_off
        north = sin_lat * cos0 - cos_lat * sin0
        radial = sin_lat * sin0 + cos_lat * cos0
        x, y = _PROJECT[self.name](east, north, radial, self.parameters)
        if self.turn:
            cosine, sine = math.cos(self.turn), -math.sin(self.turn)
            x, y = x * cosine - y * sine, y * cosine + x * sine
        return x, y


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
