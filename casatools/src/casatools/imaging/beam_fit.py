"""The restoring beam: an elliptical Gaussian fitted to the main lobe of a point spread function."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from casatools._base.errors import DataError

__all__ = ["GaussianBeam", "fit_beam", "gaussian_plane", "sidelobe_level"]

_ARCSEC_RAD = 206264.80624709636


@dataclass(frozen=True)
class GaussianBeam:
    """Full widths at half maximum [rad] and position angle [rad], north through east."""

    major_rad: float
    minor_rad: float
    angle_rad: float

    @property
    def area_rad2(self) -> float:
        """Solid angle."""
        return float(np.pi / (4.0 * np.log(2.0)) * self.major_rad * self.minor_rad)


def fit_beam(psf: np.ndarray, cell_rad: tuple[float, float], cutoff: float = 0.35) -> GaussianBeam:
    """Fit the main lobe of a point spread function.

    Parameters
    ----------
    psf : ndarray (y, x) float32
        Peak 1.
    cell_rad : (float, float)
        Pixel sizes, positive; x grows to the west.
    cutoff : float
        Pixels of the main lobe above this are fitted.

    Returns
    -------
    GaussianBeam

    Raises
    ------
    DataError
        There is no main lobe to fit.

    Notes
    -----
    Amplitude and centre are fixed. A lobe of few pixels is first put on a five times finer grid by cubic splines.
    """
    from scipy.optimize import least_squares

    samples, step = _main_lobe(psf, cutoff)
    if samples is None or step is None:
        raise DataError("the point spread function has no main lobe that a beam could be fitted to: are all data flagged?")
    x, y, z = samples
    east, north = -x * cell_rad[0], y * cell_rad[1]
    scale = max(cell_rad)
    east, north = east / scale, north / scale

    def residual(p: np.ndarray) -> np.ndarray:
        return np.asarray(np.exp(-(p[0] * east**2 + 2.0 * p[1] * east * north + p[2] * north**2)) - z)

    start = np.log(2.0) / max(1.0, float(np.sqrt(len(z)) * step / 2.0)) ** 2
    a, b, c = least_squares(residual, [start, 0.0, start], method="lm").x
    eigenvalues, vectors = np.linalg.eigh([[a, b], [b, c]])
    if eigenvalues[0] <= np.log(2.0) / (2.0 * max(psf.shape)) ** 2:  # wider than four images
        raise DataError("the main lobe of the point spread function does not fall off in all directions; no beam can be fitted")
    major, minor = 2.0 * np.sqrt(np.log(2.0) / eigenvalues) * scale
    angle = float(np.arctan2(vectors[0, 0], vectors[1, 0]))
    angle = (angle + np.pi / 2) % np.pi - np.pi / 2
    return GaussianBeam(float(major), float(minor), angle)


def _main_lobe(psf: np.ndarray, cutoff: float) -> tuple[tuple[np.ndarray, np.ndarray, np.ndarray] | None, float | None]:
    """Offsets in pixels and values of the connected pixels about the peak that are above the cutoff, and their spacing."""
    from scipy import ndimage

    cy, cx = (int(v) for v in np.unravel_index(int(np.argmax(psf)), psf.shape))
    if not psf[cy, cx] > 0:
        return None, None
    half = min(24, cy, cx, psf.shape[0] - 1 - cy, psf.shape[1] - 1 - cx)
    if half < 1:
        return None, None
    patch = psf[cy - half : cy + half + 1, cx - half : cx + half + 1].astype(np.float64)
    labels, _ = ndimage.label(patch > cutoff)
    lobe = labels == labels[half, half]
    step = 1.0
    if lobe.sum() < 40:  # fewer than about seven pixels across
        near = min(half, 8)
        fine = np.arange(-near * 5, near * 5 + 1) / 5.0 + half
        patch = ndimage.map_coordinates(patch, np.meshgrid(fine, fine, indexing="ij"), order=3, mode="nearest")
        labels, _ = ndimage.label(patch > cutoff)
        middle = len(fine) // 2
        lobe = labels == labels[middle, middle]
        step, half = 0.2, middle
    rows, columns = np.nonzero(lobe)
    return ((columns - half) * step, (rows - half) * step, patch[lobe]), step


def gaussian_plane(shape: tuple[int, int], centre: tuple[float, float], beam: GaussianBeam, cell_rad: tuple[float, float]) -> np.ndarray:
    """A Gaussian of peak 1 on the pixels of a plane (y, x); `centre` in pixels (x, y)."""
    east = -(np.arange(shape[1]) - centre[0])[None, :] * cell_rad[0]
    north = (np.arange(shape[0]) - centre[1])[:, None] * cell_rad[1]
    sin, cos = np.sin(beam.angle_rad), np.cos(beam.angle_rad)
    along, across = (east * sin + north * cos) / beam.major_rad, (east * cos - north * sin) / beam.minor_rad
    return np.exp(-4.0 * np.log(2.0) * (np.square(along) + np.square(across)))


def sidelobe_level(psf: np.ndarray, beam: GaussianBeam, cell_rad: tuple[float, float]) -> float:
    """Greatest excess of a point spread function over its fitted beam."""
    cy, cx = np.unravel_index(int(np.argmax(psf)), psf.shape)
    return float((psf - gaussian_plane((psf.shape[0], psf.shape[1]), (float(cx), float(cy)), beam, cell_rad)).max())
