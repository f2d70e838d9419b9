"""Weights from the scatter of the visibilities themselves.

The samples of a baseline within a time bin, a channel bin and a correlation have a variance of unit exposure ``s = mean(t |x - m|^2) / 2`` over real and
imaginary parts, with exposure times ``t`` and their weighted mean ``m``; a row of exposure ``t`` is given the weight ``t / s``.

References
----------
CASA documentation, task statwt; ALMA/CASA memo on statwt (D. Mehringer 2018): variances, sliding bins, which columns are written. What it leaves open -
populations rather than samples, how bins begin, windows at the ends - was measured on weights that CASA 6.7 writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np

from casatools._base import log
from casatools._base.errors import DataError, ParameterError
from casatools._base.paths import require_present
from casatools._base.row_arrays import common_rows
from casatools._base.threads import over_rows, thread_count
from casatools.frames.quantities import conforms, parse_quantity, to_unit
from casatools.io.ms import MeasurementSet, ResolvedSelection, Selection, VisChunk, iter_chunks, write_chunks
from casatools.io.ms.exclusive import exclusive_access
from casatools.io.ms.flag_journal import FlagJournal, open_journal
from casatools.io.ms.flag_versions import next_version_name, save_version
from casatools.io.ms.weight_columns import add_sigma_spectrum, add_weight_spectrum
from casatools.kernels.group_variances import CHAUVENET, CLASSIC, FIT_HALF, HINGES, all_variances, group_variances
from casatools.kernels.sample_masks import mark_bad, whole_rows
from casatools.transform.weight_bins import WeightBins, plan_weight_bins

__all__ = ["StatisticalWeightOptions", "set_statistical_weights"]

_ALGORITHMS = {"classic": CLASSIC, "chauvenet": CHAUVENET, "hinges-fences": HINGES, "fit-half": FIT_HALF}
_CENTRES = {"mean": 0, "median": 1, "zero": 2}
_COMBINE = ("corr", "scan", "field", "state")
_COLUMNS = {
    "data": ("DATA", ""), "corrected": ("CORRECTED_DATA", ""), "residual": ("CORRECTED_DATA", "MODEL_DATA"), "residual_data": ("DATA", "MODEL_DATA"),
}  # fmt: skip


@dataclass(frozen=True)
class StatisticalWeightOptions:
    """Parameters of statwt, by their own names; see the task for their meaning.

    Raises
    ------
    ParameterError
        A value is wrong.
    """

    combine: str = ""
    timebin: Any = 1
    slidetimebin: bool = False
    chanbin: Any = "spw"
    minsamp: int = 2
    statalg: str = "classic"
    fence: float = -1.0
    center: str = "mean"
    lside: bool = True
    zscore: float = -1.0
    maxiter: int = -1
    fitspw: str = ""
    excludechans: bool = False
    wtrange: tuple[float, ...] = ()
    preview: bool = False
    datacolumn: str = "corrected"

    def __post_init__(self) -> None:
        choices = (
            ("statalg", self.statalg, _ALGORITHMS),
            ("center", self.center, _CENTRES),
            ("datacolumn", self.datacolumn, _COLUMNS),
        )
        for name, value, allowed in choices:
            if value not in allowed:
                raise ParameterError(f"statwt: parameter {name!r} must be one of {', '.join(allowed)}; got {value!r}")
        unknown = sorted(self.combined - set(_COMBINE))
        if unknown:
            raise ParameterError(f"statwt: parameter 'combine' must hold only {', '.join(_COMBINE)}; got {self.combine!r}")
        if self.minsamp < 2:
            raise ParameterError(f"statwt: parameter 'minsamp' must be at least 2; got {self.minsamp}")
        if self.wtrange and (len(self.wtrange) != 2 or not all(w >= 0 for w in self.wtrange)):
            raise ParameterError(
                f"statwt: parameter 'wtrange' must be two numbers that are not negative, or []; got {list(self.wtrange)}"
            )
        _ = (self.time_span, self.channel_span)

    @property
    def combined(self) -> frozenset[str]:
        """What bins may go across."""
        return frozenset(part.strip() for part in self.combine.lower().split(",") if part.strip())

    @property
    def keeps_all(self) -> bool:
        """Whether every good sample counts."""
        return self.statalg == "classic" or (self.statalg == "hinges-fences" and self.fence < 0)

    @property
    def time_span(self) -> tuple[int, float]:
        """Integrations and seconds of a time bin; the one that is not given is 0."""
        value = self.timebin
        if isinstance(value, (int, np.integer)) or (isinstance(value, str) and value.strip().isdigit()):
            count, seconds = int(value), 0.0
            good = count > 0
        else:
            number, unit = _quantity(value)
            if unit and not conforms(unit, "s"):
                raise ParameterError(f"statwt: parameter 'timebin' must be a number of integrations or a time; got {value!r}")
            count, seconds = 0, float(to_unit(value, "s") if unit else number)
            good = seconds > 0
        if not good:
            raise ParameterError(f"statwt: parameter 'timebin' must be positive; got {value!r}")
        return count, seconds

    @property
    def channel_span(self) -> tuple[int, float]:
        """Channels and hertz of a channel bin; both 0 for whole spectral windows."""
        value = self.chanbin
        if isinstance(value, str) and value.strip().lower() in ("spw", ""):
            return 0, 0.0
        if isinstance(value, (int, np.integer)) or (isinstance(value, str) and value.strip().isdigit()):
            count, hertz = int(value), 0.0
            good = count > 0
        else:
            number, unit = _quantity(value)
            if not unit or not conforms(unit, "Hz"):
                raise ParameterError(
                    f"statwt: parameter 'chanbin' must be 'spw', a number of channels or a frequency; got {value!r}"
                )
            count, hertz = 0, float(to_unit(value, "Hz"))
            good = number > 0
        if not good:
            raise ParameterError(f"statwt: parameter 'chanbin' must be positive; got {value!r}")
        return count, hertz


def _quantity(value: Any) -> tuple[Any, str]:
    """Number and unit; of what is no quantity a unit that is neither a time nor a frequency, for the parameter's own sentence."""
    try:
        return parse_quantity(value)
    except ParameterError:
        return np.nan, "Jy"


