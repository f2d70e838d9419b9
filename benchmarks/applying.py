"""Times what sets and applies calibration beside a reference CASA: setjy, ft, initweights, applycal, uvsub, statwt.

    CASA_ORACLE=/path/to/reference/python python benchmarks/applying.py MS WARM_MS [--work DIR] [--steps GLOB]

Each interpreter runs all steps on a copy of MS of its own, after a pass over WARM_MS, a small MeasurementSet of the same kind, so that compilation is
timed apart. Every step runs three times in one process; the best wall and processor seconds are given (on a machine with other load the latter are the
fairer ones), and beside them the wall seconds of the first call, which makes scratch columns.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

STEPS = r"""
import contextlib, fnmatch, io, json, os, shutil, sys, time
import casatasks as K
from casatools import componentlist
source, warm, pattern = sys.argv[1:4]
cl = componentlist()
for k in range(4):
    cl.addcomponent(flux=[1.0 + k, 0.1, 0, 0], dir='J2000 19h59m%d.0s 40d44m0%ds' % (20 + k, k), freq='1.1GHz', shape='point')
shutil.rmtree('four.cl', ignore_errors=True)
cl.rename('four.cl'); cl.done()
steps = [
    ('setjy', lambda v: K.setjy(v, standard='manual', fluxdensity=[5, 0, 0, 0], spix=[-0.7], reffreq='1.128GHz', usescratch=True)),
    ('tables', lambda v: os.path.exists(v + '.o') or (K.gaincal(v, v + '.g', solint='60s', refant='0', minsnr=0), K.bandpass(v, v + '.b', refant='0', minsnr=0),
                          K.gencal(v, v + '.o', caltype='opac', parameter=[0.1]))),
    ('applycal', lambda v: K.applycal(v, gaintable=[v + '.g', v + '.b'], calwt=False, flagbackup=False)),
    ('applycal calwt', lambda v: K.applycal(v, gaintable=[v + '.g', v + '.b'], calwt=True, flagbackup=False)),
    ('applycal opacity', lambda v: K.applycal(v, gaintable=[v + '.o'], calwt=False, flagbackup=False)),
    ('uvsub', lambda v: K.uvsub(v)),
    ('ft', lambda v: K.ft(v, complist='four.cl', usescratch=True)),
    ('initweights', lambda v: K.initweights(v, wtmode='nyq')),
    ('initweights spectrum', lambda v: K.initweights(v, wtmode='nyq', dowtsp=True)),
    ('statwt', lambda v: K.statwt(v, datacolumn='data', timebin='60s', flagbackup=False)),
]
def timed(step, vis):
    wall, cpu = time.time(), time.process_time()
    with contextlib.redirect_stdout(io.StringIO()):
        step(vis)
    return time.time() - wall, time.process_time() - cpu
def run(vis, count):
    times = {}
    for name, step in steps:
        if name != 'tables' and not fnmatch.fnmatch(name, pattern):
            continue
        try:
            all = [timed(step, vis) for _ in range(1 if name == 'tables' else count)]
            times[name] = (*min(all), all[0][0])
        except Exception as error:
            times[name] = str(error)[:200]
    return times
for name, path in (('warm.ms', warm), ('work.ms', source)):
    shutil.rmtree(name, ignore_errors=True)
    shutil.copytree(path, name)
run('warm.ms', 1)
json.dump(run('work.ms', 3), open('times.json', 'w'))
shutil.rmtree('work.ms')
"""


def times(python: str, folder: Path, arguments: list[str], environment: dict[str, str]) -> dict[str, list[float] | str]:
    """Seconds (wall, processor) of each step under an interpreter."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "steps.py").write_text(STEPS)
    with open(folder / "output.txt", "w") as log:
        subprocess.run([python, "steps.py", *arguments], cwd=folder, env=environment, stdout=log, stderr=log, check=True)
    found: dict[str, list[float] | str] = json.loads((folder / "times.json").read_text())
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ms", type=Path)
    parser.add_argument("warm", type=Path)
    parser.add_argument("--work", type=Path, default=Path("bench_applying"))
    parser.add_argument("--steps", default="*")
    options = parser.parse_args()
    arguments = [str(options.ms.resolve()), str(options.warm.resolve()), options.steps]
    ours = times(sys.executable, options.work / "ours", arguments, dict(os.environ))
    oracle = os.environ.get("CASA_ORACLE", "")
    theirs = {}
    if oracle:
        plain = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        plain["HOME"] = os.environ.get("CASA_ORACLE_HOME", plain.get("HOME", ""))
        (options.work / "reference").mkdir(parents=True, exist_ok=True)
        for table in (options.work / "ours").glob("*.ms.[gbo]"):  # both apply the same tables
            shutil.copytree(table, options.work / "reference" / table.name, dirs_exist_ok=True)
        theirs = times(oracle, options.work / "reference", arguments, plain)
    sys.stdout.write(
        f"{'step':22s} {'ours':>7s} {'cpu':>7s} {'first':>7s}   {'ref':>7s} {'cpu':>7s} {'first':>7s}   {'ratio':>6s} {'cpu':>6s} {'first':>6s}\n"
    )
    for name, mine in ours.items():
        other = theirs.get(name)
        if isinstance(mine, str) or isinstance(other, str):
            sys.stdout.write(f"{name:22s} {mine} {other}\n")
            continue
        line = f"{name:22s} " + " ".join(f"{v:7.2f}" for v in mine)
        if other is not None:
            line += "   " + " ".join(f"{v:7.2f}" for v in other) + "   " + " ".join(f"{o / m:6.1f}" for o, m in zip(other, mine))
        sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()
