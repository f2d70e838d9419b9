"""Arithmetic on quantities with units, by casacore's quanta."""

from __future__ import annotations

import functools
import math
import reprlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from casacore import quanta as _quanta

from casatools._base.errors import ParameterError

__all__ = [
    "CONSTANTS",
    "PREFIXES",
    "UNITS",
    "apply",
    "converted_record",
    "define_unit",
    "defined_units",
    "is_unit_text",
    "read_quantity",
    "read_scalar",
    "to_record",
    "with_unit",
]

Quantity = Any
# Functions of one quantity.
_UNARY = {
    name: getattr(_quanta, name)
    for name in ("sin", "cos", "tan", "asin", "acos", "atan", "exp", "log", "log10", "sqrt", "abs", "ceil", "floor")
}
_BINARY = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "atan2": _quanta.atan2,
    "eq": lambda a, b: bool(a == b),
    "ne": lambda a, b: bool(a != b),
    "lt": lambda a, b: bool(a < b),
    "gt": lambda a, b: bool(a > b),
    "le": lambda a, b: bool(a <= b),
    "ge": lambda a, b: bool(a >= b),
    "compare": lambda a, b: bool(a.conforms(b)),
}
# Units defined in this session: their size in units that casacore knows.
_defined: dict[str, tuple[float, str]] = {}


def _catalogue(found: Mapping[str, Any]) -> dict[str, tuple[str, float, str]]:
    return {str(k): (str(v[0]), float(v[1].get_value()), str(v[1].get_unit())) for k, v in found.items()}


# Unit or prefix: (full name, value, SI unit); constant: (value, unit).
UNITS = _catalogue(_quanta.units)
PREFIXES = _catalogue(_quanta.prefixes)
CONSTANTS = {str(k): (float(v.get_value()), str(v.get_unit())) for k, v in _quanta.constants.items()}


def _refuse(value: Any, error: Exception) -> ParameterError:
    reason = str(error).split("\n")[0].split(": ")[-1][:200]
    return ParameterError(
        f"{reprlib.repr(value)} is not a quantity ({reason}); write such as '10arcsec', '1.4GHz' or '12h30m15s'"
    )


def define_unit(name: str, size: Any) -> None:
    """Make a unit known to `read_quantity` for this session."""
    quantity = read_scalar(size)
    if not name or not name[0].isalpha():
        raise ParameterError(f"a unit's name must begin with a letter; got {name!r}")
    if name in UNITS:
        raise ParameterError(f"the unit {name!r} exists already and cannot be defined again")
    _defined[name] = (float(quantity.get_value()), str(quantity.get_unit()))
    _text_parts.cache_clear()
    _factor_between.cache_clear()


def defined_units() -> dict[str, tuple[float, str]]:
    """The units defined in this session."""
    return dict(_defined)


def is_unit_text(text: str) -> bool:
    """True when casacore can read the text as a unit, or it was defined here."""
    if text in _defined:
        return True
    try:
        _quanta.quantity(1.0, text)
    except RuntimeError:
        return False
    return True


def with_unit(value: Any, unit: str) -> Quantity:
    """A quantity of a number or an array and a unit."""
    if unit in _defined:
        factor, unit = _defined[unit]
        value = np.asarray(value) * factor
        value = float(value) if value.ndim == 0 else value
    try:
        return _quanta.quantity(value, unit)
    except RuntimeError as error:
        raise _refuse(f"{value} {unit}", error) from None


def read_quantity(value: Any) -> Quantity:
    """A scalar or vector quantity from a text, a number, an array, a record with value and unit.

    Raises
    ------
    ParameterError
        It cannot be read.
    """
    if isinstance(value, str):
        try:
            return _quanta.quantity(value)
        except (RuntimeError, TypeError) as error:
            for name in _defined:
                if value.rstrip().endswith(name):
                    return with_unit(_number(value.rstrip()[: -len(name)] or "1", value), name)
            raise _refuse(value, error) from None
    if isinstance(value, Mapping):
        if "value" not in value or "unit" not in value:
            raise ParameterError(f"a quantity as a dict needs the keys 'value' and 'unit'; got {dict(value)!r}")
        return _from_numbers(value["value"], str(value["unit"]), value)
    if isinstance(value, (list, tuple)) and len(value) == 1 and isinstance(value[0], (str, Mapping)):
        return read_quantity(value[0])
    if isinstance(value, (list, tuple, np.ndarray)) and len(value) == 0:
        return _quanta.quantity(0.0, "")
    return _from_numbers(value, "", value)


