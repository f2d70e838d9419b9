"""The planes of an image and a minor cycle over all of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from casatools._base.executor import executor
from casatools._base.threads import in_order, single_thread, thread_count
from casatools.imaging.auto_mask import AutoMask, median_and_noise, noise_samples
from casatools.imaging.beam_fit import GaussianBeam
from casatools.imaging.cycle_control import CycleControl
from casatools.imaging.gridding import SMALL_PLANE
from casatools.imaging.minor_cycle import PlaneCycle
from casatools.imaging.plane_store import PlaneStore
from casatools.imaging.restoration import beam_difference, common_beam, restore
from casatools.kernels.clean_hogbom import peak_in_mask

__all__ = ["PlaneDeconvolver", "Planes", "TermDeconvolver", "clean_once", "restore_planes"]


@dataclass
class Planes:
    """The arrays of an image, internal order.

    Attributes
    ----------
    psf : ndarray (chan, y, x) float32
    residual, model : ndarray (chan, pol, y, x) float32
    mask : ndarray (chan, pol, y, x) bool
    sumwt : ndarray (chan,) float64
    beams : list of GaussianBeam or None
        One a channel; None where a channel has no data.
    """

    psf: np.ndarray
    residual: np.ndarray
    model: np.ndarray
    mask: np.ndarray
    sumwt: np.ndarray
    beams: list[GaussianBeam | None]


class PlaneWork(NamedTuple):
    """A minor cycle and what its `run` is given, in that order."""

    cycle: PlaneCycle
    residual: np.ndarray
    model: np.ndarray
    psf: np.ndarray
    mask: np.ndarray
    threshold: float
    niter: int
    signed: bool


class PlaneDeconvolver:
    """Deconvolves the planes of an image by their point spread functions.

    Attributes
    ----------
    planes : Planes
    cycle : PlaneCycle
        What each plane is deconvolved by.
    number : int
        Of the image field, in records.
    sidelobe : float
        Greatest sidelobe of the point spread functions.
    spread_minor : bool
        The ranks of an MPI job deconvolve planes too.
    auto_mask : AutoMask or None
        Makes the masks of each cycle from the residuals.
    store : PlaneStore
        Where the planes are.
    labels : tuple of str
        Stokes parameter of each polarization; not given for intensities alone.
    seen : ndarray (chan, pol, y, x) bool or None
        Pixels that count for the noise of `noise_thresholds`; None for all.
    fast_noise : bool
        Noise from all of these; else from those outside of the clean mask, and without outliers where the mask is everywhere.
    """

    planes: Planes
    cycle: PlaneCycle
    number: int = 0
    sidelobe: float = 0.0
    spread_minor: bool = False
    auto_mask: AutoMask | None = None
    store: PlaneStore = PlaneStore()
    labels: tuple[str, ...] = ()
    seen: np.ndarray | None = None
    fast_noise: bool = True

    def update_mask(self, at_threshold: bool = False) -> None:
        """Make the masks of the next minor cycle, where they are made automatically; see `AutoMask.update`."""
        planes = self.planes
        if self.auto_mask is not None:
            found = planes.residual[: len(planes.mask)]
            self.auto_mask.update(found, planes.mask, planes.beams, self.sidelobe, at_threshold, self.store)

    def places(self) -> list[tuple[int, int]]:
        """Channel and polarization of each plane."""
        residual = self.planes.residual
        return [(c, p) for c in range(residual.shape[0]) for p in range(residual.shape[1])]

    def peak(self) -> float:
        """Greatest absolute residual in the masks."""
        planes = self.planes
        return max(float(peak_in_mask(planes.residual[p], planes.mask[p])[0]) for p in self.store.each(self.places()))

    def peak_anywhere(self) -> float:
        """Greatest absolute residual, in the masks or not."""
        residual = self.planes.residual
        return max(float(np.abs(residual[place]).max()) for place in self.store.each(self.places()))

    def noise_thresholds(self, nsigma: float) -> np.ndarray:
        """``nsigma`` times the robust noise of each plane (chan, pol): 1.4826 times the median absolute deviation of what is seen."""
        residual = self.planes.residual
        found = np.zeros(residual.shape[:2])
        for place in self.store.each(self.places()):
            found[place] = median_and_noise(self._noise_samples(place))[1]
        return nsigma * found

    def _noise_samples(self, place: tuple[int, int]) -> np.ndarray:
        residual, mask = self.planes.residual[place], self.planes.mask[place]
        if self.fast_noise:
            return residual.ravel() if self.seen is None else residual[self.seen[place]]
        seen = np.ones(mask.shape, bool) if self.seen is None else self.seen[place]
        if self.auto_mask is not None:
            seen = seen & self.auto_mask.allowed[place]
        return noise_samples(residual, seen, mask if (seen & ~mask).any() else None)

    def peak_above(self, limits: np.ndarray) -> float:
        """Greatest absolute residual in the masks of planes that exceed their limit (chan, pol); 0 where none does."""
        planes = self.planes
        places = self.store.each(self.places())
        peaks = [(float(peak_in_mask(planes.residual[p], planes.mask[p])[0]), float(limits[p])) for p in places]
        return max((peak for peak, limit in peaks if peak > limit), default=0.0)

    def is_below(self, limits: np.ndarray) -> bool:
        """Whether the residual of each plane is at most its limit (chan, pol)."""
        planes = self.planes
        return all(
            float(peak_in_mask(planes.residual[p], planes.mask[p])[0]) <= limits[p] for p in self.store.each(self.places())
        )

    @property
    def joins_polarizations(self) -> bool:
        """Whether all polarizations of a channel are deconvolved together."""
        return self.cycle.together and self.planes.residual.shape[1] > 1

    def work(self, place: tuple[int, int], threshold: float, niter: int) -> PlaneWork:
        """What is to be done on a plane, or on all polarizations of its channel together."""
        planes, (c, p), signed = self.planes, place, self.is_signed(place[1])
        if self.joins_polarizations:
            given = planes.residual[c], planes.model[c], planes.psf[c], planes.mask[c].any(axis=0)
        else:
            given = planes.residual[c, p], planes.model[c, p], planes.psf[c], planes.mask[c, p]
        return PlaneWork(self.cycle, *given, threshold, niter, signed)

    def clean_place(self, place: tuple[int, int], threshold: float, niter: int) -> tuple[int, float]:
        """Deconvolve one plane; gives the iterations and the peak that is left in the mask."""
        return _clean(self.work(place, threshold, niter))

    def is_signed(self, pol: int) -> bool:
        """Whether the sky may be negative in a polarization."""
        return pol < len(self.labels) and self.labels[pol] not in ("I", "RR", "LL", "XX", "YY")

    def minor_cycle(self, control: CycleControl, threshold: float) -> int:
        """Deconvolve all planes once down to a threshold; returns the iterations done. The record's counts go on from ``control.at``."""
        planes = self.planes
        options = control.options
        noise = self.noise_thresholds(options.nsigma) if options.nsigma > 0 else np.zeros(planes.residual.shape[:2])
        niter = control.cycle_niter
        places = [place for place in self.places() if planes.sumwt[place[0]] > 0]
        if self.joins_polarizations:
            places = [place for place in places if place[1] == 0]
            noise = np.broadcast_to(noise.max(axis=1, keepdims=True), noise.shape)
        start = {place: _summary(planes, place) for place in places} if options.full_summary else {}

        def run(place: tuple[int, int]) -> tuple[int, float]:
            with single_thread() if len(places) >= thread_count() else nullcontext():
                done = self.clean_place(place, max(threshold, float(noise[place])), niter)
            self.store.let_go()
            return done

        if self.spread_minor and len(places) > 1:
            results = self._clean_on_ranks(places, [max(threshold, float(noise[p])) for p in places], niter)
        else:
            with ThreadPoolExecutor(thread_count(), thread_name_prefix="minor") as pool:
                results = list(pool.map(run, places))
        total = 0
        for place, (count, peak) in zip(self.store.each(places), results, strict=True):
            entry = {
                "cycleThresh": threshold,
                "iterDone": count,
                "modelFlux": float(planes.model[place[0] if self.joins_polarizations else place].sum(dtype=np.float64)),
                "peakRes": peak,
            }
            if options.full_summary:
                entry |= start[place] | {
                    "peakResNM": float(np.abs(planes.residual[place]).max()), "cycleStartIters": control.done, "startIterDone": control.at, "mpiServer": 0,
                    "stopCode": _stop_code(count, niter, float(noise[place]) > threshold),
                }  # fmt: skip
            control.add_plane(*place, entry, self.number)
            total += count
            control.at += count
        return total

    def _clean_on_ranks(
        self, places: Sequence[tuple[int, int]], thresholds: Sequence[float], niter: int
    ) -> list[tuple[int, float]]:
        """`clean_place` of all planes by the ranks of an MPI job."""
        planes = self.planes
        items = (self.work(p, limit, niter) for p, limit in zip(places, thresholds, strict=True))
        results = []
        for place, (residual, model, done) in zip(places, executor().stream(_clean_plane, items), strict=True):
            at = place[0] if self.joins_polarizations else place
            planes.residual[at], planes.model[at] = residual, model
            results.append(done)
        return results

    def record_unclean(self, control: CycleControl) -> None:
        """Record the greatest values of planes that are not deconvolved."""
        planes = self.planes
        for place in self.store.each(self.places()):
            # Without iterations asked for the greatest value of the whole plane, with its sign and without regard to the mask, as in CASA.
            residual, mask = planes.residual[place], planes.mask[place]
            peak = float(peak_in_mask(residual, mask)[0]) if control.options.niter else float(residual.max())
            entry = {"cycleThresh": 0.0, "iterDone": 0.0, "modelFlux": 0.0, "peakRes": peak}
            if control.options.full_summary:
                anywhere = float(np.abs(residual).max())
                entry |= {
                    "startPeakRes": peak, "startPeakResNM": anywhere, "startModelFlux": 0.0, "masksum": float(mask.sum()), "peakResNM": anywhere,
                    "cycleStartIters": 0.0, "startIterDone": 0.0, "mpiServer": 0.0, "stopCode": _NOT_BEGUN,
                }  # fmt: skip
            control.add_plane(*place, entry, self.number)


