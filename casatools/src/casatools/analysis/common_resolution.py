"""Bringing all planes of an image to one resolution."""

from __future__ import annotations

import numpy as np

from casatools._base.errors import DataError
from casatools.imaging.beam_fit import GaussianBeam
from casatools.imaging.restoration import common_beam, smooth_residual
from casatools.io.image import Beam, BeamSet, CasaImage

__all__ = ["smooth_to_common_beam"]


def _gaussian(beam: Beam) -> GaussianBeam:
    return GaussianBeam(beam.major_rad, beam.minor_rad, beam.position_angle_rad)


def smooth_to_common_beam(image: CasaImage, path: str) -> CasaImage:
    """Write a copy of an image whose planes are convolved to the smallest beam that holds all of theirs, and return it open.

    Parameters
    ----------
    image : CasaImage
        With a beam for each plane and a direction coordinate.
    path : str
        The new image.

    Raises
    ------
    DataError
        The image has no direction coordinate.

    Notes
    -----
    Intensities stay per beam: they are scaled by the ratio of the beam areas. Masked pixels count as zero and stay masked.
    """
    coordinates = image.coordinates
    direction = coordinates.direction
    if direction is None or len(coordinates.direction_axes) != 2:
        raise DataError(f"image {image.path!r} has no direction coordinate: its planes cannot be smoothed to one beam")
    ndim = image.ndim
    plane = [ndim - 1 - a for a in coordinates.direction_axes]
    spectral, stokes = (None if a is None else ndim - 1 - a for a in (coordinates.spectral_axis, coordinates.stokes_axis))
    cell = (abs(direction.increment_rad[0]), abs(direction.increment_rad[1]))
    beams = image.beams
    target = common_beam([_gaussian(b) for b in beams.beams if not b.is_null])
    output = CasaImage.create(path, image.shape, coordinates, image.dtype, mask="mask0" if image.has_mask else "")
    output.copy_metadata_from(image, beams=False, history=False)
    others = [k for k in range(ndim) if k not in plane]
    for place in np.ndindex(*(image.shape[k] for k in others)):
        at = dict(zip(others, place, strict=True))
        slices = tuple(slice(at[k], at[k] + 1) if k in at else slice(0, image.shape[k]) for k in range(ndim))
        own = beams.at(at.get(spectral, 0) if spectral is not None else 0, at.get(stokes, 0) if stokes is not None else 0)
        pixels = image.read(slices)
        if image.has_mask:
            good = image.read_mask(slices)
            output.write_mask(good, slices)
            pixels = np.where(good, pixels, 0)
        if not own.is_null:
            # The plane as (y, x), whatever the order of the axes.
            turned = np.moveaxis(pixels, (plane[1], plane[0]), (0, 1))
            shape = turned.shape
            smoothed = smooth_residual(turned.reshape(shape[0], shape[1]), _gaussian(own), target, cell)
            pixels = np.moveaxis(np.asarray(smoothed).reshape(shape), (0, 1), (plane[1], plane[0]))
        output.write(pixels, slices)
    output.beams = BeamSet.single(Beam.from_rad(target.major_rad, target.minor_rad, target.angle_rad))
    return output
