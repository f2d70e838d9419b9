"""imfit: elliptical Gaussian components fitted to an image."""

from __future__ import annotations

from typing import Annotated, Any

from casatasks._params import Box, Chans, ImageName, Mask, Overwrite, Region, Stokes, Stretch
from casatasks._task import task
from casatools._base import kinds
from casatools.analysis.component_fit import FitTexts, fit_components
from casatools.analysis.pixel_ranges import PixelRange
from casatools.analysis.regions import ImageSelection
from casatools.analysis.source_fitting import FitOptions
from casatools.analysis.sub_images import PixelChoice
from casatools.tools.image_access import open_image

__all__ = ["imfit"]

_Range = kinds.FloatList()
_Quantity = kinds.Variant((kinds.Text(), kinds.Float(), kinds.Record()))


@task(group="analysis", pictures=("model", "residual"))
def imfit(
    imagename: ImageName = "",
    box: Box = "",
    region: Region = "",
    chans: Chans = "",
    stokes: Stokes = "",
    mask: Mask = "",
    includepix: Annotated[list[float], _Range, "Range of intensities to use; [] is all"] = [],  # noqa: B006 - copied
    excludepix: Annotated[list[float], _Range, "Range of intensities to leave out; [] is none"] = [],  # noqa: B006 - copied
    residual: Annotated[str, kinds.OutPath(), "Image of the residuals to write"] = "",
    model: Annotated[str, kinds.OutPath(), "Image of the model to write"] = "",
    estimates: Annotated[str, kinds.InPath(), "File of estimates 'peak, x, y, major, minor, angle[, fixed]'; '' finds one"] = "",
    logfile: Annotated[str, kinds.OutPath(), "Text file to write the fit to"] = "",
    append: Annotated[bool, kinds.Bool(), "Add to the text file"] = True,
    newestimates: Annotated[str, kinds.OutPath(), "File of estimates to write, made of the fit"] = "",
    complist: Annotated[str, kinds.OutPath(), "Component list to write"] = "",
    overwrite: Overwrite = False,
    dooff: Annotated[bool, kinds.Bool(), "Fit a zero level too"] = False,
    offset: Annotated[float, kinds.Float(), "Estimate of the zero level"] = 0.0,
    fixoffset: Annotated[bool, kinds.Bool(), "Keep the zero level at its estimate"] = False,
    stretch: Stretch = False,
    rms: Annotated[Any, _Quantity, "Noise, for the errors; 0 takes the scatter of the residuals"] = 0,
    noisefwhm: Annotated[Any, _Quantity, "Width of noise correlation: pixels or an angle; '' is the beam, 0 is none"] = "",
    summary: Annotated[str, kinds.OutPath(), "Table of all components to write"] = "",
) -> dict[str, Any]:
    """Fit elliptical Gaussian components to the planes of an image.

    Returns
    -------
    dict
        ``results`` and ``deconvolved``: component list records with peak, pixel coordinates and beam; ``converged`` for each plane;
        ``zerooff`` and ``zeroofferr`` with `dooff`; ``pixelsperarcsec``.

    Raises
    ------
    ParameterError, SelectionError, PathMissingError, OutputExistsError, DataError
        A value cannot be read, nothing is selected, a file is missing or exists, or the image has no sky plane.

    References
    ----------
    Condon 1997, PASP 109, 166: errors of the fit.

    Examples
    --------
    >>> imfit("source.image", box="100,100,150,150", residual="source.residual")
    """
    options = FitOptions(
        PixelRange.from_parameters(includepix, excludepix), estimates, dooff, offset, fixoffset, rms, noisefwhm, model, residual,
        overwrite=True,
    )  # fmt: skip
    choice = PixelChoice(ImageSelection(region, box, chans, stokes), mask, stretch)
    texts = FitTexts(logfile, append, newestimates, complist, overwrite, summary)
    with open_image(imagename) as image:
        return fit_components(image, choice, options, texts)
