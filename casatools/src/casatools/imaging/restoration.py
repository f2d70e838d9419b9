"""Restored images: the model convolved with the clean beam, plus the residual."""

from __future__ import annotations

import functools

import numpy as np

from casatools._base.buffers import empty_array
from casatools._base.threads import thread_count
from casatools.imaging.beam_fit import GaussianBeam, gaussian_plane

__all__ = [
    "beam_difference",
    "beam_sum",
    "common_beam",
    "convolve_sampled",
    "convolve_to_beam",
    "peak_after",
    "restore",
    "smooth_residual",
]


# Lines of a transform that are multiplied at a time.
_LINES = 64


def convolve_to_beam(model: np.ndarray, beam: GaussianBeam, cell_rad: tuple[float, float]) -> np.ndarray:
    """Convolve a model (y, x) [Jy/pixel] with a beam of peak 1: the result is in Jy/beam.

    The Gaussian is applied by its analytic transform; images are padded so that nothing wraps round.
    """
    import ducc0

    ny, nx = model.shape
    if not model.any():
        return np.broadcast_to(0.0, (ny, nx))
    pad = int(np.ceil(3.0 * beam.major_rad / min(cell_rad)))
    ly, lx = ducc0.fft.good_size(ny + pad, True), ducc0.fft.good_size(nx + pad, True)
    padded = np.zeros((ly, lx), dtype=np.float64)
    padded[:ny, :nx] = model
    transform = ducc0.fft.r2c(padded, axes=(0, 1), nthreads=thread_count())
    u = np.fft.rfftfreq(lx, cell_rad[0])[None, :]
    sin, cos = np.sin(beam.angle_rad), np.cos(beam.angle_rad)
    peak = beam.area_rad2 / (cell_rad[0] * cell_rad[1])
    for first in range(0, ly, _LINES):
        v = np.fft.fftfreq(ly, cell_rad[1])[first : first + _LINES, None]
        # x grows to the west, so that east is -u.
        along, across = (-u * sin + v * cos) * beam.major_rad, (-u * cos - v * sin) * beam.minor_rad
        spectrum = np.exp(-(np.pi**2) / (4.0 * np.log(2.0)) * (np.square(along) + np.square(across)))
        transform[first : first + _LINES] *= spectrum * peak
    ducc0.fft.c2r(
        transform,
        axes=(0, 1),
        lastsize=lx,
        forward=False,
        inorm=2,
        nthreads=thread_count(),
        out=padded,
        allow_overwriting_input=True,
    )
    return padded[:ny, :nx]


def smooth_residual(residual: np.ndarray, own: GaussianBeam, target: GaussianBeam, cell_rad: tuple[float, float]) -> np.ndarray:
    """A residual (y, x) brought from its own beam to a larger one, in Jy per target beam."""
    if own == target:
        return residual
    kernel = beam_difference(target, own)
    if kernel is None:  # the target is sharper in some direction: only the brightness unit can be changed
        return np.asarray(residual * (target.area_rad2 / own.area_rad2))
    return convolve_sampled(residual, kernel, cell_rad) / peak_after(own, kernel, cell_rad)


def peak_after(own: GaussianBeam, kernel: GaussianBeam, cell_rad: tuple[float, float]) -> float:
    """The peak of a point source seen with a beam after convolution with a kernel sampled at the pixels; it was 1 before.

    For kernels wide against the pixels this is the ratio of the areas of the beams before and after; dividing by it keeps intensities
    per beam.
    """
    reach = int(np.ceil(2.5 * kernel.major_rad / min(cell_rad))) + 1
    shape, centre = (2 * reach + 1, 2 * reach + 1), (float(reach), float(reach))
    weights = gaussian_plane(shape, centre, kernel, cell_rad)
    return float((weights * gaussian_plane(shape, centre, own, cell_rad)).sum() / weights.sum())


