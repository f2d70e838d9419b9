"""How much longer the paths from a source that is not infinitely far are.

References
----------
Thompson, Moran & Swenson, "Interferometry and Synthesis in Radio Astronomy", 3rd ed. (2017), section 15.1.3: near-field observations.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from casatools.frames.baselines import antenna_uvw
from casatools.frames.directions import Direction
from casatools.frames.epochs import utc_seconds
from casatools.io.ms import MeasurementSet
from casatools.transform.field_directions import array_position

__all__ = ["curvature_m", "near_field_path", "near_field_w"]


def curvature_m(uvw_m: np.ndarray, distance_m: float) -> np.ndarray:
    """What the path from a source to an antenna is longer by than that of a plane wave: |D s - r| - D + s.r.

    Parameters
    ----------
    uvw_m : ndarray (..., 3) [m]
        Place of the antenna about the centre of the array, w towards the source.
    distance_m : float [m]
        Of the source from this centre.

    Returns
    -------
    ndarray (...) float64 [m]

    Notes
    -----
    Written without differences of large numbers: an astronomical unit has more metres than double precision has digits of a wavelength.
    """
    square, w = (uvw_m**2).sum(axis=-1), uvw_m[..., 2]
    both = np.sqrt(square - 2.0 * distance_m * w + distance_m**2) + distance_m
    shorter = (square - 2.0 * distance_m * w) / both
    return np.asarray((square + w * shorter) / both)


def near_field_w(ms: MeasurementSet, rows: np.ndarray, directions: Sequence[Direction], distance_m: float) -> np.ndarray:
    """What w of rows grows by where the source is at a distance from the array: ndarray (row,) [m].

    Parameters
    ----------
    ms : MeasurementSet
    rows : ndarray (row,) int64
    directions : sequence of Direction
        Of the source: one, or one for each row.
    distance_m : float
    """
    first, second, times = (np.asarray(ms.read(c, rows)) for c in ("ANTENNA1", "ANTENNA2", "TIME"))
    return near_field_path(ms, first, second, times, directions, distance_m)


def near_field_path(
    ms: MeasurementSet,
    first: np.ndarray,
    second: np.ndarray,
    times: np.ndarray,
    directions: Sequence[Direction],
    distance_m: float,
) -> np.ndarray:
    """`near_field_w` for the numbers of two antennas (row,) and times [s] (row,) of the data's scale."""
    positions = np.array([a.position_m for a in ms.metadata.antennas])
    place = array_position(ms)
    distinct, where = np.unique(utc_seconds(times, ms.time_frame), return_inverse=True)
    where = np.ravel(where)
    if len(directions) == 1:
        extra = curvature_m(antenna_uvw(positions, distinct, directions[0], place), distance_m)
    else:
        one = [int(np.flatnonzero(where == k)[0]) for k in range(len(distinct))]
        extra = np.stack(
            [curvature_m(antenna_uvw(positions, float(distinct[n]), directions[k], place), distance_m) for n, k in enumerate(one)]
        )
    # uvw are those of ANTENNA1 minus ANTENNA2: a longer path to the first makes w smaller.
    return np.asarray(extra[where, second] - extra[where, first])
