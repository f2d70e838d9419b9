"""Tables with random flags, referred to other antennas and smoothed, beside CASA's: every solution that both keep is the same."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import numpy as np

import casatasks
from casatools.io.caltable import CalTable
from support.shared import oracle_python, run_python

_RUN = """
import json, sys, casatasks
for name, given in json.load(open("calls.json")):
    getattr(casatasks, name)("simvla.ms", given.pop("tablein"), "theirs_" + given.pop("caltable"), **given)
"""


def _calls(pick: random.Random) -> list[tuple[str, dict[str, Any]]]:
    calls: list[tuple[str, dict[str, Any]]] = []
    for k in range(16):
        given = {"tablein": pick.choice(["f.G", "f.T", "f.D", "f.fringe"]), "caltable": f"moved{k}"}
        antennas = pick.sample(["EA01", "EA02", "3", "EA05", "EA08"], pick.choice([1, 2, 3]))
        calls.append(("rerefant", {**given, "refantmode": pick.choice(["flex", "strict"]), "refant": ",".join(antennas)}))
    for k in range(12):
        kind = pick.choice(["median", "mean"])
        # CASA's median takes delays of fringes modulo a turn.
        table = pick.choice(["f.G", "f.B", "f.T", *(["f.fringe"] if kind == "mean" else [])])
        given = {"tablein": table, "caltable": f"smooth{k}", "smoothtype": kind, "field": pick.choice([[], ["0"], ["1"], ["2"]])}
        calls.append(("smoothcal", {**given, "smoothtime": pick.choice([60.0, 300.0, 1e4, 4e4])}))
    return calls


def _make_tables(vis: str) -> None:
    """Tables of which a few rows and single solutions are flagged."""
    common = {"refant": "EA01", "minsnr": 0.0}
    casatasks.gaincal(vis, "f.G", solint="int", **common)
    casatasks.gaincal(vis, "f.T", gaintype="T", solint="60s", **common)
    casatasks.bandpass(vis, "f.B", **common)
    casatasks.polcal(vis, "f.D", poltype="D", combine="scan", smodel=[1.0, 0, 0, 0], **common)
    casatasks.fringefit(vis, "f.fringe", refant="EA01")
    rng = np.random.default_rng(8)
    for name in ("f.G", "f.T", "f.B", "f.D", "f.fringe"):
        table = CalTable.open(name)
        for group in table.groups:
            group.flag |= (rng.random(len(group.rows)) < 0.15)[:, None, None]
            if name in ("f.G", "f.B"):
                group.flag |= rng.random(group.flag.shape) < 0.03
        table.write(name, overwrite=True)


def test_tables_referred_and_smoothed(shared_input: Callable[[str], str]) -> None:
    python = oracle_python()
    _make_tables(shared_input("simvla.ms"))
    calls = _calls(random.Random(4))
    with open("calls.json", "w", encoding="utf-8") as file:
        json.dump(calls, file)
    run_python(python, _RUN)
    for name, given in calls:
        source, target = given["tablein"], given["caltable"]
        rest = {k: v for k, v in given.items() if k not in ("tablein", "caltable")}
        getattr(casatasks, name)("simvla.ms", source, target, **rest)
        ours, theirs = CalTable.open(target), CalTable.open(f"theirs_{target}")
        np.testing.assert_array_equal(ours.flag, theirs.flag, err_msg=f"{name} {given}")
        mine, other = ours.param, theirs.param
        if source == "f.fringe":  # phases may differ by turns
            mine[..., ::4] = other[..., ::4] + np.angle(np.exp(1j * (mine[..., ::4] - other[..., ::4])))
        good = ~ours.flag
        np.testing.assert_allclose(mine[good], other[good], rtol=2e-6, atol=2e-6, err_msg=f"{name} {given}")


def _turns(table: CalTable, before: CalTable) -> np.ndarray:
    """Turns (time, chan, par) that all antennas share, NaN where nothing is left; anything else is a failure."""
    moments = np.unique(np.stack([np.round(table.time_s, 2), table.spw_id]), axis=1, return_inverse=True)[1].reshape(-1)
    out = np.full((moments.max() + 1, *table.param.shape[1:]), np.nan, complex)
    for t, chan, par in np.ndindex(*out.shape):
        rows = np.flatnonzero(moments == t)
        rows = rows[~table.flag[rows, chan, par]]
        if len(rows):
            turn = table.param[rows, chan, par] / before.param[rows, chan, par]
            np.testing.assert_allclose(turn, turn[0], atol=2e-6)
            out[t, chan, par] = turn[0]
    return out


def test_bandpasses_referred(shared_input: Callable[[str], str]) -> None:
    """All antennas of a channel turn alike, in CASA's and ours, so that data do not change. Ours keeps the phase between the receptors from one channel to
    the next; strict flags channels that the reference lacks, which CASA leaves as they are.
    """
    python = oracle_python()
    casatasks.bandpass(shared_input("simvla.ms"), "f.B", refant="EA01", minsnr=0.0, solint="60s")
    before, rng = CalTable.open("f.B"), np.random.default_rng(8)
    for group in before.groups:
        group.flag |= (rng.random(len(group.rows)) < 0.15)[:, None, None] | (rng.random(group.flag.shape) < 0.03)
    before.write("f.B", overwrite=True)
    calls = [("rerefant", {"tablein": "f.B", "caltable": m, "refantmode": m, "refant": "EA03"}) for m in ("flex", "strict")]
    with open("calls.json", "w", encoding="utf-8") as file:
        json.dump(calls, file)
    run_python(python, _RUN)
    for _, given in calls:
        casatasks.rerefant("simvla.ms", "f.B", given["caltable"], given["refantmode"], given["refant"])
    ours, theirs = CalTable.open("flex"), CalTable.open("theirs_flex")
    np.testing.assert_array_equal(ours.flag, theirs.flag)
    steps = []
    for table in (ours, theirs):
        turn = _turns(table, before)
        between = turn[..., 0] / turn[..., 1]
        steps.append(np.nanpercentile(np.abs(np.angle(between[:, 1:] / between[:, :-1])), 95))
    assert steps[0] < 0.3 * steps[1]
    ours, theirs = CalTable.open("strict"), CalTable.open("theirs_strict")
    assert not (theirs.flag & ~ours.flag).any()
    np.testing.assert_allclose(ours.param[~ours.flag], theirs.param[~ours.flag], rtol=2e-6, atol=2e-6)
    lost: dict[tuple[float, int], np.ndarray] = {
        (round(before.time_s[r], 2), int(before.spw_id[r])): before.flag[r].any(axis=1)
        for r in np.flatnonzero(before.antenna1 == 2)
    }
    for row, chan in np.argwhere((ours.flag & ~theirs.flag).any(axis=2)):
        assert lost[round(ours.time_s[row], 2), int(ours.spw_id[row])][chan]
