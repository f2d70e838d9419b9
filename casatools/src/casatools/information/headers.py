"""Listings of a MeasurementSet and the header values that may be read and changed."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from casatools._base import log
from casatools._base.errors import DataError, ParameterError
from casatools._base.paths import remove_output, require_absent, require_present, require_writable_parent, staged_output
from casatools.information.listing import summary_lines
from casatools.information.observation_summary import observation_summary, summary_record
from casatools.io.ms import MeasurementSet, Selection
from casatools.io.tables import is_table, open_table

__all__ = [
    "HEADER_KEYS",
    "Selection",
    "history_lines",
    "list_observation",
    "read_header",
    "remove_tables",
    "write_header",
    "write_listing",
]


def write_listing(lines: list[str], listfile: str, overwrite: bool) -> None:
    """Write lines to a file, or to the log when `listfile` is ""."""
    if not listfile:
        log.post("\n".join(lines))
        return
    with staged_output(listfile, overwrite) as name, open(name, "w", encoding="utf-8") as stream:
        stream.write("\n".join(lines) + "\n")


def list_observation(
    path: str, selection: Selection, *, verbose: bool = True, unflagged: bool = False, listfile: str = "", overwrite: bool = False
) -> dict[str, Any]:
    """Summarise an observation as text (file or log) and as CASA's record."""
    if listfile:
        require_absent(listfile, overwrite, "listing")
        require_writable_parent(listfile)
    with MeasurementSet(path) as ms:
        resolved = selection.resolve(ms)
        summary = observation_summary(ms, resolved, unflagged)
        lines = summary_lines(path, summary, ms.metadata, verbose, unflagged)
        record = summary_record(summary, ms.metadata)
    write_listing(lines, listfile, overwrite)
    return record


@dataclass(frozen=True)
class HeaderKey:
    """Where a header item is kept: sub-table, column, and whether its cells are arrays."""

    table: str
    column: str
    is_array: bool = False


HEADER_KEYS: dict[str, HeaderKey] = {
    "cal_grp": HeaderKey("SOURCE", "CALIBRATION_GROUP"),
    "field": HeaderKey("FIELD", "NAME"),
    "fld_code": HeaderKey("FIELD", "CODE"),
    "freq_group_name": HeaderKey("SPECTRAL_WINDOW", "FREQ_GROUP_NAME"),
    "log": HeaderKey("OBSERVATION", "LOG", True),
    "observer": HeaderKey("OBSERVATION", "OBSERVER"),
    "project": HeaderKey("OBSERVATION", "PROJECT"),
    "ptcs": HeaderKey("FIELD", "PHASE_DIR", True),
    "release_date": HeaderKey("OBSERVATION", "RELEASE_DATE"),
    "schedule": HeaderKey("OBSERVATION", "SCHEDULE", True),
    "schedule_type": HeaderKey("OBSERVATION", "SCHEDULE_TYPE"),
    "source_name": HeaderKey("SOURCE", "NAME"),
    "spw_name": HeaderKey("SPECTRAL_WINDOW", "NAME"),
    "telescope": HeaderKey("OBSERVATION", "TELESCOPE_NAME"),
}


