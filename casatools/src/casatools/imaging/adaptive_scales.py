"""Deconvolution of a plane by adaptive scale pixels ("Aspen"): Gaussians whose place, size and flux are fitted.

At each look the residual is convolved with a few initial scales. The peaks that take most from the misfit of the visibilities,
``(G r)^2 / (G P G)`` with the residual r, the point spread function P and a scale G of unit flux, become the active set, as many as do not overlap; the
wider a scale is the less its peak counts, by Cornwell's bias. All their parameters are fitted at once, and the loop gain times what they are is taken away.

References
----------
Bhatnagar & Cornwell 2004, A&A 426, 747: scale pixels, the active set and its fit.
Cornwell 2008, IEEE J. Sel. Top. Signal Process. 2, 793: the bias ``1 - 0.6 s / s_max`` of scales.
Hsieh & Bhatnagar 2021, NRAO RADPS/ARDG memo on efficient adaptive-scale CLEAN: initial scales of 0, 1, 2, 4 and 8 times the beam's width, the fused change to Hogbom's CLEAN.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from casatools.imaging.psf_transform import PsfTransform
from casatools.kernels.clean_hogbom import peak_in_mask

__all__ = ["AspenBeams", "clean_adaptive_scales", "initial_scales"]

# Most scale pixels fitted at once, the part of the greatest peak that others must reach, and evaluations of a fit.
_ACTIVE = 12
_BESIDE = 0.6
_EVALUATIONS = 6
# What the widest scale's peaks lose in the choice: one wide scale over several sources takes more from the misfit than a scale on any one of them, and
# leaves flux between them that short baselines, where there are none, cannot take back.
_BIAS = 0.6
# Sigma below which a Gaussian is a point, in pixels, and how many sigma are drawn.
_POINT = 0.4
_DRAWN = 4.0
# Wide scales must take this part of what a perfect fit would take from the squares of the residual; with points the squares may be so many times the
# least that they were.
_WORTH = 0.1
_SLACK = 1.02


def initial_scales(width: float, shape: tuple[int, int], largest: float = -1.0) -> tuple[float, ...]:
    """Sigmas of the initial scales in pixels: 0, and the beam's doubled again and again.

    Parameters
    ----------
    width : float
        Sigma of the main lobe of the point spread function in pixels.
    shape : (int, int)
        Of the plane; no scale exceeds an eighth of its shorter side.
    largest : float
        Greatest scale; 8 times the width where it is not positive.
    """
    limit = min(largest if largest > 0 else 8.0 * width, min(shape) / 8.0)
    found = [0.0]
    scale = width
    while scale <= limit * (1.0 + 1e-6):
        found.append(scale)
        scale *= 2.0
    return tuple(found)


@dataclass
class _Aspen:
    """One scale pixel: place, sigma (0 for a point) and flux."""

    y: float
    x: float
    scale: float
    flux: float


class AspenBeams:
    """A point spread function with what initial scales make of it.

    Parameters
    ----------
    psf : ndarray (y, x) float32
        Peak 1 near the middle.
    largest : float
        See `initial_scales`.
    """

    def __init__(self, psf: np.ndarray, largest: float = -1.0) -> None:
        self.psf = psf
        # Gaussians may reach far beyond the image.
        self.beam = PsfTransform(psf, max(psf.shape))
        # A Gaussian of sigma s has 2 pi s^2 pixels.
        self.width = float(np.sqrt(self.beam.pixels_per_beam() / (2.0 * np.pi)))
        self.scales = initial_scales(self.width, self.beam.shape, largest)
        ly, lx = self.beam.size
        square = np.fft.fftfreq(ly)[:, None] ** 2 + np.fft.rfftfreq(lx)[None, :] ** 2
        shapes = [np.exp(-2.0 * np.pi**2 * s**2 * square).astype(np.float32) for s in self.scales]
        # Twice the real half without its first and last column is the whole sum.
        weight = np.full(lx // 2 + 1, 2.0)
        weight[0] = 1.0
        if lx % 2 == 0:
            weight[-1] = 1.0
        total = [float((self.beam.beam.real * s * s * weight).sum()) / (ly * lx) for s in shapes]
        kept = [k for k, power in enumerate(total) if power > 1e-6]
        self.scales = tuple(self.scales[k] for k in kept)
        self.powers = np.array([total[k] for k in kept])
        self._shapes = [shapes[k] for k in kept]

    def merits(self, residual: np.ndarray) -> np.ndarray:
        """The residual convolved with each scale over the root of its power (scale, y, x): the square is what a scale pixel takes from the misfit."""
        transform = self.beam.transform(residual)
        planes = [
            residual if scale == 0 else self.beam.plane(transform * shape)
            for scale, shape in zip(self.scales, self._shapes, strict=True)
        ]
        return np.stack(planes) / np.sqrt(self.powers)[:, None, None].astype(np.float32)


def clean_adaptive_scales(
    residual: np.ndarray, model: np.ndarray, beams: AspenBeams, mask: np.ndarray, gain: float, threshold: float, niter: int
) -> tuple[int, float]:
    """Take scale pixels from a plane.

    Parameters
    ----------
    residual, model : ndarray (y, x) float32 [Jy/beam], [Jy/pixel]
        Changed in place.
    beams : AspenBeams
    mask : ndarray (y, x) bool
        Where the middles of scale pixels may be.
    gain : float
    threshold : float
        Stop when the peak residual in the mask is at or below it [Jy/beam].
    niter : int
        Most scale pixels.

    Returns
    -------
    int, float
        Scale pixels taken, and the peak that is left.
    """
    done, widest = 0, len(beams.scales)
    peak, least = float(peak_in_mask(residual, mask)[0]), _square(residual, mask)
    worth = 1.0 - _WORTH * gain * (2.0 - gain)
    while done < niter and peak > threshold and widest:
        active = _choose(residual, beams, mask, min(_ACTIVE, niter - done), widest)
        found, seen = _fit(active, residual, beams)
        left = residual - np.float32(gain) * seen
        now = _square(left, mask)
        scale = max(a.scale for a in active)
        if not now < (worth if scale else _SLACK) * least:
            # Gaussians that the data hardly see can have any flux, and what is taken for them drives the residual up: narrower ones from here on.
            widest = beams.scales.index(scale)
            continue
        model += np.float32(gain) * found
        residual[...], least = left, min(least, now)
        done += len(active)
        peak = float(peak_in_mask(residual, mask)[0])
    return done, peak


def _square(residual: np.ndarray, mask: np.ndarray) -> float:
    """Sum of the squares of the residual in the mask."""
    return float(np.square(residual, dtype=np.float64).sum(where=mask))


def _choose(residual: np.ndarray, beams: AspenBeams, mask: np.ndarray, most: int, widest: int) -> list[_Aspen]:
    """The active set: peaks of the merits of the first `widest` scales, greatest first, that do not overlap."""
    merits = np.where(mask, beams.merits(residual)[:widest], 0.0)
    sigmas = np.array(beams.scales)
    size = np.abs(merits) * (1.0 - _BIAS * sigmas / max(float(sigmas.max()), 1e-9))[:widest, None, None].astype(np.float32)
    best = size.max(axis=0)
    which = size.argmax(axis=0)
    active: list[_Aspen] = []
    first = 0.0
    ny, nx = best.shape
    while len(active) < most:
        y, x = (int(v) for v in np.unravel_index(int(np.argmax(best)), best.shape))
        if best[y, x] <= _BESIDE * first:
            break
        first = first or float(best[y, x])
        k = int(which[y, x])
        scale = beams.scales[k]
        active.append(_Aspen(float(y), float(x), scale, float(merits[k, y, x]) / float(np.sqrt(beams.powers[k]))))
        # As far as both this one and the widest at another place would lie on each other.
        far = int(np.ceil(3.0 * np.hypot(scale, beams.width)))
        best[max(0, y - far) : min(ny, y + far + 1), max(0, x - far) : min(nx, x + far + 1)] = 0.0
    return active


def _draw(aspen: _Aspen, shape: tuple[int, int]) -> tuple[tuple[slice, slice], np.ndarray, np.ndarray, np.ndarray]:
    """The pixels that a scale pixel of unit flux covers: where, its values, and offsets (y, x) from its middle."""
    far = int(np.ceil(_DRAWN * aspen.scale)) + 1
    cy, cx = round(aspen.y), round(aspen.x)
    rows = slice(max(0, cy - far), min(shape[0], cy + far + 1))
    columns = slice(max(0, cx - far), min(shape[1], cx + far + 1))
    dy = (np.arange(rows.start, rows.stop) - aspen.y)[:, None]
    dx = (np.arange(columns.start, columns.stop) - aspen.x)[None, :]
    if aspen.scale < _POINT:
        return (rows, columns), ((np.rint(dy + aspen.y) == cy) & (np.rint(dx + aspen.x) == cx)).astype(np.float64), dy, dx
    return (rows, columns), np.exp(-(dy**2 + dx**2) / (2.0 * aspen.scale**2)) / (2.0 * np.pi * aspen.scale**2), dy, dx


def _fit(active: list[_Aspen], residual: np.ndarray, beams: AspenBeams) -> tuple[np.ndarray, np.ndarray]:
    """Fit the active set to the residual; gives its plane and what the point spread function makes of it."""
    from scipy.optimize import minimize

    shape = beams.beam.shape
    unit = abs(active[0].flux) or 1.0
    # Steps of alike effect: flux by the greatest, places and the logarithm of the scale by the scale.
    begin, bounds = [], []
    for a in active:
        begin += [a.flux / unit, 0.0, 0.0, 0.0]
        free = a.scale > 0
        bounds += [(None, None), *(((-1.0, 1.0),) * 2 if free else ((0.0, 0.0),) * 2), (-1.0, 0.7) if free else (0.0, 0.0)]

    def place(values: np.ndarray) -> list[_Aspen]:
        out = []
        for a, (flux, dy, dx, grow) in zip(active, values.reshape(-1, 4), strict=True):
            out.append(_Aspen(a.y + dy * a.scale, a.x + dx * a.scale, a.scale * float(np.exp(grow)), flux * unit))
        return out

    def planes(now: list[_Aspen]) -> tuple[np.ndarray, np.ndarray, list[tuple]]:
        total = np.zeros(shape, dtype=np.float32)
        drawn = [_draw(a, shape) for a in now]
        for a, (where, values, _, _) in zip(now, drawn, strict=True):
            total[where] += a.flux * values
        return total, beams.beam.convolve(total), drawn

    scale = float(np.vdot(residual, residual)) or 1.0

    def misfit(values: np.ndarray) -> tuple[float, np.ndarray]:
        now = place(values)
        total, seen, drawn = planes(now)
        left = residual - seen
        value = -0.5 * float(np.vdot(total, residual + left)) / scale
        slope = np.empty(len(values))
        for k, (a, old, (where, shape_of, dy, dx)) in enumerate(zip(now, active, drawn, strict=True)):
            product = shape_of * left[where]
            slope[4 * k] = -unit * product.sum()
            if old.scale > 0:
                square = a.scale**2
                slope[4 * k + 1] = -a.flux * old.scale * (product * dy).sum() / square
                slope[4 * k + 2] = -a.flux * old.scale * (product * dx).sum() / square
                slope[4 * k + 3] = -a.flux * (product * ((dy**2 + dx**2) / square - 2.0)).sum()
            else:
                slope[4 * k + 1 : 4 * k + 4] = 0.0
        return value, slope / scale

    # The flux at the peak of the merits is exact for one scale pixel alone; the rest is for the fit to find.
    # L-BFGS-B takes the first step along the gradient, which must then be of the size of the parameters.
    steps = max(abs(misfit(np.array(begin))[1]).max(), 1e-30)
    found = minimize(
        lambda v: tuple(part / steps for part in misfit(v)), np.array(begin), jac=True, method="L-BFGS-B", bounds=bounds,
        options={"maxfun": _EVALUATIONS, "maxiter": _EVALUATIONS},
    )  # fmt: skip
    total, seen, _ = planes(place(found.x))
    return total, seen
