"""Selections done together give what they give one after the other, and are refused alike."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from casacore.tables import table

from casatools._base.errors import SelectionError
from casatools.flagging import run
from casatools.flagging.commands import read_commands
from casatools.flagging.merged import MergedAgent, can_merge


def flags(path: str) -> tuple[np.ndarray, np.ndarray]:
    with table(path, ack=False) as t:
        return t.getcol("FLAG"), t.getcol("FLAG_ROW")


def random_lines(count: int) -> list[str]:
    random = np.random.default_rng(7)
    choices = (
        lambda: f"antenna='{random.integers(7)}'", lambda: f"antenna='EA0{random.integers(1, 4)}&EA0{random.integers(4, 7)}'",
        lambda: f"spw='{random.integers(2)}:{random.integers(3)}~{random.integers(3, 8)}'", lambda: f"scan='{random.integers(1, 7)}'",
        lambda: f"correlation='{random.choice(['RR', 'LL,RR', 'RL'])}'", lambda: "timerange='>2019/05/01/05:10:00'",
        lambda: f"field='{random.integers(3)}'", lambda: "spw='0:1;3~4;6'", lambda: "observation='0'",
    )  # fmt: skip
    lines = []
    for _ in range(count):
        picked = random.choice(len(choices), 2, replace=False)
        words = dict(choices[k]().split("=", 1) for k in picked)
        mode = random.choice(["manual", "manual", "unflag"])
        lines.append(" ".join([f"mode='{mode}'", *(f"{k}={v}" for k, v in words.items())]))
    return lines


def test_flags_are_those_of_one_command_after_the_other(copied: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    apart = str(shutil.copytree(copied, tmp_path / "apart.ms"))
    commands = read_commands([*random_lines(70), "mode='clip' clipminmax=[0.0, 20.0]", *random_lines(2)])
    made: list[int] = []
    before = MergedAgent.__init__

    def noted(self: MergedAgent, given: list[run.FlagCommand], *others: object) -> None:
        made.append(len(given))
        before(self, given, *others)  # type: ignore[arg-type]

    monkeypatch.setattr(MergedAgent, "__init__", noted)
    run.run_commands(copied, commands, skip_empty=True)
    assert made == [70, 2]
    monkeypatch.setattr(run, "can_merge", lambda command: False)
    run.run_commands(apart, commands, skip_empty=True)
    assert made == [70, 2] and flags(apart)[0].any() and not flags(apart)[0].all()
    for found, wanted in zip(flags(copied), flags(apart), strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_commands_that_match_nothing(copied: str) -> None:
    lines = ["antenna='EA01' scan='1'", "antenna='EA01&&&'", "antenna='EA01&EA01'", "field='nobody'", "scan='99'"]
    start = flags(copied)
    for bad in lines[1:]:
        with pytest.raises(SelectionError):
            run.run_commands(copied, read_commands([lines[0], bad]))
    np.testing.assert_array_equal(flags(copied)[0], start[0])
    with pytest.raises(SelectionError):
        run.run_commands(copied, read_commands(lines[1:]), skip_empty=True)
    run.run_commands(copied, read_commands(lines), skip_empty=True)
    assert flags(copied)[0].sum() > start[0].sum()


def test_what_is_not_merged() -> None:
    good, *others = read_commands(
        ["antenna='1'", "autocorr=True", "uvrange='<100'", "feed='0'", "mode='quack'", "mode='clip' clipminmax=[0.0,1.0]"]
    )
    assert can_merge(good) and not any(can_merge(c) for c in others)
