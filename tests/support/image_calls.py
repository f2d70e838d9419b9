"""Calls of image tools and tasks that one script runs under ours and the reference, on images that it makes, and what of their results differs."""

from __future__ import annotations

import json
import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np

from support.shared import oracle_python, run_python

__all__ = ["assert_same_calls", "found_differences"]

RUN = r"""
import json, os, pickle, shutil, sys
import numpy as np
import casatasks as t
from casatools import componentlist, coordsys, image, imagepol, linearmosaic, measures, regionmanager
place, calls, out = sys.argv[1:4]
os.makedirs(place)
os.chdir(place)

def system(stokes, start, step, rest=None, cell=-2.0):
    cs = coordsys().newcoordsys(direction=True, stokes=stokes, spectral=True)
    cs.setunits(["arcsec", "arcsec"], type="direction")
    cs.setincrement([cell, abs(cell)], type="direction")
    cs.setreferencevalue([108000.0, -90000.0], type="direction")
    cs.setreferencevalue([start], type="spectral")
    cs.setincrement([step], type="spectral")
    cs.setreferencepixel([0], type="spectral")
    cs.setepoch(measures().epoch("UTC", "2020/02/03/04:05:06"))
    if rest:
        cs.setrestfrequency(rest)
    return cs

def make(name, values, cs, mask=None, beams=False, kind=np.float32):
    ia = image()
    ia.fromarray(name, values.astype(kind), csys=cs.torecord(), type="d" if kind in (np.float64, np.complex128) else "f")
    if name[0] not in "ld":  # ours keeps unit and beam of a mosaic's images; the reference gives none to those of doubles
        ia.setbrightnessunit("Jy/beam")
    if beams:
        for c in range(values.shape[3]):
            ia.setrestoringbeam(f"{6 - .1 * c}arcsec", f"{4.5 - .1 * c}arcsec", f"{25 + c}deg", channel=c, polarization=0)
    elif name[0] not in "lqd":
        ia.setrestoringbeam("6arcsec", "4.5arcsec", "25deg")
    if mask is not None:
        ia.putregion(pixelmask=mask)
    ia.done()

noise = np.random.default_rng(1)
x, y = np.arange(22)[:, None], np.arange(18)[None, :]
source = 5 * np.exp(-((x - 10) ** 2 / 12 + (y - 9) ** 2 / 8))
line = np.exp(-((np.arange(12) - 5) ** 2) / 6)
values = source[:, :, None, None] * line + 0.2 * noise.normal(size=(22, 18, 1, 12))
cs = system(["I"], 1.42e9, 1.2e5, 1.4204e9)
cs.setreferencepixel([11, 9], type="direction")
make("m.im", values, cs)
make("c.im", values + .1, cs, noise.uniform(size=values.shape) > .08)
make("b.im", values[:18, :16, :, :4], cs, beams=True)
make("p.im", values[:, :, :, 5:6], cs)
make("k.im", values[:20, :16, :, :6], cs, noise.uniform(size=(20, 16, 1, 6)) > .06, beams=True)
make("z.im", values + 1j * np.roll(values, 2, 0), cs, noise.uniform(size=values.shape) > .05, kind=np.complex64)
make("d.im", values * (1 + 1e-9), cs, noise.uniform(size=values.shape) > .05, kind=np.float64)
t.exportfits("c.im", "f.fits")
frequencies = np.linspace(1.4e9, 1.55e9, 12)
angle = np.radians(20) + 35 * (299792458 / frequencies) ** 2
q = np.ones((6, 5, 4, 12))
q[:, :, 1], q[:, :, 2], q[:, :, 3] = .3 * np.cos(2 * angle), .3 * np.sin(2 * angle), 0
make("q.im", q + .002 * noise.normal(size=q.shape), system(["I", "Q", "U", "V"], 1.4e9, frequencies[1] - frequencies[0]))
ratio = 1 + .1 * np.arange(14)
power = np.linspace(.8, 1.3, 5)[:, None, None, None] * (3 * ratio ** (-.7 + .2 * np.log(ratio)))
make("s.im", np.repeat(power, 4, 1) * (1 + .01 * noise.normal(size=(5, 4, 1, 14))), system(["I"], 1.0e9, 1e8))
x, y = np.arange(32)[:, None] - 16, np.arange(32)[None, :] - 16
beam = np.exp(-4 * np.log(2) * (x**2 + y**2) / 18**2)[:, :, None, None]
for k in range(2):
    cs = system(["I"], 1.4e9, 1e6)
    cs.setreferencevalue([108000.0 + 20 * k, -90000.0 - 16 * k], type="direction")
    cs.setreferencepixel([16, 16], type="direction")
    make(f"l{k}.im", beam, cs)
    make(f"l{k}.pb", beam, cs)

def numbers(at, value):
    out = {}
    if isinstance(value, dict):
        for key, inner in value.items():
            out.update(numbers(f"{at}/{key}", inner))
    elif isinstance(value, (list, tuple)):
        for k, inner in enumerate(value):
            out.update(numbers(f"{at}/{k}", inner))
    elif hasattr(value, "getchunk"):
        out.update(numbers(at, {"pixels": value.getchunk(), "good": value.getchunk(getmask=True), "unit": value.brightnessunit(),
                                "beam": value.restoringbeam(), "first": value.toworld([0] * len(value.shape()), "n")["numeric"]}))
        value.done()
    elif value is None or isinstance(value, str):
        out[at] = value
    elif np.asarray(value).dtype.kind in "fiubc":
        out[at] = np.asarray(value)
    return out

def opened(name):
    ia = image()
    ia.open(name)
    return ia

tools = {"t": t, "np": np, "os": os, "shutil": shutil, "opened": opened, "componentlist": componentlist, "imagepol": imagepol, "image": image, "coordsys": coordsys,
         "linearmosaic": linearmosaic, "measures": measures, "regionmanager": regionmanager}
results = []
for call in json.load(open(calls)):
    for left in ("O", "w.im"):
        shutil.rmtree(left, ignore_errors=True)
    os.makedirs("O")
    space = dict(tools)
    try:
        exec(call, space)
    except Exception as refusal:
        space["R"] = {"refused": "yes", "as": f"{type(refusal).__name__} {refusal}"[:300] if os.environ.get("TELL_REFUSALS") else ""}
    results.append((numbers("", space["R"]), {n: numbers("", opened("O/" + n)) for n in sorted(os.listdir("O")) if os.path.exists(f"O/{n}/logtable")}))
pickle.dump(results, open(out, "wb"))
"""


