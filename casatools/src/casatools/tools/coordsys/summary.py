"""The text of coordsys.summary."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from casatools.frames.quantities import format_dms, format_hms
from casatools.io.image.coordinates import Coordinate, Coordinates, DirectionCoordinate, SpectralCoordinate, StokesCoordinate
from casatools.io.image.coordinates.spectral import doppler_code

__all__ = ["summary_text"]

_EQUATORIAL = ("J2000", "JMEAN", "JTRUE", "APP", "B1950", "B1950_VLA", "BMEAN", "BTRUE", "JNAT", "ICRS")


@dataclass(frozen=True)
class _Row:
    """One line of the table of axes; empty text where a column has nothing."""

    axis: str
    coordinate: str
    kind: str
    name: str
    projection: str
    value: str
    pixel: str
    increment: str
    unit: str


def summary_text(coordinates: Coordinates, doppler: str) -> str:
    """Header lines and the table of axes.

    Parameters
    ----------
    coordinates : Coordinates
    doppler : str
        Velocity definition of the velocity line.
    """
    name = doppler.strip().upper()
    doppler_code(name)  # refuses what is none
    return "\n".join([""] + _heading(coordinates, name) + [""] + _table(_rows(coordinates, name)))


def _heading(coordinates: Coordinates, doppler: str) -> list[str]:
    out = []
    direction, spectral, observation = coordinates.direction, coordinates.spectral, coordinates.observation
    if direction is not None:
        out.append(f"Direction reference : {_with_conversion(direction.frame, direction.conversion_frame)}")
    if spectral is not None:
        out.append(f"Spectral  reference : {_with_conversion(spectral.frame, spectral.conversion_frame)}")
        out.append(f"Velocity  type      : {doppler}")
        others = [f"{value:g}" for k, value in enumerate(spectral.rest_frequencies) if k != spectral.rest_index]
        rests = f"{spectral.rest_frequency_hz / spectral.hz:g}" + (f" [{', '.join(others)}]" if others else "")
        out.append(f"Rest frequency      : {rests} {spectral.units[0]}")
    if not observation.pointing_is_initial:
        longitude, latitude = observation.pointing_rad
        out.append(f"Pointing center     :  {format_hms(longitude, 6)}  {format_dms(latitude, 6)}")
    out.append(f"Telescope           : {observation.telescope}")
    out.append(f"Observer            : {observation.observer}")
    out.append(f"Date observation    : {observation.date_text}")
    if observation.position is not None:
        longitude, latitude, radius = (float(np.ravel(observation.position[k]["value"])[0]) for k in ("m0", "m1", "m2"))
        place = [math.cos(latitude) * math.cos(longitude), math.cos(latitude) * math.sin(longitude), math.sin(latitude)]
        out.append(
            f"Telescope position: [{', '.join(f'{radius * v:g}m' for v in place)}] ({observation.position.get('refer', 'ITRF')})"
        )
    return out


def _with_conversion(frame: str, conversion: str) -> str:
    return frame if not conversion or conversion == frame else f"{frame} (-> {conversion})"


def _rows(coordinates: Coordinates, doppler: str) -> list[_Row]:
    out = []
    for axis in range(coordinates.n_world_axes):
        index, row = coordinates.member_of_world_axis(axis)
        member = coordinates.members[index]
        pixel = "" if coordinates.pixel_axes[index][row] < 0 else f"{float(member.reference_pixel[row]):.2f}"
        out.append(_axis_row(member, row, axis, index, pixel))
        if isinstance(member, SpectralCoordinate) and member.rest_frequency_hz > 0:
            out.append(_velocity_row(member, pixel, doppler))
    return out


def _axis_row(member: Coordinate, row: int, axis: int, index: int, pixel: str) -> _Row:
    value, increment, unit = float(member.reference_value[row]), float(member.increment[row]), member.units[row]
    name, projection = member.names[row], ""
    if isinstance(member, StokesCoordinate):
        return _Row(str(axis), str(index), member.kind, name, "", " ".join(member.labels), "", "", "")
    text = f"{value:g}"
    if isinstance(member, DirectionCoordinate):
        projection = member.projection
        angle = member.reference_rad[row]
        if member.frame in _EQUATORIAL:
            text = format_hms(angle, 3) if row == 0 else format_dms(angle, 3)
        else:
            text = f"{math.degrees(angle) % 360.0 if row == 0 else math.degrees(angle):.3f}"
        increment, unit = math.degrees(member.increment_rad[row]) * 3600.0, "arcsec"
    elif isinstance(member, SpectralCoordinate) and member.axis.tabulated:
        name = f"{name} (tab)"
    return _Row(str(axis), str(index), member.kind, name, projection, text, pixel, f"{increment:.6e}", unit)


def _velocity_row(member: SpectralCoordinate, pixel: str, doppler: str) -> _Row:
    pixels = float(member.reference_pixel[0]) + np.array([[0.0, -0.5, 0.5]])
    here, before, after = member.velocity(member.to_world(pixels)[0] * member.hz, doppler, "km/s")
    return _Row("", "", "", "Velocity", "", f"{here:g}", pixel, f"{after - before:.6e}", "km/s")


def _table(rows: list[_Row]) -> list[str]:
    kind = max([4, *(len(r.kind) for r in rows)])
    name = max([4, *(len(r.name) for r in rows)])
    value = max([11, *(len(r.value) for r in rows)])
    increment = max([10, *(len(r.increment) for r in rows)])
    header = (
        f"Axis Coord {'Type':<{kind}} {'Name':<{name}}  Proj {'Coord value':>{value}} at pixel {'Coord incr':>{increment}} Units"
    )
    unit = max([5, *(len(r.unit) for r in rows)])
    out = [header, "-" * (len(header) - 6 + unit) + " "]
    for r in rows:
        line = (
            f"{r.axis:<4} {r.coordinate:<5} {r.kind:<{kind}} {r.name:<{name}}  {r.projection:>4} {r.value:>{value}} {r.pixel:>8} "
            f"{r.increment:>{increment}} {r.unit}"
        )
        out.append(line.rstrip())
    return out
