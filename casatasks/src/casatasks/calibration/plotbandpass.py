"""Plot bandpass solutions."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from casatasks import _params as P
from casatasks._task import task
from casatools._base import kinds
from casatools._base.errors import UnsupportedError

__all__ = ["plotbandpass"]

# Parameters of features that are not available, and their defaults.
_FIXED: dict[str, Any] = {
    "pwv": "auto",
    "gs": "gs",
    "convert": "convert",
    "chanrange": "",
    "phase": "",
    "vis": "",
    "showtsky": False,
    "showfdm": False,
    "showatmfield": "",
    "lo1": "",
    "showimage": False,
    "showatmpoints": False,
    "parentms": "",
    "pdftk": "pdftk",
    "channeldiff": False,
    "edge": 8,
    "resample": 1,
    "platformingThreshold": 10.0,
    "platformingSigma": 10.0,
    "basebands": "",
    "showBasebandNumber": False,
    "chanrangeSetXrange": False,
    "caltable2": "",
    "caltable3": "",
    "buildpdf": False,
    "showatm": False,
    "zoom": "",
}  # fmt: skip


@task(group="calibration")
def plotbandpass(
    caltable: P.CalTableIn = "",
    antenna: Annotated[
        Any, kinds.Variant((kinds.Text(numbers=True), kinds.TextList(numbers=True))), "Antennas by name or number; '' is all"
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
    caltable2: Annotated[str, kinds.Text(), "Second table to overlay; must be ''"] = "",
    overlay: Annotated[
        Literal["", "antenna", "baseband", "spw", "time", "antenna,time", "time,antenna"], "What shares a panel"
    ] = "",
    showflagged: Annotated[bool, kinds.Bool(), "Show flagged solutions too"] = False,
    timeranges: Annotated[str, kinds.Text(), "Numbers of the solution times to show, such as '0,2~3'; '' is all"] = "",
    buildpdf: Annotated[bool, kinds.Bool(), "Join the pages as a PDF; must be False"] = False,
    caltable3: Annotated[str, kinds.Text(), "Third table to overlay; must be ''"] = "",
    markersize: Annotated[int, kinds.Int(), "Size of the points"] = 3,
    density: Annotated[int, kinds.Int(), "Dots per inch of the file"] = 108,
    interactive: Annotated[
        bool, kinds.Bool(), "Wait for keys between pages: there is no window here, so both are the same"
    ] = True,
    showpoints: Annotated[Any, kinds.Variant(), "Draw points: 'auto', True or False"] = "auto",
    showlines: Annotated[Any, kinds.Variant(), "Draw lines: 'auto', True or False"] = "auto",
    subplot: Annotated[Any, kinds.Variant(), "Of features that are not available; must keep its default"] = "22",
    zoom: Annotated[Literal["", "intersect"], "Zoom to the intersection with another table; must be ''"] = "",
    poln: Annotated[Any, kinds.Variant(), "Polarisations 'X', 'Y', 'R', 'L'; '' is both"] = "",
    showatm: Annotated[bool, kinds.Bool(), "Overlay the atmosphere; must be False"] = False,
    pwv: Annotated[Any, kinds.Variant(), "Of features that are not available; must keep its default"] = "auto",
    gs: Annotated[str, kinds.Text(), "Of features that are not available; must keep its default"] = "gs",
    convert: Annotated[str, kinds.Text(), "Of features that are not available; must keep its default"] = "convert",
    chanrange: Annotated[Any, kinds.Variant(), "Of features that are not available; must keep its default"] = "",
    solutionTimeThresholdSeconds: Annotated[float, kinds.Float(), "Solutions closer than this (s) are of one time"] = 30.0,
    debug: Annotated[bool, kinds.Bool(), "Log more"] = False,
    phase: Annotated[Any, kinds.Variant(), "Of features that are not available; must keep its default"] = "",
    vis: Annotated[str, kinds.Text(), "Of features that are not available; must keep its default"] = "",
    showtsky: Annotated[bool, kinds.Bool(), "Of features that are not available; must keep its default"] = False,
    showfdm: Annotated[bool, kinds.Bool(), "Of features that are not available; must keep its default"] = False,
    showatmfield: Annotated[Any, kinds.Variant(), "Of features that are not available; must keep its default"] = "",
    lo1: Annotated[Any, kinds.Variant(), "Of features that are not available; must keep its default"] = "",
    showimage: Annotated[bool, kinds.Bool(), "Of features that are not available; must keep its default"] = False,
    showatmpoints: Annotated[bool, kinds.Bool(), "Of features that are not available; must keep its default"] = False,
    parentms: Annotated[str, kinds.Text(), "Of features that are not available; must keep its default"] = "",
    pdftk: Annotated[str, kinds.Text(), "Of features that are not available; must keep its default"] = "pdftk",
    channeldiff: Annotated[Any, kinds.Variant(), "Of features that are not available; must keep its default"] = False,
    edge: Annotated[int, kinds.Int(), "Of features that are not available; must keep its default"] = 8,
    resample: Annotated[int, kinds.Int(), "Of features that are not available; must keep its default"] = 1,
    platformingThreshold: Annotated[float, kinds.Float(), "Of features that are not available; must keep its default"] = 10.0,
    platformingSigma: Annotated[float, kinds.Float(), "Of features that are not available; must keep its default"] = 10.0,
    basebands: Annotated[Any, kinds.Variant(), "Of features that are not available; must keep its default"] = "",
    showBasebandNumber: Annotated[bool, kinds.Bool(), "Of features that are not available; must keep its default"] = False,
    scans: Annotated[
        Any, kinds.Variant((kinds.Text(numbers=True), kinds.TextList(numbers=True))), "Scans to show; '' is all"
    ] = "",
    figfileSequential: Annotated[bool, kinds.Bool(), "Number the pages rather than name them by antenna"] = False,
    chanrangeSetXrange: Annotated[bool, kinds.Bool(), "Of features that are not available; must keep its default"] = False,
) -> Any:
    """Plot solutions against channel or frequency into files, panels by antenna and spectral window.

    Raises
    ------
    PathMissingError, DataError, SelectionError, ParameterError, UnsupportedError
        The table is missing or holds no such solutions, the selection matches nothing, or a feature is not available. Nothing is
        written then.

    Notes
    -----
    Several pages are files with numbers before the ending. Without figfile nothing is drawn: there is no window.
    """
    given = dict(locals())
    for name, default in _FIXED.items():
        if given[name] != default:
            raise UnsupportedError(f"plotbandpass: {name}={given[name]!r} is not available; use {default!r}")
    from casatools.plotting.bandpasses import BandpassPlot, plot_bandpasses

    choice = BandpassPlot(
        antenna, field, spw, scans, timeranges, poln, yaxis, xaxis, tuple(plotrange), overlay, showflagged, showpoints, showlines,
        str(subplot), markersize, density, solutionTimeThresholdSeconds,
    )  # fmt: skip
    plot_bandpasses(caltable, figfile, choice, by_number=figfileSequential, say_more=debug)
