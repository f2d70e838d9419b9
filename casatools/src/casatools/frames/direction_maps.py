"""Single directions from frame to frame for one epoch and place, without setting casacore's conversion up for each of them.

Notes
-----
For a fixed frame a conversion of directions is a chain of rotations, of aberrations and of the bending of light at the Sun. An aberration is a
Lorentz transform, so that rotations and aberrations together are one linear map of ``(1, x, y, z)`` up to a factor; the E-terms of B1950 add
terms of second order. The bending moves a direction ``n`` away from the Sun ``s`` by ``g (s - (n.s) n) / (1 - n.s)``. The numbers of such a map are
fitted to directions that casacore converts, and the map is used only where it then gives other directions as casacore does, to 1e-12 radian.
Near the Sun casacore is always asked.

References
----------
Explanatory Supplement to the Astronomical Almanac (1992), 3.25 (aberration, light deflection) and 3.5 (E-terms).
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from casatools._base.errors import ParameterError
from casatools.frames.directions import unit_vectors

__all__ = ["DirectionMap", "DirectionMaps"]

# So many conversions between two frames pay for finding their map.
_AFTER = 64
_TOLERANCE_RAD = 1e-12
# Nearer to the Sun casacore is asked; back from there it comes to a few 1e-12 only.
_NEAR_SUN = {1: math.cos(math.radians(5.0)), 0: 2.0, -1: math.cos(math.radians(12.0))}
# 2 G M / (c^2 AU): what the Sun bends, seen from one astronomical unit.
_BENDING_RAD = 1.974e-8
_SAMPLES, _ROUNDS = 90, 4
# Rings about the Sun's place, degrees, which tell where it is.
_RINGS = (6.0, 9.0, 14.0, 22.0)

# Converts arrays: longitude, latitude, from, to.
Convert = Callable[[np.ndarray, np.ndarray, str, str], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class DirectionMap:
    """One map: the direction of ``matrix (1, n, n n)``, with the bending of light before or after it.

    Attributes
    ----------
    matrix : tuple of 3 tuples of 9
        For 1, x, y, z, x x, y y, x y, x z, y z.
    straight : bool
        The terms of second order are nothing.
    bending_rad : float
        Positive before, negative after, 0 without.
    sun : tuple of 3
        Unit vector, in the frame in which light is bent.
    """

    matrix: tuple[tuple[float, ...], ...]
    straight: bool
    bending_rad: float
    sun: tuple[float, ...]

    def apply(self, lon_rad: float, lat_rad: float) -> tuple[float, float] | None:
        """A direction in the other frame; None near the Sun."""
        flat = math.cos(lat_rad)
        x, y, z = flat * math.cos(lon_rad), flat * math.sin(lon_rad), math.sin(lat_rad)
        if self.bending_rad > 0.0:
            bent = self._bend(x, y, z)
            if bent is None:
                return None
            x, y, z = bent
        first, second, third = self.matrix
        u = first[0] + first[1] * x + first[2] * y + first[3] * z
        v = second[0] + second[1] * x + second[2] * y + second[3] * z
        w = third[0] + third[1] * x + third[2] * y + third[3] * z
        if not self.straight:
            terms = (x * x, y * y, x * y, x * z, y * z)
            u += sum(p * q for p, q in zip(first[4:], terms))
            v += sum(p * q for p, q in zip(second[4:], terms))
            w += sum(p * q for p, q in zip(third[4:], terms))
        if self.bending_rad < 0.0:
            length = math.sqrt(u * u + v * v + w * w)
            bent = self._bend(u / length, v / length, w / length)
            if bent is None:
                return None
            u, v, w = bent
        return math.atan2(v, u), math.atan2(w, math.hypot(u, v))

    def _bend(self, x: float, y: float, z: float) -> tuple[float, float, float] | None:
        """A unit vector away from the Sun, or back; None near it."""
        sx, sy, sz = self.sun
        along = sx * x + sy * y + sz * z
        if along > _NEAR_SUN[1 if self.bending_rad > 0.0 else -1]:
            return None
        shift = self.bending_rad / (1.0 - along)
        there = x - shift * (sx - along * x), y - shift * (sy - along * y), z - shift * (sz - along * z)
        if self.bending_rad > 0.0:
            return there
        # Back: by what bends the direction sought.
        a, b, c = there
        along = sx * a + sy * b + sz * c
        shift = self.bending_rad / (1.0 - along)
        return x - shift * (sx - along * a), y - shift * (sy - along * b), z - shift * (sz - along * c)


class DirectionMaps:
    """The maps of one frame, found when a conversion between two frames is asked for again and again.

    Parameters
    ----------
    convert : callable
        Converts arrays of directions by casacore.
    """

    def __init__(self, convert: Convert) -> None:
        self._convert = convert
        self._asked: dict[tuple[str, str], int] = {}
        self._found: dict[tuple[str, str], DirectionMap | None] = {}

    def clear(self) -> None:
        """Forget all maps: the frame changes."""
        if self._asked:
            self._asked.clear()
            self._found.clear()

    def turned(self, lon_rad: float, lat_rad: float, start: str, end: str) -> tuple[float, float] | None:
        """A direction in another frame; None where casacore is to be asked."""
        pair = start, end
        found = self._found.get(pair)
        if found is None:
            if pair in self._found:
                return None
            self._asked[pair] = self._asked.get(pair, 0) + 1
            if self._asked[pair] < _AFTER:
                return None
            found = self._found[pair] = find_map(self._convert, start, end)
            if found is None:
                return None
        return found.apply(lon_rad, lat_rad)


def find_map(convert: Convert, start: str, end: str) -> DirectionMap | None:
    """The map between two frames; None where the conversion is not of that kind.

    Parameters
    ----------
    convert : callable
    start, end : str
        The frames.
    """
    given = _spread(_SAMPLES)
    pole = np.zeros(1), np.full(1, np.pi / 2)
    with contextlib.suppress(ParameterError):  # where the Sun is not known, light is not bent
        given = np.hstack([given, _rings(unit_vectors(*convert(*pole, "SUN", start))[0])])
    lon, lat = np.arctan2(given[1], given[0]), np.arcsin(given[2])
    made = unit_vectors(*convert(lon, lat, start, end)).T
    if not np.isfinite(made).all():
        return None
    # Every fourth direction is kept apart to check with.
    checks = np.arange(given.shape[1]) % 4 == 1
    for side in (0, 1, -1):
        sun = np.zeros(3)
        if side:
            try:
                sun = unit_vectors(*convert(*pole, "SUN", start if side > 0 else end))[0]
            except ParameterError:
                return None
            if not np.isfinite(sun).all():
                return None
        # The Sun's place is not known to the last digit before the fit, so that directions at the limit are left out.
        away = sun @ (given if side > 0 else made) < _NEAR_SUN[side] - 1e-4
        found = _fitted(given[:, away & ~checks], made[:, away & ~checks], side, sun)
        turned = [found.apply(float(lon[k]), float(lat[k])) for k in np.flatnonzero(checks & away)]
        if None in turned:
            continue
        there = unit_vectors(*np.array(turned).T).T
        if np.abs(there - made[:, checks & away]).max() < _TOLERANCE_RAD:
            return found
    return None


def _rings(sun: np.ndarray) -> np.ndarray:
    """Unit vectors in rings about a place: ndarray (3, n); none where the place is not known."""
    if not np.isfinite(sun).all():
        return np.zeros((3, 0))
    first = np.cross(sun, np.eye(3)[np.argmin(np.abs(sun))])
    first = first / np.linalg.norm(first)
    second = np.cross(sun, first)
    angles = [(math.radians(ring), 2 * math.pi * (k + 0.1 * ring) / 7) for ring in _RINGS for k in range(7)]
    return np.array(
        [math.cos(a) * sun + math.sin(a) * (math.cos(turn) * first + math.sin(turn) * second) for a, turn in angles]
    ).T


def _spread(number: int) -> np.ndarray:
    """Unit vectors all over the sphere: ndarray (3, number)."""
    k = np.arange(number) + 0.5
    z, turn = 1.0 - 2.0 * k / number, k * np.pi * (3.0 - np.sqrt(5.0))
    return np.array([np.sqrt(1.0 - z * z) * np.cos(turn), np.sqrt(1.0 - z * z) * np.sin(turn), z])


def _bent(vectors: np.ndarray, sun: np.ndarray, bending: float) -> np.ndarray:
    """As `DirectionMap` bends."""
    there = vectors
    for _ in range(1 if bending > 0 else 2):
        along = sun @ there
        there = vectors - bending / (1.0 - along) * (sun[:, np.newaxis] - along * there)
    return there


def _terms(n: np.ndarray) -> np.ndarray:
    x, y, z = n
    return np.array([np.ones_like(x), x, y, z, x * x, y * y, x * y, x * z, y * z])


def _linear(given: np.ndarray, made: np.ndarray) -> np.ndarray:
    """The 3 x 4 matrix that turns ``(1, n)`` into directions, up to a factor: the least singular vector of their cross products."""
    first = np.vstack([np.ones(given.shape[1]), given])
    zero = np.zeros_like(first)
    x, y, z = made
    rows = np.hstack(
        [
            np.vstack([zero, -z * first, y * first]),
            np.vstack([z * first, zero, -x * first]),
            np.vstack([-y * first, x * first, zero]),
        ]
    ).T
    matrix = np.linalg.svd(rows, full_matrices=False)[2][-1].reshape(3, 4)
    return matrix if float(np.sum((matrix @ first) * made)) > 0 else -matrix


def _fitted(given: np.ndarray, made: np.ndarray, side: int, sun: np.ndarray) -> DirectionMap:
    """The numbers of a map by least squares: first the linear part, then all of them together."""
    bending = _BENDING_RAD * abs(side)
    matrix = np.zeros((3, 9))
    straight = _bent(made, sun, bending) if side < 0 else made
    matrix[:, :4] = _linear(_bent(given, sun, bending) if side > 0 else given, straight)

    def model(bending: float, sun: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        terms = _terms(_bent(given, sun, bending) if side > 0 else given)
        out = matrix @ terms
        length = np.sqrt((out**2).sum(axis=0))
        out = out / length
        return (_bent(out, sun, -bending) if side < 0 else out), terms / length, out

    for _ in range(_ROUNDS):
        now, terms, unit = model(bending, sun)
        # What a change of each number moves: only along the sphere.
        across = np.eye(3)[:, :, np.newaxis] - unit[:, np.newaxis] * unit[np.newaxis]
        columns = [np.einsum("jik,tk->jkit", across, terms).reshape(-1, 27)]
        if side:
            columns.append(((model(bending * 1.1, sun)[0] - now) / (0.1 * bending)).ravel()[:, np.newaxis])
            columns += [((model(bending, sun + step)[0] - now) / 1e-5).ravel()[:, np.newaxis] for step in 1e-5 * np.eye(3)]
        equations = np.hstack(columns)
        scale = np.sqrt((equations**2).sum(axis=0))
        found = np.linalg.lstsq(equations / scale, (made - now).ravel(), rcond=1e-10)[0] / scale
        matrix += found[:27].reshape(3, 9)
        if side:
            bending += float(found[27])
            sun = (sun + found[28:]) / np.linalg.norm(sun + found[28:])
    matrix /= np.linalg.norm(matrix)
    straight_enough = bool(np.abs(matrix[:, 4:]).max() < 1e-15)
    return DirectionMap(tuple(map(tuple, matrix.tolist())), straight_enough, float(np.sign(side)) * bending, tuple(sun.tolist()))
