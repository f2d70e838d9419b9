"""Random models, given tables and flux scales beside the reference: setjy, gencal, fluxscale (needs CASA_ORACLE)."""

from __future__ import annotations

import json
import pickle
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from casacore import tables as casacore_tables

import casatasks
from support.shared import oracle_python, run_python

_SCRIPT = """
import json, pickle, shutil, casatasks
records = []
for number, (name, call) in enumerate(json.load(open("calls.json"))):
    if name == "setjy":
        call["vis"] = f"theirs{number}.ms"
        shutil.copytree("start.ms", call["vis"])
    else:
        call["caltable" if name == "gencal" else "fluxtable"] = f"theirs{number}.cal"
    records.append(getattr(casatasks, name)(**call))
pickle.dump(records, open("records.pkl", "wb"))
"""


def _models(pick: random.Random, count: int) -> list[tuple[str, dict[str, Any]]]:
    """Fields of simvla.ms are renamed after calibrators; spectral windows are at 1.4 and 1.6 GHz."""
    standards = [
        "Perley-Butler 2017",
        "Perley-Butler 2013",
        "Perley-Butler 2010",
        "Perley-Taylor 99",
        "Perley 90",
        "Baars",
        "Stevens-Reynolds 2016",
    ]
    out: list[tuple[str, dict[str, Any]]] = []
    for number in range(count):
        call: dict[str, Any] = {"field": pick.choice(["0", "0,1"]), "scalebychan": pick.random() < 0.5}
        if number % 2:
            call |= {"standard": standards[number // 2 % 6]}
        else:
            call |= {
                "standard": "manual", "fluxdensity": [3.0, 0.0, 0.0, 0.0], "spix": pick.choice([0.0, [-0.7], [-0.6, 0.05, -0.02]]),
                "reffreq": pick.choice(["1GHz", "1500MHz"]), "polindex": pick.choice([[], [0.1], [0.1, 0.02]]),
            }  # fmt: skip
            call["polangle"] = pick.choice([[0.5], [0.5, 0.2]]) if call["polindex"] else []
            call["rotmeas"] = pick.choice([0.0, 20.0]) if call["polindex"] else 0.0
        out.append(("setjy", call))
    return out


def _given(pick: random.Random, count: int) -> list[tuple[str, dict[str, Any]]]:
    antennas = {"": 1, "EA01": 1, "EA02,EA05": 2, "EA08,EA03,EA01": 3, "0~2": 3}
    out: list[tuple[str, dict[str, Any]]] = []
    for _ in range(count):
        caltype = pick.choice(["amp", "ph", "sbd", "mbd", "antpos", "antposvla", "opac", "gc"])
        call: dict[str, Any] = {"vis": "start.ms", "caltype": caltype}
        if caltype != "gc":
            three = caltype.startswith("antpos")
            antenna = pick.choice(list(antennas)[1:] if three else list(antennas))
            spw = "" if three else pick.choice(["", "0", "1,0", "0~1"])
            pol = pick.choice(["", "R", "L,R"]) if caltype in ("amp", "ph", "sbd", "mbd") else ""
            size = antennas[antenna] * max(1, {"1,0": 2, "0~1": 2}.get(spw, 1)) * (2 if "," in pol else 1)
            count_values = pick.choice([1, size]) * (3 if three else 1)
            call |= {
                "antenna": antenna,
                "spw": spw,
                "pol": pol,
                "parameter": [round(pick.uniform(0.01, 0.1), 5) for _ in range(count_values)],
            }
        out.append(("gencal", call))
    return out


def _scales(pick: random.Random, count: int) -> list[tuple[str, dict[str, Any]]]:
    out: list[tuple[str, dict[str, Any]]] = []
    for _ in range(count):
        call: dict[str, Any] = {"vis": "start.ms", "caltable": pick.choice(["G", "T"]), "reference": pick.choice(["0", "0,1"])}
        call |= {"transfer": pick.choice(["", "2"]), "incremental": pick.random() < 0.4, "fitorder": pick.choice([0, 1, 2])}
        call |= {"refspwmap": pick.choice([[-1], [0], [1, 0]]), "gainthreshold": pick.choice([-1.0, 0.2, 0.5])}
        call["antenna"] = pick.choice(["", "EA02,EA05,EA08", "1~6"])  # without the reference antenna, by which CASA selects all
        out.append(("fluxscale", call))
    return out


def _columns(path: str, names: list[str]) -> dict[str, np.ndarray]:
    with casacore_tables.table(path, ack=False) as table:
        return {n: np.asarray(table.getcol(n)) for n in names if n in table.colnames()}


def _same_records(ours: Any, theirs: Any, what: str) -> None:
    assert set(ours) == set(theirs), what
    for name, value in ours.items():
        if isinstance(value, dict):
            _same_records(value, theirs[name], what)
        elif not isinstance(value, str) and np.asarray(value).dtype.kind in "fi":
            np.testing.assert_allclose(value, theirs[name], rtol=1e-4, atol=1e-6, err_msg=f"{name} of {what}")


def test_random_tables(shared_input: Callable[[str], str]) -> None:
    python, pick = oracle_python(), random.Random(6)
    shutil.copytree(shared_input("simvla.ms"), "start.ms")
    with casacore_tables.table("start.ms/FIELD", readonly=False, ack=False) as fields:
        fields.putcol("NAME", ["3C286", "3C147", "3C48"])
    for name, solint in (("G", "inf"), ("T", "60s")):
        casatasks.gaincal("start.ms", name, gaintype=name, solint=solint, refant="EA01", minsnr=0.0)
    calls = [*_models(pick, 12), *_given(pick, 12), *_scales(pick, 8)]
    Path("calls.json").write_text(json.dumps(calls))
    run_python(python, _SCRIPT)
    records = pickle.loads(Path("records.pkl").read_bytes())
    for number, (name, call) in enumerate(calls):
        what = f"{name} {call}"
        if name == "setjy":
            call["vis"] = f"ours{number}.ms"
            shutil.copytree("start.ms", call["vis"])
        else:
            call["caltable" if name == "gencal" else "fluxtable"] = f"ours{number}.cal"
        record = getattr(casatasks, name)(**call)
        if record is not None:
            _same_records(record, records[number], what)
        if name == "setjy":
            ours, theirs = (_columns(f"{who}{number}.ms", ["MODEL_DATA", "FLAG"]) for who in ("ours", "theirs"))
            used = ~ours["FLAG"].all(axis=(1, 2))  # the reference leaves zeros in rows flagged throughout
            np.testing.assert_allclose(ours["MODEL_DATA"][used], theirs["MODEL_DATA"][used], rtol=1e-4, atol=1e-4, err_msg=what)
            continue
        names = [
            "TIME",
            "FIELD_ID",
            "SPECTRAL_WINDOW_ID",
            "ANTENNA1",
            "OBSERVATION_ID",
            "SCAN_NUMBER",
            "FLAG",
            "CPARAM",
            "FPARAM",
        ]
        ours, theirs = (_columns(f"{who}{number}.cal", names) for who in ("ours", "theirs"))
        for column, values in ours.items():
            usable = ~ours["FLAG"] if column.endswith("PARAM") else slice(None)
            np.testing.assert_allclose(
                values[usable], theirs[column][usable], rtol=1e-5, atol=1e-7, err_msg=f"{column} of {what}"
            )
