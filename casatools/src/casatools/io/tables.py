"""Opening casacore tables with typed errors, and reading and writing rows of them in bulk.

This module and its neighbours in ``io`` are the only importers of ``casacore.tables``. casacore serves one caller at a time;
python-casacore holds the GIL during a call, so calls from several threads are serialised while compiled kernels go on.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from casacore import tables as _tables

from casatools._base.buffers import empty_array
from casatools._base.errors import DataError
from casatools._base.paths import require_present
from casatools.io.standard_buckets import read_numbers

__all__ = [
    "column_cells",
    "is_table",
    "lock_holder",
    "open_table",
    "put_cells",
    "remove_rows",
    "require_one_shape",
    "require_table",
    "row_runs",
    "subtable_path",
    "table_kind",
]

# casacore.tables.table; python-casacore carries no types.
Table: TypeAlias = Any


def is_table(path: str) -> bool:
    """True when `path` is a folder holding a casacore table."""
    return os.path.isfile(os.path.join(path, "table.dat"))


def require_table(path: str, writable: bool = False, what: str = "table") -> str:
    """The folder of a table (``name::SUBTABLE`` is accepted too); the errors are those of `open_table`."""
    folder = require_present(path.replace("::", "/"), what)
    if not is_table(folder):
        raise DataError(f"{what} {path!r} is not a casacore table (it has no table.dat)")
    if writable and not os.access(os.path.join(folder, "table.dat"), os.W_OK):
        raise DataError(f"there is no permission to write the {what} {path!r}")
    return folder


def open_table(path: str, writable: bool = False, what: str = "table", locking: Mapping[str, Any] | None = None) -> Table:
    """Open a table.

    Parameters
    ----------
    path : str
        Folder of the table; ``name::SUBTABLE`` is accepted too.
    writable : bool
        Open for reading and writing.
    what : str
        What the errors call it.
    locking : mapping, optional
        ``option`` (auto, user, permanent, ... as casacore names them), ``interval`` and ``maxwait`` [s]; by default writers lock
        automatically and readers do not lock.

    Raises
    ------
    PathMissingError
        Nothing is there.
    DataError
        It is not a table, is damaged, or may not be written.
    """
    folder = require_table(path, writable, what)
    try:
        options = dict(locking) if locking else "auto" if writable else "autonoread"
        return _tables.table(folder, readonly=not writable, lockoptions=options, ack=False)
    except RuntimeError as error:
        raise DataError(f"{what} {path!r} cannot be opened: {error}") from error


def subtable_path(path: str, name: str) -> str:
    """Folder of a sub-table: that of the table, or in a multi-MS without its own that of its first part."""
    own = os.path.join(path, name)
    parts = os.path.join(path, "SUBMSS")
    if not os.path.isdir(own) and os.path.isdir(parts):
        for part in sorted(os.listdir(parts)):
            if is_table(os.path.join(parts, part, name)):
                return os.path.join(parts, part, name)
    return own


def lock_holder(path: str) -> tuple[str, int, bool]:
    """How another process holds a table: ``(status, process ID, permanent)``.

    The status is ``write``, ``read``, ``open`` (without a lock) or ``not in use``; this process' own locks do not count.

    Notes
    -----
    casacore locks byte 0 of table.lock to read or write, byte 1 while a table is open and byte 2 for good. The system's list of
    locks is read rather than the file asked: closing the file would give up this process' own locks.
    """
    bytes_held: dict[int, dict[int, str]] = {}
    try:
        inode = os.stat(os.path.join(path, "table.lock")).st_ino
        with open("/proc/locks", encoding="ascii") as stream:
            for line in stream:
                words = line.split()
                if (
                    len(words) < 8
                    or words[1] != "POSIX"
                    or words[5].rsplit(":", 1)[-1] != str(inode)
                    or int(words[4]) == os.getpid()
                ):
                    continue
                last = 2 if words[7] == "EOF" else int(words[7])
                for byte in range(int(words[6]), min(last, 2) + 1):
                    bytes_held.setdefault(byte, {})[int(words[4])] = words[3].lower()
    except OSError:
        return "not in use", 0, False
    for byte, status in ((0, ""), (1, "open")):
        for pid, how in bytes_held.get(byte, {}).items():
            return status or how, pid, pid in bytes_held.get(2, {})
    return "not in use", 0, False


def remove_rows(table: Table, rows: Sequence[int]) -> None:
    """Remove rows; also when all go, where casacore by itself forgets to write their new number."""
    table.removerows(list(rows))
    if table.nrows() == 0:
        # A change of the keywords makes casacore write the table's description, and the number of rows with it.
        table.putkeyword("_EMPTIED", True)
        table.removekeyword("_EMPTIED")


def table_kind(path: str) -> str:
    """The ``type`` in the table.info of a table ("Measurement Set", "Calibration", "Image", ...); "" when there is none."""
    try:
        with open(os.path.join(path, "table.info"), encoding="latin-1") as stream:
            for line in stream:
                if line.startswith("Type = "):
                    return line[7:].strip()
    except OSError:
        return ""
    return ""


def row_runs(rows: np.ndarray) -> Iterator[tuple[int, int, int, int]]:
    """Split ascending row numbers into runs of constant stride: ``(start row, count, stride, offset in rows)``."""
    n = len(rows)
    at = 0
    while at < n:
        if at + 1 == n:
            yield int(rows[at]), 1, 1, at
            return
        stride = int(rows[at + 1] - rows[at])
        differs = np.flatnonzero(np.diff(rows[at:]) != stride)
        count = int(differs[0]) + 1 if differs.size else n - at
        if count == 1:  # cannot happen: the first difference equals the stride
            count = 2
        yield int(rows[at]), count, stride, at
        at += count


# Above this many runs one reference table is cheaper than a call per run.
_MAX_RUNS = 8


def _few_runs(rows: np.ndarray) -> list[tuple[int, int, int, int]] | None:
    if len(rows) < 2:
        return [(int(rows[0]), 1, 1, 0)] if len(rows) else None
    steps = np.diff(rows)
    lowest = int(steps.min())
    if lowest <= 0:
        return None
    if lowest == int(steps.max()):  # all of a table as a rule, which may have millions of rows
        return [(int(rows[0]), len(rows), lowest, 0)]
    breaks = int(np.count_nonzero(steps[1:] != steps[:-1]))
    return list(row_runs(rows)) if breaks <= 2 * _MAX_RUNS else None


# Scalars of this many rows are read with those between them, where there are not more of these than that many times as many.
_MANY_SCALARS, _SPREAD = 1000, 8


def _dense(table: Table, column: str, rows: np.ndarray, blc: Sequence[int]) -> bool:
    """Whether reading all rows between the first and the last is cheaper than a reference table: one look-up a row costs more than eight numbers."""
    if len(blc) or len(rows) < _MANY_SCALARS or int(rows.max()) - int(rows.min()) > _SPREAD * len(rows):
        return False
    return bool(table.isscalarcol(column)) and table.coldatatype(column).lower() != "string"


def column_cells(
    table: Table, column: str, rows: np.ndarray | None, blc: Sequence[int] = (), trc: Sequence[int] = (), inc: Sequence[int] = ()
) -> np.ndarray:
    """Read cells of one column: rows first, then the cell's axes in C order.

    Parameters
    ----------
    table : casacore table
    column : str
    rows : ndarray (row,) int64
        Row numbers; any order, ascending ones are fastest. None reads all rows.
    blc, trc, inc : sequence of int
        Inclusive corner and stride in each cell axis, C order; empty reads whole cells.

    Raises
    ------
    DataError
        The cells differ in shape or cannot be read.
    """
    if rows is None:
        nrow = int(table.nrows())
        runs: list[tuple[int, int, int, int]] | None = [(0, nrow, 1, 0)]
    else:
        rows = np.asarray(rows, dtype=np.int64)
        nrow, runs = len(rows), _few_runs(rows)
    try:
        if runs is None and rows is not None and _dense(table, column, rows, blc):
            lowest = int(rows.min())
            return column_cells(table, column, np.arange(lowest, int(rows.max()) + 1))[rows - lowest]
        if runs is None:
            part = table.selectrows(rows)
            try:
                return _get(part, column, 0, nrow, 1, blc, trc, inc)
            finally:
                part.close()
        if not len(blc):
            values = read_numbers(table, column, runs, nrow)
            if values is None:
                values = _into_buffer(table, column, runs, nrow)
            if values is not None:
                return values
        parts = [_get(table, column, start, count, stride, blc, trc, inc) for start, count, stride, _ in runs]
    except RuntimeError as error:
        raise DataError(f"column {column!r} of {table.name()!r} cannot be read: {error}") from error
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def require_one_shape(table: Table, column: str, start: int = 0, count: int = -1, stride: int = 1) -> None:
    """Refuse to read cells of several shapes as one array.

    Notes
    -----
    casacore's tiled storage manager does not look: it writes the larger cells beyond the end of the array.

    Raises
    ------
    DataError
        The cells differ in shape.
    """
    if count == 1 or not _several_shapes(table, column):
        return
    # With a stride casacore leaves some of the texts empty.
    reach = count if count < 0 else (count - 1) * stride + 1
    shapes = set(table.getcolshapestring(column, start, reach)[::stride])
    if len(shapes) > 1:
        raise DataError(
            f"column {column!r} of {table.name()!r} has cells of the shapes {', '.join(sorted(shapes))} in these rows; "
            "read rows of one shape (one DATA_DESC_ID) at a time"
        )


def _several_shapes(table: Table, column: str) -> bool:
    """True when a tiled column has hypercubes of more than one cell shape."""
    known = table.__dict__.setdefault("_several_shapes", {})
    if column not in known or (known[column] is not None and table.iswritable()):
        if table.isscalarcol(column):
            known[column] = None
            return False
        cubes = table.getdminfo(column).get("SPEC", {}).get("HYPERCUBES", {})
        known[column] = len({tuple(np.ravel(c.get("CellShape", ())).tolist()) for c in cubes.values()}) > 1
    return bool(known[column])


# Columns of these types are read straight into memory that is used again.
_BUFFERED = {"complex": np.complex64, "float": np.float32, "double": np.float64, "boolean": np.bool_, "dcomplex": np.complex128}
_LARGE = 4096


def _into_buffer(table: Table, column: str, runs: Sequence[tuple[int, int, int, int]], nrow: int) -> np.ndarray | None:
    """Cells of many rows, read without a copy; None where that cannot be."""
    kind = _BUFFERED.get(table.coldatatype(column).lower())
    if kind is None or nrow < 2 or table.isscalarcol(column):
        return None
    shape = np.shape(table.getcell(column, runs[0][0]))
    if nrow * int(np.prod(shape)) < _LARGE:
        return None
    values = empty_array((nrow, *shape), kind)
    try:
        for start, count, stride, at in runs:
            if np.shape(table.getcell(column, start)) != shape:
                return None
            require_one_shape(table, column, start, count, stride)
            table.getcolnp(column, values[at : at + count], start, count, stride)
    except RuntimeError:
        return None  # cells of several shapes: the caller's way of reading tells what is wrong
    return values


def _get(
    table: Table, column: str, start: int, count: int, stride: int, blc: Sequence[int], trc: Sequence[int], inc: Sequence[int]
) -> Any:
    require_one_shape(table, column, start, count, stride)
    if len(blc):
        return table.getcolslice(column, list(blc), list(trc), list(inc), start, count, stride)
    return table.getcol(column, start, count, stride)


def put_cells(
    table: Table,
    column: str,
    values: np.ndarray,
    rows: np.ndarray,
    blc: Sequence[int] = (),
    trc: Sequence[int] = (),
    inc: Sequence[int] = (),
) -> None:
    """Write cells of one column; the mirror of `column_cells`."""
    rows = np.asarray(rows, dtype=np.int64)
    if len(rows) == 0:
        return
    values = np.ascontiguousarray(values)
    runs = _few_runs(rows)
    try:
        if runs is None:
            part = table.selectrows(rows)
            try:
                _put(part, column, values, 0, len(rows), 1, blc, trc, inc)
            finally:
                part.close()
            return
        for start, count, stride, at in runs:
            _put(table, column, values[at : at + count], start, count, stride, blc, trc, inc)
    except RuntimeError as error:
        raise DataError(f"column {column!r} of {table.name()!r} cannot be written: {error}") from error


def _put(
    table: Table,
    column: str,
    values: np.ndarray,
    start: int,
    count: int,
    stride: int,
    blc: Sequence[int],
    trc: Sequence[int],
    inc: Sequence[int],
) -> None:
    if len(blc):
        table.putcolslice(column, values, list(blc), list(trc), list(inc), start, count, stride)
    else:
        table.putcol(column, values, start, count, stride)
