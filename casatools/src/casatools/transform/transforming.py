"""mstransform and the tasks that are one of its stages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from casatools._base.errors import ParameterError, UnsupportedError
from casatools._base.paths import require_absent, require_present
from casatools.io.ms import MeasurementSet, Selection
from casatools.transform.blocks import Block
from casatools.transform.columns import SPECTRA
from casatools.transform.continuum import parse_fitspec, subtract_blocks
from casatools.transform.parameters import parse_span, parse_timebin_s, parse_widths, refuse_multi_ms
from casatools.transform.pipeline import Job, TimeAverage, TransformOptions, prepare, run
from casatools.transform.smoothing import hanning_blocks

__all__ = ["MsTransformOptions", "hanningsmooth", "mstransform"]


@dataclass(frozen=True)
class MsTransformOptions:
    """The parameters of mstransform that its implementation takes, apart from the selection; see the task."""

    datacolumn: str = "corrected"
    keepflags: bool = True
    chanaverage: bool = False
    chanbin: Any = 1
    hanning: bool = False
    timeaverage: bool = False
    timebin: Any = "0s"
    timespan: Any = ""
    maxuvwdistance: float = 0.0
    douvcontsub: bool = False
    fitspw: str = ""
    fitorder: int = 0
    want_cont: bool = False
    reindex: bool = True
    usewtspectrum: bool = False
    unsupported: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, value in self.unsupported.items():
            raise UnsupportedError(f"mstransform: {name}={value!r} is not supported yet")
        if self.timeaverage and parse_timebin_s(self.timebin) <= 0:
            raise ParameterError(f"parameter 'timebin' must be above 0 s for a time average; got {self.timebin!r}")


def mstransform(vis: str, outputvis: str, selection: Selection, options: MsTransformOptions) -> int:
    """Write a transformed MeasurementSet; returns the number of rows.

    The stages come in the reference's order: time average, continuum subtraction, channel average, Hanning smoothing.
    """
    vis = require_present(vis, "MeasurementSet")
    require_absent(outputvis)
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
    )
    with MeasurementSet(vis) as ms:
        job = prepare(ms, plan)
        before = _continuum_stages(job, options)
        return run(job, outputvis, [hanning_blocks] if options.hanning else [], before)


def _continuum_stages(job: Job, options: MsTransformOptions) -> list[Callable[[Iterable[Block]], Iterator[Block]]]:
    stages: list[Callable[[Iterable[Block]], Iterator[Block]]] = []
    if options.douvcontsub:
        fits = parse_fitspec(job.ms, options.fitspw, options.fitorder)

        def subtract(blocks: Iterable[Block]) -> Iterator[Block]:
            flat = job.columns.of_model
            return subtract_blocks(blocks, fits, job.resolved.channels, want_continuum=options.want_cont, flat=flat)

        stages.append(subtract)
    return stages


def hanningsmooth(vis: str, outputvis: str, selection: Selection, datacolumn: str, keepmms: bool = True) -> int:
    """Write a Hanning smoothed MeasurementSet; returns the number of rows."""
    vis = require_present(vis, "MeasurementSet")
    if keepmms:
        refuse_multi_ms(vis, "keepmms")
    return mstransform(vis, outputvis, selection, MsTransformOptions(datacolumn=datacolumn, hanning=True))
