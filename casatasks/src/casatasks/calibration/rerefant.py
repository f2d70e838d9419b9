"""Refer calibration phases to another antenna."""

from __future__ import annotations

from typing import Annotated, Literal

from casatasks import _params as P
from casatasks._task import task

__all__ = ["rerefant"]


@task(group="calibration")
def rerefant(
    vis: P.Vis = "",
    tablein: P.CalTableIn = "",
    caltable: P.CalTableOut = "",
    refantmode: Annotated[
        Literal["flex", "strict"], "When the reference antenna is missing: the next takes over, or all is flagged"
    ] = "flex",
    refant: P.RefAnt = "",
) -> None:
    """Write a calibration table with phases referred to another antenna; '' as caltable replaces the input.

    Raises
    ------
    PathMissingError, DataError, SelectionError, ParameterError
        The MeasurementSet or the table is missing, has no phases, or there is no such antenna. Nothing is written then.
    """
    from casatools.calibration.solve_session import edit_table

    edit_table("rerefant", vis, tablein, caltable, refant=refant, refantmode=refantmode)
