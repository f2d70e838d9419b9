"""Solves of small real data (LOFAR, the old VLA) beside those of the reference, and leakages applied (needs CASA_ORACLE)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import casatasks
from casatools.io.caltable import CalTable
from casatools.io.ms import MeasurementSet
from support.shared import oracle_python, run_python, unpack

_SCRIPT = """
import json, shutil, casatasks
for name, task, arguments in json.load(open("calls.json")):
    getattr(casatasks, task)(**{**arguments, "caltable": "theirs." + name})
shutil.copytree("lofar.ms", "theirs.ms")
casatasks.applycal("theirs.ms", gaintable=["theirs.D"], parang=True, flagbackup=False)
"""
_CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "again": ("gaincal", {"vis": "ngc_small.ms", "spw": "0:20~29", "refant": "VA15", "solint": "100s", "combine": "scan,field", "minsnr": 0.0, "preavg": 60.0}),
    "norm": ("bandpass", {"vis": "ngc_small.ms", "field": "0", "spw": "0:6~56", "refant": "VA15", "solnorm": True, "fillgaps": 6, "minsnr": 0.0}),
    "own": ("blcal", {"vis": "ngc_small.ms", "spw": "0:20~29", "field": "0", "solint": "inf"}),
    "D": ("polcal", {"vis": "lofar.ms", "refant": "CS001HBA0", "poltype": "Dlls", "smodel": [1.0, 0.05, -0.03, 0.0], "minsnr": 0.0, "minblperant": 2}),
}  # fmt: skip


def test_real_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    oracle_python()
    monkeypatch.chdir(tmp_path)
    for name in ("ngc_small.ms", "lofar.ms"):
        unpack(name, tmp_path)
    Path("calls.json").write_text(json.dumps([(name, task, given) for name, (task, given) in _CALLS.items()]))
    run_python(oracle_python(), _SCRIPT)
    for name, (task, given) in _CALLS.items():
        if name == "D":
            continue
        getattr(casatasks, task)(**{**given, "caltable": f"ours.{name}"})
        ours, theirs = (CalTable.open(f"{who}.{name}") for who in ("ours", "theirs"))
        for column in ("antenna1", "antenna2", "field_id", "spw_id", "scan"):
            np.testing.assert_array_equal(getattr(ours, column), getattr(theirs, column), err_msg=f"{name}: {column}")
        np.testing.assert_allclose(ours.time_s, theirs.time_s, atol=0.5, err_msg=name)
        np.testing.assert_array_equal(ours.flag, theirs.flag, err_msg=name)
        good = ~ours.flag
        # Least squares are solved to convergence here, which noisy channels show.
        off = np.abs(ours.param[good] - theirs.param[good])
        assert (off < np.maximum(4e-3 * np.abs(theirs.param[good]), 0.2 * theirs.paramerr[good])).mean() > 0.97, name
    casatasks.applycal("lofar.ms", gaintable=["theirs.D"], parang=True, flagbackup=False)
    with MeasurementSet("lofar.ms") as mine, MeasurementSet("theirs.ms") as other:
        flag = mine.read("FLAG")
        np.testing.assert_array_equal(flag, other.read("FLAG"))
        both = [ms.read("CORRECTED_DATA")[~flag] for ms in (mine, other)]
    np.testing.assert_allclose(*both, rtol=1e-4, atol=1e-6 * np.abs(both[1]).max())
