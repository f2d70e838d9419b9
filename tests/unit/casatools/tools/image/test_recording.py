"""Calls of the image tool in the history of what they wrote."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from casatools import image
from casatools._base.errors import CasaError
from casatools.tools.image.recording import call_text

HERE = "base.im"


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[image]:
    monkeypatch.chdir(tmp_path)
    tool = image()
    tool.fromarray(HERE, np.arange(600.0).reshape(10, 10, 1, 6))
    yield tool
    tool.done()  # before pytest removes the folder: casacore ends the process where it cannot write an open table


def lines(name: str) -> list[str]:
    tool = image()
    tool.open(name)
    try:
        return tool.history(list=False)
    finally:
        tool.done()


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("subimage", lambda t: t.subimage("out", "box[[1pix,1pix],[3pix,3pix]]")),
        ("subimage", lambda t: t.subimage("out", wantreturn=False)),
        ("collapse", lambda t: t.collapse("mean", 3, "out")),
        ("rebin", lambda t: t.rebin("out", [2, 2, 1, 1])),
        ("moments", lambda t: t.moments([0], 3, outfile="out")),
        ("pad", lambda t: t.pad("out", 1, 1e-9)),
        ("crop", lambda t: t.crop("out")),
        ("fft", lambda t: t.fft(real="out")),
        ("twopointcorrelation", lambda t: t.twopointcorrelation("out")),
        ("imagecalc", lambda t: t.imagecalc("out", f'"{HERE}"*2')),
        ("newimagefromshape", lambda t: t.newimagefromshape("out", [3, 3])),
        ("continuumsub", lambda t: t.continuumsub("out", "cont", channels=[0, 1])),
        ("imageconcat", lambda t: t.imageconcat("out", [HERE, HERE], 3, relax=True)),
    ],
)  # fmt: skip
def test_a_new_image_tells_what_made_it_and_the_history_before(base: image, name: str, call: object) -> None:
    call(base)
    told = lines("out")
    assert told[-2] == f"Ran ia.{name}" and told[-1].startswith(f"ia.{name}(") and told[-1].endswith(")")
    assert "true" in told[-1] or "false" in told[-1] or name in ("fft", "continuumsub")
    assert sum(line == f"Ran ia.{name}" for line in told) == 1
    if name != "newimagefromshape":  # which has no image before it
        assert told[0] == "Ran ia.fromarray" and "pixels=[...]" in told[1]
    assert lines(HERE) == told[:2] or name == "newimagefromshape"  # the source is as it was


@pytest.mark.parametrize(
    ("text", "call"),
    [
        ('setbrightnessunit(unit="Jy/beam")', lambda t: t.setbrightnessunit("Jy/beam")),
        ("setmiscinfo(info={...})", lambda t: t.setmiscinfo({"a": 1})),
        ('putchunk(pixels=[1.0,2.5e-09], blc=[0,0,0,0], inc=[1], list=false, locking=true, replicate=false)',
         lambda t: t.putchunk(np.array([1.0, 2.5e-9]).reshape(2, 1, 1, 1), [0, 0, 0, 0])),
        (f'calcmask(mask=""{HERE}">3", name="m", asdefault=true)', lambda t: t.calcmask(f'"{HERE}">3', "m")),
        ('rename(name="other.im", overwrite=false)', lambda t: t.rename("other.im")),
    ],
)  # fmt: skip
def test_a_changed_image_tells_the_call(base: image, text: str, call: object) -> None:
    call(base)
    assert base.history(list=False)[-2:] == [f"Ran ia.{text.split('(')[0]}", f"ia.{text}"]


def test_calls_that_look_or_fail_and_tools_told_not_to_leave_nothing(base: image) -> None:
    before = base.history(list=False)
    base.maskhandler("get")
    base.maskhandler()
    base.statistics()
    with pytest.raises(CasaError):
        base.collapse("no such", 3)
    with pytest.raises(CasaError):
        base.setbrightnessunit(unit=[])
    base.dohistory(False)
    base.set(pixels=1.0)
    assert base.history(list=False) == before
    base.dohistory(True)
    base.set(pixels=2.0)
    assert base.history(list=False)[-2] == "Ran ia.set"


def test_each_moment_image_and_a_file_of_images_that_has_no_log(base: image) -> None:
    base.moments([0, 1], 3, outfile="m").done()
    made = sorted(n for n in os.listdir(".") if n.startswith("m."))
    assert len(made) == 2 and all("Ran ia.moments" in lines(n) for n in made)
    base.imageconcat("list.im", [HERE, HERE], 3, relax=True, mode="nomovevirtual").done()
    assert lines("list.im")[0] == "Ran ia.fromarray"


def test_values_are_written_with_all_their_digits() -> None:
    given = {"a": True, "b": np.float32(0.5), "c": None, "d": {}, "e": list(range(65)), "f": ["x", False], "g": Path("p")}
    assert call_text("do", given) == 'ia.do(a=true, b=0.5, c="", d={}, e=[...], f=["x",false], g="p")'
