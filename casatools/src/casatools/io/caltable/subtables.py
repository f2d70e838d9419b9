"""The sub-tables of calibration tables: copies of the MeasurementSet's, with the spectral windows of the solutions."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from casacore import tables as _tables

from casatools._base.errors import DataError
from casatools.io.tables import Table, is_table, open_table

if TYPE_CHECKING:
    from casatools.io.ms import MeasurementSet

__all__ = ["SUBTABLES", "SubTableRows", "read_subtable", "subtables_from_ms", "write_subtable"]

SUBTABLES = ("OBSERVATION", "ANTENNA", "FIELD", "SPECTRAL_WINDOW", "HISTORY")


@dataclass
class SubTableRows:
    """All rows of a sub-table.

    Attributes
    ----------
    description : dict
        casacore's table description.
    columns : dict
        Column name to one cell a row; None is an undefined cell.
    """

    description: dict[str, Any]
    columns: dict[str, list[Any]] = field(default_factory=dict)

    @property
    def nrow(self) -> int:
        """Number of rows."""
        return len(next(iter(self.columns.values()), []))


def standard_manager(columns: Sequence[str]) -> dict[str, Any]:
    """The one storage manager that calibration tables use."""
    return {"*1": {"TYPE": "StandardStMan", "NAME": "MSMTAB", "SEQNR": 0, "SPEC": {"BUCKETSIZE": 2560}, "COLUMNS": list(columns)}}


def _cells(table: Table, column: str) -> list[Any]:
    if table.isscalarcol(column):
        values = table.getcol(column) if table.nrows() else []
        return list(values)
    return [table.getcell(column, r) if table.iscelldefined(column, r) else None for r in range(table.nrows())]


def read_subtable(path: str) -> SubTableRows:
    """Read a sub-table whole."""
    table = open_table(path)
    try:
        return SubTableRows(dict(table.getdesc()), {c: _cells(table, c) for c in table.colnames()})
    finally:
        table.close()


def write_subtable(main: Table, folder: str, name: str, rows: SubTableRows) -> None:
    """Create a sub-table below `folder` and name it in the keywords of the main table."""
    columns = list(rows.columns)
    description = {k: v for k, v in rows.description.items() if not k.startswith("_")}
    table = _tables.table(f"{folder}/{name}", description, nrow=rows.nrow, dminfo=standard_manager(columns), ack=False)
    try:
        for column, cells in rows.columns.items():
            if not rows.nrow:
                continue
            if table.isscalarcol(column):
                table.putcol(column, np.asarray(cells) if not isinstance(cells[0], str) else list(cells))
                continue
            for row, cell in enumerate(cells):
                if cell is not None and np.size(cell):
                    table.putcell(column, row, cell)
        main.putkeyword(name, table)
    finally:
        table.close()


def _copied(ms: MeasurementSet, name: str) -> SubTableRows:
    """The standard columns of one of the MeasurementSet's sub-tables, with the units and frames they have there."""
    path = os.path.join(ms.path, name)
    description = dict(_tables.required_ms_desc(name))
    description = {k: v for k, v in description.items() if not k.startswith("_")}
    rows = SubTableRows(description, {c: [] for c in description})
    if name == "HISTORY" or not is_table(path):
        return rows
    table = open_table(path)
    try:
        for column in list(description):
            if column not in table.colnames():
                raise DataError(f"the sub-table {name} of {ms.path!r} has no column {column}")
            keywords = table.getcolkeywords(column)
            reference = keywords.get("MEASINFO", {}).get("VarRefCol", "")
            if reference and reference not in description and reference in table.colnames():
                description[reference] = table.getcoldesc(reference)
                rows.columns[reference] = _cells(table, reference)
            description[column] = {**description[column], "keywords": keywords}
            rows.columns[column] = _cells(table, column)
    finally:
        table.close()
    return rows


def subtables_from_ms(ms: MeasurementSet) -> dict[str, SubTableRows]:
    """What a new calibration table takes over from its MeasurementSet; the history is empty."""
    return {name: _copied(ms, name) for name in SUBTABLES}


def put_frequencies(windows: SubTableRows, solved: Mapping[int, tuple[np.ndarray, ...]]) -> None:
    """Set the channels of spectral windows to those of the solutions.

    Parameters
    ----------
    windows : SubTableRows
        Of SPECTRAL_WINDOW; changed in place.
    solved : mapping
        ``{spw: (frequencies_hz, widths_hz)}``, with the bandwidths of the data as a third where it is another; other windows are marked as without solutions by FLAG_ROW.

    Notes
    -----
    The reference fills RESOLUTION with the frequencies and TOTAL_BANDWIDTH with their sum; readers ignore both, and ours holds
    the widths and their sum.
    """
    columns = windows.columns
    for spw in range(windows.nrow):
        if spw not in solved:
            columns["FLAG_ROW"][spw] = True
            continue
        frequency, width, *band = (np.asarray(v, dtype=np.float64) for v in solved[spw])
        columns["CHAN_FREQ"][spw] = frequency
        columns["CHAN_WIDTH"][spw] = width  # negative where frequencies fall, as in the reference
        columns["RESOLUTION"][spw] = np.abs(width)
        columns["EFFECTIVE_BW"][spw] = band[0] if band else np.abs(width)
        columns["NUM_CHAN"][spw] = len(frequency)
        columns["TOTAL_BANDWIDTH"][spw] = float(np.abs(width).sum())
        columns["FLAG_ROW"][spw] = False
