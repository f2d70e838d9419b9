"""imval: pixel values and coordinates."""

from __future__ import annotations

from typing import Annotated, Any

from casatasks._params import Box, Chans, ImageName, Stokes
from casatasks._task import task
from casatools._base import kinds
from casatools.analysis.image_values import image_values
from casatools.analysis.regions import ImageSelection
from casatools.tools.image_access import open_image

__all__ = ["imval"]


@task(group="analysis")
def imval(
    imagename: ImageName = "",
    region: Annotated[
        Any, kinds.Variant((kinds.Text(), kinds.Record(), kinds.TextList())), "Region: CASA region text or file; '' is none"
    ] = "",
    box: Box = "",
    chans: Chans = "",
    stokes: Stokes = "",
) -> dict[str, Any]:
    """Get pixel values, mask and world coordinates of an image or part of it.

    With neither region nor box the spectrum at the reference pixel is given. A box of one position ``'x,y'`` is a single pixel,
    ``'-1,-1'`` the whole plane.

    Returns
    -------
    dict
        ``data mask`` with degenerate axes dropped, ``coords`` with the world values of each pixel in a last axis, ``unit axes blc trc``.

    Raises
    ------
    ParameterError, SelectionError, PathMissingError
        A parameter is bad, nothing is selected, or there is no such image.

    Examples
    --------
    >>> imval("cube.image", box="30,34,32,35", chans="3")["data"]
    """
    with open_image(imagename) as image:
        return image_values(image, ImageSelection(region, box, chans, stokes))
