"""Variances of groups of visibilities, each sample weighted by its exposure time."""

from __future__ import annotations

import math

import numpy as np

from casatools.kernels._kernel import kernel

__all__ = ["CHAUVENET", "CLASSIC", "FIT_HALF", "HINGES", "all_variances", "chauvenet_limit", "group_variances", "kept_range"]

CLASSIC, CHAUVENET, HINGES, FIT_HALF = 0, 1, 2, 3


@kernel
def chauvenet_limit(count: int) -> float:
    """Standard deviations beyond which half of one of `count` normal values is expected.

    Halves of steps of 0.5 until the whole part of the number of values is `count`: what the reference arrives at, which is up to 2 % above the exact
    limit for few values.
    """
    low, high = 0.0, 0.5
    while high < 38.0 and 0.5 / math.erfc(high / math.sqrt(2.0)) < count:
        low, high = high, high + 0.5
    z = high
    for _ in range(80):
        if math.floor(0.5 / math.erfc(z / math.sqrt(2.0))) == count:
            break
        z = 0.5 * (low + high)
        if math.floor(0.5 / math.erfc(z / math.sqrt(2.0))) < count:
            low = z
        else:
            high = z
    return z


@kernel
def _mean_and_spread(values: np.ndarray, weight: np.ndarray, low: float, high: float) -> tuple[int, float, float]:
    """Count, weighted mean and standard deviation of the values within limits; its divisor is the sum of weights less one, as in the reference."""
    n, total, first = 0, 0.0, 0.0
    for i in range(len(values)):
        if low <= values[i] <= high:
            n += 1
            total += weight[i]
            first += weight[i] * values[i]
    if n == 0 or total <= 0.0:
        return 0, 0.0, 0.0
    mean, second = first / total, 0.0
    for i in range(len(values)):
        if low <= values[i] <= high:
            second += weight[i] * (values[i] - mean) ** 2
    return n, mean, math.sqrt(second / (total - 1.0)) if total > 1.0 else math.sqrt(second / total)


