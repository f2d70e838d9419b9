"""Reading FITS files of random groups (UVFITS): headers, groups in blocks, and binary table extensions.

Headers of old writers break the standard in small ways (stray cards, text without quotes, D exponents), so cards are read
leniently; the data are memory-mapped and decoded block by block.

References
----------
Pence et al., "Definition of the Flexible Image Transport System, version 3.0", A&A 524 (2010), A42: sections 4, 6 and 7.
Greisen, "AIPS FITS File Format", AIPS Memo 117 (NRAO, 2016 revision).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from casatools._base.errors import DataError
from casatools._base.paths import require_present

__all__ = ["FitsTable", "Header", "RandomGroups", "read_random_groups"]

_BLOCK = 2880
_CARD = 80
_KIND = {8: ">u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
_FORM = {"L": ("S", 1), "B": ("u1", 1), "I": (">i2", 2), "J": (">i4", 4), "K": (">i8", 8), "A": ("S", 1), "E": (">f4", 4),
         "D": (">f8", 8), "C": (">c8", 8), "M": (">c16", 16), "P": (">i4", 8), "Q": (">i8", 16)}  # fmt: skip
_TFORM = re.compile(r"\s*(\d*)\s*([LXBIJKAEDCMPQ])")


@dataclass
class Header:
    """Cards of one header: the first value of each keyword, and the commentary."""

    values: dict[str, Any] = field(default_factory=dict)
    history: list[str] = field(default_factory=list)

    def __contains__(self, key: str) -> bool:
        return key in self.values

    def text(self, key: str, default: str = "") -> str:
        """A value as text without blanks around it."""
        value = self.values.get(key, default)
        return str(value).strip()

    def number(self, key: str, default: float = 0.0) -> float:
        """A value as a float; `default` when it is absent or not a number."""
        value = self.values.get(key, default)
        return float(value) if isinstance(value, (int, float)) else default

    def integer(self, key: str, default: int = 0) -> int:
        """A value as an int; `default` when it is absent or not a number."""
        return int(self.number(key, default))


@dataclass
class FitsTable:
    """A binary table extension, decoded: column name (upper case, no blanks at the ends) to an array, rows first."""

    name: str
    header: Header
    nrow: int
    columns: dict[str, np.ndarray]

    def get(self, name: str) -> np.ndarray | None:
        """A column, or None when the table has no such column."""
        return self.columns.get(name)

    def texts(self, name: str) -> list[str]:
        """A text column, blanks and nulls cut; empty texts where the table has no such column."""
        found = self.columns.get(name)
        if found is None:
            return [""] * self.nrow
        return [bytes(v if isinstance(v, bytes) else v.tobytes()).decode("latin-1").strip("\0 ") for v in found]


@dataclass
class RandomGroups:
    """A UVFITS file.

    Attributes
    ----------
    path : str
    header : Header
    parameter_names : list of str
        PTYPE of each random parameter, cut at ``-``; repeated names are parts of one value.
    scales, zeros : ndarray
        PSCAL and PZERO.
    ngroup : int
    axes : list of str
        CTYPE of the data axes, slowest first, so that they name the axes of `data` after the first.
    shape : tuple of int
    tables : list of FitsTable
    """

    path: str
    header: Header
    parameter_names: list[str]
    scales: np.ndarray
    zeros: np.ndarray
    ngroup: int
    axes: list[str]
    axis_numbers: list[int]
    shape: tuple[int, ...]
    kind: np.dtype
    offset: int
    tables: list[FitsTable]

    def table(self, name: str) -> FitsTable | None:
        """The first extension of that name."""
        return next((t for t in self.tables if t.name == name), None)

    def axis(self, ctype: str) -> tuple[int, float, float, float]:
        """``(length, reference value, increment, reference pixel)`` of a data axis; length 1 where the file has no such axis."""
        for name, number, length in zip(self.axes, self.axis_numbers, self.shape, strict=True):
            if name == ctype:
                h = self.header
                return length, h.number(f"CRVAL{number}"), h.number(f"CDELT{number}", 1.0), h.number(f"CRPIX{number}", 1.0)
        return 1, 1.0, 1.0, 1.0

    def raw(self) -> np.ndarray:
        """The groups as they are on disk, ``(group, parameter + element)``, memory-mapped, big-endian."""
        width = len(self.parameter_names) + int(np.prod(self.shape))
        return np.memmap(self.path, dtype=self.kind, mode="r", offset=self.offset, shape=(self.ngroup, width))

    def parameter(self, raw: np.ndarray, name: str) -> np.ndarray | None:
        """The value of a random parameter for some raw groups: all its parts scaled and added up, float64."""
        total: np.ndarray | None = None
        for index in self.parts(name):
            part = raw[:, index].astype(np.float64) * self.scales[index] + self.zeros[index]
            total = part if total is None else total + part
        return total

    def parts(self, name: str) -> list[int]:
        """Indices of the random parameters of that name."""
        return [i for i, p in enumerate(self.parameter_names) if p == name]

    def data(self, raw: np.ndarray) -> np.ndarray:
        """The elements of some raw groups, scaled, native float32 ``(group, *shape)``."""
        npar = len(self.parameter_names)
        values = raw[:, npar:].astype(np.float32)
        scale, zero = self.header.number("BSCALE", 1.0), self.header.number("BZERO", 0.0)
        if scale != 1.0 or zero != 0.0:
            values = (values.astype(np.float64) * scale + zero).astype(np.float32)
        return values.reshape(len(raw), *self.shape)


def read_random_groups(path: str) -> RandomGroups:
    """Open a UVFITS file: headers and tables are read, the groups stay on disk.

    Raises
    ------
    PathMissingError
        Nothing is there.
    DataError
        It is not FITS, holds no random groups, or is cut short.
    """
    path = require_present(path, "UVFITS file")
    if os.path.isdir(path):
        raise DataError(f"{path!r} is a folder, not a UVFITS file")
    size = os.path.getsize(path)
    try:
        stream = open(path, "rb")  # noqa: SIM115 - closed by the with below, errors of opening told apart
    except OSError as error:
        raise DataError(f"UVFITS file {path!r} cannot be read: {error.strerror}") from error
    with stream:
        first = stream.read(_CARD)
        if not first.startswith(b"SIMPLE"):
            raise DataError(f"{path!r} is not a FITS file (it does not begin with SIMPLE)")
        stream.seek(0)
        header = _read_header(stream, path)
        if header is None:
            raise DataError(f"UVFITS file {path!r} is truncated inside its first header")
        if not (header.values.get("GROUPS") is True and header.integer("NAXIS1", 1) == 0):
            raise DataError(f"{path!r} is a FITS file without random groups, so it is not UVFITS")
        offset = stream.tell()
        groups = _describe(path, header, offset)
        nbytes = groups.ngroup * (len(groups.parameter_names) + int(np.prod(groups.shape))) * groups.kind.itemsize
        if offset + nbytes > size:
            have = (size - offset) * 100 // max(nbytes, 1)
            raise DataError(
                f"UVFITS file {path!r} is truncated: it holds {have} % of the {groups.ngroup} groups its header announces"
            )
        stream.seek(offset + -(-nbytes // _BLOCK) * _BLOCK)
        groups.tables.extend(_read_tables(stream, path, size))
    return groups


def _describe(path: str, header: Header, offset: int) -> RandomGroups:
    naxis = header.integer("NAXIS")
    numbers = list(range(naxis, 1, -1))
    npar = header.integer("PCOUNT")
    kind = _KIND.get(header.integer("BITPIX"))
    if kind is None or naxis < 2 or npar < 1:
        raise DataError(f"the header of {path!r} does not describe random groups (BITPIX, NAXIS, PCOUNT)")
    index = range(1, npar + 1)
    return RandomGroups(
        path=path,
        header=header,
        parameter_names=[header.text(f"PTYPE{i}").upper().split("-")[0].strip() for i in index],
        scales=np.array([header.number(f"PSCAL{i}", 1.0) for i in index]),
        zeros=np.array([header.number(f"PZERO{i}", 0.0) for i in index]),
        ngroup=header.integer("GCOUNT"),
        axes=[header.text(f"CTYPE{i}").upper().split("-")[0].strip() for i in numbers],
        axis_numbers=numbers,
        shape=tuple(header.integer(f"NAXIS{i}", 1) for i in numbers),
        kind=np.dtype(kind),
        offset=offset,
        tables=[],
    )


def _read_header(stream: Any, path: str) -> Header | None:
    """The header at the position of the stream, which is left behind it; None at the end of the file or on trailing filler."""
    header = Header()
    first = True
    while True:
        block = stream.read(_BLOCK)
        if len(block) < _BLOCK:
            if first:
                return None
            raise DataError(f"UVFITS file {path!r} is truncated: a header has no END")
        for at in range(0, _BLOCK, _CARD):
            card = block[at : at + _CARD].decode("latin-1")
            if first and at == 0 and not card.startswith(("SIMPLE", "XTENSION")):
                return None
            key = card[:8].rstrip()
            if key == "END" and not card[8:].strip():
                return header
            if key == "HISTORY":
                header.history.append(card[8:].strip())
            elif card[8:10] == "= " and key not in header.values:
                header.values[key] = _card_value(card[10:])
        first = False


def _card_value(text: str) -> Any:
    """The value of a card: text, bool, int or float; what fits none of these is kept as text."""
    text = text.strip()
    if text.startswith("'"):
        body = re.sub(r"(?<!')'(?!').*$", "", text[1:].replace("''", "\0"))
        return body.replace("\0", "'").rstrip()
    text = text.split("/", 1)[0].strip()
    if text in ("T", "F"):
        return text == "T"
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text.upper().replace("D", "E"))
    except ValueError:
        return text


def _read_tables(stream: Any, path: str, size: int) -> Iterator[FitsTable]:
    while True:
        header = _read_header(stream, path)
        if header is None:
            return
        width, nrow = header.integer("NAXIS1"), header.integer("NAXIS2", 1)
        nbytes = width * nrow
        total = nbytes + header.integer("PCOUNT")
        if header.integer("NAXIS") == 0:
            continue
        start = stream.tell()
        if start + nbytes > size:
            raise DataError(f"UVFITS file {path!r} is truncated inside its table {header.text('EXTNAME')!r}")
        if header.text("XTENSION") in ("BINTABLE", "A3DTABLE"):
            yield _decode_table(header, stream.read(nbytes), nrow, width, path)
        stream.seek(start + -(-total // _BLOCK) * _BLOCK)


def _decode_table(header: Header, content: bytes, nrow: int, width: int, path: str) -> FitsTable:
    names, formats, offsets, at = [], [], [], 0
    for k in range(1, header.integer("TFIELDS") + 1):
        match = _TFORM.match(header.text(f"TFORM{k}"))
        if match is None:
            raise DataError(
                f"table {header.text('EXTNAME')!r} of {path!r} has a column of unknown format {header.text(f'TFORM{k}')!r}"
            )
        count, letter = int(match.group(1) or 1), match.group(2)
        if letter == "X":
            kind, nbytes = ("u1", (count + 7) // 8), (count + 7) // 8
            form: Any = (kind[0], (kind[1],))
        elif letter in "AL":
            nbytes = count
            form = f"S{count}" if letter == "A" else ("S1", (count,))
        else:
            base, each = _FORM[letter]
            nbytes = each * count
            form = base if count == 1 else (base, (count * (2 if letter in "PQ" else 1),))
        if nbytes:
            title = header.text(f"TTYPE{k}").upper() or f"COLUMN{k}"
            names.append(title if title not in names else f"{title}_{k}")
            formats.append(form)
            offsets.append(at)
        at += nbytes
    if at > width:
        raise DataError(f"table {header.text('EXTNAME')!r} of {path!r} has columns of {at} bytes in rows of {width}")
    record = np.frombuffer(
        content, dtype=np.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": width}), count=nrow
    )
    columns: dict[str, np.ndarray] = {}
    for name in names:
        values = record[name]
        columns[name] = values if values.dtype.kind == "S" else values.astype(values.dtype.newbyteorder("="))
    return FitsTable(header.text("EXTNAME"), header, nrow, columns)
