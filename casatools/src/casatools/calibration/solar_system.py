"""Planets, moons and asteroids as flux calibrators: disks from JPL's ephemerides, brightness from models over the data paths.

References
----------
Butler 2012, ALMA Memo 594, "Flux density models for solar system bodies in CASA": disks whose brightness temperature above the cosmic background is
Planck's. Ephemerides and models are the tables of CASA's data (``ephemerides/JPL-Horizons``, ``alma/SolarSystemModels``), which come from JPL
Horizons and from Butler. Archinal et al. 2018, Celest. Mech. Dyn. Astr. 130, 22 (radii). The approximations were sampled from what CASA 6.7's
predictcomp gives in 2016 between 30 and 950 GHz.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from casatools._base import log
from casatools._base.constants import AU_M, JANSKY_PER_SI, SPEED_OF_LIGHT_M_S
from casatools._base.errors import DataError
from casatools._base.paths import data_paths
from casatools.io.tables import open_table

__all__ = [
    "BODIES",
    "EPHEMERIDES",
    "Disk",
    "approximate_disk",
    "approximate_flux",
    "body_flux",
    "ephemeris_values",
    "find_body",
    "find_disk",
    "find_files",
    "planck_brightness",
]

BODIES = (
    "Venus", "Mars", "Jupiter", "Uranus", "Neptune", "Io", "Europa", "Ganymede", "Callisto", "Titan", "Ceres", "Juno", "Pallas", "Vesta", "Lutetia",
)  # fmt: skip
_PLANCK_J_S, _BOLTZMANN_J_K = 6.62607015e-34, 1.380649e-23
_BACKGROUND_K = 2.725
_MODELS, EPHEMERIDES = "alma/SolarSystemModels", "ephemerides/JPL-Horizons"


@dataclass(frozen=True)
class Disk:
    """A body as seen from the Earth's centre.

    Attributes
    ----------
    name : str
    lon_rad, lat_rad : float
        J2000 (ICRF) direction.
    major_rad, minor_rad : float
        Apparent diameters.
    angle_rad : float
        Position angle of the long axis, north through east.
    recession : float
        Speed away from the Earth's centre in units of that of light.
    """

    name: str
    lon_rad: float
    lat_rad: float
    major_rad: float
    minor_rad: float
    angle_rad: float
    recession: float = 0.0

    @property
    def solid_angle(self) -> float:
        """Solid angle [sr]."""
        return np.pi / 4 * self.major_rad * self.minor_rad


def find_body(field_name: str, bodies: tuple[str, ...] = BODIES) -> str | None:
    """The body whose name is a word of a field's name; None when none is."""
    words = set(re.split(r"[^a-z]+", field_name.lower()))
    return next((b for b in bodies if b.lower() in words), None)


def find_files(folder: str, pattern: str) -> list[str]:
    """Files of a folder over the data paths whose names match a pattern."""
    found = []
    for root in data_paths():
        place = os.path.join(root, folder)
        if os.path.isdir(place):
            found += [os.path.join(place, n) for n in sorted(os.listdir(place)) if re.fullmatch(pattern, n)]
    return found


def find_disk(name: str, mjd: float) -> Disk:
    """Where a body is and how large it looks.

    Parameters
    ----------
    name : str
        One of BODIES.
    mjd : float
        UTC, modified Julian date.

    Raises
    ------
    DataError
        There is no ephemeris of the body over the data paths that covers the date.
    """
    for path in find_files(EPHEMERIDES, rf"{name}_(\d+)-(\d+)dUTC_J2000\.tab"):
        span = re.search(r"_(\d+)-(\d+)dUTC", path)
        if span and float(span[1]) <= mjd <= float(span[2]):
            return _disk_of_table(path, name, mjd)
    raise DataError(
        f"there is no ephemeris of {name} for MJD {mjd:.2f} in the data folders ({EPHEMERIDES}/{name}_*dUTC_J2000.tab); "
        "put CASA's data into a folder of 'datapath'"
    )


