"""Blocks of visibilities put together as they are read: fewer Fourier transforms, and each sample is in memory once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from casatools._base.buffers import drop_idle
from casatools.imaging.visibilities import VisibilityBlock

__all__ = ["Joining", "joined_blocks"]


class _Gathering:
    """One block to come, with room for some rows."""

    def __init__(self, npol: int, rows: int, nchan: int, by_channel: bool) -> None:
        def room(shape: tuple[int, ...], dtype: type) -> np.ndarray:
            if by_channel:
                return np.empty((*shape[:-2], shape[-1], shape[-2]), dtype).swapaxes(-1, -2)
            return np.empty(shape, dtype)

        self.capacity, self.count = rows, 0
        self.vis, self.weight = room((npol, rows, nchan), np.complex64), room((rows, nchan), np.float32)
        self.uvw_m, self.rows = np.empty((rows, 3)), np.empty(rows, dtype=np.int64)
        self.cross = np.ones(rows, dtype=bool)
        self.first: VisibilityBlock | None = None
        self.group: np.ndarray | None = None
        self.fields: np.ndarray | None = None

    def add(self, block: VisibilityBlock) -> None:
        if self.first is None:
            self.first = replace(block, vis=np.zeros(0), weight=np.zeros(0))  # holds none of it
            self.group = None if block.group is None else np.empty(self.capacity, block.group.dtype)
            self.fields = None if block.fields is None else np.empty(self.capacity, block.fields.dtype)
        to = slice(self.count, self.count + len(block.uvw_m))
        if block.weight.base is not self.weight:  # else they were made here
            self.vis[:, to], self.weight[to] = block.vis, block.weight
        self.uvw_m[to], self.rows[to] = block.uvw_m, block.rows
        if block.cross is not None:
            self.cross[to] = block.cross
        for target, given in ((self.group, block.group), (self.fields, block.fields)):
            if target is not None and given is not None:
                target[to] = given
        self.count = to.stop

    def block(self) -> VisibilityBlock:
        """What was added; rows of each primary beam behind each other, so that they are taken without copies in each cycle."""
        assert self.first is not None
        have = slice(0, self.count)
        cross, group, fields = self.cross[have], self.group, self.fields
        made = VisibilityBlock(
            self.uvw_m[have], self.first.freq_hz, self.vis[:, have], self.weight[have], self.first.source, self.rows[have], self.first.ddid,
            None if cross.all() else cross, None if group is None else group[have], None if fields is None else fields[have],
        )  # fmt: skip
        return _ordered(made)


class Joining:
    """Joins blocks of one data description up to a size.

    Parameters
    ----------
    rows : mapping of int to int
        Rows that will come of each data description.
    limit : float
        Bytes of a joined block, unless a block alone has more.
    by_channel : bool
        In memory channel after channel, which is how cubes are gridded.
    """

    def __init__(self, rows: Mapping[int, int], limit: float, by_channel: bool) -> None:
        self._left, self._limit, self._by_channel = dict(rows), limit, by_channel
        self._waiting: dict[int, _Gathering] = {}
        self._full: list[_Gathering] = []

    def room(self, ddid: int, npol: int, nrow: int, nchan: int) -> tuple[np.ndarray, np.ndarray, int]:
        """Where the next rows of a data description go: visibilities (pol, row, chan) and weights (row, chan) to fill from a row on.

        A block whose arrays were filled here is not copied.
        """
        here = self._waiting.get(ddid)
        if here is not None and here.count + nrow > here.capacity:
            self._full.append(self._waiting.pop(ddid))
            here = None
        if here is None:
            fitting = int(self._limit / (nchan * (8 * npol + 4) + 24))
            here = _Gathering(npol, max(nrow, min(fitting, self._left[ddid])), nchan, self._by_channel)
            self._waiting[ddid] = here
        return here.vis, here.weight, here.count

    def joined(self, blocks: Iterator[VisibilityBlock]) -> Iterator[VisibilityBlock]:
        """Blocks of one source put together.

        Yields
        ------
        VisibilityBlock
        """
        block: VisibilityBlock | None = None
        for block in blocks:
            count = len(block.uvw_m)
            self.room(block.ddid, len(block.vis), count, block.weight.shape[1])
            while self._full:
                yield self._full.pop(0).block()
            self._waiting[block.ddid].add(block)
            self._left[block.ddid] -= count
        # Nothing here may hold what was joined while the joined block is used.
        del block
        drop_idle()
        while self._waiting:
            yield self._waiting.pop(next(iter(self._waiting))).block()


def joined_blocks(
    blocks: Iterator[VisibilityBlock], rows: Mapping[int, int], limit: float, by_channel: bool
) -> Iterator[VisibilityBlock]:
    """Blocks that were made elsewhere, put together as `Joining` does."""
    return Joining(rows, limit, by_channel).joined(blocks)


def _ordered(block: VisibilityBlock) -> VisibilityBlock:
    if block.group is None or np.all(block.group[1:] >= block.group[:-1]):
        return block
    order = np.argsort(block.group, kind="stable")

    def put(array: np.ndarray, axis: int) -> np.ndarray:
        # The copy has the channels where they were in memory.
        return np.take(array, order, axis=axis, out=np.empty_like(array), mode="clip")

    return VisibilityBlock(
        block.uvw_m[order], block.freq_hz, put(block.vis, 1), put(block.weight, 0), block.source, block.rows[order], block.ddid,
        None if block.cross is None else block.cross[order], block.group[order], None if block.fields is None else block.fields[order],
    )  # fmt: skip
