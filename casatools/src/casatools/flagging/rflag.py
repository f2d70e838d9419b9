"""RFlag: flags where the local scatter in time or the departure from the median spectrum is large.

References
----------
E. Greisen, AIPS RFLAG (AIPS Memo and help file); CASA documentation of flagdata mode='rflag'.
"""

from __future__ import annotations

import ast
import os
from typing import Any

import numpy as np

from casatools._base.errors import ParameterError
from casatools.flagging.agents import FlagChunk
from casatools.flagging.detecting import DetectingAgent, Layout, packed, spread

__all__ = ["RflagAgent", "middle_value", "read_thresholds", "robust_level"]

# Pieces that sums over rows are made in, so that they do not depend on the number of threads.
_BLOCKS = 16


def read_thresholds(given: Any, name: str) -> float | dict[tuple[int, int], float] | None:
    """Thresholds as a number, as ``[[field, spw, value], ...]``, as a report, or as a file that holds one; None means automatic.

    Raises
    ------
    ParameterError
    """
    value = given
    if isinstance(value, str):
        if not value.strip():
            return None
        if not os.path.isfile(value):
            raise ParameterError(f"flagging: parameter {name!r} must be a number, a list or a file that exists; got {value!r}")
        with open(value, encoding="utf-8") as stream:
            value = ast.literal_eval(stream.read().strip())
    if isinstance(value, dict):
        value = value.get(name, [])
    if isinstance(value, (int, float)):
        return float(value) if value > 0 else None
    table = np.atleast_2d(np.asarray(value, dtype=np.float64))
    if table.size == 0:
        return None
    if table.shape == (1, 1):
        return float(table[0, 0])
    if table.shape[1] != 3:
        raise ParameterError(f"flagging: parameter {name!r} must hold rows of [field, spw, threshold]; got {given!r}")
    return {(int(f), int(s)): float(v) for f, s, v in table}


