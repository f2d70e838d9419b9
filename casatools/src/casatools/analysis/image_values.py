"""Pixel values of part of an image with their world coordinates."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from casatools._base import log
from casatools._base.memory import require_memory
from casatools.analysis.regions import ImageSelection
from casatools.analysis.selected_pixels import SelectedPixels
from casatools.frames import image_frames
from casatools.io.image import CasaImage

__all__ = ["image_values"]


def _with_defaults(image: CasaImage, selection: ImageSelection) -> ImageSelection:
    """A single position as a box, the whole plane for -1,-1, the reference pixel where no place was given; a box before a region."""
    box = selection.box
    if box and selection.region:
        log.post(f"imval takes box={box!r}; the region {selection.region!r} is left out, as in CASA", "WARN")
        selection = replace(selection, region="")
    if box and all(part.strip() == "-1" for part in box.split(",")) and len(image.coordinates.direction_axes) == 2:
        nx, ny = (image.shape[image.ndim - 1 - a] for a in image.coordinates.direction_axes)
        return replace(selection, box=f"0,0,{nx - 1},{ny - 1}")
    if box and box.count(",") == 1:
        return replace(selection, box=f"{box},{box}")
    if not box and not selection.region and len(image.coordinates.direction_axes) == 2:
        x, y = (
            min(max(round(float(image.coordinates.reference_pixel[a])), 0), image.shape[image.ndim - 1 - a] - 1)
            for a in image.coordinates.direction_axes
        )
        return replace(selection, box=f"{x},{y},{x},{y}")
    return selection


# For each axis of a pixel: its place twice and its world value.
_BYTES_OF_A_PIXEL = 4.0 * 8


def image_values(image: CasaImage, selection: ImageSelection) -> dict[str, Any]:
    """The record of imval.

    Parameters
    ----------
    image : CasaImage
    selection : ImageSelection

    Returns
    -------
    dict
        ``blc trc`` lists, ``unit``, ``data`` and ``mask`` in CASA axis order without degenerate axes, ``coords`` with the world value of each pixel
        along a last axis (in the order of the world axes), ``axes`` the world axis numbers and names.
    """
    chosen = SelectedPixels(image, _with_defaults(image, selection))
    box = chosen.pixels.box_shape
    require_memory(
        _BYTES_OF_A_PIXEL * math.prod(box) * image.ndim, f"imval of a box of {box[::-1]} pixels, each with its world values,"
    )
    values, good = chosen.read()
    first = chosen.pixels.first[::-1]
    data = values.transpose()
    mask = np.ones(data.shape, bool) if good is None else np.broadcast_to(good, values.shape).transpose()
    grids = np.meshgrid(*(np.arange(a, a + n, dtype=np.float64) for a, n in zip(first, data.shape, strict=True)), indexing="ij")
    world = image_frames.to_world(image.coordinates, np.stack([g.ravel() for g in grids]))
    keep = tuple(n for n in data.shape if n > 1) or (1,)
    coords = world.T.reshape((*keep, world.shape[0]))
    order = _axis_order(image)
    return {
        "axes": [[k, image.coordinates.names[k]] for k in order],
        "blc": [int(v) for v in first],
        "trc": [int(v) for v in chosen.pixels.last[::-1]],
        "unit": image.unit,
        "data": np.ascontiguousarray(data.reshape(keep), dtype=np.result_type(data.dtype, np.float64)),
        "mask": np.ascontiguousarray(mask.reshape(keep)),
        "coords": coords,
    }


def _axis_order(image: CasaImage) -> list[int]:
    """World axes as the record lists them: direction, spectral, Stokes, others."""
    coordinates = image.coordinates
    wanted = [*coordinates.direction_axes, coordinates.spectral_axis, coordinates.stokes_axis]
    found = [coordinates.pixel_to_world_axis(a) for a in wanted if a is not None]
    return found + [k for k in range(coordinates.n_world_axes) if k not in found]
