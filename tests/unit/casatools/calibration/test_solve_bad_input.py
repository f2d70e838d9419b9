"""Solves of data or with options that do not fit: what is said, and what comes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatools._base import log
from casatools._base.errors import DataError, SelectionError
from casatools.calibration.solve import solve
from casatools.calibration.solve_options import SolveOptions
from casatools.calibration.solve_session import PriorTables, solve_to_table
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
    assert any("EA01 has no solution in 1 of 1 intervals; used instead: EA0" in s for s in said)
    assert kind != "G" or table.antenna2[0] in stands_in


@pytest.mark.parametrize("kind", ["K", "FRINGE"])
def test_a_reference_antenna_that_comes_later_is_replaced_until_then(vis: str, said: list[str], kind: str) -> None:
    """Each interval by itself: intervals that lack it neither lose their solutions nor change those of the others."""
    whole = _solve(vis, kind=kind, solint="int")
    with MeasurementSet(vis, writable=True) as ms:
        rows = np.flatnonzero((ms.read("ANTENNA1") == 0) & (ms.read("TIME") < whole.time_s.min() + 35.0))
        ms.write("FLAG", np.ones((len(rows), 8, 4), dtype=bool), rows)
    table = _solve(vis, kind=kind, solint="int")
    param, flag = (v.reshape(6, 8, -1) for v in (table.param, table.flag))
    assert flag[:2, 0].all() and not flag[:2, 1:].any() and not flag[2:].any()
    np.testing.assert_allclose(param[2:], whole.param.reshape(param.shape)[2:], atol=1e-6)
    assert any("EA01 has no solution in 2 of 6 intervals; used instead: EA0" in s for s in said)


def test_delays_need_as_many_baselines_as_asked(vis: str) -> None:
    _flag_antenna(vis, 3)
    assert not _solve(vis, kind="K", minblperant=6).flag[[0, 1, 2, 4]].any()
    with pytest.raises(DataError, match="minblperant=7"):
        _solve(vis, kind="K", minblperant=7)


def test_an_interval_shorter_than_the_integrations(vis: str, said: list[str]) -> None:
    short, each = _solve(vis, solint="1s"), _solve(vis, solint="int")
    np.testing.assert_array_equal(short.param, each.param)
    assert len(said) == 1 and "shorter than the 30 s between integrations" in said[0]


def test_intervals_that_are_flagged_leave_no_rows(vis: str, said: list[str]) -> None:
    with MeasurementSet(vis, writable=True) as ms:
        times = ms.read("TIME")
        rows = np.flatnonzero(times == times.min())
        ms.write("FLAG", np.ones((len(rows), 8, 4), dtype=bool), rows)
        result = solve(ms, Selection(field="0", spw="0").resolve(ms), SolveOptions(refant="EA01", solint="int"))
    solve_to_table(vis, "o.G", Selection(field="0", spw="0"), SolveOptions(refant="EA01", solint="int"), PriorTables())
    assert [s for s in said if "1 of 6 intervals have no data left" in s]
    record = result.statistics.record()
    assert record["expected"].tolist() == [6, 6] and record["data_unflagged"].tolist() == [5, 5]
    assert len(np.unique(result.table.time_s)) == 5


def _solve_with(vis: str, table: CalTable, said: list[str], tmp_path: Path, **lists: Any) -> CalTable:
    path = str(tmp_path / "prior.G")
    table.write(path, overwrite=True)
    with MeasurementSet(vis) as ms:
        prior = PriorTables([path], **lists).open(ms)
        return solve(ms, Selection(field="0").resolve(ms), SolveOptions(refant="EA01"), prior).table


def test_priors_that_do_not_cover_the_data(vis: str, said: list[str], tmp_path: Path) -> None:
    """Windows and antennas without prior solutions are left out and named, as the reference leaves them out."""
    gains = CalTable.open(str(unpack("cal.G", tmp_path)))
    whole = _solve_with(vis, gains, said, tmp_path)
    assert set(whole.spw_id) == {0, 1} and not said
    half = gains.select(gains.spw_id == 0)
    assert set(_solve_with(vis, half, said, tmp_path).spw_id) == {0}
    assert len(said) == 1 and "no solutions for spectral windows 1: their data are left out" in said[0]
    assert set(_solve_with(vis, half, said, tmp_path, spwmap=[0, 0]).spw_id) == {0, 1} and len(said) == 1
    fewer = _solve_with(vis, gains.select(gains.antenna1 != 3), said, tmp_path)
    assert fewer.flag[fewer.antenna1 == 3].all() and not fewer.flag[fewer.antenna1 != 3].any()
    assert "antennas EA04: their data are left out" in said[1]
    early = gains.select(gains.time_s < np.median(gains.time_s) - 1)
    early.time_s -= 7200.0
    _solve_with(vis, early, said, tmp_path)
    assert "after the last" in said[2]
    with pytest.raises(SelectionError, match="no solutions for field '1'"):
        _solve_with(vis, gains.select(gains.field_id == 0), said, tmp_path, gainfield=["1"])
    with pytest.raises(DataError, match="no prior calibration"), MeasurementSet(vis) as ms:
        half.write("half.G", overwrite=True)
        solve(ms, Selection(spw="1").resolve(ms), SolveOptions(refant="EA01"), PriorTables(["half.G"]).open(ms))


def test_priors_of_another_array_or_with_one_solution(vis: str, said: list[str], tmp_path: Path) -> None:
    """Tables of other antennas are refused. One solution serves all times, whatever the interpolation."""
    gains = CalTable.open(str(unpack("cal.G", tmp_path)))
    first = gains.select(gains.time_s < gains.time_s.min() + 1)
    linear, nearest = (_solve_with(vis, first, said, tmp_path, interp=[mode]) for mode in ("linear", "nearest"))
    np.testing.assert_array_equal(linear.param, nearest.param)
    path = str(tmp_path / "other.G")
    gains.write(path)
    from casacore.tables import table

    with table(f"{path}/ANTENNA", readonly=False, ack=False) as antennas:
        antennas.putcol("NAME", [f"XX{k:02d}" for k in range(antennas.nrows())])
    with pytest.raises(DataError, match="antenna"), MeasurementSet(vis) as ms:
        PriorTables([path]).open(ms)


def test_gains_that_do_not_converge_are_counted(vis: str, said: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("casatools.calibration.solve_robust._MOST_STEPS", 1)
    table = _solve(vis, solint="int")
    assert table.flag.all()
    assert said[0].startswith(f"{2 * len(np.unique(table.time_s))} sets of solutions did not converge")


def test_antennas_whose_priors_are_flagged_are_named(vis: str, said: list[str], tmp_path: Path) -> None:
    """Tables of a solve have rows of all antennas, flagged ones of those that had no data."""
    path = str(tmp_path / "prior.G")
    solve_to_table(vis, path, Selection(antenna="!EA05"), SolveOptions(refant="EA01"), PriorTables())
    said.clear()
    solve_to_table(vis, str(tmp_path / "next.G"), Selection(field="0"), SolveOptions(refant="EA01"), PriorTables([path]))
    assert f"{path} has no solutions for antennas EA05: their data are left out" in said


def test_a_model_of_zero_is_told(vis: str) -> None:
    with pytest.raises(DataError, match="a model of zero"):
        _solve(vis, smodel=(0.0, 0.0, 0.0, 0.0))
