"""Tabular axes: world values given at a list of pixels, linear between and beyond them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from casatools._base.errors import ParameterError
from casatools.io.image.coordinates.linear import text_list
from casatools.io.image.coordinates.many_points import MANY
from casatools.io.image.coordinates.one_point import PointFunctions, by_arrays, line_functions
from casatools.io.image.coordinates.referenced import ReferencedAxes

__all__ = ["LookupTable", "TabularCoordinate"]


class LookupTable:
    """Piecewise linear interpolation that goes on with the slope of the end pieces outside the table.

    Parameters
    ----------
    at, values : ndarray (n,) float64
        The table, strictly monotonic in `at` (rising or falling).
    """

    def __init__(self, at: np.ndarray, values: np.ndarray) -> None:
        way = 1 if at[0] <= at[-1] else -1
        self._at, self._values = np.ascontiguousarray(at[::way]), np.ascontiguousarray(values[::way])
        self._slopes = np.diff(self._values) / np.diff(self._at)

    @cached_property
    def _starts(self) -> tuple[np.ndarray, float]:
        """The piece that each of equal parts of the table's range begins in, where a search begins, and parts in one unit."""
        count = 4 * len(self._at)
        scale = count / float(self._at[-1] - self._at[0])
        return self._pieces(self._at[0] + (np.arange(count) - 1e-6) / scale), scale

    def _pieces(self, x: np.ndarray) -> np.ndarray:
        return np.clip(np.searchsorted(self._at, x, side="right") - 1, 0, len(self._at) - 2)

    def interpolate(self, x: np.ndarray, origin: float = 0.0, level: float = 0.0, out: np.ndarray | None = None) -> np.ndarray:
        """The table at ``x - origin``, and `level` added; in `out` where that is given."""
        target = np.empty(x.shape) if out is None else out
        if x.size >= MANY and target.flags.c_contiguous:
            from casatools.kernels.table_lookup import looked_up

            given, (first, scale) = np.ascontiguousarray(x).reshape(-1), self._starts
            looked_up(given, origin, self._at, self._values, self._slopes, first, scale, level, target.reshape(-1))
            return target
        place = x - origin
        piece = self._pieces(place)
        target[...] = level + (self._values[piece] + self._slopes[piece] * (place - self._at[piece]))
        return target


