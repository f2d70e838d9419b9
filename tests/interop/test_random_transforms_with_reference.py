"""Seeded random calls of the tasks and tools that transform MeasurementSets, beside the reference: all columns and sub-tables (needs CASA_ORACLE).

What the reference is known to do otherwise (docs/quirks.md) is left out of the draws: regridding that hits channels next to flagged ones or changes the frame,
models alone, WEIGHT_SPECTRUM of DATA alone (statwt has a test of its own), windows combined after averages in time, times that cut POINTING.
"""

from __future__ import annotations

import inspect
import json
import random
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from casacore import tables

from support.compared_ms import fill_ms, same_ms
from support.shared import oracle_python, run_python


def _run(calls: list[dict[str, Any]]) -> None:
    """Make the calls; the reference runs the text of this function."""
    import shutil

    import casatasks
    import casatools

    for call in calls:
        if call["copy"]:
            shutil.copytree(*call["copy"])
        if call["tool"]:
            tool = getattr(casatools, call["tool"])()
            for method, arguments in call["steps"]:
                getattr(tool, method)(**arguments)
            tool.done()
        else:
            getattr(casatasks, call["task"])(**call["arguments"])


_RUN = f"import json, sys\nfrom typing import Any\n{inspect.getsource(_run)}\n_run(json.loads(sys.argv[1]))\n"
SELECTIONS: dict[str, list[str]] = {
    "spw": ["0", "1", "1:1~6"], "field": ["0", "1,2"], "antenna": ["0~3", "!2", "0&1;2&3"], "scan": ["1", "2,3"], "correlation": ["RR,LL", "LL"],
    "uvrange": [">300m", "<1klambda"],
}  # fmt: skip
SPECTRAL = "vla.ms"  # has weights per channel; plain.ms has none
_CHANGED_TIMES = {"HISTORY", "FLAG_CMD", "SYSPOWER", "CALDEVICE"}


