"""Solves of data or with options that do not fit: what is said, and what comes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatools._base import log
from casatools.calibration.solve import solve
from casatools.calibration.solve_options import SolveOptions
from casatools.io.caltable import CalTable
from casatools.io.ms import MeasurementSet, Selection
from support.shared import unpack


@pytest.fixture
def vis(tmp_path: Path) -> str:
    return str(unpack("simvla.ms", tmp_path))


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    warnings: list[str] = []
    monkeypatch.setattr(log, "post", lambda text, priority="INFO", *_: warnings.append(text) if priority == "WARN" else None)
    return warnings


def _flag_antenna(vis: str, number: int) -> None:
    with MeasurementSet(vis, writable=True) as ms:
        rows = np.flatnonzero((ms.read("ANTENNA1") == number) | (ms.read("ANTENNA2") == number))
        ms.write("FLAG", np.ones((len(rows), 8, 4), dtype=bool), rows)


def _solve(vis: str, **options: Any) -> CalTable:
    with MeasurementSet(vis) as ms:
        chosen = SolveOptions(**{"refant": "EA01", **options})
        return solve(ms, Selection(field="0", spw="0").resolve(ms), chosen).table


@pytest.mark.parametrize("kind", ["G", "K", "FRINGE"])
def test_a_reference_antenna_flagged_throughout_is_replaced(vis: str, said: list[str], kind: str) -> None:
    _flag_antenna(vis, 0)
    table = _solve(vis, kind=kind)
    assert table.flag[0].all() and not table.flag[1:].all(axis=(1, 2)).any()
    stands_in = np.flatnonzero(np.abs(table.param[:, 0, 0].imag) < 1e-5) if kind == "G" else []
    if kind != "K":
        # Tables of delays do not say which antenna they refer to, as the reference's.
        assert 0 not in table.antenna2 and (table.antenna2 > 0).all()
        assert any("EA01 has no solution in 1 of 1 intervals" in s for s in said)
    assert kind != "G" or table.antenna2[0] in stands_in


def test_an_interval_shorter_than_the_integrations(vis: str, said: list[str]) -> None:
    short, each = _solve(vis, solint="1s"), _solve(vis, solint="int")
    np.testing.assert_array_equal(short.param, each.param)
    assert len(said) == 1 and "shorter than the 30 s between integrations" in said[0]


def test_intervals_that_are_flagged_leave_no_rows(vis: str) -> None:
    with MeasurementSet(vis, writable=True) as ms:
        times = ms.read("TIME")
        rows = np.flatnonzero(times == times.min())
        ms.write("FLAG", np.ones((len(rows), 8, 4), dtype=bool), rows)
        result = solve(ms, Selection(field="0", spw="0").resolve(ms), SolveOptions(refant="EA01", solint="int"))
    record = result.statistics.record()
    assert record["expected"].tolist() == [6, 6] and record["data_unflagged"].tolist() == [5, 5]
    assert len(np.unique(result.table.time_s)) == 5
