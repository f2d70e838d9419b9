"""Time and uv-distance expressions.

Times are ``[YYYY/MM/DD/][[HH:]MM:]SS[.s]``; missing or ``*`` parts come from the first row of the MeasurementSet. The ends of ranges belong to
them, and ``>`` and ``<`` leave out the time they name, whatever the last digits of a time in the data are rounded to.
"""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from casatools._base.constants import SPEED_OF_LIGHT_M_S
from casatools.io.ms.selection_grammar import Refusal, split_top

__all__ = ["TimeItem", "UvItem", "parse_time", "parse_uv", "time_bounds", "time_mask", "uv_mask"]

_MJD_ORIGIN = datetime.date(1858, 11, 17)
# Seconds since 1858 are known to a millionth in double precision, and sums of them to several: so near, times are the same.
_SAME_S = 1e-5


@dataclass(frozen=True)
class TimePoint:
    """A date and clock time with None for what is left open."""

    date: tuple[int | None, int | None, int | None] | None
    clock: tuple[int | None, int | None, float | None] | None


@dataclass(frozen=True)
class TimeItem:
    """One item: ``kind`` is at, between, edges (bracketed range), plus, after or before."""

    kind: str
    start: TimePoint
    end: TimePoint | None = None
    duration_s: float = 0.0


@dataclass(frozen=True)
class UvItem:
    """A range of uv distance in metres, or in wavelengths where `in_lambda`; `strict` excludes the ends."""

    low: float
    high: float
    in_lambda: bool
    strict: bool


def _clock(text: str, refuse: Refusal) -> tuple[int | None, int | None, float | None]:
    parts = text.split(":")
    if (
        len(parts) > 3
        or any(not re.fullmatch(r"\d+|\*", p) for p in parts[:-1])
        or not re.fullmatch(r"\d+(\.\d*)?|\*", parts[-1])
    ):
        raise refuse(f"{text!r} is not a time such as 09:30:00")
    values: list[float | None] = [None if p == "*" else float(p) for p in parts]
    missing: list[float | None] = [0.0] * (3 - len(values)) if parts != ["*"] else [None, None]
    values = missing + values
    hour, minute, second = values
    return (None if hour is None else int(hour), None if minute is None else int(minute), second)


def _point(text: str, refuse: Refusal) -> TimePoint:
    text = text.strip()
    if "/" not in text:
        if text == "*":
            return TimePoint(None, None)
        return TimePoint(None, _clock(text, refuse))
    parts = text.split("/")
    if len(parts) not in (3, 4) or any(not re.fullmatch(r"\d+|\*", p.strip()) for p in parts[:3]):
        raise refuse(f"{text!r} is not a date such as 1995/04/13, alone or followed by /09:30:00")
    year, month, day = (None if p.strip() == "*" else int(p) for p in parts[:3])
    if year is not None and year < 1858:
        raise refuse(f"the year {year} is out of range")
    return TimePoint((year, month, day), _clock(parts[3], refuse) if len(parts) == 4 else None)


@lru_cache(maxsize=4096)  # lists of many commands say the same again and again
def parse_time(text: str) -> tuple[TimeItem, ...]:
    """Parse a timerange expression; raise SelectionError where it cannot be read."""
    if not text.strip():
        return ()
    refuse = Refusal("time", text)
    out = []
    for part in split_top(text.replace("/", "\x00"), ","):  # slashes separate date parts here, not regular expressions
        item = part.replace("\x00", "/")
        edges = item.startswith("[") and item.endswith("]")
        body = item[1:-1].strip() if edges else item
        if not body:
            raise refuse("an item of the list is empty")
        if "~" in body:
            ends = body.split("~")
            if len(ends) != 2:
                raise refuse(f"{item!r} is not a range such as 09:30:00~10:00:00")
            out.append(TimeItem("edges" if edges else "between", _point(ends[0], refuse), _point(ends[1], refuse)))
        elif body[0] in "<>":
            out.append(TimeItem("after" if body[0] == ">" else "before", _point(body[1:], refuse)))
        elif "+" in body:
            start, _, duration = body.partition("+")
            hour, minute, second = _clock(duration.strip(), refuse)
            length = (hour or 0) * 3600.0 + (minute or 0) * 60.0 + (second or 0.0)
            out.append(TimeItem("plus", _point(start, refuse), None, length))
        else:
            out.append(TimeItem("at", _point(body, refuse)))
    return tuple(out)


