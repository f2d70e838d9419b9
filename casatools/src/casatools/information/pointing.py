"""Where antennas point at the time of a row of the main table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from casatools._base.errors import DataError, ParameterError
from casatools.frames.directions import convert_directions
from casatools.imaging.tracking import offsets_about, track_of
from casatools.io.ms import MeasurementSet

__all__ = ["RowPointing", "follow_source", "map_extent", "pointing_of_row"]


@dataclass(frozen=True)
class RowPointing:
    """Antennas of a row, their (2,) directions in radian, the frame and the time in MJD seconds."""

    antennas: tuple[int, int]
    directions: tuple[np.ndarray, np.ndarray]
    frame: str
    time_s: float


def pointing_of_row(path: str, row: int, interpolate: bool = False) -> RowPointing:
    """Pointings of the two antennas of a row: the nearest in time, or interpolated between the two about it.

    Raises
    ------
    DataError
        POINTING holds nothing for an antenna.
    """
    at = np.array([row])
    with MeasurementSet(path) as ms:
        antennas = (int(ms.read("ANTENNA1", at)[0]), int(ms.read("ANTENNA2", at)[0]))
        time_s = float(ms.read("TIME", at)[0])
        table = ms.subtable("POINTING")
    try:
        if not table.nrows():
            raise DataError(f"the POINTING sub-table of {path!r} is empty")
        owner, times = np.asarray(table.getcol("ANTENNA_ID")), np.asarray(table.getcol("TIME"))
        frame = str(table.getcolkeywords("DIRECTION").get("MEASINFO", {}).get("Ref", "J2000"))
        directions = []
        for antenna in antennas:
            rows = np.flatnonzero(owner == antenna)
            if not len(rows):
                raise DataError(f"POINTING of {path!r} holds nothing for antenna {antenna}")
            near = rows[np.argsort(np.abs(times[rows] - time_s), kind="stable")[:2]]
            angles = [np.ravel(table.getcell("DIRECTION", int(r)))[:2] for r in near]
            if interpolate and len(near) == 2 and times[near[1]] != times[near[0]]:
                part = (time_s - times[near[0]]) / (times[near[1]] - times[near[0]])
                angles[0] = angles[0] + part * (angles[1] - angles[0])
            directions.append(angles[0])
    finally:
        table.close()
    return RowPointing(antennas, (directions[0], directions[1]), frame, time_s)


def follow_source(
    path: str, name: str, angles_rad: np.ndarray, times_s: np.ndarray, frame: str, position_m: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Directions as they are about an object that moves, which stays where it was at the first time.

    Parameters
    ----------
    path : str
        MeasurementSet.
    name : str
        Planet, table of an ephemeris, or TRACKFIELD for the ephemeris of the first field that has one.
    angles_rad : ndarray (n, 2)
        Longitudes and latitudes in the frame.
    times_s : ndarray (n,)
    frame : str
    position_m : ndarray (3,)
        Of the observer.

    Returns
    -------
    ndarray (n, 2), ndarray (2,) [rad]
        The directions, and where the object was at the first time.

    Raises
    ------
    ParameterError
        There is no such object.
    """
    with MeasurementSet(path) as ms:
        field = next((number for number, f in enumerate(ms.metadata.fields) if f.ephemeris_id >= 0), 0)
        track = track_of(name, field)
        if track is None:
            raise ParameterError(f"a moving source must be a planet, a table of an ephemeris or TRACKFIELD; got {name!r}")
        distinct, which = np.unique(times_s, return_inverse=True)
        there = [track.direction(ms, float(t), position_m, frame) for t in distinct]
    first = there[0]
    return offsets_about(angles_rad, [there[k] for k in which.ravel()], first), np.array([first.lon_rad, first.lat_rad])


def map_extent(path: str, frame: str = "J2000", column: str = "DIRECTION", moving: str = "") -> dict[str, np.ndarray]:
    """The corners and the size of what antennas were pointed at.

    Parameters
    ----------
    path : str
        MeasurementSet.
    frame : str
        Direction frame of the corners.
    column : str
        Of POINTING.
    moving : str
        Object that is followed; see `follow_source`.

    Returns
    -------
    dict of ndarray (2,)
        ``center``, ``blc``, ``trc`` [rad] with the smaller longitude first (of an object that moves: where it is at the first time, and offsets from there), and ``extent`` [rad], longitudes times the cosine of the centre's latitude.

    Raises
    ------
    ParameterError, DataError
        POINTING is empty or lacks the column, or there is no such object.
    """
    with MeasurementSet(path) as ms:
        table = ms.subtable("POINTING")
        position = np.asarray(ms.metadata.antennas[0].position_m)
    try:
        if not table.nrows() or column not in table.colnames():
            raise DataError(f"the POINTING sub-table of {path!r} is empty or has no column {column!r}")
        own = str(table.getcolkeywords(column).get("MEASINFO", {}).get("Ref", "J2000"))
        angles = np.asarray(table.getcol(column))[:, 0, :]
        times = np.asarray(table.getcol("TIME"))
    finally:
        table.close()
    if own != frame:
        angles = np.stack(convert_directions(angles[:, 0], angles[:, 1], own, frame, times, position), axis=1)
    if moving:
        angles, source = follow_source(path, moving, angles, times, frame, position)
    # Longitudes about that of the first pointing do not wrap.
    first = float(angles[0, 0])
    lon = first + np.remainder(angles[:, 0] - first + np.pi, 2.0 * np.pi) - np.pi
    blc, trc = np.array([lon.min(), angles[:, 1].min()]), np.array([lon.max(), angles[:, 1].max()])
    center = 0.5 * (blc + trc)
    if moving:
        # As in CASA, corners are offsets from the object then.
        blc, trc, center = blc - source, trc - source, source
    return {"blc": blc, "trc": trc, "center": center, "extent": (trc - blc) * np.array([np.cos(center[1]), 1.0])}
