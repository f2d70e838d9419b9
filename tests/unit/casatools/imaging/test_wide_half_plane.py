"""The gridder of half planes with w against direct Fourier sums, and itself in more threads and in shares."""

from __future__ import annotations

import numpy as np
import pytest

from casatools._base.threads import set_thread_count
from casatools.imaging import wide_half_plane
from casatools.imaging.gridding import GridOptions, grid
from casatools.imaging.wide_half_plane import fits_sky

C = 299792458.0
FREQ = np.linspace(1.0e9, 1.2e9, 3)


def samples(rows: int, cell: tuple[float, float], high: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(6)
    reach = 0.5 / np.array(cell) * C / FREQ.max() * 0.95
    uvw = rng.uniform(-1, 1, (rows, 3)) * [*reach, high]
    vis = (rng.standard_normal((rows, 3)) + 1j * rng.standard_normal((rows, 3))).astype(np.complex64)
    return uvw, vis, np.where(rng.random((rows, 3)) < 0.1, 0, rng.uniform(0.1, 1, (rows, 3))).astype(np.float32)


@pytest.mark.parametrize(
    ("shape", "cell", "high", "offset"),
    [
        ((64, 48), (1e-2, 0.8e-2), 100.0, (0, 0)),
        ((32, 32), (1e-4, 1e-4), 120.0, (0, 0)),
        ((64, 48), (0.5e-2, 0.4e-2), 100.0, (70, -40)),
        ((64, 48), (0.5e-2, 0.4e-2), 100.0, (-9, 0)),
    ],
)
def test_below_the_accuracy_of_the_gridder(
    shape: tuple[int, int], cell: tuple[float, float], high: float, offset: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of visibilities and of ones, in one piece and in several, for an image in the middle and for windows away from it."""
    uvw, vis, weight = samples(400, cell, high)
    east, north = (
        -(np.arange(shape[0]) - shape[0] // 2 + offset[0]) * cell[0],
        (np.arange(shape[1]) - shape[1] // 2 + offset[1]) * cell[1],
    )
    n = np.sqrt(1 - east**2 - north[:, None] ** 2)
    path = uvw[:, 0, None, None] * east + uvw[:, 1, None, None] * north[:, None] + uvw[:, 2, None, None] * (n - 1)
    for given in (vis, None):
        data = weight * (1 if given is None else given)
        exact = sum(np.tensordot(data[:, k], np.exp(-2j * np.pi * path * hz / C), 1).real for k, hz in enumerate(FREQ))
        found = grid(uvw, FREQ, given, weight, GridOptions(shape, cell, True, offset=offset))
        assert np.linalg.norm(found - exact) < 1e-5 * np.linalg.norm(exact)
        with monkeypatch.context() as patch:
            patch.setattr(wide_half_plane, "_SAMPLES", 300)
            pieces = grid(uvw, FREQ, given, weight, GridOptions(shape, cell, True, offset=offset))
        np.testing.assert_allclose(pieces, found, rtol=0, atol=1e-6 * np.abs(found).max())


@pytest.mark.parametrize("offset", [(0, 0), (12, -6)])
@pytest.mark.parametrize("wide", [False, True])
def test_the_same_bits_in_any_number_of_threads(wide: bool, offset: tuple[int, int]) -> None:
    """And shares of the rows, gridded apart, add up to the image of all."""
    uvw, vis, weight = samples(4000, (1e-3, 1e-3), 300.0)
    options, found = GridOptions((100, 90), (1e-3, 1e-3), wide, offset=offset), []
    for count in (1, 2, 5):
        set_thread_count(count)
        try:
            found.append(grid(uvw, FREQ, vis, weight, options))
        finally:
            set_thread_count(None)
    assert np.array_equal(found[0], found[1]) and np.array_equal(found[0], found[2])
    shares = sum(grid(uvw[k::3], FREQ, vis[k::3], weight[k::3], options) for k in range(3))
    np.testing.assert_allclose(shares, found[0], rtol=0, atol=1e-6 * np.abs(found[0]).max())


def test_images_beyond_the_horizon_are_left_to_the_other_gridder() -> None:
    assert fits_sky((64, 64), (0.02, 0.02)) and not fits_sky((64, 64), (0.03, 0.03))
    assert not fits_sky((64, 64), (0.02, 0.02), (40, 0))
    uvw, vis, weight = samples(50, (0.03, 0.03), 5.0)
    assert np.isfinite(grid(uvw, FREQ, vis, weight, GridOptions((64, 64), (0.03, 0.03), True))).all()
