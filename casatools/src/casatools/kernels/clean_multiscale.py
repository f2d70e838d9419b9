"""The multi-scale CLEAN loop.

References
----------
Cornwell 2008, IEEE J. Sel. Top. Signal Process. 2, 793.
"""

from __future__ import annotations

import numpy as np

from casatools.kernels._kernel import kernel

__all__ = ["clean_multiscale"]


@kernel
def clean_multiscale(
    smoothed: np.ndarray, components: np.ndarray, cross: np.ndarray, mask: np.ndarray, bias: np.ndarray, gain: float, threshold: float,
    niter: int, cy: int, cx: int,
) -> tuple[int, float]:  # fmt: skip
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
        As in CLEAN; the threshold is for the peak so chosen.
    cy, cx : int

    Returns
    -------
    int, float
        Iterations, and the greatest residual of the smallest scale in the mask.
    """
    count, ny, nx = smoothed.shape
    done, peak = 0, 0.0
    while True:
        best, scale, by, bx = 0.0, -1, 0, 0
        peak = 0.0
        for s in range(count):
            norm = bias[s] / np.sqrt(cross[s, s, cy, cx])
            for y in range(ny):
                for x in range(nx):
                    if mask[y, x]:
                        value = abs(smoothed[s, y, x])
                        if s == 0 and value > peak:
                            peak = value
                        if value * norm > best:
                            best, scale, by, bx = value * norm, s, y, x
        if done >= niter or scale < 0:
            break
        if best <= threshold:
            # The reference counts the look that finds nothing above the threshold.
            done += 1
            break
        flux = np.float32(gain * smoothed[scale, by, bx] / cross[scale, scale, cy, cx])
        components[scale, by, bx] += flux
        for s in range(count):
            for y in range(max(0, by - cy), min(ny, by - cy + ny)):
                for x in range(max(0, bx - cx), min(nx, bx - cx + nx)):
                    smoothed[s, y, x] -= flux * cross[scale, s, y - by + cy, x - bx + cx]
        done += 1
    return done, peak
