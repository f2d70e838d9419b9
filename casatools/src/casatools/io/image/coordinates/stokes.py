"""Axes of labelled planes: Stokes parameters (or correlations) and data quality."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Self

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
class _LabelledPlanes:
    """An axis of planes that have labels; the world value of a plane is the code of its label."""

    labels: tuple[str, ...]
    names: tuple[str, ...]

    kind: ClassVar[str]
    record_name: ClassVar[str]
    naxes: ClassVar[int] = 1
    units: ClassVar[tuple[str, ...]] = ("",)
    label_codes: ClassVar[Mapping[str, int]]

    @cached_property
    def codes(self) -> np.ndarray:
        """Code of each plane's label (plane,) float64."""
        return np.array([self.label_codes[label] for label in self.labels], dtype=np.float64)

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
        if _of_one_plane(pixels):
            return np.broadcast_to(self.one_point[0](float(pixels.flat[0]))[0], pixels.shape)
        plane = np.floor(pixels + 0.5)
        if plane.size and plane.min() >= 0 and plane.max() < len(self.labels):
            return np.asarray(self.codes.take(plane.astype(np.intp)), dtype=np.float64)
        inside = (plane >= 0) & (plane < len(self.labels))
        return np.where(inside, self.codes[np.where(inside, plane, 0).astype(np.intp)], np.nan)

    def to_pixel(self, world: np.ndarray) -> np.ndarray:
        """Planes (1, point) of codes (1, point); NaN for one that is not there."""
        if _of_one_plane(world):
            return np.broadcast_to(self.one_point[1](float(world.flat[0]))[0], world.shape)
        nearest = np.floor(np.asarray(world) + 0.5)
        out = np.full(nearest.shape, np.nan)
        for plane, code in enumerate(self.codes):
            out[nearest == code] = plane
        return out

    def with_names(self, names: Sequence[str]) -> Self:
        """A copy with another axis name."""
        return replace(self, names=tuple(names))

    def with_units(self, units: Sequence[str]) -> Self:
        """The axis has no unit: any other is refused."""
        if any(units):
            raise ParameterError(f"a {self.kind} axis has no unit; got {list(units)}")
        return self

    def with_reference(self, **changes: Any) -> Self:
        """Reference values of such an axis cannot be changed; it is given back as it is, as CASA does."""
        return self

    def sliced(self, starts: Sequence[float], steps: Sequence[float], counts: Sequence[int | None]) -> Self:
        """The planes ``start + step * k``."""
        start, step, count = round(starts[0]), max(1, round(steps[0])), counts[0]
        labels = self.labels[max(start, 0) :: step]
        return replace(self, labels=labels[:count] if count is not None else labels)

    def to_record(self) -> dict[str, Any]:
        """CASA's record of such a coordinate."""
        return {
            "axes": list(self.names),
            self.record_name: list(self.labels),
            "crval": self.reference_value,
            "crpix": self.reference_pixel,
            "cdelt": self.increment,
            "pc": self.matrix,
        }

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> Self:
        """Read CASA's record; the labels may be names or codes."""
        given = np.asarray(record[cls.record_name]).ravel()
        if given.dtype.kind in "UO":
            return cls(text_list(given), text_list(record["axes"]))
        known = {code: label for label, code in cls.label_codes.items()}
        return cls(tuple(known[int(code)] for code in given), text_list(record["axes"]))


@dataclass(frozen=True)
class StokesCoordinate(_LabelledPlanes):
    """Planes labelled by polarisation product; the world value of a plane is casacore's product code (I is 1).

    Parameters
    ----------
    labels : tuple of str
        Product of each plane, such as ``("I", "Q", "U", "V")``.
    """

    names: tuple[str, ...] = ("Stokes",)

    kind = "Stokes"
    record_name = "stokes"
    label_codes = STOKES_CODES

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


@dataclass(frozen=True)
class QualityCoordinate(_LabelledPlanes):
    """Planes labelled DATA and ERROR; the world value is 0 for data and 1 for errors."""

    labels: tuple[str, ...] = ("DATA", "ERROR")
    names: tuple[str, ...] = ("Quality",)

    kind = "Quality"
    record_name = "quality"
    label_codes: ClassVar[Mapping[str, int]] = {"DATA": 0, "ERROR": 1}
