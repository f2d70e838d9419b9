"""plotants: plot the positions of the antennas."""

from __future__ import annotations

from typing import Annotated

from casatasks._params import Vis
from casatasks._task import task
from casatools._base import kinds
from casatools._base.errors import ParameterError

__all__ = ["plotants"]


@task(group="visualization")
def plotants(
    vis: Vis = "",
    figfile: Annotated[str, kinds.OutPath(), "File to write; '' writes <vis>.plotants.png with showgui, else nothing"] = "",
    antindex: Annotated[bool, kinds.Bool(), "Label the antennas with their numbers too"] = False,
    logpos: Annotated[bool, kinds.Bool(), "Logarithmic distance from the centre"] = False,
    exclude: Annotated[str, kinds.Text(), "Antennas to leave out, names or numbers, separated by commas"] = "",
    checkbaselines: Annotated[bool, kinds.Bool(), "Only antennas that have data"] = False,
    title: Annotated[str, kinds.Text(), "Title of the plot"] = "",
    showgui: Annotated[
        bool,
        kinds.Bool(),
        "Show the plot in a notebook; there is no window elsewhere: without figfile a PNG beside the data is written",
    ] = True,
) -> None:
    """Plot the positions of the antennas of a MeasurementSet into a file.

    Raises
    ------
    ParameterError
        An antenna to leave out does not exist.
    UnsupportedError
        The ending of `figfile` is not that of a picture.

    Examples
    --------
    >>> plotants("ngc5921.ms", figfile="antennas.png")  # doctest: +SKIP
    """
    from casatools.plotting.antennas import AntennaPlanOptions, plot_antennas
    from casatools.plotting.figure import show_in_notebook

    if not vis:
        raise ParameterError("plotants: parameter 'vis' must name a MeasurementSet; got ''")
    left_out = tuple(e.strip() for e in exclude.split(",") if e.strip())
    target = figfile or (f"{vis.rstrip('/')}.plotants.png" if showgui else "")
    plot_antennas(vis, target, AntennaPlanOptions(antindex, logpos, left_out, checkbaselines, title))
    if showgui:
        show_in_notebook(target)
