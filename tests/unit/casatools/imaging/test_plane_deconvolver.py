"""Minor cycles over planes: depth with n-sigma, planes that may be negative, and residuals in restored images."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from casatools.imaging.auto_mask import AutoMask, AutoMaskOptions
from casatools.imaging.beam_fit import GaussianBeam, gaussian_plane
from casatools.imaging.cycle_control import CycleControl, CycleOptions
from casatools.imaging.minor_cycle import MinorCycle, MinorOptions
from casatools.imaging.plane_deconvolver import PlaneDeconvolver, Planes, clean_once, restore_planes

SIZE, CELL = 48, (1.0, 1.0)
BEAM = GaussianBeam(6.0, 4.0, 0.3)


def _planes(peaks: list[float], noise: list[float], npol: int = 1) -> PlaneDeconvolver:
    rng = np.random.default_rng(2)
    psf = gaussian_plane((SIZE, SIZE), (SIZE / 2, SIZE / 2), BEAM, CELL).astype(np.float32)
    shape = (len(peaks), npol, SIZE, SIZE)
    residual = np.zeros(shape, np.float32)
    for chan, (peak, sigma) in enumerate(zip(peaks, noise, strict=True)):
        residual[chan] = peak * psf + sigma * rng.normal(size=(npol, SIZE, SIZE))
    made = PlaneDeconvolver()
    made.cycle = MinorCycle(MinorOptions("hogbom"))
    made.planes = Planes(
        np.repeat(psf[None], len(peaks), 0), residual, np.zeros(shape, np.float32), np.ones(shape, bool), np.ones(len(peaks)), [BEAM] * len(peaks)
    )  # fmt: skip
    made.sidelobe = 0.3
    return made


def test_channels_above_their_noise_are_cleaned_where_the_brightest_is_done() -> None:
    """The first channel is all noise, whose peak would hold the threshold above the other's source."""
    made = _planes([0.0, 0.2], [0.3, 0.01])
    limits = made.noise_thresholds(5.0)
    assert made.peak_above(limits) == pytest.approx(0.2, abs=0.05) and made.peak() > 0.9
    control = CycleControl(CycleOptions(niter=500, nsigma=5.0, cyclefactor=1.0))
    clean_once([made], control)
    assert control.done > 0
    assert not made.planes.model[0].any() and made.planes.model[1].any()
    assert made.peak_above(np.full((2, 1), 1e9)) == 0.0
    assert made.peak_anywhere() == made.peak()


def test_noise_is_that_of_what_is_seen() -> None:
    """Blank pixels beyond the primary beam are no noise: of a mosaic that fills a third of its image half would be zero."""
    made = _planes([0.0], [1.0])
    seen = np.zeros((1, 1, SIZE, SIZE), bool)
    seen[..., :16] = True
    made.planes.residual[~seen] = 0.0
    assert made.noise_thresholds(1.0)[0, 0] == 0.0
    made.seen = seen
    assert made.noise_thresholds(3.0)[0, 0] == pytest.approx(3.0, rel=0.1)


def test_noise_outside_of_masks_or_without_outliers() -> None:
    made = _planes([0.0], [1.0])
    made.planes.residual[0, 0, 10:34, 10:34] *= 50.0
    assert made.noise_thresholds(1.0)[0, 0] > 1.3  # all pixels, a quarter of them of a source
    made.fast_noise = False
    assert 1.0 < made.noise_thresholds(1.0)[0, 0] < 1.4  # the mask is everywhere: outliers are left out
    made.planes.mask[...] = False
    made.planes.mask[0, 0, 10:34, 10:34] = True
    assert made.noise_thresholds(1.0)[0, 0] == pytest.approx(1.0, rel=0.1)
    # Where masks are automatic the noise is that of the part that they may be in.
    made.planes.residual[..., 40:] *= 7.0
    allowed = np.zeros((1, 1, SIZE, SIZE), bool)
    allowed[..., 40:] = True
    made.auto_mask = AutoMask(AutoMaskOptions(), CELL, np.ones_like(allowed), allowed)
    assert made.noise_thresholds(1.0)[0, 0] == pytest.approx(7.0, rel=0.1)


