"""Transforms and beams that a multi-scale clean of one plane needs; made once for a point spread function.

References
----------
Cornwell 2008, IEEE J. Sel. Top. Signal Process. 2, 793: scales, and the beams convolved with pairs of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from casatools._base.threads import thread_count
from casatools.kernels.spheroidal import spheroidal

__all__ = ["ScaleBeams", "scale_plane"]


class ScaleBeams:
    """Beams convolved with pairs of scales.

    Parameters
    ----------
    psf : ndarray (y, x) float32
        Peak 1 near the middle.
    scales : sequence of float
        Sizes in pixels; 0 is a point.

    Attributes
    ----------
    cross : ndarray (scale, scale, y, x) float32
        Beam convolved with two scales; its peak is at `centre`.
    centre : (int, int)
        y and x of the peak.
    reach : ndarray or None
        How far beams reach from tile to tile; kept here by who needs it.
    """

    def __init__(self, psf: np.ndarray, scales: Sequence[float]) -> None:
        import ducc0

        self.psf, self.scales = psf, tuple(float(s) for s in scales)
        self.shape = (psf.shape[0], psf.shape[1])
        self._size = (ducc0.fft.good_size(2 * self.shape[0], True), ducc0.fft.good_size(2 * self.shape[1], True))
        cy, cx = (int(v) for v in np.unravel_index(int(np.argmax(psf)), self.shape))
        self.centre = (cy, cx)
        self.reach: np.ndarray | None = None
        self._beam = self._transform(psf, (cy, cx))
        middle = (self.shape[0] // 2, self.shape[1] // 2)
        self._shapes = [self._transform(scale_plane(self.shape, s), middle) if s > 0 else None for s in self.scales]
        count = len(self.scales)
        self.cross = np.empty((count, count, *self.shape), dtype=np.float32)
        for a in range(count):
            for b in range(a, count):
                product = self._beam.copy()
                for shape in (self._shapes[a], self._shapes[b]):
                    if shape is not None:
                        product *= shape
                # Back at the place of the beam's own peak.
                self.cross[a, b] = psf if self._shapes[a] is None and self._shapes[b] is None else self._plane(product, (cy, cx))
                self.cross[b, a] = self.cross[a, b]

    def _transform(self, plane: np.ndarray, centre: tuple[int, int] = (0, 0)) -> np.ndarray:
        """The transform of a padded plane whose pixel `centre` is taken for the origin."""
        import ducc0

        padded = np.zeros(self._size, dtype=np.float32)
        padded[: self.shape[0], : self.shape[1]] = plane
        if centre != (0, 0):
            padded = np.roll(padded, (-centre[0], -centre[1]), axis=(0, 1))
        return np.asarray(ducc0.fft.r2c(padded, axes=(0, 1), nthreads=thread_count()))

    def _plane(self, transform: np.ndarray, centre: tuple[int, int] = (0, 0)) -> np.ndarray:
        """The plane of a transform, its origin at the pixel `centre`."""
        import ducc0

        full = ducc0.fft.c2r(transform, axes=(0, 1), lastsize=self._size[1], forward=False, inorm=2, nthreads=thread_count())
        if centre != (0, 0):
            full = np.roll(full, centre, axis=(0, 1))
        return np.asarray(full[: self.shape[0], : self.shape[1]])

    def smoothed(self, residual: np.ndarray) -> np.ndarray:
        """A residual (y, x) convolved with each scale (scale, y, x) float32."""
        out = np.empty((len(self.scales), *self.shape), dtype=np.float32)
        transform = self._transform(residual) if any(s is not None for s in self._shapes) else None
        for k, shape in enumerate(self._shapes):
            out[k] = residual if shape is None or transform is None else self._plane(transform * shape)
        return out

    def add_components(self, components: np.ndarray, model: np.ndarray, residual: np.ndarray) -> None:
        """Add components (scale, y, x) to a model, and take what the beam makes of them from a residual, both in place."""
        total = np.zeros((self._size[0], self._size[1] // 2 + 1), dtype=np.complex64)
        points = np.zeros(self.shape, dtype=np.float32)
        for plane, shape in zip(components, self._shapes, strict=True):
            if not plane.any():
                continue
            transform = self._transform(plane)
            if shape is None:
                points += plane
                total += transform * self._beam
                continue
            transform *= shape
            # What reaches beyond the image is no part of the model, nor seen.
            inside = self._plane(transform)
            points += inside
            total += self._transform(inside) * self._beam
        model += points
        residual -= self._plane(total)


def scale_plane(shape: tuple[int, ...], size: float) -> np.ndarray:
    """A scale of total flux 1 in the middle of a plane: a parabola times a prolate spheroidal function; a point for size 0."""
    ny, nx = shape
    plane = np.zeros((ny, nx), dtype=np.float32)
    cy, cx = ny // 2, nx // 2
    if size <= 0:
        plane[cy, cx] = 1.0
        return plane
    radius = np.hypot(np.arange(nx)[None, :] - cx, np.arange(ny)[:, None] - cy) / size
    inside = radius < 1.0
    # Cornwell 2008, eq. 8.
    values = np.where(inside, (1.0 - radius**2) * spheroidal(np.minimum(radius, 1.0)), 0.0)
    return (values / values.sum()).astype(np.float32)
