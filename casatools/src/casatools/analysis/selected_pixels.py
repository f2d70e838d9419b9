"""The pixels of an image that a task works on: region, the image's own mask and a mask expression, block by block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from casatools.analysis.regions import ImageSelection, PixelSet
from casatools.io.image import CasaImage

__all__ = ["SelectedPixels"]


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
        self.pixels: PixelSet = selection.resolve(image.coordinates, image.shape)
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
        if self.image.has_mask:
            stored = self.image.read_mask(slices)
            good = stored if good is None else good & stored
        if not np.all(np.isfinite(values)):
            finite = np.isfinite(values)
            good = finite if good is None else good & finite
        return values, good

    def iter_blocks(self, max_bytes: int = 64 * 1024 * 1024) -> Iterator[tuple[tuple[slice, ...], np.ndarray, np.ndarray | None]]:
        """Blocks ``(slices in the box, pixels, mask)`` that cover the bounding box, cut along the slowest axes."""
        shape = self.pixels.box_shape
        for block in _cut(shape, self.image.dtype.itemsize, max_bytes):
            values, good = self.read(block)
            yield block, values, good


def _cut(shape: Sequence[int], itemsize: int, max_bytes: int) -> Iterator[tuple[slice, ...]]:
    """Blocks of whole trailing axes that each take at most about `max_bytes`."""
    axis, below = 0, int(np.prod(shape)) * itemsize
    while axis < len(shape) - 1 and below // max(1, shape[axis]) > max_bytes:
        below //= max(1, shape[axis])
        axis += 1
    each = max(1, below // max(1, shape[axis]))
    step = max(1, max_bytes // each)
    for outer in np.ndindex(*shape[:axis]):
        for start in range(0, shape[axis], step):
            yield (
                *(slice(k, k + 1) for k in outer),
                slice(start, min(start + step, shape[axis])),
                *(slice(0, n) for n in shape[axis + 1 :]),
            )
