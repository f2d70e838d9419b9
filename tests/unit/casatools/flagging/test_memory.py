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
from casatools.io.ms import chunks
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
