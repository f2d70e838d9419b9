"""Visibilities put onto the channels of an image cube."""

from __future__ import annotations

import numpy as np

from casatools.kernels._kernel import kernel

__all__ = ["interpolate_channels"]


@kernel
def interpolate_channels(
    vis: np.ndarray, weight: np.ndarray, freq: np.ndarray, factor: np.ndarray, target: np.ndarray, width: float, count: int, nearest: bool,
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
    nearest : bool
        Take the nearest channel instead of interpolating linearly.
    out : ndarray (pol, row, out) complex64
    out_weight : ndarray (row, out) float32
        Zero outside the centres of the outermost channels and where a channel that is needed is flagged.
    """
    nchan = freq.shape[0]
    # A thousandth of a channel beyond the outermost centres still counts as inside.
    slack = 1e-3 * abs(freq[1] - freq[0]) if nchan > 1 else 0.5 * abs(width)
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
                if nearest or part < 1e-6 or part > 1.0 - 1e-6:
                    part = 0.0 if part < 0.5 else 1.0
                wl, wh = weight[row, low], weight[row, high]
                if (part < 1.0 and wl <= 0.0) or (part > 0.0 and wh <= 0.0):
                    continue
                w = np.float32(wl * (1.0 - part) + wh * part)
                total += w
                for p in range(vis.shape[0]):
                    out[p, row, k] += w * (vis[p, row, low] * np.float32(1.0 - part) + vis[p, row, high] * np.float32(part))
            out_weight[row, k] = total
            if total > 0.0:
                for p in range(vis.shape[0]):
                    out[p, row, k] = out[p, row, k] / np.float32(total)
