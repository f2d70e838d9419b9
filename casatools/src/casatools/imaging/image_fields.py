"""The images of a run: each grids the shared visibilities to its own place, and predicts what its model contributes to them.

An `Imager` reads the visibilities once per major cycle and hands them to all fields: one for the main image, one for each outlier.

References
----------
Rau & Cornwell 2011, A&A 532, A71: Taylor terms; Cotton & Schwab 2008, Obit Memo 15, for facets and outliers with one set of residuals.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from casatools._base.constants import SPEED_OF_LIGHT_M_S
from casatools.frames.directions import Direction
from casatools.imaging.beam_fit import fit_beam, sidelobe_level
from casatools.imaging.gridding import GridOptions, degrid, grid, grid_pair
from casatools.imaging.minor_cycle import MinorCycle, MinorOptions
from casatools.imaging.multi_term import MultiTermCycle, hessian_peak
from casatools.imaging.plane_deconvolver import PlaneDeconvolver, Planes, TermDeconvolver
from casatools.imaging.plane_store import PlaneStore
from casatools.imaging.visibilities import VisibilityBlock, rotate_phase_centre

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["BlockView", "ImageField", "TaylorTerms", "TermField"]


@dataclass(frozen=True)
class BlockView:
    """A block of visibilities as a field sees it.

    Attributes
    ----------
    block : VisibilityBlock
    uvw_m : ndarray (row, 3) float64
        For the phase centre of the field.
    shift_m : ndarray (row,) float64, optional
        Path by which the field's phase centre differs from that of the block; None where it is the same.
    """

    block: VisibilityBlock
    uvw_m: np.ndarray
    shift_m: np.ndarray | None = None

    def turn(self, freq_hz: np.ndarray) -> np.ndarray | None:
        """Factors (row, chan) complex64 that bring visibilities of the block to the field's phase centre; None for 1."""
        if self.shift_m is None:
            return None
        return np.exp(-2j * np.pi * self.shift_m[:, None] * (freq_hz / SPEED_OF_LIGHT_M_S)[None, :]).astype(np.complex64)


