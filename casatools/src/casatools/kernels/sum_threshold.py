"""Loops of the SumThreshold detector and of the scale-invariant-rank operator.

Loops run along the first axis of a plane with the second one inside, so that they work on many samples at once; the other direction
gets the plane turned.

References
----------
A. R. Offringa et al., MNRAS 405, 155 (2010): SumThreshold, background by a Gaussian-weighted window. A. R. Offringa et al., A&A 539,
A95 (2012): scale-invariant-rank operator, eq. 6.
"""

from __future__ import annotations

import math

import numpy as np

from casatools.kernels._kernel import kernel
from casatools.kernels.rflag import median_in_place
from casatools.kernels.tfcrop import component

__all__ = [
    "dilate",
    "load_plane",
    "excess",
    "robust_level",
    "run_means",
    "smooth_axis",
    "smooth_background",
    "spread_flags",
    "sum_threshold",
    "threshold_axis",
    "threshold_baselines",
]

_FEWEST = 30  # Fewer runs do not tell how they scatter.
_LONGEST = 64
_RATIO = 1.5


@kernel
def smooth_axis(weight: np.ndarray, product: np.ndarray, taps: np.ndarray, fit: np.ndarray, total: np.ndarray) -> None:
    """Local lines along the first axis under `taps` (2 half + 1) times `weight`: their middles into `fit`, sums of weights into `total`.

    All arrays are (sample, series) float32; `product` is `weight` times the values. Lines, not means, so that the slope of a bandpass
    does not look like interference at its ends.
    """
    n, wide = weight.shape
    half = len(taps) // 2
    s0, s1, s2 = np.empty(wide, np.float32), np.empty(wide, np.float32), np.empty(wide, np.float32)
    t0, t1 = np.empty(wide, np.float32), np.empty(wide, np.float32)
    for k in range(n):
        s0[:], s1[:], s2[:], t0[:], t1[:] = 0.0, 0.0, 0.0, 0.0, 0.0
        for m in range(max(0, k - half), min(n, k + half + 1)):
            g = taps[m - k + half]
            gd = np.float32(g * np.float32(m - k))
            gdd = np.float32(gd * np.float32(m - k))
            for c in range(wide):
                w, p = weight[m, c], product[m, c]
                s0[c] += g * w
                s1[c] += gd * w
                s2[c] += gdd * w
                t0[c] += g * p
                t1[c] += gd * p
        for c in range(wide):
            total[k, c] = s0[c]
            determinant = s0[c] * s2[c] - s1[c] * s1[c]
            if determinant > np.float32(1e-3) * s0[c] * s0[c]:
                fit[k, c] = (s2[c] * t0[c] - s1[c] * t1[c]) / determinant
            else:
                fit[k, c] = t0[c] / s0[c] if s0[c] > np.float32(1e-12) else np.float32(0.0)


@kernel
def smooth_background(plane: np.ndarray, bad: np.ndarray, taps_time: np.ndarray, taps_freq: np.ndarray, out: np.ndarray) -> None:
    """Gaussian-weighted local lines along time, then frequency, of what is not flagged of `plane` (time, chan) float32 into `out`."""
    ntime, nchan = plane.shape
    weight, product = np.empty((ntime, nchan), np.float32), np.empty((ntime, nchan), np.float32)
    for t in range(ntime):
        for chan in range(nchan):
            weight[t, chan] = 0.0 if bad[t, chan] else 1.0
            product[t, chan] = 0.0 if bad[t, chan] else plane[t, chan]
    fit, total = np.empty((ntime, nchan), np.float32), np.empty((ntime, nchan), np.float32)
    smooth_axis(weight, product, taps_time, fit, total)
    turned, sums = np.empty((nchan, ntime), np.float32), np.empty((nchan, ntime), np.float32)
    smooth_axis(np.ascontiguousarray(total.T), np.ascontiguousarray((fit * total).T), taps_freq, turned, sums)
    out[:] = turned.T


@kernel
def robust_level(plane: np.ndarray, bad: np.ndarray) -> tuple[float, float]:
    """Median, and 1.4826 times the median absolute deviation, of what is not flagged."""
    held = np.empty(plane.size, np.float32)
    count = 0
    for t in range(plane.shape[0]):
        for chan in range(plane.shape[1]):
            if not bad[t, chan]:
                held[count] = plane[t, chan]
                count += 1
    if count == 0:
        return 0.0, 0.0
    middle = median_in_place(held, count)
    for k in range(count):
        held[k] = abs(held[k] - np.float32(middle))
    return middle, 1.4826 * median_in_place(held, count)


