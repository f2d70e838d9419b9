"""Solving gains as splines in time (GSPLINE) and bandpasses as polynomials in frequency (BPOLY).

Gains of single integrations or channels are solved first; curves are then fitted to the logarithm of their amplitudes and to their phases
followed through turns, weighted by their signal to noise.

References
----------
Dierckx 1993, Curve and Surface Fitting with Splines; Press et al. 2007, Numerical Recipes, ch. 5.8 (Chebyshev polynomials).
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from casatools._base import log
from casatools._base.errors import DataError, ParameterError, UnsupportedError
from casatools.calibration.curve_terms import STILL_RAD
from casatools.calibration.reference_antenna import antenna_ids
from casatools.calibration.solve import SolveResult, solve
from casatools.calibration.solve_options import SolveOptions
from casatools.calibration.solve_session import PriorTables, check_output, selection_record
from casatools.io.caltable.curve_writing import write_curves
from casatools.io.caltable.curves import CurveRows
from casatools.io.ms import MeasurementSet, Selection

__all__ = ["PolynomialOptions", "SplineOptions", "fit_polynomials", "fit_splines", "followed_phase", "solve_curves"]

# How much a bend and a slope from coefficient to coefficient weigh beside a solution.
_STIFF, _LEVEL = 1e-3, 1e-6


@dataclass(frozen=True)
class SplineOptions:
    """Splines: seconds between knots, points whose mean phase the next one is compared with, and what is a wrap (deg).

    Raises
    ------
    ParameterError
        A value is out of range.
    """

    knot_s: float = 3600.0
    points: int = 3
    wrap_deg: float = 180.0

    def __post_init__(self) -> None:
        if not self.knot_s > 0 or self.points < 1 or not self.wrap_deg > 0:
            raise ParameterError(
                "parameters 'splinetime' and 'phasewrap' must be positive and 'npointaver' at least 1; got "
                f"{self.knot_s}, {self.wrap_deg}, {self.points}"
            )


@dataclass(frozen=True)
class PolynomialOptions:
    """Polynomials: degrees of amplitude and phase, normalisation, channels left out in the middle and, per cent, at the edges.

    Raises
    ------
    ParameterError
        A value is out of range.
    """

    degree_amplitude: int = 3
    degree_phase: int = 3
    normalize: bool = False
    mask_centre: int = 0
    mask_edge_percent: int = 5

    def __post_init__(self) -> None:
        if min(self.degree_amplitude, self.degree_phase, self.mask_centre) < 0 or not 0 <= self.mask_edge_percent < 50:
            raise ParameterError(
                "parameters 'degamp', 'degphase', 'maskcenter' must not be negative and 'maskedge' below 50; got "
                f"{self.degree_amplitude}, {self.degree_phase}, {self.mask_centre}, {self.mask_edge_percent}"
            )


def followed_phase(phase: np.ndarray, points: int, wrap_rad: float) -> np.ndarray:
    """Phases [rad] in order, each a whole number of turns from what it was, near the mean of the `points` before it."""
    out = phase.copy()
    for k in range(1, len(out)):
        mean = out[max(0, k - points) : k].mean()
        if abs(out[k] - mean) > wrap_rad:
            out[k] -= 2 * np.pi * np.round((out[k] - mean) / (2 * np.pi))
    return out


def _spline(knots: np.ndarray, at: np.ndarray, values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Coefficients (knot,) of a cubic spline by least squares; the last four are zero, as the format has them.

    Between knots without data, such as those in a gap between scans, the curve is as straight as it can be: bends, and far less slopes, weigh a
    little. Where there are data that changes it by parts in a million.

    References
    ----------
    Eilers & Marx 1996, Statistical Science 11, 89 (penalties on differences of coefficients).
    """
    from scipy.interpolate import BSpline

    count = len(knots) - 4
    design = BSpline.design_matrix(np.clip(at, knots[0], np.nextafter(knots[-1], 0)), knots, 3).toarray()
    root = np.sqrt(weight)
    places = np.mean([knots[k : k + count] for k in (1, 2, 3)], axis=0)  # of the coefficients (Greville)
    slopes = np.diff(np.eye(count), axis=0) / np.diff(places)[:, None]
    scale = float(np.sqrt(weight.mean())) * (knots[-1] - knots[0]) / (count - 1)
    system = np.concatenate([design * root[:, None], scale * _STIFF * np.diff(slopes, axis=0), scale * _LEVEL * slopes])
    out = np.zeros(len(knots))
    out[:count] = np.linalg.lstsq(system, np.pad(values * root, (0, len(system) - len(at))), rcond=None)[0]
    return out


