"""exportfits: a CASA image as a FITS file."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from casatasks._params import ImageName, Overwrite
from casatasks._task import task
from casatools._base import kinds
from casatools._base.errors import ParameterError

__all__ = ["exportfits"]


@task(group="data")
def exportfits(
    imagename: ImageName = "",
    fitsimage: Annotated[str, kinds.OutPath(), "Name of the FITS file to make"] = "",
    velocity: Annotated[bool, kinds.Bool(), "Write the spectral axis as velocities"] = False,
    optical: Annotated[bool, kinds.Bool(), "Use the optical definition of velocity instead of the radio one"] = False,
    bitpix: Annotated[Literal[-32, 16], "Floats (-32) or scaled 16-bit integers (16)"] = -32,
    minpix: Annotated[
        Any, kinds.Float(), "Least value of the integers; the range is that of the data when minpix is above maxpix"
    ] = 0,
    maxpix: Annotated[Any, kinds.Float(), "Greatest value of the integers"] = -1,
    overwrite: Overwrite = False,
    dropstokes: Annotated[bool, kinds.Bool(), "Leave out a Stokes axis of one plane"] = False,
    stokeslast: Annotated[bool, kinds.Bool(), "Put the Stokes axis last"] = True,
    history: Annotated[bool, kinds.Bool(), "Write the image's history"] = True,
    dropdeg: Annotated[bool, kinds.Bool(), "Leave out all axes of one pixel"] = False,
) -> None:
    """Export an image as a FITS file.

    Masked pixels become blanks. Per-plane beams become a table of beams (CASAMBM).

    Raises
    ------
    PathMissingError, OutputExistsError, DataError, ParameterError

    Examples
    --------
    >>> exportfits("cube.image", "cube.fits", velocity=True, dropstokes=True)
    """
    from casatools.tools._image_files import ExportOptions, export_image

    for name, value in (("imagename", imagename), ("fitsimage", fitsimage)):
        if not value:
            raise ParameterError(f"exportfits: parameter {name!r} must name a file")
    options = ExportOptions(
        velocity=velocity, optical=optical, bitpix=bitpix, min_pixel=float(minpix), max_pixel=float(maxpix), drop_stokes=dropstokes,
        stokes_last=stokeslast, history=history, drop_degenerate=dropdeg,
    )  # fmt: skip
    export_image(imagename, fitsimage, options, overwrite)
