"""makemask: masks copied, united, expanded over channels, listed, deleted."""

from __future__ import annotations

import os
from typing import Annotated, Any, Literal

from casatasks._params import Overwrite
from casatasks._task import task
from casatools._base import kinds, log
from casatools._base.errors import ParameterError
from casatools.analysis.mask_images import copy_masks, delete_masks, expand_mask, mask_listing, set_default_mask
from casatools.tools.image_access import open_image

__all__ = ["makemask"]

_Names = kinds.Variant((kinds.Text(), kinds.TextList()))
_Channels = kinds.Variant((kinds.IntList(), kinds.Text(numbers=True), kinds.TextList()))


def _names(given: Any) -> list[str]:
    names = [given] if isinstance(given, str) else [str(n) for n in given]
    return [n for n in names if n]


@task(group="analysis", pictures=("output",))
def makemask(
    mode: Annotated[Literal["list", "copy", "expand", "delete", "setdefaultmask"], "What is done"] = "list",
    inpimage: Annotated[Any, _Names, "Image on whose pixels masks are made; list: image or images"] = "",
    inpmask: Annotated[Any, _Names, "Masks: images, 'image:mask', regions as text or files; several are united"] = "",
    output: Annotated[str, kinds.Text(), "Image of ones and zeros to write, or 'image:mask'"] = "",
    overwrite: Overwrite = False,
    inpfreqs: Annotated[Any, _Channels, "expand: channels of the mask, or ranges of frequency or velocity; [] is all"] = [],  # noqa: B006 - not changed
    outfreqs: Annotated[Any, _Channels, "expand: channels that it is spread over; [] is all"] = [],  # noqa: B006 - not changed
) -> None:
    """Make and manage masks of images.

    Raises
    ------
    ParameterError, SelectionError, PathMissingError, OutputExistsError, DataError
        A parameter that the mode needs is missing, a mask is not there or does not fit, or the output exists.

    Examples
    --------
    >>> makemask(mode="copy", inpimage="cube.image", inpmask="circle[[50pix,50pix],10pix]", output="clean.mask")
    """
    if mode == "list":
        found = _names(inpimage) or sorted(n for n in os.listdir(".") if os.path.isfile(os.path.join(n, "logtable", "table.dat")))
        for line in mask_listing(found):
            log.post(line)
        return
    masks = _names(inpmask)
    if not masks:
        raise ParameterError(f"makemask: parameter 'inpmask' must be given with mode={mode!r}")
    if mode == "delete":
        delete_masks(masks)
        return
    if mode == "setdefaultmask":
        if len(masks) > 1:
            raise ParameterError(f"makemask: parameter 'inpmask' must be one mask with mode='setdefaultmask'; got {masks}")
        set_default_mask(masks[0])
        return
    images = _names(inpimage)
    if len(images) != 1:
        raise ParameterError(f"makemask: parameter 'inpimage' must name one image with mode={mode!r}; got {inpimage!r}")
    with open_image(images[0]) as template:
        if mode == "copy":
            copy_masks(template, masks, output, overwrite)
        else:
            expand_mask(template, masks, output, inpfreqs, outfreqs, overwrite)
