"""A cube whose planes exceed the memory that was set is cleaned within it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

# Planes of 110 channels of 400 x 400 pixels: 70 MB of each of residual, point spread function and model, beside masks, beams and what is restored.
SCRIPT = """
import json
from casatasks import tclean
from casatools import logsink
from casatools.simulation.demo import DemoOptions, make_demo
from support.memory import forget_peak, peak_mb
make_demo("sim.ms", DemoOptions(antennas_per_arm=3, cycles=1, nchan=110))
logsink().setMemoryTotal(100)
ways = dict(vis="sim.ms", field="0", cell="12arcsec", specmode="cube", outframe="LSRK", datacolumn="data", niter=5, cycleniter=2, pbcor=True)
tclean(imagename="small", imsize=400, nchan=2, **ways)  # kernels are compiled here, which takes memory too
forget_peak()
before = peak_mb()
done = tclean(imagename="large", imsize=400, **ways)
json.dump({"taken": peak_mb() - before, "iterations": done["iterdone"]}, open("found.json", "w"))
"""


def test_a_cube_beyond_the_memory_that_was_set(tmp_path: Path) -> None:
    places = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": places},
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["iterations"] > 0
    assert found["taken"] < 150, found  # MB; the planes of the products alone are six times 70