@kernel
def run_means(plane: np.ndarray, bad: np.ndarray, length: int, means: np.ndarray, counts: np.ndarray) -> None:
    """Means of the unflagged ones among the `length` samples that end at each place along the first axis, and how many they are.

    Arrays are (sample, series); places before the first whole run get 0.
    """
    n, wide = plane.shape
    total, count = np.zeros(wide), np.zeros(wide)
    for k in range(n):
        for c in range(wide):
            total[c] += 0.0 if bad[k, c] else plane[k, c]
            count[c] += 0.0 if bad[k, c] else 1.0
        if k >= length:
            for c in range(wide):
                total[c] -= 0.0 if bad[k - length, c] else plane[k - length, c]
                count[c] -= 0.0 if bad[k - length, c] else 1.0
        for c in range(wide):
            whole = k >= length - 1 and count[c] > 0.5
            means[k, c] = total[c] / count[c] if whole else 0.0
            counts[k, c] = count[c] if whole else 0.0


@kernel
def excess(means: np.ndarray, counts: np.ndarray, length: int, sigma: float) -> float:
    """How many times more the means of runs scatter than those of white noise of scatter `sigma` would; at least 1.

    What is left of the sky in the background does not average down as noise does.
    """
    held = np.empty(means.size // length + means.shape[1], np.float32)
    many = 0
    for k in range(length - 1, means.shape[0], length):
        for c in range(means.shape[1]):
            if 2 * counts[k, c] >= length:
                held[many] = abs(means[k, c]) * math.sqrt(counts[k, c])
                many += 1
    if many < _FEWEST or sigma <= 0.0:
        return 1.0
    return max(1.0, 1.4826 * median_in_place(held, many) / sigma)


@kernel
def threshold_axis(plane: np.ndarray, bad: np.ndarray, length: int, limit: float, sigma: float, out: np.ndarray) -> None:
    """Set `out` in every run of `length` samples along the first axis whose unflagged ones average beyond `limit`.

    `bad` is what is flagged already; the limit of runs grows with their `excess` over noise of scatter `sigma`.
    """
    n, wide = plane.shape
    means, counts = np.empty((n, wide), np.float32), np.empty((n, wide), np.float32)
    run_means(plane, bad, length, means, counts)
    beyond = limit * (excess(means, counts, length, sigma) if length > 1 else 1.0)
    found = False
    for k in range(n):
        for c in range(wide):
            found |= abs(means[k, c]) > beyond
    if not found:
        return
    left = np.zeros(wide, np.int64)
    for k in range(n - 1, -1, -1):
        for c in range(wide):
            left[c] = length if abs(means[k, c]) > beyond else max(left[c] - 1, 0)
            out[k, c] |= left[c] > 0


@kernel
def sum_threshold(plane: np.ndarray, bad: np.ndarray, base: float, sigma: float) -> None:
    """Flag means of 1, 2, 4 … samples along time and frequency against limits that fall by 1.5 from `base` for every doubling."""
    ntime, nchan = plane.shape
    turned = np.ascontiguousarray(plane.T)
    length, limit = 1, base
    while length <= _LONGEST and base > 0.0:
        found = bad.copy()
        if length <= ntime:
            threshold_axis(plane, bad, length, limit, sigma, found)
        if 1 < length <= nchan:
            before = np.ascontiguousarray(bad.T)
            other = before.copy()
            threshold_axis(turned, before, length, limit, sigma, other)
            found |= other.T
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
def load_plane(
    values: np.ndarray, hidden: np.ndarray, rows: np.ndarray, product: int, part: int, plane: np.ndarray, before: np.ndarray
) -> None:
    """One part (as of `component`) of a product into `plane` (time, chan) float32, less its mean; `before` is what is missing or flagged."""
    total, count = 0.0, 0
    for t in range(len(rows)):
        row = rows[t]
        for chan in range(values.shape[1]):
            before[t, chan] = row < 0 or hidden[row, chan, product]
            plane[t, chan] = 0.0
            if not before[t, chan]:
                plane[t, chan] = component(values[row, chan, product], part)
                total += plane[t, chan]
                count += 1
    # Departures from the mean lose nothing to the rounding of large values.
    plane -= np.float32(total / max(count, 1))


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
    plane, away = np.empty((ntime, nchan), np.float32), np.empty((ntime, nchan), np.float32)
    before, flags = np.empty((ntime, nchan), np.bool_), np.empty((ntime, nchan), np.bool_)
    for baseline in range(span[0], span[1]):
        for product in range(values.shape[2]):
            load_plane(values, hidden, index[baseline], product, part, plane, before)
            flags[:] = before
            for level in levels:
                smooth_background(plane, flags, taps[0], taps[1], away)
                away[:] = plane - away
                middle, sigma = robust_level(away, flags)
                away -= np.float32(middle)
                flags[:] = before
                sum_threshold(away, flags, level * sigma, sigma)
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
        if found[t].any():
            dilate(found[t], share, line[: flags.shape[1]])
            flags[t] |= line[: flags.shape[1]]
    for chan in range(flags.shape[1]):
        column = found[:, chan].copy()
        if column.any():
            dilate(column, share, line[: flags.shape[0]])
            flags[:, chan] |= line[: flags.shape[0]]
