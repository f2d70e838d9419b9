"""mstransform and the tasks that are one of its stages."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from casatools._base import log
from casatools._base.errors import DataError, ParameterError
from casatools._base.paths import require_absent, require_present, staged_output
from casatools._base.row_arrays import other_rows, row_numbers
from casatools.frames.directions import parse_direction
from casatools.io.ms import MeasurementSet, Selection
from casatools.io.ms.multi_ms import axis_of
from casatools.io.ms.parts import is_multi_ms
from casatools.transform.averaging import average_blocks_in_channel
from casatools.transform.blocks import Block
from casatools.transform.columns import SPECTRA
from casatools.transform.combining import Combination, combination_of, combine_blocks, uniform_channels
from casatools.transform.concatenating import ConcatOptions, concatenate
from casatools.transform.continuum import parse_fitspec, subtract_blocks
from casatools.transform.frame_regridding import Regrid, RegridRequest, channels_of_axis, frame_factor, plan_regrid, regrid_blocks
from casatools.transform.multi_ms import cut_rows, transform_parts, write_parts
from casatools.transform.on_the_fly import CalibratorMaker
from casatools.transform.output_windows import OutputWindows, cut_axis, separate_blocks
from casatools.transform.parameters import parse_span, parse_timebin_s, parse_widths
from casatools.transform.phasing import shift_stage
from casatools.transform.pipeline import Job, TimeAverage, TransformOptions, looked_at, needed_bytes, prepare, run
from casatools.transform.polarization_average import average_correlations, parallel_hands
from casatools.transform.regridding import grid_request
from casatools.transform.smoothing import hanning_blocks
from casatools.transform.spectral_grid import GridRequest, InputChannels
from casatools.transform.splitting import require_whole_bins, transform_rows
from casatools.transform.subtables import ChannelAxis

__all__ = ["MsTransformOptions", "PartOptions", "cvel2", "cvel_with_rest", "hanningsmooth", "mstransform", "regrid_request"]

Stage = Callable[[Iterable[Block]], Iterator[Block]]


@dataclass(frozen=True)
class MsTransformOptions:
    """The parameters of mstransform that its implementation takes, apart from the selection; see the task.

    Attributes
    ----------
    regrid : RegridRequest, optional
        Made by `regrid_request`.
    polaverage : str
        Average the parallel hands to Stokes I: "stokes" or "geometric"; "" does not.
    niter : int
        Passes of the continuum's fit; those after the first leave out outliers.
    nthreads : int, optional
        Threads of this fit at most.
    ddistart : int
        What the first DATA_DESC_ID of the output is; negative for 0.
    phase_centre : object
        Direction that the phase centre of all fields is moved to, before any average; "" does not.
    calibrator, model : callable, optional
        Make what calibrates the data, and what stands for a missing MODEL_DATA, while they are read; see `pipeline.TransformOptions`.
    """

    datacolumn: str = "corrected"
    keepflags: bool = True
    chanaverage: bool = False
    chanbin: Any = 1
    hanning: bool = False
    combinespws: bool = False
    regrid: RegridRequest | None = None
    nspw: int = 1
    timeaverage: bool = False
    timebin: Any = "0s"
    timespan: Any = ""
    maxuvwdistance: float = 0.0
    douvcontsub: bool = False
    fitspw: str = ""
    fitorder: int = 0
    want_cont: bool = False
    niter: int = 1
    nthreads: int | None = None
    ddistart: int = -1
    phase_centre: Any = ""
    reindex: bool = True
    usewtspectrum: bool = False
    realmodelcol: bool = False
    tileshape: tuple[int, ...] = (0,)
    polaverage: str = ""
    calibrator: CalibratorMaker | None = None
    model: CalibratorMaker | None = None

    def __post_init__(self) -> None:
        if self.niter < 1:
            raise ParameterError(f"parameter 'niter' must be at least 1; got {self.niter}")
        if self.timeaverage and parse_timebin_s(self.timebin) <= 0:
            raise ParameterError(f"parameter 'timebin' must be above 0 s for a time average; got {self.timebin!r}")
        if self.nspw < 1:
            raise ParameterError(f"parameter 'nspw' must be at least 1; got {self.nspw}")

    @property
    def joins_windows(self) -> bool:
        """All spectral windows become one, to be cut again where there are to be several."""
        return self.combinespws or (self.regrid is not None and self.nspw > 1)


@dataclass(frozen=True)
class PartOptions:
    """How a multi-MS is treated, or made.

    Attributes
    ----------
    keep : bool
        Transform a multi-MS part by part into another; else into a plain MeasurementSet.
    axis : str
        Cut any input into a multi-MS along "scan", "spw", "baseline" or "auto"; "" does not.
    count : int
        Parts at most.
    parallel : bool
        Write the parts on all ranks of an MPI job.
    """

    keep: bool = True
    axis: str = ""
    count: int = 8
    parallel: bool = True


def regrid_request(
    mode: str, nchan: int, start: Any, width: Any, interpolation: str, phasecenter: Any, restfreq: Any, outframe: str, veltype: str,
    preaverage: bool = False,
) -> RegridRequest:  # fmt: skip
    """A request from the parameters of mstransform, cvel and cvel2.

    Raises
    ------
    ParameterError
        One of them cannot be read.
    """
    if mode not in ("channel", "channel_b"):
        # The defaults of the tasks are channel numbers; in other modes they stand for those of the data.
        start, width = ("" if start == 0 else start), ("" if width == 1 else width)
    grid = grid_request({"mode": mode, "nchan": nchan, "start": start, "width": width, "restfreq": restfreq, "veltype": veltype})
    return RegridRequest(grid, outframe, interpolation, phasecenter, preaverage)


def mstransform(
    vis: str, outputvis: str, selection: Selection, options: MsTransformOptions, parts: PartOptions | None = None
) -> int:
    """Write a transformed MeasurementSet; returns the number of rows.

    The stages come in the reference's order: time average, continuum subtraction, channel average, combination of spectral windows,
    Hanning smoothing, regridding, separation into new spectral windows.

    Raises
    ------
    ParameterError
        Time bins are to cross scans that are in different parts of a multi-MS; nothing is written then.
    """
    vis = require_present(vis, "MeasurementSet")
    require_absent(outputvis)
    parts = parts or PartOptions()
    write = partial(_transform_rows, vis, selection, options)
    if parts.axis:
        shares = cut_rows(vis, selection, parts.axis, parts.count)
        return write_parts(outputvis, shares, parts.axis, write, parts.parallel)
    if parts.keep and is_multi_ms(vis) and not (options.joins_windows and "spw" in axis_of(vis)):
        if options.timeaverage:
            require_whole_bins(vis, parse_span(options.timespan, "timespan", ("scan", "state", "field")))
        return transform_parts(vis, outputvis, selection, write)
    return int(write(outputvis, None))


def _transform_rows(
    vis: str, selection: Selection, options: MsTransformOptions, outputvis: str | None, rows: np.ndarray | None
) -> float:
    """Write one MeasurementSet of some of the selected rows, or of all; without an output the bytes that it takes."""
    average = None
    if options.timeaverage:
        span = parse_span(options.timespan, "timespan", ("scan", "state", "field"))
        average = TimeAverage(parse_timebin_s(options.timebin), span, float(options.maxuvwdistance))
    plan = TransformOptions(
        selection=selection,
        datacolumn=options.datacolumn,
        keepflags=options.keepflags,
        chanbin=parse_widths(options.chanbin, "chanbin") if options.chanaverage else (),
        time_average=average,
        reindex=options.reindex,
        spectra=SPECTRA if options.usewtspectrum else (),
        rows=rows,
        combine=options.joins_windows,
        real_model=options.realmodelcol,
        tileshape=options.tileshape,
        calibrator=options.calibrator,
        model=options.model,
        grid=options.joins_windows or options.regrid is not None,
        first_ddid=max(0, options.ddistart),
    )
    with MeasurementSet(vis) as ms:
        if plan.combine and len(_selected_windows(ms, selection)) < 2:
            plan = replace(plan, combine=False)
        job = prepare(ms, plan)
        edits = None
        if options.phase_centre not in ("", None, {}):
            job.first, edits = shift_stage(job, parse_direction(options.phase_centre))
        before = _continuum_stages(job, options)
        after = _channel_stages(job, options)
        if options.polaverage:
            mode = options.polaverage.lower()
            hands = parallel_hands(ms, job.resolved, job.ddids, mode)
            job.stokes_i = True
            after.append(lambda blocks: average_correlations(blocks, hands, mode))
        return needed_bytes(job) if outputvis is None else run(job, outputvis, after, before, edits=edits)


def _selected_windows(ms: MeasurementSet, selection: Selection) -> set[int]:
    descriptions = ms.metadata.data_descriptions
    return {descriptions[d].spw for d in selection.resolve(ms).ddids}


def _continuum_stages(job: Job, options: MsTransformOptions) -> list[Stage]:
    stages: list[Stage] = []
    if options.douvcontsub:
        fits = parse_fitspec(job.ms, options.fitspw, options.fitorder)

        def subtract(blocks: Iterable[Block]) -> Iterator[Block]:
            flat = job.columns.of_model
            return subtract_blocks(
                blocks, fits, job.resolved.channels, want_continuum=options.want_cont, flat=flat, passes=options.niter,
                nthreads=options.nthreads,
            )  # fmt: skip

        stages.append(subtract)
    return stages


def _channel_stages(job: Job, options: MsTransformOptions) -> list[Stage]:
    """Combination, Hanning smoothing, regridding and separation; the job's axes and windows are set to what comes out."""
    combine = job.options.combine
    several = options.regrid is not None and options.nspw > 1
    spectra = bool(job.columns.spectra)
    last = not combine and options.regrid is None
    hanning: list[Stage] = [lambda blocks: hanning_blocks(blocks, spectra, last)] if options.hanning else []
    if last:
        return hanning
    request = options.regrid or RegridRequest(GridRequest())
    if several and request.grid.nchan > 0:  # the number asked for is that of each window
        request = replace(request, grid=replace(request.grid, nchan=request.grid.nchan * options.nspw))
    frames = {spw: str(job.ms.metadata.spectral_windows[spw].frame) for spw in job.spws}
    windows = {spw: channels_of_axis(_axis(job, spw)) for spw in job.spws}
    fields = list(job.fields)
    stages: list[Stage] = []
    if not combine:
        regrids = {}
        for spw, data in windows.items():
            factor = frame_factor(job.ms, frames[spw], request.frame, fields, request.centre)
            regrids[spw] = plan_regrid(data, request, factor, job.first_time_s)
            job.axes[spw] = regrids[spw].axis
        stages += [*hanning, *_regrid_stages(regrids, job.columns.of_model)]
        if several:
            _set_windows(job, cut_axis(regrids[job.spws[0]].axis, options.nspw))
    else:
        if len(set(frames.values())) > 1:
            raise DataError(f"spectral windows of different frames cannot be combined: {', '.join(sorted(set(frames.values())))}")
        _require_equal_correlations(job)
        combination = combination_of(windows)
        spw = combination.spws[0]
        factor = frame_factor(job.ms, frames[spw], request.frame, fields, request.centre)
        bins = InputChannels(combination.low_hz, combination.high_hz)
        regrid = plan_regrid(bins, request, factor, job.first_time_s, uniform_channels(combination))
        stages.append(_combination_stage(job, combination))
        stages += [*hanning, *_regrid_stages({spw: regrid}, job.columns.of_model)]
        _set_windows(job, cut_axis(regrid.axis, options.nspw if several else 1))
    if job.windows is not None and len(job.windows.axes) > 1:
        output = job.windows
        stages.append(lambda blocks: separate_blocks(blocks, output))
    return stages


