"""The FLAG_CMD sub-table: flag commands kept with the data."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from casatools.io.tables import open_table, remove_rows

__all__ = ["FlagCmdRow", "append_flag_commands", "clear_flag_commands", "mark_applied", "read_flag_commands"]


@dataclass(frozen=True)
class FlagCmdRow:
    """A row of FLAG_CMD."""

    row: int
    command: str
    reason: str = ""
    applied: bool = False
    time_s: float = 0.0
    interval_s: float = 0.0
    type: str = ""
    severity: int = 0
    level: int = 0


def read_flag_commands(path: str) -> list[FlagCmdRow]:
    """All rows of the sub-table."""
    with contextlib.closing(open_table(f"{path.rstrip('/')}/FLAG_CMD", what="FLAG_CMD sub-table")) as table:
        n = table.nrows()
        if not n:
            return []
        names = ("COMMAND", "REASON", "APPLIED", "TIME", "INTERVAL", "TYPE", "SEVERITY", "LEVEL")
        held = {c: table.getcol(c) for c in names}
        return [
            FlagCmdRow(
                k, str(held["COMMAND"][k]), str(held["REASON"][k]), bool(held["APPLIED"][k]), float(held["TIME"][k]),
                float(held["INTERVAL"][k]), str(held["TYPE"][k]), int(held["SEVERITY"][k]), int(held["LEVEL"][k]),
            )
            for k in range(n)
        ]  # fmt: skip


def append_flag_commands(path: str, rows: Sequence[FlagCmdRow]) -> None:
    """Add rows; their numbers are given by the table."""
    with contextlib.closing(open_table(f"{path.rstrip('/')}/FLAG_CMD", writable=True, what="FLAG_CMD sub-table")) as table:
        start = table.nrows()
        table.addrows(len(rows))
        for k, row in enumerate(rows, start):
            for name, value in (
                ("COMMAND", row.command), ("REASON", row.reason), ("APPLIED", row.applied), ("TYPE", row.type),
                ("SEVERITY", row.severity), ("LEVEL", row.level), ("TIME", row.time_s), ("INTERVAL", row.interval_s),
            ):  # fmt: skip
                table.putcell(name, k, value)


def mark_applied(path: str, rows: Sequence[int], applied: bool) -> None:
    """Set APPLIED of some rows."""
    with contextlib.closing(open_table(f"{path.rstrip('/')}/FLAG_CMD", writable=True, what="FLAG_CMD sub-table")) as table:
        for row in rows:
            table.putcell("APPLIED", int(row), bool(applied))


def clear_flag_commands(path: str, rows: Sequence[int] | None = None) -> int:
    """Remove some rows, or all; give back how many were removed."""
    with contextlib.closing(open_table(f"{path.rstrip('/')}/FLAG_CMD", writable=True, what="FLAG_CMD sub-table")) as table:
        doomed = np.arange(table.nrows()) if rows is None else np.unique(np.asarray(rows, dtype=np.int64))
        if len(doomed):
            remove_rows(table, doomed.tolist())
        return len(doomed)
