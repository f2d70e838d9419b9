"""Solving what all antennas share in the cross hands: phase and delay between the receptors, position angle, and, for linear feeds, the
phase between the receptors together with the source's polarisation.

References
----------
Sault, Hamaker, Bregman 1996, A&AS 117, 149; Hales 2017, AJ 154, 54 (polarisation calibration with linear
feeds: the cross hands of a polarised source move along a line in the complex plane as the feeds turn, whose tilt is the phase between them).
"""

from __future__ import annotations

import numpy as np

from casatools._base import log
from casatools._base.errors import DataError
from casatools.calibration.solve_data import Baselines, IntervalData
from casatools.calibration.solve_delays import baseline_delays, counts_alike
from casatools.calibration.solve_gains import Solutions, baselines_with_data
from casatools.calibration.solve_leakages import of_channels, require_model

__all__ = ["solve_cross_delays", "solve_cross_phases", "solve_cross_source", "solve_position_angles"]

# The feeds must turn by this much [rad of position angle] for a fit of three unknowns.
_LEAST_TURN = 0.05
# Steps at most between the phases and the source, and the relative change of the source at which they end.
_STEPS, _CONVERGED = 500, 1e-9


def _cross_products(data: IntervalData, alike: bool) -> tuple[np.ndarray, np.ndarray]:
    """Sums (interval, chan) of the cross hands times the conjugate model, LR turned to RL; and their weights.

    With `alike` both hands of a baseline have their mean weight: leakages, which cancel in the sum of both, would be left over where
    calibration has given them different ones.
    """
    model, weight = require_model(data), data.weight[..., 1:3]
    if alike:
        weight = np.where(weight > 0, 0.5 * weight.sum(axis=-1, keepdims=True), 0.0)
    hands = data.vis[..., 1:3]
    if np.abs(model[..., 1:3]).any():
        hands = hands * model[..., 1:3].conj()
    cross = hands[..., 0] * weight[..., 0] + hands[..., 1].conj() * weight[..., 1]
    return cross.sum(axis=(1, 2)), weight.sum(axis=(1, 2, 4))


def _of_all_antennas(
    param: np.ndarray, weight: np.ndarray, data: IntervalData, baselines: Baselines, nant: int, source: np.ndarray | None = None
) -> Solutions:
    """The same solution (interval, chan, par) for all antennas; flagged where `weight` (interval, chan) is zero."""
    shape = (len(param), nant, *param.shape[1:])
    bad = np.broadcast_to((weight <= 0)[:, None, :, None], shape).copy()
    nothing = np.zeros(shape)
    held = np.asarray(baselines_with_data(data.weight[..., 1].sum(axis=1) > 0, baselines, nant) > 0)
    has = of_channels(held, param.shape[-1])
    return Solutions(
        np.broadcast_to(param[:, None], shape).copy(), nothing, nothing.copy(), bad, has, has.copy(), has.copy(), source
    )


def solve_cross_phases(data: IntervalData, baselines: Baselines, nant: int) -> Solutions:
    """Solve the phase between the receptors that all antennas share, for a source of known polarisation.

    Raises
    ------
    DataError
        The model is not polarised.
    """
    if not np.abs(require_model(data)[..., 1:3]).any():
        raise DataError("a cross-hand phase or position angle needs a polarised model; set one with setjy or smodel")
    cross, weight = _cross_products(data, True)
    size = np.abs(cross)
    param = np.where(size > 0, cross / np.where(size > 0, size, 1.0), 1.0)[..., None]
    return _of_all_antennas(param, weight * (size > 0), data, baselines, nant)


def solve_cross_delays(
    data: IntervalData, baselines: Baselines, nant: int, frequency_hz: np.ndarray, joined: bool = False
) -> Solutions:
    """Solve the delay (ns) between the receptors that all antennas share; `joined` as for `solve_delay_intervals`."""
    cross, weight = _cross_products(data, False)
    if counts_alike(data, joined):
        cross /= np.where(weight > 0, weight, 1.0)
    delay, _ = baseline_delays(cross, frequency_hz)
    param = np.stack([delay, np.zeros_like(delay)], axis=-1)[:, None, :]
    return _of_all_antennas(param, weight.sum(axis=1, keepdims=True), data, baselines, nant)


def solve_position_angles(data: IntervalData, baselines: Baselines, nant: int, circular: bool) -> Solutions:
    """Solve the angle (rad) by which the data's linear polarisation is turned against the model's.

    Raises
    ------
    DataError
        The model is not polarised.
    """
    if circular:
        found = solve_cross_phases(data, baselines, nant)
        found.param = 0.5 * np.angle(found.param)
        return found
    model = require_model(data)

    def linear(values: np.ndarray) -> np.ndarray:
        return np.asarray(values[..., 0] - values[..., 3] + 1j * (values[..., 1] + values[..., 2]).real)

    if np.abs(linear(model)).max() <= 1e-6 * np.abs(model).max():
        raise DataError("a position angle needs a polarised model; set one with setjy or smodel")
    cross = linear(data.vis) * linear(model).conj() * data.weight.min(axis=-1)
    total = cross.sum(axis=(1, 2))
    return _of_all_antennas(0.5 * np.angle(total)[..., None], data.weight[..., 1].sum(axis=(1, 2)), data, baselines, nant)


