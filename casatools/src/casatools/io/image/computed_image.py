"""Images that are expressions of other images: pixels and mask are computed where they are read, a block at a time."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from casatools._base.errors import DataError
from casatools.io.image.borrowed_image import BLOCK_BYTES, BorrowedImage, borrowed_tiles
from casatools.io.image.table_image import TableImage
from casatools.io.image.tiling import iter_blocks

__all__ = ["EXPRESSION_FILE", "ComputedImage", "Evaluator", "evaluators", "is_computed"]

EXPRESSION_FILE = "expression.json"
_MASK = "mask0"


class Evaluator(Protocol):
    """What computes blocks of an image.

    Attributes
    ----------
    shape : tuple of int
        Internal order.
    may_mask : bool
        Pixels can be masked.
    """

    shape: tuple[int, ...]

    @property
    def may_mask(self) -> bool: ...

    @property
    def sources(self) -> Sequence[str]:
        """Paths of the images that it reads."""

    def values_and_mask(self, slices: Sequence[slice]) -> tuple[np.ndarray, np.ndarray | None]:
        """Pixels of a block and which of them are good (None: all)."""

    def close(self) -> None: ...


# What makes an evaluator of a note of an expression: that of `analysis.virtual_expressions`, which puts itself here, for this layer does not compute.
evaluators: list[Callable[[dict[str, Any]], Evaluator]] = []


def is_computed(folder: str) -> bool:
    """True when a folder holds an expression."""
    return os.path.isfile(os.path.join(folder, EXPRESSION_FILE))


class ComputedImage(BorrowedImage):
    """An expression of other images. Use `open` and `create`."""

    note_file = EXPRESSION_FILE

    def __init__(self, own: TableImage, evaluator: Evaluator, note: dict[str, Any]) -> None:
        super().__init__(own, evaluator.shape, note["dtype"], frozenset(os.path.realpath(p) for p in evaluator.sources))
        self._evaluator = evaluator

    @classmethod
    def create(
        cls, path: str, evaluator: Evaluator, expression: dict[str, Any], dtype: Any, tile: Sequence[int]
    ) -> ComputedImage:
        """Make an image of an expression, without coordinates yet.

        Parameters
        ----------
        path : str
        evaluator : Evaluator
            Closed with the image.
        expression : dict
            What an evaluator is made of again.
        dtype : dtype
            Of the pixels.
        tile : sequence of int
            Shape of the tiles of the images that it reads.
        """
        tile = borrowed_tiles(tile, evaluator.shape, np.dtype(dtype).itemsize)
        own = TableImage.create(path, tile, np.dtype(dtype), tile)
        note = {"expression": expression, "shape": list(evaluator.shape), "dtype": np.dtype(dtype).str}
        with open(os.path.join(path, EXPRESSION_FILE), "w", encoding="utf-8") as stream:
            json.dump(note, stream)
        return cls(own, evaluator, note)

    @classmethod
    def open(cls, path: str, writable: bool = False) -> ComputedImage:
        """Open an expression.

        Raises
        ------
        DataError
            Nothing in this process can compute it, or an image of it has another shape now.
        CasaError
            An image of it is gone.
        """
        with open(os.path.join(path, EXPRESSION_FILE), encoding="utf-8") as stream:
            note = json.load(stream)
        if not evaluators:
            raise DataError(f"{path!r} is a temporary image of another process, an expression: {note['expression']}")
        evaluator = evaluators[0](note["expression"])
        if list(evaluator.shape) != note["shape"]:
            shape = evaluator.shape
            evaluator.close()
            raise DataError(f"{path!r} is the expression {note['expression']}, whose shape is now {shape[::-1]}")
        return cls(TableImage.open(path, writable), evaluator, note)

    def _block(self, first: list[int], last: list[int], step: list[int], which: int) -> np.ndarray:
        """Pixels (`which` 0) or mask (1) of a block."""
        block = [slice(a, b + 1) for a, b in zip(first, last, strict=True)]
        found = self._evaluator.values_and_mask(block)[which]
        full = np.broadcast_to(True if found is None else found, [s.stop - s.start for s in block])
        return full[tuple(slice(None, None, s) for s in step)].astype(bool if which else self.dtype)

    def _borrow(self, first: list[int], last: list[int], step: list[int]) -> np.ndarray:
        return self._block(first, last, step, 0)

    def _give_back(self) -> None:
        self._evaluator.close()

    # ---- the mask that the expression gives, until there are others

    @property
    def _masked(self) -> bool:
        return bool(self._borrows and self._evaluator.may_mask)

    @property
    def mask_names(self) -> list[str]:
        """Names of the masks."""
        return [_MASK] if self._masked else self._own.mask_names

    @property
    def default_mask(self) -> str:
        """Name of the default mask; "" when there is none."""
        return _MASK if self._masked else self._own.default_mask

    def read_mask(self, name: str, first: list[int], last: list[int], step: list[int]) -> np.ndarray:
        """A block of a mask."""
        if self._masked and name == _MASK:
            return self._block(first, last, step, 1)
        return self._own.read_mask(name, first, last, step)

    def set_default_mask(self, name: str) -> None:
        """Choose the mask in force."""
        self.become_whole()
        self._own.set_default_mask(name)

    def write_mask(self, name: str, first: list[int], last: list[int], step: list[int], values: np.ndarray) -> None:
        """Put a block of a mask."""
        self.become_whole()
        self._own.write_mask(name, first, last, step, values)

    def add_mask(self, name: str, fill: bool | None = True) -> None:
        """Make a mask."""
        self.become_whole()
        self._own.add_mask(name, fill)

    def remove_mask(self, name: str) -> None:
        """Remove a mask."""
        self.become_whole()
        self._own.remove_mask(name)

    def rename_mask(self, name: str, new_name: str) -> None:
        """Give a mask another name."""
        self.become_whole()
        self._own.rename_mask(name, new_name)

    def _keep_masks(self) -> None:
        if not self._masked:
            return
        if not self._own.writable:
            self._own.close()
            self._own = TableImage.open(self.path, True)
            self._own.shape = self.shape
        self._own.add_mask(_MASK, None)
        for block in iter_blocks(self.shape, self.tile_shape, 4, BLOCK_BYTES):
            first, last = [s.start for s in block], [s.stop - 1 for s in block]
            self._own.write_mask(_MASK, first, last, [1] * len(first), self._block(first, last, [1] * len(first), 1))
        self._own.set_default_mask(_MASK)
