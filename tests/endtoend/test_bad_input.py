"""Bad input to the tasks of the spectral-line reduction: a typed error with a clear sentence, and nothing written or changed."""

from __future__ import annotations

import inspect
import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from casacore.tables import table as casacore_table

import casatasks
from casatasks._index import REFERENCE, TASKS
from casatools import image
from casatools._base import errors
from casatools._base.memory import available_bytes
from casatools.simulation.demo import DemoOptions, make_demo
from support.refusals import refused_call
from support.uvfits_file import antenna_table, write_uvfits

P, D, S = errors.ParameterError, errors.DataError, errors.SelectionError
MISSING, EXISTS = errors.PathMissingError, errors.OutputExistsError

# What each task needs beside its input to get as far as reading it.
ON_MS: dict[str, dict[str, Any]] = {
    "listobs": {},
    "vishead": {},
    "visstat": {},
    "flagdata": {},
    "flagmanager": {"mode": "list"},
    "clearcal": {},
    "setjy": {"standard": "manual", "fluxdensity": [1, 0, 0, 0]},
    "gaincal": {"caltable": "o.cal"},
    "bandpass": {"caltable": "o.cal"},
    "applycal": {"gaintable": []},
    "split": {"outputvis": "o.ms", "datacolumn": "data"},
    "uvcontsub": {"outputvis": "o.ms"},
    "tclean": {"imagename": "o", "imsize": 64, "cell": "10arcsec", "niter": 0},
    "plotants": {"figfile": "o.png"},
    "plotms": {"plotfile": "o.png", "showgui": False},
    "listhistory": {},
}
ON_IMAGE: dict[str, dict[str, Any]] = {
    "imstat": {},
    "imhead": {},
    "imval": {},
    "exportfits": {"fitsimage": "o.fits"},
    "immoments": {"outfile": "o.mom"},
}
UNSELECTABLE = ("vishead", "flagmanager", "clearcal", "plotants", "listhistory")


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small observation, its calibration tables, one of another array, a flagged copy, and files that are none of these."""
    folder = tmp_path_factory.mktemp("inputs")
    here = os.getcwd()
    os.chdir(folder)
    try:
        make_demo("small.ms", DemoOptions(antennas_per_arm=3, cycles=1))
        make_demo("larger.ms", DemoOptions(antennas_per_arm=4, cycles=1))
        shutil.copytree("small.ms", "flagged.ms")
        casatasks.flagdata(vis="flagged.ms", mode="manual", flagbackup=False)
        casatasks.gaincal(vis="small.ms", caltable="g.cal", field="0", solint="inf")
        casatasks.bandpass(vis="small.ms", caltable="b.cal", field="0", solint="inf")
        casatasks.gaincal(vis="larger.ms", caltable="other.cal", field="0", solint="inf")
        with casacore_table("other.cal/ANTENNA", readonly=False, ack=False) as antennas:
            antennas.putcol("NAME", [f"PAD{k}" for k in range(antennas.nrows())])
        axes = [(name, 1e-9, 0.0, [1.0] * 8) for name in ("UU---SIN", "VV---SIN", "WW---SIN")]
        when = [
            ("BASELINE", 1.0, 0.0, [258.0] * 8),
            ("DATE", 1.0, 2455198.5, [0.0] * 8),
            ("DATE", 1.0, 0.0, np.arange(8) / 8640.0),
        ]
        write_uvfits(Path("good.uvfits"), axes + when, np.ones((8, 1, 64, 2, 3), np.float32), [antenna_table([1, 2])])
        good = Path("good.uvfits").read_bytes()
        Path("short.uvfits").write_bytes(good[: len(good) // 2])
        casatasks.tclean(vis="small.ms", imagename="sky", field="0", imsize=32, cell="10arcsec", niter=0)
        casatasks.exportfits(imagename="sky.image", fitsimage="good.fits")
        shutil.copytree("small.ms", "weightless.ms")
        with casacore_table("weightless.ms", readonly=False, ack=False) as main:
            for column in ("WEIGHT", "WEIGHT_SPECTRUM"):
                if column in main.colnames():
                    main.putcol(column, np.zeros_like(main.getcol(column)))
        tool = image()
        tool.open("sky.image")
        far = tool.coordsys()
        far.setreferencevalue(["23h00m00", "-40d00m00"], "direction")
        tool.done()
        tool.fromarray("far.im", np.ones((32, 32, 1, 1)), csys=far.torecord())
        tool.done()
        tool.fromarray("plane.im", np.ones((32, 32)))
        tool.done()
        Path("short.fits").write_bytes(Path("good.fits").read_bytes()[:4000])
        Path("folder").mkdir()
        Path("plain.txt").write_text("not what you think\n")
        Path("exists.png").write_text("mine\n")
    finally:
        os.chdir(here)
    return folder


@pytest.fixture
def refused(inputs: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Calls a task among the inputs; gives the error's sentence after looking that no file changed, came or went."""
    monkeypatch.chdir(inputs)
    return partial(refused_call, inputs)


