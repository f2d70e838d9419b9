"""Visibilities put onto the channels of an image cube."""

from __future__ import annotations

import numpy as np

from casatools.kernels._kernel import kernel

__all__ = ["bin_channels", "interpolate_channels"]


@kernel
def interpolate_channels(
    vis: np.ndarray, weight: np.ndarray, freq: np.ndarray, factor: np.ndarray, target: np.ndarray, nearest: bool,
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
    nearest : bool
        Take the nearest channel instead of interpolating linearly.
    out : ndarray (pol, row, out) complex64
    out_weight : ndarray (row, out) float32
        Zero outside the data by more than half a channel and where a channel that is needed is flagged.
    """
    nchan = freq.shape[0]
    half_low = 0.5 * (freq[1] - freq[0]) if nchan > 1 else 0.5 * abs(target[1] - target[0]) if target.shape[0] > 1 else np.inf
    half_high = 0.5 * (freq[nchan - 1] - freq[nchan - 2]) if nchan > 1 else half_low
    for row in range(weight.shape[0]):
        for k in range(target.shape[0]):
            f = target[k] / factor[row]
            out_weight[row, k] = 0.0
            for p in range(vis.shape[0]):
                out[p, row, k] = 0.0
            if f < freq[0] - half_low or f > freq[nchan - 1] + half_high:
                continue
            low = min(max(np.searchsorted(freq, f, side="right") - 1, 0), max(nchan - 2, 0))
            high = min(low + 1, nchan - 1)
            part = (f - freq[low]) / (freq[high] - freq[low]) if high > low else 0.0
            part = min(max(part, 0.0), 1.0)
            # Rounding must not make a channel that is hit exactly depend on its neighbour.
            if nearest or part < 1e-6 or part > 1.0 - 1e-6:
                part = 0.0 if part < 0.5 else 1.0
            wl, wh = weight[row, low], weight[row, high]
            if (part < 1.0 and wl <= 0.0) or (part > 0.0 and wh <= 0.0):
                continue
            out_weight[row, k] = wl * (1.0 - part) + wh * part
            for p in range(vis.shape[0]):
                out[p, row, k] = vis[p, row, low] * np.float32(1.0 - part) + vis[p, row, high] * np.float32(part)


@kernel
def bin_channels(
    vis: np.ndarray, weight: np.ndarray, freq: np.ndarray, factor: np.ndarray, first: float, step: float, out: np.ndarray, out_weight: np.ndarray
) -> None:
    """Average all channels that fall into each output channel, with their weights.

    Parameters
    ----------
    vis, weight, freq, factor
        As for `interpolate_channels`.
    first, step : float
        Centre of the first output channel and their spacing [Hz]; the spacing may be negative.
    out : ndarray (pol, row, out) complex64
    out_weight : ndarray (row, out) float32
    """
    nout = out_weight.shape[1]
    for row in range(weight.shape[0]):
        for k in range(nout):
            out_weight[row, k] = 0.0
            for p in range(vis.shape[0]):
                out[p, row, k] = 0.0
        for chan in range(freq.shape[0]):
            w = weight[row, chan]
            k = int(np.floor((freq[chan] * factor[row] - first) / step + 0.5))
            if w > 0.0 and 0 <= k < nout:
                out_weight[row, k] += w
                for p in range(vis.shape[0]):
                    out[p, row, k] += vis[p, row, chan] * w
        for k in range(nout):
            if out_weight[row, k] > 0.0:
                for p in range(vis.shape[0]):
                    out[p, row, k] /= out_weight[row, k]
