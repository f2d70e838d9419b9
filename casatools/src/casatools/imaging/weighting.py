"""Imaging weights: natural, uniform, superuniform, Briggs and radial weighting, and uv tapers.

References
----------
Briggs 1995, PhD thesis, New Mexico Tech, chapter 3; "Data weighting", CASA documentation, for the constants of robust weighting:
``w / (1 + f2 * G)`` with ``f2 = (5 * 10**-robust)**2 * sum(w) / sum(G**2)``.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from casatools._base.constants import SPEED_OF_LIGHT_M_S
from casatools._base.errors import ParameterError
from casatools._base.threads import over_rows
from casatools.frames.quantities import to_unit
from casatools.imaging.plane_store import PlaneStore
from casatools.imaging.visibilities import VisibilityBlock
from casatools.kernels.imaging_weights import add_density, density_weights

__all__ = ["GroupedWeights", "ImagingWeights", "UvTaper", "WeightingOptions", "counted_hands", "parse_taper"]

# Threads are worth their start from so many samples on.
_FEW_SAMPLES = 200_000
_SCHEMES = ("natural", "uniform", "briggs", "superuniform", "radial", "briggsabs", "briggsbwtaper")


@dataclass(frozen=True)
class UvTaper:
    """A Gaussian taper of the uv plane.

    Attributes
    ----------
    major_lambda, minor_lambda : float
        Half widths at half maximum [wavelengths]; the factor is ``exp(-ln 2 * (u'/major)**2 ...)``.
    angle_rad : float
        Position angle, north through east.
    """

    major_lambda: float
    minor_lambda: float
    angle_rad: float


def parse_taper(values: Sequence[str]) -> UvTaper | None:
    """Read CASA's uvtaper: ``['10arcsec']``, ``['5klambda', '3klambda', '30deg']``; None for none."""
    given = [v for v in values if str(v).strip()]
    if not given:
        return None
    if len(given) > 3:
        raise ParameterError(f"uvtaper must be up to two widths and an angle; got {given}")
    axes = [_taper_lambda(str(v)) for v in given[:2]]
    major = axes[0]
    minor = axes[1] if len(axes) > 1 else major
    angle = float(to_unit(given[2], "rad")) if len(given) > 2 else 0.0
    return UvTaper(major, minor, angle)


def _taper_lambda(text: str) -> float:
    stripped = text.strip()
    try:
        for unit, factor in (("Mlambda", 1e6), ("klambda", 1e3), ("lambda", 1.0)):
            if stripped.endswith(unit):
                found = float(stripped[: -len(unit)]) * factor
                break
        else:
            # A Gaussian of this full width at half maximum on the sky: HWHM in the uv plane is 2 ln 2 / (pi FWHM). One of no width tapers nothing.
            width = float(to_unit(text, "rad"))
            found = 2.0 * np.log(2.0) / (np.pi * width) if width else np.inf
    except ValueError:
        found = 0.0
    if not found > 0.0:
        raise ParameterError(
            f"uvtaper {text!r} must be an angle such as '10arcsec' or a length such as '5klambda', and not negative"
        )
    return found


def counted_hands(labels: Sequence[str]) -> float:
    """How often the weight of a sample counts in ``.sumwt`` and densities: in an image of Stokes I alone both parallel hands do, as in the reference; else once."""
    return 2.0 if list(labels) == ["I"] else 1.0


@dataclass(frozen=True)
class WeightingOptions:
    """How samples are weighted.

    Attributes
    ----------
    scheme : str
        natural, uniform, superuniform, briggs, briggsabs, briggsbwtaper, radial.
    robust : float
    noise_jy : float
        For briggsabs.
    npixels : int
        superuniform: cells that the density is summed over on either side, 0 for 3. Others: pixels of the field of view whose inverse is the size of a cell,
        0 for the image's.
    taper : UvTaper or None
    """

    scheme: str = "natural"
    robust: float = 0.5
    noise_jy: float = 1.0
    npixels: int = 0
    taper: UvTaper | None = None

    def __post_init__(self) -> None:
        if self.scheme not in _SCHEMES:
            raise ParameterError(f"weighting must be one of {', '.join(_SCHEMES)}; got {self.scheme!r}")
        if not -2.0 <= self.robust <= 2.0:
            raise ParameterError(f"robust must be from -2 to 2; got {self.robust}")
        if self.npixels < 0:
            raise ParameterError(f"npixels must not be negative; got {self.npixels}")


class ImagingWeights:
    """Imaging weights of one image plane set: densities are gathered in one pass over the data, weights made in later ones.

    Parameters
    ----------
    shape : (int, int)
        Image pixels in x and y.
    cell_rad : (float, float)
        Pixel sizes.
    options : WeightingOptions
    planes : int
        Densities kept apart: the channels of a cube weighted channel by channel, or 1.
    bandwidth : float
        Fractional bandwidth between the first and the last channel, for briggsbwtaper.
    by_channel : bool, optional
        Whether these are densities channel by channel; by default when there are several.
    store : PlaneStore, optional
        Keeps the densities; in memory when not given.
    hands : float
        How often a sample counts in densities channel by channel: twice for Stokes I, for both parallel hands, once for other planes, as in the reference.
    density_factors : mapping, optional
        Of each source, by how much the frequencies that samples of a cube come with, those in its frame, are above those that places in the densities
        [wavelengths] are of. 1 for sources without.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        cell_rad: tuple[float, float],
        options: WeightingOptions,
        planes: int = 1,
        bandwidth: float = 0.0,
        by_channel: bool | None = None,
        store: PlaneStore | None = None,
        hands: float = 2.0,
        density_factors: Mapping[int, float] | None = None,
    ) -> None:
        self.options, self._hands, self._density_factors = options, hands, density_factors or {}
        self._store = store or PlaneStore()
        self._bandwidth = bandwidth if options.scheme == "briggsbwtaper" else 0.0
        if options.npixels > 0 and options.scheme != "superuniform":
            shape = options.npixels, options.npixels
        self._cells = shape[0] * cell_rad[0], shape[1] * cell_rad[1]
        # Wavelengths beyond which samples fall off the uv grid of the image.
        self._reach = np.array([0.5 / cell_rad[0], 0.5 / cell_rad[1]])
        self._planes = planes
        # CASA counts the samples of one density in cells that begin at multiples of the cell size, those of densities kept
        # channel by channel in cells centred on them.
        self.by_channel = planes > 1 if by_channel is None else by_channel
        self._offset = 0.5 if self.by_channel else 0.0
        if not self.by_channel:
            # CASA counts u the other way, as right ascension grows to lower pixels. It matters on edges of cells: those of autocorrelations are in
            # another than those of small u and v of one sign.
            self._cells = -self._cells[0], self._cells[1]
        self._shape = shape
        self._dense = options.scheme in ("uniform", "superuniform", "briggs", "briggsabs", "briggsbwtaper")
        self.density = self._store.zeros((planes, *shape), np.float64) if self._dense else np.zeros((0, 0, 0))
        self.total = np.zeros(planes)
        self._factor = np.ones(planes)
        self._constant = 0.0

    @property
    def needs_density(self) -> bool:
        """True when `gather` must see all data before `weights` is called."""
        return self._dense

    def blank(self) -> ImagingWeights:
        """The same before any samples are gathered."""
        made = copy.copy(self)
        made.density = np.zeros((0, 0, 0))  # made when there are samples
        made.total, made._factor = np.zeros(self._planes), np.ones(self._planes)
        return made

    def gather(self, block: VisibilityBlock) -> None:
        """Take the samples of a block into the densities."""
        if not self._dense:
            return
        if not self.density.size:
            self.density = self._store.zeros((self._planes, *self._shape), np.float64)
            self.total = np.zeros(self._planes)
        # Samples come channel by channel of a cube in its frame, for one density of all with the frequencies of the data.
        scale = self._density_scale(block, block.freq_hz) if self.by_channel else block.freq_hz / SPEED_OF_LIGHT_M_S
        for number in range(block.weight.shape[1] if self.by_channel else 1):
            part = slice(number, number + 1) if self.by_channel else slice(None)
            plane = block.first + number if self.by_channel else 0
            weight = np.ascontiguousarray(block.weight[:, part])
            if self.by_channel:
                weight = weight * np.float32(self._hands)
            density = self.density[plane]
            add = partial(add_density, block.uvw_m, scale[part], weight, *self._cells, self._offset, density)
            # Each thread has a part of the cells: sums are the same with any number of them.
            over_rows(add, len(density), max(1, _FEW_SAMPLES * len(density) // max(weight.size, 1)))
            # Each sample stands for two: itself and its conjugate.
            self.total[plane] += 2.0 * float(weight.sum(dtype=np.float64))

    def _density_scale(self, block: VisibilityBlock, freq_hz: np.ndarray) -> np.ndarray:
        """Wavelengths per metre that samples of these frequencies of a cube stand at in the densities."""
        return np.asarray(freq_hz / (self._density_factors.get(block.source, 1.0) * SPEED_OF_LIGHT_M_S))

    def drop(self) -> None:
        """Let go of the densities; `gather` begins anew."""
        if self._dense:
            self.density = np.zeros((0, 0, 0))

    def sums(self) -> dict[Any, tuple[np.ndarray, np.ndarray]]:
        """Densities and sums of weights, to be added up with those of other data."""
        return {None: (self.density, self.total)} if self._dense else {}

    def take_sums(self, sums: dict[Any, tuple[np.ndarray, np.ndarray]]) -> None:
        """Replace densities and sums of weights by those of all data."""
        if None in sums:
            self.density, self.total = sums[None]

    def grids(self) -> np.ndarray:
        """The densities (plane, x, y) float64; of no cells where the weighting has none."""
        return np.array(self.density)

    def take_grids(self, grids: np.ndarray) -> None:
        """Replace the densities by others of the shape of `grids`."""
        self.take_sums({None: (grids.copy(), grids.sum(axis=(1, 2)))})

    def finish(self) -> None:
        """Make the factors of the weighting from the densities."""
        if not self._dense:
            return
        options = self.options
        if options.scheme == "superuniform":
            for plane in self.density:
                plane[...] = _box_sum(plane, options.npixels or 3)
        if options.scheme in ("briggs", "briggsbwtaper"):
            squares = np.array([float(np.square(d).sum()) for d in self.density])
            self._factor = (5.0 * 10.0**-options.robust) ** 2 * self.total / np.maximum(squares, 1e-300)
            self._constant = 1.0
        elif options.scheme == "briggsabs":
            self._factor[:] = options.robust**2
            self._constant = 2.0 * options.noise_jy**2

    def weights(self, block: VisibilityBlock, chan: int | None = None) -> np.ndarray:
        """Weights (row, chan) float32 of a block, or (row, 1) of what goes into a channel of the image."""
        part = slice(None) if chan is None else slice(chan - block.first, chan - block.first + 1)
        scale = block.freq_hz[part] / SPEED_OF_LIGHT_M_S
        weight = np.ascontiguousarray(block.weight[:, part])
        if self._dense:
            plane = 0 if self._planes == 1 or chan is None else chan
            result = np.empty_like(weight)
            counted = self._density_scale(block, block.freq_hz[part])
            fixed = (block.uvw_m, counted, weight, *self._cells, self._offset, self.density[plane])
            numbers = (float(self._factor[plane]), self._constant, self._bandwidth)
            over_rows(lambda a, b: density_weights(*fixed, *numbers, a, b, result), len(weight), _FEW_SAMPLES // weight.shape[1])
            weight = result
        elif self.options.scheme == "radial":
            weight = weight * (np.hypot(block.uvw_m[:, 0], block.uvw_m[:, 1])[:, None] * scale[None, :])
        if self.options.taper is not None:
            weight = weight * _taper(block.uvw_m, scale, self.options.taper)
        far = np.abs(block.uvw_m[:, :2])
        if far.size and scale.size and np.any(far.max(axis=0) * scale.max() > self._reach):
            # The pixels are too coarse for these samples: in the image they would stand at other places.
            beyond = np.any(far[:, None, :] * scale[None, :, None] > self._reach, axis=2)
            weight = np.where(beyond, np.float32(0), weight)
        if block.cross is not None:
            weight = np.where(block.cross[:, None], weight, np.float32(0))
        return np.ascontiguousarray(weight, dtype=np.float32)


class GroupedWeights:
    """Imaging weights whose densities are counted for each field (each pointing of a mosaic) apart.

    Parameters
    ----------
    pattern : ImagingWeights
        Copied for each group, before any samples are gathered.
    """

    def __init__(self, pattern: ImagingWeights) -> None:
        self._pattern = pattern
        self._groups: dict[tuple[int, int], ImagingWeights] = {}

    def _parts(self, block: VisibilityBlock) -> Iterator[tuple[tuple[int, int], np.ndarray, VisibilityBlock]]:
        assert block.fields is not None
        for number in np.unique(block.fields).tolist():
            rows = np.flatnonzero(block.fields == number)
            cross = None if block.cross is None else block.cross[rows]
            part = replace(block, uvw_m=block.uvw_m[rows], weight=block.weight[rows], cross=cross)
            yield (block.source, int(number)), rows, part

    def gather(self, block: VisibilityBlock) -> None:
        """Take the samples of a block into the densities."""
        for number, _, part in self._parts(block):
            if number not in self._groups:
                self._groups[number] = self._pattern.blank()
            self._groups[number].gather(part)

    @property
    def by_channel(self) -> bool:
        """As of `ImagingWeights`."""
        return self._pattern.by_channel

    @property
    def needs_density(self) -> bool:
        """As of `ImagingWeights`."""
        return self._pattern.needs_density

    def sums(self) -> dict[Any, tuple[np.ndarray, np.ndarray]]:
        """As of `ImagingWeights`, by source and field."""
        return {number: weights.sums()[None] for number, weights in self._groups.items()}

    def take_sums(self, sums: dict[Any, tuple[np.ndarray, np.ndarray]]) -> None:
        """As of `ImagingWeights`, for all groups that there are sums of."""
        for number, own in sums.items():
            self._groups.setdefault(number, self._pattern.blank()).take_sums({None: own})

    def grids(self) -> np.ndarray:
        """As of `ImagingWeights`, one field after the other in the order of sources and fields."""
        found = [self._groups[number].grids() for number in sorted(self._groups)]
        return np.concatenate(found) if found else np.zeros((0, 0, 0))

    def take_grids(self, grids: np.ndarray) -> None:
        """As of `ImagingWeights`."""
        parts = np.split(grids, len(self._groups))
        for number, part in zip(sorted(self._groups), parts, strict=True):
            self._groups[number].take_grids(part)

    def drop(self) -> None:
        """As of `ImagingWeights`."""
        for weights in self._groups.values():
            weights.drop()

    def finish(self) -> None:
        """All samples are in."""
        for weights in self._groups.values():
            weights.finish()

    def weights(self, block: VisibilityBlock, chan: int | None = None) -> np.ndarray:
        """Weights (row, chan) of a block, or of one channel of the image."""
        out: np.ndarray | None = None
        for number, rows, part in self._parts(block):
            found = self._groups[number].weights(part, chan)
            if out is None:
                out = np.zeros((len(block.uvw_m), *found.shape[1:]), dtype=np.float32)
            out[rows] = found
        assert out is not None
        return out


def _box_sum(density: np.ndarray, half: int) -> np.ndarray:
    """Sum over the box of cells within `half` of each cell."""
    summed = np.pad(density, ((half + 1, half), (half + 1, half))).cumsum(0).cumsum(1)
    size = 2 * half + 1
    return np.asarray(summed[size:, size:] - summed[:-size, size:] - summed[size:, :-size] + summed[:-size, :-size])


def _taper(uvw_m: np.ndarray, scale: np.ndarray, taper: UvTaper) -> np.ndarray:
    sin, cos = np.sin(taper.angle_rad), np.cos(taper.angle_rad)
    # The major axis of the taper on the sky is the minor one in the uv plane; both are given here in the uv plane.
    along = (uvw_m[:, 0] * sin + uvw_m[:, 1] * cos)[:, None] * scale[None, :] / taper.major_lambda
    across = (uvw_m[:, 0] * cos - uvw_m[:, 1] * sin)[:, None] * scale[None, :] / taper.minor_lambda
    return np.asarray(np.exp(-np.log(2.0) * (np.square(along) + np.square(across))), dtype=np.float32)
