"""imdev: a statistic of the pixels about each pixel of an image."""

from __future__ import annotations

from typing import Annotated, Any

from casatasks._params import Box, Chans, ImageName, Mask, OutFile, Overwrite, Region, Stokes, Stretch
from casatasks._task import task
from casatools._base import kinds
from casatools._base.errors import ParameterError
from casatools.analysis.deviation_images import DeviationOptions, write_deviation
from casatools.analysis.regions import ImageSelection
from casatools.analysis.sub_images import PixelChoice
from casatools.tools.image_access import open_image

__all__ = ["imdev"]

_Length = kinds.Variant((kinds.Text(), kinds.Float(), kinds.Record()))


@task(group="analysis", pictures=("outfile",))
def imdev(
    imagename: ImageName = "",
    outfile: OutFile = "",
    region: Region = "",
    box: Box = "",
    chans: Chans = "",
    stokes: Stokes = "",
    mask: Mask = "",
    overwrite: Overwrite = False,
    stretch: Stretch = False,
    grid: Annotated[list[int], kinds.IntList(), "Distances in x and y of the points of the grid, pixels"] = [1, 1],  # noqa: B006 - copied
    anchor: Annotated[
        Any, kinds.Variant((kinds.Text(), kinds.IntList())), "A pixel of the grid; 'ref' is the reference pixel"
    ] = "ref",
    xlength: Annotated[Any, _Length, "Width of the rectangle about each point, pixels or angle"] = "1pix",
    ylength: Annotated[Any, _Length, "Its height; '' makes a circle of diameter xlength"] = "1pix",
    interp: Annotated[str, kinds.Text(), "Interpolation between the points: nearest, linear, cubic or lanczos"] = "cubic",
    stattype: Annotated[
        str, kinds.Text(), "npts, sum, sumsq, mean, rms, variance, sigma, min, max, median, q1, q3, iqr or medabsdevmed"
    ] = "sigma",
    statalg: Annotated[str, kinds.Text(), "classic, or chauvenet which leaves out outliers"] = "classic",
    zscore: Annotated[float, kinds.Float(), "chauvenet: limit in standard deviations; negative is Chauvenet's own"] = -1.0,
    maxiter: Annotated[int, kinds.Int(), "chauvenet: most iterations; negative is no limit"] = -1,
) -> None:
    """Make an image of a statistic of the pixels in a window about each pixel.

    The statistic is computed on a grid of points and interpolated between them.

    Returns
    -------
    bool
        True.

    Raises
    ------
    ParameterError, SelectionError, PathMissingError, OutputExistsError, DataError
        An option is bad, nothing is selected, the image is missing, the output exists, or there is no sky plane.

    Examples
    --------
    >>> imdev("source.image", "noise.image", grid=[4, 4], xlength="20arcsec", ylength="", stattype="medabsdevmed")
    """
    if not outfile:
        raise ParameterError("imdev: parameter 'outfile' must be given; it names the new image")
    options = DeviationOptions(tuple(grid), anchor, xlength, ylength, interp, stattype, statalg, zscore, maxiter)
    with open_image(imagename) as image:
        choice = PixelChoice(ImageSelection(region, box, chans, stokes), mask, stretch)
        write_deviation(image, outfile, options, choice, overwrite)
