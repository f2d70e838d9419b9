"""Linear axes, and the linear step that every coordinate begins with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from casatools.io.image.coordinates.one_point import PointFunctions, by_arrays
from casatools.io.image.coordinates.units import unit_scale

__all__ = ["LinearCoordinate", "linear_step", "linear_step_inverse", "text_list"]


def text_list(value: Any) -> tuple[str, ...]:
    """Strings of a record field, which casacore gives as a list and the reference's tools as an array."""
    if isinstance(value, str):
        return (value,)
    return tuple(str(v) for v in np.asarray(value, dtype=object).ravel())


def linear_step(pixels: np.ndarray, reference_pixel: np.ndarray, increment: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """``increment * (matrix @ (pixels - reference_pixel))`` for pixels (axis, point)."""
    offset = pixels - reference_pixel[:, None]
    if len(offset) > 1 or matrix[0, 0] != 1.0:
        diagonal = matrix.diagonal()
        if np.count_nonzero(matrix) != np.count_nonzero(diagonal):
            offset = matrix @ offset
        elif np.any(diagonal != 1.0):
            offset *= diagonal[:, None]
    offset *= increment[:, None]
    return offset


def linear_step_inverse(steps: np.ndarray, reference_pixel: np.ndarray, increment: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """The pixels of `linear_step` results (axis, point)."""
    offset = steps / increment[:, None]
    diagonal = matrix.diagonal()
    if np.count_nonzero(matrix) != np.count_nonzero(diagonal):
        offset = np.linalg.solve(matrix, offset)
    elif np.any(diagonal != 1.0):
        offset /= diagonal[:, None]
    offset += reference_pixel[:, None]
    return offset


@dataclass(frozen=True)
class LinearCoordinate:
    """Axes on which world is a linear function of pixel.

    Parameters
    ----------
    names, units : tuple of str
        One for each axis.
    reference_value, reference_pixel, increment : ndarray (axis,) float64
        World value at the (0-based) reference pixel and world step per pixel, in `units`.
    matrix : ndarray (axis, axis) float64
        Multiplies the pixel offsets before the increments do (the PC matrix of FITS).
    """

    names: tuple[str, ...]
    units: tuple[str, ...]
    reference_value: np.ndarray
    reference_pixel: np.ndarray
    increment: np.ndarray
    matrix: np.ndarray

    kind = "Linear"
    record_name = "linear"

    @classmethod
    def make(
        cls,
        names: Sequence[str],
        units: Sequence[str],
        reference_value: Any = 0.0,
        reference_pixel: Any = 0.0,
        increment: Any = 1.0,
        matrix: Any = None,
    ) -> LinearCoordinate:
        """Build from anything array-like; scalars go to every axis."""
        n = len(names)

        def filled(value: Any) -> np.ndarray:
            return np.broadcast_to(np.asarray(value, dtype=np.float64), (n,)).copy()

        full = np.eye(n) if matrix is None else np.array(matrix, dtype=np.float64).reshape(n, n)
        return cls(tuple(names), tuple(units), filled(reference_value), filled(reference_pixel), filled(increment), full)

    @property
    def naxes(self) -> int:
        return len(self.names)

    @cached_property
    def one_point(self) -> PointFunctions:
        """Functions of one point: pixel to world and back."""
        return by_arrays(self)

    def to_world(self, pixels: np.ndarray) -> np.ndarray:
        """World values (axis, point) in `units` of 0-based pixels (axis, point)."""
        return self.reference_value[:, None] + linear_step(pixels, self.reference_pixel, self.increment, self.matrix)

    def to_pixel(self, world: np.ndarray) -> np.ndarray:
        """0-based pixels (axis, point) of world values (axis, point) in `units`."""
        return linear_step_inverse(world - self.reference_value[:, None], self.reference_pixel, self.increment, self.matrix)

    def with_units(self, units: Sequence[str]) -> LinearCoordinate:
        """The same axes in other units of the same dimensions; raises ParameterError for others."""
        scale = np.array([unit_scale(a, b) for a, b in zip(self.units, units, strict=True)])
        return replace(self, units=tuple(units), reference_value=self.reference_value * scale, increment=self.increment * scale)

    def with_reference(
        self,
        value: np.ndarray | None = None,
        pixel: np.ndarray | None = None,
        increment: np.ndarray | None = None,
        matrix: np.ndarray | None = None,
    ) -> LinearCoordinate:
        """A copy with some of reference value, reference pixel, increment and matrix replaced."""
        return replace(
            self,
            reference_value=self.reference_value if value is None else np.asarray(value, dtype=np.float64),
            reference_pixel=self.reference_pixel if pixel is None else np.asarray(pixel, dtype=np.float64),
            increment=self.increment if increment is None else np.asarray(increment, dtype=np.float64),
            matrix=self.matrix if matrix is None else np.asarray(matrix, dtype=np.float64),
        )

    def with_names(self, names: Sequence[str]) -> LinearCoordinate:
        """A copy with other axis names."""
        return replace(self, names=tuple(names))

    def sliced(self, starts: Sequence[float], steps: Sequence[float], counts: Sequence[int | None]) -> LinearCoordinate:
        """The axes as seen by pixels ``starts + steps * k``."""
        step = np.asarray(steps, dtype=np.float64)
        return replace(self, reference_pixel=(self.reference_pixel - np.asarray(starts)) / step, increment=self.increment * step)

    def to_record(self) -> dict[str, Any]:
        """CASA's record of a linear coordinate."""
        return {
            "crval": self.reference_value.copy(),
            "crpix": self.reference_pixel.copy(),
            "cdelt": self.increment.copy(),
            "pc": self.matrix.copy(),
            "axes": list(self.names),
            "units": list(self.units),
        }

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> LinearCoordinate:
        """Read CASA's record."""
        names = text_list(record["axes"])
        return cls.make(names, text_list(record["units"]), record["crval"], record["crpix"], record["cdelt"], record["pc"])
