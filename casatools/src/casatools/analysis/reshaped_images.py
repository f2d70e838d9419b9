"""Images with other edges or axes: padded, cropped, thinned out, inserted into others, with more axes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from casatools._base.errors import DataError, ParameterError
from casatools._base.paths import staged_output
from casatools.analysis.sub_images import PixelChoice, beams_of_box
from casatools.io.image import BeamSet, CasaImage
from casatools.io.image.coordinates.system import Coordinate

__all__ = ["add_degenerate_axes", "crop_image", "decimate_image", "insert_image", "make_complex", "pad_image"]


def pad_image(
    image: CasaImage, outfile: str, count: int, value: float, good: bool, choice: PixelChoice, overwrite: bool = False
) -> None:
    """Write an image with pixels added around its sky planes.

    Parameters
    ----------
    image : CasaImage
    outfile : str
    count : int
        Pixels added on each side.
    value : float
        What they hold.
    good : bool
        They are good; else masked.
    choice : PixelChoice
    overwrite : bool

    Raises
    ------
    DataError
        The image has no sky plane.
    ParameterError
        `count` is less than 1.
    """
    axes = image.coordinates.direction_axes
    if len(axes) != 2:
        raise DataError(f"image {image.path!r} has no sky plane to be padded")
    if count < 1:
        raise ParameterError(f"parameter 'npixels' must be at least 1; got {count}")
    chosen = choice.of(image)
    box, ndim = chosen.pixels.box_shape, image.ndim
    wide = [count if ndim - 1 - k in axes else 0 for k in range(ndim)]
    shape = [n + 2 * w for n, w in zip(box, wide, strict=True)]
    starts = [float(f - w) for f, w in zip(chosen.pixels.first, wide, strict=True)][::-1]
    masked = chosen.has_mask or not good
    with (
        staged_output(outfile, overwrite) as staged,
        CasaImage.create(
            staged,
            shape,
            image.coordinates.sliced(starts, [1.0] * ndim, shape[::-1]),
            image.dtype,
            mask="mask0" if masked else "",
        ) as output,
    ):
        output.copy_metadata_from(image, beams=False)
        output.beams = beams_of_box(image, chosen.pixels)
        for block in output.iter_slices():
            extent = tuple(s.stop - s.start for s in block)
            values = np.full(extent, value, dtype=image.dtype)
            usable = np.full(extent, good)
            inner = [slice(max(s.start - w, 0), min(s.stop - w, n)) for s, w, n in zip(block, wide, box, strict=True)]
            if all(s.stop > s.start for s in inner):
                there = tuple(
                    slice(s.start + w - b.start, s.stop + w - b.start) for s, w, b in zip(inner, wide, block, strict=True)
                )
                pixels, own = chosen.read(inner)
                values[there] = pixels
                usable[there] = True if own is None else own
            output.write(values, block)
            if masked:
                output.write_mask(usable, block)


def crop_image(image: CasaImage, outfile: str, axes: Sequence[int], choice: PixelChoice, overwrite: bool = False) -> None:
    """Write an image without the outer slabs that hold no good pixel.

    Parameters
    ----------
    image : CasaImage
    outfile : str
    axes : sequence of int
        Pixel axes (CASA order) that are cropped; () for all.
    choice : PixelChoice
    overwrite : bool

    Raises
    ------
    ParameterError
        There is no such axis.
    DataError
        No pixel is good.
    """
    ndim = image.ndim
    if any(not 0 <= a < ndim for a in axes):
        raise ParameterError(f"axes {list(axes)} are not all in the image, which has {ndim}")
    chosen = choice.of(image)
    box = chosen.pixels.box_shape
    held = [np.zeros(n, bool) for n in box]
    for block, _values, good in chosen.iter_blocks():
        for k in range(ndim):
            here = True if good is None else good.any(axis=tuple(j for j in range(ndim) if j != k))
            held[k][block[k]] |= here
    if not all(h.any() for h in held):
        raise DataError(f"image {image.path!r} has no good pixel: nothing is left when it is cropped")
    wanted = [ndim - 1 - a for a in axes] or list(range(ndim))
    first, last = [0] * ndim, [n - 1 for n in box]
    for k in wanted:
        at = np.flatnonzero(held[k])
        first[k], last[k] = int(at[0]), int(at[-1])
    shape = [b - a + 1 for a, b in zip(first, last, strict=True)]
    starts = [float(f + a) for f, a in zip(chosen.pixels.first, first, strict=True)][::-1]
    with (
        staged_output(outfile, overwrite) as staged,
        CasaImage.create(
            staged, shape, image.coordinates.sliced(starts, [1.0] * ndim, shape[::-1]), image.dtype,
            mask="mask0" if chosen.has_mask else "",
        ) as output,
    ):  # fmt: skip
        output.copy_metadata_from(image, beams=False)
        output.beams = beams_of_planes(image, [f + a for f, a in zip(chosen.pixels.first, first, strict=True)], shape)
        for block in output.iter_slices():
            values, good = chosen.read(tuple(slice(s.start + a, s.stop + a) for s, a in zip(block, first, strict=True)))
            output.write(values, block)
            if chosen.has_mask:
                output.write_mask(True if good is None else good, block)


def beams_of_planes(image: CasaImage, first: Sequence[int], shape: Sequence[int]) -> BeamSet:
    """The beams of the planes of a box that begins at a pixel (array order)."""
    if not image.beams.is_per_plane:
        return image.beams
    ranges: list[list[int] | None] = []
    for axis in (image.coordinates.spectral_axis, image.coordinates.stokes_axis):
        at = None if axis is None else image.ndim - 1 - axis
        ranges.append(None if at is None else list(range(first[at], first[at] + shape[at])))
    return image.beams.sliced(ranges[0], ranges[1])


def decimate_image(
    image: CasaImage, outfile: str, axis: int, factor: int, method: str, choice: PixelChoice, overwrite: bool = False
) -> None:
    """Write an image with every so many pixels of an axis, or with their means.

    Parameters
    ----------
    image : CasaImage
    outfile : str
    axis : int
        Pixel axis, CASA order.
    factor : int
    method : {"copy", "mean"}
        With mean, pixels left over at the end are left out, and masked ones do not count.
    choice : PixelChoice
    overwrite : bool

    Raises
    ------
    ParameterError
        There is no such axis or method, or the factor does not fit it.
    DataError
        Beams change along the axis.
    """
    ndim = image.ndim
    if not 0 <= axis < ndim:
        raise ParameterError(f"axis {axis} is not in the image; its axes are 0 to {ndim - 1}")
    if method not in ("copy", "mean"):
        raise ParameterError(f"parameter 'method' must be 'copy' or 'mean'; got {method!r}")
    chosen = choice.of(image)
    box, k = chosen.pixels.box_shape, ndim - 1 - axis
    if not 1 <= factor <= box[k]:
        raise ParameterError(f"parameter 'factor' must be 1 to {box[k]}, the pixels of axis {axis}; got {factor}")
    if factor > 1 and image.beams.is_per_plane and axis == image.coordinates.spectral_axis:
        raise DataError(f"image {image.path!r} has beams that change along the axis; smooth it to a common beam first")
    count = -(-box[k] // factor) if method == "copy" else box[k] // factor
    shape = [count if a == k else n for a, n in enumerate(box)]
    starts = [float(v) for v in chosen.pixels.first[::-1]]
    starts[axis] += (factor - 1) / 2.0 if method == "mean" else 0.0
    steps = [float(factor) if a == axis else 1.0 for a in range(ndim)]
    with (
        staged_output(outfile, overwrite) as staged,
        CasaImage.create(
            staged,
            shape,
            image.coordinates.sliced(starts, steps, shape[::-1]),
            image.dtype,
            mask="mask0" if chosen.has_mask else "",
        ) as output,
    ):
        output.copy_metadata_from(image, beams=False)
        output.beams = beams_of_box(image, chosen.pixels)
        for block in output.iter_slices(max_bytes=max(1 << 20, (64 << 20) // factor)):
            there = slice(block[k].start * factor, min(block[k].stop * factor, box[k]))
            values, good = chosen.read(tuple(there if a == k else s for a, s in enumerate(block)))
            usable = np.ones(values.shape, bool) if good is None else good
            if method == "copy":
                pick = tuple(slice(None, None, factor) if a == k else slice(None) for a in range(ndim))
                made, fine = values[pick], usable[pick]
            else:
                split = (*values.shape[:k], block[k].stop - block[k].start, factor, *values.shape[k + 1 :])
                number = usable.reshape(split).sum(axis=k + 1)
                total = np.where(usable, values, 0).reshape(split).sum(axis=k + 1)
                made, fine = total / np.maximum(number, 1), number > 0
            output.write(made.astype(image.dtype), block)
            if chosen.has_mask:
                output.write_mask(fine, block)


def insert_image(target: CasaImage, source: CasaImage, choice: PixelChoice, place: Sequence[float] | None) -> None:
    """Put pixels and mask of an image into another that is open for writing.

    Parameters
    ----------
    target : CasaImage
    source : CasaImage
    choice : PixelChoice
        Part of the source.
    place : sequence of float, optional
        Pixel of the target (CASA order) that the first pixel goes to; by coordinates when not given.

    Raises
    ------
    ParameterError
        The images have different numbers or kinds of axes, or do not overlap.

    Notes
    -----
    Nothing is interpolated: pixels are moved by whole numbers, and what falls outside is left out.
    """
    ndim = target.ndim
    if source.ndim != ndim:
        raise ParameterError(
            f"image {source.path!r} has {source.ndim} axes, {target.path!r} has {ndim}: it cannot be put into it"
        )
    chosen = choice.of(source)
    box = chosen.pixels.box_shape
    if place is None:
        if [m.kind for m in source.coordinates.members] != [m.kind for m in target.coordinates.members]:
            raise ParameterError(f"the axes of {source.path!r} and {target.path!r} differ; give the pixel to put it at")
        world = source.coordinates.to_world(np.array(chosen.pixels.first[::-1], float)[:, None])
        at = np.rint(target.coordinates.to_pixel(world)[:, 0]).astype(int)[::-1]
    else:
        if len(place) != ndim:
            raise ParameterError(f"parameter 'locate' must be {ndim} pixels; got {list(place)}")
        at = np.rint(place).astype(int)[::-1]
    inner = [slice(max(0, -a), min(n, m - a)) for a, n, m in zip(at, box, target.shape, strict=True)]
    if any(s.stop <= s.start for s in inner):
        raise ParameterError(
            f"image {source.path!r} lies outside of {target.path!r}: its first pixel would be {at[::-1].tolist()}"
        )
    masked = chosen.has_mask
    if masked and not target.has_mask:
        target.add_mask(target.new_mask_name(), True)
    k = max(range(ndim), key=lambda a: box[a])
    for start in range(inner[k].start, inner[k].stop, max(1, (32 << 20) * box[k] // max(1, int(np.prod(box)) * 8))):
        step = max(1, (32 << 20) * box[k] // max(1, int(np.prod(box)) * 8))
        block = tuple(slice(start, min(start + step, inner[k].stop)) if a == k else s for a, s in enumerate(inner))
        values, good = chosen.read(block)
        there = tuple(slice(int(s.start + a), int(s.stop + a)) for s, a in zip(block, at, strict=True))
        target.write(values.astype(target.dtype), there)
        if target.has_mask:
            target.write_mask(True if good is None else good, there)


def add_degenerate_axes(image: CasaImage, outfile: str, members: Sequence[Coordinate], overwrite: bool = False) -> None:
    """Write an image with axes of one pixel behind its own.

    Parameters
    ----------
    image : CasaImage
    outfile : str
    members : sequence of coordinates
        Of the new axes, their pixels numbered from 0.
    overwrite : bool

    Raises
    ------
    ParameterError
        Nothing is to be added, or the image has such axes already.
    """
    if not members:
        raise ParameterError("name at least one kind of axis to add: direction, spectral, stokes, linear or tabular")
    have = {m.kind for m in image.coordinates.members}
    twice = [m.kind for m in members if m.kind in have]
    if twice:
        raise ParameterError(f"image {image.path!r} has a {twice[0].lower()} axis already")
    coordinates = image.coordinates.copy()
    for member in members:
        coordinates.append(member)
    more = sum(m.naxes for m in members)
    shape = (1,) * more + image.shape
    with (
        staged_output(outfile, overwrite) as staged,
        CasaImage.create(staged, shape, coordinates, image.dtype, mask="mask0" if image.has_mask else "") as output,
    ):
        output.copy_metadata_from(image)
        for block in image.iter_slices():
            there = (slice(0, 1),) * more + tuple(block)
            extent = tuple(s.stop - s.start for s in there)
            output.write(image.read(block).reshape(extent), there)
            if image.has_mask:
                output.write_mask(image.read_mask(block).reshape(extent), there)


def make_complex(real: CasaImage, imaginary: CasaImage, outfile: str, choice: PixelChoice, overwrite: bool = False) -> None:
    """Write the complex image of a real and an imaginary part.

    Raises
    ------
    ParameterError
        The images differ in shape, or one is complex.
    """
    if real.shape != imaginary.shape:
        raise ParameterError(f"the parts have shapes {real.shape[::-1]} and {imaginary.shape[::-1]}; they must be the same")
    if np.iscomplexobj(np.zeros(1, real.dtype)) or np.iscomplexobj(np.zeros(1, imaginary.dtype)):
        raise ParameterError("the parts of a complex image must be images of real numbers")
    one, two = choice.of(real), choice.of(imaginary)
    box = one.pixels.box_shape
    kind = np.complex128 if np.float64 in (real.dtype, imaginary.dtype) else np.complex64
    masked = one.has_mask or two.has_mask
    coordinates = real.coordinates.sliced([float(v) for v in one.pixels.first[::-1]], [1.0] * real.ndim, box[::-1])
    with (
        staged_output(outfile, overwrite) as staged,
        CasaImage.create(staged, box, coordinates, np.dtype(kind), mask="mask0" if masked else "") as output,
    ):
        output.copy_metadata_from(real, beams=False)
        output.beams = beams_of_box(real, one.pixels)
        for block in output.iter_slices():
            (first, good), (second, other) = one.read(block), two.read(block)
            output.write((first + 1j * second).astype(kind), block)
            if masked:
                usable = np.ones(first.shape, bool)
                for part in (good, other):
                    usable &= True if part is None else part
                output.write_mask(usable, block)
