"""Kernel that solves gains of the least sum of absolute residuals, by reweighting.

``sum w sqrt(|r_ij - g_i conj(g_j)|^2 + e)`` is made small for softenings e that fall: each step weighs by the inverse of the softened residuals and
goes half of the way to what least squares give each antenna, the others held.

References
----------
Schwab 1981, VLA Scientific Memorandum 136 (robust solutions of gains by reweighting, and the softenings).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from casatools.kernels._kernel import kernel

__all__ = ["absolute_gains", "reweighted_step"]


@kernel
def reweighted_step(
    ant1: Any, ant2: Any, vis: Any, wgt: Any, softening: float, gain: Any, used: Any, top: Any, bottom: Any
) -> float:
    """One step of one set: moves `gain` (ant,), sets the weights `used` (n,) and returns their sum of squared residuals before the step."""
    chi2 = 0.0
    top[:] = 0
    bottom[:] = 0
    for k in range(len(vis)):
        used[k] = 0.0
        if wgt[k] > 0:
            i, j = ant1[k], ant2[k]
            a, b = gain[i], gain[j]
            left = vis[k] - a * b.conjugate()
            power = left.real**2 + left.imag**2
            w = wgt[k] / (power + softening) ** 0.5
            used[k] = w
            chi2 += w * power
            top[i] += w * left * b
            top[j] += w * left.conjugate() * a
            bottom[i] += w * (b.real**2 + b.imag**2)
            bottom[j] += w * (a.real**2 + a.imag**2)
    for ant in range(len(gain)):
        if bottom[ant] > 0:
            gain[ant] += 0.5 * top[ant] / bottom[ant]
    return chi2


@kernel
def absolute_gains(
    ant1: Any, ant2: Any, vis: Any, wgt: Any, softenings: Any, small: float, least: int, most: int, gain: Any, used: Any, information: Any, chi2: Any,
) -> None:  # fmt: skip
    """Solve sets of gains; those of one group (the receptors of an antenna) end their steps together.

    Parameters
    ----------
    ant1, ant2 : ndarray (n,) int
    vis : ndarray (group, par, n) complex128
        Visibility over model.
    wgt : ndarray (group, par, n) float64
        Zero leaves a sample out.
    softenings : ndarray (stage,) float64
        Squares that are added to those of the residuals, stage after stage.
    small : float
        Relative change of the weighted sum of squares that counts as small.
    least, most : int
        Small changes after which a stage ends, and its steps at most.
    gain : ndarray (group, par, ant) complex128
        In: the first guess; out: the solution.
    used : ndarray (group, par, n) float64
        Out: the weights at the solution.
    information : ndarray (group, par, ant) float64
        Out: ``sum w |g_j|^2`` there.
    chi2 : ndarray (group, par) float64
        Out: the weighted sum of squares there.
    """
    top = np.zeros(gain.shape[2], dtype=np.complex128)
    for group in range(vis.shape[0]):
        for softening in softenings:
            last, count = -1.0, 0
            for _ in range(most):
                for par in range(vis.shape[1]):
                    given, out = (vis[group, par], wgt[group, par]), (used[group, par], top, information[group, par])
                    chi2[group, par] = reweighted_step(ant1, ant2, *given, softening, gain[group, par], *out)
                total = chi2[group].sum()
                if last >= 0 and abs(total - last) <= small * total:
                    count += 1
                last = total
                if count >= least:
                    break
        for par in range(vis.shape[1]):  # what holds at the solution: the step of a copy
            given, out = (vis[group, par], wgt[group, par]), (used[group, par], top, information[group, par])
            chi2[group, par] = reweighted_step(ant1, ant2, *given, softenings[-1], gain[group, par].copy(), *out)
