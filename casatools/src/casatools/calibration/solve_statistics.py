"""Counts of solutions: the solvestats of gaincal and bandpass."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from casatools.calibration.solve_gains import Solutions

__all__ = ["SolveStatistics", "window_counts"]

_STAGES = ("expected", "data_unflagged", "above_minblperant", "above_minsnr")


def window_counts(record: dict[str, Any]) -> dict[str, np.ndarray]:
    """Intervals (spw,) that were expected, had data and had baselines, of the receptor with most, as calibrater.activityrec names them."""
    windows = [record[f"spw{n}"] for n in range(sum(k.startswith("spw") for k in record))]
    names = {"nExpected": "expected", "nAttempt": "data_unflagged", "nSucceed": "above_minblperant"}
    return {new: np.array([w[stage].max() for w in windows]) for new, stage in names.items()} if windows else {}


@dataclass
class SolveStatistics:
    """Solution intervals by spectral window: how many were expected, had data, had baselines, had signal.

    Attributes
    ----------
    npar, nant, nspw : int
        All spectral windows are in the record, with zeros where nothing was solved.
    present : ndarray (nant,) bool
        Antennas in the selection: of the others no solutions are expected.
    windows : dict
        ``{spw: {stage: (par,) int, "ant": {stage: (ant, par) int}, "used_as_refant": (ant,) int}}``.
    """

    npar: int
    nant: int
    nspw: int = 0
    present: np.ndarray | None = None
    windows: dict[int, dict[str, Any]] = field(default_factory=dict)

    @property
    def any_data(self) -> bool:
        """Whether any interval had unflagged data."""
        return any(w["data_unflagged"].any() for w in self.windows.values())

    def add(self, spw: int, solved: Solutions, mine: np.ndarray) -> None:
        """Count the intervals `mine` of some solutions."""
        window = self.windows.setdefault(spw, self._zeros())
        expected = np.ones_like(solved.has_data[mine])
        if self.present is not None:
            expected &= self.present[:, None]
        stages = {
            "expected": expected, "data_unflagged": solved.has_data[mine],
            "above_minblperant": solved.connected[mine], "above_minsnr": solved.significant[mine],
        }  # fmt: skip
        for name, value in stages.items():
            window[name] += value.any(axis=1).sum(axis=0)
            window["ant"][name] += value.sum(axis=0)

    def _zeros(self) -> dict[str, Any]:
        return {
            **{s: np.zeros(self.npar, dtype=np.int64) for s in _STAGES},
            "ant": {s: np.zeros((self.nant, self.npar), dtype=np.int64) for s in _STAGES},
            "used_as_refant": np.zeros(self.nant, dtype=np.int64),
        }

    def count_refants(self, spw: int, refant: np.ndarray) -> None:
        """Count how often each antenna was the reference."""
        self.windows[spw]["used_as_refant"] += np.bincount(refant[refant >= 0], minlength=self.nant)

    def record(self) -> dict[str, Any]:
        """The dictionary that the tasks return."""
        out: dict[str, Any] = {}
        for stage in _STAGES:
            out[stage] = sum((w[stage] for w in self.windows.values()), np.zeros(self.npar, dtype=np.int64))
        for spw in sorted({*self.windows, *range(self.nspw)}):
            window = self.windows.get(spw) or self._zeros()
            entry: dict[str, Any] = {stage: window[stage] for stage in _STAGES}
            for antenna in range(self.nant):
                entry[f"ant{antenna}"] = {
                    **{stage: window["ant"][stage][antenna] for stage in _STAGES},
                    "used_as_refant": window["used_as_refant"][antenna : antenna + 1],
                }
            out[f"spw{spw}"] = entry
        return out
