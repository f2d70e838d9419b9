"""Deconvolution of a plane by maximum entropy.

Of all images that fit the data within the noise the one of greatest entropy ``-sum b (ln(b / m) - 1)`` is looked for. The misfit is that of the
visibilities, ``b P b / 2 - b d`` with the point spread function P and the dirty image d, whose gradient is the residual image. The multiplier of
the misfit is raised until the residuals are below the threshold, with Newton-Raphson steps whose equations are solved by conjugate
gradients scaled by the diagonal that Cornwell & Evans solve them with.

References
----------
Cornwell & Evans 1985, A&A 143, 77: entropy, multipliers, the diagonal of the second derivatives, the measure of convergence.
Hobson & Lasenby 1998, MNRAS 298, 905, eq. 13: the entropy of images that may be negative.
"""

from __future__ import annotations

import numpy as np

from casatools.imaging.psf_transform import PsfTransform
from casatools.kernels.clean_hogbom import peak_in_mask

__all__ = ["maximise_entropy"]

# Of the scaled gradient, at which the multiplier is raised.
_CONVERGED = 0.1
# The first multiplier, over that with which one step of the brightest pixel is its own size.
_FIRST = 4.0
# Greatest factor of the multiplier at a step.
_RAISE = 2.0
# exp(-_RANGE) is far below the dynamic range of float32: no image has residuals left at this multiplier that a greater one would take away.
_RANGE = 60.0
_CONJUGATE_STEPS = 30
# Pixels above which the default level goes down.
_FEW = 2.0**16
# Steps without a lower peak after which the best image so far is the last: a psf cut at the edges of the image is of no image exactly.
_PATIENCE = 8


def maximise_entropy(
    residual: np.ndarray,
    model: np.ndarray,
    beam: PsfTransform,
    mask: np.ndarray,
    threshold: float,
    niter: int,
    signed: bool = False,
    prior: np.ndarray | float | None = None,
    flux_jy: float = 0.0,
) -> tuple[int, float]:
    """Deconvolve one plane, from the model that is there.

    Parameters
    ----------
    residual, model : ndarray (y, x) float32 [Jy/beam], [Jy/pixel]
        Changed in place; in the mask the new model is positive unless `signed`.
    beam : PsfTransform
    mask : ndarray (y, x) bool
        Where the model may change.
    threshold : float
        Stop when the peak residual in the mask is at or below it [Jy/beam].
    niter : int
        Most steps.
    signed : bool
        The sky may be negative (Stokes Q, U, V).
    prior : ndarray (y, x) or float, optional
        The image that has the greatest entropy [Jy/pixel]: what is thought before the data are seen. Far below the noise when not given.
    flux_jy : float
        What the pixels of the mask must add up to, where the sky is positive; 0 leaves it to the data.

    Returns
    -------
    int, float
        Steps done, and the peak that is left.
    """
    peak = _reachable(residual, mask, signed)
    if niter <= 0 or peak <= threshold:
        return 0, float(peak_in_mask(residual, mask)[0])
    start, first = residual.copy(), model.copy()
    noise = 1.4826 * float(np.median(np.abs(residual - np.median(residual))))
    # A sky without signal: so far below the noise that all of it adds nothing to be seen.
    # It is lower where there are more pixels, for noise lifts it everywhere.
    level: np.ndarray | float = (
        0.01 * max(noise, threshold, 1e-4 * peak) / beam.pixels_per_beam() * min(1.0, _FEW / float(mask.sum()))
    )
    if prior is not None:
        level = np.maximum(np.asarray(prior, np.float32), level)
    held = 0.0 if signed else flux_jy
    image = np.where(mask, model if signed else np.maximum(model, level), 0.0).astype(np.float32)
    outside = np.where(mask, 0.0, model).astype(np.float32)
    image = _of_flux(image, held)
    left = start - beam.convolve(image + outside - first)
    # At the greatest entropy the residual of the brightest pixel is ln(b / m) over the factor: a model that is there is gone on from.
    factor = max(_FIRST, float(_entropy(image, level, signed)[0].max())) / peak
    done = 0
    best, least, since = image, peak, 0
    while done < niter and since < _PATIENCE:
        slope, width = _entropy(image, level, signed)
        gradient = _gradient(factor * left - slope, width, mask, held)
        size = np.sqrt(width)
        if float(np.vdot(size * gradient, size * gradient)) < _CONVERGED**2 * float(width[mask].sum()):
            if factor * max(threshold, noise) > _RANGE:
                break
            factor *= _RAISE
            gradient = _gradient(factor * left - slope, width, mask, held)
        step = size * _solve(beam, size * mask, factor, size * gradient)
        if held:
            # What a change of the flux's multiplier changes, as much of it as keeps the flux.
            other = size * _solve(beam, size * mask, factor, size * mask)
            step = step - other * np.float32(step.sum(dtype=np.float64) / other.sum(dtype=np.float64))
        image = image + step if signed else _of_flux(np.maximum(image + step, 0.1 * image), held)
        left = start - beam.convolve(image + outside - first)
        done += 1
        peak = _reachable(left, mask, signed)
        since += 1
        if peak < least:
            best, least, since = image, peak, 0
        if peak <= threshold:
            break
    if best is not image:
        left = start - beam.convolve(best + outside - first)
    residual[...] = left
    model[...] = best + outside
    return done, float(peak_in_mask(residual, mask)[0])


def _of_flux(image: np.ndarray, flux_jy: float) -> np.ndarray:
    """An image scaled to a flux; as it is for 0."""
    return image * np.float32(flux_jy / float(image.sum(dtype=np.float64))) if flux_jy else image


def _gradient(slopes: np.ndarray, width: np.ndarray, mask: np.ndarray, flux_jy: float) -> np.ndarray:
    """The gradient in the mask, less the multiplier of a flux that is held: that which leaves the scaled steps without a sum."""
    found = np.where(mask, slopes, 0.0)
    if flux_jy:
        weights = np.where(mask, width, 0.0)
        found = np.where(mask, found - float((weights * found).sum(dtype=np.float64) / weights.sum(dtype=np.float64)), 0.0)
    return found.astype(np.float32)


def _reachable(residual: np.ndarray, mask: np.ndarray, signed: bool) -> float:
    """The peak that a model can take away: a positive one leaves negative residuals where it is zero."""
    return float(peak_in_mask(residual if signed else np.maximum(residual, 0.0), mask)[0])


def _entropy(image: np.ndarray, level: np.ndarray | float, signed: bool) -> tuple[np.ndarray, np.ndarray]:
    """Derivative of the negative entropy, and the inverse of its second derivative."""
    if signed:
        return np.arcsinh(image / (2.0 * level)), np.hypot(image, 2.0 * level)
    return np.log(np.maximum(image, 1e-30) / level), np.asarray(image)


def _solve(beam: PsfTransform, size: np.ndarray, factor: float, right: np.ndarray) -> np.ndarray:
    """Conjugate gradients for ``(1 + factor size P size) y = right``."""
    found = np.zeros_like(right)
    rest = right.copy()
    direction = rest.copy()
    before = float(np.vdot(rest, rest))
    goal = 0.01 * before
    for _ in range(_CONJUGATE_STEPS):
        if before <= goal:
            break
        product = direction + factor * size * beam.convolve(size * direction)
        curvature = float(np.vdot(direction, product))
        if curvature <= 0.0:
            break  # a psf cut at the edges of the image is not quite positive
        length = np.float32(before / curvature)
        found += length * direction
        rest -= length * product
        now = float(np.vdot(rest, rest))
        direction = rest + np.float32(now / before) * direction
        before = now
    return found
