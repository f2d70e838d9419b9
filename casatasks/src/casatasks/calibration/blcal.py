"""Solve for factors of baselines."""

from __future__ import annotations

from typing import Annotated, Literal

from casatasks import _params as P
from casatasks._task import task
from casatools._base import kinds

__all__ = ["blcal"]


@task(group="calibration")
def blcal(
    vis: P.Vis = "",
    caltable: P.CalTableOut = "",
    field: P.Field = "",
    spw: P.Spw = "",
    intent: P.Intent = "",
    selectdata: P.SelectData = True,
    timerange: P.TimeRange = "",
    uvrange: P.UvRange = "",
    antenna: P.Antenna = "",
    scan: P.Scan = "",
    observation: P.Observation = "",
    msselect: P.MsSelect = "",
    solint: P.SolInt = "inf",
    combine: P.Combine = "scan",
    freqdep: Annotated[bool, kinds.Bool(), "Solve for each channel"] = False,
    calmode: Annotated[Literal["a", "p", "ap"], "Solve for amplitude, phase or both"] = "ap",
    solnorm: Annotated[bool, kinds.Bool(), "Normalise the solutions to a mean amplitude of one"] = False,
    gaintable: P.PriorTable = [],  # noqa: B006
    gainfield: P.PriorField = [],  # noqa: B006
    interp: P.PriorInterp = [],  # noqa: B006
    spwmap: P.PriorSpwMap = [],  # noqa: B006
    parang: P.Parang = False,
) -> None:
    """Solve for complex factors of baselines by comparison of the data with the model.

    Raises
    ------
    PathMissingError, DataError, ParameterError, SelectionError
        The MeasurementSet or a table is missing or unfit, or nothing can be solved. Nothing is written then.

    Notes
    -----
    Such factors fit any source: they make data look like the model, wrong or right. Use them with bright calibrators only.
    """
    from casatools.calibration.solve_options import SolveOptions
    from casatools.calibration.solve_session import priors_from, selection_from, solve_to_table

    given = dict(locals())
    options = SolveOptions(kind="MF" if freqdep else "M", solint=solint, combine=combine, calmode=calmode, solnorm=solnorm)
    solve_to_table(vis, caltable, selection_from(given), options, priors_from(given))
