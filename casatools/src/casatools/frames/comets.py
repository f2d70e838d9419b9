"""Ephemeris tables of solar system objects in a frame: where the object is at the frame's time."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from casatools._base.constants import AU_M
from casatools._base.errors import PathMissingError
from casatools._base.paths import resolve
from casatools.frames.ephemeris import ephemeris_positions
from casatools.io.ms.ephemerides import read_ephemeris
from casatools.io.tables import is_table

__all__ = ["Comet"]


class Comet:
    """An ephemeris table, as getephemtable makes and CASA's data hold.

    Parameters
    ----------
    name : str
        Path, or the name of a table in the ``ephemerides`` of CASA's data.

    Raises
    ------
    PathMissingError
        There is no such table.
    DataError
        It has not the columns MJD, RA, DEC and Rho, or fewer than two rows.

    Notes
    -----
    Positions between rows are interpolated linearly in rectangular coordinates. Times of the table are UT as Horizons gives them.
    Directions without the keyword posrefsys are apparent ones, as in casacore, except in tables whose name says J2000.
    """

    def __init__(self, name: str) -> None:
        places = [p for p in (resolve(name), resolve(os.path.join("ephemerides", name))) if name and is_table(p)]
        if not places:
            raise PathMissingError(
                f"there is no ephemeris table {name!r}, nor one of that name in the ephemerides of CASA's data"
            )
        self.path = places[0]
        self._table = read_ephemeris(self.path, needs_velocity=False)
        self._words = self._table.words
        reference = str(self._words.get("posrefsys", "")).upper()
        said = "J2000" if "J2000" in reference or "J2000" in os.path.basename(self.path) else ""
        self.frame = "ICRS" if "ICRS" in reference else (said or ("TOPO" if self.is_topocentric else "APP"))

    @property
    def name(self) -> str:
        """The object's name."""
        return str(self._words.get("NAME", ""))

    @property
    def is_topocentric(self) -> bool:
        """True when the table is for a place on the ground, not the centre of the Earth."""
        return float(self._words.get("GeoDist", 0.0)) > 0.0

    @property
    def place_m(self) -> np.ndarray:
        """The place of a topocentric table, metres from the Earth's centre; (3,)."""
        lon, lat = (np.radians(float(self._words.get(k, 0.0))) for k in ("GeoLong", "GeoLat"))
        unit = np.array([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
        return np.asarray(float(self._words.get("GeoDist", 0.0)) * 1000.0 * unit)

    def position_au(self, mjd_d: float) -> np.ndarray:
        """Rectangular position from the observer [AU] in `frame`; (3,).

        Raises
        ------
        DataError
            The table does not cover this time.
        """
        return ephemeris_positions(self._table, mjd_d)

    def distance_au(self, mjd_d: float) -> float:
        """Distance from the observer."""
        return float(np.linalg.norm(self.position_au(mjd_d)))

    def diameter_rad(self, mjd_d: float) -> float:
        """Angle that the mean diameter subtends; -1 where the table has no radius."""
        radius = self._words.get("meanrad")
        if not isinstance(radius, Mapping):
            return -1.0
        metres = float(radius["value"]) * {"km": 1e3, "m": 1.0, "AU": AU_M}.get(str(radius["unit"]), 1e3)
        return 2.0 * metres / (self.distance_au(mjd_d) * AU_M)

    def direction(self, mjd_d: float, observer_m: np.ndarray | None = None) -> dict[str, Any]:
        """Direction at a time, a measure record.

        Parameters
        ----------
        mjd_d : float
        observer_m : ndarray (3,), optional
            Observer [m] from the Earth's centre in the table's frame, for the parallax of a geocentric table.
        """
        xyz = self.position_au(mjd_d)
        if observer_m is not None and not self.is_topocentric:
            xyz = xyz - observer_m / AU_M
        lon, lat = float(np.arctan2(xyz[1], xyz[0])), float(np.arctan2(xyz[2], np.hypot(xyz[0], xyz[1])))
        return {
            "type": "direction",
            "refer": self.frame,
            "m0": {"value": lon, "unit": "rad"},
            "m1": {"value": lat, "unit": "rad"},
        }
