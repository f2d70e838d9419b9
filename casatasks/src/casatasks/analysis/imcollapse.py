"""imcollapse: statistics along axes as an image."""

from __future__ import annotations

from typing import Annotated, Any

from casatasks._params import Box, Chans, ImageName, Mask, OutFile, Overwrite, Region, Stokes, Stretch
from casatasks._task import task
from casatools._base import kinds
from casatools._base.errors import ParameterError
from casatools.analysis.collapsed_images import collapse_function, collapse_image
from casatools.analysis.image_moments import moment_axis
from casatools.analysis.regions import ImageSelection
from casatools.analysis.sub_images import PixelChoice
from casatools.tools.image_access import open_image

__all__ = ["imcollapse"]

_Axes = kinds.Variant((kinds.IntList(), kinds.TextList(drop_empty=True)))


@task(group="analysis", pictures=("outfile",))
def imcollapse(
    imagename: ImageName = "",
    function: Annotated[
        str, kinds.Text(), "Statistic: flux, madm, max, mean, median, min, npts, rms, sqrtsum, stddev, sum, variance, xmadm"
    ] = "",
    axes: Annotated[Any, _Axes, "Axes to collapse: numbers, or beginnings of their names"] = [],  # noqa: B006 - copied
    outfile: OutFile = "",
    box: Box = "",
    region: Region = "",
    chans: Chans = "",
    stokes: Stokes = "",
    mask: Mask = "",
    overwrite: Overwrite = False,
    stretch: Stretch = False,
) -> None:
    """Reduce axes of an image to one pixel by a statistic.

    Raises
    ------
    ParameterError, SelectionError, PathMissingError, OutputExistsError
        A parameter is bad, nothing is selected, there is no such image, or the output exists.

    Examples
    --------
    >>> imcollapse("cube.image", function="mean", axes=[3], outfile="mean.image")
    """
    collapse_function(function)
    if not outfile:
        raise ParameterError("imcollapse: parameter 'outfile' must be given; it names the new image")
    with open_image(imagename) as image:
        along = [moment_axis(image, a) for a in axes]
        collapse_image(
            image, outfile, function, along, PixelChoice(ImageSelection(region, box, chans, stokes), mask, stretch), overwrite
        )
