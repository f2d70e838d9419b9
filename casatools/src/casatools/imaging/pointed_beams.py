"""Primary beams on the pixels of an image, about the direction that the antennas pointed at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from casatools.frames.directions import Direction, convert_direction
from casatools.imaging.antenna_beams import antenna_beams, responses_table
from casatools.imaging.primary_beam import radius_plane
from casatools.imaging.visibilities import DataSource
from casatools.io.image.coordinates.system import Coordinates
from casatools.io.image.coordinates.units import unit_factor

__all__ = ["beam_planes", "iter_beams"]


def beam_planes(
    source: DataSource,
    coordinates: Coordinates,
    shape: tuple[int, int],
    freq_hz: Sequence[float] | np.ndarray,
    patterns: str = "",
    pointed: Direction | None = None,
    angle_rad: float | None = None,
    squint: bool = False,
) -> np.ndarray:
    """The primary beam of the fields of a data source.

    Parameters
    ----------
    source : DataSource
    coordinates : Coordinates
        Of the image, with a direction.
    shape : (int, int)
        Pixels in y and x.
    freq_hz : sequence of float
    patterns : str
        Table of voltage patterns.
    pointed : Direction, optional
        Where the antennas point, in the place of where the fields were pointed at.
    angle_rad : float, optional
        Parallactic angle, in the place of that of the data.
    squint : bool
        The mean of the beams of both hands where they point to different places: that of Stokes I. Of the first field alone, as with the two above.

    Returns
    -------
    ndarray (chan, y, x) float32
        1 where the antennas pointed; 0 everywhere when the image is on the other half of the sky.

    Notes
    -----
    Of several fields it is the sum of their beams, divided by its peak in the image where that is above 1, as in CASA.
    """
    planes = np.zeros((len(freq_hz), *shape), dtype=np.float32)
    if pointed is not None or angle_rad is not None or squint:
        made = _field_beams(source, int(source.field_ids[0]), coordinates, shape, freq_hz, patterns, pointed, angle_rad, squint)
    else:
        made = iter_beams([source], coordinates, shape, freq_hz, patterns)
    for chan, plane in enumerate(made):
        planes[chan] = plane
    return planes


def iter_beams(
    sources: Sequence[DataSource],
    coordinates: Coordinates,
    shape: tuple[int, int],
    freq_hz: Sequence[float] | np.ndarray,
    patterns: str = "",
) -> Iterator[np.ndarray]:
    """As `beam_planes`, a plane (y, x) after the other, of the fields of all sources."""
    fields = [(source, int(number)) for source in sources for number in source.field_ids]
    if len(fields) == 1:
        yield from _field_beams(*fields[0], coordinates, shape, freq_hz, patterns)
        return
    for hz in freq_hz:
        total = np.zeros(shape, np.float32)
        for source, number in fields:
            total += next(_field_beams(source, number, coordinates, shape, [float(hz)], patterns))
        yield total / np.float32(max(1.0, float(total.max())))


def _field_beams(
    source: DataSource,
    field_id: int,
    coordinates: Coordinates,
    shape: tuple[int, int],
    freq_hz: Sequence[float] | np.ndarray,
    patterns: str,
    pointed: Direction | None = None,
    angle_rad: float | None = None,
    squint: bool = False,
) -> Iterator[np.ndarray]:
    """The beam of one field, a plane after the other."""
    diameter = source.beam_dish_m or float(
        np.median([a.diameter_m for a in source.ms.metadata.antennas if a.diameter_m > 0] or [25.0])
    )
    pointed = pointed if pointed is not None else source.field_direction(field_id)
    direction = coordinates.direction
    assert direction is not None
    there = convert_direction(pointed, direction.frame, float(source.times_s[0]), source.position_m)
    world = np.array([[there.lon_rad], [there.lat_rad]]) / np.array([unit_factor(u)[0] for u in direction.units])[:, None]
    x0, y0 = (float(v) for v in direction.to_pixel(world)[:, 0])
    if not np.isfinite(x0 + y0):
        yield from (np.zeros(shape, np.float32) for _ in freq_hz)
        return
    middle = float(source.times_s[len(source.times_s) // 2])
    place = source.sky_place(pointed, middle) if responses_table(source.beam_telescope, patterns) else None
    beams = antenna_beams(source.beam_telescope, patterns, place=place)
    hands = antenna_beams(source.beam_telescope, patterns, True, place) if squint else beams
    image = beams.image()
    if image is None and not hands.is_squinted:
        radius = radius_plane(coordinates, shape, (x0, y0))
        for hz in freq_hz:
            yield beams.single(diameter, radius, float(hz))
        return
    angles = [(1, angle_rad)] if angle_rad is not None else _angles(source, pointed, direction.frame, middle)
    dx, dy = direction.increment_rad
    if image is not None:
        east, north = (np.arange(shape[1]) - x0) * dx, (np.arange(shape[0]) - y0) * dy
        yield from (_of_pairs([(n, image.values(east, north, float(hz), angle)) for n, angle in angles]) for hz in freq_hz)
        return
    for hz in freq_hz:
        found = np.zeros(shape)
        for hand in ("R", "L"):
            parts = []
            for count, angle in angles:
                right, up = hands.squint_rad(hand, float(hz), angle)
                radius = radius_plane(coordinates, shape, (x0 + right / dx, y0 + up / dy))
                parts.append((count, beams.single(diameter, radius, float(hz))))
            found += 0.5 * _of_pairs(parts)
        yield found


def _angles(source: DataSource, pointed: Direction, frame: str, time_s: float) -> list[tuple[int, float]]:
    """How many antennas have a mount, and the angle that it turns their beams by."""
    counts = Counter(source.mounts())
    return [(n, float(source.beam_angle(pointed, frame, np.array([time_s]), mount)[0])) for mount, n in counts.items()]


def _of_pairs(parts: Sequence[tuple[int, np.ndarray]]) -> np.ndarray:
    """The mean over all pairs of antennas of the products of their voltage patterns, for power patterns of so many antennas each."""
    if len(parts) == 1:
        return parts[0][1]
    total = sum(n for n, _ in parts)
    voltage = sum(n * np.sqrt(power) for n, power in parts)
    own = sum(n * power for n, power in parts)
    return np.asarray((voltage**2 - own) / (total * (total - 1)))
