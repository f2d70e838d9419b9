"""Random searches of the list of spectral lines beside the reference, whose list is that of its data package (needs CASA_ORACLE)."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from casatools import spectralline
from casatools.io.packed_lines import SHIPPED_LINES
from support.shared import oracle_python, run_python

_LIMITS = {"intensity": (-15, 1), "smu2": (0, 50), "loga": (-15, 0), "el": (0, 2000), "eu": (0, 2000)}
_COMMON = """
def answer(tool, wanted):
    found = tool.search(verbose=False, **wanted)
    count = found.nrows()
    record = found.torecord() if 0 < count < 2000 else {}
    rows = [record["*%d" % k] for k in range(len(record))]
    return [count, [row["freq"]["value"] for row in rows], sorted(json.dumps(row, sort_keys=True) for row in rows)]

def made(name):
    # the structure and the values of a table that is made of an export
    import os, shutil
    from casatools import spectralline, table
    shutil.rmtree(name, ignore_errors=True)
    head = "Species\\tRec\\tChemical Name\\tFreq-GHz\\tQNs\\tIntensity\\tSmu2\\tLoga\\tEL\\tEU\\tLinelist"
    first = "COv=0\\t*\\tCarbon Monoxide\\t115.2712\\t1-0\\t-5.01\\t0.01212\\t-7.14236\\t0.0\\t5.53211\\tCDMS"
    with open("export.tsv", "w") as stream:
        stream.write("\\n".join([head, first, first.replace("COv", "SiOv").replace("*", "").replace("115.2", "86.8")]) + "\\n")
    tool = spectralline().splattotable(["export.tsv"], name)
    tool.done()
    tb = table()
    tb.open(name)
    told = [[c, tb.getcoldesc(c)["valueType"], dict(tb.getcoldesc(c)["keywords"]), tb.getcol(c).tolist()] for c in tb.colnames()]
    told += [sorted(tb.info().items()), sorted(k for k in tb.getkeywords())]
    tb.close()
    return told
"""
_SCRIPT = (
    "import json\nfrom casatools import spectralline\n"
    + _COMMON
    + """
tool = spectralline()
tool.open()
names = [tool.nrows(), list(tool.species(False)["return"]), list(tool.chemnames(False)["return"])]
json.dump([made("theirs.tbl"), names, [answer(tool, wanted) for wanted in json.load(open("wanted.json"))]], open("found.json", "w"))
"""
)


def searches(species: list[str], chemical_names: list[str], count: int) -> list[dict[str, Any]]:
    """Random searches, without the names and limits that the reference reads wrongly (docs/quirks.md)."""
    rng = random.Random(11)
    species = [name for name in species if "'" not in name]
    chemical_names = [name for name in chemical_names if "," not in name]
    found = []
    for _ in range(count):
        wanted: dict[str, Any] = {"freqrange": sorted(round(rng.uniform(1, 900), 2) for _ in range(2))}
        if rng.random() < 0.6:
            wanted["species"] = rng.sample(species, 30)
        if rng.random() < 0.3:
            wanted["chemnames"] = rng.sample(chemical_names, 40)
        for name, (low, high) in _LIMITS.items():
            if rng.random() < 0.3:
                wanted[name] = sorted(round(rng.uniform(low, high), 1) for _ in range(2))
        wanted |= {name: rng.random() < 0.3 for name in ("reconly", "rrlonly")} | {"rrlinclude": rng.random() < 0.7}
        found.append(wanted)
    return [*found, {"freqrange": [1.0, 800.0], "qns": ["1-0", "H(40)&alpha;"]}]


@pytest.mark.oracle
def test_searches_find_the_lines_of_the_reference() -> None:
    python = oracle_python()
    tool = spectralline()
    tool.open(SHIPPED_LINES)
    names = [tool.nrows(), tool.species()["return"].tolist(), tool.chemnames()["return"].tolist()]
    wanted = searches(names[1], names[2], 14)
    Path("wanted.json").write_text(json.dumps(wanted))
    run_python(python, _SCRIPT)
    their_table, their_names, theirs = json.loads(Path("found.json").read_text())
    scope: dict[str, Any] = {"json": json}
    exec(_COMMON, scope)  # the same function on both sides
    assert names == their_names
    assert json.loads(json.dumps(scope["made"]("ours.tbl"))) == their_table  # columns in the same order
    tool.open("theirs.tbl")
    assert tool.search(verbose=False, reconly=True).torecord()["*0"]["species"] == "COv=0"
    tool.open(SHIPPED_LINES)
    for how, expected in zip(wanted, theirs, strict=True):
        assert scope["answer"](tool, how) == expected, how
    assert sum(bool(expected[1]) for expected in theirs) > 5
