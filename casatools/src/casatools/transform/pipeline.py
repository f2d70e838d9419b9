"""The transformation of one MeasurementSet into another: select, average, and write, in one pass over bounded blocks.

Notes
-----
Output rows are ordered by OBSERVATION_ID, ARRAY_ID, SCAN_NUMBER, FIELD_ID, DATA_DESC_ID and TIME, input order deciding among equals;
identifiers that a time average may combine drop out of this order. What weights mean is told in `casatools.transform.blocks`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from casatools._base import log
from casatools._base.errors import ParameterError, SelectionError
from casatools._base.memory import CHUNK_BYTES
from casatools._base.paths import require_absent, require_space, require_writable_parent, staged_output
from casatools._base.progress import Progress
from casatools.io.ms import (
    ChunkPlan,
    MeasurementSet,
    Piece,
    ResolvedSelection,
    Selection,
    open_piece,
    split_plans,
    spread,
    spreads,
)
from casatools.io.ms.create_like import MsWriter, SubtableEdit
from casatools.kernels.average import assign_bins
from casatools.transform.averaging import TimeBins, average_blocks_in_channel, average_blocks_in_time
from casatools.transform.blocks import ROW_COLUMNS, Block, inverse_root, read_blocks, wholly_flagged
from casatools.transform.columns import ColumnPlan, plan_columns
from casatools.transform.subtables import ChannelAxis, Renumbering, plan_subtables, renumber

__all__ = ["Job", "TimeAverage", "TransformOptions", "prepare", "run", "transform"]

Stage = Callable[[Iterable[Block]], Iterator[Block]]
# A bin closes a little early, so that rounding of times does not let one integration too many in.
_BIN_SLACK = 0.999
_KEYS = ("OBSERVATION_ID", "ARRAY_ID", "SCAN_NUMBER", "FIELD_ID", "DATA_DESC_ID", "STATE_ID")
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
    """

    bin_s: float
    span: frozenset[str] = frozenset()
    max_uvw_m: float = 0.0

    def __post_init__(self) -> None:
        unknown = sorted(self.span - set(_SPAN_COLUMNS))
        if unknown:
            raise ParameterError(f"a time average cannot combine {unknown[0]!r}; allowed are scan, state, field")
        if self.bin_s <= 0 or self.max_uvw_m < 0:
            raise ParameterError("a time average needs a time bin above 0 s and a uvw distance of at least 0 m")


@dataclass(frozen=True)
class TransformOptions:
    """What to do with a MeasurementSet.

    Attributes
    ----------
    selection : Selection
    datacolumn : str
    keepflags : bool
        False leaves out rows of which every visibility is flagged.
    chanbin : tuple of int
        Channels to average: () for none, one number for all spectral windows, or one for each.
    time_average : TimeAverage, optional
    reindex : bool
        Cut and renumber the sub-tables.
    spectra : tuple of str
        WEIGHT_SPECTRUM and SIGMA_SPECTRUM, where they are wanted although the input has none.
    rows : ndarray of int64, optional
        Write only these of the selected rows; the sub-tables are those of the whole selection.
    """

    selection: Selection = field(default_factory=Selection)
    datacolumn: str = "corrected"
    keepflags: bool = True
    chanbin: tuple[int, ...] = ()
    time_average: TimeAverage | None = None
    reindex: bool = True
    spectra: tuple[str, ...] = ()
    rows: np.ndarray | None = None

    def __post_init__(self) -> None:
        if any(n < 1 for n in self.chanbin):
            raise ParameterError(f"channels to average must be at least 1; got {min(self.chanbin)}")


@dataclass
class Job:
    """A transformation worked out on an open MeasurementSet: nothing is written yet."""

    ms: MeasurementSet
    resolved: ResolvedSelection
    options: TransformOptions
    columns: ColumnPlan
    ddids: list[int]
    edges: dict[int, np.ndarray]
    axes: dict[int, ChannelAxis | None]
    plans: list[ChunkPlan]
    bins: TimeBins | None
    nrow: int

    @property
    def spws(self) -> list[int]:
        """Input spectral windows kept, ascending."""
        return sorted({self.ms.metadata.data_descriptions[d].spw for d in self.ddids})


def transform(path: str, output: str, options: TransformOptions) -> int:
    """Make the MeasurementSet `output` from that at `path`; it appears only when complete.

    Parameters
    ----------
    path, output : str
    options : TransformOptions

    Returns
    -------
    int
        Rows written.
    """
    require_absent(output)
    require_writable_parent(output)
    with MeasurementSet(path) as ms:
        return run(prepare(ms, options), output)


