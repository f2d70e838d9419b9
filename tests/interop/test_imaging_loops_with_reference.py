"""Partitions and bookkeeping of imaging loops, and images that follow an object, are the reference's (needs CASA_ORACLE).

Where the reference's partitions are known to be wrong (docs/quirks.md: ranges that end before they begin, channels between two parts) parts are drawn that it gets right.
"""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatools import table
from casatools.frames.directions import Direction
from casatools.frames.frequencies import doppler_factor
from casatools.frames.observatories import observatory_position
from casatools.io.ms import MeasurementSet
from casatools.io.ms.ephemerides import attach_ephemeris
from casatools.simulation.demo import DemoOptions, make_demo
from support.ephemeris_file import write_ephemeris
from support.shared import oracle_python, run_python

SEED = 11
NCHAN = 12
START = """
import os, pickle, sys
import numpy as np
from casatools import image, iterbotsink, synthesismaskhandler, synthesisutils
from casatasks import tclean
work = pickle.load(open("work.pkl", "rb"))
os.makedirs(sys.argv[1], exist_ok=True)
os.chdir(sys.argv[1])
def pixels(name):
    ia = image()
    ia.open(name)
    found = np.asarray(ia.getchunk()), np.asarray(ia.getchunk(getmask=True))
    ia.done()
    return found
"""
IMAGES = """
IMAGES = {"allimages": {"0": {"imagename": "a", "multiterm": False, "nterms": 1}}}
"""
END = """
pickle.dump(out, open(f"../{sys.argv[1]}.pkl", "wb"))
"""

PARTITIONS = """
su = synthesisutils()
out = {"sizes": [su.getOptimumSize(n) for n in work["sizes"]]}
ms = os.path.abspath("../demo.ms")
chosen = {"ms0": su.checkselectionparams({"msname": ms, "spw": "0", "field": "0", "datacolumn": "data"})}
out["rows"] = [su.contdatapartition(chosen, n) for n in (1, 2, 3, 5)]
out["channels"] = [su.cubedatapartition(chosen, n, f"{work['edges'][0]}Hz", f"{work['edges'][1]}Hz", "TOPO") for n in (2, 3, 4)]
out["advice"] = [su.advisechansel(f"{a}Hz", f"{b}Hz", "0Hz", f, msname=ms, fieldid=1) for a, b, f in work["bands"]]
out["ranges"] = [su.advisechansel(msname=ms, fieldid=0, getfreqrange=True, spwselection=s, freqframe=f) for s, f in work["picks"]]
ia, out["pruned"] = image(), []
for number, (mask, size, left) in enumerate(work["masks"]):
    ia.fromarray(f"mask{number}", mask)
    ia.done()
    found = synthesismaskhandler().pruneregions(f"mask{number}", size, left, f"pruned{number}")
    out["pruned"].append(({k: np.asarray(v) for k, v in found.items()}, pixels(f"pruned{number}")[0]))
"""

BOOKS = """
out = []
for limits, cycles in work["books"]:
    bot, told = iterbotsink(), []
    bot.setupiteration({**limits, **IMAGES})
    for before, after in cycles:
        bot.mergeinitrecord(before)
        code = int(bot.cleanComplete())
        told.append((code, {k: float(v) for k, v in bot.getminorcyclecontrols().items()}))
        if code:
            break
        bot.mergeexecrecord(after)
        bot.endmajorcycle()
        state = bot.getiterationdetails()
        told.append({k: float(state[k]) for k in ("iterdone", "niter", "cycleniter", "cyclethreshold", "maxpsfsidelobe", "nmajordone")})
    out.append((told, np.asarray(bot.getiterationsummary()["summarymajor"]).tolist()))
    bot.done()
"""

TRACKED = """
ms, out = os.path.abspath("../mv.ms"), {}
for name, more in work["tracked"].items():
    tclean(vis=ms, imagename=name, field="0", imsize=48, cell="8arcsec", datacolumn="data", pblimit=-1, niter=0, restoration=False, **more)
    out[name] = pixels(f"{name}.residual")[0]
"""


def both(script: str, work: dict[str, Any]) -> list[Any]:
    """What a script makes under our interpreter and the reference's."""
    python, found = oracle_python(), []
    Path("work.pkl").write_bytes(pickle.dumps(work))
    for label, interpreter in (("ours", sys.executable), ("theirs", python)):
        run_python(interpreter, START + IMAGES + script + END, label)
        found.append(pickle.loads(Path(f"{label}.pkl").read_bytes()))
    return found


