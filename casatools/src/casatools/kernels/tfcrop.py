"""Loops of TFCrop: smooth robust bases of average spectra and time series, and clipping around them.

References
----------
U. Rau, "TFCrop: an automatic RFI identification algorithm", NRAO (www.aoc.nrao.edu/~rurvashi/TFCrop); CASA documentation of flagdata
mode='tfcrop'. Orders, pieces, cut-offs and the running mean were found by probing CASA 6.7.0 from outside.
"""

from __future__ import annotations

import math

import numpy as np

from casatools.kernels._kernel import kernel

__all__ = [
    "clip_profile",
    "component",
    "crop_baselines",
    "crop_plane",
    "divided",
    "fit_line",
    "fit_piece",
    "is_number",
    "piecewise",
    "robust_base",
    "scatter_of",
    "smooth_in_place",
    "window_exceeds",
]

# A sample further than this times the rms above a fit does not take part in the next one, in as many fits but one.
_CUTS = (3.0, 3.0, 2.0, 2.0)
_ORDERS = (1, 1, 2, 3, 3)
_HALF = 2  # Half width of the running mean over a fit.
_CLIPS = 5
_SETTLED = 0.1


@kernel
def divided(above: float, below: float) -> float:
    """The quotient as IEEE 754 has it, also where the divisor is 0."""
    if below != 0.0:
        return above / below
    if above != above or above == 0.0:
        return math.nan
    return math.inf if above > 0.0 else -math.inf


@kernel
def scatter_of(series: np.ndarray, good: np.ndarray) -> np.float32:
    """Standard deviation of good samples, in single precision and in their order."""
    count, mean, square = np.float32(0.0), np.float32(0.0), np.float32(0.0)
    for k in range(len(series)):
        if good[k]:
            mean += np.float32(series[k])
            count += np.float32(1.0)
    mean = np.float32(mean / max(count, np.float32(1.0)))
    for k in range(len(series)):
        if good[k]:
            away = np.float32(np.float32(series[k]) - mean)
            square += away * away
    return np.float32(math.sqrt(square / max(count, np.float32(1.0))))


@kernel
def fit_line(
    series: np.ndarray, good: np.ndarray, ends: tuple[int, int], last: int, scatter: np.float32, fit: np.ndarray
) -> None:
    """Straight line through good samples of ``ends[0]..last``, each with the error `scatter`, in single precision.

    The precision is that of the reference: under a piece with one sample, where the line is not determined, the base is what is left
    of it by rounding, mostly not a number, and then nothing is flagged on account of it. Without any sample it is not a number.
    """
    variance = np.float32(scatter * scatter)
    if not variance > 0.0:  # what is flat is not compared with anything, as in the reference
        fit[ends[0] : ends[1]] = math.nan
        return
    s, sx, sy, sxx, sxy = np.float32(0.0), np.float32(0.0), np.float32(0.0), np.float32(0.0), np.float32(0.0)
    for k in range(ends[0], last + 1):
        if good[k]:
            x, y = np.float32(k), np.float32(series[k])
            s += np.float32(np.float32(1.0) / variance)
            sx += np.float32(x / variance)
            sy += np.float32(y / variance)
            sxx += np.float32(np.float32(x * x) / variance)
            sxy += np.float32(np.float32(x * y) / variance)
    determinant = np.float32(np.float32(s * sxx) - np.float32(sx * sx))
    start = np.float32(divided(np.float32(np.float32(sxx * sy) - np.float32(sx * sxy)), determinant))
    slope = np.float32(divided(np.float32(np.float32(s * sxy) - np.float32(sx * sy)), determinant))
    for k in range(ends[0], ends[1]):
        fit[k] = start + np.float32(slope * np.float32(k))


