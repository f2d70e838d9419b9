"""The tiled loop finds the components of the plain one, whatever shapes, masks and beams."""

from __future__ import annotations

import numpy as np
import pytest

from casatools.imaging import minor_cycle
from casatools.imaging.minor_cycle import MinorCycle, MinorOptions, tile_boxes, tile_reach
from casatools.kernels.clean_hogbom import clean_hogbom
from casatools.kernels.clean_tiles import TILE, clean_tiles, refresh_tile


def _sky(shape: tuple[int, int], seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    ny, nx = shape
    y, x = np.arange(ny) - ny // 2, np.arange(nx) - nx // 2
    r = np.hypot(y[:, None], x[None, :])
    psf = np.exp(-((r / 2.5) ** 2)) + 0.08 * np.cos(0.6 * r) * np.exp(-r / 60) + 0.01 * rng.normal(size=shape)
    psf[ny // 2, nx // 2] = 1.3
    psf = (psf / 1.3).astype(np.float32)
    points = np.zeros(shape, np.float32)
    points[rng.integers(0, ny, 12), rng.integers(0, nx, 12)] = rng.normal(size=12)
    dirty = minor_cycle.convolve_components(points, psf) + 0.002 * rng.normal(size=shape)
    return dirty.astype(np.float32), psf


def _tiled(residual, model, psf, mask, gain, threshold, niter):
    reach, boxes = tile_reach(psf, residual.shape), tile_boxes(residual.shape)
    place, flux = np.zeros((niter, 2), np.int64), np.zeros(niter, np.float32)
    applied = np.zeros(len(boxes), np.int64)
    done, peak = clean_tiles(residual, model, psf, mask, reach, boxes, gain, threshold, place, flux, applied)
    for t, box in enumerate(boxes):
        refresh_tile(residual, mask, psf, place, flux, int(applied[t]), done, box)
    return done, peak


@pytest.mark.parametrize("shape", [(4 * TILE, 4 * TILE), (300, 270), (TILE + 1, 5 * TILE - 3), (40, 40)])
@pytest.mark.parametrize("part", [1.0, 0.4])
def test_same_components_as_the_plain_loop(shape: tuple[int, int], part: float) -> None:
    dirty, psf = _sky(shape, 1)
    ny, nx = (2 * (int(n * part) // 2) - 1 for n in psf.shape)
    cy, cx = psf.shape[0] // 2, psf.shape[1] // 2
    beam = np.ascontiguousarray(psf[cy - ny // 2 : cy + ny // 2 + 1, cx - nx // 2 : cx + nx // 2 + 1])
    mask = np.random.default_rng(2).random(shape) > 0.2
    mask[: shape[0] // 3, : shape[1] // 3] = False
    results = []
    for loop in (clean_hogbom, _tiled):
        residual, model = dirty.copy(), np.zeros_like(dirty)
        results.append((loop(residual, model, beam, mask, 0.15, 0.05, 400), residual, model))
    assert results[0][0][0] == results[1][0][0] > 20
    assert results[0][0][1] == pytest.approx(results[1][0][1], abs=1e-6)
    assert np.allclose(results[0][1], results[1][1], atol=1e-6)
    assert np.array_equal(results[0][2], results[1][2])


def test_reach_is_the_largest_lobe_between_tiles() -> None:
    rng = np.random.default_rng(3)
    psf = rng.normal(size=(2 * 150 + 1, 2 * 90 + 1)).astype(np.float32)
    shape = (3 * TILE, 2 * TILE)
    reach = tile_reach(psf, shape)
    assert reach.shape == (5, 3)
    for down in range(-2, 3):
        for right in range(-1, 2):
            dy = np.arange((down - 1) * TILE + 1, (down + 1) * TILE)
            dx = np.arange((right - 1) * TILE + 1, (right + 1) * TILE)
            dy, dx = dy[np.abs(dy) <= 150], dx[np.abs(dx) <= 90]
            largest = np.abs(psf[np.ix_(dy + 150, dx + 90)]).max() if dy.size and dx.size else 0.0
            assert largest <= reach[down + 2, right + 1] <= np.abs(psf).max() + 1e-6


def test_lots_and_transforms_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    dirty, psf = _sky((5 * TILE, 4 * TILE), 4)
    mask = np.ones(dirty.shape, bool)
    found = []
    for lot, work in ((20000, 1e12), (17, 1e12), (50, 0.0)):
        monkeypatch.setattr(minor_cycle, "_LOT", lot)
        monkeypatch.setattr(minor_cycle, "_WORK", work)
        residual, model = dirty.copy(), np.zeros_like(dirty)
        found.append((MinorCycle(MinorOptions("hogbom", 0.1)).run(residual, model, psf, mask, 0.05, 300), residual, model))
    for other in found[1:]:
        assert other[0][0] == found[0][0][0]
        assert np.allclose(other[1], found[0][1], atol=2e-5) and np.allclose(other[2], found[0][2], atol=2e-5)


def test_refresh_is_the_plain_subtraction() -> None:
    rng = np.random.default_rng(5)
    residual, psf = rng.normal(size=(20, 18)).astype(np.float32), rng.normal(size=(9, 7)).astype(np.float32)
    mask = rng.random((20, 18)) > 0.5
    place, flux = np.array([[3, 4], [12, 17], [19, 0]]), np.array([1.0, -2.0, 0.5], np.float32)
    expected = residual.copy()
    for (y, x), f in zip(place, flux, strict=True):
        for dy in range(-4, 5):
            for dx in range(-3, 4):
                if 0 <= y + dy < 20 and 0 <= x + dx < 18:
                    expected[y + dy, x + dx] -= f * psf[dy + 4, dx + 3]
    for function in (refresh_tile, refresh_tile.py_func):
        got = residual.copy()
        best, y, x = function(got, mask, psf, place, flux, 0, 3, np.array([0, 20, 0, 18]))
        assert np.allclose(got, expected, atol=1e-5)
        assert best == pytest.approx(np.abs(expected)[mask].max(), abs=1e-5) and abs(expected[y, x]) == pytest.approx(
            best, abs=1e-5
        )
    best, y, x = refresh_tile(residual.copy(), np.zeros_like(mask), psf, place, flux, 0, 0, np.array([0, 20, 0, 18]))
    assert (best, y, x) == (-1.0, -1, -1)
