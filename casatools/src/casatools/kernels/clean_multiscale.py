"""The multi-scale CLEAN loop.

References
----------
Cornwell 2008, IEEE J. Sel. Top. Signal Process. 2, 793.
"""

from __future__ import annotations

import numpy as np

from casatools.kernels._kernel import kernel

__all__ = ["clean_multiscale", "subtract_lobe"]


@kernel
def subtract_lobe(
    plane: np.ndarray, mask: np.ndarray, lobe: np.ndarray, flux: float, by: int, bx: int, cy: int, cx: int, tops: np.ndarray
) -> None:
    """Subtract a scaled and shifted beam from a plane and note the greatest absolute value in the mask of each row.

    Parameters
    ----------
    plane : ndarray (y, x) float32
        Changed in place.
    mask : ndarray (y, x) bool
    lobe : ndarray (y, x) float32
        Beam with its peak at (cy, cx).
    flux : float
    by, bx, cy, cx : int
        Where the peak goes, and where it is in `lobe`.
    tops : ndarray (y,) float32
    """
    ny, nx = plane.shape
    f = np.float32(flux)
    x0, x1 = max(0, bx - cx), min(nx, bx - cx + nx)
    for y in range(ny):
        if flux != 0.0 and 0 <= y - by + cy < ny:
            # Slices let the compiler use vector instructions.
            line, part = plane[y, x0:x1], lobe[y - by + cy, x0 - bx + cx : x1 - bx + cx]
            for i in range(len(line)):
                line[i] -= f * part[i]
        whole, wanted = plane[y], mask[y]
        top = np.float32(0.0)
        for i in range(nx):
            top = max(top, abs(whole[i]) if wanted[i] else np.float32(0.0))
        tops[y] = top


@kernel
def clean_multiscale(
    smoothed: np.ndarray, components: np.ndarray, cross: np.ndarray, mask: np.ndarray, bias: np.ndarray, gain: float, threshold: float,
    niter: int, cy: int, cx: int, growth: float = 1.0, smallest: int = 0, most: int = 0,
) -> tuple[int, float, bool]:  # fmt: skip
    """Take components from the scale whose normalised peak is greatest.

    Parameters
    ----------
    smoothed : ndarray (scale, y, x) float32
        Residual convolved with each scale; changed in place.
    components : ndarray (scale, y, x) float32
        Fluxes; added to.
    cross : ndarray (scale, scale, y, x) float32
        Beam convolved with two scales, peak at (cy, cx).
    mask : ndarray (y, x) bool
    bias : ndarray (scale,) float64
        Factor on the peaks of each scale, on top of one over the root of its own norm ``cross[s, s]``.
    gain, threshold, niter
        As in CLEAN; the threshold is for the flux of the component that is chosen, before the gain.
    cy, cx : int
    growth : float
        Factor that each component raises the threshold by.
    smallest, most : int
        The loop ends before so many components in a row of this scale; 0 for never.

    Returns
    -------
    int, float, bool
        Iterations, the greatest residual of the smallest scale in the mask, and whether so many components in a row ended the loop.
    """
    count, ny = smoothed.shape[:2]
    tops = np.zeros((count, ny), dtype=np.float32)
    norms = np.array([bias[s] / np.sqrt(cross[s, s, cy, cx]) for s in range(count)])
    for s in range(count):
        subtract_lobe(smoothed[s], mask, cross[s, s], 0.0, 0, 0, cy, cx, tops[s])
    done, peak, repeated, ended = 0, 0.0, 0, False
    while True:
        peak, best, scale, by = float(tops[0].max()), 0.0, -1, 0
        for s in range(count):
            row = int(np.argmax(tops[s]))
            if tops[s, row] * norms[s] > best:
                best, scale, by = tops[s, row] * norms[s], s, row
        if done >= niter or scale < 0:
            break
        # It is the flux of the component that is compared, whatever its scale counts when one is chosen.
        if tops[scale, by] / cross[scale, scale, cy, cx] <= threshold:
            # The reference counts the look that finds nothing above the threshold.
            done += 1
            break
        repeated = repeated + 1 if scale == smallest else 0
        if 0 < most <= repeated:
            ended = True
            break
        bx = 0
        while not (mask[by, bx] and abs(smoothed[scale, by, bx]) == tops[scale, by]):
            bx += 1
        flux = np.float32(gain * smoothed[scale, by, bx] / cross[scale, scale, cy, cx])
        components[scale, by, bx] += flux
        for s in range(count):
            subtract_lobe(smoothed[s], mask, cross[scale, s], flux, by, bx, cy, cx, tops[s])
        done += 1
        threshold *= growth
    return done, peak, ended
