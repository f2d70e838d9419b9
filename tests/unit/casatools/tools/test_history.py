"""Records of task calls in what the tasks wrote."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from casatools._base import log
from casatools._base.errors import DataError
from casatools.io.tables import open_table
from casatools.tools._history import record_task
from casatools.tools.image import image


def test_image_gets_lines(tmp_path: Path) -> None:
    tool = image()
    tool.fromarray(str(tmp_path / "a.im"), np.zeros((4, 4)))
    tool.close()
    record_task(str(tmp_path / "a.im"), "immath", ["taskname=immath", "immath( )"])
    opened = open_table(str(tmp_path / "a.im" / "logtable"))
    messages = list(opened.getcol("MESSAGE"))
    opened.close()
    assert messages[-2:] == ["taskname=immath", "immath( )"]


def test_other_paths_are_left_alone(tmp_path: Path) -> None:
    record_task(str(tmp_path), "split", ["x"])
    assert list(tmp_path.iterdir()) == []


def test_history_that_cannot_be_written_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import casatools.io.ms.history as history

    def refuse(*_: object) -> None:
        raise DataError("read-only")

    monkeypatch.setattr(history, "append_history", refuse)
    (tmp_path / "HISTORY").mkdir()
    told: list[tuple[str, ...]] = []
    monkeypatch.setattr(log, "post", lambda *words: told.append(words))
    record_task(str(tmp_path), "split", ["x"])
    assert told[0][0].startswith(f"the history of {tmp_path} was not written") and told[0][1:] == ("WARN", "split")


def test_other_errors_are_not_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import casatools.io.ms.history as history

    def fail(*_: object) -> None:
        raise KeyError("bug")

    (tmp_path / "HISTORY").mkdir()
    monkeypatch.setattr(history, "append_history", fail)
    with pytest.raises(KeyError):
        record_task(str(tmp_path), "split", ["x"])
    assert not issubclass(KeyError, DataError)
