"""plotms: plot visibilities and calibration solutions into a file."""

from __future__ import annotations

from typing import Annotated, Any

from casatasks._params import (
    Antenna,
    ArrayId,
    Correlation,
    Feed,
    Field,
    Intent,
    MsSelect,
    Observation,
    Overwrite,
    Scan,
    SelectData,
    Spw,
    TimeRange,
    UvRange,
    Vis,
)
from casatasks._task import task
from casatools._base import kinds
from casatools._base.errors import ParameterError, UnsupportedError
from casatools._base.paths import require_absent, require_present
from casatools.frames.quantities import to_unit
from casatools.plotting.visibilities import Selection

__all__ = ["plotms"]

# Parameters of which only the default is supported.
_ONLY_DEFAULT: dict[str, Any] = {
    "gridrows": 1,
    "gridcols": 1,
    "rowindex": 0,
    "colindex": 0,
    "plotindex": 0,
    "xframe": "",
    "xinterp": "",
    "yframe": "",
    "yinterp": "",
    "yaxislocation": "",
    "avgantenna": False,
    "avgspw": False,
    "freqframe": "",
    "veldef": "RADIO",
    "phasecenter": "",
    "extendflag": False,
    "extcorr": False,
    "extchannel": False,
    "xselfscale": False,
    "yselfscale": False,
    "xsharedaxis": False,
    "ysharedaxis": False,
    "symbolshape": "autoscaling",
    "symbolcolor": "0000ff",
    "symbolfill": "fill",
    "symboloutline": False,
    "customflaggedsymbol": False,
    "flaggedsymbolshape": "nosymbol",
    "flaggedsymbolsize": 2,
    "flaggedsymbolcolor": "ff0000",
    "flaggedsymbolfill": "fill",
    "flaggedsymboloutline": False,
    "xconnector": "",
    "timeconnector": False,
    "titlefont": 0,
    "xaxisfont": 0,
    "yaxisfont": 0,
    "majorwidth": 1,
    "majorstyle": "",
    "majorcolor": "B0B0B0",
    "showminorgrid": False,
    "minorwidth": 1,
    "minorstyle": "",
    "minorcolor": "D0D0D0",
    "legendposition": "",
    "callib": [],
    "headeritems": "",
    "showimage": False,
}
_SELECTED = ("timerange", "uvrange", "antenna", "scan", "correlation", "array", "observation", "intent", "feed")


