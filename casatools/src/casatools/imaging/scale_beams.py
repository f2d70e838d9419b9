"""Transforms and beams that a multi-scale clean of one plane needs; made once for a point spread function.

References
----------
Cornwell 2008, IEEE J. Sel. Top. Signal Process. 2, 793: scales, and the beams convolved with pairs of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from casatools.imaging.psf_transform import PsfTransform
from casatools.kernels.spheroidal import spheroidal

__all__ = ["ScaleBeams", "scale_plane"]


class ScaleBeams(PsfTransform):
    """Beams convolved with pairs of scales.

    Parameters
    ----------
    psf : ndarray (y, x) float32
        Peak 1 near the middle.
    scales : sequence of float
        Sizes in pixels; 0 is a point.
    centre : (int, int), optional
        y and x of what is the origin; the maximum when not given.

    Attributes
    ----------
    cross : ndarray (scale, scale, y, x) float32
        Beam convolved with two scales; its peak is at `centre`.
    reach : ndarray or None
        How far beams reach from tile to tile; kept here by who needs it.
    """

    def __init__(self, psf: np.ndarray, scales: Sequence[float], centre: tuple[int, int] | None = None) -> None:
        # The beams of pairs of scales reach twice the largest beyond that of the points.
        super().__init__(psf, 2 * int(np.ceil(max(scales, default=0.0))), centre)
        self.scales = tuple(float(s) for s in scales)
        self.reach: np.ndarray | None = None
        middle = (self.shape[0] // 2, self.shape[1] // 2)
        self._shapes = [self.transform(scale_plane(self.shape, s), middle) if s > 0 else None for s in self.scales]
        count = len(self.scales)
        self.cross = np.empty((count, count, *self.shape), dtype=np.float32)
        for a in range(count):
            for b in range(a, count):
                product = self.beam.copy()
                for shape in (self._shapes[a], self._shapes[b]):
                    if shape is not None:
                        product *= shape
                # Back at the place of the beam's own peak.
                self.cross[a, b] = (
                    psf if self._shapes[a] is None and self._shapes[b] is None else self.plane(product, self.centre)
                )
                self.cross[b, a] = self.cross[a, b]

    def smoothed(self, residual: np.ndarray) -> np.ndarray:
        """A residual (y, x) convolved with each scale (scale, y, x) float32."""
        out = np.empty((len(self.scales), *self.shape), dtype=np.float32)
        transform = self.transform(residual) if any(s is not None for s in self._shapes) else None
        for k, shape in enumerate(self._shapes):
            out[k] = residual if shape is None or transform is None else self.plane(transform * shape)
        return out

    def add_components(self, components: np.ndarray, model: np.ndarray, residual: np.ndarray) -> None:
        """Add components (scale, y, x) to a model, and take what the beam makes of them from a residual, both in place."""
        total = self.zeros()
        points = np.zeros(self.shape, dtype=np.float32)
        for plane, shape in zip(components, self._shapes, strict=True):
            if not plane.any():
                continue
            transform = self.transform(plane)
            if shape is None:
                points += plane
                total += transform * self.beam
                continue
            transform *= shape
            # What reaches beyond the image is no part of the model, nor seen.
            inside = self.plane(transform)
            points += inside
            total += self.transform(inside) * self.beam
        model += points
        residual -= self.plane(total)


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
