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


def iter_blocks(shape: Sequence[int], tile: Sequence[int], itemsize: int, max_bytes: int) -> Iterator[tuple[slice, ...]]:
    """Slices that cover an array in C order, whole tiles at a time, each of at most `max_bytes` where a tile row allows.

    Blocks keep the fastest axes whole as far as they fit, so planes stay together.
    """
    block = [int(n) for n in shape]
    for axis in range(len(block)):
        inner = itemsize * math.prod(block[axis + 1 :])
        fits = max_bytes // max(1, inner)
        if fits >= block[axis]:
            if itemsize * math.prod(block) <= max_bytes:
                break
            continue
        step = int(tile[axis])
        block[axis] = min(block[axis], max(step, fits // step * step) if fits >= step else max(1, min(step, int(fits) or step)))
        if itemsize * math.prod(block) <= max_bytes:
            break
    counts = [range(0, n, b) for n, b in zip(shape, block, strict=True)]
    for corner in np.ndindex(*(len(c) for c in counts)):
        starts = [c[i] for c, i in zip(counts, corner, strict=True)]
        yield tuple(slice(s, min(s + b, n)) for s, b, n in zip(starts, block, shape, strict=True))
