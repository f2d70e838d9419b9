"""Times gaincal and bandpass beside a reference CASA and DP3, and shows how solving scales with antennas.

    CASA_ORACLE=/path/to/reference/python DP3=/path/to/DP3.py python benchmarks/solving.py BENCH.ms [--repeat N] [--scaling]

BENCH.ms is the shared benchmark's; it is copied first and gets a MODEL_DATA column, which all three then read. Processor seconds are given beside wall
seconds: on a shared machine they are what can be compared. Without CASA_ORACLE or DP3 those columns are left out.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

# Runs under any CASA: each task twice, so that what is compiled or cached is ready; the second run counts.
_TASKS = """
import json, sys, time, shutil, casatasks as K
steps = {
    "gaincal int ap": lambda v: K.gaincal(v, "g.cal", solint="int", refant="0", calmode="ap", minsnr=0),
    "gaincal 60s p": lambda v: K.gaincal(v, "p.cal", solint="60s", refant="0", calmode="p", minsnr=0),
    "bandpass inf": lambda v: K.bandpass(v, "b.cal", solint="inf", refant="0", minsnr=0),
}
found = {}
for name, step in steps.items():
    for _ in range(2):
        wall, busy = time.time(), time.process_time()
        step(sys.argv[1])
        found[name] = [time.time() - wall, time.process_time() - busy]
json.dump(found, open(sys.argv[2], "w"))
"""
# DP3's diagonal gains: for each integration, all channels; for all times, each channel.
_DP3 = {"gaincal int ap": (1, 0), "bandpass inf": (0, 1)}


def casa(python: str, vis: Path, folder: Path, environment: dict[str, str]) -> dict[str, list[float]]:
    """Wall and processor seconds of the steps under an interpreter."""
    folder.mkdir(exist_ok=True)
    subprocess.run(
        [python, "-c", _TASKS, str(vis), "times.json"],
        cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    return json.loads((folder / "times.json").read_text())  # type: ignore[no-any-return]


def dp3(program: str, vis: Path, folder: Path) -> dict[str, list[float]]:
    """The same of DP3's gaincal step, starting of the program included."""
    from casatools.io.ms import MeasurementSet

    found = {}
    with MeasurementSet(str(vis)) as ms:
        ntime = len(np.unique(ms.read("TIME")))
    for name, (solint, nchan) in _DP3.items():
        shutil.rmtree(folder / "dp3.h5", ignore_errors=True)
        settings = {
            "msin": vis, "msin.datacolumn": "DATA", "msout": "", "steps": "[cal]", "cal.type": "gaincal", "cal.caltype": "diagonal",
            "cal.solint": solint or ntime, "cal.nchan": nchan, "cal.usemodelcolumn": "true", "cal.modelcolumn": "MODEL_DATA",
            "cal.parmdb": folder / f"dp3_{nchan}.h5", "numthreads": os.cpu_count(),
        }  # fmt: skip
        before, wall = os.times(), time.time()
        subprocess.run(
            [program, *(f"{k}={v}" for k, v in settings.items())], cwd=folder, check=True, stdout=subprocess.DEVNULL,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        )  # fmt: skip
        after = os.times()
        busy = after.children_user + after.children_system - before.children_user - before.children_system
        found[name] = [time.time() - wall, busy]
    return found


def scaling() -> None:
    """Processor time of 200 noisy solves of all baselines for more and more antennas."""
    from casatools.kernels.gain_solver import solve_gains

    rng = np.random.default_rng(1)
    last = 0.0
    sys.stdout.write(
        "\n| antennas | baselines | 200 solves [s] | over the line above | antennas squared |\n|---|---|---|---|---|\n"
    )
    for nant in (8, 16, 32, 64, 128, 256):
        ant1, ant2 = np.triu_indices(nant, 1)
        gain = (1 + 0.3 * rng.normal(size=(200, nant))) * np.exp(2j * np.pi * rng.random((200, nant)))
        vis = gain[:, ant1] * gain[:, ant2].conj()
        vis += 0.3 * (rng.normal(size=vis.shape) + 1j * rng.normal(size=vis.shape))
        times = []
        for _ in range(3):
            out = np.ones((200, nant), complex), np.zeros((200, nant)), np.zeros(200), np.zeros(200, bool)
            start = time.process_time()
            solve_gains(ant1, ant2, vis, np.ones(vis.shape), 1e-9, 1000, *out)
            times.append(time.process_time() - start)
        ratio = f"{min(times) / last:.1f}" if last else "-"
        last = min(times)
        sys.stdout.write(f"| {nant} | {len(ant1)} | {last:.3f} | {ratio} | 4.0 |\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("vis", type=Path, nargs="?")
    parser.add_argument("--repeat", type=int, default=2)
    parser.add_argument("--scaling", action="store_true")
    options = parser.parse_args()
    if options.scaling or options.vis is None:
        scaling()
    if options.vis is None:
        return
    from casatasks import setjy

    with tempfile.TemporaryDirectory(prefix="solving-") as name:
        work = Path(name)
        vis = work / "work.ms"
        shutil.copytree(options.vis, vis)
        setjy(str(vis), standard="manual", fluxdensity=[5, 0, 0, 0], usescratch=True)
        oracle, program = os.environ.get("CASA_ORACLE", ""), os.environ.get("DP3", "")
        plain = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        plain["HOME"] = os.environ.get("CASA_ORACLE_HOME", plain.get("HOME", ""))
        runs: dict[str, list[dict[str, list[float]]]] = {"ours": [], "reference": [], "DP3": []}
        for _ in range(options.repeat):
            runs["ours"].append(casa(sys.executable, vis, work / "ours", dict(os.environ)))
            if oracle:
                runs["reference"].append(casa(oracle, vis, work / "reference", plain))
            if program:
                runs["DP3"].append(dp3(program, vis, work))
        report(runs)


def report(runs: dict[str, list[dict[str, list[float]]]]) -> None:
    """Best wall and processor seconds of each, and the ratios to ours."""
    sys.stdout.write(
        "\n| step | program | wall [s] | processor [s] | wall / ours | processor / ours |\n|---|---|---|---|---|---|\n"
    )
    for step in runs["ours"][0]:
        mine = np.min([r[step] for r in runs["ours"]], axis=0)
        for who, found in runs.items():
            rows = [r[step] for r in found if step in r]
            if rows:
                best = np.min(rows, axis=0)
                wall, busy = best / mine
                sys.stdout.write(f"| {step} | {who} | {best[0]:.2f} | {best[1]:.2f} | {wall:.1f} | {busy:.1f} |\n")


if __name__ == "__main__":
    main()
