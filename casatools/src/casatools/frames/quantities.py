"""Quantities: reading texts such as ``10arcsec`` or ``12h30m15s``, converting units, and writing them again.

Plain numbers and the common texts are read here; only unit arithmetic and dates go to casacore, and its unit factors are kept.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from casatools._base.errors import ParameterError

__all__ = [
    "conforms",
    "format_dms",
    "format_hms",
    "format_quantity",
    "is_unit",
    "parse_quantity",
    "to_unit",
    "unit_dimension",
]

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_PLAIN = re.compile(rf"^\s*({_NUMBER})\s*((?:[A-Za-z%'\"_(].*?)?)\s*$")
_HMS = re.compile(r"^\s*([-+]?)(\d+)[h:](\d+)(?:[m:](?:(\d+\.?\d*|\.\d+)s?)?)?\s*$", re.IGNORECASE)
_DMS = re.compile(r"^\s*([-+]?)(\d+)d(\d+)(?:m(?:(\d+\.?\d*|\.\d+)s?)?)?\s*$", re.IGNORECASE)
_DOTS = re.compile(r"^\s*([-+]?)(\d+)\.(\d+)\.(\d+(?:\.\d*)?)\s*$")
# Units that appear in region and component texts but that casacore does not define.
_PIXELS = frozenset({"pix", "channel", "chan"})
_DAY_S = 86400.0
_TURN = {"rad": 2.0 * math.pi, "s": _DAY_S}


def parse_quantity(value: Any, default_unit: str = "") -> tuple[Any, str]:
    """Read a quantity in any of the ways CASA's users write it.

    Parameters
    ----------
    value : str, number, ndarray, list, dict or astropy Quantity
        ``"10arcsec"``, ``"1.4GHz"``, ``"12h30m"`` and ``"12:30:00"`` (an angle in deg), ``"30d10m"`` and ``"30.10.00"`` (deg), a
        date (days of MJD), a number, ``{"value": …, "unit": …}``, or a list of these.
    default_unit : str
        Unit of a value written without one.

    Returns
    -------
    value : float or ndarray float64
    unit : str
        A list is given in the unit of its first item.

    Raises
    ------
    ParameterError
        The text cannot be read or the unit is unknown.
    """
    if isinstance(value, str):
        return _parse_text(value, default_unit)
    if isinstance(value, Mapping):
        if "value" not in value:
            raise ParameterError(f"a quantity as a dict needs the keys 'value' and 'unit'; got {dict(value)!r}")
        unit = str(value.get("unit", "") or default_unit)
        require_unit(unit, value)
        return _number(value["value"], value), unit
    if hasattr(value, "unit") and hasattr(value, "value"):
        return _number(value.value, value), str(value.unit).replace(" ", "") or default_unit
    if isinstance(value, (list, tuple)) and any(isinstance(v, (str, Mapping)) for v in value):
        parsed = [parse_quantity(v, default_unit) for v in value]
        unit = parsed[0][1]
        return np.array([convert_value(v, u, unit) for v, u in parsed], dtype=np.float64), unit
    return _number(value, value), default_unit


def _number(value: Any, given: Any) -> Any:
    try:
        if value is None:  # numpy would make it a NaN
            raise TypeError
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise ParameterError(
            f"{given!r} is not a quantity; write such as '10arcsec', 10.0 or {{'value': 10, 'unit': 'arcsec'}}"
        ) from None
    return float(array) if array.ndim == 0 else array


def _parse_text(text: str, default_unit: str) -> tuple[float, str]:
    for pattern, to_degrees in ((_HMS, 15.0), (_DMS, 1.0), (_DOTS, 1.0)):
        match = pattern.match(text)
        if match:
            sign, whole, minutes, seconds = match.groups()
            angle = int(whole) + int(minutes) / 60.0 + float(seconds or 0.0) / 3600.0
            return (-angle if sign == "-" else angle) * to_degrees, "deg"
    match = _PLAIN.match(text)
    if match:
        number, unit = float(match.group(1)), match.group(2)
        if not unit:
            return number, default_unit
        if is_unit(unit):
            return number, unit
    return _parse_special(text)


def _parse_special(text: str) -> tuple[float, str]:
    """Dates and times of day, by casacore."""
    from casacore import quanta

    refusal = ParameterError(f"{text!r} is not a quantity; write such as '10arcsec', '1.4GHz', '12h30m15s' or '30d10m32.9s'")
    if not re.match(r"^\s*(?:[-+]?\d|today)", text, re.IGNORECASE):
        raise refusal
    try:
        read = quanta.quantity(text)
    except (RuntimeError, TypeError):
        raise refusal from None
    return float(read.get_value()), str(read.get_unit())


@functools.lru_cache(maxsize=4096)
def _canonical(unit: str) -> tuple[float, str] | None:
    """Factor to SI base units and their text; None for an unknown unit."""
    if unit in _PIXELS:
        return 1.0, unit
    from casacore import quanta

    try:
        si = quanta.quantity(1.0, unit).canonical()
    except RuntimeError:
        return None
    return float(si.get_value()), str(si.get_unit()).replace("._", "").replace("_", "")


def is_unit(unit: str) -> bool:
    """True when casacore knows the unit text."""
    return _canonical(unit) is not None


def require_unit(unit: str, given: Any) -> tuple[float, str]:
    """Factor to SI and SI unit; raise ParameterError for an unknown unit."""
    found = _canonical(unit)
    if found is None:
        raise ParameterError(f"{unit!r} in {given!r} is not a unit; units are such as m, km/s, arcsec, deg, GHz, Jy/beam")
    return found


def unit_dimension(unit: str) -> str:
    """The unit expressed in SI base units, such as ``m.s-1``; angles are ``rad``."""
    return require_unit(unit, unit)[1]


def conforms(unit: str, other: str) -> bool:
    """True when two units have the same dimension."""
    return unit_dimension(unit) == unit_dimension(other)


@functools.lru_cache(maxsize=4096)
def _factor(unit: str, wanted: str) -> float:
    have, have_si = require_unit(unit, unit)
    want, want_si = require_unit(wanted, wanted)
    if have_si == want_si:
        return have / want
    if have_si in _TURN and want_si in _TURN:  # an hour of right ascension is 15 degrees
        return have / want * _TURN[want_si] / _TURN[have_si]
    raise ParameterError(f"a quantity in {unit or 'no unit'!r} cannot be converted to {wanted or 'no unit'!r}")


def convert_value(value: Any, unit: str, wanted: str) -> Any:
    """`value` in `unit` expressed in `wanted`; times and angles convert into each other as 24 h to a turn."""
    return value if unit == wanted else value * _factor(unit, wanted)


def to_unit(value: Any, unit: str) -> Any:
    """Read a quantity and give its number in `unit`.

    A value without a unit is taken to be in `unit`. Times and angles convert into each other (24 h is 360 deg).

    Returns
    -------
    float or ndarray float64

    Raises
    ------
    ParameterError
        It cannot be read, or its unit does not conform.
    """
    number, found = parse_quantity(value, unit)
    if found == unit:
        return number
    if (
        found == "d" and isinstance(value, str) and unit_dimension(unit) == "rad"
    ):  # "20d" as a text is 20 degrees where an angle is asked
        found = "deg"
    try:
        return number * _factor(found, unit)
    except ParameterError:
        raise ParameterError(f"{value!r} cannot be converted to {unit or 'a plain number'}") from None


def format_quantity(value: float, unit: str = "", digits: int = 6) -> str:
    """A quantity as text with `digits` significant digits, such as ``10arcsec``."""
    return f"{value:.{digits}g}{unit}"


def _sexagesimal(units: float, decimals: int) -> tuple[int, int, str]:
    """Whole part, minutes and text of the seconds of a non-negative number, rounded once so that 60 never shows."""
    scale = 10**decimals
    ticks = round(units * 3600 * scale)
    whole, rest = divmod(ticks, 3600 * scale)
    minutes, seconds = divmod(rest, 60 * scale)
    text = f"{seconds // scale:02d}" + (f".{seconds % scale:0{decimals}d}" if decimals else "")
    return whole, minutes, text


def format_hms(angle_rad: float, decimals: int = 6, separators: tuple[str, str, str] = (":", ":", "")) -> str:
    """An angle as hours, minutes and seconds from 0 to 24 h, as CASA prints right ascensions: ``13:31:08.287984``."""
    hours = (angle_rad * 12.0 / math.pi) % 24.0
    whole, minutes, seconds = _sexagesimal(hours, decimals)
    return f"{whole % 24:02d}{separators[0]}{minutes:02d}{separators[1]}{seconds}{separators[2]}"


def format_dms(angle_rad: float, decimals: int = 5, separators: tuple[str, str, str] = (".", ".", ""), degrees: int = 2) -> str:
    """An angle as signed degrees, minutes and seconds, as CASA prints declinations: ``+30.30.32.95894``."""
    whole, minutes, seconds = _sexagesimal(abs(math.degrees(angle_rad)), decimals)
    sign = "-" if angle_rad < 0 else "+"
    return f"{sign}{whole:0{degrees}d}{separators[0]}{minutes:02d}{separators[1]}{seconds}{separators[2]}"
