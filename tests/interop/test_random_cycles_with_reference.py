"""Seeded random limits of the cycles and automatic masks do what they do in the reference: iterations, stop codes, records, masks (needs CASA_ORACLE)."""

from __future__ import annotations

import pickle
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
from casatools import image
calls = pickle.load(open("work.pkl", "rb"))
out = []
for number, call in enumerate(calls):
    base = f"{sys.argv[1]}{number}"
    record = tclean(imagename=base, **call)
    ia = image()
    ia.open(base + ".mask")
    out.append({"record": record, "mask": np.asarray(ia.getchunk())})
    ia.done()
pickle.dump(out, open(sys.argv[1] + ".pkl", "wb"))
"""
SIZE, CELL_ARCSEC = 64, 15.0
FIELD: dict[str, Any] = {
    "vis": "demo.ms", "field": "2", "imsize": SIZE, "cell": f"{CELL_ARCSEC}arcsec", "datacolumn": "data", "pblimit": 0.1, "restoration": False,
}  # fmt: skip
# Pixels to the east and north, flux density [Jy] and width [rad].
SOURCES = ((-9, 6, 2.0, 0.0), (11, -8, 1.0, 0.0), (3, 4, 1.5, np.deg2rad(60.0 / 3600)), (-4, -14, 0.3, 0.0), (16, 12, -0.2, 0.0))


class Draw:
    """Random parameters."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)

    def one(self, *choices: Any) -> Any:
        return choices[int(self.random.integers(len(choices)))]

    def limits(self) -> dict[str, Any]:
        """A run with limits of its cycles."""
        made: dict[str, Any] = {
            "niter": self.one(1, 7, 40, 150, 300),
            "gain": self.one(0.1, 0.2),
            "threshold": self.one("0.0Jy", "0.05Jy", "0.2Jy", "1.1Jy"),
            "nsigma": self.one(0.0, 0.0, 3.0, 6.0),
            "cycleniter": self.one(-1, -1, 5, 30),
            "cyclefactor": self.one(0.5, 1.0, 1.0, 3.0),
            "minpsffraction": self.one(0.05, 0.05, 0.3),
            "maxpsffraction": self.one(0.8, 0.8, 0.4),
            "nmajor": self.one(-1, -1, 1, 2, 4),
            "fullsummary": self.one(False, True),
            "deconvolver": self.one("hogbom", "hogbom", "multiscale", "mtmfs"),
            "specmode": "mfs",
            "stokes": self.one("I", "I", "IV"),
            "mask": self.one("", "circle[[32pix,32pix],14pix]"),
        }
        if made["deconvolver"] == "multiscale":
            made["scales"] = [0, 3]
        if made["deconvolver"] == "mtmfs":
            made |= {"nterms": 1, "stokes": "I", "deconvolver": "hogbom", "specmode": "cube", "nchan": 2, "start": 1}
        return made

    def masks(self) -> dict[str, Any]:
        """A run with masks made from its residuals."""
        return {
            "usemask": "auto-multithresh",
            "niter": self.one(60, 200),
            "gain": 0.2,
            "threshold": self.one("0.0Jy", "0.1Jy"),
            "nmajor": self.one(2, 3, 4),
            "pbmask": self.one(0.0, 0.0, 0.4),
            "sidelobethreshold": self.one(0.5, 1.0, 2.0, 3.0),
            "noisethreshold": self.one(3.0, 5.0, 8.0),
            "lownoisethreshold": self.one(1.5, 2.5),
            "negativethreshold": self.one(0.0, 0.0, 4.0),
            "smoothfactor": self.one(0.5, 1.0, 1.5),
            "minbeamfrac": self.one(0.1, 0.3, 1.0),
            "cutthreshold": self.one(0.01, 0.1, 0.4),
            "growiterations": self.one(0, 5, 75),
            "dogrowprune": self.one(True, False),
            "minpercentchange": self.one(-1.0, -1.0, 0.0, 5.0),
            "fastnoise": self.one(True, False),
            "specmode": self.one("mfs", "cube"),
            "nchan": 2,
            "start": 1,
            "stokes": self.one("I", "I", "IV"),
        }


def observe(noise_jy: float) -> None:
    """Sources and noise in field 2 of ``demo.ms``."""
    make_demo("demo.ms", DemoOptions(antennas_per_arm=5, cycles=2, nchan=4))
    tb = table()
    tb.open("demo.ms/SPECTRAL_WINDOW")
    freq = tb.getcol("CHAN_FREQ")[:, :1]
    tb.close()
    tb.open("demo.ms", nomodify=False)
    uvw, cell = tb.getcol("UVW"), np.deg2rad(CELL_ARCSEC / 3600)
    seen = np.zeros((len(freq), uvw.shape[1]), complex)
    for east, north, flux, width in SOURCES:
        l, m = east * cell, north * cell
        path = uvw[0] * l + uvw[1] * m + uvw[2] * (np.sqrt(1.0 - l * l - m * m) - 1.0)
        size = np.pi * width * np.hypot(uvw[0], uvw[1]) * freq / 299792458.0
        seen += flux * np.exp(-(size**2) / (4 * np.log(2)) + 2j * np.pi * freq * path / 299792458.0)
    rng = np.random.default_rng(2)
    noise = rng.standard_normal((2, 2, *seen.shape))
    tb.putcol("DATA", (seen[None] + noise_jy * (noise[0] + 1j * noise[1])).astype(np.complex64))
    tb.putcol("FLAG", np.zeros((2, *seen.shape), bool))
    tb.close()


