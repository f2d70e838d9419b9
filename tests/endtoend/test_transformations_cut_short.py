"""kill -9 and Ctrl-C at seeded random moments of every task that writes a MeasurementSet: no output or a whole one, and inputs as they were."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import casatasks
from casatools import table
from casatools.simulation.demo import DemoOptions, make_demo

CENTRE = "J2000 13h31m00 30d00m00"
ONE: dict[str, Any] = {"vis": "in.ms", "outputvis": "out.ms"}
TASKS: dict[str, dict[str, Any]] = {
    "split": {**ONE, "datacolumn": "data", "timebin": "30s"},
    "mstransform": {**ONE, "datacolumn": "data", "hanning": True, "chanaverage": True, "chanbin": 2},
    "mstransform createmms": {**ONE, "datacolumn": "data", "createmms": True, "separationaxis": "scan", "numsubms": 3},
    "partition": {**ONE, "datacolumn": "data", "separationaxis": "scan", "numsubms": 3},
    "cvel": {**ONE, "mode": "channel", "width": 2},
    "cvel2": {**ONE, "datacolumn": "data", "mode": "channel", "width": 2},
    "hanningsmooth": {**ONE, "datacolumn": "data"},
    "phaseshift": {**ONE, "datacolumn": "data", "phasecenter": CENTRE},
    "fixvis": {**ONE, "datacolumn": "DATA", "phasecenter": CENTRE},
    "uvcontsub": {**ONE, "fitorder": 1},
    "conjugatevis": ONE,
    "msuvbin": {**ONE, "nchan": 2, "start": "1.4GHz", "width": "10MHz", "imsize": 64, "cell": "10arcsec"},
    "concat": {"vis": ["in.ms", "other.ms"], "concatvis": "out.ms"},
    "concat timesort": {"vis": ["other.ms", "in.ms"], "concatvis": "out.ms", "timesort": True},
    "testconcat": {"vis": ["in.ms", "other.ms"], "testconcatvis": "out.ms"},
    "virtualconcat": {"vis": ["in.ms", "other.ms"], "concatvis": "out.ms", "keepcopy": True},
    "exportuvfits": {"vis": "in.ms", "fitsfile": "out.ms", "datacolumn": "data"},
    "importuvfits": {"fitsfile": "in.uvfits", "vis": "out.ms"},
}
# What changes a MeasurementSet itself.
IN_PLACE: dict[str, dict[str, Any]] = {
    "statwt": {
        "vis": "in.ms",
        "datacolumn": "data",
        "timebin": "30s",
        "slidetimebin": True,
        "wtrange": [0.5, 3],
        "flagbackup": False,
    },
    "initweights": {"vis": "in.ms", "wtmode": "delwtsp"},
    "fixvis": {"vis": "in.ms", "outputvis": "in.ms", "datacolumn": "all", "phasecenter": CENTRE},
    "clearcal": {"vis": "in.ms", "addmodel": True},
}
RUN = """
import signal, sys, time, casatasks
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs begin with it ignored
task, arguments = eval(sys.argv[1])
call = getattr(casatasks, task)
print("ready", flush=True)
begin = time.perf_counter()
try:
    call(**arguments)
except KeyboardInterrupt:
    print("interrupted", flush=True)
    sys.exit(130)
print("finished", time.perf_counter() - begin, flush=True)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("cut")
    here = os.getcwd()
    os.chdir(place)
    try:
        for name in ("in.ms", "other.ms"):
            make_demo(name, DemoOptions(antennas_per_arm=4, cycles=2))
        casatasks.exportuvfits(vis="in.ms", fitsfile="in.uvfits", datacolumn="data")
    finally:
        os.chdir(here)
    return place


def _digest(folder: Path) -> dict[str, str]:
    """What all files hold, but for logs and locks and what a killed run leaves for the next to remove."""
    return {
        str(p.relative_to(folder)): hashlib.sha1(p.read_bytes()).hexdigest()
        for p in folder.rglob("*")
        if p.is_file()
        and p.name != "table.lock"
        and not p.name.startswith("casa-")
        and not p.relative_to(folder).parts[0].startswith(".")
    }


def _rows(path: Path) -> int:
    if path.is_file():
        return path.stat().st_size
    tb = table()
    tb.open(str(path))
    try:
        return int(tb.nrows())
    finally:
        tb.close()


def _remove(path: Path) -> None:
    """Remove an output with the flags saved of it."""
    for name in (path, path.with_name(f"{path.name}.flagversions")):
        if name.is_dir():
            shutil.rmtree(name)
        elif name.exists():
            name.unlink()


