"""Masks made, united, spread over channels, removed: what makemask does.

Notes
-----
A mask is either an image of ones and zeros, or a true/false mask inside of an image, written ``image:mask``. Inputs may be either, or regions in
CRTF (text or file); several are united.

References
----------
"makemask", CASA documentation: modes and meaning of the parameters.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np

from casatools._base import log
from casatools._base.errors import DataError, OutputExistsError, ParameterError, PathMissingError, SelectionError
from casatools._base.paths import require_absent, resolve, staged_output
from casatools.analysis.regions import ImageSelection
from casatools.analysis.regridding import RegridOptions, regrid_image
from casatools.analysis.sub_images import PixelChoice, sub_image
from casatools.frames.quantities import parse_quantity, to_unit
from casatools.io.image import CasaImage
from casatools.io.image.coordinates import Coordinates

__all__ = ["copy_masks", "delete_masks", "expand_mask", "mask_listing", "set_default_mask", "split_mask"]

_RANGE = re.compile(r"^\s*([^~]+?)\s*~\s*([^~]+?)\s*$")


def split_mask(name: str) -> tuple[str, str]:
    """``image`` and ``mask`` of ``image:mask``; the second is empty for an image."""
    path, colon, mask = name.rpartition(":")
    return (path, mask) if colon and path else (name, "")


def mask_listing(paths: Sequence[str]) -> list[str]:
    """A line for each image: its true/false masks, the default one marked by a star.

    Raises
    ------
    PathMissingError, DataError
        An image is not there.
    """
    lines = []
    for path in paths:
        with CasaImage.open(path) as image:
            names = [n + ("*" if n == image.default_mask else "") for n in image.mask_names]
            lines.append(f"{path}: {', '.join(names) or 'no internal masks'}")
    return lines


def delete_masks(names: Sequence[str]) -> None:
    """Remove true/false masks; the images lose their default mask where that is the one.

    Raises
    ------
    ParameterError
        A name is no ``image:mask``, or the image has no such mask; nothing is removed.
    """
    for path, mask in _existing(names):
        with CasaImage.open(path, writable=True) as image:
            if image.default_mask == mask:
                image.default_mask = ""
            image.remove_mask(mask)


def set_default_mask(name: str) -> None:
    """Make a true/false mask the default one of its image.

    Raises
    ------
    ParameterError
        The name is no ``image:mask``, or the image has no such mask.
    """
    ((path, mask),) = _existing([name])
    with CasaImage.open(path, writable=True) as image:
        image.default_mask = mask


def _existing(names: Sequence[str]) -> list[tuple[str, str]]:
    found = []
    for name in names:
        path, mask = split_mask(name)
        if not mask:
            raise ParameterError(f"parameter 'inpmask' must name a mask of an image as 'image:mask'; got {name!r}")
        with CasaImage.open(path) as image:
            if mask not in image.mask_names:
                raise ParameterError(f"image {path!r} has no mask {mask!r}; its masks: {', '.join(image.mask_names) or 'none'}")
        found.append((path, mask))
    return found


class _MaskSource:
    """One input mask on the pixels of the template, read by blocks."""

    def __init__(self, name: str, template: CasaImage, stack: ExitStack) -> None:
        self.pixels = None
        self.image: CasaImage | None = None
        path, self.mask = split_mask(name)
        if self.mask and os.path.isdir(resolve(path)):
            self._open(path, template, stack)
        elif os.path.isdir(resolve(name)):
            self.mask = ""
            self._open(name, template, stack)
        else:
            looks_like_region = "[" in name or os.path.isfile(resolve(name))
            if not looks_like_region:
                raise PathMissingError(
                    f"parameter 'inpmask': {name!r} is neither an image, a mask 'image:mask', a region file nor region text"
                )
            self.pixels = ImageSelection(name).resolve(template.coordinates, template.shape)

    def _open(self, path: str, template: CasaImage, stack: ExitStack) -> None:
        image = stack.enter_context(CasaImage.open(path))
        if self.mask and self.mask not in image.mask_names:
            raise ParameterError(f"image {path!r} has no mask {self.mask!r}; its masks: {', '.join(image.mask_names) or 'none'}")
        if _conform(image.coordinates, image.shape, template):
            self.image = image
            return
        folder = tempfile.mkdtemp(prefix="casa-mask-")
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        numbers = os.path.join(folder, "numbers.im")
        with CasaImage.create(numbers, image.shape, image.coordinates, np.float32) as made:
            for block in image.iter_slices():
                made.write(self._of(image, block).astype(np.float32), block)
        moved = os.path.join(folder, "moved.im")
        with CasaImage.open(numbers) as source:
            axes = _differing_axes(source, template)
            shape = [n if a in axes else m for a, (n, m) in enumerate(zip(template.shape[::-1], source.shape[::-1], strict=True))]
            try:
                regrid_image(source, moved, template.coordinates, shape, RegridOptions(tuple(axes), "nearest"), PixelChoice())
            except DataError as error:  # of the copy, whose name says nothing
                raise DataError(f"parameter 'inpmask': {str(error).replace(numbers, path)}") from error
        self.mask = ""
        self.image = stack.enter_context(CasaImage.open(moved))

    def _of(self, image: CasaImage, block: tuple[slice, ...]) -> np.ndarray:
        if self.mask:
            return image.read_mask(block, self.mask)
        return np.asarray(np.nan_to_num(image.read(block)) != 0) & image.read_mask(block)

    @property
    def shape(self) -> tuple[int, ...] | None:
        """Shape of an image's mask; None for regions, which fit."""
        return None if self.image is None else self.image.shape

    def read(self, block: tuple[slice, ...]) -> np.ndarray:
        """The mask on a block of pixels."""
        extent = tuple(s.stop - s.start for s in block)
        if self.image is not None:
            # One channel, or one Stokes parameter, stands for all.
            narrow = tuple(slice(0, 1) if n == 1 else s for s, n in zip(block, self.image.shape, strict=True))
            return np.broadcast_to(self._of(self.image, narrow), extent)
        assert self.pixels is not None
        chosen = np.zeros(extent, dtype=bool)
        inside = tuple(slice(max(s.start, p.start), min(s.stop, p.stop)) for s, p in zip(block, self.pixels.slices, strict=True))
        if any(s.start >= s.stop for s in inside):
            return chosen
        good = self.pixels.block(inside)
        where = tuple(slice(i.start - s.start, i.stop - s.start) for i, s in zip(inside, block, strict=True))
        chosen[where] = True if good is None else good
        return chosen


