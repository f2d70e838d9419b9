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
from casatools.calibration.normal_equations import least_norm_solution
from casatools.calibration.solve_data import Baselines, IntervalData
from casatools.calibration.solve_gains import Solutions, baselines_with_data, connected_antennas
from casatools.kernels.jones_solver import leakage_normal_equations

__all__ = ["LeakageProblem", "of_channels", "require_model", "solve_leakage_intervals", "source_models"]

_STEPS = 50
# Relative change of the unknowns at which steps end.
_CONVERGED = 1e-10


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
    """Samples of one interval and channel: antennas (n,), visibilities, model and weights (n, 4), derivatives (property, n, 4)."""

    ant1: np.ndarray
    ant2: np.ndarray
    vis: np.ndarray
    model: np.ndarray
    weight: np.ndarray
    source: np.ndarray


def _fit(samples: _Samples, nant: int, problem: LeakageProblem, kind: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Leakages (ant, 2), their errors (ant, 2) and the properties of the source found.

    Gauss-Newton steps; directions that the data leave free (an offset common to all antennas) stay at zero.
    """
    leak, found = np.zeros((nant, 2), dtype=np.complex128), np.zeros(len(samples.source))
    if kind == "X":
        cross = samples.vis[:, 1:3] * samples.model[:, 1:3].conj() * samples.weight[:, 1:3]
        found = np.array([np.angle((cross[:, 0] + cross[:, 1].conj()).sum())])
    count = 4 * nant + len(found)
    # Rows are longer than they need to be: columns of a power of two apart would share few places of the cache.
    chi2, wide = 0.0, np.zeros((count, count + 8))
    normal = wide[:, :count]
    for step in range(_STEPS):
        model, source = _model_now(samples, kind, found)
        wide[:], right = 0.0, np.zeros(count)
        chi2 = leakage_normal_equations(
            samples.ant1, samples.ant2, samples.vis, model, source, samples.weight, leak, problem.full, wide, right
        )
        size = max(1.0, float(np.abs(leak).max()))
        change = least_norm_solution(normal, right, size)
        leak += change[: 4 * nant].view(np.complex128).reshape(nant, 2)
        found += change[4 * nant :]
        if step and np.abs(change).max() <= _CONVERGED * size:
            break
    used = np.count_nonzero(samples.weight if problem.full else samples.weight[:, 1:3])
    freedom = max(2 * int(used) - int(np.count_nonzero(normal.diagonal())), 1)
    diagonal = normal.diagonal()[: 4 * nant : 2].reshape(nant, 2)
    # The error of the complex number, from the scatter of what is left.
    error = np.sqrt(2 * chi2 / freedom / np.where(diagonal > 0, diagonal, np.inf))
    return leak, error, found


def _model_now(samples: _Samples, kind: str, found: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Model and its derivatives for the properties of the source found so far."""
    if kind == "QU":
        return samples.model + np.tensordot(found, samples.source, 1), samples.source
    if kind == "X":
        turn = np.array([1, np.exp(1j * found[0]), np.exp(-1j * found[0]), 1])
        model = samples.model * turn
        return model, np.ascontiguousarray((model * np.array([0, 1j, -1j, 0]))[None])
    return samples.model, np.zeros((0, *samples.model.shape), dtype=np.complex128)


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
    found = np.zeros((count, {"QU": 2, "X": 1}.get(problem.source, 0)))
    for t in range(count):
        now = model[t]
        if problem.source:
            used = _between(weight[t], enough_mean[t], baselines)
            now, found[t] = _with_source(data.vis[t], now, used, baselines, nant, problem, None if sky is None else sky[:, t])
        used = _between(weight[t], enough[t], baselines)
        for c in range(nchan):
            sub, base = np.nonzero(used[:, :, c, 1] > 0)
            if len(base):
                at = (sub, base, np.full(len(sub), c))
                one = _samples(data.vis[t], now, used, baselines, at)
                param[t, :, c], error[t, :, c], _ = _fit(one, nant, problem, "")
    return _finished(param, error, found, have, enough, problem, _hand_ratio(model, weight) if problem.circular else None)


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
    vis: np.ndarray, model: np.ndarray, weight: np.ndarray, baselines: Baselines, at: tuple[np.ndarray, ...], source: np.ndarray | None = None
) -> _Samples:  # fmt: skip
    derivatives = (
        np.zeros((0, len(at[0]), 4), dtype=np.complex128) if source is None else np.ascontiguousarray(source[:, at[0], at[1]])
    )
    return _Samples(baselines.ant1[at[1]], baselines.ant2[at[1]], vis[at], model[at], weight[at], derivatives)


def _with_source(
    vis: np.ndarray, model: np.ndarray, weight: np.ndarray, baselines: Baselines, nant: int, problem: LeakageProblem,
    sky: np.ndarray | None,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """The model (sub, baseline, chan, 4) with the source's properties, solved from the mean over channels, and these."""
    total = weight.sum(axis=2, keepdims=True)
    safe = np.where(total > 0, total, 1.0)
    mean = [(a * weight).sum(axis=2, keepdims=True) / safe for a in (vis, model)]
    at = np.nonzero(total[..., 1] > 0)
    if not len(at[0]):
        return model, np.full(2 if problem.source == "QU" else 1, np.nan)
    if problem.source == "X":
        found = _fit(_samples(mean[0], mean[1], total, baselines, at), nant, problem, "X")[2]
        return model * np.array([1, np.exp(1j * found[0]), np.exp(-1j * found[0]), 1]), found
    assert sky is not None
    # Total intensity is the model's; its linear polarisation is what is solved for.
    level = _intensity(model)
    bare = level[..., None] * sky[0][:, :, None]
    flux = float(_intensity(mean[1])[at].mean())
    mean[1] = _intensity(mean[1])[..., None] * sky[0][:, :, None]
    found = _fit(_samples(mean[0], mean[1], total, baselines, at, flux * sky[1:]), nant, problem, "QU")[2]
    return bare + level[..., None] * np.tensordot(found, sky[1:], 1)[:, :, None], found


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