def _cut(folder: Path, name: str, arguments: dict[str, Any], after_s: float | None, sign: int) -> str:
    """Run a task, end it some seconds after it began, and give what it printed."""
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, repr((name.split()[0], arguments))],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    if after_s is not None:
        time.sleep(after_s)
        process.send_signal(sign)
    out, _ = process.communicate(timeout=120)
    return out


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_no_output_or_a_whole_one(folder: Path, task: str) -> None:
    before, output = _digest(folder), folder / "out.ms"
    draw = random.Random(task)
    try:
        for _ in range(2):  # kernels are compiled by the first run
            _remove(output)
            printed = _cut(folder, task, TASKS[task], None, 0)
            assert printed.startswith("finished")
        length, rows = float(printed.split()[1]), _rows(output)
        seen = 0
        for sign in (signal.SIGKILL, signal.SIGINT, signal.SIGKILL, signal.SIGINT):
            _remove(output)
            printed = _cut(folder, task, TASKS[task], draw.uniform(0.1, 0.9) * length, sign)
            if printed.startswith("finished"):  # the machine has become faster: this run's time cuts the next
                length = min(length, float(printed.split()[1]))
            else:
                seen += 1
            if output.exists():
                assert _rows(output) == rows
                _remove(output)
            assert _digest(folder) == before
            left = [p for p in folder.iterdir() if p.name.startswith(".")]
            if sign == signal.SIGINT:
                assert left == []
            else:  # what a killed run leaves is removed by the next one for this output that comes so far: see the end
                assert all(p.name.startswith(".out.ms.part-") for p in left) and len(left) <= 1
                for p in left:
                    shutil.rmtree(p) if p.is_dir() else p.unlink()
        assert seen
        # A run is killed in its middle, and the next one goes to the end and clears up.
        _remove(output)
        _cut(folder, task, TASKS[task], 0.5 * length, signal.SIGKILL)
        _remove(output)
        assert _cut(folder, task, TASKS[task], None, 0).startswith("finished") and _rows(output) == rows
        assert [p.name for p in folder.iterdir() if p.name.startswith(".")] == []
    finally:
        _remove(output)


def _columns(path: Path) -> dict[str, bytes]:
    tb = table()
    tb.open(str(path))
    try:
        names = ("FLAG", "WEIGHT", "SIGMA", "UVW", "DATA", "CORRECTED_DATA", "MODEL_DATA", "FLAG_ROW", "TIME", "ANTENNA2")
        present = [c for c in names if c in tb.colnames() and tb.iscelldefined(c, 0)]
        return {c: b"".join(np.asarray(tb.getcell(c, row)).tobytes() for row in range(tb.nrows())) for c in present}
    finally:
        tb.close()


@pytest.mark.slow
@pytest.mark.parametrize("task", IN_PLACE)
def test_what_is_changed_in_place_is_so_after_another_run(folder: Path, tmp_path: Path, task: str) -> None:
    arguments, draw = IN_PLACE[task], random.Random(task)

    def fresh() -> None:
        shutil.rmtree(tmp_path / "in.ms", ignore_errors=True)
        shutil.copytree(folder / "in.ms", tmp_path / "in.ms")

    for _ in range(2):  # kernels are compiled by the first run
        fresh()
        printed = _cut(tmp_path, task, arguments, None, 0)
    length, expected, seen = float(printed.split()[1]), _columns(tmp_path / "in.ms"), 0
    for sign in (signal.SIGKILL, signal.SIGINT, signal.SIGKILL, signal.SIGINT):
        fresh()
        printed = _cut(tmp_path, task, arguments, draw.uniform(0.3, 0.95) * length, sign)
        if printed.startswith("finished"):  # the machine has become faster: this run's time cuts the next
            length = min(length, float(printed.split()[1]))
            continue
        seen += 1
        if (
            _columns(tmp_path / "in.ms") == expected
        ):  # cut after its work: another run is one too many, and turns by rounding at least
            continue
        assert _cut(tmp_path, task, arguments, None, 0).startswith("finished")
        found = _columns(tmp_path / "in.ms")
        assert found.keys() == expected.keys() and [c for c in expected if found[c] != expected[c]] == []
        assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []
    assert seen


@pytest.mark.slow
def test_a_virtual_concatenation_without_copies_loses_nothing(folder: Path, tmp_path: Path) -> None:
    """keepcopy=False: at every moment the inputs are there, or the output that holds them."""
    draw = random.Random(3)
    arguments = {**TASKS["virtualconcat"], "keepcopy": False}
    rows = _rows(folder / "in.ms") + _rows(folder / "other.ms")
    for number in range(4):
        place = tmp_path / str(number)
        place.mkdir()
        for name in ("in.ms", "other.ms"):
            shutil.copytree(folder / name, place / name)
        process = subprocess.Popen(
            [sys.executable, "-c", RUN, repr(("virtualconcat", arguments))],
            cwd=place, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        time.sleep(draw.uniform(0.02, 0.4))
        process.kill()
        process.communicate(timeout=120)
        whole = (place / "out.ms").exists() and _rows(place / "out.ms") == rows
        assert whole or all(_digest(place / n) == _digest(folder / n) for n in ("in.ms", "other.ms"))
