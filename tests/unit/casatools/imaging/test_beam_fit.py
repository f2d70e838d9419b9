"""Beam fits on known Gaussians and real point spread functions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from scipy.special import j1

from casatools._base.errors import DataError
from casatools.imaging import beam_fit
from casatools.imaging.beam_fit import GaussianBeam, fit_beam, gaussian_plane, sidelobe_level
from casatools.imaging.restoration import common_beam, convolve_to_beam, covariance, restore, smooth_residual

CELL = (1e-5, 1e-5)


@pytest.mark.parametrize(("major", "minor", "angle"), [(10.0, 6.0, 0.4), (3.2, 2.9, -1.0), (20.0, 20.0, 0.0)])
def test_a_gaussian_is_found(major: float, minor: float, angle: float) -> None:
    beam = GaussianBeam(major * 1e-5, minor * 1e-5, angle)
    found = fit_beam(gaussian_plane((128, 128), (64.0, 64.0), beam, CELL).astype(np.float32), CELL)
    assert found.major_rad == pytest.approx(beam.major_rad, rel=5e-3)
    assert found.minor_rad == pytest.approx(beam.minor_rad, rel=5e-3)
    if major != minor:
        assert found.angle_rad == pytest.approx(angle, abs=0.02)


def test_no_main_lobe() -> None:
    with pytest.raises(DataError, match="no main lobe"):
        fit_beam(np.zeros((32, 32), np.float32), CELL)
    ridge = np.broadcast_to(np.exp(-(((np.arange(64) - 32) / 8.0) ** 2))[:, None], (64, 64)).copy()
    ridge[32, 32] += 1e-6
    with pytest.raises(DataError, match="does not fall off"):
        fit_beam(ridge, CELL)


def _airy(major: float, ratio: float, angle_deg: float, spike: tuple[int, int] | None = None) -> np.ndarray:
    """A lobe that is no Gaussian, its first zero 1.2 `major` pixels from the peak, and a pair of sidelobes of one pixel."""
    y, x = np.mgrid[:128, :128] - 64.0
    turn = np.deg2rad(angle_deg)
    along, across = (x * np.cos(turn) + y * np.sin(turn)) / major, (y * np.cos(turn) - x * np.sin(turn)) / major * ratio
    r = np.hypot(along, across) * 3.2327 + 1e-9
    plane = 2 * j1(r) / r
    plane[64, 64] = 1
    if spike is not None:
        plane[64 + spike[1], 64 + spike[0]] = plane[64 - spike[1], 64 - spike[0]] = 0.5
    return np.asarray(plane, np.float32)


# What CASA 6.7 fits to these planes (synthesisutils.fitPsfBeam) [pixel].
@pytest.mark.parametrize(
    ("plane", "major", "minor"),
    [
        (_airy(2.5, 1.5, 30), 3.372, 2.280), (_airy(5, 1.2, 30), 6.864, 5.726), (_airy(8, 1.0, 0), 10.977, 10.977), (_airy(15, 2.0, 90), 20.587, 10.280),
        (_airy(3.5, 1.2, 30), 4.801, 4.001), (_airy(3.5, 1.2, 30, (12, 0)), 4.801, 4.001), (_airy(3.5, 1.2, 30, (0, 7)), 4.805, 4.009),
        (_airy(3.5, 1.2, 30, (0, 20)), 4.884, 3.982), (_airy(3.5, 1.2, 30, (15, 15)), 4.884, 3.982), (_airy(3.5, 1.2, 30, (0, 21)), 4.801, 4.001),
        (_airy(6, 1.2, 30, (5, 0)), 8.383, 6.880),
    ],
)  # fmt: skip
def test_beams_are_the_references(plane: np.ndarray, major: float, minor: float) -> None:
    found = fit_beam(plane, CELL)
    assert found.major_rad / CELL[0] == pytest.approx(major, abs=6e-4) and found.minor_rad / CELL[0] == pytest.approx(
        minor, abs=6e-4
    )


def test_a_lobe_of_few_pixels_is_looked_for_lower() -> None:
    """Sidelobes beside a lobe of five pixels: the fit is to the lobe at a lower cutoff, not to them."""
    found, lobe = (fit_beam(_airy(1.7, 1.3, 0, spike), CELL) for spike in ((2, 9), None))
    assert found.major_rad == pytest.approx(lobe.major_rad, rel=0.01) and found.minor_rad == pytest.approx(
        lobe.minor_rad, rel=0.01
    )


def test_sidelobe_level() -> None:
    beam = GaussianBeam(8e-5, 8e-5, 0.0)
    psf = gaussian_plane((64, 64), (32.0, 32.0), beam, CELL)
    psf[5, 5] = 0.3
    assert sidelobe_level(psf, beam, CELL) == pytest.approx(0.3, abs=1e-3)


def test_convolution_of_a_point_is_the_beam() -> None:
    beam = GaussianBeam(8e-5, 5e-5, 0.6)
    model = np.zeros((48, 64), np.float32)
    model[20, 40] = 2.0
    expected = 2.0 * gaussian_plane((48, 64), (40.0, 20.0), beam, CELL)
    np.testing.assert_allclose(convolve_to_beam(model, beam, CELL), expected, atol=2e-4)


def test_restore_adds_the_residual() -> None:
    beam = GaussianBeam(8e-5, 5e-5, 0.6)
    residual = np.full((32, 32), 0.25, np.float32)
    image = restore(np.zeros((32, 32), np.float32), residual, beam, beam, CELL)
    np.testing.assert_allclose(image, 0.25, atol=1e-6)


def test_smoothing_a_residual_to_a_larger_beam() -> None:
    own, target = GaussianBeam(6e-5, 5e-5, 0.3), GaussianBeam(9e-5, 8e-5, 0.1)
    residual = gaussian_plane((96, 96), (48.0, 48.0), own, CELL)
    result = smooth_residual(residual, own, target, CELL)
    np.testing.assert_allclose(result, gaussian_plane((96, 96), (48.0, 48.0), target, CELL), atol=1e-3)
    sharper = GaussianBeam(5e-5, 5e-5, 0.0)
    np.testing.assert_allclose(smooth_residual(residual, own, sharper, CELL), residual * sharper.area_rad2 / own.area_rad2)


def test_common_beam_holds_all() -> None:
    beams = [GaussianBeam(8e-5, 4e-5, 0.0), GaussianBeam(7e-5, 5e-5, 0.8)]
    found = common_beam(beams)
    assert all(np.linalg.eigvalsh(covariance(found) - covariance(b))[0] >= -1e-15 for b in beams)
    assert common_beam([beams[0], beams[0]]) == beams[0]
    crossed = common_beam([GaussianBeam(9e-5, 2e-5, 0.0), GaussianBeam(9e-5, 2e-5, np.pi / 2)])
    assert crossed.minor_rad >= 8.9e-5


def test_pixels_around_the_middle_hang_together() -> None:
    """Over their sides, as `scipy.ndimage.label` counts them."""
    rng = np.random.default_rng(5)
    for _ in range(50):
        chosen = rng.random((21, 21)) < 0.6
        labels, _count = ndimage.label(chosen)
        expected = chosen & (labels == labels[10, 10])
        np.testing.assert_array_equal(beam_fit._around_middle(chosen), expected)
