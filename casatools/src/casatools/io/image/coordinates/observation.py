"""What a coordinate system says about the observation: telescope, observer, date, pointing."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

__all__ = ["ObservationInfo"]


def _zero_date() -> dict[str, Any]:
    return {"type": "epoch", "refer": "UTC", "m0": {"value": 0.0, "unit": "d"}}


@dataclass(frozen=True)
class ObservationInfo:
    """Telescope, observer, date and pointing centre of an image.

    Parameters
    ----------
    telescope, observer : str
    date : dict
        Epoch measure record, m0 in days (MJD).
    pointing_rad : tuple of 2 float
        [rad]
    pointing_is_initial : bool
        True when nobody has set it.
    position : dict or None
        Position measure record of the telescope.
    """

    telescope: str = "UNKNOWN"
    observer: str = "UNKNOWN"
    date: dict[str, Any] = field(default_factory=_zero_date)
    pointing_rad: tuple[float, float] = (0.0, 0.0)
    pointing_is_initial: bool = True
    position: dict[str, Any] | None = None

    @classmethod
    def make(
        cls, telescope: str, observer: str, mjd_days: float, time_scale: str = "UTC", pointing_rad: tuple[float, float] | None = None,
        position: dict[str, Any] | None = None,
    ) -> ObservationInfo:  # fmt: skip
        """Build from plain values: the date as MJD [d] in a time scale."""
        date = {"type": "epoch", "refer": time_scale, "m0": {"value": float(mjd_days), "unit": "d"}}
        at = (0.0, 0.0) if pointing_rad is None else (float(pointing_rad[0]), float(pointing_rad[1]))
        return cls(telescope, observer, date, at, pointing_rad is None, position)

    @property
    def mjd_days(self) -> float:
        """The date as MJD [d] in its own time scale."""
        value = float(np.ravel(self.date["m0"]["value"])[0])
        return value / 86400.0 if self.date["m0"]["unit"] == "s" else value

    @property
    def date_text(self) -> str:
        """The date as ``2000/01/02/03:04:05.678900``, to a microsecond."""
        day = math.floor(self.mjd_days)
        micro = round((self.mjd_days - day) * 86400e6)
        stamp = np.datetime64("1858-11-17T00:00:00", "us") + np.timedelta64(day, "D") + np.timedelta64(micro, "us")
        return str(stamp).replace("-", "/").replace("T", "/")

    def to_record(self) -> dict[str, Any]:
        """The fields of CASA's coordinate record."""
        record: dict[str, Any] = {
            "telescope": self.telescope,
            "observer": self.observer,
            "obsdate": self.date,
            "pointingcenter": {"value": np.array(self.pointing_rad), "initial": self.pointing_is_initial},
        }
        if self.position is not None:
            record["telescopeposition"] = self.position
        return record

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> ObservationInfo:
        """Read the fields of CASA's coordinate record; missing ones get their defaults."""
        pointing = record.get("pointingcenter", {})
        at = np.ravel(pointing.get("value", (0.0, 0.0))).tolist()
        return cls(
            str(record.get("telescope", "UNKNOWN")), str(record.get("observer", "UNKNOWN")), dict(record.get("obsdate", _zero_date())),
            (float(at[0]), float(at[1])), bool(pointing.get("initial", True)), record.get("telescopeposition"),
        )  # fmt: skip
