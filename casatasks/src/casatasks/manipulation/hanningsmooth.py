"""hanningsmooth: Hanning smoothing of spectra."""

from __future__ import annotations

from typing import Annotated, Literal

from casatasks._params import (
    Antenna,
    ArrayId,
    Correlation,
    Feed,
    Field,
    Intent,
    Observation,
    OutputVis,
    Scan,
    Spw,
    TimeRange,
    UvRange,
    Vis,
)
from casatasks._task import task
from casatools._base import kinds

__all__ = ["hanningsmooth"]


@task(group="manipulation", history=("outputvis",))
def hanningsmooth(
    vis: Vis = "",
    outputvis: OutputVis = "",
    keepmms: Annotated[bool, kinds.Bool(), "Make a Multi-MS when the input is one"] = True,
    field: Field = "",
    spw: Spw = "",
    scan: Scan = "",
    antenna: Antenna = "",
    correlation: Correlation = "",
    timerange: TimeRange = "",
    intent: Intent = "",
    array: ArrayId = "",
    uvrange: UvRange = "",
    observation: Observation = "",
    feed: Feed = "",
    datacolumn: Annotated[
        Literal[
            "all",
            "corrected",
            "data",
            "model",
            "data,model,corrected",
            "float_data",
            "lag_data",
            "float_data,data",
            "lag_data,data",
        ],
        "Column(s) to smooth; a single one becomes DATA (or stays FLOAT_DATA, LAG_DATA)",
    ] = "all",
) -> None:
    """Smooth spectra with weights 1/4, 1/2, 1/4 over neighbouring channels; the result is a new MeasurementSet.

    Raises
    ------
    PathMissingError, OutputExistsError, DataError, SelectionError
        Nothing is written then.

    Notes
    -----
    A channel is flagged where it or a neighbour is; the edge channels keep their values and are flagged. Weights follow from the
    variance of the weighted sum.

    Examples
    --------
    >>> hanningsmooth("line.ms", "smooth.ms", datacolumn="data")  # doctest: +SKIP
    """
    from casatools.transform.parameters import selection_of
    from casatools.transform.transforming import hanningsmooth as run

    selection = selection_of(
        field=field, spw=spw, scan=scan, antenna=antenna, correlation=correlation, timerange=timerange, intent=intent, array=array,
        uvrange=uvrange, observation=observation, feed=feed,
    )  # fmt: skip
    run(vis, outputvis, selection, datacolumn, keepmms)
