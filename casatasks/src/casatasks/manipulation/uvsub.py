"""Subtract the model from the corrected visibilities."""

from __future__ import annotations

from typing import Annotated

from casatasks import _params as P
from casatasks._task import task
from casatools._base import kinds

__all__ = ["uvsub"]


@task(group="manipulation", history=("vis",))
def uvsub(vis: P.Vis = "", reverse: Annotated[bool, kinds.Bool(), "Add the model instead"] = False) -> None:
    """Subtract MODEL_DATA from CORRECTED_DATA, which is made from DATA where it is missing.

    Raises
    ------
    PathMissingError, DataError
        There is no such MeasurementSet, or it has no MODEL_DATA.
    """
    from casatools.calibration.scratch_columns import subtract_model

    subtract_model(vis, reverse)
