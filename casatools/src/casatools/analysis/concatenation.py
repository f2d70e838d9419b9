"""Images joined along an axis."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from contextlib import ExitStack

import numpy as np

from casatools._base.errors import DataError, ParameterError
from casatools._base.paths import staged_output
from casatools.analysis.image_moments import moment_axis
from casatools.io.image import CasaImage
from casatools.io.image.joined_image import LIST_FILE, joined_beams, joined_coordinates, list_text, world_values

__all__ = ["MODES", "concatenate_images"]

# What to do with the images: their pixels are copied into one, they are copied or moved into the new one's folder, or only named.
MODES = ("paged", "movevirtual", "nomovevirtual", "copyvirtual")


def concatenate_images(
    paths: Sequence[str],
    outfile: str,
    axis: int = -1,
    relax: bool = False,
    reorder: bool = False,
    overwrite: bool = False,
    mode: str = "paged",
) -> None:
    """Write images one behind the other along an axis, as one image or as a list of them.

    Parameters
    ----------
    paths : sequence of str
    outfile : str
    axis : int
        Pixel axis (CASA order); -1 is the spectral one.
    relax : bool
        Accept coordinates that do not follow each other: a spectral axis that rises or falls is then tabulated, others go on as the first
        image's.
    reorder : bool
        Put the images into the order of their coordinates.
    overwrite : bool
    mode : str
        One of `MODES`.

    Raises
    ------
    ParameterError, DataError
        There are fewer than two images, their shapes or types differ, or their coordinates do not follow each other.
    """
    if len(paths) < 2:
        raise ParameterError(f"two images or more are needed to join them; got {len(paths)}")
    if mode not in MODES:
        raise ParameterError(f"parameter 'mode' must be one of {', '.join(MODES)}; got {mode!r}")
    names = [os.path.basename(os.path.abspath(p)) for p in paths]
    if mode in ("movevirtual", "copyvirtual") and len(set(names)) < len(names):
        raise ParameterError(f"images that go into one folder must have names of their own; got {', '.join(names)}")
    with ExitStack() as stack:
        images = [stack.enter_context(CasaImage.open(p)) for p in paths]
        along = moment_axis(images[0], axis)
        for image in images[1:]:
            _require_fit(images[0], image, along)
        if reorder:
            up = images[0].coordinates.increment[images[0].coordinates.pixel_to_world_axis(along)] > 0
            images.sort(key=lambda i: world_values(i, along)[0], reverse=not up)
        k = images[0].ndim - 1 - along
        counts = [i.shape[k] for i in images]
        shape = list(images[0].shape)
        shape[k] = sum(counts)
        coordinates = joined_coordinates(images, along, relax)
        if mode != "paged":
            ordered, dtype = [i.path for i in images], images[0].dtype
            stack.close()
            _write_list(ordered, outfile, along, dtype, mode, overwrite)
            return
        masked = any(i.has_mask for i in images)
        with (
            staged_output(outfile, overwrite) as staged,
            CasaImage.create(staged, shape, coordinates, images[0].dtype, mask="mask0" if masked else "") as output,
        ):
            output.copy_metadata_from(images[0], beams=False)
            output.beams = joined_beams(images, along)
            at = 0
            for image, count in zip(images, counts, strict=True):
                for slices in image.iter_slices():
                    there = tuple(slice(s.start + at, s.stop + at) if a == k else s for a, s in enumerate(slices))
                    output.write(image.read(slices), there)
                    if masked:
                        output.write_mask(image.read_mask(slices), there)
                at += count


def _require_fit(first: CasaImage, other: CasaImage, axis: int) -> None:
    k = first.ndim - 1 - axis
    same = other.ndim == first.ndim and all(
        a == b for d, (a, b) in enumerate(zip(first.shape, other.shape, strict=False)) if d != k
    )
    if not same:
        raise DataError(f"images of shapes {first.shape[::-1]} and {other.shape[::-1]} cannot be joined along axis {axis}")
    if other.dtype != first.dtype:
        raise DataError(f"images of {first.dtype} and {other.dtype} pixels cannot be joined")
    if other.unit != first.unit:
        raise DataError(f"images in {first.unit!r} and {other.unit!r} cannot be joined")


def _write_list(paths: Sequence[str], outfile: str, axis: int, dtype: np.dtype, mode: str, overwrite: bool) -> None:
    """A folder with a list of images, and these where they belong into it."""
    inside = mode != "nomovevirtual"
    beside = os.path.dirname(os.path.abspath(outfile))
    moved: list[tuple[str, str]] = []
    with staged_output(outfile, overwrite) as staged:
        os.mkdir(staged)
        names = []
        for path in paths:
            base = os.path.basename(path)
            names.append(f"././{base}" if inside else f"./{base}" if os.path.dirname(path) == beside else path)
        with open(os.path.join(staged, LIST_FILE), "w", encoding="utf-8") as stream:
            stream.write(list_text(names, axis, dtype))
        try:
            for path in paths if inside else ():
                there = os.path.join(staged, os.path.basename(path))
                if mode == "movevirtual":
                    shutil.move(path, there)
                    moved.append((there, path))
                elif os.path.isdir(path):
                    shutil.copytree(path, there)
                else:
                    shutil.copy2(path, there)
        except BaseException:
            for there, path in moved:
                shutil.move(there, path)
            raise
