"""Images: pixels, masks, coordinates, beams, unit, history; over casacore tables and FITS files."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any

import numpy as np

from casatools._base.errors import DataError, NotOpenError, ParameterError
from casatools._base.memory import IMAGE_BLOCK_BYTES
from casatools._base.paths import require_present
from casatools.io.image.beams import BeamSet
from casatools.io.image.borrowed_image import BorrowedImage, detach_borrowers_of
from casatools.io.image.computed_image import ComputedImage, Evaluator, is_computed
from casatools.io.image.coordinates import Coordinates
from casatools.io.image.history import HistoryEntry
from casatools.io.image.joined_image import JoinedImage, is_joined
from casatools.io.image.part_image import PartImage, is_part
from casatools.io.image.table_image import TableImage
from casatools.io.image.tile_file import TileFile
from casatools.io.image.tiling import iter_blocks

__all__ = ["CasaImage", "casa_order", "is_fits_file"]

Slices = Any


def casa_order(array: np.ndarray) -> np.ndarray:
    """An array with its axes turned round: internal ``(freq, stokes, y, x)`` to CASA's ``(x, y, stokes, freq)`` or back (a view)."""
    return np.asarray(array).transpose()


def is_fits_file(path: str) -> bool:
    """True when `path` is a file that begins as a FITS file does, also when it is packed by gzip."""
    if not os.path.isfile(path):
        return False
    with open(path, "rb") as stream:
        head = stream.read(9)
    if head[:2] == b"\x1f\x8b":
        from casatools.io.formats.fits_expand import is_gzip_of_fits

        return is_gzip_of_fits(path)
    return head == b"SIMPLE  ="


