"""The smallest beam that holds others, and the grid that beams are fitted on."""

from __future__ import annotations

import numpy as np
import pytest

from casatools.imaging.beam_fit import GaussianBeam, fit_beam
from casatools.imaging.frequency_grid import continuum_axis
from casatools.imaging.restoration import common_beam, covariance

# Beams (major, minor, angle in degrees) and what CASA 6.7 gives for them.
CASES = [
    ([(11.22455, 4.4666, 35.01719), (9.65934, 5.72841, 27.41283)], (11.33989, 5.80365, 31.60089)),
    ([(8.78801, 5.86084, 19.61744), (11.9938, 6.13547, 25.76843)], (11.9938, 6.13547, 25.76843)),
    (
        [
            (9.37096, 6.84358, 29.74019),
            (9.77665, 4.96909, 50.18191),
            (10.45167, 6.45214, 43.65458),
            (10.20954, 5.61645, 20.39711),
        ],
        (11.19781, 6.97494, 35.15302),
    ),
]


@pytest.mark.parametrize(("given", "wanted"), CASES)
def test_smallest_beam(given: list[tuple[float, float, float]], wanted: tuple[float, float, float]) -> None:
    beams = [GaussianBeam(a, b, float(np.deg2rad(p))) for a, b, p in given]
    found = common_beam(beams)
    np.testing.assert_allclose([found.major_rad, found.minor_rad, np.rad2deg(found.angle_rad)], wanted, rtol=1e-4)
    assert min(float(np.linalg.eigvalsh(covariance(found) - covariance(b))[0]) for b in beams) > -1e-9


def test_oblong_images_are_fitted_on_their_own_grid() -> None:
    """A lobe that is no Gaussian: a square image is put on a finer grid, an oblong one is not, as in CASA."""
    y, x = np.mgrid[-40:40, -48:48]
    psf = (1.0 / (1.0 + (x / 3.0) ** 2 + (y / 2.0) ** 2)).astype(np.float32)
    oblong, square = fit_beam(psf, (1e-5, 1e-5)), fit_beam(np.ascontiguousarray(psf[:, 8:88]), (1e-5, 1e-5))
    assert 1e-4 < abs(oblong.major_rad / square.major_rad - 1) < 0.05


def test_continuum_axis_without_rest_frequency() -> None:
    axis = continuum_axis([(1.0e9, 1.2e9)], "LSRK", 0.0, "1.15GHz")
    assert axis.rest_hz == 1.1e9
    assert axis.width_hz == pytest.approx(0.3e9)