def _differing_axes(source: CasaImage, template: CasaImage) -> list[int]:
    if source.ndim != template.ndim:
        raise DataError(f"the mask has {source.ndim} axes and the image {template.ndim}: they cannot be matched")
    own, wanted = source.coordinates, template.coordinates
    axes = [a for a in own.direction_axes if a >= 0]
    spectral = own.spectral_axis
    if spectral is not None and spectral >= 0 and source.shape[source.ndim - 1 - spectral] > 1:
        if wanted.spectral_axis is None:
            raise DataError("the mask has a spectral axis and the image has none")
        axes.append(spectral)
    return axes


def _conform(coordinates: Coordinates, shape: tuple[int, ...], template: CasaImage) -> bool:
    if shape != template.shape:
        return False
    ends = np.array([[0.0] * len(shape), [n - 1.0 for n in shape[::-1]]]).T
    try:
        places = template.coordinates.to_pixel(coordinates.to_world(ends))
    except ParameterError:
        return False
    return bool(np.allclose(places, ends, atol=1e-3))


@contextmanager
def _sources(names: Sequence[str], template: CasaImage) -> Iterator[list[_MaskSource]]:
    with ExitStack() as stack:
        yield [_MaskSource(name, template, stack) for name in names]


def copy_masks(template: CasaImage, masks: Sequence[str], output: str, overwrite: bool = False) -> None:
    """Unite masks on the pixels of an image and write them.

    Parameters
    ----------
    template : CasaImage
    masks : sequence of str
        Mask images, ``image:mask``, CRTF text or files. Those of one channel, or of one Stokes parameter, are for all of the image.
    output : str
        An image of ones and zeros, or ``image:mask``; an image that is not there is made as a copy of `template`.
    overwrite : bool

    Raises
    ------
    ParameterError, PathMissingError, SelectionError, OutputExistsError, DataError
        A mask cannot be found or read or matched, or the output exists.
    """
    _check_output(output, overwrite, template)
    with _sources(masks, template) as sources:
        for source, name in zip(sources, masks, strict=True):
            if source.shape is not None and any(n not in (1, m) for n, m in zip(source.shape, template.shape, strict=True)):
                raise DataError(f"mask {name!r} has other Stokes parameters or channels than image {template.path!r}")

        def united(block: tuple[slice, ...]) -> np.ndarray:
            found = [source.read(block) for source in sources]
            return np.logical_or.reduce(found)

        _write(template, output, overwrite, united)


