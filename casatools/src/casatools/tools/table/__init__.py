"""The table tool: any casacore table, with CASA's axis order."""

from __future__ import annotations

import os
import weakref
from typing import Annotated, Any, Literal

import numpy as np

from casatools._base import kinds
from casatools._base.declare import method
from casatools._base.errors import OutputExistsError, ParameterError, PathMissingError
from casatools.io.table_access import create_table, evaluate, from_ascii, query_command, table_errors
from casatools.io.tables import is_table, open_table
from casatools.tools.table._access import Flag, Path, Record
from casatools.tools.table.columns import Columns
from casatools.tools.table.keywords import Keywords
from casatools.tools.table.structure import Rows, Structure

__all__ = ["table"]

Locks = Annotated[dict, kinds.Record(), "Locking: option, interval, maxwait; {} locks automatically"]
Output = Annotated[str, kinds.Text(empty=False), "Path of the new table"]
Expression = Annotated[str, kinds.Text(), "TaQL expression"]

_LOCKS = ("default", "auto", "autonoread", "user", "usernoread", "permanent", "permanentwait")
# Tools that may hold a table; they go when nobody else refers to them.
_open_tools: weakref.WeakSet[table] = weakref.WeakSet()


def _locking(owner: str, given: Any) -> dict[str, Any] | None:
    """casacore's locking options of the parameter; None for the tool's own."""
    if not given:
        return None
    record = {"option": given} if isinstance(given, str) else dict(given)
    unknown = sorted(set(record) - {"option", "interval", "maxwait"})
    if unknown or record.get("option", "default") not in _LOCKS:
        raise ParameterError(
            f"{owner}: parameter 'lockoptions' must hold option ({', '.join(_LOCKS)}), interval and maxwait; got {given!r}"
        )
    if record.get("option", "default") == "default":
        record["option"] = "auto"
    try:
        times = {"interval": float(record.get("interval", 5)), "maxwait": int(record.get("maxwait", 0))}
    except (TypeError, ValueError):
        raise ParameterError(f"{owner}: interval and maxwait of parameter 'lockoptions' must be numbers; got {given!r}") from None
    return {"option": record["option"], **times}


def locked_tables() -> list[str]:
    """Paths of the tables that table tools of this process hold locked."""
    held = [t._open_table for t in _open_tools if t._open_table is not None]
    return sorted({str(opened.name()) for opened in held if opened.haslock(False) or opened.haslock(True)})


