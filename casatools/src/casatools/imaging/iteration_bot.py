"""The bookkeeper of imaging loops that people write themselves: it is told what minor and major cycles did, and says when to stop.

References
----------
"Iteration control", CASA documentation of tclean: cycle thresholds, stop codes and records.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from casatools._base.errors import ParameterError
from casatools.imaging.cycle_control import CycleOptions
from casatools.imaging.request import jansky

__all__ = ["IterationBot"]

_ROWS = 6  # iterations, peak, model flux, cycle threshold, image number, channel (with polarization) of each plane
# Further: channel and polarization apart, iterations before the cycle and before the plane, peak, model flux and peak without mask before, that
# without mask after, pixels of the mask, 0, 0, stop code.
_ROWS_FULL = 17
_CYCLE_START, _PLANE_START = 7, 8
_NAMES = {
    "niter": "niter", "cycleniter": "cycleniter", "threshold": "threshold_jy", "nsigma": "nsigma", "cyclefactor": "cyclefactor",
    "minpsffraction": "minpsffraction", "maxpsffraction": "maxpsffraction", "nmajor": "nmajor", "loopgain": "gain", "fullsummary": "full_summary",
}  # fmt: skip
# Not for the bookkeeper: what the rest of a loop is set up with.
_FOR_OTHERS = frozenset(
    ("interactive", "savemodel", "allimages", "restart", "imagename", "nterms", "deconvolver", "multiterm", "interactivemode")
)


class IterationBot:
    """Limits, what was done, and the decision to stop.

    Attributes
    ----------
    options : CycleOptions
    stop_asked : bool
        Somebody wants the loop to end.
    """

    def __init__(self) -> None:
        self.options = CycleOptions()
        self.stop_asked = False
        self.done = self.cycle_done = self.planes_done = self.majors = 0
        self.stop_code = 0
        self._major_at: list[int] = []
        self._minor: list[np.ndarray] = []
        self._last_peak = -1.0
        self._done_at_last_check = 0
        self.reset_cycle()

    def reset_cycle(self) -> None:
        """Forget what the images said at the beginning of a minor cycle."""
        self.cycle_done = 0
        self.peak = 0.0
        self.sidelobe = 0.0
        self.nsigma_threshold = 0.0
        self.mask_sum = -1.0
        self.cycle_threshold = 0.0
        self._done_at_cycle = self.done

    def setup(self, given: Mapping[str, Any]) -> None:
        """Take limits; those not named stay as they are.

        Raises
        ------
        ParameterError
            A value is of the wrong kind or out of range, or there is no such limit.
        """
        found: dict[str, Any] = {}
        for name, value in given.items():
            if name in _FOR_OTHERS:
                continue
            target = _NAMES.get(name)
            if target is None:
                raise ParameterError(f"iteration control has no limit {name!r}; there are {', '.join(_NAMES)}")
            try:
                kind = type(getattr(CycleOptions, target))
                found[target] = jansky(value) if name == "threshold" else kind(value)
            except (TypeError, ValueError) as error:
                raise ParameterError(f"iteration control: {name!r} must be a number; got {value!r}") from error
        if found.get("niter", 0) < 0:
            raise ParameterError(f"iteration control: 'niter' must not be negative; got {found['niter']}")
        self.options = replace(self.options, **found)

    def merge_init(self, record: Mapping[str, Any], number: int) -> None:
        """Take what an image says before its minor cycle: peak, sidelobe, noise, mask.

        Raises
        ------
        ParameterError
            The record lacks one of these.
        """
        try:
            peak, sidelobe = float(record["peakresidual"]), float(record["maxpsfsidelobe"])
            threshold, mask_sum = float(record["nsigmathreshold"]), float(record["masksum"])
        except KeyError as error:
            raise ParameterError(
                f"the record of image {number} has no field {error.args[0]!r}: give what initminorcycle returned"
            ) from error
        self.peak, self.sidelobe = max(self.peak, peak), max(self.sidelobe, sidelobe)
        self.nsigma_threshold = max(self.nsigma_threshold, threshold)
        self.mask_sum = mask_sum if self.mask_sum < 0 else self.mask_sum + max(mask_sum, 0.0)
        options = self.options
        fraction = min(max(self.sidelobe * options.cyclefactor, options.minpsffraction), options.maxpsffraction)
        self.cycle_threshold = max(fraction * self.peak, options.threshold_jy)

    def merge_exec(self, record: Mapping[str, Any], number: int) -> None:
        """Take what a minor cycle did on an image.

        Raises
        ------
        ParameterError
            The record lacks a field.
        """
        try:
            done, most, summary = (
                int(record["iterdone"]),
                int(record["maxcycleiterdone"]),
                np.array(record["summaryminor"], np.float64),
            )
        except KeyError as error:
            raise ParameterError(
                f"the record of image {number} has no field {error.args[0]!r}: give what executeminorcycle returned"
            ) from error
        self.done += done
        self.cycle_done = max(self.cycle_done, most)
        self.planes_done += most
        if summary.ndim == 2 and summary.shape[0] > 4:
            summary[4] = number
        if summary.ndim == 2 and summary.shape[0] == _ROWS_FULL:
            summary[_CYCLE_START] += self._done_at_cycle
            summary[_PLANE_START] += self.done - done
        self._minor.append(summary)

    def end_major(self) -> None:
        """Count a major cycle."""
        self.majors += 1
        self._major_at.append(self.done)
        self.reset_cycle()

    @property
    def limit(self) -> float:
        """Threshold of the next minor cycle."""
        return max(self.cycle_threshold, self.options.threshold_jy)

    @property
    def cycle_niter(self) -> int:
        """Iterations that a minor cycle may take, whatever is left of all of them."""
        options = self.options
        return options.niter if options.cycleniter < 0 else options.cycleniter

    def controls(self) -> dict[str, Any]:
        """What a minor cycle is to be run with."""
        options = self.options
        return {
            "cycleniter": max(0, min(self.cycle_niter, options.niter - self.done)), "cyclethreshold": float(np.float32(self.limit)),
            "loopgain": float(np.float32(options.gain)), "nsigma": float(options.nsigma),
            "thresholdreached": bool(self.cycle_threshold <= options.threshold_jy),
        }  # fmt: skip

    def complete(self, major_limit_reached: bool = False, final: bool = False) -> int:
        """The stop code; 0 to go on. A `final` check after the last major cycle is not what later ones are compared with."""
        options, code = self.options, 0
        if self.done >= options.niter:
            code = 1
        if self.peak <= options.threshold_jy * 1.01:  # within one per cent counts as reached, as in the reference
            code = 2
        elif not code and self.peak <= self.nsigma_threshold:
            code = 8
        if not code and self._last_peak > 0 and self.done > self._done_at_last_check:
            if abs(self._last_peak - self.peak) <= 1e-6 * self.peak:
                code = 4
            elif self.peak > 4.0 * self._last_peak:
                code = 5
        if self.mask_sum == 0:
            code = 7
        if not code and major_limit_reached:
            code = 9
        if self.stop_asked:
            code = 3
        if not final and (self.done > self._done_at_last_check or self._last_peak < 0):
            self._last_peak, self._done_at_last_check = self.peak, self.done
        self.stop_code = code
        return code

    def record(self) -> dict[str, Any]:
        """State and history."""
        options = self.options
        floats = {
            "cyclefactor": options.cyclefactor, "cyclethreshold": self.cycle_threshold, "loopgain": options.gain, "maxpsffraction": options.maxpsffraction,
            "maxpsfsidelobe": self.sidelobe, "minpsffraction": options.minpsffraction, "nsigma": options.nsigma, "threshold": options.threshold_jy,
        }  # fmt: skip
        rows = _ROWS_FULL if options.full_summary else _ROWS
        minor = [m for m in self._minor if m.ndim == 2 and m.size]
        return {name: float(np.float32(value)) for name, value in floats.items()} | {
            "cleanstate": "stopped" if self.stop_asked else "running", "cycleiterdone": self.cycle_done, "cycleniter": self.cycle_niter,
            "interactiveiterdone": self.planes_done, "interactivemode": False, "interactiveniter": 0, "interactivethreshold": 0.0, "iterdone": self.done,
            "niter": options.niter, "nmajordone": self.majors, "stopcode": self.stop_code, "summarymajor": np.array(self._major_at, np.int64),
            "summaryminor": np.concatenate(minor, axis=1) if minor else np.zeros((rows, 0)),
        }  # fmt: skip
