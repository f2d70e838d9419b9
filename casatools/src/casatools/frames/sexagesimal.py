"""Angles and times as texts in CASA's forms (``+030.30.00``, ``2019/05/01/04:39:06``)."""

from __future__ import annotations

import datetime
import math
import time
from collections.abc import Iterable

from casatools._base.constants import MJD_ORDINAL
from casatools._base.errors import ParameterError

__all__ = ["ANGLE_FORMS", "TIME_FORMS", "angle_text", "form_flags", "require_date", "time_text"]

ANGLE_FORMS = ("ANGLE", "TIME", "CLEAN", "NO_D", "NO_H", "NO_DM", "NO_HM", "DIG2", "FITS", "LAT", "LONG", "LOCAL", "ALPHA")
TIME_FORMS = (
    "TIME", "ANGLE", "CLEAN", "NO_D", "NO_H", "NO_DM", "NO_HM", "YMD", "DMY", "MJD", "FITS", "ISO", "BOOST", "DAY", "NO_TIME", "LOCAL",
    "USA", "ALPHA", "YMD_ONLY", "MONTH", "DIG2",
)  # fmt: skip
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def form_flags(forms: Iterable[str], allowed: tuple[str, ...]) -> frozenset[str]:
    """The full names of forms given by unambiguous beginnings, in any case.

    Raises
    ------
    ParameterError
        A form is unknown.
    """
    found = set()
    for form in forms:
        name = form.strip().upper()
        if not name:
            continue
        matches = [a for a in allowed if a == name] or [a for a in allowed if a.startswith(name)]
        if not matches:
            raise ParameterError(f"the form {form!r} is unknown; allowed are {', '.join(a.lower() for a in allowed)}")
        if "BOOST" in allowed or matches[0] not in ("NO_H", "NO_HM"):  # hours are left out of times alone, degrees of both
            found.add({"NO_H": "NO_D", "NO_HM": "NO_DM"}.get(matches[0], matches[0]))
    if "YMD_ONLY" in found:
        found |= {"YMD", "NO_TIME"}
    return frozenset(found)


def _fields(units: float, precision: int) -> tuple[int, int, str, int]:
    """Whole units, minutes, seconds text and how many of the three show, of a non-negative number, rounded to the precision."""
    if precision <= 2:
        return math.floor(units + 0.5), 0, "00", 1
    if precision <= 4:
        whole, minutes = divmod(round(units * 60), 60)
        return whole, minutes, "00", 2
    decimals = max(precision - 6, 0)
    scale = 10**decimals
    whole, rest = divmod(round(units * 3600 * scale), 3600 * scale)
    minutes, ticks = divmod(rest, 60 * scale)
    seconds = f"{ticks // scale:02d}" + (f".{ticks % scale:0{decimals}d}" if decimals else "")
    return whole, minutes, seconds, 3


def _joined(whole: str, minutes: int, seconds: str, shown: int, separators: tuple[str, str], flags: frozenset[str]) -> str:
    """Put the fields together; those that are left out or beyond the precision are empty, or go away with CLEAN."""
    first = "" if flags & {"NO_D", "NO_DM"} else whole
    second = "" if "NO_DM" in flags or shown < 2 else f"{minutes:02d}"
    third = "" if shown < 3 else seconds
    if "CLEAN" not in flags:
        return first + separators[0] + second + separators[1] + third
    out = first
    for separator, part in zip(separators, (second, third)):
        out += (separator if out else "") + part if part else ""
    return out


