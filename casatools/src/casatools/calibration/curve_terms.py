"""Application of calibration that is curves: splines in time, polynomials in frequency.

The gain is ``exp(a)`` times a phase factor, ``a`` and the phase being the curves. Splines are cubic B-splines whose phase goes with frequency
from that they were solved at, ``exp(-i phase nu / nu_ref)``; polynomials are Chebyshev's, whose first coefficient counts half, with ``exp(+i phase)``.

References
----------
Dierckx 1993, Curve and Surface Fitting with Splines; Press et al. 2007, Numerical Recipes, ch. 5.8 (Chebyshev approximation). Signs and
conventions as observed in what CASA 6.7 applies.
"""

from __future__ import annotations

import numpy as np

from casatools.io.caltable.curves import CurveRows

__all__ = ["STILL_RAD", "chebyshev_gains", "curve_rows", "serving_rows", "solved_rows", "spline_gains"]

# Phase that tells a reference antenna, which has a solution, from an antenna without one, which has zeros.
STILL_RAD = 1e-12


def solved_rows(curves: CurveRows) -> np.ndarray:
    """Rows (bool) that hold a solution.

    Those of fields that were not solved are all zero, and those that CASA could not solve hold NaN. In a field of phases alone, one antenna that
    stands still is the reference, whose phase is zero.
    """
    solved = np.array(
        [
            bool((a.any() or p.any()) and np.isfinite(a).all() and np.isfinite(p).all())
            for a, p in zip(curves.amplitude, curves.phase, strict=True)
        ],
        dtype=bool,
    )
    has_amplitude = np.array([a.any() for a in curves.amplitude], dtype=bool)
    stands = np.array([np.abs(p).max(initial=0.0) <= STILL_RAD for p in curves.phase], dtype=bool)
    for key in {
        (f, w) for f, w in zip(curves.field[~solved & stands].tolist(), curves.spw[~solved & stands].tolist(), strict=True)
    }:
        own = (curves.field == key[0]) & (curves.spw == key[1])
        if np.count_nonzero(own & stands) == 1 and solved[own].any() and not has_amplitude[own].any():
            solved[own & stands] = True
    return solved


def curve_rows(curves: CurveRows, antenna: int, spw: int, fields: frozenset[int] | None) -> np.ndarray:
    """Rows that may serve an antenna's data."""
    fits = (curves.antenna == antenna) & ((curves.spw == spw) | (curves.spw == -1)) & solved_rows(curves)
    if fields is not None:
        fits &= np.isin(curves.field, list(fields)) | (curves.field == -1)
    return np.flatnonzero(fits)


def serving_rows(curves: CurveRows, rows: np.ndarray, field: int, times_s: np.ndarray) -> list[tuple[int, np.ndarray]]:
    """Which of some rows serves which times of a field's data.

    Rows of the field itself go before those of others; of several the one nearest in time serves, the first of those at one time.
    """
    own = rows[curves.field[rows] == field]
    rows = own if len(own) else rows
    if not len(rows):
        return []
    pick = np.argmin(np.abs(times_s[:, None] - curves.time_s[rows]), axis=1)
    return [(int(rows[k]), np.flatnonzero(pick == k)) for k in np.unique(pick)]


def spline_gains(curves: CurveRows, row: int, times_s: np.ndarray, frequency_hz: float) -> np.ndarray:
    """Gains (time, 2) at times [s] for a frequency; held constant outside the knots."""
    from scipy.interpolate import BSpline

    knots = curves.domain[row]
    count = len(knots) - 4
    inside = np.clip(times_s, knots[0], knots[-1])
    amplitude, phase = (
        np.stack([BSpline(knots, part[:count], 3)(inside) for part in parts[row]], axis=-1)
        for parts in (curves.amplitude, curves.phase)
    )
    # CASA's splines of amplitudes alone are for no frequency.
    scale = frequency_hz / curves.reference_hz[row] if curves.reference_hz[row] else 1.0
    return np.exp(amplitude - 1j * phase * scale)


def chebyshev_gains(curves: CurveRows, row: int, frequency_hz: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gains (chan, 2) at frequencies, and which channels (chan,) lie outside the range that was solved."""
    low, high = float(curves.domain[row].min()), float(curves.domain[row].max())
    at = (2 * np.asarray(frequency_hz) - low - high) / (high - low)
    outside = np.abs(at) > 1 + 1e-6
    found = []
    for parts in (curves.amplitude, curves.phase):
        halved = np.array(parts[row], dtype=np.float64)
        halved[:, 0] *= 0.5
        found.append(np.polynomial.chebyshev.chebval(np.clip(at, -1.0, 1.0), halved.T).T)
    return np.exp(found[0] + 1j * found[1]), outside
