"""Continuum subtraction as uvcontsub_old and ms.continuumsub do it: polynomials fitted to averages in time, and over spectral windows.

Notes
-----
Spectra of a baseline are averaged, weighted, over each solution interval, a polynomial in frequency is fitted to the channels given, real and imaginary
parts alike, and what it gives at the time and frequency of a visibility is subtracted. Between the times of two solutions of a field the amplitudes and
phases of the coefficients are interpolated, the polynomial being about the middle of the frequencies, as in the reference; before the first and
after the last one they stay. Data without a solution are flagged.

References
----------
Cornwell, Uson & Haddad, "Radio-interferometric imaging of spectral lines: the problem of continuum subtraction", A&A 258 (1992), 583.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from casatools._base.errors import ParameterError
from casatools.io.ms import MeasurementSet, Selection, VisChunk, iter_chunks
from casatools.transform.blocks import Block
from casatools.transform.parameters import parse_span, parse_timebin_s

__all__ = ["OldContinuumOptions", "Solutions", "solve_continuum", "subtract_solutions"]

# A solution interval closes a little early, so that rounding of times does not let one integration too many in.
_SLACK = 0.999


@dataclass(frozen=True)
class OldContinuumOptions:
    """What is fitted.

    Attributes
    ----------
    fitspw : str
        Spectral windows and channels to fit to; "" for all.
    excludechans : bool
        Fit to all other channels of these windows instead.
    combine : str
        ``spw``, ``scan`` or both: fits over all spectral windows, intervals across scans.
    solint : str or float
        ``int`` for each integration, ``inf`` for each scan, or a time.
    fitorder : int
    """

    fitspw: str = ""
    excludechans: bool = False
    combine: str = ""
    solint: Any = "int"
    fitorder: int = 0

    def __post_init__(self) -> None:
        _ = self.span, self.interval_s
        if self.fitorder < 0:
            raise ParameterError(f"parameter 'fitorder' must be at least 0; got {self.fitorder}")

    @property
    def span(self) -> frozenset[str]:
        return parse_span(self.combine, "combine", ("spw", "scan"))

    @property
    def interval_s(self) -> float:
        """Seconds of a solution interval; 0 for each integration, infinity for each scan."""
        text = str(self.solint).strip().lower()
        if text in ("", "inf", "infinite", "0", "0.0", "0s"):
            return float("inf")
        return 0.0 if text == "int" else parse_timebin_s(self.solint, "solint")


@dataclass
class Solutions:
    """Polynomials by group: a group is an interval of one field and baseline (and spectral window).

    Attributes
    ----------
    keys : ndarray (group, 4) int64
        Field, first and second antenna, spectral window (-1 for all), ascending; groups of one key by time.
    time_s : ndarray (group,)
    coefficients : ndarray (group, corr, term) complex128
        NaN where there was nothing to fit to.
    interpolate : bool
        Between solutions; otherwise the one nearest in time is taken.
    middle_hz, half_hz : dict
        By spectral window (or -1): the polynomial is in (frequency - middle) / half.
    """

    keys: np.ndarray
    time_s: np.ndarray
    coefficients: np.ndarray
    interpolate: bool = True
    middle_hz: dict[int, float] = field(default_factory=dict)
    half_hz: dict[int, float] = field(default_factory=dict)


def fit_channels(ms: MeasurementSet, options: OldContinuumOptions) -> dict[int, np.ndarray]:
    """Channels to fit to, by spectral window.

    Raises
    ------
    SelectionError
    ParameterError
        None is left.
    """
    found = Selection(spw=options.fitspw).resolve(ms, allow_empty=True).channels
    windows = ms.metadata.spectral_windows
    out = {}
    for spw, chosen in found.items():
        index = np.arange(windows[spw].nchan) if chosen is None else np.asarray(chosen)
        out[spw] = np.setdiff1d(np.arange(windows[spw].nchan), index) if options.excludechans else index
    if options.excludechans and options.fitspw and "spw" not in options.span:
        out.update({w.id: np.arange(w.nchan) for w in windows if w.id not in out})
    out = {spw: index for spw, index in out.items() if len(index)}
    if not out:
        raise ParameterError(f"parameter 'fitspw'={options.fitspw!r} leaves no channels to fit to")
    return out


def solve_continuum(
    ms: MeasurementSet, selected_field: str, column: str, options: OldContinuumOptions, interpolate: bool = True
) -> Solutions:
    """Fit all intervals.

    Parameters
    ----------
    ms : MeasurementSet
    selected_field : str
    column : str
        Data column.
    options : OldContinuumOptions
    interpolate : bool
        Between intervals.
    """
    channels = fit_channels(ms, options)
    text = ",".join(f"{spw}:{';'.join(str(c) for c in index)}" for spw, index in sorted(channels.items()))
    resolved = Selection(field=selected_field, spw=text).resolve(ms)
    rows = np.asarray(resolved.rows)
    groups, keys, times, slots = _groups(ms, rows, options)
    frequency = {w.id: np.asarray(w.chan_freq_hz) for w in ms.metadata.spectral_windows}
    out = Solutions(keys, times, np.zeros((len(keys), 0, 0)), interpolate)
    for name, values in _fitted_frequencies(frequency, channels, "spw" in options.span).items():
        low, high = float(values.min()), float(values.max())
        out.middle_hz[name], out.half_hz[name] = (low + high) / 2, max((high - low) / 2, 1.0)
    ncorr = max(ms.metadata.polarizations[d.pol].ncorr for d in ms.metadata.data_descriptions)
    terms = options.fitorder + 1
    normal = np.zeros((len(keys), ncorr, terms, terms))
    right = np.zeros((len(keys), ncorr, terms), dtype=np.complex128)
    moment = np.zeros(len(keys))
    spectrum = ms.has("WEIGHT_SPECTRUM")
    wanted = [column, "FLAG", "FLAG_ROW", "WEIGHT", "TIME", *(["WEIGHT_SPECTRUM"] if spectrum else [])]
    for chunk in iter_chunks(ms, resolved, wanted):
        name = -1 if "spw" in options.span else chunk.spw
        x = (frequency[chunk.spw][chunk.channels] - out.middle_hz[name]) / out.half_hz[name]
        group = groups[chunk.index]
        weight = _accumulate(chunk, column, np.vander(x, terms, increasing=True), group, normal, right)
        np.add.at(moment, group, weight * (chunk["TIME"] - times[group]))
    out.time_s = _mean_times(times, moment, normal[..., 0, 0].sum(axis=1), slots)
    out.coefficients = _solved(normal, right)
    return out


def _fitted_frequencies(
    frequency: dict[int, np.ndarray], channels: dict[int, np.ndarray], combined: bool
) -> dict[int, np.ndarray]:
    """Frequencies that are fitted to, by spectral window, or all together under -1."""
    found = {spw: frequency[spw][index] for spw, index in channels.items()}
    return {-1: np.concatenate(list(found.values()))} if combined else found


def _mean_times(times: np.ndarray, moment: np.ndarray, weight: np.ndarray, slots: np.ndarray) -> np.ndarray:
    """Times of solutions: those of what was fitted, by weight, one for all baselines of an interval, as in the reference.

    Parameters
    ----------
    times : ndarray (group,)
        Mean times of the rows [s].
    moment, weight : ndarray (group,)
        Sums of weights times seconds after `times`, and of weights.
    slots : ndarray (group,) int64
        Groups of one interval.
    """
    first = np.full(slots.max() + 1, np.inf) if len(slots) else np.zeros(0)
    np.minimum.at(first, slots, times)
    total = np.bincount(slots, weight)
    after = np.bincount(slots, moment + weight * (times - first[slots]))
    return np.where(total[slots] > 0, first[slots] + after[slots] / np.where(total > 0, total, 1.0)[slots], times)


def _groups(
    ms: MeasurementSet, rows: np.ndarray, options: OldContinuumOptions
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The group of each row; the key of each group, its mean time, and a number for the baselines' groups of one interval."""
    windows = np.array([d.spw for d in ms.metadata.data_descriptions])
    spw = windows[np.asarray(ms.read("DATA_DESC_ID", rows))]
    if "spw" in options.span:
        spw = np.full_like(spw, -1)
    read = {c: np.asarray(ms.read(c, rows)) for c in ("FIELD_ID", "ANTENNA1", "ANTENNA2", "SCAN_NUMBER", "TIME")}
    part = np.zeros(len(rows), dtype=np.int64) if "scan" in options.span else read["SCAN_NUMBER"].astype(np.int64)
    interval = _intervals(read["FIELD_ID"].astype(np.int64) << 32 | part, read["TIME"], options.interval_s)
    stack = np.stack([read["FIELD_ID"], read["ANTENNA1"], read["ANTENNA2"], spw, interval]).astype(np.int64)
    distinct, group = np.unique(stack, axis=1, return_inverse=True)
    group = np.ravel(group)
    count = np.bincount(group)
    start = read["TIME"].min() if len(rows) else 0.0
    mean = np.bincount(group, read["TIME"] - start) / np.maximum(count, 1) + start
    keys = distinct[:4].T
    order = np.lexsort((mean, *keys.T[::-1]))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    slots = np.ravel(np.unique(distinct[[0, 3, 4]], axis=1, return_inverse=True)[1])
    return rank[group], keys[order], mean[order], slots[order]


