"""Bootstrap the flux density scale from standard calibrators."""

from __future__ import annotations

from typing import Annotated, Any

from casatasks import _params as P
from casatasks._task import task
from casatools._base import kinds
from casatools._base.errors import ParameterError

__all__ = ["fluxscale"]

_FIELDS = kinds.TextList(drop_empty=True, numbers=True)


@task(group="calibration", history=("vis",))
def fluxscale(
    vis: P.Vis = "",
    caltable: P.CalTableIn = "",
    fluxtable: P.CalTableOut = "",
    reference: Annotated[list[str], _FIELDS, "Fields of known flux density"] = [],  # noqa: B006
    transfer: Annotated[list[str], _FIELDS, "Fields to find the flux density of; '' is all others"] = [],  # noqa: B006
    listfile: Annotated[str, kinds.OutPath(), "Text file for the flux densities found"] = "",
    append: Annotated[bool, kinds.Bool(), "Add to the output table if it exists"] = False,
    refspwmap: Annotated[list[int], kinds.IntList(), "Window of the reference gains for each one; [-1] is the same"] = [-1],  # noqa: B006
    gainthreshold: Annotated[
        float, kinds.Float(), "Leave out gains further than this fraction from the median; -1 keeps all"
    ] = -1.0,
    antenna: Annotated[str, kinds.Text(numbers=True), "Antennas whose gains are used; '' is all"] = "",
    timerange: P.TimeRange = "",
    scan: P.Scan = "",
    incremental: Annotated[bool, kinds.Bool(), "Write the corrections alone"] = False,
    fitorder: Annotated[int, kinds.Int(), "Order of the spectral fit"] = 1,
    display: Annotated[bool, kinds.Bool(), "Draw the flux densities and fits into a figure beside the table"] = False,
) -> dict[str, Any]:
    """Find flux densities of calibrators from their gains, and scale the gains to them.

    Returns
    -------
    dict
        ``{field ID: {spw ID: {"fluxd", "fluxdErr", "numSol"}, "fieldName", "fitFluxd", "fitFluxdErr", "fitRefFreq", "spidx",
        "spidxerr", "covarMat"}, "freq", "spwID", "spwName"}``, flux densities in Jy.

    Raises
    ------
    PathMissingError, DataError, SelectionError, OutputExistsError, ParameterError
        An input is missing, of another kind or of another array, a field has no gains, the output is not named or exists. Nothing is
        written then.

    Examples
    --------
    >>> fluxscale("day1.ms", "day1.G", "day1.flux", reference="3C286", transfer="J1445+0958")  # doctest: +SKIP
    """
    from casatools.calibration.fluxscale import FluxScaleOptions, scale_fluxes

    if not fluxtable.strip():
        raise ParameterError("fluxscale: parameter 'fluxtable' must be the name of the output table; got ''")
    options = FluxScaleOptions(
        ",".join(reference),
        ",".join(transfer),
        tuple(refspwmap),
        gainthreshold,
        antenna,
        scan,
        timerange,
        incremental,
        append,
        fitorder,
    )
    record = scale_fluxes(vis, caltable, fluxtable, options, listfile)
    if display:
        from casatools.plotting.flux_fits import plot_flux_fits

        plot_flux_fits(record, f"{fluxtable.rstrip('/')}.png")
    return record
