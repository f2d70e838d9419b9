"""Bad input of the image tasks: a typed error of one sentence, and nothing written."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import casatasks as tasks
from casatools import image
from casatools._base.errors import CasaError, DataError, OutputExistsError, ParameterError, PathMissingError, SelectionError
from casatools.io.image import Beam, BeamSet, CasaImage
from casatools.io.image.coordinates.make import make_image_coordinates


def make(
    name: str, shape: tuple[int, ...] = (4, 1, 12, 14), beam: bool = True, fill: float | None = None, unit: str = "Jy/beam"
) -> None:
    hz = 1.4e9 + 1e6 * np.arange(shape[0])
    coordinates = make_image_coordinates(shape[:1:-1], (1e-5, 1e-5), (1.0, 0.5), hz, stokes=["I"], rest_frequency_hz=1.4e9)
    values = np.random.default_rng(1).normal(size=shape) if fill is None else np.full(shape, fill)
    with CasaImage.create(name, shape, coordinates, unit=unit) as made:
        made.write(values)
        if beam:
            made.beams = BeamSet.single(Beam(8, 6, 10))


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make("a.im")
    make("small.im", (4, 1, 10, 14))
    make("nobeam.im", beam=False)
    make("nan.im", fill=np.nan)
    make("there.im")
    make("far.im")
    with CasaImage.open("far.im", writable=True) as far:
        coordinates = far.coordinates.copy()
        k = coordinates.find("Spectral")
        coordinates.members[k] = coordinates.members[k].with_reference(value=np.array([1.9e9]))
        far.coordinates = coordinates
    make("aside.im")
    with CasaImage.open("aside.im", writable=True) as aside:
        coordinates = aside.coordinates.copy()
        k = coordinates.find("Direction")
        coordinates.members[k] = coordinates.members[k].with_reference(value=np.array([1.2, 0.5]))
        aside.coordinates = coordinates
    tasks.imsubimage("a.im", "plane.im", chans="0", dropdeg=True)
    tasks.imsubimage("a.im", "line.im", box="3,3,3,3", dropdeg=True)


def tool(name: str, method: str, *args: Any, **more: Any) -> Any:
    ia = image()
    ia.open(name)
    try:
        return getattr(ia, method)(*args, **more)
    finally:
        ia.done()


CASES: list[tuple[str, type[CasaError], str, Callable[[], Any]]] = [
    # images without the axis that a task needs
    ("immoments", CasaError, "spectral", lambda: tasks.immoments("plane.im", moments=[0], outfile="o")),
    ("imcontsub", CasaError, "spectral", lambda: tasks.imcontsub("plane.im", "o.l", "o.c", fitorder=0)),
    ("imreframe", CasaError, "spectral|frequency", lambda: tasks.imreframe("plane.im", "o", outframe="bary")),
    ("imsmooth", CasaError, "sky|direction", lambda: tasks.imsmooth("line.im", major="20arcsec", minor="20arcsec", pa="0deg", outfile="o")),
    ("imfit", CasaError, "sky|direction", lambda: tasks.imfit("line.im", model="o")),
    ("impv", CasaError, "sky|direction|spectral", lambda: tasks.impv("plane.im", "o", start=[1, 1], end=[9, 9])),
    ("imdev", CasaError, "sky|direction|plane", lambda: tasks.imdev("line.im", "o")),
    ("poli", CasaError, "Stokes|polari|Q", lambda: tasks.immath("a.im", mode="poli", outfile="o")),
    ("chans", SelectionError, "no spectral axis", lambda: tasks.imsubimage("plane.im", "o", chans="0")),
    # regions outside of the image
    ("box", SelectionError, "outside", lambda: tasks.imsubimage("a.im", "o", box="3,3,99,99")),
    ("region", SelectionError, "region|no pixel", lambda: tasks.imsubimage("a.im", "o", region="circle[[999pix,999pix],2pix]")),
    ("moment region", SelectionError, "region|no pixel", lambda: tasks.immoments("a.im", moments=[0], region="circle[[999pix,999pix],2pix]", outfile="o")),
    ("channels", SelectionError, "99", lambda: tasks.imcollapse("a.im", "mean", axes=[3], chans="90~99", outfile="o")),
    ("stokes", SelectionError, "V", lambda: tasks.imsubimage("a.im", "o", stokes="V")),
    ("region text", CasaError, "bracket", lambda: tasks.imsubimage("a.im", "o", region="circle[[3pix,3pix")),
    # expressions that cannot be read: the place is named
    ("expression", ParameterError, "cannot be read further than its end", lambda: tasks.immath("a.im", expr="IM0 * 2 +", outfile="o")),
    ("brackets", ParameterError, "further than its end", lambda: tasks.immath("a.im", expr="sqrt((IM0)", outfile="o")),
    ("function", ParameterError, "no function 'foo'", lambda: tasks.immath("a.im", expr="foo(IM0)", outfile="o")),
    ("mask", ParameterError, "further than its end", lambda: tasks.imsubimage("a.im", "o", mask="'a.im' >")),
    ("calc", ParameterError, r"cannot be read at '\* 2', character 9", lambda: tool("a.im", "calc", "'a.im' ** 2")),
    ("name", ParameterError, "is not an image", lambda: tasks.immath("a.im", expr="IM7", outfile="o")),
    # beams that are missing where they are needed
    ("target", CasaError, "beam", lambda: tasks.imsmooth("nobeam.im", major="20arcsec", minor="20arcsec", pa="0deg", targetres=True, outfile="o")),
    ("flux", CasaError, "beam", lambda: tasks.imcollapse("nobeam.im", "flux", axes=[0, 1], outfile="o")),
    ("common", CasaError, "beam", lambda: tasks.imsmooth("nobeam.im", kernel="commonbeam", outfile="o")),
    ("feather", CasaError, "beam", lambda: tasks.feather("o", "nobeam.im", "a.im")),
    # quantities in units that cannot be meant: the parameter is named
    ("unit of a length", ParameterError, "'xlength' must be a number of pixels or an angle", lambda: tasks.imdev("a.im", "o", xlength="3Jy")),
    # shapes and coordinates that do not fit
    ("mask elsewhere", DataError, "'inpmask': image 'aside.im' does not overlap", lambda: tasks.makemask("copy", "a.im", inpmask="aside.im", output="o")),
    ("beam elsewhere", DataError, "another part of the sky", lambda: tasks.impbcor("a.im", "aside.im", "o")),
    ("joined elsewhere", DataError, "do not follow each other", lambda: image().imageconcat("o", ["a.im", "aside.im"], 3)),
    ("shapes", DataError, "shape", lambda: tasks.immath(["a.im", "small.im"], expr="IM0+IM1", outfile="o")),
    ("template", CasaError, "ax[ie]s|sky|shape", lambda: tasks.imregrid("a.im", template="line.im", output="o")),
    ("joined", DataError, "cannot be joined", lambda: image().imageconcat("o", ["a.im", "small.im"], 3)),
    ("gap", DataError, "gaps", lambda: image().imageconcat("o", ["a.im", "far.im"], 3)),
    ("beam image", CasaError, "shape|fit", lambda: tasks.impbcor("a.im", "small.im", "o")),
    # outputs that exist
    *(
        (f"exists {name}", OutputExistsError, "there.im", call)
        for name, call in {
            "immath": lambda: tasks.immath("a.im", expr="IM0", outfile="there.im"),
            "imsubimage": lambda: tasks.imsubimage("a.im", "there.im"),
            "immoments": lambda: tasks.immoments("a.im", moments=[0], outfile="there.im"),
            "imcollapse": lambda: tasks.imcollapse("a.im", "max", axes=[3], outfile="there.im"),
            "imrebin": lambda: tasks.imrebin("a.im", "there.im", [2, 2]),
            "imtrans": lambda: tasks.imtrans("a.im", "there.im", "3012"),
            "imregrid": lambda: tasks.imregrid("a.im", template="small.im", output="there.im"),
            "imsmooth": lambda: tasks.imsmooth("a.im", major="20arcsec", minor="20arcsec", pa="0deg", outfile="there.im"),
            "imdev": lambda: tasks.imdev("a.im", "there.im"),
            "impv": lambda: tasks.impv("a.im", "there.im", start=[2, 2], end=[9, 9]),
            "imcontsub": lambda: tasks.imcontsub("a.im", "there.im", "o", fitorder=0),
            "exportfits": lambda: tasks.exportfits("a.im", "there.im"),
        }.items()
    ),
    # images of which nothing is a number
    ("nan moments", DataError, "no good pixel", lambda: tasks.immoments("nan.im", moments=[0], outfile="o")),
    ("nan collapse", DataError, "no good pixel", lambda: tasks.imcollapse("nan.im", "mean", axes=[3], outfile="o")),
    ("nan smooth", DataError, "no good pixel", lambda: tasks.imsmooth("nan.im", major="20arcsec", minor="20arcsec", pa="0deg", outfile="o")),
    ("nan rebin", DataError, "no good pixel", lambda: tasks.imrebin("nan.im", "o", [2, 2])),
    ("nan expression", DataError, "finite", lambda: tasks.immath("a.im", expr="IM0 / 0", outfile="o")),
    ("nan statistics", DataError, "no number", lambda: tasks.imstat("nan.im", logfile="o")),
    ("nan planes", DataError, "no number", lambda: tool("nan.im", "statistics", axes=[0, 1])),
    ("nan fit", CasaError, "good pixel|pixels", lambda: tasks.imfit("nan.im", box="1,1,9,9", chans="0", model="o")),
    # images that are not there
    ("missing", PathMissingError, "no.im", lambda: tasks.imsubimage("no.im", "o")),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "words", "call"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_refused_and_nothing_written(kind: type[CasaError], words: str, call: Callable[[], Any]) -> None:
    before = sorted(os.listdir("."))
    stamp = os.path.getmtime("there.im/table.dat")
    with pytest.raises(kind, match=words) as refusal:
        call()
    assert sorted(n for n in os.listdir(".") if n != "casa.log") == [n for n in before if n != "casa.log"]
    assert os.path.getmtime("there.im/table.dat") == stamp and "\n" not in str(refusal.value)
