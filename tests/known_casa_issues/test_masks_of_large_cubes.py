"""PHANGS pipeline #182: writing the mask of a large cube crashed; here a whole mask is written and read back in a bounded share of memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

# The pipeline's steps: a mask of integers into a copy of the image, and the mask in force; of 50 million pixels (200 MB of floats).
SCRIPT = """
import json, sys
import numpy as np
from casatools import image, logsink
from support.memory import forget_peak, peak_mb
logsink().setMemoryTotal(200)
shape = [500, 400, 1, 250]
ia = image()
ia.fromshape("small.mask", [50, 40, 1, 25])
ia.putchunk(np.ones([50, 40, 1, 25], np.int32))
ia.putregion(pixelmask=np.ones([50, 40, 1, 25], bool))
ia.done()
mask = np.zeros(shape, np.int32, order="F")
mask[100:300, 50:350, 0, 20:200] = 1
mask[499, 399, 0, 249] = 1
keep = np.asfortranarray(mask == 1)
forget_peak()
before = peak_mb()
ia.fromshape("cube.mask", shape)
ia.putchunk(mask)
ia.putregion(pixelmask=keep)
taken = peak_mb() - before
del mask
back, good = ia.getchunk(), ia.getchunk(getmask=True)
same = back.shape == keep.shape == good.shape and bool((back == keep).all()) and bool((good == keep).all())
found = ia.statistics()
ia.done()
json.dump({"taken": taken, "same": same, "npts": float(found["npts"][0]), "sum": float(found["sum"][0])}, open("found.json", "w"))
"""


def test_the_mask_of_a_large_cube(tmp_path: Path) -> None:
    places = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": places},
    )
    assert run.returncode == 0, run.stderr
    found = json.loads((tmp_path / "found.json").read_text())
    count = 200 * 300 * 180 + 1
    assert found["same"] and found["npts"] == found["sum"] == count
    assert found["taken"] < 150, found  # MB: less than the cube, and than a copy of it in another type
