"""Visibilities put onto the channels of an image cube."""

from __future__ import annotations

import numpy as np

from casatools.kernels._kernel import kernel

__all__ = ["interpolate_channels", "nearest_channels"]


@kernel
def _cubic(x0: float, x1: float, x2: float, x3: float, x: float) -> tuple[np.float32, np.float32, np.float32, np.float32]:
    """Lagrange's weights of the values at four places for the polynomial through them at x."""
    a = (x - x1) * (x - x2) * (x - x3) / ((x0 - x1) * (x0 - x2) * (x0 - x3))
    b = (x - x0) * (x - x2) * (x - x3) / ((x1 - x0) * (x1 - x2) * (x1 - x3))
    c = (x - x0) * (x - x1) * (x - x3) / ((x2 - x0) * (x2 - x1) * (x2 - x3))
    d = (x - x0) * (x - x1) * (x - x2) / ((x3 - x0) * (x3 - x1) * (x3 - x2))
    return np.float32(a), np.float32(b), np.float32(c), np.float32(d)


@kernel
def interpolate_channels(
    vis: np.ndarray, weight: np.ndarray, freq: np.ndarray, factor: np.ndarray, target: np.ndarray, width: float, count: int, order: int,
    out: np.ndarray, out_weight: np.ndarray,
) -> None:  # fmt: skip
    """Interpolate in frequency, row by row.

    Parameters
    ----------
    vis : ndarray (pol, row, chan) complex64
    weight : ndarray (row, chan) float32
        Zero where flagged.
    freq : ndarray (chan,) float64 [Hz]
        Ascending.
    factor : ndarray (row,) float64
        Frequencies of a row are `freq` times this in the frame of `target`.
    target : ndarray (out,) float64 [Hz]
    width : float
        Width of an output channel [Hz].
    count : int
        Samples taken across an output channel, each weighted by its own weight.
    order : int
        0 takes the nearest channel, 1 interpolates linearly, 3 by the cubic polynomial through the four channels about a place; linearly where one of
        these is flagged or there is none.
    out : ndarray (pol, row, out) complex64
    out_weight : ndarray (row, out) float32
        Zero outside the centres of the outermost channels and where a channel that is needed is flagged.
    """
    nchan = freq.shape[0]
    # A millionth of a channel beyond the outermost centres still counts as inside.
    slack = 1e-6 * abs(freq[1] - freq[0]) if nchan > 1 else 0.5 * abs(width)
    for row in range(weight.shape[0]):
        for k in range(target.shape[0]):
            total = np.float32(0.0)
            for p in range(vis.shape[0]):
                out[p, row, k] = 0.0
            for sample in range(count):
                f = (target[k] + width * ((sample + 0.5) / count - 0.5)) / factor[row]
                if f < freq[0] - slack or f > freq[nchan - 1] + slack:
                    continue
                low = min(max(np.searchsorted(freq, f, side="right") - 1, 0), max(nchan - 2, 0))
                high = min(low + 1, nchan - 1)
                part = min(max((f - freq[low]) / (freq[high] - freq[low]), 0.0), 1.0) if high > low else 0.0
                # Rounding must not make a channel that is hit exactly depend on its neighbour.
                if order == 0 or part < 1e-6 or part > 1.0 - 1e-6:
                    part = 0.0 if part < 0.5 else 1.0
                wl, wh = weight[row, low], weight[row, high]
                if (part < 1.0 and wl <= 0.0) or (part > 0.0 and wh <= 0.0):
                    continue
                w = np.float32(wl * (1.0 - part) + wh * part)
                total += w
                a, b, c, d = np.float32(0.0), np.float32(1.0 - part), np.float32(part), np.float32(0.0)
                before, after = max(low - 1, 0), min(high + 1, nchan - 1)
                if (
                    order == 3
                    and 0.0 < part < 1.0
                    and before < low
                    and after > high
                    and weight[row, before] > 0.0
                    and weight[row, after] > 0.0
                ):
                    a, b, c, d = _cubic(freq[before], freq[low], freq[high], freq[after], f)
                for p in range(vis.shape[0]):
                    value = a * vis[p, row, before] + b * vis[p, row, low] + c * vis[p, row, high] + d * vis[p, row, after]
                    out[p, row, k] += w * value
            out_weight[row, k] = total
            if total > 0.0:
                for p in range(vis.shape[0]):
                    out[p, row, k] = out[p, row, k] / np.float32(total)


@kernel
def nearest_channels(
    vis: np.ndarray, weight: np.ndarray, freq: np.ndarray, factor: np.ndarray, start: float, width: float, out: np.ndarray, out_weight: np.ndarray
) -> None:  # fmt: skip
    """Add each channel to the channel of a cube whose middle is nearest, row by row: none is left out, and none counts twice.

    Parameters
    ----------
    vis, weight, freq, factor, out, out_weight
        As for `interpolate_channels`.
    start, width : float
        Middle of the first output channel and step to the next [Hz].
    """
    for row in range(weight.shape[0]):
        for k in range(out_weight.shape[1]):
            out_weight[row, k] = 0.0
            for p in range(vis.shape[0]):
                out[p, row, k] = 0.0
        for chan in range(freq.shape[0]):
            k = int(np.floor((freq[chan] * factor[row] - start) / width + 0.5))
            w = weight[row, chan]
            if k < 0 or k >= out_weight.shape[1] or w <= 0.0:
                continue
            out_weight[row, k] += w
            for p in range(vis.shape[0]):
                out[p, row, k] += w * vis[p, row, chan]
        for k in range(out_weight.shape[1]):
            if out_weight[row, k] > 0.0:
                for p in range(vis.shape[0]):
                    out[p, row, k] = out[p, row, k] / out_weight[row, k]