def prepare(ms: MeasurementSet, options: TransformOptions) -> Job:
    """Resolve the selection and plan chunks, bins and axes; raises before anything is written."""
    resolved = options.selection.resolve(ms)
    columns = plan_columns(ms, options.datacolumn, options.spectra)
    rows = np.asarray(resolved.rows)
    if options.rows is not None:
        rows = np.intersect1d(rows, options.rows, assume_unique=True)
    if not options.keepflags:
        rows = rows[~_wholly_flagged(ms, rows)]
        if len(rows) == 0:
            raise SelectionError(f"every row selected from {ms.path!r} is flagged, and flagged rows are not kept")
    keys = {name: np.asarray(ms.read(name, rows)) for name in (*_KEYS, "TIME")}
    metadata = ms.metadata
    ddids = sorted(set(resolved.ddids)) or sorted(np.unique(keys["DATA_DESC_ID"]).tolist())
    spws = sorted({metadata.data_descriptions[d].spw for d in ddids})
    edges, axes = _channel_plan(ms, resolved, spws, options.chanbin)
    size = {d: _bytes_of_row(ms, resolved, d, columns) for d in ddids}
    if options.time_average is None:
        plans, bins, nrow = _plan_rows(rows, keys, size), None, len(rows)
    else:
        plans, bins, nrow = _plan_bins(ms, rows, keys, size, options.time_average, columns.of_model)
    return Job(ms, resolved, options, columns, ddids, edges, axes, plans, bins, nrow)


def run(
    job: Job,
    output: str,
    stages: Sequence[Stage] = (),
    before: Sequence[Stage] = (),
    extra_columns: Sequence[str] = (),
    edits: Mapping[str, SubtableEdit] | None = None,
) -> int:
    """Do a prepared job.

    Parameters
    ----------
    job : Job
    output : str
    stages, before : sequence of stages
        What comes after and before the channel average.
    extra_columns : sequence of str
        Visibility columns that the stages add.
    edits : mapping, optional
        Further changes to sub-tables.

    Returns
    -------
    int
        Rows written.
    """
    renumbering = plan_subtables(job.ms, job.resolved, job.ddids, job.axes, job.options.reindex)
    renumbering.edits.update(edits or {})
    ncorr, nchan = _largest_cell(job)
    require_space(output, job.nrow * (_smallest_cell(job) * _element_bytes(job.columns, extra_columns) + 100) + 1e6)
    with (
        staged_output(output) as temporary,
        Progress(job.nrow, "transforming visibilities") as progress,
        MsWriter(job.ms, temporary, [*job.columns.writes, *extra_columns], ncorr, nchan, job.nrow, renumbering.edits) as writer,
    ):
        if spreads() and not (stages or before):
            # Stages may look at several blocks; what has none is done piece by piece on all ranks.
            plans = job.plans if job.bins is not None else split_plans(job.plans)
            outputs = (
                rows for part in spread(_transform_piece, job.ms, (job, replace(renumbering, edits={})), plans) for rows in part
            )
        else:
            outputs = (_output_columns(block, job, renumbering) for block in _blocks(job, stages, before))
        for rows in outputs:
            writer.append(rows)
            progress.advance(len(rows["FLAG"]))
        written = writer.rows_written
    log.post(f"Wrote {written} rows to {output}")
    return written


def _blocks(job: Job, stages: Sequence[Stage] = (), before: Sequence[Stage] = ()) -> Iterator[Block]:
    """The output of a job, block by block."""
    blocks: Iterator[Block] = read_blocks(job.ms, job.resolved, job.columns, job.plans)
    if job.bins is not None:
        blocks = average_blocks_in_time(blocks, job.bins)
    for stage in before:
        blocks = stage(blocks)
    if job.edges:
        blocks = average_blocks_in_channel(blocks, job.edges)
    for stage in stages:
        blocks = stage(blocks)
    return blocks


def _transform_piece(piece: Piece) -> list[dict[str, np.ndarray]]:
    with open_piece(piece):
        job, renumbering = piece.job
        own = replace(job, plans=list(piece.plans))
        return [_output_columns(block, own, renumbering) for block in _blocks(own)]


def _element_bytes(columns: ColumnPlan, extra: Sequence[str]) -> float:
    """Bytes on disk of one channel and correlation."""
    return 0.125 + sum(
        4.0 if name in ("WEIGHT_SPECTRUM", "SIGMA_SPECTRUM", "FLOAT_DATA") else 8.0 for name in (*columns.writes, *extra)
    )


