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
from casatools._base import kinds, log

__all__ = ["plotms"]

# One for all vertical axes, or one for each.
_EACH_BOOL = kinds.Variant((kinds.Bool(), kinds.BoolList(), kinds.Text(), kinds.TextList()))
_EACH_TEXT = kinds.Variant((kinds.Text(), kinds.TextList()))
_EACH_NUMBER = kinds.Variant((kinds.Float(), kinds.FloatList(), kinds.Text(), kinds.TextList()))


@task(group="visualization")
def plotms(
    vis: Vis = "",
    gridrows: Annotated[int, kinds.Int(), "Rows of the page of panels"] = 1,
    gridcols: Annotated[int, kinds.Int(), "Columns of the page of panels"] = 1,
    rowindex: Annotated[int, kinds.Int(), "Row of the plot's panel, from 0"] = 0,
    colindex: Annotated[int, kinds.Int(), "Column of the plot's panel, from 0"] = 0,
    plotindex: Annotated[
        int, kinds.Int(), "Number of the plot: with clearplots=False plots of other numbers stay on the page"
    ] = 0,
    xaxis: Annotated[str, kinds.Text(numbers=True), "Horizontal axis, such as time, uvdist, channel, frequency; '' is time"] = "",
    xdatacolumn: Annotated[
        str, kinds.Text(numbers=True), "Column of a horizontal axis of visibilities: data, corrected, model, residual"
    ] = "",
    xframe: Annotated[
        str,
        kinds.Text(numbers=True),
        "Frame of ant-ra and ant-dec at the horizontal axis, such as icrs, j2000, b1950, galactic; '' is J2000",
    ] = "",
    xinterp: Annotated[
        str, kinds.Text(numbers=True), "Pointings between their times: nearest, or cubic spline; '' is cubic"
    ] = "",
    yaxis: Annotated[
        Any,
        kinds.Variant((kinds.Text(), kinds.TextList())),
        "Vertical axis, such as amp or phase; a list draws several; '' is amp",
    ] = "",
    ydatacolumn: Annotated[
        Any,
        kinds.Variant((kinds.Text(), kinds.TextList())),
        "Column of the vertical axis, one for each or for all: data, corrected, model, float, residual, corrected-model_vector, corrected/model_scalar and their kind",
    ] = "",
    yframe: Annotated[str, kinds.Text(numbers=True), "As xframe, for the vertical axis"] = "",
    yinterp: Annotated[str, kinds.Text(numbers=True), "As xinterp, for the vertical axis"] = "",
    yaxislocation: Annotated[
        Any, kinds.Variant((kinds.Text(), kinds.TextList())), "Side of each vertical axis: left or right"
    ] = "",
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
    avgantenna: Annotated[bool, kinds.Bool(), "Average all baselines of each antenna"] = False,
    avgspw: Annotated[bool, kinds.Bool(), "Average over spectral windows of the same number of channels"] = False,
    scalar: Annotated[bool, kinds.Bool(), "Average amplitudes and phases"] = False,
    transform: Annotated[bool, kinds.Bool(), "Use the frame parameters"] = True,
    freqframe: Annotated[
        str, kinds.Text(numbers=True), "Frame of frequencies and velocities, such as LSRK; '' is that of the data"
    ] = "",
    restfreq: Annotated[str, kinds.Text(numbers=True), "Rest frequency for velocities"] = "",
    veldef: Annotated[str, kinds.Text(numbers=True), "Velocities: RADIO, OPTICAL or TRUE"] = "RADIO",
    phasecenter: Annotated[
        str,
        kinds.Text(numbers=True),
        "Turn phases to this direction, such as 'J2000 19h53m50 40d06m00', or by two offsets such as '10arcsec -5arcsec'",
    ] = "",
    extendflag: Annotated[
        bool, kinds.Bool(), "Accepted for compatibility: flags are extended only where a window is used to flag"
    ] = False,
    extcorr: Annotated[
        bool, kinds.Bool(), "Accepted for compatibility: flags are extended only where a window is used to flag"
    ] = False,
    extchannel: Annotated[
        bool, kinds.Bool(), "Accepted for compatibility: flags are extended only where a window is used to flag"
    ] = False,
    iteraxis: Annotated[str, kinds.Text(numbers=True), "One panel for each value of this axis"] = "",
    xselfscale: Annotated[bool, kinds.Bool(), "Give the panels of an iteration one horizontal range"] = False,
    yselfscale: Annotated[bool, kinds.Bool(), "Give the panels of an iteration one vertical range"] = False,
    xsharedaxis: Annotated[bool, kinds.Bool(), "Number the lowest panels only; needs xselfscale and several rows"] = False,
    ysharedaxis: Annotated[bool, kinds.Bool(), "Number the leftmost panels only; needs yselfscale and several columns"] = False,
    customsymbol: Annotated[Any, _EACH_BOOL, "Use the symbol parameters"] = False,
    symbolshape: Annotated[Any, _EACH_TEXT, "autoscaling, circle, square, diamond, pixel, nosymbol"] = "autoscaling",
    symbolsize: Annotated[Any, _EACH_NUMBER, "Size of the symbols [point]"] = 2,
    symbolcolor: Annotated[Any, _EACH_TEXT, "Colour: a name, or hexadecimal digits"] = "0000ff",
    symbolfill: Annotated[Any, _EACH_TEXT, "fill, mesh1, mesh2, mesh3, nofill"] = "fill",
    symboloutline: Annotated[Any, _EACH_BOOL, "Draw the edges of symbols"] = False,
    coloraxis: Annotated[str, kinds.Text(numbers=True), "Colour by this axis"] = "",
    customflaggedsymbol: Annotated[Any, _EACH_BOOL, "Draw flagged points too, with the parameters that follow"] = False,
    flaggedsymbolshape: Annotated[Any, _EACH_TEXT, "As symbolshape, of flagged points"] = "nosymbol",
    flaggedsymbolsize: Annotated[Any, _EACH_NUMBER, "Size [point]"] = 2,
    flaggedsymbolcolor: Annotated[Any, _EACH_TEXT, "Colour"] = "ff0000",
    flaggedsymbolfill: Annotated[Any, _EACH_TEXT, "As symbolfill"] = "fill",
    flaggedsymboloutline: Annotated[Any, _EACH_BOOL, "Draw the edges"] = False,
    xconnector: Annotated[Any, _EACH_TEXT, "Join points: none, line or step"] = "",
    timeconnector: Annotated[bool, kinds.Bool(), "Join the points in time instead of along the horizontal axis"] = False,
    plotrange: Annotated[
        Any, kinds.Variant((kinds.FloatList(), kinds.Text(""))), "[xmin, xmax, ymin, ymax]; equal bounds are automatic"
    ] = [],  # noqa: B006
    title: Annotated[str, kinds.Text(numbers=True), "Title"] = "",
    titlefont: Annotated[int, kinds.Int(), "Size of the title's letters [point]; 0 chooses"] = 0,
    xlabel: Annotated[str, kinds.Text(numbers=True), "Label of the horizontal axis"] = "",
    xaxisfont: Annotated[int, kinds.Int(), "Size of the horizontal label's letters [point]; 0 chooses"] = 0,
    ylabel: Annotated[str, kinds.Text(numbers=True), "Label of the vertical axis"] = "",
    yaxisfont: Annotated[int, kinds.Int(), "Size of the vertical label's letters [point]; 0 chooses"] = 0,
    showmajorgrid: Annotated[
        bool, kinds.Bool(), "Draw the grid as the parameters that follow say; without it its lines are faint"
    ] = False,
    majorwidth: Annotated[int, kinds.Int(), "Width of the grid's lines"] = 1,
    majorstyle: Annotated[str, kinds.Text(numbers=True), "Lines of the grid: solid, dash, dot, none"] = "",
    majorcolor: Annotated[str, kinds.Text(numbers=True), "Colour of the grid's lines"] = "B0B0B0",
    showminorgrid: Annotated[bool, kinds.Bool(), "Draw a finer grid too"] = False,
    minorwidth: Annotated[int, kinds.Int(), "Width of the finer grid's lines"] = 1,
    minorstyle: Annotated[str, kinds.Text(numbers=True), "Lines of the finer grid: solid, dash, dot, none"] = "",
    minorcolor: Annotated[str, kinds.Text(numbers=True), "Colour of the finer grid's lines"] = "D0D0D0",
    showlegend: Annotated[bool, kinds.Bool(), "Show a legend"] = False,
    legendposition: Annotated[
        str,
        kinds.Text(numbers=True),
        "upperRight, upperLeft, lowerRight, lowerLeft, or exteriorRight, exteriorLeft, exteriorTop, exteriorBottom",
    ] = "",
    plotfile: Annotated[str, kinds.OutPath(), "File to write; '' is <vis>.plotms.png with showgui"] = "",
    expformat: Annotated[
        str, kinds.Text(numbers=True), "Format of the file, such as png, pdf or txt (the points themselves); '' is by its ending"
    ] = "",
    verbose: Annotated[bool, kinds.Bool(), "Name the file in the log; in text, write what each point belongs to"] = True,
    exprange: Annotated[
        str,
        kinds.Text(numbers=True),
        "Pages of an iteration: current (or '') is the first, all writes a file each, with the values of the page in its name",
    ] = "",
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
    clearplots: Annotated[
        bool, kinds.Bool(), "Begin a new page; False adds to, or replaces a plot of, the page of the calls before"
    ] = True,
    callib: Annotated[
        Any,
        kinds.Variant((kinds.TextList(), kinds.Text())),
        "Calibration library: a file or lines such as \"caltable='a.G' calwt=T\", applied on the way for the column corrected",
    ] = [],  # noqa: B006
    headeritems: Annotated[
        str,
        kinds.Text(),
        "Text above the plot, of filename, ycolumn, obsdate, obstime, observer, projid, telescope, targname, targdir",
    ] = "",
    showatm: Annotated[bool, kinds.Bool(), "Draw the transmission of the atmosphere too, against xaxis='frequency'"] = False,
    showtsky: Annotated[bool, kinds.Bool(), "Draw the temperature of the sky too, against xaxis='frequency'"] = False,
    showimage: Annotated[
        bool, kinds.Bool(), "Draw the curve of the image sideband too; needs the ASDM_RECEIVER table of ALMA's data"
    ] = False,
) -> bool:
    """Plot visibilities of a MeasurementSet, or solutions of a calibration table, into a file.

    There is no window: without `plotfile` a PNG beside the data is written, and shown in a notebook.

    Returns
    -------
    bool
        True.

    Raises
    ------
    ParameterError
        An axis, a column or a style is not known, or parameters do not go together.
    UnsupportedError
        A data column of a calibration table, or two plots with an iteration axis on one page.
    OutputExistsError
        The file exists.

    Notes
    -----
    An iteration axis gives one page with all panels where the grid is 1 x 1, else pages of as many panels as the grid has. Data are averaged
    with their weights; solutions are drawn as they are. Where no axes are asked for, those of a calibration table go by what it holds, such as
    delay against antenna. A `plotfile` that ends with .txt, or ``expformat="txt"``, gets the points as text. Axes are the names that ``casatools.plotting.plot_axes.AXES`` lists.

    Examples
    --------
    >>> plotms("ngc5921.ms", xaxis="uvdist", yaxis="amp", field="0", avgchannel="63", plotfile="uv.png")  # doctest: +SKIP
    """
    given = dict(locals())
    from casatools.plotting.figure import show_in_notebook
    from casatools.plotting.plot_request import draw_request

    for name in draw_request(given):
        if verbose:
            log.post(f"Plot written to {name}")
        if showgui:
            show_in_notebook(name)
    return True
