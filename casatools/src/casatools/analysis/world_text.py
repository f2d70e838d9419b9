"""World positions as CASA prints them: ``12:00:00.308, +30.00.04.000, I, 1.42e+09Hz``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from casatools.frames import image_frames
from casatools.frames.quantities import format_dms, format_hms
from casatools.io.image.coordinates.direction import default_axis_names
from casatools.io.image.coordinates.system import Coordinates

__all__ = ["axis_texts", "world_text"]


def world_text(coordinates: Coordinates, pixel: Sequence[float]) -> str:
    """The world position of a pixel (CASA axis order) as text, in the frames that the image was asked to be given in; axes as CASA formats them."""
    world = image_frames.to_world(coordinates, np.asarray(pixel, dtype=np.float64))
    units = coordinates.units
    parts = []
    for axis in range(coordinates.n_world_axes):
        member, place = coordinates.member_of_world_axis(axis)
        found: Any = coordinates.members[member]
        value = float(world[axis])
        if found.kind == "Direction":
            to_rad = float(found._to_rad[place])
            asked = found.conversion_frame or found.frame
            name = found.names[0] if asked == found.frame else default_axis_names(asked)[0]
            equatorial = name in ("Right Ascension", "Hour Angle")
            degrees = np.degrees(value * to_rad)
            if not equatorial:
                parts.append(f"{degrees % 360.0 if place == 0 else degrees:.6f}deg")
            else:
                parts.append((format_hms if place == 0 else format_dms)(value * to_rad, 3))
        elif found.kind == "Stokes":
            index = round(float(np.asarray(pixel)[coordinates.world_to_pixel_axis(axis)]))
            parts.append(str(found.labels[index]))
        else:
            parts.append(f"{value:g}{units[axis]}")
    return ", ".join(parts)


def axis_texts(coordinates: Coordinates, axis: int, places: Sequence[float] | np.ndarray) -> tuple[str, list[str]]:
    """A name for a pixel axis, with the unit, and the world values of places along it, the other axes at their reference pixels.

    Spectral axes with a rest frequency are told as velocities [km/s].
    """
    points = np.tile(np.asarray(coordinates.reference_pixel, dtype=np.float64), (len(places), 1))
    points[:, axis] = places
    world = coordinates.pixel_to_world_axis(axis)
    if world is None or world < 0:
        return f"axis {axis}", [f"{v:g}" for v in places]
    member, _ = coordinates.member_of_world_axis(world)
    found: Any = coordinates.members[member]
    if found.kind == "Stokes":
        return "Stokes", [str(found.labels[int(v)]) for v in places]
    if found.kind == "Direction":
        return coordinates.names[world], [world_text(coordinates, p).split(", ")[world] for p in points]
    values = coordinates.to_world(points.T)[world] if len(places) else np.array([])
    if found.kind == "Spectral" and found.rest_frequency_hz > 0:
        return "Velocity [km/s]", [f"{v:.9g}" for v in np.ravel(found.velocity(values * float(found.hz), "RADIO", "km/s"))]
    return f"{coordinates.names[world]} [{coordinates.units[world]}]", [f"{v:.9g}" for v in np.ravel(values)]
