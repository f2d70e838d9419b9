"""Random requests to the image tasks beside the reference: numbers, masks, headers and beams of what they give are the same.

The requests are made here from a seed, and one script runs them under both implementations.
"""

from __future__ import annotations

import json
import pickle
import random
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from support.shared import oracle_python, run_python

RUN = r"""
import json, os, pickle, shutil, sys
import numpy as np
import casatasks as t
from casatools import image, regionmanager
place, requests, out = sys.argv[1:4]
os.makedirs(place)
os.chdir(place)

def make(name, shape, seed, mask, planes=False):
    ia, noise = image(), np.random.default_rng(seed)
    values = 0.2 * noise.normal(size=shape)
    x, y = np.arange(shape[0])[:, None], np.arange(shape[1])[None, :]
    source = 5 * np.exp(-((x - shape[0] * .45) ** 2 / 12 + (y - shape[1] * .55) ** 2 / 8))
    line = np.exp(-((np.arange(shape[3]) - shape[3] * .4) ** 2) / 6)
    values += source[:, :, None, None] * line * (1 - .3 * np.arange(shape[2]))[:, None]
    ia.fromshape(name, list(shape), log=False)
    cs = ia.coordsys()
    cs.setunits(["arcmin", "arcmin"], type="direction")
    cs.setincrement([-1 / 30, 1 / 30], type="direction")
    cs.setreferencevalue([1800.0, -1500.0], type="direction")
    cs.setreferencevalue([1.42e9], type="spectral")
    cs.setincrement([1.2e5], type="spectral")
    cs.setrestfrequency(1.4204e9)
    ia.setcoordsys(cs.torecord())
    ia.putchunk(values.astype(np.float32))
    ia.setbrightnessunit("Jy/beam")
    if planes:
        for c in range(shape[3]):
            ia.setrestoringbeam(f"{6 - .1 * c}arcsec", f"{4.5 - .1 * c}arcsec", f"{25 + c}deg", channel=c, polarization=0)
    else:
        ia.setrestoringbeam("6arcsec", "4.5arcsec", "25deg")
    if mask:
        ia.putregion(pixelmask=noise.uniform(size=shape) > .08)
    ia.done()

make("c.im", (22, 18, 1, 12), 1, True)
make("m.im", (22, 18, 1, 12), 9, False)
make("s.im", (16, 14, 4, 3), 3, True)
make("b.im", (18, 16, 1, 4), 4, False, planes=True)

def flat(at, record):
    # numbers of a record of records, by their places in it
    out = {}
    for key, value in record.items():
        if isinstance(value, dict):
            out.update(flat(f"{at}/{key}", value))
        elif not isinstance(value, str):
            out[f"{at}/{key}"] = np.asarray(value, dtype=float)
    return out

def told(name):
    ia = image()
    ia.open(name)
    cs = ia.coordsys()
    beam = flat("", ia.restoringbeam())
    found = {"shape": [int(n) for n in ia.shape()], "pixels": ia.getchunk(), "good": ia.getchunk(getmask=True), "unit": ia.brightnessunit(),
             "beam": beam, "crval": cs.referencevalue("n")["numeric"],
             "crpix": cs.referencepixel()["numeric"], "cdelt": cs.increment("n")["numeric"]}
    ia.done()
    return found

results = []
for task, given in json.load(open(requests)):
    shutil.rmtree("O", ignore_errors=True)
    os.makedirs("O")
    if task.startswith("ia."):
        ia = image()
        ia.open(given.pop("image"))
        if "box" in given:
            given["region"] = regionmanager().box(*given.pop("box"))
        value = getattr(ia, task[3:])(**given)
        ia.done()
    else:
        value = getattr(t, task)(**given)
    kept = {k: np.asarray(v) for k, v in value.items() if np.asarray(v).dtype.kind in "fiub"} if isinstance(value, dict) else None
    if task == "ia.findsources":
        kept = {"count": np.array([value["nelements"]])}
        if value["nelements"]:
            shape = value["component0"]["shape"]
            kept |= {k: np.array([shape[k]["value"]]) for k in ("majoraxis", "minoraxis", "positionangle")}
    results.append((kept, {n: told("O/" + n) for n in sorted(os.listdir("O")) if os.path.isdir("O/" + n)}))
pickle.dump(results, open(out, "wb"))
"""

