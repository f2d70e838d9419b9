"""Compressed FITS images written out plainly, so that they can be read in place.

References
----------
FITS Standard 4.0, section 10: tiled image compression. ``.gz`` files are plain files packed by gzip (RFC 1952).
"""

from __future__ import annotations

import gzip
import os
import shutil
from typing import Any

import numpy as np

__all__ = ["expand_gzip", "expand_unit", "holds_compressed_image", "is_gzip_of_fits"]

_PLANE_BYTES = 64 << 20


def is_gzip_of_fits(path: str) -> bool:
    """True for a file packed by gzip that begins as a FITS file does inside."""
    with open(path, "rb") as stream:
        if stream.read(2) != b"\x1f\x8b":
            return False
    try:
        with gzip.open(path, "rb") as inner:
            return inner.read(9) == b"SIMPLE  ="
    except (OSError, EOFError):
        return False


def expand_gzip(path: str, folder: str) -> str:
    """Unpack a file into a folder; gives its new name."""
    name = os.path.join(folder, "unpacked.fits")
    with gzip.open(path, "rb") as inner, open(name, "wb") as stream:
        shutil.copyfileobj(inner, stream, 16 << 20)
    return name


def holds_compressed_image(header: Any) -> bool:
    """True for the header of a table that a compressed image is kept in."""
    return bool(header.get("ZIMAGE", False)) and str(header.get("XTENSION", "")).strip() == "BINTABLE"


def expand_unit(path: str, number: int, folder: str) -> str:
    """Write the compressed image of a header-data unit as a plain file, some planes at a time; gives its name."""
    from astropy.io import fits

    name = os.path.join(folder, "expanded.fits")
    with fits.open(path, do_not_scale_image_data=True) as units:
        unit = units[number]
        header = unit.header.copy()
        for key in ("XTENSION", "PCOUNT", "GCOUNT", "EXTNAME", "EXTVER", "CHECKSUM", "DATASUM", "ZBLANK", "ZSCALE", "ZZERO"):
            header.remove(key, ignore_missing=True)
        header.insert(0, ("SIMPLE", True))
        shape = unit.shape
        each = int(np.prod(shape[1:])) * abs(int(header["BITPIX"])) // 8
        step = max(1, _PLANE_BYTES // max(each, 1))
        kind = {8: "u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}[int(header["BITPIX"])]
        text = header.tostring(sep="", endcard=True, padding=True).encode("ascii")
        with open(name, "wb") as stream:
            stream.write(text)
            for start in range(0, shape[0], step):
                part = np.asarray(unit.section[start : min(start + step, shape[0])])
                stream.write(np.ascontiguousarray(part, dtype=kind).tobytes())
            stream.write(b"\0" * (-stream.tell() % 2880))
    return name
