"""Solve for antenna gains."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from casatasks import _params as P
from casatasks._task import task
from casatools._base import kinds

__all__ = ["gaincal"]


@task(group="calibration")
def gaincal(
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
    preavg: Annotated[float, kinds.Float(), "Average to this time (s) before solving, not to the solution interval"] = -1.0,
    refant: P.RefAnt = "",
    refantmode: Annotated[
        Literal["flex", "strict"], "When the reference antenna is missing: the next takes over, or all is flagged"
    ] = "flex",
    minblperant: P.MinBlPerAnt = 4,
    minsnr: P.MinSnr = 3.0,
    solnorm: Annotated[bool, kinds.Bool(), "Normalise the amplitudes to a mean of one"] = False,
    normtype: Annotated[Literal["mean", "median"], "What is normalised to one: the mean power or the median amplitude"] = "mean",
    gaintype: Annotated[
        Literal["G", "T", "GSPLINE", "K", "KCROSS", "XY+QU", "XYf+QU"],
        "What is solved: gains per polarisation (G) or common (T), delays (K), cross-hand delay (KCROSS), ...",
    ] = "G",
    smodel: P.SModel = [],  # noqa: B006
    calmode: Annotated[Literal["a", "p", "ap"], "Solve for amplitude, phase or both"] = "ap",
    solmode: Annotated[
        Literal["", "L1", "R", "L1R"], "Robust solving: least absolute deviations (L1), without outliers (R), or both"
    ] = "",
    rmsthresh: Annotated[list[float], kinds.FloatList(), "Thresholds of successive outlier excisions, in rms"] = [],  # noqa: B006
    corrdepflags: P.CorrDepFlags = False,
    append: P.Append = False,
    splinetime: Annotated[float, kinds.Float(), "Spline: time between knots (s)"] = 3600.0,
    npointaver: Annotated[int, kinds.Int(), "Spline: points averaged for the phase"] = 3,
    phasewrap: Annotated[float, kinds.Float(), "Spline: a phase jump above this (deg) is a wrap"] = 180.0,
    docallib: P.DoCalLib = False,
    callib: P.CalLib = "",
    gaintable: P.PriorTable = [],  # noqa: B006
    gainfield: P.PriorField = [],  # noqa: B006
    interp: P.PriorInterp = [],  # noqa: B006
    spwmap: P.PriorSpwMap = [],  # noqa: B006
    parang: P.Parang = False,
) -> dict[str, Any]:
    """Solve for time-dependent antenna gains by comparison of the data with the model.

    Returns
    -------
    dict
        ``apply_tables``, ``selectvis``, ``solve_tables`` and ``solvestats``: what was applied, selected, written, and how many
        solutions were expected, had data, had baselines and had signal, in total, per spectral window and antenna.

    Raises
    ------
    PathMissingError, DataError, ParameterError, SelectionError, UnsupportedError
        The MeasurementSet or a table is missing or unfit, a parameter cannot be read, the selection matches nothing, or nothing
        can be solved. Nothing is written then.

    Notes
    -----
    Splines (GSPLINE) are fitted to the gains of integrations, one for all spectral windows; solint does not matter then.
    The model is the MODEL_DATA column, or `smodel`, or a point source of 1 Jy.
    """
    from casatools.calibration.solve_options import SolveOptions
    from casatools.calibration.solve_session import priors_from, selection_from, solve_to_table

    given = dict(locals())
    options = SolveOptions(
        kind="G" if gaintype == "GSPLINE" else gaintype, solint="int" if gaintype == "GSPLINE" else solint, combine=combine, preavg=preavg, refant=refant, refantmode=refantmode,
        minblperant=minblperant, minsnr=minsnr, solnorm=solnorm, normtype=normtype, calmode=calmode, solmode=solmode,
        rmsthresh=tuple(rmsthresh), smodel=tuple(smodel), corrdepflags=corrdepflags,
    )  # fmt: skip
    if gaintype == "GSPLINE":
        from casatools.calibration.solve_curves import SplineOptions, solve_curves

        curves = SplineOptions(splinetime, npointaver, phasewrap)
        return solve_curves(vis, caltable, selection_from(given), options, priors_from(given), curves, append)
    return solve_to_table(vis, caltable, selection_from(given), options, priors_from(given), append)
