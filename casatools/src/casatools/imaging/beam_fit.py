"""The restoring beam: an elliptical Gaussian fitted to the main lobe of a point spread function."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from casatools._base.errors import DataError

__all__ = ["GaussianBeam", "fit_beam", "gaussian_plane", "sidelobe_level"]

# Main lobes that reach at most so many pixels from the peak are fitted on a grid so many times finer.
_FINER = ((1, 4), (3, 3), (8, 2))


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
    Amplitude and centre are fixed, all pixels weigh the same. A lobe of few pixels is first put on a finer grid by cubic convolution; how much finer was
    found from beams that CASA 6.7 fits, which agree to 1e-4.

    References
    ----------
    Keys 1981, IEEE Trans. Acoust. Speech Signal Process. 29, 1153: cubic convolution with a = -1/2.
    """
    x, y, z = _main_lobe(psf, cutoff)
    scale = max(cell_rad)
    east, north = -x * (cell_rad[0] / scale), y * (cell_rad[1] / scale)
    a, b, c = _fit_quadratic_form(east, north, z)
    eigenvalues, vectors = np.linalg.eigh([[a, b], [b, c]])
    if not eigenvalues[0] > np.log(2.0) / (2.0 * max(psf.shape)) ** 2:  # wider than four images
        raise DataError("the main lobe of the point spread function does not fall off in all directions; no beam can be fitted")
    major, minor = 2.0 * np.sqrt(np.log(2.0) / eigenvalues) * scale
    angle = float(np.arctan2(vectors[0, 0], vectors[1, 0]))
    angle = (angle + np.pi / 2) % np.pi - np.pi / 2
    return GaussianBeam(float(major), float(minor), angle)


def _fit_quadratic_form(east: np.ndarray, north: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Coefficients ``(a, b, c)`` of ``z = exp(-(a e^2 + 2 b e n + c n^2))`` by Levenberg's damped least squares."""
    terms = np.stack([east**2, 2.0 * east * north, north**2], axis=1)
    found = np.linalg.lstsq(terms * z[:, None], -z * np.log(np.maximum(z, 1e-6)), rcond=None)[0]
    damping = 1e-6
    model = np.exp(-np.clip(terms @ found, -50.0, 500.0))
    error = float(np.sum((z - model) ** 2))
    for _ in range(100):
        jacobian = -terms * model[:, None]
        normal = jacobian.T @ jacobian
        step = np.linalg.lstsq(normal + damping * np.diag(np.diag(normal)), jacobian.T @ (z - model), rcond=None)[0]
        trial = np.exp(-np.clip(terms @ (found + step), -50.0, 500.0))
        trial_error = float(np.sum((z - trial) ** 2))
        if trial_error > error:
            damping = max(damping * 10.0, 1e-6)
            if damping > 1e6:
                break
            continue
        found, model, damping = found + step, trial, damping * 0.1
        if error - trial_error <= 1e-13 * error:
            break
        error = trial_error
    return np.asarray(found)


def _main_lobe(psf: np.ndarray, cutoff: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Offsets in pixels (x, y) and values of the connected pixels about the peak that are above the cutoff."""
    cy, cx = (int(v) for v in np.unravel_index(int(np.argmax(psf)), psf.shape))
    room = min(cy, cx, psf.shape[0] - 1 - cy, psf.shape[1] - 1 - cx)
    if not psf[cy, cx] > 0 or room < 1:
        raise DataError("the point spread function has no main lobe that a beam could be fitted to: are all data flagged?")
    half = min(12, room)
    while True:
        patch = psf[cy - half : cy + half + 1, cx - half : cx + half + 1].astype(np.float64)
        rows, columns = _connected(patch, cutoff)
        extent = int(max(np.abs(rows - half).max(), np.abs(columns - half).max()))
        if extent < half or half == room:
            break
        half = min(2 * half, room)
    finer = next((factor for most, factor in _FINER if extent <= most), 1)
    if finer > 1:
        patch = _resampled(patch, finer)
        rows, columns = _connected(patch, cutoff)
    middle = half * finer
    return (columns - middle) / finer, (rows - middle) / finer, patch[rows, columns]


def _connected(patch: np.ndarray, cutoff: float) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the pixels above the cutoff that hang together with the middle one."""
    from scipy import ndimage

    labels, _ = ndimage.label(patch > cutoff)
    middle = patch.shape[0] // 2
    rows, columns = np.nonzero(labels == labels[middle, middle])
    return rows, columns


def _resampled(patch: np.ndarray, finer: int) -> np.ndarray:
    """A square patch on a grid `finer` times finer, by cubic convolution."""
    size = patch.shape[0]
    place = np.arange((size - 1) * finer + 1) / finer
    first = np.floor(place).astype(int)
    kernel = np.zeros((len(place), size))
    for offset in (-1, 0, 1, 2):
        s = np.abs(place - first - offset)
        inner = 1.5 * s**3 - 2.5 * s**2 + 1.0
        outer = -0.5 * s**3 + 2.5 * s**2 - 4.0 * s + 2.0
        weight = np.where(s < 1.0, inner, np.where(s < 2.0, outer, 0.0))
        np.add.at(kernel, (np.arange(len(place)), np.clip(first + offset, 0, size - 1)), weight)
    return np.asarray(kernel @ patch @ kernel.T)


def gaussian_plane(
    shape: tuple[int, int], centre: tuple[float, float], beam: GaussianBeam, cell_rad: tuple[float, float]
) -> np.ndarray:
    """A Gaussian of peak 1 on the pixels of a plane (y, x); `centre` in pixels (x, y)."""
    east = -(np.arange(shape[1]) - centre[0])[None, :] * cell_rad[0]
    north = (np.arange(shape[0]) - centre[1])[:, None] * cell_rad[1]
    sin, cos = np.sin(beam.angle_rad), np.cos(beam.angle_rad)
    along, across = (east * sin + north * cos) / beam.major_rad, (east * cos - north * sin) / beam.minor_rad
    return np.exp(-4.0 * np.log(2.0) * (np.square(along) + np.square(across)))


def sidelobe_level(psf: np.ndarray, beam: GaussianBeam, cell_rad: tuple[float, float]) -> float:
    """Greatest excess of a point spread function over its fitted beam."""
    cy, cx = (int(v) for v in np.unravel_index(int(np.argmax(psf)), psf.shape))
    # Beyond 3.5 widths the beam is below 1e-14 of its peak.
    half = int(np.ceil(3.5 * beam.major_rad / min(cell_rad))) + 1
    top, left = max(0, cy - half), max(0, cx - half)
    near = psf[top : cy + half + 1, left : cx + half + 1]
    excess = near - gaussian_plane((near.shape[0], near.shape[1]), (float(cx - left), float(cy - top)), beam, cell_rad)
    around = (psf[:top], psf[cy + half + 1 :], psf[top : cy + half + 1, :left], psf[top : cy + half + 1, cx + half + 1 :])
    return max([float(excess.max()), *(float(part.max()) for part in around if part.size)])
