"""Columns of numbers read straight from the files of their storage managers: several times the speed of going through the table system.

Notes
-----
A StandardStMan keeps buckets of one size in a file ``table.fN`` behind a header of 512 bytes. Each holds a number of rows, one column after
the other; an index, itself in buckets chained to each other, tells which rows are where (the layout of the files themselves; casacore note 260
describes the storage managers). Whatever does not look like that is left to casacore. `incremental_buckets` reads those of an IncrementalStMan.
"""

from __future__ import annotations

import mmap
import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from casatools.io.incremental_buckets import IncrementalColumn, IncrementalFile
from casatools.io.object_stream import ObjectStream

__all__ = ["read_numbers"]

_HEADER_BYTES = 512
_MAGIC = 0xBEBEBEBE
_KINDS = {"int": "i4", "uint": "u4", "short": "i2", "float": "f4", "double": "f8", "int64": "i8"}
_MANAGERS = ("StandardStMan", "IncrementalStMan")
# With fewer rows the table system costs less than looking at the file.
_MANY_ROWS = 100_000
# Enough to tell; casacore takes tens of microseconds for each.
_ROWS_COMPARED = 12


@dataclass(frozen=True)
class _Buckets:
    """Where the buckets of a storage manager are, and which rows they hold: all full but the last."""

    path: str
    order: str
    bucket_bytes: int
    rows_per_bucket: int
    numbers: np.ndarray  # (bucket,) int64, in the order of the rows
    nrow: int


@dataclass(frozen=True)
class _Place:
    """Where the cells of a column are in the buckets."""

    buckets: _Buckets
    offset: int
    kind: np.dtype
    shape: tuple[int, ...]

    def gather(self, runs: Sequence[tuple[int, int, int, int]], nrow: int) -> np.ndarray:
        """Cells of runs of rows: (start row, count, stride, offset)."""
        return _gather(self, runs, nrow)

    def cells(self, rows: np.ndarray) -> np.ndarray:
        """Cells of some rows."""
        return _gather(self, [(row, 1, 1, k) for k, row in enumerate(rows.tolist())], len(rows))

    def checked_rows(self, count: int) -> np.ndarray:
        """Rows at which it shows whether this is the place."""
        last = int(self.buckets.nrow) - 1
        return np.unique(np.linspace(0, last, count).astype(np.int64))


def read_numbers(table: Any, column: str, runs: Sequence[tuple[int, int, int, int]], nrow: int) -> np.ndarray | None:
    """Cells of many rows of a column of numbers; None where they are stored in another way or casacore may hold newer ones in memory.

    Parameters
    ----------
    table : casacore table
    column : str
    runs : sequence of (start row, count, stride, offset)
    nrow : int
        Number of rows of all the runs.

    Returns
    -------
    ndarray (row,) or (row, ...), or None
    """
    if nrow < _MANY_ROWS or table.iswritable() or table.haslock(True):
        return None
    kind = _KINDS.get(table.coldatatype(column).lower())
    if kind is None:
        return None
    known = table.__dict__.setdefault("_standard_buckets", {})
    try:
        stamp = _stamp(table)
        if table.__dict__.get("_standard_stamp") != stamp:  # another process has written
            table.__dict__["_standard_stamp"] = stamp
            known.clear()
            table.__dict__["_standard_layouts"] = {}
        if column not in known:
            known[column] = _column_of(table, column, kind)
        if known[column] is None:
            return None
        cells = known[column].gather(runs, nrow)
    except (OSError, ValueError, IndexError, RuntimeError, struct.error):  # what is wrong, reading by casacore tells
        known[column] = None
        return None
    return cells


def _stamp(table: Any) -> tuple[int, ...]:
    """When the files of numbers were written last, and their sizes."""
    paths = table.__dict__.get("_number_files")
    if paths is None:
        seen = [m["SEQNR"] for m in _managers(table).values() if m["TYPE"] in _MANAGERS]
        paths = table.__dict__["_number_files"] = [os.path.join(table.name(), f"table.f{number}") for number in seen]
    found = [os.stat(path) for path in paths]
    return tuple(number for one in found for number in (one.st_mtime_ns, one.st_size))


def _managers(table: Any) -> dict[str, Any]:
    """Storage managers of a table that is not written, which ask a millisecond."""
    if "_storage_managers" not in table.__dict__:
        table.__dict__["_storage_managers"] = table.getdminfo()
    return table.__dict__["_storage_managers"]  # type: ignore[no-any-return]


def _column_of(table: Any, column: str, kind: str) -> _Place | IncrementalColumn | None:
    """Where the cells of a column are; None where they are stored in another way."""
    info = next(m for m in _managers(table).values() if column in m["COLUMNS"])
    if info["TYPE"] not in _MANAGERS or [table.name()] != table.partnames():
        return None
    shape: tuple[int, ...] = ()
    if not table.isscalarcol(column):
        described = table.getcoldesc(column)
        if not int(described.get("option", 0)) & 1 or "shape" not in described:
            return None  # cells are elsewhere
        shape = tuple(int(n) for n in described["shape"])  # python-casacore gives it in C order
    mine = set(info["COLUMNS"])
    place = [c for c in table.colnames() if c in mine].index(column)
    known = table.__dict__.setdefault("_standard_layouts", {})
    path, nrow = os.path.join(table.name(), f"table.f{info['SEQNR']}"), int(table.nrows())
    found: _Place | IncrementalColumn
    if info["TYPE"] == "IncrementalStMan":
        if info["SEQNR"] not in known:
            known[info["SEQNR"]] = IncrementalFile(path, nrow, len(mine))
        found = known[info["SEQNR"]].column(place, np.dtype(kind), shape)
    else:
        offsets, indices = _description(os.path.join(table.name(), "table.dat"), str(info["NAME"]), len(mine))
        if info["SEQNR"] not in known:
            known[info["SEQNR"]] = _layout(path, nrow)
        buckets = known[info["SEQNR"]]
        if buckets is None or indices.any() or len(offsets) != len(mine):
            return None
        found = _Place(buckets, int(offsets[place]), np.dtype(buckets.order + kind), shape)
    return found if _agrees(table, column, found) else None


