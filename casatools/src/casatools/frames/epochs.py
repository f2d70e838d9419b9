"""Epochs: texts of dates and times as MJD seconds, their formatting, and conversions between time scales."""

from __future__ import annotations

import datetime
import math
import re
import time
from typing import Any

import numpy as np

from casatools._base.constants import MJD_ORDINAL
from casatools._base.errors import ParameterError
from casatools.frames.engine import DAY_S, make_engine, require_tables
from casatools.frames.observatories import as_position
from casatools.frames.quantities import to_unit

__all__ = ["TIME_SCALES", "convert_epochs", "format_epoch", "now_mjd_s", "parse_epoch", "utc_seconds"]

TIME_SCALES = ("LAST", "LMST", "GMST1", "GAST", "UT1", "UT2", "UTC", "TAI", "TDT", "TCG", "TDB", "TCB")
ALIASES = {"GMST": "GMST1", "UT": "UT1", "IAT": "TAI", "TT": "TDT", "ET": "TDT"}
_SIDEREAL = frozenset({"LAST", "LMST", "GMST1", "GAST"})
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_YMD = re.compile(r"^(\d{1,4})[/-](\d{1,2})[/-](\d{1,2})(?:[/T ](.*))?$")
_DMY = re.compile(r"^(\d{1,2})[- ]?([A-Za-z]{3})[a-z]*[- ]?(\d{2,4})(?:[/T ](.*))?$")
_CLOCK = re.compile(r"^(\d{1,2})(?:[:h](\d{1,2})(?:[:m](\d{1,2}(?:\.\d*)?)?s?)?m?)?Z?$")


def now_mjd_s() -> float:
    """This moment (UTC) in MJD seconds."""
    return time.time() + 40587.0 * DAY_S


def parse_epoch(text: Any, default_day_mjd: float | None = None) -> float:
    """MJD seconds of a date and time.

    Parameters
    ----------
    text : str, number, dict
        ``2010/01/02/10:11:12.3``, ``2010-01-02T10:11:12``, ``2-Jan-2010/10:11:12``, ``55198.4d``, ``4769144640s``, ``10:11:12``
        (on the default day), ``today``, a quantity, an epoch measure; a bare number is MJD seconds.
    default_day_mjd : float, optional
        Day for a text without a date; today when not given.

    Raises
    ------
    ParameterError
        The text cannot be read.
    """
    if isinstance(text, dict):
        return float(to_unit(text.get("m0", text), "s"))
    if not isinstance(text, str):
        return float(to_unit(text, "s"))
    trimmed = text.strip()
    refusal = ParameterError(
        f"{text!r} is not a time; write such as '2010/01/02/10:11:12.3', '2010-01-02T10:11:12' or '55198.4d'"
    )
    if trimmed.lower() in ("today", "now"):
        return now_mjd_s()
    match = _YMD.match(trimmed)
    if match:
        year, month, day = (int(match.group(k)) for k in (1, 2, 3))
        return _day_s(year, month, day, refusal) + _clock_s(match.group(4), refusal)
    match = _DMY.match(trimmed)
    if match and match.group(2).capitalize() in _MONTHS:
        year = int(match.group(3))
        year += 0 if len(match.group(3)) > 2 else (2000 if year < 50 else 1900)
        return _day_s(year, _MONTHS.index(match.group(2).capitalize()) + 1, int(match.group(1)), refusal) + _clock_s(
            match.group(4), refusal
        )
    if _CLOCK.match(trimmed) and not trimmed.isdigit():
        day = math.floor(now_mjd_s() / DAY_S) if default_day_mjd is None else math.floor(default_day_mjd)
        return day * DAY_S + _clock_s(trimmed, refusal)
    days = re.match(r"^(\d+)d$", trimmed)
    if days:  # casacore reads a whole number with d as degrees
        return float(days.group(1)) * DAY_S
    try:
        return float(to_unit(trimmed, "s"))
    except ParameterError:
        raise refusal from None


def _day_s(year: int, month: int, day: int, refusal: ParameterError) -> float:
    try:
        return (datetime.date(year, month, day).toordinal() - MJD_ORDINAL) * DAY_S
    except ValueError:
        raise refusal from None


