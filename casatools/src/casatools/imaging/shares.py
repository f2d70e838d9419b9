"""Imaging by all ranks of an MPI job: a continuum image by rows of the data, a cube by channels.

Each rank holds its share of the visibilities between major cycles and grids them; this process adds up what they made (rows) or
puts it side by side (channels), normalizes, and steers. The planes of a cube are deconvolved by all ranks too. Of a cube whose planes are in files ranks
grid pieces, and hold nothing between. A virtual cube (specmode='mvc') is shared by rows.

References
----------
Golap et al. 2012, ADASS XXI, "Parallelization in CASA's imager": major cycles by rows for continuum, by channels for cubes.
"""

from __future__ import annotations

import copy
import itertools
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from casatools._base import log
from casatools._base.executor import executor
from casatools.imaging.image_fields import ImageField
from casatools.imaging.imager import Imager, ImagingData, bandwidth
from casatools.imaging.plane_deconvolver import Planes
from casatools.imaging.weighting import GroupedWeights, ImagingWeights, WeightingOptions, counted_hands

__all__ = ["PiecewiseImager", "SharedImager", "make_imager"]

_numbers = itertools.count()
# The shares that this rank holds, by the run they belong to.
_held: dict[str, Imager] = {}


def make_imager(
    data: ImagingData, fields: Sequence[ImageField], weighting: WeightingOptions, per_channel: bool, cutoff: float, parallel: bool
) -> Imager:
    """The imager of a run: shared between ranks for cubes always, for continuum images when `parallel` asks for it."""
    ranks, mapped = executor().workers > 1, any(image.store.is_mapped for image in fields)
    if ranks and (parallel or data.is_cube) and all(image.is_shareable for image in fields):
        # What ranks hold between cycles are their shares of the planes: those of a cube in files do not fit.
        return (PiecewiseImager if mapped else SharedImager)(data, fields, weighting, per_channel, cutoff)
    if parallel:
        log.post("tclean: parallel=True, but there are no MPI ranks; this process does everything")
    return Imager(data, fields, weighting, per_channel, cutoff)


@dataclass(frozen=True)
class _Share:
    """What a rank is sent to begin with."""

    key: str
    data: ImagingData
    fields: list[ImageField]
    shapes: list[tuple[tuple[int, ...], tuple[int, ...], int]]
    weighting: WeightingOptions
    by_channel: bool
    bandwidth: float


def _begin(share: _Share) -> None:
    fields = []
    for stub, (psf, residual, sums) in zip(share.fields, share.shapes, strict=True):
        image = copy.copy(stub)
        blank = np.zeros(residual, np.float32)
        image.planes = Planes(np.zeros(psf, np.float32), blank, blank, np.zeros(0, bool), np.zeros(sums), [])
        fields.append(image)
    imager = Imager(share.data, fields, share.weighting)
    main = fields[0].options
    planes = share.data.axis.nchan if share.by_channel else 1
    weights = ImagingWeights(
        main.shape,
        main.cell_rad,
        share.weighting,
        planes,
        share.bandwidth,
        share.by_channel,
        hands=counted_hands(share.data.labels),
        density_factors=share.data.density_factors(share.by_channel),
    )
    apart = fields[0].weights_apart and weights.needs_density
    imager.weights = GroupedWeights(weights) if apart else weights
    _held[share.key] = imager


_Densities = dict[Any, tuple[np.ndarray, np.ndarray]]


def _gather(key: str) -> tuple[_Densities, float]:
    """Densities of the share with their sums of weights, and the sum of weights of the data."""
    imager = _held[key]
    total = imager.gather()
    # Densities channel by channel concern this rank only.
    return ({} if imager.weights.by_channel else imager.weights.sums()), total


def _added(parts: Sequence[_Densities]) -> _Densities:
    """The sums of all shares."""
    out: _Densities = {}
    for part in parts:
        for name, (density, total) in part.items():
            old = out.get(name)
            out[name] = (density, total) if old is None else (old[0] + density, old[1] + total)
    return out


