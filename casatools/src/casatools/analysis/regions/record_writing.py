"""Pixel shapes as region records in world coordinates, so that CASA and image tables hold and transfer them.

References
----------
Fields as in `casatools.analysis.regions.records`.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from casatools._base.errors import ParameterError
from casatools.analysis.regions.image_selection import ImageSelection
from casatools.analysis.regions.pixels import Term
from casatools.analysis.regions.shapes import Annulus, Ellipse, Polygon, Rectangle
from casatools.frames import image_frames
from casatools.frames.quantities import conforms, to_unit
from casatools.io.image.coordinates.system import Coordinates

__all__ = ["combined_record", "pixel_box_record", "relative_code", "selection_record", "world_box_record", "world_polygon_record"]

_NOT_GIVEN = -2147483647.0


def _header(name: str, kind: int, comment: str = "") -> dict[str, Any]:
    return {"isRegion": kind, "name": name, "comment": comment}


def relative_code(absrel: str) -> int:
    """CASA's number of "abs" (also ""), "relref" or "relcen"; raises ParameterError for others."""
    codes = {"": 1, "abs": 1, "relref": 2, "relcen": 3}
    if absrel not in codes:
        raise ParameterError(f"parameter 'absrel' must be abs, relref or relcen; got {absrel!r}")
    return codes[absrel]


def combined_record(name: str, records: Sequence[dict[str, Any]], comment: str) -> dict[str, Any]:
    """A record that combines others: WCUnion, WCIntersection, WCDifference, WCComplement or WCExtension."""
    inner = {f"*{k + 1}": r for k, r in enumerate(records)}
    return {**_header(name, 2, comment), "regions": {**inner, "nr": len(records)}}


def pixel_box_record(
    blc: Sequence[float], trc: Sequence[float], inc: Sequence[float], fraction: bool, comment: str, absrel: str = "abs"
) -> dict[str, Any]:
    """A box of pixels (0-based) or of fractions of the axes, with steps; with `absrel` relref or relcen pixels count from the reference or the centre.

    Raises
    ------
    ParameterError
        Corners have different numbers of axes.
    """
    n, code = len(blc), relative_code(absrel)
    upper = [_NOT_GIVEN - 1.0] * n if list(trc) == [-1.0] else list(trc)
    steps = [1.0] * n if list(inc) == [1.0] else list(inc)
    if len(upper) != n or len(steps) != n:
        raise ParameterError(f"region corners and steps need the same number of axes; got {n}, {len(upper)} and {len(steps)}")
    offset = 0.0 if fraction or code != 1 else 1.0
    one = np.array([v + offset for v in blc], dtype=np.float32).astype(np.float64)
    two = np.array([v + offset for v in upper], dtype=np.float32).astype(np.float64)
    flags = np.full(n, fraction)
    return {
        "arblc": np.full(n, code), "artrc": np.full(n, code), "blc": one, "comment": comment, "fracblc": flags,
        "fracinc": np.zeros(n, dtype=bool), "fractrc": flags.copy(), "inc": np.array(steps, dtype=np.float64), "isRegion": 3,
        "name": "LCSlicer", "oneRel": True, "trc": two,
    }  # fmt: skip


def world_box_record(
    axes: Sequence[int], blc: Sequence[dict[str, Any]], trc: Sequence[dict[str, Any]], csys: dict[str, Any], comment: str = "",
    absrel: str = "abs",
) -> dict[str, Any]:  # fmt: skip
    """A box between world (or pixel) corners on some pixel axes (0-based)."""

    code = relative_code(absrel)

    def corner(values: Sequence[dict[str, Any]]) -> dict[str, Any]:
        return {
            f"*{k + 1}": {"unit": v["unit"], "value": float(v["value"]) + (1.0 if v["unit"] == "pix" and code == 1 else 0.0)}
            for k, v in enumerate(values)
        }

    return {
        **_header("WCBox", 2, comment), "absrel": np.full(len(axes), code), "blc": corner(blc), "trc": corner(trc),
        "coordinates": csys, "oneRel": True, "pixelAxes": np.array([a + 1 for a in axes], dtype=np.int64),
    }  # fmt: skip


def world_polygon_record(
    axes: Sequence[int], x: dict[str, Any], y: dict[str, Any], csys: dict[str, Any], comment: str = "",
    absrel: str = "abs",
) -> dict[str, Any]:  # fmt: skip
    """A polygon of world positions on two pixel axes (0-based)."""
    return {
        **_header("WCPolygon", 2, comment), "absrel": relative_code(absrel), "coordinates": csys, "oneRel": True,
        "pixelAxes": np.array([a + 1 for a in axes], dtype=np.int64), "x": x, "y": y,
    }  # fmt: skip


def selection_record(
    selection: ImageSelection, coordinates: Coordinates, shape: Sequence[int], csys: dict[str, Any]
) -> dict[str, Any]:
    """What an image selection means on an image, as a record.

    Parameters
    ----------
    selection : ImageSelection
    coordinates : Coordinates
    shape : sequence of int
        Array order.
    csys : dict
        The record of the coordinates to keep in the region.

    Raises
    ------
    ParameterError, SelectionError
        It cannot be read, or holds nothing of the image.
    """
    pixels = selection.resolve(coordinates, shape)
    writer = _Writer(coordinates, tuple(shape), csys, boxes=not selection.region)
    found: dict[str, Any] | None = None
    for term in pixels.terms:
        record = writer.term(term)
        if found is None:
            found = record
        else:
            found = combined_record("WCDifference" if term.exclude else "WCUnion", [found, record], "")
    assert found is not None
    return found


