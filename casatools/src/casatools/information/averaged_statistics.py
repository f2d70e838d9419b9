"""Statistics of visibilities that are averaged in time on their way: nothing is written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from casatools._base.errors import ParameterError
from casatools.information.visibility_statistics import (
    COLUMN_NAMES,
    VISIBILITY,
    StatisticsGroup,
    VisibilityStatisticsOptions,
    part_of,
)
from casatools.io.ms import MeasurementSet, Selection
from casatools.kernels.average import BIN_SLACK
from casatools.transform.blocks import Block
from casatools.transform.parameters import parse_span, parse_timebin_s
from casatools.transform.pipeline import Job, TimeAverage, TransformOptions, output_blocks, prepare

__all__ = ["TimeAveraging", "averaged_statistics"]

_AXIS_COLUMN = {"ddid": "DATA_DESC_ID", "field": "FIELD_ID", "scan": "SCAN_NUMBER", "array": "ARRAY_ID"}
# A bin of no length holds one integration.
_SHORTEST_S = 1e-6
_SAME_TIME_S = 1e-3


@dataclass(frozen=True)
class TimeAveraging:
    """How visibilities are averaged before.

    Attributes
    ----------
    timebin : str or float
        Length of the bins; 0 s averages nothing.
    timespan : str or list of str
        Which of scan and state a bin may cross.
    max_uvw_m : float
        How far a baseline may move within a bin; 0 for any distance.
    """

    timebin: Any = "0s"
    timespan: Any = ""
    max_uvw_m: float = 0.0

    def __post_init__(self) -> None:
        if self.max_uvw_m < 0:
            raise ParameterError(f"parameter 'maxuvwdistance' must be at least 0 m; got {self.max_uvw_m}")

    @property
    def bin_s(self) -> float:
        """Length of the bins, [s]."""
        return max(parse_timebin_s(self.timebin), _SHORTEST_S)

    @property
    def span(self) -> frozenset[str]:
        """What bins may cross."""
        return frozenset(parse_span(self.timespan, "timespan", ("scan", "state")))


class _Records:
    """The records that are reported: one for each combination of IDs and each stretch of a bin's length."""

    def __init__(self, job: Job, axes: tuple[str, ...], averaging: TimeAveraging) -> None:
        wanted = {_AXIS_COLUMN[a] for a in axes if a in _AXIS_COLUMN}
        wanted |= {c for s, c in (("scan", "SCAN_NUMBER"), ("state", "STATE_ID")) if s not in averaging.span}
        self.names = tuple(sorted(wanted))
        rows = job.resolved.rows
        if job.options.rows is not None:
            rows = np.intersect1d(rows, job.options.rows, assume_unique=True)
        columns = [np.asarray(job.ms.read(n, rows)).astype(np.int64) for n in self.names]
        time_s, interval_s = (np.asarray(job.ms.read(n, rows)) for n in ("TIME", "INTERVAL"))
        keys = np.stack([*columns, np.zeros(len(rows), np.int64)], axis=1)
        unique, which = np.unique(keys, axis=0, return_inverse=True)
        self._stretches: dict[tuple[int, ...], np.ndarray] = {}
        for k, key in enumerate(unique):
            begins = np.unique((time_s - interval_s / 2)[np.ravel(which) == k])
            self._stretches[tuple(key[:-1].tolist())] = _stretches(begins, averaging.bin_s)
        self.groups: dict[tuple[float, ...], StatisticsGroup] = {}
        self.rows: dict[tuple[float, ...], int] = {}

    def of_rows(self, block: Block) -> Iterator[tuple[tuple[float, ...], np.ndarray]]:
        """Keys of the records that the rows of a block go to, and which rows."""
        rows = {**block.rows, "DATA_DESC_ID": np.full(block.nrow, block.ddid)}
        begin = rows["TIME"] - rows["INTERVAL"] / 2
        ids = np.stack([*(rows[n].astype(np.int64) for n in self.names), np.zeros(block.nrow, np.int64)], axis=1)
        unique, which = np.unique(ids, axis=0, return_inverse=True)
        for k, key in enumerate(unique):
            mine = np.flatnonzero(np.ravel(which) == k)
            starts = self._stretches[tuple(key[:-1].tolist())]
            place = np.clip(np.searchsorted(starts, begin[mine] + _SAME_TIME_S) - 1, 0, len(starts) - 1)
            for p in np.unique(place):
                yield (*key[:-1].tolist(), float(starts[p])), mine[place == p]

    def text(self, key: tuple[float, ...]) -> str:
        """CASA's name of a record."""
        return ",".join([*(f"{n}={int(v)}" for n, v in zip(self.names, key)), f"TIME={key[-1]:.6f}"])


