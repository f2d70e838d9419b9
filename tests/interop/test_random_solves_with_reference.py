"""Seeded combinations of the parameters of gaincal and bandpass beside the reference, on data with flags and sigmas of all kinds (needs CASA_ORACLE)."""

from __future__ import annotations

import json
import random
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import casatasks
from casatools._base.errors import DataError
from casatools.io.caltable import CalTable
from casatools.io.ms import MeasurementSet
from support.shared import oracle_python, run_python, unpack

_SCRIPT = """
import json, casatasks
for name, task, arguments in json.load(open("calls.json")):
    getattr(casatasks, task)(**{**arguments, "caltable": "theirs." + name})
"""


def make_flagged(folder: Path) -> str:
    """simvla.ms with random flags, an antenna without RR, reference antennas that come and go, and sigmas that differ by a factor of two."""
    path = str(unpack("simvla.ms", folder))
    rng = np.random.default_rng(3)
    with MeasurementSet(path, writable=True) as ms:
        rows = np.arange(ms.nrow)
        flag, sigma = ms.read("FLAG"), ms.read("SIGMA")
        ant1, ant2, scan = (ms.read(c) for c in ("ANTENNA1", "ANTENNA2", "SCAN_NUMBER"))
        flag |= rng.random(flag.shape) < 0.03
        flag[(ant1 == 2) | (ant2 == 2), :, 0] = True
        flag[((ant1 == 0) | (ant2 == 0)) & (scan == 4)] = True
        flag[((ant1 == 5) | (ant2 == 5)) & (scan >= 5)] = True
        flag[((ant1 == 0) | (ant2 == 0)) & (scan == 2), :, 3] = True
        ms.write("FLAG", flag, rows)
        ms.write("FLAG_ROW", rng.random(len(rows)) < 0.02, rows)
        ms.write("SIGMA", (sigma * rng.uniform(0.7, 1.4, sigma.shape)).astype(np.float32), rows)
    return path


def combination(rng: random.Random, vis: str) -> tuple[str, dict[str, Any]]:
    """A task and its parameters."""
    pick = rng.choice
    given: dict[str, Any] = {
        "vis": vis, "refant": pick(["EA01", "EA01,EA05", "EA03", "EA05,EA02"]), "minsnr": pick([0.0, 3.0, 8.0]), "minblperant": pick([4, 5, 6]),
        "combine": ",".join(c for c in ("scan", "field", "obs") if rng.random() < 0.25), "corrdepflags": pick([False, True]),
        "field": pick(["", "0", "1", "0,1"]), "parang": pick([False, True]), "spw": pick(["", "0", "*:2~6"]),
        "smodel": pick([[], [1.0, 0.0, 0.0, 0.0], [2.0, 0.1, -0.1, 0.0]]), "uvrange": pick(["", "", "<400m"]), "solnorm": pick([False, False, True]),
    }  # fmt: skip
    if rng.random() < 0.3:
        given |= {"gaintable": ["prior.B"], "interp": [pick(["nearest", "nearest,linear"])]}
    if rng.random() < 0.3:
        return "bandpass", {**given, "solint": pick(["inf", "inf,2ch", "60s,8MHz"]), "fillgaps": pick([0, 2])}
    given |= {
        "solint": pick(["inf", "int", "60s", 45.0]),
        "calmode": pick(["ap", "p", "a"]),
        "refantmode": pick(["flex", "strict"]),
    }
    return "gaincal", {**given, "solmode": pick(["", "R", "L1"]), "normtype": pick(["mean", "median"])}


def test_solves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    oracle_python()
    monkeypatch.chdir(tmp_path)
    vis, rng = make_flagged(tmp_path), random.Random(20)
    calls = [(f"r{k}", *combination(rng, vis)) for k in range(14)]
    first = {"vis": vis, "refant": "EA03", "minsnr": 0.0, "solint": "inf"}
    # The rows of both solves are put in the order of windows and times.
    calls += [
        ("a", "gaincal", {**first, "field": "1", "spw": "1", "append": False}),
        ("a", "gaincal", {**first, "field": "0", "append": True}),
    ]
    casatasks.bandpass(vis=vis, caltable="prior.B", field="0", refant="EA05", minsnr=0.0)
    Path("calls.json").write_text(json.dumps(calls))
    run_python(oracle_python(), _SCRIPT)
    for name, task, arguments in calls:
        if arguments.get("append") is False:
            casatasks.gaincal(**{**arguments, "caltable": f"ours.{name}"})
            continue
        if not Path(f"theirs.{name}").exists():  # the reference warns
            with pytest.raises(DataError, match="no solution"):
                getattr(casatasks, task)(**{**arguments, "caltable": f"ours.{name}"})
            continue
        getattr(casatasks, task)(**{**arguments, "caltable": f"ours.{name}"})
        ours, theirs = (CalTable.open(f"{who}.{name}") for who in ("ours", "theirs"))
        told = f"{task} {arguments}"
        for column in ("antenna1", "antenna2", "field_id", "spw_id", "scan", "observation"):
            np.testing.assert_array_equal(getattr(ours, column), getattr(theirs, column), err_msg=f"{told}: {column}")
        # A baseline of which more than half of the channels is flagged is dated by CASA as if it began the interval.
        np.testing.assert_allclose(ours.time_s, theirs.time_s, atol=0.02 if task == "gaincal" else 0.5, err_msg=told)
        for mine, other in zip(ours.groups, theirs.groups, strict=True):
            near = np.abs(other.snr - arguments["minsnr"]) < 0.01 * arguments["minsnr"]
            np.testing.assert_array_equal(mine.flag | near, other.flag | near, err_msg=told)
            good = ~(mine.flag | other.flag)
            if not good.any():
                continue
            # CASA stops at a change of its sum of squares of about 1e-5; where a residual is that near to a threshold of solmode="R" (2.500 rms in
            # one of these) one of both leaves it out.
            least = 0.95 if arguments.get("solmode") else 1.0
            off = np.abs(mine.param[good] - other.param[good])
            assert (off < np.maximum(4e-3 * np.abs(other.param[good]), 0.2 * other.paramerr[good])).mean() >= least, told
            assert (np.abs(mine.snr[good] - other.snr[good]) <= 0.05 * other.snr[good]).mean() >= least, told


