"""Statistics of the values of a column."""

from __future__ import annotations

import math

import numpy as np

__all__ = ["column_statistics"]


def column_statistics(values: np.ndarray) -> dict[str, float]:
    """The statistics that CASA gives for a column.

    Parameters
    ----------
    values : ndarray of any shape, real or bool

    Returns
    -------
    dict
        min, max, mean, median, quartile (third minus first), medabsdevmed, rms, stddev, var, sum, sumsq, npts; empty for no values.
    """
    flat = np.asarray(values, dtype=np.float64).ravel()
    count = flat.size
    if count == 0:
        return {}
    ordered = np.sort(flat)
    median = float(0.5 * (ordered[(count - 1) // 2] + ordered[count // 2]))
    deviations = np.sort(np.abs(ordered - median))
    total, squares = float(flat.sum()), float(np.dot(flat, flat))
    variance = float(flat.var(ddof=1)) if count > 1 else 0.0
    quarter, three = math.ceil(0.25 * count) - 1, math.ceil(0.75 * count) - 1
    return {
        "max": float(ordered[-1]),
        "mean": total / count,
        "medabsdevmed": float(0.5 * (deviations[(count - 1) // 2] + deviations[count // 2])),
        "median": median,
        "min": float(ordered[0]),
        "npts": float(count),
        "quartile": float(ordered[three] - ordered[quarter]),
        "rms": math.sqrt(squares / count),
        "stddev": math.sqrt(variance),
        "sum": total,
        "sumsq": squares,
        "var": variance,
    }
