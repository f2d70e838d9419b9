"""Hanning smoothing of spectra: 1/4, 1/2, 1/4 over neighbouring channels."""

from __future__ import annotations

import numpy as np

from casatools.kernels._kernel import kernel

__all__ = ["smooth_flags", "smooth_values", "smooth_weights"]


@kernel
def smooth_values(values: np.ndarray, out: np.ndarray) -> None:
    """Weighted means of three channels; the edge channels keep their values.

    Parameters
    ----------
    values, out : ndarray (row, chan, corr) complex64 or float32
        At least three channels.
    """
    nrow, nchan, ncorr = values.shape
    half, quarter = np.float32(0.5), np.float32(0.25)
    for row in range(nrow):
        for corr in range(ncorr):
            out[row, 0, corr] = values[row, 0, corr]
            out[row, nchan - 1, corr] = values[row, nchan - 1, corr]
        for chan in range(1, nchan - 1):
            for corr in range(ncorr):
                sides = values[row, chan - 1, corr] + values[row, chan + 1, corr]
                out[row, chan, corr] = half * values[row, chan, corr] + quarter * sides


@kernel
def smooth_flags(flag: np.ndarray, out: np.ndarray) -> None:
    """Flags of the means: set where one of the three channels has one, and at the edges.

    Parameters
    ----------
    flag, out : ndarray (row, chan, corr) bool
    """
    nrow, nchan, ncorr = flag.shape
    for row in range(nrow):
        for chan in range(nchan):
            for corr in range(ncorr):
                edge = chan == 0 or chan == nchan - 1
                out[row, chan, corr] = edge or flag[row, chan - 1, corr] or flag[row, chan, corr] or flag[row, chan + 1, corr]


@kernel
def smooth_weights(weight: np.ndarray, out: np.ndarray) -> None:
    """Weights of the means, by the variance of the sum: 1 / (1/16/w[-1] + 1/4/w[0] + 1/16/w[+1]); edges as they are.

    Parameters
    ----------
    weight, out : ndarray (row, chan, corr) float32
        A channel without weight gives the variance nothing.
    """
    nrow, nchan, ncorr = weight.shape
    for row in range(nrow):
        for corr in range(ncorr):
            out[row, 0, corr] = weight[row, 0, corr]
            out[row, nchan - 1, corr] = weight[row, nchan - 1, corr]
        for chan in range(1, nchan - 1):
            for corr in range(ncorr):
                variance = 0.0
                for step in range(-1, 2):
                    w = np.float64(weight[row, chan + step, corr])
                    variance += (0.25 if step == 0 else 0.0625) / w if w > 0.0 else 0.0
                out[row, chan, corr] = 1.0 / variance if variance > 0.0 else 0.0
