"""Spectra added to the pixels of a map around the places that they were taken at."""

from __future__ import annotations

import numpy as np

from casatools.kernels._kernel import kernel

__all__ = ["LEAST", "add_spectra", "keep_extremes"]

# Below this a function is zero: rounding must not bring a spectrum to pixels where its function ends.
LEAST = 1e-6


@kernel
def _pixels(place: float, reach: float, is_box: bool, first: int, last: int):  # type: ignore[no-untyped-def]
    """Pixels from one to before another, among those allowed, that are within reach of a place along an axis."""
    if is_box:
        middle = int(np.floor(place + 0.5))
        return max(middle - int(reach), first), min(middle + int(reach) + 1, last)
    return max(int(np.ceil(place - reach)), first), min(int(np.floor(place + reach)) + 1, last)


@kernel
def _value(table: np.ndarray, reach: float, squared: float) -> float:
    """The gridding function at a squared distance, linear between the values of its table; zero beyond its reach."""
    if squared > reach * reach:
        return 0.0
    place = squared / (reach * reach) * (len(table) - 1)
    low = min(int(place), len(table) - 2)
    part = place - low
    return table[low] * (1.0 - part) + table[low + 1] * part


@kernel
def add_spectra(
    x: np.ndarray, y: np.ndarray, product: np.ndarray, weight: np.ndarray, table: np.ndarray, reach: float, is_box: bool,
    first: int, last: int, sums: np.ndarray, weights: np.ndarray,
) -> None:  # fmt: skip
    """Add spectra to some lines of pixels, each with its weight times a function of the distance from where it was taken.

    Parameters
    ----------
    x, y : ndarray (row,) float64 [pixel]
        Where the spectra were taken; NaN leaves one out.
    product : ndarray (row, chan) float32, float64 or complex128
        Values times weights.
    weight : ndarray (row, chan) float32 or float64
        Weights of 0 leave a channel out.
    table : ndarray (n,) float64
        The function at squared distances of ``reach**2 * k / (n - 1)``; it is zero beyond. Not used for boxes.
    reach : float
        In pixels; of boxes the pixels on each side of the nearest one.
    is_box : bool
        The function is 1 within a square of pixels.
    first, last : int
        Lines (y) from the first to before the last.
    sums : ndarray (y, x, chan) float64 or complex128
        Products are added to it; without lines where only weights are wanted.
    weights : ndarray (y, x, chan) float64
        Added to.
    """
    for row in range(x.shape[0]):
        if not (abs(x[row]) < 1e9 and abs(y[row]) < 1e9):
            continue
        low, high = _pixels(y[row], reach, is_box, first, last)
        left, right = _pixels(x[row], reach, is_box, 0, weights.shape[1])
        for j in range(low, high):
            for i in range(left, right):
                factor = 1.0 if is_box else _value(table, reach, (i - x[row]) ** 2 + (j - y[row]) ** 2)
                if abs(factor) < LEAST:
                    continue
                for chan in range(weight.shape[1]):
                    weights[j, i, chan] += factor * weight[row, chan]
                if len(sums):
                    for chan in range(weight.shape[1]):
                        sums[j, i, chan] += factor * product[row, chan]


@kernel
def keep_extremes(
    x: np.ndarray, y: np.ndarray, value: np.ndarray, weight: np.ndarray, table: np.ndarray, reach: float, is_box: bool,
    first: int, last: int, count: np.ndarray, extremes: np.ndarray,
) -> None:  # fmt: skip
    """Remember the least and the greatest value that came to each pixel, with their weights there; of equal ones the last.

    Parameters
    ----------
    x, y, weight, table, reach, is_box, first, last
        As for `add_spectra`.
    value : ndarray (row, chan) float32
    count : ndarray (y, x, chan) int64
        Added to: how many values came.
    extremes : ndarray (4, y, x, chan) float64
        Changed: the least value and its weight, the greatest value and its weight.
    """
    for row in range(x.shape[0]):
        if not (abs(x[row]) < 1e9 and abs(y[row]) < 1e9):
            continue
        low, high = _pixels(y[row], reach, is_box, first, last)
        left, right = _pixels(x[row], reach, is_box, 0, count.shape[1])
        for j in range(low, high):
            for i in range(left, right):
                factor = 1.0 if is_box else _value(table, reach, (i - x[row]) ** 2 + (j - y[row]) ** 2)
                if abs(factor) < LEAST:
                    continue
                for chan in range(value.shape[1]):
                    at = (j, i, chan)
                    w, v = factor * weight[row, chan], value[row, chan]
                    if weight[row, chan] <= 0.0:
                        continue
                    if count[at] == 0 or v <= extremes[0][at]:
                        extremes[0][at], extremes[1][at] = v, w
                    if count[at] == 0 or v >= extremes[2][at]:
                        extremes[2][at], extremes[3][at] = v, w
                    count[at] += 1
