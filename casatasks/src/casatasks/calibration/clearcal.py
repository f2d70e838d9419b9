"""Put the scratch columns of a MeasurementSet back to their start."""

from __future__ import annotations

from typing import Annotated

from casatasks import _params as P
from casatasks._task import task
from casatools._base import kinds

__all__ = ["clearcal"]


@task(group="calibration", history=("vis",))
def clearcal(
    vis: P.Vis = "",
    field: P.Field = "",
    spw: P.Spw = "",
    intent: P.Intent = "",
    addmodel: Annotated[bool, kinds.Bool(), "Make MODEL_DATA too where it is missing"] = False,
) -> None:
    """Set CORRECTED_DATA to DATA, and MODEL_DATA to a point of 1 Jy at the phase centre, making columns that are missing.

    Raises
    ------
    PathMissingError, DataError, SelectionError
        There is no such MeasurementSet, or the selection matches nothing.
    """
    from casatools.calibration.scratch_columns import clear_calibration

    clear_calibration(vis, {"field": field, "spw": spw, "intent": intent}, addmodel)
