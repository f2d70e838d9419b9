"""Calibration tables on disk in CASA's layout, and in memory as arrays.

References
----------
Layout as observed in tables written by CASA 6.7: main columns, keywords and sub-tables of the "NewCalTable" format.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from casacore import tables as _tables

from casatools._base.errors import CasaError, DataError, SelectionError
from casatools._base.paths import require_space, staged_output
from casatools._base.version import INTERFACE
from casatools.io.caltable.subtables import (
    SUBTABLES,
    SubTableRows,
    put_frequencies,
    read_subtable,
    standard_manager,
    subtables_from_ms,
    write_subtable,
)
from casatools.io.tables import Table, column_cells, is_table, open_table, put_cells, table_kind

if TYPE_CHECKING:
    from casatools.io.ms import MeasurementSet

__all__ = ["CalTable", "SolutionGroup", "is_caltable"]

_KEYS = {
    "TIME": ("time_s", "double"), "FIELD_ID": ("field_id", "int"), "SPECTRAL_WINDOW_ID": ("spw_id", "int"),
    "ANTENNA1": ("antenna1", "int"), "ANTENNA2": ("antenna2", "int"), "INTERVAL": ("interval_s", "double"),
    "SCAN_NUMBER": ("scan", "int"), "OBSERVATION_ID": ("observation", "int"),
}  # fmt: skip
# The form the reference uses; its readers look at major and minor number.
_VERSION = "{}.{}.{}-{}".format(*INTERFACE)
_TYPES = {"double": np.float64, "int": np.int32}
_CELLS = {"PARAMERR": ("paramerr", "float"), "FLAG": ("flag", "boolean"), "SNR": ("snr", "float")}


@dataclass
class SolutionGroup:
    """Rows of a calibration table whose cells share one shape.

    Attributes
    ----------
    rows : ndarray (sol,) int64
        Row numbers in the table.
    param : ndarray (sol, chan, par) complex64 or float32
        Unit as the kind of table says: gains are pure numbers, delays ns.
    paramerr, snr : ndarray (sol, chan, par) float32
    flag : ndarray (sol, chan, par) bool
    weight : ndarray (sol, chan, par) float32, optional
        Most tables have none.
    """

    rows: np.ndarray
    param: np.ndarray
    paramerr: np.ndarray
    flag: np.ndarray
    snr: np.ndarray
    weight: np.ndarray | None = None

    def take(self, index: np.ndarray, rows: np.ndarray) -> SolutionGroup:
        """The solutions at `index`, as the given rows of another table."""
        weight = None if self.weight is None else self.weight[index]
        return SolutionGroup(rows, self.param[index], self.paramerr[index], self.flag[index], self.snr[index], weight)


def is_caltable(path: str) -> bool:
    """True when `path` holds a calibration table."""
    return is_table(path) and table_kind(path.rstrip("/")) == "Calibration"


@dataclass
class CalTable:
    """A calibration table.

    Attributes
    ----------
    vis_cal : str
        What it holds, such as ``"G Jones"``.
    par_type : {"Complex", "Float"}
    time_s, interval_s : ndarray (row,) float64
        MJD seconds UTC; seconds.
    field_id, spw_id, antenna1, antenna2, scan, observation : ndarray (row,) int32
        antenna2 is the reference antenna of antenna-based solutions, -1 when there is none.
    groups : list of SolutionGroup
        The cells; each row is in one group.
    subtables : dict of SubTableRows
    version : str
        What CASA_Version says of the writer of a table that was read; "" in tables older than that keyword.
    """

    vis_cal: str
    par_type: str
    time_s: np.ndarray
    field_id: np.ndarray
    spw_id: np.ndarray
    antenna1: np.ndarray
    antenna2: np.ndarray
    interval_s: np.ndarray
    scan: np.ndarray
    observation: np.ndarray
    groups: list[SolutionGroup]
    subtables: dict[str, SubTableRows]
    ms_name: str = ""
    pol_basis: str = "unknown"
    keywords: dict[str, Any] = field(default_factory=dict)
    version: str = ""

    @classmethod
    def open(cls, path: str) -> CalTable:
        """Read a calibration table whole (they are small beside visibilities).

        Raises
        ------
        PathMissingError
            Nothing is there.
        DataError
            It is no calibration table, is one of the old format or is damaged.
        """
        path = path.rstrip("/")
        table = open_table(path, what="calibration table")
        try:
            names = set(table.colnames())
            parameter = "CPARAM" if "CPARAM" in names else "FPARAM"
            if table_kind(path) != "Calibration" or parameter not in names:
                raise DataError(f"{path!r} is a table but not a calibration table of the present format")
            keys: dict[str, np.ndarray] = {}
            for column, (name, kind) in _KEYS.items():
                present = column in names and table.nrows() > 0
                values = table.getcol(column) if present else np.zeros(table.nrows())
                keys[name] = np.asarray(values, dtype=_TYPES[kind])
            groups = _read_groups(table, parameter, keys["spw_id"])
            keywords = {k: v for k, v in table.getkeywords().items() if not isinstance(v, str) or not v.startswith("Table: ")}
            subtables = {s: read_subtable(f"{path}/{s}") for s in SUBTABLES if is_table(f"{path}/{s}")}
            kind = str(table.info()["subType"])
            if kind == "Fringe Jones":
                groups = [_with_dispersion(g) for g in groups]
        except CasaError:
            raise
        except RuntimeError as error:
            raise DataError(f"calibration table {path!r} is damaged; casacore cannot read it: {error}") from error
        finally:
            table.close()
        missing = [s for s in SUBTABLES[1:4] if s not in subtables]
        if missing:
            raise DataError(f"calibration table {path!r} has no sub-table {', '.join(missing)}")
        return cls(
            kind,
            "Complex" if parameter == "CPARAM" else "Float",
            **keys,
            groups=groups,
            subtables=subtables,
            ms_name=str(keywords.get("MSName", "")),
            pol_basis=str(keywords.get("PolBasis", "unknown")),
            version=str(keywords.get("CASA_Version", "")),
            keywords={k: v for k, v in keywords.items() if k not in ("ParType", "MSName", "VisCal", "PolBasis", "CASA_Version")},
        )

    @classmethod
    def for_ms(cls, ms: MeasurementSet, vis_cal: str, par_type: str = "Complex") -> CalTable:
        """A table without rows for a MeasurementSet; its sub-tables are copies of the MeasurementSet's."""
        none_f, none_i = np.zeros(0), np.zeros(0, dtype=np.int32)
        name = os.path.basename(os.path.abspath(ms.path))
        return cls(
            vis_cal, par_type, none_f, none_i, none_i, none_i, none_i, none_f, none_i, none_i, [], subtables_from_ms(ms), name
        )  # fmt: skip

    @property
    def nrow(self) -> int:
        """Number of rows."""
        return len(self.time_s)

    @property
    def is_complex(self) -> bool:
        """Whether the parameters are complex."""
        return self.par_type == "Complex"

    @property
    def antenna_names(self) -> tuple[str, ...]:
        """Names in the ANTENNA sub-table."""
        return tuple(self.subtables["ANTENNA"].columns["NAME"])

    @property
    def antenna_positions_m(self) -> np.ndarray:
        """Places (ant, 3) in the ANTENNA sub-table, ITRF [m]."""
        return np.asarray(self.subtables["ANTENNA"].columns["POSITION"], dtype=np.float64).reshape(-1, 3)

    @property
    def field_names(self) -> tuple[str, ...]:
        """Names in the FIELD sub-table."""
        return tuple(self.subtables["FIELD"].columns["NAME"])

    @property
    def frequencies_hz(self) -> dict[int, np.ndarray]:
        """Channel frequencies of the solutions for each spectral window."""
        cells = self.subtables["SPECTRAL_WINDOW"].columns["CHAN_FREQ"]
        return {i: np.asarray(f, dtype=np.float64) for i, f in enumerate(cells) if f is not None}

    def _only(self, name: str) -> np.ndarray:
        """The array of all rows in table order; the cells must share one shape."""
        if not self.groups:
            return np.zeros((0, 1, 1))
        if len({g.param.shape[1:] for g in self.groups}) > 1:
            raise DataError("the solutions differ in shape between spectral windows; read them by group")
        first = getattr(self.groups[0], name)
        out = np.empty((self.nrow, *first.shape[1:]), dtype=first.dtype)
        for group in self.groups:
            out[group.rows] = getattr(group, name)
        return out

    @property
    def of_baselines(self) -> bool:
        """Whether solutions belong to baselines rather than antennas: each pair of antennas has rows of its own."""
        return "Mueller" in self.vis_cal

    @property
    def param(self) -> np.ndarray:
        """Parameters (row, chan, par) when all spectral windows have the same number of channels."""
        return self._only("param")

    @property
    def flag(self) -> np.ndarray:
        """Flags (row, chan, par) when all spectral windows have the same number of channels."""
        return self._only("flag")

    @property
    def snr(self) -> np.ndarray:
        """Signal to noise (row, chan, par) when all spectral windows have the same number of channels."""
        return self._only("snr")

    @property
    def paramerr(self) -> np.ndarray:
        """Errors (row, chan, par) when all spectral windows have the same number of channels."""
        return self._only("paramerr")

    def set_frequencies(self, solved: Mapping[int, tuple[np.ndarray, ...]]) -> None:
        """Set channel frequencies and widths (Hz) of spectral windows; the others are marked as unsolved."""
        put_frequencies(self.subtables["SPECTRAL_WINDOW"], solved)

    def set_single_channel(self, ms: MeasurementSet) -> None:
        """Give every spectral window one channel at its middle, for solutions that do not depend on channel."""
        windows = ms.metadata.spectral_windows
        middle = {w.id: (np.array([w.chan_freq_hz.mean()]), np.array([w.chan_width_hz.sum()])) for w in windows if w.nchan}
        self.set_frequencies(middle)

    def add_rows(self, group: SolutionGroup, **keys: Any) -> None:
        """Append rows.

        Parameters
        ----------
        group : SolutionGroup
            The cells; its `rows` are set here.
        **keys
            The key columns by attribute name; scalars stand for all rows.
        """
        count = len(group.param)
        start = self.nrow
        for name, kind in _KEYS.values():
            values = np.broadcast_to(np.asarray(keys.pop(name, 0), dtype=_TYPES[kind]), (count,))
            setattr(self, name, np.concatenate([getattr(self, name), values]))
        if keys:
            raise TypeError(f"calibration tables have no {', '.join(keys)}")
        group.rows = np.arange(start, start + count)
        self.groups.append(group)

    def copy(self) -> CalTable:
        """A copy that shares nothing."""
        return copy.deepcopy(self)

    def select(self, keep: np.ndarray) -> CalTable:
        """A table of some rows (bool mask or row numbers), in the order given."""
        index = np.flatnonzero(keep) if np.asarray(keep).dtype == bool else np.asarray(keep, dtype=np.int64)
        place = np.full(self.nrow, -1)
        place[index] = np.arange(len(index))
        groups = []
        for group in self.groups:
            inside = np.flatnonzero(place[group.rows] >= 0)
            if len(inside):
                groups.append(group.take(inside, place[group.rows[inside]]))
        out = copy.copy(self)
        for name, _ in _KEYS.values():
            setattr(out, name, getattr(self, name)[index])
        out.groups = groups
        return out

    def write(self, path: str, overwrite: bool = True) -> None:
        """Write a new table; it appears when complete and, with `overwrite`, replaces one that is there.

        Raises
        ------
        OutputExistsError, DataError, PathMissingError
            Something is in the way, or the folder cannot be written. A folder that is no calibration table is never replaced.
        """
        path = path.rstrip("/")
        if overwrite and os.path.lexists(path) and not is_caltable(path):
            raise DataError(f"{path!r} exists and is not a calibration table; it is not replaced")
        require_space(path, self._bytes())
        with staged_output(path, overwrite) as temporary:
            self._write(temporary)

    def _bytes(self) -> float:
        """About what the table takes on disk: rows of fixed columns, cells of values, errors, flags and SNR, sub-tables."""
        return sum(len(g.rows) * 120.0 + g.param.size * 18.0 for g in self.groups) + 1e6

    def _write(self, folder: str) -> None:
        parameter = "CPARAM" if self.is_complex else "FPARAM"
        description = _description(parameter)
        table = _tables.table(folder, description, nrow=self.nrow, dminfo=standard_manager(list(description)), ack=False)
        try:
            table.putinfo({"type": "Calibration", "subType": self.vis_cal, "readme": ""})
            header = {
                "ParType": self.par_type, "MSName": self.ms_name, "VisCal": self.vis_cal, "PolBasis": self.pol_basis,
                "CASA_Version": _VERSION, **self.keywords,
            }  # fmt: skip
            for key, value in header.items():
                table.putkeyword(key, value)
            for name in SUBTABLES:
                if name in self.subtables:
                    write_subtable(table, folder, name, self.subtables[name])
            _put_rows(table, self, 0)
        finally:
            # casacore ends the process when the folder of an open table is removed.
            table.close()

    def append_to(self, path: str, ordered: bool = False) -> None:
        """Append these rows to a table on disk; one that is missing is written new.

        Parameters
        ----------
        path : str
        ordered : bool
            All rows are then put in the order of windows and, of each, of times, as solves of the reference leave a table they append to.

        Raises
        ------
        DataError
            The table there is of another kind or of other antennas.
        """
        path = path.rstrip("/")
        if not os.path.lexists(path):
            self.write(path, overwrite=False)
            return
        present = CalTable.open(path)
        present.require_like(self, path)
        require_space(path, self._bytes())
        table = open_table(path, writable=True, what="calibration table")
        try:
            start = table.nrows()
            table.addrows(self.nrow)
            _put_rows(table, self, start)
        finally:
            table.close()
        self._unflag_windows(path)
        if ordered:
            whole = CalTable.open(path)
            order = np.lexsort((whole.time_s, whole.spw_id))
            if (np.diff(order) != 1).any():
                whole.select(order).write(path, overwrite=True)

    def _unflag_windows(self, path: str) -> None:
        """Take over the frequencies of spectral windows that the table on disk had no solutions for."""
        mine = self.subtables["SPECTRAL_WINDOW"].columns
        table = open_table(f"{path}/SPECTRAL_WINDOW", writable=True)
        try:
            for spw in np.unique(self.spw_id):
                if spw < table.nrows() and table.getcell("FLAG_ROW", int(spw)):
                    for column in (
                        "CHAN_FREQ",
                        "CHAN_WIDTH",
                        "EFFECTIVE_BW",
                        "RESOLUTION",
                        "NUM_CHAN",
                        "TOTAL_BANDWIDTH",
                        "FLAG_ROW",
                    ):
                        table.putcell(column, int(spw), mine[column][int(spw)])
        finally:
            table.close()

    def require_like(self, other: CalTable, path: str) -> None:
        """Raise DataError when `other` cannot be appended to this table."""
        if self.vis_cal != other.vis_cal or self.par_type != other.par_type:
            raise DataError(
                f"calibration table {path!r} holds {self.vis_cal}; {other.vis_cal} solutions cannot be appended to it"
            )
        if self.antenna_names != other.antenna_names:
            raise DataError(f"calibration table {path!r} is of other antennas; solutions cannot be appended to it")

    def query(self, path: str, taql: str) -> np.ndarray:
        """Row numbers of the table at `path` for which a TaQL condition holds.

        Raises
        ------
        SelectionError
            The condition cannot be read.
        """
        table = open_table(path, what="calibration table")
        try:
            found: Any = table.query(taql, style="glish")
            rows = np.asarray(found.rownumbers(), dtype=np.int64)
            found.close()
        except RuntimeError as error:
            raise SelectionError(f"TaQL selection {taql!r} cannot be evaluated on {path!r}: {error}") from error
        finally:
            table.close()
        return rows


