"""The one loop over visibilities: bounded rectangular chunks, read ahead on one I/O thread, written back through the same.

While a chunk is computed on, the next one is read; casacore holds the GIL, compiled kernels do not, so the two overlap. The system is asked for the
files of the chunks after that, so that casacore does not wait for the disk with the GIL held.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice, pairwise
from typing import TYPE_CHECKING

import numpy as np

from casatools._base import memory
from casatools._base.errors import DataError
from casatools._base.memory import CHUNK_BYTES
from casatools._base.row_arrays import RowFiller, let_go, row_blocks
from casatools.io.ms.measurement_set import CHANNEL_COLUMNS, CORRELATION_COLUMNS, MeasurementSet
from casatools.io.ms.read_ahead import ReadAhead
from casatools.io.ms.row_files import RowReader
from casatools.io.ms.single_values import SingleValues

if TYPE_CHECKING:
    from casatools.io.ms.selection import ResolvedSelection

__all__ = ["ChunkPlan", "KnownRows", "VisChunk", "iter_chunks", "plan_chunks", "write_chunks"]

# Rows that are planned together: the same on any machine, as a run that was cut short goes on by the numbers of its chunks.
_PLANNED_ROWS = 1 << 18
# Bytes an element takes in memory, for the size of a chunk.
_ITEM_BYTES = {"FLAG": 1, "WEIGHT_SPECTRUM": 4, "SIGMA_SPECTRUM": 4, "FLOAT_DATA": 4, "IMAGING_WEIGHT": 4}


@dataclass
class VisChunk:
    """A rectangular piece of a MeasurementSet: rows of one DATA_DESC_ID with the channels and correlations selected.

    Attributes
    ----------
    ddid, spw, pol : int
        DATA_DESC_ID and the spectral window and polarization rows it stands for.
    rows : ndarray (row,) int64
        Row numbers in the main table, ascending unless an order was asked for.
    index : ndarray (row,) int64
        Positions of these rows in the selection.
    channels : ndarray (chan,) int64
        Channel numbers in the spectral window.
    correlations : ndarray (corr,) int64
        Correlation numbers in the polarization row, in the order asked.
    columns : dict of ndarray
        C order: ``(row, chan, corr)``, ``(row, corr)`` or ``(row, ...)``.
    """

    ddid: int
    spw: int
    pol: int
    rows: np.ndarray
    index: np.ndarray
    channels: np.ndarray
    correlations: np.ndarray
    columns: dict[str, np.ndarray] = field(default_factory=dict)
    whole_channels: bool = True
    whole_correlations: bool = True

    @cached_property
    def in_a_run(self) -> bool:
        """True when the rows follow one another without a gap."""
        return len(self.rows) > 0 and bool((np.diff(self.rows) == 1).all())

    def __getitem__(self, column: str) -> np.ndarray:
        return self.columns[column]

    @property
    def shape(self) -> tuple[int, int, int]:
        """(row, chan, corr)."""
        return len(self.rows), len(self.channels), len(self.correlations)


@dataclass(frozen=True)
class KnownRows:
    """Columns of rows that follow each other, read before: they are not read again.

    Attributes
    ----------
    first : int
        The first of the rows.
    columns : dict of ndarray (row,)
    """

    first: int
    columns: dict[str, np.ndarray]

    @classmethod
    def of(cls, rows: np.ndarray, columns: dict[str, np.ndarray]) -> KnownRows | None:
        """None where the rows (ascending) do not follow each other, or the columns are too large to be kept."""
        run = len(rows) > 0 and int(rows[-1]) - int(rows[0]) == len(rows) - 1
        return cls(int(rows[0]), columns) if run and sum(v.nbytes for v in columns.values()) <= CHUNK_BYTES else None

    def take(self, column: str, rows: np.ndarray) -> np.ndarray | None:
        """A new array; None where it is not known."""
        return self.columns[column][rows - self.first] if column in self.columns else None


@dataclass(frozen=True)
class ChunkPlan:
    """What `iter_chunks` will read: one entry a chunk, without data."""

    ddid: int
    rows: np.ndarray
    index: np.ndarray


def plan_chunks(
    ms: MeasurementSet,
    resolved: ResolvedSelection,
    columns: Sequence[str],
    chunk_bytes: int | None = None,
    boundaries: np.ndarray | None = None,
    parts: np.ndarray | None = None,
    most_bytes: float = np.inf,
) -> list[ChunkPlan]:
    """Cut a selection into chunks.

    Parameters
    ----------
    ms : MeasurementSet
    resolved : ResolvedSelection
    columns : sequence of str
        Columns that will be read; they set how many rows fit into `chunk_bytes`.
    chunk_bytes : int, optional
        Bound on the bytes of a chunk; `_base.memory.chunk_bytes` when absent.
    boundaries : ndarray (row,) int, optional
        A group number for each selected row; rows of one group and DATA_DESC_ID come in one chunk, groups ascending. A group
        larger than the bound is not split, unless `parts` are given.
    parts : ndarray (row,) int, optional
        Numbers of what must stay together within a group, such as a baseline; groups of more than `most_bytes` are cut between them.
    most_bytes : float

    Returns
    -------
    list of ChunkPlan
    """
    limit = chunk_bytes or memory.chunk_bytes()
    rows = np.asarray(resolved.rows, dtype=np.int64)
    if len(rows) == 0:
        return []
    wide = [c for c in columns if c in CHANNEL_COLUMNS]
    if boundaries is not None or len(rows) <= _PLANNED_ROWS:
        # Many rows here and there are found faster in the whole column.
        ddids = np.asarray(ms.read("DATA_DESC_ID")[rows] if 2 * len(rows) > ms.nrow else ms.read("DATA_DESC_ID", rows))
        bytes_of = {int(d): _row_bytes(ms, resolved, int(d), wide) for d in np.unique(ddids)}
        return _planned(rows, ddids, bytes_of, limit, boundaries, parts, most_bytes)
    plans: list[ChunkPlan] = []
    kept, index = RowFiller(len(rows)), RowFiller(len(rows))
    sizes: dict[int, float] = {}
    for block in row_blocks(len(rows), _PLANNED_ROWS):
        ddids = np.asarray(ms.read("DATA_DESC_ID", rows[block]))
        present = np.unique(ddids).tolist()
        sizes.update({d: _row_bytes(ms, resolved, d, wide) for d in present if d not in sizes})
        found = _planned(rows[block], ddids, {d: sizes[d] for d in present}, limit)
        plans += [ChunkPlan(p.ddid, kept.add(p.rows), index.add(p.index + block.start)) for p in found]
    return plans


def _planned(
    rows: np.ndarray,
    ddids: np.ndarray,
    bytes_of: Mapping[int, float],
    limit: float,
    boundaries: np.ndarray | None = None,
    parts: np.ndarray | None = None,
    most_bytes: float = np.inf,
) -> list[ChunkPlan]:
    """Chunks of rows whose data descriptions are known; `bytes_of` gives the bytes of a row of each."""
    plans: list[ChunkPlan] = []
    present = sorted(bytes_of)
    # Rows advance together over all data descriptions, so that a pass touches each part of the file once.
    cost = np.zeros(len(rows))
    for d, size in bytes_of.items():
        cost[ddids == d] = size
    if boundaries is not None and parts is not None:
        boundaries = cut_groups(boundaries, parts, cost, most_bytes)
    order = np.arange(len(rows)) if boundaries is None else np.argsort(boundaries, kind="stable")
    edges = _edges(
        cost[order],
        limit * max(1, len(present)) if boundaries is None else limit,
        None if boundaries is None else boundaries[order],
    )
    for low, high in pairwise(edges):
        part = order[low:high]
        for d in present:
            inside = part if len(present) == 1 else part[ddids[part] == d]
            if len(inside):
                if boundaries is None:
                    pieces = max(1, int(np.ceil(len(inside) * bytes_of[d] / limit)))
                    plans += [ChunkPlan(d, rows[p], p) for p in np.array_split(inside, pieces)]
                else:
                    plans.append(ChunkPlan(d, rows[inside], inside))
    return plans


def cut_groups(groups: np.ndarray, parts: np.ndarray, cost: np.ndarray, most: float) -> np.ndarray:
    """Numbers of groups of which those that cost more than `most` are cut between parts.

    Parameters
    ----------
    groups, parts : ndarray (row,) int
    cost : ndarray (row,) float64
    most : float
        A single part may cost more.

    Returns
    -------
    ndarray (row,) int64
        Ascending as `groups` are.
    """
    _, group = np.unique(groups, return_inverse=True)
    _, part = np.unique(parts, return_inverse=True)
    if not len(group) or np.bincount(group, weights=cost).max() <= most:
        return groups
    nparts = int(part.max()) + 1
    keys, inverse = np.unique(group * nparts + part, return_inverse=True)
    each, owner = np.bincount(inverse, weights=cost), keys // nparts
    before = np.cumsum(each) - each
    before -= before[np.searchsorted(owner, owner)]
    block = np.floor(before / most).astype(np.int64)
    _, numbers = np.unique(owner * (int(block.max()) + 1) + block, return_inverse=True)
    return np.asarray(numbers[inverse], dtype=np.int64)


def _row_bytes(ms: MeasurementSet, resolved: ResolvedSelection, ddid: int, wide: Sequence[str]) -> float:
    description = ms.metadata.data_descriptions[ddid]
    channels = resolved.channels.get(description.spw)
    nchan = len(channels) if channels is not None else ms.metadata.spectral_windows[description.spw].nchan
    correlations = resolved.correlations.get(description.pol)
    ncorr = len(correlations) if correlations is not None else len(ms.metadata.polarizations[description.pol].corr_type)
    return 128.0 + nchan * ncorr * sum(_ITEM_BYTES.get(c, 8) for c in wide)


def _edges(cost: np.ndarray, limit: float, groups: np.ndarray | None) -> list[int]:
    """Cut positions such that each piece costs at most `limit`; a group is never cut."""
    n = len(cost)
    total = np.cumsum(cost)
    allowed = np.arange(1, n + 1) if groups is None else np.append(np.flatnonzero(np.diff(groups)) + 1, n)
    edges = [0]
    while edges[-1] < n:
        base = total[edges[-1] - 1] if edges[-1] else 0.0
        reach = int(np.searchsorted(total, base + limit, side="right"))
        if groups is None:
            edges.append(min(n, max(reach, edges[-1] + 1)))
            continue
        # The last end of a group within reach, else the next one.
        place = int(np.searchsorted(allowed, reach, side="right")) - 1
        if place < 0 or allowed[place] <= edges[-1]:
            place = int(np.searchsorted(allowed, edges[-1], side="right"))
        edges.append(int(allowed[place]))
    return edges


def iter_chunks(
    ms: MeasurementSet,
    resolved: ResolvedSelection,
    columns: Sequence[str],
    *,
    chunk_bytes: int | None = None,
    boundaries: np.ndarray | None = None,
    ahead: int = 1,
    plans: Sequence[ChunkPlan] | None = None,
    made: Sequence[str] = (),
    straight: bool = False,
    known: KnownRows | None = None,
) -> Iterator[VisChunk]:
    """Yield the selected visibilities in bounded chunks, reading ahead.

    Parameters
    ----------
    ms : MeasurementSet
    resolved : ResolvedSelection
    columns : sequence of str
        Columns to read; nothing else is read.
    chunk_bytes, boundaries
        As for `plan_chunks`.
    ahead : int
        Chunks read ahead of the one in use.
    plans : sequence of ChunkPlan, optional
        What to read, when it has been planned already.
    made : sequence of str
        Columns that are not read but will be made of a chunk: they count towards its size.
    straight : bool
        Nobody writes rows meanwhile that are still to be read: tiled columns are read straight from their files, and other threads go on.
    known : KnownRows, optional
        Columns that have been read already, of all rows of the plans.

    Yields
    ------
    VisChunk

    Raises
    ------
    DataError
        A column is missing.
    """
    for column in columns:
        ms.require(column)
    todo = deque(plans if plans is not None else plan_chunks(ms, resolved, [*columns, *made], chunk_bytes, boundaries))
    if not todo:
        return
    asking = ReadAhead(ms, columns)
    files: RowReader | None = None
    if straight:
        ms.flush()  # what this process has written to it by another name
        files = RowReader(ms.table, [c for c in columns if c in CHANNEL_COLUMNS or c in CORRELATION_COLUMNS or c == "UVW"])
    with ThreadPoolExecutor(1, thread_name_prefix="ms-read") as worker:
        waiting: deque[Future[VisChunk]] = deque()
        try:
            while todo or waiting:
                for plan in islice(todo, ahead, ahead + 2):  # what comes after what is read next
                    asking.ask(int(plan.rows.min()), int(plan.rows.max()))
                while todo and len(waiting) <= ahead:
                    waiting.append(worker.submit(_read_chunk, ms, resolved, todo.popleft(), columns, files, known))
                yield waiting.popleft().result()
                let_go()
        finally:  # also when the consumer stops early or is interrupted
            for future in waiting:
                future.cancel()
            asking.close()
            worker.shutdown()
            if files is not None:
                files.close()


def _read_chunk(
    ms: MeasurementSet,
    resolved: ResolvedSelection,
    plan: ChunkPlan,
    columns: Sequence[str],
    files: RowReader | None = None,
    known: KnownRows | None = None,
) -> VisChunk:
    description = ms.metadata.data_descriptions[plan.ddid]
    channels = resolved.channels.get(description.spw)
    correlations = resolved.correlations.get(description.pol)
    nchan = ms.metadata.spectral_windows[description.spw].nchan
    ncorr = len(ms.metadata.polarizations[description.pol].corr_type)
    chunk = VisChunk(
        ddid=plan.ddid,
        spw=description.spw,
        pol=description.pol,
        rows=plan.rows,
        index=plan.index,
        channels=np.arange(nchan) if channels is None else np.asarray(channels, dtype=np.int64),
        correlations=np.arange(ncorr) if correlations is None else np.asarray(correlations, dtype=np.int64),
        whole_channels=channels is None,
        whole_correlations=correlations is None,
    )
    for column in columns:
        narrow = column in CHANNEL_COLUMNS or column in CORRELATION_COLUMNS
        taken = (channels, correlations) if narrow else (None, None)
        values = known.take(column, plan.rows) if known is not None else None
        if values is None and files is not None:
            values = files.read(column, plan.rows, *taken)
        if values is None:
            values = ms.read(column, plan.rows, *taken)
        chunk.columns[column] = values
    return chunk


def write_chunks(
    ms: MeasurementSet, chunks: Iterable[VisChunk | tuple[VisChunk, Mapping[str, np.ndarray]]], columns: Sequence[str]
) -> int:
    """Write columns of chunks back in place, overlapping with what produces them.

    Parameters
    ----------
    ms : MeasurementSet
        Opened writable.
    chunks : iterable of VisChunk, or of (VisChunk, {column: values})
        With a mapping its values are written, and only those it holds.
    columns : sequence of str
        Columns to write from plain chunks.

    Returns
    -------
    int
        Rows written.

    Notes
    -----
    Each chunk is written whole before the next is begun, so a killed run leaves a readable MeasurementSet and can be repeated. But for single values of
    rows, such as FLAG_ROW: they are written together at the end, however it comes (`SingleValues` says why).
    """
    if not ms.writable:
        raise DataError(f"MeasurementSet {ms.path!r} was opened read-only")
    count = 0
    single = SingleValues(ms)
    with ThreadPoolExecutor(1, thread_name_prefix="ms-write") as worker:
        pending: deque[Future[None]] = deque()
        try:
            for item in chunks:
                chunk, values = item if isinstance(item, tuple) else (item, {c: item.columns[c] for c in columns})
                while len(pending) > 1:
                    pending.popleft().result()
                pending.append(worker.submit(_write_chunk, ms, chunk, values, single))
                count += len(chunk.rows)
        finally:
            try:
                for future in pending:
                    future.result()
            finally:
                single.write()
    return count


def _write_chunk(ms: MeasurementSet, chunk: VisChunk, values: Mapping[str, np.ndarray], single: SingleValues) -> None:
    """Write the columns of cells of a chunk, and then keep its single values for the end."""
    for column, array in values.items():
        if array.ndim == 1:
            continue
        narrow = column in CHANNEL_COLUMNS or column in CORRELATION_COLUMNS
        channels = None if chunk.whole_channels or not narrow else chunk.channels
        correlations = None if chunk.whole_correlations or not narrow else chunk.correlations
        ms.write(column, array, chunk.rows, channels, correlations)
    for column, array in values.items():
        if array.ndim == 1:
            single.keep(column, chunk.rows, array)
