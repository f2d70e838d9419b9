"""From calibration tables to the Jones matrices of a chunk of visibilities."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from casatools.calibration.callib import CalibrationLibrary, LibraryEntry, LibraryRule
from casatools.calibration.curve_terms import chebyshev_gains, curve_rows, serving_rows, spline_gains
from casatools.calibration.interpolation import InterpolationMode, interpolate_frequency
from casatools.calibration.ionosphere import ionosphere_matrices
from casatools.calibration.jones import POINTED, JonesKind, delay_jones
from casatools.calibration.pointed_terms import PointedTerms
from casatools.calibration.pointing_gains import switched_power_gains
from casatools.calibration.sky_geometry import SkyGeometry
from casatools.calibration.solutions import TimeSeries, make_time_series, solutions_at

if TYPE_CHECKING:
    from casatools.calibration.solutions import SolutionTable
    from casatools.io.caltable.curves import CurveRows
    from casatools.io.ms import MeasurementSet, VisChunk

__all__ = ["ParallacticStage", "Stage", "Term", "make_terms"]


@dataclass
class Stage:
    """Matrices to apply in one pass over a chunk.

    Attributes
    ----------
    form : {"diagonal", "leakage", "general", "multiplicative", "additive"}
    jones : ndarray (slot, ant, chan or 1, 2[, 2]) complex
    bad : ndarray, as jones without matrix columns, bool
    weight_scale : ndarray (slot, ant, chan or 1, 2) float, optional
    slot_of_row : ndarray (row,) int, optional
        For baseline-based factors.
    lost : ndarray (slot,) bool, optional
        Where leakages have no solution at all: all correlations are bad, not the cross hands only.
    """

    form: str
    jones: np.ndarray
    bad: np.ndarray
    weight_scale: np.ndarray | None = None
    name: str = ""
    slot_of_row: np.ndarray | None = None
    lost: np.ndarray | None = None


def make_terms(ms: MeasurementSet, library: CalibrationLibrary, by_channel: bool = False, strict: bool = False) -> list[Term]:
    """A term for each table, in order from the data to the sky."""
    return [Term(ms, entry, by_channel, strict) for entry in library.entries]


class Term:
    """One calibration table in the measurement equation; with `by_channel` bandpasses scale the weight of each channel by itself.

    Data of a rule for which there is no solution are bad, but for those that lines of a library leave as they are where it is not `strict`.
    """

    def __init__(self, ms: MeasurementSet, entry: LibraryEntry, by_channel: bool = False, strict: bool = False) -> None:
        self._leaves_gaps = entry.lenient and not strict
        self.entry, self.kind = entry, entry.kind
        self._by_pair = entry.kind.form in ("multiplicative", "additive")
        self._by_channel = by_channel and entry.kind.channels and entry.kind.form == "diagonal"
        self._metadata = ms.metadata
        self._nant = len(ms.metadata.antennas)
        self._series: dict[Any, list[TimeSeries]] = {}
        self._sky = SkyGeometry(ms)
        self._pointed = PointedTerms(self.kind.form, self._sky) if self.kind.form in POINTED else None

    def stage(self, chunk: VisChunk, slots: Any, frequency_hz: np.ndarray, inverse: bool) -> Stage | None:
        """The matrices for a chunk; None when the table has nothing to say about its data."""
        if self._by_pair:
            return self._baseline_stage(chunk, slots, frequency_hz, inverse)
        if self.entry.table.curves is not None:
            return self._curve_stage(self.entry.table.curves, chunk, slots, frequency_hz, inverse)
        if self.kind.form == "ionosphere":
            return self._ionosphere_stage(chunk, slots, frequency_hz, inverse)
        nslot, nant = len(slots.times_s), self._nant
        pieces: list[tuple[np.ndarray, Any, Any, Any]] = []
        for rule, index in self._by_rule(chunk.spw, slots):
            for key, at in self._by_solutions(rule, chunk.spw, slots, index):
                series = self._find_series(rule, chunk.spw, key)
                if series:
                    pieces.append((at, *self._evaluate(rule, series, chunk, slots, at, frequency_hz, inverse)))
                elif not self._leaves_gaps:
                    pieces.append((at, None, None, None))
        if all(p[1] is None for p in pieces):
            if not pieces:
                return None
            return Stage("diagonal", np.ones((nslot, nant, 1, 2), np.complex64), np.ones((nslot, nant, 1, 2), bool))
        nchan = max(p[1].shape[2] for p in pieces if p[1] is not None)
        tail = next(p[1].shape[3:] for p in pieces if p[1] is not None)
        form = {"full_leakage": "general", "position_angle": "general", "leakage": "leakage"}.get(self.kind.form, "diagonal")
        jones = np.zeros((nslot, nant, nchan, *tail), dtype=np.complex64)
        if form == "general":
            jones[..., 0, 0] = jones[..., 1, 1] = 1.0
        elif form == "diagonal":
            jones[...] = 1.0
        bad = np.zeros((nslot, nant, nchan) + (() if form == "general" else (2,)), dtype=bool)
        wide = max((p[3].shape[2] for p in pieces if p[3] is not None), default=1)
        scale = np.ones((nslot, nant, wide, 2)) if self.entry.scales_weights else None
        lost = np.zeros(nslot, dtype=bool)
        for at, values, flags, weights in pieces:
            if values is None:
                bad[at] = lost[at] = True
                continue
            jones[at], bad[at] = values, flags
            if scale is not None:
                scale[at] = weights
        return Stage(form, jones, bad, scale, self.kind.name, lost=lost if form == "leakage" and lost.any() else None)

    def _by_rule(self, spw: int, slots: Any) -> list[tuple[LibraryRule, np.ndarray]]:
        """Slots of each rule; the first rule that fits counts."""
        left = np.ones(len(slots.times_s), dtype=bool)
        found = []
        for rule in self.entry.rules:
            if not rule.covers(spw):
                continue
            fits = left.copy()
            if rule.fields is not None:
                fits &= np.isin(slots.fields, list(rule.fields))
            if rule.observations is not None:
                fits &= np.isin(slots.observations, list(rule.observations))
            if rule.scans is not None:
                fits &= np.isin(slots.scans, list(rule.scans))
            if rule.states is not None:
                fits &= np.isin(slots.states, list(rule.states))
            left &= ~fits
            if fits.any():
                found.append((rule, np.flatnonzero(fits)))
        return found

    def _by_solutions(
        self, rule: LibraryRule, spw: int, slots: Any, index: np.ndarray
    ) -> list[tuple[tuple[Any, ...], np.ndarray]]:
        """Split slots by the set of solutions they may take: by field, observation and scan where the rule says so."""
        by_field = rule.field_map == "nearest" or isinstance(rule.field_map, tuple)
        fields = slots.fields[index] if by_field else np.full(len(index), -1)
        observations = slots.observations[index] if rule.mode.per_obs or rule.obs_map else np.full(len(index), -1)
        scans = slots.scans[index] if rule.mode.per_scan or rule.scan_map else np.full(len(index), -1)
        keys = np.stack([fields, observations, scans], axis=1)
        distinct, which = np.unique(keys, axis=0, return_inverse=True)
        which = which.reshape(-1)
        return [(tuple(int(v) for v in distinct[k]), index[which == k]) for k in range(len(distinct))]

    def _find_series(self, rule: LibraryRule, spw: int, key: tuple[Any, ...]) -> list[TimeSeries]:
        solution_spw = rule.solution_spw(spw)
        identity = (id(rule), solution_spw, key)
        if identity not in self._series:
            table = self.entry.table
            good = (table.spw == solution_spw) | (table.spw == -1) | self.kind.everywhere
            chosen = self._solution_fields(rule, key[0], np.flatnonzero(good))
            if chosen is not None:
                good &= np.isin(table.field, list(chosen)) | (table.field == -1)
            if key[1] >= 0:
                wanted = rule.obs_map[key[1]] if key[1] < len(rule.obs_map) else key[1]
                good &= (table.obs == wanted) | (table.obs == -1)  # -1: given values, for all
            if key[2] >= 0:
                wanted = rule.scan_map[key[2]] if key[2] < len(rule.scan_map) else key[2]
                good &= (table.scan == wanted) | (table.scan == -1)
            if self._by_pair:
                table = self._paired(table)
                good &= table.ant1 >= 0
            series = make_time_series(table, np.flatnonzero(good), f"spectral window {solution_spw}")
            self._series[identity] = [self._renumbered(s, rule) for s in series]
        return self._series[identity]

    def _paired(self, table: SolutionTable) -> SolutionTable:
        """A table of baselines with a number for each pair of antennas as that of its antenna; -1 where the data lack one of them."""
        first, second = self.entry.antenna_ids[table.ant1], self.entry.antenna_ids[table.ant2]
        return replace(table, ant1=np.where((first >= 0) & (second >= 0), first * self._nant + second, -1))

    def _renumbered(self, series: TimeSeries, rule: LibraryRule) -> TimeSeries:
        """Table antenna numbers to those of the MeasurementSet (of pairs: already done)."""
        numbers = series.antennas if self._by_pair else self.entry.antenna_ids[series.antennas]
        if rule.antenna_map:
            source = {int(n): k for k, n in enumerate(numbers)}
            wanted = list(enumerate(rule.antenna_map))
            if self._by_pair:
                wanted = [(a * self._nant + b, m * self._nant + n) for a, m in wanted for b, n in wanted if min(m, n) >= 0]
            pairs = [(a, source[m]) for a, m in wanted if m >= 0 and m in source]
            take = np.array([k for _, k in pairs], dtype=int)
            numbers = np.array([a for a, _ in pairs], dtype=int)
        else:
            take = np.flatnonzero(numbers >= 0)
            numbers = numbers[take]
        return TimeSeries(numbers, series.time_s, series.values[:, take], series.flags[:, take])

    def _phase_ratio(self, rule: LibraryRule, spw: int) -> float:
        """Middle frequency of a spectral window over that of its solutions; 1 for kinds with channels, whose phases are not scaled."""
        solved_hz = self.entry.table.frequencies_hz.get(rule.solution_spw(spw))
        if self.kind.channels or solved_hz is None or not np.mean(solved_hz) > 0:
            return 1.0
        return float(np.mean(self._metadata.spectral_windows[spw].chan_freq_hz) / np.mean(solved_hz))

    def _solution_fields(self, rule: LibraryRule, field_id: int, rows: np.ndarray) -> frozenset[int] | None:
        """Fields whose solutions serve a field of the data; None is all."""
        mapping = rule.field_map
        if isinstance(mapping, frozenset):
            return mapping
        if isinstance(mapping, tuple):
            wanted = mapping[field_id] if field_id < len(mapping) else field_id
            return frozenset({wanted}) if wanted >= 0 else None
        if mapping != "nearest":
            return None
        table = self.entry.table
        have = [int(f) for f in np.unique(table.field[rows]) if f >= 0]
        if not have:
            return None
        here = self._metadata.fields[field_id].phase_dir[0]
        # Tables of curves hold no directions; their fields are those of the data.
        directions = table.field_directions if len(table.field_directions) else [f.phase_dir[0] for f in self._metadata.fields]
        there = np.asarray(directions)[have]
        cosine = np.sin(here[1]) * np.sin(there[:, 1]) + np.cos(here[1]) * np.cos(there[:, 1]) * np.cos(here[0] - there[:, 0])
        return frozenset({have[int(np.argmax(cosine))]})

    def _evaluate(
        self,
        rule: LibraryRule,
        series: list[TimeSeries],
        chunk: VisChunk,
        slots: Any,
        at: np.ndarray,
        frequency_hz: np.ndarray,
        inverse: bool,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Matrices, flags and weight scale of some slots, expanded to one a slot."""
        times_s = slots.times_s[at]
        window = self.entry.table.frequencies_hz.get(rule.solution_spw(chunk.spw), frequency_hz)
        data_window = self._metadata.spectral_windows[chunk.spw].chan_freq_hz
        source, ratio = rule.solution_spw(chunk.spw), self._phase_ratio(rule, chunk.spw)
        values, flags, which = solutions_at(series, times_s, self._nant, rule.mode, ratio)
        scale = None
        if self._pointed is not None:
            reference = self.entry.table.delay_reference_hz.get(source, float(np.mean(data_window)))
            values, flags = self._pointed.gains(
                values[which],
                flags[which],
                series,
                rule.mode,
                times_s,
                slots.fields[at],
                data_window if self.entry.table.band_hz is None else self.entry.table.band_hz,
                frequency_hz,
                reference,
            )
            which = np.arange(len(at))
        elif self.kind.form == "switched_power":
            values, flags, scale = switched_power_gains(values, flags)
        if scale is None and self.entry.scales_weights and self.kind.form != "tsys":
            scale = _weight_scale(values, flags)
        values, flags = self._at_channels(
            rule.mode, rule.solution_spw(chunk.spw), values, flags, window, data_window, frequency_hz, chunk.channels
        )
        if self._by_channel and self.entry.scales_weights:
            scale = np.broadcast_to(np.where(flags, 1.0, np.square(np.abs(values))), (*values.shape[:3], 2))
        if self.kind.form == "tsys":  # the one kind whose weights follow each channel however it is applied
            scale = 1.0 / np.where(flags | (values <= 0), 1.0, values)
        if self.kind.form == "position_angle":
            names = self._metadata.polarizations[chunk.pol].names
            values, flags = _rotations(values, flags, inverse, names[chunk.correlations[0]][0] in "RL")
        else:
            values, flags = _matrices(self.kind, values, flags, inverse)
        return values[which], flags[which], scale[which] if scale is not None and self.entry.scales_weights else None

    def _at_channels(
        self,
        mode: InterpolationMode,
        source: int,
        values: np.ndarray,
        flags: np.ndarray,
        window_hz: np.ndarray,
        data_window_hz: np.ndarray,
        frequency_hz: np.ndarray,
        channels: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        if self._pointed is not None:
            return values, flags
        if self.kind.form in ("delay", "cross_delay"):
            return delay_jones(values, frequency_hz, self.entry.table.delay_reference_hz[source]), flags
        if values.shape[2] == 1:
            return values, flags
        if len(window_hz) != values.shape[2]:
            window_hz = data_window_hz
        if mode.relative:
            window_hz, frequency_hz = window_hz - np.mean(window_hz), frequency_hz - np.mean(data_window_hz)
        return interpolate_frequency(window_hz, values, flags, frequency_hz, mode)

    def _ionosphere_stage(self, chunk: VisChunk, slots: Any, frequency_hz: np.ndarray, inverse: bool) -> Stage | None:
        """Delays and turns by the ionosphere."""
        column = np.zeros((len(slots.times_s), self._nant))
        bad = np.ones(column.shape, dtype=bool)
        rules = self._by_rule(chunk.spw, slots)
        for rule, index in rules:
            for key, at in self._by_solutions(rule, chunk.spw, slots, index):
                series = self._find_series(rule, chunk.spw, key)
                if series:
                    values, flags, which = solutions_at(series, slots.times_s[at], self._nant, rule.mode)
                    column[at], bad[at] = values[which][:, :, 0, 0], flags[which][:, :, 0, 0]
        if not rules:
            return None
        circular = self._metadata.polarizations[chunk.pol].names[chunk.correlations[0]][0] in "RL"
        jones = ionosphere_matrices(
            np.where(bad, 0.0, column), self._sky, slots.times_s, slots.fields, frequency_hz, circular, inverse
        )
        if circular:
            return Stage("diagonal", jones, np.repeat(bad[:, :, None, None], 2, axis=-1), None, self.kind.name)
        return Stage("general", jones, bad[:, :, None], None, self.kind.name)

    def _curve_stage(
        self, curves: CurveRows, chunk: VisChunk, slots: Any, frequency_hz: np.ndarray, inverse: bool
    ) -> Stage | None:
        """Gains of splines and polynomials; antennas without a curve are flagged."""
        window = self._metadata.spectral_windows[chunk.spw].chan_freq_hz
        nchan = 1 if curves.kind == "GSPLINE" else len(frequency_hz)
        jones = np.ones((len(slots.times_s), self._nant, nchan, 2), dtype=np.complex128)
        bad = np.ones(jones.shape, dtype=bool)
        rules = self._by_rule(chunk.spw, slots)
        for rule, index in rules:
            spw = rule.solution_spw(chunk.spw)
            have = np.flatnonzero((self.entry.table.spw == spw) | (self.entry.table.spw == -1))
            for field_id in np.unique(slots.fields[index]).tolist():
                at = index[slots.fields[index] == field_id]
                chosen = self._solution_fields(rule, field_id, have)
                for antenna in range(self._nant):
                    if rule.antenna_map and antenna >= len(rule.antenna_map):
                        continue
                    source = rule.antenna_map[antenna] if rule.antenna_map else antenna
                    rows = curve_rows(curves, source, spw, chosen)
                    for row, mine in serving_rows(curves, rows, field_id, slots.times_s[at]):
                        outside: np.ndarray = np.zeros((1, 1), dtype=bool)
                        if curves.kind == "GSPLINE":
                            values = spline_gains(curves, row, slots.times_s[at[mine]], float(np.mean(window)))[:, None, :]
                        else:
                            values, beyond = chebyshev_gains(curves, row, frequency_hz)
                            outside = beyond[:, None]
                        jones[at[mine], antenna] = 1.0 / values if inverse else values
                        bad[at[mine], antenna] = outside
        return Stage("diagonal", jones, bad, None, self.kind.name) if rules else None

    def _baseline_stage(self, chunk: VisChunk, slots: Any, frequency_hz: np.ndarray, inverse: bool) -> Stage | None:
        """Factors of baselines: each pair of antennas is treated as one antenna of the time series."""
        pieces: list[tuple[np.ndarray, np.ndarray]] = []
        # Where the factors of each slot are in the pieces; slots of no rule have those of the first block: ones, not flagged.
        block, used = np.zeros(len(slots.times_s), dtype=np.int64), 1
        for rule, index in self._by_rule(chunk.spw, slots):
            for key, at in self._by_solutions(rule, chunk.spw, slots, index):
                series = self._find_series(rule, chunk.spw, key)
                if not series and self.entry.lenient:
                    continue
                values, flags, which = self._pair_factors(rule, series, chunk, slots.times_s[at], frequency_hz, inverse)
                pieces.append((values, flags))
                block[at] = used + which
                used += len(values)
        if not pieces:
            return None
        npair = self._nant * self._nant
        wide = (max(v.shape[2] for v, _ in pieces), max(v.shape[3] for v, _ in pieces))
        nothing = np.full((1, npair, *wide), 0.0 if self.kind.form == "additive" else 1.0, dtype=np.complex64)
        pieces.insert(0, (nothing, np.zeros(nothing.shape, dtype=bool)))
        factor, flag = (np.concatenate([np.broadcast_to(p[k], (*p[k].shape[:2], *wide)) for p in pieces]) for k in (0, 1))
        pair = chunk["ANTENNA1"].astype(np.int64) * self._nant + chunk["ANTENNA2"]
        slot = block[slots.of_row] * npair + pair
        return Stage(self.kind.form, factor.reshape(-1, *wide), flag.reshape(-1, *wide), None, self.kind.name, slot)

    def _pair_factors(
        self,
        rule: LibraryRule,
        series: list[TimeSeries],
        chunk: VisChunk,
        times_s: np.ndarray,
        frequency_hz: np.ndarray,
        inverse: bool,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Factors and flags (time, pair, chan, par), and which of them each time has; all is flagged where there are no solutions."""
        if not series:
            shape = (1, self._nant * self._nant, 1, 1)
            return np.ones(shape, np.complex64), np.ones(shape, bool), np.zeros(len(times_s), np.int64)
        source = rule.solution_spw(chunk.spw)
        values, flags, which = solutions_at(
            series, times_s, self._nant * self._nant, rule.mode, self._phase_ratio(rule, chunk.spw)
        )
        window = self.entry.table.frequencies_hz.get(source, frequency_hz)
        data_window = self._metadata.spectral_windows[chunk.spw].chan_freq_hz
        values, flags = self._at_channels(rule.mode, source, values, flags, window, data_window, frequency_hz, chunk.channels)
        flags = np.broadcast_to(flags, values.shape)
        if self.kind.form == "additive":
            return np.where(flags, 0.0, -values if inverse else values), flags, which
        flags = flags | (values == 0)
        good = np.where(flags, 1.0, values)
        return 1.0 / good if inverse else good, flags, which


def _weight_scale(values: np.ndarray, flags: np.ndarray) -> np.ndarray:
    """``|J|^2`` averaged over the unflagged channels of the table: (time, ant, 1, 2); 1 where all is flagged."""
    good = ~np.broadcast_to(flags, values.shape)
    count = good.sum(axis=2, keepdims=True)
    total = np.where(good, np.square(np.abs(values)), 0.0).sum(axis=2, keepdims=True)
    scale = np.where(count > 0, total / np.maximum(count, 1), 1.0)
    return np.broadcast_to(scale, (*scale.shape[:3], 2)) if scale.shape[3] == 1 else scale


def _matrices(kind: JonesKind, values: np.ndarray, flags: np.ndarray, inverse: bool) -> tuple[np.ndarray, np.ndarray]:
    """Matrices to apply from parameters ``(time, ant, chan, par)``, identity where flagged."""
    form = kind.form
    if form == "leakage":
        return np.where(flags, 0.0, -values if inverse else values), flags
    if form == "full_leakage":
        return _full_leakage(values, flags, inverse)
    if form == "tsys":
        flags = np.asarray(flags | (values <= 0))
        values = 1.0 / np.sqrt(np.where(flags, 1.0, values)).astype(np.complex128)
    if form in ("cross_delay", "cross_phase"):
        values = np.concatenate([values[..., :1], np.ones_like(values[..., :1])], axis=-1)
        flags = np.concatenate([flags[..., :1], flags[..., :1]], axis=-1)
    if flags.shape == values.shape:
        flags = np.asarray(flags | (values == 0))
    good = np.where(flags, 1.0, values)
    if inverse:
        good = 1.0 / good
    if good.shape[-1] == 1:
        good = np.broadcast_to(good, (*good.shape[:-1], 2))
        flags = np.broadcast_to(flags, (*flags.shape[:-1], 2))
    return good, flags


def _rotations(values: np.ndarray, flags: np.ndarray, inverse: bool, circular: bool) -> tuple[np.ndarray, np.ndarray]:
    """Matrices that turn linear polarisation by an angle (time, ant, chan, 1) [rad]."""
    bad = np.asarray(flags[..., 0])
    angle = np.where(bad, 0.0, values[..., 0].real) * (-1 if inverse else 1)
    jones = np.zeros((*angle.shape, 2, 2), dtype=np.complex128)
    if circular:
        jones[..., 0, 0], jones[..., 1, 1] = np.exp(1j * angle), np.exp(-1j * angle)
    else:
        jones[..., 0, 0] = jones[..., 1, 1] = np.cos(angle)
        jones[..., 0, 1], jones[..., 1, 0] = -np.sin(angle), np.sin(angle)
    return jones, bad


def _full_leakage(values: np.ndarray, flags: np.ndarray, inverse: bool) -> tuple[np.ndarray, np.ndarray]:
    bad = np.asarray(flags.any(axis=-1))
    leak = np.where(bad[..., None], 0.0, values)
    jones = np.empty((*leak.shape[:-1], 2, 2), dtype=np.complex128)
    jones[..., 0, 0] = jones[..., 1, 1] = 1.0
    jones[..., 0, 1], jones[..., 1, 0] = leak[..., 0], leak[..., 1]
    if inverse:
        determinant = 1.0 - leak[..., 0] * leak[..., 1]
        jones[..., 0, 1], jones[..., 1, 0] = -leak[..., 0], -leak[..., 1]
        jones /= np.where(determinant == 0, 1.0, determinant)[..., None, None]
    return jones, bad


class ParallacticStage:
    """The turn of feeds against the sky, as their mounts make it: ``diag(exp(-iq), exp(iq))`` for circular feeds, a rotation for linear ones."""

    order = 8

    def __init__(self, ms: MeasurementSet) -> None:
        self._sky = SkyGeometry(ms)
        self._mounts = [a.mount for a in ms.metadata.antennas]
        self._receptor_rad = np.zeros(len(ms.metadata.antennas))
        for feed in ms.metadata.feeds:
            if feed.feed_id == 0 and feed.antenna_id < len(self._receptor_rad) and len(feed.receptor_angle_rad):
                self._receptor_rad[feed.antenna_id] = feed.receptor_angle_rad[0]

    def angles(self, times_s: np.ndarray, fields: np.ndarray) -> np.ndarray:
        """Angles (time, ant) [rad] of the receptors on the sky toward fields (time,) at times (time,)."""
        return self._sky.mount_angles(times_s, fields, self._mounts) + self._receptor_rad

    def matrices(self, times_s: np.ndarray, fields: np.ndarray, circular: bool) -> np.ndarray:
        """The matrices (time, ant, 2, 2) that turn the sky into the frame of the feeds."""
        angle = self.angles(times_s, fields)
        if circular:
            turn = np.exp(-1j * angle)
            nothing = np.zeros_like(turn)
            return np.stack([np.stack([turn, nothing], axis=-1), np.stack([nothing, turn.conj()], axis=-1)], axis=-2)
        cosine, sine = np.cos(angle).astype(np.complex128), np.sin(angle).astype(np.complex128)
        return np.stack([np.stack([cosine, sine], axis=-1), np.stack([-sine, cosine], axis=-1)], axis=-2)

    def stage(self, slots: Any, inverse: bool, circular: bool) -> Stage:
        """Matrices for the slots of a chunk."""
        jones = self.matrices(slots.times_s, slots.fields, circular)[:, :, None]
        if inverse:
            jones = jones.conj().swapaxes(-1, -2)
        if circular:
            jones = np.stack([jones[..., 0, 0], jones[..., 1, 1]], axis=-1)
            return Stage("diagonal", jones, np.zeros(jones.shape, dtype=bool), None, "P")
        return Stage("general", jones, np.zeros(jones.shape[:3], dtype=bool), None, "parallactic angle")
