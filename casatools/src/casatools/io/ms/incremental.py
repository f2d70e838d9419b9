"""Values of incremental columns put only where they change, which is how they are kept."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from casatools.io.tables import Table

__all__ = ["IncrementalColumns", "columns_of_changes"]

# Values that stand for at least as many rows on average are put one by one.
_RUN_ROWS = 8


class IncrementalColumns:
    """Columns of an IncrementalStMan that are filled row after row.

    Parameters
    ----------
    names : iterable of str
    begun : int
        Rows that the table had when it was opened.

    Notes
    -----
    A value put behind all others stands for all rows from there on, but in a table that had rows when it was opened casacore takes each row that follows the
    one put last for itself alone, until one is left out. So the second row that was added is put before the first; from then on values stand.
    """

    def __init__(self, names: Iterable[str], begun: int = 0) -> None:
        self._held: dict[str, Any] = dict.fromkeys(names)  # the last value of each
        self.begun = begun

    def put(self, table: Table, name: str, values: np.ndarray, at: int) -> bool:
        """Put the values of the rows that follow those put before; False, and nothing is done, where that is not the way for them."""
        if name not in self._held:
            return False
        count = len(values)
        changed = np.empty(count, dtype=bool)
        changed[0] = bool(self._held[name] != values[0])
        np.not_equal(values[1:], values[:-1], out=changed[1:])
        had = self.begun - at if self.begun else -1
        if had >= 0:
            changed[: had + 2] = True
        rows = np.flatnonzero(changed)
        dense = len(rows) * _RUN_ROWS > count
        if had >= 0 and (dense or count < had + 2):
            del self._held[name]  # where the beginning is not put so, all of it is put whole
            return False
        self._held[name] = values[-1]
        if dense:
            return False
        if had >= 0:
            rows[had], rows[had + 1] = rows[had + 1], rows[had]
        for row in rows.tolist():
            table.putcell(name, at + row, values[row])
        return True


def columns_of_changes(table: Table) -> list[str]:
    """Scalar columns of a table that an IncrementalStMan keeps."""
    return [
        c for m in table.getdminfo().values() if m["TYPE"] == "IncrementalStMan" for c in m["COLUMNS"] if table.isscalarcol(c)
    ]
