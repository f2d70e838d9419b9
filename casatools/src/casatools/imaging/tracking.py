"""What moves over the sky and stays in the middle of the image: a field along its ephemeris, a planet, or an object of a table of positions.

Notes
-----
The image's centre is where the object is at the first time that is selected; data of other times are moved to where it is then, so that the object stays and
the sky behind it smears.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from casatools._base.errors import ParameterError
from casatools.frames.directions import PLANETS, Direction, convert_direction, source_direction
from casatools.frames.ephemeris import ephemeris_directions
from casatools.frames.epochs import utc_seconds
from casatools.frames.observatories import Position
from casatools.io.ms import MeasurementSet
from casatools.io.ms.ephemerides import EphemerisTable, read_ephemeris
from casatools.io.tables import is_table
from casatools.transform.field_directions import phase_centres
from casatools.transform.moving_sources import source_factor

__all__ = ["Track", "offsets_about", "source_frame_factor", "track_of"]


@dataclass(frozen=True)
class Track:
    """An object that the image follows.

    Attributes
    ----------
    field_id : int
        Of the MeasurementSet, whose PHASE_DIR or ephemeris is followed; -1 for none.
    planet : Direction, optional
    table : EphemerisTable, optional
    """

    field_id: int = -1
    planet: Direction | None = None
    table: EphemerisTable | None = None

    def direction(self, ms: MeasurementSet, time_s: float, position_m: np.ndarray, frame: str = "") -> Direction:
        """Where it is at a time of the data's scale, in a frame; J2000 or the frame of its table by default.

        Raises
        ------
        DataError
            Its table does not hold the time.
        """
        utc_s = float(utc_seconds(time_s, ms.time_frame))
        if self.planet is not None:
            return convert_direction(self.planet, frame or "J2000", utc_s, position_m)
        if self.table is not None:
            lon, lat = ephemeris_directions(self.table, np.array([utc_s]))
            found = Direction(float(lon[0]), float(lat[0]), self.table.frame)
        else:
            lon, lat, own = phase_centres(ms, ms.metadata.fields[self.field_id], np.array([time_s]))
            found = Direction(float(lon[0]), float(lat[0]), own)
        return found if frame in ("", found.frame) else convert_direction(found, frame, utc_s, position_m)


def track_of(text: object, field_id: int) -> Track | None:
    """What a phase centre that is a name follows; None for a place at rest.

    Parameters
    ----------
    text : object
        ``"TRACKFIELD"``, a planet, or the path of a table of an ephemeris.
    field_id : int
        The first field that is selected.

    Raises
    ------
    DataError
        A table is not one of an ephemeris.
    """
    if not isinstance(text, str):
        return None
    name = text.strip()
    if name.upper() == "TRACKFIELD":
        return Track(field_id)
    if name.upper() in PLANETS:
        return Track(planet=source_direction(name))
    if os.path.isdir(name) and is_table(name):
        return Track(table=read_ephemeris(name, needs_velocity=False))
    return None


def source_frame_factor(
    ms: MeasurementSet, own: str, field_id: int, track: Track | None, position: Position
) -> Callable[[np.ndarray], np.ndarray]:
    """Times [s] to frequencies in the frame of the moving object over those in the data's frame.

    Raises
    ------
    ParameterError
        Nothing tells its radial velocity.
    """
    if track is not None and track.table is not None:
        if not np.isfinite(track.table.radial_au_d).all():
            raise ParameterError(
                f"tclean: the ephemeris of {track.table.name or 'phasecenter'} has no radial velocities, which the frame of the source needs"
            )
        return source_factor(ms, own, None, position, track.table)
    found = ms.metadata.fields[field_id]
    if found.ephemeris_id < 0:
        raise ParameterError(
            "tclean: specmode='cubesource' and outframe='SOURCE' or 'REST' need the radial velocity of the source: a first field with an ephemeris,"
            f" or a table of one as phasecenter; field {field_id} has none"
        )
    return source_factor(ms, own, found, position)


def offsets_about(angles_rad: np.ndarray, there: Sequence[Direction], first: Direction) -> np.ndarray:
    """Directions as they are about an object that moves, which stays where it was first.

    Parameters
    ----------
    angles_rad : ndarray (n, 2)
        Longitudes and latitudes.
    there : sequence of Direction (n,)
        Where the object was, in the same frame.
    first : Direction
        Where it stays.

    Returns
    -------
    ndarray (n, 2) [rad]

    Notes
    -----
    Offsets from the object are kept along the parallel and the meridian: those in longitude are as long on the sky where the object was.
    """
    lon, lat = (np.array([getattr(d, part) for d in there]) for part in ("lon_rad", "lat_rad"))
    east = np.remainder(angles_rad[:, 0] - lon + np.pi, 2.0 * np.pi) - np.pi
    away = np.stack([east * np.cos(lat) / np.cos(first.lat_rad), angles_rad[:, 1] - lat], axis=1)
    return np.asarray(away + np.array([first.lon_rad, first.lat_rad]))
