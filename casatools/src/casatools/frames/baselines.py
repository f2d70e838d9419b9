"""Geometry of an array while the Earth turns: uvw, hour angle, elevation and parallactic angle at many times."""

from __future__ import annotations

from typing import Any

import numpy as np

from casatools._base.errors import ParameterError
from casatools.frames.directions import Direction, convert_direction, parse_direction
from casatools.frames.engine import make_engine
from casatools.frames.interpolation import earth_rotation_rad, on_nodes
from casatools.frames.observatories import as_position

__all__ = [
    "antenna_uvw", "azimuth_elevation", "baseline_uvw", "geocentric_latitude", "hour_angle_declination", "parallactic_angle", "uvw_matrix",
    "zenith_position_angle",
]  # fmt: skip

# Once the turning is taken out, what is left (aberration, nutation) changes by 1e-8 rad in this time, smoothly.
_NODE_STEP_S = 1800.0


def _turn(angle_rad: np.ndarray) -> np.ndarray:
    """Rotations about the z axis (..., 3, 3)."""
    c, s = np.cos(angle_rad), np.sin(angle_rad)
    out = np.zeros((*np.shape(angle_rad), 3, 3))
    out[..., 0, 0] = out[..., 1, 1] = c
    out[..., 0, 1], out[..., 1, 0] = -s, s
    out[..., 2, 2] = 1.0
    return out


def uvw_matrix(epoch_mjd_s: Any, direction: Any, position: Any) -> np.ndarray:
    """Matrices that turn ITRF baselines into J2000 uvw.

    Parameters
    ----------
    epoch_mjd_s : float or ndarray (time,) [s]
        UTC.
    direction : Direction, str, dict
        Phase centre (fixed on the sky, or a planet).
    position : Position, str, ndarray (3,)
        Place of the array.

    Returns
    -------
    ndarray (time, 3, 3) or (3, 3) float64

    Notes
    -----
    CASA's convention: w points to the phase centre, v to the north of its frame, u to the east. Precession,
    nutation, aberration and Earth orientation are casacore's, exact on nodes and interpolated between them.
    """
    sky = parse_direction(direction)
    itrf = as_position(position).itrf_m
    times = np.atleast_1d(np.asarray(epoch_mjd_s, dtype=np.float64))
    start = float(times.ravel()[0])

    def still(epoch: float) -> np.ndarray:
        return _uvw_matrix_at(epoch, sky, itrf) @ _turn(-_turned(epoch, start))

    fixed = on_nodes(times.ravel(), still, _NODE_STEP_S)
    out = fixed @ _turn(_turned(times.ravel(), start))
    return out[0] if np.ndim(epoch_mjd_s) == 0 else out.reshape((*times.shape, 3, 3))


def _turned(epoch: Any, start: float) -> Any:
    return earth_rotation_rad(np.asarray(epoch)) - earth_rotation_rad(np.asarray(start))


def _uvw_matrix_at(epoch: float, sky: Direction, itrf: np.ndarray) -> np.ndarray:
    if sky.is_moving:
        sky = convert_direction(sky, "J2000", epoch, itrf)
    engine = make_engine(epoch, itrf, (sky.lon_rad, sky.lat_rad, sky.frame))
    axes = {
        "type": "baseline",
        "refer": "ITRF",
        "m0": {"value": np.array([0.0, np.pi / 2, 0.0]), "unit": "rad"},
        "m1": {"value": np.array([0.0, 0.0, np.pi / 2]), "unit": "rad"},
        "m2": {"value": np.ones(3), "unit": "m"},
    }
    columns = np.asarray(engine.to_uvw(axes)["xyz"].get_value(), dtype=np.float64).reshape(3, 3)
    return columns.T


def antenna_uvw(positions_m: np.ndarray, epoch_mjd_s: Any, direction: Any, position: Any = None) -> np.ndarray:
    """uvw of antennas relative to the array's place.

    Parameters
    ----------
    positions_m : ndarray (ant, 3) [m]
        ITRF positions.
    epoch_mjd_s : float or ndarray (time,) [s]
    direction : Direction, str, dict
    position : optional
        Origin; the mean of the antennas when not given.

    Returns
    -------
    ndarray (time, ant, 3) or (ant, 3) float64 [m]
    """
    antennas = np.asarray(positions_m, dtype=np.float64)
    if antennas.ndim != 2 or antennas.shape[1] != 3:
        raise ParameterError(f"antenna positions must have the shape (antenna, 3); got {antennas.shape}")
    origin = antennas.mean(axis=0) if position is None else as_position(position).itrf_m
    matrices = uvw_matrix(epoch_mjd_s, direction, origin)
    return (antennas - origin) @ np.swapaxes(matrices, -1, -2)


