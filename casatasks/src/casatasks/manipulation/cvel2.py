"""cvel2: one spectral window, regridded."""

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
from casatools._base import kinds, log

__all__ = ["cvel2"]

_NUMBER_OR_TEXT = kinds.Variant((kinds.Int(), kinds.Float(), kinds.Text(), kinds.Quantity()))
_FRAMES = ("topo", "geo", "lsrk", "lsrd", "bary", "galacto", "lgroup", "cmb", "source", "")


@task(group="manipulation", history=("outputvis",))
def cvel2(
    vis: Vis = "",
    outputvis: OutputVis = "",
    keepmms: Annotated[bool, kinds.Bool(), "Make a Multi-MS when the input is one"] = True,
    passall: Annotated[bool, kinds.Bool(), "No effect but a warning; cvel appends the rows that are not selected"] = False,
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
            "data",
            "corrected",
            "model",
            "data,model,corrected",
            "float_data",
            "lag_data",
            "float_data,data",
            "lag_data,data",
        ],
        "Column(s) to regrid; a single one becomes DATA (or stays FLOAT_DATA, LAG_DATA)",
    ] = "all",
    mode: Annotated[Literal["channel", "velocity", "frequency", "channel_b"], "How the new grid is described"] = "channel",
    nchan: Annotated[int, kinds.Int(), "Channels of the new grid; -1 for as many as there are"] = -1,
    start: Annotated[Any, _NUMBER_OR_TEXT, "First channel of the new grid"] = 0,
    width: Annotated[Any, _NUMBER_OR_TEXT, "Channel width of the new grid"] = 1,
    interpolation: Annotated[
        Literal["nearest", "linear", "cubic", "spline", "fftshift"], "Interpolation in frequency"
    ] = "linear",
    phasecenter: Annotated[
        Any,
        kinds.Variant((kinds.Text(), kinds.Int(), kinds.Record())),
        "Direction for the change of frame; '' is the first field's",
    ] = "",
    restfreq: Annotated[str, kinds.Variant((kinds.Text(), kinds.Quantity("Hz"))), "Rest frequency of the line"] = "",
    outframe: Annotated[
        Literal["topo", "geo", "lsrk", "lsrd", "bary", "galacto", "lgroup", "cmb", "source", ""],
        kinds.Choice(_FRAMES, fold=True),
        "Frame of the new grid; '' keeps the input's",
    ] = "",
    veltype: Annotated[Literal["radio", "optical"], "Definition of velocity"] = "radio",
    hanning: Annotated[bool, kinds.Bool(), "Smooth along the channels before"] = False,
) -> None:
    """Combine the spectral windows selected into one and regrid it, in another frame if wanted; the result is a new MeasurementSet.

    Raises
    ------
    PathMissingError, OutputExistsError, DataError, SelectionError, ParameterError
        Nothing is written then.

    Notes
    -----
    The work is that of mstransform with combinespws and regridms; rows that are flagged as a whole are left out. The frame's motion is followed in time for each integration.

    Examples
    --------
    >>> cvel2("line.ms", "lsrk.ms", datacolumn="data", mode="velocity", start="350km/s", width="40km/s", nchan=8,
    ...       restfreq="1420.40575MHz", outframe="LSRK")  # doctest: +SKIP
    """
    from casatools.transform.parameters import selection_of
    from casatools.transform.transforming import cvel2 as run
    from casatools.transform.transforming import regrid_request

    chosen = (field, spw, scan, antenna, correlation, timerange, intent, array, uvrange, observation, feed)
    if passall and any(chosen):
        log.post("cvel2: passall=True has no effect, as in the reference; cvel appends what is not selected", "WARN")
    selection = selection_of(
        field=field, spw=spw, scan=scan, antenna=antenna, correlation=correlation, timerange=timerange, intent=intent, array=array,
        uvrange=uvrange, observation=observation, feed=feed,
    )  # fmt: skip
    request = regrid_request(mode, nchan, start, width, interpolation, phasecenter, restfreq, outframe, veltype)
    run(vis, outputvis, selection, datacolumn, request, hanning, keepmms)
