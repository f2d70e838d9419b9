"""The information layer's speed beside a reference CASA in the same run: opening and summaries, selection, columns, statistics, conversions.

    CASA_ORACLE=/path/to/reference/python python benchmarks/information.py [--ms BENCH.ms] [--turns N] [--rows N]

Without ``--ms`` a small MeasurementSet is simulated. Each step is run `turns` times by each interpreter in turn and the best counts. The
reference converts one direction a call (it has no vectors of measures), so its time for a million is that of 20 000 calls, fifty times.
The rows ``many_...`` are those of a MeasurementSet with two million rows (``--rows 10000000`` for ten; 0 leaves them out) and no visibilities;
``incremental_...`` are the same where the columns that CASA's fillers put into an IncrementalStMan are in one (``--incremental``).
``cold_...`` and ``warm_...`` are each method of msmetadata there: its first call on a tool just opened, and one more (``--methods``).
With fewer than a million rows some of their selections are empty, which is an error.
``lines`` searches the list of spectral lines. CASA_ORACLE_HOME is the reference's home folder.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

STEPS = r"""
import json, os, sys, time
import numpy as np
from casatasks import listobs, visstat
from casatools import measures, ms, msmetadata, quanta, table

vis, out = sys.argv[1], {}
ONE_BY_ONE, MANY = 20000, 1000000


def timed(name, call, count=1, turns=3):
    best = 1e99
    for _ in range(turns):
        begin = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - begin)
    out[name] = best * count


def opened(tool):
    tool.open(vis)
    return tool


def summary():
    x = opened(ms())
    x.summary()
    x.close()


def listing():
    if os.path.exists("list.txt"):
        os.remove("list.txt")
    listobs(vis, listfile="list.txt")


def metadata():
    x = opened(msmetadata())
    for scan in x.scannumbers()[:5]:
        x.timesforscan(int(scan)), x.fieldsforscan(int(scan)), x.antennasforscan(int(scan)), x.intentsforscan(int(scan))
    x.nrows(), x.nbaselines(), x.scansforfield(0), x.timesforfield(0), x.spwsforfield(0)
    x.done()


def selections():
    x = opened(ms())
    names = x.range(["antennas"])["antennas"]
    for chosen in ({"field": "0"}, {"spw": "0:10~50"}, {"baseline": "%s&%s" % (names[1], names[2])}, {"baseline": "!%s" % names[0]},
                   {"uvdist": ">200m"}, {"scan": "1~2"}, {"taql": "ANTENNA1 == 3"}, {"field": "0", "spw": "0", "uvdist": "100~500m"}):
        x.reset()
        x.msselect(chosen)
    x.close()


def column():
    x = opened(ms())
    x.selectinit(0)
    x.getdata(["data"])
    x.close()


def amplitudes():
    x = opened(ms())
    x.selectinit(0)
    x.getdata(["amplitude", "flag", "uvdist"])
    x.close()


def raw():
    x = opened(table())
    x.getcol("DATA")
    x.close()


def statistics():
    visstat(vis, axis="amp", datacolumn="data")


def columns_of_numbers():
    x = opened(table())
    for name in ("TIME", "ANTENNA1", "ANTENNA2", "UVW", "FLAG_ROW", "SCAN_NUMBER"):
        x.getcol(name)
    x.query("ANTENNA1 == 3 && ANTENNA2 == 5").close()
    x.close()


for step in (summary, listing, metadata, selections, columns_of_numbers, raw, column, amplitudes, statistics):
    timed(step.__name__, step)

from casatools import spectralline


def lines():
    tool = spectralline()
    tool.open()
    tool.search(freqrange=[84.0, 90.0], verbose=False).done()
    tool.done()


timed("lines", lines)



def scattered():
    tool = opened(ms())
    tool.selectinit(0)
    tool.getdata(["time", "antenna1"])
    tool.close()


def queried():
    tool = opened(table())
    tool.query("ANTENNA1 == 3 && SCAN_NUMBER < 4").close()
    tool.close()


def methods():
    calls = json.load(open("calls.json"))
    tool = opened(msmetadata())
    intents = tool.intents()
    names = {"scan": int(tool.scannumbers()[0]), "field": tool.fieldnames()[0], "intent": str(intents[0]) if len(intents) else "*",
             "time": float(tool.timesforfield(0)[0]), "obs": tool.nobservations() - 1}
    tool.done()
    for name, text in calls.items():
        code = compile(text, name, "eval")
        try:
            times = []
            tool = opened(msmetadata())
            for _ in range(4):
                begin = time.perf_counter()
                eval(code, {"m": tool, **names})
                times.append(time.perf_counter() - begin)
            out["cold_" + name], out["warm_" + name] = times[0], min(times[1:])
        except Exception:  # what is not in the data: sources, WVR windows
            pass
        tool.done()


