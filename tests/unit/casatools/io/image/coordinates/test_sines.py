"""Sines and cosines of many angles against the system's library."""

from __future__ import annotations

import numpy as np

from casatools.io.image.coordinates.sines import sines_and_cosines


def test_sines_and_cosines_to_the_last_digits() -> None:
    angles = np.concatenate([np.random.default_rng(1).uniform(-20, 20, 5000), np.arange(-8, 9) * np.pi / 4, [1e-300, -1e-9]])
    sine, cosine = sines_and_cosines(angles)
    np.testing.assert_allclose(sine, np.sin(angles), rtol=0, atol=5e-16)
    np.testing.assert_allclose(cosine, np.cos(angles), rtol=0, atol=5e-16)
    one, other = sines_and_cosines(np.float64(0.3))
    assert abs(one - np.sin(0.3)) < 5e-16 and abs(other - np.cos(0.3)) < 5e-16
