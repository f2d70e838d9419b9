"""Series of solutions along time or frequency, and polynomials through them: what the calanalysis tool gives.

References
----------
CASA documentation of the calanalysis tool; keys and order of the records as observed in CASA 6.7.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from casatools._base.errors import ParameterError, SelectionError
from casatools.calibration.solve_delays import baseline_delays
from casatools.io.caltable import CalTable

__all__ = ["FitOptions", "SeriesOptions", "fit_series", "iter_series", "numbers_of"]

_ORDERS = {"AVERAGE": 0, "LINEAR": 1, "QUADRATIC": 2}
# Steps of the reweighting of a robust fit.
_ROBUST_STEPS = 10


@dataclass(frozen=True)
class SeriesOptions:
    """Which series are made.

    Attributes
    ----------
    fields, antennas, windows, feeds : sequence of int
        Numbers; feeds count from zero.
    times_s : (float, float)
        First and last time.
    each : {"TIME", "FREQ"}
        What is iterated over; the series run along the other.
    part : {"AMPLITUDE", "PHASE"}
    norm : bool
        Divide amplitudes by the largest.
    unwrap : bool
        Follow phases over turns.
    jump_rad : float
        How near to half a turn both ends of a jump must be to be taken for a turn; 0 follows the delay that fits a spectrum best.
    """

    fields: Sequence[int]
    antennas: Sequence[int]
    windows: Sequence[int]
    feeds: Sequence[int]
    times_s: tuple[float, float]
    each: str = "TIME"
    part: str = "AMPLITUDE"
    norm: bool = False
    unwrap: bool = False
    jump_rad: float = 0.0

    def __post_init__(self) -> None:
        if self.each not in ("TIME", "FREQ"):
            raise ParameterError(f"parameter 'axis' must be 'TIME' or 'FREQ'; got {self.each!r}")
        if self.part not in ("AMPLITUDE", "PHASE"):
            raise ParameterError(f"parameter 'ap' must be 'AMPLITUDE' or 'PHASE'; got {self.part!r}")
        if not self.jump_rad >= 0:
            raise ParameterError(f"parameter 'jumpmax' must not be negative; got {self.jump_rad}")


@dataclass(frozen=True)
class FitOptions:
    """Which polynomial is fitted, and how."""

    order: str = "AVERAGE"
    kind: str = "LSQ"
    weight: bool = False

    def __post_init__(self) -> None:
        if self.order not in _ORDERS:
            raise ParameterError(f"parameter 'order' must be one of {', '.join(map(repr, _ORDERS))}; got {self.order!r}")
        if self.kind not in ("LSQ", "ROBUST"):
            raise ParameterError(f"parameter 'type' must be 'LSQ' or 'ROBUST'; got {self.kind!r}")


def numbers_of(names: Sequence[str], wanted: str | Sequence[str], what: str) -> list[int]:
    """Numbers of names, numbers or ranges such as 0~3 in text, ``!`` before what is left out; all for nothing.

    Raises
    ------
    SelectionError
        There is no such one, or nothing is left.
    """
    items = [str(i).strip() for i in (wanted.split(",") if isinstance(wanted, str) else wanted)]
    found: set[int] = set()
    left_out: set[int] = set()
    for item in filter(None, items):
        name = item if item in names else item.removeprefix("!").strip()
        first, _, last = name.partition("~")
        if name in names:
            these = [list(names).index(name)]
        elif first.strip().isdigit() and (last.strip() or first).strip().isdigit() and name[-1] != "~":
            these = list(range(int(first), int(last or first) + 1))
        else:
            these = []
        if not these or these[-1] >= len(names):
            raise SelectionError(f"there is no {what} {item!r} in the calibration table; there are {', '.join(names)}")
        (found if name == item else left_out).update(these)
    kept = sorted((found or set(range(len(names)))) - left_out)
    if names and not kept:
        raise SelectionError(f"the {what} selection {wanted!r} leaves nothing of {', '.join(names)}")
    return kept


@dataclass
class _Cube:
    """Solutions of one field, antenna and feed: arrays (time, chan)."""

    value: np.ndarray
    error: np.ndarray
    flag: np.ndarray
    refant: int
    is_complex: bool = True


def _cube(
    table: CalTable, mine: np.ndarray, feed: int, times: np.ndarray, windows: Sequence[int], starts: dict[int, int]
) -> _Cube:
    size = sum(len(table.frequencies_hz[w]) for w in windows)
    value = np.zeros((len(times), size), dtype=np.complex128)
    error, flag = np.zeros(value.shape), np.ones(value.shape, dtype=bool)
    refant = -1
    for group in table.groups:
        for k in np.flatnonzero(np.isin(group.rows, mine)).tolist():
            row = int(group.rows[k])
            low = starts[int(table.spw_id[row])]
            at = int(np.searchsorted(times, table.time_s[row]))
            cut = slice(low, low + group.param.shape[1])
            value[at, cut], error[at, cut] = group.param[k, :, feed], group.paramerr[k, :, feed]
            flag[at, cut] = group.flag[k, :, feed]
            refant = int(table.antenna2[row])
    return _Cube(value, error, flag, refant, table.is_complex)


def iter_series(table: CalTable, options: SeriesOptions) -> Iterator[dict[str, Any]]:
    """Yield the record of each series: by field, antenna, feed, and then each time or frequency."""
    keep = np.isin(table.spw_id, list(options.windows))
    keep &= (table.time_s >= options.times_s[0]) & (table.time_s <= options.times_s[1])
    starts, low = {}, 0
    for window in options.windows:
        starts[window] = low
        low += len(table.frequencies_hz[window])
    frequency = np.concatenate([table.frequencies_hz[w] for w in options.windows])
    nfeed = table.groups[0].param.shape[2] if table.groups else 0
    for field in options.fields:
        times = np.unique(table.time_s[keep & (table.field_id == field)])
        for antenna in options.antennas:
            mine = np.flatnonzero(keep & (table.field_id == field) & (table.antenna1 == antenna))
            if not len(mine):
                continue
            for feed in options.feeds:
                cube = _cube(table, mine, feed, times, options.windows, starts)
                who = {"field": str(field), "antenna1": str(antenna), "antenna2": str(cube.refant)}
                who["feed"] = "S" if nfeed == 1 else str(feed + 1)
                yield from _along(cube, who, times, frequency, options)


def _along(
    cube: _Cube, who: dict[str, str], times: np.ndarray, frequency: np.ndarray, options: SeriesOptions
) -> Iterator[dict[str, Any]]:
    by_time = options.each == "TIME"
    for k in range(len(times) if by_time else len(frequency)):
        cut: Any = (k, slice(None)) if by_time else (slice(None), k)
        flag = cube.flag[cut].copy()
        along = frequency if by_time else None
        value, error = _part(cube.value[cut], cube.error[cut], flag, options, along) if cube.is_complex else _real(cube, cut)
        part = options.part if cube.is_complex else "REAL"
        record: dict[str, Any] = {"abscissa": "frequency" if by_time else "time", **who, "flag": flag, "rap": part}
        record["frequency"] = frequency.copy() if by_time else float(frequency[k])
        record["time"] = float(times[k]) if by_time else times.copy()
        if part == "AMPLITUDE":
            record["norm"] = options.norm
        elif part == "PHASE":
            record |= {"unwrap": options.unwrap, "jumpMax": options.jump_rad}
        yield record | {"value": value, "valueErr": error}


def _real(cube: _Cube, cut: Any) -> tuple[np.ndarray, np.ndarray]:
    """Parameters that are numbers, such as delays: their values and errors whatever part is asked for."""
    return cube.value[cut].real.copy(), cube.error[cut].copy()


def _part(
    value: np.ndarray, error: np.ndarray, flag: np.ndarray, options: SeriesOptions, frequency_hz: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Amplitude or phase (rad) and its error; of spectra with their frequencies."""
    amplitude = np.abs(value)
    if options.part == "AMPLITUDE":
        good = ~flag & (amplitude > 0)
        if options.norm and good.sum() > 1:
            largest = amplitude[good].max()
            return amplitude / largest, error / largest
        return amplitude, error.copy()
    phase = np.angle(value)
    if options.unwrap and (~flag).sum() > 1:
        phase = _followed(phase, ~flag, options.jump_rad, frequency_hz)
    known = ~flag & (amplitude > 0)
    return phase, np.where(known, error / np.where(known, amplitude, 1.0), np.pi)


