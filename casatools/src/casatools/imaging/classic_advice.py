"""Pixels, cells and facets that suit the data of the imager tool."""

from __future__ import annotations

import numpy as np

from casatools._base.constants import SPEED_OF_LIGHT_M_S
from casatools._base.errors import DataError
from casatools.frames.quantities import format_dms, format_hms
from casatools.imaging.classic_imager import ClassicImager
from casatools.imaging.stepwise import SynthesisRun

__all__ = ["advise"]


def advise(state: ClassicImager, amplitude_loss: float, field_of_view_rad: float) -> tuple[int, float, int, str]:
    """Pixels, cell [rad], facets and phase centre for the data selected.

    Notes
    -----
    Cells are half of the inverse of the greatest u or v in wavelengths. Facets are as many as keep the phase of what a plane through all (u, v, w)
    leaves of w below what loses so much amplitude at a facet's edge.
    """
    run = SynthesisRun()
    run.selections = [{"datacolumn": "data", **state.selection}]
    run.images = [{"imagename": "image", "imsize": [64], "cell": ["1arcsec"], "pblimit": -0.1}]
    try:
        data = run.data
        uvw = np.concatenate([block.uvw_m * (block.freq_hz.max() / SPEED_OF_LIGHT_M_S) for block in data.blocks()])
        centre = data.centre
    finally:
        run.close()
    longest = float(np.abs(uvw[:, :2]).max())
    if longest <= 0:
        raise DataError("imager.advise: the data selected have no baselines")
    cell = 0.5 / longest
    pixels = max(64, _composite(field_of_view_rad / cell))
    solved = np.linalg.lstsq(uvw[:, :2], uvw[:, 2], rcond=None)[0]
    left = float(np.sqrt(np.mean(np.square(uvw[:, 2] - uvw[:, :2] @ solved))))
    reach = np.sqrt(np.arccos(1.0 - min(amplitude_loss, 1.0)) / (np.pi * left)) if left > 0 else np.inf
    facets = max(1, int(np.ceil(0.5 * pixels * cell / reach)))
    return pixels, cell, facets, f"{centre.frame} {format_hms(centre.lon_rad, 2)} {format_dms(centre.lat_rad, 3, degrees=3)}"


def _composite(least: float) -> int:
    """The next even number of factors 2, 3 and 5."""
    size = int(np.ceil(least))
    size += size % 2
    while True:
        left = size
        for factor in (2, 3, 5):
            while left > 1 and left % factor == 0:
                left //= factor
        if left <= 1:
            return size
        size += 2
