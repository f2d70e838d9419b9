"""statwt, multi-MSs in and out, SYSCAL, models and calls that CASA does not do, beside the reference (needs CASA_ORACLE)."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import casatasks
from casatools.io.ms import MeasurementSet
from casatools.io.tables import open_table
from casatools.simulation.demo import DemoOptions, make_demo
from support.shared import oracle_python, run_python

_RUN = """
import casatasks, json, sys
for task, arguments in json.loads(sys.argv[1]):
    getattr(casatasks, task)(**arguments)
"""


def _both(calls: list[tuple[str, dict[str, Any]]]) -> None:
    """Do the calls here and, in the folder theirs, by the reference."""
    run_python(oracle_python(), _RUN, json.dumps(calls), cwd=Path("theirs"))
    for task, arguments in calls:
        getattr(casatasks, task)(**arguments)


def _sorted(path: str, *names: str) -> dict[str, np.ndarray]:
    with MeasurementSet(path) as ms:
        order = np.lexsort([ms.read(c) for c in ("DATA_DESC_ID", "ANTENNA2", "ANTENNA1")] + [np.round(ms.read("TIME"), 1)])
        return {n: np.asarray(ms.read(n))[order] for n in names if ms.has(n)}


def _same(path: str, names: tuple[str, ...], tolerance: float = 1e-5) -> None:
    ours, theirs = _sorted(path, *names), _sorted(f"theirs/{path}", *names)
    assert ours.keys() == theirs.keys()
    for name, values in ours.items():
        if values.dtype.kind in "fc":
            scale = np.abs(theirs[name]).max()
            np.testing.assert_allclose(values, theirs[name], rtol=tolerance, atol=tolerance * scale, err_msg=f"{path} {name}")
        else:
            np.testing.assert_array_equal(values, theirs[name], err_msg=f"{path} {name}")


def test_statwt_in_bins_of_integrations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bins with integrations left over, sliding ones, and integrations that some baselines lack."""
    monkeypatch.chdir(tmp_path)
    oracle_python()
    make_demo("demo.ms", DemoOptions(antennas_per_arm=2, cycles=1, nchan=8))
    rng = np.random.default_rng(3)
    with MeasurementSet("demo.ms", writable=True) as ms:
        data, rows, time = ms.read("DATA"), np.arange(ms.nrow), ms.read("TIME")
        noise = rng.normal(size=data.shape) + 1j * rng.normal(size=data.shape)
        ms.write("DATA", (5 + noise * (1 + ms.read("ANTENNA1"))[:, None, None]).astype(np.complex64), rows)
        flag = ms.read("FLAG")
        flag[(ms.read("ANTENNA1") == 0) & np.isin(time, np.unique(time)[[1, 5, 6]])] = True
        ms.write("FLAG", flag, rows)
    casatasks.split("demo.ms", "gaps.ms", datacolumn="data", keepflags=False)
    Path("theirs").mkdir()
    calls = []
    for number, more in enumerate(
        ({"timebin": 3}, {"timebin": 5}, {"timebin": 11}, {"timebin": 3, "slidetimebin": True}, {"timebin": 4, "chanbin": 4},
         {"timebin": 6, "combine": "scan,field,state"})
    ):  # fmt: skip
        for folder in ("", "theirs/"):
            shutil.copytree("gaps.ms", f"{folder}s{number}.ms")
        calls.append(("statwt", {"vis": f"s{number}.ms", "datacolumn": "data", "flagbackup": False, **more}))
    _both(calls)
    for number in range(len(calls)):
        _same(f"s{number}.ms", ("WEIGHT", "SIGMA", "FLAG", "FLAG_ROW", "WEIGHT_SPECTRUM"))


