"""The log table of an image."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from casacore import tables as _tables

from casatools.io.tables import is_table, open_table, remove_rows

__all__ = ["HistoryEntry", "append_history", "create_log_table", "read_history"]

# Seconds from the MJD epoch (1858-11-17) to the Unix epoch.
_MJD_UNIX_S = 40587 * 86400.0
_COLUMNS = ("TIME", "PRIORITY", "MESSAGE", "LOCATION", "OBJECT_ID")


@dataclass(frozen=True)
class HistoryEntry:
    """One line of history; `time_s` is MJD seconds, UTC."""

    time_s: float
    priority: str
    message: str
    location: str
    object_id: str = ""


def create_log_table(folder: str) -> None:
    """Make the empty table ``logtable`` in an image folder."""
    description = {}
    for name in _COLUMNS:
        number = name == "TIME"
        description[name] = {
            "valueType": "double" if number else "string",
            "dataManagerType": "StandardStMan",
            "dataManagerGroup": "SSM",
            "option": 0,
            "maxlen": 9 if name == "PRIORITY" else 0,
            "comment": "MJD in seconds" if number else "",
            "keywords": {"UNIT": "s", "MEASURE_TYPE": "EPOCH", "MEASURE_REFERENCE": "UTC"} if number else {},
        }
    manager = {"*1": {"TYPE": "StandardStMan", "NAME": "SSM", "SEQNR": 0, "SPEC": {}, "COLUMNS": list(_COLUMNS)}}
    with _tables.table(os.path.join(folder, "logtable"), description, nrow=0, dminfo=manager, ack=False) as log:
        log.putinfo({"type": "Log message", "subType": "", "readme": "Repository for software-generated logging messages\n"})


def read_history(folder: str) -> list[HistoryEntry]:
    """All entries of an image's log table; [] when it has none."""
    path = os.path.join(folder, "logtable")
    if not is_table(path):
        return []
    with open_table(path, what="log table") as log:
        if log.nrows() == 0:
            return []
        columns = [log.getcol(name) for name in _COLUMNS]
    return [HistoryEntry(float(t), p, m, where, i) for t, p, m, where, i in zip(*columns, strict=True)]


def append_history(
    folder: str, messages: Sequence[str], origin: str, priority: str = "INFO", time_s: float | None = None
) -> None:
    """Add lines to an image's log table, which is made when it is not there."""
    if not messages:
        return
    entries = [HistoryEntry(time.time() + _MJD_UNIX_S if time_s is None else time_s, priority, m, origin) for m in messages]
    append_entries(folder, entries)


def append_entries(folder: str, entries: Sequence[HistoryEntry]) -> None:
    """Add entries to an image's log table as they are."""
    if not entries:
        return
    path = os.path.join(folder, "logtable")
    if not is_table(path):
        create_log_table(folder)
    with open_table(path, writable=True, what="log table") as log:
        start, n = log.nrows(), len(entries)
        log.addrows(n)
        log.putcol("TIME", np.array([e.time_s for e in entries]), start, n)
        log.putcol("PRIORITY", [e.priority for e in entries], start, n)
        log.putcol("MESSAGE", [e.message for e in entries], start, n)
        log.putcol("LOCATION", [e.location for e in entries], start, n)
        log.putcol("OBJECT_ID", [e.object_id for e in entries], start, n)


def clear_history(folder: str) -> None:
    """Remove all entries of an image's log table."""
    path = os.path.join(folder, "logtable")
    if is_table(path):
        with open_table(path, writable=True, what="log table") as log:
            remove_rows(log, range(log.nrows()))
