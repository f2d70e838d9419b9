"""Where single dishes pointed when their spectra were taken."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from casatools._base.errors import ParameterError
from casatools.frames.directions import convert_directions
from casatools.imaging.antenna_pointings import PointingEntries, pointing_entries
from casatools.imaging.tracking import offsets_about
from casatools.imaging.visibilities import DataSource

__all__ = ["POINTING_COLUMNS", "RowPlaces", "row_places"]

POINTING_COLUMNS = ("DIRECTION", "TARGET", "ENCODER", "POINTING_OFFSET", "SOURCE_OFFSET")
# Offsets have no frame of their own.
_OFFSETS = ("POINTING_OFFSET", "SOURCE_OFFSET")


@dataclass(frozen=True)
class RowPlaces:
    """Directions of antennas at the times of the data.

    Attributes
    ----------
    antennas : ndarray (antenna,) int64
        Ascending.
    times_s : ndarray (time,) float64
        Ascending.
    angles_rad : ndarray (antenna, time, 2)
        In the frame of the image; NaN where nothing tells it.
    """

    antennas: np.ndarray
    times_s: np.ndarray
    angles_rad: np.ndarray

    def of_rows(self, antenna: np.ndarray, time_s: np.ndarray) -> np.ndarray:
        """Directions (row, 2) of rows."""
        return np.asarray(self.angles_rad[np.searchsorted(self.antennas, antenna), np.searchsorted(self.times_s, time_s)])


def row_places(source: DataSource, column: str, frame: str) -> RowPlaces:
    """Where the first antenna of each selected row points.

    Parameters
    ----------
    source : DataSource
    column : str
        Of the POINTING table.
    frame : str
        Direction frame of the image.

    Raises
    ------
    ParameterError, DataError
        There is no such column of POINTING.

    Notes
    -----
    The nearest entry of the antenna counts, or a spline through the entries where they are further apart than the data; data are used whose interval meets
    that of the nearest entry.
    """
    if column.upper() not in POINTING_COLUMNS:
        raise ParameterError(f"the column of POINTING must be one of {', '.join(POINTING_COLUMNS)}; got {column!r}")
    entries = pointing_entries(source.ms, column.upper(), "an image of a single dish")
    rows = source.resolved.rows
    owner, times, spans = (source.ms.read(name, rows) for name in ("ANTENNA1", "TIME", "INTERVAL"))
    antennas, times_s = np.unique(owner).astype(np.int64), source.times_s
    angles = np.full((len(antennas), len(times_s), 2), np.nan)
    for k, antenna in enumerate(antennas.tolist()):
        mine = np.flatnonzero(owner == antenna)
        wanted, first = np.unique(times[mine], return_index=True)
        at = np.searchsorted(times_s, wanted)
        found = _antenna_angles(entries, antenna, wanted, spans[mine][first])
        known = np.isfinite(found[:, 0])
        own = frame if column.upper() in _OFFSETS else entries.frame
        if known.any():
            # Azimuth and elevation are those at the antenna: the zenith turns by 1.6 arcsec in 50 m.
            place = np.asarray(source.ms.metadata.antennas[antenna].position_m)
            lon, lat = found[known].T
            found[known] = np.stack(convert_directions(lon, lat, own, frame, wanted[known], place), axis=1)
        angles[k, at] = found
    if source.track is not None:
        there = [source.track.direction(source.ms, float(t), source.position_m, frame) for t in times_s]
        angles = np.stack([offsets_about(own, there, there[0]) for own in angles])
    return RowPlaces(antennas, times_s, angles)


def _antenna_angles(entries: PointingEntries, antenna: int, times_s: np.ndarray, spans_s: np.ndarray) -> np.ndarray:
    """Directions (time, 2) [rad] of an antenna in the table's own frame; NaN where no entry is near."""
    found = np.full((len(times_s), 2), np.nan)
    rows = entries.of(antenna)
    rows = rows if len(rows) else entries.of(-1)  # those of -1 are of all antennas
    if not len(rows):
        return found
    known = entries.time_s[rows]
    apart = float(np.median(np.diff(known))) if len(known) > 1 else 0.0
    near = np.clip(np.searchsorted(0.5 * (known[1:] + known[:-1]), times_s), 0, len(known) - 1)
    interval = entries.interval_s[rows][near]
    interval = np.where(interval > 0, interval, apart)
    # Rounding of times of some 5e9 s must not part what just meets.
    used = np.abs(times_s - known[near]) <= 0.5 * (interval + np.maximum(spans_s, 0.0)) + 1e-5
    coarse = apart > 1.001 * float(np.median(spans_s))
    lon, lat = entries.at(rows, times_s[used], "cubic" if coarse else "nearest")
    found[used] = np.stack([lon, lat], axis=1)
    return found
