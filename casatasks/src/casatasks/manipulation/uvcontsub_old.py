"""uvcontsub_old: continuum subtraction with averages in time and fits over spectral windows."""

from __future__ import annotations

from typing import Annotated, Any

from casatasks._params import Field, Spw, Vis
from casatasks._task import task
from casatools._base import kinds

__all__ = ["uvcontsub_old"]


@task(group="manipulation")
def uvcontsub_old(
    vis: Vis = "",
    field: Field = "",
    fitspw: Annotated[str, kinds.Text(numbers=True), "Line-free channels, as '0:4~6;50~59'; '' fits all"] = "",
    excludechans: Annotated[bool, kinds.Bool(), "`fitspw` names the channels to leave out"] = False,
    combine: Annotated[
        str, kinds.Text(), "'spw' fits over all spectral windows, 'scan' lets intervals cross scans; or both"
    ] = "",
    solint: Annotated[
        Any, kinds.Variant((kinds.Text(), kinds.Float(), kinds.Quantity("s"))), "'int', 'inf' (a scan) or a time"
    ] = "int",
    fitorder: Annotated[int, kinds.Int(min=0), "Order of the polynomial"] = 0,
    spw: Spw = "",
    want_cont: Annotated[bool, kinds.Bool(), "Write the continuum to vis.cont as well"] = False,
) -> None:
    """Fit a polynomial to line-free channels, averaged over intervals, and write the data without it to ``vis.contsub``.

    Raises
    ------
    PathMissingError, SelectionError, DataError
    ParameterError
        The fit would be applied to spectral windows that `fitspw` lacks, and `combine` does not hold spw. Nothing is written then.

    Notes
    -----
    CORRECTED_DATA is taken where it exists, DATA otherwise. Outputs of the same names are replaced when the new ones are complete. Between intervals the fit
    is interpolated. uvcontsub fits each integration in one pass and is faster.

    References
    ----------
    Cornwell, Uson & Haddad, "Radio-interferometric imaging of spectral lines: the problem of continuum subtraction", A&A 258 (1992), 583.

    Examples
    --------
    >>> uvcontsub_old("target.ms", fitspw="0:4~6;50~59", fitorder=1, solint="60s")  # doctest: +SKIP
    """
    from casatools.transform.old_continuum import OldContinuumOptions
    from casatools.transform.parameters import selection_of
    from casatools.transform.uvcontsub_old import uvcontsub_old as run

    options = OldContinuumOptions(fitspw, excludechans, combine, solint, fitorder)
    run(vis, selection_of(field=field, spw=spw), options, want_cont)
