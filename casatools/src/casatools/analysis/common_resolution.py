"""Bringing all planes of an image to one resolution."""

from __future__ import annotations

import numpy as np

from casatools._base.errors import DataError
from casatools.analysis.regions import ImageSelection
from casatools.analysis.selected_pixels import SelectedPixels
from casatools.analysis.smoothing import convolve_planes, gaussian_of
from casatools.imaging.restoration import common_beam, smooth_residual
from casatools.io.image import Beam, BeamSet, CasaImage

__all__ = ["smooth_to_common_beam"]


def smooth_to_common_beam(image: CasaImage, path: str, chosen: SelectedPixels | None = None) -> CasaImage:
    """Write a copy of an image whose planes are convolved to the smallest beam that holds all of theirs, and return it open.

    Parameters
    ----------
    image : CasaImage
        With a beam for each plane and a direction coordinate.
    path : str
        The new image.
    chosen : SelectedPixels, optional
        Only the planes of its box count and are convolved; the others are copied.

    Raises
    ------
    DataError
        The image has no direction coordinate.

    Notes
    -----
    Intensities stay per beam: they are scaled by the ratio of the beam areas. Masked pixels count as zero and stay masked.
    """
    beams = image.beams
    counted = {(c, s) for c in _planes(image, chosen, "spectral_axis") for s in _planes(image, chosen, "stokes_axis")}
    target = common_beam([gaussian_of(b) for b in (beams.at(c, s) for c, s in sorted(counted)) if not b.is_null])
    direction = image.coordinates.direction
    if direction is None:
        raise DataError(f"image {image.path!r} has no direction coordinate: its planes cannot be smoothed to one beam")
    cell = (abs(direction.increment_rad[0]), abs(direction.increment_rad[1]))

    def convolve(plane: np.ndarray, chan: int, stokes: int) -> np.ndarray:
        own = beams.at(chan, stokes)
        return plane if own.is_null or (chan, stokes) not in counted else smooth_residual(plane, gaussian_of(own), target, cell)

    whole = SelectedPixels(image, ImageSelection())
    output = CasaImage.create(path, image.shape, image.coordinates, image.dtype, mask="mask0" if whole.has_mask else "")
    output.copy_metadata_from(image, beams=False, history=False)
    convolve_planes(whole, output, convolve)
    output.beams = BeamSet.single(Beam.from_rad(target.major_rad, target.minor_rad, target.angle_rad))
    return output


def _planes(image: CasaImage, chosen: SelectedPixels | None, name: str) -> range:
    """Planes along the spectral or the Stokes axis that are chosen, or all."""
    axis = getattr(image.coordinates, name)
    if axis is None:
        return range(1)
    at = image.ndim - 1 - axis
    first = 0 if chosen is None else int(chosen.pixels.first[at])
    return range(first, first + int((image.shape if chosen is None else chosen.pixels.box_shape)[at]))
