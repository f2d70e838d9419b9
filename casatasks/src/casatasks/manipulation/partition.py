"""partition: cut a MeasurementSet into a Multi-MS, or write part of it as a plain one."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from casatasks._params import (
    Antenna,
    ArrayId,
    Correlation,
    Feed,
    Field,
    Intent,
    MsSelect,
    Observation,
    OutputVis,
    Scan,
    Spw,
    TimeRange,
    UvRange,
    Vis,
)
from casatasks._task import task
from casatools._base import kinds

__all__ = ["partition"]


@task(group="manipulation", history=("outputvis",))
def partition(
    vis: Vis = "",
    outputvis: OutputVis = "",
    createmms: Annotated[bool, kinds.Bool(), "Write a Multi-MS; False writes a plain MeasurementSet"] = True,
    separationaxis: Annotated[Literal["auto", "scan", "spw", "baseline"], "Axis to cut along"] = "auto",
    numsubms: Annotated[Any, kinds.Variant((kinds.Int(), kinds.Text())), "Number of parts"] = "auto",
    flagbackup: Annotated[bool, kinds.Bool(), "Back up the flags of a Multi-MS"] = True,
    datacolumn: Annotated[
        Literal[
            "all",
            "data",
            "corrected",
            "model",
            "data,model,corrected",
            "float_data",
            "lag_data",
            "float_data,data",
            "lag_data,data",
        ],
        "Column(s) to keep; a single one becomes DATA",
    ] = "all",
    field: Field = "",
    spw: Spw = "",
    scan: Scan = "",
    antenna: Antenna = "",
    correlation: Correlation = "",
    timerange: TimeRange = "",
    intent: Intent = "",
    array: ArrayId = "",
    uvrange: UvRange = "",
    observation: Observation = "",
    feed: Feed = "",
    disableparallel: Annotated[bool, kinds.Bool(), "Write a Multi-MS without MPI"] = False,
    ddistart: Annotated[int, kinds.Int(), "First data description number of a part"] = -1,
    taql: MsSelect = "",
) -> None:
    """Write the selected part of a MeasurementSet as a Multi-MS, or as a plain one.

    Raises
    ------
    PathMissingError, OutputExistsError, DataError, SelectionError, ParameterError
        Nothing is written then.

    Notes
    -----
    Scans, spectral windows or baselines are shared out to the parts in their order; 'auto' shares out pairs of scan and spectral window such
    that the parts are of about the same size. numsubms='auto' makes 8 parts, or one for each process of an MPI job, and never more
    than there is to share out. `ddistart` is added to DATA_DESC_ID of the rows of a plain output, for parts that are made one by one. The whole can be moved: its links are relative.

    Examples
    --------
    >>> partition("a.ms", "a.mms", separationaxis="scan", numsubms=4, datacolumn="data")  # doctest: +SKIP
    >>> partition("a.ms", "b.ms", createmms=False, field="1")  # doctest: +SKIP
    """
    from casatools.transform.multi_ms import parse_part_count
    from casatools.transform.parameters import selection_of
    from casatools.transform.splitting import partition as cut
    from casatools.transform.splitting import split

    selection = selection_of(
        field=field, spw=spw, scan=scan, antenna=antenna, correlation=correlation, timerange=timerange, intent=intent, array=array,
        uvrange=uvrange, observation=observation, feed=feed, taql=taql,
    )  # fmt: skip
    if not createmms:
        split(vis, outputvis, selection, datacolumn, keepmms=False, first_ddid=max(0, ddistart))
        return
    count = parse_part_count(numsubms)
    # Without MPI the parts are written one after the other anyway; disableparallel asks for that also under MPI.
    cut(vis, outputvis, selection, datacolumn, separationaxis, count, flagbackup, parallel=not disableparallel)
