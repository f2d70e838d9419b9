"""rmfit: rotation measures of an image."""

from __future__ import annotations

import os
import shutil
import tempfile
from typing import Annotated, Any

from casatasks._task import task
from casatools._base import kinds
from casatools._base.errors import ParameterError
from casatools.analysis.concatenation import concatenate_images
from casatools.analysis.rotation_measure import RotationOptions, fit_rotation_measure
from casatools.tools.image_access import open_image

__all__ = ["rmfit"]

_Out = kinds.OutPath()


@task(group="analysis", pictures=("rm", "pa0"))
def rmfit(
    imagename: Annotated[
        Any, kinds.InPathList(), "Image with Stokes Q and U, or several that follow each other in frequency"
    ] = "",
    rm: Annotated[str, _Out, "Image of rotation measures to write"] = "",
    rmerr: Annotated[str, _Out, "Image of their errors"] = "",
    pa0: Annotated[str, _Out, "Image of position angles at wavelength zero"] = "",
    pa0err: Annotated[str, _Out, "Image of their errors"] = "",
    nturns: Annotated[str, _Out, "Image of numbers of half turns over the band"] = "",
    chisq: Annotated[str, _Out, "Image of reduced chi squared"] = "",
    sigma: Annotated[float, kinds.Float(), "Noise of Q and U; 0 or less measures it"] = -1.0,
    rmfg: Annotated[float, kinds.Float(), "Foreground rotation measure [rad/m2]"] = 0.0,
    rmmax: Annotated[float, kinds.Float(), "Largest rotation measure beyond the foreground [rad/m2]; 0 looks for no turns"] = 0.0,
    maxpaerr: Annotated[float, kinds.Float(), "Largest error of an angle that is used [deg]"] = 1e30,
) -> None:
    """Fit rotation measures: position angles against squared wavelengths, pixel by pixel.

    Raises
    ------
    ParameterError, PathMissingError, OutputExistsError, DataError
        No image or output is named, an image is missing, an output exists, or Q, U or channels are missing.

    Examples
    --------
    >>> rmfit("iquv.image", rm="rm.image", rmerr="rm.error", rmmax=800.0)
    """
    names = [imagename] if isinstance(imagename, str) else list(imagename)
    names = [n for n in names if n]
    if not names:
        raise ParameterError("rmfit: parameter 'imagename' must name an image, or several")
    options = RotationOptions(rm, rmerr, pa0, pa0err, nturns, chisq, sigma, rmfg, rmmax, maxpaerr)
    if len(names) == 1:
        with open_image(names[0]) as image:
            fit_rotation_measure(image, options)
        return
    folder = tempfile.mkdtemp(prefix="casa-rmfit-")
    try:
        joined = os.path.join(folder, "joined.im")
        concatenate_images(names, joined, relax=True, reorder=True)
        with open_image(joined) as image:
            fit_rotation_measure(image, options)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
