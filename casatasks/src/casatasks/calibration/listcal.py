"""List calibration solutions."""

from __future__ import annotations

from typing import Annotated

from casatasks import _params as P
from casatasks._task import task
from casatools._base import kinds

__all__ = ["listcal"]


@task(group="calibration")
def listcal(
    vis: P.Vis = "",
    caltable: P.CalTableIn = "",
    field: P.Field = "",
    antenna: P.Antenna = "",
    spw: P.Spw = "",
    listfile: Annotated[str, kinds.OutPath(), "Text file for the listing; '' is the log"] = "",
    pagerows: Annotated[int, kinds.Int(), "Rows between headings; 0 repeats none"] = 50,
) -> None:
    """List amplitudes and phases of the solutions in a calibration table.

    Raises
    ------
    PathMissingError, DataError, SelectionError, OutputExistsError
        The MeasurementSet or the table is missing, the selection matches nothing, or the file exists.
    """
    from casatools.calibration.solution_listing import ListingOptions, list_solutions

    list_solutions(vis, caltable, ListingOptions(field, antenna, spw, pagerows), listfile)
