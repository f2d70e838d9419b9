"""Ephemerides of the fields of a MeasurementSet: tables ``EPHEM<n>_<name>.tab`` inside its FIELD sub-table, n being the EPHEMERIS_ID.

References
----------
Kemball & Wieringa, "MeasurementSet definition version 2.0", AIPS++ Note 229 (2000): FIELD, EPHEMERIS_ID.
"""

from __future__ import annotations

import glob
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from casacore import tables as _tables

from casatools._base.errors import DataError, ParameterError
from casatools._base.paths import require_present
from casatools.io.tables import is_table, open_table, subtable_path

__all__ = [
    "EphemerisTable",
    "add_ephemeris_column",
    "attach_ephemeris",
    "copy_ephemeris",
    "ephemeris_path",
    "extend_ephemeris",
    "field_ephemeris",
    "read_ephemeris",
    "set_ephemeris_ids",
]

_DAY_S = 86400.0
_COLUMNS = ("MJD", "RA", "DEC", "Rho", "RadVel")


@dataclass(frozen=True)
class EphemerisTable:
    """Positions of an object: times [d MJD, UTC], right ascension and declination [rad], distance [au], radial velocity [au/d], keywords."""

    name: str
    mjd: np.ndarray
    ra_rad: np.ndarray
    dec_rad: np.ndarray
    distance_au: np.ndarray
    radial_au_d: np.ndarray
    frame: str
    words: Mapping[str, Any] = field(default_factory=dict)


def read_ephemeris(path: str, needs_velocity: bool = True) -> EphemerisTable:
    """Read an ephemeris table; without `needs_velocity` radial velocities that it lacks are NaN.

    Raises
    ------
    PathMissingError
    DataError
        It is no table, lacks a column, or has fewer than two rows.
    """
    with closing(open_table(path, what="ephemeris")) as table:
        names = table.colnames()
        missing = [c for c in _COLUMNS if c not in names and (needs_velocity or c != "RadVel")]
        if missing or table.nrows() < 2:
            what = f"it has no {missing[0]} column" if missing else "it has fewer than two rows"
            raise DataError(f"{path!r} is not a table of an ephemeris: {what}")
        mjd, ra, dec, rho, velocity = (
            np.asarray(table.getcol(c), dtype=np.float64) if c in names else np.full(table.nrows(), np.nan) for c in _COLUMNS
        )
        keywords = table.getkeywords()
    system = str(keywords.get("posrefsys", "ICRF/J2000.0"))
    frame = "B1950" if "B1950" in system else "APP" if "TRUE" in system.upper() else "J2000"
    return EphemerisTable(str(keywords.get("NAME", "")), mjd, np.radians(ra), np.radians(dec), rho, velocity, frame, keywords)


def ephemeris_path(vis: str, number: int) -> str | None:
    """The table of an EPHEMERIS_ID; None where there is none."""
    found = glob.glob(os.path.join(glob.escape(subtable_path(vis, "FIELD")), f"EPHEM{number}_*"))
    return next((p for p in sorted(found) if is_table(p)), None)


def field_ephemeris(vis: str, number: int) -> EphemerisTable:
    """The ephemeris of an EPHEMERIS_ID.

    Raises
    ------
    DataError
        The MeasurementSet has no such table.
    """
    path = ephemeris_path(vis, number)
    if path is None:
        raise DataError(f"a field of {vis!r} has EPHEMERIS_ID {number}, but there is no table FIELD/EPHEM{number}_*.tab")
    return read_ephemeris(path)


