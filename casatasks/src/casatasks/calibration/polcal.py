"""Solve for instrumental polarisation."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from casatasks import _params as P
from casatasks._task import task
from casatools._base import kinds

__all__ = ["polcal"]


@task(group="calibration")
def polcal(
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
    combine: P.Combine = "obs,scan",
    preavg: Annotated[float, kinds.Float(), "Average to this time (s) before solving"] = 300.0,
    refant: P.RefAnt = "",
    minblperant: P.MinBlPerAnt = 4,
    minsnr: P.MinSnr = 3.0,
    poltype: Annotated[
        Literal[
            "D",
            "Df",
            "D+X",
            "Df+X",
            "D+QU",
            "Df+QU",
            "Dgen",
            "Dfgen",
            "Dgen+X",
            "Dfgen+X",
            "Dgen+QU",
            "Dfgen+QU",
            "Dlls",
            "Dflls",
            "X",
            "Xf",
            "Xparang+QU",
            "Xfparang+QU",
            "PosAng",
            "Xj",
        ],
        "What is solved: leakages (D), cross-hand phase (X); f is for each channel, lls the linear solution",
    ] = "D+QU",
    smodel: P.SModel = [],  # noqa: B006
    append: P.Append = False,
    docallib: P.DoCalLib = False,
    callib: P.CalLib = "",
    gaintable: P.PriorTable = [],  # noqa: B006
    gainfield: P.PriorField = [],  # noqa: B006
    interp: P.PriorInterp = [],  # noqa: B006
    spwmap: P.PriorSpwMap = [],  # noqa: B006
) -> dict[str, Any] | None:
    """Solve for instrumental polarisation by comparison of the cross hands with the model.

    Returns
    -------
    dict or None
        For Xparang+QU and Xfparang+QU ``{field: {"Spw0": [1, Q/I, U/I, 0], ..., "SpwAve": [...]}}``. The log counts solutions.

    Raises
    ------
    PathMissingError, DataError, ParameterError, SelectionError, UnsupportedError
        As gaincal raises, and for data without all four correlations. Nothing is written then.

    Notes
    -----
    The parallactic angle is always taken into account. Leakages D are solved to first order, which is a linear problem; types with
    and without lls are the same solution. Dgen is solved in all orders from all four correlations. The source's Q and U (+QU) or the
    phase between the receptors (+X) is solved once for all channels of a spectral window; the log tells it.
    """
    from casatools.calibration.solve_options import SolveOptions
    from casatools.calibration.solve_session import priors_from, selection_from, solve_to_table, source_record

    given = {**locals(), "parang": True}
    options = SolveOptions(
        kind=poltype, solint=solint, combine=combine, preavg=preavg, refant=refant, minblperant=minblperant, minsnr=minsnr,
        smodel=tuple(smodel),
    )  # fmt: skip
    solve_to_table(vis, caltable, selection_from(given), options, priors_from(given), append)
    return source_record(caltable) if poltype in ("Xparang+QU", "Xfparang+QU") else None
