"""Where the pixels of a new image lie in the old one: on the sky and along other axes.

Notes
-----
The values of a pixel are interpolated at its exact place. A place on the very edge of the old image (within a millionth of a pixel) is taken
or left as CASA takes or leaves it, whose places are wcslib's, linearly interpolated between those of every few pixels (`decimate`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from casatools._base.errors import DataError
from casatools.frames.image_frames import convert_directions, frequency_factor, image_frame_measures, needs_time_or_place
from casatools.io.image import CasaImage
from casatools.io.image.coordinates import Coordinates, DirectionCoordinate, SpectralCoordinate
from casatools.io.image.coordinates.units import unit_scale

__all__ = ["FRAMES", "SkyPlaces", "axis_places", "axis_weights", "exact_directions", "frame_grid", "sky_places"]

# Frames that an image can be turned to by name.
FRAMES = frozenset({"J2000", "B1950", "GALACTIC", "ICRS", "ECLIPTIC", "SUPERGAL"})
# Places this close to a limit [pixel] are on it but for rounding.
_EDGE = 1e-6
# New pixels whose places are computed at once: what they take on the way is ten times the places.
_AT_ONCE = 1 << 16
# Old pixels to either side that a natural spline is made of; the weight of those farther off is below 1e-9.
_REACH = 18


@dataclass(frozen=True)
class SkyPlaces:
    """Places of the pixels of a new plane in the old one.

    Attributes
    ----------
    x, y : ndarray (ny, nx) float64 [pixel]
        0 where not on the sky.
    inside : ndarray (ny, nx) bool
        Places that the method can give a value for.
    """

    x: np.ndarray
    y: np.ndarray
    inside: np.ndarray


def sky_places(
    own: Coordinates, wanted: Coordinates, shape: Sequence[int], old: tuple[int, int], method: str, decimate: int, convert: bool
) -> SkyPlaces:
    """Places of new pixels in an old plane.

    Parameters
    ----------
    own, wanted : Coordinates
        Of the old and of the new image, their sky axes in the same place.
    shape : sequence of int
        Of the new image, CASA order.
    old : (int, int)
        Pixels of the old plane in x and y.
    method : {"nearest", "linear", "cubic"}
    decimate : int
    convert : bool
        Directions are converted between frames; else their numbers are taken as they are.
    """
    source, target = own.direction, wanted.direction
    assert source is not None and target is not None
    nx, ny = (int(shape[a]) for a in own.direction_axes)
    same = source.frame == target.frame or not convert
    frame: tuple[Any, ...] = ()
    if not same and (needs_time_or_place(source.frame) or needs_time_or_place(target.frame)):
        frame = image_frame_measures(own.observation, None)
    places, on_sky = np.empty((2, ny, nx)), np.empty((ny, nx), dtype=bool)
    step = max(1, _AT_ONCE // nx)
    for first in range(0, ny, step):
        rows = slice(first, min(first + step, ny))
        x, y = np.meshgrid(np.arange(nx, dtype=np.float64), np.arange(rows.start, rows.stop, dtype=np.float64))
        world = target.to_world(np.array([x.ravel(), y.ravel()])) * target._to_rad[:, None]
        good = np.all(np.isfinite(world), axis=0)
        if not same:
            world[:, good] = exact_directions(world[0][good], world[1][good], target.frame, source.frame, frame)
        pixels = np.full(world.shape, np.nan)
        pixels[:, good] = source.to_pixel(world[:, good] / source._to_rad[:, None])
        good &= np.all(np.isfinite(pixels), axis=0)
        places[:, rows] = np.where(good, pixels, 0.0).reshape(2, -1, nx)
        on_sky[rows] = good.reshape(-1, nx)
    deciding = places
    low, high = (-0.5, -0.5) if method == "nearest" else (-1.0, 0.0)
    if same and any(
        bool(np.any(on_sky & (abs(v - edge) < _EDGE))) for v, n in zip(places, old, strict=True) for edge in (low, n + high)
    ):
        rounded = _decimated(source, target, nx, ny, decimate)
        deciding = np.where(np.abs(rounded - places) < _EDGE, rounded, places)
    inside = on_sky.copy()
    for v, n in zip(deciding, old, strict=True):
        inside &= (v > low) & (v < n + high)
    if method == "nearest":  # what is inside rounds to a pixel
        for k, n in enumerate(old):
            places[k] = np.clip(places[k], 0.0, n - 1.0)
    return SkyPlaces(places[0], places[1], inside)


def exact_directions(
    longitude: np.ndarray, latitude: np.ndarray, source: str, target: str, frame: tuple[Any, ...] = ()
) -> np.ndarray:
    """Directions [rad] (2, point) of one frame in another; between J2000, ICRS and GALACTIC by the IAU's matrices as ERFA has them.

    CASA's own galactic frame is half an arcsecond off (it goes through B1950 without the terms of elliptic aberration).
    """
    if source == target or not {source, target} <= {"J2000", "ICRS", "GALACTIC"}:
        return np.array(convert_directions(longitude, latitude, source, target, frame))
    import erfa

    bias = erfa.bp06(2451545.0, 0.0)[0]  # ICRS to the mean equator and equinox of J2000
    corners = erfa.g2icrs(np.array([0.0, np.pi / 2, 0.0]), np.array([0.0, 0.0, np.pi / 2]))
    to_icrs = {"ICRS": np.eye(3), "J2000": bias.T, "GALACTIC": np.array(erfa.s2c(*corners)).T}
    matrix = to_icrs[target].T @ to_icrs[source]
    x, y, z = matrix @ np.array(erfa.s2c(longitude, latitude)).T
    return np.array([np.arctan2(y, x), np.arctan2(z, np.hypot(x, y))])


def frame_grid(image: CasaImage, frame: str) -> tuple[Coordinates, list[int]]:
    """Coordinates in another frame about the middle of an image, north up, and the shape (CASA order) that holds the whole image.

    Raises
    ------
    DataError
        The image has no sky axes.
    """
    own = image.coordinates
    direction, axes = own.direction, own.direction_axes
    if direction is None or len(axes) != 2:
        raise DataError(f"image {image.path!r} has no sky axes to be put into {frame}")
    shape = list(image.shape[::-1])
    last = np.array([shape[a] - 1.0 for a in axes])
    measures = image_frame_measures(own.observation, None)

    def moved(pixels: np.ndarray) -> np.ndarray:
        world = direction.to_world(pixels) * direction._to_rad[:, None]
        return exact_directions(world[0], world[1], direction.frame, frame, measures)

    middle = moved((last / 2.0)[:, None])[:, 0]
    made = DirectionCoordinate.make(
        frame, direction.projection, middle.tolist(), (0.0, 0.0), direction.increment_rad, ("rad", "rad"), direction.parameters
    ).with_units(direction.units)
    edge = np.linspace(0.0, 1.0, 33)
    outline = (
        np.concatenate([[edge, 0 * edge], [edge, 0 * edge + 1], [0 * edge, edge], [0 * edge + 1, edge]], axis=1) * last[:, None]
    )
    reached = made.to_pixel(moved(outline) / made._to_rad[:, None])
    reached = reached[:, np.all(np.isfinite(reached), axis=0)]
    low, high = np.floor(reached.min(axis=1) + _EDGE), np.ceil(reached.max(axis=1) - _EDGE)
    for axis, n in zip(axes, (high - low + 1).astype(int).tolist(), strict=True):
        shape[axis] = n
    target = own.copy()
    found = own.find("Direction")
    assert found is not None
    target.replace(found, made.with_reference(pixel=-low))
    return target, shape


def _nodes(count: int, decimate: int) -> tuple[np.ndarray, int]:
    """The pixels whose places are computed, and their step; found from CASA's results."""
    number = count // decimate if decimate > 1 else count
    if number < 3 or decimate < 2:
        return np.arange(count, dtype=np.float64), 1
    step = count // (number - 1)
    return np.arange(0, count, step, dtype=np.float64), step


