"""Which scans, fields, spectral windows, states and times go together in the main table, found once in vectorised form."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from casatools.information.observation_summary import unique_rows
from casatools.io.ms import MeasurementSet, Selection
from casatools.io.ms.metadata import MsMetadata

__all__ = ["ObservationIndex"]

_KEYS = ("OBSERVATION_ID", "ARRAY_ID", "SCAN_NUMBER", "FIELD_ID", "DATA_DESC_ID", "STATE_ID")


class ObservationIndex:
    """The combinations of IDs that occur in the rows of a MeasurementSet.

    Parameters
    ----------
    path : str
        Opened for the time of each read only.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        with MeasurementSet(path) as ms:
            self.nrow = ms.nrow
            self.time_frame = ms.time_frame
        self.metadata = MsMetadata(path)

    def column(self, name: str, rows: np.ndarray | None = None) -> np.ndarray:
        """A column of the main table, of all rows or of some."""
        if rows is None:
            return self.columns(name)[0]
        with MeasurementSet(self.path) as ms:
            return np.asarray(ms.read(name, rows))

    def columns(self, *names: str) -> list[np.ndarray]:
        """Whole columns of the main table, opened once."""
        with MeasurementSet(self.path) as ms:
            return [np.asarray(ms.read(name)) for name in names]

    @cached_property
    def _grouped(self) -> tuple[np.ndarray, np.ndarray]:
        if not self.nrow:
            return np.zeros((0, 6), np.int64), np.zeros(0, np.int64)
        return unique_rows(self.columns(*_KEYS))

    @property
    def combos(self) -> np.ndarray:
        """ndarray (combo, 6): observation, array, scan, field, data description, state."""
        return self._grouped[0]

    @cached_property
    def spw_of_combo(self) -> np.ndarray:
        """Spectral window of each combination."""
        spws = np.array([d.spw for d in self.metadata.data_descriptions], dtype=np.int64)
        return spws[self.combos[:, 4]]

    @cached_property
    def time_s(self) -> np.ndarray:
        """TIME of each row, MJD seconds."""
        return self.column("TIME")

    def select(
        self,
        scan: int | None = None,
        field: int | None = None,
        spw: int | None = None,
        state: int | None = None,
        observation: int = -1,
        array: int = -1,
    ) -> np.ndarray:
        """Mask over the combinations; negative observation and array mean all."""
        c = self.combos
        mask = np.ones(len(c), bool)
        for column, wanted in ((2, scan), (3, field), (5, state)):
            if wanted is not None:
                mask &= c[:, column] == wanted
        if spw is not None:
            mask &= self.spw_of_combo == spw
        if observation >= 0:
            mask &= c[:, 0] == observation
        if array >= 0:
            mask &= c[:, 1] == array
        return mask

    def ids(self, column: str, mask: np.ndarray) -> list[int]:
        """Sorted unique IDs ("scan", "field", "state", "spw", "ddid", "observation", "array") of the combinations in a mask."""
        values = (
            self.spw_of_combo
            if column == "spw"
            else self.combos[:, {"observation": 0, "array": 1, "scan": 2, "field": 3, "ddid": 4, "state": 5}[column]]
        )
        return np.unique(values[mask]).tolist()

    def first_row(self, mask: np.ndarray) -> int | None:
        """The first row of the combinations in a mask; None where there are none."""
        rows = self._first_rows[mask]
        return int(rows.min()) if len(rows) else None

    @cached_property
    def _first_rows(self) -> np.ndarray:
        """The first row of each combination."""
        which = self._grouped[1]
        first = np.zeros(len(self.combos), np.int64)
        first[which[::-1]] = np.arange(self.nrow - 1, -1, -1)  # of several, the one written last stays
        return first

    @property
    def narray(self) -> int:
        """Number of arrays; only the one column is read for it."""
        if "_grouped" in self.__dict__:
            return len(np.unique(self.combos[:, 1]))
        ids = self.column("ARRAY_ID")
        return int(np.count_nonzero(np.bincount(ids - ids.min(initial=0)))) if len(ids) else 0

    def near(self, time_s: float, tolerance_s: float) -> np.ndarray:
        """Mask over the combinations: which have a row within a tolerance of a time, MJD seconds."""
        combo, begun_s, _ = self._times_of_combos
        mask = np.zeros(len(self.combos), bool)
        mask[combo[np.abs(begun_s - time_s) <= tolerance_s]] = True
        return mask

    def times(self, mask: np.ndarray) -> np.ndarray:
        """Sorted unique times of the combinations in a mask."""
        return np.unique(self.times_and_rows(mask)[1])

    @cached_property
    def _times_of_combos(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Distinct combination and time, sorted, and the number of rows of each: far fewer than rows as a rule."""
        time_s, which = self.time_s, self._grouped[1]
        if not self.nrow:
            return which, time_s, which
        begins = np.ones(self.nrow, bool)
        begins[1:] = (time_s[1:] != time_s[:-1]) | (which[1:] != which[:-1])
        first = np.flatnonzero(begins)
        order = np.lexsort((time_s[first], which[first]))
        combo, begun_s, count = which[first][order], time_s[first][order], np.diff(first, append=self.nrow)[order]
        new = np.flatnonzero(np.concatenate([[True], (combo[1:] != combo[:-1]) | (begun_s[1:] != begun_s[:-1])]))
        return combo[new], begun_s[new], np.add.reduceat(count, new)

    def times_and_rows(self, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Combination, time and number of rows, for each time of each combination in a mask."""
        combo, time_s, count = self._times_of_combos
        parts = np.searchsorted(combo, np.flatnonzero(mask)), np.searchsorted(combo, np.flatnonzero(mask), side="right")
        at = np.concatenate([np.zeros(0, np.int64), *(np.arange(low, high) for low, high in zip(*parts))])
        return combo[at], time_s[at], count[at]

    def antennas(self, mask: np.ndarray) -> list[int]:
        """Sorted antennas of the combinations in a mask."""
        return np.flatnonzero(self._antennas_of_combo[mask].any(axis=0)).tolist()  # type: ignore[no-any-return]

    @cached_property
    def _antennas_of_combo(self) -> np.ndarray:
        """ndarray (combo, ant) bool: which antennas occur in each combination."""
        which, _ = self._pairs
        present = np.zeros((len(self.combos), max([len(self.metadata.antennas), int(which[:, 1:].max(initial=-1)) + 1])), bool)
        for antenna in which.T[1:]:
            present[which[:, 0], antenna] = True
        return present

    @cached_property
    def _pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """Distinct combination, first and second antenna, int64 (pair, 3), and the number of rows of each, int64 (pair,)."""
        pairs, which = unique_rows([self._grouped[1], *self.columns("ANTENNA1", "ANTENNA2")])
        return pairs, np.bincount(which, minlength=len(pairs))

    @property
    def autocorrelation_rows(self) -> int:
        """Number of rows of one antenna with itself."""
        pairs, count = self._pairs
        return int(count[pairs[:, 1] == pairs[:, 2]].sum())

    def intents(self, mask: np.ndarray) -> list[str]:
        """Sorted intents of the combinations in a mask."""
        states = self.metadata.states
        return sorted({i for s in self.ids("state", mask) if 0 <= s < len(states) for i in states[s].intents})

    def states_with_intent(self, matches: object) -> list[int]:
        """States with an intent in the given collection."""
        wanted = set(matches)  # type: ignore[call-overload]
        return [s.id for s in self.metadata.states if wanted & set(s.intents)]

    @cached_property
    def baselines(self) -> np.ndarray:
        """ndarray (ant, ant) bool, symmetric: which pairs occur."""
        n = len(self.metadata.antennas)
        if "_pairs" in self.__dict__:
            _, one, two = self._pairs[0].T
        else:
            one, two = unique_rows(self.columns("ANTENNA1", "ANTENNA2"))[0].T
        matrix = np.zeros((n, n), bool)
        matrix[one, two] = True
        return matrix | matrix.T

    @cached_property
    def unflagged(self) -> np.ndarray:
        """Unflagged fraction of each row."""
        from casatools.information.observation_summary import unflagged_rows

        with MeasurementSet(self.path) as ms:
            return unflagged_rows(ms, Selection().resolve(ms))