def _axis(job: Job, spw: int) -> ChannelAxis:
    """The channels of a spectral window after selection and channel average."""
    axis = job.axes.get(spw)
    if axis is not None:
        return axis
    window = job.ms.metadata.spectral_windows[spw]
    return ChannelAxis(
        np.asarray(window.chan_freq_hz), np.asarray(window.chan_width_hz), np.asarray(window.resolution_hz),
        np.asarray(window.effective_bw_hz),
    )  # fmt: skip


def _require_equal_correlations(job: Job) -> None:
    metadata = job.ms.metadata
    kinds = set()
    for ddid in job.ddids:
        pol = metadata.data_descriptions[ddid].pol
        types = np.asarray(metadata.polarizations[pol].corr_type)
        chosen = job.resolved.correlations.get(pol)
        kinds.add(tuple((types if chosen is None else types[chosen]).tolist()))
    if len(kinds) > 1:
        raise DataError(
            "spectral windows of different correlations cannot be combined; select correlations that all of them have"
        )


def _combination_stage(job: Job, combination: Combination) -> Stage:
    slots, groups, ddid = job.rows.slots, job.rows.groups, job.ddids[0]
    return lambda blocks: combine_blocks(blocks, combination, slots, groups, ddid)


def _regrid_stages(regrids: dict[int, Regrid], flat: bool) -> list[Stage]:
    stages: list[Stage] = []
    edges = {spw: _run_edges(r) for spw, r in regrids.items() if r.average is not None}
    if edges:
        stages.append(lambda blocks: average_blocks_in_channel(blocks, edges, flat))
    stages.append(lambda blocks: regrid_blocks(blocks, regrids))
    return stages


