"""Image fields that a single dish and an interferometer share: joint point spread functions and residuals.

References
----------
Rau, Naik & Braun 2019, AJ 158, 3: the joint deconvolution and its Taylor-weighted sums of cubes. Cotton 2017, PASP 129, 094501: feathering.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from casatools._base.constants import SPEED_OF_LIGHT_M_S
from casatools._base.errors import DataError, ParameterError
from casatools.analysis.feathering import FeatherOptions, feather_plane
from casatools.analysis.linear_mosaic import regridded
from casatools.analysis.sky_planes import SkyPlanes
from casatools.analysis.smoothing import gaussian_of
from casatools.imaging.beam_fit import GaussianBeam, fit_beam, gaussian_plane
from casatools.imaging.image_fields import BlockView, ImageField, TermField
from casatools.imaging.minor_cycle import convolve_components
from casatools.imaging.multi_term import hessian_peak
from casatools.imaging.plane_deconvolver import PlaneDeconvolver
from casatools.imaging.visibilities import VisibilityBlock
from casatools.io.image import CasaImage
from casatools.io.image.coordinates.system import Coordinates

__all__ = ["JointContinuum", "JointCube", "JointSource", "JointTerms", "SingleDish", "read_single_dish"]


@dataclass
class SingleDish:
    """A single dish's cube on the pixels of the interferometer's.

    Attributes
    ----------
    image : ndarray (chan, pol, y, x) float32 [Jy/beam]
    psf : ndarray (chan, y, x) float32
        Peak 1, at the middle of the plane.
    beams : list of GaussianBeam
        One a channel.
    """

    image: np.ndarray
    psf: np.ndarray
    beams: list[GaussianBeam]


def _moved(
    path: str, coordinates: Coordinates, shape: tuple[int, ...], frequencies_hz: np.ndarray, width_hz: float
) -> np.ndarray:
    """A cube (chan, pol, y, x) on the sky plane of another of the same channels and polarizations; blank pixels are zero."""
    axes = coordinates.direction_axes
    with CasaImage.open(path) as image:
        if image.ndim != 4 or image.shape[:2] != shape[:2]:
            raise DataError(
                f"image {path!r} has the shape {image.shape[::-1]}; the cube has {shape[0]} channels and {shape[1]} polarizations, and so must it:"
                " imregrid puts an image onto the channels of another"
            )
        planes = SkyPlanes(image)
        found = [planes.frequency_hz(k) for k in range(shape[0])]
        if any(f is not None and abs(f - g) > 0.5 * abs(width_hz) for f, g in zip(found, frequencies_hz, strict=True)):
            raise DataError(
                f"image {path!r} has its channels from {found[0]} Hz, the cube from {float(frequencies_hz[0])} Hz: they must agree within half a channel"
            )
    with regridded(path, coordinates, shape[::-1], (axes[0], axes[1])) as moved:
        return np.where(moved.read_mask(), moved.read(), 0.0).astype(np.float32)


def read_single_dish(
    sdimage: str,
    sdpsf: str,
    coordinates: Coordinates,
    shape: tuple[int, ...],
    cell_rad: tuple[float, float],
    axis: tuple[np.ndarray, float],
) -> SingleDish:
    """Read a single dish's cube and its point spread function.

    Parameters
    ----------
    sdimage, sdpsf : str
        The second may be empty: Gaussians of the beams of the first then.
    coordinates : Coordinates
        Of the cube to make.
    shape : tuple of int
        (chan, pol, y, x) of it.
    cell_rad : (float, float)
    axis : (ndarray, float)
        Frequencies and channel width of it [Hz].

    Raises
    ------
    PathMissingError, DataError
        An image is missing, is not in Jy/beam, has other channels than the cube, or there is neither a beam nor a point spread function.
    """
    with CasaImage.open(sdimage) as image:
        unit, stored = image.unit, image.beams
        if unit.lower().replace(" ", "") != "jy/beam":
            raise DataError(f"image {sdimage!r} is in {unit!r}; a single dish's image must be in 'Jy/beam'")
        if not sdpsf and not stored.beams:
            raise DataError(f"image {sdimage!r} has no restoring beam: give one to it, or parameter 'sdpsf'")
    pixels = _moved(sdimage, coordinates, shape, *axis)
    nchan, (ny, nx) = shape[0], shape[2:]
    if not sdpsf:
        beams = [gaussian_of(stored.at(chan, 0)) for chan in range(nchan)]
        planes = [gaussian_plane((ny, nx), (nx // 2, ny // 2), beam, cell_rad) for beam in beams]
        return SingleDish(pixels, np.stack(planes).astype(np.float32), beams)
    psf = np.ascontiguousarray(_moved(sdpsf, coordinates, shape, *axis)[:, 0])
    for chan, plane in enumerate(psf):
        place = np.unravel_index(int(np.argmax(plane)), plane.shape)
        if not plane.max() > 0 or max(abs(int(place[0]) - ny // 2), abs(int(place[1]) - nx // 2)) > 0:
            raise DataError(
                f"the point spread function {sdpsf!r} has its peak in channel {chan} not at the phase centre of the cube"
            )
        plane /= plane.max()
    return SingleDish(pixels, psf, [fit_beam(plane, cell_rad) for plane in psf])


class JointSource:
    """What the planes to deconvolve are made of.

    Parameters
    ----------
    cube : ImageField
        The interferometer's.
    dish : SingleDish, optional
        None for the interferometer alone.
    options : FeatherOptions
    frequencies_hz : ndarray (chan,)
    beam_power : ndarray (chan, pol, y, x) float32
        The interferometer's primary beam: its model is the sky times this.
    seen : ndarray (chan, pol, y, x) bool
    dish_only : bool
        Leave the interferometer out.
    """

    def __init__(
        self, cube: ImageField, dish: SingleDish | None, options: FeatherOptions, frequencies_hz: np.ndarray, beam_power: np.ndarray,
        seen: np.ndarray, dish_only: bool = False,
    ) -> None:  # fmt: skip
        self.cube, self.dish, self.options, self.frequencies_hz = cube, dish, options, frequencies_hz
        self.beam_power, self.seen, self.dish_only = beam_power, seen, dish_only
        shape = cube.planes.residual.shape
        self.dish_residual = np.zeros(shape, np.float32)
        self.psf, self.residual = np.zeros_like(cube.planes.psf), np.zeros(shape, np.float32)
        self._scale = np.ones(shape[0])

    def _joined(self, chan: int, high: np.ndarray, low: np.ndarray) -> np.ndarray:
        beam = self.cube.planes.beams[chan]
        if self.dish is None or beam is None:
            return high
        if self.dish_only:
            return np.asarray(low * self.options.scale, dtype=np.float32)
        wavelength = SPEED_OF_LIGHT_M_S / float(self.frequencies_hz[chan])
        return feather_plane(high, low, beam, self.dish.beams[chan], self.cube.options.cell_rad, self.options, wavelength)

    def take_beams(self) -> None:
        """Take the primary beams that a mosaic's cube knows once its point spread functions are made."""
        for chan in range(len(self.beam_power)):
            known = self.cube.beam_power(chan)
            if known is not None:
                self.beam_power[chan] = known

    def mean(self, cubes: np.ndarray) -> np.ndarray:
        """The mean (..., y, x) float32 of the channels of a cube by their weights."""
        weights = self.cube.planes.sumwt
        return np.asarray(np.tensordot(weights / weights.sum(), cubes, 1), dtype=np.float32)

    def join_psf(self) -> None:
        """Make the joint point spread functions; each has a peak of 1.

        Raises
        ------
        ParameterError
            The effective dish is wider than the single dish.
        """
        planes = self.cube.planes
        self._require_dish()
        for chan in range(len(planes.psf)):
            low = planes.psf[chan] if self.dish is None else self.dish.psf[chan]
            joined = self._joined(chan, planes.psf[chan], low)
            peak = float(joined.max())
            self._scale[chan] = 1.0 / peak if planes.sumwt[chan] > 0 and peak > 0 else 1.0
            self.psf[chan] = joined * np.float32(self._scale[chan])

    def _require_dish(self) -> None:
        """Refuse a diameter whose beam is narrower than the single dish's."""
        diameter = self.options.diameter_m
        if self.dish is None or self.dish_only or diameter <= 0:
            return
        for hz, beam in zip(self.frequencies_hz, self.dish.beams, strict=True):
            width = 1.22 * SPEED_OF_LIGHT_M_S / float(hz) / diameter
            if width < beam.major_rad:
                raise ParameterError(
                    f"sdintimaging: parameter 'dishdia' must be a diameter whose beam is not below the single dish's; {diameter} m has"
                    f" {np.rad2deg(width) * 3600:.4g} arcsec, the image {np.rad2deg(beam.major_rad) * 3600:.4g} arcsec; 0 takes that of the image"
                )

    def join_residual(self) -> None:
        """Make the joint residuals from those of the interferometer and from what the model leaves of the single dish's image."""
        planes, dish = self.cube.planes, self.dish
        for chan in range(len(planes.psf)):
            for pol in range(planes.residual.shape[1]):
                place = (chan, pol)
                if dish is not None:
                    good = self.seen[place] & (self.beam_power[place] > 0)
                    sky = np.where(good, planes.model[place] / np.where(good, self.beam_power[place], 1.0), 0.0)
                    seen = convolve_components(sky, dish.psf[chan]) if sky.any() else 0.0
                    self.dish_residual[place] = (dish.image[place] - seen) * self.beam_power[place]
                joined = self._joined(chan, planes.residual[place], self.dish_residual[place])
                self.residual[place] = joined * np.float32(self._scale[chan])


