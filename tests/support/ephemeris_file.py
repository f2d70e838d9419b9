"""Ephemeris tables for tests: an object that moves evenly."""

from __future__ import annotations

import numpy as np
from casacore import tables as casacore_tables

_UNITS = {"MJD": "d", "RA": "deg", "DEC": "deg", "Rho": "AU", "RadVel": "AU/d"}


def write_ephemeris(
    path: str,
    start_s: float,
    lon: float,
    lat: float,
    lon_rate: float,
    lat_rate: float,
    days: int = 6,
    name: str = "TEST",
    radial_au_d: tuple[float, float] = (0.0, 0.0),
) -> str:
    """Write rows a day apart about a time [s]; the object is at (lon, lat) then and moves with the rates [rad/s].

    `radial_au_d` is its radial velocity then and the change of it in a day. The table is one that CASA takes too: with units, version and type.
    """
    mjd = np.floor(start_s / 86400.0) + np.arange(days) - days // 2
    since = mjd * 86400.0 - start_s
    columns = {
        "MJD": mjd,
        "RA": np.degrees(lon + lon_rate * since),
        "DEC": np.degrees(lat + lat_rate * since),
        "Rho": np.ones(days),
        "RadVel": radial_au_d[0] + radial_au_d[1] * since / 86400.0,
    }
    descriptions = [casacore_tables.makescacoldesc(c, 0.0) for c in columns]
    table = casacore_tables.table(path, casacore_tables.maketabdesc(descriptions), nrow=days, ack=False)
    for column, values in columns.items():
        table.putcol(column, values)
        table.putcolkeyword(column, "UNIT", _UNITS[column])
        table.putcolkeyword(column, "QuantumUnits", [_UNITS[column]])
    table.putinfo({"type": "IERS", "subType": "", "readme": ""})
    table.putkeywords({"NAME": name, "MJD0": float(mjd[0] - 1), "dMJD": 1.0, "posrefsys": "ICRF/J2000.0", "obsloc": "GEOCENTRIC",
                       "GeoLong": 0.0, "GeoLat": 0.0, "GeoDist": 0.0, "VS_CREATE": "2026/01/01/00:00", "VS_DATE": "2026/01/01/00:00", "VS_VERSION": "0001.0001",
                       "VS_TYPE": "Table of comet/planetary positions"})  # fmt: skip
    table.close()
    return path
