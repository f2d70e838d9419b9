"""Which shape of cell rows have, as runs of rows of one shape: a few numbers for any number of rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["CellRuns"]


@dataclass(frozen=True)
class CellRuns:
    """Runs of rows that follow each other.

    Attributes
    ----------
    last, kind : ndarray (run,) int64
        Last row of each run, and what its cells are; neighbours differ.
    """

    last: np.ndarray
    kind: np.ndarray

    @classmethod
    def of_lengths(cls, kinds: Sequence[int] | np.ndarray, lengths: Sequence[int] | np.ndarray) -> CellRuns:
        """Runs by what they are and how many rows they have."""
        kind, length = (np.asarray(v, dtype=np.int64) for v in (kinds, lengths))
        kind, last = kind[length > 0], np.cumsum(length)[length > 0] - 1
        ends = np.append(kind[1:] != kind[:-1], True) if len(kind) else np.zeros(0, bool)
        return cls(last[ends], kind[ends])

    @classmethod
    def of_rows(cls, which: np.ndarray) -> CellRuns:
        """Runs of rows of which each one's kind is given."""
        return cls.of_lengths(which, np.ones(len(which), np.int64))

    @property
    def nrow(self) -> int:
        """Rows of all runs."""
        return int(self.last[-1]) + 1 if len(self.last) else 0

    @property
    def lengths(self) -> np.ndarray:
        """Rows of each run."""
        return np.diff(self.last, prepend=-1)

    def counts(self, number: int) -> np.ndarray:
        """Rows of each kind: ndarray (number,) int64."""
        out = np.zeros(number, np.int64)
        np.add.at(out, self.kind, self.lengths)
        return out

    def places(self) -> np.ndarray:
        """How many rows of the same kind come before the last of each run: ndarray (run,) int64."""
        out, lengths = np.empty(len(self.last), np.int64), self.lengths
        for kind in np.unique(self.kind):
            here = self.kind == kind
            out[here] = np.cumsum(lengths[here]) - 1
        return out

    def mapped(self, kinds: np.ndarray) -> CellRuns:
        """The same rows with other numbers for what they are, one for each of the old."""
        return self.of_lengths(kinds[self.kind], self.lengths)

    def followed_by(self, other: CellRuns) -> CellRuns:
        """These rows and then others."""
        return self.of_lengths(np.concatenate([self.kind, other.kind]), np.concatenate([self.lengths, other.lengths]))
