"""The multi-scale CLEAN loop with tiles that are brought up to date only when they can hold the peak.

Notes
-----
The planes of all scales are cut into tiles, each with an upper bound on its absolute values as in `clean_tiles`. A component changes the planes of all
scales by the beam convolved with its own scale and theirs; tiles take many components at once, while they are in the processor's cache.

References
----------
Cornwell 2008, IEEE J. Sel. Top. Signal Process. 2, 793.
"""

from __future__ import annotations

import numpy as np

from casatools.kernels._kernel import kernel
from casatools.kernels.clean_tiles import tile_peak

__all__ = ["clean_scale_tiles", "refresh_scale_tile"]


@kernel
def refresh_scale_tile(
    plane: np.ndarray, mask: np.ndarray, lobes: np.ndarray, place: np.ndarray, flux: np.ndarray, first: int, last: int, box: np.ndarray,
    cy: int, cx: int,
) -> tuple[float, int, int]:  # fmt: skip
    """Subtract components ``first <= k < last`` from a tile of one scale; gives the greatest absolute value in its mask and its place.

    Parameters
    ----------
    plane : ndarray (y, x) float32
        Changed in place within the box.
    mask : ndarray (y, x) bool
    lobes : ndarray (scale, y, x) float32
        Beams of components of each scale as this plane sees them, peak at (cy, cx).
    place : ndarray (component, 3) int64
        Scale, y and x.
    flux : ndarray (component,) float32
    box : ndarray (4,) int64
        First and one beyond the last pixel: y0, y1, x0, x1.
    cy, cx : int
    """
    ny, nx = plane.shape
    for k in range(first, last):
        lobe, by, bx, f = lobes[place[k, 0]], place[k, 1], place[k, 2], flux[k]
        x0, x1 = max(box[2], bx - cx), min(box[3], bx - cx + nx)
        for y in range(max(box[0], by - cy), min(box[1], by - cy + ny)):
            # Slices let the compiler use vector instructions.
            line, part = plane[y, x0:x1], lobe[y - by + cy, x0 - bx + cx : x1 - bx + cx]
            for i in range(len(line)):
                line[i] -= f * part[i]
    return tile_peak(plane, mask, box)


@kernel
def clean_scale_tiles(
    smoothed: np.ndarray, components: np.ndarray, cross: np.ndarray, mask: np.ndarray, norms: np.ndarray, reach: np.ndarray, boxes: np.ndarray,
    gain: float, threshold: float, cy: int, cx: int, place: np.ndarray, flux: np.ndarray, growth: float = 1.0, smallest: int = 0,
    most: int = 0, repeated: int = 0,
) -> tuple[int, bool]:  # fmt: skip
    """Take components from the scale whose normalised peak is greatest; all tiles are brought up to date at the end.

    Parameters
    ----------
    smoothed : ndarray (scale, y, x) float32
        Residual convolved with each scale; changed in place.
    components : ndarray (scale, y, x) float32
        Fluxes; added to.
    cross : ndarray (scale, scale, y, x) float32
        Beam convolved with two scales, peak at (cy, cx).
    mask : ndarray (y, x) bool
    norms : ndarray (scale,) float64
        Factor on the peaks of each scale.
    reach : ndarray (scale, scale, 2 ty - 1, 2 tx - 1) float64
        Greatest absolute value of a beam that a component in one tile can have in another, by the offset of the tiles.
    boxes : ndarray (tile, 4) int64
        y0, y1, x0, x1 of each tile, row by row of (ty, tx) tiles.
    gain, threshold : float
    cy, cx : int
    place : ndarray (niter, 3) int64
    flux : ndarray (niter,) float32
        Filled with the components.
    growth : float
        Factor that each component raises the threshold by.
    smallest, most, repeated : int
        The loop ends before so many components in a row of this scale, of which there are some already; 0 for never.

    Returns
    -------
    int, bool
        Components found, and whether nothing above the threshold is left.
    """
    count, tiles = len(smoothed), len(boxes)
    ty, tx = reach.shape[2] // 2 + 1, reach.shape[3] // 2 + 1
    bound, peaks = np.empty(count * tiles), np.empty((count * tiles, 2), dtype=np.int64)
    applied = np.zeros(count * tiles, dtype=np.int64)
    for n in range(count * tiles):
        best, y, x = refresh_scale_tile(
            smoothed[n // tiles], mask, cross[n // tiles], place, flux, 0, 0, boxes[n % tiles], cy, cx
        )
        bound[n], peaks[n, 0], peaks[n, 1] = best * norms[n // tiles], y, x
    done, below = 0, False
    while True:
        n = int(np.argmax(bound))
        s = n // tiles
        if applied[n] < done and bound[n] > 0.0:
            best, y, x = refresh_scale_tile(smoothed[s], mask, cross[s], place, flux, applied[n], done, boxes[n % tiles], cy, cx)
            applied[n], bound[n], peaks[n, 0], peaks[n, 1] = done, best * norms[s], y, x
            continue
        y, x = peaks[n, 0], peaks[n, 1]
        # It is the flux of the component that is compared, whatever its scale counts when one is chosen.
        below = bound[n] <= 0.0 or abs(smoothed[s, y, x]) / cross[s, s, cy, cx] <= threshold
        if done >= len(flux) or below:
            break
        repeated = repeated + 1 if s == smallest else 0
        if 0 < most <= repeated:
            break
        f = np.float32(gain * smoothed[s, y, x] / cross[s, s, cy, cx])
        components[s, y, x] += f
        place[done, 0], place[done, 1], place[done, 2], flux[done] = s, y, x, f
        done += 1
        threshold *= growth
        row, column, size = (n % tiles) // tx, (n % tiles) % tx, abs(f)
        for b in range(count):
            for j in range(ty):
                for i in range(tx):
                    m = b * tiles + j * tx + i
                    if bound[m] >= 0.0:
                        bound[m] += size * norms[b] * reach[s, b, j - row + ty - 1, i - column + tx - 1]
    for n in range(count * tiles):
        refresh_scale_tile(smoothed[n // tiles], mask, cross[n // tiles], place, flux, applied[n], done, boxes[n % tiles], cy, cx)
    return done, below
