"""Times the image tasks on a cube beside a reference CASA in the same run, with the peak memory of each.

    CASA_ORACLE=/path/to/reference/python python benchmarks/images.py [--work DIR] [--size 1024,1024,256] [--only NAME,NAME] [--repeat N]
        [--memory MB] [--masks] [--conversions TEXT,TEXT]

The conversions are of 10^6 points, also in other frames and projections; --conversions takes those whose names hold a text. Each row runs in a fresh process of each interpreter in turn, after the same
call on a small cube, so that imports and compilation are timed apart.
Wall and processor seconds are medians of N turns (3 when not given), in which the two change places, and beside them stands the resident size at the end of
the process above that before the call. The reference makes the cube, so that its tiles are the reference's; before each run its files are read once and
what earlier runs wrote goes to the disk, so that neither has the other's disk traffic in its time: the time of importfits and exportfits is that of the
processor and the system's memory. On a machine that others use the ratio of processor seconds is the better one. Products are removed after each run and the cubes at the end. Without CASA_ORACLE only ours is timed.
With --masks the cubes have a pixel mask and undefined pixels. With --memory ours is told that limit (as by ``casalog.setMemoryTotal``) and rows that take more are marked.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[1]
# Statements that are timed: I is the cube, J a second one, F the cube as FITS, O the product, X and Y its sides, T, U and G records of templates.
ROWS = {
    "imstat": "t.imstat(I)",
    "imstat axes": "t.imstat(I, axes=[0, 1])",
    "imstat chauvenet": "t.imstat(I, algorithm='chauvenet', maxiter=3)",
    "immath": "t.immath([I, J], 'evalexpr', O, 'IM0*2+sqrt(abs(IM1))')",
    "immath mask": "t.immath(I, 'evalexpr', O, 'IM0*2', mask='\"' + J + '\" > 0.1')",
    "immath box": "t.immath([I, J], 'evalexpr', O, 'IM0-IM1', box=f'{X // 10},{Y // 10},{X * 9 // 10},{Y * 9 // 10}')",
    "immoments 0": "t.immoments(I, [0], outfile=O)",
    "immoments 0 to 2": "t.immoments(I, [0, 1, 2], includepix=[0.5, 100], outfile=O)",
    "immoments 3": "t.immoments(I, [3], outfile=O)",
    "immoments 4": "t.immoments(I, [4], includepix=[0, 100], outfile=O)",
    "immoments 7": "t.immoments(I, [7], outfile=O)",
    "immoments 8..11": "t.immoments(I, [8, 9, 10, 11], outfile=O)",
    "imsmooth": "t.imsmooth(I, 'gauss', '6arcsec', '5arcsec', '20deg', outfile=O)",
    "imregrid galactic": "t.imregrid(I, G, O)",
    "imregrid direction": "t.imregrid(I, T, O)",
    "imregrid spectral": "t.imregrid(I, U, O, axes=[3])",
    "imrebin": "t.imrebin(I, O, [2, 2, 1, 2])",
    "imtrans": "t.imtrans(I, O, '3012')",
    "imcollapse": "t.imcollapse(I, 'mean', axes=3, outfile=O)",
    "imsubimage": "t.imsubimage(I, O, chans='2~12')",
    "imcontsub": "t.imcontsub(I, O, O + '.cont', fitorder=1, chans='0~3,12~15')",
    "specsmooth": "t.specsmooth(I, O, axis=3, function='hanning', dmethod='')",
    "imdev": "t.imdev(I, O, xlength='21pix', ylength='21pix', grid=[8, 8])",
    "specfit": "t.specfit(I, multifit=True, poly=1, ngauss=0, model=O, box=f'0,0,{X - 1},{Y // 16 - 1}')",
    "imsubimage mask": "t.imsubimage(I, O, mask='\"' + J + '\" > 0.1')",
    "exportfits": "t.exportfits(I, O)",
    "importfits": "t.importfits(F, O)",
}
SCRIPT = r"""
import json, os, resource, sys, time
import numpy as np
folder, call, result = sys.argv[1:4]
os.chdir(folder)
import casatasks as t
if os.environ.get("BENCH_MEMORY_MB"):
    from casatools import logsink
    logsink().setMemoryTotal(int(os.environ["BENCH_MEMORY_MB"]))
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
def names(kind):
    return {"I": kind + ".im", "J": kind + ".other", "F": kind + ".fits", "O": kind + ".product", "t": t,
            **dict(zip("XY", json.load(open(kind + ".T.json"))["shap"])),
            "T": json.load(open(kind + ".T.json")), "U": json.load(open(kind + ".U.json")), "G": json.load(open(kind + ".G.json"))}
