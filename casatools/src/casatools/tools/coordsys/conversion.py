"""The coordsys tool's conversions between pixels and world values, absolute and relative, in any units."""

from __future__ import annotations

import math
from typing import Annotated, Any

import numpy as np

from casatools._base import kinds
from casatools._base.declare import method
from casatools._base.errors import ParameterError
from casatools.frames import image_frames
from casatools.frames.quantities import convert_value
from casatools.io.image.coordinates import SpectralCoordinate
from casatools.io.image.coordinates.relative import relative_point, to_absolute_world, to_relative_world
from casatools.io.image.coordinates.spectral import doppler_code
from casatools.io.image.coordinates.units import same_dimension
from casatools.tools.coordsys.structure import CoordsysState
from casatools.tools.coordsys.values import Format, WorldValue
from casatools.tools.coordsys.world import is_relative, pixel_record, world_record, world_values

__all__ = ["ConversionMethods"]

PixelValue = Annotated[Any, kinds.Variant(), "Pixel values from 0, or a record of them; [] is the reference pixel"]
Many = Annotated[Any, kinds.Variant(), "Values (axis, point), or a record with such under 'numeric'"]
IsWorld = Annotated[
    Any, kinds.Variant((kinds.Bool(), kinds.Int(min=-1, max=1))), "World (True) or pixel (False) values; -1 asks the record"
]
Flags = Annotated[Any, kinds.BoolList(), "Absolute (True) or relative (False), one for each axis"]
Doppler = Annotated[str, kinds.Text(), "Velocity definition: radio, optical, true, ..."]
Units = Annotated[Any, kinds.TextList(), "A unit for each axis; 'pix' is pixels, 'Native' the axis' own"]


def _all_finite(values: np.ndarray) -> bool:
    """True where no value is NaN or infinite: their sum tells it, unless it overflows."""
    return math.isfinite(float(values.sum())) or bool(np.isfinite(values).all())


def _numbers(value: Any) -> np.ndarray:
    """The numbers of a value or of its record.

    Raises
    ------
    ParameterError
        It is text, or ragged.
    """
    try:
        return np.asarray(value.get("numeric", []) if isinstance(value, dict) else value, dtype=np.float64)
    except (TypeError, ValueError):
        raise ParameterError(f"pixels are given as numbers, such as [3, 4.5]; got {value!r}") from None


