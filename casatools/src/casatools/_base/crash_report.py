"""Crash reports: written locally when the user's configuration turns them on; nothing is ever sent.

An unhandled error in a task gives a report at once. For fatal signals ``faulthandler`` writes the stacks of all threads into a file
opened beforehand, and a small watching process completes the report when this one has died, and says where it is.
"""

from __future__ import annotations

import atexit
import contextlib
import faulthandler
import getpass
import importlib.metadata
import os
import platform
import re
import socket
import subprocess
import sys
import time
import traceback
from typing import IO

from casatools._base import config, log
from casatools._base.errors import CasaError
from casatools._base.version import VERSION

__all__ = ["blank_names", "report_exception", "surroundings", "watch_for_signals"]

_LOG_LINES = 50
_held: list[IO[str] | subprocess.Popen[bytes]] = []


def blank_names(text: str) -> str:
    """The text without the home folder, the user's name and the host's."""
    home = os.path.expanduser("~")
    if len(home) > 1:
        text = text.replace(os.path.realpath(home), "~").replace(home, "~")
    text = re.sub(r"/(home|Users)/[^/\s'\",;:]+", r"/\1/<user>", text)
    user = ""
    with contextlib.suppress(KeyError, OSError, ImportError):
        user = getpass.getuser()
    for name, blank in ((user, "<user>"), (socket.gethostname(), "<host>")):
        if len(name) > 2:
            text = re.sub(rf"(?<![\w.]){re.escape(name)}(?![\w.])", blank, text)
    return text


def surroundings() -> str:
    """Versions, operating system, CPU, memory, mounted file systems."""
    packages = []
    for name in ("numpy", "python-casacore", "ducc0", "numba", "scipy", "astropy", "mpi4py"):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            packages.append(f"{name} {importlib.metadata.version(name)}")
    model = next((line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "unknown")
    memory = [line for line in _lines("/proc/meminfo") if line.startswith(("MemTotal", "MemFree", "MemAvailable", "Swap"))]
    mounts = [" ".join(line.split()[:3]) for line in _lines("/proc/mounts")]
    return "\n".join([
        f"casatools {VERSION}, Python {platform.python_version()}, {', '.join(packages)}", f"OS: {platform.platform()}",
        f"CPU: {model}, {os.cpu_count()} cores, {platform.machine()}", "Memory:", *memory, "Mounted file systems:", *mounts,
    ])  # fmt: skip


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read().splitlines()
    except OSError:  # not Linux
        return []


def _last_log_lines(path: str) -> list[str]:
    return _lines(path)[-_LOG_LINES:] if os.path.isfile(path) else []


def _new_file(kind: str) -> str:
    folder = os.path.join(os.path.expanduser(str(config.value("cachedir"))), "crash")
    os.makedirs(folder, mode=0o700, exist_ok=True)
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    return os.path.join(folder, f"casa-{kind}-{stamp}-{os.getpid()}.txt")


def report_exception(error: BaseException, where: str) -> str:
    """Write a report on an error that is none of the suite's own refusals; gives its path, "" where none is written."""
    if not config.value("crashreporter_enabled") or isinstance(error, (CasaError, KeyboardInterrupt)):
        return ""
    stack = "".join(traceback.format_exception(error))
    text = "\n".join([f"Error in {where}", "", stack, surroundings(), "", "Last log lines:", *_last_log_lines(log.sink.path)])
    try:
        path = _new_file("error")
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(blank_names(text) + "\n")
    except OSError as failure:
        log.post(f"the crash report cannot be written: {failure}", "WARN")
        return ""
    sys.stderr.write(f"A crash report was written to {path}; nothing was sent\n")
    return path


def watch_for_signals() -> int | None:
    """From now on a fatal signal leaves a report, where the configuration asks for them; gives its file's descriptor the first time."""
    if _held or not config.value("crashreporter_enabled"):
        return None
    try:
        path = _new_file("signal")
        stream = open(path, "w", encoding="utf-8")  # noqa: SIM115 - stays open for the life of the process
    except OSError as failure:
        log.post(f"crash reports cannot be written: {failure}", "WARN")
        return None
    faulthandler.enable(stream, all_threads=True)
    # A session of its own, so that Ctrl-C at the terminal does not end it before the process it watches.
    command = [sys.executable, "-m", "casatools._base.crash_report", path, log.sink.path]
    watcher = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
    _held.extend([stream, watcher])
    atexit.register(_leave, path, stream, watcher)
    return stream.fileno()


def _leave(path: str, stream: IO[str], watcher: subprocess.Popen[bytes]) -> None:
    """The process ends well: no report."""
    faulthandler.disable()
    stream.close()
    with contextlib.suppress(OSError):
        watcher.communicate(b"well", timeout=10)
        os.remove(path)


def _watch(path: str, log_path: str) -> None:
    """What the watching process does: wait for the end of the pipe, and complete the report when the end was not a good one."""
    if sys.stdin.buffer.read() == b"well" or not os.path.isfile(path):
        return
    stack = "\n".join(_lines(path))
    if not stack:  # killed from outside: there is nothing to report
        os.remove(path)
        return
    text = "\n".join([stack, "", surroundings(), "", "Last log lines:", *_last_log_lines(log_path)])
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(blank_names(text) + "\n")
    sys.stderr.write(f"A crash report was written to {path}; nothing was sent\n")


if __name__ == "__main__":
    _watch(*sys.argv[1:])
