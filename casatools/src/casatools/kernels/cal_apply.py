"""Kernels that apply Jones matrices to visibilities in place.

``V' = J1 V J2^H`` for each baseline, where J are the matrices to apply: the inverse of what corrupts for a correction, the
corrupting ones themselves for a prediction. Arrays are C order.

References
----------
Hamaker, Bregman, Sault 1996, A&AS 117, 137 (the measurement equation in 2x2 form).
"""

from __future__ import annotations

from typing import Any

from casatools.kernels._kernel import kernel

__all__ = ["apply_additive", "apply_diagonal", "apply_general", "apply_leakage", "apply_multiplicative"]


@kernel
def apply_diagonal(
    data: Any, flag: Any, ant1: Any, ant2: Any, slot: Any, jones: Any, bad: Any, first: Any, second: Any, set_flags: bool
) -> None:
    """Apply diagonal Jones matrices.

    Parameters
    ----------
    data : ndarray (row, chan, corr) complex64, changed in place
    flag : ndarray (row, chan, corr) bool, changed in place when `set_flags`
    ant1, ant2 : ndarray (row,) int
    slot : ndarray (row,) int
        Which set of solutions a row takes.
    jones : ndarray (slot, ant, chan or 1, 2) complex64
    bad : ndarray (slot, ant, chan or 1, 2) bool
        No usable solution; jones is 1 there.
    first, second : ndarray (corr,) int
        Receptor (0 or 1) of the first and second antenna in each correlation.
    """
    nrow, nchan, ncorr = data.shape
    varies = jones.shape[2] > 1
    varies_bad = bad.shape[2] > 1
    for row in range(nrow):
        s, a, b = slot[row], ant1[row], ant2[row]
        for chan in range(nchan):
            k = chan if varies else 0
            m = chan if varies_bad else 0
            for corr in range(ncorr):
                p, q = first[corr], second[corr]
                left, right = jones[s, a, k, p], jones[s, b, k, q]
                data[row, chan, corr] *= left * right.conjugate()
                if set_flags and (bad[s, a, m, p] or bad[s, b, m, q]):
                    flag[row, chan, corr] = True


@kernel
def apply_general(data: Any, flag: Any, ant1: Any, ant2: Any, slot: Any, jones: Any, bad: Any, set_flags: bool) -> None:
    """Apply full 2x2 Jones matrices to four correlations ordered pp, pq, qp, qq.

    `jones` is (slot, ant, chan or 1, 2, 2) complex64, `bad` (slot, ant, chan or 1) bool; the rest as in `apply_diagonal`.
    """
    nrow, nchan, _ = data.shape
    varies = jones.shape[2] > 1
    varies_bad = bad.shape[2] > 1
    for row in range(nrow):
        s, a, b = slot[row], ant1[row], ant2[row]
        for chan in range(nchan):
            k = chan if varies else 0
            m = chan if varies_bad else 0
            v = data[row, chan]
            j = jones[s, a, k]
            h = jones[s, b, k]
            pp = j[0, 0] * v[0] + j[0, 1] * v[2]
            pq = j[0, 0] * v[1] + j[0, 1] * v[3]
            qp = j[1, 0] * v[0] + j[1, 1] * v[2]
            qq = j[1, 0] * v[1] + j[1, 1] * v[3]
            v[0] = pp * h[0, 0].conjugate() + pq * h[0, 1].conjugate()
            v[1] = pp * h[1, 0].conjugate() + pq * h[1, 1].conjugate()
            v[2] = qp * h[0, 0].conjugate() + qq * h[0, 1].conjugate()
            v[3] = qp * h[1, 0].conjugate() + qq * h[1, 1].conjugate()
            spoilt = flag[row, chan, 0] or flag[row, chan, 1] or flag[row, chan, 2] or flag[row, chan, 3]
            if set_flags and (spoilt or bad[s, a, m] or bad[s, b, m]):
                flag[row, chan, :] = True


@kernel
def apply_leakage(data: Any, flag: Any, ant1: Any, ant2: Any, slot: Any, leakage: Any, bad: Any, set_flags: bool) -> None:
    """Add first-order leakage to the cross hands of four correlations ordered pp, pq, qp, qq; parallel hands stay.

    ``pq += d1[0] qq + conj(d2[1]) pp`` and ``qp += d1[1] pp + conj(d2[0]) qq``: the terms linear in the leakages d that multiply
    the parallel hands; a flagged parallel hand therefore flags both cross hands. `leakage` is (slot, ant, chan or 1, 2) complex64, `bad` alike bool; the rest as in `apply_diagonal`.
    """
    nrow, nchan, _ = data.shape
    varies = leakage.shape[2] > 1
    varies_bad = bad.shape[2] > 1
    for row in range(nrow):
        s, a, b = slot[row], ant1[row], ant2[row]
        for chan in range(nchan):
            k = chan if varies else 0
            m = chan if varies_bad else 0
            pp, qq = data[row, chan, 0], data[row, chan, 3]
            data[row, chan, 1] += leakage[s, a, k, 0] * qq + leakage[s, b, k, 1].conjugate() * pp
            data[row, chan, 2] += leakage[s, a, k, 1] * pp + leakage[s, b, k, 0].conjugate() * qq
            if set_flags:
                spoilt = flag[row, chan, 0] or flag[row, chan, 3]
                if spoilt or bad[s, a, m, 0] or bad[s, b, m, 1]:
                    flag[row, chan, 1] = True
                if spoilt or bad[s, a, m, 1] or bad[s, b, m, 0]:
                    flag[row, chan, 2] = True


@kernel
def apply_multiplicative(data: Any, flag: Any, slot: Any, factor: Any, bad: Any, index: Any, set_flags: bool) -> None:
    """Multiply by baseline-based factors.

    `slot` (row,) int picks the row of `factor` (slot, chan or 1, par) complex64 and `bad` alike bool; a negative slot flags the
    row and leaves its data. `index` (corr,) int is the parameter of each correlation.
    """
    nrow, nchan, ncorr = data.shape
    varies = factor.shape[1] > 1
    for row in range(nrow):
        s = slot[row]
        for chan in range(nchan):
            k = chan if varies else 0
            for corr in range(ncorr):
                if s >= 0 and not bad[s, k, index[corr]]:
                    data[row, chan, corr] *= factor[s, k, index[corr]]
                elif set_flags:
                    flag[row, chan, corr] = True


@kernel
def apply_additive(data: Any, flag: Any, slot: Any, offset: Any, bad: Any, index: Any, set_flags: bool) -> None:
    """Add baseline-based offsets [Jy]; the arguments are those of `apply_multiplicative`, a negative `index` leaves a correlation alone."""
    nrow, nchan, ncorr = data.shape
    varies = offset.shape[1] > 1
    for row in range(nrow):
        s = slot[row]
        for chan in range(nchan):
            k = chan if varies else 0
            for corr in range(ncorr):
                p = index[corr]
                if p < 0:
                    continue
                if s >= 0 and not bad[s, k, p]:
                    data[row, chan, corr] += offset[s, k, p]
                elif set_flags:
                    flag[row, chan, corr] = True