class ConversionMethods(CoordsysState):
    """Pixels to world values and back."""

    # ---- one point

    @method
    def toworld(self, value: PixelValue = [], format: Format = "n") -> dict[str, Any]:  # noqa: B006
        """World values of a pixel; missing axes are taken at the reference pixel."""
        pixel = value if self._is_point(value, self._coordinates.n_pixel_axes) else self._pixels(value)
        world = image_frames.world_of(self._coordinates, pixel)
        if not math.isfinite(sum(world)):
            self._checked_world(np.array(world), np.array(pixel))
        return world_record(self._coordinates, world, format)

    @staticmethod
    def _is_point(value: Any, naxes: int) -> bool:
        """True for a plain list of a number for each axis, which needs no looking at."""
        return type(value) is list and len(value) == naxes and set(map(type, value)) == {float}

    def _pixels(self, value: Any) -> list[float]:
        """A pixel of all axes: those that are not given are at the reference pixel."""
        given = value
        if isinstance(value, dict):
            if value.get("pw_type") == "world":
                raise ParameterError("toworld: the value is a world value, not a pixel")
            if is_relative(value):
                shifted = np.array(self._pixels(np.asarray(value["numeric"]))) + self._coordinates.reference_pixel
                return shifted.tolist()  # type: ignore[no-any-return]
            given = value.get("numeric", [])
        numbers: list[float] = _numbers(given).ravel().tolist()
        count = self._coordinates.n_pixel_axes
        if len(numbers) >= count:
            return numbers[:count]
        return numbers + self._coordinates.reference_pixel.tolist()[len(numbers) :]

    def _checked_world(self, world: np.ndarray, pixel: np.ndarray) -> np.ndarray:
        if not _all_finite(world):
            axis = int(np.flatnonzero(~np.isfinite(world.reshape(len(world), -1)).all(axis=1))[0])
            name = self._coordinates.names[axis]
            raise ParameterError(f"the pixel {np.asarray(pixel).ravel().tolist()} has no world value on the axis {name!r}")
        return world

    @method
    def topixel(self, value: WorldValue = []) -> dict[str, Any]:  # noqa: B006
        """The pixel of world values; missing axes are taken at the reference value."""
        world = value if self._is_point(value, self._coordinates.n_world_axes) else self._world(value).tolist()
        pixel = image_frames.pixel_of(self._coordinates, world)
        if not math.isfinite(sum(pixel)):
            self._checked_pixel(np.array(pixel), np.array(world))
        return pixel_record(np.array(pixel))

    def _world(self, value: Any) -> np.ndarray:
        if isinstance(value, dict) and value.get("pw_type") == "pixel":
            raise ParameterError("topixel: the value is a pixel, not a world value")
        coordinates, relative = self._coordinates, is_relative(value)
        axes = range(coordinates.n_world_axes)
        world = world_values(coordinates, value, axes, np.zeros(len(axes)) if relative else self._native_reference)
        return to_absolute_world(coordinates, world[:, None])[:, 0] if relative else world

    def _native_reference(self) -> np.ndarray:
        """The reference values in the conversion frames."""
        return image_frames.to_world(self._coordinates, self._coordinates.reference_pixel)

    def _checked_pixel(self, pixel: np.ndarray, world: np.ndarray) -> np.ndarray:
        if not _all_finite(pixel):
            raise ParameterError(f"the world value {np.asarray(world).ravel().tolist()} cannot be reached from any pixel")
        return pixel

    # ---- many points

    @method
    def toworldmany(self, value: Many = []) -> dict[str, Any]:  # noqa: B006
        """World values (axis, point) of pixels (axis, point)."""
        pixels = self._matrix(value, self._coordinates.n_pixel_axes)
        world = self._checked_world(image_frames.to_world(self._coordinates, pixels), pixels[:, :1])
        return {"numeric": world, "pw_type": "world", "ar_type": "absolute"}

    @method
    def topixelmany(self, value: Many = []) -> dict[str, Any]:  # noqa: B006
        """Pixels (axis, point) of world values (axis, point)."""
        world = self._matrix(value, self._coordinates.n_world_axes)
        return pixel_record(self._checked_pixel(image_frames.to_pixel(self._coordinates, world), world[:, :1]))

    @staticmethod
    def _matrix(value: Any, naxes: int) -> np.ndarray:
        numbers = _numbers(value)
        if numbers.ndim != 2 or numbers.shape[0] != naxes:
            raise ParameterError(f"the values must be an array of {naxes} axes by points; got shape {numbers.shape}")
        return numbers

    # ---- relative and absolute

    @method
    def torel(self, value: WorldValue = [], isworld: IsWorld = -1) -> dict[str, Any]:  # noqa: B006
        """Absolute world or pixel values relative to the reference."""
        if isinstance(value, dict) and is_relative(value):
            raise ParameterError("torel: the value is relative already")
        if not self._is_world(value, isworld, "torel"):
            return pixel_record(np.array(self._pixels(value)) - self._coordinates.reference_pixel, relative=True)
        point = value if self._is_point(value, self._coordinates.n_world_axes) else self._world(value).tolist()
        world = relative_point(self._coordinates, point)
        return world_record(self._coordinates, world, self._formats(value), relative=True)

    @method
    def toabs(self, value: WorldValue = [], isworld: IsWorld = -1) -> dict[str, Any]:  # noqa: B006
        """Absolute world or pixel values of ones relative to the reference."""
        if isinstance(value, dict) and value.get("ar_type") == "absolute":
            raise ParameterError("toabs: the value is absolute already")
        if not self._is_world(value, isworld, "toabs"):
            numbers = _numbers(value).ravel()
            pixel = self._coordinates.reference_pixel
            pixel[: len(numbers)] += numbers[: len(pixel)]
            return pixel_record(pixel)
        relative = world_values(
            self._coordinates, value, range(self._coordinates.n_world_axes), np.zeros(self._coordinates.n_world_axes)
        )
        world = to_absolute_world(self._coordinates, relative[:, None])[:, 0]
        return world_record(self._coordinates, world, self._formats(value))

    @staticmethod
    def _formats(value: Any) -> str:
        if type(value) is list or not isinstance(value, dict):
            return "n"
        keys = (("numeric", "n"), ("quantity", "q"), ("measure", "m"), ("string", "s"))
        return "".join(letter for key, letter in keys if key in value) or "n"

    @staticmethod
    def _is_world(value: Any, isworld: Any, name: str) -> bool:
        if isworld in (True, False, 0, 1):
            return bool(isworld)
        if isinstance(value, dict) and "pw_type" in value:
            return bool(value["pw_type"] == "world")
        raise ParameterError(f"{name}: the value does not say whether it is world or pixel; give isworld")

    @method
    def torelmany(self, value: Many = [], isworld: IsWorld = -1) -> dict[str, Any]:  # noqa: B006
        """Absolute values (axis, point) relative to the reference."""
        return self._shifted_many(value, isworld, "torelmany")

    @method
    def toabsmany(self, value: Many = [], isworld: IsWorld = -1) -> dict[str, Any]:  # noqa: B006
        """Absolute values of relative ones (axis, point)."""
        return self._shifted_many(value, isworld, "toabsmany")

    def _shifted_many(self, value: Any, isworld: Any, name: str) -> dict[str, Any]:
        back = name == "torelmany"
        if self._is_world(value, isworld, name):
            numbers = self._matrix(value, self._coordinates.n_world_axes)
            change = to_relative_world if back else to_absolute_world
            return {
                "numeric": change(self._coordinates, numbers),
                "pw_type": "world",
                "ar_type": "relative" if back else "absolute",
            }
        numbers = self._matrix(value, self._coordinates.n_pixel_axes)
        reference = self._coordinates.reference_pixel[:, None]
        return pixel_record(numbers - reference if back else numbers + reference, relative=back)

    # ---- mixed

    @method
    def convert(
        self,
        coordin: Annotated[Any, kinds.FloatList(), "Values, one for each axis"],
        absin: Flags = [True],  # noqa: B006
        dopplerin: Doppler = "radio",
        unitsin: Units = ["Native"],  # noqa: B006
        absout: Flags = [True],  # noqa: B006
        dopplerout: Doppler = "radio",
        unitsout: Units = ["Native"],  # noqa: B006
        shape: Annotated[
            Any, kinds.IntList(), "Shape of the image; relative pixels are relative to the reference pixel in any case"
        ] = [-1],  # noqa: B006
    ) -> np.ndarray:
        """Convert values of one point between pixels, world units, absolute and relative, axis by axis."""
        if len(coordin) != self._coordinates.n_world_axes:
            raise ParameterError(f"convert: coordin needs {self._coordinates.n_world_axes} values; got {len(coordin)}")
        found = self._convert_point(coordin, absin, unitsin, absout, unitsout) if shape == [-1] else None
        if found is not None:
            return found
        column = np.asarray(coordin, dtype=np.float64)[:, None]
        return self._convert(column, absin, dopplerin, unitsin, absout, dopplerout, unitsout, shape)[:, 0]

    @method
    def convertmany(
        self,
        coordin: Annotated[Any, kinds.Array(), "Values (axis, point)"] = [],  # noqa: B006
        absin: Flags = [True],  # noqa: B006
        dopplerin: Doppler = "radio",
        unitsin: Units = ["Native"],  # noqa: B006
        absout: Flags = [True],  # noqa: B006
        dopplerout: Doppler = "radio",
        unitsout: Units = ["Native"],  # noqa: B006
        shape: Annotated[
            Any, kinds.IntList(), "Shape of the image; relative pixels are relative to the reference pixel in any case"
        ] = [-1],  # noqa: B006
    ) -> np.ndarray:
        """Convert values of many points between pixels, world units, absolute and relative, axis by axis."""
        return self._convert(
            np.asarray(coordin, dtype=np.float64), absin, dopplerin, unitsin, absout, dopplerout, unitsout, shape
        )

    def _convert_point(
        self, values: list[float], absin: list[bool], unitsin: list[str], absout: list[bool], unitsout: list[str]
    ) -> np.ndarray | None:
        """One point between absolute pixels and world values in the axes' units, in plain numbers; None for anything else."""
        c = self._coordinates
        sizes = {len(absin), len(unitsin), len(absout), len(unitsout)}
        if sizes != {len(values)} or not all(absin) or not all(absout) or c.pixel_axes != c.world_axes:
            return None
        own = c.units
        pixels_in, pixels_out = unitsin == ["pix"] * len(own), unitsout == ["pix"] * len(own)
        if not (pixels_in or unitsin == own) or not (pixels_out or unitsout == own):
            return None
        found = image_frames.world_of(c, values) if pixels_in else values
        found = image_frames.pixel_of(c, found) if pixels_out else found
        return np.array(found, dtype=np.float64) if math.isfinite(sum(found)) else None

    def _convert(
        self, values: np.ndarray, absin: list[bool], dopplerin: str, unitsin: list[str], absout: list[bool], dopplerout: str,
        unitsout: list[str], shape: list[int],
    ) -> np.ndarray:  # fmt: skip
        c = self._coordinates
        n = c.n_world_axes
        if values.ndim != 2 or len(values) != n:
            raise ParameterError(f"the values must be an array of {n} axes by points; got shape {values.shape}")
        if shape != [-1] and len(shape) != c.n_pixel_axes:
            raise ParameterError(f"convert: parameter 'shape' needs {c.n_pixel_axes} values; got {len(shape)}")
        given_in, given_out = self._axis_units(unitsin, n), self._axis_units(unitsout, n)
        flags_in, flags_out = self._axis_flags(absin, n), self._axis_flags(absout, n)
        world = self._world_of_mixed(values, flags_in, dopplerin, given_in)
        pixel = image_frames.to_pixel(c, world) if "pix" in given_out else world
        if not _all_finite(world) or not _all_finite(pixel):
            raise ParameterError("convert: a value has no place in the coordinate system")
        some_relative = any(unit != "pix" and not absolute for unit, absolute in zip(given_out, flags_out, strict=True))
        relative = to_relative_world(c, world) if some_relative else world
        out = np.empty_like(world)
        reference = c.reference_pixel
        for axis, unit in enumerate(given_out):
            if unit == "pix":
                p = c.world_to_pixel_axis(axis)
                out[axis] = pixel[p] if flags_out[axis] else pixel[p] - reference[p]
            else:
                out[axis] = self._from_native(axis, world[axis], relative[axis], flags_out[axis], unit, dopplerout)
        return out

    def _axis_units(self, units: list[str], n: int) -> list[str]:
        own = self._coordinates.units
        full = list(own) if [u.lower() for u in units] == ["native"] else list(units)
        if len(full) != n:
            raise ParameterError(f"convert: {n} units are needed; got {len(full)}")
        return [
            own[k] if u.lower() == "native" else ("pix" if u.lower() in ("pix", "pixel", "pixels") else u)
            for k, u in enumerate(full)
        ]

    @staticmethod
    def _axis_flags(flags: list[bool], n: int) -> list[bool]:
        full = flags * n if len(flags) == 1 else flags
        if len(full) != n:
            raise ParameterError(f"convert: {n} flags for absolute or relative are needed; got {len(flags)}")
        return full

    def _axes_agree(self) -> bool:
        """True where pixel and world axes have the same numbers."""
        return self._coordinates.pixel_axes == self._coordinates.world_axes

    def _world_of_mixed(self, values: np.ndarray, absolute: list[bool], doppler: str, units: list[str]) -> np.ndarray:
        """Absolute world values of values that are pixels on some axes and world on others, absolute or relative."""
        c = self._coordinates
        world = np.empty_like(values)
        on_pixels = [a for a, unit in enumerate(units) if unit == "pix"]
        if len(on_pixels) == len(units) == c.n_pixel_axes and all(absolute) and self._axes_agree():
            return image_frames.to_world(c, values)
        if on_pixels:
            reference = c.reference_pixel
            pixel = np.repeat(reference[:, None], values.shape[1], axis=1)
            for axis in on_pixels:
                p = c.world_to_pixel_axis(axis)
                pixel[p] = values[axis] if absolute[axis] else values[axis] + reference[p]
            world[on_pixels] = image_frames.to_world(c, pixel)[on_pixels]
        relative = np.zeros_like(values)
        later = []
        for axis, unit in enumerate(units):
            if unit == "pix":
                continue
            native = self._to_native(axis, values[axis], absolute[axis], unit, doppler)
            if absolute[axis]:
                world[axis] = native
            else:
                relative[axis] = native
                later.append(axis)
        if later:
            absolute_world = to_absolute_world(c, relative)
            for index, member in enumerate(c.members):
                if member.kind == "Direction":  # the longitude nearest to the reference's, as pixels give it
                    axis, turn = c.world_axes[index][0], float(convert_value(2.0 * np.pi, "rad", member.units[0]))
                    start = float(member.reference_value[0])
                    absolute_world[axis] = start + (absolute_world[axis] - start + turn / 2) % turn - turn / 2
            world[later] = absolute_world[later]
        return world

    def _spectral_velocity(self, axis: int, unit: str) -> SpectralCoordinate | None:
        """The spectral member of an axis when `unit` is a velocity."""
        member = self._coordinates.members[self._coordinates.member_of_world_axis(axis)[0]]
        if isinstance(member, SpectralCoordinate) and not same_dimension(unit, member.units[0]) and same_dimension(unit, "m/s"):
            return member
        return None

    def _to_native(self, axis: int, values: np.ndarray, absolute: bool, unit: str, doppler: str) -> np.ndarray:
        member = self._spectral_velocity(axis, unit)
        own = self._coordinates.units[axis]
        if member is None:
            return np.asarray(convert_value(values, unit, own) if unit != own else values)
        code = doppler_code(doppler)
        if absolute:
            return member.frequency_hz_of(values, code, unit) / member.hz
        reference = float(member.reference_value[0]) * member.hz
        start = member.velocity(np.array([reference]), code, unit)
        return (member.frequency_hz_of(values + start, code, unit) - reference) / member.hz

    def _from_native(
        self, axis: int, world: np.ndarray, relative: np.ndarray, absolute: bool, unit: str, doppler: str
    ) -> np.ndarray:
        member = self._spectral_velocity(axis, unit)
        own = self._coordinates.units[axis]
        if member is None:
            chosen = world if absolute else relative
            return np.asarray(convert_value(chosen, own, unit) if unit != own else chosen)
        code = doppler_code(doppler)
        velocity = member.velocity(world * member.hz, code, unit)
        return velocity if absolute else velocity - member.velocity(member.reference_value * member.hz, code, unit)
