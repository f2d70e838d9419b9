"""casacore's measures engine with its frame set: one fresh engine a call, so that no state is shared and no frame is left over.

Making an engine costs microseconds. casacore's tables of Earth orientation are process-wide; python-casacore holds the GIL while
it reads them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from casacore import measures as _measures

from casatools.frames.measures_tables import bundled_folder, check_epoch, choose_folder

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
    """Take measures data from another folder; "" chooses anew. Tables that have been read already stay."""
    _folder[:] = [folder] if folder else []
    if folder:
        _measures.measures().set_data_path(folder)
    _use_folder()


# The folder in use, once it has been chosen.
_folder: list[str] = []


def _use_folder() -> str:
    if not _folder:
        _folder.append(choose_folder())
        if _folder[0] != bundled_folder():
            _measures.measures().set_data_path(_folder[0])
    return _folder[0]


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