def selected(rng: random.Random, vis: str, middle: str) -> tuple[str, dict[str, Any]]:
    """A task with selections, priors by field and window, or a library, and its parameters."""
    pick = rng.choice
    given: dict[str, Any] = {
        "vis": vis,
        "refant": pick(["EA02", "EA04,EA02"]),
        "minsnr": 0.0,
        "field": pick(["0", "1", "0,1"]),
        "spw": pick(["", "0", "*:2~6"]),
    }
    given |= pick(
        [{"timerange": f"<{middle}"}, {"antenna": "!EA06"}, {"scan": "1~3"}, {"observation": "0"}, {"msselect": "ANTENNA1!=3"}, {"intent": "*PHASE*", "field": ""}, {}]
    )  # fmt: skip
    kind = rng.random()
    if kind < 0.3:
        given |= {"docallib": True, "callib": "lib.txt"}
    elif kind < 0.7:
        tables = pick([["prior.B"], ["prior.G"], ["prior.B", "prior.G"]])
        given |= {
            "gaintable": tables, "gainfield": [pick(["", "0", "nearest"]) for _ in tables], "interp": [pick(["nearest", "linear"]) for _ in tables],
            "spwmap": [pick([[], [0, 0], [1, 0]]) for _ in tables],
        }  # fmt: skip
    task = pick(["gaincal", "bandpass", "blcal", "polcal"])
    if task == "blcal":
        for name in ("refant", "minsnr", "docallib", "callib"):
            given.pop(name, None)
        return task, {**given, "solint": pick(["inf", "60s"]), "freqdep": pick([False, True]), "calmode": pick(["ap", "a", "p"])}
    given |= {
        "minblperant": pick([3, 4]),
        "smodel": [1.0, 0.1, 0.05, 0.0] if task == "polcal" else pick([[], [1.0, 0.0, 0.0, 0.0]]),
    }
    if task == "polcal":
        return task, {**given, "poltype": pick(["Xf", "PosAng", "Xj"]), "combine": "", "preavg": 300.0}
    if task == "bandpass":
        return task, {**given, "solint": pick(["inf", "inf,4ch"]), "solnorm": pick([False, True]), "fillgaps": pick([0, 3])}
    return task, {
        **given, "gaintype": pick(["G", "G", "T"]), "solint": pick(["inf", "75s"]), "preavg": pick([-1.0, 30.0]), "calmode": pick(["ap", "p", "a"]),
        "parang": pick([False, True]),
    }  # fmt: skip


def test_selections_priors_and_libraries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    oracle_python()
    monkeypatch.chdir(tmp_path)
    vis, rng = make_flagged(tmp_path), random.Random(7)
    casatasks.bandpass(vis=vis, caltable="prior.B", field="0", refant="EA05", minsnr=0.0)
    casatasks.gaincal(vis=vis, caltable="prior.G", field="0,1", refant="EA05", minsnr=0.0, solint="60s")
    Path("lib.txt").write_text(
        "caltable='prior.B' calwt=True tinterp='nearest' finterp='linear' spwmap=[0,0]\ncaltable='prior.G' calwt=False tinterp='linear' fldmap=[0,1,0]\n"
    )
    with MeasurementSet(vis) as ms:
        middle = time.strftime("%Y/%m/%d/%H:%M:%S", time.gmtime(float(np.median(ms.read("TIME"))) - 40587 * 86400.0))
    calls = [(f"s{k}", *selected(rng, vis, middle)) for k in range(14)]
    Path("calls.json").write_text(json.dumps(calls))
    run_python(oracle_python(), _SCRIPT)
    compared = 0
    for name, task, arguments in calls:
        told = f"{task} {arguments}"
        if not Path(f"theirs.{name}").exists():
            with pytest.raises(DataError, match="no solution"):
                getattr(casatasks, task)(**{**arguments, "caltable": f"ours.{name}"})
            continue
        getattr(casatasks, task)(**{**arguments, "caltable": f"ours.{name}"})
        ours, theirs = (CalTable.open(f"{who}.{name}") for who in ("ours", "theirs"))
        compared += 1
        for column in ("antenna1", "field_id", "spw_id", "scan", "observation"):
            np.testing.assert_array_equal(getattr(ours, column), getattr(theirs, column), err_msg=f"{told}: {column}")
        # Hands that are crossed are weighed otherwise where a bandpass and gains come before.
        np.testing.assert_allclose(ours.time_s, theirs.time_s, atol=2.0, err_msg=told)
        for mine, other in zip(ours.groups, theirs.groups, strict=True):
            np.testing.assert_array_equal(mine.flag, other.flag, err_msg=told)
            good = ~mine.flag
            least = np.maximum(4e-3 * np.abs(other.param[good]), 0.2 * other.paramerr[good])  # as above
            assert (np.abs(mine.param[good] - other.param[good]) <= np.maximum(least, 1e-4)).all(), told
    assert compared >= 9
