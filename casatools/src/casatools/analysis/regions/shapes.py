"""Shapes in the pixel plane of an image, and masks of the pixels whose centres they hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Annulus", "Ellipse", "PlaneShape", "Polygon", "Rectangle"]

# A centre this close to the edge, in pixels, counts as inside: straight lines on the sky are slightly bent on the picture.
_TOLERANCE = 2e-4
# The same of rectangles about a centre, found from what CASA selects.
_ROW, _LEFT, _RIGHT = 5e-6, 1e-5, 5e-5


@dataclass(frozen=True)
class Rectangle:
    """Pixels from one corner to the other, both included; corners in 0-based pixels, any order.

    `on_sky` are the corners (x and y) of the rectangle along the meridian of its centre, where it was given by its centre: what records hold of it.
    """

    x0: float
    y0: float
    x1: float
    y1: float
    on_sky: tuple[tuple[float, ...], tuple[float, ...]] | None = None

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Least x, least y, greatest x, greatest y."""
        return min(self.x0, self.x1), min(self.y0, self.y1), max(self.x0, self.x1), max(self.y0, self.y1)

    def contains(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """True where a point is inside or on the edge; broadcasts."""
        low_x, low_y, high_x, high_y = self.bounds
        return (x >= low_x - _TOLERANCE) & (x <= high_x + _TOLERANCE) & (y >= low_y - _TOLERANCE) & (y <= high_y + _TOLERANCE)


@dataclass(frozen=True)
class Ellipse:
    """An ellipse.

    Attributes
    ----------
    x, y : float
        Centre, 0-based pixels.
    major, minor : float
        Semi-axes, in units in which a pixel measures `scale_x` by `scale_y`.
    angle_rad : float
        From +y to the first axis, positive towards -x (north through east on a sky image).
    scale_x, scale_y : float
        Size of a pixel.
    """

    x: float
    y: float
    major: float
    minor: float
    angle_rad: float = 0.0
    scale_x: float = 1.0
    scale_y: float = 1.0

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Least x, least y, greatest x, greatest y."""
        turned = abs(np.sin(2 * self.angle_rad)) > 1e-9
        along_y = abs(np.cos(self.angle_rad)) > abs(np.sin(self.angle_rad))
        # CASA boxes a turned ellipse by the circle around it; blc and trc of statistics follow that.
        reach_x = (max(self.major, self.minor) if turned else self.minor if along_y else self.major) / self.scale_x
        reach_y = (max(self.major, self.minor) if turned else self.major if along_y else self.minor) / self.scale_y
        return self.x - reach_x, self.y - reach_y, self.x + reach_x, self.y + reach_y

    def contains(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """True where a point is inside or on the edge; broadcasts."""
        sin, cos = np.sin(self.angle_rad), np.cos(self.angle_rad)
        east, north = -(x - self.x) * self.scale_x, (y - self.y) * self.scale_y
        along, across = east * sin + north * cos, east * cos - north * sin
        # What is compared is the square of the distance in units of the axes: twice the part of the shorter one that the tolerance is.
        least = min(self.major, self.minor)
        beyond = 2.0 * _TOLERANCE * min(self.scale_x, self.scale_y) / least if least > 0 else 0.0
        return np.square(along / self.major) + np.square(across / self.minor) <= 1.0 + beyond


@dataclass(frozen=True)
class Annulus:
    """Pixels between two concentric ellipses, the outer edge included and the inner edge too."""

    inner: Ellipse
    outer: Ellipse

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Least x, least y, greatest x, greatest y."""
        return self.outer.bounds

    def contains(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """True where a point is inside or on an edge; broadcasts."""
        return self.outer.contains(x, y) & ~self.inner.contains(x, y)


@dataclass(frozen=True)
class Polygon:
    """A closed polygon; vertices in 0-based pixels.

    With `scanned` (for convex ones) it holds what lies between its sides on each row, and decides about centres on its very edge as CASA does: rows as
    near as `_ROW` (relative) to a vertex pass through it, and a centre may lie `_LEFT` or `_RIGHT` pixels outside. `on_sky` is as of `Rectangle`.
    """

    xs: tuple[float, ...]
    ys: tuple[float, ...]
    scanned: bool = False
    on_sky: tuple[tuple[float, ...], tuple[float, ...]] | None = None

    @classmethod
    def of(cls, xs: Sequence[float], ys: Sequence[float]) -> Polygon:
        """A polygon, `scanned` when it is a rectangle that no corner's rounding makes another."""
        x, y = np.asarray(xs, dtype=np.float64), np.asarray(ys, dtype=np.float64)
        if len(x) == 4:
            sides = np.array([np.roll(x, -1) - x, np.roll(y, -1) - y])
            length = np.hypot(*sides)
            square = np.abs((sides * np.roll(sides, -1, axis=1)).sum(axis=0)) <= 1e-3 * length * np.roll(length, -1)
            turned = np.all(np.min(np.abs(sides), axis=0) > 1e-7)
            if length.min() > 0 and square.all() and turned:
                # CASA keeps vertices in single precision, which decides where a nearly level side crosses a row.
                return cls(tuple(x.astype(np.float32).tolist()), tuple(y.astype(np.float32).tolist()), scanned=True)
        return cls(tuple(x.tolist()), tuple(y.tolist()))

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Least x, least y, greatest x, greatest y."""
        return min(self.xs), min(self.ys), max(self.xs), max(self.ys)

    def contains(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """True where a point is inside (even-odd rule) or on an edge; broadcasts."""
        x, y = np.broadcast_arrays(np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64))
        if self.scanned:
            return self._between_sides(x, y)
        inside = np.zeros(x.shape, dtype=bool)
        edge = np.zeros(x.shape, dtype=bool)
        for k in range(len(self.xs)):
            ax, ay = self.xs[k - 1], self.ys[k - 1]
            bx, by = self.xs[k], self.ys[k]
            crosses = (ay > y) != (by > y)
            if by != ay:
                inside ^= crosses & (x < (bx - ax) * (y - ay) / (by - ay) + ax)
            length2 = (bx - ax) ** 2 + (by - ay) ** 2
            t = np.clip(((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length2, 0.0, 1.0) if length2 > 0 else np.zeros_like(x)
            edge |= np.hypot(x - ax - t * (bx - ax), y - ay - t * (by - ay)) <= _TOLERANCE
        return inside | edge

    def _between_sides(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        left, right = np.full(y.shape, np.inf), np.full(y.shape, -np.inf)
        near = _ROW * np.maximum(np.abs(y), 1.0)
        for k in range(len(self.xs)):
            ax, ay, bx, by = self.xs[k - 1], self.ys[k - 1], self.xs[k], self.ys[k]
            at_first, at_last = np.abs(y - ay) <= near, np.abs(y - by) <= near
            with np.errstate(divide="ignore", invalid="ignore"):
                crossing = ax + (bx - ax) * (y - ay) / (by - ay)
            between = (y > min(ay, by)) & (y < max(ay, by))
            for where, place in ((at_first, ax), (at_last, bx), (between & ~at_first & ~at_last, crossing)):
                left = np.where(where, np.minimum(left, place), left)
                right = np.where(where, np.maximum(right, place), right)
        return (x >= left - _LEFT) & (x <= right + _RIGHT)


PlaneShape = Rectangle | Ellipse | Annulus | Polygon
