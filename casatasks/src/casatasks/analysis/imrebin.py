"""imrebin: averages over bins of pixels."""

from __future__ import annotations

from typing import Annotated

from casatasks._params import Box, Chans, ImageName, Mask, OutFile, Overwrite, Region, Stokes, Stretch
from casatasks._task import task
from casatools._base import kinds
from casatools._base.errors import ParameterError
from casatools.analysis.regions import ImageSelection
from casatools.analysis.sub_images import PixelChoice, rebin_image
from casatools.tools.image_access import open_image

__all__ = ["imrebin"]


@task(group="analysis", pictures=("outfile",))
def imrebin(
    imagename: ImageName = "",
    outfile: OutFile = "",
    factor: Annotated[list[int], kinds.IntList(), "Pixels of a bin along each axis"] = [],  # noqa: B006 - copied
    region: Region = "",
    box: Box = "",
    chans: Chans = "",
    stokes: Stokes = "",
    mask: Mask = "",
    dropdeg: Annotated[bool, kinds.Bool(), "Leave out axes of one pixel"] = False,
    overwrite: Overwrite = False,
    stretch: Stretch = False,
    crop: Annotated[bool, kinds.Bool(), "Leave out a last bin that is not full"] = True,
) -> None:
    """Average an image over bins of pixels; masked pixels do not count.

    Raises
    ------
    ParameterError, SelectionError, PathMissingError, OutputExistsError
        A parameter is bad, nothing is selected, there is no such image, or the output exists.

    Examples
    --------
    >>> imrebin("cube.image", outfile="small.image", factor=[2, 2, 1, 4])
    """
    if not outfile:
        raise ParameterError("imrebin: parameter 'outfile' must be given; it names the new image")
    with open_image(imagename) as image:
        choice = PixelChoice(ImageSelection(region, box, chans, stokes), mask, stretch)
        rebin_image(image, outfile, factor, choice, dropdeg, crop, overwrite)
