"""Loops of RFlag: scatter in sliding windows of time, departures from the median over channels.

Visibilities come as ``values`` (row, chan, product) complex64 with ``hidden`` (row, chan, product) bool; ``index`` (baseline, time) int64
holds the rows of each baseline in order of time, -1 after the last.

References
----------
E. Greisen, AIPS RFLAG (help file and AIPS Cookbook E.5); CASA documentation of flagdata mode='rflag'.
"""

from __future__ import annotations

import math

import numpy as np

from casatools.kernels._kernel import kernel

__all__ = [
    "centres",
    "flag_departures",
    "flag_windows",
    "load_row",
    "median_in_place",
    "middles",
    "nth_in_place",
    "scatter_of_sums",
    "sort_columns",
    "sum_departures",
    "sum_spectra",
    "sum_windows",
]

# Spectra that are put in order at once.
_COLUMNS = 128


@kernel
def nth_in_place(buffer: np.ndarray, count: int, wanted: int) -> float:
    """The number that ``buffer[:count]`` (float32 or float64), which is reordered, holds at `wanted` when it is in order."""
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
    return float(buffer[wanted])


@kernel
def median_in_place(buffer: np.ndarray, count: int) -> float:
    """Median of ``buffer[:count]`` (float32 or float64), which is reordered; the lower middle value for even counts above 100."""
    wanted = count // 2 if count % 2 or count <= 100 else count // 2 - 1
    found = nth_in_place(buffer, count, wanted)
    if count % 2 or count > 100:
        return float(found)
    below = buffer[0]
    for k in range(1, wanted):
        below = max(below, buffer[k])
    return 0.5 * (float(below) + float(found))


@kernel
def load_row(values: np.ndarray, hidden: np.ndarray, row: int, terms: np.ndarray) -> None:
    """Presence, real and imaginary parts and their squares of a row into `terms` (5, chan * product) float32; 0 where hidden.

    Squares are rounded to single precision, as the reference's: that is all that windows of a single sample scatter by.
    """
    cell = 0
    zero = np.float32(0.0)
    for chan in range(values.shape[1]):
        for product in range(values.shape[2]):
            there = not hidden[row, chan, product]
            x = np.float32(values[row, chan, product].real) if there else zero
            y = np.float32(values[row, chan, product].imag) if there else zero
            terms[0, cell] = np.float32(1.0) if there else zero
            terms[1, cell] = x
            terms[2, cell] = y
            terms[3, cell] = x * x
            terms[4, cell] = y * y
            cell += 1


@kernel
def scatter_of_sums(sums: np.ndarray, found: np.ndarray) -> None:
    """Complex standard deviations from the sums (5, cell) float64 of `load_row`'s terms into `found` (cell,); 0 where nothing went in."""
    for cell in range(sums.shape[1]):
        n = max(sums[0, cell], 1.0)
        re, im = sums[1, cell], sums[2, cell]
        # Not ``/``, which looks for zeros, one cell after another.
        real = max(0.0, np.divide(sums[3, cell], n) - np.divide(re * re, n * n))
        found[cell] = math.sqrt(real + max(0.0, np.divide(sums[4, cell], n) - np.divide(im * im, n * n)))


