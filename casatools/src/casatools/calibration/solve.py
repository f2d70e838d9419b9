"""Solving for calibration: from a selection of a MeasurementSet to a calibration table.

Visibilities corrected by the terms before the one solved for are compared with the model corrupted by the terms after it. They are
averaged per solution interval, baseline and parameter in one pass; intervals are solved as soon as they are complete.

References
----------
Hamaker, Bregman, Sault 1996, A&AS 117, 137 (measurement equation); Cornwell & Fomalont 1999, ASP Conf. 180, 187 (self-calibration).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from casatools._base import log
from casatools._base.errors import DataError
from casatools._base.progress import Progress
from casatools.calibration.coverage import gaps
from casatools.calibration.normalize import fill_gaps, normalize_solutions
from casatools.calibration.reference_antenna import antenna_ids, fallback_order, refer_phases
from casatools.calibration.solve_averages import antenna_pairs
from casatools.calibration.solve_data import SolveInput, make_solve_input
from casatools.calibration.solve_forms import solve_form
from casatools.calibration.solve_fringes import REFERENCE_SNR
from casatools.calibration.solve_gains import Solutions
from casatools.calibration.solve_options import SolveOptions
from casatools.calibration.solve_statistics import SolveStatistics
from casatools.io.caltable import CalTable, SolutionGroup

if TYPE_CHECKING:
    from casatools.calibration.apply import PriorCalibration
    from casatools.io.ms import MeasurementSet, ResolvedSelection

__all__ = ["SolveResult", "solve"]


@dataclass
class WindowSolutions:
    """All solutions of one spectral window in time order; arrays (interval, ant, chan, par)."""

    intervals: np.ndarray
    time_s: np.ndarray
    param: np.ndarray
    error: np.ndarray
    snr: np.ndarray
    flag: np.ndarray
    refant: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int32))
    source: np.ndarray | None = None


@dataclass
class SolveResult:
    """The table, not yet written, the counts of solutions, and fractional Q and U of the source by spectral window."""

    table: CalTable
    statistics: SolveStatistics
    source: dict[int, np.ndarray] = field(default_factory=dict)

    def write(self, path: str, append: bool = False) -> None:
        """Write the table, or append to one that is there."""
        if append:
            self.table.append_to(path, ordered=True)
        else:
            self.table.write(path, overwrite=True)


def solve(
    ms: MeasurementSet, selected: ResolvedSelection, options: SolveOptions, prior: PriorCalibration | None = None
) -> SolveResult:
    """Solve for calibration.

    Parameters
    ----------
    ms : MeasurementSet
    selected : ResolvedSelection
    options : SolveOptions
    prior : PriorCalibration, optional
        Calibration applied on the fly.

    Raises
    ------
    SelectionError
        The reference antenna does not exist.
    DataError
        Nothing can be solved: no cross-correlations, all data are flagged, or no antenna has enough baselines.
    """
    names = [a.name for a in ms.metadata.antennas]
    chosen = antenna_ids(names, options.refant)
    for sentence in gaps(ms, selected, prior.library, strict=True, solving=True) if prior is not None else []:
        log.post(sentence, "WARN")
    given = make_solve_input(ms, selected, options, prior)
    absent = [a for a in chosen if a not in given.baselines.ant1 and a not in given.baselines.ant2]
    for antenna in absent:
        log.post(f"Reference antenna {names[antenna]} has no data in the selection; the next in the list is used", "WARN")
    present = np.isin(np.arange(len(names)), [given.baselines.ant1, given.baselines.ant2])
    statistics = SolveStatistics(options.solved.npar, len(names), len(ms.metadata.spectral_windows), present)
    # Where the antennas asked for have no data the nearest others stand in.
    order = fallback_order(chosen, np.array([a.position_m for a in ms.metadata.antennas]))
    windows = _solve_windows(given, len(names), options, statistics, order)
    if not windows:
        raise DataError(_why_nothing(given, statistics, options))
    for spw, window in windows.items():
        _finish(window, order, options)
        statistics.count_refants(spw, window.refant)
    if chosen:
        _tell_refants(
            names, chosen, [_zero_delays(w, chosen[0]) if options.solved.form == "delay" else w.refant for w in windows.values()]
        )
    table = _table(ms, given, windows, options)
    source = {spw: w.source.mean(axis=0) for spw, w in windows.items() if w.source is not None and w.source.shape[1] == 2}
    if options.solved.form == "cross_source":
        every = np.zeros((len(ms.metadata.spectral_windows), 2), dtype=np.float32)
        for spw, fractions in source.items():
            every[spw] = fractions
        table.keywords["QU"] = {"QU": every}
    if options.solved.form == "fringe" and options.fringe.active[2] and given.joined:
        # Dispersions are told against the edges of the band, which the data's own spectral windows do not show then.
        every_hz = np.concatenate([ms.metadata.spectral_windows[s].chan_freq_hz for s in given.place])
        table.keywords["DISPERSION_BAND"] = np.array([every_hz.min(), every_hz.max()])
    return SolveResult(table, statistics, source)


def _zero_delays(window: WindowSolutions, wanted: int) -> np.ndarray:
    """The antenna that delays refer to in each interval, the wanted one where it has a solution: tables do not say it, but its delay is zero."""
    zero = (~window.flag & (window.param == 0)).any(axis=(2, 3))
    return np.where(~window.flag[:, wanted].all(axis=(1, 2)), wanted, np.where(zero.any(axis=1), zero.argmax(axis=1), -1))


def _tell_refants(names: list[str], chosen: list[int], references: list[np.ndarray]) -> None:
    """Warn where other antennas than the first asked for were the reference, with the number of intervals."""
    used = np.concatenate(references)
    others = used[(used >= 0) & (used != chosen[0])]
    if len(others):
        who = ", ".join(names[a] for a in np.unique(others).tolist())
        log.post(
            f"Reference antenna {names[chosen[0]]} has no solution in {len(others)} of {len(used)} intervals; used instead: {who}",
            "WARN",
        )


def _why_nothing(given: SolveInput, statistics: SolveStatistics, options: SolveOptions) -> str:
    if not statistics.any_data:
        return f"no solution can be found: all selected data of {given.ms.path!r} are flagged, have weight zero, a model of zero or no prior calibration"
    return (
        f"no solution can be found: no antenna has {options.minblperant} baselines with data (minblperant={options.minblperant})"
    )


def _solve_windows(
    given: SolveInput, nant: int, options: SolveOptions, statistics: SolveStatistics, refants: list[int]
) -> dict[int, WindowSolutions]:
    parts: dict[int, list[tuple[np.ndarray, np.ndarray, Solutions]]] = {}
    unsolved = 0
    with Progress(len(given.intervals), "solve") as progress:
        for data in given.iter_data():
            solved = solve_form(given, data, nant, refants)
            unsolved += solved.unsolved
            spw_of = given.intervals.spw[data.intervals]
            for spw in np.unique(spw_of).tolist():
                mine = spw_of == spw
                statistics.add(spw, solved, mine)
                # Intervals in which nothing could be solved leave no rows.
                keep = mine & solved.connected.any(axis=(1, 2))
                if keep.any():
                    parts.setdefault(spw, []).append((data.intervals[keep], data.time_s[keep], solved.take(keep)))
            progress.advance(len(data.intervals))
    if unsolved:
        then = "look at them before they are applied" if options.solved.form == "leakage" else "they are flagged"
        log.post(f"{unsolved} sets of solutions did not converge (their data hardly tell them); {then}", "WARN")
    return {spw: _joined(found) for spw, found in sorted(parts.items())}


def _joined(found: Iterable[tuple[np.ndarray, np.ndarray, Solutions]]) -> WindowSolutions:
    found = list(found)
    intervals = np.concatenate([f[0] for f in found])
    order = np.argsort(intervals, kind="stable")
    arrays = [np.concatenate([getattr(f[2], n) for f in found])[order] for n in ("param", "error", "snr", "flag")]
    sources = [f[2].source for f in found]
    joined = WindowSolutions(intervals[order], np.concatenate([f[1] for f in found])[order], *arrays)
    if sources[0] is not None:
        joined.source = np.concatenate([s for s in sources if s is not None])[order]
    return joined


def _finish(window: WindowSolutions, refants: list[int], options: SolveOptions) -> None:
    """Refer phases, normalise, fill gaps."""
    if options.solved.form == "gain":
        window.refant = refer_phases(window.param, window.flag, refants, options.refantmode)
    else:
        window.refant = np.full(len(window.param), -1, dtype=np.int32)
        if options.solved.form == "leakage" and options.refant:
            # The first that has solutions.
            solved: np.ndarray = ~np.all(window.flag, axis=(2, 3))
            window.refant = np.array(refants)[np.argmax(solved[:, refants], axis=1)].astype(np.int32)
        if options.solved.form == "fringe":
            # It is the one whose parameters are zero by definition.
            window.refant = (window.snr[:, :, 0] == REFERENCE_SNR).any(axis=2).argmax(axis=1).astype(np.int32)
    if options.solnorm:
        # Baselines are normalised to a mean amplitude of one, antennas to a mean power.
        normtype = "amplitude" if options.solved.form == "baseline" else options.normtype
        normalize_solutions(window.param, window.flag, options.solved.channels, normtype)
    if options.fillgaps:  # what is made up counts in no level
        fill_gaps(window.param, window.flag, options.fillgaps, (window.error, window.snr))


def _table(ms: MeasurementSet, given: SolveInput, windows: dict[int, WindowSolutions], options: SolveOptions) -> CalTable:
    kind = options.solved
    table = CalTable.for_ms(ms, kind.vis_cal, "Complex" if kind.is_complex else "Float")
    if not kind.channels:
        table.set_single_channel(ms)
    table.set_frequencies({spw: given.frequencies[spw] for spw in windows})
    nant = len(ms.metadata.antennas)
    by_pair = kind.form in ("baseline", "offset")
    first, second = antenna_pairs(nant) if by_pair else (np.arange(nant), np.zeros(0, dtype=np.int64))
    for window in windows.values():
        shape = (-1, *window.param.shape[2:])
        dtype = np.complex64 if kind.is_complex else np.float32
        cells = SolutionGroup(
            np.zeros(0, dtype=np.int64), window.param.reshape(shape).astype(dtype), window.error.reshape(shape).astype(np.float32),
            window.flag.reshape(shape), window.snr.reshape(shape).astype(np.float32),
        )  # fmt: skip
        every, size = window.intervals, len(first)
        table.add_rows(
            cells,
            time_s=np.repeat(window.time_s, size),
            field_id=np.repeat(given.intervals.field[every], size),
            spw_id=np.repeat(given.intervals.spw[every], size),
            antenna1=np.tile(first, len(every)),
            antenna2=np.tile(second, len(every)) if by_pair else np.repeat(window.refant, size),
            interval_s=0.0,
            scan=np.repeat(given.intervals.scan[every], size),
            observation=np.repeat(given.intervals.observation[every], size),
        )
    return table
