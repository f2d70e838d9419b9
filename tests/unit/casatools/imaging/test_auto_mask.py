"""Automatic masks: thresholds, pruning, smoothing, growth, and when they stop."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from casatools._base.errors import ParameterError
from casatools.imaging.auto_mask import AutoMask, AutoMaskOptions, clip_by_chauvenet, grow_mask, plane_thresholds
from casatools.imaging.beam_fit import GaussianBeam

CELL = (1e-5, 1e-5)
BEAM = GaussianBeam(5e-5, 4e-5, 0.3)
SHARP = AutoMaskOptions(sidelobe=1.0, noise=5.0, smooth_factor=0.0, least_beams=0.0)


def plane(seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:64, :64]
    blob = np.exp(-((x - 40) ** 2 + (y - 20) ** 2) / 30.0)
    return (rng.normal(scale=0.01, size=(64, 64)) + blob).astype(np.float32)


def mask_maker(options: AutoMaskOptions, allowed: np.ndarray | None = None) -> AutoMask:
    everywhere = np.ones((1, 1, 64, 64), bool)
    return AutoMask(options, CELL, everywhere, everywhere if allowed is None else allowed)


def made(maker: AutoMask, residual: np.ndarray, sidelobe: float = 0.2, times: int = 1) -> np.ndarray:
    mask = np.zeros((1, 1, 64, 64), bool)
    for _ in range(times):
        maker.update(residual[None, None], mask, [BEAM], sidelobe)
    return mask[0, 0]


def test_thresholds_are_of_sidelobes_or_noise_about_the_median() -> None:
    residual = plane() + np.float32(0.5)
    median = np.median(residual)
    noise = 1.4826 * np.median(np.abs(residual - median))
    everywhere = np.ones(residual.shape, bool)
    levels = plane_thresholds(residual, everywhere, None, 0.2, AutoMaskOptions(negative=4.0))
    assert levels.mask == pytest.approx(3.0 * 0.2 * residual.max() + median, rel=1e-6) and not levels.by_noise
    levels = plane_thresholds(residual, everywhere, None, 1e-6, AutoMaskOptions(negative=4.0))
    assert levels.by_noise
    assert (levels.mask, levels.low, levels.negative) == pytest.approx(
        (5.0 * noise + median, 1.5 * noise + median, -4.0 * noise + median), rel=1e-5
    )
    blank = plane_thresholds(residual, ~everywhere, None, 0.2, AutoMaskOptions())
    assert blank.mask == np.inf


def test_noise_outside_of_the_mask() -> None:
    residual = plane()
    options = AutoMaskOptions(fast_noise=False)
    everywhere = np.ones(residual.shape, bool)
    first = plane_thresholds(residual, everywhere, None, 0.0, options).noise
    kept = clip_by_chauvenet(residual.ravel())
    assert len(kept) < residual.size
    assert first == pytest.approx(1.4826 * np.median(np.abs(kept - np.median(kept))), rel=1e-6)
    mask = residual > 0.05
    outside = residual[~mask]
    later = plane_thresholds(residual, everywhere, mask, 0.0, options).noise
    assert later == pytest.approx(1.4826 * np.median(np.abs(outside - np.median(outside))), rel=1e-6)
    # Without fast noise that of the part where masks may be.
    half = np.zeros(residual.shape, bool)
    half[:20] = True
    part = residual[half & ~mask]
    there = plane_thresholds(residual, everywhere, mask, 0.0, options, half).noise
    assert there == pytest.approx(1.4826 * np.median(np.abs(part - np.median(part))), rel=1e-6) and there != later


def test_mask_is_what_is_above_the_threshold_without_smoothing() -> None:
    residual = plane()
    levels = plane_thresholds(residual, np.ones(residual.shape, bool), None, 0.2, SHARP)
    assert np.array_equal(made(mask_maker(SHARP), residual), residual > levels.mask)


def test_small_regions_are_pruned_and_the_rest_smoothed() -> None:
    residual = plane()
    residual[50, 10] = 0.9  # a single pixel, less than the beam
    options = AutoMaskOptions(sidelobe=1.0, smooth_factor=1.0, least_beams=0.3)
    mask = made(mask_maker(options), residual)
    assert not mask[45:56, 5:16].any() and mask[20, 40]
    assert mask.sum() > (residual > 0.2).sum()  # wider by the smoothing
    unpruned = made(mask_maker(AutoMaskOptions(sidelobe=1.0, smooth_factor=1.0, least_beams=0.0)), residual)
    assert unpruned[50, 10]


def test_masks_grow_into_faint_neighbours_and_keep_what_they_had() -> None:
    residual = plane()
    maker = mask_maker(SHARP)
    first = made(maker, residual)
    mask = first[None, None].copy()
    residual[2:4, 2:4] = 0.05  # above the low threshold, but not joined
    high = residual.copy()
    high[first] = 0.06
    maker.update(np.minimum(high, np.float32(0.06))[None, None], mask, [BEAM], 0.5)
    assert (mask[0, 0] & first).sum() == first.sum() and mask.sum() > first.sum() + 10
    assert not mask[0, 0, :6, :6].any()


def test_without_growth_masks_keep_what_they_had_and_no_more() -> None:
    """growiterations=0 of CASA 6.7 leaves growing out, with the smoothing that goes with it."""
    residual = plane()
    maker = mask_maker(replace(SHARP, grow_iterations=0, smooth_factor=1.0, cut=0.01))
    first = made(maker, residual)
    mask = first[None, None].copy()
    maker.update((0.5 * residual)[None, None], mask, [BEAM], 0.5)
    assert np.array_equal(mask[0, 0], first)


def test_growth_starts_where_the_mask_is_allowed() -> None:
    mask, allowed = np.zeros((3, 7), bool), np.zeros((3, 7), bool)
    mask[1, :3], allowed[1, 2:6] = True, True
    assert np.array_equal(grow_mask(mask, allowed, 1)[1], [0, 0, 1, 1, 0, 0, 0])
    assert np.array_equal(grow_mask(mask, allowed, 75), allowed)
    assert np.array_equal(grow_mask(mask, allowed, 0)[1], [0, 0, 1, 0, 0, 0, 0])
    # A neighbour that does not overlap is not reached.
    allowed[1, 2] = False
    assert not grow_mask(mask, allowed, 75).any()


def test_negative_features_are_masked_when_asked_for() -> None:
    residual = plane()
    residual[45:52, 8:15] = -0.8
    assert not made(mask_maker(SHARP), residual)[48, 11]
    options = AutoMaskOptions(sidelobe=1.0, smooth_factor=0.0, least_beams=0.0, negative=5.0)
    assert made(mask_maker(options), residual)[48, 11]


def test_masks_grow_from_negative_features_too() -> None:
    """The whole mask of the cycle before grows, as CASA 6.7 has it: 582 pixels of a plane of noise where the positive mask alone gave 325."""
    residual = plane()
    residual[45:52, 8:15] = -0.8
    # Above the low threshold, and within what the negative feature's mask has when it is smoothed; then one joined to it.
    residual[48, 15:17] = 0.3
    options = AutoMaskOptions(
        sidelobe=1.0, smooth_factor=1.0, cut=0.01, least_beams=0.0, noise=40.0, negative=5.0, grow_prune=False
    )
    once, twice = (made(mask_maker(options), residual, 0.0, times) for times in (1, 2))
    assert once[48, 15] and not once[48, 22]
    assert (twice & ~once)[40:56, 16:24].any()


def test_masks_stay_within_the_beam_and_empty_ones_are_final() -> None:
    residual = plane()
    allowed = np.zeros((1, 1, 64, 64), bool)
    maker = mask_maker(AutoMaskOptions(sidelobe=0.0, noise=5.0), allowed)
    assert not made(maker, residual).any()
    assert maker.frozen.all()
    maker.allowed = np.ones_like(allowed)
    assert not made(maker, residual).any()  # final


def test_masks_that_hardly_change_are_final() -> None:
    residual = plane()
    options = AutoMaskOptions(sidelobe=0.0, noise=5.0, least_change=50.0, verbose=True)
    maker = mask_maker(options)
    mask = np.zeros((1, 1, 64, 64), bool)
    maker.update(residual[None, None], mask, [BEAM], 0.0, True)
    maker.update(residual[None, None], mask, [BEAM], 0.0, False)
    assert not maker.frozen.any()
    maker.update(residual[None, None], mask, [BEAM], 0.0, True)
    assert maker.frozen.all()


def test_a_channel_without_data_is_left() -> None:
    mask = np.zeros((1, 1, 64, 64), bool)
    mask_maker(SHARP).update(plane()[None, None], mask, [None], 0.2)
    assert not mask.any()


@pytest.mark.parametrize("bad", [{"noise": -1.0}, {"sidelobe": np.nan}, {"cut": 1.0}, {"grow_iterations": -1}])
def test_bad_numbers(bad: dict[str, float]) -> None:
    with pytest.raises(ParameterError):
        AutoMaskOptions(**bad)
