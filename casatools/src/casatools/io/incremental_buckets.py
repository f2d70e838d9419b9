"""Columns of numbers of an IncrementalStMan read straight from its file, where a value stands for all rows until the next one.

Notes
-----
An IncrementalStMan keeps buckets of one size in a file ``table.fN`` behind a header of 512 bytes, and behind them an index of which rows are
where. A bucket holds values first and then, for each column, at which of its rows the value changes and where the values are (the layout of the
files themselves; casacore note 260 describes the storage managers). Whatever does not look like that is left to casacore.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from casatools.io.object_stream import ObjectStream

__all__ = ["IncrementalColumn", "IncrementalFile"]

_HEADER_BYTES = 512
_MAGIC = 0xBEBEBEBE
# A larger file is one of columns that change from row to row.
_LARGEST_BYTES = 2**26


@dataclass(frozen=True)
class IncrementalColumn:
    """The values of a column, and the rows from which on they stand.

    Attributes
    ----------
    rows : ndarray (change,) int64
        Ascending, the first is 0.
    values : ndarray (change,) or (change, ...)
    nrow : int
        Rows of the table.
    """

    rows: np.ndarray
    values: np.ndarray
    nrow: int

    def gather(self, runs: Sequence[tuple[int, int, int, int]], nrow: int) -> np.ndarray:
        """Cells of runs of rows: (start row, count, stride, offset)."""
        parts = [self._run(start, count, stride) for start, count, stride, _ in runs]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def cells(self, rows: np.ndarray) -> np.ndarray:
        """Cells of some rows."""
        return self.values[np.searchsorted(self.rows, rows, side="right") - 1]

    def _run(self, start: int, count: int, stride: int) -> np.ndarray:
        last = start + (count - 1) * stride
        if start < 0 or last >= self.nrow:
            raise IndexError(last)
        first, stop = np.searchsorted(self.rows, [start, last], side="right") - (1, 0)
        # How many of the rows wanted lie before each change.
        edges = -(-(np.append(self.rows[first:stop], last + 1) - start) // stride)
        edges[0], edges[-1] = 0, count
        return np.repeat(self.values[first:stop], np.diff(edges), axis=0)

    def checked_rows(self, count: int) -> np.ndarray:
        """Rows at which it shows whether these are the values: some changes and the rows before them."""
        some = self.rows[np.unique(np.linspace(0, len(self.rows) - 1, count).astype(np.int64))]
        return np.unique(np.concatenate([some, np.maximum(some - 1, 0), [self.nrow - 1]]))


class IncrementalFile:
    """The buckets of a file.

    Parameters
    ----------
    path : str
    nrow : int
        Rows of the table.
    ncolumn : int
        Columns of the storage manager.

    Raises
    ------
    ValueError, struct.error
        The file looks otherwise.
    """

    def __init__(self, path: str, nrow: int, ncolumn: int) -> None:
        self.nrow, self.ncolumn = nrow, ncolumn
        with open(path, "rb") as stream:
            if os.fstat(stream.fileno()).st_size > _LARGEST_BYTES:
                raise ValueError(path)
            self.content = stream.read()
        if struct.unpack_from("<I", self.content)[0] != _MAGIC:
            raise ValueError(path)
        # Version 4 is of files in big-endian order; version 5 says by a byte that it is not.
        self.order: Literal["<", ">"] = "<" if self.content[7:3:-1] < self.content[4:8] else ">"
        words = ObjectStream(self.content[:_HEADER_BYTES], 4, self.order)
        if words.begin("IncrementalStMan") != (5 if self.order == "<" else 4):
            raise ValueError(path)
        words.at += self.order == "<"
        self.bucket_bytes, nbucket = words.take(), words.take()
        index = ObjectStream(self.content, _HEADER_BYTES + nbucket * self.bucket_bytes, self.order)
        if index.take() != _MAGIC or index.begin("ISMIndex") != 1:
            raise ValueError(path)
        used = index.take()
        self.starts, self.numbers = index.block()[: used + 1], index.block()[:used]
        if len(self.starts) != used + 1 or self.starts[0] or self.starts[-1] != nrow or (np.diff(self.starts) <= 0).any():
            raise ValueError(path)
        if self.numbers.max(initial=-1) >= nbucket:
            raise ValueError(path)

    @cached_property
    def _indices(self) -> list[list[np.ndarray]]:
        """For each column and bucket the rows of the bucket at which it changes and where the values are: ndarray (2, change) int64."""
        out: list[list[np.ndarray]] = [[] for _ in range(self.ncolumn)]
        word = np.dtype(self.order + "u4")
        for number in self.numbers.tolist():
            base = _HEADER_BYTES + number * self.bucket_bytes
            at = base + struct.unpack_from(self.order + "I", self.content, base)[0]
            for column in out:
                count = struct.unpack_from(self.order + "I", self.content, at)[0]
                if count < 1 or at + 4 + 8 * count > base + self.bucket_bytes:
                    raise ValueError(count)
                pair = np.frombuffer(self.content, word, 2 * count, at + 4).astype(np.int64).reshape(2, count)
                pair[1] += base + 4
                column.append(pair)
                at += 4 + 8 * count
        return out

    def column(self, place: int, kind: np.dtype, shape: tuple[int, ...]) -> IncrementalColumn:
        """A column by its place among those of the storage manager."""
        indices = self._indices[place]
        rows = np.concatenate([pair[0] + start for pair, start in zip(indices, self.starts.tolist())])
        at = np.concatenate([pair[1] for pair in indices])
        if any(pair[0, 0] for pair in indices) or (np.diff(rows) <= 0).any() or rows[-1] >= self.nrow:
            raise ValueError(place)
        size = kind.itemsize * int(np.prod(shape, dtype=np.int64))
        if int(at.max()) + size > len(self.content):
            raise ValueError(place)
        held = np.frombuffer(self.content, np.uint8)
        stored = np.dtype(self.order + kind.str[1:])
        cells = np.ascontiguousarray(held[at[:, np.newaxis] + np.arange(size)]).view(stored)
        values = cells.astype(kind.newbyteorder("=")).reshape((len(at), *shape))
        return IncrementalColumn(rows, values, self.nrow)
