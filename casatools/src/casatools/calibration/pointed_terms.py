"""Terms whose gains depend on where the antennas point at a time, beside what is in the table."""

from __future__ import annotations

import numpy as np

from casatools.calibration.interpolation import InterpolationMode, time_brackets
from casatools.calibration.pointing_gains import curve_gains, fringe_gains, fringe_phasors, opacity_gains, position_gains
from casatools.calibration.sky_geometry import SkyGeometry
from casatools.calibration.solutions import TimeSeries

__all__ = ["PointedTerms"]


class PointedTerms:
    """Gains of one form - opacity, gain_curve, power_curve, antenna_position or fringe - of a MeasurementSet."""

    def __init__(self, form: str, sky: SkyGeometry) -> None:
        self.form, self._sky = form, sky

    def gains(
        self,
        values: np.ndarray,
        flags: np.ndarray,
        series: list[TimeSeries],
        mode: InterpolationMode,
        times_s: np.ndarray,
        fields: np.ndarray,
        window_hz: np.ndarray,
        frequency_hz: np.ndarray,
        reference_hz: float,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Gains (slot, ant, chan or 1, 1 or 2) and flags of the same shape, with one channel.

        Parameters
        ----------
        values, flags : ndarray (slot, ant, 1, par)
            Parameters interpolated in time.
        series : list of TimeSeries
            What they were interpolated from: fringes are followed from each solution to the time of the data.
        mode : InterpolationMode
        times_s, fields : ndarray (slot,)
        window_hz, frequency_hz : ndarray [Hz]
            All channels of the data's spectral window, and those that are wanted.
        reference_hz : float
            Where delays have no phase.
        """
        if self.form == "opacity":
            gains, low = opacity_gains(values, self._sky.elevations(times_s, fields))
            return gains, np.asarray(flags | low)
        if self.form == "gain_curve":
            half = flags.shape[-1] // 2
            bad = np.stack([flags[..., :half].any(axis=-1), flags[..., half:].any(axis=-1)], axis=-1)
            return curve_gains(values, self._sky.elevations(times_s, fields)), bad
        if self.form == "power_curve":
            half = flags.shape[-1] // 2
            power = curve_gains(values, self._sky.elevations(times_s, fields))
            bad = np.stack([flags[..., :half].any(axis=-1), flags[..., half:].any(axis=-1)], axis=-1) | (power <= 0)
            return np.sqrt(np.where(power > 0, power, 1.0)), bad
        if self.form == "antenna_position":
            gains = position_gains(values, self._sky.directions_itrf(times_s, fields), frequency_hz)
            return gains, np.asarray(flags.any(axis=-1, keepdims=True))
        phasors = _phasors(series, values.shape[1], times_s, mode, reference_hz)
        bad = np.asarray(flags[..., 0::4] | flags[..., 1::4] | flags[..., 2::4])
        return fringe_gains(phasors, values, window_hz, frequency_hz, reference_hz), bad


def _phasors(
    series: list[TimeSeries], nant: int, times_s: np.ndarray, mode: InterpolationMode, reference_hz: float
) -> np.ndarray:
    """Phasors (slot, ant, 1, 2): those of the solutions before and after, each turned to the time by its rate, in proportion."""
    out = np.ones((len(times_s), nant, 1, 2), dtype=np.complex128)
    for s in series:
        low, high, share = time_brackets(s.time_s, times_s, mode.time)
        first = fringe_phasors(s.values[low], times_s - s.time_s[low], reference_hz)
        second = fringe_phasors(s.values[high], times_s - s.time_s[high], reference_hz)
        weight = share[:, None, None, None]
        out[:, s.antennas] = first * (1 - weight) + second * weight
    return out
