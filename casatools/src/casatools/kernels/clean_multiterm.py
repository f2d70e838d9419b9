"""The multi-term, multi-scale CLEAN loop.

References
----------
Rau & Cornwell 2011, A&A 532, A71: the joint deconvolution of Taylor terms and scales.
"""

from __future__ import annotations

import numpy as np

from casatools.kernels._kernel import kernel

__all__ = ["clean_multiterm", "row_gains", "subtract_terms", "tile_best"]

TILE = 64


@kernel
def row_gains(values: np.ndarray, inverse: np.ndarray, out: np.ndarray) -> None:
    """Decrease of chi squared that the solution of each pixel brings: ``r^T A^-1 r``.

    Parameters
    ----------
    values : ndarray (term, x) float32
        Residuals of the Taylor terms.
    inverse : ndarray (term, term) float64
        Inverse of the Hessian's peak.
    out : ndarray (x,) float64
        Set.
    """
    out[:] = 0.0
    for i in range(len(values)):
        for j in range(len(values)):
            first, factor, second = values[i], inverse[i, j], values[j]
            for x in range(len(out)):
                out[x] += first[x] * factor * second[x]


@kernel
def tile_best(
    residual: np.ndarray, inverse: np.ndarray, mask: np.ndarray, tile: int, columns: int, best: np.ndarray, place: np.ndarray
) -> None:
    """Find where in one tile a scale's solution gains most; ties go to the first pixel, as in a row-by-row search.

    Parameters
    ----------
    residual : ndarray (term, y, x) float32
        Of one scale.
    inverse : ndarray (term, term) float64
    mask : ndarray (y, x) bool
    tile, columns : int
        Number of the tile, and tiles in a row of them.
    best : ndarray (2,) float64
        Set: the gain, and the greatest absolute value of the first term.
    place : ndarray (2,) int64
        Set: y and x.
    """
    y0, x0 = (tile // columns) * TILE, (tile % columns) * TILE
    x1 = min(x0 + TILE, residual.shape[2])
    best[0], best[1] = -1.0, 0.0
    gains = np.empty(x1 - x0)
    for y in range(y0, min(y0 + TILE, residual.shape[1])):
        wanted, first = mask[y, x0:x1], np.abs(residual[0, y, x0:x1])
        row_gains(residual[:, y, x0:x1], inverse, gains)
        # Counting takes vector instructions, and few rows hold anything greater than what was seen.
        above = 0
        for x in range(len(gains)):
            above += wanted[x] & ((gains[x] > best[0]) | (first[x] > best[1]))
        if above == 0:
            continue
        for x in range(len(gains)):
            if wanted[x]:
                best[1] = max(best[1], first[x])
                if gains[x] > best[0]:
                    best[0] = gains[x]
                    place[0], place[1] = y, x0 + x


@kernel
def subtract_terms(residual: np.ndarray, lobes: np.ndarray, fluxes: np.ndarray, by: int, bx: int) -> None:
    """Subtract a component of all Taylor terms from the residuals of one scale.

    Parameters
    ----------
    residual : ndarray (term, y, x) float32
        Changed in place.
    lobes : ndarray (2 term - 1, 2 h, 2 w) float32
        Spectral beams about their peak at (h, w).
    fluxes : ndarray (term,) float64
    by, bx : int
        Where the component is.
    """
    terms, ny, nx = residual.shape
    half_y, half_x = lobes.shape[1] // 2, lobes.shape[2] // 2
    y0, y1 = max(0, by - half_y), min(ny, by + half_y)
    x0, x1 = max(0, bx - half_x), min(nx, bx + half_x)
    for i in range(terms):
        for j in range(terms):
            flux = np.float32(fluxes[j])
            for y in range(y0, y1):
                line, part = residual[i, y, x0:x1], lobes[i + j, y - by + half_y, x0 - bx + half_x : x1 - bx + half_x]
                for x in range(len(line)):
                    line[x] -= flux * part[x]


@kernel
def clean_multiterm(
    residual: np.ndarray, lobes: np.ndarray, inverse: np.ndarray, masks: np.ndarray, bias: np.ndarray, gain: float, threshold: float,
    place: np.ndarray, scale: np.ndarray, flux: np.ndarray, growth: float = 1.0,
) -> int:  # fmt: skip
    """Take components of the scale and pixel whose solution lowers chi squared most.

    Parameters
    ----------
    residual : ndarray (scale, term, y, x) float32
        Residuals convolved with each scale; changed in place.
    lobes : ndarray (scale, scale, 2 term - 1, 2 h, 2 w) float32
        Spectral beams convolved with two scales.
    inverse : ndarray (scale, term, term) float64
    masks : ndarray (scale, y, x) bool
    bias : ndarray (scale,) float64
        Factor on the gains of each scale.
    gain, threshold : float
        Loop gain, and the peak of the first term of the first scale to stop at.
    place : ndarray (niter, 2) int64
    scale : ndarray (niter,) int64
    flux : ndarray (niter, term) float64
        Set: the components.
    growth : float
        Factor that each component raises the threshold by.

    Returns
    -------
    int
        Components found.
    """
    columns, rows = -(-residual.shape[3] // TILE), -(-residual.shape[2] // TILE)
    count, tiles = len(residual), rows * columns
    best, where = np.zeros((count, tiles, 2)), np.zeros((count, tiles, 2), dtype=np.int64)
    for s in range(count):
        for t in range(tiles):
            tile_best(residual[s], inverse[s], masks[s], t, columns, best[s, t], where[s, t])
    for done in range(len(scale)):
        top, chosen, tile = 0.0, -1, -1
        for s in range(count):
            t = int(np.argmax(best[s, :, 0]))
            if best[s, t, 0] * bias[s] > top:
                top, chosen, tile = best[s, t, 0] * bias[s], s, t
        if chosen < 0 or best[0, :, 1].max() <= threshold:
            return done
        by, bx = where[chosen, tile, 0], where[chosen, tile, 1]
        place[done, 0], place[done, 1], scale[done] = by, bx, chosen
        for i in range(residual.shape[1]):
            flux[done, i] = gain * (inverse[chosen, i] * residual[chosen, :, by, bx]).sum()
        threshold *= growth
        half_y, half_x = lobes.shape[3] // 2, lobes.shape[4] // 2
        for s in range(count):
            subtract_terms(residual[s], lobes[chosen, s], flux[done], by, bx)
            for r in range(max(0, by - half_y) // TILE, min(rows, (by + half_y) // TILE + 1)):
                for c in range(max(0, bx - half_x) // TILE, min(columns, (bx + half_x) // TILE + 1)):
                    t = r * columns + c
                    tile_best(residual[s], inverse[s], masks[s], t, columns, best[s, t], where[s, t])
    return len(scale)
