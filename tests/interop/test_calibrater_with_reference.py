"""Solves of the calibrater tool with each of its parameters beside those of the reference (needs CASA_ORACLE)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatools.io.caltable import CalTable
from casatools.io.ms import MeasurementSet
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


def _rest(vis: str, table: CalTable, model: list[float]) -> np.ndarray:
    """Sum of squares that leakages of first order leave in the mean cross hands of each interval."""
    with MeasurementSet(vis) as ms:
        rows = np.arange(ms.nrow)
        ddid, scan, ant1, ant2, data, flag = (
            ms.read(c, rows) for c in ("DATA_DESC_ID", "SCAN_NUMBER", "ANTENNA1", "ANTENNA2", "DATA", "FLAG")
        )
    nant = len(np.unique(table.antenna1))
    leak = table.param.reshape(-1, nant, 2)
    i, q, u, v = model
    found = []
    for k, (number, window) in enumerate(zip(table.scan[::nant], table.spw_id[::nant], strict=True)):
        rest = 0.0
        for first, second in zip(*np.triu_indices(nant, 1), strict=True):
            mine = (scan == number) & (ddid == window) & (ant1 == first) & (ant2 == second)
            good = data[mine][~flag[mine].any(axis=2)]
            if len(good):
                _, rl, lr, _ = good.mean(axis=0)
                rest += abs(rl - (q + 1j * u) - leak[k, first, 0] * (i - v) - leak[k, second, 1].conj() * (i + v)) ** 2
                rest += abs(lr - (q - 1j * u) - leak[k, first, 1] * (i + v) - leak[k, second, 0].conj() * (i - v)) ** 2
        found.append(rest)
    return np.array(found)


def test_leakages_of_data_that_are_not_calibrated(
    shared_input: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is left of such data is large; the reference's `D` stops short of the least squares that its `Dlls` and ours both find."""
    vis = shared_input("simvla.ms")
    monkeypatch.chdir(tmp_path)
    common: Given = {"t": "inf", "refant": "EA01", "minsnr": 0.0}
    found = run_both([(kind, vis, {}, {**common, "type": kind}) for kind in ("D", "Dlls")])
    ours, theirs = found["Dlls"]
    assert np.abs(ours.param - theirs.param).max() < 1e-6
    ours, theirs = found["D"]
    assert np.abs(ours.param - theirs.param).max() > 0.1
    mine, other = _rest(vis, ours, [1.0, 0.1, 0.05, 0.0]), _rest(vis, theirs, [1.0, 0.1, 0.05, 0.0])
    assert (mine <= other * (1 + 1e-6)).all()
    assert (other > 1.02 * mine).any()


def test_without_a_reference_antenna_only_what_is_free_differs(
    shared_input: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vis = shared_input("simvla.ms")
    monkeypatch.chdir(tmp_path)
    found = run_both([(kind, vis, {}, {"t": "inf", "minsnr": 0.0, "type": kind}) for kind in ("G", "B", "Dlls")])
    for kind in ("G", "B"):
        ours, theirs = (t.param.reshape(-1, 8, *t.param.shape[1:]) for t in found[kind])
        used = ~(found[kind][0].flag | found[kind][1].flag).reshape(ours.shape)
        referred = [p * np.exp(-1j * np.angle(p[:, :1])) for p in (ours, theirs)]
        assert np.abs(referred[0] - referred[1])[used].max() < 1e-3 * np.abs(theirs[used]).max(), kind
    ours, theirs = (t.param.reshape(-1, 8, 2) for t in found["Dlls"])
    offset = theirs - ours
    np.testing.assert_allclose(offset, np.broadcast_to(offset[:, :1], offset.shape), atol=1e-6)
    np.testing.assert_allclose(offset[..., 1], -offset[..., 0].conj(), atol=1e-6)
    np.testing.assert_allclose(theirs[:, -1, 1], 0.0, atol=1e-6)
    # Ours are of least norm, antennas counting by what the data know of them; the reference leaves one leakage at zero.
    assert (np.linalg.norm(ours, axis=(1, 2)) < np.linalg.norm(theirs, axis=(1, 2))).all()