for kind, vis in zip(("many", "incremental"), sys.argv[3:5]):
    if not vis:
        continue
    for name, chosen in (("field", {"field": "F1"}), ("spw", {"spw": "0:1~3"}), ("baseline", {"baseline": "EA01&EA02"}), ("scan", {"scan": "1~3"}),
                         ("uvdist", {"uvdist": ">1000m"}), ("taql", {"taql": "ANTENNA1==3"}),
                         ("all", {"field": "F1", "spw": "0", "scan": "1~5", "baseline": "EA01", "uvdist": "100~2000m"})):
        tool = opened(ms())
        timed(kind + "_select_" + name, lambda: (tool.reset(), tool.msselect(chosen)), turns=1 if name == "uvdist" else 2)
        tool.close()
    for step in (summary, listing, metadata, scattered, queried, columns_of_numbers):
        timed(kind + "_" + step.__name__, step, turns=1)
    if kind == "many" and os.path.exists("calls.json"):
        methods()

qa, me = quanta(), measures()
me.doframe(me.epoch("UTC", "2019/05/01/04:00:00"))
me.doframe(me.observatory("VLA"))
values = np.linspace(0.0, 6.0, MANY)
timed("quanta_vector_1e6", lambda: qa.convert({"value": values, "unit": "rad"}, "deg"))
timed("quanta_calls_2e4", lambda: [qa.convert("1.5km", "m") for _ in range(ONE_BY_ONE)], turns=2)
one = me.direction("J2000", "1rad", "0.5rad")
for frame in ("GALACTIC", "AZEL", "APP"):
    timed("direction_calls_2e4_" + frame, lambda: [me.measure(one, frame) for _ in range(ONE_BY_ONE)], turns=2)
    vector = me.direction("J2000", qa.quantity(values, "rad"), qa.quantity(values / 10, "rad"))
    if vector:
        timed("directions_1e6_" + frame, lambda: me.measure(vector, frame), turns=1)
    else:
        out["directions_1e6_" + frame] = out["direction_calls_2e4_" + frame] * MANY / ONE_BY_ONE
me.doframe(one)
rest = me.frequency("TOPO", "1.42GHz")
timed("frequency_calls_2e4", lambda: [me.measure(rest, "LSRK") for _ in range(ONE_BY_ONE)], turns=2)
date = me.epoch("UTC", "2019/05/01/04:00:00")
timed("epoch_calls_2e4", lambda: [me.measure(date, "TAI") for _ in range(ONE_BY_ONE)], turns=2)
json.dump(out, open(sys.argv[2], "w"))
"""


# What CASA's fillers and mstransform keep in an IncrementalStMan.
INCREMENTAL = (
    "ARRAY_ID", "EXPOSURE", "FEED1", "FEED2", "FIELD_ID", "FLAG_ROW", "INTERVAL", "OBSERVATION_ID", "PROCESSOR_ID", "SCAN_NUMBER", "STATE_ID", "TIME",
    "TIME_CENTROID",
)  # fmt: skip


def make_many_rows(path: str, nrow: int, incremental: bool = False) -> None:
    """A MeasurementSet of 64 antennas, two spectral windows and three fields: only the columns of numbers are filled."""
    import numpy as np
    from casacore.tables import default_ms, table

    def put(name: str, values: np.ndarray) -> None:
        if not incremental or name not in INCREMENTAL:
            ms.putcol(name, values)
            return
        # Rows were just added: a value stands for all rows behind it.
        for row in np.flatnonzero(np.diff(values, prepend=values[0] - 1)).tolist():
            ms.putcell(name, row, values[row])

    first, second = np.triu_indices(64)
    row = np.arange(nrow)
    pair, step = row % len(first), row // len(first)
    scan = step // 100 + 1
    managers = {"*1": {"NAME": "Changes", "TYPE": "IncrementalStMan", "SPEC": {}, "COLUMNS": list(INCREMENTAL)}}
    ms = default_ms(path, dminfo=managers if incremental else {})
    ms.addrows(nrow)
    columns = {
        "ANTENNA1": first[pair], "ANTENNA2": second[pair], "SCAN_NUMBER": scan, "FIELD_ID": scan % 3, "DATA_DESC_ID": step % 2,
        "STATE_ID": scan % 2,
    }  # fmt: skip
    for name, values in columns.items():
        put(name, values.astype(np.int32))
    for name, seconds in (
        ("TIME", 5e9 + 2.0 * step),
        ("TIME_CENTROID", 5e9 + 2.0 * step),
        ("INTERVAL", 2.0 + 0.0 * step),
        ("EXPOSURE", 2.0 + 0.0 * step),
    ):
        put(name, seconds)
    ms.putcol("UVW", (1000.0 * np.random.default_rng(1).normal(size=(len(first), 3)))[pair])
    ms.close()
    channels = 1e6 * np.arange(8)
    subtables = {
        "ANTENNA": [{"NAME": f"EA{k:02d}", "STATION": f"W{k:02d}", "POSITION": np.array([-1.6e6 + 9.0 * k, -5.0e6, 3.55e6])} for k in range(64)],
        "FIELD": [{"NAME": f"F{k}", **{f"{c}_DIR": np.array([[1.0 + k, 0.5]]) for c in ("PHASE", "DELAY", "REFERENCE")}} for k in range(3)],
        "DATA_DESCRIPTION": [{"SPECTRAL_WINDOW_ID": k, "POLARIZATION_ID": 0} for k in range(2)],
        "SPECTRAL_WINDOW": [{"NAME": f"S{k}", "NUM_CHAN": 8, "CHAN_FREQ": 1.4e9 + 1e8 * k + channels, "REF_FREQUENCY": 1.4e9 + 1e8 * k, "TOTAL_BANDWIDTH": 8e6,
                             "MEAS_FREQ_REF": 5, **dict.fromkeys(("CHAN_WIDTH", "EFFECTIVE_BW", "RESOLUTION"), np.full(8, 1e6))} for k in range(2)],
        "POLARIZATION": [{"NUM_CORR": 2, "CORR_TYPE": np.array([5, 8], np.int32), "CORR_PRODUCT": np.array([[0, 0], [1, 1]], np.int32)}],
        "STATE": [{"OBS_MODE": mode} for mode in ("CALIBRATE_PHASE", "OBSERVE_TARGET")],
        "OBSERVATION": [{"TELESCOPE_NAME": "VLA", "TIME_RANGE": np.array([5e9, 5.1e9])}],
    }  # fmt: skip
    for name, rows in subtables.items():
        with table(f"{path}/{name}", readonly=False, ack=False) as sub:
            sub.addrows(len(rows) - sub.nrows())
            for k, cells in enumerate(rows):
                for column, value in cells.items():
                    sub.putcell(column, k, value)


def write_calls(path: Path) -> None:
    """One call of each method of msmetadata, those of the tests."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
    from support.metadata_calls import CALLS

    path.write_text(json.dumps({name: texts[0].replace("['unit']", "") for name, texts in CALLS.items()}))


