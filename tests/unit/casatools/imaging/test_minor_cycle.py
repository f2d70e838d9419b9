"""Deconvolution of known skies."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import fftconvolve

from casatools._base.errors import ParameterError
from casatools.imaging.minor_cycle import MinorCycle, MinorOptions, convolve_components
from casatools.imaging.multi_term import MultiTermCycle
from casatools.imaging.psf_transform import PsfTransform
from casatools.imaging.scale_beams import scale_plane
from casatools.kernels.clean_clark import clark_components
from casatools.kernels.clean_hogbom import clean_hogbom, peak_in_mask
from casatools.kernels.clean_multiscale import clean_multiscale


def a_psf(n: int = 64) -> np.ndarray:
    x = np.arange(n) - n // 2
    core = np.exp(-(x[:, None] ** 2 + x[None, :] ** 2) / 8.0)
    ring = 0.1 * np.cos(np.hypot(x[:, None], x[None, :]) * 0.7) * np.exp(-np.hypot(x[:, None], x[None, :]) / 12.0)
    psf = core + ring
    return (psf / psf.max()).astype(np.float32)


@pytest.mark.parametrize("name", ["hogbom", "clark", "clarkstokes"])
def test_two_points_are_recovered(name: str) -> None:
    psf = a_psf()
    sky = np.zeros((64, 64), np.float32)
    sky[30, 33], sky[40, 20] = 1.0, -0.5
    residual = convolve_components(sky, psf).astype(np.float32)
    model = np.zeros_like(sky)
    done, peak = MinorCycle(MinorOptions(name, 0.2)).run(residual, model, psf, np.ones((64, 64), bool), 0.005, 500)
    assert 0 < done < 500
    assert peak <= 0.005
    assert model[30, 33] == pytest.approx(1.0, abs=0.02)
    assert model[40, 20] == pytest.approx(-0.5, abs=0.02)


def test_multiscale_takes_an_extended_source_in_fewer_components() -> None:
    psf = a_psf()
    sky = np.roll(scale_plane((64, 64), 8.0) * 50, (3, -4), axis=(0, 1))
    start = convolve_components(sky, psf).astype(np.float32)
    counts = {}
    for name, scales in (("hogbom", ()), ("multiscale", (0.0, 8.0))):
        residual, model = start.copy(), np.zeros_like(sky)
        counts[name], peak = MinorCycle(MinorOptions(name, 0.3, scales)).run(
            residual, model, psf, np.ones((64, 64), bool), 0.02 * start.max(), 2000
        )
        assert np.abs(residual).max() <= 0.03 * start.max()
        assert model.sum() == pytest.approx(50.0, rel=0.1)
        assert peak <= 0.02 * start.max() + 1e-6
    assert counts["multiscale"] < counts["hogbom"] / 3


@pytest.mark.parametrize("bias", [-1.0, -0.4, 0.0, 0.4, 0.9])
@pytest.mark.parametrize("size", [64, 256])
def test_a_bias_chooses_scales_as_with_one_taylor_term(bias: float, size: int) -> None:
    """CASA 6.7 makes the same model with multiscale and with mtmfs of one term, for a bias of either sign; 256 pixels are done in tiles."""
    psf = a_psf(size)
    sky = np.roll(scale_plane((size, size), 8.0) * 30, (3, -4), axis=(0, 1))
    sky[size // 2 + 6, size // 2 - 9] += 1.0
    start = convolve_components(sky, psf).astype(np.float32)
    mask = np.zeros((size, size), bool)
    mask[size // 2 - 18 : size // 2 + 18, size // 2 - 18 : size // 2 + 18] = True
    options, found = (0.2, (0.0, 4.0, 9.0), bias), []
    for terms in (0, 1):
        residual, model = start.copy(), np.zeros_like(sky)
        if terms:
            MultiTermCycle(MinorOptions("mtmfs", *options), 1).run(residual[None], model[None], psf[None], mask, 0.0, 12)
        else:
            MinorCycle(MinorOptions("multiscale", *options)).run(residual, model, psf, mask, 0.0, 12)
        found.append(model)
    assert np.abs(found[0] - found[1]).max() < 1e-5 * np.abs(found[1]).max()


@pytest.mark.parametrize("size", [64, 256])
def test_multiscale_goes_on_to_the_first_component_below_the_threshold(size: int) -> None:
    """It is the flux of the component before the gain that is compared (CASA 6.7: 24 runs counted), not what its scale counts when it is chosen."""
    psf = a_psf(size)
    start = convolve_components(np.roll(scale_plane((size, size), 8.0) * 30, (3, -4), axis=(0, 1)), psf).astype(np.float32)
    options, mask = MinorOptions("multiscale", 0.2, (0.0, 4.0, 9.0), -0.5), np.ones((size, size), bool)
    before, fluxes = np.zeros_like(start), []
    for niter in range(1, 9):
        residual, model = start.copy(), np.zeros_like(start)
        MinorCycle(options).run(residual, model, psf, mask, 0.0, niter)
        fluxes.append(float((model - before).sum()) / 0.2)
        before = model
    lower = [k for k in range(1, len(fluxes)) if abs(fluxes[k]) < 0.99 * min(abs(f) for f in fluxes[:k])]
    assert len(lower) > 1
    for niter in lower:
        residual, model = start.copy(), np.zeros_like(start)
        MinorCycle(options).run(residual, model, psf, mask, abs(fluxes[niter]) * 1.001, 100)
        assert model.sum() == pytest.approx(0.2 * sum(fluxes[:niter]), rel=1e-3)


def test_mask_and_limits() -> None:
    psf = a_psf()
    residual, model = np.zeros((64, 64), np.float32), np.zeros((64, 64), np.float32)
    residual[10, 10], residual[50, 50] = 3.0, 1.0
    mask = np.zeros((64, 64), bool)
    mask[45:55, 45:55] = True
    cycle = MinorCycle(MinorOptions("hogbom", 0.5))
    assert cycle.run(residual, model, psf, mask, 0.0, 1)[0] == 1
    # As the reference, one component more than the limit counts.
    assert model[50, 50] == pytest.approx(0.75)
    assert model[10, 10] == 0
    assert cycle.run(residual, model, psf, mask, 0.0, 0)[0] == 0
    assert cycle.run(residual, model, psf, np.zeros((64, 64), bool), 0.0, 9) == (0, 0.0)


def test_kernels_equal_their_python() -> None:
    rng = np.random.default_rng(0)
    psf = a_psf(17)
    start = rng.standard_normal((12, 14)).astype(np.float32)
    mask = rng.random((12, 14)) < 0.8
    results = []
    for function in (clean_hogbom, clean_hogbom.py_func):
        residual, model = start.copy(), np.zeros_like(start)
        results.append((function(residual, model, psf, mask, 0.2, 0.5, 20), residual, model))
    assert results[0][0][0] == results[1][0][0]
    np.testing.assert_allclose(results[0][1], results[1][1], atol=1e-6)
    assert peak_in_mask(start, mask)[0] == peak_in_mask.py_func(start, mask)[0] == np.abs(start[mask]).max()
    active = np.argwhere(mask).astype(np.int64)
    for factors in ([1.0], [1.0, -0.3], [1.0, 0.4, -0.7, 0.1]):
        values = np.outer(factors, start[mask].astype(np.float64))
        found = [np.zeros(values.shape) for _ in range(2)]
        counts = [
            f(active, values.copy(), psf, 0.2, 0.5, 30, out, 0)
            for f, out in zip((clark_components, clark_components.py_func), found, strict=True)
        ]
        assert counts[0] == counts[1] > 0
        np.testing.assert_allclose(found[0], found[1], atol=1e-9)
    cross = np.ones((1, 1, 12, 14), np.float32) * psf[2:14, 1:15]
    outs = []
    for function in (clean_multiscale, clean_multiscale.py_func):
        smoothed, components = start[None].copy(), np.zeros((1, 12, 14), np.float32)
        outs.append((function(smoothed, components, cross, mask, np.ones(1), 0.2, 0.5, 10, 6, 7), components))
    assert outs[0][0][0] == outs[1][0][0]
    np.testing.assert_allclose(outs[0][1], outs[1][1], atol=1e-6)


def test_bad_options() -> None:
    with pytest.raises(ParameterError, match="'deconvolver' must be one of"):
        MinorOptions("soap")
    with pytest.raises(ParameterError, match="'gain' must be"):
        MinorOptions("hogbom", 0.0)
    with pytest.raises(ParameterError, match="'scales' must hold"):
        MinorOptions("multiscale", 0.1, (-1.0,))


@pytest.mark.parametrize("shape", [(40, 30), (33, 65)])
@pytest.mark.parametrize("centre", [(3, 25), (20, 15), (32, 29)])
@pytest.mark.parametrize("where", [slice(0, 4), slice(-3, None), slice(None)])
def test_nothing_is_carried_round_the_edges(shape: tuple[int, int], centre: tuple[int, int], where: slice) -> None:
    """Convolutions with a psf whose peak is anywhere and components that are anywhere, against the whole convolution."""
    rng = np.random.default_rng(5)
    psf, components = rng.normal(size=shape).astype(np.float32), np.zeros(shape, np.float32)
    psf[centre] = 20.0
    components[where, where] = rng.normal(size=components[where, where].shape)
    whole = fftconvolve(components.astype(float), psf.astype(float))
    expected = whole[centre[0] : centre[0] + shape[0], centre[1] : centre[1] + shape[1]]
    tolerance = 1e-5 * np.abs(expected).max()
    np.testing.assert_allclose(convolve_components(components, psf), expected, atol=tolerance)
    transform = PsfTransform(psf)
    np.testing.assert_allclose(transform.convolve(components), expected, atol=tolerance)
    np.testing.assert_allclose(transform.plane(transform.beam, transform.centre), psf, atol=1e-4)


def test_no_components() -> None:
    assert not convolve_components(np.zeros((8, 8), np.float32), np.ones((8, 8), np.float32)).any()


@pytest.mark.parametrize("name", ["hogbom", "clark", "multiscale", "mtmfs"])
@pytest.mark.parametrize("size", [32, 256])
def test_thresholds_double_with_components(name: str, size: int) -> None:
    """A point falls by the gain with each component: n of them where ``0.9**n <= 0.2 * 2**(n / 8)``; 256 pixels are done in tiles."""
    psf = np.zeros((size, size), np.float32)
    psf[size // 2, size // 2] = 1.0
    counts = []
    for speedup in (-1.0, 8.0):
        residual, mask = np.roll(psf, (3, -5), (0, 1)), np.ones((size, size), bool)
        options = MinorOptions(name, 0.1, speedup=speedup)
        if name == "mtmfs":
            done, _ = MultiTermCycle(options, 1).run(
                residual[None], np.zeros((1, size, size), np.float32), psf[None], mask, 0.2, 99
            )
        else:
            done, peak = MinorCycle(options).run(residual, np.zeros_like(residual), psf, mask, 0.2, 99)
            assert peak == pytest.approx(float(np.abs(residual).max()), abs=1e-6)
        n = int(np.ceil(np.log(0.2) / (np.log(0.9) - (np.log(2.0) / speedup if speedup > 0 else 0.0))))
        assert float(np.abs(residual).max()) == pytest.approx(0.9**n, rel=1e-4)
        counts.append(done - (name == "multiscale"))  # the look that finds nothing counts there
    assert counts == [16, 9]


@pytest.mark.parametrize("size", [32, 256])
def test_points_in_a_row_end_a_plane(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many points as are allowed less one are taken, counted across lots of tiles, and the plane's mask is blank."""
    monkeypatch.setattr("casatools.imaging.minor_cycle._LOT", 3)
    psf = np.zeros((size, size), np.float32)
    psf[size // 2, size // 2] = 1.0
    residual, model, mask = psf.copy(), np.zeros_like(psf), np.ones(psf.shape, bool)
    options = MinorOptions("multiscale", 0.1, most_points=8)
    assert MinorCycle(options).run(residual, model, psf, mask, 0.01, 99)[0] == 7
    assert residual.max() == pytest.approx(0.9**7, rel=1e-4) and not mask.any()
