"""Times the transformations of MeasurementSets, with CASA_ORACLE beside a reference CASA, and beside a plain copy of the columns that
they read and write.

    CASA_ORACLE=/path/to/reference/python python benchmarks/transform.py [--ms BENCH.ms] [--work DIR] [--repeat N] [--only NAME,NAME]

Both run the same calls in turn, so that both see the same load of the machine; wall and processor seconds of the best runs are compared. Our
kernels are compiled by a first pass over a few rows. With DP3 on the path (``python -m pip install dp3``) its averager is timed too. Without --ms
the benchmark MeasurementSet is made by ``benchmarks/sets.py``.

A plain copy of the columns that a call must read and write is made in two ways, neither of which makes sub-tables, renumbers, selects or sorts: `cp` of
the files that hold them (what the disk and the system can do), and casacore's getcol and putcol of all columns of the output, in pieces of some
megabytes, into a new table of the output's description and data managers (what a program on casacore can do). Where a call changes all values
(averages, shifts, fits) no copy is its equal; the copies of the columns it reads are printed beside it all the same.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from sets import make_sets

CHECKOUT = Path(__file__).resolve().parents[1]
CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "split": ("split", {"datacolumn": "data"}),
    "mstransform": ("mstransform", {"datacolumn": "data"}),
    "partition": ("partition", {"datacolumn": "data", "separationaxis": "scan", "numsubms": 2, "flagbackup": False}),
    "concat": ("concat", {}),
    "split one spw, half the channels": ("split", {"datacolumn": "data", "spw": "0:0~31"}),
    "mstransform average": (
        "mstransform", {"datacolumn": "data", "chanaverage": True, "chanbin": 8, "timeaverage": True, "timebin": "60s"},
    ),
    "mstransform average with weights per channel": (
        "mstransform",
        {"datacolumn": "data", "chanaverage": True, "chanbin": 8, "timeaverage": True, "timebin": "60s", "usewtspectrum": True},
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
path, result, calls = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
def timed(function):
    wall, busy = time.perf_counter(), cpu()
    function()
    return [time.perf_counter() - wall, cpu() - busy]
times = {}
for name, (task, arguments) in calls.items():
    for scan in ("warm", ""):
        shutil.rmtree("o.ms", ignore_errors=True)
        given = [sys.argv[4]] if scan else [path]
        # The two parts are split from the whole, one window each or the scans in halves.
        more = {"vis": given[0], "outputvis": "o.ms"} if task != "concat" else {"vis": [given[0] + ".a", given[0] + ".b"], "concatvis": "o.ms"}
        spent = timed(lambda: getattr(casatasks, task)(**more, **arguments))
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
    with open(folder / "output.txt", "w") as log:
        subprocess.run(
            [python, "-c", STEPS, str(path), "result.json", json.dumps(calls), str(warm)], cwd=folder, env=environment, stdout=log,
            stderr=log, check=True,
        )  # fmt: skip
    return json.loads((folder / "result.json").read_text())


def copies(folder: Path, inputs: list[Path], output: Path) -> tuple[float, float, float]:
    """Wall seconds of a copy by `cp` and of one by casacore, of the columns that an output has, and megabytes."""
    import time

    from casacore import tables

    def opened(path: Path, **more: Any) -> Any:
        return tables.table(str(path), ack=False, **more)

    with opened(output) as made:
        description, managers = made.getdesc(), made.getdminfo()
        names = [c for c in made.colnames() if made.nrows() and made.iscelldefined(c, 0)]
    files: list[Path] = []
    for path in inputs:
        with opened(path) as table:
            kept = [m["SEQNR"] for m in table.getdminfo().values() if set(m["COLUMNS"]) & set(names)]
        files += [p for p in path.iterdir() if p.name.startswith("table.f") and int(p.name[7:].split("_")[0]) in kept]

    def by_files() -> None:
        for number, path in enumerate(inputs):
            (folder / "copy" / str(number)).mkdir(parents=True)
            own = [str(f) for f in files if f.parent == path]
            subprocess.run(["cp", *own, str(folder / "copy" / str(number))], check=True)

    def by_casacore() -> None:
        with tables.table(str(folder / "copy"), description, dminfo=managers, nrow=0, ack=False) as target:
            at = 0
            for path in inputs:
                with opened(path) as source:
                    count = source.nrows()
                    target.addrows(count)
                    for name in names:
                        step = 4096 if not source.isscalarcol(name) else count
                        for start in range(0, count, step):
                            piece = min(step, count - start)
                            target.putcol(name, source.getcol(name, start, piece), at + start, piece)
                    at += count

    times = []
    for copy in (by_files, by_casacore):
        shutil.rmtree(folder / "copy", ignore_errors=True)
        begin = time.perf_counter()
        copy()
        times.append(time.perf_counter() - begin)
    shutil.rmtree(folder / "copy", ignore_errors=True)
    return times[0], times[1], sum(f.stat().st_size for f in files) / 1e6


def both_copies(work: Path, path: Path) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Plain copies of the columns of the whole and of its two parts."""
    from casatasks import split

    if not (work / "made.ms").is_dir():
        split(str(path), str(work / "made.ms"), datacolumn="data")
    return copies(work, [path], work / "made.ms"), copies(work, [Path(f"{path}.a"), Path(f"{path}.b")], work / "made.ms")


