"""Parts of images as new images: cut out, with or without degenerate axes, transposed, binned, or collapsed along axes."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from casatools._base.errors import ParameterError
from casatools._base.memory import IMAGE_BLOCK_BYTES
from casatools._base.paths import staged_output
from casatools._base.threads import in_order
from casatools.analysis.regions import ImageSelection, PixelSet
from casatools.analysis.selected_pixels import SelectedPixels
from casatools.io.image import BeamSet, CasaImage
from casatools.io.image.tiling import TILE_PIXELS, iter_blocks

__all__ = ["PixelChoice", "axis_order", "beams_of_box", "rebin_image", "sub_image", "tiles_of_box", "transpose_image"]


@dataclass(frozen=True)
class PixelChoice:
    """Which pixels of an image are worked on.

    Attributes
    ----------
    selection : ImageSelection
    mask : str
        Lattice expression, True where pixels are used.
    stretch : bool
        A mask of fewer planes is stretched over the image.
    """

    selection: ImageSelection = ImageSelection()  # noqa: RUF009 - frozen
    mask: str = ""
    stretch: bool = False

    def of(self, image: CasaImage) -> SelectedPixels:
        """Resolve on an image."""
        return SelectedPixels(image, self.selection, self.mask, self.stretch)


def beams_of_box(image: CasaImage, pixels: PixelSet) -> BeamSet:
    """The beams of the planes of a bounding box."""
    beams = image.beams
    if not beams.is_per_plane:
        return beams
    ranges: list[list[int] | None] = []
    for axis in (image.coordinates.spectral_axis, image.coordinates.stokes_axis):
        where = None if axis is None else pixels.slices[image.ndim - 1 - axis]
        ranges.append(None if where is None else list(range(where.start, where.stop)))
    return beams.sliced(ranges[0], ranges[1])


def tiles_of_box(image: CasaImage, pixels: PixelSet) -> tuple[int, ...] | None:
    """The tiles an image of the bounding box is made with: those of the image where that is all of it and they are no larger than usual, else None.

    Blocks of pixels are then whole tiles of what is read and of what is written.
    """
    tile = image.tile_shape
    usual = not image.is_fits and math.prod(tile) <= 4 * TILE_PIXELS
    return tile if usual and tuple(pixels.box_shape) == image.shape else None


def sub_image(
    image: CasaImage,
    outfile: str,
    choice: PixelChoice = PixelChoice(),
    drop: bool = False,
    keep: Sequence[int] = (),
    overwrite: bool = False,
    virtual: bool = False,
) -> None:
    """Write the bounding box of the chosen pixels as an image; pixels of it that are not chosen are masked.

    Parameters
    ----------
    image : CasaImage
    outfile : str
    choice : PixelChoice
    drop : bool
        Leave out axes of one pixel.
    keep : sequence of int
        Axes (CASA order) that stay although they have one pixel.
    overwrite : bool
    virtual : bool
        Leave the pixels where they are: the new image reads them from this one.

    Raises
    ------
    SelectionError, ParameterError, OutputExistsError, DataError
        Nothing is chosen, no axis would be left, or the output exists or cannot be written.
    """
    chosen = choice.of(image)
    ndim, box = image.ndim, chosen.pixels.box_shape
    bad = [a for a in keep if not 0 <= a < ndim]
    if bad:
        raise ParameterError(f"axis {bad[0]} is not in the image; its axes are 0 to {ndim - 1}")
    shape = box[::-1]
    gone = [a for a in range(ndim) if drop and shape[a] == 1 and a not in keep]
    if len(gone) == ndim:
        raise ParameterError("all axes of the selection have one pixel: none would be left; use dropdeg=False or keepaxes")
    coordinates = image.coordinates.sliced([float(v) for v in chosen.pixels.first[::-1]], [1.0] * ndim, list(shape))
    if gone:
        coordinates = coordinates.without_pixel_axes(gone)
    left = [k for k in range(ndim) if ndim - 1 - k not in gone]
    kept = tuple(box[k] for k in left)
    mask = "mask0" if chosen.has_mask else ""

    def make(path: str) -> CasaImage:
        if virtual:
            return CasaImage.refer(path, image, chosen.pixels.first, left, kept, coordinates, mask)
        return CasaImage.create(path, kept, coordinates, image.dtype, mask=mask)

    with staged_output(outfile, overwrite) as staged, make(staged) as output:
        output.copy_metadata_from(image, beams=False)
        beams = beams_of_box(image, chosen.pixels)
        nplanes = len(beams.beams)
        output.beams = BeamSet.single(beams.beams[0]) if beams.is_per_plane and nplanes == 1 else beams

        def copy(block: tuple[slice, ...]) -> None:
            values, good = chosen.read(block)
            inside = tuple(s for k, s in enumerate(block) if ndim - 1 - k not in gone)
            extent = tuple(s.stop - s.start for s in inside)
            if not virtual:
                output.write(values.reshape(extent), inside)
            if chosen.has_mask:
                output.write_mask(True if good is None else good.reshape(extent), inside)

        if virtual and not chosen.has_mask:
            return
        deque(in_order(copy, chosen.iter_slices(max_bytes=4 * IMAGE_BLOCK_BYTES)), maxlen=0)


def axis_order(image: CasaImage, order: str | int | Sequence[str]) -> list[int]:
    """The axes of an image (CASA order) in the order wanted: digits such as ``"201"``, or beginnings of the axes' names.

    Raises
    ------
    ParameterError
        It is no permutation of the axes.
    """
    ndim = image.ndim
    names = [n.lower() for n in image.coordinates.names]
    if isinstance(order, (str, int)):
        text = str(order).strip()
        if text.isdigit():
            text = text.zfill(ndim)
            found = [int(c) for c in text]
        else:
            found = _named(text.lower(), names)
    else:
        found = []
        for item in order:
            matches = [k for k, n in enumerate(names) if n.startswith(str(item).strip().lower())]
            if len(matches) != 1:
                raise ParameterError(f"axis {item!r} does not name one axis; they are {', '.join(image.coordinates.names)}")
            found.append(matches[0])
    if sorted(found) != list(range(ndim)):
        raise ParameterError(f"order {order!r} must name each of the {ndim} axes {', '.join(image.coordinates.names)} once")
    return found


def _named(text: str, names: Sequence[str]) -> list[int]:
    """Axes of a run of beginnings of names such as ``frds``; each axis once, every beginning meaning one axis."""

    def rest(at: int, used: tuple[int, ...]) -> tuple[int, ...] | None:
        if at == len(text):
            return used if len(used) == len(names) else None
        for end in range(len(text), at, -1):
            matches = [k for k, n in enumerate(names) if n.startswith(text[at:end])]
            if len(matches) == 1 and matches[0] not in used:
                found = rest(end, (*used, matches[0]))
                if found is not None:
                    return found
        return None

    found = rest(0, ()) if text else None
    if found is None:
        raise ParameterError(f"order {text!r} cannot be read as beginnings of the axes {', '.join(names)}, each once")
    return list(found)


def transpose_image(image: CasaImage, outfile: str, order: Sequence[int], overwrite: bool = False) -> None:
    """Write an image whose axis ``k`` (CASA order) is this one's ``order[k]``.

    Raises
    ------
    ParameterError, OutputExistsError, DataError
    """
    ndim = image.ndim
    array_order = [ndim - 1 - a for a in order][::-1]  # array axis behind each array axis of the output
    shape = [image.shape[a] for a in array_order]
    coordinates = image.coordinates.transposed(list(order))
    with (
        staged_output(outfile, overwrite) as staged,
        CasaImage.create(staged, shape, coordinates, image.dtype, mask="mask0" if image.has_mask else "") as output,
    ):
        output.copy_metadata_from(image)
        masked = image.has_mask

        def move(slices: tuple[slice, ...]) -> None:
            there = tuple(slices[a] for a in array_order)
            output.write(np.transpose(image.read(slices), array_order), there)
            if masked:
                output.write_mask(np.transpose(image.read_mask(slices), array_order), there)

        turned = [output.tile_shape[array_order.index(a)] for a in range(ndim)]
        deque(in_order(move, _blocks_for(image.shape, image.tile_shape, turned, image.dtype.itemsize)), maxlen=0)


def _blocks_for(
    shape: Sequence[int], tile: Sequence[int], turned: Sequence[int], itemsize: int, max_bytes: int = 4 * IMAGE_BLOCK_BYTES
) -> list[tuple[slice, ...]]:
    """Blocks that hold whole tiles of an image and of another one with other tiles (both in the axis order of the first), as far as memory allows."""
    both = [min(n, math.lcm(a, b)) for n, a, b in zip(shape, tile, turned, strict=True)]
    if itemsize * math.prod(both) > max_bytes:
        both = [min(n, max(a, b)) for n, a, b in zip(shape, tile, turned, strict=True)]
    return list(iter_blocks(shape, both, itemsize, max_bytes))


def rebin_image(
    image: CasaImage, outfile: str, factors: Sequence[int], choice: PixelChoice, drop: bool, crop: bool, overwrite: bool
) -> None:
    """Write an image of averages over bins of pixels; masked pixels do not count.

    Parameters
    ----------
    image : CasaImage
    outfile : str
    factors : sequence of int
        Pixels of a bin along each axis (CASA order); axes not given keep their pixels.
    choice : PixelChoice
    drop : bool
        Leave out axes of one pixel.
    crop : bool
        Leave out a last bin that is not full; else it is an average of fewer pixels.
    overwrite : bool

    Raises
    ------
    ParameterError
        A factor is not positive, there are more than axes, the Stokes axis would be averaged, or planes of different beams.
    """
    chosen = choice.of(image)
    chosen.require_good()
    ndim, box = image.ndim, chosen.pixels.box_shape
    bins = [int(f) for f in factors] + [1] * (ndim - len(factors))
    if not factors or len(bins) != ndim or min(bins) < 1:
        raise ParameterError(f"bin factors must be up to {ndim} positive numbers; got {list(factors)}")
    coordinates = image.coordinates
    stokes = coordinates.stokes_axis
    if stokes is not None and bins[stokes] > 1 and box[ndim - 1 - stokes] > 1:
        raise ParameterError("the polarization axis cannot be binned; its factor must be 1")
    bins = [min(f, n) for f, n in zip(bins, box[::-1], strict=True)]
    spectral = coordinates.spectral_axis
    if image.beams.is_per_plane and spectral is not None and bins[spectral] > 1:
        raise ParameterError("the spectral axis of an image with a beam for each channel cannot be binned; smooth it to one beam")
    counts = [n // f if crop else -(-n // f) for n, f in zip(box[::-1], bins, strict=True)]
    # The centre of a first bin of f pixels lies (f - 1) / 2 behind its first pixel.
    starts = [a + 0.5 * (f - 1) for a, f in zip(chosen.pixels.first[::-1], bins, strict=True)]
    made = coordinates.sliced(starts, [float(f) for f in bins], counts)
    gone = [a for a in range(ndim) if drop and counts[a] == 1]
    if gone:
        made = made.without_pixel_axes(gone)
    shape = [n for a, n in enumerate(counts) if a not in gone][::-1]
    with (
        staged_output(outfile, overwrite) as staged,
        CasaImage.create(staged, shape, made, image.dtype, mask="mask0" if chosen.has_mask else "") as output,
    ):
        output.copy_metadata_from(image, beams=False)
        output.beams = beams_of_box(image, chosen.pixels)
        array_bins, array_counts = bins[::-1], counts[::-1]
        inside = output.tile_shape if not gone else [1] * ndim

        def average(part: tuple[slice, ...]) -> bool:
            wanted = tuple(slice(s.start * f, min(s.stop * f, n)) for s, f, n in zip(part, array_bins, box, strict=True))
            values, good = chosen.read(wanted)
            mean, defined = _binned(values, good, array_bins, tuple(s.stop - s.start for s in part))
            where = tuple(s for k, s in enumerate(part) if ndim - 1 - k not in gone)
            extent = tuple(s.stop - s.start for s in where)
            output.write(mean.reshape(extent), where)
            if chosen.has_mask:
                output.write_mask(defined.reshape(extent), where)
            return bool(defined.all())

        most = max(1, IMAGE_BLOCK_BYTES // math.prod(array_bins))
        every = list(in_order(average, iter_blocks(array_counts, inside, image.dtype.itemsize, most)))
        if chosen.has_mask and all(every):
            output.remove_mask("mask0")  # no pixel needs it, and CASA writes none then


def _binned(
    values: np.ndarray, good: np.ndarray | None, bins: Sequence[int], counts: Sequence[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Means over bins and where they are defined; a last bin may hold fewer pixels, surplus pixels are left out."""
    kind = np.complex128 if np.iscomplexobj(values) else np.float64
    if good is None and all(n == f * c for n, f, c in zip(values.shape, bins, counts, strict=True)):
        sums = values
        for axis, size in enumerate(bins):  # pixel by pixel of the bins, which is much quicker than bin by bin
            if size > 1:
                parts = [sums[(*(slice(None),) * axis, slice(k, None, size))] for k in range(size)]
                sums = np.add(parts[0], parts[1], dtype=kind)
                for part in parts[2:]:
                    sums += part
        return sums / math.prod(bins), np.ones(tuple(counts), bool)
    weight = np.ones(values.shape) if good is None else good.astype(np.float64)
    total = np.where(weight > 0, values, 0).astype(kind)
    for axis, (size, count) in enumerate(zip(bins, counts, strict=True)):
        if size == 1:
            continue
        full = min(count * size, total.shape[axis])
        edges = np.arange(0, full, size)
        cut = tuple(slice(0, full) if k == axis else slice(None) for k in range(total.ndim))
        total = np.add.reduceat(total[cut], edges, axis=axis)
        weight = np.add.reduceat(weight[cut], edges, axis=axis)
    return np.where(weight > 0, total / np.where(weight > 0, weight, 1), 0), weight > 0
