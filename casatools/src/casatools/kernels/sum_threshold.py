"""Loops of the SumThreshold detector and of the scale-invariant-rank operator.

References
----------
A. R. Offringa et al., MNRAS 405, 155 (2010): SumThreshold, background by a Gaussian-weighted window. A. R. Offringa et al., A&A 539,
A95 (2012): scale-invariant-rank operator, eq. 6.
"""

from __future__ import annotations

import math

import numpy as np

from casatools.kernels._kernel import kernel

__all__ = ["dilate", "robust_level", "smooth_background", "sum_threshold", "threshold_baselines", "threshold_line"]

_LONGEST = 64
_RATIO = 1.5


@kernel
def smooth_line(values: np.ndarray, weights: np.ndarray, taps: np.ndarray, fit: np.ndarray, weight: np.ndarray) -> None:
    """Weighted local lines through `values`, under `taps` (2 half + 1) times `weights`: their middles into `fit`, sums into `weight`.

    Lines, not means, so that the slope of a bandpass does not look like interference at its ends.
    """
    half, n = len(taps) // 2, len(values)
    for k in range(n):
        s0, s1, s2, t0, t1 = 0.0, 0.0, 0.0, 0.0, 0.0
        for m in range(max(0, k - half), min(n, k + half + 1)):
            g, d = taps[m - k + half] * weights[m], float(m - k)
            s0 += g
            s1 += g * d
            s2 += g * d * d
            t0 += g * values[m]
            t1 += g * values[m] * d
        weight[k] = s0
        determinant = s0 * s2 - s1 * s1
        if determinant > 1e-3 * s0 * s0:
            fit[k] = (s2 * t0 - s1 * t1) / determinant
        else:
            fit[k] = t0 / s0 if s0 > 1e-12 else 0.0


@kernel
def smooth_background(plane: np.ndarray, bad: np.ndarray, taps_time: np.ndarray, taps_freq: np.ndarray, out: np.ndarray) -> None:
    """Gaussian-weighted local lines along time, then frequency, of what is not flagged of `plane` (time, chan) into `out`."""
    ntime, nchan = plane.shape
    fit, weight = np.empty((nchan, ntime)), np.empty((nchan, ntime))
    for chan in range(nchan):
        smooth_line(plane[:, chan].copy(), np.where(bad[:, chan], 0.0, 1.0), taps_time, fit[chan], weight[chan])
    ignored = np.empty(nchan)
    for t in range(ntime):
        smooth_line(fit[:, t].copy(), weight[:, t].copy(), taps_freq, out[t], ignored)


@kernel
def robust_level(plane: np.ndarray, bad: np.ndarray) -> tuple[float, float]:
    """Median, and 1.4826 times the median absolute deviation, of what is not flagged."""
    held = np.empty(plane.size)
    count = 0
    for t in range(plane.shape[0]):
        for chan in range(plane.shape[1]):
            if not bad[t, chan]:
                held[count] = plane[t, chan]
                count += 1
    if count == 0:
        return 0.0, 0.0
    middle = np.median(held[:count])
    return middle, 1.4826 * np.median(np.abs(held[:count] - middle))


@kernel
def threshold_line(values: np.ndarray, bad: np.ndarray, length: int, limit: float, out: np.ndarray) -> None:
    """Set `out` in every run of `length` samples whose unflagged ones average beyond `limit`; `bad` is what is flagged already."""
    total, count = 0.0, 0
    for k in range(len(values)):
        if not bad[k]:
            total += values[k]
            count += 1
        if k >= length and not bad[k - length]:
            total -= values[k - length]
            count -= 1
        if k >= length - 1 and count > 0 and abs(total) > limit * count:
            out[k - length + 1 : k + 1] = True


@kernel
def sum_threshold(plane: np.ndarray, bad: np.ndarray, base: float) -> None:
    """Flag sums of 1, 2, 4 … samples along time and frequency against limits that fall by 1.5 for every doubling."""
    ntime, nchan = plane.shape
    length, limit = 1, base
    while length <= _LONGEST and base > 0.0:
        found = bad.copy()
        if length <= nchan:
            for t in range(ntime):
                threshold_line(plane[t], bad[t], length, limit, found[t])
        if length <= ntime and length > 1:
            for chan in range(nchan):
                column = found[:, chan].copy()
                threshold_line(plane[:, chan].copy(), bad[:, chan].copy(), length, limit, column)
                found[:, chan] = column
        bad[:] = found
        length *= 2
        limit /= _RATIO


@kernel
def dilate(flags: np.ndarray, share: float, out: np.ndarray) -> None:
    """Scale-invariant rank: set `out` in every stretch of which at least the part ``1 - share`` is flagged."""
    n = len(flags)
    sums, lowest = np.empty(n + 1), np.empty(n + 1)
    sums[0] = lowest[0] = 0.0
    for k in range(n):
        sums[k + 1] = sums[k] + (share if flags[k] else share - 1.0)
        lowest[k + 1] = min(lowest[k], sums[k + 1])
    highest = sums[n]
    for k in range(n - 1, -1, -1):
        highest = max(highest, sums[k + 1])
        out[k] = flags[k] or highest - lowest[k] >= 0.0


@kernel
def threshold_baselines(
    values: np.ndarray,
    hidden: np.ndarray,
    index: np.ndarray,
    span: tuple[int, int],
    part: int,
    taps: tuple[np.ndarray, np.ndarray],
    levels: np.ndarray,
    share: float,
    bad: np.ndarray,
) -> None:
    """Find interference on the baselines of `span`; `levels` are the limits of one sample, in sigma, of one round after another."""
    ntime, nchan = index.shape[1], values.shape[1]
    plane, away = np.empty((ntime, nchan)), np.empty((ntime, nchan))
    before, flags = np.empty((ntime, nchan), np.bool_), np.empty((ntime, nchan), np.bool_)
    for baseline in range(span[0], span[1]):
        for product in range(values.shape[2]):
            for t in range(ntime):
                row = index[baseline, t]
                for chan in range(nchan):
                    before[t, chan] = row < 0 or hidden[row, chan, product]
                    value = values[row, chan, product] if row >= 0 else values[0, 0, 0]
                    size = math.sqrt(np.float64(value.real) ** 2 + np.float64(value.imag) ** 2)
                    plane[t, chan] = 0.0 if before[t, chan] else (size if part == 0 else np.float64(value.real))
            flags[:] = before
            for level in levels:
                smooth_background(plane, flags, taps[0], taps[1], away)
                away[:] = plane - away
                middle, sigma = robust_level(away, flags)
                away -= middle
                flags[:] = before
                sum_threshold(away, flags, level * sigma)
            spread_flags(flags, before, share)
            for t in range(ntime):
                if index[baseline, t] >= 0:
                    for chan in range(nchan):
                        bad[index[baseline, t], chan, product] |= flags[t, chan]


@kernel
def spread_flags(flags: np.ndarray, before: np.ndarray, share: float) -> None:
    """Dilate what was found, not what was flagged `before`, along both axes; both look at the flags as they were."""
    found = flags & ~before
    line = np.empty(max(flags.shape), np.bool_)
    for t in range(flags.shape[0]):
        dilate(found[t], share, line[: flags.shape[1]])
        flags[t] |= line[: flags.shape[1]]
    for chan in range(flags.shape[1]):
        dilate(found[:, chan].copy(), share, line[: flags.shape[0]])
        flags[:, chan] |= line[: flags.shape[0]]
