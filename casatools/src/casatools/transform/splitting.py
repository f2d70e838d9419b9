"""split: part of a MeasurementSet, averaged if wanted, as a new MeasurementSet."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from casatools._base.paths import require_absent, require_present
from casatools.io.ms import MeasurementSet, Selection
from casatools.transform.parameters import parse_span, parse_timebin_s, parse_widths, refuse_multi_ms
from casatools.transform.pipeline import TimeAverage, TransformOptions, transform

__all__ = ["split"]


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
    spectra : tuple of str
        Weights per channel to write also where the input has none: WEIGHT_SPECTRUM, SIGMA_SPECTRUM.

    Returns
    -------
    int
        Rows written.
    """
    vis = require_present(vis, "MeasurementSet")
    require_absent(outputvis)
    if keepmms:
        refuse_multi_ms(vis, "keepmms")
    options = TransformOptions(selection, datacolumn, keepflags, parse_widths(width, "width"), spectra=spectra)
    bin_s = parse_timebin_s(timebin)
    span = parse_span(combine, "combine", ("scan", "state", "field"))
    if bin_s > 0:
        options = replace(options, time_average=TimeAverage(bin_s, span | several_states(vis)))
    return transform(vis, outputvis, options)


def several_states(vis: str) -> frozenset[str]:
    """{"state"} where a MeasurementSet has several states: sub-scans then do not cut time bins."""
    with MeasurementSet(vis) as ms:
        return frozenset({"state"}) if len(ms.metadata.states) > 1 else frozenset()
