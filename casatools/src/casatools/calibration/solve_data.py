"""Reading and averaging what a solve needs: one pass over the selection, bounded chunks, one block of sums an interval."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from casatools._base import log
from casatools._base.errors import DataError
from casatools._base.threads import over_rows
from casatools.calibration.solution_intervals import IntervalSet, assign_intervals, solution_channels
from casatools.calibration.solve_options import SolveOptions
from casatools.calibration.stages import ParallacticStage
from casatools.io.ms import VisChunk, iter_chunks
from casatools.io.ms.model_keywords import virtual_model_fields
from casatools.kernels.average import BIN_SLACK, assign_bins
from casatools.kernels.gain_solver import (
    accumulate_dark,
    accumulate_normalized,
    accumulate_visibilities,
    dead_correlations,
    join_flags,
)

if TYPE_CHECKING:
    from casatools.calibration.apply import PriorCalibration
    from casatools.calibration.virtual_models import VirtualColumn
    from casatools.io.ms import MeasurementSet, ResolvedSelection

__all__ = ["Baselines", "IntervalData", "SolveInput", "make_solve_input", "parallel_hands"]

_POLARISED = ("leakage", "cross_phase", "cross_delay", "cross_source", "position_angle", "offset")
_CROSS = ("cross_phase", "cross_delay", "position_angle")
# Places of the parallactic angle in the measurement equation.
_TURN = (ParallacticStage.order, ParallacticStage.order + 1)
# Solution intervals shorter than this (s) are compared with the integrations.
_SHORT_S = 120.0
# Visibilities that are worth a thread.
_THREAD_SAMPLES = 200_000
# Solved from all channels; the table has one.
_BY_CHANNEL = ("delay", "cross_delay", "fringe")
_PARALLEL = ({"RR", "XX", "PP", "I"}, {"LL", "YY", "QQ"})


@dataclass(frozen=True)
class Baselines:
    """Baselines of the selection; antenna numbers of each, and the baseline of a pair (-1: none)."""

    ant1: np.ndarray
    ant2: np.ndarray
    number: np.ndarray

    def __len__(self) -> int:
        return len(self.ant1)


@dataclass
class IntervalData:
    """Averaged visibilities of one or more whole solution intervals of one spectral window.

    Attributes
    ----------
    intervals : ndarray (interval,) int
    vis : ndarray (interval, sub, baseline, chan, par) complex128
        Divided by the model, or the plain average where `model` is given.
    weight : ndarray (interval, sub, baseline, chan, par) float64
    time_s : ndarray (interval,) float64
        Weighted mean time; 0 without data.
    model : ndarray like `vis`, optional
    sub_time_s : ndarray (interval, sub) float64, optional
        Mean time of each sub-average; 0 without data.
    dark_chi2, dark_count : ndarray (interval, chan) float64, optional
        Of averages where the model is zero: the sum of weight |V|^2 and the number.
    """

    intervals: np.ndarray
    vis: np.ndarray
    weight: np.ndarray
    time_s: np.ndarray
    model: np.ndarray | None = None
    sub_time_s: np.ndarray | None = None
    dark_chi2: np.ndarray | None = None
    dark_count: np.ndarray | None = None

    def take(self, keep: np.ndarray) -> IntervalData:
        """Some of the intervals."""
        return replace(self, **{f.name: v[keep] for f in fields(self) if (v := getattr(self, f.name)) is not None})


@dataclass
class SolveInput:
    """What `iter_data` reads: the selection, its intervals and baselines.

    Attributes
    ----------
    rows : ndarray (row,) int64
        Selected rows: cross-correlations, autocorrelations, or both.
    intervals : IntervalSet
    sub : ndarray (row,) int64
        Which pre-average of its interval a row goes to.
    place : dict
        ``{spw: (chan,) int}`` solution channel of each selected channel.
    """

    ms: MeasurementSet
    selected: ResolvedSelection
    options: SolveOptions
    prior: PriorCalibration | None
    intervals: IntervalSet
    sub: np.ndarray
    nsub: int
    baselines: Baselines
    place: dict[int, np.ndarray]
    frequencies: dict[int, tuple[np.ndarray, ...]]
    reference_s: float
    seen: dict[int, int] = field(default_factory=dict)
    dead: dict[int, np.ndarray] = field(default_factory=dict)
    no_numbers: int = 0

    @property
    def columns(self) -> list[str]:
        """Columns to read."""
        columns = ["TIME", "FIELD_ID", "OBSERVATION_ID", "SCAN_NUMBER", "ANTENNA1", "ANTENNA2", "DATA", "FLAG", "FLAG_ROW"]
        columns.append("SIGMA")
        if self.uses_model_column:
            columns.append("MODEL_DATA")
        if self.recipes is not None:
            columns += [c for c in self.recipes.columns if c not in columns]
        return columns

    @cached_property
    def recipes(self) -> VirtualColumn | None:
        """Models that the MeasurementSet has as recipes, which go before those of the column."""
        if self.options.smodel or self.options.solved.form == "auto":
            return None
        return _recipes(self.ms, self.options.model_image)

    @property
    def uses_model_column(self) -> bool:
        """Whether the model is read from MODEL_DATA."""
        given = self.options.smodel or self.options.model_image or self.options.solved.form == "auto"
        return not given and self.ms.has("MODEL_DATA")

    def nchan(self, spw: int) -> int:
        """Solution channels of a spectral window, or of all joined ones."""
        return max(int(p.max()) for p in (self.place.values() if self.joined else [self.place[spw]])) + 1

    @property
    def joined(self) -> bool:
        """Whether the channels of all spectral windows are solved side by side."""
        return self.options.solved.form in _BY_CHANNEL and "spw" in self.options.combine_set

    @property
    def _plain_times(self) -> bool:
        """Whether the weights of times do not depend on the model nor on how many channels are flagged, as in the reference."""
        return self.options.solved.form in ("leakage", "position_angle")

    @property
    def _counts_dark(self) -> bool:
        """Whether correlations without a model count as noise: a gain of all correlations leaves them as they are."""
        return self.options.solved.form == "gain" and self.options.solved.npar == 1

    @property
    def _shares_all_hands(self) -> bool:
        """Whether the time of a baseline counts by all hands of its solutions, as in the reference: factors of channels, and those of phases."""
        kind = self.options.solved
        return kind.form == "baseline" and (kind.channels or self.options.calmode == "p")

    @property
    def _turns_data(self) -> bool:
        """Whether the parallactic angle is taken out of the data, so that a source's polarisation stands still in averages over time.

        It commutes with what the cross hands of circular feeds share, but not with leakages.
        """
        kind = self.options.solved
        return (
            self.prior is not None and self.circular and kind.form in _CROSS and not self.prior.acts((kind.order + 1, _TURN[0]))
        )

    def _windows(self, data: IntervalData) -> list[int]:
        return sorted(self.place) if self.joined else [int(self.intervals.spw[data.intervals[0]])]

    def channel_frequencies(self, data: IntervalData) -> np.ndarray:
        """Frequencies [Hz] of the selected channels that some data hold, windows side by side."""
        found = []
        for spw in self._windows(data):
            window, chosen = self.ms.metadata.spectral_windows[spw], self.selected.channels.get(spw)
            found.append(window.chan_freq_hz if chosen is None else window.chan_freq_hz[np.asarray(chosen)])
        return np.concatenate(found)

    def channel_windows(self, data: IntervalData) -> np.ndarray:
        """Number of the spectral window of each of those channels."""
        return np.concatenate([np.full(len(self.place[s]), s) for s in self._windows(data)])

    @property
    def circular(self) -> bool:
        """Whether the feeds are circular."""
        metadata = self.ms.metadata
        return metadata.polarizations[metadata.data_descriptions[int(self.selected.ddids_present[0])].pol].names[0][0] in "RL"

    def sky(self, data: IntervalData) -> np.ndarray:
        """What the baselines see of Stokes I, Q and U of one: (3, interval, sub, baseline, 4)."""
        from casatools.calibration.solve_leakages import source_models

        stage = ParallacticStage(self.ms)
        assert data.sub_time_s is not None
        found = []
        for number, times in zip(data.intervals.tolist(), data.sub_time_s, strict=True):
            filled = np.where(times > 0, times, self.reference_s)
            turn = stage.matrices(filled, np.full(len(times), self.intervals.field[number]), self.circular)
            found.append(source_models(turn, self.baselines.ant1, self.baselines.ant2, self.circular))
        return np.stack(found, axis=1)

    def iter_data(self) -> Iterator[IntervalData]:
        """Yield averaged data, each interval once, as soon as its last row has been read."""
        pending: dict[int, tuple[np.ndarray, ...]] = {}
        self.no_numbers = 0
        for chunk in iter_chunks(self.ms, self.selected, self.columns, straight=not self.ms.writable):
            yield from self._take(chunk, pending)
        for number in sorted(pending):
            yield self._finish(np.array([number]), pending[number])
        if self.no_numbers:
            log.post(
                f"{self.no_numbers} visibilities or models are NaN or infinite though not flagged: they are left out", "WARN"
            )

    def _take(self, chunk: VisChunk, pending: dict[int, tuple[np.ndarray, ...]]) -> Iterator[IntervalData]:
        """Add one chunk; intervals that lie whole in it come out together, others when their last row has come."""
        of_row = self.intervals.of_row[chunk.index]
        numbers, local = np.unique(of_row, return_inverse=True)
        sums = self._sums(chunk, len(numbers), local)
        whole = np.zeros(len(numbers), dtype=bool)
        here = np.bincount(local, minlength=len(numbers)).tolist()
        finished: list[int] = []
        for k, number in enumerate(numbers.tolist()):
            rows_here = here[k]
            seen = self.seen.get(number, 0) + rows_here
            if rows_here == self.intervals.count[number]:
                whole[k] = True
                continue
            self.seen[number] = seen
            part = tuple(s[k : k + 1] for s in sums)
            if number in pending:
                for total, add in zip(pending[number], part, strict=True):
                    total += add
            else:
                pending[number] = tuple(p.copy() for p in part)
            if seen == self.intervals.count[number]:
                finished.append(number)
        if whole.all():
            yield self._finish(numbers, sums)
            return
        # Those that began in chunks before are solved with those that lie in this one.
        parts = [*(pending.pop(number) for number in finished), *([tuple(s[whole] for s in sums)] if whole.any() else [])]
        if parts:
            joined = parts[0] if len(parts) == 1 else tuple(np.concatenate(s) for s in zip(*parts, strict=True))
            yield self._finish(np.concatenate([np.array(finished, dtype=np.int64), numbers[whole]]), joined)

    def _sums(self, chunk: VisChunk, count: int, local: np.ndarray) -> tuple[np.ndarray, ...]:
        """Sums of one chunk: vis, weight, weighted time, weight of the time (, model); each (interval, sub, baseline, ...)."""
        prepared = self.prepared(chunk)
        sums = self._summed(chunk, count, local, *prepared)
        # Looked for in the sums, which are few: one visibility that is no number spoils the solutions of all antennas.
        if all(np.isfinite(s).all() for s in sums):
            return sums
        data, model, flag, weight = prepared
        bad = ~(np.isfinite(data) & np.isfinite(model)) & ~flag & ~chunk["FLAG_ROW"][:, None, None]
        self.no_numbers += int(np.count_nonzero(bad))
        return self._summed(
            chunk,
            count,
            local,
            data,
            model,
            flag | (bad if self.options.corrdepflags else bad.any(axis=2, keepdims=True)),
            weight,
        )

    def _summed(
        self,
        chunk: VisChunk,
        count: int,
        local: np.ndarray,
        data: np.ndarray,
        model: np.ndarray,
        flag: np.ndarray,
        weight: np.ndarray,
    ) -> tuple[np.ndarray, ...]:
        """`_sums` of data as they have been prepared."""
        nout, nbl = self.nchan(self.intervals.spw[self.intervals.of_row[chunk.index[0]]]), len(self.baselines)
        baseline = self.baselines.number[chunk["ANTENNA1"], chunk["ANTENNA2"]]
        slot = (local * self.nsub + self.sub[chunk.index]) * nbl + baseline
        slot[(baseline < 0) | chunk["FLAG_ROW"]] = -1
        time = chunk["TIME"] - self.reference_s
        form = self.options.solved.form
        # A gain common to the receptors acts on all correlations.
        joint = form in _POLARISED
        every = joint or self.options.solved.npar == 1
        npar = chunk.shape[2] if every else 2
        shape = (count * self.nsub * nbl, nout, npar)
        vis, wgt, when, seen = np.zeros(shape, dtype=np.complex128), np.zeros(shape), np.zeros(shape[0]), np.zeros(shape[0])
        sums = [vis, wgt, when, seen]
        if joint:
            sums.append(np.zeros(shape, dtype=np.complex128))
            given = (data, model, flag, weight, slot, self.place[chunk.spw], time, vis, sums[4], wgt, when, seen)
            by_channel = (
                form == "leakage" and self.options.solved.channels
            )  # priors do not weigh the times of these, as in the reference
            accumulate_visibilities(*given, self._sigma_weight(chunk)[:, None] if by_channel else weight, self._plain_times)
        else:
            corr = np.arange(npar) if every else parallel_hands(self.ms, chunk)
            parts = (data, model, flag, weight, slot, self.place[chunk.spw], corr, time, vis, wgt, when, seen)
            samples = chunk.shape[1] * chunk.shape[2] * len(slot) // shape[0] + 1
            over_rows(lambda low, high: accumulate_normalized(*parts, low, high), shape[0], _THREAD_SAMPLES // samples + 1)
            if self._counts_dark:
                sums += [np.zeros(shape, dtype=np.complex128), np.zeros(shape)]
                accumulate_dark(data, model, flag, weight, slot, self.place[chunk.spw], *sums[4:])
            if self._shares_all_hands:
                place = self.place[chunk.spw]
                sums += _all_hands(data, model, flag, weight, slot, place, (shape[0], nout, chunk.shape[2]))
        return tuple(s.reshape(count, self.nsub, nbl, *s.shape[1:]) for s in sums)

    def prepared(self, chunk: VisChunk) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Calibrated data, corrupted model, flags and weights (row, chan or 1, corr) of a chunk."""
        data, flag = chunk["DATA"], chunk["FLAG"]
        weight = self._sigma_weight(chunk)
        model = chunk["MODEL_DATA"] if self.uses_model_column else self._flat_model(chunk)
        if self.recipes is not None:
            model = self.recipes.fill(chunk, np.broadcast_to(model, chunk.shape).copy())
        if not self.options.corrdepflags:
            # One flagged correlation leaves out all, but one that is flagged throughout leaves the others in use.
            flag = np.ascontiguousarray(flag)
            dead = self._dead(chunk, flag)
            over_rows(lambda low, high: join_flags(flag[low:high], dead), len(flag))
        if self.prior is not None and self.prior.library.lacks(chunk.spw):
            flag = np.ones_like(flag)  # solving from data without their prior calibration would give silently wrong values
        elif self.prior is not None and not self.prior.is_identity:
            order = self.options.solved.order
            data, flag, scaled = self.prior.correct(chunk, data, flag, weight[:, None, :], orders=(-1, order + 1))
            if scaled is not None and not self._uses_crossed and not self.prior.averages_weights:
                # Crossed hands, which only tell times here, keep the weights they have, as in the reference.
                crossed = self._crossed(chunk)
                scaled[..., crossed] = weight[:, None, crossed]
            weight = weight if scaled is None else scaled
            # Terms on the sky side act on the model; where they have no solution the data cannot be used.
            beyond = (order + 1, 1000)
            if self._turns_data:
                data, flag, _ = self.prior.correct(chunk, data, flag, None, orders=_TURN)
                beyond = (_TURN[1], 1000)
            if self.prior.acts(beyond):
                flag = self.prior.correct(chunk, data.copy(), flag, None, orders=beyond)[1]
                model = self.prior.corrupt(chunk, np.broadcast_to(model, chunk.shape).copy(), orders=beyond)
        if self.options.flatten:
            data = _flattened(data, model, flag)
        wide = weight if weight.ndim == 3 else weight[:, None, :]
        return data, model, flag, np.ascontiguousarray(wide, dtype=np.float32)

    @staticmethod
    def _sigma_weight(chunk: VisChunk) -> np.ndarray:
        """Weights (row, corr) float32 of SIGMA, which solves weigh by whatever WEIGHT and WEIGHT_SPECTRUM say, as in the reference."""
        sigma = chunk["SIGMA"]
        return np.where(sigma > 0, 1.0 / np.square(np.where(sigma > 0, sigma, 1.0)), 0.0).astype(np.float32)

    @property
    def _uses_crossed(self) -> bool:
        """Whether the solve takes the crossed hands."""
        return self.options.solved.form in _POLARISED or self.options.solved.npar == 1

    def _crossed(self, chunk: VisChunk) -> np.ndarray:
        """Which correlations (corr,) are crossed hands."""
        names = self.ms.metadata.polarizations[chunk.pol].names
        return np.array([len(names[c]) == 2 and names[c][0] != names[c][1] for c in chunk.correlations])

    def _dead(self, chunk: VisChunk, flag: np.ndarray) -> np.ndarray:
        """Correlations (corr,) that are flagged throughout the selected data of a window, which only those flagged throughout a chunk can be."""
        dead = np.zeros(flag.shape[2], dtype=bool)
        dead_correlations(flag, dead)
        if not dead.any():
            return dead
        if chunk.ddid not in self.dead:
            rows = np.asarray(self.selected.rows)
            mine = replace(self.selected, rows=rows[np.asarray(self.ms.read("DATA_DESC_ID", rows)) == chunk.ddid])
            found = np.ones_like(dead)
            for other in iter_chunks(self.ms, mine, ["FLAG"]):
                here = np.zeros_like(dead)
                dead_correlations(np.ascontiguousarray(other["FLAG"]), here)
                found &= here
                if not found.any():
                    break
            self.dead[chunk.ddid] = found
        return self.dead[chunk.ddid]

    def _flat_model(self, chunk: VisChunk) -> np.ndarray:
        """A point source at the phase centre with the Stokes parameters of smodel, 1 Jy without: (1, 1, corr)."""
        names = self.ms.metadata.polarizations[chunk.pol].names
        i, q, u, v = self.options.smodel or (1.0, 0.0, 0.0, 0.0)
        of = {
            "RR": i + v, "LL": i - v, "RL": q + 1j * u, "LR": q - 1j * u,
            "XX": i + q, "YY": i - q, "XY": u + 1j * v, "YX": u - 1j * v, "I": i,
        }  # fmt: skip
        return np.array([[[of.get(names[c], 0.0) for c in chunk.correlations]]], dtype=np.complex64)

    def _finish(self, numbers: np.ndarray, sums: tuple[np.ndarray, ...]) -> IntervalData:
        vis, wgt, when, seen = sums[:4]
        safe = np.where(wgt > 0, wgt, 1.0)
        dark_chi2 = dark_count = power = None
        if self._counts_dark:
            filled = sums[5] > 0
            power = np.abs(sums[4]) ** 2 / np.where(filled, sums[5], 1.0)
            dark_chi2, dark_count = power.sum(axis=(1, 2, 4)), filled.sum(axis=(1, 2, 4)).astype(np.float64)
            sums = sums[:4]
        share = self._time_share(sums, power)
        if self._shares_all_hands:
            sums = sums[:4]
        moment = np.where(seen > 0, when / np.where(seen > 0, seen, 1.0), 0.0) * share

        def mean_time(axis: tuple[int, ...]) -> np.ndarray:
            total = share.sum(axis=axis)
            return np.where(total > 0, moment.sum(axis=axis) / np.where(total > 0, total, 1.0) + self.reference_s, 0.0)

        model = sums[4] / safe if len(sums) > 4 else None
        sub_time = None
        if self.options.solved.form in ("fringe", "cross_source") or self.options.solved.source:
            sub_time = mean_time((2,))
        return IntervalData(numbers, vis / safe, wgt, mean_time((1, 2)), model, sub_time, dark_chi2, dark_count)

    def _time_share(self, sums: tuple[np.ndarray, ...], dark: np.ndarray | None) -> np.ndarray:
        """What the time of a baseline (interval, sub, baseline) counts in that of the solution, as in the reference: the weight of the averages
        that are solved. The time of a baseline is weighed by all correlations, see `kernels.gain_solver`.
        """
        (vis, wgt, _, seen), form = sums[:4], self.options.solved.form
        if form == "gain" and self.options.calmode == "p":  # visibilities of amplitude one, their power in the weights
            power = np.abs(vis) ** 2 / np.where(wgt > 0, wgt, 1.0)
            return np.asarray(power.sum(axis=(3, 4)) + (0.0 if dark is None else dark.sum(axis=(3, 4))))
        if self._shares_all_hands:
            vis, wgt = sums[4:6]
            if self.options.calmode == "p":
                wgt = np.abs(vis) ** 2 / np.where(wgt > 0, wgt, 1.0)
            return np.asarray(wgt.sum(axis=(3, 4)))
        if dark is not None or form == "baseline":
            return seen
        if form in _POLARISED and not self._plain_times:  # weight |model|^2, the weight where the model is zero
            power = np.abs(sums[4]) ** 2 / np.where(wgt > 0, wgt, 1.0)
            wgt = np.where(power > 0, power, wgt)
        return np.asarray(wgt.sum(axis=(3, 4)))


