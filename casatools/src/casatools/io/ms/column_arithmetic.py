"""Arithmetic of whole columns, from file to file: where two columns lie in the same order, cells need not pass through casacore."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from casatools._base.threads import over_rows
from casatools.io.ms.measurement_set import MeasurementSet
from casatools.io.ms.row_files import read_piece, row_file, write_piece
from casatools.io.ms.write_journal import WriteJournal

__all__ = ["column_files", "combine_columns"]

# Numbers of a piece: two of them stay in a core's cache.
_PIECE = 1 << 16
# Ranges of a file that threads take; a few times as many as most machines have cores.
_LANES = 64

Operation = Callable[[np.ndarray, np.ndarray, np.ndarray], object]


@dataclass(frozen=True)
class _Pair:
    """Files of two hypercubes of which the cells lie alike, and how many numbers they hold."""

    target: str
    other: str
    count: int


def combine_columns(ms: MeasurementSet, target: str, other: str, operation: Operation, key: str = "") -> bool:
    """Put ``operation(target, other)`` into every cell of a column of visibilities.

    Parameters
    ----------
    ms : MeasurementSet
        Writable; neither column was read or written through it without a flush.
    target, other : str
    operation : callable
        Of two arrays of complex64 and the array that takes the result, which is the first; of single elements.
    key : str
        What tells changes of a column apart: one that was cut short (`write_journal.interrupted_key`) is gone on with.

    Returns
    -------
    bool
        False, with nothing changed, where the columns do not lie alike in files of whole cells.
    """
    ms.flush()
    pairs = _pairs(ms, target, other)
    if pairs is None:
        return False
    lanes = [lane for number, pair in enumerate(pairs) for lane in _lanes(number, pair)]
    journal = WriteJournal(ms, target, f"{key} lanes {lanes}", len(lanes), 2, 8 * _PIECE)
    for number, pair in enumerate(pairs):
        own = [(k, low, high) for k, (which, low, high) in enumerate(lanes) if which == number]
        mine, theirs = os.open(pair.target, os.O_RDWR), os.open(pair.other, os.O_RDONLY)
        try:

            def part(
                first: int, last: int, mine: int = mine, theirs: int = theirs, own: list[tuple[int, int, int]] = own
            ) -> None:
                for lane, low, high in own[first:last]:
                    _combine(mine, theirs, (low, high), operation, journal, lane)

            over_rows(part, len(own), 1)
        finally:
            os.close(mine)
            os.close(theirs)
    journal.finished()
    return True


def column_files(ms: MeasurementSet, column: str) -> list[str]:
    """Files that hold the cells of a column, where they are found in files."""
    found = row_file(ms.table, column)
    return [] if found is None else [p for p in map(found.path, found.header.cubes) if os.path.isfile(p)]


def _lanes(number: int, pair: _Pair) -> list[tuple[int, int, int]]:
    """Ranges of the numbers of a pair of files, as (pair, first, one after the last): the same on any machine, for a run to go on."""
    count = max(1, min(_LANES, pair.count // _PIECE))
    edges = [pair.count * k // count for k in range(count + 1)]
    return [(number, a, b) for a, b in itertools.pairwise(edges)]


def _combine(mine: int, theirs: int, span: tuple[int, int], operation: Operation, journal: WriteJournal, lane: int) -> None:
    """Combine the numbers of one lane, from where an earlier run was killed."""
    low, high = span
    first, second = (np.empty(_PIECE, np.complex64) for _ in range(2))

    def restore(number: int, content: np.ndarray) -> None:
        write_piece(mine, content.view(np.complex64), 8 * (low + number * _PIECE))

    start = journal.put_back(lane, restore)
    for number in range(start, -(-(high - low) // _PIECE)):
        at = low + number * _PIECE
        count = min(_PIECE, high - at)
        a, b = first[:count], second[:count]
        read_piece(mine, a, 8 * at)
        read_piece(theirs, b, 8 * at)
        journal.note(lane, number, a)
        operation(a, b, a)
        write_piece(mine, a, 8 * at)


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