def _mjd_s(point: TimePoint, default_s: float, fill_clock: bool, refuse: Refusal) -> float:
    """MJD seconds of a point; open parts are taken from `default_s`."""
    day = _MJD_ORIGIN + datetime.timedelta(days=int(default_s // 86400))
    date = point.date or (None, None, None)
    try:
        found = datetime.date(*(given if given is not None else own for given, own in zip(date, (day.year, day.month, day.day))))
    except ValueError as error:
        raise refuse(f"the date {'/'.join(str(d) for d in date)} does not exist ({error})") from None
    seconds = default_s % 86400.0
    own = (int(seconds // 3600), int(seconds % 3600 // 60), seconds % 60)
    clock = point.clock
    if clock is None:
        clock = (None, None, None) if fill_clock else (0, 0, 0.0)
    hour, minute, second = (given if given is not None else mine for given, mine in zip(clock, own))
    return (found - _MJD_ORIGIN).days * 86400.0 + hour * 3600.0 + minute * 60.0 + second


def time_bounds(
    items: tuple[TimeItem, ...], first_s: float, exposure_s: float, expression: str
) -> list[tuple[float, float, bool]]:
    """``(low, high, strict)`` in MJD seconds of each item.

    Parameters
    ----------
    items : tuple of TimeItem
    first_s, exposure_s : float
        Time and exposure of the first row.
    expression : str
        For the errors.
    """
    refuse = Refusal("time", expression)
    out = []
    for item in items:
        fill = item.kind in ("at", "plus")
        start = _mjd_s(item.start, first_s, fill, refuse)
        if item.kind == "at":
            out.append((start - exposure_s / 2 - _SAME_S, start + exposure_s / 2 + _SAME_S, False))
        elif item.kind == "after":
            out.append((start + _SAME_S, np.inf, True))
        elif item.kind == "before":
            out.append((-np.inf, start - _SAME_S, True))
        elif item.kind == "plus":
            out.append((start - _SAME_S, start + item.duration_s + _SAME_S, False))
        else:
            assert item.end is not None
            end = _mjd_s(item.end, start if item.end.date is None else first_s, False, refuse)
            if end < start:
                raise refuse("the range ends before it starts")
            pad = (exposure_s / 2 if item.kind == "edges" else 0.0) + _SAME_S
            out.append((start - pad, end + pad, False))
    return out


def time_mask(bounds: list[tuple[float, float, bool]], time_s: np.ndarray) -> np.ndarray:
    """Rows whose time lies within any of the bounds."""
    mask = np.zeros(len(time_s), bool)
    for low, high, strict in bounds:
        mask |= (time_s > low) & (time_s < high) if strict else (time_s >= low) & (time_s <= high)
    return mask


_UV = re.compile(
    r"(?P<bound>[<>])?\s*(?P<low>\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+)\s*(?:~\s*(?P<high>\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+)\s*)?"
    r"(?P<unit>[a-zA-Z]*)\s*(?::\s*(?P<percent>\d+\.?\d*)\s*%)?"
)
_UV_UNITS = {"": (1.0, False), "m": (1.0, False), "km": (1e3, False), "lambda": (1.0, True), "klambda": (1e3, True),
             "mlambda": (1e6, True)}  # fmt: skip


def parse_uv(text: str) -> tuple[UvItem, ...]:
    """Parse a uvrange expression such as ``0~10klambda, >100m:5%``; raise SelectionError where it cannot be read."""
    if not text.strip():
        return ()
    refuse = Refusal("uvrange", text)
    out = []
    for item in split_top(text, ","):
        found = _UV.fullmatch(item)
        if found is None or (found["bound"] and found["high"]):
            raise refuse(f"{item!r} is not a distance such as >100m, 0~10klambda or 200m:5%")
        unit = found["unit"].lower()
        if unit not in _UV_UNITS:
            raise refuse(f"the unit {found['unit']!r} is unknown", "allowed are m, km, lambda, klambda, Mlambda")
        scale, in_lambda = _UV_UNITS[unit]
        slack = float(found["percent"] or 0.0) / 100.0
        low = float(found["low"]) * scale
        if found["bound"] == ">":
            out.append(UvItem(low * (1 - slack), np.inf, in_lambda, True))
        elif found["bound"] == "<":
            out.append(UvItem(-np.inf, low * (1 + slack), in_lambda, True))
        else:
            high = low if found["high"] is None else float(found["high"]) * scale
            if high < low:
                raise refuse(f"the range {item!r} runs backwards")
            out.append(UvItem(low * (1 - slack), high * (1 + slack), in_lambda, False))
    return tuple(out)


def uv_mask(items: tuple[UvItem, ...], uvw_m: np.ndarray, frequency_hz: np.ndarray | None) -> np.ndarray:
    """Rows whose uv distance lies within any item.

    Parameters
    ----------
    items : tuple of UvItem
    uvw_m : ndarray (row, 3) float64 [m]
    frequency_hz : ndarray (row,) float64 [Hz], optional
        Reference frequency of each row; needed by items in wavelengths only.
    """
    distance = np.hypot(uvw_m[:, 0], uvw_m[:, 1])
    mask = np.zeros(len(distance), bool)
    for item in items:
        value = distance * frequency_hz / SPEED_OF_LIGHT_M_S if item.in_lambda and frequency_hz is not None else distance
        mask |= (value > item.low) & (value < item.high) if item.strict else (value >= item.low) & (value <= item.high)
    return mask
