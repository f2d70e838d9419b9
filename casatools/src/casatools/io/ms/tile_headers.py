"""Headers of tiled columns: in which file, and where in it, the cell of each row lies.

Notes
-----
A TiledShapeStMan keeps the cells of each shape in a hypercube of its own, whose last axis is the place of the cell, and the tiles of a hypercube one
after another in a file ``table.fN_TSMk``. The header ``table.fN`` (an AipsIO stream, big-endian) lists files and hypercubes, and by intervals of rows the
hypercube and the place of each row; a TiledColumnStMan has one hypercube, in the order of the rows (casacore note 222; the layout of the files
themselves). What looks otherwise is left to casacore.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from casatools._base.row_arrays import row_blocks
from casatools.io.ms.cell_runs import CellRuns
from casatools.io.object_stream import ObjectStream

__all__ = ["Cube", "TileHeader", "read_tile_header"]

_MAGIC = b"\xbe\xbe\xbe\xbe"
# Behind this a file's length does not fit the first version of its description.
_LONG = 1 << 31


@dataclass(frozen=True)
class Cube:
    """A hypercube: `shape` and `tile` with the fastest axis first, the number of its file, and its offset in it."""

    shape: tuple[int, ...]
    tile: tuple[int, ...]
    file: int
    offset: int
    # Where the header holds its last axis.
    place: int = field(repr=False, default=0)


@dataclass(frozen=True)
class TileHeader:
    """A header taken apart.

    Attributes
    ----------
    cubes : tuple of Cube
        Without those that hold nothing, by number in `numbers`.
    last, cube, position : ndarray (interval,) int64
        Last row of each interval, its cube, and the place of the last row in it.
    """

    content: bytes
    numbers: tuple[int, ...]
    cubes: tuple[Cube, ...]
    last: np.ndarray
    cube: np.ndarray
    position: np.ndarray
    # Where the lengths of files are described (file number to place), and where the intervals begin.
    lengths: Mapping[int, int] = field(repr=False, default_factory=dict)
    tail: int = field(repr=False, default=0)

    def places(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
        """Cube (an index of `cubes`) and place of rows: two ndarray (row,) int64; None where a row has no cell."""
        only = self._only(rows)
        if only is not None:
            return np.full(len(rows), only, dtype=np.int64), rows + (int(self.position[0]) - int(self.last[0]))
        interval = np.searchsorted(self.last, rows)
        if len(rows) and (interval.max(initial=0) >= len(self.last)):
            return None
        index = {number: k for k, number in enumerate(self.numbers)}
        known = np.array([index.get(int(c), -1) for c in self.cube], dtype=np.int64)
        cube = known[interval]
        if np.any(cube < 0):
            return None
        return cube, self.position[interval] - (self.last[interval] - rows)

    def _only(self, rows: np.ndarray) -> int | None:
        """The cube that rows have their cells in, where the whole column is one interval of one cube."""
        whole = len(self.last) == 1 and len(rows) and rows.max() <= self.last[0] and int(self.cube[0]) in self.numbers
        return self.numbers.index(int(self.cube[0])) if whole else None

    def cubes_of(self, rows: np.ndarray) -> set[int] | None:
        """The cubes (indices of `cubes`) that rows have their cells in; None where a row has none."""
        only = self._only(rows)
        if only is not None:
            return {only}
        found: set[int] = set()
        for block in row_blocks(len(rows)):
            places = self.places(rows[block])
            if places is None:
                return None
            found.update(np.flatnonzero(np.bincount(places[0])).tolist())
        return found

    def runs(self, nrow: int, ordered: bool = True) -> CellRuns | None:
        """The cubes (indices of `cubes`) of all rows of a table; None where a row has no cell, or the cells of a cube are not `ordered` as the rows are."""
        index = {number: k for k, number in enumerate(self.numbers)}
        if not nrow:
            return CellRuns.of_lengths([], [])
        if not len(self.last) or int(self.last[-1]) != nrow - 1 or any(int(c) not in index for c in self.cube):
            return None
        lengths = np.diff(self.last, prepend=-1)
        ends = CellRuns(np.asarray(self.last, np.int64), np.array([index[int(c)] for c in self.cube], np.int64))
        if np.any(lengths <= 0) or (ordered and not np.array_equal(ends.places(), self.position)):
            return None
        return CellRuns.of_lengths(ends.kind, lengths)

    def laid_out(self, counts: Sequence[int], file_bytes: Mapping[int, int], runs: CellRuns) -> bytes:
        """The header of the same column with all rows in place.

        Parameters
        ----------
        counts : sequence of int
            Cells of each cube.
        file_bytes : mapping
            Length of each file.
        runs : CellRuns
            Cubes (indices of `cubes`) of all rows; places go up by one within a cube.
        """
        content = bytearray(self.content[: self.tail])
        for cube, count in zip(self.cubes, counts, strict=True):
            content[cube.place : cube.place + 4] = struct.pack(">i", count)
        grown = 0
        for number, at in sorted(self.lengths.items()):
            length = file_bytes[number]
            if length < _LONG:
                content[at + grown : at + grown + 12] = struct.pack(">III", 1, number, length)
            else:
                content[at + grown : at + grown + 12] = struct.pack(">IIq", 2, number, length)
                grown += 4
        numbers = np.asarray(self.numbers)[runs.kind]
        content += struct.pack(">I", len(numbers))
        for block in (runs.last, numbers, runs.places()):
            content += struct.pack(">II5sII", 25 - 4 + 4 * len(numbers), 5, b"Block", 1, len(numbers))
            content += np.asarray(block).astype(">u4").tobytes()
        # Lengths of the two nested objects; the outer one reaches to the end.
        inner = ObjectStream(content, 4)
        inner.begin("TiledShapeStMan")
        at = inner.at
        content[4:8] = struct.pack(">I", len(content) - 4)
        content[at : at + 4] = struct.pack(">I", struct.unpack_from(">I", content, at)[0] + grown)
        return bytes(content)


def read_tile_header(content: bytes, kind: str) -> TileHeader | None:
    """Take the header of a TiledShapeStMan or a TiledColumnStMan (`kind`) apart; None where it is of another form."""
    try:
        return _parsed(content, kind)
    except (ValueError, struct.error):
        return None


def _parsed(content: bytes, kind: str) -> TileHeader:
    if not content.startswith(_MAGIC):
        raise ValueError(kind)
    r = ObjectStream(content, 4)
    version = r.begin(kind)
    if kind == "TiledColumnStMan":
        r.position()
    begin = r.at
    length = struct.unpack_from(">I", content, begin)[0]
    if version != 1 or r.begin("TiledStMan") != 2 or r.take("?"):
        raise ValueError(kind)  # other versions, or big-endian tiles
    r.take()
    nrow = r.take()
    for _ in range(r.take()):
        r.take()
    r.text()
    r.take()
    r.take()
    lengths: dict[int, int] = {}
    for _ in range(r.take()):
        if r.take("?"):
            at, form = r.at, r.take()
            lengths[r.take()] = at
            r.take("I" if form == 1 else "q")
    cubes: list[Cube] = []
    numbers: list[int] = []
    for number in range(r.take()):
        form = r.take()
        r.skip("Record")
        r.take("?")
        r.take()
        shape, place = r.position(), r.at
        place -= 4
        tile = r.position()
        file = r.take("i")
        offset = r.take("I" if form == 1 else "q")
        if file >= 0 and shape:
            numbers.append(number)
            cubes.append(Cube(shape, tile, file, offset, place))
    if r.at != begin + length:
        raise ValueError(kind)
    if kind == "TiledColumnStMan":
        rows = np.array([nrow - 1]) if nrow else np.zeros(0, np.int64)
        return TileHeader(content, tuple(numbers), tuple(cubes), rows, np.array(numbers[:1]), rows, lengths, r.at)
    r.position()
    tail = r.at
    used = r.take()
    last, cube, position = (r.block()[:used] for _ in range(3))
    if r.at != len(content) or not len(last) == len(cube) == len(position) == used:
        raise ValueError(kind)
    return TileHeader(content, tuple(numbers), tuple(cubes), last, cube, position, lengths, tail)
