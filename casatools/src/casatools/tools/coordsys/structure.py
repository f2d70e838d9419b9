"""What every part of the coordsys tool stands on: its coordinates, how members are named, and how errors read."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from casatools._base.errors import ParameterError
from casatools.io.image.coordinates import (
    Coordinate,
    Coordinates,
    DirectionCoordinate,
    LinearCoordinate,
    ObservationInfo,
    SpectralCoordinate,
    StokesCoordinate,
    TabularCoordinate,
)

__all__ = ["KINDS", "CoordsysState", "coordinates_from_tool_record", "kind_of", "new_coordinates", "new_members", "tool_record"]

KINDS = ("Direction", "Spectral", "Stokes", "Linear", "Tabular", "Quality")
# The line that CASA's new spectral axis is about: the 21 cm line of hydrogen in its table of lines.
_HI_HZ = 1420405751.7860003
_CLIGHT_DAY = 86400.0


def kind_of(name: str) -> str:
    """The kind of coordinate that a name (or the start of one) stands for; raises ParameterError for an unknown one."""
    folded = name.strip().lower()
    found = [kind for kind in KINDS if folded and kind.lower().startswith(folded)]
    if not found:
        raise ParameterError(f"there is no coordinate type {name!r}; types are {', '.join(k.lower() for k in KINDS)}")
    return found[0]


def tool_record(coordinates: Coordinates) -> dict[str, Any]:
    """The record that CASA's tools give: keys in order, texts as arrays, and the matrices transposed.

    CASA's Python layer turns matrices of records round, where the one that reads tables does not; both are kept as they are.
    """
    return dict(_tool_value(coordinates.to_record()))


def coordinates_from_tool_record(record: dict[str, Any]) -> Coordinates:
    """Coordinates from a record that `tool_record` (or CASA's coordsys tool) made."""
    turned = {
        key: {**value, "pc": np.asarray(value["pc"]).T}
        if isinstance(value, dict) and np.ndim(value.get("pc", 0.0)) == 2
        else value
        for key, value in record.items()
    }
    return Coordinates.from_record(turned)


def _tool_value(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _tool_value(value[key], key) for key in sorted(value)}
    if isinstance(value, list) and all(isinstance(v, str) for v in value):
        return np.array(value) if value else np.array([], dtype="<U1")
    if isinstance(value, np.ndarray) and value.dtype.kind == "i":
        return value.astype(np.int64)
    return np.array(value.T) if name == "pc" and isinstance(value, np.ndarray) else value


def new_members(direction: bool, spectral: bool, stokes: Sequence[str], linear: int, tabular: bool) -> list[Coordinate]:
    """Fresh coordinates in CASA's order and with its defaults."""
    out: list[Coordinate] = []
    if direction:
        out.append(DirectionCoordinate.make("J2000", "SIN", (0.0, 0.0), (0.0, 0.0), (-1.0, 1.0), ("'", "'")))
    if stokes:
        out.append(StokesCoordinate.make(stokes))
    if spectral:
        out.append(SpectralCoordinate.linear("LSRK", 1.415e9, 1.0e3, 0.0, _HI_HZ))
    if linear > 0:
        out.append(LinearCoordinate.make([f"LinAxis{k}" for k in range(linear)], ["km"] * linear))
    if tabular:
        out.append(TabularCoordinate.make("TabAxis1", "km"))
    return out


def _observation(telescope: str, mjd: float | None) -> ObservationInfo:
    from casatools.frames.engine import position_record
    from casatools.frames.observatories import observatory_position

    day = time.time() / _CLIGHT_DAY + 40587.0 if mjd is None else mjd
    position = position_record(observatory_position(telescope).itrf_m.tolist())
    return ObservationInfo.make(telescope, "Karl Jansky", day, position=position)


def new_coordinates(members: Sequence[Coordinate], telescope: str = "EVLA", mjd: float | None = None) -> Coordinates:
    """Coordinates of the members with CASA's default observation, of today or of a given day (MJD)."""
    return Coordinates(members, observation=_observation(telescope, mjd))


class CoordsysState:
    """The coordinates a coordsys tool holds; the topic mixins stand on it."""

    def __init__(self) -> None:
        self._held: Coordinates | None = None
        self._parent = "unknown"

    @property
    def _coordinates(self) -> Coordinates:
        if self._held is None:
            self._held = new_coordinates((), "ALMA")
        return self._held

    @_coordinates.setter
    def _coordinates(self, value: Coordinates) -> None:
        self._held = value

    @property
    def coordinates(self) -> Coordinates:
        """The coordinates themselves, for other tools."""
        return self._coordinates

    @classmethod
    def from_coordinates(cls, coordinates: Coordinates, parent: str = "unknown") -> Any:
        """A tool that holds a copy of the given coordinates."""
        tool = cls()
        tool._held = coordinates.copy()
        tool._parent = parent
        return tool

    def _index(self, kind: str, which: int = 0) -> int:
        name = kind_of(kind)
        index = self._coordinates.find(name, which)
        if index is None:
            raise ParameterError(f"the coordinate system has no {name.lower()} coordinate{f' number {which}' if which else ''}")
        return index

    def _axes_of(self, kind: str) -> list[int]:
        """World axes of a type's first coordinate, or all world axes for ""."""
        if not kind:
            return list(range(self._coordinates.n_world_axes))
        return [a for a in self._coordinates.world_axes[self._index(kind)] if a >= 0]

    def _pixel_axes_of(self, kind: str) -> list[int]:
        if not kind:
            return list(range(self._coordinates.n_pixel_axes))
        return [a for a in self._coordinates.pixel_axes[self._index(kind)] if a >= 0]

    def _spectral(self) -> tuple[int, SpectralCoordinate]:
        index = self._index("spectral")
        member = self._coordinates.members[index]
        assert isinstance(member, SpectralCoordinate)
        return index, member

    def _direction(self) -> tuple[int, DirectionCoordinate]:
        index = self._index("direction")
        member = self._coordinates.members[index]
        assert isinstance(member, DirectionCoordinate)
        return index, member

    def _set_member_values(self, axes: Sequence[int], values: np.ndarray, what: str) -> None:
        """Put world-ordered values of some axes into the members' reference value or increment."""
        for index, member in enumerate(self._coordinates.members):
            rows = [(row, a) for row, a in enumerate(self._coordinates.world_axes[index]) if a in axes]
            if rows and member.kind not in ("Stokes", "Quality"):
                current = np.array(member.reference_value if what == "value" else member.increment)
                for row, axis in rows:
                    current[row] = values[axis]
                if what != "value" and np.any(current == 0):
                    raise ParameterError(f"the increment of the {member.kind.lower()} axis cannot be 0")
                changed = member.with_reference(value=current) if what == "value" else member.with_reference(increment=current)
                self._coordinates.members[index] = changed
