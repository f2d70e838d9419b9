"""Ctrl-C: honoured within a second, nothing half-made stays, and the rerun gives what an uninterrupted run gives."""

from __future__ import annotations

import os
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

# Tasks slow enough on this observation to be interrupted, and the outputs that must not be there afterwards.
LONG: dict[str, dict[str, Any]] = {
    "split": {"vis": "in.ms", "outputvis": "out.ms", "datacolumn": "data"},
    "uvcontsub": {"vis": "in.ms", "outputvis": "out.ms", "fitorder": 1},
    "gaincal": {"vis": "in.ms", "caltable": "out.cal", "solint": "int"},
    "tclean": {"vis": "in.ms", "imagename": "out", "field": "2", "specmode": "cube", "imsize": 400, "cell": "5arcsec", "niter": 3000},
    "applycal": {"vis": "in.ms", "gaintable": ["in.cal"], "flagbackup": False},
    "flagdata": {"vis": "in.ms", "mode": "tfcrop", "field": "1", "flagbackup": False},
}  # fmt: skip
RUN = """
import signal, sys, casatasks
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs begin with it ignored
task, arguments = eval(sys.argv[1])
print("ready", flush=True)
try:
    getattr(casatasks, task)(**arguments)
except KeyboardInterrupt:
    print("interrupted", flush=True)
    sys.exit(130)
print("finished", flush=True)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("interrupted")
    here = os.getcwd()
    os.chdir(place)
    try:
        make_demo("in.ms", DemoOptions(antennas_per_arm=9, cycles=3))
        casatasks.gaincal(vis="in.ms", caltable="in.cal", field="0", solint="inf")
        # Kernels compile at their first use, and a compiler in a thread does not stop for Ctrl-C.
        casatasks.flagdata(vis="in.ms", mode="tfcrop", field="1", spw="0:0~15", action="calculate", flagbackup=False)
    finally:
        os.chdir(here)
    return place


def _start(place: Path, task: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, repr((task, LONG[task]))],
        cwd=place,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    return process


def _is_whole(place: Path) -> bool:
    """The output of split is there, with all rows."""
    found = place / "out.ms"
    return found.exists() and len(_column(found, "TIME")) == len(_column(place / "in.ms", "TIME"))


def _column(path: Path, name: str) -> np.ndarray:
    tb = table()
    tb.open(str(path))
    try:
        return np.asarray(tb.getcol(name))
    finally:
        tb.close()


@pytest.mark.slow
@pytest.mark.parametrize("task", LONG)
def test_interrupted(folder: Path, tmp_path: Path, task: str) -> None:
    for name in ("in.ms", "in.cal"):
        shutil.copytree(folder / name, tmp_path / name)
    before = sorted(p.name for p in tmp_path.iterdir())
    interrupted = False
    for delay in (0.9, 0.6, 0.4, 0.25, 0.15, 0.08):
        process = _start(tmp_path, task)
        time.sleep(delay)
        process.send_signal(signal.SIGINT)
        sent = time.monotonic()
        out, _ = process.communicate(timeout=60)
        # Where the signal came when all was done, the output is there and whole: too late to see anything.
        if "interrupted" in out and not (task == "split" and _is_whole(tmp_path)):
            interrupted = True
            # One second is asked for; what is left is Python's own shutdown on a busy machine.
            assert time.monotonic() - sent < 2.0
            break
        shutil.rmtree(tmp_path / "in.ms")
        shutil.copytree(folder / "in.ms", tmp_path / "in.ms")
        for p in tmp_path.iterdir():
            if p.name not in before:
                shutil.rmtree(p) if p.is_dir() else p.unlink()
    assert interrupted, f"{task} was over before it could be interrupted"
    left = [p.name for p in tmp_path.iterdir() if not p.name.startswith("casa-")]
    if task == "tclean" and "out.checkpoint" in left:
        left.remove("out.checkpoint")  # what it goes on from
    assert sorted(left) == before
    process = _start(tmp_path, task)
    out, _ = process.communicate(timeout=120)
    assert out.endswith("finished\n")
    if task in ("applycal", "flagdata"):
        whole = tmp_path / "whole"
        whole.mkdir()
        for name in ("in.ms", "in.cal"):
            shutil.copytree(folder / name, whole / name)
        _start(whole, task).communicate(timeout=120)
        for column in ("FLAG", *(("CORRECTED_DATA",) if task == "applycal" else ())):
            assert np.array_equal(_column(tmp_path / "in.ms", column), _column(whole / "in.ms", column))


@pytest.mark.slow
@pytest.mark.parametrize("task", ["split", "uvcontsub"])
def test_killed(folder: Path, tmp_path: Path, task: str) -> None:
    """After kill -9 nothing has the output's name, the input is as it was, and the task can be run again."""
    shutil.copytree(folder / "in.ms", tmp_path / "in.ms")
    before = _column(tmp_path / "in.ms", "DATA")
    for delay in (0.9, 0.6, 0.4, 0.25, 0.15, 0.08):
        process = _start(tmp_path, task)
        time.sleep(delay)
        process.kill()
        out, _ = process.communicate(timeout=60)
        if "finished" not in out and not (tmp_path / "out.ms").exists():
            break
        shutil.rmtree(tmp_path / "out.ms")
    else:
        pytest.fail(f"{task} was over before it could be killed")
    assert np.array_equal(_column(tmp_path / "in.ms", "DATA"), before)
    out, _ = _start(tmp_path, task).communicate(timeout=120)
    assert out.endswith("finished\n") and _is_whole(tmp_path)


def test_the_next_run_removes_what_a_killed_one_has_left(folder: Path) -> None:
    """kill -9: nothing stands at the output's name, and the next run for the same output clears up."""
    for _ in range(5):
        process = _start(folder, "uvcontsub")
        until = time.monotonic() + 20
        while not list(folder.glob(".out.ms.part-*")) and time.monotonic() < until and process.poll() is None:
            time.sleep(0.002)
        process.kill()
        process.communicate()
        if list(folder.glob(".out.ms.part-*")):
            break
        shutil.rmtree(folder / "out.ms")  # it was too quick
    assert len(list(folder.glob(".out.ms.part-*"))) == 1 and not (folder / "out.ms").exists()
    casatasks.split(vis=str(folder / "in.ms"), outputvis=str(folder / "out.ms"), datacolumn="data")
    assert list(folder.glob(".out.ms.part-*")) == [] and _is_whole(folder)
    shutil.rmtree(folder / "out.ms")
