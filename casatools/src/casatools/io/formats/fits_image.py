"""FITS images: reading them in place and importing them as image tables."""

from __future__ import annotations

import math
import os
import re
import tempfile
import threading
import warnings
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from casatools._base.buffers import empty_array
from casatools._base.errors import CasaError, DataError, ParameterError
from casatools._base.memory import IMAGE_BLOCK_BYTES, chunk_bytes
from casatools._base.paths import require_present, staged_output
from casatools._base.threads import in_order
from casatools.io.formats.fits_coordinates import coordinates_from_header, fits_unit, parse_fits_date, with_representation
from casatools.io.formats.fits_expand import expand_gzip, expand_unit, holds_compressed_image, is_gzip_of_fits
from casatools.io.image.beams import Beam, BeamSet
from casatools.io.image.coordinates import (
    Coordinate,
    Coordinates,
    DirectionCoordinate,
    SpectralCoordinate,
    StokesCoordinate,
)
from casatools.io.image.history import HistoryEntry, append_entries
from casatools.io.image.image import CasaImage
from casatools.io.image.plain_file import read_block
from casatools.io.image.tile_file import TileFile, UndefinedMarks
from casatools.io.image.tiling import iter_blocks

__all__ = ["FitsImage", "ImportOptions", "import_fits"]