def _cells(job: Job) -> Iterator[tuple[int, int]]:
    """(ncorr, nchan) of each output data description."""
    metadata = job.ms.metadata
    for ddid in job.ddids:
        description = metadata.data_descriptions[ddid]
        axis = job.axes.get(description.spw)
        nchan = axis.nchan if axis is not None else metadata.spectral_windows[description.spw].nchan
        index = job.resolved.correlations.get(description.pol)
        yield len(index) if index is not None else metadata.polarizations[description.pol].ncorr, nchan


def _largest_cell(job: Job) -> tuple[int, int]:
    return max(_cells(job), key=lambda cell: cell[0] * cell[1], default=(1, 1))


def _smallest_cell(job: Job) -> int:
    return min((ncorr * nchan for ncorr, nchan in _cells(job)), default=0)


def _wholly_flagged(ms: MeasurementSet, rows: np.ndarray) -> np.ndarray:
    """Rows flagged by FLAG_ROW or in every visibility, read in pieces."""
    out = np.asarray(ms.read("FLAG_ROW", rows)).copy()
    ddid = np.asarray(ms.read("DATA_DESC_ID", rows))
    for d in np.unique(ddid):
        here = np.flatnonzero(ddid == d)
        cell = ms.cell_shape(int(rows[here[0]]))
        step = max(1, CHUNK_BYTES // max(1, cell[0] * cell[1]))
        for at in range(0, len(here), step):
            part = here[at : at + step]
            out[part] |= wholly_flagged(ms.read("FLAG", rows[part]))
    return out


def _channel_plan(
    ms: MeasurementSet, resolved: ResolvedSelection, spws: list[int], chanbin: tuple[int, ...]
) -> tuple[dict[int, np.ndarray], dict[int, ChannelAxis | None]]:
    """Averaging runs per spectral window (only where there is averaging) and the new axes (None where nothing changes)."""
    if len(chanbin) not in (0, 1, len(spws)):
        raise ParameterError(
            f"{len(chanbin)} channel widths were given for {len(spws)} spectral windows; give one for all or one for each"
        )
    edges: dict[int, np.ndarray] = {}
    axes: dict[int, ChannelAxis | None] = {}
    for k, spw in enumerate(spws):
        window = ms.metadata.spectral_windows[spw]
        chosen = resolved.channels.get(spw)
        index = np.arange(window.nchan) if chosen is None else np.asarray(chosen)
        width = 1 if not chanbin else chanbin[0] if len(chanbin) == 1 else chanbin[k]
        width = min(width, len(index))
        count = len(index) // width
        if width == 1 and chosen is None:
            axes[spw] = None
            continue
        if width > 1:
            edges[spw] = np.arange(count + 1, dtype=np.int64) * width
        runs = index[: count * width].reshape(count, width)
        axes[spw] = ChannelAxis(
            frequency_hz=(window.chan_freq_hz[runs[:, 0]] + window.chan_freq_hz[runs[:, -1]]) / 2
            if width > 1
            else window.chan_freq_hz[index],
            width_hz=window.chan_width_hz[runs].sum(axis=1),
            resolution_hz=window.resolution_hz[runs].sum(axis=1),
            effective_bw_hz=window.effective_bw_hz[runs].sum(axis=1),
        )
    return edges, axes


def _bytes_of_row(ms: MeasurementSet, resolved: ResolvedSelection, ddid: int, columns: ColumnPlan) -> int:
    description = ms.metadata.data_descriptions[ddid]
    channels = resolved.channels.get(description.spw)
    nchan = ms.metadata.spectral_windows[description.spw].nchan if channels is None else len(channels)
    ncorr = ms.metadata.polarizations[description.pol].ncorr
    return 200 + nchan * ncorr * (10 + 8 * len(columns.pairs) + 8 * bool(columns.spectra))


def _plan_rows(rows: np.ndarray, keys: dict[str, np.ndarray], size: dict[int, int]) -> list[ChunkPlan]:
    """Chunks in output order, one output row for each input row."""
    order = np.lexsort([keys[k] for k in ("TIME", "DATA_DESC_ID", "FIELD_ID", "SCAN_NUMBER", "ARRAY_ID", "OBSERVATION_ID")])
    ddid = keys["DATA_DESC_ID"][order]
    plans = []
    borders = np.concatenate([[0], np.flatnonzero(np.diff(ddid)) + 1, [len(ddid)]])
    for low, high in pairwise(borders.tolist()):
        step = max(1, CHUNK_BYTES // size[int(ddid[low])])
        for at in range(int(low), int(high), step):
            stop = min(at + step, int(high))
            plans.append(ChunkPlan(int(ddid[low]), rows[order[at:stop]], np.arange(at, stop)))
    return plans


def _plan_bins(
    ms: MeasurementSet, rows: np.ndarray, keys: dict[str, np.ndarray], size: dict[int, int], average: TimeAverage, flat: bool
) -> tuple[list[ChunkPlan], TimeBins, int]:
    """Chunks of whole time bins, the bin of each of their rows, and the number of bins."""
    combined = {_SPAN_COLUMNS[s] for s in average.span}
    names = [k for k in _KEYS if k not in combined]
    order = np.lexsort([keys["TIME"], *(keys[k] for k in reversed(names))])
    sorted_keys = np.stack([keys[k][order] for k in names])
    part = np.concatenate([[0], np.cumsum(np.any(np.diff(sorted_keys, axis=1) != 0, axis=0))]).astype(np.int64)
    time = keys["TIME"][order]
    columns = [np.asarray(ms.read(c, rows))[order].astype(np.int64) for c in ("ANTENNA1", "ANTENNA2", "FEED1", "FEED2")]
    _, baseline = np.unique(np.stack(columns), axis=1, return_inverse=True)
    baseline = np.asarray(baseline).ravel().astype(np.int64)
    uvw = np.asarray(ms.read("UVW", rows))[order] if average.max_uvw_m > 0 else np.zeros((1, 3))
    bins, closed = np.empty(len(rows), dtype=np.int64), np.empty(len(rows))
    limit = average.bin_s * _BIN_SLACK
    nbin = int(assign_bins(part, time, baseline, uvw, limit, average.max_uvw_m, int(baseline.max()) + 1, bins, closed))
    first = np.full(nbin, -1, dtype=np.int64)
    first[bins[::-1]] = np.arange(len(bins))[::-1]
    # Output order: as the bins of a part are completed, baselines in order among those completed together.
    rank = np.empty(nbin, dtype=np.int64)
    rank[np.lexsort((baseline[first], closed[:nbin], part[first]))] = np.arange(nbin)
    number = rank[bins]
    ddid_of_bin = np.empty(nbin, dtype=np.int64)
    ddid_of_bin[number] = keys["DATA_DESC_ID"][order]
    by_bin = np.argsort(number, kind="stable")
    counts = np.bincount(number, minlength=nbin)
    plans, of_block = [], {}
    for low, high in _cut_bins(ddid_of_bin, counts, size):
        inside = by_bin[counts[:low].sum() : counts[:high].sum()]
        selected = order[inside]
        ascending = np.argsort(rows[selected])
        plans.append(ChunkPlan(int(ddid_of_bin[low]), rows[selected][ascending], np.full(len(inside), low)))
        of_block[low] = number[inside][ascending]
    return plans, TimeBins(of_block, flat), nbin


def _cut_bins(ddid: np.ndarray, counts: np.ndarray, size: dict[int, int]) -> Iterator[tuple[int, int]]:
    """Ranges of output rows that share a data description and whose input rows fit a chunk."""
    low = held = 0
    for k in range(len(ddid)):
        need = int(counts[k]) * size[int(ddid[k])]
        if k > low and (ddid[k] != ddid[low] or held + need > CHUNK_BYTES):
            yield low, k
            low, held = k, 0
        held += need
    if len(ddid):
        yield low, len(ddid)


def _output_columns(block: Block, job: Job, ids: Renumbering) -> dict[str, np.ndarray]:
    """The columns of a block as they are written."""
    columns = job.columns
    out: dict[str, np.ndarray] = {name: block.rows[name] for name in ROW_COLUMNS}
    ddid = block.ddid if ids.ddids is None else int(ids.ddids[block.ddid])
    out["DATA_DESC_ID"] = np.full(block.nrow, ddid, dtype=np.int32)
    for name, mapping in (
        ("FIELD_ID", ids.fields), ("ANTENNA1", ids.antennas), ("ANTENNA2", ids.antennas), ("STATE_ID", ids.states),
        ("OBSERVATION_ID", ids.observations),
    ):  # fmt: skip
        out[name] = renumber(block.rows[name], mapping)
    out.update(block.data)
    # As the reference: rows averaged in time are never flagged as rows, FLAG says it all.
    out["FLAG"], out["FLAG_ROW"] = block.flag, wholly_flagged(block.flag) & (job.bins is None)
    out["WEIGHT"], out["SIGMA"] = block.weight, block.sigma
    if "WEIGHT_SPECTRUM" in columns.spectra:
        out["WEIGHT_SPECTRUM"] = np.broadcast_to(block.corrected_weight, block.flag.shape)
    if "SIGMA_SPECTRUM" in columns.spectra:
        out["SIGMA_SPECTRUM"] = np.broadcast_to(inverse_root(block.data_weight), block.flag.shape)
    return out
