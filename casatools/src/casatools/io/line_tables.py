"""Tables of spectral lines in CASA's Splatalogue layout."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from casatools._base.errors import DataError
from casatools.io.table_access import create_table, query_command, table_errors
from casatools.io.tables import open_table

__all__ = ["COLUMNS", "count_lines", "read_lines", "write_lines"]

# Column: (type, keywords)
COLUMNS: dict[str, tuple[str, dict[str, Any]]] = {
    "SPECIES": ("string", {}), "RECOMMENDED": ("boolean", {}), "CHEMICAL_NAME": ("string", {}), "FREQUENCY": ("double", {"Unit": "GHz"}),
    "QUANTUM_NUMBERS": ("string", {}), "INTENSITY": ("float", {}), "SMU2": ("float", {"Unit": ""}), "LOGA": ("float", {"Unit": ""}),
    "EL": ("float", {"Unit": ""}), "EU": ("float", {"Unit": ""}), "LINELIST": ("string", {}),
}  # fmt: skip


def _require_lines(table: Any, path: str) -> None:
    missing = sorted(set(COLUMNS) - set(table.colnames()))
    if missing:
        raise DataError(f"{path!r} is no table of spectral lines: it lacks {', '.join(missing)}")


def count_lines(path: str) -> int:
    """Number of lines of a table; raises DataError when it is no table of spectral lines."""
    table = open_table(path, what="table of spectral lines")
    try:
        _require_lines(table, path)
        return int(table.nrows())
    finally:
        table.close()


def read_lines(path: str, low_ghz: float = -np.inf, high_ghz: float = np.inf) -> dict[str, np.ndarray]:
    """The lines between two frequencies [GHz], limits included, by column.

    Raises
    ------
    PathMissingError, DataError
        Nothing is there, or it is no table of spectral lines.
    """
    table = open_table(path, what="table of spectral lines")
    try:
        _require_lines(table, path)
        with table_errors(f"table of spectral lines {path!r} cannot be read"):
            chosen = table
            if np.isfinite(low_ghz) or np.isfinite(high_ghz):
                low, high = (float(np.clip(v, -1e30, 1e30)) for v in (low_ghz, high_ghz))
                chosen = query_command(f"select from $1 where FREQUENCY >= {low!r} && FREQUENCY <= {high!r}", table)
            return {name: np.asarray(chosen.getcol(name)) for name in COLUMNS}
    finally:
        table.close()


def write_lines(path: str, lines: dict[str, np.ndarray]) -> None:
    """Make a table of lines, normally below a name that `staged_output` yields."""
    description = {
        name: {"valueType": kind, "keywords": words, "option": 0, "comment": name} for name, (kind, words) in COLUMNS.items()
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
