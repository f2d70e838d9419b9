"""Mosaics of images of neighbouring fields, each weighted by the square of its primary beam.

References
----------
Cornwell, Holdaway & Uson 1993, A&A 271, 697: the linear mosaic; Sault, Staveley-Smith & Brouw 1996, A&AS 120, 375: weighting at the edge.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np

from casatools._base.errors import DataError, ParameterError
from casatools._base.paths import require_absent, require_present, require_writable_parent, staged_output
from casatools.analysis.regrid_places import sky_places
from casatools.analysis.regridding import RegridOptions, regrid_image
from casatools.analysis.sub_images import PixelChoice
from casatools.frames.directions import Direction, convert_direction
from casatools.io.image import CasaImage
from casatools.io.image.coordinates import Coordinates, DirectionCoordinate

__all__ = ["MosaicGrid", "MosaicInput", "make_mosaic", "regridded", "sault_image"]


@dataclass(frozen=True)
class MosaicInput:
    """An image and its weight image.

    Attributes
    ----------
    image, weight : str
    image_type : int
        What the image was multiplied by: 0 nothing (a flat sky), 1 the primary beam (flat noise), 2 its square.
    weight_type : int
        What the weight image holds: 1 the primary beam, 2 its square.
    """

    image: str
    weight: str
    image_type: int = 1
    weight_type: int = 1

    def __post_init__(self) -> None:
        if self.image_type not in (0, 1, 2) or self.weight_type not in (1, 2):
            raise ParameterError(
                f"the type of images must be 0, 1 or 2 and that of weights 1 or 2; got {self.image_type} and {self.weight_type}"
            )


@dataclass(frozen=True)
class MosaicGrid:
    """The sky plane of a mosaic; None takes what the first image has.

    Attributes
    ----------
    nx, ny : int
    cell_rad : tuple of float or None
    centre : Direction or None
    """

    nx: int = 128
    ny: int = 128
    cell_rad: tuple[float, float] | None = None
    centre: Direction | None = None

    def coordinates(self, first: CasaImage) -> Coordinates:
        """Coordinates of the mosaic: the sky plane with its centre at pixel (nx / 2, ny / 2), between two of an odd number as in CASA, other axes as in the first image."""
        own = first.coordinates.direction
        axes = first.coordinates.direction_axes
        if own is None or len(axes) != 2 or min(axes) < 0:
            raise DataError(f"image {first.path!r} has no sky plane")
        units = own.with_units(("rad", "rad"))
        place = Direction(float(units.reference_value[0]), float(units.reference_value[1]), own.frame)
        if self.centre is not None:
            place = convert_direction(self.centre, own.frame)
        cell = np.abs(units.increment) if self.cell_rad is None else np.array(self.cell_rad)
        made = DirectionCoordinate.make(
            own.frame,
            own.projection,
            (place.lon_rad, place.lat_rad),
            (self.nx / 2, self.ny / 2),
            (-cell[0], cell[1]),
        )
        out = first.coordinates.copy()
        out.replace(next(k for k, m in enumerate(out.members) if m.kind == "Direction"), made.with_units(own.units))
        return out


def make_mosaic(inputs: Sequence[MosaicInput], grid: MosaicGrid | None, output: MosaicInput) -> None:
    """Join images into a mosaic with a flat sky, and write the sum of the squared primary beams beside it.

    Parameters
    ----------
    inputs : sequence of MosaicInput
    grid : MosaicGrid or None
        Makes a new mosaic; None adds to the one that `output` names.
    output : MosaicInput

    Raises
    ------
    PathMissingError, OutputExistsError, DataError, ParameterError
        An image is missing, a new output exists, or shapes do not fit.

    Notes
    -----
    With W the primary beam and t what an image was multiplied by, ``sum of image W^(2 - t) / sum of W^2``, both regridded; 0 where no image is.
    """
    for one in inputs:
        require_present(one.image, "image")
        require_present(one.weight, "weight image")
    if not inputs:
        raise ParameterError("no image is named")
    terms = list(inputs)
    if grid is None:
        require_present(output.image, "mosaic")
        require_present(output.weight, "weight image of the mosaic")
        terms.insert(0, output)
    else:
        for path in (output.image, output.weight):
            require_absent(path, what="mosaic")
            require_writable_parent(path)
    with CasaImage.open(terms[0].image) as first:
        coordinates = grid.coordinates(first) if grid is not None else first.coordinates
        axes = first.coordinates.direction_axes
        shape = list(first.shape[::-1])
        if grid is not None:
            shape[axes[0]], shape[axes[1]] = grid.nx, grid.ny
        with (
            staged_output(output.image, overwrite=grid is None) as image_path,
            staged_output(output.weight, overwrite=grid is None) as weight_path,
            CasaImage.create(image_path, shape[::-1], coordinates, np.float32) as mosaic,
            CasaImage.create(weight_path, shape[::-1], coordinates, np.float32) as weight,
        ):
            mosaic.copy_metadata_from(first, beams=first.beams.is_single)
            for term in terms:
                _add(term, coordinates, shape, (axes[0], axes[1]), mosaic, weight, term is output)
            for slices in mosaic.iter_slices():
                total = weight.read(slices)
                values = mosaic.read(slices)
                mosaic.write(np.divide(values, total, out=np.zeros_like(values), where=total > 0), slices)


@contextmanager
def regridded(path: str, coordinates: Coordinates, shape: Sequence[int], axes: tuple[int, int]) -> Iterator[CasaImage]:
    """An image on the mosaic's sky plane, in a temporary folder."""
    folder = tempfile.mkdtemp(prefix="casa-mosaic-")
    try:
        made = os.path.join(folder, "regridded.im")
        with CasaImage.open(path) as image:
            regrid_image(image, made, coordinates, shape, RegridOptions(axes, "linear"), PixelChoice())
        with CasaImage.open(made) as opened:
            yield opened
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _weigh(term: MosaicInput, image_path: str, weight_path: str) -> None:
    """Write an image times ``W^(2 - t)``, and ``W^2``, on its own pixels."""
    with CasaImage.open(term.image) as image, CasaImage.open(term.weight) as beams:
        if image.shape != beams.shape:
            raise DataError(
                f"image {term.image!r} and its weights {term.weight!r} have different shapes: {image.shape[::-1]} and {beams.shape[::-1]}"
            )
        with (
            CasaImage.create(image_path, image.shape, image.coordinates, np.float32) as product,
            CasaImage.create(weight_path, image.shape, image.coordinates, np.float32) as squares,
        ):
            for slices in image.iter_slices():
                beam = np.maximum(beams.read(slices), 0.0)
                beam = beam if term.weight_type == 1 else np.sqrt(beam)
                good = image.read_mask(slices) & beams.read_mask(slices)
                product.write(np.where(good & (beam > 0), image.read(slices), 0.0) * beam ** (2 - term.image_type), slices)
                squares.write(beam**2, slices)
                if not good.all():
                    product.write_mask(good, slices)