def _run_edges(regrid: Regrid) -> np.ndarray:
    """Runs of channels in the order of the data."""
    edges = np.asarray(regrid.average)
    return edges if not regrid.falling else edges[-1] - edges[::-1]


def _set_windows(job: Job, axes: tuple[ChannelAxis, ...]) -> None:
    ddid = job.ddids[0]
    job.windows = OutputWindows(ddid, job.ms.metadata.data_descriptions[ddid].spw, axes, job.options.combine)


def hanningsmooth(vis: str, outputvis: str, selection: Selection, datacolumn: str, keepmms: bool = True) -> int:
    """Write a Hanning smoothed MeasurementSet; returns the number of rows."""
    options = MsTransformOptions(datacolumn=datacolumn, hanning=True)
    return mstransform(vis, outputvis, selection, options, PartOptions(keep=keepmms))


def cvel2(
    vis: str,
    outputvis: str,
    selection: Selection,
    datacolumn: str,
    request: RegridRequest,
    hanning: bool = False,
    keepmms: bool = True,
    keepflags: bool = False,
) -> int:
    """Write a MeasurementSet of one spectral window with all selected ones combined and regridded; returns the number of rows.

    As the reference's cvel2 it leaves out rows that are flagged as a whole; `keepflags` is for cvel, which keeps them.
    """
    options = _cvel2_options(datacolumn, request, hanning, keepflags)
    return mstransform(vis, outputvis, selection, options, PartOptions(keep=keepmms))