@dataclass
class _Totals:
    """Weights that were set, for the mean and variance that are returned."""

    count: int = 0
    mean: float = 0.0
    spread: float = 0.0

    def add(self, weights: np.ndarray, times: np.ndarray | None = None) -> None:
        """Take more weights (Chan, Golub & LeVeque 1983, Am. Stat. 37, 242), each once or as many `times`."""
        n = weights.size if times is None else int(times.sum())
        if n:
            share = np.ones(1) if times is None else times
            mean = float((weights * share).sum(dtype=np.float64)) / n
            spread = float((np.square(weights - mean, dtype=np.float64) * share).sum())
            step, total = mean - self.mean, self.count + n
            self.spread += spread + step * step * self.count * n / total
            self.mean += step * n / total
            self.count = total

    def record(self) -> dict[str, float]:
        return {"mean": self.mean, "variance": self.spread / (self.count - 1) if self.count > 1 else 0.0}


@dataclass(frozen=True)
class _Bins:
    """Channels of a spectral window: their bin, and that of those which count for the variance."""

    of: np.ndarray
    counted: np.ndarray

    @property
    def number(self) -> int:
        return int(self.of[-1]) + 1


@dataclass
class _Plan:
    """What all chunks share."""

    options: StatisticalWeightOptions
    column: str
    subtract: str
    rows: WeightBins
    bins: Mapping[int, _Bins]
    by_channel: bool
    spectrum: bool
    sigma_spectrum: bool
    write_weight: bool
    write_sigma: bool
    infinite: bool
    totals: _Totals = field(default_factory=_Totals)


