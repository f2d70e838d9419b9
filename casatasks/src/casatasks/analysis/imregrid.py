"""imregrid: images on other coordinates."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Annotated, Any, Literal

import numpy as np

from casatasks._params import ImageName, Overwrite
from casatasks._task import task
from casatools._base import kinds
from casatools._base.errors import ParameterError
from casatools.analysis.regrid_places import FRAMES, frame_grid
from casatools.analysis.regridding import RegridOptions, regrid_image
from casatools.analysis.sub_images import PixelChoice
from casatools.tools.coordsys.structure import coordinates_from_tool_record, tool_record
from casatools.tools.image_access import open_image

__all__ = ["imregrid"]


@task(group="analysis", pictures=("output",))
def imregrid(
    imagename: ImageName = "",
    template: Annotated[
        Any,
        kinds.Variant((kinds.Text(), kinds.Record())),
        "Image whose coordinates are wanted, a record of such, 'get' for the record, or a frame",
    ] = "get",
    output: Annotated[str, kinds.OutPath(), "Name of the new image"] = "",
    asvelocity: Annotated[bool, kinds.Bool(), "Match the spectral axes by velocity"] = True,
    axes: Annotated[list[int], kinds.IntList(), "Axes to regrid; -1 is all that can be"] = [-1],  # noqa: B006 - copied
    shape: Annotated[list[int], kinds.IntList(), "Shape of the new image; -1 is the template's"] = [-1],  # noqa: B006 - copied
    interpolation: Annotated[Literal["nearest", "linear", "cubic"], "Interpolation"] = "linear",
    decimate: Annotated[
        int, kinds.Int(), "Pixels between those that decide about the very edge as CASA does; all places are exact"
    ] = 10,
    replicate: Annotated[bool, kinds.Bool(), "Match the sky's pixels by number instead of coordinates"] = False,
    overwrite: Overwrite = False,
) -> Any:
    """Put an image onto the coordinates of another.

    With a frame (J2000, B1950, GALACTIC, ICRS, ECLIPTIC, SUPERGAL) as template, the sky axes are turned to that frame about the middle of the image
    and made as large as the old image needs. A template of one channel, or without a matching axis, leaves the axis as it is.

    Returns
    -------
    dict or None
        With ``template="get"`` a record of the image's own coordinates and shape (``csys``, ``shap``), to be passed as a template.

    Raises
    ------
    ParameterError, PathMissingError, OutputExistsError, DataError
        Axes do not match, an image is missing, the output exists, or the images do not overlap.

    Examples
    --------
    >>> imregrid("a.image", template="b.image", output="a.on.b.image")
    """
    with open_image(imagename) as image:
        if template == "get":
            return {"csys": tool_record(image.coordinates), "shap": np.array(image.shape[::-1], dtype=np.int64)}
        if not output:
            raise ParameterError("imregrid: parameter 'output' must be given; it names the new image")
        options = RegridOptions(tuple(a for a in axes if a >= 0), interpolation, asvelocity, decimate, replicate)
        if isinstance(template, dict):
            if "csys" not in template or "shap" not in template:
                raise ParameterError("imregrid: parameter 'template' must hold 'csys' and 'shap'; make one with template='get'")
            target, size = coordinates_from_tool_record(template["csys"]), [int(n) for n in template["shap"]]
        elif template.upper() in FRAMES and not os.path.exists(template):
            target, size = frame_grid(image, template.upper())
            options = replace(options, axes=image.coordinates.direction_axes)
        else:
            with open_image(template) as other:
                target, size = other.coordinates.copy(), list(other.shape[::-1])
                if len(size) != image.ndim:
                    raise ParameterError(f"imregrid: the template has {len(size)} axes, the image has {image.ndim}")
        if any(n > 0 for n in shape):
            size = [int(n) for n in shape]
        if len(size) != image.ndim:
            raise ParameterError(f"imregrid: a shape of {len(size)} axes does not fit an image of {image.ndim}")
        _keep_own(image, target, size, shape)
        regrid_image(image, output, target, size, options, PixelChoice(), overwrite)
    return None


def _keep_own(image: Any, target: Any, size: list[int], shape: list[int]) -> None:
    """A template with one channel does not collapse the spectral axis: the image keeps its own, as in the reference."""
    axis = image.coordinates.spectral_axis
    other = target.spectral_axis
    given = any(n > 0 for n in shape)
    if axis is None or other is None or given or size[other] > 1:
        return
    size[other] = image.shape[image.ndim - 1 - axis]
    target.replace(target.find("Spectral"), image.coordinates.spectral)
