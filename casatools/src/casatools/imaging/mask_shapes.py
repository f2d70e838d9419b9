"""Mask images drawn: boxes, circles, regions and thresholds as values in images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from casatools._base.errors import DataError, ParameterError
from casatools._base.paths import require_absent, staged_output
from casatools.io.image import CasaImage

__all__ = ["check_shapes", "clip_image", "draw_shapes", "threshold_mask", "write_blank"]


def write_blank(path: str, coordinates: Any, shape: tuple[int, ...], unit: str = "") -> None:
    """Write an image of zeros."""
    require_absent(path, what="image")
    with staged_output(path) as staged, CasaImage.create(staged, shape, coordinates, np.float32, unit=unit) as image:
        for slices in image.iter_slices():
            image.write(np.zeros([len(range(*s.indices(n))) for s, n in zip(slices, shape, strict=True)], np.float32), slices)


def check_shapes(boxes: Sequence[Sequence[float]], circles: Sequence[Sequence[float]]) -> None:
    """Refuse boxes and circles of a wrong number of values.

    Raises
    ------
    ParameterError
        A box has not four, or a circle not three.
    """
    for shapes, count, what in ((boxes, 4, "boxes"), (circles, 3, "circles")):
        for shape in shapes:
            if np.size(shape) != count:
                raise ParameterError(f"parameter {what!r} must hold lists of {count} numbers; got {shape!r}")


def draw_shapes(
    path: str, boxes: Sequence[Sequence[float]], circles: Sequence[Sequence[float]], value: float, region: Any = None
) -> None:
    """Set pixels of an image inside shapes to a value.

    Parameters
    ----------
    path : str
    boxes : sequence of [x0, y0, x1, y1]
        Pixels; the corners are inside.
    circles : sequence of [radius, x, y]
        Pixels.
    value : float
    region : record or text, optional

    Raises
    ------
    ParameterError, DataError, SelectionError
        A shape has the wrong number of values, the image no sky plane, or the region is outside.
    """
    from casatools.analysis.regions import ImageSelection
    from casatools.analysis.selected_pixels import SelectedPixels

    check_shapes(boxes, circles)
    with CasaImage.open(path, writable=True) as image:
        if image.coordinates.direction is None or image.ndim != 4:
            raise DataError(f"image {path!r} must have a sky plane, polarization and frequency")
        y, x = np.mgrid[: image.shape[2], : image.shape[3]]
        inside = np.zeros((image.shape[2], image.shape[3]), bool)
        for x0, y0, x1, y1 in boxes:
            inside |= (x >= min(x0, x1)) & (x <= max(x0, x1)) & (y >= min(y0, y1)) & (y <= max(y0, y1))
        for radius, xc, yc in circles:
            inside |= np.square(x - xc) + np.square(y - yc) <= radius**2
        pixels = np.asarray(image.read())
        pixels[..., inside] = value
        if region:
            chosen = SelectedPixels(image, ImageSelection(region))
            box = tuple(slice(a, a + n) for a, n in zip(chosen.pixels.first, chosen.pixels.box_shape, strict=True))
            _, good = chosen.read()
            part = pixels[box]
            part[np.ones(part.shape, bool) if good is None else good] = value
        image.write(pixels)


def threshold_mask(path: str, output: str, threshold: float) -> None:
    """Write 1 where an image is above a threshold, 0 elsewhere.

    Raises
    ------
    PathMissingError, OutputExistsError
        The image is missing, or the output is there.
    """
    require_absent(output, what="mask image")
    with (
        CasaImage.open(path) as image,
        staged_output(output) as staged,
        CasaImage.create(staged, image.shape, image.coordinates, np.float32) as mask,
    ):
        for slices in image.iter_slices():
            mask.write((np.asarray(image.read(slices)) > threshold).astype(np.float32), slices)


def clip_image(path: str, threshold: float) -> None:
    """Set pixels of an image below a threshold to zero."""
    with CasaImage.open(path, writable=True) as image:
        for slices in image.iter_slices():
            pixels = np.asarray(image.read(slices))
            image.write(np.where(pixels < threshold, 0, pixels), slices)
