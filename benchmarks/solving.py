"""Times gaincal and bandpass beside a reference CASA and DP3, and shows how solving scales with antennas.

    CASA_ORACLE=/path/to/reference/python DP3=/path/to/DP3.py python benchmarks/solving.py BENCH.ms [--repeat N]
    python benchmarks/solving.py --scaling 512

BENCH.ms is the shared benchmark's; it is copied first and gets a MODEL_DATA column, which all three then read. Processor seconds are given beside wall
seconds: on a shared machine they are what can be compared. Without CASA_ORACLE or DP3 (its published wheel: ``pip install dp3`` in a place of its own) those
rows are left out; without BENCH.ms only the scaling is shown.
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
from collections.abc import Callable
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
# DP3's diagonal gains: for each integration, all channels; phases for a minute; for all times, each channel.
_DP3 = {
    "gaincal int ap": (0.0, 0, "diagonal"),
    "gaincal 60s p": (60.0, 0, "diagonalphase"),
    "bandpass inf": (np.inf, 1, "diagonal"),
}


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
        times = np.unique(ms.read("TIME"))
    for name, (length_s, nchan, kind) in _DP3.items():
        solint = len(times) if np.isinf(length_s) else max(1, round(length_s / float(np.diff(times).min())))
        shutil.rmtree(folder / "dp3.h5", ignore_errors=True)
        settings = {
            "msin": vis, "msin.datacolumn": "DATA", "msout": "", "steps": "[cal]", "cal.type": "gaincal", "cal.caltype": kind,
            "cal.solint": solint, "cal.nchan": nchan, "cal.usemodelcolumn": "true", "cal.modelcolumn": "MODEL_DATA",
            "cal.parmdb": folder / f"dp3_{nchan}.h5", "numthreads": os.cpu_count(),
        }  # fmt: skip
        before, wall = os.times(), time.time()
        subprocess.run(
            [program, *(f"{k}={v}" for k, v in settings.items())], cwd=folder, check=True, stdout=subprocess.DEVNULL,
            env={**{k: v for k, v in os.environ.items() if k != "PYTHONPATH"}, "OPENBLAS_NUM_THREADS": "1"},
        )  # fmt: skip
        after = os.times()
        busy = after.children_user + after.children_system - before.children_user - before.children_system
        found[name] = [time.time() - wall, busy]
    return found


def _leaky(rng: np.random.Generator, nant: int, nchan: int) -> tuple[Callable[[], object], int]:
    """Leakages of first order of a source that is not polarised, each channel by itself."""
    from casatools.calibration.solve_data import Baselines, IntervalData
    from casatools.calibration.solve_leakages import LeakageProblem, solve_leakage_intervals

    ant1, ant2 = np.triu_indices(nant, 1)
    number = np.full((nant, nant), -1)
    number[ant1, ant2] = np.arange(len(ant1))
    leak = 0.05 * (rng.normal(size=(nant, 2)) + 1j * rng.normal(size=(nant, 2)))
    vis = 0.01 * (rng.normal(size=(1, 1, len(ant1), nchan, 4)) + 1j * rng.normal(size=(1, 1, len(ant1), nchan, 4)))
    vis[..., 1] += (leak[ant1, 0] + leak[ant2, 1].conj())[:, None]
    vis[..., 2] += (leak[ant1, 1] + leak[ant2, 0].conj())[:, None]
    model = np.zeros(vis.shape, complex)
    model[..., 0] = model[..., 3] = 1
    data = IntervalData(np.arange(1), vis, np.ones(vis.shape), np.ones(1), model)
    baselines, problem = Baselines(ant1, ant2, number), LeakageProblem(4, (0,), circular=True)
    return lambda: solve_leakage_intervals(data, baselines, nant, problem), len(ant1)


def _gains(rng: np.random.Generator, nant: int, count: int) -> tuple[Callable[[], object], int]:
    """Gains of both receptors of `count` intervals, all that a solve does after the data are averaged."""
    from casatools.calibration.solve_data import Baselines, IntervalData
    from casatools.calibration.solve_gains import solve_gain_intervals
    from casatools.calibration.solve_options import SolveOptions

    ant1, ant2 = np.triu_indices(nant, 1)
    number = np.full((nant, nant), -1)
    number[ant1, ant2] = np.arange(len(ant1))
    gain = (1 + 0.3 * rng.normal(size=(count, 1, nant, 1, 2))) * np.exp(2j * np.pi * rng.random((count, 1, nant, 1, 2)))
    vis = gain[:, :, ant1] * gain[:, :, ant2].conj()
    vis += 0.3 * (rng.normal(size=vis.shape) + 1j * rng.normal(size=vis.shape))
    data = IntervalData(np.arange(count), vis, np.ones(vis.shape), np.ones(count))
    baselines, options = Baselines(ant1, ant2, number), SolveOptions()
    return lambda: solve_gain_intervals(data, baselines, nant, options, 0), len(ant1)


def _fringes(rng: np.random.Generator, nant: int, ntime: int) -> tuple[Callable[[], object], int]:
    """Phases, delays and rates of both hands of one interval of 8 channels."""
    from casatools.calibration.solve_data import Baselines, IntervalData
    from casatools.calibration.solve_fringes import solve_fringe_intervals
    from casatools.calibration.solve_options import SolveOptions

    ant1, ant2 = np.triu_indices(nant, 1)
    frequency, times = 1.5e9 + 4e6 * np.arange(8), 5e9 + 10.0 * np.arange(ntime)
    truth = rng.uniform(-1, 1, (3, nant, 1, 1)) * np.array([2.0, 2e-8, 4e-12])[:, None, None, None]
    along, across = (times - times.mean())[:, None], frequency - frequency.mean()
    phase = truth[0] + 2 * np.pi * (truth[1] * across + truth[2] * frequency.mean() * along)
    vis = np.exp(1j * (phase[ant1] - phase[ant2])).transpose(1, 0, 2)[None, ..., None].repeat(2, axis=-1)
    vis += 0.5 * (rng.normal(size=vis.shape) + 1j * rng.normal(size=vis.shape))
    data = IntervalData(np.arange(1), vis, np.ones(vis.shape), np.array([times.mean()]), None, times[None])
    baselines, options = Baselines(ant1, ant2, np.zeros((nant, nant), int)), SolveOptions(kind="FRINGE")
    return lambda: solve_fringe_intervals(data, baselines, nant, options, 0, frequency), len(ant1)


def _delays(rng: np.random.Generator, nant: int, nchan: int) -> tuple[Callable[[], object], int]:
    """Delays of both receptors of one interval."""
    from casatools.calibration.solve_data import Baselines, IntervalData
    from casatools.calibration.solve_delays import solve_delay_intervals

    ant1, ant2 = np.triu_indices(nant, 1)
    frequency, delay = 1.5e9 + 1e6 * np.arange(nchan), rng.uniform(-2e-8, 2e-8, nant)
    vis = np.exp(2j * np.pi * (delay[ant1] - delay[ant2])[:, None] * (frequency - frequency[0]))[None, None, ..., None].repeat(
        2, axis=-1
    )
    vis += 0.3 * (rng.normal(size=vis.shape) + 1j * rng.normal(size=vis.shape))
    data = IntervalData(np.arange(1), vis, np.ones(vis.shape), np.ones(1))
    baselines = Baselines(ant1, ant2, np.zeros((nant, nant), int))
    return lambda: solve_delay_intervals(data, baselines, nant, 4, 0, frequency, False), len(ant1)


def _polarised(rng: np.random.Generator, nant: int, ntime: int) -> tuple[Callable[[], object], int]:
    """All products of leakages of one channel together with Q and U of the source, feeds that turn."""
    from casatools.calibration.solve_data import Baselines, IntervalData
    from casatools.calibration.solve_leakages import LeakageProblem, solve_leakage_intervals, source_models

    ant1, ant2 = np.triu_indices(nant, 1)
    jones = np.array([np.eye(2, dtype=complex)] * nant)
    jones[:, 0, 1], jones[:, 1, 0] = 0.05 * (rng.normal(size=(2, nant)) + 1j * rng.normal(size=(2, nant)))
    turn = np.zeros((ntime, nant, 2, 2), dtype=complex)
    turn[..., 0, 0] = np.exp(-1j * np.linspace(0, 1.5, ntime))[:, None]
    turn[..., 1, 1] = turn[..., 0, 0].conj()
    sky = source_models(turn, ant1, ant2, True)[:, None]
    seen = (sky[0] + 0.05 * sky[1]).reshape(1, ntime, len(ant1), 2, 2)
    vis = (jones[ant1] @ seen @ jones[ant2].conj().swapaxes(-1, -2)).reshape(1, ntime, len(ant1), 1, 4)
    vis += 0.01 * (rng.normal(size=vis.shape) + 1j * rng.normal(size=vis.shape))
    data = IntervalData(np.arange(1), vis, np.ones(vis.shape), np.ones(1), sky[0][..., None, :])
    baselines, problem = Baselines(ant1, ant2, np.zeros((nant, nant), int)), LeakageProblem(4, (0,), True, "QU", True)
    return lambda: solve_leakage_intervals(data, baselines, nant, problem, sky), len(ant1)


def scaling(most: int) -> None:
    """Processor time of noisy solves of all baselines for more and more antennas: 20 sets of gains, leakages of 16 channels, of one together with Q and U,
    fringes and delays of two hands.
    """
    forms = (
        ("20 gains", _gains, 10), ("16 leakages", _leaky, 16), ("leakages, Q and U", _polarised, 4), ("2 fringes", _fringes, 6), ("2 delays", _delays, 16),
    )  # fmt: skip
    for name, problem, count in forms:
        sys.stdout.write(
            f"\n| antennas | baselines | {name} [s] | over the line above | antennas squared |\n|---|---|---|---|---|\n"
        )
        last, before = 0.0, 0
        nant = 8
        while nant <= most:
            solve, nbl = problem(np.random.default_rng(1), nant, count)
            solve()
            times = []
            for _ in range(3):
                start = time.process_time()
                solve()
                times.append(time.process_time() - start)
            ratios = f"{min(times) / last:.1f} | {(nant / before) ** 2:.1f}" if last else "- | -"
            sys.stdout.write(f"| {nant} | {nbl} | {min(times):.4f} | {ratios} |\n")
            sys.stdout.flush()
            last, before, nant = min(times), nant, 2 * nant


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("vis", type=Path, nargs="?")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--scaling", type=int, default=0, metavar="N", help="only show how solving scales, with up to N antennas")
    options = parser.parse_args()
    scaling(options.scaling or 256)
    if options.vis is None or options.scaling:
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