def set_statistical_weights(
    vis: str,
    expressions: Mapping[str, str],
    options: StatisticalWeightOptions,
    backup: bool = False,
    rows: np.ndarray | None = None,
) -> dict[str, float]:
    """Set weights, and flag what is given none.

    Parameters
    ----------
    vis : str
    expressions : mapping of str
        Keywords of `Selection`.
    options : StatisticalWeightOptions
    backup : bool
        Save the flags first.
    rows : ndarray of int, optional
        Only these of the selected rows.

    Returns
    -------
    dict
        mean and variance of the weights.

    Raises
    ------
    PathMissingError, SelectionError, ParameterError, DataError
        The MeasurementSet is missing, nothing matches, channels are selected, or a column is missing. Nothing is written then.

    Notes
    -----
    From DATA the weights go into SIGMA, as ``weight ** -1/2``, and into WEIGHT where there is no CORRECTED_DATA; from CORRECTED_DATA into WEIGHT.
    WEIGHT is the median over the channels of a spectrum. Where `timebin` is a number of integrations and a scan ends with fewer, those get the
    weights of the last `timebin` integrations together.
    """
    selection = Selection(**expressions)
    column, subtract = _COLUMNS[options.datacolumn]
    with ExitStack() as held:
        if not options.preview:
            held.enter_context(exclusive_access(require_present(vis, "MeasurementSet")))
        ms = held.enter_context(MeasurementSet(vis, writable=not options.preview))
        for name in (column, subtract):
            if name:
                ms.require(name)
        selected = selection.resolve(ms)
        if rows is not None:
            selected = replace(selected, rows=common_rows(selected.rows, np.sort(rows)))
        if any(channels is not None for channels in selected.channels.values()):
            raise ParameterError("statwt: parameter 'spw' selects whole spectral windows; choose channels with 'fitspw'")
        if not len(selected.rows):
            raise DataError(f"the selection on {vis!r} holds no rows")
        bins = {ms.metadata.data_descriptions[int(d)].spw: None for d in selected.ddids_present}
        plan = _plan(ms, selected, options, column, subtract, {spw: _channel_bins(ms, spw, options) for spw in bins})
        # What has been flagged for its weight tells nothing of the scatter any more: a second run over it would end otherwise.
        journal = None if options.preview else open_journal(ms, ("statwt", expressions, options, rows))
        if backup and not options.preview:
            save_version(vis, next_version_name(vis, "statwt"), "Flags before statwt")
        chunks = _chunks(ms, selected, plan)
        if journal is None:
            for _ in chunks:
                pass
        else:
            held.callback(journal.close)
            write_chunks(ms, _noted(chunks, journal), [])
            journal.finished()
    found = plan.totals.record()
    log.post(f"statwt: weights have the mean {found['mean']:.6g} and the variance {found['variance']:.6g}")
    if not found["mean"]:
        log.post("statwt: no weight is above zero: all data are flagged, or no bin has enough samples that scatter", "WARN")
    return found


def _noted(
    changes: Iterable[tuple[VisChunk, dict[str, np.ndarray]]], journal: FlagJournal
) -> Iterator[tuple[VisChunk, dict[str, np.ndarray]]]:
    """Changes, each with its flags noted before it is handed on to be written."""
    for chunk, values in changes:
        if "FLAG" in values:
            journal.note(chunk.rows, chunk["FLAG"], chunk["FLAG_ROW"], values["FLAG"])
        yield chunk, values


def _plan(
    ms: MeasurementSet,
    selected: ResolvedSelection,
    options: StatisticalWeightOptions,
    column: str,
    subtract: str,
    bins: Mapping[int, _Bins],
) -> _Plan:
    by_channel = options.channel_span != (0, 0.0)
    write_weight = column == "CORRECTED_DATA" or not ms.has("CORRECTED_DATA")
    write_sigma = column == "DATA"
    # The reference's weight of no variance, 1 / 0, is written where it has it: bins of seconds, whole windows, no spectra.
    infinite = not (by_channel or options.slidetimebin or options.time_span[0] or ms.has("WEIGHT_SPECTRUM"))
    spectrum, sigma_spectrum = by_channel or ms.has("WEIGHT_SPECTRUM"), by_channel or ms.has("SIGMA_SPECTRUM")
    if by_channel and not options.preview:
        made = add_weight_spectrum(ms) if write_weight else False
        made_sigma = add_sigma_spectrum(ms) if write_sigma else False
        _fill_spectra(ms, made, made_sigma)
    return _Plan(
        options, column, subtract, _bins_of_rows(ms, selected, options, 2 if subtract else 1), bins, spectrum, spectrum and (write_weight or by_channel),
        sigma_spectrum and write_sigma, write_weight, write_sigma, infinite,
    )  # fmt: skip


