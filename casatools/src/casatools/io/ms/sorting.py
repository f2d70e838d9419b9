"""MeasurementSets sorted by columns of the main table."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import closing

import numpy as np

from casatools._base.errors import ParameterError
from casatools._base.paths import staged_output
from casatools.io.tables import open_table

__all__ = ["copy_sorted", "write_sorted"]


def copy_sorted(path: str, target: str, columns: Sequence[str]) -> None:
    """Copy a MeasurementSet with its rows sorted by scalar columns, the slowest first; nothing is at `target` yet.

    Raises
    ------
    ParameterError
        There is no such column, or its cells are arrays.
    """
    with closing(open_table(path)) as table:
        present = table.colnames()
        names = [c.upper() for c in columns if c]
        for name in names:
            if name not in present or not table.isscalarcol(name):
                scalars = [c for c in present if table.isscalarcol(c)]
                raise ParameterError(f"rows cannot be sorted by {name!r}; columns of single values are {', '.join(scalars)}")
        keys = tuple(np.asarray(table.getcol(n)) for n in reversed(names))
        order = np.lexsort(keys) if names else np.arange(table.nrows())
        with closing(table.selectrows(order.astype(np.int64))) as ordered:
            ordered.copy(os.path.abspath(target), deep=True).close()


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
    with staged_output(output, overwrite) as target:
        copy_sorted(path, target, columns)
