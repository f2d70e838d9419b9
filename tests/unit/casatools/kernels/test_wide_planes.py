"""Samples that are taken to a plane of w, and screens, against their formulas."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from casatools.kernels.wide_planes import PLANE_STEPS, add_screened, plane_samples


@pytest.mark.parametrize(("run", "is_even"), [(add_screened, True), (add_screened, False), (add_screened.py_func, True)])
def test_screens(run: Any, is_even: bool) -> None:
    rng = np.random.default_rng(1)
    plane = (rng.standard_normal((20, 6)) + 1j * rng.standard_normal((20, 6))).astype(np.complex64)
    east, north = (np.arange(6) - 3) * 0.11, (np.arange(8) - 4 + (0 if is_even else 3)) * 0.09
    before = rng.standard_normal((8, 6)).astype(np.float32)
    image = before.copy()
    run(plane, east, north, is_even, 1234.5, image)
    n = np.sqrt(1 - east**2 - north[:, None] ** 2)
    seen = np.concatenate([plane[-4:], plane[:4]])
    np.testing.assert_allclose(image - before, (seen * np.exp(-2j * np.pi * 1234.5 * (n - 1))).real, atol=2e-6)


@pytest.mark.parametrize("run", [plane_samples, plane_samples.py_func])
def test_samples_of_a_plane(run: Any) -> None:
    """Rows in the order asked for; conjugates where v is negative; no weight where the plane is not reached."""
    distance = np.arange(2 * PLANE_STEPS + 2) / PLANE_STEPS - 1
    table = ((1 - distance**2) * np.exp(0.5j * distance)).astype(np.complex64)
    uvw = np.array([[1.0, 2.0, 3.3], [1.0, -2.0, -3.3], [0.0, 1.0, 9.0]])
    rows, scale = np.array([2, 0, 1]), np.array([1.0, 1.1])
    vis, weight = np.full((3, 2), 1 + 2j, np.complex64), np.arange(6, dtype=np.float32).reshape(3, 2) + 1
    for given in (vis, np.zeros((0, 0), np.complex64)):
        out = np.zeros((3, 3)), np.zeros((3, 2), np.complex64), np.full((3, 2), 9, np.float32)
        run(uvw, rows, scale, given, weight, 4.0, 1.0, table, 0, 3, *out)
        np.testing.assert_array_equal(out[0], uvw[rows])
        np.testing.assert_array_equal(out[2], [[0, 0], [1, 2], [3, 4]])
        far = 4.0 - 3.3 * scale
        factor = (1 - far**2) * np.exp(0.5j * far)
        one = vis[0, 0] if len(given) else 1
        np.testing.assert_allclose(out[1][1], factor * one, atol=1e-5)
        np.testing.assert_allclose(out[1][2], factor.conj() * one, atol=1e-5)
