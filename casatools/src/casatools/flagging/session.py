"""What the flagging tasks share: a backup before the flags change, the run, and the record of reports."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import Any

from casatools._base import log
from casatools._base.errors import ParameterError
from casatools._base.paths import require_absent, staged_output
from casatools.flagging.commands import FlagCommand, without_reason
from casatools.flagging.report import counting_command, write_report
from casatools.flagging.run import run_commands
from casatools.io.ms.flag_commands import FlagCmdRow, append_flag_commands
from casatools.io.ms.flag_versions import (
    delete_version,
    list_versions,
    next_version_name,
    rename_version,
    restore_version,
    save_version,
    set_aside,
)

__all__ = [
    "delete_version",
    "flag",
    "list_versions",
    "record_of_reports",
    "rename_version",
    "restore_version",
    "save_commands",
    "save_version",
    "set_aside",
]


def backup_flags(path: str, prefix: str) -> str:
    """Save the flags as ``<prefix>_<n>``; give back the name."""
    name = next_version_name(path, prefix)
    save_version(path, name, f"Flags autosave on {time.strftime('%Y-%m-%d %H:%M:%S')}")
    log.post(f"Saved current flags to version {name}")
    return name


def flag(
    path: str,
    commands: Sequence[FlagCommand],
    *,
    write: bool,
    backup: str = "",
    skip_empty: bool = False,
    calculate: bool = False,
    report: str = "",
) -> dict[str, Any]:
    """Run commands and give CASA's record of their reports.

    Parameters
    ----------
    path : str
    commands : sequence of FlagCommand
    write : bool
        Write the flags.
    backup : str
        Prefix of the version that the flags are saved as before; "" saves none.
    skip_empty : bool
        Leave out commands that match nothing.
    calculate : bool
        Report rflag's thresholds too.
    report : str
        An HTML file for the flags before and after; "" writes none.

    Returns
    -------
    dict
        ``{}``, the one report, or ``{"report0": …, "report1": …}``.
    """
    if report:
        commands = [counting_command(), *commands, counting_command()]
    reports = run_commands(
        path, commands, write=write, skip_empty=skip_empty, before_write=(lambda: backup_flags(path, backup)) if backup else None
    )
    if report:
        write_report(path, reports[0], reports[-1], report)
        log.post(f"The flags before and after are shown in {report}")
        reports = reports[1:-1]
    if calculate and any(r["type"] == "rflag" for r in reports):
        return record_of_reports(reports)
    counted = [r for r in reports if r["type"] != "rflag"]
    if len(counted) <= 1:
        return counted[0] if counted else {}
    return {f"report{k}": r for k, r in enumerate(counted)}


def record_of_reports(reports: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Reports as agentflagger gives them: by name, with their number."""
    return dict(sorted({"nreport": len(reports), "type": "list", **{f"report{k}": r for k, r in enumerate(reports)}}.items()))


def save_commands(
    path: str,
    commands: Sequence[FlagCommand],
    outfile: str = "",
    overwrite: bool = True,
    reason: str = "",
    applied: bool = False,
) -> None:
    """Write commands into a file, or without one into FLAG_CMD; `reason` takes the place of their own.

    Raises
    ------
    OutputExistsError, ParameterError
    """
    if not commands:
        raise ParameterError("flagging: there is no command to save")
    lines = [(without_reason(c.text), reason or c.reason) for c in commands]
    if not outfile:
        append_flag_commands(path, [FlagCmdRow(-1, line, why, applied) for line, why in lines])
        return
    require_absent(outfile, overwrite)
    with (
        staged_output(outfile, overwrite=os.path.lexists(outfile)) as temporary,
        open(temporary, "w", encoding="utf-8") as stream,
    ):
        stream.writelines(line + (f" reason='{why}'" if why else "") + "\n" for line, why in lines)
