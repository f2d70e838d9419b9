"""World values of images in other reference frames than the image's own.

A coordinate system may ask that its world directions or frequencies be given in another frame (its conversion frames). `to_world`
and `to_pixel` here are `Coordinates.to_world` and `to_pixel` with that done.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from casatools._base.errors import ParameterError
from casatools.frames.engine import make_engine
from casatools.io.image.coordinates import DIRECTION_FRAMES, Coordinates, DirectionCoordinate, ObservationInfo, SpectralCoordinate
from casatools.io.image.coordinates.sines import sines_and_cosines

__all__ = [
    "as_asked", "conversion_record", "convert_directions", "frequency_factor", "image_frame_measures", "layer_factor", "needs_time_or_place", "pixel_of", "to_pixel", "to_world", "world_of",
]  # fmt: skip

# Directions in these frames depend on nothing but the direction.
_FIXED = frozenset({"J2000", "B1950", "B1950_VLA", "GALACTIC", "SUPERGAL", "ICRS", "ECLIPTIC"})
# Of these, the ones that differ by a rotation of the sphere only.
_ROTATED = frozenset({"J2000", "GALACTIC", "SUPERGAL", "ICRS", "ECLIPTIC"})
# Frames whose catalogues hold the elliptic terms of aberration.
_ABERRATED = frozenset({"B1950", "B1950_VLA"})
# So many directions are converted by the measures, one by one.
_FEW = 16
# Factors of the conversion records met last, as text: points that come one by one ask for the same again and again.
_factors: dict[str, float] = {}
_MOST_FACTORS = 100
Measure = Mapping[str, Any]


def needs_time_or_place(frame: str) -> bool:
    """True for a direction frame that an epoch or a position is needed for."""
    return frame not in _FIXED


def convert_directions(
    longitude: np.ndarray, latitude: np.ndarray, source: str, target: str, frame: tuple[Measure, ...] = ()
) -> tuple[np.ndarray, np.ndarray]:
    """Convert directions from one frame to another.

    Parameters
    ----------
    longitude, latitude : ndarray (point,) float64 [rad]
    source, target : str
        CASA's direction codes.
    frame : tuple of measure records
        Epoch and position, where the conversion needs them.

    Returns
    -------
    longitude, latitude : ndarray (point,) float64 [rad]

    Raises
    ------
    ParameterError
        The conversion is not possible with what is given.
    """
    for name in (source, target):
        if name not in DIRECTION_FRAMES:
            raise ParameterError(f"directions cannot be converted from {source} to {target}: there is no frame {name!r}")
    if source == target:
        return longitude, latitude
    many = _of_many(source, target, np.size(longitude))
    if many is not None:
        return many(longitude, latitude)
    return _measured(longitude, latitude, source, target, frame)


def _measured(
    longitude: np.ndarray | float, latitude: np.ndarray | float, source: str, target: str, frame: tuple[Measure, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Directions converted by the measures."""
    engine = make_engine()
    for measure in frame:
        engine.doframe(dict(measure))
    record = {
        "type": "direction",
        "refer": source,
        "m0": {"value": longitude if isinstance(longitude, float) else np.ascontiguousarray(longitude), "unit": "rad"},
        "m1": {"value": latitude if isinstance(latitude, float) else np.ascontiguousarray(latitude), "unit": "rad"},
    }
    try:
        out = engine.measure(record, target)
    except RuntimeError as error:
        raise ParameterError(f"directions cannot be converted from {source} to {target}: {error}") from None
    first, second = (np.asarray(out[key]["value"], dtype=np.float64).reshape(np.shape(longitude)) for key in ("m0", "m1"))
    return first, second


def _of_many(source: str, target: str, npoint: int) -> Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]] | None:
    """The function that converts many directions at once; None for few, which are left to the measures and so agree with the reference to the last digit."""
    if npoint <= _FEW:
        return None
    if {source, target} <= _ROTATED:
        return functools.partial(_rotate, matrix=_rotation(source, target))
    if "J2000" in (source, target) and {source, target} & _ABERRATED:
        return functools.partial(_aberrated, source=source, target=target)
    return None


