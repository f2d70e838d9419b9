"""Major and minor cycles over the planes of an image: what tclean runs, usable on its own.

Notes
-----
A major cycle makes the residual images of all planes from the data and the model; a minor cycle deconvolves them. Visibilities stay in memory when
they fit into the budget, and are streamed again from the MeasurementSets in each major cycle when not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from casatools._base.errors import DataError
from casatools._base.memory import memory_budget_bytes
from casatools._base.progress import Progress
from casatools.frames.directions import Direction
from casatools.imaging.beam_fit import fit_beam, sidelobe_level
from casatools.imaging.cycle_control import CycleControl
from casatools.imaging.frequency_grid import SpectralAxis
from casatools.imaging.gridding import GridOptions, degrid, grid
from casatools.imaging.minor_cycle import MinorCycle
from casatools.imaging.plane_deconvolver import PlaneDeconvolver, Planes
from casatools.imaging.visibilities import DataSource, VisibilityBlock
from casatools.imaging.weighting import ImagingWeights, WeightingOptions
from casatools.kernels.clean_hogbom import peak_in_mask

__all__ = ["Imager", "ImagingData", "Planes"]


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
    """

    sources: list[DataSource]
    planes: list[list[tuple[str, dict[int, complex]]]]
    centre: Direction
    axis: SpectralAxis
    is_cube: bool
    interpolation: str = "linear"
    pseudo: bool = False
    _held: list[VisibilityBlock] | None = field(default=None, repr=False)

    @property
    def labels(self) -> list[str]:
        """Names of the image's polarization planes."""
        return [name for name, _ in self.planes[0]]

    def blocks(self) -> Iterator[VisibilityBlock]:
        """All data; kept after the first pass when they fit into memory."""
        if self._held is not None:
            yield from self._held
            return
        budget = memory_budget_bytes() // 2
        held: list[VisibilityBlock] | None = []
        size = 0
        for source, planes in zip(self.sources, self.planes, strict=True):
            stream = source.iter_blocks(planes, self.centre, self.axis if self.is_cube else None, self.interpolation, self.pseudo)
            merged = _merge(stream, budget // 4)
            for block in merged:
                size += block.nbytes
                if held is not None:
                    held.append(block)
                    if size > budget:
                        held = None
                yield block
        self._held = held


def _merge(blocks: Iterator[VisibilityBlock], limit: int) -> Iterator[VisibilityBlock]:
    """Join blocks of one data description up to a size: fewer Fourier transforms; channels first for cubes is left to the gridder."""
    waiting: dict[int, list[VisibilityBlock]] = {}
    for block in blocks:
        group = waiting.setdefault(block.ddid, [])
        group.append(block)
        if sum(b.nbytes for b in group) > limit:
            yield _joined(waiting.pop(block.ddid))
    for group in waiting.values():
        yield _joined(group)


def _joined(group: Sequence[VisibilityBlock]) -> VisibilityBlock:
    first = group[0]
    if len(group) == 1:
        return first
    return VisibilityBlock(
        np.concatenate([b.uvw_m for b in group]),
        np.mean([b.freq_hz for b in group], axis=0),
        np.concatenate([b.vis for b in group], axis=1),
        np.concatenate([b.weight for b in group]),
        first.source,
        np.concatenate([b.rows for b in group]),
        first.ddid,
        np.concatenate([b.cross if b.cross is not None else np.ones(len(b.rows), bool) for b in group])
        if any(b.cross is not None for b in group)
        else None,
    )


def channel_mixing(axis: SpectralAxis, data_hz: np.ndarray, nearest: bool) -> np.ndarray | None:
    """How much of the model of each image channel (columns) is seen in each channel (rows) of the residual.

    The model is predicted for the channels of the data, by interpolation between the channels of the image, and these are interpolated to the image's channels
    again. None stands for the unit matrix, which it is when the two sets of channels agree.
    """
    nchan = axis.nchan
    if nchan < 2 or len(data_hz) < 2 or nearest:
        return None
    order = np.argsort(data_hz)
    data = data_hz[order]
    image = (data - axis.frequencies_hz[0]) / axis.width_hz
    low = np.clip(np.floor(image).astype(int), 0, nchan - 2)
    part = np.clip(image - low, 0.0, 1.0)
    to_data = np.zeros((len(data), nchan))
    to_data[np.arange(len(data)), low] += 1.0 - part
    to_data[np.arange(len(data)), low + 1] += part
    count = max(1, int(np.floor(abs(axis.width_hz) / float(np.median(np.diff(data))) + 1e-6)))
    to_image = np.zeros((nchan, len(data)))
    for sample in range(count):
        hz = axis.frequencies_hz + axis.width_hz * ((sample + 0.5) / count - 0.5)
        at = np.clip(np.searchsorted(data, hz, side="right") - 1, 0, len(data) - 2)
        share = np.clip((hz - data[at]) / (data[at + 1] - data[at]), 0.0, 1.0)
        to_image[np.arange(nchan), at] += (1.0 - share) / count
        to_image[np.arange(nchan), at + 1] += share / count
    mixing = to_image @ to_data
    return None if np.abs(mixing - np.eye(nchan)).max() < 0.02 else mixing


class Imager(PlaneDeconvolver):
    """Makes and deconvolves the planes of one image.

    Parameters
    ----------
    data : ImagingData
    options : GridOptions
    weighting : WeightingOptions
    per_channel : bool
        Densities of the weighting are kept channel by channel.
    psf_cutoff : float
        For the fit of the beam.
    """

    def __init__(
        self,
        data: ImagingData,
        options: GridOptions,
        weighting: WeightingOptions,
        per_channel: bool = True,
        psf_cutoff: float = 0.35,
    ) -> None:
        self.data, self.options, self.psf_cutoff = data, options, psf_cutoff
        nchan = data.axis.nchan
        self.weights = ImagingWeights(
            options.shape, options.cell_rad, weighting, nchan if per_channel and data.is_cube else 1, _bandwidth(data.axis)
        )
        nx, ny = options.shape
        npol = len(data.labels)
        self.planes = Planes(
            np.zeros((nchan, ny, nx), np.float32), np.zeros((nchan, npol, ny, nx), np.float32), np.zeros((nchan, npol, ny, nx), np.float32),
            np.ones((nchan, npol, ny, nx), bool), np.zeros(nchan), [None] * nchan,
        )  # fmt: skip
        self.sidelobe = 0.0
        self._mixing = self._channel_mixing()

    def _channel_mixing(self) -> np.ndarray | None:
        data = self.data
        if not data.is_cube or data.axis.tabular:
            return None
        source = data.sources[0]
        parts = [
            source.channels(int(d))[0] * float(np.median(source.factors(int(d), data.axis.frame, source.times_s)))
            for d in source.ddids
        ]
        return channel_mixing(data.axis, np.concatenate(parts), data.interpolation == "nearest")

    def make_psf(self) -> None:
        """Gather the weights, make the point spread functions, fit their beams.

        Raises
        ------
        DataError
            All selected data are flagged.
        """
        total = 0.0
        for block in self.data.blocks():
            self.weights.gather(block)
            total += float(block.weight.sum(dtype=np.float64))
        if total <= 0:
            raise DataError("all selected data are flagged or have no weight: there is nothing to image")
        self.weights.finish()
        planes = self.planes
        for block in self.data.blocks():
            for chan, weight in self._weighted(block):
                part = slice(chan, chan + 1) if self.data.is_cube else slice(None)
                ones = np.ones(weight.shape, dtype=np.complex64)
                planes.sumwt[chan] += float(weight.sum(dtype=np.float64))
                planes.psf[chan] += grid(block.uvw_m, block.freq_hz[part], ones, weight, self.options)
        for chan in range(self.data.axis.nchan):
            peak = float(planes.psf[chan].max())
            if planes.sumwt[chan] <= 0 or peak <= 0:
                continue
            planes.psf[chan] /= peak
            beam = fit_beam(planes.psf[chan], self.options.cell_rad, self.psf_cutoff)
            planes.beams[chan] = beam
            self.sidelobe = max(self.sidelobe, sidelobe_level(planes.psf[chan], beam, self.options.cell_rad))

    def _weighted(self, block: VisibilityBlock) -> Iterator[tuple[int, np.ndarray]]:
        """Image channels that a block goes into, with weights (row, chan)."""
        if not self.data.is_cube:
            yield 0, self.weights.weights(block)
            return
        for chan in range(self.data.axis.nchan):
            if block.weight[:, chan].any():
                yield chan, self.weights.weights(block, chan)

    def major_cycle(self) -> None:
        """Make the residual images from the data and the model."""
        planes = self.planes
        planes.residual[...] = 0
        model = planes.model if self._mixing is None else np.tensordot(self._mixing.astype(np.float32), planes.model, axes=(1, 0))
        has_model = np.asarray(model.any(axis=(2, 3)))
        with Progress(self.data.axis.nchan, "imaging") as progress:
            for block in self.data.blocks():
                for chan, weight in self._weighted(block):
                    part = slice(chan, chan + 1) if self.data.is_cube else slice(None)
                    freq = block.freq_hz[part]
                    for pol in range(planes.residual.shape[1]):
                        vis = np.ascontiguousarray(block.vis[pol][:, part])
                        if has_model[chan, pol]:
                            vis = vis - degrid(block.uvw_m, freq, model[chan, pol], weight > 0, self.options)
                        planes.residual[chan, pol] += grid(block.uvw_m, freq, vis, weight, self.options)
                    progress.advance()
        safe = np.where(planes.sumwt > 0, planes.sumwt, 1.0)
        planes.residual /= safe[:, None, None, None].astype(np.float32)

    def clean(self, control: CycleControl, cycle: MinorCycle) -> None:
        """Alternate minor and major cycles until a stopping rule holds; the residual must have been made."""
        control.sidelobe = self.sidelobe
        while True:
            nsigma = control.options.nsigma
            peaks_below = False
            if nsigma > 0:
                limits: np.ndarray = self.noise_thresholds(nsigma)
                peaks_below = all(
                    float(peak_in_mask(self.planes.residual[c, p], self.planes.mask[c, p])[0]) <= limits[c, p]
                    for c in range(limits.shape[0])
                    for p in range(limits.shape[1])
                )
            if control.stops(self.peak(), peaks_below, not self.planes.mask.any()):
                return
            self.minor_cycle(control, cycle)
            self.major_cycle()
            control.after_major()
            control.begin_minor(self.peak())  # the record shows the depth that a next cycle would have


def _bandwidth(axis: SpectralAxis) -> float:
    """Fractional bandwidth between the centres of the outermost channels."""
    low, high = float(axis.frequencies_hz.min()), float(axis.frequencies_hz.max())
    return 2.0 * (high - low) / (high + low)