def ephemeris_values(table: Any, columns: tuple[str, ...], mjd: float) -> dict[str, float]:
    """Columns of an opened ephemeris at a date, by the cubic through the four nearest rows; angles (RA, NP_ang) run on through 360 degrees."""
    days = np.asarray(table.getcol("MJD"))
    start = int(np.clip(np.searchsorted(days, mjd) - 2, 0, max(len(days) - 4, 0)))
    near = slice(start, start + 4)
    out = {}
    for name in columns:
        values = np.asarray(table.getcol(name))[near]
        if name in ("RA", "NP_ang"):
            values = np.unwrap(values, period=360.0)
        out[name] = float(np.polyval(np.polyfit(days[near] - mjd, values, min(3, len(values) - 1)), 0.0))
    return out


def _disk_of_table(path: str, name: str, mjd: float) -> Disk:
    table = open_table(path, what="ephemeris")
    try:
        speed = ("RadVel",) if "RadVel" in table.colnames() else ()
        at = ephemeris_values(table, ("RA", "DEC", "Rho", "DiskLat", "NP_ang", *speed), mjd)
        radii = np.asarray(table.getkeyword("radii")["value"], dtype=np.float64)
    finally:
        table.close()

    distance_km = at["Rho"] * AU_M / 1000
    latitude = np.deg2rad(at["DiskLat"])
    # The side that is seen of a body with three axes is not known as well as its pole: asteroids turn between the rows of their ephemerides.
    equator = 0.5 * float(radii[0] + radii[1])
    polar = np.hypot(radii[2] * np.cos(latitude), equator * np.sin(latitude))
    return Disk(
        name, float(np.deg2rad(at["RA"]) % (2 * np.pi)), float(np.deg2rad(at["DEC"])), float(2 * equator / distance_km),
        float(2 * polar / distance_km), float(np.deg2rad(at["NP_ang"] + 90.0) % np.pi),
        at.get("RadVel", 0.0) * AU_M / 86400.0 / SPEED_OF_LIGHT_M_S,
    )  # fmt: skip


def planck_brightness(temperature_k: np.ndarray, frequency_hz: np.ndarray) -> np.ndarray:
    """Brightness [W m-2 Hz-1 sr-1]."""
    return (
        2
        * _PLANCK_J_S
        * frequency_hz**3
        / SPEED_OF_LIGHT_M_S**2
        / np.expm1(_PLANCK_J_S * frequency_hz / (_BOLTZMANN_J_K * temperature_k))
    )


def _disk_flux(temperature_k: np.ndarray, frequency_hz: np.ndarray, disk: Disk) -> np.ndarray:
    above = planck_brightness(temperature_k, frequency_hz) - planck_brightness(np.array(_BACKGROUND_K), frequency_hz)
    return above * disk.solid_angle * JANSKY_PER_SI


def body_flux(disk: Disk, frequency_hz: np.ndarray, mjd: float) -> np.ndarray:
    """Flux density of a body [Jy].

    Parameters
    ----------
    disk : Disk
    frequency_hz : ndarray (chan,)
    mjd : float

    Returns
    -------
    ndarray (chan,)

    Raises
    ------
    DataError
        There is no model of the body over the data paths, or it does not cover the frequencies.
    """
    # Models are of the body at rest: lines lie where it is seen to move to, and brightness over the cube of the frequency stays.
    shift = 1.0 + disk.recession
    hz = np.asarray(frequency_hz, dtype=np.float64) * shift
    # Those of the first two follow the time; Mars has one of them beside an older one that ends in 2020.
    for name, direct in ((f"{disk.name}_fd_time.dat", True), (f"{disk.name}_Tb_time.dat", False), (f"{disk.name}_Tb.dat", False)):
        for path in find_files(_MODELS, re.escape(name)):
            found = _model_at(path, hz, mjd)
            if found is not None:
                return (found if direct else _disk_flux(found, hz, disk)) / shift**3
    raise DataError(
        f"there is no model of {disk.name} for MJD {mjd:.2f} and {hz.min() / 1e9:.2f} to {hz.max() / 1e9:.2f} GHz in the data folders "
        f"({_MODELS}/{disk.name}_Tb.dat); put CASA's data into a folder of 'datapath'"
    )