def solve_cross_source(data: IntervalData, baselines: Baselines, nant: int, sky: np.ndarray, npar: int) -> Solutions:
    """Solve the phase between linear receptors for each channel, and fractional Q and U of the source for all channels.

    Parameters
    ----------
    data : IntervalData
        Total intensity is taken from the model's parallel hands.
    baselines : Baselines
    nant : int
    sky : ndarray (3, interval, sub, baseline, 4)
        Visibilities of Stokes I, Q and U of one; see `source_models`.
    npar : int
        2 for the phase and a one, 1 for the phase alone.

    Returns
    -------
    Solutions
        With `source` (interval, 2): Q and U over I.

    Raises
    ------
    DataError
        The feeds hardly turn against the sky, or there are too few times.

    Notes
    -----
    Turning the phase by half a turn changes the signs of Q and U: the phase within a quarter of a turn of zero is given, unless the
    model is polarised, which then decides.
    """
    model = require_model(data)
    level = 0.5 * (np.abs(model[..., 0]) + np.abs(model[..., 3]))
    ratio = np.where(level > 0, 1.0 / np.where(level > 0, level, 1.0), 0.0)
    weight = data.weight[..., 1] + data.weight[..., 2]
    cross = (data.vis[..., 1] * data.weight[..., 1] + data.vis[..., 2].conj() * data.weight[..., 2]) * ratio
    # Of a polarised model only the sense counts, and the sum of I and Q it brings to the parallel hands does not.
    known = (model[..., 1] * data.weight[..., 1] + model[..., 2].conj() * data.weight[..., 2]) * ratio
    base = 0.5 * (sky[..., 1] + sky[..., 2].conj())[..., None] * weight
    total = weight.sum(axis=2)
    safe = np.where(total > 0, total, 1.0)
    point, guess, terms = cross.sum(axis=2) / safe, known.sum(axis=2) / safe, (base.sum(axis=3) / safe).real
    count, nchan = len(data.vis), data.vis.shape[3]
    phase, source = np.zeros((count, nchan)), np.zeros((count, 2))
    for t in range(count):
        phase[t], source[t] = _line_and_source(point[t], guess[t], terms[1:, t], total[t])
    param = np.exp(1j * phase)[..., None]
    if npar == 2:
        param = np.concatenate([param, np.ones_like(param)], axis=-1)
    return _of_all_antennas(param, total.sum(axis=1), data, baselines, nant, source)


def _line_and_source(
    point: np.ndarray, guess: np.ndarray, terms: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Phases (chan,) and (Q, U) from cross hands (sub, chan) and their dependence on Q and U, `terms` (2, sub, chan)."""
    used = weight.sum(axis=1) > 0
    if np.count_nonzero(used) < 3 or np.ptp(terms[:, used].mean(axis=2), axis=1).max() < _LEAST_TURN:
        raise DataError(
            "the source's polarisation needs at least three times between which the feeds turn against the sky: give a longer "
            "selection, combine='scan' and a preavg shorter than it"
        )
    total = np.where(weight.sum(axis=0) > 0, weight.sum(axis=0), 1.0)

    def moved(values: np.ndarray) -> np.ndarray:
        return np.asarray((values - (values * weight).sum(axis=-2, keepdims=True) / total) * (weight > 0))

    line, along = moved(point), moved(terms)
    # Twice the tilt of the line is the phase of the sum of squares.
    phase = 0.5 * np.angle((weight * line**2).sum(axis=0))
    # Channels follow the strongest one within a quarter of a turn.
    overall = 0.5 * np.angle((weight * line**2).sum())
    phase = np.where(np.cos(phase - overall) < 0, phase + np.pi, phase)
    expected = moved(guess).real
    real = (point * np.exp(-1j * phase)).real
    if np.abs(expected).max() > 1e-6 and (expected * real * weight).sum() < 0:
        phase = phase + np.pi
    phase, (q, u) = _least_squares(line, along, weight, phase)
    offset = ((point * np.exp(-1j * phase)).real - np.tensordot([q, u], terms, 1)) * weight
    offset = offset.sum() / weight.sum()
    middle = float(np.angle(np.exp(1j * phase).sum()))
    log.post(
        f"Phase between the receptors {np.rad2deg(middle):.3f} deg; source Q/I = {q:.5f}, U/I = {u:.5f}, polarised {np.hypot(q, u):.5f} "
        f"at {np.rad2deg(0.5 * np.arctan2(u, q)):.2f} deg; instrumental polarisation {offset:.5f}"
    )
    return np.angle(np.exp(1j * phase)), np.array([q, u])


def _least_squares(line: np.ndarray, along: np.ndarray, weight: np.ndarray, phase: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Phases (chan,) and (Q, U) of least ``|line - exp(i phase) (Q, U) . along|``: each is found from the other until both stand still."""
    normal = np.einsum("asc,bsc,sc->ab", along, along, weight)
    source = np.zeros(2)
    for _ in range(_STEPS):
        before = source
        source = np.linalg.lstsq(normal, np.einsum("asc,sc->a", along, weight * (line * np.exp(-1j * phase)).real), rcond=None)[0]
        phase = np.angle((weight * line * np.tensordot(source, along, 1)).sum(axis=0))
        if np.abs(source - before).max() <= _CONVERGED * np.abs(source).max():
            break
    return phase, source
