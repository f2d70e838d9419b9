"""New images from arrays."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from casatools._base import kinds
from casatools._base.errors import ParameterError
from casatools._base.paths import staged_output
from casatools.io.image import CasaImage, casa_order
from casatools.io.image.coordinates import Coordinate, Coordinates
from casatools.tools.coordsys.structure import coordinates_from_tool_record, new_coordinates, new_members
from casatools.tools.image.recording import recorded
from casatools.tools.image.session import SessionMethods

__all__ = ["MakingMethods"]

# The beginning of 2000, with CASA's tenth of a millisecond, is the date of observation of an image made from nothing.
_NEW_IMAGE_MJD = 51544.0 + 1e-4 / 86400.0
_DTYPES = {"f": "f4", "d": "f8", "c": "c8", "cd": "c16"}


def default_coordinates(shape: tuple[int, ...], linear: bool) -> Coordinates:
    """Coordinates for an image that is given none: direction, Stokes and spectral axes where they fit, linear ones for the rest."""
    if linear:
        return _centred(_observed(new_members(False, False, (), len(shape), False)), shape)
    if len(shape) == 1:
        return _centred(_observed(new_members(False, True, (), 0, False)), shape)
    stokes: tuple[str, ...] = ()
    spectral = stokes_last = False
    rest = list(shape[2:])
    if rest and rest[0] <= 4:
        stokes = ("I", "Q", "U", "V")[: rest.pop(0)]
    if rest:
        spectral = True
        rest.pop(0)
    if spectral and not stokes and rest and rest[0] <= 4:
        stokes_last, stokes = True, ("I", "Q", "U", "V")[: rest.pop(0)]
    members = new_members(True, spectral, stokes, len(rest), False)
    if stokes_last:
        members[1:3] = members[2:0:-1]
    return _centred(_observed(members), shape)


def _observed(members: list[Coordinate]) -> Coordinates:
    """Coordinates with the observation and the names of linear axes that CASA gives to new images."""
    named = [m.with_names([f"linear{k + 1}" for k in range(len(m.names))]) if m.kind == "Linear" else m for m in members]
    return new_coordinates(named, "ALMA", _NEW_IMAGE_MJD)


def _centred(coordinates: Coordinates, shape: tuple[int, ...]) -> Coordinates:
    """The same coordinates with the reference pixel in the middle of each axis, as CASA places it; not of polarization."""
    for index, member in enumerate(coordinates.members):
        if member.kind != "Stokes":
            middle = np.array([float(shape[a] // 2) for a in coordinates.pixel_axes[index]])
            coordinates.replace(index, member.with_reference(pixel=middle))
    return coordinates


class MakingMethods(SessionMethods):
    """Making images."""

    def _create(
        self, outfile: str, shape: tuple[int, ...], csys: dict[str, Any], linear: bool, overwrite: bool, kind: str, pixels: Any
    ) -> None:
        """Make an image of a shape given in CASA order and hold it."""
        if kind == "f" and np.iscomplexobj(pixels):  # the default type, which complex numbers do not fit
            kind = "c"
        if kind not in _DTYPES:
            raise ParameterError(f"image: parameter 'type' must be one of {', '.join(_DTYPES)}; got {kind!r}")
        if not shape or min(shape) < 1:
            raise ParameterError(f"image: an image needs at least one pixel along each axis; got the shape {list(shape)}")
        coordinates = coordinates_from_tool_record(csys) if csys else default_coordinates(shape, linear)
        path, temporary = self._place(outfile)
        with (
            staged_output(path, overwrite) as staged,
            CasaImage.create(staged, shape[::-1], coordinates, np.dtype(_DTYPES[kind])) as image,
        ):
            if pixels is not None:
                image.write(casa_order(np.asarray(pixels)))
        self._hold(path, temporary)

    @recorded()
    def fromarray(
        self,
        outfile: Annotated[str, kinds.OutPath(), "Image to write; '' is a temporary one"] = "",
        pixels: Annotated[Any, kinds.Array(numbers=True), "Pixels, CASA axis order"] = [],  # noqa: B006 - copied
        csys: Annotated[dict, kinds.Record(), "Record of a coordinate system; {} makes a default one"] = {},  # noqa: B006 - copied
        linear: Annotated[bool, kinds.Bool(), "Default coordinates are linear"] = False,
        overwrite: Annotated[bool, kinds.Bool(), "Replace an image that exists"] = False,
        log: Annotated[bool, kinds.Bool(), "Accepted for compatibility"] = True,
        type: Annotated[str, kinds.Text(), "Pixel type: f, d, c or cd"] = "f",
    ) -> bool:
        """Make an image from an array and open it.

        Raises
        ------
        ParameterError, OutputExistsError
            There is no pixel, the coordinates do not fit, or the output exists.
        """
        values = np.asarray(pixels)
        if values.size == 0:
            raise ParameterError("image.fromarray: parameter 'pixels' holds no pixel")
        self._create(outfile, values.shape, csys, linear, overwrite, type, values)
        return True

    @recorded()
    def fromshape(
        self,
        outfile: Annotated[str, kinds.OutPath(), "Image to write; '' is a temporary one"] = "",
        shape: Annotated[list[int], kinds.IntList(), "Pixels along each axis"] = [0],  # noqa: B006 - copied
        csys: Annotated[dict, kinds.Record(), "Record of a coordinate system; {} makes a default one"] = {},  # noqa: B006 - copied
        linear: Annotated[bool, kinds.Bool(), "Default coordinates are linear"] = False,
        overwrite: Annotated[bool, kinds.Bool(), "Replace an image that exists"] = False,
        log: Annotated[bool, kinds.Bool(), "Accepted for compatibility"] = True,
        type: Annotated[str, kinds.Text(), "Pixel type: f, d, c or cd"] = "f",
    ) -> bool:
        """Make an image of zeros and open it.

        Raises
        ------
        ParameterError, OutputExistsError
            The shape or the coordinates do not fit, or the output exists.
        """
        self._create(outfile, tuple(shape), csys, linear, overwrite, type, None)
        return True
