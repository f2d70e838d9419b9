"""Turns of directions against numpy's functions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from casatools.kernels import sphere_turns

LONGITUDE, LATITUDE = np.random.default_rng(1).uniform(-7, 7, 500), np.random.default_rng(2).uniform(-1.57, 1.57, 500)
POINT, SINE, COSINE = 1.2, math.sin(0.5), math.cos(0.5)


def vectors(longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    return np.array([np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)])


@pytest.fixture(params=["compiled", "plain"])
def ways(request: pytest.FixtureRequest) -> Any:
    """The functions compiled, and as Python reads them."""
    return (lambda f: f) if request.param == "compiled" else (lambda f: f.py_func)


def test_cosines_and_directions(ways: Any) -> None:
    east, north, radial = np.empty((3, 500))
    ways(sphere_turns.cosines_of_directions)(LONGITUDE, LATITUDE, 1.0, 1.0, POINT, SINE, COSINE, east, north, radial)
    x, y, z = vectors(LONGITUDE - POINT, LATITUDE)
    np.testing.assert_allclose([east, north, radial], [y, z * COSINE - x * SINE, z * SINE + x * COSINE], rtol=0, atol=5e-16)
    longitude, latitude = np.empty((2, 500))
    ways(sphere_turns.directions_of_cosines)(east, north, radial, POINT, SINE, COSINE, -math.pi, 0.5, 1.0, longitude, latitude)
    np.testing.assert_allclose(np.sin(0.5 * longitude - LONGITUDE), 0, atol=3e-13)
    np.testing.assert_allclose(latitude, LATITUDE, rtol=0, atol=2e-13)


def test_turned_and_rotated(ways: Any) -> None:
    around, above = np.empty((2, 500))
    ways(sphere_turns.turned_directions)(
        LONGITUDE / 2, LATITUDE, 2.0, 1.0, POINT, 0.3, SINE, COSINE, 0.0, 1.0, 1.0, around, above
    )
    assert around.min() >= 0.0 and around.max() <= 2 * math.pi
    x, y, z = vectors(LONGITUDE - POINT, LATITUDE)
    np.testing.assert_allclose(
        vectors(around - 0.3, above), [z * COSINE - x * SINE, -y, z * SINE + x * COSINE], rtol=0, atol=1e-15
    )
    matrix = np.array([[0.0, 1.0, 0.0], [COSINE, 0.0, -SINE], [SINE, 0.0, COSINE]])
    ways(sphere_turns.rotated_directions)(LONGITUDE, LATITUDE, matrix, around, above)
    np.testing.assert_allclose(vectors(around, above), matrix @ vectors(LONGITUDE, LATITUDE), rtol=0, atol=1e-15)


def test_every_quadrant_and_nan(ways: Any) -> None:
    places = [(0.0, 0.0), (1.0, 0.0), (0.0, -1.0), (-1.0, 0.0), (1.0, 1.0), (-0.7, -1.0), (3.0, -0.1), (math.nan, 1.0)]
    found = [ways(sphere_turns._arc_tangent)(y, x) for y, x in places]
    np.testing.assert_allclose(found, [math.atan2(y, x) for y, x in places], rtol=2e-16)


def test_offsets(ways: Any) -> None:
    across, up, longitude, latitude = np.empty((4, 500))
    ways(sphere_turns.offsets_of_directions)(LONGITUDE, LATITUDE, 1.0, 1.0, POINT, SINE, COSINE, across, up)
    x, y, z = vectors(LONGITUDE - POINT, LATITUDE)
    np.testing.assert_allclose(np.sin(up), z * COSINE - x * SINE, rtol=0, atol=1e-14)
    np.testing.assert_allclose(across, np.arctan2(y, z * SINE + x * COSINE) * np.cos(up), rtol=0, atol=1e-13)
    ways(sphere_turns.directions_of_offsets)(across * 2, up, 0.5, 1.0, POINT, SINE, COSINE, longitude, latitude)
    assert np.abs(longitude).max() <= 2 * math.pi
    np.testing.assert_allclose(np.sin(longitude / 2 - LONGITUDE) * np.cos(LATITUDE), 0, atol=1e-12)
    np.testing.assert_allclose(latitude, LATITUDE, rtol=0, atol=2e-13)
