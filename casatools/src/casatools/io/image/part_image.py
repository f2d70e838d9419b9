"""Images that are boxes of other images: their headers and masks are their own, their pixels are read from the other image.

It is a folder with an image table of one tile, which holds the header and the masks, and a note of the image and the box that the pixels come from.
It behaves as the copy that CASA makes: before pixels are put into it, and before this process changes, replaces or removes the other image, it takes
the pixels and is an image like any other.
"""

from __future__ import annotations

import json
import os
import shutil
import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np

from casatools._base import paths
from casatools._base.errors import DataError
from casatools.io.image.table_image import TableImage
from casatools.io.image.tiling import default_tile_shape, iter_blocks

__all__ = ["PART_FILE", "PartImage", "detach_parts_of", "is_part"]

PART_FILE = "part_of.json"
_BLOCK_BYTES = 16 << 20


def is_part(folder: str) -> bool:
    """True when a folder holds a part of another image."""
    return os.path.isfile(os.path.join(folder, PART_FILE))


_alive: weakref.WeakSet[PartImage] = weakref.WeakSet()


def detach_parts_of(path: str) -> None:
    """Give the parts of an image, whose pixels are about to change, pixels of their own."""
    if not _alive:
        return
    source = os.path.realpath(path)
    for part in list(_alive):
        if part.source == source:
            part.become_whole()


paths.before_removal.append(detach_parts_of)


class PartImage:
    """A box of another image.

    Use `open` and `create`. Blocks are given as corners, as of `TableImage`.

    Attributes
    ----------
    path : str
    shape, tile_shape : tuple of int
        Internal order.
    dtype : dtype
    """

    is_fits = False

    def __init__(self, own: TableImage, parent: Any, note: dict[str, Any]) -> None:
        self.path, self.writable = own.path, own.writable
        self.shape, self.dtype = tuple(note["shape"]), np.dtype(parent.dtype)
        self._own, self._parent = own, parent
        self._first, self._kept = list(note["first"]), list(note["kept"])
        own.shape = self.shape  # of the masks
        self.source = os.path.realpath(note["image"])
        _alive.add(self)

    @classmethod
    def create(
        cls, path: str, parent: Any, first: Sequence[int], kept: Sequence[int], shape: Sequence[int], source: str
    ) -> PartImage:
        """Make a part, without coordinates yet.

        Parameters
        ----------
        path : str
        parent : CasaImage
            An own handle of the image that the pixels come from; closed with the part.
        first : sequence of int
            First pixel of the box on each array axis of that image.
        kept : sequence of int
            Array axes of that image which the part has; it is one pixel wide along the others.
        shape : sequence of int
            Pixels along the axes kept.
        source : str
            Absolute path of that image.
        """
        tile = [parent.tile_shape[k] for k in kept]
        if parent.is_fits or int(np.prod(tile, dtype=np.int64)) * parent.dtype.itemsize > _BLOCK_BYTES:
            tile = list(default_tile_shape(shape))
        tile = [min(t, n) for t, n in zip(tile, shape, strict=True)]
        own = TableImage.create(path, tile, parent.dtype, tile)
        note = {"image": source, "of": list(parent.shape), "first": list(first), "kept": list(kept), "shape": list(shape)}
        with open(os.path.join(path, PART_FILE), "w", encoding="utf-8") as stream:
            json.dump(note, stream)
        return cls(own, parent, note)

    @classmethod
    def open(cls, path: str, writable: bool = False) -> PartImage:
        """Open a part.

        Raises
        ------
        DataError
            The image that it is a part of is gone or has another shape now.
        """
        from casatools.io.image.image import CasaImage

        with open(os.path.join(path, PART_FILE), encoding="utf-8") as stream:
            note = json.load(stream)
        if not os.path.exists(note["image"]):
            raise DataError(f"{path!r} is a part of the image {note['image']!r}, which is gone")
        parent = CasaImage.open(note["image"])
        if list(parent.shape) != note["of"]:
            shape = parent.shape
            parent.close()
            raise DataError(f"{path!r} is a part of the image {note['image']!r}, whose shape is now {shape[::-1]}")
        return cls(TableImage.open(path, writable), parent, note)

    @property
    def tile_shape(self) -> tuple[int, ...]:
        """Shape of the tiles of the masks, and of the pixels when they become its own."""
        return self._own.tile_shape

    def close(self) -> None:
        """Close the tables."""
        _alive.discard(self)
        self._own.close()
        if self._parent is not None:
            self._parent.close()

    def flush(self) -> None:
        """Write what is buffered."""
        self._own.flush()

    def tiles(self) -> Any:
        """The tiles of its own pixels; None while these are the other image's."""
        return None if self._parent is not None else self._own.tiles()

    # ---- pixels

    def read(self, first: list[int], last: list[int], step: list[int]) -> np.ndarray:
        """Pixels of a block."""
        if self._parent is None:
            return self._own.read(first, last, step)
        places: list[slice] = [slice(a, a + 1) for a in self._first]
        for k, a, b, s in zip(self._kept, first, last, step, strict=True):
            places[k] = slice(self._first[k] + a, self._first[k] + b + 1, s)
        extent = [len(range(a, b + 1, s)) for a, b, s in zip(first, last, step, strict=True)]
        return np.asarray(self._parent.read(tuple(places))).reshape(extent)

    def write(self, first: list[int], last: list[int], step: list[int], values: np.ndarray) -> None:
        """Put pixels into a block; they are this image's own from now on."""
        self.become_whole()
        self._own.write(first, last, step, values)

    def become_whole(self) -> None:
        """Copy the pixels, and be an image like any other."""
        if self._parent is None:
            return
        _alive.discard(self)
        if not is_part(self.path):  # another handle of it has done so
            self._own.close()
            self._settle()
            return
        whole = f"{self.path}.whole"
        made = TableImage.create(whole, self.shape, self.dtype, self.tile_shape)
        try:
            for block in iter_blocks(self.shape, self.tile_shape, self.dtype.itemsize, _BLOCK_BYTES):
                first, last = [s.start for s in block], [s.stop - 1 for s in block]
                made.write(first, last, [1] * len(first), self.read(first, last, [1] * len(first)))
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

    def _settle(self) -> None:
        """Read the pixels from its own table from now on."""
        self._own = TableImage.open(self.path, self.writable)
        self._parent.close()
        self._parent = None

    # ---- masks and header

    @property
    def mask_names(self) -> list[str]:
        """Names of the masks."""
        return self._own.mask_names

    @property
    def default_mask(self) -> str:
        """Name of the default mask; "" when there is none."""
        return self._own.default_mask

    def __getattr__(self, name: str) -> Any:
        # Masks, keywords and history are those of the table; only what deals with pixels is told here.
        return getattr(self.__dict__["_own"], name)