def found_differences(calls: list[str], place: Path) -> list[tuple[Any, ...]]:
    """What differs between ours and the reference, call by call.

    Parameters
    ----------
    calls : list of str
        Statements; `R` is their result and images in the folder `O` are their products.
    place : Path
        An empty folder.
    """
    oracle = oracle_python()
    (place / "calls.json").write_text(json.dumps(calls))
    found = []
    for who, python in (("ours", sys.executable), ("theirs", oracle)):
        run_python(python, RUN, str(place / who), str(place / "calls.json"), str(place / f"{who}.pickle"))
        found.append(pickle.loads((place / f"{who}.pickle").read_bytes()))
    wrong: list[tuple[Any, ...]] = []
    for call, mine, theirs in zip(calls, *found, strict=True):
        if set(mine[1]) != set(theirs[1]):
            wrong.append((call, "products", sorted(mine[1]), sorted(theirs[1])))
        for own, other in ((mine[0], theirs[0]), *((mine[1][n], theirs[1][n]) for n in set(mine[1]) & set(theirs[1]))):
            wrong += [(call, *difference) for difference in differences(own, other)]
    return wrong


def assert_same_calls(calls: list[str], place: Path) -> None:
    """Calls give the same under ours and the reference."""
    wrong = found_differences(calls, place)
    assert not wrong, "\n".join(map(str, wrong[:20]))


def differences(own: dict[str, Any], other: dict[str, Any]) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = [("only one has", key) for key in set(own) ^ set(other)]
    good = other.get("/good")
    for key in set(own) & set(other):
        a, b = own[key], other[key]
        if a is None or b is None or isinstance(a, str) or isinstance(b, str):
            if type(a) is not type(b) or a != b:
                found.append((key, a, b))
            continue
        if key == "/pixels" and good is not None and a.shape == b.shape:
            a, b = np.where(good, a, 0), np.where(good, b, 0)
        scale = np.abs(b[np.isfinite(b)]).max(initial=1e-30) if b.dtype.kind in "fc" else 1.0
        if a.shape != b.shape or not np.allclose(a, b, rtol=1e-4, atol=1e-4 * scale, equal_nan=True):
            found.append((key, str(a)[:80], str(b)[:80]))
    return found
