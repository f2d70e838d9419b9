"""Solving the normal equations of least squares of many antennas in less than the cube of their number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from casatools.kernels.linked_blocks import linked_product

__all__ = ["LinkedEquations", "least_norm_solution", "positive_inverse"]

# Eigenvalues smaller than this, over the largest, are of what the data leave free.
_FREE = 1e-9
# Residual, over the right side or that of a unit, at which conjugate gradients end, and their steps at most: two dozen do where all antennas see each other.
_CONVERGED, _STEPS = 1e-13, 150
# Smallest over largest pivot of what can be told from free unknowns.
_PIVOT = 1e-12


@dataclass(frozen=True)
class LinkedEquations:
    """Normal equations of four unknowns of each antenna, and of properties that all share, in the blocks of `linked_product`.

    Attributes
    ----------
    ant1, ant2 : ndarray (baseline,) int
    own, link : ndarray (ant, 4, 4), (baseline, 4, 4) float64
    border, corner : ndarray (property, 4 ant), (property, property) float64
    right : ndarray (4 ant + property,) float64
        The right side; unknowns of the first antenna, of the second, ..., then those shared.
    """

    ant1: np.ndarray
    ant2: np.ndarray
    own: np.ndarray
    link: np.ndarray
    border: np.ndarray
    corner: np.ndarray
    right: np.ndarray

    @classmethod
    def zeros(cls, ant1: np.ndarray, ant2: np.ndarray, nant: int, shared: int = 0) -> LinkedEquations:
        """Equations to which nothing has been added."""
        own, link = np.zeros((nant, 4, 4)), np.zeros((len(ant1), 4, 4))
        return cls(ant1, ant2, own, link, np.zeros((shared, 4 * nant)), np.zeros((shared, shared)), np.zeros(4 * nant + shared))

    @property
    def diagonal(self) -> np.ndarray:
        """The diagonal (unknown,) of the matrix."""
        return np.concatenate([self.own.diagonal(axis1=1, axis2=2).reshape(-1), self.corner.diagonal()])

    def product(self, x: np.ndarray) -> np.ndarray:
        """The matrix times a vector (unknown,)."""
        out = np.empty(len(self.right))
        linked_product(self.ant1, self.ant2, self.own, self.link, self.border, self.corner, x, out)
        return out

    def matrix(self) -> np.ndarray:
        """The matrix (unknown, unknown) of all unknowns."""
        nant, count = len(self.own), 4 * len(self.own)
        out = np.zeros((len(self.right), len(self.right)))
        blocks = np.zeros((nant, nant, 4, 4))
        np.add.at(blocks, (self.ant1, self.ant2), self.link)
        blocks += blocks.transpose(1, 0, 3, 2)
        blocks[np.arange(nant), np.arange(nant)] += self.own
        out[:count, :count] = blocks.transpose(0, 2, 1, 3).reshape(count, count)
        out[count:, :count], out[:count, count:], out[count:, count:] = self.border, self.border.T, self.corner
        return out

    def scale(self) -> np.ndarray:
        """What the squares of the unknowns (unknown,) weigh in the norm: what the data know of an antenna, or of the mean one for those shared."""
        known = np.trace(self.own, axis1=1, axis2=2) / 4
        mean = float(known.sum()) / max(int(np.count_nonzero(known)), 1)
        return np.where(self.diagonal > 0, np.concatenate([known.repeat(4), np.full(len(self.corner), mean)]), 0.0)


def least_norm_solution(equations: LinkedEquations, free: np.ndarray | None = None, unit: float = 0.0) -> np.ndarray:
    """The solution (unknown,) of least norm: zero along what the data leave free.

    Parameters
    ----------
    equations : LinkedEquations
        With no negative eigenvalue.
    free : ndarray (unknown,) bool, optional
        The others stay at zero.
    unit : float, optional
        The size of the unknowns: changes that rounding of such ones makes are not followed.

    Notes
    -----
    The norm is that of `LinkedEquations.scale`, so that an antenna of a thousandth of the weight counts as little there as in the data. Conjugate gradients,
    preconditioned by it, begin at zero and stay where the norm is least: all baselines together tie an antenna to the mean of the others,
    so that few steps are needed, each of the square of the number of antennas. Where they do not get there (data that hardly tell some unknowns) the
    pseudo-inverse of the whole matrix is taken.

    References
    ----------
    Hestenes & Stiefel 1952, J. Res. NBS 49, 409.
    """
    scale = equations.scale()
    use = scale > 0 if free is None else free & (scale > 0)
    inverse = np.where(use, 1.0 / np.where(use, scale, 1.0), 0.0)
    solution, residual = np.zeros(len(scale)), equations.right.copy()
    direction = inverse * residual
    power = float(residual @ direction)
    largest = float((equations.diagonal * inverse).max(initial=0.0))
    goal = _CONVERGED**2 * max(power, float(scale.max(initial=0.0)) * unit**2)
    for _ in range(_STEPS):
        if power <= goal:
            return solution
        ahead = equations.product(direction)
        bend, length = float(direction @ ahead), float(direction @ (scale * direction))
        largest = max(largest, bend / length)
        if bend <= _FREE * largest * length:
            break
        solution += power / bend * direction
        residual -= power / bend * ahead
        turned = inverse * residual
        before, power = power, float(residual @ turned)
        direction = turned + power / before * direction
    root = np.sqrt(inverse)
    whole = root[:, None] * equations.matrix() * root
    return np.asarray(root * (np.linalg.pinv(whole, rcond=_FREE, hermitian=True) @ (root * equations.right)))


def positive_inverse(normal: np.ndarray) -> np.ndarray:
    """The inverse of a symmetric matrix; its pseudo-inverse where unknowns are free.

    Cholesky factors take a hundredth of the time of eigenvalues.
    """
    from scipy.linalg import lapack

    if not len(normal):
        return np.zeros((0, 0))
    factor, failed = lapack.dpotrf(normal, lower=1)
    pivots = factor.diagonal()
    if failed or pivots.min() ** 2 <= _PIVOT * pivots.max() ** 2:
        return np.asarray(np.linalg.pinv(normal, hermitian=True))
    inverse, _ = lapack.dpotri(factor, lower=1)
    return np.asarray(np.tril(inverse) + np.tril(inverse, -1).T)
