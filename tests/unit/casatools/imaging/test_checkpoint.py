"""Killed imaging runs go on to the images of an undisturbed one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatasks import tclean
from casatools._base import log
from casatools.imaging.checkpoint import Checkpoint
from casatools.imaging.cycle_control import CycleControl, CycleOptions
from casatools.simulation.demo import DemoOptions, make_demo
from support.images import pixels

FIELD = {"vis": "sim.ms", "field": "0", "imsize": 64, "cell": "12arcsec", "weighting": "natural", "niter": 120, "cycleniter": 40}
AUTO = {"usemask": "auto-multithresh", "sidelobethreshold": 1.0, "noisethreshold": 3.0}
KINDS = {
    "automatic masks": {"specmode": "mfs", **AUTO},
    "terms": {"specmode": "mfs", "deconvolver": "mtmfs", "nterms": 2},
    "cube": {"specmode": "cube", "nchan": 2, "width": 2},
    "cube of the data": {"specmode": "cubedata", "nchan": 2, "deconvolver": "clark"},
    "virtual cube": {"specmode": "mvc", "nchan": 3, "deconvolver": "mtmfs", "nterms": 2, "niter": 30, "cycleniter": 10},
    "w and scales": {"gridder": "wproject", "deconvolver": "multiscale", "scales": [0, 3]},
    "stokes together": {"deconvolver": "clarkstokes", "stokes": "IV"},
    "entropy": {"deconvolver": "mem", "niter": 20, "cycleniter": 6},
    "adaptive scales": {"deconvolver": "asp", "niter": 20, "cycleniter": 6},
    "mosaic": {"gridder": "mosaic", "pblimit": 0.1},
    "mosaic of terms": {"gridder": "mosaic", "pblimit": 0.1, "deconvolver": "mtmfs", "nterms": 2, "niter": 30, "cycleniter": 10},
    "mosaic cube": {"gridder": "mosaic", "pblimit": 0.1, "specmode": "cube", "nchan": 2, "usemask": "pb", "pbmask": 0.3},
    "apertures": {"gridder": "awproject", "pblimit": 0.1, "niter": 30, "cycleniter": 10},
    "outlier": {"outlierfile": "outlier.txt"},
}


class Killed(Exception):
    pass


@pytest.fixture(autouse=True)
def _data() -> None:
    make_demo("sim.ms", DemoOptions(antennas_per_arm=5, cycles=1, nchan=5))
    Path("outlier.txt").write_text("imagename=outer\nimsize=[32,32]\ncell=12arcsec\nphasecenter=J2000 13h31m20s +30d30m33s\n")


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setattr(log, "post", lambda message, *more: found.append(message))
    return found


def kill_after(monkeypatch: pytest.MonkeyPatch, cycles: int) -> None:
    """The run ends without a word after so many major cycles with a minor one before them."""
    save, left = Checkpoint.save, [cycles]

    def killed(self: Checkpoint, *given: Any) -> None:
        save(self, *given)
        left[0] -= 1
        if not left[0]:
            raise Killed

    monkeypatch.setattr(Checkpoint, "save", killed)


@pytest.mark.parametrize("kind", KINDS)
def test_a_killed_run_goes_on_to_the_same_images(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given = FIELD | KINDS[kind]
    # Several threads of the gridder differ in the last bits; one makes the two runs comparable bit by bit.
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    whole = tclean(imagename="whole", **given)
    assert whole["nmajordone"] > 2
    for name in [n for n in os.listdir() if n.startswith("outer.")]:
        shutil.rmtree(name)
    with monkeypatch.context() as patch:
        kill_after(patch, 2)
        with pytest.raises(Killed):
            tclean(imagename="d", **given)
    assert sorted(n for n in os.listdir() if n.startswith(("d.", "outer."))) == ["d.checkpoint"]
    record = tclean(imagename="d", **given)
    assert not os.path.exists("d.checkpoint")
    assert record["nmajordone"] == whole["nmajordone"] and record["iterdone"] == whole["iterdone"]
    assert record["summarymajor"].tolist() == whole["summarymajor"].tolist()
    assert record["summaryminor"].keys() == whole["summaryminor"].keys()
    term = ".tt0" if "nterms" in given else ""
    np.testing.assert_array_equal(pixels("d.mask"), pixels("whole.mask"))
    for name in (f"image{term}", f"model{term}", f"residual{term}"):
        np.testing.assert_array_equal(pixels(f"d.{name}"), pixels(f"whole.{name}"))


def test_more_iterations_may_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        kill_after(patch, 1)
        with pytest.raises(Killed):
            tclean(imagename="d", **FIELD)
    assert tclean(imagename="d", **(FIELD | {"niter": 60}))["iterdone"] == 60


def test_another_run_does_not_take_it_up(monkeypatch: pytest.MonkeyPatch, said: list[str]) -> None:
    with monkeypatch.context() as patch:
        kill_after(patch, 1)
        with pytest.raises(Killed):
            tclean(imagename="d", **FIELD)
    record = tclean(imagename="d", **(FIELD | {"weighting": "uniform"}))
    assert any("other parameters" in s for s in said) and not any("goes on" in s for s in said)
    assert record["summarymajor"].tolist()[:2] == [0, 40]
    Path("d.checkpoint").write_bytes(b"PK not really")
    tclean(imagename="d", **FIELD)
    assert any("cannot be read" in s for s in said)


def test_no_room_for_it_is_told(monkeypatch: pytest.MonkeyPatch, said: list[str]) -> None:
    def full(*given: Any, **more: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    tclean(imagename="d", **FIELD)
    assert any("cannot be written" in s for s in said)
    assert os.path.isdir("d.image") and not [n for n in os.listdir() if "checkpoint" in n]


def test_a_process_that_is_killed(tmp_path: Path) -> None:
    program = (
        "import os, casatasks\nfrom casatools.imaging.checkpoint import Checkpoint\nsave = Checkpoint.save\n"
        "def killed(self, *given):\n    save(self, *given)\n    os.kill(os.getpid(), 9)\n"
        f"Checkpoint.save = killed\ncasatasks.tclean(imagename='d', **{FIELD!r})\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False, stderr=subprocess.DEVNULL).returncode == -9
    assert tclean(imagename="d", **FIELD)["summarymajor"].tolist()[:3] == [0, 40, 80]


@pytest.mark.parametrize("seed", [1, 2])
def test_a_process_that_is_killed_at_any_moment(seed: int, tmp_path: Path) -> None:
    """Whatever it was doing: the same call ends in the same images and leaves nothing else."""
    given = FIELD | {"niter": 400, "cycleniter": 4}
    moment = np.random.default_rng(seed).uniform(0.05, 0.6)
    program = (
        "import os, threading, casatasks\ncasatasks.tclean\n"
        f"threading.Timer({moment}, os.kill, (os.getpid(), 9)).start()\n"
        f"while True: casatasks.tclean(imagename='d', **{given!r})\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False, stderr=subprocess.DEVNULL).returncode == -9
    before = {n for n in os.listdir() if n.startswith("d.") and os.path.isdir(n)}
    for name in before:
        shutil.rmtree(name)
    tclean(imagename="d", **given)
    tclean(imagename="whole", **given)
    for name in ("image", "model", "residual", "psf"):
        np.testing.assert_allclose(pixels(f"d.{name}"), pixels(f"whole.{name}"), atol=1e-6)
    assert {n[1:] for n in os.listdir() if n.startswith("d.")} == {n[5:] for n in os.listdir() if n.startswith("whole.")}
    assert not [n for n in os.listdir() if n.startswith(".")]


def test_the_counts_come_back() -> None:
    control = CycleControl(CycleOptions(niter=9))
    control.after_major()
    control.add_plane(1, 0, {"iterDone": 4.0}, 2)
    control.after_minor(4)
    control.stops(0.5, False, False)
    other = CycleControl(CycleOptions(niter=9))
    other.restore(control.state())
    assert other == control
