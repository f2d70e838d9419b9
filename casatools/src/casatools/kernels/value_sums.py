"""Sums over values in one pass."""

from __future__ import annotations

import numpy as np

from casatools.kernels._kernel import reordering_kernel

__all__ = ["deviation_sums"]


@reordering_kernel
def deviation_sums(values: np.ndarray, about: float) -> tuple[float, float]:
    """Sums of the deviations of `values` (n,) from a number near their mean, so that nothing cancels, and of their squares."""
    first, second = 0.0, 0.0
    for i in range(values.size):
        away = np.float64(values[i]) - about
        first += away
        second += away * away
    return first, second
