"""Random stacks of tables applied beside the reference: CORRECTED_DATA, flags and weights (needs CASA_ORACLE)."""

from __future__ import annotations

import json
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
import json, shutil, casatasks
for number, call in enumerate(json.load(open("calls.json"))):
    shutil.copytree("start.ms", f"theirs{number}.ms")
    casatasks.applycal(vis=f"theirs{number}.ms", **call)
"""
_FREQUENCY = ["", "nearest", "linear", "cubic", "nearestflag", "linearflag", "cubicflag"]


def _make_tables(vis: str) -> None:
    """Tables of many kinds with random values and flags; leakages flagged for both receptors (of one alone the reference takes what is in memory)."""
    rng = np.random.default_rng(5)
    common: dict[str, Any] = {"vis": vis, "refant": "EA01", "minsnr": 0.0}
    casatasks.gaincal(caltable="G", solint="40s", **common)
    casatasks.gaincal(caltable="T", gaintype="T", solint="90s", **common)
    casatasks.gaincal(caltable="K", gaintype="K", **common)
    casatasks.bandpass(caltable="B", field="0,1", **common)
    casatasks.polcal(caltable="Df", poltype="Df", combine="scan", field="0", **common)
    casatasks.blcal(vis, "M", solint="inf")
    casatasks.blcal(vis, "MF", solint="inf", freqdep=True)
    casatasks.gencal(vis, "opac", caltype="opac", parameter=[0.05, 0.08], spw="0,1")
    casatasks.gencal(vis, "antpos", caltype="antpos", antenna="EA02,EA03", parameter=[0.01, 0.02, -0.01, 0.003, 0, 0.01])
    for name in ("G", "T", "K", "B", "Df", "M", "MF"):
        with casacore_tables.table(name, readonly=False, ack=False) as table:
            column = "FPARAM" if name == "K" else "CPARAM"
            for row in range(table.nrows()):
                shape, flag = table.getcell(column, row).shape, table.getcell("FLAG", row)
                values = rng.uniform(0.6, 1.5, shape) * np.exp(1j * rng.uniform(-3, 3, shape))
                values = {"K": 20 * (values.real - 0.5), "Df": 0.05 * values}.get(name, values)
                table.putcell(column, row, values.astype(np.float32 if name == "K" else np.complex64))
                if rng.random() < 0.15:
                    part: Any = slice(None) if name == "Df" or rng.random() < 0.5 else (slice(0, 3), 0)
                    flag[part] = True
                    table.putcell("FLAG", row, flag)


def _calls(count: int) -> list[dict[str, Any]]:
    pick = random.Random(12)
    out = []
    for _ in range(count):
        names = pick.sample(["G", "T", "K", "B", "Df", "M", "MF", "opac", "antpos"], pick.choice([1, 2, 2, 3, 4]))
        bare = {"opac", "antpos"}
        call: dict[str, Any] = {
            "gaintable": names, "flagbackup": False, "calwt": [pick.random() < 0.6 for _ in names], "parang": pick.random() < 0.3,
            "interp": [pick.choice(["nearest", "linear", "linearperobs"]) + ("," + pick.choice(_FREQUENCY) if n in ("B", "Df", "MF") else "") for n in names],
            "gainfield": ["" if n in bare else pick.choice(["", "nearest", "0", "0,1"]) for n in names],
            "spwmap": [pick.choice([[], [0, 0], [1, 0]]) if n not in bare else [] for n in names],
            "applymode": pick.choice(["calflag", "calflagstrict", "trial", "flagonly", "flagonlystrict", "calonly"]),
        }  # fmt: skip
        if "Df" in names and call["applymode"] == "calonly":
            call["applymode"] = "calflag"
        if pick.random() < 0.4:
            call |= pick.choice([{"field": "0,1"}, {"spw": "0:2~5"}, {"antenna": "!EA03"}, {"scan": "1~3"}])
        out.append(call)
    return out


def _read(path: str) -> dict[str, np.ndarray]:
    out = {}
    with casacore_tables.table(path, ack=False) as main:
        for number in (0, 1):
            part = main.query(f"DATA_DESC_ID=={number}")
            for name in {"FLAG", "WEIGHT", "CORRECTED_DATA"} & set(part.colnames()):
                out[f"{name} {number}"] = part.getcol(name)
            part.close()
    return out


def _library_calls(count: int) -> list[dict[str, Any]]:
    """Calls with calibration libraries, whose files are written."""
    pick = random.Random(2)
    out = []
    for number in range(count):
        lines = []
        for name in pick.sample(["G", "T", "K", "B", "opac", "antpos"], pick.choice([1, 1, 2, 3])):
            line = f"caltable='{name}' calwt={pick.choice(['True', 'False'])}"
            if name not in ("opac", "antpos"):
                line += f" tinterp='{pick.choice(['nearest', 'linear'])}'"
                line += f" finterp='{pick.choice(_FREQUENCY[1:])}'" if name == "B" else ""
                line += pick.choice(
                    ["", " fldmap='nearest'", " fldmap=[0,1,0]", " fldmap=[1,1,1]", " fldmap=[0,0,0]", " fldmap=[0,2,0]"]
                )
                line += pick.choice(["", " spwmap=[0,0]", " spwmap=[1,1]", " spwmap=[0,1]"])
                line += pick.choice(["", "", " antmap=[0,1,2,3,4,4,6,7]", " field='0'", " field='0,1'", " spw='0,1'"])
            lines.append(line)
        Path(f"library{number}.txt").write_text("\n".join(lines) + "\n")
        call: dict[str, Any] = {
            "docallib": True, "callib": f"library{number}.txt", "flagbackup": False, "parang": pick.random() < 0.3,
            "applymode": pick.choice(["", "calflag", "calflagstrict", "trial", "flagonly", "flagonlystrict", "calonly"]),
        }  # fmt: skip
        call |= pick.choice(
            [
                {},
                {},
                {"field": "0,1"},
                {"spw": "0:2~5"},
                {"antenna": "!EA03"},
                {"scan": "1~3"},
                {"uvrange": "<400m"},
                {"msselect": "ANTENNA1!=2"},
            ]
        )
        out.append(call)
    return out


def test_random_stacks(shared_input: Callable[[str], str]) -> None:
    python = oracle_python()
    vis = shared_input("simvla.ms")
    _make_tables(vis)
    shutil.copytree(vis, "start.ms")
    calls = [*_calls(16), *_library_calls(12)]
    Path("calls.json").write_text(json.dumps(calls))
    run_python(python, _SCRIPT)
    for number, call in enumerate(calls):
        shutil.copytree("start.ms", f"ours{number}.ms")
        casatasks.applycal(vis=f"ours{number}.ms", **call)
        ours, theirs = _read(f"ours{number}.ms"), _read(f"theirs{number}.ms")
        assert set(ours) == set(theirs), call
        if {"M", "MF"} & set(call.get("gaintable", ())):  # the reference sets crossed hands to zero
            ours, theirs = ({n: v if n.startswith("WEIGHT") else v[..., [0, 3]] for n, v in w.items()} for w in (ours, theirs))
        for name, values in ours.items():
            if name.startswith("FLAG"):
                np.testing.assert_array_equal(values, theirs[name], err_msg=f"{call}")
            elif name.startswith("WEIGHT"):
                np.testing.assert_allclose(values, theirs[name], rtol=1e-5, err_msg=f"{call}")
            else:
                good = ~ours[name.replace("CORRECTED_DATA", "FLAG")]
                np.testing.assert_allclose(values[good], theirs[name][good], rtol=3e-4, atol=3e-5, err_msg=f"{call}")
