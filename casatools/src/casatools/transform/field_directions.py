"""Phase centres of fields at the times of rows, ephemerides included, and how uvw turn with them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from casatools._base.errors import ParameterError
from casatools.frames.baselines import baseline_uvw
from casatools.frames.directions import Direction, convert_direction, frame_turn
from casatools.frames.ephemeris import ephemeris_directions
from casatools.frames.epochs import utc_seconds
from casatools.frames.observatories import Position, as_position, observatory_position
from casatools.io.ms import MeasurementSet
from casatools.io.ms.ephemerides import field_ephemeris
from casatools.io.ms.metadata import Field

__all__ = ["array_position", "measured_uvw", "phase_centres"]


def phase_centres(ms: MeasurementSet, field: Field, times_s: np.ndarray) -> tuple[np.ndarray, np.ndarray, str]:
    """Longitudes and latitudes [rad] of a field's phase centre at some times of the data's scale, and their frame.

    Notes
    -----
    The directions of a field with an ephemeris are offsets from it, along the parallel and the meridian.
    """
    times = np.asarray(times_s, dtype=np.float64)
    terms = np.asarray(field.phase_dir, dtype=np.float64)
    since = times - field.time_s
    if field.ephemeris_id < 0:
        lon, lat = (sum(terms[k, axis] * since**k for k in range(len(terms))) for axis in (0, 1))
        return np.broadcast_to(lon, times.shape), np.broadcast_to(lat, times.shape), field.phase_frame
    table = field_ephemeris(ms.path, field.ephemeris_id)
    lon, lat = ephemeris_directions(table, utc_seconds(times, ms.time_frame))
    return lon + terms[0, 0] / np.cos(lat), lat + terms[0, 1], table.frame


def array_position(ms: MeasurementSet) -> np.ndarray:
    """ITRF position [m] of the array: the telescope's where it is known, the mean of the antennas otherwise."""
    name = ms.metadata.observations[0].telescope_name if ms.metadata.observations else ""
    try:
        return np.asarray(observatory_position(name).itrf_m)
    except ParameterError:
        return np.mean([a.position_m for a in ms.metadata.antennas], axis=0)


def measured_uvw(ms: MeasurementSet, rows: np.ndarray, directions: Sequence[Direction]) -> np.ndarray:
    """uvw of rows [m] from the positions of the antennas, the direction being that of each row's entry.

    Parameters
    ----------
    ms : MeasurementSet
    rows : ndarray (row,) int64
    directions : sequence of Direction
        One, or one for each row.

    Returns
    -------
    ndarray (row, 3) float64
    """
    positions = np.array([a.position_m for a in ms.metadata.antennas])
    first, second, times = (np.asarray(ms.read(c, rows)) for c in ("ANTENNA1", "ANTENNA2", "TIME"))
    times = utc_seconds(times, ms.time_frame)
    place = as_position(array_position(ms))
    if len(directions) == 1:
        return baseline_uvw(positions, first, second, times, directions[0], place) @ _north(directions[0], times, place).T
    out = np.empty((len(rows), 3))
    distinct, where = np.unique(times, return_inverse=True)
    for k in range(len(distinct)):
        here = np.flatnonzero(np.ravel(where) == k)
        direction = directions[int(here[0])]
        out[here] = (
            baseline_uvw(positions, first[here], second[here], times[here], direction, place)
            @ _north(direction, times[here], place).T
        )
    return out


def _north(direction: Direction, times_s: np.ndarray, place: Position) -> np.ndarray:
    """The turn of casacore's uvw, whose v points north in J2000, to the frame of a direction."""
    if direction.frame in ("J2000", "ICRS") or direction.is_moving or not len(times_s):
        return np.eye(3)
    when = float(times_s[0])
    return frame_turn(convert_direction(direction, "J2000", when, place), direction.frame, when, place.itrf_m)[1]