@functools.cache
def _rotation(source: str, target: str) -> np.ndarray:
    """The matrix that takes directions of one frame to another; that of the way back is its transpose.

    The measures turn the axes to about 1e-10 only, so the nearest rotation to what they give is taken: there and back is exact then.
    """
    if source > target:
        return _rotation(target, source).T
    axes = _measured(np.array([0.0, np.pi / 2, 0.0]), np.array([0.0, 0.0, np.pi / 2]), source, target, ())
    left, _, right = np.linalg.svd(_vectors(*axes))
    return np.asarray(left @ right)


@functools.cache
def _aberration(frame: str) -> tuple[np.ndarray, np.ndarray]:
    """Matrix and vector with which the measures take a direction of B1950 to one of J2000, along ``matrix @ direction + vector``.

    That is the form of removing the elliptic terms of aberration (Standish 1982, A&A 115, 20; Explanatory Supplement to the Astronomical Almanac 1992,
    section 3.59): both are solved for from a few directions, to the last digits.
    """
    random = np.random.default_rng(1)
    longitude, latitude = random.uniform(0, 2 * np.pi, 40), np.arcsin(random.uniform(-1, 1, 40))
    x, y, z = _vectors(*_measured(longitude, latitude, frame, "J2000", ()))
    known, none = np.vstack([_vectors(longitude, latitude), np.ones(40)]).T, np.zeros((40, 4))
    rows = [(none, -z, y), (z, none, -x), (-y, x, none)]  # the cross product with what was measured vanishes
    system = np.vstack([np.hstack([known * np.reshape(c, (-1, 1)) if c is not none else none for c in row]) for row in rows])
    solution = np.linalg.svd(system)[2][-1].reshape(3, 4)
    solution /= np.cbrt(np.linalg.det(solution[:, :3]))  # the sign, and the size of a rotation
    return solution[:, :3], solution[:, 3]


def _aberrated(longitude: np.ndarray, latitude: np.ndarray, source: str, target: str) -> tuple[np.ndarray, np.ndarray]:
    """Directions of B1950 and J2000 in each other, the two ways exact inverses."""
    given = _vectors(longitude, latitude).reshape(3, -1)
    if target == "J2000":
        matrix, vector = _aberration(source)
        x, y, z = matrix @ given + vector[:, None]
    else:
        matrix, vector = _aberration(target)
        back = np.linalg.inv(matrix)
        straight, shift = back @ given, (back @ vector)[:, None]
        # the length along the direction for which the result, straight * length - shift, is a unit vector
        square, mixed, rest = (straight**2).sum(axis=0), (straight * shift).sum(axis=0), float((shift**2).sum()) - 1.0
        x, y, z = straight * ((mixed + np.sqrt(mixed**2 - square * rest)) / square) - shift
    shape = np.shape(longitude)
    return np.arctan2(y, x).reshape(shape), np.arctan2(z, np.hypot(x, y)).reshape(shape)


# From so many directions on a compiled loop saves more than it takes to load.
_MANY = 20000


