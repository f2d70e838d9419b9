"""Tile shapes of images, and slices that visit them tile by tile."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

__all__ = ["TILE_PIXELS", "default_tile_shape", "iter_blocks"]

# Pixels a tile holds by default, as in casacore's tiled lattices.
TILE_PIXELS = 32768


def default_tile_shape(shape: Sequence[int], pixels: int = TILE_PIXELS) -> tuple[int, ...]:
    """A tile shape in the same axis order as `shape`: about as many tiles along each axis, lengths that divide the axis.

    The last axis of internal order is x; lengths are fixed from x on, as casacore does.
    """
    tile = [int(n) for n in shape]
    if math.prod(tile) <= pixels:
        return tuple(tile)
    budget = pixels
    open_axes = [a for a in reversed(range(len(tile))) if tile[a] > 1]
    while open_axes:
        axis = open_axes.pop(0)
        rest = math.prod(tile[a] for a in open_axes)
        # the number of tiles along each remaining axis, were it the same for all
        per_axis = max(1.0, tile[axis] * rest / budget) ** (1.0 / (len(open_axes) + 1))
        guess = min(tile[axis] / per_axis, float(budget))
        tile[axis] = _length(tile[axis], guess, budget)
        budget = max(1, budget // tile[axis])
    return tuple(tile)


def _length(axis: int, guess: float, most: int) -> int:
    """The divisor of `axis` nearest to `guess` within a factor of two, else the rounded guess."""
    low, high = max(1, math.ceil(guess / 2)), min(axis, most, math.floor(guess * 2))
    divisors = [n for n in range(low, high + 1) if axis % n == 0]
    if not divisors:
        return max(1, min(axis, most, round(guess)))
    return min(divisors, key=lambda n: (round(abs(math.log(n / guess)), 6), -n))


def iter_blocks(
    shape: Sequence[int], tile: Sequence[int], itemsize: int, max_bytes: int, first: Sequence[int] = ()
) -> Iterator[tuple[slice, ...]]:
    """Slices that cover an array in C order, whole tiles at a time, each of at most `max_bytes` where a tile row allows.

    Blocks keep the fastest axes whole as far as they fit, so planes stay together. `first` is where the array begins in the one that the tiles are of.
    """
    block = [int(n) for n in shape]
    # Slow axes are cut to one tile before a faster one is cut at all, and below a tile only where one row of tiles is too much.
    for least in (tile, [1] * len(block)):
        for axis in range(len(block)):
            inner = itemsize * math.prod(block[:axis] + block[axis + 1 :])
            if inner * block[axis] <= max_bytes:
                break
            fits, step = max_bytes // max(1, inner), max(1, int(least[axis]))
            block[axis] = min(block[axis], max(step, fits // step * step))
    offsets = [a % t if t <= b < n else 0 for a, t, b, n in zip(first or [0] * len(block), tile, block, shape, strict=True)]
    edges = [[0, *range(b - o, n, b), n] for n, b, o in zip(shape, block, offsets, strict=True)]
    for corner in np.ndindex(*(len(e) - 1 for e in edges)):
        yield tuple(slice(e[i], e[i + 1]) for e, i in zip(edges, corner, strict=True))