def _spans(result: SolveResult, nfield: int) -> list[tuple[float, float]]:
    """First and last time of each field; of all where it has none or one."""
    table = result.table
    whole = float(table.time_s.min()), float(table.time_s.max())
    whole = whole if whole[1] > whole[0] else (whole[0] - 0.5, whole[0] + 0.5)
    found = []
    for number in range(nfield):
        seen = table.time_s[table.field_id == number]
        found.append((float(seen.min()), float(seen.max())) if len(seen) and np.ptp(seen) > 0 else whole)
    return found


def fit_splines(
    result: SolveResult, options: SplineOptions, calmode: str, reference_hz: float, nfield: int, nant: int
) -> CurveRows:
    """Splines of the solutions of each field, with uniform knots from its first time to its last."""
    table = result.table
    group = table.groups[0]
    rows, amplitude, phase, knots, when = [], [], [], [], []
    spans = _spans(result, nfield)
    # The format has as many knots in every row.
    parts = max(max(1, int((high - low) / options.knot_s)) for low, high in spans)
    for number, ant in np.ndindex(nfield, nant):
        mine = np.flatnonzero((table.field_id[group.rows] == number) & (table.antenna1[group.rows] == ant))
        span = spans[number]
        inner = np.linspace(*span, parts + 1)
        knots.append(np.concatenate([[span[0]] * 3, inner, [span[1]] * 3]))
        found = np.zeros((2, 2, len(knots[-1])))
        for hand in range(2):
            good = mine[~group.flag[mine, 0, hand]]
            good = good[np.argsort(table.time_s[group.rows[good]])]
            if len(good):
                values, weight = group.param[good, 0, hand], np.maximum(group.snr[good, 0, hand], 1e-3).astype(np.float64) ** 2
                at = table.time_s[group.rows[good]]
                turning = followed_phase(np.angle(values).astype(np.float64), options.points, np.deg2rad(options.wrap_deg))
                if "a" in calmode:
                    found[0, hand] = _spline(knots[-1], at, np.log(np.abs(values)), weight)
                if "p" in calmode:
                    # The format has the phases of the inverse.
                    found[1, hand] = _spline(knots[-1], at, -turning, weight)
                    if calmode == "p" and not found[1, hand].any():
                        found[1, hand, : len(inner) + 2] = STILL_RAD
        rows.append((ant, number))
        amplitude.append(found[0])
        phase.append(found[1])
        when.append(0.5 * sum(span))
    numbers = np.array(rows, dtype=np.int64).reshape(-1, 2)
    return CurveRows(
        "GSPLINE", numbers[:, 0], numbers[:, 1], np.full(len(rows), -1), np.array(when), amplitude, phase, knots,
        np.full(len(rows), reference_hz),
    )  # fmt: skip