def _fill_spectra(ms: MeasurementSet, weight: bool, sigma: bool) -> None:
    """Give spectra that were just made the values of all channels together."""
    if not (weight or sigma):
        return

    def values() -> Iterator[tuple[VisChunk, dict[str, np.ndarray]]]:
        made = [f"{name}_SPECTRUM" for wanted, name in ((weight, "WEIGHT"), (sigma, "SIGMA")) if wanted]
        for chunk in iter_chunks(ms, Selection().resolve(ms), ["WEIGHT", "SIGMA"], made=made):
            shape = chunk.shape
            out = {}
            for wanted, name in ((weight, "WEIGHT"), (sigma, "SIGMA")):
                if wanted:
                    out[f"{name}_SPECTRUM"] = np.broadcast_to(chunk[name][:, None, :], shape).astype(np.float32)
            yield chunk, out

    write_chunks(ms, values(), [])


def _channel_bins(ms: MeasurementSet, spw: int, options: StatisticalWeightOptions) -> _Bins:
    window = ms.metadata.spectral_windows[spw]
    freq = np.asarray(window.chan_freq_hz)
    count, hertz = options.channel_span
    if count:
        of = np.arange(len(freq)) // count
    elif hertz:
        # A bin holds the channels whose centres are not farther than this from that of its first, as in the reference.
        of = np.zeros(len(freq), np.int64)
        start = 0
        for chan in range(1, len(freq)):
            full = abs(freq[chan] - freq[start]) > hertz * (1 + 1e-9)
            of[chan] = of[chan - 1] + full
            start = chan if full else start
    else:
        of = np.zeros(len(freq), np.int64)
    counted = of.copy()
    if options.fitspw.strip():
        chosen = Selection(spw=options.fitspw).resolve(ms).channels
        if spw in chosen and chosen[spw] is not None:
            inside = np.isin(np.arange(len(freq)), np.asarray(chosen[spw]))
            counted[inside if options.excludechans else ~inside] = -1
    return _Bins(of.astype(np.int64), counted.astype(np.int64))


def _bins_of_rows(
    ms: MeasurementSet, selected: ResolvedSelection, options: StatisticalWeightOptions, ncolumns: int
) -> WeightBins:
    """Bins of the selected rows: rows of another data description, array or observation, or what is not combined, are never in one."""
    apart = (("scan", "SCAN_NUMBER"), ("field", "FIELD_ID"), ("state", "STATE_ID"))
    names = ["DATA_DESC_ID", "ARRAY_ID", "OBSERVATION_ID"], [c for n, c in apart if n not in options.combined]
    metadata = ms.metadata
    size = {
        d.id: 128.0 + metadata.spectral_windows[d.spw].nchan * metadata.polarizations[d.pol].ncorr * (8.0 * ncolumns + 1)
        for d in metadata.data_descriptions
    }
    return plan_weight_bins(ms, selected.rows, names, None if options.slidetimebin else options.time_span, size)


