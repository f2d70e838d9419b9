"""What the parts of the table tool share: the open table, checks of columns and rows, and the declared parameter types."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from casatools._base import kinds
from casatools._base.errors import DataError, NotOpenError, ParameterError
from casatools.io.table_access import shape_of, table_errors

Column = Annotated[str, kinds.Text(empty=False), "Name of the column"]
StartRow = Annotated[int, kinds.Int(), "First row"]
RowCount = Annotated[int, kinds.Int(), "Number of rows; -1 means up to the last"]
RowStep = Annotated[int, kinds.Int(min=1), "Step from row to row"]
RowNumber = Annotated[int, kinds.Int(), "Row number"]
Corner = Annotated[list, kinds.IntList(), "Corner of the slice on every axis of a cell, 0-based and inclusive"]
Step = Annotated[list, kinds.IntList(), "Step on every axis of a cell"]
Value = Annotated[Any, kinds.Variant(), "The value to write; rows are on the last axis"]
Key = Annotated[
    Any, kinds.Variant((kinds.Text(), kinds.Int(), kinds.TextList())), "Name of the keyword, fields by dots, or its number"
]
Record = Annotated[dict, kinds.Record(), "A record"]
Flag = Annotated[bool, kinds.Bool(), "True or False"]
Path = Annotated[str, kinds.Text(), "Path of a table or file"]


# Types of whole numbers that casacore would wrap around.
_SMALLEST_AND_LARGEST = {
    "uchar": (0, 2**8 - 1), "short": (-(2**15), 2**15 - 1), "ushort": (0, 2**16 - 1), "int": (-(2**31), 2**31 - 1), "uint": (0, 2**32 - 1),
}  # fmt: skip


class Access:
    """Base of the table tool: the open casacore table."""

    def __init__(self) -> None:
        self._open_table: Any = None

    @property
    def _table(self) -> Any:
        if self._open_table is None:
            raise NotOpenError("table: no table is open; call table.open first")
        return self._open_table

    @property
    def _writable(self) -> Any:
        table = self._table
        if not table.iswritable():
            raise DataError(f"table {table.name()!r} is not open for writing; open it with nomodify=False")
        return table

    def _column(self, name: str) -> str:
        names = self._table.colnames()
        if name not in names:
            raise DataError(f"there is no column {name!r} in table {self._table.name()!r}; it has {', '.join(sorted(names))}")
        return name

    def _row(self, row: int) -> int:
        count = self._table.nrows()
        if not 0 <= row < count:
            raise DataError(f"there is no row {row} in table {self._table.name()!r}, which has {count} rows")
        return row

    def _rows(self, start: int, count: int, step: int) -> tuple[int, int, int]:
        """Start, number and step of rows, cut at the end of the table."""
        total = self._table.nrows()
        if start == total:
            return start, 0, step
        self._row(start)
        most = (total - start + step - 1) // step
        return start, most if count < 0 else min(count, most), step

    def _corners(self, column: str, row: int, blc: list, trc: list, incr: list) -> tuple[list[int], list[int], list[int]]:
        """Checked slice in casacore's axis order."""
        self._column(column)
        if self._table.isscalarcol(column):
            raise DataError(f"column {column!r} holds scalars and cannot be sliced")
        with table_errors(f"column {column!r} cannot be sliced"):
            texts = self._table.getcolshapestring(column, row, 1)
        shape = shape_of(texts[0])[::-1] if texts else ()
        ndim = len(shape)
        steps = [1] * ndim if not incr or (len(incr) == 1 and incr == [1]) else list(incr)
        if len(blc) != ndim or len(trc) != ndim or len(steps) != ndim:
            raise ParameterError(f"blc, trc and incr of column {column!r} must have {ndim} numbers; got {blc}, {trc}, {incr}")
        # -1 is the first in blc and the last in trc, as CASA's getcolslice takes it.
        begin = [0 if b == -1 else b for b in blc]
        last = [n - 1 if t == -1 else t for t, n in zip(trc, shape, strict=True)]
        if any(not 0 <= b <= t < n or s < 1 for b, t, n, s in zip(begin, last, shape, steps, strict=True)):
            raise ParameterError(
                f"the slice {blc} to {trc} by {steps} is outside the cells of column {column!r}, which are {list(shape)}"
            )
        return begin[::-1], last[::-1], steps[::-1]

    @staticmethod
    def _as_array(column: str, value: Any) -> np.ndarray:
        try:
            return np.asarray(value)
        except ValueError:
            raise ParameterError(
                f"the value for column {column!r} is a ragged list; give numbers or texts of one shape"
            ) from None

    def _checked_value(self, column: str, value: Any) -> Any:
        """A value as an array or text of the column's kind."""
        kind = self._table.coldatatype(column)
        array = self._as_array(column, value)
        wanted = {"string": "US", "boolean": "biu"}.get(kind, "iufc" if "complex" in kind else "iuf")
        if array.dtype.kind not in wanted and not (array.dtype.kind == "b" and kind != "string"):
            raise ParameterError(f"column {column!r} holds values of type {kind}; got {array.dtype}")
        if kind in ("int", "short", "uint", "uchar", "int64", "ushort") and array.dtype.kind == "f":
            if not np.isfinite(array).all():
                raise ParameterError(f"column {column!r} holds values of type {kind}; got numbers that are not finite")
            array = array.astype(np.int64)
        if kind == "boolean":
            if array.dtype.kind != "b" and not np.isin(array, (0, 1)).all():
                raise ParameterError(f"column {column!r} holds values of type boolean; got numbers other than 0 and 1")
            return array.astype(bool)
        if kind in _SMALLEST_AND_LARGEST and array.size:
            low, high = _SMALLEST_AND_LARGEST[kind]
            if int(array.min()) < low or int(array.max()) > high:
                raise ParameterError(
                    f"column {column!r} holds values of type {kind}, {low} to {high}; got {int(array.min())} to {int(array.max())}"
                )
        return array
