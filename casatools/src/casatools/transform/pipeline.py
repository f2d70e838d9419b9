"""The transformation of one MeasurementSet into another: select, average, and write, in one pass over bounded blocks.

Notes
-----
Output rows are ordered by OBSERVATION_ID, ARRAY_ID, SCAN_NUMBER, STATE_ID, FIELD_ID, DATA_DESC_ID and TIME, input order deciding among equals;
identifiers that a time average may combine drop out of this order. What weights mean is told in `casatools.transform.blocks`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from casatools._base import log
from casatools._base.errors import ParameterError, SelectionError, UnsupportedError
from casatools._base.memory import CHUNK_BYTES
from casatools._base.paths import require_absent, require_outside, require_space, require_writable_parent, staged_output
from casatools._base.progress import Progress
from casatools._base.row_arrays import common_rows, kept_rows, let_go, row_blocks, rows_at_once
from casatools.io.ms import (
    KnownRows,
    MeasurementSet,
    Piece,
    ResolvedSelection,
    Selection,
    open_piece,
    split_plans,
    spread,
    spreads,
)
from casatools.io.ms.cell_runs import CellRuns
from casatools.io.ms.create_like import MsWriter, SubtableEdit, writer_bytes
from casatools.io.ms.model_keywords import virtual_model_fields
from casatools.io.ms.row_files import CarriedFiles
from casatools.io.ms.selection import distinct
from casatools.transform.averaging import average_blocks_in_channel, average_blocks_in_time
from casatools.transform.blocks import ROW_COLUMNS, Block, inverse_root, read_blocks, wholly_flagged
from casatools.transform.carrying import carried_columns, without_columns
from casatools.transform.columns import ColumnPlan, plan_columns
from casatools.transform.on_the_fly import Calibrator, CalibratorMaker
from casatools.transform.output_windows import OutputWindows, replace_windows
from casatools.transform.planning import KEYS, RowPlan, TimeAverage, make_plan
from casatools.transform.polarization_average import replace_polarizations
from casatools.transform.subtables import ChannelAxis, Renumbering, plan_subtables, renumber, written_order

__all__ = ["Job", "TimeAverage", "TransformOptions", "looked_at", "needed_bytes", "output_blocks", "prepare", "run", "transform"]

Stage = Callable[[Iterable[Block]], Iterator[Block]]
_ALMA_SUBSCANS_S = 30.0


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
        Channels to average: () for none, one number for all spectral windows, or one for each in the order in which the selection names them.
    time_average : TimeAverage, optional
    reindex : bool
        Cut and renumber the sub-tables.
    spectra : tuple of str
        WEIGHT_SPECTRUM and SIGMA_SPECTRUM, where they are wanted although the input has none.
    rows : ndarray of int64, optional
        Write only these of the selected rows; the sub-tables are those of the whole selection.
    combine : bool
        Rows of all spectral windows are to be joined by a stage.
    real_model : bool
        Where MODEL_DATA is asked for and the MeasurementSet has only a recipe for it (a virtual model), make the column.
    tileshape : tuple of int
        Of the visibility columns: (0,) to leave it to this program, (1,) for tiles of whole integrations, else correlations, channels, rows.
    calibrator : callable, optional
        Makes what calibrates the data while they are read; CORRECTED_DATA then is what it gives.
    model : callable, optional
        Makes what adds MODEL_DATA while the data are read; used for `real_model` where there is only a recipe.
    grid : bool
        New channels are made, which are defined at the first time of the whole selection in the direction of its first field: all of it is looked at, also
        where `rows` are a part of it.
    first_ddid : int
        Added to DATA_DESC_ID of the main table, as the reference does for the parts of a multi-MS; the sub-tables stay.
    """

    selection: Selection = field(default_factory=Selection)
    datacolumn: str = "corrected"
    keepflags: bool = True
    chanbin: tuple[int, ...] = ()
    time_average: TimeAverage | None = None
    reindex: bool = True
    spectra: tuple[str, ...] = ()
    rows: np.ndarray | None = None
    combine: bool = False
    real_model: bool = False
    tileshape: tuple[int, ...] = (0,)
    calibrator: CalibratorMaker | None = None
    model: CalibratorMaker | None = None
    grid: bool = False
    first_ddid: int = 0

    def __post_init__(self) -> None:
        if any(n < 1 for n in self.chanbin):
            raise ParameterError(f"channels to average must be at least 1; got {min(self.chanbin)}")
        if self.tileshape not in ((), (0,), (1,)) and (len(self.tileshape) != 3 or min(self.tileshape) < 1):
            raise ParameterError(
                f"parameter 'tileshape' must be [0], [1] or the correlations, channels and rows of a tile; got {list(self.tileshape)}"
            )


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
    rows: RowPlan
    first_time_s: float
    windows: OutputWindows | None = None
    stokes_i: bool = False
    calibrators: tuple[Calibrator, ...] = ()
    # Fields of the rows kept, where a `grid` is made of the whole selection; the first time is of these rows too.
    fields: tuple[int, ...] = ()
    # A stage on what is read, before any average, such as a phase shift.
    first: Stage | None = None
    # Columns that are not read because they are taken over from file to file.
    left: frozenset[str] = frozenset()
    # What has been read for the plan.
    known: KnownRows | None = None

    @property
    def output_rows(self) -> int:
        """Rows of the output."""
        return self.rows.nrow * (len(self.windows.axes) if self.windows is not None else 1)

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
    if options.time_average is not None:
        options = replace(options, time_average=_over_subscans(ms, options.time_average))
    calibrators = {"CORRECTED_DATA": options.calibrator(ms)} if options.calibrator is not None else {}
    if options.real_model and not ms.has("MODEL_DATA") and virtual_model_fields(ms):
        if options.model is None:
            raise UnsupportedError(
                f"parameter 'realmodelcol': {ms.path!r} has a virtual model and nothing was given to make it real"
            )
        calibrators["MODEL_DATA"] = options.model(ms)
    columns = plan_columns(ms, options.datacolumn, options.spectra, {name: c.columns for name, c in calibrators.items()})
    rows = np.asarray(resolved.rows)
    part = rows if options.rows is None else common_rows(rows, options.rows)
    if not options.grid:
        rows = part
    if not options.keepflags:
        rows = kept_rows(rows, lambda block: ~_wholly_flagged(ms, block))
        _require_rows(ms, rows)
    keys = _keys(ms, rows)
    first_time_s, present = looked_at(ms, rows, keys)
    fields = tuple(sorted(present["FIELD_ID"]))
    if options.grid and options.rows is not None:
        rows = common_rows(rows, part)
        keys = _keys(ms, rows)
    _require_rows(ms, rows)
    metadata = ms.metadata
    ddids = sorted(set(resolved.ddids)) or sorted(present["DATA_DESC_ID"])
    spws = sorted({metadata.data_descriptions[d].spw for d in ddids})
    edges, axes = _channel_plan(ms, resolved, spws, options.chanbin)
    size = {d: _bytes_of_row(ms, resolved, d, columns) for d in ddids}
    plan = make_plan(ms, rows, size, options.time_average, combine=options.combine, flat=columns.of_model, keys=keys)
    return Job(
        ms,
        resolved,
        options,
        columns,
        ddids,
        edges,
        axes,
        plan,
        first_time_s,
        calibrators=tuple(calibrators.values()),
        fields=fields,
        known=KnownRows.of(rows, keys) if keys is not None else None,
    )