class _Joint(ImageField, ABC):
    """Grids as the interferometer's cube does, and deconvolves the joint planes."""

    def __init__(self, source: JointSource, target: PlaneDeconvolver) -> None:
        cube = source.cube
        self.source, self.number, self.store = source, target.number, cube.store
        self.options, self.centre, self.main_centre = cube.options, cube.centre, cube.main_centre
        self.planes, self.cycle, self.auto_mask = target.planes, target.cycle, target.auto_mask
        self.seen, self.fast_noise = target.seen, target.fast_noise

    is_shareable = False
    channels_apart = False
    grids_pairs = False

    def view(self, block: VisibilityBlock) -> BlockView:
        """A block as the cube sees it."""
        return self.source.cube.view(block)

    def add_psf(self, view: BlockView, chan: int, freq_hz: np.ndarray, weight: np.ndarray) -> None:
        """Grid into the interferometer's cube."""
        self.source.cube.add_psf(view, chan, freq_hz, weight)

    def predict(self, view: BlockView, chan: int, pol: int, freq_hz: np.ndarray, used: np.ndarray) -> np.ndarray | None:
        """Visibilities of the model cube."""
        return self.source.cube.predict(view, chan, pol, freq_hz, used)

    def add(self, view: BlockView, chan: int, pol: int, freq_hz: np.ndarray, vis: np.ndarray, weight: np.ndarray) -> None:
        """Grid into the interferometer's cube."""
        self.source.cube.add(view, chan, pol, freq_hz, vis, weight)

    @property
    def has_samples(self) -> bool:
        """As the cube."""
        return self.source.cube.has_samples

    def finish_psf(self, cutoff: float) -> None:
        """Join the point spread functions and fit their beams."""
        self.source.cube.finish_psf(cutoff)
        self.source.take_beams()
        self.source.join_psf()
        self._take_psf()
        self.fit_beams(cutoff)

    def beam_power(self, chan: int) -> np.ndarray | None:
        """As the cube, which knows it where it is a mosaic."""
        return self.source.cube.beam_power(chan)

    def begin_residual(self) -> None:
        """Prepare a major cycle."""
        self.source.cube.planes.model[...] = self._model_cube()
        self.source.cube.begin_residual()

    def fill_blank(self) -> None:
        """As the cube."""
        self.source.cube.fill_blank()

    def finish_residual(self) -> None:
        """Join the residuals."""
        self.source.cube.finish_residual()
        self.source.join_residual()
        self._take_residual()

    @abstractmethod
    def _take_psf(self) -> None:
        """Make the planes' point spread functions of the joint cube."""

    @abstractmethod
    def _take_residual(self) -> None:
        """Make the planes' residuals of the joint cube."""

    @abstractmethod
    def _model_cube(self) -> np.ndarray:
        """The model (chan, pol, y, x)."""


