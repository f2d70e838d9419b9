"""What the image tool refuses: the type of the error, what it says, and that the image is as it was and none is made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatools import image
from casatools._base.errors import CasaError, ParameterError

SHAPE = (4, 3, 1, 2)
Refused = tuple[Callable[[image], Any], type[CasaError], str]


@pytest.fixture
def ia() -> Iterator[image]:
    tool = image()
    tool.fromarray("a.im", np.arange(24.0).reshape(SHAPE))
    yield tool
    tool.done()


CHANGES: dict[str, Refused] = {
    "box of too many axes": (lambda ia: ia.getchunk([0] * 5), ParameterError, "'blc' has 5 axes, the image has 4"),
    "box beyond the image": (lambda ia: ia.getchunk([4, 0, 0, 0]), ParameterError, "on axis 0 do not fit an axis of 4 pixels"),
    "average over no axis of the image": (lambda ia: ia.getchunk(axes=[4]), ParameterError, r"axes from 0 to 3, each once; got \[4\]"),
    "average over an axis twice": (lambda ia: ia.getchunk(axes=[0, 0]), ParameterError, "each once"),
    "coordinates of no axis of the image": (lambda ia: ia.coordsys([0, 9]), ParameterError, r"axes from 0 to 3; got \[0, 9\]"),
    "steps of nothing": (lambda ia: ia.putchunk(np.ones((2, 2)), inc=[0, 1]), ParameterError, "steps of at least 1"),
    "copy of no mask": (lambda ia: ia.maskhandler("copy", ["nope", "b"]), ParameterError, "no mask 'nope'"),
    "pixels of texts": (lambda ia: ia.putchunk([["a", "b"]]), ParameterError, "'pixels' must be .* of numbers"),
    "no pixel to put": (lambda ia: ia.putchunk([]), ParameterError, "'pixels' holds no pixel"),
    "pixels of too many axes": (lambda ia: ia.putchunk(np.ones((1,) * 5)), ParameterError, "have 5 axes, the image has 4"),
    "pixels beyond the image": (lambda ia: ia.putchunk(np.ones((3, 1)), [2, 0]), ParameterError, "reach outside the image of shape"),
    "unknown operation on masks": (lambda ia: ia.maskhandler("shred"), ParameterError, "'op' must be one of default, get"),
    "copy of a mask to no name": (lambda ia: ia.maskhandler("copy", ["mask0"]), ParameterError, "copy needs two names"),
    "area of no beam": (lambda ia: ia.beamarea(), ParameterError, "has no restoring beam"),
    "opening without a name": (lambda ia: ia.open(""), ParameterError, "must name an image"),
}  # fmt: skip
MAKING: dict[str, Refused] = {
    "unknown type of pixels": (lambda ia: ia.fromshape("n.im", [2, 2], type="q"), ParameterError, "'type' must be one of f, d, c, cd"),
    "axis without pixels": (lambda ia: ia.fromshape("n.im", [2, 0]), ParameterError, r"at least one pixel .* \[2, 0\]"),
    "array without pixels": (lambda ia: ia.fromarray("n.im", []), ParameterError, "'pixels' holds no pixel"),
    "image of texts": (lambda ia: ia.fromarray("n.im", ["a", "b"]), ParameterError, "'pixels' must be .* of numbers"),
    "ragged list": (lambda ia: ia.fromarray("n.im", [[1, 2], [3]]), ParameterError, r"'pixels' must be an array .*; got \[\[1, 2\], \[3\]\]"),
    "coordinates of other axes": (
        lambda ia: ia.fromshape("n.im", [2, 2], csys=ia.coordsys().torecord()), ParameterError, "axes"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES | MAKING)
def test_refusals_leave_the_image_as_it_was(ia: image, name: str) -> None:
    call, kind, said = (CHANGES | MAKING)[name]
    with pytest.raises(kind, match=said):
        call(ia)
    assert np.array_equal(ia.getchunk(), np.arange(24.0).reshape(SHAPE)) and ia.maskhandler("get") == ["T"]
    assert not Path("n.im").exists()


def test_beams_of_planes_that_are_not_there(ia: image) -> None:
    for channel in (0, 1):
        ia.setrestoringbeam(f"{channel + 4}arcmin", "3arcmin", "20deg", channel=channel, polarization=0)
    assert ia.restoringbeam(1, 0)["major"]["value"] == pytest.approx(300.0)
    for channel, polarization in ((2, 0), (0, 1)):
        with pytest.raises(ParameterError, match="there are 2 channels and 1 polarizations"):
            ia.restoringbeam(channel, polarization)
