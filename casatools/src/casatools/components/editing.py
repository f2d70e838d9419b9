"""Sky components from what CASA's users write: numbers, quantities, measures, names."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from casatools._base.errors import ParameterError
from casatools.components.model import POLARIZATIONS, SHAPES, SPECTRA, Amount, Component, Flux, Shape, Spectrum, find_name
from casatools.frames.directions import Direction, convert_direction, direction_frame, parse_direction
from casatools.frames.frequencies import frequency_frame
from casatools.frames.quantities import conforms, is_unit, parse_quantity

__all__ = [
    "SpectrumValues", "converted_place", "flux_from", "frequency_from", "given", "moved", "shape_from", "spectrum_from",
    "with_frequency", "with_place",
]  # fmt: skip


def given(value: Any) -> bool:
    """True when the user gave a value: CASA's empty text, list or dict is none."""
    return not (value is None or (isinstance(value, (str, list, tuple, Mapping)) and len(value) == 0))


def _turn(lon_rad: float) -> float:
    """A longitude between -pi and pi, as CASA keeps it."""
    return lon_rad if -math.pi <= lon_rad <= math.pi else math.remainder(lon_rad, 2.0 * math.pi)


def _amount(value: Any, dimension: str, what: str) -> Amount:
    number, unit = parse_quantity(value)
    if not is_unit(unit) or not conforms(unit, dimension):
        raise ParameterError(f"the {what} must have a unit like {dimension}; got {value!r}")
    return Amount(float(np.ravel(number)[0]), unit)


def flux_from(value: Any, unit: str = "Jy", polarization: str = "Stokes", error: Any = ()) -> Flux:
    """A flux density of one number (Stokes I) or four.

    Raises
    ------
    ParameterError
        There are not one or four numbers, one number is no Stokes I, or unit or polarization are unknown.
    """
    kind = find_name(polarization, POLARIZATIONS, "polarization")
    numbers = _four(value if given(value) else 0.0, kind, "flux density")
    errors = _four(error, kind, "error of the flux density") if given(error) else np.zeros(4, complex)
    made = Flux(numbers, errors, unit, kind)
    made.to_unit(unit)
    return made


def _four(value: Any, kind: str, what: str) -> np.ndarray:
    try:
        numbers = np.ravel(np.asarray(value, dtype=complex))
    except (TypeError, ValueError):
        raise ParameterError(f"the {what} must be one number or four; got {value!r}") from None
    if len(numbers) not in (1, 4) or (len(numbers) == 1 and kind != "Stokes"):
        raise ParameterError(f"the {what} must be four numbers, or one for Stokes I; got {value!r}")
    out = np.zeros(4, complex)
    out[: len(numbers)] = numbers
    return out


def with_place(shape: Shape, direction: Any) -> Shape:
    """The shape at a direction given in any of CASA's ways."""
    place = parse_direction(direction)
    return replace(shape, lon_rad=_turn(place.lon_rad), lat_rad=place.lat_rad, frame=place.frame)


def moved(shape: Shape, ra: Any, dec: Any) -> Shape:
    """The shape at other angles of its own frame; what is not given stays."""
    lon_rad, lat_rad = shape.lon_rad, shape.lat_rad
    if given(ra):
        lon_rad = _turn(_angle_rad(ra, shape.frame))
    if given(dec):
        lat_rad = _angle_rad(dec, shape.frame)
    return replace(shape, lon_rad=lon_rad, lat_rad=lat_rad)


def _angle_rad(value: Any, frame: str) -> float:
    if isinstance(value, (int, float)):
        raise ParameterError(f"a direction needs angles with units such as '12h30m00s' or '10deg'; got {value!r}")
    return parse_direction([frame, value, "0rad"]).lon_rad


def converted_place(shape: Shape, frame: str) -> Shape:
    """The same place in another direction frame.

    Raises
    ------
    ParameterError
        The frame is unknown, or needs a time and a place.
    """
    place = convert_direction(Direction(shape.lon_rad, shape.lat_rad, shape.frame), direction_frame(frame))
    return replace(shape, lon_rad=_turn(place.lon_rad), lat_rad=place.lat_rad, frame=place.frame)


def shape_from(place: Shape, kind: str, widths: Sequence[Any] = (), errors: Sequence[Any] = ()) -> Shape:
    """A shape of another kind at the same place.

    Parameters
    ----------
    place : Shape
    kind : str
        Point, Gaussian or Disk, without regard to case.
    widths : sequence of quantity
        Major axis, minor axis, position angle.
    errors : sequence of quantity
        Their errors.

    Raises
    ------
    ParameterError
        The kind is unknown, a width is missing or not an angle, or the minor axis is the longer one.
    """
    name = find_name(kind, SHAPES, "shape")
    point = Shape(
        "Point", place.lon_rad, place.lat_rad, place.frame, lon_error=place.lon_error, lat_error=place.lat_error
    )  # fmt: skip
    if name == "Point":
        return point
    names = ("major axis", "minor axis", "position angle")
    parts = list(widths) + [""] * (3 - len(widths))
    amounts = []
    for what, value in zip(names, parts, strict=True):
        if not given(value):
            raise ParameterError(f"a {name} component needs a {what} such as '10arcsec'")
        amounts.append(_amount(value, "rad", what))
    if name == "Gaussian":  # CASA gives angles of Gaussians, not of disks, within half a turn
        half = Amount(180.0, "deg").in_unit(amounts[2].unit)
        amounts[2] = Amount(amounts[2].value % half, amounts[2].unit)
    if amounts[0].in_unit("rad") < amounts[1].in_unit("rad"):
        raise ParameterError(f"the major axis {widths[0]!r} is smaller than the minor axis {widths[1]!r}")
    zero = Amount(0.0, "rad")
    spread = [_amount(e, "rad", f"error of the {w}") if given(e) else zero for w, e in zip(names, errors, strict=False)]
    spread += [zero] * (3 - len(spread))
    return replace(
        point, kind=name, major=amounts[0], minor=amounts[1], angle=amounts[2],
        major_error=spread[0], minor_error=spread[1], angle_error=spread[2],
    )  # fmt: skip


