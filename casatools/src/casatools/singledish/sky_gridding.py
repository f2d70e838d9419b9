"""Images of single dishes: spectra gridded onto the sky where the antennas pointed.

Every selected row counts at the place that its first antenna pointed at: autocorrelations, or for holography those of an antenna that moves with one that does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from casatools._base import log
from casatools._base.errors import DataError, ParameterError
from casatools._base.memory import chunk_bytes, memory_budget_bytes
from casatools._base.paths import require_absent, staged_output
from casatools._base.threads import over_rows
from casatools.imaging.frequency_grid import SpectralAxis
from casatools.imaging.imager import ImagingData
from casatools.imaging.pointed_beams import beam_planes
from casatools.imaging.request import TcleanRequest
from casatools.imaging.tclean_data import prepare_data
from casatools.imaging.tclean_images import image_coordinates
from casatools.imaging.visibilities import DataSource, onto_axis
from casatools.io.image import CasaImage
from casatools.io.image.coordinates.make import make_image_coordinates
from casatools.io.image.coordinates.units import unit_factor
from casatools.io.ms import Selection, VisChunk, iter_chunks
from casatools.kernels.sky_gridding import add_spectra, keep_extremes
from casatools.singledish.gridding_functions import FunctionOptions, GriddingFunction, function_of
from casatools.singledish.row_places import RowPlaces, row_places

__all__ = ["KINDS", "SingleDishSource", "SkyOptions", "make_sky_image"]

# Columns that images are made of: of the second the data are taken away; "" stands for the corrected data, or those there are.
KINDS = {
    "singledish": ("", ""), "singledish-observed": ("data", ""), "holography": ("", ""), "coverage": ("", ""), "corrected": ("", ""),
    "observed": ("data", ""), "model": ("model", ""), "residual": ("", "model"), "psf": ("", ""),
}  # fmt: skip
# What is made of a chunk takes several times its memory.
_CHUNK_BYTES = 16 * 1024 * 1024
# Lines of pixels that a thread takes at the least.
_LEAST_LINES = 8


@dataclass(frozen=True)
class SkyOptions:
    """How images of single dishes are made.

    Attributes
    ----------
    function : FunctionOptions
    pointing : str
        Column of POINTING.
    least_weight : float
        Pixels with no more weight are zero.
    clips : bool
        The least and the greatest value of each pixel of three or more are left out.
    scale, weight : float
        What values and weights are multiplied with.
    patterns : str
        Table of voltage patterns, for the function PB.
    """

    function: FunctionOptions = field(default_factory=FunctionOptions)
    pointing: str = "DIRECTION"
    least_weight: float = 0.0
    clips: bool = False
    scale: float = 1.0
    weight: float = 1.0
    patterns: str = ""

    def __post_init__(self) -> None:
        if self.weight <= 0:
            raise ParameterError(f"the factor of the weights of single dishes must be above 0; got {self.weight}")


class SingleDishSource(DataSource):
    """A MeasurementSet whose rows are spectra of single dishes.

    Its data may be FLOAT_DATA, which stand for DATA and CORRECTED_DATA where these are missing.
    """

    def _require_rows(self, rows: np.ndarray) -> None:
        """Rows of all kinds may be gridded."""

    def _column(self, wanted: str) -> str:
        for name in ("CORRECTED_DATA", "DATA", "FLOAT_DATA") if wanted == "" else ("DATA", "FLOAT_DATA"):
            if wanted != "model" and self.ms.has(name):
                self.fell_back = wanted == "" and name != "CORRECTED_DATA"
                return name
        return super()._column(wanted or "data")

    def spectra(
        self, hands: list[int], axis: SpectralAxis | None, how: str, kind: type | None
    ) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
        """Stream the spectra of some correlations.

        Parameters
        ----------
        hands : list of int
            Numbers of the correlations.
        axis : SpectralAxis, optional
            Channels to put them on; their own ones without.
        how : str
            Interpolation.
        kind : type, optional
            complex128 for complex values, float64 for their real parts; without one they are zero, and not read.

        Yields
        ------
        antenna, time_s : ndarray (row,)
        values : ndarray (hand, row, chan) complex64 or float32
        weights : ndarray (hand, row, chan) float32
            Zero where flagged.
        """
        weights = "WEIGHT_SPECTRUM" if self.ms.has("WEIGHT_SPECTRUM") else "WEIGHT"
        columns = ["FLAG", "FLAG_ROW", weights, "TIME", "FIELD_ID", "ANTENNA1"]
        made: list[str] = []
        if kind is not None and self.recipes is not None:
            made = [self.column]
            columns += [name for name in (*self.recipes.columns, "ANTENNA2", "UVW") if name not in columns]
        elif kind is not None:
            columns.append(self.column)
        for chunk in iter_chunks(self.ms, self.resolved, columns, chunk_bytes=min(_CHUNK_BYTES, chunk_bytes()), made=made):
            if made and self.recipes is not None:
                self.recipes.add_model(chunk)
            found = [self._hand(chunk, weights, k, kind) for k in hands]
            if axis is not None:
                hz, width, _ = self.channels(chunk.ddid)
                factor = self.row_factors(chunk.ddid, axis.frame, chunk["TIME"], chunk["FIELD_ID"])
                moved = [onto_axis(v[None], w, hz, width, factor, axis, how) for v, w in found]
                found = [(v[0], w) for v, w in moved]
            yield chunk["ANTENNA1"], chunk["TIME"], np.stack([v for v, _ in found]), np.stack([w for _, w in found])

    def _hand(self, chunk: VisChunk, weights: str, hand: int, kind: type | None) -> tuple[np.ndarray, np.ndarray]:
        """Values and weights (row, chan) of a correlation.

        Of a pair of hands both have the weight of their mean, ``4 a b / (a + b)``; one alone, where the other has none, twice its own, which is the same for equal ones.
        """
        given = np.asarray(chunk[weights], dtype=np.float32)
        given = given[:, None, :] if given.ndim == 2 else given
        parallel = [k for k, c in enumerate(self.correlation_codes(chunk.ddid)) if c in (5, 8, 9, 12)]
        weight = given[..., hand]
        if len(parallel) > 1:
            a, b = given[..., parallel[0]], given[..., parallel[-1]]
            both = np.divide(4 * a * b, a + b, out=np.zeros_like(a), where=(a > 0) & (b > 0))
            weight = np.where((both > 0) & (weight > 0), both, 2 * weight)
        bad = chunk["FLAG"][..., hand] | chunk["FLAG_ROW"][:, None]
        good_weight = np.where(bad, np.float32(0.0), weight)
        if kind is None:
            return np.zeros(bad.shape, dtype=np.float32), good_weight
        values = chunk[self.column][..., hand]
        return (values.astype(np.complex64) if kind is np.complex128 else np.real(values).astype(np.float32)), good_weight


class _Sums:
    """Sums over the spectra of some channels of an image, a plane (y, x, chan) for each hand, or one for all of them.

    Parameters
    ----------
    shape : (int, int, int, int)
        Planes, y, x, channels.
    function : GriddingFunction
    kind : type, optional
        Of the sums of values; only weights are summed without.
    clips : bool
        Least and greatest values are kept.
    """

    def __init__(
        self, shape: tuple[int, int, int, int], function: GriddingFunction, kind: type | None = np.float64, clips: bool = False
    ) -> None:
        self.function = function
        self.weights = np.zeros(shape)
        self.sums: np.ndarray = np.zeros(shape if kind is not None else (shape[0], 0, 0, 0), dtype=kind or np.float64)
        extra = shape if clips else (shape[0], 0, 0, 0)
        self.count, self.extremes = np.zeros(extra, dtype=np.int64), np.zeros((extra[0], 4, *extra[1:]))

    @staticmethod
    def channel_bytes(shape: tuple[int, int, int], is_complex: bool, clips: bool) -> int:
        """Bytes of a channel of planes (plane, y, x)."""
        return 8 * int(np.prod(shape)) * (2 + is_complex + 5 * clips)

    def add(self, plane: int, x: np.ndarray, y: np.ndarray, values: np.ndarray, weights: np.ndarray) -> None:
        """Add spectra (hand, row, chan) to a plane."""
        f, ny, is_one = self.function, self.weights.shape[1], self.weights.shape[-1] == 1
        shaped = (f.table, f.reach, f.is_box)
        if self.count.size:
            for value, weight in zip(np.real(values), weights, strict=True):
                own = (x, y, np.ascontiguousarray(value), weight)
                if is_one:  # each channel is a value of its own
                    own = (*(np.repeat(v, value.shape[1]) for v in (x, y)), value.reshape(-1, 1), weight.reshape(-1, 1))
                over_rows(
                    lambda a, b, own=own: keep_extremes(*own, *shaped, a, b, self.count[plane], self.extremes[plane]),  # type: ignore[misc]
                    ny, _LEAST_LINES,
                )  # fmt: skip
        kind = np.complex128 if np.iscomplexobj(self.sums) else np.float64 if is_one else np.float32
        axes = (0, 2) if is_one else (0,)
        weight = weights.sum(axis=axes, dtype=np.float64 if is_one else np.float32).reshape(len(x), -1)
        product = weight if not self.sums.size else (values * weights).sum(axis=axes, dtype=kind).reshape(len(x), -1)
        over_rows(
            lambda a, b: add_spectra(x, y, product, weight, *shaped, a, b, self.sums[plane], self.weights[plane]),
            ny,
            _LEAST_LINES,
        )

    def means(self, least_weight: float) -> np.ndarray:
        """The weighted means (plane, y, x, chan); zero where there is no weight."""
        sums, weights = self.sums, self.weights
        if self.count.size:
            cut = self.count > 2
            low, low_weight, high, high_weight = self.extremes.transpose(1, 0, 2, 3, 4)
            sums = sums - np.where(cut, low * low_weight + high * high_weight, 0.0)
            weights = weights - np.where(cut, low_weight + high_weight, 0.0)
        # Rounding leaves something of a weight that is taken away again, and some functions are negative in places.
        seen = (self.weights > least_weight) & (weights > 1e-12 * np.abs(self.weights))
        return np.divide(sums, weights, out=np.zeros_like(sums), where=seen)


def make_sky_image(
    kind: str, request: TcleanRequest, selections: list[Selection], path: str, options: SkyOptions, complex_path: str = ""
) -> None:
    """Grid spectra onto the sky.

    Parameters
    ----------
    kind : str
        One of `KINDS`: weighted means of the corrected or observed data, the sums of weights for "coverage", ones where there are data for "psf".
    request : TcleanRequest
        Axes of the image.
    selections : list of Selection
        One for each MeasurementSet.
    path : str
    options : SkyOptions
    complex_path : str
        Where an image of complex numbers is to be as well, the conjugates of the data's means as in CASA, whose real part is the image.

    Raises
    ------
    ParameterError, OutputExistsError, CasaError
        There is no such kind, an image is there, or the data do not allow it.

    Notes
    -----
    Stokes I alone is the weighted mean of all samples of both parallel hands, so that one hand stands for both where the other is flagged; other planes are made of
    the means of the hands. Channels that fit into memory together are gridded in one pass over the data.
    """
    if kind not in KINDS:
        raise ParameterError(f"images of single dishes of type {kind!r} cannot be made; allowed are {', '.join(KINDS)}")
    for name in filter(None, (path, complex_path)):
        require_absent(name, what="image")
    if options.clips and complex_path:
        raise ParameterError("complex numbers have no least and greatest: clipminmax=True has no complex image")
    columns = [name for k, name in enumerate(KINDS[kind]) if name or k == 0]
    sources = [SingleDishSource(p, s, c) for c in columns for p, s in zip(request.paths, selections, strict=True)]
    try:
        count = len(request.paths)
        if sources[0].fell_back:
            log.post(f"{sources[0].ms.path} has no CORRECTED_DATA column; {sources[0].column} is imaged", "DEBUG")
        groups = [prepare_data(request, list(sources[k : k + count]), sees_fields=False) for k in range(0, len(sources), count)]
        maker = _Maker(kind, request, groups, options, bool(complex_path))
        with staged_output(path) as staged:
            if complex_path:
                with staged_output(complex_path) as other:
                    maker.write(staged, other)
            else:
                maker.write(staged)
    finally:
        for source in sources:
            source.close()


class _Maker:
    """An image of a kind that is about to be made."""

    def __init__(self, kind: str, request: TcleanRequest, data: list[ImagingData], options: SkyOptions, is_complex: bool) -> None:
        self.kind, self.request, self.data, self.options, self.is_complex = kind, request, data, options, is_complex
        first = data[0]
        self.coordinates = image_coordinates(request, first, first.centre)
        self.shape = request.grid_options.shape  # nx, ny
        self.planes = first.planes[0]
        self.is_intensity = [label for label, _ in self.planes] == ["I"]
        self.hands = sorted({k for _, parts in self.planes for k in parts})
        self.function = function_of(options.function, self._beam())
        self.places = [[self._pixels(s) for s in d.sources] for d in data]
        self._require_inside()

    def _beam(self) -> Any:
        """The primary beam over the distance [pixel] at the first channel."""
        source, options = self.data[0].sources[0], self.options
        if options.function.kind.upper() != "PB":
            return None
        cell = float(self.request.grid_options.cell_rad[1])
        hz, centre = float(self.data[0].axis.frequencies_hz[0]), self.data[0].centre

        def beam(radius: np.ndarray) -> np.ndarray:
            far = float(radius.max())
            step = cell * far / max(len(radius) - 1, 1)
            where = (centre.lon_rad, centre.lat_rad)
            count = 2 * len(radius)  # the middle is at pixel len(radius)
            grid = make_image_coordinates((count, 1), (step or cell, step or cell), where, [hz], direction_frame=centre.frame)
            line = beam_planes(source, grid, (1, count), [hz], options.patterns, centre)[0, 0, len(radius) :]
            return np.interp(radius, np.arange(len(line)) * step / cell, line)

        return beam

    def _pixels(self, source: DataSource) -> RowPlaces:
        """Pixels of the antennas over the times of the data, in the place of the directions."""
        direction = self.coordinates.direction
        assert direction is not None
        found = row_places(source, self.options.pointing, direction.frame)
        if not np.isfinite(found.angles_rad).any():
            raise DataError(
                f"POINTING of {source.ms.path!r} tells of none of the times of the selected data where antennas pointed"
            )
        units = np.array([unit_factor(u)[0] for u in direction.units])
        world = (found.angles_rad / units).reshape(-1, 2).T
        known = np.isfinite(world[0])
        pixels = np.full(world.shape, np.nan)
        pixels[:, known] = direction.to_pixel(world[:, known])
        return replace(found, angles_rad=pixels.T.reshape(found.angles_rad.shape))

    def _require_inside(self) -> None:
        """Refuse an image that no antenna pointed at."""
        beyond = self.function.reach + 0.5
        for places in self.places[0]:
            x, y = places.angles_rad[..., 0], places.angles_rad[..., 1]
            if np.any((x > -beyond) & (x < self.shape[0] - 1 + beyond) & (y > -beyond) & (y < self.shape[1] - 1 + beyond)):
                return
        raise DataError("no antenna pointed at the image at the times of the selected data; give another phase centre or size")

    def write(self, path: str, complex_path: str = "") -> None:
        """Make it, as many channels at a time as memory allows."""
        axis, (nx, ny) = self.data[0].axis, self.shape
        npol = len(self.planes)
        planes = 1 if self.is_intensity else len(self.hands)
        each = _Sums.channel_bytes((planes, ny, nx), self.is_complex, self.options.clips)
        step = max(1, min(axis.nchan, memory_budget_bytes() // (2 * each)))
        unit = "" if self.kind == "coverage" else "Jy/beam"
        shape = (axis.nchan, npol, ny, nx)
        with CasaImage.create(path, shape, self.coordinates, np.float32, unit=unit) as image:
            other = CasaImage.create(complex_path, shape, self.coordinates, np.complex64, unit=unit) if complex_path else None
            has_weight = False
            try:
                for first in range(0, axis.nchan, step):
                    part = slice(first, min(first + step, axis.nchan))
                    made, good = self._channels(part)
                    has_weight |= good
                    image.write(np.ascontiguousarray(made.real, dtype=np.float32), (part,))
                    if other is not None:
                        other.write(np.conj(made).astype(np.complex64), (part,))
            finally:
                if other is not None:
                    other.close()
            if not has_weight:
                raise DataError("the selected data within the image are all flagged or without weight")

    def _channels(self, part: slice) -> tuple[np.ndarray, bool]:
        """Pixels (chan, pol, y, x) of some channels, and whether any has weight."""
        sums = [self._sums(k, part) for k in range(len(self.data))]
        found = [self._stokes(own) for own in sums]
        return (found[0] if len(found) == 1 else found[0] - found[1]), bool(sums[0].weights.any())

    def _stokes(self, sums: _Sums) -> np.ndarray:
        """Planes (chan, pol, y, x) of sums of hands."""
        if self.kind == "coverage":
            weights = self.options.weight * sums.weights
            if self.is_intensity:
                return weights.transpose(3, 0, 1, 2)
            made = [np.mean([weights[self.hands.index(k)] for k in parts], axis=0) for _, parts in self.planes]
            return np.stack(made).transpose(3, 0, 1, 2)
        if self.kind == "psf":
            means = (sums.weights > 0).astype(np.float64)
        else:
            means = self.options.scale * sums.means(self.options.least_weight / self.options.weight)
        if self.is_intensity:
            return means.transpose(3, 0, 1, 2)
        made = []
        for _, parts in self.planes:
            # All hands that a plane is made of must be there.
            there = np.all([sums.weights[self.hands.index(k)] > 0 for k in parts], axis=0)
            plane = sum(f * means[self.hands.index(k)] for k, f in parts.items())
            made.append(np.where(there, plane if self.is_complex else np.real(plane), 0.0))
        return np.stack(made).transpose(3, 0, 1, 2)

    def _sums(self, which: int, part: slice) -> _Sums:
        """Sums over the data of a column."""
        data, (nx, ny) = self.data[which], self.shape
        axis = replace(data.axis, frequencies_hz=data.axis.frequencies_hz[part])
        planes = 1 if self.is_intensity else len(self.hands)
        kind: type | None = np.complex128 if self.is_complex or not self._is_real() else np.float64
        if self.kind in ("coverage", "psf"):
            kind = None
        clips = self.options.clips and kind is not None
        sums = _Sums((planes, ny, nx, axis.nchan), self.function, kind, clips)
        for source, places in zip(data.sources, self.places[which], strict=True):
            narrow = source.narrowed(axis) if data.is_cube else source
            if narrow is None:
                continue
            assert isinstance(narrow, SingleDishSource)
            onto = axis if data.is_cube else None
            for antenna, time_s, values, weights in narrow.spectra(self.hands, onto, data.interpolation, kind):
                x, y = np.ascontiguousarray(places.of_rows(antenna, time_s).T)
                if self.is_intensity:
                    sums.add(0, x, y, values, weights)
                    continue
                for k in range(len(self.hands)):
                    sums.add(k, x, y, values[k : k + 1], weights[k : k + 1])
        return sums

    def _is_real(self) -> bool:
        """No plane needs the imaginary parts of the hands."""
        return all(abs(complex(f).imag) < 1e-12 for _, parts in self.planes for f in parts.values())
