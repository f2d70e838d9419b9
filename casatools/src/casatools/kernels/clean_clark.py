"""The component search of Clark's CLEAN.

References
----------
Clark 1980, A&A 89, 377.
"""

from __future__ import annotations

import numpy as np

from casatools.kernels._kernel import kernel

__all__ = ["clark_components"]


@kernel
def _strength(values: np.ndarray, k: int) -> float:
    if values.shape[0] <= 2:
        total = 0.0
        for p in range(values.shape[0]):
            total += abs(values[p, k])
        return total
    square = 0.0
    for p in range(1, values.shape[0]):
        square += values[p, k] ** 2
    return float(values[0, k] + np.sqrt(square))


@kernel
def clark_components(
    active: np.ndarray, values: np.ndarray, patch: np.ndarray, gain: float, limit: float, niter: int, found: np.ndarray,
    earlier: int, threshold: float = 0.0, growth: float = 1.0,
) -> int:  # fmt: skip
    """Find components among bright pixels, subtracting a patch of the beam from these only.

    Parameters
    ----------
    active : ndarray (pixel, 2) int64
        y and x.
    values : ndarray (pol, pixel) float64
        Residuals; changed in place. Places are chosen by the sum of absolute values of one or two polarizations, of more by the first and the root
        of the squares of the others.
    patch : ndarray (2 p + 1, 2 p + 1) float32
        Beam about its peak.
    gain : float
    limit : float
        Residual below which no more components are taken; grows with their number as Clark's criterion does.
    niter : int
    found : ndarray (pol, pixel) float64
        Flux of the components, added to.
    earlier : int
        Components taken before: the more there are, the less each raises the limit.
    threshold, growth : float
        A second limit, and the factor that each component raises it by.

    Returns
    -------
    int
        Components taken.
    """
    half = patch.shape[0] // 2
    done, raised = 0, 0.0
    while done < niter:
        best, at = 0.0, -1
        for k in range(values.shape[1]):
            strength = _strength(values, k)
            if strength > best:
                best, at = strength, k
        if at < 0 or best <= max(limit * (1.0 + raised), threshold):
            break
        y, x = active[at, 0], active[at, 1]
        for p in range(values.shape[0]):
            flux = gain * values[p, at]
            found[p, at] += flux
            for k in range(values.shape[1]):
                dy, dx = active[k, 0] - y + half, active[k, 1] - x + half
                if 0 <= dy < patch.shape[0] and 0 <= dx < patch.shape[1]:
                    values[p, k] -= flux * patch[dy, dx]
        done += 1
        threshold *= growth
        raised += limit / (best * (earlier + done))
    return done
