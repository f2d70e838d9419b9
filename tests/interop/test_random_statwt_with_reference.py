"""Seeded combinations of the parameters of statwt beside the reference: weights, flags and what is returned (needs CASA_ORACLE)."""

from __future__ import annotations

import json
import pickle
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import casatasks
from casatools.io.ms import MeasurementSet
from casatools.simulation.demo import DemoOptions, make_demo
from support.shared import oracle_python, run_python

_SCRIPT = """
import json, pickle, shutil, casatasks
records = []
for number, (start, call) in enumerate(json.load(open("calls.json"))):
    shutil.copytree(start, f"theirs{number}.ms")
    records.append(casatasks.statwt(vis=f"theirs{number}.ms", **call))
pickle.dump(records, open("records.pkl", "wb"))
"""
_ALGORITHMS: dict[str, dict[str, list[Any]]] = {
    "classic": {}, "hinges-fences": {"fence": [-1, 0, 1.5]}, "chauvenet": {"zscore": [-1, 2.0, 3.0], "maxiter": [-1, 0, 1, 3]},
    "fit-half": {"center": ["mean", "median"], "lside": [True, False]},
}  # fmt: skip


def _make(rng: np.random.Generator) -> None:
    """Noise with outliers, flags of all kinds, rows that are missing, exposures that differ; with other columns, and with weights of channels."""
    make_demo("demo.ms", DemoOptions(antennas_per_arm=2, cycles=1, nchan=16))
    with MeasurementSet("demo.ms", writable=True) as ms:
        rows, first, time, shape = np.arange(ms.nrow), ms.read("ANTENNA1"), ms.read("TIME"), ms.read("DATA").shape
        data = 5 + (rng.normal(size=shape) + 1j * rng.normal(size=shape)) * (1 + first)[:, None, None]
        data[rng.random(shape) < 0.01] += 60
        flag = ms.read("FLAG") | (rng.random(shape) < 0.05)
        flag[(first == 0) & np.isin(time, np.unique(time)[[1, 5, 6]])] = True
        flag[(first == 1) & (time < np.median(time)), 4:8] = True
        flag[first == 2, :, 1] = True
        for name, values in (("DATA", data.astype(np.complex64)), ("FLAG", flag)):
            ms.write(name, values, rows)
        ms.write("EXPOSURE", ms.read("EXPOSURE") * rng.choice([0.5, 1.0, 1.0], len(rows)), rows)
    casatasks.split("demo.ms", "gaps.ms", datacolumn="data", keepflags=False)
    with MeasurementSet("demo.ms", writable=True) as ms:
        ms.add_scratch_columns(model=True, corrected=True)
        ms.write("MODEL_DATA", np.full(shape, 5, np.complex64), rows)
        ms.write("CORRECTED_DATA", (1.1 * data).astype(np.complex64), rows)
    for name in ("demo", "gaps"):
        shutil.copytree(f"{name}.ms", f"{name}.spectra.ms")
        casatasks.initweights(f"{name}.spectra.ms", wtmode="nyq", dowtsp=True)


def _calls(count: int) -> list[tuple[str, dict[str, Any]]]:
    pick, out = random.Random(11), []
    for _ in range(count):
        algorithm = pick.choice(list(_ALGORITHMS))
        call: dict[str, Any] = {
            "datacolumn": pick.choice(["data", "corrected", "residual", "residual_data"]), "timebin": pick.choice([1, 3, 5, "30s", "60s", "300s", "0.001s"]),
            "slidetimebin": pick.random() < 0.3, "chanbin": pick.choice(["spw", "spw", 4, 5, 8, 1, "2MHz"]), "minsamp": pick.choice([2, 3, 6]),
            "statalg": algorithm, "combine": pick.choice(["", "corr", "scan", "scan,field,state", "corr,scan,field,state", "scan,field", "state,scan"]),
            "wtrange": pick.choice([[], [0.01, 0.2], [0.0, 0.05], [0.3, 0.02]]), "fitspw": pick.choice(["", "*:0~7", "*:2~5;10~15", "0:4~12"]),
            "excludechans": pick.random() < 0.5, "flagbackup": False, "selectdata": pick.random() < 0.7, "preview": pick.random() < 0.1,
        }  # fmt: skip
        call |= {name: pick.choice(values) for name, values in _ALGORITHMS[algorithm].items()}
        # With spectra yet to be made the reference refuses selections.
        if call["chanbin"] == "spw" or not call["selectdata"]:
            call |= {"field": pick.choice(["", "0"]), "scan": pick.choice(["", "1,2"])}
        start = "demo" if call["datacolumn"] != "data" or pick.random() < 0.4 else "gaps"
        out.append((f"{start}{'.spectra' if pick.random() < 0.3 else ''}.ms", call))
    return out


def test_random_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    python = oracle_python()
    _make(np.random.default_rng(11))
    calls = _calls(30)
    Path("calls.json").write_text(json.dumps(calls))
    run_python(python, _SCRIPT)
    records = pickle.loads(Path("records.pkl").read_bytes())
    for number, (start, call) in enumerate(calls):
        shutil.copytree(start, f"ours{number}.ms")
        found = casatasks.statwt(vis=f"ours{number}.ms", **call)
        assert found == pytest.approx(records[number], rel=1e-4), (start, call)
        with MeasurementSet(f"ours{number}.ms") as ours, MeasurementSet(f"theirs{number}.ms") as theirs:
            for name in ("WEIGHT", "SIGMA", "FLAG", "FLAG_ROW", "WEIGHT_SPECTRUM", "SIGMA_SPECTRUM"):
                assert ours.has(name) == theirs.has(name), (name, start, call)
                if ours.has(name):
                    np.testing.assert_allclose(
                        np.asarray(ours.read(name), float),
                        np.asarray(theirs.read(name), float),
                        rtol=1e-4,
                        atol=1e-7,
                        err_msg=f"{name} {start} {call}",
                    )
