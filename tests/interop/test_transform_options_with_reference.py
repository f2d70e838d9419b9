"""Seeded combinations of split, mstransform, concat and UVFITS options beside the reference: all columns and sub-tables (needs CASA_ORACLE)."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

import numpy as np
from casacore import tables

import casatasks
from support.shared import oracle_python, run_python

_RUN = """
import casatasks, json, sys
for task, arguments in json.loads(sys.argv[1]):
    getattr(casatasks, task)(**arguments)
"""
_VALUES = {"DATA", "CORRECTED_DATA", "MODEL_DATA", "WEIGHT", "SIGMA", "WEIGHT_SPECTRUM", "SIGMA_SPECTRUM"}
# Sub-tables of times and commands that concat keeps here (docs/quirks.md), and what tells who wrote it.
_LEFT = {"HISTORY", "FLAG_CMD", "SYSPOWER", "CALDEVICE"}


def _fill(path: str, seed: int) -> None:
    """Random data, flags and weights in every column, also per channel."""
    casatasks.clearcal(path, addmodel=True)
    rng = np.random.default_rng(seed)
    table = tables.table(path, readonly=False, ack=False)
    for name in table.keywordnames():
        if name.startswith("ASDM_"):  # links to tables that were not shipped, at which the reference fails
            table.removekeyword(name)
    for name in ("WEIGHT_SPECTRUM", "SIGMA_SPECTRUM"):
        if name not in table.colnames():
            table.addcols(tables.maketabdesc([tables.makearrcoldesc(name, 0.0, ndim=2, valuetype="float")]))
    for row in range(table.nrows()):
        shape = table.getcell("DATA", row).shape
        data = (rng.normal(size=shape) + 1j * rng.normal(size=shape) + 3).astype(np.complex64)
        flag = rng.random(shape) < 0.08
        flag[:] |= rng.random() < 0.1
        table.putcell("DATA", row, data)
        table.putcell("CORRECTED_DATA", row, data * np.complex64(1.5 + 0.2j))
        table.putcell("MODEL_DATA", row, np.ones(shape, np.complex64))
        table.putcell("FLAG", row, flag)
        table.putcell("FLAG_ROW", row, bool(flag.all()))
        for name in ("WEIGHT", "SIGMA"):
            table.putcell(name, row, rng.uniform(0.5, 2.0, shape[1]).astype(np.float32))
            table.putcell(name + "_SPECTRUM", row, rng.uniform(0.5, 2.0, shape).astype(np.float32))
    table.close()


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
    calls.append(("importuvfits", {"fitsfile": "o.fits", "vis": "o13.ms", "antnamescheme": "new"}))
    return calls


def _rows(table: Any) -> np.ndarray:
    if "UVW" not in table.colnames() or not table.nrows():
        return np.arange(table.nrows())
    return np.lexsort([table.getcol(c) for c in ("DATA_DESC_ID", "FIELD_ID", "ANTENNA2", "ANTENNA1", "TIME")])


def _same(ours: str, theirs: str, left: set[str]) -> None:
    one, other = (tables.table(p, ack=False) for p in (ours, theirs))
    assert one.nrows() == other.nrows(), ours
    orders = _rows(one), _rows(other)
    for name in sorted(set(one.colnames()) & set(other.colnames()) - left):
        for mine, his in zip(*(order.tolist() for order in orders), strict=True):
            defined = [t.iscelldefined(name, r) for t, r in ((one, mine), (other, his))]
            if not all(defined):
                continue
            a, b = np.asarray(one.getcell(name, mine)), np.asarray(other.getcell(name, his))
            where = f"{ours} {name} row {mine}"
            assert a.shape == b.shape, where
            if a.dtype.kind in "fc":
                tolerance = 1e-5 if name in _VALUES else 1e-9
                np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * np.abs(b).max(initial=0), err_msg=where)
            else:
                np.testing.assert_array_equal(a, b, err_msg=where)
    one.close()
    other.close()


def test_seeded_options(shared_input) -> None:
    python = oracle_python()
    for name, copy in (("simvla.ms", "vla.ms"), ("alma_small.ms", "alma.ms")):
        os.rename(shared_input(name), copy)
        _fill(copy, len(copy))
    os.mkdir("theirs")
    for name in ("vla.ms", "alma.ms"):
        os.symlink(f"../{name}", f"theirs/{name}")
    calls = _calls()
    run_python(python, _RUN, json.dumps(calls), cwd=Path("theirs"))
    for task, arguments in calls:
        getattr(casatasks, task)(**arguments)
    for number in range(14):
        path = f"o{number}.ms"
        _same(path, f"theirs/{path}", {"FLAG_CATEGORY", *({"SIGMA_SPECTRUM"} if number == 12 else ())})
        for name in sorted(set(os.listdir(path)) & set(os.listdir(f"theirs/{path}"))):
            # The reference drops POINTING where an input of concat has none.
            left = _LEFT | ({"POINTING"} if number == 12 else set())
            if os.path.isfile(f"{path}/{name}/table.dat") and name not in left:
                # Where frequencies fall REF_FREQUENCY is the first channel's here (docs/quirks.md).
                _same(f"{path}/{name}", f"theirs/{path}/{name}", {"REF_FREQUENCY"})
