"""Solves of the calibrater tool with each of its parameters beside those of the reference (needs CASA_ORACLE)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatools.io.caltable import CalTable
from support.shared import oracle_python, run_python

_SCRIPT = """
import json
from pathlib import Path
from casatools import calibrater
for name, vis, select, solve in json.loads(Path("calls.json").read_text()):
    cb = calibrater()
    cb.open(vis, addcorr=False, addmodel=False)
    cb.selectvis(**select)
    cb.setptmodel([1.0, 0.1, 0.05, 0.0])
    cb.setsolve(**{**solve, "table": WHO + "." + name})
    cb.solve()
    cb.close()
"""
Given = dict[str, Any]
# What is given beside type "G", the reference antenna and minsnr 0.
_SOLVES: dict[str, Given] = {
    "strict": {"refant": "EA03,EA01", "refantmode": "strict", "t": "int"}, "list": {"refant": ["EA02", "EA01"]},
    "average": {"preavg": 30.0, "t": "60s"}, "phase": {"phaseonly": True}, "P": {"apmode": "P"}, "A": {"apmode": "A"},
    "baselines": {"minblperant": 7}, "norm": {"solnorm": True}, "median": {"solnorm": True, "normtype": "MEDIAN"},
    "snr": {"minsnr": 40.0}, "gaps": {"type": "B", "fillgaps": 3}, "joined": {"combine": "scan"},
    "L1R": {"solmode": "L1R", "rmsthresh": [7.0, 5.0]}, "R": {"solmode": "R", "rmsthresh": [4.0]},
}  # fmt: skip
_SELECTIONS: dict[str, Given] = {
    "intent": {"intent": "*BANDPASS*"}, "obs": {"observation": "0"}, "taql": {"msselect": "ANTENNA1!=2"}, "scan": {"scan": [1]},
    "time": {"time": "<2019/05/01/04:40:30"}, "base": {"baseline": "!EA03"}, "uv": {"uvrange": "<900m"}, "chan": {"spw": "0:1~3"},
    "field": {"field": ["0", "1"]},
}  # fmt: skip


def run_both(calls: list[tuple[str, str, Given, Given]]) -> dict[str, tuple[CalTable, CalTable]]:
    """Tables of ours and of the reference for each (name, MeasurementSet, selection, solve)."""
    Path("calls.json").write_text(json.dumps(calls))
    run_python(oracle_python(), f'WHO = "theirs"\n{_SCRIPT}')
    exec(_SCRIPT, {"WHO": "ours"})  # the same lines
    return {n: (CalTable.open(f"ours.{n}"), CalTable.open(f"theirs.{n}")) for n, *_ in calls}


def test_solves(shared_input: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vis = shared_input("simvla.ms")
    monkeypatch.chdir(tmp_path)
    common: Given = {"type": "G", "t": "inf", "refant": "EA01", "minsnr": 0.0}
    calls = [(n, vis, {}, {**common, **given}) for n, given in _SOLVES.items()]
    calls += [(f"sel_{n}", vis, given, common) for n, given in _SELECTIONS.items()]
    for name, (ours, theirs) in run_both(calls).items():
        assert (ours.vis_cal, ours.nrow) == (theirs.vis_cal, theirs.nrow), name
        np.testing.assert_array_equal(ours.flag, theirs.flag, err_msg=name)
        used = ~ours.flag
        largest = np.abs(theirs.param[used]).max()
        # Where it solves for phases alone the reference's steps end sooner.
        limit = 2e-3 if name in ("P", "phase") else 1e-3
        assert np.abs(ours.param - theirs.param)[used].max() < limit * largest, name
