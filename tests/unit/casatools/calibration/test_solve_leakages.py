"""Polarisation solves: known leakages come back; numbers of CASA 6.7 on simvla.ms."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import least_squares

from casatools._base.errors import DataError
from casatools.calibration import solve_leakages
from casatools.calibration.solve_cross_hands import solve_cross_delays, solve_cross_phases
from casatools.calibration.solve_data import Baselines, IntervalData
from casatools.calibration.solve_leakages import LeakageProblem, solve_leakage_intervals, source_models
from casatools.calibration.solve_options import SolveOptions
from casatools.calibration.solve_session import PriorTables, solve_to_table
from casatools.io.caltable import CalTable
from casatools.io.ms import Selection
from support.shared import unpack

NANT = 6


def _baselines() -> Baselines:
    first, second = np.triu_indices(NANT, 1)
    return Baselines(first, second, np.zeros((NANT, NANT), dtype=np.int64))


def _data(model: np.ndarray, jones: np.ndarray) -> IntervalData:
    """Visibilities (1, sub, baseline, chan, 4) of model matrices (sub, chan, 2, 2) and Jones matrices (ant, chan, 2, 2)."""
    b = _baselines()
    vis = jones[b.ant1] @ model[:, None] @ jones[b.ant2].conj().swapaxes(-1, -2)
    full = np.broadcast_to(model[:, None], vis.shape)
    flat = [m.reshape(1, *vis.shape[:3], 4) for m in (vis, full)]
    return IntervalData(np.array([0]), flat[0], np.ones(flat[0].shape), np.array([1.0]), flat[1].copy())


def test_known_leakages_come_back() -> None:
    rng = np.random.default_rng(1)
    leak = 1e-4 * (rng.normal(size=(NANT, 2, 2)) + 1j * rng.normal(size=(NANT, 2, 2)))
    leak[..., 1] += 1e-4
    leak[0, :, 0] = 0
    jones = np.zeros((NANT, 2, 2, 2), dtype=complex)
    jones[..., 0, 0] = jones[..., 1, 1] = 1
    jones[..., 0, 1], jones[..., 1, 0] = leak[..., 0], leak[..., 1]
    model = np.broadcast_to(np.array([[3.0, 0.2 + 0.1j], [0.2 - 0.1j, 3.0]]), (2, 2, 2, 2))
    data = _data(model, jones)
    found = solve_leakage_intervals(data, _baselines(), NANT, LeakageProblem(4, (0,)))
    # What is left is of second order.
    np.testing.assert_allclose(found.param[0], leak, atol=2e-6)
    assert not found.flag.any() and (found.snr > 0).all()
    data.weight[..., 1] = 0
    assert solve_leakage_intervals(data, _baselines(), NANT, LeakageProblem(4, (0,))).flag.all()


def test_where_the_reference_antenna_has_no_data_the_next_stands_in() -> None:
    """Otherwise an offset that a wrong polarisation of the model makes stays in all leakages."""
    jones = np.zeros((NANT, 2, 2, 2), dtype=complex)
    jones[..., 0, 0] = jones[..., 1, 1] = 1
    model = np.broadcast_to(np.array([[3.0, 0.2 + 0.1j], [0.2 - 0.1j, 3.0]]), (2, 2, 2, 2))
    data, baselines = _data(model, jones), _baselines()
    assert data.model is not None
    data.model[..., 1:3] = 0  # told to be unpolarised
    data.weight[:, :, (baselines.ant1 == 0) | (baselines.ant2 == 0), 0] = 0
    found = solve_leakage_intervals(data, baselines, NANT, LeakageProblem(4, (0, 3, 1), circular=True))
    assert found.flag[0, 0, 0].all() and not found.flag[0, 1:].any()
    assert np.abs(found.param[0, 3, 0, 0]) < 1e-12 and np.abs(found.param[0, 0, 1, 0]) < 1e-12
    np.testing.assert_allclose(found.param[0, 1:, 0, 0], 0, atol=1e-6)
    np.testing.assert_allclose(found.param[0, 1:, 0, 1], (0.2 - 0.1j) / 3 * np.ones(NANT - 1), atol=1e-6)


def test_reference_antenna_of_a_circularly_polarised_source() -> None:
    """An offset between the leakages of both receptors is free in the ratio of the parallel hands, and the data stay fitted."""
    rng = np.random.default_rng(4)
    leak = 1e-4 * (rng.normal(size=(NANT, 1, 2)) + 1j * rng.normal(size=(NANT, 1, 2)))
    jones = np.zeros((NANT, 1, 2, 2), dtype=complex)
    jones[..., 0, 0] = jones[..., 1, 1] = 1
    jones[..., 0, 1], jones[..., 1, 0] = leak[..., 0], leak[..., 1]
    model = np.broadcast_to(np.array([[4.0, 0.2 + 0.1j], [0.2 - 0.1j, 1.0]]), (2, 1, 2, 2))
    found = solve_leakage_intervals(_data(model, jones), _baselines(), NANT, LeakageProblem(4, (2,), circular=True))
    offset = leak[2, 0, 0]
    np.testing.assert_allclose(found.param[0, :, :, 0], leak[..., 0] - offset, atol=1e-6)
    np.testing.assert_allclose(found.param[0, :, :, 1], leak[..., 1] + np.conj(offset) / 4, atol=1e-6)


def test_leakages_cancel_in_the_cross_phase_whatever_the_weights() -> None:
    rng = np.random.default_rng(5)
    leak = 0.02 * (rng.normal(size=(NANT, 2)) + 1j * rng.normal(size=(NANT, 2)))
    jones = np.zeros((NANT, 1, 2, 2), dtype=complex)
    jones[..., 0, 0] = jones[..., 1, 1] = 1
    # Leakages of perfect receptors that are not quite orthogonal to each other cancel in RL + conj(LR).
    jones[:, 0, 0, 1], jones[:, 0, 1, 0] = leak[:, 0], -leak[:, 0].conj()
    data = _data(np.broadcast_to(np.array([[1.0, 0.1], [0.1, 1.0]]), (1, 1, 2, 2)), jones)
    even = np.angle(solve_cross_phases(data, _baselines(), NANT).param)
    data.weight[..., 1] *= 3
    np.testing.assert_allclose(np.angle(solve_cross_phases(data, _baselines(), NANT).param), even, atol=1e-12)


def test_a_source_is_solved_with_all_baselines_of_antennas_that_a_channel_loses() -> None:
    """One antenna has two baselines in the first channel: too few for its leakages there, but with the other channel they count for Q and U."""
    rng = np.random.default_rng(8)
    leak = 0.01 * (rng.normal(size=(NANT, 1, 2)) + 1j * rng.normal(size=(NANT, 1, 2)))
    jones = np.zeros((NANT, 2, 2, 2), dtype=complex)
    jones[..., 0, 0] = jones[..., 1, 1] = 1
    jones[..., 0, 1], jones[..., 1, 0] = leak[..., 0], leak[..., 1]
    turned = np.exp(2j * np.linspace(0.0, 2.5, 9))
    source = np.array([0.06, -0.03])
    model = np.zeros((9, 2, 2, 2), dtype=complex)
    model[..., 0, 0] = model[..., 1, 1] = 1
    model[..., 0, 1] = (complex(*source) * turned)[:, None]
    model[..., 1, 0] = model[..., 0, 1].conj()
    data, baselines = _data(model, jones), _baselines()
    assert data.model is not None
    data.vis += 0.02 * (rng.normal(size=data.vis.shape) + 1j * rng.normal(size=data.vis.shape))
    lost = ((baselines.ant1 == 2) | (baselines.ant2 == 2)) & (baselines.ant1 + baselines.ant2 > 3)
    data.weight[:, :, lost, 0] = 0
    data.model[..., 1:3] = 0
    ones = np.ones((9, len(baselines)))
    sky = np.zeros((3, 1, 9, len(baselines), 4), dtype=complex)
    sky[0, 0, ..., 0] = sky[0, 0, ..., 3] = 1
    for k, factor in ((1, 1.0), (2, 1j)):
        sky[k, 0, ..., 1] = factor * turned[:, None] * ones
        sky[k, 0, ..., 2] = sky[k, 0, ..., 1].conj()
    found = solve_leakage_intervals(data, baselines, NANT, LeakageProblem(4, (0,), source="QU", circular=True), sky)
    assert found.source is not None and found.flag[0, 2, 0].all() and np.count_nonzero(found.flag) == 2
    # The linear least squares of the mean over channels, written out: unknowns are the leakages of both receptors, and Q and U.
    weight = data.weight[0, :, :, :, 1]
    mean = (data.vis[0, ..., 1:3] * weight[..., None]).sum(axis=2) / weight.sum(axis=2)[..., None]
    system = np.zeros((2, 9, len(baselines), 4 * NANT + 2), dtype=complex)
    each = np.arange(len(baselines))
    for hand, (one, other) in enumerate(((0, 2 * NANT), (2 * NANT, 0))):
        for part, factor in enumerate((1.0, 1j)):
            system[hand, :, each, one + 2 * baselines.ant1 + part] += factor
            system[hand, :, each, other + 2 * baselines.ant2 + part] += np.conj(factor)
        system[hand, ..., -2:] = np.moveaxis(sky[1:, 0, ..., 1 + hand], 0, -1)
    root = np.sqrt(weight.sum(axis=2))
    left, right = (system * root[..., None]).reshape(-1, 4 * NANT + 2), (np.moveaxis(mean, -1, 0) * root).reshape(-1)
    least = np.linalg.lstsq(np.concatenate([left.real, left.imag]), np.concatenate([right.real, right.imag]), rcond=1e-10)[0]
    np.testing.assert_allclose(found.source[0], least[-2:], atol=1e-6)
    np.testing.assert_allclose(found.source[0], source, atol=2e-3)


def test_cross_phase_and_delay() -> None:
    frequency = np.linspace(0, 63e6, 64)
    turn = np.exp(1j * (0.4 + 2 * np.pi * 5e-9 * frequency))
    jones = np.zeros((NANT, 64, 2, 2), dtype=complex)
    jones[..., 0, 0], jones[..., 1, 1] = turn, 1
    model = np.broadcast_to(np.array([[1.0, 0.1 + 0.02j], [0.1 - 0.02j, 1.0]]), (1, 64, 2, 2))
    data = _data(model, jones)
    np.testing.assert_allclose(solve_cross_phases(data, _baselines(), NANT).param[0, 3, :, 0], turn, rtol=1e-9)
    delay = solve_cross_delays(data, _baselines(), NANT, frequency).param
    np.testing.assert_allclose(delay[0, :, 0], np.tile([5.0, 0.0], (NANT, 1)), atol=0.01)
    data.model[..., 1:3] = 0  # type: ignore[index]
    with pytest.raises(DataError, match="polarised model"):
        solve_cross_phases(data, _baselines(), NANT)
    np.testing.assert_allclose(solve_cross_delays(data, _baselines(), NANT, frequency).param, delay, atol=1e-6)
    data.model = None
    with pytest.raises(DataError, match="averages of the model"):
        solve_cross_delays(data, _baselines(), NANT, frequency)


def test_like_casa(tmp_path: Path) -> None:
    """CASA 6.7 polcal, poltype D, refant EA01, cal.B and cal.G applied, smodel [15, 1, 1.2, 0]."""
    vis = str(unpack("simvla.ms", tmp_path))
    priors = PriorTables([str(unpack("cal.B", tmp_path)), str(unpack("cal.G", tmp_path))], parang=True)
    options = SolveOptions(kind="D", refant="EA01", combine="obs,scan", smodel=(15.0089, 1.03509, 1.24211, 0.0))
    solve_to_table(vis, str(tmp_path / "o.D"), Selection(field="0", spw="0"), options, priors)
    table = CalTable.open(str(tmp_path / "o.D"))
    expected = [
        [0, 0.0885666 - 0.0743623j],
        [-0.0238363 - 0.0243685j, 0.1675420 - 0.0449420j],
        [0.0415836 + 0.0577786j, 0.1495321 - 0.0364912j],
    ]
    np.testing.assert_allclose(table.param[:3, 0], expected, atol=2e-3)
    assert (table.vis_cal, set(table.antenna2)) == ("D Jones", {0})


def test_needs_four_correlations(tmp_path: Path) -> None:
    vis = str(unpack("ngc_small.ms", tmp_path))
    with pytest.raises(DataError, match="all four correlations"):
        solve_to_table(
            vis, str(tmp_path / "o.D"), Selection(field="0"), SolveOptions(kind="D", smodel=(1.0, 0, 0, 0)), PriorTables()
        )
    assert not (tmp_path / "o.D").exists()


def test_antennas_that_hang_on_two_others_are_not_enough_for_these() -> None:
    """Two antennas with five baselines each to antennas that have two are left with the one between them, as gains."""
    jones = np.zeros((NANT, 1, 2, 2), dtype=complex)
    jones[..., 0, 0] = jones[..., 1, 1] = 1
    data, baselines = _data(np.broadcast_to(np.array([[3.0, 0.2], [0.2, 3.0]], dtype=complex), (2, 1, 2, 2)), jones), _baselines()
    data.weight[:, :, baselines.ant2 < 4] = 0
    for least, flagged in ((2, False), (3, True)):
        found = solve_leakage_intervals(data, baselines, NANT, LeakageProblem(least, (0,)))
        assert (found.flag == flagged).all()
        assert (found.connected != flagged).all() and found.has_data.all()


@pytest.mark.parametrize(("full", "source"), [(False, ""), (True, ""), (False, "QU"), (True, "QU"), (True, "X")])
@pytest.mark.parametrize("circular", [True, False])
def test_solutions_are_those_of_least_squares_written_out(full: bool, source: str, circular: bool) -> None:
    """A general minimiser of dense problems finds no better solution, and errors are those of its curvature: weights of antennas differ by two orders."""
    rng = np.random.default_rng(11)
    nant, baselines = NANT, _baselines()
    leak = 0.03 * (rng.normal(size=(nant, 2)) + 1j * rng.normal(size=(nant, 2)))
    jones = np.array([[[1, d[0]], [d[1], 1]] for d in leak])
    turn = np.zeros((9, nant, 2, 2), dtype=complex)
    angle = np.linspace(0, 1.3, 9)[:, None]
    if circular:
        turn[..., 0, 0], turn[..., 1, 1] = np.exp(-1j * angle), np.exp(1j * angle)
    else:
        turn[..., 0, 0] = turn[..., 1, 1] = np.cos(angle)
        turn[..., 0, 1], turn[..., 1, 0] = np.sin(angle), -np.sin(angle)
    sky = source_models(turn, baselines.ant1, baselines.ant2, circular)
    seen = sky[0] + 0.07 * sky[1] - 0.05 * sky[2]
    shape = (9, len(baselines), 2, 2)
    vis = (jones[baselines.ant1] @ seen.reshape(shape) @ jones[baselines.ant2].conj().swapaxes(-1, -2)).reshape(seen.shape)
    turned = np.array([1, np.exp(0.4j), np.exp(-0.4j), 1]) if source == "X" else np.ones(4)
    sensitivity = 10 ** rng.uniform(-1, 1, nant)
    weight = np.broadcast_to((sensitivity[baselines.ant1] * sensitivity[baselines.ant2])[:, None], seen.shape).copy()
    weight[:4, 2] = weight[3:, 7] = 0.0
    vis = vis * turned + 0.003 / np.sqrt(weight + 1e-9) * (rng.normal(size=vis.shape) + 1j * rng.normal(size=vis.shape))
    given = sky[0] if source == "QU" else seen
    data = IntervalData(np.array([0]), vis[None, :, :, None], weight[None, :, :, None], np.ones(1), given[None, :, :, None])
    problem = LeakageProblem(3, (), full, source, circular)
    found = solve_leakage_intervals(data, baselines, nant, problem, sky[:, None])
    assert not found.flag.any() and found.unsolved == 0
    properties = np.zeros(0) if found.source is None else found.source[0]

    def left_over(point: np.ndarray) -> np.ndarray:
        each = point[: 4 * nant].copy().view(complex).reshape(nant, 2)
        now = point[4 * nant :] if len(point) > 4 * nant else properties
        model = given
        if source == "QU":
            model = sky[0] + np.tensordot(now, sky[1:], 1)
        elif source == "X":
            model = given * np.array([1, np.exp(1j * now[0]), np.exp(-1j * now[0]), 1])
        own = np.array([[[1, d[0]], [d[1], 1]] for d in each])
        first, second = own[baselines.ant1], own[baselines.ant2].conj().swapaxes(-1, -2)
        matrix = model.reshape(shape)
        if full:
            predicted = first @ matrix @ second
        else:
            predicted = matrix + (first - np.eye(2)) @ (matrix * np.eye(2)) + (matrix * np.eye(2)) @ (second - np.eye(2))
        rest = (np.sqrt(weight) * (vis - predicted.reshape(vis.shape)))[..., slice(None) if full else slice(1, 3)]
        return np.concatenate([rest.real.reshape(-1), rest.imag.reshape(-1)])

    # With the source held where it was found (of the mean over channels, of which there is one), and with both free.
    leakages = found.param[0, :, 0].reshape(-1).view(float)
    for start in (leakages, np.concatenate([leakages, properties])):
        least = least_squares(left_over, start, xtol=1e-15, ftol=1e-15, gtol=1e-15, method="trf")
        rest = left_over(start)
        assert rest @ rest <= 2 * least.cost * (1 + 1e-9)
    jacobian = least_squares(left_over, leakages, max_nfev=1).jac
    diagonal = (jacobian**2).sum(axis=0)[::2].reshape(nant, 2)
    rest = left_over(leakages)
    freedom = np.count_nonzero(np.concatenate([weight[..., slice(None) if full else slice(1, 3)]] * 2)) - 4 * nant
    np.testing.assert_allclose(found.error[0, :, 0], np.sqrt(2 * (rest @ rest) / freedom / diagonal), rtol=1e-5)


@pytest.mark.parametrize("source", ["", "QU"])
def test_what_does_not_converge_is_kept_and_counted(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    leak = 0.1 * (rng.normal(size=(NANT, 2, 2)) + 1j * rng.normal(size=(NANT, 2, 2)))
    jones = np.zeros((NANT, 2, 2, 2), dtype=complex)
    jones[..., 0, 0] = jones[..., 1, 1] = 1
    jones[..., 0, 1], jones[..., 1, 0] = leak[..., 0], leak[..., 1]
    turn = np.zeros((5, NANT, 2, 2), dtype=complex)
    turn[..., 0, 0] = np.exp(-1j * np.linspace(0, 1, 5))[:, None]
    turn[..., 1, 1] = turn[..., 0, 0].conj()
    baselines = _baselines()
    sky = source_models(turn, baselines.ant1, baselines.ant2, True)[:, None]
    model = (sky[0] + 0.1 * sky[1])[0, :, 0, None].repeat(2, axis=1).reshape(5, 2, 2, 2)
    data, problem = _data(model, jones), LeakageProblem(4, (0,), True, source, True)
    good = solve_leakage_intervals(data, baselines, NANT, problem, sky)
    assert good.unsolved == 0 and not good.flag.any()
    monkeypatch.setattr(solve_leakages, "_STEPS", 1)
    bad = solve_leakage_intervals(data, baselines, NANT, problem, sky)
    assert bad.unsolved == 2 and not bad.flag.any() and bad.param.any()
