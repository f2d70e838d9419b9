"""A calibration table read like a MeasurementSet: solutions as rows, their parameters as correlations SOL1, SOL2 …"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from casatools._base.errors import DataError
from casatools.io.ms.measurement_set import MeasurementSet
from casatools.io.ms.metadata import DataDescription, MsMetadata, Polarization
from casatools.io.tables import open_table

__all__ = ["SolutionRows"]

# Columns of a MeasurementSet that a calibration table holds under another name, and those it does not have, as what they stand for.
_NAMED = {"DATA_DESC_ID": "SPECTRAL_WINDOW_ID", "EXPOSURE": "INTERVAL"}
_ABSENT: dict[str, Any] = {
    "ARRAY_ID": np.int32(-1),
    "STATE_ID": np.int32(-1),
    "FEED1": np.int32(0),
    "FEED2": np.int32(0),
    "FLAG_ROW": np.bool_(False),
}


@dataclass(frozen=True)
class _Parameters(Polarization):
    """The parameters of a solution as correlations."""

    @property
    def names(self) -> list[str]:
        return [f"Sol{k + 1}" for k in range(len(self.corr_type))]


class _SolutionMetadata(MsMetadata):
    """Sub-tables of a calibration table; each spectral window describes its own solutions."""

    def __init__(self, path: str, parameters: int) -> None:
        super().__init__(path)
        self._parameters = parameters

    @cached_property
    def polarizations(self) -> tuple[Polarization, ...]:
        """One setup: the parameters."""
        return (_Parameters(0, np.arange(self._parameters), np.zeros((self._parameters, 2), np.int64), False),)

    @cached_property
    def data_descriptions(self) -> tuple[DataDescription, ...]:
        """A description for each spectral window."""
        return tuple(DataDescription(w.id, w.id, 0, False) for w in self.spectral_windows)


class SolutionRows(MeasurementSet):
    """A calibration table behind the interface of a MeasurementSet, for flagging.

    Parameters
    ----------
    path : str
    writable : bool

    Raises
    ------
    PathMissingError, DataError
        Nothing is there; it is not a calibration table of the present format.
    """

    def __init__(self, path: str, writable: bool = False) -> None:
        self.path = path.rstrip("/") or path
        self.writable = writable
        self.is_copy = False
        self._table = open_table(self.path, writable, "calibration table")
        names = self._table.colnames()
        if not {"CPARAM", "FPARAM"} & set(names) or "SPECTRAL_WINDOW_ID" not in names:
            self.close()
            raise DataError(f"{path!r} is not a calibration table of the present format")

    @cached_property
    def metadata(self) -> MsMetadata:
        """The rows of the sub-tables."""
        return _SolutionMetadata(self.path, self.cell_shape(0)[1] if self.nrow else 0)

    def has(self, column: str) -> bool:
        """True when the column exists, under its own name or as a stand-in."""
        return column in _ABSENT or super().has(_NAMED.get(column, column))

    def require(self, column: str) -> None:
        """Raise DataError when a column is missing."""
        if not self.has(column):
            held = [c for c in ("CPARAM", "FPARAM", "SNR", "WEIGHT") if super(SolutionRows, self).has(c)]
            raise DataError(f"calibration table {self.path!r} has no {column} column; it has {', '.join(held)}")

    def read(
        self,
        column: str,
        rows: np.ndarray | None = None,
        channels: np.ndarray | None = None,
        correlations: np.ndarray | None = None,
    ) -> np.ndarray:
        """Read a column for some rows, as of a MeasurementSet."""
        if column in _ABSENT:
            return np.full(self.nrow if rows is None else len(rows), _ABSENT[column])
        return super().read(_NAMED.get(column, column), rows, channels, correlations)

    def write(
        self,
        column: str,
        values: np.ndarray,
        rows: np.ndarray,
        channels: np.ndarray | None = None,
        correlations: np.ndarray | None = None,
    ) -> None:
        """Write a column for some rows; what the table has no column for is left out."""
        if column not in _ABSENT:
            super().write(column, values, rows, channels, correlations)
