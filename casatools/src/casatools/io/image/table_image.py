"""Images on disk as casacore's paged image tables.

References
----------
casacore notes 216 and 256 (lattices and images), and the layout of images written by CASA: column ``map`` in a TiledCellStMan,
keywords ``coords``, ``units``, ``imageinfo``, ``miscinfo``, ``masks``, ``Image_defaultmask`` and the sub-table ``logtable``; a
pixel mask is a boolean paged array in a sub-table, described by an LCPagedMask region record under ``masks``.
"""

from __future__ import annotations

import math
import os
import shutil
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from casacore import tables as _tables

from casatools._base.errors import DataError, ParameterError
from casatools._base.paths import require_space
from casatools.io.image import history as _history
from casatools.io.image.tile_file import TileFile, grow_cell
from casatools.io.image.tiling import default_tile_shape, iter_blocks
from casatools.io.tables import is_table, require_table

__all__ = ["TableImage", "clean_record"]

_TYPES = {"float32": "float", "float64": "double", "complex64": "complex", "complex128": "dcomplex", "bool": "boolean"}
_DTYPES = {"float": np.float32, "double": np.float64, "complex": np.complex64, "dcomplex": np.complex128, "boolean": np.bool_}
_PIXELS = "map"
_MASK_PIXELS = "PagedArray"
_BOOL = np.dtype(bool)


