"""Seeded random calls of flagdata, one by one and as lists, set the flags and give the records of the reference (needs CASA_ORACLE).

What the reference is known to do otherwise than documented (docs/quirks.md) is left out: steps of channels, zeros of anything but amplitudes,
`extendflags` with a selection of channels or in lists, intervals of quack, `ntime` and finds of detectors that depend on the other commands of a list.
"""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from casacore.tables import table

from support.shared import oracle_python, run_python, unpack

SCRIPT = """
import pickle, sys
from casatasks import flagdata
from casatools import table
path, calls = pickle.load(open("work.pkl", "rb"))
path = sys.argv[1] + "_" + path
tb = table()
tb.open(path)
flags, rows = tb.getcol("FLAG"), tb.getcol("FLAG_ROW")
tb.close()
out = []
for call in calls:
    record, failed = None, False
    try:
        record = flagdata(path, flagbackup=False, **call)
    except Exception:
        failed = True
    tb.open(path, nomodify=False)
    out.append((failed, record, tb.getcol("FLAG"), tb.getcol("FLAG_ROW")))
    tb.putcol("FLAG", flags)
    tb.putcol("FLAG_ROW", rows)
    tb.close()
pickle.dump(out, open(sys.argv[1] + ".pkl", "wb"))
"""


class Draw:
    """Random parameters for the data of one MeasurementSet."""

    def __init__(self, path: Path, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        with table(str(path), ack=False) as t:
            self.antennas = np.unique([t.getcol("ANTENNA1"), t.getcol("ANTENNA2")]).tolist()
            self.scans, self.fields = np.unique(t.getcol("SCAN_NUMBER")).tolist(), np.unique(t.getcol("FIELD_ID")).tolist()
            self.nspw, self.nchan = len(np.unique(t.getcol("DATA_DESC_ID"))), t.getcell("FLAG", 0).shape[0]
            self.size = np.quantile(np.abs(t.getcol("DATA")), [0.1, 0.5, 0.9])
            self.length = np.quantile(np.hypot(*t.getcol("UVW")[:, :2].T), [0.3, 0.7])
        with table(str(path / "POLARIZATION"), ack=False) as t:
            self.products = [{5: "RR", 6: "RL", 7: "LR", 8: "LL", 9: "XX", 12: "YY"}[c] for c in t.getcell("CORR_TYPE", 0)]

    def one(self, *choices: Any) -> Any:
        return choices[int(self.random.integers(len(choices)))]

    def selection(self, channels: bool = True) -> dict[str, str]:
        a, b = self.random.choice(self.antennas, 2, replace=False)
        low, high = sorted(self.random.integers(0, self.nchan, 2).tolist())
        spw, scan = self.one(*range(self.nspw)), self.one(*self.scans)
        all_of = {
            "spw": self.one(f"{spw}:{low}~{high}", f"*:{low}", f"{spw}") if channels else f"{spw}",
            "antenna": self.one(f"{a}", f"{a}&{b}", f"!{a}", f"{a},{b}", f"{a}&&{b}"), "scan": self.one(f"{scan}", f">{scan - 1}", f"<{scan + 1}"),
            "field": str(self.one(*self.fields)), "uvrange": self.one(f"<{self.length[1]:.1f}", f"{self.length[0]:.1f}~{self.length[1]:.1f}m"),
            "observation": "0", "array": "0",
        }  # fmt: skip
        return {k: v for k, v in all_of.items() if self.random.random() < 0.3}

    def command(self, listed: bool = False) -> dict[str, Any]:
        mode = self.one(
            "manual", "manual", "unflag", "clip", "clip", "quack", "shadow", "elevation", "extend", "tfcrop", "rflag", "summary"
        )
        if listed and mode in ("tfcrop", "rflag"):
            mode = "clip"
        low, high = float(self.one(0.0, self.size[0])), float(self.one(*self.size[1:]))
        ntime = "scan" if listed else self.one("scan", "60s", 100.0)
        grow = self.one(
            {"growtime": 30.0}, {"growfreq": 40.0}, {"flagneartime": True}, {"growaround": True}, {"extendpols": False}
        )
        own: dict[str, Any] = {
            "manual": {}, "unflag": {}, "shadow": {"tolerance": self.one(0.0, -20.0, -60.0)},
            "clip": {
                "clipminmax": [low, high], "clipoutside": self.one(True, False), "correlation": self.one("", "ABS_ALL", f"REAL_{self.products[0]}",
                f"NORM_{self.products[-1]}", "ABS_I", f"ARG {self.products[0]}"), "channelavg": not listed and self.one(True, False), "chanbin": 2,
            },
            "quack": {"quackinterval": self.one(10.0, 31.0, 61.0), "quackmode": self.one("beg", "endb", "end", "tail"),
                      "quackincrement": not listed and self.one(True, False)},
            "elevation": {"lowerlimit": 30.0, "upperlimit": self.one(55.0, 70.0)}, "extend": {**grow, "ntime": ntime},
            "tfcrop": {"extendflags": False, "flagdimension": self.one("freq", "freqtime"), "ntime": ntime},
            "rflag": {"extendflags": False, "timedevscale": 3.0, "ntime": ntime},
            "summary": {} if listed else {"basecnt": self.one(True, False), "spwcorr": True, "minrel": self.one(0.0, 0.3)},
        }[mode]  # fmt: skip
        chosen: dict[str, Any] = self.selection(mode != "summary")
        if listed and mode == "quack":
            chosen = {}
        if mode in ("manual", "unflag") and self.random.random() < 0.3:
            chosen["correlation"] = self.one(self.products[0], ",".join(self.products[-2:]))
        return {"mode": mode, **chosen, **own}

    def lines(self) -> dict[str, Any]:
        commands = [self.command(listed=True) for _ in range(4)]
        return {"mode": "list", "inpfile": [" ".join(f"{k}={v!r}".replace(", ", ",") for k, v in c.items()) for c in commands]}


def spoil(path: Path) -> None:
    """Spikes and flags, the same for everybody."""
    random = np.random.default_rng(3)
    with table(str(path), readonly=False, ack=False) as t:
        data, flags = t.getcol("DATA"), t.getcol("FLAG")
        data[random.random(data.shape) < 0.01] *= 30
        flags |= random.random(flags.shape) < 0.2
        flags[random.random(len(flags)) < 0.1] = True
        t.putcol("DATA", data)
        t.putcol("FLAG", flags)


@pytest.mark.parametrize(("name", "seed"), [("simvla.ms", 1), ("mosaic.ms", 2), ("ngc_small.ms", 3)])
def test_random_calls(name: str, seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    python = oracle_python()
    monkeypatch.chdir(tmp_path)
    path = unpack(name, tmp_path)
    spoil(path)
    draw = Draw(path, seed)
    calls = [*(draw.command() for _ in range(24)), *(draw.lines() for _ in range(6))]
    Path("work.pkl").write_bytes(pickle.dumps((name, calls)))
    found = []
    for label, interpreter in (("ours", sys.executable), ("theirs", python)):
        shutil.copytree(path, f"{label}_{name}")
        run_python(interpreter, SCRIPT, label)
        found.append(pickle.loads(Path(f"{label}.pkl").read_bytes()))
    wrong, changed = [], 0
    for call, ours, theirs in zip(calls, *found, strict=True):
        allowed = 0.005 if "tfcrop" in str(call) or "rflag" in str(call) else 0.0
        differ = float((ours[2] != theirs[2]).mean())
        rows = np.array_equal(ours[3], theirs[3]) or call.get("channelavg")
        if ours[0] != theirs[0] or differ > allowed or not rows or (not allowed and repr(ours[1]) != repr(theirs[1])):
            wrong.append((call, ours[0], theirs[0], differ))
        changed += bool((ours[2] != found[0][0][2]).any())
    assert not wrong and changed > 10
