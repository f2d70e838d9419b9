"""ft and predictcomp beside the reference: models of images, terms, cubes and component lists, of selected channels, added up (needs CASA_ORACLE)."""

from __future__ import annotations

import pickle
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatasks import tclean
from casatools import componentlist, table
from casatools.simulation.demo import DemoOptions, make_demo
from support.shared import oracle_python, run_python

SCRIPT = """
import os, pickle, shutil, sys
from casatasks import ft, predictcomp
from casatools import table
who, out = sys.argv[1], {}
for name, calls in pickle.load(open("work.pkl", "rb")).items():
    shutil.rmtree(who + ".ms", ignore_errors=True)
    shutil.copytree("demo.ms", who + ".ms")
    for call in calls:
        ft(vis=who + ".ms", field="2", usescratch=True, **call)
    tb = table()
    tb.open(who + ".ms")
    out[name] = tb.getcol("MODEL_DATA")
    tb.close()
os.mkdir(who)
body = {"standard": "Butler-JPL-Horizons 2012", "minfreq": "90GHz", "maxfreq": "100GHz", "nfreqs": 2, "prefix": who + "/", "showplot": False}
out["bodies"] = [predictcomp(objname=name, epoch=epoch, **body) for name, epoch in (("Ganymede", "2014/03/03/12:30"), ("Uranus", "2012/10/15/03:00:00"))]
pickle.dump(out, open(who + ".pkl", "wb"))
"""
CALLS: dict[str, list[dict[str, Any]]] = {
    "image": [{"model": "one.model"}],
    "terms": [{"model": ["two.model.tt0", "two.model.tt1"], "nterms": 2, "reffreq": "1.41GHz"}],
    "cube": [{"model": "cube.model"}],
    "hands": [{"model": "hands.model"}],
    "components": [{"complist": "some.cl"}],
    "channels": [{"model": "cube.model", "spw": "0:1~2"}],
    "added": [{"model": "cube.model"}, {"model": "cube.model", "incremental": True}],
}


def make_models() -> None:
    """A sky of three points near the centre, its images and a component list."""
    make_demo("demo.ms", DemoOptions(antennas_per_arm=5, cycles=1, nchan=5))
    given: dict[str, Any] = {
        "vis": "demo.ms", "field": "2", "imsize": 64, "cell": "10arcsec", "datacolumn": "data", "niter": 20, "gain": 0.3, "mask": "circle[[32pix,32pix],8pix]",
    }  # fmt: skip
    tclean(imagename="one", **given)
    tclean(imagename="two", deconvolver="mtmfs", nterms=2, reffreq="1.4134GHz", **given)
    tclean(imagename="cube", specmode="cube", outframe="TOPO", **given)
    tclean(imagename="hands", stokes="IV", **given)
    tb = table()
    tb.open("demo.ms/FIELD")
    lon, lat = np.ravel(tb.getcell("PHASE_DIR", 2))
    tb.close()
    tool = componentlist()
    point = {"shape": "point", "freq": "1.41GHz", "spectrumtype": "spectral index", "index": -0.8}
    tool.addcomponent(flux=[2.0, 0.3, 0.1, 0.05], dir=f"J2000 {lon + 5e-4}rad {lat + 3e-4}rad", **point)
    for shape in ("gaussian", "disk"):
        size = {"majoraxis": "90arcsec", "minoraxis": "40arcsec", "positionangle": "30deg"}
        tool.addcomponent(flux=[1.0, 0, 0, 0], dir=f"J2000 {lon - 4e-4}rad {lat}rad", shape=shape, freq="1.41GHz", **size)
    tool.rename("some.cl")
    tool.done()


def test_models_are_those_of_the_reference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = oracle_python()
    monkeypatch.chdir(tmp_path)
    make_models()
    Path("work.pkl").write_bytes(pickle.dumps(CALLS))
    found = []
    for who, interpreter in (("ours", sys.executable), ("theirs", python)):
        run_python(interpreter, SCRIPT, who)
        found.append(pickle.loads(Path(f"{who}.pkl").read_bytes()))
    tb = table()
    tb.open("demo.ms")
    good = (tb.getcol("FIELD_ID") == 2)[None, None] & ~tb.getcol("FLAG") & (tb.getcol("ANTENNA1") != tb.getcol("ANTENNA2"))
    tb.close()
    wrong = {}
    for name in CALLS:
        ours, theirs = (made[name] for made in found)
        # In the reference an image of one channel does not serve the last channels, and channels of the cube without a component have no model in both.
        seen = good & (theirs != 0)
        scale = float(np.abs(theirs[seen]).max())
        error = float(np.abs(ours - theirs)[seen].max()) / scale
        # Images by the reference's gridder, which leaves out w.
        if seen.sum() < 0.35 * good.sum() or scale < 0.1 or error > (1e-3 if name == "components" else 5e-3):
            wrong[name] = error, scale, int(seen.sum()), int(good.sum())
    assert not wrong
    for mine, wanted in zip(*(made["bodies"] for made in found), strict=True):
        assert Path(mine["clist"]).name == Path(wanted["clist"]).name
        assert np.ravel(mine["spectrum"]["ival"]) == pytest.approx(np.ravel(wanted["spectrum"]["ival"]), rel=0.03)
    shutil.rmtree("theirs")
