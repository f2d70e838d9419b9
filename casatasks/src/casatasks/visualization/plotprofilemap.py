"""plotprofilemap: the spectra of an image drawn at their places on the sky."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from casatasks._params import ImageName, Overwrite
from casatasks._task import task
from casatools._base import kinds
from casatools._base.errors import ParameterError
from casatools._base.paths import require_present

__all__ = ["plotprofilemap"]


def _numbers(text: str, name: str) -> list[float]:
    try:
        return [float(v) for v in re.split(r"[,~\s]+", text.strip()) if v]
    except ValueError:
        raise ParameterError(f"plotprofilemap: parameter {name!r} must be numbers such as '8,6'; got {text!r}") from None


@task(group="visualization")
def plotprofilemap(
    imagename: ImageName = "",
    figfile: Annotated[str, kinds.OutPath(), "Picture to write; '' only draws (a notebook shows it)"] = "",
    overwrite: Overwrite = False,
    transparent: Annotated[bool, kinds.Bool(), "Transparent background"] = False,
    pol: Annotated[int, kinds.Int(), "Pixel on the polarization axis"] = 0,
    spectralaxis: Annotated[Literal["", "frequency", "channel", "velocity"], "Abscissa of the profiles"] = "",
    restfreq: Annotated[str, kinds.Text(numbers=True), "Rest frequency of velocities; '' is the image's"] = "",
    plotrange: Annotated[
        str, kinds.Text(numbers=True), "Range of the spectral axis, in what is drawn along it, such as '5~15'; '' is all"
    ] = "",
    title: Annotated[str, kinds.Text(), "Title"] = "",
    linecolor: Annotated[str, kinds.Text(), "Colour of the lines"] = "b",
    linestyle: Annotated[str, kinds.Text(), "Their style"] = "-",
    linewidth: Annotated[float, kinds.Float(), "Their width"] = 0.2,
    separatepanel: Annotated[bool, kinds.Bool(), "Space between the panels"] = True,
    plotmasked: Annotated[
        Literal["empty", "text", "zero", "none", "plot"],
        "Panels without good pixels: empty, a text, zero, left out, or their values",
    ] = "empty",
    maskedcolor: Annotated[str, kinds.Text(), "Colour of masked values"] = "gray",
    showaxislabel: Annotated[bool, kinds.Bool(), "Label the axes of the first panel"] = False,
    showtick: Annotated[bool, kinds.Bool(), "Ticks"] = False,
    showticklabel: Annotated[bool, kinds.Bool(), "Numbers at the ticks of the first panel"] = False,
    figsize: Annotated[str, kinds.Text(numbers=True), "Width and height [inch], '8,6'"] = "",
    numpanels: Annotated[str, kinds.Text(numbers=True), "Panels along x and y, '8,6', or one number for both"] = "",
) -> None:
    """Draw the mean spectrum of each cell of a grid over an image.

    Raises
    ------
    ParameterError, PathMissingError, DataError, OutputExistsError
        A parameter cannot be used, the image is missing or has no spectra on the sky, or the picture exists.

    Examples
    --------
    >>> plotprofilemap("cube.image", figfile="map.png", numpanels="8,8")  # doctest: +SKIP
    """
    from casatools.plotting.profile_map import ProfileMapOptions, draw_profile_map

    require_present(imagename, "image")
    panels = [int(v) for v in _numbers(numpanels, "numpanels")]
    size = _numbers(figsize, "figsize")
    if len(panels) > 2 or len(size) not in (0, 2):
        raise ParameterError(
            f"plotprofilemap: 'numpanels' takes one or two numbers, 'figsize' two; got {numpanels!r} and {figsize!r}"
        )
    columns, rows = (panels * 2)[:2] if panels else (0, 0)
    if panels and min(panels) < 1:
        raise ParameterError(f"plotprofilemap: parameter 'numpanels' must be at least 1; got {numpanels!r}")
    options = ProfileMapOptions(
        pol, (columns, rows), spectralaxis, restfreq, _range(plotrange), title, linecolor, linestyle, linewidth, separatepanel, plotmasked,
        maskedcolor, showaxislabel, showtick, showticklabel, (size[0], size[1]) if size else (7.0, 5.5), transparent,
    )  # fmt: skip
    draw_profile_map(imagename, figfile, options, overwrite)


def _range(text: str) -> tuple[float, ...]:
    if not text.strip():
        return ()
    match = re.fullmatch(r"\s*(\S+?)\s*[~,]\s*(\S+)\s*", text)
    if not match:
        raise ParameterError(f"plotprofilemap: parameter 'plotrange' must be such as '-1~5'; got {text!r}")
    return tuple(_numbers(f"{match.group(1)} {match.group(2)}", "plotrange"))
