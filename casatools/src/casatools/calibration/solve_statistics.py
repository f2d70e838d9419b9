"""Counts of solutions: the solvestats of gaincal and bandpass."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from casatools.calibration.solve_gains import Solutions

__all__ = ["SolveStatistics"]

_STAGES = ("expected", "data_unflagged", "above_minblperant", "above_minsnr")


@dataclass
class SolveStatistics:
    """Solution intervals by spectral window: how many were expected, had data, had baselines, had signal.

    Attributes
    ----------
    npar, nant : int
    windows : dict
        ``{spw: {stage: (par,) int, "ant": {stage: (ant, par) int}, "used_as_refant": (ant,) int}}``.
    """

    npar: int
    nant: int
    windows: dict[int, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def empty(cls, npar: int, nant: int) -> SolveStatistics:
        """No counts yet."""
        return cls(npar, nant)

    @property
    def any_data(self) -> bool:
        """Whether any interval had unflagged data."""
        return any(w["data_unflagged"].any() for w in self.windows.values())

    def add(self, spw: int, solved: Solutions, mine: np.ndarray) -> None:
        """Count the intervals `mine` of some solutions."""
        if spw not in self.windows:
            self.windows[spw] = {
                **{s: np.zeros(self.npar, dtype=np.int64) for s in _STAGES},
                "ant": {s: np.zeros((self.nant, self.npar), dtype=np.int64) for s in _STAGES},
                "used_as_refant": np.zeros(self.nant, dtype=np.int64),
            }
        window = self.windows[spw]
        stages = {
            "expected": np.ones_like(solved.has_data[mine]), "data_unflagged": solved.has_data[mine],
            "above_minblperant": solved.connected[mine], "above_minsnr": solved.significant[mine],
        }  # fmt: skip
        for name, value in stages.items():
            window[name] += value.any(axis=1).sum(axis=0)
            window["ant"][name] += value.sum(axis=0)

    def count_refants(self, spw: int, refant: np.ndarray) -> None:
        """Count how often each antenna was the reference."""
        self.windows[spw]["used_as_refant"] += np.bincount(refant[refant >= 0], minlength=self.nant)

    def record(self) -> dict[str, Any]:
        """The dictionary that the tasks return."""
        out: dict[str, Any] = {}
        for stage in _STAGES:
            out[stage] = sum((w[stage] for w in self.windows.values()), np.zeros(self.npar, dtype=np.int64))
        for spw, window in sorted(self.windows.items()):
            entry: dict[str, Any] = {stage: window[stage] for stage in _STAGES}
            for antenna in range(self.nant):
                entry[f"ant{antenna}"] = {
                    **{stage: window["ant"][stage][antenna] for stage in _STAGES},
                    "used_as_refant": window["used_as_refant"][antenna : antenna + 1],
                }
            out[f"spw{spw}"] = entry
        return out