def _weigh(order: tuple[str, _Densities]) -> None:
    key, densities = order
    imager = _held[key]
    if densities:
        imager.weights.take_sums(densities)
    imager.weigh()


def _grid_psf(key: str) -> list[tuple[Any, ...]]:
    imager = _held[key]
    for image in imager.fields:
        image.forget_psf()
    imager.grid_psf()
    return [image.psf_sums() for image in imager.fields]


def _grid_residual(order: tuple[str, list[np.ndarray]]) -> list[np.ndarray]:
    key, models = order
    imager = _held[key]
    for image, model in zip(imager.fields, models, strict=True):
        image.planes.model, image.planes.residual = model, np.zeros_like(model)
        image.begin_residual()
    imager.grid_residual()
    return [image.planes.residual for image in imager.fields]


def _end(key: str) -> None:
    imager = _held.pop(key, None)
    for source in imager.data.sources if imager else []:
        if source.ms.is_copy:
            source.close()


class SharedImager(Imager):
    """An imager whose visibilities are held and gridded by all ranks; otherwise as `Imager`."""

    _grids_here = False

    def __init__(
        self, data: ImagingData, fields: Sequence[ImageField], weighting: WeightingOptions, per_channel: bool, cutoff: float
    ) -> None:
        super().__init__(data, fields, weighting, per_channel, cutoff)
        self._key = f"{os.getpid()}-{next(_numbers)}"
        self._densities: _Densities = {}
        # Ranks grid, this process has nothing else to do with the visibilities.
        self.gridded = [image.gridded for image in self.fields]
        for image in self.fields:
            image.spread_minor = data.is_cube
        self._cut(weighting, per_channel and data.is_cube)

    def _cut(self, weighting: WeightingOptions, by_channel: bool) -> None:
        """Give each rank its share."""
        data, over = self.data, executor()
        nchan = data.axis.nchan
        cut = np.array_split(np.arange(nchan), min(over.workers, nchan)) if data.is_cube else []
        # The planes of the whole image that each rank makes a part of (cube) or a summand of (continuum).
        self._slices = [slice(int(c[0]), int(c[-1]) + 1) for c in cut] or [slice(None)] * over.workers
        shares = [self._share(k, part, weighting, by_channel) for k, part in enumerate(self._slices)]
        over.each(_begin, shares)
        log.post(f"tclean: visibilities shared by {len(shares)} MPI ranks, {'channels' if data.is_cube else 'rows'} each its own")

    def _share(self, number: int, part: slice, weighting: WeightingOptions, by_channel: bool) -> _Share:
        data, fields, shapes = self.data, [], []
        axis = data.axis
        sources, planes_of = data.sources, data.planes
        if data.is_cube:
            axis = replace(axis, frequencies_hz=axis.frequencies_hz[part])
            narrow = [(source.narrowed(axis), planes) for source, planes in zip(data.sources, data.planes, strict=True)]
            sources, planes_of = [s for s, _ in narrow if s is not None], [p for s, p in narrow if s is not None]
        else:
            sources = [source.rows_part(number, len(self._slices)) for source in sources]
        for image in self.gridded:
            stub = copy.copy(image)
            planes = image.planes
            shapes.append((planes.psf[part].shape, planes.residual[part].shape, len(planes.sumwt[part])))
            stub.clear()
            fields.append(stub)
        local = ImagingData(sources, planes_of, data.centre, axis, data.is_cube, data.interpolation, data.pseudo)
        local.is_split = data.is_split
        if data.is_cube and not by_channel:
            # Each rank counts a part of the rows, of all channels.
            local.counted = [
                (source.rows_part(number, len(self._slices)), own) for source, own in zip(data.sources, data.planes, strict=True)
            ]
        return _Share(self._key, local, fields, shapes, weighting, by_channel, bandwidth(data.axis))

    def _each(self, function: Any, orders: Sequence[Any]) -> list[Any]:
        return executor().each(function, list(orders))

    def gather(self) -> float:
        """As `Imager.gather`, of all ranks' data."""
        gathered = self._each(_gather, [self._key] * len(self._slices))
        self._densities = _added([found for found, _ in gathered])
        return sum(weight for _, weight in gathered)

    def weigh(self) -> None:
        """As `Imager.weigh`, in all ranks."""
        self._each(_weigh, [(self._key, self._densities)] * len(self._slices))
        self._densities = {}

    def grid_psf(self) -> None:
        """As `Imager.grid_psf`: put together what the ranks gridded."""
        for part, made in zip(self._slices, self._each(_grid_psf, [self._key] * len(self._slices)), strict=True):
            for image, sums in zip(self.gridded, made, strict=True):
                image.take_psf_sums(part, sums)

    def grid_residual(self) -> None:
        """As `Imager.grid_residual`: put together what the ranks gridded."""
        for image in self.gridded:
            image.fill_blank()  # what the ranks made is added
        orders = [(self._key, [image.sent_model(part) for image in self.gridded]) for part in self._slices]
        for part, made in zip(self._slices, self._each(_grid_residual, orders), strict=True):
            for image, residual in zip(self.gridded, made, strict=True):
                image.planes.residual[part] += residual

    def close(self) -> None:
        """Let all ranks forget their shares."""
        self._each(_end, [self._key] * len(self._slices))


