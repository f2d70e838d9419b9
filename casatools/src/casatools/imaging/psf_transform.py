"""Convolution with a point spread function on a zero-padded grid, its transform kept."""

from __future__ import annotations

import numpy as np

from casatools._base.threads import thread_count

__all__ = ["PaddedTransform", "PsfTransform", "psf_margin"]


class PaddedTransform:
    """Transforms of planes of one shape, padded with zeros.

    Parameters
    ----------
    shape : (int, int)
        Of the planes.
    margin : (int, int)
        Pixels beyond the image in y and x that what is convolved may reach.

    Attributes
    ----------
    shape, size : (int, int)
        Of the planes, and of the padded ones.
    """

    def __init__(self, shape: tuple[int, int], margin: tuple[int, int]) -> None:
        import ducc0

        self.shape = shape
        # So long that what is carried round an edge falls beyond the image.
        ly, lx = (n + min(n, m) for n, m in zip(shape, margin, strict=True))
        self.size = (ducc0.fft.good_size(ly, True), ducc0.fft.good_size(lx, True))

    def zeros(self) -> np.ndarray:
        """A transform of nothing, to add to."""
        return np.zeros((self.size[0], self.size[1] // 2 + 1), dtype=np.complex64)

    def transform(self, plane: np.ndarray, centre: tuple[int, int] = (0, 0)) -> np.ndarray:
        """The transform of a padded plane whose pixel `centre` is taken for the origin."""
        import ducc0

        padded = np.zeros(self.size, dtype=np.float32)
        for to, of in self._quarters(centre):
            padded[to] = plane[of]
        return np.asarray(ducc0.fft.r2c(padded, axes=(0, 1), nthreads=thread_count()))

    def plane(self, transform: np.ndarray, centre: tuple[int, int] = (0, 0)) -> np.ndarray:
        """The plane of a transform, its origin at the pixel `centre`."""
        import ducc0

        full = ducc0.fft.c2r(transform, axes=(0, 1), lastsize=self.size[1], forward=False, inorm=2, nthreads=thread_count())
        out = np.empty(self.shape, full.dtype)
        for of, to in self._quarters(centre):
            out[to] = full[of]
        return out

    def _quarters(self, centre: tuple[int, int]) -> list[tuple[tuple[slice, slice], tuple[slice, slice]]]:
        """Where the parts of a plane on either side of a pixel are in the padded one, and where in the plane."""
        halves = [
            [(slice(0, n - c), slice(c, n)), (slice(total - c, total), slice(0, c))]
            for n, c, total in zip(self.shape, centre, self.size, strict=True)
        ]
        return [((ty, tx), (oy, ox)) for ty, oy in halves[0] for tx, ox in halves[1]]


def psf_margin(shape: tuple[int, int], centre: tuple[int, int], margin: int = 0) -> tuple[int, int]:
    """How far beyond the image a psf of its shape carries what is in the image; at least `margin`."""
    my, mx = (max(c, n - c, margin) for n, c in zip(shape, centre, strict=True))
    return my, mx


class PsfTransform(PaddedTransform):
    """A point spread function and its transform.

    Parameters
    ----------
    psf : ndarray (y, x) float32
        Peak 1 near the middle.
    margin : int
        Pixels beyond the image that what is convolved besides may reach; the psf itself ends with its image.
    centre : (int, int), optional
        y and x of what is the origin; the maximum when not given.

    Attributes
    ----------
    psf : ndarray (y, x) float32
    centre : (int, int)
    beam : ndarray complex64
        Transform of the psf with its peak at the origin.
    """

    def __init__(self, psf: np.ndarray, margin: int = 0, centre: tuple[int, int] | None = None) -> None:
        self.psf = psf
        shape = (psf.shape[0], psf.shape[1])
        cy, cx = (int(v) for v in np.unravel_index(int(np.argmax(psf)), shape)) if centre is None else centre
        self.centre = (cy, cx)
        super().__init__(shape, psf_margin(shape, self.centre, margin))
        self.beam = self.transform(psf, self.centre)

    def convolve(self, plane: np.ndarray) -> np.ndarray:
        """A plane (y, x) convolved with the psf, float32."""
        return self.plane(self.transform(plane) * self.beam)

    def pixels_per_beam(self) -> float:
        """Pixels of the main lobe: those above its half, times the factor of a Gaussian."""
        return max(1.0, float((self.psf > 0.5).sum()) / float(np.log(2.0)))