class RflagAgent(DetectingAgent):
    """Flags by local scatter in time, and by departure from the median spectrum.

    Notes
    -----
    *Time*: the complex standard deviation of each window of `winsize` times (an even size counts as the next smaller odd one), per
    baseline, channel and product. *Frequency*: the departures of real and imaginary part from their medians over channels, per
    time, baseline and product. Both are averaged per channel over all that a piece (`ntime`) holds; the threshold is the median
    over channels of the averages plus 1.4826 times their median absolute deviation. All times of a window that scatters more than
    `timedevscale` times the threshold are flagged, and samples whose real or imaginary part departs by more than `freqdevscale`
    times the threshold. The thresholds reported are those of everything seen, as in AIPS' two passes.
    """

    of_whole_groups = True

    def prepare(self) -> None:
        super().prepare()
        self.timedev = read_thresholds(self.options["timedev"], "timedev")
        self.freqdev = read_thresholds(self.options["freqdev"], "freqdev")
        self.half = max(0, (int(self.options["winsize"]) - 1) // 2)
        # What a survey has found in each piece that comes in parts: (sum, count) per channel.
        self.surveyed: dict[tuple[str, int], tuple[np.ndarray, np.ndarray]] = {}
        self.surveying = False
        # (sum, count) per channel for each field and spectral window.
        self.seen: dict[str, dict[tuple[int, int], tuple[np.ndarray, np.ndarray]]] = {"timedev": {}, "freqdev": {}}

    def survey(self, piece: FlagChunk) -> None:
        """Look at a part of a piece before the flags of any part are set: the thresholds are those of all baselines."""
        self.surveying = True
        self.apply(piece)
        self.surveying = False

    def detect(self, values: np.ndarray, hidden: np.ndarray, layout: Layout) -> np.ndarray:
        from casatools.kernels import rflag as loops

        values = np.ascontiguousarray(values, dtype=np.complex64)
        nrow, nchan, nproduct = values.shape
        index = packed(layout.index)
        nbaseline = index.shape[0]
        missing = np.isfinite(values)
        np.logical_not(missing, out=missing)
        hidden = np.logical_or(missing, hidden, out=missing)
        total, count = np.zeros((nbaseline, nchan)), np.zeros((nbaseline, nchan), np.int64)
        scatter = np.zeros(values.shape, np.float32)
        spread(lambda span: loops.sum_windows(values, hidden, index, self.half, span, total, count, scatter), nbaseline)
        time_limit = self._limit("timedev", self.timedev, layout, total, count)
        centre = np.zeros((nrow, nproduct, 2))
        total, count = np.zeros((_BLOCKS, nchan)), np.zeros((_BLOCKS, nchan), np.int64)

        def depart(span: tuple[int, int]) -> None:
            for k in range(*span):
                rows = (k * nrow // _BLOCKS, (k + 1) * nrow // _BLOCKS)
                loops.sum_spectra(values, hidden, rows, centre, total[k], count[k])

        spread(depart, _BLOCKS)
        freq_limit = self._limit("freqdev", self.freqdev, layout, total, count)
        if self.surveying:
            return np.zeros(values.shape, bool)
        bad = np.zeros(values.shape, bool)
        spread(lambda span: loops.flag_windows(scatter, index, self.half, span, time_limit, bad), nbaseline)
        low, high = float(self.options["spectralmin"]), float(self.options["spectralmax"])
        spread(lambda span: loops.flag_departures(values, hidden, centre, span, freq_limit, low, high, bad), nrow)
        # A Stokes parameter of which one correlation is flagged is not there to be flagged.
        return np.greater(bad, hidden, out=bad)

    def _limit(self, name: str, given: Any, layout: Layout, total: np.ndarray, count: np.ndarray) -> float:
        """The threshold of this piece times its scale; what was seen is added to the report's."""
        sums = total.sum(axis=0), count.sum(axis=0)
        place = name, self.number
        if self.surveying:
            before = self.surveyed.get(place)
            self.surveyed[place] = sums if before is None else (before[0] + sums[0], before[1] + sums[1])
            return np.inf
        key = layout.field, layout.spw
        held = self.seen[name].get(key)
        same = held is not None and held[0].shape == sums[0].shape
        self.seen[name][key] = (held[0] + sums[0], held[1] + sums[1]) if held is not None and same else sums
        scale = float(self.options[f"{name}scale"])
        sums = self.surveyed.get(place, sums)
        if isinstance(given, dict):
            given = given.get(key)
        return scale * (robust_level(*sums) if given is None else float(given))

    def finish(self) -> dict[str, Any]:
        """Thresholds found, those given in rows in their places: [field, spw, threshold]; none where one number was given."""
        record: dict[str, Any] = {"name": "Rflag", "type": "rflag"}
        for name, given in (("timedev", self.timedev), ("freqdev", self.freqdev)):
            levels = {} if isinstance(given, float) else {key: robust_level(*sums) for key, sums in self.seen[name].items()}
            levels.update(given if isinstance(given, dict) else {})
            record[name] = np.array([[*key, level] for key, level in sorted(levels.items())], np.float64).reshape(-1, 3)
        return dict(sorted(record.items()))


def robust_level(total: np.ndarray, count: np.ndarray) -> float:
    """Median over channels of the averages plus 1.4826 times their median absolute deviation; channels without data count as 0.

    Parameters
    ----------
    total : ndarray (chan,) float64
    count : ndarray (chan,) int64

    Returns
    -------
    float
    """
    averages = total / np.maximum(count, 1)
    middle = middle_value(averages)
    return middle + 1.4826 * middle_value(np.abs(averages - middle))


def middle_value(values: np.ndarray) -> float:
    """The median as casacore takes it: of an even number above 100 the lower middle value.

    Parameters
    ----------
    values : ndarray (n,)

    Returns
    -------
    float
    """
    if values.size % 2 == 0 and values.size > 100:
        return float(np.partition(values, values.size // 2 - 1)[values.size // 2 - 1])
    return float(np.median(values))
