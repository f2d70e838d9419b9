"""The planes of an image and a minor cycle over all of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from casatools._base.threads import thread_count
from casatools.imaging.beam_fit import GaussianBeam
from casatools.imaging.cycle_control import CycleControl
from casatools.imaging.minor_cycle import MinorCycle
from casatools.imaging.restoration import common_beam, restore
from casatools.kernels.clean_hogbom import peak_in_mask

__all__ = ["PlaneDeconvolver", "Planes", "restore_planes"]


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


class PlaneDeconvolver:
    """Deconvolves the planes of an image by their point spread functions.

    Attributes
    ----------
    planes : Planes
    """

    planes: Planes

    def peak(self) -> float:
        """Greatest absolute residual in the masks."""
        planes = self.planes
        return max(
            float(peak_in_mask(planes.residual[c, p], planes.mask[c, p])[0])
            for c in range(planes.residual.shape[0])
            for p in range(planes.residual.shape[1])
        )

    def noise_thresholds(self, nsigma: float) -> np.ndarray:
        """``nsigma`` times the robust noise of each plane (chan, pol): 1.4826 times the median absolute deviation."""
        residual = self.planes.residual
        flat = residual.reshape(*residual.shape[:2], -1)
        median = np.median(flat, axis=2)
        return np.asarray(nsigma * 1.4826 * np.median(np.abs(flat - median[..., None]), axis=2))

    def minor_cycle(self, control: CycleControl, cycle: MinorCycle) -> int:
        """Deconvolve all planes once; returns the iterations done."""
        planes = self.planes
        threshold = control.begin_minor(self.peak())
        options = control.options
        noise = self.noise_thresholds(options.nsigma) if options.nsigma > 0 else np.zeros(planes.residual.shape[:2])
        niter = control.cycle_niter
        places = [(c, p) for c in range(planes.residual.shape[0]) for p in range(planes.residual.shape[1]) if planes.sumwt[c] > 0]
        start = {place: _summary(planes, place) for place in places} if options.full_summary else {}

        def run(place: tuple[int, int]) -> tuple[int, float]:
            c, p = place
            limit = max(threshold, float(noise[c, p]))
            return cycle.run(planes.residual[c, p], planes.model[c, p], planes.psf[c], planes.mask[c, p], limit, niter)

        with ThreadPoolExecutor(thread_count(), thread_name_prefix="minor") as pool:
            results = list(pool.map(run, places))
        total, at = 0, control.done
        for place, (count, peak) in zip(places, results, strict=True):
            entry = {
                "cycleThresh": threshold,
                "iterDone": count,
                "modelFlux": float(planes.model[place].sum(dtype=np.float64)),
                "peakRes": peak,
            }
            if options.full_summary:
                entry |= start[place] | {
                    "peakResNM": float(np.abs(planes.residual[place]).max()), "cycleStartIters": control.done, "startIterDone": at, "mpiServer": 0,
                    "stopCode": 1 if count >= niter else 2,
                }  # fmt: skip
            control.add_plane(*place, entry)
            total += count
            at += count
        control.after_minor(total)
        return total

    def record_unclean(self, control: CycleControl) -> None:
        """Record the peaks of planes that are not deconvolved."""
        planes = self.planes
        for c in range(planes.residual.shape[0]):
            for p in range(planes.residual.shape[1]):
                peak = float(peak_in_mask(planes.residual[c, p], planes.mask[c, p])[0])
                control.add_plane(c, p, {"cycleThresh": 0.0, "iterDone": 0.0, "modelFlux": 0.0, "peakRes": peak})


def restore_planes(
    planes: Planes, beam: list[float] | str, cell_rad: tuple[float, float]
) -> tuple[np.ndarray, list[GaussianBeam | None]]:
    """Restored images of all planes.

    Parameters
    ----------
    planes : Planes
    beam : list of float or str
        ``[]`` for each channel its own beam, ``"common"`` for one that all can be convolved to, or [major, minor, angle] in radians.
    cell_rad : (float, float)

    Returns
    -------
    ndarray (chan, pol, y, x) float32 [Jy/beam]
    list of GaussianBeam or None
        The beam of each channel; None where there are no data.
    """
    targets = list(planes.beams)
    present = [b for b in planes.beams if b is not None]
    if beam and present:
        one = common_beam(present) if isinstance(beam, str) else GaussianBeam(*(float(v) for v in beam))
        targets = [one if b is not None else None for b in planes.beams]
    # CASA smooths the residual to a common beam, but adds it as it is to a model restored with a beam that was given.
    smooth = beam == "common"
    image = np.zeros_like(planes.residual)
    for chan, (own, target) in enumerate(zip(planes.beams, targets, strict=True)):
        if own is None or target is None:
            continue
        for pol in range(image.shape[1]):
            image[chan, pol] = restore(
                planes.model[chan, pol], planes.residual[chan, pol], own if smooth else target, target, cell_rad
            )
    return image, targets


def _summary(planes: Planes, place: tuple[int, int]) -> dict[str, float]:
    residual, mask = planes.residual[place], planes.mask[place]
    return {
        "startPeakRes": float(peak_in_mask(residual, mask)[0]), "startPeakResNM": float(np.abs(residual).max()),
        "startModelFlux": float(planes.model[place].sum(dtype=np.float64)), "masksum": float(mask.sum()),
    }  # fmt: skip
