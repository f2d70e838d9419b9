"""Interpolation of calibration solutions in time and frequency: the one place that does it.

Time comes first, then frequency. Complex solutions are interpolated in amplitude and phase separately, each phase step
taken the short way round, so that a turning phase does not lose amplitude.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from casatools._base.errors import ParameterError

__all__ = ["InterpolationMode", "interpolate_frequency", "interpolate_time", "parse_interpolation", "time_brackets"]

_TIME = ("nearest", "linear")
_FREQUENCY = ("nearest", "linear", "cubic", "spline")


@dataclass(frozen=True)
class InterpolationMode:
    """How one table is interpolated.

    Attributes
    ----------
    time : {"nearest", "linear"}
    frequency : {"nearest", "linear", "cubic", "spline"}
    flag : bool
        Channels whose nearest (bracketing) solutions are flagged are flagged, instead of being interpolated across.
    relative : bool
        Frequencies are taken relative to the middle of their spectral window.
    phase_delay : bool
        Phases are scaled by the ratio of the data's to the solution's frequency.
    per_obs, per_scan : bool
        Solutions are used within their own observation (scan) only.
    """

    time: str = "linear"
    frequency: str = "linear"
    flag: bool = False
    relative: bool = False
    phase_delay: bool = False
    per_obs: bool = False
    per_scan: bool = False


def _strip(word: str, ending: str) -> tuple[str, bool]:
    return (word[: -len(ending)], True) if word.endswith(ending) else (word, False)


def parse_interpolation(text: str) -> InterpolationMode:
    """Read an interpolation such as ``"linearPD"``, ``"nearest,linearflag"`` or ``"linear,spline,rel"``.

    Parameters
    ----------
    text : str
        Time mode, with ``PD``, ``perobs`` or ``perscan`` appended; after a comma the frequency mode, with ``flag`` or ``rel``
        appended (or after another comma). Empty parts mean linear.

    Raises
    ------
    ParameterError
        It is none of these.
    """
    words = [w.strip().lower() for w in text.split(",")]
    time, phase_delay, per_obs, per_scan, flag, relative = words[0], False, False, False, False, False
    changed = True
    while changed:
        time, a = _strip(time, "perobs")
        time, b = _strip(time, "perscan")
        time, c = _strip(time, "pd")
        time, d = _strip(time, "flag")
        per_obs, per_scan, phase_delay, flag = per_obs or a, per_scan or b, phase_delay or c, flag or d
        changed = a or b or c or d
    frequency = words[1] if len(words) > 1 else ""
    for extra in words[2:]:
        frequency += extra
    changed = True
    while changed:
        frequency, a = _strip(frequency, "flag")
        frequency, b = _strip(frequency, "rel")
        frequency, c = _strip(frequency, "perobs")
        frequency, d = _strip(frequency, "pd")
        flag, relative, per_obs = flag or a, relative or b, per_obs or c
        changed = a or b or c or d
    if time == "aipslin":
        time = "linear"
    time, frequency = time or "linear", frequency or "linear"
    if time not in _TIME or frequency not in _FREQUENCY:
        allowed = f"{', '.join(_TIME)} (with PD, perobs or perscan appended) and, after a comma, {', '.join(_FREQUENCY)}"
        raise ParameterError(f"interpolation {text!r} is not known; allowed are {allowed} (with flag or rel appended)")
    return InterpolationMode(time, frequency, flag, relative, phase_delay, per_obs, per_scan)


def time_brackets(solution_s: np.ndarray, wanted_s: np.ndarray, mode: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where each wanted time lies between the solutions.

    Parameters
    ----------
    solution_s : ndarray (sol,) float64 [s]
        Ascending.
    wanted_s : ndarray (time,) float64 [s]
    mode : {"nearest", "linear"}

    Returns
    -------
    low, high : ndarray (time,) int
        Solutions before and after; equal where one alone counts (nearest, on a solution, outside their range).
    weight : ndarray (time,) float64
        Share of `high`.
    """
    n = len(solution_s)
    above = np.searchsorted(solution_s, wanted_s, side="left")
    low, high = np.clip(above - 1, 0, n - 1), np.clip(above, 0, n - 1)
    span = solution_s[high] - solution_s[low]
    share = np.where(span > 0, (wanted_s - solution_s[low]) / np.where(span > 0, span, 1.0), 0.0)
    share = np.clip(share, 0.0, 1.0)
    if mode == "nearest":
        pick = np.where(share > 0.5, high, low)
        return pick, pick, np.zeros(len(pick))
    low = np.where(share >= 1.0, high, low)
    high = np.where(share <= 0.0, low, high)
    return low, high, np.where(low == high, 0.0, share)


