"""Exact order statistics of more values than fit into memory, by counting parts of their sort keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from casatools.kernels._kernel import kernel

__all__ = ["quartile_ranks", "select_ranks", "select_ranks_streaming", "sort_keys"]

_DIGITS = 16
_BINS = 1 << _DIGITS
# Gives what a function of each block of values returns.
Mapped = Callable[[Callable[[np.ndarray], np.ndarray]], Iterable[np.ndarray]]


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
    """Unsigned integers that sort as the values do.

    Parameters
    ----------
    values : ndarray (n,) float32 or float64
        Finite.

    Returns
    -------
    ndarray (n,) uint32 or uint64
    """
    bits: Any = _bits(values)
    top = bits.dtype.type(1 << (8 * bits.itemsize - 1))
    # IEEE 754: flip all bits of negatives and the sign bit of the others.
    return np.asarray(np.where(bits & top, ~bits, bits | top))


def _value(key: int, dtype: np.dtype) -> float:
    width = 8 * dtype.itemsize
    top = 1 << (width - 1)
    bits = key ^ top if key & top else ~key & ((1 << width) - 1)
    return float(np.array([bits], dtype=np.uint32 if width == 32 else np.uint64).view(dtype)[0])


@kernel
def _count_first(bits: np.ndarray, shift: int, counts: np.ndarray) -> None:
    """Count values by the highest digit of their keys; `bits` are those of the floats, `shift` leads to the digit."""
    last = 8 * bits.itemsize - 1
    for i in range(bits.size):
        b = np.int64(bits[i])
        digit = (b >> shift) & 0xFFFF
        counts[digit ^ 0xFFFF if (b >> last) & 1 else digit ^ 0x8000] += 1


@kernel
def _count_next(bits: np.ndarray, shift: int, heads: np.ndarray, rows: np.ndarray, counts: np.ndarray) -> None:
    """Count the next digit of the values whose higher digits are one of `heads`; a row of `counts` for each.

    `rows` (65536,) int16 tells by the digit before which head may be meant: the first of those that end so, or -1.
    """
    last = 8 * bits.itemsize - 1
    flip = np.int64(1) << last
    head_mask = (np.int64(1) << (last - 15 - shift)) - 1
    for i in range(bits.size):
        b = np.int64(bits[i])
        key = ~b if (b >> last) & 1 else b ^ flip
        head = (key >> (shift + 16)) & head_mask
        row = rows[head & 0xFFFF]
        if row >= 0:
            for j in range(row, heads.size):
                if head == heads[j]:
                    counts[j, (key >> shift) & 0xFFFF] += 1


def select_ranks_streaming(mapped: Mapped, ranks: Sequence[int]) -> list[float]:
    """The values of the given zero-based ranks of a stream that can be repeated.

    Parameters
    ----------
    mapped : callable
        Each call goes through all blocks (1-D float32 or float64 arrays) and gives what its argument makes of each.
    ranks : sequence of int

    Returns
    -------
    list of float

    Notes
    -----
    Radix selection: a pass counts the values by the upper 16 bits of their sort keys, further ones by the next 16 bits of those values that share the
    bits of a wanted rank. Two passes give single, four give double precision; memory does not depend on the number of values.
    """
    kinds: list[np.dtype] = []

    def first(values: np.ndarray) -> np.ndarray:
        counts = np.zeros(_BINS, dtype=np.int64)
        kinds.append(values.dtype)
        _count_first(_bits(values), 8 * values.dtype.itemsize - _DIGITS, counts)
        return counts

    total = sum(mapped(first), np.zeros(_BINS, dtype=np.int64))
    width = 8 * kinds[0].itemsize
    ends = np.cumsum(total)
    heads = {rank: int(np.searchsorted(ends, rank, side="right")) for rank in ranks}
    left = {rank: rank - (int(ends[heads[rank] - 1]) if heads[rank] else 0) for rank in ranks}
    for shift in range(width - 2 * _DIGITS, -1, -_DIGITS):
        wanted = sorted(set(heads.values()))
        rows = np.full(_BINS, -1, dtype=np.int16)
        for number in range(len(wanted) - 1, -1, -1):
            rows[wanted[number] & (_BINS - 1)] = number

        def further(values: np.ndarray, shift: int = shift, wanted: list[int] = wanted, rows: np.ndarray = rows) -> np.ndarray:
            counts = np.zeros((len(wanted), _BINS), dtype=np.int64)
            _count_next(_bits(values), shift, np.array(wanted, dtype=np.int64), rows, counts)
            return counts

        ends = np.cumsum(sum(mapped(further), np.zeros((len(wanted), _BINS), dtype=np.int64)), axis=1)
        for rank, head in heads.items():
            row = ends[wanted.index(head)]
            digit = int(np.searchsorted(row, left[rank], side="right"))
            left[rank] -= int(row[digit - 1]) if digit else 0
            heads[rank] = head << _DIGITS | digit
    return [_value(heads[rank], kinds[0]) for rank in ranks]


def _bits(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(values).view(np.uint32 if values.dtype.itemsize == 4 else np.uint64)
