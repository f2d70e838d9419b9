"""listvis: visibilities as text."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from casatasks import _params as P
from casatasks._task import task
from casatools._base import kinds
from casatools.information.visibility_listing import Selection, VisibilityListingOptions, list_visibilities

__all__ = ["listvis"]


@task(group="information")
def listvis(
    vis: P.Vis = "",
    options: Annotated[Literal["ap"], "What is listed: amplitudes and phases"] = "ap",
    datacolumn: Annotated[
        Literal["data", "float_data", "corrected", "model", "residual"], "Column; residual is corrected less model"
    ] = "data",
    field: P.Field = "",
    spw: P.Spw = "*",
    selectdata: P.SelectData = False,
    antenna: P.Antenna = "",
    timerange: P.TimeRange = "",
    correlation: P.Correlation = "",
    scan: P.Scan = "",
    feed: P.Feed = "",
    array: P.ArrayId = "",
    observation: Annotated[
        Any, kinds.Variant((kinds.Text(numbers=True), kinds.IntList())), "Select observation IDs; '' is all"
    ] = "",
    uvrange: P.UvRange = "",
    average: Annotated[
        Literal["", "none", "time", "chan", "both"], "'chan' lists the mean of the channels; means over time are not there yet"
    ] = "",
    showflags: Annotated[bool, kinds.Bool(), "List also what is flagged in every correlation"] = False,
    pagerows: Annotated[int, kinds.Int(min=0), "Lines between headings; 0 repeats none"] = 50,
    listfile: Annotated[str, kinds.OutPath(), "Text file for the listing; '' is the log"] = "",
) -> None:
    """List visibilities: time, baseline, uv distance, and each correlation's amplitude, phase, weight and flag.

    Raises
    ------
    PathMissingError, DataError, SelectionError, OutputExistsError
        The MeasurementSet or column is missing, the selection matches nothing, or the file exists.
    UnsupportedError
        average is 'time' or 'both'.

    Notes
    -----
    As in CASA the further selection counts whether selectdata is set or not. Flagged correlations have an F.
    """
    observations = ",".join(str(o) for o in observation) if isinstance(observation, list) else str(observation)
    selection = Selection(
        field=field, spw="" if spw.strip() == "*" else spw, antenna=antenna, timerange=timerange, correlation=correlation, scan=scan, feed=feed,
        array=array, observation=observations, uvrange=uvrange,
    )  # fmt: skip
    list_visibilities(vis, VisibilityListingOptions(selection, datacolumn, average, showflags, pagerows), listfile)
