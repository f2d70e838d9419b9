"""The embedded example: its truth follows from its sky, and its sources are up."""

from __future__ import annotations

import numpy as np
import pytest

from casatools.frames.baselines import azimuth_elevation
from casatools.simulation.corruption import Corruption
from casatools.simulation.demo import DemoOptions, demo_observation, make_demo


def test_truth_and_size() -> None:
    observation, truth = demo_observation()
    assert 60_000 < observation.nrow < 80_000
    # Perley & Butler 2017, ApJS 230, 7: 3C286 has log S = 1.2481 - 0.4507 x - 0.1798 x^2 + 0.0357 x^3, x = log GHz.
    x = np.log10(np.mean(observation.spectral.freq_hz) / 1e9)
    assert truth.flux_jy == pytest.approx(10 ** (1.2481 - 0.4507 * x - 0.1798 * x**2 + 0.0357 * x**3), rel=1e-6)
    assert truth.gain_jy == pytest.approx(2.3 * (np.mean(observation.spectral.freq_hz) / 1.4e9) ** -0.6, rel=1e-6)
    assert 70.0 < truth.width_km_s < 100.0
    for scan in observation.scans:
        where = observation.fields[scan.field_id]
        elevation = azimuth_elevation(observation.times_s(scan), where.direction, observation.array.centre_m)[1]
        assert np.degrees(elevation.min()) > 30.0


def test_line_lies_in_the_middle_of_the_window() -> None:
    observation, _ = demo_observation()
    _, _, flux = observation.fields[2].sky.components(observation.spectral.freq_hz)
    line = flux[:-1].sum(axis=0)
    filled = np.flatnonzero(line > 0.02 * line.max())
    assert filled[0] > 5 and filled[-1] < observation.spectral.nchan - 6


def test_small_one_is_written() -> None:
    truth = make_demo(
        "demo.ms", DemoOptions(antennas_per_arm=2, cycles=1, target_integrations=2, corruption=Corruption(noise_jy=0.1))
    )
    assert truth.noise_jy == 0.1 and truth.bad_integrations == 5
