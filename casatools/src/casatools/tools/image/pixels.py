"""Pixels of an image: reading and writing parts of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np

from casatools._base import kinds, log
from casatools._base.declare import method
from casatools._base.errors import ParameterError
from casatools._base.memory import require_memory
from casatools.io.image import casa_order
from casatools.tools.image.recording import recorded
from casatools.tools.image.session import SessionMethods

__all__ = ["PixelMethods"]

_Corner = kinds.IntList()


def _filled(given: Sequence[int], default: Sequence[int], shape: Sequence[int], name: str) -> list[int]:
    """A corner for all axes (CASA order); -1 and missing axes take the default."""
    if len(given) > len(shape):
        raise ParameterError(f"image: parameter {name!r} has {len(given)} axes, the image has {len(shape)}")
    values = [int(v) for v in given] + [-1] * (len(shape) - len(given))
    return [d if v < 0 else v for v, d in zip(values, default, strict=True)]


def _box(slices: Sequence[slice]) -> str:
    """The corners of a box, in CASA's order of axes."""
    axes = slices[::-1]
    return f"blc {[s.start for s in axes]}, trc {[s.stop - 1 for s in axes]}, inc {[s.step for s in axes]}"


def _repeated(values: np.ndarray, counts: Sequence[int]) -> np.ndarray:
    """Values side by side until the axes have so many; axes of one pixel are left to be broadcast."""
    for axis, count in enumerate(counts):
        if 1 < values.shape[axis] < count:
            values = np.take(values, np.arange(count) % values.shape[axis], axis=axis)
    return values


def axes_to_average(axes: Sequence[int], ndim: int, who: str) -> tuple[int, ...]:
    """The axes to average over; negative ones stand for none.

    Raises
    ------
    ParameterError
        An axis is not in the image or comes twice.
    """
    chosen = tuple(a for a in axes if a >= 0)
    if len(set(chosen)) < len(chosen) or any(a >= ndim for a in chosen):
        raise ParameterError(f"{who}: parameter 'axes' must name axes from 0 to {ndim - 1}, each once; got {list(axes)}")
    return chosen


def given_pixels(values: np.ndarray | None, good: np.ndarray | None, averaged: tuple[int, ...], dropdeg: bool) -> np.ndarray:
    """Pixels as tools return them (CASA order, double precision), or, with `values` None, the mask; means are those of good pixels."""
    mask = None if good is None else casa_order(good)
    if values is None:
        result = np.asarray(mask)
        if averaged:
            result = np.asarray(result.any(axis=averaged, keepdims=True))
    else:
        result = casa_order(values)
        if averaged and mask is not None:
            count = mask.sum(axis=averaged, keepdims=True)
            result = np.where(mask, result, 0).sum(axis=averaged, keepdims=True, dtype=np.result_type(result, np.float64))
            result = result / np.maximum(count, 1)
        elif averaged:
            result = result.mean(axis=averaged, keepdims=True, dtype=np.result_type(result, np.float64))
    if dropdeg:
        result = result.reshape([n for n in result.shape if n > 1] or (1,))
    if result.dtype == bool:
        return np.ascontiguousarray(result)
    return np.ascontiguousarray(result, dtype=np.complex128 if np.iscomplexobj(result) else np.float64)


