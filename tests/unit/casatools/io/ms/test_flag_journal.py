"""What a killed flagging run has changed is taken back by the next run of the same commands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatools._base import log
from casatools._base.errors import DataError
from casatools.flagging.commands import make_command
from casatools.flagging.run import run_commands
from casatools.flagging.session import restore_version, save_version
from casatools.io.ms import MeasurementSet
from casatools.io.ms.flag_journal import FlagJournal, take_back

COMMANDS = [{"mode": "tfcrop", "freqcutoff": 2.0}, {"mode": "extend", "growtime": 30.0}]


@pytest.fixture
def path(shared_input: Any) -> str:
    return str(shared_input("simvla.ms"))


def flags(path: str) -> tuple[np.ndarray, np.ndarray]:
    with MeasurementSet(path) as ms:
        return ms.read("FLAG"), ms.read("FLAG_ROW")


def cut_short(path: str, monkeypatch: pytest.MonkeyPatch, after: int = 1) -> None:
    """Stop a run as a kill would: some chunks are written, one more is noted only, and cut short."""
    noted = FlagJournal.note
    count = 0

    def note(self: FlagJournal, *given: np.ndarray) -> None:
        nonlocal count
        count += 1
        noted(self, *given)
        if count > after:
            raise RuntimeError("killed")

    monkeypatch.setattr(FlagJournal, "note", note)
    with pytest.raises(RuntimeError, match="killed"):
        run_commands(path, [make_command(c) for c in COMMANDS])
    monkeypatch.setattr(FlagJournal, "note", noted)
    journal = Path(path, "flagging.journal")
    content = journal.read_bytes()
    journal.write_bytes(content[:-5])


def test_a_rerun_gives_what_an_uninterrupted_run_gives(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    save_version(path, "start")
    start = flags(path)
    run_commands(path, [make_command(c) for c in COMMANDS])
    whole = flags(path)
    restore_version(path, "start")
    cut_short(path, monkeypatch)
    assert (flags(path)[0] != start[0]).any() and (flags(path)[0] != whole[0]).any()
    run_commands(path, [make_command(c) for c in COMMANDS])
    for found, wanted in zip(flags(path), whole, strict=True):
        np.testing.assert_array_equal(found, wanted)
    assert not Path(path, "flagging.journal").exists()


def test_other_commands_and_other_changes_keep_the_flags(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(log, "post", lambda message, *rest, **named: said.append(message))
    cut_short(path, monkeypatch)
    with MeasurementSet(path, writable=True) as ms:
        assert not take_back(ms, "another") and not take_back(ms, "another")
    assert any("stay in part" in m for m in said)
    cut_short(path, monkeypatch)
    with MeasurementSet(path, writable=True) as ms:
        before = ms.read("FLAG")
        ms.write("FLAG", ~before, np.arange(ms.nrow))
        key = Path(path, "flagging.journal").read_bytes().split(b"\n")[0].decode()
        assert not take_back(ms, key)
        np.testing.assert_array_equal(ms.read("FLAG"), ~before)


def test_a_version_put_back_ends_it(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    save_version(path, "start")
    cut_short(path, monkeypatch)
    restore_version(path, "start")
    assert not Path(path, "flagging.journal").exists()


def test_a_journal_that_cannot_be_written(path: str) -> None:
    with MeasurementSet(path) as ms:
        Path(path, "flagging.journal").mkdir()
        with pytest.raises(DataError, match="cannot be written"):
            FlagJournal(ms, "x").note(np.arange(1), np.zeros((1, 1, 1), bool), np.zeros(1, bool), np.ones((1, 1, 1), bool))
