"""Columns of one value a row, such as FLAG_ROW, kept back and written together when the rest is on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from casatools._base.row_arrays import row_array, row_blocks

if TYPE_CHECKING:
    from casatools.io.ms.measurement_set import MeasurementSet

__all__ = ["SingleValues"]


class SingleValues:
    """Values of such columns, in files beyond some megabytes.

    As a rule these columns share a file with TIME and UVW, of which casacore has the index in memory alone while it changes: until that is flushed
    neither other ranks nor whoever follows a killed run can read the file.

    Parameters
    ----------
    ms : MeasurementSet
        Opened writable.
    """

    def __init__(self, ms: MeasurementSet) -> None:
        self._ms = ms
        self._columns: dict[str, tuple[np.ndarray, np.ndarray]] = {}

    def keep(self, column: str, rows: np.ndarray, values: np.ndarray) -> None:
        """Keep values (row,) of a column back; later ones of the same row replace them."""
        if column not in self._columns:
            self._columns[column] = row_array(self._ms.nrow, values.dtype), row_array(self._ms.nrow, bool)
            for block in row_blocks(self._ms.nrow):
                self._columns[column][1][block] = False
        held, known = self._columns[column]
        held[rows], known[rows] = values, True

    def write(self) -> None:
        """Write what was kept, in the order of the rows, and flush it."""
        for column, (held, known) in self._columns.items():
            for block in row_blocks(self._ms.nrow):
                rows = block.start + np.flatnonzero(known[block])
                self._ms.write(column, held[rows], rows)
        if self._columns:
            self._ms.flush()
        self._columns.clear()
