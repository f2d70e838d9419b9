"""Which rows are read together: chunks in output order, time bins, and rows of several spectral windows that become one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from casatools._base.errors import ParameterError
from casatools._base.memory import CHUNK_BYTES
from casatools.io.ms import ChunkPlan, MeasurementSet
from casatools.kernels.average import assign_bins
from casatools.transform.averaging import TimeBins

__all__ = ["BIN_SLACK", "KEYS", "RowPlan", "TimeAverage", "plan_bins", "plan_combined", "plan_rows"]

# Small enough that the memory of one chunk is used again for the next.
_PIECE_BYTES = CHUNK_BYTES // 4
# A bin closes a little early, so that rounding of times does not let one integration too many in.
BIN_SLACK = 0.999
KEYS = ("OBSERVATION_ID", "ARRAY_ID", "SCAN_NUMBER", "STATE_ID", "FIELD_ID", "DATA_DESC_ID")
_SPAN_COLUMNS = {"scan": "SCAN_NUMBER", "state": "STATE_ID", "field": "FIELD_ID"}


@dataclass(frozen=True)
class TimeAverage:
    """Average in time.

    Attributes
    ----------
    bin_s : float
    span : frozenset of {"scan", "state", "field"}
        Boundaries that a bin may cross.
    max_uvw_m : float
        A bin also ends where a baseline has moved this far; 0 for no limit.
    as_given : bool
        Long bins of ALMA's data do not go across states by themselves.
    """

    bin_s: float
    span: frozenset[str] = frozenset()
    max_uvw_m: float = 0.0
    as_given: bool = False

    def __post_init__(self) -> None:
        unknown = sorted(self.span - set(_SPAN_COLUMNS))
        if unknown:
            raise ParameterError(f"a time average cannot combine {unknown[0]!r}; allowed are scan, state, field")
        if self.bin_s <= 0 or self.max_uvw_m < 0:
            raise ParameterError("a time average needs a time bin above 0 s and a uvw distance of at least 0 m")


@dataclass(frozen=True)
class RowPlan:
    """Chunks to read and what becomes of their rows.

    Attributes
    ----------
    chunks : list of ChunkPlan
    bins : TimeBins, optional
    nrow : int
        Output rows.
    slots, groups : mapping
        For combined spectral windows: start of a chunk to the output rows of its (averaged) rows, and to the group that is joined.
    """

    chunks: list[ChunkPlan]
    bins: TimeBins | None
    nrow: int
    slots: Mapping[int, np.ndarray] = field(default_factory=dict)
    groups: Mapping[int, int] = field(default_factory=dict)


def plan_rows(rows: np.ndarray, keys: Mapping[str, np.ndarray], size: Mapping[int, int]) -> RowPlan:
    """Chunks in output order, one output row for each input row."""
    order = np.lexsort([keys["TIME"], *(keys[k] for k in reversed(KEYS))])
    ddid = keys["DATA_DESC_ID"][order]
    plans = []
    borders = np.concatenate([[0], np.flatnonzero(np.diff(ddid)) + 1, [len(ddid)]])
    for low, high in pairwise(borders.tolist()):
        step = max(1, _PIECE_BYTES // size[int(ddid[low])])
        for at in range(int(low), int(high), step):
            stop = min(at + step, int(high))
            plans.append(ChunkPlan(int(ddid[low]), rows[order[at:stop]], np.arange(at, stop)))
    return RowPlan(plans, None, len(rows))


def plan_bins(
    ms: MeasurementSet,
    rows: np.ndarray,
    keys: Mapping[str, np.ndarray],
    size: Mapping[int, int],
    average: TimeAverage,
    flat: bool,
) -> RowPlan:
    """Chunks of whole time bins, the bin of each of their rows, and the number of bins."""
    found = _bins(ms, rows, keys, average)
    first = found.first_rows()
    # Output order: as the bins of a part are completed, those completed together as their first rows come.
    rank = np.empty(found.count, dtype=np.int64)
    rank[np.lexsort((first, found.closed, found.part[first]))] = np.arange(found.count)
    number, order = rank[found.bins], found.order
    ddid_of_bin = np.empty(found.count, dtype=np.int64)
    ddid_of_bin[number] = keys["DATA_DESC_ID"][order]
    by_bin = np.argsort(number, kind="stable")
    ends = np.concatenate([[0], np.cumsum(np.bincount(number, minlength=found.count))])
    cost = np.diff(ends) * _sizes(size)[ddid_of_bin]
    plans, of_block = [], {}
    for low, high in _cut(cost, ddid_of_bin):
        inside = by_bin[ends[low] : ends[high]]
        selected = order[inside]
        ascending = np.argsort(rows[selected])
        plans.append(ChunkPlan(int(ddid_of_bin[low]), rows[selected][ascending], np.full(len(inside), low)))
        of_block[low] = number[inside][ascending]
    return RowPlan(plans, TimeBins(of_block, flat), found.count)


def plan_combined(
    ms: MeasurementSet,
    rows: np.ndarray,
    keys: Mapping[str, np.ndarray],
    size: Mapping[int, int],
    average: TimeAverage | None,
    flat: bool,
) -> RowPlan:
    """Chunks such that all rows of the spectral windows that become one row follow each other.

    Rows belong together where everything but the data description agrees: identifiers, baseline, feeds, and the time, or the place of the
    time bin among those of its baseline. Output rows come by these identifiers, time and baseline.
    """
    ddid = keys["DATA_DESC_ID"]
    span = average.span if average is not None else frozenset()
    names = [k for k in KEYS if k != "DATA_DESC_ID" and k not in {_SPAN_COLUMNS[s] for s in span}]
    _, part = _numbered([keys[k] for k in names])
    baseline = _baselines(ms, rows)
    if average is None:
        place = np.unique(keys["TIME"], return_inverse=True)[1]
        same = _place_among(np.stack([part, place, baseline, ddid]))
        columns = [part, place, baseline, same]
    else:
        found = _bins(ms, rows, keys, average)
        first = found.order[found.first_rows()]
        place_of_bin = _place_among(np.stack([part[first], baseline[first], ddid[first]]))
        place = np.empty(len(rows), dtype=np.int64)
        place[found.order] = place_of_bin[found.bins]
        columns = [part, place, baseline]
    count, number = _numbered(columns)
    cost = np.bincount(number, weights=_sizes(size)[ddid], minlength=count)
    by_number = np.lexsort((rows, ddid, number))
    ends = np.searchsorted(number[by_number], np.arange(count + 1))
    plans: list[ChunkPlan] = []
    slots: dict[int, np.ndarray] = {}
    groups: dict[int, int] = {}
    of_block: dict[int, np.ndarray] = {}
    for group, (low, high) in enumerate(_cut(cost, None)):
        inside = by_number[ends[low] : ends[high]]
        for d in np.unique(ddid[inside]):
            mine = np.sort(inside[ddid[inside] == d])
            start = len(plans)
            plans.append(ChunkPlan(int(d), rows[mine], np.full(len(mine), start)))
            groups[start] = group
            slots[start] = number[mine] if average is None else np.unique(number[mine])
            of_block[start] = number[mine]
    return RowPlan(plans, None if average is None else TimeBins(of_block, flat), count, slots, groups)


@dataclass(frozen=True)
class _Bins:
    """Time bins of rows put in order: `order` sorts the rows, the other arrays follow that order; `closed` is one a bin."""

    order: np.ndarray
    part: np.ndarray
    baseline: np.ndarray
    bins: np.ndarray
    closed: np.ndarray

    @property
    def count(self) -> int:
        return len(self.closed)

    def first_rows(self) -> np.ndarray:
        """Place of each bin's first row."""
        first = np.full(self.count, -1, dtype=np.int64)
        first[self.bins[::-1]] = np.arange(len(self.bins))[::-1]
        return first


