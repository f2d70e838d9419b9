"""The log as a page in a browser: ``casalog.showconsole()``.

A server bound to the loopback address, started only on demand; every request must carry the token of the page's address. It shows the
log of the session and other logs (``*.log``) of the same folder, filters by every column, follows, and takes notes.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from casatools._base import log
from casatools._base.errors import ParameterError, PathMissingError
from casatools._base.local_page import LocalPage, Routes

__all__ = ["LogPage", "Row", "matches", "page", "parse_log"]

_MOST_BYTES = 16 << 20
_MOST_NOTE = 20000


@dataclass
class Row:
    """One message of a log."""

    time: str
    priority: str
    origin: str
    message: str


def parse_log(text: str) -> list[Row]:
    """The messages of a log's text; lines whose origin ends in ``+`` go on with the message before."""
    rows: list[Row] = []
    for line in text.splitlines():
        parts = line.split("\t", 3)
        if len(parts) < 4:
            if rows:
                rows[-1].message += "\n" + line
            continue
        if parts[2].endswith("+") and rows and rows[-1].origin == parts[2][:-1]:
            rows[-1].message += "\n" + parts[3]
        else:
            rows.append(Row(*parts))
    return rows


def matches(row: Row, wanted: dict[str, str]) -> bool:
    """True for a message of at least the priority wanted whose columns hold the texts wanted, upper and lower case alike."""
    level = wanted.get("priority", "")
    if level and row.priority in log.PRIORITIES and log.priority_rank(row.priority) > log.priority_rank(level):
        return False
    for column in ("time", "origin", "message"):
        if wanted.get(column, "").lower() not in getattr(row, column).lower():
            return False
    everything = "\t".join((row.time, row.priority, row.origin, row.message)).lower()
    return wanted.get("search", "").lower() in everything


class LogPage(LocalPage):
    """The server of the page; `url` is its address, with the token."""

    name = "log page"

    def routes(self) -> Routes:
        """Logs, their lines, and notes."""
        return Routes(
            ("casatools._base", "log_page.html"),
            {"/files": lambda query: self.files(), "/lines": self.lines},
            {"/note": (_MOST_NOTE, "a note is text", self.note)},
        )

    def note(self, body: bytes) -> dict[str, Any]:
        """Write a note into the log."""
        log.sink.post(body.decode("utf-8", "replace"), "INFO", "note", exact=True)
        return {}

    def files(self) -> dict[str, Any]:
        """Names of the logs that can be opened, the newest first, and that of the session."""
        folder, current = os.path.split(log.sink.path)
        found = [name for name in os.listdir(folder) if name.endswith(".log")] if os.path.isdir(folder) else []
        found.sort(key=lambda name: os.path.getmtime(os.path.join(folder, name)), reverse=True)
        return {"files": list(dict.fromkeys([current, *found])), "current": current, "priorities": list(log.PRIORITIES)}

    def lines(self, wanted: dict[str, str]) -> dict[str, Any]:
        """Messages that match, from byte ``after`` of a log on, and the byte to go on from."""
        folder, current = os.path.split(log.sink.path)
        name = wanted.get("file") or current
        if os.path.basename(name) != name or (not name.endswith(".log") and name != current):
            raise ParameterError(f"{name!r} is not the name of a log in the folder of the session's log")
        path = os.path.join(folder, name)
        if not os.path.isfile(path):
            if name == current:  # nothing has been written yet
                return {"rows": [], "next": 0, "more": False, "restarted": False}
            raise PathMissingError(f"there is no log {name!r}")
        text = wanted.get("after") or "0"
        if not text.isdigit():
            raise ParameterError(f"'after' must be a number of bytes; got {text!r}")
        after, size = int(text), os.path.getsize(path)
        restarted = after > size  # another log has taken its place
        with open(path, "rb") as stream:
            stream.seek(0 if restarted else after)
            data = stream.read(_MOST_BYTES)
        data = data[: data.rfind(b"\n") + 1]  # a line that is being written is left for the next time
        rows = [vars(row) for row in parse_log(data.decode("utf-8", "replace")) if matches(row, wanted)]
        position = (0 if restarted else after) + len(data)
        return {"rows": rows, "next": position, "more": bool(data) and position < size, "restarted": restarted}


_pages: list[LogPage] = []


def page() -> LogPage:
    """The page of this process, started when there is none.

    Raises
    ------
    DataError
        No port can be opened.
    """
    if not _pages:
        _pages.append(LogPage())
    return _pages[0]
