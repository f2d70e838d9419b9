"""Sums along the first axis of a block that moments are made of."""

from __future__ import annotations

import numpy as np

from casatools.kernels._kernel import kernel

__all__ = ["extremes", "first_sums", "half_crossings", "median_columns", "median_rows", "second_sums"]


@kernel
def first_sums(
    values: np.ndarray, good: np.ndarray, x: np.ndarray, count: np.ndarray, total: np.ndarray, weighted: np.ndarray
) -> None:
    """Sums over channels of good values.

    Parameters
    ----------
    values : ndarray (chan, n) float
    good : ndarray (chan, n) bool
    x : ndarray (chan,) float64
        Coordinate.
    count, total, weighted : ndarray (n,) float64
        Added to: 1, v and ``v x``.
    """
    for c in range(values.shape[0]):
        for i in range(values.shape[1]):
            v = np.float64(values[c, i]) if good[c, i] else 0.0
            count[i] += 1.0 if good[c, i] else 0.0
            total[i] += v
            weighted[i] += v * x[c]


@kernel
def second_sums(
    values: np.ndarray,
    good: np.ndarray,
    x: np.ndarray,
    mean: np.ndarray,
    centre: np.ndarray,
    spread: np.ndarray,
    square: np.ndarray,
    deviation: np.ndarray,
    distance: np.ndarray,
) -> None:
    """Sums over channels about means; arguments as of `first_sums`.

    Parameters
    ----------
    mean, centre : ndarray (n,) float64
        Of the values, and of the coordinate.
    spread, square, deviation, distance : ndarray (n,) float64
        Added to: ``v (x - centre)^2``, ``v^2``, ``(v - mean)^2`` and ``|v - mean|``.
    """
    for c in range(values.shape[0]):
        for i in range(values.shape[1]):
            use = 1.0 if good[c, i] else 0.0
            v = np.float64(values[c, i]) if good[c, i] else 0.0
            off, away = x[c] - centre[i], (v - mean[i]) * use
            spread[i] += v * off * off
            square[i] += v * v
            deviation[i] += away * away
            distance[i] += abs(away)


@kernel
def extremes(values: np.ndarray, good: np.ndarray, sign: float, best: np.ndarray, at: np.ndarray) -> None:
    """The largest good value of ``sign * v`` over channels and its channel; `best` (n,) float64 starts at -inf, `at` (n,) int64 at 0."""
    for c in range(values.shape[0]):
        for i in range(values.shape[1]):
            v = sign * np.float64(values[c, i])
            if good[c, i] and v > best[i]:
                best[i] = v
                at[i] = c


@kernel
def half_crossings(values: np.ndarray, good: np.ndarray, half: np.ndarray, running: np.ndarray, after: np.ndarray) -> None:
    """The channel `after` (n,) int64 (starts at -1) at which the size of the running sum of good values reaches `half` (n,) float64.

    `running` (n,) float64 starts at 0 and ends as the sums of all.
    """
    for c in range(values.shape[0]):
        for i in range(values.shape[1]):
            now = running[i] + (np.float64(values[c, i]) if good[c, i] else 0.0)
            running[i] = now
            if after[i] < 0 and abs(now) >= half[i]:
                after[i] = c


@kernel
def _select(held: np.ndarray, count: int, rank: int) -> None:
    """Reorder the first `count` values so that the one of a rank stands in its place, smaller ones before it (Hoare 1961, CACM 4, 321)."""
    low, high = 0, count - 1
    while low < high:
        pivot, i, j = held[rank], low, high
        while i <= j:
            while held[i] < pivot:
                i += 1
            while pivot < held[j]:
                j -= 1
            if i <= j:
                held[i], held[j] = held[j], held[i]
                i += 1
                j -= 1
        if j < rank:
            low = i
        if rank < i:
            high = j


@kernel
def median_rows(values: np.ndarray, good: np.ndarray, median: np.ndarray) -> None:
    """Medians of the good values of rows: `values` (n, chan) float, `good` alike bool; sets `median` (n,) float64, 0 where there is none.

    The median of an even number of values is the mean of the two in the middle.
    """
    held = np.empty(values.shape[1], values.dtype)
    for i in range(values.shape[0]):
        count = 0
        for c in range(values.shape[1]):
            if good[i, c]:
                held[count] = values[i, c]
                count += 1
        median[i] = 0.0
        if count:
            rank = (count - 1) // 2
            _select(held, count, rank)
            middle = np.float64(held[rank])
            if count % 2 == 0:
                upper = held[rank + 1]
                for k in range(rank + 2, count):
                    upper = min(upper, held[k])
                middle = 0.5 * (middle + np.float64(upper))
            median[i] = middle


_LOWEST = np.int32(-(2**31))
# Columns that are worked on at once: a strip of some hundred channels stays in the cache.
_STRIP = 64


@kernel
def _rank_bits(keys: np.ndarray, rank: np.ndarray, found: np.ndarray, count: np.ndarray) -> None:
    """The key (n,) of a rank in each column of `keys` (chan, n) int32: its bits from the highest on, by counting the keys below (a radix search)."""
    found[:] = _LOWEST
    for bit in range(31, -1, -1):
        step = np.int32(1 << bit) if bit < 31 else _LOWEST
        count[:] = 0
        for c in range(keys.shape[0]):
            for i in range(keys.shape[1]):
                count[i] += np.int32(keys[c, i] < (found[i] ^ step))
        for i in range(keys.shape[1]):
            if count[i] <= rank[i]:
                found[i] ^= step


@kernel
def median_columns(bits: np.ndarray, good: np.ndarray, median: np.ndarray, upper: np.ndarray) -> None:
    """The two middle good values of columns of float32, as the bits of these.

    `bits` (chan, n) int32 are those of the values, `good` (chan, n) bool; sets `median` and `upper` (n,) int32 to the bits of the lower and the upper
    middle value, the same for an odd number; undefined without a good value.
    """
    most, full = np.int32(2**31 - 1), np.int32(2**31 - 1)
    keys = np.empty((bits.shape[0], _STRIP), np.int32)
    many, rank = np.empty(_STRIP, np.int32), np.empty(_STRIP, np.int32)
    found, count = np.empty(_STRIP, np.int32), np.empty(_STRIP, np.int32)
    for first in range(0, bits.shape[1], _STRIP):
        width = min(_STRIP, bits.shape[1] - first)
        many[:] = 0
        for c in range(bits.shape[0]):
            for i in range(width):
                b, use = bits[c, first + i], good[c, first + i]
                keys[c, i] = b ^ ((b >> np.int32(31)) & most) if use else full  # rises with the value
                many[i] += np.int32(use)
        for i in range(_STRIP):
            rank[i] = (many[i] - 1) // 2 if i < width else 0
        _rank_bits(keys, rank, found, count)
        count[:] = 0
        rank[:] = full  # the least key above
        for c in range(bits.shape[0]):
            for i in range(_STRIP):
                count[i] += np.int32(keys[c, i] <= found[i])
                rank[i] = min(rank[i], keys[c, i] if keys[c, i] > found[i] else full)
        for i in range(width):
            next_one = rank[i] if many[i] % 2 == 0 and count[i] <= many[i] // 2 else found[i]
            median[first + i] = found[i] ^ ((found[i] >> np.int32(31)) & most)
            upper[first + i] = next_one ^ ((next_one >> np.int32(31)) & most)
