"""Joining, exporting, importing and moving MeasurementSets, timed beside a reference CASA.

    CASA_ORACLE=/path/to/reference/python python benchmarks/ms_formats.py BENCH.ms [--rows GLOB] [--repeat N]

Each row runs in a fresh process of each interpreter, in turn, after a warm-up on a small part of the data; the best times and their ratio are told.
Without CASA_ORACLE only ours is timed.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
# Statements of each row: what prepares (not timed), and what is timed. B is the MeasurementSet, W a small one.
ROWS = {
    "concat": (
        "t.split(M, M + '.a', scan=first(M), datacolumn='data'); t.split(M, M + '.b', scan=rest(M), datacolumn='data')",
        "t.concat([M + '.a', M + '.b'], M + '.concat')",
    ),
    "virtualconcat": (
        "t.split(M, M + '.a', scan=first(M), datacolumn='data'); t.split(M, M + '.b', scan=rest(M), datacolumn='data')",
        "t.virtualconcat([M + '.a', M + '.b'], M + '.mms')",
    ),
    "partition": ("pass", "t.partition(M, M + '.mms', separationaxis='scan', numsubms=4, datacolumn='data', flagbackup=False)"),
    "exportuvfits": ("pass", "t.exportuvfits(M, M + '.fits', datacolumn='data')"),
    "importuvfits": ("t.exportuvfits(M, M + '.fits', datacolumn='data')", "t.importuvfits(M + '.fits', M + '.back')"),
    "fixvis": ("pass", "t.fixvis(M, M + '.fixed', phasecenter='0h0m1s 10arcsec', datacolumn='DATA')"),
    "fixvis_reuse": ("pass", "t.fixvis(M, M + '.fixed', reuse=False)"),
    "msuvbin": ("pass", "t.msuvbin(M, outputvis=M + '.grid', imsize=[512], cell='1arcsec', ncorr=2, nchan=4)"),
    "uvcontsub_old": ("pass", "t.uvcontsub_old(M, fitspw='0:0~20', fitorder=1, solint='60s')"),
}
SCRIPT = """
import glob, json, shutil, sys, time
import casatasks as t
from casatools import ms, table
def scans(path):
    tb = table(); tb.open(path); found = sorted(set(tb.getcol("SCAN_NUMBER").tolist())); tb.close(); return found
def first(path): return str(scans(path)[0])
def rest(path): return ",".join(str(s) for s in scans(path)[1:]) or first(path)
def once(M):
    {prepare}
    began = time.perf_counter()
    {timed}
    return time.perf_counter() - began
def clean(M):
    for path in glob.glob(M + ".*"): shutil.rmtree(path, ignore_errors=True) if not path.endswith("fits") else __import__("os").remove(path)
once({warm!r}); clean({warm!r})
print("SECONDS", once({bench!r})); clean({bench!r})
"""


def seconds(python: str, name: str, bench: str, warm: str, folder: str) -> float:
    """Time of one row under one interpreter; NaN where it failed."""
    prepare, timed = ROWS[name]
    script = SCRIPT.format(prepare=prepare, timed=timed, warm=warm, bench=bench)
    environment = dict(os.environ)
    if python != sys.executable:
        environment.pop("PYTHONPATH", None)
    run = subprocess.run([python, "-c", script], cwd=folder, env=environment, capture_output=True, text=True, check=False)
    found = [line.split()[1] for line in run.stdout.splitlines() if line.startswith("SECONDS")]
    if not found:
        sys.stderr.write(f"{name}: {run.stderr[-500:]}\n")
    return float(found[0]) if found else float("nan")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bench", help="the benchmark MeasurementSet")
    parser.add_argument(
        "--warm", default="", help="a small MeasurementSet of the same kind; the benchmark's first scan when absent"
    )
    parser.add_argument("--rows", default="*")
    parser.add_argument("--repeat", type=int, default=2)
    options = parser.parse_args()
    oracle = os.environ.get("CASA_ORACLE", "")
    results = {}
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
        bench, warm = os.path.join(folder, "bench.ms"), os.path.join(folder, "warm.ms")
        os.symlink(os.path.abspath(options.bench), bench)
        os.symlink(os.path.abspath(options.warm or options.bench), warm)
        for name in fnmatch.filter(ROWS, options.rows):
            times: dict[str, list[float]] = {"ours": [], "reference": []}
            for _ in range(options.repeat):
                for who, python in (("ours", sys.executable), ("reference", oracle)):
                    if python:
                        times[who].append(seconds(python, name, bench, warm, folder))
            best = {who: min(found) for who, found in times.items() if found}
            ratio = best["reference"] / best["ours"] if "reference" in best else float("nan")
            results[name] = {**best, "times faster": ratio}
            sys.stdout.write(
                f"{name:15s} ours {best['ours']:.2f} s  reference {best.get('reference', float('nan')):.2f} s  {ratio:.2f} times\n"
            )
            sys.stdout.flush()
    sys.stdout.write(json.dumps(results) + "\n")


if __name__ == "__main__":
    main()
