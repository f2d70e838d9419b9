"""Robust solving of diagonal gains: the least sum of absolute residuals, and outliers left out."""

from __future__ import annotations

import numpy as np

from casatools._base.threads import over_rows
from casatools.calibration.solve_options import SolveOptions
from casatools.kernels.absolute_gains import absolute_gains
from casatools.kernels.gain_solver import solve_gains

__all__ = ["first_guess", "robust_gains"]

_TOLERANCE = 1e-9
_MOST_STEPS = 1000
# Visibilities that are worth a thread.
_THREAD_SAMPLES = 10_000
# Squares by which the residuals of an L1 solve are softened, relative to the model (Schwab 1981), the change of the sum of squares that is small, how
# many small changes end a stage, and its steps at most: the solutions then are those of the reference, which do not go on to the minimum.
_SOFTENINGS = np.array([5e-3, 5e-4, 5e-5])
_SMALL, _LEAST, _MOST = 0.1, 5, 50
Solved = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def _least_squares(ant1: np.ndarray, ant2: np.ndarray, vis: np.ndarray, weight: np.ndarray, nant: int) -> Solved:
    """Gains (set, ant), their information (set, ant), sums of weighted squares (set,) and whether they converged (set,)."""
    count = len(vis)
    gain, information = np.ones((count, nant), dtype=np.complex128), np.zeros((count, nant))
    chi2, done = np.zeros(count), np.zeros(count, dtype=bool)
    vis, weight = np.ascontiguousarray(vis), np.ascontiguousarray(weight)

    def some(a: int, b: int) -> None:
        solve_gains(ant1, ant2, vis[a:b], weight[a:b], _TOLERANCE, _MOST_STEPS, gain[a:b], information[a:b], chi2[a:b], done[a:b])

    # Threads of ours: loading what numba runs loops in parallel with takes longer than most solves.
    over_rows(some, count, max(1, _THREAD_SAMPLES // max(vis.shape[1], 1)))
    return gain, information, chi2, done


def _residual(ant1: np.ndarray, ant2: np.ndarray, vis: np.ndarray, gain: np.ndarray) -> np.ndarray:
    return np.abs(vis - gain[:, ant1] * gain[:, ant2].conj())


def first_guess(
    ant1: np.ndarray, ant2: np.ndarray, vis: np.ndarray, weight: np.ndarray, nant: int, npar: int, reference: int
) -> np.ndarray:
    """Gains (set, ant) from the baselines to one antenna, whose own amplitude is the root of the mean of theirs; that where an antenna has no data.

    Parameters
    ----------
    ant1, ant2 : ndarray (baseline,) int
    vis, weight : ndarray (set, baseline)
        Of the first average of each interval; `npar` sets after each other are the receptors.
    reference : int
        The antenna; where it has no data, the first that has.
    """
    pair = np.zeros((len(vis), nant, nant), dtype=np.complex128)
    held = np.zeros(pair.shape, dtype=bool)
    pair[:, ant1, ant2], pair[:, ant2, ant1] = vis, vis.conj()
    held[:, ant1, ant2] = held[:, ant2, ant1] = weight > 0
    some = np.any(held.any(axis=2).reshape(-1, npar, nant), axis=1)
    chosen = np.where(some[:, max(reference, 0)] & (reference >= 0), reference, np.argmax(some, axis=1)).repeat(npar)
    every = np.arange(len(vis))
    to, good = pair[every, :, chosen], held[every, :, chosen]
    count = good.reshape(-1, npar * nant).sum(axis=1)
    mean = np.where(good, np.abs(to), 0.0).reshape(-1, npar * nant).sum(axis=1) / np.maximum(count, 1)
    level = np.sqrt(np.where(mean > 0, mean, 1.0)).repeat(npar)[:, None]
    gain = np.where(good & (np.abs(to) > 0), to / level, level)
    gain[every, chosen] = level[:, 0]
    return gain


def _least_absolute(
    ant1: np.ndarray, ant2: np.ndarray, vis: np.ndarray, weight: np.ndarray, guess: np.ndarray, npar: int
) -> tuple[Solved, np.ndarray]:
    """Gains of a small sum of weighted absolute residuals, and the weights (set, sample) that make them those of least squares."""
    nant, nsample = guess.shape[1], vis.shape[1]
    shape = (-1, npar, nsample)
    by_group, weight = np.ascontiguousarray(vis).reshape(shape), np.ascontiguousarray(weight).reshape(shape)
    gain, used = np.ascontiguousarray(guess).reshape(-1, npar, nant).copy(), np.zeros(by_group.shape)
    information, chi2 = np.zeros(gain.shape), np.zeros(gain.shape[:2])

    def some(a: int, b: int) -> None:
        out = gain[a:b], used[a:b], information[a:b], chi2[a:b]
        absolute_gains(ant1, ant2, by_group[a:b], weight[a:b], _SOFTENINGS, _SMALL, _LEAST, _MOST, *out)

    over_rows(some, len(by_group), max(1, _THREAD_SAMPLES // max(npar * nsample, 1)))
    done = np.ones(len(vis), dtype=bool)
    return (gain.reshape(-1, nant), information.reshape(-1, nant), chi2.reshape(-1), done), used.reshape(-1, nsample)


def robust_gains(
    ant1: np.ndarray, ant2: np.ndarray, vis: np.ndarray, weight: np.ndarray, guess: np.ndarray, npar: int, options: SolveOptions
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Solve with the solmode: least squares, least absolute deviations (reweighted), outliers left out.

    Parameters
    ----------
    ant1, ant2 : ndarray (sample,) int
    vis, weight : ndarray (set, sample)
    guess : ndarray (set, ant) complex128
        See `first_guess`; least squares do not need one.
    npar : int
        Sets after each other that are the receptors of an antenna.

    Returns
    -------
    tuple of ndarray
        Gains, information, sum of squares, whether they converged, and the weights.
    """
    absolute = "L1" in options.solmode

    def solved_with(base: np.ndarray, start: np.ndarray) -> tuple[Solved, np.ndarray]:
        if absolute:
            return _least_absolute(ant1, ant2, vis, base, start, npar)
        return _least_squares(ant1, ant2, vis, base, guess.shape[1]), base

    solved, used = solved_with(weight, guess)
    base = weight
    for threshold in options.thresholds:
        # Residuals are compared without their weights, with an rms that is weighted.
        residual = np.where(weight > 0, _residual(ant1, ant2, vis, solved[0]), 0.0)
        total = base.sum(axis=1)
        rms = np.sqrt((base * residual**2).sum(axis=1) / np.where(total > 0, total, 1.0))
        outlier = residual > threshold * rms[:, None]
        # What is left out of a least-squares solve of phases may come back, as in the reference.
        if options.calmode != "p" or absolute:
            outlier |= base == 0
        before, base = base, np.where(outlier, 0.0, weight)
        if absolute or ((base == 0) != (before == 0)).any():
            solved, used = solved_with(base, solved[0])
    return (*solved, used)
