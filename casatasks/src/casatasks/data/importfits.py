"""importfits: a FITS image as a CASA image."""

from __future__ import annotations

from typing import Annotated, Any

from casatasks._params import Overwrite
from casatasks._task import task
from casatools._base import kinds, log
from casatools._base.errors import ParameterError

__all__ = ["importfits"]


@task(group="data", pictures=("imagename",))
def importfits(
    fitsimage: Annotated[str, kinds.InPath(), "Name of the FITS image"] = "",
    imagename: Annotated[str, kinds.OutPath(), "Name of the CASA image to make"] = "",
    whichrep: Annotated[int, kinds.Int(min=0), "Coordinate representation, where the file has several: 0 is the first"] = 0,
    whichhdu: Annotated[int, kinds.Int(min=-1), "Header-data unit, from 0; -1 is the first that holds an image"] = -1,
    zeroblanks: Annotated[bool, kinds.Bool(), "Set blanked pixels to zero instead of NaN; they are masked in any case"] = True,
    overwrite: Overwrite = False,
    defaultaxes: Annotated[
        bool, kinds.Bool(), "Put the axes in the order direction, Stokes, frequency, and add missing ones"
    ] = False,
    defaultaxesvalues: Annotated[
        Any, kinds.Variant(), "Right ascension, declination, frequency, Stokes of added axes; '' for none"
    ] = [],  # noqa: B006
    beam: Annotated[Any, kinds.Variant(), "Major axis, minor axis and position angle in the place of the header's beam"] = [],  # noqa: B006
) -> None:
    """Import a FITS image.

    The pixels become 32-bit floats; blanked ones are masked in a mask ``mask0``. A table of beams (CASAMBM) becomes per-plane beams.

    Raises
    ------
    PathMissingError, OutputExistsError, DataError, ParameterError

    Examples
    --------
    >>> importfits("cube.fits", "cube.image", overwrite=True)
    """
    from casatools.tools._image_files import import_image, parse_beam

    for name, value in (("fitsimage", fitsimage), ("imagename", imagename)):
        if not value:
            raise ParameterError(f"importfits: parameter {name!r} must name a file")
    given = list(beam) if not isinstance(beam, str) else ([beam] if beam else [])
    values = list(defaultaxesvalues) if not isinstance(defaultaxesvalues, str) else [defaultaxesvalues]
    import_image(
        fitsimage, imagename, hdu=whichhdu, zero_blanks=zeroblanks, overwrite=overwrite, default_axes=defaultaxes,
        default_values=values, beam=parse_beam(given), representation=whichrep,
    )  # fmt: skip
    _record(fitsimage, imagename)


def _record(fitsimage: str, imagename: str) -> None:
    from casatools._base.version import version_string
    from casatools.tools._image_files import append_image_history

    call = f'importfits(fitsimage="{fitsimage}", imagename="{imagename}")'
    append_image_history(imagename, [f"version: casatasks {version_string()}", call], "::importfits")
    log.post(f"imported {fitsimage} as {imagename}")
