"""Interpolation in time and frequency; expected numbers without a formula are from CASA 6.7 on a table made for it."""

from __future__ import annotations

import numpy as np
import pytest

from casatools._base.errors import ParameterError
from casatools.calibration.interpolation import InterpolationMode, interpolate_frequency, interpolate_time, parse_interpolation


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        ("", InterpolationMode()),
        ("nearest", InterpolationMode("nearest")),
        ("linearPD", InterpolationMode(phase_delay=True)),
        ("nearest,linearflag", InterpolationMode("nearest", "linear", flag=True)),
        ("linear,spline,rel", InterpolationMode("linear", "spline", relative=True)),
        ("linearperobs,nearest", InterpolationMode("linear", "nearest", per_obs=True)),
        ("nearestperscan", InterpolationMode("nearest", per_scan=True)),
    ],
)
def test_parse(text: str, mode: InterpolationMode) -> None:
    assert parse_interpolation(text) == mode


@pytest.mark.parametrize("text", ["silly", "linear,silly", "cubic"])
def test_parse_refuses(text: str) -> None:
    with pytest.raises(ParameterError, match="allowed are nearest, linear"):
        parse_interpolation(text)


def test_time_linear_keeps_amplitude_of_a_turning_phase() -> None:
    gains = np.array([1.0, 1.1]) * np.exp(1j * np.deg2rad([170.0, 185.0]))
    got, flags = interpolate_time(np.array([0.0, 10.0]), gains, np.zeros(2, bool), np.array([-5.0, 5.0, 20.0]), "linear")
    assert np.allclose(np.abs(got), [1.0, 1.05, 1.1])
    assert np.allclose(np.rad2deg(np.angle(got)) % 360, [170.0, 177.5, 185.0])
    assert not flags.any()


def test_time_flags_come_from_the_solutions_used() -> None:
    flags = np.array([False, True, False])
    times = np.array([0.0, 10.0, 20.0])
    wanted = np.array([0.0, 5.0, 12.0, 20.0])
    assert interpolate_time(times, np.ones(3), flags, wanted, "linear")[1].tolist() == [False, True, True, False]
    assert interpolate_time(times, np.ones(3), flags, wanted, "nearest")[1].tolist() == [False, False, True, False]


GRID = np.array([1.404, 1.412, 1.416, 1.424]) * 1e9
WANTED = np.arange(8) * 4e6 + 1.4e9
SPECTRUM = (np.array([1.0, 1.2, 1.1, 1.5]) * np.exp(1j * np.deg2rad([170.0, 190.0, 120.0, 10.0])))[None, :, None]


def at(mode: str, *flagged: int) -> tuple[np.ndarray, np.ndarray]:
    flags = np.zeros((1, 4, 1), dtype=bool)
    flags[0, list(flagged)] = True
    values, bad = interpolate_frequency(GRID, SPECTRUM, flags, WANTED, parse_interpolation("nearest," + mode))
    return values[0, :, 0], bad[0, :, 0]


def test_frequency_linear() -> None:
    values, bad = at("linear")
    assert np.allclose(np.abs(values), [1.0, 1.0, 1.1, 1.2, 1.1, 1.3, 1.5, 1.5])
    assert np.allclose(np.rad2deg(np.angle(values)) % 360, [170, 170, 180, 190, 120, 65, 10, 10])
    assert not bad.any()


def test_frequency_goes_across_flagged_channels() -> None:
    values, bad = at("linear", 1)
    assert np.allclose(np.abs(values), [1, 1, 1.033333, 1.066667, 1.1, 1.3, 1.5, 1.5])
    assert not bad.any()
    assert at("linear", 0, 1, 2, 3)[1].all()


def test_frequency_flag_modes() -> None:
    assert at("linearflag", 1)[1].astype(int).tolist() == [1, 0, 1, 1, 0, 0, 0, 0]
    assert at("nearestflag", 1)[1].astype(int).tolist() == [0, 0, 0, 1, 0, 0, 0, 0]
    assert at("splineflag", 1)[1].astype(int).tolist() == [1, 0, 1, 1, 0, 1, 0, 1]


def test_frequency_nearest_and_curves() -> None:
    assert np.allclose(np.abs(at("nearest")[0]), [1, 1, 1, 1.2, 1.1, 1.1, 1.5, 1.5])
    assert np.allclose(np.abs(at("spline", 1)[0][[2, 3, 5]]), [0.98889, 1.01111, 1.275], atol=1e-5)
    cubic = interpolate_frequency(
        np.arange(6.0) * 1e6, (np.arange(6.0) ** 3)[None, :, None], np.zeros((1, 6, 1), bool), np.array([2.5e6]),
        parse_interpolation("linear,cubic"),
    )[0]  # fmt: skip
    assert np.isclose(cubic[0, 0, 0], 2.5**3)


def test_frequency_same_grid_is_untouched() -> None:
    values, _ = interpolate_frequency(GRID, SPECTRUM, np.zeros((1, 4, 1), bool), GRID, InterpolationMode())
    assert np.array_equal(values, SPECTRUM)
    turned, _ = interpolate_frequency(GRID[::-1], SPECTRUM[:, ::-1], np.zeros((1, 4, 1), bool), GRID, InterpolationMode())
    assert np.array_equal(turned, SPECTRUM)
