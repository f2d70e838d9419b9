"""Axes of labelled planes: Stokes parameters (or correlations) and data quality."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from casatools._base.errors import ParameterError
from casatools.io.image.coordinates.linear import text_list
from casatools.io.image.coordinates.one_point import PointFunctions, code_functions

__all__ = ["STOKES_CODES", "STOKES_NAMES", "QualityCoordinate", "StokesCoordinate"]

# casacore's numbering of polarisation products (AIPS++ note 229, section on the POLARIZATION table).
STOKES_NAMES = (
    "Undefined", "I", "Q", "U", "V", "RR", "RL", "LR", "LL", "XX", "XY", "YX", "YY", "RX", "RY", "LX", "LY", "XR", "XL", "YR",
    "YL", "PP", "PQ", "QP", "QQ", "RCircular", "LCircular", "Linear", "Ptotal", "Plinear", "PFtotal", "PFlinear", "Pangle",
)  # fmt: skip
STOKES_CODES: dict[str, int] = {name: code for code, name in enumerate(STOKES_NAMES)}


def _of_one_plane(values: np.ndarray) -> bool:
    """True where all values round to one number, so that it need be looked up once: most images have one Stokes parameter."""
    if values.size < 2:
        return False
    low, high = float(values.min()), float(values.max())
    return math.isfinite(high - low) and math.floor(low + 0.5) == math.floor(high + 0.5)


@dataclass(frozen=True)
class StokesCoordinate:
    """Planes labelled by polarisation product; the world value of a plane is casacore's product code (I is 1).

    Parameters
    ----------
    labels : tuple of str
        Product of each plane, such as ``("I", "Q", "U", "V")``.
    """

    labels: tuple[str, ...]
    names: tuple[str, ...] = ("Stokes",)

    kind = "Stokes"
    record_name = "stokes"
    naxes = 1
    units = ("",)

    @classmethod
    def make(cls, labels: Sequence[str]) -> StokesCoordinate:
        """Build from labels in any case.

        Raises
        ------
        ParameterError
            A label is no polarisation product, or comes twice.
        """
        known = {name.lower(): name for name in STOKES_NAMES}
        found = []
        for label in labels:
            name = known.get(label.strip().lower())
            if name is None or name in found:
                raise ParameterError(f"{label!r} is no polarisation product or comes twice; known: {', '.join(STOKES_NAMES[1:])}")
            found.append(name)
        return cls(tuple(found))

    @property
    def codes(self) -> np.ndarray:
        """Product codes (plane,) float64."""
        return np.array([STOKES_CODES[name] for name in self.labels], dtype=np.float64)

    @property
    def reference_value(self) -> np.ndarray:
        return self.codes[:1]

    @property
    def reference_pixel(self) -> np.ndarray:
        return np.zeros(1)

    @property
    def increment(self) -> np.ndarray:
        return np.ones(1)

    @property
    def matrix(self) -> np.ndarray:
        return np.ones((1, 1))

    @cached_property
    def one_point(self) -> PointFunctions:
        """Functions of one point: pixel to world and back."""
        return code_functions(self.codes.tolist())

    def to_world(self, pixels: np.ndarray) -> np.ndarray:
        """Product codes (1, point) of planes (1, point); NaN outside."""
        if _of_one_plane(pixels):
            return np.broadcast_to(self.one_point[0](float(pixels.flat[0]))[0], pixels.shape)
        plane = np.floor(pixels + 0.5)
        if plane.size and plane.min() >= 0 and plane.max() < len(self.labels):
            return np.asarray(self.codes.take(plane.astype(np.intp)), dtype=np.float64)
        inside = (plane >= 0) & (plane < len(self.labels))
        return np.where(inside, self.codes[np.where(inside, plane, 0).astype(np.intp)], np.nan)

    def to_pixel(self, world: np.ndarray) -> np.ndarray:
        """Planes (1, point) of product codes (1, point); NaN for a product that is not there."""
        if _of_one_plane(world):
            return np.broadcast_to(self.one_point[1](float(world.flat[0]))[0], world.shape)
        nearest = np.floor(np.asarray(world) + 0.5)
        out = np.full(nearest.shape, np.nan)
        for plane, code in enumerate(self.codes):
            out[nearest == code] = plane
        return out

    def with_names(self, names: Sequence[str]) -> StokesCoordinate:
        """A copy with another axis name."""
        return replace(self, names=tuple(names))

    def with_units(self, units: Sequence[str]) -> StokesCoordinate:
        """The axis has no unit: any other is refused."""
        if any(units):
            raise ParameterError(f"a Stokes axis has no unit; got {list(units)}")
        return self

    def with_reference(self, **changes: Any) -> StokesCoordinate:
        """Reference values of a Stokes axis cannot be changed; the axis is given back as it is, as CASA does."""
        return self

    def sliced(self, starts: Sequence[float], steps: Sequence[float], counts: Sequence[int | None]) -> StokesCoordinate:
        """The planes ``start + step * k``."""
        start, step, count = round(starts[0]), max(1, round(steps[0])), counts[0]
        labels = self.labels[max(start, 0) :: step]
        return replace(self, labels=labels[:count] if count is not None else labels)

    def to_record(self) -> dict[str, Any]:
        """CASA's record of a Stokes coordinate."""
        return {
            "axes": list(self.names),
            "stokes": list(self.labels),
            "crval": self.reference_value,
            "crpix": self.reference_pixel,
            "cdelt": self.increment,
            "pc": self.matrix,
        }

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> StokesCoordinate:
        """Read CASA's record; the labels may be names or codes."""
        given = np.asarray(record["stokes"]).ravel()
        labels = text_list(given) if given.dtype.kind in "UO" else tuple(STOKES_NAMES[int(code)] for code in given)
        return cls(labels, text_list(record["axes"]))


