"""Model images: degridding against a direct Fourier sum."""

from __future__ import annotations

import numpy as np
import pytest

from casatools._base.errors import PathMissingError
from casatools.calibration.model_image import ModelImage, open_model_image, tangent_axes


def test_against_direct_sum() -> None:
    rng = np.random.default_rng(0)
    pixels = np.zeros((33, 40))
    pixels[3, 5], pixels[20, 31], pixels[32, 39] = 1.0, 2.5, 0.7
    step = 2e-5
    image = ModelImage(pixels, (1.0, 0.5), (15.0, 21.0), (-step, step))
    uvw, frequency, centre = rng.normal(0, 3000, (50, 3)), np.array([1.4e9, 1.5e9]), np.array([1.0003, 0.4999])
    here, there = tangent_axes(*centre), tangent_axes(1.0, 0.5)
    want = np.zeros((50, 2), dtype=complex)
    for i, j in zip(*np.nonzero(pixels), strict=True):
        l, m = (i - 15) * -step, (j - 21) * step
        toward = l * there[0] + m * there[1] + np.sqrt(1 - l * l - m * m) * there[2]
        path = uvw @ (here @ toward - np.array([0.0, 0.0, 1.0]))
        want += pixels[i, j] * np.exp(2j * np.pi * np.outer(path, frequency) / 299792458.0)
    assert np.abs(image.visibilities(uvw, frequency, centre) - want).max() < 1e-5
    assert np.isclose(image.total_flux, 4.2)


def test_missing_image() -> None:
    with pytest.raises(PathMissingError, match="neither a path nor a calibrator model"):
        open_model_image("no such image.im")
