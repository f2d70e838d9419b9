"""What images of several pointings are divided by: the normalizations flatnoise, flatsky and pbsquare.

With ``W`` the weight image, the sum over pointings of the squares of their beams by their weights: residuals are divided by ``sqrt(W max W)``
(flatnoise: flux densities times the mosaic's beam ``sqrt(W / max W)``), by ``W`` (flatsky) or by ``max W`` (pbsquare); models are flux densities
times the same beam, once, not at all, or twice.

References
----------
"Mosaicking", CASA documentation of tclean; Sault, Staveley-Smith & Brouw 1996, A&AS 120, 375.
"""

from __future__ import annotations

import numpy as np

__all__ = ["model_divisor", "mosaic_beam", "residual_divisor"]

# Below this part of its greatest value the weight image divides nothing.
_LEAST_WEIGHT = 1e-6


def mosaic_beam(weight: np.ndarray) -> np.ndarray:
    """The mosaic's beam (pol, y, x) float32: the root of the weight image over its greatest value in each plane."""
    greatest = weight.max(axis=(1, 2), keepdims=True)
    return np.sqrt(np.maximum(weight, 0.0) / np.where(greatest > 0, greatest, 1.0)).astype(np.float32)


def residual_divisor(weight: np.ndarray, normtype: str, blank_below: float) -> np.ndarray:
    """What sums over pointings are divided by to be of a normalization; infinite where nothing was seen.

    Parameters
    ----------
    weight : ndarray (y, x) float32
    normtype : str
    blank_below : float
        Mosaic's beam below which it is taken as that.
    """
    greatest = float(weight.max())
    if greatest <= 0:
        return np.full_like(weight, np.inf)
    least = _LEAST_WEIGHT if normtype == "pbsquare" else max(_LEAST_WEIGHT, blank_below**2)
    safe = np.maximum(weight, np.float32(least * greatest))
    if normtype == "pbsquare":
        divisor = np.full_like(weight, greatest)
    else:
        divisor = safe if normtype == "flatsky" else np.sqrt(safe * greatest)
    return np.where(weight > least * greatest, divisor, np.inf)


def model_divisor(weight: np.ndarray, normtype: str) -> np.ndarray:
    """What a model (y, x) of a normalization is divided by to be flux densities on the sky; infinite where nothing was seen."""
    if normtype == "flatsky":
        return np.ones_like(weight)
    greatest = float(weight.max())
    ratio = np.maximum(weight / greatest if greatest > 0 else weight, 0.0)
    return np.where(ratio > _LEAST_WEIGHT, ratio if normtype == "pbsquare" else np.sqrt(ratio), np.inf)