_DTYPES = {8: "u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
# Blocks from this size on are read, smaller ones taken from the mapped file.
_READ_FROM = 1 << 16
# Header cards that become something else than a miscellaneous value of the image.
_TAKEN = re.compile(
    r"^(SIMPLE|XTENSION|BITPIX|NAXIS\d*|EXTEND|GROUPS|PCOUNT|GCOUNT|BSCALE|BZERO|BLANK|BUNIT|DATAMIN|DATAMAX|EQUINOX|EPOCH|RADESYS|"
    r"RADECSYS|LONPOLE|LATPOLE|PC\d+_\d+|PC\d{6}|CD\d+_\d+|CTYPE\d+|CRVAL\d+|CDELT\d+|CRPIX\d+|CUNIT\d+|CROTA\d+|PV\d+_\d+|PROJP\d+|"
    r"RESTFRQ|RESTFREQ|SPECSYS|VELREF|TELESCOP|OBSERVER|DATE|DATE-OBS|TIMESYS|MJD-OBS|OBSRA|OBSDEC|OBSGEO-[XYZLBH]|ORIGIN|END|"
    r"HISTORY|COMMENT|WCSAXES|MJDREF.*|DATEREF|)$"
)


@dataclass(frozen=True)
class ImportOptions:
    """How a FITS image is imported.

    Parameters
    ----------
    hdu : int
        Number of the header-data unit; -1 takes the first that holds an image.
    zero_blanks : bool
        Set blanked pixels to 0 (they are masked in any case).
    default_axes : bool
        Reorder the axes to direction, Stokes, frequency and add the ones that are missing.
    default_values : tuple
        Right ascension, declination, frequency and Stokes of added axes; "" where none is added.
    beam : Beam or None
        Restoring beam in the place of the header's.
    representation : int
        System of world coordinates: 0 is the primary one, alternate ones follow by their letters.
    """

    hdu: int = -1
    zero_blanks: bool = True
    default_axes: bool = False
    default_values: tuple[Any, ...] = ()
    beam: Beam | None = None
    representation: int = 0


def _header_record(header: Any) -> dict[str, Any]:
    """The cards of an astropy header as a plain dict; the first of a repeated keyword counts."""
    record: dict[str, Any] = {}
    for card in header.cards:
        try:
            key, value = card.keyword, card.value
        except (ValueError, OSError):
            continue  # a card that is no FITS value: nothing can be learnt from it
        if key and key not in ("HISTORY", "COMMENT") and key not in record and not hasattr(value, "name"):
            record[key] = value
    return record


class FitsImage:
    """One image in a FITS file, read in place; the same methods as a table image has, without the writing ones."""

    is_fits = True
    writable = False

    def __init__(self, path: str, header: dict[str, Any], history: list[str], data: np.ndarray, beams: BeamSet) -> None:
        self.path = path
        self.header = header
        self._history = history
        self._raw = data
        self._beams = beams
        self.shape = tuple(int(n) for n in data.shape)
        self.tile_shape = self.shape
        self._scale, self._zero = float(header.get("BSCALE", 1.0)), float(header.get("BZERO", 0.0))
        self._blank = header.get("BLANK") if data.dtype.kind in "iu" else None
        self.dtype = np.dtype(np.float64 if data.dtype.itemsize == 8 and data.dtype.kind == "f" else np.float32)
        self._has_blanks: bool | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    @classmethod
    def open(cls, path: str, hdu: int = -1) -> FitsImage:
        """Open an image of a FITS file.

        Raises
        ------
        PathMissingError
            Nothing is there.
        DataError
            It is not a FITS file, is truncated, or has no image.
        """
        from astropy.io import fits

        found = require_present(path, "FITS file")
        folder = tempfile.TemporaryDirectory(prefix="casa-fits-")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                plain = expand_gzip(found, folder.name) if is_gzip_of_fits(found) else found
                with fits.open(plain, memmap=True, do_not_scale_image_data=True, disable_image_compression=True) as units:
                    unit = _choose(units, hdu, path)
                    history = [str(line) for line in unit.header.get("HISTORY", [])]
                    if holds_compressed_image(unit.header):
                        inner = expand_unit(plain, units.index(unit), folder.name)
                        with fits.open(inner, memmap=True, do_not_scale_image_data=True) as expanded:
                            header = _header_record(expanded[0].header)
                            data = _map_pixels(inner, header, int(expanded[0].fileinfo()["datLoc"]))
                    else:
                        header = _header_record(unit.header)
                        data = _map_pixels(plain, header, int(unit.fileinfo()["datLoc"]))
                    beams = _beams(header, units, history)
        except CasaError:
            folder.cleanup()
            raise
        except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
            folder.cleanup()
            raise DataError(f"the FITS file {path!r} cannot be read: {error}") from error
        made = cls(os.path.abspath(found), header, history, data, beams)
        if os.listdir(folder.name):  # what was expanded goes when the image is closed
            made._folder = folder
        else:
            folder.cleanup()
        return made

    def close(self) -> None:
        """Let go of the file."""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None
        self._raw = np.empty((0,) * len(self.shape), dtype=self._raw.dtype)

    def flush(self) -> None:
        """Nothing is ever waiting to be written."""

    # ---- pixels and the mask

    def read(self, first: list[int], last: list[int], step: list[int]) -> np.ndarray:
        """Pixels of a block, scaled; blanks are NaN."""
        raw = self._stored(first, last)
        if max(step) > 1:
            raw = raw[tuple(slice(None, None, s) for s in step)]
        plain = self._scale == 1.0 and self._zero == 0.0 and self._blank is None
        own = raw.flags.writeable and raw.flags.c_contiguous and not raw.dtype.isnative
        if plain and own and raw.dtype.newbyteorder("=") == self.dtype:
            return raw.byteswap(inplace=True).view(self.dtype)  # a block of its own, turned in place
        out = empty_array(raw.shape, self.dtype)
        out[...] = raw
        if self._scale != 1.0 or self._zero != 0.0:
            out = (raw * self._scale + self._zero).astype(self.dtype)
        if self._blank is not None:
            out[raw == self._blank] = np.nan
        return out

    @property
    def plain_floats(self) -> bool:
        """True where the file holds the values themselves."""
        return self._scale == 1.0 and self._zero == 0.0 and self._raw.dtype.kind == "f"

    def _stored(self, first: list[int], last: list[int]) -> np.ndarray:
        """What the file holds of a block; large ones are read and not mapped, so that no more than the block takes memory."""
        index = tuple(slice(a, b + 1) for a, b in zip(first, last, strict=True))
        if isinstance(self._raw, np.memmap) and self._raw[index].nbytes >= _READ_FROM:
            return read_block(str(self._raw.filename), int(self._raw.offset), self._raw.shape, self._raw.dtype, index)
        return np.asarray(self._raw[index])

    @property
    def mask_names(self) -> list[str]:
        """One mask, when any pixel is blank."""
        if self._has_blanks is None:
            self._has_blanks = any(_undefined(self._block(s)) is not None for s in self._blocks()) if self._may_blank else False
        return ["mask0"] if self._has_blanks else []

    @property
    def _may_blank(self) -> bool:
        return self._raw.dtype.kind == "f" or self._blank is not None

    def _blocks(self) -> Iterator[tuple[slice, ...]]:
        return iter_blocks(self.shape, self.shape, self.dtype.itemsize, IMAGE_BLOCK_BYTES)

    def _block(self, slices: Sequence[slice]) -> np.ndarray:
        return self.read([s.start for s in slices], [s.stop - 1 for s in slices], [1] * len(slices))

    @property
    def default_mask(self) -> str:
        """Name of the mask; "" when no pixel is blank."""
        return next(iter(self.mask_names), "")

    def read_mask(self, name: str, first: list[int], last: list[int], step: list[int]) -> np.ndarray:
        """A block of the mask: True where a pixel is not blank."""
        return ~np.isnan(self.read(first, last, step))

    # ---- header

    def keyword(self, name: str, default: Any = None) -> Any:
        """The header as the keywords of an image table."""
        if name == "units":
            return fits_unit(str(self.header.get("BUNIT", "") or ""))
        if name == "coords":
            return self.coordinates().to_record()
        if name == "miscinfo":
            return {key.lower(): _blank_text(value) for key, value in self.header.items() if not _TAKEN.match(key)}
        if name == "imageinfo":
            kind = str(self.header.get("BTYPE", "")).strip()
            return {
                "imagetype": kind if kind in _IMAGE_TYPES else "Intensity",
                "objectname": _blank_text(str(self.header["OBJECT"])) if "OBJECT" in self.header else "",
                **self._beams.to_record(),
            }
        return default

    def coordinates(self) -> Coordinates:
        """The coordinates of the header."""
        return coordinates_from_header(self.header, self.shape[::-1])

    def put_keyword(self, name: str, value: Any) -> None:
        """A FITS file is not changed in place."""
        raise DataError(f"the FITS image {self.path!r} cannot be changed in place; import it first")

    def history(self) -> list[HistoryEntry]:
        """The HISTORY cards; those CASA wrote become the entries they were made from."""
        return _history_entries(self._history)

    def append_history(self, messages: Sequence[str], origin: str, priority: str = "INFO") -> None:
        """A FITS file is not changed in place."""
        self.put_keyword("history", messages)


def _blank_text(value: Any) -> Any:
    """A text of blanks is one blank, as the FITS standard has it (section 4.2.1.1)."""
    return " " if isinstance(value, str) and not value.strip() else value


_IMAGE_TYPES = (
    "Intensity", "Beam", "Column Density", "Depolarization Ratio", "Kinetic Temperature", "Magnetic Field", "Optical Depth",
    "Rotation Measure", "Rotational Temperature", "Spectral Index", "Velocity", "Velocity Dispersion",
)  # fmt: skip


def _choose(units: Any, hdu: int, path: str) -> Any:
    def holds_image(unit: Any) -> bool:
        if holds_compressed_image(unit.header):
            return True
        return unit.header.get("XTENSION", "IMAGE").strip() == "IMAGE" and int(unit.header.get("NAXIS", 0)) > 0

    if hdu == 0 and len(units) > 1 and int(units[0].header.get("NAXIS", 0)) == 0:
        hdu = -1  # the first unit is empty, as before compressed images and in files of extensions
    if hdu >= 0:
        if hdu >= len(units):
            raise ParameterError(f"the FITS file {path!r} has {len(units)} header-data units, so there is no number {hdu}")
        if not holds_image(units[hdu]):
            raise DataError(f"header-data unit {hdu} of the FITS file {path!r} holds no image")
        return units[hdu]
    for unit in units:
        if holds_image(unit):
            if unit.header.get("GROUPS") is True and int(unit.header.get("NAXIS1", 1)) == 0:
                raise DataError(f"the FITS file {path!r} holds visibilities (random groups), not an image")
            return unit
    raise DataError(f"the FITS file {path!r} holds no image")


def _map_pixels(path: str, header: dict[str, Any], offset: int) -> np.ndarray:
    naxis = int(header["NAXIS"])
    shape = tuple(int(header[f"NAXIS{k}"]) for k in range(naxis, 0, -1))
    if min(shape) < 1:
        raise DataError(f"the FITS image {path!r} has an axis without pixels")
    kind = _DTYPES.get(int(header["BITPIX"]))
    if kind is None:
        raise DataError(f"the FITS image {path!r} has BITPIX {header['BITPIX']}, which is no FITS value")
    needed = offset + int(np.prod(shape, dtype=np.int64)) * np.dtype(kind).itemsize
    if os.path.getsize(path) < needed:
        raise DataError(
            f"the FITS file {path!r} is truncated: it has {os.path.getsize(path)} bytes where its header needs {needed}"
        )
    return np.memmap(path, dtype=kind, mode="r", offset=offset, shape=shape)


def _beams(header: dict[str, Any], units: Any, history: list[str]) -> BeamSet:
    if header.get("CASAMBM") is True:
        for unit in units:
            if unit.name == "BEAMS":
                return _beam_table(unit)
        raise DataError("the FITS header says there is a table of beams (CASAMBM) but there is none")
    if "BMAJ" in header and "BMIN" in header:
        try:
            axes = float(header["BMAJ"]) * 3600.0, float(header["BMIN"]) * 3600.0
            angle = float(header.get("BPA", 0.0))
        except (TypeError, ValueError):
            return BeamSet()
        return BeamSet.single(Beam(axes[0], axes[1], angle)) if axes[0] > 0 and axes[1] > 0 else BeamSet()
    for line in reversed(history):  # AIPS tells its beam in the history only
        match = re.search(r"AIPS\s+CLEAN\s+BMAJ=\s*([-+.\dEe]+)\s+BMIN=\s*([-+.\dEe]+)\s+BPA=\s*([-+.\dEe]+)", line)
        if match:
            return BeamSet.single(Beam(float(match[1]), float(match[2]), float(match[3]), ("deg", "deg", "deg")))
    return BeamSet()


def _beam_table(unit: Any) -> BeamSet:
    rows, columns = (
        unit.data,
        {name.upper(): str(u or "") for name, u in zip(unit.columns.names, unit.columns.units, strict=True)},
    )
    chans, stokes = np.asarray(rows["CHAN"]).astype(int), np.asarray(rows["POL"]).astype(int)
    nchan = int(unit.header.get("NCHAN", chans.max() + 1))
    nstokes = int(unit.header.get("NPOL", stokes.max() + 1))
    labels = (columns["BMAJ"].strip() or "deg", columns["BMIN"].strip() or "deg", columns["BPA"].strip() or "deg")
    null = Beam(0.0, 0.0, 0.0, labels)
    out = [null] * (nchan * nstokes)
    for c, s, major, minor, angle in zip(chans, stokes, rows["BMAJ"], rows["BMIN"], rows["BPA"], strict=True):
        if 0 <= c < nchan and 0 <= s < nstokes:
            out[s * nchan + c] = Beam(float(major), float(minor), float(angle), labels)
    return BeamSet(tuple(out), nchan, nstokes)


# What a history line of unknown time, priority and origin gets.
_UNSTAMPED = (-1.0, "", "")
_STAMP = re.compile(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S*)\s+(\S+)\s+SRCCODE='(.*)'\s*$")


def _history_entries(lines: list[str]) -> list[HistoryEntry]:
    out: list[HistoryEntry] = []
    inside, stamp, joined = False, _UNSTAMPED, ""

    def finish() -> None:
        nonlocal joined
        if joined:
            out.append(HistoryEntry(stamp[0], stamp[1], joined, stamp[2]))
        joined = ""

    for line in lines:
        if line.startswith("CASA START LOGTABLE"):
            inside = True
        elif line.startswith("CASA END LOGTABLE"):
            finish()
            inside, stamp = False, _UNSTAMPED
        elif inside and (match := _STAMP.match(line)):
            finish()
            stamp = ((parse_fits_date(match[1]) or 0.0) * 86400.0, match[2], match[3])
        elif line.startswith(">"):
            joined += line[1:]
        else:
            finish()
            joined = line
            if not inside:
                stamp = _UNSTAMPED
    finish()
    return out


# ---- import


def import_fits(path: str, output: str, options: ImportOptions | None = None, overwrite: bool = False) -> None:
    """Import a FITS image as an image table of float32 pixels.

    Blanked pixels (NaN, or BLANK of integers) are masked in a mask ``mask0``, which is made only when there are any.

    Raises
    ------
    PathMissingError, OutputExistsError, DataError, ParameterError
    """
    chosen = options if options is not None else ImportOptions()
    source = FitsImage.open(path, chosen.hdu)
    source.header = dict(with_representation(source.header, chosen.representation))
    coordinates = source.coordinates()
    order = list(range(len(source.shape)))  # FITS axis behind each output axis
    shape = list(source.shape[::-1])
    if chosen.default_axes:
        coordinates, order, shape = _default_axes(coordinates, shape, chosen.default_values)
    with staged_output(output, overwrite) as staged:
        with CasaImage.create(staged, shape[::-1], coordinates, np.float32) as image:
            _copy_pixels(source, image, order, chosen.zero_blanks)
            image.unit = source.keyword("units")
            image.misc_info = source.keyword("miscinfo")
            image.object_name = source.keyword("imageinfo")["objectname"]
            image.image_type = source.keyword("imageinfo")["imagetype"]
            beams = BeamSet.single(chosen.beam) if chosen.beam is not None else BeamSet.from_record(source.keyword("imageinfo"))
            if beams:
                image.beams = beams
        append_entries(staged, source.history())
    source.close()


def _copy_pixels(source: FitsImage, image: CasaImage, order: list[int], zero_blanks: bool) -> None:
    """Stream the pixels; `order` holds the FITS axis of each output axis, -1 for an added one."""
    ndim = len(source.shape)
    plain = order == list(range(ndim))
    if plain and source._may_blank and _copy_by_tiles(source, image, zero_blanks):
        return
    lock = threading.Lock()

    def move(slices: tuple[slice, ...]) -> None:
        pixels = source._block(slices)
        bad = _undefined(pixels) if source._may_blank else None
        if bad is not None and zero_blanks:
            pixels[bad] = 0.0
        target: tuple[slice, ...] = slices
        if not plain:
            # output array axis k is CASA axis n-1-k, which is FITS axis order[...], which is array axis ndim-1-that
            wanted = [ndim - 1 - a if a >= 0 else None for a in reversed(order)]
            moved = [a for a in wanted if a is not None]
            pixels = _spread(pixels.transpose(moved), wanted)
            bad = None if bad is None else _spread(bad.transpose(moved), wanted)
            target = tuple(slice(0, 1) if a is None else slices[a] for a in wanted)
        image.write(pixels, target)
        if bad is not None:
            with lock:  # the first makes the mask
                image.write_mask(~bad, target)

    tile = image.tile_shape if plain else source.shape
    deque(in_order(move, iter_blocks(source.shape, tile, source.dtype.itemsize, IMAGE_BLOCK_BYTES)), maxlen=0)


def _copy_by_tiles(source: FitsImage, image: CasaImage, zero_blanks: bool) -> bool:
    """Stream pixels that keep their places, and the mask of blanks as it is stored beside them; False (nothing done) where tiles are not at hand."""
    tiles = image.tiles()
    if tiles is None:
        return False
    row = source.shape[-1] * math.prod(tiles.tile[:-1]) * source.dtype.itemsize
    if row > max(IMAGE_BLOCK_BYTES, chunk_bytes() // 4):
        return False  # of very wide images less than a row of tiles is held at once
    as_stored = source.plain_floats

    def make() -> TileFile:
        name = image.new_mask_name()
        image.add_mask(name, None)  # `marks` write all of it
        image.default_mask = name
        found = image.mask_tiles(name)
        assert found is not None and found.tile == tiles.tile  # of an image just made
        return found

    marks = UndefinedMarks(make)

    def move(slices: tuple[slice, ...]) -> None:
        first, last = [s.start for s in slices], [s.stop - 1 for s in slices]
        tiles.write_marking(first, last, source._stored(first, last) if as_stored else source._block(slices), marks, zero_blanks)

    blocks = iter_blocks(source.shape, tiles.tile, source.dtype.itemsize, max(IMAGE_BLOCK_BYTES, row))
    deque(in_order(move, blocks), maxlen=0)
    marks.finish()
    return True


def _undefined(values: np.ndarray) -> np.ndarray | None:
    """Where values are NaN; None where none is, which their sum tells without another array, unless it overflows."""
    with np.errstate(all="ignore"):
        if np.isfinite(values.sum()):
            return None
    found = np.isnan(values)
    return found if found.any() else None


def _spread(array: np.ndarray, wanted: Sequence[int | None]) -> np.ndarray:
    shape, at = [], 0
    for axis in wanted:
        shape.append(1 if axis is None else array.shape[at])
        at += axis is not None
    return array.reshape(shape)


def _default_axes(coordinates: Coordinates, shape: list[int], values: Sequence[Any]) -> tuple[Coordinates, list[int], list[int]]:
    """Coordinates, source axes and shape in the order longitude, latitude, Stokes, frequency, anything else."""
    given = list(values) + [""] * (4 - len(values))
    members: list[Coordinate] = []
    order: list[int] = []
    for kind, build in (
        ("Direction", lambda: _added_direction(given[0], given[1])),
        ("Stokes", lambda: StokesCoordinate.make([str(_need(given[3], "Stokes"))])),
        ("Spectral", lambda: _added_spectral(given[2])),
    ):
        index = coordinates.find(kind)
        if index is None:
            added: Coordinate = build()
            members.append(added)
            order += [-1] * added.naxes
        else:
            members.append(coordinates.members[index])
            order += coordinates.pixel_axes[index]
    for index, member in enumerate(coordinates.members):
        if member.kind not in ("Direction", "Stokes", "Spectral"):
            members.append(member)
            order += coordinates.pixel_axes[index]
    new_shape = [shape[a] if a >= 0 else 1 for a in order]
    return Coordinates(members, observation=coordinates.observation), order, new_shape


def _need(value: Any, what: str) -> Any:
    if value == "" or value is None:
        raise ParameterError(f"defaultaxes: the FITS image has no {what} axis, so defaultaxesvalues must give its value")
    return value


def _added_direction(longitude: Any, latitude: Any) -> DirectionCoordinate:
    angles = [_need(longitude, "right ascension"), _need(latitude, "declination")]
    return DirectionCoordinate.make(
        "J2000", "SIN", [float(a) for a in angles], (0.0, 0.0), (-4.84813681109536e-06, 4.84813681109536e-06)
    )


def _added_spectral(frequency: Any) -> SpectralCoordinate:
    return SpectralCoordinate.linear("LSRK", float(_need(frequency, "frequency")), 1000.0, 0.0, 0.0)
