"""Images smoothed along one axis by a Hanning or boxcar kernel, with or without decimation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from casatools._base.errors import DataError, ParameterError
from casatools._base.memory import IMAGE_BLOCK_BYTES
from casatools._base.paths import staged_output
from casatools._base.threads import in_order
from casatools.analysis.sub_images import PixelChoice
from casatools.io.image import CasaImage
from casatools.io.image.coordinates import Coordinates, SpectralCoordinate

__all__ = ["AxisSmoothing", "smooth_axis"]

_FUNCTIONS = ("hanning", "boxcar")
_DECIMATIONS = ("", "copy", "mean")


def _named(text: str, names: tuple[str, ...], parameter: str) -> str:
    folded = text.strip().lower()
    found = [n for n in names if n == folded or (folded and n.startswith(folded))]
    if len(found) != 1:
        raise ParameterError(f"parameter {parameter!r} must be one of {', '.join(repr(n) for n in names)}; got {text!r}")
    return found[0]


@dataclass(frozen=True)
class AxisSmoothing:
    """How an axis is smoothed.

    Attributes
    ----------
    function : str
        "hanning" (1/4, 1/2, 1/4) or "boxcar"; beginnings will do.
    width : int
        Of a boxcar, pixels.
    decimate : str
        "" keeps all pixels, "copy" every second one (boxcar: every width-th), "mean" their means in groups.
    axis : int
        Pixel axis, CASA order; negative is the spectral one.
    """

    function: str = "hanning"
    width: int = 2
    decimate: str = "copy"
    axis: int = -1

    def __post_init__(self) -> None:
        object.__setattr__(self, "function", _named(self.function, _FUNCTIONS, "function"))
        object.__setattr__(self, "decimate", _named(self.decimate, _DECIMATIONS, "dmethod"))
        if self.function == "boxcar" and self.width < 1:
            raise ParameterError(f"parameter 'width' must be at least 1; got {self.width}")

    @property
    def group(self) -> int:
        """Pixels that one decimated pixel stands for."""
        return 2 if self.function == "hanning" else self.width


def smooth_axis(image: CasaImage, outfile: str, options: AxisSmoothing, choice: PixelChoice, overwrite: bool = False) -> None:
    """Write an image smoothed along an axis.

    Raises
    ------
    DataError
        The image has no spectral axis, or beams that change along it.
    ParameterError
        There is no such axis, or it is too short.
    SelectionError, OutputExistsError
        Nothing is selected, or the output exists.

    Notes
    -----
    Masked pixels count nothing; what is left of a kernel is scaled to a sum of 1. With a Hanning kernel the ends take two pixels; a boxcar
    gives only pixels whose window is inside. A Hanning pixel stays masked when its centre is.
    """
    spectral = image.coordinates.spectral_axis
    if options.axis < 0 and (spectral is None or spectral < 0):
        raise DataError(f"image {image.path!r} has no spectral axis; parameter 'axis' must name the axis to smooth")
    axis = int(spectral) if options.axis < 0 and spectral is not None else options.axis
    if axis >= image.ndim:
        raise ParameterError(f"axis {axis} is not in the image; its axes are 0 to {image.ndim - 1}")
    if axis == spectral and image.beams.is_per_plane:
        raise DataError(f"image {image.path!r} has beams that change along the axis; smooth it to a common beam first (imsmooth)")
    chosen = choice.of(image)
    chosen.require_good()
    at = image.ndim - 1 - axis
    box = chosen.pixels.box_shape
    count = box[at]
    least = 2 if options.function == "hanning" else options.width
    if count < least:
        raise ParameterError(f"axis {axis} has {count} selected pixels, but this kernel needs {least} or more")
    length, first, step = _extent(count, options)
    shape = tuple(length if k == at else n for k, n in enumerate(box))
    coordinates = _coordinates(
        image, [float(v) for v in chosen.pixels.first[::-1]], axis, (first, step), shape, options.function == "boxcar"
    )
    masked = chosen.has_mask
    with (
        staged_output(outfile, overwrite) as staged,
        CasaImage.create(staged, shape, coordinates, image.dtype, mask="mask0" if masked else "") as output,
    ):
        output.copy_metadata_from(image)

        def compute(block: tuple[slice, ...]) -> tuple[np.ndarray, np.ndarray | None]:
            values, good = chosen.read(block)
            smooth, fine = _smoothed(np.moveaxis(values, at, 0), None if good is None else np.moveaxis(good, at, 0), options)
            return np.moveaxis(smooth, 0, at), None if fine is None else np.moveaxis(fine, 0, at)

        blocks = chosen.line_blocks([at], IMAGE_BLOCK_BYTES // 2)
        for block, (smooth, fine) in zip(blocks, in_order(compute, blocks), strict=True):
            target = tuple(slice(0, length) if k == at else s for k, s in enumerate(block))
            output.write(smooth, target)
            if masked or not (fine is None or fine.all()):
                masked = True
                output.write_mask(True if fine is None else fine, target)


def _coordinates(
    image: CasaImage, starts: list[float], axis: int, places: tuple[float, int], shape: tuple[int, ...], is_boxcar: bool
) -> Coordinates:
    """Coordinates of the result. A boxcar moves a spectral axis' reference value, as CASA does, not its reference pixel."""
    first, step = places
    steps = [1.0] * image.ndim
    steps[axis] = float(step)
    index, _ = image.coordinates.member_of_pixel_axis(axis)
    member = image.coordinates.members[index]
    if isinstance(member, SpectralCoordinate) and not len(member.axis.pixel_values) and is_boxcar:
        moved = image.coordinates.copy()
        moved.replace(index, member.with_reference(value=member.reference_value + first * member.increment))
        return moved.sliced(starts, steps, list(shape[::-1]))
    starts[axis] += first
    return image.coordinates.sliced(starts, steps, list(shape[::-1]))


