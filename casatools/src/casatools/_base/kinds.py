"""Parameter kinds: what a parameter accepts, how CASA's leniencies become one type, and examples of good and bad values.

A kind is put into a signature with ``Annotated``::

    def gaincal(minsnr: Annotated[float, Float(min=0), "Reject solutions below this SNR"] = 3.0): ...

``kind.convert(value)`` gives the value in its one canonical type or raises ``Refused`` with the phrase that completes the
sentence "gaincal: parameter 'minsnr' must be <phrase>; got <value>".
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from casatools._base.buffers import empty_array

__all__ = [
    "Array",
    "Bool",
    "BoolList",
    "Choice",
    "Float",
    "FloatList",
    "FloatVector",
    "InPath",
    "InPathList",
    "Instance",
    "Int",
    "IntList",
    "Kind",
    "OutPath",
    "Quantity",
    "Record",
    "Refused",
    "Text",
    "TextList",
    "Variant",
]


class Refused(ValueError):
    """A kind's refusal; its text is the phrase that says what is allowed."""


def _scalar(value: Any) -> Any:
    """A numpy scalar or 0-d (or one-element) array as the Python scalar it holds; anything else as it is."""
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0):
        return value.item()
    return value


def _is_quantity_like(value: Any) -> bool:
    """True for an astropy Quantity or anything else with a value and a unit (duck-typed: astropy is not imported here)."""
    return hasattr(value, "unit") and hasattr(value, "value")


@dataclass(frozen=True)
class Kind:
    """Base of the parameter kinds: accepts anything."""

    @property
    def phrase(self) -> str:
        return "any value"

    def convert(self, value: Any) -> Any:
        """Return `value` in the kind's canonical type, or raise Refused."""
        return value

    @property
    def valid(self) -> tuple[Any, ...]:
        """Examples that must be accepted."""
        return ()

    @property
    def invalid(self) -> tuple[Any, ...]:
        """Examples that must be refused."""
        return ()

    def refuse(self) -> Refused:
        return Refused(self.phrase)


@dataclass(frozen=True)
class Bool(Kind):
    """True or False; numpy booleans are accepted, numbers and words are not."""

    @property
    def phrase(self) -> str:
        return "a bool"

    def convert(self, value: Any) -> bool:
        value = _scalar(value)
        if isinstance(value, bool):
            return value
        raise self.refuse()

    @property
    def valid(self) -> tuple[Any, ...]:
        return (True, False, np.True_)

    @property
    def invalid(self) -> tuple[Any, ...]:
        return ("maybe", 3, [1, 2])


@dataclass(frozen=True)
class Int(Kind):
    """A whole number; numpy integers and whole floats are accepted."""

    min: int | None = None
    max: int | None = None

    @property
    def phrase(self) -> str:
        return "an int" + _range_phrase(self.min, self.max)

    def convert(self, value: Any) -> int:
        value = _scalar(value)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not float(value).is_integer():
            raise self.refuse()
        number = int(value)
        if (self.min is not None and number < self.min) or (self.max is not None and number > self.max):
            raise self.refuse()
        return number

    @property
    def valid(self) -> tuple[Any, ...]:
        low = self.min if self.min is not None else (self.max if self.max is not None else 0)
        return (low, np.int64(low), float(low))

    @property
    def invalid(self) -> tuple[Any, ...]:
        out: list[Any] = ["x", 1.5, {}]
        if self.min is not None:
            out.append(self.min - 1)
        if self.max is not None:
            out.append(self.max + 1)
        return tuple(out)


