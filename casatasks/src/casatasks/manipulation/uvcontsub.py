"""uvcontsub: continuum subtraction in the uv plane."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from casatasks._params import ArrayId, Field, Intent, Observation, OutputVis, Scan, Spw, Vis
from casatasks._task import task
from casatools._base import kinds

__all__ = ["uvcontsub"]


@task(group="manipulation", history=("outputvis",))
def uvcontsub(
    vis: Vis = "",
    outputvis: OutputVis = "",
    field: Field = "",
    spw: Spw = "",
    scan: Scan = "",
    intent: Intent = "",
    array: ArrayId = "",
    observation: Observation = "",
    datacolumn: Annotated[
        Literal["data", "model", "corrected", "float_data", "lag_data"], "Column to subtract from; it becomes DATA"
    ] = "data",
    fitspec: Annotated[
        Any,
        kinds.Variant((kinds.Text(), kinds.Record())),
        "Line-free channels: '0:4~6;50~59' or {'field': {'spw': {'chan': '4~6', 'fitorder': 1}}}; '' fits all channels",
    ] = "",
    fitmethod: Annotated[Literal["gsl", "casacore"], "Name of the solver; both give the same least squares fit here"] = "gsl",
    fitorder: Annotated[int, kinds.Int(min=0), "Order of the polynomial"] = 0,
    writemodel: Annotated[bool, kinds.Bool(), "Write the fitted continuum to MODEL_DATA of the output"] = False,
) -> dict[str, Any]:
    """Fit a polynomial to the line-free channels of each spectrum and subtract it; the result is a new MeasurementSet.

    Returns
    -------
    dict
        ``goodness_of_fit`` with chi-squared (average, min, max, count) by field, scan, spectral window and polarization.

    Raises
    ------
    PathMissingError, OutputExistsError, DataError, SelectionError, ParameterError
        Nothing is written then.

    Notes
    -----
    Each spectrum is fitted by itself, weighted with its channel weights, flagged channels left out; spectra without data in
    `fitspec` and spectral windows that it does not name are passed on. The order falls where there are too few channels.

    References
    ----------
    Sault, "An analysis of visibility-based continuum subtraction", A&AS 107 (1994), 55.

    Examples
    --------
    >>> uvcontsub("target.ms", "line.ms", fitspec="0:4~6;50~59", fitorder=0)  # doctest: +SKIP
    """
    from casatools.transform.continuum import uvcontsub as run
    from casatools.transform.parameters import selection_of

    selection = selection_of(field=field, spw=spw, scan=scan, intent=intent, array=array, observation=observation)
    return run(vis, outputvis, selection, datacolumn, fitspec, fitorder, writemodel)