def _bins(ms: MeasurementSet, rows: np.ndarray, keys: Mapping[str, np.ndarray], average: TimeAverage) -> _Bins:
    combined = {_SPAN_COLUMNS[s] for s in average.span}
    names = [k for k in KEYS if k not in combined]
    order = np.lexsort([keys["TIME"], *(keys[k] for k in reversed(names))])
    sorted_keys = np.stack([keys[k][order] for k in names])
    part = np.concatenate([[0], np.cumsum(np.any(np.diff(sorted_keys, axis=1) != 0, axis=0))]).astype(np.int64)
    baseline = _baselines(ms, rows)[order]
    uvw = np.asarray(ms.read("UVW", rows))[order] if average.max_uvw_m > 0 else np.zeros((1, 3))
    bins, closed = np.empty(len(rows), dtype=np.int64), np.empty(len(rows))
    limit = average.bin_s * BIN_SLACK
    count = int(
        assign_bins(part, keys["TIME"][order], baseline, uvw, limit, average.max_uvw_m, int(baseline.max()) + 1, bins, closed)
    )
    return _Bins(order, part, baseline, bins, closed[:count])


def _baselines(ms: MeasurementSet, rows: np.ndarray) -> np.ndarray:
    """A number for each pair of antennas and feeds, in their order."""
    return _numbered([np.asarray(ms.read(c, rows)).astype(np.int64) for c in ("ANTENNA1", "ANTENNA2", "FEED1", "FEED2")])[1]


def _numbered(columns: list[np.ndarray]) -> tuple[int, np.ndarray]:
    """How many different tuples the columns hold, and the number of each in their order."""
    order = np.lexsort(columns[::-1])
    stacked = np.stack([c[order] for c in columns])
    number = np.concatenate([[0], np.cumsum(np.any(np.diff(stacked, axis=1) != 0, axis=0))]).astype(np.int64)
    out = np.empty(len(order), dtype=np.int64)
    out[order] = number
    return int(number[-1]) + 1, out


def _place_among(keys: np.ndarray) -> np.ndarray:
    """How many entries before each have the same key: ``(key, entry)`` to ``(entry,)``."""
    _, number = _numbered(list(keys))
    order = np.argsort(number, kind="stable")
    first = np.searchsorted(number[order], number[order])
    out = np.empty(len(order), dtype=np.int64)
    out[order] = np.arange(len(order)) - first
    return out


def _sizes(size: Mapping[int, int]) -> np.ndarray:
    """Bytes of a row by data description."""
    out = np.zeros(max(size) + 1, dtype=np.int64)
    for ddid, nbytes in size.items():
        out[ddid] = nbytes
    return out


def _cut(cost: np.ndarray, kind: np.ndarray | None) -> Iterator[tuple[int, int]]:
    """Ranges of output rows that are of one kind and whose input rows fit a chunk."""
    borders = [0, len(cost)]
    if kind is not None and len(kind):
        borders = [0, *(np.flatnonzero(np.diff(kind)) + 1).tolist(), len(kind)]
    total = np.concatenate([[0], np.cumsum(cost)])
    for low, high in pairwise(borders):
        at = int(low)
        while at < high:
            stop = int(np.searchsorted(total, total[at] + _PIECE_BYTES, side="right")) - 1
            stop = min(int(high), max(stop, at + 1))
            yield at, stop
            at = stop
