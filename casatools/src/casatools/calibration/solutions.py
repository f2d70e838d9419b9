"""Solutions of a calibration table made ready for interpolation: per spectral window, per antenna, in time order."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from casatools._base.errors import DataError
from casatools.calibration.interpolation import InterpolationMode, interpolate_time, time_brackets
from casatools.io.caltable.curves import CurveRows

__all__ = ["SolutionTable", "TimeSeries", "make_time_series"]


@dataclass(frozen=True)
class SolutionTable:
    """A calibration table read whole (they are small beside visibilities).

    Attributes
    ----------
    path, kind : str
        Where it is, and what it holds, such as ``"G Jones"``.
    time_s, field, spw, ant1, ant2, obs, scan : ndarray (row,)
        Key columns; antenna numbers are those of the table.
    values : list of ndarray (chan, par)
        Per row, complex64 or float32.
    flags : list of ndarray (chan, par) bool
    frequencies_hz : dict of ndarray (chan,)
        Per spectral window.
    delay_reference_hz : dict of float
        Frequency of zero phase of delays in each spectral window.
    antenna_names, field_names : tuple of str
    antenna_positions_m : ndarray (ant, 3) [m], optional
        ITRF.
    curves : CurveRows, optional
        Splines or polynomials, instead of values.
    band_hz : ndarray (2,), optional
        Edges of joined spectral windows, where dispersions of fringes have no phase; otherwise those of the data's window.
    """

    path: str
    kind: str
    is_complex: bool
    time_s: np.ndarray
    field: np.ndarray
    spw: np.ndarray
    ant1: np.ndarray
    ant2: np.ndarray
    obs: np.ndarray
    scan: np.ndarray
    values: list[np.ndarray]
    flags: list[np.ndarray]
    frequencies_hz: dict[int, np.ndarray]
    delay_reference_hz: dict[int, float]
    antenna_names: tuple[str, ...]
    field_names: tuple[str, ...]
    field_directions: np.ndarray
    antenna_positions_m: np.ndarray | None = None
    curves: CurveRows | None = None
    band_hz: np.ndarray | None = None

    @property
    def spws(self) -> set[int]:
        """Spectral windows that have solutions; -1 stands for all."""
        return {int(s) for s in np.unique(self.spw)}

    @property
    def fields(self) -> set[int]:
        """Fields that have solutions."""
        return {int(f) for f in np.unique(self.field)}


@dataclass
class TimeSeries:
    """Solutions of the antennas that share one set of times.

    Attributes
    ----------
    antennas : ndarray (ant,) int
    time_s : ndarray (sol,) float64
    values, flags : ndarray (sol, ant, chan, par)
    """

    antennas: np.ndarray
    time_s: np.ndarray
    values: np.ndarray
    flags: np.ndarray
    unwrapped_rad: np.ndarray | None = field(default=None, repr=False)


def make_time_series(table: SolutionTable, rows: np.ndarray, what: str) -> list[TimeSeries]:
    """Sort rows of one spectral window into time series, one for each distinct set of times.

    Raises
    ------
    DataError
        Solutions of one spectral window differ in shape.
    """
    if len(rows) == 0:
        return []
    shapes = {table.values[r].shape for r in rows}
    if len(shapes) > 1:
        raise DataError(f"calibration table {table.path!r}: solutions of {what} differ in shape: {sorted(shapes)}")
    rows = rows[np.lexsort((table.time_s[rows], table.ant1[rows]))]
    ant = table.ant1[rows]
    groups: dict[bytes, list[np.ndarray]] = {}
    for part in np.split(rows, np.flatnonzero(np.diff(ant)) + 1):
        times = table.time_s[part]
        # Two solutions at one time (an appended table): the later row stands.
        keep = np.append(np.diff(times) > 0, True)
        part = part[keep]
        groups.setdefault(table.time_s[part].tobytes(), []).append(part)
    kind = np.complex128 if table.is_complex else np.float64
    series = []
    for parts in groups.values():
        index = np.stack(parts, axis=1)
        values = np.array([[table.values[r] for r in line] for line in index], dtype=kind)
        flags = np.array([[table.flags[r] for r in line] for line in index], dtype=bool)
        flags |= ~np.isfinite(values)
        values[flags & ~np.isfinite(values)] = 1.0
        series.append(
            TimeSeries(table.ant1[index[0]].astype(np.int64), table.time_s[index[:, 0]].astype(np.float64), values, flags)
        )
    return series


def solutions_at(
    series: list[TimeSeries], times_s: np.ndarray, nant: int, mode: InterpolationMode, phase_ratio: float = 1.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Solutions at some times, each distinct one once.

    Parameters
    ----------
    series : list of TimeSeries
    times_s : ndarray (time,) float64
    nant : int
        Antennas of the MeasurementSet; those without solutions come out flagged.
    mode : InterpolationMode
    phase_ratio : float
        With ``mode.phase_delay``: data frequency over solution frequency.

    Returns
    -------
    values, flags : ndarray (distinct, ant, chan, par)
    which : ndarray (time,) int
        The distinct solution of each time.
    """
    brackets = [time_brackets(s.time_s, times_s, mode.time) for s in series]
    which, chosen = np.arange(len(times_s)), times_s
    if all(np.array_equal(low, high) for low, high, _ in brackets):
        signature = np.stack([low for low, _, _ in brackets], axis=1)
        _, first, which = np.unique(signature, axis=0, return_index=True, return_inverse=True)
        which, chosen = which.reshape(-1), times_s[first]
    nchan, npar = series[0].values.shape[2:]
    values = np.ones((len(chosen), nant, nchan, npar), dtype=series[0].values.dtype)
    flags = np.ones(values.shape, dtype=bool)
    for s in series:
        if mode.phase_delay and np.iscomplexobj(s.values) and phase_ratio != 1.0:
            v, f = _phase_delay(s, chosen, mode, phase_ratio)
        else:
            v, f = interpolate_time(s.time_s, s.values, s.flags, chosen, mode.time)
        values[:, s.antennas], flags[:, s.antennas] = v, f
    return values, flags, which


def _followed(phase_rad: np.ndarray, flags: np.ndarray) -> np.ndarray:
    """Phases (sol, ...) without jumps of turns, from one good solution to the next: what failed says nothing of turns."""
    last = np.maximum.accumulate(np.where(flags, 0, np.arange(len(flags)).reshape(-1, *[1] * (flags.ndim - 1))), axis=0)
    first = np.argmin(flags, axis=0)[None]  # before the first good one its own phase stands
    return np.unwrap(np.take_along_axis(phase_rad, np.maximum(last, first), axis=0), axis=0)


def _phase_delay(series: TimeSeries, times_s: np.ndarray, mode: InterpolationMode, ratio: float) -> tuple[np.ndarray, np.ndarray]:
    """Interpolate with the phase scaled by a frequency ratio.

    The phase is followed through time before it is scaled, so that a turn in the solutions is no jump of a part of a turn.
    """
    if series.unwrapped_rad is None:
        series.unwrapped_rad = _followed(np.angle(series.values), series.flags)
    amplitude, flags = interpolate_time(series.time_s, np.abs(series.values), series.flags, times_s, mode.time)
    phase, _ = interpolate_time(series.time_s, series.unwrapped_rad, series.flags, times_s, mode.time)
    return amplitude * np.exp(1j * ratio * phase), flags
