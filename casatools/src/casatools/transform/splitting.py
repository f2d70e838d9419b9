"""split: part of a MeasurementSet, averaged if wanted, as a new MeasurementSet."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from casatools._base.errors import ParameterError
from casatools._base.paths import require_absent, require_present
from casatools.io.ms import MeasurementSet, Selection
from casatools.io.ms.multi_ms import axis_of
from casatools.io.ms.parts import is_multi_ms, part_paths
from casatools.transform.multi_ms import cut_rows, save_flags, transform_parts, write_parts
from casatools.transform.parameters import parse_span, parse_timebin_s, parse_widths
from casatools.transform.pipeline import TimeAverage, TransformOptions, needed_bytes, prepare, run, transform

__all__ = ["partition", "require_whole_bins", "split", "transform_rows"]


def split(
    vis: str,
    outputvis: str,
    selection: Selection,
    datacolumn: str = "corrected",
    keepflags: bool = True,
    width: Any = 1,
    timebin: Any = "0s",
    combine: Any = "",
    keepmms: bool = True,
    spectra: tuple[str, ...] = (),
    tileshape: tuple[int, ...] = (0,),
    first_ddid: int = 0,
) -> int:
    """Write the selected part of `vis` to `outputvis`.

    Parameters
    ----------
    vis, outputvis : str
    selection : Selection
    datacolumn : str
    keepflags : bool
    width, timebin, combine
        As the task's parameters.
    keepmms : bool
        Make a multi-MS of one, part by part.
    spectra : tuple of str
        Weights per channel to write also where the input has none: WEIGHT_SPECTRUM, SIGMA_SPECTRUM.
    tileshape, first_ddid
        See `TransformOptions`.

    Returns
    -------
    int
        Rows written.

    Raises
    ------
    ParameterError
        Time bins are to cross scans that are in different parts of a multi-MS; nothing is written then.
    """
    vis = require_present(vis, "MeasurementSet")
    require_absent(outputvis)
    options = TransformOptions(
        selection,
        datacolumn,
        keepflags,
        parse_widths(width, "width"),
        spectra=spectra,
        tileshape=tileshape,
        first_ddid=first_ddid,
    )
    bin_s = parse_timebin_s(timebin)
    span = parse_span(combine, "combine", ("scan", "state", "field"))
    if bin_s > 0:
        options = replace(options, time_average=TimeAverage(bin_s, span))
    if keepmms and is_multi_ms(vis):
        if options.time_average is not None:
            require_whole_bins(vis, span)
        return transform_parts(vis, outputvis, selection, partial(transform_rows, vis, options))
    return transform(vis, outputvis, options)


def transform_rows(vis: str, options: TransformOptions, output: str | None, rows: np.ndarray) -> float:
    """Write one part of a multi-MS; without an output the bytes that it takes."""
    with MeasurementSet(vis) as ms:
        job = prepare(ms, replace(options, rows=rows))
        return needed_bytes(job) if output is None else run(job, output)


def require_whole_bins(vis: str, span: frozenset[str]) -> None:
    """Raise ParameterError where time bins are to cross scans that a multi-MS keeps in different parts."""
    if "scan" in span and "scan" in axis_of(vis) and len(part_paths(vis)) > 1:
        raise ParameterError(
            f"time bins cannot cross scans: {vis!r} is a multi-MS that keeps its scans in different parts; give keepmms=False"
        )


def partition(
    vis: str,
    outputvis: str,
    selection: Selection,
    datacolumn: str,
    separationaxis: str,
    count: int,
    flagbackup: bool,
    parallel: bool = True,
) -> int:
    """Write the selected part of `vis` to the multi-MS `outputvis`; returns the number of rows.

    Parameters
    ----------
    vis, outputvis : str
    selection : Selection
    datacolumn : str
    separationaxis : {"auto", "scan", "spw", "baseline"}
    count : int
        Parts at most.
    flagbackup : bool
        Save the flags of the multi-MS.
    parallel : bool
        Write the parts on all ranks of an MPI job.
    """
    vis = require_present(vis, "MeasurementSet")
    require_absent(outputvis)
    options = TransformOptions(selection, datacolumn)
    shares = cut_rows(vis, selection, separationaxis, count)
    written = write_parts(outputvis, shares, separationaxis, partial(transform_rows, vis, options), parallel)
    if flagbackup:
        save_flags(outputvis, "partition")
    return written
