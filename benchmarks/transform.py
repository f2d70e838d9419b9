"""Times the transformations of MeasurementSets, with CASA_ORACLE beside a reference CASA, and beside a plain copy of the columns that
they read and write (casacore's, by the table tool).

    CASA_ORACLE=/path/to/reference/python python benchmarks/transform.py [--ms BENCH.ms] [--work DIR] [--repeat N] [--only NAME,NAME]

Both run the same calls in turn, so that both see the same load of the machine; wall and processor seconds of the best runs are compared. Our
kernels are compiled by a first pass over a few rows. With DP3 on the path (``python -m pip install dp3``) its averager is timed too. Without --ms
the benchmark MeasurementSet is made by ``bench/make_bench_ms.py`` of the shared folder.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[1]
CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "split": ("split", {"datacolumn": "data"}),
    "split one spw, half the channels": ("split", {"datacolumn": "data", "spw": "0:0~31"}),
    "mstransform average": (
        "mstransform", {"datacolumn": "data", "chanaverage": True, "chanbin": 8, "timeaverage": True, "timebin": "60s"},
    ),
    "phaseshift": ("phaseshift", {"datacolumn": "data", "phasecenter": "J2000 19h59m40s 40d40m00s"}),
    "hanningsmooth": ("hanningsmooth", {"datacolumn": "data"}),
    "cvel2": (
        "cvel2",
        {"datacolumn": "data", "mode": "frequency", "start": "1.01GHz", "width": "4.5MHz", "nchan": 50, "outframe": "LSRK"},
    ),
    "uvcontsub": ("uvcontsub", {"fitspec": "0:0~20;40~63", "fitorder": 1}),
}  # fmt: skip

STEPS = """
import json, os, resource, shutil, sys, time
import casatasks
from casatools import table
path, result, calls = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
def timed(function):
    wall, busy = time.perf_counter(), cpu()
    function()
    return [time.perf_counter() - wall, cpu() - busy]
def copy():
    tb = table()
    tb.open(path)
    needed = [c for c in tb.colnames() if c not in ("CORRECTED_DATA", "MODEL_DATA", "FLAG_CATEGORY")]
    rows = tb.query("", columns=",".join(needed))
    rows.copy("copy.ms", deep=True, valuecopy=True).close()
    rows.close()
    tb.close()
times = {}
if calls.pop("plain copy of the columns", None):
    shutil.rmtree("copy.ms", ignore_errors=True)
    times["plain copy of the columns"] = timed(copy)
    shutil.rmtree("copy.ms", ignore_errors=True)
for name, (task, arguments) in calls.items():
    for scan in ("warm", ""):
        shutil.rmtree("o.ms", ignore_errors=True)
        more = {"vis": sys.argv[4]} if scan else {"vis": path}
        spent = timed(lambda: getattr(casatasks, task)(outputvis="o.ms", **more, **arguments))
        times[name] = spent
    shutil.rmtree("o.ms", ignore_errors=True)