SHAPES = (
    "box[[{a:.2f}pix,{b:.2f}pix],[{c:.2f}pix,{d:.2f}pix]]",
    "circle[[{a:.2f}pix,{b:.2f}pix],{r:.2f}pix]",
    "poly[[{a:.2f}pix,{b:.2f}pix],[{c:.2f}pix,{b:.2f}pix],[{a:.2f}pix,{d:.2f}pix]]",
    "ellipse[[{a:.2f}pix,{b:.2f}pix],[{r:.2f}pix,2.40pix],{p:.1f}deg]",
    "annulus[[{a:.2f}pix,{b:.2f}pix],[1.30pix,{r:.2f}pix]]",
    "box[[2pix,2pix],[18pix,15pix]]\n-circle[[{a:.2f}pix,{b:.2f}pix],{r:.2f}pix]",
    "circle[[{a:.2f}pix,{b:.2f}pix],{r:.2f}pix], range=[2chan,7chan]",
)
MASKS = ("'c.im'>0.1", "c.im>-0.2 && c.im<3", "m.im>0", "'m.im:nomask'<0.5", "c.im > mean(c.im)")
OPERANDS = (
    "IM0",
    "IM1",
    "2.5",
    "mean(IM0)",
    "IM0[IM1>0]",
    "abs(IM1)",
    "max(IM0,IM1)",
    "sqrt(abs(IM0))",
    "replace(IM0,0.5)",
    "iif(IM0>IM1,IM0,IM1)",
)


def selection(r: random.Random) -> dict[str, Any]:
    found: dict[str, Any] = {}
    kind = r.randrange(4)
    if kind == 0:
        a, b = r.uniform(4, 10), r.uniform(4, 9)
        numbers = {
            "a": a,
            "b": b,
            "c": a + r.uniform(3, 8),
            "d": b + r.uniform(3, 7),
            "r": r.uniform(2.5, 5),
            "p": r.uniform(0, 180),
        }
        found["region"] = r.choice(SHAPES).format(**numbers)
    elif kind == 1:
        found["box"] = r.choice(("3,3,12,14", "4,2,20,16"))
    if kind and r.random() < 0.5:
        found["chans"] = r.choice(("2~6", "<4", ">8"))
    if r.random() < 0.3:
        found["mask"] = r.choice(MASKS)
    return found


def statistics(r: random.Random) -> list[Any]:
    out: list[Any] = []
    for _ in range(14):
        algorithm = r.choice(("classic", "chauvenet", "fit-half", "hinges-fences"))
        more = {
            "classic": {},
            "chauvenet": {"zscore": r.choice((-1, 2, 3.5)), "maxiter": r.choice((-1, 0, 2))},
            "fit-half": {"center": r.choice(("mean", "median")), "lside": r.random() < 0.5},
            "hinges-fences": {"fence": r.choice((0, 1.5, 3))},
        }[algorithm]
        axes = r.choice((-1, [0, 1], [0, 1, 3]))
        where = r.choice(
            ({}, {"box": "3,3,12,14"}, {"chans": "2~6"}, {"region": "circle[[9.3pix,8.2pix],4.1pix]"})
        )  # CASA ends where nothing is chosen
        out.append(("imstat", {"imagename": "c.im", "algorithm": algorithm, "axes": axes, **more, **where}))
    return out + [("imstat", {"imagename": n, "axes": a}) for n in ("b.im", "s.im") for a in ([0, 1], [0, 1, 3])]


def moments(r: random.Random) -> list[Any]:
    out: list[Any] = []
    for _ in range(8):
        range_of_values = r.choice(({}, {"includepix": [0.1, 10.0]}, {"excludepix": [0.2]}))
        chosen = r.sample([-1, 0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11], 2)
        out.append(
            (
                "immoments",
                {"imagename": "c.im", "moments": chosen, "axis": 3, "outfile": "O/x", **range_of_values, **selection(r)},
            )
        )
    return out + [
        ("immoments", {"imagename": "m.im", "moments": [m], "axis": a, "outfile": "O/x"}) for m in (1, 9) for a in (0, 1)
    ]