def freed():
    import glob, shutil
    for name in glob.glob("*.product*"):
        shutil.rmtree(name) if os.path.isdir(name) else os.remove(name)
exec(call, names("small"))
freed()
before, start, busy = peak(), time.perf_counter(), time.process_time()
exec(call, names("cube"))
out = [time.perf_counter() - start, time.process_time() - busy, peak(), before]
freed()
json.dump(out, open(result, "w"))
"""
MAKE = r"""
import json, os, sys
import numpy as np
import casatasks as t
from casatools import image
folder, shape, masks = sys.argv[1], [int(n) for n in sys.argv[2].split(",")], sys.argv[3] == "masks"
os.chdir(folder)
def cube(name, size, seed):
    ia = image()
    ia.fromshape(name, [size[0], size[1], 1, size[2]], overwrite=True)
    own = ia.coordsys()
    own.setunits(["arcsec", "arcsec"], type="direction")
    own.setincrement([-1.0, 1.0], type="direction")
    own.setreferencevalue([3.0 * 206264.8 / 3.6, 0.5 * 206264.8], type="direction")
    own.setreferencevalue([1.4e9], type="spectral")
    own.setincrement([1e5], type="spectral")
    own.setrestfrequency(1.41e9)
    ia.setcoordsys(own.torecord())
    ia.setbrightnessunit("Jy/beam")
    ia.setrestoringbeam("4arcsec", "3arcsec", "10deg")
    random = np.random.default_rng(seed)
    plane = random.standard_normal((size[0], size[1]), dtype=np.float32)
    for channel in range(size[2]):
        values = np.roll(plane, 37 * channel, 0) + np.float32(0.01 * channel)
        if masks:
            values[channel % 31 :: 31, ::29] = np.nan
        ia.putchunk(values[:, :, None, None], [0, 0, 0, channel])
    if masks:
        ia.calcmask("'" + name + "' > -1.5")
    ia.done()
def template(kind):
    for letter in "TUG":
        ia = image()
        ia.open(kind + ".im")
        shape = [int(n) for n in ia.shape()]
        own = ia.coordsys()
        if letter == "T":
            own.setreferencevalue([3.0 * 206264.8 / 3.6 + 7.3, 0.5 * 206264.8 + 4.1], type="direction")
            own.setreferencepixel([shape[0] / 2 + 0.4, shape[1] / 2 - 0.3], type="direction")
        elif letter == "G":
            own.setreferencecode("GALACTIC", type="direction", adjust=True)
            own.setreferencepixel([shape[0] / 2, shape[1] / 2], type="direction")
        else:
            own.setincrement([1.3e5], type="spectral")
            own.setreferencepixel([3.2], type="spectral")
        json.dump({"csys": own.torecord(), "shap": shape}, open(kind + "." + letter + ".json", "w"), default=lambda a: a.tolist())
        ia.done()
for kind, size in (("small", [64, 48, 16]), ("cube", shape)):
    cube(kind + ".im", size, 1)
    cube(kind + ".other", size, 2)
    template(kind)
    t.exportfits(kind + ".im", kind + ".fits")
"""
CONVERSIONS = r"""
import json, os, sys, time
import numpy as np
from casatools import coordsys, image
os.chdir(sys.argv[1])
ia = image()
ia.open("small.im")
csys = ia.coordsys()
pixels = np.random.default_rng(1).uniform(0, 40, (4, 1000000))
pixels[2:] = 0
out = {}
def asked(name):
    return any(text in name for text in sys.argv[3].split(","))
def timed(name, call, turns=5):
    if not asked(name):
        return call() if "one by one" not in name else None
    best = [1e9, 1e9]
    for turn in range(turns):
        start, busy = time.perf_counter(), time.process_time()
        result = call()
        best = [min(best[0], time.perf_counter() - start), min(best[1], time.process_time() - busy)]
    out[name] = best
    return result
for frame in ("", "GALACTIC", "B1950"):
    if frame:
        csys.setconversiontype(direction=frame)
    world = timed(f"toworldmany {frame}".strip(), lambda: csys.toworldmany(pixels))['numeric']
    timed(f"topixelmany {frame}".strip(), lambda: csys.topixelmany(world))
