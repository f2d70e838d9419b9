"""Runs tasks on a MeasurementSet and saves what they made, for the comparison of MPI runs with serial ones.

``python mpi_tasks.py job folder vis word ...``: the tasks work on a copy of `vis` in `folder`.
"""

from __future__ import annotations

import pickle
import shutil
import sys
from pathlib import Path
from typing import Any

import casatasks
from casatools import image, table
from casatools.imaging import plane_store


def columns(path: str) -> dict[str, Any]:
    """The columns of a MeasurementSet that tasks write."""
    tb = table()
    tb.open(path)
    names = ("DATA", "CORRECTED_DATA", "MODEL_DATA", "FLAG", "FLAG_ROW", "WEIGHT", "SIGMA", "TIME", "UVW", "ANTENNA1", "FIELD_ID")
    found = {name: tb.getcol(name) for name in names if name in tb.colnames()}
    tb.close()
    return found


def run_calibration(vis: str, gaintable: list[str]) -> dict[str, Any]:
    """setjy, applycal, flagdata of several kinds, split and clearcal."""
    made: dict[str, Any] = {}
    made["flux"] = casatasks.setjy(vis, field="0", standard="manual", fluxdensity=[8.0, 0.5, 0, 0], spix=-0.7, reffreq="1.4GHz")
    casatasks.applycal(vis, gaintable=gaintable, interp=["linear"], calwt=[True])
    made["applied"] = columns(vis)
    casatasks.flagdata(vis, mode="tfcrop", datacolumn="corrected", flagbackup=False)
    made["summary"] = casatasks.flagdata(vis, mode="summary", basecnt=True, spwchan=True, fieldcnt=True)
    lines = ["mode='clip' clipminmax=[0.0,20.0] datacolumn='data'", "mode='summary' name='middle'", "antenna='1' scan='2'"]
    made["list"] = casatasks.flagdata(vis, mode="list", inpfile=lines, flagbackup=False)
    casatasks.flagdata(vis, mode="quack", quackinterval=5.0, quackincrement=True, flagbackup=False)
    casatasks.flagdata(vis, mode="rflag", datacolumn="corrected", flagbackup=False)
    made["flagged"] = columns(vis)
    casatasks.split(vis, vis + ".split", datacolumn="corrected", keepflags=False, field="0", keepmms=False)
    casatasks.split(vis, vis + ".average", datacolumn="data", width=4, timebin="40s", keepmms=False)
    made["split"], made["average"] = columns(vis + ".split"), columns(vis + ".average")
    casatasks.clearcal(vis, field="0", addmodel=True)
    made["cleared"] = columns(vis)
    return made


def pixels(base: str, kinds: tuple[str, ...]) -> dict[str, Any]:
    """Pixels of images."""
    ia = image()
    found = {}
    for kind in kinds:
        ia.open(f"{base}.{kind}")
        found[kind] = ia.getchunk()
        ia.close()
    return found


def run_imaging(vis: str, only: list[str]) -> dict[str, Any]:
    """tclean: continuum and cubes, dirty and cleaned, several weightings, Taylor terms; or only the runs named."""
    made: dict[str, Any] = {}
    base = str(Path(vis).parent / "im")
    place: dict[str, Any] = {"imsize": 96, "cell": "8arcsec", "datacolumn": "data", "field": "1"}
    runs: dict[str, dict[str, Any]] = {
        "mfs": {"niter": 60, "weighting": "briggs", "cycleniter": 25},
        "natural": {"stokes": "IV", "gridder": "wproject", "spw": "1"},
        "terms": {"deconvolver": "mtmfs", "nterms": 2, "niter": 20, "uvtaper": ["4klambda"]},
        "cube": {"specmode": "cube", "spw": "0", "niter": 40, "weighting": "briggs", "deconvolver": "clark", "outframe": "LSRK"},
        "uniform": {
            "specmode": "cube",
            "spw": "0",
            "weighting": "uniform",
            "perchanweightdensity": False,
            "nchan": 3,
            "start": 2,
        },
        "superuniform": {"specmode": "cube", "spw": "0", "weighting": "superuniform", "nchan": 2, "start": 1},
        "onechannel": {"specmode": "cube", "spw": "0", "weighting": "uniform", "nchan": 1, "start": 1},
        "fielddensities": {
            "gridder": "mosaic",
            "specmode": "cube",
            "spw": "0",
            "weighting": "uniform",
            "perchanweightdensity": False,
            "nchan": 2,
            "start": 2,
            "field": "",
            "phasecenter": 1,
            "pblimit": 0.1,
        },
        "mosaic": {"gridder": "mosaic", "niter": 40, "weighting": "briggs", "field": "", "phasecenter": 1, "pblimit": 0.1},
        "mosaicterms": {"gridder": "mosaic", "deconvolver": "mtmfs", "nterms": 2, "niter": 10, "pblimit": 0.1},
        "mosaiccube": {"gridder": "mosaic", "specmode": "cube", "spw": "0", "niter": 30, "weighting": "briggs", "pblimit": 0.1},
        "apertures": {"gridder": "awproject", "niter": 20, "stokes": "IV", "computepastep": 5.0, "pblimit": 0.1},
        "taper": {"specmode": "cube", "spw": "0", "weighting": "briggsbwtaper", "nchan": 4},
        "virtual": {"specmode": "mvc", "deconvolver": "mtmfs", "nterms": 2, "nchan": 3, "niter": 20, "spw": "0", "weighting": "briggs"},
        # With the planes in files.
        "files": {"specmode": "cube", "spw": "0", "nchan": 5, "niter": 20, "weighting": "briggs", "cycleniter": 8},
        "filesmosaic": {
            "gridder": "mosaic", "specmode": "cube", "spw": "0", "nchan": 3, "weighting": "uniform", "perchanweightdensity": False, "pblimit": 0.1,
        },
    }  # fmt: skip
    budget = plane_store.memory_budget_bytes
    for name in only or runs:
        given = runs[name]
        plane_store.memory_budget_bytes = (lambda: 0) if name.startswith("files") else budget
        record = casatasks.tclean(vis, imagename=f"{base}.{name}", parallel=True, **(place | given))
        term = ".tt0" if "nterms" in given else ""
        beams = ("weight", "pb") if "gridder" in given and given["gridder"] != "wproject" else ()
        kinds = ("psf", "residual", "sumwt", "image", *beams, *(("model",) if given.get("niter") else ()))
        made[name] = pixels(f"{base}.{name}", tuple(k + term for k in kinds)) | {"iterdone": record["iterdone"]}
    return made