@pytest.mark.parametrize("task", ON_MS)
@pytest.mark.parametrize(
    ("path", "kind", "words"),
    [("nowhere.ms", MISSING, "does not exist"), ("folder", D, "table.dat"), ("plain.txt", D, "table.dat")],
)
def test_input_is_no_measurement_set(
    refused: Callable[..., str], task: str, path: str, kind: type[Exception], words: str
) -> None:
    text = refused(task, kind, vis=path, **ON_MS[task])
    assert path in text and words in text


@pytest.mark.parametrize("task", [t for t in ON_MS if t not in ("flagmanager", "listhistory", "flagdata")])
def test_input_is_another_kind_of_table(refused: Callable[..., str], task: str) -> None:
    assert "sky.image" in refused(task, D, vis="sky.image", **ON_MS[task])


@pytest.mark.parametrize("task", ON_IMAGE)
@pytest.mark.parametrize(("path", "kind"), [("nowhere.im", MISSING), ("folder", D), ("plain.txt", D), ("small.ms", D)])
def test_input_is_no_image(refused: Callable[..., str], task: str, path: str, kind: type[Exception]) -> None:
    assert path in refused(task, kind, imagename=path, **ON_IMAGE[task])


@pytest.mark.parametrize("task", [t for t in ON_MS if t not in UNSELECTABLE])
@pytest.mark.parametrize(
    ("selection", "words"),
    [
        ({"field": "nosuch"}, "1331+305=3C286"),
        ({"field": "77"}, "no ID 77"),
        ({"antenna": "ea99"}, "VA09"),
        ({"spw": "9"}, "no spectral window 9"),
        ({"spw": "0:900~999"}, "40 channels"),
        ({"spw": "garb;;age"}, "garb;;age"),
        ({"correlation": "XX"}, "XX"),
        ({"scan": "99"}, "99"),
        ({"timerange": "1999/01/01~1999/01/02"}, "1999/01/01"),
        ({"field": "0", "scan": "99"}, "99"),
    ],
)
def test_selection_matches_nothing(refused: Callable[..., str], task: str, selection: dict[str, str], words: str) -> None:
    known = inspect.signature(getattr(casatasks, task)).parameters
    if not set(selection) <= set(known):
        pytest.skip(f"{task} has no parameter {next(iter(selection))!r}")
    if task == "setjy" and set(selection) - {"field", "spw"}:
        selection = {**selection, "selectdata": True}  # type: ignore[dict-item]
    assert words in refused(task, S, vis="small.ms", **ON_MS[task], **selection)


