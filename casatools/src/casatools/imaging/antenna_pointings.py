"""Where antennas pointed at the times of the data, from the POINTING table."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from casatools._base.errors import DataError
from casatools.frames.directions import Direction, angles_of, convert_directions, unit_vectors
from casatools.frames.epochs import utc_seconds
from casatools.imaging.visibilities import DataSource
from casatools.io.tables import require_one_shape

if TYPE_CHECKING:
    from casatools.io.ms import MeasurementSet

__all__ = ["PointingEntries", "bundle_pointings", "pointing_entries", "pointing_tracks", "read_pointings"]


@dataclass(frozen=True)
class PointingEntries:
    """A column of the POINTING table.

    Attributes
    ----------
    antenna : ndarray (entry,) int
    time_s, interval_s : ndarray (entry,) float64
    angles_rad : ndarray (entry, 2) float64
    frame : str
        Of the angles.
    """

    antenna: np.ndarray
    time_s: np.ndarray
    interval_s: np.ndarray
    angles_rad: np.ndarray
    frame: str

    def of(self, antenna: int) -> np.ndarray:
        """Numbers of the entries of an antenna in the order of their times, one of each time."""
        rows = np.flatnonzero(self.antenna == antenna)
        return np.asarray(rows[np.unique(self.time_s[rows], return_index=True)[1]])

    def at(self, rows: np.ndarray, times_s: np.ndarray, interpolation: str) -> tuple[np.ndarray, np.ndarray]:
        """Longitudes and latitudes [rad] at some times from the entries `rows` of an antenna; its first or last one outside of them."""
        vectors = unit_vectors(self.angles_rad[rows, 0], self.angles_rad[rows, 1])
        return angles_of(_between(times_s, self.time_s[rows], vectors, interpolation))


def pointing_entries(ms: MeasurementSet, column: str = "DIRECTION", why: str = "this") -> PointingEntries:
    """A column of the POINTING table.

    Parameters
    ----------
    ms : MeasurementSet
    column : str
    why : str
        What needs the table, for the error.

    Raises
    ------
    DataError
        There is no POINTING table, it is empty or lacks the column.
    """
    if not ms.metadata.has_subtable("POINTING"):
        raise DataError(f"{why} needs a POINTING table, which {ms.path!r} does not have")
    with closing(ms.subtable("POINTING")) as table:
        if not table.nrows():
            raise DataError(f"{why} needs a POINTING table; that of {ms.path!r} is empty")
        if column not in table.colnames():
            raise DataError(f"the POINTING sub-table of {ms.path!r} has no column {column!r}")
        require_one_shape(table, column)
        owner, times, intervals = (np.asarray(table.getcol(name)) for name in ("ANTENNA_ID", "TIME", "INTERVAL"))
        angles = np.asarray(table.getcol(column), dtype=np.float64)[:, 0, :]
        frame = str(table.getcolkeywords(column).get("MEASINFO", {}).get("Ref", "J2000"))
    return PointingEntries(owner, times, intervals, angles, frame)


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
    entries = pointing_entries(ms, why=why)
    shape = (len(ms.metadata.antennas), len(times_s))
    out = np.full((2, *shape), np.nan)
    for antenna in np.unique(entries.antenna[(entries.antenna >= 0) & (entries.antenna < shape[0])]).tolist():
        # In the table's own frame, which antennas are steered in.
        moved = entries.at(entries.of(antenna), times_s, interpolation)
        out[:, antenna] = convert_directions(*moved, entries.frame, frame, utc_seconds(times_s, ms.time_frame), position_m)
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
