"""mstransform: select, average, smooth and subtract in one pass."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from casatasks._params import (
    Antenna,
    ArrayId,
    Correlation,
    Feed,
    Field,
    Intent,
    MsSelect,
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
from casatools._base.errors import ParameterError

__all__ = ["mstransform"]

_NUMBER_OR_TEXT = kinds.Variant((kinds.Int(), kinds.Float(), kinds.Text(), kinds.Quantity()))


@task(group="manipulation", history=("outputvis",))
def mstransform(
    vis: Vis = "",
    outputvis: OutputVis = "",
    createmms: Annotated[bool, kinds.Bool(), "Write a Multi-MS"] = False,
    separationaxis: Annotated[Literal["auto", "spw", "scan", "baseline"], "Axis to cut a Multi-MS along"] = "auto",
    numsubms: Annotated[Any, kinds.Variant((kinds.Int(), kinds.Text())), "Number of parts of a Multi-MS"] = "auto",
    tileshape: Annotated[list, kinds.IntList(), "Tile shape of the data columns; [0] leaves the choice to the program"] = [0],  # noqa: B006
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
        "Column(s) to work on; a single one becomes DATA (or stays FLOAT_DATA, LAG_DATA)",
    ] = "corrected",
    realmodelcol: Annotated[bool, kinds.Bool(), "Make a virtual model a real column"] = False,
    keepflags: Annotated[bool, kinds.Bool(), "Keep rows that are flagged as a whole"] = True,
    usewtspectrum: Annotated[bool, kinds.Bool(), "Make weights per channel where the input has none"] = False,
    combinespws: Annotated[bool, kinds.Bool(), "Combine the spectral windows into one"] = False,
    chanaverage: Annotated[bool, kinds.Bool(), "Average channels"] = False,
    chanbin: Annotated[
        Any,
        kinds.Variant((kinds.Int(min=1), kinds.IntList(), kinds.Text())),
        "Channels to average into one; a list gives one for each spectral window",
    ] = 1,
    hanning: Annotated[bool, kinds.Bool(), "Smooth along the channels"] = False,
    regridms: Annotated[bool, kinds.Bool(), "Regrid to a new frequency grid or frame"] = False,
    mode: Annotated[Literal["channel", "velocity", "frequency", "channel_b"], "How the new grid is described"] = "channel",
    nchan: Annotated[int, kinds.Int(), "Channels of the new grid, of each window with nspw; -1 for as many as there are"] = -1,
    start: Annotated[Any, _NUMBER_OR_TEXT, "First channel of the new grid"] = 0,
    width: Annotated[Any, _NUMBER_OR_TEXT, "Channel width of the new grid"] = 1,
    nspw: Annotated[int, kinds.Int(min=1), "Cut each spectral window into this many"] = 1,
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
        kinds.Choice(("topo", "geo", "lsrk", "lsrd", "bary", "galacto", "lgroup", "cmb", "source", ""), fold=True),
        "Frame of the new grid; '' keeps the input's",
    ] = "",
    veltype: Annotated[Literal["radio", "optical"], "Definition of velocity"] = "radio",
    preaverage: Annotated[bool, kinds.Bool(), "Average channels before regridding to much wider ones"] = False,
    timeaverage: Annotated[bool, kinds.Bool(), "Average in time"] = False,
    timebin: Annotated[str, kinds.Variant((kinds.Text(), kinds.Quantity("s"))), "Time bin such as '30s'"] = "0s",
    timespan: Annotated[
        Any, kinds.Variant((kinds.Text(), kinds.TextList())), "Let time bins cross 'scan', 'state', 'field'"
    ] = "",
    maxuvwdistance: Annotated[float, kinds.Float(min=0), "Metres that a baseline may move within a time bin; 0 for any"] = 0.0,
    docallib: Annotated[
        bool, kinds.Bool(), "Apply a calibration library while reading: it makes CORRECTED_DATA, flags and weights"
    ] = False,
    callib: Annotated[str, kinds.Text(), "Calibration library file"] = "",
    douvcontsub: Annotated[bool, kinds.Bool(), "Subtract the continuum"] = False,
    fitspw: Annotated[str, kinds.Text(numbers=True), "Line-free channels, as '0:4~6;50~59'"] = "",
    fitorder: Annotated[int, kinds.Int(min=0), "Order of the continuum polynomial"] = 0,
    want_cont: Annotated[bool, kinds.Bool(), "Keep the continuum, not the line"] = False,
    denoising_lib: Annotated[bool, kinds.Bool(), "Which solver the reference uses; both give the same least squares fit"] = True,
    nthreads: Annotated[int, kinds.Int(min=1), "Threads of the continuum fit at most"] = 1,
    niter: Annotated[int, kinds.Int(min=1), "Passes of the continuum fit; those after the first weight outliers down"] = 1,
    disableparallel: Annotated[bool, kinds.Bool(), "Write a Multi-MS without MPI"] = False,
    ddistart: Annotated[int, kinds.Int(), "First data description number of a part of a Multi-MS"] = -1,
    taql: MsSelect = "",
    monolithic_processing: Annotated[bool, kinds.Bool(), "Treat a Multi-MS as one"] = False,
    reindex: Annotated[bool, kinds.Bool(), "Cut and renumber the sub-tables"] = True,
) -> None:
    """Transform a MeasurementSet in one pass over the data.

    The stages come in this order, whatever is asked for: selection, time average, continuum subtraction, channel average, combination of
    spectral windows, Hanning smoothing, regridding, separation into `nspw` spectral windows.

    Raises
    ------
    PathMissingError, OutputExistsError, DataError, SelectionError, ParameterError
        Nothing is written then.

    Notes
    -----
    The continuum fit is one of weighted least squares; with `niter` above 1 each further pass weights channels down by their residuals (Tukey's
    bisquare), so that lines within the channels fitted do little. `ddistart` is added to DATA_DESC_ID of the rows, while the sub-tables stay:
    it is for parts that are made one by one, and does nothing where a Multi-MS is made whole.

    Weights: averages sum the weights of the unflagged samples; regridding interpolates weights per channel and, where the frame changes,
    multiplies them with the ratio of channel widths; combined spectral windows get the mean. WEIGHT and SIGMA are means over the unflagged
    channels where weights per channel exist.

    Examples
    --------
    >>> mstransform("a.ms", "b.ms", datacolumn="data", chanaverage=True, chanbin=4)  # doctest: +SKIP
    >>> mstransform("a.ms", "c.ms", datacolumn="data", regridms=True, outframe="LSRK", mode="velocity", start="-100km/s", width="2km/s",
    ...             nchan=100, restfreq="1420.40575MHz")  # doctest: +SKIP
    """
    from casatools.transform.multi_ms import parse_part_count
    from casatools.transform.parameters import selection_of
    from casatools.transform.transforming import MsTransformOptions, PartOptions, regrid_request
    from casatools.transform.transforming import mstransform as run

    calibrator = model = None
    if docallib:
        if not callib.strip():
            raise ParameterError("mstransform: docallib=True needs 'callib', the name of a calibration library file")
        from casatools.calibration.on_the_fly import LibraryFile

        calibrator = LibraryFile(callib)
    if realmodelcol:
        from casatools.calibration.on_the_fly import ChunkModel

        model = ChunkModel
    selection = selection_of(
        field=field, spw=spw, scan=scan, antenna=antenna, correlation=correlation, timerange=timerange, intent=intent, array=array,
        uvrange=uvrange, observation=observation, feed=feed, taql=taql,
    )  # fmt: skip
    regrid = (
        regrid_request(mode, nchan, start, width, interpolation, phasecenter, restfreq, outframe, veltype, preaverage)
        if regridms
        else None
    )
    options = MsTransformOptions(
        datacolumn=datacolumn, keepflags=keepflags, chanaverage=chanaverage, chanbin=chanbin, hanning=hanning, combinespws=combinespws,
        regrid=regrid, nspw=nspw, timeaverage=timeaverage, timebin=timebin, timespan=timespan, maxuvwdistance=maxuvwdistance,
        douvcontsub=douvcontsub, fitspw=fitspw, fitorder=fitorder, want_cont=want_cont, reindex=reindex, usewtspectrum=usewtspectrum,
        realmodelcol=realmodelcol, tileshape=tuple(tileshape), calibrator=calibrator, model=model, niter=niter, nthreads=nthreads,
        ddistart=-1 if createmms else ddistart,
    )  # fmt: skip
    parts = PartOptions(
        keep=not monolithic_processing,
        axis=separationaxis if createmms else "",
        count=parse_part_count(numsubms),
        parallel=not disableparallel,
    )
    run(vis, outputvis, selection, options, parts)
