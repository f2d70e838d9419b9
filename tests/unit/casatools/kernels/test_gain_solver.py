"""The gain kernels against gains put in, their uncompiled originals and scipy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.optimize import least_squares

from casatools.kernels import gain_solver as k


def _problem(nant: int = 6, noise: float = 0.0, seed: int = 1) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    gain = (1 + 0.3 * rng.standard_normal(nant)) * np.exp(2j * np.pi * rng.random(nant))
    ant1, ant2 = np.triu_indices(nant, 1)
    vis = gain[ant1] * gain[ant2].conj()
    vis = vis + noise * (rng.standard_normal(len(vis)) + 1j * rng.standard_normal(len(vis)))
    return gain, ant1.astype(np.int64), ant2.astype(np.int64), vis, rng.uniform(0.5, 2.0, len(vis))


def _solve(ant1: np.ndarray, ant2: np.ndarray, vis: np.ndarray, wgt: np.ndarray, nant: int) -> tuple[np.ndarray, ...]:
    gain, info = np.ones((1, nant), complex), np.zeros((1, nant))
    chi2, done = np.zeros(1), np.zeros(1, bool)
    k.solve_gains(ant1, ant2, vis[None], wgt[None], 1e-10, 1000, gain, info, chi2, done)
    return gain[0], info[0], chi2[0], done[0]


def _referred(gain: np.ndarray) -> np.ndarray:
    return gain * gain[0].conj() / abs(gain[0])


def test_gains_put_in_come_out() -> None:
    truth, ant1, ant2, vis, wgt = _problem()
    gain, _, chi2, done = _solve(ant1, ant2, vis, wgt, len(truth))
    assert done
    assert chi2 < 1e-15
    np.testing.assert_allclose(_referred(gain), _referred(truth), atol=1e-8)


def test_noisy_gains_equal_scipy_least_squares() -> None:
    truth, ant1, ant2, vis, wgt = _problem(noise=0.1)
    gain, info, chi2, _ = _solve(ant1, ant2, vis, wgt, len(truth))

    def residual(x: np.ndarray) -> np.ndarray:
        g = x[: len(truth)] + 1j * x[len(truth) :]
        r = np.sqrt(wgt) * (vis - g[ant1] * g[ant2].conj())
        return np.concatenate([r.real, r.imag])

    best = least_squares(residual, np.concatenate([truth.real, truth.imag]), xtol=1e-14, ftol=1e-14)
    assert chi2 == pytest.approx(2 * best.cost, rel=1e-8)
    expected = best.x[: len(truth)] + 1j * best.x[len(truth) :]
    np.testing.assert_allclose(_referred(gain), _referred(expected), atol=1e-5)
    a = 2
    mine = (ant1 == a) | (ant2 == a)
    other = np.where(ant1 == a, ant2, ant1)[mine]
    assert info[a] == pytest.approx((wgt[mine] * abs(gain[other]) ** 2).sum())


def test_antenna_without_data_gets_zero() -> None:
    truth, ant1, ant2, vis, wgt = _problem()
    wgt[(ant1 == 3) | (ant2 == 3)] = 0
    gain, info, _, done = _solve(ant1, ant2, vis, wgt, len(truth))
    assert done
    assert gain[3] == 0
    assert info[3] == 0


def test_too_few_steps_are_told() -> None:
    truth, ant1, ant2, vis, wgt = _problem(noise=0.3)
    gain, info = np.ones(len(truth), complex), np.zeros(len(truth))
    assert not k.solve_gain(ant1, ant2, vis, wgt, 1e-14, 2, gain, info)


def test_compiled_equals_python() -> None:
    truth, ant1, ant2, vis, wgt = _problem(noise=0.1)
    found = []
    for function in (k.solve_gain, k.solve_gain.py_func):
        gain, info = np.ones(len(truth), complex), np.zeros(len(truth))
        assert function(ant1, ant2, vis, wgt, 1e-12, 1000, gain, info)
        found.append((gain, info))
    np.testing.assert_allclose(found[0][0], found[1][0], atol=1e-9)
    np.testing.assert_allclose(found[0][1], found[1][1])


def test_gains_that_converge_slowly_are_at_the_minimum() -> None:
    """Data that the model does not fit: steps that only alternate take 278 for the mean of such sets, and stop 2e-3 away from the minimum at worst."""
    rng = np.random.default_rng(1)
    ant1, ant2 = np.triu_indices(5, 1)
    gain, info, wgt = np.ones(5, complex), np.zeros(5), np.ones(10)
    enough = 0
    for _ in range(40):
        vis = np.exp(2j * np.pi * rng.random(5))
        vis = vis[ant1] * vis[ant2].conj() + 0.5 * (rng.standard_normal(10) + 1j * rng.standard_normal(10))
        k.first_guess(ant1, ant2, vis, wgt, gain)
        if not k.solve_gain(ant1, ant2, vis, wgt, 1e-9, 150, gain, info):
            continue
        enough += 1
        left = vis - gain[ant1] * gain[ant2].conj()
        slope = np.zeros(5, complex)
        np.add.at(slope, ant1, left * gain[ant2])
        np.add.at(slope, ant2, left.conj() * gain[ant1])
        assert abs(slope).max() < 1e-6 * abs(vis).sum()
    assert enough >= 30


def test_gains_that_hang_on_two_antennas_are_found() -> None:
    """Amplitudes of the two and of the others may nearly be exchanged, and steps shrink by a per cent: all sets converge, of 60 two did not before."""
    rng, nant, count = np.random.default_rng(26), 26, 60
    pairs = np.array([(i, j) for i in range(nant - 2) for j in (nant - 2, nant - 1)] + [(nant - 2, nant - 1)])
    ant1, ant2 = pairs.T.copy()
    truth = np.exp(1j * rng.uniform(-3, 3, (count, nant))) * (1 + 0.2 * rng.normal(size=(count, nant)))
    vis = truth[:, ant1] * truth[:, ant2].conj() + 0.05 * (rng.normal(size=(count, len(ant1), 2)) @ [1, 1j])
    out = np.ones((count, nant), complex), np.zeros((count, nant)), np.zeros(count), np.zeros(count, bool)
    k.solve_gains(ant1, ant2, vis, np.ones(vis.shape), 1e-9, 1000, *out)
    assert out[3].all()


@pytest.mark.parametrize("wide", [False, True])
def test_accumulate_normalized_equals_numpy(wide: bool) -> None:
    rng = np.random.default_rng(3)
    shape = (5, 4, 4)
    data = (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(np.complex64)
    model = (2 + rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(np.complex64)
    model[..., 1] = 0
    flag = rng.random(shape) < 0.3
    weight = rng.uniform(1, 2, (5, 4 if wide else 1, 4)).astype(np.float32)
    slot, place = np.array([0, 1, 0, -1, 1]), np.array([0, 0, 1, -1])
    corr, time = np.array([0, 3]), np.arange(5.0)
    vis, wgt, when, seen = np.zeros((2, 2, 2), complex), np.zeros((2, 2, 2)), np.zeros(2), np.zeros(2)
    k.accumulate_normalized(data, model, flag, weight, slot, place, corr, time, vis, wgt, when, seen, 0, 1)
    k.accumulate_normalized(data, model, flag, weight, slot, place, corr, time, vis, wgt, when, seen, 1, 2)
    w = np.where(flag, 0, np.broadcast_to(weight, shape) * abs(model) ** 2)
    for s in range(2):
        for o in range(2):
            rows, chans = np.flatnonzero(slot == s), np.flatnonzero(place == o)
            part = w[np.ix_(rows, chans, corr)]
            ratio = data[np.ix_(rows, chans, corr)] / model[np.ix_(rows, chans, corr)]
            np.testing.assert_allclose(wgt[s, o], part.sum(axis=(0, 1)), rtol=1e-5)
            np.testing.assert_allclose(vis[s, o], (part * ratio).sum(axis=(0, 1)), rtol=1e-4, atol=1e-4)
        rows = np.flatnonzero(slot == s)
        # Times are weighed by all correlations, and by the model where there is one: by the mean over solution channels that have data.
        power = np.where(model == 0, 1, abs(model) ** 2)
        load = np.where(flag, 0, np.broadcast_to(weight, shape) * power)[rows]
        sums = np.stack([load[:, place == o].sum(axis=1) for o in (0, 1)], axis=1)
        every = (sums.sum(axis=1) / np.maximum((sums > 0).sum(axis=1), 1)).sum(axis=1)
        assert when[s] == pytest.approx((every * time[rows]).sum(), rel=1e-5)
        assert seen[s] == pytest.approx(every.sum(), rel=1e-5)


def test_a_single_row_keeps_its_model_by_channel() -> None:
    data, model = np.array([[[2.0], [12.0]]], np.complex64), np.array([[[1.0], [4.0]]], np.complex64)
    flag, weight = np.zeros((1, 2, 1), bool), np.ones((1, 1, 1), np.float32)
    vis, wgt, when, seen = np.zeros((1, 2, 1), complex), np.zeros((1, 2, 1)), np.zeros(1), np.zeros(1)
    zero, chans = np.zeros(1, int), np.arange(2)
    k.accumulate_normalized(data, model, flag, weight, zero, chans, zero, np.ones(1), vis, wgt, when, seen, 0, 1)
    np.testing.assert_allclose((vis / wgt)[0, :, 0], [2, 3])
    # Where each channel has a solution of its own the median counts.
    assert (when[0], seen[0]) == (8.5, 8.5)


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("count", [1, 2, 5, 8, 9])
def test_rows_count_in_times_by_the_median_of_their_channels(compiled: bool, count: int) -> None:
    """As in the reference (6.7): flags of less than half of the channels do not move the time of a solution."""
    rng, middle = np.random.default_rng(count), k._middle if compiled else k._middle.py_func
    for zeros in range(count + 1):
        for values in (rng.uniform(1, 2, count), np.full(count, 3.0)):
            values[rng.permutation(count)[:zeros]] = 0.0
            assert middle(values, np.empty(count)) == pytest.approx(np.median(values))
    place, work, load = np.arange(4) + 4, np.empty(4), np.array([[1.0, 2, 3, 0], [0, 0, 0, 5]])
    row_weight = k._row_weight if compiled else k._row_weight.py_func
    assert row_weight(load, place, work, True) == 1.5
    assert row_weight(load, place, work, False) == 7.0
    assert row_weight(load, np.array([0, 0, 1, -1]), work, True) == 3.0
    # More than half of every correlation is flagged: what is there still has a time.
    assert row_weight(load[1:], place, work, True) == pytest.approx(5e-9)
    assert row_weight(0 * load, place, work, True) == 0.0


@pytest.mark.parametrize("function", [k.accumulate_dark, k.accumulate_dark.py_func])
def test_accumulate_dark_takes_what_has_no_model(function: Any) -> None:
    data = np.full((3, 2, 4), 2 + 1j, np.complex64)
    model = np.array([1, 0, 0, 1], np.complex64)[None, None]
    flag = np.zeros((3, 2, 4), bool)
    flag[1, 0, 2] = True
    vis, wgt = np.zeros((1, 1, 4), complex), np.zeros((1, 1, 4))
    function(data, model, flag, np.full((3, 1, 4), 0.5, np.float32), np.array([0, 0, -1]), np.array([0, 0]), vis, wgt)
    np.testing.assert_allclose(wgt[0, 0], [0, 2, 1.5, 0])
    np.testing.assert_allclose(vis[0, 0], (2 + 1j) * wgt[0, 0])


def test_accumulate_visibilities_sums_both() -> None:
    data = np.full((2, 1, 4), 2 + 1j, np.complex64)
    model = np.full((2, 1, 4), 3.0, np.complex64)
    flag = np.zeros((2, 1, 4), bool)
    flag[1, 0, 2] = True
    vis, mod, wgt, when, seen = (*np.zeros((2, 1, 1, 4), complex), np.zeros((1, 1, 4)), np.zeros(1), np.zeros(1))
    k.accumulate_visibilities(
        data,
        model,
        flag,
        np.full((2, 1, 4), 0.5, np.float32),
        np.zeros(2, int),
        np.zeros(1, int),
        np.array([0.0, 4.0]),
        vis,
        mod,
        wgt,
        when,
        seen,
        np.full((2, 1, 4), 0.5, np.float32),
        True,
    )
    np.testing.assert_allclose(vis[0, 0], [2 + 1j, 2 + 1j, 1 + 0.5j, 2 + 1j])
    np.testing.assert_allclose(mod[0, 0], [3, 3, 1.5, 3])
    np.testing.assert_allclose(wgt[0, 0], [1, 1, 0.5, 1])
    assert (when[0], seen[0]) == pytest.approx((6.0, 3.5))


@pytest.mark.parametrize("compiled", [True, False])
def test_one_flagged_correlation_flags_the_others_unless_it_is_flagged_throughout(compiled: bool) -> None:
    find, join = (f if compiled else f.py_func for f in (k.dead_correlations, k.join_flags))
    flag, dead = np.zeros((2, 3, 4), dtype=bool), np.zeros(4, dtype=bool)
    flag[..., 3] = True
    flag[0, 1, 0] = True
    find(flag, dead)
    join(flag, dead)
    assert dead.tolist() == [False, False, False, True]
    assert flag[0, 1].all() and not flag[1, :, :3].any() and flag[..., 3].all() and flag.sum() == 9
    every = np.ones((1, 2, 2), dtype=bool)
    find(every, dead[:2])
    join(every, dead[:2])
    assert every.all() and dead[:2].all()


@pytest.mark.parametrize("nout", [1, 2])
def test_compiled_sums_equal_python(nout: int) -> None:
    rng = np.random.default_rng(5)
    data, model = ((rng.standard_normal((4, 3, 4)) + 1j).astype(np.complex64) for _ in range(2))
    flag, weight = rng.random((4, 3, 4)) < 0.2, rng.uniform(1, 2, (4, 1, 4)).astype(np.float32)
    place, slot = np.array([0, -1, nout - 1]), np.array([0, 1, -1, 0])
    found = []
    for function in (k.accumulate_normalized, k.accumulate_normalized.py_func):
        sums = np.zeros((2, nout, 2), complex), np.zeros((2, nout, 2)), np.zeros(2), np.zeros(2)
        function(data, model, flag, weight, slot, place, np.array([0, 3]), np.arange(4.0), *sums, 0, 2)
        found.append(sums)
    for mine, other in zip(*found, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-12)
