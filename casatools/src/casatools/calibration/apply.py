"""Application of calibration to visibilities: the one place that does it.

`PriorCalibration` is the per-chunk stage that applycal, the solvers and the calibrater tool share.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from casatools._base.errors import DataError
from casatools._base.threads import over_rows
from casatools.calibration.callib import CalibrationLibrary
from casatools.calibration.stages import ParallacticStage, Stage, Term, make_terms

if TYPE_CHECKING:
    from casatools.io.ms import MeasurementSet, VisChunk

__all__ = ["PriorCalibration", "middle_weight"]

_RECEPTORS = {"R": 0, "L": 1, "X": 0, "Y": 1}


@dataclass(frozen=True)
class _Slots:
    """Distinct (time, field, observation, scan) of a chunk's rows and which one each row is."""

    times_s: np.ndarray
    fields: np.ndarray
    observations: np.ndarray
    scans: np.ndarray
    of_row: np.ndarray
    states: np.ndarray


def make_slots(chunk: VisChunk) -> _Slots:
    """The distinct times (with field, observation, scan) of a chunk."""
    keys = [chunk["TIME"], chunk["FIELD_ID"], chunk["OBSERVATION_ID"], chunk["SCAN_NUMBER"]]
    if "STATE_ID" in chunk.columns:
        keys.append(chunk["STATE_ID"])
    changed = np.zeros(len(chunk.rows), dtype=bool)
    for key in keys:
        changed[1:] |= key[1:] != key[:-1]
    if np.count_nonzero(changed) * 4 > len(changed):  # rows are not in time order: find the distinct combinations
        order = np.lexsort(keys[::-1])
        new = np.zeros(len(order), dtype=bool)
        for key in keys:
            new[1:] |= key[order][1:] != key[order][:-1]
        of_row = np.empty(len(order), dtype=np.int64)
        of_row[order] = np.cumsum(new)
        first = order[np.flatnonzero(np.concatenate([[True], new[1:]]))] if len(order) else order
    else:
        of_row = np.cumsum(changed)
        first = np.concatenate([[0], np.flatnonzero(changed)]).astype(np.int64) if len(changed) else np.zeros(0, dtype=np.int64)
    times, fields, observations, scans = (key[first] for key in keys[:4])
    states = keys[4][first] if len(keys) > 4 else np.full(len(first), -1)
    return _Slots(times, fields, observations, scans, of_row, states)


