"""Which rows are read together: chunks in output order, time bins, and rows of several spectral windows that become one.

Many rows are planned part by part (`casatools.transform.row_parts`), and what is kept of each row lies in a file then.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from casatools._base.errors import ParameterError
from casatools._base.memory import CHUNK_BYTES, chunk_bytes
from casatools._base.row_arrays import RowFiller, let_go, row_array
from casatools.io.ms import ChunkPlan, MeasurementSet
from casatools.kernels.average import BIN_SLACK, assign_bins
from casatools.transform.averaging import TimeBins
from casatools.transform.row_parts import numbered, parts_of_rows, row_parts

__all__ = ["KEYS", "RowPlan", "TimeAverage", "make_plan"]

KEYS = ("OBSERVATION_ID", "ARRAY_ID", "SCAN_NUMBER", "STATE_ID", "FIELD_ID", "DATA_DESC_ID")
_BASELINE = ("ANTENNA1", "ANTENNA2", "FEED1", "FEED2")
_SPAN_COLUMNS = {"scan": "SCAN_NUMBER", "state": "STATE_ID", "field": "FIELD_ID"}


def _piece_bytes() -> int:
    """Bytes of a chunk: so few that the memory of one chunk is used again for the next."""
    return min(CHUNK_BYTES // 4, chunk_bytes())


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

    @property
    def identifiers(self) -> list[str]:
        """Those of `KEYS` that the rows of a bin agree in."""
        spanned = {_SPAN_COLUMNS[s] for s in self.span}
        return [k for k in KEYS if k not in spanned]


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
    left : ndarray (row,) int64
        Rows of time bins that may go on in rows planned later.
    stored : tuple of ndarray (row,) int64
        Rows and places of all chunks, one after another, where the chunks are parts of these arrays.
    """

    chunks: list[ChunkPlan]
    bins: TimeBins | None
    nrow: int
    slots: Mapping[int, np.ndarray] = field(default_factory=dict)
    groups: Mapping[int, int] = field(default_factory=dict)
    left: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    stored: tuple[np.ndarray, np.ndarray] | None = None

    def joined(self) -> tuple[np.ndarray, np.ndarray]:
        """Rows and places of all chunks, one after another."""
        if self.stored is not None:
            return self.stored
        return np.concatenate([c.rows for c in self.chunks]), np.concatenate([c.index for c in self.chunks])


def make_plan(
    ms: MeasurementSet,
    rows: np.ndarray,
    size: Mapping[int, int],
    average: TimeAverage | None,
    *,
    combine: bool,
    flat: bool,
    keys: Mapping[str, np.ndarray] | None,
) -> RowPlan:
    """Plan all rows of a transformation.

    Parameters
    ----------
    ms : MeasurementSet
    rows : ndarray (row,) int64
        Ascending.
    size : mapping
        Bytes of a row by data description.
    average : TimeAverage, optional
    combine : bool
        Rows of several spectral windows become one.
    flat : bool
        As for `TimeBins`.
    keys : mapping, optional
        `KEYS` and TIME of the rows, where they have been read; only where the rows are few.
    """
    names = [k for k in (KEYS if average is None else average.identifiers) if not (combine and k == "DATA_DESC_ID")]
    bins = bin_places(ms, rows, average, keys) if combine and average is not None else None

    def plan(given: np.ndarray, known: Mapping[str, np.ndarray], unfinished: bool) -> RowPlan:
        if combine:
            places = None if bins is None else bins[np.searchsorted(rows, given)]
            return plan_combined(ms, given, known, size, names, places, flat)
        if average is None:
            return plan_rows(given, known, size)
        return plan_bins(ms, given, known, size, average, flat, unfinished)

    if keys is not None:
        return plan(rows, keys, False)
    whole = _Joining(len(rows), None if average is None else flat)
    left = np.zeros(0, np.int64)
    for given, unfinished in row_parts(ms, rows, names, bins):
        inside = np.sort(np.concatenate([left, given])) if len(left) else given
        part = plan(inside, {name: np.asarray(ms.read(name, inside)) for name in (*KEYS, "TIME")}, unfinished)
        left = part.left
        whole.add(part)
        let_go()
    return whole.plan()


class _Joining:
    """Plans of successive parts as one, with what belongs to each row in a file."""

    def __init__(self, most: int, flat: bool | None) -> None:
        self._rows, self._index = RowFiller(most), RowFiller(most)
        self._bins = RowFiller(most if flat is not None else 0)
        self._slots: RowFiller | None = None
        self._most, self._flat = most, flat
        self._chunks: list[ChunkPlan] = []
        self._of_block: dict[int, np.ndarray] = {}
        self._of_slot: dict[int, np.ndarray] = {}
        self._groups: dict[int, int] = {}
        self._nrow = 0

    def add(self, part: RowPlan) -> None:
        combined = bool(part.groups)
        # What the chunks of combined windows are called is their number, else their first output row.
        name = len(self._chunks) if combined else self._nrow
        group = max(self._groups.values(), default=-1) + 1
        for chunk in part.chunks:
            self._chunks.append(ChunkPlan(chunk.ddid, self._rows.add(chunk.rows), self._index.add(chunk.index + name)))
        if part.bins is not None:
            for start, bins in part.bins.of_block.items():
                self._of_block[start + name] = self._bins.add(bins + self._nrow)
        if combined and self._slots is None:
            self._slots = RowFiller(self._most)
        for start, slots in part.slots.items():
            assert self._slots is not None
            self._of_slot[start + name] = self._slots.add(slots + self._nrow)
        for start, number in part.groups.items():
            self._groups[start + name] = number + group
        self._nrow += part.nrow

    def plan(self) -> RowPlan:
        bins = None if self._flat is None else TimeBins(self._of_block, self._flat)
        return RowPlan(
            self._chunks, bins, self._nrow, self._of_slot, self._groups, stored=(self._rows.filled, self._index.filled)
        )


