"""Writing images as FITS files."""

from __future__ import annotations

import os
import re
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

from casatools._base import log
from casatools._base.buffers import empty_array
from casatools._base.errors import DataError, ParameterError
from casatools._base.paths import staged_output
from casatools._base.threads import in_order
from casatools._base.version import version_string
from casatools.io.formats.fits_cards import axis_cards, card, comment_card, history_cards, observation_cards, pad_block
from casatools.io.image.beams import BeamSet
from casatools.io.image.coordinates import Coordinates
from casatools.io.image.image import CasaImage
from casatools.io.image.plain_file import reserve_file, write_block

__all__ = ["ExportOptions", "export_fits", "fits_header"]

_KEY = re.compile(r"^[A-Z0-9_-]{1,8}$")


@dataclass(frozen=True)
class ExportOptions:
    """How an image is written to FITS.

    Parameters
    ----------
    velocity, optical : bool
        Write velocities on the spectral axis; optical ones instead of radio.
    bitpix : int
        -32 for floats, 16 for scaled integers.
    min_pixel, max_pixel : float
        Range of the scaled integers; the range of the good pixels where `min_pixel` is above `max_pixel`.
    drop_stokes, drop_degenerate : bool
        Leave out the Stokes axis, or all axes, of length one.
    stokes_last : bool
        Put the Stokes axis last.
    history : bool
        Write the history.
    degenerate_last : bool
        Put axes of length one last.
    wavelength : {"", "vacuum", "air"}
        Write wavelengths on the spectral axis.
    """

    velocity: bool = False
    optical: bool = False
    bitpix: int = -32
    min_pixel: float = 0.0
    max_pixel: float = -1.0
    drop_stokes: bool = False
    stokes_last: bool = True
    history: bool = True
    drop_degenerate: bool = False
    degenerate_last: bool = False
    wavelength: str = ""

    def __post_init__(self) -> None:
        if self.bitpix not in (-32, 16):
            raise ParameterError(f"bitpix must be -32 or 16; got {self.bitpix}")
        if self.wavelength and self.velocity:
            raise ParameterError("the spectral axis can be written as velocity or as wavelength, not both")


@dataclass(frozen=True)
class _Scaling:
    """Value = stored * scale + zero; `blank` marks bad pixels of integers."""

    scale: float = 1.0
    zero: float = 0.0
    low: float = 0.0
    high: float = 0.0
    blank: int | None = None


def export_fits(
    image: CasaImage,
    path: str,
    options: ExportOptions | None = None,
    overwrite: bool = False,
    coordinates: Coordinates | None = None,
) -> None:
    """Write an image to a FITS file, with its own or with other coordinates of the same axes; masked pixels become blanks.

    Raises
    ------
    OutputExistsError, ParameterError
    DataError
        Complex pixels, coordinates FITS cannot hold, no room.
    """
    chosen = options if options is not None else ExportOptions()
    if image.dtype.kind == "c":
        raise DataError("complex images cannot be written to FITS: write their real and imaginary parts")
    order = _axis_order(image, chosen)
    with staged_output(path, overwrite) as staged:
        scaling = _scaling(image, chosen) if chosen.bitpix == 16 else _Scaling()
        header = pad_block(b"".join(_header(image, order, chosen, scaling, coordinates or image.coordinates)) + b"END".ljust(80))
        shape = image.shape[::-1]
        lengths = [shape[a] for a in reversed(order)]
        size = int(np.prod(lengths, dtype=np.int64)) * abs(chosen.bitpix) // 8
        try:
            with open(staged, "wb+") as stream:
                stream.write(header)
                stream.flush()
                reserve_file(stream.fileno(), len(header) + size + (-size % 2880))
                _write_pixels(stream, len(header), image, order, lengths, chosen, scaling)
                stream.seek(0, os.SEEK_END)
                if image.beams.is_per_plane:
                    stream.write(_beam_table(image.beams))
        except OSError as error:
            raise DataError(f"the FITS file {path!r} cannot be written: {error.strerror or error}") from error


def _axis_order(image: CasaImage, options: ExportOptions) -> list[int]:
    coordinates, shape = image.coordinates, image.shape[::-1]
    order = list(range(len(shape)))
    stokes = coordinates.stokes_axis
    if options.drop_degenerate:
        sky = [a for a in coordinates.direction_axes if shape[a] > 1]
        keep = [a for a in order if shape[a] > 1 or (sky and a in coordinates.direction_axes)]
        order = keep if keep else order
    if stokes in order:
        if options.drop_stokes and shape[stokes] == 1:
            order.remove(stokes)
        elif options.drop_stokes:
            log.post("the Stokes axis has more than one plane and is kept", "WARN", "exportfits")
    if options.stokes_last and stokes in order:
        order.remove(stokes)
        order.append(stokes)
    if options.degenerate_last:
        order = [a for a in order if shape[a] > 1] + [a for a in order if shape[a] == 1]
    return order


