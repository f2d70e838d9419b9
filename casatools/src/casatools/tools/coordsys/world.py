"""World values in the ways the coordsys tool gives and takes them: numbers, quantities, measures, strings."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from casatools._base.errors import ParameterError
from casatools.frames.image_frames import convert_directions
from casatools.frames.quantities import convert_value, format_dms, format_hms, parse_quantity
from casatools.io.image.coordinates import Coordinates, DirectionCoordinate, SpectralCoordinate, StokesCoordinate
from casatools.io.image.coordinates.stokes import STOKES_CODES, STOKES_NAMES

__all__ = ["format_axis", "is_relative", "parse_axis", "pixel_record", "world_record", "world_values"]

_DEGREES = re.compile(r"^[-+]?(\d+\.?\d*|\.\d+)d$")
_EQUATORIAL = ("J2000", "JMEAN", "JTRUE", "APP", "B1950", "B1950_VLA", "BMEAN", "BTRUE", "JNAT", "ICRS")


def pixel_record(values: np.ndarray, relative: bool = False) -> dict[str, Any]:
    """CASA's record of pixel values."""
    return {
        "numeric": np.asarray(values, dtype=np.float64),
        "pw_type": "pixel",
        "ar_type": "relative" if relative else "absolute",
    }


def world_record(
    coordinates: Coordinates,
    values: np.ndarray | Sequence[float],
    formats: str,
    relative: bool = False,
    axes: Sequence[int] | None = None,
    increments: bool = False,
) -> dict[str, Any]:
    """CASA's record of world values.

    Parameters
    ----------
    coordinates : Coordinates
    values : ndarray (world axis,) float64, or list of float
        All axes.
    formats : str
        Any of the letters n (numbers), q (quantities), m (measures), s (strings).
    relative : bool
        The values are relative to the reference values.
    axes : sequence of int, optional
        World axes to give; all when not given.
    increments : bool
        The values are increments.

    Raises
    ------
    ParameterError
        Measures of relative values or increments.
    """
    if formats == "n" and axes is None:
        relation = "relative" if relative else "absolute"
        return {"pw_type": "world", "ar_type": relation, "numeric": np.array(values, dtype=np.float64)}
    chosen = list(range(len(values))) if axes is None else list(axes)
    record: dict[str, Any] = {"pw_type": "world", "ar_type": "relative" if relative else "absolute"}
    if "n" in formats:
        record["numeric"] = np.array([values[a] for a in chosen], dtype=np.float64)
    if "q" in formats:
        units = coordinates.units
        record["quantity"] = {f"*{k}": {"value": float(values[a]), "unit": units[a]} for k, a in enumerate(chosen, 1)}
    if "m" in formats:
        if relative or increments:
            raise ParameterError("relative world values and increments cannot be given as measures: ask for n, q or s")
        record["measure"] = _measures(coordinates, values, chosen)
    if "s" in formats:
        record["string"] = np.array([format_axis(coordinates, a, float(values[a]), relative or increments) for a in chosen])
    return record


def format_axis(coordinates: Coordinates, axis: int, value: float, relative: bool) -> str:
    """One world value as text."""
    index, row = coordinates.member_of_world_axis(axis)
    member = coordinates.members[index]
    if isinstance(member, StokesCoordinate):
        code = round(value)
        return STOKES_NAMES[code] if 0 <= code < len(STOKES_NAMES) else "Undefined"
    if not isinstance(member, DirectionCoordinate):
        return f"{value:.8e} {member.units[row]}".rstrip()
    frame = member.conversion_frame or member.frame
    angle = float(convert_value(value, member.units[row], "rad"))
    if relative:
        arcsec = np.degrees(angle) * 3600.0
        return f"{arcsec:.8e} arcsec" if frame in _EQUATORIAL else f"{arcsec:.8f} arcsec"
    if frame not in _EQUATORIAL:
        degrees = np.degrees(angle)
        return f"{degrees % 360.0 if row == 0 else degrees:.8f} deg"
    return format_hms(angle, 8) if row == 0 else format_dms(angle, 8)