def attach_ephemeris(vis: str, path: str, fields: Sequence[int], name: str, number: int = -1) -> int:
    """Copy an ephemeris into FIELD and give its number to some fields.

    Parameters
    ----------
    vis, path : str
    fields : sequence of int
    name : str
        For the name of the table; may be empty.
    number : int
        EPHEMERIS_ID; below 0 takes the next free one.

    Returns
    -------
    int
        The EPHEMERIS_ID.

    Raises
    ------
    PathMissingError, DataError
        There is no such ephemeris.
    ParameterError
        The name cannot be that of a table, or the number is taken.
    """
    path = require_present(path, "ephemeris")
    content = read_ephemeris(path)
    if "/" in name:
        raise ParameterError(f"the name of an ephemeris becomes part of a file name, without '/'; got {name!r}")
    folder = subtable_path(vis, "FIELD")
    taken = _taken(folder)
    if number < 0:
        number = max(taken, default=-1) + 1
    elif number in taken:
        raise ParameterError(
            f"{vis!r} has an ephemeris of the number {number} already, taken are {', '.join(map(str, sorted(taken)))}; give -1 for the next free one"
        )
    add_ephemeris_column(vis)
    shutil.copytree(path, os.path.join(folder, f"EPHEM{number}_{name}.tab"))
    with closing(open_table(folder, writable=True)) as table:
        for row in fields:
            table.putcell("EPHEMERIS_ID", int(row), number)
            # Directions are offsets from the ephemeris from here on; as in the reference, their time is that of its beginning.
            table.putcell("TIME", int(row), float(content.mjd[0]) * _DAY_S)
    return number


def add_ephemeris_column(vis: str) -> None:
    """Give FIELD the column EPHEMERIS_ID, -1 in each row, where it lacks it."""
    with closing(open_table(subtable_path(vis, "FIELD"), writable=True)) as table:
        if "EPHEMERIS_ID" in table.colnames():
            return
        description = _tables.makescacoldesc("EPHEMERIS_ID", 0, comment="Ephemeris id, pointer to EPHEMERIS table")
        table.addcols(_tables.maketabdesc([description]))
        if table.nrows():
            table.putcol("EPHEMERIS_ID", np.full(table.nrows(), -1, dtype=np.int32))


def set_ephemeris_ids(vis: str, numbers: Mapping[int, int]) -> None:
    """Write the EPHEMERIS_ID of some rows of FIELD, which has the column."""
    with closing(open_table(subtable_path(vis, "FIELD"), writable=True)) as table:
        for row, number in numbers.items():
            table.putcell("EPHEMERIS_ID", int(row), int(number))


def copy_ephemeris(source: str, number: int, target: str) -> int:
    """Copy the table of an EPHEMERIS_ID into another MeasurementSet under its next free number, which is returned."""
    path = ephemeris_path(source, number)
    if path is None:
        raise DataError(f"a field of {source!r} has EPHEMERIS_ID {number}, but there is no table FIELD/EPHEM{number}_*.tab")
    folder = subtable_path(target, "FIELD")
    new = max(_taken(folder), default=-1) + 1
    shutil.copytree(path, os.path.join(folder, f"EPHEM{new}_{os.path.basename(path).split('_', 1)[1]}"))
    return new


def extend_ephemeris(target: str, number: int, source: str, other: int) -> None:
    """Add the rows of an ephemeris that lie outside the times of one of another MeasurementSet to that, in the order of time."""
    mine, theirs = ephemeris_path(target, number), ephemeris_path(source, other)
    if mine is None or theirs is None:
        raise DataError(f"an ephemeris of {target!r} or {source!r} is missing")
    with closing(open_table(mine)) as table, closing(open_table(theirs)) as more:
        own, found = (np.asarray(t.getcol("MJD")) for t in (table, more))
        before, after = np.flatnonzero(found < own[0]), np.flatnonzero(found > own[-1])
        if not len(before) + len(after):
            return
        columns = [c for c in table.colnames() if c in more.colnames()]
        united = {
            c: np.concatenate([_cells(more, c, before), np.asarray(table.getcol(c)), _cells(more, c, after)]) for c in columns
        }
    with closing(open_table(mine, writable=True)) as table:
        table.addrows(len(before) + len(after))
        for column, values in united.items():
            table.putcol(column, values)
        table.putkeyword("MJD0", float(united["MJD"][0] - (united["MJD"][1] - united["MJD"][0])))


def _cells(table: Any, column: str, rows: np.ndarray) -> np.ndarray:
    return np.asarray(table.getcol(column))[rows]


def _taken(folder: str) -> set[int]:
    found = (re.match(r"EPHEM(\d+)_", name) for name in os.listdir(folder))
    return {int(m.group(1)) for m in found if m}
