"""Memory, time and bytes read and written by tasks: ``python benchmarks/footprint.py day.ms`` prints a line a task.

Each task runs in a process of its own on a fresh copy, twice: the first time compiles kernels. The figures of ``docs/clusters.md`` are made with it.
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
import json, os, resource, sys, time
import casatasks
vis, field, imsize, cell, call, before_it = sys.argv[1:7]
options = dict(imsize=int(imsize), cell=cell, datacolumn="data", field=field, weighting="briggs", niter=200)
def counts():
    with open("/proc/self/io") as stream:
        return {k: int(v) for k, v in (line.split(": ") for line in stream)}
exec(before_it, {"casatasks": casatasks, "vis": vis})
before, start = counts(), time.perf_counter()
eval(call, {"casatasks": casatasks, "vis": vis, "options": options})
after = counts()
print("MADE", json.dumps([time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    (after["rchar"] - before["rchar"]) / 1e6, (after["wchar"] - before["wchar"]) / 1e6]))
"""
CALLS = {
    "setjy": "casatasks.setjy(vis, field='0', standard='manual', fluxdensity=[1.0, 0, 0, 0])",
    "clearcal": "casatasks.clearcal(vis)",
    "flagdata summary": "casatasks.flagdata(vis, mode='summary')",
    "flagdata tfcrop": "casatasks.flagdata(vis, mode='tfcrop', flagbackup=False)",
    "gaincal": "casatasks.gaincal(vis, caltable=vis + '.G', solint='inf', refant='1', field='0')",
    "bandpass": "casatasks.bandpass(vis, caltable=vis + '.B', refant='1', field='0')",
    "applycal": "casatasks.applycal(vis, gaintable=[vis + '.G'], flagbackup=False)",
    "split": "casatasks.split(vis, vis + '.split', datacolumn='data')",
    "split timebin": "casatasks.split(vis, vis + '.average', datacolumn='data', timebin='60s')",
    "uvcontsub": "casatasks.uvcontsub(vis, vis + '.line', datacolumn='data', fitspec='0:4~6;50~59')",
    "statwt": "casatasks.statwt(vis, datacolumn='data')",
    "tclean mfs": "casatasks.tclean(vis, imagename=vis + '.mfs', **options)",
    "tclean cube": "casatasks.tclean(vis, imagename=vis + '.cube', specmode='cube', **options)",
}
# What has to be done before, with little data so that it does not count for the peak.
BEFORE = {"applycal": "casatasks.gaincal(vis, caltable=vis + '.G', solint='inf', refant='1', field='0', spw='0:30~32')"}


def measure(arguments: argparse.Namespace, call: str, before: str) -> list[float]:
    """Seconds, peak MB, MB read and MB written of one call."""
    found: list[float] = []
    for _ in range(2):
        with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
            vis = os.path.join(folder, "copy.ms")
            shutil.copytree(arguments.vis, vis)
            command = [sys.executable, "-c", PROGRAM, vis, arguments.field, str(arguments.imsize), arguments.cell, call, before]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stderr)
        found = json.loads(next(line for line in done.stdout.splitlines() if line.startswith("MADE "))[5:])
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("vis")
    parser.add_argument("--field", default="")
    parser.add_argument("--imsize", type=int, default=512)
    parser.add_argument("--cell", default="8arcsec")
    parser.add_argument(
        "--tasks", nargs="*", choices=list(CALLS), default=list(CALLS), metavar="TASK", help="some of the tasks only"
    )
    parser.add_argument("--folder", default=None, help="where copies are made")
    arguments = parser.parse_args()
    print(f"{'task':<20}{'time [s]':>10}{'peak [MB]':>11}{'read [MB]':>11}{'written [MB]':>14}")
    for name in arguments.tasks:
        call = CALLS[name]
        seconds, peak, read, written = measure(arguments, call, BEFORE.get(name, ""))
        print(f"{name:<20}{seconds:>10.2f}{peak:>11.0f}{read:>11.0f}{written:>14.0f}")


if __name__ == "__main__":
    main()
