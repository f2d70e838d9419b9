"""Rows by what selections look at, so that many selections are found without going over the rows each time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from casatools.io.ms.measurement_set import MeasurementSet
from casatools.io.ms.selection import ResolvedSelection, Selection, baseline_numbers, selected_baselines

__all__ = ["RowKinds", "by_kind"]

# The column behind each expression, besides antennas. Others depend on more than the kind and the baseline of a row.
_COLUMNS = {
    "field": "FIELD_ID", "scan": "SCAN_NUMBER", "observation": "OBSERVATION_ID", "array": "ARRAY_ID", "intent": "STATE_ID",
    "timerange": "TIME",
}  # fmt: skip
_OTHERS = ("uvrange", "feed", "taql", "taql_of_selected")


class _Columns(Protocol):
    def __getitem__(self, name: str) -> np.ndarray: ...


def by_kind(selection: Selection) -> bool:
    """Whether a selection depends on nothing but the kinds of rows and their baselines."""
    return not any(getattr(selection, name).strip() for name in _OTHERS)


@dataclass(frozen=True)
class RowKinds:
    """Rows as pairs of a kind (time, field, scan, window ...) and a baseline.

    Attributes
    ----------
    ms : MeasurementSet
    kind : ndarray (row,) int32
    columns : dict of str to ndarray (kind,)
        What the rows of a kind have in common.
    baseline : ndarray (row,) int32
        As `baseline_numbers` counts them; all 0 where no selection names antennas.
    nbaseline : int
    alone : bool
        There are rows without a second antenna.
    """

    ms: MeasurementSet
    kind: np.ndarray
    columns: dict[str, np.ndarray]
    baseline: np.ndarray
    nbaseline: int
    alone: bool
    # Columns as the selections read them, with what they keep for each other.
    held: dict[str, np.ndarray] = field(default_factory=dict, repr=False)
    # Baselines of the antenna expressions that were matched.
    found: dict[str, np.ndarray] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, ms: MeasurementSet, columns: _Columns, selections: Sequence[Selection]) -> RowKinds:
        """Sort the rows of a MeasurementSet by what these selections look at.

        Parameters
        ----------
        ms : MeasurementSet
        columns : mapping of str to ndarray (row,)
            The columns of the main table.
        selections : sequence of Selection
            All `by_kind`.
        """
        names = ["DATA_DESC_ID", *(c for n, c in _COLUMNS.items() if any(getattr(s, n).strip() for s in selections))]
        kind, kinds = _sorted({n: columns[n] for n in names}, ms.nrow)
        if not any(s.antenna.strip() for s in selections):
            return cls(ms, kind, kinds, np.zeros(ms.nrow, np.int32), 1, False, dict(kinds))
        one, two = columns["ANTENNA1"], columns["ANTENNA2"]
        baseline = baseline_numbers(one, two, ms).astype(np.int32)
        number = len(ms.metadata.antennas)
        return cls(ms, kind, kinds, baseline, number * (number + 1), bool((two < 0).any()), dict(kinds))

    @property
    def nkind(self) -> int:
        """How many kinds there are."""
        return len(self.columns["DATA_DESC_ID"])

    def resolve(self, selection: Selection) -> tuple[ResolvedSelection, np.ndarray]:
        """Match a selection.

        Parameters
        ----------
        selection : Selection

        Returns
        -------
        resolved : ResolvedSelection
            Its `rows` are kinds.
        wanted : ndarray (baseline,) bool

        Raises
        ------
        SelectionError
            A name or ID does not exist. Whether a row is selected is left open.
        """
        text = selection.antenna.strip()
        if text not in self.found:
            self.found[text] = selected_baselines(selection, self.ms, self.alone)[1] if text else np.ones(self.nbaseline, bool)
        wanted = self.found[text]
        return selection.resolve(self.ms, True, self.held, self.nkind), wanted


def _sorted(columns: Mapping[str, np.ndarray], nrow: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The kind of each row, and the columns of the kinds."""
    changes = np.ones(nrow, bool)
    changes[1:] = False
    for values in columns.values():
        changes[1:] |= values[1:] != values[:-1]
    starts = np.flatnonzero(changes)
    number = np.zeros(len(starts), np.int64)
    for values in columns.values():
        distinct, rank = np.unique(values[starts], return_inverse=True)
        number = np.unique(number * len(distinct) + rank.ravel(), return_inverse=True)[1].ravel()
    _, first = np.unique(number, return_index=True)
    lengths = np.diff(np.append(starts, nrow))
    kind = np.repeat(number.astype(np.int32), lengths)
    return kind, {name: np.asarray(values[starts[first]]) for name, values in columns.items()}
