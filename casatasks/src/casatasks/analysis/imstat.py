"""imstat: statistics of an image."""

from __future__ import annotations

from typing import Annotated, Any

from casatasks._params import Box, Chans, ImageName, Mask, Region, Stokes, Stretch
from casatasks._task import task
from casatools._base import kinds
from casatools._base.errors import ParameterError
from casatools._base.paths import require_writable_parent
from casatools.analysis.image_statistics import ImageStatisticsOptions, image_statistics
from casatools.analysis.regions import ImageSelection
from casatools.analysis.statistics import StatisticsOptions
from casatools.analysis.statistics_text import MOST_LOGGED, statistics_lines, tell_statistics
from casatools.tools.image_access import open_image

__all__ = ["imstat"]


@task(group="analysis")
def imstat(
    imagename: ImageName = "",
    axes: Annotated[Any, kinds.Variant((kinds.IntList(),)), "Pixel axes to compute over, 0 is the first; [] or -1 is all"] = [],  # noqa: B006 - copied
    region: Region = "",
    box: Box = "",
    chans: Chans = "",
    stokes: Stokes = "",
    listit: Annotated[
        bool, kinds.Bool(), "Write the statistics to the log, and all of them to the text file (else the table alone)"
    ] = True,
    verbose: Annotated[bool, kinds.Bool(), "Write more than the table to the log"] = True,
    mask: Mask = "",
    stretch: Stretch = False,
    logfile: Annotated[str, kinds.OutPath(), "Text file to write the statistics to; '' writes none"] = "",
    append: Annotated[bool, kinds.Bool(), "Add to the text file when it exists, instead of replacing it"] = True,
    algorithm: Annotated[str, kinds.Text(), "classic, chauvenet, fit-half, hinges-fences or biweight"] = "classic",
    fence: Annotated[float, kinds.Float(), "hinges-fences: quartile distances that are still used; negative uses all"] = -1.0,
    center: Annotated[str, kinds.Text(), "fit-half: centre of the mirrored distribution: mean, median or zero"] = "mean",
    lside: Annotated[bool, kinds.Bool(), "fit-half: the values below the centre are the real ones"] = True,
    zscore: Annotated[
        float, kinds.Float(), "chauvenet: rejection limit in standard deviations; negative is Chauvenet's own"
    ] = -1.0,
    maxiter: Annotated[int, kinds.Int(), "chauvenet: most iterations; negative goes on until nothing changes"] = -1,
    clmethod: Annotated[str, kinds.Text(), "classic: auto, tiled or framework; the result does not depend on it"] = "auto",
    niter: Annotated[int, kinds.Int(), "biweight: most iterations"] = 3,
) -> dict[str, Any]:
    """Compute statistics of an image or part of it.

    Returns
    -------
    dict
        ``npts sum sumsq min max mean sigma rms median medabsdevmed quartile q1 q3`` as arrays over the axes not computed over, ``flux``
        where the brightness unit allows it (Jy, or Jy.km/s when several channels are summed), ``blc trc`` and world positions,
        ``maxpos minpos`` for a single result. Arrays are empty when all pixels are masked.

    Raises
    ------
    ParameterError, SelectionError, PathMissingError
        A parameter is bad, nothing is selected, or there is no such image.

    Examples
    --------
    >>> imstat("cube.image", axes=[0, 1], chans="5~10")["rms"]
    """
    if clmethod not in ("auto", "tiled", "framework"):
        raise ParameterError(f"imstat: parameter 'clmethod' must be one of 'auto', 'tiled', 'framework'; got {clmethod!r}")
    if logfile:
        require_writable_parent(logfile)
    statistics = StatisticsOptions(algorithm, fence, center, lside, zscore, maxiter, niter)
    summed = tuple(a for a in axes if a != -1)
    selection = ImageSelection(region, box, chans, stokes)
    with open_image(imagename) as image:
        record = image_statistics(image, selection, mask, stretch, ImageStatisticsOptions(summed, statistics))
        lines = statistics_lines(image, selection, summed, record, algorithm, None if logfile else MOST_LOGGED)
    tell_statistics(lines, listit, verbose, logfile, append)
    return record
