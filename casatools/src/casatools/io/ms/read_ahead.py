"""Asking the operating system for the files of columns before casacore reads them.

casacore holds the interpreter's lock while it waits for a disk, so that nothing else runs meanwhile. The bytes of tiled columns lie in the order of
the rows, so that a range of rows is about the same part of the file: it is asked for ahead (posix_fadvise), and casacore finds it in memory.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from casatools.io.ms.measurement_set import CHANNEL_COLUMNS, MeasurementSet
from casatools.io.ms.parts import is_multi_ms

__all__ = ["ReadAhead"]

# Rows that lie far apart are not asked for: the whole file would come to memory.
_MOST_BYTES = 256_000_000


class ReadAhead:
    """The files of tiled columns of a MeasurementSet; does nothing for multi-MSs and where the system has no such call.

    Parameters
    ----------
    ms : MeasurementSet
    columns : sequence of str
    """

    def __init__(self, ms: MeasurementSet, columns: Sequence[str]) -> None:
        self._nrow = max(1, ms.nrow)
        self._files: list[tuple[int, int]] = []
        if not hasattr(os, "posix_fadvise") or is_multi_ms(ms.path):
            return
        for manager in ms.table.getdminfo().values():
            if not any(c in columns and c in CHANNEL_COLUMNS for c in manager["COLUMNS"]):
                continue
            for number in range(2):
                path = os.path.join(ms.table.name(), f"table.f{manager['SEQNR']}_TSM{number}")
                if os.path.isfile(path):
                    self._files.append((os.open(path, os.O_RDONLY), os.path.getsize(path)))

    def ask(self, first_row: int, last_row: int) -> None:
        """Ask for the rows from the first to the last."""
        for number, size in self._files:
            start = size * first_row // self._nrow
            length = size * (last_row + 1) // self._nrow - start
            if 0 < length <= _MOST_BYTES:
                os.posix_fadvise(number, start, length, os.POSIX_FADV_WILLNEED)

    def close(self) -> None:
        """Close the files."""
        for number, _ in self._files:
            os.close(number)
        self._files = []
