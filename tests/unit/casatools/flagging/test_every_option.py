"""No option is accepted and ignored: each one, changed alone, changes the flags or the report."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from casacore.tables import table

from casatools.flagging.commands import MODE_OPTIONS, make_command
from casatools.flagging.run import run_commands

_AVERAGES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {"channelavg": True}),
    ({"channelavg": True}, {"chanbin": 2}),
    ({}, {"timeavg": True}),
    ({"timeavg": True}, {"timebin": "200s"}),
]
_PIECES: list[tuple[dict[str, Any], dict[str, Any]]] = [({}, {"ntime": "100s"}), ({"ntime": "1e6s"}, {"combinescans": True})]
# For each mode: what all its runs have, and (what else both runs have, what one of them has).
CASES: dict[str, tuple[dict[str, Any], list[tuple[dict[str, Any], dict[str, Any]]]]] = {
    "manual": ({}, [({}, {"autocorr": True})]),
    "clip": (
        {"clipminmax": [0.0, 30.0]},
        [
            ({}, {"datacolumn": "WEIGHT"}), ({}, {"clipminmax": [0.0, 10.0]}), ({}, {"clipoutside": False}), ({}, {"clipzeros": True}),
            ({}, {"channelavg": True, "chanbin": 2}), ({"channelavg": True, "chanbin": 2}, {"chanbin": 4}),
            ({}, {"timeavg": True, "timebin": "200s"}), ({"timeavg": True, "timebin": "200s"}, {"timebin": "40s"}),
        ],
    ),
    "quack": ({"quackinterval": 40.0}, [({}, {"quackinterval": 90.0}), ({}, {"quackmode": "endb"}), ({}, {"quackincrement": True})]),
    "shadow": ({"tolerance": -60.0}, [({}, {"tolerance": -200.0})]),
    "elevation": ({"lowerlimit": 40.0}, [({}, {"lowerlimit": 80.0}), ({}, {"upperlimit": 41.0})]),
    "tfcrop": (
        {"extendflags": False, "timecutoff": 2.0, "freqcutoff": 2.0},
        [
            *_PIECES, *_AVERAGES[1:2], ({}, {"datacolumn": "WEIGHT"}), ({}, {"timecutoff": 4.0}), ({}, {"freqcutoff": 1.2}), ({}, {"timefit": "poly"}),
            ({}, {"freqfit": "line"}), ({}, {"maxnpieces": 1}), ({}, {"flagdimension": "timefreq"}), ({}, {"usewindowstats": "sum"}),
            ({"usewindowstats": "both", "freqfit": "line"}, {"halfwin": 2}), ({}, {"extendflags": True}),
            ({"chanbin": 2}, {"channelavg": True}), ({"timebin": "200s"}, {"timeavg": True}), ({"timeavg": True}, {"timebin": "200s"}),
        ],
    ),
    "rflag": (
        {"extendflags": False, "timedevscale": 2.0, "freqdevscale": 2.0},
        [
            *_PIECES, *_AVERAGES[1:2], ({}, {"datacolumn": "WEIGHT"}), ({}, {"winsize": 5}), ({}, {"timedev": 0.001}), ({}, {"freqdev": 0.001}),
            ({}, {"timedevscale": 4.0}), ({}, {"freqdevscale": 4.0}), ({}, {"spectralmax": 0.01}), ({}, {"spectralmin": 100.0}), ({}, {"extendflags": True}),
            ({"chanbin": 2}, {"channelavg": True}), ({"timebin": "200s"}, {"timeavg": True}), ({"timeavg": True}, {"timebin": "200s"}),
        ],
    ),
    "sumthreshold": (
        {"extendpols": False},
        [
            *_PIECES, *_AVERAGES[1:2], ({}, {"datacolumn": "WEIGHT"}), ({}, {"strategy": "low"}), ({}, {"threshold": 2.0}), ({}, {"timesigma": 1.0}),
            ({}, {"freqsigma": 0.5}), ({}, {"share": 0.6}), ({}, {"extendpols": True}),
            ({"chanbin": 2}, {"channelavg": True}), ({"timebin": "200s"}, {"timeavg": True}), ({"timeavg": True}, {"timebin": "200s"}),
        ],
    ),
    "antint": ({"antint_ref_antenna": "EA03", "minchanfrac": 0.9}, [({}, {"antint_ref_antenna": "EA02"}), ({}, {"minchanfrac": 0.1})]),
    "extend": (
        {"growtime": 30.0, "growfreq": 30.0, "extendpols": False},
        [
            *_PIECES, ({}, {"growtime": 10.0}), ({}, {"growfreq": 10.0}), ({}, {"extendpols": True}),
            ({"growtime": 100.0, "growfreq": 100.0}, {"growaround": True}), ({}, {"flagneartime": True}), ({}, {"flagnearfreq": True}),
        ],
    ),
    "summary": (
        {},
        [
            ({}, {"minrel": 0.05}), ({}, {"maxrel": 0.05}), ({}, {"minabs": 1000}), ({}, {"maxabs": 1000}), ({}, {"spwchan": True}), ({}, {"spwcorr": True}),
            ({}, {"basecnt": True}), ({}, {"fieldcnt": True}), ({}, {"name": "other"}),
        ],
    ),
}  # fmt: skip
# These change no flags here: the file of antennas is that of test_geometry, `verbose` is of the log.
ELSEWHERE = {"addantenna", "verbose"}


@pytest.mark.parametrize("mode", CASES)
def test_each_option_changes_something(mode: str, copied: str) -> None:
    common, cases = CASES[mode]
    with table(copied, readonly=False, ack=False) as t:
        flags = t.getcol("FLAG")
        if mode == "quack":
            flags[t.getcol("TIME") < t.getcol("TIME")[0] + 60] = True  # where quackincrement counts from
        if mode == "antint":
            names = table(f"{copied}/ANTENNA", ack=False).getcol("NAME")
            for name, channels in (("EA03", slice(0, 3)), ("EA02", slice(0, None))):
                number = names.index(name)
                rows = (t.getcol("ANTENNA1") == number) | (t.getcol("ANTENNA2") == number)
                flags[rows & (t.getcol("TIME") < t.getcol("TIME")[0] + 100), channels] = True
        random = np.random.default_rng(4)
        t.putcol("WEIGHT", random.uniform(1, 200, t.getcol("WEIGHT").shape).astype(np.float32))

    def run(options: dict[str, Any]) -> tuple[bytes, str]:
        with table(copied, readonly=False, ack=False) as t:
            t.putcol("FLAG", flags)
        reports = run_commands(copied, [make_command({"mode": mode, **common, **options})])
        with table(copied, ack=False) as t:
            return t.getcol("FLAG").tobytes(), repr(reports) if mode == "summary" else ""

    tried = {name for _, changed in cases for name in changed}
    assert tried | ELSEWHERE >= set(MODE_OPTIONS[mode])
    ignored = [changed for both, changed in cases if run(both) == run({**both, **changed})]
    assert not ignored