def _followed(phase: np.ndarray, good: np.ndarray, near_rad: float, frequency_hz: np.ndarray | None) -> np.ndarray:
    """Phases (rad) over turns, found by the good ones; those between go with the good one before.

    With `near_rad` a step of more than half a turn is one turn where it goes from that near below half a turn to that near above minus half
    a turn, or back. Without it steps are those nearest to the delay that fits a spectrum best, and the smallest of a series in time.
    """
    known = phase[good]
    step = np.diff(known)
    if near_rad > 0:
        near = np.minimum(np.abs(known[1:]), np.abs(known[:-1])) > np.pi - near_rad
        turns = np.where(near & (np.abs(step) > np.pi), -np.sign(step), 0.0)
    else:
        expected: np.ndarray | float = 0.0
        if frequency_hz is not None:
            delay_ns, _ = baseline_delays(np.where(good, np.exp(1j * phase), 0.0), frequency_hz)
            expected = 2e-9 * np.pi * delay_ns * np.diff(frequency_hz[good])
        turns = np.round((expected - step) / (2 * np.pi))
    whole = np.zeros(len(phase))
    whole[np.flatnonzero(good)[1:]] = turns
    return np.asarray(phase + 2 * np.pi * np.cumsum(whole))


def fit_series(record: dict[str, Any], options: FitOptions) -> dict[str, Any]:
    """The record of a series with a polynomial through its unflagged values.

    Notes
    -----
    A series with fewer values than coefficients is not fitted: ``validFit`` is False and arrays are empty. The abscissa is frequency (Hz) or time (s) as in
    the record. Without weights errors are those of the scatter, and ``redChi2`` is 1; ``covars`` are those beside the diagonal: 01, 02, 12.
    """
    degree = _ORDERS[options.order]
    x = np.atleast_1d(np.asarray(record[record["abscissa"]], dtype=np.float64))
    good = ~record["flag"]
    none = np.zeros(0)
    out = record | {
        "order": options.order, "type": options.kind, "weight": "YES" if options.weight else "NO", "validFit": False, "pars": none,
        "vars": none.copy(), "covars": none.copy(), "model": none.copy(), "res": none.copy(), "resMean": 0.0, "resVar": 0.0,
        "redChi2": 0.0,
    }  # fmt: skip
    if good.sum() == 1 and not degree and options.kind == "ROBUST":
        return out | {"flag": np.ones_like(good)}  # one value cannot be told from an outlier
    if good.sum() <= degree:
        return out
    y, error = record["value"][good], record["valueErr"][good]
    weight = 1.0 / np.where(error > 0, error, 1.0) ** 2 if options.weight else np.ones_like(y)
    # Times and frequencies hardly vary beside their size: the fit is made about their middle.
    centre, scale = float(x.mean()), float(np.ptp(x)) or 1.0
    design = np.vander((x - centre) / scale, degree + 1, increasing=True)
    robust = options.kind == "ROBUST"
    pars = _fit(design[good], y, weight, robust)
    back = _about_zero(degree, centre, scale)
    model = design @ pars
    left = record["value"] - model
    freedom = int(good.sum()) - degree - 1
    covar = back @ np.linalg.pinv(design[good].T @ (design[good] * weight[:, None])) @ back.T
    covar *= (np.pi / 2 if robust else 1.0) * (1.0 if options.weight else _scatter(left[good], freedom, robust) ** 2)
    chi_squared = float((weight * left[good] ** 2).sum() / freedom) if freedom else 0.0
    return out | {
        "validFit": True, "pars": back @ pars, "vars": covar.diagonal().copy(), "covars": covar[np.triu_indices(degree + 1, 1)],
        "model": model, "res": left,
        # Of all values, flagged ones too, as the reference counts them.
        "resMean": float(left.mean()), "resVar": float(left.var(ddof=1)) if len(left) > 1 else 0.0,
        "redChi2": chi_squared if options.weight else 1.0,
    }  # fmt: skip


