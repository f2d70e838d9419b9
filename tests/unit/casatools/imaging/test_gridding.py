"""The gridder against direct Fourier sums, and its adjoint."""

from __future__ import annotations

import numpy as np
import pytest

from casatools.imaging.gridding import GridOptions, degrid, grid, grid_pair

C = 299792458.0


@pytest.mark.parametrize("wide", [False, True])
def test_point_source_sign_and_place(wide: bool) -> None:
    """V = exp(+2 pi i (u l + v m + w (n - 1))), l to the east (smaller x), peaks at its pixel."""
    rng = np.random.default_rng(1)
    options = GridOptions((64, 48), (2e-3, 2e-3), wide, 1e-6)
    uvw = rng.uniform(-20, 20, (3000, 3)) * [1, 1, 0.5]
    freq = np.array([1.0e9])
    east, north = 7 * 2e-3, -5 * 2e-3
    n = np.sqrt(1 - east**2 - north**2)
    phase = uvw[:, 0] * east + uvw[:, 1] * north + (uvw[:, 2] * (n - 1) if wide else 0)
    vis = np.exp(2j * np.pi * phase[:, None] * freq / C).astype(np.complex64)
    weight = np.ones((3000, 1), np.float32)
    image = grid(uvw, freq, vis, weight, options) / weight.sum()
    assert image.shape == (48, 64)
    assert np.unravel_index(image.argmax(), image.shape) == (24 - 5, 32 - 7)
    assert image.max() == pytest.approx(1.0, abs=1e-5)


