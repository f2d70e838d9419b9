"""Primary beams for the standard gridder.

The power pattern is that of a uniformly illuminated circular dish. CASA makes its pattern on a grid, which leaves a narrow centre about one per cent below
the scaled Airy pattern; the ratio, measured on images that CASA 6.7 writes, is tabulated here so that .pb images agree to 1e-3.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from casatools._base.buffers import empty_array
from casatools._base.constants import SPEED_OF_LIGHT_M_S
from casatools._base.threads import over_rows
from casatools.io.image.coordinates.system import Coordinates
from casatools.kernels.round_pattern import round_pattern

__all__ = [
    "airy_power",
    "antenna_power",
    "beam_radius_rad",
    "blocked_power",
    "dish_power",
    "effective_dish_m",
    "nominal_dish_m",
    "radius_plane",
]

# Ratio of CASA's beam to the Airy pattern at x = pi D sin(r) / lambda = 0, 0.1, ... 2.5; about constant beyond.
_RATIO = np.array([
    1.0, 1.00251, 1.00802, 1.01504, 1.01942, 1.02058, 1.01934, 1.01756, 1.01695, 1.01757, 1.01864, 1.01916, 1.0188, 1.01803, 1.01775, 1.0181,
    1.01878, 1.0191, 1.01891, 1.01843, 1.01819, 1.0185, 1.01917, 1.01947, 1.01924, 1.01889,
])  # fmt: skip
# The same for ALMA's antennas of 12 m, which count as 10.7 m, and the ACA's of 7 m, which count as 6.25 m; measured likewise.
_RATIO_ALMA = np.array([
    1.0, 1.00232, 1.00721, 1.01068, 1.01108, 1.00986, 1.00933, 1.0099, 1.01044, 1.01022, 1.00981, 1.00989, 1.01028, 1.0104, 1.01012, 1.01,
    1.01032, 1.01054, 1.01044, 1.0103, 1.01038, 1.01069, 1.0108, 1.01061, 1.01064, 1.011,
])  # fmt: skip
_RATIO_ACA = np.array([
    1.0, 1.00254, 1.00904, 1.0176, 1.02569, 1.03136, 1.03357, 1.03286, 1.0306, 1.0284, 1.02747, 1.02802, 1.02937, 1.03071, 1.03129, 1.03088,
    1.02983, 1.02896, 1.02873, 1.0293, 1.03034, 1.03121, 1.0314, 1.03077, 1.02997, 1.02937,
])  # fmt: skip
_RATIOS = {10.7: _RATIO_ALMA, 6.25: _RATIO_ACA}
# The same for the antennas of 15 m of the IRAM interferometer.
_RATIO_IRAM = np.array([
    1.0, 1.00203, 1.00715, 1.01027, 1.00988, 1.00863, 1.00844, 1.00927, 1.00953, 1.00905, 1.00887, 1.00916, 1.0095, 1.00936, 1.00916, 1.00932,
    1.00968, 1.00956, 1.00952, 1.00954, 1.00988, 1.00984, 1.0098, 1.00983, 1.01031, 1.01045,
])  # fmt: skip
# Beyond this x, near 1 % of the peak, the beam is zero.
_X_LIMIT = 3.43


# Values of a table of a pattern.
_TABLE = 1 << 15


def _disk(x: np.ndarray) -> np.ndarray:
    """The transform of a disk ``2 J1(x) / x``; of a table's values by its integral over the disk.

    The integrand ``sin(a)**2 cos(x cos(a))`` has a period, so that the sum over equal steps is right to rounding. For a table alone most runs would
    load scipy's functions, which takes longer than they do.

    References
    ----------
    Trefethen & Weideman 2014, SIAM Review 56, 385: the trapezoidal rule for periodic functions.
    """
    if np.size(x) > _TABLE:
        from scipy.special import j1

        safe = np.where(x == 0, 1.0, x)
        return np.where(x == 0, 1.0, 2.0 * j1(safe) / safe)
    half = int(0.3 * np.abs(x).max(initial=0.0)) + 8
    total = np.zeros(np.shape(x))
    for angle in (np.arange(half) + 0.5) * (0.5 * np.pi / half):
        total += np.sin(angle) ** 2 * np.cos(x * np.cos(angle))
    return total * (2.0 / half)


def airy_power(x: np.ndarray) -> np.ndarray:
    """The Airy power pattern ``(2 J1(x) / x)**2``."""
    return np.square(_disk(x))


def dish_power(radius_rad: np.ndarray, diameter_m: float, freq_hz: np.ndarray | float, telescope: str = "") -> np.ndarray:
    """The primary beam of a dish at distances from its axis [rad] and frequencies that broadcast against them; 1 on the axis.

    ALMA's and the ACA's dishes count with their effective diameters, without blockage.
    """
    diameter_m = _EFFECTIVE.get((telescope.upper(), round(diameter_m)), (diameter_m, 0.0))[0]
    x = np.pi * diameter_m * np.asarray(radius_rad) * freq_hz / SPEED_OF_LIGHT_M_S
    # The ngVLA's beam is made without a grid.
    step, values = (
        _pattern_table(0.0)
        if telescope.upper() == "NGVLA"
        else _dish_table(diameter_m if diameter_m in _RATIOS else 0.0, telescope.upper() == "IRAMPDB")
    )
    plane = np.atleast_2d(x)
    out = empty_array(plane.shape, np.float64)
    over_rows(lambda a, b: round_pattern(plane[a:b], 1.0, step, values, out[a:b]), len(plane), 1 + 100_000 // plane.shape[1])
    return out.reshape(x.shape)


@cache
def _dish_table(effective_m: float = 0.0, iram: bool = False) -> tuple[float, np.ndarray]:
    """Step and values of the pattern over x, up to where it is zero; of dishes with a ratio of their own by their effective diameter."""
    x = np.linspace(0.0, _X_LIMIT, _TABLE)
    ratio = _RATIO_IRAM if iram else _RATIOS.get(effective_m, _RATIO)
    beam = airy_power(x) * np.interp(x, np.arange(len(ratio)) * 0.1, ratio)
    # The ratio's first step is coarse: only the axis itself may be 1, also in single precision.
    return float(x[1]), np.minimum(beam, 1.0 - 1e-5 * np.minimum(x, 1.0))


# Effective diameters and blockages [m] of antennas whose beam is not that of the whole dish, by telescope and diameter.
_EFFECTIVE = {
    ("ALMA", 12): (10.7, 0.75),
    ("ALMA", 7): (6.25, 0.75),
    ("ACA", 7): (6.25, 0.75),
    ("ACA", 12): (10.7, 0.75),
    ("ALMASD", 12): (10.7, 0.75),
    ("ATF", 12): (10.7, 0.75),
    ("ATA", 6): (6.0, 0.0),
}
_X_LIMIT_BLOCKED = 3.49
# Diameters [m] of the dishes of telescopes, for beams of another telescope than that of the data.
_DISHES = {
    "VLA": 25.0, "VLBA": 25.0, "ALMA": 12.0, "ALMASD": 12.0, "ACA": 7.0, "ATF": 12.0, "NRAO12M": 12.0, "ATA": 6.0, "GBT": 100.0, "GMRT": 45.0, "IRAM30M": 30.0,
    "IRAMPDB": 15.0, "NOEMA": 15.0, "MEERKAT": 13.5, "NGVLA": 18.0, "OVRO": 10.4,
}  # fmt: skip


def effective_dish_m(telescope: str, diameter_m: float) -> tuple[float, float]:
    """Illuminated and blocked diameter of a telescope's dish."""
    return _EFFECTIVE.get((telescope.strip().upper(), round(diameter_m)), (diameter_m, 0.0))


