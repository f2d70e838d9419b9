"""Where the planes of an image are kept: in memory, or in files without a name that the system brings in and out plane by plane.

Cubes grow beyond any memory. Everything in this package that goes over planes takes one at a time, so the arrays may as well be mapped
files: they look like any other array, their pages are given back to the system when a part of the channels is done (`PlaneStore.let_go`), and
the files are gone with the process however it ends.
"""

from __future__ import annotations

import mmap
import weakref
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import numpy as np

from casatools._base.memory import memory_budget_bytes
from casatools._base.row_arrays import map_file

__all__ = ["PlaneStore"]

Item = TypeVar("Item")


# Arrays of at least so many bytes are mapped by themselves.
_LARGE = 4 << 20


def _mapped_memory(shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray:
    """Zeros that take no memory until they are touched and leave none behind; the allocator's, once others were freed there, do both."""
    nbytes = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    if nbytes < _LARGE:
        return np.zeros(shape, dtype)
    mapping = mmap.mmap(-1, nbytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        mapping.madvise(mmap.MADV_HUGEPAGE)
    return np.frombuffer(mapping, dtype).reshape(shape)


class PlaneStore:
    """Makes the arrays of one run.

    Parameters
    ----------
    folder : str, optional
        Where files may lie; without it everything is in memory.
    nbytes : float
        What all arrays of the run take together: they are mapped when that is more than half of the memory to plan with.
    """

    def __init__(self, folder: str | None = None, nbytes: float = 0.0) -> None:
        self.folder = folder if nbytes > memory_budget_bytes() // 2 else None
        self._maps: list[weakref.ref[mmap.mmap]] = []

    @property
    def is_mapped(self) -> bool:
        """Whether arrays are files."""
        return self.folder is not None

    def full(self, shape: tuple[int, ...], dtype: Any, value: float | bool = 0) -> np.ndarray:
        """An array of one value.

        Raises
        ------
        DataError
            The disk has no room for it.
        """
        if self.folder is None:
            array = _mapped_memory(shape, np.dtype(dtype))
            if value:
                array[...] = value
            return array
        array = self._mapped(shape, np.dtype(dtype))
        if value:
            for plane in array:
                plane[...] = value
        return array

    def zeros(self, shape: tuple[int, ...], dtype: Any = np.float32) -> np.ndarray:
        """An array of zeros."""
        return self.full(shape, dtype)

    def copy(self, array: np.ndarray) -> np.ndarray:
        """A copy of an array, kept as this store keeps arrays."""
        if self.folder is None:
            return array.copy()
        made = self._mapped(array.shape, array.dtype)
        for target, plane in zip(made, array, strict=True):
            target[...] = plane
        return made

    def _mapped(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray:
        nbytes = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        if nbytes == 0:
            return np.zeros(shape, dtype)
        mapping = map_file(self.folder, nbytes, "the planes of the images that are being made need")
        self._maps.append(weakref.ref(mapping))
        return np.frombuffer(mapping, dtype).reshape(shape)

    def each(self, items: Iterable[Item]) -> Iterator[Item]:
        """The items of a loop over planes; the pages of one are let go of before the next."""
        for item in items:
            yield item
            self.let_go()

    def let_go(self) -> None:
        """Give the pages that this process holds back to the system; nothing is lost, they come back when they are touched."""
        for reference in self._maps:
            mapping = reference()
            if mapping is not None:
                mapping.madvise(mmap.MADV_DONTNEED)
