"""Interpolation onto other channels: exact where theory says so, and CASA's taps for wide channels."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.interpolate import CubicSpline

from casatools._base.errors import ParameterError
from casatools.transform.channel_operators import INTERPOLATIONS, ChannelMap, average_taps, interpolation_taps, shift_channels

CENTRE = 1.418e9 + 1e5 * np.arange(32)


def channel_map(start: float, width: float, count: int, kind: str = "linear", averages: bool = True) -> ChannelMap:
    """Channels whose centres begin at `start`, in old channels."""
    low = CENTRE[0] + 1e5 * (start - 0.5 * width + width * np.arange(count))
    return ChannelMap(CENTRE, low, low + 1e5 * width, kind, 1e5, averages)


def spectra(function) -> np.ndarray:
    return np.broadcast_to(function(np.arange(32.0)).astype(np.complex64)[None, :, None], (3, 32, 2))


@pytest.mark.parametrize("kind", ["linear", "cubic", "spline"])
def test_a_linear_spectrum_is_exact(kind: str) -> None:
    found, _, _ = channel_map(3.3, 1.4, 12, kind).mapper(1.0, 1.0)
    expected = 2.0 - 0.5j * (3.3 + 1.4 * np.arange(12))
    np.testing.assert_allclose(found(spectra(lambda x: 2.0 - 0.5j * x))[0, :, 0], expected, rtol=1e-6)


def test_cubic_is_exact_for_cubics_also_at_the_edges() -> None:
    found, _, _ = channel_map(0.2, 1.0, 31, "cubic").mapper(1.0, 1.0)
    x = 0.2 + np.arange(31)
    np.testing.assert_allclose(
        found(spectra(lambda x: 1 + x - 0.1 * x**3))[1, :, 1].real, 1 + x - 0.1 * x**3, rtol=1e-5, atol=1e-3
    )


def test_nearest_takes_one_channel() -> None:
    taps = interpolation_taps(CENTRE, CENTRE[0] + 1e5 * np.array([2.4, 2.6, 31.0, 40.0]), "nearest")
    assert taps.index.tolist() == [2, 3, 31, 31] and taps.outside.tolist() == [False, False, False, True]


def test_channels_that_are_hit_do_not_depend_on_their_neighbours() -> None:
    taps = interpolation_taps(CENTRE, CENTRE + 1e-3, "linear")
    assert taps.index.tolist() == list(range(32)) and np.all(taps.share == 1.0)


def test_wide_channels_are_means_over_points() -> None:
    """CASA 6.7: responses to single channels of 10 new channels of width 2 from channel 5 on."""
    taps = channel_map(5, 2, 10).taps(1.0, "linear")
    matrix = taps.apply(np.eye(32, dtype=np.complex64)[:, :, None])[:, :, 0].real.T
    np.testing.assert_allclose(matrix[0, 4:7], [0.34375, 0.375, 0.28125], atol=1e-6)
    np.testing.assert_allclose(matrix[1, 6:9], [1 / 6, 13 / 24, 7 / 24], atol=1e-6)
    np.testing.assert_allclose(matrix.sum(axis=1), 1.0, rtol=1e-6)
    np.testing.assert_allclose((matrix * np.arange(32)).sum(axis=1)[:6], [4.9375, 7.125, 9.0, 10.875, 12.75, 14.9375], rtol=1e-6)
    # Just below twice the width, or after a preaverage, there is one point in each.
    assert np.all(np.diff(channel_map(5, 1.99, 10).taps(1.0, "linear").first) <= 2)
    assert channel_map(5, 2.5, 10, averages=False).points[1] is None
    # As many points as it takes for each new channel to have one.
    assert np.all(np.diff(channel_map(5, 2, 40).taps(1.0, "linear").first) > 0)


def test_flags_of_all_points_count() -> None:
    flag = np.zeros((1, 32, 1), dtype=bool)
    flag[0, 5] = True
    assert channel_map(5, 2, 10).taps(1.0, "linear").apply_flags(flag)[0, :, 0].tolist() == [True] + [False] * 9
    assert channel_map(30, 1, 4).taps(1.0, "linear").apply_flags(flag)[0, :, 0].tolist() == [False, False, True, True]


def test_average_taps_leaves_out_what_has_no_owner() -> None:
    fine = interpolation_taps(CENTRE, CENTRE[:4], "nearest")
    out = average_taps(fine, np.array([-1, 0, 0, 1]), 2)
    assert out.index.tolist() == [1, 2, 3] and out.share.tolist() == [0.5, 0.5, 1.0]


def test_fourier_shift_and_back() -> None:
    rng = np.random.default_rng(1)
    values = np.fft.ifft(np.where(np.abs(np.fft.fftfreq(33)) < 0.4, np.fft.fft(rng.normal(size=33)), 0)).astype(np.complex64)
    values = np.broadcast_to(values[None, :, None], (2, 33, 2))
    np.testing.assert_allclose(shift_channels(shift_channels(values, 0.37), -0.37), values, atol=1e-6)
    wave = np.exp(2j * np.pi * 3 * np.arange(33) / 33)
    np.testing.assert_allclose(
        shift_channels(np.ascontiguousarray(wave.astype(np.complex64)[None, :, None]), 0.25)[0, :, 0],
        wave * np.exp(2j * np.pi * 3 * 0.25 / 33),
        atol=1e-6,
    )
    constant = np.full((1, 8, 1), 2.0, dtype=np.float32)
    np.testing.assert_allclose(shift_channels(constant, 0.3), 2.0, rtol=1e-6)


def test_fftshift_follows_a_drift_of_the_frame() -> None:
    one = channel_map(5, 1, 20, "fftshift")
    function, _, drift = one.mapper(1.0 + 1e-7, 1.0)
    assert drift == pytest.approx(-1e-7 * (CENTRE[0] + 1.45e6) / 1e5, rel=1e-4)
    np.testing.assert_allclose(function(spectra(lambda x: 0 * x + 3.0)), 3.0, rtol=1e-5)
    function, table, drift = one.mapper(1.0, 1.0)
    assert drift == 0.0 and function == table.apply


def natural_spline(position: np.ndarray) -> np.ndarray:
    """Responses of scipy's natural cubic spline to single channels: (new, old)."""
    return np.asarray(CubicSpline(np.arange(32), np.eye(32), bc_type="natural")(position))


