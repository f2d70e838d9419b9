"""impv: position-velocity slices of images."""

from __future__ import annotations

from typing import Annotated, Any

from casatasks._params import Chans, ImageName, Mask, OutFile, Overwrite, Region, Stokes, Stretch
from casatasks._task import task
from casatools._base import kinds
from casatools._base.errors import ParameterError
from casatools.analysis.position_velocity import SliceLine, write_slice
from casatools.analysis.regions import ImageSelection
from casatools.analysis.sub_images import PixelChoice
from casatools.tools.image_access import open_image

__all__ = ["impv"]

_Place = kinds.Variant((kinds.Text(), kinds.FloatList(), kinds.TextList()))
_Length = kinds.Variant((kinds.Text(), kinds.Float(), kinds.Record()))


@task(group="analysis", pictures=("outfile",))
def impv(
    imagename: ImageName = "",
    outfile: OutFile = "",
    mode: Annotated[str, kinds.Text(), "coords (start and end) or length (center, length and pa)"] = "coords",
    start: Annotated[Any, _Place, "coords: one end, pixels or sky position"] = "",
    end: Annotated[Any, _Place, "coords: the other end"] = "",
    center: Annotated[Any, _Place, "length: middle of the slice"] = "",
    length: Annotated[Any, _Length, "length: pixels or angle"] = "",
    pa: Annotated[Any, _Length, "length: position angle, north through east"] = "",
    width: Annotated[Any, _Length, "Odd number of pixels, or angle, averaged across the slice"] = 1,
    unit: Annotated[str, kinds.Text(), "Unit of the offsets"] = "arcsec",
    overwrite: Overwrite = False,
    region: Region = "",
    chans: Chans = "",
    stokes: Stokes = "",
    mask: Mask = "",
    stretch: Stretch = False,
) -> None:
    """Make a position-velocity image along a line.

    Returns
    -------
    bool
        True.

    Raises
    ------
    ParameterError, SelectionError, PathMissingError, OutputExistsError, DataError
        The line cannot be read or leaves the image, nothing is selected, or the image has no sky or no spectral axis.

    Examples
    --------
    >>> impv("cube.image", "pv.image", start=[20, 20], end=[80, 60], width=3)
    """
    if not outfile:
        raise ParameterError("impv: parameter 'outfile' must be given; it names the new image")
    if not mode or not any(name.startswith(mode.lower()) for name in ("coords", "length")):
        raise ParameterError(f"impv: parameter 'mode' must be 'coords' or 'length'; got {mode!r}")
    if "coords".startswith(mode.lower()):
        line = SliceLine(start, end, width=width, unit=unit)
    else:
        line = SliceLine(center=center, length=length, angle=pa, width=width, unit=unit)
    with open_image(imagename) as image:
        choice = PixelChoice(ImageSelection(region, "", chans, stokes), mask, stretch)
        write_slice(image, outfile, line, choice, overwrite)
