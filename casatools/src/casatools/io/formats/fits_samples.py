"""The first values of a unit of a FITS file, as text: pixels of an image, groups of random groups, rows of a table.

References
----------
FITS standard 4.0 (2018), sections 4.4.1 (data arrays), 6 (random groups), 7.2 (ASCII tables), 7.3 (binary tables).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping

import numpy as np

__all__ = ["first_values"]

_PIXELS = {"8": ">u1", "16": ">i2", "32": ">i4", "64": ">i8", "-32": ">f4", "-64": ">f8"}
_CELLS = {"L": "S1", "B": ">u1", "I": ">i2", "J": ">i4", "K": ">i8", "E": ">f4", "D": ">f8", "C": ">c8", "M": ">c16", "P": ">i4", "Q": ">i8"}  # fmt: skip
_FORM = re.compile(r"(\d*)([LXBIJKAEDCMPQ])([BIJKEDCM]?)")
_MOST_ROWS, _MOST_COLUMNS, _MOST_VALUES, _MOST_GROUPS = 5, 20, 18, 2

Values = Mapping[str, str]
Read = Callable[[int, int], bytes]


def first_values(values: Values, read: Read) -> list[str]:
    """Lines that show the first values of a unit.

    Parameters
    ----------
    values : mapping of str to str
        Keywords of the unit's header to what stands behind the equals sign, without the comment.
    read : callable
        Gives bytes of the unit's data: of which place on, and how many.

    Returns
    -------
    list of str
        Up to 18 pixels of an image; parameters and up to 18 numbers of the first two groups; up to 20 columns of the first five rows of a
        table. Nothing where the unit has no data, or the header does not say how they are kept.
    """
    kind = values.get("XTENSION", "").strip("' ")
    if kind in ("BINTABLE", "A3DTABLE"):
        return _rows(values, read, _binary_cells)
    if kind == "TABLE":
        return _rows(values, read, _ascii_cells)
    stored = _PIXELS.get(values.get("BITPIX", ""))
    lengths = [_whole(values, f"NAXIS{n + 1}") for n in range(_whole(values, "NAXIS"))]
    if stored is None or not lengths:
        return []
    if lengths[0] == 0 and values.get("GROUPS") == "T":
        return _groups(values, read, np.dtype(stored), math.prod(lengths[1:]))
    count = min(math.prod(lengths), _MOST_VALUES)
    pixels = _scaled(values, "BSCALE", "BZERO", np.frombuffer(read(0, count * np.dtype(stored).itemsize), stored))
    return [f"the first values: {_joined(pixels, ' ', count < math.prod(lengths))}"] if len(pixels) else []


def _groups(values: Values, read: Read, stored: np.dtype, elements: int) -> list[str]:
    parameters, count = _whole(values, "PCOUNT"), _whole(values, "GCOUNT", 1)
    shown = min(elements, _MOST_VALUES)
    lines = [f"{count} groups total, display first {shown} elements of the first {min(count, _MOST_GROUPS)} groups"]
    for group in range(min(count, _MOST_GROUPS)):
        width = stored.itemsize
        raw = np.frombuffer(read(group * (parameters + elements) * width, (parameters + shown) * width), stored)
        told = [_scaled(values, f"PSCAL{k + 1}", f"PZERO{k + 1}", raw[k : k + 1]) for k in range(parameters)]
        lines.append(f"Group {group} parms:  {' '.join(_joined(one, ' ') for one in told)}")
        data = _scaled(values, "BSCALE", "BZERO", raw[parameters:])
        lines.append(f"Group {group} data:  {_joined(data, ' ', shown < elements)}")
    return lines


def _rows(values: Values, read: Read, cells: Callable[[Values, Read, bytes], list[str]]) -> list[str]:
    width, count, columns = _whole(values, "NAXIS1"), _whole(values, "NAXIS2"), _whole(values, "TFIELDS")
    if not columns:
        return []
    lines = [
        f"{count} rows, {columns} cols, {width * count + _whole(values, 'PCOUNT')} bytes total",
        f"the first {_MOST_COLUMNS} cols of the first {_MOST_ROWS} rows:",
    ]
    for row in range(min(count, _MOST_ROWS)):
        told = cells(values, read, read(row * width, width))
        lines.append(f"{row}: | {' | '.join(told[:_MOST_COLUMNS])} |{' ...' if len(told) > _MOST_COLUMNS else ''}")
    return lines


def _binary_cells(values: Values, read: Read, row: bytes) -> list[str]:
    told: list[str] = []
    at = 0
    for k in range(1, _whole(values, "TFIELDS") + 1):
        form = _FORM.match(values.get(f"TFORM{k}", "").strip("' "))
        if form is None:
            return told  # where the next column begins is not known
        count, letter = int(form[1] or 1), form[2]
        if letter == "A":
            text, size = row[at : at + count].split(b"\0")[0].decode("ascii", errors="replace").rstrip(), count
        elif letter == "X":
            size = -(-count // 8)
            text = "".join(f"{byte:08b}" for byte in row[at : at + size])[:count]
        else:
            cell = np.dtype(_CELLS[letter])
            size = cell.itemsize * count * (2 if letter in "PQ" else 1)
            found = np.frombuffer(row[at : at + size], cell)
            if letter == "L":
                text = ", ".join({b"T": "True", b"F": "False"}.get(bytes(v), "") for v in found[:_MOST_VALUES])
            else:
                if letter in "PQ":  # length and place of what is kept behind the rows
                    found = _kept_behind(values, read, found, form[3]) if len(found) else found
                scaled = _scaled(values, f"TSCAL{k}", f"TZERO{k}", found)
                text = _joined(scaled[:_MOST_VALUES], ", ", len(scaled) > _MOST_VALUES)
        told.append(text)
        at += size
    return told


def _kept_behind(values: Values, read: Read, described: np.ndarray, letter: str) -> np.ndarray:
    heap = _whole(values, "THEAP", _whole(values, "NAXIS1") * _whole(values, "NAXIS2"))
    if letter not in _CELLS:  # texts and flags of varying length: how many there are
        return described[:1]
    cell = np.dtype(_CELLS[letter])
    return np.frombuffer(read(heap + int(described[1]), min(int(described[0]), _MOST_VALUES + 1) * cell.itemsize), cell)


def _ascii_cells(values: Values, _read: Read, row: bytes) -> list[str]:
    told = []
    for k in range(1, _whole(values, "TFIELDS") + 1):
        first, form = _whole(values, f"TBCOL{k}", 1) - 1, values.get(f"TFORM{k}", "").strip("' ")
        wide = re.match(r"[A-Z](\d+)", form)
        told.append(row[first : first + int(wide[1]) if wide else None].decode("ascii", errors="replace").strip())
    return told


def _scaled(values: Values, scale: str, zero: str, raw: np.ndarray) -> np.ndarray:
    factor, offset = _number(values, scale, 1.0), _number(values, zero, 0.0)
    return raw if (factor == 1.0 and offset == 0.0) or raw.dtype.kind == "c" else raw.astype(np.float64) * factor + offset


def _joined(found: np.ndarray, between: str, more: bool = False) -> str:
    digits = 7 if found.dtype.itemsize <= 4 else 15
    if found.dtype.kind == "c":
        digits = 7 if found.dtype.itemsize == 8 else 15
        texts = [f"({v.real:.{digits}g},{v.imag:.{digits}g})" for v in found]
    else:
        texts = [str(v) if found.dtype.kind in "iu" else f"{v:.{digits}g}" for v in found]
    return between.join(texts) + ("..." if more else "")


def _whole(values: Values, key: str, default: int = 0) -> int:
    text = values.get(key, "")
    return int(text) if text.lstrip("-+").isdigit() else default


def _number(values: Values, key: str, default: float) -> float:
    try:
        return float(values.get(key, "").upper().replace("D", "E"))
    except ValueError:
        return default