@dataclass(frozen=True)
class _Piece:
    """Work on some channels of a cube, after which nothing of them is kept."""

    share: _Share
    work: str
    densities: _Densities
    models: list[np.ndarray]


def _do_piece(piece: _Piece) -> Any:
    key = piece.share.key
    _begin(piece.share)
    try:
        if piece.work == "gather":
            return _gather(key)
        if piece.share.by_channel:
            _held[key].gather()
        _weigh((key, piece.densities))
        return _grid_psf(key) if piece.work == "psf" else _grid_residual((key, piece.models))
    finally:
        _end(key)


class PiecewiseImager(SharedImager):
    """A cube whose planes are in files, gridded by all ranks in pieces of as many channels as they have memory for.

    A rank keeps nothing of a piece: each pass reads the data that its channels need again, as one process does with planes in files.
    """

    def _cut(self, weighting: WeightingOptions, by_channel: bool) -> None:
        workers, nchan = executor().workers, self.data.axis.nchan
        step = min(self.data.channels_at_once or nchan, -(-nchan // workers))
        self._slices = [slice(k, min(k + step, nchan)) for k in range(0, nchan, step)]
        self._weighting, self._by_channel = weighting, by_channel
        log.post(f"tclean: the planes of the cube are in files: {workers} MPI ranks grid them, {step} channels at a time")

    def _stream(self, work: str) -> Iterator[Any]:
        """What ranks make of each piece, in order; a few pieces are in memory."""

        def pieces() -> Iterator[_Piece]:
            for number, part in enumerate(self._slices):
                models = [image.sent_model(part) for image in self.gridded] if work == "residual" else []
                share = self._share(number, part, self._weighting, self._by_channel)
                yield _Piece(share, work, {} if work == "gather" else self._densities, models)
                self._let_go()

        yield from executor().stream(_do_piece, pieces())

    def _let_go(self) -> None:
        for image in self.fields:
            image.store.let_go()

    def gather(self) -> float:
        """As `Imager.gather`, of all pieces."""
        total, self._densities = 0.0, {}
        for found, weight in self._stream("gather"):
            self._densities = _added([self._densities, found])
            total += weight
        return total

    def weigh(self) -> None:
        """Nothing: weights are made of the densities piece by piece."""

    def grid_psf(self) -> None:
        """As `Imager.grid_psf`: put together what the ranks gridded."""
        for part, made in zip(self._slices, self._stream("psf"), strict=True):
            for image, sums in zip(self.gridded, made, strict=True):
                image.take_psf_sums(part, sums)
            self._let_go()

    def grid_residual(self) -> None:
        """As `Imager.grid_residual`: put together what the ranks gridded."""
        for image in self.gridded:
            image.fill_blank()
        for part, made in zip(self._slices, self._stream("residual"), strict=True):
            for image, residual in zip(self.gridded, made, strict=True):
                image.planes.residual[part] += residual
            self._let_go()

    def close(self) -> None:
        """Ranks hold nothing."""
