"""Loops of RFlag: scatter in sliding windows of time, departures from the median over channels.

Visibilities come as ``values`` (row, chan, product) complex64 with ``hidden`` (row, chan, product) bool; ``index`` (baseline, time) int64
holds the row of each baseline and time, -1 where there is none.

References
----------
E. Greisen, AIPS RFLAG (help file and AIPS Cookbook E.5); CASA documentation of flagdata mode='rflag'.
"""

from __future__ import annotations

import math

import numpy as np

from casatools.kernels._kernel import kernel

__all__ = ["centres", "flag_departures", "flag_windows", "median_in_place", "sum_departures", "sum_windows", "window_scatter"]


@kernel
def median_in_place(buffer: np.ndarray, count: int) -> float:
    """Median of ``buffer[:count]`` (float32 or float64), which is reordered; the lower middle value for even counts above 100."""
    wanted = count // 2 if count % 2 or count <= 100 else count // 2 - 1
    low, high = 0, count - 1
    while low < high:
        pivot = buffer[(low + high) // 2]
        i, j = low, high
        while i <= j:
            while buffer[i] < pivot:
                i += 1
            while buffer[j] > pivot:
                j -= 1
            if i <= j:
                buffer[i], buffer[j] = buffer[j], buffer[i]
                i += 1
                j -= 1
        if wanted <= j:
            high = j
        elif wanted >= i:
            low = i
        else:
            break
    if count % 2 or count > 100:
        return float(buffer[wanted])
    below = buffer[0]
    for k in range(1, wanted):
        below = max(below, buffer[k])
    return 0.5 * (float(below) + float(buffer[wanted]))


@kernel
def window_scatter(
    values: np.ndarray, hidden: np.ndarray, rows: np.ndarray, first: int, last: int, chan: int, product: int
) -> float:
    """Standard deviation of the complex samples of ``rows[first:last]``; -1 when all are hidden or missing."""
    count, re, im = 0, 0.0, 0.0
    for t in range(first, last):
        row = rows[t]
        if row >= 0 and not hidden[row, chan, product]:
            count += 1
            re += values[row, chan, product].real
            im += values[row, chan, product].imag
    if count == 0:
        return -1.0
    re, im, square = re / count, im / count, 0.0
    for t in range(first, last):
        row = rows[t]
        if row >= 0 and not hidden[row, chan, product]:
            x, y = values[row, chan, product].real - re, values[row, chan, product].imag - im
            square += x * x + y * y
    return math.sqrt(square / count)


@kernel
def sum_windows(
    values: np.ndarray,
    hidden: np.ndarray,
    index: np.ndarray,
    half: int,
    span: tuple[int, int],
    total: np.ndarray,
    count: np.ndarray,
) -> None:
    """Add the scatter of all windows of baselines ``span`` to `total` (baseline, chan) and count them in `count`."""
    ntime = index.shape[1]
    # A series shorter than a window gives windows of one sample, which do not scatter.
    wide = half if ntime > 2 * half else 0
    for baseline in range(span[0], span[1]):
        for t in range(wide, ntime - wide):
            for chan in range(values.shape[1]):
                for product in range(values.shape[2]):
                    scatter = window_scatter(values, hidden, index[baseline], t - wide, t + wide + 1, chan, product)
                    if scatter >= 0:
                        total[baseline, chan] += scatter
                        count[baseline, chan] += 1


@kernel
def flag_windows(
    values: np.ndarray, hidden: np.ndarray, index: np.ndarray, half: int, span: tuple[int, int], limit: float, bad: np.ndarray
) -> None:
    """Set `bad` (row, chan, product) in every window that scatters more than `limit`."""
    ntime = index.shape[1]
    for baseline in range(span[0], span[1]):
        for t in range(half, ntime - half):
            for chan in range(values.shape[1]):
                for product in range(values.shape[2]):
                    if window_scatter(values, hidden, index[baseline], t - half, t + half + 1, chan, product) > limit:
                        for w in range(t - half, t + half + 1):
                            if index[baseline, w] >= 0:
                                bad[index[baseline, w], chan, product] = True


@kernel
def centres(values: np.ndarray, hidden: np.ndarray, span: tuple[int, int], centre: np.ndarray) -> None:
    """Medians over channels of real and imaginary parts into `centre` (row, product, 2) float64; 0 without data."""
    nchan = values.shape[1]
    real, imag = np.empty(nchan, np.float32), np.empty(nchan, np.float32)
    for row in range(span[0], span[1]):
        for product in range(values.shape[2]):
            count = 0
            for chan in range(nchan):
                if not hidden[row, chan, product]:
                    real[count] = values[row, chan, product].real
                    imag[count] = values[row, chan, product].imag
                    count += 1
            if count:
                centre[row, product, 0] = median_in_place(real, count)
                centre[row, product, 1] = median_in_place(imag, count)


@kernel
def sum_departures(
    values: np.ndarray, hidden: np.ndarray, centre: np.ndarray, span: tuple[int, int], total: np.ndarray, count: np.ndarray
) -> None:
    """Add mean absolute departures of real and imaginary parts from `centre` to `total` (chan,) and count them in `count`."""
    for row in range(span[0], span[1]):
        for chan in range(values.shape[1]):
            for product in range(values.shape[2]):
                if not hidden[row, chan, product]:
                    value = values[row, chan, product]
                    total[chan] += 0.5 * (abs(value.real - centre[row, product, 0]) + abs(value.imag - centre[row, product, 1]))
                    count[chan] += 1


@kernel
def flag_departures(
    values: np.ndarray,
    hidden: np.ndarray,
    centre: np.ndarray,
    span: tuple[int, int],
    limit: float,
    low: float,
    high: float,
    bad: np.ndarray,
) -> None:
    """Set `bad` where real or imaginary part departs by more than `limit`, and in spectra of rms outside `low` to `high`."""
    nchan = values.shape[1]
    for row in range(span[0], span[1]):
        for product in range(values.shape[2]):
            count, square = 0, 0.0
            for chan in range(nchan):
                if not hidden[row, chan, product]:
                    x = abs(values[row, chan, product].real - centre[row, product, 0])
                    y = abs(values[row, chan, product].imag - centre[row, product, 1])
                    count += 1
                    square += x * x + y * y
                    if x > limit or y > limit:
                        bad[row, chan, product] = True
            if count and not low <= math.sqrt(square / count) <= high:
                for chan in range(nchan):
                    bad[row, chan, product] = True
