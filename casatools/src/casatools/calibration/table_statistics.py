"""Statistics of a column of a calibration table."""

from __future__ import annotations

from typing import Any

import numpy as np

from casatools._base.errors import DataError, ParameterError
from casatools.calibration.curve_samples import sampled_curves
from casatools.io.caltable import CalTable
from casatools.io.caltable.curves import is_curve_table

__all__ = ["describe", "table_statistics"]

_COMPLEX: dict[str, Any] = {
    "amp": np.abs, "amplitude": np.abs, "phase": np.angle, "real": np.real, "imag": np.imag, "imaginary": np.imag,
}  # fmt: skip
_CELLS = {"PARAMERR": "paramerr", "FLAG": "flag", "SNR": "snr", "CPARAM": "param", "FPARAM": "param"}
_KEYS = {
    "TIME": "time_s", "FIELD_ID": "field_id", "SPECTRAL_WINDOW_ID": "spw_id", "ANTENNA1": "antenna1", "ANTENNA2": "antenna2",
    "INTERVAL": "interval_s", "SCAN_NUMBER": "scan", "OBSERVATION_ID": "observation",
}  # fmt: skip


def describe(values: np.ndarray) -> dict[str, float]:
    """Moments and quantiles of some numbers.

    The quartile is the distance between the quartiles, which are values of the sample.
    """
    v = np.sort(np.asarray(values, dtype=np.float64).ravel())
    if not v.size:
        raise DataError("there are no values to describe")
    median = float(np.median(v))
    variance = float(v.var(ddof=1)) if v.size > 1 else 0.0
    return {
        "max": float(v[-1]), "mean": float(v.mean()), "medabsdevmed": float(np.median(np.abs(v - median))), "median": median,
        "min": float(v[0]), "npts": float(v.size), "quartile": float(v[int(0.75 * (v.size - 1))] - v[int(0.25 * (v.size - 1))]),
        "rms": float(np.sqrt(np.mean(v**2))), "stddev": float(np.sqrt(variance)), "sum": float(v.sum()), "sumsq": float((v**2).sum()),
        "var": variance,
    }  # fmt: skip


def table_statistics(path: str, axis: str, datacolumn: str) -> dict[str, dict[str, float]]:
    """Describe a column, or a part of a complex one.

    Parameters
    ----------
    path : str
    axis : str
        amp, amplitude, phase, real, imag, imaginary (of `datacolumn`), or a column.
    datacolumn : str
        "gain" stands for the parameters; those of splines and polynomials are the gains that they are.

    Raises
    ------
    PathMissingError, DataError
        The table is missing or has no such column.
    ParameterError
        The column has no amplitude, phase and so on.
    """
    table = sampled_curves(path) if is_curve_table(path) else CalTable.open(path)
    parameter = "CPARAM" if table.is_complex else "FPARAM"
    part = _COMPLEX.get(axis.lower())
    name = (datacolumn if part else axis).upper()
    column = parameter if name in ("GAIN", "CORRECTED", "DATA") else name
    values = _values(table, column, parameter, path)
    if part is not None:
        if not np.iscomplexobj(values) and axis.lower() not in ("amp", "amplitude", "real"):
            raise ParameterError(f"calstat: column {column} is not complex and has no {axis}")
        values = part(values) if np.iscomplexobj(values) else values
    return {column: describe(values)}


def _values(table: CalTable, column: str, parameter: str, path: str) -> np.ndarray:
    if column in _KEYS:
        return np.asarray(getattr(table, _KEYS[column]))
    if column not in _CELLS or (column in ("CPARAM", "FPARAM") and column != parameter):
        known = ", ".join([*_KEYS, parameter, "PARAMERR", "FLAG", "SNR"])
        raise DataError(f"calibration table {path!r} has no column {column}; it has {known}")
    parts = [getattr(g, _CELLS[column]).ravel() for g in table.groups]
    return np.concatenate(parts) if parts else np.zeros(0)