def _clock_s(text: str | None, refusal: ParameterError) -> float:
    if not text:
        return 0.0
    match = _CLOCK.match(text.strip())
    if not match:
        raise refusal
    hour, minute, second = (float(v or 0.0) for v in match.groups())
    if hour > 24 or minute > 60 or second > 61:
        raise refusal
    return hour * 3600.0 + minute * 60.0 + second


def format_epoch(mjd_s: float, style: str = "ymd", decimals: int = 1) -> str:
    """A time in words.

    Parameters
    ----------
    mjd_s : float [s]
    style : {"ymd", "dmy", "iso", "time", "date", "fits"}
        ``2010/01/02/10:11:12.3``, ``02-Jan-2010/10:11:12.3``, ``2010-01-02T10:11:12.3``, ``10:11:12.3``, ``2010/01/02``; fits is iso.
    decimals : int
        Decimals of the seconds.

    Raises
    ------
    ParameterError
        The style is unknown.
    """
    scale = 10**decimals
    ticks = round(mjd_s * scale)
    day, rest = divmod(ticks, 86400 * scale)
    hours, rest = divmod(rest, 3600 * scale)
    minutes, rest = divmod(rest, 60 * scale)
    clock = f"{hours:02d}:{minutes:02d}:{rest // scale:02d}" + (f".{rest % scale:0{decimals}d}" if decimals else "")
    date = datetime.date.fromordinal(int(day) + MJD_ORDINAL)
    styles = {
        "ymd": f"{date:%Y/%m/%d}/{clock}",
        "dmy": f"{date.day:02d}-{_MONTHS[date.month - 1]}-{date.year}/{clock}",
        "iso": f"{date.isoformat()}T{clock}",
        "fits": f"{date.isoformat()}T{clock}",
        "time": clock,
        "date": f"{date:%Y/%m/%d}",
    }
    if style not in styles:
        raise ParameterError(f"time style {style!r} is unknown; allowed are {', '.join(styles)}")
    return styles[style]


def utc_seconds(mjd_s: Any, scale: str) -> np.ndarray:
    """Times in UTC [s] from those of a MeasurementSet, whose scale is UTC as a rule (TAI in files of the old VLA)."""
    return np.asarray(mjd_s) if scale.upper() == "UTC" else convert_epochs(mjd_s, scale, "UTC")


def convert_epochs(mjd_s: Any, from_scale: str, to_scale: str, position: Any = None) -> np.ndarray:
    """Times in another scale, in seconds.

    Parameters
    ----------
    mjd_s : float or ndarray [s]
    from_scale, to_scale : str
        One of TIME_SCALES (TT, ET, IAT, UT, GMST are accepted).
    position : Position, str, optional
        Needed for the local sidereal times LAST and LMST.

    Returns
    -------
    ndarray float64 [s]

    Raises
    ------
    ParameterError
        A scale is unknown, or a local one is asked without a position.
    """
    source, target = (time_scale(s) for s in (from_scale, to_scale))
    if {source, target} & {"LAST", "LMST"} and position is None:
        raise ParameterError(f"converting {source} to {target} needs a position")
    times = np.asarray(mjd_s, dtype=np.float64)
    if source == target or times.size == 0:
        return times.copy()
    engine = make_engine(itrf_m=None if position is None else as_position(position).itrf_m)
    require_tables(float(times.max()) / DAY_S)
    record = {"type": "epoch", "refer": source, "m0": {"value": np.atleast_1d(times).ravel() / DAY_S, "unit": "d"}}
    out = engine.measure(record, target)
    days = np.asarray(out["m0"]["value"], dtype=np.float64)
    return np.asarray(days * DAY_S).reshape(times.shape)


def time_scale(name: str) -> str:
    """casacore's name of a time scale; raise ParameterError for an unknown one."""
    folded = ALIASES.get(name.upper(), name.upper())
    if folded not in TIME_SCALES:
        raise ParameterError(f"time scale {name!r} is unknown; allowed are {', '.join(TIME_SCALES)}")
    return folded
