"""makemask: '-' regions, which cut out of the others, are ignored by CASA; ours honours them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from casatasks import makemask
from casatools.io.image import CasaImage
from casatools.io.image.coordinates.make import make_image_coordinates

CELL = 3 * np.pi / 648000


def test_cut_outs_are_honoured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    coordinates = make_image_coordinates((32, 28), (CELL, CELL), (3.1, 0.5), [1.4e9], stokes=["I"])
    with CasaImage.create("a.im", (1, 1, 28, 32), coordinates) as made:
        made.write(1.0)
    Path("r.crtf").write_text("#CRTFv0\nbox[[5pix,5pix],[20pix,20pix]]\n-circle[[12pix,12pix],3pix]\n")
    makemask(mode="copy", inpimage="a.im", inpmask="r.crtf", output="m.im")
    with CasaImage.open("m.im") as found:
        mask = found.read()[0, 0] > 0
    y, x = np.mgrid[0:28, 0:32]
    expected = (x >= 5) & (x <= 20) & (y >= 5) & (y <= 20) & ((x - 12) ** 2 + (y - 12) ** 2 > 9)
    assert np.array_equal(mask, expected)
