"""visstat: statistics of visibilities and other columns."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from casatasks._params import (
    Antenna,
    ArrayId,
    Correlation,
    Field,
    Intent,
    Observation,
    Scan,
    SelectData,
    Spw,
    TimeRange,
    UvRange,
    Vis,
)
from casatasks._task import task
from casatools._base import kinds
from casatools._base.errors import ParameterError, UnsupportedError
from casatools.information.visibility_statistics import Selection, VisibilityStatisticsOptions, visibility_statistics

__all__ = ["visstat"]

Axis = Literal[
    "flag", "antenna1", "antenna2", "feed1", "feed2", "field_id", "array_id", "data_desc_id", "flag_row", "interval", "scan",
    "scan_number", "time", "weight_spectrum", "amp", "amplitude", "phase", "real", "imag", "imaginary", "uvrange",
]  # fmt: skip
_COMPLEX = frozenset({"amp", "amplitude", "phase", "real", "imag", "imaginary"})


@task(group="information")
def visstat(
    vis: Vis = "",
    axis: Annotated[Axis, "Which values: a part of the visibilities, or another column"] = "amplitude",
    datacolumn: Annotated[Literal["data", "corrected", "model", "float_data"], "Column of visibilities"] = "data",
    useflags: Annotated[bool, kinds.Bool(), "Leave flagged data out"] = True,
    spw: Spw = "",
    field: Field = "",
    selectdata: SelectData = True,
    antenna: Antenna = "",
    uvrange: UvRange = "",
    timerange: TimeRange = "",
    correlation: Correlation = "",
    scan: Scan = "",
    array: ArrayId = "",
    observation: Observation = "",
    timeaverage: Annotated[bool, kinds.Bool(), "Average in time before"] = False,
    timebin: Annotated[str, kinds.Text(), "Interval to average over"] = "0s",
    timespan: Annotated[
        Any, kinds.Variant((kinds.Text(), kinds.TextList())), "Let averages cross these boundaries: scan, state"
    ] = "",
    maxuvwdistance: Annotated[float, kinds.Float(), "Largest uv distance between visibilities averaged, in metres"] = 0.0,
    disableparallel: Annotated[bool, kinds.Bool(), "Accepted for compatibility: the task runs in this process"] = False,
    ddistart: Annotated[int, kinds.Int(), "Accepted for compatibility: only -1"] = -1,
    taql: Annotated[str, kinds.Text(), "Further selection as a TaQL expression; '' is all"] = "",
    monolithic_processing: Annotated[bool, kinds.Bool(), "Accepted for compatibility: a multi-MS is read as one"] = False,
    intent: Intent = "",
    reportingaxes: Annotated[Literal["ddid", "field", "integration"], "One record per data description, field or time"] = "ddid",
    doquantiles: Annotated[bool, kinds.Bool(), "Compute median, quartiles and median absolute deviation too"] = True,
) -> dict[str, Any]:
    """Statistics of a MeasurementSet's visibilities.

    Returns
    -------
    dict
        One record for each data description, field or integration (with `timeaverage` for each bin, scan and state too), such as ``{"DATA_DESC_ID=0": {"mean": …, "npts": …}}`` with npts,
        sum, sumsq, mean, rms, variance, stddev, min, max, median, firstquartile, thirdquartile, medabsdevmed.

    Raises
    ------
    ParameterError
        timebin, timespan or maxuvwdistance cannot be read.
    DataError, SelectionError
        The column is missing; the selection cannot be read or matches nothing.

    Examples
    --------
    >>> visstat("ngc5921.ms", axis="amplitude", datacolumn="corrected", field="0", spw="0:6~56")  # doctest: +SKIP
    """
    if ddistart != -1:
        raise UnsupportedError(f"visstat: ddistart={ddistart} is not supported; give -1")
    if not vis:
        raise ParameterError("visstat: parameter 'vis' must name a MeasurementSet; got ''")
    more: dict[str, str] = {}
    if selectdata:
        more = {"antenna": antenna, "uvrange": uvrange, "timerange": timerange, "correlation": correlation, "scan": scan,
                "array": array, "observation": observation}  # fmt: skip
    selection = Selection(spw=spw, field=field, intent=intent, taql=taql, **more)
    options = VisibilityStatisticsOptions(
        column=datacolumn if axis in _COMPLEX else axis,
        complex_value=axis if axis in _COMPLEX else "amplitude",
        use_flags=useflags,
        reporting_axes=(reportingaxes,),
        quantiles=doquantiles,
    )
    if not timeaverage:
        return visibility_statistics(vis, selection, options)
    from casatools.information.averaged_statistics import TimeAveraging

    return visibility_statistics(vis, selection, options, TimeAveraging(timebin, timespan, maxuvwdistance))