class PriorCalibration:
    """Calibration tables, ready to be applied to chunks of visibilities.

    Parameters
    ----------
    ms : MeasurementSet
    library : CalibrationLibrary
    parang : bool
        Correct for parallactic angle too.
    by_channel : bool
        Bandpasses scale the weight of each channel, as CASA's solves of channels take it, not that of rows.
    strict : bool
        Data for which a line of a calibration library has no solution are flagged too.

    Attributes
    ----------
    columns : tuple of str
        Columns that a chunk must hold beside the data.
    """

    columns: tuple[str, ...] = ("TIME", "FIELD_ID", "OBSERVATION_ID", "SCAN_NUMBER", "ANTENNA1", "ANTENNA2")

    def __init__(
        self,
        ms: MeasurementSet,
        library: CalibrationLibrary,
        parang: bool = False,
        by_channel: bool = False,
        strict: bool = False,
    ) -> None:
        self.library = library
        self.parang = parang
        self._metadata = ms.metadata
        self._by_channel = by_channel
        self._terms: list[Term] = make_terms(ms, library, by_channel, strict)
        self._parallactic = ParallacticStage(ms) if parang else None
        self._left_of: int | None = None
        if library.asks_for_states:
            self.columns = (*self.columns, "STATE_ID")

    @property
    def is_identity(self) -> bool:
        """True when there is nothing to apply."""
        return not self._terms and self._parallactic is None

    def acts(self, orders: tuple[int, int]) -> bool:
        """Whether a term has its place in the measurement equation in a half-open range."""
        places = [t.kind.order for t in self._terms]
        if self._parallactic is not None:
            places.append(self._parallactic.order)
        return any(orders[0] <= p < orders[1] for p in places)

    @property
    def scales_weights(self) -> bool:
        """Whether weights change; they then start from SIGMA."""
        return self.library.scales_weights

    @property
    def averages_weights(self) -> bool:
        """Whether a bandpass scales the weights of rows, by the middle one of its channels."""
        return (
            any(t.entry.scales_weights and t.kind.channels and t.kind.form == "diagonal" for t in self._terms)
            and not self._by_channel
        )

    def calibrates(self, spw: int) -> bool:
        """Whether every table has solutions for a spectral window; data of others pass through unchanged."""
        return self.library.calibrates(spw)

    def base_weight(self, sigma: np.ndarray) -> np.ndarray:
        """Weights that calibration starts from: ``1 / sigma**2``, zero where sigma is not positive."""
        safe = np.where(sigma > 0, sigma, 1.0)
        return np.where(sigma > 0, 1.0 / np.square(safe), 0.0).astype(np.float32)

    def correct(
        self,
        chunk: VisChunk,
        data: np.ndarray,
        flag: np.ndarray,
        weight: np.ndarray | None = None,
        *,
        set_flags: bool = True,
        orders: tuple[int, int] | None = None,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Correct visibilities.

        Parameters
        ----------
        chunk : VisChunk
            With `columns`.
        data : ndarray (row, chan, corr) complex64
            Changed in place when it is contiguous complex64.
        flag : ndarray (row, chan, corr) bool
            Changed in place.
        weight : ndarray (row, corr) or (row, chan, corr) float32, optional
        set_flags : bool
            Flag what has no usable solution; such data stay as they are in any case.
        orders : (int, int), optional
            Only terms whose place in the measurement equation is in this half-open range.

        Returns
        -------
        data, flag, weight

        Raises
        ------
        DataError
            A term needs four correlations and the data have fewer.
        """
        return self._apply(chunk, data, flag, weight, inverse=True, set_flags=set_flags, orders=orders)

    def weight_factors(self, chunk: VisChunk) -> np.ndarray:
        """What the tables multiply weights by: (row, chan or 1, corr), of those that scale weights."""
        slots = make_slots(chunk)
        frequency = self._metadata.spectral_windows[chunk.spw].chan_freq_hz[chunk.channels]
        scale: np.ndarray = np.ones((len(slots.times_s), 1, 1, 2))
        for term in self._terms:
            stage = term.stage(chunk, slots, frequency, True)
            if stage is not None and stage.weight_scale is not None:
                scale = scale * stage.weight_scale
        names = [self._metadata.polarizations[chunk.pol].names[c] for c in chunk.correlations]
        scale = np.broadcast_to(scale, (len(slots.times_s), len(self._metadata.antennas), *scale.shape[2:]))
        return _baseline_factors(scale, chunk, slots.of_row, _receptors(names))

    def corrupt(self, chunk: VisChunk, model: np.ndarray, *, orders: tuple[int, int] | None = None) -> np.ndarray:
        """Put the effects into model visibilities: the inverse of `correct`, from the sky side to the data."""
        flag = np.zeros(model.shape, dtype=bool)
        return self._apply(chunk, model, flag, None, inverse=False, set_flags=False, orders=orders)[0]

    def _apply(
        self,
        chunk: VisChunk,
        data: np.ndarray,
        flag: np.ndarray,
        weight: np.ndarray | None,
        *,
        inverse: bool,
        set_flags: bool,
        orders: tuple[int, int] | None,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        data = np.ascontiguousarray(data, dtype=np.complex64)
        flag = np.ascontiguousarray(flag)
        if self.is_identity or len(chunk.rows) == 0 or not self.calibrates(chunk.spw):
            return data, flag, weight
        slots = make_slots(chunk)
        low, high = orders or (-1, 1000)
        frequency = self._metadata.spectral_windows[chunk.spw].chan_freq_hz[chunk.channels]
        stages: list[Stage] = []
        scale: np.ndarray | None = None
        for term in self._terms:
            if not low <= term.kind.order < high:
                continue
            stage = term.stage(chunk, slots, frequency, inverse)
            if stage is None:
                continue
            if stage.weight_scale is not None and weight is not None:
                scale = stage.weight_scale if scale is None else scale * stage.weight_scale
            stages.append(stage)
        names = [self._metadata.polarizations[chunk.pol].names[c] for c in chunk.correlations]
        if self._parallactic is not None and low <= self._parallactic.order < high:
            stages.append(self._parallactic.stage(slots, inverse, circular=names[0][0] in "RL"))
        stages = _merge(stages)
        for stage in stages if inverse else stages[::-1]:
            _run(stage, chunk, data, flag, slots.of_row, names, set_flags)
        if scale is not None and weight is not None:
            weight = _scaled(weight, scale, chunk, slots.of_row, _receptors(names))
        return data, flag, weight


def _receptors(names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Receptor numbers of the two antennas in each correlation; Stokes I counts as both first."""
    first = np.array([_RECEPTORS.get(n[0], 0) for n in names], dtype=np.int64)
    second = np.array([_RECEPTORS.get(n[-1], 0) for n in names], dtype=np.int64)
    return first, second


def _merge(stages: list[Stage]) -> list[Stage]:
    """Join neighbouring diagonal stages, which commute, into one pass over the data."""
    merged: list[Stage] = []
    for stage in stages:
        if merged and stage.form == "diagonal" and merged[-1].form == "diagonal":
            merged[-1] = Stage("diagonal", merged[-1].jones * stage.jones, merged[-1].bad | stage.bad)
        else:
            merged.append(stage)
    return merged


def _run(
    stage: Stage, chunk: VisChunk, data: np.ndarray, flag: np.ndarray, slot: np.ndarray, names: list[str], set_flags: bool
) -> None:
    from casatools.kernels.cal_apply import (  # compiled kernels: not loaded where nothing is applied
        apply_additive,
        apply_diagonal,
        apply_general,
        apply_leakage,
        apply_multiplicative,
    )  # fmt: skip

    if stage.lost is not None and set_flags:
        flag[stage.lost[slot]] = True
    jones = np.ascontiguousarray(stage.jones, dtype=np.complex64)
    bad = np.ascontiguousarray(stage.bad)
    if stage.form in ("multiplicative", "additive"):
        assert stage.slot_of_row is not None
        rows: tuple[np.ndarray, ...] = (data, flag, stage.slot_of_row)
    else:
        rows = (data, flag, chunk["ANTENNA1"], chunk["ANTENNA2"], slot)

    def apply(kernel: Callable[..., None], *further: object) -> None:
        over_rows(lambda a, b: kernel(*(r[a:b] for r in rows), jones, bad, *further, set_flags), len(data))

    first, second = _receptors(names)
    if stage.form == "diagonal":
        apply(apply_diagonal, first, second)
    elif stage.form == "multiplicative":
        index = first if jones.shape[-1] == 2 else np.arange(len(names)) % jones.shape[-1]
        apply(apply_multiplicative, index.astype(np.int64))
    elif stage.form == "additive":
        index = np.where(first == second, first if jones.shape[-1] == 2 else 0, -1)
        if jones.shape[-1] == 4:
            index = np.asarray(chunk.correlations)
        apply(apply_additive, index.astype(np.int64))
    elif len(names) != 4:
        if stage.form == "leakage":
            return  # first-order leakage acts on the cross hands only, and there are none
        raise DataError(f"{stage.name} calibration needs all four correlations; the data have {', '.join(names)}")
    else:
        apply(apply_leakage if stage.form == "leakage" else apply_general)


def _scaled(
    weight: np.ndarray, scale: np.ndarray, chunk: VisChunk, slot: np.ndarray, receptors: tuple[np.ndarray, np.ndarray]
) -> np.ndarray:
    """Weights times the scale (slot, ant, chan or 1, 2) of both antennas.

    Weights without channels are the middle ones of those by channel; of an even number, the lower of the two in the middle.
    """
    factor = _baseline_factors(scale, chunk, slot, receptors)
    if weight.ndim == 3:
        return (weight * factor).astype(np.float32)
    return middle_weight(weight[:, None, :] * factor)


def _baseline_factors(
    scale: np.ndarray, chunk: VisChunk, slot: np.ndarray, receptors: tuple[np.ndarray, np.ndarray]
) -> np.ndarray:
    """Products (row, chan or 1, corr) of the scales (slot, ant, chan or 1, 2) of both antennas."""
    first, second = receptors
    return np.asarray(scale[slot, chunk["ANTENNA1"]][..., first] * scale[slot, chunk["ANTENNA2"]][..., second])


def middle_weight(weight: np.ndarray) -> np.ndarray:
    """Median over channels (row, corr) float32 of weights (row, chan, corr): of an even number the lower of the two in the middle."""
    if weight.shape[1] == 1:
        return weight[:, 0].astype(np.float32)
    half = (weight.shape[1] - 1) // 2
    return np.partition(weight.astype(np.float32), half, axis=1)[:, half]