def _intervals(part: np.ndarray, time_s: np.ndarray, length_s: float) -> np.ndarray:
    """A number for each row: that of its solution interval; intervals begin with a time and never cross parts."""
    pairs = np.stack([part, np.rint((time_s - time_s.min()) * 1e3).astype(np.int64)]) if len(part) else np.zeros((2, 0), np.int64)
    distinct, place = np.unique(pairs, axis=1, return_inverse=True)
    number = np.zeros(distinct.shape[1], dtype=np.int64)
    begin, current = 0.0, -1
    for k in range(len(number)):
        when = distinct[1, k] / 1e3
        if k == 0 or distinct[0, k] != distinct[0, k - 1] or when - begin >= length_s * _SLACK:
            begin, current = when, current + 1
        number[k] = current
    return number[np.ravel(place)]


def _accumulate(
    chunk: VisChunk, column: str, basis: np.ndarray, group: np.ndarray, normal: np.ndarray, right: np.ndarray
) -> np.ndarray:
    """Add the rows of a chunk to the normal equations of their groups; gives the weight of each row."""
    data = chunk[column]
    weight = chunk["WEIGHT_SPECTRUM"] if "WEIGHT_SPECTRUM" in chunk.columns else chunk["WEIGHT"][:, None, :]
    good = ~(chunk["FLAG"] | chunk["FLAG_ROW"][:, None, None]) & np.isfinite(data)
    w = np.where(good, np.broadcast_to(weight, data.shape), 0.0).astype(np.float64)
    ncorr = data.shape[2]
    np.add.at(normal[:, :ncorr], group, np.einsum("rcp,ci,cj->rpij", w, basis, basis))
    np.add.at(right[:, :ncorr], group, np.einsum("rcp,ci->rpi", w * np.where(good, data, 0), basis))
    return w.sum(axis=(1, 2))


