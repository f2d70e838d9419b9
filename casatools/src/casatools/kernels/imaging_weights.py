"""Density of samples on the uv plane, and the weights made from it.

References
----------
Briggs 1995, PhD thesis, New Mexico Tech, chapter 3: uniform and robust weighting.
"""

from __future__ import annotations

import numpy as np

from casatools.kernels._kernel import kernel

__all__ = ["add_density", "density_weights"]


@kernel
def add_density(
    uvw: np.ndarray, scale: np.ndarray, weight: np.ndarray, cell_u: float, cell_v: float, offset: float, density: np.ndarray,
    first: int, last: int,
) -> None:  # fmt: skip
    """Add weights to some cells of a uv grid, each sample also at its conjugate place.

    Parameters
    ----------
    uvw : ndarray (row, 3) float64 [m]
    scale : ndarray (chan,) float64 [1/m]
        Frequency over the speed of light.
    weight : ndarray (row, chan) float32
    cell_u, cell_v : float
        Cells per wavelength: image size times pixel size [rad].
    offset : float
        0 for cells that begin at a multiple of the cell size, 0.5 for cells centred on it.
    density : ndarray (nu, nv) float64
        Added to; zero frequency is at (nu // 2, nv // 2).
    first, last : int
        Cells from the first to before the last of u.
    """
    nu, nv = density.shape
    mu, mv = nu // 2 + offset, nv // 2 + offset
    for row in range(uvw.shape[0]):
        for chan in range(scale.shape[0]):
            w = weight[row, chan]
            if w > 0:
                u, v = uvw[row, 0] * scale[chan] * cell_u, uvw[row, 1] * scale[chan] * cell_v
                i, j = int(np.floor(u + mu)), int(np.floor(v + mv))
                if first <= i < last and 0 <= j < nv:
                    density[i, j] += w
                i, j = int(np.floor(mu - u)), int(np.floor(mv - v))
                if first <= i < last and 0 <= j < nv:
                    density[i, j] += w


@kernel
def density_weights(
    uvw: np.ndarray, scale: np.ndarray, weight: np.ndarray, cell_u: float, cell_v: float, offset: float, density: np.ndarray,
    factor: float, constant: float, bandwidth: float, first: int, last: int, result: np.ndarray,
) -> None:  # fmt: skip
    """Weights divided by ``constant + factor * density`` of their cell; samples outside the grid get none.

    Parameters
    ----------
    uvw, scale, weight, cell_u, cell_v, offset, density
        As for `add_density`.
    factor, constant : float
        ``factor=1, constant=0`` is uniform weighting, ``constant=1`` with Briggs' factor robust weighting.
    bandwidth : float
        Fractional bandwidth of a cube, for the inverse taper of "briggsbwtaper"; 0 for none.
    first, last : int
        Rows from the first to before the last.
    result : ndarray (row, chan) float32
    """
    nu, nv = density.shape
    for row in range(first, last):
        for chan in range(scale.shape[0]):
            w = weight[row, chan]
            new = 0.0
            if w > 0:
                u, v = uvw[row, 0] * scale[chan] * cell_u, uvw[row, 1] * scale[chan] * cell_v
                i, j = int(np.floor(u + nu // 2 + offset)), int(np.floor(v + nv // 2 + offset))
                if 0 <= i < nu and 0 <= j < nv:
                    # Cells that the band smears this sample over.
                    smear = bandwidth * np.hypot(u, v)
                    part = 1.0 - 0.25 * smear if smear <= 1.0 else 0.75 / smear
                    below = constant + factor * density[i, j] * part
                    if below > 0.0:
                        new = w / below
            result[row, chan] = new
