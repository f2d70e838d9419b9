"""sdintimaging once could not run twice at the same time in one folder: its temporary images had fixed names."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from casatasks import imsmooth, tclean
from casatools import image
from casatools.simulation.demo import DemoOptions, make_demo

WAYS = {"vis": "sim.ms", "field": "0", "imsize": 64, "cell": "12arcsec", "specmode": "cube", "outframe": "TOPO", "niter": 10}


def _run(name: str) -> subprocess.Popen[bytes]:
    code = f"from casatasks import sdintimaging; sdintimaging(sdimage='dish.image', imagename={name!r}, datacolumn='data', **{WAYS!r})"
    return subprocess.Popen([sys.executable, "-c", code])


def _residual(name: str) -> np.ndarray:
    ia = image()
    ia.open(f"{name}.joint.cube.residual")
    try:
        return np.asarray(ia.getchunk())
    finally:
        ia.close()


def test_two_runs_at_the_same_time_in_one_folder_give_the_same_images(tmp_path: Path) -> None:
    assert Path.cwd() == tmp_path
    make_demo("sim.ms", DemoOptions(antennas_per_arm=4, cycles=1, nchan=3))
    tclean(imagename="vla", datacolumn="data", **WAYS)
    imsmooth("vla.image", kernel="gauss", major="180arcsec", minor="180arcsec", pa="0deg", targetres=True, outfile="dish.image")
    before = set(os.listdir())
    runs = [_run("a"), _run("b")]
    assert [run.wait() for run in runs] == [0, 0]
    np.testing.assert_allclose(_residual("a"), _residual("b"), atol=1e-6)
    made = {name for name in set(os.listdir()) - before if not name.startswith("casa")}
    assert made and all(name.startswith(("a.", "b.")) for name in made)