def nominal_dish_m(telescope: str) -> float:
    """Diameter of the dishes of a telescope; 0 where it is not known."""
    return _DISHES.get(telescope.strip().upper(), 0.0)


def blocked_power(x: np.ndarray, blockage: float) -> np.ndarray:
    """The power pattern of an annular aperture.

    Parameters
    ----------
    x : ndarray
        ``pi D sin(r) / lambda``.
    blockage : float
        Inner diameter over the outer one.
    """
    return np.square((_disk(x) - blockage**2 * _disk(blockage * x)) / (1.0 - blockage**2))


@cache
def _pattern_table(blockage: float, part: float = 1.0) -> tuple[float, np.ndarray]:
    """Step and values of a pattern over x up to a part of where it is taken for zero; linear between them it is right to 1e-9."""
    limit = (_X_LIMIT_BLOCKED if blockage else _X_LIMIT) * part
    x = np.linspace(0.0, limit, _TABLE)
    return float(x[1]), blocked_power(x, blockage) if blockage else airy_power(x)


def antenna_power(
    telescope: str, diameters_m: tuple[float, float], radius_rad: np.ndarray, freq_hz: float, cut_hz: float = 0.0
) -> np.ndarray:
    """The primary beam of a pair of antennas: the product of their voltage patterns; 1 on the axis.

    ALMA's and the ACA's antennas have Airy patterns of 10.7 m and 6.25 m with a blockage of 0.75 m, others that of their whole dish; the correction of
    `dish_power` belongs to the standard gridder only. With `cut_hz` the pattern ends where that of this frequency does, so that patterns of several
    frequencies end at one distance.

    References
    ----------
    "ALMA Primary Beam", CASA documentation: effective diameters and blockage.
    """

    radius = np.atleast_2d(np.asarray(radius_rad, np.float64))

    def single(diameter_m: float) -> np.ndarray:
        effective, blockage = _EFFECTIVE.get((telescope.upper(), round(diameter_m)), (diameter_m, 0.0))
        step, values = _pattern_table(blockage / effective, freq_hz / (cut_hz or freq_hz))
        out = empty_array(radius.shape, np.float64)
        scale = np.pi * effective * freq_hz / SPEED_OF_LIGHT_M_S
        over_rows(
            lambda a, b: round_pattern(radius[a:b], scale, step, values, out[a:b]), len(radius), 1 + 100_000 // radius.shape[1]
        )
        return out.reshape(np.shape(radius_rad))

    first, second = diameters_m
    return single(first) if first == second else np.sqrt(single(first) * single(second))