class ImageField(PlaneDeconvolver):
    """One image: its planes, where it is, and how it is gridded and deconvolved.

    Parameters
    ----------
    options : GridOptions
    centre : Direction
        Phase centre of the image.
    main_centre : Direction
        Phase centre that the visibilities have; in the same frame.
    shape : (int, int)
        Channels and polarizations.
    minor : MinorOptions
    number : int
        0 for the main image.
    mixing : scipy.sparse.csr_array, optional
        From `channel_mixing`.
    store : PlaneStore, optional
        Keeps the planes; in memory when not given.
    """

    def __init__(
        self,
        options: GridOptions,
        centre: Direction,
        main_centre: Direction,
        shape: tuple[int, int],
        minor: MinorOptions,
        number: int = 0,
        mixing: csr_array | None = None,
        store: PlaneStore | None = None,
    ) -> None:
        self.store = store or PlaneStore()
        self.options, self.centre, self.main_centre, self.number = options, centre, main_centre, number
        self.minor = minor
        self.cycle = self._make_cycle(minor)
        self._mixing = mixing
        self._same_place = centre == main_centre
        (nchan, npol), (nx, ny) = shape, options.shape
        zeros, whole = self.store.zeros, (nchan, npol, ny, nx)
        self.planes = Planes(
            zeros((nchan, ny, nx)),
            zeros(whole),
            zeros(whole),
            self.store.full(whole, bool, True),
            np.zeros(nchan),
            [None] * nchan,
        )
        self._has_model: np.ndarray = np.zeros((nchan, npol), dtype=bool)
        # Planes of the residual that nothing has been gridded into since `begin_residual`.
        self._is_blank: np.ndarray = np.zeros((nchan, npol), dtype=bool)

    # Whether the density of uv samples is counted for each group of rows apart, and whether ranks can share the work.
    weights_apart = False
    is_shareable = True
    # Whether channels of a cube may be gridded at the same time.
    channels_apart = True
    # Whether each gridding makes the whole plane, so that the first needs none of zeros; and whether psf and residual may be made in one pass.
    _grids_whole = True
    grids_pairs = True

    @property
    def gridded(self) -> ImageField:
        """The field whose planes the visibilities are gridded into: this one, or the cube that it is made of."""
        return self

    def _make_cycle(self, minor: MinorOptions) -> MinorCycle | MultiTermCycle:
        return MinorCycle(minor)

    def change_minor(self, **changes: Any) -> None:
        """Deconvolve with some of the `MinorOptions` changed."""
        self.minor = replace(self.minor, **changes)
        self.cycle = self._make_cycle(self.minor)

    def view(self, block: VisibilityBlock) -> BlockView:
        """A block with the coordinates of this field."""
        if self._same_place:
            return BlockView(block, block.uvw_m)
        return BlockView(block, *rotate_phase_centre(block.uvw_m, self.main_centre, self.centre))

    def add_psf(self, view: BlockView, chan: int, freq_hz: np.ndarray, weight: np.ndarray) -> None:
        """Grid ones (row, chan) with their weights into the point spread function of a channel."""
        self._grid_onto(self.planes.psf[chan], self.planes.sumwt[chan] == 0, view, freq_hz, None, weight)
        self.planes.sumwt[chan] += float(weight.sum(dtype=np.float64))

    def add_pair(self, view: BlockView, chan: int, freq_hz: np.ndarray, vis: np.ndarray, weight: np.ndarray) -> None:
        """Do `add_psf`, and `add` for all polarizations (pol, row, chan): of a blank model, where nothing has been gridded yet."""
        self._pair_onto(
            self.planes.psf[chan], self.planes.residual[chan, 0], self.planes.sumwt[chan] == 0, view, freq_hz, vis[0], weight
        )
        self._is_blank[chan, 0] = False
        self.planes.sumwt[chan] += float(weight.sum(dtype=np.float64))
        for pol in range(1, len(vis)):
            self.add(view, chan, pol, freq_hz, vis[pol], weight)

    def _pair_onto(
        self, psf: np.ndarray, residual: np.ndarray, is_first: bool, view: BlockView, freq_hz: np.ndarray, vis: np.ndarray, weight: np.ndarray
    ) -> None:  # fmt: skip
        """As `_grid_onto`, of visibilities and of ones."""
        ones, image = (psf, residual) if is_first else (np.empty_like(psf), np.empty_like(residual))
        grid_pair(view.uvw_m, freq_hz, vis, weight, self.options, image, ones)
        if not is_first:
            psf += ones
            residual += image

    def _grid_onto(
        self, plane: np.ndarray, is_first: bool, view: BlockView, freq_hz: np.ndarray, vis: np.ndarray | None, weight: np.ndarray
    ) -> None:
        """Add gridded visibilities (ones without any) to a plane (y, x); the first are put in the place of what it holds."""
        if is_first:
            grid(view.uvw_m, freq_hz, vis, weight, self.options, into=plane)
        else:
            plane += grid(view.uvw_m, freq_hz, vis, weight, self.options)

    def shape_psf(self) -> None:
        """Make of the sums that `add_psf` gathered those of the point spread function that is deconvolved; the same ones here."""

    @property
    def has_samples(self) -> bool:
        """Whether samples with a weight have been gridded into the point spread functions."""
        return bool(self.planes.sumwt.any())

    def finish_psf(self, cutoff: float) -> None:
        """Normalize the point spread functions and fit their beams."""
        self.shape_psf()
        planes = self.planes
        for chan in self.store.each(range(len(planes.psf))):
            peak = float(planes.psf[chan].max())
            if planes.sumwt[chan] > 0 and peak > 0:
                planes.psf[chan] /= peak
        self.fit_beams(cutoff)

    def fit_beams(self, cutoff: float) -> None:
        """Fit the beams of the point spread functions that there are."""
        planes, cell = self.planes, self.options.cell_rad
        for chan in self.store.each(range(len(planes.beams))):
            if planes.sumwt[chan] > 0 and planes.psf[chan].max() > 0:
                beam = fit_beam(planes.psf[chan], cell, cutoff)
                planes.beams[chan] = beam
                self.sidelobe = max(self.sidelobe, sidelobe_level(planes.psf[chan], beam, cell))

    def channel_bytes(self) -> float:
        """What a channel of a cube takes while it is gridded: beam, residual, model, and the density of the samples."""
        nx, ny = self.options.shape
        return float(nx) * ny * (4 + 8 * self.planes.residual.shape[1] + 8)

    def clear(self) -> None:
        """Drop all arrays: what is left says where the image is and how it is gridded."""
        blank = np.zeros(0, np.float32)
        self.planes = Planes(blank, blank, blank, np.zeros(0, bool), np.zeros(0), [])
        self._mixing, self.store = None, PlaneStore()

    def seen_model(self, chan: int, pol: int | slice = slice(None)) -> np.ndarray:
        """The model (pol, y, x), or (y, x) of one polarization, as a channel of the residual sees it."""
        model = self.planes.model
        if self._mixing is None:
            return np.asarray(model[chan, pol])
        row = slice(*self._mixing.indptr[chan : chan + 2])
        total = np.zeros_like(model[chan, pol])
        for other, share in zip(self._mixing.indices[row], self._mixing.data[row].astype(np.float32), strict=True):
            total += share * model[other, pol]
        return total

    def model_on_sky(self) -> np.ndarray:
        """The model (chan or term, pol, y, x) of what is gridded, as flux densities on the sky."""
        return self.planes.model

    def sent_model(self, part: slice) -> np.ndarray:
        """The model (chan, pol, y, x) of some channels, for another rank's `predict`."""
        return np.stack([self.seen_model(chan) for chan in range(len(self.planes.model))[part]])

    def forget_psf(self) -> None:
        """Set what `add_psf` gathers to zero."""
        self.planes.psf[...], self.planes.sumwt[...] = 0, 0

    def psf_sums(self) -> tuple[Any, ...]:
        """What `add_psf` has gathered, for `take_psf_sums` of the same field in another rank."""
        return self.planes.psf, self.planes.sumwt

    def take_psf_sums(self, part: slice, sums: tuple[Any, ...]) -> None:
        """Add what another rank has gathered from its data, in its channels (`part`)."""
        self.planes.psf[part] += sums[0]
        self.planes.sumwt[part] += sums[1]

    def begin_residual(self) -> None:
        """Prepare a major cycle."""
        planes = self.planes
        filled = np.zeros(planes.model.shape[:2], dtype=bool)
        self._is_blank = np.full(planes.model.shape[:2], self._grids_whole)
        for chan in self.store.each(range(len(filled))):
            if not self._grids_whole:
                planes.residual[chan] = 0
            filled[chan] = planes.model[chan].any(axis=(1, 2))
        self._has_model = filled if self._mixing is None else (self._mixing != 0).astype(int) @ filled.astype(int) > 0

    def predict(self, view: BlockView, chan: int, pol: int, freq_hz: np.ndarray, used: np.ndarray) -> np.ndarray | None:
        """Visibilities (row, chan) complex64 of the model where `used` (row, chan); None when the model is blank."""
        if not self._has_model[chan, pol]:
            return None
        return degrid(view.uvw_m, freq_hz, self.seen_model(chan, pol), used, self.options)

    def add(self, view: BlockView, chan: int, pol: int, freq_hz: np.ndarray, vis: np.ndarray, weight: np.ndarray) -> None:
        """Grid visibilities (row, chan) into the residual."""
        self._grid_onto(self.planes.residual[chan, pol], bool(self._is_blank[chan, pol]), view, freq_hz, vis, weight)
        self._is_blank[chan, pol] = False

    def fill_blank(self) -> None:
        """Set what no visibilities were gridded into to zero: a pass over the data is over."""
        for chan, pol in self.store.each(np.argwhere(self._is_blank).tolist()):
            self.planes.residual[chan, pol] = 0
        self._is_blank[...] = False

    def finish_residual(self) -> None:
        """Normalize the residual."""
        planes = self.planes
        safe = np.where(planes.sumwt > 0, planes.sumwt, 1.0).astype(np.float32)
        for chan in self.store.each(range(len(planes.residual))):
            planes.residual[chan] /= safe[chan]

    def beam_power(self, chan: int) -> np.ndarray | None:
        """The primary beam of a channel (pol or 1, y, x) where the field itself knows it, once the point spread functions are made."""
        return None

    def beam_of(self, code: int) -> int:
        """Which of the field's beams a correlation is seen through; all through one here."""
        return 0

    def native_model(
        self,
        pol: int,
        uvw_m: np.ndarray,
        freq_hz: np.ndarray,
        image_chan: np.ndarray,
        group: np.ndarray | None = None,
        hand: int = 0,
    ) -> np.ndarray:
        """Model visibilities (row, chan) of data channels, each served by one channel of the image or by none (-1)."""
        out = np.zeros((len(uvw_m), len(freq_hz)), dtype=np.complex64)
        for chan in np.unique(image_chan[image_chan >= 0]):
            mine = np.flatnonzero(image_chan == chan)
            plane = self.planes.model[chan, pol]
            if plane.any():
                out[:, mine] = degrid(uvw_m, np.ascontiguousarray(freq_hz[mine]), plane, None, self.options)
        return out


