"""impbcor: images corrected for the primary beam."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from casatasks._params import Box, Chans, ImageName, Mask, OutFile, Overwrite, Region, Stokes, Stretch
from casatasks._task import task
from casatools._base import kinds
from casatools._base.errors import ParameterError
from casatools._base.paths import require_present
from casatools.analysis.image_math import MathOutput, scale_by_image
from casatools.analysis.regions import ImageSelection
from casatools.analysis.sub_images import PixelChoice

__all__ = ["impbcor"]


@task(group="imaging", pictures=("outfile",))
def impbcor(
    imagename: ImageName = "",
    pbimage: Annotated[
        Any, kinds.Variant((kinds.Text(), kinds.Array())), "Primary beam: an image, or an array in CASA's axis order"
    ] = [],  # noqa: B006 - copied
    outfile: OutFile = "",
    overwrite: Overwrite = False,
    box: Box = "",
    region: Region = "",
    chans: Chans = "",
    stokes: Stokes = "",
    mask: Mask = "",
    mode: Annotated[
        str, kinds.Text(), "'divide' corrects for the primary beam, 'multiply' puts it in; the first letter is enough"
    ] = "divide",
    cutoff: Annotated[
        float, kinds.Float(), "Mask pixels of less primary beam (divide) or more (multiply); negative masks none"
    ] = -1.0,
    stretch: Stretch = False,
) -> bool:
    """Divide an image by a primary beam, or multiply it.

    Raises
    ------
    ParameterError, SelectionError, DataError, PathMissingError, OutputExistsError
        A parameter is bad, nothing is selected, the primary beam does not fit, an image is missing, or the output exists.

    Examples
    --------
    >>> impbcor("cube.image", pbimage="cube.pb", outfile="cube.corrected")
    """
    if not outfile:
        raise ParameterError("impbcor: parameter 'outfile' must be given; it names the new image")
    if not mode or not any(w.startswith(mode.lower()) for w in ("divide", "multiply")):
        raise ParameterError(f"impbcor: parameter 'mode' must be 'divide' or 'multiply'; got {mode!r}")
    beam: Any = pbimage
    if isinstance(pbimage, str):
        beam = require_present(pbimage, "primary beam image")
    elif np.size(beam) == 0:
        raise ParameterError("impbcor: parameter 'pbimage' must name an image or be an array")
    else:
        beam = np.asarray(beam).T
    choice = PixelChoice(ImageSelection(region, box, chans, stokes), mask, stretch)
    path = require_present(imagename, "image") if imagename else ""
    if not path:
        raise ParameterError("impbcor: parameter 'imagename' must name an image")
    scale_by_image(path, beam, mode.lower().startswith("d"), cutoff, choice, MathOutput(outfile, overwrite))
    return True