@kernel
def sum_windows(
    values: np.ndarray,
    hidden: np.ndarray,
    index: np.ndarray,
    half: int,
    span: tuple[int, int],
    total: np.ndarray,
    count: np.ndarray,
    scatter: np.ndarray,
) -> None:
    """Scatter of all windows of baselines ``span``.

    They are added to `total` (baseline, chan), counted in `count`, and kept in `scatter` (row, chan, product) float32 at the middle
    row of the window, 0 where there is none.
    """
    nchan, nproduct = values.shape[1:]
    sums, found = np.empty((5, nchan * nproduct)), np.empty(nchan * nproduct)
    for baseline in range(span[0], span[1]):
        ntime = np.sum(index[baseline] >= 0)
        # A series shorter than the window makes it as narrow as it must.
        wide = min(half, (ntime - 1) // 2)
        width = 2 * wide + 1
        terms = np.empty((width, 5, nchan * nproduct), np.float32)
        for t in range(ntime):
            load_row(values, hidden, index[baseline, t], terms[t % width])
            if t < 2 * wide:
                continue
            sums[:] = 0.0
            for w in range(t - 2 * wide, t + 1):
                sums += terms[w % width]
            scatter_of_sums(sums, found)
            middle, cell = index[baseline, t - wide], 0
            for chan in range(nchan):
                for product in range(nproduct):
                    there = sums[0, cell] > 0.0
                    total[baseline, chan] += found[cell]
                    count[baseline, chan] += there
                    if there:
                        scatter[middle, chan, product] = found[cell]
                    cell += 1


@kernel
def flag_windows(scatter: np.ndarray, index: np.ndarray, half: int, span: tuple[int, int], limit: float, bad: np.ndarray) -> None:
    """Set `bad` (row, chan, product) in every window whose `scatter` exceeds `limit`."""
    for baseline in range(span[0], span[1]):
        ntime = np.sum(index[baseline] >= 0)
        wide = min(half, (ntime - 1) // 2)
        for t in range(wide, ntime - wide):
            middle = index[baseline, t]
            for chan in range(scatter.shape[1]):
                for product in range(scatter.shape[2]):
                    if scatter[middle, chan, product] > limit:
                        for w in range(t - wide, t + wide + 1):
                            bad[index[baseline, w], chan, product] = True


@kernel
def sort_columns(series: np.ndarray) -> None:
    """Put each column of `series` (sample, column) float32 in order, all columns at once.

    Batcher's merge exchange, in which no step depends on the values: K. E. Batcher, AFIPS Conf. Proc. 32, 307 (1968); D. E. Knuth, The Art of
    Computer Programming 3, algorithm 5.2.2M.
    """
    n, wide = series.shape
    top = 1
    while 2 * top < n:
        top *= 2
    p = top
    while p > 0 and n > 1:
        q, r, d = top, 0, p
        while True:
            for i in range(n - d):
                if i & p == r:
                    for c in range(wide):
                        one, two = series[i, c], series[i + d, c]
                        series[i, c] = one if one < two else two
                        series[i + d, c] = one if one > two else two
            if q == p:
                break
            d, q, r = q - p, q // 2, p
        p //= 2


@kernel
def middles(series: np.ndarray, counts: np.ndarray, out: np.ndarray) -> None:
    """Medians of the first `counts` (column,) of each column of `series`, which is in order, into `out` (column,); as `median_in_place`."""
    for c in range(len(counts)):
        count = counts[c]
        if count == 0:
            out[c] = 0.0
        elif count % 2:
            out[c] = series[count // 2, c]
        elif count > 100:
            out[c] = series[count // 2 - 1, c]
        else:
            out[c] = 0.5 * (series[count // 2 - 1, c] + series[count // 2, c])


@kernel
def centres(values: np.ndarray, hidden: np.ndarray, span: tuple[int, int], centre: np.ndarray) -> None:
    """Medians over channels of real and imaginary parts into `centre` (row, product, 2) float64; 0 without data."""
    nchan, nproduct = values.shape[1:]
    step = max(1, _COLUMNS // (2 * nproduct))
    for first in range(span[0], span[1], step):
        nrow = min(step, span[1] - first)
        wide = nrow * nproduct * 2
        series = np.empty((nchan, wide), np.float32)
        counts, found = np.zeros(wide, np.int64), np.empty(wide)
        for k in range(nrow):
            row = first + k
            for chan in range(nchan):
                for product in range(nproduct):
                    c = 2 * (k * nproduct + product)
                    there = not hidden[row, chan, product]
                    # What is missing goes behind everything.
                    series[chan, c] = values[row, chan, product].real if there else np.float32(np.inf)
                    series[chan, c + 1] = values[row, chan, product].imag if there else np.float32(np.inf)
                    counts[c] += there
                    counts[c + 1] += there
        sort_columns(series)
        middles(series, counts, found)
        for k in range(nrow):
            for product in range(nproduct):
                for part in range(2):
                    centre[first + k, product, part] = found[2 * (k * nproduct + product) + part]


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
def sum_spectra(
    values: np.ndarray, hidden: np.ndarray, span: tuple[int, int], centre: np.ndarray, total: np.ndarray, count: np.ndarray
) -> None:
    """`centres` and `sum_departures` of rows that are near at hand."""
    for first in range(span[0], span[1], _COLUMNS):
        rows = first, min(first + _COLUMNS, span[1])
        centres(values, hidden, rows, centre)
        sum_departures(values, hidden, centre, rows, total, count)


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