def _add(
    term: MosaicInput, coordinates: Coordinates, shape: Sequence[int], axes: tuple[int, int], mosaic: CasaImage, weight: CasaImage,
    is_mosaic: bool,
) -> None:  # fmt: skip
    """Add an image, or the mosaic that is there, to the sums; it is weighted before it is regridded, as in CASA."""
    with tempfile.TemporaryDirectory(prefix="casa-mosaic-", ignore_cleanup_errors=True) as folder:
        own_image, own_weight = os.path.join(folder, "image"), os.path.join(folder, "weight")
        _weigh(term, own_image, own_weight)
        # Regridded onto itself a mosaic would spread beyond its edges, by rounding alone.
        on_grid = CasaImage.open if is_mosaic else partial(regridded, coordinates=coordinates, shape=shape, axes=axes)
        with on_grid(own_image) as image, on_grid(own_weight) as squares:
            if image.shape != mosaic.shape:
                raise DataError(
                    f"image {term.image!r} does not fit the mosaic of shape {mosaic.shape[::-1]}: {image.shape[::-1]}"
                )
            inside = np.ones([1] * mosaic.ndim, bool) if is_mosaic else _inside(term.image, coordinates, shape)
            for slices in mosaic.iter_slices():
                good = image.read_mask(slices) & squares.read_mask(slices)
                good &= inside[tuple(s if n > 1 else slice(0, 1) for s, n in zip(slices, inside.shape, strict=True))]
                mosaic.write(mosaic.read(slices) + np.where(good, image.read(slices), 0.0), slices)
                weight.write(weight.read(slices) + np.where(good, squares.read(slices), 0.0), slices)


def _inside(path: str, coordinates: Coordinates, shape: Sequence[int]) -> np.ndarray:
    """Where pixels of a mosaic are in an image, one along the axes that are not of the sky: beyond its edges there are no data.

    As in CASA an image ends half a pixel of the mosaic beyond the middles of its outermost pixels, or a whole one of its own, which is how far regridding goes on.
    """
    with CasaImage.open(path) as image:
        first, second = image.coordinates.direction_axes
        size = (image.shape[image.ndim - 1 - first], image.shape[image.ndim - 1 - second])
        places = sky_places(image.coordinates, coordinates, shape, size, "linear", 10, True)
        own, made = image.coordinates.direction, coordinates.direction
        assert own is not None and made is not None  # both have sky axes
        reach = np.minimum(0.5 * np.abs(np.divide(made.increment_rad, own.increment_rad)), 1.0)
    there = places.inside.copy()
    for at, count, beyond in zip((places.x, places.y), size, reach, strict=True):
        there &= (at > -beyond) & (at < count - 1 + beyond)
    plane = there if first < second else there.T
    lengths = [n if axis in (first, second) else 1 for axis, n in enumerate(shape)]
    return plane.reshape(lengths[::-1])


def sault_image(mosaic: str, weight: str, outfile: str, fraction: float) -> None:
    """Write a mosaic that is multiplied by its weight where that is below a fraction of the largest, so that noise does not grow there.

    Raises
    ------
    PathMissingError, OutputExistsError, DataError
        An image is missing, the output exists, or the shapes differ.
    """
    with CasaImage.open(mosaic) as image, CasaImage.open(weight) as weights:
        if image.shape != weights.shape:
            raise DataError(f"the mosaic {mosaic!r} and its weights {weight!r} have different shapes")
        peak = max(float(np.nanmax(weights.read(slices))) for slices in weights.iter_slices())
        with (
            staged_output(outfile) as staged,
            CasaImage.create(staged, image.shape, image.coordinates, np.float32) as output,
        ):
            output.copy_metadata_from(image)
            for slices in image.iter_slices():
                values, own = image.read(slices), weights.read(slices)
                output.write(np.where(own < fraction * peak, values * own, values), slices)
