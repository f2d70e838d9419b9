"""The Hogbom CLEAN loop with tiles that are brought up to date only when they can hold the peak.

Notes
-----
Each tile has an upper bound on its absolute values: its peak when it was last brought up to date, plus, for each component since, the flux times
the largest side lobe that falls onto the tile. A tile whose bound is below a peak that is known exactly cannot hold the peak, so that the
components found are those of the plain loop, at a small part of its cost.

References
----------
Hogbom 1974, A&AS 15, 417.
"""

from __future__ import annotations

import numpy as np

from casatools.kernels._kernel import kernel

__all__ = ["TILE", "clean_tiles", "refresh_tile", "tile_peak"]

# Pixels along a tile's side.
TILE = 64


@kernel
def tile_peak(plane: np.ndarray, mask: np.ndarray, box: np.ndarray) -> tuple[float, int, int]:
    """The greatest absolute value in the mask of a tile, and its y and x; -1 where there is none.

    Parameters
    ----------
    plane : ndarray (y, x) float32
    mask : ndarray (y, x) bool
    box : ndarray (4,) int64
        First and one beyond the last pixel: y0, y1, x0, x1.
    """
    best, by, bx = np.float32(-1.0), -1, -1
    for y in range(box[0], box[1]):
        line, wanted = plane[y, box[2] : box[3]], mask[y, box[2] : box[3]]
        top = np.float32(-1.0)
        for i in range(len(line)):
            top = max(top, abs(line[i]) if wanted[i] else np.float32(-1.0))
        if top > best:
            for i in range(len(line)):
                if wanted[i] and abs(line[i]) == top:
                    best, by, bx = top, y, box[2] + i
                    break
    return float(best), by, bx


@kernel
def refresh_tile(
    residual: np.ndarray,
    mask: np.ndarray,
    psf: np.ndarray,
    place: np.ndarray,
    flux: np.ndarray,
    first: int,
    last: int,
    box: np.ndarray,
) -> tuple[float, int, int]:
    """Subtract components ``first <= k < last`` from a tile; gives the greatest absolute value in its mask and its place.

    Parameters
    ----------
    residual : ndarray (y, x) float32
        Changed in place within the box.
    mask : ndarray (y, x) bool
    psf : ndarray (2 py + 1, 2 px + 1) float32
    place : ndarray (component, 2) int64
        y and x.
    flux : ndarray (component,) float32
    box : ndarray (4,) int64
        First and one beyond the last pixel: y0, y1, x0, x1.
    """
    py, px = psf.shape[0] // 2, psf.shape[1] // 2
    for k in range(first, last):
        cy, cx, f = place[k, 0], place[k, 1], flux[k]
        x0, x1 = max(box[2], cx - px), min(box[3], cx + px + 1)
        for y in range(max(box[0], cy - py), min(box[1], cy + py + 1)):
            # Slices let the compiler use vector instructions.
            line, lobe = residual[y, x0:x1], psf[y - cy + py, x0 - cx + px : x1 - cx + px]
            for i in range(len(line)):
                line[i] -= f * lobe[i]
    return tile_peak(residual, mask, box)


@kernel
def _peak_tile(
    residual: np.ndarray, mask: np.ndarray, psf: np.ndarray, place: np.ndarray, flux: np.ndarray, done: int, bound: np.ndarray,
    applied: np.ndarray, peaks: np.ndarray, boxes: np.ndarray,
) -> int:  # fmt: skip
    """Bring tiles up to date until the one of the greatest bound is; gives its number."""
    while True:
        tile = int(np.argmax(bound))
        if applied[tile] == done or bound[tile] < 0.0:
            return tile
        best, y, x = refresh_tile(residual, mask, psf, place, flux, applied[tile], done, boxes[tile])
        applied[tile] = done
        bound[tile] = best
        peaks[tile, 0], peaks[tile, 1] = y, x


@kernel
def clean_tiles(
    residual: np.ndarray, model: np.ndarray, psf: np.ndarray, mask: np.ndarray, reach: np.ndarray, boxes: np.ndarray, gain: float,
    threshold: float, place: np.ndarray, flux: np.ndarray, applied: np.ndarray, growth: float = 1.0,
) -> tuple[int, float]:  # fmt: skip
    """Find components; tiles are left at the state that `applied` tells.

    Parameters
    ----------
    residual, model : ndarray (y, x) float32
        Changed in place.
    psf : ndarray (2 py + 1, 2 px + 1) float32
        Peak 1 in the middle.
    mask : ndarray (y, x) bool
    reach : ndarray (2 ty - 1, 2 tx - 1) float64
        Greatest absolute value of the psf that a component in one tile can have in another, by the offset of the tiles.
    boxes : ndarray (tile, 4) int64
        y0, y1, x0, x1 of each tile, row by row of (ty, tx) tiles.
    gain, threshold : float
    place : ndarray (niter, 2) int64
    flux : ndarray (niter,) float32
        Filled with the components.
    applied : ndarray (tile,) int64
        Filled with the number of components that each tile has had.
    growth : float
        Factor that each component raises the threshold by.

    Returns
    -------
    int, float
        Components found, and the peak that is left in the mask.
    """
    ty, tx = reach.shape[0] // 2 + 1, reach.shape[1] // 2 + 1
    bound, peaks = np.empty(len(boxes)), np.empty((len(boxes), 2), dtype=np.int64)
    for t in range(len(boxes)):
        best, y, x = refresh_tile(residual, mask, psf, place, flux, 0, 0, boxes[t])
        bound[t], peaks[t, 0], peaks[t, 1], applied[t] = best, y, x, 0
    done = 0
    while True:
        tile = _peak_tile(residual, mask, psf, place, flux, done, bound, applied, peaks, boxes)
        peak = bound[tile]
        if done >= len(flux) or peak <= threshold or peak < 0.0:
            return done, max(peak, 0.0)
        y, x = peaks[tile, 0], peaks[tile, 1]
        flux[done] = gain * residual[y, x]
        place[done, 0], place[done, 1] = y, x
        model[y, x] += flux[done]
        size = abs(flux[done])
        done += 1
        threshold *= growth
        row, column = tile // tx, tile % tx
        for j in range(ty):
            for i in range(tx):
                if bound[j * tx + i] >= 0.0:
                    bound[j * tx + i] += size * reach[j - row + ty - 1, i - column + tx - 1]
