"""Ephemerides that belong to fields: ``FIELD/EPHEM<id>_<comment>.tab`` and the column EPHEMERIS_ID."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

import numpy as np

from casatools._base.errors import DataError, ParameterError
from casatools._base.paths import staged_output
from casatools.io.tables import open_table, subtable_path

__all__ = ["attach_ephemeris"]

_NEEDED = ("MJD", "RA", "DEC", "Rho")


def attach_ephemeris(path: str, ephemeris: str, fields: Sequence[int], comment: str = "", number: int = -1) -> int:
    """Copy an ephemeris table into a MeasurementSet and let fields follow it.

    Parameters
    ----------
    path : str
        The MeasurementSet.
    ephemeris : str
        Table of positions, as getephemtable makes.
    fields : sequence of int
        Field IDs.
    comment : str
        Part of the table's name; often the object's.
    number : int
        EPHEMERIS_ID; negative takes the next that is free.

    Returns
    -------
    int
        The EPHEMERIS_ID.

    Raises
    ------
    PathMissingError, DataError
        The ephemeris is missing, or is no ephemeris.
    ParameterError
        The ID is taken, or the comment cannot be part of a file's name.
    """
    if "/" in comment:
        raise ParameterError(f"the comment {comment!r} becomes part of a file's name and cannot hold '/'")
    folder = subtable_path(path, "FIELD")
    taken = {int(m[1]) for m in (re.match(r"EPHEM(\d+)_", n) for n in os.listdir(folder)) if m}
    number = number if number >= 0 else max(taken, default=-1) + 1
    if number in taken:
        raise ParameterError(f"the ephemeris ID {number} is taken in {path!r}; taken are {', '.join(map(str, sorted(taken)))}")
    source = open_table(ephemeris)
    try:
        missing = [c for c in _NEEDED if c not in source.colnames()]
        if missing:
            raise DataError(f"{ephemeris!r} is not an ephemeris table: it has no column {missing[0]}")
        target = os.path.join(folder, f"EPHEM{number}_{comment}.tab")
        with staged_output(target) as temporary:
            source.copy(temporary, deep=True).close()
    finally:
        source.close()
    table = open_table(folder, writable=True)
    try:
        if "EPHEMERIS_ID" not in table.colnames():
            from casacore.tables import makescacoldesc, maketabdesc

            table.addcols(maketabdesc([makescacoldesc("EPHEMERIS_ID", 0, comment="Ephemeris id, pointer to EPHEMERIS table")]))
            table.putcol("EPHEMERIS_ID", np.full(table.nrows(), -1, dtype=np.int32))
        ids = np.asarray(table.getcol("EPHEMERIS_ID"))
        ids[list(fields)] = number
        table.putcol("EPHEMERIS_ID", ids)
    finally:
        table.close()
    return number