def _range_phrase(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f" from {low} to {high}"
    if low is not None:
        return f" of at least {low}"
    if high is not None:
        return f" of at most {high}"
    return ""


@dataclass(frozen=True)
class Float(Kind):
    """A real number; ints and numpy numbers are accepted, numeric text and NaN are not."""

    min: float | None = None
    max: float | None = None
    nan: bool = False

    @property
    def phrase(self) -> str:
        return "a float" + _range_phrase(self.min, self.max)

    def convert(self, value: Any) -> float:
        value = _scalar(value)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self.refuse()
        number = float(value)
        if number != number and not self.nan:  # NaN compares as false with everything, so that no later check would catch it
            raise Refused(f"{self.phrase} other than NaN")
        if (self.min is not None and number < self.min) or (self.max is not None and number > self.max):
            raise self.refuse()
        return number

    @property
    def valid(self) -> tuple[Any, ...]:
        low = self.min if self.min is not None else (self.max if self.max is not None else 0.5)
        return (low, np.float32(low))

    @property
    def invalid(self) -> tuple[Any, ...]:
        out: list[Any] = ["x", {}, [1.0, 2.0]] + ([] if self.nan else [float("nan")])
        if self.min is not None:
            out.append(self.min - 1)
        if self.max is not None:
            out.append(self.max + 1)
        return tuple(out)


@dataclass(frozen=True)
class Text(Kind):
    """A string; paths are accepted. ``numbers=True`` takes a bare number as its text (a field ID, a scan)."""

    numbers: bool = False
    empty: bool = True

    @property
    def phrase(self) -> str:
        return ("a string or a number" if self.numbers else "a string") + ("" if self.empty else " that is not empty")

    def convert(self, value: Any) -> str:
        if type(value) is str and (value or self.empty):  # the usual case
            return value
        value = _scalar(value)
        if isinstance(value, os.PathLike):
            value = os.fspath(value)
        if self.numbers and isinstance(value, (int, float)) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str) or (not self.empty and not value):
            raise self.refuse()
        return str(value)

    @property
    def valid(self) -> tuple[Any, ...]:
        return ("x",) if not self.numbers else ("x", 3)

    @property
    def invalid(self) -> tuple[Any, ...]:
        return ({}, True, 1j) if self.numbers else ({}, 7.5, True)


@dataclass(frozen=True)
class Choice(Kind):
    """One of a fixed set of values; text is matched exactly, or without regard to case with ``fold=True``."""

    values: tuple[Any, ...] = ()
    fold: bool = False

    @property
    def phrase(self) -> str:
        return "one of " + ", ".join(repr(v) for v in self.values)

    def convert(self, value: Any) -> Any:
        value = _scalar(value)
        for allowed in self.values:
            if type(allowed) is bool or type(value) is bool:
                if value is allowed:
                    return allowed
            elif value.__class__ in (list, dict, tuple) or isinstance(value, np.ndarray):
                continue
            elif value == allowed or (
                self.fold and isinstance(value, str) and isinstance(allowed, str) and value.lower() == allowed.lower()
            ):
                return allowed
        raise self.refuse()

    @property
    def valid(self) -> tuple[Any, ...]:
        return self.values

    @property
    def invalid(self) -> tuple[Any, ...]:
        return ("no such choice", {}, 1j)


def _items(value: Any) -> list[Any] | None:
    """The items of a list, tuple, set or array; None for anything else."""
    if isinstance(value, np.ndarray):
        return value.tolist() if value.ndim else [value.item()]
    if isinstance(value, (list, tuple, set, frozenset, range)):
        return list(value)
    return None


@dataclass(frozen=True)
class _ListKind(Kind):
    """Base of the list kinds: a scalar stands for a list of one; a fresh list is given back."""

    _item: Kind = Kind()
    _what: str = "a list"

    @property
    def phrase(self) -> str:
        return self._what

    def convert(self, value: Any) -> list[Any]:
        items = _items(value)
        if items is None:
            items = [value]
        if type(self._item) is Float and self._item.min is self._item.max is None:
            types = set(map(type, items))  # a million of them are not looked at one by one
            if types == {float}:
                return items
            if types == {np.float64}:
                return list(map(float, items))
        try:
            return [self.convert(v) if isinstance(v, (list, tuple)) else self._item.convert(v) for v in items]
        except Refused:
            raise self.refuse() from None

    @property
    def valid(self) -> tuple[Any, ...]:
        return ([],)

    @property
    def invalid(self) -> tuple[Any, ...]:
        return ({}, 1j)


@dataclass(frozen=True)
class IntList(_ListKind):
    """A list of ints, or one int."""

    _item: Kind = Int()
    _what: str = "an int or a list of ints"

    @property
    def valid(self) -> tuple[Any, ...]:
        return ([], 3, [1, 2], np.array([1, 2]))

    @property
    def invalid(self) -> tuple[Any, ...]:
        return ({}, ["x"], 1.5)


@dataclass(frozen=True)
class FloatList(_ListKind):
    """A list of floats, or one float; they may be data, so NaN is taken."""

    _item: Kind = Float(nan=True)
    _what: str = "a float or a list of floats"

    @property
    def valid(self) -> tuple[Any, ...]:
        return ([], 3, [1, 2.5], np.array([1.0, 2.0]))

    @property
    def invalid(self) -> tuple[Any, ...]:
        return ({}, ["x"])


