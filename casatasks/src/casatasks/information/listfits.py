"""listfits: the headers and first values of a FITS file."""

from __future__ import annotations

from typing import Annotated

from casatasks._task import task
from casatools._base import kinds, log
from casatools.information.fits_listing import fits_lines

__all__ = ["listfits"]


@task(group="information")
def listfits(fitsfile: Annotated[str, kinds.InPath(), "Name of the FITS file"] = "") -> None:
    """Send the headers of all units of a FITS file to the log, each with its first values.

    These are up to 18 pixels of an image, two groups of random groups, five rows of a table.

    Raises
    ------
    PathMissingError, DataError
        The file is not there, is not FITS, or is truncated.
    """
    log.post("\n".join(fits_lines(fitsfile)))
