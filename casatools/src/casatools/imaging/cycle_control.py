"""When to stop, and how deep each minor cycle goes.

References
----------
"Iteration control", CASA documentation of tclean: cycle thresholds, stop codes and the returned record.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from casatools._base.errors import ParameterError

__all__ = ["FORCE_STOP", "STOP_DESCRIPTIONS", "ZERO_MASK", "CycleControl", "CycleOptions"]

FORCE_STOP, ZERO_MASK = 3, 7
_STATE = (
    "done",
    "majors",
    "cycle_threshold",
    "at_threshold",
    "major_at",
    "previous_peak",
    "least_peak",
    "last_minor",
    "_minor_cycles",
)

STOP_DESCRIPTIONS: dict[int, str] = {
    0: "global stopping criterion not reached",
    1: "iteration limit",
    2: "threshold",
    3: "force stop",
    4: "no change in peak residual across two major cycles",
    5: "peak residual increased by more than 3 times from the previous major cycle",
    6: "peak residual increased by more than 3 times from the minimum reached",
    7: "zero mask",
    8: "any combination of n-sigma and other valid exit criterion",
    9: "reached nmajor",
}


@dataclass(frozen=True)
class CycleOptions:
    """Limits of a deconvolution.

    Attributes
    ----------
    niter, cycleniter : int
        Iterations in all and in one minor cycle of a plane; not positive for no limit on the latter.
    threshold_jy, nsigma : float
    cyclefactor, minpsffraction, maxpsffraction : float
    nmajor : int
        Most major cycles with a minor one before them; -1 for no limit.
    gain : float
    full_summary : bool
    """

    niter: int = 0
    cycleniter: int = -1
    threshold_jy: float = 0.0
    nsigma: float = 0.0
    cyclefactor: float = 1.0
    minpsffraction: float = 0.05
    maxpsffraction: float = 0.8
    nmajor: int = -1
    gain: float = 0.1
    full_summary: bool = False

    def __post_init__(self) -> None:
        given = {
            "threshold": self.threshold_jy, "nsigma": self.nsigma, "cyclefactor": self.cyclefactor,
            "minpsffraction": self.minpsffraction, "maxpsffraction": self.maxpsffraction,
        }  # fmt: skip
        for name, value in given.items():
            if np.isnan(value):
                raise ParameterError(f"parameter {name!r} must be a number; got {value}")
        if self.nmajor < -1:
            raise ParameterError(f"parameter 'nmajor' must be -1 for no limit, or not negative; got {self.nmajor}")


@dataclass
class CycleControl:
    """The state of the loop and its record.

    Attributes
    ----------
    options : CycleOptions
    sidelobe : float
        Greatest sidelobe of the point spread functions of all planes.
    at : int
        Iterations counted while a minor cycle goes over planes.
    interactive : bool
        A person steers.
    at_threshold : bool
        The last minor cycle went down to the threshold of the run, which masks made from the residuals ask for.
    """

    options: CycleOptions
    sidelobe: float = 0.0
    done: int = 0
    majors: int = 0
    cycle_threshold: float = 0.0
    stop_code: int = 0
    major_at: list[int] = field(default_factory=list)
    minor: dict[int, dict[int, dict[int, dict[str, list[float]]]]] = field(default_factory=dict)
    previous_peak: float = -1.0
    least_peak: float = -1.0
    last_minor: int = 0
    at: int = 0
    interactive: bool = False
    at_threshold: bool = False
    _minor_cycles: int = 0

    def begin_minor(self, peak: float) -> float:
        """Set and return the threshold of the next minor cycle, from the peak residual of all planes."""
        depth = self.note_depth(peak)
        self.at_threshold = depth <= self.options.threshold_jy
        self.cycle_threshold = max(depth, self.options.threshold_jy)
        return self.cycle_threshold

    def note_depth(self, peak: float) -> float:
        """Keep for the record, and give, the depth that a next minor cycle would have without the threshold."""
        fraction = min(max(self.sidelobe * self.options.cyclefactor, self.options.minpsffraction), self.options.maxpsffraction)
        self.cycle_threshold = fraction * peak
        return self.cycle_threshold

    @property
    def cycle_niter(self) -> int:
        """Iterations that each plane may take in the next minor cycle."""
        left = max(0, self.options.niter - self.done)
        return left if self.options.cycleniter <= 0 else min(left, self.options.cycleniter)

    def after_major(self) -> None:
        """Count a major cycle."""
        self.majors += 1
        self.major_at.append(self.done)

    def add_plane(self, chan: int, stokes: int, entry: dict[str, float], image: int = 0) -> None:
        """Record what a minor cycle did on one plane of an image."""
        lists = self.minor.setdefault(image, {}).setdefault(chan, {}).setdefault(stokes, {})
        for key, value in entry.items():
            lists.setdefault(key, []).append(float(value))

    def after_minor(self, count: int) -> None:
        """Count a minor cycle over all planes."""
        self.done += count
        self.last_minor = count
        self._minor_cycles += 1

    def state(self) -> dict[str, Any]:
        """What `restore` takes: all counts and what was recorded, as JSON can hold them."""
        minor = [[i, c, s, entry] for i, chans in self.minor.items() for c, pols in chans.items() for s, entry in pols.items()]
        return {name: getattr(self, name) for name in _STATE} | {"minor": minor}

    def restore(self, state: dict[str, Any]) -> None:
        """Take up the counts of `state`."""
        for name in _STATE:
            setattr(self, name, state[name])
        self.minor = {}
        for image, chan, stokes, entry in state["minor"]:
            self.minor.setdefault(image, {}).setdefault(chan, {})[stokes] = entry

    def stops(self, peak: float, nsigma_reached: bool, mask_empty: bool) -> bool:
        """Decide whether to stop, given the peak residual in the masks after a major cycle; sets the stop code."""
        options = self.options
        if mask_empty:
            self.stop_code = ZERO_MASK
        elif self.done >= options.niter:
            self.stop_code = 1
        elif peak <= options.threshold_jy * 1.01:  # within one per cent counts as reached, as in the reference
            self.stop_code = 2
        elif nsigma_reached:
            self.stop_code = 8
        elif options.nmajor >= 0 and self._minor_cycles >= options.nmajor:
            self.stop_code = 9
        elif self.previous_peak > 0 and self._minor_cycles:
            if abs(self.previous_peak - peak) <= 1e-6 * abs(peak) and self.last_minor == 0:
                self.stop_code = 4
            elif peak > 3.0 * self.previous_peak:
                self.stop_code = 5
            elif peak > 3.0 * self.least_peak:
                self.stop_code = 6
        if mask_empty:
            return True  # there is no peak to compare later ones with
        self.previous_peak = peak
        self.least_peak = peak if self.least_peak < 0 else min(self.least_peak, peak)
        return self.stop_code != 0

    def record(self) -> dict[str, Any]:
        """The record that tclean returns."""
        options = self.options
        ran = options.niter > 0
        floats = {k: float(np.float32(v)) for k, v in (
            ("loopgain", options.gain), ("maxpsffraction", options.maxpsffraction), ("minpsffraction", options.minpsffraction),
            ("maxpsfsidelobe", self.sidelobe), ("cyclefactor", options.cyclefactor), ("cyclethreshold", self.cycle_threshold),
        )}  # fmt: skip
        found: dict[str, Any] = {
            "cleanstate": "running", "cyclefactor": floats["cyclefactor"], "cycleiterdone": 0, "cycleniter": min(options.cycleniter, options.niter) if options.cycleniter > 0 else options.niter,
            "cyclethreshold": floats["cyclethreshold"] if ran else 0, "interactiveiterdone": self._interactive(), "interactivemode": self.interactive,
            "interactiveniter": 0, "interactivethreshold": 0.0 if ran else 0, "iterdone": self.done, "loopgain": floats["loopgain"] if ran else 0,
            "maxpsffraction": floats["maxpsffraction"] if ran else 0, "maxpsfsidelobe": floats["maxpsfsidelobe"] if ran else 0,
            "minpsffraction": floats["minpsffraction"] if ran else 0, "niter": options.niter, "nmajordone": self.majors, "nsigma": float(options.nsigma),
            "stopDescription": STOP_DESCRIPTIONS[self.stop_code] if ran else "Zero iterations performed",
            "stopcode": self.stop_code if ran else 3, "summarymajor": np.array(self.major_at, dtype=np.int64),
            "summaryminor": {i: {c: {s: {k: _listed(k, vs, self._minor_cycles > 0) for k, vs in e.items()} for s, e in pols.items()} for c, pols in self._keyed(chans).items()} for i, chans in (self.minor or {0: {}}).items()},
            "threshold": float(np.float32(max(options.threshold_jy, 0.0))),
        }  # fmt: skip
        return found

    def _keyed(self, chans: dict[int, Any]) -> dict[int, Any]:
        """Planes as the record has them: without a full summary polarizations follow each other as further channels."""
        if self.options.full_summary or self.options.niter <= 0:
            return chans
        count = max(chans, default=0) + 1
        return dict(sorted((chan + count * pol, {0: entry}) for chan, pols in chans.items() for pol, entry in pols.items()))

    def _interactive(self) -> int:
        """Most iterations of one plane, summed over minor cycles: what the reference counts for interactive use."""
        if not self._minor_cycles:
            return 0
        most = [0.0] * self._minor_cycles
        entries = [entry for chans in self.minor.values() for pols in chans.values() for entry in pols.values()]
        for entry in entries:
            for k, n in enumerate(entry.get("iterDone", [])):
                most[k] = max(most[k], n)
        return int(sum(most))


def _listed(key: str, values: list[float], ran: bool) -> list[Any]:
    """Values of a record, of the kinds that the reference gives: plain numbers where no minor cycle ran."""
    if ran or key == "peakRes":
        return [np.float64(v) for v in values]
    return [int(v) if key == "modelFlux" else float(v) for v in values]