def _solved(normal: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Coefficients; the order falls where there are too few channels with data, and they are NaN where there is none."""
    terms = right.shape[-1]
    out = np.full(right.shape, np.nan, dtype=np.complex128)
    empty = ~(normal[..., 0, 0] > 0)
    scaled = np.where(empty[..., None, None], np.eye(terms), normal / np.where(empty, 1.0, normal[..., 0, 0])[..., None, None])
    known = right / np.where(empty, 1.0, normal[..., 0, 0])[..., None]
    left = ~empty
    for used in range(terms, 0, -1):
        part = scaled[..., :used, :used]
        fine = left & (np.linalg.cond(part) < 1e10)
        solved = np.linalg.solve(part[fine], known[fine][:, :used, None])[..., 0]
        out[fine] = np.concatenate([solved, np.zeros((len(solved), terms - used))], axis=1)
        left &= ~fine
    return out


def subtract_solutions(
    blocks: Iterable[Block], ms: MeasurementSet, solutions: Solutions, channels: Any, want_continuum: bool
) -> Iterator[Block]:
    """The stage: take the polynomials off every column, or leave them in its place; flag what has none."""
    for block in blocks:
        frequency = np.asarray(ms.metadata.spectral_windows[block.spw].chan_freq_hz)
        held = channels.get(block.spw)
        model = model_of_rows(
            solutions, block.rows, block.spw, frequency if held is None else frequency[np.asarray(held)], block.flag.shape[2]
        )
        missing = np.isnan(model)
        model[missing] = 0
        block.flag = block.flag | missing
        block.data = {
            name: (model if want_continuum else values - model).astype(np.complex64) for name, values in block.data.items()
        }
        yield block


def model_of_rows(solutions: Solutions, rows: Any, spw: int, frequency_hz: np.ndarray, ncorr: int) -> np.ndarray:
    """The continuum of some rows of one spectral window: ndarray (row, chan, corr) complex128, NaN without a solution."""
    name = spw if spw in solutions.middle_hz else -1
    count = len(rows["TIME"])
    shape = (count, len(frequency_hz), ncorr)
    if name not in solutions.middle_hz:
        return np.full(shape, np.nan, dtype=np.complex128)
    x = (frequency_hz - solutions.middle_hz[name]) / solutions.half_hz[name]
    basis = np.vander(x, solutions.coefficients.shape[2], increasing=True)
    keys = np.stack([rows["FIELD_ID"], rows["ANTENNA1"], rows["ANTENNA2"], np.full(count, name)], axis=1).astype(np.int64)
    coefficients = _interpolated(solutions, keys, np.asarray(rows["TIME"]))[:, :ncorr]
    return np.einsum("ci,rpi->rcp", basis, coefficients)


def _interpolated(solutions: Solutions, keys: np.ndarray, time_s: np.ndarray) -> np.ndarray:
    """Coefficients (row, corr, term) at the times of rows."""
    distinct, first, number = np.unique(solutions.keys, axis=0, return_index=True, return_counts=True)
    packed = {tuple(k): (int(f), int(n)) for k, f, n in zip(distinct.tolist(), first, number, strict=True)}
    wanted, place = np.unique(keys, axis=0, return_inverse=True)
    place = np.ravel(place)
    out = np.full((len(keys), *solutions.coefficients.shape[1:]), np.nan, dtype=np.complex128)
    for k, key in enumerate(wanted.tolist()):
        start, count = packed.get(tuple(key), (0, 0))
        here = np.flatnonzero(place == k)
        if count == 0:
            continue
        times, values = solutions.time_s[start : start + count], solutions.coefficients[start : start + count]
        low = np.clip(np.searchsorted(times, time_s[here], side="right") - 1, 0, max(count - 2, 0))
        high = np.minimum(low + 1, count - 1)
        span = np.where(high > low, times[high] - times[low], 1.0)
        part = np.clip((time_s[here] - times[low]) / span, 0.0, 1.0)[:, None, None]
        out[here] = _between(values[low], values[high], part if solutions.interpolate else np.rint(part))
    return out


def _between(a: np.ndarray, b: np.ndarray, part: np.ndarray) -> np.ndarray:
    """Amplitude and phase between two complex values; one that is not there gives way to the other, except at its own time."""
    first, second = np.where(np.isnan(a), b, a), np.where(np.isnan(b), a, b)
    turn = np.angle(second * np.conj(first))
    mixed = (np.abs(first) * (1.0 - part) + np.abs(second) * part) * np.exp(1j * (np.angle(first) + turn * part))
    return np.where(part == 0.0, a, np.where(part == 1.0, b, mixed))