@dataclass(frozen=True)
class FloatVector(FloatList):
    """Floats as a flat array; an array of floats is taken as it is, without a list of a million Python numbers between."""

    def convert(self, value: Any) -> Any:
        if isinstance(value, np.ndarray) and value.dtype == np.float64 and value.ndim == 1:
            return value
        if type(value) is list and value and type(value[0]) in (float, np.float64):
            quick = _float_array(value)
            if quick is not None:
                return quick
        try:
            return np.array(super().convert(value), dtype=np.float64)
        except Refused:
            raise
        except ValueError:  # lists of several lengths
            raise self.refuse() from None


_PACKED = 1000  # numbers that are read together: faster than `array.array`, and as strict


def _float_array(values: list[Any]) -> np.ndarray | None:
    """A list of numbers as floats; None where one is no number or a truth value, which takes and has the slow way."""
    found = empty_array((len(values),), np.float64)
    whole = len(values) - len(values) % _PACKED
    pack = struct.Struct(f"{_PACKED}d").pack_into
    try:
        for begin in range(0, whole, _PACKED):
            pack(found.data, 8 * begin, *values[begin : begin + _PACKED])
        struct.pack_into(f"{len(values) - whole}d", found.data, 8 * whole, *values[whole:])
    except struct.error:
        return None
    if found.min() > 1:
        return found
    # Truth values have become 0 and 1, so only items of that value need a look.
    suspects = np.flatnonzero((found == 0) | (found == 1))
    return None if any(isinstance(values[k], (bool, np.bool_)) for k in suspects.tolist()) else found


@dataclass(frozen=True)
class BoolList(_ListKind):
    """A list of bools, or one bool."""

    _item: Kind = Bool()
    _what: str = "a bool or a list of bools"

    @property
    def valid(self) -> tuple[Any, ...]:
        return ([], True, [True, False])

    @property
    def invalid(self) -> tuple[Any, ...]:
        return ({}, ["x"], 3)


@dataclass(frozen=True)
class TextList(_ListKind):
    """A list of strings, or one string; the empty string stands for an empty list where ``drop_empty`` is set."""

    drop_empty: bool = False
    numbers: bool = False
    _what: str = "a string or a list of strings"

    def convert(self, value: Any) -> list[Any]:
        if self.drop_empty and isinstance(value, str) and not value:
            return []
        items = _items(value)
        item = Text(numbers=self.numbers)
        try:
            return [item.convert(v) for v in (items if items is not None else [value])]
        except Refused:
            raise self.refuse() from None

    @property
    def valid(self) -> tuple[Any, ...]:
        return ([], "x", ["x", "y"])

    @property
    def invalid(self) -> tuple[Any, ...]:
        return ({}, [1j], True)


@dataclass(frozen=True)
class Record(Kind):
    """A dict; a fresh shallow copy is given back. CASA's "nothing" (None, "" or []) is taken as an empty dict."""

    @property
    def phrase(self) -> str:
        return "a dict"

    def convert(self, value: Any) -> dict[Any, Any]:
        if isinstance(value, Mapping):
            return dict(value)
        if value is None or (isinstance(value, (str, list, tuple)) and len(value) == 0):
            return {}
        raise self.refuse()

    @property
    def valid(self) -> tuple[Any, ...]:
        return ({}, {"a": 1})

    @property
    def invalid(self) -> tuple[Any, ...]:
        return ("x", 3)


@dataclass(frozen=True)
class Instance(Kind):
    """An object of one class (a tool that a tool takes), or None for nothing; never converted."""

    cls: type

    @property
    def phrase(self) -> str:
        return f"a {self.cls.__name__}"

    def convert(self, value: Any) -> Any:
        if value is None or isinstance(value, self.cls):
            return value
        raise self.refuse()

    @property
    def valid(self) -> tuple[Any, ...]:
        return (None,)

    @property
    def invalid(self) -> tuple[Any, ...]:
        return ("x", 3, {})


