"""casacore's measures engine with its frame set: one fresh engine a call, so that no state is shared and no frame is left over.

Making an engine costs microseconds. casacore's tables of Earth orientation are process-wide; python-casacore holds the GIL while
it reads them.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from casacore import measures as _measures

from casatools._base import casarc
from casatools._base.errors import DataError
from casatools.frames.measures_tables import RC_NAME, check_epoch, choose_folder, leap_seconds_are_old

__all__ = [
    "Engine",
    "data_folder",
    "direction_record",
    "epoch_record",
    "make_engine",
    "position_record",
    "require_tables",
    "set_data_folder",
]

Engine = Any
DAY_S = 86400.0


def epoch_record(mjd_s: Any, scale: str = "UTC") -> dict[str, Any]:
    """An epoch measure of MJD seconds (a number or an array)."""
    return {
        "type": "epoch",
        "refer": scale,
        "m0": {"value": np.asarray(mjd_s) / DAY_S if np.ndim(mjd_s) else mjd_s / DAY_S, "unit": "d"},
    }


def direction_record(lon_rad: Any, lat_rad: Any, frame: str) -> dict[str, Any]:
    """A direction measure of radians (numbers or arrays)."""
    return {"type": "direction", "refer": frame, "m0": {"value": lon_rad, "unit": "rad"}, "m1": {"value": lat_rad, "unit": "rad"}}


def position_record(itrf_m: Sequence[float] | np.ndarray) -> dict[str, Any]:
    """A position measure of ITRF metres."""
    x, y, z = (float(v) for v in itrf_m)
    return {
        "type": "position",
        "refer": "ITRF",
        "m0": {"value": float(np.arctan2(y, x)), "unit": "rad"},
        "m1": {"value": float(np.arctan2(z, np.hypot(x, y))), "unit": "rad"},
        "m2": {"value": float(np.sqrt(x * x + y * y + z * z)), "unit": "m"},
    }


def data_folder() -> str:
    """Folder of the measures data in use."""
    return _use_folder()


def require_tables(mjd_day: float) -> None:
    """Warn once when the measures data in use end before an epoch (MJD in days)."""
    check_epoch(mjd_day, _use_folder())


def set_data_folder(folder: str) -> None:
    """Take measures data from another folder; "" chooses anew. Tables that have been read already stay.

    Raises
    ------
    DataError
        ``measures.directory`` of ``~/.casarc`` names another folder, which casacore takes first.
    """
    fixed = casarc.setting(RC_NAME)
    if folder and fixed and os.path.realpath(fixed) != os.path.realpath(folder):
        raise DataError(f"measures data cannot be taken from {folder!r}: {RC_NAME} in ~/.casarc fixes {fixed!r}")
    _folder[:] = [folder or choose_folder()]
    _read_leap_seconds(_folder[0])


# The folder in use, once it has been chosen.
_folder: list[str] = []


def _use_folder() -> str:
    if not _folder:
        _folder.append(choose_folder())
        _read_leap_seconds(_folder[0])
    return _folder[0]


def _read_leap_seconds(folder: str) -> None:
    """Point casacore to the folder and have it read the table of leap seconds.

    casacore raises an alarm on standard error when that table is older than half a year, whatever the day of the observation; `check_epoch`
    warns where it matters.
    """
    # The settings file of python-casacore has measures.directory: ${CASACORE_DATADIR}, which is looked up for each table.
    os.environ["CASACORE_DATADIR"] = folder
    with _silent_stderr() if leap_seconds_are_old(folder) else contextlib.nullcontext():
        _measures.measures().measure(epoch_record(0.0), "TAI")


@contextlib.contextmanager
def _silent_stderr() -> Iterator[None]:
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def make_engine(
    epoch_mjd_s: float | None = None,
    itrf_m: Sequence[float] | np.ndarray | None = None,
    direction: tuple[float, float, str] | None = None,
) -> Engine:
    """A measures engine with a frame of an epoch (UTC), a position and a direction, each optional."""
    _use_folder()
    engine = _measures.measures()
    if epoch_mjd_s is not None:
        check_epoch(float(epoch_mjd_s) / DAY_S, _folder[0])
        engine.doframe(epoch_record(float(epoch_mjd_s)))
    if itrf_m is not None:
        engine.doframe(position_record(itrf_m))
    if direction is not None:
        engine.doframe(direction_record(*direction))
    return engine
