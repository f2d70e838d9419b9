"""The coordsys tool's methods about frames, projections, rest frequencies, velocities, Stokes and tables."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

import numpy as np

from casatools._base import kinds
from casatools._base.declare import method
from casatools._base.errors import ParameterError
from casatools.frames import image_frames
from casatools.frames.quantities import parse_quantity, to_unit
from casatools.io.image.coordinates import (
    DIRECTION_FRAMES,
    SPECTRAL_FRAMES,
    Coordinate,
    DirectionCoordinate,
    SpectralCoordinate,
    StokesCoordinate,
    TabularCoordinate,
)
from casatools.io.image.coordinates.direction import default_axis_names
from casatools.io.image.coordinates.projections import PROJECTIONS, parameter_count
from casatools.io.image.coordinates.spectral import (
    SPEED_OF_LIGHT_M_S,
    doppler_code,
    doppler_to_ratio,
    make_conversion,
    ratio_to_doppler,
    spectral_frame,
)
from casatools.io.image.coordinates.units import same_dimension
from casatools.tools.coordsys.axes import Kind
from casatools.tools.coordsys.structure import CoordsysState, kind_of
from casatools.tools.coordsys.world import world_values

__all__ = ["ReferenceMethods"]

Numbers = Annotated[Any, kinds.FloatVector(), "Values"]
Value = Annotated[Any, kinds.Variant(), "A number, text, quantity, or a list or array of these"]
FrequencyUnit = Annotated[str, kinds.Text(), "Unit of frequency; '' is the spectral axis' own"]
VelocityUnit = Annotated[str, kinds.Text(), "Unit of velocity"]
Doppler = Annotated[str, kinds.Text(), "Velocity definition: radio, optical, true, z, beta, gamma, ratio"]


def _projection_name(name: str) -> str:
    folded = name.strip().upper()
    return {"GLS": "SFL"}.get(folded, folded)


def _projection_parameters(name: str, given: list[float]) -> list[float]:
    """Parameters with the defaults that projections have; [-1] stands for none given."""
    count = parameter_count(name)
    if given and given != [-1.0]:
        if len(given) > count:
            raise ParameterError(f"the projection {name} takes at most {count} parameters; got {len(given)}")
        return list(given)
    defaults = {"SIN": [0.0, 0.0], "AZP": [0.0, 0.0], "SZP": [0.0, 0.0, 90.0], "AIR": [90.0], "CEA": [1.0], "CYP": [1.0, 1.0]}
    if name in ("COP", "COD", "COE", "COO", "BON"):
        raise ParameterError(f"the projection {name} needs parameters; it has {count}")
    return defaults.get(name, [])


class ReferenceMethods(CoordsysState):
    """Frames and physical reference values."""

    # ---- projection

    @method
    def projection(
        self, type: Annotated[str, kinds.Text(), "'all', a projection to ask about, or '' for the one in use"] = ""
    ) -> dict[str, Any]:
        """The projection in use; or all types; or how many parameters a type has."""
        if type.strip().lower() == "all":
            return {"types": np.array(list(PROJECTIONS))}
        if type:
            name = _projection_name(type)
            return {"nparameters": 0 if name == "HPX" else parameter_count(name)}
        _, member = self._direction()
        return {"type": member.projection, "parameters": np.array(member.parameters)}

    @method
    def setprojection(
        self,
        type: Annotated[str, kinds.Text(empty=False), "Projection, such as SIN or TAN"],
        parameters: Annotated[Any, kinds.FloatList(), "Projection parameters; [-1] is the defaults"] = [-1.0],  # noqa: B006
    ) -> bool:
        """Set the projection of the direction coordinate."""
        index, member = self._direction()
        name = _projection_name(type)
        changed = member.with_projection(name, _projection_parameters(name, parameters))
        _ = changed.projector  # an impossible set of parameters shows here
        self._coordinates.members[index] = changed
        return True

    # ---- reference codes

    @method
    def referencecode(
        self, type: Kind = "", list: Annotated[bool, kinds.Bool(), "Give all codes that are possible for the type"] = False
    ) -> list[str]:
        """Reference frames of the coordinates; '' for those that have none."""
        if list and type:
            possible = {"Direction": DIRECTION_FRAMES, "Spectral": SPECTRAL_FRAMES}.get(kind_of(type), ())
            return [*possible]
        members = [self._coordinates.members[self._index(type)]] if type else self._coordinates.members
        return [m.frame if isinstance(m, (DirectionCoordinate, SpectralCoordinate)) else "" for m in members]

    @method
    def setreferencecode(
        self,
        value: Annotated[str, kinds.Text(empty=False), "Reference frame"],
        type: Kind = "direction",
        adjust: Annotated[bool, kinds.Bool(), "Convert the reference value to the new frame"] = True,
    ) -> bool:
        """Set the reference frame of the direction or the spectral coordinate."""
        kind = kind_of(type)
        if kind == "Direction":
            self._set_direction_code(value.strip().upper(), adjust)
        elif kind == "Spectral":
            self._set_spectral_code(spectral_frame(value), adjust)
        else:
            raise ParameterError(
                f"setreferencecode: a {kind.lower()} coordinate has no reference frame; give direction or spectral"
            )
        return True

    def _set_direction_code(self, code: str, adjust: bool) -> None:
        if code not in DIRECTION_FRAMES:
            raise ParameterError(f"there is no direction frame {code!r}; known: {', '.join(DIRECTION_FRAMES)}")
        index, member = self._direction()
        if code == member.frame:
            return
        radians = member.with_units(("rad", "rad"))
        value = radians.reference_value
        if adjust and code not in DIRECTION_FRAMES[-11:]:
            moving = image_frames.needs_time_or_place(code) or image_frames.needs_time_or_place(member.frame)
            frame = image_frames.image_frame_measures(self._coordinates.observation, None) if moving else ()
            moved = image_frames.convert_directions(value[:1], value[1:], member.frame, code, frame)
            value = np.array([float(moved[0][0]), float(moved[1][0])])
        changed = replace(radians, frame=code, conversion_frame=code, names=default_axis_names(code))
        self._coordinates.members[index] = changed.with_reference(value=value)

    def _set_spectral_code(self, code: str, adjust: bool) -> None:
        index, member = self._spectral()
        if code == member.frame:
            return
        changed = member.with_frame(code)
        if adjust:
            frame = image_frames.image_frame_measures(self._coordinates.observation, self._coordinates.direction)
            factor = image_frames.frequency_factor(member.frame, code, frame)
            changed = changed.with_reference(value=member.reference_value * factor)
        self._coordinates.members[index] = changed

    @method
    def convertdirection(self, frame: Annotated[str, kinds.Text(empty=False), "Reference frame"]) -> dict[str, Any]:
        """Convert the direction coordinate to another frame; gives the angle by which the axes turn at the reference point."""
        code = frame.strip().upper()
        if code not in DIRECTION_FRAMES:
            raise ParameterError(f"there is no direction frame {frame!r}; known: {', '.join(DIRECTION_FRAMES)}")
        index, member = self._direction()
        radians = member.with_units(("rad", "rad"))
        if code == member.frame:
            self._coordinates.members[index] = radians
            return {"value": 0.0, "unit": "rad"}
        if image_frames.needs_time_or_place(code) or image_frames.needs_time_or_place(member.frame):
            raise ParameterError(f"convertdirection: {member.frame} to {code} depends on time and place; use setreferencecode")
        value, angle = _turned(radians, code)
        changed = replace(radians, frame=code, conversion_frame=code, names=default_axis_names(code))
        self._coordinates.members[index] = changed.with_reference(value=value)
        return {"value": angle, "unit": "rad"}

    # ---- conversion frames

    @method
    def setconversiontype(
        self,
        direction: Annotated[str, kinds.Text(), "Frame that world directions are given in; '' leaves it"] = "",
        spectral: Annotated[str, kinds.Text(), "Frame that world frequencies are given in; '' leaves it"] = "",
    ) -> bool:
        """Give and take world values in other frames than the coordinates' own."""
        members = [*self._coordinates.members]
        if direction:
            code = direction.strip().upper()
            if code not in DIRECTION_FRAMES:
                raise ParameterError(f"there is no direction frame {direction!r}; known: {', '.join(DIRECTION_FRAMES)}")
            index, member = self._direction()
            if code != member.frame and (
                image_frames.needs_time_or_place(code) or image_frames.needs_time_or_place(member.frame)
            ):
                raise ParameterError(
                    f"setconversiontype: world directions cannot be given in {code}, which depends on time and place"
                )
            members[index] = member.with_conversion(code)
        if spectral:
            code = spectral_frame(spectral)
            index, found = self._spectral()
            record = make_conversion(code) if code == found.frame else image_frames.conversion_record(self._coordinates, code)
            if code != "REST":  # without a source velocity there is nothing to convert with: CASA leaves the frame as it is
                members[index] = replace(found, conversion=record)
        self._coordinates.members = members
        return True

    @method
    def getconversiontype(
        self,
        type: Kind = "",
        showconversion: Annotated[bool, kinds.Bool(), "Give the conversion frame rather than the coordinate's own"] = True,
    ) -> str:
        """The frame that world values of a type are given in; '' without a type or for a type that has no frame."""
        return self._shown_frame(self._coordinates.members[self._index(type)], showconversion) if type else ""

    @staticmethod
    def _shown_frame(member: Coordinate, conversion: bool) -> str:
        if isinstance(member, DirectionCoordinate):
            return (member.conversion_frame or member.frame) if conversion else member.frame
        if isinstance(member, SpectralCoordinate):
            return member.conversion_frame if conversion else member.frame
        return ""

    @method
    def conversiontype(self, type: Annotated[str, kinds.Text(), "Coordinate type: direction or spectral"] = "direction") -> str:
        """The frame that world values of a type are given in."""
        return self._shown_frame(self._coordinates.members[self._index(type)], True)

    # ---- rest frequency and velocities

    @method
    def restfrequency(self) -> dict[str, Any]:
        """The rest frequencies, the one in use first."""
        _, member = self._spectral()
        values = np.array(member.rest_frequencies)
        if len(values):
            order = [member.rest_index] + [k for k in range(len(values)) if k != member.rest_index]
            values = values[order]
        return {"value": values, "unit": member.units[0]}

    @method
    def setrestfrequency(
        self,
        value: Value = [],  # noqa: B006
        which: Annotated[int, kinds.Int(min=0), "Which rest frequency is put into use"] = 0,
        append: Annotated[bool, kinds.Bool(), "Add to the list rather than replace it"] = False,
    ) -> bool:
        """Set the rest frequencies, or choose one of them when no value is given."""
        index, member = self._spectral()
        given = self._frequencies(value, member.units[0])
        if (given < 0).any():
            raise ParameterError(f"setrestfrequency: rest frequencies must not be negative; got {value!r}")
        rests = np.concatenate([member.rest_frequencies, given]) if append or not len(given) else given
        if which >= len(rests):
            raise ParameterError(f"setrestfrequency: there is no rest frequency {which}; there would be {len(rests)}")
        self._coordinates.members[index] = replace(member, rest_frequencies=rests, rest_index=which)
        return True

    @staticmethod
    def _frequencies(value: Any, unit: str) -> np.ndarray:
        if isinstance(value, (list, tuple)) and not len(value):
            return np.empty(0)
        if isinstance(value, str):
            value = value.split()
        number, given = parse_quantity(value, unit)
        return np.atleast_1d(np.asarray(to_unit({"value": number, "unit": given}, unit), dtype=np.float64)).ravel()

    @method
    def frequencytovelocity(
        self, value: Numbers, frequnit: FrequencyUnit = "", doppler: Doppler = "radio", velunit: VelocityUnit = "km/s"
    ) -> np.ndarray:
        """Velocities of frequencies, for the rest frequency in use."""
        _, member = self._spectral()
        self._check_units(frequnit, velunit)
        hertz = self._hertz(frequnit or member.units[0])
        return member.velocity(value if hertz == 1.0 else value * hertz, doppler_code(doppler), velunit)

    @method
    def velocitytofrequency(
        self, value: Numbers, frequnit: FrequencyUnit = "", doppler: Doppler = "radio", velunit: VelocityUnit = "km/s"
    ) -> np.ndarray:
        """Frequencies of velocities, for the rest frequency in use."""
        _, member = self._spectral()
        self._check_units(frequnit, velunit)
        hertz = member.frequency_hz_of(value, doppler_code(doppler), velunit)
        hertz /= self._hertz(frequnit or member.units[0])
        return hertz

    @method
    def frequencytofrequency(
        self,
        value: Numbers,
        frequnit: FrequencyUnit = "",
        velocity: Annotated[
            Any, kinds.Variant(), "Velocity as a quantity; relativistic definition unless it is a doppler measure"
        ] = [],  # noqa: B006
    ) -> np.ndarray:
        """Frequencies as seen from something that moves away at a velocity."""
        self._check_units(frequnit, "m/s")
        code, speed = 3, velocity
        if isinstance(velocity, dict) and velocity.get("type") == "doppler":
            code, speed = doppler_code(str(velocity.get("refer", "TRUE"))), velocity["m0"]
        beta = float(np.ravel(to_unit(speed, "m/s"))[0]) / SPEED_OF_LIGHT_M_S if _given(speed) else 0.0
        return np.asarray(value, dtype=np.float64) * ratio_to_doppler(doppler_to_ratio(np.array(beta), code), 2)

    @staticmethod
    def _check_units(frequency: str, velocity: str) -> None:
        if frequency and not same_dimension(frequency, "Hz"):
            raise ParameterError(f"{frequency!r} is not a unit of frequency")
        if not same_dimension(velocity, "m/s"):
            raise ParameterError(f"{velocity!r} is not a unit of velocity")

    @staticmethod
    def _hertz(unit: str) -> float:
        return float(to_unit({"value": 1.0, "unit": unit}, "Hz"))

    # ---- whole coordinates

    @method
    def setdirection(
        self,
        refcode: Annotated[str, kinds.Text(), "Reference frame; '' leaves it"] = "",
        proj: Annotated[str, kinds.Text(), "Projection; '' leaves it"] = "",
        projpar: Annotated[Any, kinds.FloatList(), "Projection parameters; [-1] is the defaults"] = [-1.0],  # noqa: B006
        refpix: Annotated[Any, kinds.FloatList(), "Reference pixels, from 0; [-1] leaves them"] = [-1.0],  # noqa: B006
        refval: Annotated[Any, kinds.Variant(), "Reference values; [] leaves them"] = [],  # noqa: B006
        incr: Annotated[Any, kinds.Variant(), "Increments; [] leaves them"] = [],  # noqa: B006
        xform: Annotated[Any, kinds.Variant(), "Linear transform matrix; [] leaves it"] = [],  # noqa: B006
        poles: Annotated[Any, kinds.Variant(), "Native longitude and latitude of the pole; [] is the defaults"] = [],  # noqa: B006
    ) -> bool:
        """Set the direction coordinate, part by part; its units become radians."""
        index, member = self._direction()
        axes = self._coordinates.world_axes[index]
        value, step = member.reference_value, member.increment
        if _given(refval):
            value = world_values(self._coordinates, refval, axes, self._coordinates.reference_value)[axes]
        if _given(incr):
            step = world_values(self._coordinates, incr, axes, self._coordinates.increment)[axes]
        name = _projection_name(proj) if proj else member.projection
        fits = not np.any(member.parameters[parameter_count(name) :])
        parameters = list(member.parameters) if projpar == [-1.0] and fits else _projection_parameters(name, projpar)
        pixel = member.reference_pixel if refpix == [-1.0] else np.array(refpix, dtype=np.float64)
        if len(pixel) != 2:
            raise ParameterError(f"setdirection: parameter 'refpix' needs 2 values; got {len(pixel)}")
        matrix = np.asarray(xform, dtype=np.float64).T if _given(xform) else member.matrix
        given = poles.split() if isinstance(poles, str) else poles
        angles = [float(np.ravel(to_unit(p, "deg"))[0]) for p in given] if _given(poles) else [None, None]
        if len(angles) != 2:
            raise ParameterError(f"setdirection: parameter 'poles' needs 2 angles; got {len(angles)}")
        frame = refcode.strip().upper() or member.frame
        fresh = DirectionCoordinate.make(
            frame, name, value.tolist(), pixel.tolist(), step.tolist(), member.units, parameters, matrix, angles[0], angles[1]
        )
        _ = fresh.projector
        self._coordinates.members[index] = fresh.with_units(("rad", "rad")).with_reference(matrix=matrix)
        return True

    @method
    def setspectral(
        self,
        refcode: Annotated[str, kinds.Text(), "Reference frame; '' leaves it"] = "",
        restfreq: Annotated[Any, kinds.Variant(), "Rest frequency; [] leaves it"] = [],  # noqa: B006
        frequencies: Annotated[
            Any, kinds.Variant(), "Frequencies of the channels, as a quantity of a vector; [] leaves the axis"
        ] = [],  # noqa: B006
        doppler: Annotated[str, kinds.Text(), "Velocity definition of `velocities`; '' is radio"] = "",
        velocities: Annotated[
            Any, kinds.Variant(), "Velocities of the channels, as a quantity of a vector; [] leaves the axis"
        ] = [],  # noqa: B006
    ) -> bool:
        """Set the spectral coordinate, part by part; a list of frequencies or velocities makes a tabular axis."""
        index, member = self._spectral()
        if _given(frequencies) and _given(velocities):
            raise ParameterError("setspectral: give frequencies or velocities, not both")
        code = doppler_code(doppler) if doppler else None
        if refcode:
            member = member.with_frame(refcode)
        if _given(restfreq):
            member = replace(member, rest_frequencies=self._frequencies(restfreq, member.units[0])[:1], rest_index=0)
        if code is not None:
            member = replace(member, velocity_code=code)
        if _given(frequencies):
            values = self._frequencies(frequencies, "Hz")
            member = replace(member, axis=self._table(values, member), native_code=0)
        if _given(velocities):
            number, unit = parse_quantity(velocities.split() if isinstance(velocities, str) else velocities, "km/s")
            hertz = member.frequency_hz_of(np.atleast_1d(number), 0 if code is None else code, unit)
            member = replace(member, axis=self._table(hertz, member), native_code={0: 1, 1: 2}.get(code or 0, 3))
        self._coordinates.members[index] = member
        return True

    @staticmethod
    def _table(frequencies_hz: np.ndarray, member: SpectralCoordinate) -> TabularCoordinate:
        pixels = np.arange(len(frequencies_hz), dtype=np.float64)
        return TabularCoordinate.from_table(pixels, frequencies_hz / member.hz, member.units[0], member.names[0])

    @method
    def stokes(self) -> list[str]:
        """The Stokes parameters."""
        member = self._coordinates.members[self._index("stokes")]
        assert isinstance(member, StokesCoordinate)
        return [*member.labels]

    @method
    def setstokes(self, stokes: Annotated[Any, kinds.TextList(), "Stokes parameters, such as 'I Q' or ['XX', 'YY']"]) -> bool:
        """Set the Stokes parameters."""
        index = self._index("stokes")
        labels = [label for text in stokes for label in text.replace(",", " ").split()]
        if not labels:
            raise ParameterError("setstokes: at least one Stokes parameter is needed")
        self._coordinates.members[index] = StokesCoordinate.make(labels)
        return True

    @method
    def settabular(
        self,
        pixel: Annotated[Any, kinds.FloatList(), "Pixels of the table; [-1] leaves them"] = [-1.0],  # noqa: B006
        world: Annotated[Any, kinds.FloatList(), "World values of the table; [-1] leaves them"] = [-1.0],  # noqa: B006
        which: Annotated[int, kinds.Int(min=0), "Which tabular coordinate"] = 0,
    ) -> bool:
        """Set the table of a tabular coordinate."""
        index = self._index("tabular", which)
        member = self._coordinates.members[index]
        assert isinstance(member, TabularCoordinate)
        pixels = member.pixel_values if pixel == [-1.0] else np.array(pixel)
        values = member.world_values if world == [-1.0] else np.array(world)
        self._coordinates.members[index] = TabularCoordinate.from_table(pixels, values, member.units[0], member.names[0])
        return True


def _given(value: Any) -> bool:
    """True when a parameter with the default [] was given."""
    return not (isinstance(value, (list, tuple, str, dict)) and len(value) == 0) and value is not None


def _turned(member: DirectionCoordinate, code: str) -> tuple[np.ndarray, float]:
    """The reference value [rad] in another frame, and the angle there from the old north (seen in the new frame) to the new north."""
    longitude, latitude = member.reference_rad
    step = 1e-5 if latitude < 1.5 else -1e-5
    there = image_frames.convert_directions(
        np.array([longitude, longitude]), np.array([latitude, latitude + step]), member.frame, code
    )
    (lon0, lon1), (lat0, lat1) = (v.tolist() for v in there)
    east = np.cos(lat1) * np.sin(lon1 - lon0)
    north = np.sin(lat1) * np.cos(lat0) - np.cos(lat1) * np.sin(lat0) * np.cos(lon1 - lon0)
    sign = 1.0 if step > 0 else -1.0
    return np.array([lon0, lat0]), float(-np.arctan2(sign * east, sign * north))
