"""Telemetry: which tasks were run, when and with what success; off unless the user's configuration turns it on.

JSON lines in ``telemetry_log_directory``, at most ``telemetry_log_limit`` kB of them. They are sent only where the user has
configured a ``telemetry_submit_url``, at the end of a process, once in ``telemetry_submit_interval`` seconds.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import time
from urllib.parse import urlsplit

from casatools._base import config, log

__all__ = ["record_task", "submit", "telemetry_file"]

_WEEK_S = 7 * 86400
_LIMIT_KB, _SIZE_INTERVAL_S = 10240, 60
_TIMEOUT_S = 5.0


class _State:
    """What this process remembers between records."""

    def __init__(self) -> None:
        self.checked_s = -1e30
        self.full = False
        self.begun = False


_state = _State()


def telemetry_file() -> str:
    """The file that records are appended to."""
    folder = config.value("telemetry_log_directory") or os.path.join(str(config.value("cachedir")), "telemetry")
    return os.path.join(os.path.expanduser(str(folder)), "casa-telemetry.jsonl")


def record_task(name: str, started_s: float, ended_s: float, success: bool) -> None:
    """Append one record where telemetry is on; a folder that cannot be written is told once in the log."""
    if not config.value("telemetry_enabled") or "MPIServer" in log.sink.processor:
        return
    path = telemetry_file()
    if not _state.begun:
        _state.begun = True
        atexit.register(submit)
    interval = config.value("telemetry_log_size_interval")
    if time.monotonic() - _state.checked_s > (_SIZE_INTERVAL_S if interval is None else interval):
        _state.checked_s = time.monotonic()
        limit_kb = config.value("telemetry_log_limit")
        full = os.path.exists(path) and os.path.getsize(path) > 1024 * (_LIMIT_KB if limit_kb is None else limit_kb)
        if full and not _state.full:
            log.post(f"telemetry stops: {path} has reached telemetry_log_limit", origin="telemetry")
        _state.full = full
    if _state.full:
        return
    stamps = [time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(t)) for t in (started_s, ended_s)]
    line = json.dumps({"task": name, "start": stamps[0], "end": stamps[1], "success": success}) + "\n"
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "a", encoding="utf-8") as stream:
            stream.write(line)
    except OSError as error:
        _state.full = True
        log.post(f"telemetry cannot be written: {error}", origin="telemetry")


def submit() -> bool:
    """Send the records to the URL the user configured, when the interval has passed; True when they were sent and cleared."""
    url = config.value("telemetry_submit_url")
    path = telemetry_file()
    if not config.value("telemetry_enabled") or not url or not os.path.exists(path):
        return False
    if urlsplit(str(url)).scheme not in ("http", "https"):
        log.post(f"telemetry_submit_url {url!r} is not an http address; nothing is sent", "WARN", "telemetry")
        return False
    stamp = path + ".submitted"
    interval = config.value("telemetry_submit_interval")
    if os.path.exists(stamp) and time.time() - os.path.getmtime(stamp) < (_WEEK_S if interval is None else interval):
        return False
    sending = f"{path}.{os.getpid()}"
    os.rename(path, sending)  # other processes begin a new file meanwhile
    sent = _post(str(url), sending)
    if sent:
        os.remove(sending)
        with open(stamp, "w", encoding="utf-8"):
            pass
    else:
        with open(sending, encoding="utf-8") as old, open(path, "a", encoding="utf-8") as new:
            new.write(old.read())
        os.remove(sending)
    return sent


def _post(url: str, path: str) -> bool:
    import urllib.request

    with open(path, "rb") as stream:
        request = urllib.request.Request(url, data=stream.read(), headers={"Content-Type": "application/x-ndjson"})
    with contextlib.suppress(OSError), urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:
        return bool(200 <= answer.status < 300)
    return False
