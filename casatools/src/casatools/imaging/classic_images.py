"""Images that the imager tool makes of models, residuals and point spread functions that are there."""

from __future__ import annotations

import os
import tempfile

import numpy as np

from casatools._base.errors import DataError
from casatools._base.paths import require_absent, staged_output
from casatools.analysis.component_images import write_component_image
from casatools.components.component_list import components_from
from casatools.imaging.beam_fit import GaussianBeam, fit_beam
from casatools.imaging.restoration import restore
from casatools.io.image import Beam, BeamSet, CasaImage
from casatools.io.image.coordinates.direction import DirectionCoordinate

__all__ = ["fit_psf_image", "restore_image", "sky_direction"]


def sky_direction(image: CasaImage, path: str) -> DirectionCoordinate:
    """The directions of an image with a sky plane, polarization and frequency, which was given as `path`.

    Raises
    ------
    DataError
        It has other axes.
    """
    direction = image.coordinates.direction
    if direction is None or image.ndim != 4:
        raise DataError(f"image {path!r} must have a sky plane, polarization and frequency")
    return direction


def _component_pixels(components: str, like: CasaImage) -> np.ndarray:
    """Flux densities [Jy/pixel] of a list of components in the pixels of an image."""
    with tempfile.TemporaryDirectory(prefix=".components-", dir=os.getcwd()) as folder:
        path = os.path.join(folder, "sky")
        write_component_image(path, like.shape, like.coordinates, components_from(components))
        with CasaImage.open(path) as image:
            return np.asarray(image.read(), dtype=np.float32)


def fit_psf_image(path: str) -> GaussianBeam:
    """The Gaussian fitted to the first plane of a point spread function.

    Raises
    ------
    PathMissingError, DataError
        The image is not there, or has no sky plane or no main lobe.
    """
    with CasaImage.open(path) as image:
        direction = sky_direction(image, path)
        plane = np.asarray(image.read((slice(0, 1), slice(0, 1))))[0, 0]
        cell = (abs(float(direction.increment_rad[0])), abs(float(direction.increment_rad[1])))
    if not plane.any():
        raise DataError(f"the point spread function {path!r} is blank")
    return fit_beam((plane / plane.max()).astype(np.float32), cell)


def restore_image(
    model: str, residual: str, output: str, beam: GaussianBeam, components: str = "", is_normalized: bool = True
) -> None:
    """Write a model [Jy/pixel] and a list of components convolved with a beam, and a residual added where one is named.

    The beam has a peak of 1, or a sum of 1 without `is_normalized`.

    Raises
    ------
    PathMissingError, OutputExistsError, DataError
        An image is missing or the output is there, or the images do not fit.
    """
    require_absent(output, what="image")
    with CasaImage.open(model) as image:
        direction = sky_direction(image, model)
        cell = (abs(float(direction.increment_rad[0])), abs(float(direction.increment_rad[1])))
        sky = np.asarray(image.read(), dtype=np.float32)
        if components:
            sky = sky + _component_pixels(components, image)
        left = np.zeros_like(sky)
        if residual:
            with CasaImage.open(residual) as other:
                if other.shape != image.shape:
                    raise DataError(
                        f"residual {residual!r} of shape {other.shape[::-1]} does not fit model {model!r} of shape {image.shape[::-1]}"
                    )
                left = np.asarray(other.read(), dtype=np.float32)
        scale = np.float32(1.0 if is_normalized else cell[0] * cell[1] / beam.area_rad2)
        with (
            staged_output(output) as staged,
            CasaImage.create(
                staged, sky.shape, image.coordinates, np.float32, unit="Jy/beam" if is_normalized else "Jy/pixel"
            ) as made,
        ):
            for chan in range(sky.shape[0]):
                planes = [scale * restore(sky[chan, p], left[chan, p], beam, beam, cell) for p in range(sky.shape[1])]
                made.write(np.stack(planes), (slice(chan, chan + 1),))
            made.beams = BeamSet.single(Beam.from_rad(beam.major_rad, beam.minor_rad, beam.angle_rad))