def run_parts(vis: str, _: list[str]) -> dict[str, Any]:
    """Multi-MSs made and transformed part by part."""
    folder = Path(vis).parent
    casatasks.partition(vis, str(folder / "p.mms"), separationaxis="scan", numsubms=3, datacolumn="data", flagbackup=False)
    made: dict[str, Any] = {"parts": columns(str(folder / "p.mms"))}
    casatasks.split(str(folder / "p.mms"), str(folder / "s.mms"), width=4, timebin="60s", datacolumn="data")
    made["split"] = columns(str(folder / "s.mms"))
    (folder / "away").mkdir()
    moved = str(folder / "away" / "moved.mms")
    shutil.move(str(folder / "p.mms"), moved)
    steps: dict[str, dict[str, Any]] = {
        "mstransform": {"datacolumn": "data", "hanning": True, "regridms": True, "outframe": "LSRK", "spw": "0", "nspw": 2},
        "cvel2": {"datacolumn": "data", "outframe": "BARY"},
        "phaseshift": {"datacolumn": "data", "phasecenter": "J2000 13h31m12s 30d12m00s", "field": "0"},
        "uvcontsub": {"datacolumn": "data", "fitspec": "0"},
        "hanningsmooth": {"datacolumn": "data"},
    }
    for task, arguments in steps.items():
        getattr(casatasks, task)(moved, str(folder / f"{task}.mms"), **arguments)
        made[task] = columns(str(folder / f"{task}.mms"))
    for task, arguments in (("concat", {}), ("virtualconcat", {"keepcopy": True})):
        for name, scan in (("one", "1"), ("two", "2")):
            casatasks.split(moved, str(folder / f"{name}.{task}"), datacolumn="data", scan=scan)
        joined = str(folder / f"joined.{task}")
        getattr(casatasks, task)([str(folder / f"{name}.{task}") for name in ("one", "two")], joined, **arguments)
        made[task] = columns(joined)
    made["count"] = len(casatasks.listpartition(str(folder / "s.mms"), createdict=True))
    return made


def run_flagging(vis: str, words: list[str]) -> dict[str, Any]:
    """Lists of commands that look at whole scans; with a limit in bytes these come in parts of their baselines."""
    from casatools.flagging import run

    if words:
        run._group_bytes = lambda: int(words[0])
    lists = (
        ["mode='rflag' timedevscale=3.0 freqdevscale=3.0", "mode='summary' name='middle'", "mode='extend' growtime=30.0 flagneartime=True"],
        ["mode='tfcrop' freqcutoff=2.0 timecutoff=2.0 usewindowstats='std'", "mode='clip' clipminmax=[0.0,9.0] timeavg=True timebin='60s'"],
        [
            "mode='manual' antenna='EA03' spw='0:0~1' scan='1'", "mode='manual' scan='2' antenna='EA02' correlation='RR'",
            "mode='antint' antint_ref_antenna='EA03' minchanfrac=0.2",
        ],
    )  # fmt: skip
    made: dict[str, Any] = {}
    for number, lines in enumerate(lists):
        made[f"record{number}"] = casatasks.flagdata(vis, mode="list", inpfile=lines)
        tb = table()
        tb.open(vis)
        made[f"flags{number}"], made[f"rows{number}"] = tb.getcol("FLAG"), tb.getcol("FLAG_ROW")
        tb.close()
    made["versions"] = [v["name"] for k, v in casatasks.flagmanager(vis).items() if k != "MS"]
    return made


def main() -> None:
    job, folder, source, *tables = sys.argv[1:]
    vis = str(Path(folder) / "copy.ms")
    shutil.copytree(source, vis)
    made = {"calibration": run_calibration, "imaging": run_imaging, "parts": run_parts, "flagging": run_flagging}[job](
        vis, tables
    )
    Path(folder, "made.pickle").write_bytes(pickle.dumps(made))


if __name__ == "__main__":
    main()
