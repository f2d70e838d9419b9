"""Rows of one MeasurementSet appended to another: main table and sub-tables, with identifiers replaced."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from itertools import pairwise
from typing import Any

import numpy as np

from casatools.io.ms.incremental import IncrementalColumns, columns_of_changes
from casatools.io.ms.measurement_set import CHANNEL_COLUMNS, CORRELATION_COLUMNS, MeasurementSet
from casatools.io.ms.row_files import RowWriter, row_file
from casatools.io.ms.spare_space import ROW_BYTES, SpareSpace, told_by_casacore
from casatools.io.tables import Table, is_table, open_table, remove_rows

__all__ = ["append_rows", "append_subtable", "empty_subtable", "rewrite_rows", "subtable_columns"]

_ROWS = 65536
_TILED = (*CHANNEL_COLUMNS, *CORRELATION_COLUMNS)


def append_rows(
    target: str,
    source: MeasurementSet,
    changes: Callable[[Table, int, int], Mapping[str, np.ndarray]],
    uniform: bool = False,
    changed: Collection[str] = (),
) -> Iterator[int]:
    """Append all rows of a MeasurementSet to another, piece by piece; yields the rows of each piece.

    Tiled columns go from file to file beside the others, where both store whole cells.

    Parameters
    ----------
    target : str
        Columns that it has and the source has not stay undefined unless they are among the changes.
    source : MeasurementSet
    changes : callable
        Given the source's table, first row and number of rows: columns to be put in the place of the source's.
    uniform : bool
        Let no piece hold more than one data description, so that its cells are of one shape.
    changed : collection of str
        Tiled columns that are among the changes.
    """
    table = source.table
    with closing(open_table(target)) as other:
        begin, present = other.nrows(), other.colnames()
    spare = SpareSpace(target, source.nrow * ROW_BYTES)
    with _carrying(target, source, [c for c in _TILED if c in present and c not in changed]) as carried:
        shared = [c for c in table.colnames() if c in present and c not in carried and _stored(table, c)]
        with closing(open_table(target, writable=True)) as made, spare, ExitStack() as stack:
            numbers = [c for c in shared if c == "UVW" or _is_number(table, c)]
            cells = [c for c in shared if c not in numbers]
            view = stack.enter_context(closing(table.select(_listed(cells)))) if cells else None
            incremental = IncrementalColumns(columns_of_changes(made), made.nrows())
            made.addrows(begin + table.nrows() - made.nrows())
            for start, count in _pieces(table, uniform):
                rows = np.arange(start, start + count)
                with told_by_casacore(f"the rows of {source.path!r} do not fit the MeasurementSet to be made"):
                    if view is not None:
                        view.copyrows(made, start, begin + start, count)
                    new = changes(table, start, count)
                    for name in dict.fromkeys([*numbers, *new]):
                        values = np.asarray(new[name]) if name in new else source.read(name, rows)
                        if not incremental.put(made, name, values, begin + start):
                            made.putcol(name, np.ascontiguousarray(values), begin + start, count)
                yield count


@contextmanager
def _carrying(target: str, source: MeasurementSet, columns: Sequence[str]) -> Iterator[frozenset[str]]:
    """Take columns over from file to file until the end of the block; gives those for which that can be done."""
    source.flush()  # what the caller may have open for writing
    found = {c: row_file(source.table, c) for c in columns if source.has(c)}
    writer = RowWriter.extending(target, {c: f for c, f in found.items() if f is not None}, source.nrow) if source.nrow else None
    if writer is None:
        yield frozenset()
        return
    stop = True
    try:
        yield writer.columns
        stop = False
    finally:
        writer.finish(stop=stop)


def rewrite_rows(path: str, changes: Callable[[Table, int, int], Mapping[str, np.ndarray]], uniform: bool = False) -> None:
    """Put columns in the place of those of a MeasurementSet, piece by piece; `changes` and `uniform` as for `append_rows`."""
    with closing(open_table(path, writable=True)) as table:
        for start, count in _pieces(table, uniform):
            for name, values in changes(table, start, count).items():
                table.putcol(name, values, start, count)


def _pieces(table: Table, uniform: bool) -> Iterator[tuple[int, int]]:
    """First rows and numbers of rows."""
    for start in range(0, table.nrows(), _ROWS):
        count = min(_ROWS, table.nrows() - start)
        borders = [0, count]
        if uniform:
            borders[1:1] = (np.flatnonzero(np.diff(table.getcol("DATA_DESC_ID", start, count))) + 1).tolist()
        for low, high in pairwise(borders):
            yield start + low, high - low


def _listed(names: Sequence[str]) -> str:
    """Columns as TaQL takes them; names such as OFFSET are words of the language and are escaped."""
    return ", ".join("\\" + n for n in names)


def _is_number(table: Table, column: str) -> bool:
    """Whether cells are single numbers or truth values, which are fast to put by columns."""
    return bool(table.isscalarcol(column)) and str(table.coldatatype(column)).lower() not in ("string", "record")


def _stored(table: Table, column: str) -> bool:
    """Whether a column holds values in its first row; FLAG_CATEGORY as a rule does not."""
    return table.nrows() == 0 or bool(table.iscelldefined(column, 0))


def append_subtable(target: str, source: str, rows: np.ndarray, changes: Mapping[str, Any]) -> None:
    """Append some rows of a sub-table to that of another MeasurementSet.

    Parameters
    ----------
    target, source : str
        Sub-tables; the first is made as an empty copy of the second when it is not there.
    rows : ndarray of int
    changes : mapping
        Columns put in the place of the source's, one value for each row; those that the target lacks are left out.
    """
    if not is_table(source) or len(rows) == 0:
        return
    if not is_table(target):
        with closing(open_table(source)) as origin:
            origin.copy(target, deep=True, copynorows=True).close()
        with closing(open_table(os.path.dirname(target), writable=True)) as main, closing(open_table(target)) as made:
            main.putkeyword(os.path.basename(target), made)
    with closing(open_table(source)) as origin, closing(open_table(target, writable=True)) as table:
        part = origin.selectrows(np.asarray(rows, dtype=np.int64))
        with closing(part):
            shared = [c for c in part.colnames() if c in table.colnames()]
            at = table.nrows()
            if len(shared) == len(part.colnames()):
                part.copyrows(table, 0, at, len(rows))
            else:
                # Columns of records (SOURCE_MODEL) are unknown to TaQL; they hold nothing as a rule.
                plain = [c for c in shared if part.coldatatype(c) != "record"]
                with closing(part.select(_listed(plain))) as view:
                    view.copyrows(table, 0, at, len(rows))
        for name, values in changes.items():
            if name in table.colnames():
                table.putcol(name, np.asarray(values), at, len(rows))


def empty_subtable(path: str) -> None:
    """Remove all rows of a sub-table, where there is one."""
    if is_table(path):
        with closing(open_table(path, writable=True)) as table:
            remove_rows(table, range(table.nrows()))


def subtable_columns(path: str, *columns: str) -> dict[str, np.ndarray] | None:
    """Scalar columns of a sub-table; those that it lacks are left out. None where there is no such table."""
    if not is_table(path):
        return None
    with closing(open_table(path)) as table:
        present = table.colnames()
        return {c: np.asarray(table.getcol(c)) if table.nrows() else np.zeros(0) for c in columns if c in present}
