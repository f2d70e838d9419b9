"""Primary beams of telescopes, and of users' tables, are the reference's to a hundredth of the peak (needs CASA_ORACLE)."""

from __future__ import annotations

import pickle
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatools import table
from casatools.simulation.demo import DemoOptions, make_demo
from support.shared import oracle_python, run_python

SCRIPT = """
import pickle, sys
import numpy as np
from casatasks import tclean
from casatools import image, vpmanager
who, out, ia = sys.argv[1], {}, image()
vp = vpmanager()
vp.reset()
vp.setpbpoly(telescope="OWN", coeff=[1.0, -1.3e-3, 6.0e-7], maxrad="20arcmin", reffreq="1.4GHz")
vp.saveastable(f"{who}_poly.vp")
vp.reset()
vp.setpbgauss(telescope="OWN", halfwidth="13arcmin", maxrad="60arcmin", reffreq="1.5GHz", isthispb="PB")
vp.saveastable(f"{who}_gauss.vp")
vp.reset()
for name, (path, cell, patterns) in pickle.load(open("work.pkl", "rb")).items():
    base = f"{who}_{name}".replace(" ", "_")
    tclean(
        vis=path, imagename=base, field="0", imsize=256, cell=cell, niter=0, pblimit=0.05, datacolumn="data", restoration=False,
        vptable=patterns.replace("WHO", "theirs" if who == "ours" else "ours"),
    )
    ia.open(base + ".pb")
    values, good = np.asarray(ia.getchunk())[:, :, 0, 0], np.asarray(ia.getchunk(getmask=True))[:, :, 0, 0]
    out[name] = np.where(good, values, 0.0)
    ia.done()
pickle.dump(out, open(f"{who}.pkl", "wb"))
"""
# Telescope, frequency and diameter of the dishes.
TELESCOPES: dict[str, tuple[str, float, float]] = {
    "evla": ("EVLA", 1.5e9, 25.0), "alma": ("ALMA", 100e9, 12.0), "atca": ("ATCA", 2.4e9, 22.0), "wsrt": ("WSRT", 1.4e9, 25.0),
    "atca c": ("ATCA", 6.5e9, 22.0), "atca k": ("ATCA", 18e9, 22.0),
    "gmrt": ("GMRT", 0.61e9, 45.0), "meerkat": ("MeerKAT", 1.28e9, 13.5), "vla": ("VLA", 8.4e9, 25.0),
}  # fmt: skip


def observe(name: str, telescope: str, hz: float, diameter_m: float) -> str:
    """The observation of another telescope, at another frequency."""
    path = f"{name}.ms".replace(" ", "_")
    shutil.copytree("plain.ms", path)
    tb = table()
    for part, column, value in (("OBSERVATION", "TELESCOPE_NAME", telescope), ("ANTENNA", "DISH_DIAMETER", diameter_m)):
        tb.open(f"{path}/{part}", nomodify=False)
        tb.putcol(column, [value] * tb.nrows())
        tb.done()
    tb.open(f"{path}/SPECTRAL_WINDOW", nomodify=False)
    frequencies = tb.getcol("CHAN_FREQ")
    tb.putcol("CHAN_FREQ", frequencies - frequencies.mean() + hz)
    tb.putcol("REF_FREQUENCY", np.full(tb.nrows(), hz))
    tb.done()
    return path


def test_beams(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables are written by one and read by the other."""
    python = oracle_python()
    monkeypatch.chdir(tmp_path)
    make_demo("plain.ms", DemoOptions(antennas_per_arm=2, cycles=1, nchan=2))
    work: dict[str, tuple[str, str, Any]] = {}
    for name, (telescope, hz, diameter) in TELESCOPES.items():
        cell = float(np.rad2deg(299792458.0 / hz / diameter / 80.0) * 3600.0)
        work[name] = observe(name, telescope, hz, diameter), f"{cell}arcsec", ""
    own = observe("own", "OWN", 1.4e9, 25.0)
    Path("work.pkl").write_bytes(pickle.dumps({}))
    for label, interpreter in (("ours", sys.executable), ("theirs", python)):
        run_python(interpreter, SCRIPT, label)
    work |= {kind: (own, "60arcsec", f"WHO_{kind}.vp") for kind in ("poly", "gauss")}
    for kind in ("poly", "gauss"):
        for who in ("ours", "theirs"):
            assert Path(f"{who}_{kind}.vp").is_dir()
    Path("work.pkl").write_bytes(pickle.dumps(work))
    found = []
    for label, interpreter in (("ours", sys.executable), ("theirs", python)):
        for kind in ("poly", "gauss"):
            shutil.copytree(f"{label}_{kind}.vp", f"kept_{label}_{kind}.vp")
        run_python(interpreter, SCRIPT.replace('vp.saveastable(f"{who}_', 'vp.saveastable(f"again_{who}_'), label)
        found.append(pickle.loads(Path(f"{label}.pkl").read_bytes()))
    ours, theirs = found
    for name in work:
        seen = (ours[name] > 0.1) & (theirs[name] > 0.1)
        assert ours[name][128, 128] == pytest.approx(1.0, abs=1e-4) and 300 < seen.sum() < 60000, name
        assert float(np.abs(ours[name] - theirs[name])[seen].max()) < 0.01, name
        # Which pixels are above a tenth: those on the edge may fall to either side.
        assert abs(int((ours[name] > 0.1).sum()) - int((theirs[name] > 0.1).sum())) < 0.05 * seen.sum(), name