def fit_polynomials(result: SolveResult, options: PolynomialOptions) -> CurveRows:
    """Chebyshev polynomials of each bandpass over its channels; the first coefficient counts half.

    Raises
    ------
    DataError
        A spectral window has fewer channels than coefficients.
    """
    table = result.table
    rows, amplitude, phase, domain, middle = [], [], [], [], []
    for group in table.groups:
        for k, row in enumerate(group.rows.tolist()):
            frequency = table.frequencies_hz[int(table.spw_id[row])]
            used = _unmasked(len(frequency), options)
            need = max(options.degree_amplitude, options.degree_phase) + 1
            if np.count_nonzero(used) < need:
                raise DataError(
                    f"spectral window {table.spw_id[row]} has {np.count_nonzero(used)} channels that are not masked; polynomials of degree "
                    f"{need - 1} need {need}"
                )
            low, high = float(frequency.min()), float(frequency.max())
            at = (2 * frequency - low - high) / (high - low)
            found = [np.zeros((2, options.degree_amplitude + 1)), np.zeros((2, options.degree_phase + 1))]
            for hand in range(2):
                good = used & ~group.flag[k, :, hand]
                if np.count_nonzero(good) >= need:
                    values, snr = group.param[k, good, hand], np.maximum(group.snr[k, good, hand], 1e-3)
                    turning = np.unwrap(np.angle(values))
                    for part, curve in zip(found, (np.log(np.abs(values)), turning), strict=True):
                        part[hand] = np.polynomial.chebyshev.chebfit(at[good], curve, part.shape[1] - 1, w=snr)
                    _normalize(found, hand, at, options)
                    found[0][hand, 0] *= 2
                    found[1][hand, 0] *= 2
            rows.append(row)
            amplitude.append(found[0])
            phase.append(found[1])
            domain.append(np.array([low, high]))
            middle.append(float(frequency.mean()))
    index = np.array(rows, dtype=np.int64)
    return CurveRows(
        "BPOLY", table.antenna1[index], table.field_id[index], table.spw_id[index], table.time_s[index], amplitude, phase, domain,
        np.array(middle),
    )  # fmt: skip


def _unmasked(count: int, options: PolynomialOptions) -> np.ndarray:
    used = np.ones(count, dtype=bool)
    edge = -(-count * options.mask_edge_percent // 100)  # a begun channel is left out
    used[:edge] = used[count - edge :] = False
    start = (count - options.mask_centre) // 2
    used[start : start + options.mask_centre] = False
    return used


def _normalize(found: list[np.ndarray], hand: int, at: np.ndarray, options: PolynomialOptions) -> None:
    if options.normalize:
        power = np.exp(2 * np.polynomial.chebyshev.chebval(at, found[0][hand])).mean()
        found[0][hand, 0] -= 0.5 * np.log(power)
        found[1][hand, 0] -= np.polynomial.chebyshev.chebval(at, found[1][hand]).mean()


def solve_curves(
    vis: str, caltable: str, selection: Selection, options: SolveOptions, priors: PriorTables, curves: SplineOptions | PolynomialOptions,
    append: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """Solve for curves and write their table; returns what `solve_to_table` does.

    Raises
    ------
    UnsupportedError
        Curves cannot be appended.
    CasaError
        See `solve`; nothing is written then.
    """
    if append and os.path.lexists(caltable.rstrip("/")):
        raise UnsupportedError(f"curves cannot be appended to the calibration table {caltable!r}; write another one")
    check_output(caltable, False, options.solved.vis_cal)
    with MeasurementSet(vis) as ms:
        selected = selection.resolve(ms)
        spws = sorted({ms.metadata.data_descriptions[d].spw for d in selected.ddids_present})
        if isinstance(curves, SplineOptions) and len(spws) > 1:
            # One spline serves all spectral windows.
            options = replace(options, combine=f"{options.combine},spw".strip(","))
        result = solve(ms, selected, options, priors.open(ms, options.solved.channels))
        if isinstance(curves, SplineOptions):
            windows = ms.metadata.spectral_windows
            middle = float(np.mean([windows[s].chan_freq_hz[_chosen(selected, s)].mean() for s in spws]))
            found = fit_splines(result, curves, options.calmode, middle, len(ms.metadata.fields), len(ms.metadata.antennas))
            mode = {"ap": "PHASAMP", "p": "PHAS", "a": "AMP"}[options.calmode]
        else:
            found, mode = fit_polynomials(result, curves), "A&P"
        record = selection_record(ms, selected)
        chosen = antenna_ids([a.name for a in ms.metadata.antennas], options.refant)
    write_curves(caltable, found, mode, chosen[0] if chosen else -1, os.path.basename(os.path.abspath(vis)))
    log.post(f"{found.kind} in {caltable}: curves of {len(np.unique(found.antenna))} antennas from {result.table.nrow} solutions")
    return {
        "apply_tables": np.array(priors.paths, dtype=str), "selectvis": record, "solve_tables": np.array([caltable]),
    }  # fmt: skip


def _chosen(selected: Any, spw: int) -> Any:
    channels = selected.channels.get(spw)
    return slice(None) if channels is None else np.asarray(channels)
