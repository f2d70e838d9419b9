"""Kernels that average visibilities for a solve and solve antenna gains from them.

The model of a baseline is ``r_ij = g_i conj(g_j)`` with r the visibility divided by its model, weighted by
``w = weight |model|^2``. The least-squares gains are found antenna by antenna, holding the others (alternating direction
implicit), with the mean of old and new values in every second step.

References
----------
Salvini & Wijnholds 2014, A&A 571, A97 (StefCal); Thompson & D'Addario 1982, Radio Science 17, 357 (gain solutions);
Schwab 1981, VLA Scientific Memorandum 136 (robust solutions).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from casatools.kernels._kernel import kernel

__all__ = [
    "accumulate_dark",
    "accumulate_normalized",
    "accumulate_visibilities",
    "gain_step",
    "join_flags",
    "solve_gain",
    "solve_gains",
]


@kernel
def join_flags(flag: Any) -> None:
    """Flag all correlations where one is flagged; one that is flagged throughout leaves the others as they are.

    `flag` (row, chan, corr) bool is changed in place.
    """
    nrow, nchan, ncorr = flag.shape
    dead = np.ones(ncorr, dtype=np.bool_)
    left = ncorr
    for row in range(nrow):
        if left == 0:
            break
        for chan in range(nchan):
            for c in range(ncorr):
                if dead[c] and not flag[row, chan, c]:
                    dead[c] = False
                    left -= 1
    for row in range(nrow):
        for chan in range(nchan):
            spoilt = False
            for c in range(ncorr):
                spoilt |= flag[row, chan, c] and not dead[c]
            if spoilt:
                flag[row, chan, :] = True


@kernel
def accumulate_normalized(
    data: Any, model: Any, flag: Any, weight: Any, slot: Any, place: Any, corr: Any, time: Any, modelled: bool, vis: Any, wgt: Any, when: Any,
    seen: Any,
) -> None:  # fmt: skip
    """Add visibilities divided by their model, weighted by weight |model|^2, to their slots.

    Parameters
    ----------
    data : ndarray (row, chan, corr) complex64
    model : ndarray (row or 1, chan or 1, corr) complex64
    flag : ndarray (row, chan, corr) bool
    weight : ndarray (row, chan or 1, corr) float32
    slot : ndarray (row,) int
        Interval times baseline; negative leaves a row out.
    place : ndarray (chan,) int
        Solution channel of each channel; negative leaves it out.
    corr : ndarray (par,) int
        Correlation of each parameter; negative where the data have none.
    time : ndarray (row,) float64
        [s] from the reference time.
    vis : ndarray (slot, out, par) complex128
        Sum of ``w V / M = weight V conj(M)``; added to.
    wgt : ndarray (slot, out, par) float64
        Sum of w; added to.
    when : ndarray (slot,) float64
        Sum of ``weight time`` over all correlations, times |model|^2 where `modelled`; added to.
    seen : ndarray (slot,) float64
        Sum of these weights; added to.
    """
    wide, varies = weight.shape[1] > 1, model.shape[0] > 1
    for row in range(data.shape[0]):
        s = slot[row]
        if s < 0:
            continue
        source = model[row if varies else 0]
        total = 0.0
        for chan in range(data.shape[1]):
            o = place[chan]
            if o < 0:
                continue
            for par in range(len(corr)):
                c = corr[par]
                if c < 0 or flag[row, chan, c]:
                    continue
                m = source[chan if varies else 0, c]
                base = np.float64(weight[row, chan if wide else 0, c])
                w = base * (np.float64(m.real) ** 2 + np.float64(m.imag) ** 2)
                if w > 0:
                    vis[s, o, par] += base * np.complex128(data[row, chan, c]) * np.conj(np.complex128(m))
                    wgt[s, o, par] += w
            for c in range(data.shape[2]):
                if not flag[row, chan, c]:
                    m = source[chan if varies else 0, c]
                    power = np.float64(m.real) ** 2 + np.float64(m.imag) ** 2 if modelled else 1.0
                    total += weight[row, chan if wide else 0, c] * power
        when[s] += total * time[row]
        seen[s] += total


@kernel
def accumulate_dark(data: Any, model: Any, flag: Any, weight: Any, slot: Any, place: Any, vis: Any, wgt: Any) -> None:
    """Add visibilities of correlations in which the model is zero to their slots: no gain can change them, but they hold noise.

    As `accumulate_normalized`; `vis` (slot, out, corr) complex128 and `wgt` float64 take ``weight V`` and ``weight``.
    """
    wide, varies = weight.shape[1] > 1, model.shape[0] > 1
    for row in range(data.shape[0]):
        s = slot[row]
        if s < 0:
            continue
        for c in range(data.shape[2]):
            for chan in range(data.shape[1]):
                o = place[chan]
                if o < 0 or flag[row, chan, c] or model[row if varies else 0, chan if varies else 0, c] != 0:
                    continue
                w = np.float64(weight[row, chan if wide else 0, c])
                vis[s, o, c] += w * np.complex128(data[row, chan, c])
                wgt[s, o, c] += w


@kernel
def accumulate_visibilities(
    data: Any,
    model: Any,
    flag: Any,
    weight: Any,
    slot: Any,
    place: Any,
    time: Any,
    vis: Any,
    mod: Any,
    wgt: Any,
    when: Any,
    seen: Any,
) -> None:
    """Add all correlations of visibilities and of their model to their slots, without dividing.

    As `accumulate_normalized`; `vis` and `mod` (slot, out, corr) complex128 take ``weight V`` and ``weight M``.
    """
    wide, varies = weight.shape[1] > 1, model.shape[0] > 1
    for row in range(data.shape[0]):
        s = slot[row]
        if s < 0:
            continue
        source = model[row if varies else 0]
        for chan in range(data.shape[1]):
            o = place[chan]
            if o < 0:
                continue
            for c in range(data.shape[2]):
                w = np.float64(weight[row, chan if wide else 0, c])
                if flag[row, chan, c] or not w > 0:
                    continue
                seen[s] += w
                vis[s, o, c] += w * np.complex128(data[row, chan, c])
                mod[s, o, c] += w * np.complex128(source[chan if varies else 0, c])
                wgt[s, o, c] += w
                when[s] += w * time[row]


@kernel
def gain_step(ant1: Any, ant2: Any, vis: Any, wgt: Any, gain: Any, top: Any, bottom: Any) -> None:
    """Normal products of each antenna holding the others: ``top_i = sum w r_ij g_j``, ``bottom_i = sum w |g_j|^2``.

    `ant1`, `ant2` (n,) int; `vis` (n,) complex128; `wgt` (n,) float64; `gain`, `top` (ant,) complex128, `bottom` (ant,) float64.
    """
    top[:] = 0
    bottom[:] = 0
    for k in range(len(vis)):
        w = wgt[k]
        if w > 0:
            i, j = ant1[k], ant2[k]
            gi, gj = gain[i], gain[j]
            top[i] += w * vis[k] * gj
            bottom[i] += w * (gj.real**2 + gj.imag**2)
            top[j] += w * np.conj(vis[k]) * gi
            bottom[j] += w * (gi.real**2 + gi.imag**2)


@kernel
def solve_gain(ant1: Any, ant2: Any, vis: Any, wgt: Any, tolerance: float, most: int, gain: Any, information: Any) -> bool:
    """Solve one set of gains.

    Parameters
    ----------
    ant1, ant2 : ndarray (n,) int
    vis : ndarray (n,) complex128
        Visibility over model.
    wgt : ndarray (n,) float64
        Zero leaves a sample out.
    tolerance : float
        Largest relative change of a gain at which to stop.
    most : int
        Steps at most.
    gain : ndarray (ant,) complex128
        In: the first guess; out: the solution, zero where there are no data.
    information : ndarray (ant,) float64
        Out: ``sum w |g_j|^2``, the inverse variance for unit weight.

    Returns
    -------
    bool
        Whether the steps converged.
    """
    top = np.zeros_like(gain)
    size = np.zeros(len(gain))
    for step in range(most):
        gain_step(ant1, ant2, vis, wgt, gain, top, size)
        change, scale = 0.0, 0.0
        for a in range(len(gain)):
            new = top[a] / size[a] if size[a] > 0 else 0.0 * top[a]
            if step % 2 == 1:
                new = 0.5 * (new + gain[a])
            change = max(change, abs(new - gain[a]))
            scale = max(scale, abs(new))
            gain[a] = new
        if step % 2 == 0 and change <= tolerance * scale:
            gain_step(ant1, ant2, vis, wgt, gain, top, information)
            return True
    gain_step(ant1, ant2, vis, wgt, gain, top, information)
    return False


@kernel
def first_guess(ant1: Any, ant2: Any, vis: Any, wgt: Any, gain: Any) -> None:
    """A first guess: amplitudes from the mean baseline, phases along baselines from the best connected antenna."""
    nant = len(gain)
    level, total = 0.0, 0.0
    strength = np.zeros(nant)
    for k in range(len(vis)):
        if wgt[k] > 0:
            level += wgt[k] * abs(vis[k])
            total += wgt[k]
            strength[ant1[k]] += wgt[k]
            strength[ant2[k]] += wgt[k]
    amplitude = np.sqrt(level / total) if total > 0 else 1.0
    centre = np.argmax(strength)
    gain[:] = amplitude
    for k in range(len(vis)):
        if wgt[k] > 0 and abs(vis[k]) > 0:
            if ant2[k] == centre:
                gain[ant1[k]] = amplitude * vis[k] / abs(vis[k])
            elif ant1[k] == centre:
                gain[ant2[k]] = amplitude * np.conj(vis[k]) / abs(vis[k])


@kernel
def residual_power(ant1: Any, ant2: Any, vis: Any, wgt: Any, gain: Any, out: Any) -> float:
    """``w |r_ij - g_i conj(g_j)|^2`` of each sample into `out` (n,) float64; returns the sum."""
    total = 0.0
    for k in range(len(vis)):
        left = vis[k] - gain[ant1[k]] * np.conj(gain[ant2[k]])
        out[k] = wgt[k] * (left.real**2 + left.imag**2)
        total += out[k]
    return total


@kernel
def solve_gains(
    ant1: Any,
    ant2: Any,
    vis: Any,
    wgt: Any,
    tolerance: float,
    most: int,
    gain: Any,
    information: Any,
    chi2: Any,
    done: Any,
) -> None:
    """Solve many independent sets of gains at once.

    `vis` (set, n) complex128, `wgt` (set, n) float64, `gain` (set, ant) complex128 and `information` (set, ant) float64,
    `chi2` (set,) float64 and `done` (set,) bool are set. The rest is as for `solve_gain`.
    """
    for k in range(vis.shape[0]):
        first_guess(ant1, ant2, vis[k], wgt[k], gain[k])
        done[k] = solve_gain(ant1, ant2, vis[k], wgt[k], tolerance, most, gain[k], information[k])
        chi2[k] = residual_power(ant1, ant2, vis[k], wgt[k], gain[k], np.empty(vis.shape[1]))