def _decimated(source: DirectionCoordinate, target: DirectionCoordinate, nx: int, ny: int, decimate: int) -> np.ndarray:
    """Places (2, ny, nx) as wcslib and linear interpolation between every few pixels give them, to the last digit."""
    (x, x_step), (y, y_step) = _nodes(nx, decimate), _nodes(ny, decimate)
    grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    world = target.wcslib().p2s(grid, 1)["world"]
    at = source.wcslib().s2p(world, 1)["pixcrd"].T.reshape(2, len(y), len(x))
    if len(x) < 2 or len(y) < 2 or (x_step == 1 and y_step == 1):
        return np.asarray(at)
    place_x, place_y = np.arange(nx) / x_step, np.arange(ny)[:, None] / y_step
    i, j = np.minimum(place_x.astype(int), len(x) - 2), np.minimum(place_y.astype(int), len(y) - 2)
    t, u = place_x - i, place_y - j
    return np.asarray(
        (1 - t) * (1 - u) * at[:, j, i]
        + t * (1 - u) * at[:, j, i + 1]
        + t * u * at[:, j + 1, i + 1]
        + (1 - t) * u * at[:, j + 1, i]
    )


def axis_places(own: Coordinates, wanted: Coordinates, axis: int, count: int, as_velocity: bool, convert: bool) -> np.ndarray:
    """The old pixel (fractional) of each of `count` new ones along an axis that is not of the sky; NaN where there is none.

    Raises
    ------
    ParameterError
        The frames or units differ and cannot be converted.
    """
    index, row = own.member_of_pixel_axis(axis)
    source, target = own.members[index], wanted.members[index]
    pixels = np.repeat(target.reference_pixel[:, None], count, axis=1)
    pixels[row] = np.arange(count, dtype=np.float64)
    world = np.array(target.to_world(pixels), dtype=np.float64)
    if isinstance(source, SpectralCoordinate) and isinstance(target, SpectralCoordinate):
        world *= float(target.hz)
        rest, other = float(target.rest_frequency_hz), float(source.rest_frequency_hz)
        if as_velocity and rest > 0 and other > 0:
            world = world / rest * other
        if convert and source.frame != target.frame:
            world = world * frequency_factor(target.frame, source.frame, image_frame_measures(own.observation, own.direction))
        world /= float(source.hz)
    elif source.units[row] != target.units[row]:
        world[row] *= unit_scale(target.units[row], source.units[row])
    return np.asarray(source.to_pixel(world)[row])


def axis_weights(place: float, count: int, method: str) -> dict[int, float] | None:
    """Old pixels of an axis and weights that make the value at a place; the first two lie beside it. None outside of the axis.

    Parameters
    ----------
    place : float
        Pixel, fractional.
    count : int
        Old pixels.
    method : {"nearest", "linear", "cubic"}
        Cubic is the natural spline through all pixels.
    """
    if not -_EDGE <= place <= count - 1 + _EDGE:
        return None
    place = min(max(place, 0.0), count - 1.0)
    low = min(int(place + _EDGE), count - 1)
    part = place - low
    if method == "nearest" or part < _EDGE or count < 2:
        return {min(int(np.floor(place + 0.5)), count - 1): 1.0}
    if method == "linear" or count < 3:
        return {low: 1.0 - part, low + 1: part}
    from scipy.interpolate import CubicSpline

    first, last = max(0, low - _REACH), min(count, low + _REACH + 2)
    weights = CubicSpline(np.arange(first, last), np.eye(last - first), bc_type="natural")(place)
    found = {low: 0.0, low + 1: 0.0}
    found.update({first + k: float(w) for k, w in enumerate(weights) if abs(w) > 1e-9})
    return found
