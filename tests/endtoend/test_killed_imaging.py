"""kill -9 at any moment of tclean: the same call again, nothing tidied up, ends in the images and the model column of an undisturbed run."""

from __future__ import annotations

import os
import shutil
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
from support.images import pixels

GIVEN: dict[str, Any] = {
    "vis": "sim.ms", "field": "0", "imsize": 128, "cell": "8arcsec", "datacolumn": "data", "weighting": "briggs", "niter": 150, "cycleniter": 5, "savemodel": "modelcolumn",
}  # fmt: skip
KINDS: dict[str, dict[str, Any]] = {
    "continuum": {"usemask": "auto-multithresh", "sidelobethreshold": 1.0, "noisethreshold": 3.0},
    "cube": {"specmode": "cube", "nchan": 3, "cycleniter": 15},
    "terms": {"deconvolver": "mtmfs", "nterms": 2, "niter": 60},
    "mosaic": {"gridder": "mosaic", "pblimit": 0.1},
    "outlier": {"outlierfile": "beside.txt"},
}
RUN = """
import os, sys, threading, casatasks
given = eval(sys.argv[1])
casatasks.tclean
threading.Timer(float(sys.argv[2]), os.kill, (os.getpid(), 9)).start()
casatasks.tclean(imagename="d", **given)
os._exit(0)
"""


def _outlier(imagename: str) -> None:
    """An image beside the main one, with a deconvolver of its own."""
    lines = (f"imagename={imagename}.beside", "imsize=[64,64]", "cell=[8arcsec,8arcsec]", "phasecenter=J2000 13h31m30s 30d45m00s", "deconvolver=clark")  # fmt: skip
    Path("beside.txt").write_text("\n".join(lines))


def _model(path: str) -> np.ndarray:
    tb = table()
    tb.open(path)
    try:
        return np.asarray(tb.getcol("MODEL_DATA"))
    finally:
        tb.close()


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_the_same_call_again(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make_demo("plain.ms", DemoOptions(antennas_per_arm=4, cycles=1, nchan=6))
    given = GIVEN | KINDS[kind]
    shutil.copytree("plain.ms", "sim.ms")
    _outlier("whole")
    began = time.monotonic()
    record = casatasks.tclean(imagename="whole", **given)
    length = time.monotonic() - began
    assert record["nmajordone"] > 3
    model, term = _model("sim.ms"), ".tt0" if "nterms" in given else ""
    _outlier("d")
    images = [f"{name}{term}" for name in ("image", "model", "residual", "psf")] + ["beside.image"] * ("outlierfile" in given)
    random, killed = np.random.default_rng(3), 0
    for share in (random.uniform(0.2, 0.6), random.uniform(0.6, 1.0), random.uniform(0.9, 1.1)):
        shutil.rmtree("sim.ms")
        shutil.copytree("plain.ms", "sim.ms")
        for name in [n for n in os.listdir() if n.startswith("d.")]:
            shutil.rmtree(name) if os.path.isdir(name) else os.remove(name)
        done = subprocess.run(
            [sys.executable, "-c", RUN, repr(given), str(share * length)], check=False, stderr=subprocess.DEVNULL
        )
        assert done.returncode in (0, -9)
        complete = os.path.isdir(f"d.image{term}") and not os.path.exists("d.checkpoint")
        if not complete:
            killed += 1
            casatasks.tclean(imagename="d", **given)
        for name in images:
            found, wanted = pixels(f"d.{name}"), pixels(f"whole.{name}")
            np.testing.assert_allclose(found, wanted, atol=1e-5 * float(np.abs(wanted).max()))
        np.testing.assert_allclose(_model("sim.ms"), model, atol=1e-5 * float(np.abs(model).max()))
        assert {n[1:] for n in os.listdir() if n.startswith("d.")} == {n[5:] for n in os.listdir() if n.startswith("whole.")}
        assert not [n for n in os.listdir() if n.startswith(".")]
    assert killed
