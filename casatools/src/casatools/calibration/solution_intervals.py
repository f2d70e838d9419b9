"""Solution intervals: what a solint says, and which rows of a selection belong to one solution."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from casatools._base.errors import ParameterError

__all__ = ["IntervalSet", "SolutionInterval", "assign_intervals", "parse_combine", "parse_solint", "solution_channels"]

_TIME_UNITS = {
    "": 1.0,
    "s": 1.0,
    "sec": 1.0,
    "second": 1.0,
    "seconds": 1.0,
    "min": 60.0,
    "m": 60.0,
    "h": 3600.0,
    "hr": 3600.0,
    "d": 86400.0,
}
_FREQUENCY_UNITS = {"hz": 1.0, "khz": 1e3, "mhz": 1e6, "ghz": 1e9}
_NUMBER = re.compile(r"^\s*([-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)\s*([A-Za-z]*)\s*$")
_COMBINE = {"obs": "obs", "scan": "scan", "field": "field", "spw": "spw", "corr": "corr"}
# Times closer than this belong to one integration [s].
_SAME_TIME_S = 1e-3
# A time this much before the end of an interval belongs to the next one: time stamps are not exact multiples [s].
_JITTER_S = 0.01


@dataclass(frozen=True)
class SolutionInterval:
    """A parsed solint.

    Attributes
    ----------
    time_s : float
        Length in time; infinity for all, 0 for each integration.
    nchan : int
        Channels to average for one solution (channelised solutions only); 0 is all, 1 each.
    width_hz : float
        The same as a bandwidth; 0 when given as channels.
    """

    time_s: float = np.inf
    nchan: int = 1
    width_hz: float = 0.0


def _refusal(given: Any) -> ParameterError:
    return ParameterError(
        f"parameter 'solint' must be 'inf', 'int', a time such as '60s' or '2min', and may end in ',4ch' or ',2MHz'; got {given!r}"
    )


def parse_solint(solint: Any) -> SolutionInterval:
    """Read a solint such as ``"inf"``, ``"int"``, ``"60s"``, ``30.0``, ``"inf,2ch"``, ``"60s,10MHz"``.

    Raises
    ------
    ParameterError
        It cannot be read.
    """
    if isinstance(solint, bool) or not isinstance(solint, (str, int, float)):
        raise _refusal(solint)
    text = str(solint)
    time_part, _, frequency_part = text.partition(",")
    time_s = _time(time_part, solint)
    nchan, width = _channels(frequency_part, solint)
    return SolutionInterval(time_s, nchan, width)


def _time(text: str, given: Any) -> float:
    word = text.strip().lower()
    if word in ("inf", "infinite", ""):
        return np.inf
    if word == "int":
        return 0.0
    match = _NUMBER.match(text)
    if match is None or match[2].lower() not in _TIME_UNITS:
        raise _refusal(given)
    value = float(match[1]) * _TIME_UNITS[match[2].lower()]
    return np.inf if value < 0 else value


def _channels(text: str, given: Any) -> tuple[int, float]:
    word = text.strip().lower()
    if not word:
        return 1, 0.0
    if word == "inf":
        return 0, 0.0
    match = _NUMBER.match(text)
    if match is None or float(match[1]) <= 0:
        raise _refusal(given)
    unit = match[2].lower()
    if unit in ("ch", ""):
        return max(1, int(float(match[1]))), 0.0
    if unit not in _FREQUENCY_UNITS:
        raise _refusal(given)
    return 1, float(match[1]) * _FREQUENCY_UNITS[unit]


def parse_combine(combine: str) -> frozenset[str]:
    """Read a combine such as ``"scan,spw"``.

    Raises
    ------
    ParameterError
        A word is unknown.
    """
    words = [w.strip().lower() for w in combine.replace(" ", ",").split(",") if w.strip()]
    if words == ["none"]:
        return frozenset()
    unknown = [w for w in words if w not in _COMBINE]
    if unknown:
        raise ParameterError(f"parameter 'combine' must be '' or any of obs, scan, spw, field joined by commas; got {combine!r}")
    return frozenset(words)


def solution_channels(interval: SolutionInterval, channels: np.ndarray, width_hz: np.ndarray) -> np.ndarray:
    """Solution channel of each selected channel.

    Parameters
    ----------
    interval : SolutionInterval
    channels : ndarray (chan,) int
        Selected channel numbers of the window.
    width_hz : ndarray (chan,)
        Widths of all channels of the window.

    Returns
    -------
    ndarray (chan,) int
        Counting selected channels: averages do not start anew at gaps.
    """
    count = len(channels)
    each = interval.nchan
    if interval.width_hz:
        each = max(1, int(interval.width_hz / abs(float(width_hz[0])) + 1e-6))
    return np.zeros(count, dtype=np.int64) if each == 0 else np.arange(count) // each


@dataclass(frozen=True)
class IntervalSet:
    """Which solution each row belongs to.

    Attributes
    ----------
    of_row : ndarray (row,) int64
        Interval of each row.
    spw, field, scan, observation : ndarray (interval,) int
        Spectral window of the solutions, and the scan and observation that are first in time, of the lowest field.
    count : ndarray (interval,) int
        Rows in each.
    start_s : ndarray (interval,) float64
        First time.
    """

    of_row: np.ndarray
    spw: np.ndarray
    field: np.ndarray
    scan: np.ndarray
    observation: np.ndarray
    count: np.ndarray
    start_s: np.ndarray

    def __len__(self) -> int:
        return len(self.count)


def assign_intervals(
    time_s: np.ndarray,
    spw: np.ndarray,
    field: np.ndarray,
    scan: np.ndarray,
    observation: np.ndarray,
    length_s: float,
    combine: frozenset[str],
) -> IntervalSet:
    """Divide rows into solution intervals.

    Parameters
    ----------
    time_s : ndarray (row,) float64
    spw, field, scan, observation : ndarray (row,) int
    length_s : float
        Infinity for all, 0 for each integration. Intervals count from the first time of what may be combined, and anew from the first time of a
        scan whose number does not follow the one before (a calibrator seen again) where the interval they count from has passed, as in the reference.
    combine : frozenset of {"obs", "scan", "field", "spw"}
        Boundaries that an interval may cross.

    Returns
    -------
    IntervalSet
        Intervals in the order of their spectral window and time.
    """
    window = np.full(len(spw), int(spw.min()) if len(spw) else 0) if "spw" in combine else spw
    keys = [values for name, values in (("obs", observation), ("scan", scan), ("field", field)) if name not in combine]
    order, new = _groups(time_s, window, keys)
    sorted_time = time_s[order]
    if np.isfinite(length_s):
        new |= _time_breaks(sorted_time, new, max(length_s, _SAME_TIME_S), _jumps(scan[order]))
    number = np.cumsum(new) - 1
    first = order[np.flatnonzero(new)]
    start = time_s[first]
    rank = np.lexsort((start, window[first]))
    place = np.empty(len(rank), dtype=np.int64)
    place[rank] = np.arange(len(rank))
    of_row = np.empty(len(order), dtype=np.int64)
    of_row[order] = place[number]
    chosen = first[rank]
    count = np.bincount(of_row, minlength=len(rank))
    named = chosen
    if "field" in combine:  # sources solved together go by the one of lowest number, as in the reference
        by_field = order[np.lexsort((field[order], number))]
        named = by_field[np.flatnonzero(new)][rank]
    return IntervalSet(of_row, window[chosen], field[named], scan[named], observation[named], count, time_s[chosen])


def _groups(time_s: np.ndarray, window: np.ndarray, keys: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Rows in the order of groups and time, and whether each is the first of a group.

    What must not be combined ends a group wherever it changes in time: a calibrator seen again after another source begins a new one,
    as in the reference. Sources seen at the same times form one group each.
    """
    label = np.zeros(len(time_s), dtype=np.int64)
    for key in keys:
        label = label * (int(key.max(initial=0)) + 2) + key
    order = np.arange(len(time_s))
    same = np.diff(time_s) == 0
    if (np.diff(window) != 0).any() or (np.diff(time_s) < 0).any() or (np.diff(label)[same] != 0).any():
        order = np.lexsort((label, time_s, window))
    moved = _changes(order, window, label)
    if np.count_nonzero(moved & ~_changes(order, window, time_s)):
        order = np.lexsort((time_s, label, window))
        moved = _changes(order, window, label)
    return order, moved


