"""The Earth's magnetic field from the coefficients of the International Geomagnetic Reference Field.

References
----------
Thebault et al. 2015, Earth, Planets and Space 67, 79 (IGRF-12); the coefficients are those of the measures table ``geodetic/IGRF``. Winch et al. 2005,
Geophys. J. Int. 160, 487 (Schmidt quasi-normal functions and their recursions).
"""

from __future__ import annotations

import os
from functools import lru_cache

import numpy as np

from casatools._base.errors import DataError
from casatools._base.paths import resolve
from casatools.frames.measures_tables import bundled_folder
from casatools.io.tables import is_table, open_table

__all__ = ["earth_field", "field_from_coefficients"]

_RADIUS_M = 6371.2e3
_YEAR_D = 365.25
_TABLE = "geodetic/IGRF"


@lru_cache(maxsize=1)
def _coefficients() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Days (MJD), coefficients (day, k) [nT] and their change [nT / year]."""
    path = next((p for p in (resolve(_TABLE), os.path.join(bundled_folder(), _TABLE)) if is_table(p)), "")
    if not path:
        raise DataError(f"the magnetic field of the Earth is not here: {_TABLE} is in no data folder")
    table = open_table(path, what="measures table")
    try:
        return tuple(np.asarray(table.getcol(c), dtype=np.float64) for c in ("MJD", "COEF", "dCOEF"))  # type: ignore[return-value]
    finally:
        table.close()


def earth_field(position_m: np.ndarray, mjd: float) -> np.ndarray:
    """Field (point, 3) [T] in ITRF at places (point, 3) [m] in ITRF.

    Raises
    ------
    DataError
        There is no table of coefficients.
    """
    days, values, change = _coefficients()
    row = max(int(np.searchsorted(days, mjd)) - 1, 0)
    return field_from_coefficients(position_m, values[row] + change[row] * (mjd - days[row]) / _YEAR_D)


def field_from_coefficients(position_m: np.ndarray, coefficients_nt: np.ndarray) -> np.ndarray:
    """Field (point, 3) [T] of Schmidt quasi-normalised coefficients g10, g11, h11, g20, g21, h21, ... at places (point, 3) [m]."""
    place = np.atleast_2d(np.asarray(position_m, dtype=np.float64))
    radius = np.linalg.norm(place, axis=1)
    cosine = place[:, 2] / radius
    sine = np.sqrt(np.maximum(1.0 - cosine**2, 1e-24))
    longitude = np.arctan2(place[:, 1], place[:, 0])
    degree = round(np.sqrt(len(coefficients_nt) + 1)) - 1
    legendre, slope = _legendre(degree, cosine, sine)
    up, south, east = np.zeros(len(place)), np.zeros(len(place)), np.zeros(len(place))
    k = 0
    for n in range(1, degree + 1):
        scale = (_RADIUS_M / radius) ** (n + 2)
        for m in range(n + 1):
            g, h = coefficients_nt[k], coefficients_nt[k + 1] if m else 0.0
            k += 2 if m else 1
            wave = g * np.cos(m * longitude) + h * np.sin(m * longitude)
            up += scale * (n + 1) * wave * legendre[n, m]
            south -= scale * wave * slope[n, m]
            east -= scale * m * (h * np.cos(m * longitude) - g * np.sin(m * longitude)) * legendre[n, m] / sine
    c, s = np.cos(longitude), np.sin(longitude)
    x = up * sine * c + south * cosine * c - east * s
    y = up * sine * s + south * cosine * s + east * c
    return np.stack([x, y, up * cosine - south * sine], axis=-1) * 1e-9


def _legendre(
    degree: int, cosine: np.ndarray, sine: np.ndarray
) -> tuple[dict[tuple[int, int], np.ndarray], dict[tuple[int, int], np.ndarray]]:
    """Schmidt functions of the colatitude and their derivatives, by degree and order."""
    zero, one = np.zeros_like(cosine), np.ones_like(cosine)
    value, slope = {(0, 0): one}, {(0, 0): zero}
    for n in range(1, degree + 1):
        for m in range(n):
            a = (2 * n - 1) / np.sqrt(n * n - m * m)
            b = np.sqrt(max((n - 1) ** 2 - m * m, 0)) / np.sqrt(n * n - m * m)
            before = value.get((n - 2, m), zero), slope.get((n - 2, m), zero)
            value[n, m] = a * cosine * value[n - 1, m] - b * before[0]
            slope[n, m] = a * (cosine * slope[n - 1, m] - sine * value[n - 1, m]) - b * before[1]
        f = np.sqrt(1 - 1 / (2 * n)) if n > 1 else 1.0
        value[n, n] = f * sine * value[n - 1, n - 1]
        slope[n, n] = f * (sine * slope[n - 1, n - 1] + cosine * value[n - 1, n - 1])
    return value, slope