CASES: list[tuple[str, type[Exception], str, dict[str, Any]]] = [
    # Outputs that exist, and folders for outputs that do not.
    ("listobs", EXISTS, "plain.txt", {"vis": "small.ms", "listfile": "plain.txt"}),
    ("split", EXISTS, "plain.txt", {"vis": "small.ms", "outputvis": "plain.txt", "datacolumn": "data"}),
    ("uvcontsub", EXISTS, "plain.txt", {"vis": "small.ms", "outputvis": "plain.txt"}),
    ("plotms", EXISTS, "exists.png", {"vis": "small.ms", "plotfile": "exists.png", "showgui": False}),
    ("importuvfits", EXISTS, "small.ms", {"fitsfile": "good.uvfits", "vis": "small.ms"}),
    ("importfits", EXISTS, "sky.image", {"fitsimage": "good.fits", "imagename": "sky.image"}),
    ("exportfits", EXISTS, "good.fits", {"imagename": "sky.image", "fitsimage": "good.fits"}),
    ("immoments", EXISTS, "sky.psf", {"imagename": "sky.image", "moments": [0], "outfile": "sky.psf"}),
    ("gaincal", D, "not a calibration table", {"vis": "small.ms", "caltable": "plain.txt"}),
    ("bandpass", D, "not a calibration table", {"vis": "small.ms", "caltable": "small.ms"}),
    ("split", MISSING, "none", {"vis": "small.ms", "outputvis": "none/o.ms", "datacolumn": "data"}),
    ("gaincal", MISSING, "none", {"vis": "small.ms", "caltable": "none/o.cal"}),
    ("tclean", MISSING, "none", {"vis": "small.ms", "imagename": "none/o", "imsize": 64, "cell": "9arcsec", "field": "0"}),
    ("plotms", MISSING, "none", {"vis": "small.ms", "plotfile": "none/o.png", "showgui": False}),
    ("exportfits", MISSING, "none", {"imagename": "sky.image", "fitsimage": "none/o.fits"}),
    # FITS files that are cut short, are something else, or are not there.
    ("importuvfits", D, "truncated", {"fitsfile": "short.uvfits", "vis": "o.ms"}),
    ("importuvfits", D, "not a FITS file", {"fitsfile": "plain.txt", "vis": "o.ms"}),
    ("importuvfits", MISSING, "nowhere.fits", {"fitsfile": "nowhere.fits", "vis": "o.ms"}),
    ("importuvfits", D, "good.fits", {"fitsfile": "good.fits", "vis": "o.ms"}),
    ("importfits", D, "short.fits", {"fitsimage": "short.fits", "imagename": "o.im"}),
    ("importfits", D, "random groups", {"fitsimage": "good.uvfits", "imagename": "o.im"}),
    ("importfits", D, "plain.txt", {"fitsimage": "plain.txt", "imagename": "o.im"}),
    ("importfits", MISSING, "nowhere", {"fitsimage": "nowhere", "imagename": "o.im"}),
    # Columns that are not there.
    ("split", D, "CORRECTED_DATA", {"vis": "small.ms", "outputvis": "o.ms"}),
    ("split", D, "MODEL_DATA", {"vis": "small.ms", "outputvis": "o.ms", "datacolumn": "model"}),
    ("visstat", D, "CORRECTED_DATA", {"vis": "small.ms", "datacolumn": "corrected"}),
    ("plotms", D, "CORRECTED_DATA", {"vis": "small.ms", "ydatacolumn": "corrected", "plotfile": "o.png", "showgui": False}),
    # Names, types and values of parameters.
    ("gaincal", P, "bogus", {"vis": "small.ms", "caltable": "o.cal", "bogus": 1}),
    ("gaincal", P, "did you mean 'caltable'", {"vis": "small.ms", "caltabel": "o.cal"}),
    ("gaincal", P, "minsnr", {"vis": "small.ms", "caltable": "o.cal", "minsnr": "x"}),
    ("gaincal", P, "vis", {"vis": 3, "caltable": "o.cal"}),
    ("gaincal", P, "solint", {"vis": "small.ms", "caltable": "o.cal", "solint": "banana"}),
    ("gaincal", P, "gaintype", {"vis": "small.ms", "caltable": "o.cal", "gaintype": "H"}),
    ("gaincal", S, "ea99", {"vis": "small.ms", "caltable": "o.cal", "refant": "ea99"}),
    ("setjy", P, "standard", {"vis": "small.ms", "standard": "nosuch"}),
    ("setjy", MISSING, "nosuch.im", {"vis": "small.ms", "field": "0", "standard": "Perley-Butler 2017", "model": "nosuch.im"}),
    ("flagdata", P, "mode", {"vis": "small.ms", "mode": "nosuch"}),
    ("flagdata", P, "clipminmax", {"vis": "small.ms", "mode": "clip", "clipminmax": [3]}),
    ("flagdata", MISSING, "nowhere.txt", {"vis": "small.ms", "mode": "list", "inpfile": "nowhere.txt"}),
    ("flagmanager", MISSING, "nosuch", {"vis": "small.ms", "mode": "restore", "versionname": "nosuch"}),
    ("flagmanager", P, "versionname", {"vis": "small.ms", "mode": "save", "versionname": ""}),
    ("plotms", P, "there is no axis 'nosuch'", {"vis": "small.ms", "xaxis": "nosuch", "plotfile": "o.png", "showgui": False}),
    ("uvcontsub", S, "no spectral window 9", {"vis": "small.ms", "outputvis": "o.ms", "fitspec": "9:0~3"}),
    ("uvcontsub", P, "fitorder", {"vis": "small.ms", "outputvis": "o.ms", "fitspec": "0:0~3", "fitorder": -1}),
    ("immoments", P, "moments", {"imagename": "sky.image", "moments": [99], "outfile": "o.mom"}),
    ("imval", S, "box", {"imagename": "sky.image", "box": "nonsense"}),
    # Calibration tables of another Jones type, of other antennas, fields or windows.
    ("gaincal", D, "B Jones", {"vis": "small.ms", "caltable": "b.cal", "field": "0", "append": True}),
    ("gaincal", MISSING, "none.cal", {"vis": "small.ms", "caltable": "o.cal", "gaintable": ["none.cal"]}),
    ("gaincal", D, "not a calibration table", {"vis": "small.ms", "caltable": "o.cal", "gaintable": ["small.ms"]}),
    ("bandpass", D, "other antennas", {"vis": "small.ms", "caltable": "o.cal", "gaintable": ["other.cal"]}),
    ("fluxscale", D, "B Jones", {"vis": "small.ms", "caltable": "b.cal", "fluxtable": "o.cal", "reference": "0"}),
    ("fluxscale", S, "nosuch", {"vis": "small.ms", "caltable": "g.cal", "fluxtable": "o.cal", "reference": "nosuch"}),
    ("fluxscale", P, "reference", {"vis": "small.ms", "caltable": "g.cal", "fluxtable": "o.cal", "reference": "1"}),
    ("fluxscale", MISSING, "none.cal", {"vis": "small.ms", "caltable": "none.cal", "fluxtable": "o.cal", "reference": "0"}),
    ("applycal", MISSING, "none.cal", {"vis": "small.ms", "gaintable": ["none.cal"]}),
    ("applycal", D, "not a calibration table", {"vis": "small.ms", "gaintable": ["small.ms"]}),
    ("applycal", D, "PAD0", {"vis": "small.ms", "gaintable": ["other.cal"]}),
    ("applycal", P, "spwmap", {"vis": "small.ms", "gaintable": ["g.cal"], "spwmap": [[3]]}),
    ("applycal", S, "nosuch", {"vis": "small.ms", "gaintable": ["g.cal"], "gainfield": ["nosuch"]}),
    ("applycal", S, "no solutions for field", {"vis": "small.ms", "gaintable": ["g.cal"], "gainfield": ["1"]}),
    ("applycal", P, "weird", {"vis": "small.ms", "gaintable": ["g.cal"], "interp": ["weird"]}),
    ("applycal", MISSING, "none.txt", {"vis": "small.ms", "docallib": True, "callib": "none.txt"}),
    # All data flagged.
    ("gaincal", D, "flagged", {"vis": "flagged.ms", "caltable": "o.cal"}),
    ("bandpass", D, "flagged", {"vis": "flagged.ms", "caltable": "o.cal"}),
    ("tclean", D, "flagged", {"vis": "flagged.ms", "imagename": "o", "imsize": 64, "cell": "9arcsec", "field": "0"}),
    ("plotms", D, "flagged", {"vis": "flagged.ms", "plotfile": "o.png", "showgui": False}),
    ("split", S, "flagged", {"vis": "flagged.ms", "outputvis": "o.ms", "datacolumn": "data", "keepflags": False}),
]  # fmt: skip


