"""The Hogbom CLEAN loop on one plane.

References
----------
Hogbom 1974, A&AS 15, 417.
"""

from __future__ import annotations

import numpy as np

from casatools.kernels._kernel import kernel

__all__ = ["clean_hogbom", "peak_in_mask"]


@kernel
def peak_in_mask(image: np.ndarray, mask: np.ndarray) -> tuple[float, int, int]:
    """Greatest absolute value where the mask is set, and its place; -1 for the place when the mask is empty.

    Parameters
    ----------
    image : ndarray (y, x) float32
    mask : ndarray (y, x) bool
    """
    best, by, bx = 0.0, -1, -1
    for y in range(image.shape[0]):
        for x in range(image.shape[1]):
            if mask[y, x]:
                a = abs(image[y, x])
                if a > best:
                    best, by, bx = a, y, x
    return best, by, bx


@kernel
def clean_hogbom(
    residual: np.ndarray, model: np.ndarray, psf: np.ndarray, mask: np.ndarray, gain: float, threshold: float, niter: int,
    growth: float = 1.0,
) -> tuple[int, float]:  # fmt: skip
    """Subtract scaled and shifted point spread functions at the peaks of a residual image.

    Parameters
    ----------
    residual, model : ndarray (y, x) float32 [Jy/beam], [Jy/pixel]
        Changed in place.
    psf : ndarray (2 py + 1, 2 px + 1) float32
        Peak 1 in the middle; may be larger or smaller than the image.
    mask : ndarray (y, x) bool
        Where components may be found.
    gain : float
    threshold : float
        Stop when the peak in the mask is at or below it [Jy/beam].
    niter : int
        Most components.
    growth : float
        Factor that each component raises the threshold by.

    Returns
    -------
    int, float
        Components subtracted, and the peak that is left.
    """
    ny, nx = residual.shape
    py, px = psf.shape[0] // 2, psf.shape[1] // 2
    done = 0
    peak, by, bx = peak_in_mask(residual, mask)
    while done < niter and by >= 0 and peak > threshold:
        flux = np.float32(gain * residual[by, bx])
        model[by, bx] += flux
        y0, y1 = max(0, by - py), min(ny, by + py + 1)
        x0, x1 = max(0, bx - px), min(nx, bx + px + 1)
        best, cy, cx = 0.0, -1, -1
        whole = y0 == 0 and x0 == 0 and y1 == ny and x1 == nx
        for y in range(y0, y1):
            for x in range(x0, x1):
                new = residual[y, x] - flux * psf[y - by + py, x - bx + px]
                residual[y, x] = new
                if whole and mask[y, x] and abs(new) > best:
                    best, cy, cx = abs(new), y, x
        done += 1
        threshold *= growth
        # The subtraction has seen every pixel, so that the next peak needs no pass of its own.
        peak, by, bx = (best, cy, cx) if whole else peak_in_mask(residual, mask)
    return done, peak
