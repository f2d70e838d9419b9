"""Solving a chain of terms against one model in one call: an extension that the reference does not have.

Terms are solved in turn, each with the others applied, until none changes: the joint least squares of all of them. A bandpass beside a gain
keeps a mean power of one and a mean phase of zero, so that the gain carries both; delays beside a bandpass are found without it in the first
two rounds and then held, so that the slope of the phase stays with them.

References
----------
Hamaker, Bregman, Sault 1996, A&AS 117, 137 (measurement equation); Bertsekas 1999, Nonlinear Programming, sec. 2.7 (block coordinate descent).
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from casatools._base import log
from casatools._base.errors import ParameterError
from casatools.calibration.residuals import Residuals, TableQuality, measure_residuals, table_quality, write_residual_weights
from casatools.calibration.solve import SolveResult, solve
from casatools.calibration.solve_options import SolveOptions
from casatools.calibration.solve_session import PriorTables, check_output
from casatools.io.ms import MeasurementSet, ResolvedSelection, Selection

__all__ = ["ChainOptions", "ChainResult", "ChainTerm", "solve_chain"]


@dataclass(frozen=True)
class ChainTerm:
    """One term: what to solve for, the table to write and how it is interpolated when applied to the others."""

    options: SolveOptions
    caltable: str
    interp: str = ""


@dataclass(frozen=True)
class ChainOptions:
    """How a chain is solved.

    Attributes
    ----------
    cycles : int
        Most rounds over all terms.
    tolerance : float
        Largest change, relative for complex terms, in radians over the band for delays, at which to stop.
    weights : bool
        Set WEIGHT and SIGMA of the selection from the residuals in the end.

    Raises
    ------
    ParameterError
        A value is out of range.
    """

    cycles: int = 6
    tolerance: float = 1e-3
    weights: bool = False

    def __post_init__(self) -> None:
        if self.cycles < 1:
            raise ParameterError(f"parameter 'cycles' must be at least 1; got {self.cycles}")
        if not self.tolerance > 0:
            raise ParameterError(f"parameter 'tolerance' must be positive; got {self.tolerance}")


@dataclass
class ChainResult:
    """Tables written, rounds done, the largest change of each round, quality and residuals."""

    caltables: list[str]
    cycles: int = 0
    converged: bool = False
    changes: list[float] = field(default_factory=list)
    statistics: dict[str, dict[str, Any]] = field(default_factory=dict)
    quality: list[TableQuality] = field(default_factory=list)
    before: Residuals | None = None
    after: Residuals | None = None


def solve_chain(
    vis: str, terms: Sequence[ChainTerm], selection: Selection, priors: PriorTables, options: ChainOptions | None = None
) -> ChainResult:
    """Solve several terms jointly and write their tables, all or none.

    Parameters
    ----------
    vis : str
    terms : sequence of ChainTerm
        In the order of the first round: first what must be known for the next, such as delays.
    selection : Selection
    priors : PriorTables
        Calibration that is known.
    options : ChainOptions, optional

    Raises
    ------
    ParameterError
        No terms, two of one kind or of one table, or different models.
    CasaError
        See `solve`; nothing is written then.
    """
    options = options or ChainOptions()
    _check(terms)
    result = ChainResult([t.caltable for t in terms])
    with MeasurementSet(vis, writable=options.weights) as ms, tempfile.TemporaryDirectory(prefix="chain-") as folder, log.once():
        work = _Chain(ms, selection.resolve(ms), list(terms), priors, folder)
        smodel = terms[0].options.smodel
        result.before = measure_residuals(ms, work.selected, work.prior(-1), smodel)
        while result.cycles < options.cycles and not result.converged:
            result.changes.append(max(work.solve(k) for k in range(len(terms)) if not work.holds(k, result.cycles)))
            result.cycles += 1
            result.converged = result.cycles > 1 and result.changes[-1] <= options.tolerance
            log.post(f"Chain, round {result.cycles}: largest change {result.changes[-1]:.2e}", "INFO2")
        if len(terms) > 1:
            # The last round normalised bandpasses: gains take up what that took out.
            for k, term in enumerate(terms):
                if term.options.solved.form == "gain" and not term.options.solved.channels:
                    work.solve(k)
        result.after = measure_residuals(ms, work.selected, work.prior(len(terms)), smodel)
        for k, term in enumerate(terms):
            work.solved[k].write(term.caltable)
            result.statistics[term.caltable] = work.solved[k].statistics.record()
            result.quality.append(table_quality(work.solved[k].table, term.caltable))
        if options.weights:
            count = write_residual_weights(ms, work.selected, result.after)
            log.post(f"WEIGHT and SIGMA of {count} rows are set from the residuals")
    _report(result)
    return result


def _check(terms: Sequence[ChainTerm]) -> None:
    if not terms:
        raise ParameterError("a chain needs at least one term")
    kinds, tables = [t.options.kind.upper() for t in terms], [os.path.abspath(t.caltable) for t in terms]
    if len(set(kinds)) < len(kinds) or len(set(tables)) < len(tables):
        raise ParameterError(f"the terms of a chain must be of different kinds and tables; got {', '.join(kinds)}")
    if len({t.options.smodel for t in terms}) > 1:
        raise ParameterError("the terms of a chain must have one model; their smodel differ")
    for term in terms:
        check_output(term.caltable, False, term.options.solved.vis_cal)


class _Chain:
    """The terms as they stand, and their tables in a folder of their own, which the others' solves apply."""

    def __init__(
        self, ms: MeasurementSet, selected: ResolvedSelection, terms: list[ChainTerm], priors: PriorTables, folder: str
    ) -> None:
        self.ms, self.selected, self.terms, self.priors = ms, selected, terms, priors
        self.solved: dict[int, SolveResult] = {}
        self._paths = [os.path.join(folder, f"{k}.cal") for k in range(len(terms))]
        carried = any(t.options.solved.form == "gain" and not t.options.solved.channels for t in terms)
        self._options = [
            replace(t.options, solnorm=True)
            if carried and t.options.solved.form == "gain" and t.options.solved.channels
            else t.options
            for t in terms
        ]

    def prior(self, number: int) -> Any:
        """What is applied when a term is solved: the given tables and the other terms solved so far."""
        others = [k for k in self.solved if k != number and not (self._is_delay(number) and self._is_bandpass(k))]
        given = list(self.priors.gaintable)

        def filled(values: Sequence[Any], blank: Any) -> list[Any]:
            held = list(values)[: len(given)]
            return held + [blank] * (len(given) - len(held))

        spwmap = list(self.priors.spwmap)
        if spwmap and not any(isinstance(m, (list, tuple)) for m in spwmap):
            spwmap = [spwmap]
        together = replace(
            self.priors,
            gaintable=given + [self._paths[k] for k in others],
            gainfield=filled(self.priors.gainfield, "") + [""] * len(others),
            interp=filled(self.priors.interp, "") + [self._interp(k) for k in others],
            spwmap=filled(spwmap, []) + [self._own_windows(k) for k in others],
            paths=[],
        )
        return together.open(self.ms, 0 <= number < len(self.terms) and self.terms[number].options.solved.channels)

    def _is_delay(self, number: int) -> bool:
        return 0 <= number < len(self.terms) and self.terms[number].options.solved.form in ("delay", "fringe")

    def _is_bandpass(self, number: int) -> bool:
        kind = self.terms[number].options.solved
        return kind.form == "gain" and kind.channels

    def holds(self, number: int, rounds: int) -> bool:
        """Whether a term stays as it is in the round after some."""
        return rounds >= 2 and self._is_delay(number) and any(self._is_bandpass(k) for k in range(len(self.terms)))

    def _interp(self, number: int) -> str:
        """Channels without a solution are left out, not filled from their neighbours."""
        return self.terms[number].interp or ("linear,linearflag" if self.terms[number].options.solved.channels else "linear")

    def _own_windows(self, number: int) -> list[int]:
        """Solutions of joined spectral windows serve all of them."""
        if "spw" not in self._options[number].combine_set:
            return []
        return [int(self.solved[number].table.spw_id[0])] * len(self.ms.metadata.spectral_windows)

    def solve(self, number: int) -> float:
        """Solve one term; returns how much it changed."""
        found = solve(self.ms, self.selected, self._options[number], self.prior(number))
        found.table.write(self._paths[number])
        before = self.solved.get(number)
        self.solved[number] = found
        return np.inf if before is None else _change(before, found)


