"""MeasurementSets sorted by columns of the main table."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import closing

import numpy as np

from casatools._base.errors import ParameterError
from casatools._base.paths import folder_bytes, remove_output, require_space, staged_output
from casatools._base.row_order import sorted_rows
from casatools.io.ms.create_like import copy_whole, linked_subtables
from casatools.io.ms.spare_space import ROW_BYTES, SpareSpace, told_by_casacore
from casatools.io.tables import Table, open_table

__all__ = ["copy_sorted", "write_sorted"]

# What a copy takes beside what it is copied from: its tiles are cut by casacore.
_SHARE = 1.1
# Rows that casacore copies together: it keeps the number of each.
_ROWS = 1 << 16


def sorted_bytes(path: str, nrow: int) -> float:
    """What a sorted copy takes on disk, with the space that is kept for casacore."""
    return _SHARE * folder_bytes(path) + nrow * ROW_BYTES


def copy_sorted(path: str, target: str, columns: Sequence[str]) -> None:
    """Copy a MeasurementSet with its rows sorted by scalar columns, the slowest first; nothing is at `target` yet.

    Raises
    ------
    ParameterError
        There is no such column, or its cells are arrays.
    DataError
        The disk is full.
    """
    with closing(open_table(path)) as table:
        present = table.colnames()
        names = [c.upper() for c in columns if c]
        for name in names:
            if name not in present or not table.isscalarcol(name):
                scalars = [c for c in present if table.isscalarcol(c)]
                raise ParameterError(f"rows cannot be sorted by {name!r}; columns of single values are {', '.join(scalars)}")
        order = sorted_rows(table.nrows(), [_values(table, name) for name in names])
        needed = sorted_bytes(path, len(order))
        require_space(target, needed)
        table.copy(os.path.abspath(target), deep=True, copynorows=True).close()
        _copy_rows(table, target, order, needed)
        _copy_subtables(table, path, target)


def _values(table: Table, name: str) -> Callable[[slice], np.ndarray]:
    return lambda block: np.asarray(table.getcol(name, block.start, block.stop - block.start))


def _copy_rows(table: Table, target: str, order: np.ndarray, needed: float) -> None:
    """The rows in their order, so many at a time that what casacore keeps of them does not grow."""
    # The space is given up before the table is closed, whatever happens.
    kept = len(order) * ROW_BYTES
    with closing(open_table(target, writable=True)) as made, SpareSpace(target, kept):
        made.addrows(len(order))
        for start in range(0, len(order), _ROWS):
            block = np.asarray(order[start : start + _ROWS])
            require_space(target, (needed - kept) * (1 - start / len(order)), needed)
            with told_by_casacore(f"the rows do not fit the sorted copy {target!r}"), closing(table.selectrows(block)) as part:
                part.copyrows(made, 0, start, len(block))


def _copy_subtables(table: Table, path: str, target: str) -> None:
    """The sub-tables as they are, with what lies in their folders, in the place of the empty ones."""
    for name, origin in linked_subtables(table, path):
        remove_output(f"{target}/{name}")
        with closing(open_table(origin)) as subtable:
            copy_whole(subtable, f"{target}/{name}")


def write_sorted(path: str, output: str, columns: Sequence[str], overwrite: bool = False) -> None:
    """Write a copy of a MeasurementSet whose rows are sorted; sub-tables are copied as they are.

    Parameters
    ----------
    path, output : str
    columns : sequence of str
        Scalar columns, the slowest first; rows that are equal in all of them keep their order. None copies.
    overwrite : bool
        Replace the output, which may be the input itself, once the copy is complete.

    Raises
    ------
    ParameterError
        There is no such column, or its cells are arrays.
    OutputExistsError, DataError
        The output exists, or the disk is full.
    """
    with closing(open_table(path)) as table:
        needed = sorted_bytes(path, table.nrows())
    with staged_output(output, overwrite, needed) as target:
        copy_sorted(path, target, columns)
