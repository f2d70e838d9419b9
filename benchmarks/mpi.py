"""Times tasks serially and over MPI ranks: ``python benchmarks/mpi.py day.ms [--ranks 2 4]`` prints seconds and speed-ups.

Each run works on a fresh copy of the MeasurementSet; the first pass of each process compiles kernels and is not counted.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile

PROGRAM = """
import json, shutil, sys, time
import casatasks
vis, field, imsize, cell = sys.argv[1:5]
times = {}
def timed(name, function, *args, **more):
    start = time.perf_counter()
    function(*args, **more)
    times[name] = time.perf_counter() - start
for turn in ("compile", "count"):
    common = dict(imsize=int(imsize), cell=cell, datacolumn="data", field=field, parallel=True, weighting="briggs", niter=200, restart=False)
    timed("setjy", casatasks.setjy, vis, field="0", standard="manual", fluxdensity=[1.0, 0, 0, 0])
    timed("clearcal", casatasks.clearcal, vis)
    casatasks.gaincal(vis, caltable=f"{vis}.{turn}.G", field="0", solint="inf")
    timed("applycal", casatasks.applycal, vis, gaintable=[f"{vis}.{turn}.G"], flagbackup=False)
    timed("flagdata tfcrop", casatasks.flagdata, vis, mode="tfcrop", flagbackup=False, action="apply")
    timed("flagdata summary", casatasks.flagdata, vis, mode="summary")
    timed("split timebin", casatasks.split, vis, f"{vis}.{turn}.split", datacolumn="data", timebin="60s")
    timed("tclean mfs", casatasks.tclean, vis, imagename=f"{vis}.{turn}.mfs", **common)
    timed("tclean cube", casatasks.tclean, vis, imagename=f"{vis}.{turn}.cube", specmode="cube", **common)
print("TIMES", json.dumps(times))
"""


def measure(arguments: argparse.Namespace, ranks: int) -> dict[str, float]:
    """Seconds of each task with this many ranks."""
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        vis = os.path.join(folder, "copy.ms")
        shutil.copytree(arguments.vis, vis)
        program = os.path.join(folder, "program.py")
        with open(program, "w", encoding="utf-8") as stream:
            stream.write(PROGRAM)
        command = [sys.executable, program, vis, arguments.field, str(arguments.imsize), arguments.cell]
        environment = {**os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "TMPDIR": "/tmp"}
        if ranks > 1:
            command = ["mpirun", "--oversubscribe", "-n", str(ranks), *command]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stdout + done.stderr)
    line = next(text for text in done.stdout.splitlines() if text.startswith("TIMES "))
    found: dict[str, float] = json.loads(line[6:])
    return found


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("vis")
    parser.add_argument("--ranks", type=int, nargs="*", default=[len(os.sched_getaffinity(0))])
    parser.add_argument("--field", default="")
    parser.add_argument("--imsize", type=int, default=512)
    parser.add_argument("--cell", default="8arcsec")
    parser.add_argument("--folder", default=None, help="where copies are made")
    arguments = parser.parse_args()
    serial = measure(arguments, 1)
    others = {n: measure(arguments, n) for n in arguments.ranks if n > 1}
    print(f"{'task':<20}{'serial [s]':>12}" + "".join(f"{f'{n} ranks [s]':>14}{'speed-up':>10}" for n in others))
    for name, seconds in serial.items():
        cells = "".join(f"{made[name]:>14.2f}{seconds / made[name]:>10.2f}" for made in others.values())
        print(f"{name:<20}{seconds:>12.2f}{cells}")


if __name__ == "__main__":
    main()