def _stretches(begins: np.ndarray, bin_s: float) -> np.ndarray:
    """Where stretches of at most `bin_s` begin, each at the first time that the one before does not hold."""
    starts = [float(begins[0])]
    while (at := int(np.searchsorted(begins, starts[-1] + bin_s * BIN_SLACK))) < len(begins):
        starts.append(float(begins[at]))
    return np.array(starts)


def averaged_statistics(
    ms: MeasurementSet,
    selection: Selection,
    options: VisibilityStatisticsOptions,
    averaging: TimeAveraging,
    within: np.ndarray | None = None,
) -> dict[str, dict[str, Any]]:
    """Statistics of what a time average gives, one record for each combination of the reporting axes and each bin.

    Parameters
    ----------
    ms : MeasurementSet
    selection : Selection
    options : VisibilityStatisticsOptions
    averaging : TimeAveraging
    within : ndarray (row,) int64, optional
        Rows that were chosen before: the selection is made among them.

    Returns
    -------
    dict
        ``{"DATA_DESC_ID=0,SCAN_NUMBER=1,STATE_ID=0,TIME=5063402315.587278": {...}, ...}``: scan and state are told unless bins may
        cross them, TIME is the beginning of the bin [s].

    Notes
    -----
    The average is that of mstransform: weighted, flagged data only where there is nothing else.
    """
    column = options.column.upper()
    name = COLUMN_NAMES.get(column, VISIBILITY.get(column, column))
    ms.require(name)
    source = next((c for c in (name, "DATA", "CORRECTED_DATA", "FLOAT_DATA") if c in VISIBILITY and ms.has(c)), "DATA")
    average = TimeAverage(averaging.bin_s, averaging.span, averaging.max_uvw_m, as_given=True)
    wanted = source.replace("_DATA", "").lower() if source != "FLOAT_DATA" else "float_data"
    job = prepare(ms, TransformOptions(selection=selection, datacolumn=wanted, time_average=average, reindex=False, rows=within))
    records = _Records(job, options.reporting_axes, averaging)
    for block in output_blocks(job):
        values = _values(block, name, options)
        good = _good(block, values, name, options)
        for key, rows in records.of_rows(block):
            group = records.groups.setdefault(key, StatisticsGroup())
            begin = records.rows.get(key, 0)
            records.rows[key] = begin + len(rows)
            _add(group, block, values[rows], good[rows], rows, begin, options)
    return {records.text(key): records.groups[key].record(options) for key in sorted(records.groups)}


def _values(block: Block, name: str, options: VisibilityStatisticsOptions) -> np.ndarray:
    """Values of a column of the averaged rows."""
    if name in VISIBILITY:
        return part_of(next(iter(block.data.values())), options.complex_value)
    if name == "UVW":
        uvw = block.rows["UVW"]
        return np.hypot(uvw[:, 0], uvw[:, 1]) if options.column.upper() == "UVRANGE" else uvw
    own = {
        "FLAG": block.flag, "WEIGHT": block.weight, "SIGMA": block.sigma, "DATA_DESC_ID": np.full(block.nrow, block.ddid),
        "WEIGHT_SPECTRUM": np.broadcast_to(block.data_weight, block.flag.shape),
    }  # fmt: skip
    if name == "SIGMA_SPECTRUM":
        weight = np.broadcast_to(block.data_weight, block.flag.shape).astype(np.float64)
        return np.where(weight > 0, 1.0 / np.sqrt(np.where(weight > 0, weight, 1.0)), -1.0)
    values = np.asarray(own[name] if name in own else block.rows[name])
    return values.astype(np.float64) if values.dtype.kind in "iub" else values


def _good(block: Block, values: np.ndarray, name: str, options: VisibilityStatisticsOptions) -> np.ndarray:
    """Which values count."""
    if not options.use_flags:
        return np.ones(values.shape, bool)
    if values.shape == block.flag.shape:
        return ~block.flag
    row_good = ~block.flag.all(axis=(1, 2))
    return np.broadcast_to(row_good.reshape(-1, *([1] * (values.ndim - 1))), values.shape)


def _add(
    group: StatisticsGroup,
    block: Block,
    values: np.ndarray,
    good: np.ndarray,
    rows: np.ndarray,
    begin: int,
    options: VisibilityStatisticsOptions,
) -> None:
    weights: np.ndarray | None = None
    if options.use_weights:
        if values.shape[1:] != block.flag.shape[1:]:
            raise ParameterError("weights apply to visibilities only; give useweights=False for this column")
        weights = np.broadcast_to(block.data_weight, block.flag.shape)[rows].astype(np.float64)
        good = good & (weights > 0)
    position = np.flatnonzero(good)
    if not len(position):
        return
    offset = begin * int(np.prod(values.shape[1:], dtype=int))
    group.add(
        values[good],
        None if weights is None else weights[good],
        np.zeros(len(position), np.int64),
        position + offset,
        options.quantiles,
    )