def interpolate_time(
    solution_s: np.ndarray, values: np.ndarray, flags: np.ndarray, wanted_s: np.ndarray, mode: str
) -> tuple[np.ndarray, np.ndarray]:
    """Solutions at other times.

    Parameters
    ----------
    solution_s : ndarray (sol,) float64 [s]
        Ascending.
    values : ndarray (sol, ...) complex128 or float64
    flags : ndarray (sol, ...) bool
    wanted_s : ndarray (time,) float64 [s]
    mode : {"nearest", "linear"}

    Returns
    -------
    values, flags : ndarray (time, ...)

    Notes
    -----
    Outside the range of solutions the first or last is used. A result is flagged when a solution it is made from is.
    """
    low, high, share = time_brackets(solution_s, wanted_s, mode)
    if np.array_equal(low, high):
        return values[low], flags[low]
    first, second = values[low], values[high]
    weight = share.reshape(share.shape + (1,) * (values.ndim - 1))
    if np.iscomplexobj(values):
        step = np.angle(second * np.conj(first))
        amplitude = np.abs(first) * (1 - weight) + np.abs(second) * weight
        mixed = amplitude * np.exp(1j * (np.angle(first) + weight * step))
        # Where one solution alone counts it is taken as it is, not through amplitude and phase.
        mixed = np.where(weight == 0, first, mixed)
    else:
        mixed = first * (1 - weight) + second * weight
    return mixed, flags[low] | flags[high]


