"""Arithmetic of whole columns, from file to file: where two columns lie in the same order, cells need not pass through casacore."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from casatools._base.threads import over_rows
from casatools.io.ms.measurement_set import MeasurementSet
from casatools.io.ms.row_files import read_piece, row_file, write_piece

__all__ = ["combine_columns"]

# Numbers of a piece: two of them stay in a core's cache.
_PIECE = 1 << 16


@dataclass(frozen=True)
class _Pair:
    """Files of two hypercubes of which the cells lie alike, and how many numbers they hold."""

    target: str
    other: str
    count: int


def combine_columns(
    ms: MeasurementSet, target: str, other: str, operation: Callable[[np.ndarray, np.ndarray, np.ndarray], object]
) -> bool:
    """Put ``operation(target, other)`` into every cell of a column of visibilities.

    Parameters
    ----------
    ms : MeasurementSet
        Writable; neither column was read or written through it without a flush.
    target, other : str
    operation : callable
        Of two arrays of complex64 and the array that takes the result, which is the first; of single elements.

    Returns
    -------
    bool
        False, with nothing changed, where the columns do not lie alike in files of whole cells.
    """
    ms.flush()
    pairs = _pairs(ms, target, other)
    if pairs is None:
        return False
    for pair in pairs:
        mine, theirs = os.open(pair.target, os.O_RDWR), os.open(pair.other, os.O_RDONLY)
        try:

            def part(low: int, high: int, mine: int = mine, theirs: int = theirs) -> None:
                first, second = (np.empty(_PIECE, np.complex64) for _ in range(2))
                for at in range(low, high, _PIECE):
                    count = min(_PIECE, high - at)
                    a, b = first[:count], second[:count]
                    read_piece(mine, a, 8 * at)
                    read_piece(theirs, b, 8 * at)
                    operation(a, b, a)
                    write_piece(mine, a, 8 * at)

            over_rows(part, pair.count, _PIECE)
        finally:
            os.close(mine)
            os.close(theirs)
    return True


def _pairs(ms: MeasurementSet, target: str, other: str) -> list[_Pair] | None:
    files = [row_file(ms.table, column) for column in (target, other)]
    mine, theirs = files
    if mine is None or theirs is None or mine.bits != 64 or theirs.bits != 64:
        return None
    a, b = mine.header, theirs.header
    alike = np.array_equal(a.last, b.last) and np.array_equal(a.position, b.position)
    if not alike or not len(a.last) or int(a.last[-1]) != ms.nrow - 1:
        return None
    out = []
    for number in np.unique(a.cube).tolist():
        own = a.cube == number
        partners = np.unique(b.cube[own]).tolist()
        if number not in a.numbers or len(partners) != 1 or partners[0] not in b.numbers:
            return None
        cube, partner = a.cubes[a.numbers.index(number)], b.cubes[b.numbers.index(partners[0])]
        if partner.shape[:-1] != cube.shape[:-1]:
            return None
        cells = int(a.position[own].max()) + 1
        out.append(_Pair(mine.path(cube), theirs.path(partner), cells * mine.cell_bytes(cube) // 8))
    return out