class TaylorTerms(TermDeconvolver):
    """What image fields of Taylor terms in ``x = (f - f0) / f0`` share.

    Attributes
    ----------
    nterms : int
    reference_hz : float
        The frequency f0 of the terms.
    """

    nterms: int
    reference_hz: float
    options: GridOptions

    def _make_terms(self, npol: int) -> None:
        """Planes of the terms: beams up to twice the highest, one mask."""
        planes, (nx, ny) = self.planes, self.options.shape
        planes.psf = np.zeros((2 * self.nterms - 1, ny, nx), np.float32)
        planes.mask = np.ones((1, npol, ny, nx), bool)
        planes.sumwt = np.zeros(2 * self.nterms - 1)
        planes.beams = [None]

    def _make_cycle(self, minor: MinorOptions) -> MultiTermCycle:
        return MultiTermCycle(minor, self.nterms)

    def _power(self, freq_hz: np.ndarray, term: int) -> np.ndarray:
        return np.asarray(((freq_hz - self.reference_hz) / self.reference_hz) ** term, dtype=np.float32)


class TermField(TaylorTerms, ImageField):
    """A continuum image of Taylor terms in ``x = (f - f0) / f0``.

    Parameters
    ----------
    nterms : int
    reference_hz : float
        The frequency f0 of the terms.
    """

    def __init__(
        self,
        options: GridOptions,
        centre: Direction,
        main_centre: Direction,
        npol: int,
        minor: MinorOptions,
        nterms: int,
        reference_hz: float,
        number: int = 0,
    ) -> None:
        self.nterms, self.reference_hz = nterms, reference_hz
        super().__init__(options, centre, main_centre, (nterms, npol), minor, number)
        self._make_terms(npol)

    def add_psf(self, view: BlockView, chan: int, freq_hz: np.ndarray, weight: np.ndarray) -> None:
        """Grid the spectral beams: ones weighted with the powers of x up to twice the highest term."""
        is_first = self.planes.sumwt[0] == 0
        for term in range(2 * self.nterms - 1):
            scaled = weight * self._power(freq_hz, term) if term else weight
            self._grid_onto(self.planes.psf[term], is_first, view, freq_hz, None, scaled)
            self.planes.sumwt[term] += float(scaled.sum(dtype=np.float64))

    def add_pair(self, view: BlockView, chan: int, freq_hz: np.ndarray, vis: np.ndarray, weight: np.ndarray) -> None:
        """As `ImageField.add_pair`: the first spectral beams go with the residuals of their terms."""
        planes, is_first = self.planes, self.planes.sumwt[0] == 0
        for term in range(2 * self.nterms - 1):
            scaled = weight * self._power(freq_hz, term) if term else weight
            if term < self.nterms:
                self._pair_onto(planes.psf[term], planes.residual[term, 0], is_first, view, freq_hz, vis[0], scaled)
                self._is_blank[term, 0] = False
            else:
                self._grid_onto(planes.psf[term], is_first, view, freq_hz, None, scaled)
            planes.sumwt[term] += float(scaled.sum(dtype=np.float64))
        for pol in range(1, len(vis)):
            self.add(view, chan, pol, freq_hz, vis[pol], weight)

    def finish_psf(self, cutoff: float) -> None:
        """Normalize all spectral beams by the peak of the first and fit its beam."""
        self.shape_psf()
        self.planes.psf /= self.planes.psf[0].max()
        hessian_peak(self.planes.psf, self.nterms)  # refuses terms that the data do not tell apart
        self.fit_beams(cutoff)

    def predict(self, view: BlockView, chan: int, pol: int, freq_hz: np.ndarray, used: np.ndarray) -> np.ndarray | None:
        """Visibilities of the sum over terms."""
        if not self._has_model[:, pol].any():
            return None
        return self._sum_of_terms(view.uvw_m, pol, freq_hz, used)

    def _sum_of_terms(self, uvw_m: np.ndarray, pol: int, freq_hz: np.ndarray, used: np.ndarray | None) -> np.ndarray:
        total: np.ndarray | None = None
        for term in range(self.nterms):
            plane = self.planes.model[term, pol]
            if plane.any():
                found = degrid(uvw_m, freq_hz, plane, used, self.options)
                if term:
                    found *= self._power(freq_hz, term)
                total = found if total is None else np.add(total, found, out=total)
        return np.zeros((len(uvw_m), len(freq_hz)), dtype=np.complex64) if total is None else total

    def add(self, view: BlockView, chan: int, pol: int, freq_hz: np.ndarray, vis: np.ndarray, weight: np.ndarray) -> None:
        """Grid visibilities into the residuals of all terms."""
        for term in range(self.nterms):
            scaled = weight * self._power(freq_hz, term) if term else weight
            self._grid_onto(self.planes.residual[term, pol], bool(self._is_blank[term, pol]), view, freq_hz, vis, scaled)
            self._is_blank[term, pol] = False

    def finish_residual(self) -> None:
        """Normalize the residuals of all terms by the sum of weights."""
        self.planes.residual /= np.float32(self.planes.sumwt[0])

    def native_model(
        self,
        pol: int,
        uvw_m: np.ndarray,
        freq_hz: np.ndarray,
        image_chan: np.ndarray,
        group: np.ndarray | None = None,
        hand: int = 0,
    ) -> np.ndarray:
        """Model visibilities of data channels: the sum over terms."""
        return self._sum_of_terms(uvw_m, pol, freq_hz, None)