def beside_copies(ours: list[dict[str, Any]], copied: list[tuple[tuple[float, float, float], ...]]) -> str:
    """A Markdown table of our calls beside the best plain copies of the columns that they read and write."""
    of_whole, of_parts = (tuple(min(turn[k][n] for turn in copied) for n in range(3)) for k in range(2))
    lines = ["| step | ours wall [s] | cp [s] | ratio | casacore's copy [s] | ratio | MB |", "|---|---|---|---|---|---|---|"]
    for name in (k for k in ours[0] if k in CALLS):
        mine = best(ours, name, 0) or 0.0
        files, columns, size = of_parts if name == "concat" else of_whole
        lines.append(
            f"| {name} | {mine:.3f} | {files:.3f} | {mine / files:.2f} | {columns:.3f} | {mine / columns:.2f} | {size:.0f} |"
        )
    return "\n".join(lines)


def best(runs: list[dict[str, Any]], key: str, what: int) -> float | None:
    """The smallest wall (0) or processor (1) time of a step."""
    found = [r[key][what] for r in runs if key in r]
    return min(found) if found else None


def dp3(path: Path, folder: Path) -> tuple[float, float] | None:
    """Wall seconds of DP3's averager over the same bins, of its process and as it says itself; None where it is not installed.

    It averages all rows in bins of so many integrations from the first one on, weighs by WEIGHT (no WEIGHT_SPECTRUM in the set), and writes
    WEIGHT_SPECTRUM besides: the call "mstransform average with weights per channel" writes the same columns. Rows, times and data of both outputs are
    compared, so that the two have done the same.
    """
    program = shutil.which("DP3") or shutil.which("DP3.py")
    if program is None:
        return None
    import time

    begin = time.perf_counter()
    shutil.rmtree(folder / "dp3.ms", ignore_errors=True)
    steps_ = [f"msin={path}", f"msout={folder / 'dp3.ms'}", "steps=[average]", "average.freqstep=8", "average.timestep=3"]
    one_thread = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}  # DP3 asks for it
    done = subprocess.run([program, *steps_], capture_output=True, text=True, check=False, env=one_thread)
    wall = time.perf_counter() - begin
    if done.returncode != 0:
        sys.stderr.write(f"DP3 ended with {done.stderr[-300:]}\n")
        return None
    said = re.search(r"Total DP3 time\s+([0-9.]+) real", done.stdout)
    return wall, float(said[1]) if said else float("nan")


def same_averages(path: Path, folder: Path) -> float:
    """The largest difference of DP3's averages, left by `dp3`, and ours of the same rows; raises where the rows differ."""
    import numpy as np
    from casacore import tables

    from casatasks import mstransform

    mstransform(str(path), str(folder / "ours.ms"), **CALLS["mstransform average"][1])
    values = []
    for name in ("dp3.ms", "ours.ms"):
        with tables.table(str(folder / name), ack=False) as made:
            order = np.lexsort([made.getcol(c) for c in ("ANTENNA2", "ANTENNA1", "TIME")])
            values.append([made.getcol(c)[order] for c in ("TIME", "ANTENNA1", "ANTENNA2", "DATA")])
        shutil.rmtree(folder / name)
    for one, other in zip(values[0][:3], values[1][:3], strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-3)
    return float(np.abs(values[0][3] - values[1][3]).max())


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


def with_parts(work: Path, path: Path) -> Path:
    """A link in `work` to a MeasurementSet, beside two parts of it for concat: its rows of either half of the time."""
    from casatasks import split
    from casatools import msmetadata

    link = work / path.name
    if not link.exists():
        link.symlink_to(path)
    tool = msmetadata()
    tool.open(str(path))
    scans = sorted(int(s) for s in tool.scannumbers())
    tool.close()
    halves = (scans[: len(scans) // 2], scans[len(scans) // 2 :]) if len(scans) > 1 else (scans, scans)
    for name, half in zip("ab", halves, strict=True):
        if not Path(f"{link}.{name}").exists():
            split(str(path), f"{link}.{name}", datacolumn="data", scan=",".join(map(str, half)))
    return link


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ms", type=Path, help="benchmark MeasurementSet; a small one, warm.ms, lies beside it")
    parser.add_argument("--work", type=Path)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--only", default="")
    given = parser.parse_args()
    oracle = os.environ.get("CASA_ORACLE", "")
    work = given.work.resolve() if given.work else Path(tempfile.mkdtemp(prefix="bench-transform-"))
    work.mkdir(parents=True, exist_ok=True)
    path, warm = (given.ms.resolve(), given.ms.resolve().parent / "warm.ms") if given.ms else make_sets(work)
    only = [n for n in given.only.split(",") if n]
    path, warm = with_parts(work, path), with_parts(work, warm)
    ours, theirs, copied = [], [], []
    for _ in range(given.repeat):
        copied.append(both_copies(work, path))  # in the turns, so that they meet the same disk and caches
        ours.append(steps(sys.executable, work / "ours", path, warm, only, True))
        if oracle:
            theirs.append(steps(oracle, work / "theirs", path, warm, only, False))
    sys.stdout.write(table(ours, theirs) + "\n\n" + beside_copies(ours, copied) + "\n")
    shutil.rmtree(work / "made.ms")
    averagers = [found for found in (dp3(path, work) for _ in range(given.repeat)) if found is not None]
    if averagers:
        wall, said = (min(a[k] for a in averagers) for k in range(2))
        mine = [
            best(ours, name, 0) or float("nan")
            for name in ("mstransform average", "mstransform average with weights per channel")
        ]
        sys.stdout.write(
            f"\nDP3's averager: {said:.2f} s wall as it says itself, {wall:.2f} s with the start of its process; ours {mine[0]:.2f} s, with the "
            f"WEIGHT_SPECTRUM that DP3 writes {mine[1]:.2f} s, in a process that runs. Same rows and times, data differ by at most "
            f"{same_averages(path, work):.1e}.\n"
        )
    if not given.work:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
