"""Rows, columns, storage and description of a table; locks and files."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from casatools._base import kinds, log
from casatools._base.declare import method
from casatools._base.errors import DataError, ParameterError, UnsupportedError
from casatools.io.table_access import storage_info, table_description, table_errors, to_casa
from casatools.io.tables import remove_rows
from casatools.tools.table._access import Access, Column, Flag, Record

Rows = Annotated[list, kinds.IntList(), "Row numbers"]


class Structure(Access):
    """What the table is made of."""

    @method
    def colnames(self) -> list:
        """Names of the columns in alphabetical order of their data managers' description; [] when closed."""
        return [] if self._open_table is None else [str(n) for n in self._open_table.colnames()]

    @method
    def ncols(self) -> int:
        """Number of columns."""
        return int(self._table.ncols())

    @method
    def nrows(self) -> int:
        """Number of rows."""
        return int(self._table.nrows())

    @method
    def name(self) -> str:
        """Path of the table."""
        return str(self._table.name())

    @method
    def ok(self) -> bool:
        """True when a table is open."""
        return self._open_table is not None

    @method
    def iswritable(self) -> bool:
        """True when the table may be written."""
        return bool(self._table.iswritable())

    @method
    def endianformat(self) -> str:
        """Byte order of the table: big or little."""
        return str(self._table.endianformat())

    @method
    def info(self) -> dict:
        """Type, subtype and readme of the table."""
        found = self._table.info()
        return {k: found.get(k, "") for k in ("type", "subType", "readme")}

    @method
    def putinfo(self, value: Record) -> bool:
        """Write type, subtype and readme."""
        with table_errors("the information of the table cannot be written"):
            self._writable.putinfo({str(k): str(v) for k, v in value.items()})
        return True

    @method
    def addreadmeline(self, value: Annotated[str, kinds.Text(), "The line"]) -> bool:
        """Add a line to the readme."""
        self._writable.addreadmeline(value)
        return True

    @method
    def summary(self, recurse: Annotated[bool, kinds.Bool(), "Sub-tables too"] = False) -> bool:
        """Write a description of the table to the log."""
        table = self._table
        log.post(
            f"Table summary: {table.name()}\nShape: {table.ncols()} columns by {table.nrows()} rows", origin="table::summary"
        )
        log.post("Columns: " + ", ".join(table.colnames()), origin="table::summary")
        if recurse:
            names = [str(v)[7:] for v in dict(table.getkeywords()).values() if isinstance(v, str) and v.startswith("Table: ")]
            log.post("Sub-tables: " + (", ".join(names) or "none"), origin="table::summary")
        return True

    @method
    def getdesc(self, actual: Annotated[bool, kinds.Bool(), "As it is now rather than as it was asked for"] = True) -> dict:
        """Description of the table."""
        found = dict(self._table.getdesc(actual))
        for cube in found.get("_define_hypercolumn_", {}).values():
            for names in ("HCcoordnames", "HCidnames"):
                cube.setdefault(names, [])
        return {k: _column_record(v) if not k.startswith("_") else to_casa(v) for k, v in found.items()}

    @method
    def getcoldesc(self, columnname: Column) -> dict:
        """Description of a column."""
        return _column_record(self._table.getcoldesc(self._column(columnname)))

    @method
    def getdminfo(self) -> dict:
        """Storage managers of the table and their columns."""
        found = dict(self._table.getdminfo())
        out = {k: {n: dict(x) if n == "SPEC" else x for n, x in dict(v).items()} for k, v in found.items()}
        for manager in out.values():
            manager["COLUMNS"] = np.array(list(manager.get("COLUMNS", [])), dtype=str)
        return out

    @method
    def addrows(self, nrow: Annotated[int, kinds.Int(min=0), "Number of rows"] = 1) -> bool:
        """Add rows at the end."""
        with table_errors("rows cannot be added"):
            self._writable.addrows(nrow)
        return True

    @method
    def removerows(self, rownrs: Rows) -> bool:
        """Remove rows."""
        table = self._writable
        rows = sorted({self._row(r) for r in rownrs})
        with table_errors("rows cannot be removed"):
            remove_rows(table, rows)
        return True

    @method
    def addcols(self, desc: Record, dminfo: Record = {}) -> bool:  # noqa: B006 - CASA's default
        """Add columns."""
        table = self._writable
        present = [n for n in desc if n in table.colnames()]
        if present:
            raise DataError(f"table {table.name()!r} has a column {present[0]!r} already")
        checked = table_description(dict(sorted(desc.items())))  # CASA's records sort their fields
        manager = next(iter(storage_info(dminfo).values()), {}) if dminfo and "TYPE" not in dminfo else dict(dminfo)
        with table_errors("columns cannot be added"):
            table.addcols(checked, manager)
        return True

    @method
    def removecols(self, columnames: Annotated[list, kinds.TextList(), "Names of the columns"]) -> bool:
        """Remove columns."""
        table = self._writable
        names = [self._column(n) for n in columnames]
        with table_errors("columns cannot be removed"):
            table.removecols(names)
        return True

    @method
    def renamecol(self, oldname: Column, newname: Column) -> bool:
        """Rename a column."""
        table = self._writable
        self._column(oldname)
        if newname in table.colnames():
            raise DataError(f"table {table.name()!r} has a column {newname!r} already")
        with table_errors(f"column {oldname!r} cannot be renamed"):
            table.renamecol(oldname, newname)
        return True

    @method
    def rownumbers(
        self,
        tab: Annotated[dict, kinds.Record(), "Kept for CASA's signature: only the root table can be referred to"] = {},  # noqa: B006
        nbytes: Annotated[int, kinds.Int(min=0), "Bytes to hold at most; only 0, no limit"] = 0,
    ) -> np.ndarray:
        """Row numbers of the rows in the table that this one was selected from."""
        if tab:
            raise UnsupportedError("table.rownumbers: parameter 'tab' is not supported; row numbers refer to the root table")
        if nbytes:
            raise UnsupportedError(f"table.rownumbers: parameter 'nbytes' must be 0, no limit; got {nbytes}")
        return np.asarray(self._table.rownumbers())

    @method
    def flush(self) -> bool:
        """Write what is buffered to disk."""
        self._table.flush()
        return True

    @method
    def resync(self) -> bool:
        """Take up what other processes have written."""
        self._table.resync()
        return True

    @method
    def lock(
        self, write: Flag = True, nattempts: Annotated[int, kinds.Int(min=0), "Attempts; 0 waits until it is free"] = 0
    ) -> bool:
        """Lock the table."""
        with table_errors("the table cannot be locked"):
            self._table.lock(write, nattempts)
        return True

    @method
    def unlock(self) -> bool:
        """Unlock the table."""
        self._table.unlock()
        return True

    @method
    def haslock(self, write: Flag = True) -> bool:
        """True when this process holds the lock."""
        return bool(self._table.haslock(write))

    @method
    def lockoptions(self) -> dict:
        """Locking option, interval and wait."""
        return {k: v.item() if isinstance(v, np.generic) else v for k, v in dict(self._table.lockoptions()).items()}

    @method
    def datachanged(self) -> bool:
        """True when the data changed since the last call."""
        return bool(self._table.datachanged())

    @method
    def ismultiused(self, checksubtables: Flag = False) -> bool:
        """True when another process has the table open."""
        return bool(self._table.ismultiused(checksubtables))

    @method
    def listlocks(self) -> bool:
        """Write the locked tables of this process to the log."""
        held = [] if self._open_table is None else [str(self._open_table.name())]
        log.post("Tables held open: " + (", ".join(held) or "none"), origin="table::listlocks")
        return True

    @method
    def clearlocks(self) -> bool:
        """Unlock the table."""
        if self._open_table is not None:
            self._open_table.unlock()
        return True

    @method
    def browse(self) -> bool:
        """There is no table browser; the summary is written to the log instead."""
        self.summary()
        return True

    @method
    def toasciifmt(
        self,
        asciifile: Annotated[str, kinds.Text(empty=False), "Text file to write"],
        headerfile: Annotated[str, kinds.Text(), "File of the header; empty puts it into the text file"] = "",
        columns: Annotated[list, kinds.TextList(drop_empty=True), "Columns; empty means all"] = [],  # noqa: B006
        sep: Annotated[str, kinds.Text(), "Separator, one character"] = "",
    ) -> bool:
        """Write the table as text."""
        names = [self._column(c) for c in columns]
        if len(sep) > 1:
            raise ParameterError(f"table.toasciifmt: parameter 'sep' must be one character; got {sep!r}")
        with table_errors(f"the text file {asciifile!r} cannot be written"):
            self._table.toascii(asciifile, headerfile, names, sep or " ")
        return True


def _column_record(description: Any) -> dict[str, Any]:
    out = {k: to_casa(v) for k, v in dict(description).items()}
    out.setdefault("keywords", {})
    out.pop("_c_order", None)
    if "shape" in out:
        out["shape"] = np.asarray([int(v) for v in np.atleast_1d(description["shape"])][::-1])
    return out