def _rotate(longitude: np.ndarray, latitude: np.ndarray, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if longitude.ndim == 1 and longitude.size >= _MANY:
        from casatools.kernels.sphere_turns import rotated_directions

        around, above = np.empty(longitude.shape), np.empty(longitude.shape)
        rotated_directions(
            np.ascontiguousarray(longitude), np.ascontiguousarray(latitude), np.ascontiguousarray(matrix), around, above
        )
        return around, above
    x, y, z = (matrix @ _vectors(longitude, latitude).reshape(3, -1)).reshape(3, *np.shape(longitude))
    return np.arctan2(y, x), np.arctan2(z, np.sqrt(x * x + y * y))


def _vectors(longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    across, cosine = sines_and_cosines(longitude)
    up, along = sines_and_cosines(latitude)
    return np.stack([along * cosine, along * across, up])


def frequency_factor(source: str, target: str, frame: tuple[Measure, ...]) -> float:
    """The factor that turns frequencies of one frame into those of another.

    Parameters
    ----------
    source, target : str
        CASA's frequency codes.
    frame : tuple of measure records
        Direction, and epoch and position where needed.

    Raises
    ------
    ParameterError
        The conversion is not possible with what is given.
    """
    if source == target:
        return 1.0
    if "Undefined" in (source, target) or "REST" in (source, target):
        raise ParameterError(f"frequencies cannot be converted from {source} to {target} without the source's own velocity")
    engine = make_engine()
    for measure in frame:
        engine.doframe(dict(measure))
    record = {"type": "frequency", "refer": source, "m0": {"value": 1.0e9, "unit": "Hz"}}
    try:
        out = engine.measure(record, target)
    except RuntimeError as error:
        raise ParameterError(f"frequencies cannot be converted from {source} to {target}: {error}") from None
    return float(np.ravel(out["m0"]["value"])[0]) / 1.0e9


def image_frame_measures(observation: ObservationInfo, direction: DirectionCoordinate | None) -> tuple[Measure, ...]:
    """Epoch, position and reference direction of an image, as far as it has them."""
    out: list[Measure] = [observation.date]
    if observation.position is not None:
        out.append(observation.position)
    if direction is not None:
        longitude, latitude = direction.reference_rad
        out.append(_direction_measure(longitude, latitude, direction.frame))
    return tuple(out)


def _direction_measure(longitude: float, latitude: float, frame: str) -> Measure:
    angles = {"m0": {"value": longitude, "unit": "rad"}, "m1": {"value": latitude, "unit": "rad"}}
    return {"type": "direction", "refer": frame, **angles}


def conversion_record(coordinates: Coordinates, frame: str) -> dict[str, Any]:
    """The conversion record of the spectral coordinate for another frame, with the image's epoch, position and direction.

    Raises
    ------
    ParameterError
        The image has no direction or no telescope position to convert with.
    """
    direction, observation = coordinates.direction, coordinates.observation
    if direction is None or observation.position is None:
        raise ParameterError(f"frequencies cannot be given in {frame}: the image has no direction axes or no known telescope")
    # the direction that CASA takes: the point the image's own pixel grid refers to
    longitude, latitude = direction.reference_rad
    where = _direction_measure(longitude, latitude, direction.frame)
    return {"direction": dict(where), "position": observation.position, "epoch": observation.date, "system": frame}


def layer_factor(member: SpectralCoordinate) -> float:
    """The factor that turns native frequencies of an axis into those of its conversion frame; 1 where it has none."""
    record = member.conversion
    target = member.conversion_frame
    if not record or target == member.frame:
        return 1.0
    key = f"{member.frame} {target} {record}"
    if key not in _factors:
        found = frequency_factor(member.frame, target, (record["epoch"], record["position"], record["direction"]))
        if len(_factors) >= _MOST_FACTORS:
            _factors.clear()
        _factors[key] = found
    return _factors[key]


def as_asked(coordinates: Coordinates) -> Coordinates:
    """Coordinates whose own frequencies are those of the conversion frame, for what knows of one frame only, such as FITS."""
    index, spectral = coordinates.find("Spectral"), coordinates.spectral
    if index is None or spectral is None or spectral.conversion_frame == spectral.frame:
        return coordinates
    factor = layer_factor(spectral)
    moved = spectral.with_reference(value=spectral.reference_value * factor, increment=spectral.increment * factor)
    made = coordinates.copy()
    made.replace(index, moved.with_frame(spectral.conversion_frame))
    return made


def _convert_rows(member: DirectionCoordinate, rows: np.ndarray, source: str, target: str) -> np.ndarray:
    scale = (np.array(member.increment_rad) / member.increment)[:, None]
    longitude, latitude = rows * scale
    return np.stack(convert_directions(longitude, latitude, source, target)) / scale


def _convert_block(
    member: DirectionCoordinate,
    flat: np.ndarray,
    axes: list[int],
    many: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]],
    begin: int,
    end: int,
) -> None:
    scale = (np.array(member.increment_rad) / member.increment).tolist()
    longitude, latitude = (flat[axis, begin:end] * factor for axis, factor in zip(axes, scale, strict=True))
    for axis, factor, values in zip(axes, scale, many(longitude, latitude), strict=True):
        flat[axis, begin:end] = values / factor