def _all_hands(
    data: np.ndarray,
    model: np.ndarray,
    flag: np.ndarray,
    weight: np.ndarray,
    slot: np.ndarray,
    place: np.ndarray,
    shape: tuple[int, ...],
) -> list[np.ndarray]:
    """Sums over slots of weighted visibilities over their model and of weight |model|^2, of each solution channel and correlation: two of `shape`."""
    vis, wgt = np.zeros(shape, dtype=np.complex128), np.zeros(shape)
    rows, chans = np.flatnonzero(slot >= 0), np.flatnonzero(place >= 0)
    at = (slot[rows][:, None], place[chans][None])
    each = np.broadcast_to(np.where(np.abs(model) > 0, model, 1.0), data.shape)[rows][:, chans]
    used = np.where(flag, 0.0, weight)[rows][:, chans]
    np.add.at(vis, at, used * data[rows][:, chans] * each.conj())
    np.add.at(wgt, at, used * np.abs(each) ** 2)
    return [vis, wgt]


def _flattened(data: np.ndarray, model: np.ndarray, flag: np.ndarray) -> np.ndarray:
    """Visibilities (row, chan, corr) over the mean of those over their model, of unflagged channels: what is left is the shape in frequency."""
    usable = ~flag & (np.abs(model) > 0)
    ratio = np.where(usable, data / np.where(np.abs(model) > 0, model, 1.0), 0.0).sum(axis=1, keepdims=True)
    mean = ratio / np.maximum(usable.sum(axis=1, keepdims=True), 1)
    return np.asarray(data / np.where(np.abs(mean) > 0, mean, 1.0))