@dataclass(frozen=True)
class TabularCoordinate(ReferencedAxes):
    """One axis, linear or given by a table.

    The table maps pixels to linear pixels; reference value, pixel and increment turn those into world values, so that changing
    one of them shifts or stretches the whole axis.

    Parameters
    ----------
    pixel_values, linear_pixels : ndarray (n,) float64
        Empty for a linear axis.
    """

    pixel_values: np.ndarray
    linear_pixels: np.ndarray

    kind = "Tabular"
    record_name = "tabular"
    naxes = 1

    @classmethod
    def from_table(cls, pixels: Any, world: Any, unit: str, name: str) -> TabularCoordinate:
        """An axis through the points of a table.

        Raises
        ------
        ParameterError
            Fewer than two points, lengths that differ, or values that are not strictly monotonic.
        """
        pix = np.asarray(pixels, dtype=np.float64).ravel()
        values = np.asarray(world, dtype=np.float64).ravel()
        if len(pix) != len(values):
            raise ParameterError(f"a tabular axis needs as many pixels as values; got {len(pix)} and {len(values)}")
        if len(pix) < 2:
            raise ParameterError("a tabular axis needs at least two points")
        for what, table in (("pixels", pix), ("values", values)):
            steps = np.diff(table)
            if not (np.all(steps > 0) or np.all(steps < 0)):
                raise ParameterError(f"the {what} of a tabular axis must rise or fall strictly")
        increment = (values[-1] - values[0]) / (pix[-1] - pix[0])
        linear = (values - values[0]) / increment + pix[0]
        one = np.ones((1, 1))
        return cls((name,), (unit,), values[:1].copy(), pix[:1].copy(), np.array([increment]), one, pix, linear)

    @classmethod
    def make(cls, name: str, unit: str, value: float = 0.0, pixel: float = 0.0, increment: float = 1.0) -> TabularCoordinate:
        """A linear axis."""
        empty = np.empty(0)
        return cls(
            (name,), (unit,), np.array([float(value)]), np.array([float(pixel)]), np.array([float(increment)]),
            np.ones((1, 1)), empty, empty,
        )  # fmt: skip

    @property
    def tabulated(self) -> bool:
        return len(self.pixel_values) > 0

    @property
    def world_values(self) -> np.ndarray:
        """World values of the table (n,) in the axis' unit; empty for a linear axis."""
        return np.asarray(self.reference_value[0] + self._slope * (self.linear_pixels - self.reference_pixel[0]))

    @property
    def _slope(self) -> float:
        return float(self.increment[0] * self.matrix[0, 0])

    @cached_property
    def one_point(self) -> PointFunctions:
        """Functions of one point: pixel to world and back."""
        if self.tabulated:
            return by_arrays(self)
        return line_functions(float(self.reference_value[0]), float(self.reference_pixel[0]), self._slope)

    @cached_property
    def _tables(self) -> tuple[LookupTable, LookupTable]:
        """World values less the reference value of pixels, and back: what the world's last digits say is in the difference."""
        offsets = self._slope * (self.linear_pixels - self.reference_pixel[0])
        return LookupTable(self.pixel_values, offsets), LookupTable(offsets, self.pixel_values)

    def to_world(self, pixels: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """World values (1, point) of 0-based pixels (1, point), in `out` where that is given."""
        if self.tabulated:
            return self._tables[0].interpolate(pixels, 0.0, float(self.reference_value[0]), out)
        world = np.subtract(pixels, self.reference_pixel[0], out=out)
        world *= self._slope
        world += self.reference_value[0]
        return world

    def to_pixel(self, world: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """0-based pixels (1, point) of world values (1, point), in `out` where that is given."""
        if self.tabulated:
            return self._tables[1].interpolate(world, float(self.reference_value[0]), 0.0, out)
        linear = np.subtract(world, self.reference_value[0], out=out)
        linear /= self._slope
        linear += self.reference_pixel[0]
        return linear

    def sliced(self, starts: Sequence[float], steps: Sequence[float], counts: Sequence[int | None]) -> TabularCoordinate:
        """The axis as seen by pixels ``start + step * k``; a table is cut to those pixels."""
        start, step, count = float(starts[0]), float(steps[0]), counts[0]
        if not self.tabulated:
            return self.moved(starts, steps)
        if count is None:
            count = max(2, int((self.pixel_values.max() - start) // step) + 1)
        pixels = np.arange(count, dtype=np.float64)
        world = self.to_world((start + step * pixels)[None])[0]
        if count < 2:  # one pixel: its own value and the local step
            ahead = self.to_world(np.array([[start + step]]))[0, 0]
            return TabularCoordinate.make(self.names[0], self.units[0], world[0], 0.0, ahead - world[0])
        return TabularCoordinate.from_table(pixels, world, self.units[0], self.names[0])

    def to_record(self) -> dict[str, Any]:
        """CASA's record of a tabular coordinate."""
        return {
            "crval": self.reference_value.copy(),
            "crpix": self.reference_pixel.copy(),
            "cdelt": self.increment.copy(),
            "pc": self.matrix.copy(),
            "axes": list(self.names),
            "units": list(self.units),
            "pixelvalues": self.pixel_values.copy(),
            "worldvalues": self.world_values.copy(),
        }

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> TabularCoordinate:
        """Read CASA's record."""
        value, pixel, increment = (np.array(record[k], dtype=np.float64).ravel() for k in ("crval", "crpix", "cdelt"))
        matrix = np.array(record["pc"], dtype=np.float64).reshape(1, 1)
        pixels = np.array(record.get("pixelvalues", ()), dtype=np.float64).ravel()
        world = np.array(record.get("worldvalues", ()), dtype=np.float64).ravel()
        linear = (world - value[0]) / (increment[0] * matrix[0, 0]) + pixel[0]
        return cls(text_list(record["axes"]), text_list(record["units"]), value, pixel, increment, matrix, pixels, linear)
