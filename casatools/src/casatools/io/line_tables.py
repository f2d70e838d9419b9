"""Tables of spectral lines in CASA's Splatalogue layout."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import numpy as np

from casatools._base.errors import DataError
from casatools.io.packed_lines import PackedLines, is_packed, open_packed
from casatools.io.table_access import create_table, table_errors
from casatools.io.tables import open_table

__all__ = ["COLUMNS", "LineTable", "count_lines", "lines_at", "open_lines", "read_lines", "write_lines"]

# Column: (type, keywords)
COLUMNS: dict[str, tuple[str, dict[str, Any]]] = {
    "SPECIES": ("string", {}), "RECOMMENDED": ("boolean", {}), "CHEMICAL_NAME": ("string", {}), "FREQUENCY": ("double", {"Unit": "GHz"}),
    "QUANTUM_NUMBERS": ("string", {}), "INTENSITY": ("float", {}), "SMU2": ("float", {"Unit": ""}), "LOGA": ("float", {}),
    "EL": ("float", {"Unit": ""}), "EU": ("float", {"Unit": ""}), "LINELIST": ("string", {}),
}  # fmt: skip


def _require_lines(table: Any, path: str) -> None:
    missing = sorted(set(COLUMNS) - set(table.colnames()))
    if missing:
        raise DataError(f"{path!r} is no table of spectral lines: it lacks {', '.join(missing)}")


class LineTable:
    """A table of spectral lines whose columns are read at the rows that are asked for.

    Raises
    ------
    PathMissingError, DataError
        Nothing is there, or it is no table of spectral lines.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._table = open_table(path, what="table of spectral lines")
        try:
            _require_lines(self._table, path)
        except DataError:
            self.close()
            raise
        self.count = int(self._table.nrows())

    def _values(self, name: str, rows: np.ndarray) -> Any:
        with table_errors(f"table of spectral lines {self._path!r} cannot be read"):
            if len(rows) == self.count and np.array_equal(rows, np.arange(self.count)):
                return self._table.getcol(name) if self.count else []
            return self._table.selectrows(rows).getcol(name) if len(rows) else []

    def numbers(self, name: str, rows: np.ndarray) -> np.ndarray:
        """Values of a column of numbers at rows."""
        return np.asarray(self._values(name, rows), np.float64 if name == "FREQUENCY" else np.float32)

    def flags(self, name: str, rows: np.ndarray) -> np.ndarray:
        """Values of a column of flags at rows."""
        return np.asarray(self._values(name, rows), bool)

    def texts(self, name: str, rows: np.ndarray) -> np.ndarray:
        """Values of a column of texts at rows."""
        return np.asarray(self._values(name, rows), str)

    def matching(self, name: str, test: Callable[[str], bool], rows: np.ndarray) -> np.ndarray:
        """Of which rows the text in a column passes a test."""
        values = self._values(name, rows)
        passes = {v: test(v) for v in set(values)}
        return np.fromiter((passes[v] for v in values), bool, len(rows))

    def distinct(self, name: str) -> list[str]:
        """The texts that occur in a column of names, in alphabetical order."""
        return sorted(set(self._values(name, np.arange(self.count))))

    def close(self) -> None:
        """Close the table."""
        self._table.close()


def open_lines(path: str) -> LineTable | PackedLines:
    """The lines of a table, or of a packed list.

    Raises
    ------
    PathMissingError, DataError
        Nothing is there, or it is none of spectral lines.
    """
    return open_packed(path) if is_packed(path) else LineTable(path)


def count_lines(path: str) -> int:
    """Number of lines of a table; raises DataError when it is no table of spectral lines."""
    with closing(open_lines(path)) as lines:
        return lines.count


def lines_at(lines: LineTable | PackedLines, rows: np.ndarray) -> dict[str, np.ndarray]:
    """All columns at rows."""
    read = {"string": lines.texts, "boolean": lines.flags}
    return {name: read.get(kind, lines.numbers)(name, rows) for name, (kind, _) in COLUMNS.items()}


def read_lines(path: str) -> dict[str, np.ndarray]:
    """All lines, by column.

    Raises
    ------
    PathMissingError, DataError
        Nothing is there, or it is no table of spectral lines.
    """
    with closing(open_lines(path)) as lines:
        return lines_at(lines, np.arange(lines.count))


def write_lines(path: str, lines: dict[str, np.ndarray]) -> None:
    """Make a table of lines, normally below a name that `staged_output` yields."""
    description = {
        name: {"valueType": kind, "keywords": words, "option": 0, "comment": name, "dataManagerGroup": "SSM"}
        for name, (kind, words) in COLUMNS.items()
    }
    count = len(lines["FREQUENCY"])
    table = create_table(path, description, count)
    try:
        with table_errors(f"table of spectral lines {path!r} cannot be written"):
            for name, (kind, _) in COLUMNS.items():
                if count:
                    table.putcol(name, [str(v) for v in lines[name]] if kind == "string" else lines[name])
            stamp = time.strftime("%Y/%m/%d/%H:%M", time.gmtime())
            words = {
                "VS_CREATE": stamp,
                "VS_DATE": stamp,
                "VS_VERSION": stamp,
                "VS_TYPE": "List of spectral lines in Splatalogue format",
            }
            for name, value in words.items():
                table.putkeyword(name, value)
            table.putkeyword("isSplat", True)
            table.putinfo({"type": "IERS", "subType": "", "readme": ""})
    finally:
        table.close()
