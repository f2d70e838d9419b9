"""Convolution of images with arrays of any number of axes, and axis by axis with Gaussians, boxes and Hanning kernels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from casatools._base.errors import DataError, ParameterError
from casatools._base.memory import require_memory
from casatools._base.paths import staged_output
from casatools.analysis.selected_pixels import SelectedPixels
from casatools.analysis.sub_images import PixelChoice, beams_of_box
from casatools.frames.quantities import parse_quantity, to_unit
from casatools.io.image import BeamSet, CasaImage

__all__ = ["axis_kernels", "box_pixels", "convolve_array", "convolve_axes", "plane_kernel"]

_KINDS = ("gaussian", "boxcar", "hanning")


def convolve_array(
    image: CasaImage, outfile: str, kernel: np.ndarray, scale: float, choice: PixelChoice, overwrite: bool = False
) -> None:
    """Write an image convolved with an array; masked pixels count as zero and stay masked, the result has no beam.

    Parameters
    ----------
    image : CasaImage
    outfile : str
    kernel : ndarray
        Array order, its last axes along the image's; its middle is pixel ``n // 2`` of each axis.
    scale : float
        Factor; negative normalizes the kernel to a sum of 1.
    choice : PixelChoice
    overwrite : bool

    Raises
    ------
    ParameterError
        The kernel has more axes or pixels than the image, or cannot be normalized.
    """
    if kernel.ndim > image.ndim or kernel.size == 0:
        raise ParameterError(f"the kernel must have 1 to {image.ndim} axes, as the image; its shape is {kernel.shape[::-1]}")
    full = kernel.reshape((1,) * (image.ndim - kernel.ndim) + kernel.shape).astype(np.float64)
    chosen = choice.of(image)
    chosen.require_real("kernels are for")
    chosen.require_good()
    box = chosen.pixels.box_shape
    if any(a > b for a, b in zip(full.shape, box, strict=True)):
        raise ParameterError(f"the kernel of shape {kernel.shape[::-1]} is larger than what is convolved: {box[::-1]}")
    total = float(full.sum())
    if scale < 0 and total == 0:
        raise ParameterError("the kernel cannot be normalized: its pixels add up to zero; give a scale")
    factor = scale if scale > 0 else 1.0 / total if scale < 0 else 0.0
    inner, reach = math.prod(box[-2:]), int(np.count_nonzero(full.reshape(-1, math.prod(full.shape[-2:])).any(axis=1)))
    what = f"a convolution of planes of {inner} pixels, {reach} at once (convolve a part, chosen by 'region')"
    # Planes that the kernel reaches as float64 with their masks, the sum, and the padded transforms of a plane and of the kernel.
    require_memory(9.0 * inner * (reach + 2) + 40.0 * inner, what)
    with _like(chosen, outfile, overwrite, BeamSet()) as output:
        _convolved_planes(chosen, output, full * factor)


def _like(chosen: SelectedPixels, outfile: str, overwrite: bool, beams: BeamSet) -> Any:
    """A new image of the chosen box, opened inside of a staged output."""
    import contextlib

    @contextlib.contextmanager
    def opened() -> Any:
        image, box = chosen.image, chosen.pixels.box_shape
        coordinates = image.coordinates.sliced([float(v) for v in chosen.pixels.first[::-1]], [1.0] * image.ndim, box[::-1])
        with (
            staged_output(outfile, overwrite) as staged,
            CasaImage.create(staged, box, coordinates, image.dtype, mask="mask0" if chosen.has_mask else "") as output,
        ):
            output.copy_metadata_from(image, beams=False)
            output.beams = beams
            yield output

    return opened()


def _convolved_planes(chosen: SelectedPixels, output: CasaImage, kernel: np.ndarray) -> None:
    """Each plane of the last two axes as a sum over the planes that the kernel reaches."""
    from scipy.signal import fftconvolve

    box, ndim = chosen.pixels.box_shape, len(chosen.pixels.box_shape)
    inner = min(2, ndim)
    outer_box, outer = box[: ndim - inner], kernel.shape[: ndim - inner]
    offsets = [o for o in np.ndindex(*outer) if np.any(kernel[o])]
    kept: dict[tuple[int, ...], tuple[np.ndarray, np.ndarray | None]] = {}

    def plane(at: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray | None]:
        if at not in kept:
            while len(kept) > len(offsets) + 1:
                kept.pop(next(iter(kept)))
            block = (*(slice(k, k + 1) for k in at), *(slice(0, n) for n in box[ndim - inner :]))
            values, good = chosen.read(block)
            kept[at] = np.where(True if good is None else good, values, 0)[(0,) * len(at)].astype(np.float64), good
        return kept[at]

    for at in np.ndindex(*outer_box):
        total = np.zeros(box[ndim - inner :])
        for offset in offsets:
            there = tuple(a - (o - n // 2) for a, o, n in zip(at, offset, outer, strict=True))
            if all(0 <= t < n for t, n in zip(there, outer_box, strict=True)):
                part = fftconvolve(plane(there)[0], kernel[offset], mode="full")
                total += part[tuple(slice(n // 2, n // 2 + m) for n, m in zip(kernel[offset].shape, total.shape, strict=True))]
        block = (*(slice(k, k + 1) for k in at), *(slice(0, n) for n in total.shape))
        output.write(total[(None,) * len(at)].astype(output.dtype), block)
        if chosen.has_mask:
            good = plane(at)[1]
            output.write_mask(True if good is None else good, block)


def axis_kernels(
    image: CasaImage, axes: Sequence[int], types: Sequence[str], widths: Sequence[Any], scale: float
) -> dict[int, np.ndarray]:
    """The kernel of each axis (array axis: values), middle at ``n // 2``.

    Parameters
    ----------
    image : CasaImage
    axes : sequence of int
        Pixel axes, CASA order.
    types : sequence of str
        gaussian, boxcar or hanning, or their beginnings.
    widths : sequence of quantity or float
        Full widths, in pixels when they have no unit or "pix", else in the unit of the axis; hanning has none of its own.
    scale : float
        Factor of kernels of peak 1; negative normalizes their sums to 1.

    Raises
    ------
    ParameterError
        Lists differ in length, or a kind, a width or an axis cannot be used.
    """
    if not len(axes) == len(types) == len(widths) or not axes:
        raise ParameterError(
            f"axes, types and widths must be lists of the same length; got {len(axes)}, {len(types)} and {len(widths)}"
        )
    found: dict[int, np.ndarray] = {}
    for axis, kind, width in zip(axes, types, widths, strict=True):
        if not 0 <= axis < image.ndim:
            raise ParameterError(f"axis {axis} is not in the image; its axes are 0 to {image.ndim - 1}")
        names = [n for n in _KINDS if kind.strip() and n.startswith(kind.strip().lower())]
        if len(names) != 1:
            raise ParameterError(f"parameter 'types' must hold {', '.join(_KINDS)}; got {kind!r}")
        if image.coordinates.stokes_axis == axis:
            raise ParameterError("the polarization axis cannot be convolved")
        values = _kernel(names[0], _pixels(image, axis, width), image.shape[image.ndim - 1 - axis])
        found[image.ndim - 1 - axis] = values / values.sum() if scale < 0 else values
    if scale >= 0:
        first = next(iter(found))
        found[first] = found[first] * scale
    return found


def _pixels(image: CasaImage, axis: int, width: Any) -> float:
    number, unit = parse_quantity(width)
    if unit in ("", "pix"):
        pixels = float(number)
    else:
        world = image.coordinates.pixel_to_world_axis(axis)
        step = abs(float(image.coordinates.increment[world]))
        pixels = float(to_unit(width, image.coordinates.units[world])) / step
    if not pixels > 0:
        raise ParameterError(f"widths of kernels must be positive; got {width!r}")
    return pixels


def box_pixels(width: float) -> int:
    """Whole pixels of a box of some pixels; halves, which widths on the sky are but for rounding, make one more."""
    return max(1, int(np.floor(width + 0.5 + 1e-6)))


def _kernel(kind: str, width: float, count: int) -> np.ndarray:
    """Values with a peak of 1."""
    if kind == "hanning":
        return np.array([0.5, 1.0, 0.5])
    if kind == "boxcar":
        require_memory(8.0 * width, f"a box of {width:.0f} pixels ('widths')")
        return np.ones(box_pixels(width))
    reach = min(count, int(np.ceil(3 * width)) + 1)
    return np.asarray(np.exp(-4 * np.log(2) * (np.arange(-reach, reach + 1) / width) ** 2))


def plane_kernel(image: CasaImage, axes: Sequence[int], kind: str, widths: Sequence[Any], angle_rad: float) -> np.ndarray:
    """A kernel of peak 1 in a plane of two axes of an image, as an array of all its axes.

    Parameters
    ----------
    image : CasaImage
    axes : (int, int)
        Pixel axes, CASA order.
    kind : str
        gaussian or boxcar, or the beginning of it.
    widths : (quantity, quantity)
        Full widths: of a Gaussian along its major axis (the second one when it is not turned) and its minor axis, of a box along both axes.
    angle_rad : float
        From the second axis towards lower pixels of the first.

    Raises
    ------
    ParameterError
        Axes, kind or widths cannot be used.
    """
    if (
        len(axes) != 2
        or axes[0] == axes[1]
        or any(not 0 <= a < image.ndim for a in axes)
        or image.coordinates.stokes_axis in axes
    ):
        raise ParameterError(f"parameter 'axes' must be two axes of the image that are not of polarization; got {list(axes)}")
    names = [n for n in _KINDS[:2] if kind.strip() and n.startswith(kind.strip().lower())]
    if len(names) != 1:
        raise ParameterError(f"parameter 'type' must be gaussian or boxcar; got {kind!r}")
    if names[0] == "boxcar":
        sides = [_pixels(image, a, w) for a, w in zip(axes[::-1], widths[::-1], strict=True)]
        require_memory(8.0 * math.prod(sides), f"a box of {sides[1]:.0f} x {sides[0]:.0f} pixels ('major', 'minor')")
        plane = np.outer(*(_kernel("boxcar", side, 0) for side in sides))
    else:
        major, minor = _pixels(image, axes[1], widths[0]), _pixels(image, axes[0], widths[1])
        reach = [min((image.shape[image.ndim - 1 - a] - 1) // 2, int(np.ceil(1.5 * max(major, minor))) + 1) for a in axes]
        x, y = np.arange(-reach[0], reach[0] + 1)[None, :], np.arange(-reach[1], reach[1] + 1)[:, None]
        along = -x * np.sin(angle_rad) + y * np.cos(angle_rad)
        across = x * np.cos(angle_rad) + y * np.sin(angle_rad)
        plane = np.exp(-4 * np.log(2) * ((along / major) ** 2 + (across / minor) ** 2))
    places = [image.ndim - 1 - axes[1], image.ndim - 1 - axes[0]]
    turned = plane if places[0] < places[1] else plane.T
    shape = [1] * image.ndim
    for place, n in zip(sorted(places), turned.shape, strict=True):
        shape[place] = n
    return turned.reshape(shape)


def convolve_axes(
    image: CasaImage, outfile: str, kernels: dict[int, np.ndarray], choice: PixelChoice, overwrite: bool = False
) -> None:
    """Write an image convolved along axes; masked pixels count as zero and stay masked.

    Raises
    ------
    DataError
        Beams change along a convolved axis.
    """
    from scipy.ndimage import convolve1d

    spectral = image.coordinates.spectral_axis
    if image.beams.is_per_plane and spectral is not None and image.ndim - 1 - spectral in kernels:
        raise DataError(f"image {image.path!r} has beams that change along the axis; smooth it to a common beam first")
    chosen = choice.of(image)
    chosen.require_real("kernels are for")
    chosen.require_good()
    box = chosen.pixels.box_shape
    free = [k for k in range(len(box)) if k not in kernels]
    cut = max(free, key=lambda k: (box[k], -k)) if free else -1
    step = box[cut] if not free else max(1, (64 << 20) * box[cut] // max(1, int(np.prod(box)) * 16))
    with _like(chosen, outfile, overwrite, beams_of_box(image, chosen.pixels)) as output:
        for start in range(0, box[cut] if free else 1, step):
            block = tuple(slice(start, min(start + step, n)) if k == cut and free else slice(0, n) for k, n in enumerate(box))
            values, good = chosen.read(block)
            made = np.where(True if good is None else good, values, 0).astype(np.result_type(values, np.float64))
            for axis, kernel in kernels.items():
                # An even kernel has its middle at n // 2, where convolve1d has it too.
                made = convolve1d(made, kernel, axis=axis, mode="constant")
            output.write(made.astype(image.dtype), block)
            if chosen.has_mask:
                output.write_mask(True if good is None else good, block)
