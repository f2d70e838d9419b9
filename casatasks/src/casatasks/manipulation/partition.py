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
    """Write the selected part of a MeasurementSet.

    Raises
    ------
    UnsupportedError
        createmms=True: Multi-MSs are not written yet; give createmms=False.
    PathMissingError, OutputExistsError, DataError, SelectionError
        Nothing is written then.

    Examples
    --------
    >>> partition("a.ms", "b.ms", createmms=False, field="1")  # doctest: +SKIP
    """
    from casatools._base.errors import UnsupportedError
    from casatools.transform.parameters import selection_of
    from casatools.transform.splitting import split as run

    if createmms:
        raise UnsupportedError(
            "partition: createmms=True is not supported yet; give createmms=False to write a plain MeasurementSet"
        )
    selection = selection_of(
        field=field, spw=spw, scan=scan, antenna=antenna, correlation=correlation, timerange=timerange, intent=intent, array=array,
        uvrange=uvrange, observation=observation, feed=feed, taql=taql,
    )  # fmt: skip
    run(vis, outputvis, selection, datacolumn, keepmms=False)
