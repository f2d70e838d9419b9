"""Taylor terms deconvolved together: against a slow transcription of the published algorithm, and known spectra."""

from __future__ import annotations

import numpy as np
import pytest

from casatools._base.errors import DataError
from casatools.imaging.minor_cycle import MinorOptions, convolve_components
from casatools.imaging.multi_term import MultiTermCycle, hessian_peak, principal_solution, spectral_images
from casatools.imaging.scale_beams import scale_plane

N = 64
X = np.linspace(-0.3, 0.25, 12)  # (f - f0) / f0 of the channels


def spectral_psfs(nterms: int) -> np.ndarray:
    """Beams that grow narrower with frequency, weighted with powers of x."""
    axis = np.arange(N) - N // 2
    r2 = axis[:, None] ** 2 + axis[None, :] ** 2
    total = np.zeros((2 * nterms - 1, N, N))
    for x in X:
        width = 3.0 / (1 + x)
        beam = np.exp(-r2 / (2 * width**2)) + 0.15 * np.cos(np.sqrt(r2) / width) * np.exp(-np.sqrt(r2) / 9)
        total += np.array([x**t * beam for t in range(2 * nterms - 1)])
    return (total / total[0].max()).astype(np.float32)


def observed(sky: np.ndarray, psf: np.ndarray) -> np.ndarray:
    return np.stack(
        [sum(convolve_components(sky[j], psf[i + j], (N // 2, N // 2)) for j in range(len(sky))) for i in range(len(sky))]
    ).astype(np.float32)


def slow_clean(residual: np.ndarray, psf: np.ndarray, scales: tuple[float, ...], bias: float, niter: int) -> np.ndarray:
    """Rau & Cornwell 2011, algorithm 1, written with whole images: the model of each term."""
    nterms = len(residual)
    shapes = [scale_plane((N, N), s) for s in scales]
    smooth = np.array([[convolve_components(r, shape) for r in residual] for shape in shapes])
    cross = np.array([[[convolve_components(convolve_components(p, a), b) for p in psf] for b in shapes] for a in shapes])
    model = np.zeros(residual.shape)
    axis = np.arange(N)
    for _ in range(niter):
        best = (-1.0, 0, 0, 0, np.zeros(nterms))
        for s, scale in enumerate(scales):
            inverse = np.linalg.inv([[cross[s, s, i + j, N // 2, N // 2] for j in range(nterms)] for i in range(nterms)])
            solved = np.tensordot(inverse, smooth[s], axes=(1, 0))
            gained = (solved * smooth[s]).sum(axis=0) * (1 - bias * scale / max(max(scales), 1e-9))
            edge = int(1.5 * scale)
            allowed = np.zeros((N, N), bool)
            allowed[edge : N - edge, edge : N - edge] = True
            gained[~allowed] = -1
            y, x = np.unravel_index(int(gained.argmax()), gained.shape)
            if gained[y, x] > best[0]:
                best = (float(gained[y, x]), s, int(y), int(x), 0.1 * solved[:, y, x])
        _, s, y, x, flux = best
        inside = (np.abs(axis - y)[:, None] <= N) & (np.abs(axis - x)[None, :] <= N)
        rows, cols = axis - y + N // 2, axis - x + N // 2
        good = inside & ((rows >= 0) & (rows < N))[:, None] & ((cols >= 0) & (cols < N))[None, :]

        def moved(plane: np.ndarray, good: np.ndarray = good, rows: np.ndarray = rows, cols: np.ndarray = cols) -> np.ndarray:
            return np.where(good, plane[np.clip(rows, 0, N - 1)][:, np.clip(cols, 0, N - 1)], 0.0)

        for i in range(nterms):
            model[i] += flux[i] * moved(shapes[s])
            for q in range(len(scales)):
                for j in range(nterms):
                    smooth[q, i] -= flux[j] * moved(cross[s, q, i + j])
    return model


@pytest.mark.parametrize(
    ("nterms", "scales", "bias"), [(2, (0.0,), 0.0), (3, (0.0,), 0.0), (2, (0.0, 5.0), 0.0), (2, (0.0, 4.0), 0.4)]
)
def test_components_are_those_of_the_slow_transcription(nterms: int, scales: tuple[float, ...], bias: float) -> None:
    psf = spectral_psfs(nterms)
    rng = np.random.default_rng(5)
    sky = np.zeros((nterms, N, N), np.float32)
    for y, x in ((30, 34), (25, 40), (38, 29)):
        sky[:, y, x] = rng.normal(size=nterms) * (1.0, 0.7, 0.5)[:nterms]
    sky[0] += 8 * np.roll(scale_plane((N, N), 6.0), (4, -6), axis=(0, 1))
    start = observed(sky, psf)
    residual, model = start.copy(), np.zeros_like(start)
    done, peak = MultiTermCycle(MinorOptions("mtmfs", 0.1, scales, bias), nterms).run(
        residual, model, psf, np.ones((N, N), bool), 0.0, 25
    )
    assert done == 25
    expected = slow_clean(start, psf, scales, bias, 25)
    assert np.abs(model - expected).max() < 2e-5 * np.abs(expected).max()
    assert np.abs(residual - (start - observed(model, psf))).max() < 1e-5
    assert peak == pytest.approx(np.abs(residual[0]).max())


def test_a_spectrum_is_recovered_and_the_threshold_holds() -> None:
    psf = spectral_psfs(2)
    sky = np.zeros((2, N, N), np.float32)
    sky[:, 20, 41] = 2.0, -1.4  # a spectral index of -0.7
    residual, model = observed(sky, psf), np.zeros_like(sky)
    cycle = MultiTermCycle(MinorOptions("mtmfs", 0.2), 2)
    done, peak = cycle.run(residual, model, psf, np.ones((N, N), bool), 0.01, 500)
    assert 10 < done < 100 and peak <= 0.011
    assert model[0].sum() == pytest.approx(2.0, abs=0.02) and model[1].sum() == pytest.approx(-1.4, abs=0.05)
    assert cycle.run(residual, model, psf, np.ones((N, N), bool), 0.0, 0) == (0, peak)
    assert cycle.run(residual, model, psf, np.zeros((N, N), bool), 0.0, 10)[0] == 0


def test_a_mask_confines_components() -> None:
    psf = spectral_psfs(2)
    sky = np.zeros((2, N, N), np.float32)
    sky[0, 20, 41], sky[0, 45, 20] = 2.0, 1.0
    residual, model = observed(sky, psf), np.zeros_like(sky)
    mask = np.zeros((N, N), bool)
    mask[40:50, 15:25] = True
    MultiTermCycle(MinorOptions("mtmfs", 0.2), 2).run(residual, model, psf, mask, 0.01, 50)
    assert model[0][mask].sum() == pytest.approx(1.0, abs=0.1) and not model[:, ~mask].any()


def test_principal_solution_of_a_point_is_its_spectrum() -> None:
    psf = spectral_psfs(3)
    sky = np.zeros((3, N, N), np.float32)
    sky[:, 30, 30] = 1.0, 0.5, -0.25
    solved = principal_solution(observed(sky, psf), psf)
    assert solved[:, 30, 30] == pytest.approx([1.0, 0.5, -0.25], abs=1e-3)


def test_terms_that_the_data_do_not_tell_apart() -> None:
    psf = np.zeros((3, N, N), np.float32)
    psf[0, N // 2, N // 2] = 1.0  # one frequency: all powers of x vanish
    with pytest.raises(DataError, match="2 Taylor terms apart"):
        hessian_peak(psf, 2)


def test_spectral_index_its_error_and_curvature() -> None:
    image = np.zeros((3, 1, 2, 2), np.float32)
    image[:, 0, 0, 0] = 2.0, -1.4, 0.3
    image[:, 0, 1, 1] = 0.004, 1.0, 1.0  # below a tenth of the residual's peak
    image[:, 0, 0, 1] = 1.0, 0.0, 0.0
    residual = np.zeros_like(image)
    residual[:, 0, 0, 0] = 0.02, 0.03, 0.0
    residual[:, 0, 1, 0] = 0.05, 0.0, 0.0
    found = spectral_images(image, residual)
    assert found.valid[0].tolist() == [[True, True], [False, False]]
    assert found.alpha[0, 0].tolist() == pytest.approx([-0.7, 0.0])
    assert found.error[0, 0, 0] == pytest.approx(0.7 * np.hypot(0.02 / 2, 0.03 / 1.4), rel=1e-6)
    assert found.beta is not None and found.beta[0, 0, 0] == pytest.approx(0.15 - 0.5 * -0.7 * -1.7, rel=1e-5)
    assert not found.alpha[0, 1].any() and found.error[0, 0, 1] == 0.0
    assert spectral_images(image[:2], residual[:2]).beta is None
