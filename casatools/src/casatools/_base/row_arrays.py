"""Arrays of one number a row: in memory while they are small, in a file without a name beyond that, so that memory does not grow with the rows.

Notes
-----
Such files lie in ``TMPDIR``, or in ``/var/tmp``, which is on a disk where ``/tmp`` may be memory; 8 bytes a row and array. `let_go` gives the pages that a
process has touched back to the system; nothing is lost by it.
"""

from __future__ import annotations

import errno
import mmap
import os
import tempfile
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from casatools._base.errors import DataError
from casatools._base.memory import chunk_bytes, memory_budget_bytes

__all__ = [
    "RowFiller",
    "common_rows",
    "kept_rows",
    "let_go",
    "map_file",
    "other_rows",
    "row_array",
    "row_blocks",
    "row_numbers",
    "rows_at_once",
]

# What the plan of a transformation holds for each row that it looks at, and how many rows it looks at together.
_PLANNED_BYTES = 200
_FEWEST, _MOST = 1 << 16, 1 << 20
# Arrays up to so many bytes are always in memory.
_IN_MEMORY = 4 << 20
_maps: list[weakref.ref[mmap.mmap]] = []


def rows_at_once() -> int:
    """Rows that are planned together: what a quarter of the memory to plan with has room for, a million at most."""
    return int(np.clip(memory_budget_bytes() // 4 // _PLANNED_BYTES, _FEWEST, _MOST))


def row_blocks(count: int, size: int | None = None) -> Iterator[slice]:
    """Slices of so many rows, `rows_at_once` each; the pages of one are let go of before the next."""
    step = size or rows_at_once()
    for start in range(0, count, step):
        yield slice(start, min(start + step, count))
        let_go()


def map_file(folder: str | None, nbytes: int, what: str) -> mmap.mmap:
    """Memory that is a new file without a name.

    Raises
    ------
    DataError
        The disk has no room for it; `what` says what needs it.
    """
    with tempfile.TemporaryFile(dir=folder) as stream:
        try:
            # A page of a file that finds no room when it is written would end the process: the room is taken now.
            os.posix_fallocate(stream.fileno(), 0, nbytes)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            place = folder or tempfile.gettempdir()
            raise DataError(f"the disk is full: {what} {nbytes / 1e6:.1f} MB more in {place!r}") from None
        return mmap.mmap(stream.fileno(), nbytes)


def _folder() -> str | None:
    return None if os.environ.get("TMPDIR") or not os.access("/var/tmp", os.W_OK | os.X_OK) else "/var/tmp"


def row_array(count: int, dtype: Any) -> np.ndarray:
    """An array (row,) of undefined values; a large one is in a file."""
    kind = np.dtype(dtype)
    nbytes = int(count) * kind.itemsize
    if nbytes <= max(_IN_MEMORY, chunk_bytes() // 8):
        return np.empty(count, kind)
    mapping = map_file(_folder(), nbytes, f"the numbers of {count} rows, which are kept in a file, need")
    _maps[:] = [m for m in _maps if m() is not None]
    _maps.append(weakref.ref(mapping))
    return np.frombuffer(mapping, kind)


def row_numbers(count: int) -> np.ndarray:
    """0 to `count` - 1: ndarray (row,) int64."""
    out = row_array(count, np.int64)
    for block in row_blocks(count):
        out[block] = np.arange(block.start, block.stop)
    return out


def kept_rows(rows: np.ndarray, wanted: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """The rows that are wanted, as a function of some of them says: ndarray (row,) int64."""
    if len(rows) <= rows_at_once():
        return rows[wanted(rows)]
    out = RowFiller(len(rows))
    for block in row_blocks(len(rows)):
        out.add(rows[block][wanted(rows[block])])
    return out.filled


def common_rows(rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Rows that are among others; both ascend."""
    return kept_rows(rows, lambda part: _among(part, others))


def other_rows(rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Rows that are not among others; both ascend."""
    return kept_rows(rows, lambda part: ~_among(part, others))


def _among(part: np.ndarray, others: np.ndarray) -> np.ndarray:
    if not len(part):
        return np.zeros(0, bool)
    low, high = np.searchsorted(others, part[0]), np.searchsorted(others, part[-1], side="right")
    return np.isin(part, others[low:high], assume_unique=True)


def let_go() -> None:
    """Give the pages of all such files that this process holds back to the system."""
    for reference in tuple(_maps):
        mapping = reference()
        if mapping is not None:
            mapping.madvise(mmap.MADV_DONTNEED)


class RowFiller:
    """A row array that is filled piece by piece.

    Parameters
    ----------
    most : int
        Rows at most.
    dtype : dtype
    """

    def __init__(self, most: int, dtype: Any = np.int64) -> None:
        self._array = row_array(most, dtype)
        self.count = 0

    def add(self, values: np.ndarray) -> np.ndarray:
        """Put values behind the others; gives where they are now."""
        start, self.count = self.count, self.count + len(values)
        self._array[start : self.count] = values
        return self._array[start : self.count]

    @property
    def filled(self) -> np.ndarray:
        """What was put so far."""
        return self._array[: self.count]
