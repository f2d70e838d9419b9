"""specfit: lines and polynomials fitted to profiles of an image."""

from __future__ import annotations

from typing import Annotated, Any

from casatasks._params import Box, Chans, ImageName, Mask, Region, Stokes, Stretch
from casatasks._task import task
from casatools._base import kinds
from casatools.analysis.line_fit import ProfileFitOptions, ProfileOutputs, fit_profiles
from casatools.analysis.profile_fitting import Ranges
from casatools.analysis.profile_requests import make_request
from casatools.analysis.regions import ImageSelection
from casatools.analysis.sub_images import PixelChoice
from casatools.tools.image_access import open_image

__all__ = ["specfit"]

_Out = kinds.OutPath()
_List = kinds.Variant((kinds.Text(), kinds.FloatList(), kinds.TextList()))
_Floats = kinds.FloatList()


def good_range(given: list[float]) -> tuple[float, ...]:
    """A range parameter of profile fits: CASA's default [0.0] stands for none."""
    return () if len(given) < 2 and not any(given) else tuple(given)


@task(group="analysis", pictures=("model", "residual", "amp", "center", "fwhm", "integral"))
def specfit(
    imagename: ImageName = "",
    box: Box = "",
    region: Region = "",
    chans: Chans = "",
    stokes: Stokes = "",
    axis: Annotated[int, kinds.Int(), "Axis of the profiles; negative is the spectral one"] = -1,
    mask: Mask = "",
    ngauss: Annotated[int, kinds.Int(), "Number of Gaussians, found in the data"] = 1,
    poly: Annotated[int, kinds.Int(), "Order of a polynomial; negative is none"] = -1,
    estimates: Annotated[str, kinds.InPath(), "File of lines 'amplitude, centre, fwhm[, fixed]', the latter two in pixels"] = "",
    minpts: Annotated[int, kinds.Int(), "Least number of good points of a profile"] = 1,
    multifit: Annotated[bool, kinds.Bool(), "Fit each pixel's profile in place of the mean"] = False,
    model: Annotated[str, _Out, "Image of the model to write"] = "",
    residual: Annotated[str, _Out, "Image of the residuals to write"] = "",
    amp: Annotated[str, _Out, "Beginning of the names of images of amplitudes"] = "",
    amperr: Annotated[str, _Out, "The same for their errors"] = "",
    center: Annotated[str, _Out, "Beginning of the names of images of centres"] = "",
    centererr: Annotated[str, _Out, "The same for their errors"] = "",
    fwhm: Annotated[str, _Out, "Beginning of the names of images of widths"] = "",
    fwhmerr: Annotated[str, _Out, "The same for their errors"] = "",
    integral: Annotated[str, _Out, "Beginning of the names of images of integrals"] = "",
    integralerr: Annotated[str, _Out, "The same for their errors"] = "",
    wantreturn: Annotated[bool, kinds.Bool(), "Return the record"] = True,
    stretch: Stretch = False,
    logresults: Annotated[bool, kinds.Bool(), "Write the results to the log"] = True,
    pampest: Annotated[Any, _List, "Estimates of amplitudes"] = [],  # noqa: B006 - not changed
    pcenterest: Annotated[Any, _List, "Estimates of centres, pixels of the selection"] = [],  # noqa: B006 - not changed
    pfwhmest: Annotated[Any, _List, "Estimates of full widths, pixels"] = [],  # noqa: B006 - not changed
    pfix: Annotated[Any, _List, "What is held of each line: letters p (amplitude), c (centre), f (width)"] = [],  # noqa: B006
    gmncomps: Annotated[Any, kinds.Variant((kinds.IntList(), kinds.Text())), "Number of lines of each Gaussian multiplet"] = 0,
    gmampcon: Annotated[Any, _List, "Ratios of amplitudes to the first line's; 0 is free"] = [],  # noqa: B006 - not changed
    gmcentercon: Annotated[Any, _List, "Offsets of centres from the first line's, pixels"] = [],  # noqa: B006 - not changed
    gmfwhmcon: Annotated[Any, _List, "Ratios of widths to the first line's; 0 is free"] = [],  # noqa: B006 - not changed
    gmampest: Annotated[list[float], _Floats, "Estimates of amplitudes of multiplets"] = [0.0],  # noqa: B006 - copied
    gmcenterest: Annotated[list[float], _Floats, "Estimates of centres of multiplets"] = [0.0],  # noqa: B006 - copied
    gmfwhmest: Annotated[list[float], _Floats, "Estimates of full widths of multiplets"] = [0.0],  # noqa: B006 - copied
    gmfix: Annotated[Any, _List, "What is held of each line of multiplets"] = "",
    logfile: Annotated[str, _Out, "Text file to write the results to"] = "",
    append: Annotated[bool, kinds.Bool(), "Add to the text file"] = True,
    pfunc: Annotated[Any, kinds.Variant((kinds.Text(), kinds.TextList())), "Kind of each line: gaussian or lorentzian"] = "",
    goodamprange: Annotated[list[float], _Floats, "Range of amplitudes of valid fits; [0.0] is any"] = [0.0],  # noqa: B006 - copied
    goodcenterrange: Annotated[list[float], _Floats, "Range of centres of valid fits, pixels"] = [0.0],  # noqa: B006 - copied
    goodfwhmrange: Annotated[list[float], _Floats, "Range of widths of valid fits, pixels"] = [0.0],  # noqa: B006 - copied
    sigma: Annotated[Any, kinds.Variant((kinds.Text(), kinds.Array())), "Errors of the pixels: image, profile or array"] = "",
    outsigma: Annotated[str, _Out, "Image of the errors, scaled to a maximum of 1, to write"] = "",
) -> Any:
    """Fit Gaussian and Lorentzian lines and a polynomial to profiles of an image.

    Returns
    -------
    dict or None
        ``gs gm0 ... ls``: amplitude, center, fwhm, integral and their errors, arrays (image axes..., line); ``converged valid
        attempted succeeded ncomps niter type direction xUnit yUnit``. None without `wantreturn`.

    Raises
    ------
    ParameterError, SelectionError, PathMissingError, OutputExistsError, DataError
        Estimates do not fit together, nothing is selected, a file is missing or exists, or the image has no such axis.

    Examples
    --------
    >>> specfit("cube.image", box="15,13,15,13", ngauss=2, poly=0)
    """
    given = {
        "ngauss": ngauss, "poly": poly, "estimates": estimates, "pfunc": pfunc, "pampest": pampest, "pcenterest": pcenterest,
        "pfwhmest": pfwhmest, "pfix": pfix, "gmncomps": gmncomps, "gmampcon": gmampcon, "gmcentercon": gmcentercon,
        "gmfwhmcon": gmfwhmcon, "gmampest": gmampest, "gmcenterest": gmcenterest, "gmfwhmest": gmfwhmest, "gmfix": gmfix,
    }  # fmt: skip
    columns = {
        "amp": amp, "amperr": amperr, "center": center, "centererr": centererr, "fwhm": fwhm, "fwhmerr": fwhmerr,
        "integral": integral, "integralerr": integralerr,
    }  # fmt: skip
    ranges = Ranges(good_range(goodamprange), good_range(goodcenterrange), good_range(goodfwhmrange))
    outputs = ProfileOutputs(model, residual, columns, logfile, append, outsigma, logresults, wantreturn)
    choice = PixelChoice(ImageSelection(region, box, chans, stokes), mask, stretch)
    with open_image(imagename) as image:
        record = fit_profiles(
            image, choice, make_request(given), ProfileFitOptions(axis, multifit, minpts, ranges, sigma), outputs
        )
    return record if wantreturn else None
