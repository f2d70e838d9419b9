"""Components of one-dimensional profiles and their derivatives, for many profiles at once.

Arrays of parameters are (profile, parameter), values (profile, point), gradients (profile, point, parameter).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

__all__ = ["Gaussian", "Line", "LogPolynomial", "Lorentzian", "Model", "Polynomial", "PowerLaw"]

_FOUR_LN2 = 4.0 * np.log(2.0)


class Line(Protocol):
    """A component of a profile."""

    @property
    def size(self) -> int:
        """Number of parameters."""

    def evaluate(self, parameters: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Values (profile, point) and gradient (profile, point, parameter) at the points x."""


@dataclass(frozen=True)
class Gaussian:
    """``amplitude exp(-4 ln2 (x - centre)^2 / fwhm^2)``; parameters: amplitude, centre, fwhm."""

    size: int = 3
    kind: str = "GAUSSIAN"
    area: float = float(np.sqrt(np.pi / np.log(2.0)) / 2.0)

    def evaluate(self, parameters: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        amplitude, centre, fwhm = (parameters[:, k, None] for k in range(3))
        step = x - centre
        shape = np.exp(-_FOUR_LN2 * (step / fwhm) ** 2)
        slope = 2 * _FOUR_LN2 * amplitude * shape * step / fwhm**2
        return amplitude * shape, np.stack([shape, slope, slope * step / fwhm], axis=-1)


@dataclass(frozen=True)
class Lorentzian:
    """``amplitude / (1 + (2 (x - centre) / fwhm)^2)``; parameters: amplitude, centre, fwhm."""

    size: int = 3
    kind: str = "LORENTZIAN"
    area: float = float(np.pi / 2.0)

    def evaluate(self, parameters: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        amplitude, centre, fwhm = (parameters[:, k, None] for k in range(3))
        step = x - centre
        shape = 1.0 / (1.0 + (2.0 * step / fwhm) ** 2)
        slope = 8.0 * amplitude * shape**2 * step / fwhm**2
        return amplitude * shape, np.stack([shape, slope, slope * step / fwhm], axis=-1)


@dataclass(frozen=True)
class Polynomial:
    """``sum of c_k (x / scale)^k``."""

    order: int
    scale: float = 1.0
    kind: str = "POLYNOMIAL"

    @property
    def size(self) -> int:
        return self.order + 1

    def evaluate(self, parameters: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        powers = np.vander(x / self.scale, self.size, increasing=True)
        return parameters @ powers.T, np.broadcast_to(powers, (len(parameters), *powers.shape))


@dataclass(frozen=True)
class PowerLaw:
    """``c_0 r^(c_1 + c_2 ln r + ...)`` with r the abscissa `ratio` given for each point."""

    order: int
    ratio: np.ndarray
    kind: str = "POWER LOGARITHMIC POLYNOMIAL"

    @property
    def size(self) -> int:
        return self.order

    def evaluate(self, parameters: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        logs = np.log(self.ratio)
        powers = np.vander(logs, self.size, increasing=True)
        shape = np.exp(parameters[:, 1:] @ powers[:, 1:].T)
        value = parameters[:, :1] * shape
        return value, np.concatenate([shape[..., None], value[..., None] * powers[:, 1:]], axis=-1)


@dataclass(frozen=True)
class LogPolynomial:
    """``c_0 + c_1 ln r + c_2 (ln r)^2 + ...``, the logarithm of a power law, with r the abscissa `ratio` given for each point."""

    order: int
    ratio: np.ndarray
    kind: str = "LOGARITHMIC TRANSFORMED POLYNOMIAL"

    @property
    def size(self) -> int:
        return self.order

    def evaluate(self, parameters: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        powers = np.vander(np.log(self.ratio), self.size, increasing=True)
        return parameters @ powers.T, np.broadcast_to(powers, (len(parameters), *powers.shape))


@dataclass(frozen=True)
class Model:
    """A sum of components."""

    lines: Sequence[Line]

    @property
    def size(self) -> int:
        return sum(line.size for line in self.lines)

    @property
    def starts(self) -> list[int]:
        """Where each component's parameters begin."""
        return [int(v) for v in np.cumsum([0, *[line.size for line in self.lines]])[:-1]]

    def evaluate(self, parameters: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Values and gradient of the sum."""
        value = np.zeros((len(parameters), len(x)))
        gradients = []
        for line, at in zip(self.lines, self.starts, strict=True):
            own, gradient = line.evaluate(parameters[:, at : at + line.size], x)
            value += own
            gradients.append(gradient)
        return value, np.concatenate(gradients, axis=-1)
