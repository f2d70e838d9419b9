"""Region records: the records that CASA's region tools give and image tables store, read as pixel sets.

References
----------
Record fields as written by CASA 6.7 (observed): ``LCSlicer`` (pixel box), ``WCBox WCPolygon WCEllipsoid`` (shapes in world coordinates or
pixels), ``WCUnion WCIntersection WCDifference WCComplement WCExtension`` (combinations). Pixels are 1-based where ``oneRel`` is set.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from casatools._base.errors import ParameterError, SelectionError
from casatools.analysis.regions.pixels import Term
from casatools.analysis.regions.shapes import Ellipse, Polygon
from casatools.frames import image_frames
from casatools.frames.quantities import to_unit
from casatools.io.image.coordinates.direction import DirectionCoordinate
from casatools.io.image.coordinates.spectral import SpectralCoordinate
from casatools.io.image.coordinates.system import Coordinates

__all__ = ["Combination", "record_region"]

# A trailing corner below this was not given.
_UNSET = -1e9
_CIRCLE, _ELLIPSE = 1, 2


@dataclass(frozen=True)
class Combination:
    """Regions combined by a set operation; stands where a `Term` can.

    Attributes
    ----------
    operation : {"union", "intersection", "difference", "complement"}
    parts : tuple of Term or Combination
    """

    operation: str
    parts: tuple[Any, ...]
    exclude: bool = False
    others: dict[int, np.ndarray] = field(default_factory=dict)

    @property
    def is_box(self) -> bool:
        """A combination is never taken to fill its bounding box, but for an intersection of boxes."""
        return self.operation == "intersection" and all(p.is_box for p in self.parts)

    def box(self, shape: Sequence[int]) -> tuple[list[int], list[int]] | None:
        """First and last pixel on each array axis; None when nothing of the image is inside."""
        if self.operation == "complement":
            return [0] * len(shape), [n - 1 for n in shape]
        boxes = [p.box(shape) for p in (self.parts[:1] if self.operation == "difference" else self.parts)]
        if self.operation == "union":
            found = [b for b in boxes if b is not None]
            if not found:
                return None
            return [min(v) for v in zip(*(b[0] for b in found), strict=True)], [
                max(v) for v in zip(*(b[1] for b in found), strict=True)
            ]
        if any(b is None for b in boxes):
            return None
        first = [max(v) for v in zip(*(b[0] for b in boxes if b is not None), strict=True)]
        last = [min(v) for v in zip(*(b[1] for b in boxes if b is not None), strict=True)]
        return None if any(a > b for a, b in zip(first, last, strict=True)) else (first, last)

    def block(self, slices: Sequence[slice]) -> np.ndarray:
        """Mask of a block, broadcastable to its shape."""
        masks = [p.block(slices) for p in self.parts]
        result = masks[0]
        for mask in masks[1:]:
            if self.operation == "union":
                result = result | mask
            elif self.operation == "intersection":
                result = result & mask
            else:
                result = result & ~mask
        return ~result if self.operation == "complement" else result


_COMBINATIONS = {
    "WCUnion": "union", "WCIntersection": "intersection", "WCDifference": "difference", "WCComplement": "complement",
    "WCExtension": "intersection", "LCUnion": "union", "LCIntersection": "intersection", "LCDifference": "difference",
    "LCComplement": "complement",
}  # fmt: skip


def record_region(record: dict[str, Any], coordinates: Coordinates, shape: Sequence[int]) -> Any:
    """Read a region record for an image.

    Parameters
    ----------
    record : dict
    coordinates : Coordinates
        Of the image that the region is used on.
    shape : sequence of int
        Its shape, array order.

    Returns
    -------
    Term or Combination

    Raises
    ------
    ParameterError, SelectionError
        The record is of no known kind, or does not fit the image.
    """
    name = str(record.get("name", ""))
    if name in _COMBINATIONS:
        inner = record.get("regions", {})
        keys = sorted((k for k in inner if k.startswith("*")), key=lambda k: int(k[1:]))
        parts = tuple(record_region(inner[k], coordinates, shape) for k in keys)
        if not parts:
            raise ParameterError(f"the region record {name} combines no regions")
        return Combination(_COMBINATIONS[name], parts)
    readers = {
        "LCSlicer": _slicer,
        "LCBox": _slicer,
        "WCBox": _world_box,
        "WCPolygon": _world_polygon,
        "WCEllipsoid": _world_ellipse,
    }
    if name not in readers:
        raise ParameterError(f"the region record is of kind {name!r}; known are {', '.join([*readers, *_COMBINATIONS])}")
    return readers[name](record, coordinates, tuple(shape))


def _offset(record: dict[str, Any]) -> float:
    return 1.0 if record.get("oneRel", False) else 0.0


def _slicer(record: dict[str, Any], coordinates: Coordinates, shape: tuple[int, ...]) -> Term:
    """A box of pixels, with steps; corners may be fractions of the axes."""
    ndim = len(shape)
    blc, trc = (np.ravel(np.asarray(record[k], dtype=np.float64)) for k in ("blc", "trc"))
    step = np.ravel(np.asarray(record.get("inc", [1.0] * len(blc)), dtype=np.float64))
    fractions = [np.ravel(record.get(k, [False] * len(blc))) for k in ("fracblc", "fractrc")]
    if len(blc) > ndim:
        raise SelectionError(f"the region has {len(blc)} axes, the image has {ndim}")
    others: dict[int, np.ndarray] = {}
    bases = [_bases(record, key, range(len(blc)), coordinates, shape) for key in ("arblc", "artrc")]
    for axis in range(len(blc)):
        n = shape[ndim - 1 - axis]
        shift = [-_offset(record) if b[axis] is None else float(b[axis] or 0.0) for b in bases]
        first = round(blc[axis] * n) if fractions[0][axis] else math.floor(float(blc[axis]) + shift[0] + 0.5)
        last = n - 1
        if axis < len(trc) and trc[axis] > _UNSET:
            last = round(trc[axis] * n) - 1 if fractions[1][axis] else math.floor(float(trc[axis]) + shift[1] + 0.5)
            last = n - 1 if last < 0 else min(last, n - 1)
        if first < 0 or first > last:
            raise SelectionError(f"the region's axis {axis} runs from pixel {first} to {last}: not on an axis of {n} pixels")
        others[ndim - 1 - axis] = np.arange(first, last + 1, max(1, round(float(step[axis]))), dtype=np.int64)
    return Term(None, others)


def _pixel_axes(record: dict[str, Any], ndim: int) -> list[int]:
    axes = [int(a) - round(_offset(record)) for a in np.ravel(record["pixelAxes"])]
    if any(not 0 <= a < ndim for a in axes):
        raise SelectionError(f"the region is on axes {axes}, the image has {ndim}")
    return axes


def _require_same_frame(record: dict[str, Any], coordinates: Coordinates, world_axis: int) -> None:
    """Refuse world values that a region holds in another frame than the image is given in: they would be taken for other places."""
    member = coordinates.members[coordinates.member_of_world_axis(world_axis)[0]]
    if not isinstance(member, DirectionCoordinate | SpectralCoordinate):
        return
    own = member.conversion_frame or member.frame
    for name, kept in record.get("coordinates", {}).items():
        if not (name.startswith(member.record_name) and isinstance(kept, dict) and "system" in kept):
            continue
        asked = kept.get("conversionSystem") or kept.get("conversion", {}).get("system") or kept["system"]
        if asked != own:
            raise SelectionError(
                f"the region's {member.record_name} values are in {asked}, the image's in {own}; make it with the coordinates of this image, or as text"
            )


def _in_pixels(
    values: Sequence[dict[str, Any]],
    axes: Sequence[int],
    coordinates: Coordinates,
    record: dict[str, Any],
    bases: Sequence[float | None],
) -> np.ndarray:
    """World or pixel values (axis,) or (axis, point) of a region, absolute or from the pixels `bases`, as 0-based pixels (axis, point).

    World values are in the frames that the image is given in. Offsets in longitude are true angles: they are divided by the cosine of the latitude.
    """
    count = max(np.size(v["value"]) for v in values)
    world_axes = [coordinates.pixel_to_world_axis(a) for a in axes]
    given = np.repeat(coordinates.reference_value[:, None], count, axis=1)
    in_pixels = []
    origin = coordinates.reference_pixel.copy()
    for axis, base in zip(axes, bases, strict=True):
        origin[axis] = origin[axis] if base is None else base
    there = image_frames.to_world(coordinates, origin[:, None])[:, 0]
    direction = coordinates.direction_axes
    stretch = 1.0
    if coordinates.direction is not None and len(direction) == 2:
        latitude = coordinates.pixel_to_world_axis(direction[1])
        stretch = 1.0 / float(np.cos(to_unit({"value": there[latitude], "unit": coordinates.units[latitude]}, "rad")))
    for value, axis, base, pixel_axis in zip(values, world_axes, bases, axes, strict=True):
        unit = str(value.get("unit", ""))
        in_pixels.append(unit in ("pix", "pixel"))
        if not in_pixels[-1]:
            _require_same_frame(record, coordinates, axis)
            own = coordinates.units[axis]
            given[axis] = np.asarray(value["value"] if unit == own or not own else to_unit(value, own), dtype=np.float64)
            if base is not None:
                along = stretch if len(direction) == 2 and pixel_axis == direction[0] else 1.0
                given[axis] = there[axis] + along * given[axis]
    found = image_frames.to_pixel(coordinates, given)
    out = np.array([found[a] for a in axes])
    for k, (value, plain) in enumerate(zip(values, in_pixels, strict=True)):
        if plain:
            base = bases[k]
            out[k] = np.asarray(value["value"], dtype=np.float64) + (-_offset(record) if base is None else base)
    if not np.all(np.isfinite(out)):
        raise SelectionError("the region is not on the image's projection")
    return out


def _numbered(record: dict[str, Any]) -> list[dict[str, Any]]:
    return [record[k] for k in sorted(record, key=lambda k: int(k[1:]))]


def _bases(
    record: dict[str, Any], key: str, axes: Sequence[int], coordinates: Coordinates, shape: tuple[int, ...]
) -> list[float | None]:
    """The pixel that each axis counts from: None for absolute positions, else the reference pixel or the centre."""
    codes = np.broadcast_to(np.ravel(np.asarray(record.get(key, 1), dtype=np.int64)), (len(axes),))
    found: list[float | None] = []
    for code, axis in zip(codes.tolist(), axes, strict=True):
        if code not in (1, 2, 3):
            raise ParameterError(
                f"the region's {key} holds {code}; known are 1 (absolute), 2 (from the reference) and 3 (from the centre)"
            )
        middle = shape[len(shape) - 1 - axis] / 2.0  # the pixel that CASA calls the centre
        found.append(None if code == 1 else float(coordinates.reference_pixel[axis]) if code == 2 else middle)
    return found


def _world_box(record: dict[str, Any], coordinates: Coordinates, shape: tuple[int, ...]) -> Term:
    ndim = len(shape)
    axes = _pixel_axes(record, ndim)
    bases = _bases(record, "absrel", axes, coordinates, shape)
    corners = [_in_pixels(_numbered(record[k]), axes, coordinates, record, bases)[:, 0] for k in ("blc", "trc")]
    others = {}
    for k, axis in enumerate(axes):
        low, high = sorted((float(corners[0][k]), float(corners[1][k])))
        n = shape[ndim - 1 - axis]
        # Corners stand for the pixels they lie in.
        first, last = max(0, int(np.floor(low + 0.5))), min(n - 1, int(np.floor(high + 0.5)))
        others[ndim - 1 - axis] = np.arange(first, last + 1, dtype=np.int64)
    return Term(None, others)


def _world_polygon(record: dict[str, Any], coordinates: Coordinates, shape: tuple[int, ...]) -> Term:
    ndim = len(shape)
    axes = _pixel_axes(record, ndim)
    pixels = _in_pixels([record["x"], record["y"]], axes, coordinates, record, _bases(record, "absrel", axes, coordinates, shape))
    polygon = Polygon.of(pixels[0], pixels[1])
    return Term(polygon, plane_axes=(ndim - 1 - axes[0], ndim - 1 - axes[1]))


def _world_ellipse(record: dict[str, Any], coordinates: Coordinates, shape: tuple[int, ...]) -> Term:
    ndim = len(shape)
    axes = _pixel_axes(record, ndim)
    kind = int(record.get("type", _CIRCLE))
    if kind not in (_CIRCLE, _ELLIPSE) or len(axes) != 2:
        raise ParameterError("only circles and ellipses in a plane can be read from a region record of an ellipsoid")
    centre = _in_pixels(
        _numbered(record["center"]), axes, coordinates, record, _bases(record, "absrel", axes, coordinates, shape)
    )[:, 0]
    radii = [record["radius"]] * 2 if "radius" in record else _numbered(record["radii"])
    theta = record.get("theta", 0.0)
    angle = float(to_unit(theta, "rad")) if isinstance(theta, dict) else float(theta)
    angle -= np.pi / 2  # records count from +x, counter-clockwise
    if str(radii[0].get("unit", "")) in ("pix", "pixel"):
        size = [float(r["value"]) for r in radii]
        scale = (1.0, 1.0)
    else:
        direction = coordinates.direction
        if direction is None:
            raise SelectionError("the region is on the sky, but the image has no direction coordinate")
        size = [float(to_unit(r, "rad")) for r in radii]
        scale = (abs(float(direction.increment_rad[0])), abs(float(direction.increment_rad[1])))
    ellipse = Ellipse(float(centre[0]), float(centre[1]), size[0], size[1], angle, *scale)
    return Term(ellipse, plane_axes=(ndim - 1 - axes[0], ndim - 1 - axes[1]))
