"""Set scan intents."""

from __future__ import annotations

from typing import Annotated, Literal

from casatasks import _params as P
from casatasks._task import task
from casatools._base import kinds

__all__ = ["defintent"]


@task(group="calibration", history=(lambda given: given["outputvis"] or given["vis"],))
def defintent(
    vis: P.Vis = "",
    intent: Annotated[str, kinds.Text(), "Intent, or several joined by commas, such as 'CALIBRATE_PHASE#ON_SOURCE'"] = "",
    mode: Annotated[Literal["", "set", "append"], "Replace the intents that are there, or add to them"] = "",
    outputvis: Annotated[str, kinds.OutPath(), "Name of a copy that is changed; '' changes the input"] = "",
    scan: P.Scan = "",
    field: P.Field = "",
    obsid: P.Observation = "",
) -> None:
    """Set the intents of selected scans of a MeasurementSet.

    Raises
    ------
    PathMissingError, ParameterError, SelectionError, OutputExistsError
        The MeasurementSet is missing, the selection matches nothing, or the output exists. Nothing is written then.
    """
    from casatools.calibration.scan_intents import IntentChange, set_intents

    set_intents(vis, IntentChange(intent, mode or "append", scan, field, obsid), outputvis)
