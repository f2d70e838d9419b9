"""The restoring beam: an elliptical Gaussian fitted to the main lobe of a point spread function."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from casatools._base.errors import DataError

__all__ = ["GaussianBeam", "fit_beam", "gaussian_plane", "sidelobe_level"]

# Main lobes that reach at most so many pixels from the peak are fitted on a grid so many times finer.
_FINER = ((1, 4), (3, 3), (8, 2))
# So many pixels to each side of the peak are looked at.
_HALF = 20
# A lobe of fewer pixels, or one that does not fall off, is looked for at a lower cutoff, so many times.
_FEWEST, _LOWERED = 6, 3


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
    Amplitude and centre are fixed, all pixels weigh the same. A lobe of few pixels is first put on a finer grid by cubic convolution. How much finer, and which
    pixels are fitted, was found from beams that CASA 6.7 fits, which agree to 1e-4 where a lobe stands out: in each row within 20 pixels of the peak the first run above the cutoff to
    either side. Sidelobes above the cutoff so near count among them, and make the grid no finer and the beam wider than the lobe.

    References
    ----------
    Keys 1981, IEEE Trans. Acoust. Speech Signal Process. 29, 1153: cubic convolution with a = -1/2.
    """
    scale = max(cell_rad)
    for lowered in range(_LOWERED + 1):
        x, y, z, own = _main_lobe(psf, cutoff / 1.5**lowered)
        if np.count_nonzero(own) < _FEWEST and lowered < _LOWERED:
            continue
        east, north = -x * (cell_rad[0] / scale), y * (cell_rad[1] / scale)
        a, b, c = _fit_quadratic_form(east, north, z, own)
        eigenvalues, vectors = np.linalg.eigh([[a, b], [b, c]])
        if eigenvalues[0] > np.log(2.0) / (2.0 * max(psf.shape)) ** 2:  # narrower than four images
            major, minor = 2.0 * np.sqrt(np.log(2.0) / eigenvalues) * scale
            angle = float(np.arctan2(vectors[0, 0], vectors[1, 0]))
            angle = (angle + np.pi / 2) % np.pi - np.pi / 2
            return GaussianBeam(float(major), float(minor), angle)
    raise DataError(
        "the main lobe of the point spread function does not fall off in all directions; no beam can be fitted (is the image smaller than the beam?)"
    )


def _fit_quadratic_form(east: np.ndarray, north: np.ndarray, z: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Coefficients ``(a, b, c)`` of ``z = exp(-(a e^2 + 2 b e n + c n^2))`` by Levenberg's damped least squares, from those of the lobe alone (`own`)."""
    terms = np.stack([east**2, 2.0 * east * north, north**2], axis=1)
    lobe = z[own]
    found = np.linalg.lstsq(terms[own] * lobe[:, None], -lobe * np.log(np.maximum(lobe, 1e-6)), rcond=None)[0]
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


def _main_lobe(psf: np.ndarray, cutoff: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Offsets in pixels (x, y) and values of the pixels about the peak that are fitted, and which of them hang together with it."""
    cy, cx = (int(v) for v in np.unravel_index(int(np.argmax(psf)), psf.shape))
    half = min(_HALF, cy, cx, psf.shape[0] - 1 - cy, psf.shape[1] - 1 - cx)
    if not psf[cy, cx] > 0 or half < 1:
        raise DataError("the point spread function has no main lobe that a beam could be fitted to: are all data flagged?")
    patch = psf[cy - half : cy + half + 1, cx - half : cx + half + 1].astype(np.float64)
    chosen = _first_runs(patch > cutoff)
    rows, columns = np.nonzero(chosen)
    extent = int(max(np.abs(rows - half).max(), np.abs(columns - half).max()))
    finer = next((factor for most, factor in _FINER if extent <= most), 1)
    if finer > 1:
        patch = _resampled(patch, finer)
        chosen = _first_runs(patch > cutoff)
        rows, columns = np.nonzero(chosen)
    middle = half * finer
    return (columns - middle) / finer, (rows - middle) / finer, patch[rows, columns], _around_middle(chosen)[rows, columns]


def _around_middle(chosen: np.ndarray) -> np.ndarray:
    """The chosen pixels of a square patch that hang together with its middle over their sides."""
    middle = len(chosen) // 2
    found = np.zeros_like(chosen)
    grown = found.copy()
    grown[middle, middle] = chosen[middle, middle]
    while np.count_nonzero(grown) > np.count_nonzero(found):
        found, grown = grown, grown.copy()
        grown[1:] |= found[:-1]
        grown[:-1] |= found[1:]
        grown[:, 1:] |= found[:, :-1]
        grown[:, :-1] |= found[:, 1:]
        grown &= chosen
    return found


def _first_runs(above: np.ndarray) -> np.ndarray:
    """In each row of a square patch the pixels above the cutoff that come first, going out from the middle to either side, without a gap between them."""
    middle = above.shape[0] // 2

    def outwards(side: np.ndarray) -> np.ndarray:
        # Up to the first pixel below the cutoff that follows one above it.
        ended = np.cumsum(~side & (np.cumsum(side, axis=1) > 0), axis=1) > 0
        return side & ~ended

    return np.concatenate([outwards(above[:, middle::-1])[:, :0:-1], outwards(above[:, middle:])], axis=1)


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