times["peak MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
json.dump(times, open(result, "w"))
"""


def steps(python: str, folder: Path, path: Path, warm: Path, only: list[str], ours: bool) -> dict[str, Any]:
    """The times of one pass under an interpreter."""
    folder.mkdir(parents=True, exist_ok=True)
    environment = dict(os.environ)
    if not ours:
        environment["HOME"] = os.environ.get("CASA_ORACLE_HOME", environment.get("HOME", ""))
    environment["PYTHONPATH"] = (
        os.pathsep.join(str(CHECKOUT / w / "src") for w in ("casatools", "casatasks", "casampi")) if ours else ""
    )
    calls: dict[str, Any] = {k: v for k, v in CALLS.items() if not only or k in only}
    if not only or "plain copy of the columns" in only:
        calls = {"plain copy of the columns": True, **calls}
    with open(folder / "output.txt", "w") as log:
        subprocess.run(
            [python, "-c", STEPS, str(path), "result.json", json.dumps(calls), str(warm)], cwd=folder, env=environment, stdout=log,
            stderr=log, check=True,
        )  # fmt: skip
    return json.loads((folder / "result.json").read_text())


def best(runs: list[dict[str, Any]], key: str, what: int) -> float | None:
    """The smallest wall (0) or processor (1) time of a step."""
    found = [r[key][what] for r in runs if key in r]
    return min(found) if found else None


def dp3(path: Path, folder: Path) -> list[float] | None:
    """Wall seconds of DP3's averager over the same bins; None where it is not installed."""
    program = shutil.which("DP3") or shutil.which("DP3.py")
    if program is None:
        return None
    import time

    begin = time.perf_counter()
    shutil.rmtree(folder / "dp3.ms", ignore_errors=True)
    steps_ = [f"msin={path}", f"msout={folder / 'dp3.ms'}", "steps=[average]", "average.freqstep=8", "average.timestep=3"]
    one_thread = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}  # DP3 asks for it
    done = subprocess.run([program, *steps_], capture_output=True, text=True, check=False, env=one_thread)
    shutil.rmtree(folder / "dp3.ms", ignore_errors=True)
    return [time.perf_counter() - begin, 0.0] if done.returncode == 0 else None


def table(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> str:
    """A Markdown table of the best times and their ratios."""
    lines = [
        "| step | ours wall [s] | reference wall [s] | ratio | ours cpu [s] | reference cpu [s] | ratio |",
        "|---|---|---|---|---|---|---|",
    ]

    def shown(value: float | None) -> str:
        return "-" if value is None else f"{value:.2f}"

    for name in [k for k in ours[0] if k != "peak MB"]:
        cells = []
        for what in (0, 1):
            mine, other = best(ours, name, what), best(theirs, name, what)
            cells += [shown(mine), shown(other), shown(None if not mine or other is None else other / mine)]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    peaks = [min(r["peak MB"] for r in runs) if runs else float("nan") for runs in (ours, theirs)]
    lines.append(f"\nPeak memory {peaks[0]:.0f} MB, reference {peaks[1]:.0f} MB.")
    return "\n".join(lines)


def make_ms(python: str, folder: Path, shared: Path) -> tuple[Path, Path]:
    """The benchmark MeasurementSet and a small one of its kind."""
    antennas = os.environ.get("BENCH_ANTENNAS", "vla.b.cfg")
    for name, count in (("bench.ms", "360"), ("warm.ms", "12")):
        if not (folder / name).is_dir():
            script = shared / "bench" / "make_bench_ms.py"
            subprocess.run([python, str(script), name, count, "64", antennas, "20"], cwd=folder, check=True)
    return folder / "bench.ms", folder / "warm.ms"


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ms", type=Path, help="benchmark MeasurementSet; a small one, warm.ms, lies beside it")
    parser.add_argument("--work", type=Path)
    parser.add_argument("--repeat", type=int, default=2)
    parser.add_argument("--only", default="")
    given = parser.parse_args()
    oracle = os.environ.get("CASA_ORACLE", "")
    work = given.work or Path(tempfile.mkdtemp(prefix="bench-transform-"))
    work.mkdir(parents=True, exist_ok=True)
    shared = Path(os.environ.get("CASA_SHARED", CHECKOUT.parent / "shared"))
    path, warm = (
        (given.ms.resolve(), given.ms.resolve().parent / "warm.ms")
        if given.ms
        else make_ms(oracle or sys.executable, work, shared)
    )
    only = [n for n in given.only.split(",") if n]
    ours, theirs = [], []
    for _ in range(given.repeat):
        ours.append(steps(sys.executable, work / "ours", path, warm, only, True))
        if oracle:
            theirs.append(steps(oracle, work / "theirs", path, warm, only, False))
    sys.stdout.write(table(ours, theirs) + "\n")
    averager = dp3(path, work)
    if averager is not None:
        sys.stdout.write(f"DP3's averager: {averager[0]:.2f} s wall.\n")
    if not given.work:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