def beam_radius_rad(telescope: str, diameters_m: tuple[float, float], freq_hz: float) -> float:
    """Distance from the axis beyond which a pair's primary beam is zero."""
    reaches = []
    for diameter in diameters_m:
        known = _EFFECTIVE.get((telescope.upper(), round(diameter)))
        effective, limit = (known[0], _X_LIMIT_BLOCKED) if known is not None else (diameter, _X_LIMIT)
        reaches.append(limit * SPEED_OF_LIGHT_M_S / (np.pi * effective * freq_hz))
    return float(min(reaches))


def radius_plane(coordinates: Coordinates, shape: tuple[int, int], centre: tuple[float, float] | None = None) -> np.ndarray:
    """Distances [rad] of the pixels (y, x) of an image plane from a pixel.

    Parameters
    ----------
    coordinates : Coordinates
        With a direction coordinate.
    shape : (int, int)
        Pixels in y and x.
    centre : (float, float), optional
        Where the antennas pointed, pixels in x and y; the reference pixel when not given.
    """
    direction = coordinates.direction
    assert direction is not None
    dx, dy = direction.increment_rad
    x0, y0 = direction.reference_pixel if centre is None else centre
    across, along = ((np.arange(shape[1]) - x0) * dx)[None, :], ((np.arange(shape[0]) - y0) * dy)[:, None]
    out = empty_array(shape, np.float64)
    over_rows(lambda a, b: np.hypot(across, along[a:b], out=out[a:b]), shape[0], 1 + 500_000 // shape[1])
    return out