def _windows(
    chunk: VisChunk, key: np.ndarray, options: StatisticalWeightOptions, rows: WeightBins
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows sorted by group, baseline and time, runs of them whose samples count together, and the run of each row."""
    time_s = chunk["TIME"]
    first, second = np.minimum(chunk["ANTENNA1"], chunk["ANTENNA2"]), np.maximum(chunk["ANTENNA1"], chunk["ANTENNA2"])
    baseline = first.astype(np.int64) * (int(second.max()) + 1) + second
    order = np.lexsort((time_s, baseline, key))
    changes = (np.diff(key[order]) != 0) | (np.diff(baseline[order]) != 0)
    edges = np.concatenate(([0], np.flatnonzero(changes) + 1, [len(order)]))
    member = np.zeros(len(order), np.int64)
    count, seconds = options.time_span
    if not options.slidetimebin:
        runs = np.stack([edges[:-1], edges[1:]], axis=1)
        member[order] = np.repeat(np.arange(len(runs)), np.diff(edges))
        return (order, *_last_bins(runs, member, order, key, time_s, count, rows)) if count else (order, runs, member)
    parts = []
    for low, high in pairwise(edges.tolist()):
        times = time_s[order[low:high]]
        if count:
            all_times = rows.times_s(int(key[order[low]]))
            first_of = np.searchsorted(all_times, times) - (count - 1) // 2
            first_of = np.clip(first_of, 0, max(0, len(all_times) - count))
            begin = np.searchsorted(times, all_times[first_of])
            end = np.searchsorted(times, all_times[np.minimum(first_of + count, len(all_times)) - 1], side="right")
        else:
            begin = np.searchsorted(times, times - 0.5 * seconds * (1 + 1e-9))
            end = np.searchsorted(times, times + 0.5 * seconds * (1 + 1e-9), side="right")
        parts.append(np.stack([begin, end], axis=1) + low)
    member[order] = np.arange(len(order))
    return order, np.concatenate(parts), member


def _last_bins(
    runs: np.ndarray, member: np.ndarray, order: np.ndarray, key: np.ndarray, time_s: np.ndarray, count: int, rows: WeightBins
) -> tuple[np.ndarray, np.ndarray]:
    """Runs and the run of each row, where bins hold `count` integrations and the last of a group, if it has fewer, its last `count`."""
    values, group = np.unique(key, return_inverse=True)
    cuts = np.full((len(values), 2), np.inf)  # the first time of such a last bin, and the first that counts in it
    for number in range(len(values)):
        times = rows.times_s(int(values[number]))
        if len(times) > count:
            cuts[number] = times[count], times[-count]
    added: list[list[int]] = []
    for run in np.flatnonzero(np.isfinite(cuts[group[order[runs[:, 0]]], 0])):
        low, high = runs[run].tolist()
        first, counted = (np.searchsorted(time_s[order[low:high]], cuts[group[order[low]]]) + low).tolist()
        if first < high:
            member[order[first:high]] = len(runs) + len(added)
            added.append([counted, high])
            runs[run, 1] = first
    return (np.concatenate([runs, np.array(added, dtype=runs.dtype)]) if added else runs), member


def _chunks(ms: MeasurementSet, selected: ResolvedSelection, plan: _Plan) -> Iterator[tuple[VisChunk, dict[str, np.ndarray]]]:
    columns = [plan.column, "FLAG", "FLAG_ROW", "EXPOSURE", "TIME", "ANTENNA1", "ANTENNA2"]
    if plan.subtract:
        columns.append(plan.subtract)
    for chunk in iter_chunks(ms, selected, columns, plans=plan.rows.chunks):
        yield chunk, _new_values(chunk, plan)


def _new_values(chunk: VisChunk, plan: _Plan) -> dict[str, np.ndarray]:
    options, bins = plan.options, plan.bins[chunk.spw]
    data = chunk[plan.column] - chunk[plan.subtract] if plan.subtract else chunk[plan.column]
    flag, flag_row = chunk["FLAG"], chunk["FLAG_ROW"]
    throughout = np.empty((data.shape[0], data.shape[2]), bool)
    every = options.keeps_all
    bad = np.empty((0, 0, 0), bool)  # only what has values by channel asks for it
    if plan.by_channel or plan.spectrum or not every:
        bad = np.empty(data.shape, bool)
        over_rows(lambda a, b: mark_bad(data[a:b], flag[a:b], flag_row[a:b], bad[a:b], throughout[a:b]), len(data))
    exposure = np.asarray(chunk["EXPOSURE"], np.float64)
    order, runs, member = _windows(chunk, plan.rows.key[chunk.index], options, plan.rows)
    variance = np.zeros((len(runs), bins.number, data.shape[2]))
    joined = "corr" in options.combined

    def work(part: np.ndarray) -> None:
        out = variance[part[0] : part[-1] + 1]
        if every:
            all_variances(
                data,
                flag,
                flag_row,
                exposure,
                order,
                runs[part],
                bins.counted,
                bins.number,
                joined,
                options.minsamp,
                throughout,
                out,
            )
            return
        bound = options.zscore if options.statalg == "chauvenet" else options.fence
        group_variances(
            data, bad, exposure, order, runs[part], bins.counted, bins.number, joined, options.minsamp,
            _ALGORITHMS[options.statalg], bound, options.maxiter, _CENTRES[options.center], options.lside, out,
        )  # fmt: skip

    parts = [p for p in np.array_split(np.arange(len(runs)), 4 * thread_count()) if len(p)]
    with ThreadPoolExecutor(thread_count(), thread_name_prefix="statwt") as pool:
        list(pool.map(work, parts))
    unit = np.divide(1.0, variance, out=np.zeros_like(variance), where=variance > 0)
    binned = (unit[member] * exposure[:, None, None]).astype(np.float32)
    return _outputs(chunk, plan, bins, binned, bad, throughout)


def _outputs(
    chunk: VisChunk, plan: _Plan, bins: _Bins, binned: np.ndarray, bad: np.ndarray, throughout: np.ndarray
) -> dict[str, np.ndarray]:
    """Columns to write, from weights (row, bin, corr); `throughout` is where all channels are bad."""
    # One bin without spectra needs no values by channel: (row, 1, corr) stands for them.
    by_channel = (
        binned if bins.number == 1 and not (plan.spectrum or plan.by_channel or plan.sigma_spectrum) else binned[:, bins.of]
    )
    joined = "corr" in plan.options.combined
    refused = by_channel <= 0
    # Means that are returned are of the weights before those out of range are refused.
    _count(plan, by_channel, binned[:, 0] if bins.number == 1 else by_channel, (bad, throughout))
    if plan.options.wtrange:
        low, high = sorted(plan.options.wtrange)
        outside = (by_channel < low) | (by_channel > high)
        refused = refused | outside
        if plan.by_channel or plan.spectrum:  # weights of rows alone stay as they are, in the reference too
            by_channel = np.where(outside, np.float32(0.0), by_channel)
    weight = binned[:, 0] if bins.number == 1 else _medians(by_channel, bad | refused, joined)
    out: dict[str, np.ndarray] = {}
    flag = chunk["FLAG"]
    if refused.any():
        flag = flag | refused
        out["FLAG"] = flag
    if plan.by_channel or plan.spectrum:
        none = (bad | (by_channel <= 0)).all(axis=(1, 2) if joined else 1, keepdims=joined)
        weight = np.where(none.reshape(len(weight), -1), np.float32(0.0), weight)
    elif plan.infinite:
        weight = np.where(weight > 0, weight, np.float32(np.inf))
    whole = np.empty(len(flag), bool)
    over_rows(lambda a, b: whole_rows(flag[a:b], whole[a:b]), len(flag))
    out["FLAG_ROW"] = chunk["FLAG_ROW"] | whole
    if plan.write_weight:
        out["WEIGHT"] = weight
        if plan.spectrum:
            out["WEIGHT_SPECTRUM"] = by_channel
    if plan.write_sigma:
        out["SIGMA"] = _sigma(weight)
        if plan.sigma_spectrum:
            out["SIGMA_SPECTRUM"] = _sigma(by_channel)
    return out


def _count(plan: _Plan, by_channel: np.ndarray, weight: np.ndarray, bad: tuple[np.ndarray, np.ndarray]) -> None:
    """Add weights to the mean and variance that are returned: zeros of good data too, and once where the correlations share them and there are no spectra."""
    if plan.by_channel:
        if by_channel.shape[1:] == weight.shape[1:]:
            plan.totals.add(by_channel[~bad[0]])
        else:  # channels share their weights
            plan.totals.add(weight, np.count_nonzero(~bad[0], axis=1))
        return
    used = np.asarray(~bad[1] & ((weight > 0) | (not plan.infinite)))
    if "corr" in plan.options.combined and not plan.spectrum:
        weight, used = weight[..., :1], np.asarray(used.any(axis=-1, keepdims=True))
    plan.totals.add(weight[used])


def _medians(weight: np.ndarray, bad: np.ndarray, joined: bool = False) -> np.ndarray:
    """Median over the good channels (row, corr), or of all correlations where they are `joined`; over all where there is none that is good."""
    if joined:
        nrow, _, ncorr = weight.shape
        return np.repeat(_medians(weight.reshape(nrow, -1, 1), bad.reshape(nrow, -1, 1)), ncorr, axis=1)
    whole = bad.all(axis=1, keepdims=True)
    masked = np.where(bad & ~whole, np.nan, weight)
    return np.nanmedian(masked, axis=1).astype(np.float32)


def _sigma(weight: np.ndarray) -> np.ndarray:
    """``weight ** -1/2``; -1 where there is no weight, 0 where it is infinite."""
    return np.where(weight > 0, 1.0 / np.sqrt(np.where(weight > 0, weight, 1.0)), -1.0).astype(np.float32)