def _keys(ms: MeasurementSet, rows: np.ndarray) -> dict[str, np.ndarray] | None:
    """All that a plan needs to know of rows, where they are few."""
    return {name: np.asarray(ms.read(name, rows)) for name in (*KEYS, "TIME")} if len(rows) <= rows_at_once() else None


def looked_at(
    ms: MeasurementSet, rows: np.ndarray, keys: Mapping[str, np.ndarray] | None = None
) -> tuple[float, dict[str, set[int]]]:
    """First time [s], fields and data descriptions of rows, of which `keys` may have been read already."""
    first, present = np.inf, {"FIELD_ID": set[int](), "DATA_DESC_ID": set[int]()}
    for block in row_blocks(len(rows)):
        held = {name: ms.read(name, rows[block]) if keys is None else keys[name][block] for name in ("TIME", *present)}
        first = min(first, float(held["TIME"].min()))
        for name, found in present.items():
            found.update(distinct(held[name]))
    return first, present


def _require_rows(ms: MeasurementSet, rows: np.ndarray) -> None:
    if len(rows) == 0:
        raise SelectionError(f"every row selected from {ms.path!r} is flagged, and flagged rows are not kept")


def _over_subscans(ms: MeasurementSet, average: TimeAverage) -> TimeAverage:
    """Let long bins of ALMA's data go across states, as the reference does: its sub-scans of some seconds have a state each."""
    names = {o.telescope_name.strip().upper() for o in ms.metadata.observations}
    if average.as_given or "ALMA" not in names or average.bin_s <= _ALMA_SUBSCANS_S or "state" in average.span:
        return average
    log.post("ALMA's data: time bins of more than 30 s go across states (sub-scans)", "WARN")
    return replace(average, span=average.span | {"state"})


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
    require_outside(output, job.ms.path)
    renumbering = plan_subtables(job.ms, job.resolved, job.ddids, job.axes, job.options.reindex)
    if job.windows is not None:
        replace_windows(job.ms, renumbering, job.windows)
    if job.stokes_i:
        replace_polarizations(job.ms, renumbering)
    for name, edit in (edits or {}).items():
        renumbering.edits[name] = edit.after(renumbering.edits.get(name))
    ncorr, nchan = _largest_cell(job)
    columns = [*job.columns.writes, *extra_columns]
    tile = _tile(job, ncorr, nchan)
    needed = needed_bytes(job, extra_columns)
    cells = list(_cells(job))
    laid_out = (job.windows is None or len(cells) == 1) and tile is None and all(c[0] <= ncorr and c[1] <= nchan for c in cells)
    found = carried_columns(job) if laid_out and not (stages or before) else {}
    with (
        staged_output(output, nbytes=needed) as temporary,
        Progress(job.output_rows, "transforming visibilities") as progress,
        CarriedFiles(temporary) as begun,
    ):
        for name, file, which in found.values():
            begun.start(name, file, which)
        with MsWriter(
            job.ms, temporary, columns, ncorr, nchan, job.output_rows, renumbering.edits, tile, subtables_last=True
        ) as writer:
            if laid_out:
                writer.lay_out(cells, _cell_of_row(job), begun)
                carried = frozenset(
                    name
                    for name, (column, file, which) in found.items()
                    if column in begun.taken or writer.carry(column, file, which)
                )
                job = without_columns(job, carried) if carried else job
            for rows, every, offset in _outputs(job, renumbering, stages, before):
                if not writer.is_laid_out:  # else the space is taken from the beginning
                    left = 1 - writer.rows_written / max(1, job.output_rows)
                    require_space(temporary, left * _cell_bytes(job, extra_columns), needed)
                writer.append(rows, every, offset)
                let_go()
                progress.advance(len(rows["TIME"]))
            written = writer.rows_written
    log.post(f"Wrote {written} rows to {output}")
    return written


