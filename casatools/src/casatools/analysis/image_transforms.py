"""Fourier transforms of images, with coordinates in wavelengths."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np

from casatools._base.errors import ParameterError
from casatools._base.memory import require_memory
from casatools._base.paths import require_absent, staged_output
from casatools._base.threads import thread_count
from casatools.analysis.selected_pixels import SelectedPixels
from casatools.analysis.sub_images import PixelChoice
from casatools.io.image import CasaImage
from casatools.io.image.coordinates import Coordinates, DirectionCoordinate, LinearCoordinate

__all__ = ["TransformOutputs", "transform_image"]


@dataclass(frozen=True)
class TransformOutputs:
    """Images of a transform to write; "" for those that are not wanted."""

    real: str = ""
    imag: str = ""
    amp: str = ""
    phase: str = ""
    complex: str = ""

    @property
    def wanted(self) -> dict[str, str]:
        return {name: path for name, path in vars(self).items() if path}


def transform_image(image: CasaImage, outputs: TransformOutputs, axes: Sequence[int], choice: PixelChoice) -> None:
    """Write the Fourier transform of an image along some axes.

    Parameters
    ----------
    image : CasaImage
    outputs : TransformOutputs
    axes : sequence of int
        Pixel axes (CASA order).
    choice : PixelChoice
        Pixels that are not chosen, or masked, count as zero.

    Raises
    ------
    ParameterError
        No output is named, or an axis is not there.
    OutputExistsError

    Notes
    -----
    ``F(u) = sum I(x) exp(-2 pi i u x)`` with the origin of both in the middle pixel ``n // 2``; nothing is divided by the number of pixels.
    """
    wanted = outputs.wanted
    if not wanted:
        raise ParameterError("name at least one image to write: real, imag, amp, phase or complex")
    along = sorted({int(a) for a in axes})
    if not along or along[0] < 0 or along[-1] >= image.ndim:
        raise ParameterError(f"parameter 'axes' must name axes 0 to {image.ndim - 1}; got {list(axes)}")
    for path in wanted.values():
        require_absent(path)
    chosen = choice.of(image)
    chosen.require_good()
    box = chosen.pixels.box_shape
    array_axes = [image.ndim - 1 - a for a in along]
    blocks = chosen.line_blocks(array_axes)  # whole along the axes that are transformed
    largest = max(math.prod(s.stop - s.start for s in block) for block in blocks)
    require_memory(_BYTES_OF_A_PIXEL * largest, f"the Fourier transform of {image.path!r} along axes {along}")
    coordinates = _coordinates(image, chosen.pixels.first[::-1], box[::-1], along)
    unit = image.unit.replace("/beam", "") if set(along) & set(image.coordinates.direction_axes) else image.unit
    with ExitStack() as stack:
        made: dict[str, CasaImage] = {}
        for name, path in wanted.items():
            staged = stack.enter_context(staged_output(path))
            dtype = np.complex64 if name == "complex" else np.float32
            made[name] = stack.enter_context(CasaImage.create(staged, box, coordinates, dtype))
            made[name].copy_metadata_from(image, beams=not image.beams.is_per_plane)
            made[name].unit = "rad" if name == "phase" else unit
        for block in blocks:
            found = _transformed(chosen, block, array_axes)
            for name, output in made.items():
                output.write(_PARTS[name](found), block)


# The values, what is transformed, the result, a part of it, and a copy or two on the way.
_BYTES_OF_A_PIXEL = 3.0 * 16
_PARTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "real": np.real, "imag": np.imag, "amp": np.abs, "phase": np.angle, "complex": np.asarray,
}  # fmt: skip


def _transformed(chosen: SelectedPixels, block: Sequence[slice], array_axes: Sequence[int]) -> np.ndarray:
    """The transform of a block, complex128."""
    import ducc0

    values, good = chosen.read(block)
    if good is not None:
        values = np.where(good, values, 0)
    moved = np.fft.ifftshift(values.astype(np.complex128), axes=array_axes)
    return np.asarray(np.fft.fftshift(ducc0.fft.c2c(moved, axes=array_axes, nthreads=thread_count()), axes=array_axes))


def _coordinates(image: CasaImage, first: Sequence[int], shape: Sequence[int], axes: Sequence[int]) -> Coordinates:
    """Coordinates in which the transformed axes are linear, in wavelengths for the sky."""
    coordinates = image.coordinates.sliced([float(v) for v in first], [1.0] * image.ndim, list(shape))
    out = coordinates.copy()
    names = {"Direction": ("UU", "VV")}
    for index, member in enumerate(coordinates.members):
        own = coordinates.pixel_axes[index]
        if not set(own) & set(axes) or member.kind == "Stokes":
            continue
        increments, units, labels = [], [], []
        for row, axis in enumerate(own):
            unit = str(member.units[row])
            step = float(member.increment_rad[row]) if isinstance(member, DirectionCoordinate) else float(member.increment[row])
            increments.append(1.0 / (step * shape[axis]))
            units.append("lambda" if member.kind == "Direction" else "s" if unit == "Hz" else f"1/{unit}" if unit else "")
            labels.append(names.get(member.kind, ("Inverse" + str(member.names[row]),) * len(own))[row])
        middle = [float(shape[a] // 2) for a in own]
        out.replace(index, LinearCoordinate.make(labels, units, 0.0, middle, increments))
    return out
