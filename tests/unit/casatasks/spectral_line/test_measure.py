"""Measuring of the main job, on images and spectra made from formulas."""

from __future__ import annotations

import numpy as np
import pytest

from casatasks.spectral_line.measure import (
    brightest_point,
    channel_velocities,
    fitted_channels,
    island_box,
    line_profile,
    line_width,
    masked_plane,
)


def test_fitted_channels_reads_a_selection() -> None:
    assert np.flatnonzero(fitted_channels("0:2~4;7;9~30", 12)).tolist() == [2, 3, 4, 7, 9, 10, 11]
    assert not fitted_channels("", 12).any()


def test_peak_of_a_gaussian_is_exact() -> None:
    x, y = np.mgrid[0:40, 0:30]
    plane = 3.0 * np.exp(-((x - 21.37) ** 2) / 9.0 - ((y - 11.81) ** 2) / 13.0)
    np.testing.assert_allclose(brightest_point(plane), (21.37, 11.81, 3.0), rtol=1e-12)
    plane[39, 29] = 9.0
    assert brightest_point(plane) == (39.0, 29.0, 9.0)


def test_island_is_the_one_with_the_peak() -> None:
    plane = np.zeros((30, 20))
    plane[10:14, 5:8] = 2.0
    plane[12, 6] = 5.0
    plane[25, 15] = 4.0
    plane[0, 0] = np.nan
    assert island_box(plane, 1.0, 2) == (8, 3, 15, 9)
    assert island_box(plane, 1.0, 12) == (0, 0, 25, 19)
    assert island_box(plane, 100.0, 0) == (12, 6, 12, 6)


def test_width_is_interpolated() -> None:
    velocity = np.arange(0.0, 50.0, 5.0)
    flux = np.array([0, 0, 1, 4, 3, 4, 4, 1, 0, 0], dtype=float)
    low, high = line_width(velocity, flux)
    assert (low, high) == pytest.approx((10.0 + 5.0 / 3.0, 30.0 + 5.0 * 2.0 / 3.0))
    assert line_width(velocity[3:6], flux[3:6]) == (15.0, 25.0)


def test_profile_of_a_boxy_line() -> None:
    velocity = 1000.0 + 5.0 * np.arange(40)
    flux = 0.2 / (1.0 + np.exp((np.abs(velocity - 1097.5) - 40.0) / 3.0))
    profile = line_profile(velocity, flux, np.abs(velocity - 1097.5) < 70, noise=0.002, scale_error=0.0)
    assert profile.flux == pytest.approx(16.0, rel=1e-3)
    assert profile.systemic == pytest.approx(1097.5, abs=1e-6)
    assert profile.width == pytest.approx(80.0, rel=0.02)
    assert profile.flux_error == pytest.approx(0.002 * 5.0 * np.sqrt((np.abs(velocity - 1097.5) < 70).sum()))
    assert profile.width_error == pytest.approx(2.0 * profile.systemic_error)


def test_velocities_and_masks() -> None:
    assert channel_velocities(np.array([1.42e9 * 0.99]), 1.42e9)[0] == pytest.approx(2997.92458)
    plane = masked_plane({"data": np.ones((2, 1)), "mask": np.array([[True], [False]])})
    assert np.isnan(plane[1, 0]) and plane[0, 0] == 1.0
