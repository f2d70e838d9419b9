"""Rows brought together that are planned together: so many at a time that memory does not grow with the rows.

Notes
-----
Rows are counted by the tuples of some identifiers (a part each), then put part by part into one array: two passes over the columns, each in blocks. Parts of
too many rows are cut where the time changes, or another number that goes on with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from casatools._base.row_arrays import row_array, row_blocks, rows_at_once
from casatools._base.row_order import brought_together, counted
from casatools.io.ms import MeasurementSet

__all__ = ["numbered", "parts_of_rows", "row_parts"]

# Intervals in which the rows of a part are counted that is to be cut in time.
_INTERVALS = 1 << 16
# Of all parts together, so that what counts them does not grow with the rows: data of many scans have many such parts.
_ALL_INTERVALS, _FEWEST_INTERVALS = 1 << 20, 1 << 8


def numbered(columns: Sequence[np.ndarray]) -> tuple[int, np.ndarray]:
    """How many different tuples the columns hold, and the number of each in their order."""
    order = np.lexsort(columns[::-1])
    stacked = np.stack([c[order] for c in columns])
    number = np.concatenate([[0], np.cumsum(np.any(np.diff(stacked, axis=1) != 0, axis=0))]).astype(np.int64)
    out = np.empty(len(order), dtype=np.int64)
    out[order] = number
    return int(number[-1]) + 1, out


def row_parts(
    ms: MeasurementSet, rows: np.ndarray, names: Sequence[str], along: np.ndarray | None = None
) -> Iterator[tuple[np.ndarray, bool]]:
    """Rows that are planned together, in the order of some columns, and whether more rows of the same part follow.

    Parts of too many rows are cut, but not between rows of one time.

    Parameters
    ----------
    ms : MeasurementSet
    rows : ndarray (row,) int64
        Ascending.
    names : sequence of str
        Columns of identifiers; rows that agree in them are of one part, all rows where there are none.
    along : ndarray (row,), optional
        What parts are cut along in the place of TIME: a number of each row.

    Yields
    ------
    rows : ndarray (row,) int64
        Ascending.
    unfinished : bool
    """
    if len(rows) <= rows_at_once():
        yield rows, False
        return
    part, tuples = parts_of_rows(ms, rows, names)
    count = counted(part, len(tuples))

    def numbers(block: slice) -> np.ndarray:
        return np.asarray(ms.read("TIME", rows[block])) if along is None else along[block]

    cuts = _cuts(numbers, part, count)
    # A unit is a part, or what lies between two cuts of it.
    first = np.concatenate([[0], np.cumsum([len(cuts.get(k, ())) + 1 for k in range(len(count))])])
    unit = part
    if cuts:
        unit = row_array(len(rows), np.int32)
        for block in row_blocks(len(rows)):
            own, values = part[block], numbers(block)
            number = first[own]
            for k, borders in cuts.items():
                here = own == k
                number[here] += np.searchsorted(borders, values[here], side="right")
            unit[block] = number
        count = counted(unit, int(first[-1]))
    sorted_rows, ends = brought_together(rows, unit, count), np.cumsum(count)
    divided = np.zeros(len(count), bool)  # more of the part of this unit follow
    for k in cuts:
        divided[first[k] : first[k + 1] - 1] = True
    alone = {u for k in cuts for u in range(first[k], first[k + 1])}
    begin = 0
    for u in range(len(count)):
        last = u + 1 == len(count)
        if last or u in alone or u + 1 in alone or ends[u + 1] - begin > rows_at_once():
            if ends[u] > begin:
                yield np.sort(sorted_rows[begin : ends[u]]), bool(divided[u])
            begin = int(ends[u])


def parts_of_rows(ms: MeasurementSet, rows: np.ndarray, names: Sequence[str]) -> tuple[np.ndarray, list[tuple[int, ...]]]:
    """Number rows by the tuples that they hold in some columns.

    Returns
    -------
    part : ndarray (row,) int32
    tuples : list of tuple
        Ascending.
    """
    known: dict[tuple[int, ...], int] = {}
    part = row_array(len(rows), np.int32)
    if not names:
        part[:] = 0
        return part, [()]
    for block in row_blocks(len(rows)):
        columns = [np.asarray(ms.read(name, rows[block])) for name in names]
        _, number = numbered(columns)
        _, places = np.unique(number, return_index=True)
        found = [tuple(int(c[p]) for c in columns) for p in places]
        part[block] = np.array([known.setdefault(t, len(known)) for t in found], dtype=np.int32)[number]
    tuples = sorted(known)
    rank = np.empty(len(known), dtype=np.int32)
    rank[[known[t] for t in tuples]] = np.arange(len(known))
    for block in row_blocks(len(rows)):
        part[block] = rank[part[block]]
    return part, tuples


def _cuts(numbers: Callable[[slice], np.ndarray], part: np.ndarray, count: np.ndarray) -> dict[int, np.ndarray]:
    """Numbers of rows, such as times, at which parts of too many rows are cut."""
    size = rows_at_once()
    large = np.flatnonzero(count > size).tolist()
    bounds = {k: [np.inf, -np.inf] for k in large}
    intervals = int(np.clip(_ALL_INTERVALS // max(1, len(large)), _FEWEST_INTERVALS, _INTERVALS))
    held = {k: np.zeros(intervals, dtype=np.int64) for k in large}

    def edges(k: int) -> np.ndarray:
        low, high = bounds[k]
        return np.linspace(low, high, intervals + 1)[1:]  # made again where they are needed: they are as much as what is counted

    def looked_at() -> Iterator[tuple[int, np.ndarray]]:
        for block in row_blocks(len(part)) if large else ():
            own, values = part[block], numbers(block)
            for k in np.intersect1d(own, large).tolist():
                yield k, values[own == k]

    for k, values in looked_at():
        bounds[k] = [min(bounds[k][0], float(values.min())), max(bounds[k][1], float(values.max()))]
    spread_out = [k for k, (low, high) in bounds.items() if high > low]
    for k, values in looked_at():
        if k in spread_out:
            place = np.searchsorted(edges(k)[:-1], values, side="right")
            held[k] += np.bincount(place, minlength=intervals)
    out = {}
    for k in spread_out:
        ends, total, chosen, before = edges(k), np.cumsum(held[k]), [], 0
        while total[-1] - before > size:
            at = max(
                int(np.searchsorted(total, before + size, side="right")) - 1, int(np.searchsorted(total, before, side="right"))
            )
            if at >= intervals - 1:
                break
            chosen.append(float(ends[at]))
            before = int(total[at])
        if chosen:
            out[k] = np.array(chosen)
    return out
