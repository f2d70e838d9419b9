"""Angles of alt-azimuth feeds against the sky."""

from __future__ import annotations

from typing import Any

import numpy as np

from casatools.frames.baselines import parallactic_angle

__all__ = ["feed_angles"]

_EQUATORIAL = frozenset({"EQUATORIAL", "ORBITING", "BIZARRE", "SPACE-HALCA"})


def feed_angles(
    time_mjd_s: Any, direction: Any, positions_m: np.ndarray, mounts: Any, receptor_angles_rad: Any = 0.0
) -> np.ndarray:
    """Angle of the first receptor of each antenna on the sky: the parallactic angle plus the receptor's own.

    Parameters
    ----------
    time_mjd_s : ndarray (time,) [s]
    direction : Direction, str, dict
    positions_m : ndarray (ant, 3) [m]
        ITRF positions; each antenna has its own parallactic angle.
    mounts : sequence (ant,) of str
        Mounts as in the ANTENNA sub-table; equatorial ones do not turn.
    receptor_angles_rad : float or ndarray (ant,) [rad]

    Returns
    -------
    ndarray (time, ant) float64 [rad]
    """
    times = np.atleast_1d(np.asarray(time_mjd_s, dtype=np.float64))
    antennas = np.asarray(positions_m, dtype=np.float64)
    out = np.zeros((times.size, len(antennas)))
    for k, (place, mount) in enumerate(zip(antennas, mounts, strict=True)):
        if str(mount).upper() not in _EQUATORIAL:
            out[:, k] = parallactic_angle(times, direction, place)
    return out + np.asarray(receptor_angles_rad)
