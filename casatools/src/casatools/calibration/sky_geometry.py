"""Where the antennas point: hour angles, elevations and directions of the fields of a MeasurementSet at the times of its data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from casatools.io.ms import MeasurementSet

__all__ = ["SkyGeometry"]


class SkyGeometry:
    """Angles of a MeasurementSet's fields.

    Notes
    -----
    The hour angle is that of the first antenna; those of the others differ in longitude. Latitudes are geocentric, as CASA's
    calibration tables rest on.
    """

    def __init__(self, ms: MeasurementSet) -> None:
        self._fields = ms.metadata.fields
        self._scale = ms.time_frame
        self.positions_m = np.array([a.position_m for a in ms.metadata.antennas])
        x, y, z = self.positions_m.T
        self.longitude_rad = np.arctan2(y, x)
        self.latitude_rad = np.arctan2(z, np.hypot(x, y))

    def hour_declination(self, times_s: np.ndarray, fields: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Apparent hour angle at the first antenna and declination [rad], each (slot,), of fields (slot,) at times (slot,) [s] of the data's scale."""
        from casatools.frames.baselines import hour_angle_declination
        from casatools.frames.directions import Direction
        from casatools.frames.epochs import utc_seconds

        hour, declination = np.zeros(len(times_s)), np.zeros(len(times_s))
        for number in np.unique(fields):
            at = np.flatnonzero(fields == number)
            field = self._fields[int(number)]
            toward = Direction(float(field.phase_dir[0][0]), float(field.phase_dir[0][1]), field.phase_frame)
            times, which = np.unique(times_s[at], return_inverse=True)
            found = hour_angle_declination(utc_seconds(times, self._scale), toward, self.positions_m[0])
            hour[at], declination[at] = (np.asarray(f)[which] for f in found)
        return hour, declination

    def own_hours(self, hour_rad: np.ndarray) -> np.ndarray:
        """Hour angles (slot, ant) [rad] of all antennas from those of the first."""
        return np.asarray(hour_rad[:, None] + (self.longitude_rad - self.longitude_rad[0]))

    def elevations(self, times_s: np.ndarray, fields: np.ndarray) -> np.ndarray:
        """Elevations (slot, ant) [rad], without refraction."""
        hour, declination = self.hour_declination(times_s, fields)
        own, dec = self.own_hours(hour), declination[:, None]
        sine = np.sin(self.latitude_rad) * np.sin(dec) + np.cos(self.latitude_rad) * np.cos(dec) * np.cos(own)
        return np.asarray(np.arcsin(np.clip(sine, -1.0, 1.0)))

    def azimuths(self, times_s: np.ndarray, fields: np.ndarray) -> np.ndarray:
        """Azimuths (slot, ant) [rad], north through east."""
        hour, declination = self.hour_declination(times_s, fields)
        own, dec = self.own_hours(hour), declination[:, None]
        north = np.cos(self.latitude_rad) * np.sin(dec) - np.sin(self.latitude_rad) * np.cos(dec) * np.cos(own)
        return np.asarray(np.arctan2(-np.cos(dec) * np.sin(own), north))

    def directions_itrf(self, times_s: np.ndarray, fields: np.ndarray) -> np.ndarray:
        """Unit vectors (slot, 3) towards fields in the frame of the Earth (ITRF)."""
        hour, declination = self.hour_declination(times_s, fields)
        angle = self.longitude_rad[0] - hour
        flat = np.cos(declination)
        return np.stack([flat * np.cos(angle), flat * np.sin(angle), np.sin(declination)], axis=-1)

    def mount_angles(self, times_s: np.ndarray, fields: np.ndarray, mounts: Sequence[str]) -> np.ndarray:
        """Angles (slot, ant) [rad] by which the mounts of the antennas turn feeds against the sky."""
        from casatools.frames.parallactic import mount_angles

        hour, declination = self.hour_declination(times_s, fields)
        own, out = self.own_hours(hour), np.zeros((len(hour), len(mounts)))
        for mount in set(mounts):
            mine = np.array([m == mount for m in mounts])
            out[:, mine] = mount_angles(mount, own[:, mine], declination[:, None], self.latitude_rad[mine])
        return out

    def zenith_angles(self, times_s: np.ndarray, fields: np.ndarray) -> np.ndarray:
        """Position angles of the zenith (slot, ant) [rad]: parallactic angles."""
        return self.mount_angles(times_s, fields, ["ALT-AZ"] * len(self.positions_m))