# Why a plane's minor cycle ended, in the numbers that CASA's full summaries have; 3 is also that of a plane that is at its noise before.
_AT_LIMIT, _AT_THRESHOLD, _NOT_BEGUN, _AT_NOISE = 1, 2, 3, 6


def _stop_code(count: int, niter: int, by_noise: bool) -> int:
    if count >= niter:
        return _AT_LIMIT
    if by_noise:
        return _AT_NOISE if count else _NOT_BEGUN
    return _AT_THRESHOLD


def _clean(work: PlaneWork) -> tuple[int, float]:
    """Deconvolve a plane; one that is below the threshold is left as it is and counts no iteration, not even the look that multi-scale counts."""
    if work.residual.ndim == 2:
        peak = float(peak_in_mask(work.residual, work.mask)[0])
        if peak <= work.threshold:
            return 0, peak
    return work.cycle.run(*work[1:])


def _clean_plane(work: PlaneWork) -> tuple[np.ndarray, np.ndarray, tuple[int, float]]:
    done = _clean(work)
    return work.residual, work.model, done


class TermDeconvolver(PlaneDeconvolver):
    """Deconvolves Taylor terms together: the first axis of psf, residual and model holds terms, that of the mask is single."""

    def places(self) -> list[tuple[int, int]]:
        """The first term of each polarization."""
        return [(0, p) for p in range(self.planes.residual.shape[1])]

    def clean_place(self, place: tuple[int, int], threshold: float, niter: int) -> tuple[int, float]:
        """Deconvolve all terms of one polarization."""
        planes, p = self.planes, place[1]
        residual, model = np.ascontiguousarray(planes.residual[:, p]), np.ascontiguousarray(planes.model[:, p])
        done = self.cycle.run(residual, model, planes.psf, planes.mask[0, p], threshold, niter)
        planes.residual[:, p], planes.model[:, p] = residual, model
        return done