class CasaImage:
    """One image, open for reading or writing.

    Pixels stand in internal order ``(freq, stokes, y, x)``, the reverse of CASA's; `casa_order` turns arrays round.
    Masks are boolean, True where a pixel is good.

    Examples
    --------
    >>> with staged_output("new.im") as path, CasaImage.create(path, (1, 1, 64, 64), coordinates) as image:
    ...     image.unit = "Jy/beam"
    ...     image.write(pixels)
    """

    def __init__(self, driver: Any) -> None:
        self._driver = driver
        self._coordinates: Coordinates | None = None
        self._info: dict[str, Any] | None = None

    # ---- opening and closing

    @classmethod
    def open(cls, path: str, writable: bool = False) -> CasaImage:
        """Open an image table, a list of images that are one, or a FITS file.

        Parameters
        ----------
        path : str
        writable : bool
            Open for writing in place (tables only).

        Raises
        ------
        PathMissingError
            Nothing is there.
        DataError
            It is no image, is damaged, or may not be written.
        """
        found = require_present(path, "image")
        if os.path.isdir(found) and is_joined(found):
            if writable:
                raise DataError(
                    f"the image {path!r} is a list of others and cannot be changed; change these, or write it as one image"
                )
            return cls(JoinedImage.open(found))
        if os.path.isdir(found) and is_part(found):
            return cls(PartImage.open(os.path.abspath(found), writable))
        if os.path.isdir(found) and is_computed(found):
            return cls(ComputedImage.open(os.path.abspath(found), writable))
        if os.path.isdir(found):
            return cls(TableImage.open(found, writable))
        if is_fits_file(found):
            if writable:
                raise DataError(f"the FITS image {path!r} cannot be changed in place; import it first")
            from casatools.io.formats.fits_image import FitsImage

            return cls(FitsImage.open(found))
        raise DataError(f"{path!r} is neither an image table nor a FITS file")

    @classmethod
    def create(
        cls,
        path: str,
        shape: Sequence[int],
        coordinates: Coordinates,
        dtype: Any = np.float32,
        *,
        unit: str = "",
        tile_shape: Sequence[int] | None = None,
        mask: str = "",
    ) -> CasaImage:
        """Make an image table of zeros, normally below a name that `staged_output` yields.

        Parameters
        ----------
        path : str
        shape : sequence of int
            In internal order.
        coordinates : Coordinates
            With as many pixel axes.
        dtype : dtype
            float32, float64, complex64 or complex128.
        unit : str
        tile_shape : sequence of int, optional
            In internal order.
        mask : str
            Name of a default mask to make, all good; "" makes none.

        Raises
        ------
        ParameterError
            Shape, dtype and coordinates do not fit.
        DataError
            It cannot be written.
        """
        size = tuple(int(n) for n in shape)
        if not size or min(size) < 1:
            raise ParameterError(f"an image needs at least one pixel along each axis; got the shape {size}")
        if coordinates.n_pixel_axes != len(size):
            raise ParameterError(
                f"coordinates with {coordinates.n_pixel_axes} pixel axes do not fit an image of {len(size)} axes"
            )
        stokes = coordinates.stokes
        if stokes is not None and coordinates.stokes_axis is not None:
            planes = size[len(size) - 1 - coordinates.stokes_axis]
            if planes != len(stokes.labels):
                raise ParameterError(
                    f"an image of {planes} Stokes planes does not fit coordinates labelled {', '.join(stokes.labels)}"
                )
        image = cls(TableImage.create(path, size, np.dtype(dtype), tile_shape))
        image._begin(coordinates, mask)
        if unit:
            image.unit = unit
        return image

    @classmethod
    def refer(
        cls, path: str, source: CasaImage, first: Sequence[int], kept: Sequence[int], shape: Sequence[int], coordinates: Coordinates,
        mask: str = "",
    ) -> CasaImage:  # fmt: skip
        """Make an image that is a box of another one, whose pixels stay where they are; arguments as of `PartImage.create` and `create`."""
        image = cls(PartImage.create(path, cls.open(source.path), first, kept, shape, source.path))
        image._begin(coordinates, mask)
        return image

    @classmethod
    def compute(
        cls,
        path: str,
        evaluator: Evaluator,
        expression: dict[str, Any],
        dtype: Any,
        tile: Sequence[int],
        coordinates: Coordinates,
    ) -> CasaImage:
        """Make an image that is an expression, computed where it is read; arguments as of `ComputedImage.create`."""
        image = cls(ComputedImage.create(path, evaluator, expression, dtype, tile))
        image._begin(coordinates, "")
        return image

    def detach(self) -> None:
        """Take the pixels from the images that this one is a part or an expression of, if it is one."""
        if isinstance(self._open, BorrowedImage):
            self._open.become_whole()

    def _begin(self, coordinates: Coordinates, mask: str) -> None:
        """Give a new image its first header."""
        self.coordinates = coordinates
        self._driver.put_keyword("miscinfo", {})
        self._put_info({"imagetype": "Intensity", "objectname": ""})
        if mask:
            self.add_mask(mask)
            self.default_mask = mask

    def close(self) -> None:
        """Write what is buffered and close; a second call does nothing."""
        if self._driver is not None:
            self._driver.close()
            self._driver = None

    def __enter__(self) -> CasaImage:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def flush(self) -> None:
        """Write what is buffered."""
        self._open.flush()

    @property
    def _open(self) -> Any:
        if self._driver is None:
            raise NotOpenError("the image is closed")
        return self._driver

    # ---- what it is

    @property
    def path(self) -> str:
        """Absolute path."""
        return str(self._open.path)

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes in internal order."""
        return tuple(self._open.shape)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def dtype(self) -> np.dtype:
        return np.dtype(self._open.dtype)

    @property
    def tile_shape(self) -> tuple[int, ...]:
        """Shape of the storage tiles in internal order."""
        return tuple(self._open.tile_shape)

    @property
    def writable(self) -> bool:
        return bool(self._open.writable)

    @property
    def is_fits(self) -> bool:
        return bool(self._open.is_fits)

    @property
    def unit(self) -> str:
        """Brightness unit; "" when there is none."""
        return str(self._open.keyword("units", ""))

    @unit.setter
    def unit(self, value: str) -> None:
        self._open.put_keyword("units", value)

    @property
    def coordinates(self) -> Coordinates:
        """The coordinates; assign changed ones to store them."""
        if self._coordinates is None:
            self._coordinates = Coordinates.from_record(self._open.keyword("coords", {}))
        return self._coordinates

    @coordinates.setter
    def coordinates(self, value: Coordinates) -> None:
        if value.n_pixel_axes != self.ndim:
            raise ParameterError(f"coordinates with {value.n_pixel_axes} pixel axes do not fit an image of {self.ndim} axes")
        self._open.put_keyword("coords", value.to_record())
        self._coordinates = value

    @property
    def misc_info(self) -> dict[str, Any]:
        """The user's own header values."""
        return dict(self._open.keyword("miscinfo", {}))

    @misc_info.setter
    def misc_info(self, value: dict[str, Any]) -> None:
        self._open.put_keyword("miscinfo", value)

    @property
    def regions(self) -> dict[str, Any]:
        """Region records kept with the image, by name; assign to store them."""
        return dict(self._open.keyword("regions", {}))

    @regions.setter
    def regions(self, value: dict[str, Any]) -> None:
        self._open.put_keyword("regions", value)

    @property
    def _image_info(self) -> dict[str, Any]:
        if self._info is None:
            self._info = dict(self._open.keyword("imageinfo", {}))
        return self._info

    def _put_info(self, record: dict[str, Any]) -> None:
        self._open.put_keyword("imageinfo", record)
        self._info = None

    @property
    def beams(self) -> BeamSet:
        """The restoring beams (none, one, or one for each plane); assign to store them."""
        return BeamSet.from_record(self._image_info)

    @beams.setter
    def beams(self, value: BeamSet) -> None:
        if value.is_per_plane:
            self._check_planes(value)
        kept = {k: v for k, v in self._image_info.items() if k not in ("restoringbeam", "perplanebeams")}
        self._put_info({**kept, **value.to_record()})

    def _check_planes(self, beams: BeamSet) -> None:
        nchan, nstokes = self.plane_counts
        if beams.nchan not in (1, nchan) or beams.nstokes not in (1, nstokes):
            raise ParameterError(
                f"{beams.nchan} x {beams.nstokes} beams do not fit an image of {nchan} channels, {nstokes} Stokes planes"
            )

    @property
    def plane_counts(self) -> tuple[int, int]:
        """Numbers of channels and of Stokes planes (1 where there is no such axis)."""
        coordinates = self.coordinates
        counts = [1 if a is None else self.shape[self.ndim - 1 - a] for a in (coordinates.spectral_axis, coordinates.stokes_axis)]
        return counts[0], counts[1]

    @property
    def object_name(self) -> str:
        return str(self._image_info.get("objectname", ""))

    @object_name.setter
    def object_name(self, value: str) -> None:
        self._put_info({**self._image_info, "objectname": value})

    @property
    def image_type(self) -> str:
        """What the pixels are: "Intensity", "Beam", "Optical Depth", ..."""
        return str(self._image_info.get("imagetype", "Intensity"))

    @image_type.setter
    def image_type(self, value: str) -> None:
        self._put_info({**self._image_info, "imagetype": value})

    # ---- pixels

    def read(self, slices: Slices = None) -> np.ndarray:
        """Pixels in internal order.

        Parameters
        ----------
        slices : int, slice, Ellipsis or tuple of these, optional
            As for a numpy array (positive steps); everything when not given.

        Returns
        -------
        ndarray
            In the image's dtype and native byte order.
        """
        block = _Block(slices, self.shape)
        if block.empty:
            return np.zeros(block.result_shape, dtype=self.dtype)
        return self._open.read(block.first, block.last, block.step).reshape(block.result_shape)

    def write(self, values: Any, slices: Slices = None) -> None:
        """Put pixels; `values` are broadcast to the slices and cast to the image's dtype."""
        detach_borrowers_of(self.path)
        block = _Block(slices, self.shape)
        if not block.empty:
            full = np.broadcast_to(np.asarray(values), block.result_shape).reshape(block.full_shape)
            self._open.write(block.first, block.last, block.step, full)

    def tiles(self) -> TileFile | None:
        """The storage tiles, to be read or written in the order of their file where the places of pixels do not matter; None where they cannot be."""
        return None if self.is_fits else self._open.tiles()

    # ---- masks

    @property
    def mask_names(self) -> list[str]:
        """Names of the stored masks."""
        return list(self._open.mask_names)

    @property
    def default_mask(self) -> str:
        """Name of the mask in force; "" when there is none."""
        return str(self._open.default_mask)

    @default_mask.setter
    def default_mask(self, name: str) -> None:
        if name and name not in self.mask_names:
            raise ParameterError(f"the image has no mask {name!r}; it has {self.mask_names or 'none'}")
        self._open.set_default_mask(name)

    @property
    def has_mask(self) -> bool:
        """True when a mask is in force."""
        return bool(self.default_mask)

    def read_mask(self, slices: Slices = None, name: str | None = None) -> np.ndarray:
        """A mask, True where good; all True when `name` is None and no mask is in force."""
        block = _Block(slices, self.shape)
        # A FITS file is not searched for blanks to read a part of it.
        chosen = ("mask0" if self.is_fits else self.default_mask) if name is None else name
        if block.empty or not chosen:
            return np.ones(block.result_shape, dtype=bool)
        return self._open.read_mask(chosen, block.first, block.last, block.step).reshape(block.result_shape)

    def mask_tiles(self, name: str | None = None) -> TileFile | None:
        """The storage tiles of a mask (of that in force when not named), as `tiles`; None also where there is no mask."""
        chosen = "" if self.is_fits else self.default_mask if name is None else name
        return self._open.mask_tiles(chosen) if chosen else None

    def write_mask(self, values: Any, slices: Slices = None, name: str | None = None) -> None:
        """Put (part of) a mask; the default mask is made when there is none and `name` is None."""
        chosen = self.default_mask if name is None else name
        if not chosen:
            chosen = self.new_mask_name()
            self.add_mask(chosen)
            self.default_mask = chosen
        block = _Block(slices, self.shape)
        if not block.empty:
            full = np.broadcast_to(np.asarray(values, dtype=bool), block.result_shape).reshape(block.full_shape)
            self._open.write_mask(chosen, block.first, block.last, block.step, full)

    def new_mask_name(self) -> str:
        """The first free name of ``mask0``, ``mask1``, ..."""
        number = 0
        while f"mask{number}" in self.mask_names or os.path.exists(os.path.join(self.path, f"mask{number}")):
            number += 1
        return f"mask{number}"

    def add_mask(self, name: str, fill: bool | None = True) -> None:
        """Make a mask filled with one value; None leaves it all bad for a caller that writes all of it."""
        self._open.add_mask(name, fill)

    def remove_mask(self, name: str) -> None:
        """Delete a mask."""
        self._open.remove_mask(name)

    def rename_mask(self, name: str, new_name: str) -> None:
        """Give a mask another name."""
        self._open.rename_mask(name, new_name)

    # ---- streaming

    def iter_slices(self, max_bytes: int = IMAGE_BLOCK_BYTES) -> Iterator[tuple[slice, ...]]:
        """Slices that cover the image in C order by whole tiles, each block at most about `max_bytes`."""
        yield from iter_blocks(self.shape, self.tile_shape, self.dtype.itemsize, max_bytes)

    def iter_planes(
        self, max_bytes: int = IMAGE_BLOCK_BYTES, masked: bool = True
    ) -> Iterator[tuple[tuple[slice, ...], np.ndarray, Any]]:
        """Blocks ``(slices, pixels, mask)`` over the image; the mask is None where none is in force or `masked` is False."""
        use_mask = masked and self.has_mask
        for slices in self.iter_slices(max_bytes):
            yield slices, self.read(slices), self.read_mask(slices) if use_mask else None

    # ---- history

    def history(self) -> list[HistoryEntry]:
        """All history entries, oldest first."""
        return list(self._open.history())

    def append_history(self, messages: Sequence[str], origin: str, priority: str = "INFO") -> None:
        """Add history lines, all with the time of now."""
        self._open.append_history(messages, origin, priority)

    def copy_metadata_from(self, other: CasaImage, beams: bool = True, history: bool = True) -> None:
        """Take unit, object, type, miscellaneous values (and beams and history) of another image."""
        from casatools.io.image.history import append_entries

        if other.unit:
            self.unit = other.unit
        self.misc_info = other.misc_info
        self._put_info({"imagetype": other.image_type, "objectname": other.object_name})
        if beams and other.beams:
            self.beams = other.beams
        if history and not self.is_fits:
            append_entries(self.path, other.history())


