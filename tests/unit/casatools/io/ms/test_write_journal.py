"""A change in place that was killed is gone on with: the same numbers as of one that was not."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import casatools.calibration.scratch_columns as scratch
from casatasks import applycal, clearcal, setjy, uvsub
from casatools._base.errors import DataError
from casatools.io.ms import MeasurementSet
from casatools.io.ms import column_arithmetic as arithmetic
from casatools.io.ms.write_journal import WriteJournal, forget_write_journal


@pytest.fixture
def vis(shared_input: Callable[[str], str]) -> str:
    path = shared_input("simvla.ms")
    setjy(path, standard="manual", fluxdensity=[5, 0.3, 0, 0], spix=-0.7)
    return path


def corrected(path: str) -> np.ndarray:
    with MeasurementSet(path) as ms:
        return np.concatenate([ms.read("CORRECTED_DATA", np.flatnonzero(ms.read("DATA_DESC_ID") == d)) for d in (0, 1)])


def cut_short(path: str, monkeypatch: pytest.MonkeyPatch, after: int, reverse: bool = False) -> None:
    """Stop uvsub as a kill would: some pieces are noted and written, the last is noted only."""
    noted, count = WriteJournal.note, 0

    def note(self: WriteJournal, *given: object) -> None:
        nonlocal count
        count += 1
        noted(self, *given)  # type: ignore[arg-type]
        if count > after:
            raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(WriteJournal, "note", note)
        with pytest.raises(RuntimeError, match="killed"):
            uvsub(path, reverse=reverse)


@pytest.mark.parametrize("files", [True, False])
@pytest.mark.parametrize("after", [0, 3, 6])
def test_an_interrupted_uvsub_is_gone_on_with(vis: str, monkeypatch: pytest.MonkeyPatch, files: bool, after: int) -> None:
    monkeypatch.setattr(arithmetic, "_PIECE", 1000)
    monkeypatch.setattr(arithmetic, "_LANES", 3)
    if not files:
        monkeypatch.setattr(scratch, "combine_columns", lambda *given: False)
        monkeypatch.setattr(scratch, "CHUNK_BYTES", 100_000)
    shutil.copytree(vis, "whole.ms")
    uvsub("whole.ms")
    cut_short(vis, monkeypatch, after)
    assert Path(vis, "CORRECTED_DATA.journal").is_file()
    if after:
        assert (corrected(vis) != corrected("whole.ms")).any()
        cut_short(vis, monkeypatch, 2)  # and once more
    uvsub(vis)
    np.testing.assert_array_equal(corrected(vis), corrected("whole.ms"))
    assert not Path(vis, "CORRECTED_DATA.journal").exists()
    cut_short(vis, monkeypatch, 2, reverse=True)  # ended first by the other direction
    uvsub(vis)
    np.testing.assert_allclose(corrected(vis), corrected("whole.ms"), atol=2e-6)


def test_changed_models_and_columns_are_refused(vis: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arithmetic, "_PIECE", 1000)
    cut_short(vis, monkeypatch, 3)
    journal = Path(vis, "CORRECTED_DATA.journal")
    old = journal.stat().st_mtime - 3600
    os.utime(journal, (old, old))
    with pytest.raises(DataError, match="written since"):
        uvsub(vis)
    journal.touch()
    setjy(vis, standard="manual", fluxdensity=[3, 0, 0, 0])
    with pytest.raises(DataError, match="model changed"):
        uvsub(vis)
    clearcal(vis)  # makes the column anew
    assert not journal.exists()
    cut_short(vis, monkeypatch, 3)
    applycal(vis, gaintable=[], parang=True, flagbackup=False)
    assert not journal.exists()


def test_columns_left_unfilled_are_filled(vis: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(scratch, "write_chunks", lambda *given: (_ for _ in ()).throw(RuntimeError("killed")))
        with pytest.raises(RuntimeError, match="killed"):
            applycal(vis, field="0", gaintable=[], parang=True, flagbackup=False)
    assert Path(vis, "CORRECTED_DATA.unfilled").is_file()
    clearcal(vis, field="1")
    with MeasurementSet(vis) as ms:
        rows = np.flatnonzero(ms.read("DATA_DESC_ID") == 0)
        np.testing.assert_array_equal(ms.read("CORRECTED_DATA", rows), ms.read("DATA", rows))
    assert not Path(vis, "CORRECTED_DATA.unfilled").exists()


def test_unwritable_journals(vis: str) -> None:
    Path(vis, "X.journal").mkdir()
    with MeasurementSet(vis) as ms:
        with pytest.raises(DataError, match="cannot be written"):
            WriteJournal(ms, "X", "key", 1, 2, 8)
        forget_write_journal(ms, "X")  # no file, nothing to drop
