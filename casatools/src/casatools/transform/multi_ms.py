"""Multi-MSs: MeasurementSets cut into parts, or moved together, below one table that joins them; see `casatools.io.ms.multi_ms`.

Notes
-----
Scans, spectral windows and baselines are shared out in their order, in runs that end at the rounded fractions of their number; ``auto`` gives each pair of
scan and data description to the part that has least so far, the largest first. Parts of a multi-MS transformed are transformed one by one, over all
ranks of an MPI job; they point to one set of sub-tables, so identifiers are those of the whole selection.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from casatools._base import log
from casatools._base.errors import DataError, ParameterError, SelectionError
from casatools._base.executor import executor
from casatools._base.paths import require_absent, require_present, require_writable_parent, staged_output
from casatools._base.row_arrays import RowFiller, row_blocks
from casatools.io.ms import MeasurementSet, Selection
from casatools.io.ms.flag_versions import next_version_name, save_version
from casatools.io.ms.multi_ms import axis_of, join_parts
from casatools.io.ms.parts import part_paths
from casatools.io.table_access import concatenate

__all__ = ["AXES", "cut_rows", "kept_parts", "make_multi_ms", "parse_part_count", "save_flags", "transform_parts", "write_parts"]

AXES = ("auto", "scan", "spw", "baseline")
# Parts where their number is left open, as the reference makes without MPI.
_USUAL_PARTS = 8
# Writes the given rows of the selection of a MeasurementSet to a new one; a picklable function.
PartWriter = Callable[[str | None, np.ndarray], float]


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


def parse_part_count(value: Any) -> int:
    """The parameter ``numsubms``: a number, or "auto" for one part a worker of an MPI job, 8 without MPI."""
    text = str(value).strip().lower()
    if text in ("auto", ""):
        workers = executor().workers
        return workers if workers > 1 else _USUAL_PARTS
    try:
        count = int(text)
    except ValueError:
        count = 0
    if count < 1:
        raise ParameterError(f"parameter 'numsubms' must be a number of at least 1 or 'auto'; got {value!r}")
    return count


def cut_rows(vis: str, selection: Selection, axis: str, count: int) -> list[np.ndarray]:
    """Share the selected rows out to parts.

    Parameters
    ----------
    vis : str
    selection : Selection
    axis : str
        ``auto``, ``scan``, ``spw`` or ``baseline``.
    count : int
        At most so many parts; fewer where there are fewer scans, spectral windows or baselines.

    Returns
    -------
    list of ndarray of int64
        Rows of each part, ascending; none is empty.

    Raises
    ------
    ParameterError, SelectionError
        The axis is unknown, or nothing is selected.
    """
    if axis not in AXES:
        raise ParameterError(f"parameter 'separationaxis' must be one of {', '.join(AXES)}; got {axis!r}")
    with MeasurementSet(vis) as ms:
        rows = np.asarray(selection.resolve(ms).rows, dtype=np.int64)
        distinct, number = _keys(ms, rows, axis)
        owner = _balanced(ms, distinct, number, count) if axis == "auto" else _in_runs(len(distinct), count)
        shares = [RowFiller(int(number[owner == k].sum())) for k in range(int(owner.max()) + 1)]
        for block in row_blocks(len(rows)):
            own = owner[np.searchsorted(distinct, _keys_of_rows(ms, rows[block], axis))]
            for k in np.flatnonzero(np.bincount(own)).tolist():
                shares[k].add(rows[block][own == k])
    return [share.filled for share in shares if share.count]


def _keys_of_rows(ms: MeasurementSet, rows: np.ndarray, axis: str) -> np.ndarray:
    """What rows of one part have in common, as a number."""
    if axis == "scan":
        return np.asarray(ms.read("SCAN_NUMBER", rows)).astype(np.int64)
    if axis == "spw":
        windows = np.array([d.spw for d in ms.metadata.data_descriptions])
        return windows[np.asarray(ms.read("DATA_DESC_ID", rows))]
    names = ("SCAN_NUMBER", "DATA_DESC_ID") if axis == "auto" else ("ANTENNA1", "ANTENNA2")
    first, second = (np.asarray(ms.read(c, rows)).astype(np.int64) for c in names)
    return first << 32 | second


def _keys(ms: MeasurementSet, rows: np.ndarray, axis: str) -> tuple[np.ndarray, np.ndarray]:
    """Distinct keys of the rows, ascending, and how many rows have each."""
    distinct, number = np.zeros(0, np.int64), np.zeros(0, np.int64)
    for block in row_blocks(len(rows)):
        found, count = np.unique(_keys_of_rows(ms, rows[block], axis), return_counts=True)
        distinct, place = np.unique(np.concatenate([distinct, found]), return_inverse=True)
        number = np.bincount(np.ravel(place), weights=np.concatenate([number, count]), minlength=len(distinct)).astype(np.int64)
    return distinct, number


def _in_runs(total: int, count: int) -> np.ndarray:
    """The part of each key: they come in runs of nearly equal number."""
    count = min(count, total)
    ends = np.rint(np.arange(1, count + 1) * total / count)
    return np.searchsorted(ends, np.arange(total), side="right")


def _balanced(ms: MeasurementSet, distinct: np.ndarray, number: np.ndarray, count: int) -> np.ndarray:
    """The part of each pair of scan and data description, such that the parts hold about as many channels' worth of rows."""
    nchan = np.array([ms.metadata.spectral_windows[d.spw].nchan for d in ms.metadata.data_descriptions])
    cost = number * nchan[distinct & 0xFFFFFFFF]
    load = np.zeros(min(count, len(distinct)))
    owner = np.empty(len(distinct), dtype=np.int64)
    for k in np.argsort(-cost, kind="stable"):
        owner[k] = np.argmin(load)
        load[owner[k]] += cost[k]
    return owner


