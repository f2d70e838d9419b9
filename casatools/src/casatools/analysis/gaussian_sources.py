"""Elliptical Gaussians fitted to one plane of pixels by least squares.

References
----------
More 1978, "The Levenberg-Marquardt algorithm: implementation and theory", Lecture Notes in Mathematics 630, 105.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

__all__ = ["FittedPlane", "PlaneGeometry", "Source", "find_source", "fit_sources", "sky_offsets", "source_values"]

_FOUR_LN2 = 4.0 * np.log(2.0)
_MOST_EVALUATIONS = 500


@dataclass(frozen=True)
class PlaneGeometry:
    """How pixels of a plane lie on the sky.

    Attributes
    ----------
    matrix : ndarray (2, 2) float64 [rad]
        Offset to the east and to the north for one pixel along x (first column) and along y.
    """

    matrix: np.ndarray

    @property
    def pixel_area_rad2(self) -> float:
        return float(abs(np.linalg.det(self.matrix)))

    @property
    def cell_rad(self) -> float:
        """Side of a square pixel of the same area."""
        return float(np.sqrt(self.pixel_area_rad2))


@dataclass(frozen=True)
class Source:
    """An elliptical Gaussian.

    Attributes
    ----------
    peak : float
        In the unit of the pixels.
    x, y : float
        Pixels of the plane.
    major_rad, minor_rad : float
        Full widths at half maximum.
    angle_rad : float
        Position angle of the major axis, north through east.
    fixed : str
        Letters of what is not fitted: f(lux), x, y, a (major axis), b (minor axis), p(osition angle).
    """

    peak: float
    x: float
    y: float
    major_rad: float
    minor_rad: float
    angle_rad: float
    fixed: str = ""

    def ordered(self) -> Source:
        """The same Gaussian with positive widths, the major one first, and an angle from 0 to 180 degrees."""
        major, minor, angle = abs(self.major_rad), abs(self.minor_rad), self.angle_rad
        if minor > major:
            major, minor, angle = minor, major, angle + np.pi / 2
        return replace(self, major_rad=major, minor_rad=minor, angle_rad=float(angle % np.pi))


@dataclass(frozen=True)
class FittedPlane:
    """What the fit of a plane gave.

    Attributes
    ----------
    sources : tuple of Source
    offset, offset_error : float
        Zero level.
    converged : bool
    """

    sources: tuple[Source, ...]
    offset: float = 0.0
    offset_error: float = 0.0
    converged: bool = True


def sky_offsets(source: Source, geometry: PlaneGeometry, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Offsets [rad] from a source along its major and minor axes."""
    east = geometry.matrix[0, 0] * (x - source.x) + geometry.matrix[0, 1] * (y - source.y)
    north = geometry.matrix[1, 0] * (x - source.x) + geometry.matrix[1, 1] * (y - source.y)
    sine, cosine = np.sin(source.angle_rad), np.cos(source.angle_rad)
    return east * sine + north * cosine, east * cosine - north * sine


