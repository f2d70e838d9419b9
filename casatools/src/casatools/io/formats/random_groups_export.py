"""Writing FITS files of random groups (UVFITS): header, groups in blocks, binary table extensions.

References
----------
Pence et al., "Definition of the Flexible Image Transport System, version 3.0", A&A 524 (2010), A42: sections 4, 6 and 7.3.
Greisen, "AIPS FITS File Format", AIPS Memo 117 (NRAO, 2016 revision).
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import numpy as np

from casatools.io.formats.fits_cards import BLOCK, card, comment_card, pad_block

__all__ = ["Axis", "Column", "GroupsHeader", "Parameter", "TableContent", "write_random_groups"]

_FORMS = {"A": "S", "J": ">i4", "E": ">f4", "D": ">f8"}


@dataclass(frozen=True)
class Axis:
    """A data axis: length, and its line of values (1-based reference pixel)."""

    ctype: str
    length: int
    value: float
    increment: float = 1.0
    pixel: float = 1.0


@dataclass(frozen=True)
class Parameter:
    """A random parameter: its name, and what is to be added to the numbers stored."""

    name: str
    zero: float = 0.0
    comment: str = ""


@dataclass(frozen=True)
class Column:
    """A column of a binary table: FITS letter (A, J, E, D), unit, and values ``(row, ...)``."""

    name: str
    form: str
    values: Any
    unit: str = ""


@dataclass(frozen=True)
class TableContent:
    """A binary table extension."""

    name: str
    columns: Sequence[Column]
    keywords: Sequence[tuple[str, Any]] = ()
    version: int = 1


@dataclass(frozen=True)
class GroupsHeader:
    """What the main header says; `axes` in FITS order, fastest first."""

    axes: Sequence[Axis]
    parameters: Sequence[Parameter]
    ngroup: int
    keywords: Sequence[tuple[str, Any]] = ()
    history: Sequence[str] = field(default_factory=tuple)


def write_random_groups(
    stream: BinaryIO, header: GroupsHeader, groups: Iterable[np.ndarray], tables: Iterable[TableContent]
) -> None:
    """Write a whole file.

    Parameters
    ----------
    stream : binary file
    header : GroupsHeader
    groups : iterable of ndarray (group, parameter + element) float32
        In the end `header.ngroup` of them; blocks are overwritten.
    tables : iterable of TableContent
    """
    stream.write(_main_header(header))
    nbytes = 0
    for block in groups:
        if sys.byteorder == "little":
            block.byteswap(inplace=True)
        stream.write(np.ascontiguousarray(block).data)
        nbytes += block.nbytes
    stream.write(b"\0" * (-nbytes % BLOCK))
    for table in tables:
        stream.write(_binary_table(table))


def _number(key: str, value: Any) -> bytes:
    """A card with all digits of a float."""
    return f"{key:<8}= {float(value):>20.15E}".ljust(80).encode("ascii")


def _main_header(header: GroupsHeader) -> bytes:
    cards = [card("SIMPLE", True, "Standard FITS format"), card("BITPIX", -32), card("NAXIS", len(header.axes) + 1)]
    cards.append(card("NAXIS1", 0, "Random groups, no image"))
    cards += [card(f"NAXIS{k}", axis.length) for k, axis in enumerate(header.axes, 2)]
    cards += [card("EXTEND", True), card("GROUPS", True), card("PCOUNT", len(header.parameters)), card("GCOUNT", header.ngroup)]
    for k, axis in enumerate(header.axes, 2):
        cards += [card(f"CTYPE{k}", axis.ctype), _number(f"CRVAL{k}", axis.value), _number(f"CDELT{k}", axis.increment)]
        cards += [_number(f"CRPIX{k}", axis.pixel), _number(f"CROTA{k}", 0.0)]
    for k, parameter in enumerate(header.parameters, 1):
        cards += [card(f"PTYPE{k}", parameter.name, parameter.comment), _number(f"PSCAL{k}", 1.0)]
        cards.append(_number(f"PZERO{k}", parameter.zero))
    cards += _keywords(header.keywords)
    cards += [comment_card("HISTORY", " " + line) for line in header.history]
    return pad_block(b"".join(cards) + b"END".ljust(80))


def _keywords(pairs: Sequence[tuple[str, Any]]) -> list[bytes]:
    return [_number(k, v) if isinstance(v, (float, np.floating)) else card(k, v) for k, v in pairs]


def _binary_table(table: TableContent) -> bytes:
    parts = [_packed(column) for column in table.columns]
    nrow = len(parts[0][1])
    record = np.concatenate([values.reshape(nrow, -1) for _, values in parts], axis=1)
    cards = [
        card("XTENSION", "BINTABLE"),
        card("BITPIX", 8),
        card("NAXIS", 2),
        card("NAXIS1", record.shape[1]),
        card("NAXIS2", nrow),
    ]
    cards += [
        card("PCOUNT", 0),
        card("GCOUNT", 1),
        card("TFIELDS", len(parts)),
        card("EXTNAME", table.name),
        card("EXTVER", table.version),
    ]
    cards += _keywords(table.keywords)
    for k, (column, (form, _)) in enumerate(zip(table.columns, parts, strict=True), 1):
        cards += [card(f"TTYPE{k}", column.name), card(f"TFORM{k}", form)]
        cards += [card(f"TUNIT{k}", column.unit)] if column.unit else []
    return pad_block(b"".join(cards) + b"END".ljust(80)) + pad_block(record.tobytes(), b"\0")


def _packed(column: Column) -> tuple[str, np.ndarray]:
    """TFORM and the bytes of each row."""
    if column.form.endswith("A"):
        texts = [str(v).encode("ascii", "replace") for v in column.values]
        width = max(int(column.form[:-1] or 1), *(len(t) for t in texts))
        raw = b"".join(t.ljust(width) for t in texts)
        return f"{width}A", np.frombuffer(raw, dtype=np.uint8).reshape(len(texts), width)
    values = np.ascontiguousarray(column.values, dtype=_FORMS[column.form])
    count = int(np.prod(values.shape[1:], dtype=int))
    nrow = len(values)
    if not count:
        return f"0{column.form}", np.zeros((nrow, 0), dtype=np.uint8)
    return f"{count}{column.form}", values.reshape(nrow, count).view(np.uint8).reshape(nrow, -1)
