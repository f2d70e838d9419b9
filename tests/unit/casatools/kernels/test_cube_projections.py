"""Loops of cubes: compiled and as Python reads them (against wcslib: `test_many_points`)."""

from __future__ import annotations

import numpy as np
import pytest

from casatools.kernels import cube_projections

LONGITUDE, LATITUDE = np.random.default_rng(1).uniform(-3.1, 3.1, 60), np.random.default_rng(2).uniform(-1.5, 1.5, 60)


@pytest.mark.parametrize("kind", ["tangent_cube", "cobe_cube", "area_cube"])
def test_there_and_back(kind: str) -> None:
    out, into = getattr(cube_projections, f"{kind}_of_native"), getattr(cube_projections, f"native_of_{kind}")
    plane, plain, sky = np.empty((3, 2, LONGITUDE.size))
    out(LONGITUDE, LATITUDE, *plane)
    out.py_func(LONGITUDE, LATITUDE, *plain)
    np.testing.assert_allclose(plane, plain, rtol=0, atol=1e-13)
    into(*plane, *sky)
    near = 1e-3 if kind == "cobe_cube" else 1e-13  # a fit
    np.testing.assert_allclose(np.sin(sky[0] - LONGITUDE) * np.cos(LATITUDE), 0, atol=near)
    np.testing.assert_allclose(sky[1], LATITUDE, rtol=0, atol=near)
    into.py_func(*plane, *plain)
    np.testing.assert_allclose(sky, plain, rtol=0, atol=1e-13)


def test_beyond_the_faces() -> None:
    x, y = np.array([1.0, 6.0, 0.0, -6.0]), np.array([1.0, 0.0, 2.5, 0.0])
    sky = np.empty((2, 4))
    for kind in ("tangent_cube", "cobe_cube", "area_cube"):
        getattr(cube_projections, f"native_of_{kind}")(x, y, *sky)
        assert np.isnan(sky).all()
