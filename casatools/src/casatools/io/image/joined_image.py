"""Images that are lists of others joined along an axis (``imageconcat.json``), as CASA's virtual modes of imageconcat write them.

The file names the axis and the images: ``././a`` lies in the folder of the list, ``./a`` beside it, anything else is a path (casacore's
Path::stripDirectory).
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from casatools._base.errors import DataError
from casatools.io.image.beams import BeamSet
from casatools.io.image.coordinates import Coordinates, SpectralCoordinate
from casatools.io.image.coordinates.stokes import StokesCoordinate
from casatools.io.image.coordinates.tabular import TabularCoordinate

__all__ = ["LIST_FILE", "JoinedImage", "is_joined", "joined_beams", "joined_coordinates", "list_text", "world_values"]

LIST_FILE = "imageconcat.json"
# Coordinates that follow each other to this part of a pixel make one regular axis.
_TOLERANCE = 0.05
_TYPES = {"f4": "float", "f8": "double", "c8": "complex", "c16": "dcomplex"}


def is_joined(folder: str) -> bool:
    """True when a folder holds a list of images."""
    return os.path.isfile(os.path.join(folder, LIST_FILE))


def list_text(names: Sequence[str], axis: int, dtype: np.dtype) -> str:
    """What the list of images says; `names` as they are to stand in it."""
    kind = _TYPES[f"{dtype.kind}{dtype.itemsize}"]
    return json.dumps(
        {"Version": 1, "DataType": kind, "Axis": axis, "TempClose": True, "Images": list(names), "MiscInfo": {}}, indent=1
    )


class JoinedImage:
    """An image that is read from others; it cannot be changed, its parts can.

    Attributes
    ----------
    path : str
    shape, tile_shape : tuple of int
        Internal order.
    dtype : dtype
    """

    is_fits = False
    writable = False

    def __init__(self, path: str, parts: list[Any], axis: int) -> None:
        first = parts[0]
        self.path, self._parts, self._axis = path, parts, axis
        self._along = first.ndim - 1 - axis
        counts = [p.shape[self._along] for p in parts]
        self._starts = np.concatenate([[0], np.cumsum(counts)])
        self.shape = tuple(int(self._starts[-1]) if k == self._along else n for k, n in enumerate(first.shape))
        self.tile_shape, self.dtype = tuple(first.tile_shape), first.dtype

    @classmethod
    def open(cls, path: str) -> JoinedImage:
        """Open the images of a list.

        Raises
        ------
        DataError
            The list cannot be read, or an image of it is missing or does not fit.
        """
        from casatools.io.image.image import CasaImage

        folder = os.path.abspath(path)
        try:
            with open(os.path.join(folder, LIST_FILE), encoding="utf-8") as stream:
                record = json.load(stream)
            axis, names = int(record["Axis"]), [str(n) for n in record["Images"]]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(f"the list of images in {path!r} cannot be read: {error}") from error
        parts: list[Any] = []
        try:
            parts.extend(CasaImage.open(_place(folder, name)) for name in names)
            shapes = [tuple(n for k, n in enumerate(p.shape) if k != p.ndim - 1 - axis) for p in parts]
            if (
                not parts
                or not 0 <= axis < parts[0].ndim
                or any(s != shapes[0] for s in shapes)
                or len({p.dtype for p in parts}) > 1
            ):
                raise DataError(f"the images listed in {path!r} cannot be joined along axis {axis}: their shapes or types differ")
            return cls(folder, parts, axis)
        except BaseException:
            for part in parts:
                part.close()
            raise

    def close(self) -> None:
        """Close the images."""
        for part in self._parts:
            part.close()

    def flush(self) -> None:
        """Nothing is ever waiting to be written."""

    def tiles(self) -> None:
        """There is no one file of tiles."""

    def mask_tiles(self, name: str) -> None:
        """There is no one file of a mask's tiles."""

    # ---- pixels and the mask

    def _pieces(self, first: list[int], last: list[int], step: list[int], dtype: Any, read: Any) -> np.ndarray:
        k, wanted = self._along, np.arange(first[self._along], last[self._along] + 1, step[self._along])
        others = [slice(a, b + 1, s) for a, b, s in zip(first, last, step, strict=True)]
        out = np.empty([len(wanted) if d == k else len(range(s.start, s.stop, s.step)) for d, s in enumerate(others)], dtype)
        for number, part in enumerate(self._parts):
            mine = np.flatnonzero((wanted >= self._starts[number]) & (wanted < self._starts[number + 1]))
            if mine.size:
                inside = wanted[mine] - self._starts[number]
                block = list(others)
                block[k] = slice(int(inside[0]), int(inside[-1]) + 1, step[k])
                out[tuple(slice(int(mine[0]), int(mine[-1]) + 1) if d == k else slice(None) for d in range(out.ndim))] = read(
                    part, tuple(block)
                )
        return out

    def read(self, first: list[int], last: list[int], step: list[int]) -> np.ndarray:
        """Pixels of a block."""
        return self._pieces(first, last, step, self.dtype, lambda part, block: part.read(block))

    @property
    def mask_names(self) -> list[str]:
        """One mask when an image has one."""
        return ["mask0"] if any(p.has_mask for p in self._parts) else []

    @property
    def default_mask(self) -> str:
        """Name of the mask; "" when no image has one."""
        return next(iter(self.mask_names), "")

    def read_mask(self, name: str, first: list[int], last: list[int], step: list[int]) -> np.ndarray:
        """A block of the images' default masks."""
        return self._pieces(first, last, step, bool, lambda part, block: part.read_mask(block))

    # ---- header

    def keyword(self, name: str, default: Any = None) -> Any:
        """The header as the keywords of an image table: the first image's, with coordinates and beams of all."""
        first = self._parts[0]
        if name == "coords":
            return joined_coordinates(self._parts, self._axis, True).to_record()
        if name == "imageinfo":
            kept = {k: v for k, v in first._image_info.items() if k not in ("restoringbeam", "perplanebeams")}
            return {**kept, **joined_beams(self._parts, self._axis).to_record()}
        return {"units": first.unit, "miscinfo": first.misc_info}.get(name, default)

    def put_keyword(self, name: str, value: Any) -> None:
        """A list of images is not changed in place."""
        raise DataError(
            f"the image {self.path!r} is a list of others and cannot be changed; change these, or write it as one image"
        )

    def history(self) -> list[Any]:
        """The first image's."""
        return list(self._parts[0].history())

    def append_history(self, messages: Sequence[str], origin: str, priority: str = "INFO") -> None:
        """A list of images is not changed in place."""
        self.put_keyword("history", messages)