def measured(python: str, vis: str, work: Path, *many: str) -> dict[str, float]:
    """Seconds of each step under one interpreter."""
    script, result = work / "steps.py", work / "result.json"
    script.write_text(STEPS)
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH" or python == sys.executable}
    if python != sys.executable:
        environment["HOME"] = os.environ.get("CASA_ORACLE_HOME", environment.get("HOME", ""))
    done = subprocess.run(
        [python, str(script), vis, str(result), *many], cwd=work, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-3000:])
    return dict(json.loads(result.read_text()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ms", help="MeasurementSet; only read")
    parser.add_argument("--turns", type=int, default=2, help="runs of each interpreter")
    parser.add_argument("--rows", type=int, default=2_000_000, help="rows of the large MeasurementSet; 0 for none")
    parser.add_argument("--incremental", action="store_true", help="another large MeasurementSet, kept as CASA's fillers keep it")
    parser.add_argument("--methods", action="store_true", help="each method of msmetadata on the large MeasurementSet")
    options = parser.parse_args()
    oracle = os.environ.get("CASA_ORACLE", "")
    with tempfile.TemporaryDirectory(prefix="casa-bench-") as name:
        work = Path(name)
        vis = os.path.abspath(options.ms) if options.ms else str(work / "demo.ms")
        if not options.ms:
            from casatools.simulation.demo import DemoOptions, make_demo

            make_demo(vis, DemoOptions())
        many = [
            str(work / "many.ms") if options.rows else "",
            str(work / "incremental.ms") if options.rows and options.incremental else "",
        ]
        for path in filter(None, many):
            make_many_rows(path, options.rows, path == many[1])
        if options.methods:
            write_calls(work / "calls.json")
        best: dict[str, dict[str, float]] = {"ours": {}, "reference": {}}
        for _ in range(options.turns):
            for who, python in (("ours", sys.executable), ("reference", oracle)):
                if python:
                    for step, seconds in measured(python, vis, work, *many).items():
                        best[who][step] = min(seconds, best[who].get(step, 1e99))
    print(f"{'step':<32}{'ours s':>10}{'reference s':>13}{'ratio':>8}")
    for step, seconds in best["ours"].items():
        other = best["reference"].get(step)
        print(f"{step:<32}{seconds:>10.4f}" + (f"{other:>13.4f}{other / seconds:>8.2f}" if other else ""))


if __name__ == "__main__":
    main()
