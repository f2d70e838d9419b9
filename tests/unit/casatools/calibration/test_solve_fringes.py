"""Fringe fits of synthetic visibilities with known phase, delay and rate."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import least_squares

import casatasks
from casatools._base.errors import ParameterError
from casatools.calibration.solve_data import Baselines, IntervalData
from casatools.calibration.solve_fringes import dispersion_term, fringe_peak, solve_fringe_intervals
from casatools.calibration.solve_options import FringeOptions, SolveOptions
from casatools.io.caltable import CalTable
from casatools.io.ms import MeasurementSet
from support.polarised import make_polarised

NANT, NU = 5, 1.5e9 + 1e6 * np.arange(32)
TIMES = 5e9 + 10.0 * np.arange(12)


def _fringes(noise: float = 0.0) -> tuple[np.ndarray, IntervalData, Baselines]:
    rng = np.random.default_rng(3)
    truth = np.stack([rng.uniform(-2, 2, NANT), rng.uniform(-60, 60, NANT), rng.uniform(-4e-12, 4e-12, NANT)], axis=1)
    truth[0] = 0
    along, across = TIMES - TIMES.mean(), NU - NU.mean()
    phase = truth[:, 0, None, None] + 2 * np.pi * (
        truth[:, 1, None, None] * 1e-9 * across + truth[:, 2, None, None] * NU.mean() * along[:, None]
    )
    first, second = np.triu_indices(NANT, 1)
    vis = np.exp(1j * (phase[first] - phase[second])).transpose(1, 0, 2)
    vis = vis + noise * (rng.normal(size=vis.shape) + 1j * rng.normal(size=vis.shape))
    full = np.repeat(vis[None, ..., None], 2, axis=-1)
    data = IntervalData(np.array([0]), full, np.ones(full.shape), np.array([TIMES.mean()]), None, TIMES[None])
    return truth, data, Baselines(first, second, np.zeros((NANT, NANT), dtype=np.int64))


def test_truth_comes_back() -> None:
    truth, data, baselines = _fringes()
    found = solve_fringe_intervals(data, baselines, NANT, SolveOptions(kind="FRINGE"), 0, NU)
    for hand in (0, 4):
        np.testing.assert_allclose(found.param[0, :, 0, hand : hand + 2], truth[:, :2], atol=1e-5)
        np.testing.assert_allclose(found.param[0, :, 0, hand + 2], truth[:, 2], atol=1e-17)
    assert not found.flag.any() and (found.snr[0, 0] == 999).all()


def test_noise_flags_and_switches() -> None:
    truth, data, baselines = _fringes(noise=0.5)
    data.weight[:, :, (baselines.ant1 == 4) | (baselines.ant2 == 4)] = 0
    found = solve_fringe_intervals(data, baselines, NANT, SolveOptions(kind="FRINGE"), 0, NU)
    assert found.flag[0, 4].all() and not found.flag[0, :4].any()
    np.testing.assert_allclose(found.param[0, :4, 0, 1], truth[:4, 1], atol=0.5)
    start = SolveOptions(kind="FRINGE", fringe=FringeOptions(zero_rates=True, least_squares=False))
    peaks = solve_fringe_intervals(data, baselines, NANT, start, 0, NU).param[0, :4, 0]
    assert (peaks[:, [2, 6]] == 0).all()
    np.testing.assert_allclose(peaks[:, 1], truth[:4, 1], atol=4.0)
    assert solve_fringe_intervals(data, baselines, NANT, SolveOptions(kind="FRINGE", minsnr=1e6), 0, NU).flag[0, 1:].all()


def test_channels_count_by_their_weights() -> None:
    """Those of a bandpass that falls to its edges are noisy there: CASA weighs all channels of a row alike."""
    truth, data, baselines = _fringes()
    rng = np.random.default_rng(6)
    gain = np.where(np.abs(np.arange(32) - 15.5) > 10, 0.1, 1.0)[:, None]
    noise = rng.normal(size=data.vis.shape) + 1j * rng.normal(size=data.vis.shape)
    noisy = IntervalData(data.intervals, data.vis + 0.1 / gain * noise, data.weight * gain**2, data.time_s, None, data.sub_time_s)
    flat = IntervalData(data.intervals, noisy.vis, data.weight, data.time_s, None, data.sub_time_s)
    error = [
        float(
            np.abs(
                solve_fringe_intervals(d, baselines, NANT, SolveOptions(kind="FRINGE"), 0, NU).param[0, :, 0, 1] - truth[:, 1]
            ).max()
        )
        for d in (noisy, flat)
    ]
    assert error[0] < 0.15 and error[1] > 1.5 * error[0], error


def test_windows_bound_the_search() -> None:
    vis = np.exp(2j * np.pi * 40e-9 * (NU - NU.mean()))[None] * np.ones((4, 1))
    assert fringe_peak(vis[None], 10.0, 1e6, NU.mean(), FringeOptions())[0] == pytest.approx(40, abs=2)
    limited = FringeOptions(delay_window_ns=(-20.0, 20.0), rate_window=(-1e-12, 1e-12))
    delay, rate, _ = fringe_peak(vis[None], 10.0, 1e6, NU.mean(), limited)
    assert abs(delay) <= 20 and abs(rate) <= 1e-12


def test_a_peak_no_higher_than_noise_is_no_solution() -> None:
    """The fringes are outside the window: least squares from there end somewhere with a small error, as the data have no noise."""
    _, data, baselines = _fringes(noise=0.01)
    outside = SolveOptions(kind="FRINGE", fringe=FringeOptions(delay_window_ns=(230.0, 240.0)))
    found = solve_fringe_intervals(data, baselines, NANT, outside, 0, NU)
    assert found.flag[0, 1:].all() and not found.flag[0, 0].any()
    assert (found.snr[0, 1:] < 3).all()


def test_refusals() -> None:
    _, data, baselines = _fringes()
    with pytest.raises(ParameterError, match="reference antenna"):
        solve_fringe_intervals(data, baselines, NANT, SolveOptions(kind="FRINGE"), -1, NU)
    with pytest.raises(ParameterError, match="delaywindow"):
        FringeOptions(delay_window_ns=(3.0, 1.0))
    with pytest.raises(ParameterError, match="three values"):
        FringeOptions(active=(True,))


TWO = np.concatenate([NU[:16], NU[:16] + 150e6])
WINDOWS = np.repeat([0, 1], 16)


def _two_windows(dispersion_mhz: float) -> tuple[np.ndarray, IntervalData, Baselines]:
    rng = np.random.default_rng(4)
    truth = np.stack(
        [rng.uniform(-2, 2, NANT), rng.uniform(-30, 30, NANT), rng.uniform(-1e-12, 1e-12, NANT), rng.uniform(-1, 1, NANT)], axis=1
    )
    truth[:, 3] *= dispersion_mhz
    truth[0] = 0
    middle = TWO.mean()
    terms = [
        np.ones((12, 32)),
        np.broadcast_to(2e-9 * np.pi * (TWO - middle), (12, 32)),
        np.broadcast_to(2 * np.pi * middle * (TIMES - TIMES.mean())[:, None], (12, 32)),
        np.broadcast_to(dispersion_term(TWO, TWO[0], TWO[-1]), (12, 32)),
    ]
    phase = np.einsum("ap,ptc->atc", truth, np.array(terms))
    first, second = np.triu_indices(NANT, 1)
    full = np.repeat(np.exp(1j * (phase[first] - phase[second])).transpose(1, 0, 2)[None, ..., None], 2, axis=-1)
    data = IntervalData(np.array([0]), full, np.ones(full.shape), np.array([TIMES.mean()]), None, TIMES[None])
    return truth, data, Baselines(first, second, np.zeros((NANT, NANT), dtype=np.int64))


@pytest.mark.parametrize(("one_transform", "dispersion_mhz"), [(True, 0.0), (True, 2e5), (False, 0.0)])
def test_several_windows_and_dispersion(one_transform: bool, dispersion_mhz: float) -> None:
    """The multi-band delay is found across the gap; a dispersion that bends the phase by many turns of a radian too."""
    truth, data, baselines = _two_windows(dispersion_mhz)
    fringe = FringeOptions(active=(True, True, dispersion_mhz > 0), one_transform=one_transform)
    found = solve_fringe_intervals(data, baselines, NANT, SolveOptions(kind="FRINGE", fringe=fringe), 0, TWO, WINDOWS)
    np.testing.assert_allclose(found.param[0, :, 0, 1], truth[:, 1], atol=1e-5)
    np.testing.assert_allclose(found.param[0, :, 0, 2], truth[:, 2], atol=1e-17)
    np.testing.assert_allclose(found.param[0, :, 0, 3], truth[:, 3], atol=1e-2)
    np.testing.assert_allclose(np.exp(1j * found.param[0, :, 0, 0]), np.exp(1j * truth[:, 0]), atol=1e-5)


def test_hands_are_averaged() -> None:
    truth, data, baselines = _fringes()
    data.weight[:, :, 4, :, 1] = 0
    for hands in ("stokes", "parallel"):
        options = SolveOptions(kind="FRINGE", fringe=FringeOptions(hands=hands))
        found = solve_fringe_intervals(data, baselines, NANT, options, 0, NU).param[0, :, 0]
        np.testing.assert_allclose(found[:, :4], found[:, 4:])
        np.testing.assert_allclose(found[:, 1], truth[:, 1], atol=1e-5)


def test_hands_that_differ_are_fitted_by_their_phases() -> None:
    """Delays of the mean of two hands that are not alike: the least squares of phases, as an independent minimiser finds them."""
    _, data, baselines = _fringes()
    across = NU - NU.mean()
    turn = np.exp(2j * np.pi * 1e-9 * np.linspace(0, 8, NANT)[:, None] * across + 1j * np.linspace(0, 1.5, NANT)[:, None])
    first, second = baselines.ant1, baselines.ant2
    data.vis[..., 1] *= (turn[first] * turn[second].conj())[None, None]
    fringe = FringeOptions(hands="stokes", active=(True, False, False))
    data.vis[:] = data.vis[:, :1]  # no rates
    found = solve_fringe_intervals(data, baselines, NANT, SolveOptions(kind="FRINGE", fringe=fringe), 0, NU).param[0, :, 0]
    mean = data.vis[0, 0].mean(axis=-1)
    unit = mean / np.abs(mean)

    def rest(p: np.ndarray) -> np.ndarray:
        phase = np.concatenate([[0], p[: NANT - 1]]), np.concatenate([[0], p[NANT - 1 :]])
        model = np.exp(1j * (phase[0][:, None] + 2 * np.pi * 1e-9 * phase[1][:, None] * across))
        left = (unit - model[first] * model[second].conj()).ravel()
        return np.concatenate([left.real, left.imag])

    best = least_squares(rest, np.concatenate([found[1:, 0], found[1:, 1]]), xtol=1e-14, ftol=1e-14, gtol=1e-14).x
    np.testing.assert_allclose(found[1:, 0], best[: NANT - 1], atol=1e-4)
    np.testing.assert_allclose(found[1:, 1], best[NANT - 1 :], atol=1e-3)
    assert np.abs(mean).min() < 0.8


def test_rates_that_are_not_fitted_leave_delays_alone() -> None:
    """Rates, of a third of a turn and of three turns in the interval, stay in the data, and delays and phases are those put in; so with delays left out."""
    truth, data, baselines = _fringes()
    fringe = FringeOptions(active=(True, False, False))
    found = solve_fringe_intervals(data, baselines, NANT, SolveOptions(kind="FRINGE", fringe=fringe), 0, NU).param[0, :, 0]
    np.testing.assert_allclose(found[:, 1], truth[:, 1], atol=1e-6)
    np.testing.assert_allclose(np.exp(1j * found[:, 0]), np.exp(1j * truth[:, 0]), atol=1e-6)
    assert (found[:, 2] == 0).all()
    turning = np.linspace(0, 2e-11, NANT)  # three and a half turns
    along = np.exp(2j * np.pi * NU.mean() * turning[:, None] * (TIMES - TIMES.mean()))
    data.vis *= (along[baselines.ant1] * along[baselines.ant2].conj()).T[None, :, :, None, None]
    found = solve_fringe_intervals(data, baselines, NANT, SolveOptions(kind="FRINGE", fringe=fringe), 0, NU).param[0, :, 0]
    np.testing.assert_allclose(found[:, 1], truth[:, 1], atol=1e-2)
    rates = FringeOptions(active=(False, True, False))
    found = solve_fringe_intervals(data, baselines, NANT, SolveOptions(kind="FRINGE", fringe=rates), 0, NU).param[0, :, 0]
    np.testing.assert_allclose(found[:, 2], truth[:, 2] + turning, atol=1e-14)
    assert (found[:, 1] == 0).all()


def test_antennas_without_a_fringe_leave_the_others_alone() -> None:
    """The rate of one is outside the window: it is flagged, and the others are what they are without it."""
    _, data, baselines = _fringes(noise=0.2)
    turn = np.exp(2j * np.pi * NU.mean() * 2e-11 * (TIMES - TIMES.mean()))
    sign = (baselines.ant1 == 4) * 1 - (baselines.ant2 == 4) * 1
    data.vis *= np.where(sign > 0, turn[:, None], np.where(sign < 0, turn.conj()[:, None], 1.0))[None, :, :, None, None]
    options = SolveOptions(kind="FRINGE", fringe=FringeOptions(rate_window=(-6e-12, 6e-12)))
    found = solve_fringe_intervals(data, baselines, NANT, options, 0, NU)
    assert found.flag[0, 4].all() and not found.flag[0, :4].any()
    data.weight[:, :, sign != 0] = 0
    alone = solve_fringe_intervals(data, baselines, NANT, options, 0, NU)
    np.testing.assert_allclose(found.param[0, :4], alone.param[0, :4], rtol=1e-9)


def test_the_phase_of_a_peak_is_the_best_at_its_delay_and_rate() -> None:
    _, data, baselines = _fringes(noise=0.3)
    fringe = FringeOptions(least_squares=False)
    found = solve_fringe_intervals(data, baselines, NANT, SolveOptions(kind="FRINGE", fringe=fringe), 0, NU).param[0, :, 0]
    along, across = TIMES - TIMES.mean(), NU - NU.mean()
    for antenna in range(1, NANT):
        of_peak = 2 * np.pi * (found[antenna, 1] * 1e-9 * across + found[antenna, 2] * NU.mean() * along[:, None])
        b = int(np.flatnonzero((baselines.ant1 == 0) & (baselines.ant2 == antenna))[0])
        left = data.vis[0, :, b, :, 0] * np.exp(1j * of_peak)
        best = least_squares(
            lambda p, v=left: np.abs(v - np.exp(-1j * p[0])).ravel(), [found[antenna, 0]], xtol=1e-14, ftol=1e-14
        ).x[0]
        assert abs(np.angle(np.exp(1j * (best - found[antenna, 0])))) < 1e-4


def test_signal_to_noise_is_one_over_the_phase_error() -> None:
    """384 samples of 0.1 in both parts on each of 10 baselines of five antennas."""
    truth, data, baselines = _fringes(noise=0.1)
    found = solve_fringe_intervals(data, baselines, NANT, SolveOptions(kind="FRINGE"), 0, NU)
    np.testing.assert_allclose(found.snr[0, 1:, 0, 0], np.sqrt(384 * NANT / 2) / 0.1, rtol=0.1)
    assert (np.abs(found.param[0, :, 0, 1] - truth[:, 1]) < 5 * found.error[0, :, 0, 1] + 1e-12).all()


def test_a_fit_of_joined_windows_applied_leaves_no_fringes(tmp_path: Path) -> None:
    """Phase, delay, rate and dispersion of 1.4 to 1.63 GHz in six minutes; the table knows the edges its dispersion is told against."""
    rng = np.random.default_rng(3)
    hz = np.concatenate([1.4e9 + 4e6 * np.arange(8), 1.6e9 + 4e6 * np.arange(8)])
    phase, delay, rate, electrons = rng.uniform(-1, 1, (4, 8, 2)) * np.array([2, 20, 1e-12, 10.0])[:, None, None]
    along = 360.0 * (np.arange(36) / 35 - 0.5)
    turns = (
        phase[..., None, None] / (2 * np.pi)
        + delay[..., None, None] * 1e-9 * (hz - 1.514e9)
        + rate[..., None, None] * 1.514e9 * along[:, None]
        - 1344.54e6 * electrons[:, :1, None, None] / hz
    )
    jones = np.zeros((8, 36, 16, 2, 2), dtype=complex)
    for p in (0, 1):
        jones[..., p, p] = np.exp(2j * np.pi * turns[:, p])
    vis = make_polarised(tmp_path / "fringes", jones, source=(1.0, 0, 0, 0), noise=1e-3, hours=0.1)
    casatasks.fringefit(vis, "o.fringe", refant="EA01", combine="spw,scan", paramactive=[True, True, True])
    table = CalTable.open("o.fringe")
    np.testing.assert_allclose(table.keywords["DISPERSION_BAND"], [1.4e9, 1.628e9])
    found = table.param[:, 0, 3] - table.param[0, 0, 3]
    np.testing.assert_allclose(found, -1344.54 * (electrons - electrons[0])[:, 0], atol=60)
    casatasks.applycal(vis, gaintable=["o.fringe"], spwmap=[[0, 0]], applymode="calonly", flagbackup=False)
    with MeasurementSet(vis) as ms:
        corrected, flag = ms.read("CORRECTED_DATA")[..., [0, 3]], ms.read("FLAG")[..., [0, 3]]
    assert np.abs(corrected[~flag] - 1).max() < 0.05
