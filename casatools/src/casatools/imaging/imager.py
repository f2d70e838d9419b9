"""Major and minor cycles over the planes of an image: what tclean runs, usable on its own.

Notes
-----
A major cycle makes the residual images of all planes from the data and the model; a minor cycle deconvolves them. Visibilities stay in memory when
they fit into the budget, and are streamed again from the MeasurementSets in each major cycle when not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from casatools._base.buffers import drop_idle
from casatools._base.errors import DataError, UnsupportedError
from casatools._base.memory import memory_budget_bytes
from casatools._base.progress import Progress
from casatools._base.threads import in_order, single_thread
from casatools.frames.directions import Direction
from casatools.imaging.block_joining import Joining
from casatools.imaging.cycle_control import FORCE_STOP, STOP_DESCRIPTIONS, CycleControl
from casatools.imaging.frequency_grid import SpectralAxis
from casatools.imaging.gridding import grid_side_by_side
from casatools.imaging.image_fields import BlockView, ImageField
from casatools.imaging.plane_deconvolver import clean_once
from casatools.imaging.plane_mixing import PlaneMixing
from casatools.imaging.visibilities import DataSource, VisibilityBlock
from casatools.imaging.weighting import GroupedWeights, ImagingWeights, WeightingOptions, counted_hands

if TYPE_CHECKING:
    from scipy.sparse import csr_array

__all__ = ["Imager", "ImagingData", "Steering", "bandwidth", "channel_mixing"]

Steering = Callable[[CycleControl, str], bool]
"""Decides before a minor cycle, given the reason to stop (empty when there is none), whether to go on; may change the limits."""


@dataclass
class ImagingData:
    """The visibilities that are imaged.

    Attributes
    ----------
    sources : list of DataSource
    planes : list of (str, {correlation: factor})
        As `visibilities.stokes_planes` gives them for each source's correlations; one list a source.
    centre : Direction
    axis : SpectralAxis
    is_cube : bool
    interpolation : str
    pseudo : bool
        Stokes I from whichever parallel hand is good.
    image_labels : list of str, optional
        Polarization planes of the image, where they are not those of the data.
    plane_mixing : PlaneMixing, optional
        How they are made of those of the data then.
    channels_at_once : int
        Channels of a cube that are read and gridded together, set by `plan_parts`; 0 for all.
    is_split : bool
        The image has channels, but the data are gridded at their own frequencies into the nearest one.
    counted : list of (DataSource, planes), optional
        What one density of all channels is counted from, where that is not `sources`.
    """

    sources: list[DataSource]
    planes: list[list[tuple[str, dict[int, complex]]]]
    centre: Direction
    axis: SpectralAxis
    is_cube: bool
    interpolation: str = "linear"
    pseudo: bool = False
    image_labels: list[str] | None = None
    plane_mixing: PlaneMixing | None = None
    channels_at_once: int = 0
    is_split: bool = False
    counted: list[tuple[DataSource, list[tuple[str, dict[int, complex]]]]] | None = None
    _held: list[VisibilityBlock] | None = field(default=None, repr=False)

    @property
    def labels(self) -> list[str]:
        """Names of the image's polarization planes."""
        return self.image_labels or [name for name, _ in self.planes[0]]

    @property
    def is_held(self) -> bool:
        """True once all visibilities are in memory."""
        return self._held is not None

    def forget(self) -> None:
        """Drop the visibilities that are in memory: they are read again when they are wanted."""
        self._held = None

    def density_factors(self, by_channel: bool) -> dict[int, float]:
        """Of each source of a cube, by how much frequencies in the image's frame are above those that densities are counted at, at its first time.

        The reference counts densities channel by channel at LSRK frequencies, those of all channels at the data's own, whatever the image's frame is;
        a cube of the data's own channels has no other.
        """
        if not self.is_cube:
            return {}
        counted = "LSRK" if by_channel and self.axis.frame else ""
        found = {}
        for source in self.sources:
            image, density = (
                source.factors(int(source.ddids[0]), frame, source.times_s[:1])[0] for frame in (self.axis.frame, counted)
            )
            found[source.number] = float(image / density)
        return found

    def mixing(self) -> csr_array | None:
        """What `channel_mixing` gives for these data; None for continuum."""
        if not self.is_cube or self.axis.tabular:
            return None
        source = self.sources[0]
        parts = [
            source.channels(int(d))[0] * float(np.median(source.factors(int(d), self.axis.frame, source.times_s)))
            for d in source.ddids
        ]
        return channel_mixing(self.axis, np.concatenate(parts), self.interpolation == "nearest")

    def sample_bytes(self) -> int:
        """Memory that the visibilities of one channel take."""
        rows = sum(len(source.resolved.rows) * max(1, len(source.hands)) for source in self.sources)
        return rows * (len(self.planes[0] if self.planes else []) * 8 + 4 + 24)

    def plan_parts(self, plane_bytes: float, is_mapped: bool) -> None:
        """Decide how many channels of a cube are done together.

        All of them, unless the planes are in files or the visibilities do not fit into memory: a part is then as much of both as fits,
        and each pass over the data reads every part's channels once.

        Parameters
        ----------
        plane_bytes : float
            What the planes of one channel take.
        is_mapped : bool
            The planes are in files.
        """
        budget, channel = memory_budget_bytes(), self.sample_bytes()
        if self.is_cube and self.axis.nchan > 1 and (is_mapped or channel * self.axis.nchan > budget // 2):
            self.channels_at_once = max(1, min(int(budget / 4 / max(channel, 1)), int(budget / 4 / plane_bytes)))

    def counted_blocks(self) -> Iterator[VisibilityBlock]:
        """All selected channels at their own frequencies, whether the image holds them or not."""
        for source, planes in self.counted or list(zip(self.sources, self.planes, strict=True)):
            yield from source.iter_blocks(planes, self.centre, None, self.interpolation, self.pseudo)

    def parts(self) -> list[slice]:
        """Channels of the image that are gridded together."""
        step = self.channels_at_once or max(1, self.axis.nchan)
        return [slice(k, min(k + step, self.axis.nchan)) for k in range(0, self.axis.nchan, step)]

    def part_blocks(self, part: slice) -> Iterator[VisibilityBlock]:
        """The data of one of `parts`."""
        if not self.channels_at_once:
            yield from self.blocks()
            return
        axis = replace(self.axis, frequencies_hz=self.axis.frequencies_hz[part])
        for source, planes in zip(self.sources, self.planes, strict=True):
            narrow = source.narrowed(axis)
            if narrow is None:
                continue
            for block in self._joined(narrow, planes, axis, memory_budget_bytes() // 4):
                block.first = part.start
                yield block

    def blocks(self) -> Iterator[VisibilityBlock]:
        """All data; kept after the first pass when they fit into memory."""
        if self._held is not None:
            yield from self._held
            return
        budget = memory_budget_bytes() // 2
        held: list[VisibilityBlock] | None = []
        size = 0
        for source, planes in zip(self.sources, self.planes, strict=True):
            merged = self._joined(source, planes, self.axis if self.is_cube else None, budget // 4)
            for block in (part for whole in merged for part in self._by_channel(whole)):
                size += block.nbytes
                if held is not None:
                    held.append(block)
                    if size > budget:
                        held = None
                yield block
        self._held = held
        if held is not None:
            # The files are not read again.
            drop_idle()

    def _joined(
        self, source: DataSource, planes: list[tuple[str, dict[int, complex]]], axis: SpectralAxis | None, limit: float
    ) -> Iterator[VisibilityBlock]:
        joining = Joining(source.rows_of(), limit, self.is_cube)
        return joining.joined(source.iter_blocks(planes, self.centre, axis, self.interpolation, self.pseudo, joining.room))

    def image_channels(self, source: DataSource, ddid: int, freq_hz: np.ndarray, times_s: np.ndarray) -> np.ndarray:
        """The channel of the image (chan,) int64 that each channel of the data is nearest to; -1 where the image does not reach."""
        if not (self.is_cube or self.is_split):
            return np.zeros(len(freq_hz), dtype=np.int64)
        factor = float(np.median(source.factors(ddid, self.axis.frame, times_s)))
        nearest = np.rint((freq_hz * factor - self.axis.frequencies_hz[0]) / self.axis.width_hz).astype(np.int64)
        return np.where((nearest >= 0) & (nearest < self.axis.nchan), nearest, -1)

    def _by_channel(self, block: VisibilityBlock) -> Iterator[VisibilityBlock]:
        """A block, or its parts that go into each channel of the image, where channels of the data are put together to those of a cube."""
        if not self.is_split:
            yield block
            return
        source = self.sources[block.source]
        numbers = self.image_channels(source, block.ddid, block.freq_hz, source.times_s)
        for chan in np.unique(numbers[numbers >= 0]).tolist():
            mine = np.flatnonzero(numbers == chan)
            part = slice(int(mine[0]), int(mine[-1]) + 1)
            vis, weight = np.ascontiguousarray(block.vis[:, :, part]), np.ascontiguousarray(block.weight[:, part])
            yield replace(block, freq_hz=block.freq_hz[part], vis=vis, weight=weight, first=chan)


def channel_mixing(axis: SpectralAxis, data_hz: np.ndarray, nearest: bool) -> csr_array | None:
    """How much of the model of each image channel (columns) is seen in each channel (rows) of the residual.

    The model is predicted for the channels of the data, by interpolation between the channels of the image, and these are interpolated to the image's channels
    again. None stands for the unit matrix, which it is when the two sets of channels agree. A few neighbours see each other, whatever the number of channels.
    """
    from scipy.sparse import csr_array, eye_array

    nchan = axis.nchan
    if nchan < 2 or len(data_hz) < 2 or nearest:
        return None
    order = np.argsort(data_hz)
    data = data_hz[order]
    image = (data - axis.frequencies_hz[0]) / axis.width_hz
    low = np.clip(np.floor(image).astype(int), 0, nchan - 2)
    part = np.clip(image - low, 0.0, 1.0)
    rows = np.arange(len(data))
    to_data = csr_array(
        (np.concatenate([1.0 - part, part]), (np.tile(rows, 2), np.concatenate([low, low + 1]))), (len(data), nchan)
    )
    count = max(1, int(np.floor(abs(axis.width_hz) / float(np.median(np.diff(data))) + 1e-6)))
    to_image, rows = csr_array((nchan, len(data))), np.arange(nchan)
    for sample in range(count):
        hz = axis.frequencies_hz + axis.width_hz * ((sample + 0.5) / count - 0.5)
        at = np.clip(np.searchsorted(data, hz, side="right") - 1, 0, len(data) - 2)
        share = np.clip((hz - data[at]) / (data[at + 1] - data[at]), 0.0, 1.0)
        both = np.concatenate([1.0 - share, share]) / count
        to_image += csr_array((both, (np.tile(rows, 2), np.concatenate([at, at + 1]))), (nchan, len(data)))
    mixing = to_image @ to_data
    mixing.eliminate_zeros()
    return None if abs(mixing - eye_array(nchan)).max() < 0.02 else mixing


class Imager:
    """Makes and deconvolves the images of a run from the visibilities they share.

    Parameters
    ----------
    data : ImagingData
    fields : sequence of ImageField
        The main image first; it sets the weights of the visibilities.
    weighting : WeightingOptions
    per_channel : bool
        Densities of the weighting are kept channel by channel.
    psf_cutoff : float
        For the fit of the beam.
    """

    def __init__(
        self,
        data: ImagingData,
        fields: Sequence[ImageField],
        weighting: WeightingOptions,
        per_channel: bool = True,
        psf_cutoff: float = 0.35,
    ) -> None:
        self.data, self.fields, self.psf_cutoff = data, list(fields), psf_cutoff
        main = self.fields[0].options
        # A cube of one channel is weighted channel by channel too.
        apart = per_channel and data.is_cube
        self.weights: ImagingWeights | GroupedWeights = ImagingWeights(
            main.shape,
            main.cell_rad,
            weighting,
            data.axis.nchan if apart else 1,
            bandwidth(data.axis),
            apart,
            self.fields[0].store,
            counted_hands(data.labels),
            data.density_factors(apart),
        )
        data.plan_parts(sum(image.channel_bytes() for image in self.fields), any(image.store.is_mapped for image in self.fields))
        if self.fields[0].weights_apart and self.weights.needs_density:
            self.weights = GroupedWeights(self.weights)
        # A density of uv samples (plane, x, y) that is used in the place of the data's own.
        self.given_density: np.ndarray | None = None
        self._block_weights: dict[tuple[int, int | None], np.ndarray] = {}
        self._is_settled = False
        # The data were gridded with the point spread functions, and no major cycle has used that yet.
        self._has_pairs = False

    def make_psf(self, and_residual: bool = False) -> None:
        """Gather the weights, make the point spread functions, fit their beams.

        Parameters
        ----------
        and_residual : bool
            A major cycle will follow: where models are blank, the data are gridded in the same pass.

        Raises
        ------
        DataError
            All selected data are flagged, or the weighting leaves none any weight.
        """
        self.gather_some()
        self.take_given_density()
        self.weigh()
        if and_residual and self._takes_pairs():
            self._grid_pairs()
        else:
            self.grid_psf()
        self.finish_psf()

    def one_density(self) -> ImagingWeights | None:
        """The weights that keep one density for all fields; None where the weighting has none.

        Raises
        ------
        UnsupportedError
            Each field of a mosaic has a density of its own.
        """
        if isinstance(self.weights, GroupedWeights):
            raise UnsupportedError(
                "densities of uv samples of each field of a mosaic are not written to images, which have no axis for fields; use multifield=False in setweighting, or getweightgrid of imager"
            )
        return self.weights if self.weights.needs_density else None

    def take_given_density(self) -> None:
        """Put `given_density`, where there is one, in the place of that of the data, which has been gathered.

        Raises
        ------
        DataError
            It does not fit.
        """
        density = self.given_density
        if density is None:
            return
        needed = self.weights.grids().shape if self.weights.needs_density else None
        if needed != density.shape:
            cells = "none" if needed is None else f"{needed[1:]} in {needed[0]} planes"
            raise DataError(
                f"the density of uv samples that was given has {density.shape[1:]} cells in {density.shape[0]} planes; the weighting needs {cells}"
            )
        self.weights.take_grids(density)

    def finish_psf(self) -> None:
        """Normalize the point spread functions and fit their beams.

        Raises
        ------
        DataError
            The weighting has left no sample any weight.
        """
        self.require_samples()
        for image in self.fields:
            image.finish_psf(self.psf_cutoff)

    def require_samples(self) -> None:
        """See that what has been gridded holds a sample with a weight.

        Raises
        ------
        DataError
            The weighting has left no sample any weight.
        """
        if not any(image.has_samples for image in self.fields):
            raise DataError(
                "the weighting leaves no weight to any sample of the images, or their uv grid holds none: there is nothing to image; give a wider uvtaper, or smaller cells"
            )

    def gather(self) -> float:
        """Take the samples into the densities of the weighting; gives the sum of the weights of the cross-correlations."""
        self._block_weights.clear()
        self._has_pairs = False
        if self._is_settled:
            # What is in memory has lost the weights of the data.
            self.data.forget()
            self._is_settled = False
        total = 0.0
        # One density of a cube is that of all channels which are selected, as in CASA.
        whole = self.data.is_cube and self.weights.needs_density and not self.weights.by_channel
        for block in self.data.counted_blocks() if whole else ():
            self.weights.gather(block)
        for part in self._parts():
            for block in self.data.part_blocks(part):
                if not whole:
                    self.weights.gather(block)
                # Autocorrelations shape the densities, but they are not imaged.
                imaged = block.weight if block.cross is None else block.weight[block.cross]
                total += float(imaged.sum(dtype=np.float64))
        return total

    def gather_some(self) -> None:
        """`gather` where there must be something.

        Raises
        ------
        DataError
            All selected data are flagged, have no weight, or lie beyond the channels of the image.
        """
        if self.gather() <= 0:
            where = f" in the channels of the image, {self.data.axis.reach_text()}," if self.data.is_cube else ""
            raise DataError(f"all selected data{where} are flagged or have no weight: there is nothing to image")

    def weigh(self) -> None:
        """All samples are in the densities: make the imaging weights."""
        self.weights.finish()
        self.settle()

    def settle(self) -> None:
        """Put imaging weights in the place of the weights of the data where these stay in memory, and drop what they were made with."""
        if not self.data.is_held:
            return
        for block in self.data.blocks():
            if self.data.is_cube:
                for k in range(block.weight.shape[1]):
                    block.weight[:, k : k + 1] = self.weights.weights(block, block.first + k)
            else:
                block.weight = self.weights.weights(block)
        self._block_weights.clear()
        self.weights.drop()
        drop_idle()
        self._is_settled = True

    def _parts(self) -> Iterator[slice]:
        """Parts of the channels, one after the other; the planes of one are let go of before the next."""
        for part in self.data.parts():
            yield part
            for image in self.fields:
                image.store.let_go()

    def grid_psf(self) -> None:
        """Grid the point spread functions, not yet normalized."""
        for part in self._parts():
            for block in self.data.part_blocks(part):
                self._each_channel(block, self._add_psf)

    def _each_channel(
        self, block: VisibilityBlock, work: Callable[[list[BlockView], int, np.ndarray], None], progress: Progress | None = None
    ) -> None:
        """Grid the channels of the image that a block goes into; those of cubes of small planes side by side in threads."""
        views = [image.view(block) for image in self.fields]

        def one(item: tuple[int, np.ndarray]) -> None:
            with single_thread():
                work(views, *item)

        if self._takes_threads():
            for _ in in_order(one, self._weighted(block)):
                if progress is not None:
                    progress.advance()
            return
        for chan, weight in self._weighted(block):
            work(views, chan, weight)
            if progress is not None:
                progress.advance()

    def _takes_threads(self) -> bool:
        """Whether channels of small planes are gridded side by side."""
        fits = all(image.channels_apart and grid_side_by_side(image.options) for image in self.fields)
        return self.data.is_cube and fits

    def _add_psf(self, views: list[BlockView], chan: int, weight: np.ndarray) -> None:
        block = views[0].block
        freq = block.freq_hz[self._channels(block, chan)]
        for image, view in zip(self.fields, views, strict=True):
            image.add_psf(view, chan, freq, weight)

    # Whether this process grids by itself.
    _grids_here = True

    def _is_blank(self) -> bool:
        """Whether no field has a model."""
        return not any(plane.any() for image in self.fields for plane in image.planes.model)

    def _takes_pairs(self) -> bool:
        able = all(image.grids_pairs and not image.store.is_mapped for image in self.fields)
        return self._grids_here and able and self._is_blank()

    def _grid_pairs(self) -> None:
        """Grid the point spread functions and the data in one pass, not yet normalized."""
        for image in self.fields:
            image.begin_residual()
        with Progress(self.data.axis.nchan, "imaging") as progress:
            for part in self._parts():
                for block in self.data.part_blocks(part):
                    self._each_channel(block, self._add_pair, progress)
        for image in self.fields:
            image.fill_blank()
        self._has_pairs = True

    def _add_pair(self, views: list[BlockView], chan: int, weight: np.ndarray) -> None:
        block = views[0].block
        part = self._channels(block, chan)
        freq = block.freq_hz[part]
        for image, view in zip(self.fields, views, strict=True):
            turn = view.turn(freq)
            image.add_pair(view, chan, freq, block.vis[:, :, part] if turn is None else block.vis[:, :, part] * turn, weight)

    def _channels(self, block: VisibilityBlock, chan: int) -> slice:
        """Channels of a block that go into a channel of the image."""
        return slice(chan - block.first, chan - block.first + 1) if self.data.is_cube else slice(None)

    def _weighted(self, block: VisibilityBlock) -> Iterator[tuple[int, np.ndarray]]:
        """Image channels that a block goes into, with weights (row, chan)."""
        if not self.data.is_cube:
            yield block.first, self._held_weights(block)
            return
        for chan in range(block.first, block.first + block.weight.shape[1]):
            if block.weight[:, chan - block.first].any():
                yield chan, self._held_weights(block, chan)

    def _held_weights(self, block: VisibilityBlock, chan: int | None = None) -> np.ndarray:
        """The weights (row, chan) of a continuum block, or (row, 1) of a channel; computed once for blocks that stay in memory."""
        if self._is_settled:
            return block.weight if chan is None else block.weight[:, chan - block.first : chan - block.first + 1]
        if not self.data.is_held:
            return self.weights.weights(block, chan)
        place = (id(block), chan)
        found = self._block_weights.get(place)
        if found is None:
            found = self._block_weights[place] = self.weights.weights(block, chan)
        return found

    def major_cycle(self) -> None:
        """Make the residual images from the data and the models of all fields."""
        is_made, self._has_pairs = self._has_pairs and self._is_blank(), False
        if not is_made:
            for image in self.fields:
                image.begin_residual()
            self.grid_residual()
        for image in self.fields:
            image.finish_residual()
            image.store.let_go()

    def close(self) -> None:
        """Nothing is held outside this process."""

    def grid_residual(self) -> None:
        """Grid the data less the models, not yet normalized."""
        with Progress(self.data.axis.nchan, "imaging") as progress:
            for part in self._parts():
                for block in self.data.part_blocks(part):
                    self._each_channel(block, self._add_channel, progress)
        for image in self.fields:
            image.fill_blank()

    def _add_channel(self, views: list[BlockView], chan: int, weight: np.ndarray) -> None:
        """Subtract all models from the data of one channel of the image (of all channels for continuum) and grid what is left."""
        block = views[0].block
        part = self._channels(block, chan)
        freq = block.freq_hz[part]
        turns = [view.turn(freq) for view in views]
        for pol in range(len(block.vis)):
            vis = np.ascontiguousarray(block.vis[pol][:, part])
            for image, view, turn in zip(self.fields, views, turns, strict=True):
                model = image.predict(view, chan, pol, freq, weight > 0)
                if model is not None:
                    if turn is not None:
                        model *= np.conj(turn)
                    # What is left takes the place of the model.
                    vis = np.subtract(vis, model, out=model)
            for image, view, turn in zip(self.fields, views, turns, strict=True):
                image.add(view, chan, pol, freq, vis if turn is None else vis * turn, weight)

    def clean(self, control: CycleControl, steer: Steering | None = None, after_major: Callable[[], None] | None = None) -> None:
        """Alternate minor and major cycles until a stopping rule holds; the residuals must have been made.

        Parameters
        ----------
        control : CycleControl
        steer : callable, optional
            Asked before each minor cycle, with the reason to stop if there is one: False ends the loop. Without it the rules decide.
        after_major : callable, optional
            Called after each major cycle.
        """
        control.sidelobe = max(image.sidelobe for image in self.fields)
        # Masks that are made from the residuals are still blank; the depth of a first cycle is told all the same.
        control.note_depth(self.peak() or max(image.peak_anywhere() for image in self.fields))
        with Progress(control.options.niter, "cleaning") as progress:
            while self._goes_on(control, steer):
                before = control.done
                clean_once(self.fields, control)
                drop_idle()  # what cleaning took is not needed while data are gridded
                self.major_cycle()
                control.after_major()
                control.note_depth(self.peak())
                progress.advance(control.done - before)
                if after_major is not None:
                    after_major()

    def _goes_on(self, control: CycleControl, steer: Steering | None) -> bool:
        over = self._is_over(control)
        if steer is None:
            return not over
        if not steer(control, STOP_DESCRIPTIONS[control.stop_code] if over else ""):
            control.stop_code = control.stop_code or FORCE_STOP
            return False
        control.stop_code = 0
        return True

    def _is_over(self, control: CycleControl) -> bool:
        """Make the masks of the next minor cycle where they follow the residuals, and decide whether there is to be one."""
        used = [image.store.copy(image.planes.mask) if image.auto_mask is not None else None for image in self.fields]
        for image in self.fields:
            image.update_mask(control.at_threshold)
        nsigma = control.options.nsigma
        below = nsigma > 0 and all(image.is_below(image.noise_thresholds(nsigma)) for image in self.fields)
        over = control.stops(self.peak(), below, not any(image.planes.mask.any() for image in self.fields))
        if over and control.done:
            # The mask kept is the one that components were found in.
            for image, mask in zip(self.fields, used, strict=True):
                if mask is not None:
                    image.planes.mask[...] = mask
        return over

    def peak(self) -> float:
        """Greatest absolute residual in the masks of all fields."""
        return max(image.peak() for image in self.fields)


def bandwidth(axis: SpectralAxis) -> float:
    """Fractional bandwidth between the centres of the outermost channels."""
    low, high = float(axis.frequencies_hz.min()), float(axis.frequencies_hz.max())
    return 2.0 * (high - low) / (high + low)