def kept_parts(vis: str, selection: Selection) -> tuple[list[np.ndarray], str]:
    """The selected rows of each part of a multi-MS, parts without any left out, and the axis it was cut along."""
    sizes = []
    for part in part_paths(vis):
        with MeasurementSet(part) as ms:
            sizes.append(ms.nrow)
    with MeasurementSet(vis) as ms:
        rows = np.asarray(selection.resolve(ms).rows, dtype=np.int64)
    borders = np.cumsum([0, *sizes])
    shares = np.split(rows, np.searchsorted(rows, borders[1:-1]))
    return [s for s in shares if len(s)], axis_of(vis)


def write_parts(output: str, shares: Sequence[np.ndarray], axis: str, write: PartWriter, parallel: bool = True) -> int:
    """Write a multi-MS, one part for each share of rows; it appears only when complete.

    Parameters
    ----------
    output : str
    shares : sequence of ndarray
        Rows of each part.
    axis : str
        What they were cut along; ``auto`` is noted as ``scan,spw``.
    write : callable
        Gets a path and rows, writes a plain MeasurementSet with the sub-tables of the whole selection, and gives the rows written; without a path
        it gives the bytes that they take. It is sent to the ranks of an MPI job.
    parallel : bool
        False writes the parts here, one after the other.

    Returns
    -------
    int
        Rows written.

    Raises
    ------
    SelectionError, OutputExistsError, DataError
        Nothing was kept, the output exists, or the disk has no room for all parts together.
    """
    require_absent(output)
    require_writable_parent(output)
    name = os.path.basename(output.rstrip("/"))

    def each(paths: Sequence[str | None]) -> list[float]:
        work = [(write, p, s) for p, s in zip(paths, shares, strict=True)]
        return executor().map(_write_part, work) if parallel else [_write_part(w) for w in work]

    with log.once():
        needed = sum(each([None] * len(shares)))
    with staged_output(output, nbytes=needed) as staged:
        folder = staged + ".parts"
        os.mkdir(folder)
        paths = [os.path.join(folder, f"{name}.{k:04d}.ms") for k in range(len(shares))]
        written = int(sum(each(paths)))
        made = [p for p in paths if os.path.isdir(p)]
        if not made:
            raise SelectionError(f"every row selected for {output!r} is flagged, and flagged rows are not kept")
        join_parts(staged, made, "scan,spw" if axis == "auto" else axis)
    log.post(f"Wrote a multi-MS of {len(made)} parts to {output}")
    return written


def _write_part(item: tuple[PartWriter, str | None, np.ndarray]) -> float:
    write, path, rows = item
    try:
        return write(path, rows)
    except SelectionError:  # every row of this part is flagged
        return 0


def save_flags(output: str, task: str) -> None:
    """Save the flags of a new multi-MS, as its makers do."""
    save_version(output, next_version_name(output, task), f"Flags autosave on {time.strftime('%Y-%m-%d %H:%M:%S')}")


def transform_parts(vis: str, outputvis: str, selection: Selection, write: PartWriter) -> int:
    """Transform a multi-MS part by part into another; see `write_parts`."""
    shares, axis = kept_parts(vis, selection)
    return write_parts(outputvis, shares, axis, write)
