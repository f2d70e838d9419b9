"""spxfit: spectral indices fitted to profiles of an image."""

from __future__ import annotations

import tempfile
from typing import Annotated, Any

from casatasks._params import Box, Chans, Mask, Region, Stokes, Stretch
from casatasks._task import task
from casatools._base import kinds
from casatools._base.paths import require_present
from casatools.analysis.concatenation import concatenate_images
from casatools.analysis.line_fit import ProfileFitOptions, ProfileOutputs
from casatools.analysis.regions import ImageSelection
from casatools.analysis.spectral_index import SpectralIndexRequest, fit_spectral_indices
from casatools.analysis.sub_images import PixelChoice
from casatools.tools.image_access import open_image

__all__ = ["spxfit"]

_Out = kinds.OutPath()


@task(group="analysis", pictures=("model", "residual", "spxsol", "spxerr"))
def spxfit(
    imagename: Annotated[
        Any, kinds.Variant((kinds.Text(), kinds.TextList())), "Image, or a list of images of one channel or more each"
    ] = "",
    box: Box = "",
    region: Region = "",
    chans: Chans = "",
    stokes: Stokes = "",
    axis: Annotated[int, kinds.Int(), "Axis of the profiles; negative is the spectral one"] = -1,
    mask: Mask = "",
    minpts: Annotated[int, kinds.Int(), "Least number of good points of a profile"] = 1,
    multifit: Annotated[bool, kinds.Bool(), "Fit each pixel's profile in place of the mean"] = False,
    spxtype: Annotated[str, kinds.Text(), "plp: power logarithmic polynomial; ltp: logarithmic transformed polynomial"] = "plp",
    spxest: Annotated[list[float], kinds.FloatList(), "Estimates of the coefficients c0, c1, ..."] = [],  # noqa: B006 - copied
    spxfix: Annotated[list[bool], kinds.BoolList(), "Which of them are held"] = [],  # noqa: B006 - copied
    div: Annotated[
        Any,
        kinds.Variant((kinds.Float(), kinds.Text(), kinds.Record())),
        "Frequency that frequencies are divided by; [] is a power of ten",
    ] = [],  # noqa: B006 - not changed
    spxsol: Annotated[str, _Out, "Beginning of the names of images of the coefficients"] = "",
    spxerr: Annotated[str, _Out, "The same for their errors"] = "",
    model: Annotated[str, _Out, "Image of the model to write"] = "",
    residual: Annotated[str, _Out, "Image of the residuals to write"] = "",
    wantreturn: Annotated[bool, kinds.Bool(), "Return the record"] = True,
    stretch: Stretch = False,
    logresults: Annotated[bool, kinds.Bool(), "Write the results to the log"] = True,
    logfile: Annotated[str, _Out, "Text file to write the results to"] = "",
    append: Annotated[bool, kinds.Bool(), "Add to the text file"] = True,
    sigma: Annotated[Any, kinds.Variant((kinds.Text(), kinds.Array())), "Errors of the pixels: image, profile or array"] = "",
    outsigma: Annotated[str, _Out, "Image of the errors, scaled to a maximum of 1, to write"] = "",
) -> Any:
    """Fit power laws, straight or curved, to profiles of an image.

    Several images are joined along the spectral axis first. With r the frequency over `div`, plp is ``c0 r^(c1 + c2 ln r + ...)``, ltp is ``ln I = c0 + c1 ln r + c2 (ln r)^2 ...``.

    Returns
    -------
    dict or None
        ``plp`` or ``ltp``: `solution` and `error`, arrays (image axes..., coefficient); ``converged valid attempted succeeded ncomps niter type
        direction xUnit yUnit``. None without `wantreturn`.

    Raises
    ------
    ParameterError, SelectionError, PathMissingError, OutputExistsError, DataError
        Estimates are missing or do not fit, nothing is selected, a file is missing or exists, or the image has no such axis.

    Examples
    --------
    >>> spxfit("cube.image", box="12,10,12,10", spxest=[4.0, -0.7])
    """
    request = SpectralIndexRequest(spxtype, tuple(spxest), tuple(spxfix), div, spxsol, spxerr)
    outputs = ProfileOutputs(model, residual, {}, logfile, append, outsigma, logresults)
    choice = PixelChoice(ImageSelection(region, box, chans, stokes), mask, stretch)
    names = [imagename] if isinstance(imagename, str) else list(imagename)
    with tempfile.TemporaryDirectory(prefix="spxfit") as folder:
        if len(names) > 1:
            for name in names:
                require_present(name, "image")
            concatenate_images(names, f"{folder}/joined", relax=True, reorder=True)
            names = [f"{folder}/joined"]
        with open_image(names[0] if names else "") as image:
            record = fit_spectral_indices(image, choice, request, ProfileFitOptions(axis, multifit, minpts, sigma=sigma), outputs)
    return record if wantreturn else None
