"""Tiles: shapes, and blocks that cover everything once."""

from __future__ import annotations

import math

import numpy as np
import pytest

from casatools.io.image.tiling import TILE_PIXELS, default_tile_shape, iter_blocks


@pytest.mark.parametrize(
    ("shape", "tile"),
    [((46, 1, 256, 256), (8, 1, 64, 64)), ((1, 1, 512, 512), (1, 1, 128, 256)), ((24, 1, 28, 32), (24, 1, 28, 32))],
)
def test_shapes_casa_chooses(shape: tuple[int, ...], tile: tuple[int, ...]) -> None:
    """Tile shapes of images that CASA 6.7 made, turned to internal order."""
    assert default_tile_shape(shape) == tile


@pytest.mark.parametrize("shape", [(7, 1, 331, 997), (100000,), (3, 4, 5, 6, 7), (1, 1, 1, 70001)])
def test_tiles_stay_small(shape: tuple[int, ...]) -> None:
    tile = default_tile_shape(shape)
    assert all(1 <= t <= n for t, n in zip(tile, shape, strict=True))
    assert math.prod(tile) <= 2 * TILE_PIXELS


@pytest.mark.parametrize("max_bytes", [1, 400, 5000, 10**9])
def test_blocks_cover_once_in_order(max_bytes: int) -> None:
    count = np.zeros((5, 2, 13, 17), dtype=int)
    starts = []
    for block in iter_blocks(count.shape, (2, 1, 4, 8), 4, max_bytes):
        count[block] += 1
        starts.append(tuple(s.start for s in block))
    assert (count == 1).all()
    assert starts == sorted(starts)