def clean_once(images: Sequence[PlaneDeconvolver], control: CycleControl) -> None:
    """One minor cycle over all images: down to a threshold from the greatest residual and the greatest sidelobe of all."""
    control.sidelobe = max(image.sidelobe for image in images)
    threshold = control.begin_minor(max(image.peak() for image in images))
    nsigma = control.options.nsigma
    if nsigma > 0:
        limits = [image.noise_thresholds(nsigma) for image in images]
        left = max(image.peak_above(limit) for image, limit in zip(images, limits, strict=True))
        if 0.0 < left <= threshold:
            # The brightest planes are down to their noise; others are cleaned below what the brightest would allow.
            threshold = control.begin_minor(left)
    control.at = control.done
    control.after_minor(sum(image.minor_cycle(control, threshold) for image in images))


def restore_planes(
    planes: Planes,
    beam: list[float] | str,
    cell_rad: tuple[float, float],
    residual: np.ndarray | None = None,
    into: np.ndarray | None = None,
    store: PlaneStore | None = None,
) -> tuple[np.ndarray, list[GaussianBeam | None]]:
    """Restored images of all planes.

    Parameters
    ----------
    planes : Planes
    beam : list of float or str
        ``[]`` for each channel its own beam, ``"common"`` for one that all can be convolved to, or [major, minor, angle] in radians.
    cell_rad : (float, float)
    residual : ndarray (chan, pol, y, x), optional
        In the place of the residual of `planes`.
    into : ndarray (chan, pol, y, x) float32, optional
        Zeros that take the images; made when not given.
    store : PlaneStore, optional
        Where the planes are.

    Returns
    -------
    ndarray (chan, pol, y, x) float32 [Jy/beam]
    list of GaussianBeam or None
        The beam of each channel, or of all Taylor terms; None where there are no data.
    """
    left = planes.residual if residual is None else residual
    targets = list(planes.beams)
    present = [b for b in planes.beams if b is not None]
    if beam and present:
        one = common_beam(present) if isinstance(beam, str) else GaussianBeam(*(float(v) for v in beam))
        targets = [one if b is not None else None for b in planes.beams]
    # CASA smooths the residual to the beam where that is possible; to a sharper one that was given it adds the residual as it is.
    given = bool(beam) and beam != "common"
    image = np.zeros_like(planes.residual) if into is None else into

    def make(plane: int) -> None:
        # Taylor terms share the first's beam.
        own, target = planes.beams[min(plane, len(planes.beams) - 1)], targets[min(plane, len(targets) - 1)]
        if own is None or target is None:
            return
        for pol in range(image.shape[1]):
            smooths = not given or beam_difference(target, own) is not None
            image[plane, pol] = restore(planes.model[plane, pol], left[plane, pol], own if smooths else target, target, cell_rad)

    def make_alone(plane: int) -> None:
        with single_thread():
            make(plane)

    numbers = (store or PlaneStore()).each(range(len(image)))
    if image[0, 0].size > SMALL_PLANE:
        for plane in numbers:
            make(plane)
    else:
        deque(in_order(make_alone, numbers), maxlen=0)
    return image, targets


def _summary(planes: Planes, place: tuple[int, int]) -> dict[str, float]:
    residual, mask = planes.residual[place], planes.mask[place]
    return {
        "startPeakRes": float(peak_in_mask(residual, mask)[0]), "startPeakResNM": float(np.abs(residual).max()),
        "startModelFlux": float(planes.model[place].sum(dtype=np.float64)), "masksum": float(mask.sum()),
    }  # fmt: skip