def test_against_a_direct_sum() -> None:
    rng = np.random.default_rng(2)
    options = GridOptions((16, 16), (1e-3, 1e-3), False, 1e-6)
    uvw, freq = rng.uniform(-100, 100, (50, 3)), np.array([1.0e9, 1.2e9])
    vis = (rng.standard_normal((50, 2)) + 1j * rng.standard_normal((50, 2))).astype(np.complex64)
    weight = rng.uniform(0, 1, (50, 2)).astype(np.float32)
    image = grid(uvw, freq, vis, weight, options)
    expected = np.zeros((16, 16))
    for y in range(16):
        for x in range(16):
            east, north = -(x - 8) * 1e-3, (y - 8) * 1e-3
            phase = (uvw[:, :1] * east + uvw[:, 1:2] * north) * freq / C
            expected[y, x] = (weight * vis * np.exp(-2j * np.pi * phase)).real.sum()
    np.testing.assert_allclose(image, expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("rows", [50, 5000])
def test_images_of_few_and_of_many_pixels_for_each_row(rows: int) -> None:
    """Both orders that the gridder is given images in, into an array that is there."""
    rng = np.random.default_rng(3)
    options = GridOptions((64, 32), (1e-3, 2e-3), False, 1e-6, offset=(4, -6))
    uvw, freq = rng.uniform(-100, 100, (rows, 3)), np.array([1.0e9])
    vis = (rng.standard_normal((rows, 1)) + 1j * rng.standard_normal((rows, 1))).astype(np.complex64)
    weight = rng.uniform(0, 1, (rows, 1)).astype(np.float32)
    taken = np.full((32, 64), 9.0, np.float32)
    image = grid(uvw, freq, vis, weight, options, into=taken)
    assert np.shares_memory(image, taken)
    again = grid(uvw, freq, vis, weight, options)
    np.testing.assert_allclose(again, taken, atol=1e-6 * np.abs(taken).max())
    east, north = -(np.arange(64) + 4 - 32) * 1e-3, (np.arange(32) - 6 - 16) * 2e-3
    waves = [np.exp(-2j * np.pi * uvw[:, k][:, None] * place[None, :] * freq[0] / C) for k, place in enumerate((east, north))]
    expected = np.einsum("r,rx,ry->yx", (weight * vis)[:, 0], *waves).real
    np.testing.assert_allclose(image, expected, atol=1e-4 * np.abs(expected).max())
    seen = degrid(uvw, freq, image, None, options)[:, 0]
    np.testing.assert_allclose(seen, np.einsum("yx,rx,ry->r", image, *(w.conj() for w in waves)), atol=1e-4 * np.abs(seen).max())


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("shape", [(33, 32), (32, 31), (35, 33)])
def test_odd_sizes(shape: tuple[int, int], wide: bool) -> None:
    """The phase centre is at the pixel ``n // 2``, whatever the size; data and ones, into arrays that are there, and back."""
    rng = np.random.default_rng(7)
    nx, ny = shape
    options = GridOptions(shape, (1e-3, 1.2e-3), wide)
    uvw, freq = rng.uniform(-100, 100, (300, 3)), np.array([1.0e9])
    vis = (rng.standard_normal((300, 1)) + 1j * rng.standard_normal((300, 1))).astype(np.complex64)
    weight = rng.uniform(0, 1, (300, 1)).astype(np.float32)
    east, north = -(np.arange(nx) - nx // 2) * 1e-3, (np.arange(ny) - ny // 2) * 1.2e-3
    n = np.sqrt(1 - east[None, :] ** 2 - north[:, None] ** 2) - 1
    path = uvw[:, 0, None, None] * east + uvw[:, 1, None, None] * north[:, None] + (uvw[:, 2, None, None] * n if wide else 0.0)
    waves = np.exp(-2j * np.pi * path * freq / C)
    image, ones = np.empty((ny, nx), np.float32), np.empty((ny, nx), np.float32)
    grid_pair(uvw, freq, vis, weight, options, image, ones)
    for found, values in ((image, weight * vis), (ones, weight)):
        expected = np.einsum("r,ryx->yx", values[:, 0], waves).real
        assert np.linalg.norm(found - expected) < 1e-5 * np.linalg.norm(expected)
    np.testing.assert_allclose(grid(uvw, freq, vis, weight, options), image, atol=1e-6 * np.abs(image).max())
    seen = degrid(uvw, freq, image, None, options)[:, 0]
    expected = np.einsum("yx,ryx->r", image, waves.conj())
    assert np.linalg.norm(seen - expected) < 2e-5 * np.linalg.norm(expected)


def test_degrid_is_the_adjoint() -> None:
    rng = np.random.default_rng(4)
    options = GridOptions((32, 32), (1e-3, 1e-3), True, 1e-6)
    uvw, freq = rng.uniform(-100, 100, (80, 3)), np.array([1.0e9])
    vis = (rng.standard_normal((80, 1)) + 1j * rng.standard_normal((80, 1))).astype(np.complex64)
    model = rng.standard_normal((32, 32)).astype(np.float32)
    left = float((grid(uvw, freq, vis, np.ones((80, 1), np.float32), options) * model).sum())
    right = float((np.conj(degrid(uvw, freq, model, None, options)) * vis).sum().real)
    assert left == pytest.approx(right, rel=1e-4)


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("epsilon", [1e-5, 1e-7])
@pytest.mark.parametrize("offset", [(0, 0), (12, -6)])
def test_adjoint_to_1e_10_in_double_precision(wide: bool, epsilon: float, offset: tuple[int, int]) -> None:
    """<V, A x> = <A^H V, x> of visibilities, weights and images in double precision, at any accuracy of the gridder."""
    rng = np.random.default_rng(5)
    options = GridOptions((48, 32), (1e-3, 1.2e-3), wide, epsilon, offset, double=True)
    uvw, freq = rng.uniform(-120, 120, (500, 3)), np.array([1.0e9, 1.1e9])
    vis = rng.standard_normal((500, 2)) + 1j * rng.standard_normal((500, 2))
    weight = rng.uniform(0.1, 1.0, (500, 2))
    model = rng.standard_normal((32, 48))
    image, seen = grid(uvw, freq, vis, weight, options), degrid(uvw, freq, model, None, options)
    assert image.dtype == np.float64 and seen.dtype == np.complex128
    left, right = float((image * model).sum()), float((weight * np.conj(seen) * vis).sum().real)
    norm = float(np.linalg.norm(seen) * np.linalg.norm(weight * vis))
    assert abs(left - right) < 1e-10 * norm


@pytest.mark.parametrize("wide", [False, True])
def test_below_the_requested_accuracy(wide: bool) -> None:
    """At the default accuracy the error against a direct Fourier transform, as ducc0 defines it, is below 1e-5; in single precision too."""
    rng = np.random.default_rng(6)
    for double in (False, True):
        options = GridOptions((32, 32), (1e-3, 1e-3), wide, double=double)
        uvw, freq = rng.uniform(-120, 120, (300, 3)), np.array([1.0e9])
        vis = rng.standard_normal((300, 1)) + 1j * rng.standard_normal((300, 1))
        weight = rng.uniform(0.1, 1.0, (300, 1))
        east, north = -(np.arange(32) - 16) * 1e-3, (np.arange(32) - 16) * 1e-3
        n = np.sqrt(1 - east[None, :] ** 2 - north[:, None] ** 2) - 1
        phase = uvw[:, 0, None, None] * east[None, None] + uvw[:, 1, None, None] * north[None, :, None]
        phase = (phase + (uvw[:, 2, None, None] * n[None] if wide else 0.0)) * freq / C
        exact = ((weight * vis)[:, 0, None, None] * np.exp(-2j * np.pi * phase)).real.sum(axis=0)
        found = grid(uvw, freq, vis.astype(np.complex64), weight.astype(np.float32), options)
        assert np.linalg.norm(found - exact) < 1e-5 * np.linalg.norm(exact)