def _agrees(table: Any, column: str, found: _Place | IncrementalColumn) -> bool:
    """Whether casacore gives the same cells of some rows."""
    rows = found.checked_rows(_ROWS_COMPARED)
    theirs = np.array([table.getcell(column, int(row)) for row in rows])
    ours = found.cells(rows)
    return theirs.shape == ours.shape and bool(np.array_equal(theirs, ours, equal_nan=theirs.dtype.kind == "f"))


def _description(path: str, name: str, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Places of a storage manager's columns in a bucket, and which index each has."""
    with open(path, "rb") as stream:
        data = stream.read()
    own = struct.pack(">I", len(name)) + name.encode("latin-1")
    begin = data.find(struct.pack(">I3sII", 3, b"SSM", 2, len(name))[: 4 + 3] + struct.pack(">I", 2) + own)
    if begin < 0:
        raise ValueError(name)
    words = ObjectStream(data, begin + 4 + 3 + 4 + len(own))
    return words.block()[:count], words.block()[:count]


def _layout(path: str, nrow: int) -> _Buckets | None:
    """The buckets of a file, where all its rows are in full ones in the order of the rows."""
    with open(path, "rb") as stream:
        head = stream.read(_HEADER_BYTES)
        if struct.unpack_from("<I", head)[0] != _MAGIC:
            return None
        # Version 2 is of files in big-endian order; version 3 says by a byte that it is not.
        order = "<" if head[25:30] == b"\3\0\0\0\0" else ">"
        words = ObjectStream(head, 4, order)
        if words.begin("StandardStMan") != (3 if order == "<" else 2):
            return None
        words.at += order == "<"
        bucket_bytes, _, _, _, _, index_buckets, first, at_byte, _, length, index_count = (words.take() for _ in range(11))
        if index_count != 1:
            return None
        if at_byte:
            index = _piece(stream, bucket_bytes, first, at_byte, length)
        else:
            index = b""
            for _ in range(index_buckets):
                bucket = _piece(stream, bucket_bytes, first, 0, bucket_bytes)
                first = struct.unpack_from(">I", bucket)[0]
                index += bucket[8:]
    words = ObjectStream(index[:length], 4, order)
    if words.begin("SSMIndex") != 1:
        return None
    used, per_bucket, _ = words.take(), words.take(), words.take()
    if not per_bucket or used != -(-nrow // per_bucket):
        return None
    words.skip()  # the free space
    last, numbers = words.block()[:used], words.block()[:used]
    if not np.array_equal(last, np.minimum(np.arange(1, used + 1) * per_bucket, nrow) - 1):
        return None
    return _Buckets(path, order, bucket_bytes, per_bucket, numbers, nrow)


def _piece(stream: Any, bucket_bytes: int, bucket: int, at: int, count: int) -> bytes:
    stream.seek(_HEADER_BYTES + bucket * bucket_bytes + at)
    return bytes(stream.read(count))


def _gather(place: _Place, runs: Sequence[tuple[int, int, int, int]], nrow: int) -> np.ndarray:
    """Cells of runs of rows."""
    buckets, kind, shape = place.buckets, place.kind, place.shape
    out = np.empty((nrow, *shape), kind.newbyteorder("="))
    cell_bytes = kind.itemsize * int(np.prod(shape, dtype=np.int64))
    with open(buckets.path, "rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as held:
        count = (len(held) - _HEADER_BYTES) // buckets.bucket_bytes
        cells = np.ndarray(
            (count, buckets.rows_per_bucket, *shape), kind, held, _HEADER_BYTES + place.offset,
            (buckets.bucket_bytes, cell_bytes, *_strides(shape, kind.itemsize)),
        )  # fmt: skip
        for start, number, stride, at in runs:
            last = start + (number - 1) * stride
            first = start // buckets.rows_per_bucket
            which = buckets.numbers[first : last // buckets.rows_per_bucket + 1]
            step = np.diff(which)
            # Buckets in a row are one slice, which is copied only once.
            taken = cells[which[0] : which[-1] + 1] if (step == 1).all() else cells[which]
            skip = start - first * buckets.rows_per_bucket
            if stride == 1 and not skip and number == taken.shape[0] * taken.shape[1]:
                out[at : at + number].reshape(taken.shape)[...] = taken
            else:
                out[at : at + number] = taken.reshape((-1, *shape))[skip : skip + (number - 1) * stride + 1 : stride]
            del taken
        del cells
    return out


def _strides(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """Bytes between elements of cells in C order."""
    return tuple(itemsize * int(np.prod(shape[k + 1 :], dtype=np.int64)) for k in range(len(shape)))