def _plain(value: Any) -> Any:
    """Keyword values with lists as arrays."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    return np.asarray(value) if isinstance(value, list) else value


def _index(index: str, nrow: int, key: str) -> int | None:
    if index == "":
        return None
    if not index.isdigit() or int(index) >= nrow:
        raise ParameterError(f"the index {index!r} of the header item {key!r} must be a row from 0 to {nrow - 1}")
    return int(index)


def _casa_cell(table: Any, column: str, row: int) -> np.ndarray | bool:
    if not table.iscelldefined(column, row):
        return False
    cell = table.getcell(column, row)
    if isinstance(cell, dict):
        cell = cell["array"]
    return np.asarray(cell).T


def read_header(path: str, key: str, index: str = "") -> tuple[Any, dict[str, Any]]:
    """A header item's value, and the keywords of its column.

    Parameters
    ----------
    path : str
    key : str
        One of HEADER_KEYS, in any case.
    index : str
        A row; "" gives all rows: an array, or ``{"r1": array, ...}`` with a trailing axis of one where cells are arrays.

    Raises
    ------
    ParameterError
        There is no such row.
    DataError
        The MeasurementSet does not hold it.
    """
    item = HEADER_KEYS[key.lower()]
    with MeasurementSet(path) as ms:
        table = _table_of(ms, item, key)
    try:
        keywords = _plain(table.getcolkeywords(item.column))
        row = _index(index, table.nrows(), key)
        if not item.is_array:
            values = np.asarray(table.getcol(item.column))
            if values.dtype.kind == "i":
                values = values.astype(np.int64)  # as all of CASA's arrays of whole numbers
            return (values if row is None else values[row].item()), keywords
        if row is not None:
            cell = _casa_cell(table, item.column, row)
            if cell is False:
                raise DataError(f"row {row} of {item.column} of {path!r} holds nothing")
            return cell, keywords
        cells = {f"r{r + 1}": _casa_cell(table, item.column, r) for r in range(table.nrows())}
        return {k: c if c is False else np.asarray(c)[..., None] for k, c in cells.items()}, keywords
    finally:
        table.close()


def _table_of(ms: MeasurementSet, item: HeaderKey, key: str, writable: bool = False) -> Any:
    if not ms.metadata.has_subtable(item.table):
        raise DataError(f"MeasurementSet {ms.path!r} has no sub-table {item.table}, where {key!r} is kept")
    table = ms.subtable(item.table, writable)
    if item.column not in table.colnames():
        table.close()
        raise DataError(f"the sub-table {item.table} of {ms.path!r} has no column {item.column}, where {key!r} is kept")
    return table


def write_header(path: str, key: str, index: str, value: Any) -> None:
    """Change a header item, one of HEADER_KEYS: one row, or all rows when `index` is "".

    Raises
    ------
    ParameterError
        There is no such row, or the value does not fit it.
    DataError
        The MeasurementSet does not hold it.
    """
    item = HEADER_KEYS[key.lower()]
    with MeasurementSet(path) as ms:
        table = _table_of(ms, item, key, writable=True)
    try:
        row = _index(index, table.nrows(), key)
        rows = range(table.nrows()) if row is None else [row]
        values = value if isinstance(value, (list, tuple, np.ndarray)) and not item.is_array else [value] * len(rows)
        if len(values) != len(rows):
            raise ParameterError(f"the header item {key!r} has {len(rows)} rows; got {len(values)} values")
        if item.is_array and not isinstance(value, (list, tuple, np.ndarray, dict)):
            values = [[value]] * len(rows)
        if isinstance(value, dict):
            values = [np.asarray(value[f"r{r + 1}"])[..., 0] if f"r{r + 1}" in value else None for r in rows]
        kind = "" if item.is_array else table.coldatatype(item.column)
        ready = {r: _converted(v, kind, key, item.is_array) for r, v in zip(rows, values) if v is not None}
        for r, cell in ready.items():
            table.putcell(item.column, r, cell)
    except RuntimeError as error:
        raise ParameterError(f"the value {value!r} cannot be put into the header item {key!r}: {error}") from error
    finally:
        table.close()


def _converted(value: Any, kind: str, key: str, is_array: bool) -> Any:
    if is_array:
        array = np.asarray(value)
        return array.tolist() if array.dtype.kind in "US" else np.ascontiguousarray(array.T)
    try:
        if kind == "string":
            return str(value)
        return int(value) if kind == "int" else float(value)
    except (TypeError, ValueError):
        raise ParameterError(f"the header item {key!r} takes a value of type {kind}; got {value!r}") from None


def history_lines(path: str) -> list[str]:
    """The HISTORY of a MeasurementSet, one line a message with its time, application and origin."""
    from casatools.information.listing import _stamp

    with MeasurementSet(path) as ms:
        table = ms.subtable("HISTORY")
    try:
        if not table.nrows():
            return ["No entry in HISTORY"]
        columns = [table.getcol(n) for n in ("TIME", "APPLICATION", "ORIGIN", "MESSAGE")]
    finally:
        table.close()
    lines = [f"History table entries: {len(columns[0])}"]
    for time_s, application, origin, message in zip(*columns):
        date, clock = _stamp(float(time_s))
        lines.append(f"{date}/{clock} {application}::{origin}: {message}")
    return lines


def remove_tables(names: list[str]) -> list[str]:
    """Remove tables and their sub-tables; a name that is no table is reported and left alone.

    Returns
    -------
    list of str
        What was removed.
    """
    removed = []
    for name in names:
        trimmed = name.rstrip("/")
        if not is_table(trimmed):
            log.post(
                f"{name!r} is not a table; it is left alone" if os.path.lexists(trimmed) else f"there is no table {name!r}",
                "WARN",
            )
            continue
        open_table(require_present(trimmed)).close()
        remove_output(trimmed)
        removed.append(trimmed)
    return removed
