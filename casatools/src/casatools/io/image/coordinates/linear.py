"""Linear axes, and the linear step that every coordinate begins with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from casatools.io.image.coordinates.one_point import PointFunctions, by_arrays
from casatools.io.image.coordinates.referenced import ReferencedAxes

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
class LinearCoordinate(ReferencedAxes):
    """Axes on which world is a linear function of pixel."""

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

    def sliced(self, starts: Sequence[float], steps: Sequence[float], counts: Sequence[int | None]) -> LinearCoordinate:
        """The axes as seen by pixels ``starts + steps * k``."""
        return self.moved(starts, steps)

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
