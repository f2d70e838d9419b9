"""feather: interferometer and single dish images joined."""

from __future__ import annotations

from typing import Annotated

from casatasks._params import ImageName
from casatasks._task import task
from casatools._base import kinds
from casatools._base.errors import ParameterError
from casatools.analysis.feathering import FeatherOptions, feather_images

__all__ = ["feather"]


@task(group="imaging", pictures=("imagename",))
def feather(
    imagename: Annotated[str, kinds.OutPath(), "Name of the new image"] = "",
    highres: ImageName = "",
    lowres: Annotated[str, kinds.InPath(), "Name of the single dish image"] = "",
    sdfactor: Annotated[float, kinds.Float(), "Factor of the single dish's intensities"] = 1.0,
    effdishdiam: Annotated[
        float, kinds.Float(), "Effective diameter [m] of the single dish, at most its own; not positive: its own"
    ] = -1.0,
    lowpassfiltersd: Annotated[bool, kinds.Bool(), "Damp the single dish's image at high spatial frequencies"] = False,
) -> None:
    """Join a high resolution image of an interferometer and a low resolution image of a single dish.

    Raises
    ------
    ParameterError, PathMissingError, OutputExistsError, DataError
        A name is missing or a parameter bad, an image is not there, the output exists, or an image has no beam or does not fit.

    Notes
    -----
    The single dish's image is put onto the pixels of the other; channels and polarizations must agree. Both must be in Jy/beam.

    References
    ----------
    Cotton 2017, PASP 129, 094501.

    Examples
    --------
    >>> feather(imagename="joined.image", highres="vla.image", lowres="gbt.image")
    """
    for name, value in (("imagename", imagename), ("highres", highres), ("lowres", lowres)):
        if not value:
            raise ParameterError(f"feather: parameter {name!r} must be given; it names an image")
    feather_images(highres, lowres, imagename, FeatherOptions(sdfactor, effdishdiam, lowpassfiltersd))