def _scaling(image: CasaImage, options: ExportOptions) -> _Scaling:
    low, high, masked = np.inf, -np.inf, False
    for _, pixels, mask in image.iter_planes():
        good = np.isfinite(pixels) if mask is None else mask & np.isfinite(pixels)
        masked = masked or not good.all()
        if good.any():
            low, high = min(low, float(pixels[good].min())), max(high, float(pixels[good].max()))
    if options.min_pixel <= options.max_pixel:
        low, high, masked = float(options.min_pixel), float(options.max_pixel), True
    if not np.isfinite(low):
        low = high = 0.0
    levels, lowest = (65534.0, -32767.0) if masked else (65535.0, -32768.0)
    scale = (high - low) / levels if high > low else 1.0
    return _Scaling(scale, low - lowest * scale, low, high, -32768 if masked else None)


def fits_header(image: CasaImage, options: ExportOptions | None = None, coordinates: Coordinates | None = None) -> list[str]:
    """The cards, 80 characters each, that `export_fits` would write before the pixels."""
    used = options or ExportOptions(velocity=True, optical=True, stokes_last=False)
    scaling = _scaling(image, used) if used.bitpix == 16 else _Scaling()
    cards = _header(image, _axis_order(image, used), used, scaling, coordinates or image.coordinates)
    return [c.decode("ascii") for c in (*cards, b"END".ljust(80))]


def _header(
    image: CasaImage, order: Sequence[int], options: ExportOptions, scaling: _Scaling, coordinates: Coordinates
) -> list[bytes]:
    shape = image.shape[::-1]
    text = "Short integer (16 bit)" if options.bitpix == 16 else "Floating point (32 bit)"
    out = [card("SIMPLE", True, "Standard FITS"), card("BITPIX", options.bitpix, text), card("NAXIS", len(order))]
    out += [card(f"NAXIS{k}", shape[a]) for k, a in enumerate(order, 1)]
    out += [card("EXTEND", True), card("BSCALE", scaling.scale, "PHYSICAL = PIXEL*BSCALE + BZERO"), card("BZERO", scaling.zero)]
    if options.bitpix == 16:
        if scaling.blank is not None:
            out.append(card("BLANK", scaling.blank, "Pixels with this value are blank"))
        out += [card("DATAMIN", scaling.low), card("DATAMAX", scaling.high)]
    beams = image.beams
    if beams.is_single:
        beam = beams.at()
        out += [
            card("BMAJ", beam.major_arcsec / 3600.0),
            card("BMIN", beam.minor_arcsec / 3600.0),
            card("BPA", beam.position_angle_deg),
        ]
    out += [
        card("BTYPE", image.image_type),
        card("OBJECT", image.object_name),
        card("BUNIT", image.unit, "Brightness (pixel) unit"),
    ]
    out += axis_cards(coordinates, order, shape, options.velocity, options.optical, options.wavelength)
    out += observation_cards(coordinates.observation)
    out += _misc_cards(image.misc_info, {c[:8].decode().strip() for c in out})
    now = time.time()
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1e6):06d}"
    out += [card("DATE", stamp, "Date FITS file was written"), card("ORIGIN", f"CASA casatools {version_string()}")]
    if beams.is_per_plane:
        out.append(card("CASAMBM", True, "CASA multiple BEAMS table present"))
    if options.history:
        out += list(history_cards(image.history()))
    return out


def _misc_cards(values: dict[str, Any], taken: set[str]) -> list[bytes]:
    out = []
    for name, value in values.items():
        key = name.upper()[:8]
        if key in taken or key in ("DATE", "ORIGIN", "HISTORY", "COMMENT", "END", "CASAMBM") or not _KEY.match(key):
            continue
        if isinstance(value, (bool, int, float, str, np.bool_, np.number)):
            if isinstance(value, (float, np.floating)) and not np.isfinite(value):
                continue
            taken.add(key)
            out.append(card(key, value))
        else:
            log.post(f"the miscellaneous value {name!r} is no single value and is not written to FITS", "WARN", "exportfits")
    return out


