"""The coordsys tool's methods about the structure: coordinates, axes, names, units, order."""

from __future__ import annotations

import difflib
from typing import Annotated, Any

import numpy as np

from casatools._base import kinds
from casatools._base.declare import method
from casatools._base.errors import ParameterError
from casatools.frames.quantities import is_unit
from casatools.io.image.coordinates import LinearCoordinate, TabularCoordinate
from casatools.tools.coordsys.structure import (
    CoordsysState,
    coordinates_from_tool_record,
    kind_of,
    new_coordinates,
    new_members,
    tool_record,
)

__all__ = ["AxesMethods"]

Kind = Annotated[
    str, kinds.Text(), "Coordinate type: direction, spectral, stokes, linear, tabular (or the start of one); '' is all"
]
World = Annotated[bool, kinds.Bool(), "World axes (True) or pixel axes (False)"]
Direction = Annotated[bool, kinds.Bool(), "Make a direction coordinate"]
Spectral = Annotated[bool, kinds.Bool(), "Make a spectral coordinate"]
StokesNames = Annotated[
    Any, kinds.TextList(drop_empty=True), "Make a Stokes coordinate with these, such as 'I Q U V' or ['I', 'V']"
]
Linear = Annotated[int, kinds.Int(min=0), "Make a linear coordinate with this many axes"]
Tabular = Annotated[bool, kinds.Bool(), "Make a tabular coordinate"]


def _labels(stokes: list[str]) -> list[str]:
    return [label for text in stokes for label in text.replace(",", " ").split()]