@dataclass(frozen=True)
class Array(Kind):
    """Numbers of any shape: arrays, nested lists and scalars, given back as an ndarray; with `numbers` nothing but numbers and truth values."""

    numbers: bool = False

    @property
    def phrase(self) -> str:
        return "an array or a (nested) list of numbers" if self.numbers else "an array or a (nested) list"

    def convert(self, value: Any) -> np.ndarray:
        if isinstance(value, (Mapping, str)) or value is None:
            raise self.refuse()
        try:
            array = np.asarray(value)
        except ValueError:
            raise self.refuse() from None
        if self.numbers and array.dtype.kind not in "biufc":
            raise self.refuse()
        return array

    @property
    def valid(self) -> tuple[Any, ...]:
        return ([1, 2], np.zeros((2, 2)), 3.0)

    @property
    def invalid(self) -> tuple[Any, ...]:
        return ({}, None)


@dataclass(frozen=True)
class Quantity(Kind):
    """A quantity: ``"10arcsec"``, a number (in `unit`), ``{"value": …, "unit": …}`` or an astropy Quantity.

    Given back as text, number or dict, as CASA's users write them; `frames.quantities.parse_quantity` reads it.
    """

    unit: str = ""

    @property
    def phrase(self) -> str:
        example = f"'10{self.unit}'" if self.unit else "'10arcsec'"
        return f"a quantity such as {example}, a number or a dict with value and unit"

    def convert(self, value: Any) -> Any:
        value = _scalar(value)
        if isinstance(value, Mapping):
            if "value" in value and "unit" in value:
                return dict(value)
            raise self.refuse()
        if _is_quantity_like(value):
            number = np.asarray(value.value)
            return {"value": number.item() if number.ndim == 0 else number, "unit": str(value.unit).replace(" ", "")}
        if isinstance(value, str) or (isinstance(value, (int, float)) and not isinstance(value, bool)):
            return value
        raise self.refuse()

    @property
    def valid(self) -> tuple[Any, ...]:
        return (f"10{self.unit or 'arcsec'}", 1.0, {"value": 1.0, "unit": self.unit or "arcsec"})

    @property
    def invalid(self) -> tuple[Any, ...]:
        return ({}, True, 1j)


@dataclass(frozen=True)
class Variant(Kind):
    """One of several kinds, the first that accepts; with no kinds given, anything but a bare object."""

    kinds: tuple[Kind, ...] = ()

    @property
    def phrase(self) -> str:
        return " or ".join(k.phrase for k in self.kinds) if self.kinds else "a number, a string, a list, an array or a dict"

    def convert(self, value: Any) -> Any:
        if not self.kinds:
            return _copied(value, self)
        for kind in self.kinds:
            try:
                return kind.convert(value)
            except Refused:
                continue
        raise self.refuse()

    @property
    def valid(self) -> tuple[Any, ...]:
        return tuple(v for k in self.kinds for v in k.valid) if self.kinds else ("x", 1, [1], {})

    @property
    def invalid(self) -> tuple[Any, ...]:
        return (object(),) if not self.kinds else tuple(v for v in (object(), 1j, {}) if not _accepts(self.kinds, v))


def _accepts(kinds: Iterable[Kind], value: Any) -> bool:
    for kind in kinds:
        try:
            kind.convert(value)
        except Refused:
            continue
        return True
    return False


_PLAIN_ITEMS = frozenset({float, int, str})


def _copied(value: Any, kind: Kind) -> Any:
    """A value of one of the plain types, lists and dicts copied so that a default is never shared."""
    if type(value) is list and {*map(type, value)} <= _PLAIN_ITEMS:
        return value.copy()
    if value is None or isinstance(value, (bool, int, float, complex, str, np.ndarray)):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, (list, tuple)):
        if {*map(type, value)} <= _PLAIN_ITEMS:
            return list(value)
        return [_copied(v, kind) for v in value]
    if isinstance(value, Mapping):
        return dict(value)
    if _is_quantity_like(value):
        return Quantity().convert(value)
    if hasattr(value, "torecord") or hasattr(value, "to_string"):  # coordsys tools; SkyCoord
        return value
    raise kind.refuse()


@dataclass(frozen=True)
class InPath(Text):
    """The path of an existing data set; existence is checked by the one that opens it, in the same sentence."""

    @property
    def phrase(self) -> str:
        return "a path"


@dataclass(frozen=True)
class InPathList(TextList):
    """One path or a list of paths."""

    _what: str = "a path or a list of paths"


@dataclass(frozen=True)
class OutPath(Text):
    """The path of an output."""

    @property
    def phrase(self) -> str:
        return "a path"
