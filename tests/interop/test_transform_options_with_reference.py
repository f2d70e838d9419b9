"""Seeded combinations of split, mstransform, concat and UVFITS options beside the reference: all columns and sub-tables (needs CASA_ORACLE)."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

import casatasks
from support.compared_ms import fill_ms, same_ms
from support.shared import oracle_python, run_python

_RUN = """
import casatasks, json, sys
for task, arguments in json.loads(sys.argv[1]):
    getattr(casatasks, task)(**arguments)
"""
# Sub-tables of times and commands that concat keeps here (docs/quirks.md), and what tells who wrote it.
_LEFT = {"HISTORY", "FLAG_CMD", "SYSPOWER", "CALDEVICE"}


def _calls() -> list[tuple[str, dict[str, Any]]]:
    rng = random.Random(71)
    choices = {
        "vla.ms": {"spw": ["0", "1", "1:2~5"], "field": ["0", "1,2"], "antenna": ["0~3", "!2", "0&1;2&3"], "scan": ["1", "2,3"]},
        "alma.ms": {"spw": ["1", "1,2", "0,1:3~5;10~12"], "field": ["0", "1"], "antenna": ["!2", "DV*"], "intent": ["*PHASE*"]},
    }
    calls: list[tuple[str, dict[str, Any]]] = []
    while len(calls) < 12:
        vis = rng.choice(sorted(choices))
        one = rng.choice(sorted(choices[vis]))
        arguments: dict[str, Any] = {
            "vis": vis,
            "datacolumn": rng.choice(["corrected", "all"]),
            one: rng.choice(choices[vis][one]),
        }
        task = rng.choice(["split", "mstransform"])
        if task == "split" and rng.random() < 0.5:
            arguments["width"] = rng.choice([2, 4])
        if task == "mstransform":
            arguments["hanning"] = rng.random() < 0.5
            if rng.random() < 0.5:
                arguments |= {"chanaverage": True, "chanbin": rng.choice([2, 4])}
            arguments["keepflags"] = rng.random() < 0.7
        calls.append((task, {**arguments, "outputvis": f"o{len(calls)}.ms"}))
    calls.append(("concat", {"vis": ["o0.ms", "o1.ms"], "concatvis": "o12.ms", "visweightscale": [2.0, 0.5]}))
    calls.append(("exportuvfits", {"vis": "vla.ms", "fitsfile": "o.fits", "spw": "0:1~6", "datacolumn": "corrected"}))
    calls.append(("split", {"vis": "vla.ms", "outputvis": "o14.ms", "spw": "1:1~6,0", "width": [2, 4], "datacolumn": "data"}))
    calls.append(("importuvfits", {"fitsfile": "o.fits", "vis": "o13.ms", "antnamescheme": "new"}))
    return calls


def test_seeded_options(shared_input) -> None:
    python = oracle_python()
    for name, copy in (("simvla.ms", "vla.ms"), ("alma_small.ms", "alma.ms")):
        os.rename(shared_input(name), copy)
        fill_ms(copy, len(copy))
    os.mkdir("theirs")
    for name in ("vla.ms", "alma.ms"):
        os.symlink(f"../{name}", f"theirs/{name}")
    calls = _calls()
    run_python(python, _RUN, json.dumps(calls), cwd=Path("theirs"))
    for task, arguments in calls:
        getattr(casatasks, task)(**arguments)
    for number in range(15):
        # The reference drops POINTING where an input of concat has none.
        left = _LEFT | ({"POINTING"} if number == 12 else set())
        same_ms(f"o{number}.ms", f"theirs/o{number}.ms", {"FLAG_CATEGORY", *({"SIGMA_SPECTRUM"} if number == 12 else ())}, left)
