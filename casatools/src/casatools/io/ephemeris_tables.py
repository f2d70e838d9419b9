"""Tables of positions of solar system objects, as casacore's comet measures and EPHEMERIS_ID of fields use them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from casatools.io.table_access import create_table, table_errors

__all__ = ["EPHEMERIS_COLUMNS", "write_ephemeris"]

# Column: unit.
EPHEMERIS_COLUMNS: dict[str, str] = {
    "MJD": "d", "RA": "deg", "DEC": "deg", "Rho": "AU", "RadVel": "AU/d", "NP_ang": "deg", "NP_dist": "arcsec", "DiskLong": "deg",
    "DiskLat": "deg", "Sl_lon": "deg", "Sl_lat": "deg", "r": "AU", "rdot": "km/s", "phang": "deg",
}  # fmt: skip


def write_ephemeris(path: str, columns: Mapping[str, np.ndarray], step_d: float, name: str, about: Mapping[str, Any]) -> None:
    """Make a table of positions at equal steps, normally below a name that `staged_output` yields.

    Parameters
    ----------
    path : str
    columns : mapping of ndarray
        By the names of `EPHEMERIS_COLUMNS`; those missing are left out. MJD, RA, DEC and Rho are needed.
    step_d : float
        Days between rows.
    name : str
        The object's.
    about : mapping
        More keywords: radii, rotation period.
    """
    present = [c for c in EPHEMERIS_COLUMNS if c in columns]
    description = {
        c: {"valueType": "double", "comment": "", "option": 0, "keywords": {"QuantumUnits": np.array([EPHEMERIS_COLUMNS[c]])}}
        for c in present
    }
    times = np.asarray(columns["MJD"])
    table = create_table(path, description, len(times))
    stamp = time.strftime("%Y/%m/%d/%H:%M", time.gmtime())
    # Row n is at MJD0 + n steps, counted from 1.
    words: dict[str, Any] = {
        "VS_CREATE": stamp, "VS_DATE": stamp, "VS_TYPE": "Table of comet/planetary positions", "VS_VERSION": "0004.0001", "NAME": name,
        "MJD0": float(times[0]) - step_d, "dMJD": step_d, "GeoDist": 0.0, "GeoLat": 0.0, "GeoLong": 0.0, "obsloc": "GEOCENTRIC",
        "posrefsys": "ICRF/ICRS", "earliest": _epoch(times[0]), "latest": _epoch(times[-1]),
    }  # fmt: skip
    try:
        with table_errors(f"ephemeris {path!r} cannot be written"):
            for c in present:
                table.putcol(c, np.asarray(columns[c], dtype=np.float64))
            for key, value in (words | dict(about)).items():
                table.putkeyword(key, value)
            table.putinfo(
                {"type": "IERS", "subType": "Comet", "readme": "From JPL Horizons (https://ssd.jpl.nasa.gov/horizons/)"}
            )
    finally:
        table.close()


def _epoch(mjd: float) -> dict[str, Any]:
    return {"type": "epoch", "refer": "UTC", "m0": {"value": float(mjd), "unit": "d"}}
