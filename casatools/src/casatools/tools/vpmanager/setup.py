"""Parameters and values that the methods of the vpmanager tool share, and the one list of patterns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np

from casatools._base import kinds
from casatools._base.errors import ParameterError
from casatools.frames.directions import convert_direction, parse_direction
from casatools.frames.epochs import parse_epoch
from casatools.frames.observatories import observatory_position
from casatools.frames.quantities import conforms, parse_quantity, to_unit
from casatools.imaging.antenna_responses import SkyPlace
from casatools.imaging.voltage_patterns import VoltagePatternList

__all__ = [
    "PATTERNS", "begin", "telescope_name", "AntennaType", "Anything", "Coefficients", "Direction", "DoPb", "DoSquint", "Frequency", "Increment", "IsPb", "OtherTelescope", "Reach",
    "Reference", "SquintDirection", "SquintReference", "Symmetric", "Telescope", "Time", "hertz", "is_given", "is_voltage", "place", "quantity", "series", "squint",
]  # fmt: skip

Anything = kinds.Variant()
Telescope = Annotated[str, kinds.Text(), "Telescope whose pattern it is; OTHER takes the name from othertelescope"]
OtherTelescope = Annotated[str, kinds.Text(), "Name of a telescope that is not listed"]
DoPb = Annotated[bool, kinds.Bool(), "Use the pattern in imaging"]
Reach = Annotated[Any, Anything, "Distance at which the pattern ends, at the reference frequency; [] is 0.8deg"]
Reference = Annotated[Any, Anything, "Frequency at which widths are given; [] is 1GHz"]
IsPb = Annotated[str, kinds.Text(), "PB: values are powers; VP: values are voltages"]
SquintDirection = Annotated[Any, Anything, "Offset of the right-handed beam from the pointing; [] is none"]
SquintReference = Annotated[Any, Anything, "Frequency at which the squint is given; [] is 1GHz"]
DoSquint = Annotated[bool, kinds.Bool(), "Use the squint"]
Increment = Annotated[Any, Anything, "Parallactic angle after which a pattern is made anew; [] is 720deg"]
Symmetric = Annotated[bool, kinds.Bool(), "Use the beam averaged over angle"]
AntennaType = Annotated[str, kinds.Text(), "Type of antenna; '' is any"]
Time = Annotated[Any, Anything, "Time of the observation; used by antenna response tables only"]
Frequency = Annotated[Any, Anything, "Frequency; used by antenna response tables only"]
Direction = Annotated[Any, Anything, "Direction observed; used by antenna response tables only"]
Coefficients = Annotated[list[float], kinds.FloatList(), "Coefficients, the constant one first, of powers of (arcmin GHz)^2"]

# One list serves all tools of a process, as in the reference.
PATTERNS = VoltagePatternList()


def quantity(name: str, value: Any, default: str, unit: str) -> dict[str, Any]:
    given = default if isinstance(value, (str, list, dict)) and not value else value
    number, found = parse_quantity(given)
    if not conforms(found, unit):
        raise ParameterError(f"vpmanager: parameter {name!r} must be a quantity in {unit} or the like; got {value!r}")
    return {"unit": found, "value": float(number)}


def hertz(name: str, value: Any) -> float:
    """A frequency, or that of a frequency measure."""
    value = value["m0"] if isinstance(value, dict) and "m0" in value else value
    if isinstance(value, str) and len(value.split()) == 2:
        value = value.split()[1]
    number = quantity(name, value, "1.0GHz", "Hz")
    return float(to_unit(number, "Hz"))


def is_given(value: Any) -> bool:
    return not (isinstance(value, (str, list, dict)) and not value)


def place(telescope: str, time: Any, direction: Any) -> SkyPlace:
    """Azimuth and elevation of a direction at a time, from where the telescope is."""
    at = parse_epoch(time)
    where = parse_direction(direction if is_given(direction) else "AZEL 0deg 90deg")
    if where.frame not in ("AZEL", "AZELNE", "AZELGEO", "AZELNEGEO"):
        where = convert_direction(where, "AZEL", at, observatory_position(telescope))
    return SkyPlace(at, where.lon_rad, where.lat_rad)


def is_voltage(text: str) -> bool:
    if text.strip().upper() not in ("PB", "VP"):
        raise ParameterError(f"vpmanager: parameter 'isthispb' must be PB or VP; got {text!r}")
    return text.strip().upper() == "VP"


def series(name: str, values: Sequence[float], least: int = 1) -> np.ndarray:
    array = np.atleast_1d(np.asarray(values, np.float64))
    if len(array) < least or (len(array) == 1 and array[0] == -1.0):
        raise ParameterError(f"vpmanager: parameter {name!r} must be given, {least} or more numbers; got {values!r}")
    return array


def squint(squintdir: Any) -> dict[str, Any]:
    if isinstance(squintdir, (str, list, dict)) and not squintdir:
        return {"type": "direction", "refer": "J2000", "m0": {"unit": "rad", "value": 0.0}, "m1": {"unit": "rad", "value": 0.0}}
    where = parse_direction(squintdir)
    return {
        "type": "direction", "refer": where.frame, "m0": {"unit": "rad", "value": where.lon_rad}, "m1": {"unit": "rad", "value": where.lat_rad},
    }  # fmt: skip


def telescope_name(telescope: str, othertelescope: str) -> str:
    """The telescope that is meant.

    Raises
    ------
    ParameterError
        None is named.
    """
    if telescope.strip().upper() == "OTHER":
        if not othertelescope:
            raise ParameterError("vpmanager: parameter 'othertelescope' must be a name when telescope='OTHER'")
        return othertelescope
    if not telescope:
        raise ParameterError("vpmanager: parameter 'telescope' must be a name; got ''")
    return telescope


def begin(number: int, name: str, telescope: str, othertelescope: str, dopb: bool) -> dict[str, Any]:
    """The first fields of a pattern's record."""
    return {"name": name, "isVP": number, "telescope": telescope_name(telescope, othertelescope), "dopb": dopb}
