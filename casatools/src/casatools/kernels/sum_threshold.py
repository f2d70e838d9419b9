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
from casatools.kernels.rflag import median_in_place, nth_in_place
from casatools.kernels.tfcrop import component, is_number

__all__ = [
    "add_taps",
    "add_turned",
    "dilate",
    "load_plane",
    "excess",
    "is_even",
    "median_of_many",
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
# Medians of more than so many numbers: by so many leading bits of single precision first.
_MANY, _LEADING = 512, 11
_SIGN, _ALL = np.uint32(0x80000000), np.uint32(0xFFFFFFFF)


@kernel
def add_taps(values: np.ndarray, taps: np.ndarray, start: int, low: int, high: int, sums: np.ndarray) -> None:
    """Sums of ``values[low:high]`` (sample, series) under `taps` (order, tap) into `sums` (order, series); the first tap belongs to `start`.

    Four taps at once, one after another: an eighth of the reading and writing of the sums.
    """
    orders, wide = sums.shape
    for order in range(orders):
        sums[order] = 0.0
        m = low
        while m + 4 <= high:
            g = taps[order, m - start : m - start + 4]
            g0, g1, g2, g3 = g[0], g[1], g[2], g[3]
            v0, v1, v2, v3 = values[m], values[m + 1], values[m + 2], values[m + 3]
            held = sums[order]
            for c in range(wide):
                held[c] = (((held[c] + g0 * v0[c]) + g1 * v1[c]) + g2 * v2[c]) + g3 * v3[c]
            m += 4
        while m < high:
            g0 = taps[order, m - start]
            for c in range(wide):
                sums[order, c] += g0 * values[m, c]
            m += 1


@kernel
def is_even(weight: np.ndarray) -> bool:
    """True when nothing changes along the first axis (sample, series)."""
    for k in range(1, len(weight)):
        for c in range(weight.shape[1]):
            if weight[k, c] != weight[0, c]:
                return False
    return True


@kernel
def smooth_axis(weight: np.ndarray, product: np.ndarray, taps: np.ndarray, fit: np.ndarray, total: np.ndarray) -> None:
    """Local lines along the first axis under `taps` (2 half + 1) times `weight`: their middles into `fit`, sums of weights into `total`.

    All arrays are (sample, series) float32; `product` is `weight` times the values. Lines, not means, so that the slope of a bandpass
    does not look like interference at its ends.
    """
    n, wide = weight.shape
    half = len(taps) // 2
    moments = np.empty((3, len(taps)), np.float32)
    for m in range(len(taps)):
        moments[0, m] = taps[m]
        moments[1, m] = np.float32(taps[m] * np.float32(m - half))
        moments[2, m] = np.float32(moments[1, m] * np.float32(m - half))
    even, known = is_even(weight), False
    s, t = np.empty((3, wide), np.float32), np.empty((2, wide), np.float32)
    for k in range(n):
        low, high = max(0, k - half), min(n, k + half + 1)
        whole = high - low == len(taps)
        if not (even and whole and known):  # the sums of weights are those of the sample before
            add_taps(weight, moments, k - half, low, high, s)
            known = whole
        add_taps(product, moments[:2], k - half, low, high, t)
        for c in range(wide):
            total[k, c] = s[0, c]
            determinant = s[0, c] * s[2, c] - s[1, c] * s[1, c]
            # Not ``/``, which looks for zeros, one series after another.
            line = np.divide(s[2, c] * t[0, c] - s[1, c] * t[1, c], determinant)
            mean = np.divide(t[0, c], s[0, c]) if s[0, c] > np.float32(1e-12) else np.float32(0.0)
            fit[k, c] = line if determinant > np.float32(1e-3) * s[0, c] * s[0, c] else mean


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
def median_of_many(values: np.ndarray, count: int) -> float:
    """As `median_in_place` of ``values[:count]`` float32, all but those with the median's leading bits put aside first."""
    if count <= _MANY:
        return float(median_in_place(values, count))
    bits = values[:count].view(np.uint32)
    numbers = np.zeros(1 << _LEADING, np.int32)
    for k in range(count):  # the bits of positive numbers are in their order, those of negative ones in the opposite one
        numbers[(bits[k] ^ (_ALL if bits[k] & _SIGN else _SIGN)) >> np.uint32(32 - _LEADING)] += 1
    wanted, leading = count // 2 if count % 2 else count // 2 - 1, 0
    while wanted >= numbers[leading]:
        wanted -= numbers[leading]
        leading += 1
    near, held = np.empty(numbers[leading], np.float32), 0
    for k in range(count):
        if (bits[k] ^ (_ALL if bits[k] & _SIGN else _SIGN)) >> np.uint32(32 - _LEADING) == leading:
            near[held] = values[k]
            held += 1
    return float(nth_in_place(near, held, wanted))


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
    middle = median_of_many(held, count)
    for k in range(count):
        held[k] = abs(held[k] - np.float32(middle))
    return middle, 1.4826 * median_of_many(held, count)


@kernel
def run_means(plane: np.ndarray, bad: np.ndarray, length: int, means: np.ndarray, counts: np.ndarray) -> float:
    """Means of the unflagged ones among the `length` samples that end at each place along the first axis, and how many they are.

    Arrays are (sample, series); places before the first whole run get 0. Gives the largest size of a mean.
    """
    n, wide = plane.shape
    total, count = np.zeros(wide), np.zeros(wide)
    largest = np.zeros(wide, np.float32)
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
            means[k, c] = np.divide(total[c], count[c]) if whole else 0.0
            counts[k, c] = count[c] if whole else 0.0
        for c in range(wide):
            size = abs(means[k, c])
            largest[c] = size if size > largest[c] else largest[c]
    return float(largest.max())


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
    return max(1.0, 1.4826 * median_of_many(held, many) / sigma)


@kernel
def threshold_axis(plane: np.ndarray, bad: np.ndarray, length: int, limit: float, sigma: float, out: np.ndarray) -> bool:
    """Find the runs of `length` samples along the first axis whose unflagged ones average beyond `limit`; `out` tells their samples.

    `bad` is what is flagged already; the limit of runs grows with their `excess` over noise of scatter `sigma`. Gives False, and leaves
    `out` as it is, when there is no run.
    """
    n, wide = plane.shape
    means, counts = np.empty((n, wide), np.float32), np.empty((n, wide), np.float32)
    largest = run_means(plane, bad, length, means, counts)
    if not largest > limit:
        return False
    beyond = limit * (excess(means, counts, length, sigma) if length > 1 else 1.0)
    if not largest > beyond:
        return False
    left = np.zeros(wide, np.int64)
    for k in range(n - 1, -1, -1):
        for c in range(wide):
            left[c] = length if abs(means[k, c]) > beyond else max(left[c] - 1, 0)
            out[k, c] = left[c] > 0
    return True


@kernel
def add_turned(flags: np.ndarray, found: np.ndarray) -> None:
    """Set `flags` (a, b) where `found` (b, a) is."""
    for k in range(found.shape[0]):
        for c in range(found.shape[1]):
            if found[k, c]:
                flags[c, k] = True


@kernel
def sum_threshold(plane: np.ndarray, bad: np.ndarray, base: float, sigma: float) -> None:
    """Flag means of 1, 2, 4 … samples along time and frequency against limits that fall by 1.5 from `base` for every doubling."""
    ntime, nchan = plane.shape
    turned, across = np.ascontiguousarray(plane.T), np.ascontiguousarray(bad.T)
    in_time, in_freq = np.empty((ntime, nchan), np.bool_), np.empty((nchan, ntime), np.bool_)
    length, limit = 1, base
    while length <= _LONGEST and base > 0.0:
        one = length <= ntime and threshold_axis(plane, bad, length, limit, sigma, in_time)
        two = 1 < length <= nchan and threshold_axis(turned, across, length, limit, sigma, in_freq)
        if one:
            bad |= in_time
            add_turned(across, in_time)
        if two:
            across |= in_freq
            add_turned(bad, in_freq)
        length *= 2
        limit /= _RATIO


@kernel
def dilate(flags: np.ndarray, share: float, out: np.ndarray) -> None:
    """Scale-invariant rank: set `out` in every stretch along the first axis of which at least the part ``1 - share`` is flagged."""
    n, wide = flags.shape
    sums, lowest = np.zeros((n + 1, wide)), np.zeros((n + 1, wide))
    for k in range(n):
        for c in range(wide):
            sums[k + 1, c] = sums[k, c] + (share if flags[k, c] else share - 1.0)
            lowest[k + 1, c] = min(lowest[k, c], sums[k + 1, c])
    highest = sums[n].copy()
    for k in range(n - 1, -1, -1):
        for c in range(wide):
            highest[c] = max(highest[c], sums[k + 1, c])
            out[k, c] = flags[k, c] or highest[c] - lowest[k, c] >= 0.0


@kernel
def load_plane(
    values: np.ndarray, hidden: np.ndarray, rows: np.ndarray, product: int, part: int, plane: np.ndarray, before: np.ndarray
) -> None:
    """One part (as of `component`) of a product into `plane` (time, chan) float32, less its mean; `before` is what is missing or flagged."""
    total, count = 0.0, 0
    for t in range(len(rows)):
        row = rows[t]
        for chan in range(values.shape[1]):
            before[t, chan] = row < 0 or hidden[row, chan, product] or not is_number(values[row, chan, product])
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
    if not found.any():
        return
    across = np.ascontiguousarray(found.T)
    wide, high = np.empty(across.shape, np.bool_), np.empty(found.shape, np.bool_)
    dilate(across, share, wide)
    dilate(found, share, high)
    flags |= high
    add_turned(flags, wide)
