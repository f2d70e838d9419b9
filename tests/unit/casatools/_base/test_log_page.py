"""The log page over HTTP: token, host, filters, following, other logs, notes."""

from __future__ import annotations

import http.client
import json
import socket
import sys
import webbrowser
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from casatools._base import config, log, log_page
from casatools._base.errors import DataError
from casatools.tools.logsink import logsink


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[log_page.LogPage]:
    sink = log.LogSink()
    sink.set_path(str(tmp_path / "casa-now.log"))
    monkeypatch.setattr(log, "sink", sink)
    made = log_page.LogPage()
    yield made
    made.close()
    sink.set_path(str(tmp_path / "closed.log"))


def ask(
    page: log_page.LogPage, path: str, method: str = "GET", body: str | None = None, host: str = "", **query: Any
) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=10)
    headers = {"Host": host or f"127.0.0.1:{page.port}"}
    connection.request(method, f"{path}?{urlencode({'token': page.token} | query)}", body=body, headers=headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, json.loads(text) if answer.headers["Content-Type"] == "application/json" else text


def rows(page: log_page.LogPage, **query: Any) -> list[str]:
    status, found = ask(page, "/lines", **query)
    assert status == 200, found
    return [row["message"] for row in found["rows"]]


def test_refused_without_the_token_or_under_another_name(page: log_page.LogPage) -> None:
    for path, method in (("/", "GET"), ("/lines", "GET"), ("/files", "GET"), ("/note", "POST")):
        for token in ("", "guess", page.token[:-1], "é"):
            assert ask(page, path, method, body="x" if method == "POST" else None, token=token)[0] == 403
        assert ask(page, path, method, host=f"evil.example:{page.port}")[0] == 403
    assert not Path(log.sink.path).exists()


def test_bound_to_the_loopback_address(page: log_page.LogPage) -> None:
    assert page._server.server_address[0] == "127.0.0.1"
    with socket.socket() as other, pytest.raises(ConnectionRefusedError):
        other.settimeout(0.5)
        other.connect(("127.0.0.2", page.port))


def test_page(page: log_page.LogPage) -> None:
    status, text = ask(page, "/")
    assert status == 200 and all(f"<th>{c}</th>" in text for c in ("Time", "Priority", "Origin", "Message"))
    assert "http" not in text.split("<script>")[1]  # nothing from elsewhere
    assert ask(page, "/other")[0] == 404


def test_filters(page: log_page.LogPage) -> None:
    log.sink.threshold = len(log.PRIORITIES)
    log.sink.post("found 3 antennas\nand more", "INFO", "listobs::::casa")
    log.sink.post("low signal", "WARN", "gaincal::::casa")
    log.sink.post("detail", "DEBUG1", "gaincal::::casa")
    assert rows(page) == ["found 3 antennas\nand more", "low signal", "detail"]
    assert rows(page, priority="WARN") == ["low signal"]
    assert rows(page, priority="INFO", origin="GAINCAL") == ["low signal"]
    assert rows(page, search="listobs") == rows(page, message="AND MORE") == ["found 3 antennas\nand more"]
    assert rows(page, time="20", message="detail") == ["detail"] and rows(page, time="1999") == []


def test_following(page: log_page.LogPage) -> None:
    assert ask(page, "/lines")[1] == {"rows": [], "next": 0, "more": False, "restarted": False}
    log.sink.post("one", "INFO", "a")
    first = ask(page, "/lines")[1]
    log.sink.post("two", "INFO", "a")
    second = ask(page, "/lines", after=first["next"])[1]
    assert [r["message"] for r in second["rows"]] == ["two"] and not second["restarted"]
    with open(log.sink.path, "a", encoding="utf-8") as stream:
        stream.write("2026-01-01 00:00:00\tINFO\ta\thalf a li")
    third = ask(page, "/lines", after=second["next"])[1]
    assert third["rows"] == [] and third["next"] == second["next"]
    assert ask(page, "/lines", after=10**9)[1]["restarted"] is True


def test_long_logs_come_in_parts(page: log_page.LogPage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_page, "_MOST_BYTES", 100)
    for k in range(6):
        log.sink.post(f"message {k}", "INFO", "a")
    answers = [ask(page, "/lines")[1]]
    while answers[-1]["more"]:
        answers.append(ask(page, "/lines", after=answers[-1]["next"])[1])
    found = [row["message"] for answer in answers for row in answer["rows"]]
    assert found == [f"message {k}" for k in range(6)] and len(answers) == 3


def test_old_logs_of_the_folder_only(page: log_page.LogPage, tmp_path: Path) -> None:
    (tmp_path / "casa-old.log").write_text("2020-01-01 00:00:00\tSEVERE\told\tlong ago\n")
    (tmp_path / "secret.txt").write_text("2020-01-01 00:00:00\tINFO\tx\tsecret\n")
    (tmp_path.parent / "outside.log").write_text("2020-01-01 00:00:00\tINFO\tx\tsecret\n")
    found = ask(page, "/files")[1]
    assert found["current"] == "casa-now.log" and found["files"] == ["casa-now.log", "casa-old.log"]
    assert rows(page, file="casa-old.log") == ["long ago"]
    for name in ("secret.txt", "../outside.log", str(tmp_path.parent / "outside.log"), "absent.log"):
        status, answer = ask(page, "/lines", file=name)
        assert status == 400 and "secret" not in json.dumps(answer).replace(name, "")
    assert ask(page, "/lines", file="casa-old.log", after="x")[0] == 400


def test_notes(page: log_page.LogPage) -> None:
    assert ask(page, "/note", "POST", body="<b>flag antenna 5</b>\nnext week")[0] == 200
    assert rows(page, origin="note") == ["<b>flag antenna 5</b>\nnext week"]
    assert ask(page, "/note", "POST", body="")[0] == 400
    assert ask(page, "/note", "POST", body="x" * 20001)[0] == 400


def test_showconsole(page: log_page.LogPage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    monkeypatch.setattr(log_page, "_pages", [page])
    config.load()
    monkeypatch.setattr(config, "_values", dict(config._values))
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.1 1 10.0.0.2 22")
    assert logsink().showconsole() is True
    told = capsys.readouterr().err
    assert opened == [page.url] and page.url in told and f"ssh -L {page.port}:127.0.0.1:{page.port}" in told
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    assert logsink().showconsole() is True and len(opened) == 1
    monkeypatch.setenv("DISPLAY", ":0")
    config._values["nogui"] = True
    assert logsink().showconsole() is True and len(opened) == 1
    config._values["nologger"] = True
    assert logsink().showconsole() is False
    assert logsink().showconsole(True) and log.sink.to_terminal
    assert logsink().showconsole(onconsole=False) and not log.sink.to_terminal
    assert logsink.showconsole.__declaration__.parameters[0].name == "onconsole"


def test_one_page_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_page, "_pages", [])
    made = log_page.page()
    assert log_page.page() is made
    made.close()
    monkeypatch.setattr(log_page, "_pages", [])

    def refuse(*args: Any) -> None:
        raise OSError(24, "no more files")

    monkeypatch.setattr("http.server.ThreadingHTTPServer", refuse)
    with pytest.raises(DataError, match="cannot be served"):
        log_page.page()


def test_importing_starts_nothing() -> None:
    import subprocess

    program = "import casatasks, casatools, threading, sys; casatasks.casalog; print(threading.active_count(), 'http.server' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "1 False\n"
