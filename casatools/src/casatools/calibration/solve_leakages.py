"""Solving leakages from averaged visibilities, alone or together with the source's polarisation or its position angle.

Averages hold four correlations in the order RR RL LR LL (or XX XY YX YY).

References
----------
Hales 2017, AJ 154, 54 (degeneracies of leakages and position angle); Sault, Hamaker, Bregman 1996, A&AS 117, 149.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from casatools._base import log
from casatools._base.errors import DataError
from casatools.calibration.normal_equations import LinkedEquations, least_norm_solution
from casatools.calibration.solve_data import Baselines, IntervalData
from casatools.calibration.solve_gains import Solutions, baselines_with_data, connected_antennas
from casatools.kernels.jones_solver import leakage_normal_equations

__all__ = ["LeakageProblem", "of_channels", "require_model", "solve_leakage_intervals", "source_models"]

# Properties of the source that are solved.
_PROPERTIES = {"QU": 2, "X": 1}
_STEPS = 50
# How often a step is shortened at most.
_SHORTER = 5
# Relative change of the unknowns at which steps end.
_CONVERGED = 1e-10
# That above which they have not led to a solution.
_UNSETTLED = 1e-5


@dataclass(frozen=True)
class LeakageProblem:
    """What is solved beside the leakages, and how.

    Attributes
    ----------
    minblperant : int
    refants : tuple of int
        The leakage of the first receptor is taken as zero for the first of these that has a solution in a channel; none leaves the solution of
        least norm.
    full : bool
        All products of leakages and all four correlations; else first order in the cross hands.
    source : {"", "QU", "X"}
        Linear polarisation of the source, or the phase between the receptors (twice the position angle of circular feeds), found once
        for all channels.
    circular : bool
        The feeds turn only the phases of their cross hands, so that an offset of all leakages is free at any circular polarisation.
    """

    minblperant: int = 4
    refants: tuple[int, ...] = ()
    full: bool = False
    source: str = ""
    circular: bool = False


def require_model(data: IntervalData) -> np.ndarray:
    """The averages of the model.

    Raises
    ------
    DataError
        There are none.
    """
    if data.model is None:
        raise DataError("a polarisation solve needs averages of the model")
    return data.model


def of_channels(good: np.ndarray, npar: int) -> np.ndarray:
    """Whether any channel of (interval, ant, chan) is good, for each parameter."""
    some = np.asarray(np.any(good, axis=2))
    return np.repeat(some[:, :, None], npar, axis=2)


def source_models(turn: np.ndarray, ant1: np.ndarray, ant2: np.ndarray, circular: bool) -> np.ndarray:
    """Visibilities of sources with Stokes I, Q and U of one, seen by feeds that turn against the sky.

    Parameters
    ----------
    turn : ndarray (sub, ant, 2, 2) complex
        The matrices of the parallactic angle.
    ant1, ant2 : ndarray (baseline,) int
    circular : bool

    Returns
    -------
    ndarray (3, sub, baseline, 4) complex128
    """
    plane = [[0, 1], [1, 0]], [[0, 1j], [-1j, 0]]
    stokes = [np.eye(2), *(plane if circular else ([[1, 0], [0, -1]], [[0, 1], [1, 0]]))]
    back = turn[:, ant2].conj().swapaxes(-1, -2)
    return np.array([(turn[:, ant1] @ np.asarray(s, dtype=complex) @ back).reshape(*back.shape[:2], 4) for s in stokes])


@dataclass
class _Samples:
    """Samples of one interval and channel: visibilities, model and weights (baseline, sub, 4), derivatives (property, baseline, sub, 4)."""

    baselines: Baselines
    vis: np.ndarray
    model: np.ndarray
    weight: np.ndarray
    source: np.ndarray | None


def _fit(samples: _Samples, nant: int, problem: LeakageProblem, kind: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, bool]:
    """Leakages (ant, 2), their errors (ant, 2), the properties of the source found, and whether the steps came to an end.

    Gauss-Newton steps; directions that the data leave free (an offset common to all antennas) stay at zero.
    """
    point = np.zeros(4 * nant + _PROPERTIES.get(kind, 0))
    if kind == "X":
        cross = samples.vis[..., 1:3] * samples.model[..., 1:3].conj() * samples.weight[..., 1:3]
        point[-1] = np.angle((cross[..., 0] + cross[..., 1].conj()).sum())
    now, chi2 = _equations(samples, point, nant, problem.full, kind)
    for _ in range(_STEPS):
        size = max(1.0, float(np.abs(point[: 4 * nant]).max()))
        step = least_norm_solution(now, unit=size)
        if np.abs(step).max() <= _CONVERGED * size:
            break
        after, chi2 = _equations(samples, point + step, nant, problem.full, kind)
        # Whole steps go to and fro for ever where the data hardly tell the source: none goes far beyond the least sum of squares on its way.
        for _ in range(_SHORTER):
            slopes = float(now.right @ step), float(after.right @ step)
            if slopes[1] >= -0.5 * slopes[0]:
                break
            step *= max(slopes[0] / (slopes[0] - slopes[1]), 0.1)
            after, chi2 = _equations(samples, point + step, nant, problem.full, kind)
        now, point = after, point + step
    leak, found = point[: 4 * nant].view(np.complex128).reshape(nant, 2), point[4 * nant :]
    used, diagonal = np.count_nonzero(samples.weight if problem.full else samples.weight[..., 1:3]), now.diagonal
    freedom = max(2 * int(used) - int(np.count_nonzero(diagonal)), 1)
    diagonal = diagonal[: 4 * nant : 2].reshape(nant, 2)
    # The error of the complex number, from the scatter of what is left.
    error = np.sqrt(2 * chi2 / freedom / np.where(diagonal > 0, diagonal, np.inf))
    return leak, error, found, bool(np.abs(step).max() <= _UNSETTLED * size)


def _equations(samples: _Samples, point: np.ndarray, nant: int, full: bool, kind: str) -> tuple[LinkedEquations, float]:
    """Normal equations at a point (unknown,), and the sum of squares there."""
    leak, found = point[: 4 * nant].view(np.complex128).reshape(nant, 2), point[4 * nant :]
    ant1, ant2 = samples.baselines.ant1, samples.baselines.ant2
    now = LinkedEquations.zeros(ant1, ant2, nant, len(found))
    chi2 = leakage_normal_equations(
        ant1, ant2, samples.vis, _models_now(samples, kind, found), samples.weight, leak, full, now.own, now.link, now.border, now.corner,
        now.right,
    )  # fmt: skip
    return now, chi2


def _models_now(samples: _Samples, kind: str, found: np.ndarray) -> np.ndarray:
    """Model and its derivatives (1 + property, baseline, sub, 4) for the properties of the source found so far."""
    if samples.source is not None:
        return np.concatenate([(samples.model + np.tensordot(found, samples.source, 1))[None], samples.source])
    if kind == "X":
        turn = np.exp(1j * found[0])
        turned = samples.model * np.array([1, turn, turn.conj(), 1])
        return np.stack([turned, turned * np.array([0, 1j, -1j, 0])])
    return samples.model[None]


def solve_leakage_intervals(
    data: IntervalData, baselines: Baselines, nant: int, problem: LeakageProblem, sky: np.ndarray | None = None
) -> Solutions:
    """Solve instrumental leakages.

    Parameters
    ----------
    data : IntervalData
        With model, in the frame of the antennas.
    baselines : Baselines
    nant : int
    problem : LeakageProblem
    sky : ndarray (3, interval, sub, baseline, 4), optional
        For ``source="QU"``: visibilities of Stokes I, Q and U of one; see `source_models`.

    Returns
    -------
    Solutions
        With `source`: (interval, 2) fractions Q and U, or (interval, 1) phase [rad].
    """
    model, count, nchan = require_model(data), len(data.vis), data.vis.shape[3]
    weight = data.weight.copy()
    # One flagged correlation spoils the four.
    weight[np.broadcast_to(~(weight > 0).all(axis=-1, keepdims=True), weight.shape)] = 0.0
    total = weight[..., 1].sum(axis=1)
    have = baselines_with_data(total > 0, baselines, nant) > 0
    enough = _of_enough_baselines(total, baselines, nant, problem.minblperant)
    # The source is solved from the mean over channels: baselines count that an antenna has in any of them.
    enough_mean = _of_enough_baselines(total.sum(axis=2, keepdims=True), baselines, nant, problem.minblperant)
    param, error = np.zeros((count, nant, nchan, 2), dtype=np.complex128), np.zeros((count, nant, nchan, 2))
    found = np.zeros((count, _PROPERTIES.get(problem.source, 0)))
    unsolved = 0
    for t in range(count):
        now, known = model[t], True
        if problem.source:
            used = _between(weight[t], enough_mean[t], baselines)
            now, found[t], known = _with_source(
                data.vis[t], now, used, baselines, nant, problem, None if sky is None else sky[:, t]
            )
        used = _between(weight[t], enough[t], baselines)
        for c in range(nchan):
            if (used[:, :, c, 1] > 0).any():
                param[t, :, c], error[t, :, c], _, done = _fit(_samples(data.vis[t], now, used, baselines, c), nant, problem, "")
                # They are kept, as in the reference: gains that were not taken out before, for one, are not told by leakages.
                unsolved += not (done and known)
    ratio = _hand_ratio(model, weight) if problem.circular else None
    return replace(_finished(param, error, found, have, enough, problem, ratio), unsolved=unsolved)


def _of_enough_baselines(weight: np.ndarray, baselines: Baselines, nant: int, least: int) -> np.ndarray:
    """Antennas (interval, ant, chan) with `least` baselines to others of that kind, as for gains; `weight` (interval, baseline, chan)."""
    by_set = np.ascontiguousarray(weight.transpose(0, 2, 1)).reshape(-1, weight.shape[1]).copy()
    good = connected_antennas(by_set, baselines, nant, least)
    return good.reshape(len(weight), -1, nant).transpose(0, 2, 1)


def _between(weight: np.ndarray, good: np.ndarray, baselines: Baselines) -> np.ndarray:
    """Weights (sub, baseline, chan, 4) that are zero but between `good` (ant, chan) antennas."""
    return np.where((good[baselines.ant1] & good[baselines.ant2])[None, :, :, None], weight, 0.0)


def _hand_ratio(model: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Mean model of the second parallel hand over that of the first: (interval, 1, chan); one without data."""
    both = weight[..., 0] + weight[..., 3]
    first, second = ((np.abs(model[..., hand]) * both).sum(axis=(1, 2))[:, None] for hand in (0, 3))
    return np.where(first > 0, second / np.where(first > 0, first, 1.0), 1.0)


