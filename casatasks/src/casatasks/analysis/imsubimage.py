"""imsubimage: part of an image as a new image."""

from __future__ import annotations

from typing import Annotated, Any

from casatasks._params import Box, Chans, ImageName, OutFile, Overwrite, Region, Stokes, Stretch
from casatasks._task import task
from casatools._base import kinds, log
from casatools._base.errors import ParameterError
from casatools.analysis.regions import ImageSelection
from casatools.analysis.sub_images import PixelChoice, sub_image
from casatools.tools.image_access import open_image

__all__ = ["imsubimage"]


@task(group="analysis", pictures=("outfile",))
def imsubimage(
    imagename: ImageName = "",
    outfile: OutFile = "",
    box: Box = "",
    region: Region = "",
    chans: Chans = "",
    stokes: Stokes = "",
    mask: Annotated[
        Any, kinds.Variant((kinds.Text(), kinds.TextList(drop_empty=True))), "Mask: a lattice expression; '' is none"
    ] = "",
    dropdeg: Annotated[bool, kinds.Bool(), "Leave out axes of one pixel"] = False,
    overwrite: Overwrite = False,
    verbose: Annotated[bool, kinds.Bool(), "Tell the log which part was taken"] = True,
    stretch: Stretch = False,
    keepaxes: Annotated[list[int], kinds.IntList(), "With dropdeg: axes that stay although they have one pixel"] = [],  # noqa: B006 - copied
) -> None:
    """Write part of an image as a new image; pixels of its bounding box that are not selected are masked.

    Raises
    ------
    ParameterError, SelectionError, PathMissingError, OutputExistsError
        A parameter is bad, nothing is selected, there is no such image, or the output exists.

    Examples
    --------
    >>> imsubimage("cube.image", outfile="line.image", chans="10~20")
    """
    if not outfile:
        raise ParameterError("imsubimage: parameter 'outfile' must be given; it names the new image")
    expression = mask if isinstance(mask, str) else " && ".join(f"({m})" for m in mask)
    with open_image(imagename) as image:
        choice = PixelChoice(ImageSelection(region, box, chans, stokes), expression, stretch)
        sub_image(image, outfile, choice, dropdeg, tuple(keepaxes), overwrite)
    if verbose:
        log.post(f"The selected part of {imagename} is in {outfile}")