def both(calls: list[dict[str, Any]]) -> list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]]:
    """Calls and what ours and the reference make of them."""
    Path("work.pkl").write_bytes(pickle.dumps([FIELD | call for call in calls]))
    found = []
    for label, interpreter in (("ours", sys.executable), ("theirs", oracle_python())):
        run_python(interpreter, SCRIPT, label)
        found.append(pickle.loads(Path(f"{label}.pkl").read_bytes()))
    return list(zip(calls, *found, strict=True))


def outcome_differences(ours: dict[str, Any], theirs: dict[str, Any]) -> list[str]:
    """How two runs ended otherwise."""
    return [
        f"{key} {ours[key]} {theirs[key]}" for key in ("nmajordone", "stopcode", "stopDescription") if ours[key] != theirs[key]
    ]


def record_differences(ours: dict[str, Any], theirs: dict[str, Any], rtol: float) -> list[str]:
    """What two records of iterations differ in."""
    wrong = [f"keys {sorted(ours.keys() ^ theirs.keys())}"] if ours.keys() != theirs.keys() else []
    exact = ("iterdone", "nmajordone", "stopcode", "stopDescription", "niter", "cycleniter")
    near = ("cyclethreshold", "maxpsfsidelobe", "threshold", "nsigma", "cyclefactor")
    different = [key for key in exact if ours[key] != theirs[key]]
    different += [key for key in near if not np.isclose(ours[key], theirs[key], rtol=rtol, atol=1e-6)]
    wrong += [f"{key} {ours[key]} {theirs[key]}" for key in different]
    if list(ours["summarymajor"]) != list(theirs["summarymajor"]):
        wrong.append(f"summarymajor {ours['summarymajor']} {theirs['summarymajor']}")
    if wrong:
        return wrong
    one, other = ours["summaryminor"], theirs["summaryminor"]
    if one.keys() != other.keys():
        return [f"summaryminor {one.keys()} {other.keys()}"]
    for field in one:
        if one[field].keys() != other[field].keys():
            wrong.append(f"planes {one[field].keys()} {other[field].keys()}")
            continue
        for chan, planes in one[field].items():
            for pol, entry in planes.items():
                wanted = other[field][chan][pol]
                if entry.keys() != wanted.keys():
                    wrong.append(f"entries {sorted(entry.keys() ^ wanted.keys())}")
                wrong += [
                    f"{key} {np.round(entry[key], 4)} {np.round(wanted[key], 4)}"
                    for key in ("iterDone", "peakRes", "modelFlux", "cycleThresh", "startIterDone", "startPeakRes", "peakResNM")
                    if key in entry and key in wanted and not np.allclose(entry[key], wanted[key], rtol=rtol, atol=2e-3)
                ]
    return wrong


@pytest.mark.parametrize("seed", [0])
def test_limits_of_cycles(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    oracle_python()
    observe(0.02)
    draw, found = Draw(seed), []
    for call, ours, theirs in both([draw.limits() for _ in range(10)]):
        # Of two planes multi-scale's components of alike merit may change places: one iteration more or less.
        loose = call["deconvolver"] == "multiscale" and call["stokes"] == "IV"
        given = ours["record"], theirs["record"]
        bad = outcome_differences(*given) if loose else record_differences(*given, 2e-2)
        if loose and abs(given[0]["iterdone"] - given[1]["iterdone"]) > 1:
            bad.append(f"iterdone {given[0]['iterdone']} {given[1]['iterdone']}")
        if bad:
            found.append((call, bad))
    assert not found, "\n".join(f"{call}: {bad}" for call, bad in found)


@pytest.mark.parametrize("seed", [0])
def test_masks_made_from_residuals(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    oracle_python()
    observe(0.05)
    draw, wrong = Draw(100 + seed), []
    for call, ours, theirs in both([draw.masks() for _ in range(8)]):
        bad = outcome_differences(ours["record"], theirs["record"])
        a, b = ours["mask"] > 0, theirs["mask"] > 0
        if (a != b).sum() > 0.05 * max(a.sum(), b.sum(), 50):
            bad.append(f"mask {a.sum()} {b.sum()} differ in {(a != b).sum()}")
        if bad:
            wrong.append((call, bad))
    assert not wrong, "\n".join(f"{call}: {bad}" for call, bad in wrong)
