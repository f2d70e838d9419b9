"""Samples spread onto one half of the uv plane: data, and the weights that make the point spread function, in one pass.

Cells are in tiles, whose sums fit into the processor's first cache; samples are sorted into them as ranges of channels. A sample of the other half is
taken as its conjugate. Everything is added in an order that does not depend on the number of threads.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from casatools.kernels._kernel import kernel

__all__ = [
    "BUFFER_U",
    "BUFFER_V",
    "STEPS",
    "SUPPORT_U",
    "SUPPORT_V",
    "TILE_U",
    "TILE_V",
    "count_ranges",
    "fill_ranges",
    "spread_strip",
]

# Cells of a tile; cells that a sample reaches in u (those of one vector of the processor) and in v; steps of the tables between two cells.
TILE_U, TILE_V = 16, 16
SUPPORT_U, SUPPORT_V = 8, 6
STEPS = 512
BUFFER_U, BUFFER_V = TILE_U + SUPPORT_U, TILE_V + SUPPORT_V - 1
_PLANE = BUFFER_U * BUFFER_V


@kernel
def count_ranges(
    uvw: np.ndarray, scale: np.ndarray, cells: np.ndarray, tiles_u: int, first: int, last: int, counts: np.ndarray
) -> None:
    """Count how many ranges of channels of some rows fall into each tile.

    Parameters
    ----------
    uvw : ndarray (row, 3) float64 [m]
    scale : ndarray (chan,) float64 [1/m]
        Frequency over the speed of light.
    cells : ndarray (4,) float64
        Cells per wavelength in u and v, and the first cells that a sample at zero reaches, both as places in the array.
    tiles_u : int
        Tiles along u.
    first, last : int
        Rows from the first to before the last.
    counts : ndarray (tile,) int64
        Added to; tiles along u are next to each other.
    """
    for row in range(first, last):
        sign = 1.0 if uvw[row, 1] >= 0.0 else -1.0
        u, v = sign * uvw[row, 0] * cells[0], sign * uvw[row, 1] * cells[1]
        before = -1
        for chan in range(scale.shape[0]):
            i, j = int(u * scale[chan] + cells[2]), int(v * scale[chan] + cells[3])
            tile = (j // TILE_V) * tiles_u + i // TILE_U
            if tile != before:
                counts[tile] += 1
                before = tile


@kernel
def fill_ranges(
    uvw: np.ndarray, scale: np.ndarray, cells: np.ndarray, tiles_u: int, first: int, last: int, at: np.ndarray, ranges: np.ndarray
) -> None:
    """Write the ranges that `count_ranges` counts.

    Parameters
    ----------
    uvw, scale, cells, tiles_u, first, last
        As for `count_ranges`.
    at : ndarray (tile,) int64
        Where the next range of each tile goes; changed.
    ranges : ndarray (range, 3) int32
        Row, first channel, and the one after the last.
    """
    for row in range(first, last):
        sign = 1.0 if uvw[row, 1] >= 0.0 else -1.0
        u, v = sign * uvw[row, 0] * cells[0], sign * uvw[row, 1] * cells[1]
        before, place = -1, 0
        for chan in range(scale.shape[0]):
            i, j = int(u * scale[chan] + cells[2]), int(v * scale[chan] + cells[3])
            tile = (j // TILE_V) * tiles_u + i // TILE_U
            if tile != before:
                place = at[tile]
                at[tile] += 1
                ranges[place, 0], ranges[place, 1] = row, chan
                before = tile
            ranges[place, 2] = chan + 1


def _instructions(
    typing_context: Any, sums: Any, at: Any, table_u: Any, place_u: Any, part_u: Any, table_v: Any, place_v: Any, part_v: Any, values: Any
) -> Any:  # fmt: skip
    """Spread the values of one sample (a tuple, one for each plane of a tile) onto the cells from `at` on, with vectors of eight numbers.

    Written as instructions, since loops of eight are left as they are by the compiler: these are three times faster. `place_u` and `place_v` are
    where the factors are in the tables, `part_u` and `part_v` the places between two of their steps.
    """
    lanes, count = ir.VectorType(ir.FloatType(), SUPPORT_U), ir.IntType(64)
    index, fused = ir.IntType(32), ("contract",)
    signature = types.void(sums, at, table_u, place_u, part_u, table_v, place_v, part_v, values)

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        def pointer(number: int, place: Any, offset: int) -> Any:
            data = context.make_array(signature.args[number])(context, builder, given[number]).data
            return builder.bitcast(builder.gep(data, [builder.add(place, count(offset))]), lanes.as_pointer())

        def spread_out(value: Any) -> Any:
            first = builder.insert_element(ir.Constant(lanes, ir.Undefined), value, index(0))
            return builder.shuffle_vector(first, first, ir.Constant(ir.VectorType(index, SUPPORT_U), [0] * SUPPORT_U))

        def product_and_sum(one: Any, other: Any, added: Any) -> Any:
            return builder.fadd(builder.fmul(one, other, flags=fused), added, flags=fused)

        def factors(number: int) -> Any:
            near, step = (builder.load(pointer(number, given[number + 1], offset), align=4) for offset in (0, 8))
            return product_and_sum(spread_out(given[number + 2]), step, near)

        along_u, along_v = factors(2), factors(5)
        for row in range(SUPPORT_V):
            factor = builder.extract_element(along_v, index(row))
            for plane in range(len(signature.args[8])):
                value = builder.extract_value(given[8], plane)
                cells = pointer(0, given[1], plane * _PLANE + row * BUFFER_U)
                amount = spread_out(builder.fmul(factor, value))
                builder.store(product_and_sum(amount, along_u, builder.load(cells, align=4)), cells, align=4)
        return context.get_dummy_value()

    return signature, generate


_spread: Any = intrinsic(_instructions)


@kernel
def _flush(sums: np.ndarray, row: int, column: int, data: np.ndarray, ones: np.ndarray) -> None:
    """Add the sums of a tile to the grids; cells beyond the last one in u are the first ones."""
    has_data, has_ones = data.shape[0] > 0, ones.shape[0] > 0
    nu = data.shape[1]
    inside = min(BUFFER_U, nu - column)
    for j in range(BUFFER_V):
        own = sums[j * BUFFER_U : (j + 1) * BUFFER_U]
        imag = sums[_PLANE + j * BUFFER_U : _PLANE + (j + 1) * BUFFER_U]
        last = 2 * _PLANE if has_data else 0
        weight = sums[last + j * BUFFER_U : last + (j + 1) * BUFFER_U]
        for first, stop, begin in ((0, inside, column), (inside, BUFFER_U, column - nu)):
            if has_data:
                for i in range(first, stop):
                    data[row + j, begin + i, 0] += own[i]
                    data[row + j, begin + i, 1] += imag[i]
            if has_ones:
                for i in range(first, stop):
                    ones[row + j, begin + i] += weight[i]


@kernel
def spread_strip(
    ranges: np.ndarray, starts: np.ndarray, strip: int, tiles_u: int, uvw: np.ndarray, scale: np.ndarray, cells: np.ndarray, shift: int,
    vis: np.ndarray, weight: np.ndarray, table_u: np.ndarray, table_v: np.ndarray, data: np.ndarray, ones: np.ndarray,
) -> None:  # fmt: skip
    """Spread the samples of a strip of tiles of the same v; it reaches the next strip's cells, but not those of the one after.

    Parameters
    ----------
    ranges : ndarray (range, 3) int32
    starts : ndarray (tile + 1,) int64
        Of each tile's ranges.
    strip, tiles_u : int
    uvw, scale, cells
        As for `count_ranges`.
    shift : int
        Cell of the first tile's first place, from the end: what the places are ahead of the cells in u.
    vis : ndarray (row, chan) complex64
    weight : ndarray (row, chan) float32
    table_u, table_v : ndarray ((STEPS + 1) * 16,) float32
        For each step the factors of the cells, and their differences to those of the next.
    data : ndarray (v, nu, 2) float32
        Real and imaginary parts, added to; without rows where they are not wanted.
    ones : ndarray (v, nu) float32
        Sums of weights, added to; without rows where they are not wanted.
    """
    sums = np.zeros(3 * _PLANE, np.float32)
    has_data, has_ones, nu = data.shape[0] > 0, ones.shape[0] > 0, data.shape[1]
    for tile in range(strip * tiles_u, (strip + 1) * tiles_u):
        if starts[tile] == starts[tile + 1]:
            continue
        sums[:] = 0.0
        left, below = (tile - strip * tiles_u) * TILE_U, strip * TILE_V
        for k in range(starts[tile], starts[tile + 1]):
            row = ranges[k, 0]
            sign = 1.0 if uvw[row, 1] >= 0.0 else -1.0
            u, v = sign * uvw[row, 0] * cells[0], sign * uvw[row, 1] * cells[1]
            for chan in range(ranges[k, 1], ranges[k, 2]):
                w = weight[row, chan]
                if w == 0.0:
                    continue
                x, y = u * scale[chan] + cells[2], v * scale[chan] + cells[3]
                i, j = int(x), int(y)
                fu, fv = (x - i) * STEPS, (y - j) * STEPS
                su, sv = int(fu), int(fv)
                pu, pv, at = np.float32(fu - su), np.float32(fv - sv), (j - below) * BUFFER_U + i - left
                if has_data:
                    real, imag = w * vis[row, chan].real, np.float32(sign) * w * vis[row, chan].imag
                    if has_ones:
                        _spread(sums, at, table_u, su * 16, pu, table_v, sv * 16, pv, (real, imag, w))
                    else:
                        _spread(sums, at, table_u, su * 16, pu, table_v, sv * 16, pv, (real, imag))
                else:
                    _spread(sums, at, table_u, su * 16, pu, table_v, sv * 16, pv, (w,))
        _flush(sums, below, (left - shift) % nu, data, ones)