@pytest.mark.parametrize(
    ("limits", "threshold", "codes"),
    [
        ({"niter": 3}, 0.05, [1.0, 2.0]),
        ({"niter": 500}, 0.05, [2.0, 2.0]),
        ({"niter": 500, "nsigma": 8.0}, 0.0, [6.0, 3.0]),
    ],
)
def test_full_summaries_tell_why_each_plane_ended(limits: dict[str, Any], threshold: float, codes: list[float]) -> None:
    made = _planes([1.0, 0.0], [0.01, 0.01])
    control = CycleControl(CycleOptions(**limits, full_summary=True))
    made.minor_cycle(control, threshold)
    assert [control.minor[0][chan][0]["stopCode"] for chan in (0, 1)] == [[code] for code in codes]


def test_full_summaries_of_planes_that_are_not_deconvolved() -> None:
    made = _planes([1.0], [0.0])
    made.planes.residual[0, 0, 5, 5] = -3.0
    made.planes.mask[0, 0, 5, 5] = False
    peaks = {}
    for niter in (0, 10):
        control = CycleControl(CycleOptions(niter=niter, full_summary=True))
        made.record_unclean(control)
        entry = control.minor[0][0][0]
        assert entry["stopCode"] == [3.0] and entry["peakResNM"] == [3.0] and entry["masksum"] == [SIZE**2 - 1.0]
        peaks[niter] = entry["peakRes"][0]
    assert peaks == {0: 1.0, 10: 1.0}
    made.planes.mask[...] = False
    control = CycleControl(CycleOptions(niter=10))
    made.record_unclean(control)
    assert control.minor[0][0][0]["peakRes"] == [0.0]


def test_planes_below_the_threshold_count_nothing() -> None:
    """As the V of a source without V that CASA 6.7's multi-scale leaves in each cycle."""
    made = _planes([1.0, 0.01], [0.0, 0.0])
    made.cycle = MinorCycle(MinorOptions("multiscale", 0.3, (0.0, 6.0)))
    assert made.clean_place((1, 0), 0.2, 50) == (0, pytest.approx(0.01))
    assert made.clean_place((0, 0), 0.2, 50)[0] > 1
    assert made.planes.model[0].any() and not made.planes.model[1].any()


def test_planes_that_may_be_negative() -> None:
    made = PlaneDeconvolver()
    assert not made.is_signed(0)
    made.labels = ("I", "Q", "XX", "XY")
    assert [made.is_signed(pol) for pol in range(4)] == [False, True, False, True]


def test_maximum_entropy_of_stokes_q() -> None:
    made = _planes([-1.0], [0.01], npol=2)
    made.cycle, made.labels = MinorCycle(MinorOptions("mem")), ("I", "Q")
    control = CycleControl(CycleOptions(niter=40, threshold_jy=0.1))
    control.sidelobe = 0.3
    made.minor_cycle(control, 0.1)
    assert made.planes.model[0, 0].min() >= 0
    assert made.planes.model[0, 1].min() < 0
    assert np.abs(made.planes.residual[0, 1]).max() <= 0.1


@pytest.mark.parametrize(("beam", "smoothed"), [([9.0, 8.0, 0.0], True), ([5.0, 3.0, 0.3], False), ([], False)])
def test_residuals_are_smoothed_to_beams_that_can_be_reached(beam: list[float], smoothed: bool) -> None:
    made = _planes([1.0], [0.0])
    image, targets = restore_planes(made.planes, beam, CELL)
    residual = made.planes.residual[0, 0]
    if not smoothed:
        np.testing.assert_array_equal(image[0, 0], residual)
    else:
        # A point in Jy per beam keeps its peak, and gets the wider shape.
        assert image.max() == pytest.approx(1.0, rel=0.02)
        assert image[0, 0].sum() / residual.sum() == pytest.approx(72.0 / 24.0, rel=0.03)
    assert targets[0] == (GaussianBeam(*beam) if beam else BEAM)
