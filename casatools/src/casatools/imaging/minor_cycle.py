"""The minor cycle: deconvolution of one plane with a chosen algorithm.

References
----------
Hogbom 1974, A&AS 15, 417. Clark 1980, A&A 89, 377. Cornwell 2008, IEEE J. Sel. Top. Signal Process. 2, 793: multi-scale.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from casatools._base.errors import ParameterError
from casatools._base.threads import thread_count
from casatools.imaging.adaptive_scales import AspenBeams, clean_adaptive_scales
from casatools.imaging.clark_cycle import clean_clark, polarization_strength
from casatools.imaging.maximum_entropy import maximise_entropy
from casatools.imaging.psf_transform import PsfTransform
from casatools.imaging.scale_beams import ScaleBeams
from casatools.kernels.clean_hogbom import clean_hogbom, peak_in_mask
from casatools.kernels.clean_multiscale import clean_multiscale
from casatools.kernels.clean_scale_tiles import clean_scale_tiles
from casatools.kernels.clean_tiles import TILE, clean_tiles, refresh_tile

__all__ = ["DECONVOLVERS", "MinorCycle", "MinorOptions", "PlaneCycle", "convolve_components"]

DECONVOLVERS = ("hogbom", "clark", "clarkstokes", "clark_exp", "clarkstokes_exp", "multiscale", "mtmfs", "mem", "asp")


@dataclass(frozen=True)
class MinorOptions:
    """How a plane is deconvolved.

    Attributes
    ----------
    deconvolver : str
    gain : float
    scales : tuple of float
        Scale sizes in pixels for multiscale; 0 is a point.
    small_scale_bias : float
    fused_threshold_jy : float
        For asp: below this peak Hogbom's loop goes on.
    largest_scale : float
        For asp: greatest initial scale in pixels; not positive for one from the beam.
    flux_jy : float
        For mem: what the model is expected to add up to, evenly spread where nothing else is known; 0 for nothing.
    holds_flux : bool
        For mem: the model must add up to that.
    prior : ndarray (y, x), optional
        For mem: the image of greatest entropy.
    speedup : float
        The threshold doubles each time that a minor cycle has taken so many components; not positive for one that stays. Not for mem and asp.
    most_points : int
        For multiscale: cleaning of a plane ends before so many components of the smallest scale in a row; not positive for never.
    """

    deconvolver: str = "hogbom"
    gain: float = 0.1
    scales: tuple[float, ...] = ()
    small_scale_bias: float = 0.0
    fused_threshold_jy: float = 0.0
    largest_scale: float = -1.0
    flux_jy: float = 0.0
    holds_flux: bool = False
    prior: np.ndarray | None = field(default=None, compare=False, repr=False)
    speedup: float = -1.0
    most_points: int = -1

    def __post_init__(self) -> None:
        if self.deconvolver not in DECONVOLVERS:
            raise ParameterError(
                f"tclean: parameter 'deconvolver' must be one of {', '.join(DECONVOLVERS)}; got {self.deconvolver!r}"
            )
        if not 0.0 < self.gain <= 2.0:
            raise ParameterError(f"tclean: parameter 'gain' must be above 0 and at most 2; got {self.gain}")
        if not all(0 <= s < np.inf for s in self.scales):
            raise ParameterError(f"tclean: parameter 'scales' must hold sizes that are not negative; got {list(self.scales)}")
        if self.fused_threshold_jy < 0.0:
            raise ParameterError(f"tclean: parameter 'fusedthreshold' must not be negative; got {self.fused_threshold_jy}")

    @property
    def growth(self) -> float:
        """Factor that each component raises the threshold by."""
        return float(2.0 ** (1.0 / self.speedup)) if self.speedup > 0 else 1.0


def convolve_components(components: np.ndarray, psf: np.ndarray, centre: tuple[int, int] | None = None) -> np.ndarray:
    """Convolve a component image (y, x) with a point spread function of the same shape; zero padded.

    The centre (y, x) of the point spread function is its maximum when not given.
    """
    import ducc0

    shape = components.shape
    middle = [int(v) for v in (np.unravel_index(int(np.argmax(psf)), psf.shape) if centre is None else centre)]
    size = []
    for axis, (count, at) in enumerate(zip(shape, middle, strict=True)):
        filled = np.flatnonzero(components.any(axis=1 - axis))
        if not len(filled):
            return np.zeros(shape, dtype=np.float32)
        # So long that what is carried round an edge falls beyond the image, for the psf ends with its own image.
        least = max(count, int(filled[-1]) + count - at, count - int(filled[0]) + at)
        size.append(ducc0.fft.good_size(least, True))
    threads = thread_count()
    padded = np.zeros(size, dtype=np.float32)
    padded[: shape[0], : shape[1]] = components
    product = ducc0.fft.r2c(padded, axes=(0, 1), nthreads=threads)
    padded[...] = 0
    halves = [
        ((slice(at, None), slice(0, count - at)), (slice(0, at), slice(total - at, total)))
        for count, at, total in zip(shape, middle, size, strict=True)
    ]
    for from_y, to_y in halves[0]:
        for from_x, to_x in halves[1]:
            padded[to_y, to_x] = psf[from_y, from_x]
    product *= ducc0.fft.r2c(padded, axes=(0, 1), nthreads=threads)
    named: dict[str, Any] = {"axes": (0, 1), "lastsize": size[1], "forward": False, "inorm": 2, "nthreads": threads}
    ducc0.fft.c2r(product, out=padded, allow_overwriting_input=True, **named)
    return padded[: shape[0], : shape[1]]


# Components found before all tiles are brought up to date, and the multiplications above which a transform does that faster.
_LOT = 20000
_WORK = 1e9


def tile_boxes(shape: tuple[int, ...]) -> np.ndarray:
    """The tiles of a plane (y, x), row by row: (tile, 4) int64 of y0, y1, x0, x1."""
    ny, nx = shape
    return np.array(
        [(y, min(y + TILE, ny), x, min(x + TILE, nx)) for y in range(0, ny, TILE) for x in range(0, nx, TILE)], dtype=np.int64
    )


def tile_reach(centred: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Greatest absolute value of a psf that a component in one tile can have in another, by the offset of the tiles.

    Parameters
    ----------
    centred : ndarray (2 py + 1, 2 px + 1)
        Peak in the middle.
    shape : tuple of int
        Of the plane.

    Returns
    -------
    ndarray (2 ty - 1, 2 tx - 1) float64
    """
    counts = [-(-n // TILE) for n in shape]
    blocks = np.abs(centred).astype(np.float64)
    for axis, count in enumerate(counts):
        # Blocks j of the offsets [j TILE, (j + 1) TILE), for j from -count to count - 1.
        half = blocks.shape[axis] // 2
        size = count * TILE
        low, high = max(half - size, 0), min(half + size, blocks.shape[axis])
        kept = np.take(blocks, np.arange(low, high), axis=axis)
        pads = [(0, 0)] * blocks.ndim
        pads[axis] = (size - (half - low), size - (high - half))
        padded = np.moveaxis(np.pad(kept, pads), axis, 0)
        maxima = padded.reshape(2 * count, TILE, *padded.shape[1:]).max(axis=1)
        # From a pixel of one tile to those of the tile k further the offsets lie in blocks k - 1 and k.
        blocks = np.moveaxis(np.maximum(maxima[:-1], maxima[1:]), 0, axis)
    return np.ascontiguousarray(blocks)


class PlaneCycle(Protocol):
    """What deconvolves the planes of an image: `MinorCycle`, `multi_term.MultiTermCycle`, or one of your own set as the ``cycle`` of an image field.

    Planes are deconvolved by several threads at once, and sent to other ranks where there are any: what is kept between calls must allow both.
    """

    @property
    def together(self) -> bool:
        """Whether all polarizations of a channel are given in one call: arrays (pol, y, x) with one mask."""

    def run(
        self,
        residual: np.ndarray,
        model: np.ndarray,
        psf: np.ndarray,
        mask: np.ndarray,
        threshold: float,
        niter: int,
        signed: bool = ...,
    ) -> tuple[int, float]:
        """Deconvolve one plane.

        Parameters
        ----------
        residual : ndarray (y, x) float32 [Jy/beam]
            Left without what the components that were found make of it; (pol, y, x) or (term, y, x) where planes go together.
        model : ndarray as `residual` [Jy/pixel]
            The components are added.
        psf : ndarray (y, x) float32
            Peak 1 near the middle; (2 term - 1, y, x) of Taylor terms.
        mask : ndarray (y, x) bool
            Where components may be.
        threshold : float [Jy/beam]
            Greatest absolute residual in the mask that is left where the iterations reach.
        niter : int
            Most iterations.
        signed : bool
            The sky may be negative here, as in Stokes Q, U and V.

        Returns
        -------
        int, float
            Iterations done, and the greatest absolute residual in the mask that is left.
        """


class MinorCycle:
    """Deconvolves planes; what can be prepared once for a point spread function is kept."""

    def __init__(self, options: MinorOptions) -> None:
        self.options = options
        self._reach: tuple[np.ndarray, np.ndarray] | None = None
        self._beams: ScaleBeams | None = None
        self._transform: PsfTransform | None = None
        self._aspens: AspenBeams | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Sent to other ranks without what is kept."""
        return {"options": self.options, "_reach": None, "_beams": None, "_transform": None, "_aspens": None}

    @property
    def together(self) -> bool:
        """Whether components are at the same places in all polarizations."""
        return self.options.deconvolver in ("clark", "clark_exp")

    def run(
        self,
        residual: np.ndarray,
        model: np.ndarray,
        psf: np.ndarray,
        mask: np.ndarray,
        threshold: float,
        niter: int,
        signed: bool = False,
    ) -> tuple[int, float]:
        """Clean one plane, or all polarizations of a channel where `together` says so.

        Parameters
        ----------
        residual, model : ndarray (y, x) or (pol, y, x) float32
            Changed in place.
        psf : ndarray (y, x) float32
            Peak 1 near the middle.
        mask : ndarray (y, x) bool
            Of all polarizations together; blank afterwards where `MinorOptions.most_points` ended the plane.
        threshold : float
        niter : int
        signed : bool
            The plane may be negative, as Stokes Q, U and V; only maximum entropy asks.

        Returns
        -------
        int, float
            Iterations done and the peak in the mask that is left.
        """
        if niter <= 0 or not mask.any():
            seen = residual if residual.ndim == 2 else polarization_strength(residual)
            return 0, float(peak_in_mask(seen, mask)[0])
        name = self.options.deconvolver
        if name == "mem":
            options = self.options
            prior = options.flux_jy / float(mask.sum()) if options.prior is None and options.flux_jy > 0 else options.prior
            held = options.flux_jy if options.holds_flux else 0.0
            return maximise_entropy(residual, model, self._transform_of(psf), mask, threshold, niter, signed, prior, held)
        if name == "asp":
            return self._adaptive(residual, model, psf, mask, threshold, niter)
        return self._components(name, residual, model, psf, mask, threshold, niter)

    def _components(
        self,
        name: str,
        residual: np.ndarray,
        model: np.ndarray,
        psf: np.ndarray,
        mask: np.ndarray,
        threshold: float,
        niter: int,
    ) -> tuple[int, float]:
        """Components of fixed shapes."""
        centred = _centred(psf)
        if name == "hogbom":
            # The reference's loop ends after the component that exceeds the limit and does not count it: one more here too, for the same images.
            most = niter + 1
            if min(residual.shape) < 4 * TILE:
                done, peak = clean_hogbom(residual, model, centred, mask, self.options.gain, threshold, most, self.options.growth)
            else:
                done, peak = self._hogbom(residual, model, psf, centred, mask, threshold, most)
            return min(int(done), niter), float(peak)
        if name == "multiscale":
            scales = np.array(self.options.scales or (0.0,), dtype=np.float64)
            return self._multiscale(residual, model, psf, mask, threshold, niter, scales)
        shape = (-1, *mask.shape)
        return clean_clark(
            residual.reshape(shape), model.reshape(shape), centred, mask, self.options.gain, threshold, niter,
            lambda components: convolve_components(components, psf), self.options.growth,
        )  # fmt: skip

    def _transform_of(self, psf: np.ndarray) -> PsfTransform:
        """The transform of a plane's psf; that of the plane before is kept."""
        found = self._transform
        if found is None or not _is_same(found.psf, psf):
            found = self._transform = PsfTransform(psf)
        return found

    def _adaptive(
        self, residual: np.ndarray, model: np.ndarray, psf: np.ndarray, mask: np.ndarray, threshold: float, niter: int
    ) -> tuple[int, float]:
        """Adaptive scale pixels, then below the fused threshold Hogbom's loop."""
        fused = self.options.fused_threshold_jy
        beams = self._aspens
        if beams is None or not _is_same(beams.psf, psf):
            beams = self._aspens = AspenBeams(psf, self.options.largest_scale)
        done, peak = clean_adaptive_scales(residual, model, beams, mask, self.options.gain, max(threshold, fused), niter)
        if done < niter and threshold < peak <= fused:
            more, peak = self._components("hogbom", residual, model, psf, mask, threshold, niter - done)
            done += more
        return done, peak

    def _hogbom(
        self,
        residual: np.ndarray,
        model: np.ndarray,
        psf: np.ndarray,
        centred: np.ndarray,
        mask: np.ndarray,
        threshold: float,
        niter: int,
    ) -> tuple[int, float]:
        """Hogbom's loop on tiles in lots of components, each followed by bringing all tiles up to date."""
        kept = self._reach  # planes are cleaned in threads: what was looked at is what is used
        if kept is None or not _is_same(kept[0], psf):
            kept = self._reach = (psf, tile_reach(centred, residual.shape))
        reach, boxes = kept[1], tile_boxes(residual.shape)
        done = 0
        while True:
            count = min(niter - done, _LOT)
            place, flux = np.zeros((count, 2), dtype=np.int64), np.zeros(count, dtype=np.float32)
            applied = np.zeros(len(boxes), dtype=np.int64)
            start = residual.copy()
            found, peak = clean_tiles(
                residual,
                model,
                centred,
                mask,
                reach,
                boxes,
                self.options.gain,
                threshold,
                place,
                flux,
                applied,
                self.options.growth,
            )
            self._bring_up(residual, start, centred, psf, mask, place, flux, applied, boxes, int(found))
            done += int(found)
            threshold *= self.options.growth ** int(found)
            if found < count or done >= niter:
                return done, float(peak)

    @staticmethod
    def _bring_up(
        residual: np.ndarray,
        start: np.ndarray,
        centred: np.ndarray,
        psf: np.ndarray,
        mask: np.ndarray,
        place: np.ndarray,
        flux: np.ndarray,
        applied: np.ndarray,
        boxes: np.ndarray,
        found: int,
    ) -> None:
        """Subtract from each tile the components it has not had: one by one, or all by a transform where that is less work."""
        if float((found - applied).sum()) * TILE**2 > _WORK:
            components = np.zeros_like(residual)
            np.add.at(components, (place[:found, 0], place[:found, 1]), flux[:found])
            residual[...] = start - convolve_components(components, psf)
            return
        for tile, box in enumerate(boxes):
            if applied[tile] < found:
                refresh_tile(residual, mask, centred, place, flux, int(applied[tile]), found, box)

    def _multiscale(
        self,
        residual: np.ndarray,
        model: np.ndarray,
        psf: np.ndarray,
        mask: np.ndarray,
        threshold: float,
        niter: int,
        scales: np.ndarray,
    ) -> tuple[int, float]:
        """Cornwell's multi-scale CLEAN: residual and beam convolved with each scale, components taken from the best of them."""
        beams = self._beams_of(psf, scales)
        count, (cy, cx) = len(scales), beams.centre
        smoothed = beams.smoothed(residual)
        largest = max(float(scales.max()), 1e-9)
        # The bias weighs what a component of a scale takes away from the sum of squares, as with Taylor terms and in the reference.
        bias = np.sqrt(np.maximum(1.0 - self.options.small_scale_bias * scales / largest, 0.0))
        components = np.zeros((count, *residual.shape), dtype=np.float32)
        peak = -1.0
        if min(residual.shape) < 4 * TILE:
            done, peak, ended = clean_multiscale(
                smoothed, components, beams.cross, mask, bias, self.options.gain, threshold, niter, cy, cx,
                self.options.growth, int(np.argmin(scales)), self.options.most_points,
            )  # fmt: skip
        else:
            norms = np.array([bias[s] / np.sqrt(beams.cross[s, s, cy, cx]) for s in range(count)])
            done, ended = self._scale_tiles(smoothed, components, beams, mask, norms, threshold, niter, int(np.argmin(scales)))
        beams.add_components(components, model, residual)
        left = float(peak) if peak >= 0.0 else float(peak_in_mask(residual, mask)[0])
        if ended:
            # What is left are points, and the plane is done with: later cycles find nothing to clean in it.
            mask[...] = False
        return int(done), left

    def _beams_of(self, psf: np.ndarray, scales: np.ndarray) -> ScaleBeams:
        """The beams of a plane; those of the plane before are kept, for continuum images have no other."""
        found = self._beams
        if found is None or not _is_same(found.psf, psf):
            found = self._beams = ScaleBeams(psf, scales.tolist())
        return found

    def _scale_tiles(
        self,
        smoothed: np.ndarray,
        components: np.ndarray,
        beams: ScaleBeams,
        mask: np.ndarray,
        norms: np.ndarray,
        threshold: float,
        niter: int,
        smallest: int,
    ) -> tuple[int, bool]:
        """The loop on tiles, in lots of components; whether points in a row ended it."""
        count, shape, centre, repeated = len(smoothed), smoothed.shape[1:], beams.centre, 0
        if beams.reach is None:
            beams.reach = np.stack(
                [[tile_reach(_centred_at(beams.cross[a, b], *centre), shape) for b in range(count)] for a in range(count)]
            )
        boxes, done = tile_boxes(shape), 0
        while True:
            lot = min(niter - done, _LOT)
            place, flux = np.zeros((lot, 3), dtype=np.int64), np.zeros(lot, dtype=np.float32)
            found, below = clean_scale_tiles(
                smoothed,
                components,
                beams.cross,
                mask,
                norms,
                beams.reach,
                boxes,
                self.options.gain,
                threshold,
                *centre,
                place,
                flux,
                self.options.growth,
                smallest,
                self.options.most_points,
                repeated,
            )
            done += int(found)
            threshold *= self.options.growth ** int(found)
            others = np.flatnonzero(place[:found, 0] != smallest)
            repeated = int(found) - 1 - int(others[-1]) if len(others) else repeated + int(found)
            if below and done < niter:
                return done + 1, False  # the reference counts the look that finds nothing above the threshold
            if found < lot or done >= niter:
                return done, done < niter


def _is_same(kept: np.ndarray, psf: np.ndarray) -> bool:
    """Whether two arrays are one part of memory; a plane of a cube is another object at each look."""
    return kept is psf or (kept.shape == psf.shape and kept.__array_interface__["data"] == psf.__array_interface__["data"])


def _centred(psf: np.ndarray) -> np.ndarray:
    """The point spread function with its peak in the middle of an odd-sized array, cut where the image ends."""
    return _centred_at(psf, *(int(v) for v in np.unravel_index(int(np.argmax(psf)), psf.shape)))


def _centred_at(psf: np.ndarray, cy: int, cx: int) -> np.ndarray:
    """A beam with the pixel (cy, cx) in the middle of an odd-sized array."""
    ny, nx = psf.shape
    # Components may lie anywhere: an offset of up to the image size is needed, zero beyond what the image shows.
    out = np.zeros((2 * max(cy, ny - 1 - cy) + 1, 2 * max(cx, nx - 1 - cx) + 1), dtype=np.float32)
    y0, x0 = out.shape[0] // 2 - cy, out.shape[1] // 2 - cx
    out[y0 : y0 + ny, x0 : x0 + nx] = psf
    return out
