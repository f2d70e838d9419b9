"""Seeded random calls of tclean make the images, masks and records of the reference (needs CASA_ORACLE).

What the reference is known to do otherwise (docs/quirks.md) is left out: optical velocities, planes of w, automatic masks, mosaics' beams, limits of 0.
"""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from support.shared import oracle_python, run_python, unpack

SCRIPT = """
import os, pickle, sys
import numpy as np
from casatasks import tclean
from casatools import image
calls = pickle.load(open("work.pkl", "rb"))
os.mkdir(sys.argv[1])
out = []
for number, call in enumerate(calls):
    base = f"{sys.argv[1]}/{number}"
    record = tclean(imagename=base, **call)
    made = {"iterdone": record["iterdone"], "peaks": record["summaryminor"][0]}
    ia = image()
    for kind in ("psf", "sumwt", "pb", "residual", "model", "image"):
        ia.open(f"{base}.{kind}")
        made[kind] = np.asarray(ia.getchunk()), np.asarray(ia.getchunk(getmask=True))
        if kind == "image":
            axis = ia.coordsys().torecord()["spectral2"]["wcs"]
            made["axis"] = axis["crval"], axis["cdelt"]
            beam = ia.restoringbeam()
            beams = [b["*0"] for b in beam["beams"].values()] if "beams" in beam else [beam]
            made["beams"] = [[b["major"]["value"], b["minor"]["value"]] for b in beams]
        ia.done()
    out.append(made)
pickle.dump(out, open(sys.argv[1] + ".pkl", "wb"))
"""
DATA: dict[str, dict[str, Any]] = {
    "line.ms": {"field": "0", "cell": "12arcsec", "imsize": 80},
    "mosaic.ms": {"cell": "1arcsec", "imsize": 128, "phasecenter": "J2000 4.0rad -0.4rad", "stokes": "I"},
}


class Draw:
    """Random parameters."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)

    def one(self, *choices: Any) -> Any:
        return choices[int(self.random.integers(len(choices)))]

    def call(self, name: str) -> dict[str, Any]:
        made: dict[str, Any] = {
            "vis": name,
            "datacolumn": "data",
            "pbcor": False,
            "pblimit": self.one(0.2, 0.1, -0.1),
            **DATA[name],
        }
        if name == "line.ms":
            made |= {"spw": self.one("", "0:4~24"), "stokes": self.one("I", "I", "V", "RR", "RRLL", "IV")}
            made |= {"niter": self.one(0, 0, 20, 40), "deconvolver": self.one("hogbom", "clark")}
        else:
            made |= {"field": self.one("", "0", "0,1", "1,2"), "niter": 0}
        scheme = self.one("natural", "uniform", "briggs", "superuniform", "radial", "briggsabs")
        made |= {
            "weighting": scheme,
            "robust": self.one(-1.0, 0.0, 0.5),
            "noise": "0.1Jy",
            "specmode": self.one("mfs", "cube", "cube"),
        }
        if self.random.random() < 0.3:
            made["uvtaper"] = [self.one("60arcsec", "1klambda") if name == "line.ms" else "6arcsec"]
        if made["specmode"] == "cube":
            made |= {"nchan": self.one(1, 2, 3), "start": self.one(1, 6, 10) if name == "line.ms" else 0, "width": 1}
            made |= {"outframe": self.one("LSRK", "BARY", "TOPO", "LSRD"), "interpolation": self.one("linear", "nearest")}
            made["perchanweightdensity"] = self.one(True, False)
        return made


def differences(call: dict[str, Any], ours: dict[str, Any], theirs: dict[str, Any]) -> list[str]:
    """What is not as it should be: dirty images agree to a thousandth of the peak in the inner half, cleaned ones to a hundredth."""
    wrong = []
    if ours["iterdone"] != theirs["iterdone"]:
        wrong.append(f"iterdone {ours['iterdone']} {theirs['iterdone']}")
    if not np.allclose(ours["axis"], theirs["axis"], rtol=1e-9):
        wrong.append(f"axis {ours['axis']} {theirs['axis']}")
    if not np.allclose(ours["beams"], theirs["beams"], rtol=2e-3):
        wrong.append(f"beams {ours['beams']} {theirs['beams']}")
    for kind in ("psf", "sumwt", "pb", "residual", "model", "image"):
        (a, seen), (b, wanted) = ours[kind], theirs[kind]
        if a.shape != b.shape:
            wrong.append(f"{kind} {a.shape} {b.shape}")
            continue
        # The limit of the beam runs between pixels: a few on it may fall to either side.
        if (seen != wanted).sum() > 0.003 * seen.size:
            wrong.append(f"{kind} mask {(seen != wanted).sum()} of {seen.size}")
        quarter = a.shape[0] // 4
        inner = np.s_[quarter : a.shape[0] - quarter or None, quarter : a.shape[1] - quarter or None]
        limit = {"model": 0.03, "pb": 8e-3}.get(kind, 1e-2 if call["niter"] and kind in ("residual", "image") else 2e-3)
        scale = float(np.abs(theirs["image"][0]).max()) if kind in ("residual", "model") else float(np.abs(b).max())
        error = float(np.abs(np.where(seen & wanted, a - b, 0)[inner]).max()) / scale
        if error > limit:
            wrong.append(f"{kind} {error:.1e}")
    if not call["niter"]:
        for chan, planes in theirs["peaks"].items():
            for plane, record in planes.items():
                if not np.allclose(ours["peaks"][chan][plane]["peakRes"], record["peakRes"], rtol=5e-3):
                    wrong.append(f"peakRes {ours['peaks'][chan][plane]['peakRes']} {record['peakRes']}")
    return wrong


def test_random_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = oracle_python()
    monkeypatch.chdir(tmp_path)
    draw, calls = Draw(5), []
    for name, count in (("line.ms", 12), ("mosaic.ms", 3)):
        unpack(name, tmp_path)
        calls += [draw.call(name) for _ in range(count)]
    Path("work.pkl").write_bytes(pickle.dumps(calls))
    found = []
    for label, interpreter in (("ours", sys.executable), ("theirs", python)):
        run_python(interpreter, SCRIPT, label)
        found.append(pickle.loads(Path(f"{label}.pkl").read_bytes()))
    wrong = [(call, bad) for call, ours, theirs in zip(calls, *found, strict=True) if (bad := differences(call, ours, theirs))]
    assert not wrong, "\n".join(f"{call}: {bad}" for call, bad in wrong)
    assert {"superuniform", "uniform", "briggs"} <= {call["weighting"] for call in calls}