@pytest.mark.parametrize(("task", "kind", "words", "arguments"), CASES, ids=[f"{c[0]}-{c[2]}" for c in CASES])
def test_refused(refused: Callable[..., str], task: str, kind: type[Exception], words: str, arguments: dict[str, Any]) -> None:
    assert words in refused(task, kind, **arguments)


IMAGING: list[tuple[type[Exception], str, dict[str, Any]]] = [
    (P, "10furlong", {"cell": "10furlong"}),
    (P, "cell", {"cell": "-3arcsec"}),
    (P, "parameter 'cell': '5Jy' cannot be converted", {"cell": "5Jy"}),
    (P, "wider than the sky", {"cell": "500deg"}),
    (P, "parameter 'threshold': '5.0m' cannot be converted", {"threshold": "5m", "niter": 3}),
    (P, "parameter 'noise'", {"weighting": "briggsabs", "noise": "3m"}),
    (P, "parameter 'restfreq': 'xHz'", {"restfreq": "xHz"}),
    (P, "imsize", {"imsize": 0}),
    (P, "imsize", {"imsize": [64, 64, 64]}),
    (P, "nchan", {"specmode": "cube", "nchan": -5}),
    (P, "niter", {"niter": -1}),
    (P, "phasecenter", {"phasecenter": "J2000 01h00m00 -50d00m00"}),
    (P, "nosuch", {"phasecenter": "nosuch"}),
    (S, "not a field", {"phasecenter": 17}),
    (S, "none.mask", {"mask": "none.mask"}),
    (MISSING, "none.im", {"startmodel": "none.im"}),
    (P, "gridder", {"gridder": "none"}),
    (P, "weighting", {"weighting": "heavy"}),
    (P, "stokes", {"stokes": "Q5"}),
    (P, "circular", {"stokes": "XX"}),
    (P, "psfcutoff", {"psfcutoff": 1.5}),
    (P, "outframe", {"outframe": "MOON"}),
    (P, "projection", {"projection": "FLAT"}),
    (P, "briggsbwtaper", {"weighting": "briggsbwtaper"}),
    (P, "restoringbeam", {"restoringbeam": ["-3arcsec"]}),
    (D, "in the channels of the image, 0.999500 to 1.002500 GHz (LSRK)", {"specmode": "cube", "start": "1.0GHz", "width": "1MHz", "nchan": 3}),
    (D, "calcpsf", {"calcpsf": False}),
    (errors.UnsupportedError, "interactive", {"interactive": True}),
]  # fmt: skip


