"""The coordsys tool."""

from __future__ import annotations

from typing import Annotated, Any

from casatools._base import kinds, log
from casatools._base.declare import method
from casatools._base.errors import ParameterError
from casatools.frames.engine import position_record
from casatools.frames.epochs import parse_epoch
from casatools.frames.observatories import observatory_position
from casatools.io.image.coordinates import ObservationInfo
from casatools.tools.coordsys.axes import AxesMethods
from casatools.tools.coordsys.conversion import ConversionMethods
from casatools.tools.coordsys.reference import ReferenceMethods
from casatools.tools.coordsys.structure import coordinates_from_tool_record, tool_record
from casatools.tools.coordsys.summary import summary_text
from casatools.tools.coordsys.values import ValueMethods

__all__ = ["coordsys"]


class coordsys(AxesMethods, ValueMethods, ConversionMethods, ReferenceMethods):
    """Coordinate systems: axes, reference values, frames, and conversions between pixels and world values."""

    @method
    def type(self) -> str:
        """The name of the tool."""
        return "coordsys"

    @method
    def copy(self) -> Any:
        """A new tool with a copy of the coordinate system."""
        return coordsys.from_coordinates(self._coordinates, self._parent)

    @method
    def done(self) -> bool:
        """Let go of the coordinate system; the tool is empty then."""
        self._held, self._parent = None, "unknown"
        return True

    @method
    def torecord(self) -> dict[str, Any]:
        """The coordinate system as a record."""
        return tool_record(self._coordinates)

    @method
    def fromrecord(self, record: Annotated[dict, kinds.Record(), "Record of a coordinate system, as torecord gives it"]) -> bool:
        """Take the coordinate system from a record."""
        self._coordinates = coordinates_from_tool_record(record)
        return True

    @method
    def summary(
        self,
        doppler: Annotated[str, kinds.Text(), "Velocity definition of the velocity line: RADIO, OPTICAL, TRUE"] = "RADIO",
        list: Annotated[bool, kinds.Bool(), "Write the summary to the log"] = True,
    ) -> list[str]:
        """A description of the coordinate system."""
        text = summary_text(self._coordinates, doppler)
        if list:
            log.post(text, origin="coordsys.summary")
        return [text]

    # ---- observation

    @method
    def telescope(self) -> str:
        """The telescope's name."""
        return self._coordinates.observation.telescope

    @method
    def settelescope(self, value: Annotated[str, kinds.Text(), "Name of the telescope"]) -> bool:
        """Set the telescope; False when its position is not known."""
        try:
            position = position_record(observatory_position(value).itrf_m.tolist()) if value else None
        except ParameterError:
            position = None
            log.post(f"the position of the telescope {value!r} is not known", "WARN", "coordsys.settelescope")
        self._observe(telescope=value, position=position)
        return position is not None

    @method
    def observer(self) -> str:
        """The observer's name."""
        return self._coordinates.observation.observer

    @method
    def setobserver(self, value: Annotated[str, kinds.Text(), "Name of the observer"]) -> bool:
        """Set the observer's name."""
        self._observe(observer=value)
        return True

    @method
    def epoch(self) -> dict[str, Any]:
        """The time of the observation, as an epoch measure."""
        return dict(self._coordinates.observation.date)

    @method
    def setepoch(
        self, value: Annotated[Any, kinds.Variant((kinds.Record(), kinds.Text(empty=False))), "Epoch measure, or a date"]
    ) -> bool:
        """Set the time of the observation."""
        refer = str(value.get("refer", "UTC")) if isinstance(value, dict) else "UTC"
        if isinstance(value, dict) and value.get("type", "epoch") != "epoch":
            raise ParameterError(f"setepoch: parameter 'value' must be an epoch measure; got a {value.get('type')} measure")
        days = parse_epoch(value) / 86400.0
        if isinstance(value, dict) and value.get("m0", {}).get("unit") == "d":
            days = float(value["m0"]["value"])  # the very number, not one taken through seconds
        self._observe(date={"type": "epoch", "refer": refer, "m0": {"value": days, "unit": "d"}})
        return True

    def _observe(self, **changes: Any) -> None:
        from dataclasses import replace

        current: ObservationInfo = self._coordinates.observation
        self._coordinates.observation = replace(current, **changes)

    @method
    def parentname(self) -> str:
        """The name of the image the coordinate system came from."""
        return self._parent

    @method
    def setparentname(self, imagename: Annotated[str, kinds.Text(), "Name of the image"]) -> bool:
        """Set the name of the image the coordinate system came from."""
        self._parent = imagename
        return True