def _measures(coordinates: Coordinates, values: np.ndarray | Sequence[float], chosen: Sequence[int]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for index, member in enumerate(coordinates.members):
        axes = coordinates.world_axes[index]
        if not all(a in chosen for a in axes):
            continue
        numbers = [float(values[a]) for a in axes]
        if isinstance(member, DirectionCoordinate):
            angles = [float(convert_value(v, u, "rad")) for v, u in zip(numbers, member.units, strict=True)]
            longitude = math.remainder(angles[0], 2.0 * math.pi)
            out["direction"] = _measure("direction", member.conversion_frame or member.frame, longitude, "rad")
            out["direction"]["m1"] = {"value": angles[1], "unit": "rad"}
        elif isinstance(member, SpectralCoordinate):
            out["spectral"] = _spectral_measures(member, numbers[0] * member.hz)
        elif isinstance(member, StokesCoordinate):
            out["stokes"] = STOKES_NAMES[round(numbers[0])]
        else:
            out[member.record_name] = {
                f"*{k}": {"value": v, "unit": u} for k, (v, u) in enumerate(zip(numbers, member.units, strict=True), 1)
            }
    return out


def _measure(kind: str, frame: str, value: float, unit: str) -> dict[str, Any]:
    return {"type": kind, "refer": frame, "m0": {"value": value, "unit": unit}}


def _spectral_measures(member: SpectralCoordinate, frequency_hz: float) -> dict[str, Any]:
    out = {"frequency": _measure("frequency", member.conversion_frame, frequency_hz, "Hz")}
    if member.rest_frequency_hz > 0:
        for key, refer, doppler in (
            ("radiovelocity", "RADIO", 0),
            ("opticalvelocity", "OPTICAL", 1),
            ("betavelocity", "TRUE", 3),
        ):
            velocity = float(member.velocity(np.array([frequency_hz]), doppler, "m/s")[0])
            out[key] = _measure("doppler", refer, velocity, "m/s")
    return out


# ---- reading


def is_relative(value: Any, default: bool = False) -> bool:
    """What a record says of itself; `default` for anything else."""
    return value.get("ar_type") == "relative" if isinstance(value, Mapping) and "ar_type" in value else default


def parse_axis(coordinates: Coordinates, axis: int, value: Any) -> float:
    """One world value in the unit of its axis.

    Raises
    ------
    ParameterError
        It cannot be read or has a unit of another kind.
    """
    index, row = coordinates.member_of_world_axis(axis)
    member = coordinates.members[index]
    if isinstance(member, StokesCoordinate):
        return _parse_stokes(value)
    if isinstance(value, str):
        value = value.replace(" ", "")
        if isinstance(member, DirectionCoordinate) and _DEGREES.match(value):
            value = value[:-1] + "deg"  # of an angle, d is degrees and not days
    number, unit = parse_quantity(value, member.units[row])
    return float(np.ravel(convert_value(number, unit, member.units[row]) if unit != member.units[row] else number)[0])


def _parse_stokes(value: Any) -> float:
    if isinstance(value, str):
        known = {name.lower(): code for name, code in STOKES_CODES.items()}
        if value.strip().lower() in known:
            return float(known[value.strip().lower()])
        raise ParameterError(f"{value!r} is no Stokes parameter or correlation; known: {', '.join(STOKES_NAMES[1:])}")
    if isinstance(value, Mapping):
        value = value.get("value", 0.0)
    return float(np.ravel(value)[0])


def world_values(
    coordinates: Coordinates, value: Any, axes: Sequence[int], defaults: np.ndarray | Callable[[], np.ndarray]
) -> np.ndarray:
    """World values (all axes) from what a user gave for some of them.

    Parameters
    ----------
    coordinates : Coordinates
    value : record, number, text, quantity, or list of these
        A record may hold ``numeric``, ``quantity``, ``measure`` or ``string``; a text may hold several values between blanks.
    axes : sequence of int
        The world axes that the values belong to, in order; fewer values leave the last ones at their defaults.
    defaults : ndarray (world axis,) float64, or a function that gives it
        Called only when not all axes are given as numbers.

    Raises
    ------
    ParameterError
        Too many values, or one cannot be read.
    """
    if type(value) is list and len(value) == len(axes) == coordinates.n_world_axes and {*map(type, value)} == {float}:
        return np.array([v for _, v in sorted(zip(axes, value, strict=True))])  # each in the unit of its axis
    out = np.array(defaults() if callable(defaults) else defaults, dtype=np.float64)
    if isinstance(value, Mapping) and "measure" in value and not any(k in value for k in ("numeric", "quantity", "string")):
        _read_measures(coordinates, value["measure"], out)
        return out
    items = _items(value)
    for axis, item in zip(axes, items, strict=False):
        out[axis] = parse_axis(coordinates, axis, item)
    return out


def _items(value: Any) -> list[Any]:
    """A user's world value as a list of single values."""
    if isinstance(value, Mapping):
        for key in ("numeric", "string"):
            if key in value:
                return [v.item() if isinstance(v, np.generic) else v for v in np.ravel(value[key])]
        if "quantity" in value:
            inner = value["quantity"]
            if isinstance(inner, Mapping) and "value" not in inner:
                return [inner[key] for key in sorted(inner, key=lambda k: int(k.lstrip("*")))]
            return _items(inner)
        if "value" in value:
            return [{"value": float(v), "unit": value.get("unit", "")} for v in np.ravel(value["value"])]
        if all(str(k).startswith("*") for k in value) and value:
            return [value[key] for key in sorted(value, key=lambda k: int(str(k).lstrip("*")))]
        raise ParameterError("a world value record needs one of numeric, quantity, measure or string")
    if isinstance(value, str):
        return value.replace(",", " ").split()
    if isinstance(value, np.ndarray):
        return [v.item() if isinstance(v, np.generic) else v for v in value.ravel()]
    if isinstance(value, (list, tuple)):
        return list(value)
    return [value]


def _read_measures(coordinates: Coordinates, measures: Mapping[str, Any], out: np.ndarray) -> None:
    for index, member in enumerate(coordinates.members):
        axes = coordinates.world_axes[index]
        found = measures.get(member.record_name)
        if found is None or min(axes) < 0:
            continue
        if isinstance(member, DirectionCoordinate):
            angles = [np.array([float(convert_value(*parse_quantity(found[key], "rad"), "rad"))]) for key in ("m0", "m1")]
            wanted = member.conversion_frame or member.frame
            pair = convert_directions(angles[0], angles[1], str(found.get("refer", wanted)), wanted)
            for axis, angle, unit in zip(axes, pair, member.units, strict=True):
                out[axis] = convert_value(float(angle[0]), "rad", unit)
        elif isinstance(member, SpectralCoordinate):
            frequency = found.get("frequency", found)
            out[axes[0]] = float(convert_value(*parse_quantity(frequency["m0"], "Hz"), member.units[0]))
        elif isinstance(member, StokesCoordinate):
            out[axes[0]] = _parse_stokes(found)
        else:
            for axis, item in zip(axes, _items(found), strict=False):
                out[axis] = parse_axis(coordinates, axis, item)
