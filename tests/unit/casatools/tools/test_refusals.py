"""What tools refuse without data: the type of the error and what it says."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatools._base.errors import CasaError, DataError, NotOpenError, ParameterError, PathMissingError, UnsupportedError
from casatools.tools.agentflagger import agentflagger
from casatools.tools.coordsys import coordsys
from casatools.tools.image_access import open_image
from casatools.tools.logsink import logsink
from casatools.tools.ms import ms
from casatools.tools.synthesisimstore import synthesisimstore
from casatools.tools.synthesisnormalizer import synthesisnormalizer
from casatools.tools.system import ctsys
from casatools.tools.table import table


def _sky() -> coordsys:
    return coordsys().newcoordsys(direction=True, stokes=["I"])


REFUSED: dict[str, tuple[Callable[[], Any], type[CasaError], str]] = {
    "flagging of nothing open": (lambda: agentflagger().init(), NotOpenError, "call open first"),
    "points of too few axes": (lambda: _sky().convertmany(np.ones((2, 5))), ParameterError, "array of 3 axes by points"),
    "unknown Stokes parameter": (lambda: _sky().topixel(["0rad", "0rad", "X5"]), ParameterError, "'X5' is no Stokes parameter"),
    "pixel off the sky": (lambda: _sky().setreferencelocation([1e6, 1e6, 0.0]), ParameterError, "has no world value"),
    "image without a name": (lambda: open_image(""), ParameterError, "no image was named"),
    "no thread": (lambda: logsink().ompSetNumThreads(0), ParameterError, "'numThreads' must be at least 1; got 0"),
    "kind of observation": (lambda: ms().fromfits("new.ms", "missing.fits", obstype=2), UnsupportedError, "'obstype' = 2"),
    "images of nothing": (
        lambda: synthesisnormalizer().setimstore(synthesisimstore()), ParameterError, "must be a synthesisimstore with images"
    ),
    "measures data that are not there": (lambda: ctsys.setmeasurespath("nowhere"), PathMissingError, "'nowhere' of the measures data"),
    "another interpreter": (
        lambda: ctsys.initialize("/other/python", "", [], True, True, True, ""), UnsupportedError, "must be this interpreter"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refusals(name: str) -> None:
    call, kind, said = REFUSED[name]
    before = (ctsys.measurespath(), logsink().ompGetNumThreads(), ctsys.rundata())
    with pytest.raises(kind, match=said):
        call()
    assert (ctsys.measurespath(), logsink().ompGetNumThreads(), ctsys.rundata()) == before
    assert not Path("new.ms").exists()


def test_table_that_cannot_be_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    made = table()
    made.create("t.tab", {"I": {"valueType": "int"}})
    made.close()

    def refuse(path: str) -> None:
        raise PermissionError(13, os.strerror(13), path)

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", refuse)
        with pytest.raises(DataError, match=r"'t\.tab' cannot be removed: Permission denied"):
            ctsys.removetable(["t.tab"])
    assert Path("t.tab").exists() and ctsys.removetable(["t.tab"]) and not Path("t.tab").exists()