def plan_rows(rows: np.ndarray, keys: Mapping[str, np.ndarray], size: Mapping[int, int]) -> RowPlan:
    """Chunks in output order, one output row for each input row."""
    order = np.lexsort([keys["TIME"], *(keys[k] for k in reversed(KEYS))])
    ddid = keys["DATA_DESC_ID"][order]
    plans = []
    borders = np.concatenate([[0], np.flatnonzero(np.diff(ddid)) + 1, [len(ddid)]])
    for low, high in pairwise(borders.tolist()):
        step = max(1, _piece_bytes() // size[int(ddid[low])])
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
    unfinished: bool = False,
) -> RowPlan:
    """Chunks of whole time bins, the bin of each of their rows, and the number of bins.

    Where the rows are `unfinished`, later ones of the same part follow, and bins that may go on in them are left.
    """
    found = _bins(ms, rows, keys, average)
    left = np.zeros(0, np.int64)
    if unfinished:
        found, going_on = found.ended()
        left = rows[going_on]
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
    return RowPlan(plans, TimeBins(of_block, flat), found.count, left=left)


def bin_places(
    ms: MeasurementSet, rows: np.ndarray, average: TimeAverage, keys: Mapping[str, np.ndarray] | None = None
) -> np.ndarray:
    """How many time bins of the same baseline and data description end before that of each row: ndarray (row,) int64.

    Parameters
    ----------
    ms : MeasurementSet
    rows : ndarray (row,) int64
        Ascending.
    average : TimeAverage
    keys : mapping, optional
        As for `make_plan`.
    """
    of_row, baselines = parts_of_rows(ms, rows, _BASELINE)
    out = row_array(len(rows), np.int64)
    left, ended = np.zeros(0, np.int64), np.zeros(len(baselines), np.int64)
    for given, unfinished in row_parts(ms, rows, average.identifiers):
        inside = np.sort(np.concatenate([left, given])) if len(left) else given
        at = np.searchsorted(rows, inside)
        known = {name: np.asarray(ms.read(name, inside)) if keys is None else keys[name][at] for name in (*KEYS, "TIME")}
        found, going_on = _bins(ms, inside, known, average), at[:0]
        if unfinished:
            found, going_on = found.ended()
        left = inside[going_on]
        first = found.first_rows()
        baseline = of_row[at[found.order[first]]]
        out[at[found.order]] = (_place_among(np.stack([found.part[first], baseline])) + ended[baseline])[found.bins]
        # Of a part that goes on there is no other in what was looked at.
        ended = ended + np.bincount(baseline, minlength=len(ended)) if unfinished else np.zeros_like(ended)
        let_go()
    return out


def plan_combined(
    ms: MeasurementSet,
    rows: np.ndarray,
    keys: Mapping[str, np.ndarray],
    size: Mapping[int, int],
    names: Sequence[str],
    bins: np.ndarray | None,
    flat: bool,
) -> RowPlan:
    """Chunks such that all rows of the spectral windows that become one row follow each other.

    Rows belong together where everything but the data description agrees: the identifiers `names`, baseline, feeds, and the time, or the place of the
    time bin among those of its baseline (`bins`). Output rows come by these identifiers, time and baseline.
    """
    ddid = keys["DATA_DESC_ID"]
    _, part = numbered([keys[k] for k in names])
    baseline = _baselines(ms, rows)
    if bins is None:
        place = np.unique(keys["TIME"], return_inverse=True)[1]
        same = _place_among(np.stack([part, place, baseline, ddid]))
        columns = [part, place, baseline, same]
    else:
        columns = [part, bins, baseline]
    count, number = numbered(columns)
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
            slots[start] = number[mine] if bins is None else np.unique(number[mine])
            of_block[start] = number[mine]
    return RowPlan(plans, None if bins is None else TimeBins(of_block, flat), count, slots, groups)


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

    def ended(self) -> tuple[_Bins, np.ndarray]:
        """The bins after which their baseline has another, and which rows are of those that may go on."""
        done = np.isfinite(self.closed)
        number = np.cumsum(done) - 1
        kept = done[self.bins]
        found = _Bins(self.order[kept], self.part[kept], self.baseline[kept], number[self.bins[kept]], self.closed[done])
        return found, self.order[~kept]

    def first_rows(self) -> np.ndarray:
        """Place of each bin's first row."""
        first = np.full(self.count, -1, dtype=np.int64)
        first[self.bins[::-1]] = np.arange(len(self.bins))[::-1]
        return first


def _bins(ms: MeasurementSet, rows: np.ndarray, keys: Mapping[str, np.ndarray], average: TimeAverage) -> _Bins:
    names = average.identifiers
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
    return numbered([np.asarray(ms.read(c, rows)).astype(np.int64) for c in _BASELINE])[1]


def _place_among(keys: np.ndarray) -> np.ndarray:
    """How many entries before each have the same key: ``(key, entry)`` to ``(entry,)``."""
    _, number = numbered(list(keys))
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
            stop = int(np.searchsorted(total, total[at] + _piece_bytes(), side="right")) - 1
            stop = min(int(high), max(stop, at + 1))
            yield at, stop
            at = stop