def _change(before: SolveResult, after: SolveResult) -> float:
    """Largest relative change of complex solutions, or change of phase across the band for delays (ns)."""
    old, new = before.table, after.table
    if old.nrow != new.nrow:
        return float(np.inf)
    largest = 0.0
    for a, b in zip(old.groups, new.groups, strict=True):
        good = ~(a.flag | b.flag)
        if not good.any():
            continue
        moved = np.abs(b.param - a.param)[good]
        if new.is_complex:
            largest = max(largest, float((moved / np.maximum(np.abs(a.param[good]), 1e-12)).max()))
        else:
            cells = [w for w in new.subtables["SPECTRAL_WINDOW"].columns["TOTAL_BANDWIDTH"] if w is not None]
            largest = max(largest, float(moved.max()) * 2e-9 * np.pi * float(max(cells)))
    return largest


def _report(result: ChainResult) -> None:
    assert result.before is not None and result.after is not None
    for quality in result.quality:
        log.post(quality.line(), "INFO2")
    ended = "converged" if result.converged else f"not converged, last change {result.changes[-1]:.1e}"
    log.post(
        f"Chain of {', '.join(q.kind for q in result.quality)}: {result.cycles} rounds, {ended}; rms residual {result.before.rms:.4g} before, "
        f"{result.after.rms:.4g} after, reduced chi2 {result.after.reduced_chi2:.3g}",
        "INFO" if result.converged else "WARN",
    )