def _extent(count: int, options: AxisSmoothing) -> tuple[int, float, int]:
    """Pixels of the result, the place of the first one on the axis, and the step between them."""
    kept = count if options.function == "hanning" else count - options.width + 1
    begin = 0.0 if options.function == "hanning" else (options.width - 1) / 2
    if not options.decimate or options.group == 1:
        return kept, begin, 1
    # Hanning leaves out the first pixel, whose kernel is not whole.
    skip = 1 if options.function == "hanning" else 0
    if options.function == "hanning":
        length = (count - 1) // 2
    else:
        length = -(-kept // options.group) if options.decimate == "copy" else kept // options.group
    middle = (options.group - 1) / 2 if options.decimate == "mean" else 0.0
    return max(length, 1), begin + skip + middle, options.group


def _smoothed(values: np.ndarray, good: np.ndarray | None, options: AxisSmoothing) -> tuple[np.ndarray, np.ndarray | None]:
    """Smoothed (and decimated) values and mask (None: all good), the axis first."""
    weight = np.ones((len(values), *[1] * (values.ndim - 1))) if good is None else good.astype(np.float64)
    filled = values if good is None else np.where(good, values, 0)
    if options.function == "hanning":
        total, scale = 0.5 * filled.astype(np.result_type(filled, np.float64)), 0.5 * weight
        for near, far in ((slice(1, None), slice(None, -1)), (slice(None, -1), slice(1, None))):
            total[near] += 0.25 * filled[far]
            scale[near] += 0.25 * weight[far]
        # At the ends the two pixels count the same.
        for end, inner in ((0, 1), (-1, -2)):
            total[end] = 0.5 * (filled[end] + filled[inner])
            scale[end] = 0.5 * (weight[end] + weight[inner])
        fine = None if good is None else good & (scale > 0)
    else:
        count = len(values) - options.width + 1
        total = np.zeros((count, *values.shape[1:]), np.result_type(filled, np.float64))
        scale = np.zeros((count, *weight.shape[1:]))
        for k in range(options.width):
            total += filled[k : k + count]
            scale += weight[k : k + count]
        fine = None if good is None else scale > 0
    if fine is None:
        smooth = np.divide(total, scale, out=total)
    else:
        smooth = np.divide(total, scale, out=np.zeros_like(total), where=fine)
    if not options.decimate or options.group == 1:
        return smooth, fine
    length, _, step = _extent(len(values), options)
    skip = 1 if options.function == "hanning" else 0
    if options.decimate == "copy":
        return smooth[skip::step][:length], None if fine is None else fine[skip::step][:length]
    grouped = smooth[skip : skip + length * step].reshape(length, -1, *smooth.shape[1:])
    if fine is None:
        return grouped.mean(axis=1), None
    usable = fine[skip : skip + length * step].reshape(grouped.shape)
    number = usable.sum(axis=1)
    mean = np.divide((grouped * usable).sum(axis=1), number, out=np.zeros_like(grouped[:, 0]), where=number > 0)
    return mean, number > 0
