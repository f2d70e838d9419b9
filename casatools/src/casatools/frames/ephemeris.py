"""Directions of moving objects from tables of ephemerides.

Notes
-----
Between two rows the position, direction and distance together, moves along a straight line, as in casacore's MeasComet.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from casatools._base.errors import DataError
from casatools.frames.directions import angles_of, unit_vectors
from casatools.io.ms.ephemerides import EphemerisTable

__all__ = ["ephemeris_directions", "ephemeris_positions"]

_DAY_S = 86400.0


def ephemeris_positions(table: EphemerisTable, mjd_d: Any) -> np.ndarray:
    """Rectangular positions from the observer [AU] at times (UTC) in MJD days, in the table's frame; (..., 3).

    Raises
    ------
    DataError
        A time is outside the table.
    """
    days = np.asarray(mjd_d, dtype=np.float64)
    if days.size and not (table.mjd[0] <= days.min() and days.max() <= table.mjd[-1]):
        raise DataError(
            f"the ephemeris of {table.name or 'a field'} is for MJD {table.mjd[0]:.2f} to {table.mjd[-1]:.2f};"
            f" MJD {days.min():.4f} to {days.max():.4f} is asked for"
        )
    vectors = unit_vectors(table.ra_rad, table.dec_rad) * table.distance_au[:, None]
    low = np.clip(np.searchsorted(table.mjd, days, side="right") - 1, 0, len(table.mjd) - 2)
    part = ((days - table.mjd[low]) / (table.mjd[low + 1] - table.mjd[low]))[..., None]
    return np.asarray(vectors[low] * (1.0 - part) + vectors[low + 1] * part)


def ephemeris_directions(table: EphemerisTable, mjd_s: Any) -> tuple[np.ndarray, np.ndarray]:
    """Longitude and latitude [rad] in the table's frame at times (UTC) in MJD seconds.

    Raises
    ------
    DataError
        A time is outside the table.
    """
    return angles_of(ephemeris_positions(table, np.asarray(mjd_s, dtype=np.float64) / _DAY_S))
