"""split: part of a MeasurementSet as a new one."""

from __future__ import annotations

from typing import Annotated, Any, Literal

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

__all__ = ["split"]


@task(group="manipulation", history=("outputvis",))
def split(
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
            "corrected",
            "data",
            "model",
            "data,model,corrected",
            "float_data",
            "lag_data",
            "float_data,data",
            "lag_data,data",
            "all",
        ],
        "Column(s) to split out; a single one becomes DATA (or stays FLOAT_DATA, LAG_DATA)",
    ] = "corrected",
    keepflags: Annotated[bool, kinds.Bool(), "Keep rows that are flagged as a whole"] = True,
    width: Annotated[
        Any,
        kinds.Variant((kinds.Int(min=1), kinds.IntList(), kinds.Text())),
        "Channels to average into one; a list gives one for each spectral window",
    ] = 1,
    timebin: Annotated[
        str, kinds.Variant((kinds.Text(), kinds.Quantity("s"))), "Time bin such as '30s'; '0s' does not average"
    ] = "0s",
    combine: Annotated[Any, kinds.Variant((kinds.Text(), kinds.TextList())), "Let time bins cross 'scan', 'state' or both"] = "",
) -> None:
    """Write part of a MeasurementSet to a new one, averaged in frequency and time if wanted.

    Raises
    ------
    PathMissingError, OutputExistsError, DataError
        `vis` is missing or not a MeasurementSet, `outputvis` exists, a column asked for is missing.
    SelectionError
        The selection cannot be read or matches nothing.

    Notes
    -----
    Sub-tables are cut to the fields, spectral windows, states and antennas selected, and identifiers are renumbered. Correlations
    come in the order asked, with their labels. Averages use unflagged data, weighted; WEIGHT sums up. WEIGHT_SPECTRUM always is
    SIGMA_SPECTRUM^-2 when a single column is split out.

    Examples
    --------
    >>> split("ngc5921.ms", "target.ms", field="N5921_2", datacolumn="corrected")  # doctest: +SKIP
    """
    from casatools.transform.parameters import selection_of
    from casatools.transform.splitting import split as run

    selection = selection_of(
        field=field, spw=spw, scan=scan, antenna=antenna, correlation=correlation, timerange=timerange, intent=intent, array=array,
        uvrange=uvrange, observation=observation, feed=feed,
    )  # fmt: skip
    run(vis, outputvis, selection, datacolumn, keepflags, width, timebin, combine, keepmms)