def _samples(
    vis: np.ndarray, model: np.ndarray, weight: np.ndarray, baselines: Baselines, chan: int, source: np.ndarray | None = None
) -> _Samples:
    """Those of one channel of (sub, baseline, chan, 4), and derivatives of the model (property, sub, baseline, 4), baseline after baseline."""
    by_baseline = [np.ascontiguousarray(a[:, :, chan].swapaxes(0, 1)) for a in (vis, model, weight)]
    vis, model, weight = by_baseline
    return _Samples(baselines, vis, model, weight, None if source is None else source.swapaxes(1, 2))


def _with_source(
    vis: np.ndarray, model: np.ndarray, weight: np.ndarray, baselines: Baselines, nant: int, problem: LeakageProblem,
    sky: np.ndarray | None,
) -> tuple[np.ndarray, np.ndarray, bool]:  # fmt: skip
    """The model (sub, baseline, chan, 4) with the source's properties, solved from the mean over channels, these, and whether they were found."""
    total = weight.sum(axis=2, keepdims=True)
    safe = np.where(total > 0, total, 1.0)
    mean = [(a * weight).sum(axis=2, keepdims=True) / safe for a in (vis, model)]
    at = np.nonzero(total[..., 1] > 0)
    if not len(at[0]):
        return model, np.full(_PROPERTIES[problem.source], np.nan), True
    if problem.source == "X":
        found, done = _fit(_samples(mean[0], mean[1], total, baselines, 0), nant, problem, "X")[2:]
        return model * np.array([1, np.exp(1j * found[0]), np.exp(-1j * found[0]), 1]), found, done
    assert sky is not None
    # Total intensity is the model's; its linear polarisation is what is solved for.
    level = _intensity(model)
    bare = level[..., None] * sky[0][:, :, None]
    flux = float(_intensity(mean[1])[at].mean())
    mean[1] = _intensity(mean[1])[..., None] * sky[0][:, :, None]
    found, done = _fit(_samples(mean[0], mean[1], total, baselines, 0, flux * sky[1:]), nant, problem, "QU")[2:]
    return bare + level[..., None] * np.tensordot(found, sky[1:], 1)[:, :, None], found, done