def expand_mask(
    template: CasaImage, masks: Sequence[str], output: str, inputs: Any, outputs: Any, overwrite: bool = False
) -> None:
    """Spread channels of a mask over channels of an image.

    Parameters
    ----------
    template : CasaImage
    masks : sequence of str
        Mask images, ``image:mask``, CRTF text or files; several are united.
    output : str
    inputs, outputs : list of int or str
        Channels, or ranges such as ``"1.4202GHz~1.4203GHz"`` or ``"100km/s~200km/s"``; empty for all. Channels of the mask are united.
    overwrite : bool

    Raises
    ------
    ParameterError, PathMissingError, SelectionError, OutputExistsError, DataError
        As for `copy_masks`; channels are not there, or there is no spectral axis.
    """
    _check_output(output, overwrite, template)
    axis = template.coordinates.spectral_axis
    if axis is None or axis < 0:
        raise DataError(f"image {template.path!r} has no spectral axis: there are no channels to expand a mask over")
    along = template.ndim - 1 - axis
    with _sources(masks, template) as sources:
        everything = _is_empty(inputs) and _is_empty(outputs)
        wanted = _channels(outputs, template.coordinates, template.shape[along], "outfreqs")
        plans = []
        for source in sources:
            stands_on = template if source.image is None else source.image  # a region is one of the template's pixels
            count = stands_on.shape[along]
            same = everything and count == template.shape[along]
            plans.append(None if same else _channels(inputs, stands_on.coordinates, count, "inpfreqs"))

        def spread(block: tuple[slice, ...]) -> np.ndarray:
            result = np.zeros(tuple(s.stop - s.start for s in block), dtype=bool)
            for source, plan in zip(sources, plans, strict=True):
                if plan is None:
                    result |= source.read(block)
                    continue

                def plane(channel: int, source: _MaskSource = source) -> np.ndarray:
                    return source.read((*block[:along], slice(channel, channel + 1), *block[along + 1 :]))

                one = np.logical_or.reduce([plane(int(c)) for c in plan])
                here = np.isin(np.arange(block[along].start, block[along].stop), wanted)
                result |= one & here.reshape([-1 if k == along else 1 for k in range(len(block))])
            return result

        _write(template, output, overwrite, spread)


def _is_empty(given: Any) -> bool:
    return given is None or (isinstance(given, str) and not given.strip()) or (not isinstance(given, str) and np.size(given) == 0)


def _channels(given: Any, coordinates: Coordinates, count: int, name: str) -> np.ndarray:
    """Channels of a list of numbers or of ranges of frequency or velocity."""
    if _is_empty(given):
        return np.arange(count)
    items = [given] if isinstance(given, (str, int, float)) else list(given)
    chosen: set[int] = set()
    for item in items:
        for part in str(item).split(";"):
            low, high = _limits(part, coordinates, name)
            first, last = int(np.ceil(low - 0.5)), int(np.floor(high + 0.5)) if high > low else int(np.ceil(low - 0.5))
            inside = range(max(first, 0), min(last, count - 1) + 1)
            if not inside or (part.strip().isdigit() and int(part) >= count):
                raise SelectionError(f"parameter {name!r}: {part!r} is outside of the channels 0 to {count - 1}")
            chosen.update(inside)
    return np.array(sorted(chosen), dtype=np.int64)


def _limits(text: str, coordinates: Coordinates, name: str) -> tuple[float, float]:
    match = _RANGE.match(text)
    ends = list(match.groups()) if match else [text, text]
    try:
        quantities = [parse_quantity(e) for e in ends]
    except ParameterError as error:
        raise ParameterError(f"parameter {name!r} must hold channels or ranges of frequency or velocity; got {text!r}") from error
    unit = quantities[1][1] or quantities[0][1]
    spectral = coordinates.spectral
    values = [float(v) for v, _ in quantities]
    if not unit:
        return min(values), max(values)
    if spectral is None:
        raise DataError(f"parameter {name!r} is given in {unit}, but there is no spectral axis")
    found = []
    for value, own in quantities:
        full = {"value": float(value), "unit": own or unit}
        hz = (
            float(to_unit(full, "Hz"))
            if unit.endswith("Hz")
            else float(spectral.frequency_hz_of(np.array([to_unit(full, "km/s")]), None, "km/s")[0])
        )
        found.append(float(np.ravel(spectral.to_pixel(np.array([[hz / float(spectral.hz)]])))[0]))
    return min(found), max(found)


def _check_output(output: str, overwrite: bool, template: CasaImage) -> None:
    if not output:
        raise ParameterError("parameter 'output' must name an image or a mask 'image:mask'")
    path, mask = split_mask(output)
    if not mask:
        require_absent(output, overwrite, "image")
        return
    if not os.path.exists(path):
        return
    with CasaImage.open(path) as image:
        if image.shape != template.shape:
            raise DataError(f"image {path!r} has the shape {image.shape[::-1]} and cannot hold a mask of {template.shape[::-1]}")
        if mask in image.mask_names and not overwrite:
            raise OutputExistsError(f"image {path!r} has a mask {mask!r} already; use overwrite=True to replace it")


def _write(template: CasaImage, output: str, overwrite: bool, read: Any) -> None:
    path, mask = split_mask(output)
    if not mask:
        with (
            staged_output(output, overwrite) as staged,
            CasaImage.create(staged, template.shape, template.coordinates, np.float32) as made,
        ):
            for block in template.iter_slices():
                made.write(read(block).astype(np.float32), block)
        return
    if os.path.exists(path):
        with CasaImage.open(path, writable=True) as image:
            _fill(image, mask, read)
        return
    with staged_output(path) as staged:
        shutil.copytree(template.path, staged) if os.path.isdir(template.path) else sub_image(template, staged)
        with CasaImage.open(staged, writable=True) as image:
            _fill(image, mask, read)
    log.post(f"{path} is a copy of {template.path} with the mask {mask}")


def _fill(image: CasaImage, mask: str, read: Any) -> None:
    if mask not in image.mask_names:
        image.add_mask(mask)
    for block in image.iter_slices():
        image.write_mask(read(block), block, mask)
    image.default_mask = mask