def _cvel2_options(datacolumn: str, request: RegridRequest, hanning: bool, keepflags: bool) -> MsTransformOptions:
    return MsTransformOptions(datacolumn=datacolumn, keepflags=keepflags, hanning=hanning, combinespws=True, regrid=request)


def cvel_with_rest(vis: str, outputvis: str, selection: Selection, request: RegridRequest, hanning: bool = False) -> int:
    """As `cvel2` on all columns, and the rows that are not selected are appended as they are; returns the number of rows.

    Their spectral windows follow the new one, unless they are the same within 1 Hz.
    """
    vis = require_present(vis, "MeasurementSet")
    require_absent(outputvis)
    with MeasurementSet(vis) as ms:
        rest = other_rows(row_numbers(ms.nrow), selection.resolve(ms).rows)
        if not len(rest):
            return cvel2(vis, outputvis, selection, "all", request, hanning, keepmms=False, keepflags=True)
        _, present = looked_at(ms, rest)
        spws = {ms.metadata.data_descriptions[d].spw for d in present["DATA_DESC_ID"]}
    kept = Selection(spw=",".join(map(str, sorted(spws))), field=",".join(map(str, sorted(present["FIELD_ID"]))))
    regrid = partial(_transform_rows, vis, selection, _cvel2_options("all", request, hanning, keepflags=True))
    keep = partial(transform_rows, vis, TransformOptions(kept, "all"))
    # Both are there beside what they are joined to, which takes a little more.
    with log.once():
        needed = 2.1 * (regrid(None, None) + keep(None, rest))
    with staged_output(outputvis, nbytes=needed) as staged:
        folder = staged + ".parts"
        os.mkdir(folder)
        new, old = os.path.join(folder, "new.ms"), os.path.join(folder, "rest.ms")
        regrid(new, None)
        keep(old, rest)
        return concatenate([new, old], staged, ConcatOptions())
