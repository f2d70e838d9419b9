"""phaseshift: move the phase centre."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from casatasks._params import ArrayId, Field, Intent, Observation, OutputVis, Scan, Spw, Vis
from casatasks._task import task
from casatools._base import kinds

__all__ = ["phaseshift"]


@task(group="manipulation", history=("outputvis",))
def phaseshift(
    vis: Vis = "",
    outputvis: OutputVis = "",
    keepmms: Annotated[bool, kinds.Bool(), "Make a Multi-MS when the input is one"] = True,
    field: Field = "",
    spw: Spw = "",
    scan: Scan = "",
    intent: Intent = "",
    array: ArrayId = "",
    observation: Observation = "",
    datacolumn: Annotated[
        Literal[
            "all",
            "corrected",
            "data",
            "model",
            "data,model,corrected",
            "float_data",
            "lag_data",
            "float_data,data",
            "lag_data,data",
        ],
        "Column(s) to shift; a single one becomes DATA",
    ] = "all",
    phasecenter: Annotated[Any, kinds.Variant(), "New phase centre such as 'J2000 19h53m50 40d06m00', a dict or a SkyCoord"] = "",
) -> None:
    """Rotate uvw and phases to a new phase centre, exactly for any angle; the result is a new MeasurementSet.

    Raises
    ------
    PathMissingError, OutputExistsError, DataError, SelectionError, ParameterError
        Nothing is written then.

    Examples
    --------
    >>> phaseshift("a.ms", "b.ms", phasecenter="J2000 19h53m50 40d06m00")  # doctest: +SKIP
    """
    from casatools.transform.parameters import selection_of
    from casatools.transform.phasing import phaseshift as run

    selection = selection_of(field=field, spw=spw, scan=scan, intent=intent, array=array, observation=observation)
    run(vis, outputvis, selection, datacolumn, phasecenter, keepmms)
