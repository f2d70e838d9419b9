"""Directions and shapes of the componentlist tool."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from casatools._base import kinds
from casatools._base.declare import method
from casatools.components import editing
from casatools.frames.directions import direction_frame
from casatools.tools.componentlist.session import Log, SessionMethods, Which, WhichOrAll, not_there

__all__ = ["PlaceMethods"]

_Width = Annotated[Any, kinds.Variant(), "Angle such as '10arcsec'"]
_Unit = Annotated[str, kinds.Text(), "Unit"]
_Digits = Annotated[int, kinds.Int(), "Digits"]


class PlaceMethods(SessionMethods):
    """Directions and shapes."""

    @method
    def getrefdir(self, which: Which) -> dict[str, Any]:
        """The direction of a component as a measure."""
        return self._list[which].shape.direction()

    @method
    def getrefdirra(self, which: Which, unit: _Unit = "deg", precision: _Digits = 6) -> str:
        """Not implemented in CASA: ''."""
        self._list.index(which)
        return str(not_there("getrefdirra", "", "getrefdir(which)['m0']"))

    @method
    def getrefdirdec(self, which: Which, unit: _Unit = "deg", precision: _Digits = 6) -> str:
        """Not implemented in CASA: ''."""
        self._list.index(which)
        return str(not_there("getrefdirdec", "", "getrefdir(which)['m1']"))

    @method
    def getrefdirframe(self, which: Which) -> str:
        """The frame of the direction of a component."""
        return self._list[which].shape.frame

    @method
    def setrefdir(
        self,
        which: WhichOrAll = 1,
        ra: Annotated[Any, kinds.Variant(), "Longitude such as '12h30m00s'; [] leaves it"] = [],  # noqa: B006 - not changed
        dec: Annotated[Any, kinds.Variant(), "Latitude such as '10d00m00s'; [] leaves it"] = [],  # noqa: B006 - not changed
        log: Log = True,
    ) -> bool:
        """Move a component, or all, within its frame."""
        return self._edit_each(which, lambda component: replace(component, shape=editing.moved(component.shape, ra, dec)))

    @method
    def setrefdirframe(self, which: Which, frame: Annotated[str, kinds.Text(), "Direction frame"], log: Log = True) -> bool:
        """Give the angles of a component another frame; the numbers stay."""
        return self._edit(which, shape=replace(self._list[which].shape, frame=direction_frame(frame)))

    @method
    def convertrefdir(self, which: Which, frame: Annotated[str, kinds.Text(), "Direction frame"]) -> bool:
        """Express the direction of a component in another frame."""
        return self._edit(which, shape=editing.converted_place(self._list[which].shape, frame))

    @method
    def shapetype(self, which: Which) -> str:
        """Point, Gaussian or Disk."""
        return self._list[which].shape.kind

    @method
    def getshape(self, which: Which) -> dict[str, Any]:
        """Widths, position angle and their errors; {} for a point."""
        return self._list[which].shape.widths()

    @method
    def setshape(
        self,
        which: Which,
        type: Annotated[str, kinds.Text(), "Point, Gaussian or Disk"] = "Point",
        majoraxis: _Width = [],  # noqa: B006 - not changed
        minoraxis: _Width = [],  # noqa: B006 - not changed
        positionangle: _Width = [],  # noqa: B006 - not changed
        majoraxiserror: _Width = [],  # noqa: B006 - not changed
        minoraxiserror: _Width = [],  # noqa: B006 - not changed
        positionangleerror: _Width = [],  # noqa: B006 - not changed
        optionalparms: Annotated[list[float], kinds.FloatList(), "Accepted for compatibility; no shape has any"] = [0.0],  # noqa: B006
        log: Log = True,
    ) -> bool:
        """Set the shape of a component.

        Raises
        ------
        ParameterError
            The shape is unknown, a width is missing, or the minor axis is the longer one.
        """
        widths = (majoraxis, minoraxis, positionangle)
        errors = (majoraxiserror, minoraxiserror, positionangleerror)
        return self._edit(which, shape=editing.shape_from(self._list[which].shape, type, widths, errors))

    @method
    def convertshape(
        self,
        which: Which,
        majoraxis: _Unit = "arcmin",
        minoraxis: _Unit = "arcmin",
        positionangle: _Unit = "deg",
    ) -> bool:
        """Not implemented in CASA: False."""
        self._list.index(which)
        return bool(not_there("convertshape", False, "setshape"))
