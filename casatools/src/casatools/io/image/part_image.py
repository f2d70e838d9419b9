"""Images that are boxes of other images: their headers and masks are their own, their pixels are read from the other image."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from casatools._base.errors import DataError
from casatools.io.image.borrowed_image import BorrowedImage, borrowed_tiles
from casatools.io.image.table_image import TableImage
from casatools.io.image.tiling import default_tile_shape

__all__ = ["PART_FILE", "PartImage", "is_part"]

PART_FILE = "part_of.json"


def is_part(folder: str) -> bool:
    """True when a folder holds a part of another image."""
    return os.path.isfile(os.path.join(folder, PART_FILE))


class PartImage(BorrowedImage):
    """A box of another image. Use `open` and `create`."""

    note_file = PART_FILE

    def __init__(self, own: TableImage, parent: Any, note: dict[str, Any]) -> None:
        super().__init__(own, note["shape"], parent.dtype, frozenset({os.path.realpath(note["image"])}))
        self._parent = parent
        self._first, self._kept = list(note["first"]), list(note["kept"])

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
        tile = default_tile_shape(shape) if parent.is_fits else [parent.tile_shape[k] for k in kept]
        tile = borrowed_tiles(tile, shape, parent.dtype.itemsize)
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

    def _borrow(self, first: list[int], last: list[int], step: list[int]) -> np.ndarray:
        places: list[slice] = [slice(a, a + 1) for a in self._first]
        for k, a, b, s in zip(self._kept, first, last, step, strict=True):
            places[k] = slice(self._first[k] + a, self._first[k] + b + 1, s)
        extent = [len(range(a, b + 1, s)) for a, b, s in zip(first, last, step, strict=True)]
        return np.asarray(self._parent.read(tuple(places))).reshape(extent)

    def _give_back(self) -> None:
        self._parent.close()
