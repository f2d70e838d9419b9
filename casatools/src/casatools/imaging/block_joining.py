"""Blocks of visibilities put together as they are read: fewer Fourier transforms, and each sample is in memory once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from casatools._base.buffers import drop_idle
from casatools.imaging.visibilities import VisibilityBlock

__all__ = ["joined_blocks"]


class _Gathering:
    """One block to come, with room for some rows like those of a first one."""

    def __init__(self, like: VisibilityBlock, rows: int, by_channel: bool) -> None:
        def room(array: np.ndarray, axis: int = 0) -> np.ndarray:
            shape = list(array.shape)
            shape[axis] = rows
            if by_channel and array.ndim > 1 and axis == array.ndim - 2:
                shape[-2:] = shape[:-3:-1]
                return np.empty(shape, array.dtype).swapaxes(-1, -2)
            return np.empty(shape, array.dtype)

        self.first, self.capacity, self.count = like, rows, 0
        self.vis, self.weight = room(like.vis, 1), room(like.weight)
        self.uvw_m, self.rows = np.empty((rows, 3)), np.empty(rows, dtype=np.int64)
        self.cross = np.ones(rows, dtype=bool)
        self.group = None if like.group is None else np.empty(rows, like.group.dtype)
        self.fields = None if like.fields is None else np.empty(rows, like.fields.dtype)

    def add(self, block: VisibilityBlock) -> None:
        to = slice(self.count, self.count + len(block.uvw_m))
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
        have = slice(0, self.count)
        cross, group, fields = self.cross[have], self.group, self.fields
        made = VisibilityBlock(
            self.uvw_m[have], self.first.freq_hz, self.vis[:, have], self.weight[have], self.first.source, self.rows[have], self.first.ddid,
            None if cross.all() else cross, None if group is None else group[have], None if fields is None else fields[have],
        )  # fmt: skip
        return _ordered(made)


def joined_blocks(
    blocks: Iterator[VisibilityBlock], rows: Mapping[int, int], limit: float, by_channel: bool
) -> Iterator[VisibilityBlock]:
    """Join blocks of one data description up to a size.

    Parameters
    ----------
    blocks : iterator of VisibilityBlock
        Of one source.
    rows : mapping of int to int
        Rows that will come of each data description.
    limit : float
        Bytes of a joined block, unless a block alone has more.
    by_channel : bool
        In memory channel after channel, which is how cubes are gridded.

    Yields
    ------
    VisibilityBlock
    """
    waiting: dict[int, _Gathering] = {}
    left = dict(rows)
    block: VisibilityBlock | None = None
    for block in blocks:
        count = len(block.uvw_m)
        here = waiting.get(block.ddid)
        if here is not None and here.count + count > here.capacity:
            del here
            yield waiting.pop(block.ddid).block()
        if block.ddid not in waiting:
            fitting = int(limit * count / max(block.nbytes, 1))
            waiting[block.ddid] = _Gathering(block, max(count, min(fitting, left[block.ddid])), by_channel)
        waiting[block.ddid].add(block)
        left[block.ddid] -= count
    # Nothing here may hold what was joined while the joined block is used.
    del block
    here = None
    drop_idle()
    while waiting:
        yield waiting.pop(next(iter(waiting))).block()


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
