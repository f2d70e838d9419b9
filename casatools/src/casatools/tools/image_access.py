"""Opening images for tasks."""

from __future__ import annotations

from casatools._base.errors import ParameterError
from casatools.io.image import CasaImage

__all__ = ["open_image"]


def open_image(path: str, writable: bool = False) -> CasaImage:
    """Open an image named by a task parameter; an empty name is refused as such.

    Raises
    ------
    ParameterError, PathMissingError, DataError
        No name was given, nothing is there, or it is not an image.
    """
    if not path:
        raise ParameterError("no image was named; give the name of an image table or FITS file")
    return CasaImage.open(path, writable)
