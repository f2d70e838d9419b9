"""The primary beam against values of a .pb image that CASA 6.7 made (VLA, 1.413434 GHz, 15 arcsec pixels)."""

from __future__ import annotations

import numpy as np
import pytest

from casatools.imaging.primary_beam import airy_power, dish_power, radius_plane
from casatools.io.image.coordinates.make import make_image_coordinates


def test_airy() -> None:
    assert airy_power(np.array([0.0]))[0] == 1.0
    assert airy_power(np.array([3.8317059702075125]))[0] == pytest.approx(0.0, abs=1e-12)
    assert airy_power(np.array([1.61633]))[0] == pytest.approx(0.5, abs=1e-4)


def test_reference_values() -> None:
    cell = np.radians(15 / 3600)
    coordinates = make_image_coordinates((512, 512), (cell, cell), (1.0, 0.5), [1.41343411673725e9])
    beam = dish_power(radius_plane(coordinates, (512, 512)), 25.0, 1.41343411673725e9)
    expected = {
        0: 1.0,
        5: 0.9996355,
        10: 0.9948317,
        20: 0.9484673,
        40: 0.75691015,
        60: 0.5097528,
        80: 0.27750313,
        100: 0.110689856,
    }
    for pixel, value in expected.items():
        assert beam[256, 256 + pixel] == pytest.approx(value, abs=1.5e-3)
    assert beam[0, 0] == 0.0
