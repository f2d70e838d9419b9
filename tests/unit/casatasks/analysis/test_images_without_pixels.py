"""Images of which no pixel is a number: the tasks that would make something of them say so and write nothing."""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np
import pytest

import casatasks as tasks
from casatools import image
from casatools._base.errors import CasaError, DataError

OUT = "made.out"


def make(name: str, nan: bool = True, nchan: int = 6, stokes: int = 1) -> None:
    tool = image()
    tool.fromshape(name, [14, 12, stokes, nchan])
    system = tool.coordsys()
    system.setunits(["arcsec", "arcsec"], type="direction")
    system.setincrement([-1, 1], type="direction")
    tool.setcoordsys(system.torecord())
    tool.setbrightnessunit("Jy/beam")
    tool.setrestoringbeam("3arcsec", "3arcsec", "0deg")
    values = np.random.default_rng(1).normal(size=(14, 12, stokes, nchan))
    tool.putchunk(values * np.nan if nan else values)
    tool.done()


CALLS: dict[str, Callable[[], object]] = {
    "immath": lambda: tasks.immath("n.im", "evalexpr", OUT, "IM0*2"),
    "immath spix": lambda: tasks.immath(["one.im", "other.im"], "spix", OUT),
    "immath pola": lambda: tasks.immath("p.im", "pola", OUT),
    "immoments": lambda: tasks.immoments("n.im", [0], outfile=OUT),
    "imcollapse": lambda: tasks.imcollapse("n.im", "mean", axes=3, outfile=OUT),
    "imcontsub": lambda: tasks.imcontsub("n.im", OUT, OUT + ".cont", fitorder=0, chans="0~3"),
    "imdev": lambda: tasks.imdev("n.im", OUT),
    "imfit": lambda: tasks.imfit("one.im", model=OUT),
    "impbcor": lambda: tasks.impbcor("n.im", "g.im", OUT),
    "impv": lambda: tasks.impv("n.im", OUT, start=[3, 3], end=[9, 9]),
    "imrebin": lambda: tasks.imrebin("n.im", OUT, [2, 2, 1, 1]),
    "imregrid": lambda: tasks.imregrid("n.im", "g.im", OUT),
    "imsmooth": lambda: tasks.imsmooth("n.im", "gauss", "4arcsec", "4arcsec", "0deg", outfile=OUT),
    "imbaseline": lambda: tasks.imbaseline("n.im", OUT),
    "specfit": lambda: tasks.specfit("n.im", ngauss=1, multifit=True, amp=OUT),
    "specflux": lambda: tasks.specflux("n.im", logfile=OUT),
    "specsmooth": lambda: tasks.specsmooth("n.im", OUT, axis=3, function="hanning", dmethod=""),
    "rmfit": lambda: tasks.rmfit("p.im", rm=OUT),
    "plotprofilemap": lambda: tasks.plotprofilemap("n.im", figfile=OUT + ".png"),
    "feather": lambda: tasks.feather(OUT, "g.im", "n.im"),
}


@pytest.fixture
def images() -> None:
    make("n.im")
    make("g.im", nan=False)
    make("one.im", nchan=1)
    make("other.im", nan=False, nchan=1)
    tool = image()
    tool.open("other.im")
    system = tool.coordsys()
    system.setreferencevalue([1.5e9], type="spectral")
    tool.setcoordsys(system.torecord())
    tool.done()
    make("p.im", stokes=4)


def test_nothing_is_made_of_nothing(images: None) -> None:
    before = sorted(f for f in os.listdir(".") if not f.endswith(".log"))
    for name, call in CALLS.items():
        with pytest.raises(DataError, match=r"no good pixel|no pixel that is a finite number"):
            call()
        assert sorted(f for f in os.listdir(".") if not f.endswith(".log")) == before, name


def test_what_only_tells_or_copies_does_so(images: None) -> None:
    with pytest.raises(CasaError, match="no number"):
        tasks.imstat("n.im")
    tasks.imsubimage("n.im", "part.im", chans="1~2")
    tasks.imtrans("n.im", "turned.im", "1023")
    assert np.isnan(image_values("part.im")).all() and np.isnan(image_values("turned.im")).all()
    with pytest.raises(CasaError):
        tasks.imsmooth("n.im", "gauss", "1arcsec", "1arcsec", "0deg", targetres=True, outfile=OUT)


def image_values(name: str) -> np.ndarray:
    tool = image()
    tool.open(name)
    values = tool.getchunk()
    tool.done()
    return np.asarray(values)
