"""The CASA log and Python's logging, either way, without echoes."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

import casatools.log as bridge
from casatools._base import log


@pytest.fixture
def sink(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[log.LogSink]:
    made = log.LogSink()
    made.set_path(str(tmp_path / "own.log"))
    monkeypatch.setattr(log, "sink", made)
    yield made
    made.set_path(str(tmp_path / "closed.log"))


def lines(sink: log.LogSink) -> list[list[str]]:
    return [line.split("\t")[1:] for line in Path(sink.path).read_text().splitlines()]


def test_python_to_casa(sink: log.LogSink, capsys: pytest.CaptureFixture[str]) -> None:
    handler = bridge.from_python("mypipeline")
    assert bridge.from_python("mypipeline", logging.DEBUG) is handler
    sink.threshold = log.priority_rank("DEBUG1")
    mine = logging.getLogger("mypipeline.step")
    for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.CRITICAL):
        mine.log(level, "value %d", level)
    logging.getLogger("mypipeline").removeHandler(handler)
    mine.error("not there")
    where = "mypipeline.step"
    wanted = [["INFO", where, "value 20"], ["WARN", where, "value 30"], ["SEVERE", where, "value 50"]]
    assert [line for line in lines(sink) if line[0] != "DEBUG1"] == wanted


def test_casa_to_python(sink: log.LogSink, caplog: pytest.LogCaptureFixture) -> None:
    bridge.to_python("casatest")
    logging.getLogger("casatest").setLevel(1)
    sink.threshold = len(log.PRIORITIES)
    for priority in ("SEVERE", "WARN", "INFO", "INFO2", "DEBUG1"):
        sink.post(f"a {priority}", priority, "split::::casa")
    found = [(r.levelno, r.getMessage(), r.casa_origin) for r in caplog.records if r.name == "casatest"]  # type: ignore[attr-defined]
    assert found == [
        (logging.ERROR, "a SEVERE", "split::::casa"), (logging.WARNING, "a WARN", "split::::casa"), (logging.INFO, "a INFO", "split::::casa"),
        (logging.INFO - 2, "a INFO2", "split::::casa"), (logging.DEBUG, "a DEBUG1", "split::::casa"),
    ]  # fmt: skip


def test_both_ways_do_not_echo(sink: log.LogSink, caplog: pytest.LogCaptureFixture) -> None:
    handler = bridge.from_python("casaboth")
    bridge.to_python("casaboth")
    logging.getLogger("casaboth").warning("from python")
    sink.post("from casa", "INFO", "a")
    logging.getLogger("casaboth").removeHandler(handler)
    assert [line[2] for line in lines(sink)] == ["from python", "from casa"]
    assert [r.getMessage() for r in caplog.records if r.name == "casaboth"] == ["from python", "from casa"]
