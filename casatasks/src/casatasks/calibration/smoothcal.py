"""Smooth calibration solutions in time."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from casatasks import _params as P
from casatasks._task import task
from casatools._base import kinds

__all__ = ["smoothcal"]


@task(group="calibration")
def smoothcal(
    vis: P.Vis = "",
    tablein: P.CalTableIn = "",
    caltable: P.CalTableOut = "",
    field: Annotated[
        list[str], kinds.TextList(drop_empty=True, numbers=True), "Fields whose solutions are smoothed; [] is all"
    ] = [],  # noqa: B006
    smoothtype: Annotated[Literal["median", "mean"], "Running median or mean"] = "median",
    smoothtime: Annotated[Any, kinds.Quantity("s"), "Width of the running window"] = 60.0,
    ratesmooth: Annotated[
        bool, kinds.Bool(), "Kept for CASA's signature: rates of fringe fits are smoothed with either value, as in CASA"
    ] = False,
) -> None:
    """Write a calibration table smoothed in time; '' as caltable replaces the input.

    Raises
    ------
    PathMissingError, DataError, SelectionError, ParameterError, UnsupportedError
        The MeasurementSet or the table is missing, or there is no such field. Nothing is written then.
    """
    from casatools.calibration.solve_session import edit_table

    edit_table("smooth", vis, tablein, caltable, field=",".join(field), smoothtype=smoothtype, smoothtime=smoothtime)