class JointCube(_Joint):
    """A joint cube, deconvolved plane by plane."""

    def _take_psf(self) -> None:
        self.planes.psf[...] = self.source.psf
        self.planes.sumwt[...] = self.source.cube.planes.sumwt

    def _take_residual(self) -> None:
        self.planes.residual[...] = self.source.residual

    def _model_cube(self) -> np.ndarray:
        return self.planes.model


class JointContinuum(_Joint):
    """The mean of a joint cube by the weights of its channels, deconvolved as one plane: a sky without a spectrum."""

    def _take_psf(self) -> None:
        self.planes.psf[0] = self.source.mean(self.source.psf)
        self.planes.sumwt[0] = self.source.cube.planes.sumwt.sum()

    def _take_residual(self) -> None:
        self.planes.residual[0] = self.source.mean(self.source.residual)

    def _model_cube(self) -> np.ndarray:
        return np.broadcast_to(self.planes.model, self.source.residual.shape)

    def beam_power(self, chan: int) -> np.ndarray | None:
        """As `JointTerms.beam_power`."""
        if self.source.cube.beam_power(0) is None:
            return None
        return self.source.mean(self.source.beam_power)


class JointTerms(_Joint, TermField):
    """Taylor-weighted sums of a joint cube, deconvolved together.

    Parameters
    ----------
    source : JointSource
    target : TermField
        Says how many terms.
    reference_hz : float
        The frequency f0 of the terms, in the frame of the cube.
    """

    def __init__(self, source: JointSource, target: TermField, reference_hz: float) -> None:
        _Joint.__init__(self, source, target)
        self.nterms, self.reference_hz = target.nterms, reference_hz

    def beam_power(self, chan: int) -> np.ndarray | None:
        """The mean of the channels' beams by their weights, where the cube is a mosaic."""
        if self.source.cube.beam_power(0) is None:
            return None
        return self.source.mean(self.source.beam_power)

    def _powers(self, count: int) -> np.ndarray:
        """Powers of the relative frequency (term, chan)."""
        return np.stack([self._power(self.source.frequencies_hz, k) for k in range(count)]).astype(np.float64)

    def _sums(self, cubes: np.ndarray, count: int) -> Sequence[np.ndarray]:
        weights = self.source.cube.planes.sumwt
        return list(np.tensordot(self._powers(count) * weights / weights.sum(), cubes, axes=(1, 0)))

    def _take_psf(self) -> None:
        planes, count = self.planes, 2 * self.nterms - 1
        planes.psf[...] = self._sums(self.source.psf, count)
        planes.sumwt[...] = self._powers(count) @ self.source.cube.planes.sumwt
        hessian_peak(planes.psf, self.nterms)  # refuses terms that the channels do not tell apart

    def _take_residual(self) -> None:
        self.planes.residual[...] = self._sums(self.source.residual, self.nterms)

    def _model_cube(self) -> np.ndarray:
        return np.tensordot(self._powers(self.nterms).T, self.planes.model, axes=(1, 0)).astype(np.float32)