def _description(parameter: str) -> dict[str, Any]:
    """Description of the main table."""
    out: dict[str, Any] = {}
    base = {"dataManagerType": "StandardStMan", "dataManagerGroup": "MSMTAB", "maxlen": 0, "comment": ""}
    for column, (_, kind) in _KEYS.items():
        keywords: dict[str, Any] = {"QuantumUnits": ["s"]} if kind == "double" else {}
        if column == "TIME":
            keywords["MEASINFO"] = {"type": "epoch", "Ref": "UTC"}
        out[column] = {"valueType": kind, **base, "option": 5, "keywords": keywords}
    cells = {
        parameter: "complex" if parameter == "CPARAM" else "float",
        **{c: kind for c, (_, kind) in _CELLS.items()},
        "WEIGHT": "float",
    }
    for column, kind in cells.items():
        out[column] = {"valueType": kind, **base, "option": 0, "ndim": -1, "_c_order": True, "keywords": {}}
    return out


def _put_rows(table: Table, source: CalTable, start: int) -> None:
    """Write all rows from `start` on."""
    if not source.nrow:
        return
    for column, (name, kind) in _KEYS.items():
        table.putcol(column, np.asarray(getattr(source, name), dtype=_TYPES[kind]), start, source.nrow)
    parameter = "CPARAM" if source.is_complex else "FPARAM"
    for group in source.groups:
        order = np.argsort(group.rows, kind="stable")
        rows = group.rows[order] + start
        put_cells(table, parameter, group.param[order].astype(np.complex64 if source.is_complex else np.float32), rows)
        put_cells(table, "PARAMERR", group.paramerr[order].astype(np.float32), rows)
        put_cells(table, "FLAG", group.flag[order], rows)
        put_cells(table, "SNR", group.snr[order].astype(np.float32), rows)
        if group.weight is not None:
            put_cells(table, "WEIGHT", group.weight[order].astype(np.float32), rows)


