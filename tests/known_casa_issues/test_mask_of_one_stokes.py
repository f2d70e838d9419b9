"""tclean: a mask of Stokes I missed the other planes of IQUV."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from casatasks import tclean
from casatools import image


def test_a_mask_of_stokes_i_serves_all_planes(shared_input: Callable[[str], str]) -> None:
    ways = {"vis": shared_input("simvla.ms"), "field": "0", "spw": "0", "imsize": 64, "cell": "1arcsec", "specmode": "mfs"}
    tclean(imagename="i", stokes="I", niter=0, **ways)
    tool = image()
    tool.open("i.residual")
    plane = np.zeros(tool.shape())
    plane[20:45, 22:40] = 1
    tool.done()
    made = image()
    made.open("i.psf")
    copy = made.newimagefromimage(infile="i.psf", outfile="m.mask")
    copy.putchunk(plane)
    copy.done()
    made.done()
    tclean(imagename="p", stokes="IQUV", niter=5, mask="m.mask", **ways)
    tool.open("p.mask")
    found = tool.getchunk()
    tool.done()
    assert found.shape[2] == 4
    for k in range(4):
        np.testing.assert_array_equal(found[:, :, k], plane[:, :, 0])
