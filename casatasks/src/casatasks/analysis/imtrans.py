"""imtrans: axes of an image in another order."""

from __future__ import annotations

from typing import Annotated, Any

from casatasks._params import ImageName, OutFile
from casatasks._task import task
from casatools._base import kinds
from casatools._base.errors import ParameterError
from casatools.analysis.sub_images import axis_order, transpose_image
from casatools.tools.image_access import open_image

__all__ = ["imtrans"]


@task(group="analysis", pictures=("outfile",))
def imtrans(
    imagename: ImageName = "",
    outfile: OutFile = "",
    order: Annotated[
        Any, kinds.Variant((kinds.Int(), kinds.Text(), kinds.TextList())), "New order: digits such as '201', or names of axes"
    ] = "",
) -> None:
    """Write an image with its axes in another order.

    Raises
    ------
    ParameterError, PathMissingError, OutputExistsError
        The order names not each axis once, there is no such image, or the output exists.

    Examples
    --------
    >>> imtrans("cube.image", outfile="turned.image", order="3012")
    """
    if not outfile:
        raise ParameterError("imtrans: parameter 'outfile' must be given; it names the new image")
    with open_image(imagename) as image:
        transpose_image(image, outfile, axis_order(image, order))
