"""Masks that are images, on other pixels than those of the run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from casatasks import deconvolve, tclean
from casatools import image
from casatools.imaging.mask_images import add_mask_image
from casatools.io.image import CasaImage
from casatools.simulation.demo import DemoOptions, make_demo
from support.images import pixels

FIELD: dict[str, Any] = {"vis": "sim.ms", "field": "0", "datacolumn": "data", "niter": 1, "restoration": False, "pblimit": -0.1}
MINE: dict[str, Any] = {"imsize": 64, "cell": "12arcsec"}


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make_demo("sim.ms", DemoOptions(antennas_per_arm=3, cycles=1, nchan=4))


def write_mask(name: str, **grid: Any) -> None:
    """A rectangle of ones off the middle of an image, in its last channel."""
    tclean(imagename=name, **{**FIELD, **grid, "niter": 0})
    ia = image()
    ia.open(f"{name}.residual")
    values = np.zeros(ia.shape())
    x, y, n = values.shape[0] // 2, values.shape[1] // 2, values.shape[0] // 8
    values[x - n : x + n // 2, y - n : y + n, :, -1] = 1
    ia.putchunk(values)
    ia.done()


GRIDS: dict[str, dict[str, Any]] = {
    "shifted": {"imsize": 48, "cell": "12arcsec", "phasecenter": "J2000 13h31m10s +30d31m00s"}, "coarse": {"imsize": 24, "cell": "30arcsec"},
    "fine": {"imsize": 200, "cell": "5arcsec"}, "another shape": {"imsize": [48, 60], "cell": "12arcsec"},
    "another frame": {"imsize": 48, "cell": "12arcsec", "phasecenter": "GALACTIC 56.7deg 80.6deg"},
}  # fmt: skip


@pytest.mark.parametrize("kind", GRIDS)
def test_masks_on_other_pixels_are_resampled(kind: str) -> None:
    """A pixel is in the mask where its middle is in the rectangle on the sky."""
    write_mask("other", **GRIDS[kind])
    tclean(imagename="d", mask="other.residual", **FIELD, **MINE)
    mask = pixels("d.mask").reshape(64, 64) > 0
    ia = image()
    ia.open("d.residual")
    own = ia.coordsys()
    ia.done()
    ia.open("other.residual")
    other, there = ia.coordsys(), np.asarray(ia.getchunk()).squeeze() > 0
    ia.done()
    expected = np.zeros((64, 64), bool)
    for x, y in np.argwhere(np.ones((64, 64), bool)):
        numeric = own.toworld([int(x), int(y), 0, 0], "n")["numeric"]
        at = np.rint(other.topixel(numeric)["numeric"][:2]).astype(int)
        expected[x, y] = bool((at >= 0).all() and (at < there.shape).all() and there[tuple(at)])
    if kind == "another frame":
        # As many pixels as the rectangle has, in one piece where it is.
        assert mask.sum() == pytest.approx(there.sum(), rel=0.15)
    else:
        assert mask.any() and np.array_equal(mask, expected)


def test_a_channel_stands_for_all() -> None:
    write_mask("one", imsize=24, cell="30arcsec", specmode="cube", nchan=1)
    cube = {"specmode": "cube", "nchan": 3, **MINE}
    tclean(imagename="d", mask="one.residual", **FIELD, **cube)
    mask = pixels("d.mask").reshape(64, 64, 3)
    assert mask[..., 0].any() and all(np.array_equal(mask[..., k], mask[..., 0]) for k in (1, 2))
    write_mask("three", imsize=24, cell="30arcsec", specmode="cube", nchan=3)
    tclean(imagename="e", mask="three.residual", **FIELD, **cube)
    mask = pixels("e.mask").reshape(64, 64, 3)
    assert not mask[..., :2].any() and mask[..., 2].any()


def test_deconvolve_resamples_too() -> None:
    write_mask("other", **GRIDS["coarse"])
    tclean(imagename="d", **{**FIELD, "niter": 0}, **MINE)
    deconvolve("d", niter=3, mask="other.residual", restoration=False)
    with CasaImage.open("d.residual") as made:
        wanted = np.zeros(made.shape, bool)
        add_mask_image("other.residual", made.coordinates, wanted)
    assert wanted.any() and np.array_equal(pixels("d.mask").reshape(64, 64).T > 0, wanted[0, 0])
    assert not pixels("d.model").reshape(64, 64).T[~wanted[0, 0]].any()
