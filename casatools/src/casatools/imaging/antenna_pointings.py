"""Where antennas pointed at the times of the data, from the POINTING table."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np

from casatools._base.errors import DataError
from casatools.frames.directions import Direction, angles_of, convert_directions, unit_vectors
from casatools.imaging.visibilities import DataSource
from casatools.io.tables import require_one_shape

if TYPE_CHECKING:
    from casatools.io.ms import MeasurementSet

__all__ = ["bundle_pointings", "pointing_tracks", "read_pointings"]


def read_pointings(source: DataSource, frame: str) -> tuple[np.ndarray, np.ndarray]:
    """Directions of all antennas at all times of the selected data: between the two nearest entries of an antenna, and its first or last one outside.

    Parameters
    ----------
    source : DataSource
    frame : str
        Direction frame asked for.

    Returns
    -------
    lon_rad, lat_rad : ndarray (antenna, time)
        The times are ``source.times_s``. NaN for antennas without entries.

    Raises
    ------
    DataError
        There is no POINTING table, or it is empty.
    """
    return pointing_tracks(source.ms, source.times_s, source.position_m, frame, why="usepointing=True")


def pointing_tracks(
    ms: MeasurementSet, times_s: np.ndarray, position_m: np.ndarray, frame: str, interpolation: str = "linear", why: str = "this"
) -> tuple[np.ndarray, np.ndarray]:
    """Directions of all antennas at some times, from the POINTING table.

    Parameters
    ----------
    ms : MeasurementSet
    times_s : ndarray (time,) [s]
    position_m : ndarray (3,) [m]
        Place of the array.
    frame : str
        Direction frame asked for.
    interpolation : str
        ``linear``, ``nearest`` or ``cubic`` (a spline, which needs four entries of an antenna and is linear with fewer).
    why : str
        What needs the table, for the error.

    Returns
    -------
    lon_rad, lat_rad : ndarray (antenna, time)
        NaN for antennas without entries; outside of its entries an antenna has its first or last one.

    Raises
    ------
    DataError
        There is no POINTING table, or it is empty.
    """
    if not ms.metadata.has_subtable("POINTING"):
        raise DataError(f"{why} needs a POINTING table, which {ms.path!r} does not have")
    with closing(ms.subtable("POINTING")) as table:
        if not table.nrows():
            raise DataError(f"{why} needs a POINTING table; that of {ms.path!r} is empty")
        require_one_shape(table, "DIRECTION")
        owner, times = (np.asarray(table.getcol(name)) for name in ("ANTENNA_ID", "TIME"))
        angles = np.asarray(table.getcol("DIRECTION"), dtype=np.float64)[:, 0, :]
        own = str(table.getcolkeywords("DIRECTION").get("MEASINFO", {}).get("Ref", "J2000"))
    shape = (len(ms.metadata.antennas), len(times_s))
    out = np.full((2, *shape), np.nan)
    for antenna in np.unique(owner[(owner >= 0) & (owner < shape[0])]).tolist():
        rows = np.flatnonzero(owner == antenna)
        rows = rows[np.unique(times[rows], return_index=True)[1]]
        # In the table's own frame, which antennas are steered in.
        vectors = unit_vectors(angles[rows, 0], angles[rows, 1])
        moved = _between(times_s, times[rows], vectors, interpolation)
        out[:, antenna] = convert_directions(*angles_of(moved), own, frame, times_s, position_m)
    return out[0], out[1]


def _between(wanted_s: np.ndarray, times_s: np.ndarray, vectors: np.ndarray, interpolation: str) -> np.ndarray:
    """Vectors (wanted, 3) from those (time, 3) at ascending times."""
    inside = np.clip(wanted_s, times_s[0], times_s[-1])
    if interpolation == "nearest":
        middle = 0.5 * (times_s[1:] + times_s[:-1])
        return np.asarray(vectors[np.searchsorted(middle, inside)])
    if interpolation == "cubic" and len(times_s) > 3:
        from scipy.interpolate import CubicSpline

        return np.asarray(CubicSpline(times_s, vectors)(inside))
    return np.stack([np.interp(inside, times_s, vectors[:, k]) for k in range(3)], axis=1)


def bundle_pointings(
    lon_rad: np.ndarray, lat_rad: np.ndarray, centre: Direction, step_rad: float
) -> tuple[np.ndarray, list[Direction]]:
    """Bring directions that lie within cells of a size together.

    Parameters
    ----------
    lon_rad, lat_rad : ndarray of any shape
        NaN where there is none.
    centre : Direction
        In their frame; the cells are squares about it.
    step_rad : float

    Returns
    -------
    numbers : ndarray of int64
        Of the shape of the directions; -1 where there is none.
    directions : list of Direction
        The mean of each cell.
    """
    numbers = np.full(np.shape(lon_rad), -1, dtype=np.int64)
    good = np.isfinite(lon_rad)
    vectors = unit_vectors(lon_rad[good], lat_rad[good])
    if not len(vectors):
        return numbers, []
    east = unit_vectors(np.array([centre.lon_rad + 0.5 * np.pi]), np.array([0.0]))[0]
    north = np.cross(unit_vectors(np.array([centre.lon_rad]), np.array([centre.lat_rad]))[0], east)
    cells = np.stack([np.rint(vectors @ axis / step_rad).astype(np.int64) for axis in (east, north)], axis=1)
    _, inverse = np.unique(cells, axis=0, return_inverse=True)
    inverse = inverse.reshape(-1)
    numbers[good] = inverse
    sums = np.stack([np.bincount(inverse, weights=vectors[:, k]) for k in range(3)], axis=1)
    lon, lat = angles_of(sums / np.linalg.norm(sums, axis=1, keepdims=True))
    return numbers, [Direction(float(a), float(b), centre.frame) for a, b in zip(lon, lat, strict=True)]
