"""Plot bandpass solutions."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from casatasks import _params as P
from casatasks._task import task
from casatools._base import kinds, log
from casatools._base.errors import ParameterError

__all__ = ["plotbandpass"]


@task(group="calibration")
def plotbandpass(
    caltable: P.CalTableIn = "",
    antenna: Annotated[
        Any,
        kinds.Variant((kinds.Text(numbers=True), kinds.TextList(numbers=True))),
        "Antennas by name, number or range, ! leaves out; '' is all",
    ] = "",
    field: Annotated[
        Any, kinds.Variant((kinds.Text(numbers=True), kinds.TextList(numbers=True))), "Fields by name or number; '' is all"
    ] = "",
    spw: Annotated[
        Any, kinds.Variant((kinds.Text(numbers=True), kinds.TextList(numbers=True))), "Spectral windows; '' is all"
    ] = "",
    yaxis: Annotated[
        Literal["amp", "ampdb", "phase", "tsys", "both", "bothdb", "ap", "apdb"],
        "What is drawn: amplitude, in decibels, phase, both",
    ] = "amp",
    xaxis: Annotated[Literal["chan", "freq"], "Channel or frequency"] = "chan",
    figfile: Annotated[str, kinds.Text(), "Name of the plot file; '' shows nothing here"] = "",
    plotrange: Annotated[list[float], kinds.FloatList(), "Limits [x0, x1, y0, y1]; zeros are automatic"] = [0.0, 0.0, 0.0, 0.0],  # noqa: B006
    caltable2: Annotated[str, kinds.Text(), "Second table, drawn over the first with crosses; '' for none"] = "",
    overlay: Annotated[
        Literal["", "antenna", "baseband", "spw", "time", "antenna,time", "time,antenna"], "What shares a panel"
    ] = "",
    showflagged: Annotated[bool, kinds.Bool(), "Show flagged solutions too"] = False,
    timeranges: Annotated[str, kinds.Text(), "Numbers of the solution times to show, such as '0,2~3'; '' is all"] = "",
    buildpdf: Annotated[bool, kinds.Bool(), "Write all pages into one PDF too"] = False,
    caltable3: Annotated[str, kinds.Text(), "Third table, drawn with pluses; '' for none"] = "",
    markersize: Annotated[int, kinds.Int(), "Size of the points"] = 3,
    density: Annotated[int, kinds.Int(), "Dots per inch of the file"] = 108,
    interactive: Annotated[
        bool, kinds.Bool(), "Wait for keys between pages: there is no window here, so both are the same"
    ] = True,
    showpoints: Annotated[Any, kinds.Variant(), "Draw points: 'auto', True or False"] = "auto",
    showlines: Annotated[Any, kinds.Variant(), "Draw lines: 'auto', True or False"] = "auto",
    subplot: Annotated[Any, kinds.Variant(), "Rows and columns of panels on a page, such as '22'"] = "22",
    zoom: Annotated[Literal["", "intersect"], "'intersect' shows what all tables cover"] = "",
    poln: Annotated[Any, kinds.Variant(), "Polarisations 'X', 'Y', 'R', 'L'; '' is both"] = "",
    showatm: Annotated[bool, kinds.Bool(), "Draw the transmission of the atmosphere beside amplitudes"] = False,
    pwv: Annotated[
        Any, kinds.Variant(), "Precipitable water (mm) of the atmosphere; 'auto' asks the radiometers of vis, else 1 mm"
    ] = "auto",
    gs: Annotated[str, kinds.Text(), "Not needed: PDFs are written directly"] = "gs",
    convert: Annotated[str, kinds.Text(), "Not needed: PDFs are written directly"] = "convert",
    chanrange: Annotated[Any, kinds.Variant(), "Channels that set the limits, such as '5~100' or '80%'; '' is all"] = "",
    solutionTimeThresholdSeconds: Annotated[float, kinds.Float(), "Solutions closer than this (s) are of one time"] = 30.0,
    debug: Annotated[bool, kinds.Bool(), "Log more"] = False,
    phase: Annotated[Any, kinds.Variant(), "Limits (deg) of phases, such as [-180,180]; '' is automatic"] = "",
    vis: Annotated[
        str, kinds.Text(), "MeasurementSet for weather, elevation and spectral windows; '' is the one the table was made from"
    ] = "",
    showtsky: Annotated[bool, kinds.Bool(), "Draw the sky temperature beside amplitudes"] = False,
    showfdm: Annotated[bool, kinds.Bool(), "Mark the spectral windows of vis in frequency division mode (xaxis='freq')"] = False,
    showatmfield: Annotated[
        Any, kinds.Variant(), "Fields whose elevation the atmosphere takes; '' is those of the solutions"
    ] = "",
    lo1: Annotated[Any, kinds.Variant(), "First local oscillator (GHz), for showimage"] = "",
    showimage: Annotated[bool, kinds.Bool(), "Draw the atmosphere in the image sideband too (dashed)"] = False,
    showatmpoints: Annotated[bool, kinds.Bool(), "Draw the atmosphere with points"] = False,
    parentms: Annotated[str, kinds.Text(), "MeasurementSet that vis was split from; taken where there is no vis"] = "",
    pdftk: Annotated[str, kinds.Text(), "Not needed: PDFs are written directly"] = "pdftk",
    channeldiff: Annotated[Any, kinds.Variant(), "Plot the change from channel to channel: True or a number"] = False,
    edge: Annotated[int, kinds.Int(), "Channels at each edge that channeldiff does not judge"] = 8,
    resample: Annotated[int, kinds.Int(), "Points for each channel in channeldiff"] = 1,
    platformingThreshold: Annotated[
        float, kinds.Float(), "Per cent of the amplitude that is told as platforming, where platformingSigma is 0"
    ] = 10.0,
    platformingSigma: Annotated[
        float, kinds.Float(), "Changes of this many deviations are told as platforming (channeldiff)"
    ] = 10.0,
    basebands: Annotated[Any, kinds.Variant(), "Basebands, by their number; '' is all"] = "",
    showBasebandNumber: Annotated[bool, kinds.Bool(), "Name the baseband in the titles"] = False,
    scans: Annotated[
        Any, kinds.Variant((kinds.Text(numbers=True), kinds.TextList(numbers=True))), "Scans to show; '' is all"
    ] = "",
    figfileSequential: Annotated[bool, kinds.Bool(), "Number the pages rather than name them by antenna"] = False,
    chanrangeSetXrange: Annotated[bool, kinds.Bool(), "chanrange limits the axis of channels too"] = False,
) -> Any:
    """Plot solutions against channel or frequency into files, panels by antenna and spectral window.

    Raises
    ------
    PathMissingError, DataError, SelectionError, ParameterError
        A table is missing or holds no such solutions, the selection matches nothing, or parameters do not fit each other. Nothing is
        written then.

    Notes
    -----
    Files are named as CASA names them: antenna, spectral window and time of a page's first panel stand before the ending, as in
    ``b.DV01.spw17.t00.png``, or with ``figfileSequential`` the number of the page where there are several. Without figfile nothing is drawn: there is no window. The atmosphere is that of
    Recommendation ITU-R P.676 for the weather, the elevation and the water of the
    observation, with the ozone of the standard atmosphere; the sky's temperature is that of a black body.
    """
    from casatools.plotting.bandpasses import BandpassExtras, BandpassPlot, plot_bandpasses

    if showatm and showtsky:
        log.post("plotbandpass: showatm and showtsky share one axis; the transmission is drawn", "WARN")
    if caltable3 and not caltable2:
        raise ParameterError(f"plotbandpass: caltable3={caltable3!r} needs caltable2 too")
    sky = "atm" if showatm else "tsky" if showtsky else ""
    for name, wanted in (("showimage", showimage), ("showatmpoints", showatmpoints)):
        if wanted and not sky:
            raise ParameterError(f"plotbandpass: {name}=True needs showatm=True or showtsky=True")
    if platformingThreshold <= 0 or platformingSigma < 0:
        raise ParameterError(
            f"plotbandpass: platformingThreshold must be positive, platformingSigma not negative; got {platformingThreshold}, {platformingSigma}"
        )
    more = BandpassExtras(
        tuple(t for t in (caltable2, caltable3) if t), zoom, chanrange, chanrangeSetXrange, _limits(phase), basebands, showBasebandNumber,
        _number(channeldiff, "channeldiff"), edge, resample, platformingThreshold, platformingSigma, sky, pwv, vis or parentms,
        showatmfield, _number(lo1, "lo1"), showimage, showatmpoints, showfdm,
    )  # fmt: skip
    choice = BandpassPlot(
        antenna, field, spw, scans, timeranges, poln, yaxis, xaxis, tuple(plotrange), overlay, showflagged, showpoints, showlines,
        str(subplot), markersize, density, solutionTimeThresholdSeconds, more,
    )  # fmt: skip
    plot_bandpasses(caltable, figfile, choice, by_number=figfileSequential, say_more=debug, pdf=buildpdf)


def _number(given: Any, name: str) -> float:
    """A number, or text that is one; '' and False are 0, True is 1."""
    try:
        return float(given) if given != "" else 0.0
    except (TypeError, ValueError):
        raise ParameterError(f"plotbandpass: parameter {name!r} must be a number; got {given!r}") from None


def _limits(given: Any) -> tuple[float, ...]:
    if isinstance(given, str) and not given.strip():
        return ()
    try:
        items = given.strip("[]").split(",") if isinstance(given, str) else list(given)
        return tuple(float(v) for v in items)
    except (TypeError, ValueError):
        raise ParameterError(f"plotbandpass: parameter 'phase' must be two limits in degrees; got {given!r}") from None