def _weights_1d(grid: np.ndarray, wanted: np.ndarray, mode: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return time_brackets(grid, wanted, "nearest" if mode == "nearest" else "linear")


def _natural_spline(grid: np.ndarray, values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Natural cubic spline along the first axis, held constant outside the grid; fewer than three points are joined by lines."""
    from scipy.interpolate import CubicSpline

    inside = np.clip(wanted, grid[0], grid[-1])
    if len(grid) < 3:
        return np.interp(inside, grid, values) if len(grid) > 1 else np.full(len(wanted), values[0])
    return np.asarray(CubicSpline(grid, values, bc_type="natural")(inside))


def _cubic(grid: np.ndarray, values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Cubic through the four nearest points, held constant outside the grid; fewer points lower the order."""
    order = min(4, len(grid))
    inside = np.clip(wanted, grid[0], grid[-1])
    start = np.clip(np.searchsorted(grid, inside) - order // 2, 0, len(grid) - order)
    index = start[:, None] + np.arange(order)
    x, y = grid[index], values[index]
    result = np.zeros(len(inside))
    for k in range(order):
        others = np.delete(np.arange(order), k)
        result += y[:, k] * np.prod((inside[:, None] - x[:, others]) / (x[:, k : k + 1] - x[:, others]), axis=1)
    return result


def _curve(grid: np.ndarray, values: np.ndarray, wanted: np.ndarray, mode: str) -> np.ndarray:
    """One unflagged real or complex spectrum at the wanted frequencies."""
    if len(grid) == 1:
        return np.full(len(wanted), values[0])
    if mode == "nearest":
        low, _, _ = time_brackets(grid, wanted, "nearest")
        return values[low]
    shape = {"linear": lambda y: np.interp(wanted, grid, y), "cubic": lambda y: _cubic(grid, y, wanted)}.get(
        mode, lambda y: _natural_spline(grid, y, wanted)
    )
    if not np.iscomplexobj(values):
        return shape(values)
    return shape(np.abs(values)) * np.exp(1j * shape(np.unwrap(np.angle(values))))


def _bracket_flags(grid: np.ndarray, flags: np.ndarray, wanted: np.ndarray, mode: str) -> np.ndarray:
    """Flags (wanted, ...) of the solutions an interpolated channel leans on; outside the grid those of the two end channels."""
    n = len(grid)
    if mode == "nearest" or n == 1:
        low, _, _ = time_brackets(grid, wanted, "nearest")
        return flags[low]
    reach = 1 if mode == "linear" else 2
    above = np.searchsorted(grid, wanted, side="left")
    exact = np.asarray((above < n) & (grid[np.minimum(above, n - 1)] == wanted), dtype=bool)
    count = min(2 * reach, n)
    start = np.clip(above - reach, 0, n - count)
    leaned = np.zeros((len(wanted),) + flags.shape[1:], dtype=bool)
    for k in range(count):
        leaned |= flags[start + k]
    leaned[exact] = flags[above[exact]]
    return leaned


def interpolate_frequency(
    solution_hz: np.ndarray, values: np.ndarray, flags: np.ndarray, wanted_hz: np.ndarray, mode: InterpolationMode
) -> tuple[np.ndarray, np.ndarray]:
    """Solutions at other frequencies.

    Parameters
    ----------
    solution_hz : ndarray (chan,) float64 [Hz]
        Any order.
    values : ndarray (..., chan, par) complex128 or float64
    flags : ndarray (..., chan, par) bool
    wanted_hz : ndarray (freq,) float64 [Hz]
    mode : InterpolationMode

    Returns
    -------
    values, flags : ndarray (..., freq, par)

    Notes
    -----
    Flagged channels are interpolated across; only where every channel is flagged is the result flagged. With ``flag`` set, a
    result is flagged too when a channel it leans on is. Outside the range of channels the nearest is used.
    """
    order = np.argsort(solution_hz, kind="stable")
    grid = solution_hz[order]
    if not np.array_equal(order, np.arange(len(order))):
        values, flags = values[..., order, :], flags[..., order, :]
    same = grid.shape == wanted_hz.shape and np.allclose(grid, wanted_hz, rtol=0, atol=1e-3)
    if same and (mode.flag or not flags.any()):
        return values, flags
    if same:
        wanted_hz = grid
    lead, npar = values.shape[:-2], values.shape[-1]
    flat = np.moveaxis(values.reshape((-1,) + values.shape[-2:]), 1, 2).reshape(-1, len(grid))
    bad = np.moveaxis(flags.reshape((-1,) + flags.shape[-2:]), 1, 2).reshape(-1, len(grid))
    out = np.ones((len(flat), len(wanted_hz)), dtype=values.dtype)
    dead = np.asarray(bad.all(axis=1))
    whole = np.asarray(~bad.any(axis=1))
    if mode.frequency in ("nearest", "linear"):
        out[whole] = _whole_spectra(grid, flat[whole], wanted_hz, mode.frequency)
        single = np.flatnonzero(~whole & ~dead)
    else:
        single = np.flatnonzero(~dead)
    for k in single:
        good = ~bad[k]
        out[k] = _curve(grid[good], flat[k][good], wanted_hz, mode.frequency)
    if mode.flag:
        out_bad = _bracket_flags(grid, bad.T, wanted_hz, mode.frequency).T | dead[:, None]
    else:
        out_bad = np.broadcast_to(dead[:, None], out.shape)
    shape = (*lead, npar, len(wanted_hz))
    return np.moveaxis(out.reshape(shape), -1, -2), np.moveaxis(out_bad.reshape(shape), -1, -2)


def _whole_spectra(grid: np.ndarray, spectra: np.ndarray, wanted_hz: np.ndarray, mode: str) -> np.ndarray:
    """Nearest or linear interpolation of unflagged spectra ``(n, chan)``, all at once."""
    low, high, share = _weights_1d(grid, wanted_hz, mode)
    if np.array_equal(low, high):
        return spectra[:, low]
    first, second = spectra[:, low], spectra[:, high]
    if not np.iscomplexobj(spectra):
        return first * (1 - share) + second * share
    step = np.angle(second * np.conj(first))
    mixed = (np.abs(first) * (1 - share) + np.abs(second) * share) * np.exp(1j * (np.angle(first) + share * step))
    return np.where(share == 0, first, mixed)
