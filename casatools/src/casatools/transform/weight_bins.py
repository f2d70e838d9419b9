"""Which rows statwt looks at together: time bins, or groups of rows that a window slides over, in chunks of bounded size.

Notes
-----
Bins are numbered ascending with group and time; a bin begins with the first integration after the one before it. What memory holds of each row lies in files
(`casatools._base.row_arrays`); the distinct times of each group are in memory. Bins of more bytes than a chunk are cut between baselines, each of which is
judged by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from casatools._base.memory import chunk_bytes
from casatools._base.row_arrays import RowFiller, let_go, row_array, row_blocks
from casatools._base.row_order import brought_together, counted
from casatools.io.ms import ChunkPlan, MeasurementSet
from casatools.transform.row_parts import parts_of_rows

__all__ = ["WeightBins", "plan_weight_bins"]

# Times are uneven by milliseconds: an integration that begins so much before the end of a bin is of the next, as in the reference.
_SLACK_S = 0.01


@dataclass(frozen=True)
class WeightBins:
    """Chunks to read, and the bins of their rows.

    Attributes
    ----------
    chunks : list of ChunkPlan
        Each holds whole bins, or some baselines of one.
    key : ndarray (row,) int64
        The bin of each row, by the chunks' `index`.
    """

    chunks: list[ChunkPlan]
    key: np.ndarray
    _times: np.ndarray
    _ends: np.ndarray

    def times_s(self, key: int) -> np.ndarray:
        """The times of all integrations of a bin, ascending, which a baseline may lack."""
        return self._times[self._ends[key] : self._ends[key + 1]]


def plan_weight_bins(
    ms: MeasurementSet,
    rows: np.ndarray,
    names: tuple[Sequence[str], Sequence[str]],
    span: tuple[int, float] | None,
    row_bytes: dict[int, float],
) -> WeightBins:
    """Bin the rows.

    Parameters
    ----------
    ms : MeasurementSet
    rows : ndarray (row,) int64
        Ascending.
    names : two sequences of str
        Columns that all rows of a bin agree in, DATA_DESC_ID the first; those of the second also where rows of another value lie between in time.
    span : (int, float), optional
        Integrations, or else seconds, of a bin; without it groups are not cut in time.
    row_bytes : dict
        Bytes of a row in memory by data description.
    """
    part, tuples = parts_of_rows(ms, rows, [*names[0], *names[1]])
    times = _times_of_parts(ms, rows, part, len(tuples))
    starts = _run_starts(tuples, times, len(names[0]))
    number = [_bins_of_runs(t, runs, span) for t, runs in zip(times, starts, strict=True)]
    count = np.array([int(n[-1]) + 1 if len(n) else 0 for n in number])
    first = np.cumsum(count) - count
    key = row_array(len(rows), np.int64)
    for block in row_blocks(len(rows)):
        own, time_s = part[block], np.asarray(ms.read("TIME", rows[block]))
        out = np.empty(len(own), np.int64)
        for k in np.unique(own).tolist():
            here = own == k
            out[here] = first[k] + number[k][np.searchsorted(times[k], time_s[here])]
        key[block] = out
    of_bin = np.repeat(np.arange(len(tuples)), count)
    ends = np.concatenate([[0], np.cumsum([n for numbers in number for n in np.bincount(numbers).tolist()])]).astype(np.int64)
    chunks, keys = _cut(ms, rows, key, [tuples[k][0] for k in of_bin.tolist()], row_bytes)
    return WeightBins(chunks, keys, np.concatenate(times) if times else np.zeros(0), ends)


def _times_of_parts(ms: MeasurementSet, rows: np.ndarray, part: np.ndarray, count: int) -> list[np.ndarray]:
    found: list[list[np.ndarray]] = [[] for _ in range(count)]
    for block in row_blocks(len(rows)):
        own, time_s = part[block], np.asarray(ms.read("TIME", rows[block]))
        for k in np.unique(own).tolist():
            found[k].append(np.unique(time_s[own == k]))
    return [t[0] if len(t) == 1 else np.unique(np.concatenate(t)) for t in found]


def _run_starts(tuples: Sequence[tuple[int, ...]], times: Sequence[np.ndarray], outer: int) -> list[np.ndarray]:
    """Where in the times of each group a run begins that no bin goes out of: behind integrations of others that share its first `outer` numbers.

    Where scans are combined and fields are not, a target's scans on both sides of its calibrator's stay apart, as in the reference.
    """
    shared: dict[tuple[int, ...], list[np.ndarray]] = {}
    for group, own in zip(tuples, times, strict=True):
        shared.setdefault(group[:outer], []).append(own)
    moments = {group: np.unique(np.concatenate(found)) for group, found in shared.items()}
    return [
        np.append(0, np.flatnonzero(np.diff(np.searchsorted(moments[group[:outer]], own)) > 1) + 1)
        for group, own in zip(tuples, times, strict=True)
    ]


def _bins_of_runs(times: np.ndarray, starts: np.ndarray, span: tuple[int, float] | None) -> np.ndarray:
    """The bin of each time of a group; each run begins a new one."""
    out, following = np.empty(len(times), np.int64), 0
    for low, high in pairwise([*starts.tolist(), len(times)]):
        out[low:high] = _bins_of_times(times[low:high], span) + following
        following = int(out[high - 1]) + 1
    return out


def _bins_of_times(times: np.ndarray, span: tuple[int, float] | None) -> np.ndarray:
    """The bin of each time of a run.

    Integrations that are too few for a last bin of a number of them have that of the bin before, whose last ones count for them too.
    """
    if span is None:
        return np.zeros(len(times), np.int64)
    integrations, seconds = span
    if integrations:
        return np.minimum(np.arange(len(times)) // integrations, max(len(times) // integrations, 1) - 1)
    begins, start = [0], 0
    while True:
        start = int(np.searchsorted(times, times[start] + seconds - min(_SLACK_S, 0.5 * seconds)))
        if start >= len(times):
            break
        begins.append(start)
    return np.searchsorted(np.array(begins), np.arange(len(times)), side="right") - 1


def _cut(
    ms: MeasurementSet, rows: np.ndarray, key: np.ndarray, ddids: list[int], row_bytes: dict[int, float]
) -> tuple[list[ChunkPlan], np.ndarray]:
    """Chunks of whole bins, or of some baselines of a bin, and the bin of each of their rows."""
    count = counted(key, len(ddids))
    limit = chunk_bytes()
    large = [k for k in np.flatnonzero(count).tolist() if count[k] > 1 and count[k] * row_bytes[ddids[k]] > limit]
    unit, owner = _divided(ms, rows, key, count, large, [limit / row_bytes[ddids[k]] for k in large])
    size = counted(unit, len(owner))
    together = brought_together(rows, unit, size)
    ends = np.concatenate([[0], np.cumsum(size)])
    plans: list[ChunkPlan] = []
    kept, index, keys = (RowFiller(len(rows)) for _ in range(3))
    for low, high in _runs(size, [ddids[k] for k in owner.tolist()], row_bytes, limit):
        given = together[ends[low] : ends[high]]
        order = np.argsort(given)
        own = np.repeat(owner[low:high], size[low:high])[order]
        at = keys.count
        keys.add(own)
        places = index.add(np.arange(at, at + len(own)))
        plans.append(ChunkPlan(ddids[int(owner[low])], kept.add(given[order]), places))
        let_go()
    return plans, keys.filled


def _runs(size: np.ndarray, ddids: list[int], row_bytes: dict[int, float], limit: float) -> Iterator[tuple[int, int]]:
    """Ranges of units of one data description that fit a chunk, one at the least."""
    low, held = 0, 0.0
    for k in range(len(size)):
        cost = float(size[k]) * row_bytes[ddids[k]]
        if k > low and (ddids[k] != ddids[low] or held + cost > limit):
            yield low, k
            low, held = k, 0.0
        held += cost
    if len(size):
        yield low, len(size)


def _divided(
    ms: MeasurementSet, rows: np.ndarray, key: np.ndarray, count: np.ndarray, large: list[int], most: list[float]
) -> tuple[np.ndarray, np.ndarray]:
    """The unit of each row, bins of more rows than `most` cut between baselines, and the bin of each unit."""
    if not large:
        return key, np.arange(len(count))
    nant = len(ms.metadata.antennas)

    def looked_at() -> Iterator[tuple[slice, np.ndarray, dict[int, np.ndarray], np.ndarray]]:
        for block in row_blocks(len(rows)):
            own = key[block]
            one, two = (np.asarray(ms.read(c, rows[block])).astype(np.int64) for c in ("ANTENNA1", "ANTENNA2"))
            here = {k: own == k for k in np.intersect1d(own, large).tolist()}
            yield block, own, here, np.minimum(one, two) * nant + np.maximum(one, two)

    held = {k: np.zeros(nant * nant, np.int64) for k in large}
    for _, _, here, baseline in looked_at():
        for k, mask in here.items():
            held[k] += np.bincount(baseline[mask], minlength=nant * nant)
    piece = {k: _pieces(held[k], size) for k, size in zip(large, most, strict=True)}
    pieces = np.ones(len(count), np.int64)
    for k, numbers in piece.items():
        pieces[k] = numbers[-1] + 1
    first = np.cumsum(pieces) - pieces
    unit = row_array(len(rows), np.int64)
    for block, own, here, baseline in looked_at():
        out = first[own]
        for k, mask in here.items():
            out[mask] += piece[k][baseline[mask]]
        unit[block] = out
    return unit, np.repeat(np.arange(len(count)), pieces)


def _pieces(held: np.ndarray, most: float) -> np.ndarray:
    """The piece of each baseline such that a piece has at most so many rows, or one baseline."""
    out, at, number = np.empty(len(held), np.int64), 0.0, 0
    for k, rows in enumerate(held.tolist()):
        if rows and at and at + rows > most:
            at, number = 0.0, number + 1
        at += rows
        out[k] = number
    return out
