"""immoments: moments of a cube."""

from __future__ import annotations

from typing import Annotated, Any

from casatasks._params import Box, Chans, ImageName, OutFile, Region, Stokes, Stretch
from casatasks._task import task
from casatools._base import kinds
from casatools._base.errors import ParameterError
from casatools.analysis.image_moments import MomentOptions, make_moment_images, moment_axis
from casatools.analysis.pixel_ranges import PixelRange
from casatools.analysis.regions import ImageSelection
from casatools.tools.image_access import open_image

__all__ = ["immoments"]

_Pixels = kinds.Variant((kinds.FloatList(), kinds.Text()))


@task(group="analysis", history=(), pictures=("outfile",))
def immoments(
    imagename: ImageName = "",
    moments: Annotated[list[int], kinds.IntList(), "Moments to compute, -1 to 11"] = [0],  # noqa: B006 - copied
    axis: Annotated[
        Any, kinds.Variant((kinds.Text(), kinds.Int())), "Axis: a number, 'spectral', 'stokes', 'ra', 'dec', ..."
    ] = "spectral",
    region: Region = "",
    box: Box = "",
    chans: Chans = "",
    stokes: Stokes = "",
    mask: Annotated[
        Any, kinds.Variant((kinds.Text(), kinds.TextList(drop_empty=True))), "Mask: a lattice expression; '' is none"
    ] = "",
    includepix: Annotated[Any, _Pixels, "Intensities to use: [low, high], or v for -|v| to |v|; -1 is all"] = -1,
    excludepix: Annotated[Any, _Pixels, "Intensities to leave out, in the same way; -1 is none"] = -1,
    outfile: OutFile = "",
    stretch: Stretch = False,
) -> None:
    """Compute moments of an image along an axis.

    Several moments are written to ``outfile.integrated``, ``outfile.weighted_coord`` and so on; one is written to `outfile` itself.

    Raises
    ------
    ParameterError, SelectionError, PathMissingError, OutputExistsError
        A parameter is bad, nothing is selected, there is no such image, or an output exists. Nothing is written then.

    Notes
    -----
    Moment 0 is the sum of intensities times the channel width in km/s (radio definition); moments 1 and 2 are the intensity-weighted velocity and its
    dispersion.

    Examples
    --------
    >>> immoments("cube.image", moments=[0, 1], includepix=[0.01, 100], outfile="cube.mom")
    """
    pixels = PixelRange.from_parameters(includepix, excludepix)
    if not outfile:
        raise ParameterError("immoments: parameter 'outfile' must be given; it names the moment images")
    text = mask if isinstance(mask, str) else " && ".join(f"({m})" for m in mask)
    with open_image(imagename) as image:
        along = moment_axis(image, axis)
    selection = ImageSelection(region, box, chans, stokes)
    make_moment_images(imagename, outfile, MomentOptions(tuple(moments), along, selection, text, stretch, pixels))
