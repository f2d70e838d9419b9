"""Unit texts of coordinate axes as factors to SI, for scaling axes; general quantities live in ``casatools.frames``."""

from __future__ import annotations

import math
import re

from casatools._base.errors import ParameterError

__all__ = ["same_dimension", "unit_factor", "unit_scale"]

# Dimension text and factor to SI (angles in rad) of the units that stand on image axes.
_UNITS: dict[str, tuple[str, float]] = {
    "rad": ("rad", 1.0),
    "deg": ("rad", math.pi / 180.0),
    "arcmin": ("rad", math.pi / 10800.0),
    "'": ("rad", math.pi / 10800.0),
    "arcsec": ("rad", math.pi / 648000.0),
    '"': ("rad", math.pi / 648000.0),
    "''": ("rad", math.pi / 648000.0),
    "as": ("rad", math.pi / 648000.0),
    "mas": ("rad", math.pi / 648000.0e3),
    "uas": ("rad", math.pi / 648000.0e6),
    "sr": ("rad2", 1.0),
    "deg2": ("rad2", (math.pi / 180.0) ** 2),
    "Hz": ("s-1", 1.0),
    "m": ("m", 1.0),
    "micron": ("m", 1e-6),
    "um": ("m", 1e-6),
    "Angstrom": ("m", 1e-10),
    "AU": ("m", 149597870700.0),
    "pc": ("m", 3.0856775814913673e16),
    "lyr": ("m", 9.4607304725808e15),
    "s": ("s", 1.0),
    "min": ("s", 60.0),
    "h": ("s", 3600.0),
    "d": ("s", 86400.0),
    "a": ("s", 31557600.0),
    "yr": ("s", 31557600.0),
    "g": ("kg", 1e-3),
    "K": ("K", 1.0),
    "Jy": ("Jy", 1.0),
    "W": ("W", 1.0),
    "V": ("V", 1.0),
    "J": ("J", 1.0),
    "T": ("T", 1.0),
    "A": ("A", 1.0),
    "lambda": ("", 1.0),
    "pixel": ("pixel", 1.0),
    "beam": ("beam", 1.0),
    "%": ("", 0.01),
    "_": ("", 1.0),
    "": ("", 1.0),
}
_PREFIX = {"T": 1e12, "G": 1e9, "M": 1e6, "k": 1e3, "d": 1e-1, "c": 1e-2, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12}
_PREFIXED = {"Hz", "m", "s", "g", "K", "Jy", "W", "V", "J", "T", "A", "pc", "rad", "lambda"}
_CASELESS = {"hz": "Hz", "khz": "kHz", "mhz": "MHz", "ghz": "GHz", "jy": "Jy", "degree": "deg", "degrees": "deg", "radian": "rad"}
_TERM = re.compile(r"^(?P<name>[A-Za-z'\"%_]+)(?:\^|\*\*)?(?P<power>[-+]?\d+)?$")


def unit_factor(unit: str) -> tuple[float, str]:
    """Factor to SI and dimension text of a unit such as ``GHz``, ``km/s`` or ``Jy/beam.km/s``.

    Raises
    ------
    ParameterError
        The unit is not known.
    """
    text = unit.strip()
    factor = 1.0
    powers: dict[str, int] = {}
    sign, rest = 1, text
    while rest:
        cut = min((i for i in (rest.find("/"), rest.find("."), rest.find(" ")) if i > 0), default=len(rest))
        term, separator, rest = rest[:cut], rest[cut : cut + 1], rest[cut + 1 :]
        scale, dimension, power = _term(term, unit)
        factor *= scale ** (sign * power)
        for name, exponent in dimension.items():
            powers[name] = powers.get(name, 0) + sign * power * exponent
        if separator == "/":
            sign = -1
        elif separator:
            sign = 1
    shown = " ".join(f"{name}{p if p != 1 else ''}" for name, p in sorted(powers.items()) if p)
    return factor, shown


def _term(term: str, unit: str) -> tuple[float, dict[str, int], int]:
    found = _TERM.match(term)
    if found is None:
        raise ParameterError(f"the unit {unit!r} is not known")
    name, power = found["name"], int(found["power"] or 1)
    name = _CASELESS.get(name.lower(), name) if name not in _UNITS else name
    if name in _UNITS:
        dimension, scale = _UNITS[name]
    elif name[:1] in _PREFIX and name[1:] in _PREFIXED:
        dimension, scale = _UNITS[name[1:]]
        scale *= _PREFIX[name[0]]
    else:
        raise ParameterError(f"the unit {unit!r} is not known")
    if dimension == "s-1":
        return scale, {"s": -1}, power
    if dimension == "rad2":
        return scale, {"rad": 2}, power
    return scale, ({dimension: 1} if dimension else {}), power


def same_dimension(first: str, second: str) -> bool:
    """True when the two units measure the same thing; unknown units agree only with themselves."""
    if first == second:
        return True
    try:
        return unit_factor(first)[1] == unit_factor(second)[1]
    except ParameterError:
        return False


def unit_scale(source: str, target: str) -> float:
    """The factor that turns numbers in `source` into numbers in `target`.

    Raises
    ------
    ParameterError
        A unit is not known, or the two do not measure the same thing.
    """
    if source == target:
        return 1.0
    first, dimension = unit_factor(source)
    second, wanted = unit_factor(target)
    if dimension != wanted:
        raise ParameterError(f"the unit {target!r} does not measure the same as {source!r}")
    return first / second
