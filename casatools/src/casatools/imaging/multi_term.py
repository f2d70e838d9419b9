"""The minor cycle over Taylor terms, and what is made of the terms afterwards.

References
----------
Rau & Cornwell 2011, A&A 532, A71. The extent of the beams that one component is subtracted with, ``10 sqrt(16 + s^2)`` pixels to either side for
a largest scale of s pixels, the free border of 1.5 s and the weights of scales were observed on CASA 6.7's components.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from casatools._base.errors import DataError
from casatools.imaging.minor_cycle import MinorOptions
from casatools.imaging.psf_transform import PaddedTransform, psf_margin
from casatools.imaging.scale_beams import ScaleBeams, scale_plane
from casatools.kernels.clean_hogbom import peak_in_mask
from casatools.kernels.clean_multiterm import clean_multiterm

__all__ = ["MultiTermCycle", "SpectralImages", "hessian_peak", "principal_solution", "spectral_images"]


def hessian_peak(psf: np.ndarray, nterms: int, centre: tuple[int, int] | None = None) -> np.ndarray:
    """The matrix (term, term) of the peaks of the spectral beams (2 term - 1, y, x): entry i, j is the peak of beam i + j.

    The centre (y, x) of the beams is the first one's maximum when not given.

    Raises
    ------
    DataError
        The frequencies do not tell so many terms apart.
    """
    cy, cx = np.unravel_index(int(np.argmax(psf[0])), psf.shape[1:]) if centre is None else centre
    peaks = psf[:, cy, cx].astype(np.float64)
    peaks[2::2] = np.maximum(peaks[2::2], 0.0)
    matrix = np.array([[peaks[i + j] for j in range(nterms)] for i in range(nterms)])
    scale = np.sqrt(np.diag(matrix))
    # Beyond this the single-precision beams hold nothing that tells the terms apart.
    if not (scale > 0).all() or np.linalg.cond(matrix / np.outer(scale, scale)) > 1e6:
        raise DataError(
            f"the selected frequencies do not tell {nterms} Taylor terms apart: select more channels or use fewer nterms"
        )
    return matrix


def principal_solution(residual: np.ndarray, psf: np.ndarray) -> np.ndarray:
    """Residuals of Taylor terms (term, ..., y, x) solved for the terms' sky, pixel by pixel: the inverse Hessian's peak times them."""
    inverse = np.linalg.inv(hessian_peak(psf, len(residual)))
    return np.tensordot(inverse, residual, axes=(1, 0)).astype(np.float32)


@dataclass
class _Prepared:
    """What depends on the spectral beams alone."""

    psf: np.ndarray
    centre: tuple[int, int]
    grid: PaddedTransform
    shapes: list[np.ndarray | None]
    lobes: np.ndarray
    inverse: np.ndarray
    bias: np.ndarray


class MultiTermCycle:
    """Deconvolves Taylor terms together; what can be prepared once for the spectral beams is kept."""

    def __init__(self, options: MinorOptions, nterms: int) -> None:
        self.options, self.nterms = options, nterms
        self._prepared: _Prepared | None = None

    @property
    def scales(self) -> tuple[float, ...]:
        """Sizes in pixels."""
        return self.options.scales or (0.0,)

    def _prepare(self, psf: np.ndarray) -> _Prepared:
        """Beams of all pairs of scales, cut to the extent they are subtracted with, and the transforms of the scales."""
        kept = self._prepared
        if kept is not None and kept.psf is psf:
            return kept
        scales = self.scales
        shape = (psf.shape[1], psf.shape[2])
        cy, cx = (int(v) for v in np.unravel_index(int(np.argmax(psf[0])), shape))
        lobes = _lobes(psf, (cy, cx), scales)
        middle = (lobes.shape[-2] // 2, lobes.shape[-1] // 2)
        inverse = np.array([np.linalg.inv(hessian_peak(lobes[s, s], self.nterms, middle)) for s in range(len(scales))])
        largest = max(max(scales), 1e-9)
        bias = np.array([1.0 - self.options.small_scale_bias * s / largest for s in scales])
        margin = int(np.ceil(max(scales)))
        grid = PaddedTransform(shape, (margin, margin))
        half = (shape[0] // 2, shape[1] // 2)
        shapes = [grid.transform(scale_plane(shape, s), half) if s > 0 else None for s in scales]
        self._prepared = _Prepared(psf, (cy, cx), grid, shapes, lobes, inverse, bias)
        return self._prepared

    def _masks(self, mask: np.ndarray) -> np.ndarray:
        """Where each scale may be put: not within 1.5 sizes of the edges."""
        masks = np.repeat(mask[None], len(self.scales), axis=0)
        for allowed, scale in zip(masks, self.scales, strict=True):
            border = int(1.5 * scale)
            if border:
                allowed[:border], allowed[-border:], allowed[:, :border], allowed[:, -border:] = False, False, False, False
        return masks

    @property
    def together(self) -> bool:
        """Each polarization is deconvolved apart."""
        return False

    def run(
        self,
        residual: np.ndarray,
        model: np.ndarray,
        psf: np.ndarray,
        mask: np.ndarray,
        threshold: float,
        niter: int,
        signed: bool = True,
    ) -> tuple[int, float]:
        """Clean the terms of one polarization plane.

        Parameters
        ----------
        residual, model : ndarray (term, y, x) float32
            Changed in place.
        psf : ndarray (2 term - 1, y, x) float32
            Spectral beams, the first with a peak of 1.
        mask : ndarray (y, x) bool
        threshold : float
            Peak of the first term to stop at.
        niter : int
        signed : bool
            Components may always be negative.

        Returns
        -------
        int, float
            Iterations done and the peak of the first term in the mask that is left.
        """
        if niter <= 0 or not mask.any():
            return 0, float(peak_in_mask(residual[0], mask)[0])
        made = self._prepare(psf)
        place, which = np.zeros((niter, 2), dtype=np.int64), np.zeros(niter, dtype=np.int64)
        flux = np.zeros((niter, self.nterms))
        done = int(
            clean_multiterm(
                self._smoothed(residual, made), made.lobes, made.inverse, self._masks(mask), made.bias, self.options.gain, threshold,
                place, which, flux, self.options.growth,
            )
        )  # fmt: skip
        found = self._found(made, place[:done], which[:done], flux[:done])
        model += found
        _subtract(residual, found, psf, made.centre)
        return done, float(peak_in_mask(residual[0], mask)[0])

    @staticmethod
    def _smoothed(residual: np.ndarray, made: _Prepared) -> np.ndarray:
        """Residuals convolved with each scale: (scale, term, y, x) float32."""
        out = np.empty((len(made.shapes), *residual.shape), dtype=np.float32)
        for k, plane in enumerate(residual):
            transform = made.grid.transform(plane) if any(s is not None for s in made.shapes) else made.grid.zeros()
            for s, shape in enumerate(made.shapes):
                out[s, k] = plane if shape is None else made.grid.plane(transform * shape)
        return out

    def _found(self, made: _Prepared, place: np.ndarray, which: np.ndarray, flux: np.ndarray) -> np.ndarray:
        """The image (term, y, x) float32 of components, each of its scale; what reaches beyond the image is no part of it."""
        out = np.zeros((self.nterms, *made.grid.shape), dtype=np.float32)
        for k, plane in enumerate(out):
            total = made.grid.zeros()
            for s, shape in enumerate(made.shapes):
                these = which == s
                points = plane if shape is None else np.zeros_like(plane)
                np.add.at(points, (place[these, 0], place[these, 1]), flux[these, k])
                if shape is not None and these.any():
                    total += made.grid.transform(points) * shape
            if total.any():
                plane += made.grid.plane(total)
        return out


def _lobes(psf: np.ndarray, centre: tuple[int, int], scales: tuple[float, ...]) -> np.ndarray:
    """Spectral beams convolved with pairs of scales, to the extent they are subtracted with: (scale, scale, 2 term - 1, 2 h, 2 w) float32."""
    reach, margin = int(10.0 * np.hypot(4.0, max(scales))), 2 * int(np.ceil(max(scales)))
    halves = [min(reach, n // 2) for n in psf.shape[1:]]
    # What is farther off than two scales does not reach what is kept.
    lows = [max(0, c - h - margin) for c, h in zip(centre, halves, strict=True)]
    highs = [min(n, c + h + margin) for n, c, h in zip(psf.shape[1:], centre, halves, strict=True)]
    middle = (centre[0] - lows[0], centre[1] - lows[1])
    kept = tuple(slice(m - h, m + h) for m, h in zip(middle, halves, strict=True))
    out = np.empty((len(scales), len(scales), len(psf), 2 * halves[0], 2 * halves[1]), dtype=np.float32)
    for k, beam in enumerate(psf):
        part = np.ascontiguousarray(beam[lows[0] : highs[0], lows[1] : highs[1]])
        out[:, :, k] = ScaleBeams(part, scales, middle).cross[:, :, kept[0], kept[1]]
    return out


def _subtract(residual: np.ndarray, found: np.ndarray, psf: np.ndarray, centre: tuple[int, int]) -> None:
    """Take from the residuals (term, y, x), in place, what the spectral beams make of a model's terms."""
    shape = (psf.shape[1], psf.shape[2])
    grid = PaddedTransform(shape, psf_margin(shape, centre))
    skies = [grid.transform(plane) for plane in found]
    totals = [grid.zeros() for _ in found]
    for order, beam in enumerate(psf):
        # Beams of higher order are greatest anywhere but in their centre.
        transform = grid.transform(beam, centre)
        for i, total in enumerate(totals):
            if 0 <= order - i < len(skies):
                total += transform * skies[order - i]
    for plane, total in zip(residual, totals, strict=True):
        plane -= grid.plane(total)