def baseline_uvw(
    positions_m: np.ndarray,
    antenna1: np.ndarray,
    antenna2: np.ndarray,
    time_mjd_s: np.ndarray,
    direction: Any,
    position: Any = None,
) -> np.ndarray:
    """uvw of rows of a MeasurementSet: ANTENNA1 minus ANTENNA2, as the MeasurementSets that CASA writes have it.

    Parameters
    ----------
    positions_m : ndarray (ant, 3) [m]
    antenna1, antenna2 : ndarray (row,) int
    time_mjd_s : ndarray (row,) [s]
    direction : Direction, str, dict
    position : optional
        Place of the array; the mean of the antennas when not given.

    Returns
    -------
    ndarray (row, 3) float64 [m]
    """
    times, inverse = np.unique(np.asarray(time_mjd_s, dtype=np.float64), return_inverse=True)
    uvw = antenna_uvw(positions_m, times, direction, position)
    return uvw[inverse, antenna1] - uvw[inverse, antenna2]


def hour_angle_declination(epoch_mjd_s: Any, direction: Any, position: Any) -> tuple[np.ndarray, np.ndarray]:
    """Apparent hour angle and declination [rad] of a direction at many times.

    Parameters
    ----------
    epoch_mjd_s : float or ndarray (time,) [s]
    direction : Direction, str, dict
    position : Position, str, ndarray (3,)

    Returns
    -------
    hour_angle_rad, declination_rad : ndarray (time,)
        Hour angles from -pi to pi.
    """
    sky = parse_direction(direction)
    itrf = as_position(position).itrf_m
    times = np.atleast_1d(np.asarray(epoch_mjd_s, dtype=np.float64))
    start = float(times.ravel()[0])

    def still(epoch: float) -> np.ndarray:
        local = convert_direction(sky, "HADEC", epoch, itrf)
        angle = local.lon_rad - float(_turned(epoch, start))
        cos_dec = np.cos(local.lat_rad)
        return np.array([cos_dec * np.cos(angle), cos_dec * np.sin(angle), np.sin(local.lat_rad)])

    # The hour angle is left-handed: it grows as the Earth turns.
    x, y, z = on_nodes(times.ravel(), still, _NODE_STEP_S).T
    hour_angle = np.arctan2(y, x) + _turned(times.ravel(), start)
    hour_angle = np.remainder(hour_angle + np.pi, 2 * np.pi) - np.pi
    declination = np.arctan2(z, np.hypot(x, y))
    shape = np.shape(epoch_mjd_s)
    return hour_angle.reshape(shape), declination.reshape(shape)


def azimuth_elevation(epoch_mjd_s: Any, direction: Any, position: Any) -> tuple[np.ndarray, np.ndarray]:
    """Azimuth (north through east, -pi to pi) and elevation [rad] at many times; without refraction, as CASA's AZEL."""
    hour_angle, declination = hour_angle_declination(epoch_mjd_s, direction, position)
    latitude = geocentric_latitude(position)
    sin_el = np.sin(latitude) * np.sin(declination) + np.cos(latitude) * np.cos(declination) * np.cos(hour_angle)
    north = np.cos(latitude) * np.sin(declination) - np.sin(latitude) * np.cos(declination) * np.cos(hour_angle)
    east = -np.cos(declination) * np.sin(hour_angle)
    return np.arctan2(east, north), np.arctan2(sin_el, np.hypot(north, east))


def parallactic_angle(epoch_mjd_s: Any, direction: Any, position: Any) -> np.ndarray:
    """Parallactic angle [rad]: position angle of the zenith seen from the direction, -pi to pi, at many times."""
    hour_angle, declination = hour_angle_declination(epoch_mjd_s, direction, position)
    return zenith_position_angle(hour_angle, declination, geocentric_latitude(position))


def zenith_position_angle(hour_rad: Any, declination_rad: Any, latitude_rad: Any) -> np.ndarray:
    """Position angle [rad] of the zenith, from north through east, of sources at hour angles and declinations seen from latitudes."""
    up = np.sin(latitude_rad) * np.cos(declination_rad) - np.cos(latitude_rad) * np.sin(declination_rad) * np.cos(hour_rad)
    return np.asarray(np.arctan2(np.cos(latitude_rad) * np.sin(hour_rad), up))


def geocentric_latitude(position: Any) -> float:
    """Latitude that casacore's AZEL uses: see the module's test against the reference."""
    return as_position(position).geocentric_latitude_rad
