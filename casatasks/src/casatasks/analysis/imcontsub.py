"""imcontsub: continuum subtraction in the image."""

from __future__ import annotations

from typing import Annotated, Any

from casatasks._params import Chans, ImageName, Region, Stokes
from casatasks._task import task
from casatools._base import kinds
from casatools._base.errors import ParameterError
from casatools.analysis.continuum_images import subtract_continuum
from casatools.analysis.regions import ImageSelection
from casatools.analysis.sub_images import PixelChoice
from casatools.tools.image_access import open_image

__all__ = ["imcontsub"]


@task(group="analysis", pictures=("linefile", "contfile"))
def imcontsub(
    imagename: ImageName = "",
    linefile: Annotated[str, kinds.OutPath(), "Image of the line to write; '' writes none"] = "",
    contfile: Annotated[str, kinds.OutPath(), "Image of the continuum to write; '' writes none"] = "",
    fitorder: Annotated[int, kinds.Int(), "Order of the polynomial"] = 0,
    region: Region = "",
    box: Annotated[Any, kinds.Text(), "Rectangles in direction pixels; '' is all"] = "",
    chans: Chans = "",
    stokes: Stokes = "",
) -> None:
    """Fit polynomials to channels without line and take them away.

    `chans` names the channels that are fitted; the images hold all channels.

    Raises
    ------
    ParameterError, SelectionError, PathMissingError, OutputExistsError
        Too few channels are fitted, nothing is selected, there is no such image, or an output exists.

    Examples
    --------
    >>> imcontsub("cube.image", linefile="line.image", contfile="cont.image", fitorder=1, chans="0~5,55~60")
    """
    if fitorder < 0:
        raise ParameterError(f"imcontsub: parameter 'fitorder' must not be negative; got {fitorder}")
    with open_image(imagename) as image:
        axis = image.coordinates.spectral_axis
        if axis is None:
            raise ParameterError(f"imcontsub: image {imagename!r} has no spectral axis")
        channels = ImageSelection(chans=chans).channels(image.coordinates, image.shape).tolist() if chans.strip() else []
        subtract_continuum(image, linefile, contfile, channels, fitorder, PixelChoice(ImageSelection(region, box, "", stokes)))
