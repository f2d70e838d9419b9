"""Keywords of the table and of its columns."""

from __future__ import annotations

from typing import Annotated, Any

from casatools._base import kinds
from casatools._base.declare import method
from casatools._base.errors import DataError, ParameterError
from casatools.io.table_access import table_errors, to_casa, to_casacore
from casatools.tools.table._access import Access, Column, Key, Record, Value

Make = Annotated[bool, kinds.Bool(), "Make the records named before the last dot that are not there"]
FieldOf = Annotated[str, kinds.Text(), "Name of a keyword that is a record; empty for the whole set"]


def _path(keyword: Any, names: list[str]) -> list[str]:
    """The fields a keyword names: by its number, by dots, or as a list."""
    if isinstance(keyword, int):
        if not 0 <= keyword < len(names):
            allowed = f"numbers are 0 to {len(names) - 1}" if names else "there are no keywords"
            raise ParameterError(f"there is no keyword number {keyword}; {allowed}")
        return [names[keyword]]
    fields = keyword if isinstance(keyword, list) else str(keyword).split(".")
    if not fields or not all(fields):
        raise ParameterError(f"a keyword must be named; got {keyword!r}")
    return list(fields)


def _field(record: Any, fields: list[str], what: str) -> Any:
    for name in fields:
        if not isinstance(record, dict) or name not in record:
            raise DataError(f"{what} has no keyword {'.'.join(fields)!r}")
        record = record[name]
    return record


class Keywords(Access):
    """Keywords; records within them are reached by dots."""

    @property
    def _what(self) -> str:
        return f"table {self._table.name()!r}"

    def _of_column(self, column: str) -> dict[str, Any]:
        with table_errors(f"keywords of column {column!r} cannot be read"):
            return dict(self._table.getcolkeywords(self._column(column)))

    def _store(self, name: str, value: Any, column: str | None = None) -> None:
        with table_errors(f"keyword {name!r} cannot be written"):
            if column is None:
                self._writable.putkeyword(name, to_casacore(value))
            else:
                self._writable.putcolkeyword(column, name, to_casacore(value))

    @method
    def getkeyword(self, keyword: Key = []) -> Any:  # noqa: B006 - CASA's default
        """The value of a keyword; sub-tables are given as ``Table: path``."""
        found = self.getkeywords()
        return _field(found, _path(keyword, list(self._table.keywordnames())), self._what)

    @method
    def getkeywords(self) -> dict:
        """All keywords of the table."""
        with table_errors(f"keywords of {self._what} cannot be read"):
            return {k: to_casa(v) for k, v in dict(self._table.getkeywords()).items()}

    @method
    def getcolkeyword(self, columnname: Column, keyword: Key = []) -> Any:  # noqa: B006
        """The value of a keyword of a column."""
        found = {k: to_casa(v) for k, v in self._of_column(columnname).items()}
        return _field(found, _path(keyword, list(found)), f"column {columnname!r}")

    @method
    def getcolkeywords(self, columnname: Column) -> dict:
        """All keywords of a column."""
        return {k: to_casa(v) for k, v in self._of_column(columnname).items()}

    @method
    def putkeyword(self, keyword: Key = [], value: Value = [], makesubrecord: Make = False) -> bool:  # noqa: B006
        """Write a keyword."""
        names = list(self._writable.keywordnames())
        fields = _path(keyword, names)
        if len(fields) == 1:
            self._store(fields[0], value)
            return True
        top = self.getkeywords().get(fields[0]) if fields[0] in names else None
        if not isinstance(top, dict):
            if not makesubrecord:
                raise DataError(f"{self._what} has no keyword {fields[0]!r} that is a record; use makesubrecord=True to make it")
            top = {}
        record = top
        for name in fields[1:-1]:
            if not isinstance(record.get(name), dict):
                if not makesubrecord:
                    raise DataError(f"keyword {fields[0]!r} has no record {name!r}; use makesubrecord=True to make it")
                record[name] = {}
            record = record[name]
        record[fields[-1]] = value
        self._store(fields[0], top)
        return True

    @method
    def putkeywords(self, value: Record) -> bool:
        """Write several keywords."""
        for name, item in to_casacore(value).items():  # all are converted before one is written
            self._store(name, item)
        return True

    @method
    def putcolkeyword(self, columnname: Column, keyword: Key = [], value: Value = []) -> bool:  # noqa: B006
        """Write a keyword of a column."""
        self._column(columnname)
        fields = _path(keyword, list(self._of_column(columnname)))
        if len(fields) == 1:
            self._store(fields[0], value, columnname)
            return True
        top = self.getcolkeywords(columnname)
        record = _field(top, fields[:-1], f"column {columnname!r}")
        record[fields[-1]] = value
        self._store(fields[0], top[fields[0]], columnname)
        return True

    @method
    def putcolkeywords(self, columnname: Column, value: Record) -> bool:
        """Write several keywords of a column."""
        self._column(columnname)
        for name, item in to_casacore(value).items():
            self._store(name, item, columnname)
        return True

    @method
    def removekeyword(self, keyword: Key = []) -> bool:  # noqa: B006
        """Remove a keyword."""
        fields = _path(keyword, list(self._writable.keywordnames()))
        found = self.getkeywords()
        _field(found, fields, self._what)
        if len(fields) == 1:
            with table_errors(f"keyword {fields[0]!r} cannot be removed"):
                self._table.removekeyword(fields[0])
        else:
            del _field(found, fields[:-1], self._what)[fields[-1]]
            self._store(fields[0], found[fields[0]])
        return True

    @method
    def removecolkeyword(self, columnname: Column, keyword: Key = []) -> bool:  # noqa: B006
        """Remove a keyword of a column."""
        found = self.getcolkeywords(columnname)
        fields = _path(keyword, list(found))
        _field(found, fields, f"column {columnname!r}")
        if len(fields) == 1:
            with table_errors(f"keyword {fields[0]!r} cannot be removed"):
                self._writable.removecolkeyword(columnname, fields[0])
        else:
            del _field(found, fields[:-1], f"column {columnname!r}")[fields[-1]]
            self._store(fields[0], found[fields[0]], columnname)
        return True

    @method
    def keywordnames(self) -> list:
        """Names of the table's keywords."""
        return [str(n) for n in self._table.keywordnames()]

    @method
    def colkeywordnames(self, columnname: Column) -> list:
        """Names of a column's keywords."""
        return [str(n) for n in self._of_column(columnname)]

    @method
    def fieldnames(self, keyword: FieldOf = "") -> list:
        """Names of the fields of a keyword that is a record, or of all keywords."""
        if not keyword:
            return [str(n) for n in self._table.keywordnames()]
        return _names(_field(self.getkeywords(), keyword.split("."), self._what), keyword)

    @method
    def colfieldnames(self, columnname: Column, keyword: FieldOf = "") -> list:
        """Names of the fields of a column's keyword that is a record, or of all its keywords."""
        found = self.getcolkeywords(columnname)
        return list(found) if not keyword else _names(_field(found, keyword.split("."), f"column {columnname!r}"), keyword)


def _names(value: Any, keyword: str) -> list[str]:
    if not isinstance(value, dict):
        raise DataError(f"keyword {keyword!r} is not a record")
    return list(value)
