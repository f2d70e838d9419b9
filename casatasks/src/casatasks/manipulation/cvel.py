"""cvel: one spectral window, regridded (the older task)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from casatasks._params import Antenna, ArrayId, Field, OutputVis, Scan, SelectData, Spw, TimeRange, Vis
from casatasks._task import task
from casatools._base import kinds

__all__ = ["cvel"]

_NUMBER_OR_TEXT = kinds.Variant((kinds.Int(), kinds.Float(), kinds.Text(), kinds.Quantity()))
_FRAMES = ("topo", "geo", "lsrk", "lsrd", "bary", "galacto", "lgroup", "cmb", "source", "")


@task(group="manipulation", history=("outputvis",))
def cvel(
    vis: Vis = "",
    outputvis: OutputVis = "",
    passall: Annotated[bool, kinds.Bool(), "Append the rows that are not selected as they are"] = False,
    field: Field = "",
    spw: Spw = "",
    selectdata: SelectData = True,
    antenna: Antenna = "",
    timerange: TimeRange = "",
    scan: Scan = "",
    array: ArrayId = "",
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
    The work is that of cvel2 on all visibility columns, so that it also does multi-MSs and moving sources, which the reference's cvel does
    not.

    Examples
    --------
    >>> cvel("line.ms", "lsrk.ms", mode="velocity", start="350km/s", width="40km/s", nchan=8, restfreq="1420.40575MHz",
    ...      outframe="LSRK")  # doctest: +SKIP
    """
    from casatools.transform.parameters import selection_of
    from casatools.transform.transforming import cvel2, cvel_with_rest, regrid_request

    further = {"antenna": antenna, "timerange": timerange, "scan": scan, "array": array} if selectdata else {}
    selection = selection_of(field=field, spw=spw, **further)
    request = regrid_request(mode, nchan, start, width, interpolation, phasecenter, restfreq, outframe, veltype)
    if passall:
        cvel_with_rest(vis, outputvis, selection, request, hanning)
    else:
        cvel2(vis, outputvis, selection, "all", request, hanning, keepmms=False, keepflags=True)
