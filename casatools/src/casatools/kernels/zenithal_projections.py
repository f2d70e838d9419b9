"""Projections about the reference point: the plane to direction cosines and back, many points at once.

Plane coordinates are in radians at the reference point; what the plane does not reach is NaN. The loops hold no branch, so that a processor does
several points at a time.

References
----------
Calabretta & Greisen 2002, A&A 395, 1077 (FITS paper II): 54 (TAN), 56 to 65 (STG, slant SIN, ARC), 69 (ZEA).
"""

from __future__ import annotations

import math

import numpy as np

from casatools.kernels._kernel import kernel
from casatools.kernels.sphere_turns import _arc_tangent, _sine_cosine

__all__ = [
    "arc_of_cosines",
    "cosines_of_arc",
    "cosines_of_equal_area",
    "cosines_of_sine",
    "cosines_of_stereographic",
    "cosines_of_tangent",
    "equal_area_of_cosines",
    "sine_of_cosines",
    "stereographic_of_cosines",
    "tangent_of_cosines",
]


@kernel
def cosines_of_tangent(x: np.ndarray, y: np.ndarray, east: np.ndarray, north: np.ndarray, radial: np.ndarray) -> None:
    """Direction cosines of the tangent plane.

    Parameters
    ----------
    x, y : ndarray (point,) float64 [rad]
    east, north, radial : ndarray (point,) float64
        Written: components along the point's east, north and away from the centre.
    """
    for k in range(x.size):
        away = np.divide(1.0, np.sqrt(1.0 + x[k] * x[k] + y[k] * y[k]))
        east[k], north[k], radial[k] = x[k] * away, y[k] * away, away


@kernel
def tangent_of_cosines(east: np.ndarray, north: np.ndarray, radial: np.ndarray, x: np.ndarray, y: np.ndarray) -> None:
    """The inverse of `cosines_of_tangent`."""
    for k in range(east.size):
        ratio = np.divide(1.0, radial[k] if radial[k] > 0.0 else math.nan)
        x[k], y[k] = east[k] * ratio, north[k] * ratio


@kernel
def cosines_of_sine(
    x: np.ndarray, y: np.ndarray, slant_x: float, slant_y: float, east: np.ndarray, north: np.ndarray, radial: np.ndarray
) -> None:
    """Direction cosines of the plane on which they are seen from far away, at a slant; other arguments as of `cosines_of_tangent`.

    Notes
    -----
    1 - n solves a quadratic equation (61), in the form without cancellation.
    """
    a = 1.0 + slant_x * slant_x + slant_y * slant_y
    for k in range(x.size):
        b, square = 1.0 + x[k] * slant_x + y[k] * slant_y, x[k] * x[k] + y[k] * y[k]
        rest = b * b - a * square
        depth = np.divide(square, b + np.sqrt(rest if rest >= 0.0 else math.nan))
        east[k], north[k], radial[k] = x[k] - slant_x * depth, y[k] - slant_y * depth, 1.0 - depth


@kernel
def sine_of_cosines(
    east: np.ndarray, north: np.ndarray, radial: np.ndarray, slant_x: float, slant_y: float, x: np.ndarray, y: np.ndarray
) -> None:
    """The inverse of `cosines_of_sine`."""
    for k in range(east.size):
        depth = 1.0 - radial[k] if radial[k] + east[k] * slant_x + north[k] * slant_y >= 0.0 else math.nan
        # 0 times what is not seen is NaN too
        x[k], y[k] = east[k] + slant_x * depth, north[k] + slant_y * depth


@kernel
def cosines_of_arc(x: np.ndarray, y: np.ndarray, east: np.ndarray, north: np.ndarray, radial: np.ndarray) -> None:
    """Direction cosines of the plane of true distances; arguments as of `cosines_of_tangent`."""
    for k in range(x.size):
        distance = np.sqrt(x[k] * x[k] + y[k] * y[k])
        sine, cosine = _sine_cosine(distance)
        ratio = np.divide(sine, distance if distance > 0.0 else 1.0)
        ratio = ratio if distance > 0.0 else 1.0
        ratio = ratio if distance <= math.pi else math.nan
        east[k], north[k], radial[k] = x[k] * ratio, y[k] * ratio, cosine if distance <= math.pi else math.nan


@kernel
def arc_of_cosines(east: np.ndarray, north: np.ndarray, radial: np.ndarray, x: np.ndarray, y: np.ndarray) -> None:
    """The inverse of `cosines_of_arc`."""
    for k in range(east.size):
        sine = np.sqrt(east[k] * east[k] + north[k] * north[k])
        ratio = np.divide(_arc_tangent(sine, radial[k]), sine if sine > 0.0 else 1.0)
        ratio = ratio if sine != 0.0 else 1.0
        x[k], y[k] = east[k] * ratio, north[k] * ratio


@kernel
def cosines_of_stereographic(x: np.ndarray, y: np.ndarray, east: np.ndarray, north: np.ndarray, radial: np.ndarray) -> None:
    """Direction cosines of the stereographic plane; arguments as of `cosines_of_tangent`."""
    for k in range(x.size):
        square = 0.25 * (x[k] * x[k] + y[k] * y[k])
        ratio = np.divide(1.0, 1.0 + square)
        east[k], north[k], radial[k] = x[k] * ratio, y[k] * ratio, (1.0 - square) * ratio


@kernel
def stereographic_of_cosines(east: np.ndarray, north: np.ndarray, radial: np.ndarray, x: np.ndarray, y: np.ndarray) -> None:
    """The inverse of `cosines_of_stereographic`."""
    for k in range(east.size):
        ratio = np.divide(2.0, 1.0 + radial[k] if radial[k] > -1.0 else math.nan)
        x[k], y[k] = east[k] * ratio, north[k] * ratio


@kernel
def cosines_of_equal_area(x: np.ndarray, y: np.ndarray, east: np.ndarray, north: np.ndarray, radial: np.ndarray) -> None:
    """Direction cosines of the plane of equal areas; arguments as of `cosines_of_tangent`."""
    for k in range(x.size):
        square = x[k] * x[k] + y[k] * y[k]
        ratio = np.sqrt(1.0 - 0.25 * square if square <= 4.0 else math.nan)
        east[k], north[k], radial[k] = x[k] * ratio, y[k] * ratio, 1.0 - 0.5 * square


@kernel
def equal_area_of_cosines(east: np.ndarray, north: np.ndarray, radial: np.ndarray, x: np.ndarray, y: np.ndarray) -> None:
    """The inverse of `cosines_of_equal_area`."""
    for k in range(east.size):
        ratio = np.sqrt(np.divide(2.0, 1.0 + radial[k] if radial[k] > -1.0 else math.nan))
        x[k], y[k] = east[k] * ratio, north[k] * ratio