def lagrange(position: np.ndarray) -> np.ndarray:
    """Responses of the polynomials through the four nearest channels."""
    first = np.clip(np.floor(position).astype(int) - 1, 0, 28)
    out = np.zeros((len(position), 32))
    for k in range(4):
        others = [m for m in range(4) if m != k]
        out[np.arange(len(position)), first + k] = np.prod([(position - first - m) / (k - m) for m in others], axis=0)
    return out


def fourier(position: np.ndarray) -> np.ndarray:
    """Responses of waves of up to half the sampling frequency that are shifted by a part of a channel."""
    turn = 2 * np.pi * np.arange(-15, 16) / 32
    waves = np.exp(1j * turn * (position[:, None, None] - np.arange(32)[None, :, None])).sum(axis=2).real
    return (waves + np.cos(np.pi * (position[:, None] - np.arange(32)))) / 32


@pytest.mark.parametrize(
    ("kind", "truth"),
    [("spline", natural_spline), ("cubic", lagrange), ("fftshift", fourier)],
    ids=["spline", "cubic", "fftshift"],
)
@pytest.mark.parametrize("drift", [-0.0057, -0.31, 0.25])
def test_every_new_channel_is_what_theory_gives(kind: str, truth: Callable[[np.ndarray], np.ndarray], drift: float) -> None:
    """Channels that the motion of the frame has moved a little. CASA 6.7's spline differs in the first two intervals by 0.07 of a channel's value
    (1.5 where the first lies beyond the data), its fftshift takes channel 1 for channel 0 (other responses differ by up to 0.005, not in alternating sign)."""
    factor = 1.0 - drift * 1e5 / CENTRE[16]
    function, _, _ = channel_map(0, 1, 32, kind).mapper(factor, 1.0)
    found = function(np.eye(32, dtype=np.complex64)[:, :, None])[:, :, 0].real.T
    position = (CENTRE / factor - CENTRE[0]) / 1e5
    inside = slice(None) if kind == "fftshift" else (position >= 0) & (position <= 31)
    np.testing.assert_allclose(
        found[inside], truth(position)[inside], atol=6e-4 if kind == "fftshift" else 1e-6
    )  # one shift for all channels


@pytest.mark.parametrize("kind", INTERPOLATIONS)
def test_channels_that_rounding_moves_take_neither_flags_nor_edges(kind: str) -> None:
    """CASA 6.7 flags the channel after a flagged one, and the first channel of some frames (BARY, LGROUP), which rounding moves 1e-10 of a channel out."""
    flag = np.zeros((1, 32, 1), dtype=bool)
    flag[:, 12:14] = True
    for off in (-1e-9, 0.0, 1e-9):
        _, table, drift = channel_map(off, 1, 32, kind).mapper(1.0, 1.0)
        assert drift == 0
        np.testing.assert_array_equal(table.apply_flags(flag), flag)


@pytest.mark.parametrize("kind", ["nearest", "linear", "cubic", "spline"])
@pytest.mark.parametrize("width", [2, 3, 5])
def test_wide_channels_stand_for_their_place_to_half_a_point(kind: str, width: int) -> None:
    """Points on common edges are the upper channel's; in CASA rounding decides (up to 0.5 of a channel's response between the two)."""
    chosen = channel_map(width, width, 28 // width - 1, kind)
    found = chosen.mapper(1.0, 1.0)[0](spectra(lambda x: x))[0, :, 0].real
    points = np.diff(np.asarray(chosen.points[0])).max() / 1e5
    assert np.abs(found - width * np.arange(1, 28 // width)).max() <= 0.5 * points + (0.5 if kind == "nearest" else 1e-5)


def test_few_channels_and_bad_names() -> None:
    single = ChannelMap(CENTRE[:1], CENTRE[:1] - 5e4, CENTRE[:1] + 5e4, "spline", 1e5)
    np.testing.assert_array_equal(single.mapper(1.0, 1.0)[0](np.full((1, 1, 1), 2, np.complex64)), 2)
    wide = channel_map(5, 3, 4, "spline").mapper(1.0, 1.0)[0](spectra(lambda x: x))
    np.testing.assert_allclose(wide[0, :, 0].real, 5 + 3 * np.arange(4), atol=0.2)
    with pytest.raises(ParameterError, match="interpolation"):
        channel_map(5, 2, 10, "magic")


@pytest.mark.parametrize("kind", ["linear", "cubic", "spline"])
def test_values_are_continued_beyond_the_outermost_channels(kind: str) -> None:
    """CASA's cubic and spline extrapolate."""
    values = np.array([7.0, 5.0, 7.5, 5.3, 7.2, 4.2], dtype=np.complex64)[None, :, None]
    chosen = ChannelMap(np.arange(6.0), np.array([-0.9, 4.7]), np.array([0.1, 5.7]), kind, 1.0)
    function, table, _ = chosen.mapper(1.0, 1.0)
    assert function(values)[0, :, 0] == pytest.approx([7.0, 4.2]) and table.outside.all()
