"""Kernels of the least squares for leakages, alone or together with properties of the source.

Visibilities of baseline i j are ``J_i M J_j^H`` with ``J = [[1, dR], [dL, 1]]``, or to first order in the cross hands ``M_01 + dR_i M_11 +
conj(dL_j) M_00`` and ``M_10 + dL_i M_00 + conj(dR_j) M_11``. Both are linear in the leakages of the first antenna, in the conjugates of
those of the second and in M, so each correlation has two complex derivatives and one for each property of the source.

References
----------
Hamaker, Bregman, Sault 1996, A&AS 117, 137; Sault, Hamaker, Bregman 1996, A&AS 117, 149.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from casatools.kernels._kernel import kernel

__all__ = ["leakage_normal_equations"]


@kernel
def predict_leaky(m: Any, first: Any, second: Any, full: bool, out: Any, left: Any, right: Any) -> None:
    """Visibilities of a model with leakages, and their derivatives.

    Parameters
    ----------
    m : ndarray (4,) complex128
        Model in the order pp pq qp qq.
    first, second : ndarray (2,) complex128
        Leakages of both antennas.
    full : bool
        All products; else first order in the cross hands, parallel hands as in the model.
    out : ndarray (4,) complex128
        Out: the visibilities.
    left, right : ndarray (4,) complex128
        Out: derivatives by the leakage of the first antenna (dR in pp and pq, dL in qp and qq), and by the conjugate of that of the
        second (dR in pp and qp, dL in pq and qq).
    """
    r, l = second[0].conjugate(), second[1].conjugate()
    if full:
        b0, b1, b2, b3 = m[0] + m[1] * r, m[0] * l + m[1], m[2] + m[3] * r, m[2] * l + m[3]
        left[0], left[1], left[2], left[3] = b2, b3, b0, b1
        right[0], right[1] = m[1] + first[0] * m[3], m[0] + first[0] * m[2]
        right[2], right[3] = m[3] + first[1] * m[1], m[2] + first[1] * m[0]
        out[0], out[1], out[2], out[3] = b0 + first[0] * b2, b1 + first[0] * b3, b2 + first[1] * b0, b3 + first[1] * b1
    else:
        left[0], left[1], left[2], left[3] = 0, m[3], m[0], 0
        right[0], right[1], right[2], right[3] = 0, m[0], m[3], 0
        out[0], out[3] = m[0], m[3]
        out[1], out[2] = m[1] + first[0] * m[3] + l * m[0], m[2] + first[1] * m[0] + r * m[3]


@kernel
def add_products(column: Any, place: Any, count: int, residual: complex, weight: float, normal: Any, right: Any) -> None:
    """Add one complex residual to the normal equations of real unknowns; `column` (count,) complex derivatives, `place` (count,) unknowns."""
    for a in range(count):
        turned = weight * column[a].conjugate()
        right[place[a]] += (turned * residual).real
        for b in range(count):
            normal[place[a], place[b]] += (turned * column[b]).real


@kernel
def leakage_normal_equations(
    ant1: Any, ant2: Any, vis: Any, model: Any, source: Any, weight: Any, leak: Any, full: bool, normal: Any, right: Any
) -> float:
    """Normal equations of changes of leakages and of properties of the source.

    Parameters
    ----------
    ant1, ant2 : ndarray (n,) int
    vis, model : ndarray (n, 4) complex128
    source : ndarray (property, n, 4) complex128
        Derivatives of the model.
    weight : ndarray (n, 4) float64
    leak : ndarray (ant, 2) complex128
    full : bool
        As in `predict_leaky`; first order uses cross hands only.
    normal, right : ndarray (unknown, unknown or more), (unknown,) float64
        Added to. Unknowns are real and imaginary part of dR and dL of each antenna, then the properties.

    Returns
    -------
    float
        Weighted sum of squares of the residuals.
    """
    work = np.zeros((5, 4), dtype=np.complex128)
    out, left, other, d2, d3 = work[0], work[1], work[2], work[3], work[4]
    column, place = np.zeros(4 + len(source), dtype=np.complex128), np.zeros(4 + len(source), dtype=np.int64)
    nant, total = len(leak), 0.0
    by_source = np.zeros((len(source), 4), dtype=np.complex128)
    for k in range(len(vis)):
        i, j = ant1[k], ant2[k]
        predict_leaky(model[k], leak[i], leak[j], full, out, left, other)
        for s in range(len(source)):
            predict_leaky(source[s, k], leak[i], leak[j], full, by_source[s], d2, d3)
        for c in range(0 if full else 1, 4 if full else 3):
            w = weight[k, c]
            if not w > 0:
                continue
            residual = vis[k, c] - out[c]
            total += w * (residual.real**2 + residual.imag**2)
            base1, base2 = 4 * i + 2 * (c // 2), 4 * j + 2 * (c % 2)
            column[0], column[1], column[2], column[3] = left[c], 1j * left[c], other[c], -1j * other[c]
            place[0], place[1], place[2], place[3] = base1, base1 + 1, base2, base2 + 1
            for s in range(len(source)):
                column[4 + s], place[4 + s] = by_source[s, c], 4 * nant + s
            add_products(column, place, 4 + len(source), residual, w, normal, right)
    return total
