"""Steps of an iteration over the rows of a MeasurementSet."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from casatools._base.errors import ParameterError
from casatools.io.ms import MeasurementSet

__all__ = ["DEFAULT_SORT", "iteration_steps"]

DEFAULT_SORT = ("ARRAY_ID", "FIELD_ID", "DATA_DESC_ID", "TIME")


def iteration_steps(
    ms: MeasurementSet, rows: np.ndarray, columns: Sequence[str], interval_s: float, max_rows: int, defaults: bool
) -> list[np.ndarray]:
    """Split rows into steps in which the sort columns are constant.

    Parameters
    ----------
    ms : MeasurementSet
    rows : ndarray (row,) int64
    columns : sequence of str
        Sort columns, the slowest first. With `defaults`, those of ARRAY_ID, FIELD_ID, DATA_DESC_ID and TIME that are not
        among them go in front.
    interval_s : float
        Longest span of times in a step [s]. 0 means that a change of TIME does not end a step.
    max_rows : int
        Longest step; 0 has no bound.
    defaults : bool

    Returns
    -------
    list of ndarray of int64
        Row numbers of each step.

    Raises
    ------
    ParameterError
        There is no such column.
    """
    names = [c.upper() for c in columns if c]
    unknown = [c for c in names if c not in ms.column_names]
    if unknown:
        raise ParameterError(f"ms.iterinit: there is no column {unknown[0]!r} to iterate over")
    names = list(dict.fromkeys(names))
    keys = [*(d for d in DEFAULT_SORT if d not in names), *names] if defaults else names
    if interval_s > 0 and "TIME" not in keys:
        keys.append("TIME")
    if not len(rows):
        return [rows]
    values = {k: np.asarray(ms.read(k, rows)) for k in keys}
    order = np.lexsort(tuple(values[k] for k in reversed(keys))) if keys else np.arange(len(rows))
    changes = np.zeros(len(rows) - 1, bool)
    for key in keys:
        if key != "TIME":
            ordered = values[key][order]
            changes |= ordered[1:] != ordered[:-1]
    cuts = (np.flatnonzero(changes) + 1).tolist()
    if interval_s > 0:
        cuts = _cut_times(values["TIME"][order], cuts, interval_s)
    steps = np.split(rows[order], cuts)
    if max_rows:
        steps = [s[k : k + max_rows] for s in steps for k in range(0, len(s), max_rows)]
    return steps


def _cut_times(time_s: np.ndarray, cuts: list[int], interval_s: float) -> list[int]:
    """Add cuts so that no step spans the interval; a step begins at the first time that did not fit into the one before."""
    out: list[int] = []
    edges = [0, *cuts, len(time_s)]
    for first, last in itertools.pairwise(edges):
        at = first
        part = time_s[first:last]
        while at < last:
            if at > 0:
                out.append(at)
            at = first + int(np.searchsorted(part, time_s[at] + interval_s, side="left"))
    return out
