"""The tablerow tool: whole rows of a table as records; made by ``table.row``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from casatools._base import kinds
from casatools._base.declare import method
from casatools._base.errors import DataError, NotOpenError, ParameterError

if TYPE_CHECKING:
    from casatools.tools.table import table

__all__ = ["tablerow"]


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
        """A row as a record of its columns; a cell without a value is an empty array."""
        source = self._table
        return {name: source.getcell(name, rownr) if source.iscelldefined(name, rownr) else [] for name in self._columns}

    @method
    def put(
        self,
        rownr: Annotated[int, kinds.Int(min=0), "Row number"],
        value: Annotated[dict, kinds.Record(), "Values by column"],
        matchingfields: Annotated[
            bool, kinds.Bool(), "Write only the columns that are in both; otherwise both must have the same"
        ] = True,
    ) -> bool:
        """Write a row from a record."""
        target = self._table
        if not target.iswritable():
            raise DataError("tablerow.put: the table is not open for writing")
        unknown = [k for k in value if k not in self._columns]
        missing = [k for k in self._columns if k not in value]
        if not matchingfields and (unknown or missing):
            raise ParameterError(f"tablerow.put: the record and the row differ in {', '.join(unknown + missing)}")
        cells: dict[str, Any] = {k: v for k, v in value.items() if k in self._columns}
        for name, cell in cells.items():
            target.putcell(name, rownr, cell)
        return True

    @method
    def done(self) -> bool:
        """End the tool."""
        self._parent = None
        return True
