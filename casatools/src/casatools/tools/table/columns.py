"""Reading and writing of cells and columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np

from casatools._base import kinds, log
from casatools._base.declare import method
from casatools._base.errors import DataError, ParameterError
from casatools.information.column_statistics import column_statistics
from casatools.io.standard_buckets import read_numbers
from casatools.io.table_access import table_errors, to_casa, to_casacore
from casatools.io.tables import require_one_shape
from casatools.tools.table._access import (
    Access,
    Column,
    Corner,
    Flag,
    Record,
    RowCount,
    RowNumber,
    RowStep,
    StartRow,
    Step,
    Value,
)


class Columns(Access):
    """Cells and columns of the open table; arrays have CASA's axis order with rows last."""

    @method
    def getcol(self, columnname: Column, startrow: StartRow = 0, nrow: RowCount = -1, rowincr: RowStep = 1) -> np.ndarray:
        """Read a column as one array, rows on the last axis.

        Raises
        ------
        DataError
            There is no such column or row, or the cells differ in shape.
        """
        table = self._table
        start, count, step = self._rows(startrow, nrow, rowincr) if self._column(columnname) else (0, 0, 1)
        with table_errors(f"column {columnname!r} cannot be read"):
            require_one_shape(table, columnname, start, count, step)
            found = read_numbers(table, columnname, [(start, count, step, 0)], count)
            values = _as_array(table.getcol(columnname, start, count, step) if found is None else found)
        kind = table.coldatatype(columnname)
        if kind == "uint":
            return values.astype(np.uint64)
        return values if values.size or kind != "string" else values.astype(str)

    @method
    def getvarcol(self, columnname: Column, startrow: StartRow = 0, nrow: RowCount = -1, rowincr: RowStep = 1) -> dict:
        """Read cells of differing shapes: ``{"r1": array, ...}`` with 1-based row numbers and a last axis of 1."""
        self._column(columnname)
        start, count, step = self._rows(startrow, nrow, rowincr)
        rows = range(start, start + count * step, step)
        unsigned = self._table.coldatatype(columnname) == "uint"
        out: dict[str, Any] = {}
        for row in rows:
            if self._table.iscelldefined(columnname, row):
                cell = np.asarray(self._cell(columnname, row), np.uint64 if unsigned else None)
                out[f"r{row + 1}"] = cell[..., np.newaxis]
            else:
                out[f"r{row + 1}"] = False
        return out

    def _cell(self, column: str, row: int) -> Any:
        with table_errors(f"cell {row} of column {column!r} cannot be read"):
            return widened(to_casa(self._table.getcell(column, row)))

    @method
    def getcell(self, columnname: Column, rownr: RowNumber = 0) -> Any:
        """Read one cell."""
        return self._cell(self._column(columnname), self._row(rownr))

    @method
    def getcellslice(self, columnname: Column, rownr: RowNumber, blc: Corner, trc: Corner, incr: Step = [1]) -> np.ndarray:  # noqa: B006
        """Read a part of one cell."""
        self._row(rownr)
        corners = self._corners(columnname, rownr, blc, trc, incr)
        with table_errors(f"cell {rownr} of column {columnname!r} cannot be read"):
            return _as_array(self._table.getcellslice(columnname, rownr, *corners))

    @method
    def getcolslice(
        self,
        columnname: Column,
        blc: Corner,
        trc: Corner,
        incr: Step,
        startrow: StartRow = 0,
        nrow: RowCount = -1,
        rowincr: RowStep = 1,
    ) -> np.ndarray:
        """Read a part of every cell of a column."""
        self._column(columnname)
        rows = self._rows(startrow, nrow, rowincr)
        corners = self._corners(columnname, startrow, blc, trc, incr)
        with table_errors(f"column {columnname!r} cannot be read"):
            require_one_shape(self._table, columnname, *rows)
            return _as_array(self._table.getcolslice(columnname, *corners, *rows))

    @method
    def getcoliter(
        self,
        columnname: Column,
        startrow: StartRow = 0,
        nrow: RowCount = -1,
        rowincr: RowStep = 1,
        torecord: Annotated[bool, kinds.Bool(), "Give records {column: value} instead of arrays"] = False,
    ) -> Iterator[Any]:
        """Iterate over the cells of a column, each with a last axis of 1 and, unlike those of getcol, in the column's own type."""
        self._column(columnname)
        kind = _OWN.get(self._table.coldatatype(columnname))
        start, count, step = self._rows(startrow, nrow, rowincr)

        def cells() -> Iterator[Any]:
            for row in range(start, start + count * step, step):
                cell = np.asarray(self._cell(columnname, row), kind)[..., np.newaxis]
                yield {columnname: cell} if torecord else cell

        return cells()

    @method
    def iscelldefined(self, columnname: Column, rownr: RowNumber = 0) -> bool:
        """True when the cell holds a value."""
        return bool(self._table.iscelldefined(self._column(columnname), self._row(rownr)))

    @method
    def getcolshapestring(self, columnname: Column, startrow: StartRow = 0, nrow: RowCount = -1, rowincr: RowStep = 1) -> list:
        """Shapes of the cells of an array column, as texts such as ``[4, 8]``."""
        if self._table.isscalarcol(self._column(columnname)):
            raise DataError(f"column {columnname!r} holds scalars, which have no shape")
        with table_errors(f"the shapes of column {columnname!r} cannot be read"):
            texts = list(self._table.getcolshapestring(columnname, *self._rows(startrow, nrow, rowincr)))
        return ["[" + ", ".join(t.strip("[] ").split(", ")[::-1]) + "]" if t.strip("[] ") else t for t in texts]

    @method
    def putcell(
        self,
        columnname: Column,
        rownr: Annotated[Any, kinds.IntList(), "Row number, or a list of rows that get the same value"],
        thevalue: Value = [],  # noqa: B006
    ) -> bool:
        """Write one cell, or the same value into several."""
        table = self._writable
        self._column(columnname)
        rows = [self._row(r) for r in rownr]
        array = self._checked_cell(columnname, thevalue)
        value = array.item() if table.isscalarcol(columnname) else to_casacore(array)
        with table_errors(f"column {columnname!r} cannot be written"):
            for row in rows:
                table.putcell(columnname, row, value)
        return True

    def _checked_cell(self, column: str, value: Any) -> np.ndarray:
        """The value of one cell as an array of the column's kind and shape."""
        array = self._checked_value(column, value)
        if not self._table.isscalarcol(column):
            self._check_cell_shape(column, array.shape)
        elif array.ndim:
            raise ParameterError(f"column {column!r} holds scalars; got an array of shape {list(array.shape)}")
        return array

    def _check_cell_shape(self, column: str, shape: tuple[int, ...]) -> None:
        if not shape:
            raise ParameterError(f"column {column!r} holds arrays; got a scalar")
        description = self._table.getcoldesc(column)
        fixed = tuple(int(v) for v in description.get("shape", ()))[::-1]
        if fixed and shape != fixed:
            raise ParameterError(f"cells of column {column!r} have the shape {list(fixed)}; got {list(shape)}")
        ndim = int(description.get("ndim", -1))
        if ndim > 0 and len(shape) != ndim:
            raise ParameterError(f"cells of column {column!r} have {ndim} axes; got the shape {list(shape)}")

    @method
    def putcellslice(
        self,
        columnname: Column,
        rownr: RowNumber,
        value: Value = [],  # noqa: B006
        blc: Corner = [],  # noqa: B006
        trc: Corner = [],  # noqa: B006
        incr: Step = [1],  # noqa: B006
    ) -> bool:
        """Write a part of one cell."""
        table = self._writable
        self._row(rownr)
        corners = self._corners(columnname, rownr, blc, trc, incr)
        array = self._checked_value(columnname, value)
        self._check_slice_shape(columnname, array.shape, corners)
        with table_errors(f"cell {rownr} of column {columnname!r} cannot be written"):
            table.putcellslice(columnname, rownr, to_casacore(array), *corners)
        return True

    def _check_slice_shape(self, column: str, shape: tuple[int, ...], corners: tuple[list[int], list[int], list[int]]) -> None:
        wanted = tuple((t - b) // s + 1 for b, t, s in zip(*corners, strict=True))[::-1]
        if tuple(shape) != wanted:
            raise ParameterError(f"the slice of column {column!r} has the shape {list(wanted)}; got {list(shape)}")

    @method
    def putcol(
        self,
        columnname: Column,
        value: Value = [],  # noqa: B006
        startrow: StartRow = 0,
        nrow: RowCount = -1,
        rowincr: RowStep = 1,
    ) -> bool:
        """Write a column from one array, rows on the last axis."""
        table = self._writable
        self._column(columnname)
        rows = self._rows(startrow, nrow, rowincr)
        array = self._checked_value(columnname, value)
        if array.ndim == 0 or array.shape[-1] != rows[1]:
            raise ParameterError(
                f"column {columnname!r} needs values for {rows[1]} rows on the last axis; got the shape {list(array.shape)}"
            )
        if table.isscalarcol(columnname):
            if array.ndim != 1:
                raise ParameterError(f"column {columnname!r} holds scalars; got an array of shape {list(array.shape)}")
        else:
            self._check_cell_shape(columnname, array.shape[:-1])
        if rows[1] == 0:
            return True
        with table_errors(f"column {columnname!r} cannot be written"):
            table.putcol(columnname, to_casacore(array), *rows)
        return True

    @method
    def putcolslice(
        self,
        columnname: Column,
        value: Value = [],  # noqa: B006
        blc: Corner = [],  # noqa: B006
        trc: Corner = [],  # noqa: B006
        incr: Step = [1],  # noqa: B006
        startrow: StartRow = 0,
        nrow: RowCount = -1,
        rowincr: RowStep = 1,
    ) -> bool:
        """Write a part of every cell of a column."""
        table = self._writable
        self._column(columnname)
        rows = self._rows(startrow, nrow, rowincr)
        corners = self._corners(columnname, startrow, blc, trc, incr)
        array = self._checked_value(columnname, value)
        if array.ndim == 0 or array.shape[-1] != rows[1]:
            raise ParameterError(
                f"column {columnname!r} needs values for {rows[1]} rows on the last axis; got the shape {list(array.shape)}"
            )
        self._check_slice_shape(columnname, array.shape[:-1], corners)
        with table_errors(f"column {columnname!r} cannot be written"):
            table.putcolslice(columnname, to_casacore(array), *corners, *rows)
        return True

    @method
    def putvarcol(
        self, columnname: Column, value: Record, startrow: StartRow = 0, nrow: RowCount = -1, rowincr: RowStep = 1
    ) -> bool:
        """Write cells of differing shapes from a record such as `getvarcol` gives.

        Entries ``r1, r2, ...`` are those of the rows of these numbers, counted from 1; otherwise the entries in the order of their names are those of the
        rows that are written, as CASA takes them.
        """
        table = self._writable
        self._column(columnname)
        start, count, step = self._rows(startrow, nrow, rowincr)
        rows = range(start, start + count * step, step)
        names = [f"r{row + 1}" for row in rows]
        if not set(names) <= set(value):
            names = sorted(value, key=lambda name: (len(name), name))
        if len(names) < len(rows):
            raise ParameterError(f"the value has {len(names)} entries for {len(rows)} rows of column {columnname!r}")
        cells = {row: self._as_array(columnname, value[name]) for row, name in zip(rows, names)}
        scalar = table.isscalarcol(columnname)
        for row, cell in cells.items():
            cells[row] = self._checked_value(columnname, cell)
            if cell.ndim == 0 or cell.shape[-1] != 1:
                raise ParameterError(
                    f"each entry for column {columnname!r} needs a last axis of 1, as getvarcol gives it; got the shape {list(cell.shape)}"
                )
            if not scalar:
                self._check_cell_shape(columnname, cell.shape[:-1])
            elif cell.ndim != 1:
                raise ParameterError(f"column {columnname!r} holds scalars; got an array of shape {list(cell.shape[:-1])}")
        with table_errors(f"column {columnname!r} cannot be written"):
            for row, cell in cells.items():
                table.putcell(columnname, row, cell[0].item() if scalar else to_casacore(cell[..., 0]))
        return True

    @method
    def statistics(
        self, column: Column, complex_value: Annotated[str, kinds.Text(), "amp, phase, real or imag for complex columns"] = ""
    ) -> dict:
        """Statistics of a column.

        Returns
        -------
        dict
            By column name, for a column of vectors by ``NAME_0, NAME_1, ...``: min, max, mean, median, rms, stddev, var, sum, sumsq, npts, quartile, medabsdevmed.
        """
        self._column(column)
        kind = self._table.coldatatype(column)
        if kind == "string":
            raise DataError(f"column {column!r} holds texts, which have no statistics")
        with table_errors(f"column {column!r} cannot be read"):
            require_one_shape(self._table, column)
            values = np.asarray(self._table.getcol(column))
        if np.iscomplexobj(values):
            values = _real_part(values, complex_value)
        if values.ndim == 2:
            return {f"{column}_{k}": column_statistics(values[:, k]) for k in range(values.shape[1])}
        return {column: column_statistics(values)}

    @method
    def isvarcol(self, columnname: Column) -> bool:
        """True for an array column whose cells may differ in shape."""
        name = self._column(columnname)
        return bool(not self._table.isscalarcol(name) and "shape" not in self._table.getcoldesc(name))

    @method
    def isscalarcol(self, columnname: Column) -> bool:
        """True for a column of scalars."""
        return bool(self._table.isscalarcol(self._column(columnname)))

    @method
    def coldatatype(self, columnname: Column) -> str:
        """Type of a column's values."""
        return str(self._table.coldatatype(self._column(columnname)))

    @method
    def colarraytype(self, columnname: Column) -> str:
        """How the arrays of a column are kept, such as ``Direct, fixed sized arrays``."""
        if self._table.isscalarcol(self._column(columnname)):
            raise DataError(f"column {columnname!r} is a scalar column")
        option = int(self._table.getcoldesc(columnname).get("option", 0))
        fixed = "shape" in self._table.getcoldesc(columnname)
        return f"{'Direct' if option & 1 else 'Indirect'}, {'fixed' if fixed else 'variable'} sized arrays"

    @method
    def setmaxcachesize(self, columnname: Column, nbytes: Annotated[int, kinds.Int(min=0), "Bytes"]) -> bool:
        """Limit the cache of a tiled column."""
        self._column(columnname)
        with table_errors(f"the cache of column {columnname!r} cannot be set"):
            self._table.setmaxcachesize(columnname, nbytes)
        return True

    @method
    def testincrstman(self, column: Column) -> bool:
        """True when the incremental storage of a column is sound; reading every cell proves it."""
        self._column(column)
        try:
            for row in range(self._table.nrows()):
                if self._table.iscelldefined(column, row):
                    self._table.getcell(column, row)
        except RuntimeError:
            return False
        return True

    @method
    def showcache(self, verbose: Flag = True) -> list:
        """Names of the tables this tool holds open."""
        names = [] if self._open_table is None else [str(self._open_table.name())]
        if verbose:
            log.post(f"Tables held open: {', '.join(names) or 'none'}", origin="table::showcache")
        return names


# CASA's tool gives numbers in the widest type of their kind, but for those of getcoliter.
_OWN: dict[str, Any] = {
    "uchar": np.uint8, "short": np.int16, "ushort": np.uint16, "int": np.int32, "uint": np.uint32, "float": np.float32, "complex": np.complex64,
}  # fmt: skip
_WIDER = {"c": np.complex128, "f": np.float64, "i": np.int64, "u": np.int64}


def widened(value: Any) -> Any:
    """An array in the widest type of its kind; what is no array as it is."""
    wider = _WIDER.get(value.dtype.kind) if isinstance(value, np.ndarray) else None
    return value if wider is None or value.dtype == wider else value.astype(wider)


def _as_array(value: Any) -> np.ndarray:
    return np.asarray(widened(np.asarray(to_casa(value))))


def _real_part(values: np.ndarray, how: str) -> np.ndarray:
    parts: dict[str, Any] = {
        "amp": np.abs,
        "amplitude": np.abs,
        "phase": np.angle,
        "real": np.real,
        "imag": np.imag,
        "imaginary": np.imag,
    }
    if how.lower() not in parts:
        raise ParameterError(f"table.statistics: parameter 'complex_value' must be one of {', '.join(parts)}; got {how!r}")
    return parts[how.lower()](values)