@kernel
def fit_piece(
    series: np.ndarray, good: np.ndarray, ends: tuple[int, int], last: int, degree: int, scatter: np.float32, fit: np.ndarray
) -> None:
    """Least squares polynomial through good samples of ``ends[0]..last`` (inclusive), put into ``fit[ends[0]:ends[1]]``.

    A line where the samples do not suffice for `degree`.
    """
    low, high = ends
    count = 0
    for k in range(low, last + 1):
        count += good[k]
    if count <= degree or degree == 1:
        fit_line(series, good, ends, last, scatter, fit)
        return
    middle, scale = 0.5 * (low + last), max(1.0, 0.5 * (last - low))
    size = degree + 1
    matrix, right = np.zeros((size, size)), np.zeros(size)
    for k in range(low, last + 1):
        if good[k]:
            x, power = (k - middle) / scale, 1.0
            for i in range(size):
                right[i] += power * series[k]
                other = power * power
                for j in range(i, size):
                    matrix[i, j] += other
                    other *= x
                power *= x
    for i in range(size):  # symmetric, positive definite: elimination without pivots
        for j in range(i + 1, size):
            factor = matrix[i, j] / matrix[i, i]
            for m in range(j, size):
                matrix[j, m] -= factor * matrix[i, m]
            right[j] -= factor * right[i]
    for i in range(size - 1, -1, -1):
        for j in range(i + 1, size):
            right[i] -= matrix[i, j] * right[j]
        right[i] /= matrix[i, i]
    for k in range(low, high):
        value = 0.0
        for i in range(size - 1, -1, -1):
            value = value * (k - middle) / scale + right[i]
        fit[k] = value


@kernel
def piecewise(series: np.ndarray, good: np.ndarray, degree: int, pieces: int, fit: np.ndarray) -> None:
    """Polynomials in pieces of equal length, what is over at both ends; each takes the first sample of the next one too.

    More pieces than samples are two, as in the reference.
    """
    n = len(series)
    pieces = max(1, pieces if pieces <= n else min(2, n))
    width = n // pieces
    left = (n - width * pieces) // 2
    scatter = scatter_of(series, good)
    for p in range(pieces):
        low = left + p * width if p else 0
        high = left + (p + 1) * width if p < pieces - 1 else n
        fit_piece(series, good, (low, high), min(high, n - 1), degree, scatter, fit)


@kernel
def smooth_in_place(fit: np.ndarray) -> None:
    """Running mean of five samples from left to right, each mean taking the two smoothed ones before it."""
    for k in range(_HALF, len(fit) - _HALF):
        total = 0.0
        for m in range(k - _HALF, k + _HALF + 1):
            total += fit[m]
        fit[k] = total / (2 * _HALF + 1)


@kernel
def robust_base(series: np.ndarray, good: np.ndarray, poly: bool, pieces: int, fit: np.ndarray) -> None:
    """Fit a base under positive outliers: lines, or polynomials in 1, 3, 5, 7, 9 pieces, `pieces` at most; at least one sample is good."""
    use = good.copy()
    rounds = len(_ORDERS)
    for turn in range(rounds):
        piecewise(series, use, _ORDERS[turn] if poly else 1, min(pieces, 2 * turn + 1) if poly else 1, fit)
        if poly:
            smooth_in_place(fit)
        if turn == rounds - 1:
            break
        square, count = 0.0, 0
        for k in range(len(series)):
            if use[k]:
                square += (series[k] - fit[k]) ** 2
                count += 1
        limit = _CUTS[turn] * math.sqrt(square / count)
        for k in range(len(series)):
            if use[k] and series[k] - fit[k] > limit:
                use[k] = False


@kernel
def window_exceeds(ratio: np.ndarray, middle: int, half: int, limit: float, kinds: int) -> bool:
    """True when the mean (1), rms (2) or either (3) of the distances from 1 in a whole window exceeds `limit`."""
    if middle < half or middle + half >= len(ratio):
        return False
    total, square, width = 0.0, 0.0, 2 * half + 1
    for m in range(middle - half, middle + half + 1):
        distance = abs(ratio[m] - 1.0)
        total += distance
        square += distance * distance
    return bool((kinds & 1 and total / width > limit) or (kinds & 2 and math.sqrt(square / width) > limit))