def _scatter(left: np.ndarray, freedom: int, robust: bool) -> float:
    """Standard deviation of what a fit leaves, of Gaussian noise; of a robust one by the median, which outliers do not move."""
    if not freedom:
        return 0.0
    if robust:
        return float(np.median(np.abs(left)) / 0.6745 * np.sqrt(len(left) / freedom))
    return float(np.sqrt(np.sum(left**2) / freedom))


def _about_zero(degree: int, centre: float, scale: float) -> np.ndarray:
    """Matrix that turns coefficients of ``((x - centre) / scale)^n`` into those of ``x^n``."""
    out = np.zeros((degree + 1, degree + 1))
    power = np.ones(1)
    for n in range(degree + 1):
        out[: n + 1, n] = power
        power = np.convolve(power, [-centre / scale, 1.0 / scale])
    return out


def _fit(design: np.ndarray, y: np.ndarray, weight: np.ndarray, robust: bool) -> np.ndarray:
    """Least squares, or least absolute deviations by reweighting."""
    used = weight
    for _ in range(_ROBUST_STEPS if robust else 1):
        pars = np.linalg.pinv(design.T @ (design * used[:, None])) @ (design.T @ (used * y))
        left = np.abs(y - design @ pars)
        if not robust or left.max() == 0:
            break
        used = weight / np.maximum(left, 1e-6 * left.max())
    return np.asarray(pars)
