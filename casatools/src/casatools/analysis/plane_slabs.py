"""Planes of images asked for and written one after another, while whole tiles are read and written."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from types import TracebackType

import numpy as np

from casatools._base.buffers import empty_array
from casatools._base.memory import chunk_bytes
from casatools.analysis.selected_pixels import SelectedPixels
from casatools.io.image import CasaImage

__all__ = ["SlabReader", "SlabWriter"]


def _slab(block: Sequence[slice], shape: Sequence[int], tile: Sequence[int], first: Sequence[int], itemsize: int) -> list[slice]:
    """A block made wider along the axes where it has one pixel: to whole tiles along the slowest, to all along the others.

    Blocks that follow each other in C order then fill one slab after another. Unchanged where a slab is too much at once.
    """
    found = list(block)
    single = [k for k, (s, n) in enumerate(zip(block, shape, strict=True)) if s.stop - s.start == 1 and n > 1]
    for k in single:
        n, t, f = shape[k], tile[k], first[k]
        begin = (block[k].start + f) // t * t - f
        found[k] = slice(0, n) if k != single[0] else slice(max(begin, 0), min(begin + t, n))
    size = itemsize * math.prod(s.stop - s.start for s in found)
    return found if size <= chunk_bytes() else list(block)


class SlabReader:
    """Reads like the selected pixels, and keeps the tiles around a block for the next one."""

    def __init__(self, chosen: SelectedPixels) -> None:
        self.chosen = chosen
        self._held: tuple[list[slice], np.ndarray, np.ndarray | None] | None = None
        self._lock = threading.Lock()

    def read(self, block: Sequence[slice]) -> tuple[np.ndarray, np.ndarray | None]:
        """Pixels and mask of a block of the bounding box, not to be changed."""
        image, pixels = self.chosen.image, self.chosen.pixels
        with self._lock:
            held = self._held
            if held is None or any(s.start < h.start or s.stop > h.stop for s, h in zip(block, held[0], strict=True)):
                tile = (1,) * image.ndim if image.is_fits else image.tile_shape
                slab = _slab(block, pixels.box_shape, tile, pixels.first, image.dtype.itemsize)
                self._held = None  # its memory serves the next
                held = self._held = (slab, *self.chosen.read(slab))
        inside = tuple(slice(s.start - h.start, s.stop - h.start) for s, h in zip(block, held[0], strict=True))
        values, good = held[1][inside], None if held[2] is None else held[2][inside]
        return values, None if good is None or good.all() else good


class SlabWriter:
    """Writes planes that come in the order of their places, tiles at a time; a context."""

    def __init__(self, output: CasaImage, masked: bool) -> None:
        self.output, self.masked = output, masked
        self._slab: list[slice] | None = None
        self._values = self._good = np.empty(0)
        self._done = 0

    def __enter__(self) -> SlabWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self.flush()

    def write(self, values: np.ndarray, good: np.ndarray | bool, block: Sequence[slice]) -> None:
        """Put the pixels and the mask of a block that has one pixel along some axes, and all along the others."""
        output = self.output
        slab = _slab(block, output.shape, output.tile_shape, [0] * output.ndim, output.dtype.itemsize)
        if slab != self._slab:
            self.flush()
            self._slab, extent = slab, tuple(s.stop - s.start for s in slab)
            self._values = empty_array(extent, output.dtype)
            self._good = empty_array(extent, bool) if self.masked else self._good
        inside = tuple(slice(s.start - h.start, s.stop - h.start) for s, h in zip(block, slab, strict=True))
        self._values[inside] = values
        if self.masked:
            self._good[inside] = good
        self._done += math.prod(s.stop - s.start for s in block)
        if self._done == self._values.size:
            self.flush()

    def flush(self) -> None:
        """Write what is held."""
        if self._slab is None:
            return
        if self._done < self._values.size:
            raise AssertionError("planes are written all, in the order of their places")
        self.output.write(self._values, tuple(self._slab))
        if self.masked:
            self.output.write_mask(self._good, tuple(self._slab))
        self._slab, self._done = None, 0
