"""listobs: what a MeasurementSet holds."""

from __future__ import annotations

from typing import Annotated, Any

from casatasks._params import (
    Antenna,
    ArrayId,
    Correlation,
    Feed,
    Field,
    Intent,
    Observation,
    Overwrite,
    Scan,
    SelectData,
    Spw,
    TimeRange,
    UvRange,
    Vis,
)
from casatasks._task import task
from casatools._base import kinds
from casatools.information.headers import Selection, list_observation

__all__ = ["listobs"]


@task(group="information")
def listobs(
    vis: Vis = "",
    selectdata: SelectData = True,
    spw: Spw = "",
    field: Field = "",
    antenna: Antenna = "",
    uvrange: UvRange = "",
    timerange: TimeRange = "",
    correlation: Correlation = "",
    scan: Scan = "",
    intent: Intent = "",
    feed: Feed = "",
    array: ArrayId = "",
    observation: Observation = "",
    verbose: Annotated[bool, kinds.Bool(), "List scans, sources and antenna positions too"] = True,
    listfile: Annotated[str, kinds.OutPath(), "Text file for the listing; '' sends it to the log"] = "",
    listunfl: Annotated[bool, kinds.Bool(), "Count unflagged rows, which reads all flags"] = False,
    cachesize: Annotated[float, kinds.Float(), "Accepted for compatibility: memory is bounded anyway"] = 50.0,
    overwrite: Overwrite = False,
) -> dict[str, Any]:
    """List the observation: scans, fields, spectral windows, sources and antennas.

    Returns
    -------
    dict
        BeginTime, EndTime (MJD days), IntegrationTime (s), timeref, numrecords, nfields, one ``field_N`` and ``scan_N`` each.

    Raises
    ------
    OutputExistsError
        The listing exists and overwrite is False.
    SelectionError
        The selection cannot be read or matches nothing.

    Examples
    --------
    >>> listobs("ngc5921.ms", listfile="listobs.txt")  # doctest: +SKIP
    """
    selection = Selection()
    if selectdata:
        selection = Selection(
            field=field, spw=spw, antenna=antenna, timerange=timerange, uvrange=uvrange, scan=scan, observation=observation, array=array,
            intent=intent, correlation=correlation, feed=feed,
        )  # fmt: skip
    return list_observation(vis, selection, verbose=verbose, unflagged=listunfl, listfile=listfile, overwrite=overwrite)
