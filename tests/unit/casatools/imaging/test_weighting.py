"""Imaging weights against slow transcriptions and the reference's sums of weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from casatools._base.errors import ParameterError
from casatools.imaging.visibilities import VisibilityBlock
from casatools.imaging.weighting import ImagingWeights, UvTaper, WeightingOptions, counted_hands, parse_taper

C = 299792458.0
SHAPE, CELL = (32, 32), (1e-4, 1e-4)


@pytest.fixture
def block() -> VisibilityBlock:
    rng = np.random.default_rng(3)
    uvw = rng.uniform(-300, 300, (200, 3))
    freq = np.array([1.0e9, 1.1e9])
    weight = rng.uniform(0.5, 2.0, (200, 2)).astype(np.float32)
    weight[::7] = 0
    return VisibilityBlock(uvw, freq, np.zeros((1, 200, 2), np.complex64), weight)


def slow_density(block: VisibilityBlock, offset: float) -> np.ndarray:
    density = np.zeros(SHAPE)
    for row in range(len(block.uvw_m)):
        for chan, hz in enumerate(block.freq_hz):
            for sign in (1, -1):
                u, v = sign * block.uvw_m[row, :2] * hz / C * SHAPE[0] * CELL[0]
                i, j = int(np.floor(u + 16 + offset)), int(np.floor(v + 16 + offset))
                if 0 <= i < 32 and 0 <= j < 32:
                    density[i, j] += block.weight[row, chan]
    return density


def at_cells(block: VisibilityBlock, density: np.ndarray, offset: float) -> np.ndarray:
    out = np.zeros(block.weight.shape)
    for row in range(len(block.uvw_m)):
        for chan, hz in enumerate(block.freq_hz):
            u, v = block.uvw_m[row, :2] * hz / C * SHAPE[0] * CELL[0]
            i, j = int(np.floor(u + 16 + offset)), int(np.floor(v + 16 + offset))
            out[row, chan] = density[i, j] if 0 <= i < 32 and 0 <= j < 32 else np.inf
    return out


def test_natural_leaves_weights(block: VisibilityBlock) -> None:
    weights = ImagingWeights(SHAPE, CELL, WeightingOptions("natural"))
    weights.gather(block)
    weights.finish()
    np.testing.assert_array_equal(weights.weights(block), block.weight)


def test_uniform(block: VisibilityBlock) -> None:
    weights = ImagingWeights(SHAPE, CELL, WeightingOptions("uniform"))
    weights.gather(block)
    weights.finish()
    expected = np.where(block.weight > 0, block.weight / at_cells(block, slow_density(block, 0.0), 0.0), 0)
    np.testing.assert_allclose(weights.weights(block), expected, rtol=1e-6)


@pytest.mark.parametrize("robust", [-2.0, 0.0, 0.5, 2.0])
def test_briggs(block: VisibilityBlock, robust: float) -> None:
    weights = ImagingWeights(SHAPE, CELL, WeightingOptions("briggs", robust))
    weights.gather(block)
    weights.finish()
    density = slow_density(block, 0.0)
    factor = (5 * 10**-robust) ** 2 * 2 * block.weight.sum() / np.square(density).sum()
    expected = block.weight / (1 + factor * at_cells(block, density, 0.0))
    np.testing.assert_allclose(weights.weights(block), expected, rtol=1e-5)


def test_densities_kept_by_channel_use_centred_cells(block: VisibilityBlock) -> None:
    weights = ImagingWeights(SHAPE, CELL, WeightingOptions("uniform"), planes=2)
    weights.gather(block)
    weights.finish()
    one = VisibilityBlock(block.uvw_m, block.freq_hz[1:], block.vis[..., 1:], np.ascontiguousarray(block.weight[:, 1:]))
    # Both hands of a sample are in the density itself.
    np.testing.assert_allclose(weights.density[1], 2 * slow_density(one, 0.5), rtol=1e-6)
    expected = np.where(one.weight > 0, one.weight / (2 * at_cells(one, slow_density(one, 0.5), 0.5)), 0)
    np.testing.assert_allclose(weights.weights(block, 1), expected, rtol=1e-6)


@pytest.mark.parametrize(("planes", "offset", "hands"), [(1, 0.0, 1.0), (2, 0.5, 2.0), (2, 0.5, 1.0)])
def test_briggsabs(block: VisibilityBlock, planes: int, offset: float, hands: float) -> None:
    """``w / (R**2 G + 2 s**2)``; densities kept by channel count both hands of Stokes I, as in CASA."""
    assert (counted_hands(["I"]), counted_hands(["V"]), counted_hands(["I", "V"])) == (2.0, 1.0, 1.0)
    weights = ImagingWeights(SHAPE, CELL, WeightingOptions("briggsabs", -1.5, 0.3), planes=planes, hands=hands)
    weights.gather(block)
    weights.finish()
    one = VisibilityBlock(block.uvw_m, block.freq_hz[1:], block.vis[..., 1:], np.ascontiguousarray(block.weight[:, 1:]))
    seen = block if planes == 1 else one
    density = at_cells(seen, slow_density(seen, offset), offset)
    found = weights.weights(block) if planes == 1 else weights.weights(block, 1)
    np.testing.assert_allclose(found, seen.weight / (2.25 * hands * density + 0.18), rtol=1e-5)


@pytest.mark.parametrize("planes", [1, 2])
def test_densities_of_a_cube_have_their_own_frame(block: VisibilityBlock, planes: int) -> None:
    """Samples of a cube come at frequencies in its frame; places in the densities are those of another."""
    moved = replace(block, freq_hz=block.freq_hz * 1.05)
    found = []
    for samples, factors in ((block, {}), (moved, {0: 1.05}), (moved, {})):
        weights = ImagingWeights(SHAPE, CELL, WeightingOptions("uniform"), planes, density_factors=factors)
        # One density of all channels gets samples at the data's own frequencies.
        weights.gather(samples if planes == 2 else block)
        weights.finish()
        found.append(np.stack([weights.weights(samples, chan)[:, 0] for chan in (0, 1)]))
    np.testing.assert_allclose(found[1], found[0], rtol=1e-6)
    assert np.abs(found[1] - found[2]).max() > 0.01


def test_radial_and_taper(block: VisibilityBlock) -> None:
    radial = ImagingWeights(SHAPE, CELL, WeightingOptions("radial")).weights(block)
    distance = np.hypot(block.uvw_m[:, 0], block.uvw_m[:, 1])[:, None] * block.freq_hz / C
    np.testing.assert_allclose(radial, block.weight * distance, rtol=1e-5)
    taper = UvTaper(500.0, 500.0, 0.0)
    tapered = ImagingWeights(SHAPE, CELL, WeightingOptions("natural", taper=taper)).weights(block)
    np.testing.assert_allclose(tapered, block.weight * np.exp(-np.log(2) * (distance / 500.0) ** 2), rtol=1e-5)


def test_superuniform_sums_a_box_of_cells(block: VisibilityBlock) -> None:
    weights = ImagingWeights(SHAPE, CELL, WeightingOptions("superuniform", npixels=1))
    weights.gather(block)
    weights.finish()
    padded = np.pad(slow_density(block, 0.0), 1)
    box = sum(padded[i : i + 32, j : j + 32] for i in range(3) for j in range(3))
    expected = np.where(block.weight > 0, block.weight / at_cells(block, box, 0.0), 0)
    np.testing.assert_allclose(weights.weights(block), expected, rtol=1e-5)


@pytest.mark.parametrize("scheme", ["uniform", "briggs", "briggsabs"])
def test_npixels_is_the_field_of_view_of_other_weightings(block: VisibilityBlock, scheme: str) -> None:
    """Cells of the density are as large as for an image of so many pixels."""
    weights, small = (
        ImagingWeights(shape, CELL, WeightingOptions(scheme, npixels=npixels, noise_jy=0.1))
        for shape, npixels in ((SHAPE, 12), ((12, 12), 0))
    )
    for one in (weights, small):
        one.gather(block)
        one.finish()
    np.testing.assert_array_equal(weights.weights(block), small.weights(block))
    assert weights.density.shape == (1, 12, 12)


def test_tapers_are_read() -> None:
    assert parse_taper(["5klambda"]) == UvTaper(5000.0, 5000.0, 0.0)
    sky = parse_taper(["60arcsec", "30arcsec", "45deg"])
    assert sky is not None
    assert sky.minor_lambda == pytest.approx(2 * sky.major_lambda)
    assert sky.angle_rad == pytest.approx(np.pi / 4)
    assert parse_taper([""]) is None
    assert parse_taper(["0arcsec", "30arcsec"]) == UvTaper(np.inf, parse_taper(["30arcsec"]).major_lambda, 0.0)
    for bad in ("5kg", "-5arcsec", "0klambda", "nanklambda", "xklambda"):
        with pytest.raises(ParameterError, match=f"uvtaper '{bad}'"):
            parse_taper([bad])
    with pytest.raises(ParameterError, match="up to two widths and an angle"):
        parse_taper(["5arcsec"] * 4)


def test_bad_options() -> None:
    with pytest.raises(ParameterError, match="weighting must be one of"):
        WeightingOptions("nice")
    with pytest.raises(ParameterError, match="robust must be from -2 to 2"):
        WeightingOptions("briggs", 3.0)


def test_samples_beyond_the_grid_have_no_weight() -> None:
    """Pixels of 1/200 leave wavelengths up to 100."""
    uvw = np.array([[99.0, 0.0, 0.0], [101.0, 0.0, 0.0], [0.0, -99.0, 0.0], [0.0, -101.0, 0.0]])
    block = VisibilityBlock(
        uvw, np.array([299792458.0]), np.ones((1, 4, 1), np.complex64), np.ones((4, 1), np.float32), 0, np.arange(4), 0, None
    )
    for scheme in ("natural", "radial"):
        weights = ImagingWeights((64, 64), (0.005, 0.005), WeightingOptions(scheme)).weights(block)
        assert (weights[:, 0] > 0).tolist() == [True, False, True, False]
