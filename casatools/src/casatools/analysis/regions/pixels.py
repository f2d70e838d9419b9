"""Pixel sets of images: unions and differences of products of a plane shape with channels and polarizations.

A pixel set never holds a mask of the whole image: masks are made for the block that is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from casatools._base.errors import SelectionError
from casatools.analysis.regions.shapes import PlaneShape, Polygon, Rectangle

__all__ = ["PixelSet", "Term"]


@dataclass(frozen=True)
class Term:
    """One product: a plane shape (or all of the plane) times lists of pixels on the other axes.

    Attributes
    ----------
    shape : PlaneShape or None
        None stands for the whole plane.
    others : dict of ndarray
        Array axis to the ascending pixels chosen on it; axes not named are whole.
    exclude : bool
        Take these pixels away instead.
    plane_axes : tuple of int
        Array axes of x and y.
    invert : bool
        The plane shape is complemented.
    """

    shape: PlaneShape | None
    others: dict[int, np.ndarray] = field(default_factory=dict)
    exclude: bool = False
    plane_axes: tuple[int, int] = (-1, -2)
    invert: bool = False

    def box(self, shape: Sequence[int]) -> tuple[list[int], list[int]] | None:
        """First and last pixel on each array axis, both included; None when nothing of the image is inside."""
        first, last = [0] * len(shape), [n - 1 for n in shape]
        for axis, pixels in self.others.items():
            if len(pixels) == 0:
                return None
            first[axis], last[axis] = int(pixels[0]), int(pixels[-1])
        if self.shape is not None and not self.invert:
            bounds = self.shape.bounds
            for axis, low, high in ((self.plane_axes[0], bounds[0], bounds[2]), (self.plane_axes[1], bounds[1], bounds[3])):
                first[axis] = max(0, int(np.ceil(low - 2e-4)))
                last[axis] = min(shape[axis] - 1, int(np.floor(high + 2e-4)))
                if first[axis] > last[axis]:
                    return None
            if isinstance(self.shape, Polygon) and not self._trim(self.shape, first, last):
                return None
        return first, last

    def _trim(self, shape: Polygon, first: list[int], last: list[int]) -> bool:
        """Take rows and columns at the edges of the box that hold no pixel of a polygon away, as CASA does; False where none is left."""
        ax, ay = self.plane_axes
        for along, across in ((ay, ax), (ax, ay)):
            every = np.arange(first[across], last[across] + 1, dtype=np.float64)

            def empty(at: int, along: int = along, every: np.ndarray = every) -> bool:
                here = np.array([float(at)])
                return not (shape.contains(every, here) if along == ay else shape.contains(here, every)).any()

            while first[along] <= last[along] and empty(first[along]):
                first[along] += 1
            while first[along] < last[along] and empty(last[along]):
                last[along] -= 1
            if first[along] > last[along]:
                return False
        return True

    def block(self, slices: Sequence[slice]) -> np.ndarray:
        """Boolean mask of a block, broadcastable to the block's shape."""
        ndim = len(slices)
        result = np.ones((1,) * ndim, dtype=bool)
        if self.shape is not None:
            ax, ay = (a % ndim for a in self.plane_axes)
            x = np.arange(slices[ax].start, slices[ax].stop, dtype=np.float64).reshape(
                [-1 if k == ax else 1 for k in range(ndim)]
            )
            y = np.arange(slices[ay].start, slices[ay].stop, dtype=np.float64).reshape(
                [-1 if k == ay else 1 for k in range(ndim)]
            )
            result = result & (self.shape.contains(x, y) != self.invert)
        for axis, pixels in self.others.items():
            here = np.isin(np.arange(slices[axis].start, slices[axis].stop), pixels)
            result = result & here.reshape([-1 if k == axis else 1 for k in range(ndim)])
        return result

    @property
    def is_box(self) -> bool:
        """True when the term fills its bounding box."""
        whole = all(len(p) == p[-1] - p[0] + 1 for p in self.others.values() if len(p))
        return whole and not self.invert and (self.shape is None or isinstance(self.shape, Rectangle))


class PixelSet:
    """Pixels of an image chosen by region, box, channels and polarizations.

    Parameters
    ----------
    shape : sequence of int
        Shape of the image, array order.
    terms : sequence of Term
        Included ones are united in order, excluded ones taken away in order.
    what : str
        The request in words, for the error when nothing is chosen.

    Raises
    ------
    SelectionError
        Nothing of the image is inside.
    """

    def __init__(self, shape: Sequence[int], terms: Sequence[Term], what: str = "region") -> None:
        self.shape = tuple(int(n) for n in shape)
        self.terms = tuple(terms) if any(not t.exclude for t in terms) else (Term(None), *terms)
        boxes = [b for t in self.terms if not t.exclude and (b := t.box(self.shape)) is not None]
        if not boxes:
            raise SelectionError(f"{what} holds no pixel of the image of shape {self.shape[::-1]}")
        self.first = [min(b[0][k] for b in boxes) for k in range(len(self.shape))]
        self.last = [max(b[1][k] for b in boxes) for k in range(len(self.shape))]

    @property
    def slices(self) -> tuple[slice, ...]:
        """The bounding box, array order."""
        return tuple(slice(a, b + 1) for a, b in zip(self.first, self.last, strict=True))

    @property
    def box_shape(self) -> tuple[int, ...]:
        """Shape of the bounding box."""
        return tuple(b - a + 1 for a, b in zip(self.first, self.last, strict=True))

    def chosen_on(self, axis: int) -> np.ndarray:
        """Pixels of an array axis that hold any chosen pixel, as far as channels and polarizations say."""
        found = np.zeros(self.shape[axis], dtype=bool)
        for term in self.terms:
            if not term.exclude:
                found[term.others.get(axis, slice(None))] = True
        return np.flatnonzero(found[self.first[axis] : self.last[axis] + 1]) + self.first[axis]

    @property
    def is_box(self) -> bool:
        """True when all pixels of the bounding box are chosen."""
        return len(self.terms) == 1 and self.terms[0].is_box

    @property
    def is_whole(self) -> bool:
        """True when all pixels of the image are chosen."""
        return self.is_box and self.box_shape == self.shape

    def block(self, slices: Sequence[slice]) -> np.ndarray | None:
        """Mask (True is chosen) of a block given in image pixels, of the block's full shape; None when all of it is chosen."""
        if self.is_box:
            return None
        extent = tuple(s.stop - s.start for s in slices)
        result = np.zeros(extent, dtype=bool)
        for term in self.terms:
            mask = np.broadcast_to(term.block(slices), extent)
            result = result & ~mask if term.exclude else result | mask
        return result
