"""Saved flags beside a MeasurementSet: ``name.ms.flagversions`` with one table a version and the file FLAG_VERSION_LIST.

References
----------
On-disk layout observed from data written by CASA 6.7: folder ``<ms>.flagversions``, a table ``flags.<version>`` with the columns FLAG
(tiled) and FLAG_ROW, and a text file with lines ``<version> : <comment>``.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Iterator

import numpy as np
from casacore import tables as _tables

from casatools._base.errors import DataError, OutputExistsError, ParameterError, PathMissingError
from casatools._base.paths import remove_output, require_present, require_space, require_writable_parent, staged_output
from casatools.io.ms.exclusive import exclusive_access
from casatools.io.ms.flag_journal import forget
from casatools.io.ms.measurement_set import MeasurementSet
from casatools.io.tables import column_cells, open_table, put_cells, require_table

__all__ = [
    "delete_version",
    "list_versions",
    "next_version_name",
    "rename_version",
    "restore_version",
    "save_version",
]

MERGES = ("replace", "and", "or")
_BLOCK_BYTES = 16 * 1024 * 1024


def _folder(path: str) -> str:
    return path.rstrip("/") + ".flagversions"


def _table_path(path: str, name: str) -> str:
    return os.path.join(_folder(path), f"flags.{name}")


def list_versions(path: str) -> list[tuple[str, str]]:
    """Versions as (name, comment), in the order they were saved; the errors are those of `require_table`."""
    require_table(path, what="MeasurementSet")
    file = os.path.join(_folder(path), "FLAG_VERSION_LIST")
    if not os.path.isfile(file):
        return []
    found = []
    with open(file, encoding="utf-8") as stream:
        for line in stream:
            name, separator, comment = line.rstrip("\n").partition(" : ")
            if separator:
                found.append((name, comment))
    return found


@contextlib.contextmanager
def _locked(path: str) -> Iterator[None]:
    """Hold the folder's lock, so that two processes do not lose one another's entries."""
    folder = _folder(path)
    require_writable_parent(folder)
    try:
        os.makedirs(folder, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise DataError(f"the flag versions folder {folder!r} cannot be made: {error}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _write_list(path: str, versions: list[tuple[str, str]]) -> None:
    file = os.path.join(_folder(path), "FLAG_VERSION_LIST")
    with staged_output(file, overwrite=True) as temporary, open(temporary, "w", encoding="utf-8") as stream:
        stream.writelines(f"{name} : {comment}\n" for name, comment in versions)


def next_version_name(path: str, prefix: str) -> str:
    """The first free name ``<prefix>_1``, ``<prefix>_2``, ..."""
    taken = {name for name, _ in list_versions(path)}
    number = 1
    while f"{prefix}_{number}" in taken:
        number += 1
    return f"{prefix}_{number}"


def _check_name(name: str) -> None:
    if not name or name == "main" or "/" in name or ":" in name or name.strip() != name:
        raise ParameterError(f"flag version: the name must be a file name other than 'main' without '/' and ':'; got {name!r}")


def _require(path: str, name: str) -> None:
    names = [n for n, _ in list_versions(path)]
    if name not in names:
        raise PathMissingError(f"there is no flag version {name!r} of {path!r}; it has {', '.join(names) or 'none'}")


def _open(path: str, writable: bool = False) -> MeasurementSet:
    """A MeasurementSet, or a calibration table that is read like one."""
    from casatools.io.caltable import is_caltable
    from casatools.io.ms.solution_rows import SolutionRows

    return SolutionRows(path, writable) if is_caltable(path) else MeasurementSet(path, writable)


def _blocks(ms: MeasurementSet) -> Iterator[np.ndarray]:
    """Runs of rows that share one cell shape, bounded in bytes."""
    shapes = np.array([d.spw * 65536 + d.pol for d in ms.metadata.data_descriptions])[ms.read("DATA_DESC_ID")]
    for key in np.unique(shapes):
        rows = np.flatnonzero(shapes == key)
        cell = ms.cell_shape(int(rows[0]))
        step = max(1, _BLOCK_BYTES // max(1, cell[0] * cell[1]))
        for at in range(0, len(rows), step):
            yield rows[at : at + step]


def _require_same_shapes(source: _tables.table, ms: MeasurementSet, name: str) -> None:
    """Raise DataError unless every cell of the version has the shape that the MeasurementSet has in its row."""
    if source.nrows() != ms.nrow:
        raise DataError(f"the flag version {name!r} has {source.nrows()} rows, the MeasurementSet {ms.path!r} has {ms.nrow}")
    for rows in _blocks(ms):
        wanted = ms.cell_shape(int(rows[0]))
        # Shapes do not change within a block of one description; the ends tell versions of other data apart.
        for row in (int(rows[0]), int(rows[-1])):
            found = tuple(source.getcell("FLAG", row).shape)
            if found != tuple(wanted):
                raise DataError(
                    f"the flag version {name!r} has the shape {found} in row {row}, the MeasurementSet {ms.path!r} has {wanted}"
                )


def _copy_flags(source: _tables.table, target: _tables.table, ms: MeasurementSet, merge: str) -> None:
    for rows in _blocks(ms):
        flags = column_cells(source, "FLAG", rows)
        if merge != "replace":
            current = column_cells(target, "FLAG", rows)
            flags = (flags & current) if merge == "and" else (flags | current)
        put_cells(target, "FLAG", flags, rows)
    rows = np.arange(ms.nrow)
    # Calibration tables have no flag of whole rows.
    if ms.nrow and "FLAG_ROW" in source.colnames() and "FLAG_ROW" in target.colnames():
        flag_row = column_cells(source, "FLAG_ROW", rows)
        if merge != "replace":
            current = column_cells(target, "FLAG_ROW", rows)
            flag_row = (flag_row & current) if merge == "and" else (flag_row | current)
        put_cells(target, "FLAG_ROW", flag_row, rows)


def _new_table(path: str, ms: MeasurementSet) -> _tables.table:
    description = _tables.maketabdesc([
        _tables.makearrcoldesc("FLAG", False, ndim=2, datamanagertype="TiledShapeStMan", datamanagergroup="TiledFlag"),
        _tables.makescacoldesc("FLAG_ROW", False),
    ])  # fmt: skip
    cell = ms.cell_shape(0) if ms.nrow else (1, 1)
    tile = [cell[1], cell[0], max(1, 8 * 131072 // max(1, cell[0] * cell[1]))]
    managers = {
        "*1": {
            "TYPE": "TiledShapeStMan", "NAME": "TiledFlag", "SEQNR": 0, "COLUMNS": ["FLAG"],
            "SPEC": {"DEFAULTTILESHAPE": np.array(tile, dtype=np.int32)},
        },
        "*2": {"TYPE": "StandardStMan", "NAME": "StandardStMan", "SEQNR": 1, "COLUMNS": ["FLAG_ROW"], "SPEC": {}},
    }  # fmt: skip
    return _tables.table(path, description, nrow=ms.nrow, readonly=False, ack=False, dminfo=managers)


def save_version(path: str, name: str, comment: str = "", merge: str = "replace", overwrite: bool = True) -> None:
    """Save the flags of a MeasurementSet as a version.

    Parameters
    ----------
    path, name, comment : str
    merge : {"replace", "and", "or"}
        How to combine with a version that exists.
    overwrite : bool
        Replace a version of this name.

    Raises
    ------
    ParameterError, OutputExistsError, DataError
    """
    _check_name(name)
    _check_merge(merge)
    with _open(path) as ms, _locked(ms.path):
        versions = list_versions(ms.path)
        known = any(n == name for n, _ in versions)
        if known and not overwrite:
            raise OutputExistsError(f"the flag version {name!r} of {path!r} exists already")
        existing = _table_path(ms.path, name)
        require_space(existing, ms.nrow * float(np.prod(ms.cell_shape(0) if ms.nrow else (1, 1))) / 8 + 1e6)
        with staged_output(existing, overwrite=True) as temporary:
            if merge != "replace" and known:
                shutil.copytree(existing, temporary)
                with contextlib.closing(open_table(temporary, writable=True)) as target:
                    _require_same_shapes(target, ms, name)
                    _copy_flags(ms.table, target, ms, merge)
            else:
                with contextlib.closing(_new_table(temporary, ms)) as target:
                    _copy_flags(ms.table, target, ms, "replace")
        comment = " ".join(comment.splitlines())
        if known:
            versions = [(n, comment if n == name else c) for n, c in versions]
        else:
            versions.append((name, comment))
        _write_list(ms.path, versions)


def _check_merge(merge: str) -> None:
    if merge not in MERGES:
        raise ParameterError(f"flag version: merge must be one of {', '.join(MERGES)}; got {merge!r}")


def restore_version(path: str, name: str, merge: str = "replace") -> None:
    """Put the flags of a version back into the MeasurementSet.

    Raises
    ------
    PathMissingError, ParameterError, DataError
        There is no such version; it has another number of rows.
    """
    _check_merge(merge)
    with exclusive_access(require_present(path, "MeasurementSet")), _open(path, writable=True) as ms:
        _require(ms.path, name)
        with contextlib.closing(open_table(_table_path(ms.path, name), what="flag version")) as source:
            _require_same_shapes(source, ms, name)
            forget(ms)
            _copy_flags(source, ms.table, ms, merge)


def delete_version(path: str, name: str) -> None:
    """Remove a version.

    Raises
    ------
    PathMissingError
    """
    path = path.rstrip("/")
    _require(path, name)
    with _locked(path):
        _write_list(path, [(n, c) for n, c in list_versions(path) if n != name])
        remove_output(_table_path(path, name))


def rename_version(path: str, old: str, new: str, comment: str = "") -> None:
    """Give a version another name and comment.

    Raises
    ------
    PathMissingError, OutputExistsError, ParameterError
    """
    path = path.rstrip("/")
    _check_name(new)
    _require(path, old)
    with _locked(path):
        versions = list_versions(path)
        if any(n == new for n, _ in versions):
            raise OutputExistsError(f"the flag version {new!r} of {path!r} exists already")
        os.rename(_table_path(path, old), _table_path(path, new))
        _write_list(path, [(new, " ".join(comment.splitlines())) if n == old else (n, c) for n, c in versions])


def set_aside(path: str, name: str) -> str:
    """Rename a version out of the way, to ``<name>.old.<seconds>`` with its comment; give back the new name, "" where there is no such version.

    Raises
    ------
    ParameterError
    """
    path = path.rstrip("/")
    _check_name(name)
    held = dict(list_versions(path))
    if name not in held:
        return ""
    now = int(time.time())
    while (new := f"{name}.old.{now}") in held:
        now += 1
    rename_version(path, name, new, held[name])
    return new