DATA_AND_IMAGES: list[tuple[type[Exception], str, dict[str, Any]]] = [
    (D, "flagged", {"vis": "flagged.ms"}),
    (D, "no weight", {"vis": "weightless.ms"}),
    (S, "", {"field": "nosuch"}),
    (S, "", {"spw": "9"}),
    (D, "mask image", {"mask": "plane.im"}),
    (D, "overlap", {"mask": "far.im"}),
    (D, "overlap", {"startmodel": "far.im"}),
    (D, "model image", {"startmodel": "plane.im"}),
    (D, "another imagename", {"imagename": "sky", "niter": 1, "calcres": False}),
    (D, "another imagename", {"imagename": "sky", "calcpsf": False}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "words", "arguments"), IMAGING + DATA_AND_IMAGES)
def test_tclean_refuses(refused: Callable[..., str], kind: type[Exception], words: str, arguments: dict[str, Any]) -> None:
    given = {"vis": "small.ms", "imagename": "o", "field": "0", "imsize": 64, "cell": "9arcsec"} | arguments
    assert words in refused("tclean", kind, **given)


def test_an_image_larger_than_memory_is_refused(refused: Callable[..., str]) -> None:
    size = 2 * int((available_bytes() / 18) ** 0.5)
    text = refused("tclean", P, vis="small.ms", imagename="o", field="0", imsize=size, cell="1arcsec")
    assert "GB of memory" in text and "imsize" in text


def test_a_name_that_is_not_there_yet() -> None:
    with pytest.raises(AttributeError, match="no attribute"):
        _ = casatasks.tcleen  # type: ignore[attr-defined]
    missing = sorted(REFERENCE - set(TASKS))
    if missing:
        with pytest.raises(AttributeError, match="does not have yet"):
            getattr(casatasks, missing[0])