csys.setconversiontype(direction="J2000")
PARAMETERS = {"AZP": [2.0, 10.0], "SZP": [2.0, 180.0, 60.0], "AIR": [60.0], "CYP": [1.0, 0.8], "CEA": [1.0], "BON": [45.0], "HPX": [4.0, 3.0]}
CONES = ("COP", "COE", "COD", "COO")
for projection in ("TAN", "STG", "ARC", "ZEA", "AZP", "SZP", "AIR", "CAR", "SFL", "MER", "CEA", "CYP", "AIT", "MOL", "PAR", "HPX",
                   *CONES, "BON", "PCO", "TSC", "CSC", "QSC"):
    if not (asked(f"toworldmany {projection}") or asked(f"topixelmany {projection}")):
        continue
    other = csys.copy()
    if projection in CONES:
        other.setreferencevalue([3.0 * 206264.8 / 3.6, 45 * 3600.0], type="direction")
    other.setprojection(projection, [45.0, 25.0] if projection in CONES else PARAMETERS.get(projection, []))
    world = timed(f"toworldmany {projection}", lambda: other.toworldmany(pixels), 4)['numeric']
    timed(f"topixelmany {projection}", lambda: other.topixelmany(world), 4)
world = csys.toworldmany(pixels)['numeric']
every, native, pix = [True] * 4, list(csys.units()), ["pix"] * 4
timed("convertmany pixels to world", lambda: csys.convertmany(pixels, every, "radio", pix, every, "radio", native))
timed("convertmany world to pixels", lambda: csys.convertmany(world, every, "radio", native, every, "radio", pix))
relative = timed("torelmany", lambda: csys.torelmany(world, True))
timed("toabsmany", lambda: csys.toabsmany(relative))
table = coordsys().newcoordsys(tabular=True)  # the reference's tool becomes what it makes
table.settabular(np.linspace(0, 100, 64) ** 1.1, np.arange(64) * 2.0 + np.sin(np.arange(64)) * 0.3)
rows = np.random.default_rng(3).uniform(0, 50, (1, 1000000))
along = timed("toworldmany tabular", lambda: table.toworldmany(rows))["numeric"]
timed("topixelmany tabular", lambda: table.topixelmany(along))
frequencies = np.linspace(1.4e9, 1.42e9, 1000000).tolist()
velocity = list(timed("frequencytovelocity", lambda: csys.frequencytovelocity(frequencies, "Hz", "radio", "km/s")))
timed("velocitytofrequency", lambda: csys.velocitytofrequency(velocity, "Hz", "radio", "km/s"))
array = np.array(frequencies)
timed("frequencytovelocity, array", lambda: csys.frequencytovelocity(array, "Hz", "radio", "km/s"))
some = 20000
places = pixels[:, :some].T.tolist()
values = np.asarray(csys.toworldmany(pixels[:, :some])['numeric']).T.tolist()
def one_by_one(call, points):
    for point in points:
        call(point)
timed("toworld, one by one (20 000)", lambda: one_by_one(lambda p: csys.toworld(p, "n"), places), 3)
timed("topixel, one by one (20 000)", lambda: one_by_one(csys.topixel, values), 3)
timed("torel, one by one (20 000)", lambda: one_by_one(lambda v: csys.torel(v, True), values), 3)
convert = lambda v: csys.convert(v, every, "radio", native, every, "radio", pix)
timed("convert, one by one (2000)", lambda: one_by_one(convert, values[:2000]), 3)
timed("image.toworld, one by one (2000)", lambda: one_by_one(lambda p: ia.toworld(p, "s"), places[:2000]), 3)
json.dump(out, open(sys.argv[2], "w"))
"""


def environment(memory: int) -> dict[str, str]:
    ours = {**os.environ, **({"BENCH_MEMORY_MB": str(memory)} if memory else {})}
    ours["PYTHONPATH"] = os.pathsep.join(str(CHECKOUT / wheel / "src") for wheel in ("casatools", "casatasks", "casampi"))
    return ours


def run(python: str, script: str, *arguments: str, reference: bool = False, memory: int = 0) -> None:
    """Run a script in its own process, away from the checkout; its output is shown when it fails."""
    surroundings = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} if reference else environment(memory)
    if reference and "CASA_ORACLE_HOME" in os.environ:
        surroundings["HOME"] = os.environ["CASA_ORACLE_HOME"]
    done = subprocess.run(
        [python, "-c", script, *arguments], env=surroundings, cwd=arguments[0], capture_output=True, text=True, check=False
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise RuntimeError(f"{Path(python).name} {arguments[1:2]}: {last[:200]}")


def settle(work: Path, call: str) -> None:
    """Let writing end, make room in the system's memory and read the inputs of a row once, for whoever runs first."""
    os.sync()
    # in a process of its own, for a child's peak size begins with its parent's
    room = f"bytearray(b'1') * {3 * (work / 'cube.fits').stat().st_size}"
    subprocess.run([sys.executable, "-c", room], check=True)
    for letter, name in (("I", "cube.im"), ("J", "cube.other"), ("F", "cube.fits")):
        if re.search(rf"\b{letter}\b", call):
            for path in [work / name, *(work / name).rglob("*")]:
                if path.is_file():
                    with path.open("rb", buffering=0) as stream:
                        while stream.read(1 << 22):
                            pass