@kernel
def clip_profile(ratio: np.ndarray, bad: np.ndarray, cutoff: float, kinds: int, half: int) -> float:
    """Set `bad` where a profile, or a window of it, is further than `cutoff` times its scatter from 1; gives the last scatter.

    Samples that are bad at the start count as 0 in windows. What only a window finds takes part in the scatter.
    """
    before, sigma, n = 0.0, 0.0, len(ratio)
    near = np.zeros(n if kinds else 0, np.bool_)
    for k in range(n if kinds else 0):
        if bad[k]:
            ratio[k] = 0.0
    for _ in range(_CLIPS):
        square, count = 0.0, 0
        for k in range(n):
            if not bad[k]:
                square += (ratio[k] - 1.0) ** 2
                count += 1
        if count == 0:
            break
        sigma = math.sqrt(square / count)
        limit = cutoff * sigma
        for k in range(n):
            if not bad[k] and abs(ratio[k] - 1.0) > limit:
                bad[k] = True
            if kinds and not near[k]:
                near[k] = window_exceeds(ratio, k, half, limit, kinds)
        if abs(sigma - before) < _SETTLED:
            break
        before = sigma
    for k in range(len(near)):
        bad[k] |= near[k]
    return sigma


@kernel
def crop_plane(amplitude: np.ndarray, bad: np.ndarray, poly: bool, pieces: int, cutoff: float, window: tuple[int, int]) -> None:
    """One step on a plane (sample, axis): divide by the base of the mean profile and clip each sample's profile."""
    nsample, naxis = amplitude.shape
    # Single precision, as the reference: what a line through one sample becomes depends on the last digit.
    mean, count = np.zeros(naxis, np.float32), np.zeros(naxis, np.int64)
    for t in range(nsample):
        for k in range(naxis):
            if not bad[t, k]:
                mean[k] += np.float32(amplitude[t, k])
                count[k] += 1
    good = count > 0
    if not good.any():
        return
    for k in range(naxis):
        mean[k] /= np.float32(max(count[k], 1))
    base = np.zeros(naxis)
    robust_base(mean, good, poly, pieces, base)
    ratio = np.empty(naxis)
    for t in range(nsample):
        for k in range(naxis):
            ratio[k] = amplitude[t, k] / base[k] if base[k] != 0.0 else amplitude[t, k]
        clip_profile(ratio, bad[t], cutoff, window[0], window[1])


@kernel
def component(value: complex, part: int) -> float:
    """Amplitude (0), real part (1), imaginary part (2), phase [rad] (3) or square of the amplitude (4)."""
    if part in (0, 4):
        x, y = np.float64(value.real), np.float64(value.imag)
        return math.sqrt(x * x + y * y) if part == 0 else x * x + y * y
    if part == 1:
        return float(value.real)
    if part == 2:
        return float(value.imag)
    return math.atan2(value.imag, value.real)


@kernel
def is_number(value: complex) -> bool:
    """True when both parts are finite."""
    return math.isfinite(value.real) and math.isfinite(value.imag)


@kernel
def crop_baselines(
    values: np.ndarray,
    hidden: np.ndarray,
    index: np.ndarray,
    span: tuple[int, int],
    part: int,
    steps: np.ndarray,
    cutoffs: np.ndarray,
    polys: np.ndarray,
    pieces: int,
    window: tuple[int, int],
    bad: np.ndarray,
) -> None:
    """Crop every baseline of `span` and product; what is `hidden` or no number is flagged already.

    `steps` lists axes, 0 frequency and 1 time, that index `cutoffs` and `polys`; `window` holds the kinds and the half width of the
    windows of `window_exceeds`; `index` (baseline, time) holds rows, -1 after the last.
    """
    nchan = values.shape[1]
    for baseline in range(span[0], span[1]):
        ntime = np.sum(index[baseline] >= 0)
        amplitude, flags = np.empty((ntime, nchan)), np.empty((ntime, nchan), np.bool_)
        for product in range(values.shape[2]):
            for t in range(ntime):
                row = index[baseline, t]
                for chan in range(nchan):
                    value = values[row, chan, product]
                    flags[t, chan] = hidden[row, chan, product] or not is_number(value)
                    amplitude[t, chan] = component(value, part)
            for axis in steps:
                if axis == 0:
                    crop_plane(amplitude, flags, polys[axis], pieces, cutoffs[axis], window)
                else:
                    turned = flags.T.copy()
                    crop_plane(amplitude.T.copy(), turned, polys[axis], pieces, cutoffs[axis], window)
                    flags[:] = turned.T
            for t in range(ntime):
                for chan in range(nchan):
                    bad[index[baseline, t], chan, product] |= flags[t, chan]
