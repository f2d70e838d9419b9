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
        changed[: max(0, self.begun - at + 1)] = True
        self._held[name] = values[-1]
        rows = np.flatnonzero(changed)
        if len(rows) * _RUN_ROWS > count:
            return False
        # A value put behind all others, in rows added since the table was opened, stands for all rows from there on.
        for row in rows.tolist():
            table.putcell(name, at + row, values[row])
        return True


def columns_of_changes(table: Table) -> list[str]:
    """Scalar columns of a table that an IncrementalStMan keeps."""
    return [
        c for m in table.getdminfo().values() if m["TYPE"] == "IncrementalStMan" for c in m["COLUMNS"] if table.isscalarcol(c)
    ]
