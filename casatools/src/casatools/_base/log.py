"""The log: one file opened at the first message, warnings also on the terminal, origins kept on a stack.

Line format (CASA's): ``YYYY-MM-DD HH:MM:SS<TAB>PRIORITY<TAB>origin<TAB>message``, the origin of continuation lines ends in ``+``. An origin
is ``task::tool::method::casa``, as `full_origin` makes it.
"""

from __future__ import annotations

import atexit
import contextlib
import contextvars
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import TextIO

from casatools._base import config
from casatools._base.errors import ParameterError
from casatools._base.version import VERSION, version_string

__all__ = ["PRIORITIES", "LogSink", "full_origin", "once", "origin", "post", "sink"]

# From the most to the least severe; a threshold lets through itself and everything before it.
PRIORITIES: tuple[str, ...] = (
    "SEVERE", "WARN", "INFO", "INFO1", "INFO2", "INFO3", "INFO4", "INFO5", "DEBUG1", "DEBUG2", "DEBUGGING",
)  # fmt: skip
_ALIASES = {"NORMAL": "INFO", "NORMAL1": "INFO1", "NORMAL2": "INFO2", "NORMAL3": "INFO3", "NORMAL4": "INFO4",
            "NORMAL5": "INFO5", "ERROR": "SEVERE", "CRITICAL": "SEVERE", "WARNING": "WARN", "DEBUG": "DEBUG1"}  # fmt: skip
_origin: contextvars.ContextVar[str] = contextvars.ContextVar("origin", default="")
_said: contextvars.ContextVar[set[tuple[str, str]] | None] = contextvars.ContextVar("said", default=None)


def priority_rank(name: str) -> int:
    """Position of a priority in PRIORITIES; raise ParameterError for an unknown one."""
    folded = name.upper()
    folded = _ALIASES.get(folded, folded)
    if folded not in PRIORITIES:
        raise ParameterError(f"log priority {name!r} is unknown; allowed are {', '.join(PRIORITIES)}")
    return PRIORITIES.index(folded)


def full_origin(task: str, part: str = "") -> str:
    """CASA's form of an origin: ``split::::casa`` of a task, ``split::ms::open::casa`` of a part of it, ``::casa`` of neither."""
    if part.endswith("::casa"):
        return part
    if part:
        # CASA names a lone part twice.
        return f"{part}::casa" if "::" in part and not task else f"{task or part}::{part}::casa"
    return f"{task}::::casa" if task else "::casa"


class LogSink:
    """Where messages go: the log file, the terminal for warnings, filtered by a priority threshold."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._stream: TextIO | None = None
        self._path: str | None = None
        self._file_failed = False
        self.threshold = PRIORITIES.index("INFO")
        self.to_terminal = False
        self.to_file = True
        self.filters: list[str] = []
        # Called with (priority, origin, message) of what is let through; by name, so that none is there twice.
        self.listeners: dict[str, Callable[[str, str, str], None]] = {}
        self.processor = ""
        # The first lines say which versions wrote the log.
        self.greeting = False
        self.started = time.gmtime()

    @property
    def path(self) -> str:
        """The log file's absolute path; it need not exist before the first message."""
        if self._path is None:
            name = str(config.value("logfile") or time.strftime("casa-%Y%m%d-%H%M%S.log", self.started))
            self._path = os.path.abspath(os.path.expanduser(name))
        return self._path

    def set_path(self, path: str) -> None:
        """Send later messages to another file."""
        with self._lock:
            self.close()
            self._path, self._file_failed = os.path.abspath(os.path.expanduser(path)), False

    def close(self) -> None:
        """Close the log file; a later message opens it again."""
        with self._lock:
            if self._stream is not None:
                self._stream.close()
            self._stream = None

    def post(self, message: str, priority: str = "INFO", origin: str | None = None, *, exact: bool = False) -> bool:
        """Write one message, if the threshold lets it through and no filter text occurs in it; False when it is left out.

        A priority that does not exist counts as INFO, with a warning: a script's own message must not end it. `exact` writes the origin as it is.
        """
        try:
            rank = priority_rank(priority)
        except ParameterError as error:
            rank = PRIORITIES.index("INFO")
            self.post(f"{error}; INFO is taken", "WARN", "casalog")
        if rank > self.threshold or any(text in message for text in self.filters):
            return False
        where = (str(origin) if exact else full_origin(_origin.get(), origin or "")) + self.processor
        stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
        lines = []
        for k, line in enumerate(str(message).split("\n")):
            lines.append(f"{stamp}\t{PRIORITIES[rank]}\t{where}{'+' if k else ''}\t{line}\n")
        with self._lock:
            if self.greeting:
                self.greeting = False
                text = f"Python version {sys.version.split()[0]}\nCASA Version MODULAR {version_string()} (casatools {VERSION})"
                self._write("".join(f"{stamp}\tINFO\t::casa{self.processor}\t{line}\n" for line in text.split("\n")))
            if config.notes:  # what was found at import, when no file may be opened
                notes, config.notes[:] = list(config.notes), []
                for note in notes:
                    self.post(note, "INFO", "config")
            written = self._write("".join(lines))
            if written and config.value("logjson"):
                self._write_json({"time": stamp, "priority": PRIORITIES[rank], "origin": where, "message": str(message)})
            if rank <= 1 or self.to_terminal or config.value("log2term") or (not written and rank == 0):
                sys.stderr.write("".join(lines))
        for listener in list(self.listeners.values()):
            listener(PRIORITIES[rank], where, str(message))
        return True

    def _write_json(self, record: dict[str, str]) -> None:
        """Append one line to the file ``.jsonl`` beside the log file; a line is one write, so that ranks may share it."""
        line = (json.dumps(record) + "\n").encode()
        try:
            with open(os.path.splitext(self.path)[0] + ".jsonl", "ab", buffering=0) as stream:
                stream.write(line)
        except OSError as error:
            config.set_value("logjson", False, "after an error")
            sys.stderr.write(f"JSON lines of the log cannot be written: {error.strerror}\n")

    def _write(self, text: str) -> bool:
        if self._file_failed or not self.to_file or config.value("nologfile"):
            return False
        try:
            if self._stream is None:
                self._stream = open(self.path, "a", encoding="utf-8")  # noqa: SIM115 - stays open for the life of the process
            self._stream.write(text)
            self._stream.flush()
        except OSError as error:
            self._file_failed = True
            sys.stderr.write(f"log file {self.path} cannot be written ({error.strerror}); messages go to the terminal\n")
            self.to_terminal = True
            return False
        return True


sink = LogSink()
sink.greeting = True
atexit.register(sink.close)


def post(message: str, priority: str = "INFO", origin: str | None = None) -> bool:
    """Write a message to the log under the current origin, and of the part of it given; False when it is filtered out."""
    said = _said.get()
    if said is not None:
        if (message, priority) in said:
            return False
        said.add((message, priority))
    return sink.post(message, priority, origin)


@contextlib.contextmanager
def once() -> Iterator[None]:
    """Each message posted in this block is written the first time only: for work that is repeated round after round."""
    token = _said.set(set())
    try:
        yield
    finally:
        _said.reset(token)


def current_origin() -> str:
    """The origin that messages carry now."""
    return _origin.get()


def set_origin(name: str) -> None:
    """Set the origin of later messages."""
    _origin.set(name)


@contextlib.contextmanager
def origin(name: str) -> Iterator[None]:
    """Messages posted in this block carry the origin `name`."""
    token = _origin.set(name)
    try:
        yield
    finally:
        _origin.reset(token)
