"""Clark's minor cycle over one plane, or over the polarizations of a channel together.

Polarizations share their components' places: those where the plane's measure of strength is greatest, the sum of absolute values of two planes (RR and LL,
I and V), the greatest eigenvalue of the coherency matrix ``I + sqrt(Q**2 + U**2 + V**2)`` of four. The measures are the reference's, as its first components on
made skies show. ``clarkstokes`` does each plane by itself.

References
----------
Clark 1980, A&A 89, 377.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from casatools.kernels.clean_clark import clark_components

__all__ = ["clean_clark", "polarization_strength"]

# Half a side of the patch of the beam that components are searched with, in pixels.
_PATCH = 25


def polarization_strength(planes: np.ndarray) -> np.ndarray:
    """What places of components are chosen by, of planes (pol, ...): float32 of the shape of one."""
    if len(planes) <= 2:
        return np.asarray(np.abs(planes).sum(axis=0))
    return np.asarray(planes[0] + np.sqrt(np.square(planes[1:]).sum(axis=0)))


def clean_clark(
    residual: np.ndarray,
    model: np.ndarray,
    centred: np.ndarray,
    mask: np.ndarray,
    gain: float,
    threshold: float,
    niter: int,
    seen: Callable[[np.ndarray], np.ndarray],
    growth: float = 1.0,
) -> tuple[int, float]:
    """Components from the bright pixels with a patch of the beam, then one exact subtraction, again and again.

    Parameters
    ----------
    residual, model : ndarray (pol, y, x) float32
        Changed in place.
    centred : ndarray (2 py + 1, 2 px + 1) float32
        Point spread function with its peak of 1 in the middle.
    mask : ndarray (y, x) bool
    gain, threshold : float
    niter : int
        Most components; one at the same place in several polarizations counts once.
    seen : callable
        Convolves components (y, x) with the point spread function.
    growth : float
        Factor that each component raises the threshold by.

    Returns
    -------
    int, float
        Components taken, and the greatest strength in the mask that is left.
    """
    cy, cx = centred.shape[0] // 2, centred.shape[1] // 2
    half = min(_PATCH, cy, cx)
    patch = np.ascontiguousarray(centred[cy - half : cy + half + 1, cx - half : cx + half + 1])
    outside = np.abs(centred).copy()
    outside[cy - half : cy + half + 1, cx - half : cx + half + 1] = 0
    exterior = float(outside.max())
    done = 0
    strength = polarization_strength(residual)
    peak = float(strength[mask].max(initial=0.0))
    while done < niter and peak > threshold:
        # Half as much again as the sidelobe beyond the patch: the reference's, as its components show.
        limit = max(threshold, peak * min(max(1.5 * exterior, 0.1), 0.8))
        active = np.argwhere(mask & (strength > limit)).astype(np.int64)
        if not len(active):
            active = np.argwhere(mask & (strength >= peak)).astype(np.int64)
        values = np.ascontiguousarray(residual[:, active[:, 0], active[:, 1]], dtype=np.float64)
        found = np.zeros(values.shape)
        count = clark_components(active, values, patch, gain, limit, niter - done, found, done, threshold, growth)
        if count == 0:
            break
        for plane, left, flux in zip(model, residual, found, strict=True):
            components = np.zeros_like(plane)
            components[active[:, 0], active[:, 1]] = flux
            plane += components
            left -= seen(components).astype(np.float32)
        done += int(count)
        threshold *= growth ** int(count)
        strength = polarization_strength(residual)
        peak = float(strength[mask].max(initial=0.0))
    return done, peak
