"""Fit fringes."""

from __future__ import annotations

from typing import Annotated, Literal

from casatasks import _params as P
from casatasks._task import task
from casatools._base import kinds

__all__ = ["fringefit"]


@task(group="calibration")
def fringefit(
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
    combine: P.Combine = "",
    refant: P.RefAnt = "",
    minsnr: P.MinSnr = 3.0,
    zerorates: Annotated[bool, kinds.Bool(), "Write zero rates, to apply solutions of one scan to others"] = False,
    globalsolve: Annotated[bool, kinds.Bool(), "Refine with least squares over all baselines"] = True,
    niter: Annotated[int, kinds.Int(min=0), "Steps of the least squares"] = 100,
    delaywindow: Annotated[list[float], kinds.FloatList(), "Limits (ns) of the search for delays"] = [],  # noqa: B006
    ratewindow: Annotated[list[float], kinds.FloatList(), "Limits (s/s) of the search for rates"] = [],  # noqa: B006
    append: P.Append = False,
    corrdepflags: P.CorrDepFlags = False,
    corrcomb: Annotated[Literal["none", "stokes", "parallel"], "Combine correlations before the fit"] = "none",
    docallib: P.DoCalLib = False,
    callib: P.CalLib = "",
    gaintable: P.PriorTable = [],  # noqa: B006
    gainfield: P.PriorField = [],  # noqa: B006
    interp: P.PriorInterp = [],  # noqa: B006
    spwmap: P.PriorSpwMap = [],  # noqa: B006
    paramactive: Annotated[list[bool], kinds.BoolList(), "Fit delay, rate, dispersive delay; [] is delay and rate"] = [],  # noqa: B006
    concatspws: Annotated[
        bool,
        kinds.Bool(),
        "With combine='spw': look for the peak in one transform of all spectral windows, not in the sum of those of each",
    ] = True,
    parang: P.Parang = False,
) -> None:
    """Fit phases, delays and rates of antennas to the phases of visibilities.

    Raises
    ------
    PathMissingError, DataError, ParameterError, SelectionError, UnsupportedError
        As gaincal raises, and without a reference antenna. Nothing is written then.
    """
    from casatools.calibration.solve_options import FringeOptions, SolveOptions
    from casatools.calibration.solve_session import priors_from, selection_from, solve_to_table

    given = dict(locals())
    fringe = FringeOptions(
        zerorates, globalsolve, niter, tuple(delaywindow), tuple(ratewindow), tuple(paramactive) or (True, True, False),
        corrcomb, concatspws,
    )  # fmt: skip
    options = SolveOptions(
        kind="FRINGE", solint=solint, combine=combine, refant=refant, minsnr=minsnr, minblperant=1, corrdepflags=corrdepflags,
        fringe=fringe,
    )  # fmt: skip
    solve_to_table(vis, caltable, selection_from(given), options, priors_from(given), append)
