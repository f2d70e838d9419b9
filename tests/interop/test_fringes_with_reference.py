"""Fringe fits with each parameter beside those of the reference (needs CASA_ORACLE)."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import casatasks
from casatools.io.caltable import CalTable
from casatools.io.ms import MeasurementSet
from support.fringes import make_fringes
from support.shared import oracle_python, run_python

_SCRIPT = """
import json, casatasks
for name, arguments in json.load(open("calls.json")):
    casatasks.fringefit(**{**arguments, "caltable": "theirs." + name})
"""
# What is given beside the MeasurementSet, the reference antenna and combine="scan".
_CALLS: dict[str, dict[str, Any]] = {
    "windows": {"delaywindow": [-50.0, 50.0], "ratewindow": [-1e-11, 1e-11], "spw": "0:1~6", "minsnr": 5.0},
    "hands": {"corrcomb": "stokes", "corrdepflags": True, "uvrange": ">100m", "parang": True, "solint": "120s"},
    "either": {"corrcomb": "parallel", "msselect": "ANTENNA1!=3", "niter": 20, "combine": "", "scan": "1~3", "paramactive": [True, True, False]},
    "still": {"zerorates": True, "intent": "*PHASE*", "observation": "0", "field": "0", "solint": "60s"},
    "start": {"globalsolve": False, "antenna": "!EA06", "refant": "EA05,EA01"},
    "priors": {"gaintable": ["prior"], "interp": ["nearest"], "gainfield": [""], "spwmap": [[0, 0]], "selectdata": False, "scan": "1"},
    "library": {"docallib": True, "callib": "lib.txt", "spw": "1"},
}  # fmt: skip


def test_fringes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    oracle_python()
    monkeypatch.chdir(tmp_path)
    vis, truth = make_fringes(tmp_path)
    casatasks.gencal(vis=vis, caltable="prior", caltype="amp", antenna="EA03,EA05", parameter=[2.0, 0.5])
    Path("lib.txt").write_text("caltable='prior' calwt=True tinterp='nearest'\n")
    common = {"vis": vis, "refant": "EA03", "combine": "scan", "minsnr": 0.0}
    calls = [(name, {**common, **given}) for name, given in _CALLS.items()]
    with MeasurementSet(vis) as ms:
        middle = time.strftime("%Y/%m/%d/%H:%M:%S", time.gmtime(float(np.median(ms.read("TIME"))) - 40587 * 86400.0))
    dict(calls)["start"]["timerange"] = f">{middle}"
    calls += [("both", {**common, "spw": "1"}), ("both", {**common, "spw": "0", "append": True})]
    Path("calls.json").write_text(json.dumps(calls))
    run_python(oracle_python(), _SCRIPT)
    for name, given in calls:
        casatasks.fringefit(**{**given, "caltable": f"ours.{name}"})
    for name, given in dict(calls).items():
        ours, theirs = (CalTable.open(f"{who}.{name}") for who in ("ours", "theirs"))
        for column in ("antenna1", "antenna2", "field_id", "spw_id", "scan", "observation"):
            np.testing.assert_array_equal(getattr(ours, column), getattr(theirs, column), err_msg=f"{name}: {column}")
        np.testing.assert_allclose(ours.time_s, theirs.time_s, atol=0.02, err_msg=name)
        np.testing.assert_array_equal(ours.flag, theirs.flag, err_msg=name)
        mine, other = (np.where(t.flag, 0.0, t.param)[:, 0].reshape(-1, 2, 4) for t in (ours, theirs))
        turn = np.abs(np.angle(np.exp(1j * (mine[..., 0] - other[..., 0]))))
        # The reference refers rates to the first channel and time, phases to the middle.
        assert turn.max() < 2 * np.pi * 8e-13 * 14e6 * 180, (name, turn.max())
        np.testing.assert_allclose(mine[..., 1], other[..., 1], atol=2e-4, err_msg=name)
        np.testing.assert_allclose(mine[..., 2], other[..., 2], atol=1.2e-2 * 8e-13, err_msg=name)
        if given.get("globalsolve", True):
            expected = truth[ours.antenna1, 1] - truth[ours.antenna2, 1]
            off = np.abs(mine[..., 1] - expected[:, None])[~ours.flag[:, 0].reshape(-1, 2, 4)[..., 1]]
            assert off.max() < 0.3, (name, off.max())
