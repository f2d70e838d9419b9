"""A MeasurementSet on disk: opening, columns, bulk reads and writes of visibility cells."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
from casacore import tables as _tables

from casatools._base.errors import DataError, NotOpenError
from casatools._base.paths import require_space
from casatools.io.ms.parts import is_multi_ms, part_paths
from casatools.io.tables import Table, column_cells, open_table, put_cells, subtable_path

if TYPE_CHECKING:
    from casatools.io.ms.metadata import MsMetadata

__all__ = ["CHANNEL_COLUMNS", "CORRELATION_COLUMNS", "MeasurementSet"]

# Columns whose cells are (chan, corr), and those whose cells are (corr,).
CHANNEL_COLUMNS = frozenset(
    {
        "DATA",
        "CORRECTED_DATA",
        "MODEL_DATA",
        "FLOAT_DATA",
        "LAG_DATA",
        "FLAG",
        "WEIGHT_SPECTRUM",
        "SIGMA_SPECTRUM",
        "IMAGING_WEIGHT",
    }
)
CORRELATION_COLUMNS = frozenset({"WEIGHT", "SIGMA"})
_REQUIRED = ("ANTENNA1", "ANTENNA2", "DATA_DESC_ID", "FIELD_ID", "TIME", "UVW", "FLAG")
_SUBTABLES = ("ANTENNA", "DATA_DESCRIPTION", "FIELD", "POLARIZATION", "SPECTRAL_WINDOW")


def _axis_slice(wanted: np.ndarray | None, length: int) -> tuple[int, int, int, np.ndarray | None]:
    """Inclusive corner and stride that cover `wanted`, and the take-index left over (None when the slice is exact)."""
    if wanted is None:
        return 0, length - 1, 1, None
    wanted = np.asarray(wanted, dtype=np.int64)
    if len(wanted) == 1:
        return int(wanted[0]), int(wanted[0]), 1, None
    steps = np.diff(wanted)
    if steps[0] > 0 and np.all(steps == steps[0]):
        return int(wanted[0]), int(wanted[-1]), int(steps[0]), None
    low, high = int(wanted.min()), int(wanted.max())
    return low, high, 1, wanted - low


# Waits before another look at a table whose headers its writer is just writing again: they are short for a moment, and readers do not lock.
_LOOKS_S = (0.02, 0.1, 0.5, 2.0)


def _reopen(path: str) -> MeasurementSet:
    for wait_s in _LOOKS_S:
        try:
            ms = MeasurementSet(path)
            break
        except DataError:
            time.sleep(wait_s)
    else:
        ms = MeasurementSet(path)
    ms.is_copy = True
    return ms


class MeasurementSet:
    """An open MeasurementSet (version 2).

    Parameters
    ----------
    path : str
    writable : bool

    Raises
    ------
    PathMissingError, DataError
        Nothing is there, it is not a MeasurementSet, or it may not be written.

    Notes
    -----
    Arrays are C order ``(row, chan, corr)``, row numbers those of the main table. A context manager; `close` may be called twice.
    """

    def __init__(self, path: str, writable: bool = False) -> None:
        self.path = path.rstrip("/") or path
        self.writable = writable
        self.is_copy = False
        self._table: Table | None = open_table(self.path, writable, "MeasurementSet")
        missing = [c for c in _REQUIRED if c not in self._table.colnames()]
        missing += [s for s in _SUBTABLES if s not in self._table.keywordnames()]
        if missing:
            self.close()
            raise DataError(f"{path!r} is a table but not a MeasurementSet: it has no {', '.join(missing)}")

    def __reduce__(self) -> tuple[Any, ...]:
        """Sent to another process, which may be in another folder, it is open there by its path, read-only."""
        return _reopen, (os.path.abspath(self.path),)

    def __enter__(self) -> MeasurementSet:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Flush and close the table."""
        if self._table is not None:
            self._table.close()
            self._table = None

    def flush(self) -> None:
        """Write what is buffered, so that other processes can read it."""
        self.table.flush(True)

    @property
    def table(self) -> Table:
        """The main table, for code within io only."""
        if self._table is None:
            raise NotOpenError(f"MeasurementSet {self.path!r} is closed")
        return self._table

    @property
    def nrow(self) -> int:
        """Number of rows of the main table."""
        return int(self.table.nrows())

    @property
    def time_frame(self) -> str:
        """Scale of the TIME column, UTC as a rule."""
        return str(self.table.getcolkeywords("TIME").get("MEASINFO", {}).get("Ref", "UTC"))

    @property
    def column_names(self) -> list[str]:
        """Names of the columns of the main table."""
        return list(self.table.colnames())

    def has(self, column: str) -> bool:
        """True when the column exists and its first cell holds something."""
        if column not in self.table.colnames():
            return False
        return self.nrow == 0 or not self.table.isvarcol(column) or bool(self.table.iscelldefined(column, 0))

    def require(self, column: str) -> None:
        """Raise DataError when a column is missing or its cells are empty."""
        if not self.has(column):
            if column in self.column_names:
                raise DataError(f"MeasurementSet {self.path!r} has nothing in the cells of its {column} column")
            present = sorted(c for c in self.column_names if c in CHANNEL_COLUMNS)
            raise DataError(f"MeasurementSet {self.path!r} has no {column} column; it has {', '.join(present)}")

    @cached_property
    def metadata(self) -> MsMetadata:
        """The rows of the small sub-tables, read when first asked for."""
        from casatools.io.ms.metadata import MsMetadata

        return MsMetadata(self.path)

    def forget_metadata(self) -> None:
        """Read the sub-tables anew when they are asked for next: one was changed."""
        self.__dict__.pop("metadata", None)

    def subtable(self, name: str, writable: bool = False) -> Table:
        """Open a sub-table; the caller closes it."""
        return open_table(subtable_path(self.path, name), writable, f"{name} sub-table")

    def cell_shape(self, row: int, column: str = "FLAG") -> tuple[int, ...]:
        """Shape of one cell in C order, ``(chan, corr)`` for visibility columns."""
        return tuple(int(n) for n in self.table.getcell(column, row).shape)

    def _slices(
        self, column: str, shape: tuple[int, int], channels: np.ndarray | None, correlations: np.ndarray | None
    ) -> tuple[list[int], list[int], list[int], list[tuple[int, np.ndarray]]]:
        nchan, ncorr = shape
        axes = [(channels, nchan), (correlations, ncorr)] if column in CHANNEL_COLUMNS else [(correlations, ncorr)]
        if all(wanted is None for wanted, _ in axes):
            return [], [], [], []
        parts = [_axis_slice(wanted, n) for wanted, n in axes]
        takes = [(k + 1, p[3]) for k, p in enumerate(parts) if p[3] is not None]
        return [p[0] for p in parts], [p[1] for p in parts], [p[2] for p in parts], takes

    def read(
        self,
        column: str,
        rows: np.ndarray | None = None,
        channels: np.ndarray | None = None,
        correlations: np.ndarray | None = None,
    ) -> np.ndarray:
        """Read a column for some rows.

        Parameters
        ----------
        column : str
        rows : ndarray (row,) int64, optional
            All rows when absent. For visibility columns the rows must share one shape.
        channels, correlations : ndarray of int, optional
            What to take from each cell, in this order; None takes all.

        Returns
        -------
        ndarray (row, chan, corr), (row, corr) or (row, ...)

        Raises
        ------
        DataError
            The column is missing or its cells differ in shape.
        """
        if column not in self.table.colnames():
            self.require(column)
        nrow = self.nrow if rows is None else len(rows)
        if (column not in CHANNEL_COLUMNS and column not in CORRELATION_COLUMNS) or nrow == 0:
            return column_cells(self.table, column, rows) if nrow else np.asarray(self.table.getcol(column, 0, 0))
        shape = self._cell(column, 0 if rows is None else int(rows[0]))
        blc, trc, inc, takes = self._slices(column, shape, channels, correlations)
        values = column_cells(self.table, column, rows, blc, trc, inc)
        for axis, index in takes:
            values = np.take(values, index, axis=axis)
        return values

    def _cell(self, column: str, row: int) -> tuple[int, int]:
        """(nchan, ncorr) of a row; a column of weights per correlation has no channel axis."""
        shape = self.cell_shape(row, column)
        return (shape[0], shape[1]) if len(shape) == 2 else (1, shape[0])

    def write(
        self,
        column: str,
        values: np.ndarray,
        rows: np.ndarray,
        channels: np.ndarray | None = None,
        correlations: np.ndarray | None = None,
    ) -> None:
        """Write a column for some rows; the mirror of `read`. Unwritten channels and correlations of a cell stay as they are."""
        if not self.writable:
            raise DataError(f"MeasurementSet {self.path!r} was opened read-only")
        rows = np.asarray(rows, dtype=np.int64)
        if len(rows) == 0:
            return
        if column not in CHANNEL_COLUMNS and column not in CORRELATION_COLUMNS:
            put_cells(self.table, column, values, rows)
            return
        whole = channels is None and correlations is None
        shape = (0, 0) if whole else self._cell("FLAG" if column in CHANNEL_COLUMNS else column, int(rows[0]))
        blc, trc, inc, takes = self._slices(column, shape, channels, correlations)
        if takes:  # an irregular pattern: read, replace, write the covering slice
            current = column_cells(self.table, column, rows, blc, trc, inc)
            index: list[slice | np.ndarray] = [slice(None)] * current.ndim
            for axis, take in takes:
                index[axis] = take
            if len(takes) == 2:
                current[:, takes[0][1][:, None], takes[1][1][None, :]] = values
            else:
                current[tuple(index)] = values
            values = current
        put_cells(self.table, column, values, rows, blc, trc, inc)

    def add_scratch_columns(self, model: bool = False, corrected: bool = False) -> list[str]:
        """Add MODEL_DATA and CORRECTED_DATA, tiled as DATA, where they are missing; cells are not yet filled.

        Returns
        -------
        list of str
            The columns that were added.
        """
        wanted = [("MODEL_DATA", "TiledModel", model), ("CORRECTED_DATA", "TiledCorrected", corrected)]
        source = "DATA" if self.has("DATA") else "FLOAT_DATA"
        added = []
        for name, manager, asked in wanted:
            if not asked or name in self.column_names:
                continue
            self.require(source)
            # The DATA column's own tile shape keeps reads of the two aligned.
            spec = self.table.getdminfo(source)
            tile = spec.get("SPEC", {}).get("DEFAULTTILESHAPE")
            cell = self.cell_shape(0, source) if self.nrow else (1, 1)
            if tile is None or len(tile) != 3 or min(tile) < 1:
                tile = [cell[1], cell[0], max(1, 131072 // max(1, cell[0] * cell[1]))]
            require_space(self.path, self.nrow * float(np.prod(cell)) * 8 + 1e6)
            description = _tables.makearrcoldesc(name, 0.0 + 0j, ndim=2, valuetype="complex", comment="The data column")
            data_manager = {
                "TYPE": "TiledShapeStMan", "NAME": manager, "SEQNR": 0,
                "SPEC": {"DEFAULTTILESHAPE": np.array(tile, dtype=np.int32), "MAXIMUMCACHESIZE": 0},
            }  # fmt: skip
            self.table.addcols(_tables.maketabdesc([description]), data_manager)
            added.append(name)
        return added

    def remove_columns(self, names: Iterable[str]) -> None:
        """Remove columns that exist."""
        present = [n for n in names if n in self.column_names]
        if not present:
            return
        if not is_multi_ms(self.path):
            self.table.removecols(present)
            return
        # A joined table cannot give up columns; its parts can, while it is closed.
        self.close()
        for part in part_paths(self.path):
            table = open_table(part, True, "part of a multi-MS")
            try:
                table.removecols(present)
            finally:
                table.close()
        self._table = open_table(self.path, self.writable, "MeasurementSet")

    def append_history(self, origin: str, messages: Sequence[str], application: str = "casatasks", command: str = "") -> None:
        """Add rows to the HISTORY sub-table, one a message."""
        from casatools.io.ms.history import append_history

        append_history(self.path, origin, messages, application, command)
