"""The pixels of an image that a task works on: region, the image's own mask and a mask expression, block by block."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from casatools._base.buffers import empty_array
from casatools._base.errors import DataError
from casatools._base.memory import IMAGE_BLOCK_BYTES, chunk_bytes
from casatools._base.threads import in_order
from casatools.analysis.regions import ImageSelection, PixelSet
from casatools.io.image import CasaImage
from casatools.io.image.tiling import iter_blocks

if TYPE_CHECKING:
    from casatools.analysis.expressions import Expression

__all__ = ["SelectedPixels"]

# Whole lines that are worked on at once.
_LINE_BYTES = 2 * IMAGE_BLOCK_BYTES


class SelectedPixels:
    """Selected pixels of an open image.

    Parameters
    ----------
    image : CasaImage
    selection : ImageSelection
    mask : str
        Lattice expression that is True where pixels are used; empty for all.
    stretch : bool
        Let a mask image of fewer planes stand for all planes.

    Notes
    -----
    Blocks are given relative to the bounding box of the selection.
    """

    def __init__(self, image: CasaImage, selection: ImageSelection, mask: str = "", stretch: bool = False) -> None:
        self.image = image
        self.pixels: PixelSet = selection.on(image)
        self._expression = None
        if mask.strip():
            from casatools.analysis.expressions import MaskExpression

            self._expression = MaskExpression(mask, image, stretch)

    @property
    def has_mask(self) -> bool:
        """True when not all pixels of the bounding box are used."""
        return self.image.has_mask or self._expression is not None or not self.pixels.is_box

    @property
    def has_mask_beside_image(self) -> bool:
        """True when region or expression leave out pixels of the bounding box."""
        return self._expression is not None or not self.pixels.is_box

    @property
    def condition(self) -> Expression | None:
        """The expression of the mask."""
        return None if self._expression is None else self._expression.expression

    def chosen(self, slices: Sequence[slice]) -> np.ndarray | None:
        """Mask of region and expression alone, of a block in image pixels; None when all are chosen."""
        good = self.pixels.block(slices)
        if self._expression is not None:
            wanted = self._expression.read(slices)
            good = wanted if good is None else good & wanted
        return good

    def read(self, block: Sequence[slice] | None = None) -> tuple[np.ndarray, np.ndarray | None]:
        """Pixels and mask (True is used, None for all) of a block of the bounding box; the whole box when not given."""
        inside = block if block is not None else [slice(0, n) for n in self.pixels.box_shape]
        slices = tuple(slice(a + s.start, a + s.stop) for a, s in zip(self.pixels.first, inside, strict=True))
        values = self.image.read(slices)
        good = self.chosen(slices)
        # Blanks of FITS are NaN: whether the file has any need not be found out for a part of it.
        if not self.image.is_fits and self._stored_mask:
            stored = self.image.read_mask(slices, self._stored_mask)
            good = stored if good is None else good & stored
        finite = _finite(values)
        if finite is not None:
            good = finite if good is None else np.logical_and(good, finite, out=finite)
        return values, good

    @functools.cached_property
    def _stored_mask(self) -> str:
        """Name of the image's mask in force, which every block would else look up in the header."""
        return self.image.default_mask

    def require_good(self) -> None:
        """Raise DataError when no pixel that is chosen is good and finite: nothing can be made of them."""
        if not any(good is None or good.any() for _, _, good in self.iter_blocks()):
            raise DataError(f"image {self.image.path!r} has no good pixel among those chosen: all are masked, NaN or infinite")

    def require_real(self, what: str) -> None:
        """Raise DataError where the image holds complex numbers; `what` says what is done with real ones."""
        if self.image.dtype.kind == "c":
            raise DataError(
                f"image {self.image.path!r} holds complex numbers; {what} real ones: take their parts or amplitude first"
            )

    def require_numbers(self) -> None:
        """Raise DataError when pixels are chosen and unmasked but none of them is a number; nothing when all are masked."""
        some = False
        for part in self.iter_slices():
            slices = tuple(slice(a + s.start, a + s.stop) for a, s in zip(self.pixels.first, part, strict=True))
            good, stored = self.chosen(slices), self.image.read_mask(slices) if self.image.has_mask else np.True_
            used = np.broadcast_to(stored if good is None else good & stored, tuple(s.stop - s.start for s in slices))
            if np.isfinite(self.image.read(slices)[used]).any():
                return
            some |= bool(used.any())
        if some:
            raise DataError(
                f"image {self.image.path!r} has no number among the pixels chosen: all that are not masked are NaN or infinite"
            )

    def iter_slices(
        self, block: Sequence[slice] | None = None, max_bytes: int = IMAGE_BLOCK_BYTES
    ) -> Iterator[tuple[slice, ...]]:
        """Slices in the bounding box that cover a block of it (all when not given) by whole tiles of the image, each of about `max_bytes`."""
        inside = block if block is not None else [slice(0, n) for n in self.pixels.box_shape]
        starts = [a + s.start for a, s in zip(self.pixels.first, inside, strict=True)]
        shape = [s.stop - s.start for s in inside]
        for part in iter_blocks(shape, self.image.tile_shape, self.image.dtype.itemsize, max_bytes, starts):
            yield tuple(slice(s.start + p.start, s.start + p.stop) for s, p in zip(inside, part, strict=True))

    def line_blocks(self, axes: Sequence[int], most: int = 0) -> list[tuple[slice, ...]]:
        """Slices that cover the bounding box, whole along some array axes and by whole tiles across them as far as memory allows.

        `most` are the bytes of pixels to be had at once; as is best for what takes no more than a copy of them when not given.
        """
        box, image, most = self.pixels.box_shape, self.image, most or _LINE_BYTES
        lines = [1 if k in axes else n for k, n in enumerate(box)]
        tile = [1 if k in axes else n for k, n in enumerate(image.tile_shape)]
        first = [0 if k in axes else n for k, n in enumerate(self.pixels.first)]
        line = image.dtype.itemsize * math.prod(box[k] for k in axes)
        least = most if image.is_fits else max(most, min(line * math.prod(tile[-2:]), chunk_bytes()))
        return [
            tuple(slice(0, box[k]) if k in axes else s for k, s in enumerate(block))
            for block in iter_blocks(lines, tile, line, least, first)
        ]

    def iter_blocks(
        self, max_bytes: int = IMAGE_BLOCK_BYTES
    ) -> Iterator[tuple[tuple[slice, ...], np.ndarray, np.ndarray | None]]:
        """Blocks ``(slices in the box, pixels, mask)`` that cover the bounding box by whole tiles, read ahead in threads."""

        def read(block: tuple[slice, ...]) -> tuple[tuple[slice, ...], np.ndarray, np.ndarray | None]:
            return (block, *self.read(block))

        yield from in_order(read, self.iter_slices(max_bytes=max_bytes))


def _finite(values: np.ndarray) -> np.ndarray | None:
    """Where values are neither infinite nor NaN; None where all are numbers."""
    if values.dtype.kind not in "fc":
        return None
    found = empty_array(values.shape, bool)
    np.isfinite(values, out=found)
    return None if found.all() else found
