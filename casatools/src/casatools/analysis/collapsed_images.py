"""Images reduced along axes by a statistic: one value stands for all pixels of the collapsed axes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from casatools._base.errors import DataError, ParameterError
from casatools._base.paths import staged_output
from casatools.analysis.sub_images import PixelChoice, beams_of_box
from casatools.io.image import BeamSet, CasaImage

__all__ = ["COLLAPSE_FUNCTIONS", "collapse_function", "collapse_image", "collapse_scale"]

_MAD_TO_SIGMA = 1.482602218505602  # 1 / the 0.75 quantile of the normal distribution


def _median(values: np.ndarray, good: np.ndarray) -> np.ndarray:
    return np.nanmedian(np.where(good, values, np.nan), axis=0)


def _madm(values: np.ndarray, good: np.ndarray) -> np.ndarray:
    hidden = np.where(good, values, np.nan)
    return np.nanmedian(np.abs(hidden - np.nanmedian(hidden, axis=0)), axis=0)


def _sum(values: np.ndarray, good: np.ndarray) -> np.ndarray:
    return np.where(good, values, 0.0).sum(axis=0)


def _count(values: np.ndarray, good: np.ndarray) -> np.ndarray:
    return np.count_nonzero(good, axis=0).astype(np.float64)


def _mean(values: np.ndarray, good: np.ndarray) -> np.ndarray:
    return _sum(values, good) / np.maximum(_count(values, good), 1)


def _variance(values: np.ndarray, good: np.ndarray) -> np.ndarray:
    squares = np.where(good, np.square(values - _mean(values, good)), 0.0).sum(axis=0)
    return squares / np.maximum(_count(values, good) - 1, 1)


def _rms(values: np.ndarray, good: np.ndarray) -> np.ndarray:
    return np.sqrt(np.where(good, np.square(values), 0.0).sum(axis=0) / np.maximum(_count(values, good), 1))


# Each takes pixels (collapsed, kept) and their mask and gives (kept,).
COLLAPSE_FUNCTIONS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "flux": _sum, "madm": _madm, "max": lambda v, g: np.where(g, v, -np.inf).max(axis=0), "mean": _mean, "median": _median,
    "min": lambda v, g: np.where(g, v, np.inf).min(axis=0), "npts": _count, "rms": _rms,
    "sqrtsum": lambda v, g: np.sqrt(np.maximum(_sum(v, g), 0.0)),
    "sqrtsum_npix": lambda v, g: np.sqrt(np.maximum(_sum(v, g), 0.0)) / np.maximum(_count(v, g), 1),
    "sqrtsum_npix_beam": lambda v, g: np.sqrt(np.maximum(_sum(v, g), 0.0)), "stddev": lambda v, g: np.sqrt(_variance(v, g)),
    "sum": _sum, "variance": _variance, "xmadm": lambda v, g: _MAD_TO_SIGMA * _madm(v, g), "zero": lambda v, g: 0.0 * _sum(v, g),
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
    ``flux`` is the sum over the direction axes divided by the pixels a beam covers [Jy]. The collapsed axes stand at the world values of
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
        for block in _blocks(box, array_axes, image.dtype.itemsize, single=image.beams.is_per_plane and scale.by_plane):
            values, good = chosen.read(block)
            chan, plane = (0 if a is None else pixels.first[ndim - 1 - a] + block[ndim - 1 - a].start for a in (spectral, stokes))
            where = tuple(slice(0, 1) if k in array_axes else s for k, s in enumerate(block))
            extent = tuple(s.stop - s.start for s in where)
            flat = np.moveaxis(values, array_axes, range(len(array_axes))).astype(np.float64)
            flat = flat.reshape(-1, int(np.prod(extent)))
            usable = (
                np.ones(flat.shape, bool)
                if good is None
                else np.moveaxis(good, array_axes, range(len(array_axes))).reshape(flat.shape)
            )
            defined = usable.any(axis=0)
            result = np.zeros(flat.shape[1])
            if defined.any():
                result[defined] = COLLAPSE_FUNCTIONS[name](flat[:, defined], usable[:, defined]) * scale.of(chan, plane)
            output.write(result.reshape(extent), where)
            if not defined.all():  # only then there is a mask, as in CASA
                output.write_mask(defined.reshape(extent), where)


@dataclass(frozen=True)
class CollapseScale:
    """The factor that a collapse function's results are multiplied by.

    Attributes
    ----------
    image : CasaImage
    by_plane : bool
        It is one over the pixels that the beam of a plane covers; else 1.
    """

    image: CasaImage
    by_plane: bool = False

    def of(self, chan: int = 0, stokes: int = 0) -> float:
        """That of a plane."""
        direction = self.image.coordinates.direction
        if not self.by_plane or direction is None:
            return 1.0
        return abs(float(np.prod(direction.increment_rad))) / self.image.beams.at(chan, stokes).area_rad2


def collapse_scale(image: CasaImage, name: str, axes: Sequence[int]) -> tuple[CollapseScale, str | None]:
    """Factor of the result and its unit (None: that of the image)."""
    if name not in ("flux", "sqrtsum_npix_beam"):
        return CollapseScale(image), None
    if image.coordinates.direction is None or not image.beams:
        raise ParameterError(f"function {name!r} needs an image with direction axes and a restoring beam")
    if name == "sqrtsum_npix_beam":
        if image.beams.is_per_plane and image.coordinates.spectral_axis in axes:
            raise ParameterError(f"function {name!r} along the spectral axis needs one restoring beam; smooth the image to one")
        return CollapseScale(image, True), None
    if set(axes) != set(image.coordinates.direction_axes):
        raise ParameterError(
            f"function {name!r} is taken over both direction axes {list(image.coordinates.direction_axes)}; got {list(axes)}"
        )
    unit = image.unit
    return CollapseScale(image, True), unit.replace("/beam", "") if "/beam" in unit else unit


def _blocks(
    box: Sequence[int], along: Sequence[int], itemsize: int, max_bytes: int = 64 << 20, single: bool = False
) -> list[tuple[slice, ...]]:
    """Blocks that hold the collapsed axes whole; cut along the longest other axis, or `single` planes of all others."""
    others = [k for k in range(len(box)) if k not in along]
    if single:
        return [
            tuple(slice(at[others.index(k)], at[others.index(k)] + 1) if k in others else slice(0, n) for k, n in enumerate(box))
            for at in np.ndindex(*(box[k] for k in others))
        ]
    if not others:
        return [tuple(slice(0, n) for n in box)]
    cut = max(others, key=lambda k: (box[k], -k))
    each = int(np.prod([n for k, n in enumerate(box) if k != cut])) * max(itemsize, 8)
    step = max(1, max_bytes // max(1, each))
    return [
        tuple(slice(a, min(a + step, n)) if k == cut else slice(0, n) for k, n in enumerate(box))
        for a in range(0, box[cut], step)
    ]
