"""Remove models of the visibilities."""

from __future__ import annotations

from typing import Annotated

from casatasks import _params as P
from casatasks._task import task
from casatools._base import kinds

__all__ = ["delmod"]


@task(group="imaging", history=("vis",))
def delmod(
    vis: P.Vis = "",
    otf: Annotated[bool, kinds.Bool(), "Remove virtual models"] = True,
    field: P.Field = "",
    scr: Annotated[bool, kinds.Bool(), "Remove the MODEL_DATA column"] = False,
) -> None:
    """Remove virtual models (of the fields selected) and, if asked, the MODEL_DATA column.

    Raises
    ------
    PathMissingError, DataError, SelectionError
        There is no such MeasurementSet, or no such field.
    """
    from casatools.calibration.scratch_columns import delete_models

    delete_models(vis, otf, field, scr)
