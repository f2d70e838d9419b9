"""casacore's measures engine with its frame set: one fresh engine a call, so that no state is shared and no frame is left over.

Making an engine costs microseconds. casacore's tables of Earth orientation are process-wide; python-casacore holds the GIL while
it reads them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from casacore import measures as _measures

__all__ = ["Engine", "direction_record", "epoch_record", "make_engine", "position_record"]

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


def make_engine(
    epoch_mjd_s: float | None = None,
    itrf_m: Sequence[float] | np.ndarray | None = None,
    direction: tuple[float, float, str] | None = None,
) -> Engine:
    """A measures engine with a frame of an epoch (UTC), a position and a direction, each optional."""
    engine = _measures.measures()
    if epoch_mjd_s is not None:
        engine.doframe(epoch_record(float(epoch_mjd_s)))
    if itrf_m is not None:
        engine.doframe(position_record(itrf_m))
    if direction is not None:
        engine.doframe(direction_record(*direction))
    return engine
