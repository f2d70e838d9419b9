"""Products with the normal matrices of many antennas, held as blocks: one for each antenna, one for each baseline, borders for what all share.

The square matrix of all unknowns has a row of blocks for each antenna; filling and reading it goes all over the memory, while blocks of baselines are
filled and read in the order of the data, each once.
"""

from __future__ import annotations

from typing import Any

from casatools.kernels._kernel import reordering_kernel

__all__ = ["linked_product"]


@reordering_kernel
def linked_product(ant1: Any, ant2: Any, own: Any, link: Any, border: Any, corner: Any, x: Any, out: Any) -> None:
    """The symmetric matrix times a vector.

    Parameters
    ----------
    ant1, ant2 : ndarray (baseline,) int
    own : ndarray (ant, 4, 4) float64
        Symmetric blocks of the four unknowns of each antenna.
    link : ndarray (baseline, 4, 4) float64
        Blocks of rows of the first and columns of the second antenna.
    border, corner : ndarray (property, 4 ant), (property, property) float64
        Rows of the unknowns that all antennas share.
    x, out : ndarray (4 ant + property,) float64
        Unknowns of the first antenna, of the second, ..., then those shared; `out` is set.
    """
    count = 4 * len(own)
    for i in range(len(own)):
        for p in range(4):
            out[4 * i + p] = 0.0
            for q in range(4):
                out[4 * i + p] += own[i, p, q] * x[4 * i + q]
    for b in range(len(link)):
        i, j = 4 * ant1[b], 4 * ant2[b]
        for p in range(4):
            for q in range(4):
                out[i + p] += link[b, p, q] * x[j + q]
                out[j + q] += link[b, p, q] * x[i + p]
    for s in range(len(corner)):
        total = 0.0
        for k in range(count):
            total += border[s, k] * x[k]
            out[k] += border[s, k] * x[count + s]
        for r in range(len(corner)):
            total += corner[s, r] * x[count + r]
        out[count + s] = total
