"""Values of pixels in blocks that can be gone through again and again, each time in threads and in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import numpy as np

from casatools._base.threads import in_order
from casatools.kernels.order_statistics import select_ranks, select_ranks_streaming

__all__ = ["ValueStream", "Where", "ranked"]

# The number in the whole of a value of a block, by its number in the block.
Where = Callable[[int], int]
_Result = TypeVar("_Result")
# Values that are sorted at once; more are selected by counting.
_IN_MEMORY = 1_000_000


class ValueStream:
    """Values to be used, block by block.

    Parameters
    ----------
    pieces : callable
        Gives a fresh iteration over what stands for the blocks.
    read : callable
        Makes of one of them the values (1-D) and a function for their places; may run in several threads at once.
    loose : callable, optional
        Gives the same values in the order in which they are read fastest, or None where there is none other; asked when these have been gone through.
    """

    def __init__(
        self,
        pieces: Callable[[], Iterable[Any]],
        read: Callable[[Any], tuple[np.ndarray, Where]],
        loose: Callable[[], ValueStream | None] | None = None,
    ) -> None:
        self._pieces, self._read, self._loose = pieces, read, loose

    def in_any_order(self) -> ValueStream:
        """The same values for uses in which neither their order nor their places count."""
        return (self._loose() if self._loose is not None else None) or self

    def _derived(self, derive: Callable[[ValueStream], ValueStream]) -> Callable[[], ValueStream | None] | None:
        """What a derived stream of the values in any order is made by."""
        if self._loose is None:
            return None
        loose = self._loose

        def made() -> ValueStream | None:
            found = loose()
            return None if found is None else derive(found)

        return made

    @classmethod
    def of_arrays(cls, arrays: Callable[[], Iterable[np.ndarray]]) -> ValueStream:
        """Values that are at hand as arrays; places count on from block to block only where there is a single one."""
        return cls(arrays, lambda array: (array, lambda k: k))

    def map(self, function: Callable[[np.ndarray, Where], _Result]) -> Iterator[_Result]:
        """What a function gives for each block, in their order; it may run in several threads at once."""
        yield from in_order(lambda piece: function(*self._read(piece)), self._pieces())

    def arrays(self) -> Iterator[np.ndarray]:
        """The values alone."""
        yield from self.map(lambda values, where: values)

    def within(self, low: float, high: float) -> ValueStream:
        """The values from `low` to `high`."""

        def chosen(piece: Any) -> tuple[np.ndarray, Where]:
            values, where = self._read(piece)
            keep = (values >= low) & (values <= high)
            return values[keep], lambda k: where(int(np.flatnonzero(keep)[k]))

        return ValueStream(self._pieces, chosen, self._derived(lambda other: other.within(low, high)))

    def changed(self, function: Callable[[np.ndarray], np.ndarray]) -> ValueStream:
        """A function of each value, which may be computed in place of a copy."""

        def made(piece: Any) -> tuple[np.ndarray, Where]:
            values, where = self._read(piece)
            return function(values), where

        return ValueStream(self._pieces, made, self._derived(lambda other: other.changed(function)))


def ranked(stream: ValueStream, count: int, ranks: list[int]) -> list[float]:
    """The values of the given zero-based ranks of the `count` values of a stream."""
    stream = stream.in_any_order()
    if count <= _IN_MEMORY:
        return select_ranks(np.concatenate(list(stream.arrays())), ranks)
    return select_ranks_streaming(lambda count_keys: stream.map(lambda values, where: count_keys(values)), ranks)
