"""The headers of a FITS file, and the first values of its units, as text lines."""

from __future__ import annotations

import math
import os

from casatools._base.errors import DataError
from casatools._base.paths import require_present
from casatools.io.formats.fits_samples import first_values

__all__ = ["fits_lines"]

_BLOCK = 2880


def fits_lines(path: str) -> list[str]:
    """All header cards of all units of a FITS file, one line a card, and the first values of each unit behind them.

    Raises
    ------
    PathMissingError, DataError
        The file is not there, is not FITS, or ends within a header.

    References
    ----------
    FITS standard 4.0 (2018), sections 3.3 and 4.4.1: blocks of 2880 bytes, cards of 80, sizes of data units.
    """
    name = require_present(path, "FITS file")
    if not os.path.isfile(name):
        raise DataError(f"{path!r} is not a FITS file")
    lines: list[str] = []
    with open(name, "rb") as stream:
        while True:
            cards = _header(stream.read, path, first=not lines)
            if not cards:
                return lines
            values = {c[:8].strip(): _value(c[10:]) for c in cards if c[8:10] == "= "}
            start, unit = stream.tell(), sum(line.startswith("HDU ") for line in lines)

            def read(place: int, count: int, start: int = start) -> bytes:
                stream.seek(start + place)
                found = stream.read(count)
                if len(found) < count:
                    raise DataError(f"the FITS file {path!r} ends within the data of a unit")
                return found

            lines += [f"HDU {unit}", *cards, *first_values(values, read)]
            stream.seek(start + -(-_data_bytes(values) // _BLOCK) * _BLOCK)


def _header(read: object, path: str, first: bool) -> list[str]:
    cards: list[str] = []
    while True:
        block = read(_BLOCK)  # type: ignore[operator]
        if len(block) < _BLOCK:
            if not block and not cards and not first:
                return []
            raise DataError(f"the FITS file {path!r} ends within a header")
        if first and not cards and not block.startswith(b"SIMPLE"):
            raise DataError(f"{path!r} is not a FITS file (it does not start with SIMPLE)")
        for k in range(0, _BLOCK, 80):
            card = block[k : k + 80].decode("ascii", errors="replace").rstrip()
            if card == "END":
                return cards
            if card:
                cards.append(card)


def _value(text: str) -> str:
    """What a card says behind its equals sign, without the comment; texts keep their quotes."""
    text = text.strip()
    if text.startswith("'"):
        return text[: text.find("'", 1) + 1] or text
    return text.split("/")[0].strip()


def _data_bytes(values: dict[str, str]) -> int:
    def number(key: str, default: int = 0) -> int:
        text = values.get(key, "")
        return int(text) if text.lstrip("-+").isdigit() else default

    axes = [number(f"NAXIS{n + 1}") for n in range(number("NAXIS"))]
    if not axes:
        return 0
    if axes[0] == 0 and values.get("GROUPS") == "T":
        axes = axes[1:]
    return abs(number("BITPIX")) // 8 * number("GCOUNT", 1) * (number("PCOUNT") + math.prod(axes))
