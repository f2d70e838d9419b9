"""Agents that look at all times of a baseline: missing rows, antint's rule, shares that are met exactly."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from casacore.tables import table

from casatools.flagging.agents import time_groups
from casatools.flagging.commands import make_command
from casatools.flagging.detecting import packed
from casatools.flagging.run import run_commands


def columns(path: str) -> dict[str, np.ndarray]:
    with table(path, ack=False) as t:
        return {c: t.getcol(c) for c in ("FLAG", "FLAG_ROW", "TIME", "ANTENNA1", "ANTENNA2", "DATA_DESC_ID", "SCAN_NUMBER")}


def put(path: str, flags: np.ndarray) -> None:
    with table(path, readonly=False, ack=False) as t:
        t.putcol("FLAG", flags)
        t.putcol("FLAG_ROW", np.zeros(len(flags), bool))


@pytest.fixture
def clear(copied: str) -> str:
    put(copied, np.zeros_like(columns(copied)["FLAG"]))
    return copied


def test_rows_side_by_side() -> None:
    index = np.array([[0, -1, 2], [-1, 3, 4]])
    np.testing.assert_array_equal(packed(index), [[0, 2, -1], [3, 4, -1]])
    assert packed(index[:, 2:]) is not index and np.array_equal(packed(index[:, 2:]), index[:, 2:])


def test_a_share_that_is_just_met_is_enough(clear: str) -> None:
    # 8 channels; 4 of them are 50 %: the reference grows at the share itself.
    held = columns(clear)
    flags = held["FLAG"].copy()
    flags[0, :4, 0] = True
    flags[1, :3, 0] = True
    put(clear, flags)
    run_commands(clear, [make_command({"mode": "extend", "growtime": 0.0, "growfreq": 50.0, "extendpols": False})])
    after = columns(clear)["FLAG"]
    assert after[0, :, 0].all() and after[1, :, 0].sum() == 3 and after.sum() == 11


def test_neighbours_come_before_whole_times(clear: str) -> None:
    # Two of six times become three with their neighbour, and three of six are half.
    held = columns(clear)
    one = (held["ANTENNA1"] == 0) & (held["ANTENNA2"] == 1) & (held["DATA_DESC_ID"] == 0) & (held["SCAN_NUMBER"] == 1)
    rows = np.flatnonzero(one)
    flags = held["FLAG"].copy()
    flags[rows[:2], 2, 0] = True
    put(clear, flags)
    command = {"mode": "extend", "growtime": 50.0, "growfreq": 0.0, "flagneartime": True, "extendpols": False}
    run_commands(clear, [make_command(command)])
    after = columns(clear)["FLAG"]
    assert len(rows) == 6 and after[rows, 2, 0].all() and after.sum() == 6


def test_antint(clear: str) -> None:
    held = columns(clear)
    times = np.unique(held["TIME"])
    to_first = (held["ANTENNA1"] == 0) | (held["ANTENNA2"] == 0)
    flags = held["FLAG"].copy()
    # Any correlation of a channel counts, as long as every baseline to the antenna has one; more than half are needed.
    flags[to_first & (held["TIME"] == times[0]) & (held["DATA_DESC_ID"] == 0), :5, 1] = True
    flags[to_first & (held["TIME"] == times[1]), :4, :] = True
    almost = np.flatnonzero(to_first & (held["TIME"] == times[2]))
    flags[almost[1:], :, :] = True
    put(clear, flags)
    run_commands(clear, [make_command({"mode": "antint", "antint_ref_antenna": "EA01", "minchanfrac": 0.5})])
    after = columns(clear)
    for number, whole in enumerate((True, False, False)):
        now = held["TIME"] == times[number]
        assert after["FLAG"][now].all() == whole and after["FLAG_ROW"][now].all() == whole


def test_antint_wants_every_baseline(clear: str, tmp_path: Path) -> None:
    held = columns(clear)
    first = np.unique(held["TIME"])[0]
    dropped = (held["TIME"] == first) & (held["ANTENNA1"] == 0) & (held["ANTENNA2"] == 1)
    with table(clear, ack=False) as t:
        t.selectrows(np.flatnonzero(~dropped).tolist()).copy(str(tmp_path / "less.ms"), deep=True).close()
    path = str(shutil.move(tmp_path / "less.ms", tmp_path / "gap.ms"))
    held = columns(path)
    flags = np.zeros_like(held["FLAG"])
    flags[((held["ANTENNA1"] == 0) | (held["ANTENNA2"] == 0)) & (held["TIME"] == first)] = True
    put(path, flags)
    run_commands(path, [make_command({"mode": "antint", "antint_ref_antenna": "EA01"})])
    assert columns(path)["FLAG"].sum() == flags.sum()


@pytest.mark.parametrize(
    ("ntime", "expected"),
    [(30.0, [0, 1, 2, 3, 4]), ("60s", [0, 0, 1, 1, 2]), (60.01, [0, 0, 1, 1, 2]), (60.03, [0, 0, 0, 1, 1]), (61.0, [0, 0, 0, 1, 1]),
     (90.0, [0, 0, 0, 1, 1]), (90.006, [0, 0, 0, 1, 1]), (90.01, [0, 0, 0, 0, 1]), (100.0, [0, 0, 0, 0, 1])],
)  # fmt: skip
def test_pieces_are_cut_as_in_the_reference(ntime: float | str, expected: list[int]) -> None:
    """Times of NGC 5921 from UVFITS, milliseconds off 30 s: a time 10 ms short of the interval begins a piece."""
    times = 4.3e9 + np.array([0.0, 30.00297546, 60.00080109, 89.99862671, 120.00160217])
    held = dict.fromkeys(("ARRAY_ID", "OBSERVATION_ID", "FIELD_ID", "DATA_DESC_ID", "SCAN_NUMBER"), np.zeros(5, np.int32))
    groups = time_groups({**held, "TIME": times}, np.ones(5, bool), {"ntime": ntime})  # type: ignore[arg-type]
    assert groups.tolist() == expected
