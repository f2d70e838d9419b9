"""Images made from nothing: the coordinates that CASA 6.7 was seen to give them."""

from __future__ import annotations

import pytest

from casatools import image

RA, DEC = "Right Ascension", "Declination"


@pytest.mark.parametrize(
    ("shape", "linear", "names"),
    [
        ([4], False, ["Frequency"]),
        ([4], True, ["linear1"]),
        ([4, 5], True, ["linear1", "linear2"]),
        ([2, 2, 5], False, [RA, DEC, "Frequency"]),
        ([2, 2, 4, 7], False, [RA, DEC, "Stokes", "Frequency"]),
        ([2, 2, 7, 4], False, [RA, DEC, "Frequency", "Stokes"]),
        ([3, 3, 6, 5], False, [RA, DEC, "Frequency", "linear1"]),
        ([2, 2, 3, 4, 5], False, [RA, DEC, "Stokes", "Frequency", "linear1"]),
    ],
)
def test_default_coordinates(shape: list[int], linear: bool, names: list[str]) -> None:
    ia = image()
    ia.fromshape("", shape, linear=linear)
    cs = ia.coordsys()
    assert list(cs.names()) == names
    assert cs.telescope() == "ALMA" and cs.observer() == "Karl Jansky"
    assert cs.epoch()["m0"]["value"] == pytest.approx(51544.0, abs=1e-8)
    if "Stokes" in names:
        at = names.index("Stokes")
        assert cs.stokes() == ["I", "Q", "U", "V"][: shape[at]] and cs.referencepixel()["numeric"][at] == 0.0
    ia.done()