class Draw:
    """Random calls, each for an output of its own."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.calls: list[dict[str, Any]] = []

    def some(self, most: int, *names: str) -> dict[str, str]:
        """Up to so many selections."""
        known = names or tuple(SELECTIONS)
        return {n: self.random.choice(SELECTIONS[n]) for n in self.random.sample(known, self.random.randint(0, most))}

    def add(
        self,
        task: str = "",
        copy: str = "",
        steps: list[Any] | None = None,
        tool: str = "",
        key: str = "outputvis",
        **arguments: Any,
    ) -> str:
        output = f"o{len(self.calls)}.ms"
        if steps is None and not copy:
            arguments[key] = output
        call = {
            "task": task,
            "tool": tool,
            "steps": steps or [],
            "copy": [copy, output] if copy else [],
            "arguments": arguments,
            "output": output,
        }
        self.calls.append(call)
        return output

    def source(self) -> tuple[str, str]:
        """An input and columns of which the reference treats the weights as documented."""
        vis = self.random.choice([SPECTRAL, "plain.ms"])
        return vis, self.random.choice(["corrected", "all", *(["data"] if vis == "plain.ms" else [])])

    def transforms(self) -> None:
        pick = self.random.choice
        for _ in range(4):
            vis, column = self.source()
            stages = self.random.sample(["channels", "times", "hanning", "spectra"], self.random.randint(2, 3))
            more: dict[str, Any] = {
                "hanning": "hanning" in stages,
                "usewtspectrum": "spectra" in stages,
                "keepflags": pick([True, False]),
            }
            if "channels" in stages:
                more |= {"chanaverage": True, "chanbin": pick([2, 4])}
            if "times" in stages:
                more |= {
                    "timeaverage": True,
                    "timebin": pick(["20s", "40s", "100s"]),
                    "timespan": pick(["", "scan", "scan,state"]),
                }
                more["maxuvwdistance"] = pick([0.0, 8.0])
            self.add("mstransform", vis=vis, datacolumn=column, **more, **self.some(2))
        for _ in range(2):
            vis, column = self.source()
            self.add(
                "split", vis=vis, datacolumn=column, width=pick([1, 2, 4]), timebin=pick(["0s", "40s", "90s"]), **self.some(2)
            )
        vis, column = self.source()
        self.add("hanningsmooth", vis=vis, datacolumn=column, **self.some(2))
        vis, column = self.source()
        self.add("phaseshift", vis=vis, datacolumn=column, phasecenter="J2000 13h33m00s 30d50m00s")
        self.add("conjugatevis", vis=vis, spwlist=[pick([0, 1])])

    def parts(self) -> None:
        """Multi-MSs along an axis, and what is made of them; concatenations."""
        pick = self.random.choice
        axis = pick(["scan", "baseline"])
        whole = self.add("partition", vis="plain.ms", separationaxis=axis, numsubms=3, datacolumn="data", flagbackup=False)
        how = {"timeaverage": True, "timebin": "40s", "chanaverage": True, "chanbin": 2}
        self.add("mstransform", vis=whole, datacolumn="data", **how)
        pieces = [self.add("split", vis=SPECTRAL, datacolumn="all", scan=scan) for scan in ("1", "3,4")]
        self.add(
            "concat",
            key="concatvis",
            vis=self.random.sample(pieces, 2),
            timesort=pick([True, False]),
            freqtol="1MHz",
            dirtol="1arcsec",
        )

    def tools(self) -> None:
        pick = self.random.choice
        for _ in range(2):
            vis, column = self.source()
            output = f"o{len(self.calls)}.ms"
            pars = {
                "inputms": vis,
                "outputms": output,
                "datacolumn": column.upper(),
                "reindex": pick([True, False]),
                "hanning": pick([True, False]),
            }
            pars |= pick([{"chanaverage": True, "chanbin": 2}, {"timeaverage": True, "timebin": "40s"}])
            self.add(tool="mstransformer", steps=[["config", {"pars": {**pars, **self.some(1)}}], ["open", {}], ["run", {}]])

    def files(self) -> None:
        """UVFITS there and back."""
        vis, column = self.source()
        self.calls.append({"task": "exportuvfits", "tool": "", "steps": [], "copy": [], "output": "", "arguments": {
            "vis": vis, "fitsfile": "o.fits", "datacolumn": "corrected" if column == "all" else column, "padwithflags": True,
            "combinespw": self.random.choice([True, False]), **self.some(1, "field", "antenna")}})  # fmt: skip
        self.add("importuvfits", key="vis", fitsfile="o.fits", antnamescheme=self.random.choice(["old", "new"]))


def _few_antennas(path: str, name: str) -> None:
    """A copy with the sub-tables as they are and the baselines of five antennas: the calls see as much in a third of the rows."""
    with (
        closing(tables.table(path, ack=False)) as whole,
        closing(whole.query("ANTENNA1 in [0,1,2,3,7] && ANTENNA2 in [1,2,3,7]")) as rows,
    ):
        rows.copy(name, deep=True).close()


@pytest.mark.parametrize("seed", [3])
def test_random_calls(shared_input: Any, seed: int) -> None:
    python = oracle_python()
    Path("theirs").mkdir()
    path = shared_input("simvla.ms")
    for name in (SPECTRAL, "plain.ms"):
        _few_antennas(path, name)
        fill_ms(name, len(name), spectra=name == SPECTRAL)
        shutil.copytree(name, f"theirs/{name}")
    draw = Draw(seed)
    for kind in (draw.transforms, draw.parts, draw.tools, draw.files):
        kind()
    run_python(python, _RUN, json.dumps(draw.calls), cwd=Path("theirs"))
    _run(draw.calls)
    for call in draw.calls:
        if call["output"]:
            same_ms(call["output"], f"theirs/{call['output']}", {"FLAG_CATEGORY"}, _CHANGED_TIMES)
