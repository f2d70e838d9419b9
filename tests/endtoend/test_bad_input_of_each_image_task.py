"""Each image task beside each bad input: a region outside of the image, an output that exists, an image of which nothing is a number."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import casatasks
from casatools._base.errors import CasaError, OutputExistsError, SelectionError
from casatools.io.image import Beam, BeamSet, CasaImage
from casatools.io.image.coordinates.make import make_image_coordinates

# Parameters that the task works with, and the names of those that say what it writes.
TASKS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "imbaseline": ({"maskmode": "list", "blfunc": "poly", "order": 1}, ("linefile", "bloutput")),
    "imcollapse": ({"function": "mean", "axes": [3]}, ("outfile",)),
    "imcontsub": ({"fitorder": 0}, ("linefile", "contfile")),
    "imdev": ({"xlength": "4pix", "ylength": "4pix"}, ("outfile",)),
    "imfit": ({"box": "1,1,9,9", "chans": "0"}, ()),  # replaces its images, as CASA does
    "immath": ({"expr": "IM0*2"}, ("outfile",)),
    "immoments": ({"moments": [0]}, ("outfile",)),
    "impbcor": ({"pbimage": "pb.im"}, ("outfile",)),
    "impv": ({"start": [2, 2], "end": [9, 9]}, ("outfile",)),
    "imrebin": ({"factor": [2, 2]}, ("outfile",)),
    "imreframe": ({"outframe": "lsrk"}, ("output",)),
    "imregrid": ({"template": "pb.im"}, ("output",)),
    "imsmooth": ({"major": "9arcsec", "minor": "9arcsec", "pa": "0deg"}, ("outfile",)),
    "imstat": ({}, ()),  # adds to its log
    "imsubimage": ({}, ("outfile",)),
    "imtrans": ({"order": "3012"}, ("outfile",)),
    "imval": ({}, ()),
    "specfit": ({"box": "3,3,3,3", "poly": 0, "ngauss": 0}, ("model", "residual")),
    "specflux": ({}, ("logfile",)),
    "specsmooth": ({}, ("outfile",)),
    "spxfit": ({"box": "3,3,3,3", "spxtype": "plp", "spxest": [1.0, 0.0]}, ("model", "residual")),
    "rmfit": ({}, ("rm", "rmerr")),
    "exportfits": ({}, ("fitsimage",)),
    "makemask": ({"mode": "copy", "inpmask": "box[[2pix,2pix],[5pix,5pix]]"}, ("output",)),
    "plotprofilemap": ({}, ("figfile",)),
}
NAMES = {"makemask": "inpimage"}
# What these do with an image of blanks: they copy, mark or list pixels, whatever they are.
ANY_VALUES = frozenset({"imreframe", "imsubimage", "imtrans", "imval", "exportfits", "makemask"})


# What gives or takes complex numbers; all others are for real ones.
COMPLEX = frozenset(
    {"immath", "impbcor", "imrebin", "imreframe", "imregrid", "imsubimage", "imtrans", "imval", "specsmooth", "makemask"}
)


def make(name: str, fill: complex | None = None, stokes: tuple[str, ...] = ("I",)) -> None:
    coordinates = make_image_coordinates(
        (14, 12), (1e-5, 1e-5), (1.0, 0.5), 1.4e9 + 1e6 * np.arange(6), stokes=stokes, rest_frequency_hz=1.4e9
    )
    shape = (6, len(stokes), 12, 14)
    values = np.random.default_rng(1).uniform(1, 2, size=shape) if fill is None else np.full(shape, fill)
    kind = np.complex64 if isinstance(fill, complex) else np.float32
    with CasaImage.create(name, shape, coordinates, kind, unit="Jy/beam") as made:
        made.write(values)
        made.beams = BeamSet.single(Beam(8, 6, 10))


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.im", "pb.im", "there"):
        make(name)
    make("nan.im", np.nan)
    make("q.im", stokes=("I", "Q", "U"))
    make("nanq.im", np.nan, ("I", "Q", "U"))


def refused(task: str, kind: type[CasaError], image: str, **given: Any) -> None:
    before, stamp = sorted(os.listdir(".")), os.path.getmtime("there/table.dat")
    image = {"a.im": "q.im", "nan.im": "nanq.im", "z.im": "zq.im"}[image] if task == "rmfit" else image
    with pytest.raises(kind) as refusal:
        getattr(casatasks, task)(**{NAMES.get(task, "imagename"): image, **TASKS[task][0], **given})
    left = [n for n in sorted(os.listdir(".")) if not n.endswith(".log")]
    assert left == [n for n in before if not n.endswith(".log")] and os.path.getmtime("there/table.dat") == stamp
    assert "\n" not in str(refusal.value)


def outputs(task: str) -> dict[str, str]:
    return {name: f"new{k}" for k, name in enumerate(TASKS[task][1])}


@pytest.mark.parametrize(
    "task", [t for t in TASKS if t not in ("imreframe", "imregrid", "imtrans", "rmfit", "plotprofilemap", "imbaseline")]
)
def test_a_region_outside(task: str) -> None:
    given = {"box": "", "chans": ""} if task in ("imfit", "specfit", "spxfit") else {}
    if task == "makemask":
        refused(task, SelectionError, "a.im", inpmask="circle[[99pix,99pix],3pix]", output="new")
    elif task == "exportfits":
        refused(task, CasaError, "a.im", region="circle[[99pix,99pix],3pix]", **outputs(task))
    else:
        refused(task, SelectionError, "a.im", region="circle[[99pix,99pix],3pix]", **given, **outputs(task))


@pytest.mark.parametrize(("task", "name"), [(t, n) for t, (_, names) in TASKS.items() for n in names])
def test_an_output_that_exists(task: str, name: str) -> None:
    given = {**outputs(task), name: "there"}
    refused(task, OutputExistsError, "a.im", **given)


@pytest.mark.parametrize("task", [t for t in TASKS if t not in ANY_VALUES])
def test_nothing_that_is_a_number(task: str) -> None:
    refused(task, CasaError, "nan.im", **outputs(task))


@pytest.mark.parametrize("task", TASKS)
def test_complex_numbers_keep_their_imaginary_parts_or_are_refused(task: str) -> None:
    make("z.im", 1.0 + 2.0j)
    make("zq.im", 1.0 + 2.0j, ("I", "Q", "U"))
    if task not in COMPLEX:
        refused(task, CasaError, "z.im", **outputs(task))
        return
    given = TASKS[task][0] | outputs(task)
    found = getattr(casatasks, task)(**{NAMES.get(task, "imagename"): "z.im"}, **given)
    if task == "imval":
        assert np.all(found["data"] == 1.0 + 2.0j)
    elif task != "makemask":  # a mask is no sky
        with CasaImage.open("new0") as made:
            assert made.dtype.kind == "c" and (made.read(0).imag > 0).any()
