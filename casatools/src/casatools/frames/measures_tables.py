"""The measures data in use: which tables, from where, how old; and one warning when they end before an observation.

References
----------
casacore's measures data: ``geodetic/TAI_UTC`` (leap seconds, from USNO), ``geodetic/IERSeop97``, ``IERSeop2000`` and ``IERSpredict``
(Earth orientation, from IERS); IERS Conventions 2010, chapter 5; leap seconds are announced about six months ahead (IERS Bulletin C).
"""

from __future__ import annotations

import datetime
import os
from dataclasses import dataclass

from casatools._base import casarc, config, log
from casatools._base.constants import MJD_ORDINAL
from casatools._base.paths import casadata_folders
from casatools.io.tables import is_table, open_table

__all__ = [
    "RC_NAME",
    "MeasuresTable",
    "bundled_folder",
    "check_epoch",
    "choose_folder",
    "describe",
    "is_measures_folder",
    "leap_seconds_are_old",
]

NAMES = ("geodetic/TAI_UTC", "geodetic/IERSeop97", "geodetic/IERSeop2000", "geodetic/IERSpredict", "geodetic/Observatories")
# The setting of ~/.casarc by which casacore itself finds measures data, before anything else.
RC_NAME = "measures.directory"
_LEAP_NOTICE_DAYS = 180.0
# Days a table of Earth orientation may end before the observation without a word.
_SLACK_DAYS = 1.0


@dataclass(frozen=True)
class MeasuresTable:
    """One table of measures data.

    Attributes
    ----------
    name : str
        Path below the folder.
    made : str
        Date of the data, ``2026/05/30``; "" when the table does not say.
    last_mjd : float
        Last day that it covers; for leap seconds the last day on which a new one would have been known; 0 for a table
        that is not about days.
    """

    name: str
    made: str
    last_mjd: float

    @property
    def made_mjd(self) -> float:
        """MJD of the date of the data; 0 when unknown."""
        parts = self.made.split("/")
        return float(datetime.date(*(int(p) for p in parts[:3])).toordinal() - MJD_ORDINAL) if len(parts) == 3 else 0.0


def is_measures_folder(folder: str) -> bool:
    """True when a folder holds leap seconds and Earth orientation."""
    return all(
        is_table(os.path.join(folder, name)) for name in ("geodetic/TAI_UTC", "geodetic/IERSeop97", "geodetic/IERSpredict")
    )


def bundled_folder() -> str:
    """The measures data that come with python-casacore."""
    import casacore

    return os.path.join(os.path.dirname(casacore.__file__), "data")


def describe(folder: str) -> list[MeasuresTable]:
    """The tables that there are in a folder of measures data."""
    found = []
    for name in NAMES:
        path = os.path.join(folder, name)
        if not is_table(path):
            continue
        table = open_table(path, what="measures table")
        try:
            made = "/".join(str(table.getkeyword("VS_DATE")).split("/")[:3]) if "VS_DATE" in table.keywordnames() else ""
            timed = table.nrows() and not name.endswith("Observatories")
            last = float(table.getcell("MJD", table.nrows() - 1)) if timed else 0.0
        finally:
            table.close()
        entry = MeasuresTable(name, made, last)
        if name.endswith("TAI_UTC") and entry.made_mjd:
            entry = MeasuresTable(name, made, entry.made_mjd + _LEAP_NOTICE_DAYS)
        found.append(entry)
    return found


def leap_seconds_are_old(folder: str) -> bool:
    """True when the table of leap seconds was made more than half a year ago."""
    now = datetime.datetime.now(datetime.UTC).date().toordinal() - MJD_ORDINAL
    return any(t.name.endswith("TAI_UTC") and now - t.made_mjd >= _LEAP_NOTICE_DAYS for t in describe(folder))


def _candidates() -> list[str]:
    folders = [str(config.value("measurespath")), *casadata_folders()]
    return [f for f in folders if f and is_measures_folder(f)]


def _newness(folder: str) -> float:
    return max((t.last_mjd for t in describe(folder) if t.name.endswith("IERSpredict")), default=0.0)


def choose_folder() -> str:
    """The folder in use: that of ``~/.casarc``, or ``measurespath``, where the user has set it and data are there, else the newest."""
    fixed = casarc.setting(RC_NAME)
    if fixed and is_measures_folder(fixed):
        return fixed
    found = _candidates()
    if not found:
        return bundled_folder()
    if config.source("measurespath") != "default" and found[0] == str(config.value("measurespath")):
        return found[0]
    return max([bundled_folder(), *found], key=_newness)  # the bundled ones when equally new


class _Checked:
    """What has been said; once a process is enough."""

    def __init__(self) -> None:
        self.folder = ""
        self.limits: list[tuple[float, str]] = []
        self.warned = False


_checked = _Checked()


def check_epoch(mjd_day: float, folder: str) -> None:
    """Warn once when tables end before an epoch, with what to do.

    Parameters
    ----------
    mjd_day : float
        MJD in days.
    folder : str
        The measures data in use.
    """
    if _checked.warned:
        return
    if _checked.folder != folder:
        known = {t.name: t.last_mjd for t in describe(folder)}
        _checked.folder = folder
        _checked.limits = [
            (known.get("geodetic/TAI_UTC", 1e9), "leap seconds after that are unknown"),
            (known.get("geodetic/IERSpredict", 1e9) + _SLACK_DAYS, "UT1 and the motion of the pole are not known then"),
        ]
    late = [(limit, why) for limit, why in _checked.limits if mjd_day > limit]
    if late:
        _checked.warned = True
        limit, why = min(late)
        until, when = (datetime.date.fromordinal(int(m) + MJD_ORDINAL).isoformat() for m in (limit, min(mjd_day, 2.9e6)))
        log.post(
            f"the measures data in {folder} end on {until}, before {when}: {why}; "
            "python -m casatools.data --update fetches newer ones",
            "WARN",
            "measures",
        )
