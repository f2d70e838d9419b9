"""Fit a source component to visibilities."""

from __future__ import annotations

from typing import Annotated, Literal

from casatasks import _params as P
from casatasks._task import task
from casatools._base import kinds

__all__ = ["uvmodelfit"]


@task(group="calibration")
def uvmodelfit(
    vis: P.Vis = "",
    field: P.Field = "",
    spw: P.Spw = "",
    selectdata: P.SelectData = True,
    timerange: P.TimeRange = "",
    uvrange: P.UvRange = "",
    antenna: P.Antenna = "",
    scan: P.Scan = "",
    msselect: P.MsSelect = "",
    niter: Annotated[int, kinds.Int(min=0), "Steps of the fit"] = 5,
    comptype: Annotated[Literal["P", "G", "D"], "Component: point (P), Gaussian (G) or disk (D)"] = "P",
    sourcepar: Annotated[
        list[float],
        kinds.FloatList(),
        "First guess: flux density (Jy), offsets east and north (arcsec), and for G and D major axis (arcsec), axis ratio, angle (deg)",
    ] = [1.0, 0.0, 0.0],  # noqa: B006
    varypar: Annotated[list[bool], kinds.BoolList(), "Which parameters are fitted; [] is all"] = [],  # noqa: B006
    outfile: Annotated[str, kinds.OutPath(), "Name of the component list; '' writes none"] = "",
) -> None:
    """Fit one component to the visibilities of a field, in CORRECTED_DATA where it exists and DATA where not.

    Raises
    ------
    PathMissingError, DataError, ParameterError, SelectionError, OutputExistsError
        The MeasurementSet is missing, the selection matches nothing, all data are flagged, parameters are too few, or the output
        exists. Nothing is written then.
    """
    from casatools.calibration.fit_component import ComponentFit, fit_component
    from casatools.calibration.solve_session import selection_from

    given = dict(locals())
    fit = ComponentFit(comptype, tuple(sourcepar), tuple(varypar), niter)
    fit_component(vis, selection_from(given), fit, outfile)
