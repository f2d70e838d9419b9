"""Antenna layouts for simulations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["AntennaArray", "local_to_itrf", "y_array"]

# WGS84 ellipsoid (NIMA TR8350.2): equatorial radius in metres and flattening.
_WGS84_A_M = 6378137.0
_WGS84_F = 1.0 / 298.257223563


@dataclass(frozen=True)
class AntennaArray:
    """Antennas of one observatory.

    Attributes
    ----------
    telescope : str
        Name of the observatory.
    names, stations : tuple of str
    positions_m : ndarray (ant, 3) float64 [m]
        ITRF positions.
    diameters_m : ndarray (ant,) float64 [m]
    mount : str
        Mount type as the MeasurementSet stores it.
    """

    telescope: str
    names: tuple[str, ...]
    stations: tuple[str, ...]
    positions_m: np.ndarray
    diameters_m: np.ndarray
    mount: str = "ALT-AZ"

    @property
    def centre_m(self) -> np.ndarray:
        """Mean ITRF position (3,) [m]."""
        return self.positions_m.mean(axis=0)


def local_to_itrf(east_north_up_m: np.ndarray, longitude_rad: float, latitude_rad: float, height_m: float) -> np.ndarray:
    """Turn local east, north, up offsets into ITRF positions.

    Parameters
    ----------
    east_north_up_m : ndarray (ant, 3) [m]
    longitude_rad, latitude_rad : float
        Geodetic (WGS84) coordinates of the local origin, longitude east positive.
    height_m : float
        Height of the origin above the ellipsoid.

    Returns
    -------
    ndarray (ant, 3) float64 [m]
    """
    sin_lon, cos_lon = np.sin(longitude_rad), np.cos(longitude_rad)
    sin_lat, cos_lat = np.sin(latitude_rad), np.cos(latitude_rad)
    e2 = _WGS84_F * (2.0 - _WGS84_F)
    radius = _WGS84_A_M / np.sqrt(1.0 - e2 * sin_lat**2)
    origin = np.array(
        [
            (radius + height_m) * cos_lat * cos_lon,
            (radius + height_m) * cos_lat * sin_lon,
            (radius * (1.0 - e2) + height_m) * sin_lat,
        ]
    )
    east = np.array([-sin_lon, cos_lon, 0.0])
    north = np.array([-sin_lat * cos_lon, -sin_lat * sin_lon, cos_lat])
    up = np.array([cos_lat * cos_lon, cos_lat * sin_lon, sin_lat])
    return origin + np.asarray(east_north_up_m, dtype=np.float64) @ np.array([east, north, up])


def y_array(antennas_per_arm: int = 9, arm_length_m: float = 592.4) -> AntennaArray:
    """A Y-shaped array at the VLA site, antennas along an arm at distances proportional to n**1.716.

    Parameters
    ----------
    antennas_per_arm : int
    arm_length_m : float
        Distance of the outermost antenna from the centre; 592.4 m is close to the VLA's D configuration.

    Returns
    -------
    AntennaArray

    References
    ----------
    Thompson, Clark, Wade & Napier 1980, ApJS 44, 151, section II: arm azimuths and the power law of the antenna distances.
    """
    azimuths_deg = {"N": 355.0, "E": 115.0, "W": 236.0}
    numbers = np.arange(1, antennas_per_arm + 1)
    distances = arm_length_m * (numbers / antennas_per_arm) ** 1.716
    offsets, stations = [], []
    for arm, azimuth in azimuths_deg.items():
        angle = np.deg2rad(azimuth)
        offsets.append(np.column_stack([distances * np.sin(angle), distances * np.cos(angle), np.zeros(antennas_per_arm)]))
        stations += [f"{arm}{n:02d}" for n in numbers]
    positions = local_to_itrf(np.concatenate(offsets), np.deg2rad(-107.617728), np.deg2rad(34.078749), 2115.0)
    count = len(stations)
    return AntennaArray(
        telescope="VLA",
        names=tuple(f"VA{n:02d}" for n in range(1, count + 1)),
        stations=tuple(stations),
        positions_m=positions,
        diameters_m=np.full(count, 25.0),
    )