@lru_cache(maxsize=8)
def _read_model(path: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Frequencies [GHz], days (MJD; empty where it does not change) and values (day, freq) of a model."""
    with open(path, encoding="ascii") as stream:
        first = stream.readline().split()
        rest = stream.readlines()
    if len(first) == 2 and all(len(line.split()) == 2 for line in rest[:1]):
        pairs = np.array([first, *(line.split() for line in rest if line.strip())], dtype=np.float64)
        return pairs[:, 0], np.zeros(0), pairs[None, :, 1]
    ghz = np.array(first, dtype=np.float64)
    table = np.array([line.split()[-len(ghz) - 1 :] for line in rest if line.strip()], dtype=np.float64)
    return ghz, table[:, 0], table[:, 1:]


def _model_at(path: str, hz: np.ndarray, mjd: float) -> np.ndarray | None:
    """Values of a model, by a cubic spline (a power of the frequency between fewer than four); None where it does not cover the date or the frequencies."""
    ghz, days, values = _read_model(path)
    if hz.min() < ghz[0] * 1e9 * (1 - 1e-9) or hz.max() > ghz[-1] * 1e9 * (1 + 1e-9):
        return None
    line = values[0]
    if len(days):
        if not days[0] <= mjd <= days[-1]:
            return None
        after = int(np.clip(np.searchsorted(days, mjd), 1, len(days) - 1))
        share = (mjd - days[after - 1]) / (days[after] - days[after - 1])
        line = (1 - share) * values[after - 1] + share * values[after]
    if len(ghz) < 4:
        return np.asarray(10.0 ** np.interp(np.log10(hz / 1e9), np.log10(ghz), np.log10(line)))
    from scipy.interpolate import CubicSpline

    return np.asarray(CubicSpline(ghz, line)(hz / 1e9))


# Equatorial and polar radius [km], body that it is near, brightness temperature [K] as a polynomial in log10 of the frequency over 100 GHz.
_APPROXIMATE: dict[str, tuple[float, float, str, tuple[float, ...]]] = {
    "Venus": (6051.8, 6051.8, "venus", (342.3, -176.3, 83.6, -1.1)),
    "Mars": (3396.2, 3376.2, "mars", (199.5, 19.1, 7.1, -7.1)),
    "Jupiter": (71492.0, 66854.0, "jupiter", (164.2, 17.5, -50.6, 16.8)),
    "Uranus": (25559.0, 24973.0, "uranus", (128.0, -126.0, 115.4, -54.3)),
    "Neptune": (24764.0, 24341.0, "neptune", (120.8, -59.7, -44.6, 46.9)),
    "Io": (1821.5, 1821.5, "jupiter", (99.4, -4.8, 7.5, 0.3)),
    "Europa": (1560.8, 1560.8, "jupiter", (94.8, -7.2, 10.3, -0.7)),
    "Ganymede": (2631.2, 2631.2, "jupiter", (87.2, 20.0, 8.2, -2.8)),
    "Callisto": (2410.3, 2410.3, "jupiter", (107.7, 15.9, 8.9, -3.2)),
    "Titan": (2575.0, 2575.0, "saturn", (82.6, -22.6, 16.2, 1.7)),
}


def approximate_disk(name: str, mjd: float) -> Disk:
    """A disk without an ephemeris: the planet's place to a few arcsec (a moon's is its planet's), sizes to 1 %, the pole to the north.

    Raises
    ------
    DataError
        The body has no approximation.
    """
    if name not in _APPROXIMATE:
        raise DataError(f"{name} can be predicted from CASA's data only; put them into a folder of 'datapath'")
    from astropy.coordinates import get_body
    from astropy.time import Time

    equator_km, pole_km, near, _ = _APPROXIMATE[name]
    place = get_body(near, Time(mjd, format="mjd", scale="utc"), ephemeris="builtin")
    distance_km = float(place.distance.km)
    return Disk(
        name, float(place.ra.rad), float(place.dec.rad), 2 * equator_km / distance_km, 2 * pole_km / distance_km, 0.5 * np.pi
    )


def approximate_flux(disk: Disk, frequency_hz: np.ndarray) -> np.ndarray:
    """Flux density (chan,) [Jy] by an approximation to the brightness, good to some per cent between 30 and 950 GHz (lines left out)."""
    hz = np.asarray(frequency_hz, dtype=np.float64)
    power = np.log10(np.clip(hz, 30e9, 950e9) / 1e11)
    log.post(f"{disk.name}: there are no CASA data of its brightness; an approximation of some per cent is taken", "WARN")
    return _disk_flux(np.polynomial.polynomial.polyval(power, np.array(_APPROXIMATE[disk.name][3])), hz, disk)
