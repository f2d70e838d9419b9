"""imreframe: the frequency frame of an image changed."""

from __future__ import annotations

from typing import Annotated, Any

from casatasks._params import ImageName, OutFile
from casatasks._task import task
from casatools._base import kinds
from casatools._base.errors import ParameterError
from casatools.analysis.reframing import reframe_image

__all__ = ["imreframe"]


@task(group="analysis", pictures=("output",))
def imreframe(
    imagename: ImageName = "",
    output: OutFile = "",
    outframe: Annotated[
        str,
        kinds.Choice(("lsrk", "lsrd", "bary", "geo", "topo", "galacto", "lgroup", "cmb", ""), fold=True),
        "Frame of the frequencies; '' leaves it",
    ] = "lsrk",
    epoch: Annotated[str, kinds.Text(), "topo and geo: date, such as '2012/01/01/00:00:00'; '' is the image's own"] = "",
    restfreq: Annotated[
        Any, kinds.Variant((kinds.Text(), kinds.Record())), "Rest frequency, such as '1.42GHz'; '' leaves it"
    ] = "",
) -> None:
    """Change the frame in which an image's frequencies are given.

    Raises
    ------
    ParameterError, PathMissingError, OutputExistsError, DataError
        An option cannot be read, the image is missing or has no spectral axis, or the output exists.

    Notes
    -----
    An image is changed itself when `output` is empty. Pixels stay as they are.

    Examples
    --------
    >>> imreframe("cube.image", "cube.bary.image", outframe="bary")
    """
    if not imagename:
        raise ParameterError("imreframe: parameter 'imagename' must name an image")
    reframe_image(imagename, output, outframe, epoch, restfreq)
