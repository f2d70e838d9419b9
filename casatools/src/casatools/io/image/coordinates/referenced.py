"""What axes with a reference pixel, a reference value and a step have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from casatools.io.image.coordinates.units import unit_scale

__all__ = ["ReferencedAxes"]


@dataclass(frozen=True)
class ReferencedAxes:
    """Axes told by a reference pixel, its world value, and steps.

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

    def with_units(self, units: Sequence[str]) -> Self:
        """The same axes in other units of the same dimensions; raises ParameterError for others."""
        scale = np.array([unit_scale(a, b) for a, b in zip(self.units, units, strict=True)])
        return replace(self, units=tuple(units), reference_value=self.reference_value * scale, increment=self.increment * scale)

    def with_reference(
        self,
        value: np.ndarray | None = None,
        pixel: np.ndarray | None = None,
        increment: np.ndarray | None = None,
        matrix: np.ndarray | None = None,
    ) -> Self:
        """A copy with some of reference value, reference pixel, increment and matrix replaced."""
        return replace(
            self,
            reference_value=self.reference_value if value is None else np.asarray(value, dtype=np.float64),
            reference_pixel=self.reference_pixel if pixel is None else np.asarray(pixel, dtype=np.float64),
            increment=self.increment if increment is None else np.asarray(increment, dtype=np.float64),
            matrix=self.matrix if matrix is None else np.asarray(matrix, dtype=np.float64),
        )

    def with_names(self, names: Sequence[str]) -> Self:
        """A copy with other axis names."""
        return replace(self, names=tuple(names))

    def moved(self, starts: Sequence[float], steps: Sequence[float]) -> Self:
        """The axes as seen by pixels ``starts + steps * k``."""
        step = np.asarray(steps, dtype=np.float64)
        return replace(self, reference_pixel=(self.reference_pixel - np.asarray(starts)) / step, increment=self.increment * step)
