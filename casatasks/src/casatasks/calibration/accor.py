"""Solve for amplitudes from autocorrelations."""

from __future__ import annotations

from casatasks import _params as P
from casatasks._task import task

__all__ = ["accor"]


@task(group="calibration")
def accor(
    vis: P.Vis = "",
    caltable: P.CalTableOut = "",
    field: P.Field = "",
    spw: P.Spw = "",
    intent: P.Intent = "",
    selectdata: P.SelectData = True,
    timerange: P.TimeRange = "",
    antenna: P.Antenna = "",
    scan: P.Scan = "",
    observation: P.Observation = "",
    msselect: P.MsSelect = "",
    solint: P.SolInt = "inf",
    combine: P.Combine = "",
    corrdepflags: P.CorrDepFlags = False,
    append: P.Append = False,
    docallib: P.DoCalLib = False,
    callib: P.CalLib = "",
    gaintable: P.PriorTable = [],  # noqa: B006
    gainfield: P.PriorField = [],  # noqa: B006
    interp: P.PriorInterp = [],  # noqa: B006
    spwmap: P.PriorSpwMap = [],  # noqa: B006
) -> None:
    """Solve for the amplitudes that bring autocorrelations to one, as digital correlators need it.

    Raises
    ------
    PathMissingError, DataError, ParameterError, SelectionError
        The MeasurementSet or a table is missing or unfit, or there are no autocorrelations. Nothing is written then.
    """
    from casatools.calibration.solve_options import SolveOptions
    from casatools.calibration.solve_session import priors_from, selection_from, solve_to_table

    given = dict(locals())
    options = SolveOptions(kind="ACCOR", solint=solint, combine=combine, corrdepflags=corrdepflags)
    solve_to_table(vis, caltable, selection_from(given), options, priors_from(given), append)
