"""Orientation of the Earth as files of visibilities tell it: sidereal time, UT1 and the position of the pole.

References
----------
casacore's measures data: ``geodetic/IERSeop97`` and ``geodetic/IERSeop2000`` (pole, from IERS).
Greisen, "AIPS FITS File Format", AIPS Memo 117 (NRAO, 2016 revision), AN table.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass

import numpy as np

from casatools._base.errors import CasaError
from casatools.frames.engine import DAY_S, data_folder
from casatools.frames.epochs import convert_epochs
from casatools.io.tables import is_table, open_table

__all__ = ["EarthOrientation", "earth_orientation"]

# Metres that the pole moves on the ground for an arcsecond: the polar radius of the Earth.
_METRES_PER_ARCSEC = 6356752.3142 * math.pi / 180.0 / 3600.0


@dataclass(frozen=True)
class EarthOrientation:
    """Greenwich mean sidereal time at 0h [deg], degrees the Earth turns in a day, UT1 - UTC and TAI - UTC [s], pole [m]; 0 where unknown."""

    sidereal_deg: float
    degrees_per_day: float
    ut1_minus_utc_s: float
    tai_minus_utc_s: float
    pole_m: tuple[float, float]


def earth_orientation(mjd_s: float, scale: str = "UTC") -> EarthOrientation:
    """Orientation at 0h of the day of a time in the scale given."""
    midnight = math.floor(mjd_s / DAY_S) * DAY_S
    days = np.array([midnight, midnight + DAY_S])
    utc = convert_epochs(days, scale, "UTC")
    sidereal = convert_epochs(utc, "UTC", "GMST1") / DAY_S
    turns = sidereal[0] % 1.0
    now = float(convert_epochs(np.array([mjd_s]), scale, "UTC")[0])
    ut1, tai = (float(convert_epochs(np.array([now]), "UTC", name)[0]) for name in ("UT1", "TAI"))
    return EarthOrientation(
        float(turns * 360.0), float((sidereal[1] - sidereal[0]) * 360.0), ut1 - now, tai - now, _pole(now / DAY_S)
    )


def _pole(mjd: float) -> tuple[float, float]:
    path = os.path.join(data_folder(), "geodetic", "IERSeop97")
    if not is_table(path):
        return 0.0, 0.0
    try:
        table = open_table(path)
    except CasaError:
        return 0.0, 0.0
    try:
        days = np.asarray(table.getcol("MJD"))
        if not days[0] <= mjd <= days[-1]:
            return 0.0, 0.0
        x, y = (float(np.interp(mjd, days, np.asarray(table.getcol(name)))) for name in ("x", "y"))
    finally:
        table.close()
    return x * _METRES_PER_ARCSEC, y * _METRES_PER_ARCSEC