@task(group="visualization")
def plotms(
    vis: Vis = "",
    gridrows: Annotated[int, kinds.Int(), "Kept for compatibility: only the default is supported"] = 1,
    gridcols: Annotated[int, kinds.Int(), "Kept for compatibility: only the default is supported"] = 1,
    rowindex: Annotated[int, kinds.Int(), "Kept for compatibility: only the default is supported"] = 0,
    colindex: Annotated[int, kinds.Int(), "Kept for compatibility: only the default is supported"] = 0,
    plotindex: Annotated[int, kinds.Int(), "Kept for compatibility: only the default is supported"] = 0,
    xaxis: Annotated[str, kinds.Text(numbers=True), "Horizontal axis, such as time, uvdist, channel, frequency; '' is time"] = "",
    xdatacolumn: Annotated[
        str, kinds.Text(numbers=True), "Column of a horizontal axis of visibilities: data, corrected, model, residual"
    ] = "",
    xframe: Annotated[str, kinds.Text(numbers=True), "Kept for compatibility: only the default is supported"] = "",
    xinterp: Annotated[str, kinds.Text(numbers=True), "Kept for compatibility: only the default is supported"] = "",
    yaxis: Annotated[str, kinds.Text(numbers=True), "Vertical axis, such as amp, phase; '' is amp"] = "",
    ydatacolumn: Annotated[str, kinds.Text(numbers=True), "Column of a vertical axis: data, corrected, model, residual"] = "",
    yframe: Annotated[str, kinds.Text(numbers=True), "Kept for compatibility: only the default is supported"] = "",
    yinterp: Annotated[str, kinds.Text(numbers=True), "Kept for compatibility: only the default is supported"] = "",
    yaxislocation: Annotated[str, kinds.Text(numbers=True), "Kept for compatibility: only the default is supported"] = "",
    selectdata: SelectData = True,
    field: Field = "",
    spw: Spw = "",
    timerange: TimeRange = "",
    uvrange: UvRange = "",
    antenna: Antenna = "",
    scan: Scan = "",
    correlation: Correlation = "",
    array: ArrayId = "",
    observation: Observation = "",
    intent: Intent = "",
    feed: Feed = "",
    msselect: MsSelect = "",
    averagedata: Annotated[bool, kinds.Bool(), "Use the averaging parameters"] = True,
    avgchannel: Annotated[str, kinds.Text(numbers=True), "Channels to average"] = "",
    avgtime: Annotated[str, kinds.Text(numbers=True), "Time to average [s]"] = "",
    avgscan: Annotated[bool, kinds.Bool(), "Average over scans"] = False,
    avgfield: Annotated[bool, kinds.Bool(), "Average over fields"] = False,
    avgbaseline: Annotated[bool, kinds.Bool(), "Average all baselines"] = False,
    avgantenna: Annotated[bool, kinds.Bool(), "Kept for compatibility: only the default is supported"] = False,
    avgspw: Annotated[bool, kinds.Bool(), "Kept for compatibility: only the default is supported"] = False,
    scalar: Annotated[bool, kinds.Bool(), "Average amplitudes and phases"] = False,
    transform: Annotated[bool, kinds.Bool(), "Use the frame parameters"] = True,
    freqframe: Annotated[str, kinds.Text(numbers=True), "Kept for compatibility: only the default is supported"] = "",
    restfreq: Annotated[str, kinds.Text(numbers=True), "Rest frequency for velocities"] = "",
    veldef: Annotated[str, kinds.Text(numbers=True), "Kept for compatibility: only the default is supported"] = "RADIO",
    phasecenter: Annotated[str, kinds.Text(numbers=True), "Kept for compatibility: only the default is supported"] = "",
    extendflag: Annotated[bool, kinds.Bool(), "Kept for compatibility: only the default is supported"] = False,
    extcorr: Annotated[bool, kinds.Bool(), "Kept for compatibility: only the default is supported"] = False,
    extchannel: Annotated[bool, kinds.Bool(), "Kept for compatibility: only the default is supported"] = False,
    iteraxis: Annotated[str, kinds.Text(numbers=True), "One panel for each value of this axis"] = "",
    xselfscale: Annotated[bool, kinds.Bool(), "Kept for compatibility: only the default is supported"] = False,
    yselfscale: Annotated[bool, kinds.Bool(), "Kept for compatibility: only the default is supported"] = False,
    xsharedaxis: Annotated[bool, kinds.Bool(), "Kept for compatibility: only the default is supported"] = False,
    ysharedaxis: Annotated[bool, kinds.Bool(), "Kept for compatibility: only the default is supported"] = False,
    customsymbol: Annotated[bool, kinds.Bool(), "Use symbolsize"] = False,
    symbolshape: Annotated[
        str, kinds.Text(numbers=True), "Kept for compatibility: only the default is supported"
    ] = "autoscaling",
    symbolsize: Annotated[int, kinds.Int(), "Size of the symbols"] = 2,
    symbolcolor: Annotated[str, kinds.Text(numbers=True), "Kept for compatibility: only the default is supported"] = "0000ff",
    symbolfill: Annotated[str, kinds.Text(numbers=True), "Kept for compatibility: only the default is supported"] = "fill",
    symboloutline: Annotated[bool, kinds.Bool(), "Kept for compatibility: only the default is supported"] = False,
    coloraxis: Annotated[str, kinds.Text(numbers=True), "Colour by this axis"] = "",
    customflaggedsymbol: Annotated[bool, kinds.Bool(), "Kept for compatibility: only the default is supported"] = False,
    flaggedsymbolshape: Annotated[
        str, kinds.Text(numbers=True), "Kept for compatibility: only the default is supported"
    ] = "nosymbol",
    flaggedsymbolsize: Annotated[int, kinds.Int(), "Kept for compatibility: only the default is supported"] = 2,
    flaggedsymbolcolor: Annotated[
        str, kinds.Text(numbers=True), "Kept for compatibility: only the default is supported"
    ] = "ff0000",
    flaggedsymbolfill: Annotated[str, kinds.Text(numbers=True), "Kept for compatibility: only the default is supported"] = "fill",
    flaggedsymboloutline: Annotated[bool, kinds.Bool(), "Kept for compatibility: only the default is supported"] = False,
    xconnector: Annotated[str, kinds.Text(numbers=True), "Kept for compatibility: only the default is supported"] = "",
    timeconnector: Annotated[bool, kinds.Bool(), "Kept for compatibility: only the default is supported"] = False,
    plotrange: Annotated[list[float], kinds.FloatList(), "[xmin, xmax, ymin, ymax]; equal bounds are automatic"] = [],  # noqa: B006
    title: Annotated[str, kinds.Text(numbers=True), "Title"] = "",
    titlefont: Annotated[int, kinds.Int(), "Kept for compatibility: only the default is supported"] = 0,
    xlabel: Annotated[str, kinds.Text(numbers=True), "Label of the horizontal axis"] = "",
    xaxisfont: Annotated[int, kinds.Int(), "Kept for compatibility: only the default is supported"] = 0,
    ylabel: Annotated[str, kinds.Text(numbers=True), "Label of the vertical axis"] = "",
    yaxisfont: Annotated[int, kinds.Int(), "Kept for compatibility: only the default is supported"] = 0,
    showmajorgrid: Annotated[bool, kinds.Bool(), "The grid is always shown"] = False,
    majorwidth: Annotated[int, kinds.Int(), "Kept for compatibility: only the default is supported"] = 1,
    majorstyle: Annotated[str, kinds.Text(numbers=True), "Kept for compatibility: only the default is supported"] = "",
    majorcolor: Annotated[str, kinds.Text(numbers=True), "Kept for compatibility: only the default is supported"] = "B0B0B0",
    showminorgrid: Annotated[bool, kinds.Bool(), "Kept for compatibility: only the default is supported"] = False,
    minorwidth: Annotated[int, kinds.Int(), "Kept for compatibility: only the default is supported"] = 1,
    minorstyle: Annotated[str, kinds.Text(numbers=True), "Kept for compatibility: only the default is supported"] = "",
    minorcolor: Annotated[str, kinds.Text(numbers=True), "Kept for compatibility: only the default is supported"] = "D0D0D0",
    showlegend: Annotated[bool, kinds.Bool(), "Show a legend"] = False,
    legendposition: Annotated[str, kinds.Text(numbers=True), "Kept for compatibility: only the default is supported"] = "",
    plotfile: Annotated[str, kinds.OutPath(), "File to write; '' is <vis>.plotms.png with showgui"] = "",
    expformat: Annotated[str, kinds.Text(numbers=True), "Format of the file; '' is by its ending"] = "",
    verbose: Annotated[bool, kinds.Bool(), "Say more in the log"] = True,
    exprange: Annotated[str, kinds.Text(numbers=True), "Panels to write; all are in one file"] = "",
    highres: Annotated[bool, kinds.Bool(), "Higher resolution"] = False,
    dpi: Annotated[int, kinds.Int(), "Dots per inch"] = -1,
    width: Annotated[int, kinds.Int(), "Width [pixel]"] = -1,
    height: Annotated[int, kinds.Int(), "Height [pixel]"] = -1,
    overwrite: Overwrite = False,
    showgui: Annotated[
        bool,
        kinds.Bool(),
        "Show the plot in a notebook; there is no window elsewhere: without plotfile a PNG beside the data is written",
    ] = True,
    clearplots: Annotated[bool, kinds.Bool(), "Each call makes a new figure"] = True,
    callib: Annotated[Any, kinds.Variant(), "Kept for compatibility: only the default is supported"] = [],  # noqa: B006
    headeritems: Annotated[str, kinds.Text(numbers=True), "Kept for compatibility: only the default is supported"] = "",
    showatm: Annotated[bool, kinds.Bool(), "Draw the transmission of the atmosphere too, against xaxis='frequency'"] = False,
    showtsky: Annotated[bool, kinds.Bool(), "Draw the temperature of the sky too, against xaxis='frequency'"] = False,
    showimage: Annotated[bool, kinds.Bool(), "Kept for compatibility: only the default is supported"] = False,
) -> None:
    """Plot visibilities of a MeasurementSet, or solutions of a calibration table, into a file.

    Raises
    ------
    ParameterError
        An axis is not known.
    UnsupportedError
        A parameter that only a window needs, or that is not done yet, is not at its default.
    OutputExistsError
        The file exists.

    Examples
    --------
    >>> plotms("ngc5921.ms", xaxis="uvdist", yaxis="amp", field="0", avgchannel="63", plotfile="uv.png")  # doctest: +SKIP
    """
    given = dict(locals())
    from casatools.plotting.figure import show_in_notebook
    from casatools.plotting.solution_points import doubled_receptors
    from casatools.plotting.visibilities import PlotOptions, normalised
    from casatools.plotting.visibility_figure import plot_visibilities

    for name, default in _ONLY_DEFAULT.items():
        if given[name] != default:
            raise UnsupportedError(f"plotms: {name}={given[name]!r} is not supported; only {default!r} is")
    for name in ("xdatacolumn", "ydatacolumn"):
        if given[name] not in ("", "data", "corrected", "model", "residual", "float"):
            raise UnsupportedError(
                f"plotms: {name}={given[name]!r} is not supported; use data, corrected, model, residual or float"
            )
    if not vis:
        raise ParameterError("plotms: parameter 'vis' must name a MeasurementSet or calibration table; got ''")
    require_present(vis, "MeasurementSet")
    target = plotfile or (f"{vis.rstrip('/')}.plotms.png" if showgui else "")
    if target:
        require_absent(target, overwrite or not plotfile)
    if exprange not in ("", "all"):
        raise UnsupportedError(f"plotms: exprange={exprange!r} is not supported; all panels are written into one file")
    if (showatm or showtsky) and (normalised(xaxis or "time") != "frequency" or (showatm and showtsky)):
        raise ParameterError(
            f"plotms: one of showatm and showtsky goes with xaxis='frequency'; got showatm={showatm}, showtsky={showtsky}, xaxis={xaxis!r}"
        )
    if not clearplots:
        raise UnsupportedError("plotms: clearplots=False is not supported; each call makes a new figure")
    options = PlotOptions(
        x=normalised(xaxis or "time"),
        y=normalised(yaxis or "amp"),
        x_column=xdatacolumn or "data",
        y_column=ydatacolumn or "data",
        channels=max(1, int(float(avgchannel))) if averagedata and avgchannel else 1,
        time_s=float(to_unit(avgtime, "s")) if averagedata and avgtime else 0.0,
        over_scan=averagedata and avgscan,
        over_field=averagedata and avgfield,
        over_baseline=averagedata and avgbaseline,
        scalar=averagedata and scalar,
        rest_frequency_hz=float(to_unit(restfreq, "Hz")) if restfreq and transform else 0.0,
        color=normalised(coloraxis),
        iterate=normalised(iteraxis),
    )
    more = {k: given[k] for k in _SELECTED} if selectdata else {}
    if more:
        more["correlation"] = doubled_receptors(vis, correlation)
    resolution = float(dpi) if dpi > 0 else (240.0 if highres else 120.0)
    size = (width / resolution if width > 0 else 8.5, height / resolution if height > 0 else 6.0)
    plot_visibilities(
        vis,
        target,
        Selection(field=field, spw=spw, taql=msselect if selectdata else "", **more),
        options,
        title=title,
        labels=(xlabel, ylabel),
        ranges=tuple(plotrange),
        file_format=expformat,
        size_in=size,
        dpi=resolution,
        overwrite=overwrite or not plotfile,
        symbol_size=float(symbolsize) if customsymbol else 2.0,
        legend=showlegend or bool(coloraxis),
        sky="atm" if showatm else "tsky" if showtsky else "",
    )
    if showgui:
        show_in_notebook(target)