class AxesMethods(CoordsysState):
    """Structure of the coordinate system."""

    @method
    def newcoordsys(
        self, direction: Direction = False, spectral: Spectral = False, stokes: StokesNames = [], linear: Linear = 0, tabular: Tabular = False  # noqa: B006
    ) -> Any:  # fmt: skip
        """Make a new tool with a coordinate system of default coordinates."""
        members = new_members(direction, spectral, _labels(stokes), linear, tabular)
        return type(self).from_coordinates(new_coordinates(members, "EVLA" if members else "ALMA"))

    @method
    def addcoordinate(
        self, direction: Direction = False, spectral: Spectral = False, stokes: StokesNames = [], linear: Linear = 0, tabular: Tabular = False  # noqa: B006
    ) -> bool:  # fmt: skip
        """Add default coordinates on new axes at the end."""
        for member in new_members(direction, spectral, _labels(stokes), linear, tabular):
            self._coordinates.append(member)
        return True

    @method
    def naxes(self, world: World = True) -> int:
        """The number of axes."""
        return self._coordinates.n_world_axes if world else self._coordinates.n_pixel_axes

    @method
    def ncoordinates(self) -> int:
        """The number of coordinates."""
        return len(self._coordinates)

    @method
    def axesmap(
        self, toworld: Annotated[bool, kinds.Bool(), "Pixel to world axes (True) or world to pixel axes (False)"] = True
    ) -> np.ndarray:
        """The axis of the other kind that belongs to each axis."""
        c = self._coordinates
        if toworld:
            return np.array([c.pixel_to_world_axis(a) for a in range(c.n_pixel_axes)], dtype=np.int64)
        return np.array([c.world_to_pixel_axis(a) for a in range(c.n_world_axes)], dtype=np.int64)

    @method
    def axiscoordinatetypes(self, world: World = True) -> list[str]:
        """The coordinate type of each axis."""
        c = self._coordinates
        count = c.n_world_axes if world else c.n_pixel_axes
        find = c.member_of_world_axis if world else c.member_of_pixel_axis
        return [c.members[find(axis)[0]].kind for axis in range(count)]

    @method
    def coordinatetype(self, which: Annotated[int, kinds.Int(), "Which coordinate; negative is all"] = -1) -> list[str]:
        """The types of the coordinates, or of one of them."""
        members = self._coordinates.members
        if which < 0:
            return [m.kind for m in members]
        if which >= len(members):
            raise ParameterError(f"there is no coordinate {which}: the coordinate system has {len(members)}")
        return [members[which].kind]

    @method
    def findaxis(self, world: World = True, axis: Annotated[int, kinds.Int(), "The axis, from 0"] = 0) -> dict[str, int]:
        """The coordinate that an axis belongs to, and its number within it."""
        find = self._coordinates.member_of_world_axis if world else self._coordinates.member_of_pixel_axis
        index, row = find(axis)
        return {"coordinate": index, "axisincoordinate": row}

    @method
    def findcoordinate(
        self, type: Kind = "direction", which: Annotated[int, kinds.Int(min=0), "Which one, if there are several of the type"] = 0
    ) -> dict[str, Any]:
        """The axes of a coordinate; ``return`` is False when there is no such coordinate."""
        index = self._coordinates.find(kind_of(type), which)
        if index is None:
            nothing = np.array([], dtype=np.int64)
            return {"return": False, "pixel": nothing, "world": nothing.copy()}
        pixel, world = self._coordinates.pixel_axes[index], self._coordinates.world_axes[index]
        return {"return": True, "pixel": np.array(pixel, dtype=np.int64), "world": np.array(world, dtype=np.int64)}

    @method
    def findaxisbyname(
        self,
        axisname: Annotated[str, kinds.Text(empty=False), "Name of the axis or the start of it, in any case"] = "",
        allowfriendlyname: Annotated[bool, kinds.Bool(), "Accept 'spectral' (or the start of it) and 'ra' as well"] = True,
    ) -> int:
        """The world axis with a name."""
        wanted = axisname.strip().lower()
        names = [name.lower() for name in self._coordinates.names]
        found = [k for k, name in enumerate(names) if wanted and name.startswith(wanted)]
        if not found and allowfriendlyname:
            friendly = {"spectral": "Spectral", "ra": "Direction"}
            kind = next((k for name, k in friendly.items() if wanted and name.startswith(wanted)), None)
            index = self._coordinates.find(kind) if kind is not None else None
            if index is not None:
                found = [self._coordinates.world_axes[index][0]]
        if not found:
            near = difflib.get_close_matches(wanted, names, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ParameterError(
                f"no axis has a name that starts with {axisname!r}; names are {', '.join(self._coordinates.names)}{hint}"
            )
        return found[0]

    # ---- names and units

    @method
    def names(self, type: Kind = "") -> list[str]:
        """The axis names; the first one only when a coordinate type is given, as CASA does."""
        names = [self._coordinates.names[a] for a in self._axes_of(type)]
        return names[:1] if type else names

    @method
    def setnames(self, value: Annotated[Any, kinds.TextList(), "New names: one for each axis"], type: Kind = "") -> bool:
        """Set the axis names."""
        axes = self._axes_of(type)
        names = value[0].split() if len(value) == 1 and len(axes) > 1 else value
        if len(names) != len(axes):
            raise ParameterError(f"setnames needs {len(axes)} names; got {len(names)}")
        given = dict(zip(axes, names, strict=True))
        for index, member in enumerate(self._coordinates.members):
            world = self._coordinates.world_axes[index]
            if any(a in given for a in world):
                self._coordinates.members[index] = member.with_names(
                    [given.get(a, n) for a, n in zip(world, member.names, strict=True)]
                )
        return True

    @method
    def units(self, type: Kind = "") -> list[str]:
        """The axis units."""
        return [self._coordinates.units[a] for a in self._axes_of(type)]

    @method
    def setunits(
        self,
        value: Annotated[Any, kinds.TextList(), "New units: one for each axis"],
        type: Kind = "",
        overwrite: Annotated[
            bool, kinds.Bool(), "Put the units of linear and tabular axes without converting the values"
        ] = False,
        which: Annotated[int, kinds.Int(), "Which coordinate of the type; negative is the first"] = -10,
    ) -> bool:
        """Set the axis units; reference values and increments are converted."""
        axes = self._axes_of(type) if which <= 0 or not type else self._member_axes(type, which)
        units = value[0].split() if len(value) == 1 and len(axes) > 1 else value
        if len(units) != len(axes):
            raise ParameterError(f"setunits needs {len(axes)} units; got {len(units)}")
        units = ["" if unit == "_" else unit for unit in units]
        for unit in units:
            if unit and not is_unit(unit):
                raise ParameterError(f"setunits: {unit!r} is not a unit")
        self._coordinates.members = self._with_units(dict(zip(axes, units, strict=True)), overwrite)
        return True

    def _member_axes(self, type: str, which: int) -> list[int]:
        return list(self._coordinates.world_axes[self._index(type, which)])

    def _with_units(self, given: dict[int, str], overwrite: bool) -> list[Any]:
        """All members with some axes in other units; nothing is changed when one does not fit."""
        from dataclasses import replace

        out = []
        for index, member in enumerate(self._coordinates.members):
            world = self._coordinates.world_axes[index]
            units = [given.get(a, u) for a, u in zip(world, member.units, strict=True)]
            if list(member.units) == units:
                out.append(member)
            elif overwrite and isinstance(member, (LinearCoordinate, TabularCoordinate)):
                out.append(replace(member, units=tuple(units)))
            else:
                out.append(member.with_units(units))
        return out

    # ---- order and members

    @method
    def reorder(self, order: Annotated[Any, kinds.IntList(), "New order of the coordinates"]) -> bool:
        """Put the coordinates, with their axes, in another order."""
        c = self._coordinates
        if sorted(order) != list(range(len(c))):
            raise ParameterError(f"reorder: the order must be a permutation of the {len(c)} coordinates; got {order}")
        self._coordinates = c.reordered(order)
        return True

    @method
    def transpose(self, order: Annotated[Any, kinds.IntList(), "The present axis that becomes each axis"]) -> bool:
        """Put the axes in another order."""
        self._coordinates = self._coordinates.transposed(order)
        return True

    @method
    def replace(
        self,
        csys: Annotated[dict, kinds.Record(), "Record of the coordinate system to take from"],
        whichin: Annotated[int, kinds.Int(min=0), "Which coordinate of csys"],
        whichout: Annotated[int, kinds.Int(min=0), "Which coordinate is replaced"],
    ) -> bool:
        """Put a coordinate of another coordinate system in the place of one of this."""
        other = coordinates_from_tool_record(csys)
        for what, number, system in (("whichin", whichin, other), ("whichout", whichout, self._coordinates)):
            if number >= len(system):
                raise ParameterError(f"replace: parameter {what!r} is {number}, but there are {len(system)} coordinates")
        self._coordinates.replace(whichout, other.members[whichin])
        return True

    @method
    def subimage(
        self,
        originshft: Annotated[Any, kinds.FloatList(), "Pixel of this system that becomes pixel 0; [] is no shift"] = [],  # noqa: B006
        newshape: Annotated[Any, kinds.IntList(), "Shape of the part; [] leaves lengths open"] = [],  # noqa: B006
    ) -> dict[str, Any]:
        """The record of the coordinate system as seen from part of the image."""
        n = self._coordinates.n_pixel_axes
        for what, given in (("originshft", originshft), ("newshape", newshape)):
            if given and len(given) != n:
                raise ParameterError(f"subimage: parameter {what!r} needs {n} values; got {len(given)}")
        starts = originshft or [0.0] * n
        return tool_record(self._coordinates.sliced(starts, None, newshape or None))
