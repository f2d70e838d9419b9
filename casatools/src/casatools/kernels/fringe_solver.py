"""Kernels of the least squares for fringes: sums over the data of a baseline at a time, so that the work is that of the data alone.

What is left of a visibility of baseline i j is ``r = v exp(-i (p + tau x + rho y + d z))``, p, tau, rho and d the differences of the parameters of its
antennas, x and z of the channel, y of the time. With the amplitude A of the baseline the sum of squares is ``sum w |r - A|^2``; its derivatives by the
phase are ``-2 w A Im r``, and the second ones ``2 w A^2`` near the solution.

References
----------
Schwab & Cotton 1983, AJ 88, 688 (global fringe fitting).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from casatools.kernels._kernel import kernel

__all__ = ["fringe_normal_equations"]


@kernel
def turn_back(vis: Any, b: int, across: Any, along: Any, curved: Any, change: Any, turn: Any, left: Any) -> None:
    """What fringes leave of a baseline.

    Parameters
    ----------
    vis : ndarray (time, baseline, chan) complex128
    b : int
    across, curved : ndarray (chan,) float64 [rad per unit]
    along : ndarray (time,) float64 [rad per unit]
    change : ndarray (4,) float64
        Phase, delay, rate and dispersion of the baseline.
    turn : ndarray (chan,) complex128
        Work space.
    left : ndarray (time, chan) complex128
        Out.
    """
    for c in range(len(across)):
        phase = change[0] + change[1] * across[c] + change[3] * curved[c]
        turn[c] = complex(np.cos(phase), -np.sin(phase))
    for t in range(len(along)):
        phase = change[2] * along[t]
        own = complex(np.cos(phase), -np.sin(phase))
        for c in range(len(across)):
            left[t, c] = vis[t, b, c] * turn[c] * own


@kernel
def baseline_sums(
    weight: Any, b: int, left: Any, amplitude: float, across: Any, along: Any, curved: Any, block: Any, pull: Any
) -> None:
    """Second and first derivatives of half the sum of squares of a baseline.

    Parameters
    ----------
    weight : ndarray (time, baseline, chan) float64
    b : int
    left : ndarray (time, chan) complex128
    amplitude : float
    across, along, curved : ndarray
        As in `turn_back`.
    block, pull : ndarray (4, 4), (4,) float64
        Out; above the diagonal only.
    """
    block[:], pull[:] = 0.0, 0.0
    for t in range(len(along)):
        w0 = wx = wz = wxx = wxz = wzz = s0 = sx = sz = 0.0
        for c in range(len(across)):
            w, x, z = weight[t, b, c] * amplitude, across[c], curved[c]
            s = w * left[t, c].imag
            w *= amplitude
            w0, wx, wz = w0 + w, wx + w * x, wz + w * z
            wxx, wxz, wzz = wxx + w * x * x, wxz + w * x * z, wzz + w * z * z
            s0, sx, sz = s0 + s, sx + s * x, sz + s * z
        y = along[t]
        pull[0], pull[1], pull[2], pull[3] = pull[0] + s0, pull[1] + sx, pull[2] + s0 * y, pull[3] + sz
        block[0, 0], block[0, 1], block[0, 2], block[0, 3] = (
            block[0, 0] + w0,
            block[0, 1] + wx,
            block[0, 2] + w0 * y,
            block[0, 3] + wz,
        )
        block[1, 1], block[1, 2], block[1, 3] = block[1, 1] + wxx, block[1, 2] + wx * y, block[1, 3] + wxz
        block[2, 2], block[2, 3], block[3, 3] = block[2, 2] + w0 * y * y, block[2, 3] + wz * y, block[3, 3] + wzz


@kernel
def add_baseline(i: int, j: int, b: int, block: Any, pull: Any, own: Any, link: Any, right: Any) -> None:
    """Add the derivatives by the phase of a baseline to those by the parameters of its antennas, which are of opposite signs."""
    for p in range(4):
        right[4 * i + p] += pull[p]
        right[4 * j + p] -= pull[p]
        for q in range(4):
            value = block[min(p, q), max(p, q)]
            own[i, p, q] += value
            own[j, p, q] += value
            link[b, p, q] -= value


@kernel
def fringe_normal_equations(
    ant1: Any, ant2: Any, used: Any, vis: Any, weight: Any, across: Any, along: Any, curved: Any, param: Any, units: bool, own: Any, link: Any,
    right: Any,
) -> tuple[float, int, int]:  # fmt: skip
    """Normal equations of changes of fringes, and what they leave.

    Parameters
    ----------
    ant1, ant2 : ndarray (baseline,) int
    used : ndarray (ant,) bool
        Baselines of others do not count.
    vis, weight : ndarray (time, baseline, chan) complex128, float64
    across, along, curved : ndarray (chan,), (time,), (chan,) float64
        Phase (rad) of a unit of delay, rate and dispersion.
    param : ndarray (ant, 4) float64
        Phase (rad), delay, rate and dispersion.
    units : bool
        The model is of amplitude one, as visibilities are then; else each baseline has its own, the coherent mean of what is left on it.
    own, link, right : ndarray (ant, 4, 4), (baseline, 4, 4), (4 ant,) float64
        The blocks of `linked_product` and the right side, added to.

    Returns
    -------
    float, int, int
        Weighted sum of squares that is left, samples and baselines with weight.
    """
    turn, left = np.zeros(len(across), dtype=np.complex128), np.zeros((len(along), len(across)), dtype=np.complex128)
    block, pull = np.zeros((4, 4)), np.zeros(4)
    rest, samples, held = 0.0, 0, 0
    for b in range(len(ant1)):
        i, j = ant1[b], ant2[b]
        if not (used[i] and used[j]):
            continue
        turn_back(vis, b, across, along, curved, param[i] - param[j], turn, left)
        total, mean, count = 0.0, 0j, 0
        for t in range(len(along)):
            for c in range(len(across)):
                w = weight[t, b, c]
                total, mean, count = total + w, mean + w * left[t, c], count + (w > 0)
        if count == 0:
            continue
        amplitude = 1.0 if units else np.sqrt(mean.real**2 + mean.imag**2) / total
        samples, held = samples + count, held + 1
        for t in range(len(along)):
            for c in range(len(across)):
                rest += weight[t, b, c] * ((left[t, c].real - amplitude) ** 2 + left[t, c].imag ** 2)
        baseline_sums(weight, b, left, amplitude, across, along, curved, block, pull)
        add_baseline(i, j, b, block, pull, own, link, right)
    return rest, samples, held