def to_world(coordinates: Coordinates, pixels: Any) -> np.ndarray:
    """World values of 0-based pixels in the conversion frames; arguments as for `Coordinates.to_world`."""
    world = coordinates.to_world(pixels)
    return _layered(coordinates, world, inverse=False)


def to_pixel(coordinates: Coordinates, world: Any) -> np.ndarray:
    """0-based pixels of world values that are given in the conversion frames; arguments as for `Coordinates.to_pixel`."""
    if not coordinates.points().layered:
        return coordinates.to_pixel(world)
    native = _layered(coordinates, np.array(world, dtype=np.float64), inverse=True)
    return coordinates.to_pixel(native)


def world_of(coordinates: Coordinates, pixel: Sequence[float]) -> list[float]:
    """What `to_world` gives for one pixel, in plain numbers."""
    points = coordinates.points()
    world = points.world(pixel)
    return _layered_point(coordinates, world, inverse=False) if points.layered else world


def pixel_of(coordinates: Coordinates, world: Sequence[float]) -> list[float]:
    """What `to_pixel` gives for one point, in plain numbers."""
    points = coordinates.points()
    return points.pixel(_layered_point(coordinates, list(world), inverse=True) if points.layered else world)


def _layered_point(coordinates: Coordinates, world: list[float], inverse: bool) -> list[float]:
    """What `_layered` does, for one point in plain numbers."""
    for member, axes in zip(coordinates.members, coordinates.world_axes, strict=True):
        if isinstance(member, DirectionCoordinate):
            target = member.conversion_frame or member.frame
            if target != member.frame and min(axes) >= 0:
                source, wanted = (target, member.frame) if inverse else (member.frame, target)
                x, y = member.unit_rad
                turned = _measured(world[axes[0]] * x, world[axes[1]] * y, source, wanted, ())
                world[axes[0]], world[axes[1]] = float(turned[0]) / x, float(turned[1]) / y
        elif isinstance(member, SpectralCoordinate) and axes[0] >= 0:
            factor = layer_factor(member)
            world[axes[0]] *= 1.0 / factor if inverse else factor
    return world


def _layered(coordinates: Coordinates, world: np.ndarray, inverse: bool) -> np.ndarray:
    """World values taken to the conversion frames in place, or back from them."""
    flat = world if world.ndim == 2 else world[:, None]
    for index, member in enumerate(coordinates.members):
        axes = coordinates.world_axes[index]
        if isinstance(member, DirectionCoordinate):
            target = member.conversion_frame or member.frame
            if target != member.frame and min(axes) >= 0:
                source, wanted = (target, member.frame) if inverse else (member.frame, target)
                many = _of_many(source, wanted, flat.shape[1])
                if many is not None:
                    coordinates.in_blocks(functools.partial(_convert_block, member, flat, axes, many), flat.shape[1])
                else:
                    flat[axes] = _convert_rows(member, flat[axes], source, wanted)
        elif isinstance(member, SpectralCoordinate) and axes[0] >= 0:
            factor = layer_factor(member)
            if factor != 1.0:
                flat[axes[0]] *= 1.0 / factor if inverse else factor
    return world
