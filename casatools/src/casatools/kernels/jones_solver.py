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
def predict_leaky(
    models: Any, s: int, b: int, k: int, leak: Any, i: int, j: int, full: bool, out: Any, left: Any, right: Any
) -> None:
    """Visibilities of a model with leakages, and their derivatives.

    Parameters
    ----------
    models : ndarray (model, baseline, sub, 4) complex128
        ``models[s, b, k]`` is used, in the order pp pq qp qq.
    s, b, k : int
    leak : ndarray (ant, 2) complex128
    i, j : int
        Both antennas.
    full : bool
        All products; else first order in the cross hands, parallel hands as in the model.
    out : ndarray (model, 4) complex128
        ``out[s]`` is set: the visibilities.
    left, right : ndarray (4,) complex128
        Out: derivatives by the leakage of the first antenna (dR in pp and pq, dL in qp and qq), and by the conjugate of that of the
        second (dR in pp and qp, dL in pq and qq).
    """
    m0, m1, m2, m3 = models[s, b, k, 0], models[s, b, k, 1], models[s, b, k, 2], models[s, b, k, 3]
    dr, dl, r, l = leak[i, 0], leak[i, 1], leak[j, 0].conjugate(), leak[j, 1].conjugate()
    if full:
        b0, b1, b2, b3 = m0 + m1 * r, m0 * l + m1, m2 + m3 * r, m2 * l + m3
        left[0], left[1], left[2], left[3] = b2, b3, b0, b1
        right[0], right[1], right[2], right[3] = m1 + dr * m3, m0 + dr * m2, m3 + dl * m1, m2 + dl * m0
        out[s, 0], out[s, 1], out[s, 2], out[s, 3] = b0 + dr * b2, b1 + dr * b3, b2 + dl * b0, b3 + dl * b1
    else:
        left[0], left[1], left[2], left[3] = 0, m3, m0, 0
        right[0], right[1], right[2], right[3] = 0, m0, m3, 0
        out[s, 0], out[s, 1], out[s, 2], out[s, 3] = m0, m1 + dr * m3 + l * m0, m2 + dl * m0 + r * m3, m3


@kernel
def add_shared(
    a: complex, b: complex, w: float, residual: complex, i: int, j: int, out: Any, c: int, border: Any, corner: Any, right: Any
) -> None:
    """Add one residual to the equations of what all antennas share: `a` and `b` are its derivatives by unknown i and the conjugate of unknown j (real
    parts; imaginary ones come next), ``out[1 + s, c]`` that by property s.
    """
    n = len(corner)
    first = len(right) - n
    for s in range(n):
        turned = w * out[1 + s, c].conjugate()
        by_first, by_second = turned * a, turned * b
        right[first + s] += (turned * residual).real
        border[s, i] += by_first.real
        border[s, i + 1] -= by_first.imag
        border[s, j] += by_second.real
        border[s, j + 1] += by_second.imag
        for r in range(n):
            corner[s, r] += (turned * out[1 + r, c]).real


@kernel
def add_baseline(i: int, j: int, b: int, square: Any, both: Any, pull: Any, own: Any, link: Any, right: Any) -> None:
    """Add the sums of a baseline to the blocks of its antennas.

    Parameters
    ----------
    i, j, b : int
        Antennas and baseline.
    square : ndarray (4,) float64
        Squares of the derivatives by dR and dL of the first antenna, dR and dL of the second.
    both : ndarray (4,) complex128
        For each correlation the conjugate derivative by the first times that by the conjugate of the second.
    pull : ndarray (4,) complex128
        Conjugate derivatives times the residual, in the order of `square`.
    own, link, right : ndarray float64
        As in `leakage_normal_equations`; added to.
    """
    for p in range(2):
        x = 2 * p
        for q in range(2):
            own[i, x + q, x + q] += square[p]
            own[j, x + q, x + q] += square[2 + p]
            value = both[x + q]
            link[b, x, 2 * q] += value.real
            link[b, x, 2 * q + 1] += value.imag
            link[b, x + 1, 2 * q] += value.imag
            link[b, x + 1, 2 * q + 1] -= value.real
        right[4 * i + x] += pull[p].real
        right[4 * i + x + 1] += pull[p].imag
        right[4 * j + x] += pull[2 + p].real
        right[4 * j + x + 1] -= pull[2 + p].imag


@kernel
def leakage_normal_equations(
    ant1: Any,
    ant2: Any,
    vis: Any,
    models: Any,
    weight: Any,
    leak: Any,
    full: bool,
    own: Any,
    link: Any,
    border: Any,
    corner: Any,
    right: Any,
) -> float:
    """Normal equations of changes of leakages and of properties of the source.

    Parameters
    ----------
    ant1, ant2 : ndarray (baseline,) int
    vis : ndarray (baseline, sub, 4) complex128
    models : ndarray (1 + property, baseline, sub, 4) complex128
        The model and its derivatives.
    weight : ndarray (baseline, sub, 4) float64
        Zero leaves a correlation out.
    leak : ndarray (ant, 2) complex128
    full : bool
        As in `predict_leaky`; first order uses cross hands only.
    own, link, border, corner, right : ndarray float64
        The blocks of `linked_product` and the right side (4 ant + property,), added to. Unknowns are real and imaginary part of dR and dL of each antenna,
        then the properties.

    Returns
    -------
    float
        Weighted sum of squares of the residuals.
    """
    out, work = np.zeros((len(models), 4), dtype=np.complex128), np.zeros((6, 4), dtype=np.complex128)
    left, other, both, pull, d2, d3 = work[0], work[1], work[2], work[3], work[4], work[5]
    total, square = 0.0, np.zeros(4)
    for b in range(len(vis)):
        i, j = ant1[b], ant2[b]
        for c in range(4):
            both[c], pull[c], square[c] = 0, 0, 0
        for k in range(vis.shape[1]):
            predict_leaky(models, 0, b, k, leak, i, j, full, out, left, other)
            for s in range(1, len(models)):
                predict_leaky(models, s, b, k, leak, i, j, full, out, d2, d3)
            for c in range(0 if full else 1, 4 if full else 3):
                w, x, y = weight[b, k, c], c // 2, 2 + c % 2
                if w > 0:
                    residual, one, two = vis[b, k, c] - out[0, c], w * left[c].conjugate(), w * other[c].conjugate()
                    total += w * (residual.real**2 + residual.imag**2)
                    square[x] += (one * left[c]).real
                    square[y] += (two * other[c]).real
                    both[c] += one * other[c]
                    pull[x] += one * residual
                    pull[y] += two * residual
                    add_shared(left[c], other[c], w, residual, 4 * i + 2 * x, 4 * j + 2 * y - 4, out, c, border, corner, right)
        add_baseline(i, j, b, square, both, pull, own, link, right)
    return total