def _outputs(
    job: Job, renumbering: Renumbering, stages: Sequence[Stage], before: Sequence[Stage]
) -> Iterator[tuple[dict[str, np.ndarray], int, int]]:
    """Columns of the blocks of the output, how far their rows are apart, and how far behind the first they begin."""
    if spreads() and not job.left and not (stages or before or job.first is not None):
        # Stages may look at several blocks; what has none is done piece by piece on all ranks.
        plans = job.rows.chunks if job.rows.bins is not None else split_plans(job.rows.chunks)
        given = (replace(job, known=None), replace(renumbering, edits={}))
        for part in spread(_transform_piece, job.ms, given, plans):
            yield from ((columns, 1, 0) for columns in part)
        return
    for block in output_blocks(job, stages, before):
        yield _output_columns(block, job, renumbering), block.parts, block.part


def output_blocks(job: Job, stages: Sequence[Stage] = (), before: Sequence[Stage] = ()) -> Iterator[Block]:
    """The output of a job, block by block."""
    blocks: Iterator[Block] = read_blocks(
        job.ms, job.resolved, job.columns, job.rows.chunks, job.calibrators, job.left, job.known
    )
    if job.first is not None:
        blocks = job.first(blocks)
    if job.rows.bins is not None:
        blocks = average_blocks_in_time(blocks, job.rows.bins)
    for stage in before:
        blocks = stage(blocks)
    if job.edges:
        blocks = average_blocks_in_channel(blocks, job.edges, job.columns.of_model)
    for stage in stages:
        blocks = stage(blocks)
    return blocks


def _transform_piece(piece: Piece) -> list[dict[str, np.ndarray]]:
    with open_piece(piece):
        job, renumbering = piece.job
        own = replace(job, rows=replace(job.rows, chunks=list(piece.plans)))
        return [_output_columns(block, own, renumbering) for block in output_blocks(own)]


