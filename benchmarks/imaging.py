"""Images beside WSClean (Debian's package, where it is installed) and beside the reference, in one run, with the peak memory of each.

    [CASA_ORACLE=/path/to/reference/python] python benchmarks/imaging.py MS [--work DIR] [--repeat N] [--size PIXELS] [--rows GLOB,...] [--reference-for-all]

MS is the benchmark's MeasurementSet of one field (see ../shared/bench); for the mosaic its scans are spread over seven pointings. Each program runs in its own process,
in turn; the best wall time counts. Our times leave the start of Python out, WSClean's and CASA's are told the same way: WSClean's whole run, CASA's call alone.
"""

from __future__ import annotations

import argparse
import fnmatch
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

CELL_ARCSEC = 1.5
CALL = """
import json, sys, time
from casatasks import tclean
vis, size, more = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
best = []
for turn in range(int(sys.argv[4])):
    import glob, shutil
    for path in glob.glob('im.*'):
        shutil.rmtree(path, ignore_errors=True)
    begin = time.time()
    tclean(**(dict(vis=vis, imagename='im', imsize=size, cell='1.5arcsec', datacolumn='data', weighting='briggs', robust=0.5) | more))
    best.append(time.time() - begin)
import resource
print('SECONDS', min(best), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""
ROWS: dict[str, tuple[dict[str, object], list[str] | None]] = {
    "dirty image": ({"niter": 0}, ["-niter", "0"]),
    "multiscale, 1000 iterations": (
        {"niter": 1000, "deconvolver": "multiscale", "scales": [0, 5, 15]},
        ["-niter", "1000", "-multiscale", "-multiscale-scales", "0,5,15", "-mgain", "0.8"],
    ),
    "w-projection, dirty": ({"niter": 0, "gridder": "wproject", "wprojplanes": 64}, []),
    "hogbom, 1000 iterations": ({"niter": 1000}, ["-niter", "1000", "-mgain", "0.8"]),
    "mtmfs, 500 iterations": ({"niter": 500, "deconvolver": "mtmfs", "nterms": 2}, []),
    # The row of ../shared/bench.
    "cube of 64 channels, 500 iterations": (
        {"niter": 500, "specmode": "cube", "imsize": 512, "cell": "3arcsec", "weighting": "natural", "pblimit": -1},
        [],
    ),
    "mosaic of seven pointings, dirty": ({"niter": 0, "gridder": "mosaic", "pblimit": 0.1, "field": "", "phasecenter": 0}, None),
}


def make_mosaic(source: Path, target: Path) -> None:
    """A copy whose integrations belong to seven pointings half a beam apart in turn."""
    from casacore.tables import table

    shutil.copytree(source, target)
    fields = table(str(target / "FIELD"), readonly=False, ack=False)
    windows = table(str(target / "SPECTRAL_WINDOW"), ack=False)
    step = 0.5 * 1.02 * 2.998e8 / float(windows.getcol("CHAN_FREQ").mean()) / 25.0
    offsets = [(0.0, 0.0)] + [(step * np.cos(a), step * np.sin(a)) for a in np.arange(6) * np.pi / 3]
    lon, lat = fields.getcell("PHASE_DIR", 0)[0]
    fields.addrows(len(offsets) - fields.nrows())
    for row, (east, north) in enumerate(offsets):
        for name in set(fields.colnames()) - {"PHASE_DIR", "DELAY_DIR", "REFERENCE_DIR", "NAME"}:
            if fields.iscelldefined(name, 0):
                fields.putcell(name, row, fields.getcell(name, 0))
        for name in ("PHASE_DIR", "DELAY_DIR", "REFERENCE_DIR"):
            fields.putcell(name, row, np.array([[lon + east / np.cos(lat), lat + north]]))
        fields.putcell("NAME", row, f"P{row}")
    fields.close()
    windows.close()
    main = table(str(target), readonly=False, ack=False)
    _, number = np.unique(main.getcol("TIME"), return_inverse=True)
    main.putcol("FIELD_ID", (number % len(offsets)).astype(np.int32))
    main.close()


def call(
    python: str, vis: Path, size: int, more: dict[str, object], folder: Path, environment: dict[str, str], turns: int = 2
) -> tuple[float, float]:
    """Seconds of the best of some calls of tclean in one process, whose first compiles or fills caches, and its peak memory [MB]."""
    import json

    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [python, "-c", CALL, str(vis), str(size), json.dumps(more), str(turns)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    found = [line.split()[1:] for line in done.stdout.splitlines() if line.startswith("SECONDS")]
    if not found:
        sys.stdout.write(done.stderr[-2000:])
    return (float(found[0][0]), float(found[0][1])) if found else (float("nan"), float("nan"))


def wsclean(program: str, vis: Path, size: int, more: list[str], folder: Path) -> float:
    folder.mkdir(parents=True, exist_ok=True)
    command = [program, "-quiet", "-name", "w", "-size", str(size), str(size), "-scale", f"{CELL_ARCSEC}asec", "-weight", "briggs", "0.5", "-data-column", "DATA",
               "-pol", "I", "-no-update-model-required", *more, str(vis)]  # fmt: skip
    begin = time.time()
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return time.time() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ms", type=Path)
    parser.add_argument("--work", type=Path, default=None)
    parser.add_argument("--repeat", type=int, default=2)
    parser.add_argument("--size", type=int, default=2048)
    parser.add_argument(
        "--reference-for-all", action="store_true", help="time the reference on every row, not on the mosaic alone"
    )
    parser.add_argument("--rows", default="*", help="rows to time, by their names")
    parser.add_argument("--reference-turns", type=int, default=2, help="calls of the reference in one process")
    options = parser.parse_args()
    work = options.work or Path(tempfile.mkdtemp(prefix="casa-bench-"))
    oracle, peer = os.environ.get("CASA_ORACLE", ""), shutil.which("wsclean")
    other = {**os.environ, "HOME": os.environ.get("CASA_ORACLE_HOME", os.environ.get("HOME", ""))}
    other.pop("PYTHONPATH", None)
    one = options.ms.resolve()
    mosaic = work / "mosaic.ms"
    if not mosaic.exists():
        work.mkdir(parents=True, exist_ok=True)
        make_mosaic(one, mosaic)
    sys.stdout.write(
        "| image | ours [s] | WSClean [s] | ratio | CASA [s] | ratio | memory, ours and CASA [MB] |\n|---|---|---|---|---|---|---|\n"
    )
    chosen = {n: row for n, row in ROWS.items() if any(fnmatch.fnmatch(n, g) for g in options.rows.split(","))}
    for name, (more, arguments) in chosen.items():
        vis = mosaic if arguments is None else one
        ours, theirs = [], []
        peers: list[float] = []
        for _ in range(options.repeat):
            ours.append(call(sys.executable, vis, options.size, more, work / "ours", dict(os.environ)))
            if peer and arguments:
                peers.append(wsclean(peer, vis, options.size, arguments, work / "peer"))
            if oracle and (arguments is None or options.reference_for_all):
                theirs.append(call(oracle, vis, options.size, more, work / "reference", other, options.reference_turns))
        best = min(seconds for seconds, _ in ours)
        cells = [f"{min(t):.2f} | {min(t) / best:.1f}" if t else "- | -" for t in (peers, [seconds for seconds, _ in theirs])]
        memory = " and ".join(f"{max(size for _, size in runs):.0f}" for runs in (ours, theirs) if runs)
        sys.stdout.write(f"| {name} | {best:.2f} | {' | '.join(cells)} | {memory} |\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
