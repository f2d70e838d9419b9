"""Pieces of a column as they were before they are written: a change in place that depends on what was there can be gone on with after a kill.

A column is changed in numbered pieces, shared out over a few lanes that each work in order. Before a piece is written, its old values go into the file
``<column>.journal`` in the MeasurementSet's folder, mapped into memory, where the newest pieces of each lane overwrite older ones. What a killed run has
written is complete up to the oldest of these; they are put back, and the change goes on from there.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from casatools._base import log
from casatools._base.errors import DataError
from casatools.io.ms.measurement_set import MeasurementSet

__all__ = ["WriteJournal", "filling", "forget_write_journal", "interrupted_key", "unfilled"]

_HEAD = 512  # bytes of the key
_SLOT_HEAD = 32  # bytes: number of the piece + 1, bytes of it, time of day [ns]
# Longer after the last piece was noted, another program has written the column.
_GRACE_S = 20.0


def _path(ms: MeasurementSet, column: str) -> str:
    return os.path.join(ms.path, f"{column}.journal")


class WriteJournal:
    """Notes pieces before they are written; goes on where an earlier one ended.

    Parameters
    ----------
    ms : MeasurementSet
    column : str
    key : str
        What tells changes apart, in which pieces too: one line.
    lanes : int
    depth : int
        Pieces of a lane that may be noted and not yet be written, and one more.
    piece_bytes : int
        The most bytes of a piece.
    """

    def __init__(self, ms: MeasurementSet, column: str, key: str, lanes: int, depth: int, piece_bytes: int) -> None:
        self._path, self._depth, self._lanes = _path(ms, column), depth, lanes
        self._slot = _SLOT_HEAD + piece_bytes
        size = _HEAD + lanes * depth * self._slot
        line = key.encode()[: _HEAD - 1].ljust(_HEAD, b"\n")
        try:
            if not os.path.isfile(self._path) or os.path.getsize(self._path) != size:
                with open(self._path, "wb") as stream:
                    stream.write(line)
                    stream.truncate(size)
            self._bytes: np.ndarray = np.memmap(self._path, np.uint8, "r+")
        except OSError as error:
            raise DataError(f"the journal {self._path!r} cannot be written: {error}") from error

    def _at(self, lane: int, number: int) -> int:
        return _HEAD + (lane * self._depth + number % self._depth) * self._slot

    def _head(self, at: int) -> np.ndarray:
        return self._bytes[at : at + _SLOT_HEAD].view(np.int64)

    def note(self, lane: int, number: int, values: np.ndarray) -> None:
        """Keep the old values of a piece; numbers of a lane grow from 0."""
        at = self._at(lane, number)
        content = np.ascontiguousarray(values).reshape(-1).view(np.uint8)
        head = self._head(at)
        head[0] = 0
        self._bytes[at + _SLOT_HEAD : at + _SLOT_HEAD + len(content)] = content
        head[1:3] = len(content), time.time_ns()
        head[0] = number + 1

    def put_back(self, lane: int, restore: Callable[[int, np.ndarray], None]) -> int:
        """Give the noted pieces of a lane to `restore` (number, bytes); returns the piece to go on with."""
        found = {}
        for slot in range(self._depth):
            head = self._head(self._at(lane, slot))
            if head[0] > 0:
                found[int(head[0]) - 1] = int(head[1])
        if not found:
            return 0
        first = max(0, max(found) - self._depth + 2)
        for number in range(first, max(found) + 1):
            at = self._at(lane, number) + _SLOT_HEAD
            restore(number, np.array(self._bytes[at : at + found[number]]))
        return first

    def finished(self) -> None:
        """Forget: all pieces are written."""
        del self._bytes
        with contextlib.suppress(FileNotFoundError):
            os.remove(self._path)


def interrupted_key(ms: MeasurementSet, column: str, files: Sequence[str] = ()) -> str | None:
    """The key of a change of a column that was cut short; None where there is none.

    Parameters
    ----------
    ms : MeasurementSet
    column : str
    files : sequence of str
        Files that hold the column.

    Raises
    ------
    DataError
        The column was written by another program since.
    """
    path = _path(ms, column)
    if not os.path.isfile(path) or os.path.getsize(path) < _HEAD:
        return None
    with open(path, "rb") as stream:
        key = stream.read(_HEAD).rstrip(b"\n").decode(errors="replace")
    last = os.path.getmtime(path)
    if any(os.path.getmtime(f) > last + _GRACE_S for f in files if os.path.isfile(f)):
        raise DataError(
            f"an earlier change of {column} in {ms.path!r} was cut short and the column was written since: make it anew, or remove {path!r} if it is whole"
        )
    return key


def forget_write_journal(ms: MeasurementSet, column: str) -> None:
    """Drop the notes of a change that was cut short: the column is about to be made anew."""
    path = _path(ms, column)
    if os.path.isfile(path):
        log.post(
            f"An earlier change of {column} in {ms.path} was cut short; what is not written now stays changed in part", "WARN"
        )
        os.remove(path)


def _mark(ms: MeasurementSet, column: str) -> str:
    return os.path.join(ms.path, f"{column}.unfilled")


def unfilled(ms: MeasurementSet, column: str) -> bool:
    """Whether a run was killed while it filled a new column."""
    return os.path.isfile(_mark(ms, column))


@contextlib.contextmanager
def filling(ms: MeasurementSet, column: str) -> Iterator[None]:
    """Mark a new column as not yet filled while the block runs, and where it fails; a column that was not made leaves no mark."""
    with open(_mark(ms, column), "wb"):
        pass
    filled = False
    try:
        yield
        filled = True
    finally:
        if filled or column not in ms.column_names:
            with contextlib.suppress(FileNotFoundError):
                os.remove(_mark(ms, column))
