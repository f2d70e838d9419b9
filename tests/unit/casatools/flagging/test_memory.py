"""Pieces larger than the memory setting come in parts of their baselines; what is found is the same."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from casacore.tables import table

from casatools._base import memory
from casatools.flagging import run as runs
from casatools.flagging.commands import make_command
from casatools.flagging.run import run_commands
from casatools.io.ms import MeasurementSet, chunks
from casatools.io.ms.chunks import cut_groups


def spoil(path: str, gapped: str) -> None:
    """Spikes, flags, and rows that are not there."""
    random = np.random.default_rng(7)
    with table(path, readonly=False, ack=False) as t:
        data, flags = t.getcol("DATA"), t.getcol("FLAG")
        data[random.random(data.shape) < 0.02] *= 20
        flags |= random.random(flags.shape) < 0.05
        t.putcol("DATA", data)
        t.putcol("FLAG", flags)
        t.selectrows(np.flatnonzero(random.random(t.nrows()) > 0.1).tolist()).copy(gapped, deep=True, valuecopy=True).close()


COMMANDS: list[list[dict[str, Any]]] = [
    [
        {"mode": "clip", "clipminmax": [0.0, 200.0]},
        {"mode": "tfcrop"},
        {"mode": "extend", "growtime": 30.0, "flagneartime": True},
    ],
    [{"mode": "manual", "antenna": "1"}, {"mode": "rflag", "timedevscale": 3.0}, {"mode": "rflag", "freqdevscale": 3.0}],
    [{"mode": "sumthreshold"}, {"mode": "summary"}],
    [{"mode": "rflag", "timeavg": True, "timebin": "60s"}, {"mode": "tfcrop", "channelavg": True, "chanbin": 2}],
    [{"mode": "clip", "clipminmax": [0.0, 50.0], "timeavg": True, "timebin": "100s", "channelavg": True, "chanbin": 2}],
    [
        {"mode": "manual", "antenna": "EA03", "spw": "0:0~1", "scan": "1"},
        {"mode": "antint", "antint_ref_antenna": "EA03", "minchanfrac": 0.2},
        {"mode": "rflag", "timedevscale": 3.0},
        {"mode": "antint", "antint_ref_antenna": "EA02", "minchanfrac": 0.9},
    ],
]


@pytest.mark.parametrize("number", range(len(COMMANDS)))
def test_parts_give_what_the_whole_gives(number: int, copied: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one_path, other_path = str(tmp_path / "one.ms"), str(tmp_path / "other.ms")
    spoil(copied, one_path)
    shutil.copytree(one_path, other_path)
    largest = []
    read = chunks._read_chunk

    def watched(*given: Any) -> Any:
        chunk = read(*given)
        largest.append(sum(v.nbytes for v in chunk.columns.values()))
        return chunk

    monkeypatch.setattr(chunks, "_read_chunk", watched)
    commands = [make_command(c) for c in COMMANDS[number]]
    found = run_commands(one_path, commands)
    whole, count = max(largest), len(largest)
    largest.clear()
    limit = whole // 5
    monkeypatch.setattr(runs, "_group_bytes", lambda: limit)
    parts = run_commands(other_path, commands)
    assert len(largest) > count and max(largest) < 1.5 * limit
    with table(one_path, ack=False) as one, table(other_path, ack=False) as two:
        assert one.getcol("FLAG").any()
        np.testing.assert_array_equal(one.getcol("FLAG"), two.getcol("FLAG"))
        np.testing.assert_array_equal(one.getcol("FLAG_ROW"), two.getcol("FLAG_ROW"))
    for a, b in zip(found, parts, strict=True):
        for name in ("timedev", "freqdev"):
            if name in a:
                np.testing.assert_allclose(a[name], b[name], rtol=1e-9)
        assert a.get("flagged") == b.get("flagged")


def test_the_setting_bounds_a_chunk() -> None:
    before = memory.set_memory("kilobytes", 512 * 1024)
    try:
        assert runs._group_bytes() <= 32 * 1024 * 1024
    finally:
        memory.set_memory("kilobytes", before)


def test_groups_are_cut_between_parts() -> None:
    groups, parts = np.array([3, 3, 3, 3, 5, 5]), np.array([0, 1, 0, 2, 0, 1])
    cost = np.ones(6)
    assert cut_groups(groups, parts, cost, 10.0) is groups
    cut = cut_groups(groups, parts, cost, 2.0)
    assert cut.tolist() == [0, 1, 0, 1, 2, 2]
    assert cut_groups(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0), 1.0).size == 0


def test_what_comes_in_parts_is_read_in_small_chunks(copied: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that must see whole groups, or else pass over the data once more, get as much as the memory allows."""
    with MeasurementSet(copied) as ms:
        columns, limit = runs.RowColumns(ms), 1 << 30
        monkeypatch.setattr(runs, "_group_bytes", lambda: limit)
        parts = np.repeat(np.arange(10), 40)
        for mode, most in (("tfcrop", runs._PART_BYTES), ("sumthreshold", runs._PART_BYTES), ("rflag", limit)):
            agents = [runs._make_agent(make_command({"mode": mode}), ms, columns)]
            assert runs._most_bytes(agents, parts) == most
            assert runs._most_bytes(agents, None) == limit
        assert runs._most_bytes([], np.repeat(np.arange(10), 1000)) == 1000 * runs._RUN_BYTES


def test_files_read_straight_hold_what_others_here_have_written(copied: str) -> None:
    """A table that is open in this process with changes that casacore still holds back."""
    with table(copied, readonly=False, ack=False) as held:
        flags, data = np.zeros_like(held.getcol("FLAG")), held.getcol("DATA")
        flags[0, : flags.shape[1] // 2 + 1] = True
        data[3, -1] = 1e9
        held.putcol("FLAG", flags)
        held.putcol("DATA", data)
        clip, extend = {"mode": "clip", "clipminmax": [0.0, 1e8]}, {"mode": "extend", "growtime": 0.0, "growfreq": 50.0}
        run_commands(copied, [make_command(clip), make_command(extend)])
        found = held.getcol("FLAG")
    expected = np.zeros_like(flags)
    expected[0], expected[3, -1] = True, True
    np.testing.assert_array_equal(found, expected)
    with table(copied, ack=False) as again:
        np.testing.assert_array_equal(again.getcol("FLAG"), expected)
