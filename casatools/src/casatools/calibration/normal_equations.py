"""Solving the normal equations of least squares of many antennas in less than the cube of their number."""

from __future__ import annotations

import numpy as np

__all__ = ["least_norm_solution", "positive_inverse"]

# Eigenvalues smaller than this, over the largest, are of what the data leave free.
_FREE = 1e-9
# Residual, over the right side or that of a unit, at which conjugate gradients end, and their steps at most: two dozen do where antennas have weights of one size.
_CONVERGED, _STEPS = 1e-13, 150
# Smallest over largest pivot of what can be told from free unknowns.
_PIVOT = 1e-12


def least_norm_solution(normal: np.ndarray, right: np.ndarray, unit: float = 0.0) -> np.ndarray:
    """The solution (unknown,) of least norm: zero along what the data leave free.

    Parameters
    ----------
    normal : ndarray (unknown, unknown) float64
        Symmetric, no eigenvalue negative.
    right : ndarray (unknown,) float64
    unit : float, optional
        The size of the unknowns: changes that rounding of such ones makes are not followed.

    Notes
    -----
    Conjugate gradients, which begin at zero and never leave the range of the matrix: all baselines together tie an antenna to the mean of the
    others, so that few steps are needed, each of the square of the number of antennas. Where they do not get there (data that hardly tell
    some unknowns) the pseudo-inverse is taken.

    References
    ----------
    Hestenes & Stiefel 1952, J. Res. NBS 49, 409.
    """
    solution, residual = np.zeros(len(right)), right.copy()
    direction, power = residual.copy(), float(right @ right)
    largest = float(normal.diagonal().max(initial=0.0))
    goal = _CONVERGED**2 * max(power, (largest * unit) ** 2)
    for _ in range(_STEPS):
        if power <= goal:
            return solution
        ahead = normal @ direction
        bend, length = float(direction @ ahead), float(direction @ direction)
        largest = max(largest, bend / length)
        if bend <= _FREE * largest * length:
            break
        solution += power / bend * direction
        residual -= power / bend * ahead
        before, power = power, float(residual @ residual)
        direction = residual + power / before * direction
    return np.asarray(np.linalg.pinv(normal, rcond=_FREE, hermitian=True) @ right)


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
