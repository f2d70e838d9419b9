"""The ionosphere: electron columns along the lines of sight, from maps, and what they do to the visibilities.

A thin shell at 450 km is pierced by the straight line from each antenna to the source; the vertical column there, over the sine of the elevation, is
the column along the line. It delays by ``40.308 N / (c nu^2)`` and turns polarization by ``2.3648e4 N B / nu^2`` (SI units), B being the field along
the line at the shell, positive towards the antenna.

References
----------
Thompson, Moran & Swenson 2017, Interferometry and Synthesis in Radio Astronomy, ch. 14.1; Erickson et al. 2001, Experimental Astronomy 11, 1
(maps of GPS receivers for the VLA). Height, mapping and signs as observed in what CASA 6.7 writes and applies.
"""

from __future__ import annotations

import numpy as np

from casatools._base.constants import SPEED_OF_LIGHT_M_S
from casatools._base.errors import DataError
from casatools.calibration.sky_geometry import SkyGeometry
from casatools.io.formats.ionex import ElectronMaps

__all__ = ["column_at", "faraday_angles", "ionosphere_delays", "ionosphere_matrices", "pierce_points"]

HEIGHT_M = 450e3
TECU = 1e16
# e^2 / (8 pi^2 eps0 m) [m3 s-2] and e^3 / (8 pi^2 eps0 m^2 c) [rad m2 s-2 T-1].
_DELAY, _ROTATION = 40.308193, 23647.98


def pierce_points(sky: SkyGeometry, times_s: np.ndarray, fields: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where lines of sight pierce the shell, a sphere above each antenna.

    Returns
    -------
    place_m : ndarray (slot, ant, 3)
        ITRF.
    toward : ndarray (slot, 3)
        Unit vectors to the source, ITRF.
    elevation_rad : ndarray (slot, ant)
    """
    toward = sky.directions_itrf(times_s, fields)
    elevation = sky.elevations(times_s, fields)
    position = sky.positions_m[None]
    radius = np.linalg.norm(position, axis=-1)
    up = np.einsum("xak,sk->sa", position, toward)
    away = np.sqrt(up**2 + HEIGHT_M * (2 * radius + HEIGHT_M)) - up
    return position + away[:, :, None] * toward[:, None, :], toward, elevation


def column_at(maps: ElectronMaps, time_s: np.ndarray, place_m: np.ndarray) -> np.ndarray:
    """Vertical columns [electrons / m2] at times (slot,) and places (slot, ant, 3), linear between maps and grid points.

    Raises
    ------
    DataError
        The maps do not cover a time or a place.
    """
    if time_s.min() < maps.time_s[0] - 1.0 or time_s.max() > maps.time_s[-1] + 1.0:
        days = [t / 86400.0 for t in (maps.time_s[0], maps.time_s[-1], time_s.min(), time_s.max())]
        raise DataError(
            f"the maps of the ionosphere are from MJD {days[0]:.3f} to {days[1]:.3f}; the data are from {days[2]:.3f} to {days[3]:.3f}"
        )
    lat = np.rad2deg(np.arctan2(place_m[..., 2], np.hypot(place_m[..., 0], place_m[..., 1])))
    lon = np.rad2deg(np.arctan2(place_m[..., 1], place_m[..., 0]))
    lon = maps.lon_deg[0] + np.remainder(lon - maps.lon_deg[0], 360.0)
    low = [
        _bracket(grid, at)
        for grid, at in ((maps.time_s, np.broadcast_to(time_s[:, None], lat.shape)), (maps.lat_deg, lat), (maps.lon_deg, lon))
    ]
    total = np.zeros(lat.shape)
    for corner in np.ndindex(2, 2, 2):
        weight, index = np.ones(lat.shape), []
        for (start, share), step, size in zip(low, corner, maps.tecu.shape, strict=True):
            weight = weight * (share if step else 1.0 - share)
            index.append(np.minimum(start + step, size - 1))
        total += np.where(weight > 0, weight * maps.tecu[tuple(index)], 0.0)
    if not np.isfinite(total).all():
        raise DataError("the maps of the ionosphere have no values where the lines of sight pierce it")
    return total * TECU


def _bracket(grid: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Grid point before, and share of the next one."""
    if len(grid) == 1:
        return np.zeros(at.shape, dtype=int), np.zeros(at.shape)
    slack = 0.5 * np.median(np.diff(grid))
    if at.min() < grid[0] - slack or at.max() > grid[-1] + slack:
        raise DataError(
            f"the maps of the ionosphere reach from {grid[0]:g} to {grid[-1]:g}; {at.min():g} to {at.max():g} are needed"
        )
    start = np.clip(np.searchsorted(grid, at, side="right") - 1, 0, len(grid) - 2)
    return start, np.clip((at - grid[start]) / (grid[start + 1] - grid[start]), 0.0, 1.0)


def ionosphere_delays(column: np.ndarray, frequency_hz: np.ndarray) -> np.ndarray:
    """Phases (..., chan) [rad] of columns (...) [electrons / m2]; the visibilities of an antenna lag by them."""
    return 2 * np.pi * _DELAY / SPEED_OF_LIGHT_M_S * column[..., None] / np.asarray(frequency_hz)


def faraday_angles(column: np.ndarray, toward_t: np.ndarray, frequency_hz: np.ndarray) -> np.ndarray:
    """Turns (..., chan) [rad] of the position angle of polarization by columns (...) in fields (...) [T] towards the antenna."""
    return _ROTATION * (column * toward_t)[..., None] / np.square(np.asarray(frequency_hz))


def ionosphere_matrices(
    column: np.ndarray,
    sky: SkyGeometry,
    times_s: np.ndarray,
    fields: np.ndarray,
    frequency_hz: np.ndarray,
    circular: bool,
    inverse: bool,
) -> np.ndarray:
    """Matrices of columns (slot, ant) [electrons / m2]: (slot, ant, chan, 2) for circular feeds, (slot, ant, chan, 2, 2) for linear ones.

    Raises
    ------
    DataError
        There are no coefficients of the Earth's magnetic field.
    """
    from casatools.frames.magnetic_field import earth_field

    place, toward, _ = pierce_points(sky, times_s, fields)
    field = earth_field(place.reshape(-1, 3), float(np.mean(times_s)) / 86400.0).reshape(place.shape)
    angle = faraday_angles(column, -np.einsum("sak,sk->sa", field, toward), frequency_hz)
    sign = 1.0 if inverse else -1.0
    lag = np.exp(1j * sign * ionosphere_delays(column, frequency_hz))
    if circular:
        turn = np.exp(-1j * sign * angle)
        return np.stack([lag * turn, lag * np.conj(turn)], axis=-1)
    cosine, sine = np.cos(angle), -sign * np.sin(angle)
    matrix = np.stack([np.stack([cosine, -sine], axis=-1), np.stack([sine, cosine], axis=-1)], axis=-2)
    return np.asarray(lag[..., None, None] * matrix)