def _write_pixels(
    stream: BinaryIO,
    offset: int,
    image: CasaImage,
    order: Sequence[int],
    lengths: Sequence[int],
    options: ExportOptions,
    scaling: _Scaling,
) -> None:
    kind = np.dtype(">i2" if options.bitpix == 16 else ">f4")
    ndim = image.ndim
    kept = [ndim - 1 - a for a in reversed(order)]  # array axes in the file's order
    dropped = [k for k in range(ndim) if k not in kept]
    places = [sum(d not in dropped for d in range(k)) for k in kept]  # their numbers once the dropped ones are gone
    masked = image.has_mask
    writing = threading.Lock()
    long = [k for k in kept if image.shape[k] > 1]  # axes of one pixel may be anywhere
    plain = kind == ">f4" and image.dtype == np.float32 and long == sorted(long)
    mask = image.mask_tiles() if masked and plain else None
    tiles = image.tiles() if plain and (mask is not None or not masked) else None
    if tiles is not None and mask is not None and mask.tile != tiles.tile:
        tiles = None
    name = image.default_mask if masked and not image.is_fits else None

    def write(slices: tuple[slice, ...], stored: np.ndarray) -> None:
        with writing:  # the system lets one thread at a time write to a file, and lets others spin
            write_block(stream.fileno(), offset, lengths, [slices[k] for k in kept], stored)

    def move(slices: tuple[slice, ...]) -> None:
        if tiles is not None:  # pixels are turned as they come out of their tiles
            write(slices, tiles.read([s.start for s in slices], [s.stop - 1 for s in slices], kind, mask))
            return
        pixels = image.read(slices)
        values = _stored(pixels, image.read_mask(slices, name) if masked else None, options, scaling)
        turned = values.reshape([n for k, n in enumerate(pixels.shape) if k not in dropped]).transpose(places)
        own = turned.flags.c_contiguous and turned.flags.writeable and not kind.isnative
        if own and turned.dtype == kind.newbyteorder("="):
            stored = turned.byteswap(inplace=True).view(kind)  # a block of its own, turned in place
        else:
            stored = empty_array(turned.shape, kind)
            stored[...] = turned
        write(slices, stored)

    deque(in_order(move, image.iter_slices()), maxlen=0)


# As CASA and the tiles of a masked image have it.
_BLANK = np.uint32(0xFFFFFFFF).view(np.float32)


def _stored(pixels: np.ndarray, mask: np.ndarray | None, options: ExportOptions, scaling: _Scaling) -> np.ndarray:
    if options.bitpix != 16:
        return pixels if mask is None else np.where(mask, pixels, _BLANK)
    good = np.isfinite(pixels) if mask is None else mask & np.isfinite(pixels)
    values = np.where(good, pixels, scaling.low).astype(np.float64)
    # CASA cuts towards zero where rounding would do better; kept so that files are equal
    levels = np.trunc(np.round((values - scaling.zero) / scaling.scale, 6))
    stored = np.clip(levels, -32768 if scaling.blank is None else -32767, 32767)
    if scaling.blank is not None:
        stored[~good] = scaling.blank
    return np.asarray(stored.astype(np.int16))


def _beam_table(beams: BeamSet) -> bytes:
    rows = np.zeros(len(beams.beams), dtype=[("a", ">f4"), ("b", ">f4"), ("p", ">f4"), ("c", ">i4"), ("s", ">i4")])
    rows["a"] = [beam.major_arcsec for beam in beams.beams]
    rows["b"] = [beam.minor_arcsec for beam in beams.beams]
    rows["p"] = [beam.position_angle_deg for beam in beams.beams]
    numbers = np.arange(len(rows))
    rows["c"], rows["s"] = numbers % beams.nchan, numbers // beams.nchan
    cards = [
        card("XTENSION", "BINTABLE", "Binary Table Extension"),
        card("BITPIX", 8, "Character Information"),
        card("NAXIS", 2, "Two-dimensional table"),
        card("NAXIS1", 20, "Number of bytes per row"),
        card("NAXIS2", len(rows), "Number of rows"),
        card("PCOUNT", 0, "No random parameters"),
        card("GCOUNT", 1, "Only one group"),
        card("TFIELDS", 5, "Number of columns"),
        card("EXTNAME", "BEAMS"),
        card("EXTVER", 1),
        card("NCHAN", beams.nchan),
        card("NPOL", beams.nstokes),
    ]
    for k, (name, form, unit) in enumerate(
        (("BMAJ", "1E", "arcsec"), ("BMIN", "1E", "arcsec"), ("BPA", "1E", "deg"), ("CHAN", "1J", ""), ("POL", "1J", "")), 1
    ):
        cards += [card(f"TTYPE{k}", name), card(f"TFORM{k}", form)]
        if unit:
            cards.append(card(f"TUNIT{k}", unit))
    cards.append(comment_card("END", ""))
    return pad_block(b"".join(cards)) + pad_block(rows.tobytes(), b"\0")