def derived(r: random.Random) -> list[Any]:
    out: list[Any] = []
    for _ in range(5):
        function = r.choice(("mean", "sum", "median", "max", "rms", "stddev", "npts", "madm", "xmadm", "sqrtsum"))
        out.append(
            (
                "imcollapse",
                {
                    "imagename": "c.im",
                    "function": function,
                    "axes": r.choice(([3], [0], [0, 1])),
                    "outfile": "O/x",
                    **selection(r),
                },
            )
        )
        out.append(("imsubimage", {"imagename": "c.im", "outfile": "O/x", "dropdeg": r.random() < 0.5, **selection(r)}))
    out.append(("imrebin", {"imagename": "c.im", "outfile": "O/x", "factor": [4, 3, 1, 2], "crop": True}))
    out.append(("imtrans", {"imagename": "c.im", "outfile": "O/x", "order": "3012"}))
    out.append(
        (
            "makemask",
            {"mode": "expand", "inpimage": "m.im", "inpmask": "c.im:mask0", "output": "O/x", "inpfreqs": [1], "outfreqs": [0, 7]},
        )
    )
    out += [
        ("ia.findsources", {"image": "m.im", "point": False, "width": w, "nmax": 1, "box": [[0, 0, 0, 4], [21, 17, 0, 4]]})
        for w in (5, 6)
    ]
    return out


def expressions(r: random.Random) -> list[Any]:
    texts = [
        "rebin(IM0,[2,3,1,2])",
        "rebin(IM0*IM1,[2,2,1,1])+1",
        "iif(indexin(0,[2:5]),IM1,0)",
        "fractile(IM0,0.3)+0*IM1",
        "IM1[mask(IM0)]",
    ]
    for _ in range(12):
        text = r.choice(("IM0", "IM1"))
        for _ in range(r.randint(1, 4)):
            text = f"({text}{r.choice('+-*/')}{r.choice(OPERANDS)})"
        texts.append(text)
    return [("immath", {"imagename": ["c.im", "m.im"], "mode": "evalexpr", "outfile": "O/x", "expr": text}) for text in texts]


@pytest.mark.oracle
@pytest.mark.parametrize("family", [statistics, moments, derived, expressions])
def test_random_requests_give_the_same(family: Any, tmp_path: Path) -> None:
    oracle = oracle_python()
    requests = family(random.Random(5))
    (tmp_path / "requests.json").write_text(json.dumps(requests))
    found = []
    for who, python in (("ours", sys.executable), ("theirs", oracle)):
        run_python(python, RUN, str(tmp_path / who), str(tmp_path / "requests.json"), str(tmp_path / f"{who}.pickle"))
        found.append(pickle.loads((tmp_path / f"{who}.pickle").read_bytes()))
    for request, mine, theirs in zip(requests, *found, strict=True):
        assert (mine[0] is None) == (theirs[0] is None), request
        if theirs[0] is not None:
            assert set(mine[0]) == set(theirs[0]), request
            for key, value in theirs[0].items():
                assert np.allclose(mine[0][key], value, rtol=1e-4, atol=1e-5), (request, key)
        assert set(mine[1]) == set(theirs[1]), request
        for name, image in theirs[1].items():
            other = mine[1][name]
            assert (other["shape"], other["unit"]) == (image["shape"], image["unit"]), (request, name)
            assert other["beam"].keys() == image["beam"].keys(), (request, name)
            for key, value in image["beam"].items():
                assert np.allclose(other["beam"][key], value, rtol=1e-6), (request, name, key)
            assert np.array_equal(other["good"], image["good"]), (request, name)
            good = image["good"]
            scale = np.abs(image["pixels"][good]).max(initial=1e-12)
            assert np.allclose(other["pixels"][good], image["pixels"][good], rtol=1e-4, atol=1e-5 * scale), (request, name)
            for key in ("crval", "crpix", "cdelt"):
                assert np.allclose(other[key], image[key], rtol=1e-7, atol=1e-9), (request, name, key)
