"""World positions as CASA prints them: ``12:00:00.308, +30.00.04.000, I, 1.42e+09Hz``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from casatools.frames.quantities import format_dms, format_hms
from casatools.io.image.coordinates.system import Coordinates

__all__ = ["world_text"]


def world_text(coordinates: Coordinates, pixel: Sequence[float]) -> str:
    """The world position of a pixel (CASA axis order) as text; axes as CASA formats them."""
    world = coordinates.to_world(np.asarray(pixel, dtype=np.float64))
    units = coordinates.units
    parts = []
    for axis in range(coordinates.n_world_axes):
        member, place = coordinates.member_of_world_axis(axis)
        found: Any = coordinates.members[member]
        value = float(world[axis])
        if found.kind == "Direction":
            to_rad = float(found._to_rad[place])
            equatorial = found.names[0] in ("Right Ascension", "Hour Angle")
            if place == 0:
                parts.append(format_hms(value * to_rad, 3) if equatorial else f"{np.degrees(value * to_rad):+.6f}deg")
            else:
                parts.append(format_dms(value * to_rad, 3) if equatorial else f"{np.degrees(value * to_rad):+.6f}deg")
        elif found.kind == "Stokes":
            index = round(float(np.asarray(pixel)[coordinates.world_to_pixel_axis(axis)]))
            parts.append(str(found.labels[index]))
        else:
            parts.append(f"{value:g}{units[axis]}")
    return ", ".join(parts)
