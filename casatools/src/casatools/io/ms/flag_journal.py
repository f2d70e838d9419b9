"""Flags as they were before a run that is still going: what a killed run has changed can be taken back by the next one.

The file ``flagging.journal`` in the MeasurementSet's folder holds a line with the key of the run, then one record for each chunk that is
about to be written: counts of rows, channels and correlations, the row numbers, and old flags, new flags and old row flags as bits. It
goes when the run ends.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from casatools._base import log
from casatools._base.errors import DataError
from casatools.io.ms.measurement_set import MeasurementSet
from casatools.io.ms.single_values import SingleValues

__all__ = ["FlagJournal", "forget", "open_journal", "take_back"]

_NAME = "flagging.journal"


def _path(ms: MeasurementSet) -> str:
    return os.path.join(ms.path, _NAME)


class FlagJournal:
    """Notes old flags before they change.

    Parameters
    ----------
    ms : MeasurementSet
        Opened writable, held by `exclusive_access`.
    key : str
        What tells runs apart: one line.
    """

    def __init__(self, ms: MeasurementSet, key: str) -> None:
        self._path, self._key = _path(ms), key
        self._file: BinaryIO | None = None

    def note(self, rows: np.ndarray, flags: np.ndarray, flag_row: np.ndarray, wanted: np.ndarray) -> None:
        """Keep the flags of some rows.

        Parameters
        ----------
        rows : ndarray (row,) int64
        flags : ndarray (row, chan, corr) bool
        flag_row : ndarray (row,) bool
        wanted : ndarray (row, chan, corr) bool
            What the flags are about to be.

        Raises
        ------
        DataError
            The file cannot be written.
        """
        record = b"".join((
            np.array(flags.shape, np.int64).tobytes(), np.asarray(rows, np.int64).tobytes(),
            *(np.packbits(bits).tobytes() for bits in (flags, wanted, flag_row)),
        ))  # fmt: skip
        try:
            if self._file is None:
                self._file = open(self._path, "wb", buffering=0)  # noqa: SIM115 (closed by `finished`)
                self._file.write(f"{self._key}\n".encode())
            self._file.write(record)
        except OSError as error:
            raise DataError(f"the journal {self._path!r} cannot be written: {error}") from error

    def finished(self) -> None:
        """Forget: all chunks are written."""
        self.close()
        with contextlib.suppress(FileNotFoundError):
            os.remove(self._path)

    def close(self) -> None:
        """Leave the file for the next run."""
        if self._file is not None:
            self._file.close()
            self._file = None


def _bits(stream: BinaryIO, shape: tuple[int, ...]) -> np.ndarray | None:
    count = int(np.prod(shape))
    content = stream.read(-(-count // 8))
    if len(content) < -(-count // 8):
        return None
    return np.unpackbits(np.frombuffer(content, np.uint8), count=count).view(bool).reshape(shape)


def _records(stream: BinaryIO) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Whole records as rows, flags, wanted flags and row flags; one that was cut short belongs to a chunk that was not written."""
    while len(head := stream.read(24)) == 24:
        shape = tuple(int(n) for n in np.frombuffer(head, np.int64))
        content = stream.read(8 * shape[0])
        flags, wanted, flag_row = _bits(stream, shape), _bits(stream, shape), _bits(stream, shape[:1])
        if flags is None or wanted is None or flag_row is None:
            return
        yield np.frombuffer(content, np.int64), flags, wanted, flag_row


def _untouched(ms: MeasurementSet, stream: BinaryIO) -> bool:
    """Whether the flags are those of the run that was cut short: nothing differs from both what they were and what was wanted."""
    return all(not ((flags == wanted) & (ms.read("FLAG", rows) != flags)).any() for rows, flags, wanted, _ in _records(stream))


def take_back(ms: MeasurementSet, key: str) -> bool:
    """Put back the flags that a run of the same key changed before it was cut short.

    The notes of another run, and those of flags that were changed since, are dropped with a warning.

    Parameters
    ----------
    ms : MeasurementSet
        Opened writable, held by `exclusive_access`.
    key : str

    Returns
    -------
    bool
        True when flags were put back.
    """
    path = _path(ms)
    if not os.path.isfile(path):
        return False
    with open(path, "rb") as stream:
        same = stream.readline().decode(errors="replace").rstrip("\n") == key
        start = stream.tell()
        same = same and _untouched(ms, stream)
        stream.seek(start)
        if same:
            log.post(f"An earlier run of the same commands on {ms.path} was cut short: its flags are taken back first")
            single = SingleValues(ms)
            for rows, flags, _, flag_row in _records(stream):
                ms.write("FLAG", flags, rows)
                single.keep("FLAG_ROW", rows, flag_row)
            single.write()
        else:
            log.post(
                f"An earlier flagging run on {ms.path} was cut short and its flags stay in part; restore its backup to be rid of them",
                "WARN",
            )
    os.remove(path)
    return same


def open_journal(ms: MeasurementSet, what: object) -> FlagJournal:
    """Take back what a killed run of the same work, told by its ``repr``, has left, and note what this one changes.

    For work that looks at flags: a second run over flags that are half changed would give others than one run does.
    """
    key = hashlib.sha256(f"{ms.nrow} {what!r}".encode()).hexdigest()
    take_back(ms, key)
    return FlagJournal(ms, key)


def forget(ms: MeasurementSet) -> None:
    """Drop the notes of a run that was cut short: all flags are about to be replaced."""
    with contextlib.suppress(FileNotFoundError):
        os.remove(_path(ms))
