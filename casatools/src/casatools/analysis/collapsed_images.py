"""Images reduced along axes by a statistic: one value stands for all pixels of the collapsed axes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from casatools._base.errors import DataError, ParameterError
from casatools._base.memory import chunk_bytes
from casatools._base.paths import staged_output
from casatools._base.threads import in_order
from casatools.analysis.image_statistics import ImageStatisticsOptions, block_statistics
from casatools.analysis.moments import column_medians
from casatools.analysis.selected_pixels import SelectedPixels
from casatools.analysis.statistics import StatisticsOptions
from casatools.analysis.sub_images import PixelChoice, beams_of_box
from casatools.io.image import BeamSet, CasaImage

__all__ = ["COLLAPSE_FUNCTIONS", "collapse_function", "collapse_image", "collapse_scale"]

_MAD_TO_SIGMA = 1.482602218505602  # 1 / the 0.75 quantile of the normal distribution


_Axes = tuple[int, ...]


def _lines(array: np.ndarray, axes: _Axes) -> np.ndarray:
    """The collapsed axes as one in front, the others as one behind."""
    moved = np.moveaxis(array, axes, range(len(axes)))
    return np.ascontiguousarray(moved.reshape(math.prod(moved.shape[: len(axes)]), -1))


def _median(values: np.ndarray, good: np.ndarray | None, axes: _Axes) -> np.ndarray:
    kept = tuple(n for k, n in enumerate(values.shape) if k not in axes)
    lines = _lines(values, axes)
    return column_medians(lines, np.ones(lines.shape, bool) if good is None else _lines(good, axes)).reshape(kept)


def _madm(values: np.ndarray, good: np.ndarray | None, axes: _Axes) -> np.ndarray:
    middle = np.expand_dims(_median(values, good, axes), axes)
    return _median(np.abs(values - middle), good, axes)


def _sum(values: np.ndarray, good: np.ndarray | None, axes: _Axes) -> np.ndarray:
    return np.asarray(
        np.add.reduce(
            values if good is None else np.where(good, values, 0), axis=axes, dtype=np.result_type(values.dtype, np.float64)
        )
    )


def _count(values: np.ndarray, good: np.ndarray | None, axes: _Axes) -> np.ndarray:
    if good is None:
        kept = tuple(n for k, n in enumerate(values.shape) if k not in axes)
        return np.full(kept, math.prod(values.shape) / max(1, math.prod(kept)))
    return np.asarray(np.count_nonzero(good, axis=axes), dtype=np.float64)


def _mean(values: np.ndarray, good: np.ndarray | None, axes: _Axes) -> np.ndarray:
    return _sum(values, good, axes) / np.maximum(_count(values, good, axes), 1)


def _variance(values: np.ndarray, good: np.ndarray | None, axes: _Axes) -> np.ndarray:
    away = values - np.expand_dims(_mean(values, good, axes), axes)
    return _sum(np.square(away, out=away), good, axes) / np.maximum(_count(values, good, axes) - 1, 1)


def _rms(values: np.ndarray, good: np.ndarray | None, axes: _Axes) -> np.ndarray:
    power = _sum(np.square(values, dtype=np.float64), good, axes)
    return np.sqrt(power / np.maximum(_count(values, good, axes), 1))


def _least(values: np.ndarray, good: np.ndarray | None, axes: _Axes) -> np.ndarray:
    return np.asarray((values if good is None else np.where(good, values, np.inf)).min(axis=axes), dtype=np.float64)


def _root(values: np.ndarray, good: np.ndarray | None, axes: _Axes) -> np.ndarray:
    return np.sqrt(np.maximum(_sum(values, good, axes), 0.0))


# Each takes pixels, their mask (None: all good) and the collapsed axes and gives an array of the others.
COLLAPSE_FUNCTIONS: dict[str, Callable[[np.ndarray, np.ndarray | None, _Axes], np.ndarray]] = {
    "flux": _sum, "madm": _madm, "max": lambda v, g, a: -_least(-v, g, a), "mean": _mean, "median": _median, "min": _least,
    "npts": _count, "rms": _rms, "sqrtsum": _root, "sqrtsum_npix": lambda v, g, a: _root(v, g, a) / np.maximum(_count(v, g, a), 1),
    "sqrtsum_npix_beam": _root, "stddev": lambda v, g, a: np.sqrt(_variance(v, g, a)), "sum": _sum, "variance": _variance,
    "xmadm": lambda v, g, a: _MAD_TO_SIGMA * _madm(v, g, a), "zero": lambda v, g, a: 0.0 * _sum(v, g, a),
}  # fmt: skip
# The same of statistics of a stream.
_OF_STATISTICS: dict[str, Callable[[dict[str, float]], float]] = {
    "flux": lambda s: s["sum"], "madm": lambda s: s["medabsdevmed"], "max": lambda s: s["max"], "mean": lambda s: s["mean"],
    "median": lambda s: s["median"], "min": lambda s: s["min"], "npts": lambda s: s["npts"], "rms": lambda s: s["rms"],
    "sqrtsum": lambda s: max(s["sum"], 0.0) ** 0.5, "sqrtsum_npix": lambda s: max(s["sum"], 0.0) ** 0.5 / s["npts"],
    "sqrtsum_npix_beam": lambda s: max(s["sum"], 0.0) ** 0.5, "stddev": lambda s: s["sigma"], "sum": lambda s: s["sum"],
    "variance": lambda s: s["sigma"] ** 2, "xmadm": lambda s: _MAD_TO_SIGMA * s["medabsdevmed"], "zero": lambda s: 0.0,
}  # fmt: skip


def collapse_function(text: str) -> str:
    """The statistic that a name, or the unique beginning of one, stands for; raises ParameterError for an unknown one."""
    folded = text.strip().lower()
    if folded in COLLAPSE_FUNCTIONS:
        return folded
    found = [name for name in COLLAPSE_FUNCTIONS if folded and name.startswith(folded)]
    if len(found) != 1:
        raise ParameterError(f"parameter 'function' must be one of {', '.join(COLLAPSE_FUNCTIONS)}; got {text!r}")
    return found[0]


def collapse_image(
    image: CasaImage, outfile: str, function: str, axes: Sequence[int], choice: PixelChoice, overwrite: bool = False
) -> None:
    """Write an image in which the given axes have one pixel, the statistic of those chosen along them.

    Parameters
    ----------
    image : CasaImage
    outfile : str
    function : str
        One of `COLLAPSE_FUNCTIONS`, or the beginning of one.
    axes : sequence of int
        Pixel axes in CASA order.
    choice : PixelChoice
    overwrite : bool

    Raises
    ------
    ParameterError
        There is no such function or axis, or flux is asked of an image or axes that have none.
    DataError, SelectionError, OutputExistsError

    Notes
    -----
    ``flux`` is the sum over direction axes divided by the pixels a beam covers [Jy], of temperatures times the area of a pixel. The collapsed axes stand at the world values of
    the middle of the box.
    """
    name = collapse_function(function)
    ndim = image.ndim
    along = sorted({int(a) for a in axes})
    if not along or along[0] < 0 or along[-1] >= ndim:
        raise ParameterError(f"parameter 'axes' must name axes 0 to {ndim - 1}; got {list(axes)}")
    if np.dtype(image.dtype).kind == "c":
        raise DataError("complex images cannot be collapsed; take their real part or amplitude first")
    chosen = choice.of(image)
    chosen.require_good()
    pixels = chosen.pixels
    box = pixels.box_shape
    scale, unit = collapse_scale(image, name, along)
    spectral, stokes = image.coordinates.spectral_axis, image.coordinates.stokes_axis
    array_axes = [ndim - 1 - a for a in along]
    shape = [1 if k in array_axes else n for k, n in enumerate(box)]
    coordinates = image.coordinates.sliced([float(v) for v in pixels.first[::-1]], [1.0] * ndim, shape[::-1])
    middle = image.coordinates.reference_pixel.copy()
    for axis in along:
        k = ndim - 1 - axis
        middle[axis] = 0.5 * (pixels.first[k] + pixels.last[k])
    coordinates = coordinates.moved_to(along, image.coordinates.to_world(middle))
    with (
        staged_output(outfile, overwrite) as staged,
        CasaImage.create(staged, shape, coordinates, image.dtype) as output,
    ):
        output.copy_metadata_from(image, beams=False)
        if unit is not None:
            output.unit = unit
        beams = beams_of_box(image, pixels)
        if (beams and not beams.is_per_plane) or (beams.is_per_plane and image.coordinates.spectral_axis not in along):
            output.beams = beams
        elif beams.is_per_plane:
            output.beams = BeamSet.single(beams.at(0, 0))
        single = image.beams.is_per_plane and scale.by_plane
        collapsed = tuple(array_axes)

        def compute(block: tuple[slice, ...]) -> tuple[np.ndarray, np.ndarray]:
            result, defined = _collapsed(chosen, block, collapsed, name)
            chan, plane = (0 if a is None else pixels.first[ndim - 1 - a] + block[ndim - 1 - a].start for a in (spectral, stokes))
            return np.where(defined, result * scale.of(chan, plane), 0.0), defined

        blocks = _planes(box, array_axes) if single else chosen.line_blocks(array_axes)
        for block, (result, defined) in zip(blocks, in_order(compute, blocks), strict=True):
            where = tuple(slice(0, 1) if k in array_axes else s for k, s in enumerate(block))
            output.write(result, where)
            if not defined.all():  # only then there is a mask, as in CASA
                output.write_mask(defined, where)


def _collapsed(chosen: SelectedPixels, block: tuple[slice, ...], axes: _Axes, name: str) -> tuple[np.ndarray, np.ndarray]:
    """The statistic of a block that holds the collapsed axes whole, and where there is one; of one pixel along these axes.

    What is too much at once is taken position by position, in a stream.
    """
    extent = tuple(1 if k in axes else s.stop - s.start for k, s in enumerate(block))
    if math.prod(chosen.pixels.box_shape[k] for k in axes) * chosen.image.dtype.itemsize <= chunk_bytes():
        values, good = chosen.read(block)
        found = COLLAPSE_FUNCTIONS[name](values, good, axes)
        defined = np.ones(extent, bool) if good is None else np.any(good, axis=axes)
        return found.reshape(extent), defined.reshape(extent)
    options = ImageStatisticsOptions(statistics=StatisticsOptions(robust=name in ("median", "madm", "xmadm")))
    result, exists = np.zeros(extent), np.zeros(extent, bool)
    for place in np.ndindex(*extent):
        part = [
            s if k in axes else slice(s.start + p, s.start + p + 1) for k, (s, p) in enumerate(zip(block, place, strict=True))
        ]
        statistics = block_statistics(chosen, part, options)
        exists[place] = statistics["npts"] > 0
        result[place] = _OF_STATISTICS[name](statistics) if exists[place] else 0.0
    return result, exists


_ARCSEC2 = 206264.80624709636**2  # in a steradian


@dataclass(frozen=True)
class CollapseScale:
    """The factor that a collapse function's results are multiplied by.

    Attributes
    ----------
    image : CasaImage
    by_plane : bool
        It is one over the pixels that the beam of a plane covers, or the area of a pixel [arcsec^2] where pixels are temperatures; else 1.
    """

    image: CasaImage
    by_plane: bool = False

    def of(self, chan: int = 0, stokes: int = 0) -> float:
        """That of a plane."""
        direction = self.image.coordinates.direction
        if not self.by_plane or direction is None:
            return 1.0
        pixel = abs(float(np.prod(direction.increment_rad)))
        return pixel * _ARCSEC2 if self.image.unit == "K" else pixel / self.image.beams.at(chan, stokes).area_rad2


def collapse_scale(image: CasaImage, name: str, axes: Sequence[int]) -> tuple[CollapseScale, str | None]:
    """Factor of the result and its unit (None: that of the image)."""
    if name not in ("flux", "sqrtsum_npix_beam"):
        return CollapseScale(image), None
    temperatures = name == "flux" and image.unit == "K"
    if image.coordinates.direction is None or not (image.beams or temperatures):
        raise ParameterError(f"function {name!r} needs an image with direction axes and a restoring beam")
    if name == "sqrtsum_npix_beam":
        if image.beams.is_per_plane and image.coordinates.spectral_axis in axes:
            raise ParameterError(f"function {name!r} along the spectral axis needs one restoring beam; smooth the image to one")
        return CollapseScale(image, True), None
    sky = set(image.coordinates.direction_axes)
    others = [a for a in axes if a not in sky and image.shape[image.ndim - 1 - a] > 1]
    if others or not sky & set(axes):
        raise ParameterError(f"function {name!r} is taken over direction axes, which are {sorted(sky)}; got {list(axes)}")
    unit = image.unit
    if temperatures:
        return CollapseScale(image, True), "K.arcsec2"
    return CollapseScale(image, True), unit.replace("/beam", "") if "/beam" in unit else unit


def _planes(box: Sequence[int], along: Sequence[int]) -> list[tuple[slice, ...]]:
    """Blocks of one pixel on every axis that is not collapsed."""
    others = [k for k in range(len(box)) if k not in along]
    return [
        tuple(slice(at[others.index(k)], at[others.index(k)] + 1) if k in others else slice(0, n) for k, n in enumerate(box))
        for at in np.ndindex(*(box[k] for k in others))
    ]
