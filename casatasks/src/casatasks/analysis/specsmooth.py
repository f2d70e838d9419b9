"""specsmooth: images smoothed along the spectral or another axis."""

from __future__ import annotations

from typing import Annotated

from casatasks._params import Box, Chans, ImageName, Mask, OutFile, Overwrite, Region, Stokes, Stretch
from casatasks._task import task
from casatools._base import kinds
from casatools._base.errors import ParameterError
from casatools.analysis.axis_smoothing import AxisSmoothing, smooth_axis
from casatools.analysis.regions import ImageSelection
from casatools.analysis.sub_images import PixelChoice
from casatools.tools.image_access import open_image

__all__ = ["specsmooth"]


@task(group="analysis", pictures=("outfile",))
def specsmooth(
    imagename: ImageName = "",
    outfile: OutFile = "",
    box: Box = "",
    chans: Chans = "",
    stokes: Stokes = "",
    region: Region = "",
    mask: Mask = "",
    overwrite: Overwrite = False,
    stretch: Stretch = False,
    axis: Annotated[int, kinds.Int(), "Axis to smooth; negative is the spectral one"] = -1,
    function: Annotated[str, kinds.Text(), "hanning or boxcar"] = "hanning",
    width: Annotated[int, kinds.Int(), "Width of a boxcar"] = 2,
    dmethod: Annotated[
        str, kinds.Text(), "Decimation: '' keeps all pixels, copy every second (boxcar: width-th), mean averages them"
    ] = "copy",
) -> None:
    """Smooth an image along one axis.

    Raises
    ------
    ParameterError, SelectionError, PathMissingError, OutputExistsError, DataError
        Function or decimation are unknown, the axis is too short, nothing is selected, the image is missing, the output exists, or
        beams change along the axis.

    Examples
    --------
    >>> specsmooth("cube.image", "smooth.image", function="hanning", dmethod="")
    """
    if not outfile:
        raise ParameterError("specsmooth: parameter 'outfile' must be given; it names the new image")
    options = AxisSmoothing(function, width, dmethod, axis)
    with open_image(imagename) as image:
        smooth_axis(image, outfile, options, PixelChoice(ImageSelection(region, box, chans, stokes), mask, stretch), overwrite)