def _intensity(model: np.ndarray) -> np.ndarray:
    """Half the sum of the parallel hands' amplitudes (...,); they are turned by the parallactic angle."""
    return np.asarray(0.5 * (np.abs(model[..., 0]) + np.abs(model[..., 3])))


def _finished(
    param: np.ndarray, error: np.ndarray, found: np.ndarray, have: np.ndarray, enough: np.ndarray, problem: LeakageProblem,
    ratio: np.ndarray | None,
) -> Solutions:  # fmt: skip
    """Refer to the reference antenna, flag, and give the signal to noise for a leakage of one.

    ``dR_i LL + conj(dL_j) RR`` stays the same when dR grows by an offset and conj(dL) falls by it times LL / RR, the `ratio`.
    """
    bad = ~enough
    if problem.refants:
        order = np.array(problem.refants)
        first = order[np.argmax(~bad[:, order], axis=1)]  # (interval, chan)
        offset = np.take_along_axis(param[..., 0], first[:, None], axis=1)
        param[..., 0] -= offset
        param[..., 1] += offset.conj() * (1.0 if ratio is None else ratio)
    flag = np.repeat(bad[..., None], 2, axis=-1)
    param[flag], error[flag] = 0.0, 0.0
    snr = np.where(error > 0, 1.0 / np.where(error > 0, error, 1.0), 0.0)
    has, connected = of_channels(have, 2), of_channels(~bad, 2)
    solved = Solutions(param, error, snr, flag, has, connected, connected.copy())
    _report(problem, found)
    return replace(solved, source=found if found.shape[1] else None)


def _report(problem: LeakageProblem, found: np.ndarray) -> None:
    for values in found:
        if problem.source == "QU":
            angle = np.rad2deg(0.5 * np.arctan2(values[1], values[0]))
            log.post(
                f"Source: Q/I = {values[0]:.5f}, U/I = {values[1]:.5f}, polarised {np.hypot(*values):.5f} at {angle:.2f} deg"
            )
        elif problem.source == "X":
            log.post(f"Phase between the receptors: {np.rad2deg(values[0]):.3f} deg")