class table(Columns, Keywords, Structure):
    """Any casacore table."""

    def __init__(self, opened: Any = None) -> None:
        super().__init__()
        self._open_table = opened
        _open_tools.add(self)

    def __enter__(self) -> table:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _replace(self, opened: Any) -> None:
        self.close()
        self._open_table = opened

    @method
    def open(self, tablename: Path = "", lockoptions: Locks = {}, nomodify: Flag = True) -> bool:  # noqa: B006 - CASA's default
        """Open a table, for reading only unless `nomodify` is False.

        Raises
        ------
        PathMissingError
            It does not exist.
        DataError
            It is not a table.
        """
        if not tablename:
            raise ParameterError("table.open: parameter 'tablename' must be the path of a table; got ''")
        locking = _locking("table.open", lockoptions)
        self._replace(open_table(os.path.expanduser(tablename), writable=not nomodify, locking=locking))
        return True

    @method
    def close(self) -> bool:
        """Close the table; nothing happens when none is open."""
        if self._open_table is not None:
            with table_errors("the table cannot be closed"):
                self._open_table.close()
            self._open_table = None
        return True

    @method
    def done(self) -> bool:
        """Close the table and end the tool."""
        return self.close()

    @method
    def isopened(self, tablename: Path) -> bool:
        """True when this tool has the table open."""
        return self._open_table is not None and os.path.abspath(tablename) == os.path.abspath(self._open_table.name())

    @method
    def create(
        self,
        tablename: Path = "",
        tabledesc: Record = {},  # noqa: B006
        lockoptions: Locks = {},  # noqa: B006
        endianformat: Annotated[str, kinds.Text(), "big, little, local, aipsrc"] = "",
        memtype: Annotated[str, kinds.Text(), "'memory' for a table in memory"] = "",
        nrow: Annotated[int, kinds.Int(min=0), "Number of rows"] = 0,
        dminfo: Record = {},  # noqa: B006
    ) -> bool:
        """Make a table and leave it open for writing."""
        if memtype not in ("", "plain", "memory"):
            raise ParameterError(f"table.create: parameter 'memtype' must be one of '', plain, memory; got {memtype!r}")
        if endianformat not in ("", "big", "little", "local", "aipsrc"):
            raise ParameterError(
                f"table.create: parameter 'endianformat' must be one of big, little, local, aipsrc; got {endianformat!r}"
            )
        memory = memtype == "memory"
        if not tablename and not memory:
            raise ParameterError("table.create: parameter 'tablename' must be a path; got ''")
        if not memory and os.path.exists(tablename) and not is_table(tablename):
            raise OutputExistsError(f"{tablename!r} exists and is not a table")
        if not memory and self.isopened(tablename):
            raise OutputExistsError(f"table {tablename!r} is open")
        locking = _locking("table.create", lockoptions)
        described = dict(sorted(tabledesc.items()))  # CASA's records sort their fields
        made = create_table(tablename or "memory", described, nrow, dminfo, endianformat, memory)
        if locking and not memory:  # casacore makes tables with its own options
            made.close()
            made = open_table(tablename, writable=True, locking=locking)
        self._replace(made)
        return True

    @method
    def createmultitable(
        self,
        outputTableName: Output,
        tables: Annotated[list, kinds.TextList(), "Paths of the parts"],
        subdirname: Annotated[str, kinds.Text(), "Folder the parts are moved into; empty leaves them"],
    ) -> bool:
        """Make one table of several with the same columns."""
        from casatools.io.table_access import concatenate

        if not tables:
            raise ParameterError("table.createmultitable: parameter 'tables' must name at least one table; got []")
        for part in tables:
            opened: Any = open_table(part)
            opened.close()
        concatenate(outputTableName, tables, subdirname)
        return True

    @method
    def copy(
        self,
        newtablename: Output,
        deep: Flag = False,
        valuecopy: Flag = False,
        dminfo: Record = {},  # noqa: B006
        endian: Annotated[str, kinds.Text(), "big, little, local, aipsrc"] = "aipsrc",
        memorytable: Annotated[bool, kinds.Bool(), "Copy into memory"] = False,
        returnobject: Annotated[bool, kinds.Bool(), "Give the new table"] = False,
        norows: Annotated[bool, kinds.Bool(), "Copy the structure only"] = False,
    ) -> Any:
        """Copy the table; gives a table tool on the copy with `returnobject`, else an empty one."""
        if not memorytable and os.path.exists(newtablename):
            raise OutputExistsError(f"output {newtablename!r} already exists; remove it or give another name")
        with table_errors(f"the table cannot be copied to {newtablename!r}"):
            new = self._table.copy(newtablename, deep or norows, valuecopy, dict(dminfo), endian, memorytable, norows)
        if returnobject:
            return table(new)
        new.close()
        return table()

    @method
    def copyrows(
        self,
        outtable: Path,
        startrowin: Annotated[int, kinds.Int(), "First row to copy"] = 0,
        startrowout: Annotated[int, kinds.Int(), "First row to write; -1 adds at the end"] = -1,
        nrow: Annotated[int, kinds.Int(), "Number of rows; -1 means all"] = -1,
    ) -> bool:
        """Copy rows into another table."""
        target: Any = open_table(outtable, writable=True)
        try:
            with table_errors(f"rows cannot be copied to {outtable!r}"):
                self._table.copyrows(target, startrowin, startrowout, nrow)
        finally:
            target.close()
        return True

    @method
    def query(
        self,
        query: Expression = "String",
        name: Annotated[str, kinds.Text(), "Path of the reference table to keep; empty keeps none"] = "",
        sortlist: Annotated[str, kinds.Text(), "Columns to sort by, such as 'TIME DESC'"] = "",
        columns: Annotated[str, kinds.Text(), "Columns to keep, separated by commas"] = "",
        style: Annotated[str, kinds.Text(), "TaQL style, such as 'python'"] = "",
    ) -> Any:
        """Select rows by a TaQL expression; gives a table tool on the selection."""
        source = self._table
        command = f"{'using style ' + style + ' ' if style else ''}select {columns} from $1"
        command += f" where {query}" if query else ""
        command += f" orderby {sortlist}" if sortlist else ""
        command += f" giving '{name}'" if name else ""
        return table(query_command(command, source))

    @method
    def taql(self, taqlcommand: Expression = "TaQL expression") -> Any:
        """Run a TaQL command; gives a table tool on its result, or its value for a calculation."""
        found = query_command(taqlcommand, *([] if self._open_table is None else [self._open_table]))
        return table(found) if hasattr(found, "nrows") else np.atleast_1d(np.asarray(found))

    @method
    def calc(
        self,
        expr: Expression,
        prefix: Annotated[str, kinds.Text(), "TaQL style"] = "using style base0, endincl, fortranorder",
        showtaql: Annotated[bool, kinds.Bool(), "Write the command to the log"] = False,
    ) -> Any:
        """Value of a TaQL expression."""
        if showtaql:
            from casatools._base import log

            log.post(f"{prefix} calc {expr}", origin="table::calc")
        return evaluate(expr, prefix)

    @method
    def selectrows(
        self, rownrs: Rows, name: Annotated[str, kinds.Text(), "Path of the reference table; empty keeps none"] = ""
    ) -> Any:
        """A table tool on some rows."""
        rows = [self._row(r) for r in rownrs]
        with table_errors("rows cannot be selected"):
            new = self._table.selectrows(rows)
            if name:
                new.copy(name).close()
        return table(new)

    @method
    def row(
        self,
        columnnames: Annotated[list, kinds.TextList(drop_empty=True), "Columns; empty means all"] = [],  # noqa: B006
        exclude: Annotated[bool, kinds.Bool(), "Take all columns but these"] = False,
    ) -> Any:
        """A tablerow tool that reads and writes whole rows."""
        from casatools.tools.tablerow import tablerow

        names = [self._column(c) for c in columnnames]
        chosen = [c for c in self._table.colnames() if (c not in names) == (exclude or not names)]
        return tablerow(self, names if names and not exclude else chosen)

    @method
    def fromascii(
        self,
        tablename: Output,
        asciifile: Path,
        headerfile: Annotated[str, kinds.Text(), "File of the header"] = "",
        autoheader: Annotated[bool, kinds.Bool(), "Find the types of the columns from the first line"] = False,
        autoshape: Annotated[list, kinds.IntList(), "Shape of a single array column"] = [-1],  # noqa: B006
        sep: Annotated[str, kinds.Text(), "Separator, one character; empty means a blank"] = "",
        commentmarker: Annotated[str, kinds.Text(), "Regular expression of lines to skip"] = "",
        firstline: Annotated[int, kinds.Int(min=0), "First line to use, from 0"] = 0,
        lastline: Annotated[int, kinds.Int(), "Last line to use; -1 means all"] = -1,
        nomodify: Flag = True,
        columnnames: Annotated[list, kinds.TextList(drop_empty=True), "Names of the columns"] = [],  # noqa: B006
        datatypes: Annotated[list, kinds.TextList(drop_empty=True), "Types of the columns: S I R D X Z A B"] = [],  # noqa: B006
    ) -> bool:
        """Make a table from a text file and open it."""
        if not os.path.isfile(asciifile):
            raise PathMissingError(f"the text file {asciifile!r} does not exist")
        if len(sep) > 1:
            raise ParameterError(f"table.fromascii: parameter 'sep' must be one character; got {sep!r}")
        new = from_ascii(
            tablename, asciifile, headerfile=headerfile, autoheader=autoheader, autoshape=[v for v in autoshape if v > 0], columnnames=columnnames,
            datatypes=datatypes, sep=sep or " ", commentmarker=commentmarker, firstline=firstline, lastline=lastline, readonly=nomodify,
        )  # fmt: skip
        self._replace(new)
        return True

    @method
    def fromfits(
        self,
        tablename: Output,
        fitsfile: Path,
        whichhdu: Annotated[int, kinds.Int(min=1), "Number of the extension"] = 1,
        storage: Annotated[
            Literal["standard", "incremental", "memory"], "Storage of the columns; memory is kept on disk too"
        ] = "standard",
        convention: Annotated[Literal["none", "sdfits"], "sdfits makes columns of the keywords too"] = "none",
        nomodify: Annotated[bool, kinds.Bool(), "Kept for CASA's signature: a table just made may be written"] = True,
        ack: Annotated[bool, kinds.Bool(), "Log what is made"] = True,
    ) -> Any:
        """Make a table of a FITS table, open it for writing, and give another tool on it.

        Raises
        ------
        PathMissingError
            There is no such file.
        OutputExistsError
            The table exists.
        DataError
            It is no FITS file, or the extension is no table.
        """
        from casatools.io.formats.fits_table import make_table_of_fits

        if not os.path.isfile(fitsfile):
            raise PathMissingError(f"the FITS file {fitsfile!r} does not exist")
        make_table_of_fits(tablename, fitsfile, whichhdu, storage, convention == "sdfits")
        if ack:
            from casatools._base import log

            log.post(f"Made table {tablename} of extension {whichhdu} of {fitsfile}", origin="table::fromfits")
        self._replace(open_table(tablename, writable=True))
        return table(open_table(tablename, writable=True))

    @method
    def fromASDM(self, tablename: Output, xmlfile: Path) -> bool:
        """Make a table of a table of an ASDM that is kept as XML, such as Antenna.xml; it is not opened.

        Raises
        ------
        PathMissingError
            There is no such file.
        DataError
            It is no table of an ASDM.
        UnsupportedError
            Its rows are in a binary file.
        """
        from casatools.io.formats.asdm_table import make_table_of_asdm

        if not os.path.isfile(xmlfile):
            raise PathMissingError(f"the XML file {xmlfile!r} does not exist")
        make_table_of_asdm(tablename, xmlfile)
        return True