def parallel_hands(ms: MeasurementSet, chunk: VisChunk) -> np.ndarray:
    """Correlation number of each receptor's parallel hand; -1 where the data have none."""
    names = ms.metadata.polarizations[chunk.pol].names
    found = [next((k for k, c in enumerate(chunk.correlations) if names[c] in wanted), -1) for wanted in _PARALLEL]
    return np.array(found, dtype=np.int64)


def make_solve_input(
    ms: MeasurementSet, selected: ResolvedSelection, options: SolveOptions, prior: PriorCalibration | None
) -> SolveInput:
    """Find intervals, baselines and solution channels of a selection.

    Raises
    ------
    DataError
        There are no cross-correlations, no DATA, or data of different channel counts are to be combined.
    UnsupportedError
        The model is kept as a recipe that cannot be read.
    """
    ms.require("DATA")
    _require_model(ms, options)
    rows = np.asarray(selected.rows)
    ant1, ant2 = ms.read("ANTENNA1", rows), ms.read("ANTENNA2", rows)
    alone, itself = options.solved.form == "auto", ant1 == ant2
    # Factors of baselines are solved for those of an antenna with itself too, as in the reference.
    cross = np.ones_like(itself) if options.solved.form == "baseline" else itself if alone else ~itself
    if not cross.any():
        raise DataError(f"the selection has no {'auto' if alone else 'cross-'}correlations to solve from")
    _require_products(ms, options, np.asarray(ms.read("DATA_DESC_ID", rows)))
    if not cross.all():
        selected = replace(selected, rows=rows[cross])
        rows, ant1, ant2 = rows[cross], ant1[cross], ant2[cross]
    nant = len(ms.metadata.antennas)
    pairs = np.flatnonzero(np.bincount(ant1.astype(np.int64) * nant + ant2))
    number = np.full((nant, nant), -1, dtype=np.int64)
    number[pairs // nant, pairs % nant] = np.arange(len(pairs))
    time = np.asarray(ms.read("TIME", rows))
    spw_of = np.array([d.spw for d in ms.metadata.data_descriptions])
    spw = spw_of[ms.read("DATA_DESC_ID", rows)]
    keys = [np.asarray(ms.read(c, rows)) for c in ("FIELD_ID", "SCAN_NUMBER", "OBSERVATION_ID")]
    field, scan, observation = keys
    intervals = assign_intervals(time, spw, field, scan, observation, options.intervals.time_s, options.combine_set)
    if 0 < options.intervals.time_s < _SHORT_S:
        apart = np.diff(np.unique(time))
        if len(apart) and options.intervals.time_s < 0.99 * apart.min():
            log.post(
                f"solint={options.solint!r} is shorter than the {apart.min():.3g} s between integrations: each is solved by itself",
                "WARN",
            )
    # Fields and spectral windows are solved together but not averaged: what they disagree in counts as noise.
    sub = np.zeros(len(rows), dtype=np.int64)
    for name, values in (("field", keys[0]), ("spw", spw)):
        if name in options.combine_set and not (name == "spw" and options.solved.form in _BY_CHANNEL):
            sub = sub * int(values.max() + 1) + values
    if options.preavg > 0 and options.preavg < options.intervals.time_s:
        # Each baseline has averages of its own, as in the reference; where the source turns, all have those of the same times.
        baseline = np.zeros_like(intervals.of_row) if options.solved.source else number[ant1, ant2]
        bins = _averages_within(intervals.of_row, baseline, time, options.preavg)
        sub = sub * int(bins.max() + 1) + bins
    if options.solved.form == "fringe":
        sub = _times_within(intervals.of_row, time)
    if sub.any():
        sub = np.unique(sub, return_inverse=True)[1]
    used = [int(s) for s in np.unique(spw)]
    place, frequencies = _channels(ms, selected, options, used)
    return SolveInput(
        ms, selected, options, prior, intervals, sub, int(sub.max()) + 1,
        Baselines(pairs // nant, pairs % nant, number), place, frequencies, float(time.min()),
    )  # fmt: skip


def _averages_within(interval: np.ndarray, baseline: np.ndarray, time_s: np.ndarray, length_s: float) -> np.ndarray:
    """Number of the average each row goes to among those of its interval and baseline.

    One begins at the first time that is `length_s` or more after the last began, or a thousandth less, as times of integrations are rounded (so in the reference).
    """
    order = np.lexsort((time_s, interval))
    part, owner = interval[order], baseline[order]
    bins, closed, count = np.empty(len(order), dtype=np.int64), np.empty(len(order)), int(owner.max(initial=0)) + 1
    assign_bins(part, time_s[order], owner, np.zeros((1, 3)), BIN_SLACK * length_s, 0.0, count, bins, closed)
    group = part * count + owner
    by_group = np.lexsort((bins, group))
    new_group = np.diff(group[by_group], prepend=-1) != 0
    each = np.cumsum(new_group | (np.diff(bins[by_group], prepend=-1) != 0))
    number = np.empty(len(order), dtype=np.int64)
    number[order[by_group]] = each - np.maximum.accumulate(np.where(new_group, each, 0))
    return number


def _times_within(interval: np.ndarray, time_s: np.ndarray) -> np.ndarray:
    """Number of each row's time among the times of its interval."""
    keys, which = np.unique(np.stack([interval, np.round(time_s, 3)]), axis=1, return_inverse=True)
    first = np.searchsorted(keys[0], keys[0])
    return np.asarray((np.arange(keys.shape[1]) - first)[which.reshape(-1)])


def _channels(
    ms: MeasurementSet, selected: ResolvedSelection, options: SolveOptions, used: list[int]
) -> tuple[dict[int, np.ndarray], dict[int, tuple[np.ndarray, ...]]]:
    """Solution channel of each selected channel, and frequencies and widths of the solutions, for each window."""
    joined = 0
    place: dict[int, np.ndarray] = {}
    frequencies: dict[int, tuple[np.ndarray, ...]] = {}
    for spw in used:
        window = ms.metadata.spectral_windows[spw]
        chosen = selected.channels.get(spw)
        channels = np.arange(window.nchan) if chosen is None else np.asarray(chosen)
        if options.solved.form in _BY_CHANNEL:
            place[spw] = joined + np.arange(len(channels))
            joined += len(channels) if "spw" in options.combine_set else 0
            centre = np.array([window.chan_freq_hz[channels].mean()])
            frequencies[spw] = (centre, np.array([np.abs(window.chan_width_hz[channels]).sum()]))
            continue
        place[spw] = (
            solution_channels(options.intervals, channels, window.chan_width_hz)
            if options.solved.channels
            else np.zeros(len(channels), dtype=np.int64)
        )
        count = np.bincount(place[spw]).astype(float)
        centre = np.bincount(place[spw], weights=window.chan_freq_hz[channels]) / count
        frequencies[spw] = (centre, np.bincount(place[spw], weights=np.abs(window.chan_width_hz[channels])))
    if "spw" in options.combine_set:
        lengths = {len(f[0]) for f in frequencies.values()}
        if len(lengths) > 1:
            raise DataError(f"combine='spw' needs as many solution channels in each spectral window; there are {sorted(lengths)}")
        both = list(frequencies.values())
        width = [f[1] for f in both]
        frequencies = {min(used): (np.mean([f[0] for f in both], axis=0), np.mean(width, axis=0), np.sum(width, axis=0))}
    return place, frequencies


def _require_products(ms: MeasurementSet, options: SolveOptions, ddid: np.ndarray) -> None:
    """Polarisation solves need all four correlations."""
    if options.solved.form not in _POLARISED:
        return
    for number in np.unique(ddid).tolist():
        names = ms.metadata.polarizations[ms.metadata.data_descriptions[number].pol].names
        if len(names) != 4:
            raise DataError(f"solving for {options.solved.vis_cal} needs all four correlations; the data have {', '.join(names)}")
        if options.solved.form == "cross_source" and names[0][0] not in "XY":
            raise DataError(
                f"solving for {options.solved.vis_cal} needs linear feeds; the data have {', '.join(names)}, in which the phase between "
                "the receptors cannot be told from the source's position angle"
            )


def _recipes(ms: MeasurementSet, image: str = "") -> VirtualColumn | None:
    """An image as the model, or models kept as recipes; what makes them into visibilities is imported where there are some only."""
    if not image and not virtual_model_fields(ms):
        return None
    from casatools.calibration.virtual_models import VirtualColumn

    return VirtualColumn(ms, image) or None


def _require_model(ms: MeasurementSet, options: SolveOptions) -> None:
    if options.solved.form == "auto" or options.smodel or options.model_image:
        return
    if _recipes(ms):  # refuses those that cannot be read
        log.post("The model of fields that have one is what the MeasurementSet keeps as a recipe")
        return
    if ms.has("MODEL_DATA"):
        return
    log.post("No MODEL_DATA column: the model is a point source of 1 Jy at the phase centre")
