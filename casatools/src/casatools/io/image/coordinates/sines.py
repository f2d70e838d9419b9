"""Sines and cosines of many angles."""

from __future__ import annotations

import numpy as np

__all__ = ["sines_and_cosines"]


def sines_and_cosines(angles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sine and cosine of angles [rad], float64 of the same shape, to a few 1e-16.

    Notes
    -----
    Both come from the tangent of half the angle, ``2 t / (1 + t^2)`` and ``(1 - t^2) / (1 + t^2)``: numpy takes tangents several at a time, but sines
    and cosines one by one, which is most of the time of a conversion of directions.
    """
    half = np.multiply(angles, 0.5, dtype=np.float64)
    half = np.tan(half, out=half if half.ndim else None)
    square = half * half
    inverse = 1.0 / (1.0 + square)
    half *= 2.0
    return half * inverse, (1.0 - square) * inverse
