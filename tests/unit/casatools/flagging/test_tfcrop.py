"""tfcrop: bases and clips against slow transcriptions and against what CASA 6.7 was seen to do; injected interference with truth."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from casacore.tables import table

from casatools.flagging.commands import make_command
from casatools.flagging.run import run_commands
from casatools.kernels import tfcrop as loops

# The mean spectrum that CASA 6.7.0 was given, and the base it divided by (found to 1e-4 by bracketing with probe samples).
SPECTRUM = np.array([
    9.976, 10.131, 10.132, 10.203, 10.102, 18.231, 10.418, 10.574, 10.211, 10.677, 10.702, 10.667, 10.640, 10.603, 10.919, 11.044,
    11.070, 11.047, 10.954, 10.769, 15.999, 16.148, 10.907, 11.209, 11.264, 11.354, 11.122, 11.251, 11.335, 11.275, 11.761, 11.476,
])  # fmt: skip
POLY_BASE = np.array([
    9.973, 10.131, 10.110, 10.144, 10.209, 10.287, 10.362, 10.407, 10.486, 10.561, 10.608, 10.618, 10.675, 10.776, 10.897, 10.966,
    10.971, 10.946, 10.909, 10.897, 10.895, 10.952, 11.051, 11.163, 11.201, 11.202, 11.209, 11.274, 11.368, 11.444, 11.575, 11.530,
])  # fmt: skip


@pytest.mark.parametrize("compiled", [True, False])
def test_bases_as_the_reference(compiled: bool) -> None:
    base = np.zeros(32)
    fit = loops.robust_base if compiled else loops.robust_base.py_func
    fit(SPECTRUM, np.ones(32, bool), True, 7, base)
    np.testing.assert_allclose(base, POLY_BASE, atol=2e-3)
    fit(SPECTRUM, np.ones(32, bool), False, 7, base)
    np.testing.assert_allclose(base[[0, 4, 20, 31]], [10.099, 10.285, 11.029, 11.541], atol=2e-3)


def test_piecewise_fits_are_least_squares() -> None:
    rng = np.random.default_rng(5)
    series, good = rng.normal(size=23), rng.random(23) > 0.2
    for pieces, edges in ((1, [0, 23]), (2, [0, 11, 23]), (4, [0, 6, 11, 16, 23])):
        fit = np.zeros(23)
        loops.piecewise(series, good, 2, pieces, fit)
        for low, high in itertools.pairwise(edges):
            use = np.flatnonzero(good[low : high + 1]) + low
            expected = np.polyval(np.polyfit(use, series[use], 2), np.arange(low, high))
            np.testing.assert_allclose(fit[low:high], expected, rtol=1e-8 if len(use) > 2 else 1e-3)


# Flat spectra of 64 channels in three pieces, with one channel left of the middle one: that channel, its value, another channel that
# differs and by how much, a factor on all, and the base that CASA 6.7.0 had there (bracketed by probe samples; NaN where nothing was flagged).
ONE_LEFT = [
    (34, 5.0, 50, 0.0, 1.0, 8.11), (22, 5.0, 50, 0.0, 1.0, 14.29), (30, 5.0, 50, 0.0, 1.0, np.nan), (34, 5.0, 50, 0.0, 4.0, 32.43),
    (34, 5.0, 50, 0.0, 3.0, np.nan), (22, 5.0, 50, 0.0, 3.0, 20.93), (34, 5.0, 50, 2.0**-4, 1.0, 16.67), (34, 5.0, 10, 2.0**-4, 1.0, 16.67),
    (42, 5.0, 50, 2.0, 1.0, 6.67), (30, 6.0, 50, 0.0, 1.0, 8.0), (30, 2.0, 50, 0.0, 1.0, 2.0), (22, 5.0, 10, 2.0**-12, 1.0, 9.68),
]  # fmt: skip


@pytest.mark.parametrize(("left", "value", "other", "more", "factor", "expected"), ONE_LEFT)
def test_a_piece_with_one_sample_has_the_base_of_the_reference(
    left: int, value: float, other: int, more: float, factor: float, expected: float
) -> None:
    series, good, base = np.full(64, 10.0), np.ones(64, bool), np.zeros(64)
    series[left], series[other], good[21:43], good[left] = value, 10.0 + more, False, True
    loops.robust_base((factor * series).astype(np.float32), good, True, 3, base)
    if np.isfinite(expected):
        assert base[left] == pytest.approx(expected, rel=0.03)
    else:
        assert not np.isfinite(base[left]) or left in (30, 34)


def test_pieces_without_samples_flag_nothing() -> None:
    """Their base is no number, nor is what the running mean makes of it to their right; of samples at the end windows find what they can."""
    series, good, fit = np.arange(12.0), np.ones(12, bool), np.zeros(12)
    good[4:9] = False
    loops.piecewise(series, good, 3, 3, fit)
    assert np.isnan(fit[4:8]).all()
    np.testing.assert_allclose(fit[[0, 1, 2, 3, 8, 9, 10, 11]], series[[0, 1, 2, 3, 8, 9, 10, 11]], atol=1e-4)
    plane, bad = np.full((3, 12), 5.0), np.zeros((3, 12), bool)
    plane[1, 10], bad[:, 4:9] = 50.0, True
    before = bad.copy()
    loops.crop_plane(plane, bad, True, 3, 3.0, (0, 1))
    np.testing.assert_array_equal(bad, before)
    loops.crop_plane(plane, np.ones((3, 12), bool), True, 3, 3.0, (0, 1))
    for compiled in (loops.divided, loops.divided.py_func):
        assert compiled(1.0, 0.0) == np.inf and compiled(-1.0, 0.0) == -np.inf and compiled(1.0, 4.0) == 0.25
        assert np.isnan(compiled(0.0, 0.0)) and np.isnan(compiled(np.nan, 0.0))


def test_more_pieces_than_samples_are_two() -> None:
    """As in CASA 6.7.0, found on planes of three to nine channels."""
    random, two, many = np.random.default_rng(4), np.zeros(5), np.zeros(5)
    for samples in (3, 4, 5):
        series, good = random.normal(size=samples), np.ones(samples, bool)
        loops.piecewise(series, good, 1, 2, two[:samples])
        loops.piecewise(series, good, 1, samples + 1, many[:samples])
        np.testing.assert_array_equal(two[:samples], many[:samples])
        loops.piecewise(series, good, 1, samples, many[:samples])
        assert samples == 3 or (two[: samples - 1] != many[: samples - 1]).any()
    loops.piecewise(np.ones(1), np.ones(1, bool), 1, 7, two[:1])


def test_square_planes_are_clipped_along_time() -> None:
    """CASA 6.7.0 takes frequency for time where there are as many times as channels."""
    random = np.random.default_rng(5)
    values = (10 + 0.1 * random.normal(size=(8, 8, 1))).astype(np.complex64)
    values *= np.linspace(0.2, 1.8, 8, dtype=np.float32)[None, :, None] ** 2
    values[3, 5] *= 3
    hidden, bad = np.zeros((8, 8, 1), bool), np.zeros((8, 8, 1), bool)
    index = np.arange(8).reshape(1, 8)
    loops.crop_baselines(
        values, hidden, index, (0, 1), 0, np.array([1]), np.array([3.0, 2.0]), np.array([False, False]), 7, (0, 1), bad
    )
    assert np.argwhere(bad[:, :, 0]).tolist() == [[3, 5]]


def test_lines_in_single_precision() -> None:
    random = np.random.default_rng(3)
    series, good = random.normal(10.0, 1.0, 40).astype(np.float32), random.random(40) > 0.3
    for line, scatter in ((loops.fit_line, loops.scatter_of), (loops.fit_line.py_func, loops.scatter_of.py_func)):
        found = scatter(series, good)
        assert found == pytest.approx(series[good].std(), rel=1e-5)
        fit = np.zeros(40)
        line(series, good, (0, 40), 39, found, fit)
        use = np.flatnonzero(good)
        np.testing.assert_allclose(fit, np.polyval(np.polyfit(use, series[use], 1), np.arange(40)), rtol=1e-4)


@pytest.mark.parametrize("kinds", [0, 1, 2, 3])
def test_clip_agrees_with_a_slow_one(kinds: int) -> None:
    random = np.random.default_rng(kinds)
    given = 1 + 0.3 * random.standard_t(2, 64)
    start = random.random(64) < 0.1
    ratio, bad, slow = given.copy(), start.copy(), start.copy()
    loops.clip_profile(ratio, bad, 3.0, kinds, 1)
    loops.clip_profile.py_func(ratio, slow, 3.0, kinds, 1)
    np.testing.assert_array_equal(bad, slow)
    expected, near, before = start.copy(), np.zeros(64, bool), 0.0
    away = np.where(start, 1.0, np.abs(given - 1))
    windows = np.lib.stride_tricks.sliding_window_view(away, 3)
    for _ in range(5):
        sigma = np.sqrt(np.mean((given[~expected] - 1) ** 2))
        if kinds & 1:
            near[1:-1] |= windows.mean(axis=1) > 3 * sigma
        if kinds & 2:
            near[1:-1] |= np.sqrt((windows**2).mean(axis=1)) > 3 * sigma
        expected |= away > 3 * sigma
        if abs(sigma - before) < 0.1:
            break
        before = sigma
    expected |= near
    np.testing.assert_array_equal(bad, expected)


@pytest.mark.parametrize(("part", "value"), [(0, 5.0), (1, 3.0), (2, -4.0), (3, np.arctan2(-4.0, 3.0))])
def test_components(part: int, value: float) -> None:
    assert loops.component(3 - 4j, part) == pytest.approx(value)


@pytest.mark.parametrize("order", [[0, 1], [1, 0], [0], [1]])
def test_injected_interference_is_found(order: list[int]) -> None:
    rng = np.random.default_rng(9)
    shape = (2 * 40, 48, 1)
    values = (5 + 0.1 * (rng.normal(size=shape) + 1j * rng.normal(size=shape))).astype(np.complex64)
    truth = np.zeros(shape, bool)
    truth[:, 17] = 0 in order
    truth[20:22, 40:42] = True
    values[truth] += 8
    index = np.arange(80).reshape(40, 2).T.copy()
    bad = np.zeros(shape, bool)
    hidden = np.zeros(shape, bool)
    arguments = (np.array([3.0, 4.0]), np.array([True, False]), 7, (0, 1), bad)
    loops.crop_baselines(values, hidden, index, (0, 2), 0, np.array(order), *arguments)
    assert bad[truth].all() and bad[~truth].mean() < 0.02


def test_windows_and_averages_only_add(copied: str) -> None:
    def run(**options: object) -> np.ndarray:
        run_commands(
            copied, [make_command({"mode": "tfcrop", "extendflags": False, "freqcutoff": 2.0, "maxnpieces": 1, **options})]
        )
        t = table(copied, readonly=False, ack=False)
        flags = t.getcol("FLAG")
        t.putcol("FLAG", np.zeros_like(flags))
        t.close()
        return flags

    run()
    plain = run()
    assert run(usewindowstats="both").sum() > plain.sum() > 0
    averaged = run(channelavg=True, chanbin=2, timeavg=True, timebin="60s")
    np.testing.assert_array_equal(averaged[:, 0::2], averaged[:, 1::2])
