"""The solver of each form of term: from averaged visibilities of whole intervals to solutions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from casatools.calibration.solve_averages import autocorrelation_gains, average_baselines, average_offsets
from casatools.calibration.solve_data import IntervalData, SolveInput
from casatools.calibration.solve_gains import Solutions, solve_gain_intervals

__all__ = ["solve_form"]

Solver = Callable[[SolveInput, IntervalData, int, list[int]], Solutions]


def _by_reference(
    given: SolveInput, data: IntervalData, refants: list[int], solver: Callable[[IntervalData, int], Solutions]
) -> Solutions:
    """Solve each interval with the first reference antenna that has unflagged data in it, whatever other intervals are read with it.

    Parameters
    ----------
    given : SolveInput
    data : IntervalData
    refants : list of int
    solver : callable
        Of the data of some intervals and of their reference antenna, -1 where there is none.
    """
    used: np.ndarray = np.any(data.weight > 0, axis=(1, 3, 4))
    first = refants[0] if refants else -1
    reference = np.full(len(used), first)
    for antenna in reversed(refants):
        reference[used[:, (given.baselines.ant1 == antenna) | (given.baselines.ant2 == antenna)].any(axis=1)] = antenna
    chosen = np.unique(reference)
    if len(chosen) == 1:
        return solver(data, int(chosen[0]))
    groups = [np.flatnonzero(reference == r) for r in chosen]
    return Solutions.joined([solver(data.take(g), int(r)) for g, r in zip(groups, chosen, strict=True)], np.concatenate(groups))


def _gain(given: SolveInput, data: IntervalData, nant: int, refants: list[int]) -> Solutions:
    reference = refants[0] if given.options.refant and refants else -1
    return solve_gain_intervals(data, given.baselines, nant, given.options, reference)


def _joins_windows(given: SolveInput, data: IntervalData) -> bool:
    """Whether the channels are those of several spectral windows."""
    return len(np.unique(given.channel_windows(data))) > 1


def _delay(given: SolveInput, data: IntervalData, nant: int, refants: list[int]) -> Solutions:
    from casatools.calibration.solve_delays import solve_delay_intervals

    frequency, joins, least = given.channel_frequencies(data), _joins_windows(given, data), given.options.minblperant

    def solver(part: IntervalData, reference: int) -> Solutions:
        return solve_delay_intervals(part, given.baselines, nant, least, reference, frequency, joins)

    return _by_reference(given, data, refants, solver)


def _baseline(given: SolveInput, data: IntervalData, nant: int, refants: list[int]) -> Solutions:
    return average_baselines(data, given.baselines, nant, given.options.calmode)


def _offset(given: SolveInput, data: IntervalData, nant: int, refants: list[int]) -> Solutions:
    return average_offsets(data, given.baselines, nant)


def _auto(given: SolveInput, data: IntervalData, nant: int, refants: list[int]) -> Solutions:
    return autocorrelation_gains(data, given.baselines, nant)


def _leakage(given: SolveInput, data: IntervalData, nant: int, refants: list[int]) -> Solutions:
    from casatools.calibration.solve_leakages import LeakageProblem, solve_leakage_intervals

    kind = given.options.solved
    problem = LeakageProblem(given.options.minblperant, tuple(refants), kind.full, kind.source, given.circular)
    return solve_leakage_intervals(data, given.baselines, nant, problem, given.sky(data) if kind.source == "QU" else None)


def _cross_phase(given: SolveInput, data: IntervalData, nant: int, refants: list[int]) -> Solutions:
    from casatools.calibration.solve_cross_hands import solve_cross_phases

    return solve_cross_phases(data, given.baselines, nant)


def _cross_delay(given: SolveInput, data: IntervalData, nant: int, refants: list[int]) -> Solutions:
    from casatools.calibration.solve_cross_hands import solve_cross_delays

    return solve_cross_delays(data, given.baselines, nant, given.channel_frequencies(data), _joins_windows(given, data))


def _cross_source(given: SolveInput, data: IntervalData, nant: int, refants: list[int]) -> Solutions:
    from casatools.calibration.solve_cross_hands import solve_cross_source

    return solve_cross_source(data, given.baselines, nant, given.sky(data), given.options.solved.npar)


def _position_angle(given: SolveInput, data: IntervalData, nant: int, refants: list[int]) -> Solutions:
    from casatools.calibration.solve_cross_hands import solve_position_angles

    return solve_position_angles(data, given.baselines, nant, given.circular)


def _fringe(given: SolveInput, data: IntervalData, nant: int, refants: list[int]) -> Solutions:
    from casatools.calibration.solve_fringes import solve_fringe_intervals

    frequency, windows = given.channel_frequencies(data), given.channel_windows(data)
    every_hz = np.concatenate([given.ms.metadata.spectral_windows[int(w)].chan_freq_hz for w in np.unique(windows)])
    edges = float(every_hz.min()), float(every_hz.max())

    def solver(part: IntervalData, reference: int) -> Solutions:
        return solve_fringe_intervals(part, given.baselines, nant, given.options, reference, frequency, windows, edges)

    return _by_reference(given, data, refants, solver)


_SOLVERS: dict[str, Solver] = {
    "gain": _gain, "delay": _delay, "baseline": _baseline, "offset": _offset, "auto": _auto, "leakage": _leakage, "cross_phase": _cross_phase,
    "cross_delay": _cross_delay, "cross_source": _cross_source, "position_angle": _position_angle, "fringe": _fringe,
}  # fmt: skip


def solve_form(given: SolveInput, data: IntervalData, nant: int, refants: list[int]) -> Solutions:
    """Solve what has been averaged, by the form of the term."""
    return _SOLVERS[given.options.solved.form](given, data, nant, refants)