def convolve_sampled(plane: np.ndarray, kernel: GaussianBeam, cell_rad: tuple[float, float]) -> np.ndarray:
    """Convolve a plane (y, x) with a Gaussian sampled at the pixels and normalized to a sum of one.

    A kernel narrower than a pixel leaves the plane as it is, as in CASA; nothing wraps round the edges.
    """
    import ducc0

    ny, nx = plane.shape
    reach = int(np.ceil(2.5 * kernel.major_rad / min(cell_rad))) + 1
    ly, lx = ducc0.fft.good_size(ny + reach, True), ducc0.fft.good_size(nx + reach, True)
    padded = empty_array((ly, lx), np.float64)
    padded[:ny, :nx], padded[ny:], padded[:ny, nx:] = plane, 0.0, 0.0
    transform = empty_array((ly, lx // 2 + 1), np.complex128)
    threads = thread_count()
    ducc0.fft.r2c(padded, axes=(0, 1), nthreads=threads, out=transform)
    transform *= _sampled_spectrum(kernel, (float(cell_rad[0]), float(cell_rad[1])), ly, lx)
    ducc0.fft.c2r(
        transform, axes=(0, 1), lastsize=lx, forward=False, inorm=2, nthreads=threads, out=padded, allow_overwriting_input=True
    )
    return padded[:ny, :nx]


@functools.lru_cache(maxsize=1)
def _sampled_spectrum(kernel: GaussianBeam, cell_rad: tuple[float, float], ly: int, lx: int) -> np.ndarray:
    """The transform of a sampled Gaussian, kept for the next plane."""
    import ducc0

    # Offsets as the transform counts them: beyond the middle they are negative.
    x = np.fft.fftfreq(lx, 1.0 / lx)[None, :] * cell_rad[0]
    y = np.fft.fftfreq(ly, 1.0 / ly)[:, None] * cell_rad[1]
    sin, cos = np.sin(kernel.angle_rad), np.cos(kernel.angle_rad)
    along, across = (-x * sin + y * cos) / kernel.major_rad, (x * cos + y * sin) / kernel.minor_rad
    weights = np.exp(-4.0 * np.log(2.0) * np.minimum(along**2 + across**2, 200.0))
    return np.asarray(ducc0.fft.r2c(weights / weights.sum(), axes=(0, 1), nthreads=thread_count()))


def restore(
    model: np.ndarray, residual: np.ndarray, own: GaussianBeam, target: GaussianBeam, cell_rad: tuple[float, float]
) -> np.ndarray:
    """The restored plane (y, x) float32 [Jy/beam] with the target beam, whose residual had its own beam."""
    return (convolve_to_beam(model, target, cell_rad) + smooth_residual(residual, own, target, cell_rad)).astype(np.float32)


def common_beam(beams: list[GaussianBeam]) -> GaussianBeam:
    """The beam of least area that all beams can be convolved to.

    Notes
    -----
    A beam holds another when the difference of their second moments is not negative, which is when its half-maximum ellipse holds the other's: this is the
    smallest ellipse about all of them. CASA's is the same for two beams, up to 0.1 % wider, and up to 3 % larger for more.

    References
    ----------
    John 1948, in Studies and Essays presented to R. Courant, 187: the smallest ellipsoid; Kelley 1960, J. SIAM 8, 703: cutting planes.
    """
    moments = [covariance(b) for b in beams]
    largest = max(range(len(beams)), key=lambda k: beams[k].area_rad2)
    # In units of the largest beam, which becomes a circle of radius 1.
    values, vectors = np.linalg.eigh(moments[largest])
    root = vectors @ np.diag(np.sqrt(values)) @ vectors.T
    inverse = np.linalg.inv(root)
    scaled = np.array([inverse @ m @ inverse for m in moments])
    if all(float(np.linalg.eigvalsh(m)[-1]) <= 1.0 + 1e-9 for m in scaled):
        return beams[largest]
    if len(beams) == 2:
        turns, axes = np.linalg.eigh(scaled[1 - largest])
        found = axes @ np.diag(np.maximum(turns, 1.0)) @ axes.T
    else:
        found = _smallest_ellipse(scaled)
    # A touch wider, so that what each beam is to be convolved with is never narrower than nothing.
    return _from_covariance(root @ found @ root * (1.0 + 2e-6))


def _smallest_ellipse(moments: np.ndarray) -> np.ndarray:
    """Second moments (2, 2) of the smallest ellipse about others' (n, 2, 2), by planes that cut off what does not hold a point of theirs."""
    from scipy.optimize import LinearConstraint, minimize

    def shape(v: np.ndarray) -> np.ndarray:
        return np.array([[v[0], v[1]], [v[1], v[2]]])

    # The inverse moments (a, b, c) that hold all points p: a px^2 + 2 b px py + c py^2 <= 1.
    start = 1.0 / float(np.linalg.eigvalsh(moments)[:, -1].max())
    point = np.array([start, 0.0, start])
    cuts = [np.array([1.0, 0.0, 0.0]), np.array([0.0, 0.0, 1.0])]
    inverse = shape(point)
    for step in range(100):
        values, vectors = np.linalg.eigh(inverse)
        half = vectors @ np.diag(np.sqrt(values)) @ vectors.T
        turned = half @ moments @ half
        reach, axes = np.linalg.eigh(turned)
        worst = int(np.argmax(reach[:, 1]))
        if step and reach[worst, 1] <= 1.0 + 1e-7:
            break
        # The point of that ellipse which lies furthest out.
        x, y = np.linalg.solve(half, axes[worst, :, 1]) * np.sqrt(reach[worst, 1])
        cuts.append(np.array([x * x, 2.0 * x * y, y * y]))
        result = minimize(
            lambda v: -np.log(max(v[0] * v[2] - v[1] * v[1], 1e-30)), point,
            jac=lambda v: np.array([-v[2], 2.0 * v[1], -v[0]]) / max(v[0] * v[2] - v[1] * v[1], 1e-30),
            constraints=LinearConstraint(np.array(cuts), -np.inf, 1.0), method="SLSQP", options={"ftol": 1e-14, "maxiter": 200},
        )  # fmt: skip
        inverse = shape(result.x)
    values, vectors = np.linalg.eigh(inverse)
    half = vectors @ np.diag(np.sqrt(values)) @ vectors.T
    # Whatever is left beyond the ellipse is taken in.
    spare = max(1.0, float(np.linalg.eigvalsh(half @ moments @ half)[:, -1].max()))
    return np.linalg.inv(inverse) * spare


def covariance(beam: GaussianBeam) -> np.ndarray:
    """Second moments of a beam in units of its squared full widths, axes east and north."""
    sin, cos = np.sin(beam.angle_rad), np.cos(beam.angle_rad)
    axes = np.array([[sin, cos], [cos, -sin]])
    return np.asarray(axes.T @ np.diag([beam.major_rad**2, beam.minor_rad**2]) @ axes)


def _from_covariance(matrix: np.ndarray) -> GaussianBeam:
    eigenvalues, vectors = np.linalg.eigh(matrix)
    minor, major = np.sqrt(np.maximum(eigenvalues, 1e-30))
    angle = float(np.arctan2(vectors[0, 1], vectors[1, 1]))
    return GaussianBeam(float(major), float(minor), (angle + np.pi / 2) % np.pi - np.pi / 2)


def beam_difference(outer: GaussianBeam, inner: GaussianBeam) -> GaussianBeam | None:
    """The Gaussian that turns `inner` into `outer` by convolution; None when `inner` is wider in some direction.

    References
    ----------
    Wild 1970, Aust. J. Phys. 23, 113: second moments of Gaussians add.
    """
    difference = covariance(outer) - covariance(inner)
    if np.linalg.eigvalsh(difference)[0] < 0:
        return None
    return _from_covariance(difference)


def beam_sum(first: GaussianBeam, second: GaussianBeam) -> GaussianBeam:
    """The convolution of two Gaussians."""
    return _from_covariance(covariance(first) + covariance(second))