def median(runs: list[list[float]]) -> list[float]:
    return [statistics.median(column) for column in zip(*runs, strict=True)]


def measure(work: Path, names: list[str], interpreters: dict[str, str], repeat: int, memory: int) -> None:
    if not names:
        return
    result = work / "result.json"
    print(f"{'':22}" + "".join(f"{who:>34}" for who in interpreters) + "    ratio of wall, processor")
    print(f"{'':22}" + "".join(f"{'wall s  processor s  MB above':>34}" for _ in interpreters))
    for name in names:
        found: dict[str, list[float]] = {}
        runs: dict[str, list[list[float]]] = {who: [] for who in interpreters}
        for turn in range(repeat):
            for who, python in list(interpreters.items())[:: -1 if turn % 2 else 1]:
                settle(work, ROWS[name])
                try:
                    run(python, SCRIPT, str(work), ROWS[name], str(result), reference=who == "reference", memory=memory)
                    runs[who].append(json.loads(result.read_text()))
                except RuntimeError as error:
                    print(f"{name}: {who} failed: {error}")
                    runs[who].append([float("nan")] * 4)
        found = {who: median(all_runs) for who, all_runs in runs.items()}
        line = "".join(f"{v[0]:12.2f}{v[1]:11.2f}{v[2]:6.0f}-{v[3]:4.0f}" for v in found.values())
        if len(found) > 1:
            ours, other = found["ours"], found["reference"]
            line += f"    {other[0] / ours[0]:6.1f} {other[1] / ours[1]:6.1f}"
        taken = found["ours"][2] - found["ours"][3]
        print(f"{name:22}{line}{'  above the limit' if memory and taken > memory else ''}", flush=True)


def conversions(work: Path, interpreters: dict[str, str], names: str) -> None:
    times: dict[str, dict[str, Any]] = {}
    for who, python in interpreters.items():
        run(python, CONVERSIONS, str(work), str(work / "conversions.json"), names, reference=who == "reference")
        times[who] = json.loads((work / "conversions.json").read_text())
    for name, ours in times["ours"].items():
        line = f"{ours[0]:12.3f}{ours[1]:8.3f}"
        if "reference" in times:
            other = times["reference"][name]
            line += f"{other[0]:12.3f}{other[1]:8.3f}    {other[0] / ours[0]:6.1f} {other[1] / ours[1]:6.1f}"
        print(f"{name:32}{line}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", help="a folder for the cubes (about ten times the cube's size); temporary when not given")
    parser.add_argument("--shape", "--size", default="1024,1024,256", help="pixels in x, y and channels")
    parser.add_argument("--only", default="", help="rows, separated by commas; 'conversions' for the coordinates")
    parser.add_argument("--conversions", default="", help="conversions whose names hold one of these texts")
    parser.add_argument("--repeat", type=int, default=3, help="turns of each row")
    parser.add_argument("--memory", type=int, default=0, help="limit of memory [MB] for ours")
    parser.add_argument("--masks", action="store_true", help="cubes with a pixel mask and undefined pixels")
    parser.add_argument("--keep", action="store_true", help="leave the cubes in --work for a next run")
    arguments = parser.parse_args()
    work = Path(arguments.work or tempfile.mkdtemp(prefix="bench_images")).absolute()
    work.mkdir(parents=True, exist_ok=True)
    interpreters = {"ours": sys.executable}
    if os.environ.get("CASA_ORACLE"):
        interpreters["reference"] = os.environ["CASA_ORACLE"]
    asked = arguments.only.split(",") if arguments.only else [] if arguments.conversions else [*ROWS, "conversions"]
    try:
        if not (work / "cube.G.json").exists():
            run(
                interpreters.get("reference", sys.executable),
                MAKE,
                str(work),
                arguments.shape,
                "masks" if arguments.masks else "",
                reference="reference" in interpreters,
            )
        measure(work, [name for name in asked if name in ROWS], interpreters, arguments.repeat, arguments.memory)
        if "conversions" in asked or arguments.conversions:
            conversions(work, interpreters, arguments.conversions)
    finally:
        if not arguments.keep:
            shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
