"""Tiles of a paged array read and written straight in the file that holds them: about three times the speed of going through the table system.

Notes
-----
A TiledCellStMan with one cell keeps its tiles, each of the same size, in one file ``table.fN_TSM0`` in the order of their places, x fastest (casacore
note 222 and the layout of the files themselves). Truth values take one bit, the lowest first. Whatever does not look like that is left to casacore.
"""

from __future__ import annotations

import functools
import itertools
import math
import mmap
import os
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

import numpy as np

from casatools._base.buffers import empty_array
from casatools._base.errors import DataError
from casatools.io.image.plain_file import PIECE_BYTES, reserve_file

__all__ = ["TileFile", "UndefinedMarks", "grow_cell"]

_Span = tuple[int, int]


class TileFile:
    """The tiles of one array; axes in internal (C) order. Reading and writing of different tiles may happen in several threads."""

    def __init__(self, path: str, shape: Sequence[int], tile: Sequence[int], dtype: np.dtype, writable: bool) -> None:
        self.path = path
        self.shape, self.tile = tuple(shape), tuple(tile)
        self.dtype = dtype
        self.bits = dtype.kind == "b"
        self.pixels = math.prod(self.tile)
        self.tile_bytes = -(-self.pixels // 8) if self.bits else self.pixels * dtype.itemsize
        self.grid = tuple(-(-n // t) for n, t in zip(self.shape, self.tile, strict=True))
        # Axes (tile, *pixel of a tile) as those of an array whose x is split into tiles and pixels, and back.
        inner = len(self.tile) - 1
        self._into_array, self._into_tiles = (*range(1, inner + 1), 0, inner + 1), (inner, *range(inner), inner + 1)
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._file = os.open(path, os.O_RDWR if writable else os.O_RDONLY)
        self._may_map = not writable and not self.bits and _on_local_disk(os.fstat(self._file).st_dev)
        self._map: mmap.mmap | None = None

    @classmethod
    def of_table(cls, table: Any, column: str, shape: Sequence[int], dtype: np.dtype, writable: bool) -> TileFile | None:
        """The tiles behind a column of one cell; None where they are stored in another way."""
        info = table.getdminfo(column)
        cubes = info.get("SPEC", {}).get("HYPERCUBES", {})
        if info.get("TYPE") != "TiledCellStMan" or len(cubes) != 1 or table.nrows() != 1:
            return None
        cube = next(iter(cubes.values()))
        tile = tuple(int(n) for n in cube.get("TileShape", ()))[::-1]
        path = os.path.join(table.name(), f"table.f{info.get('SEQNR')}_TSM0")
        if (
            len(tile) != len(shape)
            or [int(n) for n in cube.get("CubeShape", ())][::-1] != list(shape)
            or not os.path.isfile(path)
        ):
            return None
        order: Literal["<", ">"] = "<" if table.endianformat() == "little" else ">"
        made = cls(path, shape, tile, dtype.newbyteorder(order) if dtype.itemsize > 1 else dtype, writable)
        if int(cube.get("BucketSize", 0)) == made.tile_bytes and os.path.getsize(path) == math.prod(made.grid) * made.tile_bytes:
            return made
        made.close()
        return None

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
            self._map = None  # goes with the last array that looks into it

    def read(
        self, first: Sequence[int], last: Sequence[int], dtype: np.dtype | None = None, mask: TileFile | None = None
    ) -> np.ndarray:
        """Pixels from one corner to another, both included.

        With `dtype` in another byte order they are turned while they are put in their places, and with a `mask` in tiles of the same shape those that it
        leaves out are NaN.
        """
        shape = tuple(b - a + 1 for a, b in zip(first, last, strict=True))
        out = empty_array(shape, self.dtype.newbyteorder("=") if dtype is None else dtype)
        for run in self._runs(first, last):
            held = self._fetch(run)
            if mask is not None:
                beside = _Run(mask, run.outer, run.along, first, last)
                good = mask._fetch(beside)
                if len(self.tile) > 1:  # bits are fetched by whole tiles where parts do not begin with a byte
                    good = good[:, run.begin - beside.begin :][:, : run.extent[1]]
                _blank(held, good)
            for index, tiles, there in run.pieces(first, last):
                # axes: tiles along x in the run, then those of a tile; in the array, x splits into tiles and pixels of a tile
                part = held[tiles][(slice(None), *index)]
                target = out[there]
                split = target.reshape(*target.shape[:-1], len(part), part.shape[-1])
                split[...] = part.transpose(self._into_array)
        return out

    def write(self, first: Sequence[int], last: Sequence[int], values: np.ndarray) -> None:
        """Put pixels from one corner to another, both included."""
        for run in self._runs(first, last):
            if run.whole:
                held = np.zeros(run.extent, self.dtype) if run.padded else self._scratch(run.extent)
                self._fill(run, held, first, last, values)
                self._store(run, held)
            else:
                with self._lock:
                    held = self._fetch(run)
                    self._fill(run, held, first, last, values)
                    self._store(run, held)

    def write_marking(
        self, first: Sequence[int], last: Sequence[int], values: np.ndarray, marks: UndefinedMarks, zero: bool
    ) -> None:
        """Put pixels of whole tiles and mark which are NaN; with `zero` these become 0."""
        for run in self._runs(first, last):
            assert run.whole  # the caller goes by whole tiles
            held = np.zeros(run.extent, self.dtype) if run.padded else self._scratch(run.extent)
            self._fill(run, held, first, last, values)
            bad = np.isnan(held)
            if not bad.any():
                bad = None
            elif zero:
                _blank(held, np.logical_not(bad), zero=True)
            self._store(run, held)
            marks.put(run.outer, run.along, first, last, bad)

    @property
    def count(self) -> int:
        """Tiles in the file."""
        return math.prod(self.grid)

    def read_tiles(self, first: int, stop: int) -> np.ndarray:
        """Tiles in the order of the file, ``(tile, *tile shape)``; what lies beyond the edges of the array is undefined."""
        held = empty_array((stop - first, *self.tile), self.dtype)
        self._move(memoryview(held.reshape(-1).view(np.uint8)), first * self.tile_bytes, os.preadv)  # type: ignore[arg-type]
        return held

    def mapped_tiles(self, first: int, stop: int) -> np.ndarray | None:
        """What `read_tiles` gives, seen in the system's cache of the file without a copy, not to be written to; None where that may not be.

        Notes
        -----
        An error of a disk that is mapped ends the process where one of a file that is read can be told, so only disks of this machine are mapped.
        """
        if not self._may_map:
            return None
        if os.fstat(self._file).st_size < stop * self.tile_bytes:
            raise DataError(f"pixels in {self.path!r} cannot be read: the file has become shorter")
        with self._lock:
            if self._map is None:
                self._map = mmap.mmap(self._file, 0, prot=mmap.PROT_READ)
        flat = np.frombuffer(self._map, self.dtype, (stop - first) * self.pixels, first * self.tile_bytes)
        return flat.reshape(stop - first, *self.tile)

    def release_tiles(self, first: int, stop: int) -> None:
        """Take tiles that were mapped out of the memory that counts as this process's."""
        if self._map is not None:
            begin = first * self.tile_bytes // mmap.PAGESIZE * mmap.PAGESIZE
            self._map.madvise(mmap.MADV_DONTNEED, begin, stop * self.tile_bytes - begin)

    def write_tiles(self, first: int, values: np.ndarray) -> None:
        """Put tiles in the order of the file, ``(tile, *tile shape)``."""
        held = np.ascontiguousarray(values, dtype=self.dtype)
        with self._writing:
            self._move(memoryview(held.reshape(-1).view(np.uint8)), first * self.tile_bytes, os.pwritev)  # type: ignore[arg-type]

    def read_stored(self, first: int, stop: int) -> np.ndarray:
        """What the file holds of tiles in its order, a row of bytes for each: of truth values eight to a byte."""
        held = empty_array((stop - first, self.tile_bytes), np.uint8)
        self._move(memoryview(held.reshape(-1)), first * self.tile_bytes, os.preadv)  # type: ignore[arg-type]
        return held

    def read_truths(self, first: int, stop: int) -> np.ndarray:
        """What `read_tiles` gives, of truth values."""
        return self._truths(self.read_stored(first, stop), (stop - first, *self.tile))

    @staticmethod
    def _truths(packed: np.ndarray, extent: tuple[int, ...]) -> np.ndarray:
        """Truth values of rows of bytes, eight of each, the lowest bit first."""
        count = math.prod(extent[1:])
        return np.unpackbits(packed, axis=1, count=count, bitorder="little").view(bool).reshape(extent)

    def write_stored(self, first: int, held: np.ndarray) -> None:
        """Put what `read_stored` gives."""
        with self._writing:
            self._move(memoryview(np.ascontiguousarray(held).reshape(-1)), first * self.tile_bytes, os.pwritev)  # type: ignore[arg-type]

    def _fill(self, run: _Run, held: np.ndarray, first: Sequence[int], last: Sequence[int], values: np.ndarray) -> None:
        for index, tiles, there in run.pieces(first, last):
            target = held[tiles][(slice(None), *index)]
            source = values[there]
            split = source.reshape(*source.shape[:-1], len(target), target.shape[-1])
            target[...] = split.transpose(self._into_tiles)

    def _scratch(self, extent: tuple[int, ...]) -> np.ndarray:
        return empty_array(extent, self.dtype)

    def _runs(self, first: Sequence[int], last: Sequence[int]) -> Iterator[_Run]:
        """The rows of tiles along x that a block touches."""
        ranges = [range(a // t, b // t + 1) for a, b, t in zip(first, last, self.tile, strict=True)]
        for place in np.ndindex(*(len(r) for r in ranges[:-1])):
            yield _Run(self, [r[k] for r, k in zip(ranges[:-1], place, strict=True)], ranges[-1], first, last)

    def _fetch(self, run: _Run) -> np.ndarray:
        """The stored part of a run: ``(tiles along x, *tile)``, along the first axis of the tile only what is wanted."""
        if self.bits:
            packed = np.empty(run.count * run.part_bytes, np.uint8)
            self._transfer(run, packed, os.preadv)
            return self._truths(packed.reshape(run.count, run.part_bytes), run.extent)
        held = self._scratch(run.extent)
        self._transfer(run, held, os.preadv)
        return held

    def _store(self, run: _Run, held: np.ndarray) -> None:
        if self.bits:
            held = np.packbits(held.reshape(run.count, -1), axis=1, bitorder="little")
        with self._writing:  # the system lets one thread at a time write to a file, and lets others spin
            self._transfer(run, held, os.pwritev)

    def _transfer(self, run: _Run, buffer: np.ndarray, move: Any) -> None:
        """Read or write the parts of a run; whole tiles in one go."""
        size, flat = run.part_bytes, memoryview(buffer.reshape(-1).view(np.uint8))  # type: ignore[arg-type]
        each = run.count if size == self.tile_bytes else 1
        for k in range(0, run.count, each):
            self._move(flat[k * size : (k + each) * size], (run.number + k) * self.tile_bytes + run.offset, move)

    def _move(self, part: memoryview, place: int, move: Any) -> None:
        """Read or write bytes from a place of the file on."""
        while len(part):
            try:
                moved = move(self._file, [part[:PIECE_BYTES] if move is os.pwritev else part], place)
            except OSError as error:
                raise DataError(f"pixels in {self.path!r} cannot be read or written: {error.strerror or error}") from error
            if not moved:
                raise DataError(f"pixels in {self.path!r} cannot be read: the file has become shorter")
            part, place = part[moved:], place + moved


class UndefinedMarks:
    """Writes the mask of pixels that are not NaN beside these; it is made when the first that is NaN is found.

    Parameters
    ----------
    make : callable
        Makes a mask of which all is going to be written, and gives its tiles, which have the shape of those of the pixels; called once at most.
    """

    def __init__(self, make: Callable[[], TileFile]) -> None:
        self._make = make
        self._file: TileFile | None = None
        self._lock = threading.Lock()
        self._before: list[tuple[Sequence[int], range, Sequence[int], Sequence[int]]] = []

    def put(self, outer: Sequence[int], along: range, first: Sequence[int], last: Sequence[int], bad: np.ndarray | None) -> None:
        """Mark neighbouring tiles along x; `bad` is None where all their pixels are numbers."""
        with self._lock:
            if self._file is None and bad is None:
                self._before.append((tuple(outer), along, tuple(first), tuple(last)))
                return
            if self._file is None:
                self._file = self._make()
        run = _Run(self._file, outer, along, first, last)
        good = np.ones(run.extent, bool)
        if bad is not None:  # bits go by whole tiles where parts do not begin with a byte
            np.logical_not(bad, out=good[:, : bad.shape[1]] if bad.ndim > 1 else good)
        self._file._store(run, good)

    def finish(self) -> None:
        """Mark what came before the mask was made."""
        if self._file is not None:
            for place in self._before:
                self.put(*place, None)
        self._before = []


def _blank(pixels: np.ndarray, good: np.ndarray, zero: bool = False) -> None:
    """Make pixels that are not good NaN (all bits set, as FITS has it) or 0, by their bits: a choice at each scattered one takes several times as long."""
    if pixels.dtype.kind not in "fc" or pixels.itemsize > 8:
        np.copyto(pixels, 0 if zero else np.nan, where=np.logical_not(good))
        return
    bits = pixels.view(np.dtype(f"i{pixels.itemsize}"))
    if zero:
        np.multiply(bits, good, out=bits)
    else:
        np.bitwise_or(bits, good.view(np.int8) - np.int8(1), out=bits)


_LOCAL_SYSTEMS = frozenset({"ext3", "ext4", "xfs", "tmpfs"})


@functools.lru_cache(maxsize=16)
def _on_local_disk(device: int) -> bool:
    """True for the number of a device that holds a file system of this machine."""
    number = f"{os.major(device)}:{os.minor(device)}"
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as mounts:
            lines = [line.split() for line in mounts]
    except OSError:
        return False
    return any(words[2] == number and words[words.index("-") + 1] in _LOCAL_SYSTEMS for words in lines if "-" in words)


class _Run:
    """Neighbouring tiles along x, and which part of them a block wants."""

    def __init__(self, file: TileFile, outer: Sequence[int], along: range, first: Sequence[int], last: Sequence[int]) -> None:
        tile, shape = file.tile, file.shape
        self.outer, self.along, self.count, self.tile = list(outer), along, len(along), tile
        self.number = int(np.ravel_multi_index([*outer, along[0]], file.grid))
        # What the block wants of the tiles along each axis but x, and whether that is all that the array has of it.
        self.spans: list[_Span] = []
        self.whole, self.padded = True, False
        for t, n, k, a, b in zip(tile[:-1], shape[:-1], outer, first[:-1], last[:-1], strict=True):
            low, high = max(a - k * t, 0), min(b - k * t + 1, t)
            there = min(t, n - k * t)
            if len(self.spans):
                self.whole &= low == 0 and high == there
                self.padded |= there < t
            self.spans.append((low, high))
        ends = along[0] * tile[-1], min((along[-1] + 1) * tile[-1], shape[-1])
        self.whole &= first[-1] <= ends[0] and last[-1] + 1 >= ends[1]
        self.padded |= (along[-1] + 1) * tile[-1] > shape[-1]
        # Along the first axis the parts of a tile lie one after another.
        inner = math.prod(tile[1:])
        begin, end = (0, tile[0]) if len(tile) == 1 else self.spans[0]
        if file.bits and inner % 8:
            covered = begin == 0 and end == min(tile[0], shape[0] - outer[0] * tile[0]) if len(tile) > 1 else True
            self.whole, self.padded = self.whole and covered, True
            begin, end = 0, tile[0]
        self.begin = begin
        self.extent = (self.count, end - begin, *tile[1:])
        scale = 1.0 / 8 if file.bits else file.dtype.itemsize
        self.offset = int(begin * inner * scale)
        self.part_bytes = file.tile_bytes if (begin, end) == (0, tile[0]) else int((end - begin) * inner * scale)

    def pieces(self, first: Sequence[int], last: Sequence[int]) -> Iterator[tuple[tuple[slice, ...], slice, tuple[slice, ...]]]:
        """Parts of equal length along x: slices in each tile, which tiles, and slices in the block."""
        t = self.tile[-1]
        index = [slice(a, b) for a, b in self.spans]
        if index:
            index[0] = slice(index[0].start - self.begin, index[0].stop - self.begin)
        there = [
            slice(k * n + a - f, k * n + b - f) for k, n, (a, b), f in zip(self.outer, self.tile, self.spans, first, strict=False)
        ]
        start, stop = first[-1], last[-1] + 1
        edges = [start, min(-(-start // t) * t, stop), max(stop // t * t, start), stop]
        if edges[2] < edges[1]:  # all within one tile
            edges = [start, stop]
        for a, b in itertools.pairwise(edges):
            if b > a:
                k0, k1 = a // t - self.along[0], (b - 1) // t + 1 - self.along[0]
                width = (b - a) // (k1 - k0)
                inside = slice(a % t, a % t + width)
                yield (*index, inside), slice(k0, k1), (*there, slice(a - first[-1], b - first[-1]))


def grow_cell(table: str, tile: Sequence[int], shape: Sequence[int], nbytes: int) -> bool:
    """Give the one cell of a new table, which is one tile, another shape; False (and nothing done) where its storage looks otherwise.

    Parameters
    ----------
    table : str
        A closed table with a TiledCellStMan alone, made with a cell of one tile.
    tile, shape : sequence of int
        Internal order.
    nbytes : int
        Size of the file of tiles, below 2 GiB.

    Notes
    -----
    The header ``table.f0`` (an AipsIO stream, big-endian) holds the length of the file of tiles, and behind it the shape of the cell and that of a tile.
    """
    header, pixels = os.path.join(table, "table.f0"), os.path.join(table, "table.f0_TSM0")

    def position(lengths: Sequence[int]) -> bytes:
        return struct.pack(f">I{len(lengths)}i", len(lengths), *reversed(lengths))

    with open(header, "rb") as stream:
        content = stream.read()
    old = position(tile)
    # version 1 of a file's description: its number (0) and its length
    length = struct.pack(">III", 1, 0, os.path.getsize(pixels))
    at = [content.find(old, k) for k in range(len(content)) if content.startswith(old, k)]
    if len(at) != 3 or content.count(length) != 1 or not content.startswith(b"\xbe\xbe\xbe\xbe"):
        return False
    content = content[: at[1]] + position(shape) + content[at[1] + len(old) :]
    content = content.replace(length, struct.pack(">III", 1, 0, nbytes))
    with open(header, "wb") as changed:
        changed.write(content)
    with open(pixels, "r+b") as tiles:
        reserve_file(tiles.fileno(), nbytes)
    return True
