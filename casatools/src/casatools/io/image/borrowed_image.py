"""Images without pixels of their own: their headers and masks are theirs, their pixels come from other images.

They behave as the copies that CASA makes: before pixels are put into one, and before this process changes, replaces or removes an image that its
pixels come from, it takes the pixels and is an image like any other.
"""

from __future__ import annotations

import os
import shutil
import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np

from casatools._base import paths
from casatools.io.image.table_image import TableImage
from casatools.io.image.tiling import default_tile_shape, iter_blocks

__all__ = ["BLOCK_BYTES", "BorrowedImage", "borrowed_tiles", "detach_borrowers_of"]

BLOCK_BYTES = 16 << 20
_alive: weakref.WeakSet[BorrowedImage] = weakref.WeakSet()


def detach_borrowers_of(path: str) -> None:
    """Give the images that borrow pixels of an image, which are about to change, pixels of their own."""
    if not _alive:
        return
    source = os.path.realpath(path)
    for image in list(_alive):
        if source in image.sources:
            image.become_whole()


paths.before_removal.append(detach_borrowers_of)


def borrowed_tiles(tile: Sequence[int], shape: Sequence[int], itemsize: int) -> list[int]:
    """Shape of the tiles of an image that borrows pixels of one with tiles `tile`: the same where they are not too large."""
    fits = int(np.prod(tile, dtype=np.int64)) * itemsize <= BLOCK_BYTES
    return [min(t, n) for t, n in zip(tile if fits else default_tile_shape(shape), shape, strict=True)]


class BorrowedImage:
    """An image whose pixels come from others, in a folder with an image table of one tile for its header and masks, and a note of what it is.

    Blocks are given as corners, as of `TableImage`. A subclass says what the note is called (`note_file`), which images the pixels come from (`sources`,
    real paths), and how they are read (`_borrow`) and let go (`_give_back`).

    Attributes
    ----------
    path : str
    shape, tile_shape : tuple of int
        Internal order.
    dtype : dtype
    """

    is_fits = False
    note_file = ""

    def __init__(self, own: TableImage, shape: Sequence[int], dtype: Any, sources: frozenset[str]) -> None:
        self.path, self.writable = own.path, own.writable
        self.shape, self.dtype = tuple(shape), np.dtype(dtype)
        self.sources = sources
        self._own, self._borrows = own, True
        own.shape = self.shape  # of the masks
        _alive.add(self)

    def _borrow(self, first: list[int], last: list[int], step: list[int]) -> np.ndarray:
        """Pixels of a block, from where they are."""
        raise NotImplementedError

    def _give_back(self) -> None:
        """Close the images that the pixels come from."""
        raise NotImplementedError

    @property
    def tile_shape(self) -> tuple[int, ...]:
        """Shape of the tiles of the masks, and of the pixels when they become its own."""
        return self._own.tile_shape

    def close(self) -> None:
        """Close the tables."""
        _alive.discard(self)
        self._own.close()
        if self._borrows:
            self._give_back()

    def flush(self) -> None:
        """Write what is buffered."""
        self._own.flush()

    def tiles(self) -> Any:
        """The tiles of its own pixels; None while these are other images'."""
        return None if self._borrows else self._own.tiles()

    def mask_tiles(self, name: str) -> Any:
        """The tiles of a mask of its own; None while the pixels are other images'."""
        return None if self._borrows else self._own.mask_tiles(name)

    # ---- pixels

    def read(self, first: list[int], last: list[int], step: list[int]) -> np.ndarray:
        """Pixels of a block."""
        return self._borrow(first, last, step) if self._borrows else self._own.read(first, last, step)

    def write(self, first: list[int], last: list[int], step: list[int], values: np.ndarray) -> None:
        """Put pixels into a block; they are this image's own from now on."""
        self.become_whole()
        self._own.write(first, last, step, values)

    def become_whole(self) -> None:
        """Copy the pixels, and be an image like any other."""
        if not self._borrows:
            return
        _alive.discard(self)
        if not os.path.isfile(os.path.join(self.path, self.note_file)):  # another handle of it has done so
            self._own.close()
            self._settle()
            return
        whole = f"{self.path}.whole"
        made = TableImage.create(whole, self.shape, self.dtype, self.tile_shape)
        try:
            for block in iter_blocks(self.shape, self.tile_shape, self.dtype.itemsize, BLOCK_BYTES):
                first, last = [s.start for s in block], [s.stop - 1 for s in block]
                made.write(first, last, [1] * len(first), self._borrow(first, last, [1] * len(first)))
            self._keep_masks()
        except BaseException:
            made.close()
            shutil.rmtree(whole, ignore_errors=True)
            raise
        header = {name: self._own.keyword(name) for name in self._own.keyword_names if name != "logtable"}
        for name, value in header.items():
            made.put_keyword(name, value)
        made.close()
        self._own.close()
        for name in ("logtable", *header.get("masks", {})):
            shutil.rmtree(os.path.join(whole, name), ignore_errors=True)
            os.rename(os.path.join(self.path, name), os.path.join(whole, name))
        shutil.rmtree(self.path)
        os.rename(whole, self.path)
        self._settle()

    def _keep_masks(self) -> None:
        """Store masks that are not in the own table yet."""

    def _settle(self) -> None:
        """Read the pixels from its own table from now on."""
        self._own = TableImage.open(self.path, self.writable)
        self._borrows = False
        self._give_back()

    def __getattr__(self, name: str) -> Any:
        # Masks, keywords and history are those of the table; only what deals with pixels is told here.
        return getattr(self.__dict__["_own"], name)