def test_multi_ms_in_and_out(shared_input) -> None:
    oracle_python()
    shared_input("simvla.ms")
    Path("theirs").mkdir()
    shutil.copytree("simvla.ms", "theirs/simvla.ms")
    steps: dict[str, dict[str, Any]] = {
        "split": {"width": 2},
        "mstransform": {"chanaverage": True, "chanbin": 2, "timeaverage": True, "timebin": "20s"},
        "hanningsmooth": {},
        "uvcontsub": {"fitorder": 0},
        "phaseshift": {"phasecenter": "J2000 13h31m40s 30d20m00s"},
    }
    calls: list[tuple[str, dict[str, Any]]] = [
        ("partition", {"vis": "simvla.ms", "outputvis": f"{axis}.mms", "separationaxis": axis, "numsubms": 3, "datacolumn": "data",
                       "flagbackup": False}) for axis in ("scan", "baseline")
    ]  # fmt: skip
    for number, (task, more) in enumerate(steps.items()):
        axis = ("scan", "baseline")[number % 2]
        calls.append((task, {"vis": f"{axis}.mms", "outputvis": f"o.{task}", "datacolumn": "data", **more}))
    _both(calls)
    for task in steps:
        _same(f"o.{task}", ("DATA", "FLAG", "FLAG_ROW", "WEIGHT", "SIGMA", "UVW", "TIME", "FIELD_ID", "SCAN_NUMBER"))


def test_models_alone_and_what_the_reference_does_not_do(shared_input) -> None:
    """Averages of MODEL_DATA agree; CASA 6.7's douvcontsub leaves the data as they are, its uvcontsub subtracts what ours does."""
    oracle_python()
    path = shared_input("line.ms")
    with MeasurementSet(path, writable=True) as ms:
        ms.add_scratch_columns(model=True, corrected=True)
        rng = np.random.default_rng(9)
        shape, rows = ms.read("DATA").shape, np.arange(ms.nrow)
        ms.write("MODEL_DATA", (1 + rng.normal(size=shape)).astype(np.complex64), rows)
        ms.write("CORRECTED_DATA", ms.read("DATA"), rows)
        ms.write("FLAG", rng.random(shape) < 0.1, rows)
        ms.write("SIGMA", rng.uniform(0.5, 2.0, (shape[0], shape[2])).astype(np.float32), rows)
    Path("theirs").mkdir()
    shutil.copytree("line.ms", "theirs/line.ms")
    average = {"chanaverage": True, "chanbin": 4, "timeaverage": True, "timebin": "60s"}
    _both([
        ("mstransform", {"vis": "line.ms", "outputvis": "m.ms", "datacolumn": "model", **average}),
        ("mstransform", {"vis": "line.ms", "outputvis": "c.ms", "datacolumn": "data", "douvcontsub": True, "fitspw": "0:0~6;24~31", "fitorder": 0}),
        ("uvcontsub", {"vis": "line.ms", "outputvis": "u.ms", "datacolumn": "data", "fitspec": "0:0~6;24~31", "fitorder": 0}),
    ])  # fmt: skip
    _same("m.ms", ("DATA", "FLAG", "WEIGHT", "SIGMA"))
    _same("u.ms", ("DATA", "FLAG"))
    before, theirs, ours, subtracted = (_sorted(p, "DATA")["DATA"] for p in ("line.ms", "theirs/c.ms", "c.ms", "theirs/u.ms"))
    assert np.array_equal(before, theirs)
    assert ours == pytest.approx(subtracted, abs=1e-5)


def test_syscal_of_another_window(shared_input) -> None:
    """CASA 6.7 appends rows of SYSCAL with the number of a window that they had, which is another one's in the output."""
    oracle_python()
    path = shared_input("alma_small.ms")
    with open_table(path, writable=True) as table:
        for name in table.keywordnames():
            if name.startswith("ASDM_"):
                table.removekeyword(name)
    with open_table(f"{path}/SYSCAL", writable=True) as table:
        table.putcol("SPECTRAL_WINDOW_ID", np.where(np.arange(table.nrows()) % 2, 1, 2).astype(np.int32))
    Path("theirs").mkdir()
    shutil.copytree(path, "theirs/alma_small.ms")
    calls = [("split", {"vis": "alma_small.ms", "outputvis": f"s{n}.ms", "spw": n, "datacolumn": "data"}) for n in ("1", "2")]
    _both([*calls, ("concat", {"vis": ["s1.ms", "s2.ms"], "concatvis": "o.ms"})])
    numbers = []
    for name in ("o.ms", "theirs/o.ms"):
        with open_table(f"{name}/SYSCAL") as table:
            numbers.append(np.asarray(table.getcol("SPECTRAL_WINDOW_ID")))
    assert set(numbers[0].tolist()) == {0, 1} and set(numbers[1].tolist()) == {0}
