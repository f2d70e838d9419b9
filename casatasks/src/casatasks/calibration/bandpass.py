"""Solve for bandpasses."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from casatasks import _params as P
from casatasks._task import task
from casatools._base import kinds

__all__ = ["bandpass"]


@task(group="calibration")
def bandpass(
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
    refant: P.RefAnt = "",
    minblperant: P.MinBlPerAnt = 4,
    minsnr: P.MinSnr = 3.0,
    solnorm: Annotated[bool, kinds.Bool(), "Normalise each bandpass to a mean power of one and a mean phase of zero"] = False,
    bandtype: Annotated[Literal["B", "BPOLY"], "A solution for each channel, or a polynomial"] = "B",
    smodel: P.SModel = [],  # noqa: B006
    corrdepflags: P.CorrDepFlags = False,
    append: P.Append = False,
    fillgaps: Annotated[int, kinds.Int(min=0), "Fill gaps of flagged channels up to this many by interpolation"] = 0,
    degamp: Annotated[int, kinds.Int(), "Polynomial: degree of the amplitude"] = 3,
    degphase: Annotated[int, kinds.Int(), "Polynomial: degree of the phase"] = 3,
    visnorm: Annotated[bool, kinds.Bool(), "Polynomial: divide each visibility by its mean over the channels first"] = False,
    maskcenter: Annotated[int, kinds.Int(), "Polynomial: channels left out in the middle"] = 0,
    maskedge: Annotated[int, kinds.Int(), "Polynomial: channels left out at the edges"] = 5,
    docallib: P.DoCalLib = False,
    callib: P.CalLib = "",
    gaintable: P.PriorTable = [],  # noqa: B006
    gainfield: P.PriorField = [],  # noqa: B006
    interp: P.PriorInterp = [],  # noqa: B006
    spwmap: P.PriorSpwMap = [],  # noqa: B006
    parang: P.Parang = False,
) -> dict[str, Any]:
    """Solve for the frequency dependence of the antenna gains.

    Returns
    -------
    dict
        As gaincal returns.

    Raises
    ------
    PathMissingError, DataError, ParameterError, SelectionError, UnsupportedError
        As gaincal raises; nothing is written then.
    """
    from casatools.calibration.solve_options import SolveOptions
    from casatools.calibration.solve_session import priors_from, selection_from, solve_to_table

    given = dict(locals())
    options = SolveOptions(
        kind="B", solint=solint, combine=combine, refant=refant, minblperant=minblperant, minsnr=minsnr, solnorm=solnorm and bandtype == "B",
        smodel=tuple(smodel), corrdepflags=corrdepflags, fillgaps=fillgaps, flatten=visnorm and bandtype == "BPOLY",
    )  # fmt: skip
    if bandtype == "BPOLY":
        from casatools.calibration.solve_curves import PolynomialOptions, solve_curves

        curves = PolynomialOptions(degamp, degphase, solnorm, maskcenter, maskedge)
        return solve_curves(vis, caltable, selection_from(given), options, priors_from(given), curves, append)
    return solve_to_table(vis, caltable, selection_from(given), options, priors_from(given), append)
