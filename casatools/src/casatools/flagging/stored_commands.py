"""Flag commands kept in FLAG_CMD or in files: reading, applying and taking them back."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from casatools._base.errors import ParameterError
from casatools.flagging.commands import FlagCommand, make_command, parse_line, read_commands
from casatools.flagging.session import flag, save_commands
from casatools.io.ms.flag_commands import append_flag_commands, clear_flag_commands, mark_applied, read_flag_commands

__all__ = [
    "StoredCommand",
    "apply_stored",
    "clear_stored",
    "list_stored",
    "save_stored",
    "stored_from_input",
    "stored_from_table",
]


@dataclass(frozen=True)
class StoredCommand:
    """A command with where it is kept."""

    row: int
    command: FlagCommand
    text: str
    reason: str
    applied: bool


def _wanted(reason: str, wanted: Any) -> bool:
    names = [wanted] if isinstance(wanted, str) else list(wanted)
    return not names or "any" in names or reason in names


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
        StoredCommand(h.row, make_command(parse_line(h.command), h.command), h.command, h.reason, h.applied)
        for h in chosen
        if (applied_too or not h.applied) and _wanted(h.reason, reason)
    ]


def stored_from_input(source: Any, reason: Any) -> list[StoredCommand]:
    """Commands of files or lines."""
    return [StoredCommand(k, c, c.text, c.reason, False) for k, c in enumerate(read_commands(source, reason))]


def list_stored(stored: Sequence[StoredCommand]) -> list[str]:
    """One line a command."""
    return [f"{s.row:6d}  {'applied' if s.applied else '       '}  {s.reason:<16} {s.text}" for s in stored]


def apply_stored(path: str, stored: Sequence[StoredCommand], unapply: bool, backup: bool, mark: bool) -> None:
    """Flag what the commands say, or unflag it; note in FLAG_CMD that this was done.

    Raises
    ------
    ParameterError
        A command that is to be taken back does not select by itself what it had flagged.
    """
    commands = [s.command for s in stored]
    if unapply:
        data_driven = [c for c in commands if c.mode in ("clip", "tfcrop", "rflag", "extend", "antint", "unflag")]
        if data_driven:
            raise ParameterError(
                f"flagcmd: the command {data_driven[0].text!r} cannot be unapplied; restore a flag version instead"
            )
        commands = [dataclasses.replace(c, inverse=True) for c in commands]
    if commands:
        flag(path, commands, write=True, backup="flagcmd" if backup else "", skip_empty=True)
    if mark:
        mark_applied(path, [s.row for s in stored], not unapply)


def save_stored(path: str, stored: Sequence[StoredCommand], outfile: str, overwrite: bool, applied: bool) -> None:
    """Save commands into a file, or into FLAG_CMD."""
    if outfile:
        save_commands(path, [s.command for s in stored], outfile, overwrite)
        return
    append_flag_commands(path, [s.text for s in stored], [s.reason for s in stored], applied)


def clear_stored(path: str, rows: Sequence[int] | None) -> int:
    """Remove rows of FLAG_CMD."""
    if rows is not None:
        count = len(read_flag_commands(path))
        bad = [r for r in rows if not 0 <= r < count]
        if bad:
            raise ParameterError(f"flagcmd: parameter 'rowlist' must hold rows 0 to {count - 1}; got {bad[0]}")
    return clear_flag_commands(path, rows)
