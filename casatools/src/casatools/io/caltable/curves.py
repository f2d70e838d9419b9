"""Calibration tables of curves: splines in time (GSPLINE) and Chebyshev polynomials in frequency (BPOLY), in CASA's older format.

References
----------
Layout as observed in tables that CASA 6.7 wrote.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from casatools._base.errors import DataError
from casatools.io.tables import open_table

__all__ = ["CurveRows", "curve_ms_name", "is_curve_table", "read_curves"]

_COLUMNS = frozenset({"POLY_COEFF_AMP", "POLY_COEFF_PHASE", "N_POLY_AMP", "N_POLY_PHASE", "CAL_DESC_ID"})


@dataclass(frozen=True)
class CurveRows:
    """Curves of antennas.

    Attributes
    ----------
    kind : {"GSPLINE", "BPOLY"}
    antenna, field, spw : ndarray (row,) int
        spw is -1 for all.
    time_s : ndarray (row,)
    amplitude, phase : list of ndarray (2, coefficient)
        Of the logarithm of the amplitude and of the phase [rad], for both receptors.
    domain : list of ndarray
        Knots of the splines [s], or the ends of the range of frequencies [Hz].
    reference_hz : ndarray (row,)
        Where the phases of splines are for.
    """

    kind: str
    antenna: np.ndarray
    field: np.ndarray
    spw: np.ndarray
    time_s: np.ndarray
    amplitude: list[np.ndarray]
    phase: list[np.ndarray]
    domain: list[np.ndarray]
    reference_hz: np.ndarray


def is_curve_table(path: str) -> bool:
    """Whether a table (that exists) is one of curves."""
    table = open_table(path, what="calibration table")
    try:
        return set(table.colnames()) >= _COLUMNS
    finally:
        table.close()


def curve_ms_name(path: str) -> str:
    """Name, without its folder, of the MeasurementSet that a table of curves was made from; '' where it does not say."""
    described = open_table(f"{path.rstrip('/')}/CAL_DESC", what="description of a calibration table")
    try:
        return os.path.basename(str(described.getcell("MS_NAME", 0)).rstrip("/")) if described.nrows() else ""
    finally:
        described.close()


def read_curves(path: str) -> CurveRows:
    """Read a table of curves.

    Raises
    ------
    PathMissingError, DataError
        It is missing, or no table of curves.
    """
    table = open_table(path, what="calibration table")
    described = open_table(f"{path.rstrip('/')}/CAL_DESC", what="description of a calibration table")
    try:
        kind = str(table.info()["subType"])
        if kind not in ("GSPLINE", "BPOLY"):
            raise DataError(f"calibration table {path!r} holds curves of kind {kind!r}; GSPLINE and BPOLY are known")
        windows = [int(np.ravel(described.getcell("SPECTRAL_WINDOW_ID", r))[0]) for r in range(described.nrows())]
        rows = range(table.nrows())

        def coefficients(name: str) -> list[np.ndarray]:
            counts = table.getcol(f"N_POLY_{name}")
            cells = (np.ravel(table.getcell(f"POLY_COEFF_{name}", r)) for r in rows)
            return [_by_receptor(cell, int(count)) for cell, count in zip(cells, counts, strict=True)]

        amplitude, phase = coefficients("AMP"), coefficients("PHASE")
        ends = [_ends(table, kind, r) for r in rows]
        return CurveRows(
            kind, np.asarray(table.getcol("ANTENNA1")), np.asarray(table.getcol("FIELD_ID")),
            np.array([windows[d] for d in table.getcol("CAL_DESC_ID")]), np.asarray(table.getcol("TIME")),
            *_filled(amplitude, phase), ends,
            np.array([float(np.ravel(table.getcell("REF_FREQUENCY", r))[0]) for r in rows]),
        )  # fmt: skip
    finally:
        described.close()
        table.close()


def _ends(table: Any, kind: str, row: int) -> np.ndarray:
    """Knots, or the ends of the range of frequencies. Splines of phases alone have no knots of amplitudes, and the other way round."""
    if kind == "BPOLY":
        return np.ravel(table.getcell("VALID_DOMAIN", row))
    which = "AMP" if table.getcell("N_POLY_AMP", row) > 0 else "PHASE"
    return np.ravel(table.getcell(f"SPLINE_KNOTS_{which}", row))


def _filled(amplitude: list[np.ndarray], phase: list[np.ndarray]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Zeros for the part that a curve does not have: an amplitude of one, a phase of zero."""
    return (
        [a if a.size else np.zeros(p.shape) for a, p in zip(amplitude, phase, strict=True)],
        [p if p.size else np.zeros(a.shape) for a, p in zip(amplitude, phase, strict=True)],
    )


def _by_receptor(cell: np.ndarray, count: int) -> np.ndarray:
    """Coefficients (2, count); those of one receptor serve both."""
    if count == 0:
        return np.zeros((2, 0))
    parts = cell[: 2 * count].reshape(-1, count) if len(cell) >= 2 * count else cell[None, :count]
    return np.broadcast_to(parts, (2, parts.shape[1]))
