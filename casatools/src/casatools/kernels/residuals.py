"""Kernel that sums what is left of visibilities when a model is taken off."""

from __future__ import annotations

from typing import Any

import numpy as np

from casatools.kernels._kernel import kernel

__all__ = ["add_residuals"]


@kernel
def add_residuals(
    data: Any,
    model: Any,
    flag: Any,
    weight: Any,
    baseline: Any,
    when: Any,
    corr: Any,
    by_baseline: Any,
    by_time: Any,
    by_chan: Any,
) -> None:
    """Add residuals ``data - model`` to sums by baseline, time and channel.

    Parameters
    ----------
    data, model : ndarray (row, chan, corr) complex64
        Samples whose model is zero are left out.
    flag : ndarray (row, chan, corr) bool
    weight : ndarray (row, chan or 1, corr) float32
    baseline, when : ndarray (row,) int
        Rows of the sums; a negative one leaves a row out.
    corr : ndarray (hand,) int
        Correlation of each hand; negative where the data have none.
    by_baseline : ndarray (baseline, hand, 6) float64
        Added to: number, sum of squares, weighted sum of squares, real and imaginary part of the sum of data times conjugate model, sum
        of squares of the model.
    by_time, by_chan : ndarray (time, 2), (chan, 2) float64
        Added to: number, sum of squares.
    """
    wide = weight.shape[1] > 1
    for row in range(data.shape[0]):
        b, t = baseline[row], when[row]
        if b < 0:
            continue
        for chan in range(data.shape[1]):
            for hand in range(len(corr)):
                c = corr[hand]
                if c < 0 or flag[row, chan, c]:
                    continue
                v, m = np.complex128(data[row, chan, c]), np.complex128(model[row, chan, c])
                size = m.real**2 + m.imag**2
                w = weight[row, chan if wide else 0, c]
                if not (size > 0 and w > 0):
                    continue
                left, cross = v - m, v * m.conjugate()
                square = left.real**2 + left.imag**2
                total = by_baseline[b, hand]
                total[0] += 1
                total[1] += square
                total[2] += w * square
                total[3] += cross.real
                total[4] += cross.imag
                total[5] += size
                by_time[t, 0] += 1
                by_time[t, 1] += square
                by_chan[chan, 0] += 1
                by_chan[chan, 1] += square