def _changes(order: np.ndarray, *keys: np.ndarray) -> np.ndarray:
    """Whether each row in some order differs from the one before in any key."""
    new = np.zeros(len(order), dtype=bool)
    new[:1] = True
    for key in keys:
        new[1:] |= key[order][1:] != key[order][:-1]
    return new


def _jumps(scan: np.ndarray) -> np.ndarray:
    """Whether each row is of another scan than the row before, and not of the next."""
    jump = np.zeros(len(scan), dtype=bool)
    step = np.diff(scan)
    jump[1:] = (step != 0) & (step != 1)
    return jump


def _time_breaks(time_s: np.ndarray, new: np.ndarray, length_s: float, jump: np.ndarray) -> np.ndarray:
    """Where intervals of a given length begin, in rows sorted by group and time; they may count anew from a `jump`."""
    breaks = np.zeros(len(time_s), dtype=bool)
    edges = np.append(np.flatnonzero(new), len(time_s))
    for low, high in itertools.pairwise(edges):
        part = time_s[low:high]
        if length_s <= _SAME_TIME_S:
            breaks[low + 1 : high] = np.diff(part) > _SAME_TIME_S
            continue
        begins = [0]
        for k in np.flatnonzero(jump[low:high]).tolist():
            if part[k] - part[begins[-1]] + _JITTER_S >= length_s:
                begins.append(k)
        for begin, end in itertools.pairwise([*begins, len(part)]):
            number = np.floor((part[begin:end] - part[begin] + _JITTER_S) / length_s)
            breaks[low + begin] = True
            breaks[low + begin + 1 : low + end] = np.diff(number) > 0
    return breaks
