"""Multi-MSs: several MeasurementSets moved below one that joins them.

Notes
-----
A multi-MS is a table that joins the MeasurementSets in its folder ``SUBMSS`` by relative links, so that the whole can be moved (casacore's ConcatTable).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence

from casatools._base.errors import DataError, ParameterError
from casatools._base.paths import require_absent, require_present, require_writable_parent
from casatools.io.ms import MeasurementSet
from casatools.io.table_access import concatenate

__all__ = ["make_multi_ms"]


def make_multi_ms(
    output: str,
    parts: Sequence[str],
    joined_subtables: Sequence[str] = (),
    copy_subtables: bool = False,
    omit: Sequence[str] = (),
) -> None:
    """Move MeasurementSets into a new multi-MS.

    Parameters
    ----------
    output : str
    parts : sequence of str
        MeasurementSets of the same columns; they are moved into ``output/SUBMSS``.
    joined_subtables : sequence of str
        Sub-tables to be joined as well; of others the first part's serve.
    copy_subtables : bool
        Copy the first part's sub-tables over those of the others.
    omit : sequence of str
        Sub-tables that are not copied.

    Raises
    ------
    ParameterError, PathMissingError, OutputExistsError, DataError
        There are no parts, one is missing, or not a MeasurementSet, their columns differ, or the output exists; nothing has been moved then.
    """
    if not parts:
        raise ParameterError("a multi-MS needs at least one MeasurementSet")
    require_absent(output)
    require_writable_parent(output)
    columns: set[str] = set()
    names: list[str] = []
    for part in parts:
        path = require_present(part, "MeasurementSet").rstrip("/")
        with MeasurementSet(path) as ms:
            found = set(ms.column_names)
            if names and found != columns:
                raise DataError(
                    f"{path!r} has other columns than {names[0]!r}: {', '.join(sorted(found ^ columns))}; they cannot be joined"
                )
            columns = found
            unknown = [s for s in joined_subtables if not os.path.isdir(os.path.join(path, s))]
            if unknown:
                raise ParameterError(f"{path!r} has no sub-table {unknown[0]!r} to be joined")
        names.append(path)
    target = os.path.abspath(output)
    try:
        concatenate(target, names, "SUBMSS", joined_subtables, "CONCATENATED")
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise
    if copy_subtables:
        _copy_subtables([os.path.join(target, "SUBMSS", os.path.basename(n)) for n in names], omit)


def _copy_subtables(parts: list[str], omit: Sequence[str]) -> None:
    first = parts[0]
    folders = [n for n in sorted(os.listdir(first)) if os.path.isfile(os.path.join(first, n, "table.dat")) and n not in omit]
    for other in parts[1:]:
        for name in folders:
            shutil.rmtree(os.path.join(other, name), ignore_errors=True)
            shutil.copytree(os.path.join(first, name), os.path.join(other, name))