def clean_record(value: Any) -> Any:
    """A record in the types that CASA's own images hold: integers of 32 bit, which other readers of its tables know too, text arrays as lists."""
    if isinstance(value, dict):
        return {str(k): clean_record(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        if len(value) and all(isinstance(v, str) for v in value):
            return [str(v) for v in value]
        return clean_record(np.asarray(value)) if len(value) else []
    if isinstance(value, np.ndarray):
        if value.dtype.kind in "US":
            return [str(v) for v in value.ravel()]
        if value.dtype.kind in "iu" and value.size and abs(int(np.max(np.abs(value)))) < 2**31:
            return value.astype(np.int32)
        return value
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool) and abs(int(value)) < 2**31:
        return np.int32(value)
    if isinstance(value, np.generic):
        return value.item()
    return value


# What a table of one array, with its log and its headers, takes beside the pixels.
_TABLE_BYTES = 2e5
# Smaller blocks of an image that is only read are left to casacore, which keeps their tiles.
_SMALL = 1 << 16
# Larger blocks are handed to casacore in pieces of about this size.
_PUT_BYTES = 16 << 20
# Images from this size on are made without being filled.
_LARGE = 1 << 22


class _PixelTable(_tables.table):  # type: ignore[misc]
    """A table without python-casacore's row object, which would hold a buffer of the size of the whole image."""

    def _makerow(self) -> None:
        self._row = None


def _open_pixels(path: str, writable: bool, what: str) -> Any:
    """Open a table of pixels; the errors are those of `open_table`."""
    folder = require_table(path, writable, what)
    try:
        return _PixelTable(folder, readonly=not writable, lockoptions="auto" if writable else "autonoread", ack=False)
    except RuntimeError as error:
        raise DataError(f"{what} {path!r} cannot be opened: {error}") from error


def _new_float_image(path: str, shape: Sequence[int], tile: Sequence[int]) -> Any:
    """A new image of floats as casacore makes it, left open for writing.

    casacore fills the file of a new image with zeros, which takes as long as writing its pixels; a large one is therefore made as one tile and its
    storage then told the shape wanted; the file is reserved and reads as zeros until pixels are written.
    """
    from casacore.images import image

    size, grid = [int(n) for n in shape], [-(-n // t) for n, t in zip(shape, tile, strict=True)]
    nbytes = 4 * math.prod(int(t) for t in tile) * math.prod(grid)
    one_tile = _LARGE <= nbytes < 2**31 and math.prod(grid) > 1
    try:
        image(path, shape=[int(t) for t in tile] if one_tile else size, tileshape=[int(n) for n in tile])
        if one_tile and not grow_cell(path, [int(t) for t in tile], size, nbytes):
            shutil.rmtree(path)
            image(path, shape=size, tileshape=[int(n) for n in tile])
        return _open_pixels(path, True, "image")
    except RuntimeError as error:
        raise DataError(f"the image {path!r} cannot be made: {error}") from error


def _paged_array(path: str, column: str, shape: Sequence[int], dtype: np.dtype, tile: Sequence[int], kind: str) -> Any:
    """A new table holding one tiled array in one cell; left open for writing."""
    ndim = len(shape)
    description = {
        column: {
            "valueType": _TYPES[dtype.name],
            "dataManagerType": "TiledCellStMan",
            "dataManagerGroup": column,
            # a fixed shape lets casacore lay out the cell without being given its pixels
            "option": 5,
            "maxlen": 0,
            "comment": "version 4.0",
            "ndim": ndim,
            "shape": np.array(shape, dtype=np.int32),
            "_c_order": True,
            "keywords": {},
        },
        "_define_hypercolumn_": {column: {"HCndim": ndim, "HCdatanames": [column]}},
    }
    spec = {"DEFAULTTILESHAPE": np.array(tile[::-1], dtype=np.int32), "MAXIMUMCACHESIZE": 0}
    manager = {"*1": {"TYPE": "TiledCellStMan", "NAME": column, "SEQNR": 0, "SPEC": spec, "COLUMNS": [column]}}
    try:
        table = _PixelTable(path, description, nrow=1, dminfo=manager, ack=False)
    except RuntimeError as error:
        raise DataError(f"the image {path!r} cannot be made: {error}") from error
    table.putinfo({"type": kind, "subType": "", "readme": ""})
    return table


def _mask_key(name: str) -> str:
    """What tells the file of a mask from that of the pixels."""
    return f"mask {name}"


class TableImage:
    """One paged image table; pixels in internal (C) order.

    Use `open` and `create`. Blocks are given as corners: first and last pixel (inclusive) and stride of each axis.
    """

    is_fits = False

    def __init__(self, path: str, table: Any, writable: bool) -> None:
        self.path = path
        self.writable = writable
        self._table = table
        names = table.colnames()
        self._column = _PIXELS if _PIXELS in names else names[0]
        kind = table.coldatatype(self._column)
        if kind not in _DTYPES:
            raise DataError(f"the image {path!r} holds {kind} pixels, which no image can")
        self.dtype = np.dtype(_DTYPES[kind])
        self.shape = self._cell_shape()
        self._masks: dict[str, Any] = {}
        # Tiles are read straight from their files where nothing can wait in a buffer of casacore's: in images only read, and in those made here,
        # whose pixels casacore never sees. By column or name of a mask.
        self._made = False
        self._files: dict[str, TileFile | None] = {}
        self._lock = threading.Lock()

    @classmethod
    def open(cls, path: str, writable: bool = False) -> TableImage:
        """Open an image table; raises PathMissingError or DataError."""
        table = _open_pixels(path, writable, "image")
        names = table.colnames()
        if "coords" not in table.keywordnames() or not names or table.nrows() < 1:
            table.close()
            raise DataError(f"{path!r} is a table but not an image (it has no coordinates or no pixels)")
        return cls(os.path.abspath(path.rstrip("/")), table, writable)

    @classmethod
    def create(cls, path: str, shape: Sequence[int], dtype: np.dtype, tile_shape: Sequence[int] | None = None) -> TableImage:
        """Make a new image table of zeros, without coordinates yet."""
        if dtype.name not in _TYPES or dtype.name == "bool":
            raise ParameterError(f"an image holds float32, float64, complex64 or complex128 pixels; got {dtype.name}")
        tile = tuple(tile_shape) if tile_shape is not None else default_tile_shape(shape)
        require_space(path, float(np.prod(shape, dtype=np.float64)) * dtype.itemsize + _TABLE_BYTES)
        if dtype == np.float32:
            table = _new_float_image(path, shape, tile)
        else:
            table = _paged_array(path, _PIXELS, shape, dtype, tile, "Image")
            _history.create_log_table(path)
        table.putkeyword("logtable", "Table: " + os.path.join(os.path.abspath(path), "logtable"))
        made = cls(os.path.abspath(path), table, True)
        made._made = True
        return made

    def _cell_shape(self) -> tuple[int, ...]:
        try:
            text = self._table.getcolshapestring(self._column, 0, 1)[0]
        except RuntimeError as error:
            raise DataError(f"the pixels of the image {self.path!r} cannot be read: {error}") from error
        return tuple(int(n) for n in text.strip("[]").split(","))

    @property
    def tile_shape(self) -> tuple[int, ...]:
        """Tile shape in internal order; the whole array where the storage has no tiles."""
        spec = self._table.getdminfo(self._column).get("SPEC", {})
        cube = spec.get("HYPERCUBES", {}).get("*1", {})
        tile = cube.get("TileShape", spec.get("DEFAULTTILESHAPE"))
        return tuple(int(n) for n in tile)[::-1] if tile is not None and len(tile) == len(self.shape) else self.shape

    def close(self) -> None:
        """Flush and close the tables."""
        for name in list(self._files):
            self._drop_file(name)
        for table in self._masks.values():
            table.close()
        self._masks.clear()
        if self._table is not None:
            self._table.close()
            self._table = None

    def flush(self) -> None:
        """Write what is buffered."""
        self._table.flush()
        for table in self._masks.values():
            table.flush()

    # ---- pixels

    def read(self, first: list[int], last: list[int], step: list[int]) -> np.ndarray:
        """Pixels of a block."""
        return self._read(self._column, self._table, self._column, first, last, step, self.dtype)

    def write(self, first: list[int], last: list[int], step: list[int], values: np.ndarray) -> None:
        """Put pixels into a block."""
        self._write(self._column, self._table, self._column, first, last, step, values, self.dtype)

    def tiles(self) -> TileFile | None:
        """The tiles of the pixels in their file, when they may be used so."""
        if not self._made:
            self._table.flush()
        found = self._file(self._column, self._table, self._column, self.dtype)
        return None if found is None or not found.dtype.isnative else found

    def _file(self, name: str, table: Any, column: str, dtype: np.dtype) -> TileFile | None:
        """The file of tiles behind pixels or a mask, when it may be used."""
        if self.writable and not self._made:
            return None
        with self._lock:
            if name not in self._files:
                table.flush()  # casacore lays out the file of a new array now
                self._files[name] = TileFile.of_table(table, column, self.shape, dtype, self.writable)
            return self._files[name]

    def _drop_file(self, name: str) -> None:
        file = self._files.pop(name, None)
        if file is not None:
            file.close()

    def _read(
        self, name: str, table: Any, column: str, first: list[int], last: list[int], step: list[int], dtype: np.dtype
    ) -> np.ndarray:
        size = math.prod(b - a + 1 for a, b in zip(first, last, strict=True)) * dtype.itemsize
        file = self._file(name, table, column, dtype) if self._made or size >= _SMALL else None
        if file is not None and (self._made or max(step) == 1):
            if not self._made:
                table.flush()  # of what others in this process have put into the same table
            found = file.read(first, last)
            return found if max(step) == 1 else found[tuple(slice(None, None, s) for s in step)].copy()
        try:
            return np.asarray(table.getcellslice(column, 0, first, last, step))
        except RuntimeError as error:
            raise DataError(f"pixels of the image {self.path!r} cannot be read: {error}") from error

    def _write(
        self,
        name: str,
        table: Any,
        column: str,
        first: list[int],
        last: list[int],
        step: list[int],
        values: np.ndarray,
        dtype: np.dtype,
    ) -> None:
        file = self._file(name, table, column, dtype)
        if file is not None:
            if max(step) > 1:
                whole = file.read(first, last)
                whole[tuple(slice(None, None, s) for s in step)] = values
                values = whole
            file.write(first, last, values)
            return
        try:
            # piece by piece: what is given may be of another type or order, and a copy of all of it as large as the image
            for piece in self._pieces(values.shape, dtype.itemsize, first):
                begin = [a + p.start * s for a, p, s in zip(first, piece, step, strict=True)]
                end = [a + (p.stop - 1) * s for a, p, s in zip(first, piece, step, strict=True)]
                table.putcellslice(column, 0, np.ascontiguousarray(values[piece], dtype=dtype), begin, end, step)
        except RuntimeError as error:
            raise DataError(f"pixels of the image {self.path!r} cannot be written: {error}") from error

    def _pieces(self, shape: Sequence[int], itemsize: int, first: Sequence[int]) -> Iterator[tuple[slice, ...]]:
        """Slices of a block that are put one after another, by whole tiles; all of a small one."""
        if math.prod(shape) * itemsize <= _PUT_BYTES:
            yield tuple(slice(0, n) for n in shape)
            return
        yield from iter_blocks(shape, self.tile_shape, itemsize, _PUT_BYTES, first)

    # ---- masks

    @property
    def mask_names(self) -> list[str]:
        """Names of the pixel masks."""
        return list(self.keyword("masks", {}))

    @property
    def default_mask(self) -> str:
        """Name of the default mask, "" when there is none."""
        name = str(self.keyword("Image_defaultmask", ""))
        return name if name in self.mask_names else ""

    def set_default_mask(self, name: str) -> None:
        """Make a mask the default; "" for none."""
        self.put_keyword("Image_defaultmask", name)

    def _mask_table(self, name: str) -> Any:
        if name not in self._masks:
            self._masks[name] = _open_pixels(self._mask_path(name), self.writable, "mask")
        return self._masks[name]

    def _mask_path(self, name: str) -> str:
        record = self.keyword("masks", {}).get(name)
        if record is None:
            raise ParameterError(f"the image {self.path!r} has no mask {name!r}; it has {self.mask_names or 'none'}")
        # normally beside the pixels; the stored name tells where it is when it is not
        beside = os.path.join(self.path, name)
        return beside if is_table(beside) else str(record["mask"]).removeprefix("Table: ")

    def read_mask(self, name: str, first: list[int], last: list[int], step: list[int]) -> np.ndarray:
        """A block of a mask; True is good."""
        table = self._mask_table(name)
        return self._read(_mask_key(name), table, table.colnames()[0], first, last, step, _BOOL)

    def write_mask(self, name: str, first: list[int], last: list[int], step: list[int], values: np.ndarray) -> None:
        """Put a block of a mask."""
        table = self._mask_table(name)
        self._write(_mask_key(name), table, table.colnames()[0], first, last, step, values, _BOOL)

    def mask_tiles(self, name: str) -> TileFile | None:
        """The tiles of a mask in their file, when they may be used so."""
        table = self._mask_table(name)
        if not self._made:
            table.flush()
        return self._file(_mask_key(name), table, table.colnames()[0], _BOOL)

    def add_mask(self, name: str, fill: bool | None = True) -> None:
        """Make a mask; None leaves it unfilled (False), for a caller that writes all of it."""
        if name in self.mask_names:
            raise ParameterError(f"the image {self.path!r} has a mask {name!r} already")
        if not name or "/" in name or os.path.exists(os.path.join(self.path, name)):
            raise ParameterError(f"{name!r} cannot be the name of a mask of the image {self.path!r}")
        path = os.path.join(self.path, name)
        require_space(path, float(np.prod(self.shape, dtype=np.float64)) / 8 + _TABLE_BYTES)
        table = _paged_array(path, _MASK_PIXELS, self.shape, np.dtype(bool), self.tile_shape, "Paged Array")
        self._masks[name] = table
        if fill is not None:
            for block in iter_blocks(self.shape, self.tile_shape, 1, 16 << 20):
                first, last = [s.start for s in block], [s.stop - 1 for s in block]
                size = tuple(b - a + 1 for a, b in zip(first, last, strict=True))
                self._write(_mask_key(name), table, _MASK_PIXELS, first, last, [1] * len(first), np.full(size, fill), _BOOL)
        masks = self.keyword("masks", {})
        masks[name] = self._mask_record(name)
        self.put_keyword("masks", masks)

    def _mask_record(self, name: str) -> dict[str, Any]:
        shape = np.array(self.shape[::-1], dtype=np.int32)
        box = {
            "isRegion": 1,
            "name": "LCBox",
            "comment": "",
            "oneRel": True,
            "blc": np.ones(len(shape), dtype=np.float32),
            "trc": shape.astype(np.float32),
            "shape": shape,
        }
        table = "Table: " + os.path.join(self.path, name)
        return {"isRegion": 1, "name": "LCPagedMask", "comment": "", "mask": table, "box": box}

    def _close_mask(self, name: str) -> None:
        self._drop_file(_mask_key(name))
        table = self._masks.pop(name, None)
        if table is not None:
            table.close()

    def remove_mask(self, name: str) -> None:
        """Delete a mask."""
        path = self._mask_path(name)
        self._close_mask(name)
        masks = self.keyword("masks", {})
        del masks[name]
        self.put_keyword("masks", masks)
        if self.keyword("Image_defaultmask", "") == name:
            self.set_default_mask("")
        self._table.flush()
        shutil.rmtree(path)

    def rename_mask(self, name: str, new_name: str) -> None:
        """Give a mask another name."""
        path = self._mask_path(name)
        target = os.path.join(self.path, new_name)
        if new_name in self.mask_names or os.path.exists(target) or not new_name or "/" in new_name:
            raise ParameterError(f"{new_name!r} cannot be the new name of the mask {name!r} of {self.path!r}")
        self._close_mask(name)
        was_default = self.default_mask == name
        os.rename(path, target)
        masks = {new_name if key == name else key: record for key, record in self.keyword("masks", {}).items()}
        masks[new_name] = self._mask_record(new_name)
        self.put_keyword("masks", masks)
        if was_default:
            self.set_default_mask(new_name)

    # ---- keywords and history

    @property
    def keyword_names(self) -> list[str]:
        """Names of all keywords."""
        return list(self._table.keywordnames())

    def keyword(self, name: str, default: Any = None) -> Any:
        """A keyword's value, or `default`."""
        return self._table.getkeyword(name) if name in self._table.keywordnames() else default

    def put_keyword(self, name: str, value: Any) -> None:
        """Set a keyword."""
        try:
            self._table.putkeyword(name, clean_record(value))
        except RuntimeError as error:
            raise DataError(f"{name!r} of the image {self.path!r} cannot be written: {error}") from error

    def remove_keyword(self, name: str) -> None:
        """Remove a keyword that may not be there."""
        if name in self._table.keywordnames():
            self._table.removekeyword(name)

    def history(self) -> list[_history.HistoryEntry]:
        """All history entries."""
        return _history.read_history(self.path)

    def append_history(self, messages: Sequence[str], origin: str, priority: str = "INFO") -> None:
        """Add history lines."""
        _history.append_history(self.path, messages, origin, priority)
        if "logtable" not in self._table.keywordnames():
            self._table.putkeyword("logtable", "Table: " + os.path.join(self.path, "logtable"))