@dataclass(frozen=True)
class SpectralImages:
    """Spectral index, its error and, from three terms on, curvature, each (pol, y, x) float32, and where they hold."""

    alpha: np.ndarray
    error: np.ndarray
    beta: np.ndarray | None
    valid: np.ndarray


def spectral_images(image: np.ndarray, residual: np.ndarray, threshold_jy: float | None = None) -> SpectralImages:
    """Spectral indices of restored Taylor terms.

    Parameters
    ----------
    image : ndarray (term, pol, y, x)
        Restored terms, at least two.
    residual : ndarray (term, pol, y, x)
        Their residuals as `principal_solution` gives them.
    threshold_jy : float, optional
        Intensity of the first term above which there are spectral indices; a tenth of the peak of the first residual when not given.

    Notes
    -----
    ``alpha = I1 / I0``, ``beta = I2 / I0 - alpha (alpha - 1) / 2`` and ``sigma = |alpha| sqrt((r0 / I0)^2 + (r1 / I1)^2)`` where I0 is above the
    threshold; zero elsewhere.
    """
    first, second = image[0].astype(np.float64), image[1].astype(np.float64)
    least = 0.1 * np.abs(residual[0]).max(axis=(-2, -1), keepdims=True) if threshold_jy is None else threshold_jy
    valid = first > least
    safe = np.where(valid, first, 1.0)
    alpha = np.where(valid, second / safe, 0.0)
    # |alpha| r1 / I1 is r1 / I0: no division by a term that may be zero.
    error = np.where(valid, np.hypot(alpha * residual[0] / safe, residual[1] / safe), 0.0)
    beta = None
    if len(image) > 2:
        beta = np.where(valid, image[2] / safe - 0.5 * alpha * (alpha - 1.0), 0.0).astype(np.float32)
    return SpectralImages(alpha.astype(np.float32), error.astype(np.float32), beta, valid)
