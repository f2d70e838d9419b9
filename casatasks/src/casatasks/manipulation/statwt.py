"""statwt: weights from the scatter of the data."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from casatasks._params import ArrayId, Field, Intent, Observation, Scan, SelectData, Spw, Vis
from casatasks._task import task
from casatools._base import kinds

__all__ = ["statwt"]

_BIN = kinds.Variant((kinds.Int(), kinds.Text(), kinds.Quantity("s")))


@task(group="manipulation", history=("vis",))
def statwt(
    vis: Vis = "",
    selectdata: SelectData = True,
    field: Field = "",
    spw: Spw = "",
    intent: Intent = "",
    array: ArrayId = "",
    observation: Observation = "",
    scan: Scan = "",
    combine: Annotated[str, kinds.Text(), "What bins go across: '' or any of corr, scan, field, state, joined by commas"] = "",
    timebin: Annotated[Any, _BIN, "Time bin: integrations, or a time such as '60s'"] = 1,
    slidetimebin: Annotated[bool, kinds.Bool(), "Each integration has a bin of its own about it"] = False,
    chanbin: Annotated[Any, _BIN, "Channel bin: 'spw', channels, or a frequency such as '1MHz'"] = "spw",
    minsamp: Annotated[int, kinds.Int(), "Samples a bin needs; with fewer it is flagged"] = 2,
    statalg: Annotated[
        Literal["classic", "chauvenet", "fit-half", "hinges-fences"], "How outliers are kept out of the variance"
    ] = "classic",
    fence: Annotated[
        float, kinds.Float(), "hinges-fences: quartile ranges beyond the quartiles that are kept; negative keeps all"
    ] = -1.0,
    center: Annotated[Literal["mean", "median", "zero"], "fit-half: the middle"] = "mean",
    lside: Annotated[bool, kinds.Bool(), "fit-half: use what is below the middle, not above"] = True,
    zscore: Annotated[
        float, kinds.Float(), "chauvenet: standard deviations that are kept; negative is Chauvenet's criterion"
    ] = -1.0,
    maxiter: Annotated[int, kinds.Int(), "chauvenet: iterations; negative goes on until nothing changes"] = -1,
    fitspw: Annotated[str, kinds.Text(), "Channels that count for the variance; '' is all"] = "",
    excludechans: Annotated[bool, kinds.Bool(), "The channels of fitspw are left out instead"] = False,
    wtrange: Annotated[list[float], kinds.FloatList(), "Lowest and highest weight; data with others are flagged"] = [],  # noqa: B006 - copied
    flagbackup: Annotated[bool, kinds.Bool(), "Save the flags first"] = True,
    preview: Annotated[bool, kinds.Bool(), "Compute without writing anything"] = False,
    datacolumn: Annotated[
        Literal["data", "corrected", "residual", "residual_data"], "Where the scatter is taken from"
    ] = "corrected",
) -> dict[str, float]:
    """Set the weights to the inverse variances of the data of each baseline, correlation, time bin and channel bin.

    From DATA the weights go into SIGMA, as ``weight ** -1/2``, and into WEIGHT where there is no CORRECTED_DATA; from CORRECTED_DATA into WEIGHT.
    The spectra of these are written with `chanbin` other than 'spw', and where they exist. Data of bins with too few samples or without scatter are
    flagged and given no weight.

    Returns
    -------
    dict
        mean and variance of the weights that were set.

    Raises
    ------
    PathMissingError, SelectionError, ParameterError, DataError
        The MeasurementSet is missing, nothing matches, a value is wrong or a column is missing. Nothing is written then.

    Examples
    --------
    >>> statwt("day1.ms", datacolumn="data", timebin="30s", chanbin=8)  # doctest: +SKIP
    """
    from casatools.transform.statistical_weights import StatisticalWeightOptions, set_statistical_weights

    options = StatisticalWeightOptions(
        combine, timebin, slidetimebin, chanbin, minsamp, statalg, fence, center, lside, zscore, maxiter, fitspw, excludechans, tuple(wtrange),
        preview, datacolumn,
    )  # fmt: skip
    expressions = {}
    if selectdata:
        expressions = {
            "field": field, "spw": spw, "intent": intent, "array": array, "observation": observation, "scan": scan,
        }  # fmt: skip
    return set_statistical_weights(vis, expressions, options, flagbackup)
