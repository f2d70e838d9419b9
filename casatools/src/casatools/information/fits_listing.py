"""The headers of a FITS file as text lines."""

from __future__ import annotations

import math
import os

from casatools._base.errors import DataError
from casatools._base.paths import require_present

__all__ = ["fits_lines"]

_BLOCK = 2880


def fits_lines(path: str) -> list[str]:
    """All header cards of all units of a FITS file, one line a card.

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
            lines += [f"HDU {sum(line.startswith('HDU ') for line in lines)}", *cards]
            stream.seek(-(-_data_bytes(cards) // _BLOCK) * _BLOCK, os.SEEK_CUR)


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


def _data_bytes(cards: list[str]) -> int:
    values = {c[:8].strip(): c[10:].split("/")[0].strip() for c in cards if c[8:10] == "= "}

    def number(key: str, default: int = 0) -> int:
        text = values.get(key, "")
        return int(text) if text.lstrip("-+").isdigit() else default

    axes = [number(f"NAXIS{n + 1}") for n in range(number("NAXIS"))]
    if not axes:
        return 0
    if axes[0] == 0 and values.get("GROUPS") == "T":
        axes = axes[1:]
    return abs(number("BITPIX")) // 8 * number("GCOUNT", 1) * (number("PCOUNT") + math.prod(axes))
