"""The primary beam of several fields that are imaged together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from casatasks import tclean
from casatools import image
from support.mosaic_ms import MOSAIC, make_mosaic


def pixels(name: str) -> np.ndarray:
    ia = image()
    ia.open(name)
    try:
        return np.squeeze(ia.getchunk())
    finally:
        ia.done()


@pytest.mark.parametrize("gridder", ["standard", "wproject"])
def test_the_beam_of_several_fields_is_their_sum(gridder: str, tmp_path: Path) -> None:
    """It is divided by its peak where that is above 1, and only there."""
    make_mosaic(tmp_path / "sim.ms")
    run = {**MOSAIC, "gridder": gridder, "spw": "0:1", "niter": 0, "pblimit": -1e-6, "restoration": False}
    for number in range(3):
        tclean(imagename=f"p{number}", **run | {"field": str(number)})
    alone = [pixels(f"p{number}.pb") for number in range(3)]
    tclean(imagename="all", **run)
    total = sum(alone)
    assert total.max() > 1.05
    np.testing.assert_allclose(pixels("all.pb"), total / total.max(), atol=4e-6)
    # An image that lies at the edge of the beams.
    edge = run | {"imsize": 16, "phasecenter": "J2000 1.0rad 0.59875rad"}
    for number in range(2):
        tclean(imagename=f"e{number}", **edge | {"field": str(number)})
    tclean(imagename="e", **edge | {"field": "0,1"})
    total = pixels("e0.pb") + pixels("e1.pb")
    assert 0.02 < total.max() < 0.9
    np.testing.assert_allclose(pixels("e.pb"), total, atol=4e-6)
