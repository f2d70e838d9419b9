"""Angles of feeds against the sky, which their mounts turn.

References
----------
Thompson, Moran & Swenson 2017, Interferometry and Synthesis in Radio Astronomy, ch. 4 (parallactic angle: the position angle of a mount's first axis);
names of mounts and signs as observed in models that CASA 6.7 corrupted.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from casatools.frames.baselines import geocentric_latitude, hour_angle_declination, zenith_position_angle

__all__ = ["feed_angles", "mount_angles"]

# How much of the elevation turns feeds at the Nasmyth foci.
_NASMYTH = {"ALT-AZ+NASMYTH-R": 1.0, "ALT-AZ+NASMYTH-L": -1.0}


def mount_angles(mount: str, hour_rad: Any, declination_rad: Any, latitude_rad: Any) -> np.ndarray:
    """Angle by which a mount turns its feeds against the sky.

    Parameters
    ----------
    mount : str
        As in the ANTENNA sub-table: alt-azimuth (also without a name), its Nasmyth foci, ``X-Y`` with the first axis east to west; all others, equatorial
        ones among them, do not turn.
    hour_rad, declination_rad, latitude_rad : array_like
        Hour angle and declination of the source, latitude of the antenna; they are broadcast.

    Returns
    -------
    ndarray float64 [rad]
        From north through east.
    """
    kind = mount.upper()
    hour, dec, latitude = np.broadcast_arrays(hour_rad, declination_rad, latitude_rad)
    if kind == "X-Y":
        return np.asarray(np.arctan2(np.cos(hour), np.sin(dec) * np.sin(hour)))
    if kind and not kind.startswith("ALT"):
        return np.zeros(hour.shape)
    angle = zenith_position_angle(hour, dec, latitude)
    if kind in _NASMYTH:
        sine = np.sin(latitude) * np.sin(dec) + np.cos(latitude) * np.cos(dec) * np.cos(hour)
        angle = angle + _NASMYTH[kind] * np.arcsin(np.clip(sine, -1.0, 1.0))
    return np.asarray(angle)


def feed_angles(
    time_mjd_s: Any, direction: Any, positions_m: np.ndarray, mounts: Any, receptor_angles_rad: Any = 0.0
) -> np.ndarray:
    """Angle of the first receptor of each antenna on the sky: that of its mount plus the receptor's own.

    Parameters
    ----------
    time_mjd_s : ndarray (time,) [s]
    direction : Direction, str, dict
    positions_m : ndarray (ant, 3) [m]
        ITRF positions; each antenna has its own parallactic angle.
    mounts : sequence (ant,) of str
        See `mount_angles`.
    receptor_angles_rad : float or ndarray (ant,) [rad]

    Returns
    -------
    ndarray (time, ant) float64 [rad]
    """
    times = np.atleast_1d(np.asarray(time_mjd_s, dtype=np.float64))
    antennas = np.asarray(positions_m, dtype=np.float64)
    out = np.zeros((times.size, len(antennas)))
    for k, (place, mount) in enumerate(zip(antennas, mounts, strict=True)):
        out[:, k] = mount_angles(str(mount), *hour_angle_declination(times, direction, place), geocentric_latitude(place))
    return out + np.asarray(receptor_angles_rad)