def source_values(source: Source, geometry: PlaneGeometry, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Brightness of a source at pixels; arrays are broadcast."""
    along, across = sky_offsets(source, geometry, x, y)
    return np.asarray(
        source.peak * np.exp(-_FOUR_LN2 * ((along / source.major_rad) ** 2 + (across / source.minor_rad) ** 2))
    )  # fmt: skip


def _gradient(source: Source, geometry: PlaneGeometry, x: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
    """Derivatives by peak, x, y, major, minor, angle."""
    along, across = sky_offsets(source, geometry, x, y)
    major, minor = source.major_rad, source.minor_rad
    shape = np.exp(-_FOUR_LN2 * ((along / major) ** 2 + (across / minor) ** 2))
    value = source.peak * shape
    by_along, by_across = -2 * _FOUR_LN2 * along / major**2 * value, -2 * _FOUR_LN2 * across / minor**2 * value
    sine, cosine = np.sin(source.angle_rad), np.cos(source.angle_rad)
    moves = [-(by_along * (m[0] * sine + m[1] * cosine) + by_across * (m[0] * cosine - m[1] * sine)) for m in geometry.matrix.T]
    widths = [2 * _FOUR_LN2 * along**2 / major**3 * value, 2 * _FOUR_LN2 * across**2 / minor**3 * value]
    return [shape, *moves, *widths, by_along * across - by_across * along]


_LETTERS = "fxyabp"
# Widths this near to each other, as a part of them, are those of a circle.
_ROUND = 0.02


class _Problem:
    """Packs what is fitted into a vector with entries of order one, and gives residuals and derivatives."""

    def __init__(
        self, values: np.ndarray, x: np.ndarray, y: np.ndarray, geometry: PlaneGeometry, start: FittedPlane, offset: bool
    ) -> None:
        self.values, self.x, self.y, self.geometry, self.start, self.with_offset = values, x, y, geometry, start, offset
        self.scale = float(np.max(np.abs(values))) or 1.0
        cell = geometry.cell_rad
        self.units = np.array([self.scale, 1.0, 1.0, cell, cell, 1.0])
        self.free = [[k for k, letter in enumerate(_LETTERS) if letter not in s.fixed] for s in start.sources]

    def pack(self) -> np.ndarray:
        vector: list[float] = []
        for source, free in zip(self.start.sources, self.free, strict=True):
            numbers = np.array(_numbers(source)) / self.units
            vector += [float(numbers[k]) for k in free]
        return np.array(vector + ([self.start.offset / self.scale] if self.with_offset else []))

    def unpack(self, vector: np.ndarray) -> FittedPlane:
        made, at = [], 0
        for source, free in zip(self.start.sources, self.free, strict=True):
            numbers = np.array(_numbers(source))
            numbers[free] = vector[at : at + len(free)] * self.units[free]
            at += len(free)
            peak, x, y, major, minor, angle = (float(n) for n in numbers)
            made.append(Source(peak, x, y, major, minor, angle, source.fixed))
        offset = float(vector[at] * self.scale) if self.with_offset else self.start.offset
        return FittedPlane(tuple(made), offset)

    def residuals(self, vector: np.ndarray) -> np.ndarray:
        plane = self.unpack(vector)
        model = sum(source_values(s, self.geometry, self.x, self.y) for s in plane.sources) + plane.offset
        return (model - self.values) / self.scale

    def jacobian(self, vector: np.ndarray) -> np.ndarray:
        plane = self.unpack(vector)
        columns: list[np.ndarray] = []
        for source, free in zip(plane.sources, self.free, strict=True):
            gradient = _gradient(source, self.geometry, self.x, self.y)
            columns += [gradient[k] * (self.units[k] / self.scale) for k in free]
        if self.with_offset:
            columns.append(np.ones_like(self.values))
        return np.stack(columns, axis=1)


def _numbers(source: Source) -> list[float]:
    return [source.peak, source.x, source.y, source.major_rad, source.minor_rad, source.angle_rad]


def fit_sources(
    values: np.ndarray, x: np.ndarray, y: np.ndarray, geometry: PlaneGeometry, start: FittedPlane, fit_offset: bool = False
) -> FittedPlane:
    """Fit Gaussians, and a zero level when asked to, to the pixels of a plane.

    Parameters
    ----------
    values : ndarray (pixel,) float64
    x, y : ndarray (pixel,) float64
        Places of the pixels.
    geometry : PlaneGeometry
    start : FittedPlane
        Estimates; what their `fixed` names stays.
    fit_offset : bool
        Fit the zero level instead of keeping that of the estimates.

    Returns
    -------
    FittedPlane
        `converged` is False when there are too few pixels, or the solution runs away from them.
    """
    from scipy.optimize import least_squares

    start = replace(start, sources=tuple(_not_round(source) for source in start.sources))
    problem = _Problem(values, x, y, geometry, start, fit_offset)
    vector = problem.pack()
    if not len(vector):
        return start
    if len(values) <= len(vector) or not np.any(values):
        return replace(start, converged=False)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        try:
            found = least_squares(
                problem.residuals, vector, problem.jacobian, method="lm", max_nfev=_MOST_EVALUATIONS, x_scale="jac",
                xtol=1e-12, ftol=1e-12, gtol=1e-12,
            )  # fmt: skip
        except (ValueError, np.linalg.LinAlgError):
            return replace(start, converged=False)
    plane = problem.unpack(found.x)
    sources = tuple(s.ordered() for s in plane.sources)
    good = found.status > 0 and bool(np.all(np.isfinite(found.x))) and _sensible(sources, x, y, geometry)
    return FittedPlane(sources, plane.offset, _offset_error(problem, found.x) if fit_offset and good else 0.0, good)


def _not_round(source: Source) -> Source:
    """The source with one width changed a little where both are the same: the angle of a circle has no derivative, and the first step of it no bound."""
    if "p" in source.fixed or abs(source.major_rad - source.minor_rad) > _ROUND * abs(source.major_rad):
        return source
    if "a" not in source.fixed:
        return replace(source, major_rad=source.major_rad * (1 + 2 * _ROUND))
    return source if "b" in source.fixed else replace(source, minor_rad=source.minor_rad * (1 - 2 * _ROUND))


def _sensible(sources: Sequence[Source], x: np.ndarray, y: np.ndarray, geometry: PlaneGeometry) -> bool:
    """False when a centre left the pixels by more than their extent, or a width shrank below a pixel."""
    reach = max(np.ptp(x), np.ptp(y)) + 1
    return all(
        x.min() - reach <= s.x <= x.max() + reach
        and y.min() - reach <= s.y <= y.max() + reach
        and s.minor_rad > geometry.cell_rad
        and s.major_rad < 100 * reach * geometry.cell_rad
        for s in sources
    )


def _offset_error(problem: _Problem, vector: np.ndarray) -> float:
    jacobian = problem.jacobian(vector)
    covariance = np.linalg.pinv(jacobian.T @ jacobian)
    residual = problem.residuals(vector)
    return float(np.sqrt(covariance[-1, -1] * np.sum(residual**2) / (len(residual) - len(vector))) * problem.scale)


def find_source(plane: np.ndarray, good: np.ndarray, geometry: PlaneGeometry) -> Source:
    """A first guess of the one source of a plane: place and extent of the pixels above half of the strongest.

    Parameters
    ----------
    plane : ndarray (y, x)
    good : ndarray (y, x) bool
        At least one True.
    geometry : PlaneGeometry
    """
    from scipy.ndimage import label

    values = np.where(good, plane, 0.0).astype(np.float64)
    at = np.unravel_index(int(np.argmax(np.abs(values))), values.shape)
    peak = float(values[at])
    if peak == 0:
        cell = geometry.cell_rad
        return Source(0.0, float(at[1]), float(at[0]), 3 * cell, 3 * cell, 0.0)
    islands, _ = label(good & (values / peak > 0.5))
    rows, columns = np.nonzero(islands == islands[at])
    spread = np.cov(geometry.matrix @ np.stack([columns, rows]).astype(float)) if len(rows) > 2 else np.zeros((2, 2))
    # A flat ellipse has a variance of a 16th of its diameter squared; a pixel itself adds a little that keeps it above zero.
    lengths, axes = np.linalg.eigh(16.0 * (spread + geometry.pixel_area_rad2 / 12.0 * np.eye(2)))
    angle = float(np.arctan2(axes[0, 1], axes[1, 1]) % np.pi)
    return Source(peak, float(columns.mean()), float(rows.mean()), float(np.sqrt(lengths[1])), float(np.sqrt(lengths[0])), angle)
