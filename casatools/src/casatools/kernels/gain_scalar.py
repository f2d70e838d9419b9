"""Scalar antenna gains from baseline products.

References
----------
Salvini & Wijnholds 2014, A&A 571, A97: alternating least squares for antenna gains (StEFCal), whose averaged steps are used here.
"""

from __future__ import annotations

import numpy as np

from casatools.kernels._kernel import kernel

__all__ = ["count_baselines", "solve_gains", "solve_one"]


@kernel
def count_baselines(mm: np.ndarray, ant1: np.ndarray, ant2: np.ndarray, least: int, good: np.ndarray) -> None:
    """Take antennas with fewer than `least` baselines to other usable antennas out, until nothing changes.

    Parameters
    ----------
    mm : ndarray (baseline,) float64
        Positive where the baseline has data.
    ant1, ant2 : ndarray (baseline,) int64
    least : int
    good : ndarray (ant,) bool
        True where an antenna may be solved; changed in place.
    """
    nant = good.shape[0]
    count = np.zeros(nant, dtype=np.int64)
    changed = True
    while changed:
        changed = False
        count[:] = 0
        for b in range(mm.shape[0]):
            i, j = ant1[b], ant2[b]
            if mm[b] > 0.0 and good[i] and good[j]:
                count[i] += 1
                count[j] += 1
        for i in range(nant):
            if good[i] and count[i] < max(least, 1):
                good[i] = False
                changed = True


@kernel
def solve_one(
    vm: np.ndarray, mm: np.ndarray, ant1: np.ndarray, ant2: np.ndarray, good: np.ndarray, mode: int, gain: np.ndarray
) -> int:
    """Solve ``vm / mm = g_i conj(g_j)`` in the least squares sense for the good antennas.

    Parameters
    ----------
    vm : ndarray (baseline,) complex128
    mm : ndarray (baseline,) float64
    ant1, ant2 : ndarray (baseline,) int64
    good : ndarray (ant,) bool
    mode : int
        0 complex gains, 1 phases only, 2 amplitudes only.
    gain : ndarray (ant,) complex128
        Start and result.

    Returns
    -------
    int
        Iterations; 0 when it did not converge.
    """
    nant = gain.shape[0]
    top = np.empty(nant, dtype=np.complex128)
    bottom = np.empty(nant)
    for iteration in range(1, 501):
        top[:] = 0.0
        bottom[:] = 0.0
        for b in range(vm.shape[0]):
            i, j = ant1[b], ant2[b]
            if mm[b] > 0.0 and good[i] and good[j]:
                top[i] += vm[b] * gain[j]
                bottom[i] += mm[b] * (gain[j].real ** 2 + gain[j].imag ** 2)
                top[j] += np.conj(vm[b]) * gain[i]
                bottom[j] += mm[b] * (gain[i].real ** 2 + gain[i].imag ** 2)
        change, size = 0.0, 0.0
        for i in range(nant):
            if good[i] and bottom[i] > 0.0:
                new = top[i] / bottom[i]
                if mode == 1:
                    new = new / max(abs(new), 1e-300)
                elif mode == 2:
                    new = np.complex128(abs(new))
                # Every second step is the mean of the last two: the plain alternation swings about the answer.
                if iteration % 2 == 0 and mode != 1:
                    new = 0.5 * (new + gain[i])
                elif mode == 1:
                    new = new + gain[i]
                    new = new / max(abs(new), 1e-300) if abs(new) > 1e-12 else 1j * gain[i]
                step = new - gain[i]
                change += step.real**2 + step.imag**2
                size += new.real**2 + new.imag**2
                gain[i] = new
        if change <= 1e-20 * size:
            return iteration
    return 0


