"""What an image carries beside its pixels: unit, beams, coordinates, masks, history."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from casatools._base import kinds, log
from casatools._base.declare import method
from casatools._base.errors import ParameterError
from casatools.frames.quantities import is_unit
from casatools.tools._image_summary import beam_matrices, beam_record, image_summary, image_summary_parts
from casatools.tools.coordsys import coordsys as _coordsys
from casatools.tools.coordsys.structure import coordinates_from_tool_record
from casatools.tools.image.recording import recorded
from casatools.tools.image.session import SessionMethods

__all__ = ["MetadataMethods"]

_OPERATIONS = ("default", "get", "set", "rename", "delete", "copy")


def _wide(value: Any) -> Any:
    """Whole numbers in the type that the tools give them in."""
    return value.astype(np.int64) if isinstance(value, np.ndarray) and value.dtype == np.int32 else value


def _only_asks(arguments: dict[str, Any]) -> bool:
    """Whether a call of maskhandler changes nothing."""
    return any(str(arguments["op"]) and o.startswith(str(arguments["op"]).lower()) for o in ("default", "get"))


class MetadataMethods(SessionMethods):
    """Unit, beams, coordinates, masks, miscellaneous values and history."""

    @method
    def brightnessunit(self) -> str:
        """The unit of the pixels."""
        return self._image.unit

    @recorded()
    def setbrightnessunit(self, unit: Annotated[str, kinds.Text(), "Unit such as Jy/beam"]) -> bool:
        """Set the unit of the pixels; raises ParameterError for what is no unit."""
        image = self._writable()
        if unit and not is_unit(unit):
            raise ParameterError(f"image.setbrightnessunit: parameter 'unit' must be a unit such as Jy/beam; got {unit!r}")
        image.unit = unit
        image.flush()
        return True

    @method
    def restoringbeam(
        self,
        channel: Annotated[int, kinds.Int(), "Channel of a beam that differs from plane to plane; -1 is all"] = -1,
        polarization: Annotated[int, kinds.Int(), "Polarization plane; -1 is all"] = -1,
        mbret: Annotated[str, kinds.Text(), "How several beams are returned: list or matrix"] = "list",
    ) -> dict[str, Any]:
        """The restoring beam, or all of them; empty when the image has none."""
        beams = self._image.beams
        if not beams:
            return {}
        if beams.is_per_plane and (channel >= 0 or polarization >= 0):
            if channel >= beams.nchan or polarization >= beams.nstokes:
                raise ParameterError(f"image.restoringbeam: there are {beams.nchan} channels and {beams.nstokes} polarizations")
            return beams.at(max(channel, 0), max(polarization, 0)).to_record()
        if mbret not in ("list", "matrix"):
            raise ParameterError(f"image.restoringbeam: parameter 'mbret' must be 'list' or 'matrix'; got {mbret!r}")
        if beams.is_per_plane and mbret == "matrix":
            return beam_matrices(beams)
        return beams.at(0, 0).to_record() if beams.is_single else dict(beam_record(beams)["perplanebeams"])

    @method
    def coordsys(self, axes: Annotated[list[int], kinds.IntList(), "Pixel axes to keep; -1 is all"] = [-1]) -> Any:  # noqa: B006 - copied
        """The coordinate system as a coordsys tool."""
        coordinates = self._image.coordinates
        if axes != [-1]:
            if any(not 0 <= a < coordinates.n_pixel_axes for a in axes):
                raise ParameterError(
                    f"image.coordsys: parameter 'axes' must name axes from 0 to {coordinates.n_pixel_axes - 1}; got {axes}"
                )
            coordinates = coordinates.of_pixel_axes(axes)
        return _coordsys.from_coordinates(coordinates, self._image.path)

    @recorded()
    def setcoordsys(self, csys: Annotated[dict, kinds.Record(), "Record of a coordinate system"]) -> bool:
        """Replace the coordinate system."""
        image = self._writable()
        image.coordinates = coordinates_from_tool_record(csys)
        image.flush()
        return True

    @recorded(looks=_only_asks)
    def maskhandler(
        self,
        op: Annotated[str, kinds.Text(), "default, get, set, rename, delete or copy"] = "default",
        name: Annotated[list[str], kinds.TextList(), "Names of masks"] = [],  # noqa: B006 - copied
    ) -> list[str]:
        """List and manage masks.

        Returns
        -------
        list of str
            The default mask (``[""]`` for none), or the names of all masks (``["T"]`` for none); ``["T"]`` after a change.

        Raises
        ------
        ParameterError
            The operation or a mask is unknown.
        """
        wanted = [o for o in _OPERATIONS if op and o.startswith(op.lower())]
        if not wanted:
            raise ParameterError(f"image.maskhandler: parameter 'op' must be one of {', '.join(_OPERATIONS)}; got {op!r}")
        image = self._image
        if wanted[0] == "default":
            return [image.default_mask]
        if wanted[0] == "get":
            return image.mask_names or ["T"]
        image = self._writable()
        if wanted[0] == "set":
            image.default_mask = name[0] if name else ""
        elif wanted[0] == "delete":
            for one in name:
                image.remove_mask(one)
        elif len(name) != 2:
            raise ParameterError(f"image.maskhandler: {wanted[0]} needs two names; got {name}")
        elif wanted[0] == "rename":
            image.rename_mask(name[0], name[1])
        else:
            if name[0].split(":")[-1] not in image.mask_names:
                raise ParameterError(f"image.maskhandler: there is no mask {name[0]!r}; masks are {image.mask_names}")
            image.add_mask(name[1], None)
            for slices in image.iter_slices():
                image.write_mask(image.read_mask(slices, name[0].split(":")[-1]), slices, name[1])
        image.flush()
        return ["T"]

    @method
    def miscinfo(self) -> dict[str, Any]:
        """Miscellaneous values kept with the image."""
        return {k: _wide(v) for k, v in self._image.misc_info.items()}

    @recorded()
    def setmiscinfo(self, info: Annotated[dict, kinds.Record(), "Values to keep"]) -> bool:
        """Replace the miscellaneous values."""
        image = self._writable()
        image.misc_info = info
        image.flush()
        return True

    @method
    def history(self, list: Annotated[bool, kinds.Bool(), "Write the lines to the log"] = True) -> list[str]:
        """The lines of the history."""
        lines = [entry.message for entry in self._image.history()]
        if list:
            for line in lines:
                log.post(line)
        return lines

    @method
    def sethistory(
        self,
        origin: Annotated[str, kinds.Text(), "Where the lines come from"] = "",
        history: Annotated[list[str], kinds.TextList(), "Lines to add"] = [],  # noqa: B006 - copied
    ) -> bool:
        """Add lines to the history."""
        image = self._writable()
        image.append_history(history, origin or "image::sethistory")
        image.flush()
        return True

    @method
    def summary(
        self,
        doppler: Annotated[str, kinds.Text(), "Velocity definition of the listing"] = "RADIO",
        list: Annotated[bool, kinds.Bool(), "Write the summary to the log"] = True,
        pixelorder: Annotated[bool, kinds.Bool(), "Order of the axes in the listing"] = True,
        verbose: Annotated[bool, kinds.Bool(), "List the beams of all planes"] = False,
    ) -> dict[str, Any]:
        """A description of the image as a record, with the text in ``header``."""
        parts = image_summary_parts(self._image, doppler)
        if list:
            log.post("\n".join(parts))
        return image_summary(self._image, [f"\n{part.strip()}" for part in parts])

    @method
    def beamarea(
        self,
        channel: Annotated[int, kinds.Int(), "Channel; -1 is all"] = -1,
        polarization: Annotated[int, kinds.Int(), "Polarization plane; -1 is all"] = -1,
    ) -> dict[str, Any]:
        """The solid angle of the beam in pixels and in square arcsec; arrays (polarization, channel) where planes have beams of their own."""
        image = self._image
        direction = image.coordinates.direction
        if not image.beams or direction is None:
            raise ParameterError("image.beamarea: the image has no restoring beam")
        if image.beams.is_per_plane and (channel < 0) != (polarization < 0):
            raise ParameterError(
                "image.beamarea: with a beam for each plane both 'channel' and 'polarization' name a plane, or neither does; "
                f"got {channel} and {polarization}"
            )
        cell = abs(direction.increment_rad[0] * direction.increment_rad[1])

        def area(chan: int, stokes: int) -> float:
            return float(image.beams.at(chan, stokes).area_rad2)

        if image.beams.is_per_plane and channel < 0:
            areas: Any = np.array([[area(c, s) for c in range(image.beams.nchan)] for s in range(image.beams.nstokes)])
        else:
            areas = area(max(channel, 0), max(polarization, 0))
        return {"pixels": areas / cell, "arcsec2": areas * 206264.80624709636**2}
