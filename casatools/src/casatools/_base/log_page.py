"""The log as a page in a browser: ``casalog.showconsole()``.

A server bound to the loopback address, started only on demand; every request must carry the token of the page's address. It shows the
log of the session and other logs (``*.log``) of the same folder, filters by every column, follows, and takes notes.
"""

from __future__ import annotations

import hmac
import json
import os
import secrets
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from typing import Any
from urllib.parse import parse_qs, urlsplit

from casatools._base import log
from casatools._base.errors import DataError, ParameterError, PathMissingError

__all__ = ["LogPage", "Row", "matches", "page", "parse_log"]

_MOST_BYTES = 16 << 20
_MOST_NOTE = 20000
_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; form-action 'none'"


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


class LogPage:
    """The server of the page; `url` is its address, with the token."""

    def __init__(self) -> None:
        self.token = secrets.token_urlsafe(24)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, name="casa-log-page", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Address of the page."""
        return f"http://127.0.0.1:{self.port}/?token={self.token}"

    def close(self) -> None:
        """Stop the server."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

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


def _handler(owner: LogPage) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Answers only requests with the token, asked of the loopback address."""

        def _allowed(self, query: dict[str, str]) -> bool:
            host = self.headers.get("Host", "")
            local = host in (f"127.0.0.1:{owner.port}", f"localhost:{owner.port}")  # a page elsewhere may point its name here
            given = query.get("token", "").encode("utf-8", "replace")
            return local and hmac.compare_digest(given, owner.token.encode())

        def _answer(self, status: int, body: bytes, kind: str) -> None:
            self.send_response(status)
            for name, value in (
                ("Content-Type", kind), ("Content-Length", str(len(body))), ("Cache-Control", "no-store"), ("Referrer-Policy", "no-referrer"),
                ("X-Content-Type-Options", "nosniff"), ("X-Frame-Options", "DENY"), ("Content-Security-Policy", _POLICY),
            ):  # fmt: skip
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def _json(self, value: object, status: int = 200) -> None:
            self._answer(status, json.dumps(value).encode(), "application/json")

        def _query(self) -> tuple[str, dict[str, str]]:
            parts = urlsplit(self.path)
            return parts.path, {name: values[0] for name, values in parse_qs(parts.query).items()}

        def do_GET(self) -> None:
            path, query = self._query()
            if not self._allowed(query):
                self._json({"error": "the token is missing or wrong"}, 403)
                return
            try:
                if path == "/":
                    page = resources.files("casatools._base").joinpath("log_page.html").read_bytes()
                    self._answer(200, page, "text/html; charset=utf-8")
                elif path == "/files":
                    self._json(owner.files())
                elif path == "/lines":
                    self._json(owner.lines(query))
                else:
                    self._json({"error": "there is no such page"}, 404)
            except (ParameterError, PathMissingError, OSError) as error:
                self._json({"error": str(error)}, 400)

        def do_POST(self) -> None:
            path, query = self._query()
            if not self._allowed(query):
                self._json({"error": "the token is missing or wrong"}, 403)
                return
            length = self.headers.get("Content-Length", "0")
            if path != "/note" or not length.isdigit() or not 0 < int(length) <= _MOST_NOTE:
                self._json({"error": "a note is text of 1 to 20000 bytes"}, 400)
                return
            log.sink.post(self.rfile.read(int(length)).decode("utf-8", "replace"), "INFO", "note", exact=True)
            self._json({})

        def log_message(self, format: str, *args: Any) -> None:
            """The requests of the page are not logged."""

    return Handler


_pages: list[LogPage] = []


def page() -> LogPage:
    """The page of this process, started when there is none.

    Raises
    ------
    DataError
        No port can be opened.
    """
    if not _pages:
        try:
            _pages.append(LogPage())
        except OSError as error:
            raise DataError(f"the log page cannot be served: {error.strerror}") from error
    return _pages[0]
