"""The gridder of half planes against direct Fourier sums, ducc0's gridder, and itself in more threads."""

from __future__ import annotations

from typing import Any

import ducc0
import numpy as np
import pytest

from casatools._base.threads import set_thread_count
from casatools.imaging.gridding import GridOptions, grid, grid_pair
from casatools.imaging.half_plane import fits_half_plane, grid_half_plane

C = 299792458.0
CELL = (1.0e-4, 1.3e-4)
FREQ = np.linspace(1.0e9, 1.2e9, 5)


def samples(rows: int, part: float, seed: int = 1, cell: tuple[float, float] = CELL) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """uvw up to a part of what the pixels can hold, visibilities and weights, some of them 0."""
    rng = np.random.default_rng(seed)
    reach = 0.5 / np.array(cell) * C / FREQ.max() * part
    uvw = rng.uniform(-1, 1, (rows, 3)) * [*reach, 50.0]
    vis = (rng.standard_normal((rows, 5)) + 1j * rng.standard_normal((rows, 5))).astype(np.complex64)
    return uvw, vis, np.where(rng.random((rows, 5)) < 0.1, 0, rng.uniform(0.1, 1, (rows, 5))).astype(np.float32)


def direct(uvw: np.ndarray, vis: np.ndarray, weight: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The image (y, x) by sums over all samples."""
    out = np.zeros(shape[::-1])
    east, north = -(np.arange(shape[0]) - shape[0] // 2) * CELL[0], (np.arange(shape[1]) - shape[1] // 2) * CELL[1]
    for k, hz in enumerate(FREQ):
        u, v = (np.exp(-2j * np.pi * hz / C * np.outer(place, uvw[:, axis])) for axis, place in ((0, east), (1, north)))
        out += np.einsum("yr,xr,r->yx", v, u, weight[:, k] * vis[:, k], optimize=True).real
    return out


@pytest.mark.parametrize("shape", [(64, 48), (130, 130), (256, 66)])
@pytest.mark.parametrize("part", [0.9999, 0.4])
def test_below_the_accuracy_of_the_gridder(shape: tuple[int, int], part: float) -> None:
    """Over the whole image, edges too, for samples up to the edge of the uv plane, each array alone and both together."""
    uvw, vis, weight = samples(700, part)
    image, ones = np.full((2, *shape[::-1]), 9.0, np.float32)
    grid_half_plane(uvw, FREQ, vis, weight, shape, CELL, image, ones)
    for found, data in ((image, vis), (ones, np.ones_like(vis))):
        exact = direct(uvw, data, weight, shape)
        assert np.linalg.norm(found - exact) < 1e-5 * np.linalg.norm(exact)
        rim = np.ones(exact.shape, bool)
        rim[2:-2, 2:-2] = False
        assert np.linalg.norm((found - exact)[rim]) < 2e-5 * np.linalg.norm(exact[rim])
    alone = np.empty((2, *shape[::-1]), np.float32)
    grid_half_plane(uvw, FREQ, vis, weight, shape, CELL, alone[0], None)
    grid_half_plane(uvw, FREQ, None, weight, shape, CELL, None, alone[1])
    np.testing.assert_allclose(alone, np.stack([image, ones]), rtol=0, atol=1e-6 * np.abs(ones).max())


@pytest.mark.parametrize("offset", [(70, -40), (-9, 0)])
def test_windows(offset: tuple[int, int]) -> None:
    """Images away from the phase centre, of visibilities and of ones; the same bits with any number of threads."""
    shape, (uvw, vis, weight) = (64, 48), samples(400, 0.9)
    wider = shape[0] + 2 * abs(offset[0]), shape[1] + 2 * abs(offset[1])
    window = tuple(
        slice(abs(moved) + moved, abs(moved) + moved + count) for moved, count in zip(offset[::-1], shape[::-1], strict=True)
    )
    for given in (vis, None):
        exact = direct(uvw, np.ones_like(vis) if given is None else given, weight, wider)[window]
        found = []
        for count in (1, 3):
            set_thread_count(count)
            try:
                found.append(grid(uvw, FREQ, given, weight, GridOptions(shape, CELL, offset=offset)))
            finally:
                set_thread_count(None)
        assert np.linalg.norm(found[0] - exact) < 1e-5 * np.linalg.norm(exact)
        assert np.array_equal(*found)


def test_short_baselines_along_an_axis() -> None:
    """Samples at and about v = 0, which are in both halves, and those at the highest v."""
    uvw, vis, weight = samples(300, 0.9999)
    uvw[:100, 1] *= 1e-3
    uvw[100:150, 1] = 0.0
    uvw[150:200, :2] = 0.0
    uvw[200:, 1] = np.sign(uvw[200:, 1]) * 0.5 / CELL[1] * C / FREQ.max() * 0.99999
    image = np.empty((48, 64), np.float32)
    grid_half_plane(uvw, FREQ, vis, weight, (64, 48), CELL, image, None)
    exact = direct(uvw, vis, weight, (64, 48))
    assert np.linalg.norm(image - exact) < 1e-5 * np.linalg.norm(exact)


def test_any_number_of_threads() -> None:
    uvw, vis, weight = samples(3000, 0.9)
    found = []
    for count in (1, 2, 5):
        set_thread_count(count)
        try:
            pair = np.empty((2, 90, 100), np.float32)
            grid_half_plane(uvw, FREQ, vis, weight, (100, 90), CELL, pair[0], pair[1])
        finally:
            set_thread_count(None)
        found.append(pair)
    for other in found[1:]:
        np.testing.assert_allclose(other, found[0], rtol=0, atol=1e-6 * np.abs(found[0][1]).max())


def test_beside_the_other_gridder() -> None:
    uvw, vis, weight = samples(2000, 0.8)
    options = GridOptions((128, 128), CELL)
    image, ones = np.empty((2, 128, 128), np.float32)
    grid_pair(uvw, FREQ, vis, weight, options, image, ones)
    named: dict[str, Any] = {
        "uvw": uvw, "freq": FREQ, "wgt": weight, "npix_x": 128, "npix_y": 128, "pixsize_x": CELL[0], "pixsize_y": CELL[1], "epsilon": 1e-6,
        "do_wgridding": False, "flip_v": True, "divide_by_n": False,
    }  # fmt: skip
    for found, data in ((image, vis), (ones, np.ones_like(vis))):
        other = ducc0.wgridder.vis2dirty(vis=data, **named).T
        assert np.linalg.norm(found - other) < 2e-5 * np.linalg.norm(other)
    assert np.array_equal(grid(uvw, FREQ, vis, weight, options), image)


@pytest.mark.parametrize(
    ("uvw", "freq", "shape", "good"),
    [
        ([[100.0, 100.0, 0.0]], [1e9], (64, 64), True),
        ([[100.0, 100.0, 0.0]], [1e9], (64, 63), False),
        ([[100.0, 1e5, 0.0]], [1e9], (64, 64), False),
        ([[100.0, np.nan, 0.0]], [1e9], (64, 64), False),
        ([[100.0, 100.0, 0.0]], [np.nan], (64, 64), False),
        (np.zeros((0, 3)), [1e9], (64, 64), False),
    ],
)
def test_what_it_takes(uvw: Any, freq: Any, shape: tuple[int, int], good: bool) -> None:
    """Samples beyond the uv plane of the pixels, or at no place at all, are left to the other gridder."""
    assert fits_half_plane(np.asarray(uvw, float).reshape(-1, 3), np.asarray(freq), shape, CELL) == good


def test_pairs_that_do_not_fit_are_gridded_one_after_the_other() -> None:
    uvw, vis, weight = samples(200, 0.5)
    options = GridOptions((64, 48), CELL, wide_field=True)
    image, ones = np.empty((2, 48, 64), np.float32)
    grid_pair(uvw, FREQ, vis, weight, options, image, ones)
    np.testing.assert_allclose(image, grid(uvw, FREQ, vis, weight, options), rtol=0, atol=1e-6 * weight.sum())
    np.testing.assert_allclose(ones, grid(uvw, FREQ, None, weight, options), rtol=0, atol=1e-6 * weight.sum())
    assert ones[24, 32] == pytest.approx(weight.sum(), rel=1e-4)
