"""Times the job and the benchmark rows under this interpreter and under a reference CASA in the same run.

    CASA_ORACLE=/path/to/reference/python python benchmarks/compare.py [--work DIR] [--rows GLOB,GLOB] [--skip-job] [--data CASADATA] [--repeat N]

Runs alternate between the two so that both see the same load of the machine; the ratio of the best times is what counts. Our run starts once with a
cold kernel cache, whose time is reported apart. Without CASA_ORACLE only ours is timed.
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
# Runs a script and reports the peak resident size of its process, which the script itself may not.
RUNNER = (
    "import os, resource, runpy, sys, json; sys.argv = sys.argv[1:]; peak = os.path.abspath('peak.json')\n"
    "try: runpy.run_path(sys.argv[0], run_name='__main__')\n"
    "except SystemExit: pass\n"
    "open(peak, 'w').write(json.dumps(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))\n"
)


def shared_folder() -> Path:
    return Path(os.environ.get("CASA_SHARED", CHECKOUT.parent / "shared"))


def run(python: str, script: Path, arguments: list[str], folder: Path, environment: dict[str, str]) -> float:
    """Run a script in its own process and folder; returns its peak resident size in MB."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "output.txt", "w") as log:
        subprocess.run(
            [python, "-c", RUNNER, str(script), *arguments], cwd=folder, env=environment, stdout=log, stderr=log, check=False
        )
    return float(json.loads((folder / "peak.json").read_text())) if (folder / "peak.json").exists() else float("nan")


def job(python: str, folder: Path, environment: dict[str, str]) -> tuple[dict[str, float], float]:
    """The golden reduction: wall seconds of each step and the peak memory."""
    shared = shared_folder()
    shutil.rmtree(folder, ignore_errors=True)
    peak = run(
        python,
        shared / "golden" / "ngc5921.py",
        [str(shared / "data" / "NGC5921.fits"), str(folder / "out"), "result.json"],
        folder,
        environment,
    )
    found = json.loads((folder / "result.json").read_text())
    for step, error in found["errors"].items():
        sys.stdout.write(f"  {step} failed: {error}\n")
    return {**found["timings_s"], "total": found["total_s"]}, peak


def rows(
    python: str, folder: Path, environment: dict[str, str], data: dict[str, Path], globs: str
) -> tuple[dict[str, Any], float]:
    """The rows of the shared benchmark that exist."""
    shutil.rmtree(folder, ignore_errors=True)
    environment = {**environment, "PERF_WARM_MS": str(data["warm"])}
    peak = run(
        python, shared_folder() / "bench" / "perf_steps.py", [str(data["bench"]), "result.json", globs], folder, environment
    )
    return json.loads((folder / "result.json").read_text()), peak


def table(title: str, ours: list[dict[str, Any]], theirs: list[dict[str, Any]], memory: tuple[float, float]) -> str:
    """A Markdown table of the best times."""
    lines = [f"\n### {title}\n", "| step | ours [s] | reference [s] | ratio |", "|---|---|---|---|"]

    def best(runs: list[dict[str, Any]], key: str) -> float | None:
        values = [r[key] for r in runs if isinstance(r.get(key), (int, float))]
        return min(values) if values else None

    for key in ours[0]:
        if key in ("cold", "peak_rss_mb"):
            continue
        a, b = best(ours, key), best(theirs, key)
        shown = [f"{v:.2f}" if v is not None else "-" for v in (a, b)]
        lines.append(f"| {key} | {shown[0]} | {shown[1]} | {f'{b / a:.1f}' if a and b else '-'} |")
    lines.append(f"| peak memory [MB] | {memory[0]:.0f} | {memory[1]:.0f} | {memory[1] / memory[0]:.1f} |")
    return "\n".join(lines) + "\n"


def make_data(work: Path, python: str, environment: dict[str, str], size: str) -> dict[str, Path]:
    """The benchmark's MeasurementSets, made once by whoever has a simulator."""
    maker = shared_folder() / "bench" / "make_bench_ms.py"
    layout = os.environ.get("BENCH_ANTENNAS", "")
    found = {}
    for name, integrations in (("bench", size), ("warm", "12")):
        path = work / f"{name}.ms"
        if not path.exists():
            subprocess.run(
                [python, str(maker), str(path), integrations, "64", layout, "20"],
                cwd=work,
                env=environment,
                check=True,
                stdout=subprocess.DEVNULL,
            )
        found[name] = path
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=None, help="folder for the products; a temporary one when absent")
    parser.add_argument(
        "--rows", default="", help="rows of the shared benchmark, such as 'applycal*,split'; needs BENCH_ANTENNAS"
    )
    parser.add_argument("--size", default="360", help="integrations of the benchmark MeasurementSet")
    parser.add_argument("--skip-job", action="store_true")
    parser.add_argument("--data", type=Path, default=None, help="a casadata folder, for the calibrators' model images")
    parser.add_argument("--repeat", type=int, default=2)
    options = parser.parse_args()
    work = options.work or Path(tempfile.mkdtemp(prefix="casa-bench-"))
    work.mkdir(parents=True, exist_ok=True)
    oracle = os.environ.get("CASA_ORACLE", "")
    oracle_environment = {**os.environ, "HOME": os.environ.get("CASA_ORACLE_HOME", os.environ.get("HOME", ""))}
    oracle_environment.pop("PYTHONPATH", None)  # the reference must not find our packages
    cache = work / "numba-cache"
    shutil.rmtree(cache, ignore_errors=True)
    our_environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache)}
    if options.data:
        # Calibrator models, which are not part of the wheels, are found over the data paths of the user's config.py.
        home = work / "home"
        (home / ".casa").mkdir(parents=True, exist_ok=True)
        (home / ".casa" / "config.py").write_text(f"datapath = [{str(options.data.resolve())!r}]\n")
        our_environment["HOME"] = str(home)
    kinds: list[tuple[str, Any]] = []
    if not options.skip_job:
        kinds.append(("NGC 5921, UVFITS to moments", lambda p, f, e: job(p, f, e)))
    if options.rows:
        data = make_data(work, oracle or sys.executable, oracle_environment if oracle else our_environment, options.size)
        kinds.append(("benchmark rows", lambda p, f, e: rows(p, f, e, data, options.rows)))
    for title, measure in kinds:
        cold, _ = measure(sys.executable, work / "cold", our_environment)
        ours, theirs, memory = [], [], [float("nan"), float("nan")]
        for k in range(options.repeat):
            found, memory[0] = measure(sys.executable, work / f"ours{k}", our_environment)
            ours.append(found)
            if oracle:
                found, memory[1] = measure(oracle, work / f"reference{k}", oracle_environment)
                theirs.append(found)
        sys.stdout.write(table(title, ours, theirs, (memory[0], memory[1])))
        if "total" in cold:
            sys.stdout.write(f"\nFirst run with an empty kernel cache: {cold['total']:.1f} s.\n")


if __name__ == "__main__":
    main()
