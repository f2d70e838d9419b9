"""Telemetry: nothing unless asked for, size limit, submission to the user's URL only."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from casatools._base import config, log, telemetry


@pytest.fixture
def options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    config.load()
    values = dict(config._values) | {"telemetry_enabled": True, "telemetry_log_directory": str(tmp_path / "t")}
    monkeypatch.setattr(config, "_values", values)
    monkeypatch.setattr(telemetry, "_state", telemetry._State())
    telemetry._state.begun = True  # no submission at the end of the test process
    return values


@pytest.fixture
def server() -> Iterator[tuple[str, list[bytes]]]:
    got: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200 if self.path == "/good" else 500)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    made = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=made.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{made.server_port}", got
    made.shutdown()
    thread.join()
    made.server_close()


def records(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "t" / "casa-telemetry.jsonl").read_text().splitlines()]


def test_off_by_default(options: dict[str, Any], tmp_path: Path) -> None:
    assert config.DEFAULTS["telemetry_enabled"] is False and config.DEFAULTS["crashreporter_enabled"] is False
    options["telemetry_enabled"] = False
    telemetry.record_task("split", 0.0, 1.0, True)
    assert not (tmp_path / "t").exists() and telemetry.submit() is False


def test_records(options: dict[str, Any], tmp_path: Path) -> None:
    telemetry.record_task("split", 0.0, 60.0, True)
    telemetry.record_task("gaincal", 60.0, 61.0, False)
    assert records(tmp_path) == [
        {"task": "split", "start": "1970-01-01T00:00:00Z", "end": "1970-01-01T00:01:00Z", "success": True},
        {"task": "gaincal", "start": "1970-01-01T00:01:00Z", "end": "1970-01-01T00:01:01Z", "success": False},
    ]


def test_tasks_are_counted(options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import casatasks

    monkeypatch.setattr(log.sink, "to_file", False)
    with pytest.raises(FileNotFoundError):
        casatasks.split("absent.ms", str(tmp_path / "o.ms"))
    assert [(r["task"], r["success"]) for r in records(tmp_path)] == [("split", False)]


def test_size_limit(options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(log, "post", lambda message, *_, **__: told.append(message))
    options |= {"telemetry_log_limit": 0.1, "telemetry_log_size_interval": 1e-9}
    for _ in range(9):
        telemetry.record_task("split", 0.0, 1.0, True)
    assert len(records(tmp_path)) == 2 and len(told) == 1 and "telemetry_log_limit" in told[0]


def test_folder_that_cannot_be_written(options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(log, "post", lambda message, *_, **__: told.append(message))
    options["telemetry_log_directory"] = "/proc/nothing"
    for _ in range(3):
        telemetry.record_task("split", 0.0, 1.0, True)
    assert len(told) == 1 and "cannot be written" in told[0]


def test_submission(options: dict[str, Any], tmp_path: Path, server: tuple[str, list[bytes]]) -> None:
    url, got = server
    telemetry.record_task("split", 0.0, 1.0, True)
    assert telemetry.submit() is False and got == []  # no URL configured
    options["telemetry_submit_url"] = url + "/bad"
    assert telemetry.submit() is False and len(records(tmp_path)) == 1
    options["telemetry_submit_url"] = url + "/good"
    assert telemetry.submit() is True and json.loads(got[-1])["task"] == "split"
    telemetry.record_task("split", 0.0, 1.0, True)
    assert telemetry.submit() is False and len(got) == 2  # within the interval
    options["telemetry_submit_interval"] = 0
    assert telemetry.submit() is True and len(got) == 3


def test_other_addresses_are_refused(options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(log, "post", lambda message, *_, **__: told.append(message))
    telemetry.record_task("split", 0.0, 1.0, True)
    options["telemetry_submit_url"] = "file:///etc/passwd"
    assert telemetry.submit() is False and "not an http address" in told[0]