@kernel
def kept_range(values: np.ndarray, weight: np.ndarray, algorithm: int, bound: float, maxiter: int) -> tuple[float, float]:
    """Limits of the values that an algorithm keeps: `bound` is a z-score (negative: Chauvenet's criterion) or a fence (negative: all are kept)."""
    low, high = -np.inf, np.inf
    if algorithm == HINGES and bound >= 0.0:
        ordered = np.sort(values)
        n = len(ordered)
        # The smallest values that a quarter and three quarters of all do not exceed, as in the reference.
        q1, q3 = ordered[(n + 3) // 4 - 1], ordered[(3 * n + 3) // 4 - 1]
        return q1 - bound * (q3 - q1), q3 + bound * (q3 - q1)
    if algorithm != CHAUVENET:
        return low, high
    count, mean, spread = _mean_and_spread(values, weight, low, high)
    done = 0
    # The reference counts its first cut as none of the iterations.
    while maxiter < 0 or done <= maxiter:
        z = bound if bound >= 0.0 else chauvenet_limit(count)
        lower, upper = mean - z * spread, mean + z * spread
        n, m, s = _mean_and_spread(values, weight, lower, upper)
        done += 1
        if n == 0 or n == count:
            break
        low, high, count, mean, spread = lower, upper, n, m, s
    return low, high


@kernel
def _variance(
    values: np.ndarray, weight: np.ndarray, algorithm: int, bound: float, maxiter: int, centre: int, left: bool
) -> float:
    """Mean of ``weight (value - mean)^2`` over the samples an algorithm keeps; `centre` 0 mean, 1 median, 2 zero for fit-half."""
    if algorithm == FIT_HALF:
        middle = 0.0
        if centre == 0:
            middle = _mean_and_spread(values, weight, -np.inf, np.inf)[1]
        elif centre == 1:
            middle = np.median(values)
        n, second = 0, 0.0
        for i in range(len(values)):
            if (left and values[i] <= middle) or (not left and values[i] >= middle):
                n += 1
                second += weight[i] * (values[i] - middle) ** 2
        return second / n if n else 0.0
    low, high = kept_range(values, weight, algorithm, bound, maxiter)
    n, mean, _ = _mean_and_spread(values, weight, low, high)
    second = 0.0
    for i in range(len(values)):
        if low <= values[i] <= high:
            second += weight[i] * (values[i] - mean) ** 2
    return second / n if n else 0.0


@kernel
def _gather(
    data: np.ndarray, bad: np.ndarray, exposure: np.ndarray, rows: np.ndarray, bins: np.ndarray, wanted: int, corr: int, last: int,
    real: np.ndarray, imag: np.ndarray, weight: np.ndarray,
) -> int:  # fmt: skip
    """Good samples of rows, of the channels of a bin and of correlations from `corr` up to `last`, into buffers; returns how many."""
    n = 0
    for row in rows:
        for chan in range(data.shape[1]):
            if bins[chan] != wanted:
                continue
            for k in range(corr, last):
                if not bad[row, chan, k]:
                    real[n], imag[n], weight[n] = data[row, chan, k].real, data[row, chan, k].imag, exposure[row]
                    n += 1
    return n


@kernel
def group_variances(
    data: np.ndarray, bad: np.ndarray, exposure: np.ndarray, order: np.ndarray, windows: np.ndarray, bins: np.ndarray, nbin: int, joined: bool,
    least: int, algorithm: int, bound: float, maxiter: int, centre: int, left: bool, out: np.ndarray,
) -> None:  # fmt: skip
    """Variances of unit exposure of windows of rows: ``out`` (window, bin, corr), zero where there are too few samples.

    Parameters: data, bad (row, chan, corr); exposure (row,); order (row,) rows sorted so that each window is a run ``windows`` (window, 2) of it; bins
    (chan,) the bin of each channel that counts, -1 for others; joined: correlations count together; least: samples needed.
    """
    ncorr = data.shape[2]
    most = 0
    for w in range(len(windows)):
        most = max(most, windows[w, 1] - windows[w, 0])
    size = most * data.shape[1] * ncorr
    real, imag, weight = np.empty(size), np.empty(size), np.empty(size)
    for w in range(len(windows)):
        rows = order[windows[w, 0] : windows[w, 1]]
        for b in range(nbin):
            for corr in range(1 if joined else ncorr):
                last = ncorr if joined else corr + 1
                n = _gather(data, bad, exposure, rows, bins, b, corr, last, real, imag, weight)
                value = 0.0
                if n >= least:
                    value += _variance(real[:n], weight[:n], algorithm, bound, maxiter, centre, left)
                    value += _variance(imag[:n], weight[:n], algorithm, bound, maxiter, centre, left)
                for k in range(corr, last):
                    out[w, b, k] = 0.5 * value


@kernel
def _add_row(
    data: np.ndarray, flag: np.ndarray, bins: np.ndarray, number: np.ndarray, origin: np.ndarray, first: np.ndarray, second: np.ndarray,
    throughout: np.ndarray,
) -> None:  # fmt: skip
    """Add the good samples of a row, less the `origin` (bin, corr) of their sum, which a first sample sets: counts, sums and squares."""
    for corr in range(data.shape[1]):
        throughout[corr] = True
    for chan in range(data.shape[0]):
        b = bins[chan]
        for corr in range(data.shape[1]):
            x, y = np.float64(data[chan, corr].real), np.float64(data[chan, corr].imag)
            if flag[chan, corr] or x - x != 0 or y - y != 0:
                continue
            throughout[corr] = False
            if b < 0:
                continue
            if np.isnan(origin[b, corr, 0]):
                origin[b, corr, 0], origin[b, corr, 1] = x, y
            x, y = x - origin[b, corr, 0], y - origin[b, corr, 1]
            number[b, corr] += 1
            first[b, corr, 0] += x
            first[b, corr, 1] += y
            second[b, corr] += x * x + y * y


@kernel
def all_variances(
    data: np.ndarray, flag: np.ndarray, flag_row: np.ndarray, exposure: np.ndarray, order: np.ndarray, windows: np.ndarray, bins: np.ndarray,
    nbin: int, joined: bool, least: int, throughout: np.ndarray, out: np.ndarray,
) -> None:  # fmt: skip
    """`group_variances` where every good sample counts, in one pass over the visibilities.

    Sums of squares are about a first sample, not zero, so that strong sources leave their digits (Chan, Golub & LeVeque 1983, Am. Stat. 37, 242).
    Parameters are those of `group_variances`, and flag (row, chan, corr), flag_row (row,) bool; throughout (row, corr) bool is written: nothing good.
    """
    ncorr = data.shape[2]
    number, total = np.empty((nbin, ncorr)), np.empty((nbin, ncorr))
    origin, first, second = np.empty((nbin, ncorr, 2)), np.empty((nbin, ncorr, 2)), np.empty((nbin, ncorr))
    count, weight, sums, squares = (
        np.empty((nbin, ncorr)),
        np.empty((nbin, ncorr)),
        np.empty((nbin, ncorr, 2)),
        np.empty((nbin, ncorr)),
    )
    for w in range(len(windows)):
        count[:], weight[:], sums[:], squares[:], origin[:] = 0, 0, 0, 0, np.nan
        for k in range(windows[w, 0], windows[w, 1]):
            row = order[k]
            if flag_row[row]:
                throughout[row] = True
                continue
            number[:], first[:], second[:] = 0, 0, 0
            _add_row(data[row], flag[row], bins, number, origin, first, second, throughout[row])
            count += number
            weight += exposure[row] * number
            sums += exposure[row] * first
            squares += exposure[row] * second
        _finish(count, weight, sums, squares, origin, joined, least, total)
        out[w] = total


@kernel
def _finish(
    count: np.ndarray, weight: np.ndarray, sums: np.ndarray, squares: np.ndarray, origin: np.ndarray, joined: bool, least: int, out: np.ndarray
) -> None:  # fmt: skip
    """Half the variance of real and imaginary parts together (bin, corr) from sums about origins; zero of fewer than `least` samples."""
    nbin, ncorr = count.shape
    for b in range(nbin):
        n, total, real, imag, second = 0.0, 0.0, 0.0, 0.0, 0.0
        for corr in range(ncorr):
            if joined and count[b, corr] > 0:
                n += count[b, corr]
                total += weight[b, corr]
                real += sums[b, corr, 0] + weight[b, corr] * origin[b, corr, 0]
                imag += sums[b, corr, 1] + weight[b, corr] * origin[b, corr, 1]
        for corr in range(ncorr):
            if not joined:
                n, total = count[b, corr], weight[b, corr]
                real, imag = sums[b, corr, 0], sums[b, corr, 1]
                second = squares[b, corr] - (real * real + imag * imag) / total if total > 0 else 0.0
                out[b, corr] = 0.5 * max(second, 0.0) / n if n >= least and n > 0 else 0.0
            elif count[b, corr] > 0 and total > 0:
                # About the mean of all correlations.
                x, y = real / total - origin[b, corr, 0], imag / total - origin[b, corr, 1]
                second += squares[b, corr] - 2 * (x * sums[b, corr, 0] + y * sums[b, corr, 1]) + weight[b, corr] * (x * x + y * y)
        if joined:
            for corr in range(ncorr):
                out[b, corr] = 0.5 * max(second, 0.0) / n if n >= least and n > 0 and total > 0 else 0.0
