"""Seeded calls of uvmodelfit and polfromgain, and of setjy, ft, uvsub, clearcal, delmod and initweights one after another, beside the reference (needs CASA_ORACLE)."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from casacore import tables as casacore_tables

import casatasks
from casatools.calibration.fit_component import component_visibility
from casatools.components.component_list import ComponentList
from casatools.io.caltable import CalTable
from casatools.io.ms import MeasurementSet
from support.polarised import make_polarised
from support.shared import oracle_python, run_python

Input = Callable[[str], str]
_SCRIPT = """
import json, shutil, casatasks
for number, calls in enumerate(json.load(open("calls.json"))):
    shutil.copytree("start.ms", f"theirs{number}.ms")
    for name, call in calls:
        getattr(casatasks, name)(vis=f"theirs{number}.ms", **call)
"""
_FITS = """
import json, casatasks
for vis, call in json.load(open("calls.json")):
    casatasks.uvmodelfit(vis=vis, outfile=f"{vis}.theirs", **call)
"""
_LIGHT_M_S = 299792458.0


def _source(path: str, kind: str, parameters: np.ndarray, rng: np.random.Generator) -> None:
    """A component with noise, samples flagged here and there, weights of all kinds."""
    with MeasurementSet(path, writable=True) as ms:
        rows, uvw, ddid = np.arange(ms.nrow), ms.read("UVW"), ms.read("DATA_DESC_ID")
        frequency = np.array([w.chan_freq_hz for w in ms.metadata.spectral_windows])[ddid]
        u, v = (uvw[:, k, None] * frequency / _LIGHT_M_S for k in (0, 1))
        seen = component_visibility(kind, parameters, u, v)
        data = np.zeros((*seen.shape, 4), np.complex128)
        data[..., 0] = data[..., 3] = seen
        data += rng.normal(0, 0.05, data.shape) + 1j * rng.normal(0, 0.05, data.shape)
        ms.write("DATA", data.astype(np.complex64), rows)
        ms.write("FLAG", ms.read("FLAG") | (rng.random(seen.shape) < 0.05)[..., None], rows)
        ms.write("WEIGHT", rng.uniform(0.5, 2.0, (len(rows), 4)).astype(np.float32), rows)


def _values(path: str) -> np.ndarray:
    """Jansky, radians and arcseconds."""
    found = ComponentList.read(path)[0]
    shape = found.shape
    sizes = [a.in_unit("arcsec") for a in (shape.major, shape.minor) if a is not None]
    angle = [shape.angle.in_unit("deg")] if shape.angle is not None else []
    return np.array([found.flux.values.real[0], shape.lon_rad, shape.lat_rad, *sizes, *angle])


def test_fitted_components(shared_input: Input) -> None:
    python, rng, pick = oracle_python(), np.random.default_rng(8), random.Random(8)
    start, calls = shared_input("simvla.ms"), []
    more: list[dict[str, Any]] = [
        {}, {"spw": "0"}, {"uvrange": "<1km"}, {"antenna": "!EA03"}, {"msselect": "ANTENNA1!=2"}, {"scan": "1~3"}, {"selectdata": False, "scan": "1"},
    ]  # fmt: skip
    for number in range(7):
        kind, vis = "PGD"[number % 3], f"fit{number}.ms"
        shutil.copytree(start, vis)
        truth = [rng.uniform(1, 5), *rng.uniform(-20, 20, 2)]
        if kind != "P":
            truth += [rng.uniform(40, 90), rng.uniform(0.4, 0.8), rng.uniform(-60, 60)]
        _source(vis, kind, np.array(truth), rng)
        guess = np.array(truth) * 1.05
        vary = pick.choice([[], [True] * len(truth), [True, True, False, *[False] * (len(truth) - 3)]])
        calls.append(
            (
                vis,
                {
                    "field": pick.choice("01"),
                    "niter": 15,
                    "comptype": kind,
                    "sourcepar": guess.tolist(),
                    "varypar": vary,
                    **more[number],
                },
            )
        )
    Path("calls.json").write_text(json.dumps(calls))
    run_python(python, _FITS)
    for vis, call in calls:
        casatasks.uvmodelfit(vis=vis, outfile=f"{vis}.ours", **call)
        ours, theirs = _values(f"{vis}.ours"), _values(f"{vis}.theirs")
        # The reference's disks are a little off: their Bessel function is an approximation.
        rough = 20.0 if call["comptype"] == "D" else 1.0
        np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-5 * rough, err_msg=f"{call}")
        np.testing.assert_allclose(ours[1:3], theirs[1:3], atol=2e-10 * rough, err_msg=f"{call}")
        np.testing.assert_allclose(ours[3:5], theirs[3:5], rtol=3e-4 * rough, err_msg=f"{call}")
        if len(ours) > 5:
            assert abs((ours[5] - theirs[5] + 90.0) % 180.0 - 90.0) < 0.02 * rough, call


def _sequences(count: int) -> list[list[tuple[str, dict[str, Any]]]]:
    pick, out = random.Random(4), []

    def one(name: str) -> tuple[str, dict[str, Any]]:
        call: dict[str, Any] = {
            "setjy": {"standard": "manual", "fluxdensity": [2.0, 0.1, 0.0, 0.0], "spix": [-0.7], "usescratch": True, "field": pick.choice(["", "0", "1"])},
            "ft": {"complist": "three.cl", "usescratch": True, "field": "0", "spw": pick.choice(["", "0", "1"])},
            "uvsub": {"reverse": pick.random() < 0.4},
            "clearcal": {"field": pick.choice(["", "0", "1"]), "spw": pick.choice(["", "0"]), "addmodel": pick.random() < 0.5, "intent": pick.choice(["", "*FLUX*"])},
            "delmod": {"otf": pick.random() < 0.5, "scr": pick.random() < 0.5, "field": pick.choice(["", "0"])},
            "initweights": {"wtmode": pick.choice(["nyq", "sigma", "weight", "ones", "delwtsp", "delsigsp"]), "dowtsp": pick.random() < 0.5},
        }[name]  # fmt: skip
        if call.get("wtmode") == "weight":
            call["dowtsp"] = True  # as it is needed
        if name == "clearcal" and call["intent"]:
            call["field"] = ""
        return name, call

    for _ in range(count):
        names = [
            pick.choice(["setjy", "ft"]),
            *(pick.choice(["setjy", "ft", "uvsub", "clearcal", "initweights"]) for _ in range(pick.choice([1, 2, 3]))),
        ]
        out.append([one(n) for n in [*names, *(["delmod"] if pick.random() < 0.3 else [])]])
    return out


def _same(number: int, calls: Any) -> None:
    names = ("MODEL_DATA", "CORRECTED_DATA", "WEIGHT", "SIGMA", "WEIGHT_SPECTRUM", "SIGMA_SPECTRUM", "FLAG")
    ours, theirs = (casacore_tables.table(f"{who}{number}.ms", ack=False) for who in ("ours", "theirs"))
    assert set(ours.colnames()) == set(theirs.colnames()), calls
    for ddid in (0, 1):
        parts = [t.query(f"DATA_DESC_ID=={ddid}") for t in (ours, theirs)]
        used = ~parts[0].getcol("FLAG").all(axis=(1, 2))  # the reference's setjy leaves zeros in rows flagged throughout
        for name in names:
            if name not in ours.colnames() or not parts[1].iscelldefined(name, 0):
                continue
            mine, other = (p.getcol(name)[used] for p in parts)
            if name.endswith("_DATA"):  # crossed hands of ft are whatever was in memory in the reference
                mine, other = mine[..., [0, 3]], other[..., [0, 3]]
            np.testing.assert_allclose(mine, other, rtol=1e-4, atol=2e-5, err_msg=f"{name} {ddid} {calls}")
    ours.close()
    theirs.close()


def test_models_subtracted_and_reset(shared_input: Input) -> None:
    from casatools import componentlist

    python, rng = oracle_python(), np.random.default_rng(4)
    shutil.copytree(shared_input("simvla.ms"), "start.ms")
    with MeasurementSet("start.ms", writable=True) as ms:
        sigma = ms.read("SIGMA")
        ms.write("SIGMA", (sigma * rng.uniform(0.7, 1.4, sigma.shape)).astype(np.float32), np.arange(ms.nrow))
        lon, lat = (float(v) for v in ms.metadata.fields[0].phase_dir[0])
    cl = componentlist()
    for k, (shape, more) in enumerate(
        (("point", {}), ("Gaussian", {"majoraxis": "3arcsec", "minoraxis": "2arcsec", "positionangle": "30deg"}), ("point", {}))
    ):
        direction = f"J2000 {lon + 2e-5 * k}rad {lat + 1e-5}rad"
        cl.addcomponent(
            flux=[1.0 + k, 0.1, 0.05, 0.02],
            dir=direction,
            freq="1.4GHz",
            shape=shape,
            spectrumtype="spectral index",
            index=-0.5,
            **more,
        )
    cl.rename("three.cl")
    cl.done()
    sequences = _sequences(14)
    Path("calls.json").write_text(json.dumps(sequences))
    run_python(python, _SCRIPT)
    for number, calls in enumerate(sequences):
        shutil.copytree("start.ms", f"ours{number}.ms")
        for name, call in calls:
            getattr(casatasks, name)(vis=f"ours{number}.ms", **call)
        _same(number, calls)


def test_polarisation_from_gains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of linear feeds that see a polarised source over six hours, with offsets of the feeds, some solutions flagged."""
    python, rng = oracle_python(), np.random.default_rng(5)
    monkeypatch.chdir(tmp_path)
    gains = rng.uniform(0.8, 1.2, (8, 2)) * np.exp(1j * rng.uniform(-1, 1, (8, 2)))
    jones = np.zeros((8, 1, 1, 2, 2), complex)
    jones[:, 0, 0, 0, 0], jones[:, 0, 0, 1, 1] = gains.T
    vis = make_polarised(tmp_path, jones, basis="linear", noise=0.02, hours=6.0)
    casatasks.gaincal(vis, "g", solint="int", refant="EA01", smodel=[2.0, 0.0, 0.0, 0.0], minsnr=0.0)
    with casacore_tables.table("g", readonly=False, ack=False) as table:
        flag = table.getcol("FLAG")
        flag |= rng.random((len(flag), 1, 1)) < 0.05
        table.putcol("FLAG", flag)
    calls = [
        {"vis": vis, "tablein": "g", "paoffset": offset, "minpacov": least}
        for offset, least in ((0.0, 30.0), (25.0, 10.0), (-60.0, 0.0))
    ]
    script = (
        "import json, sys, casatasks\nfound = [casatasks.polfromgain(caltable=f'theirs{n}', **c) for n, c in enumerate(json.loads(sys.argv[1]))]\n"
        "print('FOUND', json.dumps([{f: {k: [float(x) for x in v] for k, v in e.items()} for f, e in r.items()} for r in found]))\n"
    )
    records = json.loads(run_python(python, script, json.dumps(calls)).split("FOUND", 1)[1])
    for number, (call, theirs) in enumerate(zip(calls, records, strict=True)):
        ours = casatasks.polfromgain(caltable=f"ours{number}", **call)
        assert ours.keys() == theirs.keys()
        # Orders above the first bias the reference's by some per cent of the polarization; see docs/quirks.md.
        turned = (0.055 - 0.035j) * np.exp(2j * np.deg2rad(call["paoffset"]))
        for field, entries in ours.items():
            for name, values in entries.items():
                np.testing.assert_allclose(values, theirs[field][name], atol=6e-3, err_msg=f"{name} {call}")
                np.testing.assert_allclose(values[1] + 1j * values[2], turned, atol=1e-3, err_msg=f"{name} {call}")
        tables = [CalTable.open(f"{who}{number}") for who in ("ours", "theirs")]
        for mine, other in zip(*(t.groups for t in tables), strict=True):
            good = ~mine.flag
            np.testing.assert_array_equal(mine.flag, other.flag)
            np.testing.assert_allclose(mine.param[good], other.param[good], rtol=6e-3, err_msg=f"{call}")