class _Writer:
    """Terms as records of one image."""

    def __init__(self, coordinates: Coordinates, shape: tuple[int, ...], csys: dict[str, Any], boxes: bool) -> None:
        self.boxes = boxes  # rectangles and ranges as boxes of all axes
        self.coordinates, self.shape, self.csys = coordinates, shape, csys
        self.ndim = len(shape)

    def _sky(self, axes: Sequence[int], pixels: np.ndarray) -> list[dict[str, Any]]:
        """What `_world` gives, angles in radians, as in CASA's records of shapes on the sky."""
        found = self._world(axes, pixels)
        return [{"unit": "rad", "value": np.asarray(to_unit(v, "rad"))} if conforms(str(v["unit"]), "rad") else v for v in found]

    def _world(self, axes: Sequence[int], pixels: np.ndarray) -> list[dict[str, Any]]:
        """Values (point,) with units of pixels (axis, point) on some axes."""
        count = pixels.shape[1]
        given = np.repeat(self.coordinates.reference_pixel[:, None], count, axis=1)
        for row, axis in zip(pixels, axes, strict=True):
            given[axis] = row
        world = image_frames.to_world(self.coordinates, given)
        out = []
        for axis in axes:
            at = self.coordinates.pixel_to_world_axis(axis)
            out.append({"unit": self.coordinates.units[at], "value": world[at]})
        return out

    def _box(self, axes: Sequence[int], first: Sequence[float], last: Sequence[float]) -> dict[str, Any]:
        corners = []
        for ends in (first, last):
            values = self._world(axes, np.array([[float(v)] for v in ends]))
            corners.append([{"unit": v["unit"], "value": float(v["value"][0])} for v in values])
        return world_box_record(axes, corners[0], corners[1], self.csys)

    def term(self, term: Term) -> dict[str, Any]:
        """One product of a plane shape with pixels on other axes."""
        if term.shape is None or (self.boxes and isinstance(term.shape, Rectangle)):
            return self._boxes(term)
        parts = [self._shape(term.shape, [self.ndim - 1 - (a % self.ndim) for a in term.plane_axes])]
        for array_axis, chosen in sorted(term.others.items(), reverse=True):
            axis = self.ndim - 1 - array_axis
            runs = np.split(chosen, np.flatnonzero(np.diff(chosen) != 1) + 1)
            boxes = [self._box([axis], [run[0]], [run[-1]]) for run in runs]
            parts.append(boxes[0] if len(boxes) == 1 else combined_record("WCUnion", boxes, ""))
        return parts[0] if len(parts) == 1 else combined_record("WCExtension", parts, "")

    def _boxes(self, term: Term) -> dict[str, Any]:
        """Boxes of all axes, one for each combination of runs of pixels."""
        ends: list[list[tuple[float, float]]] = [[(0.0, n - 1.0)] for n in self.shape]
        for array_axis, chosen in term.others.items():
            runs = np.split(chosen, np.flatnonzero(np.diff(chosen) != 1) + 1)
            ends[array_axis] = [(float(run[0]), float(run[-1])) for run in runs]
        if isinstance(term.shape, Rectangle):
            for axis, pair in zip(term.plane_axes, ((term.shape.x0, term.shape.x1), (term.shape.y0, term.shape.y1)), strict=True):
                ends[axis] = [(min(pair), max(pair))]
        boxes = [self._box(range(self.ndim), [e[0] for e in c], [e[1] for e in c]) for c in itertools.product(*ends[::-1])]
        return boxes[0] if len(boxes) == 1 else combined_record("WCUnion", boxes, "")

    def _shape(self, shape: Any, plane: Sequence[int]) -> dict[str, Any]:
        corners = getattr(shape, "on_sky", None)
        if corners is not None:
            x, y = self._sky(plane, np.array(corners))
            return world_polygon_record(plane, x, y, self.csys)
        if isinstance(shape, Rectangle):
            return self._box(
                plane, [min(shape.x0, shape.x1), min(shape.y0, shape.y1)], [max(shape.x0, shape.x1), max(shape.y0, shape.y1)]
            )
        if isinstance(shape, Annulus):
            return combined_record("WCDifference", [self._shape(shape.outer, plane), self._shape(shape.inner, plane)], "")
        if isinstance(shape, Polygon):
            x, y = self._sky(plane, np.array([shape.xs, shape.ys]))
            return world_polygon_record(plane, x, y, self.csys)
        assert isinstance(shape, Ellipse)
        centre = self._sky(plane, np.array([[shape.x], [shape.y]]))
        unit, scale = ("pix", 1.0) if shape.scale_x == 1.0 and shape.scale_y == 1.0 else ("rad", 1.0)
        direction = self.coordinates.direction
        if unit == "pix" and direction is not None and list(plane) == list(self.coordinates.direction_axes):
            cell = np.abs(direction.increment_rad)
            if np.isclose(cell[0], cell[1], rtol=1e-9):  # as in CASA; circles of oblong pixels are none on the sky
                unit, scale = "arcsec", float(np.degrees(cell[0])) * 3600.0
        major, minor = shape.major * scale, shape.minor * scale
        round_one = shape.major == shape.minor
        size: dict[str, Any] = (
            {"radius": {"unit": unit, "value": major}}
            if round_one
            else {"radii": {"*1": {"unit": unit, "value": major}, "*2": {"unit": unit, "value": minor}}}
        )
        return {
            **_header("WCEllipsoid", 2), "absrel": 1,
            "center": {f"*{k + 1}": {"unit": v["unit"], "value": float(v["value"][0])} for k, v in enumerate(centre)},
            "coordinates": self.csys, "oneRel": True, "pixelAxes": np.array([a + 1 for a in plane], dtype=np.int64), **size,
            "theta": {"unit": "rad", "value": 0.0 if round_one else (shape.angle_rad + np.pi / 2) % np.pi}, "type": 1 if round_one else 2,
        }  # fmt: skip
