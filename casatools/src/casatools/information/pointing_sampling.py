"""How densely a map was sampled by the pointings of an antenna."""

from __future__ import annotations

import numpy as np

from casatools._base.errors import DataError
from casatools.frames.directions import convert_directions
from casatools.information.pointing import follow_source
from casatools.io.ms import MeasurementSet, Selection

__all__ = ["pointing_sampling"]

# Times between pointings above this many of the usual ones end a row of the raster.
_GAP = 3.0


def pointing_sampling(path: str, frame: str, column: str, antenna: str, moving: str = "") -> tuple[np.ndarray, float]:
    """Distances of pointings along rows of a raster and between rows, and the position angle of the rows.

    Parameters
    ----------
    path : str
        MeasurementSet.
    frame : str
        Direction frame.
    column : str
        Of POINTING.
    antenna : str
        Selection; the first antenna that it names is taken.
    moving : str
        Object that is followed; see `casatools.information.pointing.follow_source`.

    Returns
    -------
    ndarray (2,) [rad], float [rad]
        The second distance is 0 where times tell no rows.

    Raises
    ------
    ParameterError, DataError, SelectionError
        There is no such object, POINTING holds too little for the antenna, or there is no such antenna.
    """
    with MeasurementSet(path) as ms:
        first = int(ms.read("ANTENNA1", Selection(antenna=antenna).resolve(ms).rows[:1])[0])
        table = ms.subtable("POINTING")
        position = np.asarray(ms.metadata.antennas[first].position_m)
    try:
        if column not in table.colnames():
            raise DataError(f"the POINTING sub-table of {path!r} has no column {column!r}")
        own = str(table.getcolkeywords(column).get("MEASINFO", {}).get("Ref", "J2000"))
        rows = np.flatnonzero(np.asarray(table.getcol("ANTENNA_ID")) == first)
        if len(rows) < 3:
            raise DataError(
                f"the POINTING sub-table of {path!r} holds {len(rows)} rows for antenna {first}; sampling needs three"
            )
        times = np.asarray(table.getcol("TIME"))[rows]
        angles = np.asarray(table.getcol(column))[rows, 0, :]
    finally:
        table.close()
    order = np.argsort(times, kind="stable")
    times, angles = times[order], angles[order]
    if own != frame:
        angles = np.stack(convert_directions(angles[:, 0], angles[:, 1], own, frame, times, position), axis=1)
    if moving:
        angles = follow_source(path, moving, angles, times, frame, position)[0]
    lon = np.remainder(angles[:, 0] - angles[0, 0] + np.pi, 2.0 * np.pi) - np.pi
    places = np.stack([lon * np.cos(np.median(angles[:, 1])), angles[:, 1] - angles[0, 1]], axis=1)
    return _raster(places, times)


def _raster(places: np.ndarray, times: np.ndarray) -> tuple[np.ndarray, float]:
    """Sampling of places (pointing, 2) [rad] in the order of their times."""
    steps, waits = np.diff(places, axis=0), np.diff(times)
    breaks = waits > _GAP * np.median(waits)
    along = steps[~breaks]
    lengths = np.hypot(along[:, 0], along[:, 1])
    usual = float(np.median(lengths))
    # Rows go to and fro: their angles are the same but for half a turn. Steps from row to row are not of the usual length or direction.
    doubled = 2.0 * np.arctan2(along[:, 1], along[:, 0])
    angle = 0.5 * float(np.arctan2(np.median(np.sin(doubled)), np.median(np.cos(doubled))))
    if not breaks.any():
        return np.array([usual, 0.0]), angle
    rows = np.split(places, np.flatnonzero(breaks) + 1)
    across = np.array([-np.sin(angle), np.cos(angle)])
    middles = np.array([float(np.median(row @ across)) for row in rows])
    return np.array([usual, float(np.median(np.abs(np.diff(middles))))]), angle
