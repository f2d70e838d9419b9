"""Making new MeasurementSets: complete sub-tables, units and measures, and the storage managers later reads profit from.

References
----------
Kemball & Wieringa, "MeasurementSet definition version 2.0", AIPS++ Note 229 (2000).
van Diepen, "Casacore Table Data System and its use in the MeasurementSet", Astronomy and Computing 12 (2015), 174: storage managers.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from casacore import tables as _tables

from casatools.io.tables import Table, open_table

__all__ = [
    "REQUIRED_SUBTABLES",
    "MsLayout",
    "create_ms",
    "data_managers",
    "fill_subtable",
    "new_ms",
    "tile_rows",
    "visibility_column",
]

REQUIRED_SUBTABLES = (
    "ANTENNA", "DATA_DESCRIPTION", "FEED", "FLAG_CMD", "FIELD", "HISTORY", "OBSERVATION", "POINTING", "POLARIZATION",
    "PROCESSOR", "SPECTRAL_WINDOW", "STATE",
)  # fmt: skip
# Elements of one tile of DATA: 1 MiB of complex64, the reference's choice as well.
_TILE_ELEMENTS = 131072
_NARROW_ROWS = 4096
# Column, hypercolumn and cell axes of the tiled columns.
_TILED: dict[str, tuple[str, int]] = {
    "FLAG": ("TiledFlag", 2), "FLAG_CATEGORY": ("TiledFlagCategory", 3), "WEIGHT": ("TiledWgt", 1), "SIGMA": ("TiledSigma", 1),
    "DATA": ("TiledData", 2), "CORRECTED_DATA": ("TiledCorrectedData", 2), "MODEL_DATA": ("TiledModelData", 2),
    "FLOAT_DATA": ("TiledFloatData", 2), "LAG_DATA": ("TiledLagData", 2), "WEIGHT_SPECTRUM": ("TiledWgtSpectrum", 2),
    "SIGMA_SPECTRUM": ("TiledSigmaSpectrum", 2), "UVW": ("TiledUVW", 1),
}  # fmt: skip
# Columns that differ from row to row, or are rewritten row by row later (flags); all other scalars repeat and are stored incrementally.
_PER_ROW = frozenset({"ANTENNA1", "ANTENNA2", "DATA_DESC_ID", "FLAG_ROW"})
# Optional main table columns: value type and comment.
_VISIBILITY_COLUMNS = {
    "DATA": ("complex", "The data column"), "CORRECTED_DATA": ("complex", "The corrected data column"),
    "MODEL_DATA": ("complex", "The model data column"), "LAG_DATA": ("complex", "The lag data column"),
    "FLOAT_DATA": ("float", "Floating point data - for single dish"), "WEIGHT_SPECTRUM": ("float", "Weight for each data point"),
    "SIGMA_SPECTRUM": ("float", "Sigma for each data point"),
}  # fmt: skip
_OPTIONAL_COLUMNS = {"SOURCE": ("POSITION", "REST_FREQUENCY", "SYSVEL", "TRANSITION", "SOURCE_MODEL")}


@dataclass(frozen=True)
class MsLayout:
    """What a new MeasurementSet is made of.

    Attributes
    ----------
    ncorr, nchan : int
        Shape of the cells that matter most; it sets the tiles.
    columns : tuple of str
        Optional main table columns, such as DATA and WEIGHT_SPECTRUM.
    subtables : tuple of str
        Optional sub-tables.
    time_reference : str
        Time scale of every epoch column.
    direction_reference : str
        Frame of the directions and of UVW.
    kind : str
        The sub-type in table.info.
    varying : tuple of str
        Scalar columns that change with nearly every row, so that incremental storage does not pay.
    """

    ncorr: int
    nchan: int
    columns: tuple[str, ...] = ("DATA",)
    subtables: tuple[str, ...] = ("SOURCE",)
    time_reference: str = "UTC"
    direction_reference: str = "J2000"
    kind: str = ""
    varying: tuple[str, ...] = ()


def tile_rows(ncorr: int, nchan: int) -> int:
    """Rows of one tile that spans all correlations and channels of a cell."""
    return max(1, _TILE_ELEMENTS // max(1, ncorr * nchan))


def create_ms(path: str, layout: MsLayout) -> Table:
    """Create a MeasurementSet without rows at `path` (a staged name) and return its main table, writable."""
    description: dict[str, Any] = dict(_tables.required_ms_desc())
    for name in layout.columns:
        description[name] = visibility_column(name)
    _reference(description, layout)
    description["UVW"] = _with_reference(description["UVW"], layout.direction_reference)
    columns = [c for c in description if not c.startswith("_")]
    table = new_ms(path, description, data_managers(columns, layout.ncorr, layout.nchan, layout.varying), layout.kind)
    try:
        table.putcolkeyword("FLAG_CATEGORY", "CATEGORY", ["FLAG_CMD", "ORIGINAL", "USER"])
        for name in (*REQUIRED_SUBTABLES, *layout.subtables):
            _create_subtable(table, path, name, layout)
    except BaseException:
        # casacore ends the process when the folder of an open table is removed.
        table.close()
        raise
    return table


def new_ms(path: str, description: Mapping[str, Any], managers: Mapping[str, Any], kind: str = "") -> Table:
    """Create the main table from a description and data managers, without sub-tables."""
    table = _tables.table(path, dict(description), dminfo=dict(managers), nrow=0, ack=False)
    readme = "This is a MeasurementSet Table holding measurements from a Telescope"
    table.putinfo({"type": "Measurement Set", "subType": kind, "readme": readme})
    return table


def visibility_column(name: str) -> dict[str, Any]:
    """Description of an optional column with ``(chan, corr)`` cells, such as DATA or WEIGHT_SPECTRUM."""
    kind, comment = _VISIBILITY_COLUMNS[name]
    return {
        "valueType": kind, "dataManagerType": "StandardStMan", "dataManagerGroup": "StandardStMan", "option": 0, "maxlen": 0,
        "comment": comment, "ndim": 2, "_c_order": True, "keywords": {},
    }  # fmt: skip


def data_managers(
    columns: Sequence[str], ncorr: int, nchan: int, varying: Sequence[str] = (), tile: Sequence[int] | None = None
) -> dict[str, Any]:
    """Data manager records for the columns of a main table; `tile` sets correlations, channels and rows of the tiles.

    Visibility columns are tiled over whole cells and many rows, UVW over 1024 rows, antennas go to a standard and everything
    that repeats from row to row to an incremental storage manager.
    """
    rows = tile_rows(ncorr, nchan)
    if tile is not None:
        ncorr, nchan, rows = (max(1, int(n)) for n in tile)
    incremental = incremental_columns(columns, varying)
    standard = [c for c in columns if c in _PER_ROW or (c in varying and c not in _TILED)]
    managers: dict[str, Any] = {
        "*1": {"TYPE": "IncrementalStMan", "NAME": "ISMData", "SEQNR": 0, "SPEC": {"BUCKETSIZE": 62456}, "COLUMNS": incremental},
        "*2": {"TYPE": "StandardStMan", "NAME": "SSM", "SEQNR": 1, "SPEC": {"BUCKETSIZE": 32768}, "COLUMNS": standard},
    }
    # A tile of a few numbers a row costs more to look after than to fill.
    shapes = {1: [ncorr, max(rows, _NARROW_ROWS)], 2: [ncorr, nchan, rows], 3: [ncorr, nchan, 1, rows]}
    for number, column in enumerate([c for c in columns if c in _TILED], start=3):
        name, axes = _TILED[column]
        tile = [3, 1024] if column == "UVW" else shapes[axes]
        kind = "TiledColumnStMan" if column == "UVW" else "TiledShapeStMan"
        managers[f"*{number}"] = {
            "TYPE": kind, "NAME": name, "SEQNR": number - 1, "COLUMNS": [column],
            "SPEC": {"DEFAULTTILESHAPE": np.array(tile, dtype=np.int32), "MAXIMUMCACHESIZE": 0},
        }  # fmt: skip
    return managers


def incremental_columns(columns: Sequence[str], varying: Sequence[str] = ()) -> list[str]:
    """The columns of a main table that go to an incremental storage manager."""
    return [c for c in columns if c not in _TILED and c not in _PER_ROW and c not in varying]


def _reference(description: dict[str, Any], layout: MsLayout) -> None:
    """Put the time scale and the direction frame into the measures of a table description."""
    for name, column in description.items():
        if name.startswith("_"):
            continue
        measure = column.get("keywords", {}).get("MEASINFO", {})
        # A frame given by another column of the table (VarRefCol) stays what it is.
        if measure.get("type") == "epoch" and "VarRefCol" not in measure:
            description[name] = _with_reference(column, layout.time_reference)
        elif measure.get("type") == "direction" and "VarRefCol" not in measure and name != "BEAM_OFFSET":
            description[name] = _with_reference(column, layout.direction_reference)


def _with_reference(column: Mapping[str, Any], reference: str) -> dict[str, Any]:
    keywords = dict(column["keywords"])
    keywords["MEASINFO"] = {**keywords["MEASINFO"], "Ref": reference}
    return {**column, "keywords": keywords}


def _create_subtable(main: Table, path: str, name: str, layout: MsLayout) -> None:
    description: dict[str, Any] = dict(_tables.required_ms_desc(name))
    if name in _OPTIONAL_COLUMNS:
        complete = _tables.complete_ms_desc(name)
        for column in _OPTIONAL_COLUMNS[name]:
            description[column] = complete[column]
    _reference(description, layout)
    folder = f"{path}/{name}"
    managers: dict[str, Any] = {}
    if name == "POINTING":
        repeating = [c for c in description if not c.startswith("_") and c != "ANTENNA_ID"]
        managers = {
            "*1": {"TYPE": "IncrementalStMan", "NAME": "ISMPointing", "SEQNR": 0, "SPEC": {}, "COLUMNS": repeating},
            "*2": {"TYPE": "StandardStMan", "NAME": "SSMPointing", "SEQNR": 1, "SPEC": {"BUCKETSIZE": 32768}, "COLUMNS": ["ANTENNA_ID"]},
        }  # fmt: skip
    table = _tables.table(folder, description, dminfo=managers, nrow=0, ack=False)
    main.putkeyword(name, table)
    table.close()


def fill_subtable(path: str, name: str, columns: Mapping[str, Any], keywords: Mapping[str, Any] | None = None) -> None:
    """Append rows to a sub-table of the MeasurementSet at `path`.

    Parameters
    ----------
    path : str
    name : str
    columns : mapping
        Column name to an array with the row as its first axis, or to a list with one cell a row (for cells that differ in shape;
        None leaves a cell undefined). All of one length.
    keywords : mapping, optional
        Table keywords; a name ``COLUMN::KEYWORD`` sets a keyword of a column.
    """
    table = open_table(f"{path}/{name}", writable=True, what=f"{name} sub-table")
    with closing(table):
        counts = {len(values) for values in columns.values()}
        if len(counts) > 1:
            raise ValueError(f"columns of the {name} sub-table differ in length: {sorted(counts)}")
        count = counts.pop() if counts else 0
        start = table.nrows()
        if count:
            table.addrows(count)
            for column, values in columns.items():
                _put_rows(table, column, values, start)
        for key, value in (keywords or {}).items():
            column, _, keyword = key.partition("::")
            if keyword:
                table.putcolkeyword(column, keyword, value)
            else:
                table.putkeyword(key, value)


def _put_rows(table: Table, column: str, values: Any, start: int) -> None:
    if isinstance(values, np.ndarray) or table.isscalarcol(column):
        table.putcol(column, values, start, len(values))
        return
    for offset, value in enumerate(values):
        if value is not None:
            table.putcell(column, start + offset, value)


@contextlib.contextmanager
def closing(table: Table) -> Iterator[Table]:
    """Close a table at the end of the block, whatever happens."""
    try:
        yield table
    finally:
        table.close()
