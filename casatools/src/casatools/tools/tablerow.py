"""The tablerow tool: whole rows of a table as records; made by ``table.row``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from casatools._base import kinds
from casatools._base.declare import method
from casatools._base.errors import DataError, NotOpenError, ParameterError

if TYPE_CHECKING:
    from casatools.tools.table import table

__all__ = ["tablerow"]

_WHOLE = ("uchar", "short", "ushort", "int", "uint", "int64")
_TYPES: dict[str, Any] = {
    "complex": np.complex128,
    "string": "<U1",
    "boolean": np.bool_,
    "float": np.float64,
    "double": np.float64,
}


class tablerow:
    """Rows of an open table as records."""

    def __init__(self, parent: table | None = None, columns: list[str] | None = None) -> None:
        self._parent = parent
        self._columns = list(columns or [])

    @property
    def _table(self) -> table:
        if self._parent is None or not self._parent.ok():
            raise NotOpenError("tablerow: no table is open; make it with table.row")
        return self._parent

    @method
    def iswritable(self) -> bool:
        """True when rows can be written."""
        return self._table.iswritable()

    @method
    def get(self, rownr: Annotated[int, kinds.Int(min=0), "Row number"]) -> dict:
        """A row as a record of its columns; a cell without a value is an empty array of the column's type."""
        source = self._table
        found = {}
        for name in self._columns:
            cell = source.getcell(name, rownr) if source.iscelldefined(name, rownr) else np.empty(0)
            found[name] = _empty(source.coldatatype(name)) if isinstance(cell, np.ndarray) and cell.shape == (0,) else cell
        return found

    def __len__(self) -> int:
        return int(self._table.nrows())

    def __getitem__(self, which: int | slice) -> Any:
        """A row, or the rows of a slice as a list; IndexError beyond the end, so that a loop over the rows ends."""
        count = len(self)
        if isinstance(which, slice):
            return [self.get(row) for row in range(*which.indices(count))]
        if not -count <= which < count:
            raise IndexError(f"tablerow: there is no row {which}; rows are 0 to {count - 1}")
        return self.get(which % count)

    @method
    def put(
        self,
        rownr: Annotated[int, kinds.Int(min=0), "Row number"],
        value: Annotated[dict, kinds.Record(), "Values by column"],
        matchingfields: Annotated[
            bool, kinds.Bool(), "Write only the columns that are in both; otherwise both must have the same"
        ] = True,
    ) -> bool:
        """Write a row from a record.

        Raises
        ------
        DataError
            The table is not open for writing, or has no such row.
        ParameterError
            A value does not fit its column; numbers with a fraction do not go into columns of whole numbers.
        """
        target = self._table
        if not target.iswritable():
            raise DataError("tablerow.put: the table is not open for writing")
        unknown = [k for k in value if k not in self._columns]
        missing = [k for k in self._columns if k not in value]
        if not matchingfields and (unknown or missing):
            raise ParameterError(f"tablerow.put: the record and the row differ in {', '.join(unknown + missing)}")
        cells: dict[str, Any] = {k: self._fitting(k, v) for k, v in value.items() if k in self._columns}
        for name, cell in cells.items():  # all are checked before one is written
            target._checked_cell(name, cell)
        for name, cell in cells.items():
            target.putcell(name, rownr, cell)
        return True

    def _fitting(self, name: str, cell: Any) -> Any:
        """A value for a column with CASA's leniencies: 0 and 1 for a switch, one text for a column of lists of texts."""
        kind, scalar = self._table.coldatatype(name), self._table.isscalarcol(name)
        if kind == "boolean" and isinstance(cell, (int, np.integer)) and cell in (0, 1):
            return bool(cell)
        if kind == "string" and isinstance(cell, str) and not scalar:
            return [cell]
        if kind in _WHOLE and np.asarray(cell).dtype.kind == "f" and np.any(np.asarray(cell) != np.trunc(cell)):
            raise ParameterError(f"tablerow.put: column {name!r} holds values of type {kind}; got {cell!r}")
        return cell

    @method
    def done(self) -> None:
        """End the tool."""
        self._parent = None


def _empty(kind: str) -> np.ndarray:
    """No values of a column's type."""
    return np.empty(0, next((code for word, code in _TYPES.items() if word in kind), np.int64))