def _place(folder: str, name: str) -> str:
    if name.startswith("././"):
        return os.path.join(folder, name[4:])
    return os.path.join(os.path.dirname(folder), name[2:] if name.startswith("./") else name)


def world_values(image: Any, axis: int) -> np.ndarray:
    """World values along an axis."""
    coordinates: Coordinates = image.coordinates
    count = image.shape[image.ndim - 1 - axis]
    pixels = np.repeat(coordinates.reference_pixel[:, None], count, axis=1)
    pixels[axis] = np.arange(count)
    return coordinates.to_world(pixels)[coordinates.pixel_to_world_axis(axis)]


def joined_coordinates(images: Sequence[Any], axis: int, relax: bool) -> Coordinates:
    """Coordinates of images joined along a pixel axis (CASA order); DataError where they do not follow each other and must."""
    first = images[0].coordinates
    member, _ = first.member_of_pixel_axis(axis)
    if first.members[member].kind == "Stokes":
        labels = [str(v) for i in images if i.coordinates.stokes is not None for v in i.coordinates.stokes.labels]
        if len(set(labels)) != len(labels):
            raise DataError(
                f"images joined along the polarization axis must differ in Stokes parameters; got {', '.join(labels)}"
            )
        out = first.copy()
        out.replace(member, StokesCoordinate.make(labels))
        return out
    values = np.concatenate([world_values(i, axis) for i in images])
    step = float(first.increment[first.pixel_to_world_axis(axis)])
    regular = np.allclose(values, values[0] + step * np.arange(len(values)), rtol=0, atol=_TOLERANCE * abs(step))
    if regular:
        return first
    steps = np.diff(values)
    if not relax and not (np.all(steps > 0) or np.all(steps < 0)):
        raise DataError(
            f"the coordinates of the images do not follow each other along axis {axis}; use relax=True or reorder=True"
        )
    if not relax and not np.isclose(abs(steps).min(), abs(steps).max(), rtol=_TOLERANCE):
        raise DataError(
            f"the coordinates of the images leave gaps or overlap along axis {axis}; use relax=True to join them anyway"
        )
    found = first.members[member]
    if isinstance(found, SpectralCoordinate) and (np.all(steps > 0) or np.all(steps < 0)):
        out = first.copy()
        table = TabularCoordinate.from_table(np.arange(len(values)), values, found.axis.units[0], found.axis.names[0])
        out.replace(member, replace(found, axis=table))
        return out
    return first


def joined_beams(images: Sequence[Any], axis: int) -> BeamSet:
    """Beams of images joined along a pixel axis."""
    sets = [i.beams for i in images]
    if not all(sets):
        return BeamSet()
    if all(b.is_single for b in sets) and all(b.at() == sets[0].at() for b in sets):
        return sets[0]
    along_spectral = axis == images[0].coordinates.spectral_axis
    along_stokes = axis == images[0].coordinates.stokes_axis
    if not along_spectral and not along_stokes:
        return sets[0]
    planes = [
        [[b.at(c, s) for s in range(i.plane_counts[1])] for c in range(i.plane_counts[0])]
        for i, b in zip(images, sets, strict=True)
    ]
    if along_spectral:
        return BeamSet.per_plane([row for image in planes for row in image])
    return BeamSet.per_plane([[b for image in planes for b in image[c]] for c in range(len(planes[0]))])
