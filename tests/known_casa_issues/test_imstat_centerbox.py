"""imstat: a centerbox of even width off the centre in right ascension loses pixels in CASA; ours holds all of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from casatasks import imstat
from casatools.io.image import CasaImage
from casatools.io.image.coordinates.make import make_image_coordinates

CELL = 3 * np.pi / 648000


@pytest.mark.parametrize("centre", [(15, 13), (8, 8), (20, 20), (26, 5)])
@pytest.mark.parametrize("size", [(6, 8), (4, 4), (5, 7)])
def test_all_pixels_are_there(
    centre: tuple[int, int], size: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    coordinates = make_image_coordinates((32, 28), (CELL, CELL), (3.1, 0.5), [1.4e9], stokes=["I"])
    with CasaImage.create("a.im", (1, 1, 28, 32), coordinates) as made:
        made.write(1.0)
    half = [n // 2 for n in size]
    expected = (2 * half[0] + 1) * (2 * half[1] + 1)
    region = f"centerbox[[{centre[0]}pix,{centre[1]}pix],[{size[0]}pix,{size[1]}pix]]"
    assert imstat("a.im", region=region)["npts"][0] == expected
