"""Sums over visibilities that are all a scalar gain solution needs.

For gains that do not change within a solution, minimising ``sum w |V - g_i conj(g_j) M|^2`` needs, for each baseline, only ``sum w V conj(M)``
and ``sum w |M|^2``: the data are read once and never held.
"""

from __future__ import annotations

import numpy as np

from casatools.kernels._kernel import kernel

__all__ = ["accumulate_products"]


@kernel
def accumulate_products(
    data: np.ndarray,
    model: np.ndarray,
    weight: np.ndarray,
    flag: np.ndarray,
    slot: np.ndarray,
    baseline: np.ndarray,
    group: np.ndarray,
    corr: np.ndarray,
    together: bool,
    vm: np.ndarray,
    mm: np.ndarray,
    ww: np.ndarray,
) -> None:
    """Add a chunk of visibilities to the sums of each baseline.

    Parameters
    ----------
    data, model : ndarray (row, chan, corr) complex64 [Jy]
    weight : ndarray (row, chan or 1, corr) float32
    flag : ndarray (row, chan, corr) bool
    slot : ndarray (row,) int64
        Solution that a row goes into; negative rows are left out.
    baseline : ndarray (row,) int64
    group : ndarray (chan,) int64
        Output channel that a channel goes into; negative ones are left out.
    corr : ndarray (pol,) int64
        Correlation of each output polarization, negative where there is none.
    together : bool
        A sample with any correlation flagged is left out in all.
    vm : ndarray (slot, out, pol, baseline) complex128
        ``sum w V conj(M)``, added to.
    mm, ww : ndarray (slot, out, pol, baseline) float64
        ``sum w |M|^2`` and ``sum w``, added to.
    """
    nchan, ncorr = data.shape[1], data.shape[2]
    wide = weight.shape[1] > 1
    for row in range(data.shape[0]):
        s, b = slot[row], baseline[row]
        if s < 0:
            continue
        for chan in range(nchan):
            g = group[chan]
            if g < 0:
                continue
            if together:
                bad = False
                for c in range(ncorr):
                    bad |= flag[row, chan, c]
                if bad:
                    continue
            for pol in range(corr.shape[0]):
                c = corr[pol]
                if c < 0 or flag[row, chan, c]:
                    continue
                w = np.float64(weight[row, chan if wide else 0, c])
                v, m = data[row, chan, c], model[row, chan, c]
                if w > 0.0 and np.isfinite(v.real) and np.isfinite(v.imag):
                    vm[s, g, pol, b] += w * (np.complex128(v) * np.conj(np.complex128(m)))
                    mm[s, g, pol, b] += w * (np.float64(m.real) ** 2 + np.float64(m.imag) ** 2)
                    ww[s, g, pol, b] += w