def _read_groups(table: Table, parameter: str, spw: np.ndarray) -> list[SolutionGroup]:
    """Cells by spectral window, and by shape within one where shapes differ."""
    groups = []
    for window in np.unique(spw):
        rows = np.flatnonzero(spw == window)
        for part in _same_shape(table, parameter, rows):
            weight = column_cells(table, "WEIGHT", part) if _all_defined(table, "WEIGHT", part) else None
            param = column_cells(table, parameter, part)
            # The reference writes parameters that have no channels (EPowerCurve) without that axis.
            param = param[:, None, :] if param.ndim == 2 else param
            read = {
                name: column_cells(table, column, part) if _all_defined(table, column, part) else None
                for column, (name, _) in _CELLS.items()
            }
            zero = np.zeros(param.shape, dtype=np.float32)
            flag = read["flag"] if read["flag"] is not None else zero.astype(bool)
            groups.append(
                SolutionGroup(
                    part,
                    param,
                    read["paramerr"] if read["paramerr"] is not None else zero,
                    np.asarray(flag, dtype=bool),
                    read["snr"] if read["snr"] is not None else zero.copy(),
                    weight,
                )
            )
    return groups


def _with_dispersion(group: SolutionGroup) -> SolutionGroup:
    """Fringes as they are kept now: tables made before CASA 5.6 have no dispersive term (phase, delay and rate alone); it is nought."""
    if group.param.shape[-1] != 6:
        return group

    def widened(values: np.ndarray, source: int | None) -> np.ndarray:
        parts = values.reshape(*values.shape[:-1], 2, 3)
        fourth = np.zeros_like(parts[..., :1]) if source is None else parts[..., source : source + 1]
        return np.concatenate([parts, fourth], axis=-1).reshape(*values.shape[:-1], 8)

    weight = None if group.weight is None else widened(group.weight, 0)
    return SolutionGroup(
        group.rows,
        widened(group.param, None),
        widened(group.paramerr, None),
        widened(group.flag, 0),
        widened(group.snr, 0),
        weight,
    )


def _all_defined(table: Table, column: str, rows: np.ndarray) -> bool:
    """Whether the cells hold something; those of a spectral window are written together, so the ends tell."""
    if column not in table.colnames():
        return False
    return bool(table.iscelldefined(column, int(rows[0])) and table.iscelldefined(column, int(rows[-1])))


def _same_shape(table: Table, column: str, rows: np.ndarray) -> Sequence[np.ndarray]:
    """Split rows by the shape of their cells."""
    first, last = (table.getcell(column, int(r)).shape for r in (rows[0], rows[-1]))
    if first == last:
        try:
            column_cells(table, column, rows)
            return [rows]
        except DataError:
            pass  # rows of several shapes within one spectral window: look at each
    shapes = [table.getcell(column, int(r)).shape for r in rows]
    return [rows[[k for k, s in enumerate(shapes) if s == shape]] for shape in dict.fromkeys(shapes)]
