"""Flag commands kept in FLAG_CMD or in files: reading, applying and taking them back."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from casatools._base import log
from casatools._base.errors import DataError, ParameterError, SelectionError
from casatools.flagging.commands import FlagCommand, make_command, parse_line, read_commands, wanted_reason, without_reason
from casatools.flagging.session import flag, save_commands
from casatools.io.ms.flag_commands import FlagCmdRow, append_flag_commands, clear_flag_commands, mark_applied, read_flag_commands

__all__ = [
    "StoredCommand",
    "apply_stored",
    "clear_stored",
    "list_stored",
    "record_of_stored",
    "save_stored",
    "stored_from_input",
    "stored_from_table",
]


# What is told of a command in FLAG_CMD, in CASA's order.
_TABLE_KEYS = (
    "id", "antenna", "mode", "timerange", "time", "interval", "type", "reason", "level", "severity", "applied", "command",
)  # fmt: skip


@dataclass(frozen=True)
class StoredCommand:
    """A command with where it is kept, and what FLAG_CMD says of it."""

    row: int
    command: FlagCommand
    text: str
    reason: str
    applied: bool
    id: str = ""
    time_s: float = 0.0
    interval_s: float = 0.0
    type: str = ""
    severity: int = 0
    level: int = 0
    in_table: bool = False


def stored_from_table(path: str, rows: Sequence[int], reason: Any, applied_too: bool) -> list[StoredCommand]:
    """Commands of the FLAG_CMD sub-table.

    Raises
    ------
    ParameterError
        A row does not exist.
    """
    held = read_flag_commands(path)
    bad = [r for r in rows if not 0 <= r < len(held)]
    if bad:
        raise ParameterError(f"flagcmd: parameter 'tablerows' must hold rows 0 to {len(held) - 1}; got {bad[0]}")
    chosen = [held[r] for r in rows] if rows else held
    return [
        StoredCommand(
            h.row, make_command(parse_line(h.command), h.command), h.command, h.reason, h.applied, "", h.time_s, h.interval_s, h.type,
            h.severity, h.level, True,
        )
        for h in chosen
        if (applied_too or not h.applied) and wanted_reason(h.reason, reason)
    ]  # fmt: skip


def stored_from_input(source: Any, reason: Any) -> list[StoredCommand]:
    """Commands of files or lines."""
    return [StoredCommand(k, c, c.text, c.reason, False) for k, c in enumerate(read_commands(source, reason))]


def list_stored(stored: Sequence[StoredCommand]) -> list[str]:
    """One line a command."""
    return [f"{s.row:6d}  {'applied' if s.applied else '       '}  {s.reason:<16} {s.text}" for s in stored]


def record_of_stored(stored: Sequence[StoredCommand]) -> dict[int, dict[str, Any]]:
    """CASA's record of commands, by row.

    Returns
    -------
    dict
        Row numbers to ``id, command, reason, applied, time, interval, level, severity, type, mode, timerange, antenna``; the command
        without quotes.
    """
    record: dict[int, dict[str, Any]] = {}
    for s in stored:
        given = parse_line(s.text)
        found: dict[str, Any] = {
            "row": str(s.row), "id": s.id or str(s.row), "command": " ".join(f"{k}={v}" for k, v in given.items()) + " ",
            "reason": s.reason, "applied": s.applied, "time": s.time_s, "interval": s.interval_s, "level": s.level,
            "severity": s.severity, "type": s.type, "mode": str(given.get("mode", "online" if s.id else "")),
            "timerange": str(given.get("timerange", "")), "antenna": str(given.get("antenna", "")),
        }  # fmt: skip
        record[s.row] = {k: found[k] for k in _TABLE_KEYS} if s.in_table else found
    return record


def apply_stored(
    path: str, stored: Sequence[StoredCommand], unapply: bool, backup: bool, mark: bool, online: bool = False
) -> None:
    """Flag what the commands say, or unflag it; note in FLAG_CMD that this was done.

    Flags of the online system (`online`) may all lie outside the data; that is told, and no error.

    Raises
    ------
    ParameterError
        A command that is to be taken back does not select by itself what it had flagged.
    DataError
        There is no command.
    """
    commands = [s.command for s in stored]
    if unapply:
        data_driven = [c for c in commands if c.mode in ("clip", "tfcrop", "rflag", "extend", "antint", "unflag")]
        if data_driven:
            raise ParameterError(
                f"flagcmd: the command {data_driven[0].text!r} cannot be unapplied; restore a flag version instead"
            )
        commands = [dataclasses.replace(c, inverse=True) for c in commands]
    if not commands:
        raise DataError(
            f"flagcmd: there is no command to {'unapply' if unapply else 'apply'} in the input; commands marked as applied are used"
            " with useapplied=True"
        )
    try:
        flag(path, commands, write=True, backup="flagcmd" if backup else "", skip_empty=True)
    except SelectionError as refusal:
        if not online:
            raise
        log.post(f"None of the commands matches the data: {refusal}", "WARN")
    if mark:
        mark_applied(path, [s.row for s in stored], not unapply)


def save_stored(path: str, stored: Sequence[StoredCommand], outfile: str, overwrite: bool, applied: bool) -> None:
    """Save commands into a file, or into FLAG_CMD."""
    if outfile:
        save_commands(path, [dataclasses.replace(s.command, reason=s.reason) for s in stored], outfile, overwrite)
        return
    append_flag_commands(
        path,
        [
            FlagCmdRow(-1, without_reason(s.text), s.reason, applied, s.time_s, s.interval_s, s.type, s.severity, s.level)
            for s in stored
        ],
    )


def clear_stored(path: str, rows: Sequence[int] | None) -> int:
    """Remove rows of FLAG_CMD."""
    if rows is not None:
        count = len(read_flag_commands(path))
        bad = [r for r in rows if not 0 <= r < count]
        if bad:
            allowed = f"must hold rows 0 to {count - 1}" if count else "names a row, but FLAG_CMD is empty"
            raise ParameterError(f"flagcmd: parameter 'rowlist' {allowed}; got {bad[0]}")
    return clear_flag_commands(path, rows)
