"""Intensity ranges that are used or left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from casatools._base.errors import ParameterError

__all__ = ["PixelRange"]


@dataclass(frozen=True)
class PixelRange:
    """Intensities from `low` to `high`, used or left out.

    Attributes
    ----------
    low, high : float
    exclude : bool
        Leave the range out instead of using only it.
    active : bool
        False stands for no restriction.
    """

    low: float = 0.0
    high: float = 0.0
    exclude: bool = False
    active: bool = False

    @classmethod
    def from_parameters(cls, includepix: Any, excludepix: Any) -> PixelRange:
        """Read CASA's includepix and excludepix: a pair, or one number v for -|v| to |v|; -1, empty or None for nothing.

        Raises
        ------
        ParameterError
            Both are given, or one is not a number or a pair.
        """
        include, exclude = _pair(includepix, "includepix"), _pair(excludepix, "excludepix")
        if include is not None and exclude is not None:
            raise ParameterError("only one of includepix and excludepix may be given")
        if include is None and exclude is None:
            return cls()
        low, high = include if include is not None else exclude  # type: ignore[misc]
        return cls(low, high, exclude is not None, True)

    @property
    def one_sign(self) -> bool:
        """True when only intensities of one sign are used."""
        return self.active and not self.exclude and (self.low >= 0 or self.high <= 0)

    def narrow(self, values: np.ndarray, good: np.ndarray | None) -> np.ndarray | None:
        """The mask of usable pixels with the range applied; None stays None when there is no range."""
        if not self.active:
            return good
        inside = (values >= self.low) & (values <= self.high)
        keep = ~inside if self.exclude else inside
        return keep if good is None else good & keep


def _pair(value: Any, name: str) -> tuple[float, float] | None:
    if value is None or (isinstance(value, str) and not value):
        return None
    items: list[Any] = list(value) if isinstance(value, (list, tuple, np.ndarray)) else [value]
    if len(items) == 0 or (len(items) == 1 and items[0] == -1):
        return None
    try:
        numbers = [float(v) for v in items]
    except (TypeError, ValueError):
        raise ParameterError(f"{name} must be one or two numbers; got {value!r}") from None
    if len(numbers) == 1:
        return -abs(numbers[0]), abs(numbers[0])
    if len(numbers) != 2:
        raise ParameterError(f"{name} must be one or two numbers; got {value!r}")
    return min(numbers), max(numbers)