def _element_bytes(columns: ColumnPlan, extra: Sequence[str]) -> float:
    """Bytes on disk of one channel and correlation."""
    return 0.125 + sum(
        4.0 if name in ("WEIGHT_SPECTRUM", "SIGMA_SPECTRUM", "FLOAT_DATA") else 8.0 for name in (*columns.writes, *extra)
    )


def _cells(job: Job) -> Iterator[tuple[int, int]]:
    """(ncorr, nchan) of each output data description."""
    metadata = job.ms.metadata
    if job.windows is not None:
        index = job.resolved.correlations.get(metadata.data_descriptions[job.windows.ddid].pol)
        ncorr = metadata.polarizations[metadata.data_descriptions[job.windows.ddid].pol].ncorr if index is None else len(index)
        yield from ((1 if job.stokes_i else ncorr, axis.nchan) for axis in job.windows.axes)
        return
    for ddid in job.ddids:
        description = metadata.data_descriptions[ddid]
        axis = job.axes.get(description.spw)
        nchan = axis.nchan if axis is not None else metadata.spectral_windows[description.spw].nchan
        index = job.resolved.correlations.get(description.pol)
        ncorr = len(index) if index is not None else metadata.polarizations[description.pol].ncorr
        yield 1 if job.stokes_i else ncorr, nchan


def _cell_of_row(job: Job) -> CellRuns:
    """Which of `_cells` each output row has."""
    if job.windows is not None:
        return CellRuns.of_lengths([0], [job.rows.nrow])
    number = {ddid: k for k, ddid in enumerate(job.ddids)}
    return CellRuns.of_lengths([number[chunk.ddid] for chunk in job.rows.chunks], _rows_of_chunks(job))


def _rows_of_chunks(job: Job) -> list[int]:
    """Output rows of each chunk, which follow each other; not of combined spectral windows."""
    bins = job.rows.bins
    if bins is None:
        return [len(chunk.rows) for chunk in job.rows.chunks]
    out = []
    for chunk in job.rows.chunks:
        places = bins.of_block[int(chunk.index[0])]
        out.append(int(places.max() - places.min()) + 1)
        let_go()
    return out


def _largest_cell(job: Job) -> tuple[int, int]:
    return max(_cells(job), key=lambda cell: cell[0] * cell[1], default=(1, 1))


def _tile(job: Job, ncorr: int, nchan: int) -> tuple[int, int, int] | None:
    """The tile shape asked for; None to leave it to the writer."""
    asked = job.options.tileshape
    if len(asked) == 3:
        return min(asked[0], ncorr), min(asked[1], nchan), asked[2]
    if asked in ((), (0,)):
        return None
    antennas = len(job.ms.metadata.antennas)
    return ncorr, nchan, max(1, antennas * (antennas - 1) // 2)


def needed_bytes(job: Job, extra: Sequence[str] = ()) -> float:
    """What the output of a job, with visibility columns that its stages add, takes on disk."""
    return _cell_bytes(job, extra) + writer_bytes(job.ms, job.output_rows)


def _cell_bytes(job: Job, extra: Sequence[str]) -> float:
    """What the visibility columns of the output take."""
    cells = [ncorr * nchan for ncorr, nchan in _cells(job)]
    if job.windows is not None:
        elements = float(job.rows.nrow * sum(cells))
    else:
        of_ddid = dict(zip(job.ddids, cells, strict=True))
        elements = float(
            sum(of_ddid[chunk.ddid] * count for chunk, count in zip(job.rows.chunks, _rows_of_chunks(job), strict=True))
        )
    return elements * _element_bytes(job.columns, extra)


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
    edges: dict[int, np.ndarray] = {}
    axes: dict[int, ChannelAxis | None] = {}
    selected = {spw: _selected_channels(ms, resolved, spw) for spw in spws}
    widths = _bin_widths({spw: len(selected[spw]) for spw in written_order(resolved, spws)}, chanbin)
    for spw, index in selected.items():
        window, width = ms.metadata.spectral_windows[spw], widths[spw]
        count = len(index) // width
        if len(index) % width:
            log.post(
                f"the last {len(index) % width} channels of spectral window {spw} fill no bin of {width} and are left out", "WARN"
            )
        if width == 1 and resolved.channels.get(spw) is None:
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
            resolution_hz=_joined_widths(window.chan_freq_hz[runs], window.resolution_hz[runs]),
            effective_bw_hz=_joined_widths(window.chan_freq_hz[runs], window.effective_bw_hz[runs]),
        )
    return edges, axes


