"""Clean masks made from the residual images in each cycle: ``usemask="auto-multithresh"``.

References
----------
Kepley et al. 2020, PASP 132, 024505: the algorithm. Numbers that the paper leaves open (medians added to thresholds, how masks grow) were taken from
masks that CASA 6.7 writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from casatools._base import log
from casatools._base.errors import ParameterError
from casatools.imaging.beam_fit import GaussianBeam
from casatools.imaging.mask_regions import prune_plane
from casatools.imaging.plane_store import PlaneStore
from casatools.imaging.restoration import convolve_sampled

__all__ = [
    "AutoMask",
    "AutoMaskOptions",
    "MaskThresholds",
    "clip_by_chauvenet",
    "grow_mask",
    "median_and_noise",
    "noise_samples",
    "plane_thresholds",
]

_MAD_TO_SIGMA = 1.4826


@dataclass(frozen=True)
class AutoMaskOptions:
    """The numbers of the algorithm, by tclean's names.

    Attributes
    ----------
    sidelobe, noise, low_noise, negative : float
        Thresholds: in sidelobe levels times the peak residual, and in noise levels; the last two for the growth and for negative features (0: none).
    smooth_factor, cut : float
        Width of the smoothing Gaussian in beams, and where the smoothed mask is cut, in parts of its peak.
    least_beams : float
        Regions smaller than this part of the beam's area are pruned; 0 prunes none.
    grow_iterations : int
    grow_prune : bool
    least_change : float
        Per cent of change below which the mask of a channel stays as it is from then on; negative: never.
    fast_noise : bool
        Noise from all pixels; else from those outside of the mask, and without outliers in the first cycle.
    verbose : bool
        Log a line a plane.
    """

    sidelobe: float = 3.0
    noise: float = 5.0
    low_noise: float = 1.5
    negative: float = 0.0
    smooth_factor: float = 1.0
    least_beams: float = 0.3
    cut: float = 0.01
    grow_iterations: int = 75
    grow_prune: bool = True
    least_change: float = -1.0
    fast_noise: bool = True
    verbose: bool = False

    @classmethod
    def of(cls, request: Any) -> AutoMaskOptions:
        """From the parameters of tclean, deconvolve or sdintimaging, by their own names."""
        return cls(
            request.sidelobethreshold, request.noisethreshold, request.lownoisethreshold, request.negativethreshold, request.smoothfactor,
            request.minbeamfrac, request.cutthreshold, request.growiterations, request.dogrowprune, getattr(request, "minpercentchange", -1.0),
            request.fastnoise, request.verbose,
        )  # fmt: skip

    def __post_init__(self) -> None:
        for name, value in (
            ("sidelobethreshold", self.sidelobe), ("noisethreshold", self.noise), ("lownoisethreshold", self.low_noise),
            ("negativethreshold", self.negative), ("smoothfactor", self.smooth_factor), ("minbeamfrac", self.least_beams),
            ("growiterations", self.grow_iterations),
        ):  # fmt: skip
            if not value >= 0:
                raise ParameterError(f"parameter {name!r} must not be negative; got {value}")
        if not 0.0 <= self.cut < 1.0:
            raise ParameterError(f"parameter 'cutthreshold' must be from 0 to below 1; got {self.cut}")


@dataclass(frozen=True)
class MaskThresholds:
    """Levels [Jy/beam] of one plane, and whether the noise set the first."""

    mask: float
    low: float
    negative: float
    by_noise: bool
    median: float
    noise: float


def clip_by_chauvenet(values: np.ndarray) -> np.ndarray:
    """Leave out values that a normal distribution of their mean and scatter makes less likely than half a sample, until none is left to go."""
    from scipy.special import erfcinv

    while len(values) > 2:
        limit = np.sqrt(2.0) * erfcinv(0.5 / len(values)) * values.std(ddof=1)
        keep = np.abs(values - values.mean()) <= limit
        if keep.all():
            break
        values = values[keep]
    return values


def noise_samples(residual: np.ndarray, counted: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    """What the noise of a plane is measured on with ``fastnoise=False``: pixels outside of the mask, or without outliers where there is no mask.

    Parameters
    ----------
    residual : ndarray (y, x) float32
    counted : ndarray (y, x) bool
        Pixels that count.
    mask : ndarray (y, x) bool or None
    """
    if mask is None:
        return clip_by_chauvenet(residual[counted])
    outside = residual[counted & ~mask]
    return outside if len(outside) else residual[counted]


def median_and_noise(values: np.ndarray) -> tuple[float, float]:
    """The median, and 1.4826 times the median absolute deviation from it; zeros for no values."""
    if not len(values):
        return 0.0, 0.0
    median = float(np.median(values))
    return median, _MAD_TO_SIGMA * float(np.median(np.abs(values - median)))


def plane_thresholds(
    residual: np.ndarray,
    seen: np.ndarray,
    previous: np.ndarray | None,
    sidelobe: float,
    options: AutoMaskOptions,
    allowed: np.ndarray | None = None,
) -> MaskThresholds:
    """The levels of one plane.

    Parameters
    ----------
    residual : ndarray (y, x) float32 [Jy/beam]
    seen : ndarray (y, x) bool
        Pixels that count.
    previous : ndarray (y, x) bool or None
        The mask so far.
    sidelobe : float
        Greatest sidelobe of the point spread functions.
    options : AutoMaskOptions
    allowed : ndarray (y, x) bool, optional
        Where a mask may be; without ``fast_noise`` the noise is that of the pixels there.
    """
    all_values = residual[seen]
    if not len(all_values):
        return MaskThresholds(np.inf, np.inf, -np.inf, False, 0.0, 0.0)
    counted = seen if allowed is None or not (seen & allowed).any() else seen & allowed
    median, noise = median_and_noise(all_values if options.fast_noise else noise_samples(residual, counted, previous))
    side = options.sidelobe * sidelobe * float(np.abs(all_values).max())
    return MaskThresholds(
        max(side, options.noise * noise) + median,
        max(side, options.low_noise * noise) + median,
        -max(side, options.negative * noise) + median,
        options.noise * noise > side,
        median,
        noise,
    )


def grow_mask(mask: np.ndarray, allowed: np.ndarray, iterations: int) -> np.ndarray:
    """The allowed pixels of a mask and those joined to them by allowed neighbours, in so many steps; neighbours share a side."""
    from scipy.ndimage import binary_dilation

    start = mask & allowed
    if iterations <= 0 or not start.any():
        return start
    return np.asarray(binary_dilation(start, iterations=iterations, mask=allowed))


@dataclass
class AutoMask:
    """The masks of one image over the cycles.

    Attributes
    ----------
    options : AutoMaskOptions
    cell_rad : (float, float)
    seen : ndarray (chan, pol, y, x) bool
        Pixels whose residuals count.
    allowed : ndarray (chan, pol, y, x) bool
        Where a mask may be (``pbmask``).
    positive : ndarray (chan, pol, y, x) bool
        Masks of positive features so far.
    frozen : ndarray (chan, pol) bool
        Planes whose masks do not change any more.
    """

    options: AutoMaskOptions
    cell_rad: tuple[float, float]
    seen: np.ndarray
    allowed: np.ndarray
    positive: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))
    frozen: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))
    cycles: int = 0

    def begin(self, mask: np.ndarray, kept: np.ndarray | None = None) -> None:
        """Start from the mask (chan, pol, y, x) of an earlier run; `kept` is a copy of it that may be changed."""
        self.positive = mask.copy() if kept is None else kept
        self.cycles = 1 if mask.any() else 0

    def update(
        self,
        residual: np.ndarray,
        mask: np.ndarray,
        beams: Sequence[GaussianBeam | None],
        sidelobe: float,
        at_threshold: bool = False,
        store: PlaneStore | None = None,
    ) -> None:
        """Make the masks of the next cycle.

        Parameters
        ----------
        residual : ndarray (chan, pol, y, x) float32
        mask : ndarray (chan, pol, y, x) bool
            The masks so far; changed in place. Blank in the first cycle of a run that starts anew.
        beams : sequence of GaussianBeam or None
            Of the channels.
        sidelobe : float
        at_threshold : bool
            The cycle before went down to the threshold of the run.
        store : PlaneStore, optional
            Where the planes are.
        """
        present = [b for b in beams if b is not None]
        if not present:
            return
        if self.positive.shape != mask.shape:
            self.positive = np.zeros_like(mask)
        if self.frozen.shape != mask.shape[:2]:
            self.frozen = np.zeros(mask.shape[:2], bool)
        # The largest beam smooths and prunes all channels, as in the reference.
        beam = max(present, key=lambda b: b.area_rad2)
        for place in (store or PlaneStore()).each(np.ndindex(*mask.shape[:2])):
            if not self.frozen[place]:
                self._update_plane(place, residual[place], mask, beam, sidelobe, at_threshold)
        self.cycles += 1

    def _update_plane(
        self,
        place: tuple[int, ...],
        residual: np.ndarray,
        mask: np.ndarray,
        beam: GaussianBeam,
        sidelobe: float,
        at_threshold: bool,
    ) -> None:
        options, first = self.options, self.cycles == 0
        before = None if first else mask[place].copy()
        levels = plane_thresholds(residual, self.seen[place], before, sidelobe, options, self.allowed[place])
        least = options.least_beams * beam.area_rad2 / (self.cell_rad[0] * self.cell_rad[1])
        found = (residual > levels.mask) & self.seen[place]
        found, count, pruned = prune_plane(found, least) if least > 0 else (found, 0, 0)
        found = self._smooth(found, beam)
        if before is not None and options.grow_iterations == 0:
            found = found | self.positive[place]
        elif before is not None:
            grown = grow_mask(before, (residual > levels.low) & self.seen[place], options.grow_iterations)
            if options.grow_prune and least > 0:
                grown = prune_plane(grown, least)[0]
            found = found | self._smooth(grown, beam) | self.positive[place]
        found = found & self.allowed[place]
        total = found if before is None else found | before
        if options.negative > 0:
            negative = self._smooth((residual < levels.negative) & self.seen[place], beam)
            total = total | (negative & self.allowed[place])
        self.positive[place] = found
        mask[place] = total
        self._freeze(place, levels.by_noise, before, total, at_threshold)
        if options.verbose:
            log.post(
                f"auto-multithresh: channel {place[0]}, polarization {place[1]}: median {levels.median:.4g}, noise {levels.noise:.4g},"
                f" threshold {levels.mask:.4g} Jy/beam by {'noise' if levels.by_noise else 'sidelobes'}; {count} regions, {pruned} pruned;"
                f" {int(total.sum())} pixels"
            )

    def _freeze(
        self, place: tuple[int, ...], by_noise: bool, before: np.ndarray | None, total: np.ndarray, at_threshold: bool
    ) -> None:
        """Masks that are empty, or hardly change, where the noise sets the threshold are final."""
        if not by_noise:
            return
        size = int(total.sum())
        if size == 0:
            self.frozen[place] = True
        elif before is not None and self.options.least_change >= 0 and at_threshold:
            old = max(int(before.sum()), 1)
            self.frozen[place] = 100.0 * abs(size - old) / old < self.options.least_change

    def _smooth(self, mask: np.ndarray, beam: GaussianBeam) -> np.ndarray:
        """A mask convolved with the scaled beam and cut."""
        factor = self.options.smooth_factor
        if factor == 0 or not mask.any():
            return mask
        kernel = GaussianBeam(beam.major_rad * factor, beam.minor_rad * factor, beam.angle_rad)
        smoothed = convolve_sampled(mask.astype(np.float64), kernel, self.cell_rad)
        return np.asarray(smoothed > self.options.cut * smoothed.max())