class PixelMethods(SessionMethods):
    """Reading and writing pixels; arrays are in CASA axis order."""

    def _slices(self, blc: Sequence[int], trc: Sequence[int], inc: Sequence[int]) -> tuple[slice, ...]:
        """Array-order slices of a box given in CASA order."""
        shape = self._image.shape[::-1]
        first = _filled([] if list(blc) == [-1] else blc, [0] * len(shape), shape, "blc")
        last = _filled([] if list(trc) == [-1] else trc, [n - 1 for n in shape], shape, "trc")
        step = _filled([] if list(inc) == [1] else inc, [1] * len(shape), shape, "inc")
        last = [min(b, n - 1) for b, n in zip(last, shape, strict=True)]
        for axis, (a, b, s) in enumerate(zip(first, last, step, strict=True)):
            if a > b or a >= shape[axis] or s < 1:
                raise ParameterError(
                    f"image: blc {a}, trc {b}, inc {s} on axis {axis} do not fit an axis of {shape[axis]} pixels"
                )
        return tuple(slice(a, b + 1, s) for a, b, s in zip(first, last, step, strict=True))[::-1]

    def _require_room(self, slices: Sequence[slice], getmask: bool) -> None:
        """Raise ParameterError where the pixels of a box, as stored and as they are given back, need more memory than there is."""
        count = math.prod(len(range(s.start, s.stop, s.step)) for s in slices)
        stored = 1 if getmask else self._image.dtype.itemsize
        given = 1 if getmask else max(8, 2 * stored if self._image.dtype.kind == "f" else 16)
        what = f"image.getchunk of {count} pixels (choose fewer by 'blc', 'trc' and 'inc', a part at a time)"
        require_memory(float(count) * (stored + given), what)

    @method
    def getchunk(
        self,
        blc: Annotated[list[int], _Corner, "First pixel of each axis"] = [-1],  # noqa: B006 - copied
        trc: Annotated[list[int], _Corner, "Last pixel of each axis"] = [-1],  # noqa: B006 - copied
        inc: Annotated[list[int], _Corner, "Step on each axis"] = [1],  # noqa: B006 - copied
        axes: Annotated[list[int], kinds.IntList(), "Axes to average over; -1 is none"] = [-1],  # noqa: B006 - copied
        list: Annotated[bool, kinds.Bool(), "Write the box to the log"] = False,
        dropdeg: Annotated[bool, kinds.Bool(), "Drop axes of length one"] = False,
        getmask: Annotated[bool, kinds.Bool(), "Return the mask instead of the pixels"] = False,
    ) -> Any:
        """Pixels, or the mask, of a box.

        Returns
        -------
        ndarray
            CASA axis order; float64 (complex128), or bool for the mask.

        Raises
        ------
        ParameterError
            The box does not fit the image, or its pixels do not fit into memory.
        """
        slices = self._slices(blc, trc, inc)
        averaged = axes_to_average(axes, self._image.ndim, "image.getchunk")
        if list:
            log.post(f"image.getchunk: {_box(slices)}")
        self._require_room(slices, getmask)
        good = self._image.read_mask(slices) if getmask or averaged else None
        return given_pixels(None if getmask else self._image.read(slices), good, averaged, dropdeg)

    @recorded()
    def putchunk(
        self,
        pixels: Annotated[Any, kinds.Array(numbers=True), "Pixels, CASA axis order"] = [],  # noqa: B006 - copied
        blc: Annotated[list[int], _Corner, "First pixel of each axis"] = [-1],  # noqa: B006 - copied
        inc: Annotated[list[int], _Corner, "Step on each axis"] = [1],  # noqa: B006 - copied
        list: Annotated[bool, kinds.Bool(), "Write the box to the log"] = False,
        locking: Annotated[bool, kinds.Bool(), "Accepted for compatibility; the image is locked while it is written"] = True,
        replicate: Annotated[bool, kinds.Bool(), "Repeat the pixels over the rest of the image"] = False,
    ) -> bool:
        """Put pixels into the image from a corner on.

        Raises
        ------
        ParameterError
            The pixels reach outside the image.
        """
        image = self._writable()
        values: np.ndarray = np.asarray(pixels)
        ndim = image.ndim
        if values.size == 0:
            raise ParameterError("image.putchunk: parameter 'pixels' holds no pixel")
        if values.ndim > ndim:
            raise ParameterError(f"image.putchunk: pixels have {values.ndim} axes, the image has {ndim}")
        values = values.reshape(values.shape + (1,) * (ndim - values.ndim))
        shape = image.shape[::-1]
        first = _filled([] if blc == [-1] else blc, [0] * ndim, shape, "blc")
        step = _filled([] if inc == [1] else inc, [1] * ndim, shape, "inc")
        if min(step) < 1:
            raise ParameterError(f"image.putchunk: parameter 'inc' must hold steps of at least 1; got {inc}")
        last = [first[k] + (int(values.shape[k]) - 1) * step[k] for k in range(ndim)]
        if any(b >= n for b, n in zip(last, shape, strict=True)):
            raise ParameterError(
                f"image.putchunk: pixels of shape {values.shape} from {first} on reach outside the image of shape {shape}"
            )
        if replicate:
            values = _repeated(values, [len(range(a, n, s)) for a, n, s in zip(first, shape, step, strict=True)])
            last = [first[k] + (int(values.shape[k]) - 1) * step[k] for k in range(ndim)]
            last = [n - 1 if values.shape[k] == 1 else last[k] for k, n in enumerate(shape)]
        slices = tuple(slice(a, b + 1, s) for a, b, s in zip(first, last, step, strict=True))[::-1]
        if list:
            log.post(f"image.putchunk: {_box(slices)}")
        image.write(casa_order(values), slices)
        image.flush()
        return True