def _selected_channels(ms: MeasurementSet, resolved: ResolvedSelection, spw: int) -> np.ndarray:
    chosen = resolved.channels.get(spw)
    return np.arange(ms.metadata.spectral_windows[spw].nchan) if chosen is None else np.asarray(chosen)


def _bin_widths(counts: Mapping[int, int], chanbin: tuple[int, ...]) -> dict[int, int]:
    """Channels of a bin in each spectral window.

    Parameters
    ----------
    counts : mapping
        Spectral window to the number of its channels that are selected, in the order in which the selection names the windows.
    chanbin : tuple of int
        See `TransformOptions`.

    Raises
    ------
    ParameterError
        Bins are more or fewer than windows, the one of a window is wider than it, or the one of all windows wider than any.

    Notes
    -----
    One bin for all windows makes one channel of those that are narrower, as in the reference.
    """
    if len(chanbin) not in (0, 1, len(counts)):
        raise ParameterError(
            f"{len(chanbin)} channel widths were given for {len(counts)} spectral windows; give one for all or one for each"
        )
    given = dict(zip(counts, chanbin if len(chanbin) == len(counts) else (chanbin or (1,)) * len(counts), strict=True))
    narrow = [spw for spw, count in counts.items() if given[spw] > count]
    if narrow and (len(chanbin) > 1 or len(narrow) == len(counts)):
        spw = max(narrow, key=counts.__getitem__)
        raise ParameterError(
            f"a bin of {given[spw]} channels does not fit into spectral window {spw} with {counts[spw]} channels selected; give at most {counts[spw]}"
        )
    if narrow:
        log.post(
            f"{len(narrow)} of {len(counts)} spectral windows have fewer channels selected than the {chanbin[0]} of a bin and become one channel each: "
            f"{', '.join(map(str, sorted(narrow)))}",
            "WARN",
        )
    return {spw: min(width, counts[spw]) for spw, width in given.items()}


def _joined_widths(frequency_hz: np.ndarray, width_hz: np.ndarray) -> np.ndarray:
    """From half a width below the first channel of each run to half a width above the last: (run, channel) to (run,)."""
    return np.asarray(np.abs(frequency_hz[:, -1] - frequency_hz[:, 0]) + 0.5 * (width_hz[:, 0] + width_hz[:, -1]))


def _bytes_of_row(ms: MeasurementSet, resolved: ResolvedSelection, ddid: int, columns: ColumnPlan) -> int:
    description = ms.metadata.data_descriptions[ddid]
    channels = resolved.channels.get(description.spw)
    nchan = ms.metadata.spectral_windows[description.spw].nchan if channels is None else len(channels)
    ncorr = ms.metadata.polarizations[description.pol].ncorr
    return 200 + nchan * ncorr * (10 + 8 * len(columns.pairs) + 8 * bool(columns.spectra))


def _output_columns(block: Block, job: Job, ids: Renumbering) -> dict[str, np.ndarray]:
    """The columns of a block as they are written."""
    columns = job.columns
    out: dict[str, np.ndarray] = {name: block.rows[name] for name in ROW_COLUMNS}
    ddid = block.ddid if ids.ddids is None else int(ids.ddids[block.ddid])
    out["DATA_DESC_ID"] = np.full(block.nrow, ddid + block.part + job.options.first_ddid, dtype=np.int32)
    for name, mapping in (
        ("FIELD_ID", ids.fields), ("ANTENNA1", ids.antennas), ("ANTENNA2", ids.antennas), ("STATE_ID", ids.states),
        ("OBSERVATION_ID", ids.observations),
    ):  # fmt: skip
        out[name] = renumber(block.rows[name], mapping)
    out.update(block.data)
    if "FLAG" not in job.left:
        out["FLAG"] = block.flag
    out["WEIGHT"], out["SIGMA"] = block.weight, block.sigma
    if "WEIGHT_SPECTRUM" in columns.spectra and "WEIGHT_SPECTRUM" not in job.left:
        out["WEIGHT_SPECTRUM"] = np.broadcast_to(block.corrected_weight, block.flag.shape)
    if "SIGMA_SPECTRUM" in columns.spectra:
        out["SIGMA_SPECTRUM"] = np.broadcast_to(inverse_root(block.data_weight), block.flag.shape)
    return out
