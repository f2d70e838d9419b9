"""Planes sampled between pixels: linear functions are exact everywhere, a whole pixel beyond the edges too."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from casatools.kernels.plane_interpolation import bilinear_plane, cubic_plane, nearest_plane


@pytest.mark.parametrize("interpolate", [bilinear_plane, cubic_plane])
def test_a_slope_is_exact_to_one_pixel_beyond_the_edge(interpolate: Callable[..., None]) -> None:
    rows, columns = np.mgrid[:6, :9]
    plane = 2.0 + 3.0 * columns - 5.0 * rows
    x, y = np.meshgrid([-1.0, -0.4, 0.0, 2.5, 8.0, 8.6, 9.0], [-1.0, 0.25, 3.0, 5.0, 6.0])
    out, good = np.full(x.shape, np.nan), np.zeros(x.shape, bool)
    interpolate(plane, np.ones(plane.shape, bool), x, y, np.ones(x.shape, bool), out, good)
    assert good.all()
    np.testing.assert_allclose(out, 2.0 + 3.0 * x - 5.0 * y, atol=1e-12)


@pytest.mark.parametrize("interpolate", [bilinear_plane, cubic_plane, nearest_plane])
def test_what_is_not_wanted_or_not_good_is_zero(interpolate: Callable[..., None]) -> None:
    plane, fine = np.full((5, 5), 7.0), np.ones((5, 5), bool)
    fine[2, 2] = False
    x, y = np.array([[1.0, 2.0, 3.0]]), np.array([[1.0, 2.0, 4.0]])
    out, good = np.full((1, 3), np.nan), np.ones((1, 3), bool)
    interpolate(plane, fine, x, y, np.array([[True, True, False]]), out, good)
    assert good.tolist() == [[True, False, False]] and out.tolist() == [[7.0, 0.0, 0.0]]
