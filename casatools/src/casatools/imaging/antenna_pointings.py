"""Where antennas pointed at the times of the data, from the POINTING table."""

from __future__ import annotations

from contextlib import closing

import numpy as np

from casatools._base.errors import DataError
from casatools.frames.directions import Direction, angles_of, convert_directions, unit_vectors
from casatools.imaging.visibilities import DataSource
from casatools.io.tables import require_one_shape

__all__ = ["bundle_pointings", "read_pointings"]


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
    ms = source.ms
    if not ms.metadata.has_subtable("POINTING"):
        raise DataError(f"usepointing=True needs a POINTING table, which {ms.path!r} does not have")
    with closing(ms.subtable("POINTING")) as table:
        if not table.nrows():
            raise DataError(f"usepointing=True needs a POINTING table; that of {ms.path!r} is empty")
        require_one_shape(table, "DIRECTION")
        owner, times = (np.asarray(table.getcol(name)) for name in ("ANTENNA_ID", "TIME"))
        angles = np.asarray(table.getcol("DIRECTION"), dtype=np.float64)[:, 0, :]
        own = str(table.getcolkeywords("DIRECTION").get("MEASINFO", {}).get("Ref", "J2000"))
    shape = (len(ms.metadata.antennas), len(source.times_s))
    out = np.full((2, *shape), np.nan)
    for antenna in np.unique(owner[(owner >= 0) & (owner < shape[0])]).tolist():
        rows = np.flatnonzero(owner == antenna)
        rows = rows[np.argsort(times[rows], kind="stable")]
        # In the table's own frame, which antennas are steered in.
        vectors = unit_vectors(angles[rows, 0], angles[rows, 1])
        moved = np.stack([np.interp(source.times_s, times[rows], vectors[:, k]) for k in range(3)], axis=1)
        out[:, antenna] = convert_directions(*angles_of(moved), own, frame, source.times_s, source.position_m)
    return out[0], out[1]


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