class _Block:
    """A numpy-like index as corners and strides of every axis."""

    def __init__(self, slices: Slices, shape: tuple[int, ...]) -> None:
        items = _expand(slices, len(shape))
        self.first: list[int] = []
        self.last: list[int] = []
        self.step: list[int] = []
        result: list[int] = []
        full: list[int] = []
        for item, length in zip(items, shape, strict=True):
            if isinstance(item, slice):
                start, stop, step = item.indices(length)
                if step < 1:
                    raise ParameterError(f"images are read with positive steps; got {item}")
                count = len(range(start, stop, step))
                result.append(count)
            else:
                start = int(item) + (length if item < 0 else 0)
                if not 0 <= start < length:
                    raise ParameterError(f"index {item} is outside an axis of {length} pixels")
                step, count = 1, 1
            full.append(count)
            self.first.append(start)
            self.last.append(start + max(count - 1, 0) * step)
            self.step.append(step)
        self.result_shape = tuple(result)
        self.full_shape = tuple(full)
        self.empty = 0 in full


def _expand(slices: Slices, ndim: int) -> list[Any]:
    if slices is None:
        return [slice(None)] * ndim
    items = list(slices) if isinstance(slices, tuple) else [slices]
    if any(item is Ellipsis for item in items):
        at = next(k for k, item in enumerate(items) if item is Ellipsis)
        items[at : at + 1] = [slice(None)] * (ndim - len(items) + 1)
    items += [slice(None)] * (ndim - len(items))
    if len(items) != ndim or any(item is Ellipsis for item in items):
        raise ParameterError(f"the index {slices!r} does not fit an image of {ndim} axes")
    return items
