"""Making a MeasurementSet after the pattern of another: the main table in new shapes, sub-tables copied, cut and renumbered."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from casacore import tables as _tables

from casatools._base.paths import folder_bytes
from casatools.io.ms.cell_runs import CellRuns
from casatools.io.ms.create import closing, data_managers, incremental_columns, new_ms, visibility_column
from casatools.io.ms.incremental import IncrementalColumns
from casatools.io.ms.measurement_set import CHANNEL_COLUMNS, CORRELATION_COLUMNS, MeasurementSet
from casatools.io.ms.part_files import copy_folder
from casatools.io.ms.row_files import CarriedFiles, RowFile, RowWriter
from casatools.io.ms.spare_space import ROW_BYTES, SpareSpace, told_by_casacore
from casatools.io.tables import Table, is_table, open_table, subtable_path

__all__ = ["MsWriter", "SubtableEdit", "read_subtable", "writer_bytes"]

# Main table columns of the definition that are carried over where the source has them.
_SCALARS = (
    "ANTENNA1", "ANTENNA2", "ARRAY_ID", "DATA_DESC_ID", "EXPOSURE", "FEED1", "FEED2", "FIELD_ID", "FLAG_ROW", "INTERVAL",
    "OBSERVATION_ID", "PROCESSOR_ID", "SCAN_NUMBER", "STATE_ID", "TIME", "TIME_CENTROID",
)  # fmt: skip
_ORDER = ("UVW", "FLAG", "FLAG_CATEGORY", "WEIGHT", "SIGMA", *_SCALARS)

# What everything but the columns takes.
_LEAST_BYTES = 1e6
# Rows of each pass that are put together where the cells of the passes differ in shape.
_APART_ROWS = 256


def writer_bytes(source: MeasurementSet, nrow: int) -> float:
    """What a `MsWriter` takes on disk beside its visibility columns: the other columns, as much kept free for casacore, and the sub-tables of the source."""
    return 2 * (nrow * ROW_BYTES + _LEAST_BYTES) + sum(
        folder_bytes(origin) for _, origin in linked_subtables(source.table, source.path)
    )


@dataclass(frozen=True)
class SubtableEdit:
    """What becomes of a sub-table: the rows kept (all when None) and the columns replaced, given for the rows kept."""

    rows: np.ndarray | None = None
    columns: Mapping[str, Sequence[Any] | np.ndarray] = field(default_factory=dict)

    def after(self, other: SubtableEdit | None) -> SubtableEdit:
        """This edit of columns of a whole sub-table made together with another one, which may cut the rows."""
        if other is None:
            return self
        kept = {c: v if other.rows is None else [v[r] for r in other.rows] for c, v in self.columns.items()}
        return SubtableEdit(other.rows, {**other.columns, **kept})


class MsWriter:
    """Writes a new MeasurementSet row block by row block.

    Parameters
    ----------
    source : MeasurementSet
        The pattern: column keywords, sub-tables.
    path : str
        Where to write, a staged name.
    columns : sequence of str
        Visibility columns of the output, such as DATA, WEIGHT_SPECTRUM.
    ncorr, nchan : int
        The largest cell, for the tiles.
    nrow : int
        Rows to make room for.
    edits : mapping
        Sub-table name to `SubtableEdit`; the others are copied whole.
    tile : sequence of int, optional
        Correlations, channels and rows of the tiles; chosen when absent.
    subtables_last : bool
        Copy the sub-tables at the end rather than at once, beside what other threads write then.

    Notes
    -----
    A context manager. `append` fills rows in order.
    """

    def __init__(
        self,
        source: MeasurementSet,
        path: str,
        columns: Sequence[str],
        ncorr: int,
        nchan: int,
        nrow: int,
        edits: Mapping[str, SubtableEdit] | None = None,
        tile: Sequence[int] | None = None,
        subtables_last: bool = False,
    ) -> None:
        self.path = path
        self._at = 0
        self._source, self._edits = source, edits or {}
        self._subtables_last = subtables_last
        self._spare = SpareSpace(path, nrow * ROW_BYTES + _LEAST_BYTES if nrow else 0)
        self._files: RowWriter | None = None
        old = source.table.getdesc()
        required = _tables.required_ms_desc()
        description: dict[str, Any] = {"_define_hypercolumn_": {}, "_keywords_": {}, "_private_keywords_": {}}
        for name in _ORDER:
            description[name] = _column(name, old, required)
        for name in columns:
            description[name] = {**visibility_column(name), "keywords": dict(old[name]["keywords"]) if name in old else {}}
        names = [c for c in description if not c.startswith("_")]
        description["_keywords_"] = {"MS_VERSION": source.table.getkeywords().get("MS_VERSION", 2.0)}
        varying = _varying(source, names)
        self.table: Table = new_ms(
            path, description, data_managers(names, ncorr, nchan, varying, tile), source.table.info()["subType"]
        )
        self._nrow = nrow
        self._incremental = IncrementalColumns(incremental_columns(names, varying))
        self._passes: list[Mapping[str, np.ndarray]] = []
        try:
            self._copy_keywords()
            if not subtables_last:
                self._copy_subtables()
        except BaseException:
            # casacore ends the process when the folder of an open table is removed.
            self._spare.give_up()
            self.table.close()
            raise

    def __enter__(self) -> MsWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *details: object) -> None:
        try:
            if self._subtables_last and kind is None:
                self._copy_subtables()
        except BaseException as error:
            kind = type(error)
            raise
        finally:
            try:
                if self._files is not None:
                    self._files.finish(stop=kind is not None)
            finally:
                self._spare.give_up()
                self.table.close()

    def lay_out(self, cells: Sequence[tuple[int, int]], which: CellRuns, begun: CarriedFiles | None = None) -> None:
        """Tell the shapes of all rows before any is appended, so that tiled columns are written straight into their files.

        Parameters
        ----------
        cells : sequence of (ncorr, nchan)
            None larger than the tiles along any axis.
        which : CellRuns
            Which of the cells each row has; as many rows as there is room for.
        begun : CarriedFiles, optional
            Columns that are being taken over whole already.
        """
        names = [c for c in self.table.colnames() if c in CHANNEL_COLUMNS or c in CORRELATION_COLUMNS]
        wide = [(nchan, ncorr) for ncorr, nchan in cells]
        narrow = [(ncorr,) for ncorr, _ in cells]
        with told_by_casacore("the output MeasurementSet cannot be laid out"):
            self.table.close()
            self._files = RowWriter(self.path, {c: wide if c in CHANNEL_COLUMNS else narrow for c in names}, which, begun)
            self.table = open_table(self.path, writable=True)
        self._incremental.begun = self.table.nrows()
        self._make_room(0)

    def carry(self, column: str, source: RowFile, rows: np.ndarray) -> bool:
        """Take a whole column over from where its cells lie, beside what is appended; False where it was not laid out so."""
        if self._files is None or column not in self._files:
            return False
        self._files.carry(column, source, rows)
        return True

    @property
    def is_laid_out(self) -> bool:
        """The files of tiled columns have their whole length."""
        return self._files is not None

    @property
    def rows_written(self) -> int:
        """Rows filled so far."""
        return self._at

    def append(self, columns: Mapping[str, np.ndarray], every: int = 1, offset: int = 0) -> None:
        """Fill the next rows; cells are C order ``(row, chan, corr)``.

        With `every` above 1 the rows come `every` apart, `offset` after the first, and the pass with the last offset completes them: all are written then.
        """
        count = len(columns["TIME"])
        if count == 0:
            return
        self._passes.append(columns)
        if offset < every - 1:
            return
        passes, self._passes = self._passes, []
        self._make_room(self._at + count * every)
        with told_by_casacore("the output MeasurementSet cannot be written"):
            for name in columns:
                self._put_passes(name, [given[name] for given in passes])
        self._at += count * every

    def _put_passes(self, name: str, passes: Sequence[np.ndarray]) -> None:
        """Write the next rows of a column, of which each pass holds every so many."""
        every, count = len(passes), len(passes[0])
        if len({values.shape for values in passes}) == 1:
            joined = passes[0] if every == 1 else np.stack(passes, axis=1).reshape(-1, *passes[0].shape[1:])
            if self._files is not None and name in self._files:
                self._files.write(name, self._at, joined)
            else:
                self._put(name, np.ascontiguousarray(joined))
            return
        # Cells of several shapes go in apart; casacore moves what it knows of all rows behind each that is put between others.
        for start in range(0, count, _APART_ROWS):
            for offset, values in enumerate(passes):
                part = np.ascontiguousarray(values[start : start + _APART_ROWS])
                self.table.putcol(name, part, self._at + start * every + offset, len(part), every)

    def _make_room(self, count: int) -> None:
        """Have as many rows, and as many as were told at first."""
        missing = max(count, self._nrow) - self.table.nrows()
        if missing > 0:
            self.table.addrows(missing)

    def _put(self, name: str, values: np.ndarray) -> None:
        """Write cells through casacore; where values of an incremental column repeat, only those that change."""
        if not self._incremental.put(self.table, name, values, self._at):
            self.table.putcol(name, values, self._at, len(values))

    def _copy_keywords(self) -> None:
        for name, value in self._source.table.getkeywords().items():
            if not _is_link(value) and name not in ("MS_VERSION", "SORT_COLUMNS", "SORT_ORDER", "SORTED_TABLE"):
                self.table.putkeyword(name, value)

    def _copy_subtables(self) -> None:
        for name, origin in linked_subtables(self._source.table, self._source.path):
            copy_subtable(origin, f"{self.path}/{name}", self._edits.get(name, SubtableEdit()))
            # As casacore's own link of an open table, without opening it.
            self.table.putkeyword(name, f"Table: {os.path.abspath(self.path)}/{name}")


def linked_subtables(table: Table, path: str) -> Iterator[tuple[str, str]]:
    """Names and folders of the sub-tables of a main table; not of those that were not shipped with the data."""
    for name, value in table.getkeywords().items():
        origin = subtable_path(path, name)
        if _is_link(value) and is_table(origin):
            yield name, origin


def _is_link(keyword: Any) -> bool:
    return isinstance(keyword, str) and keyword.startswith("Table: ")


def _column(name: str, old: Mapping[str, Any], required: Mapping[str, Any]) -> dict[str, Any]:
    """The definition's description of a column with the source's keywords (units, frames)."""
    column = dict(required[name])
    if name in old:
        column["keywords"] = dict(old[name]["keywords"])
        if len(column["keywords"].get("CATEGORY", "x")) == 0:
            # An empty list loses its type on the way through Python; the definition's names are as good.
            column["keywords"]["CATEGORY"] = ["FLAG_CMD", "ORIGINAL", "USER"]
    return column


def _varying(source: MeasurementSet, names: Sequence[str]) -> tuple[str, ...]:
    """Columns that the source itself does not store incrementally because they change from row to row."""
    if source.nrow == 0:
        return ()
    probe = np.arange(min(source.nrow, 4096), dtype=np.int64)
    candidates = [
        n
        for n in _SCALARS
        if n in names and n in source.column_names and n not in ("ANTENNA1", "ANTENNA2", "DATA_DESC_ID", "FLAG_ROW")
    ]
    out = []
    for name in candidates:
        values = source.read(name, probe)
        if np.count_nonzero(values[1:] != values[:-1]) > max(100, len(probe) // 8):
            out.append(name)
    return tuple(out)


def copy_subtable(origin: str, target: str, edit: SubtableEdit) -> None:
    """Copy a sub-table, keeping some rows, with some columns replaced."""
    with closing(open_table(origin)) as table:
        if edit.rows is None or (len(edit.rows) == table.nrows() and np.array_equal(edit.rows, np.arange(table.nrows()))):
            copy_whole(table, target)
        elif len(edit.rows) == 0:
            table.copy(target, deep=True, copynorows=True).close()
        else:
            # A selection that repeats rows (one window cut into several) is copied piece by piece.
            part = table.selectrows(np.asarray(edit.rows, dtype=np.int64))
            with closing(part):
                part.copy(target, deep=True).close()
        present = table.colnames()
        kept = (
            set(table.getcol("EPHEMERIS_ID")[edit.rows].tolist()) if edit.rows is not None and "EPHEMERIS_ID" in present else None
        )
    for extra in os.listdir(origin):  # ephemerides live inside FIELD as tables of their own
        inside = os.path.join(origin, extra)
        if not is_table(inside) or os.path.exists(os.path.join(target, extra)):
            continue
        number = re.match(r"EPHEM(\d+)_", extra)
        if kept is None or number is None or int(number[1]) in kept:
            copy_folder(inside, os.path.join(target, extra))
    if any(c in present for c in edit.columns):
        with closing(open_table(target, writable=True)) as table:
            for name, values in edit.columns.items():
                if name in present:
                    _replace(table, name, values)


def copy_whole(table: Table, target: str) -> None:
    """Copy a table with all that lies in its folder; a plain one file by file, which casacore does by two shells a table."""
    origin = str(table.name())
    if [os.path.realpath(name) for name in table.partnames()] != [os.path.realpath(origin)]:
        table.copy(target, deep=True).close()
        return
    table.flush()  # what this process has written to it by another name
    copy_folder(origin, target)


def _replace(table: Table, name: str, values: Sequence[Any] | np.ndarray) -> None:
    if table.isscalarcol(name):
        table.putcol(name, values)
        return
    fixed = table.getcoldesc(name).get("shape")
    if fixed is not None and any(value is not None and np.shape(value) != tuple(fixed) for value in values):
        _free_shape(table, name)
    for row, value in enumerate(values):
        if value is not None:
            table.putcell(name, row, value)


def _free_shape(table: Table, name: str) -> None:
    """Let the cells of a column differ in shape; some writers fix the number of channels in the column's description."""
    description = {k: v for k, v in table.getcoldesc(name).items() if k != "shape"}
    description.update(option=0, dataManagerType="StandardStMan", dataManagerGroup=f"Free{name}")
    cells = [table.getcell(name, row) if table.iscelldefined(name, row) else None for row in range(table.nrows())]
    table.removecols(name)
    table.addcols(_tables.maketabdesc([{"name": name, "desc": description}]))
    for row, value in enumerate(cells):
        if value is not None:
            table.putcell(name, row, value)


def read_subtable(ms: MeasurementSet, name: str, *columns: str) -> dict[str, list[Any]]:
    """Cells of some columns of a sub-table, row by row; columns it does not have are left out, undefined cells are None."""
    if not is_table(subtable_path(ms.path, name)):
        return {}
    with closing(ms.subtable(name)) as table:
        present = table.colnames()
        return {c: _cells(table, c) for c in columns if c in present}


def _cells(table: Table, column: str) -> list[Any]:
    rows = table.nrows()
    if rows and table.isscalarcol(column):  # all at once: POINTING may have millions of rows
        return list(np.asarray(table.getcol(column)).tolist())
    return [table.getcell(column, r) if table.iscelldefined(column, r) else None for r in range(rows)]