def _number(text: str, given: Any) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise _refuse(given, error) from None


def _from_numbers(numbers: Any, unit: str, given: Any) -> Quantity:
    try:
        array = np.asarray(numbers, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise _refuse(given, error) from None
    return with_unit(float(array) if array.ndim == 0 else array.ravel(order="F"), unit)


def read_scalar(value: Any) -> Quantity:
    """A quantity that must be one number."""
    quantity = read_quantity(value)
    if isinstance(quantity, _quanta._quanta.QuantVec):
        numbers = np.ravel(quantity.get_value())
        if len(numbers) == 1:
            return with_unit(float(numbers[0]), str(quantity.get_unit()))
        raise ParameterError(f"one quantity is wanted, not a vector; got {value!r}")
    return quantity


def to_record(quantity: Quantity) -> dict[str, Any]:
    """CASA's record of a quantity."""
    value = quantity.get_value()
    vector = isinstance(quantity, _quanta._quanta.QuantVec)
    return {"unit": str(quantity.get_unit()), "value": np.atleast_1d(np.asarray(value)) if vector else float(value)}


def apply(name: str, *values: Any) -> Any:
    """Apply a function of one or two scalar quantities by name; comparisons give a bool, the others a quantity.

    Raises
    ------
    ParameterError
        A value cannot be read, is a vector, or has a unit that does not fit.
    """
    quantities = [read_scalar(v) for v in values]
    try:
        if len(quantities) == 1:
            if name == "abs":
                return _quanta.quantity(abs(quantities[0].get_value()), quantities[0].get_unit())
            return _UNARY[name](quantities[0])
        return _BINARY[name](*quantities)
    except (RuntimeError, ZeroDivisionError) as error:
        shown = ", ".join(repr(v) for v in values)
        raise ParameterError(f"{name} of {shown} is not possible: {str(error).strip()}") from None


def power(value: Any, exponent: int) -> Quantity:
    """A quantity to a whole power."""
    quantity = read_scalar(value)
    try:
        return _quanta.pow(quantity, exponent) if exponent else _quanta.quantity(quantity.get_value() ** 0, "")
    except (RuntimeError, OverflowError) as error:
        raise ParameterError(f"the power {exponent} of {value!r} is not possible: {error}") from None


def converted(value: Any, unit: Any) -> dict[str, Any]:
    """CASA's record of a quantity in another unit; the dimension that does not fit stays in the result's unit, as CASA does."""
    quantity = read_quantity(value)
    target = _target_unit(unit)
    if target == "":
        return to_record(quantity.canonical())
    if target in _defined:  # casacore does not know it, nor therefore a rest of the dimension beside it
        factor, base = _defined[target]
        if not _quanta.quantity(1.0, str(quantity.get_unit())).conforms(_quanta.quantity(1.0, base)):
            raise ParameterError(f"{value!r} cannot be converted to {unit!r}, which is {factor} {base}")
        number = np.asarray(quantity.get(base).get_value()) / factor
        return {"unit": target, "value": number if number.ndim else float(number)}
    return to_record(quantity.get(_quanta.quantity(1.0, target)) if not _is_vector(quantity) else quantity.get(target))


def converted_record(value: Any, unit: Any) -> dict[str, Any]:
    """CASA's record of `converted`: where the units conform it is one multiplication, and what was read of texts is kept."""
    if isinstance(unit, str) and not _defined:
        number: Any = None
        found = ""
        if isinstance(value, str):
            number, found = _text_parts(value)
        elif isinstance(value, Mapping) and isinstance(value.get("value"), (float, np.ndarray)):
            number, found = value["value"], str(value.get("unit", "?"))
        factor = None if number is None else _factor_between(found, unit)
        if factor is not None and (isinstance(number, float) or (number.dtype.kind in "iuf" and number.size)):
            scaled = number * factor[0]
            vector = isinstance(number, np.ndarray) and number.ndim
            return {"unit": factor[1], "value": np.asarray(scaled).ravel(order="F") if vector else float(scaled)}
    return converted(value, unit)


@functools.lru_cache(maxsize=4096)
def _text_parts(text: str) -> tuple[float | None, str]:
    """Number and unit of a text; no number where it cannot be read, or means this moment."""
    if "today" in text.lower() or "now" in text.lower():
        return None, ""
    try:
        read = _quanta.quantity(text)
    except (RuntimeError, TypeError):
        return None, ""
    return float(read.get_value()), str(read.get_unit())


@functools.lru_cache(maxsize=4096)
def _factor_between(unit: str, wanted: str) -> tuple[float, str] | None:
    """Factor and the target's unit where two units conform; None leaves it to casacore."""
    try:
        target = _target_unit(wanted)
        one, other = _quanta.quantity(1.0, unit), _quanta.quantity(1.0, target)
        if not target or not one.conforms(other):
            return None
        return float(one.canonical().get_value()) / float(other.canonical().get_value()), target
    except (RuntimeError, ParameterError):
        return None


def _is_vector(quantity: Quantity) -> bool:
    return isinstance(quantity, _quanta._quanta.QuantVec)


def _target_unit(unit: Any) -> str:
    if isinstance(unit, str) and unit in _defined:
        return unit
    if isinstance(unit, str) and not unit.strip():
        return ""
    if isinstance(unit, str):
        text = unit.strip()
        try:
            return str(_quanta.quantity(text).get_unit())
        except RuntimeError as error:
            raise ParameterError(f"{unit!r} is not a unit ({str(error).strip().splitlines()[0]})") from None
    return str(read_quantity(unit).get_unit())


def normalised(value: Any, start: float) -> Quantity:
    """An angle in degrees within one turn from `start` turns."""
    return _attempt(value, lambda q: q.norm(start))


def as_time(value: Any) -> Quantity:
    """An angle as a time (24 h to a turn); a time stays."""
    return _attempt(value, lambda q: q.to_time())


def as_angle(value: Any) -> Quantity:
    """A time as an angle (24 h to a turn); an angle stays."""
    return _attempt(value, lambda q: q.to_angle())


def canonical(value: Any) -> Quantity:
    """A quantity in SI units."""
    return _attempt(value, lambda q: q.canonical())


def _attempt(value: Any, function: Any) -> Quantity:
    quantity = read_scalar(value)
    try:
        return function(quantity)
    except RuntimeError as error:
        raise ParameterError(f"{value!r} does not fit here: {str(error).strip()}") from None


_C, _H = CONSTANTS["c"][0], CONSTANTS["h"][0]
# SI unit of what stands for a frequency: the frequency from the value, and the value from the frequency.
_FREQUENCY = {
    "s-1": (lambda v: v, lambda f: f),
    "s": (lambda v: 1.0 / v, lambda f: 1.0 / f),
    "m": (lambda v: _C / v, lambda f: _C / f),
    # The angular wave number 2 pi / wavelength, as CASA takes it.
    "m-1": (lambda v: _C * v / (2.0 * math.pi), lambda f: 2.0 * math.pi * f / _C),
    "rad.s-1": (lambda v: v / (2 * math.pi), lambda f: f * 2 * math.pi),
    "s-1.rad": (lambda v: v / (2 * math.pi), lambda f: f * 2 * math.pi),
    "m2.kg.s-2": (lambda v: v / _H, lambda f: f * _H),
    "m.kg.s-1": (lambda v: v * _C / _H, lambda f: f * _H / _C),
}


def is_frequency_like(value: Any) -> bool:
    """True for a frequency, period, wavelength, wave number, energy or momentum."""
    return str(canonical(value).get_unit()) in _FREQUENCY


def converted_frequency(value: Any, unit: str) -> Quantity:
    """A frequency, period, wavelength, energy, ... as another of these."""
    si = canonical(value)
    wanted = canonical(with_unit_record(1.0, unit))
    try:
        to_hz = _FREQUENCY[str(si.get_unit())][0]
        from_hz = _FREQUENCY[str(wanted.get_unit())][1]
    except KeyError:
        raise ParameterError(f"{value!r} cannot be converted to {unit!r} as a frequency, wavelength, period or energy") from None
    if si.get_value() == 0.0:
        raise ParameterError(f"{value!r} has no frequency")
    return _quanta.quantity(from_hz(to_hz(si.get_value())) / wanted.get_value(), unit)


def with_unit_record(value: float, unit: str) -> dict[str, Any]:
    """The record of a number and a unit text."""
    return {"value": value, "unit": unit}


def converted_doppler(value: Any, unit: str) -> Quantity:
    """A velocity in another unit; without a unit it is a fraction of the velocity of light."""
    si = canonical(value)
    wanted = canonical(with_unit_record(1.0, unit))
    units = {str(si.get_unit()), str(wanted.get_unit())}
    if not units <= {"", "m.s-1"}:
        raise ParameterError(f"{value!r} cannot be converted to {unit!r} as a velocity")
    metres = si.get_value() * (_C if str(si.get_unit()) == "" else 1.0)
    return _quanta.quantity(metres / (wanted.get_value() * (_C if str(wanted.get_unit()) == "" else 1.0)), unit)