def angle_text(angle_deg: float, precision: int = 6, flags: frozenset[str] = frozenset()) -> str:
    """An angle as a text.

    Parameters
    ----------
    angle_deg : float
    precision : int
        Digits: up to 2 shows degrees, up to 4 minutes, above seconds with ``precision - 6`` decimals; 0 is 6.
    flags : frozenset of str
        From `form_flags` with ANGLE_FORMS.

    Returns
    -------
    str
        Such as ``+030.30.00`` or, with TIME, ``02:02:00``.
    """
    if not math.isfinite(angle_deg):
        raise ParameterError(f"the angle {angle_deg} deg cannot be written")
    precision = precision or 6
    if "TIME" in flags and "DIG2" in flags:
        return _signed_hours(angle_deg / 15.0, precision, (":", ":"), flags)
    if "TIME" in flags:
        whole, minutes, seconds, shown = _fields((angle_deg / 15.0) % 24.0, precision)
        return _joined(f"{whole % 24:02d}", minutes, seconds, shown, (":", ":"), flags)
    width = 2 if "DIG2" in flags else 3
    whole, minutes, seconds, shown = _fields(abs(angle_deg), precision)
    digits = f"{whole:0{width}d}"
    if len(digits) > width:
        digits = "*" * width
    sign = "-" if angle_deg < 0 else "+"
    if "CLEAN" in flags:
        digits = (digits.lstrip("0") or "0").rjust(width)
        sign = "-" if angle_deg < 0 else "+" if "DIG2" in flags else " "
    return sign + _joined(digits, minutes, seconds, shown, (".", "."), flags)


def _signed_hours(hours: float, precision: int, separators: tuple[str, str], flags: frozenset[str]) -> str:
    """Hours with a sign, from -12 to 12."""
    near = math.remainder(hours, 24.0)
    whole, minutes, seconds, shown = _fields(abs(near), precision)
    return ("-" if near < 0 else "+") + _joined(f"{whole:02d}", minutes, seconds, shown, separators, flags)


def time_text(mjd: float, precision: int = 6, flags: frozenset[str] = frozenset()) -> str:
    """A date and time of day as a text.

    Parameters
    ----------
    mjd : float [d]
    precision : int
        Digits of the time of day as in `angle_text`; 0 is 6.
    flags : frozenset of str
        From `form_flags` with TIME_FORMS.
    """
    precision = precision or 6
    offset = 0.0
    require_date(mjd)
    if "LOCAL" in flags:
        offset = time.localtime((mjd - 40587.0) * 86400.0).tm_gmtoff / 86400.0
    day = int((mjd + offset) // 1)
    hours, minutes, seconds, shown = _fields(((mjd + offset) - day) * 24.0, precision)
    if hours >= 24 and flags & {"YMD", "DMY", "FITS", "ISO", "BOOST", "MJD", "DAY"}:
        day, hours = day + 1, hours - 24
    hours %= 24
    date = _date_text(day, flags)
    if "NO_TIME" in flags:
        return date.rstrip("/T -")
    separators = ("h", "m") if "ALPHA" in flags else (":", ":")
    if "DIG2" in flags:
        clock = _signed_hours(((mjd + offset) - math.floor(mjd + offset)) * 24.0, precision, separators, flags)
    else:
        clock = _joined(f"{hours:02d}", minutes, seconds, shown, separators, flags)
    if "ISO" in flags:
        clock += "Z"
    if "LOCAL" in flags and "FITS" in flags:
        quarter = round(offset * 1440)
        clock += f"{'-' if quarter < 0 else '+'}{abs(quarter) // 60:02d}:{abs(quarter) % 60:02d}"
    return date + clock


def require_date(mjd: float) -> datetime.date:
    """The calendar date of a day; raise ParameterError for one beyond the years 1 to 9999."""
    if not math.isfinite(mjd) or not 1 <= math.floor(mjd) + MJD_ORDINAL <= datetime.date.max.toordinal():
        raise ParameterError(f"the day MJD {mjd} has no calendar date that can be written")
    return datetime.date.fromordinal(math.floor(mjd) + MJD_ORDINAL)


def _date_text(day: int, flags: frozenset[str]) -> str:
    date = require_date(day)
    weekday = f"{_DAYS[date.weekday()]}-" if "DAY" in flags else ""
    month = _MONTHS[date.month - 1]
    if "FITS" in flags:
        return f"{weekday}{date.isoformat()}T"
    if "ISO" in flags:
        return f"{weekday}{date.isoformat()} "
    if "BOOST" in flags:
        return f"{weekday}{date.day:02d}-{month}-{date.year:04d} "
    if "YMD" in flags:
        return f"{weekday}{date.year:04d}/{date.month:02d}/{date.day:02d}/"
    if "DMY" in flags:
        return f"{weekday}{date.day:02d}-{month}-{date.year:04d}/"
    if "MJD" in flags:
        return f"{weekday}{day}/"
    return weekday
