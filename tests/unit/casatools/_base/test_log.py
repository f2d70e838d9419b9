"""The log: line format, thresholds, filters, lazy file, fallback to the terminal."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from casatools._base import config, log
from casatools._base.errors import ParameterError


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[log.LogSink]:
    made = log.LogSink()
    made.set_path(str(tmp_path / "own.log"))
    yield made
    made.set_path(str(tmp_path / "closed.log"))


def test_lines(sink: log.LogSink) -> None:
    assert not Path(sink.path).exists()
    sink.post("one\ntwo", "NORMAL", "task::tool")
    first, second = Path(sink.path).read_text().splitlines()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\tINFO\ttask::tool::casa\tone", first)
    assert second.split("\t")[1:] == ["INFO", "task::tool::casa+", "two"]


def test_the_file_is_closed_when_python_ends(tmp_path: Path) -> None:
    script = "from casatools._base import log; log.post('last words')"
    ended = subprocess.run([sys.executable, "-X", "dev", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "ResourceWarning" not in ended.stderr
    (written,) = tmp_path.glob("casa-*.log")
    assert written.read_text().endswith("last words\n")


def test_threshold_filter_and_processor(sink: log.LogSink) -> None:
    sink.filters.append("secret")
    sink.processor = "@host:MPIServer-1"
    assert not sink.post("too fine", "DEBUG1", "a") and not sink.post("a secret", "INFO", "a")
    with log.origin("gaincal"):
        assert sink.post("kept", "WARN")
    assert Path(sink.path).read_text().split("\t")[1:] == ["WARN", "gaincal::::casa@host:MPIServer-1", "kept\n"]


def test_repeated_work_says_a_thing_once(sink: log.LogSink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "sink", sink)
    with log.once():
        assert [log.post(text, "WARN") for text in ("a", "b", "a")] == [True, True, False] and log.post("a", "INFO")
    assert log.post("a", "WARN") and log.post("a", "WARN")
    assert [line[-1] for line in Path(sink.path).read_text().splitlines()] == list("abaaa")


def test_origins_as_the_reference_writes_them(sink: log.LogSink) -> None:
    """Recorded from CASA 6.7: origin(), the origin of one message, both, neither."""
    sink.post("0")
    sink.post("1", "INFO", "abc")
    with log.origin("me"):
        sink.post("2", "INFO", "f")
        sink.post("3")
        sink.post("4", "INFO", "note", exact=True)
    sink.post("5", "INFO", "table::summary")
    found = [line.split("\t")[2] for line in Path(sink.path).read_text().splitlines()]
    assert found == ["::casa", "abc::abc::casa", "me::f::casa", "me::::casa", "note", "table::summary::casa"]


def test_first_lines_name_the_versions(sink: log.LogSink) -> None:
    sink.greeting = True
    sink.post("one")
    sink.post("two")
    found = [line.split("\t")[3] for line in Path(sink.path).read_text().splitlines()]
    assert (
        found[0].startswith("Python version 3.")
        and found[1].startswith("CASA Version MODULAR 6.")
        and found[2:] == ["one", "two"]
    )


def test_message_of_an_unknown_priority_is_written(sink: log.LogSink, capsys: pytest.CaptureFixture[str]) -> None:
    assert sink.post("heard", "LOUD")
    found = [line.split("\t")[1:] for line in Path(sink.path).read_text().splitlines()]
    assert found[0][0] == "WARN" and "'LOUD' is unknown" in found[0][2] and found[1] == ["INFO", "::casa", "heard"]
    assert "LOUD" in capsys.readouterr().err


def test_unknown_priority() -> None:
    with pytest.raises(ParameterError, match="log priority 'LOUD' is unknown"):
        log.priority_rank("LOUD")


def test_folder_that_cannot_be_written(sink: log.LogSink, capsys: pytest.CaptureFixture[str]) -> None:
    sink.set_path("/proc/nothing/casa.log")
    sink.post("still told", "INFO")
    sink.post("again", "INFO")
    told = capsys.readouterr().err
    assert told.count("cannot be written") == 1 and "again" in told


def test_json_lines(
    sink: log.LogSink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config.load()
    monkeypatch.setattr(config, "_values", dict(config._values) | {"logjson": True})
    sink.post("one\ntwo", "INFO", "split::::casa")
    record = json.loads((tmp_path / "own.jsonl").read_text())
    assert (record["priority"], record["origin"], record["message"]) == ("INFO", "split::::casa", "one\ntwo")
    (tmp_path / "own.jsonl").unlink()
    (tmp_path / "own.jsonl").mkdir()
    sink.post("three")
    sink.post("four")
    assert capsys.readouterr().err.count("JSON lines of the log cannot be written") == 1
