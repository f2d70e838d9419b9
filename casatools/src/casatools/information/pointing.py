"""Where antennas point at the time of a row of the main table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from casatools._base.errors import DataError
from casatools.io.ms import MeasurementSet

__all__ = ["RowPointing", "pointing_of_row"]


@dataclass(frozen=True)
class RowPointing:
    """Antennas of a row, their (2,) directions in radian, the frame and the time in MJD seconds."""

    antennas: tuple[int, int]
    directions: tuple[np.ndarray, np.ndarray]
    frame: str
    time_s: float


def pointing_of_row(path: str, row: int, interpolate: bool = False) -> RowPointing:
    """Pointings of the two antennas of a row: the nearest in time, or interpolated between the two about it.

    Raises
    ------
    DataError
        POINTING holds nothing for an antenna.
    """
    at = np.array([row])
    with MeasurementSet(path) as ms:
        antennas = (int(ms.read("ANTENNA1", at)[0]), int(ms.read("ANTENNA2", at)[0]))
        time_s = float(ms.read("TIME", at)[0])
        table = ms.subtable("POINTING")
    try:
        if not table.nrows():
            raise DataError(f"the POINTING sub-table of {path!r} is empty")
        owner, times = np.asarray(table.getcol("ANTENNA_ID")), np.asarray(table.getcol("TIME"))
        frame = str(table.getcolkeywords("DIRECTION").get("MEASINFO", {}).get("Ref", "J2000"))
        directions = []
        for antenna in antennas:
            rows = np.flatnonzero(owner == antenna)
            if not len(rows):
                raise DataError(f"POINTING of {path!r} holds nothing for antenna {antenna}")
            near = rows[np.argsort(np.abs(times[rows] - time_s), kind="stable")[:2]]
            angles = [np.ravel(table.getcell("DIRECTION", int(r)))[:2] for r in near]
            if interpolate and len(near) == 2 and times[near[1]] != times[near[0]]:
                part = (time_s - times[near[0]]) / (times[near[1]] - times[near[0]])
                angles[0] = angles[0] + part * (angles[1] - angles[0])
            directions.append(angles[0])
    finally:
        table.close()
    return RowPointing(antennas, (directions[0], directions[1]), frame, time_s)
