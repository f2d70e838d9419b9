"""Least squares for many profiles at once.

References
----------
Marquardt 1963, J. SIAM 11, 431: damped least squares with the damping scaled by the curvature.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from casatools.analysis.profile_models import Model

__all__ = ["SolvedProfiles", "solve_profiles"]

_MOST_ITERATIONS = 200
_SMALL_GAIN = 1e-11
_FIRST_DAMPING = 1e-3
_MOST_DAMPING = 1e12


@dataclass(frozen=True)
class SolvedProfiles:
    """Solutions of a set of profiles.

    Attributes
    ----------
    parameters, errors : ndarray (profile, parameter) float64
        Errors follow from the scatter of the residuals; zero for what was held.
    converged : ndarray (profile,) bool
    iterations : ndarray (profile,) int64
    """

    parameters: np.ndarray
    errors: np.ndarray
    converged: np.ndarray
    iterations: np.ndarray


def solve_profiles(
    model: Model, x: np.ndarray, values: np.ndarray, weights: np.ndarray, start: np.ndarray, freedom: np.ndarray,
    exact: bool = False,
) -> SolvedProfiles:  # fmt: skip
    """Fit a model to profiles.

    Parameters
    ----------
    model : Model
    x : ndarray (point,) float64
    values : ndarray (profile, point) float64
    weights : ndarray (profile, point) float64
        Squared inverse errors up to a factor; 0 leaves a point out.
    start : ndarray (profile, parameter) float64
        Estimates, also of what is held.
    freedom : ndarray (parameter, free) float64
        How parameters follow from the free ones: a unit column for each free parameter, and ratios where others are tied to it.
    exact : bool
        Fit as many points as there are free parameters too.
    """
    nprofile, nfree = len(values), freedom.shape[1]
    parameters = np.array(start, dtype=np.float64)
    damping = np.full(nprofile, _FIRST_DAMPING)
    converged = np.zeros(nprofile, bool)
    iterations = np.zeros(nprofile, np.int64)
    enough = np.count_nonzero(weights > 0, axis=1) > (nfree - 1 if exact else nfree)
    if nfree == 0:
        return SolvedProfiles(parameters, np.zeros_like(parameters), enough, iterations)
    safe = np.where(weights > 0, values, 0.0)
    cost, curvature, slope = _system(model, x, safe, weights, parameters, freedom)
    nothing = 1e-28 * np.einsum("pc,pc,pc->p", weights, safe, safe) + 1e-300  # a sum of squares that is rounding alone
    active = np.flatnonzero(enough & np.isfinite(cost))
    while active.size:
        iterations[active] += 1
        step = _step(curvature[active], slope[active], damping[active])
        trial = parameters[active] + step @ freedom.T
        new_cost, new_curvature, new_slope = _system(model, x, safe[active], weights[active], trial, freedom)
        better = np.isfinite(new_cost) & (new_cost <= cost[active])
        gain = np.where(better, cost[active] - new_cost, np.inf)
        done = gain <= _SMALL_GAIN * cost[active] + nothing[active]
        took = active[better]
        parameters[took], cost[took] = trial[better], new_cost[better]
        curvature[took], slope[took] = new_curvature[better], new_slope[better]
        damping[active] = np.where(better, damping[active] / 10, damping[active] * 10)
        converged[active] |= done
        # A step that cannot be improved however short it is has found a minimum to rounding.
        stuck = ~better & (damping[active] > _MOST_DAMPING)
        flat = _is_flat(curvature[active[stuck]], slope[active[stuck]], cost[active[stuck]])
        converged[active[stuck]] = flat | (cost[active[stuck]] <= nothing[active[stuck]])
        active = active[~done & ~stuck & (iterations[active] < _MOST_ITERATIONS)]
    converged &= np.all(np.isfinite(parameters), axis=1)
    return SolvedProfiles(parameters, _errors(curvature, cost, weights, freedom), converged, iterations)


def _system(
    model: Model, x: np.ndarray, values: np.ndarray, weights: np.ndarray, parameters: np.ndarray, freedom: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sum of squares, its half curvature (profile, free, free) and minus its half slope (profile, free)."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore", under="ignore"):
        found, gradient = model.evaluate(parameters, x)
        residual = values - found
        jacobian = gradient @ freedom
        weighted = jacobian * weights[..., None]
        cost = np.einsum("pc,pc,pc->p", weights, residual, residual)
        curvature = np.einsum("pcf,pcg->pfg", weighted, jacobian)
        slope = np.einsum("pcf,pc->pf", weighted, residual)
    return cost, curvature, slope


def _step(curvature: np.ndarray, slope: np.ndarray, damping: np.ndarray) -> np.ndarray:
    diagonal = np.einsum("pff->pf", curvature)
    scale = np.sqrt(np.where(np.isfinite(diagonal) & (diagonal > 0), diagonal, 1.0))
    scaled = np.nan_to_num(curvature / scale[:, :, None] / scale[:, None, :], posinf=0.0, neginf=0.0)
    scaled = scaled + damping[:, None, None] * np.eye(scaled.shape[1])
    step = np.linalg.solve(scaled + 1e-14 * np.eye(scaled.shape[1]), np.nan_to_num(slope / scale)[..., None])[..., 0]
    return np.asarray(step / scale)


def _is_flat(curvature: np.ndarray, slope: np.ndarray, cost: np.ndarray) -> np.ndarray:
    diagonal = np.einsum("pff->pf", curvature)
    with np.errstate(divide="ignore", invalid="ignore"):
        gain = slope**2 / np.where(diagonal > 0, diagonal, np.inf)
    return np.asarray(np.all(np.nan_to_num(gain, nan=np.inf) <= 1e-8 * cost[:, None] + 1e-300, axis=1))


def _errors(curvature: np.ndarray, cost: np.ndarray, weights: np.ndarray, freedom: np.ndarray) -> np.ndarray:
    nfree = freedom.shape[1]
    finite = np.nan_to_num(curvature, posinf=0.0, neginf=0.0)
    diagonal = np.einsum("pff->pf", finite)
    scale = np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
    inverse = np.linalg.pinv(finite / scale[:, :, None] / scale[:, None, :], rcond=1e-13, hermitian=True)
    with np.errstate(over="ignore"):  # of profiles that ran away; the error is infinite then
        inverse = inverse / scale[:, :, None] / scale[:, None, :]
    freedoms = np.maximum(np.count_nonzero(weights > 0, axis=1) - nfree, 1)
    scatter = np.nan_to_num(cost) / freedoms
    covariance = np.einsum("af,pfg,ag->pa", freedom, inverse, freedom)
    return np.asarray(np.sqrt(np.maximum(covariance, 0.0) * scatter[:, None]))
