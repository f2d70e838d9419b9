"""Exact order statistics of more values than fit into memory, by counting sort keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

__all__ = ["quartile_ranks", "select_ranks", "select_ranks_streaming", "sort_keys"]

_BINS = 65536


def quartile_ranks(count: int) -> tuple[int, int, int, int]:
    """Zero-based ranks that define the statistics of `count` sorted values.

    Returns
    -------
    tuple of int
        First quartile, lower and upper middle value (equal when the count is odd), third quartile. The quartiles are the values of
        rank ceil(n/4) and ceil(3n/4), counted from one; the median of an even count is the mean of the two middle values.
    """
    return (count + 3) // 4 - 1, (count - 1) // 2, count // 2, (3 * count + 3) // 4 - 1


def select_ranks(values: np.ndarray, ranks: Sequence[int]) -> list[float]:
    """The values of the given zero-based ranks of an array in memory; the array is reordered."""
    values.partition(sorted(set(ranks)))
    return [float(values[r]) for r in ranks]


def sort_keys(values: np.ndarray) -> np.ndarray:
    """The upper 16 bits of an unsigned integer that sorts as the values do.

    Parameters
    ----------
    values : ndarray (n,) float32 or float64
        Finite.

    Returns
    -------
    ndarray (n,) uint16
    """
    single = values.dtype == np.float32
    bits: Any = np.ascontiguousarray(values).view(np.uint32 if single else np.uint64)
    top = bits.dtype.type(1 << (31 if single else 63))
    # IEEE 754: flip all bits of negatives and the sign bit of the others.
    ordered = np.where(bits & top, ~bits, bits | top)
    return np.asarray((ordered >> ordered.dtype.type(16 if single else 48)).astype(np.uint16))


def select_ranks_streaming(blocks: Callable[[], Iterable[np.ndarray]], ranks: Sequence[int]) -> list[float]:
    """The values of the given zero-based ranks of a stream that can be repeated.

    Parameters
    ----------
    blocks : callable
        Each call gives a fresh iteration over the same 1-D float arrays.
    ranks : sequence of int

    Returns
    -------
    list of float

    Notes
    -----
    One pass counts values by the upper 16 bits of their sort key, a second gathers only those in the bins that hold a wanted rank.
    """
    counts = np.zeros(_BINS, dtype=np.int64)
    for block in blocks():
        if block.size:
            counts += np.bincount(sort_keys(block), minlength=_BINS)
    ends = np.cumsum(counts)
    bins = {rank: int(np.searchsorted(ends, rank, side="right")) for rank in ranks}
    wanted = sorted(set(bins.values()))
    gathered: dict[int, list[np.ndarray]] = {b: [] for b in wanted}
    for block in blocks():
        if not block.size:
            continue
        keys = sort_keys(block)
        for b in wanted:
            gathered[b].append(block[keys == b])
    found: dict[int, float] = {}
    for b in wanted:
        values = np.concatenate(gathered[b])
        start = int(ends[b - 1]) if b else 0
        mine = [r for r in ranks if bins[r] == b]
        found.update(zip(mine, select_ranks(values, [r - start for r in mine]), strict=True))
    return [found[r] for r in ranks]
