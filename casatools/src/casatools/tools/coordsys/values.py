"""The coordsys tool's methods about reference values, reference pixels, increments and the linear transform."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from casatools._base import kinds
from casatools._base.declare import method
from casatools._base.errors import ParameterError
from casatools.tools.coordsys.axes import Kind
from casatools.tools.coordsys.structure import CoordsysState
from casatools.tools.coordsys.world import pixel_record, world_record, world_values

__all__ = ["Format", "ValueMethods", "WorldValue"]

Format = Annotated[str, kinds.Text(), "Any of n (numbers), q (quantities), m (measures), s (strings)"]
WorldValue = Annotated[Any, kinds.Variant(), "World values: numbers, texts, quantities or a record of them"]


class ValueMethods(CoordsysState):
    """Reference values and what belongs to them."""

    @method
    def referencevalue(self, format: Format = "n", type: Kind = "") -> dict[str, Any]:
        """The world values at the reference pixel."""
        return world_record(self._coordinates, self._coordinates.reference_value, format, axes=self._axes_of(type))

    @method
    def setreferencevalue(self, value: WorldValue = [], type: Kind = "") -> bool:  # noqa: B006
        """Set the world values at the reference pixel."""
        axes = self._axes_of(type)
        self._limit(value, axes, "setreferencevalue")
        values = world_values(self._coordinates, value, axes, self._coordinates.reference_value)
        self._set_member_values(axes, values, "value")
        return True

    @method
    def increment(self, format: Format = "n", type: Kind = "") -> dict[str, Any]:
        """The world increments per pixel."""
        return world_record(self._coordinates, self._coordinates.increment, format, axes=self._axes_of(type), increments=True)

    @method
    def setincrement(self, value: WorldValue = [], type: Kind = "") -> bool:  # noqa: B006
        """Set the world increments per pixel."""
        axes = self._axes_of(type)
        self._limit(value, axes, "setincrement")
        values = world_values(self._coordinates, value, axes, self._coordinates.increment)
        self._set_member_values(axes, values, "increment")
        return True

    @staticmethod
    def _limit(value: Any, axes: list[int], name: str) -> None:
        if isinstance(value, (list, tuple, np.ndarray)) and len(np.ravel(np.asarray(value, dtype=object))) > len(axes):
            raise ParameterError(f"{name}: there are {len(axes)} axes to set; got {len(value)} values")

    @method
    def referencepixel(self, type: Kind = "") -> dict[str, Any]:
        """The reference pixels, from 0."""
        return pixel_record(self._coordinates.reference_pixel[self._pixel_axes_of(type)])

    @method
    def setreferencepixel(
        self, value: Annotated[Any, kinds.FloatList(), "New reference pixels, from 0"], type: Kind = ""
    ) -> bool:
        """Set the reference pixels; Stokes axes keep theirs."""
        axes = self._pixel_axes_of(type)
        if len(value) > len(axes):
            raise ParameterError(f"setreferencepixel: there are {len(axes)} axes to set; got {len(value)} values")
        pixels = self._coordinates.reference_pixel
        for axis, number in zip(axes, value, strict=False):
            pixels[axis] = number
        self._put_pixels(pixels)
        return True

    def _put_pixels(self, pixels: np.ndarray) -> None:
        for index, member in enumerate(self._coordinates.members):
            if member.kind not in ("Stokes", "Quality"):
                current = np.array(member.reference_pixel)
                for row, axis in enumerate(self._coordinates.pixel_axes[index]):
                    if axis >= 0:
                        current[row] = pixels[axis]
                self._coordinates.members[index] = member.with_reference(pixel=current)

    @method
    def setreferencelocation(
        self,
        pixel: Annotated[Any, kinds.FloatList(), "New reference pixels, from 0; [-1] keeps them"] = [-1],  # noqa: B006
        world: WorldValue = [],  # noqa: B006
        mask: Annotated[Any, kinds.BoolList(), "Which axes are set; [False] alone is all"] = [False],  # noqa: B006
    ) -> bool:
        """Set reference pixels and values together; without values the world stays as it is and the values are those at the pixels."""
        c = self._coordinates
        if c.n_pixel_axes != c.n_world_axes:
            raise ParameterError("setreferencelocation: some axes were removed from the coordinate system")
        chosen = np.ones(c.n_world_axes, dtype=bool)
        if mask != [False]:
            if len(mask) != c.n_world_axes:
                raise ParameterError(f"setreferencelocation: parameter 'mask' needs {c.n_world_axes} values; got {len(mask)}")
            chosen = np.array(mask, dtype=bool)
        old = c.reference_pixel
        new = old.copy()
        if pixel != [-1]:
            if len(pixel) != len(old):
                raise ParameterError(f"setreferencelocation: parameter 'pixel' needs {len(old)} values; got {len(pixel)}")
            of_pixel = np.array([chosen[c.pixel_to_world_axis(a)] for a in range(len(old))])
            new = np.where(of_pixel, pixel, old)
        there = c.to_world(new)
        empty = isinstance(world, (list, tuple, np.ndarray)) and len(world) == 0
        given = there if empty else world_values(c, world, range(c.n_world_axes), there)
        if not np.all(np.isfinite(there)):
            raise ParameterError("setreferencelocation: the pixel has no world value")
        values = np.where(chosen, given, c.reference_value)
        self._set_member_values(range(len(values)), values, "value")
        self._put_pixels(new)
        return True

    @method
    def lineartransform(self, type: Annotated[str, kinds.Text(empty=False), "Coordinate type"]) -> np.ndarray:
        """The matrix that is applied to pixel offsets before the increments are, transposed as CASA gives it."""
        return np.array(self._coordinates.members[self._index(type)].matrix.T)

    @method
    def setlineartransform(
        self,
        type: Annotated[str, kinds.Text(), "Coordinate type"] = "",
        value: Annotated[Any, kinds.Array(), "New matrix"] = [],  # noqa: B006
    ) -> bool:
        """Set the matrix, transposed as `lineartransform` gives it, that is applied to pixel offsets before the increments are."""
        index = self._index(type)
        member = self._coordinates.members[index]
        matrix = np.asarray(value, dtype=np.float64)
        if matrix.shape != (member.naxes, member.naxes):
            raise ParameterError(
                f"setlineartransform: the matrix of a {member.kind.lower()} coordinate must be {member.naxes} x {member.naxes}"
            )
        if abs(np.linalg.det(matrix)) == 0:
            raise ParameterError("setlineartransform: the matrix is singular")
        if member.kind not in ("Stokes", "Quality"):
            self._coordinates.members[index] = member.with_reference(matrix=matrix.T)
        return True