def frequency_from(value: Any) -> tuple[Amount, str]:
    """Frequency and frame of ``"1GHz"``, ``"TOPO 1GHz"``, ``["BARY", "1GHz"]``, a quantity or a frequency measure (LSRK by default)."""
    if isinstance(value, Mapping) and "m0" in value:
        return _amount(value["m0"], "Hz", "frequency"), frequency_frame(str(value.get("refer", "LSRK")))
    words = value.split() if isinstance(value, str) else list(value) if isinstance(value, (list, tuple)) else [value]
    if len(words) == 2:
        return _amount(words[1], "Hz", "frequency"), frequency_frame(str(words[0]))
    if len(words) != 1:
        raise ParameterError(f"{value!r} is not a frequency; write such as '1.4GHz' or 'TOPO 1.4GHz'")
    return _amount(words[0], "Hz", "frequency"), "LSRK"


def with_frequency(spectrum: Spectrum, value: float, unit: str) -> Spectrum:
    """The spectrum with another reference frequency."""
    frequency = _amount({"value": value, "unit": unit}, "Hz", "frequency")
    if not frequency.value > 0:
        raise ParameterError(f"a reference frequency must be positive; got {value}{unit}")
    return replace(spectrum, frequency=frequency)


@dataclass(frozen=True)
class SpectrumValues:
    """What a spectrum is made of: index or coefficients, or a table of frequencies [Hz] and Stokes I, Q, U, V [Jy]."""

    index: Any = ()
    table_hz: Sequence[float] = ()
    stokes: tuple[Sequence[float], ...] = ()
    table_frame: str = "LSRK"
    many: bool = False


def spectrum_from(old: Spectrum, kind: str, values: SpectrumValues) -> Spectrum:
    """A spectrum of another kind with the same reference frequency, expressed in GHz as CASA does then.

    Parameters
    ----------
    old : Spectrum
    kind : str
        Constant, spectral index, plp or tabular.
    values : SpectrumValues
        With `many` a spectral index may have four numbers, one for each Stokes parameter's law.

    Raises
    ------
    ParameterError
        The kind is unknown, or its numbers are missing or do not fit.
    """
    name = find_name(kind, SPECTRA, "spectrum")
    made = replace(old, kind=name, frequency=old.frequency.to("GHz"), index=(), index_error=(), table_hz=(), table=())
    if name == "Constant":
        return made
    if name == "Tabular Spectrum":
        return _tabular(made, values)
    try:
        index = tuple(float(v) for v in np.ravel(np.asarray(values.index, dtype=np.float64)))
    except (TypeError, ValueError):
        raise ParameterError(f"the index of a {name} must be a number or a list of numbers; got {values.index!r}") from None
    if not index:
        raise ParameterError(f"a {name} needs the parameter 'index': a number or a list of numbers")
    if name == "Spectral Index" and not (values.many and len(index) == 4):
        index = index[:1]
    return replace(made, index=index)


def _tabular(made: Spectrum, values: SpectrumValues) -> Spectrum:
    frame = frequency_frame(values.table_frame)
    if frame != made.frame:
        raise ParameterError(f"frequencies of a table cannot be converted from {frame} to the component's {made.frame}: set one")
    count = len(values.table_hz)
    if count < 2 or any(len(s) != count for s in values.stokes):
        raise ParameterError(
            f"a tabular spectrum needs two frequencies at least and a flux density for each; got {count} frequencies and"
            f" {', '.join(str(len(s)) for s in values.stokes)} flux densities"
        )
    order = np.argsort(np.asarray(values.table_hz))
    rows = [tuple(float(s[k]) for k in order) for s in values.stokes]
    rows += [(0.0,) * count] * (4 - len(rows))
    return replace(made, table_hz=tuple(float(values.table_hz[k]) for k in order), table=tuple(rows))


def describe(component: Component) -> str:
    """A component in words, for the log."""
    shape, flux, spectrum = component.shape, component.flux, component.spectrum
    lines = [
        f"SUMMARY OF COMPONENT {component.label}".rstrip(),
        f"Shape: {shape.kind}",
        f"Flux density: {[complex(v) for v in flux.values]} {flux.unit} +/- {[complex(v) for v in flux.errors]}",
        f"Spectral model: {spectrum.kind} at {spectrum.frequency.value:g} {spectrum.frequency.unit} {spectrum.frame}",
        f"Position: {shape.frame} {math.degrees(shape.lon_rad):.6f} deg {math.degrees(shape.lat_rad):.6f} deg",
    ]
    if shape.major is not None and shape.minor is not None and shape.angle is not None:
        sizes = (("Major axis", shape.major), ("Minor axis", shape.minor), ("Position angle", shape.angle))
        lines += [f"{name}: {amount.value:g} {amount.unit}" for name, amount in sizes]
    return "\n".join(lines)