@kernel
def solve_gains(
    vm: np.ndarray,
    mm: np.ndarray,
    ant1: np.ndarray,
    ant2: np.ndarray,
    nant: int,
    mode: int,
    least: int,
    gain: np.ndarray,
    error: np.ndarray,
    usable: np.ndarray,
) -> None:
    """Solve many independent problems, with formal errors scaled by the residuals.

    Parameters
    ----------
    vm : ndarray (problem, baseline) complex128
    mm : ndarray (problem, baseline) float64
    ant1, ant2 : ndarray (baseline,) int64
    nant, mode, least : int
        As for `solve_one` and `count_baselines`.
    gain : ndarray (problem, ant) complex128
        Result; 1 where an antenna could not be solved.
    error : ndarray (problem, ant) float64
        Standard error of the real or imaginary part of the gain, 0 where not solved.
    usable : ndarray (problem, ant) int8
        0 no data, 1 too few baselines, 2 not converged, 3 solved.
    """
    for p in range(vm.shape[0]):
        good = np.zeros(nant, dtype=np.bool_)
        for b in range(mm.shape[1]):
            if mm[p, b] > 0.0:
                good[ant1[b]] = True
                good[ant2[b]] = True
        for i in range(nant):
            usable[p, i] = 1 if good[i] else 0
        count_baselines(mm[p], ant1, ant2, least, good)
        start_gains(vm[p], mm[p], ant1, ant2, good, mode, gain[p])
        done = solve_one(vm[p], mm[p], ant1, ant2, good, mode, gain[p])
        formal_errors(vm[p], mm[p], ant1, ant2, good, mode, gain[p], error[p])
        for i in range(nant):
            if good[i]:
                usable[p, i] = 3 if done > 0 else 2
            else:
                gain[p, i] = 1.0


@kernel
def start_gains(
    vm: np.ndarray, mm: np.ndarray, ant1: np.ndarray, ant2: np.ndarray, good: np.ndarray, mode: int, gain: np.ndarray
) -> None:
    """First guess: phases relative to the antenna with most weight, amplitude from the mean visibility amplitude; arguments as before."""
    nant = gain.shape[0]
    weight = np.zeros(nant)
    total, norm = 0.0, 0.0
    for b in range(vm.shape[0]):
        if mm[b] > 0.0 and good[ant1[b]] and good[ant2[b]]:
            weight[ant1[b]] += abs(vm[b])
            weight[ant2[b]] += abs(vm[b])
            total += abs(vm[b])
            norm += mm[b]
    best = np.argmax(weight)
    scale = np.sqrt(total / norm) if mode != 1 and norm > 0.0 else 1.0
    gain[:] = scale
    if mode == 2:
        return
    for b in range(vm.shape[0]):
        if mm[b] > 0.0 and abs(vm[b]) > 0.0:
            if ant2[b] == best:
                gain[ant1[b]] = scale * vm[b] / abs(vm[b])
            elif ant1[b] == best:
                gain[ant2[b]] = scale * np.conj(vm[b]) / abs(vm[b])


@kernel
def formal_errors(
    vm: np.ndarray,
    mm: np.ndarray,
    ant1: np.ndarray,
    ant2: np.ndarray,
    good: np.ndarray,
    mode: int,
    gain: np.ndarray,
    error: np.ndarray,
) -> None:
    """Standard errors from the curvature of chi-squared, scaled by the residuals of the baseline averages; arguments as before."""
    nant = gain.shape[0]
    curvature = np.zeros(nant)
    chi2, count, solved = 0.0, 0, 0
    for b in range(vm.shape[0]):
        i, j = ant1[b], ant2[b]
        if mm[b] > 0.0 and good[i] and good[j]:
            r = vm[b] / mm[b] - gain[i] * np.conj(gain[j])
            chi2 += mm[b] * (r.real**2 + r.imag**2)
            curvature[i] += mm[b] * abs(gain[j]) ** 2
            curvature[j] += mm[b] * abs(gain[i]) ** 2
            count += 1
    for i in range(nant):
        solved += 1 if good[i] else 0
    freedom = 2 * count - 2 * solved
    scale = np.sqrt(chi2 / freedom) if freedom > 0 else 1.0
    for i in range(nant):
        error[i] = scale / np.sqrt(curvature[i]) if good[i] and curvature[i] > 0.0 else 0.0