@pytest.fixture
def demo_hz(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """Frequencies of the channels of ``demo.ms`` in the folder that the test runs in."""
    oracle_python()
    monkeypatch.chdir(tmp_path)
    make_demo("demo.ms", DemoOptions(antennas_per_arm=4, cycles=1, nchan=NCHAN))
    with MeasurementSet("demo.ms") as ms:
        return np.asarray(ms.metadata.spectral_windows[0].chan_freq_hz)


def test_partitions_advice_and_masks(demo_hz: np.ndarray) -> None:
    random = np.random.default_rng(SEED)
    step, masks, bands = abs(float(demo_hz[1] - demo_hz[0])), [], []
    for _ in range(6):
        first = int(random.integers(0, NCHAN - 3))
        low = float(demo_hz.min()) + (first + 0.3) * step
        bands.append(
            (low, low + float(random.integers(1, NCHAN - 1 - first)) * step, str(random.choice(["TOPO", "LSRK", "BARY"])))
        )
        nchan = int(random.integers(1, 4))
        mask = (random.random((30, 26, 1, nchan)) < 0.35).astype(float)
        masks.append((mask, float(random.integers(1, 9)), [bool(v) for v in random.random(nchan) < 0.3]))
    work = {
        "edges": (float(demo_hz.min()), float(demo_hz.max())),
        "sizes": [int(v) for v in random.integers(1, 5000, 30)],
        "bands": bands,
        "picks": [("0", "TOPO"), ("0:3~7", "LSRK"), ("0:0~1", "BARY")],
        "masks": masks,
    }
    ours, theirs = both(PARTITIONS, work)
    assert ours["sizes"] == theirs["sizes"]
    for mine, reference in zip(ours["rows"], theirs["rows"], strict=True):
        assert mine.keys() == reference.keys()
        assert [p["ms0"]["taql"] for p in mine.values()] == [p["ms0"]["taql"] for p in reference.values()]
    for mine, reference in zip(ours["channels"], theirs["channels"], strict=True):
        assert [p["ms0"]["spw"] for p in mine.values()] == [p["ms0"]["spw"] for p in reference.values()]
    for mine, reference in zip(ours["advice"], theirs["advice"], strict=True):
        assert {k: np.asarray(v).tolist() for k, v in mine.items()} == {k: np.asarray(v).tolist() for k, v in reference.items()}
    for mine, reference in zip(ours["ranges"], theirs["ranges"], strict=True):
        for edge in ("freqstart", "freqend"):
            assert mine[edge]["value"] == pytest.approx(reference[edge]["value"], rel=1e-8)
    for (mine, left), (reference, expected) in zip(ours["pruned"], theirs["pruned"], strict=True):
        np.testing.assert_array_equal(left, expected)
        assert {k: v.tolist() for k, v in mine.items()} == {k: v.tolist() for k, v in reference.items()}


def test_bookkeeping(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    random, books = np.random.default_rng(SEED), []
    for _ in range(25):
        limits = {
            "niter": int(random.integers(0, 300)), "cycleniter": int(random.choice([-1, 20, 60])), "threshold": f"{random.uniform(0, 0.3)}Jy",
            "nsigma": 0.0, "loopgain": 0.1, "cyclefactor": float(random.uniform(0.5, 3)), "minpsffraction": 0.05,
            "maxpsffraction": 0.8, "interactive": False, "fullsummary": False,
        }  # fmt: skip
        peak, cycles = float(random.uniform(0.2, 3)), []
        for _ in range(6):
            done = int(random.integers(0, 70))
            before = {
                "peakresidual": peak, "maxpsfsidelobe": float(random.uniform(0.05, 0.4)), "nsigmathreshold": 0.0, "masksum": float(random.choice([1.0, 9.0, 9.0, 0.0])),
                "iterdone": 0, "maxcycleiterdone": 0, "cleanstate": "running", "peakresidualnomask": peak, "nsigma": 0.0, "summaryminor": np.zeros((6, 0)), "madrms": 0.0, "robustrms": 0.0,
            }  # fmt: skip
            peak *= float(random.choice([0.5, 0.9, 1.0, 5.0]))
            after = {
                "iterdone": done, "maxcycleiterdone": done, "peakresidual": peak, "updatedmodelflag": True, "summaryminor": np.array([[done], [peak], [1.0], [0.1], [0.0], [0.0]]),
            }  # fmt: skip
            cycles.append((before, after))
        books.append((limits, cycles))
    ours, theirs = both(BOOKS, {"books": books})
    for (told, majors), (expected, reference) in zip(ours, theirs, strict=True):
        assert majors == reference and len(told) == len(expected)
        for mine, wanted in zip(told, expected, strict=True):
            code, values = mine if isinstance(mine, tuple) else (0, mine)
            wanted_code, wanted_values = wanted if isinstance(wanted, tuple) else (0, wanted)
            assert code == wanted_code
            for name, value in values.items():
                # The reference's iterations left of all may be negative where a cycle took more.
                expected_value = max(0.0, wanted_values[name]) if name == "cycleniter" else wanted_values[name]
                assert value == pytest.approx(expected_value, rel=1e-6), name


def test_images_that_follow_an_object(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A source with a line at rest, which moves 2e-8 rad/s and ever faster away."""
    oracle_python()
    monkeypatch.chdir(tmp_path)
    rest_hz, width_hz, nchan, radial = 1.42040575e9, 1e4, 48, (0.003, 0.02)
    make_demo("mv.ms", DemoOptions(antennas_per_arm=4, cycles=3, nchan=nchan))
    with MeasurementSet("mv.ms") as ms:
        lon, lat = ms.metadata.fields[0].phase_dir[0]
        times = np.unique(ms.read("TIME"))
    attach_ephemeris(
        "mv.ms", write_ephemeris(str(tmp_path / "e.tab"), float(times[0]), lon, lat, 2e-8, 1e-8, radial_au_d=radial), [0], "TEST"
    )
    tb = table()
    tb.open("mv.ms/FIELD", nomodify=False)
    for column in ("PHASE_DIR", "DELAY_DIR", "REFERENCE_DIR"):
        tb.putcell(column, 0, np.zeros((2, 1)))
    tb.done()
    position, since = observatory_position("VLA"), times - times[0]
    beta = (radial[0] + radial[1] * since / 86400.0) * 149597870700.0 / 86400.0 / 299792458.0
    there = [Direction(lon + 2e-8 * s, lat + 1e-8 * s, "J2000") for s in since]
    seen = np.array([doppler_factor("TOPO", "GEO", float(t), d, position) for t, d in zip(times, there, strict=True)]) * np.sqrt(
        (1 + beta) / (1 - beta)
    )
    freq = rest_hz / seen.mean() + (np.arange(nchan) - nchan / 2) * width_hz
    tb.open("mv.ms/SPECTRAL_WINDOW", nomodify=False)
    tb.putcol("CHAN_FREQ", freq[:, None])
    for column in ("CHAN_WIDTH", "EFFECTIVE_BW", "RESOLUTION"):
        tb.putcol(column, np.full((nchan, 1), width_hz))
    tb.putcol("MEAS_FREQ_REF", np.array([5]))
    tb.done()
    tb.open("mv.ms", nomodify=False)
    line = rest_hz / np.interp(tb.getcol("TIME"), times, seen)
    profile = np.exp(-0.5 * ((freq[:, None] - line[None]) / (2 * width_hz)) ** 2)
    tb.putcol("DATA", np.repeat(profile[None], 2, axis=0).astype(np.complex64))
    tb.done()
    cube = {"nchan": 7, "start": "1.42037575GHz", "width": "0.00001GHz", "restfreq": "1.42040575GHz"}
    work = {
        "mfs": {"phasecenter": "TRACKFIELD"},
        "cubesource": {"specmode": "cubesource", "phasecenter": "TRACKFIELD", **cube},
        "cube": {"specmode": "cube", "phasecenter": "TRACKFIELD", **cube},
    }
    ours, theirs = both(TRACKED, {"tracked": work})
    inner = np.s_[12:36, 12:36]
    for name in work:
        assert ours[name].shape == theirs[name].shape
        error = float(np.abs(ours[name][inner] - theirs[name][inner]).max() / np.abs(theirs[name]).max())
        assert error < 2e-3, (name, error)