@dataclass(frozen=True)
class QualityCoordinate:
    """Planes labelled DATA and ERROR; the world value is 0 for data and 1 for errors."""

    labels: tuple[str, ...] = ("DATA", "ERROR")
    names: tuple[str, ...] = ("Quality",)

    kind = "Quality"
    record_name = "quality"
    naxes = 1
    units = ("",)

    @property
    def codes(self) -> np.ndarray:
        return np.array([0.0 if label == "DATA" else 1.0 for label in self.labels])

    @property
    def reference_value(self) -> np.ndarray:
        return self.codes[:1]

    @property
    def reference_pixel(self) -> np.ndarray:
        return np.zeros(1)

    @property
    def increment(self) -> np.ndarray:
        return np.ones(1)

    @property
    def matrix(self) -> np.ndarray:
        return np.ones((1, 1))

    @cached_property
    def one_point(self) -> PointFunctions:
        """Functions of one point: pixel to world and back."""
        return code_functions(self.codes.tolist())

    def to_world(self, pixels: np.ndarray) -> np.ndarray:
        """Codes (1, point) of planes (1, point); NaN outside."""
        plane = np.floor(pixels + 0.5)
        inside = (plane >= 0) & (plane < len(self.labels))
        return np.where(inside, self.codes[np.where(inside, plane, 0).astype(np.intp)], np.nan)

    def to_pixel(self, world: np.ndarray) -> np.ndarray:
        """Planes (1, point) of codes (1, point); NaN for one that is not there."""
        out = np.full(np.shape(world), np.nan)
        for plane, code in enumerate(self.codes):
            out[np.floor(np.asarray(world) + 0.5) == code] = plane
        return out

    def with_names(self, names: Sequence[str]) -> QualityCoordinate:
        """A copy with another axis name."""
        return replace(self, names=tuple(names))

    def with_units(self, units: Sequence[str]) -> QualityCoordinate:
        """The axis has no unit: any other is refused."""
        if any(units):
            raise ParameterError(f"a quality axis has no unit; got {list(units)}")
        return self

    def with_reference(self, **changes: Any) -> QualityCoordinate:
        """Nothing can be changed."""
        return self

    def sliced(self, starts: Sequence[float], steps: Sequence[float], counts: Sequence[int | None]) -> QualityCoordinate:
        """The planes ``start + step * k``."""
        start, step, count = round(starts[0]), max(1, round(steps[0])), counts[0]
        labels = self.labels[max(start, 0) :: step]
        return replace(self, labels=labels[:count] if count is not None else labels)

    def to_record(self) -> dict[str, Any]:
        """CASA's record of a quality coordinate."""
        return {
            "axes": list(self.names),
            "quality": list(self.labels),
            "crval": self.reference_value,
            "crpix": self.reference_pixel,
            "cdelt": self.increment,
            "pc": self.matrix,
        }

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> QualityCoordinate:
        """Read CASA's record."""
        return cls(text_list(record["quality"]), text_list(record["axes"]))
