"""Kernels of the gridder of half planes: compiled as in Python."""

from __future__ import annotations

import numpy as np
import pytest

from casatools.kernels.half_plane_gridding import (
    BUFFER_V,
    STEPS,
    TILE_V,
    count_ranges,
    fill_ranges,
    spread_strip,
)

NU, TILES_U, STRIPS = 64, 6, 2
SHIFT = NU // 2 + 8
CELLS = np.array([0.9, 0.8, SHIFT - 3.0, 0.0])
SCALE = np.array([1.0, 1.1, 1.5])


def made() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    uvw = rng.uniform(-1, 1, (40, 3)) * [22.0, 24.0, 1.0]
    vis = (rng.standard_normal((40, 3)) + 1j * rng.standard_normal((40, 3))).astype(np.complex64)
    return uvw, vis, rng.uniform(0.5, 1.0, (40, 3)).astype(np.float32)


def sorted_ranges(uvw: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    counts = np.zeros(TILES_U * STRIPS, np.int64)
    count_ranges(uvw, SCALE, CELLS, TILES_U, 0, len(uvw), counts)
    starts = np.concatenate([[0], np.cumsum(counts)])
    ranges = np.zeros((starts[-1], 3), np.int32)
    fill_ranges(uvw, SCALE, CELLS, TILES_U, 0, len(uvw), starts[:-1].copy(), ranges)
    return ranges, starts


def test_ranges_hold_each_sample_once_in_its_tile() -> None:
    uvw, _, _ = made()
    ranges, starts = sorted_ranges(uvw)
    seen = np.zeros((40, 3), int)
    for tile in range(TILES_U * STRIPS):
        for row, first, last in ranges[starts[tile] : starts[tile + 1]]:
            seen[row, first:last] += 1
            sign = 1 if uvw[row, 1] >= 0 else -1
            i = (sign * uvw[row, 0] * CELLS[0] * SCALE[first:last] + CELLS[2]) // 16
            j = (sign * uvw[row, 1] * CELLS[1] * SCALE[first:last]) // 16
            assert np.all(j * TILES_U + i == tile)
    assert np.all(seen == 1)
    slow = np.zeros(TILES_U * STRIPS, np.int64)
    count_ranges.py_func(uvw, SCALE, CELLS, TILES_U, 0, 40, slow)
    assert np.array_equal(slow, np.diff(starts))
    again = np.zeros_like(ranges)
    fill_ranges.py_func(uvw, SCALE, CELLS, TILES_U, 0, 40, starts[:-1].copy(), again)
    assert np.array_equal(again, ranges)


@pytest.mark.parametrize("wanted", [(True, True), (True, False), (False, True)])
def test_sums_are_those_of_each_sample_in_turn(wanted: tuple[bool, bool]) -> None:
    uvw, vis, weight = made()
    ranges, starts = sorted_ranges(uvw)
    table = np.zeros((STEPS + 1, 16), np.float32)
    table[:, :8] = (
        1.0 + np.arange(8) + np.arange(STEPS + 1)[:, None] / STEPS
    )  # the number of the cell, and the place of the sample
    table[:, 8:] = 1.0 / STEPS
    rows = STRIPS * TILE_V + BUFFER_V - TILE_V
    data, ones = np.zeros((rows * wanted[0], NU, 2), np.float32), np.zeros((rows * wanted[1], NU), np.float32)
    for strip in range(STRIPS):
        spread_strip(
            ranges, starts, strip, TILES_U, uvw, SCALE, CELLS, SHIFT, vis, weight, table.ravel(), table.ravel(), data, ones
        )
    expected = np.zeros((2, rows, NU), complex)
    for row in range(40):
        for chan in range(3):
            sign = 1 if uvw[row, 1] >= 0 else -1
            x, y = sign * uvw[row, 0] * CELLS[0] * SCALE[chan] + CELLS[2], sign * uvw[row, 1] * CELLS[1] * SCALE[chan]
            value = weight[row, chan] * (vis[row, chan] if sign > 0 else np.conj(vis[row, chan]))
            for b in range(6):
                for a in range(8):
                    factor = (1 + a + x % 1) * (1 + b + y % 1)
                    place = int(y) + b, (int(x) + a - SHIFT) % NU
                    expected[0][place] += value * factor
                    expected[1][place] += weight[row, chan] * factor
    if wanted[0]:
        np.testing.assert_allclose(data[..., 0] + 1j * data[..., 1], expected[0], atol=1e-5 * np.abs(expected[0]).max())
    if wanted[1]:
        np.testing.assert_allclose(ones, expected[1].real, atol=1e-5 * np.abs(expected[1]).max())
